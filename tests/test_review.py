"""Resolution by registries, affiliations and an analyst, whose word stands."""

import pandas as pd
import pytest
from test_institutions import LIEGE, LUBUMBASHI, LUXEMBOURG, MAASTRICHT, found, named, records_of

import collabnet as cn
from collabnet import cli, settings
from collabnet.stores import resolve_store


def written(*affiliations, countries=()):
    """One work whose authors have these affiliations and no institution."""
    people = pd.DataFrame({"activity_id": "w", "role": "author", "affiliation": affiliations})
    people["position"] = range(1, len(people) + 1)
    people["country"] = list(countries) or pd.NA
    works = pd.DataFrame({"activity_id": ["w"], "kind": ["work"]})
    return cn.Records({"activities": works, "participants": people})


def parties(records, *columns):
    table = records.participants[list(columns or ("institution_id", "country"))]
    return table.astype(object).where(table.notna(), None).to_numpy().tolist()


@pytest.mark.parametrize(
    "code", ["grid:grid.4861.b", "wikidata:Q1334582", "grid.4861.b", "https://ror.org/00afp2z80"]
)
def test_grid_and_wikidata_ids_are_codes_too(code):
    from collabnet.identifiers import institution_id

    assert found(institution_id(code))[0][0] == LIEGE


def test_a_web_site_is_a_code_in_its_country():
    registry = {"institution_id": "01aaaaa01", "name": "X", "country": "BE", "website": "x.eu"}
    here, there = named("Collège", "BE"), named("Kolegium", "PL")
    assert found(registry, here | {"website": "x.eu"}, there | {"website": "x.eu"})[1:] == [
        ["01aaaaa01", "site:x.eu"],
        [there["institution_id"], "source"],
    ]


def test_what_a_registry_ties_together_is_one_institution():
    charter = {"institution_id": "pic:900000001", "name": "Hogeschool", "country": "NL"}
    charter |= {"pic": "900000001", "erasmus_code": "NL NOWHERE01"}
    ids = [identifier for identifier, _ in found(charter, "erasmus:NL NOWHERE01")]
    assert ids == ["pic:900000001"] * 2


def test_a_charter_found_by_its_name_lends_its_codes():
    charter = {"institution_id": "pic:900000001", "name": "Maastricht University"}
    charter |= {"country": "NL", "pic": "900000001", "erasmus_code": "NL ELSE01"}
    assert found(charter, "erasmus:NL ELSE01") == [
        [MAASTRICHT, "name and country"],
        [MAASTRICHT, "erasmus:NL ELSE01"],
    ]


def test_a_name_among_other_words_is_matched_in_its_country():
    assert found(named("Université de Liège (ULiège)", "BE")) == [[LIEGE, "matched: name, country"]]
    college = "Nursing College of the Red Cross, University of Liège"
    assert found(named(college, "BE"))[0][1] == "source"


def test_affiliations_without_institution_are_matched_and_give_a_country():
    records = cn.resolve(written("Univ Liege, Liege, Belgium", "Inst Nowhere, Peru", "Nowhere"))
    assert parties(records) == [[LIEGE, "BE"], [None, "PE"], [None, None]]
    assert records.participants["evidence"][0] == "matched: name, city"
    assert records.provenance["resolution"]["by_affiliation"] == 1


def test_several_affiliations_of_one_author_are_kept():
    text = "University of Liège, Belgium | Inst Nowhere, Peru; Maastricht University, Netherlands"
    records = cn.resolve(written(text))
    assert parties(records) == [[LIEGE, "BE"], [None, "PE"], [MAASTRICHT, "NL"]]
    assert records.participants["position"].tolist() == [1, 1, 1]


def test_a_stated_country_decides_between_affiliations():
    text = "University of Liège, Belgium | Maastricht University, Netherlands"
    records = cn.resolve(written(text, "University of Liège", countries=["NL", "FR"]))
    assert parties(records) == [[MAASTRICHT, "NL"], [None, "FR"]]


def test_the_policy_on_countries_is_stated(monkeypatch):
    monkeypatch.setattr(settings, "COUNTRIES", {"HK": "CN"})
    records = cn.resolve(written("Inst Nowhere, Hong Kong"))
    assert parties(records) == [[None, "CN"]]
    assert records.provenance["resolution"]["country_policy"] == {"HK": "CN"}


def test_an_override_always_wins():
    rulings = pd.DataFrame(
        {"written": ["UNILU", "University of Liège", "Lab X, Nowhere"]}
        | {"ror": [f"https://ror.org/{LUXEMBOURG}", "none", LIEGE]}
    )
    records = records_of(named("Unilu", "CD"), named("University of Liège", "BE"), MAASTRICHT)
    out = cn.resolve(records, overrides=rulings)
    assert parties(out, "institution_id", "evidence") == [
        [LUXEMBOURG, "override"],
        ["name:0University of Liège|BE", "source"],
        [MAASTRICHT, "source"],
    ]
    out = cn.resolve(written("Lab X, Nowhere", "University of Liège"), overrides=rulings)
    assert parties(out, "institution_id", "evidence") == [[LIEGE, "override"], [None, "override"]]


def test_an_ambiguous_name_is_listed_with_its_candidates():
    table = cn.review(cn.resolve(written("UNILU", "UNILU", "Univ Liege, Belgium")))
    assert table["written"].tolist() == ["UNILU", "Univ Liege, Belgium"]
    assert table["rows"].tolist() == [2, 1]
    assert LUBUMBASHI in table["candidates"][0]
    assert table["institution_id"].fillna("").tolist() == ["", LIEGE]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_reviewed_table_corrects_the_store(tmp_path, suffix):
    store = tmp_path / "store"
    cn.write_store(cn.resolve(written("UNILU", "Univ Liege, Belgium")), store)
    table = cn.review(cn.read(store))
    table["ror"] = table["written"].map({"UNILU": LUBUMBASHI, "Univ Liege, Belgium": "none"})
    path = tmp_path / f"reviewed{suffix}"
    cn.export_table(table, path)
    corrected = resolve_store(store, path)
    once = parties(corrected, "institution_id", "evidence")
    assert once == [[LUBUMBASHI, "override"], [None, "override"]]
    assert parties(resolve_store(store, path), "institution_id", "evidence") == once


def test_the_command_writes_the_table_and_takes_it_back(tmp_path, capsys):
    store, path = str(tmp_path / "store"), str(tmp_path / "reviewed.csv")
    cn.write_store(cn.resolve(written("UNILU")), store)
    assert cli.main(["resolve", store, "--review", path]) == 0
    table = pd.read_csv(path, dtype="string").assign(ror=LUBUMBASHI)
    table.to_csv(path, index=False)
    assert cli.main(["resolve", store, "--overrides", path]) == 0
    assert "1 of 1 institutions have a ROR id" in capsys.readouterr().out
    assert parties(cn.read(store), "institution_id") == [[LUBUMBASHI]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("written,ror\nX,Liège\n", r"o\.csv: 'Liège' \(X\) is no ROR id"),
        ("name,id\nX,none\n", r"o\.csv: the columns 'written' and 'ror'"),
        ("", r"o\.csv: cannot be read as a table"),
    ],
)
def test_wrong_overrides_are_told(tmp_path, text, message):
    path = tmp_path / "o.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(cn.InputError, match=message):
        cn.resolve(cn.Records({}), overrides=path)


def test_resolving_affiliations_twice_changes_nothing_more():
    once = cn.resolve(written("Univ Liege, Belgium | Nowhere", "UNILU"))
    twice = cn.resolve(once)
    pd.testing.assert_frame_equal(once.participants, twice.participants)
