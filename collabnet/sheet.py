"""The paper a map is drawn on: degrees to pixels, the base map, texts and where they go.

Everything is placed in pixels from the top left corner of the map, so that labels can be kept
apart. `plots` says what is drawn; a `Sheet` holds it as plotly traces.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from collabnet import geo
from collabnet.words import Words, number, plain, text_width, wrap

if TYPE_CHECKING:
    import geopandas

FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
SEA, LAND, SHADE, BORDER, FRONTIER = "#e6eff5", "#faf9f5", "#e5e3d8", "#dedad0", "#b3ada0"
INK, GREY, PALE = "#1f2933", "#5b6570", "#8f8a7d"
LABEL, SMALL = 12, 11
LINE = 1.3  # distance between lines of text, as plotly sets it (`LINE_SPACING`)
SIDES = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))
WIDTHS = (0.8, 1.7, 3.0, 4.8)
LARGEST, SMALLEST, STAR = 18, 6, 15
HALO = ", ".join(["0 0 2px #ffffff"] * 4)
REACH = (0, 14, 28)  # pixels a label may stand off its mark; beyond the first it gets a leader

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


class Group(NamedTuple):
    """Partners drawn alike: what the legend says of them, and their looks."""

    key: str
    label: str
    colour: str
    symbol: str
    dash: str = "solid"


class Spot(NamedTuple):
    """Where a label goes: its anchor in pixels, on which side of it, and with a leader or not."""

    x: float
    y: float
    position: str
    leader: bool


class Paper:
    """A surface of `width` by `height` pixels, and the traces drawn on it so far."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.limits: Box = (0.0, 0.0, width, height)
        self.scale = 1.0
        self.traces: list[dict[str, Any]] = []

    def draw(self, px: Any, py: Any, **looks: Any) -> None:
        """Add a trace given in pixels; NaN lifts the pen."""
        x = self.limits[0] + np.asarray(px, dtype=float) * self.scale
        y = self.limits[3] - np.asarray(py, dtype=float) * self.scale
        looks = {"mode": "lines", "hoverinfo": "skip", "showlegend": False, **looks}
        self.traces.append({"x": x.astype("float32"), "y": y.astype("float32"), **looks})

    def holds(self, px: float, py: float) -> bool:
        """Is this pixel on the paper?"""
        return 0 <= px <= self.width and 0 <= py <= self.height


class Sheet(Paper):
    """Paper with a map of a view."""

    def __init__(self, view: geo.View, width: float, height: float) -> None:
        super().__init__(width, height)
        self.view, self.limits = view, geo.frame(view, width, height)
        self.scale = (self.limits[2] - self.limits[0]) / width

    def pixels(self, lon: Any, lat: Any) -> tuple[np.ndarray, np.ndarray]:
        """Place degrees in pixels."""
        x, y = geo.project(self.view, lon, lat)
        return (x - self.limits[0]) / self.scale, (self.limits[3] - y) / self.scale


def draw_base(sheet: Sheet, shaded: geopandas.GeoDataFrame | None) -> None:
    """Draw land and borders, and the shapes of a region on them."""
    if sheet.view.projection == "equal-earth":
        lat = np.linspace(sheet.view.south, sheet.view.north, 60)
        lon = np.repeat([sheet.view.west, sheet.view.east], 60)
        edge = sheet.pixels(lon, np.concatenate([lat, lat[::-1]]))
        sheet.draw(*edge, fill="toself", fillcolor=SEA, line={"width": 0})
        _fill(sheet, geo.countries("110m"), LAND, FRONTIER, 0.5)
    else:
        _fill(sheet, geo.countries("50m"), LAND, FRONTIER, 0.7)
    detailed, units = shows_nuts(sheet.view), geo.nuts3()
    if detailed:
        _fill(sheet, units, LAND, BORDER, 0.6)
    if shaded is not None:
        _fill(sheet, shaded, SHADE, "#ffffff" if detailed else FRONTIER, 0.9)
    if detailed:
        _fill(sheet, units.dissolve(units["nuts_id"].str[:2]), None, FRONTIER, 1.1)


def shows_nuts(view: geo.View) -> bool:
    """Tell whether the view lies where the shapes of NUTS 3 units are known."""
    west, south, east, north = geo.NUTS_EXTENT
    return west <= view.west and south <= view.south and view.east <= east and view.north <= north


def _fill(
    sheet: Sheet, shapes: geopandas.GeoDataFrame, fill: str | None, line: str, width: float
) -> None:
    """Draw shapes as one trace, cut a little outside the sheet."""
    import shapely

    parts = shapely.get_parts(shapes.geometry.to_numpy())
    parts = parts[[_is_near(sheet.view, *shapely.get_coordinates(part).T) for part in parts]]
    parts = shapely.transform(parts, lambda xy: np.column_stack(geo.project(sheet.view, *xy.T)))
    if sheet.view.projection == "azimuthal":
        x0, y0, x1, y1 = sheet.limits
        wide, high = (x1 - x0) / 4, (y1 - y0) / 4
        parts = shapely.clip_by_rect(parts, x0 - wide, y0 - high, x1 + wide, y1 + high)
    rings = shapely.get_rings(shapely.orient_polygons(shapely.get_parts(parts)))
    if not len(rings):
        return
    lines = [np.vstack([shapely.get_coordinates(ring), [[np.nan, np.nan]]]) for ring in rings]
    x, y = np.vstack(lines)[:-1].T
    looks: dict[str, Any] = {"line": {"color": line, "width": width}}
    if fill:
        looks |= {"fill": "toself", "fillcolor": fill}
    sheet.draw((x - sheet.limits[0]) / sheet.scale, (sheet.limits[3] - y) / sheet.scale, **looks)


def _is_near(view: geo.View, lon: np.ndarray, lat: np.ndarray) -> bool:
    """Is some of it on the half of the Earth around the view, where the projection is tame?"""
    if view.projection != "azimuthal":
        return True
    return geo.distance_km(view.lat, view.lon, lat, lon).min() < 10_000


def name_countries(sheet: Sheet, taken: Sequence[Box], lines: np.ndarray, lang: str) -> None:
    """Write names of countries (on no map of the world) where boxes and lines leave them room."""
    import shapely

    if sheet.view.projection != "azimuthal":
        return
    window = shapely.box(0, 0, sheet.width, sheet.height)
    window = window.difference(shapely.union_all([shapely.box(*box) for box in taken]))
    shapes = geo.countries("50m").dropna(subset="iso2")
    names = shapes.get(f"name_{lang}", shapes["name"])
    found = []
    for name, shape in zip(names, shapes.geometry, strict=True):
        lon, lat = shapely.get_coordinates(max(shape.geoms, key=lambda part: part.area)).T
        if not _is_near(sheet.view, lon, lat):
            continue
        outline = shapely.Polygon(np.column_stack(sheet.pixels(lon, lat)))
        room = shapely.make_valid(outline).intersection(window)
        if room.area < 1500:
            continue
        x, y = shapely.maximum_inscribed_circle(room).coords[0]
        text = wrap(name.upper(), 120, 10, 3)
        wide, high = max(text_width(line, 10) for line in text) / 2, 6.5 * len(text)
        box = (x - wide, y - high, x + wide, y + high)
        if room.contains(shapely.box(*box)) and not _inside(lines, box).any():
            found.append((x, y, "<br>".join(map(plain, text))))
    if found:
        x, y, text = zip(*found, strict=True)
        font = {"size": 10, "color": PALE}
        sheet.draw(x, y, mode="text", text=text, textposition="middle center", textfont=font)


def place(
    sheet: Paper,
    wanted: Iterable[tuple[float, float, float, Sequence[str]]],
    marks: np.ndarray,
    *,
    lines: np.ndarray,
    taken: Sequence[Box] = (),
) -> list[tuple[Spot, Box] | None]:
    """Find a place for each label, the first ones first, so that none touches another or a mark.

    Wanted are x, y and radius of a mark and the lines of its text; `marks` are all of them, home
    first. A label goes on one of eight sides, or further off with a leader, wherever it hides least
    of the `lines` (their points) and is nearest; where nothing is free it gets no place.
    """
    import shapely

    page = shapely.box(0, 0, sheet.width, sheet.height)
    dots, radii = shapely.points(marks[:, :2]), marks[:, 2]
    filled = [shapely.box(*box) for box in taken]
    out: list[tuple[Spot, Box] | None] = []
    for x, y, radius, text in wanted:
        size = max(text_width(t, LABEL) for t in text), LABEL * (1 + LINE * (len(text) - 1))
        free = []
        for rank, (spot, box) in enumerate(_spots((x, y, radius), size, marks[0])):
            shape = whole = shapely.box(*box)
            cost = rank + 3 * min(int(_inside(lines, box).sum()), 8)
            if spot.leader:
                leader = shapely.LineString([(x, y), (spot.x, spot.y)])
                # It should run over no mark but its own.
                cost += 30 * (int((shapely.distance(dots, leader) < radii).sum()) - 1)
                whole = shapely.union(shape, leader)
            hidden = shapely.distance(dots, shape) < radii
            if page.covers(shape) and not hidden.any() and not whole.intersects(filled).any():
                free.append((cost, rank, spot, box, whole))
        best = min(free, default=None, key=lambda found: found[:2])
        out.append(best and best[2:4])
        filled += [best[4]] if best else []
    return out


def _spots(
    mark: tuple[float, float, float], text: tuple[float, float], hub: np.ndarray
) -> Iterator[tuple[Spot, Box]]:
    """Yield the spots around a mark, the best first, with the box a text takes there.

    The offsets are plotly's (`textPointPosition` in its `drawing`).
    """
    x, y, radius = mark
    wide, high = text
    away = np.array([x - hub[0], y - hub[1]])
    away = away / (np.hypot(*away) or 1)
    sides = sorted(SIDES, key=lambda side: -(away @ side) / math.hypot(*side) - 0.4 * (not side[1]))
    for reach in REACH:
        for side in sides:
            step = (radius + reach) / math.hypot(*side) if reach else 0
            row = ("top", "middle", "bottom")[side[1] + 1]
            column = ("left", "center", "right")[side[0] + 1]
            anchor = x + step * side[0], y + step * side[1]
            spot = Spot(*anchor, f"{row} {column}", leader=bool(reach))
            gap = 2 if reach else radius / 0.8 + 1
            left = spot.x + {1: gap, 0: -wide / 2, -1: -gap - wide}[side[0]]
            top = spot.y + {1: gap, 0: -high / 2, -1: -gap - high}[side[1]]
            yield spot, (left - 2, top - 2, left + wide + 2, top + high + 2)


def _inside(points: np.ndarray, box: Box) -> np.ndarray:
    x, y = points
    return (x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])


def fan(px: np.ndarray, py: np.ndarray, radius: np.ndarray, hub: np.ndarray) -> Any:
    """Spread marks that share a point in a sunflower; the first stays, unless it is the hub's."""
    x, y = px.copy(), py.copy()
    points = pd.DataFrame({"x": px.round(1), "y": py.round(1)})
    for rows in points.groupby(["x", "y"]).indices.values():
        at_hub = math.hypot(px[rows[0]] - hub[0], py[rows[0]] - hub[1]) < 1
        rank = np.arange(len(rows)) + at_hub
        step = 2.0 * max(float(radius[rows].mean()), 4.0) * np.sqrt(rank)
        turn = rank * math.pi * (3 - math.sqrt(5))
        x[rows] += step * np.cos(turn)
        y[rows] += step * np.sin(turn)
    return x, y


def draw_partners(
    sheet: Sheet,
    partners: pd.DataFrame,
    here: dict[str, Any],
    groups: Sequence[Group],
    words: Words | None,
) -> tuple[list[Box], np.ndarray]:
    """Draw lines from home to its partners (the strongest first), marks, and the names that fit.

    With `words` the legend says how wide a line is; without them all are alike. Returns the boxes
    that marks and names fill, and points along the lines.
    """
    hub = np.array(sheet.pixels(here["lon"], here["lat"]))
    weight = partners["weight"].to_numpy(dtype=float)
    radius = LARGEST * np.sqrt(weight / max(weight.max(initial=0), 1e-9))
    radius = np.maximum(radius, SMALLEST) / 2
    px, py = sheet.pixels(partners["lon"], partners["lat"])
    x, y = fan(px, py, radius, hub)
    steps = steps_of(weight) if words else np.array([0.0])
    step = np.searchsorted(steps, weight, side="right") - 1
    widths = WIDTHS[-len(steps) :] if words else WIDTHS[1:2]
    paths: list[np.ndarray] = []
    for group in groups:
        for level, width in enumerate(widths):
            rows = np.flatnonzero((partners["group"] == group.key) & (step == level))
            ways = [_way(sheet, here, partners.iloc[i], (x[i] - px[i], y[i] - py[i])) for i in rows]
            paths += ways
            if ways:
                line = {"color": group.colour, "width": width, "dash": group.dash}
                path = np.concatenate(ways, axis=1)[:, :-1]
                sheet.draw(*path, line=line, opacity=0.5, legendgroup=group.key)
    shown: dict[str, Any] = {"mode": "markers", "hoverinfo": "text"}
    rim = {"color": "white", "width": 1}
    for group in groups:
        rows = np.flatnonzero(partners["group"] == group.key)
        looks = {"size": 2 * radius[rows], "symbol": group.symbol, "color": group.colour}
        looks |= {"opacity": 0.9, "line": rim}
        hover = partners["hover"].iloc[rows].tolist()
        sheet.draw(x[rows], y[rows], **shown, marker=looks, hovertext=hover, legendgroup=group.key)
    star = {"size": STAR, "symbol": "star", "color": INK, "line": rim}
    sheet.draw([hub[0]], [hub[1]], **shown, marker=star, hovertext=f"<b>{plain(here['name'])}</b>")
    if words and len(partners):
        for value, width in zip(steps, widths, strict=True):
            looks = {"line": {"color": GREY, "width": width}, "legend": "legend2"}
            name = f"≥ {number(value, words)}"
            sheet.draw([np.nan], [np.nan], **looks, name=name, showlegend=True)
    marks = np.vstack([[*hub, STAR / 2], np.column_stack([x, y, radius])])
    lines = np.concatenate([np.empty((2, 0)), *map(dense, paths)], axis=1)
    taken = _towards(sheet, partners, here["name"], hub)
    names = [("", here["name"]), *zip(partners["group"], partners["label"], strict=True)]
    taken += draw_labels(sheet, names, marks, lines, taken)
    return [*taken, *((x - r, y - r, x + r, y + r) for x, y, r in marks)], lines


def draw_labels(
    sheet: Paper,
    names: Sequence[tuple[str, str]],
    marks: np.ndarray,
    lines: np.ndarray,
    taken: Sequence[Box],
) -> list[Box]:
    """Write the names, each with its group (an empty one is not wanted); return their boxes."""
    wanted = [
        (key, wrap(name, 170, LABEL, 3), mark)
        for (key, name), mark in zip(names, marks, strict=True)
        if name and sheet.holds(*mark[:2])
    ]
    spots = place(
        sheet, [(*mark, text) for _, text, mark in wanted], marks, lines=lines, taken=taken
    )
    found = [(*label, *spot) for label, spot in zip(wanted, spots, strict=True) if spot]
    for group in dict.fromkeys(key for key, *_ in found):
        mine = [(text, mark, spot) for key, text, mark, spot, _ in found if key == group]
        ways = [
            [[x, spot.x, np.nan], [y, spot.y, np.nan]] for _, (x, y, _), spot in mine if spot.leader
        ]
        if ways:
            line = {"color": INK, "width": 0.7}
            sheet.draw(*np.concatenate(ways, axis=1), line=line, legendgroup=group)
        size = [1.6 if spot.leader else 2 * radius for _, (*_, radius), spot in mine]
        sheet.draw(
            [spot.x for *_, spot in mine],
            [spot.y for *_, spot in mine],
            mode="markers+text",
            marker={"opacity": 0, "size": size},
            text=["<br>".join(map(plain, text)) for text, *_ in mine],
            textposition=[spot.position for *_, spot in mine],
            textfont={"size": LABEL, "color": INK, "shadow": HALO},
            legendgroup=group,
        )
    return [box for *_, box in found]


def _way(
    sheet: Sheet, here: dict[str, Any], partner: pd.Series, shift: tuple[float, float]
) -> np.ndarray:
    """Return the way from home to a partner in pixels, ending where its mark is, then NaN."""
    km = geo.distance_km(here["lat"], here["lon"], partner["lat"], partner["lon"])
    points = int(np.clip(km / 120, 2, 64))
    lon, lat = geo.great_circle(here["lon"], here["lat"], partner["lon"], partner["lat"], points)
    share = np.linspace(0, 1, len(lon))
    x, y = sheet.pixels(lon, lat)
    way = np.vstack([x + share * shift[0], y + share * shift[1]])
    return np.column_stack([way, [np.nan, np.nan]])


def dense(way: np.ndarray) -> np.ndarray:
    """Return points a few pixels apart along a way."""
    x, y = way[:, ~np.isnan(way[0])]
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    steps = np.linspace(0, length[-1], 2 + int(length[-1] / 5))
    return np.vstack([np.interp(steps, length, x), np.interp(steps, length, y)])


def steps_of(weight: np.ndarray) -> np.ndarray:
    """Return the least weight of each width of line: round numbers that grow like a square."""
    if not len(weight):
        return np.array([0.0])
    bounds = weight.max() * (np.arange(1, len(WIDTHS)) / len(WIDTHS)) ** 2
    digits = 10 ** np.floor(np.log10(np.maximum(bounds, 1e-9)))
    bounds = np.unique(np.round(bounds / digits) * digits)
    # As it is written: else two widths would read alike.
    low = np.floor(100 * weight.min() + 1e-9) / 100 or weight.min()
    return np.array([low, *bounds[(bounds > low) & (bounds <= weight.max())]])


def _towards(sheet: Sheet, partners: pd.DataFrame, home: str, hub: np.ndarray) -> list[Box]:
    """Say at the edge where the lines come from when home lies outside; return the box it takes."""
    if partners.empty or sheet.holds(*hub):
        return []
    start = np.mean(sheet.pixels(partners["lon"], partners["lat"]), axis=1)
    size, step = np.array([sheet.width, sheet.height]), hub - start
    step[step == 0] = 1e-9
    share = np.maximum(-start / step, (size - start) / step).min()
    sideways = abs(step[0]) * sheet.height > abs(step[1]) * sheet.width
    arrow = ("→←" if sideways else "↓↑")[int(step[0 if sideways else 1] <= 0)]
    text = f"★ {home} {arrow}"
    wide, high = room = np.array([text_width(text, LABEL) / 2 + 6, 11.0])
    x, y = np.clip(start + share * step, room, size - room)
    looks = {"fill": "toself", "fillcolor": "rgba(255,255,255,0.9)", "line": {"width": 0}}
    sheet.draw(x + wide * np.array([-1, 1, 1, -1]), y + high * np.array([-1, -1, 1, 1]), **looks)
    sheet.draw([x], [y], mode="text", text=[plain(text)], textposition="middle center")
    return [(x - wide, y - high, x + wide, y + high)]
