"""The brief of a region: one A4 page, without scripts, that a rector's office reads on paper."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from collabnet import engine, geo, settings
from collabnet import words as say
from collabnet.agreements import WAYS, agreement_status
from collabnet.charts import names_of
from collabnet.exports import replacing
from collabnet.gap_table import gaps
from collabnet.links import joint
from collabnet.parties import Years
from collabnet.plots import view_around
from collabnet.privacy import guard, rounded
from collabnet.records import Records
from collabnet.regions import memberships, unplaced
from collabnet.regions import region as region_named
from collabnet.sheet import LABEL, LINE, Sheet, draw_base, fan, name_countries, place
from collabnet.standard import profile
from collabnet.words import Words, capital, count, number, plain, wrap

SIZE = (430, 330)  # of the map, in pixels
NAMED, ROWS, AGREEMENTS, FILES = 12, 12, 5, 3
LONGEST = 18  # name of a country; of a longer one the code is given
LANDED = ("lon", "lat")


def write_report(
    records: Records,
    path: str | Path,
    *,
    region: str,
    home: str | None = None,
    lang: str | None = None,
    years: Years | None = None,
    as_of: str | None = None,
) -> Path:
    """Write the brief of a region: one HTML page that prints on one A4 sheet.

    It holds a map, key figures, the partners by class, the agreements that need attention, and what
    all this rests on; `years` and `as_of` are those of `gaps`. What finds no room is counted.
    """
    path, words = Path(path), say.words_of(lang, "report")
    home, lang = home or settings.HOME, words["lang"]
    rules, bodies = (
        region_named(region),
        records.institutions.set_index("institution_id", drop=False),
    )
    whole = gaps(records, home, years, as_of=as_of, lang=lang)
    note = whole.attrs["note"]
    inside = memberships(records.institutions, [rules])["institution_id"]
    table = whole[whole["partner"].isin(inside)]
    ids = [region, home, *inside]
    where, own, *called = names_of(ids, records.institutions, say.words_of(lang))
    names = dict(zip(inside, called, strict=True))
    agreed = agreement_status(records, home, as_of=note["as_of"], years=years)
    agreed = agreed[agreed["partner"].isin(inside)].astype(object)
    agreed = agreed.where(agreed.notna(), None).assign(shown=agreed["partner"].map(names))
    around = unplaced(records.institutions, rules)["institution_id"]
    there = bodies.loc[table["partner"]].assign(held=(table["agreements_in_force"] > 0).array)
    there = there.assign(weight=table[["works", "projects"]].astype(float).max(axis=1).array)
    period = say.years(*(years or (pd.NA, pd.NA)), words) or words["all_years"]
    lost = {"unplaced": int(there[[*LANDED]].isna().any(axis=1).sum())}
    lost["doubt"] = int(whole["partner"].isin(around).sum())
    read = [plain(one["file"], 40) for one in records.provenance["sources"]]
    read = [*read[:FILES], *([f"+ {len(read) - FILES}"] if len(read) > FILES else [])]
    terms = {"years": period, "day": note["as_of"], "region": plain(where), "home": plain(own)}
    foot = [words["note"], *(count(words, k, n) for k, n in lost.items() if n)]
    foot.append(words["list"].format(source=plain(rules.attrs["source"], 200)))
    foot.append(words["sources"].format(files="; ".join(read) or "–", store=note["store"] or "–"))
    foot += geo.sources(lang).values()
    made_up = _made_up(records)
    drawn = _map(there, bodies.reindex([home]).iloc[0], rules, names, words)
    terms |= {"named": str(drawn.count('class="name"')), "all": str(len(there))}
    parts = {
        "lang": lang,
        "title": words["title"].format(**terms),
        "lead": words["lead"].format(**terms),
        "stamp": words[made_up] if note["synthetic"] else "",
        "map": drawn,
        "legend": words["legend"].format(**terms),
        "columns": "".join(f"<th scope=col>{name}</th>" for name in words["columns"]),
        "width": SIZE[0],
        "height": SIZE[1],
        "figures": _figures(records, rules, table, whole, words),
        "partners": _partners(table, names, words, words[f"{made_up}_tag"]),
        "attention": _attention(agreed, table, words),
        "foot": " ".join(foot),
        "made": f"collabnet {version('collabnet')}",
        **{key: words[key] for key in words if key.startswith("head_")},
    }
    page = (files("collabnet") / "data" / "report.html").read_text(encoding="utf-8")
    with replacing(path) as fresh:
        fresh.write_text(page.format(**parts), encoding="utf-8", errors="replace", newline="\n")
    return path


def _made_up(records: Records) -> str:
    """Say whether it is works that are synthetic, or examples of something else."""
    made = records.lazy("activities").filter(nw.col("synthetic")).select("kind").unique()
    return "synthetic" if "work" in set(engine.collect(made)["kind"]) else "invented"


def _map(
    there: pd.DataFrame,
    here: pd.Series,
    rules: pd.DataFrame,
    names: dict[str, str],
    words: Words,
) -> str:
    """Draw the region and its partners as SVG: larger where more is done, filled where agreed."""
    placed = there.dropna(subset=[*LANDED]).sort_values("weight", ascending=False)
    sheet = Sheet(view_around(rules, placed, dict(here[[*LANDED]])), *SIZE)
    draw_base(sheet, None if rules.attrs["region"] == "world" else geo.region_shapes(rules))
    own = here[[*LANDED]].astype("Float64").to_numpy("float64", na_value=np.nan)
    hub = np.array(sheet.pixels(*own))
    shown = sheet.holds(*hub)
    most = placed["weight"].max() or 1
    radius = 3 + 6 * np.sqrt(placed["weight"].fillna(0).to_numpy() / most)
    x, y = fan(*sheet.pixels(*(placed[axis].to_numpy(float) for axis in LANDED)), radius, hub)
    ways = [geo.great_circle(*own, *end) for end in placed[[*LANDED]].to_numpy()]
    ways = [np.array(sheet.pixels(*way)) for way in ways if not np.isnan(own).any()]
    for way in ways:
        sheet.draw(*way, line={"color": "#8f8a7d", "width": 0.6})
    star = [(*hub, 8.0)] if shown else [(sheet.width / 2, sheet.height / 2, 0.0)]
    marks = np.array([*star, *zip(x, y, radius, strict=True)])
    seen = [n for n in range(len(x)) if sheet.holds(x[n], y[n])][: 4 * NAMED]
    texts = [wrap(names[placed.index[n]], 130, LABEL, 2) for n in seen]
    lines = np.hstack([*ways, np.full((2, 1), np.nan)])
    wanted = [(x[n], y[n], radius[n], text) for n, text in zip(seen, texts, strict=True)]
    spots = place(sheet, wanted, marks, lines=lines)
    for n in [n for n, spot in enumerate(spots) if spot][NAMED:]:
        spots[n] = None
    taken = [box for _, box in filter(None, spots)]
    dots = [(a - r, b - r, a + r, b + r) for a, b, r in marks]
    name_countries(sheet, [*taken, *dots], lines, words["lang"])
    drawn = [_trace(sheet, trace) for trace in sheet.traces]
    drawn += [
        f'<circle class="{"held" if held else "open"}" cx="{a:.1f}" cy="{b:.1f}" r="{r:.1f}"/>'
        for a, b, r, held in zip(x, y, radius, placed["held"], strict=True)
    ]
    if shown:
        drawn.append(f'<path class="home" d="M{hub[0]:.1f} {hub[1] - 7:.1f}l7 7l-7 7l-7-7z"/>')
    for (a, b, _, text), spot in zip(wanted, spots, strict=True):
        if spot:
            at, (left, top, right, _) = spot
            if at.leader:
                drawn.append(f'<path class="leader" d="M{a:.1f} {b:.1f}L{at.x:.1f} {at.y:.1f}"/>')
            drawn.append(_text((left + right) / 2, top + 2, [*map(plain, text)], LABEL))
    return "".join(drawn)


def _trace(sheet: Sheet, trace: dict[str, Any]) -> str:
    """Return what a sheet holds as SVG: names, or lines that NaN cuts."""
    x = (trace["x"].astype(float) - sheet.limits[0]) / sheet.scale
    y = (sheet.limits[3] - trace["y"].astype(float)) / sheet.scale
    if trace["mode"] == "text":
        rows = zip(x, y, (text.split("<br>") for text in trace["text"]), strict=True)
        return "".join(_text(a, b - 6.5 * len(text), text, 10, "land") for a, b, text in rows)
    known, path = np.isfinite(x) & np.isfinite(y), []
    begins = known & ~np.concatenate([[False], known[:-1]])
    for a, b, there, begin in zip(x, y, known, begins, strict=True):
        if there:
            path.append(f"{'M' if begin else 'L'}{a:.1f} {b:.1f}")
    look, fill = trace["line"], trace.get("fillcolor", "none")
    line = f'stroke="{look.get("color", "none")}" stroke-width="{look["width"]}"'
    return f'<path d="{"".join(path)}" fill="{fill}" {line}/>'


def _text(x: float, y: float, lines: list[str], size: int, kind: str = "name") -> str:
    """Write centred lines, whose text is escaped already, from a top edge down."""
    rows = (
        f'<tspan x="{x:.1f}" y="{y + size * (0.85 + LINE * n):.1f}">{line}</tspan>'
        for n, line in enumerate(lines)
    )
    return f'<text class="{kind}">{"".join(rows)}</text>'


def _figures(
    records: Records, rules: pd.DataFrame, table: pd.DataFrame, whole: pd.DataFrame, words: Words
) -> str:
    """Return the key figures, each with what it is held against; what is not known says so."""
    note, name, lines = whole.attrs["note"], rules.attrs["region"], []
    home, years = note["home"], note["years"]
    of, n = words["of"], len(table)
    lines.append(("partners", n, of.format(n=number(len(whole), words))))
    found = profile(records, home, years=years, region=name).set_index("indicator")
    for kind, layer in (("work", "works"), ("project", "projects")):
        met = joint(records, kind, home, years=years)
        near = met.loc[met["partner"].isin(table["partner"]), "activity"].nunique()
        total = note["of_home"].get(layer)
        lines.append((layer, near if total else None, of.format(n=number(total or 0, words))))
    for row in found[found.index == "region_share"].to_dict("records"):
        low, high = (number(round(100 * row[end], 1), words) for end in ("low", "high"))
        share = f"{number(round(100 * row['value'], 1), words)} %"
        lines.append(("share", share, words["interval"].format(low=low, high=high)))
    told = whole["agreements_in_force"].notna().any()
    lines.append(("agreed", int((table["agreements_in_force"] > 0).sum()) if told else None, ""))
    for way in WAYS:
        persons = table[way].sum(min_count=1)
        few = 0 < persons < settings.SMALLEST if pd.notna(persons) else False
        about = None if pd.isna(persons) else rounded(pd.Series([persons]))[0]
        lines.append((way, words["few"].format(n=settings.SMALLEST) if few else about, ""))
    return "".join(
        f"<tr><th scope=row>{words['lines'][key]}</th>"
        + (f'<td colspan="2">{words["unknown"]}</td></tr>' if value is None else "")
        + (f"<td>{_said(value, words)}</td><td>{beside}</td></tr>" if value is not None else "")
        for key, value, beside in lines
    )


def _said(value: Any, words: Words) -> str:
    """Write a value of a table."""
    if value is None or pd.isna(value):
        return "–"
    return value if isinstance(value, str) else number(value, words)


def _partners(table: pd.DataFrame, names: dict[str, str], words: Words, tag: str) -> str:
    """Return the partners by class, the strongest first; those that find no room are counted."""
    classes = say.words_of(words["lang"], "gaps")["classes"]
    order = table["class"].map({one: n for n, one in enumerate(classes)})
    table = guard(table).assign(order=order).sort_values("order", kind="stable")
    lands = names_of(table["country"], None, say.words_of(words["lang"]))
    rows = []
    for row, land in zip(table.head(ROWS).to_dict("records"), lands, strict=False):
        works = _said(row["works"], words)
        if pd.notna(row["works_low"]) and row["works"]:
            works += f" <small>({row['works_low']}–{row['works_high']})</small>"
        verdict = classes[row["class"]] + tag * bool(row["synthetic"])
        short = land if len(land) <= LONGEST else row["country"]  # cut, three of them look alike
        cells = [plain(names[row["partner"]]), plain(short), works, _said(row["projects"], words)]
        cells += [_said(row["agreements_in_force"], words), _said(row["last_activity"], words)]
        cells[-1] = cells[-1].replace(words["separators"][0], "")
        head = f"<th scope=row>{capital(verdict)}</th>"
        rows.append(f"<tr>{head}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    rest = table.iloc[ROWS:]["class"].map(classes).value_counts(sort=False)
    if len(rest):
        more = ", ".join(f"{number(n, words)} {one}" for one, n in rest.items())
        more = words["more"].format(n=number(int(rest.sum()), words), classes=more)
        rows.append(f'<tr><td colspan="7">{more}</td></tr>')
    return "".join(rows) or f'<tr><td colspan="7">{words["no_partner"]}</td></tr>'


def _attention(agreed: pd.DataFrame, table: pd.DataFrame, words: Words) -> str:
    """List the agreements that end soon, are over while the work goes on, sleep, or lack dates."""
    verdict = agreed["partner"].map(table.set_index("partner")["class"])
    status = agreed["status"]
    tests = {
        "ending": agreed["ending"],
        "over": (status == "expired") & (verdict == "expired but alive"),
        "asleep": (status == "in force") & (verdict == "dormant"),
        "dateless": status == "dates unknown",
    }
    why = np.select([test.to_numpy(bool) for test in tests.values()], [*tests], "")
    found = agreed.assign(why=why, order=[[*tests, ""].index(one) for one in why])
    found = found[found["why"] != ""].sort_values(["order", "days_to_expiry", "activity_id"])
    each = found.groupby(["order", "why", "activity_id"], sort=False, dropna=False)
    rows = []
    for (_, reason, _), part in each:
        row = part.iloc[0]
        dates = f"{row['start'] or '?'} – {row['end'] or '?'}"
        title = row["title"] or row["activity_id"]
        who = ", ".join(part["shown"])
        text = f"<b>{words[reason]}</b> {plain(title)} — {plain(who, 120)}"
        rows.append(f"<li>{text}{'' if dates == '? – ?' else f' ({plain(dates)})'}</li>")
    if len(rows) > AGREEMENTS:
        rows[AGREEMENTS:] = [f"<li>{count(words, 'further', len(rows) - AGREEMENTS)}</li>"]
    return "".join(rows) or f"<li>{words['calm']}</li>"
