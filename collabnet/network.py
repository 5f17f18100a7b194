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


def layout(edges: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Place the units of an edge table on a plane: `unit, x, y`, by Fruchterman and Reingold."""
    import igraph

    graph, units, _ = _network(edges)
    side = float(np.sqrt(len(units)))
    chance = np.random.default_rng(seed).uniform(-side, side, (len(units), 2)).tolist()
    weights = [1 + np.log(w / min(graph.es["weight"])) for w in graph.es["weight"]]
    box = {"minx": -side, "miny": -side, "maxx": side, "maxy": side}
    box = {name: [value] * len(units) for name, value in box.items()}
    igraph.set_random_number_generator(random.Random(seed))  # noqa: S311
    try:
        found = graph.layout_fruchterman_reingold(
            weights, 1000, seed=chance or None, grid=False, **box
        )
    finally:
        igraph.set_random_number_generator(random)
    places = np.array(found.coords, dtype=float).reshape(-1, 2)
    return pd.DataFrame({"unit": units, "x": places[:, 0], "y": places[:, 1]})


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
