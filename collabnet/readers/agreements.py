"""Agreements, projects, mobility and commitments as an office lists them: CSV or XLSX.

One row is one party besides the home institution; rows of one `agreement_id` are one activity, so a
network of six is one activity with six participants. Any other layout is mapped to this template by
a TOML file; see `docs/formats.md`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from collabnet import settings
from collabnet.countries import country_of
from collabnet.errors import InputError
from collabnet.identifiers import DATE, institution_id, iso_country, name_key
from collabnet.readers.source import Source
from collabnet.readers.workbook import headers, sheet_table
from collabnet.records import Records
from collabnet.schema import KINDS

COLUMNS = [
    *("agreement_id", "kind", "title", "type", "programme", "status", "start", "end", "end_status"),
    *("home", "partner", "partner_id", "country", "role", "since", "until", "unit", "field"),
    *("amount", "part_of", "follows", "note", "source"),
]
"""Columns of the template; only `agreement_id` and `partner` or `partner_id` must be there."""

ROLES = {"agreement": "signatory", "project": "partner", "commitment": "signatory"}
OPPOSITE = {"sending": "receiving", "receiving": "sending"}
STATED = ("type", "title", "start", "end", "end_status", "amount", "programme", "status", "note")
STATED_ONCE = ("kind", "start", "end", "end_status", "amount")
"""What the rows of one activity may leave empty, but not contradict."""

OPTIONS = {
    "date_format": None,
    "sheet": None,
    "decimal": (",", "."),
    "parties": ("listed",),
}
"""What may be chosen in a mapping, and from what."""

FORMS = {
    "columns": "the name of a column, in quotes",
    "values": 'a section of its own, with lines such as "theirs" = "ours"',
    "constants": "a text in quotes",
    "options": "a text in quotes",
}
"""What may stand in each section of a mapping."""

NUMBER = re.compile(r"\d+(\.\d+)?")

EXAMPLE = "invented example"
"""What the note of a row of the template begins with: what it tells of is synthetic."""

Row = dict[str, Any]


def sniff(source: Source) -> bool:
    """Is it a table or workbook with the columns of the template, or those of the mapping?"""
    return _fitting(source) is not None


def _fitting(source: Source) -> dict[str, Any] | None:
    """Return the mapping the file fits; the empty one stands for the template."""
    for mapping in (load_mapping(source.mapping), {}):
        names = set(mapping.get("columns", {}).values())
        sheet = mapping.get("options", {}).get("sheet")
        if any(_is_header(columns, names) for columns in headers(source, sheet)):
            return mapping
    return None


def read(source: Source) -> Records:
    """Read a list of agreements.

    Rows whose dates, kind or amount cannot be understood go to quarantine; the others are kept. A
    missing end stays unknown, never open, unless `end_status` says so.

    Raises
    ------
    InputError
        The file has none of the columns, or the mapping is wrong.
    """
    mapping = _fitting(source)
    mapping = load_mapping(source.mapping) if mapping is None else mapping
    listed = mapping.get("options", {}).get("parties") == "listed"
    return build(source, *_rows(source, mapping), home=not listed)


def build(
    source: Source,
    rows: Iterable[Row],
    refused: list[dict[str, str]],
    *,
    name: str = "agreements",
    prefix: str | None = None,
    home: bool = False,
) -> Records:
    """Make records of rows of the template; with `home`, that institution is a party to all.

    A row may hold further columns of its activity and of its party, as `activity` and `member`.
    Ids begin with `prefix`; by default with the name of the file, as they mean nothing elsewhere.

    Raises
    ------
    InputError
        No row can be understood.
    """
    activities: dict[str, Row] = {}
    parties: dict[str, dict[str, Row]] = {}
    institutions: dict[str, Row] = {}
    fields: list[Row] = []
    stem = f"{source.path.stem}:" if prefix is None else prefix
    read = len(refused)
    place = ""
    for row in rows:
        read += row["line"] != place  # a record of several parties is several rows of one place
        place = row["line"]
        identifier = stem + row["agreement_id"]
        fault = _fault(row) or _contradiction(row, activities.get(identifier, {}))
        if fault:
            told = refused and refused[-1]["record"] == place
            refused += [] if told else [source.refuse(place, fault)]
            continue
        kind = row["kind"] or activities.get(identifier, {}).get("kind", "agreement")
        activity = activities.setdefault(
            identifier,
            {"activity_id": identifier, "kind": kind, "link_known": True}
            | {"synthetic": row["note"].startswith(EXAMPLE)}
            | {"source": f"{name}:{source.name}", "record": place},
        )
        _state(activity, row, stem)
        members = parties.setdefault(identifier, {})
        if home:
            _seat_home(members, row, kind, institutions)
        party = _party(row, institutions) if row["partner"] or row["partner_id"] else None
        if party or kind == "mobility" or not home:  # a party nobody named is one all the same
            end = row["role"] if kind == "mobility" and not home else ""
            _seat(members.setdefault(f"{party or place}{end}", {}), row, kind, party)
        for subject in filter(None, map(str.strip, row["field"].split(";"))):
            scheme = "isced-f" if subject.isdigit() else "as written"
            fields.append({"activity_id": identifier, "scheme": scheme, "code": subject})
    if not activities:
        reason = refused[0]["reason"] if refused else "it has a header and no row"
        raise InputError(f"{source.name}: no agreement could be read ({reason}).")
    for activity in activities.values():
        stated = "known" if activity["end"] else "unknown"
        activity["end_status"] = activity["end_status"] or stated
    source.notes |= {"read": read, "kept": read - len(refused)}
    tables = {
        "activities": pd.DataFrame(activities.values()),
        "participants": _participants(parties),
        "institutions": pd.DataFrame(institutions.values()),
    }
    if fields:
        subjects = pd.DataFrame(fields).drop_duplicates(["activity_id", "code"])
        size = subjects.groupby(["activity_id", "scheme"])["code"].transform("size")
        tables["fields"] = subjects.assign(share=1 / size)
    if refused:
        tables["quarantine"] = pd.DataFrame(refused)
    return Records(tables)


def blank(**said: Any) -> Row:
    """Return a row of the template with what is said, and nothing else."""
    return dict.fromkeys(COLUMNS, "") | said


def _state(activity: Row, row: Row, stem: str) -> None:
    """Put into an activity what a row says of it, where no row before has."""
    said = {column: row[column] for column in STATED} | {"reference": row["source"]}
    for column in ("part_of", "follows"):  # ids of this list may be written bare
        said[column] = row[column] if not row[column] or ":" in row[column] else stem + row[column]
    for column, value in (said | row.get("activity", {})).items():
        activity[column] = activity.get(column) or value


def _seat_home(members: dict[str, Row], row: Row, kind: str, institutions: dict[str, Row]) -> None:
    """Put the home institution among the members of an activity, opposite the partner."""
    usual = ROLES.get(kind, "partner")
    body = _party({"partner_id": row["home"] or settings.HOME}, institutions)
    role = OPPOSITE.get(row["role"] or usual, usual)
    members.setdefault(body, {"institution_id": body, "role": role})


def _seat(member: Row, row: Row, kind: str, party: str | None) -> None:
    """Put into a member of an activity what a row says of it."""
    if row["role"] or "role" not in member:
        member["role"] = row["role"] or ROLES.get(kind, "partner")
    member |= {c: row[c] for c in ("since", "until") if row[c]} | row.get("member", {})
    units = dict.fromkeys([*member.get("unit", "").split("; "), row["unit"]])
    member["unit"] = "; ".join(unit for unit in units if unit)
    member |= {"institution_id": party, "affiliation": row["partner"]}
    member["country"] = _country(row["country"])


def _participants(parties: dict[str, dict[str, Row]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "activity_id": activity,
            "position": position,
            "evidence": "source" if party.get("institution_id") else None,
            **party,
        }
        for activity, members in parties.items()
        for position, party in enumerate(members.values(), 1)
    )


def _country(text: str | None) -> str | None:
    """Return the code of a country written as a code or in words."""
    return iso_country(text) or (country_of(text) if text else None)


def _party(row: Row, institutions: dict[str, Row]) -> str:
    """Return the id of a party, by its identifier or else by name and country."""
    identifier = institution_id(row["partner_id"])
    name, country = row.get("partner") or "", _country(row.get("country"))
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


def _contradiction(row: Row, activity: Row) -> str | None:
    """Say what a row states otherwise than the first row of its activity, or nothing."""
    for column in STATED_ONCE:
        first = activity.get(column)
        if row[column] and first and row[column] != first:
            return f"{column} {row[column]!r} is {first!r} in the first row of this agreement_id"
    return None


def _fault(row: Row) -> str | None:
    """Say what is wrong with a row, or nothing."""
    if not row["agreement_id"]:
        return "no agreement_id"
    if row["kind"] not in ("", *KINDS):
        return f"kind {row['kind']!r} is not one of {', '.join(KINDS)}"
    for column in ("start", "end", "since", "until"):
        if row[column] and not _is_date(row[column]):
            return f"{column} {row[column]!r} is not a date such as 2024, 2024-09 or 2024-09-15"
    for start, end in (("start", "end"), ("since", "until")):
        if row[start] and row[end] and row[end] < row[start][: len(row[end])]:
            return f"{end} {row[end]} is before {start} {row[start]}"
    if row["end_status"] not in ("", "known", "open", "unknown"):
        return f"end_status {row['end_status']!r} is not one of known, open, unknown"
    if row["end"] and row["end_status"] in ("open", "unknown"):
        return f"end_status {row['end_status']!r} contradicts the end {row['end']}"
    if row["kind"] == "mobility" and row["role"] not in OPPOSITE:
        return "a mobility flow needs the role of the partner, sending or receiving"
    if row["amount"] and not NUMBER.fullmatch(row["amount"]):
        return f"amount {row['amount']!r} is not a number"
    if row["country"] and _country(row["country"]) is None:
        return f"country {row['country']!r} is not an ISO code of two letters, nor a name known"
    return None


def _is_date(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    try:
        return bool(date.fromisoformat(text + "2000-01-01"[len(text) :]))
    except ValueError:
        return False


def _rows(source: Source, mapping: Mapping[str, Any]) -> tuple[list[Row], list[dict[str, str]]]:
    """Return the rows under the names of the template, all text, with their place."""
    columns = mapping.get("columns", {})
    if source.packing == "xlsx":
        table, refused = _sheet_table(source, mapping), []
        prefix = "row "
    else:
        table, refused = source.table()
        prefix = "line "
    missing = set(columns.values()) - set(table.columns)
    if missing:
        raise InputError(
            f"{source.mapping}: {source.name} has no column {min(missing)!r}. "
            f"It has: {', '.join(table.columns[:30])}."
        )
    if not columns and not _is_header(list(table.columns)):
        raise InputError(
            f"{source.name}: not the agreement template: columns agreement_id and partner or "
            "partner_id are needed. For another layout give a --mapping FILE.toml."
        )
    return template_rows(table, mapping, prefix), refused


def template_rows(table: pd.DataFrame, mapping: Mapping[str, Any], prefix: str) -> list[Row]:
    """Return the rows of a table under the names of the template; `prefix` names their place."""
    columns, options = mapping.get("columns", {}), mapping.get("options", {})
    values, constants = mapping.get("values", {}), mapping.get("constants", {})
    pattern, decimal = options.get("date_format"), options.get("decimal")
    rows = []
    for place, given in zip(table.index, table.fillna("").to_dict("records"), strict=True):
        if not any(given.values()):
            continue
        row: Row = {c: given.get(columns.get(c, c), "").strip() for c in COLUMNS}
        row = {
            c: values.get(c, {}).get(text, text) or constants.get(c, "") for c, text in row.items()
        }
        for column in ("start", "end", "since", "until") if pattern else ():
            row[column] = _date(row[column], pattern)
        if decimal and not (prefix == "row " and NUMBER.fullmatch(row["amount"])):
            row["amount"] = _plain(row["amount"], decimal)
        rows.append({**row, "line": f"{prefix}{place}"})
    return rows


def _date(text: str, pattern: str) -> str:
    try:
        return datetime.strptime(text, pattern).date().isoformat()
    except ValueError:
        return text


def _plain(text: str, decimal: str) -> str:
    """Return an amount as a plain number: no blanks, currency or marks between thousands."""
    bare = re.sub(r"[\s'’€]|EUR", "", text).replace("." if decimal == "," else ",", "")
    return bare.replace(decimal, ".")


def load_mapping(path: Path | None) -> dict[str, Any]:
    """Read a mapping file, and check its names; without one, the mapping is empty.

    Raises
    ------
    InputError
        The file is missing, no TOML, or has sections, names or values that mean nothing here.
    """
    if path is None:
        return {}
    try:
        mapping = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Check the path.") from None
    except ValueError as error:
        raise InputError(f"{path}: not a TOML file ({error}). See docs/formats.md.") from None
    sections = {**dict.fromkeys(FORMS, COLUMNS), "options": list(OPTIONS)}
    for section, given in mapping.items():
        if section not in sections:
            raise InputError(f"{path}: [{section}] is not one of [{'], ['.join(sections)}].")
        if not isinstance(given, dict):
            raise InputError(f"{path}: write [{section}] as a section, its lines below it.")
        for name, value in given.items():
            if name not in sections[section]:
                known = ", ".join(sections[section])
                raise InputError(f"{path}: {name!r} in [{section}] is not one of {known}.")
            texts = list(value.values()) if isinstance(value, dict) else [value]
            if isinstance(value, dict) != (section == "values") or not _are_texts(texts):
                raise InputError(f"{path}: {name!r} in [{section}] should be {FORMS[section]}.")
            choices = OPTIONS[name] if section == "options" else None
            if choices and value not in choices:
                raise InputError(f"{path}: {name!r} should be one of {', '.join(choices)}.")
    return mapping


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_header(columns: list[str], names: set[str] | None = None) -> bool:
    if names:
        return names <= set(columns)
    return "agreement_id" in columns and bool({"partner", "partner_id"} & set(columns))


def _sheet_table(source: Source, mapping: Mapping[str, Any]) -> pd.DataFrame:
    names = set(mapping.get("columns", {}).values())
    table = sheet_table(
        source, lambda row: _is_header(row, names), mapping.get("options", {}).get("sheet")
    )
    if table is None:
        wanted = ", ".join(sorted(names)) or "agreement_id, partner"
        raise InputError(
            f"{source.name}: no header row with the columns {wanted} in the sheet. Check the names"
            f"{' in ' + str(source.mapping) if source.mapping else ''}."
        )
    return table
