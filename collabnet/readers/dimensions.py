"""Dimensions CSV and XLSX, with the banner above the header.

Source of the fields: the header of the export (2020 to today).
"""

from __future__ import annotations

import re

from collabnet.readers.source import Source
from collabnet.readers.works import Affiliation, Author, Work, build, clean, header_of, split, table
from collabnet.records import Records

COLUMNS = ("Publication ID", "Title", "PubYear")
AUTHOR = re.compile(r"\s*;?\s*([^;()]+?)\s*(?:\(((?:[^()]|\([^()]*\))*)\))?\s*(?=;|$)")
ORGANISATIONS = "Research Organizations - standardized"
COUNTRIES = ("Country of standardized research organization", "Country of Research organization")


def sniff(source: Source) -> bool:
    """Is it a table with the columns Dimensions has?"""
    return set(COLUMNS) <= header_of(source)


def read(source: Source) -> Records:
    """Read records; affiliations stand in brackets behind each author."""
    return build(source, "dimensions", table(source, *COLUMNS), _work)


def _work(row: dict[str, str]) -> Work:
    tied = row.get("Authors (Raw Affiliation)") or row.get("Authors Affiliations") or ""
    lead = {clean(found[1]) for found in AUTHOR.finditer(row.get("Corresponding Authors", ""))}
    authors = [
        Author(
            name=found[1],
            affiliations=split(found[2] or ""),
            corresponding=clean(found[1]) in lead if lead else None,
        )
        for found in AUTHOR.finditer(tied)
    ] or [Author(name=name) for name in split(row.get("Authors", ""))]
    bodies = split(row.get(ORGANISATIONS, ""))
    codes = next((split(row[name]) for name in COUNTRIES if row.get(name)), [])
    where = codes if len(codes) == len(bodies) else [""] * len(bodies)
    loose = [Affiliation(body, "", body, code) for body, code in zip(bodies, where, strict=True)]
    return Work(
        title=row["Title"],
        date=row.get("Publication date") or row.get("Publication Date") or row["PubYear"],
        type=row.get("Publication Type", ""),
        doi=row.get("DOI", ""),
        cited_by=row.get("Times cited", ""),
        authors=authors,
        loose=() if any(author.affiliations for author in authors) else loose,
        ids={"dimensions_id": row["Publication ID"], "pmid": row.get("PMID", "")},
        fields=split(row.get("Fields of Research (ANZSRC 2020)", "")),
    )
