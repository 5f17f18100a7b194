"""Exports: tables as CSV, XLSX and Parquet files that say how their numbers were made."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from collabnet.errors import InputError, UnknownNameError
from collabnet.privacy import guard

FORMULAS = {
    "full": "1 for each pair of an activity",
    "fractional": "1/(n−1) for each pair of an activity of n parties",
    "refined": "2/(n(n−1)) for each pair of an activity of n parties",
}
UNSET = {"years": "all", "cap": "none"}
# What a text must not begin with where a spreadsheet would take it for a formula (OWASP).
RISKY = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
# Control signs: some programs drop them, and would find a formula behind.
CONTROL = re.compile(r"[\0-\x08\v\f\x0e-\x1f\x7f]")
XLSX_ROWS, XLSX_TEXT = 1_048_576, 32_767


def export_table(table: pd.DataFrame, path: str | Path) -> Path:
    r"""Write a table to a file that other programs open, with its note.

    The format follows the suffix. `.csv`: UTF-8, with a byte order mark only where text is not
    plain ASCII (Excel needs it, pandas and DuckDB take it off), ISO dates, twelve significant
    digits, unknown values empty; the note stands beside it in `….csv.note.txt`. `.xlsx`: sheets
    `data` and `note`. `.parquet`: exact, the note in `attrs`. A named index becomes columns.

    Text that a spreadsheet would run as a formula is made harmless: by a leading apostrophe in CSV,
    by the type of the cell in XLSX. Excel guesses types in a CSV (it reads the ROR id `013456789`
    as a number, pandas reads Namibia's `NA` as nothing): hand `.xlsx` to people.

    Numbers of mobile persons below `settings.SMALLEST` are masked, others rounded to the nearest
    multiple of it, so that no two of them, of whatever tables, differ by a small number. Of tables
    of mobility, what is derived (shares, ranks, intervals) is left out; the note names it.

    Parameters
    ----------
    table
        Any table; its note is `table.attrs["note"]`.
    path
        The file; what stands there is replaced at once, and only by a whole file.

    Returns
    -------
    The path written.

    Raises
    ------
    UnknownNameError
        The suffix is none of the three.
    InputError
        The folder cannot be written to, or the format cannot hold the table.

    Examples
    --------
    >>> import tempfile
    >>> table = pd.DataFrame({"source": ["BE"], "target": ["FR"], "weight": [1.5]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_table(table, f"{folder}/e.csv").read_text()
    'source,target,weight\nBE,FR,1.5\n'
    """
    path = Path(path)
    writers = {".csv": _write_csv, ".xlsx": _write_xlsx, ".parquet": _write_parquet}
    if path.suffix.lower() not in writers:
        raise UnknownNameError("table format", path.suffix, writers)
    writers[path.suffix.lower()](_ready(table), path)
    return path


def export_book(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as sheets of one XLSX file, their notes on the last, as `export_table` does."""
    if path.suffix.lower() != ".xlsx":
        raise UnknownNameError("format of a file of several tables", path.suffix, [".xlsx"])
    _write_xlsx({name: _ready(table) for name, table in tables.items()}, path)


def _ready(table: pd.DataFrame) -> pd.DataFrame:
    """Mask small numbers of persons, and make one row of names over the columns."""
    flat = table.reset_index() if any(name is not None for name in table.index.names) else table
    columns = [" ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in flat.columns]
    return guard(flat.set_axis(columns, axis="columns"))


def note_lines(note: Mapping[str, Any]) -> list[str]:
    """Return a note as lines a reader understands, nested parts indented."""
    lines = []
    if note.get("synthetic"):
        lines.append("SYNTHETIC: rests on records made by a program, not observed")
    for key, value in note.items():
        label = str(key).replace("_", " ")
        if value is None or (key == "synthetic" and value is True):
            # What has no value is left out, but no years are all years and no cap is none.
            lines += [f"{label}: {UNSET[key]}"] if key in UNSET else []
        elif isinstance(value, Mapping):
            lines += [f"{label}:", *(f"  {line}" for line in note_lines(value))]
        elif key == "count" and value in FORMULAS:
            lines.append(f"{label}: {value} ({FORMULAS[value]})")
        elif key == "years" and isinstance(value, list | tuple) and len(value) == 2:
            lines.append(f"{label}: {value[0]}–{value[1]}")
        else:
            values = value if isinstance(value, list | tuple | set) else [value]
            lines.append(f"{label}: {', '.join(map(_words, values)) or 'none'}")
    return lines


@contextmanager
def replacing(path: Path) -> Generator[Path, None, None]:
    """Give a temporary file in the same folder, which takes the name `path` once it is whole.

    What a killed process left behind is swept away. Missing folders are made.
    """
    fresh = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f".{glob.escape(path.name)}.tmp-*"):
            leftover.unlink()
        yield fresh
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}). Name another file or folder."
        ) from None
    finally:
        if fresh.exists():
            fresh.unlink()


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.12g}".replace("nan", "unknown") if isinstance(value, float) else str(value)
    return " ".join(text.split())


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    if not table.columns.is_unique:
        raise InputError(f"{path.name}: two columns of the table have the same name. Rename one.")
    cells = table.apply(_neutral).rename(columns=_harmless)
    text = cells.to_csv(index=False, float_format="%.12g", lineterminator="\n")
    with replacing(path.with_name(f"{path.name}.note.txt")) as fresh:
        fresh.write_text(note(table) + "\n", encoding="utf-8", errors="replace")
    with replacing(path) as fresh:
        encoding = "utf-8" if text.isascii() else "utf-8-sig"
        fresh.write_text(text, encoding=encoding, newline="")


def _neutral(column: pd.Series) -> pd.Series:
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
        return column.map(lambda v: _harmless(v) if isinstance(v, str) else v, na_action="ignore")
    return column


def _harmless(text: str) -> str:
    # A lone carriage return would break the row: the csv writer leaves it unquoted.
    text = _encodable(text).replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if CONTROL.sub("", text).startswith(RISKY) else text


def _encodable(text: str) -> str:
    """Put `?` for halves of characters, which no file can hold."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _write_xlsx(table: pd.DataFrame | Mapping[str, pd.DataFrame], path: Path) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    tables = {"data": table} if isinstance(table, pd.DataFrame) else table
    longest = max(map(len, tables.values()))
    if longest >= XLSX_ROWS:
        raise InputError(
            f"{path.name}: an Excel sheet holds {XLSX_ROWS - 1:,} rows below its header, the table "
            f"has {longest:,}. Write .csv or .parquet."
        )
    book = Workbook(write_only=True)
    sheets = {name: book.create_sheet(name) for name in [*tables, "note"]}
    said = sheets.pop("note")

    def cell(value: Any, *, bold: bool = False) -> Any:
        if not isinstance(value, str):
            return value
        text = ILLEGAL_CHARACTERS_RE.sub("\ufffd", _encodable(value))
        if len(text) > XLSX_TEXT:
            text = text[: XLSX_TEXT - 1] + "…"
        if not bold and not text.startswith((*RISKY, "#")):
            return text
        typed = WriteOnlyCell(said, text)
        # openpyxl would take =… for a formula and #N/A for an error.
        typed.data_type = "s"
        typed.quotePrefix = text.startswith(RISKY)
        typed.font = Font(bold=bold)
        return typed

    said.column_dimensions["A"].width = 100
    for title, data in sheets.items():
        table = tables[title]
        data.freeze_panes = "A2"
        columns = [[_plain(v) for v in table.iloc[:, i]] for i in range(table.shape[1])]
        for i, (name, values) in enumerate(zip(table.columns, columns, strict=True), start=1):
            longest = max([len(name), *(len(str(v)) for v in values[:500] if v is not None)])
            data.column_dimensions[get_column_letter(i)].width = min(longest + 2, 60)
        data.append([cell(name, bold=True) for name in table.columns])
        for row in zip(*columns, strict=True):
            data.append(list(map(cell, row)))
        for line in [*([f"Sheet {title}"] if len(sheets) > 1 else []), *_said(table)]:
            said.append([cell(line)])
    with replacing(path) as fresh:
        book.save(fresh)


def _plain(value: Any) -> Any:
    """Return a value as one an Excel cell can hold."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return str(value)
    # Excel knows neither time zones nor days before 1900.
    if isinstance(value, date) and (value.year < 1900 or getattr(value, "tzinfo", None)):
        return value.isoformat()
    return value if isinstance(value, str | bool | int | float | date) else str(value)


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    stamped = table.copy(deep=False)
    stamped.attrs = {"note": json.loads(json.dumps(table.attrs.get("note", {}), default=str))}
    with replacing(path) as fresh:
        try:
            stamped.to_parquet(fresh, index=False, compression="zstd")
        except (ValueError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{path.name}: Parquet cannot hold this table ({reason}). Write .csv or .xlsx."
            ) from None


def note(table: pd.DataFrame) -> str:
    """Return what stands behind a table, to be printed: counting, years, population, coverage.

    Parameters
    ----------
    table
        A table that collabnet made.

    Examples
    --------
    >>> links = pd.DataFrame()
    >>> links.attrs["note"] = {"kind": "work", "level": "country"}
    >>> print(note(links))
    kind: work
    level: country
    """
    return "\n".join(_said(table))


def _said(table: pd.DataFrame) -> list[str]:
    return note_lines(table.attrs.get("note", {})) or ["No note came with this table."]
