"""Stability intervals: the rule of the Leiden Ranking, the same on every engine, and they cover."""

import random
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from corpora import ENGINES, corpora, frames, held, joint, toy, works
from hypothesis import given, settings
from pandas.testing import assert_frame_equal
from recount import links

import collabnet as cn
from collabnet import settings as defaults
from collabnet.uncertainty import draws, resample

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
FUZZ = settings(max_examples=8, deadline=None)
BOUNDS = ["low", "high"]


def drawn(n, samples, seed):
    """Return which activities are in each sample: the draw that `docs/uncertainty.md` states."""
    stream = np.random.default_rng(seed)
    return [stream.integers(n, size=n, dtype=np.uint32).tolist() for _ in range(samples)]


def between(values):
    """Return the bounds by the rule of the Leiden Ranking, in plain Python."""
    values = sorted(values)
    return values[len(values) * 25 // 1000], values[len(values) * 975 // 1000]


def crowd(n, chances, *, seed=1, years=None):
    """Return works of L; each other institution is in each work by its chance, or by its year's."""
    there = np.random.default_rng(seed).random((len(chances), n)) < np.reshape(
        chances, (len(chances), -1)
    )
    other, work = np.nonzero(there)
    ids = pd.Series(np.arange(n)).map("w{:05d}".format)
    acts = pd.DataFrame({"activity_id": ids, "kind": "work", "start": "2024"})
    if years is not None:
        acts["start"] = pd.Series(years).astype(str)
    home = pd.DataFrame({"activity_id": ids, "institution_id": "L"})
    names = pd.Series(np.arange(len(chances))).map("P{:04d}".format)
    rest = pd.DataFrame(
        {
            "activity_id": ids.to_numpy()[work],
            "institution_id": names.to_numpy()[other],
        }
    )
    return cn.Records({"activities": acts, "participants": pd.concat([home, rest])})


# --- the rule ---------------------------------------------------------------------------------


@pytest.mark.parametrize("statistic", ["mean", "sum", "ratio"])
def test_bounds_are_the_order_statistics_of_a_plain_python_bootstrap(statistic):
    source = random.Random(4)
    ids = [f"a{n:02d}" for n in range(30)]
    x = [source.randrange(9) for _ in ids]
    w = [source.randrange(1, 5) for _ in ids]
    table = pd.DataFrame({"x": x}, index=ids)
    made = cn.bootstrap(table, statistic=statistic, weights=pd.Series(w, ids), samples=200, seed=7)

    def value(sample):
        above = sum(x[n] if statistic == "ratio" else w[n] * x[n] for n in sample)
        return Fraction(above, 1 if statistic == "sum" else sum(w[n] for n in sample))

    expected = [value(range(30)), *between([value(s) for s in drawn(30, 200, 7)])]
    assert made.loc[0, ["value", *BOUNDS]].tolist() == pytest.approx([float(e) for e in expected])


def test_a_constant_has_no_width():
    table = cn.bootstrap(pd.Series([0.3] * 50, name="x"))
    assert table.iloc[0].tolist() == ["x", 0.3, 0.3, 0.3, 50]


def test_the_order_of_the_rows_changes_nothing():
    values = pd.DataFrame({"x": np.arange(40.0)}, index=[f"w{n:02d}" for n in range(40)])
    mixed = values.sample(frac=1, random_state=1)
    assert_frame_equal(cn.bootstrap(values), cn.bootstrap(mixed))


def test_another_seed_draws_other_samples_and_the_same_seed_the_same():
    values = pd.DataFrame({"x": np.arange(400.0) ** 1.5})
    one, again, other = (cn.bootstrap(values, seed=seed) for seed in (1, 1, 2))
    assert_frame_equal(one, again)
    assert (one[BOUNDS] != other[BOUNDS]).all(axis=None)


def test_what_is_unknown_is_left_out_of_its_column_alone():
    values = pd.DataFrame({"x": [1.0, np.nan, 0.0, 1.0], "y": [1.0, 1.0, 0.0, 1.0], "z": np.nan})
    table = cn.bootstrap(values).set_index("indicator")
    assert table.loc["x", ["value", "activities"]].tolist() == [pytest.approx(2 / 3), 3]
    assert table.loc["y", ["value", "activities"]].tolist() == [0.75, 4]
    assert table.loc["z", ["value", *BOUNDS]].isna().all()
    assert table.loc["z", "activities"] == 0
    sums = cn.bootstrap(values, statistic="sum").set_index("indicator")["value"]
    assert sums[["x", "y"]].tolist() == [2, 3]
    assert np.isnan(sums["z"])


def test_a_sample_in_which_a_ratio_is_not_defined_is_left_out():
    values = pd.DataFrame({"x": [1.0, 0.0, 0.0]})
    table = cn.bootstrap(values, statistic="ratio", weights=pd.Series([2.0, 0.0, 0.0]))
    assert table[["value", *BOUNDS]].iloc[0].tolist() == [0.5, 0.5, 0.5]


def test_a_bootstrap_of_nothing_has_its_columns_and_no_value():
    table = cn.bootstrap(pd.DataFrame({"x": pd.Series(dtype=float)}))
    assert table[["value", *BOUNDS]].isna().all(axis=None)
    assert table["activities"].tolist() == [0]
    assert cn.bootstrap(pd.DataFrame(index=["a"])).empty


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (pd.DataFrame({"x": [1, 2]}, index=["a", "a"]), {}, "'a' stands in more than one row"),
        (pd.DataFrame({"x": ["one"]}), {}, "holds no numbers"),
        (pd.DataFrame({"x": [1]}), {"statistic": "median"}, "Did you mean 'mean'"),
        (pd.DataFrame({"x": [1]}), {"samples": 0}, "samples=0: a whole number, 1 or more"),
        (pd.DataFrame({"x": [1]}), {"samples": True}, "samples=True"),
    ],
)
def test_what_cannot_be_drawn_from_is_said_in_a_sentence(values, options, message):
    with pytest.raises(cn.CollabnetError, match=message):
        cn.bootstrap(values, **options)


# --- partners ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", ["full", "fractional", "refined"])
def test_intervals_of_partners_are_those_of_a_plain_python_bootstrap(oracles, count):
    made = cn.partner_intervals(cn.Records(toy(oracles)), "L", count=count, samples=80, seed=3)
    parties = {
        work: {body for _, bodies in people for body in bodies}
        for work, people in oracles["toy_works"].items()
    }
    mine = [parties[work] for work in sorted(parties) if "L" in parties[work]]

    def weights(sample):
        return {
            p: float(
                sum(links({0: mine[n]}, count).get(tuple(sorted("L" + p)), (0,))[0] for n in s)
            )
            for s in [sample]
            for p in "HMNR"
        }

    samples = [weights(sample) for sample in drawn(5, 80, 3)]
    made = made.set_index("partner")
    for partner, weight in weights(range(5)).items():
        low, high = between([one[partner] for one in samples])
        ranks = [1 + sum(v > one[partner] + 1e-9 for v in one.values()) for one in samples]
        row = made.loc[partner]
        assert row[["weight", *BOUNDS]].tolist() == pytest.approx([weight, low, high])
        assert (row["rank_low"], row["rank_high"]) == between(ranks)
        assert row[["share", "share_high"]].tolist() == pytest.approx([weight / 5, high / 5])
    assert made["rank"].to_dict() == {"M": 1, "R": 2, "N": 2, "H": 4} or count == "full"


@pytest.mark.parametrize("level", ["institution", "country"])
def test_one_seed_gives_the_same_bounds_on_every_engine(oracles, tmp_path, level):
    made = [
        cn.partner_intervals(
            held(toy(oracles), engine, tmp_path), "L", level=level, samples=3, seed=5
        )
        for engine in ENGINES
    ]
    assert made[0][BOUNDS].to_numpy().any()
    for other in made[1:]:
        assert_frame_equal(made[0], other)


def test_activities_are_numbered_by_their_id_whatever_the_order_of_the_table(oracles):
    tables = toy(oracles)
    mixed = {name: table.iloc[::-1].reset_index(drop=True) for name, table in tables.items()}
    one, other = (cn.partner_intervals(cn.Records(t), "L", samples=1) for t in (tables, mixed))
    assert_frame_equal(one, other)


def test_the_numbers_a_store_gives_its_activities_do_not_matter(oracles, tmp_path):
    store = cn.write_store(cn.Records(toy(oracles)), tmp_path / "store")
    one = cn.partner_intervals(cn.read(store), "L", samples=1)  # the bounds are the sample itself
    for name in ("activities", "participants"):
        table = pd.read_parquet(store / f"{name}.parquet")
        table.assign(activity_no=5 - table["activity_no"]).to_parquet(store / f"{name}.parquet")
    assert_frame_equal(one, cn.partner_intervals(cn.read(store), "L", samples=1))


@given(corpora())
@FUZZ
def test_weights_are_those_of_partners_and_lie_among_whole_shares(corpus):
    records = cn.Records(works({**corpus, "x": [["eve", "AB"]]}))
    for count in ("full", "fractional"):
        table = cn.partner_intervals(records, "A", count=count, samples=30)
        same = cn.partners(records, "A", count=count).set_index("partner")["weight"]
        assert table.set_index("partner")["weight"].to_dict() == pytest.approx(same.to_dict())
        assert (table["low"] <= table["high"]).all()
        assert table[["low", "share"]].min(axis=None) >= 0
        assert table["share_high"].max() <= 1
        assert (
            table["rank"].tolist() == table["weight"].rank(method="min", ascending=False).tolist()
        )


def test_a_lead_beyond_doubt_is_first_in_every_sample_and_a_tie_is_not():
    records = crowd(400, [0.9, 0.3, 0.3])
    table = cn.partner_intervals(records, "L").set_index("partner")
    assert table.loc["P0000", ["rank", "rank_low", "rank_high"]].tolist() == [1, 1, 1]
    assert table.loc[["P0001", "P0002"], "rank_low"].tolist() == [2, 2]
    assert table.loc[["P0001", "P0002"], "rank_high"].tolist() == [3, 3]


def test_a_country_counts_once_a_work_and_has_the_fractions_of_all_its_houses():
    authors = {"w1": [["a", "LMN"]], "w2": [["a", "L"], ["b", "M"]], "w3": [["a", "L"]]}
    lands = {"L": "BE", "M": "NL", "N": "NL"}
    records = cn.Records(works(authors, countries=lands))
    full = cn.partner_intervals(records, "L", level="country")
    assert full[["partner", "weight", "share"]].iloc[0].tolist() == ["NL", 2, pytest.approx(2 / 3)]
    parts = cn.partner_intervals(records, "L", level="country", count="fractional")
    assert parts["weight"].tolist() == [2.0]
    refined = cn.partner_intervals(records, "L", level="country", count="refined")
    assert refined["weight"].tolist() == [pytest.approx(2 / 3 + 1)]


def test_a_country_can_be_the_home_and_its_links_are_those_of_edges(oracles):
    records = cn.Records(toy(oracles))
    table = cn.partner_intervals(records, "BE", level="country")
    same = cn.around(cn.edges(records, level="country"), "BE")
    assert dict(zip(table["partner"], table["weight"], strict=True)) == dict(
        zip(same["partner"], same["weight"], strict=True)
    )


def test_regions_overlap_and_each_counts_a_work_once(oracles):
    table = cn.partner_intervals(cn.Records(toy(oracles)), "L", level="region")
    assert table.set_index("partner")["weight"].to_dict() == {
        "euregio-meuse-rhine": 3,  # P1 and P4 with M or H, P2 with R
        "grande-region": 1,  # P6 with N
    }
    assert set(table["partner"]) <= set(defaults.REGIONS)


def test_partners_without_a_country_are_counted_not_dropped_in_silence():
    records = cn.Records(works({"w": [["a", "LMNK"]]}, countries={"L": "BE", "M": "NL"}))
    table = cn.partner_intervals(records, "L", level="country")
    assert table["partner"].tolist() == ["NL"]
    assert table.attrs["note"]["unplaced"] == 2


@pytest.mark.parametrize(
    ("home", "options", "message"),
    [
        ("Q", {}, "Unknown institution 'Q'"),
        ("L", {"level": "person"}, "Unknown level 'person'"),
        ("L", {"count": "half"}, "Unknown counting 'half'"),
        ("L", {"level": "region", "count": "fractional"}, "regions overlap"),
        ("L", {"years": (2024, 2019)}, "the first year comes after the last"),
        ("L", {"samples": -1}, "samples=-1"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(oracles, home, options, message):
    with pytest.raises(cn.CollabnetError, match=message):
        cn.partner_intervals(cn.Records(toy(oracles)), home, **options)


def test_a_home_without_partners_has_an_empty_table_and_a_sentence():
    table = cn.partner_intervals(cn.Records(works({"w": [["a", "L"]]})), "L")
    assert table.empty
    assert {"partner", "weight", *BOUNDS, "rank_low"} <= set(table)
    assert "No partner of L is in its 1 activities here" in cn.note(table)


def test_one_work_with_one_partner_is_as_sure_as_it_can_be():
    table = cn.partner_intervals(cn.Records(works({"w": [["a", "LM"]]})), "L")
    assert table.loc[0, "weight":].tolist() == [1] * 9


def test_agreements_have_intervals_too_in_the_years_they_were_in_force():
    tables = joint("L", "M", end="2010", end_status="known")
    table = cn.partner_intervals(cn.Records(tables), "L", kind="agreement", years=(2009, 2009))
    assert table[["partner", "weight", "high"]].iloc[0].tolist() == ["M", 1, 1]
    later = cn.partner_intervals(cn.Records(tables), "L", kind="agreement", years=(2011, 2012))
    assert later.empty


def test_the_note_says_how_the_interval_was_made_and_on_what(oracles):
    tables = toy(oracles)
    tables["activities"]["synthetic"] = [True, *[False] * 5]
    tables["activities"].loc[5, "start"] = None
    note = cn.partner_intervals(cn.Records(tables), "L", years=(2020, 2025), seed=9).attrs["note"]
    assert (note["samples"], note["seed"], note["years"]) == (1000, 9, (2020, 2025))
    assert note["rule"].startswith("order statistics floor(0.025·B) and floor(0.975·B) of")
    assert (note["of_home"], note["undated"], note["population"]["activities"]) == (4, 1, 5)
    assert note["synthetic"] is True


# --- shares -----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_shares_are_those_of_collaboration(oracles, engine, tmp_path):
    records = held(toy(oracles), engine, tmp_path)
    table = cn.share_intervals(records, "L").set_index("indicator")
    same = cn.collaboration(records).set_index("unit").loc["L"]
    for name in ("pp_collab", "pp_int_collab", "mcp_ratio"):
        assert table.loc[name, "value"] == same[name] == pytest.approx(0.8)
    assert table.loc["partners", "value"] == 1  # M, R, none, M and H, N
    whole = ["pp_collab", "pp_int_collab", "mcp_ratio", "pp_short", "mgcd", "single", "partners"]
    assert table.loc[whole, "activities"].tolist() == [5] * len(whole)
    for name in ("pp_short", "pp_long", "mgcd", "mgcd_collab"):
        assert table.loc[name, "value"] == pytest.approx(same[name])
    types = cn.collaboration_types(records).set_index("unit").loc["L"]
    assert table.loc["international", "value"] == types["international"] / types["output"]
    between = table.loc[["pp_collab", "mgcd", "international", "partners"]]
    assert ((between["low"] < between["value"]) & (between["value"] <= between["high"])).all()


def test_an_author_abroad_without_institution_makes_a_work_international():
    acts = [{"activity_id": "w", "kind": "work", "start": "2024"}]
    rows = [
        {"activity_id": "w", "institution_id": "L", "country": "BE"},
        {"activity_id": "w", "country": "CD"},
    ]
    table = cn.share_intervals(cn.Records(frames(acts, rows)), "L").set_index("indicator")
    found = table.loc[["pp_collab", "pp_int_collab", "mcp_ratio", "partners"], "value"]
    assert found.tolist() == [1, 1, 1, 0]


def test_shares_of_no_activity_are_unknown_not_zero():
    records = cn.Records(works({"w": [["a", "L"]]}))
    table = cn.share_intervals(records, "L", years=(1990, 1991))
    assert table["value"].isna().all()
    assert table["activities"].eq(0).all()
    assert len(table) > 15


# --- do they hold what they promise? ----------------------------------------------------------

# Percentile intervals hold where a sum is near a normal one: 90 joint works are expected here,
# shares are of 800 works. 1,500 partners of one home, or 1,200 columns, are as many experiments:
# the error of the share found is 0.6 %.


@pytest.mark.parametrize("count", ["full", "fractional"])
def test_95_percent_of_intervals_of_links_hold_the_true_weight(count):
    home, n, p = "L", 300, 0.3
    table = cn.partner_intervals(crowd(n, np.full(1500, p), seed=8), home, count=count)
    # In fractions the others of a work share its credit; what all have in the mean is the truth.
    truth = n * p if count == "full" else table["weight"].mean()
    held_ = (table["low"] <= truth) & (truth <= table["high"])
    assert 0.935 <= held_.mean() <= 0.965


def test_95_percent_of_intervals_of_shares_and_ratios_hold_the_true_one():
    stream = np.random.default_rng(11)
    flags = pd.DataFrame(stream.random((800, 1200)) < 0.4)
    sizes = pd.Series(stream.integers(1, 20, 800).astype(float))
    skewed = pd.DataFrame(stream.exponential(2.0, (800, 1200)) * sizes.to_numpy()[:, None])
    for table, truth in (
        (cn.bootstrap(flags), 0.4),
        (cn.bootstrap(flags, weights=sizes), 0.4),
        (cn.bootstrap(skewed, statistic="ratio", weights=sizes), 2.0),
    ):
        held_ = (table["low"] <= truth) & (truth <= table["high"])
        assert 0.935 <= held_.mean() <= 0.965


def test_samples_are_as_large_as_what_they_are_drawn_from():
    n = 50
    sums = resample(np.arange(n), np.zeros(n, int), np.ones(n), draws(n, 20, 0))
    assert (sums == n).all()


# --- real -------------------------------------------------------------------------------------


def test_real_projects_of_liege_have_the_weights_of_partners_within_their_bounds(real):
    records = cn.read(real / "cordis" / "h2020.csv.gz")
    table = cn.partner_intervals(records, "pic:999976105", kind="project")
    assert (len(table), table.attrs["note"]["of_home"]) == (956, 106)
    same = cn.partners(records, "pic:999976105", kind="project").set_index("partner")["weight"]
    assert table.set_index("partner")["weight"].to_dict() == same.to_dict()
    strong = table[table["weight"] >= 5]
    assert (strong["low"] < strong["weight"]).all()
    assert (strong["weight"] < strong["high"]).all()
    assert table["rank_high"].iloc[0] > 1  # who comes first is not sure
