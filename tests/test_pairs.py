"""Links next to size, chance, lead and impact: what was computed by hand, identities, bounds."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from corpora import corpora, held, toy, works
from hypothesis import given, settings

import collabnet as cn

FUZZ = settings(max_examples=6, deadline=None)


def by_hand(oracle):
    """Return an oracle as {unit or "A-B": number}; fractions are written as text."""
    given_ = {key: value for key, value in oracle.items() if not key.startswith("_")}
    return {key: pytest.approx(float(Fraction(value)), abs=1e-6) for key, value in given_.items()}


@pytest.fixture(scope="module", params=["pandas", "store"])
def records(request, oracles, tmp_path_factory):
    """Return the toy corpus, in memory and from a store."""
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


def graph(*rows):
    """Return rows (source, target, weight) as an edge table."""
    return pd.DataFrame(rows, columns=["source", "target", "weight"])


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


def test_inclusion_and_equivalence_are_those_computed_by_hand(similar):
    # L has 5 works, M 3, H 2; L and M share 2, M and H share 2.
    assert similar.loc[["L-M", "M-H"], "inclusion"].tolist() == pytest.approx([2 / 3, 1])
    assert similar.loc[["L-M", "M-H"], "equivalence"].tolist() == pytest.approx([4 / 15, 4 / 6])


def test_similarities_of_no_links_are_an_empty_table():
    records = cn.Records({})
    table = cn.similarities(cn.edges(records), cn.output(records))
    names = ["salton", "jaccard", "inclusion", "equivalence", "association", "affinity"]
    assert table.columns[-6:].tolist() == names
    assert len(table) == 0


@given(corpora())
@FUZZ
def test_similarities_keep_their_bounds_and_order(corpus):
    records = cn.Records(works(corpus))
    table = cn.similarities(cn.edges(records), cn.output(records))
    for column in ("salton", "jaccard", "inclusion", "equivalence", "association"):
        assert table[column].between(0, 1 + 1e-12).all()
    assert (table["jaccard"] <= table["salton"] + 1e-12).all()
    assert (table["salton"] <= table["inclusion"] + 1e-12).all()
    assert np.allclose(table["equivalence"], table["salton"] ** 2)


@given(corpora())
@FUZZ
def test_affinity_weighted_by_the_strengths_of_partners_is_one(corpus):
    links = cn.edges(cn.Records(works(corpus)))
    strength = cn.strengths(links).set_index("unit")["strength"]
    table = cn.similarities(links)
    for unit, k in strength.items():
        mine = cn.around(table, unit)
        weights = mine["partner"].map(strength) / strength.sum()
        # What it has with itself is 0, so all it has is spread over the others.
        assert (mine["affinity"] * weights).sum() == pytest.approx(1), (unit, k)


def test_without_outputs_only_affinity_is_known():
    table = cn.similarities(graph(("A", "B", 2.0), ("A", "C", 1.0), ("B", "C", 1.0)))
    assert table["salton"].isna().all()
    assert table["affinity"].tolist() == pytest.approx([8 * 2 / 9, 8 / 6, 8 / 6])


def test_four_that_are_alike_have_more_than_chance_because_nobody_is_his_own_partner():
    rows = [(a, b, 1.0) for a in "ABCD" for b in "ABCD" if a < b]
    # C.. = 12, each has 3: 12·1/(3·3).
    assert cn.similarities(graph(*rows))["affinity"].tolist() == pytest.approx([4 / 3] * 6)


def test_similarities_refuse_what_is_no_table_of_edges():
    with pytest.raises(cn.SchemaError, match="joins an id to itself"):
        cn.similarities(graph(("A", "A", 1.0)))


# --- relative intensity -----------------------------------------------------------------------


def test_relative_intensity_is_the_one_computed_by_hand(links, oracles):
    table = cn.relative_intensity(links).set_index(["unit", "partner"])["ric"]
    oracle = dict(oracles["ric"])
    assert "inf" in oracle.pop("L,R")
    assert {key: table[tuple(key.split(","))] for key in oracle} == by_hand(oracle)
    assert table["L", "R"] == float("inf")


def test_relative_intensity_of_one_unit_is_its_part_of_the_whole(links):
    whole = cn.relative_intensity(links)
    mine = whole[whole["unit"] == "M"].reset_index(drop=True)
    pd.testing.assert_frame_equal(cn.relative_intensity(links, "M"), mine)


def test_where_one_unit_is_an_end_of_every_link_there_is_nobody_to_compare_with():
    table = cn.relative_intensity(graph(("A", "B", 2.0), ("A", "C", 1.0)), "A")
    assert table["ric"].isna().all()


def test_the_interval_of_a_ratio_of_shares_is_the_one_computed_by_hand():
    # 20 of A's 30 links go to B, and 10 of the 40 of others: a ratio of 8/3.
    links = graph(("A", "B", 20.0), ("A", "C", 10.0), ("B", "C", 10.0), ("C", "D", 30.0))
    row = cn.relative_intensity(links, "A").set_index("partner").loc["B"]
    error = np.sqrt(1 / 20 - 1 / 30 + 1 / 10 - 1 / 40)
    assert row["ric"] == pytest.approx(8 / 3)
    assert row[["low", "high"]].tolist() == pytest.approx(
        [8 / 3 / np.exp(1.96 * error), 8 / 3 * np.exp(1.96 * error)], rel=1e-4
    )


def test_weights_that_are_no_counts_have_no_interval(records):
    table = cn.relative_intensity(cn.edges(records, count="fractional"))
    assert table["ric"].notna().any()
    assert table[["low", "high"]].isna().all(axis=None)


@given(corpora())
@FUZZ
def test_an_interval_holds_its_value_and_nothing_is_below_nought(corpus):
    table = cn.relative_intensity(cn.edges(cn.Records(works(corpus))))
    assert (table["ric"].dropna() > 0).all()
    inside = table.dropna()
    assert (inside["low"] <= inside["ric"] + 1e-12).all()
    assert (inside["ric"] <= inside["high"] + 1e-12).all()


def test_relative_intensity_answers_an_unknown_unit():
    with pytest.raises(cn.UnknownNameError, match="Unknown unit 'X'"):
        cn.relative_intensity(graph(("A", "B", 1.0)), "X")


# --- backbone ---------------------------------------------------------------------------------


def test_the_backbone_keeps_the_link_it_keeps_by_hand(oracles):
    oracle = oracles["disparity_node_w(10,2,1,1)"]
    star = graph(("A", "B", 10.0), ("A", "C", 2.0), ("A", "D", 1.0), ("A", "E", 1.0))
    assert cn.backbone(star)["weight"].tolist() == oracle["kept_at_0.05"]
    whole = cn.backbone(star, 1)
    assert whole["significance"].tolist() == pytest.approx(oracle["alpha"], abs=1e-6)
    note = cn.backbone(star).attrs["note"]
    assert (note["links"], note["of_links"]) == (1, 4)
    assert note["share_of_weight"] == pytest.approx(10 / 14)


def test_a_link_between_two_ends_without_others_says_nothing():
    assert len(cn.backbone(graph(("A", "B", 5.0)))) == 0
    assert len(cn.backbone(graph())) == 0


def test_a_level_beyond_one_is_refused():
    with pytest.raises(cn.CollabnetError, match="alpha=5"):
        cn.backbone(graph(("A", "B", 1.0)), 5)


# --- shares of a link -------------------------------------------------------------------------


def test_shares_of_mine_and_of_the_partners_are_those_counted_by_hand(records):
    table = cn.link_shares(records, "L").set_index("partner")
    assert table.loc["M", ["joint", "output_home", "output_partner"]].tolist() == [2, 5, 3]
    assert table.loc["M", ["of_home", "of_partner"]].tolist() == pytest.approx([2 / 5, 2 / 3])
    # P1 and P4 both begin with an author of L; M ends P1, H ends P4.
    assert table.loc["M", ["lead_home", "lead_partner", "lead_n"]].tolist() == [1, 0, 2]
    assert table.loc["M", ["last_home", "last_partner", "last_n"]].tolist() == [0, 0.5, 2]


def test_an_author_of_both_houses_leads_half_for_each(records):
    row = cn.link_shares(records, "L").set_index("partner").loc["N"]
    assert row[["lead_home", "lead_partner"]].tolist() == [0.5, 0.5]


def test_swapping_the_two_sides_swaps_the_shares(records):
    left = cn.link_shares(records, "L").set_index("partner").loc["M"]
    right = cn.link_shares(records, "M").set_index("partner").loc["L"]
    for name in ("output", "of", "lead", "last"):
        swap = {f"{name}_home": f"{name}_partner", f"{name}_partner": f"{name}_home"}
        assert left[list(swap)].tolist() == right[list(swap.values())].tolist()


@given(corpora())
@FUZZ
def test_the_two_sides_never_lead_more_than_all(corpus):
    tables = works(corpus)
    tables["participants"]["corresponding"] = True
    records = cn.Records(tables)
    for home in records.institutions["institution_id"].head(1):
        table = cn.link_shares(records, home)
        for role in ("lead", "last", "corresponding"):
            both = (table[f"{role}_home"] + table[f"{role}_partner"]).dropna()
            assert (both <= 1 + 1e-12).all()
        assert (table[["of_home", "of_partner"]] <= 1).all(axis=None)


def test_nobody_is_last_in_a_list_that_was_cut_nor_first_where_ties_are_lost():
    tables = works({"w": [["ann", "A"], ["bob", "B"]], "v": [["ann", "A"], ["bob", "B"]]})
    tables["activities"]["authors_count"] = [500, 2]
    tables["activities"]["link_known"] = [True, False]
    row = cn.link_shares(cn.Records(tables), "A").iloc[0]
    assert row[["lead_n", "last_n", "corresponding_n"]].tolist() == [1, 0, 0]
    assert np.isnan(row["last_home"])


def test_a_house_without_partners_has_an_empty_table_of_each_kind():
    records = cn.Records(works({"w": [["ann", "A"]]}))
    for function in (cn.link_shares, cn.link_impact, cn.field_profile):
        table = function(records, "A")
        assert len(table) == 0
        assert table.columns[0] == "partner"
        assert table.attrs["note"]["home"] == "A"


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
@pytest.mark.parametrize("function", [cn.link_shares, cn.link_impact, cn.field_profile])
def test_another_engine_says_the_same_of_a_link(oracles, function):
    tables = toy(oracles)
    fields = pd.DataFrame({"activity_id": ["P1", "P4"], "scheme": "ford", "code": ["1", "2"]})
    both = [held({**tables, "fields": fields}, engine) for engine in ("pandas", "sqlframe")]
    ours, theirs = (function(records, "L", years=(2020, 2025)) for records in both)
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)
    assert len(ours) > 1


# --- impact -----------------------------------------------------------------------------------


def impact(fwci, top10=None):
    """Return the impact of the links of A: with B in w, with C in v, alone in u."""
    tables = works({"w": [["ann", "AB"]], "v": [["ann", "AC"]], "u": [["ann", "A"]]})
    tables["activities"]["fwci"] = fwci
    if top10:
        tables["activities"]["top10"] = top10
    return cn.link_impact(cn.Records(tables), "A")


def test_impact_of_a_link_stands_against_the_homes_own():
    table = impact([3.0, 1.0, 2.0], [True, False, False]).set_index("partner")
    assert table.loc["B", ["fwci", "fwci_n", "fwci_home", "fwci_ratio"]].tolist() == [3, 1, 2, 1.5]
    assert table.loc["B", ["top10", "top10_n"]].tolist() == [1, 1]
    assert table.loc["C", "top10_home"] == pytest.approx(1 / 3)
    assert table.attrs["note"]["fwci_home_n"] == 3


def test_an_unknown_impact_is_not_nought():
    table = impact([3.0, None, None]).set_index("partner")
    assert table.loc["C", "fwci_n"] == 0
    assert np.isnan(table.loc["C", "fwci"])
    assert table.loc["B", "fwci_home"] == 3
    assert table["top10_n"].tolist() == [0, 0]
    assert np.isnan(table.loc["B", "top10"])


# --- fields -----------------------------------------------------------------------------------


def with_fields(*rows):
    """Return Records of A with B (w), with C (v) and alone (u), in fields (work, code, share)."""
    tables = works({"w": [["ann", "AB"]], "v": [["ann", "AC"]], "u": [["ann", "A"]]})
    fields = pd.DataFrame(rows, columns=["activity_id", "code", "share"]).assign(scheme="ford")
    return cn.Records({**tables, "fields": fields})


def test_specialisation_is_the_share_with_a_partner_over_the_share_at_home():
    # A has 1.5 works in 1 and 1.5 in 2: half and half.
    table = cn.field_profile(
        with_fields(("w", "1", 1.0), ("v", "1", 0.5), ("v", "2", 0.5), ("u", "2", 1.0)), "A"
    )
    found = table.set_index(["partner", "field"])
    assert found.loc[("B", "1"), ["share", "home_share", "specialisation"]].tolist() == [1, 0.5, 2]
    assert found["works"].to_dict() == {("B", "1"): 1, ("C", "1"): 0.5, ("C", "2"): 0.5}
    assert found.loc["C", "specialisation"].tolist() == [1, 1]


def test_a_work_without_field_is_left_out_and_counted():
    table = cn.field_profile(with_fields(("w", "1", 1.0), ("u", "2", 1.0)), "A")
    assert table["partner"].tolist() == ["B"]
    assert table.attrs["note"]["without_field"] == 1


def test_shares_of_fields_that_do_not_add_up_are_made_to():
    table = cn.field_profile(with_fields(("w", "1", 2.0), ("w", "2", None)), "A")
    assert table["works"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert table["n"].tolist() == [1, 1]


def test_an_unknown_scheme_of_fields_is_answered():
    with pytest.raises(cn.UnknownNameError, match="Known: ford"):
        cn.field_profile(with_fields(("w", "1", 1.0)), "A", scheme="frascati")
