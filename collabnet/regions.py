"""Regions: overlapping sets of NUTS units, countries and named institutions, dated, with source.

The list is `data/regions.toml`; anyone may write another one. A region is a table of rules, so two
of them are joined with `pandas.concat`.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from collabnet import settings
from collabnet.errors import InputError, UnknownNameError
from collabnet.geo import EVERYWHERE
from collabnet.identifiers import DATE, institution_id, iso_country
from collabnet.schema import COLLABNET

COLUMNS = ["region", "rule", "code", "since", "until"]
LANGUAGES = ("en", "fr", "de", "nl")
# Keys of the file and the rule each makes.
RULES = {"nuts": "nuts", "countries": "country", "institutions": "institution"}
KEYS = ("labels", "source", "status", "note", "notes", "nuts_versions", *RULES)
EXAMPLES = {
    "nuts": '"BE33" or { code = "BE33", since = "2019-04" }',
    "countries": '"LU" or { code = "GB", until = "2020-01-31" }',
    "institutions": '"00afp2z80" or { id = "00afp2z80", since = "2008" }',
}


def region(name: str, *, at: str | None = None, path: str | Path | None = None) -> pd.DataFrame:
    """Return a region as a table of the rules that make it.

    Parameters
    ----------
    name
        Name of the region, such as "grande-region"; `list_regions` lists them.
    at
        ISO date (2019, 2019-06 or 2019-06-30): keep what belonged to the region then. By default a
        rule that has an end is left out.
    path
        A TOML file to read instead of the shipped one and that of `settings.REGION_FILE`.

    Returns
    -------
    `region, rule, code, since, until`: rule is {"nuts", "country", "institution"}; code is a NUTS
    prefix, an ISO 3166-1 alpha-2 code (`*` is everywhere) or an institution id. `attrs` hold
    `region`, `at`, `labels` by language, `source`, `status` {"verified", "recalled"}, `remark`
    (`remarks` in other languages), `nuts_versions` (those in which the prefixes hold), and `note`.

    Raises
    ------
    UnknownNameError
        There is no region of this name.
    InputError
        The file is no list of regions, or `at` is no date.

    Examples
    --------
    >>> region("maghreb").code.tolist()
    ['DZ', 'MA', 'TN']
    >>> "GB" in set(region("eu27", at="2019").code), "GB" in set(region("eu27", at="2021").code)
    (True, False)
    """
    if at is not None and not DATE.fullmatch(at):
        raise InputError(f"at={at!r} is not a date such as 2020, 2020-01 or 2020-01-31.")
    known = _list(path)
    table = _rules(name, known)
    entry = known[name]
    table = table.loc[[_holds(rule, at) for rule in table.fillna("").to_dict("records")]]
    table = table.sort_values(["rule", "code"], ignore_index=True)
    facts = {key: entry[key] for key in ("labels", "source", "status", "nuts_versions")}
    facts |= {"region": name, "at": at, "remark": entry["note"] or None, "remarks": entry["notes"]}
    said = {key: facts[key] for key in ("region", "at", "source", "status", "remark")}
    table.attrs = copy.deepcopy(
        facts | {"note": {"what": "region", **said, "collabnet": COLLABNET}}
    )
    return table


def list_regions(*, path: str | Path | None = None) -> pd.DataFrame:
    """List the regions.

    Parameters
    ----------
    path
        A TOML file to read instead of the shipped one and that of `settings.REGION_FILE`.

    Returns
    -------
    `region, label_en, label_fr, label_de, label_nl, rules, source`, in the order of the file;
    `rules` is their number, ended ones included.

    Raises
    ------
    InputError
        The file is no list of regions.

    Examples
    --------
    >>> list_regions().set_index("region").label_fr["euregio-meuse-rhine"]
    'Euregio Meuse-Rhin'
    """
    rows = [
        {
            "region": name,
            **{f"label_{lang}": entry["labels"].get(lang) for lang in LANGUAGES},
            "rules": sum(len(entry[key]) for key in RULES),
            "source": entry["source"],
        }
        for name, entry in _list(path).items()
    ]
    table = pd.DataFrame(rows)
    table.attrs["note"] = {
        "what": "regions",
        "file": str(path or "shipped"),
        "collabnet": COLLABNET,
    }
    return table.astype(dict.fromkeys(table.columns.drop("rules"), "string"))


def memberships(
    institutions: pd.DataFrame,
    names: Sequence[str | pd.DataFrame] | None = None,
    *,
    at: str | None = None,
) -> pd.DataFrame:
    """Say which institution lies in which region; one may lie in several.

    An institution lies in a region if its NUTS 3 code begins with a prefix of it, if its country is
    listed there (a prefix of two letters is a whole country), or if it is named.

    Parameters
    ----------
    institutions
        `institution_id`, and of `nuts3` and `country` what is known.
    names
        Names of regions, or tables of `region`, which are taken as they are; `settings.REGIONS` by
        default.
    at
        ISO date at which named regions are taken, as in `region`.

    Returns
    -------
    `institution_id, region`, one row a membership, in the order of `names`. Who is missing is
    outside, or one of `unplaced`.

    Raises
    ------
    UnknownNameError
        There is no region of one of the names.

    Examples
    --------
    >>> liege = pd.DataFrame({"institution_id": ["L"], "nuts3": ["BE332"], "country": ["BE"]})
    >>> memberships(liege).region.tolist()
    ['euregio-meuse-rhine', 'grande-region']
    """
    found, looked_at = [institutions[["institution_id"]].iloc[:0].assign(region="")], []
    for given in settings.REGIONS if names is None else names:
        rules = region(given, at=at) if isinstance(given, str) else given
        for name, part in rules.groupby("region", sort=False):
            inside = institutions.loc[_inside(institutions, part), ["institution_id"]]
            found.append(inside.assign(region=name))
            looked_at.append(name)
    table = pd.concat(found, ignore_index=True).astype("string")
    note = {"what": "memberships", "regions": looked_at, "at": at, "placed": len(table)}
    table.attrs = {"note": note | {"institutions": len(institutions), "collabnet": COLLABNET}}
    return table


def spells(institutions: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Say which institution lay in which region, and in which years (0 and 9999: without limit)."""
    found = []
    for name in names:
        rules = _rules(name, _list(None))
        since = rules["since"].str.slice(0, 4).fillna("0").astype("int64")
        until = rules["until"].str.slice(0, 4).fillna("9999").astype("int64")
        for first, last in sorted(set(zip(since, until, strict=True))):
            part = rules[(since == first) & (until == last)]
            inside = institutions.loc[_inside(institutions, part), ["institution_id"]]
            found.append(inside.assign(region=name, since_year=first, until_year=last))
    return pd.concat(found, ignore_index=True).astype({"region": "string"})


def unplaced(institutions: pd.DataFrame, region: pd.DataFrame) -> pd.DataFrame:
    """Return the institutions of which it cannot be told whether they lie in a region.

    Those without NUTS code in a country that its NUTS rules touch, or without a country.
    """
    touched = {iso_country(code[:2]) for code in region.loc[region["rule"] == "nuts", "code"]}
    of_place = bool((region["rule"] != "institution").any())
    places = institutions.reindex(columns=["nuts3", "country"])
    lost = places["country"].isin(touched) | (places["country"].isna() & of_place)
    doubt = places["nuts3"].isna() & lost
    return institutions[doubt & ~_inside(institutions, region)]


def _inside(institutions: pd.DataFrame, rules: pd.DataFrame) -> pd.Series:
    codes = {rule: set(rules.loc[rules["rule"] == rule, "code"]) for rule in RULES.values()}
    if EVERYWHERE in codes["country"]:
        return pd.Series(data=True, index=institutions.index)
    whole = {iso_country(code) for code in codes["nuts"] if len(code) == 2}
    places = institutions.reindex(columns=["nuts3", "country"]).astype("string").fillna("")
    return (
        institutions["institution_id"].isin(codes["institution"])
        | places["country"].isin(codes["country"] | whole)
        | places["nuts3"].str.startswith(tuple(codes["nuts"]))
    ).astype(bool)


def _rules(name: str, known: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return all rules of a region, ended ones too."""
    if name not in known:
        raise UnknownNameError("region", name, known)
    rows = [
        {"region": name, "rule": rule, **given}
        for key, rule in RULES.items()
        for given in known[name][key]
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype("string")


def _holds(rule: dict[str, Any], at: str | None) -> bool:
    """Tell whether a rule holds; dates are compared as precisely as both are known."""
    since, until = rule["since"], rule["until"]
    if at is None:
        return not until
    begun = since[: len(at)] <= at[: len(since)]
    return begun and (not until or until[: len(at)] >= at[: len(until)])


def _list(path: str | Path | None) -> dict[str, dict[str, Any]]:
    if path is not None:
        return _load(Path(path))
    return _shipped() | (_load(Path(settings.REGION_FILE)) if settings.REGION_FILE else {})


@cache
def _shipped() -> dict[str, dict[str, Any]]:
    return _load(Path(str(files("collabnet") / "data" / "regions.toml")))


def _load(path: Path) -> dict[str, dict[str, Any]]:
    """Read a list of regions and bring every rule to the form {code, since, until}."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise InputError(f"{path}: not a TOML file ({error}).") from None
    if not given:
        raise InputError(f"{path}: holds no region; begin one with a line such as [my-region].")
    return {name: _region(f"{path.name}: region {name!r}", entry) for name, entry in given.items()}


def _region(place: str, given: Any) -> dict[str, Any]:
    """Check one region of the file."""
    if not isinstance(given, dict):
        raise InputError(f"{place} is not a table; begin it with its name in brackets.")
    for key in given:
        if key not in KEYS:
            raise InputError(f"{place} has {key!r}, which is not one of {', '.join(KEYS)}.")
    labels = given.get("labels")
    if not isinstance(labels, dict) or {type(labels.get(k)) for k in {"en", *labels}} != {str}:
        raise InputError(f'{place} needs labels = {{ en = "…" }}, in more languages if you like.')
    if not isinstance(given.get("source"), str) or not given["source"].strip():
        raise InputError(f'{place} needs source = "…": who says what belongs to it?')
    notes = given.get("notes", {})
    if not isinstance(notes, dict) or not all(
        re.fullmatch("[a-z]{2}", lang) and isinstance(text, str) for lang, text in notes.items()
    ):
        raise InputError(f'{place}: notes should be in other languages, such as {{ fr = "…" }}.')
    for key in RULES:
        if not isinstance(given.get(key, []), list):
            raise InputError(f"{place}: {key!r} should be a list in brackets.")
    rules = {key: [_rule(place, key, rule) for rule in given.get(key, [])] for key in RULES}
    return {"status": "", "note": "", "notes": {}, "nuts_versions": [], **given, **rules}


def _rule(place: str, key: str, rule: Any) -> dict[str, str]:
    """Check one rule of a region."""
    named = "id" if key == "institutions" else "code"
    parts = {named: rule} if isinstance(rule, str) else rule
    if isinstance(parts, dict) and set(parts) <= {named, "since", "until"}:
        dates = {k: str(parts[k]) for k in ("since", "until") if k in parts}
        code = _code(key, str(parts.get(named, "")).strip())
        if code and all(map(DATE.fullmatch, dates.values())):
            return {"code": code, **dates}
    raise InputError(f"{place}: {key} has {rule!r}; write {EXAMPLES[key]}.")


def _code(key: str, text: str) -> str | None:
    """Return a code in its normal form, or None where it is none."""
    if key == "nuts":
        return text if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{0,3}", text) else None
    if key == "countries":
        return text if text == EVERYWHERE else iso_country(text)
    return institution_id(text) or text
