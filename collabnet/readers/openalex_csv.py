"""OpenAlex works as its website exports them: CSV, lists joined by `|`.

Source of the fields: the header of the export (2024 to today).
"""

from __future__ import annotations

import ast
import re

from collabnet.identifiers import institution_id
from collabnet.readers.source import Source
from collabnet.readers.works import Affiliation, Author, Work, build, clean, header_of, split, table
from collabnet.records import Records

WORK_ID = re.compile(r"(?:https://openalex\.org/)?(W\d+)", re.IGNORECASE)
NAMES = ("authorships.author.display_name", "authorships.raw_author_name")


def sniff(source: Source) -> bool:
    """Is it a table of works as OpenAlex flattens them?"""
    header = header_of(source)
    return "id" in header and bool(header & {*NAMES, "authorships.author.id"})


def read(source: Source) -> Records:
    """Read works; the export has lost which author belongs to which institution."""
    return build(source, "openalex-csv", table(source, "id"), _work)


def _work(row: dict[str, str]) -> Work:
    found = WORK_ID.fullmatch(row["id"].strip())
    if found is None:
        raise ValueError(f"no OpenAlex work: its id is {row['id'][:40]!r}")
    names = next((_list(row[name]) for name in NAMES if row.get(name)), [])
    ids = _list(row.get("authorships.author.id", ""))
    orcids = _list(row.get("authorships.author.orcid", ""))
    lead = _list(row.get("authorships.is_corresponding", ""))
    size = max(len(names), len(ids))
    columns = [part if len(part) == size else [""] * size for part in (names, ids, orcids, lead)]
    authors = [
        Author(
            name=name,
            id=f"openalex:{number.rsplit('/', 1)[-1]}" if number else "",
            orcid=orcid,
            corresponding={"True": True, "False": False}.get(main.capitalize()),
        )
        for name, number, orcid, main in zip(*columns, strict=True)
    ]
    year, date = row.get("publication_year", ""), row.get("publication_date", "")
    return Work(
        title=row.get("title") or row.get("display_name", ""),
        date=date if date.startswith(year) else year,
        type=row.get("type", ""),
        doi=row.get("doi", ""),
        cited_by=row.get("cited_by_count", ""),
        authors=authors,
        loose=_institutions(row),
        ids={"openalex_id": found[1].upper(), "pmid": row.get("ids.pmid", "").rsplit("/", 1)[-1]},
        language=row.get("language", ""),
        fields=split(row.get("primary_topic.field.display_name", "")),
    )


def _list(cell: str) -> list[str]:
    return ["" if part == "None" else part.strip() for part in cell.split("|")] if cell else []


def _institutions(row: dict[str, str]) -> list[str | Affiliation]:
    """Return the institutions of a work: objects as text in 2024, ids and names in 2026."""
    found: list[str | Affiliation] = []
    for text in re.findall(r"\{.*?\}(?=\||$)", row.get("authorships.institutions", "")):
        body = ast.literal_eval(text)
        name, where = clean(body.get("display_name")), clean(body.get("country_code"))
        known = institution_id(body.get("ror")) or institution_id(body.get("id")) or ""
        found.append(Affiliation("", known, name, where))
    ids = split(row.get("authorships.institutions.id", ""), "|")
    names = split(row.get("authorships.institutions.display_name", ""), "|")
    if len(ids) == len(names):
        found += [Affiliation("", institution_id(i) or "", n) for i, n in zip(ids, names, strict=True)]
    codes = {one.country for one in found if isinstance(one, Affiliation)}
    stated = split(row.get("authorships.countries", ""), "|")
    return found + [Affiliation(country=code) for code in dict.fromkeys(stated) if code not in codes]
