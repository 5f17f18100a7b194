"""How tables look in Jupyter: for a reader where they have a note, as pandas has it where not."""

import importlib
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import collabnet as cn
from collabnet import lab

NOTE = {
    "kind": "work",
    "count": "fractional",
    "years": (2019, 2024),
    "synthetic": True,
    "coverage": {"institutions": 1555, "with_ror": 93, "participations_without_institution": 1788},
}


def noted(columns, **more):
    """Return a table with a note."""
    table = pd.DataFrame(columns)
    table.attrs["note"] = NOTE | more
    return table


def cells(table):
    """Return the rows a reader sees, index first, and the line below them."""
    text = lab.table_html(table)
    rows = re.findall(r"<tr.*?>(.*?)</tr>", text, re.S)
    read = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]
    return read, re.sub("<.*?>", "", re.search(r"<p>(.*?)</p>", text)[1]).strip()


@pytest.fixture
def pages(monkeypatch):
    """What writes HTML in a shell of IPython, with our tables made known to it."""
    ipython = pytest.importorskip("IPython", reason="needs the extra lab")
    from IPython.core.formatters import HTMLFormatter

    writer = HTMLFormatter()
    shell = SimpleNamespace(
        display_formatter=SimpleNamespace(formatters={"text/html": writer}),
        Completer=SimpleNamespace(custom_matchers=[]),
    )
    monkeypatch.setattr(ipython, "get_ipython", lambda: shell)
    lab.set_up()
    return writer


def test_names_come_before_ids_and_the_index_stays():
    table = noted({"partner": ["02jz4aj89"], "weight": [1.0], "name": ["Maastricht"]}, kind=None)
    table.attrs["note"].pop("kind")
    assert cells(table)[0] == [
        ["", "name", "partner", "weight"],
        ["0", "Maastricht", "02jz4aj89", "1"],
    ]


def test_heads_say_the_unit():
    table = noted({"weight": [1.5], "growth": [0.1], "joint": [1]})
    assert cells(table)[0][0] == ["", "weight (co-publications)", "growth (a year)", "joint"]


@pytest.mark.parametrize(
    ("name", "values", "seen"),
    [
        ("joint", [1234567, 2], ["1,234,567", "2"]),
        ("joint", np.array([1000, 2], dtype=np.uint16), ["1,000", "2"]),
        ("weight_left", [1234.0, 2.0], ["1,234", "2"]),
        ("weight_left", [1234.567, 0.004], ["1,234.57", "0.004"]),
        ("share", [0.1234, 0.0], ["12.3 %", "0.0 %"]),
        ("share_low", [0.0004, 1.0], ["0.04 %", "100.0 %"]),
        ("share", [12.5, 30.0], ["12.50", "30.00"]),
        ("growth", [-0.25, 0.125], ["-25.0 %", "12.5 %"]),
        ("first", [1987, 2024], ["1987", "2024"]),
        ("persons", pd.array([1500, None], "Int64"), ["1,500", "–"]),
        ("lead_home", [np.nan, 0.5], ["–", "50.0 %"]),
        ("exact", pd.array([True, None], "boolean"), ["True", "–"]),
        ("class", pd.Categorical(["active", None]), ["active", "–"]),
        ("mixed", ["a", None], ["a", "–"]),
    ],
)
def test_values_are_written_as_what_they_are(name, values, seen):
    assert [row[1] for row in cells(noted({name: values}))[0][1:]] == seen


def test_what_a_table_is_of_tells_which_bounds_are_shares():
    columns = {"growth": [0.1], "low": [-0.05], "high": [0.2]}
    assert cells(noted(columns, what="growth"))[0][1][1:] == ["10.0 %", "-5.0 %", "20.0 %"]
    assert cells(noted(columns, what="x"))[0][1][1:] == ["10.0 %", "-0.05", "0.20"]


def test_the_line_below_says_scheme_years_coverage_and_that_works_are_synthetic():
    assert cells(noted({"weight": [1]}))[1] == (
        "SYNTHETIC co-publications 2019–2024, fractional counting, 1/(n−1) · "
        "93 of 1555 institutions have a ROR id, 1788 parties name none"
    )
    told = {"interval": "95 % stability interval", "store": "a1b2", "synthetic": False}
    told |= {"region": "maghreb", "region_source": "a list", "years": None}
    assert cells(noted({"weight": [1]}, **told, coverage=None))[1] == (
        "co-publications, fractional counting, 1/(n−1), all years · 95 % stability interval · "
        "list of maghreb: a list · store a1b2"
    )


def test_both_sides_of_a_comparison_are_told():
    sides = {"left": NOTE, "right": {"kind": "agreement", "count": "full", "years": (2024, 2024)}}
    table = noted({"found": ["both"]}, **sides)
    table.attrs["note"].pop("kind")
    said = cells(table)[1]
    assert "co-publications 2019–2024, fractional" in said
    assert "agreements 2024, full counting" in said


def test_texts_heads_and_notes_are_escaped():
    text = lab.table_html(noted({"<i>": ["<b>&"]}, region="<script>", region_source="<u>"))
    assert re.findall(r"<(?:i|script|u)>|<b>&", text) == []
    assert "&lt;b&gt;&amp;" in text


def test_ten_thousand_rows_are_cut_as_pandas_does_and_the_note_says_so():
    table = noted({"joint": range(10_000)})
    rows, said = cells(table)
    assert [row[1] for row in rows[1:]] == [
        *("0", "1", "2", "3", "4", "...", "9,995", "9,996", "9,997", "9,998", "9,999"),
    ]
    assert said.endswith("10 of 10,000 rows")
    with pd.option_context("display.max_rows", None):
        assert len(cells(table)[0]) == 10_001
    with pd.option_context("display.max_rows", 6, "display.min_rows", 4):
        assert [row[0] for row in cells(table)[0][1:]] == ["0", "1", "...", "9998", "9999"]


def test_the_options_of_pandas_hold():
    table = noted({"name": ["a long name, longer than others"], "weight": [1.23456]})
    with pd.option_context("display.max_colwidth", 12, "display.precision", 1):
        assert cells(table)[0][1][1:] == ["a long n...", "1.2"]
    with pd.option_context("display.float_format", "{:.4f}".format):
        assert cells(table)[0][1][2] == "1.2346"
    with pd.option_context("display.max_columns", 2):
        wide = noted({f"c{i}": [i] for i in range(9)})
        assert cells(wide)[0] == [["", "c0", "...", "c8"], ["0", "0", "...", "8"]]
    with pd.option_context("display.notebook_repr_html", False):
        assert lab.table_html(table) is None


def test_an_empty_table_keeps_its_heads_and_says_that_it_is_empty():
    rows, said = cells(noted({"joint": [1]}).iloc[:0])
    assert rows == [["", "joint"]]
    assert said.endswith("0 of 0 rows")


def test_columns_and_rows_of_several_levels_stay_as_they_are():
    table = noted({"partner": ["L", "M"], "since": [2020, 2021], "share": [0.5, 0.25]})
    wide = table.pivot_table(index=["partner"], columns=["since"], values=["share"])
    wide.attrs = table.attrs
    rows, _ = cells(wide)
    assert rows[0][1:] == ["share"]
    assert [row[1:] for row in rows[3:]] == [["50.0 %", "–"], ["–", "25.0 %"]]
    tall = cells(table.set_index(["partner", "since"]).pipe(lambda t: t.assign(n=[1000, 2])))[0]
    assert tall[2:] == [["L", "2020", "50.0 %", "1,000"], ["M", "2021", "25.0 %", "2"]]


def test_columns_that_share_a_name_are_both_shown():
    table = noted({"n": [1], "m": [2000]}).set_axis(["n", "n"], axis="columns")
    assert cells(table)[0][1] == ["0", "1", "2,000"]


def test_it_speaks_french(monkeypatch):
    monkeypatch.setattr("collabnet.settings.LANGUAGE", "fr")
    rows, said = cells(noted({"joint": [1234], "share": [0.125]}))
    assert rows[1][1:] == ["1\u202f234", "12,5 %"]
    assert said.startswith("SYNTHÉTIQUE copublications 2019–2024")


def test_jupyter_shows_ours_for_a_reader_and_others_as_pandas_does(pages):
    plain = pd.DataFrame({"share": [0.1234]})
    assert pages(plain) == plain._repr_html_()
    assert "12.3 %" in pages(noted({"share": [0.1234]}))
    assert repr(noted({"share": [0.1234]})) == repr(plain)


def test_the_setting_gives_the_tables_back_to_pandas(pages, monkeypatch):
    monkeypatch.setattr("collabnet.settings.TABLES", False)
    table = noted({"share": [0.1234]})
    assert pages(table) == table._repr_html_()


def test_loading_the_module_again_changes_nothing_and_what_others_set_stays(pages):
    importlib.reload(lab)
    lab.set_up()
    assert "12.3 %" in pages(noted({"share": [0.1234]}))
    pages.for_type(pd.DataFrame, lambda _table: "theirs")
    lab.set_up()
    assert pages(noted({"share": [0.1234]})) == "theirs"


def test_the_tables_of_the_package_show_their_notes(records):
    partners = cn.partners(records, "00afp2z80", kind="agreement")
    rows, said = cells(partners)
    assert rows[0][1:3] == ["name", "partner"]
    assert rows[1][1] == "Maastricht University"
    assert said.startswith("agreements, full counting, all years · 93 of 155 institutions")


def test_outside_jupyter_nothing_of_it_is_loaded():
    show = "import sys, collabnet; print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
