"""The life of agreements: which are in force, which end soon, which renew another, which are used.

No standard defines these; the definitions are in the docstrings and in `docs/agreements.md`.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd

from collabnet import engine
from collabnet.errors import InputError, check_whole
from collabnet.identifiers import DATE
from collabnet.links import joint
from collabnet.parties import Years, check_years, dated, home_of, join_key, population_of
from collabnet.partnerships import flows
from collabnet.records import Records, origin

STATUSES = ("in force", "dates unknown", "not yet", "expired")
"""From the strongest to the weakest: of several spells of one partner the first holds."""

WAYS = {"mobility_out": ("sending", "receiving"), "mobility_in": ("receiving", "sending")}
"""At which end of a flow the home institution stands, and at which its partner."""

COLUMNS = [
    *("activity_id", "partner", "name", "country", "title", "type", "programme", "unit", "fields"),
    *("start", "end", "end_status", "status", "days_to_expiry", "ending", "members"),
    *("follows", "chain", "renewal", "mobility_out", "mobility_in", "reciprocity"),
]


def agreement_status(
    records: Records,
    home: str | None = None,
    *,
    as_of: str | None = None,
    years: Years | None = None,
    months: int = 12,
) -> pd.DataFrame:
    """Return the agreements of an institution at a date: one row an agreement and partner.

    A date that gives only a year or month is taken at its first day where something begins, at its
    last where it ends. What counts are the dates both were members: those of the agreement, cut to
    `since` and `until` of the two. *Expired*: a known end is over. *Not yet*: the beginning is to
    come. *In force*: it has begun, and its end is to come, or stated to be open. *Dates unknown*:
    all else; an agreement without dates is never in force, nor is one that ends before it begins.

    Parameters
    ----------
    records
        What was done together.
    home
        Its id; `settings.HOME` by default.
    as_of
        ISO date at which to look, of a year or month its last day; by default the last day of
        `years`, or today if that is earlier.
    years
        The years of which mobility is counted, both included; all by default.
    months
        An agreement in force whose end is known to come within so many months is `ending`.

    Returns
    -------
    `activity_id, partner, name, country, title, type, programme, unit, fields, start, end,
    end_status, status, days_to_expiry, ending, members, follows, chain, renewal,
    mobility_out, mobility_in, reciprocity`, sorted by agreement and partner. `unit` is that of the
    home institution; dates are as written, `days_to_expiry` are counted to the last day both are
    members (negative once it is over, empty where open or unknown). `members` counts all parties.
    `chain` is the first agreement of a chain of renewals (`follows`), `renewal` the number of steps
    from it. Mobility is in persons with that partner, of all agreements together;
    `reciprocity` = min(out, in) / max(out, in), empty where nobody moved. The note counts the
    statuses.

    Raises
    ------
    UnknownNameError
        No institution of this id.
    InputError
        `as_of` is no date.

    Examples
    --------
    >>> act = {"activity_id": ["g"], "kind": "agreement", "start": "2020-09", "end": "2026-08"}
    >>> sides = pd.DataFrame({"activity_id": "g", "institution_id": ["L", "M"]})
    >>> records = Records({"activities": pd.DataFrame(act), "participants": sides})
    >>> table = agreement_status(records, "L", as_of="2026-01-01")
    >>> table[["partner", "status", "days_to_expiry", "ending"]].values.tolist()
    [['M', 'in force', 242, True]]
    """
    check_whole(0, months=months)
    home, day = home_of(records, home), date_of(as_of, years)
    table = agreement_pairs(records, home, day)
    until, bodies = table["last_day"], records.institutions.set_index("institution_id")
    table["days_to_expiry"] = (until - day).dt.days.astype("Int64")
    soon = until.between(day, day + pd.DateOffset(months=months))
    table["ending"] = (table["status"] == "in force") & soon
    for column in ("name", "country"):
        table[column] = table["partner"].map(bodies[column]).fillna(table[f"{column}_given"])
    fields = records.lazy("fields").filter(nw.col("activity_id").is_in(list(table["activity_id"])))
    fields = engine.collect(fields).sort_values("code")
    subjects = fields.groupby("activity_id")["code"].agg("; ".join)
    table["fields"] = table["activity_id"].map(subjects).astype("string")
    before = table.drop_duplicates("activity_id").set_index("activity_id")["follows"].dropna()
    chains = {one: _chain(one, before.to_dict()) for one in table["activity_id"].unique()}
    table["chain"] = table["activity_id"].map({one: c[-1] for one, c in chains.items()})
    table["renewal"] = table["activity_id"].map({one: len(c) - 1 for one, c in chains.items()})
    moved = exchanges(records, home, years)
    elsewhere = table["partner"].notna() & ~table["partner"].isin(moved.index)
    for way in WAYS:
        known = elsewhere & bool(moved[way].notna().any())
        table[way] = table["partner"].map(moved[way]).mask(known, 0).astype("Float64")
    most = table[[*WAYS]].max(axis=1, skipna=False)
    table["reciprocity"] = table[[*WAYS]].min(axis=1, skipna=False) / most.where(most > 0)
    counts = table.groupby("status")["activity_id"].nunique()
    table = table.astype({"chain": "string", "renewal": "Int64", "members": "Int64"})
    table = table.sort_values(["activity_id", "partner"], ignore_index=True)
    note: dict[str, Any] = {"what": "agreements", "kind": "agreement", "home": home}
    note |= {"as_of": f"{day:%Y-%m-%d}", "years": years, "mobility_known": bool(len(moved))}
    note |= {"months": months, "agreements": table["activity_id"].nunique()}
    note |= {status: int(counts.get(status, 0)) for status in STATUSES}
    note |= {"synthetic": bool(table["synthetic"].any()), **origin(records)}
    if table.empty:
        note["said"] = f"No agreement of {home} is in these records."
    table = table[COLUMNS]
    table.attrs["note"] = note
    return table


def agreement_rates(
    records: Records,
    home: str | None = None,
    *,
    as_of: str | None = None,
    years: Years | None = None,
    least_works: int = 1,
) -> pd.DataFrame:
    """Return how far agreements are used, and how far research is covered by them.

    Activity = agreements in force under which somebody moved in the years / agreements in force;
    dormancy = 1 - activity; coverage = partners with joint works and an agreement in force /
    partners with joint works; backing = the same partners / partners with an agreement in force.

    Parameters
    ----------
    records, home, as_of, years
        As in `agreement_status`; joint works, too, are those of `years`.
    least_works
        A partner counts as one with joint works from so many on.

    Returns
    -------
    `indicator, value, part, whole`, with `value = part / whole`; empty where the whole is nought,
    or nothing is known of mobility or works.

    Raises
    ------
    UnknownNameError, InputError
        As in `agreement_status`.

    Examples
    --------
    >>> act = {"activity_id": ["g", "w"], "kind": ["agreement", "work"], "start": "2020"}
    >>> sides = pd.DataFrame({"activity_id": list("ggww"), "institution_id": list("LMLM")})
    >>> acts = pd.DataFrame(act | {"end": ["2029", None]})
    >>> rates = agreement_rates(Records({"activities": acts, "participants": sides}), "L")
    >>> rates.set_index("indicator").value["coverage"]
    np.float64(1.0)
    """
    check_whole(0, least_works=least_works)
    table = agreement_status(records, home, as_of=as_of, years=years)
    note = table.attrs["note"] | {"what": "rates of agreements", "least_works": least_works}
    moved = exchanges(records, note["home"], years)
    used = moved.index[moved.dropna(axis=1, how="all").fillna(1).sum(axis=1) > 0]
    held = table[table["status"] == "in force"]
    active = held.loc[held["partner"].isin(used), "activity_id"].nunique() if len(moved) else None
    whole = held["activity_id"].nunique()
    works = joint(records, "work", note["home"], years=years)["partner"]
    counts = works.value_counts()
    authors, allies = set(counts.index[counts >= least_works]), set(held["partner"].dropna())
    both = len(authors & allies) if len(works) and len(table) else None
    idle = None if active is None else whole - active
    out = pd.DataFrame({"indicator": ["activity", "dormancy", "coverage", "backing"]})
    out["part"] = pd.array([active, idle, both, both], dtype="Int64")
    out["whole"] = pd.array([whole, whole, len(authors), len(allies)], dtype="Int64")
    out.insert(1, "value", out["part"] / out["whole"].where(out["whole"] > 0))
    made_up = [population_of(dated(records, k), years)["made_up"] for k in ("work", "mobility")]
    out.attrs["note"] = note | {"synthetic": note["synthetic"] or sum(made_up) > 0}
    return out


def date_of(as_of: str | None, years: Years | None) -> Any:
    """Return the day to look at."""
    check_years(years)
    today = pd.Timestamp.today().normalize()
    if as_of is None:
        return min(today, pd.Timestamp(f"{years[1]}-12-31")) if years else today
    day = _days(pd.Series([as_of]), last=True)[0]
    if not DATE.fullmatch(str(as_of)) or pd.isna(day):
        raise InputError(f"as_of={as_of!r} is not a date such as 2026, 2026-01 or 2026-01-31.")
    return day


def exchanges(records: Records, home: str, years: Years | None) -> pd.DataFrame:
    """Return the persons that went to each partner and came from it, all empty where none did."""
    table = flows(records, years=years)
    table = table[table[["sending", "receiving"]].notna().all(axis=1)]
    ways = {}
    for way, (here, there) in WAYS.items():
        mine = table[(table[here] == home) & (table[there] != home)]
        ways[way] = mine.set_index(there)["persons"].astype("Float64")
    partners = ways["mobility_out"].index.union(ways["mobility_in"].index)
    moved = pd.DataFrame({way: persons.reindex(partners) for way, persons in ways.items()})
    known = {way: partners.isin(persons.index) | persons.empty for way, persons in ways.items()}
    return moved.where(pd.DataFrame(known, partners), 0)


def agreement_pairs(records: Records, home: str, day: pd.Timestamp) -> pd.DataFrame:
    """Return the agreements of home with each partner, with the days both were members."""
    acts = dated(records, "agreement")
    facts = ("activity_id", "type", "title", "programme", "start", "end", "end_status", "follows")
    people = engine.collect(
        records.lazy("participants")
        .with_columns(activity=nw.col(join_key(records)), partner=nw.col("institution_id"))
        .join(acts.select("activity"), on="activity")
        .select("activity", "partner", "country", "affiliation", "unit", "since", "until")
    ).rename(columns={"affiliation": "name"})
    people["members"] = people["partner"].fillna(people["name"])
    people["members"] = people.groupby("activity")["members"].transform("nunique")
    mine = people["partner"].isin([home])
    ours = people.loc[mine, ["activity", "unit", "members", "since", "until"]]
    theirs = people[~mine].drop(columns=["unit", "members"])
    theirs = theirs.rename(columns=lambda c: c if c in {"activity", "partner"} else f"{c}_given")
    table = engine.collect(acts.select("activity", "synthetic", *facts)).merge(ours, on="activity")
    table = table.merge(theirs, on="activity", how="left")
    begins = [_days(table[c], last=False) for c in ("start", "since", "since_given")]
    ends = [_days(table[c], last=True) for c in ("end", "until", "until_given")]
    first, last = pd.concat(begins, axis=1).max(axis=1), pd.concat(ends, axis=1).min(axis=1)
    # Dates that contradict each other are not known.
    odd = pd.concat([a > b for a, b in zip(begins, ends, strict=True)], axis=1).any(axis=1)
    first, last = first.mask(odd), last.mask(odd)
    decided = table["end_status"].isin(["open"]) | ends[0].notna()
    status = pd.Series("dates unknown", table.index, dtype="string")
    status = status.mask(
        (first <= day) & decided & ~odd & (last.isna() | (last >= day)), "in force"
    )
    status = status.mask(first > day, "not yet").mask(last < day, "expired")
    table = table.assign(status=status, first_day=first, last_day=last)
    table = table.assign(rank=status.map(dict(zip(STATUSES, range(4), strict=True))))
    table = table.sort_values(["rank", "last_day"], ascending=[True, False])
    table["party"] = table["partner"].fillna(table["name_given"])
    spells = table.groupby(["activity", "party"], dropna=False)["first_day"]
    table["first_day"] = spells.transform("min", skipna=False)
    return table[~table.duplicated(["activity", "party"])].drop(columns="party")


def _days(dates: pd.Series, *, last: bool) -> pd.Series:
    """Return the first or last day of dates that may give only a year or a month."""
    text = dates.astype("string").str.slice(0, 10)
    size = text.str.len()
    days = pd.to_datetime(text.str.cat(size.map({4: "-01-01", 7: "-01", 10: ""})), errors="coerce")
    if last:
        days = days.mask(size == 4, days + pd.offsets.YearEnd(0))
        days = days.mask(size == 7, days + pd.offsets.MonthEnd(0))
    return days


def _chain(agreement: str, follows: dict[str, str]) -> list[str]:
    """Return an agreement and what it renews, back to the first; a circle is gone round once."""
    seen = [agreement]
    while (earlier := follows.get(seen[-1])) and earlier not in seen:
        seen.append(earlier)
    return seen
