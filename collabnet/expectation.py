"""What is to be expected of a link: from size, distance, borders and languages.

`data/neighbours.csv`, made by `scripts/build_neighbours.py`, says where each country lies, which
others share a border with it (Natural Earth), and its official languages (CLDR).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from collabnet import geo
from collabnet.errors import CollabnetError

NEAR_KM = 10.0
"""Distances below count as this: places are those of cities, not of campuses."""
PAIRS = 2_000_000
"""Pairs that are looked at; 2,000 units have so many."""
TIES = ("same_country", "border", "language")


def expected_links(
    edges: pd.DataFrame,
    outputs: pd.DataFrame,
    institutions: pd.DataFrame | None = None,
    *,
    home: str | None = None,
    smallest: float = 1.0,
) -> pd.DataFrame:
    """Hold each link against what size, distance, border and language let expect.

    Gravity: E(weight) = exp(b₀ + b₁ ln(n₁n₂) + b₂ ln(km) + b₃ same country + b₄ border + b₅ same
    language), over all pairs, those without a link too; n is the output, the last three are yes or
    no (1, 0). The b are those of greatest Poisson pseudo-likelihood, found by iteratively
    reweighted least squares; their standard errors are robust to over-dispersion, not to what the
    pairs of one unit have in common.

    Parameters
    ----------
    edges
        An edge table between institutions or countries, of any counting.
    outputs
        A table of `output` of the same level and years, in full counting: n. It must hold all that
        the units did: in a store of the works of one institution the size of a partner is its link.
    institutions
        Where the institutions are: `institution_id, country, lat, lon`. Without it the units are
        countries (ISO 3166-1 alpha-2), and a distance is that of the middles of their main parts.
    home
        Only the pairs of this unit; by default all.
    smallest
        Leave out units with an output below this.

    Returns
    -------
    `source, target, weight, expected, ratio, residual, distance_km` and, as yes or no,
    `same_country, border, language`; the largest residual first. `ratio` is weight/expected,
    `residual` (weight - expected)/√(φ · expected), where φ is the mean of (weight - expected)² /
    expected per degree of freedom: 2 is as much above what is expected as one in forty would be by
    chance. The note holds `coefficients` and `standard_errors`, `left_out_terms` that cannot be
    told from others, and the links of units without place or output under `left_out`;
    `attrs["unplaced"]` lists those units. Where no more pairs have a link than there are
    terms, nothing is expected: the columns are empty.

    Raises
    ------
    CollabnetError
        `home` has no place or output, or there are more than 2,000,000 pairs.

    References
    ----------
    Santos Silva & Tenreyro 2006, Review of Economics and Statistics 88(4) 641-658, for the
    estimator; Hoekman, Frenken & Tijssen 2010, Research Policy 39(5) 662-673, for gravity of
    co-publications.

    Examples
    --------
    >>> size = pd.DataFrame({"unit": ["BE", "NL", "PT", "FI", "CZ", "GR"], "output": 100.0})
    >>> links = pd.DataFrame({"source": "BE", "target": ["NL", "PT", "FI", "CZ", "GR"]})
    >>> table = expected_links(links.assign(weight=[30.0, 9.0, 4.0, 5.0, 4.0]), size, home="BE")
    >>> table[["target", "weight", "expected"]].round(1).values.tolist()[0]
    ['PT', 9.0, 5.5]
    """
    places = _countries() if institutions is None else institutions
    places = places.rename(columns={"institution_id": "unit"}).drop_duplicates("unit")
    size = outputs.set_index("unit")["output"].astype("float64").sort_index()
    units = places.set_index("unit")[["country", "lat", "lon"]].reindex(size.index)
    placed = units.notna().all(axis=1) & units["country"].isin(_countries()["country"])
    placed &= (size >= smallest) & (size > 0)
    units, size = units[placed], size[placed].to_numpy()
    ids = pd.Index(units.index)
    if home is not None and home not in ids:
        raise CollabnetError(f"{home}: has no place or output here. Complete it, or name another.")
    if home is None and len(ids) * (len(ids) - 1) // 2 > PAIRS:
        cut = f"smallest={np.sort(size)[-2000]:g}"
        raise CollabnetError(f"{len(ids):,} units are too many pairs: name one home, or {cut}.")
    if home is None:
        left, right = np.triu_indices(len(ids), 1)
    else:
        other = np.flatnonzero(ids != home)
        left, right = np.sort([other, np.full_like(other, ids.get_loc(home))], axis=0)
    table = _pairs(units, left, right)
    wanted = edges if home is None else edges[(edges[["source", "target"]] == home).any(axis=1)]
    ends = np.sort([ids.get_indexer(wanted[end]) for end in ("source", "target")], axis=0)
    there = (ends[0] >= 0) & (ends[0] < ends[1])
    weight = wanted["weight"].astype("float64").to_numpy()
    found = pd.Series(weight[there], pd.MultiIndex.from_arrays(ends[:, there]), dtype="float64")
    found = found.groupby(level=[0, 1]).sum().reindex([left, right], fill_value=0)
    table.insert(2, "weight", found.to_numpy())
    terms = {"size": np.log(size[left] * size[right])}
    terms["distance"] = np.log(table["distance_km"].clip(lower=NEAR_KM).to_numpy())
    terms |= {name: table[name].to_numpy("float64") for name in TIES}
    expected, fit = _fitted(terms, table["weight"].to_numpy())
    table.insert(3, "expected", expected)
    table.insert(4, "ratio", table["weight"] / expected)
    spread = np.sqrt(fit.get("dispersion", np.nan) * expected)
    table.insert(5, "residual", (table["weight"] - expected) / spread)
    table = table.sort_values(
        ["residual", "source", "target"], ascending=[False, True, True], ignore_index=True
    )
    named = set(outputs.loc[outputs["output"] > 0, "unit"])
    unplaced = sorted(named.union(wanted["source"], wanted["target"]) - set(ids))
    left_out = {"units": len(unplaced), "links": int((~there).sum())}
    note = {**edges.attrs.get("note", {}), "what": "expected links", "said": None}
    note |= {"home": home, "pairs": len(table), "smallest": smallest, **fit}
    note["left_out"] = {**left_out, "weight": float(weight[~there].sum())}
    if not fit:
        note["said"] = "Nothing is expected: too few pairs have a link to be held against the rest."
    elif size.max() >= note.get("placed", np.inf):
        note["said"] = "One unit took part in all that is counted: the outputs are its works alone."
    table.attrs = {"note": note, "unplaced": unplaced}
    return table


@cache
def _countries() -> pd.DataFrame:
    with (files("collabnet") / "data" / "neighbours.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, keep_default_na=False, dtype={"country": "string"})
    return table.assign(unit=table["country"])


def neighbours_of(country: str) -> list[str]:
    """Return the countries with which one has a land border."""
    beside = _countries().set_index("country")["neighbours"].get(country, "")
    return beside.split("|") if beside else []


def _pairs(units: pd.DataFrame, left: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """Return pairs of units, how far apart they are, and what ties their countries."""
    lands = pd.Index(_countries()["country"])
    beside, spoken = (_countries()[name].str.get_dummies() for name in ("neighbours", "languages"))
    beside, spoken = beside.reindex(columns=lands, fill_value=0), spoken @ spoken.T
    lat, lon = (units[axis].to_numpy("float64") for axis in ("lat", "lon"))
    one, other = (lands.get_indexer(units["country"])[end] for end in (left, right))
    return pd.DataFrame(
        {
            "source": units.index.astype("string")[left],
            "target": units.index.astype("string")[right],
            "distance_km": geo.distance_km(lat[left], lon[left], lat[right], lon[right]),
            "same_country": one == other,
            "border": beside.to_numpy()[one, other] > 0,
            "language": spoken.to_numpy()[one, other] > 0,
        }
    )


def _fitted(terms: dict[str, np.ndarray], y: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """Return what is expected, and what the note says of the fit."""
    names, columns, dropped = ["constant"], [np.ones(len(y))], []
    for name, values in terms.items():
        x = np.column_stack(columns)
        left = values - x @ (np.linalg.pinv(x) @ values)
        # Where every link, or none, is of one kind, that kind would explain them without limit.
        apart = name in TIES and not 0 < y @ values < y.sum()
        if apart or left @ left <= 1e-9 * (values @ values):
            dropped.append(name)
        else:
            names, columns = [*names, name], [*columns, values]
    x = np.column_stack(columns)
    if (y > 0).sum() <= len(names):  # as many terms would explain as many links without a rest
        return np.full(len(y), np.nan), {}
    mean, last = (y + y.mean()) / 2, np.inf
    for _ in range(100):
        score = np.log(mean) + (y - mean) / mean
        inverse = np.linalg.pinv((x.T * mean) @ x, hermitian=True)
        b = inverse @ ((x.T * mean) @ score)
        mean = np.exp(np.clip(x @ b, -50, 50))
        deviance = 2 * (y @ np.log(np.where(y > 0, y, mean) / mean) - (y - mean).sum())
        if settled := abs(deviance - last) <= 1e-10 * (abs(deviance) + 0.1):
            break
        last = deviance
    inverse = np.linalg.pinv((x.T * mean) @ x, hermitian=True)
    errors = np.sqrt(np.diag(inverse @ ((x.T * (y - mean) ** 2) @ x) @ inverse).clip(0))
    told = {"coefficients": b, "standard_errors": errors}
    told = {name: dict(zip(names, map(float, v), strict=True)) for name, v in told.items()}
    spread = float(((y - mean) ** 2 / mean).sum() / (len(y) - len(names)))
    return mean, {
        **told,
        "dispersion": spread,
        "converged": bool(settled),
        "left_out_terms": dropped,
    }
