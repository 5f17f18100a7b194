"""The event study: a planted effect is found, chance is called chance, matches are alike."""

import numpy as np
import pandas as pd
import pytest
from corpora import frames

import collabnet as cn
from collabnet.events import compared, matched_sets

YEARS = range(2010, 2022)


def corpus(counts, events, *, countries=None, extra=()):
    """Return Records of joint works: {partner: works a year}, and signatures {partner: year}."""
    acts, rows, number = [], [], 0
    for partner, yearly in counts.items():
        for year, n in zip(YEARS, yearly, strict=True):
            for _ in range(n):
                number += 1
                acts.append({"activity_id": f"w{number}", "kind": "work", "start": str(year)})
                rows += [{"activity_id": f"w{number}", "institution_id": b} for b in ("L", partner)]
    for partner, start in events.items():
        acts.append({"activity_id": f"g{partner}", "kind": "agreement", "start": start})
        rows += [{"activity_id": f"g{partner}", "institution_id": b} for b in ("L", partner)]
    places = [{"institution_id": b, "country": c} for b, c in (countries or {}).items()]
    return cn.Records(frames([*acts, *extra], rows, places))


def drawn(seed, partners=60, signed=20, more=0):
    """Return works by chance, of which some partners have `more` a year once they signed."""
    chance = np.random.default_rng(seed)
    rates = chance.gamma(2, 2, partners)
    events = {f"P{n:03}": str(chance.integers(2013, 2019)) for n in range(signed)}
    counts = {}
    for n, rate in enumerate(rates):
        begun = int(events.get(f"P{n:03}", 9999))
        counts[f"P{n:03}"] = [chance.poisson(rate + more * (year >= begun)) for year in YEARS]
    return counts, events


def test_a_planted_effect_is_recovered():
    table = cn.event_study(corpus(*drawn(1, more=3)), "L")
    note = table.attrs["note"]
    assert note["low"] < 3 < note["high"]
    assert abs(note["effect"] - 3) < 0.8
    assert note["low"] > 0
    before, after = table[table["offset"] < 0], table[table["offset"] >= 0]
    assert before["difference"].abs().max() < 1.5 < after["difference"].min()
    assert note["partners"] + note["without_match"] + note["without_years"] == 20


def test_it_is_worded_as_an_association():
    said = cn.event_study(corpus(*drawn(1, more=3)), "L").attrs["note"]["said"]
    assert "an association, not a cause" in said
    nothing = cn.event_study(corpus(*drawn(3)), "L").attrs["note"]
    assert nothing["low"] < 0 < nothing["high"]
    assert "an association that chance explains, not a cause" in nothing["said"]


def test_the_effect_is_the_difference_of_differences_by_hand():
    flat, grown = [2] * 12, [2] * 6 + [5] * 6
    counts = {"A": grown, "B": flat, "C": [2] * 6 + [3] * 6}
    table = cn.event_study(corpus(counts, {"A": "2016"}), "L", window=4)
    assert table.attrs["note"]["effect"] == pytest.approx(3 - 0.5)
    assert table["with_agreement"].tolist() == [2] * 4 + [5] * 5
    assert table["matched"].tolist() == [2] * 4 + [2.5] * 5
    assert table["difference"].tolist() == [0] * 4 + [2.5] * 5
    assert table["partners"].tolist() == [1] * 9


def test_a_thousand_null_data_sets_give_five_in_a_hundred_alarms():
    alarms, chance = 0, np.random.default_rng(11)
    for seed in range(1000):
        rates = chance.gamma(2, 2, 120)
        counts = chance.poisson(rates[:, None], (120, 12)).astype(float)
        totals = counts + chance.poisson(20, counts.shape)
        signed = chance.permutation(120)[:30]
        events = {int(row): int(chance.integers(4, 9)) for row in signed}
        free = ~np.isin(np.arange(120), signed)
        far = chance.choice([0, 0.5, 1], (30, 120))
        sets, _ = matched_sets(np.stack([counts, totals]), events, free, far, (5, 3))
        _, effect = compared(counts, sets, 5, seed)
        alarms += effect["low"] > 0 or effect["high"] < 0
    assert 35 <= alarms <= 65


def test_the_nearest_without_agreement_is_matched_and_used_once():
    counts = np.array([[3.0] * 8, [3.0] * 8, [9.0] * 8, [3.0] * 8, [4.0] * 8, [3.0] * 8])
    free = np.array([False, False, True, True, True, True])
    far = np.ones((2, 6))
    far[0, 4] = 0
    sets, lost = matched_sets(np.stack([counts, counts]), {0: 4, 1: 4}, free, far, (3, 1))
    assert sets == [(0, 4, [4]), (1, 4, [3])]
    assert lost == {"without_years": 0, "without_match": 0}


def test_who_has_no_like_or_no_years_is_counted_not_compared():
    counts = np.array([[30.0] * 8, [3.0] * 8, [3.0] * 8])
    free, far = np.array([False, False, True]), np.ones((2, 3))
    both = np.stack([counts, counts])
    assert matched_sets(both, {0: 4, 1: 1}, free, far, (3, 2))[1] == {
        "without_years": 1,
        "without_match": 1,
    }


def test_places_decide_between_partners_that_are_alike():
    flat = [2] * 12
    counts = {"A": [2] * 6 + [4] * 6, "B": flat, "C": [2] * 6 + [3] * 6}
    found = []
    for near in ("B", "C"):
        places = {"L": "BE", "A": "MA", "B": "JP", "C": "US", near: "TN"}
        records = corpus(counts, {"A": "2016"}, countries=places)
        found.append(cn.event_study(records, "L", matches=1).attrs["note"]["effect"])
    assert found == [pytest.approx(2), pytest.approx(1)]


def test_an_agreement_without_dates_is_neither_an_event_nor_a_match():
    counts = {"A": [2] * 6 + [5] * 6, "B": [2] * 12, "C": [2] * 12}
    note = cn.event_study(corpus(counts, {"A": "2016", "B": None}), "L").attrs["note"]
    assert (note["partners"], note["matched"]) == (1, 1)


def test_a_membership_in_two_spells_begins_with_the_first():
    records = corpus({"A": [2] * 6 + [5] * 6, "B": [2] * 12}, {"A": "2016"})
    people = records.participants.assign(since=None, until=None).astype("string")
    mine = (people["activity_id"] == "gA") & (people["institution_id"] == "A")
    heir = [people[~mine], people[mine].assign(until="2018"), people[mine].assign(since="2019")]
    spelt = cn.Records({"activities": records.activities, "participants": pd.concat(heir)})
    notes = [cn.event_study(each, "L").attrs["note"] for each in (records, spelt)]
    assert [note["effect"] for note in notes] == [3, 3]


def test_the_same_seed_gives_the_same_bounds_in_a_store(tmp_path):
    records = corpus(*drawn(5, more=1))
    cn.write_store(records, tmp_path / "store")
    tables = [cn.event_study(one, "L", seed=3) for one in (records, cn.read(tmp_path / "store"))]
    pd.testing.assert_frame_equal(*tables)
    other = cn.event_study(records, "L", seed=4)
    assert other["difference"].equals(tables[0]["difference"])
    assert not other["low"].equals(tables[0]["low"])


@pytest.mark.parametrize(
    ("counts", "events"),
    [
        ({}, {}),
        ({"A": [0] * 11 + [1]}, {}),
        ({"A": [1] * 12}, {"A": "2016"}),
        ({"A": [1] * 12}, {"A": None}),
        ({}, {"A": "2016"}),
        ({"A": [1] * 12, "B": [1] * 12}, {"A": "2010"}),
    ],
)
def test_too_little_data_gives_an_empty_table_with_a_sentence(counts, events):
    table = cn.event_study(corpus(counts, events), "L")
    assert table.empty
    assert {"offset", "difference", "low", "high", "partners"} <= set(table)
    assert table.attrs["note"]["said"].startswith("No partner has a dated agreement")
