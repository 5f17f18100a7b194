"""The pictures of the report: growth as curves, ratios to the floor as bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from common import say, size_of

COLOURS = {"institution": "#1b6ca8", "country": "#d1495b", "person": "#66a182"}


def growth(rows: list[dict[str, Any]], path: Path) -> bool:
    """Draw CPU seconds over works, both on logarithmic axes."""
    figure = go.Figure()
    for level, colour in COLOURS.items():
        own = [row for row in rows if row["level"] == level]
        for name, dash in (("collabnet", "solid"), ("floor", "dot")):
            figure.add_scatter(
                x=[row["works"] for row in own],
                y=[row[name]["cpu"] for row in own],
                name=f"{level}, {name}",
                line={"color": colour, "dash": dash},
            )
    figure.update_xaxes(type="log", title="works", dtick=1)
    figure.update_yaxes(type="log", title="CPU seconds", dtick=1)
    return _write(figure, path)


def ratios(rows: list[dict[str, Any]], path: Path) -> bool:
    """Draw how many times the CPU seconds of the floor collabnet takes."""
    figure = go.Figure()
    for level, colour in COLOURS.items():
        own = [row for row in rows if row["level"] == level]
        figure.add_bar(
            x=[size_of(row["works"]) for row in own],
            y=[row["ratio"]["cpu"] for row in own],
            name=level,
            marker_color=colour,
            texttemplate="%{y:.1f}",
        )
    figure.update_xaxes(title="works")
    figure.update_yaxes(title="times the CPU seconds of the floor", rangemode="tozero")
    return _write(figure, path)


def _write(figure: go.Figure, path: Path) -> bool:
    """Write a picture; a machine that cannot draw goes without."""
    margin = {"l": 60, "r": 20, "t": 30, "b": 50}
    figure.update_layout(template="plotly_white", width=760, height=420, margin=margin)
    try:
        figure.write_image(path)
    except Exception as error:
        say(f"no picture {path.name}: {str(error).splitlines()[0]}")
        return False
    return True
