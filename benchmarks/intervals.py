"""Stability intervals of one home with 100 k works and 2,000 partners, and a plain Python loop.

    python benchmarks/intervals.py [--quick]

Both give weight, bounds and ranks of each partner, from the same 1,000 samples. The loop takes a
few of them; its time is per sample. Before anything is measured the two are compared on those.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from common import DATA, alternate, save, say

import collabnet as cn

PARTNERS, SAMPLES, LOOPED = 2_000, 1_000, 10
HOME = "home"


def main(*, quick: bool) -> None:
    """Measure both."""
    works = 10**4 if quick else 10**5
    store = DATA / f"partners-{works}"
    if not (store / "provenance.json").exists():
        cn.write_store(make(works), store)
    records = cn.read(store)
    teams = teams_of(records)
    compare(records, teams)
    steps = {
        "partner_intervals": lambda: cn.partner_intervals(records, HOME, samples=SAMPLES),
        "partner_intervals, fractional": lambda: cn.partner_intervals(
            records, HOME, samples=SAMPLES, count="fractional"
        ),
        "share_intervals": lambda: cn.share_intervals(records, HOME, samples=SAMPLES),
        "growth": lambda: cn.growth(records, HOME, samples=SAMPLES),
        "partners": lambda: cn.partners(records, HOME),
    }
    figures: dict[str, dict[str, Any]] = {}
    for name, step in steps.items():
        figures |= alternate({name: step}, runs=1 if quick else 3)
        say(f"{name}: {figures[name]['wall']:.2f} s, {figures[name]['cpu']:.2f} CPU s")
    started = time.process_time()
    loop(teams, LOOPED)
    looped = (time.process_time() - started) / LOOPED * SAMPLES
    ratio = looped / figures["partner_intervals"]["cpu"]
    say(f"plain Python: {looped:.0f} CPU s for {SAMPLES} samples, {ratio:.0f} times as much")
    facts = {"works": works, "partners": PARTNERS, "ties": sum(map(len, teams))}
    facts |= {"samples": SAMPLES, "looped": LOOPED, "loop cpu": looped, "ratio": ratio}
    save("intervals", {**facts, "steps": figures})


def make(works: int) -> cn.Records:
    """Return works of one home, with three partners in the mean, few of them in most."""
    random = np.random.default_rng(1)
    sizes = random.geometric(0.25, works) - 1
    work = np.repeat(np.arange(works), sizes)
    partner = (PARTNERS * random.random(len(work)) ** 2).astype(int)
    ids = np.array([f"w{n:07d}" for n in range(works)])
    names = np.array([f"p{n:04d}" for n in range(PARTNERS)])
    acts = pd.DataFrame({"activity_id": ids, "kind": "work", "synthetic": True})
    acts["start"] = random.integers(2010, 2025, works).astype(str)
    people = pd.DataFrame(
        {
            "activity_id": np.concatenate([ids, ids[work]]),
            "institution_id": np.concatenate([np.full(works, HOME), names[partner]]),
        }
    )
    places = pd.DataFrame({"institution_id": [HOME, *names]})
    places["country"] = random.choice(["BE", "FR", "DE", "NL", "US"], len(places))
    return cn.Records({"activities": acts, "participants": people, "institutions": places})


def teams_of(records: cn.Records) -> list[list[str]]:
    """Return the partners of each work, in the order of the ids of the works."""
    people = records.participants
    people = people[people["institution_id"] != HOME].drop_duplicates(
        ["activity_id", "institution_id"]
    )
    teams = people.groupby("activity_id")["institution_id"].agg(list)
    ids = records.activities["activity_id"].sort_values()
    return [one if isinstance(one, list) else [] for one in teams.reindex(ids).tolist()]


def loop(teams: list[list[str]], samples: int, seed: int = 0) -> list[dict[str, tuple[int, int]]]:
    """Return partner → weight and rank in each sample, by loops over works and partners."""
    random = np.random.default_rng(seed)
    found, partners = [], {name for team in teams for name in team}
    for _ in range(samples):
        count: Counter[str] = Counter()
        for n in random.integers(len(teams), size=len(teams), dtype=np.uint32).tolist():
            count.update(teams[n])
        ranks: dict[int, int] = {}
        for place, weight in enumerate(sorted((count[p] for p in partners), reverse=True), 1):
            ranks.setdefault(weight, place)
        found.append({name: (count[name], ranks[count[name]]) for name in partners})
    return found


def compare(records: cn.Records, teams: list[list[str]]) -> None:
    """Stop where the bounds of the two differ."""
    found = loop(teams, LOOPED)
    table = cn.partner_intervals(records, HOME, samples=LOOPED).set_index("partner")
    for name, row in table.iterrows():
        weights, ranks = (sorted(sample[name][k] for sample in found) for k in (0, 1))
        low, high = LOOPED * 25 // 1000, LOOPED * 975 // 1000
        theirs = (weights[low], weights[high], ranks[low], ranks[high])
        ours = tuple(row[["low", "high", "rank_low", "rank_high"]])
        if ours != theirs:
            raise SystemExit(f"{name}: {ours} here, {theirs} in the loop")
    say(f"the same bounds for {len(table):,} partners in {LOOPED} samples")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
