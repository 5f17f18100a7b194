"""The Lens: its CSV, which has no affiliations, and its JSON, which has.

Source of the fields: the header of the CSV; Lens scholarly API response format.
"""

from __future__ import annotations

import re
from typing import Any

from collabnet.identifiers import institution_id
from collabnet.readers.source import Source
from collabnet.readers.works import Affiliation, Author, Work, build, header_of, json_items, split, table
from collabnet.records import Records

COLUMNS = ("Lens ID", "Title")
LENS_ID = re.compile(r'"lens_id"\s*:')


def sniff(source: Source) -> bool:
    """Is it a table with Lens ids, or JSON with them?"""
    if source.is_json:
        return bool(LENS_ID.search(source.head))
    return set(COLUMNS) <= header_of(source)


def read(source: Source) -> Records:
    """Read records; only the JSON says where authors work."""
    if source.is_json:
        return build(source, "lens", json_items(source, "data"), _of_json)
    return build(source, "lens", table(source, *COLUMNS), _of_row)


def _of_row(row: dict[str, str]) -> Work:
    return Work(
        title=row["Title"],
        date=row.get("Date Published") or row.get("Publication Year", ""),
        type=row.get("Publication Type", ""),
        doi=row.get("DOI", ""),
        cited_by=row.get("Citing Works Count") or row.get("Cited by Scholarly Works Count", ""),
        authors=[Author(name=n) for n in split(row.get("Author/s") or row.get("Authors", ""))],
        ids={"lens_id": row["Lens ID"], "pmid": row.get("PMID", "")},
        fields=split(row.get("Fields of Study", "")),
    )


def _of_json(item: dict[str, Any]) -> Work:
    ids = {one["type"]: one["value"] for one in item.get("external_ids") or []}
    return Work(
        title=item.get("title") or "",
        date=item.get("date_published") or str(item.get("year_published") or ""),
        type=item.get("publication_type") or "",
        doi=ids.get("doi", ""),
        cited_by=str(item.get("scholarly_citations_count", "")),
        authors=[_author(author) for author in item.get("authors") or []],
        ids={"lens_id": item.get("lens_id") or "", "pmid": ids.get("pmid", "")},
        language=" ".join((item.get("languages") or [])[:1]),
        fields=item.get("fields_of_study") or (),
    )


def _author(author: dict[str, Any]) -> Author:
    name = ", ".join(filter(None, (author.get("last_name"), author.get("first_name"))))
    ids = {one["type"]: one["value"] for one in author.get("ids") or []}
    places = [_place(place) for place in author.get("affiliations") or []]
    name = name or author.get("collective_name") or ""
    return Author(name=name, orcid=ids.get("orcid", ""), affiliations=places)


def _place(place: dict[str, Any]) -> Affiliation:
    ids = {one["type"]: one["value"] for one in place.get("ids") or []}
    ror = institution_id(ids.get("ror") or place.get("ror_id")) or ""
    text = place.get("name_original") or place.get("name") or ""
    return Affiliation(text, ror, place.get("name") or "", place.get("country_code") or "")
