"""Affiliation strings → ids: the names of a registry are looked for in the words of a text.

Words have one form (`data/name_words.csv`: Univ, Universität and universidad are one), so that a
name is found wherever it stands. It must agree with the country and the city in the text, must not
be a piece of a longer name, and must say more than *Institute of Chemistry*: `docs/matching.md`.
"""

from __future__ import annotations

import csv
import html
import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain, pairwise
from typing import Any, NamedTuple

import pandas as pd
from rapidfuzz import fuzz, process

from collabnet import schema, settings
from collabnet.countries import countries_in, country_names, ends_of

PART = re.compile(r"[,;:()\[\]|/\n\r\t•·]|\s[-–—]\s|(?<=[a-z]{5})\.\s+(?=[A-Z])")
WORD = re.compile(r"[^\W_]+")
GLUED = re.compile(  # MelbourneAustralia, BostonMA, Leuven3000, 2Department
    r"(?<=[a-zà-ÿ]{3})(?=[A-ZÀ-Þ][a-zà-ÿ])|(?<=[a-z]{3})(?=[A-Z]{2,3}\b)|(?<=[a-zà-ÿ]{3})(?=\d)"
    r"|(?<=\d)(?=[A-Z][a-z]{2})|(?<=\b\d)(?=[A-Z]{2})"
)
ACRONYM = re.compile(r"(?=.*[A-Z].*[A-Z])[A-Z][A-Za-z&.-]{1,9}")
IN_BRACKETS = re.compile(r"\s*\([^)]*\)\s*$")
RARE, RARE_IN_UNIVERSITY = 8.5, 6.3
"""Log of how few of the names have a word, from which on it is somebody's own."""

SCORES = {"name": 0.97, "name, city": 0.97, "name, country": 0.97, "acronym": 0.2}
SCORES |= {"school": 0.97, "school, city": 0.97, "school, country": 0.97}
SCORES |= {"alias of an office": 0.7, "similar name": 0.2}
"""Evidence → how often it was right in 3 000 labelled strings (`benchmarks/affiliations.py`)."""

Found = list[tuple[str, tuple[int, ...]]]


class Word(NamedTuple):
    """A word of a text: its one form, as written, its part of the text, its place in it."""

    key: str
    raw: str
    part: int
    place: int


class Text(NamedTuple):
    """A text to be matched: all words, those that count, their forms, the countries named."""

    all: list[Word]
    words: list[Word]
    keys: list[str]
    countries: set[str]


class Index(NamedTuple):
    """The names of a registry. A name's owner has False where it is his only with the city."""

    bodies: list[Any]
    names: dict[str, dict[int, bool]]
    acronyms: dict[str, set[int]]
    rarity: dict[str, float]
    longest: dict[str, int]
    having: dict[str, list[str]]
    places: set[str]
    lands: set[str]


class Span(NamedTuple):
    """Words found to be a name: where, whose it may be, is its city named, is it its own."""

    start: int
    end: int
    owners: tuple[int, ...]
    city: bool
    own: bool


@cache
def _lists() -> dict[str, dict[str, str]]:
    """Return the lists of words: kind → as written → the one form."""
    lists: dict[str, dict[str, str]] = defaultdict(dict)
    with (files("collabnet") / "data" / "name_words.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            lists[row["kind"]] |= dict.fromkeys([row["word"], *row["written"].split()], row["word"])
    lists["form"] = lists["city"] | lists["word"] | lists["stop"]
    return lists


@lru_cache(1 << 17)
def _plain(raw: str) -> str:
    plain = "".join(_lists()["letter"].get(c, c) for c in raw.casefold())
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


@lru_cache(1 << 17)
def _form(raw: str) -> str:
    """Return the one form of a word; "" of an article or a preposition."""
    word, forms = _plain(raw), _lists()["form"]
    if word not in forms and len(word) > 4 and word[-1] == "s" != word[-2]:
        word = word[:-1]
    return forms.get(word, word)


def _key(name: str) -> str:
    return " ".join(filter(None, map(_form, WORD.findall(GLUED.sub(" ", name)))))


def words_of(name: str) -> set[str]:
    """Return the words of a name that count, in their one form."""
    return {*_key(name).split()}


def _text(written: str) -> Text:
    plain = html.unescape(html.unescape(written))
    parts = enumerate(PART.split(GLUED.sub(" ", plain)))
    raws = enumerate((raw, part) for part, text in parts for raw in WORD.findall(text))
    every = [Word(_form(raw), raw, part, place) for place, (raw, part) in raws]
    words = [word for word in every if word.key]
    countries = countries_in([_plain(word.raw) for word in every])
    countries.update(ends_of(plain))
    return Text(every, words, [word.key for word in words], countries)


def index(registry: pd.DataFrame) -> Index:
    """Return the index of a registry (a table `institutions`), without what was withdrawn."""
    columns = ["institution_id", "country", "city", "name", "type", "status", "names", "aliases"]
    rows = registry.loc[registry["status"].fillna("") != "withdrawn", columns].fillna("")
    bodies = rows.assign(
        country=rows["country"].map(lambda code: settings.COUNTRIES.get(code, code)),
        city=rows["city"].map(_key),
        name=rows["name"].map(lambda name: _key(IN_BRACKETS.sub("", name))),
    )
    lands = chain(country_names()["name"], country_names()["state"])
    index = Index(
        *([*bodies.itertuples(index=False)], {}, defaultdict(set), {}, {}, defaultdict(list)),
        *({*bodies["city"]} - {""}, {_form(word) for key in lands for word in key.split()}),
    )
    for n, (body, name) in enumerate(zip(index.bodies, rows["name"], strict=True)):
        labels = json.loads(body.names).values() if body.names else ()
        for written in dict.fromkeys([name, *labels, *body.aliases.split("|")]):
            if ACRONYM.fullmatch(written):
                index.acronyms[re.sub(r"\W", "", written).upper()].add(n)
                continue
            for key in {_key(written), _key(IN_BRACKETS.sub("", written))} - {""}:
                index.names.setdefault(key, {})[n] = True
                head, found, tail = f"{key} ".partition(f" {body.city} ")
                house = not _lists()["house"].keys().isdisjoint(tail.split())
                if found.strip() and " " in head and tail.count(" ") < 3 and not house:
                    index.names.setdefault(head, {}).setdefault(n, False)
    counts = Counter(word for key in index.names for word in set(key.split()))
    index.rarity.update((w, math.log(len(index.names) / n)) for w, n in counts.items())
    for key in index.names:
        words = key.split()
        index.longest[words[0]] = max(index.longest.get(words[0], 0), len(words))
        for word in words:
            if index.rarity[word] > RARE_IN_UNIVERSITY:
                index.having[word].append(key)
    return index


def _spans(index: Index, text: Text, keys: list[str]) -> Iterator[Span]:
    """Yield the names among the words of a text, the longest at each place, from left to right."""
    done = 0
    for start, first in enumerate(keys):
        for end in range(min(start + index.longest.get(first, 0), len(keys)), start, -1):
            known = start >= done and " ".join(keys[start:end]) in index.names
            if known and (span := _span(index, text, keys[start:end], start)):
                yield span
                done = end


def _span(index: Index, text: Text, name: list[str], start: int) -> Span | None:
    """Return whose name the words are: those of the country and city named, if it is a name."""
    end, bodies, key, lists = start + len(name), index.bodies, " ".join(name), _lists()
    owners = index.names[key]
    here = [n for n in owners if not text.countries or bodies[n].country in text.countries]
    if not here or not _is_whole(index, text, name, start):
        return None
    rest = f" {' '.join(text.keys[:start])}  {' '.join(text.keys[end:])} "
    near = [n for n in here if bodies[n].city and f" {bodies[n].city} " in rest]
    here = near or [n for n in here if owners[n]]
    here = [n for n in here if bodies[n].status != "inactive"] or here
    here = [n for n in here if bodies[n].name == key] or here
    rarity = [index.rarity.get(word, 12) for word in name]
    rare = RARE_IN_UNIVERSITY if "university" in name else RARE
    own = any(
        word not in lists["word"] and (word in index.places or rarity[n] >= rare)
        for n, word in enumerate(name)
    )
    if here and len(name) == 1:  # all of its part, and neither a place nor a common word
        part = [w for w in text.words if w.part == text.words[start].part and w.key != "company"]
        common = key in lists["word"] or key in index.places or len(key) < 4 or rarity[0] < 8
        office = bodies[here[0]].type == "government"
        own = bool(text.countries) and len(part) == 1 and not common and not office
    if not here or (len(name) == 1 and not own):
        return None
    # What several bear, or what says little, needs its city, or nothing but a country beside it.
    told = 17 if not text.countries else 11 if "university" in name or len(name) > 3 else 13
    sure = own or (len(here) == 1 and sum(rarity) > told and lists["care"].keys().isdisjoint(name))
    later = [*map(" ".join, pairwise(text.keys[end:])), *text.keys[end:]]
    elsewhere = any(word in index.places and word not in index.lands for word in later)
    strange = elsewhere and not (text.countries and all(owners.values()))
    unit = len(name) > 1 and name[0] in lists["unit"]
    alone = index.lands.issuperset(rest.split()) and (own or text.countries or "university" in name)
    if near or alone or (sure and not strange and not unit):
        return Span(start, end, tuple(here), bool(near), own or "university" in name)
    return None


def _is_whole(index: Index, text: Text, name: list[str], start: int) -> bool:
    """Is it in one part, but for a city behind, and no piece of a longer name (North X, X Road)?"""
    words, lists = text.words[start : start + len(name)], _lists()
    first, last = words[0], words[-1]
    before = text.all[first.place - 1] if first.place else last
    after = [w for w in text.all[last.place + 1 : last.place + 3] if w.part == last.part]
    if first.part != last.part:
        head = [word.key for word in words if word.part == first.part]
        tail = " ".join(word.key for word in words if word.part == last.part)
        if len(head) < 2 or lists["house"].keys().isdisjoint(head):
            return False
        if after and tail not in index.places:
            return False
    loose = "university" not in name and re.fullmatch(r"[A-Z]{2,4}", before.raw)
    led = (
        first.place
        and before.part == first.part
        and (loose or _plain(before.raw) in lists["before"])
    )
    linked = after and after[0].raw in {"of", "for"} and name[-1] == last.key in lists["house"]
    return (
        not led
        and not linked
        and not (
            after
            and (
                _plain(after[0].raw) in lists["street"]
                or after[0].key in lists["behind"]
                or " ".join(word.key for word in after) in {"medical center", "health system"}
                or (len(after) == 1 and re.fullmatch(r"\d{1,2}", after[0].raw))  # Univ Paris 11
            )
        )
    )


def match(index: Index, written: str) -> Found:
    """Return what is found in a text: the evidence, and whose it may be (numbers of bodies)."""
    text = _text(written)
    keys = list(text.keys)
    for n in range(1, len(keys) - 1):  # Yale School of Medicine is Yale University
        if {*keys[n : n + 2]} == {"school", "medical"} and keys[n + 2 : n + 3] != ["research"]:
            keys[n : n + 2] = "university", ""
    spans = dict.fromkeys(_spans(index, text, text.keys), "name")
    for span in _spans(index, text, keys) if keys != text.keys else ():
        free = all(span.start >= other.end or span.end <= other.start for other in spans)
        if free and keys[span.end : span.end + 1] == [""]:
            spans[span] = "school"
    sure = [s for s in spans if len(s.owners) == 1]
    hosted = any("university" in text.keys[s.start : s.end] for s in sure)
    found: Found = []
    for span, how in spans.items():
        body = index.bodies[span.owners[0]]
        if body.type in _lists()["office"] and body.name != " ".join(keys[span.start : span.end]):
            found.append(("alias of an office", span.owners))
        # A laboratory without a name of its own, or a key laboratory, is a unit of what is beside.
        elif (span.own or not hosted) and (len(sure) == 1 or "key laboratory" not in body.name):
            place = ", city" if span.city else ", country" if text.countries else ""
            found.append((how + place, span.owners))
    if not any(len(owners) == 1 and SCORES[how] > 0.9 for how, owners in found):
        found += _candidates(index, text)
    return found


def _candidates(index: Index, text: Text) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield who might be meant: by acronym, then by the names that look most like a part."""
    for word in text.all:
        owners = index.acronyms.get(word.raw.upper(), ()) if ACRONYM.fullmatch(word.raw) else ()
        if here := [n for n in owners if index.bodies[n].country in text.countries] or owners:
            yield "acronym", tuple(here)
    for part in {word.part for word in text.words if word.key in _lists()["house"]}:
        words = [w.key for w in text.words if w.part == part]
        rarest = sorted(index.having.keys() & {*words}, key=index.rarity.__getitem__)[-2:]
        names = [name for word in rarest for name in index.having[word][:400]]
        like = process.extract(" ".join(words), names, scorer=fuzz.ratio, score_cutoff=80, limit=3)
        for name, _, _ in like:
            if here := [n for n in index.names[name] if index.bodies[n].country in text.countries]:
                yield "similar name", tuple(here)


def match_affiliations(
    texts: Iterable[str], registry: pd.DataFrame, *, threshold: float = 0.9
) -> pd.DataFrame:
    """Find the institutions that affiliations name.

    All names, aliases and languages of the registry are looked for in the words of a text. What is
    found counts where the country named is its own, and either its city is named or its name says
    enough; nothing is decided between two. Former institutions are found under their own id.

    Parameters
    ----------
    texts
        Affiliations as written; each different one is looked at once.
    registry
        Institutions with their ids, a table `institutions`: `read` makes one of a ROR release.
    threshold
        Score from which on an institution is given; what lies below is among the candidates.

    Returns
    -------
    `text, institution_id, score, evidence, candidates`: a row per text and institution, and one
    without id for a text that none is given of. `score` is the share of such evidence that was
    right on labelled affiliations (`docs/matching.md`); `candidates` are ids, separated by `|`.

    Examples
    --------
    >>> from collabnet import gazetteer
    >>> texts = ["Dept Phys, Univ Liege, B-4000 Liege, Belgium", "Univ Somewhere, Belgium"]
    >>> match_affiliations(texts, gazetteer())["institution_id"].fillna("none").tolist()
    ['00afp2z80', 'none']
    """
    known, rows = index(registry), []
    for text in dict.fromkeys(text for text in texts if isinstance(text, str)):
        found = match(known, text)
        given = {
            owners[0]: how
            for how, owners in reversed(found)
            if len(owners) == 1 and SCORES[how] >= threshold
        }
        rest = dict.fromkeys(n for _, owners in found for n in owners if n not in given)
        others = "|".join(known.bodies[n].institution_id for n in [*rest][:5])
        for n, how in given.items():
            body = known.bodies[n]
            former = "; former institution" if body.status == "inactive" else ""
            rows.append((text, body.institution_id, SCORES[how], how + former, others))
        if not given:
            how, _ = max(found, key=lambda item: SCORES[item[0]], default=(None, ()))
            rows.append((text, None, SCORES.get(how), how, others or None))
    columns = ["text", "institution_id", "score", "evidence", "candidates"]
    table = pd.DataFrame(rows, columns=columns)
    note = {"what": "matches", "threshold": threshold, "registry": len(registry)}
    table.attrs["note"] = note | {"collabnet": schema.COLLABNET}
    return table.astype(dict.fromkeys(columns, "string") | {"score": "Float64"})
