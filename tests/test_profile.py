"""The standard set of one institution: each value is that of its own table."""

import pandas as pd
import pytest
from corpora import toy, works

import collabnet as cn
from collabnet import cli
from conftest import ROOT


@pytest.fixture(scope="module")
def records(oracles):
    """Return the toy corpus."""
    return cn.Records(toy(oracles))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store of the shipped data."""
    return cn.ingest([ROOT / "data"], tmp_path_factory.mktemp("shipped") / "store")


def values(table):
    """Return {indicator or (indicator, region): value}."""
    regions = table["region"].notna()
    key = table["indicator"].where(~regions, table["indicator"] + " " + table["region"])
    return dict(zip(key, table["value"], strict=True))


def test_the_profile_of_the_toy_corpus_is_the_one_computed_by_hand(records, oracles):
    found = values(cn.profile(records, "L", region="euregio-meuse-rhine"))
    leiden = oracles["leiden_L"]
    expected = {
        "output": 5,
        "output_fractional": 8 / 3,
        "pp_collab": leiden["PP_collab"],
        "pp_int_collab": leiden["PP_int_collab"],
        "pp_short": 0.6,
        "pp_long": 0,
        "mgcd": oracles["mgcd_L_all_pubs"],
        "international": 0.8,
        "institutional": 0.2,
        "bilateral": 0.8,
        "partners": 4,
        "partner_countries": 4,
        "simpson": 0.72,
        "lead": 7 / 8,
        "region_partners euregio-meuse-rhine": 3,
        "region_share euregio-meuse-rhine": 0.6,
        "region_strength euregio-meuse-rhine": 0.8,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-4)


def test_each_row_says_what_it_is_over_and_where_it_is_defined(records):
    table = cn.profile(records, "L")
    columns = ["indicator", "unit", "population", "definition"]
    assert table[columns].notna().all(axis=None)
    assert table["indicator"].isin(["fwci", "top10"]).sum() == 2
    unknown = table.set_index("indicator").loc["fwci"]
    assert (unknown["n"], pd.isna(unknown["value"])) == (0, True)
    assert set(table["region"].dropna()) == set(cn.settings.REGIONS)


def test_shares_and_means_have_the_bounds_of_share_intervals(store):
    years = (2019, 2024)
    table = cn.profile(store, years=years)
    bounds = table.dropna(subset="low").query("region.isna()").set_index("indicator")
    known = cn.share_intervals(store, years=years).dropna(subset="low").set_index("indicator")
    assert set(bounds.index) == set(known.index) - {"partners"}
    for name in bounds.index:
        asked = ["value", "low", "high"]
        assert bounds.loc[name, asked].tolist() == known.loc[name, asked].tolist(), name
    inside = table[table["indicator"] == "region_share"]
    assert ((inside["low"] < inside["value"]) & (inside["value"] < inside["high"])).all()


def test_the_shares_of_each_scheme_add_up_to_one(store):
    found = values(cn.profile(store))
    scival = ["international", "national", "institutional", "single"]
    incites = ["domestic_single", "domestic_multi", "bilateral", "trilateral", "quadrilateral"]
    for names in (scival, incites):
        assert sum(found[name] for name in names) == pytest.approx(1)
    assert found["international"] == found["pp_int_collab"]


def test_a_profile_that_rests_on_synthetic_works_says_so(store):
    note = cn.profile(store).attrs["note"]
    assert note["synthetic"] is True
    assert note["store"] == store.provenance["store"]


def test_without_works_the_profile_is_empty_and_says_why(records):
    table = cn.profile(records, "L", years=(1950, 1951))
    assert len(table) == 0
    assert table.columns[0] == "indicator"
    assert "no work" in cn.note(table)


def test_a_house_without_partners_has_a_profile():
    found = values(cn.profile(cn.Records(works({"w": [["ann", "A"]]})), "A"))
    assert (found["output"], found["partners"], found["pp_collab"]) == (1, 0, 0)
    assert pd.isna(found["lead"])
    assert pd.isna(found["shannon"])


@pytest.mark.parametrize(
    ("options", "said"),
    [({"home": "00afp2z81"}, "institution"), ({"home": "L", "region": "mahgreb"}, "maghreb")],
)
def test_an_unknown_home_or_region_is_answered(records, options, said):
    with pytest.raises(cn.UnknownNameError, match=said):
        cn.profile(records, **options)


def test_the_command_prints_all_of_it_and_writes_it_with_its_note(store, tmp_path, capsys):
    place = str(store._store[0])
    assert cli.main(["profile", place, "--years", "2019:2024", "--region", "maghreb"]) == 0
    said = capsys.readouterr().out
    assert "region_strength maghreb" in " ".join(said.split())
    assert "SYNTHETIC" in said
    out = tmp_path / "p.csv"
    assert cli.main(["profile", place, "--out", str(out)]) == 0
    table = cn.profile(store)
    assert pd.read_csv(out)["value"].tolist() == pytest.approx(table["value"], nan_ok=True)
    assert "SYNTHETIC" in out.with_name("p.csv.note.txt").read_text()
