"""Records and stores: what is joined, what is kept, and what a store refuses."""

import json
import shutil

import pandas as pd
import pytest
from corpora import joint, works
from pandas.testing import assert_frame_equal

import collabnet as cn
from collabnet import schema
from collabnet.records import PROVENANCE

LIEGE, MAASTRICHT = "00afp2z80", "02jz4aj89"


def contents(store):
    """Return the bytes of the tables of a store, and what its provenance says of the content."""
    tables = {path.name: path.read_bytes() for path in store.glob("*.parquet")}
    provenance = json.loads((store / PROVENANCE).read_text(encoding="utf-8"))
    return tables, {**provenance, "sources": None}


def page(number, updated="2024-01-01", *, country="BE", house="Université de Liège"):
    """Return an OpenAlex work of one author, and of a second one in the given country."""
    authors = [
        ("A1", "Ada Wong", "I1", LIEGE, house, "BE"),
        ("A2", "Bo Li", "I2", MAASTRICHT, "UM", country),
    ]
    return {
        "id": f"https://openalex.org/W{number}",
        "title": f"Work {number} as of {updated}",
        "publication_date": "2024-05-01",
        "publication_year": 2024,
        "updated_date": updated,
        "authorships": [
            {
                "author": {"id": f"https://openalex.org/{author}", "display_name": name},
                "countries": [code],
                "institutions": [
                    {
                        "id": f"https://openalex.org/{body}",
                        "ror": f"https://ror.org/{ror}",
                        "display_name": label,
                        "country_code": code,
                    }
                ],
            }
            for author, name, body, ror, label, code in authors
        ],
    }


def written(folder, name, *pages):
    """Write an OpenAlex page and return its path."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"meta": {"count": len(pages)}, "results": pages}), encoding="utf-8")
    return path


@pytest.fixture
def records():
    """Return two works of three institutions."""
    return cn.Records(works({"w": [["ann", "AB"]], "v": [["bob", "AC"]]}))


@pytest.fixture
def store(records, tmp_path):
    """Return the folder of a store."""
    return cn.write_store(records, tmp_path / "store")


# --- joining ----------------------------------------------------------------------------------


def test_the_newest_version_wins_whichever_is_read_first(tmp_path):
    old = written(tmp_path, "old", page(1, "2023-01-01", country="NL"), page(2))
    new = written(tmp_path, "new", page(1, "2024-06-01", country="DE"))
    for order in ([old, new], [new, old]):
        records = cn.read_all(order)
        titles = records.activities.set_index("activity_id")["title"]
        assert titles["openalex:W1"] == "Work 1 as of 2024-06-01"
        mine = records.participants.query("activity_id == 'openalex:W1'")
        assert sorted(mine["country"]) == ["BE", "DE"]
        assert records.counts()["work"] == 2
        assert records.provenance["merged"] == 1


def test_versions_within_one_file_are_merged_and_counted(tmp_path):
    records = cn.read(written(tmp_path, "both", page(1, "2023-01-01"), page(1, "2024-06-01")))
    assert records.activities["title"].tolist() == ["Work 1 as of 2024-06-01"]
    assert len(records.participants) == 2
    assert records.provenance["merged"] == 1


def test_of_versions_of_one_date_the_fuller_wins():
    tables = works({"w": [["ann", "A"], ["bob", "B"]]})
    short = works({"w": [["ann", "A"]]})
    for one, other in ((tables, short), (short, tables)):
        assert len((cn.Records(one) + cn.Records(other)).participants) == 2


def test_a_store_joined_to_another_counts_the_works_of_both(tmp_path):
    one, other = ({"w": [["ann", "AB"]]}, {"v": [["bob", "XY"]], "u": [["bob", "XY"]]})
    stores = [
        cn.read(cn.write_store(cn.Records(works(corpus)), tmp_path / name))
        for name, corpus in (("one", one), ("other", other))
    ]
    table = cn.edges(stores[0] + stores[1])
    assert table[["source", "target", "activities"]].apply(tuple, axis=1).tolist() == [
        ("A", "B", 1),
        ("X", "Y", 2),
    ]


def test_a_store_resolved_again_counts_as_memory_does(tmp_path):
    corpus = {"w": [["ann", ["pic:999976105", MAASTRICHT, "04xfq0f34"]]]}
    corpus["v"] = [["ann", ["pic:999976105", MAASTRICHT]]]
    records = cn.Records(works(corpus))
    store = cn.read(cn.write_store(records, tmp_path / "store"))
    here, there = (cn.edges(cn.resolve(one)) for one in (records, store))
    assert_frame_equal(here, there)
    assert here.set_index(["source", "target"]).loc[(LIEGE, MAASTRICHT), "activities"] == 2


def test_joining_leaves_both_sides_alone(records):
    before = records.activities.copy(), records.participants.copy()
    records + cn.Records(works({"w": [["ann", "AB"], ["cy", "Z"]]}))
    assert_frame_equal(records.activities, before[0])
    assert_frame_equal(records.participants, before[1])


# --- ingesting --------------------------------------------------------------------------------


def test_ingesting_twice_changes_no_byte(tmp_path):
    source, out = written(tmp_path, "page", page(1), page(2)), tmp_path / "store"
    cn.ingest([source], out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert cn.ingest([source], out).counts()["work"] == 2
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_the_order_of_ingesting_changes_no_byte_of_the_tables(tmp_path):
    one = written(tmp_path, "one", page(1, "2023-01-01"), page(2))
    other = written(tmp_path, "other", page(1, "2024-01-01", country="NL"), page(3))
    for out, order in (("ab", [one, other]), ("ba", [other, one])):
        for source in order:
            cn.ingest([source], tmp_path / out)
    assert contents(tmp_path / "ab") == contents(tmp_path / "ba")


def test_the_order_of_reading_does_not_decide_what_a_house_is_called(tmp_path):
    one = written(tmp_path, "one", page(1, house="Univ. Liège"))
    other = written(tmp_path, "other", page(2, house="Université de Liège"))
    tables = [cn.read_all(order).institutions for order in ([one, other], [other, one])]
    assert_frame_equal(*tables)


def test_of_two_rows_of_a_house_the_fuller_counts_and_the_other_fills_its_gaps():
    full = {"institution_id": LIEGE, "name": "Université de Liège", "lat": 50.6, "lon": 5.6}
    thin = {"institution_id": LIEGE, "name": "Liège", "country": "BE"}
    one, other = (cn.Records({"institutions": pd.DataFrame([row])}) for row in (full, thin))
    for both in (one + other, other + one):
        row = both.institutions[["name", "country", "lat"]].iloc[0]
        assert row.tolist() == ["Université de Liège", "BE", 50.6]


def test_real_files_in_any_order_give_the_same_bytes(real, tmp_path):
    folder = real / "openalex_works"
    files = [folder / f"{name}.json" for name in ("works_sample_ai", "vcr_biodiv_finance_page01")]
    for out, order in (("ab", files), ("ba", files[::-1])):
        cn.write_store(cn.read_all(order), tmp_path / out)
    assert contents(tmp_path / "ab")[0] == contents(tmp_path / "ba")[0]


def test_an_ingested_source_is_added_to_what_stands_there(tmp_path):
    out = tmp_path / "store"
    cn.ingest([written(tmp_path, "one", page(1))], out)
    records = cn.ingest([written(tmp_path, "two", page(2))], out)
    assert records.counts()["work"] == 2
    assert [source["file"] for source in records.provenance["sources"]] == ["one.json", "two.json"]


def test_a_source_that_cannot_be_read_leaves_the_store_as_it_was(tmp_path):
    out = tmp_path / "store"
    cn.ingest([written(tmp_path, "one", page(1))], out)
    before = contents(out)
    bad = tmp_path / "bad.json"
    bad.write_text('{"meta": {}, "results": [{"id": "https://openalex.org/W1"', encoding="utf-8")
    with pytest.raises(cn.InputError):
        cn.ingest([written(tmp_path, "two", page(2)), bad], out)
    assert contents(out) == before


def test_names_of_persons_are_kept_only_when_asked_for(tmp_path):
    source = written(tmp_path, "page", page(1))
    without = cn.ingest([source], tmp_path / "without")
    cells = {
        cell
        for table in schema.TABLES
        for column in getattr(without, table).select_dtypes("string")
        for cell in getattr(without, table)[column].dropna()
    }
    assert not {"Ada Wong", "Bo Li"} & cells
    assert cn.read(source).persons.empty
    asked = cn.ingest([source], tmp_path / "with", with_names=True)
    assert sorted(asked.persons["name"]) == ["Ada Wong", "Bo Li"]


# --- the store --------------------------------------------------------------------------------


def test_a_store_holds_what_was_written(records, store):
    opened = cn.read(store)
    for name in schema.TABLES:
        key = list(schema.TABLES[name])
        one, other = getattr(records, name), getattr(opened, name)
        assert set(one) == set(other)
        assert_frame_equal(
            one.sort_values(key, ignore_index=True)[key],
            other.sort_values(key, ignore_index=True)[key],
        )


def test_columns_of_a_source_survive_the_store(tmp_path):
    tables = joint("A", "B")
    tables["activities"]["grant_no"] = "G-17"
    opened = cn.read(cn.write_store(cn.Records(tables), tmp_path / "store"))
    assert opened.activities["grant_no"].tolist() == ["G-17"]


def test_a_store_of_a_newer_version_is_refused(store):
    stamp = json.loads((store / PROVENANCE).read_text(encoding="utf-8"))
    (store / PROVENANCE).write_text(json.dumps({**stamp, "schema": 3}), encoding="utf-8")
    with pytest.raises(cn.StoreError, match=r"version 3 .* knows version 2\. Upgrade collabnet"):
        cn.read(store)


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "null", "{}", '{"schema": "x"}', '{"schema": 1, "sources": null}']
)
def test_damaged_provenance_is_one_sentence(store, text):
    (store / PROVENANCE).write_text(text, encoding="utf-8")
    with pytest.raises(cn.StoreError, match=r"provenance\.json is damaged\. Make the store again"):
        cn.read(store)


def test_provenance_that_is_no_text_is_one_sentence(store):
    (store / PROVENANCE).write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(cn.StoreError, match=r"provenance\.json is damaged"):
        cn.read(store)


@pytest.mark.parametrize("table", ["participants", "quarantine"])
def test_a_missing_table_is_one_sentence(store, table):
    (store / f"{table}.parquet").unlink()
    with pytest.raises(cn.StoreError, match=f"the table '{table}' is missing. Make the store"):
        cn.read(store)


@pytest.mark.parametrize("raw", [b"", b"garbage", b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_a_damaged_table_is_one_sentence(store, raw):
    (store / "participants.parquet").write_bytes(raw)
    with pytest.raises(
        cn.StoreError, match=r"participants\.parquet: damaged.*Make the store again"
    ):
        cn.read(store)


def test_a_folder_with_other_things_in_it_is_left_alone(records, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(cn.StoreError, match="stands in the way"):
        cn.write_store(records, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_left_alone(records, tmp_path):
    file = tmp_path / "thesis.txt"
    file.write_text("years of work", encoding="utf-8")
    with pytest.raises(cn.StoreError, match="stands in the way"):
        cn.write_store(records, file)
    assert file.read_text(encoding="utf-8") == "years of work"


@pytest.mark.parametrize("moment", ["first table", "last table", "provenance", "renaming"])
def test_a_write_that_is_killed_leaves_the_old_store_whole(store, monkeypatch, moment):
    before = contents(store)
    with monkeypatch.context() as patch:
        if "table" in moment:
            fail_at(patch, pd.DataFrame, "to_parquet", 1 if moment == "first table" else 7)
        elif moment == "provenance":
            fail_at(patch, type(store), "write_text", 1)
        else:
            fail_at(patch, type(store), "rename", 2)
        with pytest.raises(KeyboardInterrupt):
            cn.write_store(cn.Records(joint("X", "Y")), store)
    assert contents(store) == before
    assert [path.name for path in store.parent.iterdir()] == ["store"]
    assert cn.edges(cn.read(store))["target"].tolist() == ["B", "C"]


def fail_at(patch, owner, name, call):
    """Let the given call of a method be interrupted, once."""
    original, calls = getattr(owner, name), []

    def interrupted(self, *arguments, **options):
        calls.append(name)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(self, *arguments, **options)

    patch.setattr(owner, name, interrupted)


def test_what_a_killed_writer_left_behind_is_cleared_away(store, records):
    (store.parent / ".store.tmp-1").mkdir()
    cn.write_store(records, store)
    assert [path.name for path in store.parent.iterdir()] == ["store"]


def test_a_new_store_is_written_over_an_old_one(store):
    cn.write_store(cn.Records(joint("X", "Y")), store)
    assert cn.read(store).counts() == {
        "agreement": 1,
        "participants": 2,
        "institutions": 2,
        **dict.fromkeys(["relations", "fields", "persons", "merges", "quarantine"], 0),
    }


def test_a_store_may_be_the_current_folder(records, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cn.write_store(records, ".")
    assert len(cn.edges(cn.read(tmp_path))) == 2


@pytest.mark.parametrize("name", ["works [2024]", "works*", "what?", "l'été"])
def test_a_store_may_have_any_name(records, tmp_path, name):
    cn.write_store(cn.Records(joint("X", "Y")), tmp_path / f"{name[:-1]}x")
    assert len(cn.edges(cn.read(cn.write_store(records, tmp_path / name)))) == 2


def test_a_store_that_was_moved_still_opens(store, tmp_path):
    shutil.move(store, tmp_path / "elsewhere")
    assert cn.read(tmp_path / "elsewhere").counts()["work"] == 2


# --- the tables -------------------------------------------------------------------------------


def test_every_institution_named_has_a_row_and_every_participant_its_country():
    records = cn.Records(works({"w": [["ann", "AB"]]}, countries={"A": "BE"}))
    assert records.institutions["institution_id"].tolist() == ["A", "B"]
    assert records.participants["country"].fillna("?").tolist() == ["BE", "?"]


def test_an_unknown_table_is_refused():
    with pytest.raises(cn.SchemaError, match="There is no table 'works'; the tables are"):
        cn.Records({"works": pd.DataFrame()})


def test_all_that_is_wrong_with_a_table_is_said_at_once():
    rows = pd.DataFrame({"activity_id": ["a", "a"], "kind": ["work", "song"], "cited_by": ["x", 1]})
    with pytest.raises(cn.SchemaError) as error:
        cn.Records({"activities": rows})
    for fault in ("'a' stands in more than one row", "kind 'song'", "'cited_by' should hold Int64"):
        assert fault in str(error.value)


def test_records_say_what_they_hold(records):
    assert repr(records) == "<Records: 2 works · 4 participants · 3 institutions>"
    assert repr(cn.Records({})) == "<Records: empty>"
