"""OpenAlex works in every JSON shape: API page, list, JSON Lines, one bare work; 2022 to today.

Source of the fields: developers.openalex.org, work object (2026) and its 2022 predecessor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from collabnet.errors import InputError
from collabnet.identifiers import iso_country, name_key
from collabnet.readers.source import Source
from collabnet.records import Records
from collabnet.settings import TRUNCATED_AT

WORK_ID = re.compile(r'"id"\s*:\s*"(?:https://openalex\.org/)?W\d+"')
PAGE = re.compile(r'^\s*\{\s*"meta"\s*:.*"results"\s*:', re.DOTALL)

Row = dict[str, Any]


def sniff(source: Source) -> bool:
    """Is it JSON that holds OpenAlex works?"""
    head = source.head
    return source.is_json and bool(WORK_ID.search(head) or PAGE.search(head))


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
    tables: dict[str, list[Row]] = {"fields": [], "quarantine": []}
    institutions: dict[str, Row] = {}
    persons: dict[str, Row] = {}
    fields: dict[str, Row] = {}
    read = 0
    for place, work in _works(source, tables["quarantine"]):
        read += 1
        identifier = _bare(work.get("id")) if isinstance(work, dict) else None
        if identifier is None:
            reason = "no OpenAlex work: an object with an 'id' such as W2741809807 was expected"
            tables["quarantine"].append(source.refuse(place, reason))
            continue
        try:
            activity = _activity(work, identifier, source, place)
            people = _participants(work, activity["activity_id"], institutions, persons)
            field = _field(work, activity["activity_id"])
        except (AttributeError, TypeError, ValueError) as error:
            reason = f"work {identifier} has values of an unexpected kind ({error})"
            tables["quarantine"].append(source.refuse(place, reason))
            continue
        known = works.get(activity["activity_id"])
        if known and _rank(*known) >= _rank(activity, people):
            continue
        works[activity["activity_id"]] = (activity, people)
        if field:
            fields[activity["activity_id"]] = field
    if not works and tables["quarantine"]:
        first = tables["quarantine"][0]
        raise InputError(
            f"{source.name}, {first['record']}: {first['reason']}; nothing else could be read."
        )
    frames = {
        "activities": pd.DataFrame([activity for activity, _ in works.values()]),
        "participants": pd.DataFrame([row for _, people in works.values() for row in people]),
        "institutions": pd.DataFrame(institutions.values()),
        "persons": pd.DataFrame(persons.values() if source.with_names else []),
        "fields": pd.DataFrame(fields.values()),
        "quarantine": pd.DataFrame(tables["quarantine"]),
    }
    refused = len(tables["quarantine"])
    source.notes |= {
        "read": read,
        "kept": len(works),
        "merged": read - refused - len(works),
        "version": source.notes.get("schema", "today"),
    }
    records = Records({name: frame for name, frame in frames.items() if len(frame.columns)})
    records.provenance["merged"] = source.notes["merged"]
    return records


def _works(source: Source, quarantine: list[Row]) -> Iterator[tuple[str, Any]]:
    """Yield (place, work) from any of the JSON shapes."""
    with source.text() as file:
        first = file.readline()
        lines = _parse(first)
        if isinstance(lines, dict) and "results" not in lines:
            yield from _lines(source, first, file, quarantine)
            return
        text = first + file.read()
    try:
        whole = json.loads(text)
    except RecursionError:
        raise InputError(f"{source.name}: nested too deeply to be OpenAlex works.") from None
    except ValueError as error:
        rows = text.splitlines()
        if sum(isinstance(_parse(row), dict) for row in rows[:20]) > 1:
            yield from _lines(source, rows[0], rows[1:], quarantine)
            return
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "the text"
        raise InputError(
            f"{source.name}: not complete JSON, it breaks at {place} (cut short while "
            "downloading?). Get the file again."
        ) from None
    if isinstance(whole, dict):
        whole = whole["results"] if isinstance(whole.get("results"), list) else [whole]
        yield from ((f"result {i}", work) for i, work in enumerate(whole, 1))
    else:
        yield from ((f"item {i}", work) for i, work in enumerate(whole, 1))


def _lines(
    source: Source, first: str, rest: Any, quarantine: list[Row]
) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate((line for lines in ([first], rest) for line in lines), 1):
        if not line.strip():
            continue
        work = _parse(line)
        if work is None:
            reason = "not a complete JSON object"
            quarantine.append(source.refuse(f"line {number}", reason))
        else:
            yield f"line {number}", work


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
    if year is None or not str(date or "").startswith(str(year)):
        date = str(year) if year else date
    authorships = work.get("authorships") or []
    stated = work.get("authors_count")
    if "grants" in work or "host_venue" in work or "type_crossref" in work:
        source.notes["schema"] = "before 2025-11"
    return {
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
        "doi": str(work.get("doi") or "").lower().removeprefix("https://doi.org/"),
        "cited_by": work.get("cited_by_count"),
        "fwci": work.get("fwci"),
        "retracted": work.get("is_retracted") is True,
        "updated": work.get("updated_date"),
        "source": f"openalex:{source.name}",
        "record": place,
    }


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
        if person:
            name = author.get("display_name") or authorship.get("raw_author_name")
            persons[f"openalex:{person}"] = {
                "person_id": f"openalex:{person}",
                "name": name,
                "orcid": str(author.get("orcid") or "").removeprefix("https://orcid.org/"),
            }
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
        found[openalex or identifier] = (identifier, country)
        row = known.setdefault(identifier, {"institution_id": identifier})
        for column, value in (
            ("name", name),
            ("country", country),
            ("type", institution.get("type")),
            ("openalex_id", openalex),
        ):
            row[column] = row.get(column) or value
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
