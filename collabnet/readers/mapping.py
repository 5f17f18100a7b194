"""A mapping proposed for an unknown list: its columns by their names and by what stands in them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from collabnet.countries import country_of
from collabnet.errors import InputError
from collabnet.identifiers import DATE, institution_id, iso_country, name_key
from collabnet.readers.source import Source
from collabnet.readers.workbook import sheet_table

PATTERNS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%d/%m/%y", "%d.%m.%y")
SAMPLE = 500
WRITTEN = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{2,4}")
CONTENT: dict[str, Callable[[str], object]] = {
    "start": lambda v: WRITTEN.fullmatch(v) or DATE.fullmatch(v),
    "end": lambda v: WRITTEN.fullmatch(v) or DATE.fullmatch(v),
    "partner_id": institution_id,
    "country": lambda v: iso_country(v) or country_of(v),
    "amount": lambda v: v[0].isdigit(),
}
"""What most cells of a column must be, whatever its name."""

DECIMALS = {",": r"[\d\s.'’]*(,\d{1,2})?\s*(€|EUR)?", ".": r"[\d\s,'’]*(\.\d{1,2})?\s*(€|EUR)?"}


def suggest_mapping(path: Path) -> str:
    """Propose a mapping for an agreement list; what could not be placed stands as comments."""
    source = Source.open(path)
    if source.packing == "xlsx":
        table = sheet_table(source, lambda row: sum(map(bool, row)) > 1)
    else:
        table = source.table()[0] if source.columns else None
    if table is None or table.empty:
        raise InputError(f"{source.name}: no table of a header and rows. Save it as CSV or XLSX.")
    rows = table.head(SAMPLE).fillna("")
    cells = {name: sorted({" ".join(v.split()) for v in rows[name]} - {""}) for name in rows}
    words = tomllib.loads((files("collabnet") / "data" / "mapping_words.toml").read_text("utf-8"))
    found = _placed(cells, words["columns"])
    lines = [f"# Proposed for {_quoted(source.name)}: read it through before use.", "[columns]"]
    lines += [f"{column} = {_quoted(name)}" for column, name in found.items()]
    lost = [column for column in ("agreement_id", "partner") if column not in found]
    lines += [f"# {column} = which column? It is required." for column in lost]
    for name in [name for name in cells if name not in found.values()]:
        sample = ", ".join(cells[name][:3])[:60]
        lines.append(f"# not placed: {_quoted(name)}, such as {_quoted(sample)}")
    for column in [column for column in words["values"] if column in found]:
        lines += ["", f"[values.{column}]"]
        ours = words["values"][column]
        for value in cells[found[column]]:
            named = [_quoted(name) for name, known in ours.items() if _names(value, known)]
            choice = named[0] if named else f"one of {', '.join(ours)}?"
            lines.append(f"{'' if named else '# '}{_quoted(value)} = {choice}")
    dates = [v for c in ("start", "end") if c in found for v in cells[found[c]]]
    dates = [date for date in dates if not DATE.fullmatch(date)]
    amounts = cells[found["amount"]] if "amount" in found else []
    return "\n".join([*lines, *_options(dates, amounts), ""])


def _placed(cells: dict[str, list[str]], words: dict[str, list[str]]) -> dict[str, str]:
    """Give each template column the column of the list that fits best, each used once."""
    scores = []
    for column, known in words.items():
        for name, values in cells.items():
            key, holds = name_key(name), CONTENT.get(column)
            score = 2.0 if key in known else float(_names(name, known))
            if holds and values:
                share = sum(bool(holds(value)) for value in values) / len(values)
                score = 0 if share < 0.5 else score or share * (column != "amount") / 2
            scores.append((score, column, name))
    found: dict[str, str] = {}
    for score, column, name in sorted(scores, key=lambda one: -one[0]):
        if score > 0.3 and column not in found and name not in found.values():
            found[column] = name
    return {column: found[column] for column in words if column in found}


def _names(text: str, known: Iterable[str]) -> bool:
    """Tell whether a text holds one of the words; those of up to four letters must stand alone."""
    key = name_key(text)
    return any(w in key.split() or (len(w) > 4 and w in key) for w in known)


def _options(dates: list[str], amounts: list[str]) -> list[str]:
    """Propose how dates and amounts are written, where one way fits most dates, or all amounts."""
    dates = [text for text in dates if WRITTEN.fullmatch(text)]
    fits = {p: sum(_is_date(text, p) for text in dates) for p in PATTERNS}
    most = max(fits.values())
    best = [p for p, n in fits.items() if n == most and 2 * most > len(dates)]
    marks = [m for m, form in DECIMALS.items() if all(re.fullmatch(form, a) for a in amounts)]
    lines = ["", "[options]"]
    lines += [f'date_format = "{best[0]}"'] if len(best) == 1 else []
    lines += [f"# date_format = {' or '.join(best)}?"] if len(best) > 1 else []
    if best and most < len(dates):
        lines += [f"# {len(dates) - most} of {len(dates)} dates are not"]
    lines += [f'decimal = "{marks[0]}"'] if len(marks) == 1 and amounts else []
    return [*lines, '# parties = "listed"  # where the rows list all parties, your own too']


def _is_date(text: str, pattern: str) -> bool:
    with suppress(ValueError):
        return bool(datetime.strptime(text, pattern))
    return False


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
