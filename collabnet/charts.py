"""Figures that are no maps: matrices, networks and trends, returned and never shown.

As maps they draw offline, say what is hidden, and carry the note of their table in `layout.meta`.
Rows are placed in pixels, so that names have the room they take; looks are in `data/looks.json`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from collabnet import geo, sheet
from collabnet import words as say
from collabnet.errors import SchemaError, UnknownNameError
from collabnet.graphs import check_edges
from collabnet.network import layout
from collabnet.plots import COLOURS, LOOKS, MARGIN, SYMBOLS, legends, lettered, standing
from collabnet.privacy import drawable, guard
from collabnet.regions import list_regions
from collabnet.sheet import GREY, INK, LABEL, SMALL
from collabnet.words import Words, capital, count, number, plain, text_width, wrap

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Frame(NamedTuple):
    """What a figure is of: its table's note, its language, title and width."""

    note: dict[str, Any]
    words: Words
    title: str
    width: int


LINE, LINK = COLOURS[1], "#7d8894"
PANEL = 260  # least pixels of a panel
GROUPS = 6  # of communities, how many are told apart


def plot_matrix(
    table: pd.DataFrame,
    *,
    rows: str = "source",
    columns: str | Sequence[str] = "target",
    values: str = "weight",
    institutions: pd.DataFrame | None = None,
    missing: float | None = 0.0,
    order: Literal["total", "given"] = "total",
    top: int = 30,
    title: str | None = None,
    lang: str | None = None,
    width: int = 900,
) -> go.Figure:
    """Draw a matrix of amounts: the darker, the more; what is unknown is hatched, never 0.

    Parameters
    ----------
    table
        An edge table, whose links then stand in both triangles, or any table with a row a cell.
    rows, columns, values
        Names of its columns. Several `columns` are those of a table that has them side by side, as
        that of `gaps`: `columns=["works", "projects"]`. Of mobile persons, numbers are masked as
        `export_table` does.
    institutions
        What their ids are called; regions and countries have their names without.
    missing
        What a cell is of which the table has no row: 0, or None for unknown. An empty value is
        always unknown, and so is a sum with one.
    order
        {"total", "given"}: the largest rows and columns first, or as the table has them.
    top
        How many rows, and how many columns, are drawn; the figure says how many are hidden.
    title, lang, width
        As in `plot_map`; the height follows from the rows.

    Raises
    ------
    SchemaError
        The table lacks a column, or an amount is below 0.
    UnknownNameError
        An order or language that is not known.

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["BE"], "target": ["FR"], "weight": [4.0]})
    >>> figure = plot_matrix(links, lang="fr")
    >>> figure.data[0].customdata.tolist()
    [[nan, 4.0], [4.0, nan]]
    """
    words, table = say.words_of(lang), guard(table)
    note = table.attrs.get("note", {})
    if order not in {"total", "given"}:
        raise UnknownNameError("order", order, ("total", "given"))
    wide = [] if isinstance(columns, str) else list(columns)
    if lost := [c for c in [rows, *(wide or [columns, values])] if c not in table]:
        raise SchemaError(f"The table has no column {lost[0]!r}: name rows, columns and values.")
    cells = table.melt(rows, wide) if wide else table[[rows, columns, values]]
    cells = cells.set_axis(["row", "column", "value"], axis=1).fillna({"row": "", "column": ""})
    cells["value"] = cells["value"].astype("Float64").astype("float64")
    if cells["value"].lt(0).any():
        raise SchemaError(f"Column {values!r}: amounts of 0 or more were expected.")
    mirrored = not wide and {rows, columns} == {"source", "target"}
    if mirrored:
        turned = cells[cells["row"] != cells["column"]]
        turned = turned.rename(columns={"row": "column", "column": "row"})
        cells = pd.concat([cells, turned], ignore_index=True)
    sums = cells.groupby(["row", "column"], sort=False)["value"]
    sums = sums.sum().where(sums.count() == sums.size())
    grid = sums.unstack(fill_value=missing)  # noqa: PD010
    for axis in (0, 1) if order == "total" else ():
        totals = grid.sum(axis=1 - axis).sort_values(ascending=False, kind="stable")
        grid = grid.reindex(wide if wide and axis else totals.index, axis=axis)
    if mirrored:
        grid = grid.reindex(columns=grid.index)
    whole, grid = grid.shape, grid.iloc[:top, :top]
    own = [[mirrored and r == c and (r, c) not in sums for c in grid] for r in grid.index]
    blank = np.array(own, dtype=bool).reshape(grid.shape)
    value = np.where(blank, np.nan, grid.to_numpy("float64"))
    lost = np.isnan(value) & ~blank
    said = [_cut(words, "rows", len(grid), whole[0])]
    said += [_cut(words, "columns", grid.shape[1], whole[1])]
    said += [words["by_total"] if order == "total" else "", words["both_ways"] if mirrored else ""]
    said += [words["grey"] if lost.any() else ""]
    frame = Frame(note, words, title or _title(note, institutions, words), width)
    names = [names_of(axis, institutions, words) for axis in (grid.index, grid.columns)]
    drawn = _cells(value, lost, names, words, width) if grid.size else {}
    return framed(frame, said, [say.told(note, words)], **drawn)


def plot_network(
    edges: pd.DataFrame,
    communities: pd.DataFrame | None = None,
    *,
    institutions: pd.DataFrame | None = None,
    home: str | None = None,
    top: int = 120,
    labels: int = 24,
    seed: int = 0,
    title: str | None = None,
    lang: str | None = None,
    width: int = 900,
    height: int = 700,
) -> go.Figure:
    """Draw a network: marks that are near have strong links; groups have a colour and a sign.

    The places are those of Fruchterman & Reingold 1991 (Software 21(11) 1129-1164) on the links
    drawn, from a seed: the same network gives the same figure.

    Parameters
    ----------
    edges
        An edge table: all links, or those that a backbone keeps.
    communities
        A table of `communities`; the six largest groups are told apart.
    institutions
        What their ids are called; regions and countries have their names without.
    home
        The unit that is drawn as a star, where it is in the network.
    top
        How many links are drawn, the strongest first; the figure says how many are hidden.
    labels
        How many units are named, the strongest first, where there is room.
    seed
        Another one gives another picture of the same network.
    title, lang, width, height
        As in `plot_map`.

    Raises
    ------
    SchemaError
        No edge table, or a weight that is not above 0.
    UnknownNameError
        A language that is not known.

    Examples
    --------
    >>> links = pd.DataFrame({"source": list("AB"), "target": list("BC"), "weight": [1.0, 3.0]})
    >>> plot_network(links, top=1).layout.title.subtitle.text
    'The strongest 1 of 2 links, 1 hidden · 2 of 3 units have one'
    """
    words, edges = say.words_of(lang), drawable(edges)
    note = edges.attrs.get("note", {})
    check_edges(edges)
    frame = Frame(note, words, title or _title(note, institutions, words), width)
    if edges.empty:
        return framed(frame, [], [say.told(note, words)])
    drawn = edges.sort_values("weight", ascending=False, kind="stable").head(top)
    ends = [edges.set_index(end)["weight"] for end in ("source", "target")]
    strength = pd.concat(ends).groupby(level=0).sum().astype(float)
    units = layout(drawn, seed=seed)
    units["home"], units["strength"] = units["unit"].isin([home]), units["unit"].map(strength)
    order = {"home": False, "strength": False, "unit": True}
    units = units.sort_values([*order], ascending=[*order.values()], ignore_index=True)
    units["name"] = names_of(units["unit"], institutions, words)
    groups = _groups(units, communities, words)
    said = [_cut(words, "links", len(drawn), len(edges))]
    said += [_cut(words, "units", len(units), len(strength))]
    said += [f"★ {plain(units['name'][0])}"] if units["home"][0] else []
    inner, entry = width - 2 * MARGIN, 44 + int(widest(group.label for group in groups))
    foot = 29 * math.ceil(len(groups) / max(1, inner // entry)) if groups[0].label else 0
    high = max(height - 166 - foot, 200)
    paper = sheet.Paper(inner, high)
    _weave(paper, units, drawn, groups, labels=labels, words=words)
    axes = legends(capital(say.kind_of(note, words))) | {"dragmode": "pan"}
    for axis, pixels in (("xaxis", inner), ("yaxis", high)):
        axes[axis] = {"visible": False, "range": [0, pixels]}
    feet = [say.told(note, words), words["sizes"], words["layout"]]
    return framed(frame, said, feet, traces=paper.traces, high=high, axes=axes, head=26, foot=foot)


def plot_trend(
    table: pd.DataFrame,
    *,
    values: str = "weight",
    institutions: pd.DataFrame | None = None,
    complete: int | None = None,
    top: int = 12,
    title: str | None = None,
    lang: str | None = None,
    width: int = 900,
) -> go.Figure:
    """Draw amounts by year: a panel for each partner, the strongest first.

    All panels have one scale, from 0, unless the largest line is more than eight times as high as
    the smallest: then each has its own, and the figure says so. A year that is not complete is
    hollow and dotted.

    Parameters
    ----------
    table
        A table of `trend`, or any with `year` (or `until`) and, where there are several lines,
        `partner`. Columns `low` and `high` (of a share `share_low` and so on) are drawn as a band.
    values
        The column drawn.
    institutions
        What the partners are called; regions and countries have their names without.
    complete
        The last year of which all is known; by default that before the present one.
    top
        How many panels are drawn; the figure says how many are hidden.
    title, lang, width
        As in `plot_map`; the height follows from the panels.

    Raises
    ------
    SchemaError
        The table lacks the years or the values.
    UnknownNameError
        A language that is not known.

    Examples
    --------
    >>> counts = pd.DataFrame({"year": [2023, 2024, 2025], "weight": [1.0, 2.0, 1.0]})
    >>> figure = plot_trend(counts, complete=2024, title="Works")
    >>> figure.layout.title.subtitle.text
    '2025 is not complete: hollow, dotted'
    """
    words, table = say.words_of(lang), drawable(table, values)
    note = table.attrs.get("note", {})
    year, many = "until" if "until" in table else "year", "partner" in table
    if lost := [name for name in (year, values) if name not in table]:
        raise SchemaError(f"The table has no column {lost[0]!r}: `trend` gives such a table.")
    ends = ["low", "high"] if values == "weight" else [f"{values}_low", f"{values}_high"]
    lines = table.reindex(columns=[values, *ends]).astype("Float64").astype("float64")
    lines = lines.set_axis(["value", "low", "high"], axis=1).assign(
        year=table[year].astype("int64")
    )
    lines = lines.assign(partner=table["partner"] if many else "").sort_values("year")
    sums = lines.groupby("partner")["value"].sum().sort_values(ascending=False, kind="stable")
    shown = sums.index[:top]
    lines = lines[lines["partner"].isin(shown)]
    tops = lines.groupby("partner")[["value", "high"]].max().max(axis=1).fillna(0)
    shared = tops.max() <= 8 * tops.min()
    done = pd.Timestamp.today().year - 1 if complete is None else complete
    late = ", ".join(map(str, sorted(set(lines.loc[lines["year"] > done, "year"]))))
    said = [_cut(words, "lines", len(shown), len(sums)) if many else ""]
    said += [words["one_scale" if shared else "own_scale"] if len(shown) > 1 else ""]
    said += [words["unfinished"].format(year=late) if late else ""]
    said += [words["band"] if lines["low"].notna().any() else ""]
    how = words.get(f"by_{note.get('by')}", "").format(n=note.get("window"))
    frame = Frame(note, words, title or _title(note, institutions, words), width)
    names = names_of(shown, institutions, words) if many else [""] * len(shown)
    most = tops.clip(lower=tops.max()) if shared else tops
    each = zip(names, shown, strict=True)
    panels = [(name, lines[lines["partner"] == key], most[key]) for name, key in each]
    drawn = _panels(panels, done, frame, percent="share" in values) if panels else {}
    return framed(frame, said, [say.told(note, words), how], **drawn)


def framed(
    frame: Frame,
    said: Iterable[str],
    feet: Sequence[str],
    *,
    traces: Sequence[dict[str, Any]] = (),
    high: float = 120,
    axes: dict[str, Any] | None = None,
    texts: Sequence[dict[str, Any]] = (),
    sides: tuple[int, int] = (0, 0),
    head: int = 0,
    foot: int = 0,
) -> go.Figure:
    """Put a picture of so many pixels into its frame; one without traces says it is empty."""
    import plotly.graph_objects as go

    words, none = frame.words, "" if traces else frame.words["nothing"]
    said = [*said] if traces else []
    letters = lettered(frame.title, said, feet, [frame.note], words=words, width=frame.width)
    below = 16 + foot + 15 * len(letters.feet)
    edges = {"l": MARGIN + sides[0], "r": MARGIN + sides[1], "t": letters.above + head, "b": below}
    hidden = {"xaxis": {"visible": False}, "yaxis": {"visible": False}}
    out = letters.layout | ((axes or {}) if traces else hidden)
    out |= {"height": high + edges["t"] + below, "margin": edges | {"autoexpand": False}}
    out["separators"] = "".join(reversed(words["separators"]))
    out["annotations"] = [*texts, *standing(letters.feet, below, "", none, sides[0])]
    return go.Figure({"data": [*traces], "layout": out})


def names_of(ids: Iterable[Any], institutions: pd.DataFrame | None, words: Words) -> list[str]:
    """Return what institutions, regions, countries and layers are called; another id stays."""
    ids, lang = ["" if pd.isna(one) else str(one) for one in ids], words["lang"]
    regions = list_regions().set_index("region")
    known = words["layers"] | dict(regions.get(f"label_{lang}", regions["label_en"]))
    if any(len(one) == 2 and one.isupper() for one in ids):
        lands = geo.countries("50m").dropna(subset="iso2")
        known |= dict(zip(lands["iso2"], lands.get(f"name_{lang}", lands["name"]), strict=True))
    if institutions is not None:
        rows = institutions[institutions["institution_id"].isin(ids)].to_dict("records")
        known |= {row["institution_id"]: say.name_in(row, lang) for row in rows}
    return [str(known.get(one, one)) if one else words["not_known"] for one in ids]


def _title(note: dict[str, Any], institutions: pd.DataFrame | None, words: Words) -> str:
    """Say whose numbers a table has, where that is known, and of what."""
    what, home = say.spanned(note, words), note.get("home")
    if home is None or institutions is None:
        return capital(what)
    return words["title"].format(home=names_of([home], institutions, words)[0], what=what)


def _cut(words: Words, key: str, n: int, whole: int) -> str:
    """Say how many there are, and how many of them are hidden."""
    if n == whole:
        return count(words, key, n)
    counts = {"n": n, "all": whole, "hidden": whole - n}
    return words[f"{key}_cut"].format(**{k: number(v, words) for k, v in counts.items()})


def widest(names: Iterable[str]) -> float:
    """Return how many pixels the widest of some names takes."""
    return max((text_width(name, LABEL) for name in names), default=0)


def _cells(
    value: np.ndarray, lost: np.ndarray, names: list[list[str]], words: Words, width: int
) -> dict[str, Any]:
    """Return the cells of a matrix with their numbers, and the names beside and above."""
    left = int(min(0.34 * width, 22 + widest(names[0])))
    room, (n_rows, n_columns) = width - 2 * MARGIN - left, value.shape
    wide = min(96.0, room / n_columns)
    beside = [wrap(name, left - 14, LABEL, 3) for name in names[0]]
    above = [wrap(name, wide - 6, SMALL, 3) for name in names[1]]
    turned = "…" in "".join(itertools.chain(*above))
    if turned:
        above = [wrap(name, 320, SMALL, 1) for name in names[1]]
    longest = widest(line for lines in above for line in lines) * SMALL / LABEL
    head = int(longest if turned else 15 * max(map(len, above))) + 14
    texts = np.array([["?" if np.isnan(v) else number(v, words) for v in row] for row in value])
    told = [
        [
            f"<b>{plain(row)}</b><br>{plain(name)}<br>{text}"
            for name, text in zip(names[1], line, strict=True)
        ]
        for row, line in zip(names[0], texts, strict=True)
    ]
    root = np.sqrt(value)
    most = float(np.nanmax(root, initial=0)) or 1.0
    ticks = [0, *sheet.steps_of(value[value > 0])[1:]]
    ticks = ticks if len(ticks) > 1 else [0, most**2]
    bar = LOOKS["scale"] | {
        "tickvals": np.sqrt(ticks),
        "ticktext": [number(t, words) for t in ticks],
    }
    heat = {"z": root, "zmax": most, "customdata": value, "hovertext": told, "colorbar": bar}
    grey = {"z": np.where(lost, 1.0, np.nan), "hovertext": told}
    at = np.nonzero(lost | ~np.isnan(value))
    fits = [text if text_width(text, SMALL) <= wide - 4 else "" for text in texts[at]]
    ink = np.where(np.nan_to_num(root[at]) > 0.6 * most, "white", INK)
    cell = {"x": at[1], "y": at[0], "text": fits, "textfont": {"size": SMALL, "color": ink}}
    traces = [LOOKS["heat"] | heat, LOOKS["grey"] | grey, LOOKS["cell"] | cell]
    axes = {
        name: LOOKS["names"]
        | {
            "tickvals": [*range(len(lines))],
            "ticktext": ["<br>".join(map(plain, line)) for line in lines],
        }
        for name, lines in (("xaxis", above), ("yaxis", beside))
    }
    x = {"side": "top", "tickangle": -90 if turned else 0, "tickfont": {"size": SMALL}}
    axes["xaxis"] |= x | {"range": [-0.5, n_columns - 0.5]}
    axes["yaxis"] |= {"range": [n_rows - 0.5, -0.5]}
    high, sides = (16 * max(map(len, beside)) + 8) * n_rows, (left, int(room - wide * n_columns))
    return {"traces": traces, "axes": axes, "high": high, "sides": sides, "head": head, "foot": 46}


def _groups(
    units: pd.DataFrame, communities: pd.DataFrame | None, words: Words
) -> list[sheet.Group]:
    """Write the groups of a network into its table, and name them by their strongest units."""
    if communities is None:
        units["group"] = ""
        return [sheet.Group("", "", LINE, "circle")]
    of = communities.set_index("unit")["community"].clip(upper=GROUPS + 1)
    units["group"] = units["unit"].map(of).fillna(GROUPS + 1).astype(int).astype(str)
    colours, symbols, found = (*COLOURS, GREY), (*SYMBOLS, "circle"), []
    for key in sorted(set(units["group"])):
        rows = units[units["group"] == key]
        names = ", ".join(wrap(name, 150, LABEL, 1)[0] for name in rows["name"][:2])
        label = words["community" if int(key) <= GROUPS else "smaller"]
        label = label.format(n=key, names=names, all=len(rows))
        found.append(sheet.Group(key, label, colours[int(key) - 1], symbols[int(key) - 1]))
    return found


def _weave(
    paper: sheet.Paper,
    units: pd.DataFrame,
    links: pd.DataFrame,
    groups: list[sheet.Group],
    *,
    labels: int,
    words: Words,
) -> None:
    """Draw links, marks (home as a star) and the names that fit."""
    spot = units[["x", "y"]].to_numpy()
    span = np.ptp(spot, axis=0)
    share = np.where(span > 0, (spot - spot.min(axis=0)) / np.where(span > 0, span, 1), 0.5)
    spot = np.array([70, 26]) + share * [paper.width - 140, paper.height - 52]
    strength, weight = units["strength"].to_numpy(), links["weight"].to_numpy("float64")
    radius = np.maximum(26 * np.sqrt(strength / strength.max()), sheet.SMALLEST) / 2
    ends = [pd.Index(units["unit"]).get_indexer(links[end]) for end in ("source", "target")]
    lines = [np.column_stack([spot[a], spot[b], [np.nan] * 2]) for a, b in zip(*ends, strict=True)]
    steps = sheet.steps_of(weight)
    level = np.searchsorted(steps, weight, side="right") - 1
    for n, step in enumerate(steps):
        line = {"color": LINK, "width": sheet.WIDTHS[n]}
        mine = [np.empty((2, 0)), *(lines[i] for i in np.flatnonzero(level == n))]
        paper.draw(*np.concatenate(mine, axis=1), line=line, opacity=0.5)
        key = {"legend": "legend2", "showlegend": True, "name": f"≥ {number(step, words)}"}
        paper.draw([np.nan], [np.nan], line=line, **key)
    told = [f"<b>{plain(name)}</b><br>" for name in units["name"]]
    told = pd.Series(told) + units["strength"].map(lambda value: number(value, words))
    for group in groups:
        rows = np.flatnonzero(units["group"] == group.key)
        home = units["home"].to_numpy()[rows]
        looks = LOOKS["mark"] | {"color": group.colour, "size": 2 * radius[rows] + 6 * home}
        looks["symbol"] = np.where(home, "star", group.symbol)
        marks = {"mode": "markers", "legendgroup": group.key}
        paper.draw(*spot[rows].T, **marks, marker=looks, hoverinfo="text", hovertext=told[rows])
        looks = {"size": 10, "symbol": group.symbol, "color": group.colour}
        key = {"name": plain(group.label, 999), "showlegend": bool(group.label)}
        paper.draw([np.nan], [np.nan], **marks, marker=looks, **key)
    named = zip(units["group"], units["name"].where(units.index < labels, ""), strict=True)
    points = np.concatenate([sheet.dense(line) for line in lines], axis=1)
    sheet.draw_labels(paper, [*named], np.column_stack([spot, radius]), points, [])


def _panels(
    panels: list[tuple[str, pd.DataFrame, float]], done: int, frame: Frame, *, percent: bool
) -> dict[str, Any]:
    """Return lines by year, each in a panel of its own with its name above and its last number."""
    inner, words = frame.width - 2 * MARGIN, frame.words
    across = max(1, min(len(panels), inner // PANEL))
    wide, plot = inner / across, 320 if len(panels) == 1 else 130
    names = [wrap(name, wide - 12, LABEL + 1, 3) if name else [] for name, *_ in panels]
    head = 17 * max(map(len, names)) + 14
    tall = head + plot + 32
    high = tall * math.ceil(len(panels) / across)
    years = np.unique(np.concatenate([rows["year"] for _, rows, _ in panels]))
    pad, step = 0.4 + 0.03 * np.ptp(years), math.ceil(max(np.ptp(years), 1) * 45 / (wide - 88))
    ticks = np.arange(years[-1], years[0] - 1, -step)
    traces, axes, texts = [], {}, []
    for n, ((_, rows, most), name) in enumerate(zip(panels, names, strict=True), start=1):
        x0, y0 = (n - 1) % across * wide, (n - 1) // across * tall
        on = {"xaxis": f"x{n}", "yaxis": f"y{n}", "x": rows["year"]}
        if rows["low"].notna().any():
            traces.append(LOOKS["band"] | on | {"y": rows["low"]})
            traces.append(LOOKS["band"] | LOOKS["fill"] | on | {"y": rows["high"]})
        full = rows["year"] <= done
        rest = full.shift(-1, fill_value=False)
        for part, dash in ((full, "solid"), (~full | ~rest, "dot")):
            line = {
                "line": {"color": LINE, "width": 2, "dash": dash},
                "y": rows["value"].where(part),
            }
            traces.append(LOOKS["way"] | on | line)
        said = [
            number(round(100 * v, 1), words) + " %" if percent else number(v, words)
            for v in rows["value"]
        ]
        looks = {
            "size": 6,
            "color": np.where(full, LINE, "white"),
            "line": {"color": LINE, "width": 1.5},
        }
        dots = {"y": rows["value"], "marker": looks, "text": [""] * (len(said) - 1) + said[-1:]}
        dots["hovertext"] = [f"{y}: {text}" for y, text in zip(rows["year"], said, strict=True)]
        traces.append(LOOKS["dots"] | on | dots)
        bottom = 1 - (y0 + head + plot) / high
        left, right = (x0 + 42) / inner, (x0 + wide - 46) / inner
        x = {"anchor": f"y{n}", "tickvals": ticks, "domain": [left, right]}
        axes[f"xaxis{n}"] = LOOKS["years"] | x | {"range": [years[0] - pad, years[-1] + pad]}
        y = {"anchor": f"x{n}", "domain": [bottom, bottom + plot / high]}
        y |= {"range": [0, 1.12 * (most or 1)], "tickformat": ".1%" if percent else ""}
        axes[f"yaxis{n}"] = LOOKS["amounts"] | y
        text = {"x": x0 / inner, "y": 1 - y0 / high}
        text["text"] = "<br>".join(f"<b>{plain(part)}</b>" for part in name)
        texts += [LOOKS["head"] | text] if name else []
    return {"traces": traces, "axes": axes, "texts": texts, "high": high}
