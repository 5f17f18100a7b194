"""CORDIS: who took part in which EU project, by PIC.

The official files (`project.csv`, `organization.csv`, `euroSciVoc.csv`, of FP7, H2020 or Horizon
Europe) as their zip, as a folder or one by one; and participations by project record number
(`rcn, pic, role, country …`).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from collabnet.errors import InputError
from collabnet.identifiers import DATE, iso_country
from collabnet.readers.source import HEAD, LARGEST, Source
from collabnet.records import Records

PARTICIPATIONS = {
    "rcn": "project",
    "pic": "pic",
    "role": "role",
    "country": "country",
    "type": "type",
    "contribution": "contribution",
    "start_date": "start",
    "end_date": "end",
    "total_cost": "amount",
}
ORGANIZATION = {
    "projectID": "project",
    "organisationID": "pic",
    "role": "role",
    "country": "country",
    "activityType": "type",
    "ecContribution": "contribution",
    "netEcContribution": "net_contribution",
    "endOfParticipation": "until",
    "name": "name",
    "shortName": "aliases",
    "city": "city",
    "geolocation": "geolocation",
    "projectAcronym": "title",
}
PROJECT = {
    "id": "project",
    "title": "title",
    "acronym": "acronym",
    "startDate": "start",
    "endDate": "end",
    "totalCost": "amount",
    "frameworkProgramme": "programme",
    "fundingScheme": "funding_scheme",
    "legalBasis": "legal_basis",
    "topics": "topic",
    "status": "status",
    "contentUpdateDate": "updated",
}
EXTRA = ("acronym", "legal_basis", "topic", "status", "updated")
PARTS = ("project", "organization", "euroSciVoc")
"""The official files that are read, by stem; the first one there stands for all."""

NEEDED = ("project", "pic", "role", "country")
SUBJECT = {"projectID", "euroSciVocPath"}
PREFIX = {"rcn": "cordis-rcn:", "organization": "cordis:"}
"""Record control numbers and grant agreement numbers overlap: one prefix each."""
TYPES = {
    "HES": "education",
    "REC": "facility",
    "PRC": "company",
    "PUB": "government",
    "OTH": "other",
}


def _layout(source: Source) -> dict[str, str] | None:
    for layout in (PARTICIPATIONS, ORGANIZATION):
        if {column for column, name in layout.items() if name in NEEDED} <= set(source.columns):
            return layout
    return None


@dataclass
class _Member(Source):
    """A file inside a zip; nothing is unpacked to the disk, whatever its path."""

    inside: str = ""

    def member(self) -> str:
        return self.inside


def _parts(source: Source) -> dict[str, Source]:
    """Return the official files in a zip, or beside a file of such a name, with itself."""
    found: dict[str, Source] = {}
    if source.packing == "zip":
        with zipfile.ZipFile(source.path) as archive:
            inside = {PurePosixPath(i.filename).stem: i for i in archive.infolist()}
        size = 0
        for stem in [stem for stem in PARTS if stem in inside]:
            size += inside[stem].file_size
            if size > LARGEST["zip"] or inside[stem].flag_bits & 1:
                raise InputError(f"{source.name}: has a password or is far too large. Unpack it.")
            part = _Member(source.path, "zip", "", "utf-8", inside=inside[stem].filename)
            with part.unpacked() as file:
                part.head = file.read(HEAD).decode("utf-8-sig", errors="replace")
            found[stem] = part
    elif not source.packing and source.path.stem in PARTS:
        beside = {stem: source.path.with_name(f"{stem}.csv") for stem in PARTS}
        found = {s: Source.open(p) for s, p in beside.items() if p.is_file() and p.stat().st_size}
    return {stem: part for stem, part in found.items() if _is_part(stem, part)}


def _is_part(stem: str, part: Source) -> bool:
    needed = {"project": {"id", "startDate", "frameworkProgramme"}, "euroSciVoc": SUBJECT}
    return needed[stem] <= set(part.columns) if stem in needed else _layout(part) is not None


def companions(folder: Path) -> set[str]:
    """Name the files of a folder that are read together with another one of it."""
    first = next((folder / f"{s}.csv" for s in PARTS if (folder / f"{s}.csv").is_file()), None)
    parts = _parts(Source.open(first)) if first and first.stat().st_size else {}
    return {f"{stem}.csv" for stem in [*parts][1:]} if "organization" in parts else set()


def sniff(source: Source) -> bool:
    """Is it one of the two layouts, or a zip or project list that has the official one with it?"""
    return _layout(source) is not None or "organization" in _parts(source)


def read(source: Source) -> Records:
    """Read participations: one project an activity, one participant per organisation in it.

    Country codes EL and UK become GR and GB; `NA` is Namibia as a country, and missing elsewhere.

    Raises
    ------
    InputError
        The file is not such a table, or cannot be parsed.
    """
    parts = _parts(source)
    main = parts.get("organization", source)
    layout = _layout(main)
    if layout is None:
        raise InputError(f"{source.name}: no CORDIS table: it lacks the columns of either layout.")
    rows, refused = _table(main)
    rows = rows[[column for column in layout if column in rows]].rename(columns=layout)
    others = rows.columns.difference(["country"])
    rows[others] = rows[others].mask(rows[others] == "NA", "")
    country = rows["country"].map(iso_country).astype("string")
    wrong = pd.Series(pd.NA, index=rows.index, dtype="string")
    wrong[rows["project"].fillna("") == ""] = "no project number"
    wrong[~rows["pic"].str.fullmatch(r"\d{9}").fillna(value=False)] = "no PIC of nine digits"
    wrong[country.isna() & (rows["country"] != "")] = "country is no code of two letters"
    _check_dates(rows, wrong)
    bad = wrong.notna()
    reason = wrong + ": " + rows["project"] + ", " + rows["pic"] + ", " + rows["country"]
    quarantine = _refuse(source, _places(main, rows), reason)
    rows = rows.assign(country=country)[~bad]
    if rows.empty:
        first = [*quarantine["reason"], *(line["reason"] for line in refused), "no row at all"][0]
        raise InputError(f"{source.name}: no participation could be read ({first}).")
    version = "organization" if layout is ORGANIZATION else "rcn"
    source.notes |= {"kept": len(rows), "version": "+".join(parts) or version}
    rows["activity_id"] = PREFIX[version] + rows["project"]
    rows["institution_id"] = "pic:" + rows["pic"]
    first = rows.drop_duplicates("activity_id").assign(record=lambda one: _places(main, one))
    listed = [pd.DataFrame(refused), quarantine]
    if "project" in parts:
        projects, doubtful = _projects(parts["project"])
        first = pd.concat([projects, first]).drop_duplicates("activity_id")
        listed.append(doubtful)
    tables = {"activities": _activities(first, source), "participants": _participants(rows)}
    if "euroSciVoc" in parts:
        tables["fields"], doubtful = _subjects(parts["euroSciVoc"], first["activity_id"])
        listed.append(doubtful)
    tables |= {"institutions": _institutions(rows)}
    return Records(tables | {"quarantine": pd.concat(listed, ignore_index=True)})


def _table(part: Source) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    rows, refused = part.table()
    inside = f"{part.inside}, " if isinstance(part, _Member) else ""
    return rows, [line | {"record": inside + line["record"]} for line in refused]


def _places(part: Source, rows: pd.DataFrame) -> pd.Series:
    inside = f"{part.inside}, " if isinstance(part, _Member) else ""
    return f"{inside}line " + rows.index.to_series().astype("string")


def _refuse(source: Source, places: pd.Series, reasons: pd.Series) -> pd.DataFrame:
    rows = pd.DataFrame({"file": source.name, "record": places, "reason": reasons})
    return rows[reasons.notna()]


def _check_dates(rows: pd.DataFrame, wrong: pd.Series) -> None:
    for date in rows.columns.intersection(["start", "end"]):
        wrong[~rows[date].str.fullmatch(DATE) & (rows[date] != "")] = f"{date} is no date"


def _projects(part: Source) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what `project.csv` says of projects, and its lines that cannot be understood."""
    rows, refused = _table(part)
    rows = rows[[column for column in PROJECT if column in rows]].rename(columns=PROJECT)
    wrong = pd.Series(pd.NA, index=rows.index, dtype="string")
    _check_dates(rows, wrong)
    wrong[rows["project"] == ""] = "no project number"
    wrong[rows["project"].duplicated() & wrong.isna()] = "a second line of this project"
    quarantine = _refuse(part, _places(part, rows), wrong + ": " + rows["project"])
    rows = rows.assign(record=_places(part, rows))[wrong.isna()]
    rows["activity_id"] = PREFIX["organization"] + rows["project"]
    return rows, pd.concat([pd.DataFrame(refused), quarantine])


def _subjects(part: Source, projects: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the EuroSciVoc subjects of the projects known."""
    rows, refused = _table(part)
    activity = PREFIX["organization"] + rows["projectID"]
    wrong = pd.Series(pd.NA, index=rows.index, dtype="string")
    wrong[~activity.isin(projects)] = "no project of this number: " + rows["projectID"]
    fields = pd.DataFrame({"activity_id": activity, "code": rows["euroSciVocPath"].str.strip("/")})
    fields = fields[wrong.isna()].drop_duplicates()
    size = fields.groupby("activity_id")["code"].transform("size")
    quarantine = pd.concat([pd.DataFrame(refused), _refuse(part, _places(part, rows), wrong)])
    return fields.assign(scheme="euroscivoc", share=1 / size), quarantine


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    blank = pd.Series("", index=rows.index, dtype="string")
    return rows[name].fillna("") if name in rows else blank


def _number(column: pd.Series) -> pd.Series:
    """Read an amount; a decimal comma is one, and what stands before it parts thousands."""
    plain = column.str.replace(r"[.,](?=.*[.,])", "", regex=True).str.replace(",", ".")
    return pd.to_numeric(plain, errors="coerce").astype("Float64")


def _activities(first: pd.DataFrame, source: Source) -> pd.DataFrame:
    end = _column(first, "end")
    title, acronym = _column(first, "title"), _column(first, "acronym")
    return pd.DataFrame(
        {
            "activity_id": first["activity_id"],
            "kind": "project",
            "type": _column(first, "funding_scheme"),
            "title": title.where(title != "", acronym),
            "start": _column(first, "start"),
            "end": end,
            "end_status": end.where(end == "", "known").replace("", "unknown"),
            "amount": _number(_column(first, "amount")),
            "link_known": True,
            "synthetic": False,
            "programme": _column(first, "programme").replace("", "EU framework programme"),
            "source": f"cordis:{source.name}",
            "record": first["record"],
            **{column: first[column] for column in EXTRA if column in first},
        }
    )


def _participants(rows: pd.DataFrame) -> pd.DataFrame:
    until = _column(rows, "until").str[:10]
    official = "net_contribution" in rows
    left = {"net_contribution": _number(rows["net_contribution"])} if official else {}
    # The official files say whether a party left early, but not when.
    left |= {"left_early": until.str.lower() == "true"} if official else {}
    return pd.DataFrame(
        {
            "activity_id": rows["activity_id"],
            "institution_id": rows["institution_id"],
            "position": rows.groupby("activity_id").cumcount() + 1,
            "role": rows["role"],
            "country": rows["country"],
            "affiliation": _column(rows, "name"),
            "evidence": "source",
            "contribution": _number(_column(rows, "contribution")),
            "until": until.where(until.str.fullmatch(DATE)),
            **left,
        }
    )


def _institutions(rows: pd.DataFrame) -> pd.DataFrame:
    # An organisation may appear under several countries; the commonest is its own.
    commonest = rows.groupby(["institution_id", "country"], dropna=False, as_index=False).agg(
        n=("pic", "size")
    )
    commonest = commonest.sort_values(["n", "country"], ascending=[False, True])
    country = commonest.drop_duplicates("institution_id").set_index("institution_id")["country"]
    first = rows.drop_duplicates("institution_id")
    place = _column(first, "geolocation").str.extract(r"^\(?(-?[\d.]+),\s*(-?[\d.]+)\)?$")
    name = _column(first, "name")
    return pd.DataFrame(
        {
            "institution_id": first["institution_id"],
            "name": name.where(name != "", "PIC " + first["pic"]),
            "aliases": _column(first, "aliases"),
            "country": first["institution_id"].map(country),
            "city": _column(first, "city"),
            "lat": pd.to_numeric(place[0], errors="coerce"),
            "lon": pd.to_numeric(place[1], errors="coerce"),
            "type": _column(first, "type").map(TYPES).astype("string"),
            "pic": first["pic"],
        }
    )
