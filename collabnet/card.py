"""One partner on a card: every layer on a line, for a notebook, a page and the printer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import narwhals as nw
import pandas as pd

from collabnet import engine, geo, settings
from collabnet import words as say
from collabnet.agreements import WAYS, agreement_status
from collabnet.charts import names_of
from collabnet.errors import UnknownNameError
from collabnet.gap_table import LAYERS, gaps
from collabnet.indicators import output
from collabnet.links import joint
from collabnet.parties import Years, join_key
from collabnet.privacy import guard
from collabnet.records import Records
from collabnet.regions import memberships
from collabnet.words import Words, number, plain

TOP, LONGEST = 5, 250
DOI = re.compile(r"10\.\d{4,9}/\S+")
LINK, ANCHOR = (
    re.compile(r"(?<= )https://doi\.org/10\.[\w./%~-]+$"),
    r'<a href="\g<0>" rel="noopener">\g<0></a>',
)
OTHER = ("share_home", "share_partner", "persons_home", "persons_partner")
NUMBERS = ["value", "low", "high", "first", "last"]


@dataclass(frozen=True, repr=False)
class Card:
    """What is known of a partner: `table`, one row a line; HTML in a notebook; text elsewhere."""

    table: pd.DataFrame
    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def partner_card(
    records: Records,
    home: str | None,
    partner: str,
    *,
    years: Years | None = None,
    as_of: str | None = None,
    lang: str | None = None,
) -> Card:
    """Put all that is known of a partner on one card.

    Parameters
    ----------
    records
        What was done together.
    home
        Whose partner; None for `settings.HOME`.
    partner
        Its id.
    years, as_of
        As in `gaps`.
    lang
        {"en", "fr"}; `settings.LANGUAGE` by default.

    Returns
    -------
    A card, drawn in a notebook without scripts, in light and dark and on paper; its `repr` is plain
    text. `.table` has a row a line: `line, value, low, high, first, last, behind`. Lines are the
    layers of `gaps`, with its interval of the works; `share_home` and `share_partner`, joint works
    over the works of each, the second empty where the records hold none of the partner without
    home; `persons_home` and `persons_partner`, authors of each on the joint works. `first` and
    `last` are years, `behind` is what to type to see the activities. Numbers of mobile persons are
    those `export_table` would write: masked below `settings.SMALLEST`, else rounded down.

    Raises
    ------
    UnknownNameError
        An institution or language that is not known.
    InputError
        `as_of` is no date.

    Examples
    --------
    >>> works = pd.DataFrame({"activity_id": ["p1", "p2"], "kind": "work", "start": "2024"})
    >>> authors = pd.DataFrame({"activity_id": ["p1", "p1", "p2"], "institution_id": list("LML")})
    >>> card = partner_card(Records({"activities": works, "participants": authors}), "L", "M")
    >>> card.table.set_index("line").value[["works", "share_home"]].tolist()
    [1.0, 0.5]
    """
    home, words = home or settings.HOME, say.words_of(lang, "card")
    bodies = records.institutions.set_index("institution_id", drop=False)
    for body in (home, partner):
        if body not in bodies.index:
            raise UnknownNameError("institution", body, bodies.index)
    whole = gaps(records, home, years, as_of=as_of, lang=lang)
    note = whole.attrs["note"] | {"what": "partner card", "partner": partner}
    works = joint(records, "work", home, years=years).query("partner == @partner")
    table = _lines(records, whole, works, note)
    own, name = (str(say.name_in(bodies.loc[one], words["lang"])) for one in (home, partner))
    mine, labels = whole[whole["partner"] == partner], words["lines"]
    fields = mine[["fields_works", "fields_projects"]].set_axis(["works", "projects"], axis=1)
    counts = works["first"].value_counts()
    counts = counts.reindex(
        range(counts.index.min(), counts.index.max() + 1) if len(counts) else []
    )
    counts = counts.fillna(0).astype(int)
    parts = {
        words["trend"]: [", ".join(f"{year}: {n}" for year, n in counts.items())],
        words["fields"]: [
            f"{labels[k]}: {f.iloc[0]}" for k, f in fields.items() if f.notna().any()
        ],
        words["agreements"].format(day=note["as_of"]): _agreed(records, note, words),
        words["top"]: _top(records, works, words),
    }
    parts = {head: [*filter(None, items)] for head, items in parts.items() if any(items)}
    period = say.years(*(years or (pd.NA, pd.NA)), words) or words["all_years"]
    lead = [_place(bodies, home, partner, own, words), words["synthetic"] * note["synthetic"]]
    lead.append(mine["why"].iloc[0] if len(mine) else words["nothing"])
    foot = words["foot"].format(years=period, day=note["as_of"], store=note["store"] or "–")
    rows = [
        (labels[row["line"]].format(home=own), *_said(row, words, own))
        for row in table.to_dict("records")
    ]
    lines = [f"{label}: {value}" + f" ({detail})" * bool(detail) for label, value, detail in rows]
    listed = [line for head, items in parts.items() for line in (head, *(f"  {i}" for i in items))]
    cells = [
        f"<tr><th>{plain(a)}</th><td>{plain(b)}</td><td>{plain(c)}</td></tr>" for a, b, c in rows
    ]
    blocks = [
        f"<h4>{plain(head)}</h4>{_spark(counts) if head == words['trend'] else ''}<ul>"
        + "".join(f"<li>{LINK.sub(ANCHOR, plain(item, 400))}</li>" for item in items)
        + "</ul>"
        for head, items in parts.items()
    ]
    page = {"name": name, "place": lead[0], "stamp": lead[1], "why": lead[2], "foot": foot}
    page |= {"behind": words["behind"], "lang": words["lang"]}
    page = {key: plain(told, 400) for key, told in page.items()}
    page |= {"lines": "".join(cells), "parts": "".join(blocks)}
    page["calls"] = "\n".join(plain(call, 400) for call in table["behind"].dropna())
    template = (files("collabnet") / "data" / "card.html").read_text(encoding="utf-8")
    text = "\n".join(filter(None, [name, *lead, *lines, *listed, foot]))
    return Card(table, template.format(**page), text)


def _lines(
    records: Records, whole: pd.DataFrame, works: pd.DataFrame, note: dict[str, Any]
) -> pd.DataFrame:
    """Return the lines of the card as a table."""
    home, partner, years, n = note["home"], note["partner"], note["years"], len(works)
    projects = joint(records, "project", home, years=years).query("partner == @partner")
    table = pd.DataFrame(index=pd.Index([*LAYERS, *OTHER], name="line"), columns=NUMBERS)
    none = whole[[*LAYERS]].notna().any().map({True: 0, False: pd.NA})
    exact, safe = (t.set_index("partner") for t in (whole, guard(whole)))
    there = partner in exact.index
    exact, safe = (exact.loc[partner], safe.loc[partner]) if there else (none, none)
    table["value"] = safe.reindex(table.index)
    table.loc["works", ["low", "high"]] = [safe.get(f"works_{end}") for end in ("low", "high")]
    for layer, met in (("works", works), ("projects", projects)):
        table.loc[layer, ["first", "last"]] = [met["first"].min(), met["last"].max()]
    sizes = (
        note["of_home"].get("works", 0),
        output(records, years=years).set_index("unit")["output"],
    )
    table.loc["share_home", "value"] = n / sizes[0] if sizes[0] else None
    known = sizes[1].get(partner, 0)
    table.loc["share_partner", "value"] = n / known if known > n else None
    people = records.lazy("participants").filter(
        nw.col(join_key(records)).is_in([*works["activity"]])
    )
    people = engine.collect(people.select("institution_id", "person_id")).dropna()
    authors = people.groupby("institution_id")["person_id"].nunique()
    for side, body in (("persons_home", home), ("persons_partner", partner)):
        table.loc[side, "value"] = authors.get(body) if n else 0
    table = table.astype("Float64").astype(dict.fromkeys(NUMBERS[1:], "Int64"))
    moved = pd.to_numeric(exact.reindex(table.index), errors="coerce").gt(0)
    table["masked"] = table.index.isin([*WAYS]) & moved.fillna(value=False).astype(bool)
    end = f"home={home!r}, years={years!r}, as_of={note['as_of']!r})"
    calls = {layer: f"cn.behind_gap(records, {partner!r}, {layer!r}, {end}" for layer in LAYERS}
    table["behind"] = pd.Series(calls, dtype="string").reindex(table.index)
    table = table.reset_index()
    table.attrs["note"] = note | {"smallest": settings.SMALLEST}
    return table


def _said(row: dict[str, Any], words: Words, own: str) -> tuple[str, str]:
    """Return a value as it is written, and what is said beside it."""
    value, alone = row["value"], words["alone"].format(home=own)
    if pd.isna(value):
        few = words["few"].format(n=settings.SMALLEST)
        return few if row["masked"] else words["not_known"], alone * (
            row["line"] == "share_partner"
        )
    share = row["line"].startswith("share")
    text = f"{number(round(100 * value, 1), words)} %" if share else number(value, words)
    text = words["at_least"].format(n=text) if row["masked"] else text
    detail = [words["interval"].format(**row)] if value and pd.notna(row["low"]) else []
    return text, "; ".join(filter(None, [*detail, say.years(row["first"], row["last"], words)]))


def _place(bodies: pd.DataFrame, home: str, partner: str, own: str, words: Words) -> str:
    """Say where the partner is, in which regions, and how far from home."""
    here, there = bodies.loc[home], bodies.loc[partner]
    regions = memberships(bodies.loc[[partner]].reset_index(drop=True), settings.REGIONS)["region"]
    ids = [there["city"], there["country"], *regions]
    found = names_of(filter(pd.notna, ids), None, say.words_of(words["lang"]))
    km = geo.distance_km(*(body[axis] for body in (here, there) for axis in ("lat", "lon")))
    if pd.notna(km):
        found.append(words["from_home"].format(km=number(round(float(km)), words), home=own))
    return ", ".join(found) or words["no_place"]


def _agreed(records: Records, note: dict[str, Any], words: Words) -> list[str]:
    """List the agreements with the partner, with their dates."""
    table, found = agreement_status(records, note["home"], as_of=note["as_of"]), []
    soon = words["ending"].format(months=table.attrs["note"]["months"])
    mine = table[table["partner"] == note["partner"]].fillna({"start": "?", "end": "?"})
    for row in mine.to_dict("records"):
        dates = f"{row['start']} – {words['open'] if row['end_status'] == 'open' else row['end']}"
        told = [*([dates] if dates != "? – ?" else []), words["status"][row["status"]]]
        title = row["title"] if pd.notna(row["title"]) else row["activity_id"]
        found.append(f"{title}: {', '.join(told + [soon] * row['ending'])}")
    return found


def _top(records: Records, works: pd.DataFrame, words: Words) -> list[str]:
    """List the most cited joint works, each with the address of its DOI."""
    acts = records.lazy("activities").filter(nw.col(join_key(records)).is_in([*works["activity"]]))
    table = engine.collect(acts.select("activity_id", "title", "year", "doi", "cited_by"))
    order = {"cited_by": False, "year": False, "activity_id": True}
    table, found = table.sort_values([*order], ascending=[*order.values()]).head(TOP), []
    for row in table.to_dict("records"):
        title = row["title"] if pd.notna(row["title"]) else row["activity_id"]
        told = [title if len(title) <= LONGEST else f"{title[:LONGEST]}…"]
        told += [f"{row['year']:.0f}"] if pd.notna(row["year"]) else []
        cited = row["cited_by"]
        told += [say.count(words, "cited", int(cited))] if pd.notna(cited) else []
        doi = isinstance(row["doi"], str) and DOI.fullmatch(row["doi"])
        found.append(", ".join(told) + (f" https://doi.org/{quote(row['doi'])}" if doi else ""))
    return found


def _spark(counts: pd.Series) -> str:
    """Draw numbers by year as a line; they stand beside it as text."""
    points = " ".join(
        f"{24 * i + 4},{40 - 36 * n / counts.max():.1f}" for i, n in enumerate(counts)
    )
    size = f'viewBox="0 0 {24 * len(counts)} 44" height="44"'
    line = f'<polyline fill="none" stroke="currentColor" stroke-width="2" points="{points}"/>'
    return f'<svg aria-hidden="true" {size}>{line}</svg>'
