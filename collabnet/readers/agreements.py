"""Agreements, projects, mobility and commitments as an office lists them: CSV or XLSX.

One row is one party besides the home institution; rows of one `agreement_id` are one activity, so a
network of six is one activity with six participants. Any other layout is mapped to this template by
a TOML file; see `docs/formats.md`.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from typing import Any

import pandas as pd

from collabnet import settings
from collabnet.errors import InputError
from collabnet.identifiers import institution_id, iso_country, name_key
from collabnet.readers.source import Source
from collabnet.records import Records
from collabnet.schema import KINDS

COLUMNS = (
    "agreement_id,kind,title,type,programme,status,start,end,end_status,home,partner,partner_id,"
    "country,role,since,until,unit,field,amount,part_of,follows,note,source"
).split(",")
"""Columns of the template; only `agreement_id` and `partner` or `partner_id` must be there."""

DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
ROLES = {"agreement": "signatory", "project": "partner", "commitment": "signatory"}
OPPOSITE = {"sending": "receiving", "receiving": "sending"}
LARGEST_SHEET = 2_000_000

Row = dict[str, Any]


def sniff(source: Source) -> bool:
    """Is it a table or workbook with the columns of the template?"""
    if source.packing == "xlsx":
        return _header(_sheet(source, None)) is not None
    return _is_template(source.columns)


def read(source: Source) -> Records:
    """Read a list of agreements.

    Rows whose dates, kind or amount cannot be understood go to quarantine; the others are kept. A
    missing end stays unknown, never open, unless `end_status` says so.

    Raises
    ------
    InputError
        The file has none of the columns, or the mapping is wrong.
    """
    mapping = _mapping(source)
    rows, refused = _rows(source, mapping)
    activities: dict[str, Row] = {}
    parties: dict[str, dict[str, Row]] = {}
    institutions: dict[str, Row] = {}
    fields: list[Row] = []
    read = len(rows) + len(refused)
    for row in rows:
        place = row["line"]
        fault = _fault(row)
        if fault:
            refused.append(source.refuse(place, fault))
            continue
        identifier = f"{source.path.stem}:{row['agreement_id']}"
        kind = row["kind"] or "agreement"
        activity = activities.setdefault(
            identifier,
            {"activity_id": identifier, "kind": kind, "link_known": True, "synthetic": False}
            | {"source": f"agreements:{source.name}", "record": place},
        )
        for column in ("type", "title", "start", "end", "end_status", "amount", "part_of"):
            activity[column] = activity.get(column) or row[column]
        for column in ("follows", "programme", "status", "note"):
            activity[column] = activity.get(column) or row[column]
        activity["reference"] = activity.get("reference") or row["source"]
        members = parties.setdefault(identifier, {})
        role = row["role"] or ROLES.get(kind, "partner")
        home = _party({"partner_id": row["home"] or settings.HOME}, institutions)
        own = members.setdefault(home, {"role": OPPOSITE.get(role, ROLES.get(kind, "partner"))})
        if row["partner"] or row["partner_id"]:
            partner = _party(row, institutions)
            own = members.setdefault(partner, {})
            own |= {"role": role} if partner != home or row["role"] else {}
            own |= {c: row[c] for c in ("since", "until", "unit") if row[c]}
            own |= {"affiliation": row["partner"], "country": iso_country(row["country"])}
        elif row["kind"] == "mobility":
            members[""] = {"role": role, "country": iso_country(row["country"])}
        subjects = [text.strip() for text in row["field"].split(";") if text.strip()]
        fields += [
            {
                "activity_id": identifier,
                "scheme": "isced-f" if subject.isdigit() else "as written",
                "code": subject,
                "share": 1 / len(subjects),
            }
            for subject in subjects
        ]
    if not activities:
        reason = refused[0]["reason"] if refused else "it has a header and no row"
        raise InputError(f"{source.name}: no agreement could be read ({reason}).")
    for activity in activities.values():
        activity["end_status"] = activity["end_status"] or (
            "known" if activity["end"] else "unknown"
        )
    source.notes |= {"read": read, "kept": read - len(refused)}
    tables = {
        "activities": pd.DataFrame(activities.values()),
        "participants": _participants(parties),
        "institutions": pd.DataFrame(institutions.values()),
    }
    if fields:
        tables["fields"] = pd.DataFrame(fields).drop_duplicates(["activity_id", "code"])
    if refused:
        tables["quarantine"] = pd.DataFrame(refused)
    return Records(tables)


def _participants(parties: dict[str, dict[str, Row]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "activity_id": activity,
            "institution_id": institution or None,
            "position": position,
            "evidence": "source" if institution else None,
            **party,
        }
        for activity, members in parties.items()
        for position, (institution, party) in enumerate(members.items(), 1)
    )


def _party(row: Row, institutions: dict[str, Row]) -> str:
    """Return the id of a party, by its identifier or else by name and country."""
    identifier = institution_id(row["partner_id"])
    name, country = row.get("partner") or "", iso_country(row.get("country"))
    if identifier is None:
        identifier = f"name:{name_key(name or row['partner_id'])}|{country or ''}"
    scheme, _, value = identifier.rpartition(":")
    column = {"pic": "pic", "erasmus": "erasmus_code", "hei": "hei_id", "openalex": "openalex_id"}
    known = institutions.setdefault(identifier, {"institution_id": identifier})
    if scheme in column:
        known[column[scheme]] = value
    known["name"] = known.get("name") or name or None
    known["country"] = known.get("country") or country
    return identifier


def _fault(row: Row) -> str | None:
    """Say what is wrong with a row, or nothing."""
    if not row["agreement_id"]:
        return "no agreement_id"
    if row["kind"] not in ("", *KINDS):
        return f"kind {row['kind']!r} is not one of {', '.join(KINDS)}"
    for column in ("start", "end", "since", "until"):
        if row[column] and not DATE.fullmatch(row[column]):
            return f"{column} {row[column]!r} is not a date such as 2024, 2024-09 or 2024-09-15"
    if row["start"] and row["end"] and row["end"] < row["start"][: len(row["end"])]:
        return f"it ends ({row['end']}) before it starts ({row['start']})"
    if row["end_status"] not in ("", "known", "open", "unknown"):
        return f"end_status {row['end_status']!r} is not one of known, open, unknown"
    if row["amount"] and not re.fullmatch(r"\d+(\.\d+)?", row["amount"]):
        return f"amount {row['amount']!r} is not a number"
    if row["country"] and iso_country(row["country"]) is None:
        return f"country {row['country']!r} is not an ISO code of two letters"
    return None


def _rows(source: Source, mapping: dict[str, Any]) -> tuple[list[Row], list[dict[str, str]]]:
    """Return the rows under the names of the template, all text, with their place."""
    columns = {given: column for column, given in mapping.get("columns", {}).items()}
    if source.packing == "xlsx":
        table, refused = _sheet_table(source, mapping, set(columns))
        prefix = "row "
    else:
        table, refused = source.table()
        prefix = "line "
    missing = set(columns) - set(table.columns)
    if missing:
        raise InputError(
            f"{source.mapping}: {source.name} has no column {min(missing)!r}. "
            f"It has: {', '.join(c for c in table.columns if c != 'line')}."
        )
    table = table.rename(columns=columns)
    if not columns and not _is_template(list(table.columns)):
        raise InputError(
            f"{source.name}: not the agreement template: columns agreement_id and partner or "
            "partner_id are needed. For another layout give a --mapping FILE.toml."
        )
    values, constants = mapping.get("values", {}), mapping.get("constants", {})
    pattern = mapping.get("options", {}).get("date_format")
    rows = []
    for given in table.fillna("").to_dict("records"):
        row: Row = {column: str(given.get(column, "")).strip() for column in COLUMNS}
        row = {
            c: values.get(c, {}).get(text, text) or constants.get(c, "") for c, text in row.items()
        }
        for column in ("start", "end", "since", "until") if pattern else ():
            row[column] = _date(row[column], pattern)
        row["line"] = prefix + str(given["line"])
        if any(given[c] for c in given if c != "line"):
            rows.append(row)
    return rows, refused


def _date(text: str, pattern: str) -> str:
    try:
        return datetime.strptime(text, pattern).date().isoformat()  # noqa: DTZ007
    except ValueError:
        return text


def _is_template(columns: list[str]) -> bool:
    return "agreement_id" in columns and bool({"partner", "partner_id"} & set(columns))


def _mapping(source: Source) -> dict[str, Any]:
    """Read the mapping file and check its names."""
    if source.mapping is None:
        return {}
    try:
        mapping = tomllib.loads(source.mapping.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{source.mapping}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise InputError(f"{source.mapping}: not a TOML file ({error}).") from None
    sections = {"columns": COLUMNS, "values": COLUMNS, "constants": COLUMNS}
    sections["options"] = ("date_format", "sheet")
    for section, given in mapping.items():
        if section not in sections:
            raise InputError(
                f"{source.mapping}: [{section}] is not one of [{'], ['.join(sections)}]."
            )
        for name in given:
            if name not in sections[section]:
                raise InputError(
                    f"{source.mapping}: {name!r} in [{section}] is not one of "
                    f"{', '.join(sections[section])}."
                )
    return mapping


def _sheet(source: Source, name: str | None, limit: int | None = 10) -> list[list[str]]:
    """Return the cells of a sheet as text, at most `limit` rows of them."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(source.path, read_only=True, data_only=True)
        sheet = book[name] if name else book.worksheets[0]
        columns, rows = sheet.max_column or 0, sheet.max_row or 0
        if columns * min(rows, limit or rows) > LARGEST_SHEET:
            raise InputError(
                f"{source.name}: the sheet spans {rows:,} rows × {columns:,} columns; an agreement "
                "list is far smaller. Delete the empty far cells."
            )
        return [
            [_text(cell) for cell in row]
            for row in sheet.iter_rows(max_row=limit, max_col=200, values_only=True)
        ]
    except (InvalidFileException, KeyError, OSError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{source.name}: an Excel workbook was expected but it cannot be opened ({error}). "
            "Save it again as .xlsx."
        ) from None


def _text(cell: object) -> str:
    if isinstance(cell, datetime | date):
        return cell.isoformat()[:10]
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def _header(rows: list[list[str]], names: set[str] | None = None) -> int | None:
    """Find the header among the first rows: banners may stand above it."""
    for number, row in enumerate(rows[:10]):
        if (names and names <= set(row)) or (not names and _is_template(row)):
            return number
    return None


def _sheet_table(
    source: Source, mapping: dict[str, Any], names: set[str]
) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    rows = _sheet(source, mapping.get("options", {}).get("sheet"), limit=None)
    number = _header(rows, names)
    if number is None:
        wanted = ", ".join(sorted(names)) or "agreement_id, partner"
        raise InputError(f"{source.name}: no header row with the columns {wanted} in the sheet.")
    header = rows[number]
    table = pd.DataFrame(rows[number + 1 :], columns=header, dtype="string")
    table = table.loc[:, [name != "" for name in header]]
    table["line"] = [str(n) for n in range(number + 2, len(rows) + 1)]
    return table, []
