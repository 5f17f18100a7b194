"""Who is linked with whom: the one self-join of the package, and what is read off it.

Two institutions (countries, persons, regions) are linked by each activity both took part in. All
counting is here; everything above works on the small tables this returns. Every table carries its
note in `attrs["note"]`: kind, level, counting, years, cap, population, coverage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import counting, engine, settings
from collabnet.errors import CollabnetError, UnknownNameError
from collabnet.parties import (
    OPEN,
    UNITS,
    Years,
    dated,
    in_years,
    join_key,
    numbers,
    stamp,
    taking_part,
    units_of,
    with_note,
)
from collabnet.privacy import guard
from collabnet.records import NUMBERS, Records

if TYPE_CHECKING:
    import duckdb

Count = Literal["full", "fractional", "refined"]
Level = Literal["institution", "country", "person", "region"]

COUNTS = ("full", "fractional", "refined")


class Asked(NamedTuple):
    """What is to be counted; `names` are regions, `home` the one unit whose links are wanted."""

    kind: str
    level: str
    years: Years | None
    count: str
    cap: int | None
    names: Sequence[str] | None
    home: str | None


class Counted(NamedTuple):
    """Pairs in order, block by block; the ids, where their ends are row numbers; the note."""

    blocks: Iterator[counting.Pairs]
    ids: pd.Series | None
    note: dict[str, Any]


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
        of an activity add up to 1. Of an activity that lasts, n is the largest number of parties
        that took part at one time; the two sums hold where all did. Fractional: Perianes-Rodríguez,
        Waltman & van Eck 2016, J. Informetrics 10(4); refined: the name is biblionetwork's.
    cap
        Leave out activities of more parties than this; the note counts them, their pairs and the
        weight of those. By default `settings.PERSON_CAP` for persons and none else.
    regions
        Names of the regions compared at level "region", as their lists were in those years;
        `settings.REGIONS` by default.

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
        Years or a cap that are none, fractional counting between regions, or regions at another
        level.

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

    Raises
    ------
    UnknownNameError
        An end, kind or level that is not known.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work", "start": "2024"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("LML")})
    >>> records = Records({"activities": works, "participants": authors})
    >>> behind(records, ("M", "L")).activity_id.tolist()
    ['p1']
    """
    for end in edge if level == "institution" else ():
        if end not in set(records.institutions["institution_id"]):
            raise UnknownNameError("institution", end, records.institutions["institution_id"])
    units = units_of(records, kind, level, years, edge if level == "region" else None)
    ends = list(edge) if units.ids is None else numbers(units.ids, edge)
    left, right = (units.frame.filter(nw.col("unit") == end) for end in ends)
    shared = _met(left, right, years).group_by("activity").agg(met=nw.len())
    cap = _limit(cap, level)
    if cap is not None:
        small = _sizes(units.frame, years).filter(nw.col("n") <= cap)
        shared = shared.join(small, on="activity", how="semi")
    found = records.lazy("activities").join(
        shared.select("activity"), left_on=join_key(records), right_on="activity", how="semi"
    )
    table = engine.collect(found).drop(columns=[*NUMBERS], errors="ignore")
    table = table.sort_values("activity_id", ignore_index=True)
    note = {"what": "activities", "edge": list(edge), "kind": kind, "level": level, "years": years}
    table.attrs["note"] = note | stamp(records, kind, years)
    return table


def write_edges(
    records: Records,
    path: str | Path,
    kind: str = "work",
    *,
    level: Level = "institution",
    years: Years | None = None,
    count: Count = "full",
    cap: int | Literal["default"] | None = "default",
    regions: Sequence[str] | None = None,
) -> duckdb.DuckDBPyRelation:
    """Write links that need not fit into memory to a Parquet file, and open it lazily.

    Parameters
    ----------
    records, kind, level, years, count, cap, regions
        As in `edges`.
    path
        The file; what stands there is replaced at once, and only by a whole file.

    Returns
    -------
    A DuckDB relation with the columns of `edges`: filter it, query it, or take `.df()`. Numbers of
    mobile persons are masked and rounded as `export_table` does; `masked` says where.

    Raises
    ------
    UnknownNameError, CollabnetError
        As in `edges`.

    Examples
    --------
    >>> import tempfile
    >>> works = pd.DataFrame({"activity_id": ["p1"], "kind": "work", "start": "2024"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1"], "institution_id": list("LM")})
    >>> records = Records({"activities": works, "participants": authors})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_edges(records, f"{folder}/edges.parquet").filter("weight > 0").fetchall()
    [('L', 'M', 1.0, 1, 2024, 2024)]
    """
    asked = Asked(kind, level, years, count, _limit(cap, level), regions, None)
    counted = _count(records, asked)
    note = _guarded(pd.DataFrame(), counted.note).attrs["note"]
    blocks = (_as_edges(block, counted.ids, years) for block in counted.blocks)
    tables = (_guarded(block, counted.note) for block in blocks)
    return engine.scan(engine.write_parquet(tables, Path(path), note))


def _guarded(table: pd.DataFrame, note: dict[str, Any]) -> pd.DataFrame:
    table.attrs["note"] = note
    return guard(table)


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
    asked = Asked(kind, level, years, count, _limit(cap, level), names, home)
    counted = _count(records, asked)
    blocks = list(counted.blocks)
    pairs = counting.Pairs(*map(np.concatenate, zip(*blocks, strict=True)))
    del blocks
    table = _as_edges(pairs, counted.ids, years)
    said = f"No {kind} with two known parties (level {level}) is in these records and years."
    return with_note(table, counted.note, said)


def joint(
    records: Records,
    kind: str,
    home: str,
    *,
    level: str = "institution",
    years: Years | None = None,
) -> pd.DataFrame:
    """Return the activities of `home`, and with whom: one row for each and partner.

    `activity` (as `parties.join_key` names it), `partner` (empty where there is none: the row says
    that the activity is there), `first`, `last` (as in `edges`), `n` (parties of the activity).
    """
    units = units_of(records, kind, level, years, None)
    own = home if units.ids is None else numbers(units.ids, [home])[0]
    mine = units.frame.filter(nw.col("unit") == own)
    among = units.frame.join(mine.select("activity"), on="activity", how="semi")
    met = _met(mine, among, years).group_by("activity", "unit_2")
    met = met.agg(nw.col("first").min(), nw.col("last").max()).rename({"unit_2": "partner"})
    ours = mine.group_by("activity").agg(
        nw.col("first").min().alias("from"),
        nw.col("last" if kind != "work" else "first").max().alias("to"),
    )
    ours = ours.join(_sizes(among, years), on="activity").join(met, on="activity", how="left")
    alone = nw.col("partner").is_null()
    rows = ours.select(
        "activity",
        "partner",
        first=nw.when(alone).then(nw.col("from")).otherwise(nw.col("first")),
        last=nw.when(alone).then(nw.col("to")).otherwise(nw.col("last")),
        n=nw.col("n"),
    )
    table = engine.collect(rows)
    if units.ids is not None:
        there = table["partner"].notna()
        ids = units.ids.array.take(table.loc[there, "partner"].astype("int64"))
        table["partner"] = pd.Series(pd.NA, table.index, dtype="string")
        table.loc[there, "partner"] = ids
    table["last"] = table["last"].mask(table["last"] == OPEN)
    for column in ("first", "last", "n"):
        table[column] = table[column].astype("Int64")
    return table.sort_values(["activity", "partner"], ignore_index=True)


def _count(records: Records, asked: Asked) -> Counted:
    count, level, names = asked.count, asked.level, asked.names
    if count not in COUNTS:
        raise UnknownNameError("counting", count, COUNTS)
    if level not in (*UNITS, "region"):
        raise UnknownNameError("level", level, (*UNITS, "region"))
    if level == "region" and count != "full":
        raise CollabnetError(
            f"count={count!r}: regions overlap, so between them only full counting is defined."
        )
    if names is not None and level != "region":
        raise CollabnetError(f'regions={names!r}: regions are compared at level="region" only.')
    said = stamp(records, asked.kind, asked.years)
    fast = asked.kind == "work" and level != "region" and engine.fits(records.lazy("participants"))
    blocks, ids, tally = (_kernel if fast else _join)(records, asked)
    note = {
        "what": "edges",
        "kind": asked.kind,
        "level": level,
        "count": count,
        "years": asked.years,
        "cap": asked.cap,
        "population": said.pop("population"),
        **tally,
        "regions": list(names or settings.REGIONS) if level == "region" else None,
        **said,
    }
    none = np.array([], dtype=object if ids is None else "int32")
    return Counted(chain([counting.Pairs(none, none, *np.zeros((4, 0)))], blocks), ids, note)


def _limit(cap: int | Literal["default"] | None, level: str) -> int | None:
    if cap == "default":
        return settings.PERSON_CAP if level == "person" else None
    if cap is not None and (isinstance(cap, bool) or not isinstance(cap, int) or cap < 0):
        raise CollabnetError(f"cap={cap!r}: a number of parties or None was expected.")
    return cap


def _kernel(
    records: Records, asked: Asked
) -> tuple[Iterator[counting.Pairs], pd.Series, dict[str, Any]]:
    """Count pairs of works in memory, as whole numbers."""
    acts, count, cap = dated(records, asked.kind), asked.count, asked.cap
    works = engine.codes(in_years(acts, "work", asked.years).select("activity", "first"))
    took_part, known = taking_part(records, asked.level)
    if place := records.file("participants"):
        column = UNITS[asked.level] if known is None else NUMBERS[1]
        rows = engine.codes_of(place, join_key(records), column)
    else:
        rows = engine.codes(took_part.select("activity", "unit"))
    activity, number, unit = rows["activity"], works["activity"], rows["unit"]
    ids = unit.texts if known is None else known
    if isinstance(activity, engine.Text):
        place = pd.Index(number.texts).get_indexer(activity.texts).astype("int32")
        activity, number = place[activity.codes], number.codes
    if isinstance(unit, engine.Text):
        order = ids.argsort().to_numpy()
        # The last place is that of the code -1, for what is not known.
        unit, ids = np.append(order.argsort(), -1).astype("int32")[unit.codes], ids.take(order)
    year = np.full(int(max(activity.max(initial=0), number.max(initial=0))) + 1, -1, dtype="int16")
    year[number] = works["first"]
    among = year[activity] >= 0
    among &= (activity >= 0) & (unit >= 0)
    if not among.all():
        activity, unit = activity[among], unit[among]
    parties, alone = counting.distinct(activity, unit)
    sizes = np.bincount(parties.n)  # by rows: n rows an activity
    n = np.flatnonzero(sizes)
    tally = _told(np.append(n, 1), np.append(sizes[n] // n, alone), cap, count)
    if cap is not None:
        parties = counting.Rows(*(column[parties.n <= cap] for column in parties))
    if asked.home is None:
        return counting.pair_blocks(parties, year, count), ids, tally
    return counting.pairs_around(parties, year, count, numbers(ids, [asked.home])[0]), ids, tally


def _join(
    records: Records, asked: Asked
) -> tuple[Iterator[counting.Pairs], pd.Series | None, dict[str, Any]]:
    """Count pairs on any engine, and of what lasts: the self-join in narwhals."""
    home, years, count = asked.home, asked.years, asked.count
    units = units_of(records, asked.kind, asked.level, years, asked.names)
    frame = engine.settle(units.frame)
    sizes = engine.settle(_sizes(frame, years))
    spread = engine.collect(sizes.group_by("n").agg(activities=nw.len()))
    tally = _told(spread["n"].to_numpy(), spread["activities"].to_numpy(), asked.cap, count)
    small = sizes.filter(nw.col("n") > 1)
    if asked.cap is not None:
        small = small.filter(nw.col("n") <= asked.cap)
    left = frame.join(small, on="activity")
    if home is not None:
        own = home if units.ids is None else numbers(units.ids, [home])[0]
        left = left.filter(nw.col("unit") == own)
    n = nw.col("n")
    credit = {"full": nw.lit(1.0), "fractional": 1.0 / (n - 1), "refined": 2.0 / (n * (n - 1))}
    pairs = _met(left, frame, years, ordered=home is None)
    if "last" in frame.collect_schema().names():  # several spells together are one activity
        once = pairs.group_by("activity", "unit", "unit_2", "n")
        pairs = once.agg(nw.col("first").min(), nw.col("last").max())
    links = pairs.with_columns(credit=credit[count]).group_by("unit", "unit_2")
    links = links.agg(
        nw.col("credit").sum(),
        nw.len().alias("activities"),
        nw.col("first").min(),
        nw.col("last").max(),
    )

    def blocks() -> Iterator[counting.Pairs]:
        for found in engine.batches(links.sort("unit", "unit_2")):
            yield counting.Pairs(
                found["unit"].to_numpy(),
                found["unit_2"].to_numpy(),
                *(found[c].fillna(0).to_numpy() for c in found.columns[2:]),
            )
        for settled in (frame, sizes):
            engine.release(settled)

    return blocks(), units.ids, tally


def _met(
    left: nw.LazyFrame, right: nw.LazyFrame, years: Years | None, *, ordered: bool = False
) -> nw.LazyFrame:
    """Pair those who took part in an activity at the same time, in those years."""
    names = right.collect_schema().names()
    pairs = left.join(
        right.rename({name: f"{name}_2" for name in names if name != "activity"}), on="activity"
    )
    unit, other = nw.col("unit"), nw.col("unit_2")
    pairs = pairs.filter(unit < other if ordered else unit != other)
    if "body" in names:
        pairs = pairs.filter(nw.col("body") != nw.col("body_2"))
    if "last" not in names:
        return pairs.with_columns(last=nw.col("first"))
    first, last = nw.col("first"), nw.col("last")
    pairs = pairs.with_columns(
        first=nw.max_horizontal("first", "first_2"), last=nw.min_horizontal("last", "last_2")
    )
    if years is not None:
        return pairs.filter(first <= last, first <= years[1], last >= years[0])
    return pairs.filter((first <= last) | first.is_null() | last.is_null())


def _sizes(frame: nw.LazyFrame, years: Years | None) -> nw.LazyFrame:
    """Count the parties of each activity: of what lasts, the most that took part at one time."""
    if "last" not in frame.collect_schema().names():
        return frame.group_by("activity").agg(n=nw.len())
    begin = nw.coalesce(nw.col("first"), nw.lit(0))
    spells = frame.select(
        "activity",
        "unit",
        begin=begin if years is None else nw.max_horizontal(begin, nw.lit(years[0])),
        end=nw.coalesce(nw.col("last"), nw.lit(OPEN)),
    )
    moments = spells.group_by("activity", "begin").agg(spells=nw.len())
    there = spells.join(moments.select("activity", at="begin"), on="activity")
    there = there.filter(nw.col("begin") <= nw.col("at"), nw.col("end") >= nw.col("at"))
    there = there.group_by("activity", "at", "unit").agg(spells=nw.len())
    return there.group_by("activity", "at").agg(n=nw.len()).group_by("activity").agg(nw.max("n"))


def _told(n: np.ndarray, activities: np.ndarray, cap: int | None, count: str) -> dict[str, Any]:
    """Count the activities by how many parties could be placed, and what the cap leaves out."""
    over = n > (OPEN**3 if cap is None else cap)
    pairs = activities * (n.astype("int64") * (n - 1) // 2)
    weight = (pairs * counting.credit(n, count))[over].sum()
    return {
        "placed": int(activities.sum()),
        "joint": int(activities[(n > 1) & ~over].sum()),
        "left_out": {
            "activities": int(activities[over].sum()),
            "pairs": int(pairs[over].sum()),
            "weight": float(weight),
        },
    }


def _as_edges(pairs: counting.Pairs, ids: pd.Series | None, years: Years | None) -> pd.DataFrame:
    """Bring the pairs to their final form: ids, one spelling, sorted, years cut to the window."""
    source, target = pairs.left, pairs.right
    swapped = source > target
    if swapped.any():
        source, target = np.where(swapped, target, source), np.where(swapped, source, target)
    first, last = pairs.first.astype("int64"), pairs.last.astype("int64")
    dated = (first > 0, (last > 0) & ((last < OPEN) | (years is not None)))
    if years is not None:
        first, last = first.clip(min=years[0]), last.clip(max=years[1])
    table = pd.DataFrame(
        {
            "source": source if ids is None else ids.array.take(source),
            "target": target if ids is None else ids.array.take(target),
            "weight": pairs.weight.astype("float64"),
            "activities": pairs.activities.astype("int64"),
            "first": pd.arrays.IntegerArray(first, ~dated[0]),
            "last": pd.arrays.IntegerArray(last, ~dated[1]),
        },
        copy=False,
    ).astype({"source": "string", "target": "string"})
    if swapped.any():
        table = table.sort_values(["source", "target"], ignore_index=True)
    return table
