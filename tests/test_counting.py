"""The kernel, the join and a file on disk count alike; what lasts is counted as it was lived."""

import subprocess
import sys

import pandas as pd
import pytest
from corpora import ENGINES, corpora, frames, held, joint, works
from hypothesis import given, settings
from hypothesis import strategies as st

import collabnet as cn
from collabnet import counting, engine

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
QUICK = settings(deadline=None, max_examples=10)
ALL = pytest.mark.parametrize("name", ENGINES)
QUESTIONS = st.fixed_dictionaries(
    {
        "level": st.sampled_from(["institution", "country", "person"]),
        "count": st.sampled_from(["full", "fractional", "refined"]),
        "years": st.sampled_from([None, (2020, 2022)]),
        "cap": st.sampled_from([None, 2, 3]),
    }
)
HOMES = {"A": "BE", "B": "BE", "C": "FR", "D": None, "E": "CD"}


def by_join(run):
    """Return what the join in narwhals says, on an engine the kernel would take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "fits", lambda _: False)
        return run()


# --- one result, three ways ---------------------------------------------------------------------


@QUICK
@given(corpora(), QUESTIONS, st.lists(st.sampled_from(["2019", "2020", "2022", None]), min_size=8))
def test_kernel_and_join_count_the_same(corpus, question, dates):
    years = dict(zip(corpus, dates, strict=False))
    records = cn.Records(works(corpus, years=years, countries=HOMES))
    ours, theirs = cn.edges(records, **question), by_join(lambda: cn.edges(records, **question))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-12)
    assert ours.attrs == theirs.attrs


@QUICK
@given(corpora(), st.sampled_from("ABCDE"))
def test_kernel_and_join_find_the_same_partners(corpus, home):
    records = cn.Records(works({**corpus, "own": [["eve", home]]}, countries=HOMES))
    ours = cn.partners(records, home, count="fractional")
    theirs = by_join(lambda: cn.partners(records, home, count="fractional"))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-12)


@QUICK
@given(corpora(), st.integers(1, 9))
def test_pairs_do_not_depend_on_the_size_of_a_block(corpus, block):
    records = cn.Records(works(corpus))
    whole = cn.edges(records, level="person", count="fractional")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "BLOCK", block)
        pd.testing.assert_frame_equal(cn.edges(records, level="person", count="fractional"), whole)


@ALL
@pytest.mark.parametrize("level", ["institution", "country"])
def test_links_written_to_a_file_are_those_returned(name, level, tmp_path):
    corpus = {"w1": [["ann", "AB"], ["bob", "C"]], "w2": [["ann", "A"], ["cy", "CE"]]}
    records = held(works(corpus, countries=HOMES), name, tmp_path)
    path = tmp_path / "edges.parquet"
    lazy = cn.write_edges(records, path, level=level, count="refined")
    table = cn.edges(records, level=level, count="refined")
    assert lazy.order("source, target").fetchall() == list(table.itertuples(index=False, name=None))
    pd.testing.assert_frame_equal(pd.read_parquet(path), table, check_dtype=False)
    assert pd.read_parquet(path).attrs["note"]["left_out"] == table.attrs["note"]["left_out"]


def test_what_does_not_fit_into_memory_is_counted_by_duckdb(tmp_path, monkeypatch):
    corpus = {"w1": [["ann", "AB"], ["bob", "C"]], "w2": [["ann", "A"], ["cy", "CE"]]}
    records = held(works(corpus), "store", tmp_path)
    table = cn.edges(records, count="fractional")
    monkeypatch.setattr(engine, "ROW", 1 << 50)
    monkeypatch.setattr(counting, "pair_blocks", None)
    pd.testing.assert_frame_equal(cn.edges(records, count="fractional"), table)


def test_a_file_of_no_link_has_its_columns(tmp_path):
    lazy = cn.write_edges(cn.Records({}), tmp_path / "none.parquet")
    assert lazy.columns == ["source", "target", "weight", "activities", "first", "last"]


# --- what lasts -----------------------------------------------------------------------------------

SUCCESSION = [
    {"institution_id": "A", "until": "2010"},
    {"institution_id": "B", "since": "2012"},
    {"institution_id": "C"},
]


@ALL
def test_size_of_an_agreement_is_the_most_that_sat_together(name, tmp_path):
    records = held(joint(*SUCCESSION, end="2020"), name, tmp_path)
    strength = cn.strengths(cn.edges(records, "agreement", count="fractional")).set_index("unit")
    assert strength["strength"].to_dict() == {"A": 1, "B": 1, "C": 2}


@ALL
def test_a_cap_looks_at_those_that_sat_together(name, tmp_path):
    records = held(joint(*SUCCESSION, end="2020"), name, tmp_path)
    assert len(cn.edges(records, "agreement", cap=2)) == 2


@ALL
@pytest.mark.parametrize(("level", "names"), [("country", None), ("region", ["eu27", "maghreb"])])
def test_a_country_does_not_bridge_the_gap_between_two_of_its_bodies(name, level, names, tmp_path):
    parties = [
        {"institution_id": "X", "country": "BE", "until": "2001"},
        {"institution_id": "Z", "country": "BE", "since": "2008"},
        {"institution_id": "Y", "country": "MA", "since": "2003", "until": "2005"},
    ]
    tables = joint(*parties, start="1999", end="2012")
    tables["institutions"] = pd.DataFrame(
        {"institution_id": list("XYZ"), "country": ["BE", "MA", "BE"]}
    )
    records = held(tables, name, tmp_path)
    assert cn.edges(records, "agreement", level=level, regions=names).empty


@ALL
def test_a_member_that_came_back_is_one_party_with_both_spells(name, tmp_path):
    spells = [("A", "2000", "2003"), ("A", "2008", "2010"), ("B", None, None)]
    parties = [{"institution_id": i, "since": s, "until": u} for i, s, u in spells]
    records = held(joint(*parties, start="2000", end="2012"), name, tmp_path)
    row = ["A", "B", 1, 1, 2000, 2010]
    assert cn.edges(records, "agreement", count="fractional").to_numpy().tolist() == [row]
    assert cn.edges(records, "agreement", years=(2004, 2007)).empty


@ALL
def test_regions_are_those_of_the_year(name, tmp_path):
    people = {"w18": [["ann", "G"], ["bob", "M"]], "w22": [["ann", "G"], ["bob", "M"]]}
    years = {"w18": "2018", "w22": "2022"}
    records = held(works(people, years=years, countries={"G": "GB", "M": "MA"}), name, tmp_path)
    table = cn.edges(records, level="region", regions=["eu27", "maghreb"])
    assert table.to_numpy().tolist() == [["eu27", "maghreb", 1.0, 1, 2018, 2018]]
    found = cn.behind(records, ("maghreb", "eu27"), level="region")
    assert found["activity_id"].tolist() == ["w18"]


# --- what is asked wrongly ------------------------------------------------------------------------


@pytest.mark.parametrize("years", ["2019", (2019,), (2019, "2024"), (2019.5, 2024)])
def test_years_that_are_none_are_refused_in_a_sentence(years):
    with pytest.raises(cn.CollabnetError, match="two years such as"):
        cn.edges(cn.Records({}), years=years)


@pytest.mark.parametrize("cap", ["x", 2.5, True, -1])
def test_a_cap_that_is_no_number_is_refused_in_a_sentence(cap):
    with pytest.raises(cn.CollabnetError, match="number of parties"):
        cn.edges(cn.Records({}), cap=cap)


def test_regions_at_another_level_are_refused():
    with pytest.raises(cn.CollabnetError, match="region"):
        cn.edges(cn.Records({}), regions=["maghreb"])


def test_behind_names_the_end_it_does_not_know():
    records = cn.Records(works({"w": [["ann", "AB"]]}))
    with pytest.raises(cn.UnknownNameError, match="'Q'"):
        cn.behind(records, ("A", "Q"))


# --- a store that changes under a reader ------------------------------------------------------


def test_records_of_a_store_that_was_replaced_say_so(tmp_path):
    store = cn.write_store(cn.Records(works({"w": [["ann", "AB"]]})), tmp_path / "store")
    opened = cn.read(store)
    cn.write_store(cn.Records(works({"v": [["ann", "XYZ"]]})), store)
    with pytest.raises(cn.StoreError, match="Open it again"):
        cn.edges(opened)
    assert len(cn.edges(cn.read(store))) == 3


def test_a_store_whose_replacement_was_killed_halfway_is_put_back(tmp_path):
    store = cn.write_store(cn.Records(works({"w": [["ann", "AB"]]})), tmp_path / "store")
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    store.rename(tmp_path / f".store.old-{int(gone.stdout)}")
    assert len(cn.edges(cn.read(store))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_frame_without_rows_counts_nothing():
    tables = frames([], [])
    assert cn.edges(cn.Records(tables)).attrs["note"]["joint"] == 0


@pytest.mark.parametrize("count", ["full", "fractional", "refined"])
def test_the_works_of_single_years_add_up_to_those_of_the_span(count):
    made = works({f"w{n}": [["ann", "A"], ["ben", "B"], ["eve", "ABC"[n % 3]]] for n in range(9)})
    made["activities"]["start"] = [str(2015 + n % 4) for n in range(9)]
    records = cn.Records(made)
    whole = cn.edges(records, years=(2015, 2018), count=count)["weight"].sum()
    single = [cn.edges(records, years=(y, y), count=count) for y in range(2015, 2019)]
    assert sum(table["weight"].sum() for table in single) == pytest.approx(whole)
    assert whole == pytest.approx(cn.edges(records, count=count)["weight"].sum())


@pytest.mark.parametrize("cap", [2, 3, 4, 5])
def test_what_is_counted_and_what_the_cap_leaves_out_are_all_pairs_there_are(cap):
    teams = {f"w{n}": [[f"p{i}", "AB"[i % 2]] for i in range(n)] for n in range(2, 7)}
    records = cn.Records(works(teams))
    whole = cn.edges(records, level="person", cap=None)["weight"].sum()
    kept = cn.edges(records, level="person", cap=cap)
    assert kept["weight"].sum() == sum(n * (n - 1) // 2 for n in range(2, cap + 1))
    assert kept["weight"].sum() + kept.attrs["note"]["left_out"]["pairs"] == whole
