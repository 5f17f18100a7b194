"""Hostile exports: whatever is done to a file, it is read or refused in one sentence."""

import csv
import tracemalloc
import zipfile
from contextlib import suppress

import pytest
from exports import EVERY, LONG, OAI, PUBMED_XML, WOS_TAB
from files import put
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import collabnet as cn
from collabnet import readers

BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
DTD = f'<!DOCTYPE PubmedArticleSet [<!ENTITY l0 "lol">{BOMB}]>'
OUTSIDE = '<!DOCTYPE PubmedArticleSet [<!ENTITY l8 SYSTEM "file:///etc/passwd">]>'
RUNS = ["x", "a;", "(", "{", " ", "a@", "<a>", "1-", "\\", "[", "cited by ", "\0", "\n"]


def read(path):
    """Read a file, or be refused in one sentence that names it."""
    sentence = path.name
    with suppress(cn.CollabnetError):
        try:
            cn.read(path)
        except cn.CollabnetError as error:
            sentence = str(error)
            raise
    assert sentence.startswith(path.name)
    assert "\n" not in sentence


@pytest.mark.parametrize("head", [DTD, OUTSIDE])
def test_entities_are_refused(tmp_path, head):
    start, _, rest = PUBMED_XML.partition("<PubmedArticleSet>")
    text = f'<?xml version="1.0"?>{head}<PubmedArticleSet>{rest}'.replace(LONG.split()[-1], "&l8;")
    assert start
    with pytest.raises(cn.InputError, match="defines entities of its own"):
        cn.read(put(tmp_path, "p.xml", text))


@pytest.mark.parametrize("name", EVERY)
def test_a_web_page_under_the_name_of_an_export_is_told(tmp_path, name):
    page = "<!DOCTYPE html><html><body>Log in</body></html>"
    with pytest.raises(cn.InputError, match="this is a web page"):
        cn.read(put(tmp_path, name, page))


@pytest.mark.parametrize("name", EVERY)
def test_long_runs_of_one_sign_end(tmp_path, name):
    content = EVERY[name][1]
    for sign in RUNS:
        run = sign * 20_000
        middle = content.find("Liège, Belgium") % len(content)
        read(put(tmp_path, name, content[:middle] + run + content[middle:]))


def test_a_hundred_thousand_columns_are_read(tmp_path):
    header, *lines = WOS_TAB.splitlines()
    wide = "\t".join(f"c{n}" for n in range(100_000))
    records = cn.read(put(tmp_path, "w.txt", "\n".join([f"{header.strip()}\t{wide}", *lines])))
    assert records.counts()["work"] == 2


def test_millions_of_columns_are_refused(tmp_path):
    path = put(tmp_path, "w.csv", ";" * 3_000_000 + "\n1")
    with pytest.raises(cn.InputError, match=r"not a table \(more than 1,000,000 columns\)"):
        cn.read(path, format="agreements")
    records = cn.read(path, format="scopus")
    assert "more than 1,000,000 columns" in records.quarantine["reason"].iloc[0]


def test_more_columns_than_any_list_has_are_refused(tmp_path):
    header = ",".join(["agreement_id", "partner", *(f"c{n}" for n in range(100_000))])
    with pytest.raises(cn.InputError, match=r"a\.csv: 100,002 columns\. Keep those"):
        cn.read(put(tmp_path, "a.csv", f"{header}\n1,2\n"))


@pytest.mark.parametrize("name", ["crossref.jsonl", "scopus.csv"])
def test_a_quarantine_has_an_end(tmp_path, name):
    text = EVERY[name][1] + "\n" + "a,b\n" * 300_000
    with pytest.raises(cn.InputError, match="so were 200,000 before"):
        cn.read(put(tmp_path, name, text))


def test_two_columns_of_one_name_are_found_among_thousands(tmp_path):
    names = [f"c{n}" for n in range(9_000)]
    header = ";".join(["agreement_id", "partner", *names, "c7"])
    with pytest.raises(cn.InputError, match="two columns are named 'c7'"):
        cn.read(put(tmp_path, "a.csv", f"{header}\n1;2\n"))


@pytest.mark.parametrize("form", readers.FORMATS)
@pytest.mark.parametrize("text", ["a,b\n1,2\n", "[" * 100_000, '{"a": [1]}', "<a/>", "PAR1"])
def test_a_file_that_is_not_of_the_format_named_is_refused_or_empty(tmp_path, form, text):
    path = put(tmp_path, "x.dat", text)
    with suppress(cn.CollabnetError):
        assert cn.read(path, format=form).activities.empty


def test_a_hundred_thousand_lines_of_one_value_are_read(tmp_path):
    text = "PT J\nAU A, B\nTI T\nCR one\n" + "   two\n" * 100_000 + "UT WOS:1\nER\nEF\n"
    assert cn.read(put(tmp_path, "w.txt", text)).counts()["work"] == 1


def test_an_entry_that_does_not_close_in_ten_million_letters_is_refused(tmp_path):
    text = EVERY["savedrecs.bib"][1] + "\n@article{x, title = {" + "a,b\n" * 3_000_000 + "}}\n"
    records = cn.read(put(tmp_path, "w.bib", text))
    assert records.counts()["work"] == 2
    reasons = records.quarantine["reason"].tolist()
    assert reasons == ["the braces of the entry do not close"]


def test_a_field_of_a_million_lines_is_refused_and_the_next_record_kept(tmp_path):
    text = "TY  - JOUR\nTI  - T\nAB  - one\n" + "a,b\n" * 1_000_000 + "ER  -\n\n"
    records = cn.read(put(tmp_path, "w.ris", text + EVERY["scopus.ris"][1]))
    assert records.counts()["work"] == 2
    reasons = records.quarantine["reason"].tolist()
    assert reasons == ["a field of more than 200,000 lines"]


def test_xml_that_only_opens_elements_costs_no_memory(tmp_path):
    tracemalloc.start()
    with pytest.raises(cn.InputError, match="elements within elements, 200 deep"):
        cn.read(put(tmp_path, "o.xml", OAI.partition("<record>")[0] + "<a>" * 1_000_000))
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_what_stands_between_records_costs_no_memory(tmp_path):
    text = OAI.replace("<resumptionToken>", "<a>b</a>" * 100_000 + "<resumptionToken>")
    tracemalloc.start()
    assert cn.read(put(tmp_path, "o.xml", text)).counts()["work"] == 2
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_a_record_within_a_record_is_no_record_of_its_own(tmp_path):
    inner = "<about><record><a>x</a></record></about></record>"
    records = cn.read(put(tmp_path, "o.xml", OAI.replace("</record>", inner)))
    assert (records.counts()["work"], len(records.quarantine)) == (2, 0)


def test_a_file_that_does_not_fit_into_memory_is_told(tmp_path, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(csv, "reader", full)
    with pytest.raises(cn.InputError, match=r"w\.txt: it does not fit into memory, or is"):
        cn.read(put(tmp_path, "w.txt", WOS_TAB))


def test_a_graph_that_does_not_fit_into_memory_is_told(tmp_path, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(cn.graphs, "_read_xml", full)
    with pytest.raises(cn.InputError, match=r"g\.gexf: it does not fit into memory, or is"):
        cn.read_graph(put(tmp_path, "g.gexf", "<gexf/>"))


def test_deep_xml_ends(tmp_path):
    text = OAI.replace("<resumptionToken>", "<a>" * 50_000)
    records = cn.read(put(tmp_path, "o.xml", text))
    assert [records.counts()["work"], len(records.quarantine)] == [2, 1]


def test_a_name_in_a_zip_that_climbs_out_of_it_writes_nothing(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../escaped.ris", EVERY["scopus.ris"][1])
    assert cn.read(tmp_path / "a.zip").counts()["work"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cut=st.tuples(st.floats(0, 1), st.integers(0, 400)),
    put_in=st.binary(max_size=12) | st.sampled_from([b'"', b"{", b"}", b"\n", b"\0", b"<", b"\r"]),
    shuffled=st.booleans(),
)
def test_a_damaged_export_is_read_or_refused(tmp_path, name, cut, put_in, shuffled):
    data = EVERY[name][1].encode()
    here = int(cut[0] * len(data))
    data = data[:here] + put_in + data[here + cut[1] :]
    if shuffled:
        data = b"\n".join(sorted(data.split(b"\n")))
    read(put(tmp_path, name, data or b" "))


def test_a_cell_longer_than_the_limit_of_python_is_read_and_the_limit_left_as_it_was(tmp_path):
    before = csv.field_size_limit()
    text = EVERY["scopus.csv"][1].replace("a reference", "r" * 200_000)
    assert cn.read(put(tmp_path, "s.csv", text)).counts()["work"] == 2
    assert csv.field_size_limit() == before


def test_rows_before_a_cell_of_seventeen_megabytes_are_kept(tmp_path):
    text = EVERY["scopus.csv"][1].replace("a reference", "r" * 17_000_000)
    records = cn.read(put(tmp_path, "s.csv", text))
    assert records.counts()["work"] == 1
    assert records.quarantine["record"].tolist() == ["line 3"]
    assert "the rest is lost" in records.quarantine["reason"].iloc[0]
