"""The seam: the same expressions on DuckDB, pandas and any Spark dialect.

A *native* table is whatever an engine calls one: a DuckDB relation, a pandas frame, a Spark or
sqlframe frame. `lazy` wraps it for narwhals, in which every join of this package is written once;
`collect` brings a small result back to pandas. Nothing above `links` knows which engine ran.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw
import pandas as pd

from collabnet import settings
from collabnet.errors import CollabnetError, MissingExtraError, StoreError

if TYPE_CHECKING:
    import duckdb

ENGINES = ("duckdb", "spark")
SPARK = {
    "spark.log.level": "ERROR",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
LOOPBACK = {
    "spark.driver.host": "127.0.0.1",
    "spark.pyspark.python": sys.executable,
    "spark.sql.shuffle.partitions": "8",
}
PATIENCE = 60
"""Seconds for a worker to come: Spark would wait for ever, and say so below the log level."""
FEW = ("country",)
"""Columns of text that hold few values."""

LIMITS = ("IOException", "NotImplementedException", "OutOfMemoryException")
"""Errors of DuckDB that are not about us: memory, disk, a spill folder that is in use."""

UNREADABLE = r"\[(FAILED_READ_FILE|UNABLE_TO_INFER_SCHEMA)\b"
"""Errors of Spark that are about a file; what else fails is Spark's."""

ROW = 50
"""Bytes that counting in this process takes for each party, as measured on 45 million."""


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    import duckdb

    session = duckdb.connect()
    session.execute("PRAGMA disable_progress_bar")  # SET asks Jupyter for ipywidgets
    return session


def connection() -> duckdb.DuckDBPyConnection:
    """Return the DuckDB connection of this process, within the memory and the folder now set."""
    memory = os.environ.get("COLLABNET_MEMORY") or settings.MEMORY
    folder = os.environ.get("COLLABNET_SPILL") or settings.SPILL or tempfile.gettempdir()
    if memory and not re.fullmatch(r"\d+(\.\d+)? ?[MGT]i?B", memory, re.IGNORECASE):
        raise CollabnetError(f"Memory {memory!r} is no size. Write one such as 4GB or 500MB.")
    if not os.access(f"{folder}/.", os.W_OK):
        raise CollabnetError(f"{folder}: no folder to spill into. Make it, or name another.")
    session = _connection()
    with _one_sentence(f"Memory {memory}, spilling into {folder}"):
        session.execute(f"SET memory_limit = '{memory}'" if memory else "RESET memory_limit")
        # Processes must not share one: DuckDB gives its files the same names each time.
        spill = f"{folder}/collabnet-{os.getpid()}"
        # One that holds files already cannot be set again, not even to itself.
        if session.execute("SELECT current_setting('temp_directory')").fetchone() != (spill,):
            session.execute("SET temp_directory = ?", [spill])
    return session


def spark_session(master: str = "local[*]") -> Any:
    """Return the Spark session of this process; what is not set here, spark-defaults.conf says."""
    try:
        builder: Any = import_module("pyspark.sql").SparkSession.builder
    except ImportError:
        raise MissingExtraError("Spark", "pyspark", "spark") from None
    home = os.environ.get("JAVA_HOME")
    if not shutil.which("java", path=f"{home}/bin" if home else None):
        raise CollabnetError(
            f"Spark needs Java 17 or newer; there is none in {home or 'PATH'}. Install it (Debian, "
            "Ubuntu: apt-get install openjdk-17-jre-headless) or set JAVA_HOME."
        )
    options = SPARK | (LOOPBACK if re.match(r"local\b|spark://(localhost|127\.)", master) else {})
    hosts = re.findall(r"(?:spark://|,)\[?(.+?)\]?:(\d{1,5})\b", master)
    if master.startswith("spark:") and not any(starmap(_answers, hosts)):
        raise CollabnetError(f"{master}: no Spark master answers there. Start it, or correct it.")
    with _one_sentence(f"Spark does not start on {master}"):
        # PySpark warns of pandas 3, which it is not handed here.
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            session = builder.master(master).config(map=options).getOrCreate()
        context = session.sparkContext
        if context.master != master:
            raise CollabnetError(f"Spark runs on {context.master} already. Stop that session.")
        jvm: Any = context._jsc
        until = time.monotonic() + PATIENCE
        while hosts and jvm.sc().getExecutorMemoryStatus().size() < 2:  # the driver is one
            if time.monotonic() > until:
                session.stop()
                raise CollabnetError(f"{master}: no worker with a core and memory (1g) is free.")
            time.sleep(0.1)
    return session


def _answers(host: str, port: str) -> bool:
    with suppress(OSError, OverflowError):
        socket.create_connection((host, int(port)), timeout=5).close()
        return True
    return False


@contextmanager
def _one_sentence(doing: str) -> Generator[None]:
    """Say in one sentence what an engine lacks; what Spark says at length follows in the trace."""
    try:
        yield
    except Exception as error:
        home, name = type(error).__module__, type(error).__name__
        if not home.startswith(("pyspark.", "py4j.")) and name not in LIMITS:
            raise
        lines = [line.strip(" .:") for line in str(error).splitlines()]
        said = next((x for x in lines if x and not x.startswith("An error occurred")), name)
        raise CollabnetError(f"{doing}: {said}. See docs/how-to/cluster.md.") from error


def scan(path: Path, session: Any = None) -> Any:
    """Open a Parquet file lazily in DuckDB, or on a Spark session."""
    import duckdb

    duck = connection()
    literal = re.sub(r"([][{}*?\\])", r"\\\1", str(path.absolute()))  # Spark would look for others
    with _one_sentence(f"{path} cannot be opened"):
        try:
            if session is None:
                return duck.read_parquet(glob.escape(str(path)))
            return session.read.parquet(f"file:{literal}")
        except duckdb.OutOfMemoryException:
            raise
        except Exception as error:
            if not isinstance(error, duckdb.Error) and not re.search(UNREADABLE, str(error)):
                raise
            raise StoreError(
                f"{path}: damaged, this is no Parquet table. Make the store again with collabnet "
                "ingest."
            ) from None


def lazy(native: Any) -> nw.LazyFrame:
    """Wrap a native table for narwhals, without copying or reading it."""
    return nw.from_native(native).lazy()


def settle(frame: nw.LazyFrame) -> nw.LazyFrame:
    """Compute `frame` once where the engine would otherwise do so at each use.

    A self-join reads its table several times; DuckDB and Spark would repeat the work behind it.
    """
    if frame.implementation.is_pyspark():
        return lazy(frame.to_native().persist())
    if frame.implementation is not nw.Implementation.DUCKDB:
        return frame
    name = f"settled_{abs(id(frame)):x}"
    session = connection()
    relation: Any = frame.to_native()
    session.execute(f"DROP TABLE IF EXISTS {name}")
    with _one_sentence("The tables cannot be joined"):
        relation.create(name)
    return lazy(session.table(name))


def release(frame: nw.LazyFrame) -> None:
    """Give back what `settle` stored."""
    if frame.implementation.is_pyspark():
        frame.to_native().unpersist()
    if frame.implementation is nw.Implementation.DUCKDB:
        relation: Any = frame.to_native()
        connection().execute(f"DROP TABLE IF EXISTS {relation.alias}")


def collect(frame: nw.LazyFrame) -> pd.DataFrame:
    """Compute a frame into pandas: `string` text, nullable types where a value is missing."""
    if frame.implementation.is_pandas():
        return frame.collect().to_pandas().reset_index(drop=True)
    with _one_sentence("The result cannot be computed"):
        table = frame.collect("pyarrow").to_arrow()
    for number, field in enumerate(table.schema):
        if str(field.type).startswith("decimal"):  # DuckDB sums integers to 128 bits
            table = table.set_column(number, field.name, table[field.name].cast("int64"))
    result = table.to_pandas(types_mapper=lambda t: _pandas_type(t) if str(t) == "string" else None)
    for name in table.column_names:
        if table[name].null_count and str(table[name].type) != "string":
            result[name] = table[name].to_pandas(types_mapper=_pandas_type)
    return result


def fits(frame: nw.LazyFrame) -> bool:
    """Can its rows be counted in this process, within half of the memory allowed?"""
    if frame.implementation is not nw.Implementation.DUCKDB:
        return frame.implementation.is_pandas()
    stated: Any = connection().sql("SELECT current_setting('memory_limit')").fetchone()
    amount, unit = stated[0].split()
    limit = float(amount) * 1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit)
    return int(collect(frame.select(n=nw.len()))["n"].iloc[0]) * ROW < limit


class Text(NamedTuple):
    """A column of text: the place of each value among the distinct ones."""

    codes: Any
    texts: pd.Series


def codes(frame: nw.LazyFrame) -> dict[str, Any]:
    """Bring columns to this process as whole numbers, 0 where unknown, and text as codes."""
    import pyarrow as pa

    if frame.implementation.is_pandas():
        return _coded(pa.Table.from_pandas(collect(frame), preserve_index=False))
    with _one_sentence("The result cannot be computed"):
        return _coded(frame.collect("pyarrow").to_arrow())


def codes_of(path: Path, key: str, unit: str) -> dict[str, Any]:
    """Return `codes` of the rows of a Parquet file, -1 where the `unit` is not known."""
    import pyarrow.parquet as pq

    few = [unit] if unit in FEW else None  # then the dictionaries of the file serve as they are
    table = pq.read_table(path, columns=[key, unit], read_dictionary=few).select([key, unit])
    return _coded(table.rename_columns(["activity", "unit"]), -1)


def _coded(table: Any, unknown: int = 0) -> dict[str, Any]:
    import pyarrow.types as kinds

    found: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if kinds.is_integer(column.type):
            known = column.fill_null(unknown) if column.null_count else column
            found[name] = known.to_numpy()
        else:
            whole = kinds.is_dictionary(column.type)
            coded = column.unify_dictionaries() if whole else column.dictionary_encode()
            coded = coded.combine_chunks()
            texts = pd.Series(coded.dictionary.to_pylist(), dtype="string")
            codes = coded.indices.fill_null(-1) if coded.null_count else coded.indices
            found[name] = Text(codes.to_numpy(), texts)
    return found


def batches(frame: nw.LazyFrame) -> Iterator[pd.DataFrame]:
    """Yield a result piece by piece, where its engine can."""
    if frame.implementation is not nw.Implementation.DUCKDB:
        yield collect(frame)
        return
    relation: Any = frame.to_native()
    with _one_sentence("The links cannot be counted"):
        for batch in relation.to_arrow_reader(1_000_000):
            yield batch.to_pandas()


def write_parquet(tables: Iterable[pd.DataFrame], path: Path, note: dict[str, Any]) -> Path:
    """Write tables of one kind below each other into one Parquet file, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fresh, writer = path.with_name(f".{path.name}.tmp-{os.getpid()}"), None
    try:
        for table in tables:
            rows = pa.Table.from_pandas(table, preserve_index=False)
            if writer is None:
                stamp = {**rows.schema.metadata, b"PANDAS_ATTRS": json.dumps({"note": note})}
                writer = pq.ParquetWriter(
                    fresh, rows.schema.with_metadata(stamp), compression="zstd"
                )
            writer.write_table(rows.cast(writer.schema))
        if writer is not None:
            writer.close()
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path


def _pandas_type(arrow_type: Any) -> Any:
    import pyarrow.types as kinds

    if kinds.is_integer(arrow_type):
        return pd.Int64Dtype()
    if kinds.is_floating(arrow_type):
        return pd.Float64Dtype()
    if kinds.is_boolean(arrow_type):
        return pd.BooleanDtype()
    return pd.StringDtype() if kinds.is_string(arrow_type) else None


def like(table: pd.DataFrame, frame: nw.LazyFrame) -> nw.LazyFrame:
    """Hand a small pandas table to the engine of `frame`, so that the two can be joined."""
    if frame.implementation.is_pandas():
        return lazy(table)
    native: Any = frame.to_native()
    if frame.implementation is nw.Implementation.SQLFRAME:
        rows = list(table.itertuples(index=False, name=None))
        return lazy(native.session.createDataFrame(rows, list(table)))
    import pyarrow as pa

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    if frame.implementation is nw.Implementation.DUCKDB:
        return lazy(connection().from_arrow(arrow))
    return lazy(native.sparkSession.createDataFrame(arrow))
