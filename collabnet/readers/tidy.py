"""Our own tidy folder: the tables of the data model as CSV, as anyone can write by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from collabnet import schema
from collabnet.errors import InputError, SchemaError
from collabnet.readers.source import sha256
from collabnet.records import Records


def sniff(folder: Path) -> bool:
    """Tell whether the folder holds `activities.csv` and `participants.csv`."""
    return all((folder / f"{name}.csv").is_file() for name in ("activities", "participants"))


def read(folder: Path, *, skip: Collection[str] = ()) -> Records:
    """Read the tables that stand in the folder as `<table>.csv` (UTF-8, comma).

    Raises
    ------
    InputError
        A table cannot be parsed or does not fit the data model.
    """
    files = {t: folder / f"{t}.csv" for t in schema.TABLES if (folder / f"{t}.csv").is_file()}
    digest = hashlib.sha256("".join(sha256(file) for file in files.values()).encode()).hexdigest()
    if digest in skip:
        return Records({})
    tables = {}
    for table, file in files.items():
        try:
            rows = pd.read_csv(file, dtype="string", keep_default_na=False, encoding="utf-8-sig")
            tables[table] = schema.check(table, rows)
        except (ValueError, UnicodeDecodeError) as error:
            kind = "" if isinstance(error, SchemaError) else "not a CSV table: "
            raise InputError(f"{folder.name}/{file.name}: {kind}{error}") from None
    acts = tables["activities"]
    tables["activities"] = acts.assign(source=acts["source"].fillna(f"tidy:{folder.name}"))
    records = Records(tables)
    records.provenance["sources"] = [
        {
            "file": folder.name,
            "sha256": digest,
            "format": "tidy",
            "format_version": str(schema.VERSION),
            "read": len(acts),
            "kept": len(acts),
            "quarantined": 0,
            "merged": 0,
            "ingested_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    ]
    return records
