"""Nothing in the atlas overlaps, is cut or is too small to touch, at any width, in any language."""

import itertools
import json

import pytest
from atlas_pages import watched

import collabnet as cn
from collabnet import settings
from collabnet.atlas import write_atlas

WIDTHS = (390, 768, 1360, 1920)
VIEWS = ("overview", "map", "partners", "agreements", "matrix", "time", "network", "method")
SYNTHETIC = ("matrix", "time", "network")
PARTNER = "02jz4aj89"  # with agreements, works and a long name: its card is the fullest
# Every line of text as a box in pixels, cut to what its scrolling ancestors show; and what is wrong.
FAULTS = """() => {
  const found = [], boxes = [], root = document.documentElement;
  const shown = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const cut = (box, by) => [max(box[0], by[0]), max(box[1], by[1]), min(box[2], by[2]), min(box[3], by[3])];
  const { max, min } = Math, told = (node) => node.textContent.trim().slice(0, 40);
  const styles = new Map();
  const styled = (node) => styles.get(node) ?? styles.set(node, getComputedStyle(node)).get(node);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const own = text.parentElement;
    if (!text.data.trim() || own.closest("script, style, option, .skip") || !shown(own)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const { left, top, right, bottom, width } of range.getClientRects()) {
      let box = [left, top, right, bottom];
      if (width < 1) continue;
      for (let node = own; node && node !== document.body; node = node.parentElement) {
        const { overflowX, overflowY, position } = styled(node);
        if (overflowX === "visible" && overflowY === "visible") continue;
        const { left, top, right, bottom } = node.getBoundingClientRect(), by = [left, top, right, bottom];
        const closed = [overflowX, overflowY].map((way) => ["hidden", "clip"].includes(way));
        const beyond = (k) => box[k] < by[k] - 1 || box[k + 2] > by[k + 2] + 1;
        if (!node.closest("[title]") && closed.some((is, k) => is && beyond(k))) found.push(["cut", told(text)]);
        box = cut(box, by);
        if (position === "fixed") break;
      }
      if (box[2] - box[0] < 1 || box[3] - box[1] < 2) continue;
      if (box[0] < -1 || box[2] > root.clientWidth + 1) found.push(["beyond the page", told(text)]);
      boxes.push([box[0] + 0.5, box[1] + 2, box[2] - 0.5, box[3] - 2, text]);
    }
  }
  boxes.sort((a, b) => a[1] - b[1]);
  boxes.forEach((a, i) => {
    for (const b of boxes.slice(i + 1)) {
      if (b[1] >= a[3]) break;
      if (a[4] !== b[4] && a[0] < b[2] && b[0] < a[2]) found.push(["overlap", told(a[4]), told(b[4])]);
    }
  });
  const pen = document.createElement("canvas").getContext("2d");
  for (const node of document.querySelectorAll("body *")) {
    if (node.closest("svg, option, .skip") || !shown(node)) continue;
    const style = styled(node), { width, height } = node.getBoundingClientRect();
    const wide = node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0;
    if (style.overflowX === "hidden" && wide && !node.closest("[title], #frame")) found.push(["hidden", told(node)]);
    const words = node.tagName === "SELECT" ? node.selectedOptions[0]?.text : node.placeholder;
    pen.font = style.font;
    const room = node.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (words && pen.measureText(words).width + (node.tagName === "SELECT" ? 18 : 0) > room) found.push(["cut", words]);
    // WCAG 2.2, 2.5.8; links inside a text are exempt.
    if (node.matches("button, select, input, summary") && min(width, height) < 23.9) {
      found.push(["small", `${node.id} ${told(node)} ${Math.round(width)} × ${Math.round(height)}`]);
    }
  }
  if (root.scrollWidth > root.clientWidth) found.push(["the page scrolls sideways", root.scrollWidth]);
  for (const list of ["#views", "#tabs"]) {
    const at = document.querySelector(`${list} [aria-selected="true"]`).getBoundingClientRect();
    if (at.left < 0 || at.right > root.clientWidth) found.push(["chosen out of sight", list]);
  }
  return [...new Set(found.map((each) => JSON.stringify(each)))].sort();
}"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def faults(page, addresses):
    """Go to each address in turn; return what is wrong there."""
    wrong = {}
    for number, address in enumerate(addresses):
        page.evaluate("a => { location.hash = a }", f"{address}&visit={number}")
        page.wait_for_function("() => !location.hash.includes('visit')")
        page.evaluate(SETTLED)
        found = page.evaluate(FAULTS)
        if found:
            wrong[address] = [json.loads(each) for each in found]
    return wrong


def addresses(langs, theme="light"):
    """Return the address of every view, on works where it is drawn from them, in each language."""
    for lang, view in itertools.product(langs, VIEWS):
        layer = "work" if view in SYNTHETIC else "agreement"
        yield f"view={view}&tab=world&layer={layer}&lang={lang}&theme={theme}"
    yield f"view=time&tab=strategic-partners&layer=project&lang={lang}&theme={theme}"
    for view in ("map", "overview"):
        yield f"view={view}&tab=euregio-meuse-rhine&layer=work&partner={PARTNER}&theme={theme}"


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_overlaps_or_is_cut_and_all_can_be_touched(browser, atlas_file, width):
    with watched(browser, atlas_file, (width, 900)) as page:
        assert faults(page, addresses(("en", "fr"))) == {}
