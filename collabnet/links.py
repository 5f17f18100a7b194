"""Who is linked with whom: the one self-join of the package, and what is read off it.

Two institutions (countries, persons, regions) are linked by each activity both took part in. All
counting is here; everything above works on the small tables this returns. Every table carries its
note in `attrs["note"]`: kind, level, counting, years, cap, population, coverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import narwhals as nw
import pandas as pd

from collabnet import engine, settings
from collabnet.errors import CollabnetError, UnknownNameError
from collabnet.records import NUMBERS, Records
from collabnet.regions import memberships
from collabnet.schema import KINDS

Count = Literal["full", "fractional", "refined"]
Level = Literal["institution", "country", "person", "region"]
Years = tuple[int, int]

OPEN = 9999
"""Stands for the year in which an open-ended activity will end, inside this file only."""

COUNTS = ("full", "fractional", "refined")
UNITS = {"institution": "institution_id", "country": "country", "person": "person_id"}


class Units(NamedTuple):
    """Who took part in what: (activity, unit, first, last), and the population it is taken from."""

    frame: nw.LazyFrame
    ids: pd.Series | None
    population: dict[str, int]


def edges(
    records: Records,
    kind: str = "work",
    *,
    level: Level = "institution",
    years: Years | None = None,
    count: Count = "full",
    cap: int | Literal["default"] | None = "default",
    regions: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the links made by joint activities, one row a pair.

    Parameters
    ----------
    records
        What was done together.
    kind
        {"work", "agreement", "project", "mobility"}.
    level
        {"institution", "country", "person", "region"}. A country takes part through the countries
        its authors state and those of their institutions. A region pair counts an activity once,
        when it joins two different institutions, one in each region; a body that lies in both
        links nothing by itself, and only full counting is defined.
    years
        First and last year, both included. A work counts in its year of publication; an activity
        that lasts counts where it overlaps, cut to the membership of both. What has no date is
        left out and counted in the note.
    count
        {"full", "fractional", "refined"}, for an activity of n parties: 1 a pair; 1/(n-1), so that
        the strength of a node is the number of its joint activities; 2/(n(n-1)), so that all pairs
        of an activity add up to 1. Fractional: Perianes-Rodríguez, Waltman & van Eck 2016, J.
        Informetrics 10(4); refined: the name is biblionetwork's.
    cap
        Leave out activities of more parties than this, and count them in the note. By default
        `settings.PERSON_CAP` for persons and none else.
    regions
        Names of the regions compared at level "region"; `settings.REGIONS` by default.

    Returns
    -------
    `source, target, weight, activities, first, last`, with `source < target`, sorted. `activities`
    is the number of joint ones, `first` and `last` the years known for sure (`last` is
    empty where open-ended, both where no date is known).

    Raises
    ------
    UnknownNameError
        A kind, level, counting or region that is not known.
    CollabnetError
        Years the wrong way round, or fractional counting between regions.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work", "start": "2024"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("LML")})
    >>> edges(Records({"activities": works, "participants": authors})).values.tolist()
    [['L', 'M', 1.0, 1, 2024, 2024]]
    """
    return all_links(
        records, kind, level=level, years=years, count=count, cap=cap, names=regions, home=None
    )


def behind(
    records: Records,
    edge: tuple[str, str],
    *,
    kind: str = "work",
    level: Level = "institution",
    years: Years | None = None,
    cap: int | Literal["default"] | None = "default",
) -> pd.DataFrame:
    """Return the activities behind a link: the rows of `activities` both ends took part in.

    Parameters
    ----------
    records
        What was done together.
    edge
        The two ends, in any order.
    kind, level, years, cap
        As in `edges`.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work", "start": "2024"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("LML")})
    >>> records = Records({"activities": works, "participants": authors})
    >>> behind(records, ("M", "L")).activity_id.tolist()
    ['p1']
    """
    units = units_of(records, kind, level, years, edge if level == "region" else None)
    ends = list(edge) if units.ids is None else _numbers(units.ids, edge)
    frame = units.frame.filter(nw.col("unit").is_in(ends))
    last = "last" if "last" in frame.collect_schema().names() else "first"
    joint = [nw.col("n") == 2, _overlap(years)]
    spans = [nw.col("first").max(), nw.col(last).min().alias("last")]
    if level == "region":
        spans += [
            nw.col("bodies").max(),
            nw.col("lowest").min().alias("low"),
            nw.col("lowest").max().alias("high"),
        ]
        joint.append((nw.col("bodies") > 1) | (nw.col("low") != nw.col("high")))
    shared = frame.group_by("activity").agg(nw.len().alias("n"), *spans).filter(*joint)
    limit = _limit(cap, level)
    if limit is not None:
        sizes = units.frame.group_by("activity").agg(size=nw.len())
        shared = shared.join(sizes, on="activity").filter(nw.col("size") <= limit)
    key = join_key(records)
    found = records.lazy("activities").join(
        shared.select("activity"), left_on=key, right_on="activity", how="semi"
    )
    table = engine.collect(found).drop(columns=[*NUMBERS], errors="ignore")
    table = table.sort_values("activity_id", ignore_index=True)
    table.attrs["note"] = {"what": "activities", "edge": list(edge), "kind": kind, "years": years}
    return table


def all_links(
    records: Records,
    kind: str,
    *,
    level: str,
    years: Years | None,
    count: str,
    cap: int | Literal["default"] | None,
    names: Sequence[str] | None,
    home: str | None,
) -> pd.DataFrame:
    """Return `edges`, or only those of `home` where it is given."""
    if count not in COUNTS:
        raise UnknownNameError("counting", count, COUNTS)
    if level == "region" and count != "full":
        raise CollabnetError(
            f"count={count!r}: regions overlap, so between them only full counting is defined."
        )
    cap = _limit(cap, level)
    units = units_of(records, kind, level, years, names)
    frame = engine.settle(units.frame)
    sizes = engine.settle(frame.group_by("activity").agg(n=nw.len()))
    tally = _tally(sizes, cap)
    sizes = sizes.filter(nw.col("n") > 1)
    if cap is not None:
        sizes = sizes.filter(nw.col("n") <= cap)
    left = frame.join(sizes, on="activity")
    if home is not None:
        own = home if units.ids is None else _numbers(units.ids, [home])[0]
        left = left.filter(nw.col("unit") == own)
    pairs = engine.collect(
        _join(left, frame, count=count, level=level, years=years, ordered=home is None)
    )
    for settled in (frame, sizes):
        engine.release(settled)
    table = _as_edges(pairs, units.ids, years)
    table.attrs["note"] = {
        "what": "edges",
        "kind": kind,
        "level": level,
        "count": count,
        "years": years,
        "cap": cap,
        "population": units.population,
        "synthetic": units.population["made_up"] > 0,
        **tally,
        "regions": list(names or settings.REGIONS) if level == "region" else None,
        "store": records.provenance.get("store"),
    }
    return table


def _limit(cap: int | Literal["default"] | None, level: str) -> int | None:
    if cap == "default":
        return settings.PERSON_CAP if level == "person" else None
    return cap


def _join(
    left: nw.LazyFrame,
    right: nw.LazyFrame,
    *,
    count: str,
    level: str,
    years: Years | None,
    ordered: bool,
) -> nw.LazyFrame:
    """Pair the units of each activity: the self-join."""
    n = nw.col("n")
    credit = {"full": nw.lit(1.0), "fractional": 1.0 / (n - 1), "refined": 2.0 / (n * (n - 1))}
    pairs = left.with_columns(credit=credit[count]).join(
        right.rename({c: f"{c}_2" for c in right.collect_schema().names() if c != "activity"}),
        on="activity",
    )
    if ordered:
        pairs = pairs.filter(nw.col("unit") < nw.col("unit_2"))
    else:
        pairs = pairs.filter(nw.col("unit") != nw.col("unit_2"))
    if level == "region":
        pairs = pairs.filter(
            (nw.col("bodies") > 1)
            | (nw.col("bodies_2") > 1)
            | (nw.col("lowest") != nw.col("lowest_2"))
        )
    names = pairs.collect_schema().names()
    if "last" in names:
        pairs = pairs.with_columns(
            first=nw.max_horizontal("first", "first_2"), last=nw.min_horizontal("last", "last_2")
        ).filter(_overlap(years))
    links = pairs.group_by("unit", "unit_2").agg(
        nw.col("credit").sum().alias("weight"),
        nw.len().alias("activities"),
        nw.col("first").min(),
        nw.col("last" if "last" in names else "first").max().alias("last"),
    )
    return links.sort("unit", "unit_2")


def _overlap(years: Years | None) -> nw.Expr:
    """Did the two take part at the same time, and in the years asked for?"""
    first, last = nw.col("first"), nw.col("last")
    if years is None:
        return (first <= last) | first.is_null() | last.is_null()
    return (first <= last) & (first <= years[1]) & (last >= years[0])


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
        .filter(nw.col("kind") == kind)
        .with_columns(
            activity=nw.col(join_key(records)),
            first=nw.coalesce(year, end),
            last=nw.when(nw.col("end_status") == "open").then(nw.lit(OPEN)).otherwise(last),
        )
    )


def overlapping(acts: nw.LazyFrame, years: Years | None) -> nw.LazyFrame:
    """Keep the activities that are known to overlap the years.

    Raises
    ------
    CollabnetError
        The first year comes after the last.
    """
    if years is None:
        return acts
    if years[0] > years[1]:
        raise CollabnetError(f"years={years}: the first year comes after the last.")
    return acts.filter(nw.col("first") <= years[1], nw.col("last") >= years[0])


def units_of(
    records: Records,
    kind: str,
    level: str,
    years: Years | None,
    names: Sequence[str] | None,
) -> Units:
    """Return who took part in what, cut to the years and to each membership."""
    if level not in (*UNITS, "region"):
        raise UnknownNameError("level", level, (*UNITS, "region"))
    acts = dated(records, kind)
    population = population_of(acts, years)
    people = records.lazy("participants")
    unit = UNITS.get(level, "institution_id")
    ids = None
    if unit == "institution_id" and "institution_no" in people.collect_schema().names():
        unit = "institution_no"
        ids = records.institutions["institution_id"]
    lasting = kind != "work"
    columns: list[Any] = [nw.col(join_key(records)).alias("activity"), nw.col(unit).alias("unit")]
    if lasting:
        columns += ["since_year", "until_year"]
    rows = people.filter(~nw.col(unit).is_null()).select(*columns)
    if not lasting:
        if years is not None:
            acts = acts.filter(nw.col("first") >= years[0], nw.col("first") <= years[1])
        frame = rows.join(acts.select("activity", "first"), on="activity")
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
        frame = frame.group_by("activity", "unit").agg(nw.col("first").min(), nw.col("last").max())
    if level == "region":
        return Units(_by_region(records, frame, unit, names), None, population)
    return Units(frame, ids, population)


def _by_region(
    records: Records, bodies: nw.LazyFrame, unit: str, names: Sequence[str] | None
) -> nw.LazyFrame:
    """Turn institutions into the regions they lie in, with what tells two bodies apart."""
    table = memberships(records.institutions, names or settings.REGIONS)
    if unit == "institution_no":
        table["institution_id"] = _numbers(
            records.institutions["institution_id"], table["institution_id"]
        )
    table = table.rename(columns={"institution_id": "unit"})
    placed = bodies.join(engine.like(table, bodies), on="unit")
    years = [c for c in ("first", "last") if c in bodies.collect_schema().names()]
    return (
        placed.group_by("activity", "region")
        .agg(
            *[nw.col(c).min() if c == "first" else nw.col(c).max() for c in years],
            nw.len().alias("bodies"),
            nw.col("unit").min().alias("lowest"),
        )
        .rename({"region": "unit"})
    )


def _numbers(ids: pd.Series, wanted: Sequence[str] | pd.Series) -> list[int]:
    """Return the row numbers of institutions in a store; -1 for one that is not there."""
    return pd.Index(ids).get_indexer(pd.Index(wanted)).tolist()


def population_of(acts: nw.LazyFrame, years: Years | None) -> dict[str, int]:
    """Count the activities a result is taken from, and what has to be known about them."""
    known = ~nw.col("first").is_null() & ~nw.col("last").is_null()
    undated = engine.collect(acts.filter(~known).select(n=nw.len()))["n"].iloc[0]
    undecided = 0
    if years is not None:
        # It began in time, and nobody knows whether it lasted until then.
        perhaps = acts.filter(
            nw.col("end_status") == "unknown",
            nw.col("first") <= years[1],
            nw.col("last") < years[0],
        )
        undecided = engine.collect(perhaps.select(n=nw.len()))["n"].iloc[0]
    counts = engine.collect(
        overlapping(acts, years).select(
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


def _tally(sizes: nw.LazyFrame, limit: int | None) -> dict[str, Any]:
    """Count the activities by how many parties could be placed, and what the cap leaves out."""
    n = nw.col("n")
    over = n > (limit if limit is not None else OPEN**3)
    counts = engine.collect(
        sizes.select(
            placed=nw.len(),
            joint=((n > 1) & ~over).cast(nw.Int64).sum(),
            capped=over.cast(nw.Int64).sum(),
            pairs=nw.when(over).then(n * (n - 1)).otherwise(nw.lit(0)).sum(),
        )
    ).iloc[0]
    number = {name: 0 if pd.isna(counts[name]) else int(counts[name]) for name in counts.index}
    left_out = {"activities": number["capped"], "pairs": number["pairs"] // 2}
    return {
        "placed": number["placed"],
        "joint": number["joint"],
        "left_out": left_out,
    }


def _as_edges(pairs: pd.DataFrame, ids: pd.Series | None, years: Years | None) -> pd.DataFrame:
    """Bring the pairs to their final form: ids, one spelling, sorted, years cut to the window."""
    source, target = pairs["unit"], pairs["unit_2"]
    swapped = source > target
    if swapped.any():
        source, target = source.mask(swapped, target), target.mask(swapped, source)
    last = pairs["last"].astype("Int64")
    last = last.mask(last == OPEN, pd.NA) if years is None else last.clip(upper=years[1])
    first = pairs["first"].astype("Int64")
    table = pd.DataFrame(
        {
            "source": source,
            "target": target,
            "weight": pairs["weight"].astype("float64"),
            "activities": pairs["activities"].astype("int64"),
            "first": first if years is None else first.clip(lower=years[0]),
            "last": last,
        }
    )
    if swapped.any():
        table = table.sort_values(["source", "target"], ignore_index=True)
    for column in ("source", "target"):
        if ids is not None:
            table[column] = ids.array.take(table[column].astype("int64"))
        table[column] = table[column].astype("string")
    return table
