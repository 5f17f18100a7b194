"""OpenAlex works taken apart into columns, without pandas: a process that reads starts at once.

msgspec decodes a work into the fields that are kept and skips the rest; `Batch` makes columns.

Source of the fields: developers.openalex.org, work object (2026) and its 2022 predecessor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Meta, Raw, Struct
from pyarrow.compute import MatchSubstringOptions as MatchOptions
from pyarrow.compute import ReplaceSliceOptions as SliceOptions

from collabnet import settings
from collabnet.identifiers import DATE, doi, iso_country, name_key

BARE = re.compile(r"[A-Z]\d+")
URL = "https://openalex.org/"
CACHED = 50_000
"""Distinct lists of institutions remembered at a time."""

Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None
Text = str | None
Row = tuple[Any, ...]


class _Named(Struct, gc=False):
    id: Text = None
    display_name: Text = None


class _Author(_Named, gc=False):
    orcid: Text = None


class _Institution(_Named, gc=False):
    ror: Text = None
    country_code: Text = None
    type: Text = None


class Place(Struct):
    """Where an institution is."""

    city: Text = None
    latitude: float | None = None
    longitude: float | None = None


class Tie(Struct):
    """What one institution is to another."""

    id: Text = None
    relationship: Text = None


class House(_Institution):
    """The fields of an institution of the snapshot that are kept."""

    geo: Place | None = None
    display_name_acronyms: list[Text] | None = None
    display_name_alternatives: list[Text] | None = None
    associated_institutions: list[Tie] | None = None
    lineage: list[Text] | None = None
    updated_date: Text = None


class _Affiliation(Struct, gc=False):
    raw_affiliation_string: Text = None
    institution_ids: list[Text] | None = None


class _Authorship(Struct, gc=False):
    author: _Author | None = None
    institutions: Raw = Raw()  # decoded once for each list that differs
    countries: list[Text] | None = None
    is_corresponding: bool | None = None
    raw_author_name: Text = None
    raw_affiliation_string: Text = None
    raw_affiliation_strings: list[Text] | None = None
    affiliations: list[_Affiliation] | None = None


class _Topic(Struct, gc=False):
    field: _Named | None = None


class _Rank(Struct, gc=False):
    is_in_top_10_percent: bool | None = None


class Work(Struct, gc=False):
    """The fields of a work that are kept; of an API page, the works in it."""

    id: Text = None
    type: Text = None
    title: Text = None
    display_name: Text = None
    publication_year: Number = None
    publication_date: Text = None
    authors_count: Number = None
    is_authors_truncated: bool | None = None
    synthetic: bool | None = None
    doi: Text = None
    cited_by_count: Number = None
    fwci: float | None = None
    citation_normalized_percentile: _Rank | None = None
    is_retracted: bool | None = None
    is_xpac: bool | None = None
    updated_date: Text = None
    authorships: list[_Authorship] | None = None
    primary_topic: _Topic | None = None
    results: list[Raw] | None = None
    grants: Raw = Raw()
    host_venue: Raw = Raw()
    type_crossref: Raw = Raw()


class _Found(Struct):
    """The institutions of an author: key in his affiliations → (institution_id, country)."""

    bodies: dict[str, tuple[str, Text]]
    countries: set[Text]
    rows: list[Row]


CODED = pa.dictionary(pa.int32(), pa.string())
COLUMNS = {
    "activities": {
        "work": pa.int32(),
        **dict.fromkeys(("activity_id", "type", "title", "start"), pa.string()),
        "authors_count": pa.int64(),
        "truncated": pa.bool_(),
        "synthetic": pa.bool_(),
        "doi": pa.string(),
        "cited_by": pa.int64(),
        "fwci": pa.float64(),
        "top10": pa.bool_(),
        "retracted": pa.bool_(),
        **dict.fromkeys(("updated", "record", "field", "field_name"), pa.string()),
        "rows": pa.int32(),
    },
    "participants": {
        "work": pa.int32(),
        "institution_id": CODED,
        "person_id": pa.string(),
        "position": pa.int64(),
        "country": CODED,
        "affiliation": pa.string(),
        "corresponding": pa.bool_(),
    },
    "institutions": dict.fromkeys(
        ("institution_id", "name", "country", "type", "openalex_id"), pa.string()
    ),
    "persons": dict.fromkeys(("person_id", "name", "orcid"), pa.string()),
    "quarantine": dict.fromkeys(("record", "reason"), pa.string()),
}
"""Columns of a batch: `work` numbers its works, `rows` counts the participants of one."""

NO_WORK = "no OpenAlex work: an object with an 'id' such as W2741809807 was expected"
FAULT = "work {} is not built like an OpenAlex work ({})"
_institutions = msgspec.json.Decoder(list[_Institution | None] | None).decode
_work = msgspec.json.Decoder(Work).decode
NOBODY = _Author()
_country = lru_cache(4096)(iso_country)


class Batch:
    """Works taken apart into rows, of which `tables` makes Arrow columns."""

    def __init__(self, *, with_names: bool = False) -> None:
        self.with_names = with_names
        self.count = 0
        self.activities: list[Row] = []
        self.participants: list[Row] = []
        self.institutions: dict[str, Row] = {}
        self.persons: dict[str, Row] = {}
        self.quarantine: list[Row] = []
        self.schema = "today"
        self._met: dict[bytes, _Found] = {}

    def add(
        self, place: str, work: Work | str, keep: Callable[[list[Row]], bool] | None = None
    ) -> bool | None:
        """Add what `decoded` yields; False if `keep` refuses its rows, None if it is no work."""
        if isinstance(work, str):
            self.quarantine.append((place, work))
            return None
        try:
            year, start = work.publication_year, work.publication_date
            if year is not None and not (start or "").startswith(str(year)):
                start = str(year)
            if start is not None and not DATE.fullmatch(start):
                raise ValueError(f"start is {start!r}")
            people = self._participants(work.authorships or ())
        except ValueError as error:
            self.quarantine.append((place, FAULT.format(bare(work.id), error)))
            return None
        if keep and not keep(people):
            return False
        if work.grants or work.host_venue or work.type_crossref:
            self.schema = "before 2025-11"
        listed = len(work.authorships or ())
        stated = listed if work.authors_count is None else work.authors_count
        cut = listed == settings.TRUNCATED_AT if work.authors_count is None else stated > listed
        topic = work.primary_topic
        field = (topic.field if topic else None) or NOBODY
        code = (field.id or "").rsplit("/", 1)[-1]
        title, cut = work.title or work.display_name, bool(work.is_authors_truncated) or cut
        made, retracted = work.synthetic is True, work.is_retracted is True
        rank = work.citation_normalized_percentile
        top = rank.is_in_top_10_percent if rank else None
        named = field.display_name if code else None
        # fmt: off
        self.activities.append((
            self.count, _openalex(work.id), work.type, title, start, stated, cut, made,
            doi(work.doi), work.cited_by_count, work.fwci, top, retracted, work.updated_date,
            place, code, named, len(people),
        ))
        # fmt: on
        self.participants += people
        self.count += 1
        return True

    def tables(self, *names: str) -> dict[str, pa.Table]:
        """Return tables of what was added, and empty them; text is trimmed, blank is unknown."""
        made = {}
        for name in names or COLUMNS:
            rows = getattr(self, name)
            lists = list(zip(*(rows.values() if isinstance(rows, dict) else rows), strict=True))
            arrays = {
                column: _array(values, kind, column)
                for (column, kind), values in zip(
                    COLUMNS[name].items(), lists or [()] * len(COLUMNS[name]), strict=True
                )
            }
            made[name] = pa.table(arrays)
            rows.clear()
        return made

    def _participants(self, authors: Iterable[_Authorship]) -> list[Row]:
        rows: list[Row] = []
        add, known, number = rows.append, self._met, self.count
        for position, author in enumerate(authors, 1):
            one = author.author or NOBODY
            person = one.id
            if self.with_names and person:
                name = one.display_name or author.raw_author_name
                orcid = (one.orcid or "").removeprefix("https://orcid.org/")
                self.persons[person] = (person, name, orcid)
            raw = bytes(author.institutions)
            found = known.get(raw) or self._meet(raw)
            bodies, chief, alone = found.bodies, author.is_corresponding, ()
            every, tied = author.raw_affiliation_strings or (), author.affiliations or ()
            if len(every) == 1 and (
                not tied or (len(tied) == 1 and tied[0].raw_affiliation_string == every[0])
            ):
                written, text = {}, every[0]  # the usual case, without the detour
            else:
                written, text = _affiliations(author)
            if author.countries and not found.countries.issuperset(author.countries):
                alone = set(filter(None, map(_country, author.countries)))
                alone = sorted(alone - found.countries)
                if len(alone) == 1 and [c for _, c in bodies.values()].count(None) == 1:
                    bodies, alone = {k: (i, c or alone[0]) for k, (i, c) in bodies.items()}, ()
            for key, (body, country) in bodies.items():
                add((number, body, person, position, country, written.get(key) or text, chief))
            for country in alone or ([None] if not bodies else []):
                add((number, None, person, position, country, text, chief))
        return rows

    def _meet(self, raw: bytes) -> _Found:
        """Take a list of institutions apart, and note what it says of each, the first known."""
        found = _found(raw)
        for row in found.rows:
            known = self.institutions.setdefault(row[0], row)
            if known != row and None in known:
                pairs = zip(known, row, strict=True)
                self.institutions[row[0]] = tuple(old or new for old, new in pairs)
        if len(self._met) > CACHED:
            self._met.clear()
        self._met[raw] = found
        return found


@lru_cache(CACHED)
def _found(raw: bytes) -> _Found:
    found = _Found({}, set(), [])
    for one in filter(None, _institutions(raw) or () if raw else ()):
        openalex, country = bare(one.id), iso_country(one.country_code)
        ror = (one.ror or "").rsplit("/", 1)[-1]
        if not (ror or openalex or one.display_name):
            continue
        named = f"openalex:{openalex}" if openalex else f"name:{name_key(one.display_name)}"
        found.bodies[openalex or ror or named] = (ror or named, country)
        found.rows.append(
            (ror or named, one.display_name or None, country, one.type or None, openalex)
        )
    found.countries.update(country for _, country in found.bodies.values() if country)
    return found


def _array(values: Sequence[Any], kind: pa.DataType, column: str) -> pa.Array:
    if kind == CODED:
        return pa.array(values, pa.string()).dictionary_encode()
    array = pa.array(values, kind)
    if column == "person_id":
        usual = MatchOptions(f"^{re.escape(URL)}[A-Z][0-9]+$")
        good = pc.call_function("match_substring_regex", [array], usual)
        if pc.call_function("all", [good]).as_py():
            prefix = SliceOptions(0, len(URL), "openalex:")
            return pc.call_function("binary_replace_slice", [array], prefix)
        return pa.array(map(_openalex, values), kind)
    if column.endswith("_id") or kind != pa.string():
        return array
    trimmed = pc.call_function("utf8_trim_whitespace", [array])
    blank = pc.call_function("equal", [trimmed, ""])
    return pc.call_function("if_else", [blank, pa.scalar(None, kind), trimmed])


def decoded(lines: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Work | str]]:
    """Decode (place, JSON) to (place, work), or to the reason why it is none; unfold API pages."""
    for place, text in lines:
        try:
            work = _work(text)
        except (ValueError, RecursionError) as error:
            yield place or "item 1", _refusal(text, error)
            continue
        if work.results is not None:
            inside = ((f"{place}, result {n}", item) for n, item in enumerate(work.results, 1))
            yield from decoded((p.removeprefix(", "), item) for p, item in inside)
        elif (_openalex(work.id) or "").startswith("openalex:W"):
            yield place or "item 1", work
        else:
            yield place or "item 1", NO_WORK


def _refusal(text: Any, error: Exception) -> str:
    if not isinstance(error, msgspec.ValidationError):
        return "not a complete JSON object"
    try:
        identifier = bare(msgspec.json.decode(text, type=_Named).id)
    except (ValueError, RecursionError):
        identifier = None
    return FAULT.format(identifier, error) if identifier else NO_WORK


def bare(identifier: Text) -> Text:
    """Take the resolver off an OpenAlex id; None where it is none."""
    text = (identifier or "").rsplit("/", 1)[-1].upper()
    return text if BARE.fullmatch(text) else None


def _openalex(identifier: Text) -> Text:
    """Return an OpenAlex id with our prefix; the usual form costs no regular expression."""
    if identifier and identifier.startswith(URL) and identifier[len(URL) + 1 :].isdecimal():
        return f"openalex:{identifier[len(URL) :].upper()}"
    text = bare(identifier)
    return text and f"openalex:{text}"


def _affiliations(author: _Authorship) -> tuple[dict[str, str], Text]:
    """Return the affiliations as written by OpenAlex id of the institution, and all of them."""
    every = author.raw_affiliation_strings or [author.raw_affiliation_string]
    texts: dict[str, list[str]] = {}
    for one in author.affiliations or ():
        for institution in one.institution_ids or ():
            texts.setdefault(bare(institution) or "", []).append(one.raw_affiliation_string or "")
    texts[""] = [text for text in every if text]
    joined = {key: " | ".join(dict.fromkeys(value)) for key, value in texts.items()}
    return joined, joined[""] or None
