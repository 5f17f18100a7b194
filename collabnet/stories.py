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
from collabnet.readers import read
from collabnet.words import capital, words_of

FIGURE = "application/vnd.plotly.v1+json"
PARAMETERS = re.compile(r"\b[A-Z]{2,}\b(?=[^#\n]*=)")
LOCAL = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")
PLACES = (  # beside the package in a clone, and where a wheel puts its data
    Path(__file__).parent.parent,
    Path(sysconfig.get_path("data")) / "share" / "collabnet",
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
    lang: str | None = None,
) -> Path:
    """Execute a notebook on a store, for a home institution and years, and write it as one page.

    Cells tagged `notebook` are for those who run it, and left out; those tagged `finding` speak of
    what the shipped data show, and are left out for another home, other years, or other data.
    Around a home without coordinates no map is drawn.
    """
    try:
        import papermill  # noqa: F401
        from nbconvert import HTMLExporter
        from plotly.io import to_html
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MissingExtraError("A report of a notebook", str(error.name), "lab") from None
    file = find_notebook(name)
    book, own = _executed(file, Path(store), home, years, lang)
    title, number, nobody = file.stem, 0, capital(words_of(lang)["shown"][0])
    for cell in book["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = LOCAL.sub(r"\1", cell["source"])
            title = (TITLE.findall(cell["source"]) or [title])[0] if title == file.stem else title
        for shown in cell.get("outputs", ()):
            if figure := shown.get("data", {}).get(FIGURE):
                said = figure["layout"].get("title", {})
                count = said.get("subtitle", {}).get("text", "")
                if count.startswith(nobody):  # a sentence says it better than an empty map
                    shown["data"] = {"text/html": f"<p><b>{said['text']}.</b> {count}.</p>"}
                    continue
                number += 1
                shown["data"] = {"text/html": to_html(figure, div_id=f"figure-{number}", **DRAWN)}
    exporter = HTMLExporter(template_name="basic", exclude_input=True)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(book)
    span = f" · {years[0]}–{years[1]}" if years else ""
    made = f"collabnet {version('collabnet')} · {file.name} · {Path(store).name} · {home}{span}"
    parts = {"title": html.escape(title), "made": html.escape(made), "home": html.escape(home)}
    parts["hidden"] = "hidden" * own
    page = (resources.files("collabnet") / "data" / "story.html").read_text(encoding="utf-8")
    page = page.format(body=body, plotly=get_plotlyjs() if number else "", **parts)
    with replacing(Path(out)) as fresh:
        fresh.write_text(page, encoding="utf-8")
    return Path(out)


def _executed(
    file: Path, store: Path, home: str, years: tuple[int, int] | None, lang: str | None
) -> tuple[Any, bool]:
    """Run a notebook with its parameters in a folder of its own; say if its findings hold there."""
    import papermill
    from nbformat.v4 import new_code_cell

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
    records = read(store)
    shipped = any("works-synthetic" in one["file"] for one in records.provenance["sources"])
    own = shipped and home in source and not years
    left_out = {"notebook"} if own else {"notebook", "finding"}
    place = records.institutions.loc[records.institutions["institution_id"] == home, "lat"]
    left_out |= {"map"} if place.isna().any() else set()
    book["cells"] = [c for c in book["cells"] if not left_out & {*c["metadata"].get("tags", ())}]
    speak = f"import collabnet.settings\ncollabnet.settings.LANGUAGE = {words_of(lang)['lang']!r}"
    book["cells"].insert(0, new_code_cell(speak))
    with tempfile.TemporaryDirectory() as place:
        if (file.parent.parent / "data").is_dir():
            shutil.copytree(file.parent.parent / "data", Path(place, "data"))
        Path(place, "notebooks").mkdir()
        made, chosen = Path(place, file.name), {k: v for k, v in given.items() if k in known}
        made.write_text(json.dumps(book), encoding="utf-8")
        options: dict[str, Any] = {"cwd": str(Path(place, "notebooks")), "kernel_name": "python3"}
        options |= {"progress_bar": False, "extra_arguments": ["--IPKernelApp.log_level=50"]}
        logging.getLogger("papermill").setLevel(logging.ERROR)  # it cannot read `A, B = 1, 2`
        try:
            return papermill.execute_notebook(str(made), None, chosen, **options), own
        except papermill.exceptions.PapermillExecutionError as error:
            raise InputError(
                f"{file.name} stops at cell {error.exec_count}: {error.ename}: {error.evalue}"
            ) from None
