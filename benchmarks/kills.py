"""Is a store the same when its ingest was killed at a random moment, and run again?

    python benchmarks/kills.py [KILLS] [WORKS] [SEED]

Makes a small snapshot and its store, from a run that nothing broke off. Then, over and over, begins
the same ingest anew, kills it (SIGKILL; the processes it began end by themselves) at a moment drawn
from the length of that run, runs it again, and compares the tables byte by byte, else row by row.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
from generate import write_snapshot

from collabnet import schema

RUN = "from collabnet import pool; pool.ALONE = 1; from collabnet.cli import main; main()"


def begin(snapshot: Path, store: Path) -> subprocess.Popen:
    """Begin an ingest, with a process for each core however small the parts are."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "ingest", str(snapshot), "--out", str(store)],
        stdout=subprocess.DEVNULL,
    )


def same(left: Path, right: Path) -> bool:
    """Do two stores hold the same tables?"""
    names = [f"{name}.parquet" for name in schema.TABLES]
    return all(
        (left / name).read_bytes() == (right / name).read_bytes()
        or pq.read_table(left / name).equals(pq.read_table(right / name))
        for name in names
    )


def main(kills: int, works: int, seed: int) -> None:
    """Run it all and print a line for each kill."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        snapshot = write_snapshot(folder / "made", works, seed=seed, parts=12)
        begun = time.perf_counter()
        begin(snapshot, folder / "whole").wait()
        length = time.perf_counter() - begun
        wrong = 0
        for kill in range(1, kills + 1):
            store, parts = folder / "store", folder / ".store.parts"
            for left in (store, parts):
                shutil.rmtree(left, ignore_errors=True)
            moment = draw.uniform(0, length)
            process = begin(snapshot, store)
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
            kept = len([p for p in parts.glob("*") if p.suffix != ".tmp"]) if parts.exists() else 0
            stood = store.exists()
            begin(snapshot, store).wait()
            good = same(folder / "whole", store) and not list(parts.glob("*.tmp"))
            rest = {path.name for path in folder.iterdir()} - {"made", "whole", ".whole.parts"}
            good = good and rest == {"store", ".store.parts"}
            wrong += not good
            then = "the same" if good else f"NOT THE SAME {rest}"
            print(
                f"{kill}: killed after {moment:.2f} of {length:.2f} s, {kept} of 12 parts read, "
                f"{'a' if stood else 'no'} store; then {then}"
            )
        print(f"{kills - wrong} of {kills} stores are the same as the one that nothing broke off")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *(20, 12_000, 1)[len(given) :])
