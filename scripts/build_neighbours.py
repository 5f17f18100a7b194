"""Derive `collabnet/data/neighbours.csv`: where each country lies, its neighbours and languages.

    python scripts/build_neighbours.py

Point and neighbours come from the shapes of the package (`collabnet/data/geo`, Natural Earth): the
centroid of the largest part, and the countries that share a line on the map. Languages are those
official, by law or in fact, in the whole country: CLDR, as Babel holds it (part of JupyterLab).
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pandas as pd
from babel.languages import get_official_languages

from collabnet import geo

HERE = Path(__file__).resolve().parent.parent / "collabnet" / "data"
DIALECTS = {"nb": "no", "nn": "no", "fil": "tl", **dict.fromkeys(("bs", "hr", "sr"), "sh")}
"""Standards that their speakers read without a translation, counted as one language."""


def borders() -> dict[str, set[str]]:
    """Return the countries that share an arc of the topology."""
    topology = geo.read_json("countries-50m.topojson")
    (layer,) = topology["objects"].values()
    owners = defaultdict(set)
    for shape in layer["geometries"]:
        for ring in (ring for part in shape["arcs"] for ring in part):
            for arc in ring:
                owners[max(arc, ~arc)].add(shape["id"])
    found = defaultdict(set)
    for pair in owners.values():
        if len(pair) == 2 and all(pair):
            one, other = pair
            found[one].add(other)
            found[other].add(one)
    return found


def main() -> None:
    """Write the table."""
    parts = geo.countries("50m").dropna(subset="iso2").to_crs("EPSG:6933").explode()
    parts = parts.assign(size=parts.area).sort_values("size").drop_duplicates("iso2", keep="last")
    points = parts.set_index("iso2").centroid.to_crs("EPSG:4326").sort_index()
    beside, rows = borders(), []
    for code, point in points.items():
        spoken = {tongue.split("_")[0] for tongue in get_official_languages(code, de_facto=True)}
        rows.append(
            {
                "country": code,
                "lat": round(point.y, 2),
                "lon": round(point.x, 2),
                "neighbours": "|".join(sorted(beside[code])),
                "languages": "|".join(sorted({DIALECTS.get(one, one) for one in spoken})),
            }
        )
    pd.DataFrame(rows).to_csv(HERE / "neighbours.csv", index=False)


if __name__ == "__main__":
    main()
