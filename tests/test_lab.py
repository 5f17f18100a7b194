"""JupyterLab as people use it, without network: run, see maps, change a cell, take files away."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import openpyxl
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from collabnet.project import write_project
from conftest import ROOT

AACHEN = "04xfq0f34"
STORY = "03-maghreb.ipynb"
POINT = ".js-plotly-plot .scatterlayer path.point"
PATIENCE = 40_000
REPORT = "report build/store --region europe --out ../brief.html"
PICTURES = ROOT / "build" / "pictures"
pytestmark = pytest.mark.slow


def environment():
    """The environment of a process that finds the package of this checkout."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """`make lab` on a copy of the notebooks, with a token and settings of its own."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "data").symlink_to(ROOT / "data")
    (folder / "notebooks").mkdir()
    story = nbformat.read(ROOT / "notebooks" / STORY, as_version=4)
    for cell in story.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    nbformat.write(story, folder / "notebooks" / STORY)
    cells = [
        "import collabnet as cn\nrecords = cn.resolve(cn.read('../data'))",
        "cn.explore(records, '00afp2z80')",
    ]
    book = new_notebook(cells=[new_code_cell(source) for source in cells])
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(book, folder / "notebooks" / "explore.ipynb")
    project = write_project(folder / "notebooks" / "rwth", AACHEN)
    for words in ("ingest agreements.xlsx --out build/store", REPORT):
        command = [sys.executable, "-c", "from collabnet.cli import main; main()", *words.split()]
        subprocess.run(command, cwd=project, env=environment(), check=True, capture_output=True)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    places = {f"JUPYTER_{name}": str(folder / name) for name in own}
    places |= {f"JUPYTERLAB_{n}_DIR": str(folder / n) for n in ("SETTINGS", "WORKSPACES")}
    asked = f"--no-browser --port={port} --ServerApp.port_retries=0 --IdentityProvider.token=t"
    asked += " --LabApp.news_url= --ServerApp.log_level=ERROR"
    here = Path(sys.executable).parent
    command = ["make", "--old-file=.venv/ready", "lab", f"BIN={here}", f"BOOKS={folder}/notebooks"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, f"ARGS={asked}"],
            cwd=ROOT,
            start_new_session=True,
            env=environment() | places,
            stdout=log,
            stderr=log,
        )
    try:
        until = time.monotonic() + 60
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/api?token=t").close()
                break
            except URLError:
                assert time.monotonic() < until, (folder / "log").read_text()
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
        yield folder, f"http://127.0.0.1:{port}/lab/tree"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.fixture
def page(browser):
    """A page that reaches this machine alone, and at the end tells what it asked of others."""
    asked, said = [], []
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE)
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: said.append(str(error)))
    yield tab
    context.close()
    there = re.compile(r"(https?|wss?)://127\.0\.0\.1|data:|blob:")
    assert [url for url in asked if not there.match(url)] == []
    assert said == []


def open_book(page, lab, name):
    page.goto(f"{lab[1]}/{name}?token=t&reset")
    page.get_by_text("| Idle").wait_for()  # before it, to run asks for a kernel


def run_all(page):
    """Run all cells, and wait until each has a new number and none shows an error."""
    numbers = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(
        mark => Number(/\\d+/.exec(mark.textContent) ?? 0))"""
    before = max(page.evaluate(numbers))
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(f"before => ({numbers})().every(number => number > before)", arg=before)
    errors = page.locator('[data-mime-type="application/vnd.jupyter.stderr"]')
    assert errors.all_inner_texts() == []


def titles(page):
    return page.locator(".jp-OutputArea .js-plotly-plot .gtitle").all_text_contents()


def test_a_story_runs_draws_and_follows_another_home_and_year(page, lab):
    folder, _ = lab
    open_book(page, lab, STORY)
    run_all(page)
    page.wait_for_selector(POINT, state="attached")
    first = titles(page)
    assert first[-1].startswith("University of Liège")
    assert "2019–2024" in first[-1]
    notes = page.locator(".collabnet-table > p").all_text_contents()
    assert any("agreements, full counting, all years" in note for note in notes)
    assert any(note.startswith("SYNTHETIC co-publications 2019–2024") for note in notes)
    sheet = folder / "build" / "africa" / "maghreb.xlsx"
    assert openpyxl.load_workbook(sheet).worksheets[0].max_row == 8  # a head, seven partners

    cell = page.locator(".jp-CodeCell .cm-content").first
    cell.click()
    page.keyboard.press("Control+a")
    page.keyboard.type(f'DATA, HOME, SINCE, UNTIL = "../data", "{AACHEN}", 2018, 2024')
    run_all(page)
    page.wait_for_function(
        "before => document.querySelector('.gtitle').textContent != before", arg=first[0]
    )
    second = titles(page)
    assert second[-1].startswith("RWTH Aachen University")
    assert "2018–2024" in second[-1]
    assert openpyxl.load_workbook(sheet).worksheets[0].max_row == 1

    figure = page.locator(".js-plotly-plot").last
    figure.scroll_into_view_if_needed()
    figure.hover()
    with page.expect_download() as download:
        figure.locator('.modebar-btn[data-title^="Download plot"]').click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    page.screenshot(path=PICTURES / "lab.png")


def test_the_explorer_follows_its_widgets(page, lab):
    open_book(page, lab, "explore.ipynb")
    run_all(page)
    page.wait_for_selector(POINT, state="attached")
    region, kind, _, partner = page.locator(".jp-OutputArea select").all()
    kind.select_option("Agreements")
    region.select_option("Maghreb")
    page.wait_for_function(
        "() => document.querySelector('.gtitle').textContent.includes('Maghreb')"
    )
    expect(partner.locator("option")).to_have_count(7)  # they follow in a message of their own
    partner.select_option("Cadi Ayyad University")
    page.wait_for_selector("h3:has-text('Cadi Ayyad'), h2:has-text('Cadi Ayyad')")
    page.screenshot(path=PICTURES / "explorer.png")


def test_tab_proposes_regions_between_quotes(page, lab):
    open_book(page, lab, "explore.ipynb")
    run_all(page)
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\ncn.profile(records, region='magh")
    page.keyboard.press("Tab")
    offered = page.locator(".jp-Completer-item code.jp-Completer-match")
    expect(offered).to_have_count(2)
    assert offered.all_text_contents() == ["maghreb", "maghreb-uma"]
    page.screenshot(path=PICTURES / "completion.png")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-CodeCell .cm-content").last).to_contain_text("region='maghreb")


def test_what_init_and_report_write_opens_in_lab(page, lab):
    open_book(page, lab, "rwth/notebooks/05-strategic-partners.ipynb")
    run_all(page)
    assert "RWTH Aachen University" in page.locator(".jp-Notebook").inner_text()
    page.goto(f"{lab[1]}/brief.html?token=t&reset")
    brief = page.frame_locator(".jp-HTMLViewer iframe")
    expect(brief.locator("h1")).to_contain_text("RWTH Aachen University")
    expect(brief.locator(".stamp")).to_contain_text("Invented examples")
    page.screenshot(path=PICTURES / "brief-in-lab.png")
