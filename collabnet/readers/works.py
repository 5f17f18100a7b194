"""Works as bibliographic databases export them → the tables: the one builder of all their formats.

A reader finds the records and their authors; `data/works.toml` says how their fields are called.
What makes a person, where an affiliation lies and what is kept is decided here, once.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any, NamedTuple

import pandas as pd

from collabnet import settings
from collabnet.countries import country_of
from collabnet.errors import InputError
from collabnet.identifiers import DATE, doi, iso_country, surname_key
from collabnet.readers.source import Source
from collabnet.records import Records

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = re.compile(rf"\b({'|'.join(MONTHS)})[a-z]*", re.IGNORECASE)
YEAR = re.compile(r"(?<!\d)(?:1[5-9]\d\d|2[01]\d\d)(?!\d)")
MAIL = re.compile(r"(?:electronic address|e-?mails?) ?:.*|[\w.+'-]{1,64}@[\w.-]{1,255}", re.I)
ORCID = re.compile(r"(?:\d{4}-){3}\d{3}[\dX]", re.IGNORECASE)
LONGEST = 20_000
"""Letters of an affiliation that are kept; what is longer is none."""

COUNT = re.compile(r"(\d{1,9})(?:\.0)?")
BROKEN = (
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What a record raises that is not built like those of its format."""

Row = dict[str, Any]


class Affiliation(NamedTuple):
    """An affiliation as written, and what the format knows of it besides."""

    text: str = ""
    institution_id: str = ""
    name: str = ""
    country: str = ""


class Author(NamedTuple):
    """A person in the list of authors; `id` is the source's own, with its prefix."""

    name: str = ""
    short: str = ""
    id: str = ""
    orcid: str = ""
    affiliations: Sequence[str | Affiliation] = ()
    corresponding: bool | None = None


@cache
def names(form: str) -> dict[str, list[str]]:
    """Return how the fields of a work are called in a format."""
    text = (files("collabnet") / "data" / "works.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)[form]


def work(form: str, get: Callable[[str], Any], **more: Any) -> Row:
    """Return a work: the fields `get` finds, its authors, the loose affiliations of nobody's."""
    found = {field: [get(name) for name in known] for field, known in names(form).items()}
    first = {field: next(filter(None, values), "") for field, values in found.items()}
    return first | {"loose": (), "date": iso_date(*map(clean, found["date"]))} | more


def build(
    source: Source, scheme: str, records: Iterable[tuple[str, Any]], make: Callable[[Any], Row]
) -> Records:
    """Make the tables of (place, record) pairs; a text for a record says why it cannot be read."""
    kept: dict[str, tuple[Row, list[Row], list[Row]]] = {}
    known: dict[str, dict[str, Row]] = {"persons": {}, "institutions": {}}
    refused, read, name = [], 0, source.name
    for place, record in records:
        read += 1
        made, reason = None, record if isinstance(record, str) else "it names no work"
        try:
            made = None if isinstance(record, str) else _tables(make(record), scheme, known)
        except BROKEN as error:
            reason = str(error) if type(error) is ValueError else f"not built like {scheme}"
        if made is None:
            refused.append(source.refuse(place, clean(reason)[:300]))
            continue
        made[0].update(source=f"{scheme}:{name}", record=place)
        before = kept.get(made[0]["activity_id"])
        if before is None or len(before[1]) < len(made[1]):
            kept[made[0]["activity_id"]] = made
    if refused and not kept:
        raise InputError(
            f"{source.name}, {refused[0]['record']}: {refused[0]['reason']}; nothing else could be "
            "read. Export it again."
        )
    acts, people, fields = zip(*kept.values(), strict=True) if kept else ((), (), ())
    where = [any(row["affiliation"] or row["country"] for row in rows) for rows in people]
    merged = read - len(refused) - len(kept)
    source.notes |= {"read": read, "kept": len(kept), "merged": merged}
    source.notes["with_affiliation"] = sum(where)
    source.notes["link_known"] = sum(activity["link_known"] for activity in acts)
    tables = {
        "activities": acts,
        "participants": chain.from_iterable(people),
        "institutions": known["institutions"].values(),
        "persons": known["persons"].values() if source.with_names else (),
        "fields": chain.from_iterable(fields),
        "quarantine": [*refused, *source.notes.pop("remarks", [])],
    }
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    filled = {name: frame for name, frame in frames.items() if len(frame)}
    return Records(filled, provenance={"merged": merged})


def _tables(
    given: Row, scheme: str, known: dict[str, dict[str, Row]]
) -> tuple[Row, list[Row], list[Row]] | None:
    """Return the activity, its participants and its fields; None where nothing names it."""
    title, number = clean(given["title"]), doi(clean(given.get("doi")))
    authors = [author for author in given["authors"] if clean(author.name or author.short)]
    forms = names("ids")
    ids = dict.fromkeys(forms, "")
    for name, (_, form) in forms.items():
        if value := given.get(name):
            match = re.fullmatch(form, clean(value))
            ids[name] = match[1] if match else ""
    key = next((f"{forms[name][0]}:{value}" for name, value in ids.items() if value), "")
    if not (title or number or key or authors):
        return None
    if not key:
        whole = [title, given["date"], [author[:2] for author in authors], given["loose"]]
        key = f"{scheme}:{number or _digest(json.dumps(whole))}"
    loose = list(dict.fromkeys(map(_affiliation, given["loose"])))
    if loose and len(authors) == 1 and not authors[0].affiliations:
        authors, loose = [authors[0]._replace(affiliations=loose)], []
    cited = COUNT.fullmatch(clean(given.get("cited_by")).replace(",", ""))
    activity = {
        "activity_id": key,
        "kind": "work",
        "type": clean(given.get("type")),
        "title": title,
        "start": given["date"],
        "end_status": "known",
        "authors_count": len(authors),
        "first_author": surname_key(authors[0].name or authors[0].short) if authors else None,
        "link_known": any(author.affiliations for author in authors) and not loose,
        "synthetic": False,
        "doi": number,
        "cited_by": int(cited[1]) if cited else None,
        "language": clean(given.get("language")),
        **ids,
    }
    rows = []
    for position, author in enumerate(authors, 1):
        person = _person(author)
        known["persons"].setdefault(person["person_id"], person)
        mine = {"person_id": person["person_id"], "position": position, "role": "author"}
        mine["corresponding"] = author.corresponding
        own = dict.fromkeys(map(_affiliation, author.affiliations)) or [Affiliation()]
        rows += [mine | _place(one, known["institutions"]) for one in own]
    rows += [{"role": "affiliation"} | _place(one, known["institutions"]) for one in loose]
    codes = dict.fromkeys(split(given.get("fields")))
    fields = [{"scheme": scheme, "code": code, "share": 1 / len(codes)} for code in codes]
    for row in chain(rows, fields):
        row["activity_id"] = key
    return activity, rows, fields


def _affiliation(given: str | Affiliation) -> Affiliation:
    """Return an affiliation without the e-mail addresses in it."""
    one = given if isinstance(given, Affiliation) else Affiliation(given)
    return one._replace(text=_without_mail(clean(one.text)[:LONGEST]))


@lru_cache(1 << 14)  # one affiliation stands in many works
def _without_mail(text: str) -> str:
    return MAIL.sub(" ", text).strip(" ;,.")


def _place(one: Affiliation, bodies: dict[str, Row]) -> Row:
    # A country stands at the end; what is longer than that is no affiliation.
    stated = one.country and (iso_country(one.country) or country_of(one.country))
    country = stated or country_of(one.text[-500:])
    if one.institution_id:
        facts = bodies.setdefault(one.institution_id, {"institution_id": one.institution_id})
        facts["name"] = facts.get("name") or one.name
        facts["country"] = facts.get("country") or country
    row = {"institution_id": one.institution_id, "evidence": "source" if one.institution_id else ""}
    return row | {"country": country, "affiliation": one.text or one.name}


def _person(author: Author) -> Row:
    """Say who an author is: the source's id, his ORCID iD, else a pseudonym made of his name."""
    orcid = "".join(ORCID.findall(clean(author.orcid))[:1]).upper() if author.orcid else ""
    short = settings.PERSON_NAME == "short" and author.short
    person = author.id or (f"orcid:{orcid}" if orcid else "")
    person = person or _pseudonym(clean(short or author.name or author.short))
    return {"person_id": person, "name": clean(author.name or author.short), "orcid": orcid}


@lru_cache(1 << 16)  # most persons write more than once
def _pseudonym(name: str) -> str:
    written = " ".join(name.replace(".", " ").split())
    return f"name:{_digest(unicodedata.normalize('NFC', written))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def clean(value: Any) -> str:
    """Return a value, or the first of a list, as text in one line that any store can hold."""
    value = next(iter(value), "") if isinstance(value, list) else value
    if not value:
        return ""
    text = str(value)
    text = html.unescape(text) if "&" in text else text
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return " ".join(text.replace("\0", "").split())


def split(text: Any, separator: str = ";") -> list[str]:
    """Return the parts of a list, or of one written in a cell, that are not empty."""
    parts = text if isinstance(text, list) else (text or "").split(separator)
    return [part for part in map(str.strip, parts) if part]


@lru_cache(1 << 12)
def iso_date(*parts: str) -> str | None:
    """Return a date as precise as it is known; the last part decides on the year."""
    parts = tuple(re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", part) for part in parts)
    year = next(iter(YEAR.findall(next(filter(None, reversed(parts)), ""))), None)
    for part in parts if year else ():
        pieces = re.split(r"[-/]", part.partition("T")[0])
        iso = "-".join(piece.zfill(2) for piece in pieces if piece.strip())
        if DATE.fullmatch(iso) and iso > f"{year}" and iso.startswith(f"{year}"):
            return iso
        months, days = MONTH.findall(part), re.findall(r"\b\d{1,2}\b", part)
        if len(months) == 1 and {year, *YEAR.findall(part)} == {year}:
            month = f"{year}-{MONTHS.index(months[0].lower()) + 1:02}"
            day = f"{month}-{days[0].zfill(2)}" if len(days) == 1 else ""
            return day if DATE.fullmatch(day) else month
    return year
