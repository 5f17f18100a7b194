"""Harvesting by OAI-PMH: complete in spite of a repository that misbehaves, and resumable."""

import gzip
import json
import re

import pytest
from oai_server import FAULTS, HTML, record, serving

import collabnet as cn
from collabnet import fetch, harvest
from collabnet.cli import main

RECORDS = [record(number) for number in range(95)]
NAMES = [f"oai:oai:orbi.example:2268/{number}" for number in range(95)]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """No other server than the one a test names."""
    monkeypatch.setattr(fetch, "SERVERS", dict.fromkeys(fetch.SERVERS, "http://nowhere.invalid"))


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT", 0.1)


@pytest.fixture
def naps():
    return []


@pytest.fixture
def get(naps, tmp_path):
    """Harvest a server without sleeping."""

    def run(server, out=tmp_path / "raw", **options):
        return cn.fetch_oai(server.base, out, sleep=naps.append, **options)

    return run


def refused(run, server, said, **options):
    with pytest.raises(cn.FetchError, match=said):
        run(server, **options)


def ids(folder):
    return sorted(cn.read(folder / "raw").activities["activity_id"], key=lambda i: int(i[26:]))


# complete


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("seed", range(3))
def test_ten_percent_of_every_fault_lose_and_double_nothing(seed, get, tmp_path):
    with serving(RECORDS, faults=FAULTS, chance=0.1, seed=seed, size=3) as server:
        entry = get(server)
    assert ids(tmp_path) == NAMES
    assert (entry["records"], entry["stated"], entry["duplicates"]) == (95, 95, 0)
    assert len(set(server.committed)) > 4


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_ends_after_ten_tries_in_one_sentence(fault, get, naps):
    with serving(RECORDS, faults=[fault]) as server:
        refused(get, server, r"no usable answer in 10 tries; at last [^\n]+ kept")
        assert len(server.asked) == 10 + (fault == "token")
    assert len(naps) == 9


def test_what_was_harvested_is_ingested_by_one_command_each(tmp_path, monkeypatch, capsys):
    raw = str(tmp_path / "raw")
    with serving([*RECORDS, record(200, gone=True)]) as server:
        monkeypatch.setenv("COLLABNET_ORBI_URL", server.base)
        assert main(["fetch", "orbi", "--out", raw, "--from", "2024-01-02"]) == 0
        assert {h["User-Agent"] for _, h in server.asked} == {f"collabnet/{cn.__version__}"}
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "72 records of 72 stated, 1 withdrawn, 0 duplicates, 0 repaired"
    assert main(["ingest", raw, "--out", str(tmp_path / "store")]) == 0
    said = capsys.readouterr().out
    assert "oai.xml.gz: oai, 72 read, 71 kept, 1 in quarantine" in said
    assert "the repository has withdrawn this record" in said
    first = cn.read(tmp_path / "store").activities.set_index("activity_id").loc[NAMES[30]]
    assert (first["title"], first["start"]) == ("Été 30", "2021-05-17")


def test_the_question_is_that_of_the_options(get):
    with serving(RECORDS) as server:
        entry = get(server, subset="com_2268_1", since="2024-01-02", until="2024-01-03")
        first, *rest = [query for query, _ in server.asked]
    asked = {"metadataPrefix": "oai_dc", "set": "com_2268_1"}
    assert first == asked | {"from": "2024-01-02", "until": "2024-01-03"}
    assert all(set(query) == {"resumptionToken"} for query in rest)
    assert (entry["records"], entry["query"]["set"]) == (48, "com_2268_1")


def test_a_question_behind_the_address_is_left_out(tmp_path, naps):
    with serving(RECORDS[:3]) as server:
        cn.fetch_oai(f"{server.base}?verb=Identify", tmp_path / "raw", sleep=naps.append)
    assert ids(tmp_path) == NAMES[:3]


@pytest.mark.parametrize("last", ["", "<resumptionToken/>", "<resumptionToken> </resumptionToken>"])
def test_a_list_ends_with_an_empty_token_or_none(last, get):
    with serving(RECORDS[:25], last_token=last) as server:
        assert get(server)["records"] == 25


@pytest.mark.parametrize("code", [200, 400, 422])
def test_no_record_in_these_days_is_an_empty_file(code, get, tmp_path):
    with serving(RECORDS, code=code) as server:
        entry = get(server, since="2025-01-01")
    assert (entry["records"], entry["stated"]) == (0, None)
    assert cn.read(tmp_path / "raw").activities.empty


def test_of_a_record_that_comes_twice_the_newest_stays(get, tmp_path):
    newer, older = (
        record(5, "2024-03-01T00:00:00Z", title="newer"),
        record(7, "2023-01-01T00:00:00Z", title="older"),
    )
    with serving([*RECORDS[:30], newer, older]) as server:
        assert get(server)["duplicates"] == 2
    titles = cn.read(tmp_path / "raw").activities.set_index("activity_id")["title"]
    assert (titles[NAMES[5]], titles[NAMES[7]], len(titles)) == ("newer", "Été 7", 30)


def test_a_record_withdrawn_later_is_withdrawn(get, tmp_path):
    with serving([*RECORDS[:30], record(5, "2024-03-01T00:00:00Z", gone=True)]) as server:
        assert get(server)["withdrawn"] == 1
    assert ids(tmp_path) == NAMES[:5] + NAMES[6:30]


def test_characters_no_xml_may_hold_are_taken_out_and_counted(get, tmp_path):
    with serving([record(1, title="A\x0b B&#x1f;C&#12;D&#65;&#10;E")]) as server:
        assert get(server)["repaired"] == 3
    assert cn.read(tmp_path / "raw").activities["title"].tolist() == ["A BCDA E"]


def test_the_same_records_give_the_same_file(get, tmp_path):
    with serving(RECORDS) as server:
        first = get(server)["files"]
        assert get(server, out=tmp_path / "again")["files"] == first


# stopping and going on


def test_a_stopped_harvest_goes_on_at_its_last_page(get, tmp_path):
    with serving(RECORDS, stop_after=4) as server:
        refused(get, server, r"HTTP 403.*does not accept")
        assert list((tmp_path / "raw").glob("[!.]*")) == []
        server.stop_after = None
        get(server)
        tokens = [query.get("resumptionToken") for query, _ in server.asked]
    assert tokens == [None, *(f"0:{n}" for n in (10, 20, 30, 40, 40, 50, 60, 70, 80, 90))]
    assert ids(tmp_path) == NAMES


@pytest.mark.parametrize("at", range(1, 8))
def test_a_harvest_killed_while_it_writes_goes_on(at, get, tmp_path, monkeypatch):
    put, done = fetch._put, []

    def killed(path, content):
        done.append(path.name)
        if len(done) == at:
            raise KeyboardInterrupt
        put(path, content)

    with serving(RECORDS[:25]) as server:
        monkeypatch.setattr(fetch, "_put", killed)
        with pytest.raises(KeyboardInterrupt):
            get(server)
        monkeypatch.setattr(fetch, "_put", put)
        get(server)
    assert ids(tmp_path) == NAMES[:25]
    assert {p.name for p in (tmp_path / "raw").iterdir()} == {"oai.xml.gz", "manifest.json"}


def test_a_refused_token_begins_again_at_the_last_datestamp_and_says_so(
    tmp_path, monkeypatch, capsys
):
    with serving(RECORDS, refuse={"0:50"}) as server:
        monkeypatch.setattr(fetch.time, "sleep", lambda _: None)
        assert main(["fetch", "oai", "--url", server.base, "--out", str(tmp_path / "raw")]) == 0
        began = [query["from"] for query, _ in server.asked if "from" in query]
    assert began == ["2024-01-03T01:00:00Z"]
    assert ids(tmp_path) == NAMES
    said = capsys.readouterr().out
    assert "95 records of 95 stated, 0 withdrawn, 1 duplicates" in said
    assert "begun again from 2024-01-03T01:00:00Z on, after page 5: the token was refused" in said


def test_after_a_last_day_the_new_beginning_is_a_day_too(get):
    with serving(RECORDS, refuse={"0:50"}) as server:
        assert get(server, until="2024-01-03")["records"] == 72
        began = [(q["from"], q["until"]) for q, _ in server.asked if "from" in q]
    assert began == [("2024-01-03", "2024-01-03")]


def test_records_in_another_order_begin_again_from_the_beginning(get, tmp_path):
    with serving([*RECORDS[::-1]], refuse={"0:50"}) as server:
        entry = get(server)
    assert [(one["from"], one["after_page"]) for one in entry["restarts"]] == [(None, 5)]
    assert ids(tmp_path) == NAMES
    assert entry["duplicates"] == 50


def test_without_a_stated_number_the_list_begins_again_from_the_beginning(get):
    with serving(RECORDS, refuse={"0:50"}, stated=False) as server:
        entry = get(server)
    assert (entry["records"], entry["stated"], entry["restarts"][0]["from"]) == (95, None, None)


def test_what_a_new_beginning_misses_is_noticed_and_harvested(get, tmp_path):
    same = "2024-02-01T00:00:00Z"
    records = [record(n, same) for n in range(50)] + [record(n) for n in range(50, 95)]
    with serving(records, refuse={"0:50"}) as server:
        entry = get(server)
    assert [one["why"] for one in entry["restarts"]] == [
        "the token was refused",
        "50 of 95 had come",
    ]
    assert ids(tmp_path) == NAMES


def test_tokens_that_are_always_refused_end_in_one_sentence(get):
    class Every(set):
        def __contains__(self, _):
            return True

        def discard(self, _):
            pass

    with serving(RECORDS, refuse=Every()) as server:
        refused(get, server, "refused 10 of its own tokens")
        assert len(server.asked) == 20


def test_a_finished_harvest_says_so_and_asks_nothing(get):
    with serving(RECORDS[:3]) as server:
        get(server)
        assert get(server)["already"]
        assert len(server.asked) == 1
        refused(get, server, "is of another query", subset="x")


def test_the_manifest_says_what_was_asked_when_and_what_came(get, tmp_path):
    with serving(RECORDS[:3]) as server:
        entry = get(server)
    manifest = json.loads((tmp_path / "raw" / "manifest.json").read_bytes())["oai"]
    assert entry == manifest | {"already": False}
    content = (tmp_path / "raw" / "oai.xml.gz").read_bytes()
    assert manifest["files"]["oai.xml.gz"]["bytes"] == len(content)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:]{8}\+00:00", manifest["fetched_at"])
    assert gzip.decompress(content).count(b"</ns0:record>") == 3


# what cannot be harvested


def test_the_wait_the_repository_asks_for_is_kept(get, naps):
    with serving(RECORDS, faults=["503 with"]) as server:
        refused(get, server, "10 tries")
    assert naps == [2] * 9


@pytest.mark.parametrize(
    "code",
    ["badArgument", "cannotDisseminateFormat", "noSetHierarchy", "badVerb"],
)
def test_what_the_repository_objects_to_is_said_at_once(code, get, naps):
    with serving(RECORDS, error=code) as server:
        refused(get, server, rf"does not accept the question \({code} no, sorry\)")
    assert naps == []


def test_a_web_page_at_the_address_is_said(get):
    with serving(body=HTML) as server:
        refused(get, server, "at last it sent something else than whole XML of OAI-PMH")


def test_an_entity_bomb_is_refused(get):
    bomb = "<!DOCTYPE x [<!ENTITY a 'b'>]><OAI-PMH><ListRecords>&a;</ListRecords></OAI-PMH>"
    with serving(body=bomb) as server:
        refused(get, server, "something else than whole XML of OAI-PMH")


def test_a_page_too_large_to_hold_is_said_at_once(get, naps, monkeypatch):
    monkeypatch.setattr(harvest, "LARGEST_PAGE", 1 << 17)
    with serving(body="<OAI-PMH>" + "x" * (1 << 18)) as server:
        refused(get, server, "a page of more than 0 MiB")
    assert naps == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "orbi"}, "'orbi' is no address, such as"),
        ({"url": "file:///etc/passwd"}, "is no address"),
        ({"since": "2024"}, "'2024' is no day"),
        ({"until": "01/02/2024"}, "is no day"),
    ],
)
def test_options_that_cannot_be_are_refused(options, said):
    with pytest.raises(cn.FetchError, match=said):
        cn.fetch_oai(**options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["oai"], "fetch oai needs --url"),
        (["orbi", "--url", "http://x"], "fetch orbi has no --url"),
        (["ror", "--set", "x"], "fetch ror has no --set"),
        (["openalex", "--from", "2024-01-01"], "fetch openalex has no --from"),
    ],
)
def test_options_that_do_not_fit_the_source_are_refused(arguments, said, capsys):
    assert main(["fetch", *arguments]) == 2
    assert said in capsys.readouterr().err
