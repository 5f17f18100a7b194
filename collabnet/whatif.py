"""What would be left without a partner, a person or an agreement, and what hangs by one person."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine, schema, settings
from collabnet.errors import CollabnetError, UnknownNameError
from collabnet.links import edges, joint
from collabnet.parties import Years, home_of, join_key, stamp, with_note
from collabnet.records import Records
from collabnet.regions import memberships


def without(
    records: Records,
    home: str | None = None,
    *,
    institution: str | None = None,
    person: str | None = None,
    activity: str | None = None,
    kind: str | None = None,
    years: Years | None = None,
) -> pd.DataFrame:
    """Say what a home institution would lose without one partner, person or activity.

    An institution or a person is taken out of all it took part in; what the others did together
    stays. An activity is taken out whole.

    Parameters
    ----------
    records
        What was done together.
    home
        The institution that asks; `settings.HOME` by default.
    institution, person, activity
        The id of what is taken out; one of the three.
    kind
        Which activities are looked at; by default works, or the kind of `activity`.
    years
        As in `edges`.

    Returns
    -------
    `measure, level, before, after, change, lost`: one row a measure, `lost` are the ids, separated
    by `; `. First what the home has: its `activities`, the joint ones, its partners, their
    countries, the regions of `settings.REGIONS` they lie in, and its links that rest on one person
    (`bus_factor`; empty where persons are not known for all). Then the networks of all units at
    level institution and country: `links`; `bridges` (links without which two linked units would
    have no path between them; `lost` are those that are bridges no more); `components` (parts
    without a link between them, of the units linked before); `connected pairs` (pairs of the other
    units that a path joins); `reachable` (units that a path joins to the home, or its country). At
    level region, the pairs of regions linked.

    Raises
    ------
    CollabnetError
        None or several of the three are given.
    UnknownNameError
        `home`, or what is taken out, is not among the records.

    References
    ----------
    Tarjan 1974, Information Processing Letters 2(6) 160-161 (bridges).

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work"})
    >>> rows = {"activity_id": ["p1", "p1", "p2", "p2"], "institution_id": list("LMMN")}
    >>> records = Records({"activities": works, "participants": pd.DataFrame(rows)})
    >>> table = without(records, "L", institution="M").set_index(["measure", "level"])
    >>> table.loc[("reachable", "institution"), "lost"]
    'M; N'
    """
    given = {"institution": institution, "person": person, "activity": activity}
    named = [(what, key) for what, key in given.items() if key is not None]
    if len(named) != 1:
        said = "are named to be taken out: name one institution, person or activity."
        raise CollabnetError(f"{len(named)} things {said}")
    [(what, key)], home = named, home_of(records, home)
    column, name = f"{what}_id", "activities" if what == "activity" else "participants"
    hits = engine.collect(records.lazy(name).filter(nw.col(column) == key))
    if hits.empty:
        there = engine.collect(records.lazy(name).select(column).unique())[column]
        if not engine.collect(records.lazy("activities").head(1)).empty:
            raise UnknownNameError(what, key, there.dropna())
    kind = kind or (hits["kind"].iloc[0] if what == "activity" and len(hits) else "work")
    kept = records.lazy(name).filter(nw.col(column).is_null() | (nw.col(column) != key))
    tables = {name: records.lazy(name).to_native() for name in schema.TABLES}
    reduced = Records(tables | {name: kept.to_native()}, provenance=records.provenance)
    sides = [_own(one, home, kind, years) for one in (records, reduced)]
    rows = [_row(measure, None, sides[0][measure], sides[1][measure]) for measure in sides[0]]
    country = records.institutions.set_index("institution_id")["country"].get(home)
    for level, own in {"institution": home, "country": country, "region": None}.items():
        links = [edges(one, kind, level=level, years=years) for one in (records, reduced)]
        rows += _network(links, level, own, key)
    table = pd.DataFrame(rows).astype({"before": "Int64", "after": "Int64"})
    table.insert(4, "change", table["after"] - table["before"])
    note = {"what": "what would be left", "without": f"{what} {key}", "home": home, "kind": kind}
    note |= {"count": "full", "years": years, "regions": list(settings.REGIONS)}
    table = table.astype(dict.fromkeys(("measure", "level", "lost"), "string"))
    table = table.iloc[: 0 if hits.empty else None]
    return with_note(table, note | stamp(records, kind, years), "No activity is in these records.")


def bus_factor(
    records: Records,
    home: str | None = None,
    *,
    kind: str = "work",
    years: Years | None = None,
) -> pd.DataFrame:
    """Count the persons of a home institution behind each of its links.

    Parameters
    ----------
    records
        What was done together, with persons; their names are not needed.
    home
        The institution whose persons are counted; `settings.HOME` by default.
    kind, years
        As in `edges`.

    Returns
    -------
    `partner, name, activities, unidentified, persons, cover, exact`, the links that hang by the
    fewest first. `unidentified` joint activities have a party of the home whose person is not
    known. `persons` took part in the others; `cover` is the smallest number of them of whom one at
    least took part in each joint activity, so that without them there would be no link: 1 is a
    link that rests on one person. It is empty where an activity has no known person, and so is
    `persons` where none is known at all. A cover of 1 or 2 is exact; above, the person with most
    activities is taken first, then with most of the rest (greedy), and `exact` says whether fewer
    could not do. Where some are unidentified neither number is sure.

    Counts below `settings.SMALLEST` are masked in exports.

    Raises
    ------
    UnknownNameError
        No institution of this id.

    References
    ----------
    Chvátal 1979, Mathematics of Operations Research 4(3) 233-235 (greedy cover); Avelino, Passos,
    Hora & Valente 2016, IEEE ICPC (the bus, or truck, factor, of software).

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work"})
    >>> rows = {"activity_id": ["p1", "p1", "p1", "p2", "p2"], "institution_id": list("LLMLM")}
    >>> people = pd.DataFrame(rows | {"person_id": ["a", "b", "x", "a", "x"]})
    >>> table = bus_factor(Records({"activities": works, "participants": people}), "L")
    >>> table[["partner", "activities", "persons", "cover", "exact"]].values.tolist()
    [['M', 2, 2, 1, True]]
    """
    home = home_of(records, home)
    met = joint(records, kind, home, years=years).dropna(subset="partner")
    people = records.lazy("participants").filter(nw.col("institution_id") == home)
    people = people.select(nw.col(join_key(records)).alias("activity"), "person_id").unique()
    counts = ["activities", "unidentified", "persons", "cover"]
    rows = met[["activity", "partner"]].merge(engine.collect(people).fillna(""), on="activity")
    table = pd.DataFrame(_covers(rows), columns=["partner", *counts, "exact"])
    table = table.astype(dict.fromkeys(counts, "Int64") | {"partner": "string", "exact": "boolean"})
    name = records.institutions.set_index("institution_id")["name"]
    table.insert(1, "name", table["partner"].map(name).astype("string"))
    order = {"cover": True, "persons": True, "activities": False, "partner": True}
    table = table.sort_values([*order], ascending=[*order.values()], ignore_index=True)
    note: dict[str, Any] = {"what": "bus factor", "home": home, "kind": kind, "years": years}
    facts = {"all": len(table), "on_one_person": int((table["cover"] == 1).sum())}
    note["links"] = facts | {"not_known": int(table["cover"].isna().sum())}
    said = f"No {kind} of {home} with a known partner is in these records and years."
    return with_note(table, note | stamp(records, kind, years), said)


def _covers(rows: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Yield for each partner who is known, how many cover all, and whether fewer could not."""
    links: dict[Any, dict[Any, set[Any]]] = {}
    for work, partner, who in zip(*(rows[column] for column in rows), strict=True):
        links.setdefault(partner, {}).setdefault(who, set()).add(work)
    for partner, works in links.items():
        unknown = works.pop("", set())
        queue = [(-len(part), who) for who, part in works.items()]
        heapq.heapify(queue)
        left, n = set[Any]().union(*works.values()), 0
        covered, size = unknown <= left, len(left | unknown)
        fewest = size // queue[0][0] if queue else 0
        while left:
            stated, who = heapq.heappop(queue)
            true = len(works[who] & left)
            if true < -stated:  # others have covered some of them since
                heapq.heappush(queue, (-true, who))
            else:
                left -= works[who]  # in place: a copy each time would be quadratic
                n += 1
        sure = n <= max(2, -fewest) if covered and not unknown else None
        yield partner, size, len(unknown), len(works) or None, n if covered else None, sure


def _own(records: Records, home: str, kind: str, years: Years | None) -> dict[str, Any]:
    """Return what the home has, each measure as ids; nothing where it cannot be known."""
    key = nw.col(join_key(records)).alias("activity")
    ids = engine.collect(records.lazy("activities").select(key, "activity_id"))
    rows = joint(records, kind, home, years=years).merge(ids, on="activity")
    met = rows.dropna(subset="partner")
    bodies = records.institutions[lambda b: b["institution_id"].isin(met["partner"])]
    people = bus_factor(records, home, kind=kind, years=years)
    one = people.loc[people["cover"] == 1, "partner"]
    return {
        "activities": rows["activity_id"],
        "joint activities": met["activity_id"],
        "partners": bodies["institution_id"],
        "countries": bodies["country"].dropna(),
        "regions": memberships(bodies, settings.REGIONS)["region"],
        "single-person links": None if people["cover"].isna().any() else one,
    }


def _network(
    links: list[pd.DataFrame], level: str, own: str | None, gone: str
) -> Iterator[dict[str, Any]]:
    """Yield what a network was before and is after, over the units that were linked before."""
    import igraph

    pairs = [pd.MultiIndex.from_frame(side[["source", "target"]]) for side in links]
    yield _row("links", level, *pairs)
    if level == "region":
        return
    units = pd.Index(sorted({*links[0]["source"], *links[0]["target"]}))
    others = np.asarray(units != gone)
    sides = []
    for number, ends in enumerate(pairs):
        codes = [units.get_indexer(ends.get_level_values(i)) for i in (0, 1)]
        graph = igraph.Graph(len(units), np.column_stack(codes))
        part = np.array(graph.connected_components().membership, dtype="int64")
        counted = others if number else np.ones_like(others)
        near = part == part[units.get_loc(own)] if own in units else np.zeros(len(units), bool)
        near = units[near & (units != own) & counted]
        sizes = np.bincount(part[others])
        joined = int((sizes * (sizes - 1) // 2).sum())
        sides.append((ends[graph.bridges()], len(np.unique(part[counted])), near, joined))
    names = ("bridges", "components", "reachable", "connected pairs")
    for name, before, after in zip(names, *sides, strict=True):
        yield _row(name, level, before, after)


def _row(measure: str, level: str | None, before: Any, after: Any) -> dict[str, Any]:
    """Bring a measure to its final form: numbers, and what is lost."""
    row = {"measure": measure, "level": level, "before": before, "after": after, "lost": ""}
    if before is None or after is None:
        return row | {"before": pd.NA, "after": pd.NA}
    if isinstance(before, int):
        return row
    before, after = pd.Index(before).unique(), pd.Index(after).unique()
    lost = [" – ".join(x) if isinstance(x, tuple) else x for x in before.difference(after)]
    return row | {"before": len(before), "after": len(after), "lost": "; ".join(lost)}
