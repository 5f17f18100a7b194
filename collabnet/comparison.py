"""What changed between two stores, record by record, and what that did to the links of one home."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import counting, engine, schema, settings
from collabnet.errors import UnknownNameError
from collabnet.links import COUNTS, Count, joint
from collabnet.merging import RULES
from collabnet.parties import Years, dated, join_key, overlapping, stamp, with_note
from collabnet.readers import read
from collabnet.records import Records

CAUSES = ["rule changed", "added", "removed", "merged", "split", "re-affiliated", "re-dated"]
CHANGES = [*CAUSES[:5], "renamed", *CAUSES[5:]]

NUMBERED = tuple(rule for rule, columns in RULES.items() if columns == [rule])
LOGS = {"later": ("elsewhere", "activity_id"), "earlier": ("activity_id", "elsewhere")}
STAGES = {"activity_id": ("activity_id", "activity_id"), **LOGS, **{n: (n, n) for n in NUMBERED}}
"""By what records of both stores are one, the surest first, and the columns it looks at.

The id; what the newer store merged into what, what the older did; DOI and other numbers.
"""

FACTS = ["activity_id", "doi", "title", "year"]
USED = [*FACTS, "start", "end", "end_status", "same_as", "updated", "source", *NUMBERED[1:]]
ROW = ["change", *FACTS, "what", "was", "now", "of_home"]
REGISTRIES = {"eche", "institutions", "ror"}


class Comparison(NamedTuple):
    """What changed, one row a change, and what it did to each partner of the home institution."""

    changes: pd.DataFrame
    partners: pd.DataFrame


def compare_stores(
    a: Records | str | Path,
    b: Records | str | Path,
    home: str | None = None,
    *,
    kind: str = "work",
    years: Years | None = None,
    count: Count = "full",
) -> Comparison:
    """Say what changed between two stores, and what each change did to the links of one home.

    A record of `a` is found again in `b` by its id, by what either store has merged into what, by
    DOI, then by PubMed, Web of Science, Scopus, OpenAlex and Lens number.

    Parameters
    ----------
    a, b
        Two stores, the older first: records, or folders.
    home
        The institution whose links are looked at; `settings.HOME` by default.
    kind, years, count
        As in `edges`; the changes are listed of all years, their effect is that in these.

    Returns
    -------
    `changes, partners`, which may be unpacked. `changes` has the columns `change, activity_id, doi,
    title, year, what, was, now, of_home`; `change` is one of

    - added, removed: the record is in one of the two only;
    - merged: what `a` counts by itself is one with another record in `b`; split: the contrary;
    - renamed: the same DOI or number under another id;
    - re-affiliated: institutions or countries were lost (`was`) or won (`now`);
    - re-dated: start or end changed;
    - rule changed: an option, a registry, the version of collabnet or of the data model. Without
      `activity_id` it says which; with one, institutions changed and the record in the source did
      not (one file, or one date of update), so that a rule did it.

    `partners`: `partner, name, country, weight_a, weight_b, change`, then a column for each kind of
    change, which add up to `change`, `rank_a, rank_b` (equal weights share the better rank; empty
    where there is no link).

    Raises
    ------
    UnknownNameError
        `home` is in neither, or a kind or counting that is not known.
    StoreError
        A folder is no store.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work", "start": "2024"})
    >>> rows = {"activity_id": ["p1", "p1", "p2", "p2"], "institution_id": list("LMLN")}
    >>> old = Records({"activities": works, "participants": pd.DataFrame(rows)})
    >>> rows["institution_id"] = list("LMLM")
    >>> new = Records({"activities": works, "participants": pd.DataFrame(rows)})
    >>> changes, partners = compare_stores(old, new, "L")
    >>> changes[["change", "activity_id", "was", "now"]].values.tolist()
    [['re-affiliated', 'p2', 'N', 'M']]
    >>> partners[["partner", "weight_a", "weight_b", "re-affiliated"]].values.tolist()
    [['M', 1.0, 2.0, 1.0], ['N', 1.0, 0.0, -1.0]]
    """
    if count not in COUNTS:
        raise UnknownNameError("counting", count, COUNTS)
    stores = [one if isinstance(one, Records) else read(one) for one in (a, b)]
    known = pd.concat([one.institutions for one in stores[::-1]]).drop_duplicates("institution_id")
    if home and len(known) and home not in set(known["institution_id"]):
        raise UnknownNameError("institution", home, known["institution_id"])
    home = home or settings.HOME
    ours = [joint(one, kind, home, years=years) for one in stores]
    sides = [_records(one, kind, years, rows) for one, rows in zip(stores, ours, strict=True)]
    for side, later, earlier in zip(sides, stores[::-1], sides[::-1], strict=True):
        side["elsewhere"] = _followed(side["activity_id"], later, earlier)
    rules = _rules(*stores)
    found = _judged(_fates(*sides), stores, sides, by_rule=not rules.empty)
    table = pd.concat([rules, *_rows(found, kind)], ignore_index=True)[ROW]
    table["change"] = pd.Categorical(table["change"], CHANGES)
    table = table.sort_values(["change", "activity_id", "what"], na_position="first")
    table = table.astype({"change": "string"}).reset_index(drop=True)
    causes = [found.dropna(subset=f"at_{side}").set_index(f"at_{side}")["cause"] for side in "ab"]
    links = _effect(ours, causes, count)
    for place, name in enumerate(("name", "country"), 1):
        facts = known.set_index("institution_id")[name]
        links.insert(place, name, links["partner"].map(facts).astype("string"))
    files = [{s["sha256"]: s["file"] for s in one.provenance["sources"]} for one in stores]
    said = [stamp(one, kind, years) for one in stores]
    note: dict[str, Any] = {"what": "changes", "home": home, "kind": kind, "count": count}
    note |= {
        "years": years,
        "synthetic": any(side["synthetic"] for side in said),
        "changes": table["change"].value_counts(sort=False).to_dict() or "none",
        "sources_only_in_a": sorted(files[0][key] for key in files[0].keys() - files[1]),
        "sources_only_in_b": sorted(files[1][key] for key in files[1].keys() - files[0]),
        **dict(zip("ab", said, strict=True)),
        "partners": len(links) or f"none: {home} has no joint {kind} in either store",
        "collabnet": schema.COLLABNET,
    }
    none = f"{home} has no joint {kind} in either store in these years."
    links = with_note(links, note | {"what": "changed partners"}, none)
    return Comparison(with_note(table, note, f"No {kind} changed between the two stores."), links)


def _records(records: Records, kind: str, years: Years | None, ours: pd.DataFrame) -> pd.DataFrame:
    """Return the records of a kind: what identifies them, which stands for each, does it count."""
    live = engine.collect(overlapping(dated(records, kind), years).select("activity"))
    acts = records.lazy("activities").filter(nw.col("kind") == kind)
    columns = set(USED).intersection(acts.collect_schema().names())
    table = engine.collect(acts.select(nw.col(join_key(records)).alias("at"), *columns))
    table = table.sort_values("activity_id", ignore_index=True)
    table["at"] = table["at"].convert_dtypes()
    table["root"] = _followed(table["activity_id"], records, table).fillna(table["activity_id"])
    files = {f"{s['format']}:{s['file']}": s["sha256"] for s in records.provenance["sources"]}
    table["file"] = table["source"].map(files).astype("string")
    end = table["end"].fillna(table["end_status"].mask(table["end_status"] == "known"))
    table["dates"] = table["start"].fillna("unknown") + ("–" + end).fillna("")
    table["counts"] = table["at"].isin(live["activity"])
    return table.assign(of_home=table["at"].isin(ours["activity"]))


def _followed(ids: pd.Series, records: Records, table: pd.DataFrame) -> pd.Series:
    """Return for each id what stands for it at last, by the merges of a store; empty for none."""
    log = records.merges[records.merges["rule"] != "apart"].set_index("merged")["kept"]
    log = pd.concat([table.set_index("activity_id")["same_as"].dropna(), log])
    log = log[~log.index.duplicated()]
    for _ in range(10):  # each time twice as far
        log = log.map(log).fillna(log)
    return ids.map(log).astype("string")


def _fates(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Pair what both sides count, one to one, and find what stands for what is left of each."""
    left, right = (side[side["root"] == side["activity_id"]] for side in (old, new))
    pairs = []
    for stage, keys in STAGES.items():
        if not (keys[0] in left and keys[1] in right):
            continue
        ends = []
        for name, key, side in zip("ab", keys, (left, right), strict=True):
            end = pd.DataFrame({name: side["activity_id"], "key": side[key]}).dropna()
            ends.append(end.assign(turn=end.groupby("key").cumcount()))
        found = ends[0].merge(ends[1], on=["key", "turn"])[["a", "b"]].assign(stage=stage)
        left = left[~left["activity_id"].isin(found["a"])]
        right = right[~right["activity_id"].isin(found["b"])]
        pairs.append(found)
    for name, rest, there in (("a", left, new), ("b", right, old)):
        stands = pd.Series(pd.NA, rest.index, dtype="string")
        counted = there[there["root"].isin(there["activity_id"])]
        for keys in STAGES.values():
            mine, other = keys if name == "a" else keys[::-1]
            if mine in rest and other in counted:
                roots = counted.dropna(subset=other).drop_duplicates(other).set_index(other)
                stands = stands.fillna(rest[mine].map(roots["root"]).astype("string"))
        pairs.append(pd.DataFrame({name: rest["activity_id"], "stands": stands}))
    columns = ["a", "b", "stage", "stands"]
    return pd.concat(pairs, ignore_index=True).reindex(columns=columns).astype("string")


def _judged(
    fates: pd.DataFrame, stores: list[Records], sides: list[pd.DataFrame], *, by_rule: bool
) -> pd.DataFrame:
    """Say of each record, or pair, what differs, and what made its links change."""
    old, new = (
        side.set_index("activity_id", drop=False).reindex(fates[name]).set_axis(fates.index)
        for name, side in zip("ab", sides, strict=True)
    )
    both = fates["a"].notna() & fates["b"].notna()
    out = fates.assign(at_a=old["at"], at_b=new["at"])
    for name in FACTS:
        out[name] = old[name].fillna(new[name])
    out["of_home"] = old["of_home"].fillna(value=False) | new["of_home"].fillna(value=False)
    out["dates_a"], out["dates_b"] = old["dates"], new["dates"]
    before, after = (
        _parties(s, out.loc[both, f"at_{e}"]) for s, e in zip(stores, "ab", strict=True)
    )
    codes, names = pd.factorize(pd.concat([before["party"], after["party"]]))
    width = len(names) + 1
    there = np.split(pd.concat([before["pair"], after["pair"]]) * width + codes, [len(before)])
    for column, one, other in (("lost", *there), ("won", *there[::-1])):
        only = np.setdiff1d(one, other)
        texts = pd.DataFrame({"pair": only // width, "party": pd.Index(names)[only % width]})
        texts = texts.sort_values(["pair", "party"]).groupby("pair")["party"].agg("; ".join)
        out[column] = texts.reindex(out.index).astype("string")
    same = ((old["updated"] == new["updated"]) | (old["file"] == new["file"])).fillna(value=False)
    out["moved"] = np.where(same & by_rule, "rule changed", "re-affiliated")
    out["moved"] = out["moved"].where(out["lost"].notna() | out["won"].notna())
    stage, stands = out["stage"].fillna(""), out["stands"].notna()
    tests = [
        (stage == "later") | (out["b"].isna() & stands),
        (stage == "earlier") | (out["a"].isna() & stands),
        out["b"].isna(),
        out["a"].isna(),
        (old["counts"] != new["counts"]).fillna(value=False),
        out["moved"].notna(),
    ]
    causes = ["merged", "split", "removed", "added", "re-dated", out["moved"]]
    return out.assign(cause=np.select(tests, causes, "re-dated"))


def _parties(records: Records, activities: pd.Series) -> pd.DataFrame:
    """Return who took part in what is paired: institutions and countries, with their spell."""
    columns = ["institution_id", "country", "since", "until"]
    rows = records.lazy("participants").select(nw.col(join_key(records)).alias("at"), *columns)
    table = engine.collect(rows.group_by("at", *columns).agg(rows=nw.len()))
    place = pd.Index(activities).get_indexer(pd.Index(table["at"]))
    table = table[place >= 0].assign(pair=activities.index.to_numpy()[place[place >= 0]])
    spell = " " + table["since"].fillna("") + "–" + table["until"].fillna("")
    ends = [table[name] + spell.mask(spell == " –", "") for name in columns[:2]]
    parties = pd.concat([pd.DataFrame({"pair": table["pair"], "party": end}) for end in ends])
    return parties.dropna().drop_duplicates(ignore_index=True)


def _rows(found: pd.DataFrame, kind: str) -> Iterator[pd.DataFrame]:
    """Yield the changes in their final form: of the record itself, its parties, its dates."""
    one = found["a"].notna() & found["b"].notna() & ~found["stage"].isin(LOGS)
    change = found["cause"].mask(one, "renamed")
    was, now = found["a"].fillna(found["stands"]), found["b"].fillna(found["stands"])
    itself = found.assign(change=change, what=kind, was=was, now=now)
    yield itself[~one | (found["a"] != found["b"])]
    parties = found.assign(change=found["moved"], what="parties")
    yield parties.assign(was=found["lost"], now=found["won"])[one & found["moved"].notna()]
    dates = {"was": found["dates_a"], "now": found["dates_b"]}
    redated = one & (found["dates_a"] != found["dates_b"])
    yield found.assign(change="re-dated", what="dates", **dates)[redated]


def _rules(a: Records, b: Records) -> pd.DataFrame:
    """List in what the two stores were made differently."""
    made = []
    for facts in (a.provenance, b.provenance):
        rules = {"roll_up": [], "succession": False, "overrides": None, "with_names": False}
        rules |= facts.get("settings", {}) | {"unified": facts.get("unified")}
        rules["countries"] = facts.get("resolution", {}).get("country_policy", {})
        rules["slice"] = [s["cut"] for s in facts["sources"] if s.get("cut")]
        registries = (s["sha256"][:12] for s in facts["sources"] if s["format"] in REGISTRIES)
        rules["registries"] = sorted(registries)
        rules |= {name: facts.get(name) for name in ("collabnet", "schema")}
        made.append({k: v if isinstance(v, str) else json.dumps(v) for k, v in rules.items()})
    both = pd.DataFrame(made, ["was", "now"], dtype="string").T
    unknown = both.eq("null").any(axis=1) & both.index.isin(["collabnet", "schema"])
    both = both[(both["was"].fillna("") != both["now"].fillna("")) & ~unknown]
    both = schema.empty("activities").reindex(both.index).assign(**both, of_home=False)
    return both.assign(change="rule changed", what=both.index).reset_index(drop=True)


def _effect(ours: list[pd.DataFrame], causes: list[pd.Series], count: str) -> pd.DataFrame:
    """Return the links of the home before and after, and what each kind of change did to them."""
    parts = []
    for sign, rows, why in zip((-1, 1), ours, causes, strict=True):
        met = rows.dropna(subset="partner")
        credit = sign * counting.credit(met["n"].to_numpy("int64"), count)
        cause = met["activity"].map(why).astype("string")
        parts.append(met[["partner"]].assign(credit=credit, cause=cause, side=sign))
    both = pd.concat(parts, ignore_index=True)
    sums, whys = (
        both.pivot_table(index="partner", columns=by, values="credit", aggfunc="sum")
        .reindex(columns=names)
        .fillna(0.0)
        for by, names in (("side", [-1, 1]), ("cause", CAUSES))
    )
    table = pd.DataFrame({"weight_a": 0.0 - sums[-1], "weight_b": sums[1]})
    table["change"] = table["weight_b"] - table["weight_a"]
    # What was taken away and added again leaves a dust of rounding under fractional counting.
    table[CAUSES] = whys.round(12) + 0.0
    for side in "ab":
        weight = table[f"weight_{side}"].replace(0, np.nan)
        table[f"rank_{side}"] = weight.rank(method="min", ascending=False).astype("Int64")
    table = table.assign(size=table["change"].abs()).reset_index().astype({"partner": "string"})
    order = {"size": False, "weight_b": False, "weight_a": False, "partner": True}
    table = table.sort_values([*order], ascending=[*order.values()], ignore_index=True)
    return table.drop(columns="size")
