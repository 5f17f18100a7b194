"""RIS from anywhere: Scopus, Web of Science, OpenAlex, Zotero, EndNote, publishers.

Source of the fields: the RIS format of 2001 and 2011, and what these programs write.
"""

from __future__ import annotations

import re

from collabnet.readers.scopus import EID
from collabnet.readers.source import Source
from collabnet.readers.works import Author, Pairs, Work, build, clean, one, tagged, values
from collabnet.records import Records

LINE = re.compile(r"\s*([A-Z][A-Z0-9]) {0,3}-(?: (.*)|$)")
START = re.compile(r"^\s*TY {0,3}- ?\w", re.MULTILINE)
CITED = re.compile(r"(?:times cited|cited by)[^:\d]*:\s*(\d+)", re.IGNORECASE)
OPENALEX = re.compile(r"\bW\d{4,}\b")
UT = re.compile(r"WOS:\w+")


def sniff(source: Source) -> bool:
    """Is it RIS?"""
    return bool(source.is_text and START.search(source.head))


def read(source: Source) -> Records:
    """Read records; affiliations are tied to authors only where they stand between them."""
    return build(source, "ris", tagged(source, LINE, first="TY", last="ER"), _work)


def _work(record: Pairs) -> Work:
    authors: list[list[str]] = []
    loose = [place for value in values(record, "AD") for place in value.split("\n")]
    before = ""
    for tag, value in record:
        if tag in {"AU", "A1"} and value:
            authors.append([value])
        elif tag == "C1" and before in {"AU", "A1", "C1"} and authors:
            authors[-1].append(value)  # so OpenAlex ties affiliations to authors
        before = tag
    tied = len([author for author in authors if author[1:]]) > 1 or len(authors) == 1
    year, day = one(record, "PY", "Y1"), one(record, "DA", "Y1")
    notes = " ".join(values(record, "N1"))
    links = " ".join(value for tag, value in record if tag in {"UR", "L2", "AN", "ID", "U1"})
    found = {"eid": EID.search(links), "ut": UT.search(links)}
    ids = {name: match[0] for name, match in found.items() if match}
    if "openalex.org" in links and (openalex := OPENALEX.search(links)):
        ids["openalex_id"] = openalex[0]
    if "Scopus" in values(record, "DB"):
        ids["pmid"] = one(record, "C2") if one(record, "C2").isdigit() else ""
    return Work(
        title=one(record, "TI", "T1", "CT", "BT"),
        date=day if year[:4] in day else f"{day} {year}",
        type=one(record, "M3") if ids.get("eid") else one(record, "TY"),
        doi=one(record, "DO", "M3", "L3"),
        cited_by=next(iter(CITED.findall(notes)), ""),
        authors=[Author(name=a[0], affiliations=a[1:] if tied else ()) for a in authors],
        loose=loose,
        ids=ids,
        language=clean(one(record, "LA")),
    )
