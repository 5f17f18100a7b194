"""Regions: who lies where."""

import pandas as pd
import pytest

import collabnet as cn

LIEGE, RWTH, ULB = "00afp2z80", "04xfq0f34", "01r9htc13"
LUXEMBOURG, HASSELT, COLOGNE, STRASBOURG = "036x5ad56", "04nbhqj75", "00rcxh774", "00pg6eq24"


def lies_in(institution, *, among=("euregio-meuse-rhine", "grande-region")):
    places = cn.memberships(cn.gazetteer(), list(among))
    return set(places.loc[places["institution_id"] == institution, "region"])


@pytest.mark.parametrize(
    ("institution", "where"),
    [
        (LIEGE, {"euregio-meuse-rhine", "grande-region"}),
        (RWTH, {"euregio-meuse-rhine"}),
        (HASSELT, {"euregio-meuse-rhine"}),
        (LUXEMBOURG, {"grande-region"}),
        (ULB, set()),
        (COLOGNE, set()),
        (STRASBOURG, set()),
    ],
)
def test_an_institution_lies_where_the_treaties_say(institution, where):
    assert lies_in(institution) == where


def test_the_strict_euregio_takes_only_the_south_of_dutch_limburg():
    middle = pd.DataFrame({"institution_id": ["venlo"], "nuts3": ["NL422"], "country": ["NL"]})
    names = ["euregio-meuse-rhine", "euregio-meuse-rhine-strict"]
    assert cn.memberships(middle, names)["region"].tolist() == ["euregio-meuse-rhine"]


def test_codes_of_every_nuts_version_are_recognised():
    # Hasselt is BE221 in NUTS 2016 and BE224 since; Mons BE322-BE327 became BE328-BE32D.
    codes = ["BE221", "BE224", "BE323", "BE32A"]
    bodies = pd.DataFrame({"institution_id": codes, "nuts3": codes, "country": "BE"})
    places = cn.memberships(bodies)
    assert dict(zip(places["institution_id"], places["region"], strict=True)) == {
        "BE221": "euregio-meuse-rhine",
        "BE224": "euregio-meuse-rhine",
        "BE323": "grande-region",
        "BE32A": "grande-region",
    }


def test_the_four_lists_of_central_africa_differ_as_their_authors_say():
    codes = {
        name: set(cn.region(name)["code"])
        for name in ("central-africa", "central-africa-m49", "eccas", "cemac")
    }
    ours, m49, eccas, cemac = codes.values()
    assert [len(members) for members in codes.values()] == [9, 9, 11, 6]
    assert ours - m49 == {"BI", "RW"}
    assert m49 - ours == {"AO", "ST"}
    assert eccas == ours | m49
    assert cemac < m49 & ours


def test_both_congos_are_members_of_their_own():
    assert {"CD", "CG"} <= set(cn.region("central-africa")["code"])


def test_the_united_kingdom_was_in_the_eu_until_the_end_of_january_2020():
    assert "GB" in set(cn.region("eu27", at="2019-12-31")["code"])
    assert "GB" not in set(cn.region("eu27", at="2021-01-01")["code"])
    assert len(cn.region("eu27")) == 27


def test_suspended_members_leave_the_ehea_in_april_2022():
    assert len(cn.region("ehea", at="2021-06-01")) == 49
    assert len(cn.region("ehea")) == 47


def test_the_kaiserslautern_member_of_unigr_changes_with_the_merger():
    before = set(cn.region("unigr", at="2015-01-01")["code"])
    after = set(cn.region("unigr", at="2024-01-01")["code"])
    assert before - after == {"04zrf7b53"}
    assert after - before == {"01qrts582"}
    assert len(before) == len(after) == 6


def test_everything_lies_in_the_world():
    bodies = cn.gazetteer()
    assert len(cn.memberships(bodies, ["world"])) == len(bodies)


def test_a_typo_is_answered_with_the_nearest_name():
    with pytest.raises(cn.UnknownNameError, match="Did you mean 'grande-region'"):
        cn.region("grand-region")


def test_who_cannot_be_placed_is_told_apart_from_who_lies_outside():
    bodies = pd.DataFrame(
        {
            "institution_id": ["in doubt", "outside", "far", "nowhere"],
            "nuts3": [None, "DEA23", None, None],
            "country": ["DE", "DE", "JP", None],
        }
    )
    from collabnet.regions import unplaced

    doubt = unplaced(bodies, cn.region("grande-region"))
    assert doubt["institution_id"].tolist() == ["in doubt", "nowhere"]


def test_an_analyst_brings_regions_of_her_own(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(
        '[home-town]\nlabels = { en = "Home" }\nsource = "me"\ncountries = ["BE"]\n', "utf-8"
    )
    rules = cn.region("home-town", path=mine)
    assert LIEGE in set(cn.memberships(cn.gazetteer(), [rules])["institution_id"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a", "not a TOML file"),
        ('[a]\ncountries = ["BE"]\n', "needs `labels`, `source`"),
        ('[a]\nlabels = {}\nsource = "x"\nnutz = []\n', "'nutz'"),
        ('[a]\nlabels = {}\nsource = "x"\ncountries = [1]\n', "is no rule"),
    ],
)
def test_a_wrong_list_of_regions_is_explained(tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(cn.InputError, match=said):
        cn.regions(path=file)


def test_every_region_has_its_labels_and_its_source():
    table = cn.regions()
    assert table.notna().all(axis=None)
    assert len(table) == 17
