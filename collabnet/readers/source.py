"""A file to be read: its first bytes, its text whatever the packing, and its provenance."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from isal import igzip, isal_zlib

from collabnet import schema
from collabnet.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from collabnet.records import Records

HEAD = 1 << 16
EXPORTS = (".txt", ".ris", ".bib", ".xml", ".nbib", ".isi", ".tsv", ".jsonl")
LARGEST = {"zip": 4 << 30, "xlsx": 16 << 20}
"""Uncompressed bytes above which a packed file is taken for a bomb."""

STRANGE = re.compile("[\ufffd\x00-\x08\x0b\x0e-\x1f]")
"""What stands in no text."""

UNPACKING: Any = (
    *(OSError, NotImplementedError, UnicodeDecodeError),
    *(struct.error, zipfile.BadZipFile, zlib.error, isal_zlib.error),
)
"""What the standard library raises over a damaged packing."""

WIDEST, COLUMNS, REFUSED = 1_000_000, 10_000, 200_000
"""Delimiters in a line of works (thousands of authors have many); columns; rows of quarantine."""

FALLBACK = "collabnet-cp1252"
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "Int64": int,
    "Float64": (int, float),
    "boolean": bool,
}


@contextmanager
def within_memory(path: str | Path) -> Generator[None]:
    """Say in a sentence that a file is more than this machine can hold."""
    try:
        yield
    except (MemoryError, RecursionError):
        said = f"{Path(path).name}: it does not fit into memory, or is nested too deep. Cut it up."
        raise InputError(said) from None


class Format(NamedTuple):
    """A file format: what it is called, how it is recognised, and what reads it."""

    title: str
    sniff: Callable[[Source], bool]
    read: Callable[[Source], Records]


@dataclass
class Source:
    """A file as the readers see it.

    `packing` is one of "", "gzip", "zip", "xlsx"; `head` is its first text (of a zip: of the member
    that is read, named `inner` or chosen); `sheets` keeps what was read of a workbook: sniffing it
    costs as much as reading; `fault` says why it could not be looked into.
    """

    path: Path
    packing: str
    head: str
    encoding: str
    mapping: Path | None = None
    with_names: bool = False
    notes: dict[str, Any] = field(default_factory=dict)
    sheets: dict[str | None, Any] = field(default_factory=dict)
    fault: str = ""
    inner: str = ""
    refused: int = 0

    @classmethod
    def open(
        cls, path: Path, *, mapping: str | Path | None = None, with_names: bool = False
    ) -> Source:
        """Look at the first bytes of a file, or of one in a zip (`years.zip/2023.net`).

        Raises
        ------
        InputError
            The file is empty, unreadable, or its compression is broken from the start.
        """
        archive = None if path.exists() else next(filter(zipfile.is_zipfile, path.parents), path)
        inner = path.relative_to(archive).as_posix() if archive not in {None, path} else ""
        path = archive or path
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: a pipe or device cannot be read. Save it to a file first.")
        try:
            with path.open("rb") as file:
                magic = file.read(4)
        except OSError as error:
            raise InputError(f"{path.name}: cannot be read ({error.strerror}).") from None
        if not magic:
            raise InputError(f"{path.name}: the file is empty. Download or export it again.")
        packing = "gzip" if magic[:2] == b"\x1f\x8b" else ""
        if magic == b"PK\x03\x04":
            names = [member.filename for member in _members(path)]
            packing = "xlsx" if "[Content_Types].xml" in names else "zip"
        source = cls(path, packing, "", "utf-8", Path(mapping) if mapping else None, with_names)
        source.inner = inner
        if packing != "xlsx" and not (packing == "zip" and source.member() is None):
            with source.unpacked() as file:
                raw = file.read(HEAD)
            source.encoding = _encoding(raw)
            head = raw.decode(source.encoding, errors=_fallback()).lstrip("\ufeff")
            source.head = head if "\n" in head else head.replace("\r", "\n")
        return source

    @property
    def name(self) -> str:
        """Name of the file, without its folder."""
        return Path(self.inner or self.path).name

    @cached_property
    def is_text(self) -> bool:
        """Is the beginning readable text?"""
        return bool(self.head) and len(STRANGE.findall(self.head)) <= 1 + len(self.head) / 200

    @property
    def is_html(self) -> bool:
        """Is it a web page?"""
        return bool(re.match(r"\s*<(!doctype html|html)\b", self.head, re.IGNORECASE))

    @property
    def is_json(self) -> bool:
        """Does it look like JSON?"""
        return self.head.lstrip()[:1] in {"{", "["}

    @property
    def is_pajek(self) -> bool:
        """Is it a network, vector or partition of Pajek?"""
        first = r"% collabnet |(?:%[^\r\n]*+|\s)*+\*(?:network|vertices)\b"
        return bool(re.match(first, self.head, re.IGNORECASE))

    @property
    def graph_call(self) -> str:
        """The call that opens it, where it is a graph file or a zip of them; else nothing."""
        is_archive = self.packing == "zip" and not self.head
        inside = [f"{self.name}/{m.filename}" for m in _members(self.path)] if is_archive else []
        inner = [name for name in inside if name.lower().endswith((".gexf", ".graphml", ".net"))]
        name, pair = (inner or [self.name])[0], r"\d+([\t,; ])\d+(\1\d+(\.\d+)?)?\s"
        if re.match(pair, self.head):
            return f"read_graph(MAP, {name!r})"
        if self.is_pajek and name.lower().endswith((".clu", ".vec")):
            return f"read_graph(NETWORK, {name!r})"
        if {"id", "label"} <= set(self.columns):
            return f"read_graph({name!r}, NETWORK)"
        is_json = '"network"' in self.head and self.is_json
        is_xml = re.search(r"<(graphml|gexf)\b", self.head[:2000])
        return f"read_graph({name!r})" if inner or is_json or is_xml or self.is_pajek else ""

    @property
    def columns(self) -> list[str]:
        """Column names, where it is a delimited table with a header; else none."""
        if not self.is_text or self.is_json or self.head.lstrip().startswith("<"):
            return []
        line = self.head.splitlines()[0]
        names = next(csv.reader([line], delimiter=self.delimiter), [])
        return [name.strip() for name in names] if len(names) > 1 else []

    @property
    def delimiter(self) -> str:
        """The delimiter of a table: the commonest of `,`, `;`, tab and `|` in its first line."""
        line = self.head.splitlines()[0] if self.head else ""
        return max(",;\t|", key=line.count)

    @contextmanager
    def unpacked(self) -> Generator[IO[bytes]]:
        """Open the unpacked bytes; what is wrong with the packing is said in a sentence."""
        try:
            if self.packing == "gzip":
                with igzip.open(self.path) as file:
                    yield file
            elif self.packing == "zip":
                member = self.member()
                with zipfile.ZipFile(self.path) as archive, archive.open(member or "") as file:
                    yield file
            else:
                with self.path.open("rb") as file:
                    yield file
        except EOFError:
            raise InputError(
                f"{self.name}: the compressed file ends too early (an interrupted download?). "
                "Get it again."
            ) from None
        except UNPACKING as error:
            raise InputError(
                f"{self.name}: the compression is damaged or of a rare kind ({error}). Get the "
                "file again, or unpack it yourself."
            ) from None

    def member(self) -> str | None:
        """Name the member of a zip that is read: `organization.csv`, else the largest one."""
        every = {i.filename: i for i in _members(self.path)}
        if self.inner and self.inner not in every:
            raise UnknownNameError(f"file in {self.path.name}", self.inner, every)
        tables = [i for n, i in every.items() if n.lower().endswith((".json", ".csv"))]
        tables = tables or [i for n, i in every.items() if n.lower().endswith(EXPORTS)]
        data = [every[self.inner]] if self.inner else tables
        if not data:
            return None
        largest = max(data, key=lambda i: (i.filename.endswith("organization.csv"), i.file_size))
        if largest.flag_bits & 1:
            raise InputError(f"{self.name}: the zip asks for a password. Unpack it first.")
        if largest.file_size > LARGEST["zip"]:
            raise InputError(
                f"{self.name}: {largest.filename} would unpack to {largest.file_size >> 30} GiB; "
                "unpack it yourself if you trust it."
            )
        return largest.filename

    def unpacked_size(self) -> int:
        """Add up the sizes a zip or workbook states for its members."""
        return sum(member.file_size for member in _members(self.path))

    @contextmanager
    def text(self) -> Generator[io.TextIOWrapper]:
        """Open the unpacked text, its byte order mark taken off; bytes not in UTF-8 are cp1252."""
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        with self.unpacked() as file:
            yield io.TextIOWrapper(file, encoding=encoding, errors=_fallback(), newline="")

    def table(self) -> tuple[pd.DataFrame, list[dict[str, str]]]:
        """Read a delimited table as text.

        Returns
        -------
        The rows, indexed by their line, and the quarantine of lines with too few or too many
        columns.
        """
        rows, lines, refused = [], [], []
        with self.text() as file:
            reader = csv.reader(narrow(file), delimiter=self.delimiter)
            try:
                header = [name.strip() for name in next(reader, [])]
                for row in reader:
                    if len(row) == len(header):
                        rows.append(row)
                        lines.append(reader.line_num)
                    elif any(cell.strip() for cell in row):
                        reason = f"{len(row)} columns where the header has {len(header)}"
                        refused.append(self.refuse(f"line {reader.line_num}", reason))
            except csv.Error as error:
                raise InputError(
                    f"{self.name}, line {reader.line_num}: not a table ({error}). Export it again."
                ) from None
        return self.frame(rows, header, lines), refused

    def frame(self, rows: list[list[str]], header: list[str], places: list[int]) -> pd.DataFrame:
        """Return rows as a table of text, without the columns that have no name."""
        if len(header) > COLUMNS:
            raise InputError(f"{self.name}: {len(header):,} columns. Keep those of the template.")
        twice = sorted(name for name, n in Counter(header).items() if name and n > 1)
        if twice:
            raise InputError(
                f"{self.name}: two columns are named {twice[0]!r}. Rename one of them."
            )
        table = pd.DataFrame(rows, columns=header, index=places, dtype="string")
        return table.loc[:, [name != "" for name in header]]

    def refuse(self, place: str, reason: str) -> dict[str, str]:
        """Return a row of the quarantine, which has an end: what is all wrong is another format."""
        self.refused += 1
        if self.refused > REFUSED:
            said = f"{self.name}, {place}: {reason}; so were {REFUSED:,} before. Export it again."
            raise InputError(said)
        return {"file": self.name, "record": place, "reason": reason}

    def stamp(self, format_name: str, records: Records) -> dict[str, Any]:
        """Return the line of this source in the provenance."""
        quarantined = len(records.quarantine)
        kept = self.notes.get("kept", len(records.activities) or len(records.institutions))
        return {
            "file": self.name,
            "sha256": sha256(self.path),
            "format": format_name,
            "format_version": self.notes.get("version", "1"),
            "read": self.notes.get("read", kept + quarantined),
            "kept": kept,
            "quarantined": quarantined,
            "merged": self.notes.get("merged", 0),
            **{
                name: round(self.notes[name] / kept, 4) if kept else None
                for name in ("with_affiliation", "link_known")
                if name in self.notes
            },
            "ingested_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def narrow(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a table, if it is not too wide for memory."""
    for line in lines:
        if len(line) > WIDEST and max(map(line.count, ",;\t|")) > WIDEST:
            raise csv.Error(f"more than {WIDEST:,} columns")
        yield line


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def typed(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row read from JSON as it is, if its values are of the kinds the data model wants.

    Raises
    ------
    ValueError
        A value is of another kind; the message names it.
    """
    for column, (dtype, _) in schema.TABLES[table].items():
        value = row.get(column)
        fits = value is None or (
            isinstance(value, KINDS[dtype]) and isinstance(value, bool) == (dtype == "boolean")
        )
        if not fits or (dtype in {"Int64", "Float64"} and abs(value or 0) >= 2**63):
            raise ValueError(f"{column} is {str(value)[:40]!r}")
    return row


def _members(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (*UNPACKING, ValueError, OverflowError):
        raise InputError(
            f"{path.name}: a zip or Excel file that cannot be opened (cut short?). Get it again."
        ) from None


def _encoding(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = raw[:200:2], raw[1:200:2]
    for name, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.9 * len(zeros) and 0 not in letters:
            return name
    return "utf-8"


def _fallback() -> str:
    """Return the name of a way to decode: what is not UTF-8 is cp1252, byte by byte.

    Old Windows exports are, wholly or in the rows pasted into them; guessing once a file loses one
    half of a mixed one.
    """

    def decode(error: UnicodeError) -> tuple[str | bytes, int]:
        if not isinstance(error, UnicodeDecodeError) or not error.encoding.startswith("utf-8"):
            return codecs.replace_errors(error)
        return error.object[error.start : error.end].decode("cp1252", "replace"), error.end

    codecs.register_error(FALLBACK, decode)
    return FALLBACK
