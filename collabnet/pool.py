"""The processes that read the parts of an OpenAlex snapshot: one for each core.

Only what Python itself brings is loaded here, so that they can start ahead of everything else.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from collabnet.errors import StoreError

LAYOUTS = ("data/jsonl", "jsonl", "data/parquet", "parquet", "data", "")
"""Where the entities of a snapshot may lie, in the order preferred."""

ALONE = 1 << 23
"""Bytes worth a process of its own."""

SERVING = "import gc, signal; gc.disable(); signal.signal(signal.SIGINT, signal.SIG_DFL); "
SERVING += "from collabnet.parts import serve; serve()"
LEAN = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""For a process that reads: no threads for algebra, which take as long to start as all the rest of
numpy, and memory that is used again rather than given back to the system and asked for anew."""

_running: ContextVar[list[Any] | None] = ContextVar("_running", default=None)

Tell = Callable[[int, int], None]


def parts_of(folder: Path, entity: str = "works") -> list[tuple[Path, str]]:
    """Return the parts of an entity with their names; of two formats JSON Lines is taken."""
    for root in (folder / layout for layout in LAYOUTS):
        for kind in ("gz", "parquet"):
            found = sorted(root.glob(f"{entity}/updated_date=*/*.{kind}"))
            if found:
                return [(path, path.relative_to(root).as_posix()) for path in found]
    return []


@contextmanager
def readers(sources: Iterable[str | Path]) -> Generator[list[Any]]:
    """Start processes for a snapshot among the sources, fewer where there is little to read.

    They end with the outermost use; those inside share them.
    """
    if (shared := _running.get()) is not None:
        yield shared
        return
    found = [one for source in sources for one in parts_of(Path(source))]
    size, started = sum(path.stat().st_size for path, _ in found), list[Any]()
    token = _running.set(started)
    try:
        for _ in range(min(os.cpu_count() or 1, len(found), size // ALONE)):
            command = [sys.executable, "-c", SERVING]
            started.append(Popen(command, stdin=PIPE, stdout=PIPE, env=LEAN | os.environ))  # noqa: S603
        yield started
    finally:
        _running.reset(token)
        for reader in started:
            with reader, suppress(OSError):  # one that was killed has no ear for it
                reader.stdin.close()


def delegate(task: Any, tell: Tell, reader: Any) -> None:
    """Have a part read by a process, which ends when this one does, however it ends."""
    try:
        pickle.dump(task, reader.stdin)
        reader.stdin.flush()
        while isinstance(answer := pickle.load(reader.stdout), tuple):  # noqa: S301
            tell(*answer)
    except (EOFError, BrokenPipeError):
        raise StoreError(
            f"{task.name}: the process that read it was stopped (out of memory?). What was read "
            "is kept: run the same command again."
        ) from None
    if answer is not None:
        raise answer
