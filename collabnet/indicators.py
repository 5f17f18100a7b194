"""Indicators of output and collaboration: tables in, tables out, one function each.

Every docstring gives the formula and its source. Counting schemes are those of `links`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine, settings
from collabnet.errors import UnknownNameError
from collabnet.parties import Years, dated, join_key, overlapping, stamp
from collabnet.records import Records
from collabnet.regions import memberships

OUTPUT_COUNTS = ("full", "fractional", "organisation")


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
    unit = {"institution": "institution_id", "country": "country"}.get(level)
    if unit is None:
        raise UnknownNameError("level", level, ("institution", "country"))
    if count not in OUTPUT_COUNTS:
        raise UnknownNameError("counting", count, OUTPUT_COUNTS)
    acts = overlapping(dated(records, kind), years)
    rows = _authorships(records, acts)
    named = rows.filter(~nw.col(unit).is_null())
    if count == "fractional":
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
    table["output"] = table["output"].astype("float64")
    table = table.sort_values(["output", "unit"], ascending=[False, True], ignore_index=True)
    total = int(engine.collect(acts.select(n=nw.len())).n[0])
    note: dict[str, object] = {
        "what": "output",
        "kind": kind,
        "level": level,
        "count": count,
        "years": years,
        "activities": total,
        **stamp(records, kind, years),
    }
    if count == "fractional":
        note["without_unit"] = round(total - float(table["output"].sum()), 9)
    table.attrs["note"] = note
    return table


def strengths(edges: pd.DataFrame) -> pd.DataFrame:
    """Return how many partners each node has and how strongly it is linked.

    Parameters
    ----------
    edges
        An edge table.

    Returns
    -------
    `unit, links, strength`: number of partners (degree) and sum of the weights of its links, the
    strongest first. With fractional counting the strength is the number of joint activities.

    References
    ----------
    Newman 2001, Physical Review E 64, 016132; Perianes-Rodríguez, Waltman & van Eck 2016,
    J. Informetrics 10(4) 1178-1195.

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [2.0]})
    >>> strengths(links).strength.tolist()
    [2.0, 2.0]
    """
    ends = pd.concat(
        [
            edges[["source", "weight"]].set_axis(["unit", "weight"], axis=1),
            edges[["target", "weight"]].set_axis(["unit", "weight"], axis=1),
        ]
    )
    table = ends.groupby("unit", as_index=False).agg(
        links=("weight", "size"), strength=("weight", "sum")
    )
    table = table.sort_values(["strength", "unit"], ascending=[False, True], ignore_index=True)
    table.attrs["note"] = {**edges.attrs.get("note", {}), "what": "strengths"}
    return table


def similarities(edges: pd.DataFrame, outputs: pd.DataFrame) -> pd.DataFrame:
    """Return each link relative to the size of its two ends.

    Parameters
    ----------
    edges
        An edge table; its weight is c, and k the strength of a node.
    outputs
        A table of `output` in full counting: n.

    Returns
    -------
    `edges` with the columns `salton` c/√(n₁n₂), `jaccard` c/(n₁+n₂-c), `association` c/(n₁n₂) and
    `affinity` 2m·c/(k₁k₂), where m is the sum of all weights; an affinity of 1 is what two nodes of
    that strength would have by chance. `affinity` is the probabilistic affinity index (PAI), and
    the association strength by link strengths of VOSviewer, which are one formula.

    References
    ----------
    Salton & McGill 1983; van Eck & Waltman 2009, JASIST 60(8) 1635-1651 (association strength);
    Zitt, Bassecoulard & Okubo 2000, Scientometrics 47(3) 627-657 (PAI).

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.0]})
    >>> size = pd.DataFrame({"unit": ["A", "B"], "output": [1.0, 4.0]})
    >>> similarities(links, size)[["salton", "jaccard", "association"]].values.tolist()
    [[0.5, 0.25, 0.25]]
    """
    size = outputs.set_index("unit")["output"]
    strength = strengths(edges).set_index("unit")["strength"]
    c = edges["weight"]
    n1, n2 = (edges[end].map(size).astype(float) for end in ("source", "target"))
    k1, k2 = (edges[end].map(strength).astype(float) for end in ("source", "target"))
    table = edges.assign(
        salton=c / np.sqrt(n1 * n2),
        jaccard=c / (n1 + n2 - c),
        association=c / (n1 * n2),
        affinity=2 * c.sum() * c / (k1 * k2),
    )
    table.attrs["note"] = {**edges.attrs.get("note", {}), "what": "similarities"}
    return table


def collaboration(
    records: Records,
    kind: str = "work",
    *,
    level: Literal["institution", "country"] = "institution",
    years: Years | None = None,
) -> pd.DataFrame:
    """Return how much of the output of each unit was made with others, and abroad.

    Parameters
    ----------
    records
        What was done together.
    kind, level, years
        As in `output`.

    Returns
    -------
    `unit, output, collab, int_collab, pp_collab, pp_int_collab, scp, mcp, mcp_ratio`, in full
    counting, the largest output first. Collaborative: more than one institution or more than one
    country; international: more than one country. SCP and MCP are single- and multiple-country
    publications by participation (not by corresponding author, as bibliometrix has it).

    References
    ----------
    CWTS Leiden Ranking Open Edition, information on indicators: PP(collab), PP(int collab). Here
    Hong Kong and Macao are countries of their own, which CWTS counts as China.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1"], "kind": ["work"]})
    >>> authors = pd.DataFrame({"activity_id": "p1", "institution_id": ["L", "M"]})
    >>> authors["country"] = ["BE", "NL"]
    >>> collaboration(Records({"activities": works, "participants": authors})).mcp_ratio.tolist()
    [1.0, 1.0]
    """
    unit = {"institution": "institution_id", "country": "country"}.get(level)
    if unit is None:
        raise UnknownNameError("level", level, ("institution", "country"))
    rows = _authorships(records, overlapping(dated(records, kind), years))
    spans = [
        getattr(nw.col(column), end)().alias(f"{column}_{end}")
        for column in ("institution_id", "country")
        for end in ("min", "max")
    ]
    sizes = rows.group_by("activity").agg(*spans)
    abroad = nw.col("country_min") != nw.col("country_max")
    shared = (nw.col("institution_id_min") != nw.col("institution_id_max")) | abroad
    units = rows.filter(~nw.col(unit).is_null()).group_by("activity", unit).agg(rows=nw.len())
    counted = {"collab": shared, "int_collab": abroad}
    table = engine.collect(
        units.join(sizes, on="activity")
        .with_columns(**{name: nw.when(yes).then(1).otherwise(0) for name, yes in counted.items()})
        .group_by(unit)
        .agg(nw.len().alias("output"), nw.col("collab").sum(), nw.col("int_collab").sum())
        .rename({unit: "unit"})
    )
    table = table.sort_values(["output", "unit"], ascending=[False, True], ignore_index=True)
    for column in ("output", "collab", "int_collab"):
        table[column] = table[column].astype("int64")
    table["pp_collab"] = table["collab"] / table["output"]
    table["pp_int_collab"] = table["int_collab"] / table["output"]
    table["scp"] = table["output"] - table["int_collab"]
    table["mcp"] = table["int_collab"]
    table["mcp_ratio"] = table["pp_int_collab"]
    table.attrs["note"] = {
        "what": "collaboration",
        "kind": kind,
        "level": level,
        "count": "full",
        "years": years,
        **stamp(records, kind, years),
    }
    return table


def region_shares(
    edges: pd.DataFrame,
    institutions: pd.DataFrame,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return for each region how much of its linking stays inside it.

    Regions overlap: the rows must not be added up.

    Parameters
    ----------
    edges
        An edge table between institutions.
    institutions
        Where they are.
    names
        Names of regions; `settings.REGIONS` by default.

    Returns
    -------
    `region, internal, external, openness, ei`: weight of links with both ends inside, with one end
    inside, external/(external+internal), and the E-I index (external-internal)/(external+internal);
    empty where a region has no link.

    References
    ----------
    Krackhardt & Stern 1988, Social Psychology Quarterly 51(2) 123-140 (E-I index).

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.0]})
    >>> bodies = pd.DataFrame({"institution_id": ["A", "B"], "country": ["MA", "BE"]})
    >>> region_shares(links, bodies, ("maghreb",)).openness.tolist()
    [1.0]
    """
    names = settings.REGIONS if names is None else names
    places = memberships(institutions, names)
    rows = []
    for name in names:
        inside = set(places.loc[places["region"] == name, "institution_id"])
        ends = edges["source"].isin(inside).astype(int) + edges["target"].isin(inside).astype(int)
        internal = float(edges.loc[ends == 2, "weight"].sum())
        external = float(edges.loc[ends == 1, "weight"].sum())
        total = internal + external
        rows.append(
            {
                "region": name,
                "internal": internal,
                "external": external,
                "openness": external / total if total else np.nan,
                "ei": (external - internal) / total if total else np.nan,
            }
        )
    table = pd.DataFrame(rows)
    said = {"what": "region shares", "regions": list(names)}
    table.attrs["note"] = {**edges.attrs.get("note", {}), **said}
    return table


def _authorships(records: Records, acts: nw.LazyFrame) -> nw.LazyFrame:
    """Return (activity, author, institution_id, country), once each.

    An author is told by his place in the list; an organisation that signs for itself is its own.
    """
    author = nw.coalesce(
        nw.col("position").cast(nw.String),
        nw.col("person_id"),
        nw.col("institution_id"),
        nw.col("country"),
        nw.lit(""),
    )
    rows = (
        records.lazy("participants")
        .select(
            nw.col(join_key(records)).alias("activity"),
            author.alias("author"),
            "institution_id",
            "country",
        )
        .join(acts.select("activity"), on="activity")
    )
    return rows.group_by("activity", "author", "institution_id", "country").agg(rows=nw.len())
