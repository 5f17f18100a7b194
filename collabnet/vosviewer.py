"""VOSviewer files: map and network, and the JSON of VOSviewer Online.

A file becomes nodes (id → attributes) and links (id, id, attributes) as `graphs` takes them: ids
are text, the label of a node is its `name` (a label that only repeats the id is no name), other
attributes are called as in VOSviewer: `x`, `y`, `cluster`, `weight<Links>`, `score<…>`. What is
unknown is absent. Formats: https://app.vosviewer.com/docs/file-types/.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

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
NUMBER_LIKE = re.compile(
    r"(id:)*(?!(0|[1-9]\d{0,14})$)"
    r"\s*([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|0[xob][\da-f]+|[+-]?infinity|nan|null|)\s*",
    re.IGNORECASE,
)
"""Ids that VOSviewer Online would take for a number of another spelling (some ROR ids: `013456789`,
`0123e4567`), then miss at the ends of links. They are written behind `id:`, and read so."""


def known(values: Iterable[tuple[Any, Any]]) -> Attributes:
    """Keep the values that are known, as plain Python ones.

    Examples
    --------
    >>> known([("lat", float("nan")), ("country", "BE"), ("city", " ")])
    {'country': 'BE'}
    """
    out = {}
    for name, value in values:
        if pd.api.types.is_scalar(value):
            if pd.isna(value) or (isinstance(value, str) and not value.strip()):
                continue
            out[str(name)] = value.item() if hasattr(value, "item") else value
        else:
            out[str(name)] = value
    return out


def named(node: str, label: Any, attributes: Mapping[str, Any]) -> Attributes:
    """Return the known attributes of a node, with its label as `name` where it says something."""
    data = known([("name", None if label is None else str(label)), *attributes.items()])
    return data if data.get("name") != node else {k: v for k, v in data.items() if k != "name"}


def link(ends: tuple[str, str], weight: Any, nodes: Mapping[str, Any], place: str) -> Link:
    """Return a checked link; `place` says where it stands.

    Raises
    ------
    InputError
        An end is not among the nodes, or the weight is no number from 0 up.
    """
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
    """Read a map file: a header with `id`, one line a node.

    Columns are typed: whole numbers, else numbers, else text.

    Raises
    ------
    InputError
        A line has too few or too many cells, an id is empty or repeated, or a coordinate, cluster,
        weight or score is not a number.
    """
    lines = _lines(source, source.delimiter)
    header = [name if "<" in name else name.lower() for name in next(lines)[1]]
    rows, places = [], []
    for line, row in lines:
        if len(row) != len(header):
            raise InputError(
                f"{source.name}, line {line}: {len(row)} columns where the header has "
                f"{len(header)}. Put a label that holds the delimiter in double quotes."
            )
        rows.append(row)
        places.append(f"{source.name}, line {line}")
    cells = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    ids = cells.pop("id")
    labels = cells.pop("label", ids)
    columns = {name: _typed(name, column, places) for name, column in cells.items()}
    nodes: Nodes = {}
    for i, (node, label, place) in enumerate(zip(ids, labels, places, strict=True)):
        if not node or node in nodes:
            raise InputError(f"{place}: the id {node!r} is empty or stands in two lines.")
        nodes[node] = named(node, label, {name: column[i] for name, column in columns.items()})
    return nodes


def read_network(source: Source, nodes: Mapping[str, Any]) -> Iterator[Link]:
    """Read a network file: two ids and, perhaps, a weight a line, no header.

    Raises
    ------
    InputError
        A line has another number of cells, names an unknown node, or has no valid weight.
    """
    first = source.head.partition("\n")[0]
    for line, row in _lines(source, next((d for d in "\t;," if d in first), None)):
        place = f"{source.name}, line {line}"
        if len(row) not in {2, 3}:
            raise InputError(
                f"{place}: {len(row)} columns; a network file has two ids and a weight, no header."
            )
        yield link((row[0], row[1]), row[2] if len(row) == 3 else 1, nodes, place)


def read_json(source: Source) -> tuple[Nodes, list[Link], Attributes]:
    """Read a VOSviewer JSON file: nodes, links and, where collabnet wrote it, the note.

    Raises
    ------
    InputError
        The file is not JSON, not as VOSviewer has it, or a link is not valid.
    """
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


def to_json(graph: nx.Graph) -> bytes:
    """Return a graph with text ids and plain values as VOSviewer JSON; the inverse of `read_json`.

    Nodes get the weights *Links* (degree) and *Total link strength* unless they have them. What
    VOSviewer Online would refuse under its own name goes to `attributes`, which it ignores.

    Raises
    ------
    ValueError
        A value is infinite: JSON has no word for it.
    """
    note = graph.graph["note"]
    own = {name for data in graph.nodes.values() for name in data}
    fit = {name for name in own if _fits(name, [data.get(name) for data in graph.nodes.values()])}
    derived = {
        name: dict(graph.degree(weight=weight))
        for name, weight in (("weight<Links>", None), ("weight<Total link strength>", "weight"))
        if name not in own
    }
    items, links = [], []
    for node, data in graph.nodes.items():
        item: Attributes = {"id": _written(node), "label": data.get("name", node)}
        for name, value in (data | {name: of[node] for name, of in derived.items()}).items():
            group = GROUP.fullmatch(name)
            if group and (name in fit or name in derived):
                item.setdefault(f"{group[1]}s", {})[group[2]] = value
            elif name in fit:
                item[name] = value
            elif name != "name":
                item.setdefault("attributes", {})[name] = value
        items.append(item)
    for source, target, data in graph.edges(data=True):
        ends = {"source_id": _written(source), "target_id": _written(target)}
        entry: Attributes = {**ends, "strength": data["weight"]}
        for name, value in data.items():
            if name in RESERVED or GROUP.fullmatch(name):
                entry.setdefault("attributes", {})[name] = value
            elif name != "weight":
                entry[name] = value
        links.append(entry)
    content = {
        "network": {"items": items, "links": links},
        "info": {
            "title": escape(str(note.get("what", ""))),
            "description": "<br>".join(map(escape, note_lines(note))),
        },
        OWN: {"note": note, "derived": list(derived)},
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def _lines(source: Source, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Give the cells of each line that is not blank, and its number; None: any white space."""
    with source.text() as file:
        reader = csv.reader(file, delimiter=delimiter or "\t", strict=True)
        try:
            for row in reader:
                cells = row[0].split() if row and delimiter is None else [c.strip() for c in row]
                if any(cells):
                    yield reader.line_num, cells
        except csv.Error as error:
            raise InputError(
                f"{source.name}, line {reader.line_num}: the double quotes do not match ({error}). "
                "Put a label that holds quotes in quotes and double those inside."
            ) from None


def _typed(name: str, column: list[str], places: list[str]) -> list[Any]:
    cells = [None if cell.lower() in {"", "null", "nan"} else cell for cell in column]
    for pattern, kind in ((r"[+-]?\d+", int), (r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", float)):
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
