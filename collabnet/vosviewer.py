"""VOSviewer files: map and network, and the JSON of VOSviewer Online.

A file becomes nodes (id → attributes) and links (id, id, attributes) as `graphs` takes them: ids
are text, the label of a node is its `name` (a label that only repeats the id is no name), other
attributes are called as in VOSviewer: `x`, `y`, `cluster`, `weight<Links>`, `score<…>`. What is
unknown is absent. Formats: https://app.vosviewer.com/docs/file-types/.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from collabnet.errors import InputError
from collabnet.exports import note_lines
from collabnet.readers.source import Source

if TYPE_CHECKING:
    import networkx as nx

Attributes = dict[str, Any]
Nodes = dict[str, Attributes]
Link = tuple[str, str, Attributes]

OWN = "collabnet"
SLOTS = {"id", "label", "weights", "scores", "source_id", "target_id", "strength", "attributes"}
RESERVED = SLOTS | {"name", "description", "url", "x", "y", "cluster"}
GROUP = re.compile(r"(weight|score)<(.*)>", re.DOTALL)
NUMBERS = ((r"[+-]?\d{1,300}", int), (r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", float))
# Ids that VOSviewer Online would take for a number of another spelling (some ROR ids: `013456789`,
# `0123e4567`), then miss at the ends of links. They are written behind `id:`, and read so.
NUMBER_LIKE = re.compile(
    r"(id:)*(?!(0|[1-9]\d{0,14})$)"
    r"\s*([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|0[xob][\da-f]+|[+-]?infinity|nan|null|)\s*",
    re.IGNORECASE,
)


def known(values: Iterable[tuple[Any, Any]]) -> Attributes:
    """Keep the values that are known, as plain Python ones."""
    return {
        str(name): value.item() if isinstance(value, np.generic) else value
        for name, value in values
        if not pd.api.types.is_scalar(value) or (pd.notna(value) and str(value).strip())
    }


def named(node: str, label: Any, attributes: Mapping[str, Any]) -> Attributes:
    """Return the known attributes of a node, with its label as `name` where it says something."""
    data = known([("name", None if label is None else str(label)), *attributes.items()])
    return data if data.get("name") != node else {k: v for k, v in data.items() if k != "name"}


def link(ends: tuple[str, str], weight: Any, nodes: Collection[str], place: str) -> Link:
    """Return a link whose ends are among the nodes and whose weight is a number from 0 up."""
    for end in ends:
        if end not in nodes:
            raise InputError(
                f"{place}: a link names the node {end!r}, which is not among the nodes. Check that "
                "nodes and links belong together."
            )
    try:
        number = float("nan" if isinstance(weight, bool) else weight)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise InputError(
            f"{place}: the weight {weight!r} of a link is not a number from 0 up. Correct it there."
        )
    return *ends, {"weight": number}


def read_map(source: Source) -> Nodes:
    """Read a map file: a header with `id`, one line a node; columns are numbers where all are."""
    (_, header), *lines = _lines(source, source.delimiter)
    header = [name if "<" in name else name.lower() for name in header]
    for place, row in lines:
        if len(row) != len(header):
            raise InputError(
                f"{place}: {len(row)} columns where the header has {len(header)}. Put a label that "
                "holds the delimiter in double quotes."
            )
    places = [place for place, _ in lines]
    columns = zip(header, zip(*(row for _, row in lines), strict=True), strict=False)
    typed = [_typed(name, column, places) for name, column in columns]
    nodes: Nodes = {}
    for place, row in zip(places, zip(*typed, strict=True), strict=True):
        data = dict(zip(header, row, strict=True))
        node, label = _id(data.pop("id")), data.pop("label", None)
        if not node or node in nodes:
            raise InputError(f"{place}: the id {node!r} is empty or stands in two lines.")
        nodes[node] = named(node, label, data)
    return nodes


def read_network(source: Source, nodes: Collection[str]) -> Iterator[Link]:
    """Read a network file: two ids and, perhaps, a weight a line, no header."""
    first = source.head.partition("\n")[0]
    for place, row in _lines(source, next((d for d in "\t;," if d in first), None)):
        if len(row) not in {2, 3}:
            raise InputError(
                f"{place}: {len(row)} columns; a network file has two ids and a weight, no header."
            )
        yield link((_id(row[0]), _id(row[1])), row[2] if len(row) == 3 else 1, nodes, place)


def to_map(graph: nx.Graph, name: str) -> bytes:
    """Return the nodes of a graph with text ids as a map file, as far as VOSviewer takes them."""
    values: dict[str, list[Any]] = {}
    for data in graph.nodes.values():
        values |= {c: [d.get(c) for d in graph.nodes.values()] for c in data if c not in values}
    free = {c for c in values if c == c.strip() and c.isprintable() and not set(c) & set(',;|"')}
    cased = {c for c in free if GROUP.fullmatch(c) or c == c.lower()}
    columns = [c for c in values if c in cased and _fits(c, values[c])]
    if any(value in {math.inf, -math.inf} for column in columns for value in values[column]):
        raise ValueError("a number without end")
    for node in graph:
        if node != node.strip() or not node or set(node) & {"\t", "\n"}:
            fault = "is empty, or has white space around it, or a tab or line break in it"
            raise InputError(f"{name}: a map file cannot hold the id {node!r}: it {fault}.")
    cells = ((node, d.get("name", node), *map(d.get, columns)) for node, d in graph.nodes.items())
    return _tabbed([("id", "label", *columns), *((_written(n), *row) for n, *row in cells)])


def to_network(graph: nx.Graph, name: str) -> bytes:
    """Return the links of a graph as a network file; the inverse of `read_network`."""
    links = [link((a, b), data["weight"], graph, name) for a, b, data in graph.edges(data=True)]
    return _tabbed([[_written(a), _written(b), data["weight"]] for a, b, data in links] or [[]])


def read_json(source: Source) -> tuple[Nodes, list[Link], Attributes]:
    """Read a VOSviewer JSON file: nodes, links and, where collabnet wrote it, the note."""
    try:
        with source.text() as file:
            content = json.load(file)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{source.name}, line {error.lineno}: not JSON ({error.msg}); cut short? Get it again."
        ) from None
    except (RecursionError, ValueError):
        raise InputError(f"{source.name}: JSON nested too deep, or a number too long.") from None
    place = source.name
    nodes: Nodes = {}
    links: list[Link] = []
    try:
        own = content.get(OWN) or {}
        for n, item in enumerate(content["network"]["items"], start=1):
            place = f"{source.name}, item {n}"
            node, data = _id(item["id"]), _attributes(item)
            if node in nodes:
                raise InputError(f"{place}: the id {node!r} stands in two items. Remove one.")
            for name in own.get("derived", ()):
                data.pop(name, None)
            nodes[node] = named(node, item.get("label"), data)
        for n, found in enumerate(content["network"].get("links") or (), start=1):
            place = f"{source.name}, link {n}"
            ends = _id(found["source_id"]), _id(found["target_id"])
            a, b, weight = link(ends, found.get("strength", 1), nodes, place)
            links.append((a, b, known(_attributes(found).items()) | weight))
        return nodes, links, {**(own.get("note") or {})}
    except (AttributeError, KeyError, TypeError):
        raise InputError(
            f"{place}: not as VOSviewer has it (JSON with a network of items that have an id and "
            "links that have a source_id and a target_id). Give another graph file."
        ) from None


def to_json(graph: nx.Graph, _name: str) -> bytes:
    """Return a graph with text ids and plain values as VOSviewer JSON; the inverse of `read_json`.

    Nodes get the weights *Links* (degree) and *Total link strength* unless they have them. What
    VOSviewer Online would refuse under its own name goes to `attributes`, which it ignores.
    """
    note = graph.graph["note"]
    own = {name for data in graph.nodes.values() for name in data}
    derived = {
        name: dict(graph.degree(weight=weight))
        for name, weight in (("weight<Links>", None), ("weight<Total link strength>", "weight"))
        if name not in own
    }
    fit = {name for name in own if _fits(name, [data.get(name) for data in graph.nodes.values()])}
    items, links = [], []
    for node, data in graph.nodes.items():
        item = {"id": _written(node), "label": data.get("name", node)}
        weights = {name: of[node] for name, of in derived.items()}
        items.append(_filled(item, data | weights, {"name"}, fit | derived.keys()))
    for source, target, data in graph.edges(data=True):
        ends = {"source_id": _written(source), "target_id": _written(target)}
        free = {name for name in data.keys() - RESERVED if not GROUP.fullmatch(name)}
        links.append(_filled({**ends, "strength": data["weight"]}, data, {"weight"}, free))
    content = {
        "network": {"items": items, "links": links},
        "info": {
            "title": escape(str(note.get("what", ""))),
            "description": "<br>".join(map(escape, note_lines(note))),
        },
        OWN: {"note": note, "derived": list(derived)},
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def _filled(
    entry: Attributes, data: Attributes, said: Collection[str], fit: Collection[str]
) -> Attributes:
    """Add to an entry what it has not said yet: under its own name, or aside where it cannot be."""
    for name in [name for name in data if name not in said]:
        group = GROUP.fullmatch(name)
        if name not in fit:
            entry.setdefault("attributes", {})[name] = data[name]
        elif group:
            entry.setdefault(f"{group[1]}s", {})[group[2]] = data[name]
        else:
            entry[name] = data[name]
    return entry


def _lines(source: Source, delimiter: str | None) -> Iterator[tuple[str, list[str]]]:
    """Give the place and the cells of each line that is not blank; None: any white space."""
    with source.text() as file:
        reader = csv.reader(file, delimiter=delimiter or "\t", strict=True)
        try:
            for row in reader:
                cells = row[0].split() if row and delimiter is None else [c.strip() for c in row]
                if any(cells):
                    yield f"{source.name}, line {reader.line_num}", cells
        except csv.Error as error:
            raise InputError(
                f"{source.name}, line {reader.line_num}: the double quotes do not match ({error}). "
                "Put a label that holds quotes in quotes and double those inside."
            ) from None


def _tabbed(rows: Iterable[Sequence[Any]]) -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter="\t", lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def _typed(name: str, column: Sequence[str], places: list[str]) -> Sequence[Any]:
    if name in {"id", "label"}:
        return column
    cells = [None if cell.lower() in {"", "null", "nan"} else cell for cell in column]
    for pattern, kind in NUMBERS:
        wrong = [n for n, c in enumerate(cells) if c and not re.fullmatch(pattern, c, re.I)]
        if not wrong:
            return [None if cell is None else kind(cell) for cell in cells]
    if name in {"x", "y", "cluster"} or GROUP.fullmatch(name):
        raise InputError(
            f"{places[wrong[0]]}: column {name!r} holds {cells[wrong[0]]!r}, not a number."
        )
    return cells


def _id(written: Any) -> str:
    if isinstance(written, bool) or not isinstance(written, str | int):
        raise TypeError(written)
    text = str(written)
    return text[3:] if text.startswith("id:") and NUMBER_LIKE.fullmatch(text) else text


def _written(node: str) -> str:
    return f"id:{node}" if NUMBER_LIKE.fullmatch(node) else node


def _attributes(found: Mapping[str, Any]) -> Attributes:
    data = {name: value for name, value in found.items() if name not in SLOTS}
    for kind in ("weight", "score"):
        data |= {f"{kind}<{k}>": v for k, v in (found.get(f"{kind}s") or {}).items()}
    return data | (found.get("attributes") or {})


def _fits(name: str, values: list[Any]) -> bool:
    """Tell whether VOSviewer Online takes these values of an item attribute under this name."""
    cells = [value for value in values if value is not None]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in cells)
    whole = numbers and len(cells) == len(values)
    group = GROUP.fullmatch(name)
    if group:
        return numbers if group[1] == "score" else whole and min(cells) >= 0
    if name in {"x", "y"}:
        return whole
    if name == "cluster":
        return all(type(v) is int and 1 <= v <= 1000 for v in cells)
    return name.lower() not in RESERVED and not re.search("weight|score|cluster", name, re.I)
