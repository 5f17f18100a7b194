"""Measures of a network: equal to networkx's, the same in every run, right at the edges."""

import os
import random
import subprocess
import sys
from itertools import pairwise

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networkx.algorithms.link_analysis.pagerank_alg import _pagerank_python  # without scipy

import collabnet as cn
from conftest import ROOT

FUZZ = settings(max_examples=40, deadline=None)


@st.composite
def graphs(draw):
    """Draw a graph with isolates and several parts; weights are powers of two, exact in sums."""
    nodes = draw(st.lists(st.text("abcé", min_size=1, max_size=3), unique=True, max_size=12))
    graph = nx.Graph()
    graph.add_nodes_from(nodes)
    pairs = [(a, b) for i, a in enumerate(nodes) for b in nodes[:i]]
    for a, b in draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else ():
        graph.add_edge(a, b, weight=draw(st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0])))
    return graph


def by_unit(table, column):
    return table.set_index("unit")[column].to_dict()


def groups(table):
    """Return the communities as a list of lists of units, in the order of their numbers."""
    return [part["unit"].tolist() for _, part in table.groupby("community")]


@pytest.fixture(scope="module")
def ranking(real):
    """Return the universities of the Leiden Ranking 2015 and their joint publications."""
    stem = str(real / "published" / "Leiden_Ranking_2015_university_collaboration_")
    return cn.read_graph(f"{stem}map.txt", f"{stem}network.txt")


# --- against networkx --------------------------------------------------------------------------


@FUZZ
@given(graphs())
def test_links_strength_and_core_equal_those_of_networkx(graph):
    table = cn.centrality(graph)
    assert by_unit(table, "links") == dict(graph.degree())
    assert by_unit(table, "strength") == dict(graph.degree(weight="weight"))
    assert by_unit(table, "core") == nx.core_number(graph)


@FUZZ
@given(graphs())
def test_pagerank_equals_that_of_networkx(graph):
    expected = _pagerank_python(graph, tol=1e-12, max_iter=5000)
    assert by_unit(cn.centrality(graph), "pagerank") == pytest.approx(expected, abs=1e-6)


@FUZZ
@given(graphs())
def test_exact_betweenness_equals_that_of_networkx(graph):
    length = {(a, b): 1 / w for a, b, w in graph.edges(data="weight")}
    nx.set_edge_attributes(graph, length, "length")
    for distance, weight in (("links", None), ("inverse", "length")):
        expected = nx.betweenness_centrality(graph, weight=weight)
        found = cn.centrality(graph, distance=distance, pivots=None)
        assert by_unit(found, "betweenness") == pytest.approx(expected, abs=1e-12)


def test_communities_are_as_good_as_those_of_louvain(ranking):
    found = cn.communities(ranking)
    louvain = nx.community.louvain_communities(ranking, seed=1)
    modularity = nx.community.modularity(ranking, groups(found))
    assert modularity > nx.community.modularity(ranking, louvain) - 0.02
    assert found.attrs["note"]["modularity"] == pytest.approx(modularity, abs=1e-12)


def test_betweenness_from_pivots_ranks_as_the_exact_one():
    graph = nx.gnm_random_graph(300, 1500, seed=4)
    exact = by_unit(cn.centrality(graph, pivots=None), "betweenness")
    few = cn.centrality(graph, pivots=100)
    assert few.attrs["note"] | {"pivots": 100, "seed": 0} == few.attrs["note"]
    table = pd.DataFrame({"exact": exact, "few": by_unit(few, "betweenness")})
    assert table.rank().corr().loc["exact", "few"] > 0.9


def test_betweenness_from_pivots_is_right_on_average():
    graph = nx.gnm_random_graph(12, 20, seed=2)
    exact = pd.Series(nx.betweenness_centrality(graph)).rename(str)
    runs = [
        by_unit(cn.centrality(graph, pivots=3, seed=seed), "betweenness") for seed in range(250)
    ]
    assert np.abs(pd.DataFrame(runs).mean() - exact).max() < 0.04


# --- the same result ---------------------------------------------------------------------------

RUN = """
import random, sys, pandas as pd, networkx as nx, collabnet as cn
graph = nx.relabel_nodes(nx.gnm_random_graph(120, 600, seed=3), lambda n: f"n{n}")
links = cn.to_edges(graph).assign(weight=range(1, 601))
order = list(range(600))
random.Random(sys.argv[1]).shuffle(order)
shuffled = nx.Graph()
shuffled.add_weighted_edges_from(links.iloc[order][["target", "source", "weight"]].values.tolist())
tables = [
    (cn.communities(network, seed=5).to_csv(), cn.centrality(network, pivots=30, seed=5).to_csv())
    for network in (shuffled, links.iloc[order])
]
assert tables[0] == tables[1]
print(tables[0])
"""


def test_the_result_depends_on_the_network_and_the_seed_alone():
    said = [
        subprocess.run(
            [sys.executable, "-c", RUN, order],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": order},
        ).stdout
        for order in ("1", "2")
    ]
    assert said[0] == said[1] != ""


def test_another_seed_draws_other_pivots():
    graph = nx.gnm_random_graph(60, 150, seed=3)
    one, two = (cn.centrality(graph, pivots=5, seed=seed).betweenness for seed in (1, 2))
    assert (one != two).any()


def test_the_generator_of_the_program_is_left_alone_and_left_to_igraph():
    random.seed(7)
    expected = random.random(), igraph.Graph.Erdos_Renyi(20, 0.5).get_edgelist()
    random.seed(7)
    cn.communities(nx.karate_club_graph())
    cn.centrality(nx.karate_club_graph(), pivots=5)
    assert (random.random(), igraph.Graph.Erdos_Renyi(20, 0.5).get_edgelist()) == expected


def test_communities_are_numbered_by_size_then_by_first_unit():
    graph = nx.Graph([("z", "y"), ("y", "x"), ("z", "x"), ("m", "n"), ("b", "c"), ("p", "o")])
    graph.add_node("a")
    expected = [["x", "y", "z"], ["b", "c"], ["m", "n"], ["o", "p"], ["a"]]
    assert groups(cn.communities(graph)) == expected


def test_a_higher_resolution_gives_smaller_communities():
    graph = nx.karate_club_graph()
    counts = [cn.communities(graph, resolution=r).attrs["note"]["communities"] for r in (0.1, 1, 9)]
    assert counts[0] < counts[1] < counts[2]


def test_strong_links_hold_a_community_together():
    ring = nx.Graph()
    ring.add_weighted_edges_from((*pair, 1.0) for pair in pairwise("abcdefa"))
    for a, b in ("ab", "cd", "ef"):
        ring[a][b]["weight"] = 100.0
    assert groups(cn.communities(ring)) == [["a", "b"], ["c", "d"], ["e", "f"]]


# --- what goes in ------------------------------------------------------------------------------


def test_a_table_and_its_graph_give_the_same():
    graph = nx.relabel_nodes(nx.karate_club_graph(), str)
    links = cn.to_edges(graph)
    pd.testing.assert_frame_equal(cn.centrality(links), cn.centrality(graph))
    pd.testing.assert_frame_equal(cn.communities(links), cn.communities(graph))


@pytest.mark.parametrize("empty", [nx.Graph(), cn.to_edges(nx.Graph())], ids=["graph", "table"])
def test_an_empty_network_gives_empty_tables(empty):
    table = cn.centrality(empty)
    assert table.empty
    assert table.dtypes.astype(str).tolist() == ["string", *["int64", "float64"] * 2, "float64"]
    found = cn.communities(empty)
    assert found.dtypes.astype(str).to_dict() == {"unit": "string", "community": "int64"}
    assert len(found) == 0
    assert found.attrs["note"]["modularity"] is None


def test_units_without_links_share_the_pagerank_and_stand_alone():
    graph = nx.empty_graph(4)
    assert cn.centrality(graph)["pagerank"].tolist() == [0.25] * 4
    assert groups(cn.communities(graph)) == [["0"], ["1"], ["2"], ["3"]]


def test_loops_do_not_count():
    graph = nx.path_graph(3)
    plain = cn.centrality(graph)
    graph.add_edge(1, 1, weight=9.0)
    pd.testing.assert_frame_equal(cn.centrality(graph), plain)


def test_the_note_of_the_links_is_kept():
    links = cn.to_edges(nx.path_graph(3))
    links.attrs["note"] = {"what": "edges", "kind": "work", "count": "fractional"}
    for table in (cn.communities(links), cn.centrality(cn.to_graph(links))):
        assert table.attrs["note"]["count"] == "fractional"
    assert links.attrs["note"]["what"] == "edges"


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf"), "much", None])
def test_a_weight_is_above_0(weight):
    links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [weight]})
    with pytest.raises(cn.SchemaError, match="a weight is not a number"):
        cn.centrality(links)


@pytest.mark.parametrize(
    ("network", "options", "said"),
    [
        (nx.DiGraph([(1, 2)]), {}, "directed"),
        (nx.MultiGraph([(1, 2), (1, 2)]), {}, "parallel"),
        (nx.Graph([(1, "1")]), {}, "'1' once written"),
        (pd.DataFrame({"source": ["A"]}), {}, "lacks target, weight"),
        (nx.path_graph(3), {"pivots": 1}, "two or more"),
        (nx.path_graph(3), {"distance": "weight"}, "Known: inverse, links"),
    ],
)
def test_what_is_no_network_or_option_is_refused(network, options, said):
    with pytest.raises(cn.CollabnetError, match=said):
        cn.centrality(network, **options)


@pytest.mark.parametrize("resolution", [0, -1, float("nan")])
def test_a_resolution_is_above_0(resolution):
    with pytest.raises(cn.CollabnetError, match="above 0"):
        cn.communities(nx.path_graph(3), resolution=resolution)


# --- backends of networkx ----------------------------------------------------------------------

BACKEND = '''
import networkx as nx
import networkx.algorithms.centrality as centrality

class Held:
    """A graph of a backend, which is no nx.Graph."""
    __networkx_backend__ = "held"
    def __init__(self, graph): self.graph = graph
    def is_directed(self): return self.graph.is_directed()
    def is_multigraph(self): return self.graph.is_multigraph()

def convert_from_nx(graph, **rest): return Held(graph)
def convert_to_nx(result, **rest): return getattr(result, "graph", result)
def degree_centrality(held, **rest): return {"from": "the backend"}
'''
USE = """
import networkx as nx, pandas as pd, collabnet as cn, held
graph = nx.relabel_nodes(nx.karate_club_graph(), str)
graph.add_node("alone")
links, tables = cn.to_edges(graph), (cn.centrality(graph), cn.communities(graph))
nx.config.backend_priority = ["held"]
assert nx.degree_centrality(graph) == {"from": "the backend"}
for network in (graph, held.Held(graph)):
    pd.testing.assert_frame_equal(cn.centrality(network), tables[0])
    pd.testing.assert_frame_equal(cn.communities(network), tables[1])
    pd.testing.assert_frame_equal(cn.to_edges(network), links)
for name in ("a.gexf", "a.graphml", "a.json"):
    back = cn.read_graph(cn.write_graph(held.Held(graph), name))
    assert (len(back), back.size()) == (35, 78)
assert nx.degree_centrality(cn.to_graph(links)) == {"from": "the backend"}
"""


def test_graphs_of_a_backend_are_taken_and_a_chosen_backend_is_left_in_charge(tmp_path):
    (tmp_path / "held.py").write_text(BACKEND)
    facts = tmp_path / "held-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: held\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[networkx.backends]\nheld = held\n")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", USE],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
    )
    assert (done.stderr, done.returncode) == ("", 0)
