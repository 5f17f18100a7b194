"""Shapes, places, distances and projections."""

import hashlib
import json

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from shapely import Point

import collabnet as cn
from collabnet import geo
from collabnet.errors import UnknownNameError
from conftest import ROOT

FILES = sorted((ROOT / "collabnet" / "data" / "geo").glob("*.topojson"))
PROVENANCE = json.loads((ROOT / "collabnet/data/geo/PROVENANCE.json").read_text("utf-8"))


def countries_at(lon, lat, resolution="50m"):
    shapes = geo.countries(resolution)
    return shapes.loc[shapes.contains(Point(lon, lat)), "iso2"].tolist()


@pytest.mark.parametrize("pair", ["L-M", "L-R", "L-H", "L-N", "M-R", "M-H", "R-H"])
def test_distances_equal_the_oracles(oracles, pair):
    a, b = (oracles["institutions"][key] for key in pair.split("-"))
    km = geo.distance_km(a["lat"], a["lon"], b["lat"], b["lon"])
    assert round(km, 3) == oracles["pairs_km"][pair]


def test_distance_to_an_unknown_place_is_unknown():
    far = pd.Series([50.85, pd.NA], dtype="Float64")
    km = geo.distance_km(50.63, 5.57, far, pd.Series([5.69, pd.NA], dtype="Float64"))
    assert km.round(1).tolist()[0] == 25.9
    assert np.isnan(km[1])


@pytest.mark.parametrize(
    ("name", "shapes"), [("euregio-meuse-rhine", 15), ("grande-region", 68), ("maghreb", 3)]
)
def test_a_region_has_all_its_shapes(name, shapes):
    assert len(geo.region_shapes(cn.region(name))) == shapes


@pytest.mark.parametrize(
    ("place", "lon", "lat", "regions"),
    [
        ("Aachen", 6.08342, 50.77664, ["euregio-meuse-rhine"]),
        ("Liège", 5.56749, 50.63373, ["euregio-meuse-rhine", "grande-region"]),
        ("Luxembourg", 6.13, 49.61167, ["grande-region"]),
        ("Brussels", 4.34878, 50.85045, []),
        ("Köln", 6.95, 50.93333, []),
        ("Strasbourg", 7.74553, 48.58392, []),
    ],
)
def test_a_city_lies_in_the_shapes_of_its_regions_only(place, lon, lat, regions):
    names = ("euregio-meuse-rhine", "grande-region")
    inside = [n for n in names if geo.region_shapes(cn.region(n)).contains(Point(lon, lat)).any()]
    assert inside == regions, place


def test_a_membership_that_ended_has_no_shape():
    rules = pd.DataFrame({"rule": "country", "code": ["FR", "GB"], "until": [None, "2020-01-31"]})
    assert geo.region_shapes(rules)["code"].tolist() == ["FR"]


def test_the_world_is_all_countries():
    assert len(geo.region_shapes(cn.region("world"))) == len(geo.countries("50m"))


def test_known_points_are_placed_where_the_registry_places_them():
    known = cn.gazetteer().dropna(subset=["nuts3", "lat"])
    west, south, east, north = geo.NUTS_EXTENT
    known = known[known["lon"].between(west, east) & known["lat"].between(south, north)]
    placed = geo.place_nuts3(known.drop(columns="nuts3"))
    assert len(known) >= 30
    # Tervuren lies in the arrondissement of Leuven: coarser shapes put it over the border.
    assert set(known.loc[placed != known["nuts3"], "city"]) <= {"Tervuren"}


def test_a_known_code_is_kept_and_a_far_point_stays_unknown():
    rows = pd.DataFrame(
        {
            "lat": [50.63, 33.6, 50.63, None],
            "lon": [5.57, -7.6, 5.57, None],
            "country": ["BE", "MA", None, "BE"],
            "nuts3": ["BE331", None, None, None],
        },
        index=[7, 5, 3, 1],
    )
    placed = geo.place_nuts3(rows)
    assert placed.index.tolist() == [7, 5, 3, 1]
    assert placed.fillna("?").tolist() == ["BE331", "?", "BE332", "?"]


def test_a_point_a_little_outside_is_placed_and_one_far_away_is_not():
    rows = pd.DataFrame(
        {"lat": [51.25, 52.52], "lon": [2.89, 13.4], "country": ["BE", "DE"]},
        index=["off Ostend", "Berlin"],
    )
    assert not geo.nuts3().contains(Point(2.89, 51.25)).any()
    assert geo.place_nuts3(rows).fillna("?").tolist() == ["BE255", "?"]


def test_a_point_at_the_border_is_placed_in_its_own_country():
    vaals = pd.DataFrame({"lat": [50.7704], "lon": [6.0180], "country": ["NL"]})
    assert geo.place_nuts3(vaals).tolist() == ["NL423"]
    assert geo.place_nuts3(vaals.assign(country="DE")).tolist() == ["DEA2D"]


@pytest.mark.parametrize("resolution", ["110m", "50m"])
@pytest.mark.parametrize(
    ("place", "lon", "lat", "code"),
    [
        ("Kinshasa", 15.4, -4.45, "CD"),
        ("Brazzaville", 15.2, -4.2, "CG"),
        ("Luxembourg", 6.13, 49.61, "LU"),
        ("Laayoune", -13.1, 27.15, "EH"),
        ("Simferopol", 34.1, 44.95, "UA"),
        ("Pristina", 21.16, 42.66, "XK"),
        ("Cayenne", -52.5, 4.5, "GF"),
        ("Chukotka beyond 180°", -173, 66.5, "RU"),
    ],
)
def test_a_place_lies_in_its_country(resolution, place, lon, lat, code):
    assert countries_at(lon, lat, resolution) == [code], place


@pytest.mark.parametrize("code", ["SG", "MT", "AD", "LI", "MU", "CV", "ST", "RE"])
def test_small_countries_have_a_shape_at_50m(code):
    assert code in set(geo.countries("50m")["iso2"])


@pytest.mark.parametrize("resolution", ["110m", "50m"])
def test_countries_are_whole_distinct_and_do_not_streak(resolution):
    shapes = geo.countries(resolution)
    assert shapes.crs.to_epsg() == 4326
    assert shapes.is_valid.all()
    assert shapes["iso2"].dropna().is_unique
    bounds = shapes.explode().bounds
    assert (bounds["maxx"] - bounds["minx"]).max() < 170


def test_countries_have_french_names():
    names = geo.countries("50m").set_index("iso2")["name_fr"]
    assert names[["DE", "CD"]].tolist() == ["Allemagne", "République démocratique du Congo"]


def test_the_two_congos_are_told_apart_and_units_are_named():
    names = geo.countries("50m").set_index("iso2")["name"]
    assert names[["CD", "CG"]].tolist() == [
        "Democratic Republic of the Congo",
        "Republic of the Congo",
    ]
    assert geo.nuts3().set_index("nuts_id")["name"]["BE332"] == "Arr. Liège"


def test_a_prefix_takes_all_its_units_and_units_come_before_countries():
    rules = pd.DataFrame({"rule": ["country", "nuts"], "code": ["LU", "NL42"]})
    assert geo.region_shapes(rules)["code"].tolist() == ["NL421", "NL422", "NL423", "LU"]


def test_nuts_units_leave_no_gap_where_they_are_drawn():
    units = geo.nuts3()
    assert units.is_valid.all()
    assert units["nuts_id"].is_unique
    region = units[units["nuts_id"].str.startswith(("BE3", "DEB", "DEC", "LU"))]
    whole = region.union_all()
    assert abs(whole.area - shapely.area(region.geometry).sum()) < 1e-4
    holes = [ring for polygon in shapely.get_parts(whole) for ring in polygon.interiors]
    assert sum(shapely.Polygon(ring).area for ring in holes) < 1e-4


def test_shapes_are_copies():
    geo.nuts3()["name"] = "spoilt"
    assert "spoilt" not in set(geo.nuts3()["name"])


def test_an_unknown_resolution_is_named():
    with pytest.raises(UnknownNameError, match=r"'10m'.*'110m' or '50m'"):
        geo.countries("10m")


def test_geometry_is_small_and_what_its_provenance_says():
    assert sum(path.stat().st_size for path in FILES) < 1_000_000
    assert [path.name for path in FILES] == sorted(PROVENANCE["files"])
    for path in FILES:
        entry = PROVENANCE["files"][path.name]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        assert all(len(package["sha512"]) == 88 for package in entry["packages"])
        assert json.loads(path.read_text("utf-8"))["type"] == "Topology"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_file_has_its_attribution(lang):
    said = geo.sources(lang)
    assert "EuroGeographics" in said["nuts3"]
    assert "Natural Earth" in said["countries"]
    assert said["disclaimer"]


def test_a_great_circle_is_as_long_as_the_distance():
    lon, lat = geo.great_circle(5.57, 50.63, -71.06, 42.36, points=400)
    steps = geo.distance_km(lat[:-1], lon[:-1], lat[1:], lon[1:])
    assert steps.sum() == pytest.approx(geo.distance_km(50.63, 5.57, 42.36, -71.06), rel=1e-6)
    assert lat.max() > 52


@pytest.mark.parametrize(
    ("start", "end"), [((-73.6, 45.5), (135.2, 34.7)), ((170, -10), (-170, 10))]
)
def test_a_way_over_the_antimeridian_is_cut_there(start, end):
    lon, lat = geo.great_circle(*start, *end)
    (cut,) = np.flatnonzero(np.isnan(lon))
    assert sorted([lon[cut - 1], lon[cut + 1]]) == [-180, 180]
    assert lat[cut - 1] == lat[cut + 1]
    assert np.nanmax(np.abs(np.diff(lon))) < 90


def test_a_cut_stands_between_two_points_of_the_antimeridian():
    lon, lat = geo.great_circle(170, 0, -170, 0, points=2)
    assert lon.round(6)[[0, 1, 3, 4]].tolist() == [170, 180, -180, -170]
    assert np.isnan([lon[2], lat[2]]).all()


def test_a_way_to_the_same_point_or_the_antipode_has_a_place():
    assert np.isfinite(geo.great_circle(5, 50, 5, 50)).all()
    _, lat = geo.great_circle(0, 0, 180, 0, points=3)
    assert lat.round(6).tolist() == [0, 90, 0]


POINTS = np.random.default_rng(1).uniform((-179, -80), (179, 80), (200, 2)).T


@pytest.mark.parametrize(
    ("ours", "proj"),
    [
        (geo.equal_earth, "+proj=eqearth"),
        (lambda lon, lat: geo.azimuthal(lon, lat, 6, 50), "+proj=laea +lon_0=6 +lat_0=50"),
    ],
)
def test_projections_agree_with_proj(ours, proj):
    theirs = pyproj.Proj(f"{proj} +R={geo.EARTH_KM} +units=m")(*POINTS)
    assert np.allclose(ours(*POINTS), theirs, atol=1e-6)


@pytest.mark.parametrize("name", geo.VIEWS)
@pytest.mark.parametrize("shape", [(1068, 520), (1328, 700), (500, 900)])
def test_a_frame_has_the_shape_of_the_sheet_and_holds_the_view(name, shape):
    view = geo.VIEWS[name]
    x0, y0, x1, y1 = geo.frame(view, *shape)
    assert (x1 - x0) / (y1 - y0) == pytest.approx(shape[0] / shape[1])
    x, y = geo.project(view, [view.west, view.east, view.lon], [view.south, view.north, view.lat])
    assert ((x0 - 1e-6 <= x) & (x <= x1 + 1e-6) & (y0 - 1e-6 <= y) & (y <= y1 + 1e-6)).all()


def test_views_hold_the_shapes_of_their_regions():
    for name in ("euregio-meuse-rhine", "grande-region", "maghreb", "central-africa"):
        view, shapes = geo.VIEWS[name], geo.region_shapes(cn.region(name))
        west, south, east, north = shapes.total_bounds
        assert view.west <= west, name
        assert view.south <= south, name
        assert view.east >= east, name
        assert view.north >= north, name


def test_a_region_without_a_view_gets_one_that_holds_it():
    view = geo.view_of(geo.region_shapes(cn.region("cemac")))
    assert view.projection == "azimuthal"
    assert view.north > 23
    russia = pd.DataFrame({"rule": ["country"], "code": ["RU"]})
    assert geo.view_of(geo.region_shapes(russia)) == geo.VIEWS["world"]
