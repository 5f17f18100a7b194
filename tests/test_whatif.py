"""What would be left without a partner, a person or an activity: equal to counting it anew."""

from itertools import combinations

import networkx as nx
import numpy as np
import openpyxl
import pandas as pd
import pytest
from corpora import frames, held, works
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import collabnet as cn
from collabnet import settings as defaults

COUNTRY = {"L": "BE", "M": "NL", "N": "FR", "O": "MA", "P": "BE", "Q": "CD"}
PEOPLE = "abcdefg"
few = settings(max_examples=12, deadline=None, phases=(Phase.generate,))


@st.composite
def corpora(draw):
    """Return {work: [(person, [institution])]} of a few works."""
    party = st.tuples(
        st.sampled_from(PEOPLE), st.lists(st.sampled_from("LMNOPQ"), max_size=2, unique=True)
    )
    sizes = draw(st.lists(st.lists(party, min_size=1, max_size=4), min_size=3, max_size=9))
    made = {f"w{n}": authors for n, authors in enumerate(sizes)}
    return made | {"w": [("a", ["L"]), ("b", ["M"])]}


def kept(corpus, institution=None, person=None, activity=None):
    """Take something out of a corpus."""
    return {
        work: [
            (who, [body for body in bodies if body != institution])
            for who, bodies in authors
            if who != person
        ]
        for work, authors in corpus.items()
        if work != activity
    }


def network(corpus, level):
    """Link by hand what shares a work; units that share none are not there."""
    graph = nx.Graph()
    for authors in corpus.values():
        units = {body for _, bodies in authors for body in bodies}
        if level == "country":
            units = {COUNTRY[unit] for unit in units}
        graph.add_edges_from(combinations(sorted(units), 2))
    return graph


def by_brute_force(corpus, gone):
    """Recount all measures before and after, with sets and networkx alone."""
    after = kept(corpus, **gone)
    out = {}
    for level, own in (("institution", "L"), ("country", "BE")):
        graphs = [network(one, level) for one in (corpus, after)]
        there = set(graphs[0])
        graphs[1].add_nodes_from(there)
        others = there - {gone.get("institution")} if level == "institution" else there
        graphs[1].remove_nodes_from(there - others)
        parts = [list(nx.connected_components(graph)) for graph in graphs]
        out["links", level] = [graph.number_of_edges() for graph in graphs]
        out["bridges", level] = [len(list(nx.bridges(graph))) for graph in graphs]
        out["components", level] = [len(part) for part in parts]
        out["connected pairs", level] = [
            sum(len(part & others) * (len(part & others) - 1) // 2 for part in side)
            for side in parts
        ]
        near = [next((part for part in side if own in part), {own}) for side in parts]
        out["reachable", level] = [len(part) - 1 for part in near]
    for name, rows in own_by_hand(corpus).items():
        out[name, ""] = [len(rows), len(own_by_hand(after)[name])]
    return out


def own_by_hand(corpus):
    bodies = {w: {b for _, bs in authors for b in bs} for w, authors in corpus.items()}
    mine = {work for work, there in bodies.items() if "L" in there}
    joint = {work for work in mine if len(bodies[work]) > 1}
    partners = set().union(*(bodies[work] for work in joint)) - {"L"}
    single = set()
    for partner in partners:
        shared = [corpus[work] for work in joint if partner in bodies[work]]
        for person in PEOPLE:
            single |= {
                partner
                for _ in [0]
                if all((person, True) in {(p, "L" in b) for p, b in authors} for authors in shared)
            }
    return {
        "activities": mine,
        "joint activities": joint,
        "partners": partners,
        "countries": {COUNTRY[partner] for partner in partners},
        "single-person links": single,
    }


def found(table):
    table = table.assign(level=table["level"].fillna(""))
    rows = table[(table["level"] != "region") & (table["measure"] != "regions")]
    keys = zip(rows["measure"], rows["level"], strict=True)
    return dict(zip(keys, rows[["before", "after"]].to_numpy().tolist(), strict=True))


def records(corpus):
    return cn.Records(works(corpus, countries=COUNTRY))


@few
@given(corpora(), st.sampled_from([{"institution": "M"}, {"person": "a"}, {"activity": "w"}]))
def test_what_is_left_equals_brute_force(corpus, gone):
    assert found(cn.without(records(corpus), "L", **gone)) == by_brute_force(corpus, gone)


CHAIN = {
    "w1": [("a", ["L"]), ("x", ["M"])],
    "w2": [("b", ["L"]), ("x", ["M"])],
    "w3": [("a", ["L"]), ("x", ["N"])],
    "w4": [("x", ["N"]), ("y", ["O"])],
    "w5": [("a", ["L"]), ("y", ["P"])],
    "w6": [("b", ["L"]), ("a", ["L"]), ("y", ["P"])],
}


def measures(corpus=CHAIN, **gone):
    table = cn.without(records(corpus), "L", **gone)
    return table.set_index(["measure", table["level"].fillna("")])


def test_what_hung_by_a_partner_is_cut_off():
    table = measures(institution="N")
    assert table.loc[("reachable", "institution"), "lost"] == "N; O"
    assert table.loc[("reachable", "country"), "lost"] == "FR; MA"
    assert table.loc[("components", "institution"), ["before", "after"]].tolist() == [1, 2]


def test_what_is_lost_is_named():
    table = measures(institution="N")
    lost = table["lost"]
    assert lost["joint activities", ""] == "w3"
    assert lost["partners", ""] == "N"
    assert lost["links", "institution"] == "L – N; N – O"


def test_a_region_without_its_only_partner_is_lost():
    corpus = {"w1": [("a", ["L"]), ("x", ["O"])], "w2": [("a", ["L"]), ("x", ["M"])]}
    table = measures(corpus, institution="O")
    assert table.loc[("regions", ""), ["change", "lost"]].tolist() == [-1, "maghreb"]


def test_an_agreement_is_looked_at_among_agreements():
    acts = [{"activity_id": a, "kind": "agreement"} for a in ("a1", "a2")]
    rows = [
        {"activity_id": a, "institution_id": body}
        for a, bodies in (("a1", "LM"), ("a2", "LMN"))
        for body in bodies
    ]
    table = cn.without(cn.Records(frames(acts, rows)), "L", activity="a2")
    assert table.attrs["note"]["kind"] == "agreement"
    assert table.loc[table["measure"] == "partners", "lost"].tolist() == ["N"]


def test_links_on_one_person_are_not_known_without_persons():
    acts = [{"activity_id": "a", "kind": "agreement"}]
    rows = [{"activity_id": "a", "institution_id": body} for body in "LM"]
    table = cn.without(cn.Records(frames(acts, rows)), "L", institution="M", kind="agreement")
    row = table.set_index("measure").loc["single-person links"]
    assert row[["before", "after", "change"]].isna().all()


def test_a_store_gives_what_memory_gives(tmp_path):
    tables = works(CHAIN, countries=COUNTRY)
    asked = {"home": "L", "person": "a"}
    stored = held(tables, "store", tmp_path)
    pd.testing.assert_frame_equal(cn.without(stored, **asked), cn.without(records(CHAIN), **asked))
    pd.testing.assert_frame_equal(
        cn.bus_factor(stored, "L"), cn.bus_factor(records(CHAIN), "L"), check_names=False
    )


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ({}, "0 things are named"),
        ({"institution": "M", "person": "a"}, "2 things are named"),
        ({"person": "z"}, "Unknown person 'z'"),
        ({"activity": "w99"}, "Unknown activity 'w99'"),
        ({"institution": "X"}, "Unknown institution 'X'"),
    ],
)
def test_what_cannot_be_taken_out_is_said(gone, said):
    with pytest.raises(cn.CollabnetError, match=said):
        cn.without(records(CHAIN), "L", **gone)


def test_a_home_that_is_not_there_is_said():
    for ask in (cn.bus_factor, lambda *a: cn.without(*a, person="a")):
        with pytest.raises(cn.UnknownNameError, match="institution 'X'"):
            ask(records(CHAIN), "X")


def smallest_cover(corpus, partner):
    """Try all sets of persons of L, the smallest first."""
    shared = [
        {who for who, bodies in authors if "L" in bodies}
        for authors in corpus.values()
        if {"L", partner} <= {body for _, bodies in authors for body in bodies}
    ]
    return next(
        n
        for n in range(1, len(PEOPLE) + 1)
        for some in combinations(PEOPLE, n)
        if all(set(some) & there for there in shared)
    )


@settings(max_examples=40, deadline=None, phases=(Phase.generate,))
@given(corpora())
def test_a_cover_equals_brute_force_where_it_is_exact_and_is_never_below(corpus):
    for row in cn.bus_factor(records(corpus), "L").itertuples():
        least = smallest_cover(corpus, row.partner)
        assert row.cover == least if row.exact else row.cover >= least
        assert row.exact or least > 2


def test_one_prolific_author_is_a_bus_factor_of_one():
    corpus = {f"w{n}": [("a", ["L"]), (f"p{n}", ["L"]), ("x", ["M"])] for n in range(9)}
    row = cn.bus_factor(records(corpus), "L").iloc[0]
    assert row[["activities", "persons", "cover", "exact"]].tolist() == [9, 10, 1, True]


def test_greedy_may_take_one_too_many_and_says_so():
    # a, b and c do; g is the first to be taken, and then it takes all three of them.
    sets = {"a": "1234567", "b": "89stuvw", "c": "xyz", "g": "1289stxy"}
    corpus = {
        f"w{k}": [*((p, ["L"]) for p, there in sets.items() if k in there), ("q", ["M"])]
        for k in "123456789stuvwxyz"
    }
    row = cn.bus_factor(records(corpus), "L").iloc[0]
    assert (row["cover"], row["exact"], smallest_cover(corpus, "M")) == (4, False, 3)


def test_persons_who_are_not_known_make_a_cover_unknown():
    corpus = {"w1": [(None, ["L"]), ("x", ["M"])], "w2": [("a", ["L"]), ("x", ["M"])]}
    corpus["w3"] = [("a", ["L"]), (None, ["L"]), ("x", ["N"])]
    table = cn.bus_factor(records(corpus), "L").set_index("partner")
    assert table.loc["M", ["activities", "unidentified", "persons"]].tolist() == [2, 1, 1]
    assert pd.isna(table.loc["M", "cover"])
    assert table.loc["N", ["unidentified", "cover"]].tolist() == [1, 1]
    assert pd.isna(table.loc["N", "exact"])
    note = table.attrs["note"]["links"]
    assert note == {"all": 2, "on_one_person": 1, "not_known": 1}


def test_no_export_shows_fewer_persons_than_the_smallest_number(tmp_path):
    rng = np.random.default_rng(0)
    corpus = {
        f"w{n}": [("x", ["MNOPQ"[n % 5]]), *((f"a{p}", ["L"]) for p in rng.integers(0, 30, 3))]
        for n in range(40)
    }
    corpus |= {"v1": [("a1", ["L"]), ("x", ["R"])], "v2": [("a2", ["L"]), ("x", ["S"])]}
    table = cn.bus_factor(records(corpus), "L")
    assert (table["persons"] < defaults.SMALLEST).any()
    cn.export_table(table, tmp_path / "b.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "b.xlsx")["data"].values)
    back = pd.DataFrame(rows[1:], columns=rows[0])
    for column in ("persons", "cover"):
        assert back[column].dropna().ge(defaults.SMALLEST).all()
    assert back.loc[back["cover"].isna(), "exact"].isna().all()
    assert back["activities"].is_monotonic_decreasing  # the order tells nothing of persons
    assert back["masked"].sum() == (table["cover"] < defaults.SMALLEST).sum()


def test_no_link_is_an_empty_table_with_its_columns():
    corpus = {"w1": [("a", ["L"])], "w2": [("x", ["M"])]}
    table = cn.bus_factor(records(corpus), "L")
    assert len(table) == 0
    assert list(table) == [
        "partner", "name", "activities", "unidentified", "persons", "cover", "exact"
    ]  # fmt: skip
    out = cn.without(records(corpus), "L", institution="M").set_index("measure")
    assert out.loc["partners", ["before", "after"]].tolist() == [0, 0]
