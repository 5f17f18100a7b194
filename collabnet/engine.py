"""The seam: the same expressions on DuckDB, pandas and any Spark dialect.

A *native* table is whatever an engine calls one: a DuckDB relation, a pandas frame, a Spark or
sqlframe frame. `lazy` wraps it for narwhals, in which every join of this package is written once;
`collect` brings a small result back to pandas. Nothing above `links` knows which engine ran.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd

from collabnet.errors import StoreError

if TYPE_CHECKING:
    import duckdb


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """Return the DuckDB connection of this process: in memory, without a progress bar."""
    import duckdb

    session = duckdb.connect()
    session.execute("SET enable_progress_bar = false")
    return session


def scan(path: Path) -> duckdb.DuckDBPyRelation:
    """Open a Parquet file lazily in DuckDB.

    Raises
    ------
    StoreError
        It is no Parquet file, or a damaged one.
    """
    import duckdb

    try:
        return connection().read_parquet(glob.escape(str(path)))
    except duckdb.Error:
        raise StoreError(
            f"{path}: damaged, this is no Parquet table. Make the store again with collabnet "
            "ingest."
        ) from None


def lazy(native: Any) -> nw.LazyFrame:
    """Wrap a native table for narwhals, without copying or reading it."""
    return nw.from_native(native).lazy()


def settle(frame: nw.LazyFrame) -> nw.LazyFrame:
    """Compute `frame` once where the engine would otherwise do so at each use.

    A self-join reads its table several times; DuckDB would repeat the work behind it each time.
    """
    if frame.implementation is not nw.Implementation.DUCKDB:
        return frame
    name = f"settled_{abs(id(frame)):x}"
    session = connection()
    relation: Any = frame.to_native()
    session.execute(f"DROP TABLE IF EXISTS {name}")
    relation.create(name)
    return lazy(session.table(name))


def release(frame: nw.LazyFrame) -> None:
    """Give back what `settle` stored."""
    if frame.implementation is nw.Implementation.DUCKDB:
        relation: Any = frame.to_native()
        connection().execute(f"DROP TABLE IF EXISTS {relation.alias}")


def collect(frame: nw.LazyFrame) -> pd.DataFrame:
    """Bring a result to pandas; numbers that are unknown somewhere get a nullable type.

    Parameters
    ----------
    frame
        A narwhals frame; it is computed here.

    Returns
    -------
    DataFrame with `string` text, and `Int64`, `Float64`, `boolean` where a value is missing.
    """
    if frame.implementation.is_pandas():
        return frame.collect().to_pandas().reset_index(drop=True)
    table = frame.collect("pyarrow").to_arrow()
    for number, field in enumerate(table.schema):
        if str(field.type).startswith("decimal"):  # DuckDB sums integers to 128 bits
            table = table.set_column(number, field.name, table[field.name].cast("int64"))
    result = table.to_pandas(types_mapper=lambda t: _pandas_type(t) if str(t) == "string" else None)
    for name in table.column_names:
        if table[name].null_count and str(table[name].type) != "string":
            result[name] = table[name].to_pandas(types_mapper=_pandas_type)
    return result


def is_local(frame: nw.LazyFrame) -> bool:
    """Is it a table of this process: in pandas or DuckDB?"""
    return frame.implementation in {nw.Implementation.DUCKDB, nw.Implementation.PANDAS}


def arrays(frame: nw.LazyFrame) -> dict[str, Any]:
    """Bring columns to this process: whole numbers as numpy, 0 where unknown; text as pandas."""
    table = collect(frame)
    return {
        str(name): column.fillna(0).to_numpy()
        if pd.api.types.is_numeric_dtype(column)
        else column.array
        for name, column in table.items()
    }


def batches(frame: nw.LazyFrame) -> Iterator[pd.DataFrame]:
    """Yield a result piece by piece, where its engine can."""
    if frame.implementation is not nw.Implementation.DUCKDB:
        yield collect(frame)
        return
    relation: Any = frame.to_native()
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
    if frame.implementation is nw.Implementation.DUCKDB:
        import pyarrow as pa

        return lazy(connection().from_arrow(pa.Table.from_pandas(table, preserve_index=False)))
    native: Any = frame.to_native()
    session = getattr(native, "session", None) or native.sparkSession
    return lazy(
        session.createDataFrame(list(table.itertuples(index=False, name=None)), list(table))
    )
