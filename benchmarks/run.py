"""Run every benchmark, one after the other, and write docs/benchmarks.md from the results.

    python benchmarks/run.py [--quick] [PART …]

A part that fails is reported and the rest goes on. Results lie in build/bench/*.json, so one part
can be run again by itself and the report written anew. Quick: small, under three minutes; full:
under an hour. Take the figures on a quiet machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from common import HERE, OURS, say

PARTS = ("hyperauthors", "ingest", "edges", "analysis", "intervals", "peers", "atlas", "report")
LIMIT = 30 * 60


def main(words: list[str]) -> int:
    """Run the parts; return how many failed."""
    options = [word for word in words if word.startswith("--")]
    chosen = [word for word in words if not word.startswith("--")] or list(PARTS)
    failed = []
    for part in chosen:
        say(f"== {part}")
        started = time.monotonic()
        command = [sys.executable, str(HERE / f"{part}.py"), *options]
        try:
            code = subprocess.run(
                command, check=False, timeout=LIMIT, env={**os.environ, **OURS}
            ).returncode
        except subprocess.TimeoutExpired:
            code = f"stopped after {LIMIT // 60} minutes"
        say(
            f"== {part}: {'done' if code == 0 else f'FAILED ({code})'}, "
            f"{time.monotonic() - started:.0f} s"
        )
        failed += [part] if code else []
    if failed:
        say(f"failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
