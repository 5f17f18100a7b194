"""The documentation site: the pages of the repository as they are, and the API from docstrings.

The notebooks are executed for it, so that their tables and maps are seen; `build/notebooks` keeps
what came of it until a notebook, the package or the data change.

The source is the root of the repository (`sphinx-build -c docs . build/site`), so that README,
pages, notebooks and data keep their places and every link between them holds on a forge as well.
"""

import hashlib
import logging
import re
import runpy
import shutil
from pathlib import Path

import nbformat
from plotly.io import to_html
from plotly.offline import get_plotlyjs

import collabnet

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
FIGURE = "application/vnd.plotly.v1+json"

project = "collabnet"
author = copyright = "The collabnet developers"
release = version = collabnet.__version__
root_doc = "docs/index"
include_patterns = [
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "data/README.md"),
    *("docs/**.md", "docs/api/**.rst", "notebooks/*.ipynb", "collabnet/data/geo/LICENCE.md"),
]
exclude_patterns = [".*", "build"]
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "myst_nb"]
nitpicky = True
smartquotes = False  # a quote in a docstring is to be copied
show_warning_types = True

html_theme = "furo"
html_title = "collabnet"
html_extra_path = ["site"]  # index.html, which leads to the first page
html_copy_source = False
html_static_path = ["../build/static"]
html_css_files = ["site.css"]
html_show_sphinx = False

myst_heading_anchors = 4
nb_execution_mode = "off"  # `show_outputs` has done it

autodoc_default_options = {"members": True}
autodoc_typehints = "none"
default_role = "literal"  # single backticks in docstrings are code
napoleon_google_docstring = False
napoleon_custom_sections = ["Returns"]  # ours are prose, not a list of types


def groups():
    """Return the headings of the reference under Python, each with the public names below it."""
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    python = text.split("\n## Python\n")[1].split("\n## ")[0]
    for section in python.split("\n### ")[1:]:
        heading, rows = section.split("\n", 1)
        cells = re.findall(r"^\| (`.+?`) \|", rows, re.M)
        yield heading, re.findall(r"`(\w+)`", " ".join(cells))


def write_api():
    """Write the page autosummary starts from; the pages of the names are its work."""
    page = ["API", "===", "", "From the docstrings; grouped by task.", ""]
    for heading, names in groups():
        page += [heading, "-" * len(heading), "", ".. currentmodule:: collabnet", ""]
        page += [".. autosummary::", "   :toctree: .", "   :nosignatures:"]
        page += ["   :template: autosummary/base.rst", ""]
        page += [*(f"   {name}" for name in names), ""]
    target = ROOT / "docs" / "api" / "index.rst"
    shutil.rmtree(target.parent, ignore_errors=True)  # a name that is gone has no page
    target.parent.mkdir()
    target.write_text("\n".join(page), encoding="utf-8")


def link_names(_app, page, source):
    """Make the names in the tables of the reference lead to their pages."""
    if page == "docs/reference":
        for name in collabnet.__all__:
            source[0] = re.sub(
                rf"^(\|.*?)`{name}`(.*? \| )",
                rf"\1[`{name}`](api/collabnet.{name}.rst)\2",
                source[0],
                flags=re.M,
            )


def kept(name):
    """Return where the executed notebook is kept: under the hash of all it stands on."""
    taken = [ROOT / f"{name}.ipynb", *sorted(p for p in BASE if p.is_file())]
    facts = hashlib.sha256(b"".join(path.read_bytes() for path in taken))
    return BUILD / f"{name}-{facts.hexdigest()[:16]}.ipynb"


def show_outputs(_app, name, source):
    """Put what a notebook shows into it: its tables, and its maps as they are in JupyterLab."""
    if not name.startswith("notebooks/"):
        return
    file = kept(name)
    if not file.exists():
        book = runpy.run_path(str(ROOT / "scripts" / "store_notebooks.py"))["execute"](
            ROOT / f"{name}.ipynb"
        )
        draw_figures(book)
        file.parent.mkdir(parents=True, exist_ok=True)
        for old in file.parent.glob(f"{Path(name).name}-*"):
            old.unlink()
        nbformat.write(book, file)
    source[0] = file.read_text(encoding="utf-8")


def draw_figures(book):
    """Make the figures of a notebook HTML; the first of them brings the library along."""
    library, number = '<script src="../_static/plotly.min.js"></script>', 0
    for output in (one for cell in book["cells"] for one in cell.get("outputs", ())):
        if figure := output.get("data", {}).get(FIGURE):
            number += 1
            drawn = to_html(
                figure,
                full_html=False,
                include_plotlyjs=False,
                validate=False,
                div_id=f"figure-{number}",
                config={"displaylogo": False},
            )
            output["data"] = {"text/html": library * (number == 1) + drawn}


def changed_notebooks(_app, env, *_):
    """Name the notebooks whose outputs are not those of this package and data."""
    pages = (name for name in env.found_docs if name.startswith("notebooks/"))
    return [name for name in pages if not kept(name).exists()]


def write_static():
    """Write what the pages load: the library that draws, and room for wide maps and tables."""
    target = BUILD / "static"
    target.mkdir(parents=True, exist_ok=True)
    (target / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    (target / "site.css").write_text("div.cell_output { overflow-x: auto; }\n", encoding="utf-8")


def setup(app):
    logging.getLogger("traitlets").setLevel(logging.WARNING)  # it tells of each notebook
    app.connect("source-read", link_names)
    app.connect("source-read", show_outputs)
    app.connect("env-get-outdated", changed_notebooks)


BASE = [p for part in ("collabnet", "data", "docs/examples") for p in (ROOT / part).rglob("[!_.]*")]
write_api()
write_static()
