"""Regions: who lies where, since when, and who says so."""

import pandas as pd
import pytest

import collabnet as cn
from collabnet.geo import region_shapes
from collabnet.identifiers import ROR
from collabnet.regions import unplaced

LIEGE, RWTH, ULB = "00afp2z80", "04xfq0f34", "01r9htc13"
LUXEMBOURG, HASSELT, COLOGNE, STRASBOURG = "036x5ad56", "04nbhqj75", "00rcxh774", "00pg6eq24"
CAMBRIDGE, RWANDA = "013meh722", "00286hs46"
EMR, STRICT, GREATER = "euregio-meuse-rhine", "euregio-meuse-rhine-strict", "grande-region"


def codes(name, **options):
    return set(cn.region(name, **options)["code"])


def bodies(*codes):
    return pd.DataFrame({"institution_id": codes, "nuts3": codes, "country": "BE"})


@pytest.mark.parametrize(
    ("institution", "where"),
    [
        (LIEGE, {EMR, GREATER}),
        (RWTH, {EMR}),
        (HASSELT, {EMR}),
        (LUXEMBOURG, {GREATER}),
        (ULB, set()),
        (COLOGNE, set()),
        (STRASBOURG, set()),
    ],
)
def test_an_institution_lies_where_the_treaties_say(institution, where):
    places = cn.memberships(cn.gazetteer(), [EMR, GREATER])
    assert set(places.loc[places["institution_id"] == institution, "region"]) == where


def test_the_two_regions_have_their_15_and_68_units_and_share_5():
    units = {name: set(region_shapes(cn.region(name))["code"]) for name in (EMR, GREATER)}
    assert {name: len(found) for name, found in units.items()} == {EMR: 15, GREATER: 68}
    assert units[EMR] & units[GREATER] == {"BE331", "BE332", "BE334", "BE335", "BE336"}


def test_the_strict_euregio_takes_only_the_south_of_dutch_limburg():
    places = cn.memberships(bodies("NL421", "NL422", "NL423"), [EMR, STRICT])
    assert places.groupby("region")["institution_id"].agg(list).to_dict() == {
        EMR: ["NL421", "NL422", "NL423"],
        STRICT: ["NL423"],
    }


def test_codes_of_every_nuts_version_are_recognised():
    # Hasselt is BE221 in NUTS 2016 and BE224 since; BE321 of Hainaut is now BE32A.
    places = cn.memberships(bodies("BE221", "BE224", "BE321", "BE32A"))
    assert dict(zip(places["institution_id"], places["region"], strict=True)) == {
        "BE221": EMR,
        "BE224": EMR,
        "BE321": GREATER,
        "BE32A": GREATER,
    }


def test_the_four_lists_of_central_africa_differ_as_their_authors_say():
    lists = [codes(n) for n in ("central-africa", "central-africa-m49", "eccas", "cemac")]
    ours, m49, eccas, cemac = lists
    assert [len(members) for members in lists] == [9, 9, 11, 6]
    assert ours == {"CD", "BI", "CM", "GA", "GQ", "CF", "CG", "RW", "TD"}
    assert ours - m49 == {"BI", "RW"}
    assert m49 - ours == {"AO", "ST"}
    assert eccas == ours | m49
    assert (m49 & ours) - cemac == {"CD"}


def test_rwanda_was_no_member_of_eccas_between_2007_and_2015():
    years = {year: "RW" in codes("eccas", at=year) for year in ("2007", "2008", "2014", "2016")}
    assert years == {"2007": True, "2008": False, "2014": False, "2016": True}


def test_the_maghreb_has_three_countries_and_the_union_five():
    assert codes("maghreb-uma") - codes("maghreb") == {"LY", "MR"}
    assert len(codes("maghreb")) == 3


@pytest.mark.parametrize(
    ("at", "inside"),
    [("2019-12-31", True), ("2020-01-31", True), ("2020-02-01", False), ("2021", False)],
)
def test_the_united_kingdom_was_in_the_eu_until_the_end_of_january_2020(at, inside):
    places = cn.memberships(cn.gazetteer(), ["eu27"], at=at)
    assert (CAMBRIDGE in set(places["institution_id"])) is inside


def test_today_the_eu_has_27_members_and_the_programme_33():
    assert (len(codes("eu27")), len(codes("erasmus-programme"))) == (27, 33)


def test_suspended_members_leave_the_ehea_in_april_2022():
    assert codes("ehea", at="2021-06-01") - codes("ehea") == {"BY", "RU"}
    assert (len(codes("ehea")), len(codes("europe"))) == (47, 49)


def test_dates_are_compared_as_precisely_as_both_are_known(tmp_path):
    file = tmp_path / "mine.toml"
    rule = '{ code = "BE", since = "2010-07", until = "2012" }'
    file.write_text(f'[a]\nlabels = {{ en = "A" }}\nsource = "me"\ncountries = [{rule}]', "utf-8")
    days = ("2010-06-30", "2010-07-01", "2010", "2012-12-31", "2013-01-01")
    found = [len(cn.region("a", at=day, path=file)) for day in days]
    assert found == [0, 1, 1, 1, 0]
    assert len(cn.region("a", path=file)) == 0


def test_the_kaiserslautern_member_of_unigr_changes_with_the_merger():
    before, after = codes("unigr", at="2015-01-01"), codes("unigr", at="2024-01-01")
    assert (before - after, after - before) == ({"04zrf7b53"}, {"01qrts582"})
    assert len(before) == len(after) == 6


def test_liege_is_in_the_euron_list_of_2003_and_not_in_that_of_2017():
    assert (len(codes("euron-2003")), len(codes("euron-2017"))) == (10, 7)
    assert LIEGE in codes("euron-2003") - codes("euron-2017")


def test_everything_lies_in_the_world():
    known = cn.gazetteer()
    assert len(cn.memberships(known, ["world"])) == len(known) == 111
    assert len(unplaced(known.assign(country=None), cn.region("world"))) == 0


def test_a_typo_is_answered_with_the_nearest_name():
    with pytest.raises(cn.UnknownNameError, match="Did you mean 'grande-region'"):
        cn.region("grand-region")
    with pytest.raises(cn.UnknownNameError, match="Did you mean 'maghreb'"):
        cn.memberships(cn.gazetteer(), ["magreb"])


def test_what_is_no_date_is_said_to_be_none():
    with pytest.raises(cn.InputError, match="'1/1/2020' is not a date"):
        cn.region("eu27", at="1/1/2020")


def test_who_cannot_be_placed_is_told_apart_from_who_lies_outside():
    table = pd.DataFrame(
        {
            "institution_id": ["in doubt", "outside", "far", "nowhere", "inside"],
            "nuts3": [None, "DEA23", None, None, None],
            "country": ["DE", "DE", "JP", None, "LU"],
        }
    )
    assert unplaced(table, cn.region(GREATER))["institution_id"].tolist() == ["in doubt", "nowhere"]
    assert cn.memberships(table, [GREATER])["institution_id"].tolist() == ["inside"]
    assert unplaced(table, cn.region("unigr")).empty


def test_greek_and_british_prefixes_are_matched_to_their_iso_countries():
    rules = pd.DataFrame({"region": "r", "rule": "nuts", "code": ["EL3", "UKI"]})
    table = pd.DataFrame({"institution_id": ["a", "b", "c"], "country": ["GR", "GB", "FR"]})
    assert unplaced(table, rules)["institution_id"].tolist() == ["a", "b"]


def test_an_analyst_brings_regions_of_her_own(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(
        '[ours]\nlabels = { en = "Ours" }\nsource = "me"\ncountries = ["UK"]\nnuts = ["BE33"]\n'
        'institutions = ["https://ror.org/0161xgx34", { id = "00286hs46", since = 2020 }]\n',
        "utf-8",
    )
    places = cn.memberships(cn.gazetteer(), [cn.region("ours", path=mine), "maghreb-uma"])
    found = set(places.loc[places["region"] == "ours", "institution_id"])
    assert {LIEGE, CAMBRIDGE, RWANDA, "0161xgx34"} <= found
    assert (HASSELT in found, places["region"].nunique()) == (False, 2)


def test_joined_tables_of_rules_stay_two_regions():
    both = pd.concat([cn.region("maghreb"), cn.region("cemac")])
    places = cn.memberships(cn.gazetteer(), [both])
    assert set(places["region"]) == {"maghreb", "cemac"}
    assert len(places) == len(cn.memberships(cn.gazetteer(), ["maghreb", "cemac"]))


HEAD = '[a]\nlabels = { en = "A" }\nsource = "x"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no region"),
        ("[a", "not a TOML file"),
        ("a = 1", "'a' is not a table"),
        ('[a]\ncountries = ["BE"]', "'a' needs labels"),
        ('[a]\nlabels = { fr = "A" }\nsource = "x"', "'a' needs labels"),
        ('[a]\nlabels = { en = "A" }', "'a' needs source"),
        (HEAD + "nutz = []", "'a' has 'nutz'"),
        (HEAD + 'notes = "Seulement"', "notes should be in other languages"),
        (HEAD + 'notes = { fre = "Seulement" }', "notes should be in other languages"),
        (HEAD + 'nuts = "BE"', "'nuts' should be a list"),
        (HEAD + 'nuts = ["Liège"]', 'write "BE33"'),
        (HEAD + "countries = [1]", "countries has 1; write"),
        (HEAD + 'countries = [{ code = "BE", until = "now" }]', 'until = "2020-01-31"'),
        (HEAD + 'institutions = [{ code = "b" }]', 'write "00afp2z80" or { id ='),
    ],
)
def test_a_wrong_list_of_regions_is_explained_in_a_sentence(tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(cn.InputError, match=said) as raised:
        cn.list_regions(path=file)
    assert "mine.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_list_of_regions_is_named(tmp_path):
    with pytest.raises(cn.InputError, match=r"none\.toml: cannot be read"):
        cn.region("a", path=tmp_path / "none.toml")


def test_every_region_has_labels_in_four_languages_and_a_source():
    table = cn.list_regions()
    assert table.notna().all(axis=None)
    assert len(table) == 20
    assert set(table.filter(like="label_").map(len).min() > 3) == {True}
    assert table.set_index("region").loc[GREATER, "label_de"] == "Großregion"


def test_every_region_says_whether_its_list_was_read_or_recalled():
    status = {name: cn.region(name).attrs["status"] for name in cn.list_regions()["region"]}
    recalled = {name for name, said in status.items() if said == "recalled"}
    assert recalled == {"europe", "maghreb-uma", "cemac", "ehea"}
    assert set(status.values()) == {"verified", "recalled"}


def test_what_is_easily_mistaken_is_said_in_french_too():
    for name in cn.list_regions()["region"]:
        rules = cn.region(name)
        assert bool(rules.attrs["remark"]) == bool(rules.attrs["remarks"].get("fr")), name


def test_what_a_caller_does_to_a_region_does_not_last():
    cn.region("maghreb").attrs["labels"]["en"] = "spoilt"
    assert cn.region("maghreb").attrs["labels"]["en"] == "Maghreb"


def test_named_institutions_are_in_the_gazetteer():
    known = set(cn.gazetteer()["institution_id"])
    for name in cn.list_regions()["region"]:
        for at in (None, "2010", "2018"):
            rules = cn.region(name, at=at)
            named = set(rules.loc[rules["rule"] == "institution", "code"])
            assert named <= known
            assert all(ROR.fullmatch(code) for code in named)
