"""An explorer for a notebook: region, years, layer and counting by widgets; map, table and card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from collabnet import words as say
from collabnet.card import partner_card
from collabnet.errors import MissingExtraError
from collabnet.lab import table_html
from collabnet.links import edges
from collabnet.parties import Years, home_of
from collabnet.partnerships import flows, partners, within
from collabnet.plots import plot_map, plot_region
from collabnet.privacy import guard
from collabnet.records import Records
from collabnet.regions import list_regions

KINDS, WAYS = ("work", "agreement", "project", "mobility"), ("full", "fractional", "refined")
ROWS, NOBODY = 15, ("–", None)
SIZE: dict[str, Any] = {"width": 900, "height": 560}
STYLE = "<style>.collabnet-explorer .widget-readout { min-width: 6.5em; max-width: none }</style>"
FIGURE = "application/vnd.plotly.v1+json"


@dataclass(frozen=True, repr=False)
class Explorer:
    """Widgets by name: what is asked (`controls`), what comes of it (`results`), and all as one."""

    controls: dict[str, Any]
    results: dict[str, Any]
    box: Any

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.box._repr_mimebundle_(**options)


def explore(records: Records, home: str | None = None, *, lang: str | None = None) -> Explorer:
    """Look at the links of an institution by widgets: a map, a table, and the card of a partner.

    Whatever is chosen, the results are those of `partners`, `plot_map`, `plot_region` and
    `partner_card` with the same arguments; of mobility, the persons of `flows`, both ways together,
    masked and rounded as in every file handed on. The slider begins with all years, and only then
    counts what bears no date.

    Parameters
    ----------
    records
        What was done together.
    home
        Whose links; None for `settings.HOME`.
    lang
        {"en", "fr"}; `settings.LANGUAGE` by default.

    Returns
    -------
    Widgets that JupyterLab draws without network. `.controls` holds `region`, `years` (first and
    last, both included), `kind`, `count` and `partner`; `.results` holds `map`, `table` and `card`.
    To set the value of a control by code draws anew.

    Raises
    ------
    MissingExtraError
        ipywidgets is not installed.
    UnknownNameError
        The home institution or the language is unknown.

    Examples
    --------
    >>> acts = pd.DataFrame({"activity_id": ["p"], "kind": ["project"], "start": ["2020"]})
    >>> took = pd.DataFrame(
    ...     {"activity_id": ["p", "p"], "institution_id": ["00afp2z80", "02jz4aj89"]}
    ... )
    >>> records = cn.resolve(cn.Records({"activities": acts, "participants": took}))
    >>> controls = explore(records, "00afp2z80").controls
    >>> controls["region"].value, controls["kind"].value, controls["years"].value
    ('world', 'project', (2020, 2020))
    >>> controls["partner"].label
    'Maastricht University'
    """
    try:
        import ipywidgets as ui
    except ImportError:
        raise MissingExtraError("The explorer", "ipywidgets", "lab") from None
    home, words, figures = home_of(records, home), say.words_of(lang, "explore"), say.words_of(lang)
    acts, lists, lang = records.activities, list_regions(), figures["lang"]
    kinds = [(say.capital(figures[kind]), kind) for kind in KINDS if (acts["kind"] == kind).any()]
    years = acts["year"].dropna().astype(int)
    span = (int(years.min()), int(years.max())) if len(years) else (0, 0)
    regions = list(zip(lists[f"label_{lang}"], lists["region"], strict=True))
    controls: dict[str, Any] = {
        "region": ui.Dropdown(options=regions, value="world"),
        "years": ui.IntRangeSlider(value=span, min=span[0], max=span[1], continuous_update=False),
        "kind": ui.Dropdown(options=kinds or [("–", KINDS[0])]),
        "count": ui.Dropdown(options=[(figures[way], way) for way in WAYS]),
        "partner": ui.Dropdown(options=[NOBODY]),
    }
    for name, control in controls.items():
        control.description = words[name]
    results: dict[str, Any] = {"map": ui.Output(), "table": ui.HTML(), "card": ui.HTML()}

    def chosen() -> dict[str, Any]:
        """Return the options asked for; all years are those without a date, too."""
        asked = controls["years"].value
        return {"years": None if asked == span else asked, "count": controls["count"].value}

    def draw(_: object = None) -> None:
        region, kind = controls["region"].value, controls["kind"].value
        mobile = _exchanges(records, home, chosen()["years"]) if kind == "mobility" else None
        table = partners(records, home, kind=kind, **chosen()) if mobile is None else mobile
        links = edges(records, kind, **chosen()) if mobile is None else mobile.assign(home=home)
        if region == "world":
            figure = plot_map(links, records.institutions, home=home, lang=lang, **SIZE)
        else:
            table = within(table, region, records.institutions)
            figure = plot_region(links, records.institutions, region, home=home, lang=lang, **SIZE)
        shown = {"output_type": "display_data", "data": {FIGURE: json.loads(figure.to_json())}}
        results["map"].outputs = (shown | {"metadata": {}},)
        heads = words["columns"] | ({"weight": words["persons"]} if kind == "mobility" else {})
        said = say.count(figures, "shown", len(table))
        said += words["apart"] * table.attrs["note"].get("apart", False)
        shown = table[[name for name in heads if name in table]].head(ROWS)
        results["table"].value = f"<p>{said}</p>{table_html(shown, lang, heads) or ''}"
        names = table["name"].fillna(table["partner"])
        controls["partner"].options = [*zip(names, table["partner"], strict=True)] or [NOBODY]
        # Where nobody was chosen before, the list does not choose its first by itself.
        controls["partner"].value = controls["partner"].options[0][1]

    def tell(_: object = None) -> None:
        partner, years = controls["partner"].value, chosen()["years"]
        told = partner_card(records, home, partner, years=years, lang=lang).html if partner else ""
        results["card"].value = told

    for name, control in controls.items():
        control.observe(tell if name == "partner" else draw, "value")
    controls["years"].observe(tell, "value")
    draw()
    tell()
    asked = ui.HBox([*controls.values(), ui.HTML(STYLE)], layout={"flex_flow": "row wrap"})
    asked.add_class("collabnet-explorer")
    return Explorer(controls, results, ui.VBox([asked, *results.values()]))


def _exchanges(records: Records, home: str, years: Years | None) -> pd.DataFrame:
    """Return the persons exchanged with each partner, both ways together, as may be handed on."""
    moved = flows(records, years=years)
    moved = moved[(moved["sending"] == home) | (moved["receiving"] == home)]
    other = moved["sending"].mask(moved["sending"] == home, moved["receiving"])
    table = partners(records, home, kind="mobility", years=years)
    table["weight"] = table["partner"].map(moved.groupby(other)["persons"].sum(min_count=1))
    table.attrs["note"]["apart"] = bool(other.isna().any() or moved["persons"].isna().any())
    return guard(table).sort_values("weight", ascending=False, kind="stable", ignore_index=True)
