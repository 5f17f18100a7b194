"""What tests share: real files, hand-computed oracles, and a browser."""

import itertools
import json
import os
import shutil
from pathlib import Path

import pytest
from atlas_pages import watched

import collabnet as cn
from collabnet.atlas import write_atlas

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "real"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
VISITS = itertools.count()
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
)


def pytest_collection_modifyitems(items):
    """Mark what uses a fixture of that name, so that `-m "not browser"` and the like hold."""
    for item in items:
        for name in {"browser", "real"}.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(name)


def pytest_runtest_setup(item):
    """Skip kindly what this machine lacks; in CI a missing browser is a failure."""
    if item.get_closest_marker("real") and not REAL.is_dir():
        pytest.skip(f"real input files are not here: {REAL} is absent")
    if item.get_closest_marker("browser") and not CHROMIUM:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("needs Chromium; on Debian or Ubuntu: apt-get install chromium")


@pytest.fixture(scope="session")
def real():
    """Folder of real input files, read where it lies; never part of the project."""
    return REAL


@pytest.fixture(scope="session")
def oracles():
    """Results computed by hand on a toy corpus; see `oracles.json`."""
    return json.loads((ROOT / "tests" / "oracles.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium driven by playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """The records the project ships, as a store."""
    return cn.ingest([ROOT / "data"], tmp_path_factory.mktemp("shipped") / "store")


@pytest.fixture(scope="session")
def atlas_file(records, tmp_path_factory):
    """The atlas of the records shipped."""
    return write_atlas(records, tmp_path_factory.mktemp("atlas") / "atlas.html")


@pytest.fixture(scope="session")
def h2020_file(real, tmp_path_factory):
    """The atlas of the partners of all projects of a framework programme."""
    records = cn.resolve(cn.read(real / "cordis" / "h2020.csv.gz"))
    return write_atlas(records, tmp_path_factory.mktemp("h2020") / "atlas.html")


@pytest.fixture(scope="session")
def atlas(browser, atlas_file):
    """That atlas, opened once: its address is the whole state of the page."""
    with watched(browser, atlas_file) as page:
        yield page


@pytest.fixture
def go(atlas):
    """Go to an address in the atlas of the shipped data; it must say nothing on the way."""

    def go(address="tab=world"):
        view = "" if "view=" in address or "tab=" in address else "view=map&"
        address = f"{view}{address}&visit={next(VISITS)}"
        atlas.evaluate("address => { location.hash = address; }", address)
        # The page writes its own address once all is shown.
        atlas.wait_for_function("() => !location.hash.includes('visit')")
        return atlas

    yield go
    assert atlas.said == []
