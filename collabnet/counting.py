"""The counting kernel: who took part in what, as whole numbers → who met whom, and how often.

A pair is packed with what it brings (size and year of the activity) into one integer, block by
block of the left unit: one sort of a block that fits the cache is worth a join and a group-by.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from collabnet.errors import CollabnetError

BLOCK = 300_000
"""Pairs made at a time: a tenth or ten times as many cost up to half more, as measured."""


PIECE = 1 << 18
"""Rows taken at a time where they can be."""

DENSE = 1 << 22
"""Cells (pair, year, size) up to which a block is counted cell by cell instead of sorted."""


class Rows(NamedTuple):
    """Who took part: each (activity, unit) once, in this order; `n` is the size of the activity."""

    activity: np.ndarray
    unit: np.ndarray
    n: np.ndarray


class Pairs(NamedTuple):
    """Pairs `left` < `right` in order; `first` and `last` are 0 where no year is known."""

    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray
    activities: np.ndarray
    first: np.ndarray
    last: np.ndarray


def credit(n: np.ndarray, count: str) -> np.ndarray:
    """Return what each pair of an activity of n parties counts."""
    n = np.maximum(n, 2).astype(float)
    return {"full": np.ones_like(n), "fractional": 1 / (n - 1), "refined": 2 / (n * (n - 1))}[count]


def distinct(activity: np.ndarray, unit: np.ndarray) -> tuple[Rows, int]:
    """Return each party of each activity of several, once, and how many have only one.

    Codes are whole numbers from 0.
    """
    if (activity[1:] < activity[:-1]).any():  # in a store the rows of an activity are together
        order = np.argsort(activity, kind="stable")
        activity, unit = activity[order], unit[order]
    parts, alone = [], 0
    for low, high in pairwise(_cuts(activity)):
        key = activity[low:high].astype(np.int64) << 32 | unit[low:high]
        key = key[_begins(key)]
        begins = _begins(key >> 32)
        several = ~(begins & np.append(begins[1:], True))
        alone += len(several) - int(np.count_nonzero(several))
        key = key[several]
        key.sort()
        key = key[_begins(key)]
        begins = np.flatnonzero(_begins(key >> 32))
        sizes = np.diff(begins, append=len(key)).astype(np.int32)
        ids = (key >> 32).astype(np.int32), key.astype(np.int32)
        parts.append(Rows(*ids, np.repeat(sizes, sizes)))
    return Rows(*map(np.concatenate, zip(*parts, strict=True))), alone


def _cuts(activity: np.ndarray) -> list[int]:
    """Cut rows into pieces that fit a cache, never inside an activity."""
    ends = activity[PIECE::PIECE]
    return [0, *np.unique(np.searchsorted(activity, ends)).tolist(), len(activity)]


def pair_blocks(rows: Rows, year: np.ndarray, count: str) -> Iterator[Pairs]:
    """Yield all pairs, added up; `year` is that of each activity, 0 where unknown."""
    units = int(rows.unit.max(initial=-1)) + 1
    known = year[year > 0]
    years = int(known.max(initial=0)) - int(known.min(initial=9999)) + 2
    if len(rows.n) and units**2 * max(int(rows.n.max(initial=0)) + 1, years) <= DENSE:
        yield _cell_by_cell(rows, year, count, units)
        return
    ahead = _ahead(rows.activity, rows.n)
    order = (rows.unit.astype(np.int64) << 32 | np.arange(len(rows.n)))[ahead > 0]
    order.sort()
    order &= 0xFFFFFFFF  # rows with somebody after them in their activity, by unit
    ahead = ahead[order]
    done = np.cumsum(ahead)
    starts = np.flatnonzero(_begins(rows.unit[order]))
    made = (done - ahead)[starts]
    cuts = np.searchsorted(made, np.arange(0, done[-1] if len(done) else 0, BLOCK))
    cuts = np.unique(starts[cuts[cuts < len(starts)]])
    index = np.int32 if len(rows.n) + BLOCK < 1 << 31 else np.int64
    for low, high in pairwise([*cuts, len(order)]):
        left, many = order[low:high], ahead[low:high]
        right = _after(left, many, index)
        yield _added_up(rows, year, count, left=left, many=many, right=right)


def _after(left: np.ndarray, many: np.ndarray, index: type) -> np.ndarray:
    """Return the `many` rows after each row of `left`."""
    ends = np.cumsum(many)
    right = np.repeat((left + 1 - (ends - many)).astype(index), many)
    right += np.arange(len(right), dtype=index)
    return right


def _ahead(activity: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return how many rows of its activity come after each row."""
    sizes = n[_begins(activity)]
    return np.repeat(np.cumsum(sizes, dtype=np.int64), sizes) - np.arange(1, len(n) + 1)


def _cell_by_cell(rows: Rows, year: np.ndarray, count: str, units: int) -> Pairs:
    """Add up all pairs of few units, without sorting: one cell for each pair and year, or size."""
    known = year[year > 0]
    zero = int(known.min(initial=9999)) - 1
    years = max(2, int(known.max(initial=zero)) - zero + 1)  # the first is for the unknown
    sizes = int(rows.n.max(initial=0)) + 1
    by_year = np.zeros(units * units * years, dtype=np.int64)
    by_size = np.zeros(units * units * sizes, dtype=np.int64)
    for low, high in pairwise(_cuts(rows.activity)):
        activity, unit, n = (column[low:high] for column in rows)
        ahead = _ahead(activity, n)
        left = np.flatnonzero(ahead)
        ahead = ahead[left]
        met, first = unit[_after(left, ahead, np.int64)], unit[left] * units
        when = np.maximum(year[activity[left]].astype(np.int32) - zero, 0)
        key = np.repeat(first * years + when, ahead) + met * years
        by_year += np.bincount(key, minlength=len(by_year))
        if count != "full":
            key = np.repeat(first * sizes + n[left], ahead) + met * sizes
            by_size += np.bincount(key, minlength=len(by_size))
    by_year, by_size = by_year.reshape(-1, years), by_size.reshape(-1, sizes)
    pair = np.flatnonzero(by_year.any(axis=1))
    by_year, seen = by_year[pair], by_year[pair, 1:] > 0
    activities, undated = by_year.sum(axis=1), ~seen.any(axis=1)
    first = np.where(undated, 0, seen.argmax(axis=1) + 1 + zero)
    last = np.where(undated, 0, years - 1 - seen[:, ::-1].argmax(axis=1) + zero)
    weight = by_size[pair] @ credit(np.arange(sizes), count)
    return Pairs(
        (pair // units).astype(np.int32),
        (pair % units).astype(np.int32),
        weight if count != "full" else activities.astype(float),
        activities.astype(np.int32),
        first.astype(np.int16),
        last.astype(np.int16),
    )


def pairs_around(rows: Rows, year: np.ndarray, count: str, unit: int) -> Iterator[Pairs]:
    """Yield the pairs of one unit: `left` is the unit, `right` each of its partners."""
    home = np.flatnonzero((rows.unit == unit) & (rows.n > 1))
    if len(home):
        begin = np.searchsorted(rows.activity, rows.activity[home])
        many = rows.n[home].astype(np.int64)
        ends = np.cumsum(many)
        right = np.repeat(begin - (ends - many), many) + np.arange(ends[-1])
        right = right[rows.unit[right] != unit]
        yield _added_up(rows, year, count, left=home, many=many - 1, right=right)


def _added_up(
    rows: Rows,
    year: np.ndarray,
    count: str,
    *,
    left: np.ndarray,
    many: np.ndarray,
    right: np.ndarray,
) -> Pairs:
    """Add up the pairs of each row of `left` with its `many` rows of `right`."""
    unit, n, when = rows.unit[left].astype(np.int64), rows.n[left], year[rows.activity[left]]
    low, units = int(unit[0]), int(rows.unit.max()) + 1
    zero = int(when[when > 0].min(initial=9999)) - 1
    when = np.maximum(when.astype(np.int64) - zero, 0)
    n_bits, year_bits = int(n.max()).bit_length(), int(when.max()).bit_length()
    shift = n_bits + year_bits
    spread = (int(unit[-1]) - low + 1) * units
    if spread >= 1 << (63 - shift):
        raise CollabnetError("More units than can be counted on one machine: use Spark.")
    # In this order the first and the last of a run have its first and its last year.
    key = np.repeat(((unit - low) * units << shift) | when << n_bits | n, many)
    key += np.left_shift(rows.unit[right], shift, dtype=np.int64)
    worth = credit(np.arange(int(n.max()) + 1), count)
    key.sort()
    begins = np.flatnonzero(_begins(key >> shift))
    activities, weight = np.diff(begins, append=len(key)), worth[key & ((1 << n_bits) - 1)]
    first, last = (_years(key, n_bits, year_bits, at) for at in (begins, _ends(begins, len(key))))
    if (when == 0).any():
        years = key >> n_bits & ((1 << year_bits) - 1)
        first = np.minimum.reduceat(np.where(years == 0, 9999, years), begins)
        first[last == 0] = 0
    pair = key[begins] >> shift
    return Pairs(
        (pair // units + low).astype(np.int32),
        (pair % units).astype(np.int32),
        np.add.reduceat(weight, begins) if count != "full" else activities.astype(float),
        activities.astype(np.int32),
        np.where(first > 0, first + zero, 0).astype(np.int16),
        np.where(last > 0, last + zero, 0).astype(np.int16),
    )


def _ends(begins: np.ndarray, size: int) -> np.ndarray:
    return np.append(begins[1:], size) - 1


def _years(key: np.ndarray, n_bits: int, year_bits: int, at: np.ndarray) -> np.ndarray:
    return key[at] >> n_bits & ((1 << year_bits) - 1)


def _begins(values: np.ndarray) -> np.ndarray:
    """Tell where a run of equal values begins."""
    out = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=out[1:])
    return out
