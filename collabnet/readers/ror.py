"""The ROR registry (schema v1 or v2, JSON or the zip of a release): institutions and their ties.

Source of the fields: ROR metadata schemas v1.0 and v2.1.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd

from collabnet.errors import InputError
from collabnet.identifiers import site
from collabnet.readers.source import Source, typed
from collabnet.records import Records

RECORD = re.compile(r'"id"\s*:\s*"https://ror\.org/0\w{8}"')

Row = dict[str, Any]


def sniff(source: Source) -> bool:
    """Is it JSON with ROR records in it?"""
    fields = ('"names"', '"country_code"')
    return (
        source.is_json
        and any(field in source.head for field in fields)
        and bool(RECORD.search(source.head))
    )


def read(source: Source) -> Records:
    """Read organisations and the relations between them; there are no activities in a registry.

    Raises
    ------
    InputError
        The file is cut short or is not JSON.
    """
    with source.text() as file:
        text = file.read()
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "the nesting"
        raise InputError(
            f"{source.name}: not complete JSON, it breaks at {place}. Get the file again."
        ) from None
    institutions, relations, refused, version = [], [], [], "v2"
    for number, item in enumerate(items if isinstance(items, list) else [items], 1):
        try:
            identifier = item["id"].rsplit("/", 1)[-1]
            if "names" not in item:
                item = _modern(item)  # noqa: PLW2901 - one shape from here on
                version = "v1"
            institutions.append(typed("institutions", _institution(item, identifier)))
            relations += [
                {
                    "from": identifier,
                    "to": tie["id"].rsplit("/", 1)[-1],
                    "kind": tie["type"].lower(),
                    "source": "ROR",
                }
                for tie in item.get("relationships") or []
            ]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            detail = error if isinstance(error, ValueError) else "parts missing or mixed up"
            refused.append(source.refuse(f"item {number}", f"not a ROR record ({detail})"))
    if refused and not institutions:
        raise InputError(
            f"{source.name}: no ROR record of schema v1 or v2 in it. Get a release of ROR."
        )
    source.notes |= {"version": version, "kept": len(institutions)}
    tables = {"institutions": pd.DataFrame(institutions).drop_duplicates("institution_id")}
    if relations:
        tables["relations"] = pd.DataFrame(relations).drop_duplicates()
    if refused:
        tables["quarantine"] = pd.DataFrame(refused)
    return Records(tables)


def _modern(item: Row) -> Row:
    """Return a record of schema v1 in the shape of v2."""
    names = [{"value": item["name"], "types": ["ror_display"]}]
    names += [{"value": name, "types": ["alias"]} for name in item["aliases"] + item["acronyms"]]
    names += [
        {"value": label["label"], "lang": label["iso639"], "types": ["label"]}
        for label in item["labels"]
    ]
    place = next(iter(item["addresses"]), {})
    details = {"name": place.get("city"), "lat": place.get("lat"), "lng": place.get("lng")}
    details["country_code"] = item["country"]["country_code"]
    return item | {
        "names": names,
        "locations": [{"geonames_details": details}],
        "types": [kind.lower() for kind in item["types"]],
        "links": [{"value": link} for link in item.get("links") or []],
        "external_ids": [{"type": k.lower()} | ids for k, ids in item["external_ids"].items()],
    }


def _institution(item: Row, identifier: str) -> Row:
    names = item["names"]
    shown = next((n["value"] for n in names if "ror_display" in n["types"]), names[0]["value"])
    labels = {n["lang"]: n["value"] for n in names if n.get("lang") and "label" in n["types"]}
    others = dict.fromkeys(n["value"].replace("|", "/") for n in names if n["value"] != shown)
    place = (item.get("locations") or [{}])[0].get("geonames_details") or {}
    kinds = item.get("types") or []
    codes = {ids["type"]: _first(ids) for ids in item.get("external_ids") or []}
    links = filter(None, (site(link["value"]) for link in item.get("links") or []))
    return {
        "institution_id": identifier,
        "name": shown,
        "names": json.dumps(labels, ensure_ascii=False) if labels else None,
        "aliases": "|".join(others),
        "country": place.get("country_code"),
        "city": place.get("name"),
        "lat": place.get("lat"),
        "lon": place.get("lng"),
        "type": next((kind for kind in kinds if kind != "funder"), "funder" if kinds else None),
        "status": item.get("status"),
        "hei_id": next(iter(item.get("domains") or []), None),
        "website": next(links, None),
        "grid": codes.get("grid"),
        "wikidata": codes.get("wikidata"),
    }


def _first(ids: Row) -> str | None:
    found = ids.get("preferred") or ids.get("all") or None
    return found if isinstance(found, str | None) else found[0]
