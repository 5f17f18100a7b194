"""Two stores held side by side: each change is found and named, and its effect on links adds up."""

import json
import random
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from corpora import held, joint, works

import collabnet as cn
from collabnet import cli, settings
from collabnet.comparison import CAUSES

BODIES = "LMNOPQR"
LIEGE = "00afp2z80"


def corpus(seed):
    """Return works of one to four institutions each, as lists of rows that can be changed."""
    draw = random.Random(seed)
    acts, rows = [], []
    for number in range(40):
        work = f"openalex:W{number:02}"
        acts.append({"activity_id": work, "kind": "work", "start": str(draw.randint(2018, 2024))})
        acts[-1] |= {"doi": f"10.1/{number}", "same_as": None, "updated": "2025-01-01"}
        rows += parties(work, draw.sample(BODIES, draw.randint(1, 4)))
    return acts, rows


def parties(work, bodies):
    return [{"activity_id": work, "institution_id": body} for body in bodies]


def made(acts, rows, **facts):
    tables = {"activities": pd.DataFrame(acts), "participants": pd.DataFrame(rows)}
    return cn.Records(tables, provenance={"settings": {"roll_up": [], "succession": False, **facts}})


def mutated(seed):
    """Return two stores and the changes made between them, as (change, record)."""
    draw = random.Random(seed)
    acts, rows = corpus(seed)
    old = made(acts, rows)
    acts = {act["activity_id"]: dict(act) for act in acts}
    drawn = draw.sample(sorted(acts), len(acts))
    taken = {
        name: [drawn.pop() for _ in range(draw.randint(0, 4))]
        for name in ("removed", "merged", "logged", "renamed", "re-affiliated", "re-dated")
    }
    expected = set()
    by_rule = draw.random() < 0.5
    for work in taken["removed"]:
        del acts[work]
    for work in taken["merged"]:
        acts[work]["same_as"] = drawn[0]
    for work in taken["logged"]:
        del acts[work]
    for work in taken["renamed"]:
        acts[work] |= {"activity_id": work.replace("W", "W9")}
    for work in taken["re-dated"]:
        acts[work]["start"] = str(int(acts[work]["start"]) + 1)
    bodies = {work: [r["institution_id"] for r in rows if r["activity_id"] == work] for work in acts}
    for number, work in enumerate(taken["re-affiliated"]):
        other = draw.choice(sorted(set(BODIES) - set(bodies[work])))
        bodies[work] = [*bodies[work][1:], other]
        if number % 2 or not by_rule:
            acts[work]["updated"] = "2025-06-01"
            expected.add(("re-affiliated", work))
        else:
            expected.add(("rule changed", work))
    added = [f"openalex:N{n}" for n in range(draw.randint(0, 4))]
    for work in added:
        acts[work] = {"activity_id": work, "kind": "work", "start": "2024", "doi": None}
        bodies[work] = draw.sample(BODIES, 3)
    for name in ("removed", "merged", "renamed", "re-dated"):
        expected |= {(name, work) for work in taken[name]}
    expected |= {("merged", work) for work in taken["logged"]} | {("added", w) for w in added}
    if by_rule:
        expected.add(("rule changed", "roll_up"))
    rows = [row for w, own in bodies.items() for row in parties(acts[w]["activity_id"], own)]
    new = made(acts.values(), rows, **({"roll_up": ["component"]} if by_rule else {}))
    log = {"kept": drawn[0], "merged": taken["logged"], "rule": "doi"}
    new = cn.Records(
        {name: getattr(new, name) for name in ("activities", "participants")}
        | {"merges": pd.DataFrame(log, columns=["kept", "merged", "rule"])},
        provenance=new.provenance,
    )
    return old, new, expected


def told(changes):
    """Return the changes of a table, as (change, record or rule)."""
    rows = zip(changes["change"], changes["activity_id"].fillna(changes["what"]), strict=True)
    return sorted(rows)


@pytest.mark.parametrize("seed", range(50))
def test_mixed_changes_are_recovered_one_to_one(seed):
    old, new, expected = mutated(seed)
    assert told(cn.compare_stores(old, new, "L").changes) == sorted(expected)


@pytest.mark.parametrize("count", ["full", "fractional", "refined"])
def test_weights_are_those_of_partners_and_the_parts_add_up(count):
    for seed in range(10):
        old, new, _ = mutated(seed)
        asked = {"years": (2019, 2023), "count": count}
        table = cn.compare_stores(old, new, "L", **asked).partners.set_index("partner")
        for side, records in (("a", old), ("b", new)):
            expected = cn.partners(records, "L", **asked).set_index("partner")["weight"]
            weights = table[f"weight_{side}"]
            assert weights[weights > 0].to_dict() == pytest.approx(expected.to_dict())
        assert table[CAUSES].sum(axis=1).tolist() == pytest.approx(table["change"].tolist())


def test_full_counts_add_up_to_the_last_bit():
    for seed in range(50):
        old, new, _ = mutated(seed)
        table = cn.compare_stores(old, new, "L").partners
        assert (table["weight_b"] - table["weight_a"]).tolist() == table["change"].tolist()
        assert table[CAUSES].sum(axis=1).tolist() == table["change"].tolist()


def test_an_effect_goes_to_the_change_that_made_it():
    for seed in range(10):
        old, new, _ = mutated(seed)
        changes, partners = cn.compare_stores(old, new, "L")
        seen = set(changes.loc[changes["of_home"], "change"])
        moved = {cause for cause in CAUSES if partners[cause].any()}
        assert moved <= seen - {"re-dated", "renamed"}  # all years are looked at


def test_a_store_beside_itself_has_no_change(tmp_path):
    acts, rows = corpus(0)
    records = made(acts, rows)
    store = cn.read(cn.write_store(records, tmp_path / "store"))
    changes, partners = cn.compare_stores(tmp_path / "store", store, "L", count="fractional")
    assert len(changes) == 0
    assert partners["change"].tolist() == [0.0] * len(partners)
    assert partners["rank_a"].tolist() == partners["rank_b"].tolist()


def test_stores_give_what_records_in_memory_give(tmp_path):
    old, new, expected = mutated(3)
    paths = [cn.write_store(r, tmp_path / name) for r, name in ((old, "a"), (new, "b"))]
    assert told(cn.compare_stores(*paths, "L").changes) == sorted(expected)


def test_two_records_that_become_a_third_are_merged_and_its_links_counted_once():
    old = cn.Records(works({"w1": [("p", "LM")], "w2": [("p", "LM")]}))
    tables = works({"w9": [("p", "LM")]})
    log = pd.DataFrame({"kept": "w9", "merged": ["w1", "w2"], "rule": "doi"})
    changes, partners = cn.compare_stores(old, cn.Records(tables | {"merges": log}), "L")
    assert told(changes) == [("merged", "w1"), ("merged", "w2")]
    assert changes["now"].tolist() == ["w9", "w9"]
    assert partners[["weight_a", "weight_b", "merged"]].values.tolist() == [[2, 1, -1]]


def test_what_is_merged_no_more_is_split():
    tables = works({"w1": [("p", "LM")], "w2": [("p", "LM")]})
    apart = cn.Records(tables)
    merged = tables["activities"].assign(same_as=[None, "w1"])
    together = cn.Records(tables | {"activities": merged})
    changes, partners = cn.compare_stores(together, apart, "L")
    assert told(changes) == [("split", "w2")]
    assert partners["split"].tolist() == [1]


def test_two_records_of_one_doi_become_one():
    tables = works({"w1": [("p", "LM")], "w2": [("p", "LM")]})
    old = cn.Records(tables | {"activities": tables["activities"].assign(doi="10.1/x")})
    tables = works({"w7": [("p", "LM")]})
    new = cn.Records(tables | {"activities": tables["activities"].assign(doi="10.1/x")})
    changes = cn.compare_stores(old, new, "L").changes
    assert told(changes) == [("merged", "w2"), ("renamed", "w1")]


def test_a_work_found_again_by_a_pubmed_number_is_renamed():
    sides = []
    for work in ("wos:1", "openalex:W1"):
        tables = works({work: [("p", "LM")]})
        sides.append(cn.Records(tables | {"activities": tables["activities"].assign(pmid="77")}))
    changes = cn.compare_stores(*sides, "L").changes
    assert changes[["change", "was", "now"]].values.tolist() == [["renamed", "wos:1", "openalex:W1"]]


def test_a_work_that_leaves_the_years_is_what_changed_the_link():
    old, new = (
        cn.Records(works({"w": [("p", "LM")]}, years={"w": year})) for year in ("2019", "2025")
    )
    partners = cn.compare_stores(old, new, "L", years=(2019, 2024)).partners
    assert partners[["change", "re-dated"]].values.tolist() == [[-1, -1]]


def test_a_country_that_changed_is_a_change_of_affiliation():
    sides = []
    for country in ("CD", "CG"):
        rows = [{"institution_id": "L"}, {"country": country}]
        sides.append(cn.Records(joint(*rows, kind="work")))
    changes = cn.compare_stores(*sides, "L").changes
    assert changes[["was", "now"]].values.tolist() == [["CD", "CG"]]


def test_a_membership_that_ends_earlier_changes_the_link_of_an_agreement():
    sides = []
    for until in ("2020", "2012"):
        rows = [{"institution_id": "L"}, {"institution_id": "M", "since": "2008", "until": until}]
        sides.append(cn.Records(joint(*rows, end="2025", end_status="known")))
    asked = {"kind": "agreement", "years": (2018, 2024)}
    changes, partners = cn.compare_stores(*sides, "L", **asked)
    assert changes[["was", "now"]].values.tolist() == [["M 2008–2020", "M 2008–2012"]]
    assert partners[["change", "re-affiliated"]].values.tolist() == [[-1, -1]]


def test_ranks_that_are_equal_share_the_better_one():
    old = cn.Records(works({"w1": [("p", "LMN")], "w2": [("p", "LMN")], "w3": [("p", "LO")]}))
    new = cn.Records(works({"w1": [("p", "LMN")], "w2": [("p", "LMO")], "w3": [("p", "LO")]}))
    table = cn.compare_stores(old, new, "L").partners.set_index("partner")
    assert table["rank_a"].to_dict() == {"M": 1, "N": 1, "O": 3}
    assert table["rank_b"].to_dict() == {"M": 1, "N": 3, "O": 1}


def test_rolling_up_is_a_rule_and_what_it_moved_is_said_so(tmp_path):
    tables = works({"w": [("p", ["00afp2z80"]), ("q", ["02jz4aj89"]), ("r", ["044s61914"])]})
    plain, rolled = (
        cn.resolve(cn.Records(tables), roll_up=kinds) for kinds in ((), ("associated",))
    )
    for records in (plain, rolled):
        records.provenance["sources"] = [{"format": "tidy", "file": "x", "sha256": "1"}]
    sides = [
        cn.Records(
            {
                "activities": records.activities.assign(source="tidy:x"),
                "participants": records.participants,
                "institutions": records.institutions,
            },
            provenance=records.provenance,
        )
        for records in (plain, rolled)
    ]
    changes = cn.compare_stores(*sides, LIEGE).changes
    assert told(changes) == [("rule changed", "roll_up"), ("rule changed", "w")]
    assert changes["was"].tolist() == ["[]", "044s61914"]


def test_a_new_registry_is_a_rule():
    sides = []
    for digest in ("1", "2"):
        source = {"format": "ror", "file": "ror.zip", "sha256": digest}
        sides.append(cn.Records({}, provenance={"sources": [source]}))
    assert told(cn.compare_stores(*sides).changes) == [("rule changed", "registries")]


def plain_works(path):
    """Return {id: (date, institutions, countries)} of an OpenAlex page, without collabnet."""
    found = {}
    for work in json.loads(path.read_text(encoding="utf-8"))["results"]:
        bodies, countries = set(), set()
        for author in work["authorships"]:
            countries |= set(author["countries"])
            bodies |= {body["ror"][-9:] for body in author["institutions"]}
        found[work["id"][-11:].rpartition("/")[2]] = (
            work["publication_date"], bodies, countries, (work["doi"] or "").lower()
        )  # fmt: skip
    return found


def test_overlapping_pages_of_openalex_compare_as_counted_by_hand(real, tmp_path):
    folder = real / "openalex_works"
    pages = [folder / f"api_page_chunk{n}.json" for n in (1, 2, 3, 4)]
    later = folder / "vcr_biodiv_finance_page01.json"
    old = cn.ingest(pages, tmp_path / "a")
    new = cn.ingest([later], tmp_path / "b")
    changes = cn.compare_stores(old, new).changes
    a = {work: facts for page in pages for work, facts in plain_works(page).items()}
    b = plain_works(later)
    counts = changes["change"].value_counts().to_dict()
    assert counts == {}
