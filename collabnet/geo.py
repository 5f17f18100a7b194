"""Places: shapes of countries and NUTS 3 units, distances, great circles, and map projections.

The shapes are part of the package (`data/geo`, with a licence of their own); nothing is fetched.
Degrees are WGS 84, kilometres are on a sphere of radius `EARTH_KM`.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from collabnet.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import geopandas

EARTH_KM = 6371.0088
"""Mean radius of the Earth in kilometres (IUGG)."""

NUTS_VERSION = 2021
"""Version of the NUTS codes that `nuts3` and `place_nuts3` give."""

NUTS_EXTENT = (-0.2, 47.2, 11.5, 52.0)
"""West, south, east, north: here the shapes of `nuts3` leave no gap."""

NEAREST_KM = 3.0
"""How far outside all shapes a point may lie and still be placed: the shapes are simplified."""

EVERYWHERE = "*"
"""The code of a region that holds all countries."""

TO_NUTS = {"GR": "EL", "GB": "UK"}
"""Countries that NUTS writes in its own way."""


class View(NamedTuple):
    """What a map shows: its projection with its centre, and the extent in degrees it must hold."""

    projection: Literal["equal-earth", "azimuthal"]
    lon: float
    lat: float
    west: float
    south: float
    east: float
    north: float


VIEWS = {
    "world": View("equal-earth", 0, 0, -180, -56, 180, 83),
    "europe": View("azimuthal", 12, 52, -11, 35, 33, 69),
    "grande-region": View("azimuthal", 6.0, 49.4, 2.7, 47.7, 8.6, 51.05),
    "euregio-meuse-rhine": View("azimuthal", 5.9, 50.8, 4.7, 50.05, 7.0, 51.85),
    "maghreb": View("azimuthal", 0, 30, -15, 18.5, 14, 39.5),
    "central-africa": View("azimuthal", 19, 5, 7.5, -14, 31.5, 25),
}
"""Views by name; a region that has none is given one that holds its shapes (`view_of`)."""

VIEWS |= dict.fromkeys(("eu27", "ehea", "erasmus-programme"), VIEWS["europe"])


def countries(resolution: Literal["110m", "50m"] = "110m") -> geopandas.GeoDataFrame:
    """Return the countries of the world.

    Parameters
    ----------
    resolution
        {"110m", "50m"}: for maps of the world, or of a continent and less. Small states are
        missing at 110m.

    Returns
    -------
    `iso2` (ISO 3166-1 alpha-2; XK is Kosovo; empty for what no state holds undisputed), `name`,
    `name_fr`, `geometry` in EPSG:4326. Natural Earth as corrected by Visionscarto: Crimea in
    Ukraine and Western Sahara apart, as the United Nations see them. Antarctica is left out.

    Examples
    --------
    >>> shapes = countries("50m").set_index("iso2")
    >>> shapes.loc[["CD", "CG", "LU"], "name"].tolist()
    ['Democratic Republic of the Congo', 'Republic of the Congo', 'Luxembourg']
    """
    files = ("110m", "50m")
    if resolution not in files:
        raise UnknownNameError("resolution", resolution, files)
    return _decoded(f"countries-{resolution}", "iso2").copy()


def nuts3() -> geopandas.GeoDataFrame:
    """Return the NUTS 3 units of Belgium, Luxembourg and what lies around them.

    Returns
    -------
    `nuts_id` (NUTS 2021), `name`, `geometry` in EPSG:4326. © EuroGeographics for the
    administrative boundaries; non-commercial use.

    Examples
    --------
    >>> units = nuts3().set_index("nuts_id")
    >>> units.loc["BE332", "name"]
    'Arr. Liège'
    """
    return _decoded(f"nuts3-{NUTS_VERSION}", "nuts_id").copy()


def region_shapes(region: pd.DataFrame) -> geopandas.GeoDataFrame:
    """Return the shapes a region is made of.

    Parameters
    ----------
    region
        Its rules: `rule` {"nuts", "country", "institution"}, `code` and, where membership ended,
        `until`. Ended rules and institutions have no shape.

    Returns
    -------
    `code`, `name`, `geometry`: one row a NUTS 3 unit or country.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule": ["nuts", "country"], "code": ["NL42", "LU"]})
    >>> region_shapes(rules).code.tolist()
    ['NL421', 'NL422', 'NL423', 'LU']
    """
    rules = region[region["until"].isna()] if "until" in region else region
    prefixes = tuple(rules.loc[rules["rule"] == "nuts", "code"])
    codes = set(rules.loc[rules["rule"] == "country", "code"])
    states = countries("50m").rename(columns={"iso2": "code"})
    found = [states[states["code"].isin(codes) | (EVERYWHERE in codes)]]
    if prefixes:
        units = nuts3().rename(columns={"nuts_id": "code"})
        found.insert(0, units[units["code"].str.startswith(prefixes)])
    return pd.concat(found, ignore_index=True)[["code", "name", "geometry"]]


def place_nuts3(institutions: pd.DataFrame) -> pd.Series:
    """Return the NUTS 3 code of each institution: the one it has, else the unit its point lies in.

    A point is looked for in the units of its country only, and up to `NEAREST_KM` outside them.

    Parameters
    ----------
    institutions
        Columns `lat`, `lon`, `country`; `nuts3` where known. It is not modified.

    Returns
    -------
    Codes, on the index of `institutions`; those added are of `NUTS_VERSION`. Unknown where the
    point is, or where it lies beyond the units of `nuts3`.

    Examples
    --------
    >>> aachen = pd.DataFrame({"lat": [50.777], "lon": [6.0776], "country": ["DE"]})
    >>> place_nuts3(aachen).tolist()
    ['DEA2D']
    """
    import geopandas

    none = pd.Series(pd.NA, index=institutions.index, dtype="string")
    codes = institutions["nuts3"].astype("string") if "nuts3" in institutions else none
    open_ = institutions[codes.isna() & institutions[["lat", "lon"]].notna().all(axis=1)]
    metres = "EPSG:3035"
    units = nuts3().to_crs(metres)
    points = geopandas.GeoDataFrame(
        {"country": open_["country"].astype("string").fillna("")},
        geometry=geopandas.points_from_xy(_floats(open_["lon"]), _floats(open_["lat"])),
        crs="EPSG:4326",
    ).to_crs(metres)
    for country, here in points.groupby("country"):
        prefix = TO_NUTS.get(country, country)
        near = units[units["nuts_id"].str.startswith(prefix)]
        if near.empty:
            continue
        found = here.sjoin_nearest(near, max_distance=NEAREST_KM * 1000)
        found = found[~found.index.duplicated()]
        codes = codes.where(~codes.index.isin(found.index), found["nuts_id"].reindex(codes.index))
    return codes.rename("nuts3")


def distance_km(lat1: Any, lon1: Any, lat2: Any, lon2: Any) -> Any:
    """Return great-circle distances in kilometres (haversine; Sinnott 1984, Sky & Telescope 68).

    Parameters
    ----------
    lat1, lon1, lat2, lon2
        Degrees: numbers or arrays of one length. Where one is unknown, so is the distance (NaN).

    Examples
    --------
    >>> round(distance_km(50.63373, 5.56749, 50.84833, 5.68889), 3)
    25.345
    """
    phi1, lam1, phi2, lam2 = (np.radians(_floats(x)) for x in (lat1, lon1, lat2, lon2))
    half = np.sin((phi2 - phi1) / 2) ** 2
    half = half + np.cos(phi1) * np.cos(phi2) * np.sin((lam2 - lam1) / 2) ** 2
    km = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return km if np.ndim(km) else float(km)


def great_circle(
    lon1: float, lat1: float, lon2: float, lat2: float, points: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shortest way between two points, cut where it crosses the antimeridian.

    Parameters
    ----------
    lon1, lat1, lon2, lat2
        Degrees.
    points
        Number of points on the way, both ends included.

    Returns
    -------
    Longitudes and latitudes; a cut shows as a point at ±180°, NaN, and a point at ∓180°. Between
    antipodes every way is the shortest: the one through the north is taken.

    Examples
    --------
    >>> lon, lat = great_circle(170, 0, -170, 0, points=2)
    >>> lon.round(6).tolist(), len(lat)
    ([170.0, 180.0, nan, -180.0, -170.0], 5)
    """
    ends = np.radians([[lon1, lat1], [lon2, lat2]])
    a, b = (
        np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        for lon, lat in ends
    )
    along = b - a * (a @ b)
    if np.linalg.norm(along) < 1e-9:
        along = np.array([0.0, 0.0, 1.0]) - a * a[2]
    length = np.linalg.norm(along)
    turn = np.linspace(0, np.arccos(np.clip(a @ b, -1, 1)), points)[:, None]
    way = a * np.cos(turn) + along / (length or 1) * np.sin(turn)
    lon = np.degrees(np.arctan2(way[:, 1], way[:, 0]))
    lat = np.degrees(np.arcsin(np.clip(way[:, 2], -1, 1)))
    return _cut(lon, lat)


def _cut(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    jumps = np.flatnonzero(np.abs(np.diff(lon)) > 180)
    for i in jumps[::-1]:
        edge = np.copysign(180.0, lon[i])
        beyond = lon[i + 1] + 2 * edge
        share = (edge - lon[i]) / (beyond - lon[i]) if beyond != lon[i] else 0.0
        height = lat[i] + share * (lat[i + 1] - lat[i])
        lon = np.insert(lon, i + 1, [edge, np.nan, -edge])
        lat = np.insert(lat, i + 1, [height, np.nan, height])
    return lon, lat


def equal_earth(lon: Any, lat: Any, lon0: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Project the world so that areas are true; return x and y in kilometres.

    Šavrič, Patterson & Jenny 2018, Int. J. Geographical Information Science 33(3), equations 2-3.

    Parameters
    ----------
    lon, lat
        Degrees.
    lon0
        Meridian in the middle of the map; longitudes must lie within 180° of it.

    Examples
    --------
    >>> x, y = equal_earth(180, 0)
    >>> round(float(x)), round(float(y))
    (17244, 0)
    """
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    m = np.sqrt(3) / 2
    t = np.arcsin(m * np.sin(np.radians(_floats(lat))))
    t2, t6 = t**2, t**6
    x = np.radians(_floats(lon) - lon0) * np.cos(t)
    x = x / (m * (a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2)))
    y = t * (a1 + a2 * t2 + t6 * (a3 + a4 * t2))
    return EARTH_KM * x, EARTH_KM * y


def azimuthal(lon: Any, lat: Any, lon0: float, lat0: float) -> tuple[np.ndarray, np.ndarray]:
    """Project around a point so that areas are true; return x and y in kilometres from it.

    Lambert azimuthal equal-area on the sphere: Snyder 1987, USGS Professional Paper 1395,
    equations 22-4, 24-2 to 24-4. The point opposite the centre has no place.

    Parameters
    ----------
    lon, lat
        Degrees.
    lon0, lat0
        The centre, degrees.

    Examples
    --------
    >>> x, y = azimuthal(5.56749, 50.63373, 5.56749, 50.63373)
    >>> float(x), float(y)
    (0.0, 0.0)
    """
    lam, phi = np.radians(_floats(lon) - lon0), np.radians(_floats(lat))
    sin0, cos0 = np.sin(np.radians(lat0)), np.cos(np.radians(lat0))
    cosine = sin0 * np.sin(phi) + cos0 * np.cos(phi) * np.cos(lam)
    k = EARTH_KM * np.sqrt(2 / np.maximum(1 + cosine, 1e-9))
    return (
        k * np.cos(phi) * np.sin(lam),
        k * (cos0 * np.sin(phi) - sin0 * np.cos(phi) * np.cos(lam)),
    )


def project(view: View, lon: Any, lat: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y, in kilometres, on the map of a view.

    Parameters
    ----------
    view
        One of `VIEWS`, or of `view_of`.
    lon, lat
        Degrees.

    Examples
    --------
    >>> x, y = project(VIEWS["world"], 0, 0)
    >>> float(x), float(y)
    (0.0, 0.0)
    """
    if view.projection == "equal-earth":
        return equal_earth(lon, lat, view.lon)
    return azimuthal(lon, lat, view.lon, view.lat)


def view_of(shapes: geopandas.GeoDataFrame) -> View:
    """Return a view that holds all shapes: of the world where they are far apart.

    Parameters
    ----------
    shapes
        Of a region, in EPSG:4326.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule": ["country"], "code": ["LU"]})
    >>> view_of(region_shapes(rules)).projection
    'azimuthal'
    """
    if shapes.empty:
        return VIEWS["world"]
    west, south, east, north = (float(x) for x in shapes.total_bounds)
    if east - west > 100 or north - south > 80:
        return VIEWS["world"]
    wide, high = 0.1 * (east - west) + 0.3, 0.1 * (north - south) + 0.2
    extent = (west - wide, south - high, east + wide, north + high)
    return View("azimuthal", (west + east) / 2, (south + north) / 2, *extent)


def frame(view: View, width: float, height: float) -> tuple[float, float, float, float]:
    """Return the x and y limits of a map of `width` by `height` that holds the extent of a view.

    Parameters
    ----------
    view
        One of `VIEWS`, or of `view_of`.
    width, height
        Of the map, in any unit: only their ratio counts.

    Returns
    -------
    `x0, y0, x1, y1` in kilometres.

    Examples
    --------
    >>> x0, y0, x1, y1 = frame(VIEWS["world"], 2, 1)
    >>> round((x1 - x0) / (y1 - y0), 6)
    2.0
    """
    lon = np.linspace(view.west, view.east, 33)
    lat = np.linspace(view.south, view.north, 33)
    x, y = project(view, *(grid.ravel() for grid in np.meshgrid(lon, lat)))
    wide, high = np.ptp(x), np.ptp(y)
    scale = max(wide / width, high / height)
    x0 = (x.min() + x.max() - scale * width) / 2
    y0 = (y.min() + y.max() - scale * height) / 2
    return float(x0), float(y0), float(x0 + scale * width), float(y0 + scale * height)


def sources(lang: str = "en") -> dict[str, str]:
    """Return what a map must say of each geometry file, and of boundaries, in a language.

    Parameters
    ----------
    lang
        {"en", "fr"}.

    Raises
    ------
    UnknownNameError
        Another language.

    Examples
    --------
    >>> sources()["nuts3"]
    '© EuroGeographics for the administrative boundaries.'
    """
    told = json.loads(_text("PROVENANCE.json"))
    if lang not in told["disclaimer"]:
        raise UnknownNameError("language", lang, told["disclaimer"])
    files = {name.partition("-")[0]: entry for name, entry in told["files"].items()}
    texts = {layer: entry["attribution"][lang] for layer, entry in files.items()}
    return {**texts, "disclaimer": told["disclaimer"][lang]}


def _floats(values: Any) -> np.ndarray:
    """Return numbers as floats, the unknown as NaN."""
    if isinstance(values, pd.Series):
        return values.to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(np.nan if values is pd.NA else values, dtype=float)


def _text(name: str) -> str:
    file = resources.files("collabnet") / "data" / "geo" / name
    if not file.is_file():
        raise InputError(f"The geometry file {name!r} is missing: install collabnet again.")
    return file.read_text(encoding="utf-8")


@functools.cache
def _decoded(name: str, key: str) -> geopandas.GeoDataFrame:
    """Decode a TopoJSON file of MultiPolygons (Bostock & Metcalf, TopoJSON 1.0)."""
    import geopandas
    from shapely import MultiPolygon

    topology = json.loads(_text(f"{name}.topojson"))
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    lines = [np.cumsum(arc, axis=0) * scale + shift for arc in topology["arcs"]]

    def ring(indices: list[int]) -> np.ndarray:
        return np.concatenate([lines[i] if i >= 0 else lines[~i][::-1] for i in indices])

    (layer,) = topology["objects"].values()
    shapes, rows = [], []
    for feature in layer["geometries"]:
        rows.append({key: feature["id"] or None, **feature["properties"]})
        nested = [[ring(r) for r in polygon] for polygon in feature["arcs"]]
        shapes.append(MultiPolygon([(polygon[0], polygon[1:]) for polygon in nested]))
    table = pd.DataFrame(rows).astype("string")
    return geopandas.GeoDataFrame(table, geometry=shapes, crs="EPSG:4326")
