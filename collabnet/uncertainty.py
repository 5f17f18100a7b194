"""How sure: bootstrap stability intervals of shares, links and ranks.

Activities are drawn with replacement, as many as there are; the bounds are order statistics of the
samples. Activities are numbered in the order of their ids before the draw, so that a seed gives the
same bounds on every engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import numpy as np
import pandas as pd

from collabnet import counting, engine, schema, settings
from collabnet.errors import CollabnetError, SchemaError, UnknownNameError, check_whole
from collabnet.links import COUNTS, Count, joint
from collabnet.parties import Years, check_years, dated, home_of, join_key, stamp
from collabnet.records import Records
from collabnet.regions import memberships

RULE = {
    "interval": "95 % stability interval",
    "rule": "order statistics floor(0.025·B) and floor(0.975·B) of B bootstrap samples",
}
BLOCK = 64
"""Samples that are held at a time."""
STATISTICS = ("mean", "sum", "ratio")

PartnerLevel = Literal["institution", "country", "region"]
LEVELS = ("institution", "country", "region")


def bootstrap(
    values: pd.DataFrame | pd.Series,
    *,
    statistic: Literal["mean", "sum", "ratio"] = "mean",
    weights: pd.Series | None = None,
    samples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return a statistic of each column of a table of activities, with its stability interval.

    Parameters
    ----------
    values
        One row an activity, the index its id, each once; columns are numbers or yes and no. What is
        unknown in a column is left out of that column, above and below the line. A series is one
        column.
    statistic
        {"mean", "sum", "ratio"}: Σ w·x / Σ w, Σ w·x, or Σ x / Σ w.
    weights
        w of each activity, by the same index; 1 where none are given.
    samples, seed
        How many samples are drawn, and the seed of the draw.

    Returns
    -------
    `indicator, value, low, high, activities`, one row a column: the bounds of the 95 % stability
    interval, and how many activities are known. A sample in which the statistic is not defined is
    left out of the bounds.

    Raises
    ------
    SchemaError
        An activity stands twice, or a column holds no numbers.
    UnknownNameError
        A statistic that is not known.
    CollabnetError
        `samples` is not a number above 0.

    References
    ----------
    Waltman et al. 2012, JASIST 63(12) 2419-2432, and the Leiden Ranking Open Edition: of B sorted
    samples, counted from 0, number floor(0.025·B) and number floor(0.975·B).

    Examples
    --------
    >>> flags = pd.DataFrame({"abroad": [1, 1, 0, 1], "local": [1, 1, 1, 1]}, index=list("abcd"))
    >>> bootstrap(flags).values.tolist()
    [['abroad', 0.75, 0.25, 1.0, 4], ['local', 1.0, 1.0, 1.0, 4]]
    """
    if statistic not in STATISTICS:
        raise UnknownNameError("statistic", statistic, STATISTICS)
    if not values.index.is_unique:
        twice = values.index[values.index.duplicated()][0]
        raise SchemaError(f"Activity {twice!r} stands in more than one row. Give each one row.")
    values = pd.DataFrame(values).sort_index()
    weights = pd.Series(1.0, values.index) if weights is None else weights.reindex(values.index)
    try:
        x = values.to_numpy("float64", na_value=np.nan)
        w = weights.to_numpy("float64", na_value=np.nan)[:, None]
    except (TypeError, ValueError):
        raise SchemaError("A column holds no numbers. Give numbers, or yes and no.") from None
    known = ~np.isnan(x + w)
    above = x if statistic == "ratio" else w * x
    both = np.where(np.tile(known, 2), np.hstack([above, w + 0 * x]), 0)
    both = np.vstack([both, np.zeros((int(not len(both)), both.shape[1]))])  # none: one of 0
    sums, drawn = [both.sum(axis=0)], draws(len(both), samples, seed)
    while block := list(islice(drawn, BLOCK)):
        sums.append(np.array(block, dtype="float64") @ both)
    found, under = np.hsplit(np.vstack(sums), 2)
    if statistic != "sum":
        found = np.divide(found, under, out=np.full_like(found, np.nan), where=under != 0)
    found[:, ~known.any(axis=0)] = np.nan
    found = found.round(12)  # sums in another order differ in the last bits
    table = pd.DataFrame({"indicator": pd.Series(values.columns, dtype="string")})
    table["value"], (table["low"], table["high"]) = found[0], bounds(found[1:])
    table["activities"] = known.sum(axis=0)
    note = {"what": "intervals", "statistic": statistic, "of": len(values)}
    note |= {"samples": samples, "seed": seed, "collabnet": schema.COLLABNET}
    table.attrs["note"] = RULE | note
    return table


def partner_intervals(
    records: Records,
    home: str | None = None,
    *,
    kind: str = "work",
    level: PartnerLevel = "institution",
    years: Years | None = None,
    count: Count = "full",
    samples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the weight, share and rank of each partner, each with its stability interval.

    Parameters
    ----------
    records
        What was done together.
    home
        Whose partners; `settings.HOME` by default. At level "country" it may be a country.
    kind, years, count
        As in `edges`.
    level
        {"institution", "country", "region"}: partners are institutions, or the countries or regions
        these lie in today. An activity counts once for a country however many partners lie there;
        in fractions a country has the sum of theirs. Regions are those of `settings.REGIONS`; they
        overlap, and only full counting is defined.
    samples, seed
        How many samples of the activities of `home` are drawn, and the seed of the draw.

    Returns
    -------
    `partner, name, weight, low, high, share, share_low, share_high, rank, rank_low, rank_high`, the
    strongest first. `share` is the weight per activity of `home`. `rank` is 1 for the strongest,
    equal weights have the same (1, 2, 2, 4); `rank_low` is the better bound. The rank in a sample
    is among all partners of the table: small ones share the last place in many, so that the
    interval of their rank need not hold it.

    Raises
    ------
    UnknownNameError
        An institution, kind, level or counting that is not known.
    CollabnetError
        Years that are none, fractions of regions, or `samples` that is not a number above 0.

    References
    ----------
    As in `bootstrap`.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": list("abcd"), "kind": "work", "start": "2024"})
    >>> authors = pd.DataFrame({"activity_id": list("aabbcd"), "institution_id": list("LMLMLL")})
    >>> records = Records({"activities": works, "participants": authors})
    >>> partner_intervals(records, "L")[["partner", "weight", "low", "high"]].values.tolist()
    [['M', 2.0, 0.0, 4.0]]
    """
    found = ties(records, home, kind, level=level, years=years, count=count)
    activity, partner, names = coded(found)
    there, n = partner >= 0, found.attrs["note"]["of_home"]
    entries = (activity[there], partner[there], found["weight"].to_numpy()[there])
    sums = resample(*entries, draws(n, samples, seed))
    sums = np.vstack([np.bincount(*entries[1:], len(names)), sums]).round(9)
    bodies = records.institutions.set_index("institution_id")["name"]
    table = pd.DataFrame({"partner": names, "name": names.map(bodies).astype("string")})
    for column, values in (("weight", sums), ("share", sums / max(n, 1)), ("rank", _ranks(sums))):
        ends = ("low", "high") if column == "weight" else (f"{column}_low", f"{column}_high")
        table[column], (table[ends[0]], table[ends[1]]) = values[0], bounds(values[1:])
    table = table.sort_values(["weight", "partner"], ascending=[False, True], ignore_index=True)
    return noted(records, table, found, "partner intervals", samples=samples, seed=seed)


def ties(
    records: Records,
    home: str | None,
    kind: str,
    *,
    level: str = "institution",
    years: Years | None = None,
    count: str = "full",
) -> pd.DataFrame:
    """Return the activities of `home` and with whom: one row for each and partner, with its note.

    `activity` (its id), `key` (as the engine knows it), `partner` (empty: the activity is there),
    `first`, `last`, `weight`.
    """
    home, bodies = home or settings.HOME, records.institutions
    nation = level == "country" and len(home) == 2
    names = {"level": (level, LEVELS), "counting": (count, COUNTS)}
    for what, (given, among) in names.items():
        if given not in among:
            raise UnknownNameError(what, given, among)
    home = home if nation else home_of(records, home)
    if level == "region" and count != "full":
        raise CollabnetError(f"count={count!r}: regions overlap, so only full counting is defined.")
    check_years(years)
    at, works = "country" if nation else "institution", kind == "work"
    found = joint(records, kind, home, level=at, years=None if works else years)
    undated = found.loc[found["first"].isna(), "activity"].nunique()
    if years is not None and works:
        found = found[found["first"].between(*years).fillna(False)].reset_index(drop=True)
    found["weight"] = counting.credit(found.pop("n").to_numpy("int64"), count)
    found.insert(0, "key", found["activity"])
    if join_key(records) != "activity_id":
        acts = dated(records, kind).select("activity", "activity_id")
        mine = engine.like(found[["activity"]].drop_duplicates(), acts)
        ids = engine.collect(acts.join(mine, on="activity", how="semi"))
        found["activity"] = found["key"].map(ids.set_index("activity")["activity_id"])
    nowhere = bodies.loc[bodies["country"].isna(), "institution_id"].isin(found["partner"].unique())
    if level != "institution" and not nation:
        places = bodies if level == "country" else memberships(bodies, settings.REGIONS)
        places = places[["institution_id", level]].set_axis(["partner", "place"], axis=1).dropna()
        found = found.merge(places, on="partner", how="left").drop(columns="partner")
        found = found.rename(columns={"place": "partner"})
        found = found.groupby(["key", "activity", "partner"], dropna=False, as_index=False).agg(
            {"first": "min", "last": "max", "weight": "max" if count == "full" else "sum"}
        )
    found.attrs["note"] = {
        "kind": kind,
        "level": level,
        "count": count,
        "home": home,
        "years": years,
        "of_home": int(found["activity"].nunique()),
        "undated": int(undated) if works or years is None else None,
        "unplaced": 0 if level == "institution" or nation else int(nowhere.sum()),
    }
    return found


def coded(found: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, pd.Series]:
    """Return numbers of activities and partners (-1: none) in the order of their ids; and names."""
    partner, names = pd.factorize(found["partner"], sort=True)
    return pd.factorize(found["activity"], sort=True)[0], partner, pd.Series(names, dtype="string")


def noted(
    records: Records, table: pd.DataFrame, found: pd.DataFrame, what: str, **more: Any
) -> pd.DataFrame:
    """Give a table the note of the ties it was made of; an empty one says why."""
    note: dict[str, Any] = {"what": what, **found.attrs["note"]}
    note |= stamp(records, note["kind"], note["years"]) | more
    note |= RULE if "samples" in more else {}
    if table.empty or not note["of_home"]:
        note["said"] = f"No partner of {note['home']} is in its {note['of_home']} activities here."
    table.attrs["note"] = note
    return table


def resample(
    activity: np.ndarray, column: np.ndarray, value: np.ndarray, samples: Iterator[np.ndarray]
) -> np.ndarray:
    """Return the sum of `value` over each column in each sample; every column has an entry."""
    order = np.argsort(column, kind="stable")
    rows, value = activity[order], value[order]
    begins = np.flatnonzero(np.diff(column[order], prepend=-1))
    alike, sums = bool((value == 1).all()), []
    for times in samples:
        drawn = times[rows] if alike else times[rows] * value
        sums.append(np.add.reduceat(drawn, begins))
    return np.array(sums, dtype="float64")


def draws(activities: int, samples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each activity is drawn in each sample: nothing else has a part in it."""
    check_whole(1, samples=samples)
    check_whole(0, seed=seed)
    random, n = np.random.default_rng(seed), max(activities, 1)
    for _ in range(samples):
        yield np.bincount(random.integers(n, size=n, dtype=np.uint32), minlength=n)


def bounds(sampled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of each column by the rule of the Leiden Ranking; NaN is left out."""
    ordered, known = np.sort(sampled, axis=0), (~np.isnan(sampled)).sum(axis=0)
    low, high = (known * part // 1000 for part in (25, 975))
    return tuple(np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high))


def _ranks(weights: np.ndarray) -> np.ndarray:
    """Rank the columns of each row, 1 the largest; equal ones have the same rank."""
    order = np.argsort(-weights, axis=1)
    ordered = np.take_along_axis(weights, order, axis=1)
    place = np.tile(np.arange(1, weights.shape[1] + 1), (len(weights), 1))
    place[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = 0
    ranks = np.empty_like(place)
    np.put_along_axis(ranks, order, np.maximum.accumulate(place, axis=1), axis=1)
    return ranks
