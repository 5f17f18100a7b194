"""What figures and the atlas say, in every language of `data/words`, and how wide it is.

A language is one file: the words of figures and those of the atlas; where a figure has three forms,
they are for none, one and many. Names are data: they are escaped here, and nowhere else, before
plotly sees them.
"""

from __future__ import annotations

import html
import json
import math
import unicodedata
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from collabnet import settings
from collabnet.errors import UnknownNameError

Words = dict[str, Any]

FOLDER = Path(str(files("collabnet") / "data" / "words"))
WORDS: dict[str, dict[str, Words]] = {
    file.stem: json.loads(file.read_text(encoding="utf-8"))
    for file in sorted(FOLDER.glob("*.json"))
}
NARROW, WIDE = frozenset("ijlI.,;:'’|!()[]-/frt "), frozenset("mwMW@%…—&QOG")


def words_of(lang: str | None, part: str = "figures") -> Words:
    """Return the words of a language, by default that of the settings."""
    lang = lang or settings.LANGUAGE
    if lang not in WORDS:
        raise UnknownNameError("language", lang, WORDS)
    return WORDS[lang][part]


def count(words: Words, key: str, n: int) -> str:
    """Say how many, in the form that none, one or many takes."""
    return words[key][min(n, 2)].format(n=number(n, words))


def number(value: float, words: Words) -> str:
    """Write a number with at most two decimals, a small one with its first digit."""
    digits = 2 if not 0 < abs(value) < 0.01 else -math.floor(math.log10(abs(value)))
    text = f"{float(value):,.{digits}f}".rstrip("0").rstrip(".")
    return text.translate(dict(zip(map(ord, ",."), words["separators"], strict=True)))


def capital(text: str) -> str:
    """Return a text with its first letter in upper case, the others as they are."""
    return text[:1].upper() + text[1:]


def kind_of(note: dict[str, Any], words: Words) -> str:
    """Name what a table counts."""
    return words.get(note.get("kind"), words["link"])


def told(note: dict[str, Any], words: Words) -> str:
    """Say how the links were counted: what, which years, which scheme."""
    scheme = words.get(note.get("count"), "")
    least = note.get("rounded_to")
    safe = words["rounded"].format(n=least) if least else ""
    return ", ".join(filter(None, [spanned(note, words), scheme, safe])) if note else ""


def spanned(note: dict[str, Any], words: Words) -> str:
    """Name what a table counts, and in which years."""
    first, last = note.get("years") or (None, None)
    return f"{kind_of(note, words)} {years(first, last, words)}".strip()


def years(first: Any, last: Any, words: Words) -> str:
    """Write the years of a link; one without an end is open."""
    if pd.isna(first):
        return ""
    if pd.isna(last):
        return words["since"].format(first=int(first))
    return f"{int(first)}" if first == last else f"{int(first)}–{int(last)}"


def name_in(row: dict[str, Any], lang: str) -> Any:
    """Return the name of an institution in a language (`names` is a JSON object), else its own."""
    names = row.get("names")
    known = json.loads(names) if isinstance(names, str) and names.startswith("{") else {}
    return known.get(lang) or row["name"]


def plain(text: Any, longest: int = 90) -> str:
    """Return a text as plotly must write it: no tag, no formula, no control sign, one line."""
    words = " ".join(str(text).split())
    words = "".join(sign for sign in words if unicodedata.category(sign)[0] != "C")
    if len(words) > longest:
        words = words[: longest - 1].rstrip() + "…"
    return html.escape(words, quote=False).replace("$", "&#36;")


def text_width(text: str, size: float) -> float:
    """Return the width of a text in pixels: as wide as the widest usual sans serif sets it."""
    width = 0.0
    for sign in text:
        if sign in NARROW:
            width += 0.37
        elif sign in WIDE or unicodedata.east_asian_width(sign) in "WF":
            width += 1.0
        else:
            width += 0.72 if sign.isupper() else 0.62
    return width * size


def wrap(text: str, width: float, size: float, most: int) -> list[str]:
    """Break a text into at most `most` lines of `width` pixels; what is too long ends in "…"."""
    lines = [""]
    for word in str(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = lines[:most]
    if len(lines) > most:
        kept[-1] += "…"
    return [_shortened(line, width, size) for line in kept]


def _shortened(line: str, width: float, size: float) -> str:
    most = 2 + int(width / size / 0.37)  # no sign is narrower
    line = line if len(line) <= most else f"{line[:most]}…"
    while text_width(line, size) > width and len(line) > 2:
        line = line.rstrip("…")[:-1].rstrip() + "…"
    return line
