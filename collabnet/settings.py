"""Settings: plain values, read at call time.

An argument wins over the environment (`COLLABNET_MEMORY`, `COLLABNET_SPILL`), that over these.

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

COUNTRIES: dict[str, str] = {}
HOME: str = "00afp2z80"
LANGUAGE: str = "en"
MEMORY: str | None = None
PERSON_CAP: int = 100
PERSON_NAME: str = "full"
REGIONS: tuple[str, ...] = (
    "euregio-meuse-rhine",
    "grande-region",
    "maghreb",
    "central-africa",
)
SMALLEST: int = 5
SPILL: str | None = None
TABLES: bool = True
TRUNCATED_AT: int = 100
