"""What the atlas shows, gathered from the records as plain numbers and texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import narwhals as nw
import pandas as pd

from collabnet import engine, geo, parties, settings
from collabnet.atlas import evidence
from collabnet.errors import UnknownNameError
from collabnet.gap_table import gaps
from collabnet.institutions import gazetteer
from collabnet.parties import Years
from collabnet.partnerships import partners
from collabnet.privacy import rounded
from collabnet.records import Records
from collabnet.regions import memberships, region, unplaced
from collabnet.sheet import shows_nuts
from collabnet.words import WORDS, name_in

# Kinds of links in the order offered: the page opens on the first one there is.
LAYERS = ("agreement", "project", "work", "mobility")
ALONE = ("mobility", "commitment", "agreement", "project")  # of which lone ones are listed too
CITED = 5  # of co-publications, how many are listed behind a partner: most cited, else newest
LONG = 40  # of names longer than this the page also holds the acronym, where one is known


def gather(
    records: Records,
    home: str,
    names: Sequence[str],
    *,
    years: Years | None = None,
    as_of: str | None = None,
) -> dict[str, Any]:
    """Return all the page shows, ready for JSON: who, where, what, and where it was read."""
    bodies, present, facts = records.institutions, records.counts(), records.provenance
    if home not in set(bodies["institution_id"]):
        # A store may hold nothing about home yet; its atlas opens all the same, and is empty.
        known, present, records = gazetteer(), {}, Records({})
        if home not in set(known["institution_id"]):
            raise UnknownNameError("institution", home, bodies["institution_id"])
        bodies = pd.concat([bodies, known[known["institution_id"] == home]], ignore_index=True)
    joint = {kind: _joint(records, home, kind) for kind in LAYERS if kind in present}
    if "mobility" in joint:
        joint["mobility"] = _flows(*joint["mobility"])
    own = [
        row
        for kind in ALONE
        if kind in present
        for row in _alone(kind, *(joint.get(kind) or _joint(records, home, kind)))
    ]
    day = evidence.day_of(facts, years, as_of)
    classes = gaps(records, home, years, as_of=day, lang=[*WORDS])
    shown = sorted({*classes["partner"]}.union(*(pairs["partner"] for pairs, _ in joint.values())))
    place = {key: number for number, key in enumerate(shown)}
    notes = {kind: partners(records, home, kind=kind).attrs["note"] for kind in joint}
    table = bodies.set_index("institution_id", drop=False)
    around = table.loc[shown].reset_index(drop=True)
    subjects = {kind: evidence.fields_of(records, acts) for kind, (_, acts) in joint.items()}
    broad = sorted({name for found in subjects.values() for names in found for name in names})
    layers: list[dict[str, Any]] = [
        {
            "kind": kind,
            "synthetic": bool(notes[kind].get("synthetic")),
            **_links(kind, *found, place, subjects[kind].map(lambda x: [*map(broad.index, x)])),
        }
        for kind, found in joint.items()
        if len(found[0])
    ]
    agreed = next((one["acts"] for one in layers if one["kind"] == "agreement"), {})
    asked = evidence.Of(records, home, years, classes.attrs["note"]["as_of"], place)
    numbers = {act["id"]: number for number, act in agreed.items()}
    groups = memberships(around, settings.REGIONS).drop_duplicates("institution_id")
    group = dict(zip(groups["institution_id"], groups["region"], strict=True))
    return {
        "home": _body(table.loc[home]),
        "bodies": [
            {**_body(row), "group": group.get(row["institution_id"])}
            for row in around.to_dict("records")
        ],
        "groups": list(settings.REGIONS),
        "tabs": [_tab(name, around) for name in names],
        "layers": layers,
        "own": own,
        "points": _points(around),
        "coverage": [
            {"kind": kind, "of_home": notes[kind]["of_home"], **_coverage(*found, around)}
            for kind, found in joint.items()
        ],
        "sources": [
            {key: source.get(key) for key in ("file", "format", "read", "kept", "sha256")}
            | {"date": str(source.get("ingested_at", ""))[:10]}
            for source in facts["sources"]
        ],
        "credits": {code: geo.sources(code) for code in ("en", "fr")},
        "made": {"version": version("collabnet"), "store": facts.get("store", "–")},
        "fieldNames": evidence.named_fields(broad, classes),
        **evidence.evidence(asked, classes, numbers),
    }


def _joint(records: Records, home: str, kind: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return who took part in an activity of home while it did, and those activities.

    Counted over any span of years, the pairs give what `partners` gives; the tests hold them to it.
    """
    mine = (
        records.lazy("participants")
        .filter(nw.col("institution_id") == home)
        .select(activity=nw.col(parties.join_key(records)), own_role=nw.col("role"))
        .group_by("activity")
        .agg(nw.col("own_role").min())
    )
    acts = engine.collect(parties.dated(records, kind).join(mine, on="activity", how="inner"))
    # Who counts as taking part, and when, is decided in one place.
    units = parties.units_of(records, kind, "institution", None, None)
    spans = engine.collect(units.frame.join(mine.select("activity"), on="activity", how="semi"))
    spans["unit"] = spans["unit"] if units.ids is None else units.ids.array.take(spans["unit"])
    if "last" not in spans:
        spans["last"] = spans["first"]
    at_home = spans["unit"] == home
    pairs = spans[~at_home].merge(spans[at_home], on="activity", suffixes=("", "_2"))
    pairs["first"] = pairs[["first", "first_2"]].max(axis="columns")
    pairs["last"] = pairs[["last", "last_2"]].min(axis="columns")
    apart = (pairs["first"] > pairs["last"]).fillna(value=False)
    pairs = pairs[~apart].rename(columns={"unit": "partner"})
    pairs = pairs[["activity", "partner", "first", "last"]]
    ended = acts["end"].notna() | (kind == "work")
    acts["end_status"] = acts["end_status"].fillna("unknown").mask(ended, "known")
    acts["n"] = acts["activity"].map(spans.groupby("activity")["unit"].nunique())
    return pairs, acts.sort_values("activity_id", ignore_index=True)


def _flows(pairs: pd.DataFrame, acts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put flows of the same partners, way and years together, and round their persons.

    What stands for several has the facts all of them share. `few`: too few persons to tell of them.
    """
    met = pairs.sort_values("partner").groupby("activity")["partner"].agg("|".join)
    key = acts["activity"].map(met).astype("string").fillna(acts["activity"].astype("string"))
    whole = acts.groupby([key, "own_role", "first", "last", "end_status"], dropna=False, sort=False)
    number, first = whole.ngroup(), whole["activity"].transform("first")
    persons = whole["amount"].transform("sum", min_count=1)
    few = persons.lt(settings.SMALLEST) & persons.gt(0)
    alike = whole["activity"].transform("size") == 1
    told = [
        "activity",
        "activity_id",
        "kind",
        "end_status",
        "own_role",
        "first",
        "last",
        "truncated",
    ]
    for column in acts.columns.difference(told):
        same = alike | (whole[column].transform("nunique", dropna=False) == 1)
        acts[column] = acts[column].where(same)
    acts["amount"], acts["few"] = rounded(persons), few.fillna(value=False).astype(bool)
    pairs = pairs.assign(activity=pairs["activity"].map(first.set_axis(acts["activity"])))
    return pairs.drop_duplicates(), acts[~number.duplicated()].reset_index(drop=True)


def _links(
    kind: str,
    pairs: pd.DataFrame,
    acts: pd.DataFrame,
    place: dict[str, int],
    fields: pd.Series,
) -> dict[str, Any]:
    """Return the links of a kind: spans `[activity, first, last, [partners]]` and what they are."""
    acts = acts[acts["activity"].isin(pairs["activity"])].reset_index(drop=True)
    number = pd.Series(acts.index, index=acts["activity"])
    rows = pairs.assign(
        act=pairs["activity"].map(number),
        body=pairs["partner"].map(place),
        first=pairs["first"].astype("Int64"),
        last=pairs["last"].astype("Int64"),
    ).sort_values(["act", "body"])
    lived = rows.groupby(["act", "first", "last"], dropna=False)["body"].agg(list)
    spans = [
        [int(act), _int(first), _int(last), parties]
        for (act, first, last), parties in zip(lived.index, lived, strict=True)
    ]
    of, types = pd.factorize(acts["type"], sort=True)
    cited = set(acts.index)
    if kind == "work":
        rows["cited_by"] = rows["act"].map(acts["cited_by"])
        order = {"cited_by": False, "first": False, "act": True}
        best = rows.sort_values([*order], ascending=[*order.values()], kind="stable")
        cited = set(best.groupby("body").head(CITED)["act"])
    elif kind == "mobility":  # nothing is told of flows of too few persons, as in `privacy.guard`
        cited -= set(acts.index[acts["few"]])
    return {
        "open": parties.OPEN,
        "ends": "".join(acts["end_status"].str[0]),
        "amounts": [_float(x) for x in acts["amount"]] if kind == "mobility" else None,
        "fields": [fields.get(act) or 0 for act in acts["activity_id"]],
        "types": {"names": types.tolist(), "of": [None if n < 0 else n for n in of.tolist()]},
        "sizes": acts["n"].astype(int).tolist() if kind == "work" else None,
        "spans": spans,
        "acts": {i: _act(row) for i, row in enumerate(acts.to_dict("records")) if i in cited},
    }


def _alone(kind: str, pairs: pd.DataFrame, acts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what home does by itself, or with partners that are not named."""
    return [
        {**_act(row), "kind": kind, "amount": _float(row["amount"]), "role": _text(row["own_role"])}
        for row in acts[~acts["activity"].isin(pairs["activity"])].to_dict("records")
    ]


def _act(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of an activity; what is not known is not there."""
    keys = ("title", "type", "start", "end", "programme", "note", "doi", "source", "id")
    cited: Any = row.get("cited_by")
    record = ", ".join(filter(None, [_text(row["source"]), _text(row["record"])]))
    row = row | {"source": _text(row.get("reference")) or record, "id": row["activity_id"]}
    known: dict[str, Any] = {key: _text(row.get(key)) for key in keys}
    known["cited"] = "" if pd.isna(cited) else int(cited)
    return {**{k: v for k, v in known.items() if v != ""}, "status": row["end_status"]}


def _coverage(pairs: pd.DataFrame, acts: pd.DataFrame, around: pd.DataFrame) -> dict[str, int]:
    """Count what the links of a kind rest on."""
    of_kind = around[around["institution_id"].isin(pairs["partner"])]
    return {
        "joint": int(pairs["activity"].nunique()),
        "partners": len(of_kind),
        "placed": int(of_kind["lat"].notna().sum()),
        "without_dates": int(acts["first"].isna().sum()),
        "truncated": int(acts["truncated"].fillna(value=False).sum()),
    }


def _tab(name: str, around: pd.DataFrame) -> dict[str, Any]:
    """Return a view: what it is called, what it shows, who lies in it, and who says so."""
    rules = region(name)
    shapes = geo.region_shapes(rules)
    view = geo.VIEWS.get(name) or geo.view_of(shapes)
    found = {"members": memberships(around, [rules]), "doubt": unplaced(around, rules)}
    index = pd.Index(around["institution_id"])
    return {
        "key": name,
        "labels": rules.attrs["labels"],
        "view": view._asdict(),
        "detailed": shows_nuts(view),
        "shaded": [] if name == "world" else sorted(set(shapes["code"].dropna())),
        "rules": [] if name == "world" else rules["code"].tolist(),
        **{key: index.get_indexer(part["institution_id"]).tolist() for key, part in found.items()},
        **{key: rules.attrs[key] for key in ("source", "status")},
        "notes": {"en": rules.attrs["remark"] or "", **rules.attrs["remarks"]},
    }


def _points(around: pd.DataFrame) -> dict[str, list[float]]:
    """Return a point inside each country of which a partner has no other place."""
    lost = around.loc[around["lat"].isna() | around["lon"].isna(), "country"].dropna().unique()
    shapes = geo.countries("50m").dropna(subset="iso2").set_index("iso2").geometry
    inside = {
        code: max(shapes[code].geoms, key=lambda part: part.area).representative_point()
        for code in sorted(set(lost) & set(shapes.index))
    }
    return {code: [round(point.x, 2), round(point.y, 2)] for code, point in inside.items()}


def _body(row: Any) -> dict[str, Any]:
    """Return what is shown of an institution; what is not known is not there."""
    known = {
        "id": row["institution_id"],
        "name": _text(name_in(row, "en")) or row["institution_id"],
        "fr": _text(name_in(row, "fr")),
        "country": _text(row["country"]),
        "city": _text(row["city"]),
        "lat": _float(row["lat"]),
        "lon": _float(row["lon"]),
        "type": _text(row["type"]),
    }
    known["short"] = _acronym([known["name"], known["fr"]], _text(row["aliases"]))
    if known["fr"] == known["name"]:
        del known["fr"]
    return {key: value for key, value in known.items() if value not in {None, ""}}


def _acronym(names: list[str], aliases: str) -> str:
    """Return what an institution with a long name is called on a map."""
    if max(map(len, names)) <= LONG:
        return ""
    given = [found for name in names for found in re.findall(r"\(([^()]+)\)$", name)]
    fitting = re.compile(r"\w*[A-Z]\w*[A-Z]\w*\b.{0,10}")
    return next(filter(fitting.fullmatch, [*given, *names, *aliases.split("|")]), "")


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _float(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 5)


def _int(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
