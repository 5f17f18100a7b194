"""An open atlas: how tests watch it, and what they read off it."""

import itertools
from contextlib import contextmanager

from collabnet import settings

VIEWS = ("world", "europe", *settings.REGIONS, "strategic-partners")
LAYERS = ("agreement", "project", "work")
WATCH = (
    "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective))"
)
ROWS = """() => [...document.querySelectorAll('#list tbody tr')].map(row =>
    [row.dataset.id, Number(row.cells[2].textContent.replace(/[^0-9]/g, ''))])"""
MARKS = """() => document.getElementById('map').data.filter(trace => trace.customdata).flatMap(
    trace => trace.customdata.map((id, i) => [id, trace.x[i], trace.y[i]]))"""
TEXTS = """() => [...document.querySelectorAll('#map .textpoint text')].map(text => {
    const box = text.getBoundingClientRect();
    return [text.textContent, box.left, box.top, box.right, box.bottom]; })"""
MIDDLES = """() => [...document.querySelectorAll('#map .point')].map(mark => {
    const box = mark.getBoundingClientRect();
    return [(box.left + box.right) / 2, (box.top + box.bottom) / 2]; })"""
FRAME = """() => { const box = document.getElementById('map').getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom]; }"""


@contextmanager
def watched(browser, path, size=(1360, 860)):
    """Open an atlas with the network cut; whatever it says or asks for fails the test."""
    viewport = dict(zip(("width", "height"), size, strict=True))
    with browser.new_context(offline=True, locale="en-GB", viewport=viewport) as context:
        context.add_init_script(WATCH)
        page, asked = context.new_page(), []
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("dialog", lambda dialog: (page.said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{path.as_uri()}#tab=world")
        page.wait_for_selector("#map .point", state="attached")
        yield page
        assert page.said == []
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def names_are_legible(page):
    """Names lie on the map, on no other name and on the middle of no mark; return how many."""
    before, seen = None, [page.evaluate(script) for script in (FRAME, TEXTS, MIDDLES)]
    while seen != before:  # a map that is still being drawn is no map yet
        page.wait_for_timeout(50)
        before, seen = seen, [page.evaluate(script) for script in (FRAME, TEXTS, MIDDLES)]
    frame, texts, marks = seen
    for text, left, top, right, bottom in texts:
        inside = frame[0] <= left and frame[1] <= top and right <= frame[2] and bottom <= frame[3]
        assert inside, text
        assert not any(left < x < right and top < y < bottom for x, y in marks), text
    for a, b in itertools.combinations(texts, 2):
        assert a[3] <= b[1] or b[3] <= a[1] or a[4] <= b[2] or b[4] <= a[2], (a[0], b[0])
    return len(texts)
