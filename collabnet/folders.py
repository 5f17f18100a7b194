"""Folders that are whole or not there: what a power cut or a kill leaves is put right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from collabnet.errors import StoreError

PROVENANCE = "provenance.json"


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Give a folder to write a store into; it takes the place of `path` when all went well."""
    if (
        path.exists()
        and not (path / PROVENANCE).exists()
        and (path.is_file() or any(path.iterdir()))
    ):
        raise StoreError(
            f"{path}: stands in the way of the store: it is not one. Name another folder for it."
        )
    place = path.absolute()
    put_back(place)
    fresh = place.with_name(f".{place.name}.tmp-{os.getpid()}")
    old = place.with_name(f".{place.name}.old-{os.getpid()}")
    place.parent.mkdir(parents=True, exist_ok=True)
    for leftover in place.parent.glob(f".{place.name}.tmp-*"):
        shutil.rmtree(leftover)
    fresh.mkdir()
    try:
        yield fresh
        sync(fresh)
        if place.exists():
            place.rename(old)
        fresh.rename(place)
    finally:
        if old.exists() and not place.exists():
            old.rename(place)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def sync(folder: Path) -> None:
    """Bring the files of a folder to the disk, so that a power cut leaves them whole."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def put_back(place: Path) -> None:
    """Put a store back whose replacement was killed between its two renames."""
    for old in () if place.exists() else sorted(place.parent.glob(f".{place.name}.old-*")):
        try:
            os.kill(int(old.name.rpartition("-")[2]), 0)
        except ProcessLookupError:
            old.rename(place)
            return
