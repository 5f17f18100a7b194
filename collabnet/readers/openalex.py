"""OpenAlex works in every JSON shape: API page, list, JSON Lines, one bare work; 2022 to today.

Source of the fields: developers.openalex.org, work object (2026) and its 2022 predecessor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import pandas as pd

from collabnet.errors import InputError
from collabnet.identifiers import DATE, doi, iso_country, name_key
from collabnet.readers.source import Source, typed
from collabnet.records import Records
from collabnet.settings import TRUNCATED_AT

WORK_ID = re.compile(r'"id"\s*:\s*"(?:https://openalex\.org/)?W\d+"')
PAGE = re.compile(r'^\s*\{\s*"meta"\s*:.*"results"\s*:', re.DOTALL)
AUTHORS = re.compile(r'"authorships"\s*:')

Row = dict[str, Any]


def sniff(source: Source) -> bool:
    """Is it JSON that holds OpenAlex works?"""
    head = source.head
    return source.is_json and any(mark.search(head) for mark in (WORK_ID, PAGE, AUTHORS))


def read(source: Source) -> Records:
    """Read works: one activity each, one participant per author and affiliation.

    All institutions of an author are kept; a country he states without an institution there gets a
    row of its own. Works whose list of authors was cut are flagged `truncated`.

    Raises
    ------
    InputError
        The file is cut short or is not JSON.
    """
    works: dict[str, tuple[Row, list[Row]]] = {}
    refused: list[Row] = []
    institutions: dict[str, Row] = {}
    persons: dict[str, Row] = {}
    fields: dict[str, Row | None] = {}
    read = 0
    for place, work in _works(source):
        read += 1
        identifier = _bare(work.get("id")) if isinstance(work, dict) else None
        if identifier is None or not identifier.startswith("W"):
            reason = "no OpenAlex work: an object with an 'id' such as W2741809807 was expected"
            reason = "not a complete JSON object" if work is None else reason
            refused.append(source.refuse(place, reason))
            continue
        try:
            activity = _activity(work, identifier, source, place)
            people = _participants(work, activity["activity_id"], institutions, persons)
            field = _field(work, activity["activity_id"])
        except (AttributeError, TypeError, ValueError) as error:
            detail = error if isinstance(error, ValueError) else "lists and objects mixed up"
            reason = f"work {identifier} is not built like an OpenAlex work ({detail})"
            refused.append(source.refuse(place, reason))
            continue
        known = works.get(activity["activity_id"])
        if known and _rank(*known) >= _rank(activity, people):
            continue
        works[activity["activity_id"]] = (activity, people)
        fields[activity["activity_id"]] = field
    if not works and refused:
        first = refused[0]
        raise InputError(
            f"{source.name}, {first['record']}: {first['reason']}; nothing else could be read."
        )
    frames = {
        "activities": pd.DataFrame([activity for activity, _ in works.values()]),
        "participants": pd.DataFrame([row for _, people in works.values() for row in people]),
        "institutions": pd.DataFrame(institutions.values()),
        "persons": pd.DataFrame(persons.values() if source.with_names else []),
        "fields": pd.DataFrame([field for field in fields.values() if field]),
        "quarantine": pd.DataFrame(refused),
    }
    source.notes |= {
        "read": read,
        "kept": len(works),
        "merged": read - len(refused) - len(works),
        "version": source.notes.get("schema", "today"),
    }
    records = Records({name: frame for name, frame in frames.items() if len(frame.columns)})
    records.provenance["merged"] = source.notes["merged"]
    return records


def _works(source: Source) -> Iterator[tuple[str, Any]]:
    """Yield (place, work) from any of the JSON shapes; the work is None where a line is broken."""
    with source.text() as file:
        first = file.readline()
        start = _parse(first)
        if isinstance(start, dict) and "results" not in start:
            yield from _lines(chain([first], file))
            return
        text = first + file.read()
    try:
        whole = start if start is not None and len(first) == len(text) else json.loads(text)
    except RecursionError:
        raise InputError(
            f"{source.name}: nested too deeply to be OpenAlex works. Get the file again."
        ) from None
    except ValueError as error:
        lines = text.split("\n")
        if text.lstrip()[:1] == "{" and any(WORK_ID.search(x) and _parse(x) for x in lines[:20]):
            yield from _lines(lines)
            return
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "a number"
        raise InputError(
            f"{source.name}: not complete JSON, it breaks at {place} (cut short while "
            "downloading?). Get the file again."
        ) from None
    if isinstance(whole, list):
        for number, item in enumerate(whole, 1):
            yield from _unfolded(f"item {number}", item)
    else:
        yield from _unfolded("", whole)


def _lines(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield from _unfolded(f"line {number}", _parse(line))


def _unfolded(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the works of an API page one by one, and anything else as it is."""
    results = value.get("results") if isinstance(value, dict) else None
    if not isinstance(results, list):
        yield place or "item 1", value
        return
    for number, work in enumerate(results, 1):
        yield f"{place}, result {number}".removeprefix(", "), work


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rank(activity: Row, people: list[Row]) -> tuple[str, int]:
    return (activity["updated"] or "", len(people))


def _bare(identifier: Any) -> str | None:
    """Take the resolver off an OpenAlex id; None where it is none."""
    text = str(identifier or "").rsplit("/", 1)[-1].upper()
    return text if re.fullmatch(r"[A-Z]\d+", text) else None


def _activity(work: Row, identifier: str, source: Source, place: str) -> Row:
    year, date = work.get("publication_year"), work.get("publication_date")
    if year is not None and not str(date or "").startswith(str(year)):
        date = str(year)
    if date is not None and not DATE.fullmatch(date):
        raise ValueError(f"start is {date!r}")
    authorships = work.get("authorships") or []
    stated = work.get("authors_count")
    if "grants" in work or "host_venue" in work or "type_crossref" in work:
        source.notes["schema"] = "before 2025-11"
    row = {
        "activity_id": f"openalex:{identifier}",
        "kind": "work",
        "type": work.get("type"),
        "title": work.get("title") or work.get("display_name"),
        "start": date,
        "end_status": "known",
        "authors_count": len(authorships) if stated is None else stated,
        "link_known": True,
        "truncated": bool(work.get("is_authors_truncated"))
        or (len(authorships) == TRUNCATED_AT if stated is None else stated > len(authorships)),
        "synthetic": work.get("synthetic") is True,
        "doi": doi(work.get("doi")),
        "cited_by": work.get("cited_by_count"),
        "fwci": work.get("fwci"),
        "retracted": work.get("is_retracted") is True,
        "updated": work.get("updated_date"),
        "source": f"openalex:{source.name}",
        "record": place,
    }
    return typed("activities", row)


def _participants(
    work: Row, activity: str, institutions: dict[str, Row], persons: dict[str, Row]
) -> list[Row]:
    rows = []
    for position, authorship in enumerate(work.get("authorships") or [], 1):
        author = authorship.get("author") or {}
        person = _bare(author.get("id"))
        base = {
            "activity_id": activity,
            "person_id": person and f"openalex:{person}",
            "position": position,
            "role": "author",
            "corresponding": authorship.get("is_corresponding"),
            "evidence": "source",
        }
        typed("participants", base)
        if person:
            name = author.get("display_name") or authorship.get("raw_author_name")
            row = {"person_id": f"openalex:{person}", "name": name}
            row["orcid"] = str(author.get("orcid") or "").removeprefix("https://orcid.org/")
            persons[row["person_id"]] = typed("persons", row)
        written = _affiliations(authorship)
        found = _institutions(authorship, institutions)
        codes = (iso_country(code) for code in authorship.get("countries") or [])
        stated = {code for code in codes if code}
        alone = stated - {country for _, country in found.values()}
        if len(alone) == 1 and [c for _, c in found.values()].count(None) == 1:
            found = {k: (i, c or next(iter(alone))) for k, (i, c) in found.items()}
            alone = set()
        for key, (institution, country) in found.items():
            text = written.get(key) or written.get("")
            rows.append(
                {**base, "institution_id": institution, "country": country, "affiliation": text}
            )
        for country in sorted(alone):
            rows.append({**base, "country": country, "affiliation": written.get("")})
        if not found and not alone:
            rows.append({**base, "affiliation": written.get("")})
    return rows


def _institutions(authorship: Row, known: dict[str, Row]) -> dict[str, tuple[str, str | None]]:
    """Return the institutions of an author: OpenAlex id or name → (institution_id, country)."""
    found: dict[str, tuple[str, str | None]] = {}
    for institution in authorship.get("institutions") or []:
        openalex = _bare(institution.get("id"))
        ror = str(institution.get("ror") or "").rsplit("/", 1)[-1]
        name = institution.get("display_name")
        country = iso_country(institution.get("country_code"))
        if ror:
            identifier = ror
        elif openalex:
            identifier = f"openalex:{openalex}"
        elif name:
            identifier = f"name:{name_key(name)}"
        else:
            continue
        row = {"name": name, "country": country, "type": institution.get("type")}
        row = typed("institutions", row | {"openalex_id": openalex})
        found[openalex or identifier] = (identifier, country)
        facts = known.setdefault(identifier, {"institution_id": identifier})
        facts |= {column: facts.get(column) or value for column, value in row.items()}
    return found


def _affiliations(authorship: Row) -> dict[str, str]:
    """Return the affiliations as written, by OpenAlex id of the institution; all of them at ""."""
    every = authorship.get("raw_affiliation_strings") or [authorship.get("raw_affiliation_string")]
    texts: dict[str, list[str]] = {}
    for affiliation in authorship.get("affiliations") or []:
        text = affiliation.get("raw_affiliation_string")
        for institution in affiliation.get("institution_ids") or []:
            texts.setdefault(_bare(institution) or "", []).append(text or "")
    texts[""] = [str(text) for text in every if text]
    return {key: " | ".join(dict.fromkeys(value)) for key, value in texts.items() if value}


def _field(work: Row, activity: str) -> Row | None:
    field = (work.get("primary_topic") or {}).get("field") or {}
    code = str(field.get("id") or "").rsplit("/", 1)[-1]
    if not code:
        return None
    name = field.get("display_name")
    return {"activity_id": activity, "scheme": "openalex", "code": code, "share": 1, "name": name}
