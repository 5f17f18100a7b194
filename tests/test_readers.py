"""Readers: every format and shape gives the same tables, and what cannot be read is listed."""

import gzip
import json
import zipfile

import pytest
from files import (
    HERE,
    LIEGE,
    LINES,
    MAASTRICHT,
    THERE,
    UNIGR,
    WORKS,
    assert_same,
    author,
    institution,
    put,
    put_csv,
    put_lines,
    put_xlsx,
    rows,
    work,
)
from pandas.testing import assert_frame_equal

import collabnet as cn
from collabnet import schema

PAGE = {"meta": {"count": 3}, "results": WORKS}
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
    authors = "authors/updated_date=2023-04-21/part_000.gz"
    assert records.provenance["unrecognised"] == [authors]
    assert records.participants["activity_id"].value_counts().max() == 5103
    assert sum(source["read"] for source in records.provenance["sources"]) == 700 + 678


def test_works_without_authors_give_an_empty_graph(real):
    records = cn.read(real / "openalex_snapshot")
    assert repr(records) == "<Records: 27 works · 678 institutions · 60 relations>"
    assert cn.edges(records).empty


def test_ids_of_four_digits_and_changing_columns_are_kept(real):
    pages = sorted((real / "openalex_works").glob("schema_conflict_page_*.jsonl"))
    records = cn.read_all(pages)
    expected = [f"openalex:W000{n}" for n in (1, 2, 3)]
    assert records.activities["activity_id"].tolist() == expected


@pytest.mark.parametrize(
    "odd", ["https://openalex.org/authors/A8", "a8", "https://openalex.org/a8"]
)
def test_an_author_has_one_id_however_it_is_written(tmp_path, odd):
    nobody = {"author": {"id": "8"}}
    authors = (author(7), {"author": {"id": odd}}, nobody, {})
    people = cn.read(put_lines(tmp_path, work(1, *authors))).participants["person_id"]
    assert people.fillna("none").tolist() == ["openalex:A7", "openalex:A8", "none", "none"]


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
        assert len(getattr(again, name)) or name == "merges", name
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
