"""What is to be expected of a link: planted coefficients come back, near and big is not strong."""

import csv
import math

import numpy as np
import pandas as pd
import pytest

import collabnet as cn
from conftest import ROOT

TERMS = ["size", "distance", "same_country", "border", "language"]
LANDS = ["BE", "NL", "FR", "DE", "LU", "GB", "PT", "FI", "GR", "CZ", "MA", "CD", "US", "CA"]


def houses(n, seed=1):
    """Return institutions spread over countries, and their outputs."""
    stream = np.random.default_rng(seed)
    bodies = pd.DataFrame(
        {
            "institution_id": [f"i{k:03d}" for k in range(n)],
            "country": [LANDS[k % len(LANDS)] for k in range(n)],
            "lat": stream.uniform(35, 65, n),
            "lon": stream.uniform(-10, 30, n),
        }
    )
    size = pd.DataFrame({"unit": bodies["institution_id"], "output": stream.lognormal(6, 1, n)})
    return bodies, size


def planted(bodies, size, coefficients, seed=2):
    """Return links drawn from the gravity model itself."""
    some = pd.DataFrame(
        {"source": bodies["institution_id"][:1], "target": bodies["institution_id"][1:2].array}
    ).assign(weight=1.0)
    pairs = cn.expected_links(some, size, bodies)[["source", "target", "distance_km", *TERMS[2:]]]
    n = size.set_index("unit")["output"]
    product = pairs["source"].map(n) * pairs["target"].map(n)
    power = coefficients[0] + coefficients[1] * np.log(product)
    power += coefficients[2] * np.log(pairs["distance_km"].clip(lower=10))
    power += pairs[TERMS[2:]].to_numpy(float) @ coefficients[3:]
    drawn = np.random.default_rng(seed).poisson(np.exp(power))
    return pairs[["source", "target"]].assign(weight=drawn.astype(float)).query("weight > 0")


@pytest.fixture(scope="module")
def world(real):
    """Return the links of countries in the works of 2023, as published, and their outputs."""
    folder = real / "published" / "WrldCo_years.zip"
    graph = cn.read_graph(folder / "WrldCo2023.net", folder / "WrldCo2023T.vec")
    size = [graph.nodes[code]["WrldCo2023T"] for code in graph]
    return cn.to_edges(graph), pd.DataFrame({"unit": list(graph), "output": size})


# --- the model --------------------------------------------------------------------------------


def test_planted_coefficients_come_back_within_their_errors():
    bodies, size = houses(120)
    truth = np.array([-6.0, 0.8, -0.4, 0.7, 0.3, 0.5])
    table = cn.expected_links(planted(bodies, size, truth), size, bodies)
    note = table.attrs["note"]
    found = np.array([note["coefficients"][name] for name in ("constant", *TERMS)])
    errors = np.array([note["standard_errors"][name] for name in ("constant", *TERMS)])
    assert (np.abs(found - truth) < 3 * errors).all()
    assert (errors[1:] < 0.05).all()
    assert note["dispersion"] == pytest.approx(1, abs=0.06)  # drawn from Poisson
    assert note["converged"] is True
    assert note["pairs"] == 120 * 119 // 2


def test_the_fit_is_where_the_likelihood_is_greatest_and_errors_are_the_sandwich():
    bodies, size = houses(40)
    links = planted(bodies, size, np.array([-9.0, 0.8, -0.4, 0.7, 0.3, 0.5]))
    links["weight"] *= 1.5  # fractions are fit as counts are
    table = cn.expected_links(links, size, bodies)
    n = size.set_index("unit")["output"]
    product = np.log(table["source"].map(n) * table["target"].map(n))
    km = np.log(table["distance_km"].clip(lower=10))
    x = np.column_stack([np.ones(len(table)), product, km, table[TERMS[2:]].to_numpy(float)])
    mean, over = table["expected"].to_numpy(), (table["weight"] - table["expected"]).to_numpy()
    assert np.abs(x.T @ over).max() < 1e-5 * table["weight"].sum()
    bread = np.linalg.inv(x.T @ (x * mean[:, None]))
    sandwich = bread @ (x.T @ (x * over[:, None] ** 2)) @ bread
    errors = list(table.attrs["note"]["standard_errors"].values())
    assert errors == pytest.approx(np.sqrt(np.diag(sandwich)).tolist(), rel=1e-4)
    spread = (over**2 / mean).sum() / (len(table) - 6)
    assert table.attrs["note"]["dispersion"] == pytest.approx(spread)
    assert table["residual"].tolist() == pytest.approx((over / np.sqrt(spread * mean)).tolist())
    assert table["ratio"].tolist() == pytest.approx((table["weight"] / mean).tolist())


def test_near_and_big_is_not_strong():
    bodies, size = houses(60)
    links = planted(bodies, size, np.array([-4.0, 0.9, -0.8, 0.2, 0.2, 0.2]))
    near = cn.expected_links(links, size, bodies, home="i000")
    big = near.sort_values("expected").iloc[-1]  # many works, as many as are to be expected
    small = near[near["expected"].between(3, 6)].iloc[-1]  # few, but five times as many
    pair = (links["source"] == small["source"]) & (links["target"] == small["target"])
    rest = links[~pair]
    more = pd.DataFrame([{**small[["source", "target"]], "weight": 5 * small["expected"]}])
    table = cn.expected_links(pd.concat([rest, more]), size, bodies)
    table = cn.around(table, "i000").set_index("partner")
    strong, usual = (set(pair[["source", "target"]]) - {"i000"} for pair in (small, big))
    strong, usual = table.loc[strong.pop()], table.loc[usual.pop()]
    assert usual["weight"] > 2 * strong["weight"]
    assert usual["residual"] < 2
    assert strong["residual"] > 4
    assert strong["residual"] == table["residual"].max()
    assert strong["ratio"] == pytest.approx(5, rel=0.2)


def test_pairs_without_a_link_are_in_and_the_sums_agree():
    bodies, size = houses(30)
    links = planted(bodies, size, np.array([-11.0, 0.8, -0.4, 0.7, 0.3, 0.5]))
    table = cn.expected_links(links, size, bodies)
    assert len(table) == 30 * 29 // 2 > len(links)
    assert (table["weight"] == 0).sum() == len(table) - len(links)
    assert table["expected"].sum() == pytest.approx(links["weight"].sum())
    assert table["residual"].is_monotonic_decreasing


def test_one_home_has_its_own_pairs_and_fit():
    bodies, size = houses(40)
    links = planted(bodies, size, np.array([-8.0, 0.8, -0.4, 0.7, 0.3, 0.5]))
    table = cn.expected_links(links, size, bodies, home="i007")
    assert len(table) == 39
    assert ((table["source"] == "i007") | (table["target"] == "i007")).all()
    mine = cn.around(links, "i007")["weight"].sum()
    assert table["weight"].sum() == mine == pytest.approx(table["expected"].sum())


def test_ends_in_any_order_and_in_parts_are_one_pair():
    bodies, size = houses(20)
    links = planted(bodies, size, np.array([-8.0, 0.8, -0.4, 0.7, 0.3, 0.5]))
    turned = links.rename(columns={"source": "target", "target": "source"}).assign(
        weight=links["weight"] / 2
    )
    halves = pd.concat([turned, links.assign(weight=links["weight"] / 2)])
    one, other = (cn.expected_links(table, size, bodies) for table in (links, halves))
    pd.testing.assert_frame_equal(one, other)


def test_places_in_one_city_are_as_far_as_ten_kilometres():
    bodies, size = houses(30)
    bodies.loc[:9, ["lat", "lon"]] = [50.85, 4.35]
    links = planted(bodies, size, np.array([-8.0, 0.8, -0.4, 0.7, 0.3, 0.5]))
    moved = bodies.copy()
    moved.loc[:9, "lat"] += np.linspace(0, 0.08, 10)  # 9 km
    one, other = (cn.expected_links(links, size, table) for table in (bodies, moved))
    assert one["distance_km"].min() == 0
    near = one.attrs["note"]["coefficients"]
    assert near == pytest.approx(other.attrs["note"]["coefficients"], rel=0.02)
    assert math.isfinite(near["distance"])


# --- what is left out -------------------------------------------------------------------------


def test_what_has_no_place_or_output_is_listed_with_its_links():
    bodies, size = houses(20)
    links = planted(bodies, size, np.array([-6.0, 0.8, -0.4, 0.7, 0.3, 0.5]))
    bodies.loc[0, "lat"] = np.nan
    bodies.loc[1, "country"] = "XX"
    size = size[size["unit"] != "i002"]
    table = cn.expected_links(links, size, bodies)
    lost = {"i000", "i001", "i002"}
    gone = links[links["source"].isin(lost) | links["target"].isin(lost)]
    assert set(table.attrs["unplaced"]) == lost
    assert table.attrs["note"]["left_out"] == {
        "units": 3,
        "links": len(gone),
        "weight": gone["weight"].sum(),
    }
    assert table["weight"].sum() + gone["weight"].sum() == links["weight"].sum()


def test_what_a_unit_does_by_itself_is_no_link():
    bodies, size = houses(20)
    links = planted(bodies, size, np.array([-6.0, 0.8, -0.4, 0.7, 0.3, 0.5]))
    loop = pd.DataFrame({"source": ["i005"], "target": ["i005"], "weight": [7.0]})
    table = cn.expected_links(pd.concat([links, loop]), size, bodies)
    assert table["weight"].sum() == links["weight"].sum()
    assert table.attrs["note"]["left_out"] == {"units": 0, "links": 1, "weight": 7.0}


def test_terms_that_cannot_be_told_apart_are_named_and_left_out():
    bodies, size = houses(30)
    links = planted(bodies, size, np.array([-8.0, 0.8, -0.4, 0.7, 0.3, 0.5]))
    alike = cn.expected_links(links, size.assign(output=500.0), bodies)
    assert alike.attrs["note"]["left_out_terms"] == ["size"]
    one = cn.expected_links(links, size, bodies.assign(country="BE"))
    assert one.attrs["note"]["left_out_terms"] == ["same_country", "border", "language"]


def test_a_kind_of_pair_without_any_link_does_not_run_away():
    bodies, size = houses(30)
    links = planted(bodies, size, np.array([-6.0, 0.8, -0.4, 0.0, 0.0, 0.0]))
    table = cn.expected_links(links, size, bodies).merge(links, on=["source", "target"])
    apart = table.loc[~table["border"], ["source", "target"]].assign(weight=3.0)
    made = cn.expected_links(apart, size, bodies)
    assert made.attrs["note"]["left_out_terms"] == ["border"]
    assert made.attrs["note"]["converged"] is True


@pytest.mark.parametrize("weight", [[], [0.0]])
def test_without_a_link_nothing_is_expected_and_that_is_said(weight):
    bodies, size = houses(30)
    links = pd.DataFrame({"source": ["i000"] * len(weight), "target": "i001", "weight": weight})
    table = cn.expected_links(links, size, bodies)
    assert len(table) == 30 * 29 // 2
    assert table[["expected", "ratio", "residual"]].isna().all(axis=None)
    assert "Nothing is expected" in cn.note(table)


def test_two_units_are_too_few():
    bodies, size = houses(2)
    links = pd.DataFrame({"source": ["i000"], "target": ["i001"], "weight": [4.0]})
    table = cn.expected_links(links, size, bodies)
    assert table[["weight", "expected"]].to_numpy().tolist() == [
        [4, pytest.approx(math.nan, nan_ok=True)]
    ]
    assert cn.expected_links(links, size[:1], bodies).empty


def test_a_corpus_of_one_home_is_told_from_one_of_all():
    bodies, size = houses(30)
    links = planted(bodies, size, np.array([-6.0, 0.8, -0.4, 0.7, 0.3, 0.5]))
    links.attrs["note"] = {"placed": 10_000_000}
    assert cn.expected_links(links, size, bodies).attrs["note"]["said"] is None
    links.attrs["note"] = {"placed": int(size["output"].max())}
    assert "the outputs are its works alone" in cn.note(cn.expected_links(links, size, bodies))


def test_more_pairs_than_can_be_held_are_refused_with_a_way_out():
    size = pd.DataFrame({"unit": [f"u{n}" for n in range(2100)], "output": range(2100, 0, -1)})
    places = pd.DataFrame(
        {"institution_id": size["unit"], "country": "BE", "lat": 50.0, "lon": 5.0}
    )
    none = pd.DataFrame({"source": [], "target": [], "weight": []}, dtype=object)
    with pytest.raises(cn.CollabnetError, match=r"2,100 units .* one home, or smallest=101"):
        cn.expected_links(none, size, places)
    assert len(cn.expected_links(none, size, places, smallest=2000)) == 101 * 100 // 2
    assert len(cn.expected_links(none, size, places, home="u5")) == 2099


def test_a_home_without_output_is_refused():
    bodies, size = houses(20)
    links = pd.DataFrame({"source": ["i000"], "target": ["i001"], "weight": [4.0]})
    with pytest.raises(cn.CollabnetError, match="i0: has no place or output here"):
        cn.expected_links(links, size, bodies, home="i0")


# --- the facts --------------------------------------------------------------------------------


def test_neighbours_go_both_ways_and_are_those_of_the_atlas():
    with (ROOT / "collabnet" / "data" / "neighbours.csv").open(encoding="utf-8") as file:
        rows = {row["country"]: row for row in csv.DictReader(file)}
    beside = {code: set(filter(None, row["neighbours"].split("|"))) for code, row in rows.items()}
    assert all(code in beside[other] for code in beside for other in beside[code])
    assert beside["BE"] == {"DE", "FR", "LU", "NL"}
    assert beside["CD"] == {"AO", "BI", "CF", "CG", "RW", "SS", "TZ", "UG", "ZM"}
    assert not beside["GB"] - {"IE"}
    assert rows["BE"]["languages"] == "de|fr|nl"
    assert rows["NA"]["languages"] == "en"


def test_ties_between_countries_are_those_known():
    size = pd.DataFrame({"unit": ["BE", "CD", "CG", "NL", "PT", "FR"], "output": 9.0})
    links = pd.DataFrame({"source": ["BE"], "target": ["NL"], "weight": [1.0]})
    table = cn.expected_links(links, size).set_index(["source", "target"])
    expected = {
        ("BE", "NL"): (True, True),
        ("BE", "CD"): (False, True),
        ("CD", "CG"): (True, True),
        ("NL", "PT"): (False, False),
    }
    for pair, ties in expected.items():
        assert tuple(table.loc[pair, ["border", "language"]]) == ties
    assert table.loc[("BE", "NL"), "distance_km"] == pytest.approx(200, abs=40)
    assert not table["same_country"].any()


def test_in_the_real_world_germany_is_strong_for_belgium_and_congo_is_stronger(world):
    links, size = world
    table = cn.expected_links(links, size)
    found, errors = (table.attrs["note"][name] for name in ("coefficients", "standard_errors"))
    assert 0.9 < found["size"] < 1
    assert found["distance"] < -10 * errors["distance"]
    assert found["language"] > 5 * errors["language"]
    assert table.attrs["note"]["left_out_terms"] == ["same_country"]
    assert set(table.attrs["unplaced"]) <= {"AQ", "CX", "CC", "GI", "TK", "UM", "VA", "BV"}
    belgium = cn.around(table, "BE").set_index("partner")
    assert belgium.loc["DE", "weight"] == 8008
    assert belgium.loc["DE", "ratio"] < 0.6
    assert belgium.loc["CD", "weight"] == 279
    assert belgium.loc["CD", "ratio"] > 3
    assert belgium.loc["CD", "residual"] > belgium.loc["DE", "residual"] + 8
