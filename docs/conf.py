"""The documentation site: the pages of the repository as they are, and the API from docstrings.

The source is the root of the repository (`sphinx-build -c docs . build/site`), so that README,
pages, notebooks and data keep their places and every link between them holds on a forge as well.
"""

import re
import shutil
from pathlib import Path

import collabnet

ROOT = Path(__file__).resolve().parent.parent

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
html_show_sphinx = False

myst_heading_anchors = 4
nb_execution_mode = "off"  # the stored outputs are those that the tests compare

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


def setup(app):
    app.connect("source-read", link_names)


write_api()
