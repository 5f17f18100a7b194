"""Lists of agreements: the template as CSV and XLSX, and any other layout through a mapping."""

import re
from datetime import datetime

import pytest
from files import (
    LIEGE,
    LINES,
    LORRAINE,
    MAASTRICHT,
    UNIGR,
    assert_same,
    put,
    put_csv,
    put_xlsx,
    rows,
)

import collabnet as cn
from collabnet.readers.agreements import COLUMNS
from conftest import ROOT


def test_the_template_is_the_same_as_csv_and_as_xlsx(tmp_path):
    typed = [
        [row.get(c, "") for c in COLUMNS] for row in [*UNIGR, {"agreement_id": 7, "amount": 5.0}]
    ]
    for row in typed[:2]:
        row[COLUMNS.index("start")] = datetime(2008, 1, 1)
    typed[1][COLUMNS.index("since")] = 2015
    workbook = put_xlsx(tmp_path, "a.xlsx", COLUMNS, *typed)
    expected = put_csv(tmp_path, *UNIGR, {"agreement_id": "7", "amount": "5"})
    assert_same(cn.read(workbook), cn.read(expected))


def test_rows_of_one_agreement_are_one_activity(tmp_path):
    records = cn.read(put_csv(tmp_path, *UNIGR))
    assert rows(records.activities, "activity_id", "kind", "end_status") == [
        ["a:A1", "agreement", "open"]
    ]
    assert rows(records.participants, "institution_id", "position", "role", "since", "until") == [
        [LIEGE, 1, "signatory", None, None],
        [LORRAINE, 2, "signatory", None, None],
        ["036x5ad56", 3, "signatory", "2015", "2020"],
    ]
    assert len(cn.edges(records, "agreement")) == 3


def test_a_member_counts_from_since_to_until(tmp_path):
    records = cn.read(put_csv(tmp_path, *UNIGR))
    pairs = {
        year: len(cn.edges(records, "agreement", years=(year, year))) for year in (2010, 2018, 2024)
    }
    assert pairs == {2010: 1, 2018: 3, 2024: 1}


def test_a_row_of_the_home_institution_dates_its_own_membership(tmp_path):
    own = UNIGR[0] | {"partner": "ULiège", "partner_id": LIEGE, "country": "BE", "since": "2012"}
    records = cn.read(put_csv(tmp_path, UNIGR[0], own))
    assert rows(records.participants, "institution_id", "since", "role") == [
        [LIEGE, "2012", "signatory"],
        [LORRAINE, None, "signatory"],
    ]
    assert cn.edges(records, "agreement")["first"].tolist() == [2012]


def test_a_partner_in_two_rows_keeps_both_faculties(tmp_path):
    twice = [UNIGR[0] | {"unit": unit} for unit in ("Law", "Medicine", "Law")]
    records = cn.read(put_csv(tmp_path, *twice))
    assert rows(records.participants, "institution_id", "unit") == [
        [LIEGE, None],
        [LORRAINE, "Law; Medicine"],
    ]


def test_another_home_may_be_named(tmp_path):
    records = cn.read(put_csv(tmp_path, UNIGR[0] | {"home": MAASTRICHT}))
    assert records.participants["institution_id"].tolist() == [MAASTRICHT, LORRAINE]


def test_a_tie_between_agreements_of_a_file_is_one_between_activities(tmp_path):
    renewed = {"agreement_id": "B", "partner": "X", "follows": "A1", "part_of": "other:Z"}
    acts = cn.read(put_csv(tmp_path, UNIGR[0], renewed)).activities
    assert rows(acts, "follows", "part_of") == [[None, None], ["a:A1", "other:Z"]]


def test_a_row_without_partner_is_a_commitment_of_one(tmp_path):
    charter = {"agreement_id": "C", "kind": "commitment", "start": "2014"}
    records = cn.read(put_csv(tmp_path, charter))
    assert records.participants["institution_id"].tolist() == [LIEGE]
    assert records.activities["kind"].tolist() == ["commitment"]


def test_an_end_that_is_not_given_is_unknown_and_not_open(tmp_path):
    given = [
        {"agreement_id": "open", "start": "2010", "end_status": "open", "partner_id": MAASTRICHT},
        {"agreement_id": "unknown", "start": "2010", "partner_id": LORRAINE},
        {"agreement_id": "known", "start": "2010", "end": "2012", "partner_id": "036x5ad56"},
    ]
    records = cn.read(put_csv(tmp_path, *given))
    assert records.activities["end_status"].tolist() == ["open", "unknown", "known"]
    partners = cn.partners(records, LIEGE, kind="agreement", years=(2020, 2020))["partner"]
    assert partners.tolist() == [MAASTRICHT]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"start": "15/09/2024"}, "start '15/09/2024' is not a date"),
        ({"start": "2024-02-30"}, "start '2024-02-30' is not a date"),
        ({"end": "next year"}, "end 'next year' is not a date"),
        ({"since": "2024-13"}, "since '2024-13' is not a date"),
        ({"start": "2024", "end": "2023-12"}, "end 2023-12 is before start 2024"),
        ({"since": "2024", "until": "2020"}, "until 2020 is before since 2024"),
        ({"kind": "treaty"}, "kind 'treaty' is not one of work, agreement"),
        ({"end_status": "never"}, "end_status 'never' is not one of known"),
        ({"end": "2025", "end_status": "open"}, "end_status 'open' contradicts the end 2025"),
        ({"amount": "about 5"}, "amount 'about 5' is not a number"),
        ({"country": "Utopia"}, "country 'Utopia' is not an ISO code"),
        ({"agreement_id": ""}, "no agreement_id"),
        ({"kind": "mobility", "amount": "5"}, "a mobility flow needs the role"),
    ],
    ids=str,
)
def test_a_bad_agreement_row_goes_to_quarantine_with_its_line(tmp_path, wrong, reason):
    bad = {"agreement_id": "B", "partner": "X"} | wrong
    records = cn.read(put_csv(tmp_path, UNIGR[0], bad, UNIGR[1]))
    assert records.activities["activity_id"].tolist() == ["a:A1"]
    assert rows(records.quarantine, "file", "record") == [["a.csv", "line 3"]]
    assert records.quarantine["reason"].iloc[0].startswith(reason)
    source = records.provenance["sources"][0]
    assert [source[k] for k in ("read", "kept", "quarantined")] == [3, 2, 1]


@pytest.mark.parametrize(
    "other", [{"start": "2009"}, {"kind": "project"}, {"end": "2030", "end_status": ""}], ids=str
)
def test_rows_of_one_agreement_may_not_contradict_each_other(tmp_path, other):
    first = UNIGR[0] | {"end": "2029", "end_status": "known"}
    records = cn.read(put_csv(tmp_path, first, UNIGR[1] | {"end_status": ""} | other))
    assert len(records.participants) == 2
    assert "in the first row of this agreement_id" in records.quarantine["reason"].iloc[0]


def test_a_bad_row_of_a_workbook_is_named_by_its_row(tmp_path):
    lines = [["agreement_id", "partner", "start"], ["A", "X", 2024], [], ["B", "Y", "soon"]]
    records = cn.read(put_xlsx(tmp_path, "a.xlsx", ["Register of agreements"], [], *lines))
    assert records.counts()["agreement"] == 1
    assert records.quarantine["record"].tolist() == ["row 6"]


def test_a_party_is_known_by_its_identifier_or_else_by_name_and_country(tmp_path):
    given = {
        "999997930": "pic:999997930",
        "B\u00a0 LIEGE01": "erasmus:B LIEGE01",
        "IRLDUBLIN01": "erasmus:IRLDUBLIN01",
        "uni.lu": "hei:uni.lu",
        "https://openalex.org/I34352273": "openalex:I34352273",
        "https://ror.org/02jz4aj89": MAASTRICHT,
        "": "name:institut d ici|FR",
    }
    records = cn.read(
        put_csv(
            tmp_path,
            *(
                {"agreement_id": "A", "partner": "Institut d’Ici", "country": "FR"}
                | {"partner_id": identifier}
                for identifier in given
            ),
        )
    )
    assert records.participants["institution_id"].tolist() == [LIEGE, *given.values()]
    codes = records.institutions.set_index("institution_id")
    assert codes.loc["pic:999997930", "pic"] == "999997930"
    assert codes.loc["erasmus:B LIEGE01", "erasmus_code"] == "B LIEGE01"


def test_fields_of_an_agreement_share_it(tmp_path):
    given = [{"agreement_id": "A", "partner": p, "field": f} for p, f in ["x0", "y1", "z1"]]
    given[0] |= {"field": "0421;0312;law"}
    fields = cn.read(put_csv(tmp_path, *given)).fields
    assert fields.groupby("scheme")["share"].agg(["size", "sum"]).to_numpy().tolist() == [
        [1, 1.0],
        [3, 1.0],
    ]


def test_a_mobility_flow_keeps_its_direction(tmp_path):
    flow = {"kind": "mobility", "start": "2024", "partner_id": MAASTRICHT}
    records = cn.read(
        put_csv(
            tmp_path,
            flow | {"agreement_id": "out", "role": "receiving", "amount": "12"},
            flow | {"agreement_id": "in", "role": "sending", "amount": "8.5"},
            flow | {"agreement_id": "some", "role": "sending", "amount": "3", "partner_id": ""},
        )
    )
    assert rows(cn.flows(records), "sending", "receiving", "persons") == [
        [LIEGE, MAASTRICHT, 12.0],
        [MAASTRICHT, LIEGE, 8.5],
        [None, LIEGE, 3.0],
    ]


def test_stray_columns_and_commas_do_no_harm(tmp_path):
    text = "agreement_id;partner;line;;\nA;X;7;;\nB;Y;8;;\n"
    assert cn.read(put(tmp_path, "a.csv", text)).counts()["agreement"] == 2


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(cn.InputError, match=r"a\.csv: two columns are named 'partner'"):
        cn.read(put(tmp_path, "a.csv", "agreement_id,partner,partner\nA,X,Y\n"))


# A mapping

MAPPING = """
[columns]
agreement_id = "N° convention"
partner = "Établissement partenaire"
country = "Pays"
start = "Début"
end = "Fin"
kind = "Nature"
title = "Établissement partenaire"

[values.kind]
"Accord-cadre" = "agreement"
"Projet" = "project"

[values.country]
"Royaume-Uni" = "GB"

[constants]
programme = "Erasmus+"

[options]
date_format = "%d/%m/%Y"
"""
HEADER = ["N° convention", "Établissement partenaire", "Pays", "Début", "Fin", "Nature", "Autre"]
FRENCH = [
    ["C1", "Université de Lorraine", "FR", "15/09/2019", "14/09/2024", "Accord-cadre", "x"],
    ["C2", "Université d'Oxford", "Royaume-Uni", "01/02/2020", "", "Projet", ""],
    ["C3", "Institut", "FR", "31/02/2020", "", "Projet", ""],
]


def put_mapping(folder, text=MAPPING):
    return put(folder, "mapping.toml", text)


def test_a_french_sheet_is_read_with_a_mapping(tmp_path):
    text = "\r\n".join(";".join(line) for line in [HEADER, *FRENCH])
    path = put(tmp_path, "conventions.csv", text.encode("cp1252"))
    records = cn.read(path, mapping=put_mapping(tmp_path))
    columns = ("activity_id", "kind", "title", "start", "end", "end_status", "programme")
    assert rows(records.activities, *columns) == [
        [
            *("conventions:C1", "agreement", "Université de Lorraine"),
            *("2019-09-15", "2024-09-14", "known", "Erasmus+"),
        ],
        [
            *("conventions:C2", "project", "Université d'Oxford"),
            *("2020-02-01", None, "unknown", "Erasmus+"),
        ],
    ]
    assert records.quarantine["record"].tolist() == ["line 4"]
    partners = records.participants[records.participants["position"] == 2]
    assert partners["country"].tolist() == ["FR", "GB"]


def test_a_banner_may_stand_above_the_header_of_a_mapped_sheet(tmp_path):
    first = [*FRENCH[0][:3], datetime(2019, 9, 15), *FRENCH[0][4:]]
    lines = [["Relations internationales"], ["au 1er septembre"], [], HEADER, first, *FRENCH[1:]]
    workbook = put_xlsx(tmp_path, "c.xlsx", *lines, sheets=("Lisez-moi", "Conventions"))
    mapping = put_mapping(tmp_path, MAPPING + 'sheet = "Conventions"\n')
    records = cn.read(workbook, mapping=mapping)
    assert records.activities["start"].tolist() == ["2019-09-15", "2020-02-01"]
    assert records.quarantine["record"].tolist() == ["row 7"]


def test_a_mapping_is_used_only_for_what_no_reader_knows(tmp_path):
    put(tmp_path, "in/works.jsonl", LINES)
    put(tmp_path, "in/c.csv", "\n".join(";".join(line) for line in [HEADER, *FRENCH]))
    put(tmp_path, "in/other.csv", "a;b\n1;2\n")
    put_csv(tmp_path / "in", *UNIGR)
    records = cn.read(tmp_path / "in", mapping=put_mapping(tmp_path))
    formats = {s["file"]: s["format"] for s in records.provenance["sources"]}
    assert formats == {"a.csv": "agreements", "c.csv": "agreements", "works.jsonl": "openalex"}
    assert records.provenance["unrecognised"] == ["other.csv"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[colums]\npartner = "x"', "[colums] is not one of [columns]"),
        ('[columns]\npartnr = "x"', "'partnr' in [columns] is not one of agreement_id"),
        ('[columns]\npartner = "Université"', "a.csv has no column 'Université'. It has: id, nom"),
        ("[columns]\npartner = 3", "'partner' in [columns] should be the name of a column"),
        ('[columns]\npartner = ["x"]', "'partner' in [columns] should be the name of a column"),
        ("columns = 3", "write [columns] as a section"),
        ('[values]\nkind = "x"', "'kind' in [values] should be a section of its own"),
        ("[values.kind]\nx = 5", "'kind' in [values] should be a section of its own"),
        ("[constants]\namount = 5", "'amount' in [constants] should be a text in quotes"),
        ("[options]\ndate_format = 5", "'date_format' in [options] should be a text in quotes"),
        ('[options]\nformat = "x"', "'format' in [options] is not one of date_format, sheet"),
        ("[columns", "not a TOML file"),
    ],
)
def test_a_wrong_mapping_is_told_in_a_sentence(tmp_path, text, said):
    path = put(tmp_path, "a.csv", "id;nom\n1;x\n")
    with pytest.raises(cn.InputError) as error:
        cn.read(path, mapping=put_mapping(tmp_path, text))
    assert "mapping.toml: " + said in str(error.value)


def test_a_sheet_that_is_not_there_is_told_with_those_that_are(tmp_path):
    workbook = put_xlsx(tmp_path, "c.xlsx", HEADER, *FRENCH, sheets=("Conventions",))
    mapping = put_mapping(tmp_path, MAPPING + 'sheet = "Accords"\n')
    with pytest.raises(cn.InputError, match=r"no sheet 'Accords'\. It has: Conventions\."):
        cn.read(workbook, mapping=mapping)


def test_a_mapping_that_is_missing_is_told_before_anything_is_read(tmp_path):
    with pytest.raises(cn.InputError, match=r"none\.toml: cannot be read"):
        cn.read(put(tmp_path, "w.jsonl", LINES), mapping=tmp_path / "none.toml")


# The documentation


def test_the_worked_example_of_the_formats_page_holds(tmp_path):
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    sheet, mapping = (
        re.search(rf"^```{language}\n(.*?)^```$", page, re.M | re.S)[1]
        for language in ("text", "toml")
    )
    path = put(tmp_path, "conventions.csv", sheet)
    records = cn.read(path, mapping=put(tmp_path, "conventions.toml", mapping))
    acts = records.activities
    size = acts["activity_id"].map(records.participants["activity_id"].value_counts())
    columns = ["activity_id", "kind", "start", "end", "end_status", "size"]
    shown = acts.assign(size=size)[columns].astype("string").fillna("")
    for line in shown.itertuples(index=False):
        assert f"| {' | '.join(line)} |" in page
    listed = records.quarantine.iloc[0]
    assert f"`{listed['file']}, {listed['record']}: start 'bientôt' is not a date" in page


def test_the_formats_page_names_every_column_of_the_template():
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    section = page.split("\n## Agreements\n")[1].split("\n### ")[0]
    named = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]+) \|", section, re.M)))
    assert sorted(named) == sorted(COLUMNS)
