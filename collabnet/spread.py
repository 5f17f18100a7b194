"""How far links spread: over countries, partners, fields, distances, and across regions.

Every docstring gives the formula and its source; `docs/indicators.md` has them all on one page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from collabnet import settings
from collabnet.errors import SchemaError
from collabnet.geo import EARTH_KM, distance_km
from collabnet.graphs import check_edges
from collabnet.indicators import ranked
from collabnet.network import centrality, communities
from collabnet.regions import memberships

BLOCK = 1000
"""Categories whose distance to all others is held at a time."""


def diversity(
    table: pd.DataFrame,
    by: str = "country",
    *,
    of: str | None = None,
    weight: str = "weight",
    distance: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return how evenly weights are spread over categories, and how far apart these are.

    Parameters
    ----------
    table
        One row a thing with its category and weight, such as a table of `partners`.
    by
        Column of the category: the country, the partner, the field.
    of
        Column of what is described, one row each; by default the whole table is one.
    weight
        Column of weights, 0 or more.
    distance
        How unlike two categories are: a square table with the categories as index and columns, 0
        to 1; or places with `institution_id` (or the category as index), `lat`, `lon`: the
        great-circle distance over half the circumference of the Earth (20,015 km), also 0 to 1.

    Returns
    -------
    One row, or one for each `of`. With p the share of a category: `categories` with a weight above
    0; `total` weight; `shannon` -Σ p·ln p (nats), `shannon_bits` the same with the logarithm to
    base 2; `evenness` shannon/ln(categories), 0 to 1, empty for one category; `simpson` 1-Σp²
    (Gini-Simpson), which, where the categories are groups of a network, is the participation
    coefficient; with a distance d, `rao_stirling` Σ d·pᵢ·pⱼ over i≠j, both orders, and
    `rao_stirling_pairs` over i<j, half of it; `rao_share`, the share of the weight whose categories
    the distance knows: the two are of these alone. Rows without category or weight are left out and
    counted in the note.

    Raises
    ------
    SchemaError
        A column is missing, or a weight is below 0.

    References
    ----------
    Shannon 1948, Bell System Technical J. 27; Pielou 1966, J. Theoretical Biology 13 (evenness);
    Simpson 1949, Nature 163, 688; Guimerà & Amaral 2005, Nature 433, 895-900 (participation);
    Stirling 2007, J. Royal Society Interface 4(15) 707-719 (Rao-Stirling).

    Examples
    --------
    >>> partners = pd.DataFrame({"country": ["NL", "DE", "BE", "FR"], "weight": [2, 1, 1, 1]})
    >>> diversity(partners)[["shannon", "evenness", "simpson"]].round(3).values.tolist()
    [[1.332, 0.961, 0.72]]
    """
    missing = [name for name in (by, weight, *([of] if of else [])) if name not in table]
    if missing:
        raise SchemaError(
            f"The table has no column {missing[0]!r}; it has {', '.join(map(str, table.columns))}."
        )
    known = table[[by, weight]].notna().all(axis=1)
    rows = pd.DataFrame({"of": table[of] if of else "all", "by": table[by], "w": table[weight]})
    rows = rows[known].astype({"w": float})
    if (rows["w"] < 0).any():
        raise SchemaError(f"Column {weight!r} holds {rows['w'].min():g}: no weight is below 0.")
    sums = rows[rows["w"] > 0].groupby(["of", "by"])["w"].sum()
    total = sums.groupby("of").sum()
    p = sums / total.reindex(sums.index, level="of")
    each = pd.DataFrame({"entropy": -p * np.log(p), "square": p**2}).groupby("of").sum()
    found = pd.DataFrame({"categories": sums.groupby("of").size(), "total": total})
    found["shannon"] = each["entropy"].clip(lower=0)
    found["shannon_bits"] = found["shannon"] / np.log(2)
    several = found["categories"].where(found["categories"] > 1)
    found["evenness"] = (found["shannon"] / np.log(several)).clip(upper=1)
    found["simpson"] = (1 - each["square"]).clip(lower=0)
    if distance is not None:
        spots = {"lat", "lon"} <= set(distance)
        shares, apart = (_by_place if spots else _by_kind)(p.rename("p").reset_index(), distance)
        share = shares.sum(axis=1).reindex(found.index, fill_value=0)
        parts = shares.reindex(found.index).div(share.where(share > 0), axis=0).to_numpy()
        found["rao_stirling"] = sum(
            ((parts[:, low : low + BLOCK] @ apart(low)) * parts).sum(axis=1)
            for low in range(0, max(1, parts.shape[1]), BLOCK)
        )
        found["rao_stirling"] = found["rao_stirling"].where(share > 0)
        found["rao_stirling_pairs"] = found["rao_stirling"] / 2
        found["rao_share"] = share
    found = found.rename_axis(of).reset_index(drop=of is None)
    note = {"what": "diversity", "of": of, "by": by, "left_out": int((~known).sum())}
    found.attrs["note"] = {**table.attrs.get("note", {}), **note}
    return found


def brokers(
    edges: pd.DataFrame, groups: pd.DataFrame | None = None, *, seed: int = 0
) -> pd.DataFrame:
    """Find the units that join others, and groups of others.

    Parameters
    ----------
    edges
        An edge table.
    groups
        `unit` and, in the second column, the group it belongs to (country, region, community); by
        default what `communities` finds.
    seed
        Of the communities, and of the pivots of `centrality`.

    Returns
    -------
    `unit, group, betweenness, participation`, the highest betweenness first. With kₛ the weight of
    the links to group s, and k of all: `participation` 1-Σ(kₛ/k)², 0 where all links lie in one
    group. Links to a unit without group are left out of it, and counted in the note.

    Raises
    ------
    SchemaError
        `edges` is no table of edges, or `groups` has not these columns.

    References
    ----------
    Guimerà & Amaral 2005, Nature 433, 895-900 (participation coefficient); for betweenness see
    `centrality`.

    Examples
    --------
    >>> links = pd.DataFrame({"source": list("AB"), "target": list("BC"), "weight": 1.0})
    >>> lands = pd.DataFrame({"unit": list("ABC"), "country": ["BE", "BE", "FR"]})
    >>> brokers(links, lands)[["unit", "betweenness", "participation"]].values.tolist()
    [['B', 1.0, 0.5], ['A', 0.0, 0.0], ['C', 0.0, 0.0]]
    """
    group = _group_of(communities(edges, seed=seed) if groups is None else groups)
    names = ["source", "target", "weight"]
    back = edges[["target", "source", "weight"]].set_axis(names, axis="columns")
    links = pd.concat([edges[names], back], ignore_index=True)
    links["group"] = links["target"].map(group)
    whole = diversity(links, "group", of="source")
    table = centrality(edges, seed=seed)[["unit", "betweenness"]]
    table.insert(1, "group", table["unit"].map(group))
    table["participation"] = table["unit"].map(whole.set_index("source")["simpson"]).astype(float)
    note = table.attrs["note"] | {"what": "brokers", "groups": group.name, "seed": seed}
    table = ranked(table, "betweenness", "unit")
    table.attrs["note"] = note | {"without_group": whole.attrs["note"]["left_out"]}
    return table


def _group_of(groups: pd.DataFrame) -> pd.Series:
    if groups.columns[0] != "unit" or groups.shape[1] < 2:
        raise SchemaError("The groups need the column unit, and the group in a second column.")
    return groups.drop_duplicates("unit").set_index("unit").iloc[:, 0]


Apart = tuple[pd.DataFrame, Callable[[int], np.ndarray]]


def _by_kind(shares: pd.DataFrame, distance: pd.DataFrame) -> Apart:
    """Return the shares of the categories the table knows, and its rows block by block."""
    wide = shares.pivot_table("p", "of", "by", fill_value=0)
    known = wide.columns.intersection(distance.index).intersection(distance.columns)
    table = distance.loc[known, known].astype(float).to_numpy(copy=True)
    np.fill_diagonal(table, 0)
    return wide[known], lambda low: table[low : low + BLOCK]


def _by_place(shares: pd.DataFrame, places: pd.DataFrame) -> Apart:
    """Return the shares of each place, and how far they are apart, 0 to 1."""
    keyed = places.set_index("institution_id") if "institution_id" in places else places
    spots = keyed.loc[~keyed.index.duplicated(), ["lat", "lon"]].astype("Float64").dropna()
    found = shares.merge(spots.astype(float), left_on="by", right_index=True)
    # Two in one place are 0 km apart, so they may as well be one.
    wide = found.pivot_table("p", "of", ["lat", "lon"], aggfunc="sum", fill_value=0)
    lat, lon = (wide.columns.get_level_values(name).to_numpy(float) for name in ("lat", "lon"))

    def apart(low: int) -> np.ndarray:
        part = slice(low, low + BLOCK)
        km = distance_km(lat[part, None], lon[part, None], lat[None], lon[None])
        return km / (np.pi * EARTH_KM)

    return wide, apart


def region_shares(
    edges: pd.DataFrame,
    institutions: pd.DataFrame,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return for each region how much of its linking stays inside it.

    Regions overlap: the rows must not be added up.

    Parameters
    ----------
    edges
        An edge table between institutions.
    institutions
        Where they are.
    names
        Names of regions; `settings.REGIONS` by default.

    Returns
    -------
    `region, internal, external, openness, ei`: weight of links with both ends inside, with one end
    inside, external/(external+internal), and the E-I index (external-internal)/(external+internal);
    empty where a region has no link.

    Raises
    ------
    SchemaError
        `edges` is no table of edges.

    References
    ----------
    Krackhardt & Stern 1988, Social Psychology Quarterly 51(2) 123-140 (E-I index).

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.0]})
    >>> bodies = pd.DataFrame({"institution_id": ["A", "B"], "country": ["MA", "BE"]})
    >>> region_shares(links, bodies, ("maghreb",)).openness.tolist()
    [1.0]
    """
    check_edges(edges)
    names = settings.REGIONS if names is None else names
    places = memberships(institutions, names)
    rows = []
    for name in names:
        inside = set(places.loc[places["region"] == name, "institution_id"])
        ends = edges["source"].isin(inside).astype(int) + edges["target"].isin(inside).astype(int)
        internal = float(edges.loc[ends == 2, "weight"].sum())
        external = float(edges.loc[ends == 1, "weight"].sum())
        total = internal + external or np.nan
        rows.append((name, internal, external, external / total, (external - internal) / total))
    table = pd.DataFrame(rows, columns=["region", "internal", "external", "openness", "ei"])
    table.attrs["note"] = {
        **edges.attrs.get("note", {}),
        "what": "region shares",
        "regions": list(names),
    }
    return table


def group_shares(edges: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Return for each group how much of its linking stays inside it: E-I by country, for one.

    Parameters
    ----------
    edges
        An edge table.
    groups
        `unit` and, in the second column, the one group it belongs to, as for `brokers`.

    Returns
    -------
    `group, internal, external, openness, ei` as in `region_shares`, by group. `whole` in the note
    holds the same of all links, each once. Links to a unit without group are left out and counted.

    Raises
    ------
    SchemaError
        `edges` is no table of edges, or `groups` has not these columns.

    References
    ----------
    Krackhardt & Stern 1988, Social Psychology Quarterly 51(2) 123-140 (E-I index).

    Examples
    --------
    >>> links = pd.DataFrame({"source": list("AB"), "target": list("BC"), "weight": [1.0, 3.0]})
    >>> lands = pd.DataFrame({"unit": list("ABC"), "country": ["BE", "BE", "FR"]})
    >>> group_shares(links, lands).ei.tolist(), group_shares(links, lands).attrs["note"]["whole"]
    ([0.5, 1.0], {'internal': 1.0, 'external': 3.0, 'ei': 0.5})
    """
    check_edges(edges)
    group = _group_of(groups)
    ends = pd.DataFrame({end: edges[end].map(group) for end in ("source", "target")})
    known = ends.notna().all(axis=1)
    ends, weight = ends[known], edges.loc[known, "weight"].astype(float)
    same = ends["source"] == ends["target"]
    names = pd.Index(sorted(group.dropna().unique()), dtype="string", name="group")
    inside = weight[same].groupby(ends.loc[same, "source"]).sum()
    both = pd.concat([ends.loc[~same, end] for end in ends])
    across = pd.concat([weight[~same]] * 2).groupby(both).sum().reindex(names, fill_value=0.0)
    table = pd.DataFrame({"internal": inside.reindex(names, fill_value=0.0), "external": across})
    total = table.sum(axis=1).replace(0, np.nan)
    table["openness"] = table["external"] / total
    table["ei"] = (table["external"] - table["internal"]) / total
    whole = {"internal": float(weight[same].sum()), "external": float(weight[~same].sum())}
    every = sum(whole.values()) or np.nan
    whole["ei"] = (whole["external"] - whole["internal"]) / every
    table = table.reset_index()
    facts = {"what": "group shares", "whole": whole, "without_group": int((~known).sum())}
    table.attrs["note"] = edges.attrs.get("note", {}) | facts
    return table
