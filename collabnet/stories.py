"""Notebooks as reports: executed with other parameters, written as one page without code."""

from __future__ import annotations

import html
import json
import logging
import re
import shutil
import sysconfig
import tempfile
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from collabnet.errors import InputError, MissingExtraError, UnknownNameError
from collabnet.exports import replacing

FIGURE = "application/vnd.plotly.v1+json"
PARAMETERS = re.compile(r"\b[A-Z]{2,}\b(?=[^#\n]*=)")
LOCAL = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")
PLACES = (  # beside the package in a clone, and where a wheel puts its data
    Path(__file__).parent.parent,
    Path(sysconfig.get_path("data")) / "share" / "collabnet",
)
OTHER = (
    '<p class="other">The tables and maps are those of {}. '
    "The sentences were written about another university.</p>"
)
DRAWN: dict[str, Any] = {"full_html": False, "include_plotlyjs": False, "validate": False}
DRAWN["config"] = {"displaylogo": False}
TITLE = re.compile(r"^# (.+)", re.M)


def find_notebook(name: str | Path) -> Path:
    """Return a notebook file: a path, or the beginning of a name shipped, such as `01`."""
    if Path(name).suffix == ".ipynb" and Path(name).is_file():
        return Path(name)
    places = [Path.cwd(), *PLACES]
    shipped = {f.stem: f for place in reversed(places) for f in place.glob("notebooks/*.ipynb")}
    found = sorted(stem for stem in shipped if stem.startswith(Path(name).stem))
    if len(found) != 1:
        raise UnknownNameError("notebook", name, found or shipped)
    return shipped[found[0]]


def write_story(
    store: str | Path,
    name: str | Path,
    out: str | Path,
    *,
    home: str,
    years: tuple[int, int] | None = None,
) -> Path:
    """Execute a notebook on a store, for a home institution and years, and write it as one page."""
    try:
        import papermill  # noqa: F401
        from nbconvert import HTMLExporter
        from plotly.io import to_html
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MissingExtraError("A report of a notebook", str(error.name), "lab") from None
    file = find_notebook(name)
    book, title, number = _executed(file, Path(store), home, years), file.stem, 0
    for cell in book["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = LOCAL.sub(r"\1", cell["source"])
            title = (TITLE.findall(cell["source"]) or [title])[0] if title == file.stem else title
        for shown in cell.get("outputs", ()):
            if figure := shown.get("data", {}).get(FIGURE):
                number += 1
                shown["data"] = {"text/html": to_html(figure, div_id=f"figure-{number}", **DRAWN)}
    exporter = HTMLExporter(template_name="basic", exclude_input=True)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(book)
    span = f" · {years[0]}–{years[1]}" if years else ""
    made = f"collabnet {version('collabnet')} · {file.name} · {Path(store).name} · {home}{span}"
    said = {"title": html.escape(title), "made": html.escape(made)}
    said["other"] = "" if home in file.read_text(encoding="utf-8") else OTHER.format(home)
    page = (resources.files("collabnet") / "data" / "story.html").read_text(encoding="utf-8")
    page = page.format(body=body, plotly=get_plotlyjs() if number else "", **said)
    with replacing(Path(out)) as fresh:
        fresh.write_text(page, encoding="utf-8")
    return Path(out)


def _executed(file: Path, store: Path, home: str, years: tuple[int, int] | None) -> Any:
    """Run a notebook with its parameters in a folder of its own; return it with its outputs."""
    import papermill

    book = json.loads(file.read_text(encoding="utf-8"))
    cells = (c for c in book["cells"] if "parameters" in c["metadata"].get("tags", ()))
    source = "".join(next(cells, {"source": ""})["source"])
    known = set(PARAMETERS.findall(source))
    if not {"DATA", "HOME"} <= known:
        raise InputError(
            f"{file.name} reads no store: its cell of parameters does not have DATA and HOME. "
            "Choose another notebook."
        )
    if not store.exists():
        raise InputError(f"{store} does not exist. Make it with: collabnet ingest … --out {store}")
    given: dict[str, Any] = {"DATA": str(store.absolute()), "HOME": home}
    given |= dict(zip(("SINCE", "UNTIL"), years, strict=True)) if years else {}
    if home not in source:
        given["FIGURES"] = ""  # what the notebook states is that of another university
    with tempfile.TemporaryDirectory() as place:
        if (file.parent.parent / "data").is_dir():
            shutil.copytree(file.parent.parent / "data", Path(place, "data"))
        Path(place, "notebooks").mkdir()
        made, chosen = Path(place, file.name), {k: v for k, v in given.items() if k in known}
        options: dict[str, Any] = {"cwd": str(Path(place, "notebooks")), "progress_bar": False}
        options["extra_arguments"] = ["--IPKernelApp.log_level=40"]
        logging.getLogger("papermill").setLevel(logging.ERROR)  # it cannot read `A, B = 1, 2`
        try:
            return papermill.execute_notebook(
                str(file), str(made), chosen, kernel_name="python3", **options
            )
        except papermill.exceptions.PapermillExecutionError as error:
            raise InputError(
                f"{file.name} stops at cell {error.exec_count}: {error.ename}: {error.evalue}"
            ) from None
