"""The command: what each one writes, prints and returns."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from files import LIEGE, MAASTRICHT, put

import collabnet as cn
from collabnet import cli
from collabnet.cli import EXAMPLES, main

COMMAND = shutil.which("collabnet", path=Path(sys.executable).parent)
AACHEN = "04xfq0f34"
PLACES = {LIEGE: "BE", MAASTRICHT: "NL", AACHEN: "DE"}


def work(number, year, *rors, **facts):
    institutions = [
        {"ror": f"https://ror.org/{ror}", "display_name": ror, "country_code": PLACES[ror]}
        for ror in rors
    ]
    authors = [
        {"author": {"id": f"A{n}", "display_name": f"Élodie {n}"}, "institutions": [body]}
        for n, body in enumerate(institutions)
    ]
    return {"id": f"W{number}", "publication_year": year, "authorships": authors} | facts


ABROAD = work(5, 2022, LIEGE)
ABROAD["authorships"].append(
    {"institutions": [{"id": "I77", "display_name": "Łódź", "country_code": "PL"}]}
)
WORKS = [
    work(1, 2019, LIEGE, MAASTRICHT),
    work(2, 2021, AACHEN, MAASTRICHT, LIEGE),
    work(3, 2020, LIEGE, LIEGE),
    work(4, 2018, LIEGE, AACHEN),
    ABROAD,
]
AGREEMENTS = """agreement_id,kind,start,partner_id,country,role
A,agreement,2010,02jz4aj89,NL,
P,project,2015,04xfq0f34,DE,coordinator
"""


def run(*arguments):
    return main([str(argument) for argument in arguments])


def content(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    put(folder, "works.jsonl", "\n".join(map(json.dumps, WORKS)) + "\n{broken\n")
    put(folder, "agreements.csv", AGREEMENTS)
    put(folder, "notes.txt", "nothing")
    return folder


@pytest.fixture(scope="module")
def store(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "store"
    assert run("ingest", source, "--out", folder) == 0
    return folder


@pytest.fixture(scope="module")
def h2020(real, tmp_path_factory):
    folder = tmp_path_factory.mktemp("h2020") / "store"
    assert run("ingest", real / "cordis" / "h2020.csv.gz", "--out", folder) == 0
    return folder


# help


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_help_of_each_command_holds_an_example_that_parses(name, capsys):
    with pytest.raises(SystemExit) as stop:
        run(name, "--help")
    assert stop.value.code == 0
    assert EXAMPLES[name] in capsys.readouterr().out
    assert callable(cli._parser().parse_args(shlex.split(EXAMPLES[name])[1:]).run)


def test_the_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        run("--help")
    listed = [
        line.split()[0] for line in capsys.readouterr().out.splitlines() if line[:4] == " " * 4
    ]
    assert set(EXAMPLES) <= set(listed)


@pytest.mark.parametrize("wrong", [[], ["edge"], ["edges"], ["edges", "s", "--years", "soon"]])
def test_a_wrong_command_line_ends_with_exit_code_2(wrong, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*wrong)
    assert stop.value.code == 2
    assert "collabnet" in capsys.readouterr().err


# ingest


def test_ingest_tells_what_was_read_kept_and_left(source, tmp_path, capsys):
    assert run("ingest", source, "--out", tmp_path / "s") == 0
    assert capsys.readouterr().out.splitlines() == [
        "agreements.csv: agreements, 2 read, 2 kept, 0 in quarantine",
        "works.jsonl: openalex, 6 read, 5 kept, 1 in quarantine",
        "notes.txt: not a source collabnet knows; left alone",
        f"{tmp_path}/s: 5 works · 1 agreement · 1 project · 15 participants · 4 institutions · "
        "2 relations · 1 in quarantine",
        "3 of 4 institutions have a ROR id.",
        "Without one, the most frequent: Łódź.",
        "In quarantine, the first: works.jsonl, line 6: not a complete JSON object.",
    ]


@pytest.mark.parametrize("again", ["the folder", "a file of it", "the store itself"])
def test_ingesting_the_same_source_twice_changes_no_byte(source, store, again):
    sources = {"the folder": source, "a file of it": source / "works.jsonl"}
    before = content(store)
    assert run("ingest", sources.get(again, store), "--out", store) == 0
    assert content(store) == before


def test_a_second_source_comes_on_top_of_the_first(source, tmp_path):
    newer = work(1, 2019, LIEGE, updated_date="2026-01-01")
    assert run("ingest", source / "works.jsonl", "--out", tmp_path / "s") == 0
    added = put(tmp_path, "new.json", json.dumps([newer, work(9, 2024, LIEGE)]))
    assert run("ingest", added, source / "agreements.csv", "--out", tmp_path / "s") == 0
    records = cn.read(tmp_path / "s")
    assert records.counts()["work"] == 6
    assert records.provenance["merged"] == 1
    assert [s["file"] for s in records.provenance["sources"]] == [
        "works.jsonl",
        "new.json",
        "agreements.csv",
    ]
    assert len(cn.behind(records, (LIEGE, MAASTRICHT))) == 1


def test_the_provenance_says_what_each_source_is(store):
    facts = json.loads((store / "provenance.json").read_text(encoding="utf-8"))
    assert set(facts["sources"][0]) >= {
        *("file", "sha256", "format", "format_version", "read", "kept", "quarantined"),
        "ingested_at",
    }
    assert facts["settings"] == {"roll_up": [], "succession": False, "with_names": False}


@pytest.mark.parametrize(("option", "names"), [([], 0), (["--with-names"], 3)])
def test_names_of_persons_are_stored_only_when_asked_for(source, tmp_path, option, names):
    named = cn.read(source, with_names=True)
    cn.write_store(named, tmp_path / "named")
    for given in (source, tmp_path / "named"):
        out = tmp_path / f"from-{given.name}"
        assert run("ingest", given, "--out", out, *option) == 0
        assert len(cn.read(out).persons) == names
        texts = b"".join(path.read_bytes() for path in out.iterdir())
        assert names or "Élodie".encode() not in texts


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ([], ["00bmzhb16", "044s61914", "04zrf7b53"]),
        (["--roll-up"], [LIEGE, LIEGE, "04zrf7b53"]),
        (["--roll-up=component"], [LIEGE, "044s61914", "04zrf7b53"]),
        (["--succession"], ["00bmzhb16", "044s61914", "01qrts582"]),
    ],
)
def test_roll_up_and_succession_are_options(tmp_path, option, expected):
    ids = ["00bmzhb16", "044s61914", "04zrf7b53"]
    text = "agreement_id,partner_id,home\n" + "".join(f"{i},{i},{MAASTRICHT}\n" for i in ids)
    given = put(tmp_path, "a.csv", text)
    assert run("ingest", given, "--out", tmp_path / "s", *option) == 0
    people = cn.read(tmp_path / "s").participants
    assert people.loc[people["position"] == 2, "institution_id"].tolist() == expected


# edges


def test_edges_writes_a_clean_table_and_its_note(store, tmp_path, capsys):
    out = tmp_path / "e.csv"
    options = ["--level", "institution", "--count", "fractional", "--years", "2019:2024"]
    assert run("edges", store, "--kind", "work", *options, "--out", out) == 0
    assert out.read_bytes().decode() == (
        "source,target,weight,activities,first,last\n"
        "00afp2z80,02jz4aj89,1.5,2,2019,2021\n"
        "00afp2z80,04xfq0f34,0.5,1,2021,2021\n"
        "00afp2z80,openalex:I77,1,1,2022,2022\n"
        "02jz4aj89,04xfq0f34,0.5,1,2021,2021\n"
    )
    lines = (tmp_path / "e.csv.note.txt").read_text(encoding="utf-8").splitlines()
    assert "count: fractional (1/(n−1) for each pair of an activity of n parties)" in lines
    assert "years: 2019–2024" in lines
    assert capsys.readouterr().out == f"4 links, written: {out}\n"


def test_edges_between_countries_have_iso_codes(store, tmp_path):
    assert run("edges", store, "--level", "country", "--out", tmp_path / "c.csv") == 0
    assert (tmp_path / "c.csv").read_text() == (
        "source,target,weight,activities,first,last\n"
        "BE,DE,2,2,2018,2021\n"
        "BE,NL,2,2,2019,2021\n"
        "BE,PL,1,1,2022,2022\n"
        "DE,NL,1,1,2021,2021\n"
    )


def test_edges_of_another_kind(store, capsys):
    assert run("edges", store, "--kind", "project", "--around", LIEGE) == 0
    shown = capsys.readouterr().out
    assert AACHEN in shown
    assert MAASTRICHT not in shown
    assert "kind: project" in shown


def test_one_year_is_a_span_too(store, capsys):
    assert run("edges", store, "--years", "2019") == 0
    assert "years: 2019–2019" in capsys.readouterr().out


def test_a_cap_leaves_out_large_activities(store, tmp_path):
    assert run("edges", store, "--cap", 2, "--out", tmp_path / "e.csv") == 0
    assert pd.read_csv(tmp_path / "e.csv")["weight"].tolist() == [1, 1, 1]


def test_around_may_be_written_as_an_address(store, tmp_path):
    for name, node in {"a.csv": LIEGE, "b.csv": f"https://ror.org/{LIEGE}"}.items():
        assert run("edges", store, "--around", node, "--out", tmp_path / name) == 0
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "00afp2z80,02jz4aj89,2,2,2019,2021"
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_region_is_about_the_partners_where_a_home_lies_in_it_too(store, tmp_path):
    out = tmp_path / "e.csv"
    options = ["--around", LIEGE, "--region", "euregio-meuse-rhine", "--out", out]
    assert run("edges", store, *options) == 0
    assert pd.read_csv(out)["partner"].tolist() == [MAASTRICHT, AACHEN]


@pytest.mark.parametrize("suffix", [".graphml", ".gexf", ".json"])
def test_edges_writes_graphs_whole_or_around_a_node(store, tmp_path, suffix):
    for name, options, ends in (("all", [], 4), ("mine", ["--around", LIEGE], 3)):
        path = tmp_path / f"{name}{suffix}"
        assert run("edges", store, *options, "--out", path) == 0
        text = path.read_text(encoding="utf-8")
        links = text.count("<edge ") if suffix != ".json" else text.count('"source_id"')
        assert links == ends


def test_an_empty_result_is_normal(store, tmp_path, capsys):
    assert run("edges", store, "--years", "1999") == 0
    assert capsys.readouterr().out.startswith("No links.\n")
    assert run("edges", store, "--years", "1999", "--out", tmp_path / "e.csv") == 0
    header = "source,target,weight,activities,first,last\n"
    assert (tmp_path / "e.csv").read_text() == header


def test_a_source_may_stand_where_a_store_is_expected(source, capsys):
    assert run("edges", source / "works.jsonl") == 0
    assert "02jz4aj89" in capsys.readouterr().out


# partners


def test_network_writes_one_row_a_unit_with_its_measures_and_community(store, tmp_path, capsys):
    assert run("network", store, "--level", "country", "--out", tmp_path / "n.csv") == 0
    assert capsys.readouterr().out.startswith("4 units, written: ")
    table = pd.read_csv(tmp_path / "n.csv").set_index("unit")
    assert table.columns.tolist() == [
        *("links", "strength", "core", "pagerank", "betweenness", "community")
    ]
    assert table.loc["BE", "strength"] == 5
    assert "modularity: " in (tmp_path / "n.csv.note.txt").read_text("utf-8")


def test_partners_of_h2020(h2020, tmp_path, capsys):
    out = tmp_path / "p.csv"
    assert run("partners", h2020, "--kind", "project", "--out", out) == 0
    assert capsys.readouterr().out.splitlines() == [
        "106 projects (31 as coordinator), 956 partners in 77 countries",
        f"956 partners, written: {out}",
    ]
    table = pd.read_csv(out, keep_default_na=False)
    assert len(table) == table["partner"].nunique() == 956
    assert table["country"].nunique() == 77
    assert table.loc[0, ["partner", "country", "weight"]].tolist() == ["pic:999997930", "FR", 19]
    counts = table["country"].value_counts()
    codes = ["DE", "FR", "IT", "ES", "GB", "BE", "NL", "LU", "MA", "CM"]
    assert counts[codes].tolist() == [123, 101, 83, 78, 77, 65, 54, 2, 3, 2]


def test_edges_around_liege_in_h2020_are_its_partners(h2020, tmp_path):
    out = tmp_path / "partners.csv"
    assert run("edges", h2020, "--kind", "project", "--around", LIEGE, "--out", out) == 0
    table = pd.read_csv(out)
    assert list(table) == ["home", "partner", "weight", "activities", "first", "last"]
    assert (len(table), table["weight"].max()) == (956, 19)
    assert table["partner"].is_monotonic_increasing


def test_partners_of_every_kind_are_shown_when_none_is_named(store, capsys):
    assert run("partners", store, "--home", LIEGE) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if " partners in " in line]
    assert heads == [
        "5 works, 3 partners in 3 countries",
        "1 agreements, 1 partners in 1 countries",
        "1 projects, 1 partners in 1 countries",
    ]


def test_a_file_of_partners_needs_a_kind(store, tmp_path, capsys):
    assert run("partners", store, "--out", tmp_path / "p.csv") == 2
    assert capsys.readouterr().err == (
        "collabnet: --out needs --kind: a file holds the partners of one kind.\n"
    )


# regions, map, atlas


def test_regions_are_listed_and_one_is_told_with_its_source(capsys):
    assert run("regions") == 0
    assert "euregio-meuse-rhine" in capsys.readouterr().out
    assert run("regions", "maghreb") == 0
    shown = capsys.readouterr().out
    assert [code for code in ("DZ", "MA", "TN") if code in shown] == ["DZ", "MA", "TN"]
    assert "source:" in shown
    assert "<NA>" not in shown


def test_a_map_is_written(store, tmp_path, capsys):
    out = tmp_path / "m.html"
    assert run("map", store, "--out", out) == 0
    assert capsys.readouterr().out == f"written: {out}\n"
    assert out.stat().st_size > 10_000


def test_an_atlas_is_written(store, tmp_path, capsys):
    out = tmp_path / "a.html"
    assert run("atlas", store, "--out", out, "--lang", "fr", "--title", "Un essai") == 0
    assert capsys.readouterr().out == f"written: {out}\n"
    assert "<title>Un essai" in out.read_text(encoding="utf-8")


# the console script


def console(*arguments, **environment):
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True,
        check=False,
        env=os.environ | environment,
    )


def test_the_console_script_returns_0_and_2(store, tmp_path):
    assert console("edges", store).returncode == 0
    failed = console("edges", tmp_path / "none")
    assert failed.returncode == 2
    assert failed.stdout == b""
    assert failed.stderr.decode() == (
        f"collabnet: {tmp_path}/none: no such file or folder. Check the path.\n"
    )


@pytest.mark.parametrize(("name", "code"), [("maghreb", 0), ("maghrab", 2)])
def test_the_command_leaves_at_once_but_not_before_all_is_said_and_done(name, code):
    leave = "import atexit; from collabnet.cli import run_and_leave; atexit.register(print, 'bye')"
    leave += "; last = type('Last', (), {'__del__': lambda self: print('taken apart')})()"
    command = [sys.executable, "-c", f"{leave}; run_and_leave()", "regions", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stdout.splitlines()[-1] == "bye"
    assert len(done.stderr.splitlines()) == code // 2


def test_a_terminal_without_the_letters_of_a_name_shows_it_all_the_same(store):
    done = console("partners", store, "--kind", "work", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"??d?" in done.stdout


def test_a_reader_that_stops_early_is_no_error(store):
    arguments = [COMMAND, "edges", store]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
