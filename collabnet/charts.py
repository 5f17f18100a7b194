"""Figures that are no maps: life lines, matrices, networks and trends, returned and never shown.

As maps they draw offline, say what is hidden, and carry the note of their table in `layout.meta`.
Rows are placed in pixels, so that names have the room they take.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from collabnet import geo, sheet
from collabnet import words as say
from collabnet.agreements import agreement_status
from collabnet.errors import InputError, SchemaError, UnknownNameError
from collabnet.graphs import check_edges
from collabnet.network import layout
from collabnet.plots import COLOURS, MARGIN, SYMBOLS, Lettering, legends, lettered, standing
from collabnet.records import Records
from collabnet.regions import list_regions
from collabnet.sheet import GREY, INK, LABEL, SMALL
from collabnet.words import Words, capital, count, number, plain, text_width, wrap

if TYPE_CHECKING:
    import plotly.graph_objects as go

LIVES = {
    "ending": ("#D55E00", "#b34700"),
    "in force": ("#009E73", "#007a59"),
    "not yet": ("#0072B2", "#0072B2"),
    "dates unknown": (GREY, GREY),
    "expired": ("#a7adb5", GREY),
}
"""Groups of agreements in the order shown: colour of the bar (Okabe & Ito, and greys), of the text."""

SCALE = ("#eef4fa", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b")
"""From few to many: ColorBrewer Blues, whose lightness falls evenly (Brewer et al. 2003)."""

UNKNOWN, RULE, LINK = "#d5d8dc", "#e3e7eb", "#7d8894"
NOW: dict[str, Any] = {"color": INK, "width": 1.5, "dash": "dot"}
ENDS = 104  # pixels right of the life lines, for the date of their end
PANEL = 260  # least pixels of a panel
GROUPS = 6  # of communities, how many are told apart


def plot_lifelines(
    agreements: Records | pd.DataFrame,
    home: str | None = None,
    *,
    as_of: str | None = None,
    top: int = 40,
    title: str | None = None,
    lang: str | None = None,
    width: int = 900,
) -> go.Figure:
    """Draw the life of agreements on a time axis: a line for each, renewals on that of the first.

    What ends soon comes first, then what is in force, to come, of unknown dates, and expired. A bar
    reaches from the first day to the last; one with an arrow is open. Where the beginning or end is
    not known there is a hollow mark at the date that is, and no bar.

    Parameters
    ----------
    agreements
        Records, or a table of `agreement_status`.
    home, as_of
        As in `agreement_status`; a table has them already.
    top
        How many lines are drawn; the figure says how many are hidden.
    title, lang, width
        As in `plot_map`; the height follows from the rows.

    Raises
    ------
    UnknownNameError, InputError
        As in `agreement_status`; or the table was made for another day.

    Examples
    --------
    >>> act = {"activity_id": ["g"], "kind": "agreement", "start": "2020-09", "end": "2026-08"}
    >>> sides = pd.DataFrame({"activity_id": "g", "institution_id": ["L", "M"]})
    >>> records = Records({"activities": pd.DataFrame(act), "participants": sides})
    >>> plot_lifelines(records, "L", as_of="2026-01-01").layout.title.text
    'L: agreements on 2026-01-01'
    """
    words, table, who = say.words_of(lang), agreements, ""
    if isinstance(table, Records):
        bodies, table = table.institutions, agreement_status(table, home, as_of=as_of)
        who, as_of = _names([table.attrs["note"]["home"]], bodies, words)[0], None
    note = table.attrs.get("note", {})
    day = pd.Timestamp(note.get("as_of") or as_of or pd.Timestamp.today().normalize())
    if as_of and pd.Timestamp(as_of) != day:
        raise InputError(f"as_of={as_of!r}: the table looks at {day:%Y-%m-%d}. Leave as_of out.")
    spells, lines = _spells(table, day)
    shown, months = lines.head(top), note.get("months", 12)
    left = int(min(0.36 * width, 20 + _widest(shown["party"])))
    texts, rules, places, y = [], [], {}, 0.0
    for life, of_all in lines.groupby("life", sort=False):
        group = shown[shown["life"] == life]
        n = len(of_all)
        part = n if len(group) == n else words["part"].format(n=len(group), all=n)
        head = f"<b>{words['lives'][life].format(months=months)} ({part})</b>"
        texts.append({"y": y + 17, "text": head, "font": {"size": 13, "color": LIVES[life][1]}})
        y += 30
        for line in group.to_dict("records"):
            name, small = wrap(line["party"], left - 12, LABEL, 3), []
            if line["title"] != line["party"]:
                small = wrap(line["title"], left - 12, SMALL, 2)
            text = [
                *map(plain, name),
                *(f"<span style='color:{GREY}'>{plain(t)}</span>" for t in small),
            ]
            high = 16 * len(text) + 8
            texts.append({"y": y + high / 2, "text": "<br>".join(text), "align": "left"})
            places[line["chain"]], y = y + high / 2, y + high
            rules.append(y)
    edge = {"x": 0, "xref": "paper", "xshift": -left, "xanchor": "left", "showarrow": False}
    texts = [edge | text for text in texts]
    spells = spells[spells["chain"].isin(places)]
    spells = spells.assign(y=spells["chain"].map(places))
    drawn = {"traces": [], "high": 120}
    if len(spells):
        iso = f"{day:%Y-%m-%d}"
        texts.append({"x": day, "y": 1, "yref": "paper", "yshift": 32, "showarrow": False})
        texts[-1]["text"] = words["as_of"].format(day=iso)
        drawn = _lives(spells, day, words, width - 2 * MARGIN - left - ENDS)
        drawn |= {"high": y, "texts": texts, "sides": (left, ENDS), "head": 44}
        across = {"type": "line", "layer": "below", "xref": "paper", "x0": 0, "x1": 1}
        across["line"] = {"color": RULE, "width": 1}
        drawn["axes"]["shapes"] = [
            *({**across, "y0": at, "y1": at} for at in rules),
            {"type": "line", "x0": day, "x1": day, "yref": "paper", "y0": 0, "y1": 1, "line": NOW},
        ]
        drawn["axes"]["yaxis"] = {"range": [y, 0], "visible": False}
    again = table["follows"].isin(table["activity_id"])
    said = [count(words, "n_agreements", table["activity_id"].nunique())]
    said += [count(words, "renewals", table.loc[again, "activity_id"].nunique())]
    said += [count(words, "more_hidden", len(lines) - len(shown))]
    pattern = words["agreements_of" if who else "agreements_on"]
    title = title or pattern.format(home=who, day=f"{day:%Y-%m-%d}")
    return _framed(lettered(title, said, [], [note], words=words, width=width), words, **drawn)


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
        that of `gaps`: `columns=["works", "projects"]`.
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
    words, note = say.words_of(lang), table.attrs.get("note", {})
    if order not in {"total", "given"}:
        raise UnknownNameError("order", order, ("total", "given"))
    wide = [] if isinstance(columns, str) else list(columns)
    if lost := [c for c in [rows, *(wide or [columns, values])] if c not in table]:
        raise SchemaError(f"The table has no column {lost[0]!r}: name rows, columns and values.")
    cells = table.melt(rows, wide, "of", values) if wide else table[[rows, columns, values]]
    cells = cells.set_axis(["row", "column", "value"], axis=1)
    mirrored = {rows, columns} == {"source", "target"} if not wide else False
    if mirrored:
        turned = cells.rename(columns={"row": "column", "column": "row"})
        cells = pd.concat([cells, turned[turned["row"] != turned["column"]]], ignore_index=True)
    cells["value"] = pd.to_numeric(cells["value"]).astype("Float64").astype("float64")
    if cells["value"].lt(0).any():
        raise SchemaError(f"Column {values!r}: amounts of 0 or more were expected.")
    cells = cells.fillna({"row": "", "column": ""})
    sums = cells.groupby(["row", "column"], sort=False)["value"]
    grid = sums.sum().where(sums.count() == sums.size()).unstack(fill_value=missing)
    if order == "total":
        for axis in (0, 1):
            totals = grid.sum(axis=1 - axis).sort_values(ascending=False, kind="stable")
            grid = grid.reindex(totals.index, axis=axis)
    whole, grid = grid.shape, grid.iloc[:top, :top]
    known = {*zip(cells["row"], cells["column"], strict=True)}
    own = [[mirrored and r == c and (r, c) not in known for c in grid.columns] for r in grid.index]
    blank = np.array(own, dtype=bool).reshape(grid.shape)
    names = [_names(axis, institutions, words) for axis in (grid.index, grid.columns)]
    said = [
        _cut(words, "rows", len(grid), whole[0]),
        _cut(words, "columns", grid.shape[1], whole[1]),
    ]
    said += [words["by_total"] if order == "total" else "", words["both_ways"] if mirrored else ""]
    value = np.where(blank, np.nan, grid.to_numpy("float64"))
    title = title or capital(say.spanned(note, words))
    said = said if grid.size else []
    letters = lettered(title, said, [say.told(note, words)], [note], words=words, width=width)
    return _framed(letters, words, **_cells(value, blank, names, words, width))


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
    words, note = say.words_of(lang), edges.attrs.get("note", {})
    check_edges(edges)
    drawn = edges.sort_values("weight", ascending=False, kind="stable").head(top)
    ends = [edges.set_index(end)["weight"] for end in ("source", "target")]
    strength = pd.concat(ends).groupby(level=0).sum().astype(float)
    units = layout(drawn, seed=seed)
    units["strength"] = units["unit"].map(strength)
    units["home"] = units["unit"] == home
    order = ["home", "strength", "unit"]
    units = units.sort_values(order, ascending=[False, False, True], ignore_index=True)
    units["name"] = _names(units["unit"], institutions, words)
    groups = _groups(units, communities, words)
    said = [_cut(words, "links", len(drawn), len(edges))]
    said += [_cut(words, "units", len(units), len(strength))] if len(units) else []
    feet = [say.told(note, words), words["sizes"], words["layout"]] if len(units) else []
    title, size = title or capital(say.spanned(note, words)), {"width": width, "room": 400}
    letters = lettered(title, said, feet, [note], words=words, **size)
    keys = [group.label for group in groups if group.label]
    entry = 44 + max((text_width(key, LABEL) for key in keys), default=0)
    inner = width - 2 * MARGIN
    foot = 21 * math.ceil(len(keys) / max(1, inner // entry))
    high = max(height - letters.above - foot - 16 - 15 * len(letters.feet), 200)
    paper, key = sheet.Paper(inner, high), say.kind_of(note, words)
    axes = legends(capital(key) if len(units) else "") | {
        "xaxis": {"visible": False, "range": [0, inner]},
        "yaxis": {"visible": False, "range": [0, high]},
        "dragmode": "pan",
    }
    if len(units):
        _weave(paper, units, drawn, groups, labels, words)
    return _framed(letters, words, traces=paper.traces, high=high, axes=axes, foot=foot)


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

    All panels have one scale, from 0, unless the largest line is more than eight times the smallest:
    then each has its own, and the figure says so. A year that is not complete is hollow and dotted.

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
    words, note = say.words_of(lang), table.attrs.get("note", {})
    year = "until" if "until" in table else "year"
    if lost := [name for name in (year, values) if name not in table]:
        raise SchemaError(f"The table has no column {lost[0]!r}: `trend` gives such a table.")
    lines = table.assign(year=table[year], value=table[values], partner=table.get("partner", ""))
    bounds = ["low", "high"] if values == "weight" else [f"{values}_low", f"{values}_high"]
    bounds = lines.reindex(columns=bounds).set_axis(["low", "high"], axis=1)
    lines = pd.concat([lines[["partner", "year", "value"]], bounds], axis=1)
    lines = lines.astype(dict.fromkeys(("value", "low", "high"), "Float64")).sort_values("year")
    lines = lines.astype(dict.fromkeys(("value", "low", "high"), "float64"))
    sums = lines.groupby("partner")["value"].sum().sort_values(ascending=False, kind="stable")
    shown = sums.index[:top]
    lines = lines[lines["partner"].isin(shown)]
    done = (pd.Timestamp.today().year - 1) if complete is None else complete
    tops = lines.groupby("partner")[["value", "high"]].max().max(axis=1)
    shared = tops.max() <= 8 * tops.min()
    said = [_cut(words, "lines", len(shown), len(sums))] if "partner" in table else []
    said += [words["one_scale" if shared else "own_scale"]] if len(shown) > 1 else []
    late = sorted({int(y) for y in lines["year"] if y > done})
    said += [words["unfinished"].format(year=", ".join(map(str, late)))] if late else []
    said += [words["band"]] if lines["low"].notna().any() else []
    how = words[note["by"]] if note.get("by") in {"cumulative", "sliding"} else ""
    feet = [say.told(note, words), how.format(n=note.get("window"))]
    title = title or capital(say.spanned(note, words))
    letters = lettered(title, said, feet, [note], words=words, width=width)
    names = _names(shown, institutions, words) if "partner" in table else [""]
    scale = tops.clip(lower=tops.max()) if shared else tops
    panels = [(name, lines[lines["partner"] == key], scale[key]) for name, key in zip(names, shown)]
    return _framed(letters, words, **_panels(panels, done, words, width, percent="share" in values))


def _framed(
    letters: Lettering,
    words: Words,
    *,
    traces: list[dict[str, Any]],
    high: float = 120,
    axes: dict[str, Any] | None = None,
    texts: Iterable[dict[str, Any]] = (),
    sides: tuple[int, int] = (0, 0),
    head: int = 0,
    foot: int = 0,
) -> go.Figure:
    """Put a picture of so many pixels into its lettering; one without traces says that it is empty."""
    import plotly.graph_objects as go

    below = 16 + foot + 15 * len(letters.feet)
    edges = {"l": MARGIN + sides[0], "r": MARGIN + sides[1], "t": letters.above + head, "b": below}
    out = letters.layout | (axes or {})
    out |= {"height": high + edges["t"] + below, "margin": edges | {"autoexpand": False}}
    out["separators"] = "".join(reversed(words["separators"]))
    if not traces:
        out |= dict.fromkeys(("xaxis", "yaxis"), {"visible": False})
    none = "" if traces else words["nothing"]
    out["annotations"] = [*texts, *standing(letters.feet, below, "", none, sides[0])]
    return go.Figure({"data": traces, "layout": out})


def _names(ids: Iterable[Any], institutions: pd.DataFrame | None, words: Words) -> list[str]:
    """Return what institutions, regions and countries are called; an id that is neither stays."""
    ids, lang = ["" if pd.isna(one) else str(one) for one in ids], words["lang"]
    regions = list_regions().set_index("region")
    known = dict(regions[f"label_{lang}" if f"label_{lang}" in regions else "label_en"])
    if any(len(one) == 2 and one.isupper() for one in ids):
        lands = geo.countries("50m").dropna(subset="iso2")
        known |= dict(zip(lands["iso2"], lands.get(f"name_{lang}", lands["name"]), strict=True))
    if institutions is not None:
        rows = institutions[institutions["institution_id"].isin(ids)].to_dict("records")
        known |= {row["institution_id"]: say.name_in(row, lang) for row in rows}
    return [str(known.get(one, one)) if one else words["not_known"] for one in ids]


def _cut(words: Words, key: str, n: int, whole: int) -> str:
    """Say how many there are, and how many of them are hidden."""
    if n == whole:
        return capital(count(words, key, n))
    counts = {"n": n, "all": whole, "hidden": whole - n}
    return capital(words[f"{key}_cut"].format(**{k: number(v, words) for k, v in counts.items()}))


def _widest(names: Iterable[str]) -> float:
    return max((text_width(name, LABEL) for name in names), default=0)


def _spells(table: pd.DataFrame, day: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return agreements with their days and kind of life; and the lines, each a chain of renewals."""
    away = table["days_to_expiry"].astype("Float64").to_numpy("float64", na_value=np.nan)
    last = np.datetime64(day.date(), "D") + np.where(np.isnan(away), "NaT", away).astype("m8[D]")
    lives = table["status"].mask(table["ending"], "ending")
    rows = table.assign(
        first=pd.to_datetime(table["start"].str.slice(0, 10), format="ISO8601", errors="coerce"),
        last=last,
        rank=[[*LIVES].index(life) for life in lives],
        open=table["end_status"] == "open",
        title=table["title"].fillna(table["activity_id"]),
        other=table["name"].fillna(table["partner"]),
    )
    of = rows.groupby("activity_id", sort=False)
    whole = of[["chain", "renewal", "title", "start", "end"]].first()
    whole["first"], whole["last"] = of["first"].min(), of["last"].max()
    whole["rank"], whole["open"], others = of["rank"].min(), of["open"].any(), of["other"]
    one = others.nunique() == 1
    whole["others"] = others.agg(lambda names: "; ".join(names.dropna().unique()))
    whole["party"] = whole["others"].where(one, whole["title"])
    whole["life"] = [[*LIVES][rank] for rank in whole["rank"]]
    lines = whole.sort_values(["chain", "renewal"]).drop_duplicates("chain", keep="last")
    lines["rank"] = lines["chain"].map(whole.groupby("chain")["rank"].min())
    lines["life"] = [[*LIVES][rank] for rank in lines["rank"]]
    days = (lines["last"] - day).dt.days.astype(float)
    lines["turn"] = days.where(lines["life"] != "expired", -days)
    return whole, lines.sort_values(["rank", "turn", "party", "chain"], ignore_index=True)


def _lives(spells: pd.DataFrame, day: pd.Timestamp, words: Words, inner: float) -> dict[str, Any]:
    """Return bars and marks of agreements, and their axis of time: 80 years back, 40 to come."""
    days = pd.concat([spells["first"], spells["last"], pd.Series([day])]).dropna()
    begin = max(days.min(), day - pd.DateOffset(years=80)) - pd.DateOffset(months=9)
    until = min(days.max(), day + pd.DateOffset(years=40)) + pd.DateOffset(months=9)
    hollow = spells["first"].isna() | (spells["last"].isna() & ~spells["open"])
    left, right = spells["first"].clip(begin, until), spells["last"].clip(begin, until)
    right = right.where(right.notna() | hollow, until)
    least = (until - begin) * 4 / inner
    spells = spells.assign(left=left, right=right.where(right > left + least, left + least))
    newest = spells["renewal"] == spells.groupby("chain")["renewal"].transform("max")
    traces = []
    for life, rows in spells[~hollow].groupby("life"):
        tells = [_told(row, words) for row in rows.to_dict("records")]
        bar = {"type": "bar", "orientation": "h", "width": 13, "hovertext": tells}
        looks = {"color": LIVES[life][0], "line": {"color": "white", "width": 1.5}}
        size = (rows["right"] - rows["left"]).dt.total_seconds() * 1000
        bar |= {"x": size, "base": rows["left"], "y": rows["y"], "marker": looks}
        ends = {"x": rows["right"], "y": rows["y"], "mode": "markers+text", "hoverinfo": "skip"}
        sign = np.where(rows["open"], 13, 0)
        ends["marker"] = {"symbol": "triangle-right", "size": sign, "color": LIVES[life][0]}
        ends["text"] = [
            (
                ""
                if not new
                else f"  {words['open']}"
                if row.open
                else f" {_date(row.end, row.last)}"
            )
            for new, row in zip(newest[rows.index], rows.itertuples(), strict=True)
        ]
        ends |= {
            "textposition": "middle right",
            "textfont": {"size": SMALL, "color": LIVES[life][1]},
        }
        traces += [bar, ends | {"type": "scatter", "cliponaxis": False}]
    if hollow.any():
        rows = spells[hollow]
        at = rows["left"].fillna(rows["right"])
        text = [
            words["begun"].format(date=_date(row.start, row.first))
            if pd.notna(row.first)
            else words["over"].format(date=_date(row.end, row.last))
            if pd.notna(row.last)
            else words["no_dates"]
            for row in rows.itertuples()
        ]
        late = at > begin + (until - begin) / 2
        looks = {"symbol": "circle-open", "size": 10, "color": GREY, "line": {"width": 2}}
        mark = {"type": "scatter", "mode": "markers+text", "marker": looks, "y": rows["y"]}
        mark |= {"x": at.fillna(begin + pd.DateOffset(months=4)), "cliponaxis": False}
        mark |= {"text": [f"  {t}  " for t in text], "textfont": {"size": SMALL, "color": GREY}}
        mark["textposition"] = np.where(late, "middle left", "middle right").tolist()
        traces.append(mark | {"hovertext": [_told(row, words) for row in rows.to_dict("records")]})
    shown = {"showlegend": False}
    traces = [{"hoverinfo": "text", "hovertemplate": None} | shown | trace for trace in traces]
    axis = {"type": "date", "range": [begin, until], "side": "top", "gridcolor": RULE}
    return {"traces": traces, "axes": {"xaxis": axis, "barmode": "overlay", "bargap": 0}}


def _date(written: Any, day: pd.Timestamp) -> str:
    """Write a day as precisely as the source does, or in full where it is another one."""
    same = isinstance(written, str) and f"{day:%Y-%m-%d}".startswith(written[:10])
    return written[:10] if same else f"{day:%Y-%m-%d}"


def _told(row: dict[str, Any], words: Words) -> str:
    """Return what is said of an agreement where one points at it."""
    span = (
        [words["no_dates"]]
        if pd.isna(row["first"]) and pd.isna(row["last"])
        else [
            _date(row["start"], row["first"]) if pd.notna(row["first"]) else "?",
            words["open"]
            if row["open"]
            else "?"
            if pd.isna(row["last"])
            else _date(row["end"], row["last"]),
        ]
    )
    return f"<b>{plain(row['title'])}</b><br>{plain(row['others'], 300)}<br>{' – '.join(span)}"


def _cells(
    value: np.ndarray,
    blank: np.ndarray,
    names: list[list[str]],
    words: Words,
    width: int,
) -> dict[str, Any]:
    """Return the cells of a matrix with their numbers, and the names beside and above."""
    if not value.size:
        return {"traces": []}
    left = int(min(0.34 * width, 18 + _widest(names[0])))
    room = width - 2 * MARGIN - left
    wide = min(96.0, room / value.shape[1])
    sides = [wrap(name, left - 12, LABEL, 3) for name in names[0]]
    step = 16 * max(map(len, sides)) + 8
    heads = [wrap(name, wide - 6, SMALL, 3) for name in names[1]]
    turned = any("…" in "".join(head) for head in heads)
    if turned:
        heads = [wrap(name, 190, SMALL, 2 if wide > 34 else 1) for name in names[1]]
    longest = max(text_width(line, SMALL) for head in heads for line in head)
    head = int(longest if turned else 15 * max(map(len, heads))) + 12
    high, root = step * len(value), np.sqrt(value)
    most = float(np.nanmax(root, initial=0)) or 1.0
    told = [
        [
            ""
            if blank[r, c]
            else f"<b>{plain(row)}</b><br>{plain(column)}<br>"
            + (words["not_known"] if np.isnan(value[r, c]) else number(value[r, c], words))
            for c, column in enumerate(names[1])
        ]
        for r, row in enumerate(names[0])
    ]
    ticks = sheet.steps_of(value[value > 0])
    ticks = np.array([0.0, *ticks[1:]]) if len(ticks) > 1 else np.array([0.0, most**2])
    bar = {"orientation": "h", "thickness": 10, "len": 260, "lenmode": "pixels", "x": 0, "y": 0}
    bar |= {"xanchor": "left", "yanchor": "top", "xpad": 0, "ypad": 12, "outlinewidth": 0}
    bar |= {"tickvals": np.sqrt(ticks), "ticktext": [number(tick, words) for tick in ticks]}
    cells = {"type": "heatmap", "xgap": 1.5, "ygap": 1.5, "hoverinfo": "text", "hovertext": told}
    traces: list[dict[str, Any]] = [
        cells
        | {"z": root, "zmin": 0, "zmax": most, "colorscale": SCALE, "colorbar": bar}
        | {"customdata": value}
    ]
    lost = np.isnan(value) & ~blank
    if lost.any():
        grey = {"z": np.where(lost, 1.0, np.nan), "colorscale": [UNKNOWN, UNKNOWN]}
        traces.append(cells | grey | {"showscale": False})
        r, c = np.nonzero(lost)
        for shift in (-0.25, 0.0, 0.25):
            reach = 0.5 - abs(shift)
            x = np.column_stack([c + shift - reach * 0.9, c + shift + reach * 0.9, c * np.nan])
            y = np.column_stack([r + reach * 0.9, r - reach * 0.9, r * np.nan])
            line = {"color": "#8d949c", "width": 1}
            hatch = {"mode": "lines", "line": line, "hoverinfo": "skip", "showlegend": False}
            traces.append({"type": "scatter", "x": x.ravel(), "y": y.ravel(), **hatch})
        looks = {"symbol": "square-x-open", "size": 12, "color": "#8d949c"}
        key = {"x": [None], "y": [None], "mode": "markers", "marker": looks, "showlegend": True}
        traces.append({"type": "scatter", "name": capital(words["not_known"]), **key})
    r, c = np.nonzero(~np.isnan(value))
    texts = [number(value[cell], words) for cell in zip(r, c, strict=True)]
    texts = [text if text_width(text, SMALL) <= wide - 4 else "" for text in texts]
    ink = np.where(root[r, c] > 0.5 * most, "white", INK).tolist()
    looks = {"text": texts, "textfont": {"size": SMALL, "color": ink}, "hoverinfo": "skip"}
    traces.append({"type": "scatter", "x": c, "y": r, "mode": "text", "showlegend": False, **looks})
    axis = {"showgrid": False, "zeroline": False, "ticks": "", "fixedrange": True}
    x = {"side": "top", "tickangle": -90 if turned else 0, "tickfont": {"size": SMALL}}
    x |= {"tickvals": [*range(len(heads))], "range": [-0.5, len(heads) - 0.5]}
    y = {"tickvals": [*range(len(sides))], "range": [len(sides) - 0.5, -0.5]}
    for place, wrapped in ((x, heads), (y, sides)):
        place |= axis | {"ticktext": ["<br>".join(map(plain, lines)) for lines in wrapped]}
    legend = {"orientation": "h", "x": 0, "xref": "container", "y": 0, "yanchor": "top"}
    legend |= {"xref": "paper", "x": 1, "xanchor": "right"}
    right = int(room - wide * len(heads))
    axes = {"xaxis": x, "yaxis": y, "legend": legend}
    return {"traces": traces, "axes": axes, "high": high, "sides": (left, right)} | {
        "head": head,
        "foot": 46,
    }


def _groups(
    units: pd.DataFrame, communities: pd.DataFrame | None, words: Words
) -> list[sheet.Group]:
    """Name the groups of a network by their strongest units, and write them into its table."""
    if communities is None:
        units["group"] = ""
        return [sheet.Group("", "", COLOURS[1], "circle")]
    number_of = units["unit"].map(communities.set_index("unit")["community"]).fillna(GROUPS + 1)
    units["group"] = number_of.clip(upper=GROUPS + 1).astype(int).astype(str)
    found = []
    for key, rows in units.groupby("group"):
        names = ", ".join(wrap(name, 190, LABEL, 1)[0] for name in rows["name"][:2])
        told, n = {"n": key, "names": names, "all": len(rows)}, int(key) - 1
        if n < GROUPS:
            found.append(
                sheet.Group(key, words["community"].format(**told), COLOURS[n], SYMBOLS[n])
            )
        else:
            found.append(sheet.Group(key, words["smaller"].format(**told), GREY, "circle"))
    return found


def _weave(
    paper: sheet.Paper,
    units: pd.DataFrame,
    links: pd.DataFrame,
    groups: list[sheet.Group],
    labels: int,
    words: Words,
) -> None:
    """Draw links, marks (home as a star) and the names that fit."""
    size = np.array([paper.width, paper.height])
    spot = units[["x", "y"]].to_numpy()
    span = np.ptp(spot, axis=0)
    spot = (spot - spot.min(axis=0)) / np.where(span > 0, span, 1) + np.where(span > 0, 0, 0.5)
    spot = np.array([70, 26]) + spot * (size - [140, 52])
    strength = units["strength"].to_numpy()
    radius = np.maximum(26 * np.sqrt(strength / strength.max()), sheet.SMALLEST) / 2
    ends = [pd.Index(units["unit"]).get_indexer(links[end]) for end in ("source", "target")]
    weight = links["weight"].to_numpy(dtype=float)
    steps = sheet.steps_of(weight)
    widths = sheet.WIDTHS[-len(steps) :]
    level = np.searchsorted(steps, weight, side="right") - 1
    lines = [
        np.column_stack([spot[a], spot[b], [np.nan, np.nan]]) for a, b in zip(*ends, strict=True)
    ]
    for n, wide in enumerate(widths):
        mine = [lines[i] for i in np.flatnonzero(level == n)]
        line = {"color": LINK, "width": wide}
        if mine:
            paper.draw(*np.concatenate(mine, axis=1)[:, :-1], line=line, opacity=0.45)
        key = {"legend": "legend2", "showlegend": True, "name": f"≥ {number(steps[n], words)}"}
        paper.draw([np.nan], [np.nan], line=line, **key)
    for group in groups:
        rows = np.flatnonzero(units["group"] == group.key)
        sign = np.where(units["home"].iloc[rows], "star", group.symbol)
        looks = {"size": 2 * radius[rows] + np.where(units["home"].iloc[rows], 6, 0)}
        looks |= {"symbol": sign, "color": group.colour, "line": {"color": "white", "width": 1}}
        told = [
            f"<b>{plain(name)}</b><br>{number(value, words)}"
            for name, value in units.loc[rows, ["name", "strength"]].to_numpy()
        ]
        marks = {"mode": "markers", "hoverinfo": "text", "legendgroup": group.key}
        paper.draw(*spot[rows].T, **marks, marker=looks, hovertext=told)
        if group.label:
            looks = {"size": 10, "symbol": group.symbol, "color": group.colour}
            shown = {"name": plain(group.label, 999), "showlegend": True, "marker": looks}
            paper.draw([np.nan], [np.nan], mode="markers", legendgroup=group.key, **shown)
    named = units["name"].where(units.index < labels, "")
    points = np.concatenate([sheet.dense(line) for line in lines], axis=1)
    marks = np.column_stack([spot, radius])
    sheet.draw_labels(paper, [*zip(units["group"], named, strict=True)], marks, points, [])


def _panels(
    panels: list[tuple[str, pd.DataFrame, float]],
    done: int,
    words: Words,
    width: int,
    *,
    percent: bool,
) -> dict[str, Any]:
    """Return lines by year, each in a panel of its own with its name above and its last number."""
    inner = width - 2 * MARGIN
    across = max(1, min(len(panels), inner // PANEL))
    wide, plot = inner / across, 320 if len(panels) == 1 else 130
    names = [wrap(name, wide - 12, LABEL + 1, 2) if name else [] for name, *_ in panels]
    head = 17 * max(map(len, names), default=0) + 14
    high = (head + plot + 30) * -(-len(panels) // across)
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    texts = []
    for n, ((_, rows, most), name) in enumerate(zip(panels, names, strict=True), start=1):
        row, column = divmod(n - 1, across)
        x0, y0 = column * wide, row * (head + plot + 30)
        on = {"xaxis": f"x{n}", "yaxis": f"y{n}", "type": "scatter", "showlegend": False}
        line = {"color": COLOURS[1], "width": 2}
        if rows["low"].notna().any():
            band = rows.dropna(subset=["low", "high"])
            edge = {**on, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
            fill = {"fill": "tonexty", "fillcolor": "rgba(0,114,178,0.18)"}
            traces.append({"x": band["year"], "y": band["low"], **edge})
            traces.append({"x": band["year"], "y": band["high"], **edge, **fill})
        full = rows["year"] <= done
        open_ = rows[~full | (rows["year"] == rows.loc[full, "year"].max())]
        said = [
            number(100 * v, words) + " %" if percent else number(v, words) for v in rows["value"]
        ]
        said = ["" if pd.isna(v) else text for v, text in zip(rows["value"], said, strict=True)]
        looks = {"size": 6, "color": np.where(full, COLOURS[1], "white")}
        looks["line"] = {"color": COLOURS[1], "width": 1.5}
        last = [text if i == len(said) - 1 else "" for i, text in enumerate(said)]
        dots = {
            "mode": "markers+text",
            "marker": looks,
            "text": last,
            "textposition": "middle right",
        }
        dots |= {"hoverinfo": "text", "cliponaxis": False, "textfont": {"size": LABEL}}
        dots["hovertext"] = [f"{y}: {text}" for y, text in zip(rows["year"], said, strict=True)]
        for part, dash in ((rows[full], "solid"), (open_ if (~full).any() else open_[:0], "dot")):
            way = {"mode": "lines", "line": line | {"dash": dash}, "hoverinfo": "skip"}
            traces.append({"x": part["year"], "y": part["value"], **on, **way})
        traces.append({"x": rows["year"], "y": rows["value"], **on, **dots})
        bottom = 1 - (y0 + head + plot) / high
        years = (rows["year"].min(), rows["year"].max())
        pad = 0.4 + 0.03 * (years[1] - years[0])
        axes[f"xaxis{n}"] = {
            "domain": [(x0 + 42) / inner, (x0 + wide - 46) / inner],
            "anchor": f"y{n}",
            "range": [years[0] - pad, years[1] + pad],
            "tickformat": "d",
            "nticks": max(2, int(wide / 70)),
            "showgrid": False,
        }
        axes[f"yaxis{n}"] = {
            "domain": [bottom, bottom + plot / high],
            "anchor": f"x{n}",
            "range": [0, 1.12 * (most or 1)],
            "nticks": 4 if len(panels) > 1 else 8,
            "gridcolor": RULE,
            "zeroline": True,
            "zerolinecolor": "#b9c0c8",
            "tickformat": ".0%" if percent else "",
        }
        text = {"text": "<br>".join(f"<b>{plain(part)}</b>" for part in name), "align": "left"}
        where = {"x": x0 / inner, "y": 1 - y0 / high, "xref": "paper", "yref": "paper"}
        anchor = {"xanchor": "left", "yanchor": "top", "showarrow": False, "borderpad": 0}
        texts += [text | where | anchor] if name else []
    return {"traces": traces, "axes": axes, "texts": texts, "high": high}
