"""The same work from two databases is one activity: found, counted once, logged, undone at will.

Nothing is thrown away: of the records of one work the best stays in the count, the others name it
in `same_as`, and counting passes them over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from collabnet import schema
from collabnet.errors import UnknownNameError
from collabnet.identifiers import name_key
from collabnet.records import Records

RULES = {name: [name] for name in ("doi", "pmid", "ut", "eid", "openalex_id", "lens_id")}
RULES["title"] = ["title_key", "year", "first_author"]
"""What tells that two records are one work, and the columns it looks at, the surest first."""

SOURCES = ("openalex", "openalex-csv", "scopus", "wos", "dimensions", "crossref", "pubmed", "lens")
"""Whose record stays: that whose affiliations are best tied to authors and identified."""

WORDS = 4
"""Words that make a title tell: `Editorial` and `Book reviews` do not."""

STATED = {"activity_id", "kind", "source", "record", "same_as", "updated", "synthetic", "part_of"}
"""What a record says of itself; the rest may be filled in from another one."""


def merge_duplicates(records: Records) -> Records:
    """Find the records of one work in several sources, and count it once.

    Two records are one work where they share a DOI, a PMID, a Web of Science, Scopus, OpenAlex or
    Lens number; or, from two sources and unless both have a DOI and they differ, where title (four
    words or more, without case, accents and punctuation), year and surname of the first author are
    the same. The record of the source that comes first among OpenAlex, Scopus, Web of Science,
    Dimensions, Crossref, PubMed, the Lens and any other stays; what it leaves empty is filled from
    the others in that order.

    Parameters
    ----------
    records
        What was read.

    Returns
    -------
    New records: `activities.same_as` names the record that stays, `merges` says by which rule and
    what was filled in. `split_work` undoes a merge.

    Examples
    --------
    >>> rows = {"activity_id": ["wos:1", "openalex:W1"], "kind": "work", "doi": "10.1/x"}
    >>> works = pd.DataFrame(rows | {"source": ["wos:a.txt", "openalex:b.json"]})
    >>> merge_duplicates(Records({"activities": works})).merges.kept.tolist()
    ['openalex:W1']
    """
    acts = records.activities
    works = acts[(acts["kind"] == "work") & acts["same_as"].isna()]
    form = works["source"].fillna("").str.split(":", n=1).str[0]
    titles = works["title"].map(name_key, na_action="ignore").astype("string")
    works = works.assign(
        form=form,
        place=form.map({name: i for i, name in enumerate(SOURCES)}).fillna(len(SOURCES)),
        title_key=titles.where(titles.str.count(" ") >= WORDS - 1),
    )
    works = works.sort_values(["place", "activity_id"]).set_index("activity_id", drop=False)
    apart = records.merges[records.merges["rule"] == "apart"]
    never = set(map(frozenset, zip(apart["kept"], apart["merged"], strict=True)))
    place = {key: number for number, key in enumerate(works.index)}
    root = {key: key for key in works.index}
    log: dict[str, str] = {}

    def find(key: str) -> str:
        while root[key] != key:
            root[key] = key = root[root[key]]
        return key

    for rule in RULES if len(set(form)) > 1 else ():
        for pair in _alike(works, rule):
            kept, merged = sorted(map(find, pair), key=place.__getitem__)
            if kept == merged or {frozenset((kept, merged)), frozenset(pair)} & never:
                continue
            if rule == "title" and _differ(works, kept, merged):
                continue
            root[merged], log[merged] = kept, rule
    if not log:
        return records
    acts = acts.set_index("activity_id", drop=False)
    columns = [column for column in acts if column not in STATED]
    rows = []
    for merged in sorted(log, key=place.__getitem__):
        kept = find(merged)
        empty = acts.loc[kept, columns].isna() & acts.loc[merged, columns].notna()
        filled = list(empty.index[empty])
        acts.loc[kept, filled] = acts.loc[merged, filled]
        acts.loc[merged, "same_as"] = kept
        rows.append({"kept": kept, "merged": merged, "rule": log[merged]})
        rows[-1]["filled"] = json.dumps(filled)
    merges = pd.concat([records.merges, pd.DataFrame(rows)], ignore_index=True)
    return _rebuilt(records, acts, merges)


def split_work(records: Records, activity_id: str) -> Records:
    """Undo the merge of a work, for good: what it filled in is emptied, and it counts again.

    Parameters
    ----------
    records
        Records with merges.
    activity_id
        The record that was merged away (`merges.merged`).

    Raises
    ------
    UnknownNameError
        Nothing of this id was merged away.

    Examples
    --------
    >>> rows = {"activity_id": ["wos:1", "pubmed:1"], "kind": "work", "pmid": "1"}
    >>> works = pd.DataFrame(rows | {"source": ["wos:a.txt", "pubmed:b.xml"]})
    >>> apart = split_work(merge_duplicates(Records({"activities": works})), "pubmed:1")
    >>> apart.counts()["work"], merge_duplicates(apart).counts()["work"]
    (2, 2)
    """
    merges = records.merges
    mine = (merges["merged"] == activity_id) & (merges["rule"] != "apart")
    if not mine.any():
        raise UnknownNameError("merged work", activity_id, merges["merged"])
    kept, filled = merges.loc[mine, ["kept", "filled"]].iloc[0]
    acts = records.activities.set_index("activity_id", drop=False)
    acts.loc[kept, json.loads(filled)] = pd.NA
    acts.loc[activity_id, "same_as"] = pd.NA
    return _rebuilt(records, acts, merges.assign(rule=merges["rule"].mask(mine, "apart")))


def _alike(works: pd.DataFrame, rule: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of works that share all a rule looks at."""
    columns = RULES[rule]
    if set(columns) <= set(works):
        known = works.dropna(subset=columns)
        known = known[(known[columns] != "").all(axis=1)]  # readers leave a number blank
        known = known[known.duplicated(columns, keep=False)]
        for ids in known.groupby(columns, sort=True)["activity_id"].agg(list):
            yield from pairwise(ids)


def _differ(works: pd.DataFrame, one: str, other: str) -> bool:
    """Do two records of one title come from one source, or say that they are two works?"""
    a, b = works.loc[[one, other], ["form", "doi"]].fillna("").itertuples(index=False)
    return a.form == b.form or ("" not in (a.doi, b.doi) and a.doi != b.doi)


def _rebuilt(records: Records, acts: pd.DataFrame, merges: pd.DataFrame) -> Records:
    tables = {name: getattr(records, name) for name in schema.TABLES}
    tables |= {"activities": acts.reset_index(drop=True), "merges": merges}
    return Records(tables, provenance=records.provenance)
