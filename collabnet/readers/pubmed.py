"""PubMed: MEDLINE text (`.nbib`) and PubMed XML.

Source of the fields: NLM, MEDLINE/PubMed data element descriptions and the PubMed DTD.
"""

from __future__ import annotations

import re
from typing import Any

from collabnet.countries import country_of
from collabnet.readers.source import Source
from collabnet.readers.works import Author, Pairs, Work, build, clean, elements, one, split, tagged, values
from collabnet.records import Records

LINE = re.compile(r"([A-Z]{2,4}) *-(?: (.*)|$)")
START = re.compile(r"\s*PMID *- *\d", re.MULTILINE)
XML = re.compile(r"<(PubmedArticleSet|PubmedArticle|PubmedBookArticle)\b")


def sniff(source: Source) -> bool:
    """Is it MEDLINE text?"""
    return bool(source.is_text and START.match(source.head))


def read(source: Source) -> Records:
    """Read MEDLINE records; an affiliation belongs to the author above it."""
    return build(source, "pubmed", tagged(source, LINE, first="PMID"), _of_lines)


def sniff_xml(source: Source) -> bool:
    """Is it XML with PubMed articles?"""
    return bool(source.head.lstrip().startswith("<") and XML.search(source.head))


def read_xml(source: Source) -> Records:
    """Read PubMed articles; an author has as many affiliations as `AffiliationInfo` lists."""
    found = elements(source, "PubmedArticle", "PubmedBookArticle")
    return build(source, "pubmed", found, _of_element)


def _of_lines(record: Pairs) -> Work:
    authors: list[dict[str, Any]] = []
    mine: dict[str, Any] = {}
    for tag, value in record:
        if tag == "FAU" or (tag == "AU" and (not mine or "short" in mine)):
            mine = {"name" if tag == "FAU" else "short": value, "affiliations": []}
            authors.append(mine)
        elif tag in {"CN", "FED", "ED", "FIR", "IR", "FPS", "PS"}:
            mine = {}  # of editors, investigators and groups: what follows is not an author's
        elif mine and tag == "AU":
            mine["short"] = value
        elif mine and tag == "AD":
            mine["affiliations"] += _places(value)
        elif mine and tag == "AUID" and "ORCID" in value.upper():
            mine["orcid"] = value
    numbers = [*values(record, "LID"), *values(record, "AID")]
    return Work(
        title=one(record, "TI", "BTI"),
        date=one(record, "DP"),
        type=_kind(values(record, "PT")),
        doi=next((n.removesuffix("[doi]").strip() for n in numbers if n.endswith("[doi]")), ""),
        authors=[Author(**author) for author in authors],
        ids={"pmid": one(record, "PMID")},
        language=one(record, "LA"),
    )


def _of_element(article: Any) -> Work:
    def text(*paths: str) -> str:
        found = (element for path in paths for element in article.iterfind(path))
        return next((said for said in (clean("".join(e.itertext())) for e in found) if said), "")

    dates = (".//JournalIssue/PubDate", ".//Book/PubDate", ".//ArticleDate")
    date = next((found for path in dates for found in article.iterfind(path)), article)
    parts = [found for part in ("Year", "Month", "Day") if (found := date.findtext(part))]
    numeric = all(part.isdigit() for part in parts)
    lists = (group for group in article.iter("AuthorList") if group.get("Type") != "editors")
    kinds = [clean(kind.text) for kind in article.iter("PublicationType")]
    return Work(
        title=text(".//ArticleTitle", ".//BookTitle", ".//VernacularTitle"),
        date=("-" if numeric else " ").join(parts) or date.findtext("MedlineDate") or "",
        type=_kind(kinds),
        doi=text("./*/ArticleIdList/ArticleId[@IdType='doi']", ".//ELocationID[@EIdType='doi']"),
        authors=[_author(a) for group in lists for a in group if a.findtext("LastName")],
        ids={"pmid": text(".//PMID")},
        language=text(".//Language"),
    )


def _author(author: Any) -> Author:
    last, fore, initials = (author.findtext(k) or "" for k in ("LastName", "ForeName", "Initials"))
    ids = [i.text or "" for i in author.iter("Identifier") if i.get("Source") == "ORCID"]
    return Author(
        name=f"{last}, {fore}".rstrip(", "),
        short=f"{last} {initials}".strip(),
        orcid="".join(ids[:1]),
        affiliations=[p for a in author.iter("Affiliation") for p in _places("".join(a.itertext()))],
    )


def _kind(kinds: list[str]) -> str:
    return "Journal Article" if "Journal Article" in kinds else "".join(kinds[:1])


def _places(text: str) -> list[str]:
    """Return the affiliations in one: some are joined by semicolons, each with its country."""
    parts = split(clean(text))
    return parts if sum(country_of(part) is not None for part in parts) > 1 else [text]
