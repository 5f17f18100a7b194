"""Small numbers: what is masked cannot be told from totals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import collabnet as cn
from collabnet import settings as ours
from collabnet.privacy import mask_small

BY = ["sending", "receiving"]


def flows(*cells):
    return pd.DataFrame(cells, columns=[*BY, "persons"])


def told_by_totals(table, masked):
    """Solve for the masked cells all that totals say; return those with one solution only."""
    hidden = [tuple(cell) for cell in table.loc[masked["masked"], BY].to_numpy()]
    withheld = masked.attrs["withheld"]
    lines = [
        [float(one[number] == key) for one in hidden]
        for number, column in enumerate(BY)
        for key in table[column].unique()
        if {column: key} not in withheld
    ]
    lines += [[1.0] * len(hidden)] if {} not in withheld else []
    if not lines or not hidden:
        return []
    _, sizes, directions = np.linalg.svd(np.array(lines))
    free = directions[(sizes > 1e-9).sum() :]
    return [cell for n, cell in enumerate(hidden) if (np.abs(free[:, n]) < 1e-9).all()]


def test_a_small_cell_is_masked_and_with_it_one_that_would_tell_it():
    table = flows(
        *(("L", "M", 3), ("L", "R", 20), ("L", "H", 30)),
        *(("N", "M", 40), ("N", "R", 50), ("N", "H", 60)),
    )
    masked = mask_small(table, "persons", BY)
    assert masked["persons"].isna().tolist() == [True, True, False, True, True, False]
    assert told_by_totals(table, masked) == []
    assert masked.attrs["note"] == {"masked": 4, "smallest": 5, "withheld": 0}
    assert table["persons"].notna().all()


def test_masking_the_small_cells_alone_would_be_told_by_totals():
    table = flows(("L", "M", 3), ("L", "R", 20), ("N", "M", 40), ("N", "R", 50))
    naive = table.assign(masked=table["persons"] < 5)
    naive.attrs["withheld"] = []
    assert told_by_totals(table, naive) == [("L", "M")]
    assert told_by_totals(table, mask_small(table, "persons", BY)) == []


def test_two_ones_are_not_told_by_their_sum():
    cells = [("L", "M", 1), ("L", "R", 1), ("N", "M", 1), ("N", "R", 1)]
    table = flows(
        *cells, ("L", "H", 90), ("N", "H", 80), ("P", "M", 70), ("P", "R", 60), ("P", "H", 9)
    )
    masked = mask_small(table, "persons", BY)
    behind = table["persons"].where(masked["masked"], 0)
    assert behind.groupby(table["sending"]).sum()[["L", "N"]].min() >= 5


def test_a_row_that_is_small_as_a_whole_withholds_its_total():
    table = flows(("L", "M", 2), ("N", "M", 50), ("N", "R", 60))
    masked = mask_small(table, "persons", BY)
    assert {"sending": "L"} in masked.attrs["withheld"]
    assert told_by_totals(table, masked) == []


def test_one_column_alone_is_masked_too():
    table = flows(("L", "M", 2), ("L", "R", 9), ("L", "H", 30))
    masked = mask_small(table, "persons", ["receiving"])
    assert masked["persons"].isna().tolist() == [True, True, False]


def test_zero_unknown_and_large_numbers_stay():
    table = flows(("L", "M", 0), ("L", "R", None), ("L", "H", 5))
    masked = mask_small(table, "persons", BY)
    assert masked["persons"].tolist()[::2] == [0, 5]
    assert not masked["masked"].any()


def test_the_threshold_is_a_setting(monkeypatch):
    monkeypatch.setattr(ours, "SMALLEST", 10)
    table = flows(("L", "M", 9), ("L", "R", 90), ("N", "M", 90), ("N", "R", 90))
    assert mask_small(table, "persons", BY)["masked"].any()
    assert not mask_small(table, "persons", BY, threshold=9)["masked"].any()


def test_flows_of_records_can_be_masked_with_their_note():
    acts = pd.DataFrame({"activity_id": ["a", "b"], "kind": "mobility", "amount": [3, 40]})
    people = pd.DataFrame(
        {"activity_id": ["a", "a", "b", "b"], "institution_id": list("LMLR")}
        | {"role": ["sending", "receiving"] * 2}
    )
    table = cn.flows(cn.Records({"activities": acts, "participants": people}))
    masked = mask_small(table, "persons", BY)
    assert masked["persons"].isna().all()
    assert (masked.attrs["note"]["what"], masked.attrs["note"]["masked"]) == ("flows", 2)


def test_cells_that_stand_twice_are_refused():
    with pytest.raises(cn.InputError, match="one row for each cell"):
        mask_small(flows(("L", "M", 2), ("L", "M", 3)), "persons", BY)


CELLS = st.dictionaries(
    st.tuples(st.integers(0, 5), st.integers(0, 5)), st.integers(0, 40), min_size=1, max_size=25
)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(CELLS)
def test_no_masked_cell_of_any_table_is_told_by_totals(cells):
    table = flows(*((*place, persons) for place, persons in cells.items()))
    masked = mask_small(table, "persons", BY)
    assert masked.loc[(table["persons"] > 0) & (table["persons"] < 5), "masked"].all()
    assert told_by_totals(table, masked) == []


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_no_export_of_flows_holds_a_small_number(tmp_path, suffix):
    cells = {("L", "M"): 3, ("O", "N"): 70, ("P", "Q"): 80}
    rows = [(s, r, cells.get((s, r), 40)) for s in "LOP" for r in "MNQ"]
    table = pd.DataFrame(rows, columns=["sending", "receiving", "persons"])
    path = cn.export_table(table, tmp_path / f"flows{suffix}")
    read = {".csv": pd.read_csv, ".xlsx": pd.read_excel, ".parquet": pd.read_parquet}[suffix]
    persons = read(path)["persons"]
    assert persons.isna().sum() == 4
    assert persons.min() == 40
