"""collabnet and its peers, from the same works in files to the same network.

    python benchmarks/peers.py [--quick]
    python benchmarks/peers.py --install     only make the environments

Each tool reads the format it was made for and runs in an environment of its own, made once in
build/bench/envs. Commands alternate; each runs in a fresh process, so that peaks of memory are its
own. One that fails or takes too long is reported as such, and is not tried with more works.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from common import BENCH, DATA, HERE, OURS, alternate_commands, measure, save, say, size_of
from convert import convert, number_of
from ingest import make_snapshot

import collabnet as cn

ENVS = BENCH / "envs"
REQUIREMENTS = {
    # litstudy asks for any bibtexparser and imports what version 2 has not.
    "litstudy": [["litstudy==1.0.6", "bibtexparser<2"]],
    "metaknowledge": [["metaknowledge==3.4.1"]],
    # pyscisci imports dask.distributed and pyarrow without asking for them.
    "pyscisci": [["pyscisci==0.92", "distributed", "pyarrow"]],
    "pybibx": [["torch==2.13.0"], ["pybibx==5.9.5", "torch==2.13.0"]],
}
READS = {
    "litstudy": "scopus-old.csv",
    "metaknowledge": "wos.txt",
    "pyscisci": "openalex",
    "pybibx": "scopus.csv",
    "networkx": "openalex",
}
KNOWS = {
    "author": ("litstudy", "metaknowledge", "pyscisci", "pybibx", "networkx"),
    "institution": ("pyscisci", "pybibx", "networkx"),
    "country": ("pybibx", "networkx"),
}
FORMATS = {"scopus-old.csv": "Scopus CSV", "scopus.csv": "Scopus CSV"}
FORMATS |= {"wos.txt": "Web of Science text", "openalex": "OpenAlex JSON Lines"}
SIZES, CHECKED = (10**4, 10**5), 10**3
TIMEOUT = 180.0


def main(*, quick: bool) -> None:
    """Check that the networks agree, then measure every tool at every size and level."""
    broken = install()
    agreement, rows = {}, []
    for level in KNOWS:
        agreement[level], figures = agree(level, broken)
        rows.append({"works": CHECKED, "level": level, "tools": figures})
    late: set[str] = set()
    for works in () if quick else SIZES:
        folder = convert(make_snapshot(works), DATA / f"peers-{works}")
        for level, peers in KNOWS.items():
            chosen = [peer for peer in peers if peer not in broken and peer not in late]
            figures = alternate_commands(
                commands(level, folder, chosen),
                budget=100 if works < 10**5 else 240,
                timeout=TIMEOUT,
                env=OURS,
            )
            late |= {name for name, figure in figures.items() if "failed" in figure}
            rows.append({"works": works, "level": level, "tools": figures})
            tell(works, level, figures)
            save("peers", facts(rows, agreement, broken))
    save("peers", facts(rows, agreement, broken))


def facts(
    rows: list[dict[str, Any]], agreement: dict[str, Any], broken: dict[str, str]
) -> dict[str, Any]:
    """Return what the report needs."""
    folders = {row["works"]: DATA / f"peers-{row['works']}" for row in rows}
    return {
        "rows": rows,
        "agreement": agreement,
        "broken": broken,
        "counted": {works: counted(folder) for works, folder in folders.items()},
        "megabytes": {works: sizes(folder) for works, folder in folders.items()},
    }


def install() -> dict[str, str]:
    """Make the environments that are not there; return the peers that could not be installed."""
    broken = {}
    for name, steps in REQUIREMENTS.items():
        folder = ENVS / name
        ready = folder / "ready"
        if not ready.exists():
            say(f"installing {name} into {folder.relative_to(BENCH.parent.parent)}")
            done = subprocess.run([sys.executable, "-m", "venv", folder], check=False)
            for packages in steps:
                if done.returncode == 0:
                    command = [folder / "bin" / "python", "-m", "pip", "install", "-q", *packages]
                    done = subprocess.run(
                        [str(word) for word in command], check=False, capture_output=True, text=True
                    )
            if done.returncode:
                lines = (done.stderr or "the environment could not be made").strip().splitlines()
                broken[name] = lines[-1]
                say(f"    {name} cannot be installed: {broken[name]}")
                continue
            ready.touch()
    return broken


def commands(level: str, folder: Path, peers: list[str]) -> dict[str, list[str]]:
    """Return the command of each peer, and of collabnet for each format that a peer reads."""
    tasks, found = str(HERE / "tasks.py"), {}
    for peer in peers:
        own = ENVS / peer / "bin" / "python"
        python = str(own) if own.exists() else sys.executable
        place = folder / ("pyscisci" if peer == "pyscisci" else READS[peer])
        found[peer] = [python, tasks, peer, level, str(place)]
    for name in dict.fromkeys(["openalex", *(READS[peer] for peer in peers)]):
        if readable(folder / name):
            words = [sys.executable, tasks, "collabnet", level, str(folder / name)]
            found[f"collabnet, {FORMATS[name]}"] = words
    if level == "author":
        words = [sys.executable, tasks, "collabnet_graph", level, str(folder / "openalex")]
        found["collabnet, to a graph"] = words
    return found


def readable(path: Path) -> bool:
    """Can this collabnet read the file, with authors that can be told apart?"""
    try:
        return bool(cn.read(path).participants["person_id"].notna().any())
    except cn.CollabnetError:
        return False


def agree(level: str, broken: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Say how far the network of each tool is that of collabnet, on a few works, link by link.

    Names of institutions and countries differ from format to format: there only numbers compare.
    """
    folder = convert(make_snapshot(CHECKED), DATA / f"peers-{CHECKED}")
    out = DATA / "links.tsv"
    tools = commands(level, folder, [peer for peer in KNOWS[level] if peer not in broken])
    first = "collabnet, OpenAlex JSON Lines"
    found, taken = {}, {}
    expected: dict[frozenset[str], int] = {}
    for name in [first, *(name for name in tools if name != first)]:
        figures = measure([*tools[name], str(out)], timeout=120, env=OURS)
        taken[name] = figures if "failed" in figures else {**figures, "n": 1}
        if "failed" in figures:
            say(f"{CHECKED:,} works, {level}, {name}: {figures['failed']}")
            continue
        answer = figures["answer"]
        found[name] = {key: answer[key] for key in ("nodes", "edges", "links", "weight")}
        if level == "author":
            links = read_links(out)
            expected = expected or links
            weighed = answer["weight"] is not None
            found[name]["same pairs"] = links.keys() == expected.keys()
            found[name]["same weights"] = links == expected if weighed else None
        say(f"{CHECKED:,} works, {level}, {name}: {found[name]}")
    return found, taken


def read_links(path: Path) -> dict[frozenset[str], int]:
    """Return the links a tool wrote, by the numbers of the two authors; directions are added up."""
    links: dict[frozenset[str], int] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        a, b, weight = line.split("\t")
        pair = frozenset(map(key_of, (a, b)))
        if len(pair) == 2:
            links[pair] = links.get(pair, 0) + (0 if weight == "None" else int(float(weight)))
    return links


def key_of(name: str) -> str:
    """Return the number of an author, from an id or from the name made of it."""
    digits = name.rpartition("/")[2].lstrip("Aa:openlx")
    return digits if digits.isdigit() else str(number_of(name))


def counted(folder: Path) -> int:
    """Return how many works of a snapshot were left after the conversion."""
    return int((folder / "works").read_text())


def sizes(folder: Path) -> dict[str, float]:
    """Return the size of each format in MB."""
    return {
        name: sum(p.stat().st_size for p in (folder / name).rglob("*.gz")) / 1e6
        if (folder / name).is_dir()
        else (folder / name).stat().st_size / 1e6
        for name in FORMATS
    }


def tell(works: int, level: str, figures: dict[str, dict[str, Any]]) -> None:
    """Print the figures of one table."""
    for name, figure in figures.items():
        said = figure.get("failed") or (
            f"{figure['wall']:.1f} s, {figure['cpu']:.1f} CPU s, {figure['peak_mb']:,.0f} MB, "
            f"{figure['answer']['links']:,} links (n = {figure['n']})"
        )
        say(f"{size_of(works)}, {level}, {name}: {said}")


if __name__ == "__main__":
    if "--install" in sys.argv:
        sys.exit(bool(install()))
    main(quick="--quick" in sys.argv)
