"""The documentation site: built offline without a warning, whole, and asking no network."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import pytest

import collabnet as cn
from conftest import ROOT

pytest.importorskip("sphinx", reason="needs the extra docs: pip install -e '.[docs]'")
WIDTHS = {"light": 1360, "dark": 390}


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site, as `make docs` builds it."""
    out = tmp_path_factory.mktemp("site")
    made = ["-W", "--keep-going", "-q", "-j", "2", "-c", str(ROOT / "docs"), str(ROOT), str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *made], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return out


class Page(HTMLParser):
    """The anchors of a page, and where its links, scripts, styles and pictures lead."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded = {""}, set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.anchors.add(found.get("id"))
        self.links |= {found["href"]} if tag == "a" and found.get("href") else set()
        self.loaded |= {found[a] for a in ("src", "data") if found.get(a)}
        self.loaded |= {found["href"]} if tag == "link" and found.get("href") else set()


@pytest.fixture(scope="session")
def pages(site):
    """Every page of the site: path → what stands in it."""
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def is_elsewhere(link):
    return re.match(r"[a-z]+:|//", link)


@pytest.mark.slow
def test_every_link_and_anchor_leads_somewhere(pages):
    dead, followed = [], 0
    for path, page in pages.items():
        for link in (page.links | page.loaded) - {"#"}:
            if is_elsewhere(link):
                continue
            name, anchor = urldefrag(unquote(link))
            target = (path.parent / name.partition("?")[0]).resolve() if name else path
            followed += 1
            if not target.exists() or (target in pages and anchor not in pages[target].anchors):
                dead.append(f"{path.name}: {link}")
    assert dead == []
    assert followed > 1000


@pytest.mark.slow
def test_every_public_name_has_its_page_with_its_docstring(site):
    for name in cn.__all__:
        page = (site / "docs" / "api" / f"collabnet.{name}.html").read_text(encoding="utf-8")
        assert f'id="collabnet.{name}"' in page
        assert getattr(cn, name).__doc__.split()[0] in page, name


@pytest.mark.slow
def test_notebooks_are_shown_with_their_outputs(site):
    names = {path.stem for path in ROOT.glob("notebooks/*.ipynb")}
    assert names == {path.stem for path in (site / "notebooks").glob("*.html")}
    text = (site / "notebooks" / "08-bring-your-own-data.html").read_text(encoding="utf-8")
    assert "conventions.xlsx, row 10: start" in text
    assert "How it was made" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in sorted(ROOT.glob("notebooks/*.ipynb"))])
def test_the_maps_of_a_notebook_are_drawn_without_network(browser, site, name):
    with browser.new_context(offline=True) as view:
        page = view.new_page()
        page.goto((site / "notebooks" / f"{name}.html").as_uri())
        page.wait_for_selector("#figure-2 .scatterlayer path.point", state="attached")
        book = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
        maps = [c for c in book["cells"] if "map" in c["metadata"].get("tags", [])]
        assert page.locator(".js-plotly-plot .main-svg .scatterlayer").count() == len(maps)


def test_every_term_of_the_glossary_is_in_both_languages_with_definition_and_source():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    terms = [[cell.strip() for cell in row] for row in rows if row[0].strip() != "English"]
    terms = [row for row in terms if set(row[0]) != {"-"}]
    assert len(terms) > 50
    assert [row for row in terms if len(row) != 4 or not all(row) or row[2][-1] != "."] == []
    assert len({row[0] for row in terms}) == len(terms)


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(pages):
    loaded = {link for page in pages.values() for link in page.loaded if is_elsewhere(link)}
    assert {link for link in loaded if not link.startswith("data:")} == set()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", WIDTHS)
def test_in_a_browser_no_page_asks_the_network_or_overflows(browser, site, scheme):
    view = browser.new_context(
        offline=True, color_scheme=scheme, viewport={"width": WIDTHS[scheme], "height": 800}
    )
    asked, said, wide = [], [], []
    with view:
        page = view.new_page()
        page.on("request", lambda r: asked.append(r.url))
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: said.append(str(e)))
        for name in (
            "docs/index",
            "README",
            "docs/glossary",
            "docs/reference",
            "docs/indicators",
            "docs/api/collabnet.edges",
            "notebooks/00-tour",
            "search",
        ):
            page.goto((site / f"{name}.html").as_uri())
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(name)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert (said, wide) == ([], [])
