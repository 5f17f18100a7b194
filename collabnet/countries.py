"""The country of an affiliation, read off the end of it.

Names are those of ISO 3166-1 and of CLDR in seven languages, and those that databases and authors
write (`data/countries.csv`). A state that broke up into several gives no country.
"""

from __future__ import annotations

import csv
import html
import re
from functools import cache
from importlib.resources import files

from collabnet import settings
from collabnet.identifiers import name_key

NOISE = re.compile(
    r"electronic address.*|e-?mails?\b.*|\S+@\S+|https?:\S+|www\.\S+|\borcid\b.*|#[A-Z]+#"
    r"|\b(tel|fax|phone)\b[\s.:]*\+?\(?\d.*|\((corresponding|reprint) author\)"
    r"|\b\d{4} [A-Z]{2}(?=[\s.,;]*$)"
    r"|\((?:[A-Z]\.?[-. ]*){1,4}(?:[,;] *(?:[A-Z]\.?[-. ]*){1,4})*\)",
    re.IGNORECASE | re.DOTALL,
)
"""What may follow a country: addresses, telephone numbers, the initials of authors."""

SKIPPED = {"and", "the", "amp"}
DIGIT = re.compile(r"\d")
US_POSTCODE = re.compile(r"\d{5}(\d{4})?")
WORDS = re.compile("AL|CO|DE|HI|ID|IN|LA|MA|MD|ME|MS|OK|OR|PA")
"""Codes of states that are words or degrees too: they need a part of their own, or a postcode."""

LONGEST = 9
"""Words of the longest name of a country that is looked for."""


@cache
def _names() -> dict[str, dict[str, str]]:
    """Return kind → key → code: names, states and state codes, and what lies `beside` a name."""
    found: dict[str, dict[str, str]] = {"name": {}, "state": {}, "state code": {}}
    path = files("collabnet") / "data" / "countries.csv"
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            kind = row["kind"].replace("written", "name")
            for name in row["names"].split("|"):
                key = name if kind == "state code" else name_key(name).removesuffix(" the")
                found.setdefault(kind, {})[key] = row["code"]
    return found


def country_of(text: object) -> str | None:
    """Return the country an affiliation ends with, or None where it names none for certain.

    The end decides, behind which addresses and postcodes are passed over: a city is no country,
    and a name in the middle is part of an institution's. A state of the USA, Canada or Australia
    gives its country. *Georgia* is the country unless
    a postcode or a city says that it is the state; *Congo* is Brazzaville unless a city says
    Kinshasa. Czechoslovakia, the USSR and Yugoslavia are no country of today: None.

    Parameters
    ----------
    text
        An affiliation as written, of one institution.

    Returns
    -------
    ISO 3166-1 alpha-2, after `settings.COUNTRIES` (Hong Kong under its own code, for one).

    Examples
    --------
    >>> country_of("Univ Kinshasa, DEM REP CONGO"), country_of("Stanford, CA 94305 USA.")
    ('CD', 'US')
    >>> country_of("Queens Univ Belfast, NORTH IRELAND"), country_of("Lebanon, NH 03756")
    ('GB', 'US')
    """
    if not isinstance(text, str):
        return None
    parts = re.split(r"[,;|\n]", NOISE.sub(" ", html.unescape(text)))
    words = [(word, n) for n, part in enumerate(parts) for word in re.findall(r"\w+", part)]
    last = len(words)
    while last and (words[last - 1][0].casefold() in SKIPPED or DIGIT.search(words[last - 1][0])):
        last -= 1
    postcode = "".join(word for word, _ in words[last:])
    keys = [name_key(word) or word.lower() for word, _ in words[:last]]
    code = _named(keys, postcode) if last else None
    if code is None and last > 1:
        alone = words[last - 1][1] != words[last - 2][1]
        code = _state(keys, words[last - 1][0], postcode, alone=alone)
    return settings.COUNTRIES.get(code, code) if code else None


def _named(keys: list[str], postcode: str) -> str | None:
    """Return the country whose name is the longest at the end; "" where it is none of today."""
    names = _names()
    for size in range(min(LONGEST, len(keys)), 0, -1):
        tail = " ".join(keys[-size:])
        if tail in names["state"]:  # New Mexico
            return names["state"][tail]
        if (code := names["name"].get(tail)) is not None:
            if tail == "georgia" and US_POSTCODE.fullmatch(postcode):
                return "US"
            return _beside(tail, keys) or _beside(code, keys) or code
    return None


def _beside(name: str, keys: list[str]) -> str | None:
    """Return the country that another word of the text makes of a name or code."""
    text = f" {' '.join(keys)} "
    return next(
        (c for w, c in _names().get(f"beside {name}", {}).items() if f" {w} " in text), None
    )


def _state(keys: list[str], last: str, postcode: str, *, alone: bool) -> str | None:
    """Return the country of a state's code at the end."""
    code = _names()["state code"].get(last)
    if not code or (WORDS.fullmatch(last) and not alone and not US_POSTCODE.fullmatch(postcode)):
        return None
    return _beside(last, keys) or code
