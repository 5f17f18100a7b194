"""Settings: plain values, read at call time.

An argument wins over the environment (`COLLABNET_HOME`, `COLLABNET_MEMORY` …), that over the file
`collabnet.toml` of the folder one works in or of one above it, that over what stands here. What a
program sets here (`settings.HOME = …`) stays.

COUNTRIES
    Codes of countries counted under another, as {"HK": "CN", "MO": "CN"}. By default none is: Hong
    Kong, Macao, Taiwan, Western Sahara and Kosovo (XK) stand under their own codes. It holds for
    what is read off affiliations, and is stated in `provenance["resolution"]`.
HOME
    ROR id (nine characters, no prefix) of the institution the maps and partner tables are
    drawn around. The worked example is the University of Liège.
LANGUAGE
    Language of labels in figures and in the atlas, {"en", "fr"}.
MEMORY
    What DuckDB may use, such as "4GB"; beyond it spills to disk. None: 80 % of the machine.
PERSON_CAP
    At person level, works with more than this many persons are left out of the pairs (one work
    of 5,000 authors alone would make 12 million of them). What is left out is counted in the
    note of the result. Institutions and countries have no cap.
PERSON_NAME
    Name that tells authors apart where a source gives no identifier of theirs, {"full", "short"}:
    `Gilles, Hervé` or `Gilles, H`. It counts as it is written, but for dots and spaces.
REGION_FILE
    A TOML file with regions of your own; one named as a shipped one takes its place.
REGIONS
    Names of the regions shown by default, in the order in which they colour a map: an institution
    takes the colour of the first one it lies in.
SMALLEST
    The smallest number of persons shown of a mobility flow, or in a file of those behind a link;
    what is below is masked, and numbers of mobile persons are rounded to a multiple of it.
SPILL
    Folder for what does not fit in memory; None: that of the system for temporary files.
TABLES
    Whether Jupyter shows tables that have a note with it, for a reader; False: as pandas does.
TRUNCATED_AT
    Number of authorships at which the OpenAlex API cuts the author list of a work in a list answer.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from collabnet.errors import InputError, UnknownNameError

COUNTRIES: dict[str, str]
HOME: str
LANGUAGE: str
MEMORY: str | None
PERSON_CAP: int
PERSON_NAME: str
REGION_FILE: str | None
REGIONS: tuple[str, ...]
SMALLEST: int
SPILL: str | None
TABLES: bool
TRUNCATED_AT: int

FILE = "collabnet.toml"
USUAL = {
    "COUNTRIES": {},
    "HOME": "00afp2z80",
    "LANGUAGE": "en",
    "MEMORY": None,
    "PERSON_CAP": 100,
    "PERSON_NAME": "full",
    "REGION_FILE": None,
    "REGIONS": ("euregio-meuse-rhine", "grande-region", "maghreb", "central-africa"),
    "SMALLEST": 5,
    "SPILL": None,
    "TABLES": True,
    "TRUNCATED_AT": 100,
}
_WANTED = {int: "a whole number", tuple: "a list of names", dict: "pairs such as HK = CN"}
_WANTED[bool] = "true or false"


def __getattr__(name: str) -> Any:
    """Read the settings when one is asked for the first time."""
    if name not in USUAL:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    file = found()
    for key, value in (USUAL | (_of_file(file) if file else {}) | _of_environment()).items():
        globals().setdefault(key, value)
    return globals()[name]


def found() -> Path | None:
    """Return the file of settings that holds here, if there is one."""
    here = Path.cwd()
    return next((f for at in (here, *here.parents) if (f := at / FILE).is_file()), None)


def _of_file(file: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as settings in TOML ({error}).") from None
    found = {}
    for key, value in given.items():
        name = key.upper()
        if name not in USUAL:
            unknown = UnknownNameError("setting", key, map(str.lower, USUAL))
            raise InputError(f"{file}: {unknown}")
        checked = _checked(f"{file}: {key}", name, tuple(value) if type(value) is list else value)
        paths = name in {"REGION_FILE", "SPILL"}  # of the folder in which the file lies
        found[name] = str(file.parent / checked) if paths else checked
    return found


def _of_environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, usual in USUAL.items():
        if not (text := os.environ.get(f"COLLABNET_{name}", "").strip()):
            continue
        parts, value = [part.strip() for part in text.split(",")], text
        if isinstance(usual, dict):
            value = dict(part.split("=", 1) for part in parts if "=" in part)
        elif isinstance(usual, tuple):
            value = tuple(parts)
        elif isinstance(usual, bool) and text.lower() in {"true", "false"}:
            value = text.lower() == "true"
        elif isinstance(usual, int) and text.isdecimal():
            value = int(text)
        found[name] = _checked(f"COLLABNET_{name}", name, value)
    return found


def _checked(place: str, name: str, value: Any) -> Any:
    kind = type(USUAL[name] or "")
    texts = value if isinstance(value, tuple) else value.values() if type(value) is dict else ()
    if type(value) is not kind or not all(isinstance(text, str) for text in texts):
        wanted = _WANTED.get(kind, "a text")
        raise InputError(f"{place} is {value!r}, but {wanted} was expected.")
    return value.removeprefix("https://ror.org/") if name == "HOME" else value
