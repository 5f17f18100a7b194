"""Pajek: networks (`.net`), and vectors and partitions (`.vec`, `.clu`) of their vertices.

The label of a vertex is its id, its number where it has none. Where labels repeat, all ids are
numbers and the labels are names. Pajek has one text a vertex: `to_net` writes the name, and the id
and the note in comments, which Pajek skips.
Format: http://vladowiki.fmf.uni-lj.si/doku.php?id=pajek:faq:format.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from collabnet.errors import InputError
from collabnet.readers.source import Source
from collabnet.vosviewer import Attributes, Link, Nodes, link, named

if TYPE_CHECKING:
    import networkx as nx

OWN = "% collabnet "
DIRECTED = {"arcs", "arcslist", "matrix"}
SECTIONS = {"network", "vertices", "edges", "edgeslist", *DIRECTED}
UNLISTED = 100_000
"""Vertices a file may have beyond one a line; above it the header is not believed."""
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
VERTEX = re.compile(
    r'(\d{1,12})(?:\s+(?:"(?P<quoted>.*?)"(?!\S)|(?P<bare>[^\s"]\S*)))?'
    rf'(?:\s+(?P<x>{NUMBER})\s+(?P<y>{NUMBER})(?!\S))?[^"]*(?:"[^"]*"[^"]*)*',
    re.IGNORECASE,
)


def read_net(source: Source) -> tuple[Nodes, list[Link], Attributes, int]:
    """Read a network: nodes, links, note, and how many links lose their direction."""
    size, lines = _lines(source)
    listed: dict[str, re.Match[str]] = {}
    found: list[tuple[Link, bool]] = []
    note: Attributes = {}
    own: dict[str, tuple[str, Any]] = {}
    numbers, rows = dict.fromkeys(map(str, range(1, size + 1))), 0
    for place, section, line in lines:
        if line.startswith(OWN):
            _take(place, line, note, own)
        elif section == "vertices":
            vertex = VERTEX.fullmatch(line)
            number = str(int(vertex[1])) if vertex else ""
            if vertex is None or number not in numbers or number in listed:
                raise InputError(
                    f"{place}: not a vertex: its number (1 to {size}, each once), its label in "
                    "double quotes. Give a network first, then its vectors and partitions."
                )
            listed[number] = vertex
        elif section != "%":
            rows += section == "matrix"
            for a, b, weight in _links(place, section, line, rows, size):
                found.append((link((a, b), weight, numbers, place), section in DIRECTED))
    if rows not in {0, size}:
        raise InputError(f"{source.name}: a matrix of {rows} rows, for {size} vertices. Cut short?")
    labels = {n: ((v := listed.get(n)) and (v["quoted"] or v["bare"])) or n for n in numbers}
    ids = {n: own[n][0] if n in own else label for n, label in labels.items()}
    if len(set(ids.values())) < size:
        ids = {n: n for n in numbers}
    nodes: Nodes = {}
    for n, node in ids.items():
        vertex = listed.get(n)
        xy = {axis: float(vertex[axis]) for axis in "xy" if vertex[axis]} if vertex else {}
        nodes[node] = named(node, own[n][1] if n in own else labels[n], xy)
    links, directed = _undirected(found)
    return nodes, [(ids[a], ids[b], data) for a, b, data in links], note, directed


def add_vector(source: Source, nodes: Nodes) -> None:
    """Give the nodes the values of a vector or partition, as an attribute named after the file."""
    size, lines = _lines(source)
    cells = [(place, line) for place, section, line in lines if section != "%"]
    if not size == len(nodes) == len(cells):
        raise InputError(
            f"{source.name}: {len(cells)} values for {size} vertices; a vector or partition of "
            f"this network has one for each of its {len(nodes)} vertices."
        )
    for place, cell in cells:
        if not re.fullmatch(NUMBER, cell, re.IGNORECASE):
            raise InputError(f"{place}: {cell[:40]!r} is not a number.")
    whole = all(re.fullmatch(r"[+-]?\d{1,300}", cell) for _, cell in cells)
    stem = source.name.rpartition(".")[0] or source.name
    name = source.name if any(stem in data for data in nodes.values()) else stem
    for data, (_, cell) in zip(nodes.values(), cells, strict=True):
        data[name] = int(cell) if whole else float(cell)


def to_net(graph: nx.Graph, name: str) -> bytes:
    """Return a graph with text ids as a Pajek network; the inverse of `read_net`."""
    numbers = {node: n for n, node in enumerate(graph, start=1)}
    comments: list[Attributes] = [{"note": graph.graph["note"]}]
    lines = [f"*Vertices {len(graph)}"]
    for node, data in graph.nodes(data=True):
        label = " ".join(str(data.get("name", node)).replace('"', "'").split())
        if "name" in data or label != node or not label:
            comments.append({str(numbers[node]): [node, data.get("name")]})
        x, y = data.get("x"), data.get("y")
        place = f" {x!r} {y!r}" if _is_number(x) and _is_number(y) else ""
        lines.append(f'{numbers[node]} "{label}"{place}')
    lines.append("*Edges")
    for source, target, data in graph.edges(data=True):
        a, b, weight = link((source, target), data["weight"], numbers, name)
        lines.append(f"{numbers[a]} {numbers[b]} {weight['weight']!r}")
    text = "".join(f"{line}\r\n" for line in [*(OWN + json.dumps(c) for c in comments), *lines])
    return text.encode("ascii" if text.isascii() else "utf-8-sig")


def to_vector(graph: nx.Graph, name: str) -> bytes:
    """Return the attribute a file is named after as a vector, or a partition (`.clu`)."""
    attribute, _, suffix = name.rpartition(".")
    whole = suffix.lower() == "clu"
    lines = [f"*Vertices {len(graph)}"]
    for node, value in graph.nodes(data=attribute):
        if not (type(value) is int and value >= 0 if whole else _is_number(value)):
            raise InputError(
                f"{name}: the attribute {attribute!r}, after which the file is named, must be a "
                f"{'whole number from 0 up' if whole else 'number'} for every node; of {node!r} it "
                f"is {value!r}."
            )
        lines.append(repr(value))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and abs(value) < math.inf


def _lines(source: Source) -> tuple[int, list[tuple[str, str, str]]]:
    """Return the number of vertices, and all other lines with their place and section."""
    size, section, lines = -1, "", []
    with source.text() as file:
        for n, line in enumerate(map(str.strip, file), start=1):
            place = f"{source.name}, line {n}"
            if line.startswith("*"):
                section = line[1:].split(maxsplit=1)[0].lower() if line[1:].strip() else ""
                stated = re.match(r"\*vertices\s+(\d{1,18})(?!\S)", line, re.IGNORECASE)
                if section not in SECTIONS or (section == "vertices" and (not stated or size >= 0)):
                    raise InputError(
                        f"{place}: {line[:40]!r} is not read: one network is, that says *Vertices "
                        "and their number once, then *Edges, *Arcs, their lists or a *Matrix."
                    )
                size = int(stated[1]) if stated else size
            elif line:
                lines.append((place, "%" if line[0] == "%" else section, line))
    if size < 0:
        raise InputError(f"{source.name}: not of Pajek: no line says *Vertices and their number.")
    if size > max(UNLISTED, len(lines)):
        raise InputError(
            f"{source.name}: says it has {size} vertices and has only {len(lines)} lines. Correct "
            "the number, or list the vertices."
        )
    return size, lines


def _take(place: str, line: str, note: Attributes, own: dict[str, tuple[str, Any]]) -> None:
    try:
        said = json.loads(line.removeprefix(OWN))
        note |= said.pop("note", {})
        own |= {n: (str(node), name) for n, (node, name) in said.items()}
    except (AttributeError, RecursionError, TypeError, ValueError):
        raise InputError(f"{place}: a damaged comment of collabnet. Remove the line.") from None


def _links(
    place: str, section: str, line: str, row: int, size: int
) -> list[tuple[str, str, str | int]]:
    """Return the links of one line: its two ends and what stands as the weight."""
    cells = re.sub(r"^\d+:\s", "", line).split()  # the number of a relation
    if section == "matrix" and len(cells) == size >= row:
        return [(str(row), str(n), c) for n, c in enumerate(cells, start=1) if c.strip("0.")]
    if section in {"arcslist", "edgeslist"}:
        return [(cells[0], end, 1) for end in cells[1:]]
    if section in {"arcs", "edges"} and len(cells) > 1:
        stated = len(cells) > 2 and not cells[2].startswith("[")
        return [(cells[0], cells[1], cells[2] if stated else 1)]
    raise InputError(
        f"{place}: not as Pajek has it: two vertices and a weight a line, or in a *Matrix as many "
        f"rows and numbers a row as there are vertices ({size})."
    )


def _undirected(found: list[tuple[Link, bool]]) -> tuple[list[Link], int]:
    """Take arcs of the same weight in both directions for one edge; count the other arcs."""
    links, directed = [edge for edge, is_arc in found if not is_arc], 0
    arcs = defaultdict(list)
    for arc, is_arc in found:
        if is_arc:
            arcs[arc[:2]].append(arc)
    totals = {ends: math.fsum(d["weight"] for *_, d in group) for ends, group in arcs.items()}
    for (a, b), group in arcs.items():
        if totals[a, b] != totals.get((b, a)):
            links += group
            directed += len(group)
        elif a <= b:
            links += group
    return links, directed
