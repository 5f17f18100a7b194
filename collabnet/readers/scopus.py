"""Scopus CSV, in the layouts of 2010 to today.

Source of the fields: the header of the export.
"""

from __future__ import annotations

import re

from collabnet.identifiers import name_key
from collabnet.readers.source import Source
from collabnet.readers.works import Author, Work, build, header_of, split, table
from collabnet.records import Records

COLUMNS = ("Authors", "Title", "Source title", "EID")
EID = re.compile(r"2-s2\.0-\d+")


def sniff(source: Source) -> bool:
    """Is it a table with the columns Scopus has?"""
    return set(COLUMNS) <= header_of(source)


def read(source: Source) -> Records:
    """Read records; `Authors with affiliations` ties each author to his affiliations."""
    return build(source, "scopus", table(source, *COLUMNS, surplus_after="Funding Text 1"), _work)


def _work(row: dict[str, str]) -> Work:
    eid = row["EID"].strip()
    if eid and not EID.fullmatch(eid):
        raise ValueError(f"EID is {eid[:40]!r}: the columns of the row are shifted")
    short = [n for n in _names(row["Authors"], row.get("Author(s) ID", "")) if n[:1] != "["]
    full = [n for n in split(row.get("Author full names", "")) if n[:1] != "["]
    ids = re.findall(r"\d{5,}", row.get("Author(s) ID", ""))
    full = [re.sub(r"\s*\(\d+\)$", "", name) for name in full]
    stated = split(row.get("Affiliations", ""))
    own = split(row.get("Authors with affiliations", ""))
    tied = len(own) == len(short)
    lead = {_key(name) for name in split(row.get("Correspondence Address", ""))}
    authors = [
        Author(
            name=full[n] if len(full) == len(short) else "",
            short=name,
            id=f"scopus:{ids[n]}" if len(ids) == len(short) else "",
            affiliations=_affiliations(own[n], name, stated) if tied else (),
            corresponding=_key(name) in lead if lead else None,
        )
        for n, name in enumerate(short)
    ]
    return Work(
        title=row["Title"],
        date=row.get("Year", ""),
        type=row.get("Document Type", ""),
        doi=row.get("DOI", ""),
        cited_by=row.get("Cited by", ""),
        authors=authors,
        loose=() if any(author.affiliations for author in authors) else stated,
        ids={"eid": eid, "pmid": "".join(re.findall(r"\d+", row.get("PubMed ID", "")))},
        language=row.get("Language of Original Document", ""),
    )


def _names(cell: str, ids: str) -> list[str]:
    """Return the authors, whom exports before 2023 separate by commas."""
    semicolons = ";" in cell or len(split(ids)) < 2
    return split(cell) if semicolons else split(cell, ", ")


def _key(name: str) -> str:
    return " ".join(sorted(name_key(name).split()))


def _affiliations(entry: str, name: str, stated: list[str]) -> list[str]:
    """Return the affiliations in `Wilson L.N., Univ A, City, Country, Univ B, City, Country`."""
    found: dict[int, str] = {}
    rest = entry
    for text in sorted(stated, key=len, reverse=True):
        while (start := rest.find(text)) >= 0:
            found[start] = text
            rest = rest[:start] + "\x1f" * len(text) + rest[start + len(text) :]
    if found:
        return [found[start] for start in sorted(found)]
    # None of the list is in it: what stands behind the name is taken for one affiliation.
    family = re.escape(name.rpartition(" ")[0] or name)
    rest = re.sub(rf"^{family},? ?[^,]*(,\s*|$)", "", entry)
    return [rest] if rest and rest != entry else []
