"""What a store holds, how sure it is, and what it knows about people."""

from __future__ import annotations

import pandas as pd

from collabnet import engine, schema, settings
from collabnet.countries import country_of
from collabnet.errors import UnknownNameError
from collabnet.identifiers import ROR
from collabnet.parties import join_key
from collabnet.records import Records, origin
from collabnet.regions import memberships

NAMED = ("name", "acronym", "affiliation", "match")
"""What the evidence begins with where an institution was found by what it is called."""


def check_quality(records: Records) -> pd.DataFrame:
    """Say of each source what was read, and how much of it can be counted.

    Parameters
    ----------
    records
        Records, or a store.

    Returns
    -------
    One row a source: `source`; `read, kept, quarantined` records of the file; `activities` of them
    here, `merged` into another source's, `truncated`, `link_known`, `with_affiliation` (any
    affiliation, institution or country); `parties` (participants), of which `by_identifier`,
    `by_name`, `by_override` have a ROR id and `unresolved` have an affiliation or institution but
    none; `without_country`; `conflicts`: the affiliation ends in another country than the
    institution's. The note names the regions of `settings.REGIONS` in which no party lies.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["w"], "kind": "work", "source": "wos:a.txt"})
    >>> people = pd.DataFrame({"activity_id": ["w"], "affiliation": "Univ Liege, Belgium"})
    >>> table = check_quality(Records({"activities": works, "participants": people}))
    >>> table[["parties", "unresolved", "conflicts"]].values.tolist()
    [[1, 1, 0]]
    """
    key = join_key(records)
    columns = [key, "source", "truncated", "link_known", "same_as"]
    acts = engine.collect(records.lazy("activities").select(*columns)).set_index(key)
    columns = [key, "institution_id", "affiliation", "country", "evidence"]
    people = engine.collect(records.lazy("participants").select(*columns))
    body, evidence = people["institution_id"], people["evidence"].fillna("")
    known = body.str.fullmatch(ROR).fillna(value=False).astype(bool)
    override = known & evidence.str.startswith("override")
    named = known & evidence.str.startswith(NAMED)
    said = people[["institution_id", "affiliation", "country"]].notna().any(axis=1)
    where = records.institutions.set_index("institution_id")["country"]
    texts = people["affiliation"].dropna().unique()
    ends = people["affiliation"].map({text: country_of(text) for text in texts})
    official = body.map(where)
    facts = pd.DataFrame(
        {
            "source": people[key].map(acts["source"]),
            "activity": people[key].where(said),
            "parties": True,
            "by_identifier": known & ~override & ~named,
            "by_name": named,
            "by_override": override,
            "unresolved": ~known & (body.notna() | people["affiliation"].notna()),
            "without_country": people["country"].isna(),
            "conflicts": (ends.notna() & official.notna() & (ends != official)).astype(bool),
        }
    )
    by_source = facts.groupby("source")
    counts = by_source[list(facts.columns[2:])].sum().astype("int64")
    counts.insert(0, "with_affiliation", by_source["activity"].nunique())
    each = acts.assign(merged=acts["same_as"].notna()).groupby("source")
    table = pd.DataFrame({"activities": each.size()})
    for column in ("merged", "truncated", "link_known"):
        table[column] = each[column].sum().astype("int64")
    files = pd.DataFrame(
        [
            {
                "source": f"{s['format']}:{s['file']}",
                **{c: s.get(c) for c in ("read", "kept", "quarantined")},
            }
            for s in records.provenance["sources"]
        ],
        columns=["source", "read", "kept", "quarantined"],
    )
    files = files.drop_duplicates("source").set_index("source").astype("Int64")
    table = files.join(table.join(counts, how="outer"), how="outer").astype("Int64").reset_index()
    places = memberships(records.institutions[records.institutions["institution_id"].isin(body)])
    table.attrs["note"] = {
        "what": "quality",
        "regions_empty": [r for r in settings.REGIONS if r not in set(places["region"])],
        **origin(records),
    }
    return table


def forget(records: Records, person_id: str) -> Records:
    """Remove a person: the name, the identifiers, and the tie between the works.

    The works stay, and so does the place of the author in each, without which the fractions of the
    others would be wrong; it is nobody's now.

    Parameters
    ----------
    records
        Records, or a store; write the result with `write_store`.
    person_id
        As in `participants`, or an ORCID iD of `persons`.

    Raises
    ------
    UnknownNameError
        Nobody of this id is in the records.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["w"], "kind": "work"})
    >>> people = pd.DataFrame({"activity_id": ["w"], "person_id": ["orcid:0000-0002-1825-0097"]})
    >>> records = Records({"activities": works, "participants": people})
    >>> forget(records, "orcid:0000-0002-1825-0097").participants.person_id.tolist()
    [<NA>]
    """
    persons, people = records.persons, records.participants
    ids = {person_id, *persons.loc[persons["orcid"] == person_id, "person_id"]}
    mine = people["person_id"].isin(ids)
    if not mine.any() and not persons["person_id"].isin(ids).any():
        raise UnknownNameError("person", person_id, people["person_id"].dropna().unique())
    tables = {name: getattr(records, name) for name in schema.TABLES}
    tables["persons"] = persons[~persons["person_id"].isin(ids)]
    tables["participants"] = people.assign(person_id=people["person_id"].mask(mine, pd.NA))
    return Records(tables, provenance=records.provenance)
