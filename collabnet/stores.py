"""From sources to a store: read, check, resolve, write."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import narwhals as nw

from collabnet import engine, schema, snapshot
from collabnet.errors import InputError, StoreError
from collabnet.folders import PROVENANCE
from collabnet.institutions import RollUp, resolve
from collabnet.merging import merge_duplicates
from collabnet.parts import Cut
from collabnet.pool import parts_of
from collabnet.readers import read_all
from collabnet.records import Records, read_store, write_store


def ingest(
    sources: Iterable[str | Path],
    out: str | Path,
    *,
    format: str | None = None,
    mapping: str | Path | None = None,
    with_names: bool = False,
    roll_up: tuple[RollUp, ...] = (),
    succession: bool = False,
    institutions: Iterable[str] = (),
    countries: Iterable[str] = (),
    regions: Iterable[str] = (),
    years: tuple[int, int] | None = None,
    sample: float = 1,
    with_xpac: bool = False,
) -> Records:
    """Read sources into a store, on top of what stands there already.

    The folder of an OpenAlex snapshot is read out of core, on all cores, in a bounded memory; what
    was read of its parts stays beside the store, so that the next run reads only what is new. A
    store holds one snapshot: the one named last.

    A file that is in the store (by its SHA-256) is not read again, so doing it twice changes
    nothing. Of a work in several versions the newest is kept; a work in several databases is
    counted once (`merge_duplicates`), but not against the works of a snapshot.

    Parameters
    ----------
    sources
        Files and folders of any known format, or stores.
    out
        Folder of the store; it appears, or changes, all at once or not at all.
    format, mapping, with_names
        As in `read`.
    roll_up, succession
        As in `resolve`; a store is made with one choice of these.
    institutions, countries, regions
        Of a snapshot of OpenAlex, keep the works an author of which states an institution of this
        id (ROR or OpenAlex, as such: not its parts), one in one of these countries or the country
        alone (ISO 3166-1 alpha-2), one known to lie in one of these regions (by the gazetteer or
        the snapshot's own institutions). Where several are given, each has to hold.
    years
        Years of publication, both included.
    sample
        Share of the works to keep, drawn by their id: the same works every time.
    with_xpac
        Keep the works that the OpenAlex API hides by default (`is_xpac`).

    Returns
    -------
    The store, opened.

    Raises
    ------
    InputError
        A source cannot be read; the store is left as it was.
    StoreError
        `out` is not a store, was made with other options, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from importlib.resources import files
    >>> template = files("collabnet") / "data" / "agreement_template.csv"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ingest([template], f"{folder}/store").counts()["agreement"]
    2
    """
    out = Path(out)
    chosen: dict[str, Any] = {
        "with_names": with_names,
        "roll_up": sorted(roll_up),
        "succession": succession,
    }
    before = read_store(out) if (out / PROVENANCE).exists() else None
    known: set[str] = set()
    paths = list(map(Path, sources))
    snapshots = [path for path in paths if path.is_dir() and parts_of(path)]
    cut = Cut(*(tuple(institutions), tuple(countries), tuple(regions)), years, sample, with_xpac)
    if len(snapshots) > 1 or (cut != Cut() and not snapshots):
        raise InputError(
            f"{len(snapshots)} of the sources are snapshots of OpenAlex: name one (what cuts a "
            "snapshot needs it)."
        )
    if before is not None:
        made = before.provenance.get("settings", {})
        changed = [name for name, value in chosen.items() if made.get(name) != value]
        if changed:
            raise StoreError(
                f"{out}: this store was made with {changed[0]}={made.get(changed[0])!r}. Use the "
                "same option, or name another folder."
            )
        known = {source["sha256"] for source in before.provenance["sources"]}
    rest = [path for path in paths if path not in snapshots]
    fresh = read_all(rest, format=format, mapping=mapping, with_names=with_names, skip=known)
    new = bool(fresh.provenance["sources"])
    if snapshots:
        if before is not None and not new and snapshot.fingerprint(snapshots[0], cut) in known:
            return before
        others = fresh if before is None else _beside_snapshot(before) + fresh
        if others.provenance["sources"]:
            others = merge_duplicates(resolve(others, roll_up=roll_up, succession=succession))
        others.provenance["unrecognised"] = fresh.provenance.get("unrecognised", [])
        with _writing(out):
            snapshot.build(snapshots[0], out, others, cut=cut, settings=chosen)
            return read_store(out)
    if before is not None and not new:
        return before
    if before is not None and _holds_snapshot(before):
        raise StoreError(
            f"{out}: a snapshot is in this store. Name its folder too, so that it is joined with "
            "the new sources; what was read of it is not read again."
        )
    rest = fresh.provenance.get("unrecognised", [])
    joined = fresh if before is None else before + fresh
    records = merge_duplicates(resolve(joined, roll_up=roll_up, succession=succession))
    if not with_names:
        tables = {name: getattr(records, name) for name in schema.TABLES if name != "persons"}
        records = Records(tables, provenance=records.provenance)
    records.provenance |= {"settings": chosen, "unrecognised": rest}
    with _writing(out):
        return read_store(write_store(records, out))


def _holds_snapshot(store: Records) -> bool:
    """Is there a snapshot in this store?"""
    return any(source["format"] == snapshot.FORMAT for source in store.provenance["sources"])


def _beside_snapshot(store: Records) -> Records:
    """Return what a store holds beside its snapshot."""
    if not _holds_snapshot(store):
        return store
    ours = store.lazy("activities").filter(
        ~nw.col("source").str.starts_with(f"openalex:{snapshot.PLACE}")
    )
    tables = {"activities": engine.collect(ours)}
    for name in ("participants", "fields"):
        rows = store.lazy(name).join(ours.select("activity_id"), on="activity_id", how="semi")
        tables[name] = engine.collect(rows)
    used = engine.collect(store.lazy("participants").select("institution_id").unique())
    mine, bodies = tables["participants"], store.institutions
    strange = ~bodies["institution_id"].isin(used["institution_id"])
    tables |= {
        "institutions": bodies[bodies["institution_id"].isin(mine["institution_id"]) | strange],
        "persons": store.persons[store.persons["person_id"].isin(mine["person_id"])],
        "merges": store.merges,
        "relations": store.relations[store.relations["source"] != "OpenAlex"],
        "quarantine": store.quarantine[~store.quarantine["file"].str.contains("/")],
    }
    sources = store.provenance["sources"]
    merged = sum(source["merged"] for source in sources if source["format"] == snapshot.FORMAT)
    kept = [source for source in sources if source["format"] != snapshot.FORMAT]
    facts = {"sources": kept, "merged": store.provenance["merged"] - merged}
    return Records(tables, provenance=facts)


@contextmanager
def _writing(out: Path) -> Generator[None]:
    import duckdb

    try:
        yield
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise StoreError(
            f"{out}: cannot be written ({reason}). Name another folder, or make room there."
        ) from None


def resolve_store(store: str | Path, overrides: str | Path) -> Records:
    """Resolve the institutions of a store again, with overrides, under the options it was made."""
    records = read_store(store)
    made = {"roll_up": [], "succession": False} | records.provenance.get("settings", {})
    done = resolve(
        records,
        roll_up=tuple(made["roll_up"]),
        succession=made["succession"],
        overrides=overrides,
    )
    return read_store(write_store(done, store))
