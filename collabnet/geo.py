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

EARTH_KM = 6371.0088  # mean radius (IUGG)
EVERYWHERE = "*"  # the code of a region that holds all countries
NUTS_VERSION = 2021  # of the codes that `nuts3` and `place_nuts3` give
NUTS_EXTENT = (-0.2, 47.2, 11.5, 52.0)  # west, south, east, north: here the units leave no gap
NEAREST_KM = 3.0  # how far outside all units a point is still placed: they are simplified
TO_NUTS = {"GR": "EL", "GB": "UK"}  # what NUTS writes in its own way


class View(NamedTuple):
    """What a map shows: its projection with its centre, and the extent in degrees it must hold."""

    projection: Literal["equal-earth", "azimuthal"]
    lon: float
    lat: float
    west: float
    south: float
    east: float
    north: float


# Views by name; a region that has none is given one that holds its shapes (`view_of`).
VIEWS = {
    "world": View("equal-earth", 0, 0, -180, -56, 180, 83),
    "europe": View("azimuthal", 12, 52, -11, 35, 33, 69),
    "grande-region": View("azimuthal", 6.0, 49.4, 2.7, 47.7, 8.6, 51.05),
    "euregio-meuse-rhine": View("azimuthal", 5.9, 50.8, 4.7, 50.05, 7.0, 51.85),
    "maghreb": View("azimuthal", 0, 30, -15, 18.5, 14, 39.5),
    "central-africa": View("azimuthal", 19, 5, 7.5, -14, 31.5, 25),
}
VIEWS |= dict.fromkeys(("eu27", "ehea", "erasmus-programme"), VIEWS["europe"])


def countries(resolution: Literal["110m", "50m"] = "110m") -> geopandas.GeoDataFrame:
    """Return the countries, without Antarctica; small states are missing at 110m."""
    # Natural Earth as corrected by Visionscarto: Crimea in Ukraine and Western Sahara apart, as the
    # United Nations see them. `iso2` is empty for what no state holds undisputed; XK is Kosovo.
    if resolution not in {"110m", "50m"}:
        raise UnknownNameError("resolution", resolution, ("110m", "50m"))
    return _decoded(f"countries-{resolution}", "iso2").copy()


def nuts3() -> geopandas.GeoDataFrame:
    """Return the NUTS 3 units of Belgium, Luxembourg and around: `nuts_id`, `name`, `geometry`."""
    return _decoded(f"nuts3-{NUTS_VERSION}", "nuts_id").copy()


@functools.cache
def _nuts3_in_metres() -> geopandas.GeoDataFrame:
    return nuts3().to_crs("EPSG:3035")


def region_shapes(region: pd.DataFrame) -> geopandas.GeoDataFrame:
    """Return the NUTS 3 units and countries that the rules of a region name and that still hold."""
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
    """Return the NUTS 3 code of each institution: the one it has, else that of its point."""
    import geopandas

    codes = institutions.reindex(columns=["nuts3"])["nuts3"].astype("string")
    open_ = institutions[codes.isna() & institutions[["lat", "lon"]].notna().all(axis=1)]
    units = _nuts3_in_metres()
    states = open_["country"].astype("string").fillna("").replace(TO_NUTS)
    open_ = open_[states.isin(["", *units["nuts_id"].str[:2].unique()])]
    points = geopandas.GeoDataFrame(
        {"country": states[open_.index]},
        geometry=geopandas.points_from_xy(_floats(open_["lon"]), _floats(open_["lat"])),
        crs="EPSG:4326",
    ).to_crs(units.crs)
    for country, here in points.groupby("country"):
        near = units[units["nuts_id"].str.startswith(country)]
        found = here.sjoin_nearest(near, max_distance=NEAREST_KM * 1000)["nuts_id"]
        codes.update(found[~found.index.duplicated()])
    return codes


def distance_km(lat1: Any, lon1: Any, lat2: Any, lon2: Any) -> Any:
    """Return great-circle distances in kilometres (haversine; Sinnott 1984, Sky & Telescope 68)."""
    phi1, lam1, phi2, lam2 = (np.radians(_floats(x)) for x in (lat1, lon1, lat2, lon2))
    half = np.sin((phi2 - phi1) / 2) ** 2
    half = half + np.cos(phi1) * np.cos(phi2) * np.sin((lam2 - lam1) / 2) ** 2
    km = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return km if np.ndim(km) else float(km)


def great_circle(
    lon1: float, lat1: float, lon2: float, lat2: float, points: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shortest way between two points, cut where it crosses the antimeridian."""
    # Between antipodes every way is the shortest: the one through the north is taken.
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
    # A cut is a point at ±180°, NaN, and a point at ∓180°.
    for i in np.flatnonzero(np.abs(np.diff(lon)) > 180)[::-1]:
        edge = np.copysign(180.0, lon[i])
        beyond = lon[i + 1] + 2 * edge
        share = (edge - lon[i]) / (beyond - lon[i]) if beyond != lon[i] else 0.0
        height = lat[i] + share * (lat[i + 1] - lat[i])
        lon = np.insert(lon, i + 1, [edge, np.nan, -edge])
        lat = np.insert(lat, i + 1, [height, np.nan, height])
    return lon, lat


def equal_earth(lon: Any, lat: Any, lon0: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Project the world so that areas are true; return x and y in kilometres."""
    # Šavrič, Patterson & Jenny 2018, Int. J. Geographical Information Science 33(3), eq. 2-3.
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    m = np.sqrt(3) / 2
    t = np.arcsin(m * np.sin(np.radians(_floats(lat))))
    t2, t6 = t**2, t**6
    x = np.radians(_floats(lon) - lon0) * np.cos(t)
    x = x / (m * (a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2)))
    y = t * (a1 + a2 * t2 + t6 * (a3 + a4 * t2))
    return EARTH_KM * x, EARTH_KM * y


def azimuthal(lon: Any, lat: Any, lon0: float, lat0: float) -> tuple[np.ndarray, np.ndarray]:
    """Project around a point so that areas are true; return x and y in kilometres from it."""
    # Lambert azimuthal equal-area on the sphere: Snyder 1987, USGS Professional Paper 1395,
    # equations 22-4, 24-2 to 24-4. The point opposite the centre has no place.
    lam, phi = np.radians(_floats(lon) - lon0), np.radians(_floats(lat))
    sin0, cos0 = np.sin(np.radians(lat0)), np.cos(np.radians(lat0))
    cosine = sin0 * np.sin(phi) + cos0 * np.cos(phi) * np.cos(lam)
    k = EARTH_KM * np.sqrt(2 / np.maximum(1 + cosine, 1e-9))
    return (
        k * np.cos(phi) * np.sin(lam),
        k * (cos0 * np.sin(phi) - sin0 * np.cos(phi) * np.cos(lam)),
    )


def project(view: View, lon: Any, lat: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y, in kilometres, on the map of a view."""
    if view.projection == "equal-earth":
        return equal_earth(lon, lat, view.lon)
    return azimuthal(lon, lat, view.lon, view.lat)


def view_of(shapes: geopandas.GeoDataFrame) -> View:
    """Return a view that holds all shapes: of the world where they are far apart."""
    if shapes.empty:
        return VIEWS["world"]
    west, south, east, north = (float(x) for x in shapes.total_bounds)
    if east - west > 100 or north - south > 80:
        return VIEWS["world"]
    wide, high = 0.1 * (east - west) + 0.3, 0.1 * (north - south) + 0.2
    extent = (west - wide, south - high, east + wide, north + high)
    return View("azimuthal", (west + east) / 2, (south + north) / 2, *extent)


def frame(view: View, width: float, height: float) -> tuple[float, float, float, float]:
    """Return the limits `x0, y0, x1, y1`, in km, of a map of this shape that holds a view."""
    lon = np.linspace(view.west, view.east, 33)
    lat = np.linspace(view.south, view.north, 33)
    x, y = project(view, *(grid.ravel() for grid in np.meshgrid(lon, lat)))
    wide, high = np.ptp(x), np.ptp(y)
    scale = max(wide / width, high / height)
    x0 = (x.min() + x.max() - scale * width) / 2
    y0 = (y.min() + y.max() - scale * height) / 2
    return float(x0), float(y0), float(x0 + scale * width), float(y0 + scale * height)


def sources(lang: str = "en") -> dict[str, str]:
    """Return what a map must say of each geometry file, and of boundaries, in a language."""
    told = read_json("PROVENANCE.json")
    if lang not in told["disclaimer"]:
        raise UnknownNameError("language", lang, told["disclaimer"])
    layers = {name.partition("-")[0]: entry["attribution"] for name, entry in told["files"].items()}
    return {key: texts[lang] for key, texts in {**layers, "disclaimer": told["disclaimer"]}.items()}


def _floats(values: Any) -> np.ndarray:
    """Return numbers as floats, the unknown as NaN."""
    if isinstance(values, pd.Series):
        return values.to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(np.nan if values is pd.NA else values, dtype=float)


def read_json(name: str) -> dict[str, Any]:
    """Return what a geometry file, or their provenance, holds."""
    file = resources.files("collabnet") / "data" / "geo" / name
    if not file.is_file():
        raise InputError(f"The geometry file {name!r} is missing: install collabnet again.")
    return json.loads(file.read_text(encoding="utf-8"))


@functools.cache
def _decoded(name: str, key: str) -> geopandas.GeoDataFrame:
    """Decode a TopoJSON file of MultiPolygons (Bostock & Metcalf, TopoJSON 1.0)."""
    import geopandas
    from shapely import MultiPolygon

    topology = read_json(f"{name}.topojson")
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    lines = [np.cumsum(arc, axis=0) * scale + shift for arc in topology["arcs"]]

    def ring(indices: list[int]) -> np.ndarray:
        return np.concatenate([lines[i] if i >= 0 else lines[~i][::-1] for i in indices])

    (layer,) = topology["objects"].values()
    found = layer["geometries"]
    table = pd.DataFrame([{key: f["id"] or None, **f["properties"]} for f in found])
    shapes = [
        MultiPolygon([(ring(outer), [*map(ring, holes)]) for outer, *holes in f["arcs"]])
        for f in found
    ]
    return geopandas.GeoDataFrame(table.astype("string"), geometry=shapes, crs="EPSG:4326")
