"""The atlas from the keyboard alone: all is reached, seen, used, and never lost."""

import pytest
from atlas_pages import ROWS

VIEWS = ("overview", "map", "partners", "agreements", "matrix", "time", "network", "method")
HERE = "tab=euregio-meuse-rhine&layer=work"
# What a mouse can use; of a list of tabs one is reached, the others by arrows from it.
CONTROLS = """() => { document.querySelectorAll('[data-nth]').forEach((e) => delete e.dataset.nth);
    return [...document.querySelectorAll('button, select, input, a[href], summary')]
    .filter((e) => e.checkVisibility() && e.tabIndex >= 0)
    .map((e, n) => { e.dataset.nth = n; return e.id || e.textContent.slice(0, 40); }); }"""
RING = """() => { const e = document.activeElement, look = getComputedStyle(e);
    const ring = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0;
    return [e.dataset.nth ?? null, e.tagName, ring]; }"""
PANEL = """() => { const seen = {}, css = '#panel :not(th) > button, #panel summary';
    return [...document.querySelectorAll(css)]
    .filter((e) => e.checkVisibility())
    .map((e, n) => { e.dataset.nth = n; return [n, e.closest('[class]')?.className + e.tagName]; })
    .filter(([, kind]) => (seen[kind] = (seen[kind] ?? 0) + 1) < 3).map(([n]) => n); }"""
STATE = """() => [location.hash, document.documentElement.lang,
    document.querySelector('#card').hidden, document.querySelector('#other').textContent,
    [...document.querySelectorAll('details')].map(({ open }) => open),
    document.querySelector('#map').layout?.xaxis.range.map(Math.round)]"""
ACTIVE = "() => document.activeElement.tagName"


@pytest.mark.parametrize("view", VIEWS)
def test_tab_reaches_every_control_with_a_ring_and_is_trapped_by_none(go, view):
    page = go(f"view={view}&{HERE}&partner=02jz4aj89")
    names = page.evaluate(CONTROLS)
    page.evaluate("() => { document.activeElement.blur(); document.body.tabIndex = -1; }")
    page.evaluate("() => { document.body.focus(); document.body.removeAttribute('tabindex'); }")
    met, bare = [], []
    for _ in range(len(names) + 12):
        page.keyboard.press("Tab")
        nth, tag, ring = page.evaluate(RING)
        if tag == "BODY":
            break
        if nth == "0" and met:
            break  # round again
        met += [int(nth)] if nth is not None else []
        bare += [] if ring else [names[int(nth)] if nth else tag]
    assert [name for n, name in enumerate(names) if n not in met] == []
    assert met == sorted(met), "in the order in which they stand"
    assert bare == []
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(ACTIVE) != "BODY"


@pytest.mark.parametrize("view", VIEWS)
def test_a_key_does_what_a_click_does_and_keeps_its_place(go, view):
    address = f"view={view}&{HERE}"
    for n in go(address).evaluate(PANEL):
        went = {}
        for how in ("click", "Enter"):
            page = go(address)
            page.evaluate(PANEL)
            page.evaluate("n => document.querySelector(`[data-nth='${n}']`).focus()", n)
            if how == "click":
                page.evaluate("() => document.activeElement.click()")
            else:
                page.keyboard.press(how)
            went[how] = page.evaluate(STATE)
            assert page.evaluate(ACTIVE) != "BODY", (view, n, how)
        assert went["click"] == went["Enter"], (view, n)


@pytest.mark.parametrize("view", ["overview", "map", "partners", "time"])
def test_a_card_is_opened_and_closed_and_one_is_back_where_one_was(go, view):
    page = go(f"view={view}&{HERE}")
    row = {"overview": "[data-partner]", "time": "#list td button"}.get(view, "#panel td button")
    row = page.locator(row).locator("visible=true").first
    row.focus()
    named = page.evaluate("() => document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert page.is_visible("#card")
    page.keyboard.press("Escape")
    assert page.is_hidden("#card")
    assert page.evaluate("() => document.activeElement.textContent") == named
    page.keyboard.press("Enter")
    page.focus("#card .close")
    page.keyboard.press("Space")
    assert page.is_hidden("#card")
    assert page.evaluate("() => document.activeElement.textContent") == named


def test_the_tools_work_by_keys_and_hold_their_place(go):
    page = go("view=map&tab=world&layer=work")
    active = "() => document.activeElement.id"
    for key in (
        "language",
        "theme",
        "layer-project",
        "zoom-in",
        "zoom-reset",
        "more",
        "more",
        "link",
    ):
        page.focus(f"#{key}")
        page.keyboard.press("Space")
        assert page.evaluate(active) == key
    assert page.get_attribute("html", "lang") == "fr"
    assert "layer=project" in page.url
    page = go("view=map&tab=world&layer=work")
    for key in ("from", "to", "by-country", "by-type", "by-field", "by-class", "by-count"):
        page.focus(f"#{key}")
        page.keyboard.press("ArrowDown")
        assert page.evaluate(active) == key
        assert page.evaluate("key => document.getElementById(key).value !== ''", key)
    page.focus("#by-least")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    assert page.evaluate(active) == "by-least"
    page.focus("#clear")
    page.keyboard.press("Enter")
    assert page.evaluate(active) == "more"
    page.focus("#search")
    page.keyboard.type("maastricht")
    assert page.evaluate(active) == "search"
    page.focus(".skip")
    page.keyboard.press("Enter")
    assert page.evaluate(active) == "panel"


def test_all_that_is_taken_away_is_taken_by_keys(go):
    page = go("view=matrix&tab=world&layer=work")
    for key in ("csv", "xlsx", "png", "svg"):
        page.focus(f"#{key}")
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert download.value.suggested_filename.endswith(f".{key}")
        assert page.evaluate("() => document.activeElement.id") == key
    page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    page.focus("#print")
    page.keyboard.press("Enter")
    assert page.evaluate("() => window.printed") is True


@pytest.mark.parametrize("view", ["map", "agreements", "matrix", "time", "network"])
def test_every_mark_of_a_figure_has_its_line_in_the_list(go, view):
    page = go(f"view={view}&tab=world&layer=agreement")
    holder = "#map" if view == "map" else ".figure"
    marks = page.evaluate(
        "css => document.querySelector(css).data.flatMap((t) => t.customdata ?? [])", holder
    )
    assert {mark for mark in marks if mark} <= {body for body, _ in page.evaluate(ROWS)}
