"""The OpenAlex snapshot → a store, out of core: parts are read on all cores, once, and joined.

What was read of a part stays in a hidden folder beside the store. So a run that was broken off goes
on where it stood, and the next one reads only the parts that are new.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from glob import escape
from hashlib import blake2b, sha256
from io import BufferedReader
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, Any, NamedTuple, cast

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip, isal_zlib

from collabnet import engine, geo, schema
from collabnet.errors import InputError, StoreError
from collabnet.identifiers import ROR, institution_id
from collabnet.institutions import gazetteer, resolve
from collabnet.readers import openalex
from collabnet.records import VERSIONED, Records, fill_first, replacing, sync, write_stamp
from collabnet.regions import memberships

LAYOUTS = ("data/jsonl", "jsonl", "data/parquet", "parquet", "data", "")
"""Where the entities of a snapshot may lie, in the order preferred."""

FORMAT = "openalex-snapshot"
PLACE = "works/updated_date="
FLUSHED, TOLD = 60_000, 500
"""Rows held before they are written; works between two steps of the progress bar."""

ALONE = 1 << 23
"""Bytes of parts for which a process of its own is worth its start."""

MEMORY = "600MB"
"""What DuckDB holds while the store is written; the rest is spilled to disk."""

DAMAGED = (EOFError, isal_zlib.error, igzip.BadGzipFile)
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

Tell = Callable[[int, int], None]
Places = tuple[tuple[frozenset[str], frozenset[str]], ...]


class Cut(NamedTuple):
    """Which works of a snapshot are kept: all that is given must hold (see `stores.ingest`)."""

    institutions: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    years: tuple[int, int] | None = None
    sample: float = 1
    with_xpac: bool = False


class Task(NamedTuple):
    """A part to read, the folder its tables go to, and what is kept of it.

    Of each pair (institutions, countries) in `places` an author has to have one.
    """

    path: Path
    name: str
    home: Path
    cut: Cut
    places: Places
    with_names: bool


def parts(folder: Path, entity: str = "works") -> list[tuple[Path, str]]:
    """Return the parts of an entity with their names; of two formats JSON Lines is taken."""
    for root in (folder / layout for layout in LAYOUTS):
        for kind in ("gz", "parquet"):
            found = sorted(root.glob(f"{entity}/updated_date=*/*.{kind}"))
            if found:
                return [(path, path.relative_to(root).as_posix()) for path in found]
    return []


def fingerprint(folder: Path, cut: Cut) -> str:
    """Return a hash of the files of a snapshot (name, size, last bytes) and of what is kept."""
    facts = []
    files = [
        *parts(folder),
        *parts(folder, "institutions"),
        *((p, p.name) for p in _merged(folder)),
    ]
    for path, name in files:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 4096))
            facts.append([name, size, blake2b(file.read()).hexdigest()])
    return sha256(json.dumps([facts, cut]).encode()).hexdigest()


def build(folder: Path, out: Path, others: Records, *, cut: Cut, settings: dict[str, Any]) -> None:
    """Read a snapshot into the store `out`, joined with other records; see `stores.ingest`."""
    work = out.absolute().with_name(f".{out.absolute().name}.parts")
    work.mkdir(parents=True, exist_ok=True)
    for left in work.glob("*.tmp"):
        shutil.rmtree(left)
    bodies, ties = openalex.institutions(
        line for path, _ in parts(folder, "institutions") for _, line in _lines(path, [])
    )
    shared = (cut, _places(cut, bodies), settings["with_names"])
    tasks = [
        Task(path, name, work / _key(path, name, shared), *shared) for path, name in parts(folder)
    ]
    _read_all([task for task in tasks if not task.home.exists()])
    spill = work / "spill.tmp"
    spill.mkdir()
    try:
        _finish(folder, out, tasks, (bodies, ties), others, settings, spill)
    finally:
        shutil.rmtree(spill)
    for left in set(work.iterdir()) - {task.home for task in tasks}:
        shutil.rmtree(left)


def holds(store: Records) -> bool:
    """Is there a snapshot in this store?"""
    return any(source["format"] == FORMAT for source in store.provenance["sources"])


def without(store: Records) -> Records:
    """Return what a store holds beside its snapshot."""
    if not holds(store):
        return store
    ours = store.lazy("activities").filter(~nw.col("source").str.starts_with(f"openalex:{PLACE}"))
    tables = {"activities": engine.collect(ours)}
    for name in ("participants", "fields"):
        rows = store.lazy(name).join(ours.select("activity_id"), on="activity_id", how="semi")
        tables[name] = engine.collect(rows)
    everyone = engine.collect(store.lazy("participants").select("institution_id").unique())
    for name, key in (("institutions", "institution_id"), ("persons", "person_id")):
        table, mine = getattr(store, name), tables["participants"][key]
        strange = ~table[key].isin(everyone["institution_id"]) & (name == "institutions")
        tables[name] = table[table[key].isin(mine) | strange]
    tables["relations"] = store.relations[store.relations["source"] != "OpenAlex"]
    tables["quarantine"] = store.quarantine[~store.quarantine["file"].str.startswith(PLACE)]
    sources = {s["format"] == FORMAT: s for s in store.provenance["sources"]}
    kept = [s for s in store.provenance["sources"] if s["format"] != FORMAT]
    merged = store.provenance["merged"] - sources[True]["merged"]
    return Records(tables, provenance={"sources": kept, "merged": merged})


def _merged(folder: Path) -> list[Path]:
    places = (folder / up / "merged_ids" / "works" for up in ("", "legacy-data"))
    return sorted(path for place in places for path in place.glob("*.csv.gz"))


def _key(path: Path, name: str, shared: tuple[Any, ...]) -> str:
    facts = path.stat()
    stamp = [schema.VERSION, name, facts.st_size, facts.st_mtime_ns, shared]
    return blake2b(json.dumps(stamp, default=sorted).encode(), digest_size=12).hexdigest()


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


def _read_all(tasks: list[Task]) -> None:
    """Read parts in as many processes as there are cores; here where there is little to read."""
    from tqdm import tqdm

    size = sum(task.path.stat().st_size for task in tasks)
    workers = min(os.cpu_count() or 1, len(tasks), size // ALONE)
    told, begun, queue = [0, 0], time.monotonic(), iter(tasks)

    def tell(size: int, works: int) -> None:
        told[0] += size
        told[1] += works

    run = _delegate if workers > 1 else _read_each
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        left = {pool.submit(run, queue, tell) for _ in range(max(workers, 1))}
        with tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
            while left:
                done, left = wait(left, 1, FIRST_COMPLETED)
                bar.update(told[0] - bar.n)
                bar.set_postfix_str(f"{told[1] / (time.monotonic() - begun):,.0f} works/s")
                if any(future.exception() for future in done):
                    queue.__setstate__(
                        len(tasks)
                    )  # what is being read is read to its end, and kept
        for future in done:
            future.result()


def _read_each(tasks: Iterable[Task], tell: Tell) -> None:
    for task in tasks:
        _read(task, tell)


def _delegate(tasks: Iterator[Task], tell: Tell) -> None:
    """Have parts read by a process of its own, which ends when this one does, however it ends."""
    command = [sys.executable, "-c", f"from {__name__} import serve; serve()"]
    with Popen(command, stdin=PIPE, stdout=PIPE) as process:
        given, answers = cast("tuple[IO[bytes], IO[bytes]]", (process.stdin, process.stdout))
        for task in tasks:
            try:
                pickle.dump(task, given)
                given.flush()
                while isinstance(answer := pickle.load(answers), tuple):  # noqa: S301
                    tell(*answer)
            except (EOFError, BrokenPipeError):
                raise StoreError(
                    f"{task.name}: the process that read it was stopped (out of memory?). What was "
                    "read is kept: run the same command again."
                ) from None
            if answer is not None:
                raise answer


def serve() -> None:
    """Read the parts named on stdin and answer on stdout; see `_delegate`."""
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    gc.disable()  # nothing that is read refers to itself

    def tell(*answer: Any) -> None:
        pickle.dump(answer, answers)
        answers.flush()

    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while task := pickle.load(given):  # noqa: S301
            try:
                _read(task, tell)
            except (OSError, InputError) as error:
                if isinstance(error, BrokenPipeError):
                    raise
                pickle.dump(error, answers)
            else:
                pickle.dump(None, answers)
            answers.flush()


def _read(task: Task, tell: Tell) -> None:
    """Read a part into a folder of its own, which appears when all of it is there."""
    cut, batch, broken = task.cut, openalex.Batch(with_names=task.with_names), []
    counts = dict.fromkeys(("read", "kept", "xpac", "outside"), 0)
    fresh = task.home.with_suffix(f".{os.getpid()}.tmp")
    fresh.mkdir()
    writers: dict[str, pq.ParquetWriter] = {}
    keep = _wanted(task.places, batch) if task.places else None
    for place, work in openalex.works(_lines(task.path, broken, tell)):
        counts["read"] += 1
        if isinstance(work, openalex.Work) and work.is_xpac and not cut.with_xpac:
            counts["xpac"] += 1
        elif isinstance(work, openalex.Work) and not _of_years_and_sample(work, cut):
            counts["outside"] += 1
        elif (added := batch.add(place, work, keep)) is not None:
            counts["kept" if added else "outside"] += 1
        if len(batch.participants) + len(batch.activities) > FLUSHED:
            _write(batch.tables("activities", "participants"), fresh, writers)
    counts["read"] += len(broken)
    batch.quarantine += broken
    _write(batch.tables(), fresh, writers)
    for writer in writers.values():
        writer.close()
    (fresh / "counts.json").write_text(json.dumps({**counts, "version": batch.schema}))
    sync(fresh)
    fresh.replace(task.home)


def _write(tables: dict[str, pa.Table], folder: Path, writers: dict[str, pq.ParquetWriter]) -> None:
    for name, table in tables.items():
        if name not in writers:
            writers[name] = pq.ParquetWriter(
                folder / f"{name}.parquet",
                table.schema,
                compression="zstd",
                use_dictionary=["institution_id", "country"],
            )
        writers[name].write_table(table)


def _lines(
    path: Path, broken: list[openalex.Row], tell: Tell = lambda *_: None
) -> Iterator[tuple[str, bytes | str]]:
    """Yield (place, JSON) of a part; where it breaks off is noted in `broken`."""
    import duckdb

    number, seen, what = 0, 0, "row" if path.suffix == ".parquet" else "line"
    try:
        with path.open("rb") as file:
            packed: Any = igzip.IGzipFile(fileobj=file)
            rows = _rows(path) if what == "row" else BufferedReader(packed, 1 << 19)
            for number, line in enumerate(rows, 1):
                if not line.isspace():
                    yield f"{what} {number}", line
                if number % TOLD == 0:
                    tell(file.tell() - seen, TOLD)
                    seen = file.tell()
    except (*DAMAGED, duckdb.Error) as error:
        reason = f"the file breaks off or is damaged from here on ({error}). Download it again"
        broken.append((f"{what} {number + 1}", " ".join(reason.split())))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}). What was read of the others is "
            "kept: mend it, and run the same command again."
        ) from None
    tell(path.stat().st_size - seen, number % TOLD)


def _rows(path: Path) -> Iterator[str]:
    """Yield the rows of a Parquet part as JSON, with the columns that are kept."""
    import duckdb

    with duckdb.connect(config={"threads": 1, "memory_limit": "400MB"}) as session:
        # The folder is named like a column, which stands in the file with the time of day.
        source = f"FROM read_parquet({_quoted(path)}, hive_partitioning = false)"
        fields = {*openalex.Work.__struct_fields__, *openalex.House.__struct_fields__}
        packed = []
        for name, kind, *_ in session.execute(f"DESCRIBE {source}").fetchall():
            pattern = "%Y-%m-%dT%H:%M:%S.%f" if name == "updated_date" else "%Y-%m-%d"
            text = f"strftime({name}, '{pattern}')" if kind[:4] in {"DATE", "TIME"} else name
            packed += [f"{name} := {text}"] * (name in fields)
        answer = session.execute(f"SELECT to_json(struct_pack({', '.join(packed)})) {source}")
        while rows := answer.fetchmany(1000):
            yield from (row[0] for row in rows)


def _of_years_and_sample(work: openalex.Work, cut: Cut) -> bool:
    """Is a work of the years wanted, and in the sample? It is drawn by its id, so for good."""
    if cut.years:
        year = str(work.publication_year or work.publication_date or "")[:4]
        if not (year.isdecimal() and cut.years[0] <= int(year) <= cut.years[1]):
            return False
    if cut.sample >= 1:
        return True
    number = blake2b((openalex.bare(work.id) or "").encode(), digest_size=8).digest()
    return int.from_bytes(number) < cut.sample * 2**64


def _wanted(places: Places, batch: openalex.Batch) -> Callable[[list[openalex.Row]], bool]:
    def keep(rows: list[openalex.Row]) -> bool:
        bodies = {row[1] for row in rows} - {None}
        ids = bodies.union(f"openalex:{batch.institutions[body][-1]}" for body in bodies)
        stated = {row[4] for row in rows}
        return all(ids & asked or stated & countries for asked, countries in places)

    return keep


def _quoted(*paths: Path) -> str:
    """Return paths as a list in SQL, in which no letter stands for others."""
    return "[" + ", ".join("'" + escape(str(p)).replace("'", "''") + "'" for p in paths) + "]"


def _finish(
    folder: Path,
    out: Path,
    tasks: list[Task],
    entity: tuple[pd.DataFrame, pd.DataFrame],
    others: Records,
    settings: dict[str, Any],
    spill: Path,
) -> None:
    """Join what was read of the parts, and the other records, into the store."""
    import duckdb

    _put(others, spill)
    session = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)})
    session.execute("SET enable_progress_bar = false")
    named = pd.DataFrame({"number": range(len(tasks)), "part": [task.name for task in tasks]})
    session.register("named", named)
    homes = [*(task.home for task in tasks), spill]
    for name in openalex.COLUMNS:
        files = _quoted(*(home / f"{name}.parquet" for home in homes))
        session.execute(
            f"CREATE VIEW {name} AS SELECT *, file_index, file_row_number AS row "
            f"FROM read_parquet({files}, union_by_name = true)"
            f"{'' if name == 'participants' else ' LEFT JOIN named ON number = file_index'}"
        )
    session.execute("CREATE TABLE gone (activity_id VARCHAR)")
    if merged := _merged(folder):
        session.execute(
            "INSERT INTO gone SELECT 'openalex:' || parse_filename(id) "
            f"FROM read_csv({_quoted(*merged)}, all_varchar = true)"
        )
    session.execute("""
        CREATE TABLE kept AS SELECT file_index, work, activity_id,
          (row_number() OVER (ORDER BY activity_id) - 1)::INTEGER AS activity_no
        FROM (
          SELECT * FROM activities WHERE activity_id NOT IN (FROM gone)
          QUALIFY 1 = row_number() OVER (PARTITION BY activity_id
            ORDER BY updated DESC, rows DESC, coalesce(source, part), record))""")
    resolved, bodies = _resolve(session, entity, others, settings)
    session.register("bodies", bodies)
    same = "activity_no, person_id, position, institution_no, x.country, role"
    moved = settings["roll_up"] or settings["succession"]
    once = f"QUALIFY 1 = row_number() OVER (PARTITION BY {same} ORDER BY row)" if moved else ""
    queries = {
        "activities": f"""
            SELECT {_columns(session, "activities", activity_id="kept.activity_id")}, activity_no
            FROM activities x JOIN kept USING (file_index, work) ORDER BY activity_no""",
        "participants": f"""
            SELECT {
            _columns(
                session,
                "participants",
                activity_id="kept.activity_id",
                institution_id="bodies.institution_id",
                country="coalesce(x.country, bodies.country)",
                evidence=f"coalesce(bodies.evidence, {GIVEN['evidence']})",
            )
        }, activity_no, institution_no
            FROM participants x JOIN kept USING (file_index, work)
            LEFT JOIN bodies ON x.institution_id = named_id {once}
            ORDER BY activity_no, position, institution_no, person_id, role, 6, affiliation, unit,
              corresponding, since, until""",
        "fields": f"""
            SELECT kept.activity_id, 'openalex' AS scheme, field AS code, 1::DOUBLE AS share,
              field_name AS name
            FROM activities x JOIN kept USING (file_index, work) WHERE field IS NOT NULL
            UNION ALL BY NAME SELECT x.* EXCLUDE (work, other)
            FROM read_parquet({_quoted(spill / "fields.parquet")}) x
            JOIN kept ON kept.file_index = {len(tasks)} AND x.work = kept.work
            ORDER BY activity_id, scheme, code, share""",
        "persons": f"""
            SELECT person_id, first(name ORDER BY unknown, name, orcid) FILTER (name NOT NULL)
              AS name, first(orcid ORDER BY unknown, name, orcid) FILTER (orcid NOT NULL) AS orcid
            FROM (SELECT *, (name IS NULL)::INT + (orcid IS NULL)::INT AS unknown FROM persons)
            SEMI JOIN participants USING (person_id) WHERE {settings["with_names"]}
            GROUP BY person_id ORDER BY person_id""",
        "quarantine": """
            SELECT DISTINCT coalesce(part, file) AS file, record, reason FROM quarantine
            ORDER BY ALL""",
    }
    with replacing(out) as fresh:
        for name, query in queries.items():
            place = _quoted(fresh / f"{name}.parquet")[1:-1]
            session.execute(
                f"COPY ({query}) TO {place} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
            )
        for name in ("institutions", "relations"):
            table = getattr(resolved, name)
            table.to_parquet(fresh / f"{name}.parquet", index=False, compression="zstd")
        tables = {name: engine.scan(fresh / f"{name}.parquet") for name in schema.TABLES}
        stamp = _provenance(session, folder, tasks, others, settings, fresh)
        write_stamp(Records(tables, provenance=stamp), fresh)
    session.close()


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


def _resolve(
    session: Any,
    entity: tuple[pd.DataFrame, pd.DataFrame],
    others: Records,
    settings: dict[str, Any],
) -> tuple[Records, pd.DataFrame]:
    """Resolve each institution once; return the institutions, and what becomes of each id."""
    seen = session.execute("""
        SELECT DISTINCT institution_id, name, country, type, openalex_id FROM institutions
        SEMI JOIN participants USING (institution_id) WHERE other IS NULL""").fetchdf()
    houses, ties = entity
    coded = houses["openalex_id"].isin(seen["openalex_id"].dropna())
    houses = houses[coded | houses["institution_id"].isin(seen["institution_id"])]
    known = [others.institutions, seen.astype("string"), houses]
    known = fill_first("institutions", pd.concat(known, ignore_index=True))
    ids = pd.concat([known["institution_id"], others.participants["institution_id"]])
    ids = ids.dropna().drop_duplicates(ignore_index=True)
    one = {"activities": pd.DataFrame({"activity_id": ["all"], "kind": ["work"]})}
    one["participants"] = pd.DataFrame({"activity_id": "all", "institution_id": ids}).assign(
        position=ids.index
    )
    one |= {"institutions": known, "relations": pd.concat([others.relations, ties])}
    resolved = resolve(
        Records(one), roll_up=tuple(settings["roll_up"]), succession=settings["succession"]
    )
    for name in ("institutions", "relations"):
        table = getattr(resolved, name).sort_values(list(schema.TABLES[name]), ignore_index=True)
        resolved.__dict__[name] = table
    numbers = resolved.institutions.assign(
        institution_no=pd.Series(resolved.institutions.index, dtype="Int32")
    )
    resolved.__dict__["institutions"] = numbers
    found = resolved.participants[["position", "institution_id", "evidence"]]
    found = found.assign(named_id=found["position"].map(ids))
    facts = numbers[["institution_id", "country", "institution_no"]]
    return resolved, found.merge(facts, on="institution_id").drop(columns="position")


def _provenance(
    session: Any,
    folder: Path,
    tasks: list[Task],
    others: Records,
    settings: dict[str, Any],
    fresh: Path,
) -> dict[str, Any]:
    """Count what became of the works of the snapshot."""
    counts = [json.loads((task.home / "counts.json").read_text()) for task in tasks]
    total = {name: sum(c[name] for c in counts) for name in ("read", "kept", "xpac", "outside")}
    n = len(tasks)
    kept, stays, every = session.execute(
        f"SELECT count(*) FILTER (file_index < {n}), count(*), (SELECT count(*) FROM activities) "
        "FROM kept"
    ).fetchone()
    people = f"read_parquet({_quoted(fresh / 'participants.parquet')})"
    used = session.execute(f"SELECT institution_id, count(*) AS n FROM {people} GROUP BY ALL")
    used = used.fetchdf().set_index("institution_id")["n"]
    named = used[used.index.notna()]
    ror = int(named.index.str.fullmatch(ROR).sum())
    cut = tasks[0].cut
    source = {
        "file": folder.resolve().name,
        "sha256": fingerprint(folder, cut),
        "format": FORMAT,
        "format_version": "JSON Lines" if tasks[0].path.suffix == ".gz" else "Parquet",
        "parts": n,
        **total,
        "kept": kept,
        "merged": total["kept"] - kept,
        "quarantined": total["read"] - sum(total[c] for c in ("kept", "xpac", "outside")),
        "cut": {name: value for name, value in cut._asdict().items() if value},
        "ingested_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {
        **others.provenance,
        "sources": [*others.provenance["sources"], source],
        "merged": others.provenance["merged"] + every - stays,
        "settings": settings,
        "resolution": {
            "institutions": len(named),
            "with_ror": ror,
            "unresolved": len(named) - ror,
            "participations_without_institution": int(used[used.index.isna()].sum()),
        },
    }
