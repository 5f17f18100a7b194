"""A snapshot becomes the store that reading its works would give, whatever happens on the way."""

import gzip
import json
import os
import pickle
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from files import (
    HERE,
    LIEGE,
    MAASTRICHT,
    THERE,
    UNIGR,
    author,
    institution,
    put,
    put_csv,
    rows,
    work,
)

import collabnet as cn
from collabnet import pool, schema, snapshot
from collabnet.cli import main
from collabnet.parts import Cut, Task

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
from generate import write_snapshot  # noqa: E402

PLACE = {"activities": ["source", "record"], "quarantine": ["file"]}
NOWHERE = {"id": "https://openalex.org/I9", "display_name": "Nowhere", "country_code": "LU"}


RUN = "import sys; from collabnet.cli import main; sys.exit(main())"
COMMAND = [sys.executable, "-c", RUN, "ingest"]


def put_part(folder, day, *works, name="part_000.gz"):
    """Write works as a part of a snapshot in the old layout."""
    lines = "".join(json.dumps(one) + "\n" for one in works)
    return put(folder, f"data/works/updated_date={day}/{name}", gzip.compress(lines.encode()))


def content(store, *left_out):
    """Return the tables of a store, row by row, its row numbers too."""
    found = {}
    for name in set(schema.TABLES) - set(left_out):
        table = pq.read_table(store / f"{name}.parquet")
        found[name] = table.drop(PLACE.get(name, [])).to_pydict()
    return found


def slowly(paths, store):
    """Write the store of works read one by one; what OpenAlex did not match is not tried again."""
    records = cn.read_all(paths)
    people = records.participants
    unseen = people["affiliation"].mask(people["institution_id"].isna())
    tables = {name: getattr(records, name) for name in schema.TABLES}
    tables["participants"] = people.assign(affiliation=unseen)
    done = cn.resolve(cn.Records(tables, provenance=records.provenance))
    assert len(done.participants) == len(people)
    tables = {name: getattr(done, name) for name in schema.TABLES}
    tables["participants"] = done.participants.assign(affiliation=people["affiliation"])
    cn.write_store(cn.Records(tables, provenance=done.provenance), store)


def ids(records):
    return records.activities["activity_id"].str.removeprefix("openalex:").tolist()


def facts(records):
    return next(s for s in records.provenance["sources"] if s["format"] == "openalex-snapshot")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A synthetic snapshot in the new layout, with institutions."""
    folder = tmp_path_factory.mktemp("made")
    return write_snapshot(folder, 1500, seed=3, layout="new", parts=6, workers=1)


@pytest.fixture(scope="module")
def whole(made):
    """Its store, from a run that nothing broke off."""
    cn.ingest([made], made.parent / "whole")
    return made.parent / "whole"


def test_a_snapshot_gives_the_tables_that_reading_its_parts_one_by_one_gives(made, tmp_path):
    works = tmp_path / "made" / "works"
    shutil.copytree(made / "data" / "jsonl" / "works", works)
    cn.ingest([tmp_path / "made"], tmp_path / "fast", with_xpac=True)
    parts = sorted(works.rglob("*.gz"))
    slowly(parts, tmp_path / "slow")
    assert content(tmp_path / "fast") == content(tmp_path / "slow")
    assert len(cn.read(tmp_path / "fast").activities) == 1500


def test_real_works_give_the_same_tables_either_way(real, tmp_path):
    files = [
        *sorted((real / "openalex_works").iterdir()),
        *real.glob("openalex_snapshot/works/*/*"),
    ]
    for number, path in enumerate(files):
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        try:
            found = json.loads(text)
            works = found.get("results", [found]) if isinstance(found, dict) else found
        except ValueError:
            works = map(json.loads, text.splitlines())
        put_part(tmp_path / "real", f"2025-01-{number // 3 + 1:02d}", *works, name=f"p{number}.gz")
    cn.ingest([tmp_path / "real"], tmp_path / "fast", with_xpac=True)
    parts = sorted((tmp_path / "real").rglob("*.gz"))
    slowly(parts, tmp_path / "slow")
    assert content(tmp_path / "fast") == content(tmp_path / "slow")
    assert len(cn.read(tmp_path / "fast").activities) == 563
    assert facts(cn.read(tmp_path / "fast"))["merged"] == 137


def test_the_old_layout_and_parquet_give_the_same_tables(whole, tmp_path):
    for layout in ("old", "parquet"):
        folder = tmp_path / layout
        write_snapshot(folder, 1500, seed=3, layout=layout, parts=6, workers=1)
        shutil.rmtree(folder / "merged_ids", ignore_errors=True)
        cn.ingest([folder], tmp_path / f"{layout}-store")
        assert content(tmp_path / f"{layout}-store") == content(whole)


def test_of_two_formats_json_lines_is_read_and_named(made, tmp_path, capsys):
    shutil.copytree(made, tmp_path / "both")
    put(tmp_path, "both/data/parquet/works/updated_date=2025-01-01/part_0000.parquet", b"x")
    assert main(["ingest", str(tmp_path / "both"), "--out", str(tmp_path / "store")]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line == (
        "both: openalex-snapshot (JSON Lines), 6 parts, 1,515 read, 1,457 kept, 44 xpac left out, "
        "0 outside the slice, 14 superseded, 0 in quarantine"
    )


def test_the_newest_version_of_a_work_wins_whatever_its_folder(tmp_path):
    put_part(tmp_path, "2025-01-01", work(1, title="new", updated_date="2025-03-01"))
    put_part(tmp_path, "2025-02-01", work(1, title="old", updated_date="2025-02-01"), work(2))
    records = cn.ingest([tmp_path], tmp_path / "store")
    assert rows(records.activities, "activity_id", "title") == [
        ["openalex:W1", "new"],
        ["openalex:W2", "Été 2"],
    ]
    assert (facts(records)["merged"], records.provenance["merged"]) == (1, 1)


def test_works_merged_into_another_are_gone(tmp_path):
    put_part(tmp_path, "2025-01-01", work(1), work(2))
    lines = b"merge_date,id,merge_into_id\n2025-02-01,W1,W2\n"
    put(tmp_path, "merged_ids/works/2025-02-01.csv.gz", gzip.compress(lines))
    records = cn.ingest([tmp_path], tmp_path / "store")
    assert (ids(records), facts(records)["merged"]) == (["W2"], 1)


def test_xpac_works_are_left_out_and_counted_unless_asked_for(tmp_path):
    put_part(tmp_path, "2025-01-01", work(1, is_xpac=True), work(2, is_xpac=False), work(3))
    records = cn.ingest([tmp_path], tmp_path / "store")
    assert (ids(records), facts(records)["xpac"]) == (["W2", "W3"], 1)
    assert ids(cn.ingest([tmp_path], tmp_path / "store", with_xpac=True)) == ["W1", "W2", "W3"]


SLICED = [
    work(1, author(1, HERE), publication_date="2019-01-01", publication_year=2019),
    work(2, author(1, THERE)),
    work(3, author(1, countries=["LU"])),
    work(4, author(1, NOWHERE), author(2)),
    work(5, author(1)),
]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"institutions": [LIEGE]}, [1]),
        ({"institutions": ["https://ror.org/" + LIEGE, "I2"]}, [1, 2]),
        ({"institutions": ["I157674565"]}, [1]),
        ({"institutions": ["I9"]}, [4]),
        ({"countries": ["LU"]}, [3, 4]),
        ({"countries": ["BE", "NL"]}, [1, 2]),
        ({"countries": ["BE", "NL"], "institutions": [MAASTRICHT]}, [2]),
        ({"regions": ["euregio-meuse-rhine"]}, [1, 2]),
        ({"regions": ["grande-region"]}, [1, 3, 4]),
        ({"years": (2020, 2026)}, [2, 3, 4, 5]),
        ({"years": (2019, 2019), "countries": ["NL"]}, []),
    ],
    ids=str,
)
def test_a_slice_keeps_the_works_it_says(tmp_path, options, expected):
    put_part(tmp_path, "2025-01-01", *SLICED)
    records = cn.ingest([tmp_path], tmp_path / "store", **options)
    assert ids(records) == [f"W{number}" for number in expected]
    assert facts(records)["outside"] == 5 - len(expected)
    assert set(records.participants["institution_id"].dropna()) == set(
        records.institutions["institution_id"]
    )


def test_a_sample_is_the_same_works_every_time_and_grows_with_its_share(made, tmp_path):
    small, large = (
        set(ids(cn.ingest([made], tmp_path / f"{share}", sample=share))) for share in (0.1, 0.3)
    )
    assert small < large
    assert (len(small), len(large)) == (156, 445)


def test_the_institutions_of_the_snapshot_say_where_a_body_lies_and_whose_it_is(tmp_path):
    put_part(tmp_path, "2025-01-01", work(1, author(1, NOWHERE | {"country_code": None})))
    body = NOWHERE | {"geo": {"city": "Arlon", "latitude": 49.68, "longitude": 5.81}}
    body |= {"ror": "https://ror.org/01aaaaa02", "country_code": "BE", "lineage": ["I9", "I8"]}
    body |= {"associated_institutions": [{"id": "I7", "relationship": "Related"}]}
    other = {"id": "I7", "ror": "https://ror.org/02bbbbb03", "display_name": "Seven"}
    lines = "\n".join(map(json.dumps, (body, other, {"id": ["broken"]})))
    put(tmp_path, "data/institutions/updated_date=2025-01-01/p.gz", gzip.compress(lines.encode()))
    records = cn.ingest([tmp_path], tmp_path / "store", regions=["grande-region"])
    columns = ["institution_id", "name", "city", "lat", "nuts3", "openalex_id"]
    assert rows(records.institutions, *columns) == [
        ["01aaaaa02", "Nowhere", "Arlon", 49.68, "BE341", "I9"]
    ]
    assert rows(records.participants, "institution_id", "evidence") == [
        ["01aaaaa02", "openalex:I9"]
    ]
    assert rows(records.relations, "from", "to", "kind") == [
        ["01aaaaa02", "02bbbbb03", "related"],
        ["01aaaaa02", "openalex:I8", "ancestor"],
    ]


def test_a_work_of_another_make_goes_to_quarantine_with_its_place_and_the_reason(tmp_path):
    put_part(tmp_path, "2025-01-01", work(1), work(2, cited_by_count="many"), work(3))
    records = cn.ingest([tmp_path], tmp_path / "store")
    assert ids(records) == ["W1", "W3"]
    assert rows(records.quarantine, "file", "record", "reason") == [
        [
            "works/updated_date=2025-01-01/part_000.gz",
            "line 2",
            "work W2 is not built like an OpenAlex work "
            "(Expected `int | null`, got `str` - at `$.cited_by_count`)",
        ]
    ]


@pytest.mark.parametrize("damage", ["cut", "flipped", "no gzip"])
def test_of_a_damaged_part_what_was_whole_is_kept_and_the_others_are_read(tmp_path, damage):
    path = put_part(
        tmp_path, "2025-01-01", *(work(n, x=random.Random(n).random()) for n in range(9999))
    )
    put_part(tmp_path, "2025-01-02", work(20_000))
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[len(data) // 2 : len(data) // 2 + 9] = b"\xff" * 9
    path.write_bytes(
        {"cut": data[: len(data) // 2], "flipped": data, "no gzip": b"{}" * 99}[damage]
    )
    records = cn.ingest([tmp_path], tmp_path / "store")
    assert "W20000" in ids(records)
    assert (len(records.activities) > 1000) == (damage != "no gzip")
    assert records.quarantine["reason"].str.contains("Download it again").any()
    counts = facts(records)
    assert counts["read"] == sum(
        counts[k] for k in ("kept", "xpac", "outside", "merged", "quarantined")
    )


def test_a_damaged_parquet_part_is_quarantined_and_the_others_are_read(tmp_path):
    folder = write_snapshot(tmp_path / "s", 60, layout="parquet", parts=2, workers=1)
    first = min(folder.rglob("works/*/*.parquet"))
    first.write_bytes(first.read_bytes()[:-100])
    records = cn.ingest([folder], tmp_path / "store")
    assert len(records.activities) == 30
    assert records.quarantine["record"].tolist() == ["row 1"]


def test_names_are_stored_only_when_asked_for(tmp_path):
    put_part(tmp_path / "s", "2025-01-01", work(1, author(1, HERE)), work(2, author(1), author(2)))
    assert cn.ingest([tmp_path / "s"], tmp_path / "store").persons.empty
    records = cn.ingest([tmp_path / "s"], tmp_path / "named", with_names=True)
    assert records.persons["name"].tolist() == ["Author 1", "Author 2"]


def test_parts_are_rolled_up_as_elsewhere(tmp_path):
    known = cn.gazetteer().set_index("name")["institution_id"]
    name = next(name for name in known.index if "Gembloux" in name)
    gembloux = institution(known[name], name)
    put_part(tmp_path / "s", "2025-01-01", work(1, author(1, HERE, gembloux), author(2, gembloux)))
    records = cn.ingest([tmp_path / "s"], tmp_path / "store", roll_up=("component",))
    parts = sorted((tmp_path / "s").rglob("*.gz"))
    slow = cn.resolve(cn.read_all(parts), roll_up=("component",))
    assert rows(records.participants, "person_id", "institution_id", "evidence") == rows(
        slow.participants, "person_id", "institution_id", "evidence"
    )
    assert len(records.participants) == 2


# Again, and interrupted


def counting(monkeypatch):
    """Count the parts that are read."""
    read, seen = snapshot.read_part, []
    monkeypatch.setattr(
        snapshot, "read_part", lambda task, tell: (seen.append(task.name), read(task, tell))
    )
    return seen


def test_only_new_parts_are_read_and_those_that_vanished_are_forgotten(tmp_path, monkeypatch):
    seen = counting(monkeypatch)
    folder, store = tmp_path / "s", tmp_path / "store"
    first = put_part(folder, "2025-01-01", work(1))
    put_part(folder, "2025-01-02", work(2))
    for expected in (2, 2):
        assert ids(cn.ingest([folder], store)) == ["W1", "W2"]
        assert len(seen) == expected
    stamp = (store / "provenance.json").read_text()
    cn.ingest([folder], store)
    assert (store / "provenance.json").read_text() == stamp
    put_part(folder, "2025-01-03", work(3))
    first.unlink()
    assert ids(cn.ingest([folder], store)) == ["W2", "W3"]
    assert seen[2:] == ["works/updated_date=2025-01-03/part_000.gz"]
    assert len(list((tmp_path / ".store.parts").iterdir())) == 2


def ingest_command(folder, store):
    return subprocess.Popen(
        [*COMMAND, str(folder), "--out", str(store)],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_and_run_again_it_ends_in_the_same_store(made, whole, tmp_path, seed):
    store, draw = tmp_path / "store", random.Random(seed)
    with ingest_command(made, store) as process:
        work_folder = tmp_path / ".store.parts"
        while process.poll() is None and not work_folder.exists():
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 1.2))
        process.send_signal(signal.SIGKILL)
    cn.ingest([made], store)
    assert content(store) == content(whole)
    assert {path.name for path in tmp_path.iterdir()} == {"store", ".store.parts"}
    assert len(list(work_folder.iterdir())) == 6


def test_what_was_read_before_an_unreadable_part_is_kept(tmp_path, monkeypatch):
    put_part(tmp_path / "s", "2025-01-01", work(1))
    bad = tmp_path / "s/data/works/updated_date=2025-01-02/part_000.gz"
    bad.mkdir(parents=True)
    with pytest.raises(cn.InputError, match=r"part_000\.gz: cannot be read"):
        cn.ingest([tmp_path / "s"], tmp_path / "store")
    assert not (tmp_path / "store").exists()
    bad.rmdir()
    seen = counting(monkeypatch)
    assert ids(cn.ingest([tmp_path / "s"], tmp_path / "store")) == ["W1"]
    assert seen == []


def test_a_full_disk_is_one_sentence_and_room_is_all_that_the_next_run_needs(made, whole, tmp_path):
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [*COMMAND, str(made), "--out", str(tmp_path / "store")],
        capture_output=True,
        text=True,
        preexec_fn=small,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be written" in done.stderr
    assert "File too large" in done.stderr
    assert not (tmp_path / "store").exists()
    cn.ingest([made], tmp_path / "store")
    assert content(tmp_path / "store") == content(whole)


def test_many_processes_give_the_store_that_one_gives(made, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("collabnet.pool.ALONE", 1)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cn.ingest([made], tmp_path / "store")
    assert content(tmp_path / "store") == content(whole)


def test_processes_started_ahead_are_shared_and_end_with_the_outermost_use(made, monkeypatch):
    monkeypatch.setattr("collabnet.pool.ALONE", 1)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with pool.readers([made]) as outer:
        started = list(outer)
        with pool.readers([made]) as inner:
            assert list(inner) == started
        assert len(started) == min(os.cpu_count(), len(pool.parts_of(made)))
        assert [process.poll() for process in started] == [None] * len(started)
    assert [process.returncode for process in started] == [0] * len(started)


def test_a_process_that_reads_does_not_load_pandas(made, tmp_path):
    path, name = pool.parts_of(made)[0]
    task = Task(path, name, tmp_path / "part", Cut(), (), False)
    show = "import pickle, sys; from collabnet import parts; sys.meta_path[:0] = [parts.WITHOUT]"
    show += "; parts.read_part(pickle.load(sys.stdin.buffer), lambda *_: None)"
    show += "; print('pandas' in sys.modules)"
    command = [sys.executable, "-c", show]
    done = subprocess.run(command, input=pickle.dumps(task), capture_output=True, check=True)
    assert done.stdout.strip() == b"False"
    assert len(pq.read_table(tmp_path / "part" / "activities.parquet")) > 0


def test_a_reader_that_is_stopped_is_told_and_the_next_run_is_whole(
    made, whole, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("collabnet.pool.ALONE", 1)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    killed = "import os, pickle, sys; pickle.load(sys.stdin.buffer); os.kill(os.getpid(), 9)"
    with monkeypatch.context() as patch:
        patch.setattr("collabnet.pool.SERVING", killed)
        for _ in range(3):
            assert main(["ingest", str(made), "--out", str(tmp_path / "store")]) == 2
            said = capsys.readouterr().err.strip().splitlines()
            assert "the process that read it was stopped" in said[-1]
    assert not (tmp_path / "store").exists()
    assert main(["ingest", str(made), "--out", str(tmp_path / "store")]) == 0
    assert content(tmp_path / "store") == content(whole)


# Beside other sources


def test_a_snapshot_and_agreements_stand_in_one_store_in_any_order(tmp_path):
    put_part(tmp_path / "s", "2025-01-01", work(1, author(1, HERE), author(2, THERE)))
    listed = put_csv(tmp_path, *UNIGR)
    cn.ingest([tmp_path / "s", listed], tmp_path / "at-once")
    cn.ingest([listed], tmp_path / "after")
    cn.ingest([tmp_path / "s"], tmp_path / "after")
    cn.ingest([tmp_path / "s"], tmp_path / "before")
    with pytest.raises(cn.StoreError, match="Name its folder too"):
        cn.ingest([listed], tmp_path / "before")
    cn.ingest([tmp_path / "s", listed], tmp_path / "before")
    slowly([*(tmp_path / "s").rglob("*.gz"), listed], tmp_path / "slow")
    for name in ("at-once", "after", "before"):
        assert content(tmp_path / name) == content(tmp_path / "slow")
    assert len(cn.edges(cn.read(tmp_path / "before"), "agreement")) == 3


def test_the_next_snapshot_takes_the_place_of_the_one_in_the_store(tmp_path):
    listed = put_csv(tmp_path, *UNIGR)
    put_part(tmp_path / "a", "2025-01-01", work(1, author(1, HERE)), work(2, x="y", type=5))
    put_part(tmp_path / "b", "2025-01-01", work(3, author(1, THERE)))
    cn.ingest([tmp_path / "a", listed], tmp_path / "store")
    cn.ingest([tmp_path / "b"], tmp_path / "store")
    cn.ingest([tmp_path / "b", listed], tmp_path / "fresh")
    assert content(tmp_path / "store") == content(tmp_path / "fresh")


def test_options_of_a_slice_ask_for_a_snapshot(tmp_path):
    with pytest.raises(cn.InputError, match="0 of the sources are snapshots"):
        cn.ingest([put_csv(tmp_path, *UNIGR)], tmp_path / "store", years=(2019, 2020))


def test_dates_of_a_parquet_part_may_be_dates_or_text(tmp_path):
    import duckdb

    lines = put(tmp_path, "w.jsonl", json.dumps(work(1, author(1, HERE))))
    for name, kind in (("text", "VARCHAR"), ("typed", "TIMESTAMP")):
        path = tmp_path / name / "works/updated_date=2025-01-02/part_0000.parquet"
        path.parent.mkdir(parents=True)
        duckdb.sql(
            f"COPY (SELECT * REPLACE ('2024-05-01'::{kind} AS publication_date), "
            f"'2025-01-02T03:04:05.000006'::{kind} AS updated_date FROM '{lines}') TO '{path}'"
        )
        cn.ingest([tmp_path / name], tmp_path / f"{name}-store")
    found = content(tmp_path / "typed-store")
    assert found == content(tmp_path / "text-store")
    assert found["activities"]["updated"] == ["2025-01-02T03:04:05.000006"]
    assert found["activities"]["start"] == ["2024-05-01"]
