"""Change one line that counts, in a copy, and show who notices.

    python scripts/break_a_count.py

Exit status 0 if on the changed copy at least three tests and one notebook fail; takes minutes.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from os import environ
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = "collabnet/counting.py"
LINE, CHANGED = '"fractional": 1 / (n - 1)', '"fractional": 1 / n'
TESTS = ["tests/test_links.py", "tests/test_counting.py", "--maxfail=3"]
NOTEBOOK = "notebooks/04-central-africa.ipynb"


def main() -> int:
    """Change the line, run the tests and the notebook, count those that fail."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place, "collabnet")
        ignored = shutil.ignore_patterns(".*", "build", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=ignored)
        text = (copy / FILE).read_text(encoding="utf-8")
        if text.count(LINE) != 1:
            print(f"{FILE} no longer holds {LINE!r} once. Name another line.")
            return 2
        (copy / FILE).write_text(text.replace(LINE, CHANGED), encoding="utf-8")
        tests = _failed(copy, TESTS)
        cells = _failed(copy, [NOTEBOOK, "--nbval", "--nbval-current-env"])
    print(f"{FILE}: {LINE} → {CHANGED}")
    print(
        f"{len(tests)} tests fail (no more are looked for):",
        *tests,
        f"{len(cells)} cells fail:",
        *cells,
        sep="\n  ",
    )
    return 0 if len(tests) >= 3 and cells else 1


def _failed(copy: Path, what: list[str]) -> list[str]:
    """Run pytest in the copy and return what fails there."""
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", "-rf", "-m", "not slow"]
    command += ["-p", "no:cacheprovider", *what]
    env = environ | {"PYTHONPATH": str(copy)}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    return re.findall(r"^FAILED (\S+(?: \d+)?)", done.stdout, re.M)


if __name__ == "__main__":
    sys.exit(main())
