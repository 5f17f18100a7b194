"""The gap matrix: agreements against what is done together, one row a partner.

All numbers come from one long table, a row a tie (one activity with one partner, in one layer), so
that each cell can be taken back to the activities behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine, settings
from collabnet.agreements import WAYS, agreement_pairs, date_of
from collabnet.errors import CollabnetError, UnknownNameError, check_whole
from collabnet.links import joint
from collabnet.parties import Years, dated, endless, home_of, join_key, population_of, with_note
from collabnet.partnerships import moves
from collabnet.records import NUMBERS, Records, origin
from collabnet.regions import memberships
from collabnet.uncertainty import bounds, draws, resample
from collabnet.words import capital, count, words_of

PLACES = ("partner", "country", "region")
LEVELS = (*PLACES, "field", "unit")
KINDS = {"works": "work", "projects": "project", "mobility": "mobility", "agreements": "agreement"}
AGREED = tuple(f"agreements_{s}" for s in ("in_force", "expired", "unknown", "not_yet"))
LAYERS = ("works", "projects", *WAYS, *AGREED)
TIES = {"layer": "string", "partner": "string", "first": "Int64", "last": "Int64"}
TIES |= {"persons": "Float64", "now": "bool"}
SAMPLES, SHOWN = 1000, 3


def gaps(
    records: Records,
    home: str | None = None,
    years: Years | None = None,
    *,
    by: Literal["partner", "country", "region", "field", "unit"] = "partner",
    as_of: str | None = None,
    least_works: int = 1,
    least_projects: int = 1,
    least_persons: int = 1,
    new: int = 3,
    needs: Sequence[str] = ("works",),
    seed: int = 0,
    lang: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return which partnerships live, sleep, or are missing: one row a partner.

    A partner is whoever did something together with the home institution in those years, or at a
    time nobody stated (a project that began before them and has no known end is one), or has an
    agreement with it, at whatever time. It is *alive* where `least_works`, `least_projects` or
    `least_persons` is reached. The class is the first that holds:

    1. *dates unknown*: no agreement in force, and one whose dates are not known;
    2. *data missing*: there is no agreement of the home institution in the records; or the partner
       is not alive, and a layer of `needs` has no data or an activity with it has no date;
    3. *new*: its first tie is of the last `new` years, the records reach further back, and all its
       activities have dates; or it is not alive and its only agreements are to come;
    4. *active*: an agreement in force, and alive; *dormant*: not alive, and one in force or
       expired; *expired but alive*: alive, and none but expired ones; *uncovered*: all else, that
       is, joint activities and no agreement that has begun.

    Parameters
    ----------
    records
        What was done together.
    home
        Its id; `settings.HOME` by default.
    years
        First and last year, both included, of works, projects and mobility; all by default.
    by
        {"partner", "country", "region", "field", "unit"}: what a row is. Regions overlap; fields
        are those of the FORD, which `data/crosswalk.csv` gives for OpenAlex, ISCED-F and
        EuroSciVoc; the unit is that of the home institution. An activity counts once in each row it
        belongs to, so rows must not be summed.
    as_of
        ISO date at which agreements are looked at, as in `agreement_status`.
    least_works, least_projects, least_persons
        From how many on a partner is alive.
    new
        How many years back a tie is new.
    needs
        Layers of {"works", "projects", "mobility"} without whose data nobody is called dormant.
    seed
        Of the samples.
    lang
        {"en", "fr"}: language of `why`; `settings.LANGUAGE` by default. Of several each has its own
        column: `why_en, why_fr`.

    Returns
    -------
    One row a partner, the strongest first: `partner, name, country, regions` (at another level its
    name and the number of `partners`), `works, works_low, works_high, projects,
    mobility_out, mobility_in` (persons), `agreements_in_force, agreements_expired,
    agreements_unknown, agreements_not_yet, fields_works, fields_projects, fields_mobility,
    fields_agreements` (the three most frequent), `last_activity, synthetic, class, why`. A layer
    without data of the home institution in those years is empty, not nought. `works_low` and
    `works_high` are the stability interval of `partner_intervals`: 1 000 bootstrap samples of the
    works of the home institution. An empty name of a row stands for what is not known.

    Raises
    ------
    UnknownNameError
        An institution, level, layer or language that is not known.
    InputError
        `as_of` is no date.
    CollabnetError
        `least_persons` lies between 1 and `settings.SMALLEST`: the class would tell small numbers.

    References
    ----------
    Bootstrap as in Waltman et al. 2012, JASIST 63(12) 2419-2432. The classes are our own.

    Examples
    --------
    >>> acts = pd.DataFrame({"activity_id": ["g", "w"], "kind": ["agreement", "work"]})
    >>> acts = acts.assign(start=["2010", "2020"], end=["2015", None])
    >>> sides = pd.DataFrame({"activity_id": list("ggww"), "institution_id": list("LMLM")})
    >>> table = gaps(Records({"activities": acts, "participants": sides}), "L", (2019, 2024))
    >>> table[["partner", "works", "agreements_expired", "class"]].values.tolist()
    [['M', 1, 1, 'expired but alive']]
    """
    for what, given, known in (("level", [by], LEVELS), ("layer", needs, list(KINDS)[:3])):
        for name in given:
            if name not in known:
                raise UnknownNameError(what, name, known)
    least = {"works": least_works, "projects": least_projects, "persons": least_persons}
    check_whole(0, new=new, seed=seed, **{f"least_{name}": value for name, value in least.items()})
    if 1 < least_persons < settings.SMALLEST:
        raise CollabnetError(
            f"least_persons={least_persons}: the class would tell numbers of persons that exports "
            f"mask. Give 1, or {settings.SMALLEST} (settings.SMALLEST) or more."
        )
    home, day = home_of(records, home), date_of(as_of, years)
    ties = _ties(records, home, years, day)
    rows, last_year = _grouped(ties, by, records, home, day), years[1] if years else day.year
    whole = ties[ties["now"]].groupby(ties["layer"].str.split("_").str[0])["activity"].nunique()
    table = _numbers(rows, by, ties[ties["now"] & (ties["layer"] == "works")], seed)
    done, past = ~rows["layer"].isin(AGREED), rows[rows["first"] <= last_year]
    last = past["last"].clip(upper=last_year).fillna(last_year)[done].groupby(past["row"]).max()
    table["last_activity"] = last.reindex(table.index).astype("Int64")
    since = past.groupby("row")["first"].min().reindex(table.index)
    young = (since > last_year - new) & (ties["first"].min() <= last_year - new)
    dateless = rows[rows["dateless"]]
    young &= ~table.index.isin(dateless["row"])
    undated = table.index.isin(dateless.loc[~dateless["now"], "row"])
    unsaid = table.pop("unsaid")
    alive = unsaid | (table[[*WAYS]].fillna(0).sum(axis=1) >= least_persons)
    for layer in ("works", "projects"):
        alive |= table[layer].fillna(0) >= least[layer]
    made_up = rows.loc[rows["synthetic"] & rows["now"], "row"]
    table["synthetic"] = table.index.isin(made_up) | (~alive & bool(len(made_up)))
    facts = table.assign(alive=alive, young=young, since=since, unsaid=unsaid, undated=undated)
    facts = facts.astype(object).where(facts.notna(), None).to_dict("records")
    table["class"] = pd.array([_verdict(row, needs) for row in facts], dtype="string")
    one = lang is None or isinstance(lang, str)
    for column, code in {"why": lang}.items() if one else ((f"why_{code}", code) for code in lang):
        say = words_of(code, "gaps")
        why = [_why(row, verdict, say) for row, verdict in zip(facts, table["class"], strict=True)]
        table[column] = pd.array(why, dtype="string")
    table = _described(table, rows[rows["now"]], by, records, day)
    lonely = ties[ties["now"] & ties["partner"].isna()].groupby("layer")["activity"].nunique()
    population = {kind: population_of(dated(records, kind), years) for kind in KINDS.values()}
    note: dict[str, Any] = {"what": "gaps", "level": by, "count": "full", "years": years}
    note |= {"home": home, "as_of": f"{day:%Y-%m-%d}", "alive_from": least, "new": new}
    note |= {"needs": list(needs), "seed": seed, "of_home": whole.to_dict()}
    note |= {"without_partner": lonely.to_dict(), "population": population}
    note |= {"classes": table["class"].value_counts().to_dict()}
    note |= {"regions": list(settings.REGIONS) if by in {"partner", "region"} else None}
    note |= {"crosswalk": "collabnet/data/crosswalk.csv" if by == "field" else None}
    note |= {"synthetic": bool(table["synthetic"].any()), **origin(records)}
    return with_note(table, note, f"Nothing joint and no agreement of {home} is in these records.")


def behind_gap(
    records: Records,
    row: str | None,
    layer: str,
    *,
    home: str | None = None,
    years: Years | None = None,
    by: Literal["partner", "country", "region", "field", "unit"] = "partner",
    as_of: str | None = None,
) -> pd.DataFrame:
    """Return the activities behind a cell of the gap matrix.

    Parameters
    ----------
    records, home, years, by, as_of
        As in `gaps`.
    row
        The partner, country, region, field or unit; None for the row of what is not known.
    layer
        {"works", "projects", "mobility_out", "mobility_in", "agreements_in_force",
        "agreements_expired", "agreements_unknown", "agreements_not_yet"}.

    Returns
    -------
    The rows of `activities`, sorted: as many as the cell says, of mobility those whose `amount` add
    up to it.

    Raises
    ------
    UnknownNameError
        An institution, level or layer that is not known.

    Examples
    --------
    >>> acts = pd.DataFrame({"activity_id": ["w"], "kind": "work", "start": "2020"})
    >>> sides = pd.DataFrame({"activity_id": ["w", "w"], "institution_id": ["L", "M"]})
    >>> records = Records({"activities": acts, "participants": sides})
    >>> behind_gap(records, "M", "works", home="L").activity_id.tolist()
    ['w']
    """
    for what, given, known in (("layer", layer, LAYERS), ("level", by, LEVELS)):
        if given not in known:
            raise UnknownNameError(what, given, known)
    home, day = home_of(records, home), date_of(as_of, years)
    ties = _ties(records, home, years, day)
    cell = _grouped(ties[ties["now"] & (ties["layer"] == layer)], by, records, home, day)
    cell = cell.loc[cell["row"] == (row or ""), ["activity"]].drop_duplicates()
    acts = records.lazy("activities").with_columns(activity=nw.col(join_key(records)))
    found = engine.collect(acts.join(engine.like(cell, acts), on="activity", how="semi"))
    found = found.drop(columns=["activity", *NUMBERS], errors="ignore")
    found = found.sort_values("activity_id", ignore_index=True)
    asked = {"row": row, "layer": layer, "home": home, "years": years}
    asked["synthetic"] = bool(found["synthetic"].isin([True]).any())
    said = f"No activity of {home} stands behind this cell in these years."
    return with_note(found, {"what": "activities", **asked, **origin(records)}, said)


def _ties(records: Records, home: str, years: Years | None, day: pd.Timestamp) -> pd.DataFrame:
    """Return the ties of home of all times; `now` are those that count."""
    parts = []
    for layer in ("works", "projects"):
        ever = joint(records, KINDS[layer], home)
        now = ever if years is None else joint(records, KINDS[layer], home, years=years)
        pairs = [pd.MultiIndex.from_frame(part[["activity", "partner"]]) for part in (ever, now)]
        parts.append(ever.assign(layer=layer, now=pairs[0].isin(pairs[1])))
    flows, _ = moves(records, None)
    within = (flows["first"] <= years[1]) & (flows["last"] >= years[0]) if years else True
    flows = flows.assign(persons=flows["amount"], now=within).fillna({"now": False})
    for way, (here, there) in WAYS.items():
        mine = flows[(flows[here] == home) & flows[there].ne(home).fillna(value=True)]
        parts.append(mine.assign(layer=way, partner=mine[there]))
    agreed = agreement_pairs(records, home, day)
    layers = "agreements_" + agreed["status"].str.replace("dates ", "").str.replace(" ", "_")
    begun = agreed["first_day"].dt.year
    parts.append(agreed.assign(layer=layers, first=begun, last=begun, now=True))
    parts = [part.reindex(columns=["activity", *TIES]).astype(TIES) for part in parts]
    ties = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    acts = records.lazy("activities").with_columns(activity=nw.col(join_key(records)))
    wanted = engine.like(ties[["activity"]].drop_duplicates(), acts)
    facts = acts.select("activity", "activity_id", "synthetic", endless=endless())
    ties = ties.merge(engine.collect(facts.join(wanted, on="activity", how="semi")), on="activity")
    dateless = ties["first"].isna()
    if years is not None:
        # It began in time, both may still have been there, and nobody knows whether it lasted.
        begun = (ties["first"] <= years[1]) & (ties["last"] < years[0])
        perhaps = ties["endless"] & begun.fillna(value=False) & (ties["layer"] == "projects")
        dateless |= perhaps & _stayed(records, ties[perhaps], home, years[0]).reindex(
            ties.index, fill_value=False
        )
    dateless &= ~ties["layer"].isin(AGREED)
    return ties.assign(synthetic=ties["synthetic"].isin([True]), dateless=dateless)


def _stayed(records: Records, ties: pd.DataFrame, home: str, year: int) -> pd.Series:
    """Tell of which ties neither side is known to have left before that year."""
    until, people = nw.col("until_year"), records.lazy("participants")
    people = people.with_columns(activity=nw.col(join_key(records)))
    there = people.filter(until.is_null() | (until >= year)).select("activity", "institution_id")
    there = there.join(engine.like(ties[["activity"]].drop_duplicates(), people), on="activity")
    there = pd.MultiIndex.from_frame(engine.collect(there))
    sides = (ties.assign(side=side)[["activity", "side"]] for side in (home, ties["partner"]))
    ours, theirs = (pd.MultiIndex.from_frame(side).isin(there) for side in sides)
    return pd.Series(ours & theirs, ties.index, dtype=bool)


def _grouped(ties: pd.DataFrame, by: str, records: Records, home: str, day: Any) -> pd.DataFrame:
    """Say in which `row` each tie stands: one, several, or "" where it is not known."""
    ties, key = ties[ties["partner"].notna()], "partner" if by in PLACES else "activity"
    if by == "partner":
        return ties.assign(row=ties["partner"])
    if by == "country":
        places = records.institutions[["institution_id", "country"]]
    elif by == "region":
        places = memberships(records.institutions, settings.REGIONS, at=f"{day:%Y-%m-%d}")
    elif by == "field":
        key, places = "activity_id", subjects(records, ties)[["activity_id", "ford"]]
    else:
        people = records.lazy("participants").filter(nw.col("institution_id") == home)
        people = people.select(activity=nw.col(join_key(records)), unit=nw.col("unit"))
        places = engine.collect(people.filter(~nw.col("unit").is_null()))
    places = places.set_axis([key, "row"], axis="columns").dropna().drop_duplicates()
    ties = ties.merge(places, on=key, how="left")
    return ties.assign(row=ties["row"].astype("string").fillna(""))


def _numbers(rows: pd.DataFrame, by: str, works: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Count the activities of each row and layer, each once; of mobility the persons."""
    now = rows[rows["now"]].drop_duplicates(["layer", "row", "activity"])
    index = sorted({*rows.loc[rows["now"] | rows["dateless"], "row"]})
    table = pd.crosstab(now["row"], now["layer"])
    table = table.reindex(index=pd.Index(index, dtype="str"), columns=list(LAYERS), fill_value=0)
    table = table.astype("Int64").rename_axis(columns=None)
    unsaid = pd.Series(data=False, index=table.index)
    for way in WAYS:
        persons = now[now["layer"] == way].groupby("row")["persons"].sum(min_count=1)
        silent = table[way].gt(0) & persons.reindex(table.index).isna()
        unsaid |= silent
        table[way] = persons.reindex(table.index).fillna(0).mask(silent)
    # Where no activity of a layer could be placed in any row, no row is known to have none; but a
    # work of one institution is known to have no partner.
    placed = {*now.loc[now["row"] != "", "layer"]}
    placed |= {*AGREED} if placed & {*AGREED} else {*()}
    placed |= {"works"} if len(works) and by in PLACES else {*()}
    for layer in set(LAYERS) - placed:
        table[layer] = table[layer].mask(table[layer].eq(0))
    for place, (end, value) in enumerate(_bounds(now, works, seed).items(), start=1):
        known = value.reindex(table.index, fill_value=0).mask(table["works"].isna())
        table.insert(place, f"works_{end}", known.astype("Int64"))
    return table.assign(unsaid=unsaid)


def _bounds(now: pd.DataFrame, works: pd.DataFrame, seed: int) -> dict[str, pd.Series]:
    """Return the bounds of the joint works of each row, as `partner_intervals` draws them."""
    mine, every = (
        now[now["layer"] == "works"],
        pd.Index(works["activity_id"].unique()).sort_values(),
    )
    row, names = pd.factorize(mine["row"])
    ends = np.zeros((2, 0))
    if len(mine):
        entries = (every.get_indexer(mine["activity_id"]), row, np.ones(len(mine)))
        ends = bounds(resample(*entries, draws(len(every), SAMPLES, seed)))
    return {end: pd.Series(at, names) for end, at in zip(("low", "high"), ends, strict=True)}


def _verdict(row: dict[str, Any], needs: Sequence[str]) -> str:
    """Return the class of a row, in which None is unknown; see the table in `gaps`."""
    held, over, unknown, to_come = (bool(row[a]) for a in AGREED)
    live = row["alive"]
    if unknown and not held:
        return "dates unknown"
    untold = row["undated"] or any(_silent(row, layer) for layer in needs)
    if _silent(row, "agreements") or (untold and not live):
        return "data missing"
    if row["young"] or (to_come and not (live or held or over)):
        return "new"
    if not live:
        return "dormant" if held or over else "uncovered"
    return "active" if held else "expired but alive" if over else "uncovered"


def _silent(row: dict[str, Any], layer: str) -> bool:
    """Has a layer no data for this row? A flow of an unknown number of persons is data."""
    if layer == "mobility" and row["unsaid"]:
        return False
    return all(row[name] is None for name in LAYERS if name.partition("_")[0] == layer)


def _why(row: dict[str, Any], verdict: str, say: dict[str, Any]) -> str:
    """Say in one sentence what a class rests on; no number of persons is in it."""
    agreed = ", ".join(count(say, a, row[a]) for a in AGREED if row[a])
    missing, moved = say["missing"], int(row["unsaid"] or any(row[way] for way in WAYS))
    numbers = {"works": row["works"], "projects": row["projects"], "mobility": moved}
    done = [missing[k] if _silent(row, k) else count(say, k, n) for k, n in numbers.items()]
    none = missing["agreements"] if _silent(row, "agreements") else say["no_agreement"]
    parts = [agreed or none, ", ".join(done)]
    parts += [say["undated"]] if row["undated"] else []
    parts += [say["below"]] if not row["alive"] and any(numbers.values()) else []
    parts += [say["first"].format(year=row["since"])] if verdict == "new" and row["since"] else []
    parts += [say["synthetic"]] if row["synthetic"] else []
    return f"{capital(say['classes'][verdict])}: {'; '.join(parts)}."


def _described(
    table: pd.DataFrame, now: pd.DataFrame, by: str, records: Records, day: pd.Timestamp
) -> pd.DataFrame:
    """Add names, places and fields, sort, and bring the columns into their order."""
    if by == "partner":
        bodies = records.institutions.set_index("institution_id")
        places = memberships(records.institutions, settings.REGIONS, at=f"{day:%Y-%m-%d}")
        named = places.groupby("institution_id")["region"].agg(", ".join)
        head = {c: bodies[c].reindex(table.index) for c in ("name", "country")}
        head["regions"] = named.reindex(table.index).astype("string")
    else:
        head = {"partners": now.groupby("row")["partner"].nunique().reindex(table.index)}
    ties = now[["row", "activity_id"]].assign(of=now["layer"].str.split("_").str[0])
    ties = ties.drop_duplicates().merge(subjects(records, now), on="activity_id")
    often = ties.groupby(["of", "row", "name"]).size().rename("n").reset_index()
    often = often.sort_values(["n", "name"], ascending=[False, True]).groupby(["of", "row"])
    top = often.head(SHOWN).groupby(["of", "row"])["name"].agg("; ".join)
    for n, (name, column) in enumerate(head.items()):
        table.insert(n, name, column)
    place = list(table).index("last_activity")
    for n, layer in enumerate(KINDS, start=place):
        found = top[top.index.get_level_values("of") == layer].droplevel("of")
        table.insert(n, f"fields_{layer}", found.reindex(table.index).astype("string"))
    table = table.rename_axis(by).reset_index().astype({by: "string"}).replace({by: {"": pd.NA}})
    keys = ["works", "projects", "agreements_in_force"]
    return table.sort_values([*keys, by], ascending=[False] * 3 + [True], ignore_index=True)


def subjects(records: Records, ties: pd.DataFrame) -> pd.DataFrame:
    """Return the fields of activities: `activity_id, name, ford` (empty where none is known)."""
    fields = records.lazy("fields").select("activity_id", "scheme", "code")
    wanted = engine.like(ties[["activity_id"]].drop_duplicates(), fields)
    found = engine.collect(fields.join(wanted, on="activity_id", how="semi"))
    terms = list(zip(found["scheme"].fillna(""), found["code"].fillna(""), strict=True))
    known = {term: _term(*term) for term in set(terms)}
    made = pd.DataFrame(list(map(known.get, terms)), columns=["name", "ford"], dtype="string")
    return made.assign(activity_id=found["activity_id"]).drop_duplicates()


def _term(scheme: str, code: str) -> tuple[str, Any]:
    """Return the name of a field and its FORD field: those of the longest code it begins with."""
    starts = ((scheme, code[:n]) for n in range(len(code), 0, -1))
    return next((_crosswalk()[start] for start in starts if start in _crosswalk()), (code, pd.NA))


@cache
def _crosswalk() -> dict[tuple[str, str], tuple[str, str]]:
    """Return the terms of OpenAlex, ISCED-F and EuroSciVoc, each with its FORD field."""
    path = str(files("collabnet") / "data" / "crosswalk.csv")
    rows = pd.read_csv(path, dtype="string", keep_default_na=False).to_numpy().tolist()
    return {(scheme, code): (name, ford) for scheme, code, name, ford in rows}
