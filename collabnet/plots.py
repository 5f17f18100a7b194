"""Maps as plotly figures: returned, never shown.

Shapes are projected here and drawn on plain axes as SVG, so that a figure needs nothing but itself:
no base map is fetched, in a page, a notebook or a picture.
"""

from __future__ import annotations

import html
import itertools
import json
import math
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from collabnet import geo, settings, sheet
from collabnet import words as say
from collabnet.errors import InputError, MissingExtraError, UnknownNameError
from collabnet.partnerships import around
from collabnet.privacy import drawable, guard, is_mobile
from collabnet.regions import memberships
from collabnet.regions import region as region_named
from collabnet.sheet import GREY, LABEL, SMALL, Group, Sheet
from collabnet.words import Words, plain, text_width, wrap

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Okabe & Ito 2008, Color Universal Design: told apart by colour-blind readers; the symbols are a
# second sign of the region, for print in grey.
COLOURS = ("#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
SYMBOLS = ("diamond", "square", "triangle-up", "pentagon", "hexagram", "triangle-down")
FOUND = {
    "both": ("#009E73", "circle", "solid"),
    "left": ("#D55E00", "triangle-up", "solid"),
    "right": ("#0072B2", "square", "dash"),
}
MARGIN = 16
LOOKS = json.loads((resources.files("collabnet") / "data" / "looks.json").read_text("utf-8"))


class Show(NamedTuple):
    """What is shown around whom, in which words, and how large."""

    home: str
    words: Words
    region: str | None
    top: int
    labels: int
    title: str | None
    width: int
    height: int
    shaded: bool = False


class Lettering(NamedTuple):
    """What is said around a picture: a layout with title, counts and looks; the lines below it."""

    layout: dict[str, Any]
    feet: list[str]
    above: int


def plot_map(
    edges: pd.DataFrame,
    institutions: pd.DataFrame,
    *,
    home: str | None = None,
    region: str | None = None,
    regions: Sequence[str] | None = None,
    top: int = 300,
    labels: int = 12,
    title: str | None = None,
    lang: str | None = None,
    width: int = 940,
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
        The institution in the middle; `settings.HOME` by default.
    region
        Show the partners of this region only, in its view; by default all, on a map of the world.
    regions
        Names of the regions that give the colours; `settings.REGIONS` by default.
    top
        How many partners are drawn, the strongest first; the figure says how many are hidden.
    labels
        How many of them are named, where there is room.
    title
        By default, whose links they are, what, and where.
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
    home, words = home or settings.HOME, say.words_of(lang)
    show = Show(home, words, region, top, labels, title, width, height)
    return _flows(edges, institutions, regions, show)


def plot_region(
    edges: pd.DataFrame,
    institutions: pd.DataFrame,
    region: str,
    *,
    home: str | None = None,
    regions: Sequence[str] | None = None,
    top: int = 300,
    labels: int = 16,
    title: str | None = None,
    lang: str | None = None,
    width: int = 940,
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
    UnknownNameError, InputError
        As in `plot_map`.

    Examples
    --------
    >>> links = pd.DataFrame({"source": ["L"], "target": ["M"], "weight": [3.0]})
    >>> bodies = pd.DataFrame({"institution_id": ["L", "M"], "name": ["Liège", "Rabat"],
    ...     "country": ["BE", "MA"], "lat": [50.63, 34.01], "lon": [5.57, -6.83]})
    >>> plot_region(links, bodies, "maghreb", home="L").layout.title.subtitle.text
    '1 partner'
    """
    home, words = home or settings.HOME, say.words_of(lang)
    show = Show(home, words, region, top, labels, title, width, height, shaded=True)
    return _flows(edges, institutions, regions, show)


def plot_compare(
    compared: pd.DataFrame,
    institutions: pd.DataFrame,
    *,
    home: str | None = None,
    region: str | None = None,
    top: int = 300,
    labels: int = 12,
    title: str | None = None,
    lang: str | None = None,
    width: int = 940,
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
    UnknownNameError, InputError
        As in `plot_map`.

    Examples
    --------
    >>> compared = pd.DataFrame({"source": ["L"], "target": ["M"], "weight_left": [3.0],
    ...     "weight_right": [None], "found": ["left"]})
    >>> bodies = pd.DataFrame({"institution_id": ["L", "M"], "name": ["Liège", "Maastricht"],
    ...     "country": ["BE", "NL"], "lat": [50.63, 50.85], "lon": [5.57, 5.69]})
    >>> plot_compare(compared, bodies, home="L").layout.title.subtitle.text
    '1 partner'
    """
    home, words = home or settings.HOME, say.words_of(lang)
    show = Show(home, words, region, top, labels, title, width, height)
    compared = guard(compared)
    note = compared.attrs.get("note", {})
    safe = {key: note[key] for key in ("rounded_to",) if key in note}
    sides = [note.get(side, {}) for side in ("left", "right")]
    notes = [side | {"home": home} | (safe if is_mobile(side) else {}) for side in sides]
    table = around(compared, home)
    table["weight"] = table["weight_left"].astype("Float64").fillna(0.0)
    rows, here = _rows(table, institutions, show)
    rows["group"] = rows["found"]
    rows["rank"] = rows.groupby("group").cumcount()
    kinds = [say.capital(say.kind_of(side, words)) for side in notes]
    for side, kind in zip(("left", "right"), kinds, strict=True):
        rows["hover"] += [
            "" if pd.isna(weight) else f"<br>{kind}: {say.number(weight, words)}"
            for weight in rows[f"weight_{side}"]
        ]
    names = [words["both"], *(words["only"].format(what=kind) for kind in kinds)]
    return _figure(
        rows,
        here,
        [Group(key, name, *FOUND[key]) for key, name in zip(FOUND, names, strict=True)],
        institutions,
        show,
        what=words["against"].format(
            left=say.spanned(notes[0], words), right=say.spanned(notes[1], words)
        ),
        notes=notes,
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
        from choreographer.errors import ChromeNotFoundError
        from kaleido import calc_fig_sync  # noqa: F401
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
    """Return a page that holds the figure and plotly, and may ask for nothing else."""
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
    parts = {"lang": meta.get("lang", "en"), "title": html.escape(meta.get("title", "collabnet"))}
    page = (resources.files("collabnet") / "data" / "figure.html").read_text(encoding="utf-8")
    return page.format(**parts, body=body)


def _flows(
    edges: pd.DataFrame,
    institutions: pd.DataFrame,
    regions: Sequence[str] | None,
    show: Show,
) -> go.Figure:
    """Draw links coloured by the first region their partner lies in."""
    home, words, edges = show.home, show.words, drawable(edges)
    note = {**edges.attrs.get("note", {}), "home": home}
    names = list(settings.REGIONS if regions is None else regions)
    table = edges[edges["home"] == home] if "partner" in edges else around(edges, home)
    rows, here = _rows(table, institutions, show)
    labels = {name: _label(region_named(name), words) for name in names}
    looks = zip(labels.items(), itertools.cycle(COLOURS), itertools.cycle(SYMBOLS), strict=False)
    groups = [Group(*label, colour, symbol) for label, colour, symbol in looks]
    lies = memberships(institutions, names).drop_duplicates("institution_id")
    rows["rank"] = range(len(rows))
    rows["group"] = rows["partner"].map(lies.set_index("institution_id")["region"]).astype("string")
    kind = say.capital(say.kind_of(note, words))
    rows["hover"] = [_hover(row, labels, kind, words) for row in rows.to_dict("records")]
    return _figure(
        rows,
        here,
        [*groups, Group("", words["elsewhere"], GREY, "circle")],
        institutions,
        show,
        what=say.spanned(note, words),
        notes=[note],
        said=[words["overlap"], words["lists"].format(names=", ".join(names))],
        weights=kind,
    )


def _rows(
    table: pd.DataFrame, institutions: pd.DataFrame, show: Show
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the partners with name, country and place, the strongest first; and home."""
    home = show.home
    bodies = institutions.drop_duplicates("institution_id").set_index("institution_id")
    if home not in bodies.index:
        raise UnknownNameError("institution", home, bodies.index)
    bodies = bodies.loc[bodies.index.isin([home, *table["partner"]])]
    names = [say.name_in(row, show.words["lang"]) for row in bodies.to_dict("records")]
    bodies = bodies.assign(name=pd.Series(names, index=bodies.index, dtype="string"))
    here = {"name": home, **bodies.loc[home, ["name", "lat", "lon"]].dropna()}
    if "lat" not in here or "lon" not in here:
        raise InputError(
            f"{here['name']} ({home}) has no coordinates: give its lat and lon in the table of "
            "institutions to draw a map around it."
        )
    rows = table.reset_index(drop=True)
    for column in ("name", "country", "lat", "lon"):
        rows[column] = rows["partner"].map(bodies[column])
    rows["name"] = rows["name"].fillna(rows["partner"])
    rows["hover"] = [f"<b>{plain(name)}</b>" for name in rows["name"]]
    # Among equals the farthest comes first: it is the one whose name finds room.
    rows["far"] = geo.distance_km(here["lat"], here["lon"], rows["lat"], rows["lon"])
    order = {"weight": False, "far": False, "name": True, "partner": True}
    return rows.sort_values([*order], ascending=[*order.values()], ignore_index=True), here


def _hover(row: dict[str, Any], labels: dict[str, str], kind: str, words: Words) -> str:
    """Write what is shown over a mark."""
    place = labels.get(row["group"], row["country"])
    lines = [row["hover"], "" if pd.isna(place) else plain(place)]
    lines.append(f"{kind}: {say.number(row['weight'], words)}")
    if row.get("activities", row["weight"]) != row["weight"]:
        lines.append(
            say.capital(words["activities"].format(n=say.number(row["activities"], words)))
        )
    lines.append(say.years(row.get("first"), row.get("last"), words))
    return "<br>".join(filter(None, lines))


def _label(rules: pd.DataFrame, words: Words) -> str:
    """Return what a region is called."""
    labels = rules.attrs["labels"]
    return labels.get(words["lang"]) or labels["en"]


def view_around(rules: pd.DataFrame | None, places: pd.DataFrame, here: dict[str, Any]) -> geo.View:
    """Return the view of a region: its own, or one that holds its shapes, else its institutions."""
    import geopandas

    region = "world" if rules is None else rules.attrs["region"]
    if rules is None or region in geo.VIEWS:
        return geo.VIEWS[region]
    shapes = geo.region_shapes(rules)
    if shapes.empty:
        lon, lat = ([here[axis], *places[axis]] for axis in ("lon", "lat"))
        shapes = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lon, lat))
    return geo.view_of(shapes)


def _figure(
    rows: pd.DataFrame,
    here: dict[str, Any],
    groups: list[Group],
    institutions: pd.DataFrame,
    show: Show,
    *,
    what: str,
    notes: list[dict[str, Any]],
    said: Sequence[str] = (),
    weights: str | None = None,
) -> go.Figure:
    """Choose what is drawn, write what is said of it, and lay both out."""
    import plotly.graph_objects as go

    words, lang = show.words, show.words["lang"]
    rules = None if show.region is None else region_named(show.region)
    lies = pd.Series(data=True, index=rows.index)
    if rules is not None:
        lies = rows["partner"].isin(memberships(institutions, [rules])["institution_id"])
    placed = rows[["lat", "lon"]].notna().all(axis=1)
    seen = rows[lies & placed]
    drawn, groups = _chosen(seen, groups, show)
    entries = [f"{g.label} ({int((drawn['group'] == g.key).sum())})" for g in groups]
    view = view_around(rules, seen, here)

    place = "" if rules is None else _label(rules, words)
    pattern = words["title" if rules is None else "title_in"]
    title = show.title or pattern.format(what=what, home=here["name"], region=place)
    shown = say.count(words, "shown", len(seen))
    if len(drawn) < len(seen):
        counts = {"n": len(drawn), "all": len(seen), "hidden": len(seen) - len(drawn)}
        shown = words["top"].format(**{k: say.number(v, words) for k, v in counts.items()})
    shown = [say.capital(shown), say.count(words, "outside", int((~lies).sum()))]
    said = [*dict.fromkeys(say.told(note, words) for note in notes), *said]
    said.append(say.count(words, "unplaced", int((lies & ~placed).sum())))
    origin = geo.sources(lang)
    layers = (["nuts3"] if sheet.shows_nuts(view) else []) + ["countries", "disclaimer"]
    source = " ".join(origin[layer] for layer in layers)

    size = {"width": show.width, "room": 400 if weights else 0}
    letters = lettered(title, shown, said, notes, words=words, source=source, **size)
    inner, above = show.width - 2 * MARGIN, letters.above
    entry = 44 + max((text_width(text, LABEL) for text in entries), default=0)
    below = 16 + 21 * math.ceil(len(entries) / max(1, inner // entry)) + 15 * len(letters.feet)

    page = Sheet(view, inner, show.height - above - below)
    sheet.draw_base(page, geo.region_shapes(rules) if show.shaded and rules is not None else None)
    boxes, lines = sheet.draw_partners(page, drawn, here, groups, words if weights else None)
    sheet.name_countries(page, boxes, lines, lang)
    for group, text in zip(groups, entries, strict=True):
        looks = {"size": 10, "symbol": group.symbol, "color": group.colour}
        looks = {"mode": "markers", "marker": looks, "legendgroup": group.key}
        page.draw([np.nan], [np.nan], **looks, name=plain(text), showlegend=True)
    pixels = zip(*page.pixels(drawn["lon"], drawn["lat"]), strict=True)
    beyond = say.count(words, "beyond", [page.holds(*pixel) for pixel in pixels].count(False))
    layout = letters.layout | _layout(page, show, (above, below))
    layout |= legends("" if drawn.empty else weights)
    layout["annotations"] = standing(
        letters.feet, below, beyond, words["none"] if drawn.empty else ""
    )
    return go.Figure({"data": page.traces, "layout": layout})


def _chosen(
    seen: pd.DataFrame, groups: list[Group], show: Show
) -> tuple[pd.DataFrame, list[Group]]:
    """Return the strongest partners, those to be named with a label, and the groups they are in."""
    drawn = seen.head(show.top).reset_index(drop=True)
    known = [group.key for group in groups]
    drawn["group"] = drawn["group"].where(drawn["group"].isin(known), known[-1])
    drawn["label"] = drawn["name"].where(drawn["rank"].rank(method="first") <= show.labels, "")
    return drawn, [group for group in groups if (drawn["group"] == group.key).any()]


def lettered(
    title: str,
    shown: Sequence[str],
    said: Sequence[str],
    notes: Sequence[dict[str, Any]],
    *,
    words: Words,
    width: int,
    source: str = "",
    room: int = 0,
) -> Lettering:
    """Set what is said around a picture; `room` is what the counts leave free on their right."""
    inner = width - 2 * MARGIN
    titles = wrap(title, inner, 20, 2)
    subtitles = wrap(say.capital(" · ".join(filter(None, shown))), inner - room, 13, 2)
    feet = wrap(say.capital(" · ".join(filter(None, said))), inner, SMALL, 3)
    feet += wrap(source, inner, SMALL, 2)
    feet = [plain(line, 999) for line in feet if line]
    if any(note.get("synthetic") for note in notes):
        feet = [f"<b>{words['synthetic']}</b>", *feet]
    above = 36 + 26 * len(titles) + 17 * len(subtitles)
    small = LOOKS["subtitle"] | {"text": "<br>".join(subtitles)}
    top = {"text": "<br>".join(plain(line, 999) for line in titles), "subtitle": small}
    top |= {"x": MARGIN / width, "pad": {"t": 2 + 14 * len(titles)}}  # of two lines it moves up
    meta = {"title": f"{title}. {'. '.join(filter(None, shown))}.", "lang": words["lang"]}
    told = [{key: v for key, v in note.items() if v is not False} for note in notes]
    meta["notes"] = json.loads(json.dumps(told, default=str))
    layout = LOOKS["page"] | {"width": width, "title": LOOKS["title"] | top, "meta": meta}
    return Lettering(layout, feet, above)


def standing(
    feet: Sequence[str], below: int, beyond: str, none: str, left: int = 0
) -> list[dict[str, Any]]:
    """Return the texts that stand on the page, not on the map; `left` of which it begins."""
    foot = LOOKS["foot"] | {"xshift": -left}
    texts = enumerate(reversed(feet))
    notes = [foot | {"text": line, "yshift": 8 + 15 * i - below} for i, line in texts]
    notes += [LOOKS["foot"] | LOOKS["beyond"] | {"text": beyond}] if beyond else []
    return notes + ([LOOKS["middle"] | {"text": none}] if none else [])


def legends(weights: str | None) -> dict[str, Any]:
    """Return the looks of the legends: of colours below, of the widths of lines above."""
    title = LOOKS["legend2"]["title"] | {"text": f"{weights or ''}  "}
    return {"legend": LOOKS["legend"], "legend2": LOOKS["legend2"] | {"title": title}}


def _layout(page: Sheet, show: Show, edges: tuple[int, int]) -> dict[str, Any]:
    """Return where the map stands; `edges` are the pixels above and below it."""
    x0, y0, x1, y1 = page.limits
    return {
        "height": show.height,
        "margin": {"l": MARGIN, "r": MARGIN, "t": edges[0], "b": edges[1], "autoexpand": False},
        "plot_bgcolor": sheet.SEA if page.view.projection == "azimuthal" else "white",
        "xaxis": {"visible": False, "range": [x0, x1]},
        "yaxis": {"visible": False, "range": [y0, y1], "scaleanchor": "x"},
        "dragmode": "pan",
    }
