"""Two invented works, in the form every bibliographic database exports them in.

The first has three authors in three countries, the second one author. The names of persons are
made up; the institutions are real ones.
"""

import json

LIEGE = "University of Liège, Dept Geol, Liège, Belgium"
MAASTRICHT = "Maastricht University, Fac Law, Maastricht, Netherlands"
AACHEN = "RWTH Aachen University, Inst Mines, Aachen, Germany"
LONG = "Floods and law along the Meuse: a comparison of three regions"
SHORT = "A note on été and Maßstab"
DOI = "10.1000/meuse.1"

WOS = f"""FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Lamberty, A
   van Eupen, J
   Brandt, K
AF Lamberty, Aline
   van Eupen, Jan
   Brandt, Karla
TI Floods and law along the Meuse: a comparison
   of three regions
SO JOURNAL OF EXAMPLES
LA English
DT Article
C1 [Lamberty, Aline; van Eupen, Jan] {LIEGE}.
   [van Eupen, Jan] {MAASTRICHT}.
   [Brandt, Karla] {AACHEN}.
RP van Eupen, J (corresponding author), {MAASTRICHT}.
EM jan@example.org
OI Brandt, Karla/0000-0001-2345-6789; Nobody, Else/0000-0009-9999-9999
TC 7
PD MAY 17
PY 2021
DI {DOI}
UT WOS:000900000000001
WC Law; Geology
ER

PT J
AU Lamberty, A
AF Lamberty, Aline
TI {SHORT}
DT Letter
C1 {LIEGE}.
PY 2019
TC 0
UT WOS:000900000000002
ER

EF
"""

WOS_COLUMNS = [
    "PT",
    "AU",
    "AF",
    "TI",
    "LA",
    "DT",
    "C1",
    "C3",
    "RP",
    "OI",
    "TC",
    "PD",
    "PY",
    "DI",
    "UT",
]
WOS_ROWS = [
    [
        *("J", "Lamberty, A; van Eupen, J; Brandt, K"),
        *("Lamberty, Aline; van Eupen, Jan; Brandt, Karla", LONG, "English", "Article"),
        f"[Lamberty, Aline; van Eupen, Jan] {LIEGE}; [van Eupen, Jan] {MAASTRICHT}; "
        f"[Brandt, Karla] {AACHEN}",
        *("x", f"van Eupen, J (corresponding author), {MAASTRICHT}."),
        *("Brandt, Karla/0000-0001-2345-6789", "7", "MAY 17", "2021", DOI, "WOS:000900000000001"),
    ],
    [
        *("J", "Lamberty, A", "Lamberty, Aline", SHORT, "", "Letter", LIEGE, "", "", "", "0", ""),
        *("2019", "", "WOS:000900000000002"),
    ],
]
WOS_TAB = "".join("\t".join(row) + "\t\r\n" for row in [WOS_COLUMNS, *WOS_ROWS])

WOS_BIBTEX = f"""
@article{{ WOS:000900000000001,
Author = {{Lamberty, Aline and van Eupen, Jan and Brandt, Karla}},
Title = {{{{Floods and law along the Meuse: a comparison of
   three regions}}}},
Year = {{{{2021}}}},
Month = {{{{MAY 17}}}},
Type = {{{{Article}}}},
Affiliation = {{{{van Eupen, J (Corresponding Author), {MAASTRICHT}.
   Lamberty, Aline; van Eupen, Jan, {LIEGE}.
   van Eupen, Jan, {MAASTRICHT}.
   Brandt, Karla, {AACHEN}.}}}},
DOI = {{{{{DOI}}}}},
Times-Cited = {{{{7}}}},
Unique-ID = {{{{WOS:000900000000001}}}},
}}

@article{{ WOS:000900000000002,
Author = {{Lamberty, Aline}},
Title = {{{{A note on {{\\'e}}t{{\\'e}} and Ma{{\\ss}}stab}}}},
Year = {{{{2019}}}},
Affiliation = {{{{Lamberty, Aline, {LIEGE}.}}}},
Unique-ID = {{{{WOS:000900000000002}}}},
}}
"""

SCOPUS = f"""Authors,Author full names,Author(s) ID,Title,Year,Source title,Cited by,DOI,\
Affiliations,Authors with affiliations,Funding Text 1,References,Correspondence Address,\
PubMed ID,Document Type,EID
Lamberty A.; van Eupen J.; Brandt K.,"Lamberty, Aline (57000000001); van Eupen, Jan (57000000002); \
Brandt, Karla (57000000003)",57000000001; 57000000002; 57000000003,"{LONG}",2021,Examples,7,{DOI},\
"{LIEGE}; {MAASTRICHT}; {AACHEN}","Lamberty A., {LIEGE}; van Eupen J., {LIEGE}, {MAASTRICHT}; \
Brandt K., {AACHEN}",,,"J. van Eupen; {MAASTRICHT}; email: a@b.org",,Article,2-s2.0-85000000001
Lamberty A.,"Lamberty, Aline (57000000001)",57000000001,"{SHORT}",2019,Examples,0,,"{LIEGE}",\
"Lamberty A., {LIEGE}",thanks,more thanks,a reference,,NA,Letter,2-s2.0-85000000002
"""

SCOPUS_BIBTEX = f"""Scopus
EXPORT DATE: 24 November 2026

@ARTICLE{{Lamberty20211,
\tauthor = {{Lamberty, A. and van Eupen, J. and Brandt, K.}},
\ttitle = {{{LONG}}},
\tyear = {{2021}},
\tdoi = "{DOI}",
\tnote = {{Cited by: 7; All Open Access}},
\turl = {{https://www.scopus.com/inward/record.uri?eid=2-s2.0-85000000001&doi=x}},
\taffiliations = {{{LIEGE}; {MAASTRICHT}; {AACHEN}}},
}}
@comment{{nothing}}
@ARTICLE{{Lamberty20192,
\tauthor = {{Lamberty, A.}},
\ttitle = {{{SHORT}}},
\tyear = 2019,
\taffiliations = {{{LIEGE}}}
}}
"""

SCOPUS_RIS = f"""TY  - JOUR
AU  - Lamberty, A.
AU  - van Eupen, J.
AU  - Brandt, K.
TI  - {LONG}
PY  - 2021
DO  - {DOI}
UR  - https://www.scopus.com/inward/record.uri?eid=2-s2.0-85000000001&partnerID=40
AD  - {LIEGE}
AD  - {MAASTRICHT}
AD  - {AACHEN}
C2  - 34000001
M3  - Article
DB  - Scopus
N1  - Export Date: 24 November 2026; Cited By: 7; Correspondence Address: J. van Eupen
ER  -

TY  - JOUR
AU  - Lamberty, A.
TI  - {SHORT}
PY  - 2019
AD  - {LIEGE}
DB  - Scopus
ER  -
"""

OPENALEX_RIS = f"""TY  - JOUR
TI  - {LONG}
DA  - 2021-05-17
PY  - 2021
DO  - {DOI}
AU  - Lamberty, Aline
C1  - {LIEGE}
AU  - van Eupen, Jan
C1  - {LIEGE}
C1  - {MAASTRICHT}
AU  - Brandt, Karla
C1  - {AACHEN}
ER  -
TY  - JOUR
TI  - {SHORT}
PY  - 2019
AU  - Lamberty, Aline
C1  - {LIEGE}
ER  -
"""

MEDLINE = f"""PMID- 34000001
OWN - NLM
DP  - 2021 May 17
TI  - Floods and law along the Meuse: a comparison of three
      regions
LID - {DOI} [doi]
FAU - Lamberty, Aline
AU  - Lamberty A
AD  - {LIEGE}.
FAU - van Eupen, Jan
AU  - van Eupen J
AD  - {LIEGE}.
AD  - {MAASTRICHT}. Electronic
      address: jan@example.org.
FAU - Brandt, Karla
AU  - Brandt K
AUID- ORCID: 0000-0001-2345-6789
AD  - {AACHEN}.
CN  - Group of Examples
AD  - Nowhere, Japan.
FIR - Other, Ann
IR  - Other A
LA  - eng
PT  - Journal Article

PMID- 34000002
DP  - 2019
TI  - {SHORT}
FAU - Lamberty, Aline
AU  - Lamberty A
AD  - {LIEGE}.
PT  - Letter
"""


def _pubmed_author(last, fore, *places, orcid=""):
    where = "".join(
        f"<AffiliationInfo><Affiliation>{p}</Affiliation></AffiliationInfo>" for p in places
    )
    mark = f'<Identifier Source="ORCID">{orcid}</Identifier>' if orcid else ""
    name = f"<LastName>{last}</LastName><ForeName>{fore}</ForeName><Initials>{fore[0]}</Initials>"
    return f'<Author ValidYN="Y">{name}{mark}{where}</Author>'


PUBMED_XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2019//EN" \
"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_190101.dtd">
<PubmedArticleSet>
<PubmedArticle><MedlineCitation><PMID Version="1">34000001</PMID><Article><Journal><JournalIssue>
<PubDate><Year>2021</Year><Month>May</Month><Day>17</Day></PubDate></JournalIssue></Journal>
<ArticleTitle>Floods and <i>law</i> along the Meuse: a comparison of three regions</ArticleTitle>
<AuthorList>{_pubmed_author("Lamberty", "Aline", LIEGE)}
{_pubmed_author("van Eupen", "Jan", LIEGE, MAASTRICHT)}
{_pubmed_author("Brandt", "Karla", AACHEN, orcid="0000-0001-2345-6789")}
<Author><CollectiveName>Group of Examples</CollectiveName></Author></AuthorList>
<PublicationTypeList><PublicationType>Journal Article</PublicationType></PublicationTypeList>
</Article></MedlineCitation><PubmedData><ArticleIdList>
<ArticleId IdType="doi">{DOI}</ArticleId></ArticleIdList></PubmedData></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>34000002</PMID><Article><Journal><JournalIssue>
<PubDate><MedlineDate>2019 Jan-Feb</MedlineDate></PubDate></JournalIssue></Journal>
<ArticleTitle>{SHORT}</ArticleTitle><AuthorList>{_pubmed_author("Lamberty", "Aline", LIEGE)}
</AuthorList></Article></MedlineCitation></PubmedArticle>
</PubmedArticleSet>
"""


def _crossref_author(family, given, *places, **more):
    return {"family": family, "given": given, "affiliation": [{"name": p} for p in places]} | more


CROSSREF = [
    {
        "DOI": "10.1000/MEUSE.1",
        "title": [LONG],
        "type": "journal-article",
        "is-referenced-by-count": 7,
        "issued": {"date-parts": [[2021, 5, 17]]},
        "author": [
            _crossref_author("Lamberty", "Aline", LIEGE),
            _crossref_author("van Eupen", "Jan", LIEGE, MAASTRICHT),
            _crossref_author(
                "Brandt", "Karla", AACHEN, ORCID="http://orcid.org/0000-0001-2345-6789"
            ),
            {"name": "Group of Examples", "affiliation": []},
        ],
    },
    {
        "DOI": "10.1000/note.2",
        "title": [SHORT],
        "is-referenced-by-count": 0,
        "issued": {"date-parts": [[2019]]},
        "author": [_crossref_author("Lamberty", "Aline", LIEGE)],
    },
]


def _lens_author(last, first, *places):
    found = [
        {"name_original": text, "name": name, "country_code": code} for text, name, code in places
    ]
    return {"last_name": last, "first_name": first, "affiliations": found}


AT = [(LIEGE, "University of Liège", "BE"), (MAASTRICHT, "", "NL"), (AACHEN, "", "DE")]
LENS = {
    "total": 2,
    "data": [
        {
            "lens_id": "001-000-000-000-001",
            "title": LONG,
            "date_published": "2021-05-17",
            "year_published": 2021,
            "scholarly_citations_count": 7,
            "external_ids": [{"type": "doi", "value": DOI}],
            "authors": [
                _lens_author("Lamberty", "Aline", AT[0]),
                _lens_author("van Eupen", "Jan", AT[0], AT[1]),
                _lens_author("Brandt", "Karla", AT[2]),
            ],
        },
        {
            "lens_id": "001-000-000-000-002",
            "title": SHORT,
            "year_published": 2019,
            "authors": [_lens_author("Lamberty", "Aline", AT[0])],
        },
    ],
}

LENS_CSV = f"""Lens ID,Title,Date Published,Publication Year,Publication Type,Author/s,PMID,DOI,\
Citing Works Count
001-000-000-000-001,{LONG},2021-05-17,2021,journal article,Aline Lamberty; Jan van Eupen; \
Karla Brandt,,{DOI},7
001-000-000-000-002,{SHORT},,2019,letter,Aline Lamberty,NA,,0
"""

DIMENSIONS = f""""About the data: Exported on Nov 24, 2026. Criteria: 'Meuse' in title."
Rank,Publication ID,DOI,PMID,Title,Publication Date,PubYear,Publication Type,Authors,\
Authors (Raw Affiliation),Corresponding Authors,Research Organizations - standardized,\
Country of standardized research organization,Times cited
1,pub.1000000001,{DOI},,"{LONG}",2021-05-17,2021,Article,"Lamberty, Aline; van Eupen, Jan; \
Brandt, Karla","Lamberty, Aline ({LIEGE}); van Eupen, Jan ({LIEGE}; {MAASTRICHT}); \
Brandt, Karla ({AACHEN})","van Eupen, Jan (Maastricht University (UM))",x; y; z,B; N; D,7
2,pub.1000000002,,,"{SHORT}",2019,2019,Article,"Lamberty, Aline","Lamberty, Aline ({LIEGE})",,,,0
"""

OPENALEX_CSV = f"""id,doi,display_name,publication_date,publication_year,type,cited_by_count,\
authorships.author.id,authorships.author.display_name,authorships.author.orcid,\
authorships.countries,authorships.institutions.display_name,authorships.institutions.id,\
authorships.is_corresponding
https://openalex.org/W9000000001,https://doi.org/{DOI},{LONG},2021-05-17,2021,article,7,\
https://openalex.org/A5000000001|https://openalex.org/A5000000002|https://openalex.org/A5000000003,\
Aline Lamberty|Jan van Eupen|Karla Brandt,|None|https://orcid.org/0000-0001-2345-6789,BE|BE|NL|DE,\
University of Liège|University of Liège|Maastricht University|RWTH Aachen University,\
https://openalex.org/I157674565|https://openalex.org/I157674565|https://openalex.org/I34352273|\
https://openalex.org/I887968799,False|True|False
https://openalex.org/W9000000002,,{SHORT},2019-07-01,2019,letter,0,https://openalex.org/A5000000001,\
Aline Lamberty,,BE,University of Liège,https://openalex.org/I157674565,True
"""

_BODY = (
    "{{'id': 'https://openalex.org/I{}', 'display_name': {!r}, 'ror': 'https://ror.org/{}', "
    "'country_code': '{}', 'lineage': ['x']}}"
)
OPENALEX_CSV_2024 = (
    "id,title,publication_year,authorships.institutions,authorships.countries,"
    "authorships.raw_author_name,authorships.author.id\n"
    'https://openalex.org/W9000000001,Floods,2021,"'
    + _BODY.format(157674565, "University of Liège", "00afp2z80", "BE")
    + "||"
    + _BODY.format(34352273, "L'Université de Maastricht", "02jz4aj89", "NL").replace('"', '""')
    + '",BE|NL|DE,Aline Lamberty|Jan van Eupen|Karla Brandt,'
    "https://openalex.org/A1|https://openalex.org/A2|https://openalex.org/A3\n"
)

CSL = [
    {
        "id": "a",
        "type": "article-journal",
        "title": LONG,
        "DOI": DOI,
        "issued": {"date-parts": [["2021", 5, 17]]},
        "author": [
            {"family": "Lamberty", "given": "Aline"},
            {"family": "Eupen", "given": "Jan", "non-dropping-particle": "van"},
            {"family": "Brandt", "given": "Karla"},
        ],
    },
    {
        "id": "b",
        "title": SHORT,
        "issued": {"raw": "2019"},
        "author": [{"family": "Lamberty", "given": "A"}],
    },
]


def _dublin(number, header, *fields):
    inside = "".join(f"<dc:{name}>{text}</dc:{name}>" for name, text in fields)
    return f"""<record><header{header}><identifier>oai:example.org:{number}</identifier></header>
<metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
xmlns:dc="http://purl.org/dc/elements/1.1/">{inside}</oai_dc:dc></metadata></record>
"""


_LISTED = [
    *(("title", LONG), ("creator", "Lamberty, Aline"), ("creator", "van Eupen, Jan")),
    *(("creator", "Brandt, Karla"), ("date", "2022-01-01T10:00:00Z"), ("date", "2021-05-17")),
    *(("identifier", "https://example.org/1"), ("identifier", f"info:doi/{DOI}")),
]
OAI = f"""<?xml version="1.0" encoding="UTF-8"?>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>
{_dublin(1, "", *_LISTED)}
{_dublin(2, "", ("title", SHORT), ("creator", "Lamberty, Aline"), ("date", "2019"))}
<resumptionToken>x</resumptionToken></ListRecords></OAI-PMH>
"""
WITHDRAWN = _dublin(3, ' status="deleted"')

ZOTERO_RIS = f"""TY  - JOUR
TI  - {LONG}
AU  - Lamberty, Aline
AU  - van Eupen, Jan
AU  - Brandt, Karla
DA  - 2021/05/17/
PY  - 2021
DO  - {DOI}
C1  - a note of mine
ER  -

TY  - BOOK
TI  - {SHORT}
AU  - Lamberty, Aline
PY  - 2019
ER  -
"""

TIED = {
    "savedrecs.txt": ("wos", WOS),
    "savedrecs-tab.txt": ("wos", WOS_TAB),
    "savedrecs.bib": ("bibtex", WOS_BIBTEX),
    "scopus.csv": ("scopus", SCOPUS),
    "openalex.ris": ("ris", OPENALEX_RIS),
    "pubmed.nbib": ("pubmed", MEDLINE),
    "pubmed.xml": ("pubmed-xml", PUBMED_XML),
    "crossref.json": ("crossref", json.dumps({"message": {"items": CROSSREF}})),
    "crossref-list.json": ("crossref", json.dumps(CROSSREF, indent=1, ensure_ascii=False)),
    "crossref.jsonl": ("crossref", "\n".join(map(json.dumps, CROSSREF))),
    "lens.json": ("lens-json", json.dumps(LENS)),
    "dimensions.csv": ("dimensions", DIMENSIONS),
}
LOOSE = {
    "scopus.bib": ("bibtex", SCOPUS_BIBTEX),
    "scopus.ris": ("ris", SCOPUS_RIS),
    "openalex.csv": ("openalex-csv", OPENALEX_CSV),
}
NOWHERE = {
    "lens.csv": ("lens", LENS_CSV),
    "zotero.json": ("csl", json.dumps(CSL)),
    "zotero.ris": ("ris", ZOTERO_RIS),
    "orbi.xml": ("oai", OAI),
}
EVERY = TIED | LOOSE | NOWHERE
