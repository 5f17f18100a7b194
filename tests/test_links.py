"""Who is linked with whom: the three countings, years, membership, caps, regions, flows."""

from fractions import Fraction

import pandas as pd
import pytest
from corpora import corpora, frames, joint, works
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from recount import joint as joint_activities
from recount import lasting_links, links, region_links

import collabnet as cn

COUNTS = ("full", "fractional", "refined")
COLUMNS = ["source", "target", "weight", "activities", "first", "last"]
FUZZ = settings(max_examples=10, deadline=None)
SOME = settings(max_examples=6, deadline=None)


def listed(table):
    """Return the rows of a table as tuples."""
    return list(table.itertuples(index=False, name=None))


def weights(table):
    """Return an edge table as {(source, target): (weight, activities)}."""
    return {
        (source, target): (weight, n) for source, target, weight, n, _, _ in listed(table[COLUMNS])
    }


def close(found):
    """Let a recount in exact fractions be compared with floating point."""
    return {pair: (pytest.approx(float(w)), n) for pair, (w, n) in found.items()}


def institutions(corpus):
    """Return the institutions of each work."""
    return {work: {b for _, bodies in team for b in bodies} for work, team in corpus.items()}


def persons(corpus):
    """Return the persons of each work whose id is known."""
    return {work: {person for person, _ in team} - {None} for work, team in corpus.items()}


# --- counting ---------------------------------------------------------------------------------


@given(corpora())
@FUZZ
def test_full_weight_is_the_number_of_joint_works_as_recounted(corpus):
    table = cn.edges(cn.Records(works(corpus)))
    assert weights(table) == links(institutions(corpus))
    assert (table["weight"] == table["activities"]).all()


@given(corpora())
@FUZZ
def test_fractional_strength_is_the_number_of_joint_works_of_a_node(corpus):
    table = cn.edges(cn.Records(works(corpus)), count="fractional")
    strength = cn.strengths(table).set_index("unit")["strength"].to_dict()
    assert strength == pytest.approx(joint_activities(institutions(corpus)))


@given(corpora())
@FUZZ
def test_refined_total_is_the_number_of_joint_works(corpus):
    table = cn.edges(cn.Records(works(corpus)), count="refined")
    several = sum(len(members) > 1 for members in institutions(corpus).values())
    assert table["weight"].sum() == pytest.approx(several)
    assert table.attrs["note"]["joint"] == several


@given(corpora(), st.sampled_from(COUNTS))
@FUZZ
def test_every_counting_equals_the_recount_between_persons(corpus, count):
    table = cn.edges(cn.Records(works(corpus)), level="person", count=count)
    assert weights(table) == close(links(persons(corpus), count))


@given(corpora())
@SOME
def test_no_counting_gives_a_link_more_than_full_counting(corpus):
    records = cn.Records(works(corpus))
    full, fractional, refined = (cn.edges(records, count=count) for count in COUNTS)
    assert (fractional["weight"] <= full["weight"] + 1e-9).all()
    assert (refined["weight"] <= fractional["weight"] + 1e-9).all()


@given(corpora(), st.sampled_from(["institution", "country", "person"]))
@FUZZ
def test_source_comes_before_target_and_rows_are_sorted(corpus, level):
    countries = {"A": "BE", "B": "NL", "C": "BE", "D": "FR"}
    table = cn.edges(cn.Records(works(corpus, countries=countries)), level=level)
    assert (table["source"] < table["target"]).all()
    assert_frame_equal(table, table.sort_values(["source", "target"], ignore_index=True))


@pytest.mark.parametrize("number", [128, 200, 256, 257])
def test_many_joint_works_give_that_weight(number):
    corpus = {f"w{n}": [["ann", "A"], ["bob", "B"]] for n in range(number)}
    table = cn.edges(cn.Records(works(corpus)))
    assert listed(table[COLUMNS]) == [("A", "B", number, number, 2024, 2024)]


def test_two_authors_of_one_house_count_once():
    corpus = {"w": [["ann", "A"], ["bob", "A"], ["cy", "B"], ["dee", "B"]]}
    table = cn.edges(cn.Records(works(corpus)), count="fractional")
    assert weights(table) == {("A", "B"): (1, 1)}


def test_an_institution_is_not_linked_with_itself():
    corpus = {"w": [["ann", "A"], ["bob", "A"]]}
    assert cn.edges(cn.Records(works(corpus))).empty


def test_an_author_in_two_countries_links_them():
    corpus = {"w": [["ann", "AB"]]}
    table = cn.edges(cn.Records(works(corpus, countries={"A": "BE", "B": "FR"})), level="country")
    assert weights(table) == {("BE", "FR"): (1, 1)}


def test_a_country_counts_where_no_institution_is_known():
    rows = [
        {"activity_id": "w", "institution_id": "A", "country": "BE"},
        {"activity_id": "w", "country": "CD"},
    ]
    acts = [{"activity_id": "w", "kind": "work", "start": "2024"}]
    records = cn.Records(frames(acts, rows))
    assert weights(cn.edges(records, level="country")) == {("BE", "CD"): (1, 1)}
    assert cn.edges(records).empty


# --- kinds, years and membership --------------------------------------------------------------


def test_kinds_are_counted_apart():
    tables = works({"w": [["ann", "A"], ["bob", "B"]], "v": [["ann", "A"], ["cy", "C"]]})
    tables["activities"].loc[1, "kind"] = "project"
    records = cn.Records(tables)
    assert list(weights(cn.edges(records))) == [("A", "B")]
    assert list(weights(cn.edges(records, "project"))) == [("A", "C")]


def test_a_work_counts_in_its_year_of_publication_only():
    corpus = {year: [["ann", "A"], ["bob", "B"]] for year in ("2018", "2019", "2021", "2022")}
    records = cn.Records(works(corpus, years={year: f"{year}-12-31" for year in corpus}))
    table = cn.edges(records, years=(2019, 2021))
    assert listed(table[COLUMNS]) == [("A", "B", 2, 2, 2019, 2021)]
    assert table.attrs["note"]["population"]["activities"] == 2
    assert table.attrs["note"]["years"] == (2019, 2021)


def test_what_has_no_date_is_in_no_window_and_is_counted():
    corpus = {"dated": [["ann", "A"], ["bob", "B"]], "not": [["ann", "A"], ["bob", "B"]]}
    records = cn.Records(works(corpus, years={"not": None}))
    table = cn.edges(records, years=(1900, 2100))
    assert weights(table) == {("A", "B"): (1, 1)}
    assert table.attrs["note"]["population"]["without_dates"] == 1
    assert weights(cn.edges(records)) == {("A", "B"): (2, 2)}


def test_an_agreement_without_dates_is_in_no_window_and_is_counted():
    records = cn.Records(joint("A", "B", start=None))
    table = cn.edges(records, "agreement", years=(1900, 2100))
    assert table.empty
    assert table.attrs["note"]["population"]["without_dates"] == 1
    assert weights(cn.edges(records, "agreement")) == {("A", "B"): (1, 1)}


def test_unigr_is_one_activity_of_six_members_and_fifteen_links():
    records = cn.Records(joint(*"ABCDEF", end_status="open"))
    table = cn.edges(records, "agreement", years=(2024, 2024), count="refined")
    assert len(table) == 15
    assert table["weight"].sum() == pytest.approx(1)
    assert table.attrs["note"]["joint"] == 1


def test_an_open_ended_agreement_stays_alive():
    records = cn.Records(joint("A", "B", end_status="open"))
    always = cn.edges(records, "agreement")
    assert always["first"].tolist() == [2008]
    assert always["last"].isna().all()
    late = cn.edges(records, "agreement", years=(2090, 2095))
    assert listed(late[COLUMNS]) == [("A", "B", 1, 1, 2090, 2095)]
    assert cn.edges(records, "agreement", years=(1990, 2007)).empty


def test_an_agreement_of_unknown_end_is_not_taken_for_one_in_force():
    table = cn.edges(
        cn.Records(joint("A", "B", end_status="unknown")), "agreement", years=(2020, 2020)
    )
    assert table.empty
    assert table.attrs["note"]["population"]["without_end"] == 1


def test_membership_dates_cut_the_links():
    old, new = {"institution_id": "C", "until": "2022-12-31"}, {"institution_id": "D"}
    tables = joint("A", "B", old, {**new, "since": "2023-01-01"}, end_status="open")
    records = cn.Records(tables)
    before = cn.edges(records, "agreement", years=(2015, 2015))
    after = cn.edges(records, "agreement", years=(2024, 2024))
    assert set(weights(before)) == {("A", "B"), ("A", "C"), ("B", "C")}
    assert set(weights(after)) == {("A", "B"), ("A", "D"), ("B", "D")}
    always = cn.edges(records, "agreement").set_index(["source", "target"])
    assert ("C", "D") not in always.index
    assert always.loc[("A", "C"), "last"] == 2022
    assert always.loc[("A", "D"), "first"] == 2023


def test_a_member_that_left_and_came_back_is_absent_in_between():
    stays = [
        {"institution_id": "B", "until": "2005"},
        {"institution_id": "B", "since": "2015"},
    ]
    records = cn.Records(joint("A", *stays, start="2000", end_status="open"))
    assert cn.edges(records, "agreement", years=(2010, 2010)).empty
    assert weights(cn.edges(records, "agreement", years=(2016, 2016))) == {("A", "B"): (1, 1)}


def test_an_agreement_of_unknown_end_was_alive_when_its_last_member_joined():
    new = {"institution_id": "C", "since": "2023-01-01"}
    records = cn.Records(joint("A", "B", new, end_status="unknown"))
    table = cn.edges(records, "agreement")
    assert listed(table.drop(columns="weight")) == [
        ("A", "B", 1, 2008, 2023),
        ("A", "C", 1, 2023, 2023),
        ("B", "C", 1, 2023, 2023),
    ]
    assert cn.edges(records, "agreement", years=(2024, 2024)).empty


def test_nobody_joins_an_agreement_that_has_ended():
    late = {"institution_id": "C", "since": "2023"}
    records = cn.Records(joint("A", "B", late, end="2015", end_status="known"))
    assert weights(cn.edges(records, "agreement")) == {("A", "B"): (1, 1)}


SPANS = st.tuples(st.integers(2000, 2009), st.integers(0, 9)).map(lambda s: (s[0], s[0] + s[1]))


@given(
    st.lists(
        st.tuples(SPANS, st.dictionaries(st.sampled_from("ABCD"), SPANS, min_size=1)),
        min_size=1,
        max_size=4,
    ),
    SPANS,
)
@SOME
def test_links_of_lasting_activities_equal_the_recount_of_what_overlaps(activities, window):
    acts, rows = [], []
    for number, ((first, last), members) in enumerate(activities):
        span = {"start": f"{first}", "end": f"{last}", "end_status": "known"}
        acts.append({"activity_id": f"a{number}", "kind": "project", **span})
        for body, (since, until) in members.items():
            stay = {"since": f"{since}", "until": f"{until}"}
            rows.append({"activity_id": f"a{number}", "institution_id": body, **stay})
    records = cn.Records(frames(acts, rows))
    for years in (None, window):
        table = cn.edges(records, "project", years=years)
        rows_ = listed(table.drop(columns="weight"))
        found = {(s, t): (n, first, last) for s, t, n, first, last in rows_}
        assert found == lasting_links(activities, years)


# --- caps -------------------------------------------------------------------------------------


def test_persons_are_capped_and_the_note_says_what_is_left_out():
    crowd = [[f"p{n:03}", "A"] for n in range(101)]
    table = cn.edges(
        cn.Records(works({"crowd": crowd, "pair": [["x", "A"], ["y", "B"]]})), level="person"
    )
    assert weights(table) == {("x", "y"): (1, 1)}
    assert table.attrs["note"]["cap"] == 100
    assert table.attrs["note"]["left_out"] == {"activities": 1, "pairs": 5050, "weight": 5050}
    assert table.attrs["note"]["joint"] == 1


def test_a_work_of_as_many_persons_as_the_cap_is_counted():
    records = cn.Records(works({"crowd": [[f"p{n:03}", "A"] for n in range(100)]}))
    table = cn.edges(records, level="person", count="refined")
    assert len(table) == 4950
    assert table["weight"].sum() == pytest.approx(1)
    assert table.attrs["note"]["left_out"] == {"activities": 0, "pairs": 0, "weight": 0}


def test_institutions_have_no_cap_unless_one_is_given():
    records = cn.Records(works({"w": [["ann", [f"i{n:03}" for n in range(150)]]]}))
    assert len(cn.edges(records)) == 150 * 149 / 2
    capped = cn.edges(records, cap=149)
    assert capped.empty
    assert capped.attrs["note"]["left_out"] == {"activities": 1, "pairs": 11175, "weight": 11175}


def test_a_cap_below_two_leaves_everything_out_and_no_count_negative():
    note = cn.edges(cn.Records(works({"w": [["ann", "AB"]], "v": [["ann", "A"]]})), cap=0).attrs
    assert note["note"]["joint"] == 0


# --- regions ----------------------------------------------------------------------------------

PLACES = {"A": "BE", "B": "BE", "C": "FR", "D": "MA", "E": "CD"}
REGIONS = {
    "eu27": "ABC",
    "maghreb": "D",
    "neighbours": "C",
    "central-africa": "E",
    "world": "ABCDE",
}


@given(corpora())
@SOME
def test_region_links_equal_the_recount_over_overlapping_regions(corpus):
    records = cn.Records(works(corpus, countries=PLACES))
    table = cn.edges(records, level="region", regions=list(REGIONS))
    expected = region_links(institutions(corpus), REGIONS)
    assert weights(table) == {pair: (n, n) for pair, n in expected.items() if n}


def test_a_body_in_two_regions_links_nothing_by_itself():
    names = ["eu27", "neighbours"]
    alone = works({"w": [["ann", "C"]]}, countries=PLACES)
    assert cn.edges(cn.Records(alone), level="region", regions=names).empty
    together = works({"w": [["ann", "C"], ["bob", "A"]]}, countries=PLACES)
    table = cn.edges(cn.Records(together), level="region", regions=names)
    assert weights(table) == {("eu27", "neighbours"): (1, 1)}


def test_an_activity_counts_once_for_a_region_pair():
    tables = works({"w": [["ann", "AB"], ["bob", "D"]]}, countries=PLACES)
    table = cn.edges(cn.Records(tables), level="region", regions=["eu27", "maghreb"])
    assert weights(table) == {("eu27", "maghreb"): (1, 1)}


@given(corpora(), st.data())
@SOME
def test_behind_a_region_pair_are_as_many_activities_as_it_counts(corpus, data):
    corpus["joint"] = [["ann", "AC"], ["bob", "CD"]]
    records = cn.Records(works(corpus, countries=PLACES))
    table = cn.edges(records, level="region", regions=["eu27", "neighbours", "maghreb"])
    pair, (_, activities) = data.draw(st.sampled_from(sorted(weights(table).items())))
    assert len(cn.behind(records, pair, level="region")) == activities


@pytest.mark.parametrize("count", ["fractional", "refined"])
def test_between_regions_only_full_counting_is_defined(count):
    records = cn.Records(works({"w": [["ann", "AD"]]}, countries=PLACES))
    with pytest.raises(cn.CollabnetError, match=r"regions overlap.*only full counting"):
        cn.edges(records, level="region", count=count)


# --- bad names, bad years, nothing there ------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"kind": "wrok"}, "Unknown kind 'wrok'. Did you mean 'work'?"),
        ({"level": "institutions"}, "Did you mean 'institution'?"),
        ({"count": "fractionnal"}, "Did you mean 'fractional'?"),
        ({"level": "region", "regions": ["magreb"]}, "Did you mean 'maghreb'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(wrong, hint):
    with pytest.raises(cn.UnknownNameError) as error:
        cn.edges(cn.Records(works({"w": [["ann", "AB"]]})), **wrong)
    assert hint in str(error.value)


def test_an_unknown_home_is_answered_with_the_nearest():
    with pytest.raises(cn.UnknownNameError, match="Did you mean '00afp2z80'"):
        cn.partners(cn.Records(works({"w": [["ann", ["00afp2z80"]]]})), "00afp2z8")


@pytest.mark.parametrize("function", [cn.edges, cn.partners, cn.output, cn.collaboration])
def test_years_the_wrong_way_round_are_refused(function):
    records = cn.Records(works({"w": [["ann", ["00afp2z80", "B"]]]}))
    with pytest.raises(
        cn.CollabnetError, match=r"years=\(2024, 2019\): the first year comes after"
    ):
        function(records, years=(2024, 2019))


@pytest.mark.parametrize("level", ["institution", "country", "person", "region"])
def test_no_records_give_an_empty_table_with_all_columns_and_a_note(level):
    table = cn.edges(cn.Records({}), level=level)
    assert table.columns.tolist() == COLUMNS
    assert len(table) == 0
    note = table.attrs["note"]
    assert (note["level"], note["placed"], note["population"]["activities"]) == (level, 0, 0)


# --- partners, around, behind -----------------------------------------------------------------


@given(corpora(), st.data())
@SOME
def test_behind_a_link_are_as_many_activities_as_it_counts(corpus, data):
    corpus["joint"] = [["ann", "AB"]]
    records = cn.Records(works(corpus))
    table = weights(cn.edges(records))
    one, other = data.draw(st.sampled_from(sorted(table)))
    there, back = cn.behind(records, (one, other)), cn.behind(records, (other, one))
    assert len(there) == table[one, other][1]
    assert_frame_equal(there, back)
    assert all({one, other} <= institutions(corpus)[work] for work in there["activity_id"])


@given(corpora(), st.sampled_from(COUNTS))
@SOME
def test_partners_are_the_links_around_home(corpus, count):
    corpus["home"] = [["ann", "A"]]
    records = cn.Records(works(corpus))
    table = cn.partners(records, "A", count=count)
    columns = ["partner", "weight", "activities", "first", "last"]
    around = cn.around(cn.edges(records, count=count), "A")
    assert (around["home"] == "A").all()
    assert_frame_equal(
        table[columns].sort_values("partner", ignore_index=True), around[columns], rtol=1e-12
    )
    assert table["weight"].is_monotonic_decreasing
    assert table.attrs["note"]["of_home"] == sum(
        "A" in who for who in institutions(corpus).values()
    )


def test_behind_a_link_in_years_are_those_of_these_years():
    corpus = {year: [["ann", "A"], ["bob", "B"]] for year in ("2018", "2019", "2020")}
    records = cn.Records(works(corpus, years={year: year for year in corpus}))
    found = cn.behind(records, ("B", "A"), years=(2019, 2020))
    assert found["activity_id"].tolist() == ["2019", "2020"]


def test_behind_a_lasting_link_members_must_have_overlapped():
    old, new = {"institution_id": "B", "until": "2010"}, {"institution_id": "C", "since": "2012"}
    records = cn.Records(joint("A", old, new, end_status="open"))
    assert cn.behind(records, ("A", "B"), kind="agreement")["activity_id"].tolist() == ["a"]
    assert cn.behind(records, ("B", "C"), kind="agreement").empty


def test_partners_say_how_many_activities_home_coordinates():
    parties = [{"institution_id": "A", "role": "coordinator"}, "B", "C"]
    tables = joint(*parties, kind="project", end_status="open")
    note = cn.partners(cn.Records(tables), "A", kind="project").attrs["note"]
    assert (note["of_home"], note["coordinated"], note["partners"]) == (1, 1, 2)
    assert cn.partners(cn.Records(tables), "B", kind="project").attrs["note"]["coordinated"] == 0


# --- within, compare_edges, flows -------------------------------------------------------------


def bodies(**nuts3):
    """Return institutions of Germany with the NUTS codes given, None where unknown."""
    return pd.DataFrame(
        {"institution_id": list(nuts3), "nuts3": list(nuts3.values()), "country": "DE"}
    )


def test_within_keeps_what_lies_in_the_region_and_lists_what_could_not_be_placed():
    records = cn.Records(works({"w": [["ann", "ABCD"]]}))
    places = bodies(A="DEA23", B="DEA2D", C="DEA2D", D=None)
    links_ = cn.edges(records)
    inside = cn.within(cn.around(links_, "A"), "euregio-meuse-rhine", places)
    assert inside["partner"].tolist() == ["B", "C"]
    assert inside.attrs["unplaced"] == ["D"]
    assert inside.attrs["note"]["unplaced"] == 1
    any_end = cn.within(links_, "euregio-meuse-rhine", places)
    assert len(any_end) == 5
    both = cn.within(links_, "euregio-meuse-rhine", places, ends="both")
    assert list(weights(both)) == [("B", "C")]


def test_a_comparison_says_where_each_link_was_found():
    papers = cn.edges(cn.Records(works({"w": [["ann", "AB"]], "v": [["ann", "AC"]]})))
    treaties = cn.edges(cn.Records(joint("A", "C", "D")), "agreement")
    table = cn.compare_edges(papers, treaties)
    assert table.set_index(["source", "target"])["found"].to_dict() == {
        ("A", "B"): "left",
        ("A", "C"): "both",
        ("A", "D"): "right",
        ("C", "D"): "right",
    }
    assert table["activities_left"].sum() == 2
    assert table["activities_right"].sum() == 3
    kinds = [table.attrs["note"][side]["kind"] for side in ("left", "right")]
    assert kinds == ["work", "agreement"]


@given(corpora(), corpora())
@SOME
def test_a_comparison_loses_no_link_of_either_side(one, other):
    left, right = (cn.edges(cn.Records(works(corpus))) for corpus in (one, other))
    table = cn.compare_edges(left, right)
    found = table["found"].value_counts()
    both = found.get("both", 0)
    assert (found.get("left", 0) + both, found.get("right", 0) + both) == (len(left), len(right))
    assert table["weight_left"].sum() == left["weight"].sum()
    assert table["weight_right"].sum() == right["weight"].sum()


def flow(number, sending, receiving, persons, year="2024"):
    """Return the rows of one mobility flow; an end may be None."""
    act = {"activity_id": number, "kind": "mobility", "start": year, "amount": persons}
    ends = (("sending", sending), ("receiving", receiving))
    return act, [
        {"activity_id": number, "role": role, "institution_id": body}
        for role, body in ends
        if body != "absent"
    ]


def mobility(*flows):
    """Return Records of mobility flows."""
    return cn.Records(frames([act for act, _ in flows], [r for _, rows in flows for r in rows]))


def test_flows_keep_their_direction():
    table = cn.flows(mobility(flow("m1", "A", "B", 800), flow("m2", "B", "A", 780)))
    assert listed(table) == [("A", "B", 800, 1), ("B", "A", 780, 1)]


ENDS = st.sampled_from(["A", "B", None, "absent"])


@given(st.lists(st.tuples(ENDS, ENDS, st.integers(0, 900)), min_size=1, max_size=8))
@SOME
def test_flows_lose_no_person_and_no_flow(given_flows):
    rows = [flow(f"m{n}", *given_flow) for n, given_flow in enumerate(given_flows)]
    table = cn.flows(mobility(*rows))
    assert table["persons"].sum() == sum(persons for _, _, persons in given_flows)
    assert table["activities"].sum() == len(given_flows)


def test_flows_whose_end_is_not_known_are_there_all_the_same():
    table = cn.flows(mobility(flow("m1", "A", None, 800), flow("m2", "A", "absent", 80)))
    assert table["sending"].tolist() == ["A"]
    assert table["receiving"].isna().all()
    assert table["persons"].tolist() == [880]


def test_flows_without_a_year_are_in_no_window_and_are_counted():
    records = mobility(flow("m1", "A", "B", 5, None), flow("m2", "A", "B", 7))
    table = cn.flows(records, years=(2020, 2024))
    assert table["persons"].tolist() == [7]
    assert table.attrs["note"]["left_out"] == {"without_dates": 1}


def test_counting_leaves_the_records_alone():
    records = cn.Records(works({"w": [["ann", "AB"]]}, countries=PLACES))
    before = records.participants.copy(), records.institutions.copy()
    for level in ("institution", "country", "person", "region"):
        cn.edges(records, level=level, years=(2020, 2024))
    assert_frame_equal(records.participants, before[0])
    assert_frame_equal(records.institutions, before[1])


def test_the_recount_itself_counts_a_triangle():
    corpus = {"w": {"A", "B", "C"}, "v": {"A"}}
    third = (Fraction(1, 3), 1)
    assert links(corpus, "refined") == {("A", "B"): third, ("A", "C"): third, ("B", "C"): third}


def test_an_unknown_number_of_persons_is_not_zero_and_one_number_for_two_is_not_doubled():
    moves = pd.DataFrame({"activity_id": ["a", "b"], "kind": "mobility", "amount": [None, 800]})
    ends = pd.DataFrame(
        {
            "activity_id": ["a", "a", "b", "b", "b"],
            "institution_id": ["L", "M", "L", "N", "P"],
            "role": ["sending", "receiving", "sending", "receiving", "receiving"],
        }
    )
    table = cn.flows(cn.Records({"activities": moves, "participants": ends}))
    assert table["receiving"].tolist() == ["M", "N", "P"]
    assert table["persons"].isna().all()


def test_what_the_cap_leaves_out_of_a_link_is_not_behind_it_either():
    works = pd.DataFrame({"activity_id": ["small", "large"], "kind": "work", "start": "2024"})
    people = pd.DataFrame(
        {"activity_id": ["small"] * 2 + ["large"] * 3, "person_id": ["p1", "p2", "p1", "p2", "p3"]}
    )
    records = cn.Records({"activities": works, "participants": people})
    found = [len(cn.behind(records, ("p1", "p2"), level="person", cap=cap)) for cap in (2, None)]
    assert found == [1, 2]
