"""Exports of other programs, years and options than those at hand: all say the same."""

import json

import pytest
from exports import CROSSREF, OAI
from files import put

import collabnet as cn

RIS = """TY  - JOUR
AU  - Doe, Jane
PY  - 2021
TI  - A title
AD  - Univ Liege, Liege, Belgium
DO  - 10.1000/abc
ER  -
"""
WOS = """PT J
AU Doe, J
AF Doe, Jane
TI A title
C1 [Doe, Jane] Univ Liege, Liege, Belgium.
PY 2021
DI 10.1000/abc
UT WOS:000123
ER

EF
"""
BIBTEX = """@article{ WOS:000123,
Author = {Doe, Jane},
Title = {A title},
Year = {2021},
Affiliation = {Doe, J (Corresponding Author), Univ Liege, Liege, Belgium.
   Doe, Jane, Univ Liege, Liege, Belgium.},
DOI = {10.1000/abc},
Unique-ID = {WOS:000123},
}
"""
SCOPUS = (
    "Authors{0}Title{0}Year{0}Source title{0}DOI{0}Affiliations{0}Authors with affiliations{0}EID\n"
    '"Doe, J."{0}A title{0}2021{0}X{0}10.1000/abc{0}"Univ Liège, Belgium"{0}'
    '"Doe J., Univ Liège, Belgium"{0}2-s2.0-1\n'
)
MEDLINE = """
PMID- 123
OWN - NLM
DP  - 2021 Feb
TI  - A title
FAU - Doe, Jane
AU  - Doe J
AD  - Univ Liege, Liege, Belgium.
AID - 10.1000/abc [doi]
"""
ARTICLE = """<PubmedArticle><MedlineCitation><PMID>123</PMID><Article>
<ArticleTitle>A title</ArticleTitle>
<Journal><JournalIssue><PubDate><MedlineDate>2021 Nov-Dec</MedlineDate></PubDate></JournalIssue>
</Journal><AuthorList><Author><LastName>Doe</LastName><ForeName>Jane</ForeName>
<Affiliation>Univ Liege, Liege, Belgium</Affiliation></Author></AuthorList>
<ELocationID EIdType="doi">10.1000/abc</ELocationID></Article></MedlineCitation></PubmedArticle>"""
ITEM = {
    "DOI": "10.1000/abc",
    "title": ["A title"],
    "author": [
        {"given": "Jane", "family": "Doe", "affiliation": [{"name": "Univ Liege, Liege, Belgium"}]}
    ],
    "issued": {"date-parts": [[2021]]},
    "is-referenced-by-count": 3,
}
REPLY = {"status": "ok", "message-type": "work", "message": ITEM}
PAGE = {"status": "ok", "message-type": "work-list", "message": {"items": [ITEM]}}
VARIANTS = {
    "endnote.ris": ("ris", RIS),
    "mendeley.ris": ("ris", RIS.replace("AU", "A1").replace("TI", "T1").replace("PY", "Y1")),
    "acm.ris": ("ris", f'Provider: ACM\nContent: text/plain; charset="utf-8"\n\n{RIS}'),
    "windows.ris": ("ris", RIS.replace("\n", "\r\n")),
    "link.ris": ("ris", RIS.replace("10.1000", "https://doi.org/10.1000")),
    "clarivate.txt": ("wos", f"FN Clarivate Analytics Web of Science\nVR 1.0\n{WOS}"),
    "bare.txt": ("wos", WOS),
    "mac.txt": ("wos", WOS.replace("\n", "\r")),
    "wos.bib": ("bibtex", BIBTEX),
    "scopus.csv": ("scopus", SCOPUS.format(",")),
    "scopus-excel.csv": ("scopus", SCOPUS.format(";")),
    "pubmed.txt": ("pubmed", MEDLINE),
    "single.xml": ("pubmed-xml", ARTICLE),
    "crossref-reply.json": ("crossref", json.dumps(REPLY)),
    "crossref-page.json": ("crossref", json.dumps(PAGE)),
    "crossref-items.json": ("crossref", json.dumps({"items": [ITEM]})),
    "crossref-bare.json": ("crossref", json.dumps(ITEM)),
    "crossref-replies.json": ("crossref", json.dumps([REPLY])),
    "crossref-replies.jsonl": ("crossref", json.dumps(REPLY) + "\n" + json.dumps(REPLY) + "\n"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_says_what_the_export_at_hand_says(tmp_path, name):
    form, text = VARIANTS[name]
    records = cn.read(put(tmp_path, name, text), with_names=True)
    assert records.provenance["sources"][0]["format"] == form
    work = records.activities.iloc[0]
    assert (work["title"], work["start"][:4], work["doi"]) == ("A title", "2021", "10.1000/abc")
    assert records.participants["country"].tolist() == ["BE"]
    assert records.persons["name"].iloc[0].startswith("Doe, J")


@pytest.mark.parametrize(
    ("dates", "start"),
    [
        (["2019-05-03T00:00:00Z"], "2019-05-03"),
        (["2024-01-05T10:00:00Z", "2024-01-05T10:00:00Z", "2019-05"], "2019-05"),
        (["info:eu-repo/date/embargoEnd/2030-01-01", "2020-02-01"], "2020-02-01"),
        (["20190503"], "2019-05-03"),
        (["May 2019"], "2019-05"),
        (["03/05/2019"], "2019"),
    ],
)
def test_the_date_of_a_repository_is_that_of_publication(tmp_path, dates, start):
    listed = "".join(f"<dc:date>{date}</dc:date>" for date in dates)
    text = OAI.replace("<dc:date>2019</dc:date>", listed)
    records = cn.read(put(tmp_path, "o.xml", text))
    assert records.activities["start"].iloc[1] == start


@pytest.mark.parametrize(
    "lead", ["", "info:doi/", "info:eu-repo/semantics/altIdentifier/doi/", "doi:"]
)
def test_the_doi_of_a_repository_is_found_however_it_is_written(tmp_path, lead):
    text = OAI.replace("<dc:date>2019</dc:date>", f"<dc:relation>{lead}10.1000/b</dc:relation>")
    assert cn.read(put(tmp_path, "o.xml", text)).activities["doi"].iloc[1] == "10.1000/b"


def test_several_answers_of_crossref_in_one_list_are_so_many_works(tmp_path):
    replies = [{"message-type": "work", "message": item} for item in CROSSREF]
    listed = cn.read(put(tmp_path, "list.json", json.dumps(CROSSREF)))
    assert cn.read(put(tmp_path, "replies.json", json.dumps(replies))).counts() == listed.counts()


def test_a_tagged_file_without_a_record_is_told(tmp_path):
    with pytest.raises(
        cn.InputError, match=r"w\.txt, line 1: no record in it: none begins with PT"
    ):
        cn.read(put(tmp_path, "w.txt", f"FN Clarivate\nVR 1.0\n{WOS.lower()}"))
