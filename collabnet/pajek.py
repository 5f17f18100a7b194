"""Pajek: networks (`.net`), and vectors and partitions (`.vec`, `.clu`) of their vertices.

The label of a vertex is its id, its number where it has none; where labels repeat, all ids are
numbers. A vertex has one text, for which `to_net` takes the name; ids and note are in a comment.
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
UNLISTED = 100_000  # vertices a file is believed to have without a line for each
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
VERTEX = re.compile(
    r'0*(\d{1,12})(?:\s+(?:"(.*?)"(?!\S)|([^\s"]\S*)))?'
    rf'(?:\s+({NUMBER})\s+({NUMBER})(?!\S))?[^"]*(?:"[^"]*"[^"]*)*',
    re.IGNORECASE,
)


def read_net(source: Source) -> tuple[Nodes, list[Link], Attributes, int]:
    """Read a network: nodes, links, note, and how many links lose their direction."""
    size, lines = _lines(source)
    vertices: Nodes = {str(n): {} for n in range(1, size + 1)}
    links, arcs, own, row = [], defaultdict(list), {}, 0
    for place, section, line in lines:
        if section == "vertices":
            vertex = VERTEX.fullmatch(line)
            number, quoted, bare, *xy = vertex.groups("") if vertex else [""] * 3
            if vertices.get(number) != {}:
                wanted = f"its number (1 to {size}, each once) and its label in double quotes"
                raise InputError(f"{place}: not a vertex ({wanted}). Give a network file first.")
            known = dict(zip("xy", map(float, filter(None, xy)), strict=False))
            vertices[number] = {"name": quoted or bare or number, **known}
        elif section != "%":
            row += section == "matrix"
            for a, b, stated in _links(place, section, line, row, size):
                found = link((a, b), stated, vertices, place)
                (arcs[a, b] if section in DIRECTED else links).append(found)
        elif line.startswith(OWN):
            own = _own(place, line, size)
    if row not in {0, size}:
        raise InputError(f"{source.name}: a matrix of {row} rows, for {size} vertices. Cut short?")
    kept, directed, differing = _both_ways(arcs)
    links += kept
    ids = {n: data.get("name", n) for n, data in vertices.items()}
    ids = ids if len(set(ids.values())) == size else {n: n for n in ids}
    for (n, data), (node, name) in zip(vertices.items(), own.get("nodes", ()), strict=False):
        ids[n], data["name"] = node, name
    nodes = {ids[n]: named(ids[n], data.pop("name", None), data) for n, data in vertices.items()}
    note = own.get("note", {})
    if differing:
        note |= {"two_values": [[ids[a], ids[b], *values] for a, b, *values in differing]}
    return nodes, [(ids[a], ids[b], d) for a, b, d in links], note, directed


def _both_ways(arcs: dict[tuple[str, str], list[Link]]) -> tuple[list[Link], int, list[Any]]:
    """Return arcs without direction: of a matrix written twice one half, else all, and how many.

    Of a pair of such a matrix whose two values differ the larger stays (a count misses works, it
    invents none), and both are returned.
    """
    totals = {ends: math.fsum(data["weight"] for *_, data in arcs[ends]) for ends in arcs}
    twice = [ends for ends in arcs if ends < ends[::-1] in arcs]
    mirrored = 2 * sum(totals[ends] == totals[ends[::-1]] for ends in twice) > len(twice)
    links, directed, differing = [], 0, []
    for ends, group in arcs.items():
        there, back = totals[ends], totals.get(ends[::-1], -1)
        if there != back and (back < 0 or not mirrored):
            directed += len(group)
            links += group
        elif there > back or (there == back and ends <= ends[::-1]):
            links += group
            differing += [(*ends, there, back)] if there > back else []
    return links, directed, differing


def add_vector(source: Source, nodes: Nodes) -> None:
    """Give the nodes the values of a vector or partition, as an attribute named after the file."""
    size, lines = _lines(source)
    cells = [(place, line) for place, section, line in lines if section != "%"]
    if not size == len(nodes) == len(cells):
        said = f"{len(cells)} values for {size} vertices, where the network has {len(nodes)}"
        raise InputError(f"{source.name}: {said}. Give the vectors that go with it.")
    whole = all(re.fullmatch(r"[+-]?\d{1,300}", cell) for _, cell in cells)
    stem = source.name.rpartition(".")[0] or source.name
    name = source.name if any(stem in data for data in nodes.values()) else stem
    for data, (place, cell) in zip(nodes.values(), cells, strict=True):
        if not re.fullmatch(NUMBER, cell, re.IGNORECASE):
            raise InputError(f"{place}: {cell[:40]!r} is not a number.")
        data[name] = int(cell) if whole else float(cell)


def to_net(graph: nx.Graph, name: str) -> bytes:
    """Return a graph with text ids as a Pajek network; the inverse of `read_net`."""
    numbers = {node: n for n, node in enumerate(graph, start=1)}
    own = {"note": graph.graph["note"], "nodes": [*graph.nodes(data="name")]}
    lines = [OWN + json.dumps(own), f"*Vertices {len(graph)}"]
    for node, data in graph.nodes(data=True):
        label = " ".join(str(data.get("name", node)).replace('"', "'").split())
        xy = [data.get("x"), data.get("y")]
        place = " {!r} {!r}".format(*xy) if all(map(_is_number, xy)) else ""
        lines.append(f'{numbers[node]} "{label}"{place}')
    lines.append("*Edges")
    for source, target, data in graph.edges(data=True):
        *_, known = link((source, target), data["weight"], numbers, name)
        lines.append(f"{numbers[source]} {numbers[target]} {known['weight']!r}")
    text = "".join(f"{line}\r\n" for line in lines)
    return text.encode("ascii" if text.isascii() else "utf-8-sig")


def to_vector(graph: nx.Graph, name: str) -> bytes:
    """Return the attribute a file is named after as a vector, or a partition (`.clu`)."""
    attribute, _, suffix = name.rpartition(".")
    whole = suffix.lower() == "clu"
    for node, value in graph.nodes(data=attribute):
        if not (type(value) is int and value >= 0 if whole else _is_number(value)):
            kind = "whole number from 0 up" if whole else "number"
            raise InputError(
                f"{name}: the attribute {attribute!r}, after which the file is named, must be a "
                f"{kind} for every node; of {node!r} it is {value!r}."
            )
    values = [f"{value!r}\r\n" for _, value in graph.nodes(data=attribute)]
    return f"*Vertices {len(values)}\r\n{''.join(values)}".encode()


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and abs(value) < math.inf


def _lines(source: Source) -> tuple[int, list[tuple[str, str, str]]]:
    """Return the number of vertices, and all other lines with their place and section."""
    size, section, lines = -1, "", []
    with source.text() as file:
        for n, line in enumerate(map(str.strip, file), start=1):
            place = f"{source.name}, line {n}"
            if line.startswith("*"):
                section = line[1:].lower().split(maxsplit=1)[0] if line[1:] else ""
                stated = re.match(r"\*vertices\s+(\d{1,18})(?!\S)", line, re.IGNORECASE)
                if section not in SECTIONS or (section == "vertices" and (not stated or size >= 0)):
                    wanted = "one network of *Vertices (how many?) and *Edges, *Arcs or a *Matrix"
                    raise InputError(f"{place}: {line[:40]!r} is not read, only {wanted} is.")
                size = int(stated[1]) if stated else size
            elif line:
                lines.append((place, "%" if line[0] == "%" else section, line))
    if not 0 <= size <= max(UNLISTED, len(lines)):
        said = f"says it has {size} vertices in {len(lines)} lines" if size > 0 else "not of Pajek"
        raise InputError(f"{source.name}: {said}. Say *Vertices and how many there are.")
    return size, lines


def _own(place: str, line: str, size: int) -> Attributes:
    try:
        own = json.loads(line.removeprefix(OWN))
        ids = {str(node): name for node, name in own["nodes"]}
        if len(ids) == len(own["nodes"]) == size:
            return {"note": {**own["note"]}, "nodes": ids.items()}
    except (KeyError, RecursionError, TypeError, ValueError):
        pass
    raise InputError(f"{place}: a comment of collabnet, damaged or of other nodes. Remove it.")


def _links(place: str, section: str, line: str, row: int, size: int) -> list[tuple[str, str, Any]]:
    """Return the links of one line: its two ends and what stands as the weight."""
    cells = re.sub(r"^\d+:\s", "", line).split()  # the number of a relation
    if section == "matrix" and len(cells) == size >= row:
        return [(str(row), str(n), c) for n, c in enumerate(cells, start=1) if c.strip("0.")]
    if section in {"arcslist", "edgeslist"}:
        return [(cells[0], end, 1) for end in cells[1:]]
    if section in {"arcs", "edges"} and len(cells) > 1:
        stated = len(cells) > 2 and cells[2][0] != "["  # else it is the time the link lasted
        return [(cells[0], cells[1], cells[2] if stated else 1)]
    wanted = f"{size} rows of {size}" if section == "matrix" else "two vertices and a weight a line"
    raise InputError(f"{place}: {len(cells)} values, where Pajek has {wanted}. Correct it there.")
