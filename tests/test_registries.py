"""Registries: codes of one institution are tied together, whatever list they stand in."""

import csv
import gzip
import json

import pytest
from files import LIEGE, put, put_xlsx

import collabnet as cn


def bodies(path):
    return cn.read(path).institutions.set_index("institution_id")


HEADER = ["Erasmus Code", "PIC", "Legal Name", "City", "Country Cd", "Website Url"]
ROW = ["B\u00a0 LIEGE01", 999976105, "UNIVERSITE DE LIEGE", "LIEGE", "BE", "http://www.uliege.be"]


@pytest.mark.parametrize("banner", [0, 1, 9])
@pytest.mark.parametrize(
    ("header", "country"),
    [
        (HEADER, "BE"),
        (
            ["ERASMUS CODE", "PIC code", "Organisation Legal Name", "City", "Country", "Web"],
            "Belgium",
        ),
        (["Erasmus code", "PIC number", "Name", "Town", "Country code", "Website"], "be"),
    ],
)
def test_every_issue_of_the_list_of_charters_is_read(tmp_path, banner, header, country):
    rows = [*[["list of holders"]] * banner, header, [*ROW[:4], country, ROW[5]]]
    body = bodies(put_xlsx(tmp_path, "eche.xlsx", *rows)).loc["pic:999976105"]
    assert body[["name", "erasmus_code", "city", "country", "website"]].tolist() == (
        ["UNIVERSITE DE LIEGE", "B LIEGE01", "LIEGE", "BE", "uliege.be"]
    )


def test_a_misprinted_erasmus_code_is_listed_and_the_pic_kept(tmp_path):
    path = put(
        tmp_path, "eche.csv", "Erasmus code,PIC,Name,Country\nRSPROKUP01,12345,Somewhere,RS\n"
    )
    records = cn.read(path)
    assert records.institutions["institution_id"].tolist() == ["pic:000012345"]
    assert records.quarantine["reason"].tolist() == ["'RSPROKUP01' is no Erasmus code (Somewhere)"]


OPENALEX = {
    "id": "https://openalex.org/I157674565",
    "ror": f"https://ror.org/{LIEGE}",
    "display_name": "University of Liège",
    "display_name_acronyms": ["ULiège"],
    "country_code": "BE",
    "homepage_url": "https://www.uliege.be",
    "geo": {"city": "Liège", "latitude": 50.6, "longitude": 5.6},
    "ids": {"grid": "grid.4861.b", "wikidata": "https://www.wikidata.org/wiki/Q369453"},
    "international": {"display_name": {"nl": "Universiteit Luik"}},
    "associated_institutions": [
        {"id": "https://openalex.org/I5", "ror": None, "relationship": "child"}
    ],
}


@pytest.mark.parametrize(
    "text",
    [json.dumps(OPENALEX), json.dumps([OPENALEX]), json.dumps({"results": [OPENALEX]})],
    ids=["line", "list", "page"],
)
def test_openalex_institutions_are_known_by_their_ror_id_and_all_others(tmp_path, text):
    records = cn.read(put(tmp_path, "institutions.json", text))
    body = records.institutions.set_index("institution_id").loc[LIEGE]
    assert body[["openalex_id", "grid", "wikidata", "website", "city"]].tolist() == (
        ["I157674565", "grid.4861.b", "Q369453", "uliege.be", "Liège"]
    )
    assert records.relations[["from", "to", "kind"]].to_numpy().tolist() == (
        [[LIEGE, "openalex:I5", "child"]]
    )


def test_openalex_institutions_without_ror_keep_their_own_id(tmp_path):
    text = "openalex_id,display_name,country_code,ror_id\nhttps://openalex.org/I9,Somewhere,FR,\n"
    assert bodies(put(tmp_path, "i.csv", text)).index.tolist() == ["openalex:I9"]


def test_a_broken_line_goes_to_quarantine_alone(tmp_path):
    text = json.dumps(OPENALEX) + '\n{"id": "https://openalex.org/I1", "dis\n'
    records = cn.read(put(tmp_path, "institutions.jsonl", text))
    assert records.quarantine["record"].tolist() == ["item 2"]
    assert len(records.institutions) == 1


def test_a_ror_record_of_schema_1_is_read_as_one_of_schema_2(tmp_path):
    old = {
        "id": "https://ror.org/00afp2z80",
        "name": "University of Liège",
        "types": ["Education"],
        "aliases": [],
        "acronyms": ["ULiège"],
        "labels": [{"label": "Universiteit Luik", "iso639": "nl"}],
        "addresses": [{"city": "Liège", "lat": 50.6, "lng": 5.6}],
        "country": {"country_code": "BE", "country_name": "Belgium"},
        "links": ["https://www.uliege.be/"],
        "status": "active",
        "external_ids": {"GRID": {"preferred": "grid.4861.b", "all": "grid.4861.b"}},
        "relationships": [
            {"id": "https://ror.org/00bmzhb16", "type": "Child", "label": "Gembloux"}
        ],
    }
    records = cn.read(put(tmp_path, "ror.json", json.dumps([old])))
    body = records.institutions.iloc[0]
    facts = ["name", "names", "aliases", "country", "city", "type", "status", "grid", "website"]
    assert body[facts].tolist() == [
        *("University of Liège", '{"nl": "Universiteit Luik"}', "ULiège|Universiteit Luik", "BE"),
        *("Liège", "education", "active", "grid.4861.b", "uliege.be"),
    ]
    assert records.relations["kind"].tolist() == ["child"]
    assert records.provenance["sources"][0]["format_version"] == "v1"


def test_the_charters_give_h2020_its_names(real):
    h2020 = cn.read(real / "cordis" / "h2020.csv.gz")
    with gzip.open(real / "cordis" / "h2020.csv.gz", "rt") as file:
        schools = {f"pic:{row['pic']}" for row in csv.DictReader(file) if row["type"] == "HES"}
    eche = cn.read(real / "erasmus" / "ECHE_list_2025-05-13.xlsx")
    assert len(eche.institutions) == 5891
    both = (h2020 + eche).institutions.set_index("institution_id")
    named = both.loc[sorted(schools & set(eche.institutions["institution_id"]))]
    assert named["city"].notna().all()
    assert not named["name"].str.startswith("PIC ").any()
    assert (len(schools), len(named)) == (2617, 1024)


def test_the_registries_of_both_schemas_are_read_whole(real):
    sizes = {"v1": 15_380, "v2": 35_990}
    for version, size in sizes.items():
        records = cn.read(real / "ror" / f"ror-subset_schema_{version}.zip")
        assert (len(records.institutions), len(records.quarantine)) == (size, 0)
