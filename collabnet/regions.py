"""Regions: overlapping sets of NUTS regions, countries and named institutions, dated, with source.

The list is `data/regions.toml`; anyone may write another one. A region is a table of rules, so two
of them are joined with `pandas.concat`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from collabnet import settings
from collabnet.errors import InputError, UnknownNameError

RULES = {"nuts": "nuts", "countries": "country", "institutions": "institution"}
LANGUAGES = ("en", "fr", "de", "nl")
COLUMNS = ["region", "rule", "code", "since", "until"]
EVERYWHERE = "*"
FROM_NUTS = {"EL": "GR", "UK": "GB"}


def region(name: str, *, at: str | None = None, path: str | Path | None = None) -> pd.DataFrame:
    """Return a region as a table of the rules that make it.

    Parameters
    ----------
    name
        Name of the region, such as "grande-region"; `regions` lists them.
    at
        ISO date; keep what belonged to the region on that day. By default every rule is kept that
        has not ended.
    path
        A TOML file to read instead of the shipped one.

    Returns
    -------
    `region, rule, code, since, until`: rule is {"nuts", "country", "institution"}; code is a NUTS
    prefix, an ISO 3166-1 alpha-2 code (`*` is everywhere) or an institution id. `attrs` hold
    `labels` by language, `source`, `status` and `note`.

    Raises
    ------
    UnknownNameError
        There is no region of this name.
    InputError
        The file is no list of regions.

    Examples
    --------
    >>> region("maghreb").code.tolist()
    ['DZ', 'MA', 'TN']
    """
    known = _load(Path(path)) if path else _shipped()
    if name not in known:
        raise UnknownNameError("region", name, known)
    entry = known[name]
    rows = [
        {"region": name, "rule": RULES[kind], "since": None, "until": None, **rule}
        for kind in RULES
        for rule in entry[kind]
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype("string")
    if at is None:
        table = table[table["until"].isna()]
    else:
        began = table["since"].isna() | (table["since"] <= at)
        table = table[began & (table["until"].isna() | (table["until"] >= at))]
    table = table.sort_values(["rule", "code"], ignore_index=True)
    table.attrs = {"region": name, "labels": entry["labels"], "at": at}
    table.attrs |= {key: entry[key] for key in ("source", "status", "note")}
    return table


def regions(*, path: str | Path | None = None) -> pd.DataFrame:
    """List the regions.

    Parameters
    ----------
    path
        A TOML file to read instead of the shipped one.

    Returns
    -------
    `region, label_en, label_fr, label_de, label_nl, rules, source`, in the order of the file.

    Raises
    ------
    InputError
        The file is no list of regions.

    Examples
    --------
    >>> regions().set_index("region").label_fr["euregio-meuse-rhine"]
    'Euregio Meuse-Rhin'
    """
    known = _load(Path(path)) if path else _shipped()
    rows = [
        {
            "region": name,
            **{f"label_{lang}": entry["labels"].get(lang) for lang in LANGUAGES},
            "rules": sum(len(entry[kind]) for kind in RULES),
            "source": entry["source"],
        }
        for name, entry in known.items()
    ]
    return pd.DataFrame(rows).astype({"region": "string", "source": "string"})


def memberships(
    institutions: pd.DataFrame,
    names: Sequence[str | pd.DataFrame] | None = None,
    *,
    at: str | None = None,
) -> pd.DataFrame:
    """Say which institution lies in which region; one may lie in several.

    Parameters
    ----------
    institutions
        `institution_id`, and of `nuts3` and `country` what is known.
    names
        Regions, or names of regions; `settings.REGIONS` by default.
    at
        ISO date, as in `region`.

    Returns
    -------
    `institution_id, region`, one row a membership, in the order of `names`.

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
    found = []
    for given in names if names is not None else settings.REGIONS:
        rules = region(given, at=at) if isinstance(given, str) else given
        inside = institutions.loc[_inside(institutions, rules), ["institution_id"]]
        name = given if isinstance(given, str) else rules.attrs.get("region")
        name = name or (rules["region"].iloc[0] if len(rules) else "region")
        found.append(inside.assign(region=name))
    if not found:
        return pd.DataFrame({"institution_id": [], "region": []}, dtype="string")
    return pd.concat(found, ignore_index=True).astype("string")


def unplaced(institutions: pd.DataFrame, region: pd.DataFrame) -> pd.DataFrame:
    """Return the institutions of which it cannot be told whether they lie in a region.

    Parameters
    ----------
    institutions
        As in `memberships`.
    region
        A table of `region`.

    Returns
    -------
    The rows of `institutions` without NUTS code in a country that the NUTS rules of the region
    touch, or without a country, as far as no other rule names them.

    Examples
    --------
    >>> bodies = pd.DataFrame({"institution_id": ["A"], "nuts3": [None], "country": ["DE"]})
    >>> len(unplaced(bodies, globals()["region"]("grande-region")))
    1
    """
    prefixes = region.loc[region["rule"] == "nuts", "code"]
    touched = {FROM_NUTS.get(code[:2], code[:2]) for code in prefixes}
    nowhere = institutions["country"].isna()
    by_country = bool((region["rule"] != "institution").any())
    in_doubt = institutions["country"].isin(touched) & _column(institutions, "nuts3").isna()
    doubt = in_doubt | (nowhere & by_country)
    return institutions[doubt & ~_inside(institutions, region)]


def _inside(institutions: pd.DataFrame, rules: pd.DataFrame) -> pd.Series:
    codes = {rule: tuple(rules.loc[rules["rule"] == rule, "code"]) for rule in RULES.values()}
    if EVERYWHERE in codes["country"]:
        return pd.Series(data=True, index=institutions.index)
    nuts = _column(institutions, "nuts3").fillna("").astype("string")
    return (
        institutions["institution_id"].isin(codes["institution"])
        | _column(institutions, "country").isin(codes["country"])
        | (nuts.str.startswith(codes["nuts"]) if codes["nuts"] else False)
    ).astype(bool)


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name in table:
        return table[name]
    return pd.Series(pd.NA, index=table.index, dtype="string")


@cache
def _shipped() -> dict[str, dict[str, Any]]:
    return _load(Path(str(files("collabnet") / "data" / "regions.toml")))


def _load(path: Path) -> dict[str, dict[str, Any]]:
    """Read a list of regions and bring every rule to the form {code, since, until}."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise InputError(f"{path}: not a TOML file ({error}).") from None
    known = {}
    for name, given in entries.items():
        if not isinstance(given, dict) or not given.get("source") or "labels" not in given:
            raise InputError(f"{path.name}: region {name!r} needs `labels`, `source` and rules.")
        strange = set(given) - set(RULES) - {"labels", "source", "status", "note"}
        if strange:
            raise InputError(
                f"{path.name}: region {name!r} has {min(strange)!r}, which is not one of labels, "
                f"source, status, note, {', '.join(RULES)}."
            )
        known[name] = {key: given.get(key, "") for key in ("labels", "source", "status", "note")}
        for kind in RULES:
            known[name][kind] = [_rule(path, name, rule) for rule in given.get(kind, [])]
    return known


def _rule(path: Path, name: str, rule: Any) -> dict[str, str]:
    if isinstance(rule, str):
        return {"code": rule}
    if isinstance(rule, dict) and "code" in rule and set(rule) <= {"code", "since", "until"}:
        return {key: str(value) for key, value in rule.items()}
    raise InputError(
        f"{path.name}: region {name!r}: {rule!r} is no rule; write a code, or "
        '{ code = "GB", until = "2020-01-31" }.'
    )
