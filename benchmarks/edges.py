"""`collabnet.edges` against the floor, level by level, and how both grow with the number of works.

    python benchmarks/edges.py [--quick]

Runs alternate in one process; both read the same Parquet files each time. The results are compared
edge by edge before anything is measured. The largest store is read once more under a memory limit.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from common import COLLABNET, DATA, OURS, alternate, measure, save, say, size_of
from floor import check_equal, floor_edges
from stores import make_store

import collabnet as cn
from collabnet import settings

SIZES = {"institution": (10**5, 10**6, 10**7), "country": (10**5, 10**6, 10**7)}
SIZES["person"] = (10**5, 10**6)
QUICK = dict.fromkeys(SIZES, (10**4, 4 * 10**4))
MEMORY = "4GB"


def main(*, quick: bool) -> None:
    """Measure every level at every size."""
    chosen = QUICK if quick else SIZES
    rows = []
    # First, while this process is small: a child begins with the peak of its parent.
    largest = max(max(sizes) for sizes in chosen.values())
    limited = under_a_limit(make_store(DATA / f"store-{largest}", largest), largest)
    for works in sorted({size for sizes in chosen.values() for size in sizes}):
        store = make_store(DATA / f"store-{works}", works)
        for level in (level for level, sizes in chosen.items() if works in sizes):
            rows.append(compare(store, works, level, quick=quick))
            save("edges", {"rows": rows, "growth": growth(rows), "memory": limited})


def compare(store: Path, works: int, level: str, *, quick: bool) -> dict[str, Any]:
    """Return the medians of collabnet and of the floor for one level of one store."""
    cap = settings.PERSON_CAP if level == "person" else None
    ids = cn.read(store).institutions["institution_id"]
    counted: dict[str, int] = {}

    def ours() -> Any:
        return cn.edges(cn.read(store), level=level, count="fractional", cap=cap)  # ty: ignore

    def equal(results: dict[str, Any]) -> None:
        counted["edges"] = len(results["collabnet"])
        counted["pairs"] = int(results["collabnet"]["activities"].sum())
        check_equal(results["collabnet"], results["floor"], ids)

    tasks = {"collabnet": ours, "floor": partial(floor_edges, store, level, cap)}
    figures = alternate(tasks, runs=2 if quick else 5, budget=420, check=equal)
    ratio = {k: figures["collabnet"][k] / figures["floor"][k] for k in ("wall", "cpu")}
    say(
        f"{size_of(works)}, {level}: {counted['edges']:,} edges, equal; "
        f"CPU {figures['collabnet']['cpu']:.2f} s against {figures['floor']['cpu']:.2f} s "
        f"({ratio['cpu']:.1f} times), wall {ratio['wall']:.1f} times"
    )
    return {"works": works, "level": level, "cap": cap, **counted, **figures, "ratio": ratio}


def growth(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the exponents of CPU seconds over works: slopes of straight lines through logs."""
    found: dict[str, dict[str, float]] = {}
    for level in dict.fromkeys(row["level"] for row in rows):
        of_level = [row for row in rows if row["level"] == level]
        if len(of_level) > 1:
            works = np.log([row["works"] for row in of_level])
            for name in ("collabnet", "floor"):
                seconds = np.log([row[name]["cpu"] for row in of_level])
                slope = float(np.polyfit(works, seconds, 1)[0])
                found.setdefault(level, {})[name] = slope
    return found


def under_a_limit(store: Path, works: int) -> dict[str, Any]:
    """Run the command with and without a limit on memory, and compare the two files."""
    found: dict[str, Any] = {"works": works, "limit": MEMORY}
    files = {}
    for name, options in (("unlimited", []), ("limited", ["--memory", MEMORY])):
        files[name] = out = DATA / f"edges-{name}.parquet"
        out.unlink(missing_ok=True)
        words = ["edges", store, "--count", "fractional", *options, "--out", out]
        found[name] = measure([*COLLABNET, *words], timeout=900, env=OURS)
        said = found[name].get("failed") or f"peak {found[name]['peak_mb']:,.0f} MB"
        say(f"{size_of(works)} by the command, {name}: {said}")
    if all(path.exists() for path in files.values()):
        one, two = (pq.read_table(path) for path in files.values())
        keys = [name for name in one.column_names if name != "weight"]
        found["equal"] = one.select(keys).equals(two.select(keys)) and bool(
            np.allclose(one["weight"].to_numpy(), two["weight"].to_numpy(), rtol=1e-9)
        )
        say(f"the two files are {'equal' if found['equal'] else 'NOT equal'}")
    for path in files.values():
        path.unlink(missing_ok=True)
    return found


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
