"""Mutate exports of every bibliographic format: no traceback, no hang, no more than 1 GB.

    nice python benchmarks/fuzz_readers.py --seconds 600 [--real ../shared/real] [--seed 1]

Each seed file gets its share of the time in a process of its own, whose memory is limited; a read
of more than ten seconds is a hang. What is found is written to a folder, with its traceback.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
MEMORY = 1 << 30
HANG = 10
LARGEST_SEED = 60_000
TOKENS = [
    *(
        b"\0",
        b'"',
        b"'",
        b"{",
        b"}",
        b"[",
        b"]",
        b"(",
        b")",
        b"<",
        b">",
        b"&",
        b"|",
        b";",
        b",",
        b"\t",
    ),
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\x85",
        b"\xe9",
        b"\xed\xa0\x80",
    ),
    *(b"\nER\n", b"\nPT J\n", b"\nTY  - JOUR\n", b"\nPMID- 1\n", b"\n@article{a,", b"\n@comment{"),
    *(
        b"null",
        b"{}",
        b"[]",
        b"1e999",
        b"-1",
        b"9" * 400,
        b"NaN",
        b'"\\ud800"',
        b"=" * 9,
        b"\\" * 9,
    ),
    *(
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
        b"&a;",
        b"&#0;",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"xmlns:a='b'",
    ),
    *(b"A" * 70_000, b"a;" * 20_000, b"(" * 20_000, b"[" * 20_000, b"{" * 20_000, b"\n" * 20_000),
    *(b"<a>" * 20_000, b"," * 20_000, b"\t" * 20_000, b" " * 50_000, b"a@" * 9_000, b"1-" * 9_000),
]


def mutated(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return `data` with a few changes at random places."""
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        here = chance.randrange(len(data) + 1)
        there = min(len(data), here + int(chance.expovariate(1 / 200)))
        piece = data[here:there]
        change = chance.randrange(9)
        if change == 0:
            data = data[:here] + bytes(chance.randbytes(chance.randrange(1, 9))) + data[there:]
        elif change in {1, 2, 3}:
            data = data[:here] + chance.choice(TOKENS) + data[chance.choice((here, there)) :]
        elif change == 4:
            data = data[:here] + data[there:]
        elif change == 5:
            data = data[:here] + piece * chance.choice((2, 3, 200)) + data[there:]
        elif change == 6:
            data = data[:here]
        elif change == 7:
            lines = data.split(b"\n")
            chance.shuffle(lines)
            data = b"\n".join(lines)
        else:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            data = data[:here] + other[start : start + chance.randrange(2_000)] + data[there:]
    if chance.random() < 0.05:
        data = data.decode("utf-8", "replace").encode(
            chance.choice(("utf-16", "utf-16-be", "utf-7"))
        )
    return data


def seeds(real: Path | None) -> dict[str, bytes]:
    """Return the synthetic exports, and the beginnings of the real ones."""
    import exports

    found = {f"{form} {name}": text.encode() for name, (form, text) in exports.EVERY.items()}
    for folder in ("wos", "scopus", "pubmed", "ris_bib", "crossref", "lens", "openalex_csv"):
        for path in sorted((real / folder).iterdir()) if real else ():
            found[f"real-{folder} {path.name}"] = path.read_bytes()[:LARGEST_SEED]
    return found


def child(group: str, seconds: float, real: Path | None, seed: int, folder: Path) -> None:
    """Read mutations of a group of seeds until the time is over; print what came of it as JSON."""
    import collabnet as cn

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, hang)
    chance = random.Random(f"{group} {seed}")
    every = seeds(real)
    others, mine = list(every.values()), [key for key in every if key.split()[0] == group]
    done: Counter[str] = Counter()
    faults = []
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(faults) < 5:
        path = folder / f"{group}.dat"
        path.write_bytes(mutated(every[chance.choice(mine)], others, chance) or b"x")
        signal.setitimer(signal.ITIMER_REAL, HANG)
        try:
            records = cn.read(path, with_names=chance.random() < 0.5)
            done[records.provenance["sources"][0]["format"]] += 1
        except cn.CollabnetError:
            done["refused"] += 1
        except BaseException:
            signal.setitimer(signal.ITIMER_REAL, 0)
            place = path.rename(folder / f"fault-{group}-{seed}-{len(faults)}")
            faults.append(f"{place}\n{traceback.format_exc(limit=-6)}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps({"done": done, "faults": faults, "peak": peak}))


def hang(*_: object) -> None:
    """Interrupt a read that takes too long."""
    raise TimeoutError("a hang")


def main() -> None:
    """Share the time out among the seeds and print a table of what was read."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition(chr(10))[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.mkdtemp(prefix="fuzz-")))
    options = parser.parse_args()
    if options.child:
        child(options.child, options.seconds, options.real, options.seed, options.folder)
        return
    names = sorted({key.split()[0] for key in seeds(options.real)})
    total: Counter[str] = Counter()
    faults = []
    for name in names:
        own = ["--child", name, "--seconds", str(options.seconds / len(names))]
        own += ["--seed", str(options.seed), "--folder", str(options.folder)]
        own += ["--real", str(options.real)] if options.real else []
        run = subprocess.run(
            [sys.executable, __file__, *own],
            capture_output=True,
            text=True,
            check=False,
            timeout=options.seconds / len(names) + 300,
            env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin"},
        )
        if run.returncode or not run.stdout:
            faults.append(f"{name}: the process ended with {run.returncode}\n{run.stderr[-800:]}")
            continue
        result = json.loads(run.stdout)
        total.update(result["done"])
        faults += result["faults"]
        reads = sum(result["done"].values())
        print(f"{name:15} {reads:7,} reads, peak {result['peak']} MB", flush=True)
    print("\n".join(f"{form:15} {count:9,}" for form, count in total.most_common()))
    print(f"{sum(total.values()):,} reads, {len(faults)} faults")
    print("\n".join(faults))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
