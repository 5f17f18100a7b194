"""Change one line that counts, in a copy, and show who notices; then another line, four in all.

    python scripts/break_a_count.py

Exit status 0 if with each of the changes at least three tests and one cell of a notebook fail;
takes some minutes.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from os import environ
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGES = (  # file, line, what it becomes, and a notebook that rests on it
    ("counting.py", '"fractional": 1 / (n - 1)', '"fractional": 1 / n', "04-central-africa"),
    ("counting.py", "2 / (n * (n - 1))", "1 / (n * (n - 1))", "00-tour"),
    ("links.py", "column[parties.n <= cap]", "column[parties.n < cap]", "07-how-sure-are-we"),
    (
        "parties.py",
        'return acts.filter(nw.col("first") >= years[0], nw.col("first") <= years[1])',
        'return acts.filter(nw.col("first") >= years[0], nw.col("first") < years[1])',
        "05-strategic-partners",
    ),
)
TESTS = [f"tests/test_{name}.py" for name in ("links", "counting", "recounts", "small_numbers")]


def main() -> int:
    """Make each change in a copy, run the tests and a notebook, count what fails."""
    missed = 0
    for file, line, changed, book in CHANGES:
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place, "collabnet")
            ignored = shutil.ignore_patterns(".*", "build", "__pycache__")
            shutil.copytree(ROOT, copy, ignore=ignored)
            source = copy / "collabnet" / file
            text = source.read_text(encoding="utf-8")
            if text.count(line) != 1:
                print(f"{file} no longer holds {line!r} once. Name another line.")
                return 2
            source.write_text(text.replace(line, changed), encoding="utf-8")
            tests = _failed(copy, TESTS)
            cells = _failed(copy, [f"notebooks/{book}.ipynb", "--nbval", "--nbval-current-env"])
        print(f"{file}: {line} → {changed}", f"{len(tests)} tests fail:", *tests, sep="\n  ")
        print(f"{len(cells)} cells of {book} fail:", *cells, sep="\n  ", flush=True)
        missed += len(tests) < 3 or not cells
    return 1 if missed else 0


def _failed(copy: Path, what: list[str]) -> list[str]:
    """Run pytest in the copy and return what fails there."""
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", "-rf", "-m", "not slow"]
    command += ["-p", "no:cacheprovider", *what]
    env = environ | {"PYTHONPATH": str(copy)}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    return re.findall(r"^FAILED (\S+(?: \d+)?)", done.stdout, re.M)


if __name__ == "__main__":
    sys.exit(main())
