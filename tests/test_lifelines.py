"""Life lines: bars are the days of agreements, unknown dates are no bars, nothing is cut."""

from itertools import pairwise

import pandas as pd
import pytest
from corpora import SIX, agreements, many

import collabnet as cn
from collabnet import words
from collabnet.errors import InputError
from collabnet.lifelines import LIVES

LONG = "Rheinland-Pfälzische Technische Universität Kaiserslautern-Landau"


def said(fig):
    """All texts of a figure, those of marks too."""
    notes = [note.text for note in fig.layout.annotations]
    marks = [text for trace in fig.data if trace.text is not None for text in trace.text]
    return " ".join(filter(None, [fig.layout.title.text, subtitle(fig), *notes, *marks]))


def subtitle(fig):
    return fig.layout.title.subtitle.text or ""


def bars(fig):
    """Colour → first and last day of its bars."""
    found = {}
    for bar in (trace for trace in fig.data if trace.type == "bar"):
        first = pd.to_datetime(pd.Series(bar.base))
        last = first + pd.to_timedelta(pd.Series(bar.x), unit="ms")
        days = [f"{a:%Y-%m-%d} {b:%Y-%m-%d}" for a, b in zip(first, last, strict=True)]
        found[bar.marker.color] = days
    return found


def heads(fig):
    return [note.text for note in fig.layout.annotations if note.text.startswith("<b>")]


def test_bars_reach_from_the_first_day_to_the_last():
    drawn = bars(cn.plot_lifelines(agreements(SIX), "L", as_of="2026-01-01"))
    assert drawn[LIVES["in force"][0]][0] == "2020-01-01 2030-06-30"
    assert drawn[LIVES["ending"][0]] == ["2021-01-01 2026-03-31"]
    assert drawn[LIVES["expired"][0]] == ["2000-01-01 2004-12-31"]
    assert drawn[LIVES["not yet"][0]] == ["2027-01-01 2029-12-31"]


def test_groups_stand_in_the_order_of_what_asks_for_attention():
    fig = cn.plot_lifelines(agreements(SIX), "L", as_of="2026-01-01")
    names = ["Ending within 12 months (1)", "In force (2)", "To come (1)", "Dates unknown (1)"]
    assert heads(fig) == [f"<b>{name}</b>" for name in [*names, "Expired (1)"]]
    ys = [note.y for note in fig.layout.annotations if note.text.startswith("<b>")]
    assert ys == sorted(ys)


def test_an_open_end_is_an_arrow_at_the_edge_and_an_unknown_date_a_hollow_mark():
    fig = cn.plot_lifelines(agreements(SIX), "L", as_of="2026-01-01")
    marks = [t for t in fig.data if t.type == "scatter"]
    arrows = [t for t in marks if t.marker.symbol == "triangle-right"]
    sizes = {x: size for t in arrows for x, size in zip(t.text, t.marker.size, strict=True)}
    assert sizes == {"  open": 13, "  2030-06": 0, "  2026-03-31": 0, "  2029": 0, "  2004": 0}
    (hollow,) = (t for t in marks if t.marker.symbol == "circle-open")
    assert [text.strip() for text in hollow.text] == ["no dates"]


def test_an_agreement_with_one_known_date_has_no_bar():
    rows = [("a", "A", "1998", None, "unknown", None), ("b", "B", None, "2003", "known", None)]
    fig = cn.plot_lifelines(agreements(rows), "L", as_of="2026-01-01")
    assert bars(fig) == {}
    assert {"1998 – ?", "? – 2003"} <= {text.strip() for t in fig.data for text in t.text}


def test_renewals_stand_on_one_line():
    rows = [
        ("g1", "A", "2010", "2014", "known", None),
        ("g2", "A", "2015", "2019", "known", "g1"),
        ("g3", "A", "2020", "2029", "known", "g2"),
    ]
    fig = cn.plot_lifelines(agreements(rows), "L", as_of="2026-01-01")
    assert len({y for t in fig.data if t.type == "bar" for y in t.y}) == 1
    assert heads(fig) == ["<b>In force (1)</b>"]
    assert subtitle(fig).startswith("3 agreements · 2 renewals")
    ends = [text.strip() for t in fig.data if t.type == "scatter" for text in t.text]
    assert sorted(filter(None, ends)) == ["2029"]


def test_an_agreement_lasts_as_long_as_the_last_of_its_partners():
    records = agreements([("g", "A", "2010", None, "open", None)])
    more = pd.DataFrame({"activity_id": ["g"], "institution_id": ["B"], "until": ["2015"]})
    people = pd.concat([records.participants, more], ignore_index=True)
    records = cn.Records({"activities": records.activities, "participants": people})
    fig = cn.plot_lifelines(records, "L", as_of="2026-01-01")
    assert heads(fig) == ["<b>In force (1)</b>"]
    assert "  open" in fig.data[1].text


def test_an_end_far_away_does_not_flatten_the_rest():
    rows = [*SIX, ("far", "G", "2020", "9999-12-31", "known", None)]
    fig = cn.plot_lifelines(agreements(rows), "L", as_of="2026-01-01")
    assert pd.Timestamp(fig.layout.xaxis.range[1]).year == 2066
    assert "9999-12-31" in said(fig)


@pytest.mark.parametrize("n", [1, 3, 40, 200])
def test_what_is_hidden_is_counted(n):
    fig = cn.plot_lifelines(agreements(many(n)), "L", as_of="2026-01-01")
    assert sum(len(t.y) for t in fig.data if t.type == "bar") == min(n, 40)
    assert ("160 more lines hidden" in subtitle(fig)) == (n == 200)


@pytest.mark.parametrize("width", [600, 900])
def test_names_of_lines_do_not_touch_and_are_not_cut(width):
    fig = cn.plot_lifelines(agreements(many(40), LONG), "L", as_of="2026-01-01", width=width)
    names = [note for note in fig.layout.annotations if note.yref == "y"]
    high = [(n.y, 8 * (1 + n.text.count("<br>"))) for n in names]
    assert all(b - a >= h + k for (a, h), (b, k) in pairwise(high))
    assert "…" not in said(fig)
    left = fig.layout.margin.l - 16
    for note in names:
        lines = [line for line in note.text.split("<br>") if not line.startswith("<")]
        assert all(words.text_width(line, 12) <= left for line in lines)


def test_a_table_has_decided_its_day_already():
    table = cn.agreement_status(agreements(SIX), "L", as_of="2026-01-01")
    assert cn.plot_lifelines(table).layout.title.text == "Agreements on 2026-01-01"
    with pytest.raises(InputError, match="the table looks at 2026-01-01"):
        cn.plot_lifelines(table, as_of="2020-01-01")
