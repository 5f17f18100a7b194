"""How close `edges` comes to SQL written by hand for the same result, in one run.

    python benchmarks/edges.py [WORKS] [RUNS]

Makes a seeded store of synthetic works (1 000 000 by default), then alternates `collabnet.edges` at
institution level with hand-written DuckDB SQL over the same Parquet files that gives the same table
(ids, sorted), and prints medians and their ratio. The two results are compared edge by edge.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

import collabnet as cn
from collabnet import engine, schema
from collabnet.records import PROVENANCE

SQL = """
WITH took_part AS (
  SELECT p.activity_no AS a, p.institution_no AS i, min(coalesce(w.year, w.end_year)) AS y
  FROM '{store}/participants.parquet' p
  JOIN '{store}/activities.parquet' w USING (activity_no)
  WHERE w.kind = 'work' AND p.institution_no IS NOT NULL
  GROUP BY ALL
), sized AS (
  SELECT took_part.*, n
  FROM took_part JOIN (SELECT a, count(*) AS n FROM took_part GROUP BY a HAVING n > 1) USING (a)
), pairs AS (
  SELECT s.i AS si, t.i AS ti, sum(1.0::DOUBLE / (s.n - 1)) AS weight, count(*) AS activities,
         min(s.y) AS first, max(s.y) AS last
  FROM sized s JOIN took_part t ON s.a = t.a AND s.i < t.i
  GROUP BY ALL
)
SELECT x.institution_id AS source, z.institution_id AS target, weight, activities, first, last
FROM pairs
JOIN '{store}/institutions.parquet' x ON x.institution_no = si
JOIN '{store}/institutions.parquet' z ON z.institution_no = ti
ORDER BY si, ti
"""


def make_store(folder: Path, works: int) -> None:
    """Write a store of `works` works with a heavy tail of authors, seeded."""
    random = np.random.default_rng(20_260_101)
    authors = np.minimum(1 + random.geometric(0.25, works), 3000)
    authors[random.random(works) < 0.0006] = 200
    rows = int(authors.sum())
    houses = 20_000
    ids = np.char.add("0", np.char.zfill(np.arange(houses).astype(str), 8))
    work = np.repeat(np.arange(works, dtype=np.int32), authors)
    lead = np.repeat((houses * random.random(works) ** 3).astype(np.int32), authors)
    house = np.where(random.random(rows) < 0.45, lead, (houses * random.random(rows) ** 3))
    house = house.astype(np.int32)
    names = np.char.add("openalex:W", np.char.zfill(np.arange(works).astype(str), 10))
    acts = {"activity_id": names, "kind": "work", "year": random.integers(2010, 2026, works)}
    people = {"activity_id": names[work], "institution_id": ids[house], "role": "author"}
    bodies = {"institution_id": ids, "name": ids, "country": "BE"}
    tables = {
        "activities": pd.DataFrame(acts).assign(activity_no=np.arange(works, dtype=np.int32)),
        "participants": pd.DataFrame(people).assign(activity_no=work, institution_no=house),
        "institutions": pd.DataFrame(bodies).assign(institution_no=np.arange(houses)),
    }
    folder.mkdir()
    for name in schema.TABLES:
        table = schema.check(name, tables.get(name, schema.empty(name)))
        table.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
    stamp = {"schema": schema.VERSION, "sources": [], "merged": 0, "store": "benchmark"}
    (folder / PROVENANCE).write_text(json.dumps(stamp), encoding="utf-8")


def timed(run):  # noqa: ANN001, ANN201
    """Return wall seconds, CPU seconds and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def main(works: int, runs: int) -> None:
    """Run the two in turn and print the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        make_store(store, works)
        records = cn.read(store)
        query = SQL.format(store=store)
        figures = {"collabnet": [], "sql": []}
        for run in range(runs + 1):
            ours = timed(lambda: cn.edges(records, count="fractional"))
            hand = timed(lambda: engine.collect(engine.lazy(duckdb.sql(query))))
            if run == 0:
                keys = ["source", "target", "activities", "first", "last"]
                pd.testing.assert_frame_equal(
                    ours[2][keys], hand[2][keys], check_dtype=False, check_index_type=False
                )
                np.testing.assert_allclose(ours[2]["weight"], hand[2]["weight"], rtol=1e-9)
                print(f"{works:,} works, {len(ours[2]):,} edges, equal edge by edge")
                continue
            figures["collabnet"].append(ours[:2])
            figures["sql"].append(hand[:2])
        for i, what in enumerate(("wall", "CPU")):
            a, b = (statistics.median(f[i] for f in figures[name]) for name in figures)
            print(f"{what}: collabnet {a:.2f} s, SQL by hand {b:.2f} s, ratio {a / b:.2f}")


if __name__ == "__main__":
    sizes = [int(argument) for argument in sys.argv[1:]]
    main(*sizes, *(1_000_000, 5)[len(sizes) :])
