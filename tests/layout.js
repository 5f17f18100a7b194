// List what is wrong with the layout of an open atlas: every line of text is a box in pixels, cut to
// what its scrolling ancestors show.
() => {
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
    const label = own.closest("svg text")?.textContent ?? "";
    if (label.endsWith("…") && label.length < 14) found.push(["cut short", told(text)]);
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
}
