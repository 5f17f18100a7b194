"""What `collabnet ingest` of a snapshot costs beside bare decompression, in one run.

    python benchmarks/snapshot.py SNAPSHOT [RUNS]

Alternates unpacking the parts with isal (one process, then two) with the whole command, from the
parts to the finished store, and prints medians, their ratios in wall and in CPU time (on a machine
that others use too, only the second means much), and the peak memory of the command's processes
(proportional set size, sampled four times a second).
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from isal import igzip


def unpack(path: Path) -> int:
    """Unpack a part and throw it away."""
    size = 0
    with igzip.open(path) as file:
        while block := file.read(1 << 20):
            size += len(block)
    return size


def memory(root: int) -> int:
    """Return the bytes that a process and those below it hold, shared pages divided."""
    below, found = {}, {root}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            below[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    for _ in range(4):
        found |= {pid for pid, parent in below.items() if parent in found}
    total = 0
    for pid in found:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(row.split()[1]) for row in text.splitlines() if row.startswith("Pss:"))
    return total * 1024


def ingest(snapshot: Path, store: Path) -> tuple[float, float, int]:
    """Run the command; return wall seconds, CPU seconds of its processes, and peak memory."""
    before, begun, peak = os.times(), time.perf_counter(), 0
    command = [sys.executable, "-m", "collabnet.cli"]
    if shutil.which("collabnet"):
        command = [shutil.which("collabnet")]
    # An installed package is compiled; a checkout in which nothing may be written is not.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen([*command, "ingest", snapshot, "--out", store], env=env) as process:
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.25)
    after = os.times()
    if process.returncode:
        sys.exit(process.returncode)
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return time.perf_counter() - begun, cpu, peak


def main(snapshot: Path, runs: int) -> None:
    """Run the three in turn and print the ratios."""
    parts = sorted(snapshot.glob("**/works/updated_date=*/*.gz"))
    walls: dict[str, list[float]] = {"isal": [], "isal, 2 processes": [], "ingest": []}
    cpus, peaks, spent = [], [], []
    with ProcessPoolExecutor(2) as pool, tempfile.TemporaryDirectory() as folder:
        list(pool.map(unpack, parts[:2]))
        for run in range(runs):
            begun, busy = time.perf_counter(), time.process_time()
            size = sum(map(unpack, parts))
            spent.append(time.process_time() - busy)
            walls["isal"].append(time.perf_counter() - begun)
            begun = time.perf_counter()
            list(pool.map(unpack, parts))
            walls["isal, 2 processes"].append(time.perf_counter() - begun)
            wall, cpu, peak = ingest(snapshot, Path(folder) / f"store{run}")
            walls["ingest"].append(wall)
            cpus.append(cpu)
            peaks.append(peak)
    middle = {name: statistics.median(times) for name, times in walls.items()}
    print(
        f"{size / 1e9:.2f} GB unpacked; " + ", ".join(f"{k} {v:.2f} s" for k, v in middle.items())
    )
    for name in ("isal", "isal, 2 processes"):
        print(f"ingest / {name}: {middle['ingest'] / middle[name]:.2f}")
    cpu, bare = statistics.median(cpus), statistics.median(spent)
    print(f"CPU: ingest {cpu:.2f} s, isal {bare:.2f} s, ratio {cpu / bare:.2f}")
    print(f"peak {max(peaks) / 1e6:,.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
