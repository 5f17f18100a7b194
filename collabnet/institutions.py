"""Identity: whatever a source calls an institution → its ROR id, with the evidence for it."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Literal

import pandas as pd

from collabnet import geo, schema
from collabnet.errors import UnknownNameError
from collabnet.identifiers import ROR, name_key
from collabnet.records import Records

RollUp = Literal["component", "associated"]

CODES = {
    "openalex_id": "openalex",
    "pic": "pic",
    "erasmus_code": "erasmus",
    "hei_id": "hei",
}
"""Columns that identify an institution, with the prefix of their ids, in the order tried."""


@cache
def _shipped(name: str) -> pd.DataFrame:
    path = files("collabnet") / "data" / f"{name}.csv"
    with path.open(encoding="utf-8") as file:
        rows = pd.read_csv(file, dtype="string", keep_default_na=False)
    return schema.check(name, rows)


def gazetteer() -> pd.DataFrame:
    """Return the institutions collabnet knows by itself: names, codes, places, NUTS regions.

    Returns
    -------
    A table `institutions`, and the `source` of each row.

    Examples
    --------
    >>> gazetteer().set_index("institution_id").loc["00afp2z80", "pic"]
    '999976105'
    """
    return _shipped("institutions").copy()


def resolve(
    records: Records,
    *,
    roll_up: tuple[RollUp, ...] = (),
    succession: bool = False,
) -> Records:
    """Give institutions their ROR id, and what the gazetteer knows of them.

    An institution is recognised by ROR id, OpenAlex id, PIC, Erasmus code or hei-id, then by exact
    name, alias or acronym together with its country; a name that fits two institutions decides
    nothing. What is not recognised keeps its id, and is listed by `unresolved`.

    Parameters
    ----------
    records
        What was read. Registry records (ROR) in it are used beside the gazetteer.
    roll_up
        Merge parts into their institution: {"component", "associated"}, for faculties that have an
        id of their own (Gembloux Agro-Bio Tech) and for university hospitals (CHU de Liège).
    succession
        Count a former institution under its one successor (TU Kaiserslautern → RPTU). Where it was
        split into several, it stays.

    Returns
    -------
    New records; `participants.evidence` says how each id was found, and
    `provenance["resolution"]` counts it.

    Raises
    ------
    UnknownNameError
        A kind of roll-up that is not known.

    Examples
    --------
    >>> rows = pd.DataFrame({"activity_id": ["p1"], "kind": ["project"]})
    >>> party = pd.DataFrame({"activity_id": ["p1"], "institution_id": ["pic:999976105"]})
    >>> resolve(Records({"activities": rows, "participants": party})).participants.evidence[0]
    'pic:999976105'
    """
    for kind in roll_up:
        if kind not in ("component", "associated"):
            raise UnknownNameError("roll-up", kind, ("component", "associated"))
    bodies = _with_codes(records.institutions)
    known = pd.concat([gazetteer(), bodies[_is_ror(bodies)]], ignore_index=True)
    found = _recognised(bodies, known)
    relations = pd.concat(
        [_shipped("relations"), records.relations], ignore_index=True
    ).drop_duplicates(["from", "to", "kind"], ignore_index=True)
    moves = _moves(relations, roll_up, succession=succession)
    people = records.participants
    old = people["institution_id"]
    found = found.set_index("institution_id")
    evidence = old.map(found["evidence"]).astype("string").fillna(people["evidence"])
    new = old.map(found["ror"]).astype("string").fillna(old)
    for _ in range(len(moves)):  # a part of a predecessor moves twice
        moved = new.map(moves["to"]).astype("string")
        if moved.isna().all():
            break
        evidence = evidence.mask(moved.notna(), new.map(moves["why"]).astype("string"))
        new = moved.fillna(new)
    people = people.assign(institution_id=new, evidence=evidence)
    if moves.size:
        # Two parts of one house on one author are one affiliation.
        people = people.drop_duplicates(
            ["activity_id", "person_id", "position", "institution_id", "country", "role"]
        )
    bodies = bodies.assign(
        institution_id=bodies["institution_id"]
        .map(found["ror"])
        .astype("string")
        .fillna(bodies["institution_id"])
    )
    ours = gazetteer()[lambda g: g["institution_id"].isin(set(bodies["institution_id"]) | set(new))]
    merged = pd.concat([ours, bodies], ignore_index=True)
    merged = merged.groupby("institution_id", as_index=False, sort=True).first()[merged.columns]
    placed = geo.place_nuts3(merged)
    merged["nuts_version"] = merged["nuts_version"].mask(
        merged["nuts3"].isna() & placed.notna(), geo.NUTS_VERSION
    )
    merged["nuts3"] = merged["nuts3"].fillna(placed)
    merged["name"] = merged["name"].fillna(merged["institution_id"])
    used = set(merged["institution_id"])
    relations = relations[relations["from"].isin(used) | relations["to"].isin(used)]
    out = Records(
        {
            "activities": records.activities,
            "participants": people,
            "institutions": merged,
            "relations": relations,
            "fields": records.fields,
            "persons": records.persons,
            "quarantine": records.quarantine,
        },
        provenance=records.provenance,
    )
    out.provenance["resolution"] = _summary(out)
    return out


def unresolved(records: Records) -> pd.DataFrame:
    """List the institutions without a ROR id, the most frequent first.

    Parameters
    ----------
    records
        Records, resolved or not.

    Returns
    -------
    `institution_id, name, country, rows`, where `rows` counts participations.

    Examples
    --------
    >>> rows = pd.DataFrame({"activity_id": ["a"], "kind": ["work"]})
    >>> people = pd.DataFrame({"activity_id": ["a"], "institution_id": ["name:somewhere|BE"]})
    >>> unresolved(Records({"activities": rows, "participants": people})).rows.tolist()
    [1]
    """
    bodies = records.institutions[~_is_ror(records.institutions)]
    table = bodies[["institution_id", "name", "country"]]
    counts = records.participants["institution_id"].value_counts()
    table = table.assign(rows=table["institution_id"].map(counts).fillna(0).astype("int64"))
    table = table[table["rows"] > 0]
    return table.sort_values(["rows", "institution_id"], ascending=[False, True], ignore_index=True)


def _is_ror(bodies: pd.DataFrame) -> pd.Series:
    return bodies["institution_id"].str.fullmatch(ROR).fillna(value=False).astype(bool)


def _with_codes(bodies: pd.DataFrame) -> pd.DataFrame:
    """Read the codes off prefixed ids, so that a bare `pic:…` is recognised too."""
    bodies = bodies.copy()
    for column, prefix in CODES.items():
        coded = bodies["institution_id"].str.extract(f"^{prefix}:(.+)$")[0]
        bodies[column] = bodies[column].fillna(coded.astype("string"))
    return bodies


def _recognised(bodies: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return `institution_id, ror, evidence` of each institution that was recognised."""
    open_ = bodies[~_is_ror(bodies)].set_index("institution_id")
    found = pd.DataFrame(columns=["ror", "evidence"], dtype="string")
    for column, prefix in CODES.items():
        codes = open_[column].str.split("|").explode().dropna()
        table = _unique(known[column].str.split("|"), known["institution_id"])
        hits = pd.DataFrame({"ror": codes.map(table), "evidence": f"{prefix}:" + codes})
        found = pd.concat([found, hits.dropna()])
    names = _names(known)
    keys = open_["name"].fillna("").map(name_key) + "|" + open_["country"].fillna("")
    hits = pd.DataFrame({"ror": keys.map(names), "evidence": "name and country"}).dropna()
    found = pd.concat([found, hits]).rename_axis("institution_id").reset_index()
    return found.drop_duplicates("institution_id").astype("string")


def _unique(values: pd.Series, ids: pd.Series) -> pd.Series:
    """Map each value to the one id that has it; a value of two ids maps to none."""
    pairs = pd.DataFrame({"value": values, "id": ids}).explode("value").dropna()
    pairs = pairs[pairs["value"] != ""].drop_duplicates()
    return pairs.drop_duplicates("value", keep=False).set_index("value")["id"]


def _names(known: pd.DataFrame) -> pd.Series:
    """Map `name|country` to the id, over all names, aliases and acronyms."""
    languages = known["names"].fillna("{}").map(lambda names: json.loads(names).values())
    every = [
        {name_key(n) for n in [name, *labels, *str(aliases or "").split("|")]} - {""}
        for name, labels, aliases in zip(
            known["name"].fillna(""), languages, known["aliases"].fillna(""), strict=True
        )
    ]
    keys = [
        [f"{name}|{country}" for name in names]
        for names, country in zip(every, known["country"].fillna(""), strict=True)
    ]
    return _unique(pd.Series(keys, index=known.index), known["institution_id"])


def _moves(relations: pd.DataFrame, roll_up: tuple[str, ...], *, succession: bool) -> pd.DataFrame:
    """Return where an institution goes under the options asked for: index, `to`, `why`."""
    ours = relations[relations["kind"].isin(roll_up)]
    moves = pd.DataFrame(
        {"from": ours["from"], "to": ours["to"], "why": "roll-up: " + ours["kind"]}
    )
    if succession:
        heirs = relations[relations["kind"] == "successor"]
        heirs = heirs[~heirs["from"].duplicated(keep=False)]
        heirs = pd.DataFrame({"from": heirs["from"], "to": heirs["to"], "why": "succession"})
        moves = pd.concat([moves, heirs], ignore_index=True)
    return moves.drop_duplicates("from").set_index("from")


def _summary(records: Records) -> dict[str, int]:
    """Count the institutions by how they were identified."""
    bodies = records.institutions
    used = bodies[bodies["institution_id"].isin(set(records.participants["institution_id"]))]
    resolved = _is_ror(used)
    return {
        "institutions": len(used),
        "with_ror": int(resolved.sum()),
        "unresolved": int((~resolved).sum()),
        "participations_without_institution": int(
            records.participants["institution_id"].isna().sum()
        ),
    }
