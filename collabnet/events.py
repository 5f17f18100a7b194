"""Joint works round the signature of an agreement, against like partners without one."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine
from collabnet.agreements import agreement_pairs, date_of
from collabnet.errors import check_whole
from collabnet.links import joint
from collabnet.parties import Years, dated, home_of, population_of, units_of
from collabnet.records import Records, origin
from collabnet.regions import memberships
from collabnet.words import words_of

SAMPLES, LEAST_YEARS = 1000, 2


def event_study(
    records: Records,
    home: str | None = None,
    *,
    window: int = 5,
    years: Years | None = None,
    matches: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """Return joint works round the signature of an agreement, beside partners without agreement.

    The event of a partner is the year in which its first agreement with the home institution
    began. Each is set beside up to `matches` partners of which no agreement at all is known, each
    used once: those nearest by `|Δ log(1 + joint works)| + |Δ log(1 + output)| + place`, where
    joint works and output (all works of the partner in the records) are those of the years before
    the event in the window, and place is 0 in the same country, 0.5 in a common region, else 1.
    A partner with more than twice the joint works, or fewer than half (1 added to both), does not
    match. The effect is the mean over partners of (mean joint works a year from the event on -
    mean before it) - the mean of the same difference of its matches. The interval is that of
    1 000 exchanges of the label *with agreement* within each set, about the effect: where it does
    not hold nought, so large a difference is had by chance in fewer than 5 of 100 cases. It shows
    an association; partners that were to sign may have been growing anyway.

    Parameters
    ----------
    records
        What was done together.
    home
        Its id; `settings.HOME` by default.
    window
        Years before and after the event that are looked at; two on each side must be in `years`.
    years
        The years in which works are known, both included; from the first to the last by default.
    matches
        How many partners without agreement are set beside each.
    seed
        Of the exchanges.

    Returns
    -------
    `offset` (years from the event, 0 is its year), `with_agreement` and `matched` (mean joint works
    of a partner that year), `difference` (how much further apart they are than before the event),
    `low`, `high` (95 %), `partners`. The note holds the effect with its interval, in joint works a
    partner and year, the partners without match or without enough years, and a sentence.

    Raises
    ------
    UnknownNameError
        No institution of this id.

    References
    ----------
    Difference in differences on matched sets: Rosenbaum 2002, Observational Studies, ch. 3 and 10;
    exchange within sets: Fisher's randomisation test.

    Examples
    --------
    >>> event_study(Records({}), "L").attrs["note"]["said"]
    'No partner has a dated agreement, years on both sides of it, and a match without.'
    """
    check_whole(1, window=window, matches=matches)
    check_whole(0, seed=seed)
    home = home_of(records, home)
    works = joint(records, "work", home, years=years).dropna(subset=["partner", "first"])
    agreed = agreement_pairs(records, home, date_of(None, None))
    begun = agreed.groupby("partner")["first_day"].agg(lambda day: day.min(skipna=False)).dt.year
    begun = begun.dropna().astype(int)
    first, last = (works["first"].min(), works["first"].max()) if len(works) else (1, 0)
    first, last = years or (int(first), int(last))
    span = range(first, last + 1)
    panel = pd.crosstab(works["partner"], works["first"])
    panel = panel.reindex(index=panel.index.union(begun.index), columns=span, fill_value=0)
    units = units_of(records, "work", "institution", years, None)
    every = engine.collect(units.frame.group_by("unit", "first").agg(n=nw.len()))
    unit = every["unit"] if units.ids is None else units.ids.take(every["unit"]).to_numpy()
    totals = pd.crosstab(unit, every["first"], every["n"], aggfunc="sum")
    totals = totals.reindex(index=panel.index, columns=span).fillna(0)
    bodies = records.institutions.set_index("institution_id")["country"]
    country = bodies.reindex(panel.index).fillna("").to_numpy(dtype=str)
    inside = memberships(records.institutions)
    inside = pd.crosstab(inside["institution_id"], inside["region"])
    inside = inside.reindex(panel.index, fill_value=0).to_numpy(dtype=float)
    signed = panel.index.get_indexer(begun.index)
    far = np.where(inside[signed] @ inside.T > 0, 0.5, 1.0)
    far[(country[signed][:, None] == country) & (country != "")] = 0
    both = np.stack([frame.to_numpy(dtype=float) for frame in (panel, totals)])
    events = dict(zip(signed.tolist(), (begun - first).tolist(), strict=True))
    free = ~panel.index.isin(agreed["partner"])
    sets, lost = matched_sets(both, events, free, far, (window, matches))
    table, effect = compared(both[0], sets, window, seed)
    note: dict[str, Any] = {"what": "event study", "kind": "work", "count": "full", "home": home}
    note |= {"years": (first, last) if len(works) else years, "window": window}
    note |= {"matches": matches, "seed": seed}
    note |= {"partners": len(sets), "matched": sum(len(others) for _, _, others in sets)}
    population = population_of(dated(records, "work"), years)
    note |= lost | {"said": _said(effect, len(sets)), "population": population}
    note |= effect if sets else {}
    note |= {"synthetic": population["made_up"] > 0, **origin(records)}
    table.attrs["note"] = note
    return table


Array = np.ndarray
Sets = list[tuple[int, int, list[int]]]
"""For each partner with an agreement: its row, the column of its event, the rows of its matches."""


def matched_sets(
    counts: Array, events: dict[int, int], free: Array, far: Array, limits: tuple[int, int]
) -> tuple[Sets, dict[str, int]]:
    """Set beside each row with an event (a column) those `free` and nearest to it.

    `counts` are joint works and output, `far` is how far apart their places are, a row an event.
    """
    sets, lost, left = [], {"without_years": 0, "without_match": 0}, free.copy()
    for (row, event), apart in zip(events.items(), far, strict=True):
        first, last = max(event - limits[0], 0), min(event + limits[0], counts.shape[2] - 1)
        if event - first < LEAST_YEARS or last - event + 1 < LEAST_YEARS:
            lost["without_years"] += 1
            continue
        before = np.log1p(counts[:, :, first:event].sum(axis=2))
        near, size = np.abs(before - before[:, [row]])
        distance = np.where(left & (near <= np.log(2)), near + size + apart, np.inf)
        best = np.argsort(distance, kind="stable")[: limits[1]]
        best = best[np.isfinite(distance[best])].tolist()
        lost["without_match"] += not best
        left[best] = False
        sets += [(row, event, best)] if best else []
    return sets, lost


def compared(
    counts: Array, sets: Sets, window: int, seed: int
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Compare each set at each offset, and from the event on as a whole (the last column)."""
    offsets = np.arange(-window, window + 1)
    most = max((len(others) for _, _, others in sets), default=1) + 1
    lines = np.full((len(sets), most, len(offsets)), np.nan)
    for n, (row, event, others) in enumerate(sets):
        there = (offsets + event >= 0) & (offsets + event < counts.shape[1])
        lines[n, : len(others) + 1, there] = counts[[row, *others]][:, (offsets + event)[there]].T
    change = lines - _mean(lines[:, :, :window], 2)[:, :, None]
    change = np.concatenate([change, _mean(change[:, :, window:], 2)[:, :, None]], axis=2)
    members = np.array([len(others) + 1 for _, _, others in sets], dtype=int)
    # Each in turn as the one with an agreement, against the mean of the others of its set.
    total = np.nansum(change, axis=1, keepdims=True)
    apart = change - (total - change) / (members - 1)[:, None, None]
    drawn = (np.random.default_rng(seed).random((SAMPLES, len(sets))) * members).astype(int)
    shuffled = np.sort(_mean(apart[np.arange(len(sets)), drawn], 1), axis=0)
    found = _mean(apart[:, 0], 0)
    low, high = (found - shuffled[int(place * SAMPLES)] for place in (0.975, 0.025))
    matched = _mean(_mean(lines[:, 1:], 1), 0)
    table = pd.DataFrame({"offset": offsets, "with_agreement": _mean(lines[:, 0], 0)})
    bounds = {"difference": found[:-1], "low": low[:-1], "high": high[:-1]}
    table = table.assign(matched=matched, **bounds)
    table["partners"] = (~np.isnan(lines[:, 0])).sum(axis=0)
    effect = {"effect": float(found[-1]), "low": float(low[-1]), "high": float(high[-1])}
    return table[table["partners"] > 0].reset_index(drop=True), effect


def _mean(values: Array, axis: int) -> Array:
    """Return the mean of what is known, nan where nothing is."""
    known = (~np.isnan(values)).sum(axis=axis)
    return np.nansum(values, axis=axis) / np.where(known, known, np.nan)


def _said(effect: dict[str, float], partners: int) -> str:
    """Say in a sentence what was found, as an association."""
    say = words_of(None, "gaps")
    chance = "" if effect["low"] > 0 or effect["high"] < 0 else say["by_chance"]
    text = say["event"] if partners else say["no_event"]
    return text.format(partners=partners, chance=chance, **effect)
