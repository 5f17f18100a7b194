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
from collabnet.words import number, plain, text_width, wrap

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
LARGEST, SMALLEST, STAR = 18, 6, 15
HALO = ", ".join(["0 0 2px #ffffff"] * 4)
REACH = (0, 14, 28)
"""How far from its mark a label may go, in pixels; beyond the first it gets a leader."""


class Group(NamedTuple):
    """Partners drawn alike: what the legend says of them, and their looks."""

    key: str
    label: str
    colour: str
    symbol: str
    dash: str = "solid"


Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; a leader is written so too: from x, y to x, y."""


class Spot(NamedTuple):
    """Where a label goes: its anchor in pixels, on which side of it, and with a leader or not."""

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
    """Tell whether the view lies where the shapes of NUTS 3 units are known?

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
    """Write the names of countries where there is room for them in their country.

    Parameters
    ----------
    sheet
        Where to; on a map of the world nothing is written.
    taken
        Boxes that must stay free.
    lines
        Points along lines that must stay free.
    lang
        {"en", "fr"}.
    """
    import shapely

    if sheet.view.projection != "azimuthal":
        return
    window = shapely.box(0, 0, sheet.width, sheet.height)
    window = window.difference(shapely.union_all([shapely.box(*box) for box in taken]))
    shapes = geo.countries("50m").dropna(subset="iso2")
    found = []
    for name, shape in zip(
        shapes["name_fr" if lang == "fr" else "name"], shapes.geometry, strict=True
    ):
        lon, lat = shapely.get_coordinates(max(shape.geoms, key=lambda part: part.area)).T
        if not _is_near(sheet.view, lon, lat):
            continue
        outline = shapely.Polygon(np.column_stack(sheet.pixels(lon, lat)))
        room = shapely.make_valid(outline).intersection(window)
        if room.area < 1500:
            continue
        middle = shapely.maximum_inscribed_circle(room).coords[0]
        text = wrap(name.upper(), 120, 10, 3)
        wide, high = max(text_width(line, 10) for line in text) / 2, 6.5 * len(text)
        spot = (middle[0] - wide, middle[1] - high, middle[0] + wide, middle[1] + high)
        if room.contains(shapely.box(*spot)) and not _inside(lines, spot).any():
            found.append((*middle, "<br>".join(map(plain, text))))
    if found:
        x, y, text = zip(*found, strict=True)
        font = {"size": 10, "color": PALE}
        sheet.draw(x, y, mode="text", text=text, textposition="middle center", textfont=font)


def place(
    sheet: Sheet,
    wanted: Iterable[tuple[float, float, float, Sequence[str]]],
    marks: np.ndarray,
    *,
    lines: np.ndarray | None = None,
    taken: Sequence[Box] = (),
) -> list[tuple[Spot, Box] | None]:
    """Find a place for each label, the first ones first, so that none touches another or a mark.

    Around its mark on eight sides, or further off with a leader: wherever it hides least of the
    lines and is nearest. A label for which nothing is free gets no place.

    Parameters
    ----------
    sheet
        Labels stay on it.
    wanted
        For each label the place and radius of its mark, and its lines of text.
    marks
        x, y and radius of all marks, pixels: one row a mark, home first.
    lines
        x and y of points along the lines of the map.
    taken
        Boxes that must stay free.

    Examples
    --------
    >>> sheet = Sheet(geo.VIEWS["world"], 1000, 500)
    >>> marks = np.array([[504.0, 250.0, 5.0], [500.0, 250.0, 5.0]])
    >>> [spot.position for spot, _ in place(sheet, [(500, 250, 5, ["Liège"])], marks)]
    ['middle left']
    """
    points = np.empty((2, 0)) if lines is None else lines
    boxes, leaders = list(taken), []
    out: list[tuple[Spot, Box] | None] = []
    for x, y, radius, text in wanted:
        wide = max(text_width(line, LABEL) for line in text)
        high = LABEL * (1 + LINE * (len(text) - 1))
        best, least = None, math.inf
        for rank, (spot, box) in enumerate(_spots((x, y, radius), (wide, high), marks[0])):
            leader = (x, y, spot.x, spot.y)
            cost = rank + 3 * min(int(_inside(points, box).sum()), 8)
            cost += 30 * _pierced(leader, marks)
            if (
                cost < least
                and sheet.holds(*box[:2])
                and sheet.holds(*box[2:])
                and not any(overlap(box, other) for other in boxes)
                and not any(_crosses(other, box) for other in leaders)
                and not _covers(box, marks)
                and not (spot.leader and _is_crossed(leader, boxes, leaders))
            ):
                best, least = (spot, box), cost
        out.append(best)
        if best:
            boxes.append(best[1])
            leaders += [(x, y, best[0].x, best[0].y)] * best[0].leader
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
            spot = Spot(x + step * side[0], y + step * side[1], side, leader=bool(reach))
            gap = 2 if reach else radius / 0.8 + 1
            left = spot.x + {1: gap, 0: -wide / 2, -1: -gap - wide}[side[0]]
            top = spot.y + {1: gap, 0: -high / 2, -1: -gap - high}[side[1]]
            yield spot, (left - 2, top - 2, left + wide + 2, top + high + 2)


def _pierced(leader: Box, marks: np.ndarray) -> int:
    """Count the marks a leader runs over, its own apart."""
    start, way = np.array(leader[:2]), np.array(leader[2:]) - leader[:2]
    length = way @ way
    if not length:
        return 0
    share = np.clip((marks[:, :2] - start) @ way / length, 0, 1)[:, None]
    gap = np.hypot(*(marks[:, :2] - start - share * way).T)
    return int((gap < marks[:, 2]).sum()) - 1


def _is_crossed(leader: Box, boxes: Sequence[Box], leaders: Sequence[Box]) -> bool:
    import shapely

    line = shapely.LineString([leader[:2], leader[2:]])
    return any(_crosses(leader, box) for box in boxes) or any(
        line.intersects(shapely.LineString([other[:2], other[2:]])) for other in leaders
    )


def overlap(a: Box, b: Box) -> bool:
    """Do two boxes (left, top, right, bottom) touch?

    Examples
    --------
    >>> overlap((0, 0, 2, 2), (1, 1, 3, 3)), overlap((0, 0, 1, 1), (2, 0, 3, 1))
    (True, False)
    """
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _covers(box: Box, marks: np.ndarray) -> bool:
    dx = np.maximum(np.maximum(box[0] - marks[:, 0], marks[:, 0] - box[2]), 0)
    dy = np.maximum(np.maximum(box[1] - marks[:, 1], marks[:, 1] - box[3]), 0)
    return bool((np.hypot(dx, dy) < marks[:, 2]).any())


def _crosses(line: Box, box: Box) -> bool:
    """Tell whether a line passes through a box, at points four pixels apart."""
    steps = np.linspace(0, 1, 2 + int(math.dist(line[:2], line[2:]) / 4))
    way = [line[0] + steps * (line[2] - line[0]), line[1] + steps * (line[3] - line[1])]
    return bool(_inside(np.array(way), box).any())


def _inside(points: np.ndarray, box: Box) -> np.ndarray:
    x, y = points
    return (x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])


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
    for _, shared in points.groupby(["x", "y"]):
        rows = shared.index
        at_hub = math.hypot(px[rows[0]] - hub[0], py[rows[0]] - hub[1]) < 1
        step = 2.0 * max(float(radius[rows].mean()), 4.0)
        for rank, row in enumerate(rows, start=int(at_hub)):
            turn = rank * math.pi * (3 - math.sqrt(5))
            x[row] += step * math.sqrt(rank) * math.cos(turn)
            y[row] += step * math.sqrt(rank) * math.sin(turn)
    return x, y


def draw_partners(
    sheet: Sheet,
    partners: pd.DataFrame,
    here: dict[str, Any],
    groups: Sequence[Group],
    lang: str | None,
) -> tuple[list[Box], np.ndarray]:
    """Draw lines from home to its partners, marks, and the names that fit.

    Parameters
    ----------
    sheet
        Where to.
    partners
        `lat, lon, weight, group, hover, label`, the strongest first; an empty label is not written.
    here
        `name, lat, lon` of home.
    groups
        The looks of each group.
    lang
        Language of the legend of widths; without it all lines are alike.

    Returns
    -------
    The boxes that marks and names fill, and points along the lines.
    """
    hub_x, hub_y = sheet.pixels(here["lon"], here["lat"])
    hub = float(hub_x), float(hub_y)
    weight = partners["weight"].to_numpy(dtype=float)
    strongest = max(weight.max(initial=0), 1e-9)
    radius = np.maximum(LARGEST * np.sqrt(weight / strongest), SMALLEST) / 2
    px, py = sheet.pixels(partners["lon"], partners["lat"])
    x, y = fan(px, py, radius, hub)
    steps = _steps(weight) if lang else np.array([0.0])
    step = np.searchsorted(steps, weight, side="right") - 1
    widths = WIDTHS[-len(steps) :] if lang else WIDTHS[1:2]
    paths: list[np.ndarray] = []
    for group in groups:
        mine = partners["group"] == group.key
        for level, width in enumerate(widths):
            rows = np.flatnonzero(mine & (step == level))
            ways = [_way(sheet, here, partners.iloc[i], (x[i] - px[i], y[i] - py[i])) for i in rows]
            paths += ways
            if ways:
                line = {"color": group.colour, "width": width, "dash": group.dash}
                path = np.concatenate(ways, axis=1)[:, :-1]
                sheet.draw(*path, line=line, opacity=0.5, legendgroup=group.key)
    for group in groups:
        rows = np.flatnonzero(partners["group"] == group.key)
        looks = {"size": 2 * radius[rows], "symbol": group.symbol, "color": group.colour}
        looks |= {"opacity": 0.9, "line": {"color": "white", "width": 1}}
        sheet.draw(x[rows], y[rows], mode="markers", marker=looks, legendgroup=group.key)
        sheet.traces[-1] |= {
            "hoverinfo": "text",
            "hovertext": partners["hover"].iloc[rows].tolist(),
        }
    star = {"size": STAR, "symbol": "star", "color": INK, "line": {"color": "white", "width": 1}}
    sheet.draw([hub[0]], [hub[1]], mode="markers", marker=star)
    sheet.traces[-1] |= {"hoverinfo": "text", "hovertext": f"<b>{plain(here['name'])}</b>"}
    if lang and len(partners):
        for value, width in zip(steps, widths, strict=True):
            sheet.draw([np.nan], [np.nan], line={"color": GREY, "width": width}, legend="legend2")
            sheet.traces[-1] |= {"name": f"≥ {number(value, lang)}", "showlegend": True}
    marks = np.vstack([[*hub, STAR / 2], np.column_stack([x, y, radius])])
    lines = np.concatenate([np.empty((2, 0)), *map(_dense, paths)], axis=1)
    taken = _towards(sheet, partners, here, hub)
    names = [here["name"], *partners["label"]]
    texts = [wrap(name, 170, LABEL, 2) if name else [] for name in names]
    keys = ["", *partners["group"]]
    taken += _draw_labels(sheet, texts, keys, marks=marks, lines=lines, taken=taken)
    return [*taken, *((x - r, y - r, x + r, y + r) for x, y, r in marks)], lines


def _draw_labels(
    sheet: Sheet,
    texts: list[list[str]],
    keys: list[str],
    *,
    marks: np.ndarray,
    lines: np.ndarray,
    taken: list[Box],
) -> list[Box]:
    """Write labels (an empty one is not wanted); return the boxes they fill."""
    named = [i for i, text in enumerate(texts) if text and sheet.holds(*marks[i, :2])]
    wanted = [(*marks[i], texts[i]) for i in named]
    spots = place(sheet, wanted, marks, lines=lines, taken=taken)
    found = [(i, *spot) for i, spot in zip(named, spots, strict=True) if spot]
    for key in dict.fromkeys(keys[i] for i, _, _ in found):
        mine = [(i, spot) for i, spot, _ in found if keys[i] == key]
        ways = [
            [[marks[i, 0], spot.x, np.nan], [marks[i, 1], spot.y, np.nan]]
            for i, spot in mine
            if spot.leader
        ]
        if ways:
            looks = {"line": {"color": INK, "width": 0.7}, "legendgroup": key}
            sheet.draw(*np.concatenate(ways, axis=1), **looks)
        size = [1.6 if spot.leader else 2 * marks[i, 2] for i, spot in mine]
        sheet.draw(
            [spot.x for _, spot in mine],
            [spot.y for _, spot in mine],
            mode="markers+text",
            marker={"opacity": 0, "size": size},
            text=["<br>".join(map(plain, texts[i])) for i, _ in mine],
            textposition=[spot.position for _, spot in mine],
            textfont={"size": LABEL, "color": INK, "shadow": HALO},
            legendgroup=key,
        )
    return [box for _, _, box in found]


def _way(
    sheet: Sheet, here: dict[str, Any], partner: pd.Series, shift: tuple[float, float]
) -> np.ndarray:
    """Return the way from home to a partner in pixels, ending where its mark is, then NaN."""
    ends = (here["lat"], here["lon"], partner["lat"], partner["lon"])
    points = int(np.clip(geo.distance_km(*ends) / 120, 2, 64))
    lon, lat = geo.great_circle(here["lon"], here["lat"], partner["lon"], partner["lat"], points)
    share = np.linspace(0, 1, len(lon))
    x, y = sheet.pixels(lon, lat)
    way = np.vstack([x + share * shift[0], y + share * shift[1]])
    return np.column_stack([way, [np.nan, np.nan]])


def _dense(way: np.ndarray) -> np.ndarray:
    """Return points a few pixels apart along a way."""
    x, y = way[:, ~np.isnan(way[0])]
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    steps = np.linspace(0, length[-1], 2 + int(length[-1] / 5))
    return np.vstack([np.interp(steps, length, x), np.interp(steps, length, y)])


def _steps(weight: np.ndarray) -> np.ndarray:
    """Return the least weight of each width of line: round numbers that grow like a square."""
    if not len(weight):
        return np.array([0.0])
    bounds = weight.max() * (np.arange(1, len(WIDTHS)) / len(WIDTHS)) ** 2
    digits = 10 ** np.floor(np.log10(np.maximum(bounds, 1e-9)))
    bounds = np.unique(np.round(bounds / digits) * digits)
    return np.array([weight.min(), *bounds[(bounds > weight.min()) & (bounds <= weight.max())]])


def _towards(
    sheet: Sheet, partners: pd.DataFrame, here: dict[str, Any], hub: tuple[float, float]
) -> list[Box]:
    """Say at the edge where the lines come from when home lies outside; return the box it takes."""
    if partners.empty or sheet.holds(*hub):
        return []
    start = [float(np.mean(v)) for v in sheet.pixels(partners["lon"], partners["lat"])]
    step = [end - begin for begin, end in zip(start, hub, strict=True)]
    limits = [(0.0, sheet.width), (0.0, sheet.height)]
    share = min(
        max((edge - begin) / way for edge in ends)
        for begin, way, ends in zip(start, step, limits, strict=True)
        if way
    )
    sideways = abs(step[0]) * sheet.height > abs(step[1]) * sheet.width
    arrow = ("→" if step[0] > 0 else "←") if sideways else ("↓" if step[1] > 0 else "↑")
    text = f"★ {here['name']} {arrow}"
    wide, high = text_width(text, LABEL) / 2 + 6, 11.0
    x, y = (
        min(max(begin + share * way, room), end - room)
        for begin, way, (_, end), room in zip(start, step, limits, (wide, high), strict=True)
    )
    corners = [-wide, wide, wide, -wide], [-high, -high, high, high]
    looks = {"fill": "toself", "fillcolor": "rgba(255,255,255,0.9)", "line": {"width": 0}}
    sheet.draw(x + np.array(corners[0]), y + np.array(corners[1]), **looks)
    sheet.draw([x], [y], mode="text", text=[plain(text)], textposition="middle center")
    return [(x - wide, y - high, x + wide, y + high)]
