"""Input that holds little or nothing, or makes no sense: an empty answer in words, or one error."""

import numpy as np
import pandas as pd
import pytest

import collabnet as cn


def records(acts=(), sides=(), **bodies):
    """Return records of (id, kind, start, end, end_status) and (id, institution)."""
    columns = ["activity_id", "kind", "start", "end", "end_status"]
    acts = pd.DataFrame(acts, columns=columns, dtype="string")
    sides = pd.DataFrame(sides, columns=["activity_id", "institution_id"], dtype="string")
    ids = sorted({*sides["institution_id"].dropna(), *bodies.pop("ids", "")})
    tables = {"activities": acts, "participants": sides}
    if ids:
        tables["institutions"] = pd.DataFrame({"institution_id": ids, "name": ids, **bodies})
    return cn.Records(tables)


WORK = ("w", "work", "2020", None, None)
EXPIRED = ("g", "agreement", "2010", "2012", None)
EMPTY = cn.Records({})
FULL = records(
    [WORK, EXPIRED, ("m", "mobility", "2020", "2021", None)],
    [(act, unit) for act in "wgm" for unit in "LM"],
)
OF_HOME = {
    "bus_factor": cn.bus_factor,
    "decompose": lambda r, h: cn.decompose(r, h, before=(2019, 2019), after=(2020, 2021)),
    "field_profile": cn.field_profile,
    "gaps": cn.gaps,
    "growth": lambda r, h: cn.growth(r, h, samples=20),
    "link_impact": cn.link_impact,
    "link_shares": cn.link_shares,
    "partner_intervals": lambda r, h: cn.partner_intervals(r, h, samples=20),
    "partners": cn.partners,
    "profile": cn.profile,
    "status": lambda r, h: cn.agreement_status(r, h, as_of="2024"),
    "trend": cn.trend,
    "turnover": lambda r, h: cn.turnover(r, h, periods=[(2019, 2019), (2020, 2021)]),
    "without": lambda r, h: cn.without(r, h, institution="M"),
    "compare_stores": lambda r, h: cn.compare_stores(r, r, h).partners,
    "event_study": cn.event_study,
    "behind_gap": lambda r, h: cn.behind_gap(r, "Z", "works", home=h),
}
OF_ALL = {
    "output": cn.output,
    "collaboration": cn.collaboration,
    "types": cn.collaboration_types,
    "edges": cn.edges,
    "countries": lambda r: cn.edges(r, level="country"),
    "flows": cn.flows,
    "unify": lambda r: cn.unify(r).report,
    "changes": lambda r: cn.compare_stores(r, r).changes,
    "similarities": lambda r: cn.similarities(cn.edges(r)),
    "relative_intensity": lambda r: cn.relative_intensity(cn.edges(r)),
    "backbone": lambda r: cn.backbone(cn.edges(r)),
    "strengths": lambda r: cn.strengths(cn.edges(r)),
}


@pytest.mark.parametrize("name", OF_HOME)
def test_an_empty_store_has_an_empty_table_of_any_home_with_a_sentence(name):
    table = OF_HOME[name](EMPTY, "L")
    assert (len(table), list(table)) == (0, list(OF_HOME[name](FULL, "L")))
    assert table.attrs["note"]["said"].endswith(".")


@pytest.mark.parametrize("name", OF_ALL)
def test_an_empty_store_has_an_empty_table_of_all_with_a_sentence(name):
    table = OF_ALL[name](EMPTY)
    assert (len(table), list(table)) == (0, list(OF_ALL[name](FULL)))
    assert table.attrs["note"]["said"].endswith(".")


@pytest.mark.parametrize("one", [cn.agreement_rates, cn.share_intervals])
def test_shares_of_nothing_are_unknown_and_the_note_says_why(one):
    table = one(EMPTY, "L")
    assert (len(table) >= 4, table["value"].notna().sum()) == (True, 0)
    assert table.attrs["note"]["said"].endswith(".")


@pytest.mark.parametrize("name", OF_HOME)
def test_an_unknown_home_in_a_store_that_is_not_empty_is_an_error(name):
    with pytest.raises(cn.UnknownNameError, match="Unknown institution 'X'"):
        OF_HOME[name](FULL, "X")


def test_a_table_that_holds_rows_has_no_sentence_of_an_empty_one():
    alone = records([WORK], [("w", "L")])
    assert len(cn.profile(alone, "L")) > 5
    assert "said" not in cn.profile(alone, "L").attrs["note"]
    assert "said" in cn.partners(alone, "L").attrs["note"]
    assert "said" not in cn.partners(FULL, "L").attrs["note"]


CASES = {
    "one work of one": records([WORK], [("w", "L")]),
    "one partner": records([WORK], [("w", "L"), ("w", "M")]),
    "no agreements": records([WORK, ("x", "work", "2021", None, None)], [("w", "L"), ("x", "L")]),
    "all expired": records([EXPIRED], [("g", "L"), ("g", "M")]),
    "no affiliations": records([WORK], [("w", None)], ids="L"),
    "no activities": records(ids="L"),
    "region without members": records([WORK], [("w", "L"), ("w", "M")], country=["BE", "BE"]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", sorted(OF_HOME.keys() - {"without"}))
def test_little_input_gives_the_same_columns_and_says_why_there_are_no_rows(name, case):
    table = OF_HOME[name](CASES[case], "L")
    assert list(table) == list(OF_HOME[name](FULL, "L"))
    assert len(table) or table.attrs["note"]["said"].endswith(".")


def test_stores_of_other_kinds_alone_can_be_compared():
    work = records([WORK], [("w", "L"), ("w", "M")])
    assert len(cn.compare_stores(work, EMPTY, "L").partners) == 1
    assert cn.compare_stores(work, work, "L", kind="agreement").partners.empty


YEARS = {
    "gaps": lambda r, y: cn.gaps(r, "L", y, as_of="2024"),
    "behind_gap": lambda r, y: cn.behind_gap(r, "M", "works", home="L", years=y, as_of="2024"),
    "status": lambda r, y: cn.agreement_status(r, "L", years=y),
    "rates": lambda r, y: cn.agreement_rates(r, "L", years=y, as_of="2024"),
    "event_study": lambda r, y: cn.event_study(r, "L", years=y),
    "flows": lambda r, y: cn.flows(r, years=y),
    "bus_factor": lambda r, y: cn.bus_factor(r, "L", years=y),
    "compare_stores": lambda r, y: cn.compare_stores(r, r, "L", years=y),
    "field_profile": lambda r, y: cn.field_profile(r, "L", years=y),
    "partners": lambda r, y: cn.partners(r, "L", years=y),
    "edges": lambda r, y: cn.edges(r, "agreement", years=y),
    "trend": lambda r, y: cn.trend(r, "L", years=y),
    "decompose": lambda r, y: cn.decompose(r, "L", before=y, after=(2030, 2031)),
    "turnover": lambda r, y: cn.turnover(r, "L", periods=[y]),
    "turnover of none": lambda r, y: cn.turnover(r, "L", periods=[(2019, 2019), y]),
}
BAD = [
    (2020,),
    (2020, "2021"),
    (2020.0, 2021.0),
    (np.nan, 2021),
    "20",
    2020,
    (0, 2020),
    (2020, 99999),
]


@pytest.mark.parametrize("years", BAD, ids=repr)
@pytest.mark.parametrize("name", YEARS)
def test_years_that_are_none_are_told_in_a_sentence(name, years):
    with pytest.raises(cn.CollabnetError, match="two years such as"):
        YEARS[name](FULL, years)


@pytest.mark.parametrize("name", YEARS)
def test_years_in_the_wrong_order_are_told_in_a_sentence(name):
    with pytest.raises(cn.CollabnetError, match="the first year comes after the last"):
        YEARS[name](FULL, (2024, 2019))


NUMBERS = {
    "new=-3": lambda: cn.gaps(FULL, "L", new=-3),
    "least_works=-1": lambda: cn.gaps(FULL, "L", least_works=-1),
    "least_persons=0.5": lambda: cn.gaps(FULL, "L", least_persons=0.5),
    "least_works=-2": lambda: cn.agreement_rates(FULL, "L", least_works=-2),
    "months=-1": lambda: cn.agreement_status(FULL, "L", months=-1),
    "window=-1": lambda: cn.event_study(FULL, "L", window=-1),
    "window=True": lambda: cn.trend(FULL, "L", window=True),
    "matches=0": lambda: cn.event_study(FULL, "L", matches=0),
    "seed=-1": lambda: cn.gaps(FULL, "L", seed=-1),
    "seed=-2": lambda: cn.event_study(FULL, "L", seed=-2),
    "seed=-3": lambda: cn.partner_intervals(FULL, "L", seed=-3),
    "seed='a'": lambda: cn.bootstrap(pd.Series([1, 0], index=list("ab")), seed="a"),
}


@pytest.mark.parametrize("given", NUMBERS)
def test_a_number_that_makes_no_sense_is_told_in_a_sentence(given):
    with pytest.raises(cn.CollabnetError, match=f"{given}: a whole number, [01] or more"):
        NUMBERS[given]()


def test_a_year_given_as_a_number_is_a_date_to_look_at():
    assert cn.agreement_status(FULL, "L", as_of=2011)["status"].tolist() == ["in force"]


@pytest.mark.parametrize("as_of", ["2015", "2025", "2035"])
def test_an_agreement_that_ends_before_it_begins_has_no_known_dates(as_of):
    act = ("g", "agreement", "2030", "2020", None)
    table = cn.agreement_status(records([act], [("g", "L"), ("g", "M")]), "L", as_of=as_of)
    assert table["status"].tolist() == ["dates unknown"]
    assert table["days_to_expiry"].isna().all()


@pytest.mark.parametrize(
    ("status", "left", "found"),
    [
        ("unknown", None, {"M": "data missing", "N": "uncovered", "Q": "data missing"}),
        (None, None, {"M": "data missing", "N": "uncovered", "Q": "data missing"}),
        (None, "2017", {"M": "dormant", "N": "uncovered"}),
        ("known", None, {"M": "dormant", "N": "uncovered"}),
    ],
)
def test_a_project_of_unknown_end_may_have_lasted_where_both_stayed(status, left, found):
    acts = [
        ("g", "agreement", "2015", "2030", None),
        ("p", "project", "2015", None, status),
        ("q", "project", "2016", None, status),
        ("r", "project", "2020", "2022", None),
        WORK,
    ]
    sides = [("g", "M"), ("p", "M"), ("q", "Q"), ("r", "N"), ("w", "N")]
    store = records(acts, [*sides, *((act, "L") for act, *_ in acts)])
    there = store.participants.assign(until=None)
    there.loc[there["institution_id"].isin(["M", "Q"]) & there["activity_id"].ne("g"), "until"] = (
        left
    )
    store = cn.Records({"activities": store.activities, "participants": there})
    table = cn.gaps(store, "L", (2019, 2024), as_of="2024")
    assert table.set_index("partner")["class"].to_dict() == found
    unsure = table.attrs["note"]["population"]["project"]["without_end"]
    assert unsure == (0 if status == "known" else 2)


def test_works_of_years_before_are_no_works_of_unknown_end():
    works = records([("w", "work", "2015", None, None)], [("w", "L"), ("w", "M")])
    assert cn.edges(works, years=(2019, 2024)).attrs["note"]["population"]["without_end"] == 0


FAULTS = {
    "a doubled pair": [("A", "B", 1.0), ("B", "A", 2.0)],
    "a loop": [("A", "A", 1.0)],
    "nan": [("A", "B", np.nan)],
    "infinite": [("A", "B", np.inf)],
    "negative": [("A", "B", -1.0)],
    "text": [("A", "B", "many")],
}
ON_EDGES = {
    "strengths": cn.strengths,
    "region_shares": lambda e: cn.region_shares(e, EMPTY.institutions, ("maghreb",)),
    "similarities": cn.similarities,
    "relative_intensity": cn.relative_intensity,
    "centrality": cn.centrality,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ON_EDGES)
def test_edges_that_are_none_are_refused_by_all_that_reads_them(name, fault):
    with pytest.raises(cn.SchemaError, match="Edges table: "):
        ON_EDGES[name](pd.DataFrame(FAULTS[fault], columns=["source", "target", "weight"]))
