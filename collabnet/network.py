"""Measures of a whole network, by igraph: the same network and seed give the same table."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from collabnet.errors import CollabnetError, SchemaError, UnknownNameError
from collabnet.graphs import check_edges, simple, to_edges

if TYPE_CHECKING:
    import igraph
    import networkx as nx

EXACT_UP_TO = 1000
"""Units up to which betweenness is exact by default, and pivots drawn beyond."""


def communities(
    network: pd.DataFrame | nx.Graph, *, resolution: float = 1.0, seed: int = 0
) -> pd.DataFrame:
    """Find groups more linked among themselves than by chance, by the Leiden algorithm.

    It looks for the highest modularity, 1/(2m) · Σ(w - r·k₁k₂/(2m)) over pairs of the same group: w
    is the weight of a link, m the sum of all, k the strength of a unit, r the resolution.

    Parameters
    ----------
    network
        An edge table, or an undirected networkx graph: loops do not count, a link without `weight`
        weighs 1.
    resolution, seed
        Above 1 for smaller groups; another seed may find others that are about as good.

    Returns
    -------
    `unit, community`, numbered from 1 by size, then by first unit; a unit without links is one by
    itself. The note holds `modularity`.

    Raises
    ------
    SchemaError
        No edge table or simple graph, two nodes of one name, or a weight that is not above 0.
    CollabnetError
        The resolution is not above 0.

    References
    ----------
    Traag, Waltman & van Eck 2019, Scientific Reports 9, 5233; Newman 2004, Physical Review E 70,
    056131, for weights; Reichardt & Bornholdt 2006, Physical Review E 74, 016110, for r.

    Examples
    --------
    >>> links = pd.DataFrame({"source": list("AABX"), "target": list("BCCY"), "weight": 1.0})
    >>> communities(links).values.tolist()
    [['A', 1], ['B', 1], ['C', 1], ['X', 2], ['Y', 2]]
    """
    import igraph

    if not resolution > 0:
        raise CollabnetError(f"resolution={resolution}: give a number above 0; 1 is the usual one.")
    graph, units, note = _network(network)
    igraph.set_random_number_generator(random.Random(seed))  # noqa: S311
    try:
        found = graph.community_leiden("modularity", "weight", resolution, n_iterations=-1)
    finally:
        igraph.set_random_number_generator(random)  # as igraph finds it when it is imported
    groups = pd.Series(found.membership, dtype="int64")
    ranked = groups.value_counts(sort=False).sort_values(ascending=False, kind="stable").index
    table = pd.DataFrame({"unit": units, "community": ranked.get_indexer(groups) + 1})
    table = table.sort_values(["community", "unit"], ignore_index=True)
    quality = graph.modularity(found, weights="weight", resolution=resolution)
    note |= {"what": "communities", "method": "Leiden", "communities": len(ranked)}
    note |= {"modularity": quality if graph.ecount() else None}
    table.attrs["note"] = note | {"resolution": resolution, "seed": seed}
    return table


def centrality(
    network: pd.DataFrame | nx.Graph,
    *,
    distance: Literal["links", "inverse"] = "links",
    pivots: int | Literal["default"] | None = "default",
    seed: int = 0,
) -> pd.DataFrame:
    """Measure how central each unit of a network is.

    Parameters
    ----------
    network
        As in `communities`.
    distance
        {"links", "inverse"}: a path, for betweenness, is as long as it has links, or as the sum of
        1/weight over them, so that strong links are short.
    pivots, seed
        Estimate betweenness from the shortest paths of so many units, drawn without replacement;
        None for exact. By default exact up to 1,000 units, and 1,000 pivots beyond.

    Returns
    -------
    `unit, links, strength, core, pagerank, betweenness`, the strongest first: number of partners
    (degree); sum of weights; the largest k such that the unit lies in a part of the network where
    each has k links; PageRank by weight, damping 0.85; the share of the pairs of other units whose
    shortest path passes here, 0 to 1 (equal paths in parts, no path as 0).

    Raises
    ------
    SchemaError
        As in `communities`.
    UnknownNameError
        `distance` is neither of the two.
    CollabnetError
        Fewer than two pivots.

    References
    ----------
    Freeman 1977, Sociometry 40(1), Brandes 2001, J. Mathematical Sociology 25(2), Brandes & Pich
    2007, Int. J. Bifurcation and Chaos 17(7), for betweenness; Newman 2001, Physical Review E 64,
    016132, for 1/weight; Seidman 1983, Social Networks 5(3), for cores; Page, Brin, Motwani &
    Winograd 1998, The PageRank Citation Ranking, Stanford.

    Examples
    --------
    >>> links = pd.DataFrame({"source": list("AB"), "target": list("BC"), "weight": [1.0, 3.0]})
    >>> centrality(links)[["unit", "links", "strength", "core", "betweenness"]].values.tolist()
    [['B', 2, 4.0, 1, 1.0], ['C', 1, 3.0, 1, 0.0], ['A', 1, 1.0, 1, 0.0]]
    """
    if distance not in {"links", "inverse"}:
        raise UnknownNameError("distance", distance, ("links", "inverse"))
    if isinstance(pivots, int) and pivots < 2:
        raise CollabnetError(f"pivots={pivots}: give two or more, or None for exact betweenness.")
    graph, units, note = _network(network)
    n = len(units)
    drawn_from = EXACT_UP_TO if pivots == "default" else pivots or n
    drawn = np.random.default_rng(seed).choice(n, min(drawn_from, n), replace=False)
    lengths = [1 / w for w in graph.es["weight"]] if distance == "inverse" else None
    passed = graph.betweenness(directed=False, sources=drawn.tolist(), weights=lengths)
    seen = np.full(n, max(len(drawn), 2))
    seen[drawn] -= 1  # no path passes through the unit it starts from
    table = pd.DataFrame(
        {
            "unit": units,
            "links": np.array(graph.degree(), "int64"),
            "strength": np.array(graph.strength(weights="weight"), "float64"),
            "core": np.array(graph.coreness(), "int64"),
            "pagerank": np.array(graph.pagerank(directed=False, weights="weight"), "float64"),
            "betweenness": 2 * np.array(passed, "float64") / (seen * max(n - 2, 1)),
        }
    ).sort_values(["strength", "unit"], ascending=[False, True], ignore_index=True)
    chance = {"pivots": len(drawn), "seed": seed} if len(drawn) < n else {"pivots": "all"}
    table.attrs["note"] = note | {"what": "centrality", "distance": distance, **chance}
    return table


def brokers(
    network: pd.DataFrame | nx.Graph, groups: pd.DataFrame | None = None, *, seed: int = 0
) -> pd.DataFrame:
    """Find the units that join others, and groups of others.

    Parameters
    ----------
    network
        As in `communities`.
    groups
        `unit` and, in the second column, the group it belongs to (country, region, community); by
        default what `communities` finds.
    seed
        Of the communities, and of the pivots of `centrality`.

    Returns
    -------
    `unit, group, betweenness, participation, constraint`, the highest betweenness first. With
    kₛ the weight of the links to group s, and k of all: `participation` 1-Σ(kₛ/k)², 0 where all
    links lie in one group; empty without links or where a partner has no group. `constraint`:
    Burt's, low where the partners of a unit are not linked among themselves.

    Raises
    ------
    SchemaError
        As in `communities`, or `groups` has not two columns.

    References
    ----------
    Guimerà & Amaral 2005, Nature 433, 895-900 (participation coefficient); Burt 1992, Structural
    Holes, Harvard University Press (constraint); for betweenness see `centrality`.

    Examples
    --------
    >>> links = pd.DataFrame({"source": list("AB"), "target": list("BC"), "weight": 1.0})
    >>> lands = pd.DataFrame({"unit": list("ABC"), "country": ["BE", "BE", "FR"]})
    >>> brokers(links, lands)[["unit", "betweenness", "participation"]].values.tolist()
    [['B', 1.0, 0.5], ['A', 0.0, 0.0], ['C', 0.0, 0.0]]
    """
    if groups is None:
        groups = communities(network, seed=seed)
    if "unit" not in groups or groups.shape[1] < 2:
        raise SchemaError("The groups need the column unit, and the group in a second column.")
    named = groups.columns.drop("unit")[0]
    group = groups.drop_duplicates("unit").set_index("unit")[named]
    graph, units, note = _network(network)
    ends = pd.DataFrame(graph.get_edgelist(), columns=["a", "b"], dtype="int64")
    ends = pd.concat([ends, ends.set_axis(["b", "a"], axis=1)], ignore_index=True)
    links = pd.DataFrame({"unit": units.take(ends["a"]).array, "weight": graph.es["weight"] * 2})
    links["group"] = units.take(ends["b"]).map(group).array
    strength = links.groupby("unit")["weight"].sum()
    parts = links.groupby(["unit", "group"])["weight"].sum()
    lost = links.loc[links["group"].isna(), "unit"].unique()
    shares = parts / strength.reindex(parts.index, level="unit")
    table = pd.DataFrame({"unit": units, "group": units.map(group)})
    whole = (1 - (shares**2).groupby("unit").sum()).clip(lower=0).drop(lost, errors="ignore")
    central = centrality(network, seed=seed)
    table["betweenness"] = units.map(central.set_index("unit")["betweenness"])
    table["participation"] = units.map(whole).astype(float)
    table["constraint"] = np.array(graph.constraint(weights="weight"), "float64")
    table = table.sort_values(["betweenness", "unit"], ascending=[False, True], ignore_index=True)
    more = {name: central.attrs["note"][name] for name in ("pivots",)}
    table.attrs["note"] = note | {"what": "brokers", "groups": named, "seed": seed, **more}
    return table


def backbone(edges: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Keep the links that are more than chance would give, by the disparity filter.

    Parameters
    ----------
    edges
        An edge table.
    alpha
        Level, 0 to 1: a link stays if its significance, seen from one of its ends, is below.

    Returns
    -------
    The rows of `edges` that stay, with `significance`, the smaller of the two. Seen from an end
    with k links, of which this one has the share p of the weight, it is (1-p)^(k-1): how likely so
    large a share is where the weight is cut at random. An end with one link says nothing (1): such
    a link stays if its other end holds on to it. The note says what part of links and weight stay.

    Raises
    ------
    SchemaError
        `edges` is no table of edges, or a weight is not above 0.
    CollabnetError
        `alpha` does not lie between 0 and 1.

    References
    ----------
    Serrano, Boguñá & Vespignani 2009, PNAS 106(16) 6483-6488.

    Examples
    --------
    >>> star = pd.DataFrame({"source": "A", "target": list("BCDE"), "weight": [10.0, 2, 1, 1]})
    >>> backbone(star)[["target", "significance"]].round(4).values.tolist()
    [['B', 0.0233]]
    """
    if not 0 <= alpha <= 1:
        raise CollabnetError(f"alpha={alpha}: a level from 0 to 1 was expected, such as 0.05.")
    graph, units, note = _network(edges)
    weight = edges["weight"].to_numpy("float64")
    degree = pd.Series(graph.degree(), units)
    strength = pd.Series(graph.strength(weights="weight"), units)
    seen = []
    for end in ("source", "target"):
        k, s = (edges[end].astype("string").map(x).to_numpy("float64") for x in (degree, strength))
        seen.append(np.clip(1 - weight / s, 0, 1) ** (k - 1))
    table = edges.assign(significance=np.minimum(*seen))
    table = table[table["significance"] < alpha].reset_index(drop=True)
    total = weight.sum()
    note |= {"what": "backbone", "alpha": alpha, "links": len(table), "of_links": len(edges)}
    share = float(table["weight"].sum() / total) if total else None
    table.attrs["note"] = note | {"share_of_weight": share}
    return table


def _network(network: pd.DataFrame | nx.Graph) -> tuple[igraph.Graph, pd.Series, dict[str, Any]]:
    """Put units and links in order, so that a result depends on nothing else."""
    import igraph

    if isinstance(network, pd.DataFrame):
        check_edges(network)
        table, names = network, pd.concat([network["source"], network["target"]]).unique()
    else:
        graph = simple(network)
        table, names = to_edges(graph), graph
    units = pd.Series(sorted(map(str, names)), dtype="string")
    if not units.is_unique:
        twice = units[units.duplicated()].iloc[0]
        raise SchemaError(f"Two nodes are called {twice!r} once written as text. Rename one.")
    weights = pd.to_numeric(table["weight"], errors="coerce").to_numpy("float64", na_value=np.nan)
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise SchemaError("Edges table: a weight is not a number above 0. Drop such links.")
    index = pd.Index(units)
    ends = np.column_stack([index.get_indexer(table[c].astype(str)) for c in ("source", "target")])
    ends.sort(axis=1)
    order = np.lexsort(ends.T[::-1])
    made = igraph.Graph(len(units), ends[order], edge_attrs={"weight": weights[order]})
    return made, units, dict(table.attrs.get("note", {}))
