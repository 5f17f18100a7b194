"""Affiliations: a name counts where it is whole, in its country, and says enough."""

import json
import random
import zipfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import collabnet as cn
from collabnet import matching

BODIES = [
    ("01aaaaa01", "University of Liège", "BE", "Liège", "Université de Liège|ULiège"),
    ("01aaaaa02", "University of Chicago", "US", "Chicago", ""),
    ("01aaaaa03", "University of California, Davis", "US", "Davis", "UC Davis"),
    ("01aaaaa04", "University of California System", "US", "Oakland", "University of California"),
    ("01aaaaa05", "University of Luxembourg", "LU", "Esch-sur-Alzette", "UniLu"),
    ("01aaaaa06", "University of Lubumbashi", "CD", "Lubumbashi", "UNILU"),
    ("01aaaaa07", "Institute of Chemistry", "CN", "Beijing", ""),
    ("01aaaaa08", "University of Tokyo", "JP", "Tokyo", ""),
    ("01aaaaa09", "University Hospital of Liège", "BE", "Liège", "CHU de Liège"),
    ("01aaaaa10", "Trinity College", "IE", "Dublin", ""),
    ("01aaaaa11", "Trinity College", "GB", "Cambridge", ""),
    ("01aaaaa12", "Yale University", "US", "New Haven", ""),
    ("01aaaaa13", "Technical University of Munich", "DE", "Munich", "TUM"),
    ("01aaaaa14", "University of Munich", "DE", "Munich", ""),
    ("01aaaaa15", "Arenberg Foundation", "BE", "Leuven", "Sector Agency Arenberg"),
    ("01aaaaa16", "University Paris-Nord", "FR", "Villetaneuse", ""),
    ("01aaaaa17", "Old University of Nancy", "FR", "Nancy", ""),
    ("01aaaaa18", "Withdrawn University of Metz", "FR", "Metz", ""),
    ("01aaaaa19", "State Key Laboratory of Coal", "CN", "Beijing", ""),
    ("01aaaaa20", "Tsinghua University", "CN", "Beijing", ""),
    ("01aaaaa21", "University of Ghent", "BE", "Ghent", ""),
    ("01aaaaa22", "University of Ghent", "BE", "Ghent", ""),
]
COLUMNS = ["institution_id", "name", "country", "city", "aliases"]
REGISTRY = pd.DataFrame(BODIES, columns=COLUMNS, dtype="string").assign(names=pd.NA)
REGISTRY["type"] = ["nonprofit" if n == 14 else "education" for n in range(len(BODIES))]
REGISTRY["status"] = "active"
REGISTRY.loc[[16, 17, 20], "status"] = ["inactive", "withdrawn", "inactive"]
INDEX = matching.index(REGISTRY)


def found(*texts, **options):
    table = cn.match_affiliations(texts, REGISTRY, **options)
    return ["01aaaaa" + n if n else None for n in table["institution_id"].str[7:].fillna("")]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Dept Phys, Univ Liege, B-4000 Liege, Belgium", "01"),
        ("Université de Liège, Faculté des Sciences, Belgique", "01"),
        ("Department of Chemistry University of Liège Liège Belgium", "01"),
        ("Faculty of ScienceUniversity of LiègeLiègeBelgium", "01"),
        ("Univ. of Li&amp;#232;ge, Belgium", "01"),
        ("University of Ghent, Belgium", "22"),
        ("University of California, Department of Food Science, Davis, CA 95616 USA", "03"),
        ("Yale School of Medicine, New Haven, CT, USA", "12"),
        ("Tech Univ Munich, D-80333 Munich, Germany", "13"),
        ("Univ Munich, D-80333 Munich, Germany", "14"),
        ("Trinity College, Cambridge, England", "11"),
        ("Inst Chem, Beijing, Peoples R China", "07"),
        ("University of California", "04"),
    ],
)
def test_a_name_is_found_however_it_is_written(text, number):
    assert found(text) == ["01aaaaa" + number]


@pytest.mark.parametrize(
    "text",
    [
        *("Institute of Chemistry, Zagreb, Croatia", "Université de Liège, Congo"),
        *("Trinity College", "Trinity College, Oxford", "University of Liège Hospital, Belgium"),
        *("North University of Liège, Belgium", "12 University of Liège Street, Ghent, Belgium"),
        *("Hosei University, Tokyo, Japan", "Loyola University, Chicago, USA"),
        *("University of California, Irvine, Chicago, USA", "Faculty of Medicine", "Liège"),
        *("University of Liège 2, Liège, Belgium", "University of Liège, Chicago"),
        *("Univ Paris 11, Orsay, France", "Withdrawn University of Metz, Metz, France"),
        *("", "Belgium", "École", "UNILU"),
    ],
)
def test_what_is_a_piece_of_another_name_or_says_too_little_is_not_given(text):
    assert found(text) == [None]


def test_several_institutions_of_a_text_are_all_given():
    text = "Yale University, New Haven, CT, USA and University of Liège, Liège, Belgium"
    assert sorted(found(text)) == ["01aaaaa01", "01aaaaa12"]


def test_a_key_laboratory_is_a_unit_of_its_university():
    text = "State Key Laboratory of Coal, Tsinghua University, Beijing, China"
    assert found(text) == ["01aaaaa20"]
    assert found("State Key Laboratory of Coal, Beijing, China") == ["01aaaaa19"]


def test_evidence_and_score_say_what_was_found():
    table = cn.match_affiliations(["Univ Liege, Liege, Belgium", "UNILU, Belgium"], REGISTRY)
    assert table.columns.tolist() == ["text", "institution_id", "score", "evidence", "candidates"]
    assert table["evidence"].tolist() == ["name, city", "acronym"]
    assert table["score"].tolist() == [matching.SCORES["name, city"], matching.SCORES["acronym"]]


def test_an_acronym_of_two_houses_leaves_both_as_candidates():
    table = cn.match_affiliations(["UNILU"], REGISTRY)
    assert table["institution_id"].isna().all()
    assert set(table["candidates"][0].split("|")) == {"01aaaaa05", "01aaaaa06"}


def test_an_alias_of_an_office_is_only_a_candidate():
    text = "Sector Agency Arenberg, Leuven, Belgium"
    assert found(text) == [None]
    assert found(text, threshold=0.5) == ["01aaaaa15"]


def test_a_former_institution_is_found_and_said_to_be_one():
    table = cn.match_affiliations(["Old University of Nancy, Nancy, France"], REGISTRY)
    assert table["evidence"][0] == "name, city; former institution"


def test_each_text_is_looked_at_once_and_what_is_no_text_is_passed_over():
    texts = ["Univ Liege, Belgium", "Univ Liege, Belgium", None, float("nan"), pd.NA]
    assert len(cn.match_affiliations(texts, REGISTRY)) == 1
    assert cn.match_affiliations([], REGISTRY).empty


@given(st.text())
def test_any_text_is_matched_to_something_or_nothing(text):
    for how, owners in matching.match(INDEX, text):
        assert how in matching.SCORES
        assert owners


@given(st.text())
def test_a_key_is_its_own_key(text):
    key = matching._key(text)
    assert matching._key(matching._key(key)) == matching._key(key)


@pytest.fixture(scope="module")
def labelled(real):
    """The ROR records of 19 February 2024 and before, and 3 000 labelled strings in two halves."""
    paths = [real / "ror" / f"ror-subset_schema_{version}.zip" for version in ("v1", "v2")]
    bodies = cn.read_all(paths).institutions
    with zipfile.ZipFile(paths[1]) as archive:
        items = json.loads(archive.read(archive.namelist()[0]))
    made = {item["id"][-9:]: item["admin"]["created"]["date"] for item in items}
    bodies = bodies[~(bodies["institution_id"].map(made).fillna("") > "2024-02-19")]
    path = real / "ror_matching" / "dataset_affiliations_crossref_2024_02_19.json"
    rows = [
        (item["affiliation"], {ror[-9:] for ror in item["ror_ids"]})
        for item in json.loads(path.read_text(encoding="utf-8"))
    ]
    random.Random(20240219).shuffle(rows)
    return bodies, rows


@pytest.mark.parametrize("half", [0, 1], ids=["development", "held out"])
def test_labelled_strings_are_found_and_few_are_wrong(labelled, half):
    bodies, rows = labelled
    rows = rows[half * 1500 :][:1500]
    known = set(bodies["institution_id"])
    table = cn.match_affiliations([text for text, _ in rows], bodies)
    ids = table.groupby("text")["institution_id"].agg(lambda column: set(column.dropna()))
    pairs = [(labels, set(ids[text])) for text, labels in rows if labels and labels <= known]
    right = sum(len(labels & got) for labels, got in pairs)
    assert right / sum(len(got) for _, got in pairs) >= 0.97
    assert right / sum(len(labels) for labels, _ in pairs) >= 0.85
