"""Graphs: edges as networkx graphs and back, and the files of Gephi, Pajek and VOSviewer.

One convention holds for every format. Node ids are text; the label of a node is its attribute
`name` (a label that only repeats the id is no name), other attributes keep their names. Links are
undirected and have a `weight`, 1 where a file gives none. What is unknown is absent.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from copy import deepcopy
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from collabnet import pajek, vosviewer
from collabnet.errors import InputError, SchemaError, UnknownNameError
from collabnet.exports import replacing
from collabnet.privacy import guard, is_mobile
from collabnet.readers.source import Source, within_memory
from collabnet.vosviewer import Attributes, Link, Nodes, known, link, named

if TYPE_CHECKING:
    import networkx as nx

EDGES = {
    "source": "string",
    "target": "string",
    "weight": "float64",
    "activities": "Int64",
    "first": "Int64",
    "last": "Int64",
}
NODE_COLUMNS = ("name", "country", "city", "lat", "lon", "nuts3", "type")
NESTED = {dict, list}
# Names with a meaning of their own in GEXF; attributes called so are written behind a `_`.
GEXF_OWN = {
    *("id", "label", "pid", "type", "key", "start", "end", "viz", "parents", "spells", "slices"),
}


def to_graph(edges: pd.DataFrame, institutions: pd.DataFrame | None = None) -> nx.Graph:
    """Return an edges table as an undirected graph; the inverse of `to_edges`.

    The nodes are those of the edges: an institution without an edge is none, an id that
    `institutions` does not know is one, without attributes.

    Parameters
    ----------
    edges
        `source`, `target`, `weight` and what else is known of each pair, which becomes attributes
        of the edge. The note becomes `graph.graph["note"]`.
    institutions
        Table of institutions; gives the nodes their `name`, `country`, `city`, `lat`, `lon`
        (degrees), `nuts3` and `type`, each only where it is known.

    Raises
    ------
    SchemaError
        A column is missing, an end is unknown, a pair stands in two rows or joins an id to itself.

    Examples
    --------
    >>> edges = pd.DataFrame({"source": ["BE"], "target": ["FR"], "weight": [2.0]})
    >>> to_graph(edges).edges["FR", "BE"]
    {'weight': 2.0}
    """
    import networkx as nx

    check_edges(edges)
    graph = nx.Graph(note=deepcopy(edges.attrs.get("note", {})))
    rest = edges.drop(columns=["source", "target"])
    names = list(map(str, rest))
    numbers = all(pd.api.types.is_numeric_dtype(rest[name]) for name in rest)
    attributes = dict if numbers and rest.notna().all(axis=None) else known
    ends = (edges["source"].tolist(), edges["target"].tolist())
    graph.add_edges_from(
        (source, target, attributes(zip(names, row, strict=True)))
        for source, target, *row in zip(*ends, *(rest[n].tolist() for n in rest), strict=True)
    )
    _describe(graph, institutions)
    return graph


def to_edges(graph: nx.Graph) -> pd.DataFrame:
    """Return a graph as an edges table; the inverse of `to_graph`.

    Parameters
    ----------
    graph
        An undirected graph without parallel edges. Edges of a node with itself are left out:
        an edges table pairs two different ids.

    Returns
    -------
    `source` < `target`, `weight` (1 where the edge has none), `activities`, `first`, `last`;
    one row a pair, sorted; the note in `attrs`.

    Raises
    ------
    SchemaError
        The graph is directed or has parallel edges.

    Examples
    --------
    >>> import networkx as nx
    >>> to_edges(nx.Graph([("FR", "BE")])).values.tolist()
    [['BE', 'FR', 1.0, <NA>, <NA>, <NA>]]
    """
    graph = simple(graph)
    rows = [
        (*sorted((str(a), str(b))), data.get("weight", 1), *map(data.get, list(EDGES)[3:]))
        for a, b, data in graph.edges(data=True)
        if a != b
    ]
    edges = pd.DataFrame(rows, columns=list(EDGES)).astype(EDGES)
    if edges["activities"].notna().all():
        edges["activities"] = edges["activities"].astype("int64")
    edges = edges.sort_values(["source", "target"], ignore_index=True)
    edges.attrs["note"] = deepcopy(graph.graph.get("note", {}))
    return edges


def read_graph(nodes: str | Path, *more: str | Path) -> nx.Graph:
    """Read a graph file of VOSviewer, Pajek, Gephi or networkx; the content tells the format.

    As in VOSviewer, links of a node with itself are left out and repeated links added up (of these
    only the weight is kept); `note["not_read"]` counts them, and the links whose direction was
    dropped. Of a drawing, places are read (`x`, `y`); colours and sizes are not. In a Pajek network
    labels are the ids (numbers, where labels repeat), and two arcs, there and back, of the same
    weight are one edge of that weight; those of other weights are added up and counted.

    Parameters
    ----------
    nodes
        A VOSviewer JSON, GraphML, GEXF or Pajek `.net` file, or the map file of a VOSviewer map and
        network. A file in a zip is named behind it: `years.zip/2023.net`.
    more
        The network file that goes with a map file; or vectors and partitions (`.vec`, `.clu`) that
        go with a Pajek network: each becomes an attribute of the nodes, named as the file without
        its suffix (with it, where the nodes have that attribute already).

    Returns
    -------
    Undirected graph; its `note` is that of the file, where it has one.

    Raises
    ------
    InputError
        A file is missing, empty, damaged or not a graph, or a link names an unknown node or has a
        weight that is no number from 0 up.
    UnknownNameError
        A zip holds no file of that name.

    Examples
    --------
    >>> import tempfile
    >>> links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.5]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     graph = read_graph(write_graph(links, f"{folder}/graph.gexf"))
    >>> graph["A"]["B"]["weight"]
    1.5
    """
    with within_memory(nodes):
        return _read(*(Source.open(Path(path)) for path in (nodes, *more)))


def _read(source: Source, *rest: Source) -> nx.Graph:
    directed = 0
    if source.is_pajek:
        found, pairs, note, directed = pajek.read_net(source)
        for vector in rest:
            pajek.add_vector(vector, found)
        return _assemble(found, pairs, note, directed)
    if "id" in map(str.lower, source.columns):
        if len(rest) != 1:
            raise InputError(
                f"{source.name}: a VOSviewer map holds no links. Give its network file too, and "
                f"no other: read_graph({source.name!r}, NETWORK)."
            )
        found = vosviewer.read_map(source)
        return _assemble(found, vosviewer.read_network(rest[0], found), {})
    if source.is_json:
        found, pairs, note = vosviewer.read_json(source)
    elif re.search(r"<(graphml|gexf)\b", source.head[:2000]):
        found, pairs, note, directed = _read_xml(source)
    else:
        raise InputError(
            f"{source.name}: not a graph file. Give a VOSviewer map (columns id, label …) and "
            "network, VOSviewer JSON, GraphML, GEXF or a Pajek .net."
        )
    if rest:
        raise InputError(
            f"{source.name}: holds its links itself. Leave {rest[0].name} out, or give a map "
            "file first."
        )
    return _assemble(found, pairs, note, directed)


def write_graph(
    graph: nx.Graph | pd.DataFrame,
    path: str | Path,
    *,
    institutions: pd.DataFrame | None = None,
) -> Path:
    """Write a graph for Gephi, Pajek, VOSviewer or networkx; `read_graph` gives it back.

    The format follows the suffix. All is kept, with the note, in `.graphml`, `.gexf`, and `.json`
    for VOSviewer Online, where each node gets the weights *Links* (its degree) and *Total link
    strength* unless it has them. Characters that XML cannot hold become U+FFFD. Others hold less:
    `.net` ids, names, places (`x`, `y`), weights and the note; `strength.vec` and `cluster.clu` the
    attribute they are named after; `…map.txt` what VOSviewer takes of the nodes, and beside it
    `…network.txt` the weights of the links. Numbers of mobile persons are rounded and what is
    derived from them is left out, as `export_table` does, and so are links of too few persons.

    Parameters
    ----------
    graph
        A graph, or an edges table.
    path
        The file; what stands there is replaced at once, and only by a whole file.
    institutions
        Table of institutions that describes the nodes; see `to_graph`.

    Returns
    -------
    The path written.

    Raises
    ------
    UnknownNameError
        The suffix is none of these.
    SchemaError
        The graph is directed or has parallel edges, or the table is not an edges table.
    InputError
        The file cannot be written, or the format cannot hold a value.

    Examples
    --------
    >>> import tempfile
    >>> links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.5]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_graph(links, f"{folder}/graph.graphml").name
    'graph.graphml'
    """
    path = Path(path)
    suffix = next((s for s in GRAPH_SUFFIXES if path.name.lower().endswith(s)), None)
    if suffix is None:
        raise UnknownNameError("graph format", path.suffix, GRAPH_SUFFIXES)
    graph = to_graph(graph) if isinstance(graph, pd.DataFrame) else graph
    plain = _portable(_guarded(simple(graph)), institutions)
    try:
        files = {path: GRAPH_SUFFIXES[suffix](plain, path.name)}
        if suffix == "map.txt":
            beside = path.with_name(f"{path.name[: -len(suffix)]}network.txt")
            files[beside] = vosviewer.to_network(plain, beside.name)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path.name}: a value cannot be written ({error}).") from None
    with ExitStack() as stack:
        for file, content in files.items():
            stack.enter_context(replacing(file)).write_bytes(content)
    return path


def _guarded(graph: nx.Graph) -> nx.Graph:
    """Return a graph of mobility as it may be handed on; links of too few persons are left out."""
    import networkx as nx

    if not is_mobile(note := graph.graph.get("note")):
        return graph
    units = pd.DataFrame([data | {"unit": node} for node, data in graph.nodes(data=True)])
    ties = ({"source": a, "target": b, "weight": 1} | data for a, b, data in graph.edges(data=True))
    links = pd.DataFrame(ties, columns=None if graph.size() else ["source", "target", "weight"])
    units.attrs["note"] = links.attrs["note"] = note
    links = guard(links).dropna(subset="weight").drop(columns="masked")
    copy = nx.Graph(note=links.attrs["note"])
    for row in guard(units).drop(columns="masked", errors="ignore").to_dict("records"):
        copy.add_nodes_from([(row.pop("unit"), known(row.items()))])
    for row in links.to_dict("records"):
        copy.add_edges_from([(row.pop("source"), row.pop("target"), known(row.items()))])
    return copy


def _describe(graph: nx.Graph, institutions: pd.DataFrame | None) -> None:
    if institutions is None:
        return
    rows = institutions[institutions["institution_id"].isin(list(graph))].astype(object)
    for row in rows.reindex(columns=["institution_id", *NODE_COLUMNS]).to_dict("records"):
        node = row.pop("institution_id")
        graph.nodes[node].update(named(node, None, row))


def check_edges(edges: pd.DataFrame) -> None:
    """Raise a SchemaError where a table is not one of edges: known ends and weight, a pair once."""
    missing = [name for name in ("source", "target", "weight") if name not in edges]
    if missing:
        raise SchemaError(
            "An edges table has the columns source, target and weight; this one lacks "
            f"{', '.join(missing)} and has {', '.join(map(str, edges.columns))}."
        )
    source, target = edges["source"], edges["target"]
    if source.isna().any() or target.isna().any():
        raise SchemaError("Edges table: a row has no source or no target. Drop it or complete it.")
    first = source < target
    ends = pd.DataFrame({"a": source.where(first, target), "b": target.where(first, source)})
    faults = {"joins an id to itself": source == target, "stands in two rows": ends.duplicated()}
    for fault, rows in faults.items():
        if rows.any():
            pair = ", ".join(map(str, edges.loc[rows, ["source", "target"]].iloc[0]))
            raise SchemaError(f"Edges table: the pair {pair} {fault}. Merge or drop it.")
    weight = pd.to_numeric(edges["weight"], errors="coerce").to_numpy("float64", na_value=np.nan)
    if not ((weight >= 0) & np.isfinite(weight)).all():
        raise SchemaError("Edges table: a weight is not a number of 0 or more. Drop such links.")


def simple(graph: nx.Graph) -> nx.Graph:
    """Return a graph as networkx's own, of whatever backend it is; directed ones are refused."""
    import networkx as nx

    if graph.is_directed() or graph.is_multigraph():
        raise SchemaError(
            "The graph is directed or has parallel edges, an undirected nx.Graph is expected. "
            "Add the weights of parallel edges up first."
        )
    if isinstance(graph, nx.Graph):
        return graph
    # networkx copies graphs from one backend to another only on the way into a function.
    return nx.relabel_nodes(graph, {}, backend="networkx")


def _assemble(nodes: Nodes, links: Iterable[Link], note: Attributes, directed: int = 0) -> nx.Graph:
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(nodes.items())
    lost = {"links with itself": 0, "repeated links": 0, "directions of links": directed}
    for source, target, data in links:
        if source == target:
            lost["links with itself"] += 1
        elif graph.has_edge(source, target):
            lost["repeated links"] += 1
            sole = graph.edges[source, target]
            weight = sole["weight"] + data["weight"]
            sole.clear()
            sole["weight"] = weight
        else:
            graph.add_edges_from([(source, target, data)])
    counted = {what: n for what, n in lost.items() if n}
    graph.graph["note"] = {**note, "not_read": counted} if counted else note
    return graph


def _portable(graph: nx.Graph, institutions: pd.DataFrame | None) -> nx.Graph:
    """Copy a graph with text ids, weights, and values that every format can hold."""
    import networkx as nx

    def plain(data: Mapping[str, Any]) -> Attributes:
        return {
            _text(name): value if isinstance(value, int | float | dict | list) else _text(value)
            for name, value in known(data.items()).items()
        }

    graph = simple(graph)
    described = graph.copy()
    _describe(described, institutions)
    note = json.dumps(graph.graph.get("note") or {}, default=str)
    copy = nx.Graph(note=json.loads(note, parse_constant=lambda _: None))
    for node, data in described.nodes(data=True):
        copy.add_nodes_from([(_text(node), named(_text(node), None, plain(data)))])
    for a, b, data in graph.edges(data=True):
        copy.add_edges_from([(_text(a), _text(b), {"weight": 1, **plain(data)})])
    if len(copy) < len(graph):
        raise InputError(
            "Two nodes of the graph have the same id once written as text. Rename one."
        )
    return copy


def _text(value: Any) -> str:
    """Write a value as text that XML 1.0 can hold."""
    lines = str(value).replace("\r\n", "\n").replace("\r", "\n")
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", lines)


def _to_graphml(graph: nx.Graph, _name: str) -> bytes:
    import networkx as nx

    file = io.BytesIO()
    nx.write_graphml_xml(_uniform(graph), file)
    return file.getvalue()


def _to_gexf(graph: nx.Graph, _name: str) -> bytes:
    import networkx as nx

    uniform = _uniform(graph)
    note = escape(uniform.graph.pop("note"))
    for view, own in ((uniform.nodes, GEXF_OWN - {"type"}), (uniform.edges, GEXF_OWN)):
        for data in view.values():
            for name in own & data.keys():
                data[f"_{name}"] = data.pop(name)
    for node, data in uniform.nodes.items():
        data["label"] = data.get("name", node)
    file = io.BytesIO()
    nx.write_gexf(uniform, file)
    meta = f"<meta><creator>collabnet</creator><description>{note}</description></meta>".encode()
    # networkx leaves the note out, and writes today's date: the same graph makes the same file.
    return re.sub(rb"<meta.*?</meta>", lambda _: meta, file.getvalue(), count=1, flags=re.DOTALL)


def _uniform(graph: nx.Graph) -> nx.Graph:
    """Copy a graph with one type of value an attribute, as XML declares it; the note is text."""
    copy = graph.copy()
    copy.graph = {"note": _text(json.dumps(graph.graph["note"], ensure_ascii=False))}
    for view in (copy.nodes, copy.edges):
        kinds = defaultdict(set)
        for data in view.values():
            for name, value in data.items():
                kinds[name].add(type(value))
        for data in view.values():
            for name, value in data.items():
                if kinds[name] == {int, float}:
                    data[name] = float(value)
                elif not isinstance(value, str) and (len(kinds[name]) > 1 or kinds[name] & NESTED):
                    data[name] = _text(json.dumps(value, ensure_ascii=False, default=str))
    return copy


def _read_xml(source: Source) -> tuple[Nodes, list[Link], Attributes, int]:
    import networkx as nx
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    with source.unpacked() as file:
        raw = file.read()
    try:
        root = fromstring(raw)
        is_gexf = root.tag.endswith("gexf")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = (nx.read_gexf if is_gexf else nx.read_graphml)(io.BytesIO(raw))
    except DefusedXmlException:
        raise InputError(
            f"{source.name}: declares XML entities, which can do harm and are not read. Export the "
            "graph again without them."
        ) from None
    except ParseError as error:
        raise InputError(
            f"{source.name}, line {error.position[0]}: not XML; cut short? Export it again."
        ) from None
    except Exception as error:
        # networkx meets a bad file with a KeyError, TypeError, RuntimeError … as it happens.
        raise InputError(
            f"{source.name}: not a graph as networkx knows it ({error}). Export it again."
        ) from None
    text = root.findtext("{*}meta/{*}description") if is_gexf else found.graph.get("note")
    try:
        note = {**json.loads(text or "{}")}
    except (ValueError, TypeError):
        note = {"what": text}

    def own(data: Attributes, scope: str) -> Attributes:
        data = found.graph.get(f"{scope}_default", {}) | data
        return {k[1:] if k[:1] == "_" and k[1:] in GEXF_OWN else k: v for k, v in data.items()}

    nodes: Nodes = {}
    for node, data in found.nodes(data=True):
        place = data.pop("viz", {}).get("position", {})
        label = data.pop("label", None) if is_gexf or "name" not in data else None
        attributes = {k: v for k, v in place.items() if k in {"x", "y"}} | own(data, "node")
        nodes[node] = named(node, label, attributes)
    links = []
    for source_id, target_id, data in found.edges(data=True):
        data.pop("id", None)
        attributes = own(data, "edge")
        ends = (source_id, target_id)
        a, b, weight = link(ends, attributes.get("weight", 1), nodes, source.name)
        links.append((a, b, known(attributes.items()) | weight))
    return nodes, links, note, len(links) if found.is_directed() else 0


GRAPH_SUFFIXES = {
    ".clu": pajek.to_vector,
    ".gexf": _to_gexf,
    ".graphml": _to_graphml,
    ".json": vosviewer.to_json,
    ".net": pajek.to_net,
    ".vec": pajek.to_vector,
    "map.txt": vosviewer.to_map,
}
