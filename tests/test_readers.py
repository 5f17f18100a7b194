"""Readers: every format and shape gives the same tables, and what cannot be read is listed."""

import gzip
import json
import re
import zipfile
from datetime import datetime

import openpyxl
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import collabnet as cn
from collabnet import schema
from collabnet.readers.agreements import COLUMNS
from conftest import ROOT

LIEGE, MAASTRICHT, LORRAINE = "00afp2z80", "02jz4aj89", "04vfs2w97"
OPENALEX = "https://openalex.org/"


def institution(ror, name, country="BE", number=1):
    return {
        "id": f"{OPENALEX}I{number}",
        "display_name": name,
        "ror": f"https://ror.org/{ror}",
        "country_code": country,
        "type": "education",
    }


HERE = institution(LIEGE, "University of Liège", number=157674565)
THERE = institution(MAASTRICHT, "Maastricht University", "NL", 2)


def author(number, *institutions, **facts):
    person = {"id": f"{OPENALEX}A{number}", "display_name": f"Author {number}"}
    return {"author": person, "institutions": list(institutions)} | facts


def work(number, *authors, **facts):
    return {
        "id": f"{OPENALEX}W{number}",
        "title": f"Été {number}",
        "publication_year": 2024,
        "publication_date": "2024-05-01",
        "type": "article",
        "authorships": list(authors),
    } | facts


WORKS = [
    work(1, author(1, HERE), author(2, THERE), doi="https://doi.org/10.1000/ABC"),
    work(2, author(1, HERE, THERE, countries=["BE", "NL", "FR"])),
    work(3, author(3)),
]
PAGE = {"meta": {"count": 3}, "results": WORKS}
LINES = "\n".join(map(json.dumps, WORKS)) + "\n"
SHAPES = {
    "page.json": json.dumps(PAGE),
    "pretty-page.json": json.dumps(PAGE, indent=2),
    "utf8-page.json": json.dumps(PAGE, ensure_ascii=False),
    "bom-page.json": b"\xef\xbb\xbf" + json.dumps(PAGE, ensure_ascii=False).encode(),
    "utf16-page.json": json.dumps(PAGE, ensure_ascii=False).encode("utf-16"),
    "list.json": json.dumps(WORKS),
    "pretty-list.json": json.dumps(WORKS, indent=1),
    "pages.json": json.dumps([{"results": WORKS[:2]}, {"results": WORKS[2:]}]),
    "lines.jsonl": LINES,
    "bom-lines.jsonl": b"\xef\xbb\xbf" + LINES.encode(),
    "crlf.jsonl": LINES.replace("\n", "\r\n"),
    "blank-lines.jsonl": "\n" + LINES.replace("\n", "\n\n"),
    "pages.jsonl": "\n".join(json.dumps({"results": [w]}) for w in WORKS),
    "lines.jsonl.gz": gzip.compress(LINES.encode()),
    "page.json.gz": gzip.compress(json.dumps(PAGE).encode()),
    "no-suffix": LINES,
    "named-wrong.csv": json.dumps(WORKS),
}


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def tables(records):
    """Return the tables that hold something, without the place each row was read from."""
    names = [name for name in schema.TABLES if len(getattr(records, name))]
    place = ["source", "record"]
    return {n: getattr(records, n).drop(columns=place, errors="ignore") for n in names}


def assert_same(left, right):
    left, right = tables(left), tables(right)
    assert list(left) == list(right)
    for name, table in left.items():
        assert_frame_equal(table, right[name])


def rows(table, *columns):
    found = table[list(columns)]
    return found.astype(object).where(found.notna(), None).to_numpy().tolist()


def put_lines(folder, *works):
    return put(folder, "w.jsonl", "\n".join(map(json.dumps, works)))


# OpenAlex


@pytest.mark.parametrize("name", SHAPES)
def test_openalex_gives_the_same_tables_in_every_shape(tmp_path, name):
    expected = cn.read(put(tmp_path, "expected/list.json", json.dumps(WORKS)))
    found = cn.read(put(tmp_path, name, SHAPES[name]))
    assert found.counts()["work"] == 3
    assert_same(found, expected)


def test_openalex_in_a_zip_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
        archive.writestr("works.json", json.dumps(PAGE))
    assert cn.read(tmp_path / "w.zip").counts()["work"] == 3


@pytest.mark.parametrize("indent", [None, 2])
def test_one_bare_work_is_read(tmp_path, indent):
    records = cn.read(put(tmp_path, "W1.json", json.dumps(WORKS[0], indent=indent)))
    assert rows(records.activities, "activity_id", "year") == [["openalex:W1", 2024]]
    assert len(records.participants) == 2


def test_real_page_and_real_lines_of_the_same_works_give_the_same_graph(real):
    page, lines = (
        cn.read(real / "openalex_works" / name)
        for name in ("api_page_chunk1.json", "works_chunk1.jsonl")
    )
    assert_frame_equal(cn.edges(page), cn.edges(lines))
    assert_frame_equal(cn.edges(page, level="country"), cn.edges(lines, level="country"))
    assert len(cn.edges(page)) == 49
    assert page.counts()["work"] == lines.counts()["work"] == 50


def test_real_works_are_read_in_one_go(real):
    records = cn.read_all([real / "openalex_works", real / "openalex_snapshot"])
    assert records.counts()["work"] == 563
    assert records.provenance["merged"] == 137
    assert records.provenance["unrecognised"] == [
        "authors/updated_date=2023-04-21/part_000.gz",
        "institutions/updated_date=2023-09-04/part_000.gz",
    ]
    assert records.participants["activity_id"].value_counts().max() == 5103
    assert sum(source["read"] for source in records.provenance["sources"]) == 700


def test_works_without_authors_give_an_empty_graph(real):
    records = cn.read(real / "openalex_snapshot")
    assert repr(records) == "<Records: 27 works>"
    assert cn.edges(records).empty


def test_ids_of_four_digits_and_changing_columns_are_kept(real):
    pages = sorted((real / "openalex_works").glob("schema_conflict_page_*.jsonl"))
    records = cn.read_all(pages)
    expected = [f"openalex:W000{n}" for n in (1, 2, 3)]
    assert records.activities["activity_id"].tolist() == expected


def test_all_institutions_of_an_author_are_kept(tmp_path):
    records = cn.read(put_lines(tmp_path, work(1, author(7, HERE, THERE))))
    assert rows(records.participants, "person_id", "institution_id", "country") == [
        ["openalex:A7", LIEGE, "BE"],
        ["openalex:A7", MAASTRICHT, "NL"],
    ]


def test_a_country_without_institution_keeps_a_row(tmp_path):
    records = cn.read(put_lines(tmp_path, work(1, author(7, HERE, countries=["BE", "UK", "??"]))))
    assert rows(records.participants, "institution_id", "country") == [[LIEGE, "BE"], [None, "GB"]]


def test_the_one_stated_country_is_that_of_the_one_institution_without(tmp_path):
    nowhere = institution("01aaaaa01", "Somewhere", None)
    records = cn.read(put_lines(tmp_path, work(1, author(7, nowhere, countries=["CD"]))))
    assert rows(records.participants, "institution_id", "country") == [["01aaaaa01", "CD"]]


def test_an_author_without_affiliation_keeps_a_row(tmp_path):
    records = cn.read(put_lines(tmp_path, work(1, author(7))))
    assert rows(records.participants, "position", "institution_id", "country") == [[1, None, None]]


@pytest.mark.parametrize(
    ("listed", "facts", "truncated", "count"),
    [
        (2, {"authors_count": 3}, True, 3),
        (2, {"authors_count": 2}, False, 2),
        (100, {"authors_count": 100}, False, 100),
        (100, {"authors_count": 212}, True, 212),
        (100, {}, True, 100),
        (99, {}, False, 99),
        (101, {}, False, 101),
        (2, {"is_authors_truncated": True}, True, 2),
    ],
)
def test_a_list_of_authors_cut_short_is_flagged(tmp_path, listed, facts, truncated, count):
    authors = [author(n) for n in range(listed)]
    records = cn.read(put_lines(tmp_path, work(1, *authors, **facts)))
    assert rows(records.activities, "truncated", "authors_count") == [[truncated, count]]


def test_the_schema_of_2022_is_read(tmp_path):
    old = author(7, HERE, raw_affiliation_string="Univ Liege, Belgium")
    records = cn.read(put_lines(tmp_path, work(1, old, host_venue={}, grants=[])))
    assert records.participants["affiliation"].tolist() == ["Univ Liege, Belgium"]
    assert records.provenance["sources"][0]["format_version"] == "before 2025-11"


def test_each_institution_has_its_own_affiliation_text(tmp_path):
    texts = {"raw_affiliation_strings": ["ULiège", "UM"]}
    tied = [
        {"raw_affiliation_string": "ULiège", "institution_ids": [HERE["id"]]},
        {"raw_affiliation_string": "UM", "institution_ids": [THERE["id"]]},
    ]
    both = author(7, HERE, THERE, affiliations=tied, **texts)
    records = cn.read(put_lines(tmp_path, work(1, both)))
    assert records.participants["affiliation"].tolist() == ["ULiège", "UM"]


@pytest.mark.parametrize(
    "written",
    [
        "https://doi.org/10.7717/PeerJ.4375",
        "http://dx.doi.org/10.7717/peerj.4375",
        "doi:10.7717/peerj.4375",
        "10.7717/PEERJ.4375",
    ],
)
def test_a_doi_has_one_spelling(tmp_path, written):
    records = cn.read(put_lines(tmp_path, work(1, doi=written)))
    assert records.activities["doi"].tolist() == ["10.7717/peerj.4375"]


def test_a_year_that_contradicts_the_date_wins(tmp_path):
    records = cn.read(put_lines(tmp_path, work(1, publication_year=2023)))
    assert rows(records.activities, "start", "year") == [["2023", 2023]]


def test_of_two_versions_in_a_file_the_newest_is_kept(tmp_path):
    new = work(1, author(1, HERE), title="new", updated_date="2025-01-01")
    old = work(1, author(1, HERE), author(2, THERE), updated_date="2024-01-01")
    records = cn.read(put_lines(tmp_path, new, old))
    assert records.activities["title"].tolist() == ["new"]
    assert len(records.participants) == 1
    assert records.provenance["merged"] == 1


def test_bad_lines_go_to_quarantine_with_file_and_line(tmp_path):
    good = [json.dumps(w) for w in WORKS]
    content = [good[0], '{"id": "W9", "tit', "", "[1, 2]", good[1], '{"id": "A5"}', "null", good[2]]
    records = cn.read(put(tmp_path, "mixed.jsonl", "\n".join(content)))
    assert records.counts()["work"] == 3
    assert rows(records.quarantine, "file", "record") == [
        ["mixed.jsonl", f"line {line}"] for line in (2, 4, 6, 7)
    ]
    source = records.provenance["sources"][0]
    assert [source[k] for k in ("read", "kept", "quarantined", "merged")] == [7, 3, 4, 0]


def test_a_broken_first_line_does_not_spoil_the_others(tmp_path):
    records = cn.read(put(tmp_path, "w.jsonl", '{"id": "https://openalex.org/W9\n' + LINES))
    assert records.counts()["work"] == 3
    assert records.quarantine["record"].tolist() == ["line 1"]


@pytest.mark.parametrize(
    "facts",
    [
        {"cited_by_count": "many"},
        {"authors_count": 10**30},
        {"fwci": {}},
        {"title": ["a"]},
        {"type": 5},
        {"publication_year": 20231},
        {"publication_year": None, "publication_date": "01/05/2024"},
        {"updated_date": 20240101},
        {"authorships": [5]},
        {"authorships": [{"is_corresponding": "perhaps"}]},
        {"authorships": [{"institutions": "Liège"}]},
        {"authorships": [{"institutions": [{"display_name": ["x"]}]}]},
        {"authorships": [{"author": {"id": "A1", "display_name": ["x"]}}]},
        {"primary_topic": 3},
    ],
    ids=str,
)
def test_a_work_with_a_value_of_another_kind_goes_to_quarantine_alone(tmp_path, facts):
    path = put_lines(tmp_path, WORKS[0], work(8, **facts), WORKS[1])
    records = cn.read(path, with_names=True)
    assert records.activities["activity_id"].tolist() == ["openalex:W1", "openalex:W2"]
    assert records.quarantine["record"].tolist() == ["line 2"]
    assert "W8" in records.quarantine["reason"].iloc[0]


def test_a_page_of_institutions_is_no_page_of_works(tmp_path):
    page = {"meta": {"count": 1}, "results": [HERE]}
    with pytest.raises(cn.InputError, match=r"i\.json, result 1: no OpenAlex work"):
        cn.read(put(tmp_path, "i.json", json.dumps(page)))


def test_an_empty_page_gives_no_work(tmp_path):
    page = {"meta": {"count": 0}, "results": []}
    assert repr(cn.read(put(tmp_path, "e.json", json.dumps(page)))) == "<Records: empty>"


def test_a_work_whose_id_stands_behind_its_authors_is_recognised(tmp_path):
    one = work(1, *(author(n, HERE) for n in range(900)))
    path = put(tmp_path, "sorted.json", json.dumps(one, sort_keys=True))
    assert path.read_text().index('"id": "https://openalex.org/W1"') > 1 << 16
    assert len(cn.read(path).participants) == 900


def test_names_of_persons_are_kept_only_when_asked_for(tmp_path):
    path = put_lines(tmp_path, *WORKS)
    assert cn.read(path).persons.empty
    assert cn.read(path, with_names=True).persons["name"].tolist() == [
        "Author 1",
        "Author 2",
        "Author 3",
    ]


# CORDIS


@pytest.fixture(scope="module")
def h2020(real):
    return cn.read(real / "cordis" / "h2020.csv.gz")


def test_h2020_is_read_whole(h2020):
    assert repr(h2020) == (
        "<Records: 31,451 projects · 144,726 participants · 35,871 institutions>"
    )


def test_na_is_namibia_as_a_country_and_missing_as_an_amount(h2020):
    people = h2020.participants
    namibia = people[people["country"] == "NA"]
    assert (len(namibia), namibia["institution_id"].nunique()) == (11, 8)
    assert people["country"].isna().sum() == 0
    assert people["contribution"].isna().sum() == 13_754


def test_el_and_uk_become_gr_and_gb(h2020):
    counts = h2020.participants["country"].value_counts()
    assert [counts.get(code, 0) for code in ("GR", "GB", "EL", "UK")] == [4530, 15_292, 0, 0]


def test_the_pairs_of_h2020_projects_add_up(h2020):
    size = h2020.participants.groupby("activity_id").size()
    assert (size * (size - 1) // 2).sum() == 1_089_509


def test_the_official_organization_table_is_read(real):
    records = cn.read(real / "cordis" / "organization_verbatim_rows.csv")
    people = records.participants
    assert "".join(people["country"]) == "GBCHGRGBXKGHHKESGRGR"
    assert people["role"].value_counts().to_dict() == {
        "participant": 5,
        "coordinator": 3,
        "thirdParty": 1,
        "partner": 1,
    }
    assert people["contribution"].tolist()[-2:] == [520_625.0, 541_640.0]
    first = records.institutions.iloc[0]
    assert (first["pic"], first["lat"], first["type"]) == ("999905974", 51.525895694, "company")


PARTICIPATIONS = """rcn,pic,role,country,contribution,start_date,end_date,total_cost
10,999976105,coordinator,BE,"1234,5",2019-01-01,2021-12-31,"9,5"
10,999997930,participant,EL,NA,2019-01-01,2021-12-31,NA
11,12345,participant,FR,1,,,
12,999976105,participant,Belgium,1,,,
,999976105,participant,BE,1,,,
13,999976105,participant,BE,1,01/02/2019,,
14,999976105,participant,NA,1,NA,NA,
15,999976105
"""


def test_bad_cordis_rows_go_to_quarantine_with_their_line(tmp_path):
    records = cn.read(put(tmp_path, "p.csv", PARTICIPATIONS))
    assert rows(records.quarantine, "record", "reason") == [
        ["line 9", "2 columns where the header has 8"],
        ["line 4", "no PIC of nine digits: 11, 12345, FR"],
        ["line 5", "country is no code of two letters: 12, 999976105, Belgium"],
        ["line 6", "no project number: , 999976105, BE"],
        ["line 7", "start is no date: 13, 999976105, BE"],
    ]
    assert rows(records.participants, "country", "contribution") == [
        ["BE", 1234.5],
        ["GR", None],
        ["NA", 1.0],
    ]
    assert rows(records.activities, "amount", "start", "end_status") == [
        [9.5, "2019-01-01", "known"],
        [None, None, "unknown"],
    ]


def test_record_numbers_and_grant_numbers_are_never_the_same_project(tmp_path):
    official = "projectID;organisationID;role;country\n10;999976105;coordinator;BE\n"
    records = cn.read_all(
        [put(tmp_path, "p.csv", PARTICIPATIONS), put(tmp_path, "o.csv", official)]
    )
    ids = records.activities["activity_id"].tolist()
    assert ids == ["cordis-rcn:10", "cordis-rcn:14", "cordis:10"]


# Agreements

UNIGR = [
    {"agreement_id": "A1", "kind": "agreement", "title": "UniGR", "start": "2008-01-01"}
    | {"end_status": "open", "partner": name, "partner_id": ror, "country": country}
    for name, ror, country in (
        ("Université de Lorraine", LORRAINE, "FR"),
        ("University of Luxembourg", "036x5ad56", "LU"),
    )
]
UNIGR[1] |= {"since": "2015", "until": "2020", "unit": "Law", "field": "0421;0312"}


def put_csv(folder, *given, name="a.csv", **options):
    table = pd.DataFrame(list(given), columns=COLUMNS)
    table.to_csv(folder / name, index=False, **options)
    return folder / name


def put_xlsx(folder, name, *lines, sheets=("first",)):
    book = openpyxl.Workbook()
    book.active.title = sheets[0]
    sheet = [book.active, *(book.create_sheet(title) for title in sheets[1:])][-1]
    for line in lines:
        sheet.append(line)
    book.save(folder / name)
    return folder / name


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
        ({"country": "Belgium"}, "country 'Belgium' is not an ISO code"),
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


# Our own tidy folder


def put_tidy(folder, records):
    folder.mkdir()
    for name in schema.TABLES:
        getattr(records, name).to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_a_tidy_folder_gives_back_the_tables_written_to_it(tmp_path):
    put_csv(tmp_path, *UNIGR, {"agreement_id": "B"}, {"agreement_id": "C", "start": "x"})
    put_lines(tmp_path, *WORKS, work(9, fwci=1 / 3, cited_by_count=5, synthetic=True))
    records = cn.resolve(cn.read(tmp_path, with_names=True))
    again = cn.read(put_tidy(tmp_path / "tidy", records), with_names=True)
    for name in schema.TABLES:
        columns = list(schema.TABLES[name])
        assert len(getattr(again, name)), name
        assert_frame_equal(getattr(again, name)[columns], getattr(records, name)[columns])


def test_names_in_a_tidy_folder_are_left_unless_asked_for(tmp_path):
    records = cn.read(put_lines(tmp_path, *WORKS), with_names=True)
    assert cn.read(put_tidy(tmp_path / "tidy", records)).persons.empty


def test_bad_rows_of_a_tidy_folder_go_to_quarantine(tmp_path):
    put(
        tmp_path,
        "t/activities.csv",
        "activity_id,kind,start,amount,synthetic\n"
        "a1,work,2020,1.5,true\n"
        "a2,wrok,2020,,\n"
        "a1,work,2021,,\n"
        ",work,2020,,\n"
        "a5,mobility,2020,many,\n"
        "a6,mobility,15/09/2024,3,\n"
        "a7,mobility,2024,3,perhaps\n"
        "a8,mobility\n",
    )
    put(
        tmp_path,
        "t/participants.csv",
        "activity_id,institution_id,country,position\n"
        "a1,https://ror.org/00afp2z80,EL,1\n"
        "a1,B  LIEGE01,BE,first\n"
        "a2,pic:999976105,BE,2\n"
        "a1,pic:999976105,Belgium,2\n",
    )
    records = cn.read(tmp_path / "t")
    assert records.activities["activity_id"].tolist() == ["a1"]
    assert rows(records.participants, "institution_id", "country") == [[LIEGE, "GR"]]
    listed = records.quarantine.groupby("file")["record"].agg(list).to_dict()
    assert listed == {
        "activities.csv": ["line 9", *(f"line {n}" for n in range(3, 9))],
        "participants.csv": ["line 3", "line 4", "line 5"],
    }
    source = records.provenance["sources"][0]
    assert [source[k] for k in ("read", "kept", "quarantined")] == [11, 1, 10]


def test_a_tidy_table_without_its_key_is_told_by_folder_and_file(tmp_path):
    put(tmp_path, "t/activities.csv", "activity,kind\na,work\n")
    put(tmp_path, "t/participants.csv", "activity_id,institution_id\n")
    with pytest.raises(cn.InputError, match=r"t/activities\.csv: .*no 'activity_id'"):
        cn.read(tmp_path / "t")


# ROR


@pytest.fixture(scope="module")
def registry(real):
    return cn.read(real / "ror" / "ror-subset_schema_v2.zip")


def test_a_ror_release_is_read_whole(registry):
    assert repr(registry) == "<Records: 35,990 institutions · 41,243 relations>"


def test_ror_tells_name_place_and_codes(registry):
    liege = registry.institutions.set_index("institution_id").loc[LIEGE]
    facts = ["name", "country", "city", "lat", "type", "status", "hei_id"]
    assert liege[facts].tolist() == (
        ["University of Liège", "BE", "Liège", 50.63373, "education", "active", "uliege.be"]
    )
    assert json.loads(liege["names"])["fr"] == "Université de Liège"
    assert "ULiège" in liege["aliases"].split("|")


def test_ror_tells_who_belongs_to_whom(registry):
    ties = registry.relations
    mine = ties[(ties["from"] == LIEGE) & (ties["kind"] == "child")]
    assert "00bmzhb16" in set(mine["to"])
    assert ties["kind"].value_counts()["successor"] == 532


def test_a_ror_release_of_schema_1_is_not_taken_for_one_of_schema_2(real):
    with pytest.raises(cn.InputError, match="no format known"):
        cn.read(real / "ror" / "ror-subset_schema_v1.zip")


def test_a_bad_ror_record_goes_to_quarantine_alone(tmp_path):
    good = {
        "id": "https://ror.org/00afp2z80",
        "names": [{"value": "Liège", "types": ["ror_display"], "lang": "fr"}],
        "locations": [{"geonames_details": {"country_code": "BE", "lat": 50.6}}],
        "status": "active",
    }
    bad = [{**good, "status": {}}, {"id": "https://ror.org/02jz4aj89"}, 5]
    bad += [{**good, "locations": [{"geonames_details": {"lat": "north"}}]}]
    records = cn.read(put(tmp_path, "r.json", json.dumps([*bad, good])))
    assert records.institutions["institution_id"].tolist() == [LIEGE]
    assert records.quarantine["record"].tolist() == [f"item {n}" for n in (1, 2, 3, 4)]


# Folders and files


def test_a_folder_is_read_and_the_rest_is_listed(tmp_path):
    put(tmp_path, "f/works.jsonl", LINES)
    put(tmp_path, "f/deep/er/part.gz", gzip.compress(json.dumps(work(9)).encode()))
    put(tmp_path, "f/notes.txt", "nothing")
    put(tmp_path, "f/deep/empty.json", "")
    put(tmp_path, "f/budget.xlsx", "PK\x03\x04")
    put(tmp_path, "f/.hidden.json", LINES)
    (tmp_path / "f" / "budget.xlsx").unlink()
    put_xlsx(tmp_path / "f", "budget.xlsx", ["year", "euros"], [2024, 5])
    with zipfile.ZipFile(tmp_path / "f" / "pictures.zip", "w") as archive:
        archive.writestr("a.png", "x")
    records = cn.read(tmp_path / "f")
    assert records.counts()["work"] == 4
    assert records.provenance["unrecognised"] == [
        "budget.xlsx",
        "notes.txt",
        "pictures.zip",
        "deep/empty.json",
    ]


def test_a_damaged_file_in_a_folder_is_not_passed_over(tmp_path):
    put(tmp_path, "f/works.jsonl", LINES)
    put(tmp_path, "f/more.jsonl.gz", gzip.compress(LINES.encode())[:-20])
    with pytest.raises(cn.InputError, match=r"more\.jsonl\.gz: the compressed file ends too early"):
        cn.read(tmp_path / "f")


def test_the_same_file_in_two_places_is_read_once(tmp_path):
    for name in ("a.jsonl", "b.jsonl", "deep/c.jsonl"):
        put(tmp_path, name, LINES)
    records = cn.read_all([tmp_path, tmp_path / "b.jsonl"])
    assert len(records.provenance["sources"]) == 1
    assert records.provenance["merged"] == 0


def test_a_store_below_a_folder_is_left_alone(tmp_path):
    put(tmp_path, "works.jsonl", LINES)
    cn.ingest([tmp_path], tmp_path / "store")
    records = cn.read(tmp_path)
    assert len(records.provenance["sources"]) == 1
    assert records.provenance["unrecognised"] == ["store"]


@pytest.mark.parametrize("rows_before", [0, 20_000])
def test_an_old_windows_table_keeps_its_accents_wherever_they_stand(tmp_path, rows_before):
    plain = "".join(f"A{n},Partner {n}\n" for n in range(rows_before))
    text = f"agreement_id,partner\n{plain}Z,Université de Liège\n"
    records = cn.read(put(tmp_path, "a.csv", text.encode("cp1252")))
    assert records.institutions["name"].iloc[-1] == "Université de Liège"


def test_a_table_of_two_encodings_keeps_the_accents_of_both(tmp_path):
    mixed = b"agreement_id,partner\n" + "A,Liège\n".encode() + "B,Besançon\n".encode("cp1252")
    records = cn.read(put(tmp_path, "a.csv", mixed))
    assert records.institutions["name"].tolist()[1:] == ["Liège", "Besançon"]


def test_a_format_may_be_named(tmp_path):
    path = put(tmp_path, "w.json", json.dumps(WORKS))
    assert cn.read(path, format="openalex").counts()["work"] == 3
    with pytest.raises(cn.UnknownNameError, match="Did you mean 'openalex'"):
        cn.read(path, format="openalx")
    with pytest.raises(cn.InputError, match="no CORDIS table"):
        cn.read(path, format="cordis")


# The documentation


def test_the_worked_example_of_the_formats_page_holds(tmp_path):
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    sheet, mapping = (
        re.search(rf"^```{language}\n(.*?)^```$", page, re.M | re.S)[1]
        for language in ("csv", "toml")
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
