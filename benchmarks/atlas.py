"""The atlas of 1,000 and of 3,000 partners: its size, and how long it takes to open and filter.

    python benchmarks/atlas.py [--quick]

Synthetic records of ten years and twenty fields, each partner with a place of its own. The page is
opened in headless Chromium from a file, without network and without a graphics card, and held
against a bare plotly page that draws the same map. Table and map are those after a change of the
years; the waits are told by the page itself. Needs Chromium and playwright, as the tests do.
"""

from __future__ import annotations

import gzip
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from common import COLLABNET, DATA, OURS, alternate_commands, save, say, size_of
from indicators import with_fields
from stores import make_store

import collabnet as cn

HOME = "00afp2z80"
YEARS = (2015, 2024)
FIELDS = [str(code) for code in range(11, 31)]
LANDS = ["BE", "FR", "DE", "NL", "LU", "GB", "MA", "TN", "DZ", "CD", "US", "CA", "BR", "CN", "JP"]
WORDS = ["soil", "water", "cell", "star", "model", "river", "forest", "light", "field", "crop"]
CALLS = 7  # how often a filter is set, after two calls that are not counted
READY = "() => document.querySelectorAll('#map .point').length > 0"
MAP = """() => { const map = document.getElementById('map');
    return JSON.stringify({ data: map.data, layout: map.layout }); }"""
FILTER = """async ([from, to]) => {
    const map = document.getElementById('map'), body = document.querySelector('tbody');
    const began = performance.now();
    const drawn = new Promise(done => map.once('plotly_afterplot', () => done(performance.now())));
    const told = new Promise(done => new MutationObserver((_, it) => {
        it.disconnect(); done(performance.now()); }).observe(body, { childList: true }));
    history.replaceState(null, '', location.hash.replace(/&(from|to)=\\d+/g, ''));
    location.hash += `&from=${from}&to=${to}`;
    return [await told - began, await drawn - began]; }"""


def make_records(partners: int, works: int, seed: int = 7) -> cn.Records:
    """Make up records of a home and its partners; nothing here is an observation."""
    random = np.random.default_rng([seed, partners])
    ids = np.array([f"0{number:08d}" for number in range(partners)])
    names = [
        f"University of {WORDS[n % 10].title()} and {WORDS[n % 7]} {n}" for n in range(partners)
    ]
    land = (len(LANDS) * random.random(partners) ** 1.3).astype(int)
    bodies = {"institution_id": ids, "name": names, "country": np.take(LANDS, land)}
    bodies |= {"lat": random.uniform(-35, 68, partners), "lon": random.uniform(-120, 140, partners)}
    home = {"institution_id": HOME, "name": "Home", "country": "BE", "lat": 50.6, "lon": 5.6}
    bodies = pd.concat([pd.DataFrame([home]), pd.DataFrame(bodies)], ignore_index=True)
    years = random.integers(YEARS[0], YEARS[1] + 1, works)
    title = [" ".join(random.choice(WORDS, 12)) for _ in range(works)]
    made = {"activity_id": [f"openalex:W{n}" for n in range(works)], "kind": "work"}
    made |= {"title": title, "type": random.choice(["article", "review", "book-chapter"], works)}
    made |= {"start": years.astype(str), "doi": [f"10.5555/bench.{n}" for n in range(works)]}
    acts = [pd.DataFrame(made | {"cited_by": random.geometric(0.05, works)})]
    sizes = np.minimum(random.geometric(0.4, works), 20)
    who = (partners * random.random(sizes.sum()) ** 2).astype(int)
    sides = {"activity_id": np.repeat(made["activity_id"], sizes), "institution_id": ids[who]}
    sides = [pd.DataFrame(sides), *(pd.DataFrame({"activity_id": made["activity_id"]}),)]
    sides[1]["institution_id"] = HOME
    field = random.choice(FIELDS, (works, 2))
    fields = pd.DataFrame({"activity_id": np.repeat(made["activity_id"], 2), "code": field.ravel()})
    for kind, number in (
        ("agreement", partners),
        ("project", partners // 4),
        ("mobility", partners),
    ):
        key = [f"{kind}:{n}" for n in range(number)]
        begin = random.integers(2008, 2024, number)
        facts = {"activity_id": key, "kind": kind, "title": [f"{kind} {n}" for n in range(number)]}
        facts |= {"start": begin.astype(str), "end": (begin + 5).astype(str)}
        acts.append(pd.DataFrame(facts))
        if kind == "mobility":
            acts[-1] = acts[-1].assign(amount=random.integers(1, 40, number), end=begin.astype(str))
        many = 6 if kind == "project" else 1
        there = ids[(partners * random.random(number * many) ** 1.5).astype(int)]
        roles = {"role": "receiving"} if kind == "mobility" else {}
        sides.append(
            pd.DataFrame({"activity_id": np.repeat(key, many), "institution_id": there} | roles)
        )
        roles = {"role": "sending"} if kind == "mobility" else {}
        sides.append(pd.DataFrame({"activity_id": key, "institution_id": HOME} | roles))
    acts = pd.concat(acts, ignore_index=True)
    return cn.Records(
        {
            "activities": acts.assign(synthetic=True),
            "participants": pd.concat(sides, ignore_index=True).drop_duplicates(),
            "institutions": bodies,
            "fields": fields.drop_duplicates().assign(scheme="openalex"),
        }
    )


def written(records: cn.Records, path: Path) -> dict[str, float]:
    """Write the atlas; return the CPU seconds and the sizes."""
    from collabnet.atlas import write_atlas

    began = time.process_time()
    write_atlas(records, path, as_of="2024-12-31")
    taken, whole = time.process_time() - began, path.read_bytes()
    packed = len(gzip.compress(whole, 9))
    return {"write_cpu": taken, "mb": len(whole) / 1e6, "gz_mb": packed / 1e6}


def opened(browser: Any, path: Path, what: str) -> tuple[Any, float]:
    """Open a page; return it, and the milliseconds until its map is there."""
    page = browser.new_context(offline=True).new_page()
    began = time.perf_counter()
    page.goto(f"{path.as_uri()}#{what}")
    page.wait_for_function(READY)
    return page, 1000 * (time.perf_counter() - began)


def measured(browser: Any, path: Path, runs: int) -> dict[str, Any]:
    """Open the atlas and the bare page in turn, then filter."""
    from plotly.offline import get_plotlyjs

    what, bare = "view=map&tab=world&layer=work", path.with_name("bare.html")
    page, _ = opened(browser, path, what)
    drawn = page.evaluate(MAP)
    script = "const f = JSON.parse(document.getElementById('figure').textContent);"
    script += "Plotly.newPlot('map', f.data, f.layout);"
    figure = drawn.replace("<", "\\u003c")
    bare.write_text(
        "<!doctype html><meta charset=utf-8><div id=map></div>"
        f"<script id=figure type=application/json>{figure}</script>"
        f"<script>{get_plotlyjs()}</script><script>{script}</script>",
        encoding="utf-8",
    )
    spans = [(YEARS[0] + n % 5, YEARS[1] - n % 3) for n in range(CALLS + 2)]
    waits = [page.evaluate(FILTER, span) for span in spans][2:]
    page.context.close()
    first: dict[str, list[float]] = {"atlas": [], "bare": []}
    for _ in range(runs):
        for name, file in (("atlas", path), ("bare", bare)):
            page, taken = opened(browser, file, what)
            first[name].append(taken)
            page.context.close()
    middle = {name: statistics.median(values) for name, values in first.items()}
    table, chart = (statistics.median(values) for values in zip(*waits, strict=True))
    return {
        "first_map_ms": middle["atlas"],
        "bare_map_ms": middle["bare"],
        "ratio": middle["atlas"] / middle["bare"],
        "table_ms": table,
        "map_ms": chart,
        "marks": len(json.loads(drawn)["data"]),
        "runs": runs,
    }


def main() -> None:
    """Measure, print and keep."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    sizes = (300,) if "--quick" in sys.argv else (1_000, 3_000)
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for partners in sizes:
            path = Path(folder) / f"{partners}.html"
            say(f"an atlas of {partners:,} partners")
            facts = written(make_records(partners, 20 * partners), path)
            say(
                f"    {facts['mb']:.1f} MB, {facts['gz_mb']:.1f} packed; {facts['write_cpu']:.1f} s"
            )
            facts |= measured(browser, path, 3 if "--quick" in sys.argv else 5)
            say("    " + ", ".join(f"{k} {v:.1f}" for k, v in facts.items()))
            rows.append({"partners": partners, "works": 20 * partners, **facts})
        browser.close()
        works = 10**4 if "--quick" in sys.argv else 10**5
        built = built_of(works, Path(folder) / "large.html")
    save("atlas", {"rows": rows, "built": {"works": works, **built}})


def built_of(works: int, path: Path) -> dict[str, Any]:
    """Measure the command on a store of so many works, for the institution with most of them."""
    store = with_fields(make_store(DATA / f"store-{works}", works))
    records = cn.read(store)
    home = str(cn.output(records).iloc[0, 0])
    command = {"atlas": [*COLLABNET, "atlas", store, "--home", home, "--out", path]}
    figures = alternate_commands(command, runs=3, env=OURS)["atlas"]
    say(f"the atlas of {size_of(works)} works: {figures['wall']:.1f} s")
    return figures | {"partners": len(cn.partners(records, home)), "mb": path.stat().st_size / 1e6}


if __name__ == "__main__":
    main()
