"""Records: the tables of the data model held together, in memory or as a store on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine, schema
from collabnet.errors import SchemaError, StoreError
from collabnet.folders import PROVENANCE, put_back, replacing

VERSIONED = ("activities", "participants", "fields")
NUMBERS = ("activity_no", "institution_no")
"""Columns a store adds to its tables: row numbers, which mean nothing outside it."""


class Records:
    """Activities, who took part in them, and where each row came from.

    Each table of the data model is an attribute that gives a pandas frame: `records.activities`,
    `participants`, `institutions`, `relations`, `fields`, `persons`, `merges`, `quarantine`. A
    store opened with `read` stays on disk until a table is asked for. `+` joins two readings: of an
    activity in several versions the newest is kept and the merge is counted.

    Parameters
    ----------
    tables
        Table name → pandas frame (checked here) or another engine's table with the columns of the
        data model (DuckDB, Spark, sqlframe: taken as it is).
    provenance
        What was read, when and how; see `docs/data-model.md`.

    Raises
    ------
    SchemaError
        A table has an unknown name or does not fit the data model.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["w1"], "kind": ["work"], "start": ["2024"]})
    >>> authors = pd.DataFrame(
    ...     {"activity_id": ["w1", "w1"], "institution_id": ["00afp2z80", "02jz4aj89"]}
    ... )
    >>> Records({"activities": works, "participants": authors})
    <Records: 1 work · 2 participants · 2 institutions>
    """

    activities: pd.DataFrame
    participants: pd.DataFrame
    institutions: pd.DataFrame
    relations: pd.DataFrame
    fields: pd.DataFrame
    persons: pd.DataFrame
    merges: pd.DataFrame
    quarantine: pd.DataFrame

    def __init__(
        self, tables: Mapping[str, Any], *, provenance: Mapping[str, Any] | None = None
    ) -> None:
        unknown = set(tables) - set(schema.TABLES)
        if unknown:
            raise SchemaError(
                f"There is no table {min(unknown)!r}; the tables are {', '.join(schema.TABLES)}."
            )
        self._native: dict[str, Any] = {
            name: _checked(name, table) if isinstance(table, pd.DataFrame) else table
            for name, table in tables.items()
        }
        for name in set(schema.TABLES) - set(tables):
            self._native[name] = schema.empty(name)
        self.provenance: dict[str, Any] = {"sources": [], "merged": 0, **(provenance or {})}
        self._store: tuple[Path, Any] | None = None
        if all(isinstance(self._native[t], pd.DataFrame) for t in ("participants", "institutions")):
            self._complete()

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name not in schema.TABLES:
            raise AttributeError(f"Records has no table or attribute {name!r}.")
        native = self._native[name]
        if not isinstance(native, pd.DataFrame):
            native = _checked(name, engine.collect(self.lazy(name)))
            if name != "participants":
                self.__dict__[name] = native
        return native

    def lazy(self, table: str) -> nw.LazyFrame:
        """Return a table as a narwhals frame of the engine that holds it.

        Raises
        ------
        StoreError
            The store these records were opened from has been replaced since.
        """
        if self._store and _seal(self._store[0]) != self._store[1]:
            raise StoreError(
                f"{self._store[0]}: was replaced since it was opened. Open it again with read."
            )
        return engine.lazy(self._native[table])

    def file(self, table: str) -> Path | None:
        """Return the Parquet file a table of a store stands in, where DuckDB reads it."""
        if self.lazy(table).implementation is nw.Implementation.DUCKDB and self._store:
            return self._store[0] / f"{table}.parquet"
        return None

    def counts(self) -> dict[str, int]:
        """Return how many activities of each kind there are, and the size of the other tables."""
        counted = self.lazy("activities").filter(nw.col("same_as").is_null())
        kinds = engine.collect(counted.group_by("kind").agg(n=nw.len()))
        by_kind = dict(zip(kinds["kind"], kinds["n"].astype(int), strict=True))
        sizes = {name: self._size(name) for name in schema.TABLES if name != "activities"}
        return {kind: by_kind[kind] for kind in schema.KINDS if kind in by_kind} | sizes

    def _size(self, table: str) -> int:
        return int(engine.collect(self.lazy(table).select(n=nw.len()))["n"].iloc[0])

    def __repr__(self) -> str:
        singular = {"activities": "activity", "mobility": "mobility flow"}
        parts = []
        for name, n in self.counts().items():
            if not n:
                continue
            word = singular.get(name, name.removesuffix("s"))
            plural = name if name.endswith("s") else f"{word}s"
            if name == "quarantine":
                word = plural = "in quarantine"
            parts.append(f"{n:,} {word if n == 1 else plural}")
        return f"<Records: {' · '.join(parts) or 'empty'}>"

    def __add__(self, other: Records) -> Records:
        return joined((self, other))

    def _complete(self) -> None:
        """Give every institution named a row, and every participant the country it implies."""
        people, known = self._native["participants"], self._native["institutions"]
        named = people["institution_id"].dropna().unique()
        missing = pd.Index(named).difference(known["institution_id"])
        if len(missing):
            rows = schema.check("institutions", pd.DataFrame({"institution_id": missing}))
            rows["name"] = rows["institution_id"]
            known = pd.concat([known, rows], ignore_index=True)
            self._native["institutions"] = known
        if people["country"].isna().any():
            country = known.set_index("institution_id")["country"]
            implied = people["institution_id"].map(country).astype("string")
            self._native["participants"] = people.assign(country=people["country"].fillna(implied))


def _checked(name: str, table: pd.DataFrame) -> pd.DataFrame:
    return schema.check(name, table.drop(columns=[*NUMBERS], errors="ignore"))


def joined(readings: Sequence[Records]) -> Records:
    """Join readings: what `+` does with two of them, at once."""
    tables = {
        name: pd.concat([getattr(reading, name) for reading in readings], ignore_index=True)
        for name in schema.TABLES
    }
    for name in VERSIONED:
        sizes = [len(getattr(reading, name)) for reading in readings]
        tables[name] = tables[name].assign(_side=np.repeat(np.arange(len(readings)), sizes))
    merged = _keep_newest(tables)
    for name in ("institutions", "persons"):
        tables[name] = fill_first(name, tables[name])
    for name in ("relations", "merges", "quarantine"):
        tables[name] = tables[name].drop_duplicates(ignore_index=True)
    sources = {
        s["sha256"]: s for r in reversed(readings) for s in reversed(r.provenance["sources"])
    }
    facts = {name: value for r in reversed(readings) for name, value in r.provenance.items()}
    facts["sources"] = list(reversed(sources.values()))
    facts["merged"] = merged + sum(reading.provenance["merged"] for reading in readings)
    return Records(tables, provenance=facts)


def _keep_newest(tables: dict[str, pd.DataFrame]) -> int:
    """Keep one version of each activity with its own rows; return how many versions went."""
    acts, people = tables["activities"], tables["participants"]
    merged = 0
    twice = acts["activity_id"].duplicated(keep=False)
    if twice.any():
        # The order must not depend on which reading came first: newest, then fullest, then by name.
        size = people.groupby(["activity_id", "_side"], as_index=False).agg(_size=("role", "size"))
        ranked = acts[twice].merge(size, on=["activity_id", "_side"], how="left")
        ranked = ranked.sort_values(
            ["updated", "_size", "source", "record"], ascending=[False, False, True, True]
        )
        lost = ranked[ranked["activity_id"].duplicated()]
        gone = pd.MultiIndex.from_frame(lost[["activity_id", "_side"]])
        merged = len(lost)
        for name in VERSIONED:
            version_of = pd.MultiIndex.from_frame(tables[name][["activity_id", "_side"]])
            tables[name] = tables[name][~version_of.isin(gone)]
    for name in VERSIONED:
        tables[name] = tables[name].drop(columns="_side").reset_index(drop=True)
    return merged


def fill_first(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Merge rows of one key, the fullest first: the first known value of each column stands."""
    key = schema.KEYS[name]
    if not table[key].duplicated().any():
        return table
    # The order must not depend on which reading came first: the alphabet decides what is left.
    unknown = table.isna().sum(axis=1)
    ranked = table.assign(_unknown=unknown).sort_values(["_unknown", *schema.TABLES[name]])
    return ranked.groupby(key, as_index=False).first()[table.columns]


def write_store(records: Records, path: str | Path) -> Path:
    """Write `records` as a store: a folder of Parquet tables and `provenance.json`.

    The folder appears whole or not at all. Rows are sorted, and participants carry the row numbers
    of their activity and institution (`activity_no`, `institution_no`), on which joins are fast.

    Parameters
    ----------
    records
        What to write.
    path
        The folder; a store that stands there is replaced, anything else is left alone.

    Raises
    ------
    StoreError
        `path` is a file, or a folder that is not a store.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_store(write_store(Records({}), f"{folder}/store"))
    <Records: empty>
    """
    tables = {name: getattr(records, name) for name in schema.TABLES}
    for name, table in tables.items():
        order = [c for c in ("activity_id", "position", *schema.TABLES[name]) if c in table]
        tables[name] = table.sort_values(
            list(dict.fromkeys(order)), ignore_index=True, kind="stable"
        )
    people = tables["participants"]
    for table, key, number in (
        ("activities", "activity_id", "activity_no"),
        ("institutions", "institution_id", "institution_no"),
    ):
        numbers = pd.Series(range(len(tables[table])), dtype="Int32")
        tables[table][number] = numbers
        people[number] = people[key].map(numbers.set_axis(tables[table][key])).astype("Int32")
    with replacing(Path(path)) as fresh:
        for name, table in tables.items():
            table.to_parquet(fresh / f"{name}.parquet", index=False, compression="zstd")
        write_stamp(records, fresh)
    return Path(path)


def write_stamp(records: Records, folder: Path) -> None:
    """Write the provenance of a store whose tables stand in `folder`."""
    stamp = {
        **records.provenance,
        "collabnet": schema.COLLABNET,
        "schema": schema.VERSION,
        "counts": records.counts(),
        "store": _digest(records.provenance),
    }
    text = json.dumps(stamp, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / PROVENANCE).write_text(text + "\n", encoding="utf-8")


def read_store(path: str | Path, *, session: Any = None) -> Records:
    """Open a store lazily: tables stay on disk until they are used.

    Parameters
    ----------
    path
        A folder made by `collabnet ingest` or `write_store`.
    session
        The Spark session that shall hold it; DuckDB by default.

    Raises
    ------
    StoreError
        The folder is no store, lacks a table, or was written by a newer collabnet.
    """
    path = Path(path)
    put_back(path.absolute())
    seal = _seal(path)
    try:
        provenance = json.loads((path / PROVENANCE).read_text(encoding="utf-8"))
        written = int(provenance["schema"])
        _digest(provenance)
    except FileNotFoundError:
        raise StoreError(
            f"{path}: no store here (no {PROVENANCE}). "
            f"Make one with: collabnet ingest SOURCE --out {path}"
        ) from None
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        raise StoreError(
            f"{path}: {PROVENANCE} is damaged. Make the store again with collabnet ingest."
        ) from None
    if written > schema.VERSION:
        raise StoreError(
            f"{path}: written in version {written} of the data model, this collabnet knows "
            f"version {schema.VERSION}. Upgrade collabnet, or ingest the sources again."
        )
    lost = [name for name in schema.TABLES if not (path / f"{name}.parquet").exists()]
    if lost:
        raise StoreError(
            f"{path}: the table {lost[0]!r} is missing. Make the store again with collabnet ingest."
        )
    tables = {name: engine.scan(path / f"{name}.parquet", session) for name in schema.TABLES}
    records = Records(tables, provenance=provenance)
    records._store = (path, seal)
    return records


def _seal(store: Path) -> tuple[int, int] | None:
    """Tell one writing of a store from the next."""
    try:
        found = (store / PROVENANCE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def origin(records: Records) -> dict[str, Any]:
    """Say what any result of these records rests on, for its note, without looking at them.

    Coverage and settings are those stated when the records were resolved and stored.
    """
    facts = records.provenance
    found = facts.get("resolution", {})
    made = {**facts.get("settings", {}), "countries": found.get("country_policy")}
    made["unified"] = facts.get("unified")
    names = ("institutions", "with_ror", "participations_without_institution")
    return {
        "coverage": {name: found[name] for name in names if name in found} or None,
        "settings": {k: v for k, v in made.items() if v} or "as they are by default",
        "store": facts.get("store"),
        "collabnet": schema.COLLABNET,
    }


def _digest(provenance: Mapping[str, Any]) -> str:
    """Hash what decides the content of a store: the sources and the settings."""
    parts = sorted(source["sha256"] for source in provenance["sources"])
    text = json.dumps([schema.VERSION, parts, provenance.get("settings", {})], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
