"""Whatever a source holds, the atlas and all it gives away show it as text, and stay whole."""

import csv
import io
import re
from pathlib import Path
from urllib.parse import quote

import hostile
import openpyxl
import pytest
from atlas_pages import watched

import collabnet as cn
from collabnet import regions, settings
from collabnet.atlas import write_atlas
from collabnet.report import write_report

VIEWS = ("overview", "map", "partners", "agreements", "matrix", "time", "network", "method")
KEYS = ("view", "tab", "layer", "lang", "theme", "q", "partner", "from", "to", "matrix", "sort")
KEYS += ("map", "colour", "country", "type", "class", "act", "field", "least", "count")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
RISKY = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
LAYERS = ("agreement", "project", "work", "mobility", "gaps")
# What no name can bring in: elements that act, attributes that run, addresses but those of DOIs.
FOREIGN = """() => { const some = (css) => [...document.querySelectorAll(css)];
    const bad = (e) => [...e.attributes].some(({ name, value }) => /^on/i.test(name) ||
        /href|src|action|data$/i.test(name) && !/^(#|https:\\/\\/doi\\.org\\/10\\.|$)/.test(value));
    return [window.__pwn ?? 0, some('script').length - 5, some('style').length - 3,
        some('img, iframe, link, base, object, embed, math, form, textarea, video').length,
        some('svg script, svg style, svg a, svg foreignObject, #panel sub, h1 script').length,
        some('main *, header *, nav *, footer *').filter(bad).length]; }"""
WIDE = """() => { const out = [], wide = (e) => e.scrollWidth - e.clientWidth > 1;
    if (document.documentElement.scrollWidth > innerWidth) out.push('page');
    const held = ['#view', '#other', '#chart', '#side', '#list', '#card'];
    for (const css of ['header', '#tools', 'footer', ...held])
        if (wide(document.querySelector(css))) out.push(css);
    const figure = document.querySelector('.figure:not([hidden])');
    const box = figure?.getBoundingClientRect();
    for (const text of box?.width ? figure.querySelectorAll('text') : []) {
        const at = text.getBoundingClientRect();
        const out_of = at.left < box.left - 1 || at.right > box.right + 1;
        if (at.width && out_of) out.push(text.textContent);
    }
    return out; }"""
HOVER = """(css) => { const holder = document.querySelector(css); let n = 0;
    for (const [curveNumber, { customdata }] of holder.data.entries())
        for (const [pointNumber, id] of (customdata ?? []).entries())
            if (id) n += Plotly.Fx.hover(holder, [{ curveNumber, pointNumber }]) ?? 1;
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
    assert opened.evaluate(FOREIGN) == [0] * 6
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
                assert page.evaluate(FOREIGN) == [0] * 6, (view, layer)
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
    assert page.evaluate(FOREIGN) == [0] * 6
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
    assert [c for c in cells if c.startswith(RISKY) and not NUMBER.fullmatch(c)] == []
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
    drawn = Path(download.value.path()).read_text("utf-8")
    names, keys = page.evaluate(
        """(text) => { const root = new DOMParser().parseFromString(text, 'image/svg+xml');
        const all = [...root.querySelectorAll('*')];
        return [all.map((e) => e.localName), all.flatMap((e) => e.getAttributeNames())]; }""",
        drawn,
    )
    assert len(names) > 100
    acting = {"script", "a", "image", "foreignObject", "iframe", "img", "parsererror"}
    assert not set(names) & acting
    assert [key for key in keys if key.startswith("on") or "href" in key] == []


OUTSIDE = """() => [window.__pwn ?? 0, [...document.querySelectorAll('*')].filter((e) =>
    ['IFRAME', 'LINK', 'BASE', 'OBJECT', 'FORM', 'INPUT', 'IMG'].includes(e.tagName)
    || [...e.attributes].some(({ name }) => /^on/i.test(name))
    || e.tagName === 'A' && !/^https:\\/\\/doi\\.org\\/10\\./.test(e.href)).map((e) => e.outerHTML),
    document.documentElement.scrollWidth > innerWidth]"""


@pytest.fixture(scope="module")
def records():
    return hostile.records()


def opens_as_text(browser, path):
    """Open a page without network: it asks for nothing, says nothing, and nothing in it acts."""
    said = []
    page = browser.new_page(viewport={"width": 1360, "height": 860})
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: said.append(request.url))
    page.goto(path.as_uri())
    found = page.evaluate(OUTSIDE)
    page.close()
    assert [one for one in said if not one.startswith(("file:", "data:", "blob:"))] == []
    return found


def test_the_brief_of_a_region_is_text(browser, records, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        known = regions._shipped()
        patch.setattr(regions, "_shipped", lambda: known | hostile.REGIONS)
        for name in (*hostile.REGIONS, "world"):
            out = write_report(records, tmp_path / "brief.html", region=name, as_of="2024-12-31")
            assert opens_as_text(browser, out) == [0, [], False], name
            assert "<script" not in out.read_text("utf-8")


def test_a_card_of_every_partner_is_text(browser, records, tmp_path):
    ids = records.institutions["institution_id"][1:]
    cards = [cn.partner_card(records, None, body).html for body in [*ids[1::15], "constructor"]]
    path = tmp_path / "cards.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{''.join(cards)}", encoding="utf-8")
    assert opens_as_text(browser, path) == [0, [], False]
    assert len(cards) == 5


def test_figures_for_notebooks_are_text(browser, records, tmp_path):
    bodies, title = records.institutions, hostile.TEXTS[0] + hostile.TEXTS[30]
    edges = cn.edges(records, "work")
    named = {"institutions": bodies, "title": title}
    figures = {
        "map": cn.plot_map(edges, bodies, home=settings.HOME, title=title),
        "matrix": cn.plot_matrix(edges, **named),
        "network": cn.plot_network(edges, home=settings.HOME, **named),
        "trend": cn.plot_trend(cn.trend(records, settings.HOME), **named),
        "lives": cn.plot_lifelines(records, settings.HOME, as_of="2024-12-31", title=title),
    }
    for name, figure in figures.items():
        path = cn.save_figure(figure, tmp_path / f"{name}.html")
        assert opens_as_text(browser, path)[:2] == [0, []], name


def test_no_cell_of_an_exported_table_is_a_formula(records, tmp_path):
    table = cn.partners(records, settings.HOME, kind="work").merge(
        records.institutions, left_on="partner", right_on="institution_id"
    )
    with cn.export_table(table, tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell.startswith(RISKY) and not NUMBER.fullmatch(cell)] == []
    book = openpyxl.load_workbook(cn.export_table(table, tmp_path / "t.xlsx"))
    types = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert not {"f", "e"} & types
