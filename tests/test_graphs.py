"""Graphs: to and from edge tables, and the files of VOSviewer, Gephi and networkx."""

import json
import re

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from collabnet import links
from collabnet.errors import InputError, SchemaError, UnknownNameError
from collabnet.graphs import EDGES, read_graph, to_edges, to_graph, write_graph
from collabnet.records import Records
from collabnet.vosviewer import known

LIEGE, MAASTRICHT, AACHEN = "00afp2z80", "02jz4aj89", "04xfq0f34"
NOTE = {"what": "edges", "kind": "work", "count": "full", "years": [2019, 2024], "synthetic": False}
WHOLE = (".gexf", ".graphml", ".json")  # the formats that keep all; for others see test_pajek.py
GRAPHML = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
FUZZ = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def edges():
    """Three pairs; one without years, one open-ended."""
    rows = [
        (LIEGE, MAASTRICHT, 1.5, 2, 2008, 2024),
        (LIEGE, AACHEN, 1.0, 1, None, None),
        (MAASTRICHT, AACHEN, 0.1 + 0.2, 3, 2020, None),
    ]
    table = pd.DataFrame(rows, columns=list(EDGES)).astype(EDGES).astype({"activities": "int64"})
    table.attrs["note"] = NOTE
    return table


@pytest.fixture
def institutions():
    """Liège in full, Maastricht without a place; Aachen is not among them."""
    return pd.DataFrame(
        {
            "institution_id": [LIEGE, MAASTRICHT, "05591te55"],
            "name": ["Université de Liège", 'Maastricht "UM" <&>', "LMU"],
            "country": ["BE", "NL", "DE"],
            "lat": pd.array([50.63, None, 48.1], dtype="Float64"),
            "lon": [5.57, float("nan"), 11.6],
        }
    )


texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1
).filter(str.strip)
NUMBER_LIKE = ["013456789", "0123e4567", "id:007", "44", "1e5", "nan"]
awkward = st.sampled_from(["a<b", "R&D", '"quoted"', "l'été", "x\ty", *NUMBER_LIKE])
ids = texts | awkward


@st.composite
def edge_tables(draw):
    """Return random edge tables in canonical form."""
    ends = (
        st.tuples(ids, ids).filter(lambda pair: pair[0] != pair[1]).map(lambda p: tuple(sorted(p)))
    )
    years = st.none() | st.integers(1817, 2100)
    counts = st.integers(1, 10**6) | st.none()
    weights = st.floats(0, 1e12)
    rows = [
        (*pair, draw(weights), draw(counts), draw(years), draw(years))
        for pair in sorted(draw(st.sets(ends, max_size=8)))
    ]
    table = pd.DataFrame(rows, columns=list(EDGES)).astype(EDGES)
    if table["activities"].notna().all():
        table["activities"] = table["activities"].astype("int64")
    table.attrs["note"] = draw(st.dictionaries(texts, texts | st.integers() | st.booleans()))
    return table


@st.composite
def graphs(draw):
    """Return random graphs with attributes of every kind, each of one kind."""
    names = draw(st.lists(ids, unique=True, max_size=6))
    kinds = dict.fromkeys(("name", "country", "type", "label", "id", "start", "my weight"), texts)
    kinds |= {"lat": st.floats(-90, 90), "x": st.floats(-1, 1), "score<Year>": st.floats(0, 9)}
    kinds |= {"cluster": st.integers(1, 1000), "weight<Links>": st.integers(-1, 9)}
    kinds |= {"is_home": st.booleans(), "attributes": texts}
    graph = nx.Graph(note=draw(st.dictionaries(texts, texts)))
    for name in names:
        chosen = draw(st.sets(st.sampled_from(sorted(kinds))))
        data = {key: draw(kinds[key]) for key in sorted(chosen)}
        if data.get("name") in {None, name}:  # the label of a node is its name, if it has one
            data = {key: value for key, value in data.items() if key not in {"name", "label"}}
        graph.add_nodes_from([(name, data)])
    pairs = [(a, b) for i, a in enumerate(names) for b in names[:i]]
    for pair in draw(st.sets(st.sampled_from(pairs))) if pairs else ():
        extra = draw(
            st.fixed_dictionaries(
                {},
                optional={"first": st.integers(), "type": texts, "label": texts, "strength": texts},
            )
        )
        graph.add_edges_from([(*pair, {"weight": draw(st.floats(0, 1e9)), **extra})])
    return graph


def contents(graph):
    """Return all a graph says, for comparison."""
    pairs = {frozenset(pair): graph.edges[pair] for pair in graph.edges}
    return dict(graph.nodes(data=True)), pairs, graph.graph["note"]


# Tables and graphs


def test_what_is_known_is_kept_as_plain_values():
    given = {"lat": float("nan"), "city": " ", "n": np.int64(3), 5: [1, 2], "no": False}
    data = known(given.items())
    assert data == {"n": 3, "5": [1, 2], "no": False}
    assert type(data["n"]) is int


def test_nodes_carry_only_what_is_known(edges, institutions):
    graph = to_graph(edges, institutions)
    liege = {"name": "Université de Liège", "country": "BE", "lat": 50.63, "lon": 5.57}
    assert dict(graph.nodes(data=True)) == {
        LIEGE: liege,
        MAASTRICHT: {"name": 'Maastricht "UM" <&>', "country": "NL"},
        AACHEN: {},
    }


def test_edges_carry_only_what_is_known(edges):
    graph = to_graph(edges)
    assert graph.edges[AACHEN, LIEGE] == {"weight": 1.0, "activities": 1}
    assert graph.edges[AACHEN, MAASTRICHT] == {"weight": 0.1 + 0.2, "activities": 3, "first": 2020}
    kinds = {type(value) for *_, data in graph.edges(data=True) for value in data.values()}
    assert kinds == {int, float}


@FUZZ
@given(edge_tables())
def test_to_edges_is_the_inverse_of_to_graph(table):
    back = to_edges(to_graph(table))
    assert_frame_equal(back, table)
    assert back.attrs == table.attrs


@pytest.mark.parametrize("kind", ["work", "agreement"])
def test_the_edges_of_records_come_back_from_a_graph(kind):
    works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": kind, "start": ["2023", None]})
    parties = pd.DataFrame(
        {"activity_id": ["p1", "p1", "p2", "p2"], "institution_id": ["M", "L", "L", "R"]}
    )
    table = links.edges(Records({"activities": works, "participants": parties}), kind)
    back = to_edges(to_graph(table))
    assert_frame_equal(back, table)
    assert len(back) == 2
    assert back.attrs["note"] == table.attrs["note"]


def test_the_note_of_a_graph_is_a_copy(edges):
    to_graph(edges).graph["note"]["kind"] = "other"
    assert edges.attrs["note"]["kind"] == "work"


def test_a_graph_of_networkx_gives_edges_without_loops():
    graph = nx.Graph([("B", "A"), ("C", "C"), ("C", "A")])
    table = to_edges(graph)
    assert list(zip(table["source"], table["target"], table["weight"], strict=True)) == [
        ("A", "B", 1.0),
        ("A", "C", 1.0),
    ]
    assert table["first"].isna().all()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"source": ["A"], "target": ["B"]}, "lacks weight"),
        ({"source": ["A", "B"], "target": ["B", "A"], "weight": [1, 2]}, "B, A stands in two rows"),
        ({"source": ["A"], "target": ["A"], "weight": [1]}, "A, A joins an id to itself"),
        ({"source": ["A"], "target": [None], "weight": [1]}, "no source or no target"),
    ],
)
def test_a_table_that_is_no_edges_table_is_refused(rows, said):
    with pytest.raises(SchemaError, match=said):
        to_graph(pd.DataFrame(rows))


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.MultiGraph])
@pytest.mark.parametrize("use", [to_edges, lambda graph: write_graph(graph, "never.json")])
def test_directed_and_parallel_edges_are_refused(kind, use):
    with pytest.raises(SchemaError, match=r"undirected nx\.Graph is expected"):
        use(kind([("A", "B")]))


# Published networks


@pytest.mark.parametrize(
    ("name", "n_nodes", "n_links"),
    [
        ("Leiden_Ranking_2015_university_collaboration", 750, 151_644),
        ("JOI_2007-2016_co-authorship", 252, 568),
    ],
)
def test_degree_and_strength_equal_the_published_ones(real, name, n_nodes, n_links):
    folder = real / "published"
    graph = read_graph(folder / f"{name}_map.txt", folder / f"{name}_network.txt")
    assert (len(graph), graph.number_of_edges()) == (n_nodes, n_links)
    published = dict(graph.nodes(data="weight<Links>"))
    assert dict(graph.degree()) == published
    strengths = {node: round(s, 4) for node, s in graph.degree(weight="weight")}
    assert strengths == pytest.approx(
        dict(graph.nodes(data="weight<Total link strength>")), abs=2e-4
    )


def test_liege_has_448_links_of_strength_1146_0003_in_the_leiden_ranking_2015(real):
    stem = real / "published" / "Leiden_Ranking_2015_university_collaboration"
    graph = read_graph(f"{stem}_map.txt", f"{stem}_network.txt")
    (liege,) = [node for node, name in graph.nodes(data="name") if name == "Univ Liège"]
    assert graph.degree(liege) == 448
    assert round(graph.degree(liege, weight="weight"), 4) == 1146.0003
    assert graph.nodes[liege]["weight<Publications>"] == 2037
    top = max(graph[liege], key=lambda node: graph.edges[liege, node]["weight"])
    assert graph.nodes[top]["name"] == "Katholieke Univ Leuven"
    table = to_edges(graph)
    assert (len(table), round(table["weight"].sum(), 2)) == (151_644, 517_656.72)


def test_quoted_labels_and_scores_are_read(real):
    stem = real / "published" / "JOI_2007-2016_co-authorship"
    graph = read_graph(f"{stem}_map.txt", f"{stem}_network.txt")
    author = graph.nodes["1"]
    assert (author["name"], author["x"], author["cluster"]) == ("abbasi, a", 0.1233, 17)
    assert author["weight<Norm. citations>"] == 9.1982
    assert author["score<Avg. pub. year>"] == 2012.0
    assert len(author) == 12


def test_the_dimensions_network_has_100_organisations_and_2878_links(real):
    file = "Dimensions_COVID19_research_organization_co-authorship_network.json"
    graph = read_graph(real / "published" / file)
    assert (len(graph), graph.number_of_edges()) == (100, 2878)
    assert graph.size(weight="weight") == 11_213
    harvard = graph.nodes["1485"]
    assert (harvard["name"], harvard["grid"]) == ("Harvard University", "grid.38142.3c")
    assert harvard["weight<Publications>"] == 632


@pytest.mark.parametrize("suffix", WHOLE)
def test_a_published_network_survives_each_format(real, tmp_path, suffix):
    stem = real / "published" / "JOI_2007-2016_co-authorship"
    graph = read_graph(f"{stem}_map.txt", f"{stem}_network.txt")
    assert contents(read_graph(write_graph(graph, tmp_path / f"joi{suffix}"))) == contents(graph)


# Round trips


@pytest.mark.parametrize("suffix", WHOLE)
@FUZZ
@given(graph=graphs())
def test_read_graph_is_the_inverse_of_write_graph(tmp_path, suffix, graph):
    before = contents(graph.copy())
    back = read_graph(write_graph(graph, tmp_path / f"g{suffix}"))
    assert contents(back) == before
    assert contents(graph) == before


@pytest.mark.parametrize("suffix", WHOLE)
@FUZZ
@given(table=edge_tables())
def test_an_edges_table_survives_each_format(tmp_path, suffix, table):
    back = to_edges(read_graph(write_graph(table, tmp_path / f"g{suffix}")))
    assert_frame_equal(back, table)
    assert back.attrs == table.attrs


@pytest.mark.parametrize("suffix", WHOLE)
def test_institutions_describe_what_is_written(tmp_path, suffix, edges, institutions):
    path = write_graph(edges, tmp_path / f"g{suffix}", institutions=institutions)
    assert contents(read_graph(path)) == contents(to_graph(edges, institutions))


@pytest.mark.parametrize("suffix", WHOLE)
def test_no_edges_make_a_valid_file_of_an_empty_graph(tmp_path, suffix, edges):
    graph = read_graph(write_graph(edges.iloc[:0], tmp_path / f"g{suffix}"))
    assert (len(graph), graph.number_of_edges()) == (0, 0)
    assert graph.graph["note"] == NOTE


@pytest.mark.parametrize("suffix", WHOLE)
def test_what_xml_cannot_hold_is_marked(tmp_path, suffix):
    graph = nx.Graph()
    graph.add_node("A", name="a\x00b\ud800c\r\nd", note=float("nan"), city=" ", size=None)
    back = read_graph(write_graph(graph, tmp_path / f"g{suffix}"))
    assert dict(back.nodes(data=True)) == {"A": {"name": "a\ufffdb\ufffdc\nd"}}


@pytest.mark.parametrize("suffix", [".graphml", ".gexf"])
def test_values_of_several_kinds_become_one_kind_in_xml(tmp_path, suffix):
    graph = nx.Graph()
    graph.add_nodes_from([("A", {"n": 1, "v": 1, "l": [1, "é"]}), ("B", {"n": 0.5, "v": "text"})])
    back = read_graph(write_graph(graph, tmp_path / f"g{suffix}"))
    assert back.nodes["A"] == {"n": 1.0, "v": "1", "l": '[1, "é"]'}
    assert back.nodes["B"] == {"n": 0.5, "v": "text"}


@pytest.mark.parametrize("suffix", WHOLE)
def test_the_same_graph_makes_the_same_file_without_a_date(tmp_path, suffix, edges):
    one, two = (write_graph(edges, tmp_path / f"{n}{suffix}").read_bytes() for n in "ab")
    assert one == two
    assert not re.search(rb"20\d\d-\d\d-\d\d", one)


# Written files


def test_vosviewer_json_has_labels_weights_and_the_note(tmp_path, edges, institutions):
    path = write_graph(edges, tmp_path / "g.json", institutions=institutions)
    content = json.loads(path.read_text(encoding="utf-8"))
    items = {item["id"]: item for item in content["network"]["items"]}
    assert items[AACHEN] == {
        "id": AACHEN,
        "label": AACHEN,
        "weights": {"Links": 2, "Total link strength": 1.3},
    }
    assert items[LIEGE]["label"] == "Université de Liège"
    assert items[LIEGE]["country"] == "BE"
    link = {"source_id": LIEGE, "target_id": MAASTRICHT, "strength": 1.5, "activities": 2}
    assert {**link, "first": 2008, "last": 2024} in content["network"]["links"]
    assert "years: 2019–2024" in content["info"]["description"]


def test_vosviewer_is_told_that_works_are_synthetic(tmp_path, edges):
    edges.attrs["note"] = {"synthetic": True, "what": "<b>"}
    info = json.loads(write_graph(edges, tmp_path / "g.json").read_text(encoding="utf-8"))["info"]
    assert info["description"].startswith("SYNTHETIC")
    assert info["title"] == "&lt;b&gt;"


@pytest.mark.parametrize("node", ["013456789", "0123e4567", "1e5", "0x1f", "NaN", "id:013", " 7"])
def test_no_id_can_be_taken_for_another_number_by_vosviewer(tmp_path, node):
    path = write_graph(nx.Graph([(node, "44")]), tmp_path / "g.json")
    network = json.loads(path.read_text(encoding="utf-8"))["network"]
    assert [item["id"] for item in network["items"]] == [f"id:{node}", "44"]
    assert network["links"][0]["source_id"] == f"id:{node}"
    assert set(read_graph(path)) == {node, "44"}


def test_vosviewer_gets_no_attribute_it_would_refuse(tmp_path):
    graph = nx.Graph()
    good = {"x": 0.5, "cluster": 1000, "weight<Papers>": 3, "score<Year>": 2020.5, "city": "Liège"}
    graph.add_node("A", **good, **{"weight<Half>": 1, "y": 1.0, "Url": "u", "my score": "high"})
    graph.add_node("B", **good, **{"weight<Neg>": -1})
    path = write_graph(graph, tmp_path / "g.json")
    item = json.loads(path.read_text(encoding="utf-8"))["network"]["items"][0]
    assert item == {
        "id": "A",
        "label": "A",
        "x": 0.5,
        "cluster": 1000,
        "city": "Liège",
        "weights": {"Papers": 3, "Links": 0, "Total link strength": 0},
        "scores": {"Year": 2020.5},
        "attributes": {"weight<Half>": 1, "y": 1.0, "Url": "u", "my score": "high"},
    }


@pytest.mark.parametrize("cluster", [0, 1001, 1.5, "one"])
def test_vosviewer_gets_clusters_from_1_to_1000_only(tmp_path, cluster):
    graph = nx.Graph()
    graph.add_nodes_from([("A", {"cluster": cluster}), ("B", {"cluster": 1})])
    path = write_graph(graph, tmp_path / "g.json")
    items = json.loads(path.read_text(encoding="utf-8"))["network"]["items"]
    assert [item["attributes"] for item in items] == [{"cluster": cluster}, {"cluster": 1}]


def test_gephi_shows_names_as_labels(tmp_path, edges, institutions):
    path = write_graph(edges, tmp_path / "g.gexf", institutions=institutions)
    assert {data["label"] for _, data in nx.read_gexf(path).nodes(data=True)} == {
        *("Université de Liège", 'Maastricht "UM" <&>', AACHEN),
    }


@pytest.mark.parametrize(("suffix", "hint"), [(".dot", "Known: .clu"), (".graph", ".graphml")])
def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path, edges, suffix, hint):
    with pytest.raises(UnknownNameError, match=hint):
        write_graph(edges, tmp_path / f"g{suffix}")


def test_a_value_that_cannot_be_written_leaves_the_old_file(tmp_path, edges):
    path = write_graph(edges, tmp_path / "g.json")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"g\.json: a value cannot be written"):
        write_graph(nx.Graph([("A", "B", {"ratio": float("inf")})]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_two_ids_of_one_spelling_are_refused(tmp_path):
    with pytest.raises(InputError, match="same id"):
        write_graph(nx.Graph([(1, "1")]), tmp_path / "g.gexf")


# Read files

MAP = 'id,label,x,weight<Links>\n1,"Liège, Univ",0.5,1\n2,2,,1\n007,James,1,0\n9,Nan,NaN,3\n'


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_map_files_open_with_any_delimiter_and_encoding(tmp_path, delimiter, encoding):
    text = MAP.replace("Liège, ", "Liège§ ").replace(",", delimiter).replace("§", ",")
    (tmp_path / "map.txt").write_text(text, encoding=encoding)
    (tmp_path / "net.txt").write_text(f"1{delimiter}2{delimiter}0.5\n\n", encoding=encoding)
    graph = read_graph(tmp_path / "map.txt", tmp_path / "net.txt")
    assert dict(graph.nodes(data=True)) == {
        "1": {"name": "Liège, Univ", "x": 0.5, "weight<Links>": 1},
        "2": {"weight<Links>": 1},
        "007": {"name": "James", "x": 1.0, "weight<Links>": 0},
        "9": {"name": "Nan", "weight<Links>": 3},
    }
    assert list(graph.edges(data="weight")) == [("1", "2", 0.5)]


@pytest.mark.parametrize("line", ["1 2", "1 2 1", "1\t2\t1.0", "1,2,1e0", "  1   2  "])
def test_network_lines_are_read_however_they_are_separated(tmp_path, line):
    (tmp_path / "map.txt").write_text(MAP, encoding="utf-8")
    (tmp_path / "net.txt").write_text(line, encoding="utf-8")
    graph = read_graph(tmp_path / "map.txt", tmp_path / "net.txt")
    assert list(graph.edges(data=True)) == [("1", "2", {"weight": 1.0})]


def test_repeated_links_add_up_and_loops_are_counted(tmp_path):
    (tmp_path / "map.txt").write_text(MAP, encoding="utf-8")
    (tmp_path / "net.txt").write_text("1 2 1\n2 1 2\n2 2 5\n1 2 0.5\n", encoding="utf-8")
    graph = read_graph(tmp_path / "map.txt", tmp_path / "net.txt")
    assert list(graph.edges(data=True)) == [("1", "2", {"weight": 3.5})]
    assert graph.graph["note"] == {"not_read": {"links with itself": 1, "repeated links": 2}}


@pytest.mark.parametrize("suffix", [".graphml", ".gexf"])
def test_both_directions_of_a_directed_graph_add_up(tmp_path, suffix):
    graph = nx.DiGraph([("A", "B", {"weight": 2.0}), ("B", "A", {"weight": 3.0})])
    write = nx.write_gexf if suffix == ".gexf" else nx.write_graphml_xml
    write(graph, tmp_path / f"g{suffix}")
    back = read_graph(tmp_path / f"g{suffix}")
    assert back.edges["A", "B"] == {"weight": 5.0}
    assert back.graph["note"]["not_read"] == {"repeated links": 1, "directions of links": 2}


def test_a_gexf_of_gephi_gives_names_and_places(tmp_path):
    (tmp_path / "g.gexf").write_text(
        '<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2"'
        ' xmlns:viz="http://www.gexf.net/1.2draft/viz">'
        '<meta><description>Partners</description></meta><graph defaultedgetype="undirected">'
        '<nodes><node id="1" label="Liège"><viz:position x="1.5" y="-2" z="0"/>'
        '<viz:color r="1" g="2" b="3"/></node><node id="2" label="2"/></nodes>'
        '<edges><edge id="0" source="1" target="2"/></edges></graph></gexf>',
        encoding="utf-8",
    )
    graph = read_graph(tmp_path / "g.gexf")
    assert dict(graph.nodes(data=True)) == {"1": {"name": "Liège", "x": 1.5, "y": -2.0}, "2": {}}
    assert list(graph.edges(data=True)) == [("1", "2", {"weight": 1.0})]
    assert graph.graph["note"] == {"what": "Partners"}


def test_defaults_of_graphml_hold_where_nothing_else_is_said(tmp_path):
    (tmp_path / "g.graphml").write_text(
        f'{GRAPHML}<key id="c" for="node" attr.name="country" attr.type="string">'
        "<default>BE</default></key>"
        '<key id="w" for="edge" attr.name="weight" attr.type="double"><default>2</default></key>'
        '<graph edgedefault="undirected"><node id="1"><data key="c">FR</data></node><node id="2"/>'
        '<edge source="1" target="2"/></graph></graphml>',
        encoding="utf-8",
    )
    graph = read_graph(tmp_path / "g.graphml")
    assert dict(graph.nodes(data="country")) == {"1": "FR", "2": "BE"}
    assert list(graph.edges(data="weight")) == [("1", "2", 2.0)]


def test_the_content_tells_the_format_not_the_extension(tmp_path, edges):
    for suffix in WHOLE:
        path = write_graph(edges, tmp_path / f"g{suffix}").rename(tmp_path / "g.csv")
        assert read_graph(path).number_of_edges() == 3


NODES = '"items": [{"id": 1, "label": "A"}, {"id": 2}]'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("<html><body>Not found</body></html>", "not a graph file"),
        ("a,b\n1,2\n", "not a graph file"),
        (b"\x00\x81\xfe" * 50, "not a graph file"),
        (MAP, "a VOSviewer map holds no links"),
        ('{"network": {"items": [{"id"', "line 1: not JSON"),
        ("[" * 100_000, "nested too deep"),
        ("[1]", "not as VOSviewer has it"),
        ('{"results": []}', "not as VOSviewer has it"),
        ('{"network": {"items": [{"label": "A"}]}}', "item 1: not as VOSviewer has it"),
        ('{"network": {"items": [{"id": 1}, {"id": "1"}]}}', "item 2: the id '1' stands in two"),
        ('{"network": {"items": [{"id": true}]}}', "item 1: not as VOSviewer has it"),
        ('{"network": {"items": [{"id": 1, "weights": 3}]}}', "item 1: not as VOSviewer has it"),
        (f'{{"network": {{{NODES}, "links": [{{"source_id": 1}}]}}}}', "link 1: not as VOSviewer"),
        (
            f'{{"network": {{{NODES}, "links": [{{"source_id": 1, "target_id": 3}}]}}}}',
            "link 1: a link names the node '3', which is not among the nodes",
        ),
        *(
            (
                f'{{"network": {{{NODES}, "links": '
                f'[{{"source_id": 1, "target_id": 2, "strength": {json.dumps(weight)}}}]}}}}',
                f"link 1: the weight {weight!r} of a link is not a number from 0 up",
            )
            for weight in ("much", True, None, float("inf"), [1])
        ),
        (f"{GRAPHML}<graph><node", "line 1: not XML"),
        (f"{GRAPHML}</graphml>", "not a graph as networkx knows it"),
        ("<gexf></gexf>", "not a graph as networkx knows it"),
        (
            f'<!DOCTYPE g [<!ENTITY a "aaaa">]>{GRAPHML}<graph edgedefault="undirected">'
            '<node id="&a;"/></graph></graphml>',
            "declares XML entities",
        ),
        (
            f'<!DOCTYPE g [<!ENTITY a SYSTEM "file:///etc/hostname">]>{GRAPHML}<graph '
            'edgedefault="undirected"><node id="&a;"/></graph></graphml>',
            "declares XML entities",
        ),
        (
            f'{GRAPHML}<key id="w" for="edge" attr.name="weight" attr.type="double"/><graph '
            'edgedefault="undirected"><node id="1"/><node id="2"/><edge source="1" target="2">'
            '<data key="w">-1</data></edge></graph></graphml>',
            "the weight -1.0 of a link",
        ),
    ],
)
def test_what_is_no_graph_file_is_refused_in_one_sentence(tmp_path, content, said):
    path = tmp_path / "g.dat"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        read_graph(path)
    assert str(caught.value).startswith("g.dat")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("nodes", "network", "said"),
    [
        (MAP, "1 2 1\n1 3 1\n", "net.txt, line 2: a link names the node '3'"),
        (MAP, "source target weight\n", "net.txt, line 1: a link names the node 'source'"),
        (MAP, "1 2 many\n", "net.txt, line 1: the weight 'many' of a link is not a number"),
        (MAP, "1 2 nan\n", "net.txt, line 1: the weight 'nan' of a link is not a number"),
        (MAP, "1,2,-1\n", "net.txt, line 1: the weight '-1' of a link is not a number"),
        (MAP, "1\n", "net.txt, line 1: 1 columns"),
        (MAP, "1 2 3 4\n", "net.txt, line 1: 4 columns"),
        (MAP, "", "net.txt: the file is empty"),
        (MAP + "8,9\n", "1 2 1\n", "map.txt, line 6: 2 columns where the header has 4"),
        (MAP + "1,a,1,1\n", "1 2 1\n", "map.txt, line 6: the id '1' is empty or stands in two"),
        (MAP + "5,a,east,1\n", "1 2 1\n", "map.txt, line 6: column 'x' holds 'east'"),
        (MAP + "5,a,1,1_0\n", "1 2 1\n", "map.txt, line 6: column 'weight<Links>' holds '1_0'"),
        (MAP + '5,"a,1,1\n', "1 2 1\n", "map.txt, line 6: the double quotes do not match"),
        ("1 2 1\n", MAP, "map.txt: not a graph file"),
        ('{"network": {"items": []}}', "1 2 1\n", "map.txt: holds its links itself"),
    ],
)
def test_faults_in_map_and_network_are_named_with_their_line(tmp_path, nodes, network, said):
    (tmp_path / "map.txt").write_text(nodes, encoding="utf-8")
    (tmp_path / "net.txt").write_text(network, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(said)):
        read_graph(tmp_path / "map.txt", tmp_path / "net.txt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.json"):
        read_graph(tmp_path / "absent.json")
