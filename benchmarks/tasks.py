"""One tool, one network: from a file to the links, in the environment of that tool.

    python benchmarks/tasks.py TOOL LEVEL FILE [EDGES.tsv]

Prints one line of JSON: seconds to import the tool, then to read the file and build the network,
and how many nodes and links there are. With EDGES.tsv the links are written, and told one by one.
"""

import contextlib
import gzip
import json
import shutil
import sys
import time
from pathlib import Path

LEVELS = {"author": "person", "institution": "institution", "country": "country"}


def collabnet(level, file):  # noqa: ANN001, ANN201
    """Read, and count links as a table."""
    import collabnet as cn

    yield
    edges = cn.edges(cn.read(file), level=LEVELS[level], cap=None)
    yield (
        len(set(edges["source"]) | set(edges["target"])),
        len(edges),
        (
            (a, b, w)
            for a, b, w in edges[["source", "target", "activities"]].itertuples(index=False)
        ),
    )


def collabnet_graph(level, file):  # noqa: ANN001, ANN201
    """Read, count links, and turn them into a networkx graph."""
    import networkx  # noqa: F401, ICN001

    import collabnet as cn

    yield
    graph = cn.to_graph(cn.edges(cn.read(file), level=LEVELS[level], cap=None))
    yield len(graph), graph.number_of_edges(), graph.edges(data="activities")


def networkx(level, file):  # noqa: ANN001, ANN201
    """Project a bipartite graph, as the documentation of networkx has it."""
    import networkx as nx
    from networkx.algorithms import bipartite

    yield
    graph, units = nx.Graph(), set()
    for path in sorted(Path(file).rglob("*.gz")):
        with gzip.open(path) as lines:
            for line in lines:
                work = json.loads(line)
                for authorship in work["authorships"]:
                    found = {
                        "author": [authorship["author"]["id"]],
                        "institution": [b["id"] for b in authorship["institutions"]],
                        "country": [
                            c
                            for c in (
                                *authorship["countries"],
                                *(b["country_code"] for b in authorship["institutions"]),
                            )
                            if c
                        ],
                    }[level]
                    units.update(found)
                    graph.add_edges_from((work["id"], unit) for unit in found)
    links = bipartite.weighted_projected_graph(graph, units)
    yield len(links), links.number_of_edges(), links.edges(data="weight")


def litstudy(level, file):  # noqa: ANN001, ANN201, ARG001
    """Read a Scopus CSV; litstudy knows authors only, by name and id."""
    import litstudy as ls

    yield
    graph = ls.build_coauthor_network(ls.load_scopus_csv(file))
    title = graph.nodes(data="title")
    rows = ((title[a], title[b], w) for a, b, w in graph.edges(data="weight"))
    yield len(graph), graph.number_of_edges(), rows


def metaknowledge(level, file):  # noqa: ANN001, ANN201, ARG001
    """Read Web of Science text; metaknowledge knows authors only, by full name."""
    import metaknowledge as mk

    yield
    graph = mk.RecordCollection(file).networkCoAuthor()
    yield len(graph), graph.number_of_edges(), graph.edges(data="weight")


def pyscisci(level, file):  # noqa: ANN001, ANN201
    """Read OpenAlex JSON Lines, which pyscisci turns into frames on disk first."""
    from pyscisci.datasource.OpenAlex import OpenAlex
    from pyscisci.network import coauthorship_network

    for leftover in Path(file).iterdir():
        if leftover.name != "data":
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    yield
    base = OpenAlex(path2database=str(file), keep_in_memory=False)
    base.parse_publications(
        preprocess=True,
        preprocess_dicts=False,
        dataframe_list=["publicationauthoraffiliation"],
        show_progress=False,
    )
    column = {"author": "AuthorId", "institution": "AffiliationId"}[level]
    paa = base.load_publicationauthoraffiliation(
        columns=["PublicationId", column], show_progress=False
    )
    paa = paa.rename(columns={column: "AuthorId"})
    matrix, number = coauthorship_network(paa)
    names = {at: int(name) for name, at in number.items()}
    cells = matrix.tocoo()
    yield (
        len(names),
        int((cells.row < cells.col).sum()),
        (
            (names[a], names[b], int(w))
            for a, b, w in zip(cells.row, cells.col, cells.data, strict=True)
            if a < b
        ),
    )


def pybibx(level, file):  # noqa: ANN001, ANN201
    """Read a Scopus CSV; its links have no weight."""
    from pybibx.base.pbx import pbx_probe

    yield
    probe = pbx_probe(file_bib=str(file), db="scopus", del_duplicated=False)
    entry = {"author": "aut", "institution": "inst", "country": "cout"}[level]
    frame = probe.make_matrix(entry=entry, min_count=0)
    cells = frame.sparse.to_coo()
    names = list(frame.columns)
    yield (
        len(names),
        int((cells.row < cells.col).sum()),
        (
            (names[a], names[b], None)
            for a, b in zip(cells.row.tolist(), cells.col.tolist(), strict=True)
            if a < b
        ),
    )


def main(tool: str, level: str, file: str, out: str | None = None) -> None:
    """Run one tool and print its figures."""
    silence = contextlib.redirect_stdout(sys.stderr)
    with silence:
        steps = globals()[tool](level, file)
        started = time.perf_counter()
        next(steps)
        ready, cpu = time.perf_counter(), time.process_time()
        nodes, number, links = next(steps)
        done, used = time.perf_counter(), time.process_time()
    answer = {
        "import": ready - started,
        "seconds": done - ready,
        "cpu_inside": used - cpu,
        "nodes": nodes,
        "links": number,
    }
    if out:
        rows = list(links)
        weights = [weight for *_, weight in rows if weight is not None]
        answer["weight"] = int(sum(weights)) if weights else None
        answer["edges"] = len({frozenset(row[:2]) for row in rows if row[0] != row[1]})
        Path(out).write_text("".join(f"{a}\t{b}\t{w}\n" for a, b, w in rows), encoding="utf-8")
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
