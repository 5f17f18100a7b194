"""Small numbers of mobile persons: no export shows one, nor do several held side by side."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from corpora import frames

import collabnet as cn
from collabnet import settings
from collabnet.gap_table import LEVELS
from collabnet.privacy import guard

YEARS = {"short": (2019, 2022), "long": (2019, 2023)}
# partner, country, direction, year, field, unit, persons
FLOWS = [
    *(("A", "MA", "out", 2020, "0912", "Law", 40), ("A", "MA", "in", 2020, "0912", "Law", 3)),
    *(("B", "MA", "out", 2021, "0421", "Law", 2), ("B", "MA", "in", 2021, "0421", None, 30)),
    *(("C", "TN", "out", 2020, "0421", "Science", 1), ("C", "TN", "out", 2023, "0912", None, 7)),
    *(("D", "TN", "out", 2021, "0912", "Science", 4), ("E", "CD", "out", 2022, "0912", "Law", 3)),
    *(("F", "CD", "out", 2022, "0421", "Law", 3), ("G", "CD", "out", 2020, "0421", "Science", 12)),
    *(("G", "CD", "in", 2019, "0731", "Science", 4), ("H", "FR", "out", 2019, "0731", "Law", 6)),
    *(("I", "FR", "out", 2023, "0731", "Law", 1), ("J", "DE", "in", 2022, "0912", "Law", 2)),
]
REGION = {"MA": "maghreb", "TN": "maghreb", "CD": "central-africa"}
FORD = {"0912": "Medical and health sciences", "0421": "Social sciences"}
FORD["0731"] = "Engineering and technology"


@pytest.fixture(scope="module")
def records():
    acts, rows, fields = [], [], []
    for n, (partner, _, way, year, field, unit, persons) in enumerate(FLOWS):
        key = {"activity_id": f"m{n}"}
        acts.append(key | {"kind": "mobility", "start": str(year), "amount": persons})
        home, other = ("sending", "receiving") if way == "out" else ("receiving", "sending")
        rows.append(key | {"institution_id": "L", "role": home, "unit": unit})
        rows.append(key | {"institution_id": partner, "role": other})
        fields.append(key | {"scheme": "isced-f", "code": field, "share": 1.0})
    for partner in "ABCDEFGHIJ":
        key = {"activity_id": f"g{partner}"}
        acts.append(key | {"kind": "agreement", "start": "2015", "end_status": "open"})
        rows += [key | {"institution_id": body} for body in ("L", partner)]
    places = {partner: country for partner, country, *_ in FLOWS} | {"L": "BE"}
    bodies = [{"institution_id": b, "name": b, "country": c} for b, c in places.items()]
    return cn.Records(frames(acts, rows, bodies) | {"fields": pd.DataFrame(fields)})


def groups(by, partner, country, field, unit):
    named = {"partner": partner, "country": country, "region": REGION.get(country)}
    return (named | {"field": FORD[field], "unit": unit})[by]


def members(by, name, way, years):
    """Return which flows a cell of the gap matrix adds up, as 1 and 0."""
    name = None if pd.isna(name) else name
    return [
        float(
            groups(by, partner, country, field, unit) == name
            and way == f"mobility_{there}"
            and years[0] <= year <= years[1]
        )
        for partner, country, there, year, field, unit, _ in FLOWS
    ]


@pytest.fixture(scope="module")
def published(records, tmp_path_factory):
    """Return all that stands in the exports: (which flows, from, to) for each number."""
    folder, known = tmp_path_factory.mktemp("exports"), []

    def written(table, name):
        return pd.read_parquet(cn.export_table(table, folder / f"{name}.parquet"))

    for span, years in YEARS.items():
        for by in LEVELS:
            table = written(cn.gaps(records, "L", years, by=by), f"{by}-{span}")
            for way in ("mobility_out", "mobility_in"):
                for name, value in zip(table[by], table[way], strict=True):
                    known.append((members(by, name, way, years), value))
        table = written(cn.flows(records, years=years), f"flows-{span}")
        for one in table.itertuples():
            way = "mobility_out" if one.sending == "L" else "mobility_in"
            partner = one.receiving if one.sending == "L" else one.sending
            known.append((members("partner", partner, way, years), one.persons))
        table = written(cn.agreement_status(records, "L", years=years), f"agreements-{span}")
        for way in ("mobility_out", "mobility_in"):
            for name, value in zip(table["partner"], table[way], strict=True):
                known.append((members("partner", name, way, years), value))
    return known


PERSONS = np.array([flow[-1] for flow in FLOWS], dtype=float)


def test_every_export_is_true_to_the_flows(published):
    for cell, value in published:
        exact = np.dot(cell, PERSONS)
        assert (pd.isna(value) and exact > 0) or value <= exact < value + settings.SMALLEST


def test_no_export_shows_a_small_number_nor_does_a_difference_of_two(published):
    shown = {float(value) for _, value in published if pd.notna(value)}
    assert len(shown) > 5
    assert {value for value in shown if 0 < value < settings.SMALLEST} == set()
    assert {abs(a - b) for a, b in combinations(shown, 2) if 0 < abs(a - b) < 5} == set()


def pinned(published, room=settings.SMALLEST - 1):
    """Return the small cells for which no other numbers fit all exports: one person more or less
    in it, and another flow changed with it."""
    rows = np.array([cell for cell, _ in published])
    exact = rows @ PERSONS
    shown = np.array([np.nan if pd.isna(value) else float(value) for _, value in published])
    hidden = np.isnan(shown)
    # What is masked besides the small ones is known to nobody; of a small one, that it is small.
    low = np.where(hidden, np.where(exact < settings.SMALLEST, 1, 0), shown)
    most = shown + np.where(shown == 0, 0, room)
    high = np.where(hidden, np.where(exact < settings.SMALLEST, 4, 1000), most)
    steps = range(1 - settings.SMALLEST, settings.SMALLEST)
    others = []
    for (one, other), (more, also) in product(
        product(range(len(PERSONS)), repeat=2), product((-1, 1), steps)
    ):
        changed = PERSONS.copy()
        changed[one] += more
        changed[other] += also * (other != one)
        others.append(changed)
    sums = np.array(others) @ rows.T
    sums = sums[((sums >= low) & (sums <= high)).all(axis=1)]
    small = (exact > 0) & (exact < settings.SMALLEST)
    return [n for n in np.flatnonzero(small) if (sums[:, n] == exact[n]).all()]


def test_all_exports_together_tell_no_small_number(published):
    assert pinned(published) == []


def test_masking_alone_would_tell_them_by_subtracting(published):
    naive = [
        (cell, pd.NA if 0 < np.dot(cell, PERSONS) < settings.SMALLEST else np.dot(cell, PERSONS))
        for cell, _ in published
    ]
    shown = {float(value) for _, value in naive if pd.notna(value)}
    assert any(0 < abs(a - b) < 5 for a, b in combinations(shown, 2))
    assert len(pinned(naive, room=0)) > 5


def test_no_sentence_and_no_ratio_tells_a_number(records, tmp_path):
    table = cn.gaps(records, "L", YEARS["long"])
    assert not table["why"].str.contains(r"\d+ (?:person|flow)").any()
    status = cn.agreement_status(records, "L", years=YEARS["long"])
    assert status.set_index("partner").loc["A", "reciprocity"] == 3 / 40
    out = pd.read_parquet(cn.export_table(status, tmp_path / "a.parquet")).set_index("partner")
    assert pd.isna(out.loc["A", "reciprocity"])
    assert out.loc["A", ["mobility_out", "masked"]].tolist() == [40, True]


def test_partners_and_links_of_mobility_are_masked_and_joint_works_are_not(records):
    moved = guard(cn.partners(records, "L", kind="mobility"))
    assert moved["weight"].isna().all()
    assert moved.attrs["note"]["smallest"] == settings.SMALLEST
    agreed = cn.partners(records, "L", kind="agreement")
    assert guard(agreed) is agreed
    assert agreed["weight"].eq(1).all()
    both = cn.compare_edges(cn.edges(records, "mobility"), cn.edges(records, "agreement"))
    safe = guard(both)
    assert safe["activities_left"].isna().all()
    assert safe["activities_right"].equals(both["activities_right"])


def test_the_note_of_an_export_says_that_numbers_were_rounded_down(records, tmp_path):
    table = cn.gaps(records, "L", YEARS["long"])
    path = cn.export_table(table, tmp_path / "gaps.csv")
    note = path.with_name("gaps.csv.note.txt").read_text("utf-8")
    assert "rounded down to: 5" in note
    assert table["mobility_out"].sum() == sum(f[-1] for f in FLOWS if f[2] == "out")
