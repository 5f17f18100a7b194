"""The parts of an OpenAlex snapshot: found, and read once each, in as many processes as wanted.

Nothing here needs pandas, for a process that reads should not spend half its time on starting.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from glob import escape
from hashlib import blake2b
from importlib.abc import MetaPathFinder
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from isal import igzip, isal_zlib

from collabnet import works
from collabnet.errors import InputError
from collabnet.folders import sync
from collabnet.pool import Tell

FLUSHED, TOLD = 60_000, 500
"""Rows held before they are written; works between two steps of the progress bar."""

CODED = ["institution_id", "country"]

Places = tuple[tuple[frozenset[str], frozenset[str]], ...]


class Cut(NamedTuple):
    """Which works of a snapshot are kept: all that is given must hold (see `stores.ingest`)."""

    institutions: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    years: tuple[int, int] | None = None
    sample: float = 1
    with_xpac: bool = False


class Task(NamedTuple):
    """A part to read, the folder its tables go to, and what is kept of it.

    Of each pair (institutions, countries) in `places` an author has to have one.
    """

    path: Path
    name: str
    home: Path
    cut: Cut
    places: Places
    with_names: bool


class _WithoutPandas(MetaPathFinder):
    """Keeps pyarrow from loading pandas only to ask whether a list is a series of it."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(name=fullname)


WITHOUT = _WithoutPandas()


def serve() -> None:
    """Read the parts asked for on stdin, and answer on stdout; see `pool.delegate`."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    sys.meta_path.insert(0, WITHOUT)

    def answer(what: Any) -> None:
        pickle.dump(what, answers)
        answers.flush()

    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while task := pickle.load(asked):  # noqa: S301
            try:
                read_part(task, lambda *read: answer(read))
            except BrokenPipeError:
                break
            except (OSError, InputError) as error:
                answer(error)
            else:
                answer(None)
    os._exit(0)  # giving back what it holds bit by bit takes as long as reading a part


def read_part(task: Task, tell: Tell) -> None:
    """Read a part into a folder of its own, which appears when all of it is there."""
    cut, batch, broken = task.cut, works.Batch(with_names=task.with_names), []
    counts = dict.fromkeys(("read", "kept", "xpac", "outside"), 0)
    fresh = task.home.with_suffix(f".{os.getpid()}.tmp")
    fresh.mkdir()
    files: dict[str, pq.ParquetWriter] = {}
    keep = _wanted(task.places, batch) if task.places else None

    def write(*names: str) -> None:
        for name, table in batch.tables(*names).items():
            if name not in files:
                place = fresh / f"{name}.parquet"
                files[name] = pq.ParquetWriter(place, table.schema, use_dictionary=CODED)
            files[name].write_table(table)

    try:
        for place, work in works.decoded(lines_of(task.path, broken, tell)):
            counts["read"] += 1
            what = _left_out(work, cut) if isinstance(work, works.Work) else None
            if not what and (added := batch.add(place, work, keep)) is not None:
                what = "kept" if added else "outside"
            if what:
                counts[what] += 1
            if len(batch.participants) + len(batch.activities) > FLUSHED:
                write("activities", "participants")
        counts["read"] += len(broken)
        batch.quarantine += broken
        write()
        for file in files.values():
            file.close()
        (fresh / "counts.json").write_text(json.dumps(counts))
        sync(fresh)
        fresh.replace(task.home)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def lines_of(
    path: Path, broken: list[works.Row], tell: Tell = lambda *_: None
) -> Iterator[tuple[str, bytes | str]]:
    """Yield (place, JSON) of a part; where it breaks off is noted in `broken`."""
    number, seen, what = 0, 0, "row" if path.suffix == ".parquet" else "line"
    damaged = _damaged(what)
    try:
        with path.open("rb") as file:
            packed: Any = igzip.IGzipFile(fileobj=file)
            rows = _rows(path) if what == "row" else BufferedReader(packed, 1 << 19)
            for number, line in enumerate(rows, 1):
                if not line.isspace():
                    yield f"{what} {number}", line
                if number % TOLD == 0:
                    tell(file.tell() - seen, TOLD)
                    seen = file.tell()
    except damaged as error:
        reason = f"the file breaks off or is damaged from here on ({error}). Download it again"
        broken.append((f"{what} {number + 1}", " ".join(reason.split())))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}). What was read of the others is "
            "kept: mend it, and run the same command again."
        ) from None
    tell(path.stat().st_size - seen, number % TOLD)


def _damaged(what: str) -> Any:
    """Return what is raised where a part breaks off."""
    if what == "line":
        return (EOFError, isal_zlib.error, igzip.BadGzipFile)
    import duckdb

    return (duckdb.Error,)


def _rows(path: Path) -> Iterator[str]:
    """Yield the rows of a Parquet part as JSON, with the columns that are kept."""
    import duckdb

    with duckdb.connect(config={"threads": 1, "memory_limit": "400MB"}) as session:
        # The folder is named like a column, which stands in the file with the time of day.
        source = f"FROM read_parquet({quoted(path)}, hive_partitioning = false)"
        fields = {*works.Work.__struct_fields__, *works.House.__struct_fields__}
        packed = []
        for name, kind, *_ in session.execute(f"DESCRIBE {source}").fetchall():
            pattern = "%Y-%m-%dT%H:%M:%S.%f" if name == "updated_date" else "%Y-%m-%d"
            text = f"strftime({name}, '{pattern}')" if kind[:4] in {"DATE", "TIME"} else name
            packed += [f"{name} := {text}"] * (name in fields)
        answer = session.execute(f"SELECT to_json(struct_pack({', '.join(packed)})) {source}")
        while rows := answer.fetchmany(1000):
            yield from (row[0] for row in rows)


def _left_out(work: works.Work, cut: Cut) -> str | None:
    """Say what a work is not wanted for. A sample is drawn by the id, so for good."""
    if work.is_xpac and not cut.with_xpac:
        return "xpac"
    year = str(work.publication_year or work.publication_date or "")[:4]
    if cut.years and not (year.isdecimal() and cut.years[0] <= int(year) <= cut.years[1]):
        return "outside"
    if cut.sample >= 1:
        return None
    drawn = blake2b((works.bare(work.id) or "").encode(), digest_size=8).digest()
    return None if int.from_bytes(drawn) < cut.sample * 2**64 else "outside"


def _wanted(places: Places, batch: works.Batch) -> Callable[[list[works.Row]], bool]:
    def keep(rows: list[works.Row]) -> bool:
        bodies = {row[1] for row in rows} - {None}
        ids = bodies.union(f"openalex:{batch.institutions[body][-1]}" for body in bodies)
        stated = {row[4] for row in rows}
        return all(ids & asked or stated & countries for asked, countries in places)

    return keep


def quoted(*paths: Path) -> str:
    """Return paths as a list in SQL, in which no letter stands for others."""
    return "[" + ", ".join("'" + escape(str(p)).replace("'", "''") + "'" for p in paths) + "]"
