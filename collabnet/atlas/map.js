// The map: shapes and lines are projected with the formulas of collabnet/geo.py and drawn by plotly
// as SVG on plain axes, in kilometres; what is told in pixels stays as it is when one zooms.

const TOP = 300; // partners drawn; more are a blot in any engine
const [LARGEST, SMALLEST, STAR] = [26, 8, 15]; // pixels, as in collabnet/sheet.py
const WIDTHS = [0.8, 1.7, 3.0, 4.8];
const NEAR = 220; // kilometres around home that a button shows
const COARSE = 3; // kilometres a pixel: on a map coarser than this, marks are smaller
const SYMBOLS = ["diamond", "square", "triangle-up", "pentagon", "hexagram", "triangle-down"];
const [EARTH_KM, RAD] = [6371.0088, Math.PI / 180];
const { sin, cos, hypot, sqrt, max, min } = Math;

// Geometry --------------------------------------------------------------------------------------

/** Decode TopoJSON (Bostock & Metcalf) to features in degrees and the frontiers between states. */
function decode({ transform: { scale, translate }, arcs: coded, objects }) {
  const arcs = coded.map((arc) => {
    const at = [0, 0];
    return arc.map((step) => step.map((d, k) => (at[k] += d) * scale[k] + translate[k]));
  });
  const states = arcs.map(() => new Set());
  const ring = (indices) => indices.flatMap((i) => (i < 0 ? [...arcs[~i]].reverse() : arcs[i]));
  const features = Object.values(objects)[0].geometries.map((shape) => {
    for (const i of shape.arcs.flat(2)) states[i < 0 ? ~i : i].add(shape.id.slice(0, 2));
    const parts = shape.arcs.map((part) => part.map(ring));
    return { id: shape.id, ...shape.properties, parts };
  });
  return { features, frontiers: arcs.filter((_, i) => states[i].size > 1) };
}

const decoded = {};
const shapes = (name) => (decoded[name] ??= decode(geometry[name]));

const RINGS = [100, 500, 1000, 5000, 10000]; // kilometres
const worldly = (view) => view.projection === "equal-earth" || view.reach > 6000;

/** Return how far two points in degrees are from each other, in kilometres. */
function distance(a, b) {
  const turn = (sin(((b.lat - a.lat) * RAD) / 2) ** 2) +
    cos(a.lat * RAD) * cos(b.lat * RAD) * (sin(((b.lon - a.lon) * RAD) / 2) ** 2);
  return 2 * EARTH_KM * Math.asin(min(1, sqrt(turn)));
}

/** Return the view of the region, or that of all its partners by their distance from home. */
function viewOf(rows) {
  const { lat, lon } = data.home;
  if (state.map !== "rings" || lat === undefined || lon === undefined) return tab().view;
  const far = rows.filter((row) => row.lat !== undefined && row.lon !== undefined)
    .map((row) => distance(data.home, row));
  return { projection: "rings", lat, lon, reach: min(Math.PI * EARTH_KM, 1.15 * max(120, ...far)) };
}

/** Project degrees to kilometres: Equal Earth, or azimuthal with true areas or distances. */
function project(view, lon, lat) {
  const [lam, phi] = [(lon - view.lon) * RAD, lat * RAD];
  if (view.projection === "equal-earth") {
    const [a1, a2, a3, a4, m] = [1.340264, -0.081106, 0.000893, 0.003796, sqrt(3) / 2];
    const t = Math.asin(m * sin(phi));
    const [t2, t6] = [t ** 2, t ** 6];
    const slope = m * (a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2));
    return [(EARTH_KM * lam * cos(t)) / slope, EARTH_KM * t * (a1 + a2 * t2 + t6 * (a3 + a4 * t2))];
  }
  const [sin0, cos0] = [sin(view.lat * RAD), cos(view.lat * RAD)];
  const cosine = sin0 * sin(phi) + cos0 * cos(phi) * cos(lam);
  const away = Math.acos(max(-1, min(1, cosine)));
  const k = EARTH_KM * (view.projection !== "rings"
    ? sqrt(2 / max(1 + cosine, 1e-9))
    : away / max(sin(away), 1e-9) || 1);
  return [k * cos(phi) * sin(lam), k * (cos0 * sin(phi) - sin0 * cos(phi) * cos(lam))];
}

/** Return x0, y0, x1, y1 of a map of this size that holds the extent of a view. */
function frameOf(view, width, height) {
  if (view.projection === "rings") {
    const [w, h] = [width, height].map((size) => (view.reach * size) / min(width, height));
    return [-w, -h, w, h];
  }
  const steps = Array.from({ length: 33 }, (_, i) => i / 32);
  const lons = steps.map((share) => view.west + (view.east - view.west) * share);
  const lats = steps.map((share) => view.south + (view.north - view.south) * share);
  const grid = lons.flatMap((lon) => lats.map((lat) => project(view, lon, lat)));
  const reach = (pick) => [0, 1].map((k) => pick(...grid.map((point) => point[k])));
  const [low, high] = [reach(min), reach(max)];
  const scale = max((high[0] - low[0]) / width, (high[1] - low[1]) / height);
  const [x, y] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  const [w, h] = [(scale * width) / 2, (scale * height) / 2];
  return [x - w, y - h, x + w, y + h];
}

/** Cut a ring at the sides of a box (Sutherland & Hodgman): far shapes would swell the page. */
function clipped(ring, [x0, y0, x1, y1]) {
  const sides = [[0, x0, 1], [0, x1, -1], [1, y0, 1], [1, y1, -1]];
  return sides.reduce((points, [axis, edge, sign]) => {
    const holds = (point) => (point[axis] - edge) * sign >= 0;
    return points.flatMap((point, i) => {
      const before = points.at(i - 1);
      if (holds(before) === holds(point)) return holds(point) ? [point] : [];
      const share = (edge - before[axis]) / (point[axis] - before[axis]);
      const crossing = [0, 1].map((k) => before[k] + share * (point[k] - before[k]));
      return holds(point) ? [crossing, point] : [crossing];
    });
  }, ring);
}

const area = (ring) =>
  ring.reduce((sum, [x, y], i) => sum + ring.at(i - 1)[0] * y - x * ring.at(i - 1)[1], 0) / 2;

/** Project the parts of features near a view, cut to a box, holes turning the other way. */
function outlines(features, view, box) {
  const [lat0, everywhere] = [view.lat * RAD, worldly(view)];
  const near = ([lon, lat]) => everywhere ||
    sin(lat * RAD) * sin(lat0) + cos(lat * RAD) * cos(lat0) * cos((lon - view.lon) * RAD) > 0;
  const turned = (ring, hole) => {
    const way = clipped(ring.map(([lon, lat]) => project(view, lon, lat)), box);
    return area(way) > 0 === hole > 0 ? way.reverse() : way;
  };
  const found = features.map((feature) => {
    const parts = feature.parts.filter((part) => part[0].some(near));
    return { ...feature, rings: parts.flatMap((part) => part.map(turned)).filter((r) => r[2]) };
  });
  return found.filter((feature) => feature.rings.length);
}

/** Return the shortest way between two points in degrees, cut (null) at the antimeridian. */
function greatCircle(from, to, points) {
  const [a, b] = [from, to].map(({ lon, lat }) =>
    [cos(lat * RAD) * cos(lon * RAD), cos(lat * RAD) * sin(lon * RAD), sin(lat * RAD)]);
  const dot = max(-1, min(1, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]));
  let along = b.map((value, k) => value - a[k] * dot);
  // Between antipodes every way is the shortest: the one through the north is taken.
  if (hypot(...along) < 1e-9) along = a.map((value, k) => (k === 2) - value * a[2]);
  const length = hypot(...along) || 1, way = [];
  for (let i = 0; i < points; i++) {
    const turn = (Math.acos(dot) * i) / (points - 1);
    const [x, y, z] = a.map((value, k) => value * cos(turn) + (along[k] / length) * sin(turn));
    const [lon, lat] = [Math.atan2(y, x) / RAD, Math.asin(max(-1, min(1, z))) / RAD];
    const before = way.at(-1);
    if (before && Math.abs(lon - before[0]) > 180) {
      const edge = Math.sign(before[0]) * 180;
      const share = (edge - before[0]) / (lon + 2 * edge - before[0]);
      const height = before[1] + share * (lat - before[1]);
      way.push([edge, height], null, [-edge, height]);
    }
    way.push([lon, lat]);
  }
  return way;
}

// What lies under the marks ---------------------------------------------------------------------

const bases = new Map();

/** Return land, the region and the borders of a view. They are kept, for they cost most. */
function baseOf(view, frame) {
  const key = `${state.tab} ${view.projection} ${frame}`;
  if (bases.has(key)) return bases.get(key);
  const [x0, y0, x1, y1] = frame, [w, h] = [(x1 - x0) / 8, (y1 - y0) / 8];
  const world = view.projection === "equal-earth";
  const everything = [-Infinity, -Infinity, Infinity, Infinity];
  const box = world ? everything : [x0 - w, y0 - h, x1 + w, y1 + h];
  const { detailed, shaded } = tab();
  const disc = view.reach > 10000 ? Array.from({ length: 181 }, (_, i) => 2 * i * RAD) : [];
  const land = outlines(shapes(worldly(view) ? "countries-110m" : "countries-50m").features, view, box);
  const units = detailed ? outlines(shapes("nuts3").features, view, box) : [];
  const lines = detailed ? shapes("nuts3").frontiers : [];
  const steps = Array.from({ length: world ? 61 : 0 }, (_, i) => i / 60);
  const lats = steps.map((share) => view.south + (view.north - view.south) * share);
  const base = {
    land,
    units,
    region: [...land, ...units].filter((shape) => shaded.includes(shape.id)),
    lines: lines.map((arc) => arc.map(([lon, lat]) => project(view, lon, lat))),
    edge: [
      ...lats.map((lat) => project(view, view.west, lat)),
      ...lats.reverse().map((lat) => project(view, view.east, lat)),
      ...disc.map((turn) => [cos(turn), sin(turn)].map((part) => part * Math.PI * EARTH_KM)),
    ],
  };
  if (bases.size > 12) bases.clear();
  return bases.set(key, base).get(key);
}

/** Write points as plotly wants them; null lifts the pen. */
function strung(ways) {
  const points = ways.flatMap((way) => [...way, null]);
  return { x: points.map((p) => p && p[0]), y: points.map((p) => p && p[1]), type: "scatter" };
}

const lineTrace = (ways, color, width, more = {}) =>
  ({ ...strung(ways), mode: "lines", hoverinfo: "skip", line: { color, width }, ...more });

function areaTrace(rings, fillcolor, border, width) {
  const closed = rings.map((ring) => [...ring, ring[0]]);
  return lineTrace(closed, border, width, { fill: "toself", fillcolor });
}

// A colour or a font of the style sheet; asking the browser is slow, and a theme does not change.
const styles = {};
const css = (name) => (styles[`${document.documentElement.dataset.theme} ${name}`] ??=
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
// Colours tell regions, or classes of partners; what has none is "elsewhere", or lacks data.
const CLASSES = ["expired but alive", "new", "active", "uncovered", "dormant", "dates unknown"];
const classed = () => state.view === "map" && [state.colour, state.layer].some((key) => ["class", "gaps"].includes(key));
const groupsOf = () => (classed() ? CLASSES : data.groups);
const groupOf = (row) =>
  (classed() ? data.gaps.rows[row.index]?.class ?? "data missing" : row.group);
const madeUp = () => layer().synthetic ||
  (classed() && Object.values(data.gaps.rows).some(({ synthetic }) => synthetic));
const rankOf = (group) => groupsOf().indexOf(group) % SYMBOLS.length;
const colourOf = (group) => css(groupsOf().includes(group) ? `g${rankOf(group)}` : "elsewhere");
const symbolOf = (group) => (groupsOf().includes(group) ? SYMBOLS[rankOf(group)] : "circle");

/** Return the shade of a region: a little of its colour. */
function shadeOf(region) {
  if (!data.groups.includes(region)) return css("shade");
  const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const [shade, colour] = [parts(css("shade")), parts(colourOf(region))];
  const mixed = shade.map((value, i) => Math.round(value + 0.14 * (colour[i] - value)));
  return `rgb(${mixed.join(",")})`;
}

function baseTraces({ edge, land, units, region, lines }) {
  const rings = (features) => features.flatMap((feature) => feature.rings);
  const frontier = css("frontier"), traces = [];
  if (edge.length) traces.push(areaTrace([edge], css("sea"), css("sea"), 0));
  traces.push(areaTrace(rings(land), css("land"), frontier, edge.length ? 0.5 : 0.7));
  if (units.length) traces.push(areaTrace(rings(units), css("land"), css("border"), 0.6));
  const border = units.length ? css("edge") : frontier;
  if (region.length) traces.push(areaTrace(rings(region), shadeOf(state.tab), border, 0.9));
  if (lines.length) traces.push(lineTrace(lines, frontier, 1.1));
  return traces;
}

// Marks and lines -------------------------------------------------------------------------------

/** Return the least value of each width of line: round numbers that grow like a square. */
function stepsOf(values) {
  const [least, high] = [min(...values), max(...values)];
  const low = Math.floor(100 * least + 1e-9) / 100 || least; // as it is written, or two look alike
  const bounds = WIDTHS.slice(1).map((_, i) => {
    const bound = high * ((i + 1) / WIDTHS.length) ** 2;
    const digit = 10 ** Math.floor(Math.log10(max(bound, 1e-9)));
    return Math.round(bound / digit) * digit;
  });
  return [low, ...new Set(bounds.filter((bound) => bound > low && bound <= high))];
}

/** Return about how many degrees a place is from home. */
function degreesFrom(home, { lon, lat }) {
  return hypot((lon - home.lon) * cos(lat * RAD), lat - home.lat);
}

/** Put each partner at its place, or with others in its country where only that is known. */
function marksOf(rows) {
  const marks = [], lands = new Map();
  let unplaced = 0, ringed = 0;
  for (const row of rows) {
    if (row.lat !== undefined && row.lon !== undefined) {
      marks.push({ ...row, rows: [row], ring: false });
    } else if (data.points[row.country]) {
      const [lon, lat] = data.points[row.country];
      const fresh = { country: row.country, group: row.group, lon, lat, rows: [], ring: true };
      const key = `${row.country} ${classed() ? row.group : ""}`, land = lands.get(key) ?? fresh;
      land.rows.push(row);
      lands.set(key, land);
      ringed += 1;
    } else unplaced += 1;
  }
  for (const land of lands.values()) {
    const acts = new Set(land.rows.flatMap((row) => row.spans.map(([act]) => act)));
    const sum = land.rows.reduce((total, row) => total + row.value, 0);
    const value = state.layer === "gaps" ? 1 : layer().amounts ? sum : acts.size;
    marks.push({ ...land, value });
  }
  // Among equals the farthest comes first: it is the one whose name finds room.
  marks.sort((a, b) => b.value - a.value || degreesFrom(data.home, b) - degreesFrom(data.home, a));
  const hidden = marks.slice(TOP).reduce((sum, mark) => sum + mark.rows.length, 0);
  return { marks: marks.slice(0, TOP), hidden, unplaced, ringed };
}

/** Tell which marks are drawn, in which groups and widths of line: what the legend says. */
function survey(rows) {
  const { marks, ...counts } = marksOf(rows.map((row) => ({ ...row, group: groupOf(row) })));
  const known = classed() ? [...data.gaps.classes, null] : [...data.groups, null];
  const groups = known.filter((group) => marks.some((mark) => (mark.group ?? null) === group));
  const steps = marks.length ? stepsOf(marks.map((mark) => mark.value)) : [];
  const widths = steps.length > 3 ? WIDTHS : WIDTHS.slice(1, 1 + steps.length);
  return { marks, groups, steps, widths, ...counts };
}

/** Spread marks that share a point, in a sunflower; the first stays, unless home is there. */
function fan(marks, hub) {
  const seen = new Map();
  for (const mark of marks) {
    const key = `${mark.px.toFixed(1)} ${mark.py.toFixed(1)}`;
    const atHome = hub && hypot(mark.px - hub[0], mark.py - hub[1]) < 1;
    const rank = seen.get(key) ?? (atHome ? 1 : 0);
    const turn = rank * Math.PI * (3 - sqrt(5)), step = 2 * max(mark.r, 4) * sqrt(rank);
    [mark.dx, mark.dy] = [step * cos(turn), step * sin(turn)];
    seen.set(key, rank + 1);
  }
}

/** Return how many points make a way look round: about one a degree. */
function pointsTo(home, mark) {
  return min(64, max(2, Math.round(degreesFrom(home, mark))));
}

/** Give marks their size, their place in pixels, and the way from home to it. */
function layOut({ marks, steps, widths }, { home, hub, pixel, zoom, fit }) {
  const strongest = max(...marks.map((mark) => mark.value), 1e-9);
  // Where the strongest link is a single agreement its mark says little, and stays small.
  const room = max(0.8, min(1, sqrt(COARSE / fit)));
  const largest = room * min(LARGEST, 10 + 4 * sqrt(strongest));
  for (const mark of marks) {
    mark.r = (zoom * max(largest * sqrt(mark.value / strongest), room * SMALLEST)) / 2;
    [mark.px, mark.py] = pixel(mark.lon, mark.lat);
  }
  fan(marks, hub);
  for (const mark of marks) {
    mark.width = widths[steps.findLastIndex((step) => mark.value >= step)];
    mark.chosen = mark.rows.some((row) => row.id === state.partner);
    const way = home ? greatCircle(home, mark, pointsTo(home, mark)) : [];
    // The way bends to where the mark was fanned.
    mark.way = way.map((point, i) => {
      const [x, y] = point ? pixel(...point) : [], share = i / (way.length - 1);
      return point && [x + share * mark.dx, y + share * mark.dy];
    });
    [mark.px, mark.py] = [mark.px + mark.dx, mark.py + mark.dy];
  }
}

function marksTrace(mine, ring, back, faded) {
  const { group } = mine[0], [colour, ink, edge] = [colourOf(group), css("ink"), css("edge")];
  const border = ring
    ? { color: colour, width: 2 }
    : { color: mine.map((m) => (m.chosen ? ink : edge)), width: mine.map((m) => 1 + m.chosen) };
  return {
    ...strung([mine.map((mark) => back([mark.px, mark.py]))]),
    mode: "markers",
    hoverinfo: "text",
    hovertext: mine.map(hovered),
    customdata: mine.map((mark) => (ring ? mark.country : mark.id)),
    meta: ring ? "country" : "partner",
    marker: {
      symbol: ring ? "circle-open" : symbolOf(group),
      color: colour,
      size: mine.map((mark) => 2 * mark.r),
      opacity: mine.map((mark) => (faded && !mark.chosen ? 0.5 : 0.92)),
      line: border,
    },
  };
}

function hovered(mark) {
  const amount = say(layer().amounts ? "n_persons" : `n_${state.layer}`, { n: mark.value });
  const lines = mark.ring
    ? [country(mark.country), say("n_partner", { n: mark.rows.length }), amount, say("ring")]
    : [named(mark), country(mark.country), amount, spanOf(mark.first, mark.last, "short_unknown")];
  const why = classed() && !mark.ring ? data.gaps.rows[mark.index]?.why[state.lang] ?? "" : "";
  if (why) lines.push(...wrapped(why, 380, FONT, 6));
  const [head, ...rest] = lines.filter(Boolean).map((line) => plain(line));
  return [`<b>${head}</b>`, ...rest].join("<br>");
}

/** Draw the marks of the rows of the view; return the view, and the whole of it in kilometres. */
function drawMap(holder, rows, found) {
  const [width, height] = [holder.clientWidth, holder.clientHeight];
  const { marks, groups, widths } = found;
  const view = viewOf(rows), whole = frameOf(view, width, height), frame = state.range ?? whole;
  const scale = (frame[2] - frame[0]) / width, fit = (whole[2] - whole[0]) / width;
  const pixel = (lon, lat) => {
    const [x, y] = project(view, lon, lat);
    return [(x - frame[0]) / scale, (frame[3] - y) / scale];
  };
  const back = (point) => point && [frame[0] + point[0] * scale, frame[3] - point[1] * scale];
  const base = baseOf(view, whole);
  const home = data.home.lat === undefined || data.home.lon === undefined ? null : data.home;
  const hub = home && pixel(home.lon, home.lat), zoom = min(1.6, sqrt(fit / scale));
  layOut(found, { home, hub, pixel, zoom, fit });
  const faded = marks.some((mark) => mark.chosen), traces = baseTraces(base);
  const of = (group) => marks.filter((mark) => (mark.group ?? null) === group);
  const ways = (some) => some.map((mark) => mark.way.map(back)).filter((way) => way.length);
  const sheet = { width, height, back, base, frame, scale, world: worldly(view), taken: [] };
  if (view.projection === "rings") traces.push(...ringTraces(marks, hub, sheet));
  for (const group of groups)
    for (const step of widths) {
      const mine = ways(of(group).filter((mark) => mark.width === step));
      const opacity = faded ? 0.18 : 0.5;
      if (mine.length) traces.push(lineTrace(mine, colourOf(group), step, { opacity }));
    }
  for (const mark of marks.filter((each) => each.chosen))
    traces.push(lineTrace(ways([mark]), colourOf(mark.group), mark.width + 1.2));
  for (const group of groups)
    for (const ring of [false, true]) {
      const mine = of(group).filter((mark) => mark.ring === ring);
      if (mine.length) traces.push(marksTrace(mine, ring, back, faded));
    }
  if (hub) {
    const looks = { size: STAR, symbol: "star", color: css("ink") };
    const marker = { ...looks, line: { color: css("edge"), width: 1 } };
    const told = { hoverinfo: "text", hovertext: `<b>${plain(named(home))}</b>` };
    traces.push({ ...strung([[back(hub)]]), ...told, mode: "markers", marker });
  }
  traces.push(...nameTraces(marks, hub, sheet));
  const plot = base.edge.length ? css("card") : css("sea");
  Plotly.react(holder, traces, layoutOf(width, height, frame, plot), {
    displayModeBar: false,
    // On a narrow screen the wheel and the finger move the page.
    scrollZoom: matchMedia("(min-width: 1041px)").matches,
    doubleClick: false,
    showTips: false,
  });
  return { whole, view };
}

/** Draw circles of equal distance from home, each told where it hides no mark. */
function ringTraces(marks, hub, sheet) {
  const { width, height, scale, back, taken } = sheet, color = css("grey"), told = [];
  const seen = RINGS.filter((km) => km / scale > 22 && km / scale < hypot(width, height));
  const turns = Array.from({ length: 121 }, (_, i) => (i * 3 - 90) * RAD);
  const at = (km, turn) => [hub[0] + (km / scale) * cos(turn), hub[1] + (km / scale) * sin(turn)];
  for (const km of seen) {
    const text = `${number(km)} km`, half = widthOf(text, 11) / 2 + 3;
    const boxes = turns.map((turn) => at(km, turn)).map(([x, y]) => [x - half, y - 9, x + half, y + 9]);
    const box = boxes.find((one) => one[0] > 4 && one[1] > 4 && one[2] < width - 70 && one[3] < height - 4 &&
      !taken.some((other) => overlap(one, other)) && !marks.some((mark) => covers(one, mark)));
    if (!box) continue;
    taken.push(box);
    told.push({ text, at: back(middle(box)) });
  }
  const ways = seen.map((km) => turns.map((turn) => back(at(km, turn))));
  const halo = Array(4).fill(`0 0 2px ${css("halo")}`).join(", ");
  return [
    lineTrace(ways, color, 1, { line: { color, width: 1, dash: "dot" }, meta: "rings" }),
    { ...strung([told.map((each) => each.at)]), mode: "text", hoverinfo: "skip", text: told.map(({ text }) => text),
      textposition: "middle center", textfont: { size: 11, color, shadow: halo } },
  ];
}

function layoutOf(width, height, [x0, y0, x1, y1], plot) {
  const axis = { visible: false, zeroline: false, showgrid: false };
  const font = { family: css("font"), size: FONT, color: css("ink") };
  return {
    width,
    height,
    font,
    margin: { l: 0, r: 0, t: 0, b: 0 },
    showlegend: false,
    hovermode: "closest",
    dragmode: matchMedia("(hover: hover)").matches ? "pan" : false,
    paper_bgcolor: css("card"),
    plot_bgcolor: plot,
    xaxis: { ...axis, range: [x0, x1] },
    yaxis: { ...axis, range: [y0, y1] },
    hoverlabel: { align: "left", bgcolor: css("card"), bordercolor: css("rule"), font },
  };
}
