"""Stores of synthetic works for the benchmarks, written straight to Parquet.

The shape is that of `generate.py`: 4.3 authors a work on average, 0.06 % of works with 100 to
3 000; most authors of a work come from one house, those of n > 60 authors from 5·√n houses.
Nothing here is an observation.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import say

from collabnet import schema
from collabnet.records import PROVENANCE, read_store

HOUSES = 20_000
COUNTRIES = "US CN GB DE FR IT ES NL BE LU CH MA TN DZ CD CM JP IN BR CA AU SE PL TR ZA"
AT_ONCE = 500_000


def make_store(folder: Path, works: int) -> Path:
    """Write a store of `works` works, unless it is there already; the same for the same number."""
    if (folder / PROVENANCE).exists():
        return folder
    say(f"making a store of {works:,} works")
    fresh = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    random = np.random.default_rng([20_260_101, works])
    ids = pa.array([f"0{number:08d}" for number in range(HOUSES)])
    country = (25 * random.random(HOUSES) ** 1.5).astype("int32")
    places = pa.array(COUNTRIES.split())
    layouts = {name: _layout(name) for name in schema.TABLES}
    columns = {
        "activities": [*layouts["activities"], pa.field("activity_no", pa.int32())],
        "participants": [
            *layouts["participants"],
            *(pa.field(name, pa.int32()) for name in ("activity_no", "institution_no")),
        ],
        "institutions": [*layouts["institutions"], pa.field("institution_no", pa.int32())],
    }
    bodies = {"institution_id": ids, "name": ids, "country": places.take(pa.array(country))}
    bodies["institution_no"] = pa.array(np.arange(HOUSES, dtype="int32"))
    for name in schema.TABLES:
        layout = pa.schema(columns.get(name, layouts[name]))
        with pq.ParquetWriter(fresh / f"{name}.parquet", layout, compression="zstd") as writer:
            if name == "institutions":
                writer.write_table(_table(layout, bodies))
            elif name not in {"activities", "participants"}:
                writer.write_table(layout.empty_table())
            columns[name] = layout
    acts = pq.ParquetWriter(fresh / "activities.parquet", columns["activities"], compression="zstd")
    people = pq.ParquetWriter(
        fresh / "participants.parquet", columns["participants"], compression="zstd"
    )
    with acts, people:
        for first in range(0, works, AT_ONCE):
            number = np.arange(first, min(first + AT_ONCE, works), dtype="int32")
            sizes = np.minimum(random.geometric(1 / 4.3, len(number)), 60)
            huge = random.random(len(number)) < 0.0006
            sizes[huge] = np.minimum(100 * (1 - random.random(int(huge.sum()))) ** -0.9, 3000)
            names = pc.binary_join_element_wise(
                "openalex:W", pc.utf8_lpad(pa.array(number).cast("string"), 10, "0"), ""
            )
            rows = int(sizes.sum())
            lead = np.repeat((HOUSES * random.random(len(number)) ** 3).astype("int32"), sizes)
            work = np.repeat(np.arange(len(number), dtype="int32"), sizes)
            # A large work has many authors and far fewer houses: 5·√n of them.
            teams = np.floor(5 * np.sqrt(sizes[work]) * random.random(rows))
            pool = (random.random(len(number))[work] + 0.6180339887 * teams) % 1
            drawn = np.where(sizes[work] > 60, pool, random.random(rows))
            own = (HOUSES * drawn**3).astype("int32")
            house = np.where(random.random(rows) < 0.45, lead, own).astype("int32")
            unknown = random.random(rows) < 0.05
            person = (random.random(rows) ** 2 * (works * 12 + 999)).astype("int64")
            acts.write_table(
                _table(
                    columns["activities"],
                    {
                        "activity_id": names,
                        "kind": pa.repeat("work", len(number)),
                        "year": pa.array(random.integers(2010, 2026, len(number))),
                        "synthetic": pa.repeat(pa.scalar(True), len(number)),
                        "activity_no": pa.array(number),
                    },
                )
            )
            at = pa.array(house, mask=unknown)
            people.write_table(
                _table(
                    columns["participants"],
                    {
                        "activity_id": names.take(pa.array(work)),
                        "institution_id": ids.take(at),
                        "person_id": pc.binary_join_element_wise(
                            "A", pa.array(person).cast("string"), ""
                        ),
                        "role": pa.repeat("author", rows),
                        "country": places.take(pa.array(country[house], mask=unknown)),
                        "activity_no": pa.array(number[work]),
                        "institution_no": at,
                    },
                )
            )
    stamp = {"schema": schema.VERSION, "sources": [], "merged": 0, "store": f"benchmark-{works}"}
    (fresh / PROVENANCE).write_text(json.dumps(stamp), encoding="utf-8")
    read_store(fresh)
    fresh.rename(folder)
    return folder


def _layout(table: str) -> list[pa.Field]:
    return list(pa.Schema.from_pandas(schema.empty(table), preserve_index=False))


def _table(layout: pa.Schema, columns: dict[str, pa.Array]) -> pa.Table:
    """Complete columns to a table of this layout; what is not given is unknown."""
    rows = len(next(iter(columns.values())))
    return pa.table(
        [
            columns[field.name].cast(field.type)
            if field.name in columns
            else pa.nulls(rows, field.type)
            for field in layout
        ],
        schema=layout,
    )
