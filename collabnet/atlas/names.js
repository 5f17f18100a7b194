// Names on the map: measured in the font of the page and placed, the strongest first, where they
// hide least; what fits nowhere is left to the pointer and the table. As in collabnet/sheet.py.

const FONT = 12;
const SIDES = [[1, 0], [-1, 0], [0, -1], [0, 1], [1, -1], [1, 1], [-1, -1], [-1, 1]];
const REACH = [0, 14, 28]; // pixels from the mark; beyond the first with a leader
const pen = document.createElement("canvas").getContext("2d");

function widthOf(text, size, weight = 400) {
  pen.font = `${weight} ${size}px ${css("font")}`;
  return pen.measureText(text).width;
}

/** Break a text into at most `most` lines of a width in pixels; what is too long ends in "…". */
function wrapped(text, width, size, most, weight) {
  const fits = (line) => widthOf(line, size, weight) <= width;
  const lines = [""];
  for (const word of text.replace(/\p{C}/gu, "").split(/\s+/u)) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (!lines.at(-1) || fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const kept = lines.slice(0, most);
  if (lines.length > most) kept[most - 1] += "…";
  return kept.map((line) => {
    if (fits(line)) return line;
    // A name may be ten thousand signs long: the cut is searched for by halves.
    const signs = [...line], cut = (n) => `${signs.slice(0, n).join("")}…`;
    let [low, high] = [1, max(1, signs.length - 2)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (fits(cut(middle))) low = middle;
      else high = middle - 1;
    }
    return cut(low);
  });
}

// Boxes are left, top, right, bottom in pixels.
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const inside = ([x, y], box) => x > box[0] && x < box[2] && y > box[1] && y < box[3];
const near = ([x, y], point, gap) => hypot(x - point[0], y - point[1]) < gap;
const boxOf = ({ px, py, r }) => [px - r, py - r, px + r, py + r];
const middle = (box) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];

function covers(box, { px, py, r }) {
  return hypot(max(box[0] - px, px - box[2], 0), max(box[1] - py, py - box[3], 0)) < r;
}

/** Return points a few pixels apart from one point to another. */
function between([x1, y1], [x2, y2], gap = 4) {
  const n = 1 + Math.ceil(hypot(x2 - x1, y2 - y1) / gap);
  const shares = Array.from({ length: n + 1 }, (_, i) => i / n);
  return shares.map((share) => [x1 + (x2 - x1) * share, y1 + (y2 - y1) * share]);
}

/** List the spots around a mark, the best first: away from home, beside rather than above. */
function spotsOf(mark, [w, h], hub) {
  const [dx, dy] = [mark.px - hub.px, mark.py - hub.py], far = hypot(dx, dy) || 1;
  const liking = ([x, y]) => (dx * x + dy * y) / far / hypot(x, y) + (y ? 0 : 0.4);
  const sides = [...SIDES].sort((a, b) => liking(b) - liking(a));
  return (mark.reach ?? REACH).flatMap((reach) => sides.map(([x, y]) => {
    const unit = hypot(x, y), out = (reach && mark.r + reach) / unit;
    const at = [mark.px + out * x, mark.py + out * y];
    const gap = reach ? 2 : (mark.r + 3) * (x && y ? 0.75 : 1);
    const left = at[0] + [-gap - w, -w / 2, gap][x + 1];
    const top = at[1] + [-gap - h, -h / 2, gap][y + 1];
    const start = [mark.px + (mark.r * x) / unit, mark.py + (mark.r * y) / unit];
    const box = [left - 3, top - 2, left + w + 3, top + h + 2];
    return { mark, box, leader: reach ? [start, at] : null };
  }));
}

/** Find a place for each label that touches no other, no mark, no leader and not the edge. */
function place(wanted, marks, lines, { width, height }, taken) {
  const [boxes, leaders, out] = [[...taken], [], []];
  const hub = marks[0] ?? { px: 0, py: 0 };
  for (const { mark, text, weight } of wanted) {
    const w = max(...text.map((line) => widthOf(line, FONT, weight)));
    let best = null, least = Infinity;
    spotsOf(mark, [w, FONT * (1.3 * text.length - 0.05)], hub).forEach((spot, rank) => {
      const { box } = spot, way = spot.leader ? between(...spot.leader) : [];
      if (rank >= least || box[0] < 2 || box[1] < 2) return;
      if (box[2] > width - 2 || box[3] > height - 2) return;
      if (boxes.some((b) => overlap(box, b) || way.some((point) => inside(point, b)))) return;
      if (marks.some((other) => covers(box, other))) return;
      if (leaders.some((points) => points.some((point) => inside(point, box)))) return;
      if (leaders.some((points) => way.some((a) => points.some((b) => near(a, b, 4))))) return;
      const hidden = lines.filter((point) => inside(point, box)).length;
      const hit = (other) => way.some((point) => near(point, [other.px, other.py], other.r));
      const pierced = marks.filter((other) => other !== mark && hit(other));
      const cost = rank + 4 * min(12, hidden) + 30 * pierced.length;
      if (cost < least) [best, least] = [{ ...spot, text, weight }, cost];
    });
    if (!best) continue;
    boxes.push(best.box);
    if (best.leader) leaders.push(between(...best.leader));
    out.push(best);
  }
  return out;
}

/** Return the traces that write home, the strongest partners and, where there is room, lands. */
function nameTraces(marks, hub, sheet) {
  const { width, height, back, world } = sheet;
  const star = hub && { px: hub[0], py: hub[1], r: STAR / 2, home: true };
  const holds = ({ px, py }) => px > 0 && px < width && py > 0 && py < height;
  const all = star ? [star, ...marks] : marks, seen = all.filter(holds);
  const leads = (mark) => mark.home || mark.chosen;
  const most = world ? 16 : 40;
  const first = [...seen.filter(leads), ...seen.filter((mark) => !leads(mark))].slice(0, most);
  const wanted = first.map((mark) => {
    const name = mark.ring ? country(mark.country) : called(mark.home ? data.home : mark);
    const weight = leads(mark) ? 700 : 400;
    return { mark, weight, text: wrapped(name, 168, FONT, 2, weight) };
  });
  const steps = (way) => way.flatMap((point, i) =>
    (point && way[i - 1] ? between(way[i - 1], point, 5) : []));
  const lines = marks.flatMap((mark) => steps(mark.way));
  // The buttons on the map, and the name of home at the edge it lies beyond.
  const taken = [...sheet.taken, [width - 46, 0, width, 132], [width - 66, height - 46, width, height]];
  const pointer = star && !holds(star) ? pointerTo(star, seen, sheet) : null;
  if (pointer) taken.push(pointer.box);
  const found = place(wanted, all, lines, sheet, taken);
  const told = new Set(found.filter(({ mark }) => mark.ring).map(({ mark }) => mark.country));
  const filled = [...taken, ...found.map(({ box }) => box), ...all.map(boxOf)];
  const lands = landNames(sheet.base.land.filter(({ id }) => !told.has(id)), filled, lines, sheet);

  const written = (names, meta, font) => ({
    ...strung([names.map(({ box }) => back(middle(box)))]),
    mode: "text",
    hoverinfo: "skip",
    text: names.map(({ text }) => text.map((line) => plain(line)).join("<br>")),
    textposition: "middle center",
    textfont: font,
    meta,
  });
  const halo = Array(4).fill(`0 0 2px ${css("halo")}`).join(", ");
  const traces = [], leaders = found.filter(({ leader }) => leader);
  if (lands.length) traces.push(written(lands, "lands", { size: 10, color: css("pale") }));
  if (leaders.length) {
    traces.push(lineTrace(leaders.map(({ leader }) => leader.map(back)), css("ink"), 0.7));
  }
  for (const weight of [400, 700]) {
    const mine = [...found, ...(pointer ? [pointer] : [])].filter((each) => each.weight === weight);
    const font = { size: FONT, color: css("ink"), shadow: halo, weight };
    if (mine.length) traces.push(written(mine, "names", font));
  }
  return traces;
}

/** Say at the edge where the lines come from when home lies outside. */
function pointerTo(star, marks, { width, height }) {
  if (!marks.length) return null;
  const mean = (key) => marks.reduce((sum, mark) => sum + mark[key], 0) / marks.length;
  const [x, y] = [mean("px"), mean("py")], [dx, dy] = [star.px - x, star.py - y];
  const share = min(
    dx ? max(-x / dx, (width - x) / dx) : Infinity,
    dy ? max(-y / dy, (height - y) / dy) : Infinity,
  );
  const sideways = Math.abs(dx) * height > Math.abs(dy) * width;
  const arrow = sideways ? (dx > 0 ? "→" : "←") : dy > 0 ? "↓" : "↑";
  const text = `★ ${wrapped(called(data.home), 240, FONT, 1, 700)[0]} ${arrow}`;
  const half = widthOf(text, FONT, 700) / 2 + 6;
  const cx = min(max(x + share * dx, half + 4), width - half - 54);
  const cy = min(max(y + share * dy, 16), height - 16);
  return { text: [text], weight: 700, box: [cx - half, cy - 11, cx + half, cy + 11] };
}

/** Tell whether a ring holds a point (even-odd rule). */
function ringHolds(ring, [x, y]) {
  return ring.reduce((odd, b, i) => {
    const a = ring.at(i - 1);
    const left = a[1] > y !== b[1] > y && x < ((b[0] - a[0]) * (y - a[1])) / (b[1] - a[1]) + a[0];
    return left ? !odd : odd;
  }, false);
}

/** Find room for the names of countries: in the middle of what is seen of them, on nothing else. */
function landNames(lands, taken, lines, { width, height, frame, scale, world }) {
  if (world) return [];
  const out = [], shares = Array.from({ length: 15 }, (_, i) => (i + 1) / 16);
  for (const land of lands) {
    const rings = land.rings.map((ring) =>
      ring.map(([x, y]) => [(x - frame[0]) / scale, (frame[3] - y) / scale]));
    const ring = rings.reduce((a, b) => (Math.abs(area(a)) > Math.abs(area(b)) ? a : b));
    if (!land.id || Math.abs(area(ring)) < 1500) continue;
    const name = (state.lang === "fr" ? land.name_fr : land.name).toLocaleUpperCase(state.lang);
    const text = wrapped(name, 120, 10, 3);
    const [half, high] = [max(...text.map((line) => widthOf(line, 10))) / 2, 6.5 * text.length];
    const low = [0, 1].map((k) => max(8, min(...ring.map((point) => point[k]))));
    const top = [width, height].map((most, k) => min(most - 8, max(...ring.map((p) => p[k]))));
    let best = null, most = 0;
    for (const at of shares.flatMap((i) => shares.map((j) =>
      [low[0] + (top[0] - low[0]) * i, low[1] + (top[1] - low[1]) * j]))) {
      const box = [at[0] - half - 3, at[1] - high - 2, at[0] + half + 3, at[1] + high + 2];
      if (box[0] < 4 || box[1] < 4 || box[2] > width - 4 || box[3] > height - 4) continue;
      if (taken.some((other) => overlap(box, other)) || !ringHolds(ring, at)) continue;
      // Names are wide: what lies beside them is half as far as what lies above.
      const room = min(...ring.map(([x, y]) => hypot((x - at[0]) / 2, y - at[1])));
      if (room <= most || lines.some((point) => inside(point, box))) continue;
      const corners = [[0, 1], [0, 3], [2, 1], [2, 3]].map(([a, b]) => [box[a], box[b]]);
      if (corners.every((corner) => ringHolds(ring, corner))) [best, most] = [{ text, box }, room];
    }
    if (best) {
      out.push(best);
      taken.push(best.box);
    }
  }
  return out;
}
