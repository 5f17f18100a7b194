"""Bibliographic exports: one work is the same in every format, and what is lost is said."""

import gzip
import zipfile

import openpyxl
import pandas as pd
import pytest
from exports import (
    DOI,
    EVERY,
    LIEGE,
    LONG,
    LOOSE,
    MEDLINE,
    NOWHERE,
    OPENALEX_CSV,
    OPENALEX_CSV_2024,
    SCOPUS,
    SCOPUS_RIS,
    SHORT,
    TIED,
    WITHDRAWN,
    WOS,
    WOS_COLUMNS,
    WOS_ROWS,
    WOS_TAB,
)
from files import assert_same, put, rows
from pandas.testing import assert_frame_equal

import collabnet as cn
from collabnet import cli, settings
from collabnet.readers import FORMATS
from collabnet.readers.bibtex import _plain
from collabnet.readers.works import iso_date

TRIANGLE = [["BE", "DE"], ["BE", "NL"], ["DE", "NL"]]
TEXT = [
    "savedrecs.txt",
    "savedrecs-tab.txt",
    "scopus.csv",
    "scopus.bib",
    "scopus.ris",
    "pubmed.nbib",
]


def pairs(records, level="country"):
    return rows(cn.edges(records, level=level), "source", "target")


def stamp(records, *names):
    return [records.provenance["sources"][0][name] for name in names]


# The same two works in every format


@pytest.mark.parametrize("name", EVERY)
def test_a_file_is_recognised_by_its_content(tmp_path, name):
    form, content = EVERY[name]
    records = cn.read(put(tmp_path, "export.dat", content))
    assert stamp(records, "format", "read", "kept", "quarantined", "merged") == [form, 2, 2, 0, 0]


@pytest.mark.parametrize("name", EVERY)
def test_every_format_tells_the_same_of_a_work(tmp_path, name):
    works = cn.read(put(tmp_path, name, EVERY[name][1])).activities
    told = rows(works, "title", "year", "authors_count", "doi")
    note = "10.1000/note.2" if name.startswith("crossref") else None
    assert told == [[LONG, 2021, 3, DOI], [SHORT, 2019, 1, note]]


@pytest.mark.parametrize("name", TIED)
def test_an_author_is_tied_to_his_affiliations(tmp_path, name):
    records = cn.read(put(tmp_path, name, TIED[name][1]))
    people = records.participants[records.participants["activity_id"].duplicated(keep=False)]
    assert rows(people, "position", "country") == [[1, "BE"], [2, "BE"], [2, "NL"], [3, "DE"]]
    assert records.activities["link_known"].tolist() == [True, True]
    assert stamp(records, "with_affiliation", "link_known") == [1, 1]


@pytest.mark.parametrize("name", LOOSE)
def test_affiliations_nobody_ties_still_link_countries(tmp_path, name):
    records = cn.read(put(tmp_path, name, LOOSE[name][1]))
    assert pairs(records) == TRIANGLE
    assert records.activities["link_known"].tolist() == [False, True]
    assert stamp(records, "with_affiliation", "link_known") == [1, 0.5]
    roles = records.participants.groupby("role")["person_id"].count()
    assert roles.to_dict() == {"affiliation": 0, "author": 4}


@pytest.mark.parametrize("name", NOWHERE)
def test_a_format_without_affiliations_says_so(tmp_path, capsys, name):
    path = put(tmp_path, name, NOWHERE[name][1])
    records = cn.read(path)
    assert stamp(records, "with_affiliation", "link_known") == [0, 0]
    assert pairs(records) == []
    assert len(pairs(records, "person")) == 3
    assert cli.main(["ingest", str(path), "--out", str(tmp_path / "store")]) == 0
    assert "no affiliations in it: it links persons, but no institutions" in capsys.readouterr().out


def test_the_command_says_how_many_works_have_affiliations(tmp_path, capsys):
    path = put(tmp_path, "a.ris", SCOPUS_RIS)
    assert cli.main(["ingest", str(path), "--out", str(tmp_path / "store")]) == 0
    assert "100.0% with affiliations, 50.0% tied to authors\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize(
    "variant", ["mark", "crlf", "utf16", "bare16", "blank", "gz", "zip", "ended"]
)
def test_packing_letters_and_line_ends_change_nothing(tmp_path, name, variant):
    text = EVERY[name][1].replace("\r\n", "\n").rstrip("\n")
    plain = cn.read(put(tmp_path, f"plain/{name}", text))
    changed = {
        "mark": b"\xef\xbb\xbf" + text.encode(),
        "crlf": text.replace("\n", "\r\n").encode(),
        "utf16": text.encode("utf-16"),
        "bare16": text.encode("utf-16-le"),
        "blank": ("\n\n" + text + "\n\n\n").encode(),
        "gz": gzip.compress(text.encode()),
        "ended": (text + "\n").encode(),
        "zip": zipped(tmp_path / "inner.zip", name, text),
    }[variant]
    assert_same(cn.read(put(tmp_path, f"changed/{name}", changed)), plain)


def zipped(path, name, text):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"../{name}", text)
    return path.read_bytes()


@pytest.mark.parametrize("name", TEXT)
def test_windows_letters_are_read(tmp_path, name):
    text = EVERY[name][1]
    plain, windows = (
        cn.read(put(tmp_path, f"{code}/{name}", text.encode(code))) for code in ("utf-8", "cp1252")
    )
    assert_same(windows, plain)


# Persons


def test_a_name_is_not_kept_and_cannot_be_read_off_its_id(tmp_path):
    path = put(tmp_path, "w.txt", WOS)
    records = cn.read(path)
    assert len(records.persons) == 0
    held = pd.concat([records.activities, records.participants]).astype("string").to_csv()
    assert "Lamberty" not in held
    named = cn.read(path, with_names=True)
    assert rows(named.persons, "name", "orcid")[-1] == ["Brandt, Karla", "0000-0001-2345-6789"]
    assert_frame_equal(named.participants, records.participants)


def test_an_author_is_his_orcid_the_source_s_id_or_his_name(tmp_path):
    ids = {
        name: cn.read(put(tmp_path, name, EVERY[name][1])).participants["person_id"].dropna()
        for name in ("savedrecs.txt", "scopus.csv", "openalex.csv")
    }
    wos = ids["savedrecs.txt"].unique()
    assert [person.partition(":")[0] for person in wos] == ["name", "name", "orcid"]
    assert len(wos[0]) == len("name:") + 12
    assert ids["scopus.csv"].unique()[0] == "scopus:57000000001"
    assert ids["openalex.csv"].unique()[0] == "openalex:A5000000001"


def test_one_name_is_one_person_in_two_databases(tmp_path):
    left, right = (
        cn.read(put(tmp_path, name, EVERY[name][1])) for name in ("savedrecs.txt", "pubmed.nbib")
    )
    assert_frame_equal(cn.edges(left, level="person"), cn.edges(right, level="person"))
    assert len(cn.edges(left + right, level="person")) == 3


def test_short_names_tell_authors_apart_when_asked(tmp_path, monkeypatch):
    text = WOS.replace("AF Lamberty, Aline\nTI", "AF Lamberty, Anna\nTI")
    path = put(tmp_path, "w.txt", text)
    assert cn.read(path).participants["person_id"].nunique() == 4
    monkeypatch.setattr(settings, "PERSON_NAME", "short")
    assert cn.read(path).participants["person_id"].nunique() == 3


@pytest.mark.parametrize(("name", "found"), [("full", [45, 46, 9]), ("short", [46, 48, 9])])
def test_coauthors_of_a_published_test_file_are_those_of_metaknowledge(
    real, monkeypatch, name, found
):
    monkeypatch.setattr(settings, "PERSON_NAME", name)
    records = cn.read(real / "wos" / "testFile.isi")
    edges = cn.edges(records, level="person")
    persons = set(records.participants["person_id"].dropna())
    isolates = persons - set(edges["source"]) - set(edges["target"])
    assert [len(persons), len(edges), len(isolates)] == found


def test_corresponding_authors_are_known_where_the_format_names_them(tmp_path):
    for name in ("savedrecs.txt", "savedrecs-tab.txt", "scopus.csv", "dimensions.csv"):
        people = cn.read(put(tmp_path, name, EVERY[name][1])).participants.head(4)
        assert people["corresponding"].tolist() == [False, True, True, False], name


def test_no_address_of_e_mail_is_kept(tmp_path):
    for name, (_, content) in EVERY.items():
        people = cn.read(put(tmp_path, name, content)).participants
        assert not people["affiliation"].str.contains("@|lectronic", na=False).any(), name


# Identifiers, subjects, counts


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("savedrecs.txt", "wos:WOS:000900000000001"),
        ("savedrecs.bib", "wos:WOS:000900000000001"),
        ("scopus.csv", "scopus:2-s2.0-85000000001"),
        ("scopus.bib", "scopus:2-s2.0-85000000001"),
        ("scopus.ris", "scopus:2-s2.0-85000000001"),
        ("pubmed.xml", "pubmed:34000001"),
        ("crossref.json", f"crossref:{DOI}"),
        ("lens.csv", "lens:001-000-000-000-001"),
        ("dimensions.csv", "dimensions:pub.1000000001"),
        ("openalex.csv", "openalex:W9000000001"),
        ("orbi.xml", "oai:oai:example.org:1"),
        ("zotero.ris", f"ris:{DOI}"),
    ],
)
def test_a_work_is_named_after_the_id_its_database_gives_it(tmp_path, name, key):
    records = cn.read(put(tmp_path, name, EVERY[name][1]))
    assert records.activities["activity_id"].iloc[0] == key


def test_a_work_without_any_id_is_named_after_what_it_says(tmp_path):
    text = "TY  - BOOK\nTI  - {}\nAU  - Lamberty, A\nER  -\n"
    path = put(tmp_path, "a.ris", text.format("One") + text.format("Two") + text.format("One"))
    records = cn.read(path)
    assert (
        records.activities["activity_id"].str.fullmatch(r"ris:[0-9a-f]{12}").tolist() == [True] * 2
    )
    assert stamp(records, "read", "kept", "merged") == [3, 2, 1]


def test_every_id_is_kept_for_the_merging_of_databases(tmp_path):
    works = cn.read(put(tmp_path, "a.ris", SCOPUS_RIS)).activities
    assert rows(works, "eid", "pmid", "cited_by")[0] == ["2-s2.0-85000000001", "34000001", 7]


def test_subjects_of_a_work_share_it(tmp_path):
    fields = cn.read(put(tmp_path, "w.txt", WOS)).fields
    assert rows(fields, "scheme", "code", "share") == [["wos", "Law", 0.5], ["wos", "Geology", 0.5]]


@pytest.mark.parametrize(
    ("parts", "date"),
    [
        (["2021"], "2021"),
        (["MAY 17", "2021"], "2021-05-17"),
        (["SEP", "2010"], "2010-09"),
        (["2021 May 17"], "2021-05-17"),
        (["2019 Jan-Feb"], "2019"),
        (["1 Jan.-Feb. 2019", "2019"], "2019"),
        (["24-27 Sept. 2019", "2019"], "2019-09"),
        (["2019/12/31/", "2019"], "2019-12-31"),
        (["2019-12-31", "2020"], "2020"),
        (["2021-05-17T10:00:00Z"], "2021-05-17"),
        (["FEB 31", "2021"], "2021-02-31"),
        (["2021-13-01"], "2021"),
        (["in press"], None),
        (["", ""], None),
    ],
)
def test_a_date_is_as_precise_as_it_is_known(parts, date):
    assert iso_date(*parts) == date


# Layouts


def test_a_workbook_of_the_web_of_science_is_read(tmp_path):
    names = {
        "AU": "Authors",
        "AF": "Author Full Names",
        "TI": "Article Title",
        "C1": "Addresses",
        "RP": "Reprint Addresses",
        "OI": "ORCIDs",
        "PY": "Publication Year",
        "DI": "DOI",
        "PD": "Publication Date",
        "UT": "UT (Unique WOS ID)",
        "TC": "Times Cited, WoS Core",
    }
    book = openpyxl.Workbook()
    for row in ([names.get(tag, tag) for tag in WOS_COLUMNS], *WOS_ROWS):
        book.active.append(row)
    book.save(tmp_path / "savedrecs.xlsx")
    columns = ["activity_id", "person_id", "position", "country", "affiliation", "corresponding"]
    found, plain = cn.read(tmp_path / "savedrecs.xlsx"), cn.read(put(tmp_path, "w.txt", WOS))
    assert_frame_equal(found.participants[columns], plain.participants[columns])


def test_columns_may_stand_in_any_order_and_others_beside_them(tmp_path):
    table = pd.DataFrame(WOS_ROWS, columns=WOS_COLUMNS)
    table = table[sorted(WOS_COLUMNS)].assign(Extra="x", Empty="")
    table.to_csv(tmp_path / "w.tsv", sep="\t", index=False)
    expected = cn.read(put(tmp_path, "w.txt", WOS_TAB))
    assert_same(cn.read(tmp_path / "w.tsv"), expected)


def test_quotes_in_tab_delimited_text_belong_to_it(tmp_path):
    text = WOS_TAB.replace(SHORT, '"Short" notes, and "others')
    records = cn.read(put(tmp_path, "w.txt", text))
    assert records.activities["title"].tolist() == [LONG, '"Short" notes, and "others']


def test_a_scopus_row_with_one_more_funding_text_is_read(tmp_path):
    table = SCOPUS.splitlines()
    assert table[1].count(",") != table[2].count(",")
    works = cn.read(put(tmp_path, "s.csv", SCOPUS)).activities
    assert rows(works, "type", "eid")[1] == ["Letter", "2-s2.0-85000000002"]


def test_old_scopus_exports_separate_authors_by_commas(tmp_path):
    head = "Authors,Author(s) ID,Title,Year,Source title,Affiliations,Authors with affiliations,EID"
    row = (
        f'"Lamberty A., van Eupen J.","57000000001;57000000002;",T,2005,S,"{LIEGE}",'
        f'"Lamberty, A., {LIEGE}; van Eupen, J., Somewhere, Paris, France",2-s2.0-1'
    )
    people = cn.read(put(tmp_path, "s.csv", f"{head}\n{row}\n")).participants
    assert rows(people, "person_id", "country") == [
        ["scopus:57000000001", "BE"],
        ["scopus:57000000002", "FR"],
    ]


def test_the_openalex_export_of_2024_gives_institutions_and_their_countries(tmp_path):
    records = cn.read(put(tmp_path, "o.csv", OPENALEX_CSV_2024))
    loose = records.participants.query("role == 'affiliation'")
    assert rows(loose, "institution_id", "country") == [
        ["00afp2z80", "BE"],
        ["02jz4aj89", "NL"],
        [None, "DE"],
    ]
    assert pairs(records, "institution") == [["00afp2z80", "02jz4aj89"]]


def test_the_openalex_export_of_today_gives_institutions(tmp_path):
    records = cn.read(put(tmp_path, "o.csv", OPENALEX_CSV))
    assert len(pairs(records, "institution")) == 3
    assert rows(records.institutions, "institution_id", "name")[0] == [
        "openalex:I157674565",
        "University of Liège",
    ]


def test_old_isi_addresses_may_be_wrapped_and_lack_names(tmp_path):
    text = (
        "PT J\nAU ADAM, A\n   BERT, B\nTI OLD\nC1 UNIV LIEGE,INST GEOL,\n   B-4000 LIEGE,BELGIUM.\n"
        "   UNIV X,PARIS,FRANCE.\nPY 1979\nUT ISI:A1979AA00000001\nER\n\nEF\n"
    )
    records = cn.read(put(tmp_path, "old.isi", text))
    assert records.participants["affiliation"].dropna().tolist() == [
        "UNIV LIEGE,INST GEOL, B-4000 LIEGE,BELGIUM",
        "UNIV X,PARIS,FRANCE",
    ]
    assert rows(records.activities, "activity_id", "year", "link_known") == [
        ["wos:WOS:A1979AA00000001", 1979, False]
    ]


def test_names_in_brackets_are_matched_by_initial_where_they_are_written_otherwise(tmp_path):
    text = WOS.replace("[Brandt, Karla]", "[Brandt, K. M.]")
    people = cn.read(put(tmp_path, "w.txt", text)).participants
    assert rows(people, "position", "country")[3] == [3, "DE"]


def test_affiliations_joined_by_semicolons_are_taken_apart_where_each_has_a_country(tmp_path):
    text = MEDLINE.replace(
        f"AD  - {LIEGE}.\nPT", f"AD  - {LIEGE}; Univ X &amp; Y, Paris, France.\nPT"
    )
    people = cn.read(put(tmp_path, "p.nbib", text)).participants
    assert people["affiliation"].tolist()[-2:] == [LIEGE, "Univ X & Y, Paris, France"]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"Universit{\'e} de Li{\`e}ge", "Université de Liège"),
        (r"{\"{o}}sterreich \& \v{S}kofja Loka", "österreich & Škofja Loka"),
        (r"Ma{\ss}stab \c{c}a {\o}re \L{}ódź", "Maßstab ça øre Łódź"),
        (r"100\% {GPU}~time \emph{here}", "100% GPU time here"),
    ],
)
def test_tex_becomes_text(written, text):
    assert _plain(written) == text


def test_records_need_neither_a_first_nor_a_last_tag(tmp_path):
    text = SCOPUS_RIS.replace("ER  -\n", "")
    assert_same(cn.read(put(tmp_path, "a.ris", text)), cn.read(put(tmp_path, "b.ris", SCOPUS_RIS)))
    text = "Provider: Example\nContent: text\n\n" + SCOPUS_RIS.replace("TY  -", " TY -")
    assert cn.read(put(tmp_path, "c.ris", text)).counts()["work"] == 2


# What cannot be read is listed


@pytest.mark.parametrize(
    ("name", "old", "new", "listed"),
    [
        ("savedrecs.txt", "EF\n", "", ("line 39", "the file ends without EF")),
        ("savedrecs.txt", "EF\n", "PT J\nER\nEF\n", ("line 40", "it names no work")),
        ("scopus.csv", "2-s2.0-85000000002", "Scopus", ("line 3", "its columns are shifted")),
        ("scopus.csv", ",NA,Letter,2-s2.0-85000000002", "", ("line 3", "columns where the header")),
        ("dimensions.csv", "2,pub.1000000002,,,", "2,", ("line 4", "11 columns where the header")),
        ("openalex.csv", "org/W9000000002", "org/A1", ("line 3", "no OpenAlex work")),
        ("savedrecs.bib", "Year = {{2019}}", "Year = {{2019}", ("line 18", "do not close")),
        ("crossref.jsonl", "10.1000/note.2", '"', ("line 2", "not a complete object")),
        ("crossref.json", '[{"DOI": "10', '[7, {"DOI": "10', ("item 1", "not built like crossref")),
        ("orbi.xml", "<resumption", f"{WITHDRAWN}<resumption", ("record 3", "has withdrawn this")),
        ("orbi.xml", "</ListRecords>", "<broken", ("after record 2", "line 11")),
    ],
)
def test_what_is_broken_is_listed_and_the_rest_is_kept(tmp_path, name, old, new, listed):
    place, reason = listed
    assert old in EVERY[name][1]
    records = cn.read(put(tmp_path, name, EVERY[name][1].replace(old, new)))
    assert records.activities["title"].iloc[0] == LONG
    assert [len(records.quarantine), records.quarantine["record"].iloc[0]] == [1, place]
    assert reason in records.quarantine["reason"].iloc[0]


def test_a_harvest_that_failed_says_what_the_repository_answered(tmp_path):
    text = '<OAI-PMH><error code="badResumptionToken">it expired</error></OAI-PMH>'
    with pytest.raises(cn.InputError, match=r"answered badResumptionToken \(it expired\)"):
        cn.read(put(tmp_path, "o.xml", text))


def test_a_file_of_which_nothing_can_be_read_is_one_sentence(tmp_path):
    with pytest.raises(
        cn.InputError, match=r"line 1: it names no work; nothing else could be read"
    ):
        cn.read(put(tmp_path, "a.ris", "TY  - JOUR\nER  -\n"))


@pytest.mark.parametrize(
    "text",
    [
        "@media (max-width: 9em) { a { color: red } }\n",
        "@pytest.fixture(scope='session')\ndef a():\n    pass\n",
        '{"author": "me", "family": "fonts", "name": "a package"}',
        "PMID is an identifier.\nTYPE - a word\n",
        "Authors,Title,Source\nA,B,C\n",
    ],
)
def test_what_only_resembles_an_export_is_left_alone(tmp_path, text):
    put(tmp_path, "folder/other.txt", text)
    put(tmp_path, "folder/w.txt", WOS)
    records = cn.read(tmp_path / "folder")
    assert records.provenance["unrecognised"] == ["other.txt"]
    assert records.counts()["work"] == 2


def test_a_header_without_rows_is_no_fault(tmp_path):
    assert repr(cn.read(put(tmp_path, "s.csv", SCOPUS.splitlines()[0]))) == "<Records: empty>"


# Real exports: as many records as were counted in them


@pytest.mark.parametrize(
    ("name", "form", "count", "quarantined"),
    [
        ("wos/01_citing_EU.txt", "wos", 1000, 0),
        ("wos/BITR_test.txt", "wos", 10, 0),
        ("wos/badFile.isi", "wos", 32, 1),
        ("wos/example_data.txt", "wos", 49, 0),
        ("wos/lodex_wos_with_countries.tsv", "wos", 31, 0),
        ("wos/testFile.isi", "wos", 34, 0),
        ("wos/wos_2026_04_02_4071.txt", "wos", 71, 0),
        ("wos/wos_plaintext.txt", "wos", 50, 0),
        ("wos/wos_sample.txt", "wos", 8, 0),
        ("wos/wos_tab_delimited_win_utf16.txt", "wos", 50, 0),
        ("wos/wos_tab_delimited_win_utf8.txt", "wos", 50, 0),
        ("ris_bib/example_wos.ris", "wos", 2, 0),
        ("ris_bib/baseline_openalex.ris", "ris", 9, 0),
        ("ris_bib/baseline_wos.ris", "ris", 10, 0),
        ("ris_bib/example.ris", "ris", 25, 0),
        ("scopus/baseline_scopus.csv", "scopus", 10, 0),
        ("scopus/scopus.csv", "scopus", 58, 0),
        ("scopus/scopus_sample.csv", "scopus", 8, 0),
        ("scopus/baseline_scopus.ris", "ris", 10, 0),
        ("scopus/pybibx_scopus.bib", "bibtex", 263, 0),
        ("pubmed/baseline_pubmed.ris", "pubmed", 50, 0),
        ("pubmed/pybibx_pubmed.txt", "pubmed", 335, 0),
        ("pubmed/pubmed-29768149.xml", "pubmed-xml", 1, 0),
        ("crossref/abbotsbury_test1.json", "crossref", 1, 0),
        ("crossref/abbotsbury_test5.json", "crossref", 1, 0),
        ("crossref/test_journals_works_0.json", "crossref", 20, 0),
        ("crossref/test_works_field_queries_0.json", "crossref", 20, 0),
        ("lens/lens_sample.csv", "lens", 8, 0),
        ("openalex_csv/openalex_export_baseline.csv", "openalex-csv", 9, 0),
        ("openalex_csv/openalex_export_bibliometrix.csv", "openalex-csv", 8, 0),
    ],
)
def test_real_exports_are_read_whole(real, name, form, count, quarantined):
    records = cn.read(real / name)
    found = stamp(records, "format", "read", "kept", "quarantined")
    assert found == [form, count, count, quarantined]


def test_real_records_are_the_same_in_three_encodings(real):
    names = ("wos_plaintext", "wos_tab_delimited_win_utf8", "wos_tab_delimited_win_utf16")
    plain, *tables = (cn.read(real / "wos" / f"{name}.txt") for name in names)
    assert [len(pairs(plain, level)) for level in ("person", "country")] == [1140, 18]
    for table in tables:
        for level in ("person", "country"):
            assert_frame_equal(cn.edges(table, level=level), cn.edges(plain, level=level))


def test_a_real_file_cut_short_says_at_which_line(real):
    listed = cn.read(real / "wos" / "badFile.isi").quarantine
    assert rows(listed, "record", "reason") == [
        ["line 2064", "the file ends without EF: if it was cut short, records are missing"]
    ]


def test_real_affiliations_are_found_as_often_as_they_were_counted(real):
    counted = {
        "wos/01_citing_EU.txt": 996,
        "wos/testFile.isi": 33,
        "wos/badFile.isi": 31,
        "wos/wos_2026_04_02_4071.txt": 54,
        "wos/example_data.txt": 49,
        "wos/BITR_test.txt": 10,
        "scopus/scopus.csv": 49,
        "scopus/pybibx_scopus.bib": 257,
        "pubmed/pybibx_pubmed.txt": 331,
        "openalex_csv/openalex_export_bibliometrix.csv": 7,
        "lens/lens_sample.csv": 0,
    }
    found = {}
    for name in counted:
        (source,) = cn.read(real / name).provenance["sources"]
        found[name] = round(source["with_affiliation"] * source["kept"])
    assert found == counted


def test_real_works_of_two_databases_stand_side_by_side(real, tmp_path):
    names = ("baseline_scopus.csv", "baseline_scopus.ris")
    records = cn.ingest([real / "scopus" / name for name in names], tmp_path / "store")
    assert records.counts()["work"] == 10
    assert records.provenance["merged"] == 10


def test_every_format_has_a_title_and_a_place_in_the_order():
    order = ["institutions", "openalex", "cordis", "agreements", "ror", "openalex-csv"]
    assert [name for name in FORMATS if name in order] == order
    assert len({known.title for known in FORMATS.values()}) == len(FORMATS)


def test_a_reprint_address_is_that_of_its_authors_where_no_other_is_tied_to_them(tmp_path):
    lines = ["FN x", "VR 1.0", "PT J", "AU Ott, B", "   Fay, A", "   Ray, C", "TI Rivers"]
    lines += ["RP Ott, B; Fay, A (corresponding author), Univ Liege, B-4000 Liege, Belgium."]
    lines[-1] += "; Ray, C (corresponding author), Univ Sfax, Sfax, Tunisia."
    path = tmp_path / "w.txt"
    path.write_text("\n".join([*lines, "PY 2020", "UT WOS:1", "ER", "", "EF"]))
    people = cn.read(path).participants
    assert people["country"].tolist() == ["BE", "BE", "TN"]
    assert people["corresponding"].tolist() == [True] * 3
    assert people["affiliation"].tolist()[0] == "Univ Liege, B-4000 Liege, Belgium"
