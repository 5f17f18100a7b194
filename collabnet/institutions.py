"""Identity: whatever a source calls an institution → its ROR id, with the evidence for it."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec
import pandas as pd

from collabnet import geo, schema, settings
from collabnet.countries import country_of, english_names
from collabnet.errors import InputError, UnknownNameError
from collabnet.identifiers import ROR, institution_id, name_key
from collabnet.matching import match_affiliations, words_of
from collabnet.records import Records, origin

RollUp = Literal["component", "associated"]

WORD = re.compile(r"\w+")
CODES = {
    "openalex_id": "openalex",
    "pic": "pic",
    "erasmus_code": "erasmus",
    "hei_id": "hei",
    "grid": "grid",
    "wikidata": "wikidata",
    "website": "site",
}
"""Columns that identify an institution, with the prefix of their ids, in the order tried."""


NAME_SHARED = 0.6
"""Share of the words of a name that must be in those of the institution it is taken for."""


@cache
def shipped(name: str) -> pd.DataFrame:
    """Return a table of facts of the package: institutions or relations."""
    path = files("collabnet") / "data" / f"{name}.csv"
    with path.open(encoding="utf-8") as file:
        rows = pd.read_csv(file, dtype="string", keep_default_na=False)
    return schema.check(name, rows)


def gazetteer() -> pd.DataFrame:
    """Return the institutions collabnet knows by itself: names, codes, places, NUTS regions.

    Returns
    -------
    A table `institutions`, and the `source` of each row.

    Examples
    --------
    >>> gazetteer().set_index("institution_id").loc["00afp2z80", "pic"]
    '999976105'
    """
    table = shipped("institutions").copy()
    table.attrs["note"] = {"what": "gazetteer", "collabnet": schema.COLLABNET}
    return table


def resolve(
    records: Records,
    *,
    roll_up: tuple[RollUp, ...] = (),
    succession: bool = False,
    overrides: str | Path | pd.DataFrame | None = None,
) -> Records:
    """Give institutions their ROR id, and what the gazetteer knows of them.

    An institution is recognised by its codes (ROR, OpenAlex, PIC, Erasmus, hei-id, GRID, Wikidata,
    web site; what registries among the records tie together is one), then by exact name, alias or
    acronym together with its country, then as in `match_affiliations`, which also reads the
    affiliations of participants without institution: several, separated by `|` or `;`, become one
    row each. A name that fits two institutions decides nothing. What is not recognised keeps its
    id, and is listed by `unresolved` and `review`. A country that is not known is read off the
    affiliation.

    Parameters
    ----------
    records
        What was read. Registry records (ROR) in it are used beside the gazetteer.
    roll_up
        Merge parts into their institution: {"component", "associated"}, for faculties that have an
        id of their own (Gembloux Agro-Bio Tech) and for university hospitals (CHU de Liège).
    succession
        Count a former institution under its one successor (TU Kaiserslautern → RPTU). Where it was
        split into several, it stays.
    overrides
        Table with the columns `written` and `ror`, or a CSV or XLSX file of it: what is written so
        (an affiliation, or the name of an institution) is that ROR id, or "none". It always wins;
        rows without `ror` say nothing. `review` makes such a table.

    Returns
    -------
    New records; `participants.evidence` says how each id was found, and
    `provenance["resolution"]` counts it.

    Raises
    ------
    InputError
        The overrides cannot be read, or an id in them is no ROR id.
    UnknownNameError
        A kind of roll-up that is not known.

    Examples
    --------
    >>> rows = pd.DataFrame({"activity_id": ["p1"], "kind": ["project"]})
    >>> party = pd.DataFrame({"activity_id": ["p1"], "institution_id": ["pic:999976105"]})
    >>> resolve(Records({"activities": rows, "participants": party})).participants.evidence[0]
    'pic:999976105'
    """
    for kind in roll_up:
        if kind not in ("component", "associated"):
            raise UnknownNameError("roll-up", kind, ("component", "associated"))
    bodies = _with_codes(records.institutions)
    known = pd.concat([_with_codes(gazetteer()), bodies[_is_ror(bodies)]], ignore_index=True)
    rulings = _rulings(overrides)
    found = _recognised(bodies, known, rulings)
    relations = pd.concat(
        [shipped("relations"), records.relations], ignore_index=True
    ).drop_duplicates(["from", "to", "kind"], ignore_index=True)
    moves = _moves(relations, roll_up, succession=succession)
    people, named = _from_affiliations(records.participants, known)
    old = people["institution_id"]
    found = found.set_index("institution_id")
    evidence = old.map(found["evidence"]).astype("string").fillna(people["evidence"])
    new = old.map(found["ror"]).astype("string").fillna(old)
    for _ in range(len(moves)):  # a part of a predecessor moves twice
        moved = new.map(moves["to"]).astype("string")
        if moved.isna().all():
            break
        evidence = evidence.mask(moved.notna(), new.map(moves["why"]).astype("string"))
        new = moved.fillna(new)
    ruled = people["affiliation"].map(name_key).map(rulings).astype("string")
    people = people.assign(
        institution_id=new.mask(ruled.notna(), ruled.replace("none", pd.NA)),
        evidence=evidence.mask(ruled.notna(), "override"),
    )
    if moves.size or named:
        # Two parts of one house on one author are one affiliation.
        people = people.drop_duplicates(
            ["activity_id", "person_id", "position", "institution_id", "country", "role"]
        )
    bodies = bodies.assign(
        institution_id=bodies["institution_id"]
        .map(found["ror"])
        .astype("string")
        .fillna(bodies["institution_id"])
    )
    ours = gazetteer()
    ours = ours[_among(ours["institution_id"], bodies["institution_id"], new)]
    merged = pd.concat([ours, bodies], ignore_index=True)
    merged = merged.groupby("institution_id", as_index=False, sort=True).first()[merged.columns]
    placed = geo.place_nuts3(merged)
    merged["nuts_version"] = merged["nuts_version"].mask(
        merged["nuts3"].isna() & placed.notna(), geo.NUTS_VERSION
    )
    merged["nuts3"] = merged["nuts3"].fillna(placed)
    merged["name"] = merged["name"].fillna(merged["institution_id"])
    used = merged["institution_id"]
    relations = relations[_among(relations["from"], used) | _among(relations["to"], used)]
    out = Records(
        {
            "activities": records.activities,
            "participants": people,
            "institutions": merged,
            "relations": relations,
            "fields": records.fields,
            "persons": records.persons,
            "merges": records.merges,
            "quarantine": records.quarantine,
        },
        provenance=records.provenance,
    )
    out.provenance["resolution"] = _summary(out) | {
        "by_affiliation": named,
        "overridden": int(ruled.notna().sum() + (found["evidence"] == "override").sum()),
        "country_policy": dict(settings.COUNTRIES),
    }
    made = {"roll_up": sorted(roll_up), "succession": succession}
    if rulings:
        made["overrides"] = hashlib.sha256(repr(sorted(rulings.items())).encode()).hexdigest()
    out.provenance["settings"] = {**records.provenance.get("settings", {}), **made}
    return out


def review(records: Records) -> pd.DataFrame:
    """List what was resolved by its name, or not at all, to be looked through and corrected.

    Write the right ROR id, or "none", into the column `ror`, and give the table back to `resolve`
    as `overrides`.

    Parameters
    ----------
    records
        Resolved records, or a store.

    Returns
    -------
    `written, country, rows, institution_id, name, evidence, candidates, ror`: a row per text and
    what it was resolved to, the open ones first, the most frequent first. `candidates` are ids and
    names that may be meant.

    Examples
    --------
    >>> rows = pd.DataFrame({"activity_id": ["a"], "kind": ["work"]})
    >>> people = pd.DataFrame({"activity_id": ["a"], "affiliation": ["UNILU, Somewhere"]})
    >>> review(resolve(Records({"activities": rows, "participants": people}))).written.tolist()
    ['UNILU, Somewhere']
    """
    bodies = records.institutions.set_index("institution_id")
    people = records.participants
    name = people["institution_id"].map(bodies["name"]).astype("string")
    by_name = (
        people["evidence"].str.match("(?:matched: )?(?:name|school)|override").fillna(value=False)
    )
    open_ = ~people["institution_id"].str.fullmatch(ROR).fillna(value=False).astype(bool)
    table = people.assign(written=people["affiliation"].fillna(name), name=name)[by_name | open_]
    keys = ["written", "country", "institution_id", "name", "evidence"]
    table = table.dropna(subset="written").groupby(keys, dropna=False).size()
    table = table.reset_index(name="rows")
    known = pd.concat([gazetteer(), records.institutions[_is_ror(records.institutions)]])
    known = known.drop_duplicates("institution_id")
    names = known.set_index("institution_id")["name"]
    texts = table["written"] + ", " + table["country"].map(english_names()).fillna("")
    matches = match_affiliations(texts, known).drop_duplicates("text").set_index("text")
    shown = (
        matches["institution_id"]
        .fillna(matches["candidates"])
        .fillna("")
        .map(lambda ids: " | ".join(f"{ror} {names[ror]}" for ror in ids.split("|") if ror))
    )
    table = table.assign(candidates=texts.map(shown), ror=pd.Series(pd.NA, table.index, "string"))
    table["open"] = ~table["institution_id"].str.fullmatch(ROR).fillna(value=False).astype(bool)
    table = table.sort_values(["open", "rows", "written"], ascending=[False, False, True])
    order = ["written", "country", "rows", *keys[2:], "candidates", "ror"]
    table.attrs["note"] = {"what": "review", **origin(records)}
    return table[order].reset_index(drop=True)


def unresolved(records: Records) -> pd.DataFrame:
    """List the institutions without a ROR id, the most frequent first.

    Parameters
    ----------
    records
        Records, resolved or not.

    Returns
    -------
    `institution_id, name, country, rows`, where `rows` counts participations.

    Examples
    --------
    >>> rows = pd.DataFrame({"activity_id": ["a"], "kind": ["work"]})
    >>> people = pd.DataFrame({"activity_id": ["a"], "institution_id": ["name:somewhere|BE"]})
    >>> unresolved(Records({"activities": rows, "participants": people})).rows.tolist()
    [1]
    """
    bodies = records.institutions[~_is_ror(records.institutions)]
    table = bodies[["institution_id", "name", "country"]]
    counts = records.participants["institution_id"].value_counts()
    table = table.assign(rows=table["institution_id"].map(counts).fillna(0).astype("int64"))
    table = table[table["rows"] > 0]
    table.attrs["note"] = {"what": "unresolved", **origin(records)}
    return table.sort_values(["rows", "institution_id"], ascending=[False, True], ignore_index=True)


def _is_ror(bodies: pd.DataFrame) -> pd.Series:
    return bodies["institution_id"].str.fullmatch(ROR).fillna(value=False).astype(bool)


def _among(column: pd.Series, *others: pd.Series) -> pd.Series:
    """Say which texts are among others: `isin`, which pandas does text by text for Arrow."""
    known = {text for other in others for text in other.unique().tolist()}
    return pd.Series([text in known for text in column.tolist()], column.index, dtype=bool)


def _with_codes(bodies: pd.DataFrame) -> pd.DataFrame:
    """Read the codes off prefixed ids, so that a bare `pic:…` is recognised too."""
    bodies = bodies.copy()
    ids = bodies["institution_id"]
    ids = ids[ids.str.contains(":", regex=False)]
    for column, prefix in CODES.items():
        mine = ids[ids.str.startswith(f"{prefix}:")]
        coded = mine.str.slice(len(prefix) + 1).reindex(bodies.index)
        bodies[column] = (
            bodies[column].astype("string").fillna(coded) if column in bodies else coded
        )
    return bodies


def _rulings(overrides: str | Path | pd.DataFrame | None) -> dict[str, str]:
    """Return key of the text → ROR id or "none"."""
    if overrides is None:
        return {}
    table, name = overrides, "the overrides"
    if not isinstance(table, pd.DataFrame):
        name = Path(table).name
        try:
            if name.lower().endswith(".xlsx"):
                table = pd.read_excel(table, dtype=str, keep_default_na=False)
            else:
                table = pd.read_csv(table, dtype=str, keep_default_na=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{name}: cannot be read as a table ({error}).") from None
    if not {"written", "ror"} <= set(table.columns):
        raise InputError(f"{name}: the columns 'written' and 'ror' were expected in it.")
    rulings = {}
    for written, ror in table[["written", "ror"]].astype("string").fillna("").to_numpy():
        code = "none" if ror.strip().lower() == "none" else institution_id(ror)
        if ror.strip() and not (code == "none" or ROR.fullmatch(code or "")):
            raise InputError(f"{name}: {ror!r} ({written}) is no ROR id. Write one, or none.")
        if ror.strip():
            rulings[name_key(written)] = str(code)
    return rulings


def _recognised(bodies: pd.DataFrame, known: pd.DataFrame, rulings: dict[str, str]) -> pd.DataFrame:
    """Return `institution_id, ror, evidence` of each institution that was recognised."""
    open_ = bodies[~_is_ror(bodies)]
    ruled = open_["name"].map(name_key).map(rulings)
    wins = pd.DataFrame(
        {"institution_id": open_["institution_id"], "ror": ruled, "evidence": "override"}
    ).dropna()
    open_ = open_[ruled.isna()].set_index("institution_id")
    found = _by_codes(open_, known)
    keys = open_["name"].fillna("").map(name_key) + "|" + open_["country"].fillna("")
    names = _names(known, {*keys})
    hits = pd.DataFrame({"ror": keys.map(names), "evidence": "name and country"}).dropna()
    found = pd.concat([found, hits])
    found = found[~found.index.duplicated()]
    rest = open_.drop(found.index).dropna(subset=["name", "country"])
    # OpenAlex takes its institutions from ROR: one without is in no registry under another name.
    rest = rest[~rest.index.str.startswith("openalex:")]
    texts = (
        rest["name"] + ", " + rest["city"].fillna("") + ", " + rest["country"].map(english_names())
    )
    land = known.drop_duplicates("institution_id").set_index("institution_id")["country"]
    hits = _matched(texts, known)
    hits = texts.to_frame("text").reset_index().merge(hits, on="text").set_index("institution_id")
    hits = hits[hits["ror"].map(land) == rest["country"].reindex(hits.index)]
    # The college of a university is not the university: most of the name must be the other's.
    theirs = known.drop_duplicates("institution_id").set_index("institution_id")
    theirs = theirs[["name", "names", "aliases"]].fillna("")
    theirs = theirs.loc[hits["ror"].unique()].agg(" ".join, axis=1).map(words_of)
    shared = [
        len(words_of(name) & theirs[ror]) / max(1, len(words_of(name)))
        for name, ror in zip(rest["name"].reindex(hits.index), hits["ror"], strict=True)
    ]
    hits = hits[pd.Series(shared, hits.index, "Float64") >= NAME_SHARED]
    found = pd.concat([found, hits[~hits.index.duplicated(keep=False)][["ror", "evidence"]]])
    # What a registry ties together is one institution: known by one code, known by all of them.
    tied = open_[open_[list(CODES)].notna().sum(axis=1) > 1].reset_index()
    heirs = tied["institution_id"].map(found["ror"]).astype("string")
    tied["institution_id"] = heirs.fillna(tied["institution_id"])
    more = _by_codes(open_.drop(found.index), tied)
    more = more[more.index != more["ror"]]
    found = pd.concat([found, more]).rename_axis("institution_id").reset_index()
    found = pd.concat([wins[wins["ror"] != "none"], found])
    return found.drop_duplicates("institution_id").astype("string")


def _by_codes(open_: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return `ror, evidence` of the institutions that share a code with a known one."""
    found = pd.DataFrame(columns=["ror", "evidence"], dtype="string")
    for column, prefix in CODES.items():
        codes = open_[column].str.split("|").explode().dropna()
        if codes.empty:
            continue
        table = _unique(known[column].str.split("|"), known["institution_id"])
        hits = pd.DataFrame({"ror": codes.map(table), "evidence": f"{prefix}:" + codes})
        if column == "website":  # a college of several countries has one site
            land = known.drop_duplicates("institution_id").set_index("institution_id")["country"]
            hits = hits[hits["ror"].map(land) == open_["country"].reindex(hits.index)]
        found = pd.concat([found, hits.dropna()])
    return found[~found.index.duplicated()]


def _matched(texts: pd.Series, known: pd.DataFrame) -> pd.DataFrame:
    """Return `text, ror, evidence` of the texts that name a known institution."""
    if texts.dropna().empty:
        return pd.DataFrame(columns=["text", "ror", "evidence"], dtype="string")
    table = match_affiliations(texts, known.drop_duplicates("institution_id"))
    table = table.dropna(subset="institution_id").rename(columns={"institution_id": "ror"})
    return table.assign(evidence="matched: " + table["evidence"])[["text", "ror", "evidence"]]


def _from_affiliations(people: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Give participants without institution the ones their affiliation names: a row each.

    Where a country is stated, only institutions of that country are taken.
    """
    open_ = people[people["institution_id"].isna() & people["affiliation"].notna()]
    if open_.empty:
        return people, 0
    parts = open_["affiliation"].str.split(r"\s*\|\s*|\s*;\s*", regex=True).explode()
    parts = parts[parts.fillna("") != ""].rename_axis("row").reset_index(name="text")
    parts = parts.merge(_matched(parts["text"], known), on="text", how="left")
    land = known.drop_duplicates("institution_id").set_index("institution_id")["country"]
    stated = parts["row"].map(open_["country"])
    parts["country"] = parts["ror"].map(land).fillna(parts["text"].map(country_of)).astype("string")
    parts = parts[stated.isna() | (parts["country"] == stated)]
    hit = parts[parts["row"].isin(parts.loc[parts["ror"].notna(), "row"])]
    rows = people.loc[hit["row"]].assign(
        institution_id=hit["ror"].to_numpy(),
        affiliation=hit["text"].to_numpy(),
        country=hit["country"].to_numpy(),
        evidence=hit["evidence"].to_numpy(),
    )
    one = parts.drop_duplicates(["row", "country"]).drop_duplicates("row", keep=False)
    one = one.set_index("row")["country"]
    country = people["country"].fillna(people.index.to_series().map(one).astype("string"))
    people = pd.concat([people.assign(country=country).drop(hit["row"].unique()), rows])
    return schema.check("participants", people.sort_index(kind="stable")), int(
        hit["ror"].notna().sum()
    )


def _unique(values: pd.Series, ids: pd.Series) -> pd.Series:
    """Map each value to the one id that has it; a value of two ids maps to none."""
    pairs = pd.DataFrame({"value": values, "id": ids}).explode("value").dropna()
    pairs = pairs[pairs["value"] != ""].drop_duplicates()
    return pairs.drop_duplicates("value", keep=False).set_index("value")["id"]


def _names(known: pd.DataFrame, wanted: set[str]) -> pd.Series:
    """Map `name|country` to the id, over all names, aliases and acronyms that may be wanted."""
    likely = {key.rpartition("|")[0] for key in wanted}
    columns = ("institution_id", "country", "name", "names", "aliases")
    values = (known[column].fillna("").tolist() for column in columns)
    keys, ids = [], []
    for body, country, name, labels, aliases in zip(*values, strict=True):
        others = msgspec.json.decode(labels).values() if labels else ()
        for text in (name, *others, *aliases.split("|")):
            # `name_key` takes its time: it is spared the names in ASCII that are not wanted.
            plain = " ".join(WORD.findall(text.lower())) if text.isascii() else ""
            if (not plain or plain.removeprefix("the ") in likely) and (key := name_key(text)):
                keys.append(f"{key}|{country}")
                ids.append(body)
    return _unique(pd.Series(keys, dtype="string"), pd.Series(ids, dtype="string"))


def _moves(relations: pd.DataFrame, roll_up: tuple[str, ...], *, succession: bool) -> pd.DataFrame:
    """Return where an institution goes under the options asked for: index, `to`, `why`."""
    ours = relations[relations["kind"].isin(roll_up)]
    moves = pd.DataFrame(
        {"from": ours["from"], "to": ours["to"], "why": "roll-up: " + ours["kind"]}
    )
    if succession:
        heirs = relations[relations["kind"] == "successor"]
        heirs = heirs[~heirs["from"].duplicated(keep=False)]
        heirs = pd.DataFrame({"from": heirs["from"], "to": heirs["to"], "why": "succession"})
        moves = pd.concat([moves, heirs], ignore_index=True)
    return moves.drop_duplicates("from").set_index("from")


def _summary(records: Records) -> dict[str, int]:
    """Count the institutions by how they were identified."""
    bodies = records.institutions
    used = bodies[_among(bodies["institution_id"], records.participants["institution_id"])]
    resolved = _is_ror(used)
    return {
        "institutions": len(used),
        "with_ror": int(resolved.sum()),
        "unresolved": int((~resolved).sum()),
        "participations_without_institution": int(
            records.participants["institution_id"].isna().sum()
        ),
    }
