"""The paper a map is drawn on: degrees to pixels, the base map, texts and where they go.

Everything is placed in pixels from the top left corner of the map, so that labels can be kept
apart. `plots` says what is drawn; a `Sheet` holds it as plotly traces.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from collabnet import geo
from collabnet.words import plain, text_width, wrap

if TYPE_CHECKING:
    import geopandas

FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
SEA, LAND, SHADE, BORDER, FRONTIER = "#e6eff5", "#faf9f5", "#e5e3d8", "#dedad0", "#b3ada0"
INK, GREY, PALE = "#1f2933", "#5b6570", "#8f8a7d"
LABEL, SMALL = 12, 11
LINE = 1.3
"""Distance between lines of text, as plotly sets it (`LINE_SPACING`)."""

SIDES = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))
WIDTHS = (0.8, 1.7, 3.0, 4.8)
LARGEST, SMALLEST, STAR = 26, 8, 15
HALO = ", ".join(["0 0 2px #ffffff"] * 4)
REACH = (0, 16, 30, 48, 70, 96, 126)
"""How far from its mark a label may go, in pixels; beyond the first it gets a leader."""


class Group(NamedTuple):
    """Partners drawn alike: what the legend says of them, and their looks."""

    key: str
    label: str
    colour: str
    symbol: str
    dash: str = "solid"


class Spot(NamedTuple):
    """Where a label goes, in pixels: its anchor, which side of it, and whether it needs a leader."""

    x: float
    y: float
    side: tuple[int, int]
    leader: bool

    @property
    def position(self) -> str:
        """The side in plotly's words."""
        right, down = self.side
        words = ("top", "middle", "bottom")[down + 1], ("left", "center", "right")[right + 1]
        return " ".join(words)


class Sheet:
    """A map of a view, `width` by `height` pixels, and the traces drawn on it so far.

    Parameters
    ----------
    view
        What it shows.
    width, height
        Pixels.

    Examples
    --------
    >>> sheet = Sheet(geo.VIEWS["world"], 1000, 500)
    >>> x, y = sheet.pixels(0, 0)
    >>> round(float(x))
    500
    """

    def __init__(self, view: geo.View, width: float, height: float) -> None:
        self.view, self.width, self.height = view, width, height
        self.limits = geo.frame(view, width, height)
        self.scale = (self.limits[2] - self.limits[0]) / width
        self.traces: list[dict[str, Any]] = []

    def pixels(self, lon: Any, lat: Any) -> tuple[np.ndarray, np.ndarray]:
        """Place degrees in pixels."""
        x, y = geo.project(self.view, lon, lat)
        return (x - self.limits[0]) / self.scale, (self.limits[3] - y) / self.scale

    def draw(self, px: Any, py: Any, **looks: Any) -> None:
        """Add a trace given in pixels; NaN lifts the pen."""
        x = self.limits[0] + np.asarray(px, dtype=float) * self.scale
        y = self.limits[3] - np.asarray(py, dtype=float) * self.scale
        looks = {"mode": "lines", "hoverinfo": "skip", "showlegend": False, **looks}
        self.traces.append({"x": x.astype("float32"), "y": y.astype("float32"), **looks})

    def holds(self, px: float, py: float) -> bool:
        """Is this pixel on the sheet?"""
        return 0 <= px <= self.width and 0 <= py <= self.height


def draw_base(sheet: Sheet, shaded: geopandas.GeoDataFrame | None) -> None:
    """Draw land and borders, and the shapes of a region on them.

    Parameters
    ----------
    sheet
        Where to.
    shaded
        The shapes of a region, if one is to stand out.
    """
    if sheet.view.projection == "equal-earth":
        lat = np.linspace(sheet.view.south, sheet.view.north, 60)
        lon = np.repeat([sheet.view.west, sheet.view.east], 60)
        edge = sheet.pixels(lon, np.concatenate([lat, lat[::-1]]))
        sheet.draw(*edge, fill="toself", fillcolor=SEA, line={"width": 0})
        _fill(sheet, geo.countries("110m"), LAND, FRONTIER, 0.5)
    else:
        _fill(sheet, geo.countries("50m"), LAND, FRONTIER, 0.7)
    detailed = shows_nuts(sheet.view)
    if detailed:
        _fill(sheet, geo.nuts3(), LAND, BORDER, 0.6)
    if shaded is not None:
        _fill(sheet, shaded, SHADE, "#ffffff" if detailed else FRONTIER, 0.9)
    if detailed:
        units = geo.nuts3()
        states = units.dissolve(units["nuts_id"].str[:2])
        _fill(sheet, states, None, FRONTIER, 1.1)


def shows_nuts(view: geo.View) -> bool:
    """Does the view lie where the shapes of NUTS 3 units are known?

    Examples
    --------
    >>> shows_nuts(geo.VIEWS["grande-region"]), shows_nuts(geo.VIEWS["europe"])
    (True, False)
    """
    west, south, east, north = geo.NUTS_EXTENT
    return west <= view.west and south <= view.south and view.east <= east and view.north <= north


def _fill(
    sheet: Sheet, shapes: geopandas.GeoDataFrame, fill: str | None, line: str, width: float
) -> None:
    """Draw shapes as one trace, cut a little outside the sheet."""
    import shapely

    parts = shapely.get_parts(shapes.geometry.to_numpy())
    if sheet.view.projection == "azimuthal":
        lon, lat = sheet.view.lon, sheet.view.lat
        near = [
            geo.distance_km(lat, lon, xy[:, 1], xy[:, 0]).min() < 10_000
            for xy in map(shapely.get_coordinates, parts)
        ]
        parts = parts[np.array(near, dtype=bool)]
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
    looks = {"line": {"color": line, "width": width}}
    if fill:
        looks |= {"fill": "toself", "fillcolor": fill}
    sheet.draw((x - sheet.limits[0]) / sheet.scale, (sheet.limits[3] - y) / sheet.scale, **looks)


def name_countries(sheet: Sheet, taken: Sequence[tuple], lang: str) -> None:
    """Write the names of countries where they fit in their country and on nothing else.

    Parameters
    ----------
    sheet
        Where to.
    taken
        Boxes (left, top, right, bottom) in pixels that must stay free.
    lang
        {"en", "fr"}.
    """
    import shapely

    if sheet.view.projection != "azimuthal":
        return
    shapes = geo.countries("50m").dropna(subset="iso2")
    names = shapes["name_fr" if lang == "fr" else "name"]
    window = shapely.box(0, 0, sheet.width, sheet.height)
    taken = list(taken)
    found = []
    for name, shape in zip(names, shapes.geometry, strict=True):
        part = max(shape.geoms, key=lambda p: p.area)
        lon, lat = shapely.get_coordinates(part).T
        if geo.distance_km(sheet.view.lat, sheet.view.lon, lat, lon).min() > 10_000:
            continue
        outline = shapely.Polygon(np.column_stack(sheet.pixels(lon, lat)))
        visible = shapely.make_valid(outline).intersection(window)
        if visible.area < 1500:
            continue
        point = shapely.maximum_inscribed_circle(visible).coords[0]
        lines = wrap(name.upper(), 110, 10, 3)
        wide, high = max(text_width(t, 10) for t in lines), 13 * len(lines)
        left, top = point[0] - wide / 2, point[1] - high / 2
        spot = (left, top, left + wide, top + high)
        if visible.contains(shapely.box(*spot)) and not any(overlap(spot, t) for t in taken):
            taken.append(spot)
            found.append((*point, "<br>".join(map(plain, lines))))
    if found:
        x, y, text = zip(*found, strict=True)
        font = {"size": 10, "color": PALE}
        sheet.draw(x, y, mode="text", text=text, textposition="middle center", textfont=font)


def place(
    sheet: Sheet,
    wanted: Iterable[tuple[float, float, float, Sequence[str]]],
    marks: np.ndarray,
    size: int = LABEL,
) -> list[tuple[Spot | None, tuple | None]]:
    """Find a place for each label, the first ones first, so that none touches another or a mark.

    Around its mark on eight sides, then further away with a leader; where nothing is free, none.

    Parameters
    ----------
    sheet
        Labels stay on it.
    wanted
        For each label the place and radius of its mark, and its lines.
    marks
        x, y and radius of all marks, pixels: one row a mark.
    size
        Of the text, pixels.

    Returns
    -------
    For each label its spot and its box (left, top, right, bottom), or two times None.

    Examples
    --------
    >>> sheet = Sheet(geo.VIEWS["world"], 1000, 500)
    >>> marks = np.array([[500.0, 250.0, 5.0], [504.0, 250.0, 5.0]])
    >>> [spot.position for spot, _ in place(sheet, [(500, 250, 5, ["Liège"])], marks)]
    ['middle left']
    """
    boxes: list[tuple] = []
    leaders: list[tuple] = []
    out: list[tuple[Spot | None, tuple | None]] = []
    for x, y, radius, lines in wanted:
        wide = max(text_width(text, size) for text in lines)
        high = size * (1 + LINE * (len(lines) - 1))
        found = _free(sheet, (x, y, radius), (wide, high), marks, boxes, leaders)
        out.append(found)
        spot, box = found
        if spot is not None and box is not None:
            boxes.append(box)
            if spot.leader:
                leaders.append((x, y, spot.x, spot.y))
    return out


def _free(
    sheet: Sheet,
    mark: tuple[float, float, float],
    text: tuple[float, float],
    marks: np.ndarray,
    boxes: list[tuple],
    leaders: list[tuple],
) -> tuple[Spot | None, tuple | None]:
    x, y, radius = mark
    wide, high = text
    for reach in REACH:
        for side in SIDES:
            step = (radius + reach) / math.hypot(*side) if reach else 0
            spot = Spot(x + step * side[0], y + step * side[1], side, leader=bool(reach))
            gap = 2 if reach else radius / 0.8 + 1
            left = spot.x + {1: gap, 0: -wide / 2, -1: -gap - wide}[side[0]]
            top = spot.y + {1: gap, 0: -high / 2, -1: -gap - high}[side[1]]
            box = (left - 2, top - 2, left + wide + 2, top + high + 2)
            line = (x, y, spot.x, spot.y)
            if (
                sheet.holds(*box[:2])
                and sheet.holds(*box[2:])
                and not any(overlap(box, other) for other in boxes)
                and not any(_crosses(other, box) for other in leaders)
                and not (reach and any(_crosses(line, other) for other in boxes))
                and not _covers(box, marks)
            ):
                return spot, box
    return None, None


def overlap(a: Sequence[float], b: Sequence[float]) -> bool:
    """Do two boxes (left, top, right, bottom) touch?

    Examples
    --------
    >>> overlap((0, 0, 2, 2), (1, 1, 3, 3)), overlap((0, 0, 1, 1), (2, 0, 3, 1))
    (True, False)
    """
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _covers(box: Sequence[float], marks: np.ndarray) -> bool:
    dx = np.maximum(np.maximum(box[0] - marks[:, 0], marks[:, 0] - box[2]), 0)
    dy = np.maximum(np.maximum(box[1] - marks[:, 1], marks[:, 1] - box[3]), 0)
    return bool((np.hypot(dx, dy) < marks[:, 2]).any())


def _crosses(line: Sequence[float], box: Sequence[float]) -> bool:
    """Does a line pass through a box? Asked at points four pixels apart."""
    steps = np.linspace(0, 1, 2 + int(math.dist(line[:2], line[2:]) / 4))
    x, y = line[0] + steps * (line[2] - line[0]), line[1] + steps * (line[3] - line[1])
    return bool(((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])).any())


def fan(px: np.ndarray, py: np.ndarray, radius: np.ndarray, hub: tuple[float, float]) -> Any:
    """Spread marks that share a point, and keep the home institution's free, in a sunflower.

    Parameters
    ----------
    px, py, radius
        Places and sizes in pixels, the largest mark first.
    hub
        Place of the home institution.

    Returns
    -------
    New places: the first mark of a point stays, unless it is the hub's.

    Examples
    --------
    >>> x, y = fan(np.zeros(2), np.zeros(2), np.full(2, 5.0), (99, 99))
    >>> x.tolist()[0], bool(x[1] ** 2 + y[1] ** 2 > 99)
    (0.0, True)
    """
    x, y = px.copy(), py.copy()
    points = pd.DataFrame({"x": px.round(1), "y": py.round(1)})
    for (_, _), rows in points.groupby(["x", "y"]).groups.items():
        at_hub = math.hypot(px[rows[0]] - hub[0], py[rows[0]] - hub[1]) < 1
        step = 2.0 * max(float(radius[rows].mean()), 4.0)
        for rank, row in enumerate(rows, start=int(at_hub)):
            turn = rank * math.pi * (3 - math.sqrt(5))
            x[row] += step * math.sqrt(rank) * math.cos(turn)
            y[row] += step * math.sqrt(rank) * math.sin(turn)
    return x, y
