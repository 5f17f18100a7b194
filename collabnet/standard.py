"""The standard set of indicators of one institution, as one table that reads by itself."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from collabnet import settings
from collabnet.indicators import LONG_KM, SHORT_KM, TYPES, output, signed, types_of
from collabnet.pairs import credits_of, impact_of
from collabnet.parties import Years, with_note
from collabnet.partnerships import partners, within
from collabnet.records import Records
from collabnet.spread import diversity
from collabnet.uncertainty import bootstrap, noted, ties

COLUMNS = ["indicator", "region", "value", "low", "high", "unit", "n", "population"]
COLUMNS += ["definition", "reference"]


def profile(
    records: Records,
    home: str | None = None,
    *,
    years: Years | None = None,
    region: str | None = None,
    samples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the standard set of indicators of an institution, one row each.

    Parameters
    ----------
    records
        What was done together; works are looked at.
    home
        Its id; `settings.HOME` by default.
    years
        First and last year of publication, both included.
    region
        Name of a region to look at; by default those of `settings.REGIONS`.
    samples, seed
        Of the stability intervals, as in `share_intervals`.

    Returns
    -------
    `indicator, region, value, low, high, unit, n, population, definition, reference`: the value is
    over `n` things of the population named; shares and means of works have a stability interval.
    `region` is filled where the value is one of a region. A value that cannot be told is empty.
    Without works, an empty table, and the note says so.

    Raises
    ------
    UnknownNameError
        No institution or region of this name.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("LML")})
    >>> table = profile(Records({"activities": works, "participants": authors}), "L")
    >>> table.set_index("indicator").loc[["output", "pp_collab"], "value"].tolist()
    [2.0, 0.5]
    """
    home = home or settings.HOME
    near = partners(records, home, years=years)
    chosen = [region] if region else list(settings.REGIONS)
    inside = {name: within(near, name, records.institutions) for name in chosen}
    found = ties(records, home, "work", years=years)
    flags = _flags(records, home, "work", years, found).drop(columns="partners")
    for name, table in inside.items():
        there = found["partner"].isin(table["partner"]).groupby(found["activity"]).max()
        flags[("region_share", name)] = there
    texts = pd.read_csv(str(files("collabnet") / "data" / "indicators.csv"), dtype="string")
    texts, rows = texts.set_index("indicator"), []
    if len(flags):
        lands, n = int(near["country"].notna().sum()), len(flags)
        credit = output(records, years=years, count="fractional").set_index("unit")["output"]
        spread = diversity(near, "country").reindex([0]).iloc[0]
        far = diversity(near, "partner", distance=records.institutions).reindex([0]).iloc[0]
        placed = records.institutions.dropna(subset=["lat", "lon"])["institution_id"]
        rows = [
            ("output", None, n, n),
            ("output_fractional", None, credit[home], n),
            *_bounded(flags, samples, seed),
            ("partners", None, len(near), len(near)),
            ("partner_countries", None, near["country"].nunique(), lands),
            *((name, None, spread[name], lands) for name in ("shannon", "evenness", "simpson")),
            ("rao_stirling", None, far["rao_stirling"], near["partner"].isin(placed).sum()),
        ]
        for name, table in inside.items():
            ours, all_links = table["weight"].sum(), near["weight"].sum()
            strength = ours / all_links if all_links else np.nan
            rows.append(("region_partners", name, len(table), len(near)))
            rows.append(("region_strength", name, strength, all_links))
    names = ["indicator", "region", "value", "n", "low", "high"]
    table = pd.DataFrame([(*row, None, None)[:6] for row in rows], columns=names)
    order = {name: place for place, name in enumerate([None, *chosen])}
    first = {name: place for place, name in enumerate(texts.index)}
    key = [table["region"].map(order).fillna(0), table["indicator"].map(first)]
    table = table.iloc[np.lexsort(key[::-1])].reset_index(drop=True)
    told = texts.reindex(table["indicator"]).reset_index(drop=True)
    table = pd.concat([table, told], axis=1)[COLUMNS]
    numbers = dict.fromkeys(("value", "low", "high"), float) | {"n": "int64"}
    table = table.astype(dict.fromkeys(COLUMNS, "string") | numbers)
    note = near.attrs["note"] | {"what": "profile", "home": home, "regions": chosen}
    note |= {"samples": samples, "seed": seed}
    return with_note(table, note, f"{home} has no work in these records and years.")


def share_intervals(
    records: Records,
    home: str | None = None,
    *,
    kind: str = "work",
    years: Years | None = None,
    samples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return shares and means over the output of an institution, with their stability intervals.

    Parameters
    ----------
    records
        What was done together.
    home
        Its id; `settings.HOME` by default.
    kind, years
        As in `edges`.
    samples, seed
        How many samples of its activities are drawn, and the seed of the draw.

    Returns
    -------
    `indicator, value, low, high, activities`: all that `collaboration` says of it (`mcp_ratio` by
    participation and by corresponding author), the types of `collaboration_types`, its part of the
    leads (`link_shares`), `fwci` and `top10` (`link_impact`), and `partners`, the mean number of
    other institutions. `activities` are those of which it can be told.

    Raises
    ------
    UnknownNameError
        An institution or kind that is not known.
    CollabnetError
        Years that are none, or `samples` that is not a number above 0.

    References
    ----------
    As in `bootstrap` and in the functions named.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": list("abc"), "kind": "work", "start": "2024"})
    >>> authors = pd.DataFrame({"activity_id": list("aabc"), "institution_id": list("LMLL")})
    >>> authors["country"] = ["BE", "NL", "BE", "BE"]
    >>> records = Records({"activities": works, "participants": authors})
    >>> share_intervals(records, "L").round(3).values.tolist()[0]
    ['pp_collab', 0.333, 0.0, 1.0, 3]
    """
    found = ties(records, home, kind, years=years)
    flags = _flags(records, found.attrs["note"]["home"], kind, years, found)
    table = bootstrap(flags, samples=samples, seed=seed)
    return noted(records, table, found, "share intervals", samples=samples, seed=seed)


def _bounded(flags: pd.DataFrame, samples: int, seed: int) -> list[tuple[Any, ...]]:
    """Return the rows of a profile that have bounds."""
    table = bootstrap(flags.set_axis(range(flags.shape[1]), axis=1), samples=samples, seed=seed)
    named = [name if isinstance(name, tuple) else (name, None) for name in flags]
    facts = table[["value", "activities", "low", "high"]].itertuples(index=False)
    return [(*name, *row) for name, row in zip(named, facts, strict=True)]


def _flags(
    records: Records, home: str, kind: str, years: Years | None, found: pd.DataFrame
) -> pd.DataFrame:
    """Return what each activity of home is, yes, no, a number or not known: one row each."""
    each = found.groupby("activity").agg(key=("key", "first"), partners=("partner", "count"))
    within_years = years if kind == "work" else None  # what lasts is cut to its members in `ties`
    made = signed(records, kind, level="institution", years=within_years, countries=None)
    place = pd.Index(made.works["key"]).get_indexer(pd.Index(each["key"]))
    facts = made.works.iloc[place].set_axis(each.index)
    mine = made.rows[(made.rows["unit"] == home) & (made.rows["corresponding"] == 1)]
    leads = np.isin(place, mine["activity"])
    abroad, km, far = facts["int_collab"], facts["km"], facts["collab"] & facts["placed"]
    flags = pd.DataFrame({"pp_collab": (each["partners"] > 0) | abroad})
    flags["pp_int_collab"] = flags["mcp_ratio"] = abroad
    told = {"pp_industry": facts["typed"], "pp_short": facts["placed"], "pp_long": facts["placed"]}
    flags["pp_industry"] = facts["industry"]
    flags["pp_short"], flags["pp_long"] = far & (km <= SHORT_KM), far & (km >= LONG_KM)
    for name, known in told.items():  # as in `collaboration`
        flags[name] = flags[name].astype(float) if known.any() else np.nan
    flags["mgcd"], flags["mgcd_collab"] = km.where(facts["placed"]), km.where(far)
    flags["mcp_ratio_corresponding"] = abroad.astype(float).where(leads)
    for scheme, names in TYPES.items():
        kinds = types_of(facts, scheme)
        flags = flags.assign(**{name: kinds == name for name in names})
    impact = impact_of(records, each["key"]).set_axis(each.index)
    flags = flags.assign(**{name: impact[name].astype(float) for name in impact})
    joint = each.loc[each["partners"] > 0, "key"]
    lead = credits_of(records, joint)["lead"] if kind == "work" else pd.DataFrame()
    if len(lead):
        ours = lead[lead["institution_id"] == home].set_index("activity")["credit"]
        known = joint[joint.isin(lead["activity"])]
        flags["lead"] = known.map(ours).astype(float).fillna(0).reindex(flags.index)
    else:
        flags["lead"] = np.nan
    return flags.assign(partners=each["partners"])
