"""How tables look in Jupyter: for a reader, with what stands behind them."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable, Generator, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from collabnet import settings
from collabnet import words as say
from collabnet.exports import note_lines

YEARS = re.compile(r"first|last|since|until|by|year|\w+_year|last_activity")
SHARES = re.compile(
    r"(\w+_)?share(_\w+)?|(of|lead|last|corresponding)_(home|partner)|growth|openness|pp_\w+"
    r"|mcp_ratio|reciprocity|top10(_home)?"
)
RATES = {  # what a table is of, and which of its other columns are shares
    "growth": ("low", "high"),
    "share intervals": ("value", "low", "high"),
    "rates of agreements": ("value",),
}
FIRST = ("name", "title")


def show_tables() -> None:
    """Have Jupyter, where it runs, show tables as `table_html` writes them."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell and (pages := shell.display_formatter.formatters.get("text/html")):
        known = pages.for_type(pd.DataFrame)
        if known is None or known.__module__ == __name__:  # what somebody else has set stays
            pages.for_type(pd.DataFrame, table_html)


def table_html(table: pd.DataFrame) -> str | None:
    """Return a table that has a note as HTML for a reader, any other as pandas writes it."""
    note, most = table.attrs.get("note"), pd.get_option("display.max_rows")
    asked = settings.TABLES and pd.get_option("display.notebook_repr_html")
    if not (asked and isinstance(note, Mapping)):
        return table._repr_html_()  # ty: ignore[call-non-callable]
    words, figures, n = say.words_of(None, "table"), say.words_of(None), len(table)
    keep = min(pd.get_option("display.min_rows") or most, most) if most and n > most else n
    # One row more than is kept, for pandas to put the dots.
    rows = [*range(n)] if keep == n else [*range(keep // 2 + 1), *range(n - keep // 2, n)]
    order = sorted(range(table.shape[1]), key=lambda i: table.columns[i] not in FIRST)
    shown, heads, left = pd.DataFrame(index=table.index[rows]), table.columns[order], []
    for place, i in enumerate(order):
        column, name = table.iloc[:, i], table.columns[i]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            left.append(table.index.nlevels + place + 1)
        write = _writer(column, name, note, words)
        values, known = column.iloc[rows], column.iloc[rows].notna()
        texts = [write(v) if k else words["unknown"] for v, k in zip(values, known, strict=True)]
        shown[place] = pd.Series(texts, shown.index, dtype=object)
    if heads.nlevels == 1:
        units = words["units"] | ({"weight": say.kind_of(note, figures)} if "kind" in note else {})
        named = [f"{name} ({units[name]})" if name in units else name for name in heads]
        heads = pd.Index(named, name=heads.name, dtype=object)
    mark, columns = "-".join(map(str, ("left", *left))), pd.get_option("display.max_columns") or None
    ends = [f".{mark} :is(td, thead th):nth-child({place})" for place in left]
    cut = heads.nlevels > 1 or (columns or len(order)) < len(order)  # then places have moved
    style = "" if cut or not left else f"<style>{', '.join(ends)} {{text-align: left}}</style>"
    options: dict[str, Any] = {"max_rows": keep or None, "max_cols": columns, "border": 0}
    body = shown.set_axis(heads, axis="columns").to_html(classes=mark, **options)
    said = [*_told(note, words, figures)]
    if keep < n or not n:
        cut = {"n": 2 * (keep // 2), "all": say.number(n, figures)}
        said.append(words["cut"].format(**cut) if n else figures["rows"][0])
    made_up = f"<b>{words['made_up']}</b> " if note.get("synthetic") else ""
    whole = html.escape("\n".join(note_lines(note)))
    return (
        f'<div class="collabnet-table">{style}{body}<p>{made_up}{say.plain(" · ".join(said), 600)}'
        f"</p><details><summary>{words['more']}</summary><pre>{whole}</pre></details></div>"
    )


def _told(note: Mapping[str, Any], words: say.Words, figures: say.Words) -> Generator[str]:
    """Yield what was counted, in which years and how; of which region; how much is known."""
    for side in (note, note.get("left"), note.get("right")):
        if isinstance(side, Mapping) and "kind" in side:
            yield say.told(dict(side), figures) + ("" if side.get("years") else words["all_years"])
    if note.get("interval"):
        yield str(note["interval"])
    source = note.get("region_source") or note.get("source")
    if note.get("region") and source:
        yield words["region"].format(region=note["region"], source=source)
    if known := note.get("coverage"):
        nowhere = say.number(known["participations_without_institution"], figures)
        yield words["coverage"].format(**known, nowhere=nowhere)
    if note.get("store"):
        yield words["store"].format(store=note["store"])


def _writer(
    column: pd.Series, name: Hashable, note: Mapping[str, Any], words: say.Words
) -> Callable[[Any], str]:
    """Return what writes the known values of a column: as years, shares, numbers or text."""
    if pd.api.types.is_bool_dtype(column):
        return lambda value: words["yes" if value else "no"]
    own = pd.get_option("display.float_format")
    if not pd.api.types.is_numeric_dtype(column) or (own and pd.api.types.is_float_dtype(column)):
        return own if own and pd.api.types.is_float_dtype(column) else str
    values = column.dropna().astype(float)
    share = SHARES.fullmatch(str(name)) or name in RATES.get(str(note.get("what")), ())
    if share and values.abs().le(1).all():
        return lambda value: f"{_number(100 * value, 1, words)} %"
    whole = (values % 1 == 0).all()
    if whole and YEARS.fullmatch(str(name)):
        return lambda value: str(int(value))
    digits = 0 if whole else min(2, pd.get_option("display.precision"))
    return lambda value: _number(value, digits, words)


def _number(value: float, digits: int, words: say.Words) -> str:
    """Write a number with so many decimals; a small one, which would look like nought, with two."""
    written = f"{value:,.{digits}f}" if not 0 < abs(value) < 10**-digits else f"{value:.2g}"
    return written.translate(dict(zip(map(ord, ",."), words["separators"], strict=True)))
