"""The tables: their columns, what each means, and the check that all else relies on.

Everything done together (a work, an agreement, a project, a mobility flow, a commitment) is one row
of `activities`; everyone who took part is one row of `participants`. Every graph is a self-join of
the second table. Extra columns are kept; the columns below are always there after `check`.
"""

from __future__ import annotations

from importlib.metadata import version

import pandas as pd

from collabnet.errors import SchemaError

VERSION = 2
"""Version of the data model, written into every store."""

COLLABNET = version("collabnet")
"""Version of the package, written into every store and note."""

KINDS = ("work", "agreement", "project", "mobility", "commitment")

TABLES: dict[str, dict[str, tuple[str, str]]] = {
    "activities": {
        "activity_id": ("string", "key; the source's id with its prefix (openalex:W…, cordis:…)"),
        "kind": ("string", "work, agreement, project, mobility or commitment"),
        "type": ("string", "the source's own type (article, network, exchange …)"),
        "title": ("string", "title as given"),
        "start": ("string", "ISO 8601 date, as precise as known (2008, 2008-09, 2008-09-15)"),
        "end": ("string", "ISO 8601 date, as precise as known; empty where open or unknown"),
        "end_status": ("string", "known, open or unknown"),
        "year": ("Int64", "year of `start` (works: year of publication)"),
        "end_year": ("Int64", "year of `end`"),
        "amount": ("Float64", "persons of a mobility flow; EUR of a project"),
        "authors_count": ("Int64", "number of authors the source states"),
        "link_known": ("boolean", "are affiliations tied to their authors?"),
        "truncated": ("boolean", "did the source cut the list of authors?"),
        "synthetic": ("boolean", "made by a program, not observed"),
        "part_of": ("string", "activity this one belongs to"),
        "follows": ("string", "agreement this one renews"),
        "same_as": ("string", "activity of another source that stands for this one in the count"),
        "programme": ("string", "funding programme or framework"),
        "doi": ("string", "DOI, lower case, without resolver"),
        "cited_by": ("Int64", "citations, as the source counts them"),
        "fwci": ("Float64", "field-weighted citation impact, as the source gives it"),
        "updated": ("string", "version of the record in its source; the newest wins"),
        "source": ("string", "format and file the row was read from"),
        "record": ("string", "line, row or position in that file"),
    },
    "participants": {
        "activity_id": ("string", "the activity taken part in"),
        "institution_id": ("string", "ROR id, else the source's id with its prefix; may be empty"),
        "person_id": ("string", "the author; empty for organisations"),
        "position": ("Int64", "place in the list of authors or parties, from 1"),
        "role": ("string", "author, signatory, coordinator, partner, sending, receiving …"),
        "country": ("string", "ISO 3166-1 alpha-2, also where no institution is known"),
        "affiliation": ("string", "as written in the source"),
        "unit": ("string", "faculty, department, laboratory"),
        "corresponding": ("boolean", "corresponding author, as the source says"),
        "since": ("string", "ISO date the membership began, inside a longer activity"),
        "until": ("string", "ISO date the membership ended"),
        "since_year": ("Int64", "year of `since`"),
        "until_year": ("Int64", "year of `until`"),
        "evidence": ("string", "how `institution_id` was found"),
    },
    "institutions": {
        "institution_id": ("string", "key; ROR id (nine characters), else prefixed source id"),
        "name": ("string", "name for display"),
        "names": ("string", "JSON object, language → name"),
        "aliases": ("string", "other names and acronyms, separated by |"),
        "country": ("string", "ISO 3166-1 alpha-2"),
        "city": ("string", "city of the seat"),
        "lat": ("Float64", "degrees north, WGS 84; often a city point, not the campus"),
        "lon": ("Float64", "degrees east, WGS 84"),
        "nuts3": ("string", "NUTS level 3 code"),
        "nuts_version": ("Int64", "2016, 2021 or 2024: codes move"),
        "type": ("string", "education, facility, company …"),
        "status": ("string", "active, inactive or withdrawn"),
        "pic": ("string", "EU participant identification code(s), separated by |"),
        "erasmus_code": ("string", "Erasmus code, spaces collapsed to one"),
        "hei_id": ("string", "SCHAC domain used in Erasmus Without Paper"),
        "openalex_id": ("string", "OpenAlex id(s), I…, separated by |"),
    },
    "relations": {
        "from": ("string", "institution_id"),
        "to": ("string", "institution_id"),
        "kind": ("string", "parent, child, component, joint, associated, successor, predecessor …"),
        "since": ("string", "ISO date"),
        "until": ("string", "ISO date"),
        "source": ("string", "where the tie is stated"),
    },
    "fields": {
        "activity_id": ("string", "the activity"),
        "scheme": ("string", "openalex, isced-f, ford …"),
        "code": ("string", "code or name in that scheme"),
        "share": ("Float64", "weight of this field within the activity; sums to 1 a scheme"),
    },
    "persons": {
        "person_id": ("string", "key"),
        "name": ("string", "name as given; stored only when asked for"),
        "orcid": ("string", "ORCID iD"),
    },
    "merges": {
        "kept": ("string", "activity that stays in the count"),
        "merged": ("string", "activity it stands for"),
        "rule": (
            "string",
            "doi, pmid, ut, eid, openalex_id, lens_id, title; apart: undone for good",
        ),
        "filled": ("string", "JSON list of the columns it filled in"),
    },
    "quarantine": {
        "file": ("string", "name of the file"),
        "record": ("string", "line, row or position in it"),
        "reason": ("string", "what was wrong, in a sentence"),
    },
}

YEARS = {
    "activities": {"start": "year", "end": "end_year"},
    "participants": {"since": "since_year", "until": "until_year"},
}
"""Columns of years that `check` takes from the dates."""

KEYS = {
    "activities": "activity_id",
    "institutions": "institution_id",
    "persons": "person_id",
}


def empty(table: str) -> pd.DataFrame:
    """Return `table` with all its columns, typed, and no row.

    Parameters
    ----------
    table
        Name of a table of the data model.

    Examples
    --------
    >>> empty("quarantine").columns.tolist()
    ['file', 'record', 'reason']
    """
    return pd.DataFrame({c: pd.Series(dtype=t) for c, (t, _) in TABLES[table].items()})


def check(table: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return `rows` as a table of the data model, or say all that is wrong with it.

    Missing columns are added empty, known ones are given their type, extra ones are kept behind.
    Blank text is unknown. Years are taken from `start` and `end`.

    Parameters
    ----------
    table
        Name of a table of the data model.
    rows
        The table to check; it is not modified.

    Raises
    ------
    SchemaError
        A key is missing or repeated, a kind is not known, or a column has values of another type.

    Examples
    --------
    >>> rows = pd.DataFrame({"activity_id": ["a1"], "kind": ["work"], "start": ["2021-05-01"]})
    >>> check("activities", rows).year.tolist()
    [2021]
    """
    columns = TABLES[table]
    if rows.empty:
        return empty(table).join(rows[rows.columns.difference(list(columns), sort=False)])
    out, faults = {}, []
    for name, (dtype, _) in columns.items():
        if name not in rows:
            out[name] = pd.Series(pd.NA, index=rows.index, dtype=dtype)
            continue
        try:
            out[name] = _typed(rows[name], dtype)
        except (TypeError, ValueError):
            faults.append(f"column {name!r} should hold {dtype} values, not {_sample(rows[name])}")
    for name in rows.columns.difference(list(columns), sort=False):
        out[name] = rows[name]
    table_ = pd.DataFrame(out, index=rows.index).reset_index(drop=True)
    faults += _faults(table, table_)
    if faults:
        raise SchemaError(f"Table {table!r}: {'; '.join(faults)}.")
    for date, year in YEARS.get(table, {}).items():
        codes, first = pd.factorize(table_[date].str.slice(0, 4))  # few years, many rows
        stated = pd.to_numeric(pd.Series(first), errors="coerce").astype("Int64").array
        table_[year] = table_[year].fillna(pd.Series(stated.take(codes, allow_fill=True)))
    return table_


def _typed(column: pd.Series, dtype: str) -> pd.Series:
    if dtype == "string":
        text = column.astype("string").str.strip()
        blank = text == ""
        return text.mask(blank, pd.NA) if blank.any() else text
    if dtype == "boolean" and not pd.api.types.is_bool_dtype(column):
        truth = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        text = column.astype("string").str.lower()
        if not text.dropna().isin(truth).all():
            raise ValueError(dtype)
        return text.map(truth).astype("boolean")
    if dtype in {"Int64", "Float64"}:
        return pd.to_numeric(column.replace("", pd.NA)).astype(dtype)
    return column.astype(dtype)


def _faults(table: str, rows: pd.DataFrame) -> list[str]:
    faults = []
    key = KEYS.get(table)
    if key and rows[key].isna().any():
        faults.append(f"{int(rows[key].isna().sum())} rows have no {key!r}")
    if key and rows[key].duplicated().any():
        twice = rows.loc[rows[key].duplicated(), key].iloc[0]
        faults.append(f"{key} {twice!r} stands in more than one row")
    if table == "activities" and not rows["kind"].isin(KINDS).all():
        wrong = rows.loc[~rows["kind"].isin(KINDS), "kind"].iloc[0]
        faults.append(f"kind {wrong!r} is not one of {', '.join(KINDS)}")
    if table in {"participants", "fields"} and rows["activity_id"].isna().any():
        faults.append("a row has no 'activity_id'")
    return faults


def _sample(column: pd.Series) -> str:
    values = pd.to_numeric(column, errors="coerce")
    bad = column[values.isna() & column.notna()]
    return repr((bad if len(bad) else column).iloc[0])
