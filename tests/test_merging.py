"""One work from several databases counts once, says why, and can be split again."""

import pandas as pd
import pytest

import collabnet as cn
from collabnet.identifiers import surname_key

TITLE = "Cross-border networks of the Meuse basin"


def sources(*rows):
    """Return Records of works, each with two parties: A of the first source, B and C of others."""
    works = [{"kind": "work", "start": "2020", "title": TITLE, **row} for row in rows]
    parties = [
        {"activity_id": row["activity_id"], "institution_id": body}
        for number, row in enumerate(rows)
        for body in ("A", "BC"[number > 0])
    ]
    return cn.Records({"activities": pd.DataFrame(works), "participants": pd.DataFrame(parties)})


def record(form, **facts):
    return {"activity_id": f"{form}:1", "source": f"{form}:export", **facts}


def rules(records):
    return cn.merge_duplicates(records).merges[["kept", "merged", "rule"]].to_numpy().tolist()


@pytest.mark.parametrize("number", ["doi", "pmid", "ut", "eid", "openalex_id"])
def test_works_that_share_an_identifier_are_one(number):
    records = sources(record("pubmed", **{number: "10.1/x"}), record("wos", **{number: "10.1/x"}))
    assert rules(records) == [["wos:1", "pubmed:1", number]]


def test_works_that_both_lack_an_identifier_are_two():
    blank = dict.fromkeys(["pmid", "ut", "eid", "lens_id"], "")
    assert rules(sources(record("ris", **blank), record("bibtex", **blank))) == []


def test_exports_without_numbers_read_together_keep_every_work(tmp_path):
    works = [f"TY  - JOUR\nTI  - {TITLE}, part {n}\nPY  - 2020\nER  - \n" for n in range(5)]
    (tmp_path / "a.ris").write_text("\n".join(works), encoding="utf-8")
    entries = [f"@article{{k{n}, title = {{Other works, {n}}}, year = 2021}}\n" for n in range(4)]
    (tmp_path / "b.bib").write_text("".join(entries), encoding="utf-8")
    assert cn.ingest([tmp_path], tmp_path / "store").counts()["work"] == 9


def test_a_merged_work_is_counted_once_by_the_record_that_stays():
    records = cn.merge_duplicates(sources(record("scopus", doi="d"), record("crossref", doi="d")))
    assert records.counts()["work"] == 1
    assert cn.edges(records)[["source", "target"]].to_numpy().tolist() == [["A", "B"]]


def test_a_title_tells_with_year_and_first_author():
    one, other = surname_key("Müller, Anne"), surname_key("A. Muller")
    records = sources(record("ris", first_author=one), record("wos", first_author=other))
    assert rules(records) == [["wos:1", "ris:1", "title"]]


@pytest.mark.parametrize(
    "other",
    [
        {"doi": "10.1/other"},
        {"first_author": surname_key("Dupont, B")},
        {"start": "2021"},
        {"title": "Editorial"},
        {"source": "wos:second export"},
    ],
    ids=["another DOI", "another author", "another year", "a title of one word", "one source"],
)
def test_a_title_does_not_tell_against(other):
    facts = {"first_author": surname_key("Müller, Anne"), "doi": "10.1/x"}
    other = record("ris", first_author=facts["first_author"]) | other
    assert rules(sources(record("wos", **facts), other)) == []


def test_what_the_record_that_stays_leaves_empty_is_filled_and_logged():
    records = cn.merge_duplicates(
        sources(record("wos", ut="1", doi="d"), record("pubmed", doi="d", pmid="7", cited_by=4))
    )
    kept = records.activities.set_index("activity_id").loc["wos:1"]
    assert (kept["pmid"], kept["cited_by"], kept["ut"]) == ("7", 4, "1")
    assert set(records.merges["filled"]) == {'["cited_by", "pmid"]'}


def test_three_records_of_one_work_lead_to_the_best_of_them():
    records = sources(
        record("pubmed", pmid="7"), record("ris", doi="d"), record("openalex", doi="d", pmid="7")
    )
    assert {row[0] for row in rules(records)} == {"openalex:1"}


def test_a_split_work_is_as_before_and_stays_apart():
    before = sources(record("wos", doi="d"), record("pubmed", doi="d", pmid="7"))
    after = cn.split_work(cn.merge_duplicates(before), "pubmed:1")
    pd.testing.assert_frame_equal(after.activities, before.activities)
    assert cn.merge_duplicates(after).counts()["work"] == 2


def test_a_store_keeps_merges_and_a_second_look_finds_nothing_new(tmp_path):
    records = cn.merge_duplicates(sources(record("wos", doi="d"), record("pubmed", doi="d")))
    again = cn.read(cn.write_store(records, tmp_path / "store"))
    assert cn.merge_duplicates(again) is again
    assert again.counts()["work"] == 1


@pytest.mark.parametrize(
    "name", ["Smith, Jane A.", "Jane A. Smith", "SMITH JA", "Smith J.-A.", "smith"]
)
def test_a_surname_is_the_same_however_it_is_written(name):
    assert surname_key(name) == surname_key("Smith")
