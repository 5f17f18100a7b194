"""How many authors, institutions and countries real works have, and what a cap leaves out.

    python benchmarks/hyperauthors.py [FOLDER]

Reads every folder of bibliographic records below FOLDER (default: ../shared/real) that collabnet
can read, each by itself. These files were chosen as examples of formats, hyper-authored works among
them on purpose: their shares say what such works do to a network, not how frequent they are.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from common import ROOT, save, say

import collabnet as cn
from collabnet import settings

SOURCES = ("openalex_works", "openalex_csv", "wos", "scopus", "pubmed", "lens", "crossref")
CAPS = (10, 25, 50, 100, 250, 1000)
SHOWN = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
UNITS = {"authors": "person_id", "institutions": "institution_id", "countries": "country"}


def main(folder: Path) -> None:
    """Print and keep the figures of each source."""
    found = {}
    for name in SOURCES:
        try:
            records = cn.read(folder / name)
        except cn.CollabnetError as error:
            say(f"{name}: left out ({error})")
            continue
        if "work" not in records.counts():
            say(f"{name}: no works in it that collabnet reads")
            continue
        found[name] = figures(records)
        tell(name, found[name])
    save("hyperauthors", {"folder": folder.name, "sources": found})


def figures(records: cn.Records) -> dict[str, Any]:
    """Return the distributions, the pairs above each cap, and what `edges` leaves out."""
    works = records.activities.query("kind == 'work'")
    people = records.participants[records.participants["activity_id"].isin(works["activity_id"])]
    spread = {}
    for label, unit in UNITS.items():
        sizes = people.dropna(subset=[unit]).groupby("activity_id")[unit].nunique()
        sizes = sizes.reindex(works["activity_id"], fill_value=0)
        spread[label] = {"mean": float(sizes.mean())} | {
            str(share): int(sizes.quantile(share, interpolation="higher")) for share in SHOWN
        }
        if label == "authors":
            authors = sizes
    pairs = authors * (authors - 1) // 2
    # Weight of a work of n authors, in full, fractional and refined counting.
    joint = authors > 1
    weights = {"full": pairs, "fractional": authors.where(joint, 0) / 2, "refined": joint * 1.0}
    above = []
    for cap in CAPS:
        over = authors > cap
        left = {k: float(v[over].sum()) / max(float(v.sum()), 1) for k, v in weights.items()}
        row = {"cap": cap, "works": int(over.sum()), "pairs": int(pairs[over].sum()), **left}
        rest = int(pairs.sum() - pairs.max())
        row["full_without_largest"] = (
            row["pairs"] - int(pairs.max()) * (authors.max() > cap)
        ) / max(rest, 1)
        above.append(row)
    total = {"works": len(works), "joint": int(joint.sum()), "pairs": int(pairs.sum())}
    stated = [
        {"cap": cap, **cn.edges(records, level="person", cap=cap).attrs["note"]["left_out"]}
        for cap in (25, settings.PERSON_CAP)
    ]
    for note in stated:
        row = next(row for row in above if row["cap"] == note["cap"])
        if (row["works"], row["pairs"]) != (note["activities"], note["pairs"]):
            raise SystemExit(f"the note of edges says {note}, counted by hand it is {row}")
    truncated = int(works["truncated"].sum())
    return {
        "total": total,
        "truncated": truncated,
        "spread": spread,
        "above": above,
        "note": stated,
    }


def tell(name: str, found: dict[str, Any]) -> None:
    """Print the figures of one source."""
    total = found["total"]
    say(f"{name}: {total['works']:,} works, {total['pairs']:,} pairs of authors")
    print(pd.DataFrame(found["spread"]).T.round(2).to_string())
    print(f"truncated at {settings.TRUNCATED_AT} authors: {found['truncated']:,} works")
    print(pd.DataFrame(found["above"]).round(4).to_string(index=False))
    print("the note of edges(level='person', cap=…):", *found["note"], sep="\n  ")


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if not word.startswith("--")]
    main(Path(given[0]) if given else ROOT.parent / "shared" / "real")
