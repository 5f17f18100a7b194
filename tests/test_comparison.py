"""Two stores held side by side: each change is found and named, and its effect on links adds up."""

import json
import random
from functools import cache

import openpyxl
import pandas as pd
import pytest
from corpora import joint, works

import collabnet as cn
from collabnet import cli
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
    return cn.Records(
        tables, provenance={"settings": {"roll_up": [], "succession": False, **facts}}
    )


@cache
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
    bodies = {
        work: [r["institution_id"] for r in rows if r["activity_id"] == work] for work in acts
    }
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


@cache
def compared(seed):
    old, new, _ = mutated(seed)
    return cn.compare_stores(old, new, "L")


@pytest.mark.parametrize("seed", range(50))
def test_mixed_changes_are_recovered_one_to_one(seed):
    assert told(compared(seed).changes) == sorted(mutated(seed)[2])


def test_full_counts_add_up_to_the_last_bit():
    for seed in range(50):
        table = compared(seed).partners
        assert (table["weight_b"] - table["weight_a"]).tolist() == table["change"].tolist()
        assert table[CAUSES].sum(axis=1).tolist() == table["change"].tolist()


def test_a_link_changes_only_by_what_happened_to_works_of_the_home():
    for seed in range(50):
        changes, partners = compared(seed)
        seen = set(changes.loc[changes["of_home"], "change"])
        moved = {cause for cause in CAUSES if partners[cause].any()}
        assert moved <= seen - {"re-dated", "renamed"}  # all years are looked at


@pytest.mark.parametrize("count", ["full", "fractional", "refined"])
def test_weights_are_those_of_partners_and_the_parts_add_up(count):
    old, new, _ = mutated(7)
    asked = {"years": (2019, 2023), "count": count}
    table = cn.compare_stores(old, new, "L", **asked).partners.set_index("partner")
    for side, records in (("a", old), ("b", new)):
        expected = cn.partners(records, "L", **asked).set_index("partner")["weight"]
        weights = table[f"weight_{side}"]
        assert weights[weights > 0].to_dict() == pytest.approx(expected.to_dict())
    assert table[CAUSES].sum(axis=1).tolist() == pytest.approx(table["change"].tolist())


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
    assert partners[["weight_a", "weight_b", "merged"]].to_numpy().tolist() == [[2, 1, -1]]


def test_a_merge_of_a_merge_is_followed_to_its_end():
    old = cn.Records(works({f"w{n}": [("p", "LM")] for n in range(6)}))
    log = pd.DataFrame([(f"w{n}", f"w{n + 1}", "doi") for n in range(5)])
    log = log.set_axis(["kept", "merged", "rule"], axis=1)
    new = cn.Records(works({"w0": [("p", "LM")]}) | {"merges": log})
    changes = cn.compare_stores(old, new, "L").changes
    assert changes["now"].tolist() == ["w0"] * 5


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
    assert changes[["change", "was", "now"]].to_numpy().tolist() == [
        ["renamed", "wos:1", "openalex:W1"]
    ]


def test_a_work_that_leaves_the_years_is_what_changed_the_link():
    old, new = (
        cn.Records(works({"w": [("p", "LM")]}, years={"w": year})) for year in ("2019", "2025")
    )
    partners = cn.compare_stores(old, new, "L", years=(2019, 2024)).partners
    assert partners[["change", "re-dated"]].to_numpy().tolist() == [[-1, -1]]


def test_a_country_that_changed_is_a_change_of_affiliation():
    sides = []
    for country in ("CD", "CG"):
        rows = [{"institution_id": "L"}, {"country": country}]
        sides.append(cn.Records(joint(*rows, kind="work")))
    changes = cn.compare_stores(*sides, "L").changes
    assert changes[["was", "now"]].to_numpy().tolist() == [["CD", "CG"]]


def test_a_membership_that_ends_earlier_changes_the_link_of_an_agreement():
    sides = []
    for until in ("2020", "2012"):
        rows = [{"institution_id": "L"}, {"institution_id": "M", "since": "2008", "until": until}]
        sides.append(cn.Records(joint(*rows, end="2025", end_status="known")))
    asked = {"kind": "agreement", "years": (2018, 2024)}
    changes, partners = cn.compare_stores(*sides, "L", **asked)
    assert changes[["was", "now"]].to_numpy().tolist() == [["M 2008–2020", "M 2008–2012"]]
    assert partners[["change", "re-affiliated"]].to_numpy().tolist() == [[-1, -1]]


def test_ranks_that_are_equal_share_the_better_one():
    old = cn.Records(works({"w1": [("p", "LMN")], "w2": [("p", "LMN")], "w3": [("p", "LO")]}))
    new = cn.Records(works({"w1": [("p", "LMN")], "w2": [("p", "LMO")], "w3": [("p", "LO")]}))
    table = cn.compare_stores(old, new, "L").partners.set_index("partner")
    assert table["rank_a"].to_dict() == {"M": 1, "N": 1, "O": 3}
    assert table["rank_b"].to_dict() == {"M": 1, "N": 3, "O": 1}


def test_rolling_up_is_a_rule_and_what_it_moved_is_said_so():
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


def by_hand(path):
    """Return {id: facts} of a page of OpenAlex, without collabnet."""
    found = {}
    for work in json.loads(path.read_text(encoding="utf-8"))["results"]:
        bodies = {b["ror"] for author in work["authorships"] for b in author["institutions"]}
        found["openalex:" + work["id"].rpartition("/")[2]] = {
            "doi": (work["doi"] or work["id"]).lower(),
            "date": work["publication_date"],
            "parties": {ror[-9:] for ror in bodies - {None}},
        }
    return found


@pytest.fixture(scope="module")
def pages(real, tmp_path_factory):
    """Two readings of OpenAlex some months apart: as stores, and as read by hand."""
    folder, out = real / "openalex_works", tmp_path_factory.mktemp("pages")
    old = [folder / f"api_page_chunk{n}.json" for n in (1, 2, 3, 4)]
    new = [folder / "vcr_biodiv_finance_page01.json"]
    stores = cn.ingest(old, out / "a"), cn.ingest(new, out / "b")
    return stores, *(
        {work: facts for path in paths for work, facts in by_hand(path).items()}
        for paths in (old, new)
    )


def test_overlapping_pages_of_openalex_compare_as_by_hand(pages):
    (old, new), a, b = pages
    changes = cn.compare_stores(old, new).changes
    dois = {facts["doi"]: work for work, facts in b.items() if work not in a}
    twin = {work: work if work in b else dois.get(a[work]["doi"]) for work in a}
    both = {work: other for work, other in twin.items() if other}
    expected = {
        "added": set(b) - set(both.values()),
        "removed": set(a) - set(both),
        "renamed": {work for work, other in both.items() if work != other},
        "re-affiliated": {w for w, o in both.items() if a[w]["parties"] != b[o]["parties"]},
        "re-dated": {w for w, o in both.items() if a[w]["date"] != b[o]["date"]},
    }
    found = changes.groupby("change")
    assert {name: set(rows["activity_id"]) for name, rows in found} == expected
    assert {name: len(works) for name, works in expected.items()} == {
        "added": 115, "removed": 90, "renamed": 2, "re-affiliated": 11, "re-dated": 5
    }  # fmt: skip


def test_lost_and_won_parties_of_openalex_pages_are_those_by_hand(pages):
    (old, new), a, b = pages
    changes = cn.compare_stores(old, new).changes
    moved = changes[changes["change"] == "re-affiliated"].set_index("activity_id")
    for work, row in moved[moved.index.isin(b)].iterrows():
        for column, one, other in (("was", a, b), ("now", b, a)):
            only = one[work]["parties"] - other[work]["parties"]
            said = "" if pd.isna(row[column]) else row[column]
            assert {party for party in said.split("; ") if len(party) > 2} == only


def test_the_command_prints_a_page_and_writes_two_sheets(tmp_path, capsys):
    old, new, _ = mutated(0)
    paths = [str(cn.write_store(r, tmp_path / name)) for r, name in ((old, "a"), (new, "b"))]
    out = str(tmp_path / "changes.xlsx")
    assert cli.main(["compare", *paths, "--home", "L", "--out", out]) == 0
    changes, partners = compared(0)
    page = capsys.readouterr().out
    for name, n in changes["change"].value_counts().items():
        assert f"{name} {n} " in " ".join(page.split())
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["changes", "partners", "note"]
    assert book["changes"].max_row == len(changes) + 1
    assert [row[0].value for row in book["partners"]][1:] == partners["partner"].tolist()


def test_a_home_in_neither_store_is_an_error_and_the_default_one_is_not():
    records = cn.Records(works({"w": [("p", "LM")]}))
    with pytest.raises(cn.UnknownNameError, match="institution 'X'"):
        cn.compare_stores(records, records, "X")
    note = cn.compare_stores(records, records).partners.attrs["note"]
    assert note["partners"] == "none: 00afp2z80 has no joint work in either store"


def test_empty_stores_give_empty_tables_with_their_columns():
    changes, partners = cn.compare_stores(cn.Records({}), cn.Records({}))
    assert (len(changes), len(partners)) == (0, 0)
    assert list(partners)[:6] == ["partner", "name", "country", "weight_a", "weight_b", "change"]
    assert changes.attrs["note"]["changes"] == "none"
