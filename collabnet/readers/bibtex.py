"""BibTeX from anywhere; Scopus and Web of Science put affiliations in it.

Source of the grammar: BibTeXing (Patashnik 1988); of the fields: what the databases write.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from collabnet.readers.scopus import EID
from collabnet.readers.source import Source
from collabnet.readers.works import Author, Work, build, split
from collabnet.readers.wos import LEADING, work_of
from collabnet.records import Records

ENTRY = re.compile(r"^[ \t]*@([A-Za-z]+)[ \t]*[{(]", re.MULTILINE)
FIELD = re.compile(r"[\s,]*([^\s={}\",#][^={}\",#]*?)\s*=\s*")
BARE = re.compile(r"[^\s,{}\"#]+")
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
QUOTE = re.compile(r"\\.|[{}\"]", re.DOTALL)
NO_WORK = {"comment", "preamble", "string"}
ACCENT = re.compile(r"\\([`'^\"~=.]|[cHkruvd](?![A-Za-z]))\s*(?:\{\s*\\?([A-Za-z])\s*\}|\\?([A-Za-z]))")
COMBINING = dict(zip("`'^\"~=.cHkruvd", "\u0300\u0301\u0302\u0308\u0303\u0304\u0307\u0327\u030b\u0328\u030a\u0306\u030c\u0323", strict=True))
LETTERS = {"ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å"}
LETTERS |= {"o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "i": "ı", "j": "ȷ"}
MACRO = re.compile(r"\\([A-Za-z]+)\s*(?:\{\})?|\\([&%$#_{}])|[{}]|~")


def sniff(source: Source) -> bool:
    """Is it text with a BibTeX entry in it?"""
    return bool(source.is_text and ENTRY.search(source.head))


def read(source: Source) -> Records:
    """Read entries; an affiliation is tied to its authors where it begins with their names."""
    return build(source, "bibtex", _entries(source), _work)


def _entries(source: Source) -> Iterator[tuple[str, Any]]:
    with source.text() as file:
        text = file.read().replace("\r\n", "\n").replace("\r", "\n")
    starts = [found for found in ENTRY.finditer(text)]
    ends = [found.start() for found in starts[1:]] + [len(text)]
    line, past = 1, 0
    for found, end in zip(starts, ends, strict=True):
        line += text.count("\n", past, found.start())
        past = found.start()
        kind = found[1].lower()
        if kind not in NO_WORK:
            fields = _fields(text[found.end() : end])
            reason = "the braces or quotes of the entry do not close"
            yield f"line {line}", reason if fields is None else fields | {"ENTRYTYPE": kind}


def _fields(text: str) -> dict[str, str] | None:
    """Return the fields of an entry by lower-case name; None where it does not close."""
    key, comma, _ = text.partition(",")
    fields, place = {"ID": key.strip()}, len(key) + len(comma)
    while found := FIELD.match(text, place):
        parts, place = [], found.end()
        while place < len(text):
            value, place = _value(text, place)
            if value is None:
                return None
            parts.append(value)
            more = re.compile(r"\s*#\s*").match(text, place)
            if not more:
                break
            place = more.end()
        fields.setdefault(found[1].strip().lower(), "".join(parts))
    return fields if re.compile(r"[\s,]*[})]").match(text, place) else None


def _value(text: str, place: int) -> tuple[str | None, int]:
    """Return a value in braces, in quotes or bare, and where it ends."""
    if text[place] not in '{"':
        found = BARE.match(text, place)
        return (found[0], found.end()) if found else (None, place)
    depth, quoted = 0, text[place] == '"'
    for found in (QUOTE if quoted else BRACE).finditer(text, place + quoted):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0 and found[0] == ('"' if quoted else "}"):
            return text[place + 1 : found.start()], found.end()
    return None, place


def _plain(text: str) -> str:
    """Return text without TeX: accents and letters as they are, no braces."""

    def accented(found: re.Match[str]) -> str:
        return (found[2] or found[3]) + COMBINING[found[1]]

    text = ACCENT.sub(accented, text)
    text = MACRO.sub(lambda m: LETTERS.get(m[1] or "", m[2] or (" " if m[0] == "~" else "")), text)
    return unicodedata.normalize("NFC", text)


def _work(raw: dict[str, str]) -> Work:
    fields = {name: value if name == "url" else _plain(value) for name, value in raw.items()}
    names = re.split(r"\s+and\s+", fields.get("author", ""))
    names = [name for name in names if name.strip() and name.strip() != "others"]
    ut = fields.get("unique-id", "")
    stated = fields.get("affiliation") or fields.get("affiliations") or ""
    eid = EID.search(raw.get("url", "") + raw.get("eid", ""))
    if ut.startswith(("WOS:", "ISI:")):
        return _of_wos(fields, names, stated)
    cited = re.search(r"cited by:?\s*(\d+)", fields.get("note", ""), re.IGNORECASE)
    date = fields.get("date") or f"{fields.get('month', '')} {fields.get('year', '')}"
    return Work(
        title=fields.get("title", ""),
        date=date.strip(),
        type=fields.get("document_type") or fields["ENTRYTYPE"],
        doi=fields.get("doi", ""),
        cited_by=cited[1] if cited else "",
        authors=[Author(name=name) for name in names],
        loose=split(stated),
        ids={"eid": eid[0] if eid else "", "pmid": fields.get("pmid") or fields.get("pubmed_id", "")},
        language=fields.get("language", ""),
    )


def _of_wos(fields: dict[str, str], names: list[str], stated: str) -> Work:
    """Return the work of an entry whose affiliations begin with names: `A, B; C, D, Univ X, …`."""
    addresses = []
    for sentence in re.split(r"\.\s*\n\s*", stated.rstrip(". \n")):
        rest, mine = " ".join(sentence.split()), []
        if LEADING.match(rest):
            continue
        while found := next((n for n in names if rest.startswith((f"{n}, ", f"{n}; "))), None):
            mine.append(found)
            rest = rest[len(found) + 2 :]
        addresses.append(f"[{'; '.join(mine)}] {rest}" if mine else rest)
    tags = {"TI": "title", "PD": "month", "PY": "year", "DT": "type", "DI": "doi", "LA": "language"}
    tags |= {"TC": "times-cited", "UT": "unique-id", "WC": "web-of-science-categories", "RP": ""}
    tags |= {"OI": "orcid-numbers"}
    work = {tag: fields.get(name, "") for tag, name in tags.items()}
    return work_of(work | {"AU": names, "AF": names, "C1": addresses, "RP": stated})
