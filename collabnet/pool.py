"""The processes that read: the parts of an OpenAlex snapshot, or a share of a large export.

Only what Python itself brings is loaded here, so that they can start ahead of everything else.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from subprocess import PIPE, Popen
from typing import Any

from collabnet import settings
from collabnet.errors import InputError, StoreError

LAYOUTS = ("data/jsonl", "jsonl", "data/parquet", "parquet", "data", "")
"""Where the entities of a snapshot may lie, in the order preferred."""

ALONE = 1 << 23
"""Bytes worth a process of its own."""

SERVING = "import gc, signal; gc.disable(); signal.signal(signal.SIGINT, signal.SIG_DFL); "
SERVING += "from collabnet.parts import serve; serve()"
LEAN = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""For a process that reads: no threads for algebra, which take as long to start as all the rest of
numpy, and memory that is used again rather than given back to the system and asked for anew."""

MOST = 8
"""Processes that share a file: its lines are found in one, which takes a tenth of all the work."""

HELPING = "import gc, signal; gc.disable(); signal.signal(signal.SIGINT, signal.SIG_IGN); "
HELPING += "from collabnet.pool import help_out; help_out()"
"""What they run. Ctrl-C is for the one that started them, which ends them."""

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


@contextmanager
def uncollected() -> Generator[None]:
    """Spare the search for cycles for a while: nothing that is read refers to itself."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def shared(
    name: str, work: Callable[[Any], Any], batches: Iterable[Any], *, alone: int
) -> Iterator[Any]:
    """Yield `work(batch)` in the order of the batches; past `alone` of them, processes help.

    A batch that no process is free for is worked on here. They end when this does, however it ends.
    """
    free: SimpleQueue[Any] = SimpleQueue()
    waiting: deque[Future[Any]] = deque()
    with ExitStack() as stack:
        stack.enter_context(uncollected())
        for number, batch in enumerate(batches):
            if number == alone:
                stack.enter_context(_helped(name, work, free))
            packed = b""
            with suppress(RecursionError):  # what is nested too deep to be sent stays here
                packed = b"" if free.empty() else pickle.dumps(batch)
            if packed:
                give = free.get()
                waiting.append(give(packed))
                waiting[-1].add_done_callback(partial(_put_back, give, free))
            else:
                waiting.append(Future())
                waiting[-1].set_result(work(batch))
            while waiting and waiting[0].done():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _helped(name: str, work: Any, free: SimpleQueue[Any]) -> Generator[None]:
    """Start processes that help, and end them with the use.

    What gives a batch to one is `free` when it has started: twice, for the next lies ready then.
    """
    setting = pickle.dumps(({key: getattr(settings, key) for key in settings.USUAL}, work))
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path}; {HELPING}"]
    with ExitStack() as stack:
        with suppress(OSError):  # where no more can be started, fewer help
            for _ in range(min(os.cpu_count() or 1, MOST) - 1):
                helper = Popen(command, stdin=PIPE, stdout=PIPE, env=LEAN | os.environ)  # noqa: S603
                stack.callback(helper.communicate)
                thread = stack.enter_context(ThreadPoolExecutor(1))
                stack.callback(helper.kill)
                give: Any = partial(thread.submit, _ask, name, helper)
                started = give(setting)
                for _ in range(2):
                    started.add_done_callback(partial(_put_back, give, free))
        yield


def _put_back(give: Any, free: SimpleQueue[Any], done: Future[Any]) -> None:
    if not done.cancelled() and not done.exception():
        free.put(give)


def _ask(name: str, helper: Any, packed: bytes) -> Any:
    """Return what a process answers."""
    try:
        helper.stdin.write(packed)
        helper.stdin.flush()
        failed, answer = pickle.load(helper.stdout)  # noqa: S301
    except (EOFError, OSError, pickle.UnpicklingError):
        raise InputError(
            f"{name}: a process that read a part of it was stopped (out of memory?). Read it again."
        ) from None
    if failed:
        raise answer
    return answer


def help_out() -> None:
    """Work on the batches that come on stdin, and answer on stdout; see `shared`."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    with suppress(EOFError, OSError):
        setting, work = pickle.load(asked)  # noqa: S301
        vars(settings).update(setting)
        answer: Any = (False, None)
        while True:
            pickle.dump(answer, answers)
            answers.flush()
            batch = pickle.load(asked)  # noqa: S301
            try:
                answer = (False, work(batch))
            except Exception as error:
                answer = (True, error)
    os._exit(0)
