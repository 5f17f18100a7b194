"""Readers: any source an analyst has → Records. `read` sniffs the content, not the extension.

One file a format. A format is one entry of `FORMATS`: how to recognise it from its first bytes, and
the function that reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from os import walk
from pathlib import Path
from typing import Any, NamedTuple

from collabnet.errors import InputError, SchemaError, UnknownNameError
from collabnet.folders import PROVENANCE, put_back
from collabnet.pool import uncollected
from collabnet.readers import (
    agreements,
    bibtex,
    cordis,
    documents,
    erasmus,
    ewp,
    interreg,
    openalex,
    registries,
    ror,
    tables,
    tagged,
    tidy,
)
from collabnet.readers.source import Format, Source, sha256, within_memory
from collabnet.records import Records, joined, read_store


class Options(NamedTuple):
    """How to read; the fields are the arguments of `read_all`."""

    format: str | None = None
    mapping: str | Path | None = None
    with_names: bool = False
    skip: frozenset[str] = frozenset()


FORMATS: dict[str, Format] = {
    "institutions": Format(
        "OpenAlex institutions (JSON, CSV)", registries.sniff_openalex, registries.read_openalex
    ),
    "openalex": Format("OpenAlex works (JSON, JSON Lines)", openalex.sniff, openalex.read),
    "cordis": Format("CORDIS projects (CSV, zip, folder)", cordis.sniff, cordis.read),
    "agreements": Format("agreement template (CSV, XLSX)", agreements.sniff, agreements.read),
    "ewp": Format("Erasmus Without Paper (XML)", ewp.sniff, ewp.read),
    "erasmus": Format("Erasmus+ mobility (CSV)", erasmus.sniff, erasmus.read),
    "erasmus-projects": Format(
        "Erasmus+ project results (XLSX, CSV)", erasmus.sniff_projects, erasmus.read_projects
    ),
    "interreg": Format("Interreg partners (JSON)", interreg.sniff, interreg.read),
    "eche": Format(
        "list of Erasmus charters (XLSX, CSV)", registries.sniff_charters, registries.read_charters
    ),
    "ror": Format("ROR registry, schema v1 or v2 (JSON, zip)", ror.sniff, ror.read),
    **tables.FORMATS,
    **tagged.FORMATS,
    **documents.FORMATS,
    **bibtex.FORMATS,
}
"""Formats by name, in the order in which they are tried."""


def read(
    path: str | Path,
    *,
    format: str | None = None,
    mapping: str | Path | None = None,
    with_names: bool = False,
    session: Any = None,
) -> Records:
    """Read a file, a folder or a store, whatever it holds.

    A store and our own tidy folder (`activities.csv`, `participants.csv` …) are opened as such. Of
    any other folder every file that is recognised is read, sub-folders too but for stores, and the
    rest is listed under `unrecognised` in the provenance. A file that stands there twice is read
    once.

    Parameters
    ----------
    path
        File or folder.
    format
        Name of the format, where it should not be sniffed: one of `readers.FORMATS`.
    mapping
        TOML file that maps the columns of an agreement list to the template; see `docs/formats.md`.
        It is used for what is of no format known.
    with_names
        Keep names of persons (table `persons`). They are left out unless asked for.
    session
        A `pyspark.sql.SparkSession`, on which a store is opened and counted; DuckDB by default.

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
    >>> from importlib.resources import files
    >>> len(read(files("collabnet") / "data" / "agreement_template.csv").activities)
    2
    """
    if session is not None:
        return read_store(path, session=session)
    options = _options(format, mapping, with_names)
    with within_memory(path):
        return _read(Path(path), options)


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
    return _join(map(Path, paths), _options(format, mapping, with_names), skip)


def _options(format: str | None, mapping: str | Path | None, with_names: bool) -> Options:
    """Check the options before anything is read."""
    if format is not None and format not in FORMATS:
        raise UnknownNameError("format", format, FORMATS)
    if mapping is not None:
        agreements.load_mapping(Path(mapping))
    return Options(format, mapping, with_names)


def _join(paths: Iterable[Path], options: Options, skip: Collection[str]) -> Records:
    """Read one path after the other, each file once."""
    readings: list[Records] = []
    known, rest = set(skip), []
    for path in paths:
        with within_memory(path):
            fresh = _read(path, options._replace(skip=frozenset(known)))
        known |= {source["sha256"] for source in fresh.provenance["sources"]}
        rest += fresh.provenance.pop("unrecognised", [])
        readings.append(fresh)
    records = joined([Records({}), *readings]) if readings else Records({})
    if rest:
        records.provenance["unrecognised"] = list(dict.fromkeys(rest))
    return records


def _read(path: Path, options: Options) -> Records:
    put_back(path.absolute())
    if not path.exists():
        raise InputError(f"{path}: no such file or folder. Check the path.")
    if not path.is_dir():
        return _read_file(path, options)
    if (path / PROVENANCE).exists():
        store = read_store(path)
        known = {source["sha256"] for source in store.provenance["sources"]}
        return Records({}) if known and known <= options.skip else store
    if tidy.sniff(path):
        return tidy.read(path, with_names=options.with_names, skip=options.skip)
    return _read_folder(path, options)


def _read_file(path: Path, options: Options) -> Records:
    if options.skip and sha256(path) in options.skip:
        return Records({})
    source = Source.open(path, mapping=options.mapping, with_names=options.with_names)
    name = options.format or _sniff(source) or ("agreements" if source.mapping else None)
    if name is None:
        raise InputError(_not_recognised(source))
    try:
        with uncollected():
            records = FORMATS[name].read(source)
    except SchemaError as error:
        raise InputError(f"{source.name}: {error} Correct the file, or export it again.") from None
    except (AttributeError, LookupError, TypeError):
        if not options.format:
            raise
        raise InputError(f"{source.name}: not built like {name}. Leave --format out.") from None
    records.provenance["sources"] = [source.stamp(name, records)]
    return records


def _sniff(source: Source) -> str | None:
    return next((name for name, known in FORMATS.items() if known.sniff(source)), None)


def _read_folder(path: Path, options: Options) -> Records:
    found: list[Path] = []
    rest: list[str] = []
    for name, folders, files in walk(path):
        folder = Path(name)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        if folder != path and (folder / PROVENANCE).exists():
            folders.clear()
            rest.append(folder.relative_to(path).as_posix())
        elif folder != path and tidy.sniff(folder):
            folders.clear()
            found.append(folder)
        else:
            together = cordis.companions(folder)
            shown = sorted(file for file in files if not file.startswith("."))
            entries = [folder / file for file in shown if file not in together]
            known = [entry for entry in entries if _is_known(entry, options)]
            found += known
            rest += [e.relative_to(path).as_posix() for e in entries if e not in known]
    if not found:
        raise InputError(
            f"{path}: none of the {len(rest)} files in it is of a known format "
            f"({'; '.join(f.title for f in FORMATS.values())}). Name another folder."
        )
    records = _join(found, options, options.skip)
    records.provenance["unrecognised"] = rest
    return records


def _is_known(path: Path, options: Options) -> bool:
    if not path.is_file() or not path.stat().st_size:
        return False
    return _sniff(Source.open(path, mapping=options.mapping)) is not None


def _not_recognised(source: Source) -> str:
    known = "; ".join(f.title for f in FORMATS.values())
    mapped = (
        "For an agreement list of your own, say what its columns mean with --mapping FILE.toml."
    )
    if source.is_html:
        reason = (
            "this is a web page, not data (a log-in or error page saved under this name?). "
            "Download the file again."
        )
    elif source.graph_call:
        reason = f"graphs, not records. Open one with collabnet.{source.graph_call}."
    elif source.columns:
        shown = ", ".join(source.columns[:8]) + (" …" if len(source.columns) > 8 else "")
        reason = f"a table with columns no reader knows ({shown[:300]}). Known: {known}. {mapped}"
    elif source.fault:
        reason = source.fault
    elif source.packing == "xlsx":
        reason = f"its first sheet has no header row with agreement_id and partner. {mapped}"
    elif source.packing == "zip" and not source.head:
        reason = "a zip without any .json or .csv file in it. Unpack it and name the file."
    elif source.path.suffix.lower() in {".xlsx", ".xlsm"}:
        reason = "not an Excel workbook, in spite of its name. Save it again as .xlsx."
    elif not source.is_text:
        reason = f"neither text nor a workbook. Export it as one of these: {known}."
    else:
        reason = f"text of no format known. Export it as one of these: {known}."
    return f"{source.name}: {reason}"
