"""Tables of works: Scopus, the Lens, Dimensions, the website of OpenAlex; CSV or XLSX.

Source of the fields: the headers of these exports.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from collabnet.errors import InputError
from collabnet.identifiers import institution_id, name_key
from collabnet.readers.source import Format, Source, narrow
from collabnet.readers.workbook import sheet_rows
from collabnet.readers.works import Affiliation, Author, Row, build, clean, names, split, work

HEADER_WITHIN = 5
"""Rows of a table among which its header may stand, below a banner."""

LONGEST_CELL = 1 << 24
NUMBER, NUMBERED = re.compile(r"\d{5,}"), re.compile(r" *\(\d+\)$")


def has_columns(source: Source, form: str) -> bool:
    """Is it a table or workbook with the columns that tell a format?"""
    try:
        first = [set(map(str.strip, cells)) for _, cells in islice(_rows(source), HEADER_WITHIN)]
        source.notes.pop("remarks", None)
    except InputError as error:
        source.fault = str(error).removeprefix(f"{source.name}: ")
        return False
    return any(set(names(form)["needs"]) <= cells for cells in first)


def table(source: Source, form: str, surplus: str = "") -> Iterator[tuple[str, Any]]:
    """Yield rows as dicts; one may have more columns of the kind `surplus` than the header."""
    header: list[str] = []
    strict = source.packing != "xlsx" and _delimiter(source) != "\t"
    for number, cells in _rows(source):
        row = list(cells)
        while len(row) > len(header) and not row[-1].strip():
            row.pop()
        if not header:
            stripped = [cell.strip() for cell in row]
            header = stripped if set(names(form)["needs"]) <= set(stripped) else []
            continue
        more = len(row) - len(header)
        if more > 0 and surplus in header:
            del row[(start := header.index(surplus) + 1) : start + more]
        if len(row) > len(header) or (strict and 0 < len(row) < len(header)):
            # In a CSV a short row was cut; elsewhere empty cells at the end may be left out.
            yield f"line {number}", f"{len(row)} columns where the header has {len(header)}"
        elif row:
            row += [""] * -more
            yield f"line {number}", dict(zip(reversed(header), reversed(row), strict=True))


def _rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    if source.packing == "xlsx":
        yield from sheet_rows(source)
    if not source.is_text or source.head.lstrip()[:1] in {"{", "[", "<"}:
        return
    limit = csv.field_size_limit(LONGEST_CELL)  # it holds for the whole process
    tabs = (delimiter := _delimiter(source)) == "\t"
    quoting = csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
    with source.text() as file:
        reader = csv.reader(narrow(file), delimiter=delimiter, quoting=quoting)
        try:
            for cells in reader:
                # Between tabs, quotes belong to the text, but for those of a spreadsheet.
                yield reader.line_num, list(map(_unquoted, cells)) if tabs else cells
        except csv.Error as error:
            reason = f"not a table from here on ({error}); the rest is lost"
            source.notes["remarks"] = [source.refuse(f"line {reader.line_num}", reason)]
        finally:
            csv.field_size_limit(limit)


def _delimiter(source: Source) -> str:
    lines = source.head.splitlines()[:HEADER_WITHIN]
    line = next((line for line in lines if max(map(line.count, ",;\t|")) > 2), "")
    return max(",;\t|", key=line.count)


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell[:1] == cell[-1:] == '"' else cell


def _aligned(size: int, *columns: list[str]) -> list[tuple[str, ...]]:
    """Return lists of a cell side by side; one that is of another length says nothing."""
    return list(zip(*(c if len(c) == size else [""] * size for c in columns), strict=True))


def _scopus(row: Row) -> Row:
    eid = row.get("EID", "").strip()
    if eid and not eid.startswith("2-s2.0-"):
        raise ValueError(f"its columns are shifted: EID is {eid[:40]!r}")
    ids = NUMBER.findall(row.get("Author(s) ID", ""))
    # Exports before 2020 separate the authors by commas.
    short = split(row["Authors"], ";" if ";" in row["Authors"] or len(ids) < 2 else ", ")
    short = [name for name in short if not name.startswith("[No author")]
    full = [NUMBERED.sub("", name) for name in split(row.get("Author full names"))]
    stated, own = split(row.get("Affiliations")), split(row.get("Authors with affiliations"))
    longest = sorted(stated, key=len, reverse=True)
    lead = {_key(part) for part in split(row.get("Correspondence Address"))}
    authors = [
        Author(
            name=name,
            short=brief,
            id=number and f"scopus:{number}",
            affiliations=_of_author(mine, brief, longest),
            corresponding=_key(brief) in lead if lead else None,
        )
        for name, brief, number, mine in _aligned(len(short), full, short, ids, own)
    ]
    tied = any(author.affiliations for author in authors)
    return work("scopus", row.get, authors=authors, loose=() if tied else stated)


def _of_author(entry: str, name: str, longest: list[str]) -> list[str]:
    """Return the affiliations in `Wilson L.N., Univ A, City, Country, Univ B, City, Country`."""
    found, rest = {}, entry
    for text in longest:
        if (start := rest.find(text)) >= 0:
            found[start] = text
            rest = rest.replace(text, "\0" * len(text))
    if found:
        return [found[start] for start in sorted(found)]
    family = name.rpartition(" ")[0] or name
    after = entry.removeprefix(family).removeprefix(",").removeprefix(" ")
    alone = after.partition(",")[2].lstrip() if entry.startswith(family) else ""
    return [alone] if alone else []


@lru_cache(1 << 16)
def _key(name: str) -> str:
    return " ".join(sorted(name_key(name).split()))


def _lens(row: Row) -> Row:
    authors = split(row.get("Author/s") or row.get("Authors"))
    return work("lens", row.get, authors=[Author(name) for name in authors])


def _dimensions(row: Row) -> Row:
    stated = next(filter(None, map(row.get, names("dimensions")["authors"])), "")
    lead = dict(_bracketed(row.get("Corresponding Authors", "")))
    authors = [
        Author(name, affiliations=places, corresponding=name in lead if lead else None)
        for name, places in _bracketed(stated)
    ]
    tied = any(author.affiliations for author in authors)
    loose = () if tied else split(row.get("Research Organizations - standardized"))
    return work("dimensions", row.get, authors=authors, loose=loose)


def _bracketed(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the names and affiliations in `Ann, B (Univ X; Univ Y (Z)); Cy, D`."""
    depth, start = 0, 0
    for found in re.finditer(r"[;()]|$", text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not found[0] or (found[0] == ";" and depth <= 0):
            name, _, places = text[start : found.start()].partition("(")
            start = found.end()
            if name.strip():
                yield name.strip(), split(places.strip().removesuffix(")"))


def _openalex(row: Row) -> Row:
    def of(name: str) -> list[str]:
        cell = row.get(f"authorships.{name}")
        return ["" if part == "None" else part for part in cell.split("|")] if cell else []

    if not re.search(r"W\d+$", row["id"]):
        raise ValueError(f"no OpenAlex work: its id is {row['id'][:40]!r}")
    ids, people = of("author.id"), of("author.display_name") or of("raw_author_name")
    columns = (people, ids, of("author.orcid"), of("is_corresponding"))
    authors = [
        Author(
            name=name or number,
            id=number and f"openalex:{number.rpartition('/')[2]}",
            orcid=orcid,
            corresponding={"True": True, "False": False}.get(lead),
        )
        for name, number, orcid, lead in _aligned(max(len(ids), len(people)), *columns)
    ]
    # Institutions were objects in 2024, and are ids and names in 2026.
    objects = re.split(r"(?<=\})\|+", row.get("authorships.institutions", "").strip("|"))
    bodies = [ast.literal_eval(text) for text in objects if text]
    numbers = of("institutions.id")
    pairs = _aligned(len(numbers), numbers, of("institutions.display_name"))
    bodies += [{"id": number, "display_name": name} for number, name in pairs if number or name]
    countries = set(filter(None, of("countries")))
    alone = "".join(countries) if len(countries) == 1 else ""
    loose = [
        Affiliation(
            institution_id=institution_id(body.get("ror")) or institution_id(body.get("id")) or "",
            name=clean(body.get("display_name")),
            country=clean(body.get("country_code")) or alone,
        )
        for body in bodies
    ]
    missing = countries - {one.country for one in loose}
    loose += [Affiliation(country=code) for code in sorted(missing)]
    return work("openalex-csv", row.get, authors=authors, loose=loose)


def _format(form: str, title: str, make: Callable[[Row], Row], surplus: str = "") -> Format:
    return Format(
        title,
        partial(has_columns, form=form),
        lambda source: build(source, form, table(source, form, surplus), make),
    )


FORMATS = {
    "openalex-csv": _format("openalex-csv", "OpenAlex website export (CSV)", _openalex),
    "scopus": _format("scopus", "Scopus (CSV)", _scopus, surplus="Funding Text 1"),
    "lens": _format("lens", "the Lens (CSV)", _lens),
    "dimensions": _format("dimensions", "Dimensions (CSV, XLSX)", _dimensions),
}
