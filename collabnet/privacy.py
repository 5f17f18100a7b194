"""Small numbers of persons: masked, so that subtracting does not bring them back."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Hashable, Sequence
from importlib.resources import files
from numbers import Real
from typing import Any

import pandas as pd

from collabnet import settings
from collabnet.errors import InputError

Node = tuple[str, Hashable]
Cell = tuple[Node, Node]
ROWS: Node = ("row", ("total",))
COLUMNS: Node = ("column", ("total",))
ONLY: Node = ("column", ("only",))
"""Where the totals stand: a row and a column more."""
WAYS = ("mobility_out", "mobility_in")
MOBILE = {"mobility", *WAYS}
HANDED_ON = (files("collabnet") / "data" / "mobility.toml").read_text(encoding="utf-8")
COUNTS, TEXTS, FACTS, CHOICES = (set(v.split()) for v in tomllib.loads(HANDED_ON).values())


def mask_small(
    table: pd.DataFrame, value: str, by: Sequence[str], threshold: int | None = None
) -> pd.DataFrame:
    """Mask what counts fewer persons than `threshold`, and what else would tell it.

    `by` names the one or two columns that tell cells apart. Totals by either column, and of all,
    are taken for known unless they are small too. They tell a cell that no cycle of masked cells
    goes through (a bridge of the graph of rows and columns, its edges the masked cells): further
    cells, the smallest first, are masked until there is none. `attrs["withheld"]` lists the totals
    that must not be shown; the note counts what is masked.
    """
    least = settings.SMALLEST if threshold is None else threshold
    if not 1 <= len(by) <= 2 or table.duplicated([*by]).any():
        raise InputError(f"Masking needs one row for each cell of one or two columns, not {by}.")
    rows = [("row", key) for key in table[by[0]]]
    columns = [("column", key) for key in table[by[1]]] if len(by) == 2 else [ONLY] * len(table)
    places = list(zip(rows, columns, strict=True))
    cells: dict[Cell, float] = {}
    for (row, column), persons in zip(places, table[value].fillna(0).astype(float), strict=True):
        for cell in ((row, column), (row, COLUMNS), (ROWS, column), (ROWS, COLUMNS)):
            cells[cell] = cells.get(cell, 0) + persons
    hidden = {cell for cell, persons in cells.items() if 0 < persons < least}
    while told := _told(cells, hidden, least):
        hidden |= told
    masked = pd.Series([place in hidden for place in places], table.index, dtype=bool)
    out = table.assign(**{value: table[value].mask(masked), "masked": masked})
    totals = [_total(cell, by) for cell in sorted(hidden.difference(places), key=repr)]
    note = {"masked": int(masked.sum()), "smallest": least, "withheld": len(totals)}
    out.attrs = {"note": table.attrs.get("note", {}) | note, "withheld": totals}
    return out


def mask_few(table: pd.DataFrame) -> pd.DataFrame:
    """Mask the persons behind links (`bus_factor`) who are fewer than `settings.SMALLEST`.

    They do not add up, so no total tells them; the order of the rows must not either.
    """
    few = table[["persons", "cover"]].lt(settings.SMALLEST).fillna(value=False).astype(bool)
    few["exact"] = few["cover"]
    out = table.assign(**table[[*few]].mask(few), masked=few.any(axis=1))
    out = out.sort_values(["activities", "partner"], ascending=[False, True], ignore_index=True)
    note = {"masked": int(few.any(axis=1).sum()), "smallest": settings.SMALLEST}
    out.attrs = {"note": table.attrs.get("note", {}) | note}
    return out


def _told(cells: dict[Cell, float], hidden: set[Cell], least: float) -> set[Cell]:
    """Return what to mask besides, for the totals not to tell what is masked; empty where done."""
    import networkx as nx

    shown = sorted(
        (c for c in cells.keys() - hidden if cells[c] > 0), key=lambda c: (cells[c], repr(c))
    )
    graph = nx.Graph()
    graph.add_weighted_edges_from((*cell, cells[cell]) for cell in hidden)
    more = set()
    for node, behind in graph.degree(weight="weight"):
        total = (node, COLUMNS) if (node, COLUMNS) in cells else (ROWS, node)
        if total not in hidden and behind < least:
            more |= {next(cell for cell in shown if node in cell)}
    for bridge in nx.bridges(graph):
        rest = nx.restricted_view(graph, [], [bridge])
        side = nx.node_connected_component(rest, bridge[0])
        across = [cell for cell in shown if (cell[0] in side) != (cell[1] in side)]
        # A cell that closes a cycle at once is worth more than a smaller one.
        closing = (cell for cell in across if cell[0] in graph and cell[1] in graph)
        more |= {next(closing, across[0])}
    return more


def _total(cell: Cell, by: Sequence[str]) -> dict[str, Hashable]:
    """Say which total a cell is: that of one value of a column, or, with none, that of all."""
    ends = zip((by[0], by[-1]), cell, (ROWS, COLUMNS), strict=True)
    return {column: node[1] for column, node, total in ends if node not in (total, ONLY)}


def guard(table: pd.DataFrame) -> pd.DataFrame:
    """Make numbers of mobile persons safe to hand on; a table without any is returned as it is.

    What is below `settings.SMALLEST` is masked, what is above is rounded to the nearest multiple of
    it, as HESA does. So no two numbers, of whatever tables, levels or years, differ by little. Of a
    table of mobility, or of the side of a comparison that is, only columns known to be safe are
    kept: what is derived (shares, ranks, intervals) would tell the exact numbers, and so would the
    order. Of lists of activities, those of too few persons are left out, for rows can be counted.
    """
    behind_links, least = {"partner", "persons", "cover"} <= set(table), settings.SMALLEST
    table = mask_few(table) if behind_links else table
    note = table.attrs.get("note", {})
    sides = {"": note, "_left": note.get("left"), "_right": note.get("right")}
    ends = [end for end, side in sides.items() if is_mobile(side)]
    columns = {f"{name}{end}" for name in COUNTS for end in ends}
    columns = (columns | {*WAYS} | ({*()} if behind_links else {"persons"})) & set(table)
    said = _safe(note, mobile=False)
    if not columns and not ends and said == note:
        return table
    if {"sending", "receiving", "persons"} <= set(table):
        table = mask_small(table, "persons", ["sending", "receiving"])
        said |= {"withheld": table.attrs["note"]["withheld"]}
    out = table.copy()
    if ends:
        others = tuple({"_left", "_right"} - {*ends}) if "" not in ends else ()
        safe = columns | FACTS | {"masked"}
        safe |= {c for c in TEXTS & set(out) if not pd.api.types.is_numeric_dtype(out[c])}
        withheld = [c for c in out if c not in safe and not str(c).endswith(others)]
        said |= {"withheld": withheld} if withheld else {}
        if "activity_id" in out:
            known = out["amount"].ge(least) if "amount" in out else out["activity_id"].isna()
            out = out[known.fillna(value=False).astype(bool)]
            said["rows_left_out"] = _rounded(len(table) - len(out))
        out = out.drop(columns=withheld)
        keys = [c for c in out if c not in columns | {"masked"}]
        out = out.sort_values(keys, key=lambda c: c.astype(str), ignore_index=True)
    hidden = out.get("masked", pd.Series(data=False, index=out.index))
    for name in columns & set(out):
        small = out[name].gt(0) & out[name].lt(least)
        out[name] = rounded(out[name])
        hidden = hidden | small.fillna(value=False).astype(bool)
    if "reciprocity" in out:  # the exact ratio would tell the exact numbers
        both, most = out[[*WAYS]], out[[*WAYS]].max(axis=1, skipna=False)
        out["reciprocity"] = both.min(axis=1, skipna=False) / most.where(most > 0)
    if columns:
        out["masked"] = hidden
        said |= {"masked": int(hidden.sum())}
    out.attrs["note"] = said | {"smallest": least, "rounded_to": least}
    return out


def drawable(table: pd.DataFrame, values: str = "weight") -> pd.DataFrame:
    """Return what may be drawn of a table: a figure is handed on too. Masked rows are left out."""
    safe = guard(table)
    return table if safe is table else safe.dropna(subset=[values])


def rounded(persons: pd.Series) -> pd.Series:
    """Round numbers of persons to the nearest multiple of `settings.SMALLEST`; mask the small."""
    least = settings.SMALLEST
    return ((persons + least / 2) // least * least).mask(persons.gt(0) & persons.lt(least))


def is_mobile(note: Any) -> bool:
    """Say whether a note, or that of a side of a comparison, is of mobility."""
    asked = note if isinstance(note, dict) else {}
    return asked.get("kind") == "mobility" or asked.get("layer") in WAYS


def _safe(value: Any, key: str = "", *, mobile: bool) -> Any:
    """Round the numbers of mobile persons in a note; floats that are no counts are left out."""
    if key in CHOICES:
        return value
    if isinstance(value, dict):
        own = is_mobile(value) or (mobile and "kind" not in value)
        return {k: _safe(v, str(k), mobile=own or k in MOBILE) for k, v in value.items()}
    if mobile and isinstance(value, list | tuple):
        return [_safe(v, key, mobile=True) for v in value]
    if mobile and key == "said":
        return re.sub(r"(?<!\S)\d+(?!\S)", lambda n: str(_rounded(int(n[0]))), str(value))
    if not mobile or isinstance(value, bool) or not isinstance(value, Real):
        return value
    if isinstance(value, float) and (key not in COUNTS or math.isnan(value)):
        return None
    return _rounded(float(value))


def _rounded(number: float) -> int | str:
    least = settings.SMALLEST
    if 0 < number < least:
        return f"fewer than {least}"
    return int((number + least / 2) // least * least)
