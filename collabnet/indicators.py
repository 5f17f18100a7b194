"""What units produced, and how much of it with whom and how far away: one row a unit.

Every docstring gives the formula and its source; `docs/indicators.md` has them all on one page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine
from collabnet.counting import distinct
from collabnet.errors import UnknownNameError
from collabnet.geo import distance_km
from collabnet.parties import Years, dated, join_key, overlapping, stamp, with_note
from collabnet.records import Records

OUTPUT_COUNTS = ("full", "fractional", "organisation")
SHORT_KM, LONG_KM = 100, 5000
# fmt: off
TYPES = {
    "scival": ["international", "national", "institutional", "single"],
    "incites": ["quadrilateral", "trilateral", "bilateral", "domestic_multi", "domestic_single"],
}
SHARES = {
    "pp_collab": ("collab", "output"), "pp_int_collab": ("int_collab", "output"),
    "mcp_ratio": ("mcp", "output"), "pp_industry": ("industry", "output"),
    "pp_short": ("short", "output"), "pp_long": ("long", "output"),
    "mgcd": ("km", "distance_n"), "mgcd_collab": ("km", "distance_collab_n"),
}
SHOWN = ["output", "collab", "int_collab", "pp_collab", "pp_int_collab", "scp", "mcp", "mcp_ratio",
         "industry", "pp_industry", "industry_n", "pp_short", "pp_long", "mgcd", "mgcd_collab",
         "distance_n", "distance_collab_n"]
# fmt: on
TOLD = {"pp_industry": "industry_n", "pp_short": "distance_n", "pp_long": "distance_n"}
CELLS = 1 << 22
"""Pairs of institutions whose distance is compared at a time."""
NONE = "No {} with a known {} is in these records and years."


def output(
    records: Records,
    kind: str = "work",
    *,
    level: Literal["institution", "country"] = "institution",
    count: Literal["full", "fractional", "organisation"] = "full",
    years: Years | None = None,
) -> pd.DataFrame:
    """Count what each institution or country produced.

    Parameters
    ----------
    records
        What was done together.
    kind, years
        As in `edges`.
    level
        {"institution", "country"}.
    count
        {"full", "fractional", "organisation"}. Full: 1 per unit and activity. Fractional: 1/authors
        · 1/affiliations of that author, which sums to 1 an activity where every author has an
        affiliation; what is missing is `without_unit` in the note. Organisation: 1/distinct units.

    Returns
    -------
    `unit, output`, the largest first.

    Raises
    ------
    UnknownNameError
        A kind, level or counting that is not known.
    CollabnetError
        Years the wrong way round.

    References
    ----------
    Waltman & van Eck 2015, J. Informetrics 9(4) 872-894, for author-level fractions.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1"], "kind": ["work"]})
    >>> authors = pd.DataFrame({"activity_id": "p1", "institution_id": ["L", "M"]})
    >>> records = Records({"activities": works, "participants": authors})
    >>> output(records, count="fractional").output.tolist()
    [0.5, 0.5]
    """
    unit = _column(level)
    if count not in OUTPUT_COUNTS:
        raise UnknownNameError("counting", count, OUTPUT_COUNTS)
    acts = overlapping(dated(records, kind), years)
    rows = _authorships(records, acts)
    named = rows.filter(~nw.col(unit).is_null())
    if count == "fractional" and level == "institution" and "weight" in _names(rows):
        shares, credit = named, nw.col("weight")
    elif count == "fractional":
        authors = rows.group_by("activity", "author").agg(rows=nw.len())
        authors = authors.group_by("activity").agg(authors=nw.len())
        ties = named.group_by("activity", "author").agg(ties=nw.len())
        credit = 1.0 / (nw.col("authors") * nw.col("ties"))
        shares = named.join(authors, on="activity").join(ties, on=["activity", "author"])
    else:
        named = named.group_by("activity", unit).agg(rows=nw.len())
        sizes = named.group_by("activity").agg(n=nw.len())
        credit = 1.0 / nw.col("n") if count == "organisation" else nw.lit(1.0)
        shares = named.join(sizes, on="activity")
    shares = shares.with_columns(credit=credit).group_by(unit).agg(nw.col("credit").sum())
    table = engine.collect(shares.rename({unit: "unit", "credit": "output"}))
    table = ranked(table.astype({"output": "float64"}), "output", "unit")
    note = noted(records, kind, years, what="output", level=level, count=count)
    table = with_note(table, note, NONE.format(kind, level))
    if count == "fractional":
        missing = table.attrs["note"]["activities"] - float(table["output"].sum())
        table.attrs["note"]["without_unit"] = round(missing, 9)
    return table


def collaboration(
    records: Records,
    kind: str = "work",
    *,
    level: Literal["institution", "country"] = "institution",
    years: Years | None = None,
    by: Literal["participation", "corresponding"] = "participation",
    countries: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return how much of the output of each unit was made with others, abroad, and how far away.

    Parameters
    ----------
    records
        What was done together.
    kind, level, years
        As in `output`.
    by
        {"participation", "corresponding"}. Corresponding: a unit has the works of which one of its
        authors is a corresponding author, as bibliometrix has it. The note counts the works
        whose source names none of a known unit. OpenAlex took the first author for it, by default,
        before 2026-06-25: what was fetched before and after cannot be compared.
    countries
        Codes of countries counted under another. `{"HK": "CN", "MO": "CN"}` is the rule of the
        Leiden Ranking; by default every code is a country.

    Returns
    -------
    One row a unit, the largest output first, in full counting. `output`; `collab, int_collab`, of
    more than one institution or country, and of more than one country; `pp_collab, pp_int_collab`,
    shares 0 to 1; `scp, mcp, mcp_ratio`, single- and multiple-country publications. `industry,
    pp_industry`: an institution of type company took part. `pp_short, pp_long`: collaborative and
    no two institutions further apart than 100 km; collaborative and two of them at 5,000 km or
    more. These three are shares of the output, as in the Leiden Ranking; `industry_n` and
    `distance_n` say of how many works they can be told, and where of none, they are empty. `mgcd,
    mgcd_collab`: mean of the largest distance between two institutions of a work, in km, over the
    `distance_n` works, or the `distance_collab_n` collaborative ones, of which it can be told: a
    work of one institution has 0 km, others need the place of each address.

    Raises
    ------
    UnknownNameError, CollabnetError
        As in `output`, or a `by` that is neither of the two.

    References
    ----------
    CWTS Leiden Ranking Open Edition, information on indicators: PP(collab), PP(int collab),
    PP(industry), PP(<100 km), PP(>5000 km); Waltman, Tijssen & van Eck 2011, J. Informetrics 5(4)
    574-582 (mean geographical collaboration distance); Aria & Cuccurullo 2017, J. Informetrics
    11(4) 959-975 (SCP and MCP by corresponding author).

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1"], "kind": ["work"]})
    >>> authors = pd.DataFrame({"activity_id": "p1", "institution_id": ["L", "M"]})
    >>> authors["country"] = ["BE", "NL"]
    >>> collaboration(Records({"activities": works, "participants": authors})).mcp_ratio.tolist()
    [1.0, 1.0]
    """
    if by not in ("participation", "corresponding"):
        raise UnknownNameError("way to attribute", by, ("participation", "corresponding"))
    found = signed(records, kind, level=level, years=years, countries=countries)
    leads = found.rows[found.rows["corresponding"] == 1].dropna(subset="unit")
    units = _once(leads if by == "corresponding" else found.rows)
    each = found.works.loc[units["activity"]].set_axis(units["unit"], axis="index")
    far = each["collab"] & each["placed"]
    counts = {
        "output": True,
        "scp": ~each["int_collab"],
        "mcp": each["int_collab"],
        "industry_n": each["typed"],
        "distance_n": each["placed"],
        "distance_collab_n": far,
        "short": far & (each["km"] <= SHORT_KM),
        "long": far & (each["km"] >= LONG_KM),
    }
    each = each.assign(**counts, km=each["km"].where(each["placed"], 0))
    sums = each.drop(columns="key").groupby(level="unit").sum()
    sums = sums.astype(dict.fromkeys(sums.columns.drop("km"), "int64"))
    sums = sums.assign(**{name: sums[part] / sums[of] for name, (part, of) in SHARES.items()})
    for name, told in TOLD.items():  # where nothing can be told, there is no share either
        sums[name] = sums[name].mask(sums[told] == 0)
    table = ranked(sums[SHOWN].reset_index(), "output", "unit")
    table = with_note(
        table, found.note | {"what": "collaboration", "by": by}, NONE.format(kind, level)
    )
    if by == "corresponding":
        without = len(found.works) - leads["activity"].nunique()
        table.attrs["note"]["without_corresponding"] = without
    return table


def collaboration_types(
    records: Records,
    kind: str = "work",
    *,
    scheme: Literal["scival", "incites"] = "scival",
    level: Literal["institution", "country"] = "institution",
    years: Years | None = None,
    countries: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Sort the output of each unit into types of collaboration that exclude each other.

    Parameters
    ----------
    records
        What was done together.
    kind, level, years, countries
        As in `collaboration`.
    scheme
        {"scival", "incites"}. SciVal, the first that holds: `international`, more than one country;
        `national`, more than one institution; `institutional`, more than one author; `single`.
        InCites: `domestic_single` and `domestic_multi`, one country and one or more institutions;
        `bilateral`, `trilateral`, `quadrilateral`: two, three, four or more countries.

    Returns
    -------
    `unit, output`, a column for each type, in works; they add up to the output. A work of which no
    country is known counts as of one country. One author who signs for two countries makes a work
    international.

    Raises
    ------
    UnknownNameError, CollabnetError
        As in `collaboration`, or a scheme that is neither of the two.

    References
    ----------
    Elsevier, Research Metrics Guidebook (SciVal, collaboration); Potter, Szomszor & Adams 2020,
    J. Informetrics 14(4) 101075 (Collab-CNCI, the types of InCites).

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("LML")})
    >>> collaboration_types(Records({"activities": works, "participants": authors})).head(1)
      unit  output  international  national  institutional  single
    0    L       2              0         1              0       1
    """
    if scheme not in TYPES:
        raise UnknownNameError("scheme", scheme, TYPES)
    found = signed(records, kind, level=level, years=years, countries=countries)
    units = _once(found.rows)
    kinds = units["activity"].map(types_of(found.works, scheme))
    each = pd.crosstab(units["unit"], kinds).astype("int64")
    table = each.reindex(columns=TYPES[scheme], fill_value=0).rename_axis(columns=None)
    table.insert(0, "output", table.sum(axis=1))
    table = ranked(table.reset_index(), "output", "unit")
    note = found.note | {"what": "collaboration types", "scheme": scheme}
    return with_note(table, note, NONE.format(kind, level))


def types_of(works: pd.DataFrame, scheme: str) -> pd.Series:
    """Return the type of each of the works of `signed`."""
    lands, houses, authors = (works[c] for c in ("countries", "institutions", "authors"))
    tests = {
        "scival": [lands > 1, houses > 1, authors > 1],
        "incites": [lands > 3, lands == 3, lands == 2, houses > 1],
    }
    *names, last = TYPES[scheme]
    return pd.Series(np.select(tests[scheme], names, last), works.index)


class Signed(NamedTuple):
    """Who signed what: `rows` (activity, unit, corresponding) and a row of facts for each work."""

    rows: pd.DataFrame
    works: pd.DataFrame
    note: dict[str, Any]


def signed(
    records: Records,
    kind: str,
    *,
    level: str,
    years: Years | None,
    countries: Mapping[str, str] | None,
) -> Signed:
    """Return the facts of each work: institutions, countries, authors, industry, distance.

    `activity` is a number here, in the order of `works.key`, which is what `join_key` names.
    """
    unit = _column(level)
    acts = overlapping(dated(records, kind), years)
    people = _authorships(records, acts)
    each = people.group_by("activity", "institution_id", "country")
    rows = engine.collect(each.agg(nw.col("corresponding").max()).sort("activity"))
    authors = people.group_by("activity", "author").agg(rows=nw.len())
    authors = authors.group_by("activity").agg(counted=nw.len())
    stated = acts.select("activity", "authors_count")
    authors = engine.collect(authors.join(stated, on="activity")).set_index("activity")
    activity, key = pd.factorize(rows["activity"])
    house, ids = pd.factorize(rows["institution_id"].astype("string"))
    land, lands = pd.factorize(rows["country"].astype("string").replace(dict(countries or {})))
    works = pd.DataFrame({"key": key})
    for name, codes in {"institutions": house, "countries": land}.items():
        known = codes >= 0
        several, _ = distinct(activity[known], codes[known])
        there = np.bincount(activity[known], minlength=len(key)) > 0
        works[name] = np.maximum(np.bincount(several.activity, minlength=len(key)), there)
    works["authors"] = authors.max(axis=1).reindex(key).to_numpy("int64", na_value=0)
    works["int_collab"] = works["countries"] > 1
    works["collab"] = works["int_collab"] | (works["institutions"] > 1)
    facts = records.institutions.set_index("institution_id").reindex(ids)
    lat, lon = (facts[c].to_numpy("float64", na_value=np.nan) for c in ("lat", "lon"))
    # The last stands for an address whose institution is not known: neither type nor place.
    placed = np.append(~np.isnan(lat + lon), False)
    typed = np.append(facts["type"].notna().to_numpy(bool), False)
    company = np.append((facts["type"] == "company").to_numpy(bool, na_value=False), False)
    addressed = (house >= 0) | (land >= 0)

    def any_(holds: np.ndarray) -> np.ndarray:
        return np.bincount(activity[holds], minlength=len(key)) > 0

    works["industry"] = any_(company[house])
    works["typed"] = works["industry"] | ~any_(addressed & ~typed[house])
    whole = ~any_(addressed & ~placed[house])
    works["placed"] = whole | ~works["collab"]
    mine = whole[activity] & (house >= 0)
    works["km"] = _span_km(activity[mine], house[mine], lat, lon, len(key))
    codes, names = (house, ids) if unit == "institution_id" else (land, lands)
    named = pd.array(names, dtype="string").take(codes, allow_fill=True)
    known = {"activity": activity, "unit": named, "corresponding": rows["corresponding"]}
    own = dict(countries or {}) or None
    note = noted(records, kind, years, level=level, count="full", countries=own)
    return Signed(pd.DataFrame(known), works, note)


def noted(records: Records, kind: str, years: Years | None, **more: Any) -> dict[str, Any]:
    """Return the note every indicator carries."""
    told = stamp(records, kind, years)
    more |= {"kind": kind, "years": years, "activities": told["population"]["activities"]}
    return more | told


def ranked(table: pd.DataFrame, by: str, name: str) -> pd.DataFrame:
    """Return a table with the largest first, then by name; counts are plain whole numbers."""
    counts = dict.fromkeys(table.select_dtypes("Int64"), "int64")
    table = table.astype({name: "string", **counts})
    return table.sort_values([by, name], ascending=[False, True], ignore_index=True)


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["activity", "unit"]].dropna().drop_duplicates()


def _names(frame: nw.LazyFrame) -> list[str]:
    return frame.collect_schema().names()


def _column(level: str) -> str:
    unit = {"institution": "institution_id", "country": "country"}.get(level)
    if unit is None:
        raise UnknownNameError("level", level, ("institution", "country"))
    return unit


def _span_km(
    activity: np.ndarray, house: np.ndarray, lat: np.ndarray, lon: np.ndarray, many: int
) -> np.ndarray:
    """Return the largest distance between two institutions of each activity."""
    # All of one size at a time; the pair furthest apart has the smallest product of its vectors.
    km, (rows, _) = np.zeros(many), distinct(activity, house)
    phi, lam = np.radians(lat), np.radians(lon)
    spots = np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    for n in np.unique(rows.n):
        bodies = rows.unit[rows.n == n].reshape(-1, n)
        which = rows.activity[rows.n == n][::n]
        for low in range(0, len(which), step := max(1, CELLS // int(n) ** 2)):
            part = bodies[low : low + step]
            products = spots[part] @ spots[part].transpose(0, 2, 1)
            at = products.reshape(len(part), -1).argmin(axis=1)
            line = np.arange(len(part))
            a, b = part[line, at // n], part[line, at % n]
            km[which[low : low + step]] = distance_km(lat[a], lon[a], lat[b], lon[b])
    return km


def _authorships(records: Records, acts: nw.LazyFrame) -> nw.LazyFrame:
    """Return (activity, author, institution_id, country), once each, and whether corresponding.

    An author is told by his place in the list; an organisation that signs for itself is its own.
    `weight` is there where `unify` has shared the works out.
    """
    author = nw.coalesce(
        nw.col("position").cast(nw.String),
        nw.col("person_id"),
        nw.col("institution_id"),
        nw.col("country"),
        nw.lit(""),
    )
    people = records.lazy("participants")
    weighed = ["weight"] if "weight" in _names(people) else []
    rows = people.select(
        nw.col(join_key(records)).alias("activity"),
        author.alias("author"),
        "institution_id",
        "country",
        nw.col("corresponding").cast(nw.Int64),
        *weighed,
    ).join(acts.select("activity"), on="activity")
    return rows.group_by("activity", "author", "institution_id", "country").agg(
        nw.col("corresponding").max(), *(nw.col(name).sum() for name in weighed)
    )
