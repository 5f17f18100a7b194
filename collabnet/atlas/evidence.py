"""What the atlas knows beside links: classes, lives, figures, shares, changes, networks, fields.

Every part is taken from the public function that tells it, so that the page says what they say.
Partners are numbers (`place`), what is not known is null, and a number of persons too small to be
shown is a text such as "<5".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine, settings
from collabnet.agreements import WAYS, agreement_status
from collabnet.gap_table import AGREED, KINDS, subjects
from collabnet.links import edges, joint
from collabnet.network import communities, layout
from collabnet.pairs import backbone, link_shares
from collabnet.parties import Years, join_key
from collabnet.privacy import guard, rounded
from collabnet.records import Records
from collabnet.standard import profile
from collabnet.trends import growth, turnover
from collabnet.words import WORDS

CLASSES = ["active", "expired but alive", "new", "uncovered", "dormant"]
CLASSES += ["dates unknown", "data missing"]
PERIOD = 3  # years of each of the two periods compared where no years are asked for
NODES, DRAWN, ALPHA = 150, 400, 0.05
WORKS = ("works", "works_low", "works_high")
STATUSES = {"new": "fresh", "lasting": "lasting", "returning": "returning", "lost": "lost"}
Place = dict[str, int]


class Of(NamedTuple):
    """What all is asked of; `place` are the numbers of the partners."""

    records: Records
    home: str
    years: Years | None
    day: str
    place: Place


def day_of(facts: dict[str, Any], years: Years | None, as_of: str | None) -> str | None:
    """Return the day to look at: as asked, else when the newest source was read, within years."""
    read = max((str(one.get("ingested_at") or "")[:10] for one in facts["sources"]), default="")
    end = f"{years[1]}-12-31" if years else ""
    return as_of or min(filter(None, [read, end]), default=None)


def evidence(of: Of, table: pd.DataFrame, acts: Place) -> dict[str, Any]:
    """Return all of it; `table` are the gaps in each language, `acts` numbers the agreements."""
    kinds = [kind for kind in KINDS.values() if kind in of.records.counts()]
    return {
        "asked": {"years": of.years, "as_of": of.day, "smallest": settings.SMALLEST},
        "gaps": {"classes": CLASSES, "rows": _gaps(table, of.place)},
        "lives": _lives(of, acts),
        "figures": _figures(of),
        "shares": _shares(of),
        "changes": {kind: _changes(of, kind) for kind in kinds},
        "network": {kind: _network(of, kind) for kind in kinds if kind != "mobility"},
        "regions": {kind: _regions(of, kind) for kind in kinds},
    }


def fields_of(records: Records, acts: pd.DataFrame) -> pd.Series:
    """Return the FORD fields of each activity of which one is known, in alphabetical order."""
    table = subjects(records, acts).dropna(subset="ford").sort_values("ford")
    table = table.drop_duplicates(["activity_id", "ford"])
    return pd.Series(table.groupby("activity_id")["ford"].agg(list))


def named_fields(broad: list[str], table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the names of fields: first those of the FORD, then others that the gaps tell."""
    told = pd.concat([table[f"fields_{layer}"] for layer in KINDS]).dropna().str.split("; ")
    others = sorted({*told.explode()} - {*broad})
    names = dict.fromkeys(broad, True) | dict.fromkeys(others, False)
    said = {lang: WORDS[lang].get("fields", {}) for lang in WORDS}
    return [
        {**{lang: words.get(name, name) for lang, words in said.items()}, "broad": ford}
        for name, ford in names.items()
    ]


def _gaps(table: pd.DataFrame, place: Place) -> dict[int, Any]:
    ways = {way: _persons(table[way], rounded(table[way])) for way in WAYS}
    return {
        place[row["partner"]]: {
            "class": row["class"],
            "why": {lang: row[f"why_{lang}"] for lang in WORDS},
            "works": None if row["works"] is None else [row[name] for name in WORKS],
            "projects": row["projects"],
            "out": ways["mobility_out"][n],
            "in": ways["mobility_in"][n],
            "agreements": [row[name] for name in AGREED],
            "fields": {k: row[f"fields_{k}"].split("; ") for k in KINDS if row[f"fields_{k}"]},
            "last": row["last_activity"],
            "synthetic": row["synthetic"],
        }
        for n, row in enumerate(_plain(table))
    }


def _lives(of: Of, acts: Place) -> list[dict[str, Any]]:
    """Return the agreements; one of no layer has no `act`, a partner not resolved has a name."""
    table = agreement_status(of.records, of.home, as_of=of.day, years=of.years)
    ways = dict(zip(WAYS, (rounded(table[way]) for way in WAYS), strict=True))
    both, most = pd.DataFrame(ways), pd.DataFrame(ways).max(axis=1, skipna=False)
    table["reciprocity"] = both.min(axis=1, skipna=False) / most.where(most > 0)
    out, in_ = (_persons(table[way], ways[way]) for way in WAYS)
    kept = ("title", "type", "programme", "unit", "status", "start", "end", "end_status", "ending")
    kept = (*kept, "members", "follows", "chain", "renewal", "reciprocity")
    return [
        {
            "id": row["activity_id"],
            "act": acts.get(row["activity_id"]),
            "body": of.place.get(row["partner"]),
            "name": None if row["partner"] in of.place else row["name"],
            "days": row["days_to_expiry"],
            **{key: row[key] for key in kept},
            "out": out[n],
            "in": in_[n],
        }
        for n, row in enumerate(_plain(table))
    ]


def _figures(of: Of) -> list[dict[str, Any]]:
    table = profile(of.records, of.home, years=of.years)
    names = {"indicator": "key", "definition": "formula", "reference": "source"}
    made_up = bool(table.attrs["note"].get("synthetic"))
    return [row | {"synthetic": made_up} for row in _plain(table.rename(columns=names))]


def _shares(of: Of) -> dict[int, dict[str, Any]]:
    """Return whose part joint works are; of a partner without works of its own it is not known."""
    table = link_shares(of.records, of.home, years=of.years)
    met = joint(of.records, "work", of.home, years=of.years)[["activity", "partner"]].dropna()
    people = of.records.lazy("participants").select(
        "institution_id", "person_id", activity=nw.col(join_key(of.records))
    )
    wanted = engine.like(met[["activity"]].drop_duplicates(), people)
    people = engine.collect(people.join(wanted, on="activity", how="semi")).dropna()
    people = people.drop_duplicates()
    mine = people.loc[people["institution_id"] == of.home, ["activity", "person_id"]]
    theirs = people.rename(columns={"institution_id": "partner"})
    sides = (met.merge(mine, on="activity"), met.merge(theirs, on=["activity", "partner"]))
    counts = (side.groupby("partner")["person_id"].nunique() for side in sides)
    counts = (n.reindex(table["partner"]).astype("Int64") for n in counts)
    ours, others = (_persons(n, n) for n in counts)
    alone = table["output_partner"] <= table["joint"]
    table["theirs"] = table["of_partner"].mask(alone)
    return {
        of.place[row["partner"]]: {
            "joint": row["joint"],
            "mine": row["of_home"],
            "theirs": row["theirs"],
            "lead": [row["lead_home"], row["lead_partner"]],
            "people": [ours[n], others[n]],
        }
        for n, row in enumerate(_plain(table))
    }


def _changes(of: Of, kind: str) -> dict[str, Any] | None:
    """Return who came and went between the halves of the years, else the last two periods.

    A rate of growth is listed where it has an interval; null stands for what is infinite.
    """
    found = joint(of.records, kind, of.home)
    first, last = found["first"].min(), found[["first", "last"]].max(axis=None)
    if pd.isna(first):
        return None
    whole = (pd.Timestamp(of.day) + pd.Timedelta(days=1)).year - 1  # the last year that is over
    first, last = of.years or (int(first), min(int(last), whole))
    half = (last - first + 1) // 2 if of.years else min(PERIOD, (last - first + 1) // 2)
    if half < 1:
        return None
    late, early = (int(last - half + 1), int(last)), (int(last - 2 * half + 1), int(last - half))
    since = int(found["first"].min())
    before = [(since, early[0] - 1)] if since < early[0] else []
    table = turnover(of.records, of.home, periods=[*before, early, late], kind=kind)
    now = table[table["until"] == last]
    who = {status: now.loc[now["status"] == status, "partner"] for status in STATUSES}
    change: dict[str, Any] = {"periods": [early, late]}
    change |= {STATUSES[status]: [of.place[one] for one in ids] for status, ids in who.items()}
    rates = pd.DataFrame(columns=["partner", "growth", "low", "high"])
    if kind != "mobility":  # rates would tell exact numbers of persons
        rates = growth(of.records, of.home, kind=kind, years=(early[0], late[1])).dropna(
            subset="low"
        )
    rates = _plain(rates.replace([np.inf], np.nan))
    change["growth"] = [[of.place[r["partner"]], r["growth"], r["low"], r["high"]] for r in rates]
    return change


def _network(of: Of, kind: str) -> dict[str, Any]:
    """Return the links among the partners that stand out, with places and communities.

    Of many links those of the backbone are kept, of these the strongest; `alpha` is null where it
    was not needed, or where no link stands out.
    """
    whole, place = edges(of.records, kind, years=of.years), of.place
    whole = whole[whole["source"].isin(place) & whole["target"].isin(place)].reset_index(drop=True)
    ends = pd.concat([whole.set_index(end)["weight"] for end in ("source", "target")])
    order = ends.groupby(level=0).sum().reset_index()
    order = order.set_axis(["unit", "weight"], axis=1)
    top = order.sort_values(["weight", "unit"], ascending=[False, True])["unit"].head(NODES)
    among = whole[whole["source"].isin(top) & whole["target"].isin(top)].reset_index(drop=True)
    table, alpha = among, None
    if len(table) > DRAWN:
        kept = backbone(table, ALPHA)
        table, alpha = (kept, ALPHA) if len(kept) else (table, None)
        keys = ["weight", "source", "target"]
        table = table.sort_values(keys, ascending=[False, True, True]).head(DRAWN)
    net: dict[str, Any] = {"nodes": [], "edges": [], "whole": len(whole), "kept": len(table)}
    if len(table):
        nodes = layout(table, seed=0).merge(communities(among), on="unit")
        xy = nodes[["x", "y"]]
        xy = ((xy - xy.min()) / (xy.max() - xy.min()).max()).fillna(0.5).round(3)
        ids = nodes["unit"].map(place)
        net["nodes"] = [
            list(node) for node in zip(ids, xy["x"], xy["y"], nodes["community"], strict=True)
        ]
        both = (table[end].map(place) for end in ("source", "target"))
        net["edges"] = [list(edge) for edge in zip(*both, table["weight"], strict=True)]
    return net | {"alpha": alpha}


def _regions(of: Of, kind: str) -> dict[str, Any]:
    """Return the links between regions; within one there is none, and a masked one is null."""
    names = list(settings.REGIONS)
    table = guard(edges(of.records, kind, level="region", years=of.years))
    cells: list[list[float | None]] = [
        [None if one == other else 0 for other in names] for one in names
    ]
    for row in _plain(table):
        a, b = names.index(row["source"]), names.index(row["target"])
        cells[a][b] = cells[b][a] = row["weight"]
    return {"names": names, "cells": cells}


def _persons(numbers: pd.Series, shown: pd.Series) -> list[int | str | None]:
    """Return numbers of persons as they are shown; the few are told to be few."""
    few = (numbers.gt(0) & numbers.lt(settings.SMALLEST)).fillna(value=False)
    return [
        f"<{settings.SMALLEST}" if low else None if pd.isna(n) else int(n)
        for low, n in zip(few, shown, strict=True)
    ]


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values, floats to six digits; what is not known is None."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [
        {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in row.items()}
        for row in rows
    ]
