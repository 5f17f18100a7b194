"""Live data: complete in spite of a server that misbehaves, resumable, and the key nowhere."""

import errno
import gzip
import hashlib
import io
import json
import logging
import random
import string
import time
import zipfile
from pathlib import Path

import pytest
import requests
from files import LIEGE, LORRAINE, MAASTRICHT, OPENALEX, assert_same
from openalex_server import BODIES, FAULTS, KEY, Server, http_date, serving, work

import collabnet as cn
from collabnet import fetch
from collabnet.cli import main

WORKS = [work(number) for number in range(1, 1235)]
BULK = "".join(random.Random(0).choices(string.ascii_letters, k=400_000))
ORGANIZATION = "projectID;organisationID;role;country\n1;999976105;coordinator;BE\n"
ROR = [{"id": "https://ror.org/00afp2z80", "names": [{"value": "Liège", "types": ["ror_display"]}]}]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """Our key, and no other server than the one a test names."""
    monkeypatch.setenv("OPENALEX_API_KEY", KEY)
    monkeypatch.setattr(fetch, "SERVERS", dict.fromkeys(fetch.SERVERS, "http://nowhere.invalid"))


@pytest.fixture
def hurry(monkeypatch):
    """Give up an answer after a tenth of a second."""
    monkeypatch.setattr(fetch, "TIMEOUT", 0.1)


@pytest.fixture
def naps():
    return []


@pytest.fixture
def get(naps, tmp_path):
    """Fetch from a server without sleeping."""

    def run(server, institution=LIEGE, out=tmp_path / "raw", **options):
        return cn.fetch_openalex(institution, out, base=server.base, sleep=naps.append, **options)

    return run


@pytest.fixture
def dump(naps, tmp_path):
    def run(server, name="ror"):
        return fetch.fetch_dump(name, tmp_path / "raw", base=server.base, sleep=naps.append)

    return run


def refused(run, server, said, **options):
    with pytest.raises(cn.FetchError, match=said):
        run(server, **options)


def fetched(folder):
    with gzip.open(folder / "raw" / "works.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def ids(works):
    return [w["id"].removeprefix(OPENALEX) for w in works]


def packed(name="v2.9-ror-data.json", text=None, **others):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(name, text or json.dumps(ROR))
        for other, content in others.items():
            archive.writestr(f"{other}.csv", content)
    return memory.getvalue()


# OpenAlex: complete


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("seed", range(3))
def test_ten_percent_of_every_fault_lose_and_double_nothing(seed, get, tmp_path):
    with serving(WORKS, faults=FAULTS, chance=0.1, seed=seed) as server:
        entry = get(server)
    assert ids(fetched(tmp_path)) == ids(WORKS)
    assert (entry["works"], entry["stated"], entry["duplicates"]) == (1234, 1234, 0)
    assert len(set(server.committed)) > 4


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_ends_after_ten_tries_in_one_sentence(fault, get, naps):
    with serving(WORKS[:3], faults=[fault]) as server:
        with pytest.raises(cn.FetchError, match=r"no usable answer in 10 tries; at last .+ kept"):
            get(server)
        assert len(server.asked) == 10 + (fault == "cursor")
    assert len(naps) == 9


def test_the_works_asked_for_are_those_of_the_institution_in_these_years(get, tmp_path):
    with serving(WORKS) as server:
        get(server, years=(2017, 2016))
    years = {w["publication_year"] for w in fetched(tmp_path)}
    assert (years, len(fetched(tmp_path))) == ({2016, 2017}, 206)


def test_several_institutions_and_their_children_are_one_question(get):
    with serving(WORKS[:9]) as server:
        entry = get(server, f"https://ror.org/{LORRAINE}, {LIEGE},i34352273", years=(2020, 2020))
    bodies = f"{BODIES[LIEGE]}|{BODIES[LORRAINE]}|I34352273"
    asked = f"authorships.institutions.lineage:{bodies},publication_year:2020-2020"
    assert entry["filter"] == asked
    assert entry["query"] == {"institutions": [LIEGE, LORRAINE, "I34352273"], "years": [2020, 2020]}


def test_pages_hold_a_hundred_works_of_the_fields_the_reader_reads(get, tmp_path):
    with serving(WORKS[:150]) as server:
        get(server)
        queries = [query for path, query, _ in server.asked if path == "/works"]
    assert [query["per_page"] for query in queries] == ["100"] * 3
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, WORKS[:150])), encoding="utf-8")
    chosen = cn.read(tmp_path / "raw" / "works.jsonl.gz")
    assert_same(cn.read(tmp_path / "all.jsonl"), chosen)


def test_a_work_cut_at_a_hundred_authors_is_asked_for_singly(get, tmp_path):
    works = [work(1, authors=377), work(2, authors=100), work(3, authors=99)]
    with serving(works) as server:
        entry = get(server)
        assert [path for path, *_ in server.asked][2:4] == ["/works/W1", "/works/W2"]
    assert [len(w["authorships"]) for w in fetched(tmp_path)] == [377, 100, 99]
    assert entry["refetched"] == 2
    assert not cn.read(tmp_path / "raw").activities["truncated"].any()


def test_a_cut_work_that_is_gone_stays_as_it_is_and_is_listed(get, tmp_path):
    with serving([work(1, authors=120)], singles={}) as server:
        assert get(server)["still_cut"] == ["W1"]
    assert cn.read(tmp_path / "raw").activities["truncated"].tolist() == [True]


def test_a_merged_work_is_kept_once_under_its_new_id(get, tmp_path):
    works = [work(1, authors=120), work(2, authors=3)]
    with serving(works, merged={"W1": "W2"}) as server:
        entry = get(server)
    assert ids(fetched(tmp_path)) == ["W2"]
    assert (entry["merged"], entry["duplicates"]) == ({"W1": "W2"}, 1)


def test_of_a_work_that_comes_twice_the_newest_version_stays(get, tmp_path):
    newer = work(5, title="newer", updated_date="2026-02-01T00:00:00")
    older = work(7, title="older", updated_date="2025-02-01T00:00:00")
    with serving([*WORKS[:150], newer, older]) as server:
        entry = get(server)
    titles = {w["id"].removeprefix(OPENALEX): w["title"] for w in fetched(tmp_path)}
    assert (titles["W5"], titles["W7"], len(titles)) == ("newer", "Été 7", 150)
    assert (entry["works"], entry["duplicates"]) == (150, 2)


def test_retracted_works_are_kept_and_counted(get, tmp_path):
    with serving(WORKS[:200]) as server:
        assert get(server)["retracted"] == 2
    assert cn.read(tmp_path / "raw").activities["retracted"].sum() == 2


def test_an_institution_without_works_gives_an_empty_file(get, tmp_path):
    with serving(WORKS[:9]) as server:
        assert get(server, LORRAINE)["works"] == 0
    assert fetched(tmp_path) == []


def test_the_manifest_says_what_was_asked_when_and_what_came(get, tmp_path):
    with serving(WORKS[:9]) as server:
        entry = get(server)
    manifest = json.loads((tmp_path / "raw" / "manifest.json").read_bytes())["openalex"]
    assert entry == manifest | {"already": False}
    content = (tmp_path / "raw" / "works.jsonl.gz").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert manifest["files"] == {"works.jsonl.gz": {"sha256": digest, "bytes": len(content)}}
    assert manifest["collabnet"] == cn.__version__
    assert manifest["fetched_at"].endswith("+00:00")


def test_the_same_works_give_the_same_file_at_another_time(get, tmp_path, monkeypatch):
    with serving(WORKS[:150]) as server:
        first = get(server, out=tmp_path / "a")["files"]
        monkeypatch.setattr(time, "time", lambda: 1e9)
        assert get(server, out=tmp_path / "b")["files"] == first


def test_ingest_reads_the_folder_without_any_option(get, tmp_path, capsys):
    with serving(WORKS[:150]) as server:
        get(server)
    assert main(["ingest", str(tmp_path / "raw"), "--out", str(tmp_path / "store")]) == 0
    assert cn.read(tmp_path / "store").counts()["work"] == 150
    assert (
        "works.jsonl.gz: openalex, 150 read, 150 kept, 0 in quarantine" in capsys.readouterr().out
    )


# waiting


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), ("0.5", 0.5), ("0", 0)])
def test_the_wait_the_server_asks_for_is_kept(said, seconds, get, naps):
    headers = {"Retry-After": said}
    with serving(WORKS[:3], faults=["429 without"], headers=headers) as server:
        refused(get, server, "10 tries")
    assert naps == [seconds] * 9


def test_a_wait_until_a_date_is_kept(get, naps):
    headers = {"Retry-After": http_date(90)}
    with serving(WORKS[:3], faults=["500"], headers=headers) as server:
        refused(get, server, "10 tries")
    assert all(80 < nap <= 90 for nap in naps)


def test_with_nothing_left_the_wait_is_until_the_reset(get, naps):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "42"}
    with serving(WORKS[:3], faults=["429 without"], headers=headers) as server:
        refused(get, server, "10 tries")
    assert naps == [42] * 9


def test_without_a_word_from_the_server_waits_double_with_jitter(get, naps):
    with serving(WORKS[:3], faults=["500"]) as server:
        refused(get, server, "10 tries")
    longest = [min(2**turn, 60) for turn in range(9)]
    assert all(top / 2 <= nap <= top for nap, top in zip(naps, longest, strict=True))
    assert any(nap != top for nap, top in zip(naps, longest, strict=True))


def test_a_used_up_allowance_ends_at_once_and_says_until_when(get, naps):
    headers = {"X-RateLimit-Remaining": "3", "X-RateLimit-Credits-Required": "10"}
    headers |= {"X-RateLimit-Reset": "36000"}
    with serving(WORKS[:3], faults=["429 without"], headers=headers) as server:
        with pytest.raises(cn.FetchError, match=r"used up until 20\d\d-\d\d-\d\d \d\d:\d\d UTC"):
            get(server)
        assert len(server.asked) == 1
    assert naps == []


# stopping and going on


def test_with_an_expired_key_the_command_says_so_and_a_new_key_goes_on(
    tmp_path, monkeypatch, capsys
):
    arguments = ["fetch", "openalex", "--out", str(tmp_path / "raw")]
    with serving(WORKS, keys={KEY, "n3w-key"}, stop_after=6) as server:
        monkeypatch.setenv("COLLABNET_OPENALEX_URL", server.base)
        assert main(arguments) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "(HTTP 401: " in said
        assert "set OPENALEX_API_KEY to a key that is valid" in said
        assert list((tmp_path / "raw").glob("[!.]*")) == []
        monkeypatch.setenv("OPENALEX_API_KEY", "n3w-key")
        assert main(arguments) == 0
        assert len(server.lists()) == len(set(server.lists())) == 14
    assert ids(fetched(tmp_path)) == ids(WORKS)
    said = "1,234 works of 1,234 stated, 12 retracted, 0 refetched, 0 still cut, 0 merged, "
    assert capsys.readouterr().out.splitlines()[1] == said + "0 duplicates"


@pytest.mark.parametrize("at", range(1, 6))
def test_a_fetch_killed_while_it_writes_goes_on(at, get, tmp_path, monkeypatch):
    put, done = fetch._put, []

    def killed(path, content):
        done.append(path.name)
        if len(done) == at:
            raise KeyboardInterrupt
        put(path, content)

    with serving([*WORKS[:120], work(3)]) as server:
        monkeypatch.setattr(fetch, "_put", killed)
        with pytest.raises(KeyboardInterrupt):
            get(server)
        monkeypatch.setattr(fetch, "_put", put)
        get(server)
    assert ids(fetched(tmp_path)) == ids(WORKS[:120])
    assert {p.name for p in (tmp_path / "raw").iterdir()} == {"works.jsonl.gz", "manifest.json"}


def test_a_fetch_killed_before_its_file_has_its_name_goes_on(get, tmp_path, monkeypatch):
    replace = Path.replace

    def killed(path, target):
        if target.name == "works.jsonl.gz":
            raise KeyboardInterrupt
        return replace(path, target)

    with serving(WORKS[:120]) as server:
        monkeypatch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            get(server)
        monkeypatch.setattr(Path, "replace", replace)
        before = len(server.asked)
        assert get(server)["works"] == 120
        assert len(server.asked) == before
    assert ids(fetched(tmp_path)) == ids(WORKS[:120])


def test_a_finished_fetch_says_so_and_asks_nothing(tmp_path, monkeypatch, capsys):
    arguments = ["fetch", "openalex", "--years", "2020", "--out", str(tmp_path / "raw")]
    with serving(WORKS[:30]) as server:
        monkeypatch.setenv("COLLABNET_OPENALEX_URL", server.base)
        assert main(arguments) == 0
        before = len(server.asked)
        capsys.readouterr()
        assert main(arguments) == 0
        assert len(server.asked) == before
    assert "left as it is" in capsys.readouterr().out


@pytest.mark.parametrize("finished", [True, False])
def test_another_query_in_the_same_folder_is_refused(finished, get):
    with serving(WORKS[:150], stop_after=None if finished else 2) as server:
        if finished:
            get(server)
        else:
            refused(get, server, "HTTP 401")
        refused(get, server, r"is of another query, .*Name another one", years=(2020, 2021))


@pytest.mark.parametrize("name", ["notes.txt", "works.jsonl.gz", "manifest.json"])
def test_a_folder_that_holds_something_else_is_refused(name, get, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / name).write_text('{"entries": 3}', encoding="utf-8")
    with (
        serving() as server,
        pytest.raises(cn.FetchError, match=f"no fetch wrote the {name} in it"),
    ):
        get(server)


# the key


def test_the_key_is_in_a_header_and_in_nothing_that_is_written_or_said(
    get, tmp_path, monkeypatch, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    with serving([*WORKS[:20], work(3000, authors=120)]) as server:
        get(server)
        assert all(KEY not in path and KEY not in str(query) for path, query, _ in server.asked)
        assert all(headers["Authorization"] == f"Bearer {KEY}" for *_, headers in server.asked)
        server.keys = set()
        monkeypatch.setenv("COLLABNET_OPENALEX_URL", server.base)
        assert main(["fetch", "openalex", "--out", str(tmp_path / "stopped")]) == 2
    said = capfd.readouterr()
    assert "API key not found: …" in said.err
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    written += b"".join(gzip.decompress(p.read_bytes()) for p in tmp_path.rglob("*.gz"))
    assert KEY not in said.out + said.err + caplog.text + written.decode(errors="ignore")


def test_a_netrc_does_not_take_the_place_of_the_key(get, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("default login me password mine\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serving(WORKS[:3]) as server:
        assert get(server)["works"] == 3


def test_a_key_that_cannot_be_one_is_refused_without_being_shown(monkeypatch):
    monkeypatch.setenv("OPENALEX_API_KEY", "abc\ndef")
    with pytest.raises(cn.FetchError, match="OPENALEX_API_KEY holds") as error:
        cn.fetch_openalex(LIEGE)
    assert "def" not in str(error.value)


# what it will cost


def test_the_count_asks_one_paid_question_and_leaves_no_folder(tmp_path, monkeypatch, capsys):
    with serving(WORKS) as server:
        monkeypatch.setenv("COLLABNET_OPENALEX_URL", server.base)
        monkeypatch.chdir(tmp_path)
        assert main(["fetch", "openalex", "--institution", LIEGE, "--count"]) == 0
        asked = [(path, query.get("per_page")) for path, query, _ in server.asked]
    assert asked == [(f"/institutions/ror:{LIEGE}", None), ("/works", "1")]
    said = "1,234 works in 14 calls: 0.0014 USD (stated by the server), 0.9 USD left today."
    assert capsys.readouterr().out.startswith(said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("stated", "usd", "price"),
    [("meta", 0.0028, "stated by the server"), (None, 0.0014, "price list of 2026")],
)
def test_the_price_is_that_of_the_answer_else_of_the_list(stated, usd, price, get):
    with serving(WORKS, stated=stated) as server:
        facts = get(server, count_only=True)
    assert (facts["usd"], facts["price"], facts["left_usd"]) == (usd, price, None)


def test_a_real_answer_of_openalex_is_understood(real):
    answer = requests.Response()
    answer._content = (real / "openalex_works" / "vcr_biodiv_finance_page01.json").read_bytes()
    facts = fetch._price(answer)
    assert (facts["works"], facts["calls"], facts["usd"]) == (429, 6, 0.0006)
    assert facts["price"] == "stated by the server"


# what cannot be fetched


def test_an_institution_openalex_does_not_know_is_named(get):
    with serving() as server, pytest.raises(cn.FetchError, match="knows no institution 04xfq0f34"):
        get(server, "04xfq0f34")


@pytest.mark.parametrize("text", ["Liège", "999976105", "uliege.be", f"{LIEGE},Maastricht"])
def test_what_is_no_ror_id_is_refused(text):
    with pytest.raises(cn.FetchError, match="is no ROR id"):
        cn.fetch_openalex(text)


def test_a_question_the_server_does_not_accept_is_not_repeated(get, monkeypatch, naps):
    monkeypatch.setattr(fetch, "FIELDS", "id,authors_count")
    message = "HTTP 400: .*authors_count is not a valid select field.*does not accept"
    with serving(WORKS[:3]) as server, pytest.raises(cn.FetchError, match=message):
        get(server)
    assert naps == []


def test_a_server_that_is_not_there_is_said_in_a_sentence(get, naps):
    server = Server()
    server.server_close()
    with pytest.raises(cn.FetchError, match="at last the connection failed"):
        get(server)
    assert len(naps) == 9


def test_a_network_without_names_is_said_at_once(naps):
    with pytest.raises(cn.FetchError, match=r"nowhere\.invalid: no such name; is the"):
        cn.fetch_openalex(LIEGE, count_only=True, sleep=naps.append)
    assert naps == []


def test_a_certificate_that_is_not_trusted_is_said_at_once(monkeypatch, naps):
    def refuse(*_, **__):
        raise requests.exceptions.SSLError("SSLCertVerificationError(1, '[SSL: CERT…')")

    monkeypatch.setattr(requests.Session, "get", refuse)
    with pytest.raises(cn.FetchError, match="its certificate is not trusted"):
        cn.fetch_openalex(LIEGE, count_only=True, sleep=naps.append)
    assert naps == []


def test_a_full_disk_is_said_and_the_fetch_goes_on_when_there_is_room(get, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    put = fetch._put
    with serving(WORKS[:3]) as server:
        monkeypatch.setattr(fetch, "_put", full)
        refused(get, server, "the disk is full")
        monkeypatch.setattr(fetch, "_put", put)
        assert get(server)["works"] == 3


def test_a_folder_that_is_a_file_is_said(get, tmp_path):
    (tmp_path / "raw").touch()
    with serving() as server, pytest.raises(cn.FetchError, match="cannot be written"):
        get(server)


def test_no_bar_is_drawn_where_stderr_is_no_terminal(get, dump, capfd):
    with serving(WORKS[:3], files={"v2.9-ror-data.zip": packed()}) as server:
        get(server)
        dump(server)
    assert capfd.readouterr() == ("", "")


# dumps


def test_the_newest_ror_release_is_fetched_checked_and_read(dump, tmp_path):
    content = packed()
    with serving(files={"notes.txt": b"-", "v2.9-ror-data.zip": content}) as server:
        entry = dump(server)
    assert entry["md5"] == hashlib.md5(content).hexdigest()  # noqa: S324
    assert list(entry["files"]) == ["v2.9-ror-data.zip"]
    assert cn.read(tmp_path / "raw").institutions["institution_id"].tolist() == [LIEGE]


@pytest.mark.parametrize(
    ("programme", "file"), [("fp7", "fp7"), ("h2020", "h2020"), ("horizon", "HORIZON")]
)
def test_a_programme_of_cordis_is_fetched_and_its_participations_are_read(
    programme, file, tmp_path, monkeypatch, capsys
):
    content = packed("project.csv", "id;objective\n" + "1;long\n" * 99, organization=ORGANIZATION)
    arguments = ["fetch", "cordis", "--programme", programme, "--out", str(tmp_path / "raw")]
    with serving(files={f"cordis-{file}projects-csv.zip": content}) as server:
        monkeypatch.setenv("COLLABNET_CORDIS_URL", server.base)
        assert main(arguments) == 0
    assert hashlib.sha256(content).hexdigest() in capsys.readouterr().out
    assert cn.read(tmp_path / "raw").participants["institution_id"].tolist() == ["pic:999976105"]


def test_all_three_sources_share_a_folder(get, dump, tmp_path):
    files = {"v2.9-ror-data.zip": packed()}
    files["cordis-h2020projects-csv.zip"] = packed("organization.csv", ORGANIZATION)
    with serving(WORKS[:3], files=files) as server:
        get(server)
        dump(server)
        dump(server, "cordis-h2020")
        assert get(server)["already"]
    records = cn.read(tmp_path / "raw")
    assert (records.counts()["work"], records.counts()["project"]) == (3, 1)


def test_a_cut_download_goes_on_where_it_was_cut(dump, tmp_path):
    content = packed(filler=BULK)
    with serving(files={"v2.9-ror-data.zip": content}, cut_at=[100_000, 150_000]) as server:
        dump(server)
    kept = [1 << 16, 3 << 16]  # whole blocks of 64 KiB
    assert [start for start, _ in server.sent] == [0, *kept]
    assert (tmp_path / "raw" / "v2.9-ror-data.zip").read_bytes() == content


def test_a_download_stopped_for_good_goes_on_at_the_next_command(dump, tmp_path):
    content = packed(filler=BULK)
    cuts = [1 << 16] + [0] * 9
    with serving(files={"v2.9-ror-data.zip": content}, cut_at=cuts) as server:
        refused(dump, server, "its answer broke off")
        assert list((tmp_path / "raw").glob("[!.]*")) == []
        dump(server)
    assert server.sent[-1] == (1 << 16, len(content) - (1 << 16))
    assert (tmp_path / "raw" / "v2.9-ror-data.zip").read_bytes() == content


def test_a_part_that_begins_elsewhere_is_not_taken(dump, tmp_path):
    name, content = "v2.9-ror-data.zip", packed(filler=BULK)
    with serving(files={name: content}, cut_at=[1 << 16], ranges="from zero") as server:
        dump(server)
    assert [start for start, _ in server.sent] == [0, 0, 0]
    assert (tmp_path / "raw" / name).read_bytes() == content


@pytest.mark.parametrize("server", [{"ranges": False}, {"tag": ""}, {"ranges": "blind"}, {}])
def test_a_download_starts_anew_where_the_server_cannot_go_on(server, dump, tmp_path):
    name, content = "v2.9-ror-data.zip", packed(filler=BULK)
    cuts = [1 << 16] + [0] * 9
    with serving(files={name: packed(filler=BULK, more="x")}, cut_at=cuts, **server) as api:
        refused(dump, api, "its answer broke off")
        api.files[name], api.tag = content, api.tag and '"two"'
        api.sent.clear()
        dump(api)
    tried = [1 << 16] if api.ranges == "blind" else []
    assert [start for start, _ in api.sent] == [*tried, 0]
    assert (tmp_path / "raw" / name).read_bytes() == content


@pytest.mark.parametrize("wrong", [{"md5": "0" * 32}, {"files": {"v2.9-ror-data.zip": b"<html>"}}])
def test_a_damaged_dump_is_deleted_and_said(wrong, dump, tmp_path):
    with serving(**({"files": {"v2.9-ror-data.zip": packed()}} | wrong)) as server:
        refused(dump, server, "damaged on its way, and deleted")
    assert list((tmp_path / "raw").iterdir()) == []


def test_a_dump_that_is_there_is_left_as_it_is(dump):
    with serving(files={"v2.9-ror-data.zip": packed()}) as server:
        dump(server)
        before = len(server.asked)
        assert dump(server)["already"]
        assert len(server.asked) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cordis"], "Unknown dump 'cordis-'. Did you mean"),
        (["cordis", "--programme", "fp6"], "Did you mean 'cordis-fp7'"),
        (["ror", "--count"], "fetch ror has no --count"),
        (["openalex", "--programme", "fp7"], "fetch openalex has no --programme"),
        (["cordis", "--institution", MAASTRICHT], "fetch cordis has no --institution"),
    ],
)
def test_options_that_do_not_fit_the_source_are_refused(arguments, said, capsys):
    assert main(["fetch", *arguments]) == 2
    assert said in capsys.readouterr().err
