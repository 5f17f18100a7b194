"""The OpenAlex snapshot → a store, out of core: parts are read on all cores, once, and joined.

What was read of a part stays in a hidden folder beside the store. So a run that was broken off goes
on where it stood, and the next one reads only the parts that are new.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b, sha256
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd

from collabnet import engine, geo, schema
from collabnet.folders import replacing
from collabnet.identifiers import ROR, institution_id
from collabnet.institutions import gazetteer, resolve
from collabnet.parts import Cut, Places, Task, lines_of, quoted, read_part
from collabnet.pool import delegate, parts_of, readers, uncollected
from collabnet.readers import openalex
from collabnet.records import VERSIONED, Records, fill_first, write_stamp
from collabnet.regions import memberships
from collabnet.works import COLUMNS

FORMAT = "openalex-snapshot"
PLACE = "works/updated_date="
MEMORY = "512MB"
"""What DuckDB holds before it spills to disk."""

SQL = {"string": "VARCHAR", "Int64": "BIGINT", "Float64": "DOUBLE", "boolean": "BOOLEAN"}
GIVEN = {
    "kind": "'work'",
    "end_status": "'known'",
    "link_known": "true",
    "source": "'openalex:' || part",
    "year": "TRY_CAST(start[:4] AS BIGINT)",
    "role": "'author'",
    "evidence": "'source'",
}
"""What is not written into the parts: it holds for each of their works, or follows."""

INNER = ("work", "rows", "row", "other", "field", "field_name", "file_index", "number", "part")


def fingerprint(folder: Path, cut: Cut) -> str:
    """Return a hash of the files of a snapshot (name, size, last bytes) and of what is kept."""
    merged = [(path, path.name) for path in _merged(folder)]
    facts: list[Any] = [cut]
    for path, name in [*parts_of(folder), *parts_of(folder, "institutions"), *merged]:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 4096))
            facts.append([name, size, blake2b(file.read()).hexdigest()])
    return sha256(json.dumps(facts).encode()).hexdigest()


def build(folder: Path, out: Path, others: Records, *, cut: Cut, settings: dict[str, Any]) -> None:
    """Read a snapshot into the store `out`, joined with other records; see `stores.ingest`."""
    home = out.absolute().with_name(f".{out.absolute().name}.parts")
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob("*.tmp"):
        shutil.rmtree(left, ignore_errors=True)
    refused = _absent(folder)
    with readers([folder]) as processes, uncollected():
        bodies = cache(lambda: _entity(folder, refused))
        placed = cut.institutions or cut.countries or cut.regions
        places = _places(cut, bodies()[0]) if placed else ()
        shared = (cut, places, settings["with_names"])
        tasks = []
        for path, name in parts_of(folder):
            facts = path.stat()
            stamp = [schema.VERSION, name, facts.st_size, facts.st_mtime_ns, shared]
            key = blake2b(json.dumps(stamp, default=sorted).encode(), digest_size=12).hexdigest()
            tasks.append(Task(path, name, home / key, *shared))
        _read_all([task for task in tasks if not task.home.exists()], processes, meanwhile=bodies)
        if refused:
            lost = pd.DataFrame(refused, columns=["file", "record", "reason"])
            others += Records({"quarantine": lost})
        with TemporaryDirectory(dir=home, suffix=".tmp") as spill:
            _finish(_Join(folder, out, tasks, others, settings, Path(spill)), bodies())
    for left in set(home.iterdir()) - {task.home for task in tasks}:
        shutil.rmtree(left, ignore_errors=True)


def _absent(folder: Path) -> list[openalex.Row]:
    """Return what the manifest of the works lists and the folder lacks, as a row of quarantine."""
    found = parts_of(folder)
    root = found[0][0].parent.parent
    for path in (path for path in (root / "manifest.json", root / "manifest") if path.exists()):
        listed = json.loads(path.read_text(encoding="utf-8"))
        urls = [entry["url"] for entry in listed.get("files") or listed.get("entries") or []]
        names = {f"works/{url.rpartition('/works/')[2]}" for url in urls}
        if lost := sorted(names - {name for _, name in found}):
            reason = f"listed, but not here, such as {lost[0]}. Download the rest"
            return [(f"works/{path.name}", f"{len(lost)} parts", reason)]
    return []


def _entity(folder: Path, refused: list[openalex.Row]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the institutions of the snapshot and their ties; what is none goes to `refused`."""

    def lines() -> Iterator[tuple[str, str, bytes | str]]:
        for path, name in parts_of(folder, "institutions"):
            broken: list[openalex.Row] = []
            yield from ((name, place, line) for place, line in lines_of(path, broken))
            refused.extend((name, *row) for row in broken)

    bodies, ties = openalex.institutions(lines(), refused)
    placed = geo.place_nuts3(bodies)  # while the others begin to read
    version = placed.notna().map({True: geo.NUTS_VERSION, False: pd.NA}).astype("Int64")
    return bodies.assign(nuts3=placed, nuts_version=version), ties


def _merged(folder: Path) -> list[Path]:
    places = (folder / up / "merged_ids" / "works" for up in ("", "legacy-data"))
    return sorted(path for place in places for path in place.glob("*.csv.gz"))


def _places(cut: Cut, bodies: pd.DataFrame) -> Places:
    """Return the institutions, by all their ids, and the countries each option asks for."""
    known = pd.concat([gazetteer(), bodies], ignore_index=True)
    coded = "openalex:" + known["openalex_id"].str.split("|").explode().dropna()
    named = pd.concat([known["institution_id"], coded])
    places = []
    if cut.institutions:
        asked = {institution_id(text) or text for text in cut.institutions}
        same = named[named.index.isin(named.index[named.isin(asked)])]
        places.append((frozenset(asked.union(same)), frozenset()))
    if cut.countries:
        places.append((frozenset(), frozenset(cut.countries)))
    if cut.regions:
        known["nuts3"] = geo.place_nuts3(known)
        inside = memberships(known, cut.regions)["institution_id"]
        same = named[named.index.isin(known.index[known["institution_id"].isin(inside)])]
        whole = pd.DataFrame({"country": known["country"].dropna().unique()})
        whole = memberships(whole.assign(institution_id=whole["country"]), cut.regions)
        places.append((frozenset(same), frozenset(whole["institution_id"])))
    return tuple(places)


def _read_all(tasks: list[Task], processes: list[Any], *, meanwhile: Callable[[], Any]) -> None:
    """Read parts in the processes started for it, where there are any, else here."""
    from tqdm import tqdm

    size = sum(task.path.stat().st_size for task in tasks)
    told, begun, free = [0, 0], time.monotonic(), SimpleQueue()

    def tell(size: int, works: int) -> None:
        told[:] = told[0] + size, told[1] + works

    def read(task: Task) -> None:
        reader = free.get()
        try:
            delegate(task, tell, reader) if reader else read_part(task, tell)
        finally:
            free.put(reader)

    for reader in processes or [None]:
        free.put(reader)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(max(1, len(processes))))
        # What is being read when another part fails is read to its end, and kept.
        stack.callback(pool.shutdown, cancel_futures=True)
        bar = stack.enter_context(tqdm(total=size, unit="B", unit_scale=True, disable=None))
        left = {pool.submit(read, task) for task in tasks}
        left.add(stack.enter_context(ThreadPoolExecutor(1)).submit(meanwhile))
        while left:
            done, left = wait(left, 1, FIRST_COMPLETED)
            bar.set_postfix_str(f"{told[1] / (time.monotonic() - begun):,.0f} works/s")
            bar.update(told[0] - bar.n)
            for future in done:
                future.result()
    for reader in processes:
        with suppress(OSError):
            reader.stdin.close()  # it ends while this process goes on


class _Join(NamedTuple):
    """What is joined into a store, and where it may be spilled on the way."""

    folder: Path
    out: Path
    tasks: list[Task]
    others: Records
    settings: dict[str, Any]
    spill: Path


def _finish(join: _Join, entity: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Join what was read of the parts, and the other records, into the store."""
    import duckdb

    _put(join.others, join.spill)
    session = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(join.spill)})
    session.execute("PRAGMA disable_progress_bar")  # SET asks Jupyter for ipywidgets
    names = [task.name for task in join.tasks]
    session.register("frame", pd.DataFrame({"number": range(len(names)), "part": names}))
    session.execute("CREATE TABLE named AS FROM frame")
    homes = [*(task.home for task in join.tasks), join.spill]
    for name in COLUMNS:
        files = quoted(*(home / f"{name}.parquet" for home in homes))
        part = "" if name == "participants" else "LEFT JOIN named ON number = file_index"
        session.execute(
            f"CREATE VIEW {name} AS SELECT *, file_index, file_row_number AS row "
            f"FROM read_parquet({files}, union_by_name = true) {part}"
        )
    merged = _merged(join.folder)
    gone = f"read_csv({quoted(*merged)}, all_varchar = true)" if merged else "(SELECT '' AS id)"
    kept = f"""
        CREATE TABLE kept AS SELECT file_index, work, activity_id,
          (row_number() OVER (ORDER BY activity_id) - 1)::INTEGER AS activity_no
        FROM (
          SELECT * FROM activities
          WHERE activity_id NOT IN (SELECT 'openalex:' || parse_filename(id) FROM {gone})
          QUALIFY 1 = row_number() OVER (PARTITION BY activity_id
            ORDER BY updated DESC, rows DESC, coalesce(source, part), record))"""
    same = "activity_no, person_id, position, institution_no, x.country, role"
    moved = join.settings["roll_up"] or join.settings["succession"]
    once = f"QUALIFY 1 = row_number() OVER (PARTITION BY {same} ORDER BY row)" if moved else ""
    acts = _columns(session, "activities", activity_id="kept.activity_id")
    special = {
        "activity_id": "kept.activity_id",
        "institution_id": "bodies.institution_id",
        "country": "coalesce(x.country, bodies.country)",
        "evidence": f"coalesce(bodies.evidence, {GIVEN['evidence']})",
    }
    people = _columns(session, "participants", **special)
    queries = {
        "activities": f"""
            SELECT {acts}, activity_no
            FROM activities x JOIN kept USING (file_index, work) ORDER BY activity_no""",
        "participants": f"""
            SELECT {people}, activity_no, institution_no
            FROM participants x JOIN kept USING (file_index, work)
            LEFT JOIN bodies ON x.institution_id = named_id {once}
            ORDER BY activity_no, position, institution_no, row""",
        "fields": f"""
            SELECT kept.activity_id, 'openalex' AS scheme, field AS code, 1::DOUBLE AS share,
              field_name AS name
            FROM activities x JOIN kept USING (file_index, work) WHERE field IS NOT NULL
            UNION ALL BY NAME SELECT x.* EXCLUDE (work, other)
            FROM read_parquet({quoted(join.spill / "fields.parquet")}) x
            JOIN kept ON kept.file_index = {len(join.tasks)} AND x.work = kept.work
            ORDER BY activity_id, scheme, code, share""",
        "persons": f"""
            SELECT person_id, first(name ORDER BY unknown, name, orcid) FILTER (name NOT NULL)
              AS name, first(orcid ORDER BY unknown, name, orcid) FILTER (orcid NOT NULL) AS orcid
            FROM (SELECT *, (name IS NULL)::INT + (orcid IS NULL)::INT AS unknown FROM persons)
            SEMI JOIN participants USING (person_id) WHERE {join.settings["with_names"]}
            GROUP BY person_id ORDER BY person_id""",
        "quarantine": """
            SELECT DISTINCT coalesce(part, file) AS file, record, reason FROM quarantine
            ORDER BY ALL""",
    }
    with replacing(join.out) as fresh, ThreadPoolExecutor(1) as beside:

        def copy(name: str) -> None:
            place = quoted(fresh / f"{name}.parquet")[1:-1]
            session.execute(
                f"COPY ({queries[name]}) TO {place} "
                "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
            )

        others = sorted(queries.keys() - {"participants"})
        written = beside.submit(lambda: [session.execute(kept), *map(copy, others)])
        tables, bodies, resolution = _resolved(session.cursor(), entity, join)
        written.result()
        session.register("bodies", bodies)
        copy("participants")
        for name, table in tables.items():
            table.to_parquet(fresh / f"{name}.parquet", index=False, compression="zstd")
        scans = {name: engine.scan(fresh / f"{name}.parquet") for name in schema.TABLES}
        stamp = _provenance(session, join, fresh / "participants.parquet", resolution)
        write_stamp(Records(scans, provenance=stamp), fresh)


def _columns(session: Any, table: str, **special: str) -> str:
    """Return the columns of a table of the store, as SQL over its view."""
    ours = schema.TABLES[table]
    there = session.execute(f"SELECT * FROM {table} LIMIT 0").fetchdf().columns
    values = {c: f'x."{c}"' for c in [*ours, *(c for c in there if c not in (*ours, *INNER))]}
    for name in ours:
        if name in GIVEN:
            values[name] = f'CASE WHEN other THEN x."{name}" ELSE {GIVEN[name]} END'
        values[name] = f"CAST({special.get(name, values[name])} AS {SQL[ours[name][0]]})"
    return ", ".join(f'{value} AS "{name}"' for name, value in values.items())


def _put(others: Records, folder: Path) -> None:
    """Write other records as one more part."""
    number = pd.Series(range(len(others.activities)), others.activities["activity_id"])
    rows = others.participants["activity_id"].value_counts()
    for name in schema.TABLES:
        table = getattr(others, name).assign(other=True)
        if name in VERSIONED:
            table["work"] = table["activity_id"].map(number).astype("Int32")
        if name == "activities":
            table["rows"] = table["activity_id"].map(rows).fillna(0).astype("Int32")
        table.to_parquet(folder / f"{name}.parquet", index=False)


def _resolved(
    session: Any, entity: tuple[pd.DataFrame, pd.DataFrame], join: _Join
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, dict[str, Any]]:
    """Resolve each institution once; return the small tables, and what becomes of each id."""
    seen = session.execute("""
        FROM (SELECT DISTINCT institution_id, name, country, type, openalex_id FROM institutions
        WHERE other IS NULL) SEMI JOIN (SELECT DISTINCT institution_id FROM participants)
        USING (institution_id)""").fetchdf()
    (houses, ties), others = entity, join.others
    coded = houses["openalex_id"].astype(object).isin(set(seen["openalex_id"].dropna()))
    named = houses["institution_id"].astype(object).isin(set(seen["institution_id"]))
    houses = houses[coded | named]
    seen = seen.astype("string").merge(houses[[*seen]], how="left_anti")  # says something else
    known = pd.concat([others.institutions, seen, houses], ignore_index=True)
    known = fill_first("institutions", known)
    ids = pd.concat([known["institution_id"], others.participants["institution_id"]])
    ids = ids.dropna().drop_duplicates(ignore_index=True)
    rows = pd.DataFrame({"activity_id": "all", "institution_id": ids, "position": ids.index})
    whole = {name for name in schema.TABLES if name not in COLUMNS} - {"fields"}
    one = {name: getattr(others, name) for name in whole} | {
        "activities": pd.DataFrame({"activity_id": ["all"], "kind": ["work"]}),
        "participants": rows,
        "institutions": known,
        "relations": pd.concat([others.relations, ties]),
    }
    moves = {name: join.settings[name] for name in ("roll_up", "succession")}
    records = resolve(Records(one), **moves)
    tables = {
        name: getattr(records, name).sort_values(list(schema.TABLES[name]), ignore_index=True)
        for name in ("institutions", *whole)
    }
    tables["merges"] = others.merges
    bodies = tables["institutions"]
    bodies["institution_no"] = pd.Series(bodies.index, dtype="Int32")
    found = records.participants.assign(named_id=ids)[["named_id", "institution_id", "evidence"]]
    becomes = found.merge(bodies[["institution_id", "country", "institution_no"]])
    counts = others.provenance.get("resolution", {})
    return tables, becomes, records.provenance["resolution"] | counts


def _provenance(
    session: Any, join: _Join, people: Path, resolution: dict[str, Any]
) -> dict[str, Any]:
    """Count what became of the works of the snapshot."""
    counts = [json.loads((task.home / "counts.json").read_text()) for task in join.tasks]
    total = {name: sum(count[name] for count in counts) for name in counts[0]}
    n, cut, others = len(counts), join.tasks[0].cut, join.others.provenance
    kept, every, stay = session.execute(f"""
        SELECT count(*) FILTER (file_index < {n}), (SELECT count(*) FROM activities), count(*)
        FROM kept""").fetchone()
    used = session.execute(
        f"SELECT institution_id, count(*) FROM read_parquet({quoted(people)}) GROUP BY ALL"
    ).fetchall()
    named = [name for name, _ in used if name]
    ror = sum(bool(ROR.fullmatch(name)) for name in named)
    source: dict[str, Any] = {
        "file": join.folder.resolve().name,
        "sha256": fingerprint(join.folder, cut),
        "format": FORMAT,
        "format_version": "JSON Lines" if join.tasks[0].path.suffix == ".gz" else "Parquet",
        "cut": {name: value for name, value in cut._asdict().items() if value},
        "ingested_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    source |= total | {"parts": n, "kept": kept, "merged": total["kept"] - kept}
    source["quarantined"] = total["read"] - total["kept"] - total["xpac"] - total["outside"]
    resolution |= {
        "institutions": len(named),
        "with_ror": ror,
        "unresolved": len(named) - ror,
        "participations_without_institution": sum(n for name, n in used if not name),
    }
    facts = {"sources": [*others["sources"], source], "resolution": resolution}
    merged = others["merged"] + every - stay
    return {**others, **facts, "merged": merged, "settings": join.settings}
