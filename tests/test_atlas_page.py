"""The page around the map: views, filters, card, what is taken away, and who can use it."""

import io
from pathlib import Path

import openpyxl
import pytest
from atlas_pages import ROWS, watched
from axe_playwright_python.sync_playwright import Axe

import collabnet as cn
from collabnet import settings
from collabnet.report import write_report

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
CELLS = "rows => rows.map(row => [row.dataset.id, row.cells[2].textContent])"
LINES = "() => [...document.querySelectorAll('#other tbody tr')].map(row => row.dataset.id)"


VIEWS = ("overview", "map", "partners", "agreements", "matrix", "time", "network", "method")


def faults(page):
    """Return what axe finds wrong on a page, each with the element it found it at."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_on_a_view(go, view, theme):
    # The world has most controls; where a table is long its rows are alike, and one region does.
    tab = "world" if view in {"overview", "map"} else "euregio-meuse-rhine"
    assert faults(go(f"view={view}&theme={theme}&tab={tab}&partner=02jz4aj89")) == []


def test_axe_finds_nothing_on_a_telephone(browser, atlas_file):
    with watched(browser, atlas_file, (390, 844)) as page:
        for view in VIEWS:
            page.evaluate("a => { location.hash = a; }", f"view={view}&tab=maghreb&visit=1")
            page.wait_for_function("() => !location.hash.includes('visit')")
            assert faults(page) == [], view


def test_axe_finds_nothing_on_the_brief_of_a_region_and_on_a_card(browser, records, tmp_path):
    brief = write_report(records, tmp_path / "brief.html", region="grande-region")
    card = cn.partner_card(records, None, "02jz4aj89")
    head = "<!doctype html><html lang=en><title>Card</title><main><h1>A partner</h1><h2>Card</h2>"
    (tmp_path / "card.html").write_text(f"{head}{card.html}</main>", encoding="utf-8")
    page = browser.new_page()
    for path in (brief, tmp_path / "card.html"):
        page.goto(path.as_uri())
        assert faults(page) == [], path.name
    page.close()


def test_fractional_counting_and_a_least_weight_give_the_numbers_of_partners(go, records):
    table = cn.partners(records, kind="work", count="fractional")
    table = table[table["weight"] >= 2]
    shown = go("view=map&tab=world&layer=work&count=fractional&least=2").locator("#list tbody tr")
    cells = shown.evaluate_all(CELLS)
    assert {body: float(text.replace(",", "")) for body, text in cells} == pytest.approx(
        dict(zip(table["partner"], table["weight"], strict=True)), abs=0.0051
    )


def test_filters_stand_in_the_address_are_counted_and_cleared(go, records):
    page = go("view=map&tab=world&country=MA&class=dates unknown")
    home = cn.gaps(records, settings.HOME)
    places = records.institutions.set_index("institution_id")["country"]
    unknown = home.loc[home["class"] == "dates unknown", "partner"]
    assert {row[0] for row in page.evaluate(ROWS)} == set(unknown[unknown.map(places) == "MA"])
    assert page.inner_text("#more").startswith("Filters (2)")
    page.click("#clear")
    assert "country" not in page.url
    assert len(page.evaluate(ROWS)) == len(cn.partners(records, kind="agreement"))


def test_the_layer_of_classes_says_of_each_partner_what_gaps_says(go, records):
    page = go("view=map&tab=world&layer=gaps")
    cells = page.locator("#list tbody tr").evaluate_all(CELLS)
    table = cn.gaps(records, settings.HOME)
    assert dict(cells) == dict(zip(table["partner"], table["class"], strict=True))


def test_the_table_of_partners_is_sorted_by_its_heads_and_opens_cards(go, records):
    page = go("view=partners&tab=world")
    page.focus("#sort-work")
    page.keyboard.press("Enter")
    assert page.get_attribute("th:has(#sort-work)", "aria-sort") == "descending"
    strongest = cn.partners(records, kind="work")["partner"].iloc[0]
    assert page.evaluate(LINES)[0] == strongest
    page.keyboard.press("Enter")
    assert page.get_attribute("th:has(#sort-work)", "aria-sort") == "ascending"
    page.click("#other tbody tr button")
    assert page.is_visible("#card dl")


def test_the_overview_names_nobody_on_synthetic_works_alone(go, records):
    told = go("view=overview&tab=world").inner_text("#other").replace("\u2068", "")
    table = cn.gaps(records, settings.HOME)
    uncovered = table[(table["class"] == "uncovered") & (table["projects"].fillna(0) == 0)]
    table = cn.turnover(records, settings.HOME, periods=[(2020, 2022), (2023, 2025)], kind="work")
    names = records.institutions.set_index("institution_id")["name"]
    lost = table.loc[(table["until"] == 2025) & (table["status"] == "lost"), "partner"]
    assert len(lost) > 0
    assert [name for name in names[lost] if name in told] == []
    assert f"{len(uncovered)} partners are uncovered by synthetic works alone" in told


def test_the_workbook_holds_the_table_and_its_note(go):
    page = go("view=map&tab=world")
    with page.expect_download() as download:
        page.click("#xlsx")
    book = openpyxl.load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert book.sheetnames == ["Table", "Note"]
    rows = list(book["Table"].values)
    assert [row[1] for row in rows[1:]] == [row[0] for row in page.evaluate(ROWS)]
    assert any("Full counting" in line[0] for line in book["Note"].values)


def test_only_what_is_a_doi_becomes_a_link(go):
    page = go("view=map&tab=world&layer=work")
    page.click("#list tbody tr button")
    for href in page.locator("#card a").evaluate_all("links => links.map(link => link.href)"):
        assert href.startswith("https://doi.org/10.")


PARTS = """() => [...document.querySelectorAll('svg text')].map(text => {
    const box = text.getBoundingClientRect();
    const all = document.documentElement.getBoundingClientRect();
    const low = box.left >= 0 && box.top >= 0;
    return [text.textContent, low && box.right <= all.right && box.bottom <= all.bottom]; })"""


@pytest.mark.parametrize("view", ["agreements", "matrix", "time", "network"])
def test_a_picture_of_a_figure_says_what_it_is_and_what_it_rests_on(go, browser, tmp_path, view):
    page, picture = go(f"view={view}&tab=world&layer=work"), tmp_path / "figure.svg"
    with page.expect_download() as download:
        page.click("#svg")
    download.value.save_as(picture)
    drawn = browser.new_page(viewport={"width": 1360, "height": 860})
    drawn.goto(picture.as_uri())
    told = drawn.evaluate(PARTS)
    drawn.close()
    assert [text for text, whole in told if not whole] == []
    texts = [text for text, _ in told]
    assert any(text.startswith("International collaborations of") for text in texts)
    assert any(text.startswith("collabnet ") for text in texts)
    assert ("Synthetic sample: no conclusion" in " ".join(texts)) == (view != "agreements")


def test_an_address_given_while_a_long_list_is_still_drawn_is_not_written_over(browser, atlas_file):
    with watched(browser, atlas_file) as page:
        # The other address comes just before the last lines of the list.
        given = """async () => {
            const real = setTimeout;
            let steps = 0;
            window.setTimeout = (act, wait) => real(() => {
                if (wait === 20 && ++steps === 2) location.hash = 'view=time&tab=world&layer=work';
                act();
            }, wait);
            location.hash = 'view=map&tab=world&layer=work';
            await new Promise((done) => real(done, 2000));
            return [location.hash, document.querySelector('#panel').dataset.view]; }"""
        address, view = page.evaluate(given)
        assert "view=time" in address
        assert view == "time"
