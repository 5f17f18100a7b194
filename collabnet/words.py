"""What figures say, in English and French, and how wide it is.

Names are data: they are escaped here, and nowhere else, before plotly sees them.
"""

from __future__ import annotations

import html
import json
import unicodedata
from typing import Any

import pandas as pd

from collabnet import settings
from collabnet.errors import UnknownNameError

WORDS = {
    "en": {
        "work": "co-publications",
        "agreement": "agreements",
        "project": "joint projects",
        "mobility": "mobility",
        "commitment": "commitments",
        "link": "joint activities",
        "full": "full counting",
        "fractional": "fractional counting, 1/(n−1)",
        "refined": "refined counting, 2/(n(n−1))",
        "synthetic": "Synthetic works: made by a program, not observed.",
        "elsewhere": "Elsewhere",
        "shown": ("no partner", "1 partner", "{n} partners"),
        "top": "the strongest {n} of {all} partners, {hidden} hidden",
        "none": "No partner to show here.",
        "unplaced": (
            "",
            "1 partner without coordinates is not drawn",
            "{n} partners without coordinates are not drawn",
        ),
        "outside": ("", "1 more outside this region", "{n} more outside this region"),
        "beyond": (
            "",
            "1 partner lies beyond the edge of the map",
            "{n} partners lie beyond the edge of the map",
        ),
        "overlap": "regions overlap: a partner has the colour of the first of the list it lies in",
        "lists": "region lists: {names}",
        "activities": "activities: {n}",
        "since": "since {first}",
        "title": "{home}: {what}",
        "title_in": "{home}: {what}, {region}",
        "against": "{left} against {right}",
        "both": "Both",
        "only": "{what} only",
    },
    "fr": {
        "work": "copublications",
        "agreement": "accords",
        "project": "projets communs",
        "mobility": "mobilités",
        "commitment": "engagements",
        "link": "activités communes",
        "full": "comptage entier",
        "fractional": "comptage fractionnaire, 1/(n−1)",
        "refined": "comptage affiné, 2/(n(n−1))",
        "synthetic": "Publications synthétiques : produites par un programme, non observées.",
        "elsewhere": "Ailleurs",
        "shown": ("aucun partenaire", "1 partenaire", "{n} partenaires"),
        "top": "les {n} premiers de {all} partenaires, {hidden} masqués",
        "none": "Aucun partenaire à montrer ici.",
        "unplaced": (
            "",
            "1 partenaire sans coordonnées n’est pas tracé",
            "{n} partenaires sans coordonnées ne sont pas tracés",
        ),
        "outside": ("", "1 autre hors de cette région", "{n} autres hors de cette région"),
        "beyond": (
            "",
            "1 partenaire est au-delà du bord de la carte",
            "{n} partenaires sont au-delà du bord de la carte",
        ),
        "overlap": (
            "les régions se recoupent : un partenaire a la couleur de la première de la liste "
            "où il se trouve"
        ),
        "lists": "listes de régions : {names}",
        "activities": "activités : {n}",
        "since": "depuis {first}",
        "title": "{home} : {what}",
        "title_in": "{home} : {what}, {region}",
        "against": "{left} et {right}",
        "both": "Les deux",
        "only": "{what} seulement",
    },
}
"""By language. Where there are three forms, they are for none, one and many."""

NARROW, WIDE = frozenset("ijlI.,;:'’|!()[]-/frt "), frozenset("mwMW@%…—&QOG")


def words_of(lang: str | None) -> tuple[str, dict[str, Any]]:
    """Return a language and its words.

    Parameters
    ----------
    lang
        {"en", "fr"}; `settings.LANGUAGE` by default.

    Raises
    ------
    UnknownNameError
        Another language.

    Examples
    --------
    >>> words_of("fr")[1]["work"]
    'copublications'
    """
    lang = lang or settings.LANGUAGE
    if lang not in WORDS:
        raise UnknownNameError("language", lang, WORDS)
    return lang, WORDS[lang]


def count(words: dict[str, Any], key: str, n: int, lang: str) -> str:
    """Say how many, in the form that none, one or many takes.

    Parameters
    ----------
    words
        Of a language.
    key
        One with three forms.
    n
        How many.
    lang
        Its number format.

    Examples
    --------
    >>> [count(WORDS["en"], "shown", n, "en") for n in (1, 1200)]
    ['1 partner', '1,200 partners']
    """
    return words[key][min(n, 2)].format(n=number(n, lang))


def number(value: float, lang: str) -> str:
    """Write a number with at most two decimals, as the language does.

    Parameters
    ----------
    value
        The number.
    lang
        {"en", "fr"}.

    Examples
    --------
    >>> number(1234.5, "en"), number(0.25, "fr")
    ('1,234.5', '0,25')
    """
    text = f"{float(value):,.2f}".rstrip("0").rstrip(".")
    return text.translate({44: "\u202f", 46: ","}) if lang == "fr" else text


def capital(text: str) -> str:
    """Return a text with its first letter in upper case.

    Examples
    --------
    >>> capital("no SME")
    'No SME'
    """
    return text[:1].upper() + text[1:]


def kind_of(note: dict[str, Any], words: dict[str, Any]) -> str:
    """Name what a table counts.

    Parameters
    ----------
    note
        Of the table.
    words
        Of a language.

    Examples
    --------
    >>> kind_of({"kind": "agreement"}, WORDS["en"])
    'agreements'
    """
    return words.get(note.get("kind"), words["link"])


def told(note: dict[str, Any], words: dict[str, Any]) -> str:
    """Say how the links were counted: what, which years, which scheme.

    Parameters
    ----------
    note
        Of an edge table.
    words
        Of a language.

    Examples
    --------
    >>> told({"kind": "work", "years": (2019, 2024), "count": "full"}, WORDS["en"])
    'co-publications 2019–2024, full counting'
    """
    if not note:
        return ""
    return ", ".join(filter(None, [spanned(note, words), words.get(note.get("count"), "")]))


def spanned(note: dict[str, Any], words: dict[str, Any]) -> str:
    """Name what a table counts, and in which years.

    Parameters
    ----------
    note
        Of the table.
    words
        Of a language.

    Examples
    --------
    >>> spanned({"kind": "work", "years": (2024, 2024)}, WORDS["en"])
    'co-publications 2024'
    """
    first, last = note.get("years") or (None, None)
    span = years(first, last, words)
    return f"{kind_of(note, words)} {span}".strip()


def years(first: Any, last: Any, words: dict[str, Any]) -> str:
    """Write the years of a link; one without an end is open.

    Examples
    --------
    >>> years(2008, None, WORDS["en"]), years(2019, 2024, WORDS["en"])
    ('since 2008', '2019–2024')
    """
    if pd.isna(first):
        return ""
    if pd.isna(last):
        return words["since"].format(first=int(first))
    return f"{int(first)}" if first == last else f"{int(first)}–{int(last)}"


def name_in(row: dict[str, Any], lang: str) -> Any:
    """Return the name of an institution in a language, else its usual one.

    Parameters
    ----------
    row
        Of the institutions: `name`, and `names`, a JSON object by language, where known.
    lang
        Two letters.

    Examples
    --------
    >>> name_in({"name": "University of Liège", "names": '{"fr": "Université de Liège"}'}, "fr")
    'Université de Liège'
    """
    names = row.get("names")
    known = json.loads(names) if isinstance(names, str) and names.startswith("{") else {}
    return known.get(lang) or row["name"]


def plain(text: Any, longest: int = 90) -> str:
    """Return a text as plotly must write it: no tag, no formula, no control sign, one line.

    Parameters
    ----------
    text
        A name: data, never markup.
    longest
        Signs kept.

    Examples
    --------
    >>> plain("R&D <b>$x$</b>")
    'R&amp;D &lt;b&gt;&#36;x&#36;&lt;/b&gt;'
    """
    words = " ".join(str(text).split())
    words = "".join(sign for sign in words if unicodedata.category(sign)[0] != "C")
    if len(words) > longest:
        words = words[: longest - 1].rstrip() + "…"
    return html.escape(words, quote=False).replace("$", "&#36;")


def text_width(text: str, size: float) -> float:
    """Return the width of a text in pixels: as wide as the widest usual sans serif sets it.

    Parameters
    ----------
    text
        One line.
    size
        Of the font, pixels.

    Examples
    --------
    >>> text_width("mm", 10) > text_width("ii", 10)
    True
    """
    width = 0.0
    for sign in text:
        if sign in NARROW:
            width += 0.37
        elif sign in WIDE or unicodedata.east_asian_width(sign) in "WF":
            width += 1.0
        elif sign.isupper():
            width += 0.72
        else:
            width += 0.62
    return width * size


def wrap(text: str, width: float, size: float, most: int) -> list[str]:
    """Break a text into at most `most` lines of `width` pixels; what is too long ends in "…".

    Parameters
    ----------
    text
        Words.
    width, size
        Of the lines and of the font, pixels.
    most
        Number of lines.

    Examples
    --------
    >>> wrap("University of Luxembourg", 90, 12, 2)
    ['University of', 'Luxembourg']
    """
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
    while text_width(line, size) > width and len(line) > 2:
        line = line.rstrip("…")[:-1].rstrip() + "…"
    return line
