"""In Jupyter: tables for a reader, with what stands behind them, and Tab between quotes."""

from __future__ import annotations

import html
import re
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import resources
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype

from collabnet import settings
from collabnet import words as say
from collabnet.exports import note_lines
from collabnet.regions import list_regions
from collabnet.schema import KINDS

QUOTED, WHOLE = re.compile(r"""["']([^"']*)$"""), re.compile(r"""(["']).*?\1""")
COLUMNS = {"values", "weight", "weights", "rows", "columns", "by", "of"}
"""Arguments that name a column of the table given first."""

YEARS = re.compile(r"first|last|since|until|by|year|\w+_year|last_activity")
SHARES = re.compile(
    r"(\w+_)?share(_\w+)?|(of|lead|last|corresponding)_(home|partner)|growth|openness|pp_\w+"
    r"|mcp_ratio|reciprocity|top10(_home)?"
)
BOUNDS, OF_SHARES = {"value", "low", "high"}, {"growth", "share intervals", "rates of agreements"}
PAGE = (resources.files("collabnet") / "data" / "table.html").read_text(encoding="utf-8")


def set_up() -> None:
    """Have Jupyter, where it runs, show tables as `table_html` does, and complete by `complete`."""
    if shell := "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        if sys.modules["IPython"].version_info >= (8, 6) and find_spec("jedi"):
            matchers = shell.Completer.custom_matchers
            # What a module that was loaded again had put there goes.
            matchers[:] = [one for one in matchers if one.__module__ != __name__]
            matchers.append(complete)
        pages = shell.display_formatter.formatters["text/html"]
        # What somebody else has set stays.
        if getattr(pages.for_type(pd.DataFrame), "__module__", __name__) == __name__:
            pages.for_type(pd.DataFrame, table_html)


def complete(context: Any) -> dict[str, Any]:
    """Propose what may stand between the quotes: regions, columns, what an argument may be.

    A matcher of IPython (its API version 2), called with the text and the place of the cursor.
    """
    from IPython.core.completer import SimpleCompletion

    line = context.line_with_cursor[: context.cursor_position]
    quoted = QUOTED.search(WHOLE.sub("", line))  # not behind a closing quote
    found = _choices(context.full_text, context.cursor_line, line) if quoted else ()
    begun = quoted[1] if quoted else ""
    fitting = [text for text in dict.fromkeys(found) if text.lower().startswith(begun.lower())]
    options = [SimpleCompletion(text=text, type="value") for text in fitting]
    return {"completions": options, "matched_fragment": begun, "suppress": bool(options)}


vars(complete)["matcher_api_version"] = 2


def _choices(text: str, row: int, line: str) -> Iterator[str]:
    """Yield what the argument at the end of a line may be, where the function is one of ours."""
    import jedi

    known = sys.modules["IPython"].get_ipython().user_ns
    calls = jedi.Interpreter(text, [known]).get_signatures(row + 1, len(line))
    house = sys.modules[__package__ or ""]
    ours = calls and calls[0].module_name.startswith(house.__name__)
    if not ours or calls[0].index is None or calls[0].name not in house.__all__:
        return
    function, name = getattr(house, calls[0].name), calls[0].params[calls[0].index].name
    if name in ("region", "regions", "names") or (calls[0].name, name) == ("region", "name"):
        yield from list_regions()["region"]
    elif name == "kind":
        yield from KINDS
    elif name == "lang":
        yield from say.WORDS
    elif name in COLUMNS:
        begin, column = calls[0].bracket_start
        first = re.match(r"\(\s*(\w+)\s*,", text.split("\n")[begin - 1][column:])
        table = known.get(first[1]) if first else None
        yield from map(str, getattr(table, "columns", ()))
    stated = SimpleNamespace(__annotations__={name: function.__annotations__.get(name)})
    with suppress(NameError):  # the type of a library that is not loaded has no choices
        hint = typing.get_type_hints(stated, vars(sys.modules[function.__module__]))[name]
        for part in (hint, *typing.get_args(hint)):
            if typing.get_origin(part) is typing.Literal:
                yield from (value for value in typing.get_args(part) if isinstance(value, str))


def table_html(
    table: pd.DataFrame, lang: str | None = None, heads: Mapping[str, str] | None = None
) -> str | None:
    """Return a table that has a note as HTML for a reader, any other as pandas writes it."""
    note, most = table.attrs.get("note"), pd.get_option("display.max_rows")
    asked = settings.TABLES and pd.get_option("display.notebook_repr_html")
    if not (asked and isinstance(note, dict)):
        return table._repr_html_()
    words, figures, n = say.words_of(lang, "table"), say.words_of(lang), len(table)
    keep = min(pd.get_option("display.min_rows") or most, most) if most and n > most else n
    # One row more than is kept, for pandas to put the dots.
    rows = [*range(n)] if keep == n else [*range(keep // 2 + 1), *range(n - keep // 2, n)]
    order = sorted(range(table.shape[1]), key=lambda i: table.columns[i] not in ("name", "title"))
    wide, texts, ends = pd.get_option("display.max_columns") or len(order), {}, []
    for place, i in enumerate(order):
        write, seen = _writer(table.iloc[:, i], note, words), table.iloc[rows, i]
        values = zip(seen, seen.notna(), strict=True)
        texts[place] = [write(value) if known else "–" for value, known in values]
        ends += [str(len(order) - place)] if write is str and len(order) <= wide else []
    shown, named = pd.DataFrame(texts, table.index[rows], dtype=object), table.columns[order]
    if named.nlevels == 1:
        units = words["units"] | ({"weight": say.kind_of(note, figures)} if "kind" in note else {})
        own = {name: f"{name} ({unit})" for name, unit in units.items()} | dict(heads or {})
        named = pd.Index([own.get(one, one) for one in named], name=named.name, dtype=object)
    mark = "-".join(["left", *ends])
    # Text stands left; places are counted from the right, for rows of several levels begin late.
    left = ",".join(f".{mark} tr > :nth-last-child({end})" for end in ends)
    options: dict[str, Any] = {"max_rows": keep or None, "max_cols": wide, "border": 0}
    body = shown.set_axis(named, axis=1).to_html(classes=mark, notebook=True, **options)
    sides = (s for s in (note, note.get("left"), note.get("right")) if s and "kind" in s)
    said = [say.told(s, figures) + words["all_years"] * (not s.get("years")) for s in sides]
    said += [text.format(**note) for key, text in words["told"].items() if note.get(key)]
    said += [words["cut"].format(n=2 * (keep // 2), all=_number(n, 0, words))] * (keep < n or not n)
    parts = {"left": left or ".none", "body": body, "said": say.plain(" · ".join(said), 600)}
    parts |= {"made_up": words["made_up"] * bool(note.get("synthetic")), "more": words["more"]}
    return PAGE.format(**parts, note=html.escape("\n".join(note_lines(note))))


def _writer(column: pd.Series, note: dict[str, Any], words: say.Words) -> Callable[[Any], str]:
    """Return what writes the known values of a column: as years, shares, numbers or text."""
    name = str(column.name[0] if isinstance(column.name, tuple) else column.name)
    own, precision = pd.get_option("display.float_format"), pd.get_option("display.precision")
    if own and is_float_dtype(column):
        return own
    if not is_numeric_dtype(column) or is_bool_dtype(column):
        return str
    values = column.dropna().astype(float)
    share = SHARES.fullmatch(name) or (name in BOUNDS and note.get("what") in OF_SHARES)
    if share and values.abs().le(1).all():
        return lambda value: f"{_number(100 * value, 1, words)} %"
    whole = (values % 1 == 0).all()
    if whole and YEARS.fullmatch(name):
        return lambda value: str(int(value))
    return lambda value: _number(value, 0 if whole else min(2, precision), words)


def _number(value: float, digits: int, words: say.Words) -> str:
    """Write a number with so many decimals; a small one, which would look like nought, with two."""
    text = f"{value:,.{digits}f}" if not 0 < abs(value) < 10**-digits else f"{value:.2g}"
    return text.translate(dict(zip(map(ord, ",."), words["separators"], strict=True)))
