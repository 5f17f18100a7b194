"""Exports: CSV, XLSX and Parquet that open elsewhere, with the note of the table."""

import csv
import datetime as dt
import io
import os

import duckdb
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from collabnet.errors import InputError, UnknownNameError
from collabnet.exports import export_table, note_lines

SUFFIXES = [".csv", ".xlsx", ".parquet"]
EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://a";"b")']
NOTE = {
    "what": "edges",
    "count": "fractional",
    "years": (2019, 2024),
    "cap": None,
    "coverage": 1 / 3,
    "left_out": {"activities": 3, "of": ["a", "b"]},
    "region": None,
}


@pytest.fixture
def edges():
    """Two pairs, one of them without years, in the types of an edges table."""
    table = pd.DataFrame(
        {
            "source": pd.array(["00afp2z80", "013456789"], dtype="string"),
            "target": pd.array(["02jz4aj89", "pic:999976105"], dtype="string"),
            "weight": [0.1 + 0.2, 128.0],
            "activities": [1, 256],
            "first": pd.array([2019, None], dtype="Int64"),
            "last": pd.array([2024, None], dtype="Int64"),
        }
    )
    table.attrs["note"] = NOTE
    return table


def sheet(path, name="data"):
    """Return the cells of a sheet."""
    return list(openpyxl.load_workbook(path)[name])


def values(path, name="data"):
    """Return the values of a sheet."""
    return [[cell.value for cell in row] for row in sheet(path, name)]


def test_csv_is_a_clean_table(tmp_path, edges):
    assert export_table(edges, tmp_path / "e.csv").read_bytes() == (
        b"source,target,weight,activities,first,last\n"
        b"00afp2z80,02jz4aj89,0.3,1,2019,2024\n"
        b"013456789,pic:999976105,128,256,,\n"
    )


def test_the_note_stands_beside_a_csv(tmp_path, edges):
    export_table(edges, tmp_path / "e.csv")
    assert (tmp_path / "e.csv.note.txt").read_text(encoding="utf-8").splitlines() == [
        "what: edges",
        "count: fractional (1/(n−1) for each pair of an activity of n parties)",
        "years: 2019–2024",
        "cap: none",
        "coverage: 0.333333333333",
        "left out:",
        "  activities: 3",
        "  of: a, b",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.csv", "e.csv.note.txt"]


def test_a_table_without_note_says_so(tmp_path, edges):
    edges.attrs = {}
    export_table(edges, tmp_path / "e.csv")
    export_table(edges, tmp_path / "e.xlsx")
    assert (tmp_path / "e.csv.note.txt").read_text() == "No note came with this table.\n"
    assert values(tmp_path / "e.xlsx", "note") == [["No note came with this table."]]


def test_a_note_opens_with_what_is_synthetic():
    lines = note_lines({"what": "edges", "synthetic": True})
    assert lines == ["SYNTHETIC: rests on records made by a program, not observed", "what: edges"]
    assert note_lines({"synthetic": False}) == ["synthetic: no"]


def test_notes_of_a_comparison_are_both_told():
    note = {"left": {"kind": "work", "years": None}, "right": {"count": "refined"}}
    assert note_lines(note) == [
        "left:",
        "  kind: work",
        "  years: all",
        "right:",
        "  count: refined (2/(n(n−1)) for each pair of an activity of n parties)",
    ]


def test_only_text_beyond_ascii_brings_a_byte_order_mark(tmp_path):
    plain = export_table(pd.DataFrame({"name": ["Liege"]}), tmp_path / "a.csv")
    accented = export_table(pd.DataFrame({"name": ["Liège"]}), tmp_path / "b.csv")
    assert plain.read_bytes() == b"name\nLiege\n"
    assert accented.read_bytes() == b"\xef\xbb\xbfname\nLi\xc3\xa8ge\n"
    assert pd.read_csv(accented)["name"].tolist() == ["Liège"]
    assert duckdb.read_csv(str(accented)).fetchall() == [("Liège",)]


def test_dates_and_times_are_iso(tmp_path):
    days = pd.DataFrame(
        {"day": pd.to_datetime(["2008-09-15", None]), "on": [dt.date(1817, 9, 25), 1]}
    )
    lines = export_table(days, tmp_path / "d.csv").read_text().splitlines()
    assert lines == ["day,on", "2008-09-15,1817-09-25", ",1"]
    export_table(days, tmp_path / "d.xlsx")
    assert values(tmp_path / "d.xlsx")[1] == [dt.datetime(2008, 9, 15), "1817-09-25"]


@pytest.mark.parametrize("text", EVIL)
def test_no_text_is_a_formula_in_csv(tmp_path, text):
    path = export_table(pd.DataFrame({text: [text], "n": [-5]}), tmp_path / "e.csv")
    header, row = csv.reader(io.StringIO(path.read_text()))
    expected = "'" + text.replace("\r", "\n")
    assert (header, row) == ([expected, "n"], [expected, "-5"])


@pytest.mark.parametrize("text", [*EVIL, "#N/A"])
def test_no_text_is_a_formula_in_xlsx(tmp_path, text):
    table = pd.DataFrame({text: [text], "n": [-5]})
    table.attrs["note"] = {text: "x"}
    path = export_table(table, tmp_path / "e.xlsx")
    (name, _), (cell, number) = sheet(path)
    assert (name.data_type, cell.data_type, number.data_type) == ("s", "s", "n")
    assert (cell.value.lstrip(), number.value) == (text.lstrip(), -5)
    assert cell.quotePrefix == (text != "#N/A")
    assert sheet(path, "note")[0][0].data_type == "s"


def test_xlsx_keeps_types_and_unknown_values(tmp_path, edges):
    path = export_table(edges, tmp_path / "e.xlsx")
    assert values(path) == [
        ["source", "target", "weight", "activities", "first", "last"],
        ["00afp2z80", "02jz4aj89", pytest.approx(0.3), 1, 2019, 2024],
        ["013456789", "pic:999976105", 128, 256, None, None],
    ]
    data = openpyxl.load_workbook(path)["data"]
    assert data.freeze_panes == "A2"
    assert data["A1"].font.bold
    assert (data.column_dimensions["A"].width, data.column_dimensions["C"].width) == (11, 21)
    assert values(path, "note")[2] == ["years: 2019–2024"]


def test_xlsx_holds_what_excel_has_no_word_for(tmp_path):
    zoned = pd.Timestamp("2024-05-01T10:00", tz="Europe/Brussels")
    table = pd.DataFrame(
        {"v": ["a\x00b", "x" * 40_000, float("inf"), zoned, pd.NaT, {"a": 1}, True]}
    )
    cells = [row[0] for row in values(export_table(table, tmp_path / "e.xlsx"))[1:]]
    assert cells[0] == "a\ufffdb"
    assert (len(cells[1]), cells[1][-1]) == (32_767, "…")
    assert cells[2:] == ["inf", "2024-05-01T10:00:00+02:00", None, "{'a': 1}", True]


def test_a_sheet_too_long_for_excel_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"1,048,575 rows .* has 1,048,576\. Write \.csv"):
        export_table(pd.DataFrame({"n": range(1_048_576)}), tmp_path / "e.xlsx")


def test_parquet_gives_back_table_and_note(tmp_path, edges):
    edges.attrs["note"] = NOTE | {"read_on": dt.date(2026, 1, 2)}
    back = pd.read_parquet(export_table(edges, tmp_path / "e.parquet"))
    assert_frame_equal(back, edges)
    assert back.attrs["note"] == NOTE | {"years": [2019, 2024], "read_on": "2026-01-02"}


def test_parquet_says_what_it_cannot_hold(tmp_path):
    with pytest.raises(InputError, match=r"e\.parquet: Parquet cannot hold this table"):
        export_table(pd.DataFrame({"v": [1, "a", {}]}), tmp_path / "e.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_half_a_character_becomes_a_question_mark(tmp_path, suffix):
    table = pd.DataFrame({"t": pd.Series(["a\ud800"], dtype="object")})
    path = export_table(table, tmp_path / f"e{suffix}")
    read = {".csv": pd.read_csv, ".xlsx": pd.read_excel}[suffix]
    assert read(path)["t"].tolist() == ["a?"]


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.text(), st.none() | st.integers(-(2**53), 2**53)), max_size=5))
def test_any_text_comes_back_from_csv(tmp_path, rows):
    table = pd.DataFrame(rows, columns=["t", "n"]).astype({"t": "object", "n": "Int64"})
    raw = export_table(table, tmp_path / "e.csv").read_bytes().decode("utf-8-sig")
    back = list(csv.reader(io.StringIO(raw, newline="")))[1:]
    texts = [
        t.encode(errors="replace").decode().replace("\r\n", "\n").replace("\r", "\n")
        for t, _ in rows
    ]
    assert [t.removeprefix("'") for t, _ in back] == [t.removeprefix("'") for t in texts]
    assert [n for _, n in back] == ["" if n is None else str(n) for _, n in rows]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_table_keeps_its_columns(tmp_path, edges, suffix):
    path = export_table(edges.iloc[:0], tmp_path / f"e{suffix}")
    read = {".csv": pd.read_csv, ".xlsx": pd.read_excel, ".parquet": pd.read_parquet}[suffix]
    assert read(path).columns.tolist() == edges.columns.tolist()
    assert len(read(path)) == 0


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_named_index_becomes_a_column_and_another_goes(tmp_path, edges, suffix):
    read = {".csv": pd.read_csv, ".xlsx": pd.read_excel, ".parquet": pd.read_parquet}[suffix]
    named = edges.groupby("source")[["weight"]].sum()
    assert read(export_table(named, tmp_path / f"a{suffix}")).columns.tolist() == [
        "source",
        "weight",
    ]
    filtered = edges.iloc[1:][["weight"]]
    assert read(export_table(filtered, tmp_path / f"b{suffix}")).columns.tolist() == ["weight"]


def test_the_table_handed_in_is_not_changed(tmp_path, edges):
    before = edges.copy(deep=True)
    for suffix in SUFFIXES:
        export_table(edges, tmp_path / f"e{suffix}")
    assert_frame_equal(edges, before)
    assert edges.attrs == {"note": NOTE}


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(InputError, match="two columns"):
        export_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / "e.csv")


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path, edges):
    with pytest.raises(UnknownNameError, match=r"'\.xls'. Did you mean '\.xlsx'"):
        export_table(edges, tmp_path / "e.xls")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, edges, suffix, monkeypatch):
    path = export_table(edges, tmp_path / f"e{suffix}")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot be written .No space left on device"):
        export_table(edges.iloc[:1], path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path, edges):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(InputError, match=r"out/e\.csv.* cannot be written"):
        export_table(edges, tmp_path / "out" / "e.csv")


def test_leftovers_of_a_killed_process_are_swept(tmp_path, edges):
    (tmp_path / ".e[1].csv.tmp-99999").write_text("torn")
    (tmp_path / ".other.csv.tmp-99999").write_text("of another file")
    export_table(edges, tmp_path / "e[1].csv")
    assert {p.name for p in tmp_path.iterdir()} == {
        "e[1].csv",
        "e[1].csv.note.txt",
        ".other.csv.tmp-99999",
    }


def test_missing_folders_are_made(tmp_path, edges):
    assert export_table(edges, tmp_path / "a" / "b" / "e.csv").is_file()


@pytest.mark.parametrize("text", ["\uff1d1+1", "\x00=1+1", "\x1b\x7f@x"])
def test_a_formula_behind_a_control_sign_or_in_full_width_is_marked(tmp_path, text):
    path = export_table(pd.DataFrame({"t": [text]}), tmp_path / "e.csv")
    assert path.read_text("utf-8-sig").splitlines()[1] == f"'{text}"
