"""What the benchmarks share: where files lie, how a run is measured, how results are kept."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "build" / "bench"
DATA = BENCH / "data"
HERE = ROOT / "benchmarks"
RUNS, SLOW = 5, 15.0
COLLABNET = (sys.executable, "-c", "from collabnet.cli import run_and_leave as run; run()")
"""The command collabnet, of this checkout (see `OURS`)."""
OURS = {"PYTHONPATH": str(ROOT)}


def say(*words: object) -> None:
    """Print progress at once, with the time."""
    print(time.strftime("%H:%M:%S"), *words, flush=True)


def save(part: str, results: Mapping[str, Any]) -> None:
    """Keep the results of a part for the report, with what they were taken on."""
    path = BENCH / f"{part}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".tmp")
    fresh.write_text(json.dumps({"machine": machine(), **results}, indent=1), encoding="utf-8")
    fresh.replace(path)


def machine() -> dict[str, Any]:
    """Say on what the figures were taken."""
    from importlib.metadata import version

    facts = Path("/proc/cpuinfo").read_text("utf-8") if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in facts.splitlines() if "model name" in line]
    libraries = ("collabnet", "duckdb", "pandas", "pyarrow", "networkx", "igraph", "narwhals")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9),
        "processor": (names or ["unknown"])[0],
        "quick": "--quick" in sys.argv,
        "load": round(os.getloadavg()[0], 2),
        "python": sys.version.split()[0],
        "versions": {name: version(name) for name in libraries},
    }


def alternate(
    tasks: Mapping[str, Callable[[], Any]],
    *,
    runs: int = RUNS,
    budget: float = 600.0,
    check: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Run tasks of this process in turn; return the medians of their wall and CPU seconds.

    One run of each goes ahead and is not counted; `check` sees its results. After `budget` seconds
    no further round begins, but one always does: `n` says how many there were.
    """
    started = time.monotonic()
    first = {name: task() for name, task in tasks.items()}
    if check is not None:
        check(first)
    del first
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in tasks}
    for turn in range(runs):
        if turn and time.monotonic() - started > budget:
            break
        for name, task in tasks.items():
            gc.collect()
            wall, cpu = time.perf_counter(), _cpu()
            result = task()
            taken[name].append({"wall": time.perf_counter() - wall, "cpu": _cpu() - cpu})
            del result
    return {name: medians(rows) for name, rows in taken.items()}


def _cpu() -> float:
    """Return the CPU seconds of this process and of the children it has waited for."""
    own, children = (
        resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def medians(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return the median of each figure, its smallest and largest, and the number of runs."""
    return {
        "n": len(rows),
        **{name: statistics.median(row[name] for row in rows) for name in rows[0]},
        "range": {
            name: [min(r[name] for r in rows), max(r[name] for r in rows)] for name in rows[0]
        },
    }


def measure(
    command: Sequence[str | Path], *, timeout: float = 600.0, env: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run a command; return its wall and CPU seconds, the peak memory of its tree, and its answer.

    The answer is its last line of output, where that is JSON. What failed says so under `failed`.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            [str(word) for word in command],
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        peak, over = [0], threading.Event()
        watcher = threading.Thread(target=_watch, args=(child.pid, peak, over, started + timeout))
        watcher.start()
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        late = over.is_set()
        over.set()
        watcher.join()
        out.seek(0)
        err.seek(0)
        said, complained = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    figures: dict[str, Any] = {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": peak[0] / 1e6,
    }
    if late:
        figures["failed"] = f"stopped after {timeout:.0f} s"
    elif child.returncode:
        reason = (complained.strip().splitlines() or ["no message"])[-1]
        figures["failed"] = f"exit code {child.returncode}: {reason[:200]}"
    else:
        last = (said.strip().splitlines() or [""])[-1]
        figures["answer"] = json.loads(last) if last.startswith("{") else {}
    return figures


def _watch(leader: int, peak: list[int], over: threading.Event, deadline: float) -> None:
    """Note the largest sum of resident memory over the session of `leader`; end it when late.

    What the kernel keeps of a child's peak is of no use: it begins with that of its parent.
    """
    page = os.sysconf("SC_PAGE_SIZE")
    while not over.wait(0.05):
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader:
                total += int(fields[21]) * page
        peak[0] = max(peak[0], total)
        if time.perf_counter() > deadline:
            over.set()
            os.killpg(leader, signal.SIGKILL)


def alternate_commands(
    commands: Mapping[str, Sequence[str | Path]],
    *,
    runs: int = RUNS,
    budget: float = 600.0,
    timeout: float = 300.0,
    env: Mapping[str, str] | None = None,
    before: Callable[[], None] = lambda: None,
) -> dict[str, dict[str, Any]]:
    """Run commands in turn, as `alternate` does tasks; one that fails is not tried again.

    One that takes more than `SLOW` seconds has had its run once the budget is spent; the others go
    on. `before` is called ahead of each run and not measured.
    """
    started = time.monotonic()
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    failed: dict[str, dict[str, Any]] = {}
    for turn in range(runs):
        late = bool(turn) and time.monotonic() - started > budget
        for name, command in commands.items():
            if name in failed or (late and taken[name][0]["wall"] > SLOW):
                continue
            before()
            figures = measure(command, timeout=timeout, env=env)
            if "failed" in figures:
                failed[name] = figures
                say(f"    {name}: {figures['failed']}")
            else:
                taken[name].append(figures)
    results: dict[str, dict[str, Any]] = dict(failed)
    for name, rows in taken.items():
        if rows and name not in failed:
            answer = rows[-1].pop("answer", {})
            numbers = [{k: row[k] for k in ("wall", "cpu", "peak_mb")} for row in rows]
            results[name] = {**medians(numbers), "answer": answer}
    return {name: results[name] for name in commands if name in results}


def size_of(works: int) -> str:
    """Write a number of works as people do: 10 k, 1 M."""
    return f"{works // 10**6} M" if works >= 10**6 else f"{works // 1000} k"
