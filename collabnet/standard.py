"""The standard set of indicators of one institution, as one table that reads by itself."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from collabnet import settings
from collabnet.indicators import collaboration, collaboration_types, output
from collabnet.links import joint
from collabnet.pairs import credits_of, link_impact
from collabnet.parties import Years, with_note
from collabnet.partnerships import partners, within
from collabnet.records import Records
from collabnet.spread import diversity

COLUMNS = ["indicator", "region", "value", "unit", "n", "population", "definition", "reference"]


def profile(
    records: Records,
    home: str | None = None,
    *,
    years: Years | None = None,
    region: str | None = None,
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

    Returns
    -------
    `indicator, region, value, unit, n, population, definition, reference`: the value is over `n`
    things of the population named; `region` is filled where the value is one of a region. A value
    that cannot be told is empty. Without works, an empty table, and the note says so.

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
    met = joint(records, "work", home, years=years)
    path = str(files("collabnet") / "data" / "indicators.csv")
    texts = pd.read_csv(path, dtype="string").set_index("indicator")
    found = {} if met.empty else _of_works(records, home, years, texts["n"])
    rows = [(name, *pair, None) for name, pair in found.items()]
    if not met.empty:
        lands, all_ = int(near["country"].notna().sum()), met["activity"].nunique()
        spread = diversity(near, "country").reindex([0]).iloc[0]
        far = diversity(near, "partner", distance=records.institutions).reindex([0]).iloc[0]
        placed = records.institutions.dropna(subset=["lat", "lon"])["institution_id"]
        rows += [
            ("lead", *_lead(records, home, met), None),
            ("partners", len(near), len(near), None),
            ("partner_countries", near["country"].nunique(), lands, None),
            *((name, spread[name], lands, None) for name in ("shannon", "evenness", "simpson")),
            ("rao_stirling", far["rao_stirling"], near["partner"].isin(placed).sum(), None),
        ]
        for name, table in inside.items():
            works = met.loc[met["partner"].isin(table["partner"]), "activity"].nunique()
            ours, all_links = table["weight"].sum(), near["weight"].sum()
            rows += [
                ("region_partners", len(table), len(near), name),
                ("region_share", works / all_, all_, name),
                ("region_strength", ours / all_links if all_links else np.nan, all_links, name),
            ]
    table = pd.DataFrame(rows, columns=["indicator", "value", "n", "region"])
    told = texts.drop(columns="n").reindex(table["indicator"]).reset_index(drop=True)
    table = pd.concat([table, told], axis=1)[COLUMNS]
    words = [name for name in COLUMNS if name not in ("value", "n")]
    table = table.astype({"value": float, "n": "int64"} | dict.fromkeys(words, "string"))
    note = near.attrs["note"] | {"what": "profile", "home": home, "regions": chosen}
    return with_note(table, note, f"{home} has no work in these records and years.")


def _of_works(
    records: Records, home: str, years: Years | None, populations: pd.Series
) -> dict[Any, tuple[float, int]]:
    """Return value and n of what is read off the works of one institution."""

    def of_home(table: pd.DataFrame) -> pd.Series:
        return table.set_index("unit").reindex([home]).iloc[0]

    facts = of_home(collaboration(records, years=years))
    n = int(facts["output"])
    found = {name: (facts[name], facts[of]) for name, of in populations.dropna().items()}
    found["output_fractional"] = (
        of_home(output(records, years=years, count="fractional")).iloc[0],
        n,
    )
    leads = of_home(collaboration(records, years=years, by="corresponding"))
    found["mcp_ratio_corresponding"] = leads["mcp_ratio"], leads.fillna(0)["output"]
    for scheme in ("scival", "incites"):
        types = of_home(collaboration_types(records, years=years, scheme=scheme)).iloc[1:]
        found |= {name: (value / n, n) for name, value in types.items()}
    impact = link_impact(records, home, years=years).attrs["note"]
    return found | {x: (impact[f"{x}_home"], impact[f"{x}_home_n"]) for x in ("fwci", "top10")}


def _lead(records: Records, home: str, met: pd.DataFrame) -> tuple[float, int]:
    credit = credits_of(records, met.dropna(subset="partner")["activity"])["lead"]
    told = credit["activity"].nunique()
    mine = credit.loc[credit["institution_id"] == home, "credit"].sum()
    return mine / told if told else np.nan, told
