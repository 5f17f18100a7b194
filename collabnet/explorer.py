"""An explorer for a notebook: region, years, layer and counting by widgets; map, table and card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from collabnet import words as say
from collabnet.card import partner_card
from collabnet.errors import MissingExtraError
from collabnet.partnerships import partners, within
from collabnet.parties import home_of
from collabnet.plots import plot_map, plot_region
from collabnet.records import Records
from collabnet.regions import list_regions

if TYPE_CHECKING:
    import ipywidgets

KINDS = ("work", "agreement", "project")
COLUMNS = ["name", "country", "weight", "activities", "first", "last"]
ROWS = 20
CONTROLS = ("region", "years", "kind", "count", "partner")


def explore(
    records: Records, home: str | None = None, *, lang: str | None = None
) -> ipywidgets.VBox:
    """Look at the links of an institution by widgets: a map, a table, and the card of a partner.

    Whatever is chosen, the figures are those of `partners`, `plot_map`, `plot_region` and
    `partner_card` with the same arguments. The slider of years begins with all years, and only then
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
    A box of widgets, drawn by JupyterLab without network. Its controls have the names `region`,
    `years` (first and last, both included), `kind`, `count` (activities, as in `partners`) and
    `partner`, in `.controls`, and its results those of `map`, `table` and `card`, in `.results`;
    setting a control by code draws anew.

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
    >>> box = explore(records)
    >>> box.controls["region"].value, box.controls["kind"].value, box.controls["years"].value
    ('world', 'project', (2020, 2020))
    >>> box.controls["partner"].label
    'Maastricht University'
    """
    try:
        import ipywidgets as ui
    except ImportError:
        raise MissingExtraError("The explorer", "ipywidgets", "lab") from None
    home, words, figures = home_of(records, home), say.words_of(lang, "explore"), say.words_of(lang)
    acts = records.activities
    kinds = [(say.capital(figures[kind]), kind) for kind in KINDS if (acts["kind"] == kind).any()]
    years = acts["year"].dropna().astype(int)
    span = (int(years.min()), int(years.max())) if len(years) else (1900, 1900)
    lists = list_regions()
    regions = list(zip(lists[f"label_{figures['lang']}"], lists["region"], strict=True))
    wide = {"description_width": "6em"}
    controls = {
        "region": ui.Dropdown(options=regions),
        "years": ui.IntRangeSlider(
            value=span, min=span[0], max=span[1], continuous_update=False
        ),
        "kind": ui.Dropdown(options=kinds or [("–", "work")]),
        "count": ui.Dropdown(options=[(figures[way], way) for way in WAYS]),
        "partner": ui.Dropdown(options=[(words["none"], None)]),
    }
    for name, control in controls.items():
        control.description, control.style = words[name], wide
    results = {"map": ui.Output(), "table": ui.HTML(), "card": ui.HTML()}

    def asked() -> dict[str, Any]:
        chosen = controls["years"].value
        return {"years": None if chosen == span else chosen}
    return ui.VBox()
