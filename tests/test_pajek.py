"""Graph files that hold less than a graph: Pajek, VOSviewer map and network; files in a zip."""

import re
import zipfile
from contextlib import suppress

import networkx as nx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collabnet.cli import main
from collabnet.errors import CollabnetError, InputError, SchemaError, UnknownNameError
from collabnet.graphs import read_graph, to_edges, write_graph

FUZZ = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NOT_XML = "\ufffe\uffff"
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=NOT_XML))
hostile = st.sampled_from(
    [
        '"quoted"',
        'a "b" c',
        '"',
        "two\nlines",
        "\ttab",
        " ends ",
        "A  B",
        "A B",
        "013",
        "7",
        "007",
        "% comment",
        "*Edges",
        "l'été",
        "名前",
        "\u2028",
        "\x85",
        "",
        "id:7",
        "nan",
        "1e5",
        "&#34;",
    ]
)
names = texts | hostile
numbers = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)
notes = st.dictionaries(texts, texts | st.integers() | st.booleans(), max_size=3)


@st.composite
def graphs(draw, ids=names, labels=names, attributes=None, edge=None):
    """Return a random graph whose nodes have the attributes that a format holds."""
    nodes = draw(st.lists(ids, unique=True, max_size=6))
    graph = nx.Graph(note=draw(notes))
    for node in nodes:
        name = draw(labels.filter(lambda text, node=node: text.strip() and text != node))
        data = {key: draw(values) for key, values in (attributes or {}).items()}
        graph.add_node(node, **({"name": name} if draw(st.booleans()) else {}), **data)
    pairs = [(a, b) for i, a in enumerate(nodes) for b in nodes[:i]]
    for pair in draw(st.sets(st.sampled_from(pairs))) if pairs else ():
        graph.add_edge(*pair, weight=draw(edge or st.floats(0, 1e300)))
    return graph


def contents(graph):
    """Return nodes in order, links and weights."""
    pairs = {frozenset(pair): graph.edges[pair] for pair in graph.edges}
    return list(graph.nodes(data=True)), pairs


def net(folder, text, *, name="g.net", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def links_of(folder, text):
    graph = read_graph(net(folder, text))
    weights = {"-".join(sorted(pair)): weight for *pair, weight in graph.edges(data="weight")}
    return weights, graph.graph["note"].get("not_read", {})


# The world by country and year


def world(real, *names):
    return [real / "published" / "WrldCo_years.zip" / name for name in names]


def test_belgium_wrote_9581_works_with_france_in_2023(real):
    graph = read_graph(*world(real, "WrldCo2023.net"))
    partners = {"FR": 9581, "DE": 8008, "LU": 483, "CD": 279, "CG": 82, "MA": 261}
    assert {code: graph["BE"][code]["weight"] for code in partners} == partners
    assert (len(graph), graph.number_of_edges()) == (251, 15_331)


def test_namibia_is_no_missing_value(real):
    graph = read_graph(*world(real, "WrldCo2023.net"))
    assert graph["NA"]["ZA"]["weight"] > 100
    table = to_edges(graph)
    assert len(table[(table["source"] == "NA") | (table["target"] == "NA")]) == graph.degree("NA")


def test_the_works_of_a_country_with_itself_are_left_out_and_counted(real):
    graph = read_graph(*world(real, "WrldCo2023.net"))
    assert not graph.has_edge("BE", "BE")
    assert graph.graph["note"] == {"not_read": {"links with itself": 241}}


def test_a_vector_and_a_partition_describe_the_countries(real):
    names = world(real, "WrldCo2023.net", "WrldCo2023T.vec", "WrldCo2023G.clu")
    graph = read_graph(*names)
    assert graph.nodes["BE"] == {"WrldCo2023T": 39_982, "WrldCo2023G": 200}
    assert graph.nodes["NA"] == {"WrldCo2023T": 667, "WrldCo2023G": 157}


def test_a_vector_and_a_partition_of_one_name_keep_their_suffix_apart(real):
    graph = read_graph(*world(real, "WrldCoComp.net", "WrldCoComp.vec", "WrldCoComp.clu"))
    assert set(graph.nodes["BE"]) == {"WrldCoComp", "WrldCoComp.clu"}


def test_of_two_values_of_a_pair_in_a_matrix_written_twice_the_larger_counts_and_both_are_told(
    real,
):
    graph = read_graph(*world(real, "WrldCo2004.net"))
    assert graph["FR"]["GB"]["weight"] == 4033
    note = graph.graph["note"]
    assert note["not_read"] == {"links with itself": 224}
    italy, france, india = (
        ["US", "IT", 6326, 6325],
        ["FR", "GB", 4033, 4032],
        ["IN", "US", 2404, 2403],
    )
    assert note["two_values"] == [france, india, italy]


@pytest.mark.parametrize("year", [1990, 2004, 2023])
def test_a_published_network_survives_pajek(real, tmp_path, year):
    graph = read_graph(*world(real, f"WrldCo{year}.net"))
    back = read_graph(write_graph(graph, tmp_path / "g.net"))
    assert contents(back) == contents(graph)
    assert back.graph == graph.graph


def test_a_published_map_and_network_survive(real, tmp_path):
    stem = real / "published" / "JOI_2007-2016_co-authorship"
    graph = read_graph(f"{stem}_map.txt", f"{stem}_network.txt")
    path = write_graph(graph, tmp_path / "joi_map.txt")
    assert contents(read_graph(path, tmp_path / "joi_network.txt")) == contents(graph)


def test_a_file_that_a_zip_lacks_is_told_with_the_nearest(real):
    with pytest.raises(UnknownNameError, match=r"in WrldCo_years\.zip 'WrldCo2032\.net'.*2023"):
        read_graph(*world(real, "WrldCo2032.net"))


def test_any_graph_format_is_read_out_of_a_folder_in_a_zip(tmp_path):
    graph = nx.Graph([("A", "B", {"weight": 2.0})])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for suffix in ("json", "gexf", "graphml", "net", "map.txt"):
            archive.write(write_graph(graph, tmp_path / f"g.{suffix}"), f"in/g.{suffix}")
        archive.write(tmp_path / "g.network.txt", "in/g.network.txt")
    inside = tmp_path / "all.zip" / "in"
    for suffix in ("json", "gexf", "graphml", "net"):
        assert read_graph(inside / f"g.{suffix}")["A"]["B"]["weight"] == 2, suffix
    assert read_graph(inside / "g.map.txt", inside / "g.network.txt")["A"]["B"]["weight"] == 2


# Pajek as it comes


@pytest.mark.parametrize(
    ("section", "weights"),
    [
        ("*Edges\n1 2 2.5\n2 3", {"A-B": 2.5, "B-C": 1}),
        ('*EDGES :2 "co-author"\n 1   2\t2.5 c Blue\n2: 2 3 1 [1990-1999]', {"A-B": 2.5, "B-C": 1}),
        ("*edges\n1 2 [5-*]", {"A-B": 1}),
        ("*Edgeslist\n1 2 3", {"A-B": 1, "A-C": 1}),
        ("*Arcs\n1 2 3\n2 1 3", {"A-B": 3}),
        ("*Arcs\n1 2 1\n1 2 2\n2 1 3", {"A-B": 3}),
        ("*Arcs\n1 2 3\n2 1 3\n*Edges\n2 3 4", {"A-B": 3, "B-C": 4}),
        ("*Arcslist\n1 2 3\n2 1\n3 1", {"A-B": 1, "A-C": 1}),
        ("*Matrix\n0 2 0\n2 0 .5\n0.0 0.5 0", {"A-B": 2, "B-C": 0.5}),
    ],
)
def test_links_are_read_however_they_are_listed(tmp_path, section, weights):
    found, lost = links_of(tmp_path, f'*Vertices 3\n1 "A"\n2 "B"\n3 "C"\n{section}\n')
    assert found == weights
    assert "directions of links" not in lost


def test_arcs_of_other_weights_are_added_up_and_counted_where_no_matrix_is_written_twice(tmp_path):
    text = '*Vertices 3\n1 "A"\n2 "B"\n3 "C"\n*Arcs\n1 2 3\n2 1 4\n1 3 5\n3 3 9\n'
    weights, lost = links_of(tmp_path, text)
    assert weights == {"A-B": 7, "A-C": 5}
    assert lost == {"directions of links": 3, "repeated links": 1, "links with itself": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_do_not_matter(tmp_path, encoding, end):
    lines = ["% a, b", "", "*network  x", "*Vertices   2  ", '1 "Univ. Liège"  0.5   -0.25 0.5']
    lines += ["2   Köln ellipse ic Blue", "% half-way", "*Edges", "1  2   3", ""]
    graph = read_graph(net(tmp_path, end.join(lines), encoding=encoding))
    assert contents(graph) == (
        [("Univ. Liège", {"x": 0.5, "y": -0.25}), ("Köln", {})],
        {frozenset({"Univ. Liège", "Köln"}): {"weight": 3.0}},
    )


def test_quotes_inside_a_label_stay_and_parameters_are_not_the_label(tmp_path):
    text = '*Vertices 3\n1 "Univ "X" Liège"\n2 "B" 0.1 0.2 ic "Light Blue"\n3 C [1-5]\n'
    assert list(read_graph(net(tmp_path, text)).nodes(data=True)) == [
        ('Univ "X" Liège', {}),
        ("B", {"x": 0.1, "y": 0.2}),
        ("C", {}),
    ]


def test_labels_that_repeat_are_names_and_the_numbers_are_ids(tmp_path):
    graph = read_graph(net(tmp_path, '*Vertices 3\n1 "LMU"\n2 "LMU"\n*Edges\n1 3\n'))
    assert list(graph.nodes(data=True)) == [
        ("1", {"name": "LMU"}),
        ("2", {"name": "LMU"}),
        ("3", {}),
    ]
    assert list(graph.edges) == [("1", "3")]


def test_vertices_that_are_not_listed_are_there(tmp_path):
    graph = read_graph(net(tmp_path, "*Vertices 4\n*Edges\n1 2\n"))
    assert list(graph) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("text", "values"),
    [("3\n0\n", [3, 0]), ("% c\n 1.5\n2\n", [1.5, 2.0]), ("-1.E+02\n.5\n", [-100.0, 0.5])],
)
def test_a_vector_is_whole_where_all_its_numbers_are(tmp_path, text, values):
    given_net = net(tmp_path, '*Vertices 2\n1 "A"\n2 "B"\n')
    graph = read_graph(given_net, net(tmp_path, f"*Vertices 2\n{text}", name="size.vec"))
    found = [graph.nodes[node]["size"] for node in "AB"]
    assert (found, list(map(type, found))) == (values, list(map(type, values)))


TWO = '*Vertices 2\n1 "A"\n2 "B"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*Vertices 999999999999\n1 A\n", "says it has 999999999999 vertices in 1 lines. Say"),
        (
            "*Vertices 99999999999999999999\n",
            "line 1: '*Vertices 99999999999999999999' is not read",
        ),
        ("*Vertices many\n", "line 1: '*Vertices many' is not read"),
        ("*Network x\n", "g.net: not of Pajek. Say *Vertices"),
        (f"{TWO}*Vertices 2\n", "line 4: '*Vertices 2' is not read, only one network"),
        (f"{TWO}*Partition p\n", "line 4: '*Partition p' is not read"),
        ('*Vertices 2\n3 "A"\n', "line 2: not a vertex (its number (1 to 2"),
        ('*Vertices 2\n1 "A"\n1 "B"\n', "line 3: not a vertex"),
        ('*Vertices 2\n1 "A\n', "line 2: not a vertex"),
        (
            "*Vertices 2\n813\n2\n",
            "line 2: not a vertex (its number (1 to 2, each once) and its label in double quotes). "
            "Give a network file first",
        ),
        (f"{TWO}*Edges\n1 3\n", "line 5: a link names the node '3', which is not among"),
        (f"{TWO}*Edges\n1\n", "line 5: 1 values, where Pajek has two vertices and a weight"),
        (f"{TWO}*Edges\n1 2 much\n", "line 5: the weight 'much' of a link is not a number"),
        (f"{TWO}*Arcs\n1 2 -1\n", "line 5: the weight '-1' of a link is not a number"),
        (f"{TWO}*Matrix\n0 1\n1\n", "line 6: 1 values, where Pajek has 2 rows of 2"),
        (f"{TWO}*Matrix\n0 1\n", "a matrix of 1 rows, for 2 vertices"),
        (f"{TWO}*Matrix\n0 1\n1 0\n0 0\n", "line 7: 2 values, where Pajek has 2 rows of 2"),
        ("% collabnet {\n*Vertices 0\n", "line 1: a comment of collabnet, damaged or of other"),
        (
            '% collabnet {"note": {}, "nodes": [["A", null]]}\n*Vertices 0\n',
            "line 1: a comment of coll",
        ),
        ("*network x\n1 2\n*Vertices 2\n", "line 2: 2 values, where Pajek has two"),
    ],
)
def test_faults_of_a_network_are_named_with_their_line(tmp_path, text, said):
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        read_graph(net(tmp_path, text))
    assert str(caught.value).startswith("g.net")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*Vertices 2\n1\nx\n", "v.vec, line 3: 'x' is not a number"),
        ("*Vertices 2\n1\n", "v.vec: 1 values for 2 vertices"),
        ("*Vertices 3\n1\n2\n3\n", "v.vec: 3 values for 3 vertices, where the network has 2"),
        ("1\n2\n", "v.vec: not of Pajek. Say *Vertices"),
    ],
)
def test_faults_of_a_vector_are_named(tmp_path, text, said):
    with pytest.raises(InputError, match=re.escape(said)):
        read_graph(net(tmp_path, TWO), net(tmp_path, text, name="v.vec"))


FULL = (
    b'\xef\xbb\xbf% collabnet {"note": {"what": "x"}, "nodes": [["a", "A"], ["b", null], '
    b'["C", "C"], ["d", 5]]}\r\n'
    b'*Vertices 4\r\n1 "A" 0.5 0.5\r\n2 "B"\r\n3 C\r\n*Edges\r\n1 2 1.5\r\n*Arcs\r\n1 3\r\n'
    b"*Arcslist\r\n1 2 3\r\n*Matrix\r\n0 1 0 0\r\n1 0 0 0\r\n0 0 0 0\r\n0 0 0 2\r\n"
)
cuts = st.integers(0, len(FULL))
pieces = st.binary(max_size=6) | st.sampled_from(
    [b"*Vertices 9", b'"', b"\n", b"9" * 5000, b"[" * 9]
)


def test_the_network_that_is_damaged_below_is_whole(tmp_path):
    graph = read_graph(net(tmp_path, FULL))
    assert list(graph.nodes(data="name")) == [("a", "A"), ("b", None), ("C", None), ("d", "5")]
    assert dict(graph["a"]) == {"b": {"weight": 4.5}, "C": {"weight": 2.0}}
    assert graph.graph["note"]["what"] == "x"


@FUZZ
@example(at=0, to=0, piece=b"% collabnet " + b"[" * 100_000 + b"\n")
@example(at=0, to=len(FULL), piece=b"%" + b" " * 50_000 + b"\n" * 50_000 + b"*Edges")
@given(at=cuts, to=cuts, piece=pieces)
def test_a_damaged_network_is_read_or_refused_in_a_sentence(tmp_path, at, to, piece):
    path = net(tmp_path, FULL[: min(at, to)] + piece + FULL[max(at, to) :])
    with suppress(CollabnetError):  # one sentence; anything else is a fault of ours
        read_graph(path, path)


# What is written


@FUZZ
@example(graph=nx.Graph([("", "A"), ("A", "B")], note={}))
@given(graph=graphs(attributes={"x": numbers, "y": numbers}))
def test_pajek_gives_back_ids_names_places_weights_and_the_note(tmp_path, graph):
    nx.set_edge_attributes(
        graph, {e: 1.0 for e in graph.edges if "weight" not in graph.edges[e]}, "weight"
    )
    back = read_graph(write_graph(graph, tmp_path / "g.net"))
    assert contents(back) == contents(graph)
    assert back.graph == graph.graph


@FUZZ
@given(graph=graphs(attributes={"size": numbers, "part": st.integers(0, 10**9)}))
def test_vectors_and_partitions_give_back_their_attribute(tmp_path, graph):
    files = [write_graph(graph, tmp_path / name) for name in ("g.net", "size.vec", "part.clu")]
    assert contents(read_graph(*files)) == contents(graph)


trimmed = texts.map(str.strip).filter(bool)
whole_words = hostile.map(str.strip).filter(bool) | trimmed


@FUZZ
@given(
    graph=graphs(
        ids=whole_words.filter(lambda text: "\n" not in text),
        labels=whole_words,
        attributes={
            "x": numbers,
            "y": numbers,
            "cluster": st.integers(1, 1000),
            "weight<Papers (p)>": st.floats(0, 1e9),
            "score<Année>": numbers,
            "city": st.sampled_from(["Liège", '"Aachen"', "a\tb", "c;d\ne"]),
        },
    )
)
def test_map_and_network_give_back_what_vosviewer_knows(tmp_path, graph):
    path = write_graph(graph, tmp_path / "g_map.txt")
    assert contents(read_graph(path, tmp_path / "g_network.txt")) == contents(graph)


def test_a_net_shows_names_to_pajek_and_networkx(tmp_path):
    graph = nx.Graph([("00afp2z80", "02jz4aj89", {"weight": 1.5})])
    graph.nodes["00afp2z80"].update(name='Univ "Liege"', x=0.5, y=1)
    path = write_graph(graph, tmp_path / "g.net")
    assert path.read_bytes().splitlines() == [
        b'% collabnet {"note": {}, "nodes": [["00afp2z80", "Univ \\"Liege\\""], '
        b'["02jz4aj89", null]]}',
        *(b"*Vertices 2", b"1 \"Univ 'Liege'\" 0.5 1", b'2 "02jz4aj89"', b"*Edges", b"1 2 1.5"),
    ]
    assert list(nx.read_pajek(path).edges(data="weight")) == [("Univ 'Liege'", "02jz4aj89", 1.5)]


def test_ids_and_names_of_many_nodes_come_back(tmp_path):
    graph = nx.Graph(note={})
    graph.add_nodes_from((f"0{n}", {"name": "x" * 30}) for n in range(3000))
    path = write_graph(graph, tmp_path / "g.net")
    assert list(read_graph(path).nodes(data=True)) == list(graph.nodes(data=True))


def test_a_byte_order_mark_says_utf_8_only_where_it_is_needed(tmp_path):
    plain, accented = nx.Graph([("A", "B")]), nx.Graph([("A", "É")])
    starts = [write_graph(g, tmp_path / "g.net").read_bytes()[:3] for g in (plain, accented)]
    assert starts == [b"% c", b"\xef\xbb\xbf"]


def test_a_map_leaves_out_what_vosviewer_would_refuse(tmp_path):
    graph = nx.Graph()
    graph.add_node("A", **{"weight<Half>": 1, "Upper": "u", "a,b": "c", "city": "Liège"})
    graph.add_node("B", name="Bé")
    path = write_graph(graph, tmp_path / "g_map.txt")
    assert path.read_text(encoding="utf-8") == "id\tlabel\tcity\nA\tA\tLiège\nB\tBé\t\n"
    assert len(read_graph(path, tmp_path / "g_network.txt")) == 2


def test_an_endless_number_is_not_written_to_a_map(tmp_path):
    graph = nx.Graph()
    graph.add_node("A", **{"score<Impact>": float("inf")})
    with pytest.raises(InputError, match=r"g_map\.txt: a value cannot be written"):
        write_graph(graph, tmp_path / "g_map.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_number_of_5000_digits_in_a_map_is_no_fault_of_python(tmp_path):
    nodes = net(tmp_path, f"id,x\n1,{'9' * 5000}\n", name="map.txt")
    graph = read_graph(nodes, net(tmp_path, "\n", name="network.txt"))
    assert graph.nodes["1"]["x"] == float("inf")


def test_a_map_takes_one_network(tmp_path):
    path = write_graph(nx.Graph([("A", "B")]), tmp_path / "map.txt")
    with pytest.raises(InputError, match=r"map\.txt: a VOSviewer map holds no links"):
        read_graph(path, tmp_path / "network.txt", tmp_path / "network.txt")


@pytest.mark.parametrize("node", ["", " A", "A\t", "A\nB"])
def test_an_id_that_a_map_cannot_hold_is_refused_and_nothing_written(tmp_path, node):
    with pytest.raises(InputError, match=r"g_map\.txt: a map file cannot hold the id"):
        write_graph(nx.Graph([(node, "C")]), tmp_path / "g_map.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("size.vec", "big", "number for every node; of 'A' it is 'big'"),
        ("size.vec", float("inf"), "of 'A' it is inf"),
        ("size.clu", 1.5, "whole number from 0 up for every node; of 'A' it is 1.5"),
        ("size.clu", -1, "of 'A' it is -1"),
        ("other.clu", 1, "the attribute 'other', after which the file is named"),
    ],
)
def test_what_is_no_vector_is_not_written(tmp_path, name, value, said):
    graph = nx.Graph()
    graph.add_node("A", size=value)
    with pytest.raises(InputError, match=said):
        write_graph(graph, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["g.net", "g_map.txt"])
@pytest.mark.parametrize("weight", [-1, "much", float("inf")])
def test_a_weight_that_could_not_be_read_is_not_written(tmp_path, name, weight):
    with pytest.raises(InputError, match=r"the weight .* is not a number from 0 up"):
        write_graph(nx.Graph([("A", "B", {"weight": weight})]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["g.net", "g_map.txt"])
def test_directed_graphs_are_refused(tmp_path, name):
    with pytest.raises(SchemaError, match="directed"):
        write_graph(nx.DiGraph([("A", "B")]), tmp_path / name)


# Graphs given for records


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("g.net", "read_graph('g.net')"),
        ("size.vec", "read_graph(NETWORK, 'size.vec')"),
        ("g_map.txt", "read_graph('g_map.txt', NETWORK)"),
        ("g_network.txt", "read_graph(MAP, 'g_network.txt')"),
        ("g.json", "read_graph('g.json')"),
        ("g.gexf", "read_graph('g.gexf')"),
        ("g.graphml", "read_graph('g.graphml')"),
        ("g.zip", "read_graph('g.zip/in/g.net')"),
    ],
)
def test_ingest_names_a_graph_and_the_call_that_opens_it(tmp_path, capsys, name, call):
    graph = nx.Graph([("A1", "B"), (1, 2, {"weight": 0.5})][1:])
    nx.set_node_attributes(graph, 3, "size")
    for file in ("g.net", "size.vec", "g_map.txt", "g.json", "g.gexf", "g.graphml"):
        write_graph(graph, tmp_path / file)
    with zipfile.ZipFile(tmp_path / "g.zip", "w") as archive:
        archive.write(tmp_path / "size.vec", "in/size.vec")
        archive.write(tmp_path / "g.net", "in/g.net")
    assert main(["ingest", str(tmp_path / name), "--out", str(tmp_path / "store")]) == 2
    said = capsys.readouterr().err
    assert said == f"collabnet: {name}: graphs, not records. Open one with collabnet.{call}.\n"
