"""Diversity, brokers, regions: what was computed by hand, identities and bounds."""

import numpy as np
import pandas as pd
import pytest
from corpora import corpora, toy, works
from hypothesis import given, settings
from hypothesis import strategies as st

import collabnet as cn

FUZZ = settings(max_examples=6, deadline=None)
EMR = "euregio-meuse-rhine"


def weighed(**weights):
    """Return a table of categories and their weights."""
    return pd.DataFrame({"country": list(weights), "weight": list(weights.values())})


@pytest.fixture(scope="module")
def records(oracles):
    """Return the toy corpus."""
    return cn.Records(toy(oracles))


@pytest.fixture(scope="module")
def links(records):
    """Return the links of the toy corpus."""
    return cn.edges(records)


# --- diversity --------------------------------------------------------------------------------


def test_diversity_of_partners_is_the_one_computed_by_hand(records, oracles):
    row = cn.diversity(cn.partners(records, "L"), "partner").iloc[0]
    oracle = oracles["shannon_L_partners_(2,1,1,1)"]
    names = {"shannon": "nats", "shannon_bits": "bits", "evenness": "evenness"}
    names["simpson"] = "simpson"
    assert {a: row[a] for a in names} == {
        a: pytest.approx(oracle[b], abs=1e-6) for a, b in names.items()
    }


def test_participation_by_country_is_the_one_computed_by_hand(records, oracles):
    row = cn.diversity(cn.partners(records, "L"), "country").iloc[0]
    assert row["simpson"] == pytest.approx(oracles["participation_L_by_country_(NL2,DE1,BE1,FR1)"])


def test_rao_stirling_is_the_one_computed_by_hand_by_both_conventions(oracles):
    apart = pd.DataFrame(
        [[0, 1, 0.5], [1, 0, 0.2], [0.5, 0.2, 0]], index=list("abc"), columns=list("abc")
    )
    row = cn.diversity(weighed(a=5, b=3, c=2), distance=apart).iloc[0]
    oracle = oracles["rao_stirling_p(.5,.3,.2)_d(ab1,ac.5,bc.2)"]
    assert row["rao_stirling"] == pytest.approx(oracle["ordered_pairs"])
    assert row["rao_stirling_pairs"] == pytest.approx(oracle["unordered_pairs"])


def test_places_on_opposite_sides_of_the_earth_are_one_apart():
    spots = pd.DataFrame({"lat": [0.0, 0.0, 0.0], "lon": [0.0, 180.0, 180.0]}, index=list("abc"))
    row = cn.diversity(weighed(a=1, b=1), distance=spots).iloc[0]
    assert (row["rao_stirling"], row["rao_share"]) == (pytest.approx(0.5), 1)
    # Two in one place are as good as one.
    row = cn.diversity(weighed(a=2, b=1, c=1), distance=spots).iloc[0]
    assert row["rao_stirling"] == pytest.approx(0.5)


def test_what_has_no_place_is_left_out_of_the_distance_and_its_share_is_said():
    spots = pd.DataFrame({"institution_id": ["a", "b", "c"], "lat": [0.0, 0.0, None]})
    spots["lon"] = [0.0, 180.0, None]
    row = cn.diversity(weighed(a=1, b=1, c=2), distance=spots).iloc[0]
    assert (row["rao_share"], row["rao_stirling"]) == (0.5, pytest.approx(0.5))
    lost = cn.diversity(weighed(c=2), distance=spots).iloc[0]
    assert lost["rao_share"] == 0
    assert np.isnan(lost["rao_stirling"])


def test_many_places_are_compared_block_by_block_with_the_same_result(monkeypatch):
    random = np.random.default_rng(1)
    names = [f"p{i}" for i in range(25)]
    spots = pd.DataFrame({"lat": random.uniform(-60, 60, 25), "lon": random.uniform(0, 90, 25)})
    table = pd.DataFrame({"country": names, "weight": random.uniform(1, 5, 25)})
    whole = cn.diversity(table, distance=spots.set_axis(names))
    monkeypatch.setattr("collabnet.spread.BLOCK", 7)
    parts = cn.diversity(table, distance=spots.set_axis(names))
    pd.testing.assert_frame_equal(whole, parts)


def test_one_category_has_no_evenness_and_no_diversity():
    row = cn.diversity(weighed(a=3)).iloc[0]
    assert row[["categories", "shannon", "simpson"]].tolist() == [1, 0, 0]
    assert np.isnan(row["evenness"])


def test_rows_without_category_are_left_out_and_counted():
    table = weighed(a=1, b=1)
    table.loc[2] = [None, 5.0]
    found = cn.diversity(table)
    assert found["total"].tolist() == [2]
    assert found.attrs["note"]["left_out"] == 1


def test_diversity_of_nothing_is_an_empty_table():
    table = cn.diversity(weighed(), distance=pd.DataFrame({"lat": [], "lon": []}))
    assert len(table) == 0
    assert {"shannon", "simpson", "rao_stirling"} <= set(table)


@pytest.mark.parametrize(
    ("table", "said"),
    [(weighed(a=-1), "no weight is below 0"), (weighed(a=1)[["weight"]], "column")],
)
def test_diversity_refuses_what_it_cannot_weigh(table, said):
    with pytest.raises(cn.SchemaError, match=said):
        cn.diversity(table)


@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.sampled_from("abcde"), st.floats(0, 100)), max_size=12
    )
)
@FUZZ
def test_diversity_keeps_its_bounds(rows):
    table = pd.DataFrame(rows, columns=["who", "country", "weight"])
    apart = pd.DataFrame(1.0, index=list("abcde"), columns=list("abcde"))
    found = cn.diversity(table, of="who", distance=apart)
    assert found["evenness"].dropna().between(0, 1).all()
    assert (found["shannon"] <= np.log(found["categories"]) + 1e-9).all()
    assert found["simpson"].between(0, 1).all()
    # Where all are equally far apart, it is the share of unlike pairs.
    assert np.allclose(found["rao_stirling"], found["simpson"])


# --- brokers ----------------------------------------------------------------------------------


def test_participation_of_each_unit_is_the_one_computed_by_hand(records, links, oracles):
    groups = records.institutions[["institution_id", "country"]]
    table = cn.brokers(links, groups.rename(columns={"institution_id": "unit"}))
    found = table.set_index("unit")
    assert found.loc["L", "participation"] == pytest.approx(
        oracles["participation_L_by_country_(NL2,DE1,BE1,FR1)"]
    )
    assert table["unit"].iloc[0] == "L"
    central = cn.centrality(links).set_index("unit")["betweenness"]
    assert found["betweenness"].to_dict() == central.to_dict()


def test_brokers_of_communities_are_found_by_themselves():
    rows = [("A", "B"), ("A", "C"), ("B", "C"), ("C", "D"), ("D", "E"), ("D", "F"), ("E", "F")]
    links = pd.DataFrame(rows, columns=["source", "target"]).assign(weight=1.0)
    table = cn.brokers(links).set_index("unit")
    assert table["group"].nunique() == 2
    assert (table["participation"] > 0).to_dict() == {u: u in "CD" for u in "ABCDEF"}


def test_partners_without_group_are_counted():
    links = pd.DataFrame({"source": ["A", "A"], "target": ["B", "C"], "weight": [1.0, 1.0]})
    groups = pd.DataFrame({"unit": ["A", "B"], "country": ["BE", "FR"]})
    table = cn.brokers(links, groups).set_index("unit")
    assert table.loc["A", "participation"] == 0
    assert table.attrs["note"]["without_group"] == 1


def test_groups_need_a_unit_and_a_group():
    links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.0]})
    with pytest.raises(cn.SchemaError, match="column unit"):
        cn.brokers(links, pd.DataFrame({"unit": ["A"]}))


@given(corpora())
@FUZZ
def test_participation_lies_between_nought_and_one(corpus):
    table = cn.brokers(cn.edges(cn.Records(works(corpus))))
    assert table["participation"].dropna().between(0, 1).all()
    assert table["betweenness"].between(0, 1).all()


# --- regions ----------------------------------------------------------------------------------


def test_openness_of_the_euregio_is_the_one_computed_by_hand(records, links, oracles):
    row = cn.region_shares(links, records.institutions, [EMR]).iloc[0]
    oracle = oracles["ei_region_EMR"]
    assert (row["internal"], row["external"]) == (oracle["internal"], oracle["external"])
    assert row["ei"] == pytest.approx(oracle["EI"], abs=1e-6)
    openness = oracles["region_openness_EMR"]["external_over_all"]
    assert row["openness"] == pytest.approx(openness, abs=1e-6)


def test_external_minus_internal_by_country_is_the_one_computed_by_hand(records, links, oracles):
    lands = records.institutions[["institution_id", "country"]]
    table = cn.group_shares(links, lands.rename(columns={"institution_id": "unit"}))
    whole, oracle = table.attrs["note"]["whole"], oracles["ei_country"]
    assert (whole["internal"], whole["external"]) == (oracle["internal"], oracle["external"])
    assert whole["ei"] == pytest.approx(oracle["EI"], abs=1e-6)
    # Belgium: L–H inside; L–M 2, L–R 1, L–N 1 and M–H 2 across.
    assert table.set_index("group").loc["BE", ["internal", "external"]].tolist() == [1, 6]


def test_a_link_to_a_unit_without_group_is_left_out_and_counted():
    edges = pd.DataFrame({"source": list("AB"), "target": list("BC"), "weight": [2.0, 1.0]})
    table = cn.group_shares(edges, pd.DataFrame({"unit": list("AB"), "land": "BE"}))
    assert table[["internal", "external", "ei"]].to_numpy().tolist() == [[2.0, 0.0, -1.0]]
    assert table.attrs["note"]["without_group"] == 1


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
