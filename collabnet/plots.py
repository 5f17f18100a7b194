"""Maps as plotly figures: returned, never shown.

Shapes are projected here and drawn on plain axes as SVG, so that a figure needs nothing but itself:
no base map is fetched, in a page, a notebook or a picture.
"""

from __future__ import annotations

import html
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from collabnet import geo, settings, sheet
from collabnet.errors import InputError, MissingExtraError, UnknownNameError
from collabnet.partnerships import around
from collabnet.regions import memberships
from collabnet.regions import region as region_named
from collabnet.sheet import GREY, INK, LABEL, SEA, SMALL, Sheet, plain, text_width, wrap

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = ("#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
"""Okabe & Ito 2008, Color Universal Design: told apart by colour-blind readers."""

SYMBOLS = ("diamond", "square", "triangle-up", "pentagon", "hexagram", "triangle-down")
"""A second sign of the region, for print in grey."""

FOUND = {
    "both": ("#009E73", "circle", "solid"),
    "left": ("#D55E00", "triangle-up", "solid"),
    "right": ("#0072B2", "square", "dash"),
}
WIDTHS = (0.8, 1.7, 3.0, 4.8)
LARGEST, SMALLEST, STAR = 26, 7, 15
MARGIN = 16
HALO = ", ".join(["0 0 2px #ffffff"] * 4)

WORDS = {
    "en": {
        "work": "co-publications",
        "agreement": "agreements",
        "project": "joint projects",
        "mobility": "mobility",
        "commitment": "commitments",
        "link": "joint activities",
        "full": "full counting",
        "fractional": "fractional counting, 1/(n−1)",
        "refined": "refined counting, 2/(n(n−1))",
        "synthetic": "Synthetic works: made by a program, not observed",
        "elsewhere": "Elsewhere",
        "home": "Home institution",
        "shown": "{n} partners",
        "one": "1 partner",
        "top": "{n} strongest of {all} partners, {hidden} hidden",
        "none": "No partner to show here.",
        "unplaced": "{n} partners without coordinates are not drawn",
        "unplaced_one": "1 partner without coordinates is not drawn",
        "outside": "{n} partners lie outside this region",
        "outside_one": "1 partner lies outside this region",
        "overlap": "regions overlap: a partner has the colour of the first it lies in",
        "lists": "region lists: {names}",
        "since": "since {first}",
        "title": "{what} of {home}",
        "title_in": "{what} of {home}: {region}",
        "against": "{left} against {right}",
        "both": "Both",
        "only": "{what} only",
    },
    "fr": {
        "work": "copublications",
        "agreement": "accords",
        "project": "projets communs",
        "mobility": "mobilités",
        "commitment": "engagements",
        "link": "activités communes",
        "full": "comptage entier",
        "fractional": "comptage fractionnaire, 1/(n−1)",
        "refined": "comptage affiné, 2/(n(n−1))",
        "synthetic": "Publications synthétiques : produites par un programme, non observées",
        "elsewhere": "Ailleurs",
        "home": "Établissement d’attache",
        "shown": "{n} partenaires",
        "one": "1 partenaire",
        "top": "{n} premiers de {all} partenaires, {hidden} masqués",
        "none": "Aucun partenaire à montrer ici.",
        "unplaced": "{n} partenaires sans coordonnées ne sont pas tracés",
        "unplaced_one": "1 partenaire sans coordonnées n’est pas tracé",
        "outside": "{n} partenaires sont hors de cette région",
        "outside_one": "1 partenaire est hors de cette région",
        "overlap": "les régions se recoupent : couleur de la première où se trouve le partenaire",
        "lists": "listes de régions : {names}",
        "since": "depuis {first}",
        "title": "{home} : {what}",
        "title_in": "{home} : {what} – {region}",
        "against": "{left} et {right}",
        "both": "Les deux",
        "only": "{what} seulement",
    },
}


class _Group(NamedTuple):
    """Partners drawn alike: what the legend says of them, and their looks."""

    key: str
    label: str
    colour: str
    symbol: str
    dash: str = "solid"


def plot_map(
    edges: pd.DataFrame,
    institutions: pd.DataFrame,
    *,
    home: str = settings.HOME,
    region: str | None = None,
    regions: Sequence[str] | None = None,
    top: int = 300,
    labels: int = 12,
    title: str | None = None,
    lang: str | None = None,
    width: int = 1100,
    height: int = 680,
) -> go.Figure:
    """Draw the links of an institution as flows on a map.

    A line is as wide, and a mark as large, as the link is strong; the colour and the sign are those
    of the first of `regions` the partner lies in. Bodies that share a point are fanned out.

    Parameters
    ----------
    edges
        An edge table, or a table of `around`.
    institutions
        Where the institutions are and what they are called.
    home
        The institution in the middle.
    region
        Show the partners of this region only, in its view; by default all, on a map of the world.
    regions
        Names of the regions that give the colours; `settings.REGIONS` by default.
    top
        How many partners are drawn, the strongest first; the figure says how many are hidden.
    labels
        How many of them are named, where there is room.
    title
        By default, what the links are, whose, and when.
    lang
        {"en", "fr"}; `settings.LANGUAGE` by default.
    width, height
        Pixels.

    Returns
    -------
    A figure that draws offline wherever plotly does.

    Raises
    ------
    UnknownNameError
        An institution, region or language that is not known.
    InputError
        The home institution has no coordinates.

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["L"], "target": ["M"], "weight": [3.0]})
    >>> bodies = pd.DataFrame({"institution_id": ["L", "M"], "name": ["Liège", "Maastricht"],
    ...     "country": ["BE", "NL"], "lat": [50.63, 50.85], "lon": [5.57, 5.69]})
    >>> plot_map(links, bodies, home="L").layout.title.subtitle.text
    '1 partner'
    """
    show = {"region": region, "top": top, "labels": labels, "title": title, "size": (width, height)}
    return _flows(edges, institutions, home, regions, _language(lang), shaded=False, **show)


def plot_region(
    edges: pd.DataFrame,
    institutions: pd.DataFrame,
    region: str,
    *,
    home: str = settings.HOME,
    regions: Sequence[str] | None = None,
    top: int = 300,
    labels: int = 16,
    title: str | None = None,
    lang: str | None = None,
    width: int = 1100,
    height: int = 680,
) -> go.Figure:
    """Draw the links of an institution into a region, over the units the region is made of.

    Parameters
    ----------
    edges, institutions, home, regions, top, labels, title, lang, width, height
        As in `plot_map`.
    region
        Name of the region: its NUTS 3 units or countries are shaded.

    Raises
    ------
    UnknownNameError
        An institution, region or language that is not known.
    InputError
        The home institution has no coordinates.

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["L"], "target": ["M"], "weight": [3.0]})
    >>> bodies = pd.DataFrame({"institution_id": ["L", "M"], "name": ["Liège", "Rabat"],
    ...     "country": ["BE", "MA"], "lat": [50.63, 34.01], "lon": [5.57, -6.83]})
    >>> plot_region(links, bodies, "maghreb", home="L").layout.title.subtitle.text
    '1 partner'
    """
    show = {"region": region, "top": top, "labels": labels, "title": title, "size": (width, height)}
    return _flows(edges, institutions, home, regions, _language(lang), shaded=True, **show)


def plot_compare(
    compared: pd.DataFrame,
    institutions: pd.DataFrame,
    *,
    home: str = settings.HOME,
    region: str | None = None,
    top: int = 300,
    labels: int = 12,
    title: str | None = None,
    lang: str | None = None,
    width: int = 1100,
    height: int = 680,
) -> go.Figure:
    """Draw two kinds of links on one map: which partners have both, and which only one.

    Parameters
    ----------
    compared
        A table of `compare_edges`; its notes give the two kinds their names. A mark is as large as
        the left link is strong.
    institutions, home, region, top, labels, title, lang, width, height
        As in `plot_map`.

    Raises
    ------
    UnknownNameError
        An institution, region or language that is not known.
    InputError
        The home institution has no coordinates.

    Examples
    --------
    >>> compared = pd.DataFrame({"source": ["L"], "target": ["M"], "weight_left": [3.0],
    ...     "weight_right": [None], "found": ["left"]})
    >>> bodies = pd.DataFrame({"institution_id": ["L", "M"], "name": ["Liège", "Maastricht"],
    ...     "country": ["BE", "NL"], "lat": [50.63, 50.85], "lon": [5.57, 5.69]})
    >>> plot_compare(compared, bodies, home="L").layout.title.subtitle.text
    '1 partner'
    """
    lang = _language(lang)
    words = WORDS[lang]
    note = compared.attrs.get("note", {})
    kinds = [_kind(note.get(side, {}), words) for side in ("left", "right")]
    table = around(compared, home)
    table["weight"] = table["weight_left"].astype("Float64").fillna(0.0)
    rows, here = _rows(table, institutions, home, lang)
    rows["group"] = rows["found"]
    for side, kind in zip(("left", "right"), kinds, strict=True):
        weight = rows[f"weight_{side}"].map(lambda w: _number(w, lang), na_action="ignore")
        rows["hover"] += ("<br>" + kind + ": " + weight.astype("string")).fillna("")
    names = [words["both"], *(words["only"].format(what=_capital(kind)) for kind in kinds)]
    groups = [_Group(key, n, *FOUND[key]) for key, n in zip(FOUND, names, strict=True)]
    told = [_told(note.get(side, {}), words) for side in ("left", "right")]
    show = {"region": region, "top": top, "labels": labels, "title": title, "size": (width, height)}
    return _figure(
        rows,
        here,
        groups,
        institutions,
        what=words["against"].format(left=_capital(kinds[0]), right=kinds[1]),
        told=list(dict.fromkeys(filter(None, told))),
        synthetic=any(note.get(side, {}).get("synthetic") for side in ("left", "right")),
        lang=lang,
        **show,
    )


def save_figure(fig: go.Figure, path: str | Path) -> Path:
    """Write a figure to a file that needs no network.

    Parameters
    ----------
    fig
        A figure of this module.
    path
        Ends in .html (one self-contained page), .png (at twice the size) or .svg. Pictures need the
        extra `export` and a Chromium or Chrome.

    Returns
    -------
    The path.

    Raises
    ------
    UnknownNameError
        Another ending.
    MissingExtraError
        A picture is asked for and kaleido is not installed.
    InputError
        A picture is asked for and no browser is found.

    Examples
    --------
    >>> import plotly.graph_objects as go, tempfile
    >>> save_figure(go.Figure(), Path(tempfile.mkdtemp()) / "empty.html").name
    'empty.html'
    """
    path = Path(path)
    if path.suffix == ".html":
        path.write_text(_page(fig), encoding="utf-8")
        return path
    if path.suffix not in {".png", ".svg"}:
        raise UnknownNameError("picture format", path.suffix, (".html", ".png", ".svg"))
    try:
        import kaleido  # noqa: F401
        from choreographer.errors import ChromeNotFoundError
    except ImportError:
        raise MissingExtraError(f"Writing {path.name}", "kaleido", "export") from None
    if Path("/usr/bin/chromium").exists():
        os.environ.setdefault("BROWSER_PATH", "/usr/bin/chromium")
    try:
        fig.write_image(path, scale=2 if path.suffix == ".png" else 1)
    except ChromeNotFoundError:
        raise InputError(
            f"{path.name} is drawn by Chromium or Chrome, and none was found: install one, or set "
            "BROWSER_PATH to it."
        ) from None
    return path


def _page(fig: go.Figure) -> str:
    """Return a page that holds the figure and plotly, and that may not ask for anything else."""
    meta = fig.layout.meta or {}
    body = fig.to_html(
        full_html=False,
        include_plotlyjs=True,
        include_mathjax=False,
        div_id="collabnet-figure",
        config={
            "displaylogo": False,
            "scrollZoom": True,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        },
    )
    policy = (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "img-src data: blob:"
    )
    title = html.escape(meta.get("title", "collabnet"))
    return (
        f'<!doctype html>\n<html lang="{meta.get("lang", "en")}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<title>{title}</title>\n'
        "</head>\n<body>\n"
        f'<div role="img" aria-label="{title}">{body}</div>\n</body>\n</html>\n'
    )


def _flows(
    edges: pd.DataFrame,
    institutions: pd.DataFrame,
    home: str,
    regions: Sequence[str] | None,
    lang: str,
    **show: Any,
) -> go.Figure:
    """Draw links coloured by the first region their partner lies in."""
    words = WORDS[lang]
    note = edges.attrs.get("note", {})
    names = list(settings.REGIONS if regions is None else regions)
    table = edges[edges["home"] == home] if "partner" in edges else around(edges, home)
    rows, here = _rows(table, institutions, home, lang)
    groups = [
        _Group(name, _label(name, lang), COLOURS[i % len(COLOURS)], SYMBOLS[i % len(SYMBOLS)])
        for i, name in enumerate(names)
    ]
    lies = memberships(institutions, names).drop_duplicates("institution_id")
    rows["group"] = rows["partner"].map(lies.set_index("institution_id")["region"])
    places = rows["group"].map({group.key: group.label for group in groups})
    kind = _kind(note, words)
    rows["hover"] = [
        "<br>".join(filter(None, [row["hover"], plain(place), *_facts(row, kind, words, lang)]))
        for row, place in zip(rows.to_dict("records"), places.fillna(""), strict=True)
    ]
    told = [_told(note, words), words["overlap"], words["lists"].format(names=", ".join(names))]
    return _figure(
        rows,
        here,
        [*groups, _Group("", words["elsewhere"], GREY, "circle")],
        institutions,
        what=_capital(kind),
        told=list(filter(None, told)),
        synthetic=bool(note.get("synthetic")),
        lang=lang,
        weights=_capital(kind),
        **show,
    )


def _rows(
    table: pd.DataFrame, institutions: pd.DataFrame, home: str, lang: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the partners with name, country, place and weight, the strongest first; and home."""
    bodies = institutions.drop_duplicates("institution_id").set_index("institution_id")
    if home not in bodies.index:
        raise UnknownNameError("institution", home, bodies.index)
    bodies = bodies.assign(name=_names(bodies, lang))
    here = {"id": home, **bodies.loc[home, ["name", "lat", "lon"]]}
    if pd.isna(here["lat"]) or pd.isna(here["lon"]):
        raise InputError(
            f"{here['name']} ({home}) has no coordinates: give its lat and lon in the table of "
            "institutions to draw a map around it."
        )
    rows = table.reset_index(drop=True)
    for column in ("name", "country", "lat", "lon"):
        rows[column] = bodies[column].reindex(rows["partner"]).to_numpy()
    rows["name"] = rows["name"].fillna(rows["partner"]).astype("string")
    rows["hover"] = [f"<b>{plain(name)}</b>" for name in rows["name"]]
    rows = rows.sort_values(["weight", "name", "partner"], ascending=[False, True, True])
    return rows.reset_index(drop=True), here


def _figure(
    rows: pd.DataFrame,
    here: dict[str, Any],
    groups: list[_Group],
    institutions: pd.DataFrame,
    *,
    what: str,
    told: list[str],
    synthetic: bool,
    lang: str,
    region: str | None,
    top: int,
    labels: int,
    title: str | None,
    size: tuple[int, int],
    shaded: bool = False,
    weights: str | None = None,
) -> go.Figure:
    """Choose what is drawn, write what is said of it, and lay both out."""
    import plotly.graph_objects as go

    words, said = WORDS[lang], geo.sources(lang)
    rules = None if region is None else region_named(region)
    lies = np.full(len(rows), True)
    if rules is not None:
        lies = rows["partner"].isin(memberships(institutions, [rules])["institution_id"])
    placed = rows[["lat", "lon"]].notna().all(axis=1)
    seen = rows[lies & placed]
    drawn = seen.head(top).reset_index(drop=True)
    known = [group.key for group in groups]
    drawn["group"] = drawn["group"].where(drawn["group"].isin(known), known[-1])
    groups = [group for group in groups if (drawn["group"] == group.key).any()]

    pattern = words["title" if region is None else "title_in"]
    place = "" if region is None else _label(region, lang)
    given = title or pattern.format(what=what, home=here["name"], region=place)
    shown = _count("shown", len(seen), words)
    if len(drawn) < len(seen):
        hidden = {"n": len(drawn), "all": len(seen), "hidden": len(seen) - len(drawn)}
        shown = words["top"].format(**hidden)
    shown = [shown, _count("outside", int((~lies).sum()), words)]
    told = [*told, _count("unplaced", int((lies & ~placed).sum()), words)]

    inner = size[0] - 2 * MARGIN
    view = _view(region, rules, institutions)
    source = [said["countries"], said["disclaimer"]]
    if sheet.shows_nuts(view):
        source.insert(0, said["nuts3"])
    titles = wrap(given, inner, 20, 2)
    subtitles = wrap(" · ".join(filter(None, shown)), inner - (420 if weights else 0), 13, 2)
    feet = wrap(_capital(" · ".join(filter(None, told))), inner, SMALL, 3)
    feet += wrap(" ".join(source), inner, SMALL, 2)
    feet = [*([f"<b>{words['synthetic']}</b>"] if synthetic else []), *feet]
    entries = [f"{g.label} ({int((drawn['group'] == g.key).sum())})" for g in groups]
    entry = 44 + max((text_width(text, LABEL) for text in entries), default=0)
    above = 22 + 25 * len(titles) + 17 * len(subtitles)
    below = 16 + 21 * math.ceil(len(entries) / max(1, inner // entry)) + 15 * len(feet)

    page = Sheet(view, inner, size[1] - above - below)
    sheet.draw_base(page, geo.region_shapes(rules) if shaded and rules is not None else None)
    taken = _draw_partners(page, drawn, here, groups, labels, weights)
    sheet.name_countries(page, taken, lang)
    notes = [_text(words["none"], x=0.5, y=0.5, size=16)] if drawn.empty else []
    notes += _home_outside(page, drawn, here)
    corner = {"x": 0, "y": 0, "xanchor": "left", "yanchor": "bottom", "size": SMALL, "color": GREY}
    notes += [
        _text(line, **corner, yshift=8 + 15 * i - below) for i, line in enumerate(reversed(feet))
    ]
    for group, text in zip(groups, entries, strict=True):
        looks = {"size": 10, "symbol": group.symbol, "color": group.colour}
        page.draw([None], [None], mode="markers", marker=looks, name=text, legendgroup=group.key)
        page.traces[-1]["showlegend"] = True

    axis = {"visible": False}
    legend = {"orientation": "h", "itemsizing": "constant", "bgcolor": "rgba(0,0,0,0)"}
    layout = {
        "width": size[0],
        "height": size[1],
        "margin": {"l": MARGIN, "r": MARGIN, "t": above, "b": below, "autoexpand": False},
        "paper_bgcolor": "white",
        "plot_bgcolor": SEA if view.projection == "azimuthal" else "white",
        "font": {"family": sheet.FONT, "size": LABEL, "color": INK},
        "title": {
            "text": "<br>".join(map(_plain, titles)),
            "font": {"size": 20, "color": INK},
            "subtitle": {"text": "<br>".join(subtitles), "font": {"size": 13, "color": GREY}},
            "x": MARGIN / size[0],
            "y": 1 - 30 / size[1],
            "yref": "container",
            "yanchor": "top",
        },
        "xaxis": {**axis, "range": [page.limits[0], page.limits[2]]},
        "yaxis": {**axis, "range": [page.limits[1], page.limits[3]], "scaleanchor": "x"},
        "legend": {**legend, "x": 0, "y": 0, "yanchor": "top"},
        "legend2": {
            **legend,
            "x": 1,
            "y": 1,
            "xanchor": "right",
            "yanchor": "bottom",
            "itemclick": False,
            "itemdoubleclick": False,
            "title": {"text": f"{plain(weights or '')} ", "side": "left"},
        },
        "hoverlabel": {"align": "left", "bgcolor": "white", "font": {"color": INK}},
        "hovermode": "closest",
        "dragmode": "pan",
        "annotations": notes,
        "meta": {"title": f"{given}. {'. '.join(filter(None, shown))}.", "lang": lang},
    }
    return go.Figure({"data": page.traces, "layout": layout})


def _draw_partners(
    page: Sheet,
    drawn: pd.DataFrame,
    here: dict[str, Any],
    groups: list[_Group],
    labels: int,
    weights: str | None,
) -> list[tuple]:
    """Draw lines, marks and labels; return the boxes in pixels that they fill."""
    hub = tuple(float(x) for x in page.pixels(here["lon"], here["lat"]))
    weight = drawn["weight"].to_numpy(dtype=float)
    strongest = max(weight.max(initial=0), 1e-9)
    radius = np.maximum(LARGEST * np.sqrt(weight / strongest), SMALLEST) / 2
    px, py = page.pixels(drawn["lon"], drawn["lat"])
    x, y = sheet.fan(px, py, radius, hub)
    steps = _steps(weight) if weights else []
    width = np.searchsorted(steps, weight, side="right") + len(WIDTHS) - 1 - len(steps)
    marks = np.column_stack([x, y, radius])
    marks = np.vstack([marks, [[*hub, STAR / 2]]])

    lines = [_lines(name) for name in [here["name"], *drawn["name"].head(labels)]]
    wanted = [(*marks[i - 1], text) for i, text in enumerate(lines)]
    wanted = [w for w in wanted if page.holds(*w[:2])]
    spots = {
        w[:2]: found for w, found in zip(wanted, sheet.place(page, wanted, marks), strict=True)
    }

    for group in groups:
        mine = np.flatnonzero(drawn["group"] == group.key)
        for level in np.unique(width[mine])[::1]:
            ways = [
                _way(page, here, drawn, i, (x, y), (px, py)) for i in mine[width[mine] == level]
            ]
            line = {"color": group.colour, "width": WIDTHS[level], "dash": group.dash}
            path = np.concatenate(ways, axis=1)[:, :-1]
            page.draw(*path, line=line, opacity=0.45, legendgroup=group.key)
    for group in groups:
        mine = np.flatnonzero(drawn["group"] == group.key)
        page.draw(
            x[mine],
            y[mine],
            mode="markers",
            marker={
                "size": 2 * radius[mine],
                "symbol": group.symbol,
                "color": group.colour,
                "opacity": 0.9,
                "line": {"color": "white", "width": 1},
            },
            hoverinfo="text",
            hovertext=drawn["hover"].iloc[mine].tolist(),
            legendgroup=group.key,
        )
    star = {"size": STAR, "symbol": "star", "color": INK, "line": {"color": "white", "width": 1}}
    page.draw(
        [hub[0]],
        [hub[1]],
        mode="markers",
        marker=star,
        hoverinfo="text",
        hovertext=f"<b>{plain(here['name'])}</b>",
    )
    _draw_labels(page, ["", *drawn["group"]], lines, marks, spots)
    _draw_steps(page, steps, strongest)
    boxes = [box for _, box in spots.values() if box]
    return [*boxes, *((a - r, b - r, a + r, b + r) for a, b, r in marks)]
