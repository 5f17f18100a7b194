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
from collabnet.agreements import agreement_pairs, date_of, home_of
from collabnet.errors import UnknownNameError
from collabnet.links import joint
from collabnet.parties import Years, dated, join_key, population_of
from collabnet.partnerships import moves
from collabnet.records import NUMBERS, Records
from collabnet.regions import list_regions, memberships
from collabnet.words import capital, count, words_of

CLASSES = (
    *("active", "dormant", "uncovered", "expired but alive", "new", "dates unknown"),
    "data missing",
)
LEVELS = ("partner", "country", "region", "field", "unit")
KINDS = {"works": "work", "projects": "project", "mobility": "mobility", "agreements": "agreement"}
WAYS = {"mobility_out": ("sending", "receiving"), "mobility_in": ("receiving", "sending")}
AGREED = tuple(f"agreements_{s}" for s in ("in_force", "expired", "unknown", "not_yet"))
LAYERS = ("works", "projects", *WAYS, *AGREED)
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
    lang: str | None = None,
) -> pd.DataFrame:
    """Return which partnerships live, sleep, or are missing: one row a partner.

    A partner is whoever did something together with the home institution in those years, or has an
    agreement with it, at whatever time. It is *alive* where `least_works`, `least_projects` or
    `least_persons` is reached. The class is the first that holds:

    1. *data missing*: there is no agreement of the home institution in the records; or the partner
       is not alive, has none of unknown dates, and a layer of `needs` has no data;
    2. *dates unknown*: no agreement in force, and one whose dates are not known;
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
        {"en", "fr"}: language of `why`; `settings.LANGUAGE` by default.

    Returns
    -------
    One row a partner, the strongest first: `partner, name, country, regions` (another level: its
    name, `name` and the number of `partners`), `works, works_low, works_high, projects,
    mobility_out, mobility_in` (persons), `agreements_in_force, agreements_expired,
    agreements_unknown, agreements_not_yet, fields_works, fields_projects, fields_mobility,
    fields_agreements` (the three most frequent), `last_activity, synthetic, class, why`. A layer
    without data of the home institution in those years is empty, not nought. `works_low` and
    `works_high` hold 95 % of 1 000 bootstrap samples of the works of the home institution, in which
    the number of joint ones, k of N, is Binomial(N, k/N); the bounds are the values in places
    floor(.025 · 1000) and floor(.975 · 1000). An empty name of a row stands for what is not known.

    Raises
    ------
    UnknownNameError
        An institution, level, layer or language that is not known.
    InputError
        `as_of` is no date.

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
    home, day = home_of(records, home), date_of(as_of, years)
    ties, whole = _ties(records, home, years, day)
    last_year = years[1] if years else day.year
    rows = _grouped(ties, by, records, home, day)
    table = _numbers(rows, by, whole["works"], seed)
    since = rows[rows["first"] <= last_year].groupby("row")["first"].min()
    done = rows[(rows["first"] <= last_year) & ~rows["layer"].isin(AGREED)]
    last = done["last"].clip(upper=last_year).fillna(last_year).groupby(done["row"]).max()
    table["last_activity"] = last.reindex(table.index).astype("Int64")
    reach = ties["first"].min()
    undated = rows["first"].isna() & ~rows["layer"].isin(AGREED)
    young = since.reindex(table.index) > last_year - new
    young &= (reach <= last_year - new) & ~table.index.isin(rows.loc[undated, "row"])
    persons = table[[*WAYS]].fillna(0).sum(axis=1)
    asked = {"works": least_works, "projects": least_projects}
    alive = persons.ge(least_persons) | table["unsaid"]
    for layer, least in asked.items():
        alive |= table[layer].fillna(0).ge(least)
    made_up = rows[rows["synthetic"] & rows["now"]]
    doubt = bool(len(made_up)) & ~alive
    table["synthetic"] = table.index.isin(made_up["row"]) | doubt
    say = words_of(lang, "gaps")
    facts = table.assign(alive=alive, young=young, since=since.reindex(table.index))
    facts = facts.astype(object).where(facts.notna(), None).to_dict("records")
    verdicts = [_verdict(row, needs) for row in facts]
    table["class"] = pd.Series(verdicts, table.index, dtype="string")
    why = [_why(row | {"class": one}, say) for row, one in zip(facts, verdicts, strict=True)]
    table["why"] = pd.Series(why, table.index, dtype="string")
    table = _described(table, rows, by, records, lang=lang or settings.LANGUAGE)
    table.attrs["note"] = {
        "what": "gaps",
        "level": by,
        "count": "full",
        "years": years,
        "home": home,
        "as_of": f"{day:%Y-%m-%d}",
        "alive_from": {**asked, "persons": least_persons},
        "new": f"{new} years",
        "needs": list(needs),
        "seed": seed,
        "activities_of_home": whole,
        "without_partner": _lonely(ties),
        "population": {k: population_of(dated(records, k), years) for k in KINDS.values()},
        "classes": {name: int((table["class"] == name).sum()) for name in CLASSES},
        "regions": list(settings.REGIONS) if by in {"partner", "region"} else None,
        "crosswalk": "collabnet/data/crosswalk.csv" if by == "field" else None,
        "synthetic": bool(table["synthetic"].any()),
        "store": records.provenance.get("store"),
    }
    if table.empty:
        table.attrs["note"]["said"] = f"Nothing joint and no agreement of {home} is in the records."
    return table


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
    ties, _ = _ties(records, home, years, day)
    cell = _grouped(ties[ties["now"] & (ties["layer"] == layer)], by, records, home, day)
    cell = cell.loc[cell["row"] == (row or ""), ["activity"]].drop_duplicates()
    acts = records.lazy("activities").with_columns(activity=nw.col(join_key(records)))
    found = engine.collect(acts.join(engine.like(cell, acts), on="activity", how="semi"))
    found = found.drop(columns=["activity", *NUMBERS], errors="ignore")
    found = found.sort_values("activity_id", ignore_index=True)
    found.attrs["note"] = {"what": "activities", "row": row, "layer": layer, "years": years}
    return found


def _ties(
    records: Records, home: str, years: Years | None, day: pd.Timestamp
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the ties of all times (`now`: those that count), and how many there are of home."""
    parts, whole = [], {}
    for layer in ("works", "projects"):
        ever = joint(records, KINDS[layer], home)
        now = ever if years is None else joint(records, KINDS[layer], home, years=years)
        whole[layer] = int(now["activity"].nunique())
        pairs = pd.MultiIndex.from_frame(now[["activity", "partner"]])
        counts = pd.MultiIndex.from_frame(ever[["activity", "partner"]]).isin(pairs)
        parts.append(ever.assign(layer=layer, now=counts).drop(columns="n"))
    flows, _ = moves(records, None)
    flows = flows.rename(columns={"amount": "persons"})
    within = pd.Series(data=True, index=flows.index)
    if years:
        within = (flows["first"] <= years[1]) & (flows["last"] >= years[0])
    flows["now"] = within.fillna(value=False).astype(bool)
    flows["last"] = flows["last"].astype("Int64")
    for way, (here, there) in WAYS.items():
        mine = flows[(flows[here] == home) & flows[there].ne(home).fillna(value=True)]
        parts.append(mine.rename(columns={there: "partner"}).drop(columns=here).assign(layer=way))
    moved = pd.concat(parts[-2:])
    # Of flows to somebody not named, nobody's share is known, and nought would be a guess.
    whole["mobility"] = int(moved.loc[moved["now"] & moved["partner"].notna(), "activity"].nunique())
    agreed = agreement_pairs(records, home, day)
    whole["agreements"] = int(agreed["activity"].nunique())
    layers = agreed["status"].replace({"dates unknown": "unknown"}).str.replace(" ", "_")
    begun = agreed["first_day"].dt.year.astype("Int64")
    agreed = agreed[["activity", "partner"]].assign(
        layer="agreements_" + layers, first=begun, last=begun, now=True
    )
    columns = ["layer", "activity", "partner", "first", "last", "persons", "now"]
    types = {"first": "Int64", "last": "Int64", "persons": "Float64", "now": bool}
    parts = [part.reindex(columns=columns).astype(types) for part in (*parts, agreed)]
    ties = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    acts = records.lazy("activities").with_columns(activity=nw.col(join_key(records)))
    wanted = engine.like(ties[["activity"]].drop_duplicates(), acts)
    facts = acts.select("activity", "activity_id", "synthetic")
    ties = ties.merge(engine.collect(facts.join(wanted, on="activity", how="semi")), on="activity")
    return ties.assign(synthetic=ties["synthetic"].eq(other=True).fillna(value=False)), whole


def _grouped(
    ties: pd.DataFrame, by: str, records: Records, home: str, day: pd.Timestamp
) -> pd.DataFrame:
    """Say in which `row` each tie stands: one, several, or "" where it is not known."""
    ties = ties[ties["partner"].notna()]
    bodies = records.institutions
    if by == "partner":
        row = ties["partner"]
    elif by == "country":
        row = ties["partner"].map(bodies.set_index("institution_id")["country"])
    elif by == "region":
        places = memberships(bodies, settings.REGIONS, at=f"{day:%Y-%m-%d}")
        places = places.set_axis(["partner", "row"], axis="columns")
        ties = ties.merge(places, on="partner", how="left")
        row = ties["row"]
    elif by == "field":
        subjects = _subjects(records, ties)[["activity_id", "ford"]].drop_duplicates()
        known = subjects.dropna().rename(columns={"ford": "row"})
        ties = ties.merge(known, on="activity_id", how="left")
        row = ties["row"]
    else:
        people = records.lazy("participants").filter(nw.col("institution_id") == home)
        people = people.with_columns(activity=nw.col(join_key(records)))
        units = engine.collect(people.filter(~nw.col("unit").is_null()).select("activity", "unit"))
        units = units.drop_duplicates().rename(columns={"unit": "row"})
        ties = ties.merge(units, on="activity", how="left")
        row = ties["row"]
    return ties.assign(row=row.astype("string").fillna(""))


def _numbers(rows: pd.DataFrame, by: str, works: int, seed: int) -> pd.DataFrame:
    """Count the activities of each row and layer, each once; of mobility the persons."""
    now = rows[rows["now"]].drop_duplicates(["layer", "row", "activity"])
    cells = now.groupby(["row", "layer"])
    counts = cells.size().unstack("layer").reindex(columns=list(LAYERS)).fillna(0)
    persons = cells["persons"].sum(min_count=1).unstack("layer").reindex(columns=list(WAYS))
    table = counts.astype("Int64")
    unsaid = pd.Series(data=False, index=table.index)
    for way in WAYS:
        silent = counts[way].gt(0) & persons[way].isna()
        unsaid |= silent
        table[way] = persons[way].fillna(0).astype("Float64").mask(silent)
    # Where no activity of a layer could be placed in any row, no row is known to have none; but a
    # work of one institution is known to have no partner.
    placed = set(now.loc[now["row"] != "", "layer"].str.split("_").str[0])
    placed |= {"works"} if works and by in LEVELS[:3] else set()
    for layer in LAYERS:
        if layer.partition("_")[0] not in placed:
            table[layer] = table[layer].mask(table[layer].eq(0))
    bounds = {k: _interval(int(k), works, seed) for k in table["works"].dropna().unique()}
    for place, end in enumerate(("low", "high")):
        value = table["works"].map({k: found[place] for k, found in bounds.items()})
        table.insert(place + 1, f"works_{end}", value.astype("Int64"))
    return table.assign(unsaid=unsaid)


def _interval(joint_works: int, works: int, seed: int) -> tuple[int, int]:
    """Return the bounds of a count in bootstrap samples; of a count alone, whatever the table."""
    chance = np.random.default_rng([seed, works, joint_works])
    draws = np.sort(chance.binomial(works, joint_works / works, SAMPLES))
    return int(draws[int(0.025 * SAMPLES)]), int(draws[int(0.975 * SAMPLES)])


def _verdict(row: dict[str, Any], needs: Sequence[str]) -> str:
    """Return the class of a row, in which None is unknown; see the table in `gaps`."""
    if all(row[a] is None for a in AGREED):
        return "data missing"
    held, over, unknown, to_come = (bool(row[a]) for a in AGREED)
    live = row["alive"]
    if unknown and not held:
        return "dates unknown"
    if not live and any(_silent(row, layer) for layer in needs):
        return "data missing"
    if row["young"] or (to_come and not (live or held or over)):
        return "new"
    if live and not held:
        return "expired but alive" if over else "uncovered"
    if held or over:
        return "active" if live else "dormant"
    return "uncovered"


def _silent(row: dict[str, Any], layer: str) -> bool:
    """Has a layer no data for this row? A flow of an unknown number of persons is data."""
    if layer == "mobility":
        return all(row[way] is None for way in WAYS) and not row["unsaid"]
    return row[layer] is None


def _why(row: dict[str, Any], say: dict[str, Any]) -> str:
    """Say in one sentence what a class rests on; no number of persons is in it."""
    known = any(row[a] is not None for a in AGREED)
    agreed = [count(say, a, row[a]) for a in AGREED if row[a]]
    agreed = agreed or [say["no_agreement"] if known else say["missing"]["agreements"]]
    numbers = {layer: row[layer] for layer in ("works", "projects")}
    numbers["mobility"] = int(row["unsaid"] or any(row[way] for way in WAYS))
    done = [
        say["missing"][layer] if _silent(row, layer) else count(say, layer, n)
        for layer, n in numbers.items()
    ]
    parts = [", ".join(agreed), ", ".join(done)]
    if not row["alive"] and any(numbers.values()):
        parts.append(say["below"])
    if row["class"] == "new" and row["since"]:
        parts.append(say["first"].format(year=row["since"]))
    if row["synthetic"]:
        parts.append(say["synthetic"])
    return f"{capital(say['classes'][row['class']])}: {'; '.join(parts)}."


def _described(
    table: pd.DataFrame, rows: pd.DataFrame, by: str, records: Records, *, lang: str
) -> pd.DataFrame:
    """Add names, places and fields, sort, and bring the columns into their order."""
    now = rows[rows["now"]]
    bodies = records.institutions.set_index("institution_id")
    facts: dict[str, Any] = {}
    if by == "partner":
        places = memberships(records.institutions, settings.REGIONS)
        facts = {c: bodies[c].reindex(table.index) for c in ("name", "country")}
        named = places.groupby("institution_id")["region"].agg(", ".join)
        facts["regions"] = named.reindex(table.index).astype("string")
    else:
        called = {code: name for (scheme, code), (name, _) in _crosswalk().items() if scheme == "ford"}
        if by == "region":
            called = list_regions().set_index("region")[f"label_{lang}"].to_dict()
        names = [called.get(row) if by in {"field", "region"} else None for row in table.index]
        facts["name"] = pd.Series(names, table.index, dtype="string")
        facts["partners"] = now.groupby("row")["partner"].nunique().reindex(table.index)
    subjects = _subjects(records, now)
    ties = now[["layer", "row", "activity_id"]].assign(of=now["layer"].str.split("_").str[0])
    said = ties.merge(subjects, on="activity_id").drop_duplicates(["of", "row", "activity_id", "name"])
    often = said.groupby(["of", "row", "name"]).size().reset_index(name="n")
    often = often.sort_values(["n", "name"], ascending=[False, True]).groupby(["of", "row"])
    top = often.head(SHOWN).groupby(["of", "row"])["name"].agg("; ".join)
    for layer in KINDS:
        found = top[layer] if layer in top.index.get_level_values(0) else pd.Series(dtype="string")
        facts[f"fields_{layer}"] = found.reindex(table.index).astype("string")
    table = table.assign(**facts)
    head = [name for name in facts if not name.startswith("fields_")]
    order = [*head, "works", "works_low", "works_high", *LAYERS[1:], *facts]
    order += ["last_activity", "synthetic", "class", "why"]
    table = table[list(dict.fromkeys(order))].rename_axis(by).reset_index()
    table[by] = table[by].astype("string").replace("", pd.NA)
    keys = ["works", "projects", "agreements_in_force"]
    ranks = table[keys].fillna(0).astype("int64").assign(name=table[by].fillna("~"))
    return table.loc[
        ranks.sort_values([*keys, "name"], ascending=[False, False, False, True]).index
    ].reset_index(drop=True)


def _subjects(records: Records, ties: pd.DataFrame) -> pd.DataFrame:
    """Return the fields of activities: `activity_id, name, ford` (empty where none is known)."""
    fields = records.lazy("fields")
    wanted = engine.like(ties[["activity_id"]].drop_duplicates(), fields)
    own = "name" in fields.collect_schema().names()
    columns = ["activity_id", "scheme", "code", *(["name"] if own else [])]
    found = engine.collect(fields.select(columns).join(wanted, on="activity_id", how="semi"))
    terms = list(zip(found["scheme"], found["code"].fillna(""), strict=True))
    known = {term: _term(*term) for term in set(terms)}
    pairs = [known[term] for term in terms]
    made = pd.DataFrame(pairs, columns=["name", "ford"], index=found.index, dtype="string")
    given = found["name"] if own else pd.Series(pd.NA, found.index)
    name = given.astype("string").fillna(made["name"])
    return pd.DataFrame({"activity_id": found["activity_id"], "name": name, "ford": made["ford"]})


def _term(scheme: str, code: str) -> tuple[str, Any]:
    """Return the name of a field and its FORD code: those of the longest code it begins with."""
    starts = ((scheme, code[:n]) for n in range(len(code), 0, -1))
    return next((_crosswalk()[start] for start in starts if start in _crosswalk()), (code, pd.NA))


@cache
def _crosswalk() -> dict[tuple[str, str], tuple[str, str]]:
    """Return the terms of OpenAlex, ISCED-F and EuroSciVoc with the FORD field each stands for."""
    path = str(files("collabnet") / "data" / "crosswalk.csv")
    rows = pd.read_csv(path, dtype="string", keep_default_na=False).itertuples(index=False)
    return {(row.scheme, row.code): (row.name, row.ford) for row in rows}


def _lonely(ties: pd.DataFrame) -> dict[str, int]:
    """Count, layer by layer, the activities of home whose other side nobody named."""
    alone = ties[ties["now"] & ties["partner"].isna()]
    return alone.groupby("layer")["activity"].nunique().to_dict()
