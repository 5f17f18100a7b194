"""Settings: plain values, read at call time, overridden by arguments.

COUNTRIES
    Codes of countries counted under another, as {"HK": "CN", "MO": "CN"}. By default none is: Hong
    Kong, Macao, Taiwan, Western Sahara and Kosovo (XK) stand under their own codes. It holds for
    what is read off affiliations, and is stated in `provenance["resolution"]`.
HOME
    ROR id (nine characters, no prefix) of the institution the maps and partner tables are
    drawn around. The worked example is the University of Liège.
LANGUAGE
    Language of labels in figures and in the atlas, {"en", "fr"}.
PERSON_CAP
    At person level, works with more than this many persons are left out of the pairs (one work
    of 5,000 authors alone would make 12 million of them). What is left out is counted in the
    note of the result. Institutions and countries have no cap.
REGIONS
    Names of the regions shown by default, in the order in which they colour a map: an institution
    takes the colour of the first one it lies in.
SMALLEST
    The smallest number of persons shown of a mobility flow; what is below is masked.
TRUNCATED_AT
    Number of authorships at which the OpenAlex API cuts the author list of a work in a list answer.
"""

from __future__ import annotations

COUNTRIES: dict[str, str] = {}
HOME: str = "00afp2z80"
LANGUAGE: str = "en"
PERSON_CAP: int = 100
REGIONS: tuple[str, ...] = (
    "euregio-meuse-rhine",
    "grande-region",
    "maghreb",
    "central-africa",
)
SMALLEST: int = 5
TRUNCATED_AT: int = 100
