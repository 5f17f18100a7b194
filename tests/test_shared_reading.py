"""Large exports read by several processes: the same tables, and one sentence where one dies."""

import json
import os
from itertools import repeat
from queue import Queue

import pytest
from exports import LIEGE, SCOPUS, WOS
from files import put
from pandas.testing import assert_frame_equal

import collabnet as cn
from collabnet import pool, schema, settings
from collabnet.readers import works


class Patient(Queue):
    """A queue of processes that waits for one, so that each batch goes to another process."""

    def empty(self):
        return False

    def get(self):
        return super().get(timeout=60)


class Deadly:
    """What ends the process that it is sent to."""

    def __reduce__(self):
        return os._exit, (9,)


def wos():
    """Ten versions of two works, of which a later one has more authors, and a record of nothing."""
    first, second, end = WOS.partition("PT J")[2].split("ER\n")
    first, second = f"PT J{first}ER\n", f"{second}ER\n"
    fuller = second.replace("C1 ", "AU Xu, L\nAF Xu, Li\nC1 ").replace("TI A note", "TI The note")
    many = [first.replace("00001\n", f"0000{n}\n") for n in range(3, 9)]
    broken = "PT J\nXX nothing\nER\n\n"
    return "".join(["FN x\n", second, *many, broken, first, fuller, second, *many, end])


def scopus():
    """Works that stand there twice, a row cut short, and one whose columns are shifted."""
    header, first, second = SCOPUS.replace("\nLamberty A", "\fLamberty A").split("\f")
    many = [first.replace("85000000001", f"8500000001{n}") + "\n" for n in range(9)]
    fuller = second.replace(f'"{LIEGE}"', f'"{LIEGE}; {LIEGE} x"').replace(
        f'"Lamberty A., {LIEGE}"', f'"Lamberty A., {LIEGE}, {LIEGE} x"'
    )
    many[5:] = [row.replace("Lamberty, Aline", "Xamberty, Aline") for row in many[5:]]
    shifted = first.replace("2-s2.0-85000000001", "shifted") + "\n"
    return "".join([f"{header}\n", second, shifted, *many, "a,b\n", fuller, second, *many[::-1]])


def crossref():
    """Works of a university which at first has no name."""

    def item(n, name):
        at = {"name": name, "id": [{"id": "https://ror.org/00afp2z80"}]}
        people = [{"family": f"Dubois{n % 4}", "given": "A", "affiliation": [at]}]
        return {"DOI": f"10.1000/{n % 7}", "title": [f"T{n}"], "author": people, "type": "x"}

    items = [item(n, f"University {n}" if n > 4 else "") for n in range(12)]
    return json.dumps({"message-type": "work-list", "message": {"items": [*items, {}]}})


@pytest.fixture
def shared(monkeypatch):
    """Have records made three at a time by two other processes; here nothing can be made."""

    def share():
        monkeypatch.setattr(works, "BATCH", 3)
        monkeypatch.setattr(works, "ALONE", 0)
        monkeypatch.setattr(works, "_tables", None)
        monkeypatch.setattr(pool, "SimpleQueue", Patient)
        monkeypatch.setattr(os, "cpu_count", lambda: 3)

    return share


@pytest.mark.parametrize(
    ("name", "text", "counts", "short"),
    [
        ("wos.txt", wos(), (17, 8, 8), False),
        ("wos.txt", wos(), (17, 8, 8), True),
        ("scopus.csv", scopus(), (23, 10, 11), False),
        ("crossref.json", crossref(), (13, 7, 5), False),
    ],
    ids=["wos", "wos-short", "scopus", "crossref"],
)
def test_many_processes_give_the_tables_that_one_gives(
    tmp_path, monkeypatch, shared, name, text, counts, short
):
    if short:  # what a program sets holds in all of them
        monkeypatch.setattr(settings, "PERSON_NAME", "short")
        monkeypatch.setattr(settings, "COUNTRIES", {"BE": "NL"})
    path = put(tmp_path, name, text)
    alone = cn.read(path, with_names=not short)
    shared()
    together = cn.read(path, with_names=not short)
    for table in schema.TABLES:
        assert_frame_equal(getattr(together, table), getattr(alone, table))
    stamps = [records.provenance["sources"][0] for records in (alone, together)]
    for stamp in stamps:
        stamp.pop("ingested_at")
    assert stamps[0] == stamps[1]
    assert tuple(stamps[1][fact] for fact in ("read", "kept", "merged")) == counts


def test_the_first_says_who_it_is_and_the_fullest_version_stands_where_the_first_stood(
    tmp_path, shared
):
    shared()
    read = cn.read(put(tmp_path, "wos.txt", wos()))
    assert read.activities["title"].iloc[0] == "The note on été and Maßstab"
    assert read.participants["position"].fillna(0).tolist() == [1, 2, 0, *[1, 2, 2, 3] * 7]
    read = cn.read(put(tmp_path, "scopus.csv", scopus()), with_names=True)
    assert read.persons["name"].str[0].tolist() == ["L", "v", "B"]
    read = cn.read(put(tmp_path, "crossref.json", crossref()))
    assert read.institutions["name"].tolist() == ["University 5"]


def test_what_cannot_be_read_at_all_is_the_same_sentence(tmp_path, shared):
    path = put(tmp_path, "wos.txt", "FN x\nVR 1.0\n" + "PT J\nXX nothing\nER\n\n" * 5 + "EF\n")
    said = "wos.txt, line 3: it names no work; nothing else could be read. Export it again."
    for prepare in (lambda: None, shared):
        prepare()
        with pytest.raises(cn.InputError) as raised:
            cn.read(path)
        assert str(raised.value) == said


def test_a_process_that_dies_is_one_sentence(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    said = r"^a\.csv: a process that read a part of it was stopped \(out of memory\?\)\. Read it "
    with pytest.raises(cn.InputError, match=said):
        for _ in pool.shared("a.csv", len, repeat([Deadly()]), alone=0):
            pass


def test_a_fault_of_ours_in_another_process_is_raised_here(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(pool, "SimpleQueue", Patient)
    with pytest.raises(ZeroDivisionError):
        list(pool.shared("a.csv", (1).__floordiv__, [1, 2, 0, 1], alone=0))


def test_what_is_nested_too_deep_to_be_sent_is_worked_on_here(monkeypatch):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(pool, "SimpleQueue", Patient)
    assert list(pool.shared("a.csv", len, [deep, [1, 2], deep], alone=0)) == [1, 2, 1]
