"""What the project ships: facts with their source, and samples marked synthetic."""

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import collabnet as cn
from collabnet.identifiers import ROR

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
SEED = ROOT.parent / "shared" / "domain" / "seed-university-of-liege.txt"


@pytest.fixture(scope="module")
def shipped():
    return cn.resolve(cn.read(DATA))


def test_all_28_partnerships_are_there_with_a_source():
    rows = pd.read_csv(DATA / "partnerships.csv", keep_default_na=False)
    assert sorted(rows["agreement_id"].unique()) == [f"S{n:02d}" for n in range(1, 29)]
    assert (rows["source"] != "").all()


def test_charters_are_commitments_of_one_party(shipped):
    acts = shipped.activities
    charters = acts.loc[acts["type"] == "charter", "activity_id"]
    sizes = shipped.participants.groupby("activity_id").size()
    assert set(acts.loc[acts["type"] == "charter", "kind"]) == {"commitment"}
    assert set(sizes[charters]) == {1}


def test_unknown_dates_stay_unknown(shipped):
    undated = shipped.activities.query("kind == 'agreement' and start.isna()")
    assert len(undated) == 10
    assert set(undated["end_status"]) == {"unknown"}


def test_unigr_is_one_activity_whose_kaiserslautern_member_changed(shipped):
    members = shipped.participants.query("activity_id == 'partnerships:S01'")
    assert len(members) == 7
    at = {row.institution_id: (row.since, row.until) for row in members.itertuples()}
    assert at["04zrf7b53"][1] == "2022-12-31"
    assert at["01qrts582"][0] == "2023-01-01"


@pytest.mark.parametrize(("year", "edges"), [(2015, 15), (2024, 15)])
def test_six_members_of_unigr_make_fifteen_links(shipped, year, edges):
    acts = shipped.activities
    only = cn.Records(
        {
            "activities": acts[acts["activity_id"] == "partnerships:S01"],
            "participants": shipped.participants,
        }
    )
    assert len(cn.edges(only, "agreement", years=(year, year))) == edges


def test_no_sentence_of_the_page_we_worked_from_is_repeated():
    if not SEED.exists():
        pytest.skip(f"the text to compare with is not here: {SEED} is absent")

    def shingles(text):
        words = re.findall(r"\w+", text.casefold())
        return {tuple(words[i : i + 6]) for i in range(len(words) - 5)}

    rows = pd.read_csv(DATA / "partnerships.csv", keep_default_na=False)
    ours = [*rows["title"], *rows["note"], *pd.read_csv(DATA / "mobility_figures.csv")["figure"]]
    theirs = shingles(SEED.read_text(encoding="utf-8"))
    assert [text for text in ours if shingles(text) & theirs] == []


def test_the_synthetic_works_are_made_again_byte_for_byte(tmp_path):
    again = tmp_path / "works-synthetic.jsonl.gz"
    script = ROOT / "scripts" / "make_synthetic_works.py"
    subprocess.run([sys.executable, script, again], check=True, capture_output=True)
    assert again.read_bytes() == (DATA / again.name).read_bytes()


def test_every_synthetic_work_says_so():
    with gzip.open(DATA / "works-synthetic.jsonl.gz", "rt", encoding="utf-8") as file:
        works = [json.loads(line) for line in file]
    assert len(works) == 3000
    assert all(work["synthetic"] is True and "Synthetic" in work["title"] for work in works)
    assert (DATA / "works-synthetic.jsonl.gz").stat().st_size < 1_500_000


def test_what_rests_on_synthetic_works_says_so_and_what_does_not_does_not(shipped):
    assert cn.edges(shipped, "work").attrs["note"]["synthetic"] is True
    assert cn.edges(shipped, "agreement").attrs["note"]["synthetic"] is False


def test_mobility_keeps_its_direction_and_its_unknown_side(shipped):
    table = cn.flows(shipped)
    assert table["persons"].tolist() == [800.0, 800.0]
    assert table["sending"].isna().tolist() == [False, True]


def test_the_gazetteer_knows_every_party_by_one_id(shipped):
    known = cn.gazetteer().set_index("institution_id")
    parties = shipped.participants.query("activity_id.str.startswith('partnerships:')")
    assert set(parties["institution_id"]) <= set(known.index)
    assert known.loc["00afp2z80", ["pic", "erasmus_code", "hei_id", "openalex_id"]].tolist() == [
        "999976105",
        "B LIEGE01",
        "uliege.be",
        "I157674565",
    ]


def test_named_institutions_of_regions_are_in_the_gazetteer():
    known = set(cn.gazetteer()["institution_id"])
    for name in cn.regions()["region"]:
        rules = cn.region(name)
        named = set(rules.loc[rules["rule"] == "institution", "code"])
        assert named <= known
        assert all(ROR.fullmatch(code) for code in named)


def test_the_template_is_read_by_its_own_reader(tmp_path):
    template = ROOT / "collabnet" / "data" / "agreement_template.csv"
    records = cn.read(template)
    assert records.activities["activity_id"].tolist() == [
        "agreement_template:EX-1",
        "agreement_template:EX-2",
    ]
    assert records.participants.groupby("activity_id").size().tolist() == [2, 3]
