"""What a store says of its sources, and that a person can be removed from it."""

import pandas as pd
import pytest

import collabnet as cn
from collabnet.schema import TABLES


@pytest.fixture
def records():
    works = [
        {"activity_id": "wos:1", "kind": "work", "source": "wos:a.txt", "link_known": True},
        {"activity_id": "wos:2", "kind": "work", "source": "wos:a.txt", "truncated": True},
        {"activity_id": "lens:1", "kind": "work", "source": "lens:b.csv", "same_as": "wos:1"},
    ]
    liege = {"institution_id": "00afp2z80", "person_id": "name:1"}
    people = [
        {"activity_id": "wos:1", **liege, "evidence": "openalex:I157674565"},
        {"activity_id": "wos:1", **liege, "affiliation": "Univ Liege, France", "evidence": "name"},
        {"activity_id": "wos:1", "affiliation": "Somewhere, Belgium", "person_id": "orcid:2"},
        {"activity_id": "lens:1", "person_id": "name:1"},
    ]
    bodies = [{"institution_id": "00afp2z80", "country": "BE", "nuts3": "BE332"}]
    tables = {"activities": works, "participants": people, "institutions": bodies}
    persons = [{"person_id": "orcid:2", "name": "Anne Martin", "orcid": "0000-0002-1825-0097"}]
    tables["persons"] = persons
    source = {
        "format": "wos",
        "file": "a.txt",
        "read": 3,
        "kept": 2,
        "quarantined": 1,
        "sha256": "0",
    }
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    return cn.Records(frames, provenance={"sources": [source]})


@pytest.mark.parametrize(
    ("column", "wos", "lens"),
    [
        ("read", 3, None),
        ("quarantined", 1, None),
        ("activities", 2, 1),
        ("merged", 0, 1),
        ("truncated", 1, 0),
        ("link_known", 1, 0),
        ("with_affiliation", 1, 0),
        ("parties", 3, 1),
        ("by_identifier", 1, 0),
        ("by_name", 1, 0),
        ("unresolved", 1, 0),
        ("without_country", 1, 1),
        ("conflicts", 1, 0),
    ],
)
def test_quality_counts(records, column, wos, lens):
    table = cn.check_quality(records).set_index("source")
    found = table[column].astype(object).where(table[column].notna(), None)
    assert found.to_dict() == {"wos:a.txt": wos, "lens:b.csv": lens}


def test_quality_names_the_regions_nobody_lies_in(records):
    empty = cn.check_quality(records).attrs["note"]["regions_empty"]
    assert empty == ["maghreb", "central-africa"]


def test_quality_of_nothing_is_an_empty_table():
    assert cn.check_quality(cn.Records({})).empty


@pytest.mark.parametrize("given", ["orcid:2", "0000-0002-1825-0097"])
def test_a_forgotten_person_is_nowhere_and_the_works_stay(records, given, tmp_path):
    store = cn.write_store(cn.forget(records, given), tmp_path / "store")
    after = cn.read(store)
    assert "orcid:2" not in "".join(getattr(after, table).to_csv() for table in TABLES)
    assert after.persons.empty
    assert len(after.participants) == 4
    assert after.participants["position"].tolist() == records.participants["position"].tolist()


def test_a_person_nobody_knows_is_named(records):
    with pytest.raises(cn.UnknownNameError, match="person 'name:9'"):
        cn.forget(records, "name:9")
