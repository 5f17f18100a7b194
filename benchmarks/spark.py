"""What Apache Spark costs on one machine, and that it gives the same edges as DuckDB.

    python benchmarks/spark.py [WORKS]

Makes the store of benchmarks/edges.py (1 000 000 works by default), starts a standalone master and
two workers of one core each on loopback, and runs `collabnet edges` on DuckDB and on the cluster;
then the same on the cluster while a worker is killed. The tables are compared edge by edge. Wall
time is that of the command, start of the session included; processor time and memory are those of
all processes, workers and executors included. One machine cannot show what Spark is for: data and
work spread over several.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from edges import make_store

import collabnet as cn
from collabnet import engine

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from cluster import busy, cluster, executors

COMMAND = [sys.executable, "-c", "from collabnet.cli import main; raise SystemExit(main())"]
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def family() -> dict[int, tuple[float, int]]:
    """Return processor seconds and resident bytes of each process below this one."""
    parents, facts = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid] = int(words[1])
        facts[pid] = (sum(map(int, words[11:13])) / TICK, int(words[21]) * PAGE)
    found = {}
    for pid, fact in facts.items():
        above = parents[pid]
        while above not in {os.getpid(), 0, None}:
            above = parents.get(above)
        if above == os.getpid():
            found[pid] = fact
    return found


def measured(command: list[str]) -> tuple[float, float, int]:
    """Run a command; return wall and processor seconds and peak memory of all processes."""
    before = {pid: cpu for pid, (cpu, _) in family().items()}
    spent, peak, started = {}, 0, time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        now = family()
        spent |= {pid: cpu - before.get(pid, 0) for pid, (cpu, _) in now.items()}
        peak = max(peak, sum(size for _, size in now.values()))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - started, sum(spent.values()), peak


def main(works: int) -> None:
    """Run the three and print what each cost."""
    if not find_spec("pyspark") or not shutil.which("java"):
        print("Spark is not compared: there is no PySpark or no Java here.")
        return
    os.environ.setdefault(
        "PYSPARK_SUBMIT_ARGS",
        "--conf spark.driver.memory=2g --conf spark.executor.memory=2g pyspark-shell",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_store(folder / "store", works)
        edges = [*COMMAND, "edges", str(folder / "store"), "--count", "fractional"]
        costs = {"DuckDB": measured([*edges, "--out", f"{folder}/DuckDB.parquet"])}
        with cluster(folder, memory="2g") as running:
            time.sleep(10)  # until the workers are there, so that their start is not counted
            edges += ["--engine", "spark", "--master", running.master]
            costs["Spark"] = measured([*edges, "--out", f"{folder}/Spark.parquet"])

            session = engine.spark_session(running.master)
            struck = []

            def strike() -> None:
                while not busy(session):
                    time.sleep(0.05)
                time.sleep(2)
                before = executors(session)
                running.kill(running.workers[0])
                struck.append(f"{before} executors, one killed")

            threading.Thread(target=strike, daemon=True).start()
            started = time.perf_counter()
            records = cn.read(folder / "store", session=session)
            survived = cn.edges(records, count="fractional")
            took = time.perf_counter() - started
            fate = (
                f"{struck[0]}, {executors(session)} left"
                if struck
                else "over too soon: none killed"
            )
            session.stop()
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in costs}
    first = tables["DuckDB"]
    keys = ["source", "target", "activities", "first", "last"]
    for table in (tables["Spark"], survived):
        pd.testing.assert_frame_equal(first[keys], table[keys], check_dtype=False)
        np.testing.assert_allclose(first["weight"], table["weight"], rtol=1e-9)
    print(f"{works:,} works, {len(first):,} edges, equal edge by edge")
    for name, (wall, cpu, peak) in costs.items():
        times = f"{wall / costs['DuckDB'][0]:.1f} × the wall time of DuckDB"
        print(f"{name}: wall {wall:.1f} s, CPU {cpu:.1f} s, peak {peak / 1e9:.1f} GB, {times}")
    print(f"In the middle of a job ({fate}): equal edge by edge, {took:.1f} s without the start")
    print("One machine cannot show the benefit of Spark, only its price.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2] or ["1000000"]))
