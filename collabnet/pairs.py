"""What a link is worth: next to the size of its two ends, to chance, to who leads, to its impact.

Every docstring gives the formula and its source; `docs/indicators.md` has them all on one page.
"""

from __future__ import annotations

from typing import NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine
from collabnet.errors import CollabnetError, SchemaError, UnknownNameError
from collabnet.graphs import check_edges
from collabnet.indicators import noted, output, ranked
from collabnet.links import joint
from collabnet.parties import Years, dated, home_of, join_key, with_note
from collabnet.records import Records

Z95 = 1.959963984540054
NO_LINK = "There is no link in these edges."
NO_WORK = "No work of {} with a known partner is in these records and years."


class Ends(NamedTuple):
    """Links as numbers: both ends (places in `names`), weights, and the strength of each."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    k: np.ndarray
    names: pd.Index


def _ends(edges: pd.DataFrame) -> Ends:
    both = pd.concat([edges["source"], edges["target"]], ignore_index=True).astype("string")
    codes, names = pd.factorize(both, sort=True)
    c = edges["weight"].to_numpy("float64")
    k = np.bincount(codes, np.append(c, c), len(names))
    return Ends(*np.split(codes.astype("int32"), 2), c, k, pd.Index(names, dtype="string"))


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

    Raises
    ------
    SchemaError
        `edges` is no table of edges.

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
    check_edges(edges)
    ends = _ends(edges)
    links = np.bincount(np.append(ends.a, ends.b), minlength=len(ends.names))
    table = pd.DataFrame({"unit": ends.names, "links": links, "strength": ends.k})
    table = ranked(table, "strength", "unit")
    return with_note(table, {**edges.attrs.get("note", {}), "what": "strengths"}, NO_LINK)


def similarities(edges: pd.DataFrame, outputs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return each link relative to the size of its two ends.

    Parameters
    ----------
    edges
        An edge table, also one of `to_edges(read_graph(…))`: its weight is c, and k the strength of
        a node, without what it has with itself.
    outputs
        `unit, output`, as `output` gives in full counting: n. Without it, only `affinity` is known.

    Returns
    -------
    `edges` with the columns `salton` c/√(n₁n₂), `jaccard` c/(n₁+n₂-c), `inclusion` c/min(n₁,n₂),
    `equivalence` c²/(n₁n₂), `association` c/(n₁n₂), which is the association strength by outputs,
    and `affinity` 2m·c/(k₁k₂), where m is the sum of all weights; an affinity of 1 is what two
    nodes of that strength would have by chance. `affinity` is the probabilistic affinity index
    (PAI), and the association strength by link strengths of VOSviewer, which are one formula. A
    unit without output in the table has none of the first five.

    Raises
    ------
    SchemaError
        `edges` is no table of edges.

    References
    ----------
    Salton & McGill 1983; Callon, Courtial & Laville 1991, Scientometrics 22(1) 155-205
    (equivalence); van Eck & Waltman 2009, JASIST 60(8) 1635-1651 (inclusion, association strength);
    Zitt, Bassecoulard & Okubo 2000, Scientometrics 47(3) 627-657 (PAI).

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.0]})
    >>> size = pd.DataFrame({"unit": ["A", "B"], "output": [1.0, 4.0]})
    >>> similarities(links, size)[["salton", "jaccard", "inclusion", "association"]].values.tolist()
    [[0.5, 0.25, 1.0, 0.25]]
    """
    check_edges(edges)
    ends = _ends(edges)
    size = pd.Series() if outputs is None else outputs.set_index("unit")["output"]
    c, n = ends.c, size.reindex(ends.names).to_numpy("float64", na_value=np.nan)
    n1, n2, k1, k2 = n[ends.a], n[ends.b], ends.k[ends.a], ends.k[ends.b]
    table = edges.assign(
        salton=c / np.sqrt(n1 * n2),
        jaccard=c / (n1 + n2 - c),
        inclusion=c / np.minimum(n1, n2),
        equivalence=c**2 / (n1 * n2),
        association=c / (n1 * n2),
        affinity=2 * c.sum() * c / (k1 * k2),
    )
    return with_note(table, {**edges.attrs.get("note", {}), "what": "similarities"}, NO_LINK)


def relative_intensity(edges: pd.DataFrame, unit: str | None = None) -> pd.DataFrame:
    """Return the relative intensity of collaboration (RIC) of each pair, both ways, with interval.

    Of all links of `unit`, the share that goes to `partner`, over the same share among the links of
    all others. Above 1, the unit works with the partner more than others do.

    Parameters
    ----------
    edges
        An edge table, in full counting where the interval is wanted.
    unit
        Only the rows of this unit; by default of all.

    Returns
    -------
    `unit, partner, weight, ric, low, high`. With c the weight, k the strengths, m the sum of all
    weights: RIC(X,Y) = (c/kₓ) / ((k_y-c)/(m-kₓ)); it is not symmetric. Infinite where nobody else
    works with the partner; empty where the unit is one end of every link. `low` and `high` are the
    95 % interval exp(ln RIC ± 1.96·√(1/c-1/kₓ+1/(k_y-c)-1/(m-kₓ))) of a ratio of two shares; empty
    where RIC is not finite or the weights are no counts. It takes links for independent.

    Raises
    ------
    SchemaError
        `edges` is no table of edges.
    UnknownNameError
        The unit has no link.

    References
    ----------
    Fuchs, Sivertsen & Rousseau 2021, Scientometrics 126, 8673-8682 (RIC); J. Data and
    Information Science 7(4) 2022, doi 10.2478/jdis-2022-0021 (an interval for it); Katz,
    Baptista, Azen & Pike 1978, Biometrics 34(3) 469-474 (its formula).

    Examples
    --------
    >>> links = pd.DataFrame({"source": list("AAB"), "target": list("BCC"), "weight": [2.0, 1, 1]})
    >>> relative_intensity(links, "A")[["partner", "ric"]].values.tolist()
    [['B', 0.6666666666666666], ['C', 0.3333333333333333]]
    """
    check_edges(edges)
    ends = _ends(edges)
    x, y, c = np.append(ends.a, ends.b), np.append(ends.b, ends.a), np.append(ends.c, ends.c)
    if unit is not None and unit not in ends.names:
        raise UnknownNameError("unit", unit, ends.names)
    if unit is not None:
        mine = x == ends.names.get_loc(unit)
        x, y, c = x[mine], y[mine], c[mine]
    m = ends.c.sum()
    # Sums of fractions may miss nought by a little.
    rest, others = ends.k[y] - c, m - ends.k[x]
    rest, others = (np.where(np.isclose(v, 0, atol=1e-9 * m), 0, v) for v in (rest, others))
    with np.errstate(divide="ignore", invalid="ignore"):
        ric = np.where(others > 0, c / ends.k[x] / (rest / others), np.nan)
        error = np.sqrt(1 / c - 1 / ends.k[x] + 1 / rest - 1 / others)
        error[~np.isfinite(ric) | (ends.c % 1 != 0).any()] = np.nan
        spread = np.exp(np.multiply(Z95, error, out=error), out=error)
        facts = {"weight": c, "ric": ric, "low": ric / spread, "high": ric * spread}
        del rest, others, error, spread
    order = np.lexsort([y, -c, -np.nan_to_num(ric, nan=-1), x])
    names = {"unit": ends.names.array.take(x[order]), "partner": ends.names.array.take(y[order])}
    table = pd.DataFrame(names | {name: values[order] for name, values in facts.items()})
    return with_note(table, {**edges.attrs.get("note", {}), "what": "relative intensity"}, NO_LINK)


def backbone(edges: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Keep the links that are more than chance would give, by the disparity filter.

    Parameters
    ----------
    edges
        An edge table.
    alpha
        Level, 0 to 1: a link stays if its significance, seen from one of its ends, is below.

    Returns
    -------
    The rows of `edges` that stay, with `significance`, the smaller of the two. Seen from an end
    with k links, of which this one has the share p of the weight, it is (1-p)^(k-1): how likely so
    large a share is where the weight is cut at random. An end with one link says nothing (1): such
    a link stays if its other end holds on to it. The note says what part of links and weight stay.

    Raises
    ------
    SchemaError
        `edges` is no table of edges, or a weight is not above 0.
    CollabnetError
        `alpha` does not lie between 0 and 1.

    References
    ----------
    Serrano, Boguñá & Vespignani 2009, PNAS 106(16) 6483-6488.

    Examples
    --------
    >>> star = pd.DataFrame({"source": "A", "target": list("BCDE"), "weight": [10.0, 2, 1, 1]})
    >>> backbone(star)[["target", "significance"]].round(4).values.tolist()
    [['B', 0.0233]]
    """
    if not 0 <= alpha <= 1:
        raise CollabnetError(f"alpha={alpha}: a level from 0 to 1 was expected, such as 0.05.")
    check_edges(edges)
    ends = _ends(edges)
    if not (ends.c > 0).all():
        raise SchemaError("Edges table: a weight is not a number above 0. Drop such links.")
    links = np.bincount(np.append(ends.a, ends.b), minlength=len(ends.names))
    a, b = (np.clip(1 - ends.c / ends.k[e], 0, 1) ** (links[e] - 1) for e in (ends.a, ends.b))
    table = edges.assign(significance=np.minimum(a, b))
    table = table[table["significance"] < alpha].reset_index(drop=True)
    share = float(table["weight"].sum() / ends.c.sum()) if len(edges) else None
    note = {"what": "backbone", "alpha": alpha, "links": len(table), "of_links": len(edges)}
    note = {**edges.attrs.get("note", {}), **note, "share_of_weight": share}
    return with_note(table, note, "No link stands out at this level." if len(edges) else NO_LINK)


def link_shares(
    records: Records, home: str | None = None, *, years: Years | None = None
) -> pd.DataFrame:
    """Return how much each side has in a link: of its own output, and of who leads.

    Parameters
    ----------
    records
        What was done together; works are looked at.
    home
        Id of an institution; `settings.HOME` by default.
    years
        First and last year of publication, both included.

    Returns
    -------
    One row a partner, the most joint works first. `joint`; `output_home, output_partner`, works of
    each; `of_home, of_partner`, joint over output of each, so that swapping the two sides swaps the
    two shares. `lead_home, lead_partner` are the shares of the joint works whose first author is of
    that side, `lead_n` the works of which this is known; likewise `last_…`, the last author, and
    `corresponding_…`. An author of several institutions, and several corresponding authors, count
    in parts, so that the two sides never add up to more than 1; what is missing went to others. The
    last author of a list that was cut is not known, nor is any where affiliations are not tied to
    authors. OpenAlex took the first author for the corresponding one, by default, before
    2026-06-25.

    Raises
    ------
    UnknownNameError
        No institution of this id.

    References
    ----------
    Own definitions, after the guarantor of Moya-Anegón, Guerrero-Bote, Bornmann & Moed 2013,
    Scientometrics 97(2) 421-434.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("LML")})
    >>> authors["position"] = [1, 2, 1]
    >>> shares = link_shares(Records({"activities": works, "participants": authors}), "L")
    >>> shares[["of_home", "of_partner", "lead_home", "lead_partner"]].values.tolist()
    [[0.5, 1.0, 1.0, 0.0]]
    """
    home, met = _joint_works(records, home, years)
    size = output(records, years=years).set_index("unit")["output"]
    both = met.dropna(subset="partner").assign(home=home)
    table = both.groupby("partner").agg(joint=("activity", "size"))
    table["output_home"] = int(size.get(home, 0))
    table["output_partner"] = table.index.map(size).astype("int64")
    table["of_home"] = table["joint"] / table["output_home"]
    table["of_partner"] = table["joint"] / table["output_partner"]
    for role, credit in credits_of(records, met["activity"]).items():
        told = both[both["activity"].isin(credit["activity"])]
        n = told.groupby("partner").size().reindex(table.index, fill_value=0)
        for side in ("home", "partner"):
            ours = told.merge(credit, left_on=["activity", side], right_on=list(credit)[:2])
            ours = ours.groupby("partner")["credit"].sum().reindex(table.index)
            table[f"{role}_{side}"] = ours.astype(float).fillna(0) / n
        table[f"{role}_n"] = n
    table = ranked(table.reset_index(), "joint", "partner")
    note = noted(records, "work", years, what="link shares", count="full", home=home)
    return with_note(table, note, NO_WORK.format(home))


def link_impact(
    records: Records, home: str | None = None, *, years: Years | None = None
) -> pd.DataFrame:
    """Return the impact of the works with each partner against that of all works of the home.

    Parameters
    ----------
    records, home, years
        As in `link_shares`.

    Returns
    -------
    One row a partner, the most joint works first: `joint`; `fwci`, the mean field-weighted citation
    impact of the joint works as their source gives it, `fwci_n` the works that have one,
    `fwci_home` that of all works of the home, `fwci_ratio` the one over the other; `top10`,
    `top10_n`, `top10_home`: the share of works among the 10 % most cited of their field and year,
    where the activities have a column `top10` of true and false, as those of OpenAlex do. What has
    no value is left out, not 0. The note has the numbers of works of the home.

    Raises
    ------
    UnknownNameError
        No institution of this id.

    References
    ----------
    Purkayastha, Palmaro, Falk-Krzesinski & Baas 2019, J. Informetrics 13(2) 635-642 (FWCI);
    Waltman et al. 2012, JASIST 63(12) 2419-2432 (PP(top 10 %)).

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work", "fwci": [3.0, 1.0]})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("LML")})
    >>> impact = link_impact(Records({"activities": works, "participants": authors}), "L")
    >>> impact[["partner", "fwci", "fwci_home", "fwci_ratio"]].values.tolist()
    [['M', 3.0, 2.0, 1.5]]
    """
    home, met = _joint_works(records, home, years)
    facts = impact_of(records, met["activity"])
    met = met.assign(**{name: facts[name].array for name in facts})
    both, own = met.dropna(subset="partner").groupby("partner"), met.drop_duplicates("activity")
    table = both.agg(joint=("activity", "size"))
    note = noted(records, "work", years, what="link impact", count="full", home=home)
    for name in ("fwci", "top10"):
        note[f"{name}_home"] = float(own[name].astype(float).mean())
        note[f"{name}_home_n"] = int(own[name].count())
        table[name] = both[name].mean().astype(float)
        table[f"{name}_n"] = both[name].count()
        table[f"{name}_home"] = note[f"{name}_home"]
    table.insert(4, "fwci_ratio", table["fwci"] / table["fwci_home"])
    table = ranked(table.reset_index(), "joint", "partner")
    return with_note(table, note, NO_WORK.format(home))


def impact_of(records: Records, activities: pd.Series) -> pd.DataFrame:
    """Return FWCI and whether among the top 10 % of each work, where the source says so."""
    names = records.lazy("activities").collect_schema().names()
    has = [name for name in ("fwci", "top10") if name in names]
    facts = engine.collect(dated(records, "work").select("activity", *has)).set_index("activity")
    return facts.reindex(activities, columns=["fwci", "top10"]).astype("Float64")


def field_profile(
    records: Records,
    home: str | None = None,
    *,
    years: Years | None = None,
    scheme: str | None = None,
) -> pd.DataFrame:
    """Return the fields of the works with each partner, and where a partner is special.

    Parameters
    ----------
    records, home, years
        As in `link_shares`.
    scheme
        A scheme of the table `fields`; by default the one that most works of the home have.

    Returns
    -------
    A row for each partner and field: `partner, field, name, works, share, home_share,
    specialisation, n`. `works`: joint works in the field, a work of several fields in parts;
    `share`: of the `n` joint works of this partner that have a field; `home_share`: the same of all
    works of the home; `specialisation`: share over home_share, the revealed comparative advantage
    of Balassa: above 1, the field weighs more with this partner than it does at home. A field
    without joint work has no row. The note counts the works without a field.

    Raises
    ------
    UnknownNameError
        No institution of this id, or a scheme of none of its works.

    References
    ----------
    Balassa 1965, The Manchester School 33(2) 99-123.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("LML")})
    >>> fields = pd.DataFrame({"activity_id": ["p1", "p2"], "scheme": "ford", "code": ["1", "2"]})
    >>> tables = {"activities": works, "participants": authors, "fields": fields}
    >>> field_profile(Records(tables), "L")[["field", "share", "home_share"]].values.tolist()
    [['1', 1.0, 0.5]]
    """
    home, met = _joint_works(records, home, years)
    acts = dated(records, "work").select("activity", "activity_id")
    mine = acts.join(engine.like(met[["activity"]].drop_duplicates(), acts), on="activity")
    found = engine.collect(records.lazy("fields").join(mine, on="activity_id"))
    if scheme is not None and scheme not in set(found["scheme"]):
        raise UnknownNameError("scheme of fields", scheme, found["scheme"].dropna().unique())
    if scheme is None and len(found):
        # Of two as frequent the alphabet decides.
        scheme = str(found.groupby("scheme")["activity"].nunique().idxmax())
    found = found[(found["scheme"] == scheme) & found["code"].notna()]
    weight = found["share"].astype("Float64").fillna(1)
    found = found.assign(share=weight / weight.groupby(found["activity"]).transform("sum"))
    own = found.groupby("code")["share"].sum() / found["share"].sum()
    rows = met.dropna(subset="partner").merge(found, on="activity")
    table = rows.groupby(["partner", "code"])["share"].sum().rename("works").reset_index()
    table = table.astype({"partner": "string", "code": "string", "works": float})
    table = table.rename(columns={"code": "field"})
    names = found.reindex(columns=["code", "name"]).dropna().drop_duplicates("code")
    table.insert(2, "name", table["field"].map(names.set_index("code")["name"]).astype("string"))
    table["share"] = table["works"] / table.groupby("partner")["works"].transform("sum")
    table["home_share"] = table["field"].map(own).astype(float)
    table["specialisation"] = table["share"] / table["home_share"]
    n = rows.groupby("partner")["activity"].nunique()
    table["n"] = table["partner"].map(n).astype("int64")
    order, up = ["n", "partner", "works", "field"], [False, True, False, True]
    table = table.sort_values(order, ascending=up, ignore_index=True)
    note = noted(records, "work", years, what="field profile", home=home, scheme=scheme)
    without = met["activity"].nunique() - found["activity"].nunique()
    note |= {"count": "full", "without_field": without}
    return with_note(
        table, note, f"No joint work of {home} with a field is in these records and years."
    )


def _joint_works(
    records: Records, home: str | None, years: Years | None
) -> tuple[str, pd.DataFrame]:
    home = home_of(records, home)
    return home, joint(records, "work", home, years=years)[["activity", "partner"]]


def credits_of(records: Records, activities: pd.Series) -> dict[str, pd.DataFrame]:
    """Share out who leads each work: by role, the table `activity, institution_id, credit`."""
    wanted = pd.DataFrame({"activity": activities.unique()})
    facts = dated(records, "work").select("activity", "authors_count", "link_known")
    facts = facts.join(engine.like(wanted, facts), on="activity")
    key, tie = nw.col(join_key(records)), nw.col("corresponding").cast(nw.Int64)
    rows = records.lazy("participants").select(
        "position", "institution_id", activity=key, corresponding=tie
    )
    table = engine.collect(rows.join(facts, on="activity"))
    table = table[table["link_known"].fillna(value=True).astype(bool) & table["position"].notna()]
    end = table.groupby("activity")["position"].transform("max")
    whole = ~(table["authors_count"] > end).fillna(value=False).astype(bool)
    holds = {
        "lead": table["position"] == 1,
        "last": whole & (table["position"] == end),
        "corresponding": (table["corresponding"] == 1).fillna(value=False),
    }
    found = {}
    for role, there in holds.items():
        mine = table.loc[there.astype(bool), ["activity", "position", "institution_id"]]
        mine = mine.drop_duplicates()
        authors = mine.groupby("activity")["position"].transform("nunique")
        mine = mine.assign(authors=authors).dropna(subset="institution_id")
        ties = mine.groupby(["activity", "position"])["institution_id"].transform("size")
        mine["credit"] = (1 / (mine["authors"] * ties)).astype(float)
        each = mine.groupby(["activity", "institution_id"], as_index=False)
        found[role] = each["credit"].sum()
    return found
