"""Change over time: each window is what edges give, growth is the regression, parts add up."""

import math

import numpy as np
import pandas as pd
import pytest
from corpora import ENGINES, corpora, frames, held, works
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from test_uncertainty import crowd

import collabnet as cn

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
FUZZ = settings(max_examples=8, deadline=None)
YEARS = st.lists(st.sampled_from([None, "2019", "2020", "2022", "2023"]), min_size=8, max_size=8)
PARTS = ["more_output", "more_collaboration", "more_partner"]


def corpus_of(joint, alone=None):
    """Return works of L: {year: {partner: joint works with it alone}}, and {year: works alone}."""
    teams = [
        (year, "L" + partner)
        for year, partners in joint.items()
        for partner, n in partners.items()
        for _ in range(n)
    ]
    teams += [(year, "L") for year, n in (alone or {}).items() for _ in range(n)]
    authors = {f"w{n:04d}": [["a", team]] for n, (_, team) in enumerate(teams)}
    years = {f"w{n:04d}": str(year) for n, (year, _) in enumerate(teams)}
    return cn.Records(works(authors, years=years))


def agreements():
    """Return agreements of L: with M 2010-2012, with M and N from 2012 on, with N in no year."""
    acts = [
        {"activity_id": "a", "kind": "agreement", "start": "2010", "end": "2012"},
        {"activity_id": "b", "kind": "agreement", "start": "2012", "end_status": "open"},
        {"activity_id": "c", "kind": "agreement"},
    ]
    acts[0]["end_status"] = "known"
    rows = [
        {"activity_id": act, "institution_id": body}
        for act, bodies in {"a": "LM", "b": "LMN", "c": "LN"}.items()
        for body in bodies
    ]
    return frames(acts, rows)


def by_window(table, column="weight"):
    """Return {partner: values by window}."""
    return table.groupby("partner")[column].agg(list).to_dict()


# --- trend ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "windows"), [("year", 5), ("sliding", 4), ("cumulative", 5)])
@given(corpus=corpora(), years=YEARS)
@settings(max_examples=3, deadline=None)
def test_each_window_has_the_weights_of_partners_and_the_output_of_home(by, windows, corpus, years):
    corpus = {**corpus, "x": [["eve", "AB"]], "y": [["eve", "A"]]}
    dates = dict(zip(corpus, years, strict=False)) | {"x": "2019", "y": "2023"}
    records = cn.Records(works(corpus, years=dates))
    table = cn.trend(records, "A", by=by, window=2, count="fractional")
    spans = table[["since", "until"]].drop_duplicates().to_numpy()
    assert len(spans) == windows
    for since, until in spans.tolist():
        part = table[(table["since"] == since) & (table["until"] == until)]
        same = cn.partners(records, "A", years=(since, until), count="fractional")
        there = part[part["weight"] > 0].set_index("partner")["weight"]
        assert there.to_dict() == pytest.approx(same.set_index("partner")["weight"].to_dict())
        assert set(part["output"]) == {same.attrs["note"]["of_home"]}


FOUR = works(
    {"p": [["a", "LM"]], "q": [["a", "LMN"]], "r": [["a", "LN"]], "s": [["a", "L"]]},
    years={"p": "2020", "q": "2022", "r": "2022", "s": "2023"},
)


@pytest.mark.parametrize("engine", ENGINES)
def test_years_are_those_counted_by_hand_on_every_engine(engine, tmp_path):
    table = cn.trend(held(FOUR, engine, tmp_path), "L")
    assert by_window(table) == {"M": [1, 0, 1, 0], "N": [0, 0, 2, 0]}
    assert by_window(table, "output")["M"] == [1, 0, 2, 1]
    assert table[table["partner"] == "M"]["share"].tolist() == pytest.approx(
        [1, math.nan, 0.5, 0], nan_ok=True
    )


def test_windows_slide_and_cumulate():
    records = cn.Records(FOUR)
    cumulative = cn.trend(records, "L", by="cumulative")
    assert by_window(cumulative) == {"M": [1, 1, 2, 2], "N": [0, 0, 2, 2]}
    sliding = cn.trend(records, "L", by="sliding", window=3, count="fractional")
    assert by_window(sliding) == {"M": [1.5, 0.5], "N": [1.5, 1.5]}
    assert sliding[["since", "until"]].iloc[0].tolist() == [2020, 2022]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_lasts_counts_in_each_year_it_is_in_force(engine, tmp_path):
    records = held(agreements(), engine, tmp_path)
    table = cn.trend(records, "L", kind="agreement", years=(2012, 2012))
    assert by_window(table) == {"M": [2], "N": [1]}


def test_a_fraction_is_of_those_that_were_in_force_in_the_window():
    records = cn.Records(agreements())
    half = cn.trend(records, "L", kind="agreement", years=(2009, 2013), count="fractional")
    assert by_window(half) == {"M": [0, 1, 1, 1.5, 0.5], "N": [0, 0, 0, 0.5, 0.5]}


def test_what_has_no_year_is_in_no_window_and_is_counted():
    tables = works({"p": [["a", "LM"]], "q": [["a", "LM"]]}, years={"p": "2020", "q": None})
    for years in (None, (2020, 2020)):
        table = cn.trend(cn.Records(tables), "L", years=years)
        assert by_window(table) == {"M": [1]}
        assert table.attrs["note"]["undated"] == 1
    table = cn.trend(cn.Records(agreements()), "L", kind="agreement")
    assert table.attrs["note"]["undated"] == 1


def test_countries_and_regions_have_trends_too():
    lands = {"L": "BE", "M": "NL", "K": "NL"}
    tables = works({"p": [["a", "LMK"]], "q": [["a", "LM"]]}, countries=lands)
    assert by_window(cn.trend(cn.Records(tables), "L", level="country")) == {"NL": [2]}
    assert by_window(cn.trend(cn.Records(tables), "BE", level="country")) == {"NL": [2]}
    tables["institutions"]["nuts3"] = ["NL423", None, None]
    regions = by_window(cn.trend(cn.Records(tables), "L", level="region"))
    assert regions == {"euregio-meuse-rhine": [1]}


def test_a_window_longer_than_the_years_gives_an_empty_table():
    table = cn.trend(corpus_of({2020: {"M": 1}}), "L", by="sliding", window=3)
    assert table.empty
    assert list(table) == ["partner", "since", "until", "weight", "output", "share"]


# --- growth -----------------------------------------------------------------------------------


def test_growth_is_the_rate_of_what_doubles_every_year():
    records = corpus_of({2020: {"M": 2, "N": 16}, 2021: {"M": 4, "N": 8}, 2022: {"M": 8, "N": 4}})
    table = cn.growth(records, "L").set_index("partner")
    assert table["growth"].to_dict() == pytest.approx({"M": 1.0, "N": -0.5})
    assert (table["low"] <= table["growth"]).all()
    assert (table["growth"] <= table["high"]).all()


def test_growth_is_the_poisson_regression_also_with_years_of_nothing():
    weights = [3, 0, 1, 0, 6, 2]
    records = corpus_of({2015 + t: {"M": n} for t, n in enumerate(weights)})
    a, b = 0.0, 0.0
    for _ in range(60):  # Newton in plain Python on both coefficients
        fit = [math.exp(a + b * t) for t in range(6)]
        g0 = sum(weights) - sum(fit)
        g1 = sum(t * (w - f) for t, (w, f) in enumerate(zip(weights, fit, strict=True)))
        h0, h1, h2 = (sum(t**k * f for t, f in enumerate(fit)) for k in range(3))
        a, b = (
            a + (h2 * g0 - h1 * g1) / (h0 * h2 - h1**2),
            b + (h0 * g1 - h1 * g0) / (h0 * h2 - h1**2),
        )
    assert cn.growth(records, "L")["growth"].tolist() == pytest.approx([math.exp(b) - 1])


def test_a_partner_of_the_last_year_only_grows_without_limit_and_of_the_first_is_gone():
    records = corpus_of({2020: {"M": 6}, 2021: {"N": 6}})
    table = cn.growth(records, "L").set_index("partner")
    assert table["growth"].to_dict() == {"M": -1, "N": math.inf}
    assert table.loc["N", ["low", "high"]].tolist() == [math.inf, math.inf]


def test_a_growth_of_four_works_has_no_interval_and_of_five_has_one():
    joint = {2020: {"M": 2, "N": 2}, 2021: {"M": 2, "N": 3}}
    table = cn.growth(corpus_of(joint), "L").set_index("partner")
    assert table.loc["M", ["low", "high"]].isna().all()
    assert table.loc["N", ["low", "high"]].notna().all()


def test_one_year_gives_no_growth():
    assert cn.growth(corpus_of({2020: {"M": 6}}), "L")["growth"].isna().all()


def test_a_constant_share_of_a_growing_output_does_not_grow():
    joint = {2020: {"M": 5}, 2021: {"M": 10}, 2022: {"M": 20}}
    records = corpus_of(joint, {2020: 5, 2021: 10, 2022: 20})
    assert cn.growth(records, "L")["growth"].tolist() == pytest.approx([1.0])
    assert cn.growth(records, "L", of="share")["growth"].tolist() == pytest.approx([0], abs=1e-9)


def test_growth_of_years_asked_for_is_of_them_alone():
    records = corpus_of({2019: {"M": 50}, 2020: {"M": 5}, 2021: {"M": 10}})
    assert cn.growth(records, "L", years=(2020, 2021))["growth"].tolist() == pytest.approx([1.0])


def test_95_percent_of_intervals_of_growth_hold_the_true_one():
    # 1,000 partners of 4,000 works over 8 years, in 2.5 % of those of the middle: 101 joint works.
    # The years of the works are drawn too, so that the interval is wider than it need be, by
    # 1/√(1 - share), where their numbers are given: with a share of 22 % it holds 97 %.
    years = np.repeat(np.arange(2015, 2023), 500)
    rate = 0.08
    chance = 0.025 * (1 + rate) ** (years - 2018.5)
    records = crowd(4000, np.tile(chance, (1000, 1)), seed=5, years=years)
    table = cn.growth(records, "L")
    held_ = (table["low"] <= rate) & (rate <= table["high"])
    assert 0.935 <= held_.mean() <= 0.965
    assert table["growth"].mean() == pytest.approx(rate, abs=0.004)


@pytest.mark.parametrize("call", [cn.growth, cn.trend])
def test_time_is_the_same_on_every_engine(tmp_path, call):
    tables = works(
        {f"w{n}": [["a", "LM" if n % 3 else "LN"]] for n in range(30)},
        years={f"w{n}": str(2010 + n % 7) for n in range(30)},
    )
    made = [call(held(tables, engine, tmp_path), "L") for engine in ENGINES]
    for other in made[1:]:
        assert_frame_equal(made[0], other)


# --- turnover ---------------------------------------------------------------------------------

PERIODS = [(2019, 2019), (2020, 2021), (2022, 2023)]


def test_partners_come_stay_leave_and_return():
    joint = {2019: {"A": 1, "B": 1, "C": 2}, 2021: {"A": 1, "D": 1}, 2022: {"A": 1, "B": 3}}
    table = cn.turnover(corpus_of(joint), "L", periods=PERIODS)
    found = table.set_index(["partner", "until"])["status"].to_dict()
    assert found == {
        ("A", 2019): "first",
        ("A", 2021): "lasting",
        ("A", 2023): "lasting",
        ("B", 2019): "first",
        ("B", 2021): "lost",
        ("B", 2023): "returning",
        ("C", 2019): "first",
        ("C", 2021): "lost",
        ("D", 2021): "new",
        ("D", 2023): "lost",
    }
    assert table.loc[table["status"] == "lost", "weight"].tolist() == [0, 0, 0]
    assert table.attrs["note"]["periods"]["2020-2021 lost"] == 2


@given(corpora(), YEARS)
@FUZZ
def test_those_there_are_the_lasting_new_and_returning_and_none_is_lost_twice(corpus, years):
    corpus = {**corpus, "x": [["eve", "AB"]]}
    records = cn.Records(works(corpus, years=dict(zip(corpus, [*years, "2019"], strict=False))))
    table = cn.turnover(records, "A", periods=PERIODS)
    statuses = ["first", "lasting", "new", "returning", "lost"]
    counts = pd.crosstab(table["until"], table["status"])
    counts = counts.reindex([2019, 2021, 2023], columns=statuses, fill_value=0)
    before = 0
    for (since, until), n in zip(PERIODS, counts.to_dict("records"), strict=True):
        there = len(cn.partners(records, "A", years=(since, until)))
        assert there == n["first"] + n["lasting"] + n["new"] + n["returning"]
        assert there == before - n["lost"] + n["first"] + n["new"] + n["returning"]
        assert before == n["lasting"] + n["lost"]
        before = there


def test_an_agreement_is_there_in_each_period_it_is_in_force():
    records = cn.Records(agreements())
    table = cn.turnover(
        records, "L", kind="agreement", periods=[(2009, 2011), (2012, 2012), (2013, 2020)]
    )
    assert by_window(table, "status") == {
        "M": ["first", "lasting", "lasting"],
        "N": ["new", "lasting"],
    }


@pytest.mark.parametrize(
    "periods",
    [[], [(2020, 2019)], [(2019, 2020), (2020, 2021)], [(2021, 2022), (2019, 2020)], [(2019,)]],
)
def test_periods_that_overlap_or_are_not_in_order_are_refused(periods):
    with pytest.raises(cn.CollabnetError, match=r"apart|two years such|after the last"):
        cn.turnover(corpus_of({2019: {"M": 1}}), "L", periods=periods)


# --- decomposition ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "alone", "expected"),
    [
        ({"M": 8}, 8, [4, 0, 0]),  # twice the output, all else equal
        ({"M": 8}, 0, [0, 4, 0]),  # the same output, all of it with others
        ({"M": 4}, 4, [0, 0, 0]),
    ],
)
def test_a_change_of_one_factor_is_that_factor_alone(after, alone, expected):
    records = corpus_of({2020: {"M": 4}, 2021: after}, {2020: 4, 2021: alone})
    table = cn.decompose(records, "L", before=(2020, 2020), after=(2021, 2021))
    assert table[PARTS].iloc[0].tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("alone", "expected"),
    [
        (0, [2, 0, 0]),  # nothing before: what part was joint is not known, but taken as after
        (4, [0, 2, 0]),  # nothing joint before: how much of it with M is not known
    ],
)
def test_what_is_not_known_before_is_no_part_of_the_change(alone, expected):
    records = corpus_of({2021: {"M": 2}}, {2020: alone, 2021: 2})
    table = cn.decompose(records, "L", before=(2020, 2020), after=(2021, 2021))
    assert table[PARTS].iloc[0].tolist() == pytest.approx(expected, abs=1e-12)


def test_a_partner_that_takes_the_place_of_another_has_more_of_himself():
    records = corpus_of({2020: {"M": 4, "N": 1}, 2021: {"M": 1, "N": 4}}, {2020: 3, 2021: 3})
    table = cn.decompose(records, "L", before=(2020, 2020), after=(2021, 2021))
    assert table.set_index("partner")["more_partner"].to_dict() == pytest.approx({"M": -3, "N": 3})
    assert table[PARTS[:2]].abs().to_numpy().max() < 1e-12


def test_the_parts_are_the_mean_over_all_orders_of_change():
    records = corpus_of({2020: {"M": 2, "N": 2}, 2021: {"M": 9, "N": 3}}, {2020: 4, 2021: 3})
    table = cn.decompose(records, "L", before=(2020, 2020), after=(2021, 2021))
    start, end = (8, 4 / 8, 2 / 4), (15, 12 / 15, 9 / 12)
    parts = [0.0] * 3
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        now = list(start)
        for factor in order:
            was = math.prod(now)
            now[factor] = end[factor]
            parts[factor] += (math.prod(now) - was) / 6
    row = table.set_index("partner").loc["M"]
    assert row[PARTS].tolist() == pytest.approx(parts)
    assert table.attrs["note"]["output"] == [8, 15]
    assert table.attrs["note"]["joint"] == [4, 12]


@given(corpora(), YEARS, st.sampled_from(["full", "fractional"]))
@FUZZ
def test_parts_add_up_to_the_change_exactly_whatever_is_nought(corpus, years, count):
    corpus = {**corpus, "x": [["eve", "AB"]]}
    records = cn.Records(works(corpus, years=dict(zip(corpus, [*years, "2020"], strict=False))))
    options = {"before": (2019, 2020), "after": (2022, 2023), "count": count}
    table = cn.decompose(records, "A", **options)
    assert np.isfinite(table[PARTS]).all(axis=None)
    assert (table["before"] + table["after"] > 0).all()
    assert table[PARTS].sum(axis=1).to_list() == pytest.approx(table["change"].to_list())
    later = cn.partners(records, "A", years=(2022, 2023), count=count).set_index("partner")
    after = table[table["after"] > 0].set_index("partner")["after"].to_dict()
    assert after == pytest.approx(later["weight"].to_dict())


def test_the_largest_change_comes_first_in_either_direction():
    records = corpus_of({2020: {"M": 9, "N": 1}, 2021: {"M": 1, "N": 4}})
    table = cn.decompose(records, "L", before=(2020, 2020), after=(2021, 2021))
    assert table[["partner", "change"]].to_numpy().tolist() == [["M", -8], ["N", 3]]


# --- none, and what cannot be asked -----------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        cn.trend,
        cn.growth,
        lambda records, home: cn.turnover(records, home, periods=PERIODS),
        lambda records, home: cn.decompose(records, home, before=(2019, 2020), after=(2021, 2022)),
    ],
    ids=["trend", "growth", "turnover", "decompose"],
)
def test_a_home_without_partners_has_an_empty_table_and_a_sentence(call):
    full = call(corpus_of({2020: {"M": 1}, 2021: {"M": 1}}), "L")
    table = call(corpus_of({}, {2020: 2}), "L")
    assert not full.empty
    assert table.empty
    assert list(table) == list(full)
    assert "No partner of L is in its 2 activities here" in cn.note(table)
    assert {"years", "synthetic", "population", "store", "count"} <= set(full.attrs["note"])


@pytest.mark.parametrize(
    ("call", "options", "message"),
    [
        (cn.trend, {"by": "month"}, "Unknown choice of by 'month'"),
        (cn.trend, {"window": 0}, "window=0"),
        (cn.trend, {"level": "person"}, "Unknown level"),
        (cn.growth, {"of": "rank"}, "Unknown choice of of 'rank'"),
        (cn.growth, {"samples": 0}, "samples=0"),
        (cn.growth, {"years": (2022, 2019)}, "the first year comes after the last"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(call, options, message):
    with pytest.raises(cn.CollabnetError, match=message):
        call(corpus_of({2020: {"M": 1}}), "L", **options)
