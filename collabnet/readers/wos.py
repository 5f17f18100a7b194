"""Web of Science and its ISI forebears: tagged text, tab-delimited text, the workbook of today.

Source of the fields: Web of Science Core Collection field tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from collabnet.identifiers import name_key
from collabnet.readers.source import Source
from collabnet.readers.works import ORCID, Author, Work, build, clean, header_of, split, table, tagged
from collabnet.records import Records

LINE = re.compile(r"([A-Z][A-Z0-9])(?:.(.*)|$)")
"""A tag fills two columns, its value begins in the fourth."""

START = re.compile(r"\s*(FN [^\n]*|VR [\d.]+|PT [A-Z])\s*$", re.MULTILINE)
NAMES = {
    "Authors": "AU",
    "Author Full Names": "AF",
    "Addresses": "C1",
    "Article Title": "TI",
    "Reprint Addresses": "RP",
    "Publication Date": "PD",
    "Publication Year": "PY",
    "Document Type": "DT",
    "Times Cited, WoS Core": "TC",
    "Pubmed Id": "PM",
    "UT (Unique WOS ID)": "UT",
    "DOI": "DI",
    "ORCIDs": "OI",
    "Language": "LA",
    "WoS Categories": "WC",
}
"""Columns of the workbook, and the tags they stand for."""

TAGS = frozenset(NAMES.values())
LISTS = {"AU", "AF", "C1"}
"""Tags of which each line is a value."""

LEADING = re.compile(r"([^().]*)\((?:corresponding|reprint) author\)", re.IGNORECASE)
WITH_ORCID = re.compile(rf"([^;/]+?)\s*/\s*({ORCID.pattern})")
UNPREFIXED = re.compile(r"^(ISI:|(?=[A-Z0-9]+$))")


def sniff(source: Source) -> bool:
    """Is it tagged text of the Web of Science, or a table with its tags or names as columns?"""
    header = header_of(source)
    return bool(source.is_text and START.match(source.head)) or any(
        wanted <= header for wanted in ({"PT", "AU", "TI"}, {"UT (Unique WOS ID)", "Authors"})
    )


def read(source: Source) -> Records:
    """Read records; an address is tied to the authors it names in brackets, where it names any."""
    if source.packing == "xlsx" or source.delimiter == "\t" and not START.match(source.head):
        long = "UT (Unique WOS ID)" in header_of(source)
        records = table(source, *(("UT (Unique WOS ID)",) if long else ("PT", "AU", "TI")))
        return build(source, "wos", records, _of_row)
    return build(source, "wos", tagged(source, LINE, first="PT", last="ER", end="EF"), _of_lines)


def _of_row(row: dict[str, str]) -> Work:
    fields: dict[str, Any] = {NAMES.get(name, name): value for name, value in row.items() if value}
    fields |= {tag: split(fields.get(tag, "")) for tag in ("AU", "AF")}
    fields["C1"] = _addresses(fields.get("C1", ""))
    return work_of(fields)


def _of_lines(record: list[tuple[str, str]]) -> Work:
    fields: dict[str, Any] = {}
    for tag, value in record:
        if tag in TAGS:
            fields.setdefault(tag, []).extend(value.split("\n"))
    joined = {tag: " ".join(lines) for tag, lines in fields.items() if tag not in LISTS}
    addresses: list[str] = []
    for line in fields.get("C1", ()):
        # Long addresses were wrapped once; a new one begins after a full stop, or in brackets.
        if addresses and not addresses[-1].endswith(".") and not line.startswith("["):
            addresses[-1] += f" {line}"
        else:
            addresses.append(line)
    return work_of(fields | joined | {"C1": addresses})


def _addresses(cell: str) -> list[str]:
    return [a.strip() for a in re.split(r";\s*(?=\[)" if "[" in cell else ";", cell) if a.strip()]


def work_of(fields: Mapping[str, Any]) -> Work:
    """Return the work of fields by tag; `AU`, `AF`, `C1` are lists, the rest is text."""
    short, full = fields.get("AU", []), fields.get("AF", [])
    if len(full) != len(short):
        full = full or short
        short = [""] * len(full)
    loose, own = _tied(fields.get("C1", []), full, short)
    lead = {clean(name) for names in LEADING.findall(fields.get("RP", "")) for name in split(names)}
    orcids = {clean(name): orcid for name, orcid in WITH_ORCID.findall(fields.get("OI", ""))}
    authors = [
        Author(
            name=name,
            short=brief,
            orcid=orcids.get(clean(name), ""),
            affiliations=places,
            corresponding=bool({clean(name), clean(brief)} & lead) if lead else None,
        )
        for name, brief, places in zip(full, short, own, strict=True)
    ]
    return Work(
        title=fields.get("TI", ""),
        date=f"{fields.get('PD', '')} {fields.get('PY', '')}".strip(),
        type=fields.get("DT", ""),
        doi=fields.get("DI", ""),
        cited_by=fields.get("TC", ""),
        authors=authors,
        loose=loose,
        ids={"ut": UNPREFIXED.sub("WOS:", fields.get("UT", "")), "pmid": fields.get("PM", "")},
        language=fields.get("LA", ""),
        fields=split(fields.get("WC", "")),
    )


def _tied(
    addresses: list[str], full: list[str], short: list[str]
) -> tuple[list[str], list[list[str]]]:
    """Return the addresses that name no author, and those of each author."""
    index: dict[str, list[int]] = {}
    for n, (name, brief) in enumerate(zip(full, short, strict=True)):
        for key in {name_key(name), name_key(brief), _initial(name)}:
            index.setdefault(key, []).append(n)
    loose, own = [], [list[str]() for _ in full]
    for address in addresses:
        found = re.match(r"\[([^\]]*)\](.*)", address, re.DOTALL)
        names = split(found[1]) if found else []
        places = [n for name in names for n in index.get(name_key(name)) or index.get(_initial(name), [])]
        for place in dict.fromkeys(places):
            own[place].append(found[2])
        if not places:
            loose.append(found[2] if found else address)
    return loose, own


def _initial(name: str) -> str:
    """Return a key of the family name and the first initial."""
    family, _, given = name.partition(",")
    return f"{name_key(family)}, {name_key(given)[:1]}"
