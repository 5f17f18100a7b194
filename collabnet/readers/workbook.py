"""Excel workbooks: the rows of a sheet as text, whatever program wrote it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date, datetime

import pandas as pd

from collabnet.errors import CollabnetError, InputError
from collabnet.readers.source import LARGEST, Source

COLUMNS_READ = 600
"""Columns looked at; what stands beyond is stray formatting."""

HEADER_WITHIN = 10
"""Rows of a sheet among which its header may stand, below a banner."""

Sheet = list[tuple[int, list[str]]]


def headers(source: Source, name: str | None = None) -> list[list[str]]:
    """Return what may be the header of a table or sheet; why there is none is kept as its fault."""
    if source.packing != "xlsx":
        return [source.columns]
    try:
        return [row for _, row in sheet_rows(source, name)[:HEADER_WITHIN]]
    except InputError as error:
        source.fault = str(error).removeprefix(f"{source.name}: ")
        return []


def sheet_table(
    source: Source, is_header: Callable[[list[str]], bool], name: str | None = None
) -> pd.DataFrame | None:
    """Return what stands below the first row that is a header, indexed by row number."""
    rows = sheet_rows(source, name)
    first = next((n for n, (_, row) in enumerate(rows[:HEADER_WITHIN]) if is_header(row)), None)
    if first is None:
        return None
    header = rows[first][1]
    below = rows[first + 1 :]
    return source.frame([row for _, row in below], header, [place for place, _ in below])


def sheet_rows(source: Source, name: str | None = None) -> Sheet:
    """Return the rows of a sheet (the first by default) that are not empty, with their numbers."""
    if name not in source.sheets:
        source.sheets[name] = _read(source, name)
    return source.sheets[name]


def _read(source: Source, name: str | None) -> Sheet:
    import openpyxl

    size = source.unpacked_size()
    if size > LARGEST["xlsx"]:
        raise InputError(
            f"{source.name}: this workbook unpacks to {size >> 20} MB; an agreement list is far "
            "smaller. Keep only its sheet, or save that as CSV."
        )
    try:
        with warnings.catch_warnings(), source.path.open("rb") as file:
            warnings.simplefilter("ignore")  # what of the styling is left aside concerns nobody
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            if name is not None and name not in book.sheetnames:
                raise InputError(
                    f"{source.name}: no sheet {name!r}. It has: {', '.join(book.sheetnames)}."
                )
            sheet = book[name] if name else book.worksheets[0]
            # Some programs state a wrong size, and what lies outside it would be lost.
            sheet.reset_dimensions()
            rows = enumerate(sheet.iter_rows(max_col=COLUMNS_READ, values_only=True), 1)
            filled = [(n, row[: _width(row)]) for n, row in rows if any(row)]
            widest = max((len(row) for _, row in filled), default=0)
            return [(n, [*map(_text, row), *[""] * (widest - len(row))]) for n, row in filled]
    except CollabnetError:
        raise
    except Exception:  # openpyxl lets through whatever broken XML makes it meet
        raise InputError(
            f"{source.name}: a damaged Excel workbook, it cannot be opened. Save it again as .xlsx."
        ) from None


def _width(row: tuple[object, ...]) -> int:
    """Return how many cells of a row stand before the empty ones at its end."""
    return max(n for n, cell in enumerate(row, 1) if cell is not None)


def _text(cell: object) -> str:
    if isinstance(cell, datetime | date):
        return cell.isoformat()[:10]
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()
