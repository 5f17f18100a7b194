"""The standard set of indicators of one institution, as one table that reads by itself."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

from collabnet import settings
from collabnet.indicators import collaboration, collaboration_types, output
from collabnet.links import joint
from collabnet.pairs import credits_of, link_impact
from collabnet.parties import Years
from collabnet.partnerships import partners, within
from collabnet.records import Records
from collabnet.spread import diversity

COLUMNS = ["indicator", "value", "unit", "n", "population", "definition", "reference"]


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
    `indicator, value, unit, n, population, definition, reference`: the value is over `n` things of
    the population named (for the last three indicators the region, and its works, partners or
    links). A value that cannot be told is empty. Without works, an empty table, and the note says
    so.

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
    note = near.attrs["note"]
    chosen = [region] if region else list(settings.REGIONS)
    note = {"what": "profile", "home": home, **{k: v for k, v in note.items() if k != "what"}}
    inside = {name: within(near, name, records.institutions) for name in chosen}
    met = joint(records, "work", home, years=years)
    note["regions"] = chosen
    texts = pd.read_csv(str(files("collabnet") / "data" / "indicators.csv"), dtype="string")
    if met.empty:
        table = pd.DataFrame(columns=COLUMNS).astype({"value": float})
        table.attrs["note"] = note | {"empty": f"{home} has no work in these years."}
        return table
    rows = _of_works(records, home, years) + _of_partners(records, home, near, met)
    all_ = met["activity"].nunique()
    for name, table in inside.items():
        works = met.loc[met["partner"].isin(table["partner"]), "activity"].nunique()
        rows += [
            ("region_partners", len(table), len(near), f"partners, {name}"),
            ("region_share", works / all_, all_, f"works, {name}"),
            (
                "region_strength",
                table["weight"].sum() / (near["weight"].sum() or float("nan")),
                int(near["weight"].sum()),
                f"links, {name}",
            ),
        ]
    found = pd.DataFrame(rows, columns=["indicator", "value", "n", "population"])
    table = found.merge(texts, on="indicator", how="left", validate="many_to_one")[COLUMNS]
    table = table.astype({"value": float, "n": "int64"} | dict.fromkeys(COLUMNS[4:], "string"))
    table.attrs["note"] = note
    return table


Row = tuple[str, float, int, str]


def _of_works(records: Records, home: str, years: Years | None) -> list[Row]:
    def of_home(table: pd.DataFrame) -> pd.Series:
        return table.set_index("unit").reindex([home]).iloc[0]

    facts = of_home(collaboration(records, years=years))
    n = int(facts["output"])
    rows: list[Row] = [
        ("output", n, n, "works"),
        (
            "output_fractional",
            of_home(output(records, years=years, count="fractional"))["output"],
            n,
            "works",
        ),
    ]
    told = {
        "pp_collab": ("output", "works"),
        "pp_int_collab": ("output", "works"),
        "pp_industry": ("industry_n", "works of known types of institution"),
        "pp_short": ("distance_n", "works of known distance"),
        "pp_long": ("distance_n", "works of known distance"),
        "mgcd": ("distance_n", "works of known distance"),
        "mgcd_collab": ("distance_collab_n", "collaborative works of known distance"),
    }
    rows += [(name, facts[name], int(facts[of]), words) for name, (of, words) in told.items()]
    leading = of_home(collaboration(records, years=years, by="corresponding")).fillna(0)
    of = int(leading["output"])
    share = leading["mcp"] / of if of else float("nan")
    rows.append(("mcp_ratio_corresponding", share, of, "works it is corresponding author of"))
    for scheme in ("scival", "incites"):
        types = of_home(collaboration_types(records, years=years, scheme=scheme))
        rows += [(str(name), value / n, n, "works") for name, value in types.iloc[1:].items()]
    impact = link_impact(records, home, years=years).attrs["note"]
    for name in ("fwci", "top10"):
        rows.append((name, impact[f"{name}_home"], impact[f"{name}_n_home"], "works that have it"))
    return rows


def _of_partners(records: Records, home: str, near: pd.DataFrame, met: pd.DataFrame) -> list[Row]:
    lands = near["country"].nunique()
    rows: list[Row] = [
        ("partners", len(near), len(near), "partners"),
        (
            "partner_countries",
            lands,
            int(near["country"].notna().sum()),
            "partners of known country",
        ),
    ]
    spread = diversity(near, "country")
    far = diversity(near, "partner", distance=records.institutions)
    for name in ("shannon", "evenness", "simpson"):
        rows.append((name, *_first(spread, name), "joint works × partners of known country"))
    rows.append(
        ("rao_stirling", *_first(far, "rao_stirling"), "joint works × partners of known place")
    )
    shared = met.dropna(subset="partner")["activity"].unique()
    credit = credits_of(records, pd.Series(shared))["lead"]
    told = credit.index.get_level_values("activity").nunique()
    mine = credit[credit.index.get_level_values("institution_id") == home].sum()
    rows.append(("lead", mine / told if told else float("nan"), told, "works with a partner"))
    return rows


def _first(table: pd.DataFrame, name: str) -> tuple[float, int]:
    if table.empty:
        return float("nan"), 0
    row = table.iloc[0]
    return row[name], round(row["total"] * (row["rao_share"] if name == "rao_stirling" else 1))
