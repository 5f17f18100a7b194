"""Indicators: each equals what was computed by hand, on every engine; shares add up."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from corpora import ENGINES, corpora, frames, held, toy, works
from hypothesis import given, settings
from recount import author_credit

import collabnet as cn
from collabnet.indicators import signed

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
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


@pytest.mark.parametrize("function", [cn.output, cn.collaboration, cn.collaboration_types])
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


def test_distances_of_works_are_those_computed_by_hand(collaboration, oracles):
    row = collaboration.loc["L"]
    leiden = oracles["leiden_L"]
    short = leiden["PP_short_dist(<=100,collab only, CWTS code)"]
    assert (row["pp_short"], row["pp_long"]) == (short, leiden["PP_long_dist(>=5000)"])
    assert row["mgcd"] == pytest.approx(oracles["mgcd_L_all_pubs"], abs=0.05)
    assert row["mgcd_collab"] == pytest.approx(oracles["mgcd_L_collab_pubs_only"], abs=0.05)
    assert (row["distance_n"], row["distance_collab_n"]) == (5, 4)


def test_the_largest_distance_of_each_work_is_the_one_computed_by_hand(records, oracles):
    found = signed(records, "work", level="institution", years=None, countries=None).works
    # In a store works have numbers, in the order of their ids.
    oracle = oracles["max_distance_km_haversine_R6371.0088"]
    assert found.sort_values("key")["km"].tolist() == pytest.approx([*oracle.values()], abs=0.05)


def test_one_author_of_two_countries_makes_a_work_of_two_countries(collaboration, oracles):
    wrong = oracles["leiden_L"]["PP_collab_if_single_author_multi_affil_excluded"]
    assert collaboration.loc["L", "pp_collab"] != wrong


PLACES = {"A": (0.0, 0.0), "B": (0.0, 44.0), "C": (0.0, 45.0), "D": (0.0, 0.5), "E": (None, None)}


def placed(authors, **columns):
    """Return Records of works whose institutions lie on the equator; E has no known place."""
    tables = works(authors, countries=dict.fromkeys("ABCDE", "BE"))
    bodies = tables["institutions"]
    spots = [PLACES[body] for body in bodies["institution_id"]]
    lat, lon = zip(*spots, strict=True)
    tables["institutions"] = bodies.assign(lat=lat, lon=lon, **columns)
    return cn.Records(tables)


@pytest.mark.parametrize(
    ("others", "short", "long"), [("D", 1, 0), ("B", 0, 0), ("C", 0, 1), ("DC", 0, 1), ("", 0, 0)]
)
def test_the_longest_distance_of_a_work_decides(others, short, long):
    # 0.5° are 56 km, 44° are 4 893 km and 45° 5 004 km; nobody is short with himself.
    row = cn.collaboration(placed({"w": [["ann", "A" + others]]})).iloc[0]
    assert (row["pp_short"], row["pp_long"]) == (short, long)


def test_a_distance_that_cannot_be_told_is_not_counted_as_none():
    corpus = {"w": [["ann", "AE"]], "v": [["ann", "AD"]], "u": [["ann", "A"]], "x": [["ann", "E"]]}
    table = cn.collaboration(placed(corpus)).set_index("unit")
    assert table.loc["A", ["output", "distance_n", "distance_collab_n", "pp_short"]].tolist() == [
        3,
        2,
        1,
        1 / 3,
    ]
    assert table.loc["E", ["output", "distance_n", "mgcd"]].tolist() == [2, 1, 0]
    assert np.isnan(table.loc["E", "mgcd_collab"])


def test_an_address_without_institution_hides_the_distance_but_not_the_country():
    tables = works({"w": [["ann", "A"]]}, countries={"A": "BE"})
    tables["institutions"] = tables["institutions"].assign(lat=50.0, lon=5.0)
    far = pd.DataFrame({"activity_id": ["w"], "position": [2], "country": ["CD"]})
    tables["participants"] = pd.concat([tables["participants"], far], ignore_index=True)
    row = cn.collaboration(cn.Records(tables)).iloc[0]
    assert (row["int_collab"], row["distance_n"], row["industry_n"]) == (1, 0, 0)


def test_a_company_makes_a_work_one_with_industry_and_an_unknown_type_is_no_answer():
    types = {"A": "education", "B": "company", "C": "education", "D": None}
    corpus = {"w": [["ann", "AB"]], "v": [["ann", "AC"]], "u": [["ann", "AD"]]}
    records = placed({**corpus, "x": [["ann", "ABD"]]})
    bodies = records.institutions
    typed = bodies.assign(type=bodies["institution_id"].map(types))
    tables = {"activities": records.activities, "participants": records.participants}
    table = cn.collaboration(cn.Records({**tables, "institutions": typed})).set_index("unit")
    assert table.loc["A", ["industry", "industry_n"]].tolist() == [2, 3]
    assert table.loc["A", "pp_industry"] == pytest.approx(2 / 4)
    assert table.loc["D", ["industry", "industry_n"]].tolist() == [1, 1]
    assert table.loc["D", "pp_industry"] == 1 / 2


def test_hong_kong_is_china_by_the_rule_of_the_leiden_ranking_only():
    records = cn.Records(works({"w": [["ann", "AB"]]}, countries={"A": "CN", "B": "HK"}))
    leiden = cn.collaboration(records, countries={"HK": "CN", "MO": "CN"})
    assert (cn.collaboration(records)["mcp"].sum(), leiden["mcp"].sum()) == (2, 0)
    assert leiden["collab"].tolist() == [1, 1]
    merged = cn.collaboration(records, level="country", countries={"HK": "CN"})
    assert merged[["unit", "output"]].to_numpy().tolist() == [["CN", 1]]
    assert leiden.attrs["note"]["countries"] == {"HK": "CN", "MO": "CN"}


def test_by_corresponding_author_a_country_has_only_the_works_it_answers_for():
    tables = works(
        {"w": [["ann", "A"], ["bob", "B"]], "v": [["bob", "B"]], "u": [["cy", "B"]]}
        | {"x": [["dee", ""], ["cy", "B"]]},
        countries={"A": "BE", "B": "FR"},
    )
    tables["participants"]["corresponding"] = [True, False, True, None, True, False]
    table = cn.collaboration(cn.Records(tables), level="country", by="corresponding")
    assert table[["unit", "output", "scp", "mcp"]].to_numpy().tolist() == [
        ["BE", 1, 0, 1],
        ["FR", 1, 1, 0],
    ]
    assert table.attrs["note"]["without_corresponding"] == 2


@given(corpora())
@FUZZ
def test_single_and_multiple_country_works_add_up_to_the_output(corpus):
    lands = dict(zip("ABCDE", ("BE", "BE", "FR", "NL", None), strict=True))
    table = cn.collaboration(cn.Records(works(corpus, countries=lands)))
    assert (table["scp"] + table["mcp"] == table["output"]).all()
    assert (table["int_collab"] <= table["collab"]).all()
    assert (table["collab"] <= table["output"]).all()


# --- types of collaboration -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [("scival", [5, 4, 0, 1, 0]), ("incites", [5, 0, 0, 4, 0, 1])],
)
def test_types_of_collaboration_are_those_counted_by_hand(records, scheme, expected):
    # P1, P2 and P6 join two countries, P4 (BE, NL) too; P3 has two authors of one house.
    row = cn.collaboration_types(records, scheme=scheme).set_index("unit").loc["L"]
    assert row.tolist() == expected


def test_each_type_of_the_cascade_has_its_work():
    corpus = {
        "international": [["ann", "A"], ["bob", "C"]],
        "national": [["ann", "A"], ["bob", "B"]],
        "institutional": [["ann", "A"], ["bob", "A"]],
        "single": [["ann", "A"]],
    }
    lands = {"A": "BE", "B": "BE", "C": "FR"}
    row = cn.collaboration_types(cn.Records(works(corpus, countries=lands))).iloc[0]
    assert row.tolist() == ["A", 4, 1, 1, 1, 1]


def test_three_and_four_countries_are_types_of_their_own():
    lands = dict(zip("ABCDE", ("BE", "FR", "NL", "DE", "LU"), strict=True))
    corpus = {"w": [["ann", "ABC"]], "v": [["ann", "ABCD"]], "u": [["ann", "ABCDE"]]}
    table = cn.collaboration_types(cn.Records(works(corpus, countries=lands)), scheme="incites")
    assert table.iloc[0].tolist() == ["A", 3, 2, 1, 0, 0, 0]


def test_authors_the_source_counts_but_does_not_list_make_a_work_no_single_one():
    tables = works({"w": [["ann", "A"]]}, countries={"A": "BE"})
    tables["activities"]["authors_count"] = 3
    row = cn.collaboration_types(cn.Records(tables)).iloc[0]
    assert (row["institutional"], row["single"]) == (1, 0)


@given(corpora())
@FUZZ
def test_types_of_collaboration_add_up_to_the_output(corpus):
    lands = dict(zip("ABCDE", ("BE", "BE", "FR", "NL", None), strict=True))
    records = cn.Records(works(corpus, countries=lands))
    for scheme, level in (("scival", "institution"), ("incites", "country")):
        table = cn.collaboration_types(records, scheme=scheme, level=level)
        assert table.iloc[:, 2:].sum(axis=1).tolist() == table["output"].tolist()
        assert by_unit(table) == by_unit(cn.output(records, level=level))
