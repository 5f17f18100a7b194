"""Crossref JSON, and CSL-JSON as reference managers write it: the fields bear the same names.

Source of the fields: Crossref REST API format of works; CSL-JSON schema 1.0.
"""

from __future__ import annotations

import re
from typing import Any

from collabnet.identifiers import institution_id
from collabnet.readers.source import Source
from collabnet.readers.works import Affiliation, Author, Work, build, json_items
from collabnet.records import Records

CROSSREF = re.compile(r'"(message-type|is-referenced-by-count|reference-count|deposited)"\s*:')
CSL = re.compile(r'"(issued|author|accessed)"\s*:.*?"(date-parts|family|literal)"\s*:', re.DOTALL)


def sniff(source: Source) -> bool:
    """Is it JSON of Crossref?"""
    return source.is_json and bool(CROSSREF.search(source.head))


def sniff_csl(source: Source) -> bool:
    """Is it JSON with authors and dates as CSL names them?"""
    return source.is_json and bool(CSL.search(source.head))


def read(source: Source) -> Records:
    """Read works; an affiliation with a ROR id is known for certain."""
    return build(source, "crossref", json_items(source, "message", "items"), _work)


def read_csl(source: Source) -> Records:
    """Read references; CSL-JSON has no affiliations."""
    return build(source, "csl", json_items(source, "items"), _work)


def _work(item: dict[str, Any]) -> Work:
    title = item.get("title") or ""
    dates = (item.get(k) for k in ("issued", "published", "published-print", "created"))
    date = next((text for text in map(_date, dates) if text), "")
    return Work(
        title=title if isinstance(title, str) else " ".join(title[:1]),
        date=date,
        type=item.get("type") or "",
        doi=item.get("DOI") or "",
        cited_by=str(item.get("is-referenced-by-count", "")),
        authors=[_author(author) for author in item.get("author") or [] if author.get("family")],
        ids={"pmid": str(item.get("PMID") or "")},
        language=item.get("language") or "",
    )


def _date(date: dict[str, Any] | None) -> str:
    parts = ((date or {}).get("date-parts") or [[]])[0]
    stated = "-".join(f"{int(part):02}" for part in parts if part)
    return stated or (date or {}).get("raw") or (date or {}).get("literal") or ""


def _author(author: dict[str, Any]) -> Author:
    family = " ".join(filter(None, (author.get("non-dropping-particle"), author["family"])))
    name = ", ".join(filter(None, (family, author.get("given"), author.get("suffix"))))
    return Author(
        name=name,
        orcid=author.get("ORCID") or "",
        affiliations=[_affiliation(place) for place in author.get("affiliation") or []],
    )


def _affiliation(place: dict[str, Any]) -> Affiliation:
    ids = (institution_id(one.get("id")) for one in place.get("id") or [])
    ror = next((one for one in ids if one and ":" not in one), "")
    where = [part for part in place.get("place") or [] if part not in (place.get("name") or "")]
    text = ", ".join([place.get("name") or "", *where])
    return Affiliation(text, ror, place.get("name") or "" if ror else "")
