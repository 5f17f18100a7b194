"""Registries beside ROR: the list of Erasmus charters (ECHE), OpenAlex institutions.

They tie codes to one another: PIC, Erasmus code, web site; OpenAlex id, ROR id, GRID, Wikidata.
Sources of the fields: the lists of the European Commission since 2014; OpenAlex institution object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from collabnet.countries import country_of
from collabnet.errors import InputError
from collabnet.identifiers import institution_id, iso_country, site
from collabnet.readers.source import Source, typed
from collabnet.readers.workbook import sheet_rows
from collabnet.records import Records

CHARTER = {
    "erasmus_code": re.compile(r"erasmus( institutional)? code|institutional code"),
    "name": re.compile(r"(organisation )?(legal )?name|name of organisation|organisation name"),
    "pic": re.compile(r"pic( code| number)?"),
    "country": re.compile(r"country( c(o)?de?)?"),
    "city": re.compile(r"city|town"),
    "website": re.compile(r"web ?site( url)?|web"),
}
"""Column → how the issues of the list name it, in lower case."""

OBJECT = re.compile(r'"id"\s*:\s*"https://openalex\.org/I\d+"')
OPENALEX = {"openalex_id", "ror_id", "display_name", "country_code"}


def _cells(source: Source) -> list[tuple[int, list[str]]]:
    if source.packing == "xlsx":
        return sheet_rows(source)
    rows, _ = source.table()
    return [(1, list(rows.columns)), *zip(rows.index, rows.to_numpy().tolist(), strict=True)]


def _header(rows: list[tuple[int, list[str]]]) -> tuple[int, dict[str, int]] | None:
    """Return where the header is, and the place of each column in it."""
    for position, (_, cells) in enumerate(rows[:10]):
        names = [" ".join(cell.lower().split()) for cell in cells]
        found = {
            c: n for c, how in CHARTER.items() for n, t in enumerate(names) if how.fullmatch(t)
        }
        if {"erasmus_code", "name", "country"} <= found.keys():
            return position, found
    return None


def sniff_charters(source: Source) -> bool:
    """Is it a list of Erasmus charters?"""
    if source.packing != "xlsx":
        return _header([(1, source.columns)]) is not None
    try:
        return _header(sheet_rows(source)) is not None
    except InputError:
        return False


def read_charters(source: Source) -> Records:
    """Read institutions with PIC, Erasmus code and place; no-break spaces in codes are spaces."""
    rows = _cells(source)
    position, columns = _header(rows) or (0, {})
    bodies, refused = [], []
    for line, cells in rows[position + 1 :]:
        row = {name: cells[n].strip() for name, n in columns.items()}
        pic = row.get("pic", "").zfill(9) if row.get("pic", "").isdigit() else None
        code = institution_id(row["erasmus_code"]) or ""
        code = code.removeprefix("erasmus:") if code.startswith("erasmus:") else None
        if row["erasmus_code"] and not code:
            reason = f"{row['erasmus_code']!r} is no Erasmus code ({row['name']})"
            refused.append(source.refuse(f"row {line}", reason))
        if pic or code:
            codes = {"pic": pic, "erasmus_code": code, "website": site(row.get("website"))}
            country = iso_country(row["country"]) or country_of(row["country"])
            facts = {"name": row["name"], "city": row.get("city"), "country": country}
            key = f"pic:{pic}" if pic else f"erasmus:{code}"
            bodies.append({"institution_id": key, "type": "education"} | facts | codes)
    return _records(source, bodies, [], refused)


def sniff_openalex(source: Source) -> bool:
    """Is it a table or JSON of OpenAlex institutions?"""
    works = re.search(r"openalex\.org/[AW]\d|\"authorships\"", source.head)
    return set(source.columns) >= OPENALEX or (
        source.is_json and not works and bool(OBJECT.search(source.head))
    )


def read_openalex(source: Source) -> Records:
    """Read institutions with their OpenAlex and ROR ids, names in all languages, and ties."""
    bodies, ties, refused = [], [], []
    for place, item in _objects(source):
        try:
            item = json.loads(item) if isinstance(item, str) else item  # noqa: PLW2901
            bodies.append(typed("institutions", _institution(item)))
            ties += [
                {"from": bodies[-1]["institution_id"], "source": "OpenAlex"}
                | {"to": institution_id(tie.get("ror") or tie["id"]), "kind": tie["relationship"]}
                for tie in item.get("associated_institutions") or []
            ]
        except (AttributeError, KeyError, TypeError, ValueError):
            refused.append(source.refuse(place, "not an OpenAlex institution"))
    return _records(source, bodies, ties, refused)


def _objects(source: Source) -> Iterator[tuple[str, Any]]:
    if source.columns:
        rows, _ = source.table()
        for line, row in zip(rows.index, rows.to_dict("records"), strict=True):
            yield f"line {line}", {"id": row["openalex_id"], "ror": row["ror_id"], **row}
        return
    with source.text() as file:
        text = file.read()
    try:
        whole = json.loads(text)
        items = whole.get("results", [whole]) if isinstance(whole, dict) else whole
    except ValueError:
        items = [line for line in text.splitlines() if line.strip()]  # parsed one by one
    for number, item in enumerate(items, 1):
        yield f"item {number}", item


def _institution(item: dict[str, Any]) -> dict[str, Any]:
    names = (item.get("international") or {}).get("display_name") or {}
    others = [
        *(item.get("display_name_alternatives") or ()),
        *(item.get("display_name_acronyms") or ()),
    ]
    place, codes = item.get("geo") or {}, item.get("ids") or {}
    ours = str(institution_id(item["id"]))
    return {
        "institution_id": institution_id(item.get("ror")) or ours,
        "openalex_id": ours.removeprefix("openalex:"),
        "name": item["display_name"],
        "names": json.dumps(names, ensure_ascii=False) if names else None,
        "aliases": "|".join(name.replace("|", "/") for name in others) or None,
        "country": item.get("country_code") or None,
        "city": place.get("city"),
        "lat": place.get("latitude"),
        "lon": place.get("longitude"),
        "type": item.get("type") or None,
        "grid": codes.get("grid"),
        "wikidata": (codes.get("wikidata") or "").rsplit("/", 1)[-1] or None,
        "website": site(item.get("homepage_url")),
    }


def _records(source: Source, bodies: list, ties: list, refused: list) -> Records:
    if not bodies:
        raise InputError(f"{source.name}: no institution could be read. Get the file again.")
    table = pd.DataFrame(bodies).drop_duplicates("institution_id")
    source.notes |= {"kept": len(table), "merged": len(bodies) - len(table)}
    frames = {"institutions": bodies and table, "relations": ties, "quarantine": refused}
    return Records({name: pd.DataFrame(rows) for name, rows in frames.items() if len(rows)})
