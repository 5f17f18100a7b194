"""Erasmus+: mobility statistics (KA1, flows between countries) and the list of project results.

Source of the columns: the dictionary of the Erasmus+ mobility statistics 2014-2020 and the export
of the Erasmus+ Project Results Platform.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from collabnet.errors import InputError
from collabnet.identifiers import iso_country
from collabnet.readers.agreements import Row, blank, build
from collabnet.readers.source import Source, narrow
from collabnet.readers.workbook import headers, sheet_table
from collabnet.records import Records

ALIASES = {
    "countrysending": "sending_country_code",
    "countryreceiving": "receiving_country_code",
    "studentoutgoingcount": "participants",
    "project_number": "project_identifier",
    "coordinator_s_name": "coordinating_organisation_name",
}
SIDES = ("sending", "receiving")
END = ("country_code", "organization", "organisation_erasmus_code")
KEPT = (
    *(f"{side}_{column}" for side in SIDES for column in END),
    *("academic_year", "activity_mob", "education_level", "field_of_education"),
)
FLOW = {"sending_country_code", "receiving_country_code", "participants"}
PROJECT = {"project_identifier", "project_title", "coordinating_organisation_name"}
UNKNOWN = re.compile(r"[\W_]*((unknown|undefined|omitted|not specified)[\W_]*)?", re.IGNORECASE)
Persons = dict[tuple[str, ...], list[int]]
"""What tells flows apart → how many persons, and the first line."""
ISCED = re.compile(r"(\d{2,4})\b")


def _key(name: str) -> str:
    """Return a column under one name, be it written with blanks, apostrophes or underscores."""
    key = re.sub(r"[\W_]+", "_", name.lower()).strip("_")
    return "amount" if key.startswith("eu_grant_award_in_euro") else ALIASES.get(key, key)


def sniff(source: Source) -> bool:
    """Is it a table of persons by sending and receiving country?"""
    return set(map(_key, source.columns)) >= FLOW


def read(source: Source) -> Records:
    """Read mobility: persons are added up, rows are never counted.

    A flow goes from one organisation to another in one academic year, activity, level and field.
    """
    persons, refused, read = _counted(source)
    source.notes["version"] = "mobility"
    records = build(source, _flows(persons), refused, name="erasmus")
    source.notes |= {"read": read, "kept": read - len(refused)}
    return records


def _flows(persons: Persons) -> Iterator[Row]:
    """Yield two parties for each flow."""
    for number, (alike, (amount, line)) in enumerate(persons.items(), 1):
        ends, (year, activity, level, subject) = (alike[:3], alike[3:6]), alike[6:]
        code = ISCED.match(subject)
        flow = blank(
            agreement_id=str(number),
            kind="mobility",
            type=activity,
            programme="Erasmus+" if year else "Erasmus",
            start=year[:4],
            end=year[:4],
            amount=str(amount),
            field=code[1] if code else subject.replace(";", ","),
            line=f"line {line}",
            activity={"academic_year": year, "level": level},
        )
        for role, (country, name, erasmus) in zip(SIDES, ends, strict=True):
            yield flow | {"role": role, "country": country, "partner": name, "partner_id": erasmus}


def _counted(source: Source) -> tuple[Persons, list[dict[str, str]], int]:
    """Add up the persons of rows alike in what is kept; a file may be too large to hold."""
    persons: Persons = {}
    names: dict[str, str] = {}
    refused, read = [], 0
    with source.text() as file:
        lines = csv.reader(narrow(file), delimiter=source.delimiter)
        try:
            keys = [_key(name) for name in next(lines, [])]
            if not set(keys) >= FLOW:
                wanted = ", ".join(sorted(FLOW))
                raise InputError(f"{source.name}: no Erasmus+ mobility: it lacks one of {wanted}.")
            for cells in filter(any, lines):
                read += 1
                row = dict(zip(keys, map(str.strip, cells), strict=False))
                fault = _fault(row, len(cells), len(keys))
                if fault:
                    refused.append(source.refuse(f"line {lines.line_num}", fault))
                    continue
                kept = (" ".join(row.get(key, "").split()) for key in KEPT)
                alike = ["" if UNKNOWN.fullmatch(cell) else cell for cell in kept]
                for name, code in ((1, 2), (4, 5)):  # of an organisation spelled in several ways
                    alike[name] = names.setdefault(alike[code] or alike[name], alike[name])
                persons.setdefault(tuple(alike), [0, lines.line_num])[0] += int(row["participants"])
        except csv.Error as error:
            place = f"{source.name}, line {lines.line_num}"
            raise InputError(f"{place}: not a table ({error}). Export it again.") from None
    return persons, refused, read


def _fault(row: dict[str, str], cells: int, columns: int) -> str | None:
    if cells != columns:
        return f"{cells} columns where the header has {columns}"
    if not re.fullmatch(r"[0-9]{1,9}", row["participants"]):
        return f"participants {row['participants']!r} is not a whole number"
    for side in SIDES:
        code = row[f"{side}_country_code"]
        if iso_country(code) is None and not UNKNOWN.fullmatch(code):
            return f"{side} country {code!r} is no code of two letters"
    return None


def sniff_projects(source: Source) -> bool:
    """Is it a table or workbook of Erasmus+ projects, with their partners side by side?"""
    return any(_lists_projects(columns) for columns in headers(source))


def _lists_projects(columns: list[str]) -> bool:
    return set(map(_key, columns)) >= PROJECT


def read_projects(source: Source) -> Records:
    """Read the list of project results: the coordinator and each `Partner n` are one party."""
    if source.packing == "xlsx":
        table, refused, prefix = sheet_table(source, _lists_projects), [], "row "
    else:
        (table, refused), prefix = source.table(), "line "
    if table is None or not _lists_projects(list(table.columns)):
        raise InputError(f"{source.name}: no list of Erasmus+ project results.")
    table.columns = [_key(column) for column in table.columns]
    table = table.loc[:, ~table.columns.duplicated()]
    rows = []
    for place, given in zip(table.index, table.fillna("").to_dict("records"), strict=True):
        project = blank(
            agreement_id=given["project_identifier"],
            kind="project",
            title=given["project_title"],
            type=given.get("action_type", ""),
            programme=given.get("programme", "") or "Erasmus+",
            start=given.get("start_date", ""),
            end=given.get("end_date", ""),
            amount=given.get("amount", "").replace(",", ""),
            line=f"{prefix}{place}",
        )
        parties = {"coordinating_organisation_name": ("coordinator", "coordinator_s_country")}
        for column in table.columns:
            if found := re.fullmatch(r"(partner_\d+)(_organisation)?_name", column):
                parties[column] = ("partner", f"{found[1]}_country")
        for column, (role, country) in parties.items():
            if given[column]:
                party = {"partner": given[column], "role": role, "country": given.get(country, "")}
                rows.append(project | party)
    source.notes["version"] = "projects"
    return build(source, rows, refused, name="erasmus", prefix="erasmus:")
