"""What belongs to whom: institutes and hospitals counted under their university, by two rules."""

from __future__ import annotations

from typing import Literal, NamedTuple

import pandas as pd

from collabnet import engine, schema
from collabnet.errors import CollabnetError, UnknownNameError
from collabnet.indicators import noted
from collabnet.parties import dated, with_note
from collabnet.records import Records

RULES = {"leiden": ("component", "joint"), "simple": ("component", "joint", "associated")}
WITHIN = 0.001
SAME = ["activity_id", "_who", "institution_id", "country", "role", "since", "until"]


class Unified(NamedTuple):
    """Records in which parts stand under their whole, and what that changed."""

    records: Records
    report: pd.DataFrame


def unify(
    records: Records,
    rules: Literal["leiden", "simple"] = "leiden",
    *,
    relations: pd.DataFrame | None = None,
) -> Unified:
    """Count institutes and hospitals under the university they belong to.

    Each work is shared out first: 1/authors, then 1/institutions of that author. Then a component
    gives its part to the institution it belongs to, and a joint institute to all it belongs to, in
    equal parts. By the rules of the Leiden Ranking an associated hospital does so only in works in
    which one of its universities takes part (directly or through a component), in equal parts to
    those that do; elsewhere it stays itself. By the simple rules, which are those of `--roll-up`,
    an associated hospital always counts under its university.

    Parameters
    ----------
    records
        What was done together; kept as it is. They come to memory.
    rules
        {"leiden", "simple"}.
    relations
        `from, to, kind`, the kind {"component", "joint", "associated"}; by default those of
        `records.relations`. Dates of relations are not looked at.

    Returns
    -------
    `records`, in which parts stand under their whole. `participants.weight` is the share of each
    row in its work, which `output` takes for fractional counting; `evidence` says what was moved.
    `report`, one row for each institution that one of the two rules changes: `institution_id, name,
    works, works_simple, works_leiden, weight, weight_simple, weight_leiden`, before and by each
    rule, the largest difference between the two rules first. Of works only; weights of each column
    have the same sum, and an error is raised where it differs by more than 0.001.

    Raises
    ------
    UnknownNameError
        Rules that are neither of the two.
    CollabnetError
        Institutions that belong to each other in a circle.

    References
    ----------
    CWTS Leiden Ranking Open Edition 2025, calculation of affiliated institutions (component, joint
    and associated); Reyes-Elizondo, Calero-Medina & Visser 2022, Scientometrics 127, 3871-3887.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("UHH")})
    >>> ties = pd.DataFrame({"from": ["H"], "to": ["U"], "kind": ["associated"]})
    >>> done = unify(Records({"activities": works, "participants": authors}), relations=ties)
    >>> done.report[["institution_id", "works", "works_simple", "works_leiden"]].values.tolist()
    [['H', 2, 0, 1], ['U', 1, 2, 1]]
    """
    if rules not in RULES:
        raise UnknownNameError("rules", rules, RULES)
    ties = schema.check("relations", records.relations if relations is None else relations)
    people = _shared_out(records.participants)
    works = engine.collect(dated(records, "work").select("activity_id"))["activity_id"]
    found = {name: _moved(people, ties, name) for name in RULES}
    each = []
    for end, table in {"": people, "_simple": found["simple"], "_leiden": found["leiden"]}.items():
        mine = table[table["activity_id"].isin(works)].groupby("institution_id")
        sums = mine.agg(works=("activity_id", "nunique"), weight=("weight", "sum"))
        each.append(sums.add_suffix(end))
    report = pd.concat(each, axis=1).fillna(0).sort_index()
    counts, weights = report.filter(like="works").astype("int64"), report.filter(like="weight")
    total = weights.sum()
    if (total - total["weight"]).abs().max() > WITHIN:
        raise CollabnetError(f"Weights are not conserved: {total.round(3).to_dict()}.")
    weights = weights.round(9)
    apart = (weights["weight_simple"] - weights["weight_leiden"]).abs()
    changed = counts.ne(counts["works"], axis=0).any(axis=1)
    changed |= weights.ne(weights["weight"], axis=0).any(axis=1)
    names = records.institutions.set_index("institution_id")["name"].reindex(report.index)
    report = pd.concat([names, counts, weights], axis=1)[changed]
    report = report.loc[apart[changed].sort_values(ascending=False, kind="stable").index]
    report = report.rename_axis("institution_id").reset_index()
    facts = {"rules": rules, "moved": int(found[rules]["moved"].sum())}
    note = noted(records, "work", None, what="unified", level="institution")
    note |= facts | {"weight": float(total["weight"])}
    report = with_note(report, note, "No institution has other works or weights by these rules.")
    tables = {name: getattr(records, name) for name in schema.TABLES}
    tables["participants"] = found[rules].drop(columns="moved")
    return Unified(Records(tables, provenance={**records.provenance, "unified": facts}), report)


def _shared_out(people: pd.DataFrame) -> pd.DataFrame:
    """Give each row its share of its work: 1/authors, then 1/rows of that author with a place."""
    who = people["position"].astype("string")
    for column in ("person_id", "institution_id", "country"):
        who = who.fillna(people[column])
    people = people.assign(_who=who.fillna("").astype(str)).drop_duplicates(SAME)
    named = people["institution_id"].notna()
    authors = people.groupby("activity_id")["_who"].transform("nunique")
    ties = named.groupby([people["activity_id"], people["_who"]]).transform("sum")
    weight = (1 / (authors * ties.where(ties > 0, 1))).where(named, 0.0)
    return people.assign(weight=weight)


def _moved(people: pd.DataFrame, relations: pd.DataFrame, rules: str) -> pd.DataFrame:
    """Apply the rules; what moves keeps its weight, in equal parts where it goes to several."""
    known = relations[["from", "to", "kind"]].dropna()
    order = known["kind"].map({"component": 0, "joint": 1, "associated": 2}).fillna(3)
    known = known.iloc[order.argsort(kind="stable")].drop_duplicates(["from", "to"])
    ties, people = known[known["kind"].isin(RULES[rules])], people.assign(moved=False)
    for _ in range(len(ties) + 1):  # a part of a part moves twice
        if not people["institution_id"].isin(ties["from"]).any():
            break
        people = _step(people, ties, ["from"])
    else:
        names = ", ".join(sorted(set(ties["to"]) & set(ties["from"])))
        raise CollabnetError(f"Institutions belong to each other in a circle: {names}. Cut a tie.")
    if rules == "leiden":
        there = people[["activity_id", "institution_id"]].dropna().drop_duplicates()
        hosts = known[known["kind"] == "associated"].merge(
            there.rename(columns={"institution_id": "from"}), on="from"
        )
        hosts = hosts.merge(there.rename(columns={"institution_id": "to"}))
        people = _step(people, hosts, ["activity_id", "from"])
    met = people["activity_id"].isin(people.loc[people["moved"], "activity_id"])
    mine = people[met]
    alike = mine.groupby(SAME, dropna=False)
    weight, moved = alike["weight"].transform("sum"), alike["moved"].transform("any")
    mine = mine.assign(weight=weight, moved=moved).drop_duplicates(SAME)
    people = pd.concat([people[~met], mine]).sort_index(kind="stable")
    return people.drop(columns="_who").reset_index(drop=True)


def _step(people: pd.DataFrame, ties: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Move each row along its ties, in equal parts."""
    open_ = people["institution_id"].isin(ties["from"])
    ties = ties.assign(_parts=ties.groupby(keys)["to"].transform("size"))
    rows = people[open_].reset_index(names="_row")
    rows = rows.merge(ties, left_on=[*keys[:-1], "institution_id"], right_on=keys, how="left")
    goes = rows["to"].notna()
    rows = rows.set_index("_row").assign(
        institution_id=rows["to"].fillna(rows["institution_id"]).astype("string").array,
        weight=(rows["weight"] / rows["_parts"].fillna(1)).array,
        evidence=rows["evidence"].mask(goes, "unified: " + rows["kind"]).astype("string").array,
        moved=(rows["moved"] | goes).array,
    )
    return pd.concat([people[~open_], rows[people.columns]])
