"""From sources to a store: read, check, resolve, write."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from collabnet import schema
from collabnet.errors import StoreError
from collabnet.institutions import RollUp, resolve
from collabnet.readers import read_all
from collabnet.readers.source import sha256
from collabnet.records import PROVENANCE, Records, read_store, write_store


def ingest(
    sources: Iterable[str | Path],
    out: str | Path,
    *,
    format: str | None = None,
    mapping: str | Path | None = None,
    with_names: bool = False,
    roll_up: tuple[RollUp, ...] = (),
    succession: bool = False,
) -> Records:
    """Read sources into a store, on top of what stands there already.

    A file that is in the store (by its SHA-256) is not read again, so doing it twice changes
    nothing. Of a work in several versions the newest is kept.

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
    if before is not None:
        made = before.provenance.get("settings", {})
        changed = [name for name, value in chosen.items() if made.get(name) != value]
        if changed:
            raise StoreError(
                f"{out}: this store was made with {changed[0]}={made.get(changed[0])!r}. Use the "
                "same option, or name another folder."
            )
        known = {source["sha256"] for source in before.provenance["sources"]}
    fresh = read_all(sources, format=format, mapping=mapping, with_names=with_names, skip=known)
    if before is not None and not fresh.provenance["sources"]:
        return before
    rest = fresh.provenance.get("unrecognised", [])
    records = resolve(
        fresh if before is None else before + fresh, roll_up=roll_up, succession=succession
    )
    if not with_names:
        tables = {name: getattr(records, name) for name in schema.TABLES if name != "persons"}
        records = Records(tables, provenance=records.provenance)
    records.provenance |= {"settings": chosen, "unrecognised": rest}
    try:
        return read_store(write_store(records, out))
    except OSError as error:
        raise StoreError(
            f"{out}: cannot be written ({error.strerror or error}). Name another folder."
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
    done.provenance["settings"] = made | {"overrides": sha256(Path(overrides))}
    return read_store(write_store(done, store))
