"""CORDIS: who took part in which EU project, by PIC.

Two layouts: participations by project record number (`rcn, pic, role, country …`) and the official
`organization.csv` (`projectID;organisationID;role;country …`).
"""

from __future__ import annotations

import pandas as pd

from collabnet.errors import InputError
from collabnet.identifiers import DATE, iso_country
from collabnet.readers.source import Source
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
    "name": "name",
    "shortName": "aliases",
    "city": "city",
    "geolocation": "geolocation",
    "projectAcronym": "title",
}
NEEDED = ("project", "pic", "role", "country")
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


def sniff(source: Source) -> bool:
    """Is it one of the two layouts?"""
    return _layout(source) is not None


def read(source: Source) -> Records:
    """Read participations: one project an activity, one participant per organisation in it.

    Country codes EL and UK become GR and GB; `NA` is Namibia as a country, and missing elsewhere.

    Raises
    ------
    InputError
        The file is not such a table, or cannot be parsed.
    """
    layout = _layout(source)
    if layout is None:
        raise InputError(f"{source.name}: no CORDIS table: it lacks the columns of either layout.")
    rows, refused = source.table()
    rows = rows[[column for column in layout if column in rows]].rename(columns=layout)
    others = rows.columns.difference(["country"])
    rows[others] = rows[others].mask(rows[others] == "NA", "")
    country = rows["country"].map(iso_country).astype("string")
    wrong = pd.Series(pd.NA, index=rows.index, dtype="string")
    wrong[rows["project"].fillna("") == ""] = "no project number"
    wrong[~rows["pic"].str.fullmatch(r"\d{9}").fillna(value=False)] = "no PIC of nine digits"
    wrong[country.isna() & (rows["country"] != "")] = "country is no code of two letters"
    for date in rows.columns.intersection(["start", "end"]):
        wrong[~rows[date].str.fullmatch(DATE) & (rows[date] != "")] = f"{date} is no date"
    bad = wrong.notna()
    quarantine = pd.DataFrame(
        {
            "file": source.name,
            "record": _places(rows),
            "reason": wrong + ": " + rows["project"] + ", " + rows["pic"] + ", " + rows["country"],
        }
    )[bad]
    rows = rows.assign(country=country)[~bad]
    if rows.empty:
        first = [*quarantine["reason"], *(line["reason"] for line in refused), "no row at all"][0]
        raise InputError(f"{source.name}: no participation could be read ({first}).")
    version = "organization" if layout is ORGANIZATION else "rcn"
    source.notes |= {"kept": len(rows), "version": version}
    rows["activity_id"] = PREFIX[version] + rows["project"]
    rows["institution_id"] = "pic:" + rows["pic"]
    return Records(
        {
            "activities": _activities(rows, source),
            "participants": _participants(rows),
            "institutions": _institutions(rows),
            "quarantine": pd.concat([pd.DataFrame(refused), quarantine], ignore_index=True),
        }
    )


def _places(rows: pd.DataFrame) -> pd.Series:
    return "line " + rows.index.to_series().astype("string")


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    return rows[name] if name in rows else pd.Series("", index=rows.index, dtype="string")


def _number(column: pd.Series) -> pd.Series:
    """Read an amount; a decimal comma is one."""
    return pd.to_numeric(column.str.replace(",", "."), errors="coerce").astype("Float64")


def _activities(rows: pd.DataFrame, source: Source) -> pd.DataFrame:
    first = rows.drop_duplicates("activity_id")
    end = _column(first, "end")
    return pd.DataFrame(
        {
            "activity_id": first["activity_id"],
            "kind": "project",
            "title": _column(first, "title"),
            "start": _column(first, "start"),
            "end": end,
            "end_status": end.where(end == "", "known").replace("", "unknown"),
            "amount": _number(_column(first, "amount")),
            "link_known": True,
            "synthetic": False,
            "programme": "EU framework programme",
            "source": f"cordis:{source.name}",
            "record": _places(first),
        }
    )


def _participants(rows: pd.DataFrame) -> pd.DataFrame:
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
