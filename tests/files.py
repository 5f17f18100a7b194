"""Files that tests write and read: works, agreement lists, workbooks."""

import json

import openpyxl
import pandas as pd
from pandas.testing import assert_frame_equal

from collabnet import schema
from collabnet.readers.agreements import COLUMNS

LIEGE, MAASTRICHT, LORRAINE = "00afp2z80", "02jz4aj89", "04vfs2w97"
OPENALEX = "https://openalex.org/"


def institution(ror, name, country="BE", number=1):
    return {
        "id": f"{OPENALEX}I{number}",
        "display_name": name,
        "ror": f"https://ror.org/{ror}",
        "country_code": country,
        "type": "education",
    }


HERE = institution(LIEGE, "University of Liège", number=157674565)
THERE = institution(MAASTRICHT, "Maastricht University", "NL", 2)


def author(number, *institutions, **facts):
    person = {"id": f"{OPENALEX}A{number}", "display_name": f"Author {number}"}
    return {"author": person, "institutions": list(institutions)} | facts


def work(number, *authors, **facts):
    return {
        "id": f"{OPENALEX}W{number}",
        "title": f"Été {number}",
        "publication_year": 2024,
        "publication_date": "2024-05-01",
        "type": "article",
        "authorships": list(authors),
    } | facts


WORKS = [
    work(1, author(1, HERE), author(2, THERE), doi="https://doi.org/10.1000/ABC"),
    work(2, author(1, HERE, THERE, countries=["BE", "NL", "FR"])),
    work(3, author(3)),
]
LINES = "\n".join(map(json.dumps, WORKS)) + "\n"

UNIGR = [
    {"agreement_id": "A1", "kind": "agreement", "title": "UniGR", "start": "2008-01-01"}
    | {"end_status": "open", "partner": name, "partner_id": ror, "country": country}
    for name, ror, country in (
        ("Université de Lorraine", LORRAINE, "FR"),
        ("University of Luxembourg", "036x5ad56", "LU"),
    )
]
UNIGR[1] |= {"since": "2015", "until": "2020", "unit": "Law", "field": "0421;0312"}


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def tables(records):
    """Return the tables that hold something, without the place each row was read from."""
    names = [name for name in schema.TABLES if len(getattr(records, name))]
    place = ["source", "record"]
    return {n: getattr(records, n).drop(columns=place, errors="ignore") for n in names}


def assert_same(left, right):
    left, right = tables(left), tables(right)
    assert list(left) == list(right)
    for name, table in left.items():
        assert_frame_equal(table, right[name])


def rows(table, *columns):
    found = table[list(columns)]
    return found.astype(object).where(found.notna(), None).to_numpy().tolist()


def put_lines(folder, *works):
    return put(folder, "w.jsonl", "\n".join(map(json.dumps, works)))


def put_csv(folder, *given, name="a.csv", **options):
    table = pd.DataFrame(list(given), columns=COLUMNS)
    table.to_csv(folder / name, index=False, **options)
    return folder / name


def put_xlsx(folder, name, *lines, sheets=("first",)):
    book = openpyxl.Workbook()
    book.active.title = sheets[0]
    sheet = [book.active, *(book.create_sheet(title) for title in sheets[1:])][-1]
    for line in lines:
        sheet.append(line)
    book.save(folder / name)
    return folder / name
