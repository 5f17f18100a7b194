"""Files of tagged lines: Web of Science (and its table), MEDLINE, RIS.

Source of the fields: Web of Science Core Collection field tags; NLM, MEDLINE/PubMed data elements;
the RIS format of 2001 and 2011, and what programs write in its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

from collabnet.countries import country_of
from collabnet.identifiers import name_key
from collabnet.readers.source import Format, Source
from collabnet.readers.tables import has_columns, table
from collabnet.readers.works import Author, Row, build, clean, names, split, work, written
from collabnet.records import Records

Lines = list[tuple[str, list[str]]]

WOS = re.compile(r"([A-Z][A-Z0-9])(?:.(.*)|$)")
"""A tag fills two columns, its value begins in the fourth."""

MEDLINE = re.compile(r"([A-Z]{2,4}) *-(?: (.*)|$)")
RIS = re.compile(r"\s*([A-Z][A-Z0-9]) {0,3}-(?: (.*)|$)")
LONGEST = 200_000
"""Lines of a field; ten thousand authors need as many."""

LEADING = re.compile(r"\((?:corresponding|reprint) author\)", re.IGNORECASE)
NO_AUTHOR = {"CN", "FED", "ED", "FIR", "IR", "FPS", "PS"}
"""Tags of groups, editors and investigators: what follows them is not an author's."""

RIS_IDS = {"eid": r"2-s2\.0-\d+", "ut": r"WOS:\w+", "openalex_id": r"(?<=openalex\.org/)W\d+"}
RIS_IDS["cited_by"] = r"(?<=cited by: )\d+|(?<=core collection: )\d+"


def tagged(
    source: Source, form: re.Pattern[str], *, first: str, last: str = "", end: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield records as (tag, lines) pairs; a record may lack `first` or `last`."""
    record: Lines = []
    place, number, closed, empty = "", 0, not end, True
    bounds, passed_over = {first, last} - {""}, {last, end}
    with source.text() as file:
        file.reconfigure(newline=None)
        for number, line in enumerate(file, 1):
            if not (found := form.match(line)):
                if record and (text := line.strip()):
                    record[-1][1].append(text)
                    if len(record[-1][1]) > LONGEST:
                        yield f"line {number}", f"a field of more than {LONGEST:,} lines"
                        record = []
                continue
            tag = found[1]
            closed = closed or tag == end
            if tag in bounds and record:
                yield place, record
                record = []
            if tag not in passed_over and (record or tag not in {"FN", "VR"}):
                place, empty = place if record else f"line {number}", False
                record.append((tag, [(found[2] or "").strip()]))
    if record:
        yield place, record
    if empty:
        yield "line 1", f"no record in it: none begins with {first}"
    if not closed:
        reason = f"the file ends without {end}: if it was cut short, records are missing"
        source.notes["remarks"] = [source.refuse(f"line {number}", reason)]


def _getter(record: Lines) -> Callable[[str], Any]:
    """Return the function that gives the first value of a tag."""
    return {tag: " ".join(lines) for tag, lines in reversed(record) if any(lines)}.get


def _sniff_wos(source: Source) -> bool:
    tags = re.match(r"\s*(FN [^\n]*|VR [\d.]+|PT [A-Z])\s*$", source.head, re.MULTILINE)
    return bool(tags) or any(has_columns(source, form) for form in ("wos", "wos-names"))


def _read_wos(source: Source) -> Records:
    for form in ("wos", "wos-names"):
        if has_columns(source, form):
            return build(source, "wos", table(source, form), _of_row)
    return build(source, "wos", tagged(source, WOS, first="PT", last="ER", end="EF"), _of_lines)


def _of_row(row: Row) -> Row:
    long = names("wos-names")
    fields = row if "UT" in row else {tag: row.get(long[tag][0], "") for tag in long}
    cell = fields.get("C1", "")
    addresses = re.split(r";\s*(?=\[)", cell) if "[" in cell else split(cell)
    return wos(fields.get, split(fields.get("AU")), split(fields.get("AF")), addresses)


def _of_lines(record: Lines) -> Row:
    lists: dict[str, list[str]] = {"AU": [], "AF": [], "C1": []}
    for tag, lines in record:
        lists.get(tag, []).extend(filter(None, lines))
    # Long addresses were once wrapped: a new one begins after a full stop, or in brackets.
    addresses = re.split(r"(?<=\.)\n|\n(?=\[)", "\n".join(lists["C1"]))
    return wos(_getter(record), lists["AU"], lists["AF"], list(filter(None, addresses)))


def wos(get: Callable[[str], Any], short: list[str], full: list[str], places: list[str]) -> Row:
    """Return a work; an address is tied to the authors it names in brackets, if it names any."""
    if len(full) != len(short):
        full, short = full or short, [""] * len(full or short)
    places = list(map(clean, places))
    named = any(place.startswith("[") for place in places)
    index = _index({name_key(n), name_key(s)} for n, s in zip(full, short, strict=True) if named)
    initials: dict[str, list[int]] = {}
    loose, own = [], [list[str]() for _ in full]
    for place in places:
        inside, _, rest = place[1:].partition("]") if place.startswith("[") else ("", "", place)
        keys = [name if (name := name_key(n)) in index else _initial(n) for n in split(inside)]
        if not initials and any(key not in index for key in keys):
            initials = _index({_initial(name)} for name in full)
            index |= initials
        found = dict.fromkeys(n for key in keys for n in index.get(key, ()))
        for n in found:
            own[n].append(rest)
        loose += [] if found else [rest]
    lead = _leads(get("RP") or "")
    orcids = {clean(part.rpartition("/")[0]): part for part in split(get("OI"))}
    authors = [
        Author(
            name=name,
            short=brief,
            orcid=orcids.get(written(name), "") if orcids else "",
            affiliations=mine or [*filter(None, map(lead.get, map(written, (name, brief))))][:1],
            corresponding=(written(name) in lead or written(brief) in lead) if lead else None,
        )
        for name, brief, mine in zip(full, short, own, strict=True)
    ]
    ut = (get("UT") or "").removeprefix("ISI:")
    ut = ut if ":" in ut or not ut else f"WOS:{ut}"
    return work("wos", get, ut=ut, authors=authors, loose=loose)


def _index(keys: Iterable[set[str]]) -> dict[str, list[int]]:
    """Return the places in a list of authors of each key of theirs."""
    index: dict[str, list[int]] = {}
    for n, mine in enumerate(keys):
        for key in mine:
            index.setdefault(key, []).append(n)
    return index


def _leads(text: str) -> dict[str, str]:
    """Return the corresponding authors and their address, which may stand nowhere else."""
    found: dict[str, str] = {}
    parts = LEADING.split(text)
    for n, (before, after) in enumerate(pairwise(parts), 2):
        names = re.split(r"[.)]", before)[-1]
        others = re.split(r"[.)]", after)[-1] if n < len(parts) else ""  # of the next address
        address = clean(after.removesuffix(others)).strip(" ,;.")
        found |= {clean(name): address for name in split(names)}
    return found


@lru_cache(1 << 16)
def _initial(name: str) -> str:
    """Return the family name and the first initial as a key."""
    family, _, given = name.partition(",")
    return f"{name_key(family)}, {name_key(given)[:1]}"


def _medline(record: Lines) -> Row:
    authors: list[Row] = []
    mine: Row = {}
    doi = ""
    for tag, lines in record:
        value = " ".join(lines)
        if tag == "FAU" or (tag == "AU" and (not mine or "short" in mine)):
            mine = {"name" if tag == "FAU" else "short": value, "affiliations": []}
            authors.append(mine)
        elif tag in NO_AUTHOR:
            mine = {}
        elif mine and tag in {"AU", "AUID"}:
            mine["short" if tag == "AU" else "orcid"] = value
        elif mine and tag == "AD":
            mine["affiliations"] += apart(value)
        elif value.endswith("[doi]"):
            doi = value.removesuffix("[doi]").strip()
    return work("pubmed", _getter(record), doi=doi, authors=[Author(**one) for one in authors])


def apart(text: str) -> list[str]:
    """Return the affiliations in one: some are joined by semicolons, each with its country."""
    parts = split(clean(text))
    named = sum(country_of(part[-500:]) is not None for part in parts)
    return parts if named > 1 else [text]


def _ris(record: Lines) -> Row:
    get, before = _getter(record), ""
    authors: list[list[str]] = []
    loose, links = [], []
    for tag, lines in record:
        if tag in {"AU", "A1"}:
            authors.append(lines[:1])
        elif tag == "C1" and before in {"AU", "A1", "C1"} and authors:
            authors[-1] += lines  # so OpenAlex ties affiliations to authors
        elif tag == "AD":
            loose += lines
        elif tag in {"UR", "L2", "AN", "ID", "U1", "N1"}:
            links += lines
        before = tag
    tied = sum(len(author) > 1 for author in authors) > 1 or len(authors) == 1
    text = clean(" ".join(links))
    found = {name: re.search(form, text, re.IGNORECASE) for name, form in RIS_IDS.items()}
    return work(
        "ris",
        get,
        authors=[Author(name, affiliations=places if tied else ()) for name, *places in authors],
        loose=loose,
        pmid=get("C2") if get("DB") == "Scopus" else "",
        **{name: match[0] for name, match in found.items() if match},
    )


FORMATS = {
    "wos": Format("Web of Science (tagged, tab-delimited, XLSX)", _sniff_wos, _read_wos),
    "pubmed": Format(
        "PubMed (MEDLINE text)",
        lambda source: bool(re.match(r"\s*PMID *- *\d", source.head)),
        lambda source: build(source, "pubmed", tagged(source, MEDLINE, first="PMID"), _medline),
    ),
    "ris": Format(
        "RIS",
        lambda source: bool(re.search(r"^[ \t]{0,9}TY {0,3}- ?\w", source.head, re.MULTILINE)),
        lambda source: build(source, "ris", tagged(source, RIS, first="TY", last="ER"), _ris),
    ),
}
