"""Components, joint institutes and hospitals: the two rules, with all weights conserved."""

import pandas as pd
import pytest
from corpora import corpora, works
from hypothesis import given, settings
from hypothesis import strategies as st

import collabnet as cn

FUZZ = settings(max_examples=6, deadline=None)


def ties(*rows):
    """Return rows (from, to, kind) as relations."""
    return pd.DataFrame(rows, columns=["from", "to", "kind"])


def weights(records, count="fractional"):
    """Return the output of each institution."""
    return cn.output(records, count=count).set_index("unit")["output"].to_dict()


def unified(authors, *rows, rules="leiden"):
    """Return the two counts of a corpus under the rules: {unit: (works, weight)}."""
    done = cn.unify(cn.Records(works(authors)), rules, relations=ties(*rows)).records
    whole = weights(done, "full")
    return {unit: (whole[unit], round(part, 9)) for unit, part in weights(done).items()}


def test_a_component_gives_all_to_its_university_by_both_rules():
    # ann has a third of each house she signs for: two thirds are U's.
    corpus = {"w": [["ann", "UCM"]]}
    for rules in ("leiden", "simple"):
        found = unified(corpus, ("C", "U", "component"), rules=rules)
        assert found == {"U": (1, pytest.approx(2 / 3)), "M": (1, pytest.approx(1 / 3))}


def test_a_component_of_a_component_moves_twice():
    rows = [("C", "B", "component"), ("B", "U", "component")]
    assert unified({"w": [["ann", "C"]]}, *rows) == {"U": (1, 1)}


def test_a_joint_institute_is_shared_between_those_it_belongs_to():
    rows = [("J", "U", "joint"), ("J", "V", "joint")]
    found = unified({"w": [["ann", "J"], ["bob", "U"]]}, *rows)
    assert found == {"U": (1, 0.75), "V": (1, 0.25)}


def test_a_hospital_counts_for_its_university_only_beside_it():
    corpus = {"beside": [["ann", "H"], ["bob", "U"]], "alone": [["ann", "H"], ["bob", "M"]]}
    row = ("H", "U", "associated")
    assert unified(corpus, row) == {"U": (1, 1), "H": (1, 0.5), "M": (1, 0.5)}
    assert unified(corpus, row, rules="simple") == {"U": (2, 1.5), "M": (1, 0.5)}


def test_a_hospital_beside_two_of_its_universities_is_shared_by_these():
    rows = [("H", name, "associated") for name in "UVW"]
    found = unified({"w": [["ann", "H"], ["bob", "U"], ["cy", "V"]]}, *rows)
    assert found == {"U": (1, 0.5), "V": (1, 0.5)}


def test_a_component_of_the_university_is_the_university_beside_the_hospital():
    rows = [("H", "U", "associated"), ("C", "U", "component")]
    assert unified({"w": [["ann", "H"], ["bob", "C"]]}, *rows) == {"U": (1, 1)}


def test_the_report_holds_both_rules_and_only_who_is_changed():
    corpus = {"beside": [["ann", "H"], ["bob", "U"]], "alone": [["ann", "H"], ["bob", "M"]]}
    report = cn.unify(cn.Records(works(corpus)), relations=ties(("H", "U", "associated"))).report
    columns = ["institution_id", "works", "works_simple", "works_leiden"]
    assert report[columns].to_numpy().tolist() == [["H", 2, 0, 1], ["U", 1, 2, 1]]
    weights_ = report[["weight", "weight_simple", "weight_leiden"]]
    assert weights_.to_numpy().tolist() == [[1, 0, 0.5], [0.5, 1.5, 1]]
    assert report.attrs["note"]["moved"] == 1


def test_links_follow_the_rules_and_a_house_is_not_its_own_partner():
    corpus = {"w": [["ann", "C"], ["bob", "U"], ["cy", "M"]]}
    done = cn.unify(cn.Records(works(corpus)), relations=ties(("C", "U", "component"))).records
    assert cn.edges(done)[["source", "target", "weight"]].to_numpy().tolist() == [["M", "U", 1]]
    moved = done.participants.set_index("person_id").loc["ann"]
    assert (moved["institution_id"], moved["evidence"]) == ("U", "unified: component")


def test_the_records_given_are_left_as_they_are():
    records = cn.Records(works({"w": [["ann", "C"]]}))
    before = records.participants.copy()
    cn.unify(records, relations=ties(("C", "U", "component")))
    pd.testing.assert_frame_equal(records.participants, before)


def test_a_store_of_what_was_unified_counts_the_same(tmp_path):
    corpus = {"w": [["ann", "LCM"], ["bob", "H"]], "v": [["cy", "H"]]}
    rows = ties(("C", "L", "component"), ("H", "L", "associated"))
    done = cn.unify(cn.Records(works(corpus)), relations=rows).records
    stored = cn.read(cn.write_store(done, tmp_path / "store"))
    assert weights(stored) == pytest.approx(weights(done))
    assert stored.provenance["unified"] == {"rules": "leiden", "moved": 2}


def test_the_relations_of_the_records_are_the_default():
    tables = works({"w": [["ann", "C"]]})
    done = cn.unify(cn.Records({**tables, "relations": ties(("C", "U", "component"))}))
    assert weights(done.records) == {"U": 1}


def test_two_that_belong_to_each_other_are_refused():
    with pytest.raises(cn.CollabnetError, match="in a circle: A, B"):
        cn.unify(
            cn.Records(works({"w": [["ann", "A"]]})),
            relations=ties(("A", "B", "component"), ("B", "A", "component")),
        )


def test_unknown_rules_are_answered():
    with pytest.raises(cn.UnknownNameError, match="leiden, simple"):
        cn.unify(cn.Records({}), "cwts")


def test_nothing_to_unify_is_an_empty_report():
    done = cn.unify(cn.Records({}))
    assert done.report.columns[:2].tolist() == ["institution_id", "name"]
    assert len(done.report) == 0


def shared_out(corpus, relations):
    """Share works out by the rules of the Leiden Ranking, in plain Python: {unit: weight}."""
    upward = {}
    for part, whole, kind in relations:
        upward.setdefault((part, kind == "associated"), []).append(whole)

    def houses(body):
        return [h for up in upward.get((body, False), []) for h in houses(up)] or [body]

    found = {}
    for authors in corpus.values():
        there = {h for _, bodies in authors for body in set(bodies) for h in houses(body)}
        for _, bodies in authors:
            for body in set(bodies):
                ends = houses(body)
                for end in ends:
                    hosts = [h for h in upward.get((end, True), []) if h in there] or [end]
                    for host in hosts:
                        part = 1 / len(authors) / len(set(bodies)) / len(ends) / len(hosts)
                        found[host] = found.get(host, 0) + part
    return found


TIES = st.sets(
    st.tuples(st.sampled_from("AB"), st.sampled_from("CD"), st.sampled_from(["component", "joint"]))
    | st.tuples(st.sampled_from("EC"), st.sampled_from("D"), st.just("associated")),
    max_size=4,
)


@given(corpora(), TIES)
@FUZZ
def test_weights_are_those_of_the_plain_rules_and_conserved(corpus, rows):
    one_kind = {(a, b): (a, b, kind) for a, b, kind in sorted(rows)}.values()
    records = cn.Records(works(corpus))
    before = weights(records)
    done = cn.unify(records, relations=ties(*one_kind))
    assert weights(done.records) == pytest.approx(shared_out(corpus, list(one_kind)))
    for name in ("weight_simple", "weight_leiden"):
        changed = (done.report[name] - done.report["weight"]).sum()
        assert changed == pytest.approx(0, abs=0.001)
    assert sum(weights(done.records).values()) == pytest.approx(sum(before.values()), abs=0.001)
