"""A file to be read: its first bytes, its text whatever the packing, and its provenance."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from collabnet.errors import InputError

if TYPE_CHECKING:
    from collabnet.records import Records

HEAD = 1 << 16
LARGEST = 4 << 30
"""Uncompressed bytes above which a packed file is taken for a bomb."""


@dataclass
class Source:
    """A file as the readers see it.

    `packing` is one of "", "gzip", "zip", "xlsx"; `head` is its first text (of a zip: of its first
    member that is not a folder); `columns` are those of a delimited table.
    """

    path: Path
    packing: str
    head: str
    encoding: str
    mapping: Path | None = None
    with_names: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(
        cls, path: Path, *, mapping: str | Path | None = None, with_names: bool = False
    ) -> Source:
        """Look at the first bytes of a file.

        Raises
        ------
        InputError
            The file is empty, unreadable, or its compression is broken from the start.
        """
        try:
            with path.open("rb") as file:
                magic = file.read(4)
        except OSError as error:
            raise InputError(f"{path.name}: cannot be read ({error.strerror}).") from None
        if not magic:
            raise InputError(f"{path.name}: the file is empty. Download or export it again.")
        packing = "gzip" if magic[:2] == b"\x1f\x8b" else ""
        if magic == b"PK\x03\x04":
            packing = "xlsx" if "[Content_Types].xml" in _members(path) else "zip"
        source = cls(path, packing, "", "utf-8", Path(mapping) if mapping else None, with_names)
        if packing != "xlsx":
            with source.unpacked() as file:
                raw = file.read(HEAD)
            source.encoding = _encoding(raw)
            source.head = raw.decode(source.encoding, errors="replace").lstrip("\ufeff")
        return source

    @property
    def name(self) -> str:
        """Name of the file, without its folder."""
        return self.path.name

    @property
    def is_text(self) -> bool:
        """Is the beginning readable text?"""
        strange = sum(c == "\ufffd" or (c < " " and c not in "\t\r\n\f") for c in self.head)
        return bool(self.head) and strange <= len(self.head) / 200

    @property
    def is_html(self) -> bool:
        """Is it a web page?"""
        return bool(re.match(r"\s*<(!doctype html|html)\b", self.head, re.IGNORECASE))

    @property
    def is_json(self) -> bool:
        """Does it look like JSON?"""
        return self.head.lstrip()[:1] in {"{", "["}

    @property
    def is_graph(self) -> bool:
        """Is it a graph file that `read_graph` opens?"""
        first = set(self.columns)
        return (
            {"id", "label"} <= first
            or ('"network"' in self.head and self.is_json)
            or bool(re.search(r"<(graphml|gexf)\b", self.head[:2000]))
        )

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
                with gzip.open(self.path) as file:
                    yield file  # ty: ignore[invalid-yield]
            elif self.packing == "zip":
                member = self.member()
                with zipfile.ZipFile(self.path) as archive, archive.open(member) as file:
                    yield file
            else:
                with self.path.open("rb") as file:
                    yield file
        except EOFError:
            raise InputError(
                f"{self.name}: the compressed file ends too early (an interrupted download?). "
                "Get it again."
            ) from None
        except (gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as error:
            raise InputError(
                f"{self.name}: the compression is damaged ({error}). Get the file again."
            ) from None

    def member(self) -> str:
        """Name the member of a zip that is read: the largest JSON or CSV one."""
        with zipfile.ZipFile(self.path) as archive:
            data = [i for i in archive.infolist() if i.filename.lower().endswith((".json", ".csv"))]
        if not data:
            raise InputError(f"{self.name}: a zip without any .json or .csv file in it.")
        largest = max(data, key=lambda info: info.file_size)
        if largest.file_size > LARGEST:
            raise InputError(
                f"{self.name}: {largest.filename} would unpack to {largest.file_size >> 30} GiB; "
                "unpack it yourself if you trust it."
            )
        return largest.filename

    @contextmanager
    def text(self) -> Generator[io.TextIOWrapper]:
        """Open the unpacked text, its byte order mark taken off, characters not in it replaced."""
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        with self.unpacked() as file:
            yield io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")

    def table(self) -> tuple[pd.DataFrame, list[dict[str, str]]]:
        """Read a delimited table as text.

        Returns
        -------
        The rows, with their `line`, and the quarantine of lines with too few or too many columns.
        """
        rows, refused = [], []
        with self.text() as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            try:
                header = [name.strip() for name in next(reader)]
                for row in reader:
                    if len(row) == len(header):
                        rows.append([*row, str(reader.line_num)])
                    elif any(cell.strip() for cell in row):
                        reason = f"{len(row)} columns where the header has {len(header)}"
                        refused.append(self.refuse(f"line {reader.line_num}", reason))
            except csv.Error as error:
                raise InputError(
                    f"{self.name}, line {reader.line_num}: not a table ({error})."
                ) from None
        return pd.DataFrame(rows, columns=[*header, "line"], dtype="string"), refused

    def refuse(self, place: str, reason: str) -> dict[str, str]:
        """Return a row of the quarantine."""
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
            "ingested_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except zipfile.BadZipFile:
        raise InputError(
            f"{path.name}: a zip or Excel file that cannot be opened (cut short?). Get it again."
        ) from None


def _encoding(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
