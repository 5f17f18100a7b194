"""What an analyst does with a store: indicators, graphs, network measures, the atlas.

    python benchmarks/analysis.py [--quick]

Each step runs in one process on the store that `ingest.py` made (100 k works); networkx does what
it can on the same graph, once, for comparison.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from common import COLLABNET, DATA, OURS, alternate, measure, save, say
from ingest import make_snapshot

import collabnet as cn


def main(*, quick: bool) -> None:
    """Measure every step."""
    works = 10**4 if quick else 10**5
    store, out = DATA / f"ingested-{works}", DATA / "atlas.html"
    if not store.exists():
        cn.ingest([make_snapshot(works)], store)
    records = cn.read(store)
    links = cn.edges(records, count="fractional")
    outputs = cn.output(records)
    home = str(cn.strengths(links)["unit"].iloc[0])
    steps = {
        "edges": lambda: cn.edges(cn.read(store), count="fractional"),
        "output, full": lambda: cn.output(cn.read(store)),
        "output, fractional": lambda: cn.output(cn.read(store), count="fractional"),
        "collaboration": lambda: cn.collaboration(cn.read(store)),
        "partners": lambda: cn.partners(cn.read(store), home),
        "strengths": lambda: cn.strengths(links),
        "similarities": lambda: cn.similarities(links, outputs),
        "to_graph": lambda: cn.to_graph(links, records.institutions),
        "communities": lambda: cn.communities(links),
        "centrality": lambda: cn.centrality(links),
    }
    figures: dict[str, dict[str, Any]] = {}
    facts = {"works": works, "edges": len(links), "units": len(cn.strengths(links))}
    for name, step in steps.items():
        figures |= alternate({name: step}, runs=1 if quick else 5, budget=75)
        say(f"{name}: {figures[name]['wall']:.2f} s, {figures[name]['cpu']:.2f} CPU s")
    atlas = [*COLLABNET, "atlas", store, "--home", home, "--out", out]
    figures["atlas (command)"] = measure(atlas, timeout=300, env=OURS) | {"n": 1}
    say(f"atlas: {figures['atlas (command)'].get('failed') or figures['atlas (command)']['wall']}")
    save("analysis", {**facts, "steps": figures, "networkx": compare(links)})


def compare(links: Any) -> dict[str, Any]:
    """Return how long networkx takes for communities and cores of the same graph, and how good."""
    import networkx as nx

    graph = cn.to_graph(links)
    groups = cn.communities(links)
    found = {"modularity of Leiden": groups.attrs["note"]["modularity"]}
    steps = {
        "louvain_communities": lambda: nx.community.louvain_communities(graph, seed=1),
        "core_number": lambda: nx.core_number(graph),
        "betweenness_centrality, 3 of the pivots": lambda: nx.betweenness_centrality(
            graph, k=3, seed=1
        ),
    }
    for name, step in steps.items():
        started = time.perf_counter()
        result = step()
        found[name] = time.perf_counter() - started
        say(f"networkx {name}: {found[name]:.1f} s")
        if name == "louvain_communities":
            found["modularity of Louvain"] = nx.community.modularity(graph, result)
    return found


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
