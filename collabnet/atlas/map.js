// The map: shapes are projected with the formulas of collabnet/geo.py and drawn by plotly as SVG on
// plain axes; names are kept apart as in collabnet/sheet.py. Put before atlas.js, in one module with it.

const TOP = 300, LARGEST = 26, SMALLEST = 8, STAR = 15, FONT = 12;
const NARROW = 3; // kilometres a pixel: on a map coarser than this, marks are smaller
const WIDTHS = [0.8, 1.7, 3.0, 4.8];
const SYMBOLS = ["diamond", "square", "triangle-up", "pentagon", "hexagram", "triangle-down"];
const EARTH_KM = 6371.0088, RAD = Math.PI / 180;

// Geometry --------------------------------------------------------------------------------------

/** Decode TopoJSON (Bostock & Metcalf) to features of degrees, and the arcs between their states. */
function decode(topology) {
  const { scale, translate } = topology.transform;
  const arcs = topology.arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]]);
  });
  const states = arcs.map(() => new Set());
  const features = Object.values(topology.objects)[0].geometries.map(({ id, properties, arcs: parts }) => {
    for (const arc of parts.flat(2)) states[arc < 0 ? ~arc : arc].add(id.slice(0, 2));
    const ring = (indices) => indices.flatMap((i) => (i >= 0 ? arcs[i] : [...arcs[~i]].reverse()));
    return { id, ...properties, parts: parts.map((part) => part.map(ring)) };
  });
  return { features, frontiers: arcs.filter((_, i) => states[i].size > 1) };
}

const decoded = {};
const shapes = (name) => (decoded[name] ??= decode(geometry[name]));

/** Project degrees to kilometres on the map of a view (Equal Earth; Lambert azimuthal equal-area). */
function project(view, lon, lat) {
  const [lam, phi] = [(lon - view.lon) * RAD, lat * RAD];
  if (view.projection === "equal-earth") {
    const [a1, a2, a3, a4, m] = [1.340264, -0.081106, 0.000893, 0.003796, Math.sqrt(3) / 2];
    const t = Math.asin(m * Math.sin(phi)), t2 = t * t, t6 = t2 ** 3;
    return [
      (EARTH_KM * lam * Math.cos(t)) / (m * (a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2))),
      EARTH_KM * t * (a1 + a2 * t2 + t6 * (a3 + a4 * t2)),
    ];
  }
  const [sin0, cos0] = [Math.sin(view.lat * RAD), Math.cos(view.lat * RAD)];
  const cosine = sin0 * Math.sin(phi) + cos0 * Math.cos(phi) * Math.cos(lam);
  const k = EARTH_KM * Math.sqrt(2 / Math.max(1 + cosine, 1e-9));
  return [k * Math.cos(phi) * Math.sin(lam), k * (cos0 * Math.sin(phi) - sin0 * Math.cos(phi) * Math.cos(lam))];
}

/** Return x0, y0, x1, y1 of a map of this size that holds the extent of a view. */
function frameOf(view, width, height) {
  const grid = [];
  for (let i = 0; i <= 32; i++)
    for (let j = 0; j <= 32; j++)
      grid.push(project(view, view.west + ((view.east - view.west) * i) / 32, view.south + ((view.north - view.south) * j) / 32));
  const [low, high] = [Math.min, Math.max].map((pick) => [0, 1].map((axis) => pick(...grid.map((point) => point[axis]))));
  const scale = Math.max((high[0] - low[0]) / width, (high[1] - low[1]) / height);
  const [x, y] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  return [x - (scale * width) / 2, y - (scale * height) / 2, x + (scale * width) / 2, y + (scale * height) / 2];
}

/** Cut a ring at the sides of a box (Sutherland & Hodgman): far shapes would swell the page. */
function clipped(ring, [x0, y0, x1, y1]) {
  const sides = [[0, x0, 1], [0, x1, -1], [1, y0, 1], [1, y1, -1]];
  return sides.reduce((points, [axis, edge, sign]) => {
    const inside = (point) => (point[axis] - edge) * sign >= 0;
    return points.flatMap((point, i) => {
      const before = points.at(i - 1);
      if (inside(before) === inside(point)) return inside(point) ? [point] : [];
      const share = (edge - before[axis]) / (point[axis] - before[axis]);
      const crossing = [0, 1].map((k) => before[k] + share * (point[k] - before[k]));
      return inside(point) ? [crossing, point] : [crossing];
    });
  }, ring);
}

const area = (ring) => ring.reduce((sum, [x, y], i) => sum + ring.at(i - 1)[0] * y - x * ring.at(i - 1)[1], 0) / 2;

/** Project the parts of features that lie near a view, cut to a box, holes turning the other way. */
function outlines(features, view, box) {
  const near = ([lon, lat]) => view.projection === "equal-earth" || Math.sin(lat * RAD) * Math.sin(view.lat * RAD) +
    Math.cos(lat * RAD) * Math.cos(view.lat * RAD) * Math.cos((lon - view.lon) * RAD) > 0;
  return features.map((feature) => ({
    ...feature,
    rings: feature.parts.filter((part) => part[0].some(near)).flatMap((part) => part.map((ring, hole) => {
      const way = clipped(ring.map(([lon, lat]) => project(view, lon, lat)), box);
      return way.length && area(way) > 0 === Boolean(hole) ? way.reverse() : way;
    })).filter((ring) => ring.length > 2),
  })).filter((feature) => feature.rings.length);
}

/** Return the shortest way between two points in degrees, cut (null) at the antimeridian. */
function greatCircle(lon1, lat1, lon2, lat2, points) {
  const [a, b] = [[lon1, lat1], [lon2, lat2]].map(([lon, lat]) =>
    [Math.cos(lat * RAD) * Math.cos(lon * RAD), Math.cos(lat * RAD) * Math.sin(lon * RAD), Math.sin(lat * RAD)]);
  const dot = Math.min(1, Math.max(-1, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]));
  const along = b.map((x, i) => x - a[i] * dot), length = Math.hypot(...along) || 1;
  const way = [];
  for (let i = 0; i < points; i++) {
    const turn = (Math.acos(dot) * i) / (points - 1);
    const [x, y, z] = a.map((value, k) => value * Math.cos(turn) + (along[k] / length) * Math.sin(turn));
    const [lon, lat] = [Math.atan2(y, x) / RAD, Math.asin(Math.min(1, Math.max(-1, z))) / RAD];
    const before = way.at(-1);
    if (before && Math.abs(lon - before[0]) > 180) {
      const edge = Math.sign(before[0]) * 180, share = (edge - before[0]) / (lon + 2 * edge - before[0]);
      const height = before[1] + share * (lat - before[1]);
      way.push([edge, height], null, [-edge, height]);
    }
    way.push([lon, lat]);
  }
  return way;
}

// Map -------------------------------------------------------------------------------------------

const bases = new Map();

/** Return what lies under the marks of a view: land, the region, borders. Kept, for it is costly. */
function baseOf(view, frame) {
  const key = `${state.tab} ${frame}`;
  if (bases.has(key)) return bases.get(key);
  const [x0, y0, x1, y1] = frame, [wide, high] = [(x1 - x0) / 8, (y1 - y0) / 8];
  const world = view.projection === "equal-earth";
  const box = world ? [-Infinity, -Infinity, Infinity, Infinity] : [x0 - wide, y0 - high, x1 + wide, y1 + high];
  const { detailed, shaded } = tab(), chosen = new Set(shaded);
  const land = outlines(shapes(world ? "countries-110m" : "countries-50m").features, view, box);
  const units = detailed ? outlines(shapes("nuts3").features, view, box) : [];
  const lines = detailed ? shapes("nuts3").frontiers.map((arc) => arc.map(([lon, lat]) => project(view, lon, lat))) : [];
  const edge = [];
  for (let i = 0; world && i <= 120; i++) {
    const side = i <= 60 ? [view.west, i] : [view.east, 120 - i];
    edge.push(project(view, side[0], view.south + ((view.north - view.south) * side[1]) / 60));
  }
  const base = { edge, land, units, lines, region: [...land, ...units].filter((shape) => chosen.has(shape.id)) };
  if (bases.size > 12) bases.clear();
  bases.set(key, base);
  return base;
}

const joined = (ways) => {
  const [x, y] = [[], []];
  for (const way of ways) {
    for (const point of way) { x.push(point ? point[0] : null); y.push(point ? point[1] : null); }
    x.push(null); y.push(null);
  }
  return { x, y };
};
const lineTrace = (ways, color, width, more = {}) => ({ ...joined(ways), mode: "lines", type: "scatter", hoverinfo: "skip", line: { color, width }, ...more });
const filled = (features, color, border, width) => lineTrace(features.flatMap(({ rings }) => rings.map((ring) => [...ring, ring[0]])), border, width, { fill: "toself", fillcolor: color });

/** Round numbers that grow like a square: the least value of each width of line. */
function stepsOf(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const bounds = WIDTHS.slice(1).map((_, i) => {
    const bound = high * ((i + 1) / WIDTHS.length) ** 2, digit = 10 ** Math.floor(Math.log10(Math.max(bound, 1e-9)));
    return Math.round(bound / digit) * digit;
  });
  return [low, ...new Set(bounds.filter((bound) => bound > low && bound <= high))];
}

/** Put each partner, or the country of those known by it alone, at a point in degrees. */
function marksOf(rows) {
  const marks = [], lands = new Map();
  let unplaced = 0, ringed = 0;
  for (const row of rows) {
    if (row.lat !== undefined && row.lon !== undefined) { marks.push({ ...row, rows: [row], ring: false }); continue; }
    if (!data.points[row.country]) { unplaced += 1; continue; }
    ringed += 1;
    if (lands.has(row.country)) lands.get(row.country).rows.push(row);
    else lands.set(row.country, { ring: true, rows: [row], country: row.country, group: row.group, lon: data.points[row.country][0], lat: data.points[row.country][1] });
  }
  for (const land of lands.values()) {
    const acts = new Set(land.rows.flatMap((row) => row.spans.map(([act]) => act)));
    land.value = layer().amounts ? land.rows.reduce((sum, row) => sum + row.value, 0) : acts.size;
    marks.push(land);
  }
  marks.sort((a, b) => b.value - a.value);
  const hidden = marks.slice(TOP).reduce((sum, mark) => sum + mark.rows.length, 0);
  return { marks: marks.slice(0, TOP), hidden, unplaced, ringed };
}

/** Spread marks that share a point, in a sunflower; the first stays, unless home is there. */
function fan(marks, hub) {
  const seen = new Map();
  for (const mark of marks) {
    const key = `${mark.px.toFixed(1)} ${mark.py.toFixed(1)}`;
    if (!seen.has(key)) seen.set(key, hub && Math.hypot(mark.px - hub[0], mark.py - hub[1]) < 1 ? 1 : 0);
    const rank = seen.get(key), turn = rank * Math.PI * (3 - Math.sqrt(5)), step = 2 * Math.max(mark.r, 4) * Math.sqrt(rank);
    [mark.dx, mark.dy] = [step * Math.cos(turn), step * Math.sin(turn)];
    seen.set(key, rank + 1);
  }
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const colourOf = (group) => (data.groups.includes(group) ? css(`g${data.groups.indexOf(group) % SYMBOLS.length}`) : css("elsewhere"));
const symbolOf = (group) => (data.groups.includes(group) ? SYMBOLS[data.groups.indexOf(group) % SYMBOLS.length] : "circle");

/** Return the shade of a region: a little of its colour. */
function shadeOf(region) {
  const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const [shade, colour] = [parts(css("shade")), parts(colourOf(region))];
  return data.groups.includes(region) ? `rgb(${shade.map((value, i) => Math.round(value + 0.14 * (colour[i] - value))).join(",")})` : css("shade");
}

/** Draw the view: base, lines, marks, names. All in kilometres; distances between signs in pixels. */
function draw() {
  const holder = $("#map"), [width, height] = [holder.clientWidth, holder.clientHeight];
  if (!width || !height) return;
  const { view } = tab(), whole = frameOf(view, width, height), frame = state.range ?? whole;
  const scale = (frame[2] - frame[0]) / width, fit = (whole[2] - whole[0]) / width;
  const pixel = (lon, lat) => { const [x, y] = project(view, lon, lat); return [(x - frame[0]) / scale, (frame[3] - y) / scale]; };
  const back = ([x, y]) => [frame[0] + x * scale, frame[3] - y * scale];
  const base = baseOf(view, whole), zoom = Math.min(1.6, Math.sqrt(fit / scale));
  const { marks, ...counts } = marksOf(current.rows);
  const home = data.home.lat === undefined || data.home.lon === undefined ? null : data.home;
  const hub = home && pixel(home.lon, home.lat);
  const strongest = Math.max(...marks.map((mark) => mark.value), 1e-9);
  // Where the strongest link is a single agreement its mark says little, and stays small.
  const room = Math.max(0.8, Math.min(1, Math.sqrt(NARROW / fit)));
  const largest = room * Math.min(LARGEST, 10 + 4 * Math.sqrt(strongest));
  for (const mark of marks) {
    mark.r = (zoom * Math.max(largest * Math.sqrt(mark.value / strongest), room * SMALLEST)) / 2;
    [mark.px, mark.py] = pixel(mark.lon, mark.lat);
  }
  fan(marks, hub);
  const steps = marks.length ? stepsOf(marks.map((mark) => mark.value)) : [], widths = steps.length > 3 ? WIDTHS : WIDTHS.slice(1, 1 + steps.length);
  for (const mark of marks) {
    mark.width = widths[steps.findLastIndex((step) => mark.value >= step)] ?? WIDTHS[0];
    mark.chosen = mark.rows.some((row) => row.id === state.partner);
    mark.way = home ? wayTo(mark, home, pixel) : [];
    [mark.px, mark.py] = [mark.px + mark.dx, mark.py + mark.dy];
  }
  const traces = [];
  if (base.edge.length) traces.push(lineTrace([base.edge], css("sea"), 0, { fill: "toself", fillcolor: css("sea") }));
  traces.push(filled(base.land, css("land"), css("frontier"), base.edge.length ? 0.5 : 0.7));
  if (base.units.length) traces.push(filled(base.units, css("land"), css("border"), 0.6));
  if (base.region.length) traces.push(filled(base.region, shadeOf(state.tab), tab().detailed ? css("edge") : css("frontier"), 0.9));
  if (base.lines.length) traces.push(lineTrace(base.lines, css("frontier"), 1.1));
  const groups = [...data.groups, null].filter((group) => marks.some((mark) => (mark.group ?? null) === group));
  const faded = marks.some((mark) => mark.chosen);
  for (const group of groups)
    for (const step of widths) {
      const ways = marks.filter((mark) => (mark.group ?? null) === group && mark.width === step && mark.way.length).map((mark) => mark.way.map((p) => p && back(p)));
      if (ways.length) traces.push(lineTrace(ways, colourOf(group), step, { opacity: faded ? 0.18 : 0.5 }));
    }
  for (const mark of marks.filter((each) => each.chosen && each.way.length))
    traces.push(lineTrace([mark.way.map((p) => p && back(p))], colourOf(mark.group), mark.width + 1.2));
  for (const group of groups)
    for (const ring of [false, true]) {
      const mine = marks.filter((mark) => (mark.group ?? null) === group && mark.ring === ring);
      if (mine.length) traces.push(marksTrace(mine, group, ring, back, faded));
    }
  if (hub) traces.push({ ...joined([[back(hub)]]), type: "scatter", mode: "markers", hoverinfo: "text", hovertext: `<b>${plain(named(home))}</b>`,
    marker: { size: STAR, symbol: "star", color: css("ink"), line: { color: css("edge"), width: 1 } } });
  traces.push(...written(marks, hub, { width, height, back, base, frame, scale }));
  const axis = { visible: false, zeroline: false, showgrid: false };
  const layout = {
    width, height, margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, hovermode: "closest",
    dragmode: matchMedia("(hover: hover)").matches ? "pan" : false,
    paper_bgcolor: css("card"), plot_bgcolor: base.edge.length ? css("card") : css("sea"),
    font: { family: css("font"), size: FONT, color: css("ink") },
    xaxis: { ...axis, range: [frame[0], frame[2]] }, yaxis: { ...axis, range: [frame[1], frame[3]] },
    hoverlabel: { align: "left", bgcolor: css("card"), bordercolor: css("rule"), font: { color: css("ink"), family: css("font") } },
  };
  const wide = matchMedia("(min-width: 1041px)").matches;
  Plotly.react(holder, traces, layout, { displayModeBar: false, scrollZoom: wide, doubleClick: false, showTips: false });
  drawn = { marks, groups, steps, widths, whole, ...counts };
}

/** Return the way from home to a mark in pixels, bent to where the mark was fanned to. */
function wayTo(mark, home, pixel) {
  const far = Math.hypot((mark.lon - home.lon) * Math.cos(mark.lat * RAD), mark.lat - home.lat) * 111;
  const way = greatCircle(home.lon, home.lat, mark.lon, mark.lat, Math.min(64, Math.max(2, Math.round(far / 120))));
  return way.map((point, i) => {
    if (!point) return null;
    const [x, y] = pixel(...point), share = i / (way.length - 1);
    return [x + share * mark.dx, y + share * mark.dy];
  });
}

function marksTrace(mine, group, ring, back, faded) {
  const colour = colourOf(group);
  return {
    ...joined([mine.map((mark) => back([mark.px, mark.py]))]), type: "scatter", mode: "markers", hoverinfo: "text",
    hovertext: mine.map(hovered), customdata: mine.map((mark) => (mark.ring ? mark.country : mark.id)), meta: ring ? "country" : "partner",
    marker: {
      symbol: ring ? "circle-open" : symbolOf(group), color: colour,
      size: mine.map((mark) => 2 * mark.r), opacity: mine.map((mark) => (faded && !mark.chosen ? 0.5 : 0.92)),
      line: { color: ring ? colour : mine.map((mark) => (mark.chosen ? css("ink") : css("edge"))), width: ring ? 2 : mine.map((mark) => (mark.chosen ? 2 : 1)) },
    },
  };
}

function hovered(mark) {
  const amount = layer().amounts ? say("n_persons", { n: mark.value }) : say(`n_${state.layer}`, { n: mark.value });
  if (mark.ring) return [`<b>${plain(country(mark.country))}</b>`, say("n_partner", { n: mark.rows.length }), amount, say("ring")].map((line, i) => (i ? plain(line) : line)).join("<br>");
  return [`<b>${plain(named(mark))}</b>`, plain(country(mark.country)), plain(amount), plain(spanOf(mark.first, mark.last, { short: true }))].filter(Boolean).join("<br>");
}

// Names on the map ------------------------------------------------------------------------------

const SIDES = [[1, 0], [-1, 0], [0, -1], [0, 1], [1, -1], [1, 1], [-1, -1], [-1, 1]];
const REACH = [0, 14, 26, 40, 58];
const pen = document.createElement("canvas").getContext("2d");

function wide(text, size, weight = 400) {
  pen.font = `${weight} ${size}px ${css("font")}`;
  return pen.measureText(text).width;
}

/** Break a text into at most `most` lines of a width in pixels; what is too long ends in "…". */
function wrapped(text, width, size, most, weight) {
  const lines = [""];
  for (const word of text.replace(/\p{C}/gu, "").split(/\s+/u)) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (!lines.at(-1) || wide(longer, size, weight) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const kept = lines.slice(0, most);
  if (lines.length > most) kept[most - 1] += "…";
  return kept.map((line) => {
    let signs = [...line];
    while (signs.length > 2 && wide(signs.join(""), size, weight) > width) signs = [...signs.slice(0, -2), "…"];
    return signs.join("");
  });
}

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const inside = ([x, y], box) => x > box[0] && x < box[2] && y > box[1] && y < box[3];
const covers = (box, { px, py, r }) =>
  Math.hypot(Math.max(box[0] - px, px - box[2], 0), Math.max(box[1] - py, py - box[3], 0)) < r;

/** Return points a few pixels apart from one point to another. */
function between([x1, y1], [x2, y2], gap = 4) {
  const n = 1 + Math.ceil(Math.hypot(x2 - x1, y2 - y1) / gap);
  return Array.from({ length: n + 1 }, (_, i) => [x1 + ((x2 - x1) * i) / n, y1 + ((y2 - y1) * i) / n]);
}

/** Find a place for each label, the first ones first: where it hides least and is nearest. */
function placed(wanted, marks, lines, sheet, taken) {
  const boxes = [...taken], leaders = [], hub = marks[0] ?? { px: 0, py: 0 }, out = [];
  for (const { mark, lines: text, weight } of wanted) {
    const w = Math.max(...text.map((line) => wide(line, FONT, weight))), h = FONT * (1.25 + 1.3 * (text.length - 1));
    const away = [mark.px - hub.px, mark.py - hub.py], far = Math.hypot(...away) || 1;
    const liking = (side) => -(away[0] * side[0] + away[1] * side[1]) / far / Math.hypot(...side) - 0.4 * (side[1] === 0);
    const sides = [...SIDES].sort((a, b) => liking(a) - liking(b));
    let best = null, least = Infinity, rank = 0;
    for (const reach of REACH)
      for (const side of sides) {
        const step = reach ? (mark.r + reach) / Math.hypot(...side) : 0, gap = reach ? 2 : mark.r + 3;
        const [x, y] = [mark.px + step * side[0], mark.py + step * side[1]];
        const diagonal = side[0] && side[1] && !reach ? 0.75 : 1;
        const left = x + [-gap * diagonal - w, -w / 2, gap * diagonal][side[0] + 1];
        const top = y + [-gap * diagonal - h, -h / 2, gap * diagonal][side[1] + 1];
        const box = [left - 3, top - 2, left + w + 3, top + h + 2], leader = reach ? between([mark.px, mark.py], [x, y]) : [];
        let cost = rank++;
        if (cost >= least || box[0] < 2 || box[1] < 2 || box[2] > sheet.width - 2 || box[3] > sheet.height - 2) continue;
        if (boxes.some((other) => overlap(box, other) || leader.some((point) => inside(point, other)))) continue;
        if (marks.some((other) => covers(box, other)) || leaders.some((other) => other.some((point) => inside(point, box)))) continue;
        if (leaders.some((other) => leader.some((a) => other.some((b) => Math.hypot(a[0] - b[0], a[1] - b[1]) < 4)))) continue;
        cost += 4 * Math.min(12, lines.reduce((sum, point) => sum + inside(point, box), 0));
        cost += 30 * marks.filter((other) => other !== mark && leader.some((p) => Math.hypot(p[0] - other.px, p[1] - other.py) < other.r)).length;
        if (cost < least) [best, least] = [{ mark, text, box, leader: reach ? [[mark.px + (mark.r * side[0]) / Math.hypot(...side), mark.py + (mark.r * side[1]) / Math.hypot(...side)], [x, y]] : null, weight }, cost];
      }
    if (!best) continue;
    boxes.push(best.box);
    if (best.leader) leaders.push(between(...best.leader));
    out.push(best);
  }
  return out;
}

/** Write home, the strongest partners and, where there is room, the countries. */
function written(marks, hub, sheet) {
  const star = hub && { px: hub[0], py: hub[1], r: STAR / 2, name: named(data.home) };
  const holds = (mark) => mark.px > 0 && mark.px < sheet.width && mark.py > 0 && mark.py < sheet.height;
  const all = [...(star ? [star] : []), ...marks];
  const short = (mark) => (mark.ring ? country(mark.country) : mark === star ? star.name : mark.short ?? named(mark));
  const first = all.filter((mark) => holds(mark) && (mark === star || mark.chosen));
  const most = tab().view.projection === "equal-earth" ? 16 : 40;
  const named_ = [...first, ...all.filter((mark) => holds(mark) && !first.includes(mark))].slice(0, most);
  const wanted = named_.map((mark) => {
    const weight = first.includes(mark) ? 700 : 400;
    return { mark, weight, lines: wrapped(short(mark), 168, FONT, 2, weight) };
  });
  const lines = marks.flatMap((mark) => mark.way.flatMap((point, i) => (point && mark.way[i - 1] ? between(mark.way[i - 1], point, 5) : [])));
  const controls = [[sheet.width - 46, 0, sheet.width, 104], [sheet.width - 66, sheet.height - 46, sheet.width, sheet.height]];
  const pointer = star && !holds(star) && marks.length ? towards(star, marks.filter(holds), sheet) : null;
  const found = placed(wanted, all, lines, sheet, pointer ? [...controls, pointer.box] : controls);
  const boxes = [...controls, ...found.map((label) => label.box), ...(pointer ? [pointer.box] : [])];
  const text = (at, words, font) => ({ ...joined([at.map(sheet.back)]), type: "scatter", mode: "text", hoverinfo: "skip", text: words, textposition: "middle center", textfont: font });
  const middle = (box) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  const halo = Array(4).fill(`0 0 2px ${css("halo")}`).join(", ");
  const traces = [];
  const told = new Set(found.filter(({ mark }) => mark.ring).map(({ mark }) => mark.country));
  const lands = landNames(sheet.base.land.filter((land) => !told.has(land.id)), [...boxes, ...all.map(({ px, py, r }) => [px - r, py - r, px + r, py + r])], lines, sheet);
  if (lands.length) traces.push({ ...text(lands.map(({ at }) => at), lands.map(({ name }) => name), { size: 10, color: css("pale") }), meta: "country names" });
  const leaders = found.filter((label) => label.leader);
  if (leaders.length) traces.push(lineTrace(leaders.map((label) => label.leader.map(sheet.back)), css("ink"), 0.7));
  for (const weight of [400, 700]) {
    const mine = found.filter((label) => label.weight === weight);
    if (mine.length) traces.push({ ...text(mine.map(({ box }) => middle(box)), mine.map(({ text: rows }) => rows.map((row) => plain(row)).join("<br>")), { size: FONT, color: css("ink"), shadow: halo, weight }), meta: "labels" });
  }
  if (pointer) traces.push({ ...text([middle(pointer.box)], [plain(pointer.text)], { size: FONT, color: css("ink"), shadow: halo, weight: 700 }), meta: "labels" });
  return traces;
}

/** Say at the edge where the lines come from when home lies outside. */
function towards(star, marks, { width, height }) {
  if (!marks.length) return null;
  const mean = (key) => marks.reduce((sum, mark) => sum + mark[key], 0) / marks.length;
  const [x, y] = [mean("px"), mean("py")], [dx, dy] = [star.px - x, star.py - y];
  const share = Math.min(dx ? Math.max(-x / dx, (width - x) / dx) : Infinity, dy ? Math.max(-y / dy, (height - y) / dy) : Infinity);
  const arrow = Math.abs(dx) * height > Math.abs(dy) * width ? (dx > 0 ? "→" : "←") : dy > 0 ? "↓" : "↑";
  const text = `★ ${wrapped(star.name, 240, FONT, 1, 700)[0]} ${arrow}`, half = wide(text, FONT, 700) / 2 + 6;
  const [cx, cy] = [Math.min(Math.max(x + share * dx, half + 4), width - half - 54), Math.min(Math.max(y + share * dy, 16), height - 16)];
  return { text, box: [cx - half, cy - 11, cx + half, cy + 11] };
}

/** Find room for the names of countries: in the middle of what is seen of them, on nothing else. */
function landNames(lands, taken, lines, { width, height, frame, scale }) {
  if (tab().view.projection === "equal-earth") return [];
  const out = [];
  for (const land of lands) {
    const rings = land.rings.map((ring) => ring.map(([x, y]) => [(x - frame[0]) / scale, (frame[3] - y) / scale]));
    const ring = rings.reduce((a, b) => (Math.abs(area(a)) > Math.abs(area(b)) ? a : b));
    if (!land.id || Math.abs(area(ring)) < 1500) continue;
    const contains = ([x, y]) => ring.reduce((odd, b, i) => {
      const a = ring.at(i - 1);
      return a[1] > y !== b[1] > y && x < ((b[0] - a[0]) * (y - a[1])) / (b[1] - a[1]) + a[0] ? !odd : odd;
    }, false);
    const name = wrapped((state.lang === "fr" ? land.name_fr : land.name).toLocaleUpperCase(state.lang), 120, 10, 3);
    const [half, high] = [Math.max(...name.map((row) => wide(row, 10))) / 2, 6.5 * name.length];
    const low = [0, 1].map((k) => Math.max(8, Math.min(...ring.map((point) => point[k]))));
    const top = [width, height].map((most, k) => Math.min(most - 8, Math.max(...ring.map((point) => point[k]))));
    let best = null, most = 0;
    for (let i = 1; i < 16; i++)
      for (let j = 1; j < 16; j++) {
        const at = [low[0] + ((top[0] - low[0]) * i) / 16, low[1] + ((top[1] - low[1]) * j) / 16];
        const box = [at[0] - half - 3, at[1] - high - 2, at[0] + half + 3, at[1] + high + 2];
        if (box[0] < 4 || box[1] < 4 || box[2] > width - 4 || box[3] > height - 4) continue;
        if (taken.some((other) => overlap(box, other)) || !contains(at)) continue;
        const room = Math.min(...ring.map(([x, y]) => Math.hypot((x - at[0]) / 2, y - at[1])));
        if (room <= most || lines.some((point) => inside(point, box))) continue;
        const corners = [[0, 1], [0, 3], [2, 1], [2, 3]].map(([a, b]) => [box[a], box[b]]);
        if (corners.every(contains)) [best, most] = [{ at, box, name: name.map((row) => plain(row)).join("<br>") }, room];
      }
    if (best) { out.push(best); taken.push(best.box); }
  }
  return out;
}
