"""Small numbers of persons: masked, so that subtracting does not bring them back."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

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

    What is below `settings.SMALLEST` is masked, what is above is rounded down to a multiple of it.
    So no difference of two numbers, be they of other tables, levels or years, is a small one.
    """
    note, least = table.attrs.get("note", {}), settings.SMALLEST
    columns = {"persons", *WAYS}
    for side, end in ((note, ""), (note.get("left"), "_left"), (note.get("right"), "_right")):
        if isinstance(side, dict) and side.get("kind") == "mobility":
            columns |= {f"weight{end}", f"activities{end}"}
    columns &= set(table)
    if not columns:
        return table
    if {"sending", "receiving", "persons"} <= set(table):
        table = mask_small(table, "persons", ["sending", "receiving"])
    hidden = table.get("masked", pd.Series(data=False, index=table.index))
    out = table.copy()
    for name in columns:
        small = table[name].gt(0) & table[name].lt(least)
        out[name] = (table[name] // least * least).mask(small)
        hidden = hidden | small.fillna(value=False).astype(bool)
    if "reciprocity" in out:  # the exact ratio would tell the exact numbers
        both, most = out[[*WAYS]], out[[*WAYS]].max(axis=1, skipna=False)
        out["reciprocity"] = both.min(axis=1, skipna=False) / most.where(most > 0)
    out["masked"] = hidden
    said = {"masked": int(hidden.sum()), "smallest": least, "rounded_down_to": least}
    out.attrs["note"] = table.attrs.get("note", {}) | said
    return out
