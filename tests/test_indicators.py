"""Indicators: each equals what was computed by hand, on every engine; shares add up."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from corpora import ENGINES, corpora, frames, held, toy, works
from hypothesis import given, settings
from recount import author_credit

import collabnet as cn

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
EMR = "euregio-meuse-rhine"
FUZZ = settings(max_examples=6, deadline=None)


def by_hand(oracle):
    """Return an oracle as {unit or "A-B": number}; fractions are written as text."""
    given_ = {key: value for key, value in oracle.items() if not key.startswith("_")}
    return {key: pytest.approx(float(Fraction(value)), abs=1e-6) for key, value in given_.items()}


def by_unit(table, column="output"):
    """Return a table of units as {unit: value}."""
    return table.set_index("unit")[column].to_dict()


@pytest.fixture(scope="module", params=ENGINES)
def records(request, oracles, tmp_path_factory):
    """Return the toy corpus, held by each engine in turn."""
    return held(toy(oracles), request.param, tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def links(records):
    """Return the links of the toy corpus."""
    return cn.edges(records)


@pytest.fixture(scope="module")
def similar(records, links):
    """Return the similarities of the toy corpus, by `A-B` in the spelling of the oracles."""
    table = cn.similarities(links, cn.output(records))
    order = "LMRHN".index
    pairs = zip(table["source"], table["target"], strict=True)
    return table.set_index(pd.Index(["-".join(sorted(pair, key=order)) for pair in pairs]))


@pytest.fixture(scope="module")
def collaboration(records):
    """Return the shares of collaboration of the toy corpus, by unit."""
    return cn.collaboration(records).set_index("unit")


# --- output -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("oracle", "options"),
    [
        ("full_count", {"count": "full"}),
        ("fractional_author_level", {"count": "fractional"}),
        ("fractional_org_level", {"count": "organisation"}),
        ("fractional_country_author_level", {"count": "fractional", "level": "country"}),
    ],
)
def test_output_is_the_one_computed_by_hand(records, oracles, oracle, options):
    table = cn.output(records, **options)
    assert by_unit(table) == by_hand(oracles[oracle])
    total = oracles[oracle].get("_sum", table["output"].sum())
    assert table["output"].sum() == pytest.approx(total)
    assert table.attrs["note"]["activities"] == 6


@given(corpora(complete=True))
@FUZZ
def test_author_level_fractions_sum_to_one_a_work_of_placed_authors(corpus):
    table = cn.output(cn.Records(works(corpus)), count="fractional")
    assert table["output"].sum() == pytest.approx(len(corpus))
    assert table.attrs["note"]["without_unit"] == pytest.approx(0, abs=1e-9)


@given(corpora())
@FUZZ
def test_fractions_equal_the_recount_and_what_is_missing_is_said(corpus):
    table = cn.output(cn.Records(works(corpus)), count="fractional")
    expected = author_credit(corpus)
    assert by_unit(table) == {unit: pytest.approx(float(c)) for unit, c in expected.items()}
    missing = len(corpus) - sum(expected.values())
    assert table.attrs["note"]["without_unit"] == pytest.approx(float(missing))
    assert table.attrs["note"]["activities"] == len(corpus)


@given(corpora())
@FUZZ
def test_no_unit_has_more_in_fractions_than_in_full(corpus):
    records = cn.Records(works(corpus))
    full = by_unit(cn.output(records))
    for count in ("fractional", "organisation"):
        table = cn.output(records, count=count)
        assert all(credit <= full[unit] + 1e-9 for unit, credit in by_unit(table).items())
        assert set(table["unit"]) == set(full)


def test_an_author_in_two_countries_counts_in_both_and_half_in_each_by_fractions():
    records = cn.Records(works({"w": [["ann", "AB"]]}, countries={"A": "BE", "B": "FR"}))
    assert by_unit(cn.output(records, level="country")) == {"BE": 1, "FR": 1}
    half = cn.output(records, level="country", count="fractional")
    assert by_unit(half) == {"BE": 0.5, "FR": 0.5}


@pytest.mark.parametrize("engine", ["pandas", "store"])
def test_countries_without_author_or_institution_share_a_work(engine, tmp_path):
    acts = [{"activity_id": "w", "kind": "work", "start": "2024"}]
    rows = [{"activity_id": "w", "country": code} for code in ("BE", "CD")]
    table = cn.output(
        held(frames(acts, rows), engine, tmp_path), level="country", count="fractional"
    )
    assert by_unit(table) == {"BE": 0.5, "CD": 0.5}


def test_a_work_without_authors_is_part_of_what_is_missing():
    tables = works({"w": [["ann", "A"]], "v": [["ann", "A"]]})
    tables["participants"] = tables["participants"].iloc[:1]
    note = cn.output(cn.Records(tables), count="fractional").attrs["note"]
    assert (note["activities"], note["without_unit"]) == (2, 1)


def test_output_counts_the_years_asked_for():
    corpus = {year: [["ann", "A"]] for year in ("2019", "2020", "2021")}
    records = cn.Records(
        works({**corpus, "x": [["ann", "A"]]}, years={**{y: y for y in corpus}, "x": None})
    )
    assert by_unit(cn.output(records, years=(2020, 2025))) == {"A": 2}
    assert by_unit(cn.output(records)) == {"A": 4}


@pytest.mark.parametrize("function", [cn.output, cn.collaboration])
def test_no_records_give_an_empty_table_of_indicators(function):
    table = function(cn.Records({}))
    assert len(table) == 0
    assert table.columns[:2].tolist() == ["unit", "output"]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [({"level": "contry"}, "Did you mean 'country'"), ({"count": "fraction"}, "'fractional'")],
)
def test_output_answers_an_unknown_name_with_the_nearest(wrong, hint):
    with pytest.raises(cn.UnknownNameError, match=hint):
        cn.output(cn.Records({}), **wrong)


# --- similarity -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "oracle"),
    [
        ("salton", "salton"),
        ("jaccard", "jaccard"),
        ("association", "association_strength_cij_over_ci_cj_pubs"),
        ("affinity", "association_strength_2m_cij_over_ki_kj"),
        ("affinity", "pai_links_T14"),
    ],
)
def test_similarity_is_the_one_computed_by_hand(similar, oracles, column, oracle):
    expected = by_hand(oracles[oracle])
    assert similar.loc[list(expected), column].to_dict() == expected


def test_similarities_of_no_links_are_an_empty_table():
    records = cn.Records({})
    table = cn.similarities(cn.edges(records), cn.output(records))
    assert table.columns[-4:].tolist() == ["salton", "jaccard", "association", "affinity"]
    assert len(table) == 0


@given(corpora())
@FUZZ
def test_similarities_lie_between_nought_and_one(corpus):
    records = cn.Records(works(corpus))
    table = cn.similarities(cn.edges(records), cn.output(records))
    for column in ("salton", "jaccard", "association"):
        assert table[column].between(0, 1 + 1e-12).all()
    assert (table["jaccard"] <= table["salton"] + 1e-12).all()


# --- collaboration ----------------------------------------------------------------------------


def test_single_and_multiple_country_works_are_those_computed_by_hand(collaboration, oracles):
    oracle = oracles["scp_mcp_L"]
    found = collaboration.loc["L", ["scp", "mcp", "mcp_ratio"]].tolist()
    assert found == [oracle["SCP"], oracle["MCP"], oracle["MCP_ratio"]]


def test_shares_of_collaboration_are_those_computed_by_hand(collaboration, oracles):
    oracle = oracles["leiden_L"]
    found = collaboration.loc["L", ["output", "pp_collab", "pp_int_collab"]].tolist()
    assert found == [oracle["P_full"], oracle["PP_collab"], oracle["PP_int_collab"]]


def test_two_houses_of_one_country_collaborate_but_not_abroad():
    records = cn.Records(works({"w": [["ann", "AB"]]}, countries={"A": "BE", "B": "BE"}))
    row = cn.collaboration(records).iloc[0]
    assert (row["collab"], row["int_collab"], row["scp"], row["mcp"]) == (1, 0, 1, 0)


def test_a_country_without_institution_makes_a_work_international():
    acts = [{"activity_id": "w", "kind": "work", "start": "2024"}]
    rows = [
        {"activity_id": "w", "institution_id": "A", "country": "BE"},
        {"activity_id": "w", "country": "CD"},
    ]
    table = cn.collaboration(cn.Records(frames(acts, rows)))
    assert table[["unit", "collab", "int_collab"]].iloc[0].tolist() == ["A", 1, 1]


# --- regions ----------------------------------------------------------------------------------


def test_openness_of_the_euregio_is_the_one_computed_by_hand(records, links, oracles):
    row = cn.region_shares(links, records.institutions, [EMR]).iloc[0]
    oracle = oracles["ei_region_EMR"]
    assert (row["internal"], row["external"]) == (oracle["internal"], oracle["external"])
    assert row["ei"] == pytest.approx(oracle["EI"], abs=1e-6)
    openness = oracles["region_openness_EMR"]["external_over_all"]
    assert row["openness"] == pytest.approx(openness, abs=1e-6)


def test_a_region_without_links_has_no_openness():
    records = cn.Records(works({"w": [["ann", "AB"]]}, countries={"A": "BE", "B": "FR"}))
    row = cn.region_shares(cn.edges(records), records.institutions, ["maghreb"]).iloc[0]
    assert (row["internal"], row["external"]) == (0, 0)
    assert np.isnan(row["openness"])
    assert np.isnan(row["ei"])


def test_the_regions_of_the_settings_are_those_of_the_moment(monkeypatch):
    monkeypatch.setattr(cn.settings, "REGIONS", ("maghreb",))
    records = cn.Records({})
    table = cn.region_shares(cn.edges(records), records.institutions)
    assert table["region"].tolist() == ["maghreb"]
