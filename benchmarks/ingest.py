"""From gzipped JSON Lines to a finished store, against merely unpacking the same files.

    python benchmarks/ingest.py [--quick]
    python benchmarks/ingest.py --unpack PROCESSES FOLDER     (what it is compared with)

Commands alternate, each in a process of its own; a store and its parts go before each run.
"""

from __future__ import annotations

import json
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from common import COLLABNET, DATA, OURS, alternate_commands, save, say, size_of

SIZES, QUICK = (10**5, 10**6), (10**4,)
BLOCK = 1 << 20


def main(*, quick: bool) -> None:
    """Measure at every size; the last store of each size is kept for other benchmarks."""
    rows = []
    for works in QUICK if quick else SIZES:
        folder = make_snapshot(works)
        store = DATA / f"ingested-{works}"
        unpack = [sys.executable, __file__, "--unpack"]
        commands = {
            "collabnet": [*COLLABNET, "ingest", folder, "--out", store],
            "isal, 1 process": [*unpack, "1", folder],
            "isal, 2 processes": [*unpack, "2", folder],
        }
        figures = alternate_commands(
            commands,
            runs=1 if quick else 5,
            budget=480,
            timeout=1500,
            env=OURS,
            before=lambda store=store: remove(store),
        )
        if not store.exists() and "failed" not in figures["collabnet"]:
            # It was removed ahead of the last command.
            alternate_commands({"collabnet": commands["collabnet"]}, runs=1, timeout=1500, env=OURS)
        parts = list((folder / "data" / "works").rglob("*.gz"))
        packed = sum(path.stat().st_size for path in parts)
        rows.append({"works": works, "files": len(parts), "packed": packed, **figures})
        rows[-1]["unpacked"] = figures["isal, 1 process"].get("answer", {}).get("bytes")
        for name, figure in figures.items():
            if "failed" not in figure:
                say(f"{size_of(works)}, {name}: {figure['wall']:.1f} s, {figure['cpu']:.1f} CPU s")
        save("ingest", {"rows": rows})


def remove(store: Path) -> None:
    """Remove a store, and what was read for it: else the next run would only join that again."""
    for folder in (store, store.with_name(f".{store.name}.parts")):
        shutil.rmtree(folder, ignore_errors=True)


def make_snapshot(works: int) -> Path:
    """Generate a snapshot of so many works, unless it is there."""
    from generate import write_snapshot

    folder = DATA / f"snapshot-{works}"
    if not folder.exists():
        say(f"generating a snapshot of {works:,} works")
        fresh = folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(fresh, ignore_errors=True)
        write_snapshot(fresh, works)
        fresh.rename(folder)
    return folder


def unpack(path: Path) -> int:
    """Unpack a file block by block; return its size."""
    from isal import igzip

    size = 0
    with igzip.open(path, "rb") as file:
        while block := file.read(BLOCK):
            size += len(block)
    return size


def unpack_all(processes: int, folder: Path) -> int:
    """Unpack the works of a snapshot; return their size."""
    parts = sorted((folder / "data" / "works").rglob("*.gz"))
    if processes == 1:
        return sum(map(unpack, parts))
    with ProcessPoolExecutor(processes) as pool:
        return sum(pool.map(unpack, parts))


if __name__ == "__main__":
    if "--unpack" in sys.argv:
        print(json.dumps({"bytes": unpack_all(int(sys.argv[2]), Path(sys.argv[3]))}))
    else:
        main(quick="--quick" in sys.argv)
