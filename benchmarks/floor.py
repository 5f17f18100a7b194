"""The floor of edge building: a tight kernel in C over the same Parquet files, reading included.

    python benchmarks/floor.py [WORKS]     compare it with collabnet once, edge by edge

It is compiled here (`gcc -O3 -march=native`), runs in one thread and gives integer codes, the full
and the fractional weight of each pair: less than `collabnet.edges`, which also gives the years and
spells the ids out. Persons and countries stand in a store as text, which is given codes here. No
faster way is known to us; that is no proof of a limit.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from common import BENCH, DATA, HERE, say

COLUMNS = {"institution": "institution_no", "country": "country", "person": "person_id"}


class Edges(ctypes.Structure):
    """Pairs as the kernel returns them."""

    _fields_ = (
        ("size", ctypes.c_int64),
        ("room", ctypes.c_int64),
        ("first", ctypes.POINTER(ctypes.c_int32)),
        ("second", ctypes.POINTER(ctypes.c_int32)),
        ("full", ctypes.POINTER(ctypes.c_int32)),
        ("fractional", ctypes.POINTER(ctypes.c_double)),
    )


class Pairs(NamedTuple):
    """Codes of the two ends, both weights, and what the codes stand for (None: row numbers)."""

    first: np.ndarray
    second: np.ndarray
    full: np.ndarray
    fractional: np.ndarray
    names: pa.Array | None


@cache
def kernel() -> ctypes.CDLL:
    """Compile the kernel for this processor and load it."""
    built = BENCH / "floor.so"
    built.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-O3", "-march=native", "-shared", "-fPIC", HERE / "floor.c", "-o", built]
    subprocess.run([str(word) for word in command], check=True)
    return ctypes.CDLL(str(built))


def floor_edges(store: Path, level: str, cap: int | None = None) -> Pairs:
    """Return the pairs of all works of a store, which is read here."""
    column = COLUMNS[level]
    acts = _read(store, "activities", ["activity_no", "kind"], ["kind"])
    is_work = np.array([value == "work" for value in acts["kind"].dictionary.to_pylist()], "uint8")
    kinds = acts["kind"].indices.to_numpy(zero_copy_only=False)
    keep = np.zeros(len(kinds), "uint8")
    keep[acts["activity_no"].to_numpy()] = is_work[kinds]
    # Few values are fastest as the dictionaries of Parquet, many when they are hashed once.
    rows = _read(store, "participants", ["activity_no", column], [column] * (level == "country"))
    work = _codes(rows["activity_no"])
    unit, names = rows[column], None
    if level != "institution":
        unit = unit if level == "country" else unit.dictionary_encode()
        names, unit = unit.dictionary, unit.indices
    codes = _codes(unit)
    if cap is not None:
        keep &= _within(work, codes, len(keep), cap)
    below = len(names) if names is not None else int(codes.max(initial=-1)) + 1
    return _pairs(work, codes, keep, below, names)


def _read(store: Path, table: str, columns: list[str], text: list[str]) -> dict[str, Any]:
    """Read columns of a table in one thread, each as one array, text as a dictionary."""
    place = store / f"{table}.parquet"
    found = pq.read_table(
        place if place.exists() else store / table,
        columns=columns,
        read_dictionary=text,
        use_threads=False,
    )
    return {name: _whole(found[name]) for name in columns}


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)


def _codes(column: pa.Array) -> np.ndarray:
    """Return codes as int32, -1 where there is none."""
    filled = column.fill_null(-1) if column.null_count else column
    return filled.to_numpy(zero_copy_only=False).astype("int32", copy=False)


def _within(work: np.ndarray, codes: np.ndarray, works: int, cap: int) -> np.ndarray:
    """Say which works have no more members than `cap`; a member counts once."""
    sizes = np.bincount(work[codes >= 0], minlength=works)
    large = np.flatnonzero(sizes > cap).astype("int32")
    inside = np.ones(works, "uint8")
    starts, stops = np.searchsorted(work, large), np.searchsorted(work, large, "right")
    for number, start, stop in zip(large, starts, stops, strict=True):  # its rows stand together
        members = codes[start:stop]
        inside[number] = len(np.unique(members[members >= 0])) <= cap
    return inside


def _pairs(
    work: np.ndarray, codes: np.ndarray, keep: np.ndarray, units: int, names: pa.Array | None
) -> Pairs:
    def at(array: np.ndarray, kind: Any) -> Any:
        return np.ascontiguousarray(array).ctypes.data_as(ctypes.POINTER(kind))

    found = Edges()
    failed = kernel().floor_edges(
        at(work, ctypes.c_int32),
        at(codes, ctypes.c_int32),
        ctypes.c_int64(len(work)),
        ctypes.c_int32(len(keep)),
        ctypes.c_int32(units),
        at(keep, ctypes.c_uint8),
        ctypes.byref(found),
    )
    if failed:
        raise MemoryError("the kernel found no memory for its pairs")
    columns = (found.first, found.second, found.full, found.fractional)
    if not found.size:
        return Pairs(*(np.empty(0, kind) for kind in ("i4", "i4", "i4", "f8")), names)
    # The arrays are those of the kernel: they are given back with the last of them.
    owner = _Owner(found)
    return Pairs(*(owner.view(column, found.size) for column in columns), names)


class _Owner:
    """Gives the kernel its memory back when no array is left that looks into it."""

    def __init__(self, found: Edges) -> None:
        self.found = found

    def view(self, column: Any, size: int) -> np.ndarray:
        kind = column._type_
        held = (kind * size).from_address(ctypes.addressof(column.contents))
        held.owner = self
        return np.frombuffer(held, kind)

    def __del__(self) -> None:
        kernel().floor_free(ctypes.byref(self.found))


def check_equal(ours: pd.DataFrame, pairs: Pairs, ids: pd.Series) -> None:
    """Raise unless collabnet's edges are those of the floor: pairs, counts, weights to 1e-9."""
    index = pd.Index(ids if pairs.names is None else pairs.names.to_pandas())
    ends = np.stack([index.get_indexer(ours[name]) for name in ("source", "target")])
    ends.sort(axis=0)
    order = np.lexsort(ends[::-1])
    expected = {"first": ends[0], "second": ends[1], "full": ours["activities"].to_numpy()}
    for name, values in expected.items():
        np.testing.assert_array_equal(values[order], getattr(pairs, name), name)
    np.testing.assert_allclose(ours["weight"].to_numpy()[order], pairs.fractional, rtol=1e-9)


def main(works: int) -> None:
    """Compare once at each level, without measuring."""
    from stores import make_store

    import collabnet as cn

    store = make_store(DATA / f"store-{works}", works)
    records = cn.read(store)
    for level in COLUMNS:
        ours = cn.edges(records, level=level, count="fractional", cap=None)
        pairs = floor_edges(store, level)
        check_equal(ours, pairs, records.institutions["institution_id"])
        say(f"{level}: {len(ours):,} edges, equal edge by edge")
        capped = cn.edges(records, level=level, count="fractional", cap=10)
        check_equal(
            capped, floor_edges(store, level, cap=10), records.institutions["institution_id"]
        )
        say(f"{level}, cap 10: {len(capped):,} edges, equal edge by edge")


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["10000"])[0]))
