"""Nothing in the atlas overlaps, is cut or is too small to touch, at any width, in any language."""

import itertools
import json
import re

import pytest
from atlas_pages import MARKS, watched

from collabnet.report import write_report
from conftest import ROOT

THEMES = {390: "light", 768: "dark", 1360: "light", 1920: "light"}
VIEWS = ("overview", "map", "partners", "agreements", "matrix", "time", "network", "method")
SYNTHETIC = ("matrix", "time", "network")
SHEET = 688, 1016  # pixels of an A4 page between its margins
PARTNER = "02jz4aj89"  # with agreements, works and a long name: its card is the fullest
FAULTS = (ROOT / "tests" / "layout.js").read_text(encoding="utf-8")
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SIGNS = """() => [...document.querySelectorAll('#list tbody tr')].map((row) =>
    [row.dataset.id, row.querySelector('.mark path').getAttribute('fill')])"""


def visit(page, address, number=0):
    """Go to an address and wait until all of it is drawn."""
    page.evaluate("a => { location.hash = a }", f"{address}&visit={number}")
    page.wait_for_function("() => !location.hash.includes('visit')")
    page.evaluate(SETTLED)


def faults(page, addresses):
    """Go to each address in turn; return what is wrong there."""
    wrong = {}
    for number, address in enumerate(addresses):
        visit(page, address, number)
        if found := page.evaluate(FAULTS):
            wrong[address] = [json.loads(each) for each in found]
    return wrong


def addresses(langs, theme="light", views=VIEWS):
    """Return the address of every view, on works where it is drawn from them, in each language."""
    for lang, view in itertools.product(langs, views):
        layer = "work" if view in SYNTHETIC else "agreement"
        yield f"view={view}&tab=world&layer={layer}&lang={lang}&theme={theme}"


@pytest.mark.parametrize("width", THEMES)
def test_no_text_overlaps_or_is_cut_and_all_can_be_touched(browser, atlas_file, width):
    theme = THEMES[width]
    more = [f"view=time&tab=strategic-partners&layer=work&theme={theme}"]
    more += [f"view=map&tab=world&layer=gaps&lang=fr&theme={theme}"]
    for view in ("map", "overview"):
        more.append(f"view={view}&tab=euregio-meuse-rhine&layer=work&partner={PARTNER}")
    with watched(browser, atlas_file, (width, 900)) as page:
        assert faults(page, [*addresses(("en", "fr"), theme), *more]) == {}


@pytest.mark.parametrize(("width", "lang"), [(390, "fr"), (1360, "en")])
def test_nor_does_it_with_a_thousand_partners(browser, h2020_file, width, lang):
    with watched(browser, h2020_file, (width, 900)) as page:
        views = [view for view in VIEWS if view not in {"partners", "method"}]
        assert faults(page, addresses((lang,), views=views)) == {}


def test_paper_says_what_was_asked_and_cuts_no_line(browser, atlas_file):
    with watched(browser, atlas_file, SHEET) as page:
        for view in VIEWS:
            layer = "work" if view in SYNTHETIC else "agreement"
            visit(page, f"view={view}&tab=world&layer={layer}&from=2001&country=DE&lang=fr")
            page.emulate_media(media="print")
            page.evaluate("dispatchEvent(new Event('beforeprint'))")
            page.evaluate(SETTLED)
            asked = page.inner_text("#asked")
            assert re.search("Monde; .*; 2001–….* · Filtres\xa0: Pays\xa0: Allemagne · au 2", asked)
            assert "partnerships.csv" in page.inner_text("#told-on-paper")
            found = [json.loads(each) for each in page.evaluate(FAULTS)]
            assert [each for each in found if each[0] not in {"small", "chosen out of sight"}] == []
            tall = "max => [...document.querySelectorAll('.figure, #frame, tr, li')]"
            tall += ".filter(one => one.getBoundingClientRect().height > max).length"
            assert page.evaluate(tall, SHEET[1]) == 0, view
            page.emulate_media(media="screen")
            page.evaluate("dispatchEvent(new Event('afterprint'))")


def test_many_agreements_are_cut_for_paper_between_two_partners(go):
    page = go("view=agreements&tab=world")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    ranges = page.evaluate(
        "[...document.querySelectorAll('.figure')].map(one => one.layout.yaxis.range)"
    )
    names = page.evaluate("document.querySelector('.figure').layout.shapes.map(one => one.y0 - 1)")[
        :-1
    ]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(ranges) == 2
    assert ranges[0][0] == ranges[1][1]
    assert ranges[1][1] in names
    assert page.locator(".figure").count() == 1


def test_the_list_beside_the_network_wears_its_signs(go):
    page = go("view=network&tab=world&layer=work")
    drawn = page.evaluate(
        """() => Object.fromEntries(document.querySelector('.figure').data
            .filter(trace => trace.meta === 'node')
            .flatMap(trace => trace.customdata.map(id => [id, trace.marker.color])))"""
    )
    signs = page.evaluate(SIGNS)
    assert len({drawn[body] for body, _ in signs if body in drawn}) > 3
    assert [colour for body, colour in signs] == [drawn.get(body, "none") for body, _ in signs]


def test_a_button_shows_what_lies_around_home(go):
    page = go("view=map&tab=europe&layer=work")
    page.click("#zoom-home")
    x0, x1 = page.evaluate("document.getElementById('map').layout.xaxis.range")
    assert 440 <= x1 - x0 < 1500
    assert x0 < next(x for _, x, _ in page.evaluate(MARKS)) < x1
    assert go("view=map&tab=maghreb&layer=work").is_hidden("#zoom-home")


def test_filters_and_activities_agree_with_their_nouns_in_french(go):
    page = go("view=map&tab=world&layer=agreement&lang=fr")
    first = page.evaluate(
        "[...document.querySelectorAll('#filters select')].map(x => [x.id, x.options[0].text])"
    )
    assert dict(first) == {
        "by-country": "tous",
        "by-type": "tous",
        "by-act": "toutes",
        "by-class": "toutes",
    }
    assert "enseignement bilatéral" in page.inner_text("#by-act")
    assert "établissements avec une copublication" in go("view=method&lang=fr").inner_text(
        "#method"
    )


def test_the_brief_names_as_many_as_find_room_and_says_how_many(records, tmp_path):
    path = write_report(records, tmp_path / "world.html", region="world", as_of="2026-06-30")
    named = path.read_text("utf-8").count('<text class="name">')
    assert named > 7
    assert f"Named: {named} of 154." in path.read_text("utf-8")
