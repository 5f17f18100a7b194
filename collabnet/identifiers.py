"""Codes and names as people write them → one normal form."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

ROR = re.compile(r"(?:https?://)?(?:ror\.org/)?(0[a-hj-km-np-tv-z0-9]{6}\d{2})/?", re.IGNORECASE)
OPENALEX = re.compile(
    r"(?:https?://openalex\.org/(?:institutions/)?|openalex:)?(I\d+)", re.IGNORECASE
)
PIC = re.compile(r"(?:pic:?\s*)?(\d{9})", re.IGNORECASE)
ERASMUS = re.compile(r"(?:erasmus:)?(?:([A-Z]{1,2}) |(IRL|LUX) ?)([A-Z][A-Z-]*) ?(\d{1,3})")
HEI = re.compile(r"(?:hei:)?((?:[a-z0-9-]+\.)+[a-z]{2,})")
OTHER = re.compile(r"(?:grid:)?(grid\.\d{3,7}\.[0-9a-f]{1,2})|(?:wikidata:)?(Q\d+)", re.IGNORECASE)
SITE = re.compile(r"(?:https?://)?(?:www\d?\.)?((?:[a-z0-9-]+\.)+[a-z]{2,})/?")
INITIALS, BETWEEN = re.compile(r"(\w\.?-?){1,3}"), re.compile(r"[^\w]+")
DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d+/.+)", re.IGNORECASE)


def iso_country(code: object) -> str | None:
    """Return an ISO 3166-1 alpha-2 code, or None where `code` is none.

    EU files write EL for Greece and UK for the United Kingdom; `NA` is Namibia.

    Parameters
    ----------
    code
        Two letters, in any case.

    Examples
    --------
    >>> iso_country("el"), iso_country("UK"), iso_country("NA"), iso_country("")
    ('GR', 'GB', 'NA', None)
    """
    text = code.strip().upper() if isinstance(code, str) else ""
    if len(text) != 2 or not text.isascii() or not text.isalpha():
        return None
    return {"EL": "GR", "UK": "GB"}.get(text, text)


def institution_id(text: object) -> str | None:
    r"""Return an identifier of an institution in its normal form, or None where it is none.

    A ROR id is bare; the others carry their prefix: `openalex:`, `pic:`, `erasmus:`, `hei:`,
    `grid:`, `wikidata:`.

    Parameters
    ----------
    text
        ROR id or address, OpenAlex id, PIC, Erasmus code (no-break and double spaces too), GRID or
        Wikidata id, or the internet domain Erasmus Without Paper uses.

    Examples
    --------
    >>> institution_id("https://ror.org/00afp2z80"), institution_id("B  LIEGE01")
    ('00afp2z80', 'erasmus:B LIEGE01')
    >>> institution_id("999976105"), institution_id("uliege.be"), institution_id("Liège")
    ('pic:999976105', 'hei:uliege.be', None)
    """
    written = " ".join(text.split()) if isinstance(text, str) else ""
    if found := ROR.fullmatch(written):
        return found[1].lower()
    if found := OPENALEX.fullmatch(written):
        return f"openalex:{found[1].upper()}"
    if found := PIC.fullmatch(written):
        return f"pic:{found[1]}"
    if found := ERASMUS.fullmatch(written):
        return f"erasmus:{found[2] or found[1] + ' '}{found[3]}{found[4]}"
    if found := OTHER.fullmatch(written.removeprefix("https://www.wikidata.org/wiki/")):
        return f"grid:{found[1].lower()}" if found[1] else f"wikidata:{found[2].upper()}"
    if found := HEI.fullmatch(written.lower()):
        return f"hei:{found[1]}"
    return None


def site(address: object) -> str | None:
    """Return the host of a web address without path and `www.`; None where it has a path."""
    found = SITE.fullmatch(address.strip().lower()) if isinstance(address, str) else None
    return found[1] if found else None


def doi(text: object) -> str | None:
    """Return a DOI in lower case and without resolver, or None where `text` is none.

    Parameters
    ----------
    text
        DOI, bare, as an address or after `doi:`.

    Examples
    --------
    >>> doi("https://dx.doi.org/10.7717/PeerJ.4375"), doi("DOI: 10.1000/182"), doi("none")
    ('10.7717/peerj.4375', '10.1000/182', None)
    """
    found = DOI.fullmatch(text.strip()) if isinstance(text, str) else None
    return found[1].lower() if found else None


def surname_key(name: object) -> str | None:
    """Return a pseudonym of a surname: alike for `Smith, J.`, `Smith JA` and `Jane Smith`.

    >>> surname_key("van den Berg, J.") == surname_key("Jan van den BERG") == surname_key("Berg J")
    True
    """
    before, comma, _ = (name if isinstance(name, str) else "").partition(",")
    words = before.split()
    while len(words) > 1 and not comma and INITIALS.fullmatch(words[-1]) and (words[-1].isupper()):
        words.pop()  # initials
    key = name_key(words[-1]) if words else ""
    return hashlib.sha256(key.encode()).hexdigest()[:12] if key else None


def name_key(name: object) -> str:
    """Return the form in which names are compared: no case, accents, punctuation or articles.

    Parameters
    ----------
    name
        Name of an institution in any language.

    Examples
    --------
    >>> name_key("Université de Liège"), name_key("The University of  Liege")
    ('universite de liege', 'university of liege')
    """
    return _name_key(name) if isinstance(name, str) else ""


@lru_cache(1 << 16)  # the words of affiliations and names come back
def _name_key(name: str) -> str:
    plain = name.casefold()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", name).casefold()
        plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = BETWEEN.sub(" ", plain).split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)
