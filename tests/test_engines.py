"""One answer whatever holds the tables: pandas, a store (DuckDB), a Spark dialect (sqlframe)."""

import csv
import gzip
import random
import subprocess
import sys
from collections import Counter
from fractions import Fraction

import pytest
from corpora import ENGINES, corpora, held, joint, toy, works
from hypothesis import given, settings
from pandas.testing import assert_frame_equal
from recount import links, openalex_countries, openalex_institutions, openalex_works

import collabnet as cn
from collabnet import cli, engine
from collabnet import settings as defaults

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
REGIONS = ["euregio-meuse-rhine", "grande-region", "neighbours"]
SCHEMES = {
    "full": "links_full",
    "fractional": "links_fractional_1_over_n_minus_1",
    "refined": "links_fractional_2_over_n_n_minus_1",
}
LEVELS = {
    "country": {("BE", "NL"): 3, ("BE", "DE"): 1, ("BE", "FR"): 1},
    "person": {
        **dict.fromkeys([("a1", f"a{n}") for n in (2, 3, 4, 5)], 1),
        **dict.fromkeys([("a3", "a4"), ("a2", "a5"), ("a5", "a6")], 1),
        ("a2", "a6"): 2,
    },
    "region": {
        ("euregio-meuse-rhine", "grande-region"): 4,  # P1 L-M, P2 L-R, P4 L-M, P6 L-N
        ("euregio-meuse-rhine", "neighbours"): 5,  # all but P3
        ("grande-region", "neighbours"): 4,
    },
}


def by_pair(table, column="weight"):
    """Return an edge table as {(source, target): value}."""
    return table.set_index(["source", "target"])[column].to_dict()


def alike(one, other):
    """Check that two tables are equal, but for the last bits of sums and the types of columns."""
    assert one.columns.tolist() == other.columns.tolist()
    assert_frame_equal(one, other, check_dtype=False, rtol=1e-12)


@pytest.fixture(scope="module", params=ENGINES)
def records(request, oracles, tmp_path_factory):
    """Return the toy corpus, held by each engine in turn."""
    return held(toy(oracles), request.param, tmp_path_factory.mktemp("toy"))


# --- by hand ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def counted(records):
    """Return the links of the toy corpus in each counting."""
    return {count: cn.edges(records, count=count) for count in SCHEMES}


@pytest.mark.parametrize("count", SCHEMES)
def test_links_are_those_computed_by_hand(counted, oracles, count):
    oracle, table = oracles[SCHEMES[count]], counted[count]
    expected = {
        tuple(sorted(pair.split("-"))): pytest.approx(float(Fraction(value)))
        for pair, value in oracle.items()
        if not pair.startswith("_")
    }
    assert by_pair(table) == expected
    assert table["weight"].sum() == pytest.approx(oracle.get("_total", table["weight"].sum()))
    assert table["activities"].sum() == oracles["links_full"]["_total"]


def test_strength_in_fractions_is_the_one_computed_by_hand(counted, oracles):
    table = cn.strengths(counted["fractional"]).set_index("unit")
    assert table["strength"].to_dict() == pytest.approx(oracles[SCHEMES["fractional"]]["_strength"])
    assert table["links"].to_dict() == {"L": 4, "M": 2, "H": 2, "R": 1, "N": 1}


@pytest.mark.parametrize("level", LEVELS)
def test_links_at_other_levels_are_those_counted_by_hand(records, level):
    regions = REGIONS if level == "region" else None
    assert by_pair(cn.edges(records, level=level, regions=regions)) == LEVELS[level]


def test_partners_and_the_works_behind_them_are_the_same_on_every_engine(records):
    table = cn.partners(records, "L")
    assert table[["partner", "weight"]].apply(tuple, axis=1).tolist() == [
        ("M", 2),
        ("H", 1),
        ("N", 1),
        ("R", 1),
    ]
    found = cn.behind(records, ("M", "L"))
    assert found["activity_id"].tolist() == ["P1", "P4"]
    assert not {"activity_no", "institution_no"} & set(found)


@pytest.mark.parametrize("held_by", ENGINES)
def test_membership_cuts_the_links_on_every_engine(held_by, tmp_path):
    old, new = {"institution_id": "C", "until": "2022-12-31"}, {"institution_id": "D"}
    tables = joint("A", "B", old, {**new, "since": "2023-01-01"}, end_status="open")
    table = cn.edges(held(tables, held_by, tmp_path), "agreement", years=(2021, 2022))
    assert table.drop(columns="weight").apply(tuple, axis=1).tolist() == [
        ("A", "B", 1, 2021, 2022),
        ("A", "C", 1, 2021, 2022),
        ("B", "C", 1, 2021, 2022),
    ]


# --- at random --------------------------------------------------------------------------------


def at_random(seed=20, size=60):
    """Return a corpus where persons, institutions, countries and years are missing at times."""
    dice = random.Random(seed)
    bodies = [f"i{n}" for n in range(12)]
    corpus = {
        f"w{n}": [
            [dice.choice([None, *"abcdefgh"]), dice.sample(bodies, dice.randrange(3))]
            for _ in range(dice.randrange(1, 7))
        ]
        for n in range(size)
    }
    countries = {body: dice.choice(["BE", "NL", "DE", "FR", None]) for body in bodies}
    years = {work: dice.choice([None, "2019", "2021-05", "2024-02-03"]) for work in corpus}
    return works(corpus, years=years, countries=countries)


@pytest.fixture(scope="module", params=["store", "sqlframe"])
def pair(request, tmp_path_factory):
    """Return one corpus twice: in memory, and on another engine."""
    tables = at_random()
    return cn.Records(tables), held(tables, request.param, tmp_path_factory.mktemp("random"))


@pytest.mark.parametrize(
    "options",
    [
        {"level": "person", "count": "refined", "cap": 4},
        {"level": "country", "count": "fractional", "years": (2019, 2021)},
        {"level": "region", "regions": ["eu27", "neighbours"]},
    ],
    ids=lambda options: options.get("level", "institution"),
)
def test_links_of_a_random_corpus_are_the_same_on_every_engine(pair, options):
    here, there = (cn.edges(records, **options) for records in pair)
    assert len(here)
    alike(here, there)
    assert {**here.attrs["note"], "store": None} == {**there.attrs["note"], "store": None}


def test_output_of_a_random_corpus_is_the_same_on_every_engine(pair):
    here, there = (cn.output(records, level="country", count="fractional") for records in pair)
    alike(*(table.sort_values("unit", ignore_index=True) for table in (here, there)))
    missing = [table.attrs["note"]["without_unit"] for table in (here, there)]
    assert missing[0] == pytest.approx(missing[1])


def test_collaboration_of_a_random_corpus_is_the_same_on_every_engine(pair):
    alike(*map(cn.collaboration, pair))


@given(corpora())
@settings(max_examples=4, deadline=None)
def test_a_store_counts_as_memory_does(tmp_path_factory, corpus):
    tables = works(corpus, countries={"A": "BE", "B": "FR", "C": "BE"})
    here, there = (held(tables, e, tmp_path_factory.mktemp("store")) for e in ("pandas", "store"))
    for level in ("institution", "country"):
        alike(*(cn.edges(records, level=level, count="fractional") for records in (here, there)))


def test_nothing_stays_in_the_database_after_counting(tmp_path):
    records = held(at_random(), "store", tmp_path)
    cn.edges(records, count="fractional")
    assert engine.connection().execute("SHOW TABLES").fetchall() == []


def test_a_store_without_any_row_gives_an_empty_table(tmp_path):
    records = cn.read(cn.write_store(cn.Records({}), tmp_path / "store"))
    for level in ("institution", "country", "person", "region"):
        assert len(cn.edges(records, level=level)) == 0


# --- memory -----------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    """Return the folder of a small store; what DuckDB may use is as it was afterwards."""
    yield cn.write_store(held(at_random(), "pandas"), tmp_path / "store")
    engine.connection()


@pytest.fixture
def limits(monkeypatch):
    """Return a way to set and read what DuckDB may use."""
    for name in ("COLLABNET_MEMORY", "COLLABNET_SPILL"):
        monkeypatch.setenv(name, "")

    def now():
        ask = "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
        return engine.connection().execute(ask).fetchone()

    monkeypatch.now = now
    yield monkeypatch
    monkeypatch.undo()
    engine.connection()


def test_the_environment_wins_over_the_settings_and_both_are_read_when_needed(limits, tmp_path):
    before, _ = limits.now()
    limits.setattr(defaults, "MEMORY", "1GiB")
    limits.setattr(defaults, "SPILL", str(tmp_path))
    assert limits.now()[0] == "1.0 GiB"
    assert limits.now()[1].startswith(f"{tmp_path}/collabnet-")
    limits.setenv("COLLABNET_MEMORY", "2GiB")
    assert limits.now()[0] == "2.0 GiB"
    limits.setenv("COLLABNET_MEMORY", "")
    limits.setattr(defaults, "MEMORY", None)
    assert limits.now()[0] == before


def test_the_option_wins_over_the_environment(limits, store, capsys):
    limits.setenv("COLLABNET_MEMORY", "2GiB")
    assert cli.main(["edges", str(store), "--memory", "3GiB"]) == 0
    assert "weight" in capsys.readouterr().out
    assert limits.now()[0] == "3.0 GiB"


@pytest.mark.parametrize("size", ["4 elephants", "80%", "-3GB", "4", "0GB; DROP TABLE x"])
@pytest.mark.parametrize("command", ["ingest", "edges", "partners", "atlas"])
def test_a_size_that_is_none_is_told_before_anything_is_read(
    limits, tmp_path, capsys, command, size
):
    arguments = [command, "/no/store", f"--memory={size}"]
    out = [] if command in {"edges", "partners"} else ["--out", str(tmp_path / "out")]
    limits.setenv("COLLABNET_MEMORY", "1GB")
    assert cli.main(arguments + out) == 2
    assert capsys.readouterr().err == (
        f"collabnet: Memory {size!r} is no size. Write one such as 4GB or 500MB.\n"
    )


def test_a_folder_that_cannot_be_spilled_into_is_told(limits, tmp_path):
    limits.setenv("COLLABNET_SPILL", str(tmp_path / "absent"))
    with pytest.raises(cn.CollabnetError, match=r"absent: no folder to spill into"):
        engine.connection()


SPILLING = """
import sys
from pathlib import Path
from collabnet import engine
ask = "SELECT hash(range) AS h, range AS r FROM range(1_500_000) ORDER BY h"
frame = engine.settle(engine.lazy(engine.connection().sql(ask)))
first = engine.collect(frame.sort("h").head(1))["r"][0]
print(len(list(Path(sys.argv[1]).rglob("*.tmp"))), first)
"""
GREEDY = """
from collabnet import engine
ask = "SELECT list(range ORDER BY hash(range)) AS x FROM range(2_000_000)"
engine.settle(engine.lazy(engine.connection().sql(ask)))
"""


def in_a_process(code, folder):
    """Run code in a process of its own: one that has spilled cannot change its folder."""
    line = [sys.executable, "-W", "error", "-c", code, str(folder)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_what_does_not_fit_is_spilled_into_the_folder_and_cleared_away(limits, tmp_path):
    limits.setenv("COLLABNET_SPILL", str(tmp_path))
    first = {}
    for size in ("2GB", "25MB"):
        limits.setenv("COLLABNET_MEMORY", size)
        done = in_a_process(SPILLING, tmp_path)
        assert done.stderr == ""
        files, first[size] = done.stdout.split()
        assert (int(files) > 0) == (size == "25MB")
        assert list(tmp_path.iterdir()) == []
    assert first["2GB"] == first["25MB"]


def test_what_cannot_be_done_within_the_memory_is_told_in_one_sentence(limits, tmp_path):
    limits.setenv("COLLABNET_MEMORY", "25MB")
    last = in_a_process(GREEDY, tmp_path).stderr.splitlines()[-1]
    assert last.startswith("collabnet.errors.CollabnetError: The tables cannot be joined: Out of")
    assert last.endswith("See docs/how-to/cluster.md.")


# --- engines by name --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engine", "sparc"], "Unknown engine 'sparc'. Did you mean 'spark'?"),
        (["--engine", "x"], "Unknown engine 'x'. Known: duckdb, spark."),
        (["--master", "local[2]"], "--master is not for duckdb; see docs/how-to/cluster.md."),
        (["--engine", "spark", "--memory", "1GB"], "--memory is not for spark; see"),
    ],
    ids=" ".join,
)
def test_engines_and_their_options_are_checked(limits, store, capsys, options, said):
    limits.setenv("COLLABNET_MEMORY", "1GB")
    assert cli.main(["edges", str(store), *options]) == 2
    assert said in capsys.readouterr().err


def test_spark_without_pyspark_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(cn.MissingExtraError, match=r"Spark needs pyspark.*collabnet\[spark\]"):
        engine.spark_session()


# --- real: OpenAlex ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(real):
    """Return the real OpenAlex files."""
    return sorted((real / "openalex_works").iterdir())


@pytest.fixture(scope="module")
def raw(files):
    """Return the real works as they were downloaded, the newest version of each."""
    return openalex_works(files)


@pytest.fixture(scope="module")
def openalex(files):
    """Return the real works as collabnet reads them."""
    return cn.read_all(files)


def test_real_works_are_536_and_the_rest_were_older_versions(openalex, raw):
    assert openalex.counts()["work"] == len(raw) == 536
    assert openalex.provenance["merged"] == 137
    assert sum(source["read"] for source in openalex.provenance["sources"]) == 536 + 137


@pytest.mark.parametrize("count", SCHEMES)
@pytest.mark.parametrize("level", ["institution", "country"])
def test_real_links_equal_the_recount_from_the_raw_files(openalex, raw, level, count):
    parties = openalex_institutions(raw) if level == "institution" else openalex_countries(raw)
    expected = links(parties, count)
    table = cn.edges(openalex, level=level, count=count)
    assert by_pair(table, "activities") == {pair: n for pair, (_, n) in expected.items()}
    assert by_pair(table) == {pair: pytest.approx(float(w)) for pair, (w, _) in expected.items()}
    assert table.attrs["note"]["joint"] == sum(len(units) > 1 for units in parties.values())


def test_a_store_of_the_real_works_counts_as_memory_does(openalex, tmp_path):
    store = cn.read(cn.write_store(openalex, tmp_path / "store"))
    for level in ("institution", "country", "person"):
        alike(*(cn.edges(r, level=level, count="fractional") for r in (openalex, store)))


def test_the_work_of_5103_authors_is_there_and_its_persons_are_reported_left_out(openalex, raw):
    people = openalex.participants.query("activity_id == 'openalex:W1694905212'")
    assert people["position"].nunique() == 5103
    authors = [a["author"]["id"] for a in raw["https://openalex.org/W1694905212"]["authorships"]]
    assert len(authors) == 5103
    n = len(set(authors))
    assert n == 5091  # twelve of them are signed twice
    table = cn.edges(openalex, level="person")
    pairs = n * (n - 1) // 2
    assert table.attrs["note"]["left_out"] == {"activities": 1, "pairs": pairs, "weight": pairs}
    assert n * (n - 1) // 2 == 12_956_595


def test_the_snapshot_adds_27_works_without_authors(openalex, real):
    part = cn.read(real / "openalex_snapshot/works/updated_date=2023-05-16/part_000.gz")
    assert (openalex + part).counts()["work"] == 563


def test_works_without_authors_give_an_empty_graph_that_says_so(real):
    part = cn.read(real / "openalex_snapshot/works/updated_date=2023-05-16/part_000.gz")
    for level in ("institution", "country", "person", "region"):
        table = cn.edges(part, level=level)
        assert len(table) == 0
        note = table.attrs["note"]
        assert (note["population"]["activities"], note["placed"], note["joint"]) == (27, 0, 0)


# --- real: H2020 ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def h2020(real, tmp_path_factory):
    """Return a store of all participations in Horizon 2020."""
    records = cn.read(real / "cordis" / "h2020.csv.gz")
    return cn.read(cn.write_store(records, tmp_path_factory.mktemp("h2020") / "store"))


def test_the_pairs_of_h2020_are_1_089_509(h2020, real):
    with gzip.open(real / "cordis" / "h2020.csv.gz", "rt", encoding="utf-8") as file:
        parties = {}
        for row in csv.DictReader(file):
            parties.setdefault(row["rcn"], set()).add(row["pic"])
    total = sum(len(pics) * (len(pics) - 1) // 2 for pics in parties.values())
    table = cn.edges(h2020, "project")
    assert table["weight"].sum() == table["activities"].sum() == total == 1_089_509


def test_liege_has_956_partners_in_106_projects_of_which_it_leads_31(h2020):
    table = cn.partners(h2020, "pic:999976105", kind="project")
    assert len(table) == 956
    note = table.attrs["note"]
    assert (note["of_home"], note["coordinated"], note["countries"]) == (106, 31, 77)


def test_namibia_is_a_country_and_eu_codes_are_iso_codes(h2020):
    countries = Counter(h2020.participants["country"].dropna())
    assert countries["NA"] > 0
    assert countries["GR"] > 0
    assert countries["GB"] > 0
    assert not {"EL", "UK"} & set(countries)
    links_ = cn.edges(h2020, "project", level="country")
    assert {"NA", "GR", "GB"} <= {*links_["source"], *links_["target"]}
