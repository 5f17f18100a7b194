"""Interreg: who takes part in which project, one JSON object a partner."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pandas as pd

from collabnet.errors import InputError
from collabnet.readers.agreements import build, load_mapping, template_rows
from collabnet.readers.source import Source
from collabnet.records import Records

MAPPING = Path(str(files("collabnet"))) / "data" / "interreg.toml"
PROJECT = ["program", "projektnamn"]
DATES = {"since": ("startdatum", "min"), "until": ("slutdatum", "max")}
NEEDED = [*PROJECT, "organisationsnamn", "organisationsroll", "startdatum", "slutdatum", "land"]


def sniff(source: Source) -> bool:
    """Is it JSON with partners of projects?"""
    return source.is_json and all(f'"{name}"' in source.head for name in NEEDED)


def read(source: Source) -> Records:
    """Read partners: rows of one programme and project name are one activity.

    A partner whose dates are not those of the whole project has them as his membership.
    """
    try:
        with source.text() as file:
            items = json.load(file)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source.name}: broken JSON ({error}). Download it again.") from None
    items = list(enumerate(items if isinstance(items, list) else [items], 1))
    good = {n: item for n, item in items if isinstance(item, dict) and all(map(item.get, PROJECT))}
    reason = f"no partner of a project: {' and '.join(PROJECT)} are needed"
    refused = [source.refuse(f"item {n}", reason) for n, _ in items if n not in good]
    columns = [*NEEDED, "projekttyp", "specifiktmal"]
    table = pd.DataFrame(good.values(), index=list(good), columns=columns, dtype="string")
    table = table.fillna("")
    table["project"] = table["program"] + "/" + table["projektnamn"]
    start, end = table["startdatum"], table["slutdatum"]
    table["note"] = ""
    for date in (start, end):
        days = pd.to_datetime(date, format="%Y-%m-%d", errors="coerce")
        no_day = date.str.fullmatch(r"\d{4}-\d\d-\d\d") & days.isna()
        table.loc[no_day, "note"] = date + " is no day: " + date.name + " is known to the month"
        table[date.name] = date.mask(no_day, date.str[:7])
    early = (end != "") & (end < start)
    table.loc[early, "note"] = "slutdatum " + end + " is before the start: unknown"
    table["slutdatum"] = table["slutdatum"].mask(early, "")
    for membership, (date, widest) in DATES.items():
        whole = table.groupby("project")[date].transform(widest)
        own = table.groupby(["project", "organisationsnamn"])[date].transform(widest)
        table[membership] = own.mask(own == whole, "")
        table[date] = whole
    rows = template_rows(table, load_mapping(MAPPING), "item ")
    return build(source, rows, refused, name="interreg")
