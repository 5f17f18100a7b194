"""What is read off the links: the partners of one institution, a region, a comparison, flows."""

from __future__ import annotations

from typing import Literal

import narwhals as nw
import pandas as pd

from collabnet import engine, geo, settings
from collabnet.errors import UnknownNameError
from collabnet.links import Count, all_links
from collabnet.parties import Years, check_years, dated, home_of, join_key, stamp, with_note
from collabnet.records import Records
from collabnet.regions import memberships, unplaced
from collabnet.regions import region as region_named


def partners(
    records: Records,
    home: str | None = None,
    *,
    kind: str = "work",
    years: Years | None = None,
    count: Count = "full",
) -> pd.DataFrame:
    """Return with whom an institution works: one row a partner, the strongest first.

    Parameters
    ----------
    records
        What was done together.
    home
        Its id; `settings.HOME` by default.
    kind, years, count
        As in `edges`.

    Returns
    -------
    `partner, name, country, city, distance_km, regions, weight, activities, first, last`. The note
    holds the number of activities of the home institution, how many of them it coordinates, and in
    how many countries its partners are.

    Raises
    ------
    UnknownNameError
        No activity or institution of this id, or one of the errors of `edges`.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1"], "kind": "work", "start": "2024"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1"], "institution_id": ["L", "M"]})
    >>> partners(Records({"activities": works, "participants": authors}), "L").partner.tolist()
    ['M']
    """
    home = home_of(records, home)
    links = all_links(
        records,
        kind,
        level="institution",
        years=years,
        count=count,
        cap=None,
        names=None,
        home=home,
    )
    table = around(links, home).drop(columns="home")
    bodies = records.institutions.set_index("institution_id")
    facts = bodies.reindex(table["partner"])[["name", "country", "city", "lat", "lon"]]
    facts = facts.reset_index(drop=True)
    here = bodies.reindex([home]).iloc[0]
    table.insert(1, "name", facts["name"])
    table.insert(2, "country", facts["country"])
    table.insert(3, "city", facts["city"])
    kilometres = geo.distance_km(here["lat"], here["lon"], facts["lat"], facts["lon"])
    table.insert(4, "distance_km", pd.Series(kilometres, dtype="Float64").round(0))
    places = memberships(records.institutions, settings.REGIONS)
    named = places.groupby("institution_id")["region"].agg(", ".join)
    table.insert(5, "regions", table["partner"].map(named).astype("string"))
    table = table.sort_values(
        ["weight", "activities", "name", "partner"],
        ascending=[False, False, True, True],
        ignore_index=True,
    )
    counts = {"partners": len(table), "countries": int(table["country"].nunique())}
    note = links.attrs["note"] | _of_home(records, home, kind, years)
    said = f"No {kind} of {home} with a known partner is in these records and years."
    return with_note(table, note | {"what": "partners", "home": home} | counts, said)


def around(edges: pd.DataFrame, home: str) -> pd.DataFrame:
    """Return the links of one node, seen from it.

    Parameters
    ----------
    edges
        An edge table.
    home
        The node.

    Returns
    -------
    `home, partner` and the other columns of `edges`, sorted by partner.

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["A", "B"], "target": ["B", "C"], "weight": [2.0, 1.0]})
    >>> around(links, "B")[["partner", "weight"]].values.tolist()
    [['A', 2.0], ['C', 1.0]]
    """
    left, right = edges["source"] == home, edges["target"] == home
    mine = edges[left | right]
    partner = mine["source"].where(mine["target"] == home, mine["target"])
    table = mine.drop(columns=["source", "target"])
    table.insert(0, "home", pd.Series(home, index=mine.index, dtype="string"))
    table.insert(1, "partner", partner)
    table = table.sort_values("partner", ignore_index=True)
    table.attrs = {**edges.attrs, "note": {**edges.attrs.get("note", {}), "home": home}}
    return table


def within(
    table: pd.DataFrame,
    region: pd.DataFrame | str,
    institutions: pd.DataFrame,
    *,
    ends: Literal["any", "both"] = "any",
) -> pd.DataFrame:
    """Keep the links that lie in a region.

    Parameters
    ----------
    table
        A table of `around` or `partners` (its partners are looked at), or an edge table.
    region
        A region or its name.
    institutions
        Where the institutions are.
    ends
        {"any", "both"}: for an edge table, must one end lie in the region or both?

    Returns
    -------
    The rows kept. `attrs["unplaced"]` lists the institutions that could lie in the region but have
    no place of which this could be told; the note counts them.

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.0]})
    >>> bodies = pd.DataFrame({"institution_id": ["A", "B"], "country": ["MA", "BE"]})
    >>> len(within(links, "maghreb", bodies)), len(within(links, "maghreb", bodies, ends="both"))
    (1, 0)
    """
    if ends not in ("any", "both"):
        raise UnknownNameError("choice of ends", ends, ("any", "both"))
    rules = region_named(region) if isinstance(region, str) else region
    inside = set(memberships(institutions, [rules])["institution_id"])
    columns = ["partner"] if "partner" in table else ["source", "target"]
    hits = pd.concat([table[column].isin(inside) for column in columns], axis=1)
    kept = table[hits.all(axis=1) if ends == "both" else hits.any(axis=1)].reset_index(drop=True)
    seen = pd.unique(pd.concat([table[column] for column in columns]))
    unknown = unplaced(institutions, rules)
    unknown = unknown[unknown["institution_id"].isin(seen)]
    kept.attrs = {
        "note": {
            **table.attrs.get("note", {}),
            "region": rules.attrs.get("region", "a region"),
            "region_source": rules.attrs.get("source", ""),
            "unplaced": len(unknown),
        },
        "unplaced": sorted(unknown["institution_id"]),
    }
    return kept


def compare_edges(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """Hold two edge tables side by side: papers against treaties, one period against another.

    Parameters
    ----------
    left, right
        Edge tables of one level.

    Returns
    -------
    `source, target, weight_left, weight_right, activities_left, activities_right, found`, where
    `found` is {"both", "left", "right"}; the notes of both are kept.

    Examples
    --------
    >>> papers = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [3.0]})
    >>> papers["activities"] = 3
    >>> compare_edges(papers, papers.iloc[:0]).found.tolist()
    ['left']
    """
    columns = ["source", "target", "weight", "activities"]
    both = left[columns].merge(
        right[columns],
        on=["source", "target"],
        how="outer",
        suffixes=("_left", "_right"),
        indicator="found",
    )
    names = {"left_only": "left", "right_only": "right", "both": "both"}
    both["found"] = both["found"].astype(str).map(names).astype("string")
    for side in ("left", "right"):
        both[f"activities_{side}"] = both[f"activities_{side}"].astype("Int64")
    order = ["source", "target", "weight_left", "weight_right"]
    order += ["activities_left", "activities_right", "found"]
    both = both[order].sort_values(["source", "target"], ignore_index=True)
    notes = {"left": left.attrs.get("note", {}), "right": right.attrs.get("note", {})}
    made_up = any(note.get("synthetic") for note in notes.values())
    both.attrs["note"] = {"what": "comparison", "synthetic": made_up, **notes}
    return both


def flows(records: Records, *, years: Years | None = None) -> pd.DataFrame:
    """Return mobility with its direction.

    Parameters
    ----------
    records
        What was done together; activities of kind mobility are looked at.
    years
        First and last year, both included; flows without a date are then left out and counted.

    Returns
    -------
    `sending, receiving, persons, activities`, sorted. An end that is not known is empty: the flow
    is there all the same. `persons` is empty where the source does not say how many they were, or
    gives one number for several institutions.

    Examples
    --------
    >>> flow = pd.DataFrame({"activity_id": ["m"], "kind": "mobility", "amount": [5]})
    >>> ends = pd.DataFrame(
    ...     {"activity_id": "m", "institution_id": list("LM"), "role": ["sending", "receiving"]}
    ... )
    >>> flows(Records({"activities": flow, "participants": ends})).values.tolist()
    [['L', 'M', 5.0, 1]]
    """
    table, undated = moves(records, years)
    pairs = table.groupby(["sending", "receiving"], dropna=False)
    table = pairs.agg(activities=("activity", "nunique"))
    table.insert(0, "persons", pairs["amount"].sum(min_count=1))
    table = table.reset_index()
    note = {
        "what": "flows",
        "kind": "mobility",
        "years": years,
        **stamp(records, "mobility", years),
    }
    note["left_out"] = {"without_dates": undated}
    return with_note(table, note, "No mobility is in these records and years.")


def moves(records: Records, years: Years | None) -> tuple[pd.DataFrame, int]:
    """Return mobility flow by flow, and how many have no date and are therefore left out.

    `activity, first, last, amount, sending, receiving`; a flow between several is several rows.
    """
    check_years(years)
    table = engine.collect(dated(records, "mobility").select("activity", "first", "last", "amount"))
    has_dates = table["first"].notna() & table["last"].notna()
    if years:
        table = table[has_dates & (table["first"] <= years[1]) & (table["last"] >= years[0])]
    people = engine.collect(
        records.lazy("participants")
        .filter(nw.col("role").is_in(["sending", "receiving"]))
        .select(nw.col(join_key(records)).alias("activity"), "institution_id", "role")
    )
    for role in ("sending", "receiving"):
        ends = people.loc[people["role"] == role, ["activity", "institution_id"]]
        ends = ends.rename(columns={"institution_id": role})
        table = table.merge(ends, on="activity", how="left")
    table["amount"] = table["amount"].mask(table["activity"].duplicated(keep=False), pd.NA)
    return table, int((~has_dates).sum()) if years else 0


def _of_home(records: Records, home: str, kind: str, years: Years | None) -> dict[str, int]:
    """Count the activities of an institution, and those it coordinates."""
    acts = dated(records, kind)
    if years is not None:
        acts = acts.filter(nw.col("first") <= years[1], nw.col("last") >= years[0])
    mine = engine.collect(
        records.lazy("participants")
        .filter(nw.col("institution_id") == home)
        .select(nw.col(join_key(records)).alias("activity"), "role")
        .join(acts.select("activity"), on="activity")
    )
    leads = mine.loc[mine["role"] == "coordinator", "activity"]
    return {
        "of_home": int(mine["activity"].nunique()),
        "coordinated": int(leads.nunique()),
    }
