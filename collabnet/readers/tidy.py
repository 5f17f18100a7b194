"""Our own tidy folder: the tables of the data model as CSV, as anyone can write by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from collabnet import schema
from collabnet.errors import InputError, SchemaError
from collabnet.identifiers import DATE, institution_id, iso_country
from collabnet.readers.source import Source, sha256
from collabnet.records import Records

IDS = {"participants": ["institution_id"], "institutions": ["institution_id"]}
IDS["relations"] = ["from", "to"]
DATES = ("start", "end", "since", "until")
TRUTH = ("true", "false", "1", "0", "yes", "no")


def sniff(folder: Path) -> bool:
    """Tell whether the folder holds `activities.csv` and `participants.csv`."""
    return all((folder / f"{name}.csv").is_file() for name in ("activities", "participants"))


def read(folder: Path, *, with_names: bool = False, skip: Collection[str] = ()) -> Records:
    """Read the tables that stand in the folder as `<table>.csv`.

    Ids and country codes are brought to their normal form. A row that does not fit the data model
    goes to quarantine; the others are kept.

    Raises
    ------
    InputError
        A table cannot be parsed, or lacks a column it must have.
    """
    files = {t: folder / f"{t}.csv" for t in schema.TABLES if with_names or t != "persons"}
    files = {table: file for table, file in files.items() if file.is_file()}
    digest = hashlib.sha256("".join(sha256(file) for file in files.values()).encode()).hexdigest()
    if digest in skip:
        return Records({})
    tables, refused = {}, []
    for table, file in files.items():
        source = Source.open(file)
        rows, ragged = source.table()
        rows = _normal(table, rows)
        wrong = _wrong(table, rows)
        if table in {"participants", "fields"} and "activity_id" in rows:
            known = rows["activity_id"].isin(set(tables["activities"]["activity_id"]))
            wrong = wrong.fillna(pd.Series("no activity of this id", rows.index).mask(known))
        refused += ragged
        refused += [source.refuse(f"line {line}", why) for line, why in wrong.dropna().items()]
        try:
            tables[table] = schema.check(table, rows[wrong.isna()].replace("", pd.NA))
        except SchemaError as error:
            raise InputError(f"{folder.name}/{file.name}: {error} Correct the file.") from None
    acts = tables["activities"]
    tables["activities"] = acts.assign(source=acts["source"].fillna(f"tidy:{folder.name}"))
    if refused:
        listed = [tables["quarantine"]] if "quarantine" in tables else []
        tables["quarantine"] = pd.concat([*listed, pd.DataFrame(refused)], ignore_index=True)
    records = Records(tables)
    records.provenance["sources"] = [
        {
            "file": folder.name,
            "sha256": digest,
            "format": "tidy",
            "format_version": str(schema.VERSION),
            "read": len(acts) + len(refused),
            "kept": len(acts),
            "quarantined": len(refused),
            "merged": 0,
            "ingested_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    ]
    return records


def _normal(table: str, rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.apply(lambda column: column.str.strip())
    for column in rows.columns.intersection(IDS.get(table, [])):
        rows[column] = rows[column].map(institution_id).astype("string").fillna(rows[column])
    if "country" in rows:
        rows["country"] = rows["country"].map(iso_country).astype("string").fillna(rows["country"])
    return rows


def _wrong(table: str, rows: pd.DataFrame) -> pd.Series:
    """Say of each row what is wrong with it, if anything."""
    wrong = pd.Series(pd.NA, index=rows.index, dtype="string")

    def note(column: str, faulty: pd.Series, wanted: str) -> None:
        said = column + " " + rows[column].map(repr) + f" is not {wanted}"
        wrong.update(said[faulty & wrong.isna()])

    for column in rows.columns.intersection(list(schema.TABLES[table])):
        dtype, text = schema.TABLES[table][column][0], rows[column]
        given = text != ""
        if dtype in {"Int64", "Float64"}:
            number = pd.to_numeric(text, errors="coerce")
            whole = number % 1 == 0 if dtype == "Int64" else number.abs() < float("inf")
            note(column, given & ~whole.fillna(value=False), "a number")
        elif dtype == "boolean":
            note(column, given & ~text.str.lower().isin(TRUTH), "true or false")
        elif column in DATES:
            note(column, given & ~text.str.fullmatch(DATE), "a date such as 2024 or 2024-09-15")
        elif column == "country":
            note(column, given & text.map(iso_country).isna(), "an ISO code of two letters")
        elif column == "kind" and table == "activities":
            note(column, ~text.isin(schema.KINDS), f"one of {', '.join(schema.KINDS)}")
        elif column == schema.KEYS.get(table, "activity_id"):
            note(column, ~given, "an id")
            if table in schema.KEYS:
                note(column, text.duplicated(), "the first row of this id")
    return wrong
