"""OpenAlex works in every JSON shape: API page, list, JSON Lines, one bare work; 2022 to today.

`collabnet.works` decodes them, here and in the parts of a snapshot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
from msgspec import Raw

from collabnet import schema
from collabnet.errors import InputError
from collabnet.identifiers import iso_country
from collabnet.readers.source import Source
from collabnet.records import Records
from collabnet.works import CODED, Batch, House, Place, Row, bare, decoded

WORK_ID = re.compile(r'"id"\s*:\s*"(?:https://openalex\.org/)?W\d+"')
PAGE = re.compile(r'^\s*\{\s*"meta"\s*:.*"results"\s*:', re.DOTALL)
AUTHORS = re.compile(r'"authorships"\s*:')
_house = msgspec.json.Decoder(House).decode


def _pandas_type(kind: pa.DataType) -> Any:
    types = {pa.string(): pd.StringDtype(), pa.bool_(): pd.BooleanDtype()}
    whole = pd.Int64Dtype() if pa.types.is_integer(kind) else None
    return types.get(pa.string() if kind == CODED else kind, whole)


def sniff(source: Source) -> bool:
    """Is it JSON that holds OpenAlex works?"""
    head = source.head
    return source.is_json and any(mark.search(head) for mark in (WORK_ID, PAGE, AUTHORS))


def read(source: Source) -> Records:
    """Read works: one activity each, one participant per author and affiliation.

    All institutions of an author are kept; a country he states without an institution there gets a
    row of its own. Works whose list of authors was cut are flagged `truncated`.

    Raises
    ------
    InputError
        The file is cut short or is not JSON.
    """
    batch = Batch(with_names=source.with_names)
    added = [batch.add(place, work) for place, work in decoded(_texts(source))]
    refused = len(batch.quarantine)
    if not batch.activities and batch.quarantine:
        place, reason = batch.quarantine[0]
        raise InputError(f"{source.name}, {place}: {reason}; nothing else could be read.")
    frames = {
        name: table.to_pandas(types_mapper=_pandas_type) for name, table in batch.tables().items()
    }
    acts, people = frames["activities"], frames["participants"]
    # The newest version of a work is kept, of equal ones the fullest, of these the first.
    ranked = acts.assign(updated=acts["updated"].fillna("")).sort_values(
        ["updated", "rows"], ascending=False, kind="stable"
    )
    kept = ranked.drop_duplicates("activity_id").index
    people = people[people["work"].isin(kept)]
    people = people.assign(activity_id=people["work"].map(acts["activity_id"]))
    acts = acts.loc[kept.sort_values()]
    fields = acts[acts["field"].notna()].rename(columns={"field": "code", "field_name": "name"})
    frames |= {
        "activities": acts.drop(columns=["work", "field", "field_name", "rows"]).assign(
            kind="work",
            end_status="known",
            link_known=True,
            source=f"openalex:{source.name}",
        ),
        "participants": people.drop(columns="work").assign(role="author", evidence="source"),
        "fields": fields[["activity_id", "code", "name"]].assign(scheme="openalex", share=1),
        "quarantine": frames["quarantine"].assign(file=source.name),
    }
    source.notes |= {
        "read": len(added),
        "kept": len(acts),
        "merged": len(added) - refused - len(acts),
        "version": batch.schema,
    }
    records = Records(frames)
    records.provenance["merged"] = source.notes["merged"]
    return records


def _texts(source: Source) -> Iterator[tuple[str, Any]]:
    """Yield (place, JSON) from any of the shapes: lines, or the items of a list, or one object."""
    with source.text() as file:
        first = file.readline()
        try:
            start = msgspec.json.decode(first)
        except (ValueError, RecursionError):
            start = None
        if isinstance(start, dict) and "results" not in start:
            yield from _lines(chain([first], file))
            return
        text = first + file.read()
    try:
        # A list is taken apart, anything else only looked through.
        items = msgspec.json.decode(text, type=list[Raw] if text.lstrip()[:1] == "[" else Raw)
    except RecursionError:
        raise InputError(
            f"{source.name}: nested too deeply to be OpenAlex works. Get the file again."
        ) from None
    except ValueError:
        lines = text.split("\n")
        if text.lstrip()[:1] == "{" and any(map(WORK_ID.search, filter(_whole, lines[:20]))):
            yield from _lines(lines)
            return
        raise InputError(
            f"{source.name}: not complete JSON, it breaks at {_break(text)} (cut short while "
            "downloading?). Get the file again."
        ) from None
    if isinstance(items, list):
        yield from ((f"item {number}", item) for number, item in enumerate(items, 1))
    else:
        yield "", text


def _lines(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((f"line {n}", line) for n, line in enumerate(lines, 1) if not line.isspace() and line)


def _whole(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def _break(text: str) -> str:
    """Say where text stops being JSON; msgspec knows the byte at best."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}"
    except ValueError:
        pass
    return "a number"


def institutions(
    lines: Iterable[tuple[str, str, Any]], refused: list[Row]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read institutions of a snapshot, (file, place, JSON) each; return them, and their ties."""
    rows, ties = {}, []
    for file, place, line in lines:
        try:
            one = _house(line)
            openalex, ror = bare(one.id), (one.ror or "").rsplit("/", 1)[-1]
            if openalex is None:
                raise ValueError("no id such as I157674565")
        except ValueError as error:
            refused.append((file, place, f"not built like an OpenAlex institution ({error})"))
            continue
        geo, others = one.geo or Place(), one.display_name_acronyms or []
        others = [text for text in others + (one.display_name_alternatives or []) if text]
        body, new = ror or f"openalex:{openalex}", one.updated_date or ""
        if body in rows and new < rows[body][0]:
            continue
        aliases = "|".join(dict.fromkeys(text.replace("|", "/") for text in others))
        country = iso_country(one.country_code)
        where = (country, geo.city, geo.latitude, geo.longitude, one.type, openalex)
        rows[body] = (new, body, one.display_name, aliases, *where)
        tied = {bare(tie.id): tie.relationship for tie in one.associated_institutions or ()}
        tied = dict.fromkeys(map(bare, one.lineage or ()), "ancestor") | tied
        ties += [(openalex, to, kind) for to, kind in tied.items() if to not in {openalex, None}]
    names = "new institution_id name aliases country city lat lon type openalex_id"
    table = pd.DataFrame(rows.values(), columns=names.split()).drop(columns="new")
    table = schema.check("institutions", table)
    known = table.drop_duplicates("openalex_id").set_index("openalex_id")["institution_id"]
    links = pd.DataFrame(ties, columns=["from", "to", "kind"], dtype="string").drop_duplicates()
    for end in ("from", "to"):
        links[end] = links[end].map(known).astype("string").fillna("openalex:" + links[end])
    return table, links.assign(kind=links["kind"].str.lower(), source="OpenAlex")
