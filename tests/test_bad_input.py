"""Bad input: one sentence with the name, the fault and the next step; never a traceback."""

import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile

import openpyxl
import pytest
from files import put
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import collabnet as cn
from collabnet.readers.agreements import COLUMNS

WORK = {"id": "https://openalex.org/W1", "title": "A", "publication_year": 2024, "authorships": []}
PAGE = json.dumps({"meta": {"count": 9}, "results": [WORK] * 9}, indent=1)
LINES = (json.dumps(WORK) + "\n") * 50
TEMPLATE = "agreement_id,partner\nA,Maastricht University\n"
XML = '<?xml version="1.0"?>'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
MARK = "\x1e"
DRIVER = f"""
import json, sys
from collabnet.cli import main
for arguments in json.load(sys.stdin):
    print({MARK!r}, end="", file=sys.stderr, flush=True)
    print({MARK!r}, main(arguments), flush=True)
"""


def cell(place, text):
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def put_sheet(folder, name, cells, *, head="", strings=None):
    """Write a workbook whose sheet has these rows as XML below the header of the template."""
    book = openpyxl.Workbook()
    book.active.append(["agreement_id", "partner"])
    book.save(folder / name)
    with zipfile.ZipFile(folder / name) as archive:
        parts = {member: archive.read(member) for member in archive.namelist()}
    header = f'<row r="1">{cell("A1", "agreement_id")}{cell("B1", "partner")}</row>'
    parts["xl/worksheets/sheet1.xml"] = (
        f"{XML}{head}<worksheet {MAIN}><sheetData>{header}{cells}</sheetData></worksheet>"
    )
    parts |= {"xl/sharedStrings.xml": strings} if strings else {}
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in parts.items():
            archive.writestr(member, content)
    return folder / name


def put_zip(folder, name, member, *, password=False):
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr(member, PAGE)
    content = bytearray((folder / name).read_bytes())
    content[6] |= password
    content[content.find(b"PK\x01\x02") + 8] |= password
    return put(folder, name, bytes(content))


def spoilt(folder, name, part, content):
    """Copy the good store and spoil a part of it; None takes it away."""
    store = shutil.copytree(folder / "good", folder / name)
    if content is None:
        (store / part).unlink()
    else:
        put(store, part, content)
    return store


def newer(folder, name):
    facts = json.loads((folder / "good" / "provenance.json").read_text())
    return spoilt(folder, name, "provenance.json", json.dumps(facts | {"schema": 99}))


def pipe(folder):
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def ingest(folder, *options):
    return ["ingest", folder / "works.jsonl", *options]


# Each case: what makes its files, and what must be said of them. It gives the file to be ingested,
# or else a whole command.
CASES = {
    "missing file": (lambda f: f / "none.json", "none.json: no such file", "Check the path"),
    "empty file": (lambda f: put(f, "empty.json", ""), "empty.json: the file is empty", "again"),
    "truncated gz of lines": (
        lambda f: put(f, "cut.jsonl.gz", gzip.compress(LINES.encode())[:-9]),
        "cut.jsonl.gz: the compressed file ends too early",
        "Get it again",
    ),
    "truncated gz of a table": (
        lambda f: put(f, "cut.csv.gz", gzip.compress(TEMPLATE.encode())[:-12]),
        "cut.csv.gz: the compressed file ends too early",
        "Get it again",
    ),
    "damaged gz": (
        lambda f: put(f, "bad.gz", gzip.compress(LINES.encode())[:60] + b"\xff" * 90),
        "bad.gz: the compression is damaged",
        "Get the file again",
    ),
    "JSON page cut in half": (
        lambda f: put(f, "half.json", PAGE[: len(PAGE) // 2]),
        "half.json: not complete JSON, it breaks at line 31",
        "Get the file again",
    ),
    "JSON page in one line cut in half": (
        lambda f: put(f, "half1.json", json.dumps(json.loads(PAGE))[:400]),
        "half1.json: not complete JSON, it breaks at line 1",
        "Get the file again",
    ),
    "CSV with unknown columns": (
        lambda f: put(f, "columns.csv", "colour,size\nred,5\n"),
        "columns.csv: a table with columns no reader knows (colour, size)",
        "--mapping FILE.toml",
    ),
    "XLSX that is text": (
        lambda f: put(f, "text.xlsx", "this is no workbook"),
        "text.xlsx: not an Excel workbook",
        "Save it again as .xlsx",
    ),
    "XLSX that is a broken zip": (
        lambda f: put(f, "zip.xlsx", b"PK\x03\x04" + bytes(99)),
        "zip.xlsx: a zip or Excel file that cannot be opened",
        "Get it again",
    ),
    "XLSX with broken XML": (
        lambda f: put_sheet(f, "xml.xlsx", "<row>"),
        "xml.xlsx: a damaged Excel workbook",
        "Save it again as .xlsx",
    ),
    "random bytes": (
        lambda f: put(f, "random.json", random.Random(1).randbytes(5000)),
        "random.json: neither text nor a workbook",
        "Export it as",
    ),
    "HTML page named .csv": (
        lambda f: put(f, "page.csv", "\n<!DOCTYPE html><html><body>Log in, please</body></html>"),
        "page.csv: this is a web page",
        "Download the file again",
    ),
    "region name with a typo": (
        lambda f: ["edges", f / "good", "--region", "magreb"],
        "Unknown region 'magreb'",
        "Did you mean 'maghreb'",
    ),
    "store of a newer version": (
        lambda f: ["edges", newer(f, "newer")],
        "newer: written in version 99",
        "Upgrade collabnet",
    ),
    "ingest into a store of a newer version": (
        lambda f: ingest(f, "--out", newer(f, "newer2")),
        "newer2: written in version 99",
        "Upgrade collabnet",
    ),
    "store with damaged provenance": (
        lambda f: ["edges", spoilt(f, "hurt", "provenance.json", "{")],
        "hurt: provenance.json is damaged",
        "Make the store again",
    ),
    "store with a missing table": (
        lambda f: ["edges", spoilt(f, "lost", "fields.parquet", None)],
        "lost: the table 'fields' is missing",
        "Make the store again",
    ),
    "store with a damaged table": (
        lambda f: ["edges", spoilt(f, "torn", "participants.parquet", "PAR1")],
        "participants.parquet: damaged",
        "Make the store again",
    ),
    "folder without anything known": (
        lambda f: put(f, "folder/notes.txt", "nothing").parent,
        "folder: none of the 1 files in it is of a known format",
        "Name another folder",
    ),
    "path through a file": (
        lambda f: f / "works.jsonl" / "deep.json",
        "deep.json: no such file or folder",
        "Check the path",
    ),
    "pipe": (pipe, "pipe: a pipe or device cannot be read", "Save it to a file"),
    "line break in the name": (lambda f: f / "a\nb.json", "a b.json: no such", "Check the path"),
    "JSON nested a hundred thousand deep": (
        lambda f: put(f, "deep.json", '[{"id": "W1", "a": ' + "[" * 100_000),
        "deep.json: nested too deeply to be OpenAlex works",
        "Get the file again",
    ),
    "one line of ten megabytes": (
        lambda f: put(f, "long.csv", 'agreement_id,partner\nA,"' + "x" * 10_000_000),
        "long.csv, line 2: not a table",
        "Export it again",
    ),
    "zip with a password": (
        lambda f: put_zip(f, "secret.zip", "w.json", password=True),
        "secret.zip: the zip asks for a password",
        "Unpack it first",
    ),
    "zip without data": (
        lambda f: put_zip(f, "photos.zip", "a.jpg"),
        "photos.zip: a zip without any .json or .csv file in it",
        "Unpack it and name the file",
    ),
    "zip bomb as a workbook": (
        lambda f: put_sheet(
            f, "bomb.xlsx", "", strings=f"{XML}<sst {MAIN}>{'<si><t>a</t></si>' * 3_000_000}</sst>"
        ),
        "bomb.xlsx: this workbook unpacks to 48 MB",
        "save that as CSV",
    ),
    "workbook with entities": (
        lambda f: put_sheet(
            f,
            "entity.xlsx",
            f'<row r="2">{cell("A2", "&b;")}</row>',
            head='<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>',
        ),
        "entity.xlsx: a damaged Excel workbook",
        "Save it again",
    ),
    "workbook that reads another file": (
        lambda f: put_sheet(
            f,
            "xxe.xlsx",
            f'<row r="2">{cell("A2", "&a;")}</row>',
            head=f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{f}/works.jsonl">]>',
        ),
        "xxe.xlsx: a damaged Excel workbook",
        "Save it again",
    ),
    "mapping that is a folder": (
        lambda f: ingest(f, "--mapping", f / "good", "--out", f / "no"),
        "good: cannot be read",
        "Check the path",
    ),
    "store where a file stands": (
        lambda f: ingest(f, "--out", f / "works.jsonl"),
        "works.jsonl: stands in the way of the store",
        "Name another folder",
    ),
    "store below a file": (
        lambda f: ingest(f, "--out", f / "works.jsonl" / "store"),
        "store: cannot be written",
        "Name another folder",
    ),
    "store of other options": (
        lambda f: ingest(f, "--succession", "--out", f / "good"),
        "good: this store was made with succession=False",
        "name another folder",
    ),
    "unknown format": (
        lambda f: ingest(f, "--format", "openalx", "--out", f / "no"),
        "Unknown format 'openalx'",
        "Did you mean 'openalex'",
    ),
    "unknown roll-up": (
        lambda f: ingest(f, "--roll-up=components", "--out", f / "no"),
        "Unknown roll-up 'components'",
        "Did you mean 'component'",
    ),
    "unknown level": (
        lambda f: ["edges", f / "good", "--level", "county"],
        "Unknown level 'county'",
        "Did you mean 'country'",
    ),
    "unknown counting": (
        lambda f: ["edges", f / "good", "--count", "half"],
        "Unknown count",
        "fractional",
    ),
    "unknown home": (
        lambda f: ["partners", f / "good", "--home", "00afp2z81"],
        "Unknown institution '00afp2z81'",
        "Did you mean '00afp2z80'",
    ),
    "unknown node": (
        lambda f: ["edges", f / "good", "--around", "00afp2z81"],
        "Unknown institution '00afp2z81'",
        "Did you mean '00afp2z80'",
    ),
    "years the wrong way round": (
        lambda f: ["edges", f / "good", "--years", "2024:2019"],
        "2024",
        "2019",
    ),
    "unknown table format": (
        lambda f: ["edges", f / "good", "--out", f / "e.doc"],
        "Unknown table format '.doc'",
        ".csv",
    ),
    "table below a file": (
        lambda f: ["edges", f / "good", "--out", f / "works.jsonl" / "e.csv"],
        "e.csv.note.txt: cannot be written",
        "Name another file or folder",
    ),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Run all cases in another process: case → (exit code, stderr); and the files left behind."""
    folder = tmp_path_factory.mktemp("bad")
    here = {"institutions": [{"id": None, "ror": "https://ror.org/00afp2z80"}]}
    put(folder, "good.jsonl", json.dumps(WORK | {"authorships": [here]}))
    put(folder, "works.jsonl", LINES)
    cn.ingest([folder / "good.jsonl"], folder / "good")
    commands = []
    for make, *_ in CASES.values():
        made = make(folder)
        command = made if isinstance(made, list) else ["ingest", made, "--out", folder / "no"]
        commands.append([str(part) for part in command])
    before = set(folder.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", DRIVER],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=False,
    )
    codes = [int(part.split()[0]) for part in done.stdout.split(MARK)[1:]]
    said = done.stderr.split(MARK)[1:]
    assert len(codes) == len(said) == len(CASES), done.stderr[-3000:]
    return dict(zip(CASES, zip(codes, said, strict=True), strict=True)), set(
        folder.rglob("*")
    ) - before


@pytest.mark.parametrize("case", CASES)
def test_bad_input_ends_in_one_sentence_and_exit_code_2(told, case):
    code, said = told[0][case]
    _, fault, step = CASES[case]
    assert said.startswith("collabnet: ")
    assert fault in said
    assert step in said
    assert said.count("\n") == 1, said
    assert code == 2


def test_bad_input_leaves_nothing_behind(told):
    assert told[1] == set()


def test_a_bad_source_among_good_ones_leaves_the_store_as_it_was(tmp_path):
    store = tmp_path / "store"
    cn.ingest([put(tmp_path, "a.jsonl", LINES)], store)
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    good = put(tmp_path, "b.csv", TEMPLATE)
    with pytest.raises(cn.InputError, match=r"c\.gz"):
        cn.ingest([good, put(tmp_path, "c.gz", gzip.compress(LINES.encode())[:-9])], store)
    assert {path.name: path.read_bytes() for path in store.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.csv", "c.gz", "store"]


def test_a_cell_at_the_far_corner_of_a_sheet_costs_nothing(tmp_path):
    far = f'<row r="2">{cell("A2", "A")}{cell("B2", "X")}</row>'
    far += f'<row r="1048576">{cell("XFD1048576", "z")}</row>'
    assert cn.read(put_sheet(tmp_path, "far.xlsx", far)).counts()["agreement"] == 1


def test_rows_outside_the_size_a_sheet_states_are_read(tmp_path):
    path = put_sheet(tmp_path, "size.xlsx", f'<row r="9">{cell("A9", "A")}{cell("B9", "X")}</row>')
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"<sheetData>", b'<dimension ref="A1:B1"/><sheetData>')
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert cn.read(path).participants["activity_id"].tolist() == ["size:A", "size:A"]


def test_a_nul_in_a_table_does_no_harm(tmp_path):
    path = put(tmp_path, "a.csv", TEMPLATE + "B,Nul\0 University\n")
    store = cn.ingest([path], tmp_path / "store")
    assert store.counts()["agreement"] == 2
    cn.export_table(store.institutions, tmp_path / "i.xlsx")


# Anything at all

ANYTHING = settings(
    deadline=None,
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def read_or_refused(folder, content):
    path = put(folder, "any.csv", content)
    try:
        records = cn.read(path)
    except cn.CollabnetError as error:
        return "any.csv" in str(error)
    source = records.provenance["sources"][0]
    assert source["read"] == source["kept"] + source["quarantined"] + source["merged"]
    assert source["quarantined"] == len(records.quarantine)
    return True


@ANYTHING
@given(st.binary(max_size=300))
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbf")
@example(b"\n\n")
@example(b"{")
@example(b'"')
def test_any_bytes_are_read_or_refused(tmp_path, content):
    assert read_or_refused(tmp_path, content)
    assert read_or_refused(tmp_path, b"\x1f\x8b" + content)
    assert read_or_refused(tmp_path, gzip.compress(content))
    assert read_or_refused(tmp_path, b"PK\x03\x04" + content)


WORDS = st.sampled_from(
    [
        *("id", "results", "meta", "authorships", "author", "institutions", "countries", "ror"),
        *("names", "display_name", "country_code", "publication_year", "publication_date"),
        *("affiliations", "institution_ids", "raw_affiliation_string", "value"),
        *("raw_affiliation_strings", "authors_count", "types", "locations", "geonames_details"),
        *("relationships", "lat", "primary_topic", "field", "updated_date", "is_corresponding"),
        *("doi", "status", "lang", "type", "domains"),
    ]
)
VALUES = st.sampled_from(["W1", "A2", "I3", "BE", "2024", "https://ror.org/00afp2z80", "label", ""])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | VALUES
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)
OBJECTS = st.dictionaries(WORDS, TREES, max_size=8)


@ANYTHING
@given(st.lists(OBJECTS | TREES, max_size=4))
def test_any_json_is_read_or_refused(tmp_path, items):
    works = [
        item | {"id": f"W{n}"} if isinstance(item, dict) else item for n, item in enumerate(items)
    ]
    assert read_or_refused(tmp_path, json.dumps([WORK, *works]))
    assert read_or_refused(tmp_path, "\n".join(map(json.dumps, [WORK, *works])))
    organisations = [{"id": "https://ror.org/00afp2z80", "names": []}, *items]
    assert read_or_refused(tmp_path, json.dumps(organisations))


CELLS = st.text(max_size=6) | st.sampled_from(
    [
        "2024",
        "2024-09",
        "15/09/2024",
        "BE",
        "EL",
        "NA",
        "open",
        "mobility",
        "sending",
        "1,5",
        "999976105",
    ]
)
HEADERS = [
    COLUMNS,
    ["rcn", "pic", "role", "country", "contribution", "start_date", "end_date"],
    ["projectID", "organisationID", "role", "country", "name", "geolocation", "ecContribution"],
]


@ANYTHING
@given(
    st.sampled_from(HEADERS),
    st.lists(st.lists(CELLS, min_size=1, max_size=24), max_size=4),
    st.sampled_from(",;\t"),
)
def test_any_table_is_read_or_refused(tmp_path, header, lines, delimiter):
    good = ["1", "999976105", "coordinator", "BE"] if header != COLUMNS else ["A", "", "t"]
    whole = [
        header,
        *([*line, *[""] * len(header)][: len(header)] for line in [good, *lines]),
        *lines,
    ]
    text = "\n".join(delimiter.join(line) for line in whole)
    assert read_or_refused(tmp_path, text.encode("utf-8", "surrogatepass"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Sound files of every packing, as bytes."""
    folder = tmp_path_factory.mktemp("sound")
    book = put_sheet(folder, "a.xlsx", f'<row r="2">{cell("A2", "A")}{cell("B2", "X")}</row>')
    return [
        book.read_bytes(),
        put_zip(folder, "w.zip", "w.json").read_bytes(),
        gzip.compress(LINES.encode()),
        PAGE.encode(),
        TEMPLATE.encode("utf-16"),
    ]


DAMAGE = st.tuples(st.floats(0, 1), st.integers(0, 9), st.binary(max_size=4), st.booleans())


@ANYTHING
@given(st.integers(0, 4), DAMAGE)
def test_any_damage_to_a_sound_file_is_told(tmp_path, sound, which, damage):
    where, gone, new, cut = damage
    content = sound[which]
    place = int(where * len(content))
    rest = b"" if cut else content[place + gone :]
    assert read_or_refused(tmp_path, content[:place] + new + rest)
