"""The life lines of agreements: bars on a time axis, renewals on one line, unknown dates apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from collabnet import words as say
from collabnet.agreements import agreement_status
from collabnet.charts import Frame, framed, names_of, widest
from collabnet.errors import InputError
from collabnet.plots import LOOKS, MARGIN
from collabnet.records import Records
from collabnet.sheet import GREY, LABEL, SMALL
from collabnet.words import Words, count, plain, wrap

if TYPE_CHECKING:
    import plotly.graph_objects as go

LIVES = {
    "ending": ("#D55E00", "#b34700"),
    "in force": ("#009E73", "#007a59"),
    "not yet": ("#0072B2", "#0072B2"),
    "dates unknown": (GREY, GREY),
    "expired": ("#a7adb5", GREY),
}
"""Groups of agreements in the order shown: colour of the bar (Okabe & Ito; grey), of the text."""

ENDS = 104  # pixels right of the lines, for the date of their end


def plot_lifelines(
    agreements: Records | pd.DataFrame,
    home: str | None = None,
    *,
    as_of: str | None = None,
    top: int = 40,
    title: str | None = None,
    lang: str | None = None,
    width: int = 900,
) -> go.Figure:
    """Draw the life of agreements on a time axis: a line for each, renewals on that of the first.

    What ends soon comes first, then what is in force, to come, of unknown dates, and expired. A bar
    reaches from the first day to the last; one with an arrow is open. Where the beginning or end is
    not known there is a hollow mark at the date that is, and no bar.

    Parameters
    ----------
    agreements
        Records, or a table of `agreement_status`.
    home, as_of
        As in `agreement_status`; a table has them already.
    top
        How many lines are drawn; the figure says how many are hidden.
    title, lang, width
        As in `plot_map`; the height follows from the rows.

    Raises
    ------
    UnknownNameError, InputError
        As in `agreement_status`; or the table was made for another day.

    Examples
    --------
    >>> act = {"activity_id": ["g"], "kind": "agreement", "start": "2020-09", "end": "2026-08"}
    >>> sides = pd.DataFrame({"activity_id": "g", "institution_id": ["L", "M"]})
    >>> records = Records({"activities": pd.DataFrame(act), "participants": sides})
    >>> plot_lifelines(records, "L", as_of="2026-01-01").layout.title.text
    'L: agreements on 2026-01-01'
    """
    words, table, pattern, who = say.words_of(lang), agreements, "agreements_on", ""
    if isinstance(table, Records):
        bodies, table = table.institutions, agreement_status(table, home, as_of=as_of)
        who = names_of([table.attrs["note"]["home"]], bodies, words)[0]
        pattern, as_of = "agreements_of", None
    note = table.attrs.get("note", {})
    day = pd.Timestamp(note.get("as_of") or as_of or pd.Timestamp.today().normalize())
    iso = f"{day:%Y-%m-%d}"
    if as_of and pd.Timestamp(as_of) != day:
        raise InputError(f"as_of={as_of!r}: the table looks at {iso}. Leave as_of out.")
    frame = Frame(note, words, title or words[pattern].format(home=who, day=iso), width)
    if table.empty:
        return framed(frame, [], [])
    spells, lines = _spells(table, day, words)
    shown, places, y = lines.head(top), {}, 0.0
    left = int(min(0.36 * width, 28 + widest([*shown["party"], *shown["title"]])))
    side, texts, rules = LOOKS["side"] | {"xshift": -left}, [], []
    for life, of_all in lines.groupby("life", sort=False):
        group, n = shown[shown["life"] == life], len(of_all)
        part = n if len(group) == n else words["part"].format(n=len(group), all=n)
        head = f"<b>{words['lives'][life].format(months=note.get('months', 12))} ({part})</b>"
        font = {"size": 13, "color": LIVES[life][1]}
        texts.append(side | {"y": y + 17, "text": head, "font": font})
        y += 30
        for line in group.to_dict("records"):
            rows = [plain(part) for part in wrap(line["party"], left - 20, LABEL, 3)]
            small = wrap(line["title"], left - 20, SMALL, 2)
            small = small if line["title"] != line["party"] else []
            rows += [f"<span style='color:{GREY}'>{plain(part)}</span>" for part in small]
            high = 16 * len(rows) + 8
            texts.append(side | {"y": y + high / 2, "text": "<br>".join(rows)})
            places[line["chain"]], y = y + high / 2, y + high
            rules.append(LOOKS["across"] | {"y0": y, "y1": y})
    spells["y"] = spells["chain"].map(places)
    inner = width - 2 * MARGIN - left - ENDS
    traces, axis = _lives(spells.dropna(subset="y"), day, words, inner)
    texts.append(LOOKS["top"] | {"x": day, "text": words["as_of"].format(day=iso)})
    axes = {"xaxis": axis, "yaxis": {"range": [y, 0], "visible": False}, "barmode": "overlay"}
    axes["shapes"] = [*rules, LOOKS["now"] | {"x0": day, "x1": day}]
    again = table.loc[table["follows"].isin(table["activity_id"]), "activity_id"].nunique()
    said = [count(words, "n_agreements", len(spells)), count(words, "renewals", again)]
    said += [count(words, "more_hidden", len(lines) - len(shown))]
    place: dict[str, Any] = {"high": y, "head": 44, "sides": (left, ENDS)}
    return framed(frame, said, [], traces=traces, axes=axes, texts=texts, **place)


def _spells(table: pd.DataFrame, day: Any, words: Words) -> tuple[Any, Any]:
    """Return agreements with their days and what is said of them; and the lines they stand on."""
    away, order = table["days_to_expiry"], [*LIVES]
    days = away.fillna(0).to_numpy("int64").astype("m8[D]")
    lives = table["status"].mask(table["ending"], "ending")
    rows = table.assign(
        first=pd.to_datetime(table["start"].str[:10], format="ISO8601", errors="coerce"),
        last=pd.Series(np.datetime64(day.date(), "D") + days, table.index).where(away.notna()),
        rank=lives.map(order.index).astype(int),
        open=table["end_status"] == "open",
        title=table["title"].fillna(table["activity_id"]),
        other=table["name"].fillna(table["partner"]),
    )
    of = rows.groupby("activity_id", sort=False)
    spells = pd.DataFrame(of[["chain", "renewal", "title", "start", "end", "first"]].first())
    # An agreement lasts as long as the last of its partners is in it.
    spells["last"] = of["last"].max().where(of["last"].count() == of.size())
    spells["open"], spells["rank"] = of["open"].any() & spells["last"].isna(), of["rank"].min()
    spells["others"] = of["other"].agg(lambda names: "; ".join(names.dropna().unique()))
    spells["party"] = spells["others"].where(of["other"].nunique().eq(1), spells["title"])
    spells["begins"] = [_date(*ends) for ends in zip(spells["start"], spells["first"], strict=True)]
    ends = [_date(*ends) for ends in zip(spells["end"], spells["last"], strict=True)]
    spells["ends"] = np.where(spells["open"], words["open"], ends)
    lines = spells.sort_values(["chain", "renewal"]).drop_duplicates("chain", keep="last")
    lines["rank"] = lines["chain"].map(spells.groupby("chain")["rank"].min())
    lines["life"] = lines["rank"].map(dict(enumerate(order)))
    lines["turn"] = (lines["last"] - day).dt.days * np.where(lines["life"] == "expired", -1, 1)
    return spells, lines.sort_values(["rank", "turn", "party", "chain"], ignore_index=True)


def _date(written: Any, day: Any) -> str:
    """Write a day as precisely as the source does, or in full where it is another one."""
    if pd.isna(day):
        return "?"
    same = isinstance(written, str) and f"{day:%Y-%m-%d}".startswith(written[:10])
    return written[:10] if same else f"{day:%Y-%m-%d}"


def _lives(spells: pd.DataFrame, day: Any, words: Words, inner: float) -> tuple[Any, Any]:
    """Return bars and marks of agreements, and the axis of time: 80 years back, 40 to come."""
    days = pd.concat([spells["first"], spells["last"], pd.Series([day])]).dropna()
    begin = max(days.min(), day - pd.DateOffset(years=80))
    until = max(min(days.max(), day + pd.DateOffset(years=40)), begin + pd.DateOffset(years=4))
    until += pd.DateOffset(months=9)
    begin -= (until - begin) / 25  # the edge is where marks without any date stand
    least = (until - begin) * 4 / inner
    hollow = spells["first"].isna() | (spells["last"].isna() & ~spells["open"])
    first, last = (spells[end].clip(begin, until) for end in ("first", "last"))
    last = last.where(last.notna() | hollow, until)
    names = spells["others"].map(lambda names: plain(names, 300))
    span = spells["begins"] + " – " + spells["ends"]
    spells = spells.assign(a=first, b=last.mask(last < first + least, first + least), span=span)
    spells["told"] = "<b>" + spells["title"].map(plain) + "</b><br>" + names + "<br>" + span
    traces = []
    for rank, rows in spells[~hollow].groupby("rank"):
        bar, text = LIVES[[*LIVES][rank]]
        shape = {"x": (rows["b"] - rows["a"]).dt.total_seconds() * 1000, "base": rows["a"]}
        shape |= {"y": rows["y"], "hovertext": rows["told"]}
        traces.append(LOOKS["bar"] | shape | {"marker": LOOKS["rim"] | {"color": bar}})
        newest = rows["b"] == rows["chain"].map(spells.groupby("chain")["b"].max())
        mark = {"symbol": "triangle-right", "size": np.where(rows["open"], 13, 0), "color": bar}
        shape = {"x": rows["b"], "y": rows["y"], "marker": mark | {"opacity": 1}}
        shape["text"] = ("  " + rows["ends"]).where(newest, "")
        traces.append(LOOKS["end"] | shape | {"textfont": LOOKS["font"] | {"color": text}})
    rows = spells[hollow]
    at = rows["a"].fillna(rows["b"])
    shape = {
        "x": at.fillna(begin),
        "y": rows["y"],
        "hovertext": rows["told"],
    }
    text = "   " + rows["span"].where(at.notna(), words["no_dates"]) + "   "
    shape["text"] = text.where(~rows["chain"].isin(spells.loc[~hollow, "chain"]), "")
    late = at > begin + (until - begin) / 2
    shape["textposition"] = np.where(late, "middle left", "middle right")
    step = next(n for n in (1, 2, 5, 10, 20) if n * inner >= 45 * (until.year - begin.year))
    axis = LOOKS["time"] | {"range": [begin, until], "dtick": f"M{12 * step}"}
    return [*traces, LOOKS["hollow"] | shape], axis
