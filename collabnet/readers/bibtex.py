r"""BibTeX from anywhere; Scopus and Web of Science put affiliations in it.

Source of the grammar: BibTeXing (Patashnik 1988); of the fields: what the databases write. Parsers
of others read it too, but none says at which line an entry does not close, and keeps the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from collabnet.readers.source import Format, Source
from collabnet.readers.tagged import LEADING, wos
from collabnet.readers.works import Author, Row, build, clean, names, split, work

ENTRY = re.compile(r"^[ \t]{0,9}@([A-Za-z]+)[ \t]{0,9}[{(]", re.MULTILINE)
FIRST = re.compile(r"^[ \t]{0,9}@[A-Za-z]+\s{0,9}\{\s{0,9}[^\s,{}=]*,", re.MULTILINE)
"""What tells BibTeX from the style sheets and programs that have a word behind an @ too."""

LONGEST = 10_000_000
"""Letters of an entry; one of five thousand authors has less than a million."""

NO_WORK = {"comment", "preamble", "string"}
MARK = re.compile(r"\\.|[{}\",]", re.DOTALL)
ACCENT = re.compile(r"\\(?:([`'^\"~=.])|([cHkruvd])(?![A-Za-z])) ?\{? ?\\?([A-Za-z])")
SIGNS = "\u0300\u0301\u0302\u0308\u0303\u0304\u0307\u0327\u030b\u0328\u030a\u0306\u030c\u0323"
SIGN_OF = dict(zip("`'^\"~=.cHkruvd", SIGNS, strict=True))
LETTERS = {"ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø"}
LETTERS |= {"O": "Ø", "l": "ł", "L": "Ł"}
MACRO = re.compile(r"\\([A-Za-z]+) ?|\\(.)|[{}]|(~)", re.DOTALL)


def _entries(source: Source) -> Iterator[tuple[str, Any]]:
    with source.text() as file:
        file.reconfigure(newline=None)
        text = file.read()
    starts = list(ENTRY.finditer(text))
    line, past = 1, 0
    for n, found in enumerate(starts):
        line += text.count("\n", past, past := found.start())
        end = starts[n + 1].start() if n + 1 < len(starts) else len(text)
        if found[1].lower() not in NO_WORK:
            entry = text[found.end() : min(end, found.end() + LONGEST)]
            fields = _fields(entry) or "the braces of the entry do not close"
            yield (
                f"line {line}",
                fields if isinstance(fields, str) else {"entry": found[1], **fields},
            )


def _fields(text: str) -> dict[str, str]:
    """Return the fields of an entry by lower-case name, nothing where it does not close."""
    parts, start, depth, quoted = [], 0, 0, False
    for found in MARK.finditer(text):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        quoted ^= found[0] == '"' and depth == 0
        if depth < 0 or (found[0] == "," and depth == 0 and not quoted):
            parts.append(text[start : found.start()].partition("="))
            start = found.end()
        if depth < 0:
            return {name.strip().lower(): value.strip().strip('"') for name, _, value in parts}
    return {}


def _plain(text: str) -> str:
    """Return text without TeX: accents and letters as they are, no braces."""
    text = ACCENT.sub(lambda found: found[3] + SIGN_OF[found[1] or found[2]], text)
    text = MACRO.sub(lambda m: LETTERS.get(m[1] or "", m[2] or (" " if m[3] else "")), text)
    return unicodedata.normalize("NFC", text)


def _work(raw: dict[str, str]) -> Row:
    fields = {name: value if name == "url" else _plain(value) for name, value in raw.items()}
    people = re.split(r"\s+and\s+", fields.get("author", "").strip())
    people = [name for name in map(clean, people) if name not in {"", "others"}]
    stated = fields.get("affiliation") or fields.get("affiliations") or ""
    if fields.get("unique-id", "").startswith(("WOS:", "ISI:")):
        known = {tag: fields.get(name, "") for tag, (name,) in names("wos-bibtex").items()}
        return wos(known.get, people, people, _addresses(stated, people))
    eid = re.search(r"2-s2\.0-\d+", raw.get("url", ""))
    cited = re.search(r"cited by:? *(\d+)", fields.get("note", ""), re.IGNORECASE)
    ids = {"eid": eid[0] if eid else "", "cited_by": cited[1] if cited else ""}
    authors = [Author(name) for name in people]
    return work("bibtex", fields.get, authors=authors, loose=split(stated), **ids)


def _addresses(stated: str, people: list[str]) -> list[str]:
    """Return `A, B; C, D, Univ X` as `[A, B; C, D] Univ X`, without those of the corresponding."""
    addresses = []
    for sentence in re.split(r"\.\s*\n", stated):
        rest, mine = clean(sentence), []
        while found := next((n for n in people if rest.startswith((f"{n}, ", f"{n}; "))), None):
            mine.append(found)
            rest = rest[len(found) + 2 :]
        if rest and not LEADING.search(rest):
            addresses.append(f"[{'; '.join(mine)}] {rest}" if mine else rest)
    return addresses


FORMATS = {
    "bibtex": Format(
        "BibTeX",
        lambda source: bool(source.is_text and FIRST.search(source.head)),
        lambda source: build(source, "bibtex", _entries(source), _work),
    )
}
