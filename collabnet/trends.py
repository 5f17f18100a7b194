"""How a collaboration changes: counts by year, growth, who comes and goes, and what lies behind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from collabnet.errors import CollabnetError, UnknownNameError, check_whole
from collabnet.links import Count
from collabnet.parties import Years, check_years
from collabnet.records import Records
from collabnet.uncertainty import PartnerLevel, bounds, coded, draws, noted, resample, ties

BY = ("year", "sliding", "cumulative")
OF = ("weight", "share")
FEWEST = 5
"""Joint activities from which on a growth has an interval: samples of fewer are too much alike."""


def trend(
    records: Records,
    home: str | None = None,
    *,
    kind: str = "work",
    by: Literal["year", "sliding", "cumulative"] = "year",
    window: int = 3,
    years: Years | None = None,
    level: PartnerLevel = "institution",
    count: Count = "full",
) -> pd.DataFrame:
    """Return the links of an institution year by year, with its output beside them.

    Parameters
    ----------
    records
        What was done together.
    home
        Its id; `settings.HOME` by default. At level "country" it may be a country.
    kind, count
        As in `edges`.
    by
        {"year", "sliding", "cumulative"}: each year by itself, the last `window` years up to it, or
        all years up to it.
    window
        Years of a sliding window; years that lack a full one are left out.
    years
        First and last year, both included; by default those known of `home`.
    level
        {"institution", "country", "region"}, as in `partner_intervals`.

    Returns
    -------
    `partner, since, until, weight, output, share`: one row a partner and window, also where they
    did nothing together (0). `output` is the number of activities of `home` in the window, `share`
    the weight per output, empty where there is none. What lasts counts in each year it overlaps.
    Activities without a year are left out, and counted in the note.

    Raises
    ------
    UnknownNameError
        An institution, kind, level, counting or choice of `by` that is not known.
    CollabnetError
        Years or a window that are none, or fractions of regions.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": list("abc"), "kind": "work"})
    >>> works["start"] = ["2021", "2023", "2023"]
    >>> authors = pd.DataFrame({"activity_id": list("aabbc"), "institution_id": list("LMLML")})
    >>> records = Records({"activities": works, "participants": authors})
    >>> trend(records, "L")[["until", "weight", "output"]].values.tolist()
    [[2021.0, 1.0, 1.0], [2022.0, 0.0, 0.0], [2023.0, 1.0, 2.0]]
    """
    if by not in BY:
        raise UnknownNameError("choice of by", by, BY)
    check_whole(1, window=window)
    found = ties(records, home, kind, level=level, years=years, count=count)
    first, last = years or _span(found)
    back = {"year": 1, "sliding": window, "cumulative": 0}[by]
    ends = range(first + max(back, 1) - 1, last + 1)
    windows = [(until - back + 1 if back else first, until) for until in ends]
    table = _counted(records, found, windows).drop(columns="joint")
    table["share"] = table["weight"] / table["output"]
    return noted(records, table, found, "trend", by=by, window=window if by == "sliding" else None)


def growth(
    records: Records,
    home: str | None = None,
    *,
    kind: str = "work",
    of: Literal["weight", "share"] = "weight",
    years: Years | None = None,
    level: PartnerLevel = "institution",
    count: Count = "full",
    samples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return by how much the link with each partner grows a year, with its stability interval.

    The rate is exp(b) - 1 of the Poisson regression E(weight of year t) = exp(a + b·t), which years
    without joint activities do not trouble. Its b depends on the mean year of the joint activities
    alone, and grows with it: the bounds are those of that mean year. Where all stand in the last
    year the rate is infinite, where all stand in the first it is -1.

    Parameters
    ----------
    records
        What was done together.
    home
        Its id; `settings.HOME` by default. At level "country" it may be a country.
    kind, count
        As in `edges`; what lasts counts in the year it began.
    of
        {"weight", "share"}: of the link, or of its share in the output of `home`, whose numbers by
        year are then taken as given: E(weight of year t) = output of year t · exp(a + b·t).
    years
        First and last year, both included; by default those known of `home`.
    level
        {"institution", "country", "region"}, as in `partner_intervals`.
    samples, seed
        How many samples of the activities of `home` are drawn, and the seed of the draw.

    Returns
    -------
    `partner, weight, growth, low, high`, the strongest first: weight in these years, and the rate a
    year: 0.1 is 10 %. It is empty where there is one year only, and its bounds where there are
    fewer than five joint activities.

    Raises
    ------
    UnknownNameError
        An institution, kind, level, counting or choice of `of` that is not known.
    CollabnetError
        Years that are none, fractions of regions, or `samples` that is not a number above 0.

    References
    ----------
    McCullagh & Nelder 1989, Generalized Linear Models, ch. 6 (log-linear models of counts); for the
    interval, as in `bootstrap`.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": list("abc"), "kind": "work"})
    >>> works["start"] = ["2021", "2022", "2022"]
    >>> authors = pd.DataFrame({"activity_id": list("aabbcc"), "institution_id": list("LMLMLM")})
    >>> records = Records({"activities": works, "participants": authors})
    >>> growth(records, "L").growth.round(6).tolist()
    [1.0]
    """
    if of not in OF:
        raise UnknownNameError("choice of of", of, OF)
    whole = ties(records, home, kind, level=level, years=years, count=count)
    start, end = years or _span(whole)
    found = whole[whole["first"].between(start, end).fillna(False)]
    activity, partner, names = coded(found)
    once, there = np.unique(activity, return_index=True)[1], partner >= 0
    year = found["first"].to_numpy("int64") - start
    base = np.ones(max(end - start + 1, 1))
    if of == "share":
        base = np.bincount(year[once], minlength=len(base)).astype(float)
    activity, partner, year = activity[there], partner[there], year[there]
    weight, n = found["weight"].to_numpy()[there], len(names)
    column, value = np.append(partner, partner + n), np.append(weight, weight * year)
    drawn = draws(len(once), samples, seed)
    sums = resample(np.tile(activity, 2), column, value, drawn)
    sums = np.vstack([np.bincount(column, value, 2 * n), sums])
    with np.errstate(invalid="ignore"):  # in a sample without joint activities there is no mean
        mean = sums[:, n:] / sums[:, :n]
    few = np.bincount(partner, minlength=n) < FEWEST
    means = (mean[0], *(np.where(few, np.nan, end) for end in bounds(mean[1:])))
    table = pd.DataFrame({"partner": names, "weight": sums[0, :n]})
    for column, mean in zip(("growth", "low", "high"), means, strict=True):
        table[column] = np.expm1(_slope(mean, base))
    table = table.sort_values(["weight", "partner"], ascending=[False, True], ignore_index=True)
    return noted(
        records, table, whole, "growth", of=of, span=(start, end), samples=samples, seed=seed
    )


def turnover(
    records: Records,
    home: str | None = None,
    *,
    periods: Sequence[Years],
    kind: str = "work",
    level: PartnerLevel = "institution",
    count: Count = "full",
) -> pd.DataFrame:
    """Say which partners are new, lasting, returning or lost, period by period.

    Parameters
    ----------
    records
        What was done together.
    home
        Its id; `settings.HOME` by default. At level "country" it may be a country.
    periods
        First and last year of each, in order, without overlap.
    kind, level, count
        As in `trend`.

    Returns
    -------
    `partner, since, until, status, weight`. A partner is there in a period where its weight is
    above 0. `status`, from the second period on: lasting (there, and in the period before), new
    (there, and in none before), returning (there, not in the period before, but in an earlier one),
    lost (not there, but in the period before; weight 0). In the first period it is "first": what
    was before is not known. So there = lasting + new + returning, and there = there in the period
    before - lost + new + returning. The note counts them.

    Raises
    ------
    UnknownNameError
        An institution, kind, level or counting that is not known.
    CollabnetError
        Periods that overlap or are not in order, or fractions of regions.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": list("ab"), "kind": "work", "start": ["2021", "2022"]})
    >>> authors = pd.DataFrame({"activity_id": list("aabb"), "institution_id": list("LMLN")})
    >>> records = Records({"activities": works, "participants": authors})
    >>> table = turnover(records, "L", periods=[(2021, 2021), (2022, 2022)])
    >>> table[["partner", "until", "status"]].values.tolist()
    [['M', 2021, 'first'], ['M', 2022, 'lost'], ['N', 2022, 'new']]
    """
    spans = _periods(periods)
    over = (spans[0][0], spans[-1][1])
    found = ties(records, home, kind, level=level, years=over, count=count)
    table = _counted(records, found, spans).drop(columns=["output", "joint"])
    there = table["weight"].to_numpy().reshape(-1, len(spans)) > 0
    before = np.pad(there, [(0, 0), (1, 0)])[:, :-1]
    ever = np.logical_or.accumulate(before, axis=1)
    rules = {"lasting": there & before, "new": there & ~ever, "returning": there & ~before}
    status = np.select([*rules.values(), before], [*rules, "lost"], "")
    status[:, 0] = np.where(there[:, 0], "first", "")
    table.insert(3, "status", pd.Series(status.ravel(), table.index, dtype="string"))
    table = table[table["status"] != ""].reset_index(drop=True)
    counts = table.groupby(["since", "until", "status"]).size()
    told = {f"{since}-{until} {status}": n for (since, until, status), n in counts.items()}
    return noted(records, table, found, "turnover", periods=told)


def decompose(
    records: Records,
    home: str | None = None,
    *,
    before: Years,
    after: Years,
    kind: str = "work",
    level: PartnerLevel = "institution",
    count: Count = "full",
) -> pd.DataFrame:
    """Split the change of each link into more output, more collaboration, more of this partner.

    A weight is O · C · P: the output of `home`, the part of it made with anybody, and the weight
    per activity made with anybody. Each part of the change is its Shapley value, the mean over the
    six orders in which the three may change; so they add up to the change exactly, and swapping
    `before` and `after` changes their sign alone:
    ΔO·(C₀P₀ + (ΔC·P₀ + C₀·ΔP)/2 + ΔC·ΔP/3), and likewise for C and P.

    Parameters
    ----------
    records
        What was done together.
    home
        Its id; `settings.HOME` by default. At level "country" it may be a country.
    before, after
        The two periods, first and last year; take them equally long.
    kind, level, count
        As in `trend`.

    Returns
    -------
    `partner, before, after, change, more_output, more_collaboration, more_partner`, in weight, the
    largest change first. Where there was no output (nothing made with anybody) in one period, C (P)
    is not known there, and taken as in the other. The note holds the output of both periods, and
    how much of it was joint.

    Raises
    ------
    UnknownNameError
        An institution, kind, level or counting that is not known.
    CollabnetError
        Periods that overlap or are not in order, or fractions of regions.

    References
    ----------
    Sun 1998, Energy Economics 20(1) 85-100; Albrecht, François & Schoors 2002, Energy Policy 30(9)
    727-736, for the decomposition.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": list("abc"), "kind": "work"})
    >>> works["start"] = ["2021", "2022", "2022"]
    >>> authors = pd.DataFrame({"activity_id": list("aabbcc"), "institution_id": list("LMLMLM")})
    >>> records = Records({"activities": works, "participants": authors})
    >>> table = decompose(records, "L", before=(2021, 2021), after=(2022, 2022))
    >>> table[["change", "more_output", "more_collaboration", "more_partner"]].values.tolist()
    [[1.0, 1.0, 0.0, 0.0]]
    """
    spans = _periods([before, after])
    over = (spans[0][0], spans[1][1])
    found = ties(records, home, kind, level=level, years=over, count=count)
    table = _counted(records, found, spans)
    weight = table["weight"].to_numpy().reshape(-1, 2).T
    beside = {
        name: table[name].to_numpy("float64").reshape(-1, 2).T for name in ("output", "joint")
    }
    output, joint = beside.values()
    factors = [output, _filled(joint, output), _filled(weight, joint)]
    parts = [_shapley(*factors[n:], *factors[:n]) for n in range(3)]
    split = pd.DataFrame({"partner": table["partner"].drop_duplicates().array})
    names = ("more_output", "more_collaboration", "more_partner")
    split["before"], split["after"], split["change"] = *weight, weight[1] - weight[0]
    split = split.assign(**dict(zip(names, parts, strict=True)))[weight.any(axis=0)]
    split = split.sort_values("change", key=lambda c: -c.abs(), kind="stable", ignore_index=True)
    facts = {name: values[:, :1].ravel().tolist() for name, values in beside.items()}
    told = {"before": spans[0], "after": spans[1], **facts}
    return noted(records, split, found, "decomposition", **told)


def _counted(records: Records, found: pd.DataFrame, windows: Sequence[Years]) -> pd.DataFrame:
    """Count each partner in each window; what lasts is counted anew, as `edges` would."""
    names, note = found["partner"].dropna().sort_values().unique(), found.attrs["note"]
    options = {name: note[name] for name in ("home", "kind", "level", "count")}
    n, spans = len(names), np.array(windows, dtype="int64").reshape(-1, 2)
    weight, (output, joint) = np.zeros((n, len(spans))), np.zeros((2, len(spans)), dtype="int64")
    for at, (since, until) in enumerate(windows):
        if note["kind"] == "work":
            part = found[found["first"].between(since, until).fillna(False)]
        else:
            part = ties(records, **options, years=(since, until))
        ours = part[part["partner"].notna()]
        weight[:, at] = ours.groupby("partner")["weight"].sum().reindex(names, fill_value=0)
        output[at], joint[at] = part["activity"].nunique(), ours["activity"].nunique()
    beside = {"since": spans[:, 0], "until": spans[:, 1], "output": output, "joint": joint}
    table = pd.DataFrame({name: np.tile(values, n) for name, values in beside.items()})
    table.insert(0, "partner", pd.Series(names.repeat(len(spans)), dtype="string"))
    table.insert(3, "weight", weight.ravel())
    return table


def _span(found: pd.DataFrame) -> Years:
    """Return the first and the last year known of these activities; none where there are none."""
    known = found[["first", "last"]].max(axis=1).dropna()
    return (int(found["first"].min()), int(known.max())) if len(known) else (0, -1)


def _periods(periods: Sequence[Years]) -> list[Years]:
    for period in periods:
        check_years(period or ())
    if not periods or any(left[1] >= right[0] for left, right in pairwise(periods)):
        raise CollabnetError(f"{periods}: pairs of years were expected, in order and apart.")
    return [(int(since), int(until)) for since, until in periods]


def _filled(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide; what is not known before is taken as after, and the other way round."""
    share = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
    return np.nan_to_num(np.where(np.isnan(share), share[::-1], share))


def _shapley(own: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the part of a factor in the change of a product of three; each is (before, after)."""
    d, e = one[1] - one[0], other[1] - other[0]
    return (own[1] - own[0]) * (one[0] * other[0] + (d * other[0] + one[0] * e) / 2 + d * e / 3)


def _slope(mean: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return b such that years weighted by base·exp(b·t) have this mean, by bisection."""
    years = np.flatnonzero(base > 0)
    if len(years) < 2:
        return np.full(len(mean), np.nan)
    low, high = np.full((2, len(mean)), [[-60.0], [60.0]])
    for _ in range(70):
        middle = (low + high) / 2
        power = middle[:, None] * years + np.log(base[years])
        power = np.exp(power - power.max(axis=1, keepdims=True))
        over = (power @ years) / power.sum(axis=1) > mean
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    slope = np.where(mean <= years[0] + 1e-12, -np.inf, (low + high) / 2)
    slope = np.where(mean >= years[-1] - 1e-12, np.inf, slope)
    return np.where(np.isnan(mean), np.nan, slope)
