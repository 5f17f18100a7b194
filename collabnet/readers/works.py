"""Works as bibliographic databases export them → the tables: the one builder of all their formats.

A reader finds the records and their authors; `data/works.toml` says how their fields are called.
What makes a person, where an affiliation lies and what is kept is decided here, once.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import sys
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, partial
from importlib.resources import files
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from collabnet import schema, settings
from collabnet.countries import country_of
from collabnet.errors import InputError
from collabnet.identifiers import DATE, doi, iso_country, surname_key
from collabnet.pool import shared
from collabnet.readers.source import Source
from collabnet.records import Records

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = re.compile(rf"\b({'|'.join(MONTHS)})[a-z]*", re.IGNORECASE)
YEAR = re.compile(r"(?<!\d)(?:1[5-9]\d\d|2[01]\d\d)(?!\d)")
MAIL = re.compile(r"(?:electronic address|e-?mails?) ?:.*|[\w.+'-]{1,64}@[\w.-]{1,255}", re.I)
ORCID = re.compile(r"(?:\d{4}-){3}\d{3}[\dX]", re.IGNORECASE)
LONGEST = 20_000
"""Letters of an affiliation that are kept; what is longer is none."""

BATCH, ALONE = 500, 8
"""Records made at once; batches that are not worth the start of other processes."""

PEOPLE = ("person_id", "position", "role", "corresponding")
PEOPLE += ("institution_id", "evidence", "country", "affiliation")
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
    known = names(form)
    wanted = known.keys() - {"needs", "date"}
    found = {field: next(filter(None, map(get, known[field])), "") for field in wanted}
    return found | {"loose": (), "date": iso_date(*map(clean, map(get, known["date"])))} | more


@cache
def _ids() -> list[tuple[str, str, re.Pattern[str]]]:
    return [(name, prefix, re.compile(form)) for name, (prefix, form) in names("ids").items()]


class _Known(NamedTuple):
    """Who and what is named so far, by id; the first that says something is believed."""

    persons: dict[str, Row]
    bodies: dict[str, Row]

    def body(self, institution_id: str, name: str, country: str | None) -> None:
        facts = self.bodies.setdefault(institution_id, {"institution_id": institution_id})
        facts["name"] = facts.get("name") or name
        facts["country"] = facts.get("country") or country


class _Made(NamedTuple):
    """What a batch of records gives: in `works` an activity, and its rows in the two frames."""

    works: list[tuple[Row, int, int]]
    frames: tuple[pd.DataFrame, pd.DataFrame]
    known: _Known
    refused: list[tuple[str, str]]


def build(
    source: Source,
    scheme: str,
    records: Iterable[tuple[str, Any]],
    make: Callable[[Any], Row],
    *,
    apart: bool = True,
) -> Records:
    """Make the tables of (place, record) pairs; a text for a record says why it cannot be read.

    Of many records other processes make a part, unless they are to be made here, not `apart`; what
    they give is joined in the order of the file.
    """
    kept: dict[str, int] = {}
    known, name = _Known({}, {}), source.name
    works, frames, refused = [], [], []
    left, task = iter(records), partial(_made, make, scheme, source.with_names)
    batches = iter(lambda: list(islice(left, BATCH)), [])
    for made in shared(name, task, batches, alone=ALONE if apart else sys.maxsize):
        refused += [source.refuse(*one) for one in made.refused]
        for one in made.works:
            before = kept.get(key := one[0]["activity_id"])
            if before is None or works[before][1] < one[1]:
                kept[key] = len(works)
            works.append(one)
        frames.append(made.frames)
        for person, facts in made.known.persons.items():
            known.persons.setdefault(person, facts)
        for facts in made.known.bodies.values():
            known.body(**facts)
    if refused and not kept:
        raise InputError(
            f"{name}, {refused[0]['record']}: {refused[0]['reason']}; nothing else could be "
            "read. Export it again."
        )
    acts = [works[number][0] for number in kept.values()]
    merged = len(works) - len(kept)
    source.notes |= {"read": len(works) + len(refused), "kept": len(kept), "merged": merged}
    source.notes["with_affiliation"] = sum(activity.pop("located") for activity in acts)
    source.notes["link_known"] = sum(activity["link_known"] for activity in acts)
    people, fields = zip(*frames, strict=True) if frames else ((), ())
    tables = {
        "activities": pd.DataFrame(acts).assign(source=f"{scheme}:{name}"),
        "participants": _of(kept, [rows for _, rows, _ in works], people),
        "institutions": pd.DataFrame(known.bodies.values()),
        "persons": pd.DataFrame(known.persons.values()),
        "fields": _of(kept, [codes for *_, codes in works], fields).assign(scheme=scheme),
        "quarantine": pd.DataFrame([*refused, *source.notes.pop("remarks", [])]),
    }
    filled = {name: frame for name, frame in tables.items() if len(frame)}
    return Records(filled, provenance={"merged": merged})


def _of(kept: dict[str, int], sizes: list[int], frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of the versions kept of the works, of `sizes` rows each."""
    whole = pd.concat(frames or [pd.DataFrame()], ignore_index=True)
    order, size = np.fromiter(kept.values(), int), np.array(sizes, int)
    first, many = (size.cumsum() - size)[order], size[order]
    if len(kept) < len(sizes):
        ends = many.cumsum()
        whole = whole.take(np.arange(many.sum()) + np.repeat(first - (ends - many), many))
    keys = pd.array(list(kept), dtype="string").take(np.repeat(np.arange(len(kept)), many))
    return whole.reset_index(drop=True).assign(activity_id=keys)


def _made(
    make: Callable[[Any], Row], scheme: str, with_names: bool, batch: list[tuple[str, Any]]
) -> _Made:
    """Make what a batch of records gives."""
    works, people, fields, refused, known = [], [], [], [], _Known({}, {})
    for place, record in batch:
        made, reason = None, record if isinstance(record, str) else "it names no work"
        try:
            made = None if isinstance(record, str) else _tables(make(record), scheme, known)
        except BROKEN as error:
            reason = str(error) if type(error) is ValueError else f"not built like {scheme}"
        if made is None:
            refused.append((place, clean(reason)[:300]))
            continue
        activity, rows, codes = made
        works.append((activity | {"record": place}, len(rows), len(codes)))
        people += rows
        fields += [(code, 1 / len(codes)) for code in codes]
    frames = _frame("participants", PEOPLE, people), _frame("fields", ("code", "share"), fields)
    return _Made(works, frames, known if with_names else _Known({}, known.bodies), refused)


def _frame(table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows as columns of the types the data model wants, which travel at little cost."""
    values = dict(
        zip(columns, zip(*rows, strict=True) if rows else [()] * len(columns), strict=True)
    )
    kinds = schema.TABLES[table]
    return pd.DataFrame({name: pd.array(values[name], dtype=kinds[name][0]) for name in columns})


def _tables(
    given: Row, scheme: str, known: _Known
) -> tuple[Row, list[tuple[Any, ...]], dict[str, None]] | None:
    """Return the activity, its participants and its fields; None where nothing names it."""
    title, number = clean(given["title"]), doi(clean(given.get("doi")))
    authors = [author for author in given["authors"] if written(author.name or author.short)]
    ids, key = {}, ""
    for name, prefix, form in _ids():
        match = form.fullmatch(clean(value)) if (value := given.get(name)) else None
        ids[name] = match[1] if match else ""
        key = key or (f"{prefix}:{match[1]}" if match else "")
    if not (title or number or key or authors):
        return None
    if not key:
        whole = [title, given["date"], [author[:2] for author in authors], given["loose"]]
        key = f"{scheme}:{number or _digest(json.dumps(whole))}"
    loose = list(dict.fromkeys(map(_affiliation, given["loose"])))
    if loose and len(authors) == 1 and not authors[0].affiliations:
        authors, loose = [authors[0]._replace(affiliations=loose)], []
    cited = COUNT.fullmatch(clean(given.get("cited_by")).replace(",", ""))
    rows = []
    for position, author in enumerate(authors, 1):
        person = _person(author)
        known.persons.setdefault(person["person_id"], person)
        mine = (person["person_id"], position, "author", author.corresponding)
        own = dict.fromkeys(map(_affiliation, author.affiliations)) or [Affiliation()]
        rows += [mine + _place(one, known) for one in own]
    rows += [(None, None, "affiliation", None, *_place(one, known)) for one in loose]
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
        "located": any(row[-1] or row[-2] for row in rows),
    }
    return activity, rows, dict.fromkeys(split(given.get("fields")))


def _affiliation(given: str | Affiliation) -> Affiliation:
    """Return an affiliation without the e-mail addresses in it."""
    if isinstance(given, Affiliation):
        return given._replace(text=_address(clean(given.text)))
    return Affiliation(_address(given))


@lru_cache(1 << 16)  # one affiliation stands in many works
def _address(text: str) -> str:
    text = clean(text)[:LONGEST]
    return (MAIL.sub(" ", text) if "@" in text or ":" in text else text).strip(" ;,.")


def _place(one: Affiliation, known: _Known) -> tuple[str, str, str | None, str]:
    # A country stands at the end; what is longer than that is no affiliation.
    stated = one.country and (iso_country(one.country) or country_of(one.country))
    country = stated or country_of(one.text[-500:])
    if one.institution_id:
        known.body(one.institution_id, one.name, country)
    evidence = "source" if one.institution_id else ""
    return one.institution_id, evidence, country, one.text or one.name


def _person(author: Author) -> Row:
    """Say who an author is: the source's id, his ORCID iD, else a pseudonym made of his name."""
    orcid = "".join(ORCID.findall(clean(author.orcid))[:1]).upper() if author.orcid else ""
    short = settings.PERSON_NAME == "short" and author.short
    person = author.id or (f"orcid:{orcid}" if orcid else "")
    person = person or _pseudonym(written(short or author.name or author.short))
    return {"person_id": person, "name": written(author.name or author.short), "orcid": orcid}


@lru_cache(1 << 16)  # most persons write more than once
def _pseudonym(name: str) -> str:
    plain = " ".join(name.replace(".", " ").split())
    return f"name:{_digest(unicodedata.normalize('NFC', plain))}"


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
    return " ".join((text.replace("\0", "") if "\0" in text else text).split())


written = lru_cache(1 << 16)(clean)
"""`clean` for names of persons, which come back."""


def split(text: Any, separator: str = ";") -> list[str]:
    """Return the parts of a list, or of one written in a cell, that are not empty."""
    parts = text if isinstance(text, list) else (text or "").split(separator)
    return list(filter(None, map(str.strip, parts)))


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
