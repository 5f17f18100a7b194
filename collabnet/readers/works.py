"""Works as bibliographic databases export them → the tables: the one builder of all their formats.

A reader says how a record is found and what its fields are called, and returns a `Work`. What makes
a person, where an affiliation lies and what is kept is decided here, once.
"""

from __future__ import annotations

import csv
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import pandas as pd

from collabnet import settings
from collabnet.countries import country_of
from collabnet.errors import InputError
from collabnet.identifiers import DATE, doi, iso_country
from collabnet.readers.source import Source
from collabnet.readers.workbook import sheet_rows
from collabnet.records import Records

LONGEST_CELL = 1 << 24
HEADER_WITHIN = 5
"""Rows of a table among which its header may stand, below a banner."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = re.compile(rf"\b({'|'.join(MONTHS)})[a-z]*", re.IGNORECASE)
YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|2[01]\d\d)(?!\d)")
MAIL = re.compile(r"(?:electronic address|e-?mails?)\s*:.*|[\w.+'-]+@[\w.-]+", re.I | re.S)
ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", re.IGNORECASE)
BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What a record raises that is not built like those of its format."""

NATIVE = {"openalex_id": "openalex", "eid": "scopus", "ut": "wos", "pmid": "pubmed"}
NATIVE |= {"lens_id": "lens", "dimensions_id": "dimensions", "oai_id": "oai"}
"""Identifiers a work is named after, in this order, and the prefix of each."""

Row = dict[str, Any]
Pairs = list[tuple[str, str]]


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


class Work(NamedTuple):
    """A record; `loose` are the affiliations of which nobody says whose they are."""

    title: str = ""
    date: str = ""
    type: str = ""
    doi: str = ""
    cited_by: str = ""
    authors: Sequence[Author] = ()
    loose: Sequence[str | Affiliation] = ()
    ids: Mapping[str, str] = {}
    language: str = ""
    fields: Sequence[str] = ()


def build(
    source: Source, scheme: str, records: Iterable[tuple[str, Any]], work: Callable[[Any], Work]
) -> Records:
    """Make the tables of (place, record) pairs; a text for a record says why it cannot be read.

    Raises
    ------
    InputError
        There are records, but none can be read.
    """
    kept: dict[str, tuple[Row, list[Row], list[Row]]] = {}
    known: dict[str, dict[str, Row]] = {"persons": {}, "institutions": {}}
    refused, read = [], 0
    for place, record in records:
        read += 1
        reason = record if isinstance(record, str) else ""
        try:
            made = None if reason else work(record)
        except BROKEN as error:
            made = None
            reason = str(error) if type(error) is ValueError else f"not built like {scheme}"
        tables = _tables(made, scheme, known) if made else None
        if tables is None:
            reason = reason or "no title, identifier or author in it"
            refused.append(source.refuse(place, " ".join(reason.split())[:300]))
            continue
        activity, people, _ = tables
        activity |= {"source": f"{scheme}:{source.name}", "record": place}
        before = kept.get(activity["activity_id"])
        if before is None or len(before[1]) < len(people):
            kept[activity["activity_id"]] = tables
    if refused and not kept:
        raise InputError(
            f"{source.name}, {refused[0]['record']}: {refused[0]['reason']}; nothing else could be "
            "read. Export it again."
        )
    acts, people, fields = zip(*kept.values(), strict=True) if kept else ((), (), ())
    stated = sum(any(r["affiliation"] or r["institution_id"] for r in rows) for rows in people)
    source.notes |= {
        "read": read,
        "kept": len(kept),
        "merged": read - len(refused) - len(kept),
        "with_affiliation": stated,
        "link_known": sum(activity["link_known"] for activity in acts),
    }
    frames = {
        "activities": pd.DataFrame(acts),
        "participants": pd.DataFrame(chain.from_iterable(people)),
        "institutions": pd.DataFrame(known["institutions"].values()),
        "persons": pd.DataFrame(known["persons"].values() if source.with_names else []),
        "fields": pd.DataFrame(chain.from_iterable(fields)),
        "quarantine": pd.DataFrame([*refused, *source.notes.pop("remarks", [])]),
    }
    tables_ = {name: frame for name, frame in frames.items() if len(frame.columns)}
    return Records(tables_, provenance={"merged": source.notes["merged"]})


def _tables(
    work: Work, scheme: str, known: dict[str, dict[str, Row]]
) -> tuple[Row, list[Row], list[Row]] | None:
    """Return the activity, its participants and its fields; None where nothing names it."""
    title, number = clean(work.title), doi(clean(work.doi))
    ids = {name: clean(value) for name, value in work.ids.items() if clean(value)}
    authors = [author for author in work.authors if clean(author.name or author.short)]
    if not (title or number or ids or authors):
        return None
    native = next(((NATIVE[name], ids[name]) for name in NATIVE if name in ids), None)
    if native is None:
        names = [clean(author.name or author.short) for author in authors]
        native = (scheme, number or _digest(json.dumps([title, work.date, names, work.loose])))
    loose = list(dict.fromkeys(map(_affiliation, work.loose)))
    if loose and len(authors) == 1 and not authors[0].affiliations:
        authors, loose = [authors[0]._replace(affiliations=loose)], []
    cited = re.fullmatch(r"(\d{1,9})(\.0)?", clean(work.cited_by).replace(",", ""))
    activity = {
        "activity_id": ":".join(native),
        "kind": "work",
        "type": clean(work.type),
        "title": title,
        "start": iso_date(clean(work.date)),
        "end_status": "known",
        "authors_count": len(authors),
        "link_known": any(author.affiliations for author in authors) and not loose,
        "synthetic": False,
        "doi": number,
        "cited_by": int(cited[1]) if cited else None,
        "language": clean(work.language),
        **dict.fromkeys(NATIVE),
        **ids,
    }
    base = {"activity_id": activity["activity_id"]}
    rows = []
    for position, author in enumerate(authors, 1):
        person = _person(author)
        known["persons"].setdefault(person["person_id"], person)
        mine = {"person_id": person["person_id"], "position": position, "role": "author"}
        mine["corresponding"] = author.corresponding
        own = dict.fromkeys(map(_affiliation, author.affiliations)) or [Affiliation()]
        rows += [base | mine | _place(one, known["institutions"]) for one in own]
    rows += [base | {"role": "affiliation"} | _place(o, known["institutions"]) for o in loose]
    codes = list(dict.fromkeys(filter(None, map(clean, work.fields))))
    share = {"scheme": scheme, "share": 1 / max(len(codes), 1)}
    return activity, rows, [base | share | {"code": code} for code in codes]


def _affiliation(given: str | Affiliation) -> Affiliation:
    """Return an affiliation without the e-mail addresses in it."""
    one = given if isinstance(given, Affiliation) else Affiliation(given)
    return one._replace(text=clean(MAIL.sub(" ", clean(one.text))).strip(" ;,."))


def _place(one: Affiliation, bodies: dict[str, Row]) -> Row:
    country = iso_country(one.country) or country_of(one.country) or country_of(one.text)
    if one.institution_id:
        facts = bodies.setdefault(one.institution_id, {"institution_id": one.institution_id})
        facts["name"] = facts.get("name") or one.name
        facts["country"] = facts.get("country") or country
    place = {"institution_id": one.institution_id or None, "country": country}
    evidence = "source" if one.institution_id else None
    return place | {"affiliation": one.text or one.name, "evidence": evidence}


def _person(author: Author) -> Row:
    """Say who an author is: the source's id, his ORCID iD, else a pseudonym made of his name."""
    orcid = ORCID.search(author.orcid or "")
    short = settings.PERSON_NAME == "short" and author.short
    written = clean(short or author.name or author.short)
    key = unicodedata.normalize("NFC", " ".join(written.replace(".", " ").split()))
    person = author.id or (f"orcid:{orcid[0].upper()}" if orcid else f"name:{_digest(key)}")
    name = clean(author.name or author.short)
    return {"person_id": person, "name": name, "orcid": orcid[0].upper() if orcid else None}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def clean(text: object) -> str:
    """Return text in one line, without what neither a store nor a screen can hold."""
    plain = html.unescape(str(text or "")).encode("utf-8", "replace").decode()
    return " ".join(plain.replace("\0", "").split())


def split(text: str, separator: str = ";") -> list[str]:
    """Return the parts of a list in a cell that are not empty."""
    return [part for part in map(str.strip, text.split(separator)) if part]


def iso_date(text: str) -> str | None:
    """Return a date as precise as it is known: `SEP 22 2010`, `2019/12/31`, `1 Jan.-Feb. 2019`."""
    iso = "-".join(part.zfill(2) for part in re.split(r"[-/]", text.partition("T")[0]) if part)
    if DATE.fullmatch(iso):
        return iso
    year, months = YEAR.search(text), MONTH.findall(text)
    if not year:
        return None
    date = year[1]
    if len(months) == 1:
        date += f"-{MONTHS.index(months[0].lower()) + 1:02}"
        days = re.findall(r"\b\d{1,2}\b", text)
        if len(days) == 1 and DATE.fullmatch(f"{date}-{days[0].zfill(2)}"):
            date += f"-{days[0].zfill(2)}"
    return date


def table(source: Source, *names: str, surplus_after: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the rows of a table or workbook as dicts; the header has `names` and may stand lower.

    A row may be longer than the header by empty cells, or by repetitions of the column
    `surplus_after`; in a tab-delimited file empty cells at the end may be missing.
    """
    header: list[str] | None = None
    tabs = source.packing != "xlsx" and source.delimiter == "\t"
    for number, cells in sheet_rows(source) if source.packing == "xlsx" else _lines(source):
        if header is None:
            if not set(names) <= {name.strip() for name in cells}:
                continue
            header = [name.strip() for name in cells]
            while not header[-1]:
                header.pop()
            continue
        while len(cells) > len(header) and not cells[-1].strip():
            cells.pop()
        if not any(cell.strip() for cell in cells):
            continue
        surplus = len(cells) - len(header)
        if surplus > 0 and surplus_after in header:
            start = header.index(surplus_after) + 1
            del cells[start : start + surplus]
        if len(cells) != len(header) and not (surplus < 0 and (tabs or source.packing == "xlsx")):
            yield f"line {number}", f"{len(cells)} columns where the header has {len(header)}"
            continue
        cells += [""] * (len(header) - len(cells))
        yield f"line {number}", dict(zip(reversed(header), reversed(cells), strict=True))


def _lines(source: Source) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(LONGEST_CELL)
    tabs = source.delimiter == "\t"
    quoting = csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
    with source.text() as file:
        reader = csv.reader(file, delimiter=source.delimiter, quoting=quoting)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise InputError(
                    f"{source.name}, line {reader.line_num}: not a table ({error}). Export it "
                    "again."
                ) from None
            if tabs:
                whole = (re.fullmatch(r'"((?:[^"]|"")*)"', cell) for cell in cells)
                cells = [
                    found[1].replace('""', '"') if found else cell
                    for found, cell in zip(whole, cells, strict=True)
                ]
            yield reader.line_num, cells


def header_of(source: Source) -> set[str]:
    """Return the cells of the first rows of a table or workbook, among which its header stands."""
    if source.packing == "xlsx":
        try:
            rows = [cells for _, cells in sheet_rows(source)[:HEADER_WITHIN]]
        except InputError as error:
            source.fault = str(error).removeprefix(f"{source.name}: ")
            return set()
    else:
        if not source.is_text or source.is_json or source.head.lstrip().startswith("<"):
            return set()
        lines = source.head.splitlines()[:HEADER_WITHIN]
        rows = list(csv.reader(lines, delimiter=source.delimiter))
    return {cell.strip() for cells in rows for cell in cells}


def tagged(
    source: Source, line_form: re.Pattern[str], *, first: str, last: str = "", end: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield the records of a file of tagged lines, as (tag, value) pairs in their order.

    A record begins with the tag `first` and ends with `last`, either of which may be missing; a
    line without tag continues the value above it. `end` is the tag that closes the file.
    """
    record: Pairs = []
    place, number, closed = "", 0, not end
    with source.text() as file:
        file.reconfigure(newline=None)
        for number, line in enumerate(file, 1):  # noqa: B007
            found = line_form.match(line)
            if found is None:
                if record and line.strip():
                    record[-1] = (record[-1][0], f"{record[-1][1]}\n{line.strip()}")
                continue
            tag, value = found[1], (found[2] or "").strip()
            if tag == first and record:
                yield place, record
                record = []
            if tag == end:
                closed = True
            elif tag == last:
                yield from [(place, record)] if record else []
                record = []
            elif record or tag not in {"FN", "VR"}:
                place = place if record else f"line {number}"
                record.append((tag, value))
    if record:
        yield place, record
    if not closed:
        reason = f"the file ends without {end}: if it was cut short, records are missing"
        source.notes["remarks"] = [source.refuse(f"line {number}", reason)]


def values(record: Pairs, *tags: str) -> list[str]:
    """Return the values of the first of `tags` that has any."""
    for tag in tags:
        if found := [value for known, value in record if known == tag and value]:
            return found
    return []


def one(record: Pairs, *tags: str) -> str:
    """Return the first value of the first of `tags` that has any, or nothing."""
    return next(iter(values(record, *tags)), "")


def elements(source: Source, *names: str) -> Iterator[tuple[str, Any]]:
    """Yield the XML elements of these names, one by one; entities and what is outside are refused.

    What stands before a fault in the XML is kept, and the fault is a record that cannot be read.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    number = 0
    with source.unpacked() as file:
        try:
            for _, element in iterparse(file):
                name = element.tag.rpartition("}")[2]
                if name in names:
                    number += 1
                    yield f"{name} {number}", element
                    element.clear()
        except DefusedXmlException:
            raise InputError(
                f"{source.name}: XML that defines entities of its own, as no export does. Get the "
                "file again."
            ) from None
        except (ParseError, LookupError, ValueError) as error:
            yield "the XML", f"it breaks there ({error}); what follows is lost"


def json_items(source: Source, *wrappers: str) -> Iterator[tuple[str, Any]]:
    """Yield the objects of JSON: one, a list of them, JSON Lines, or what `wrappers` wrap."""

    def unwrapped(value: Any) -> Any:
        for name in wrappers:
            value = value[name] if isinstance(value, dict) and name in value else value
        return value

    with source.text() as file:
        text = file.read()
    try:
        whole = unwrapped(json.loads(text))
    except RecursionError:
        raise InputError(f"{source.name}: nested too deeply to be records. Get it again.") from None
    except ValueError as error:
        lines = text.split("\n")
        if not any(line.strip().startswith("{") and _parsed(line) for line in lines[:20]):
            raise InputError(
                f"{source.name}: not complete JSON, it breaks at line "
                f"{getattr(error, 'lineno', '?')} (cut short while downloading?). Get it again."
            ) from None
        for number, line in enumerate(lines, 1):
            if line.strip():
                value = _parsed(line)
                yield f"line {number}", "not a complete object" if value is None else unwrapped(value)
        return
    for number, item in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield f"item {number}", item


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
