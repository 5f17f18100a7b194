"""Whatever a source holds, the atlas and all it gives away show it as text, and stay whole."""

import csv
import io
import re
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import hostile
import openpyxl
import pytest
from atlas_pages import watched

from collabnet import regions, settings
from collabnet.atlas import write_atlas

VIEWS = ("overview", "map", "partners", "agreements", "matrix", "time", "network", "method")
KEYS = ("view", "tab", "layer", "lang", "theme", "q", "partner", "from", "to", "matrix", "sort")
KEYS += ("map", "colour", "country", "type", "class", "act", "field", "least", "count")
LAYERS = ("agreement", "project", "work", "mobility", "gaps")
# What no name can bring in: elements that act, attributes that run, addresses but those of DOIs.
FOREIGN = """() => { const some = (css) => [...document.querySelectorAll(css)];
    const bad = (e) => [...e.attributes].some(({ name, value }) => /^on/i.test(name) ||
        /href|src|action|data$/i.test(name) && !/^(#|https:\\/\\/doi\\.org\\/10\\.|$)/.test(value));
    return [window.__pwn ?? 0, some('script').length - 5, some('style').length - 3,
        some('img, iframe, link, base, object, embed, math, form, textarea, video').length,
        some('svg script, svg style, svg a, svg foreignObject, #panel sub, h1 script').length,
        some('main *').filter((e) => [...e.attributes].some(({ name }) => /^on/i.test(name))).length,
        some('*').filter((e) => e.closest('main, header, nav, footer') && bad(e)).length]; }"""
WIDE = """() => { const out = [], wide = (e) => e.scrollWidth - e.clientWidth > 1;
    if (document.documentElement.scrollWidth > innerWidth) out.push('page');
    for (const css of ['header', '#tools', '#view', '#other', '#chart', '#side', '#list', '#card', 'footer'])
        if (wide(document.querySelector(css))) out.push(css);
    const figure = document.querySelector('.figure:not([hidden])'), box = figure?.getBoundingClientRect();
    for (const text of box?.width ? figure.querySelectorAll('text') : []) {
        const at = text.getBoundingClientRect();
        if (at.width && (at.left < box.left - 1 || at.right > box.right + 1)) out.push(text.textContent);
    }
    return out; }"""
HOVER = """(css) => { const holder = document.querySelector(css); let n = 0;
    for (const [curveNumber, { customdata }] of holder.data.entries())
        for (const [pointNumber, id] of (customdata ?? []).entries())
            if (id) { Plotly.Fx.hover(holder, [{ curveNumber, pointNumber }]); n += 1; }
    return n; }"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """An atlas in which every text is hostile, regions of its own and its title too."""
    with pytest.MonkeyPatch.context() as patch:
        known = regions._shipped()
        patch.setattr(regions, "_shipped", lambda: known | hostile.REGIONS)
        patch.setattr(settings, "REGIONS", (*settings.REGIONS, *hostile.REGIONS))
        out = tmp_path_factory.mktemp("hostile") / "atlas.html"
        return write_atlas(hostile.records(), out, title="".join(hostile.TEXTS))


@pytest.fixture(scope="module")
def opened(browser, path):
    with watched(browser, path) as page:
        yield page


@pytest.fixture
def page(opened):
    """The page, which must hold nothing foreign and have said nothing when a test is done."""
    at(opened, "view=map")
    yield opened
    assert opened.evaluate(FOREIGN) == [0] * 7
    assert opened.said == []


def at(page, address):
    """Go to an address; the page writes its own once all is shown."""
    page.evaluate("a => { location.hash = a; }", f"{address}&visit=1")
    page.wait_for_function("() => !location.hash.includes('visit')")


def test_there_are_sixty_texts_and_all_are_read(path):
    assert len(set(hostile.TEXTS)) == 60
    text = path.read_text("utf-8")
    assert text.count("</script>") == 5, "those of the page itself"


@pytest.mark.parametrize("size", [(1360, 860), (390, 844)], ids=str)
def test_no_view_is_broken_by_any_of_them(browser, path, size):
    with watched(browser, path, size) as page:
        for n, view in enumerate(VIEWS):
            every = LAYERS if view == "map" else (LAYERS[n % 3], "mobility", "gaps")
            for layer in every if size[0] > 400 else ("work",):
                more = "&lang=fr&matrix=regions" if layer in {"project", "gaps"} else "&map=rings"
                at(page, f"view={view}&layer={layer}{more}")
                assert page.evaluate(FOREIGN) == [0] * 7, (view, layer)
                # A table of eleven columns is moved sideways where there is no room.
                table = ["#other"] if view == "partners" else []
                assert [w for w in page.evaluate(WIDE) if w not in table] == [], (view, layer)


def test_regions_of_such_names_open_by_their_tabs(page):
    for n in range(len(hostile.REGIONS)):
        tab = page.locator("#tabs button").nth(-1 - n)
        tab.click()
        assert tab.get_attribute("aria-selected") == "true"
        assert page.evaluate("document.activeElement.closest('#tabs') !== null")


def test_every_card_opens_and_holds_no_link_but_dois(page):
    at(page, "view=partners")
    links, cards = page.evaluate(
        """() => { const links = new Set(); let cards = 0;
        for (const id of [...document.querySelectorAll('#other tr')].map((row) => row.dataset.id)) {
            if (!id) continue;
            [...document.querySelectorAll('#other tr')].find((e) => e.dataset.id === id).click();
            cards += !document.querySelector('#card').hidden;
            for (const link of document.querySelectorAll('#card a')) links.add(link.href);
        } return [[...links], cards]; }"""
    )
    assert cards == len(hostile.TEXTS)
    assert page.evaluate(FOREIGN) == [0] * 7
    assert [link for link in links if not re.match(r"https://doi\.org/10\.1000/", link)] == []


def test_every_mark_tells_its_name_as_text(page):
    for view, holder in [("map", "#map"), ("agreements", ".figure"), ("network", ".figure")]:
        at(page, f"view={view}&layer=agreement")
        assert page.evaluate(HOVER, holder) > 10
        assert page.locator(".hoverlayer a, .hoverlayer img").count() == 0
    at(page, "view=map")
    shown = page.inner_text("#list tbody")
    assert hostile.TEXTS[2] in shown
    assert "\u202e" not in shown


def test_every_filter_takes_every_value_it_offers(page):
    at(page, "view=partners")
    menus = page.locator("#filters select").evaluate_all("all => all.map((each) => each.id)")
    assert {"by-country", "by-type", "by-act", "by-class"} <= set(menus)
    for menu in menus:
        at(page, "view=partners")
        left = page.evaluate(
            """(id) => { const get = () => document.getElementById(id);
            const some = [...get().options].filter(({ value }, i) => value in {} || i % 4 < 1);
            return some.map(({ value }) => {
                get().value = value;
                get().dispatchEvent(new Event('change', { bubbles: true }));
                return document.querySelectorAll('#other tbody tr').length; }); }""",
            menu,
        )
        assert min(left[1:]) > 0 or menu in {"by-field", "by-class", "by-count"}, menu


def test_searching_for_any_of_them_finds_its_partner(page):
    at(page, "view=map&layer=work")
    for text in hostile.HELD[::2]:
        page.fill("#search", text)
        if len(text.strip()) > 1 and text.isprintable():
            assert page.locator("#list tbody tr").count() > 0, text
    page.fill("#search", "")


def test_an_address_may_hold_any_of_them_everywhere(page):
    for n, text in enumerate(hostile.TEXTS):
        value = quote(text.encode("utf-8", "replace"))
        more = [f"{key}={value}" for key in KEYS if key not in {"view", "tab"}]
        at(page, "&".join([f"view={VIEWS[n % 8]}", "tab=world", *more]))
    for key in KEYS:
        at(page, f"view=overview&tab=world&{key}=constructor")
    page.evaluate("location.hash = '%E0%A4%A&q=%'")
    at(page, "view=map&tab=world")
    assert page.locator("#list tbody tr").count() == len(hostile.TEXTS)


@pytest.mark.parametrize("view", ["map", "partners"])
def test_no_cell_of_a_table_taken_away_is_a_formula(page, view):
    at(page, f"view={view}&layer=work")
    files = {}
    for button in ("csv", "xlsx"):
        with page.expect_download() as download:
            page.click(f"#{button}")
        files[button] = Path(download.value.path()).read_bytes()
    text = files["csv"].decode("utf-8-sig")
    assert "\x00" not in text
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    number = re.compile(r"-?\d+(\.\d+)?")
    risky = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
    assert [c for c in cells if c.startswith(risky) and not number.fullmatch(c)] == []
    assert sum(c.startswith("'") for c in cells) >= 7
    book = openpyxl.load_workbook(io.BytesIO(files["xlsx"]))
    types = [cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row]
    assert len(types) > 400
    assert not {"f", "e"} & set(types)


@pytest.mark.parametrize("view", ["map", "agreements", "network"])
def test_a_picture_holds_no_element_that_acts(page, view):
    at(page, f"view={view}&layer=agreement")
    with page.expect_download() as download:
        page.click("#svg")
    root = ET.fromstring(Path(download.value.path()).read_text("utf-8"))
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not names & {"script", "a", "image", "foreignObject", "iframe", "img"}
    attributes = {key.rpartition("}")[2] for element in root.iter() for key in element.attrib}
    assert [key for key in attributes if key.startswith("on") or "href" in key] == []
