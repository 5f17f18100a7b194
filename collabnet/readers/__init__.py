"""Readers: any source an analyst has → Records. `read` sniffs the content, not the extension.

One file a format. A format is one entry of `FORMATS`: how to recognise it from its first bytes, and
the function that reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import reduce
from operator import add
from pathlib import Path
from typing import NamedTuple

from collabnet.errors import InputError, UnknownNameError
from collabnet.readers import agreements, cordis, openalex, ror, tidy
from collabnet.readers.source import Source, sha256
from collabnet.records import PROVENANCE, Records, read_store


class Format(NamedTuple):
    """A file format: what it is called, how it is recognised, and what reads it."""

    title: str
    sniff: Callable[[Source], bool]
    read: Callable[[Source], Records]


class Options(NamedTuple):
    """How to read; the fields are the arguments of `read_all`."""

    format: str | None = None
    mapping: str | Path | None = None
    with_names: bool = False
    skip: frozenset[str] = frozenset()


FORMATS: dict[str, Format] = {
    "openalex": Format("OpenAlex works (JSON, JSON Lines)", openalex.sniff, openalex.read),
    "cordis": Format("CORDIS participations (CSV)", cordis.sniff, cordis.read),
    "agreements": Format("agreement template (CSV, XLSX)", agreements.sniff, agreements.read),
    "ror": Format("ROR organisation registry (JSON, zip)", ror.sniff, ror.read),
}
"""Formats by name, in the order in which they are tried."""


def read(
    path: str | Path,
    *,
    format: str | None = None,
    mapping: str | Path | None = None,
    with_names: bool = False,
) -> Records:
    """Read a file, a folder or a store, whatever it holds.

    A store and our own tidy folder (`activities.csv`, `participants.csv` …) are opened as such. Of
    any other folder every file that is recognised is read, and the rest is listed under
    `unrecognised` in the provenance.

    Parameters
    ----------
    path
        File or folder.
    format
        Name of the format, where it should not be sniffed: {"openalex", "cordis", "agreements",
        "ror"}.
    mapping
        TOML file that maps the columns of an agreement list to the template; see `docs/formats.md`.
    with_names
        Keep names of persons (table `persons`). They are left out unless asked for.

    Returns
    -------
    Records, lazy where `path` is a store.

    Raises
    ------
    InputError
        The file is missing, empty, damaged, or of no known format.
    StoreError
        The folder is a store that cannot be used.
    UnknownNameError
        `format` is not one of the formats.

    Examples
    --------
    >>> records = read("data/partnerships.csv")  # doctest: +SKIP
    """
    return _read(Path(path), Options(format, mapping, with_names))


def read_all(
    paths: Iterable[str | Path],
    *,
    format: str | None = None,
    mapping: str | Path | None = None,
    with_names: bool = False,
    skip: Collection[str] = (),
) -> Records:
    """Read several sources and join them.

    Parameters
    ----------
    paths
        Files and folders.
    format, mapping, with_names
        As in `read`.
    skip
        SHA-256 of files that need not be read again.

    Raises
    ------
    InputError
        One of the sources cannot be read; nothing is returned then.

    Examples
    --------
    >>> read_all([])
    <Records: empty>
    """
    options = Options(format, mapping, with_names, frozenset(skip))
    return reduce(add, (_read(Path(path), options) for path in paths), Records({}))


def _read(path: Path, options: Options) -> Records:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder. Check the path.")
    if path.is_dir():
        if (path / PROVENANCE).exists():
            return read_store(path)
        if tidy.sniff(path):
            return tidy.read(path, skip=options.skip)
        return _read_folder(path, options)
    return _read_file(path, options)


def _read_file(path: Path, options: Options) -> Records:
    if options.skip and sha256(path) in options.skip:
        return Records({})
    source = Source.open(path, mapping=options.mapping, with_names=options.with_names)
    name = options.format
    if name is not None and name not in FORMATS:
        raise UnknownNameError("format", name, FORMATS)
    if name is None and source.mapping is not None:
        name = "agreements"
    if name is None:
        name = next((n for n, f in FORMATS.items() if f.sniff(source)), None)
    if name is None:
        raise InputError(_not_recognised(source))
    records = FORMATS[name].read(source)
    records.provenance["sources"] = [source.stamp(name, records)]
    return records


def _read_folder(path: Path, options: Options) -> Records:
    found, rest = [], []
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if tidy.sniff(entry):
                found.append(tidy.read(entry, skip=options.skip))
            continue
        known = entry.stat().st_size and any(f.sniff(Source.open(entry)) for f in FORMATS.values())
        if known:
            found.append(_read_file(entry, options))
        else:
            rest.append(entry.name)
    if not found:
        raise InputError(
            f"{path}: none of the {len(rest)} files in it is of a known format "
            f"({'; '.join(f.title for f in FORMATS.values())})."
        )
    records = reduce(add, found)
    records.provenance["unrecognised"] = rest
    return records


def _not_recognised(source: Source) -> str:
    known = "; ".join(f.title for f in FORMATS.values())
    if source.is_html:
        return (
            f"{source.name}: this is a web page, not data (a log-in or error page saved under this "
            "name?). Download the file again."
        )
    if source.is_graph:
        return (
            f"{source.name}: this is a graph file, not records. Open it with "
            "collabnet.read_graph(nodes, links)."
        )
    if source.columns:
        shown = ", ".join(source.columns[:8]) + (" …" if len(source.columns) > 8 else "")
        return (
            f"{source.name}: a table with columns no reader knows ({shown}). Known: {known}. "
            "For an agreement list of your own, say what its columns mean with --mapping FILE.toml."
        )
    return f"{source.name}: not recognised. Known formats: {known}."
