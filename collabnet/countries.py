"""The country of an affiliation, read off the end of it; what decides stands in `docs/matching.md`.

Names are those of ISO 3166-1 and of CLDR in seven languages, and those that databases and authors
write (`data/countries.csv`).
"""

from __future__ import annotations

import csv
import html
import re
from functools import cache, lru_cache
from importlib.resources import files

from collabnet import settings
from collabnet.identifiers import name_key

NOISE = re.compile(  # what follows a country: addresses, telephone numbers, initials of authors
    r"electronic address.*|e-?mails?\b.*|\S+@\S+|https?:\S+|www\.\S+|\borcid\b.*|#[A-Z]+#"
    r"|\b(tel|fax|phone)\b[\s.]*([:;].*|\+?\(?\d.*|$)|\((corresponding|reprint) author\)"
    r"|\b\d{4} [A-Z]{2}(?=[\s.,;]*$)"
    r"|(?<!congo )\((?!(?:UK|USA|UAE|PRC|KSA)\))"
    r"(?:[A-Z]\.?[-. ]*){1,4}(?:[,;] *(?:[A-Z]\.?[-. ]*){1,4})*\)",
    re.IGNORECASE | re.DOTALL,
)
PASSED_OVER = re.compile(r".*\d.*|and|the|amp", re.IGNORECASE)
POSTCODE = re.compile(r"\d{5}(\d{4})?")
WORDS = re.compile("AL|CO|DE|HI|ID|IN|LA|MA|MD|ME|MS|OK|OR|PA")
"""Codes of states that are words or degrees too: they need a part of their own, or a postcode."""

ADDRESSES = re.compile(r"[;|\n]|\band\b")
"""What may lie between two addresses in one text."""

LONGEST = 9
"""Words of the longest name of a country that is looked for."""


@cache
def country_names() -> dict[str, dict[str, str]]:
    """Return kind → key → code: of names, states, state codes, and what lies `beside` a name."""
    found: dict[str, dict[str, str]] = {"name": {}, "state": {}, "state code": {}}
    with (files("collabnet") / "data" / "countries.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            kind = row["kind"].replace("written", "name")
            for name in row["names"].split("|"):
                key = name if kind == "state code" else name_key(name).removesuffix(" the")
                found.setdefault(kind, {})[key] = row["code"]
    return found


def country_of(text: object) -> str | None:
    """Return the country (ISO 3166-1 alpha-2) an affiliation ends with; None where none is sure.

    Of several addresses in one text none is sure, unless they are of one country.

    >>> country_of("Univ Kinshasa, DEM REP CONGO"), country_of("Stanford, CA 94305 USA.")
    ('CD', 'US')
    """
    found = ends_of(text) if isinstance(text, str) else ()
    return next(iter(found)) if len(found) == 1 else None


def ends_of(text: str) -> set[str]:
    """Return the countries that the addresses in a text end with; none where the last has none."""
    return {settings.COUNTRIES.get(code, code) for code in _ends_of(text)}


@lru_cache(1 << 16)  # one affiliation stands in many works
def _ends_of(text: str) -> set[str]:
    last, names = _end_of(text), country_names()
    found = {last} if last else set()
    for address in ADDRESSES.split(text)[:-1] if last else ():
        end = (name_key(address.rpartition(",")[2]) or "").removeprefix("the ")
        if end in names["state"] or names["name"].get(end):
            found.add(_end_of(address) or last)
    return found


def _end_of(text: str) -> str | None:
    parts = re.split(r"[,;|\n]", NOISE.sub(" ", html.unescape(text)))
    words = [(word, n) for n, part in enumerate(parts) for word in re.findall(r"\w+", part)]
    tail = ""
    while words and PASSED_OVER.fullmatch(words[-1][0]):
        tail = words.pop()[0] + tail
    if not words:
        return None
    zipped, names = bool(POSTCODE.fullmatch(tail)), country_names()
    keys = [name_key(word) or word.lower() for word, _ in words]
    ends = (" ".join(keys[-size:]) for size in range(min(LONGEST, len(keys)), 0, -1))
    end = next((end for end in ends if end in names["state"] or end in names["name"]), "")
    last, alone = words[-1][0], len(words) > 1 and words[-1][1] != words[-2][1]
    if end in names["state"]:  # New Mexico, before Mexico
        code = names["state"][end]
    elif end:
        code = names["name"][end]
        state = "US" if end == "georgia" and zipped else _beside(end, keys)
        code = state or _beside(code, keys) or code
    elif len(words) > 1 and (alone or zipped or not WORDS.fullmatch(last)):
        code = _beside(last, keys) or names["state code"].get(last)
    else:
        code = None
    return code


def english_names() -> dict[str, str]:
    """Return code → a name of the country that `country_of` reads as this code."""
    return {code: name for name, code in reversed(country_names()["name"].items())}


def _beside(name: str, keys: list[str]) -> str | None:
    """Return the country that another word of the text makes of a name or code."""
    text, near = f" {' '.join(keys)} ", country_names().get(f"beside {name}", {})
    return next((code for words, code in near.items() if f" {words} " in text), None)


def countries_in(words: list[str]) -> set[str]:
    """Return the countries that are named anywhere among words without case and accents."""
    names, found = country_names(), set()
    for start in range(len(words)):
        for end in range(start + 4, start, -1):
            key = " ".join(words[start:end])
            if code := names["name"].get(key) or names["state"].get(key):
                found.add(settings.COUNTRIES.get(code, code))
                break
    return found
