"""Who took part in what, and when: from participants to the units a link is drawn between.

Years are cut here, to the activity, to the spell of each member, and to that of its region.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine, settings
from collabnet.errors import CollabnetError, UnknownNameError
from collabnet.records import Records, origin
from collabnet.regions import spells
from collabnet.schema import KINDS

Years = tuple[int, int]

OPEN = 9999
"""Stands for the year in which an open-ended activity will end; no table shows it."""

UNITS = {"institution": "institution_id", "country": "country", "person": "person_id"}


class Units(NamedTuple):
    """Who took part in what; `ids` where the units are their row numbers.

    Of works (activity, unit, first), each once; of what lasts, and between regions, one row a spell
    of each member: (activity, unit, first, last) and, between regions, the `body` behind it.
    """

    frame: nw.LazyFrame
    ids: pd.Series | None


def join_key(records: Records) -> str:
    """Name the key that joins participants to activities: numbers in a store, else ids."""
    names = records.lazy("participants").collect_schema().names()
    return "activity_no" if "activity_no" in names else "activity_id"


def dated(records: Records, kind: str) -> nw.LazyFrame:
    """Return the activities of a kind with the years known for sure: `first` and `last`."""
    if kind not in KINDS:
        raise UnknownNameError("kind", kind, KINDS)
    year, end = nw.col("year"), nw.col("end_year")
    last = nw.coalesce(end, year)
    return (
        records.lazy("activities")
        .filter(nw.col("kind") == kind, nw.col("same_as").is_null())
        .with_columns(
            activity=nw.col(join_key(records)),
            first=nw.coalesce(year, end),
            last=nw.when(nw.col("end_status") == "open").then(nw.lit(OPEN)).otherwise(last),
        )
    )


def overlapping(acts: nw.LazyFrame, years: Years | None) -> nw.LazyFrame:
    """Keep the activities that are known to overlap the years."""
    check_years(years)
    if years is None:
        return acts
    return acts.filter(nw.col("first") <= years[1], nw.col("last") >= years[0])


def check_years(years: Any) -> None:
    """Raise an error unless these are None or two whole years, the first no later than the last."""
    if years is None:
        return
    whole = isinstance(years, Sequence) and all(
        isinstance(year, int | np.integer) for year in years
    )
    if not whole or len(years) != 2 or not all(0 < year < OPEN for year in years):
        raise CollabnetError(f"years={years!r}: two years such as (2019, 2024) were expected.")
    if years[0] > years[1]:
        raise CollabnetError(f"years={years}: the first year comes after the last.")


def units_of(
    records: Records,
    kind: str,
    level: str,
    years: Years | None,
    names: Sequence[str] | None,
) -> Units:
    """Return who took part in what, cut to the years and to each membership."""
    acts = in_years(dated(records, kind), kind, years)
    rows, ids = taking_part(records, "institution" if level == "region" else level)
    if kind == "work":
        frame = rows.select("activity", "unit").join(
            acts.select("activity", "first"), on="activity"
        )
        frame = frame.group_by("activity", "unit").agg(nw.col("first").min())
    else:
        # An activity whose end is unknown was alive when the last member joined.
        joined = rows.group_by("activity").agg(joined=nw.col("since_year").max())
        ends = ~nw.col("end_year").is_null() | (nw.col("last") == OPEN)
        alive = nw.max_horizontal("last", "joined")
        lives = acts.select("activity", "first", "last", "end_year").join(joined, on="activity")
        lives = lives.with_columns(last=nw.when(ends).then(nw.col("last")).otherwise(alive))
        frame = rows.join(lives.select("activity", "first", "last"), on="activity").with_columns(
            first=nw.max_horizontal("first", "since_year"),
            last=nw.min_horizontal("last", "until_year"),
        )
        if years is not None:
            frame = frame.filter(nw.col("first") <= years[1], nw.col("last") >= years[0])
        frame = frame.group_by("activity", "unit", "first", "last").agg(rows=nw.len())
        frame = frame.select("activity", "unit", "first", "last")
    if level == "region":
        return Units(_by_region(records, frame, ids, names), None)
    return Units(frame, ids)


def in_years(acts: nw.LazyFrame, kind: str, years: Years | None) -> nw.LazyFrame:
    """Keep the works of those years; what lasts is cut later, to the spell of each member."""
    check_years(years)
    if kind != "work" or years is None:
        return acts
    return acts.filter(nw.col("first") >= years[0], nw.col("first") <= years[1])


def taking_part(records: Records, level: str) -> tuple[nw.LazyFrame, pd.Series | None]:
    """Return (activity, unit, since_year, until_year), and the ids where units are numbers."""
    people = records.lazy("participants")
    unit, ids = UNITS[level], None
    if level == "institution" and "institution_no" in people.collect_schema().names():
        unit, ids = "institution_no", records.institutions["institution_id"]
    known = people.filter(~nw.col(unit).is_null())
    columns = [nw.col(join_key(records)).alias("activity"), nw.col(unit).alias("unit")]
    return known.select(*columns, "since_year", "until_year"), ids


def _by_region(
    records: Records, bodies: nw.LazyFrame, ids: pd.Series | None, names: Sequence[str] | None
) -> nw.LazyFrame:
    """Turn institutions into the regions they lie in, each as long as it does."""
    table = spells(records.institutions, names or settings.REGIONS)
    if ids is not None:
        table["institution_id"] = numbers(ids, table["institution_id"])
    table = table.rename(columns={"institution_id": "body"})
    if "last" not in bodies.collect_schema().names():
        bodies = bodies.with_columns(last=nw.col("first"))
    bodies = bodies.rename({"unit": "body"})
    placed = bodies.join(engine.like(table, bodies), on="body")
    first, last = nw.col("first"), nw.col("last")
    # What has no date lies where its members lie today.
    there = (first <= nw.col("until_year")) & (last >= nw.col("since_year"))
    undated = (first.is_null() | last.is_null()) & (nw.col("until_year") == OPEN)
    return placed.filter(there | undated).select(
        "activity",
        "body",
        nw.col("region").alias("unit"),
        first=nw.when(~first.is_null()).then(nw.max_horizontal("first", "since_year")),
        last=nw.when(~last.is_null()).then(nw.min_horizontal("last", "until_year")),
    )


def numbers(ids: pd.Series, wanted: Sequence[str] | pd.Series) -> list[int]:
    """Return the row numbers of institutions in a store; -1 for one that is not there."""
    return pd.Index(ids).get_indexer(pd.Index(wanted)).tolist()


def home_of(records: Records, home: str | None) -> str:
    """Return the home institution; it must be known where any institution is."""
    home, ids = home or settings.HOME, records.institutions["institution_id"]
    if len(ids) and home not in set(ids):
        raise UnknownNameError("institution", home, ids)
    return home


def with_note(table: pd.DataFrame, note: dict[str, Any], said: str) -> pd.DataFrame:
    """Give a table its note; an empty one says in a sentence why."""
    table.attrs["note"] = {name: value for name, value in note.items() if name != "said"}
    table.attrs["note"] |= {"said": said} if table.empty else {}
    return table


def endless() -> nw.Expr:
    """Tell the activities of which nobody knows whether they lasted beyond their first year."""
    status, lasting = nw.col("end_status"), nw.col("kind").is_in(["agreement", "project"])
    unstated = lasting & status.is_null() & nw.col("end_year").is_null()
    return (status == "unknown").fill_null(value=False) | unstated


def stamp(records: Records, kind: str, years: Years | None = None) -> dict[str, Any]:
    """Say what a result is taken from, for its note: population, coverage, settings, store."""
    population = population_of(dated(records, kind), years)
    return {"population": population, "synthetic": population["made_up"] > 0, **origin(records)}


def population_of(acts: nw.LazyFrame, years: Years | None) -> dict[str, int]:
    """Count the activities a result is taken from, and what has to be known about them."""
    within = overlapping(acts, years)
    known = ~nw.col("first").is_null() & ~nw.col("last").is_null()
    undated = engine.collect(acts.filter(~known).select(n=nw.len()))["n"].iloc[0]
    undecided = 0
    if years is not None:
        # It began in time, and nobody knows whether it lasted until then.
        perhaps = acts.filter(
            endless(),
            nw.col("first") <= years[1],
            nw.col("last") < years[0],
        )
        undecided = engine.collect(perhaps.select(n=nw.len()))["n"].iloc[0]
    counts = engine.collect(
        within.select(
            activities=nw.len(),
            truncated=nw.col("truncated").cast(nw.Int64).sum(),
            made_up=nw.col("synthetic").cast(nw.Int64).sum(),
        )
    ).iloc[0]
    return {
        **{name: 0 if pd.isna(counts[name]) else int(counts[name]) for name in counts.index},
        "without_dates": int(undated),
        "without_end": int(undecided),
    }
