"""The whole set of indicators on a store of 100 k works: seconds of each, and the peak of memory.

    python benchmarks/indicators.py [--quick]

One process runs all of them, one after the other, each once, for the institution with most works.
"""

from __future__ import annotations

import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from common import DATA, save, say
from stores import make_store

import collabnet as cn

BEFORE, AFTER = (2015, 2019), (2020, 2024)


def main(*, quick: bool) -> None:
    """Run every indicator once."""
    works = 10**4 if quick else 10**5
    records = cn.read(with_fields(make_store(DATA / f"store-{works}", works)))
    steps: dict[str, dict[str, float]] = {}
    kept: dict[str, Any] = {}

    def run(name: str, act: Any) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        kept[name] = act()
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        steps[name] = spent | {"rows": len(kept[name])}
        say(f"{name}: {spent['wall']:.2f} s, {spent['cpu']:.2f} CPU s, {len(kept[name]):,} rows")

    run("edges", lambda: cn.edges(records))
    run("edges, country", lambda: cn.edges(records, level="country"))
    run("edges, region", lambda: cn.edges(records, level="region"))
    run("output", lambda: cn.output(records))
    home = str(kept["output"].iloc[0, 0])
    run("output, country", lambda: cn.output(records, level="country"))
    run("output, fractional", lambda: cn.output(records, count="fractional"))
    run("collaboration", lambda: cn.collaboration(records))
    run("collaboration_types", lambda: cn.collaboration_types(records))
    run("strengths", lambda: cn.strengths(kept["edges"]))
    run("similarities", lambda: cn.similarities(kept["edges"], kept["output"]))
    run("relative_intensity", lambda: cn.relative_intensity(kept["edges, country"]))
    run("relative_intensity, institution", lambda: cn.relative_intensity(kept["edges"]))
    run("backbone", lambda: cn.backbone(kept["edges"]))
    run("communities", lambda: cn.communities(kept["edges"]))
    run("partners", lambda: cn.partners(records, home))
    run("partner_intervals", lambda: cn.partner_intervals(records, home))
    run("link_shares", lambda: cn.link_shares(records, home))
    run("link_impact", lambda: cn.link_impact(records, home))
    run("field_profile", lambda: cn.field_profile(records, home))
    run("diversity", lambda: cn.diversity(kept["partners"]))
    run("region_shares", lambda: cn.region_shares(kept["edges"], records.institutions))
    run("profile", lambda: cn.profile(records, home))
    run("trend", lambda: cn.trend(records, home))
    run("growth", lambda: cn.growth(records, home))
    run("turnover", lambda: cn.turnover(records, home, periods=[BEFORE, AFTER]))
    run("decompose", lambda: cn.decompose(records, home, before=BEFORE, after=AFTER))
    run("gaps", lambda: cn.gaps(records, home))
    run(
        "expected_links", lambda: cn.expected_links(kept["edges, country"], kept["output, country"])
    )
    whole = {key: sum(step[key] for step in steps.values()) for key in ("wall", "cpu")}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"all: {whole['wall']:.1f} s, {whole['cpu']:.1f} CPU s, peak {peak:,.0f} MB")
    save("indicators", {"works": works, "steps": steps, "whole": whole, "peak_mb": peak})


def with_fields(store: Path) -> Path:
    """Return a copy of a store in which each work has one of the fields of OpenAlex."""
    copy = store.with_name(f"{store.name}-fields")
    if not copy.exists():
        shutil.copytree(store, copy)
        ids = pq.read_table(store / "activities.parquet", columns=["activity_id"])["activity_id"]
        drawn = np.random.default_rng(1).integers(11, 37, len(ids)).astype(str)
        fields = pd.DataFrame({"activity_id": ids.to_numpy(), "scheme": "openalex", "code": drawn})
        fields.assign(share=1.0).to_parquet(copy / "fields.parquet", index=False)
    return copy


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
