// Agreements as lines on a time axis, and the partners tied among themselves.

const LIVES = {
  ending: ["g3", "/"], "in force": ["g2", ""], "not yet": ["g1", "."],
  "dates unknown": ["elsewhere", "x"], expired: ["pale", "-"],
}; // groups in the order shown: colour and pattern
const [LINE, HEAD, DAY] = [19, 23, 864e5]; // pixels of a line and of a partner; milliseconds
const [BACK, AHEAD] = [80, 40]; // years drawn at most

const lifeOf = ({ ending, status }) => (ending ? "ending" : status);

/** Return the rows of the agreements that the filters leave, whatever layer is chosen. */
function agreed() {
  const kept = state.layer;
  state.layer = "agreement";
  try {
    return data.layers.some(({ kind }) => kind === "agreement") ? chosen().rows : [];
  } finally {
    state.layer = kept;
  }
}

/** Return the spells to draw, those of no layer where nothing is filtered or their words fit. */
function spells() {
  const rows = new Map(agreed().map((row) => [row.index, actsOf(row)]));
  const asked = folded(state.query.trim()), everywhere = state.tab === data.tabs[0].key;
  const fits = (one) => folded(`${one.title ?? ""} ${one.name ?? ""}`).includes(asked);
  const shown = data.lives.filter((one) => (one.body === null || one.act === null
    ? everywhere && !windowed() && fits(one)
    : rows.get(one.body)?.has(one.act)));
  return shown.map((one) => {
    const from = one.start ? Date.parse(one.start.slice(0, 10)) : null;
    const till = one.days === null ? null : Date.parse(data.asked.as_of) + one.days * DAY;
    const body = data.bodies[one.body], partner = body ? called(body) : one.name ?? one.id;
    return { ...one, from, till, open: one.end_status === "open" && till === null, partner, key: body?.id ?? partner };
  });
}

const written = (one) => `${one.from === null ? "?" : one.start.slice(0, 10)} – ${
  one.open ? say("open_end") : one.till === null ? "?" : new Date(one.till).toISOString().slice(0, one.end?.length ?? 10)}`;

/** Group spells by partner, one line for each chain of renewals, in the order chosen. */
function linesOf(found) {
  const partners = new Map(), day = Date.parse(data.asked.as_of), order = Object.keys(LIVES);
  for (const one of found) {
    const mine = partners.get(one.key) ?? { name: one.partner, id: data.bodies[one.body]?.id, lines: new Map() };
    partners.set(one.key, mine);
    mine.lines.set(one.chain, [...(mine.lines.get(one.chain) ?? []), one]);
  }
  const rank = (line) => min(...line.map((one) => order.indexOf(lifeOf(one))));
  const turn = (line) => (rank(line) === 4 ? day - max(...line.map(({ till }) => till ?? 0)) : min(...line.map(({ till }) => till ?? Infinity)));
  const length = (line) => {
    const starts = line.map(({ from }) => from).filter((from) => from !== null);
    if (!starts.length || line.some((one) => !one.open && one.till === null)) return -1;
    return max(...line.map((one) => (one.open ? day : one.till))) - min(...starts);
  };
  const compare = state.sort === "longest"
    ? (a, b) => length(b) - length(a)
    : (a, b) => rank(a) - rank(b) || (turn(a) === turn(b) ? 0 : turn(a) - turn(b));
  const listed = [...partners.values()].map((each) => ({ ...each, lines: [...each.lines.values()].sort(compare) }));
  return listed.sort((a, b) => compare(a.lines[0], b.lines[0]) || a.name.localeCompare(b.name, state.lang));
}

/** Cut a figure for paper, between two partners: the first page holds a title too. */
function sheetsOf(starts) {
  const sheets = [[0, 0]];
  for (const [i, at] of starts.entries()) {
    const [from] = sheets.at(-1);
    if (at - from > (sheets.length > 1 ? 880 : 660) && starts[i - 1] > from) sheets.push([starts[i - 1], at]);
    sheets.at(-1)[1] = at;
  }
  for (const [i, sheet] of sheets.entries()) sheet[1] = sheets[i + 1]?.[0] ?? sheet[1];
  return sheets;
}

function drawLives(holder) {
  const found = spells(), width = wide(holder), day = Date.parse(data.asked.as_of);
  const bar = [choice("sort", ["sort_ending", "sort_longest"])], all = new Set(data.lives.map(({ id }) => id)).size;
  const agreements = new Set(found.map(({ id }) => id));
  if (!found.length) {
    const said = joined([say("no_lives"), all ? say("left_out", { n: all }) : ""], " ");
    setFigure(holder, { bar, said, traces: [], notes: [said] });
    return;
  }
  const groups = linesOf(found), narrow = width < 560, over = narrow ? 16 : 0; // pixels of a title above its line
  const left = narrow ? 8 : min(max(300, 0.28 * width), 0.42 * width), space = (narrow ? width : left) - 12;
  const dated = found.some((one) => one.from !== null && !one.open && one.till !== null), right = narrow || !dated ? 14 : 84;
  const times = [...found.flatMap(({ from, till }) => [from, till]).filter((at) => at !== null), day];
  const years = (n) => n * 365.25 * DAY;
  let begin = max(min(...times), day - years(BACK));
  let until = max(min(max(...times), day + years(AHEAD)), begin + years(4)) + years(0.75);
  begin -= (until - begin) / 25; // the edge is where marks without any date stand
  const least = ((until - begin) * 4) / (width - left - right), stub = (until - begin) / 16;
  const within = (at) => max(begin, min(until, at));
  const annotations = [], shapes = [], bars = {}, ends = [], hollow = [], dotted = [];
  let y = 0;
  const starts = [0]; // of partners: where a page may end
  const aside = (text, at, font) => annotations.push({ text, x: 0, xref: "paper", xanchor: "left", xshift: -left, y: at, yref: "y", showarrow: false, align: "left", font });
  for (const { name, id, lines } of groups) {
    const weight = id && id === state.partner ? 700 : 600;
    aside(label(name, space, 12.5, 1, weight), y + HEAD / 2 + 2, { size: 12.5, weight });
    shapes.push({ type: "line", layer: "below", xref: "paper", x0: 0, x1: 1, y0: y + 1, y1: y + 1, line: { color: css("rule"), width: 1 } });
    y += HEAD;
    for (const line of lines) {
      const at = y + over + LINE / 2 - 3;
      const newest = line.reduce((a, b) => (b.renewal >= a.renewal ? b : a));
      aside(label(newest.title ?? newest.id, space - 12, 11), at - over, { size: 11, color: css("grey") });
      for (const one of line) {
        const life = lifeOf(one), told = [`<b>${plain(one.title ?? one.id)}</b>`, plain(name), plain(written(one)), plain(say(`life_${life}`))].join("<br>");
        const mark = { at, id: id ?? null, told, life, one };
        if (one.from !== null && (one.open || one.till !== null)) {
          const a = within(one.from), b = one.open ? until : within(one.till);
          (bars[life] ??= []).push({ ...mark, a, b: max(b, a + least) });
          if (one.open) ends.push({ ...mark, b });
          else if (right > 50 && one === newest) {
            annotations.push({ text: plain(written(one).split(" – ")[1]), x: max(b, a + least), y: at, xanchor: "left", xshift: 3, showarrow: false, bgcolor: css("card"), borderpad: 0, font: { size: 11, color: css("grey") } });
          }
          continue;
        }
        const known = one.from ?? one.till, x = known === null ? begin : within(known), way = one.from !== null || known === null ? 1 : -1;
        hollow.push({ ...mark, x });
        if (known !== null) dotted.push([[x, at], [x + way * stub, at]]);
        const text = known === null ? say("no_dates") : way > 0 ? `${one.start.slice(0, 10)} – ?` : written(one);
        const far = known === null ? 9 : 4, beyond = known === null ? x : x + way * stub;
        const flip = way < 0 || beyond > until - stub * 2;
        annotations.push({ text: plain(text), x: flip ? min(x, beyond) : beyond, y: at, xanchor: flip ? "right" : "left", xshift: flip ? -far - 4 : far, showarrow: false, font: { size: 11, color: css("grey") } });
      }
      y += LINE + over;
    }
    y += 4;
    starts.push(y);
  }
  const traces = Object.entries(bars).map(([life, mine]) => {
    const [colour, shape] = LIVES[life];
    const chosenHere = mine.map(({ id }) => (id && id === state.partner ? css("ink") : css("edge")));
    return {
      type: "bar", orientation: "h", name: life, width: 11, hoverinfo: "text", hovertext: mine.map(({ told }) => told),
      customdata: mine.map(({ id }) => id), y: mine.map(({ at }) => at), base: mine.map(({ a }) => a), x: mine.map(({ a, b }) => b - a),
      marker: { color: css(colour), line: { color: chosenHere, width: 1 }, pattern: { shape, size: 5, solidity: 0.35, bgcolor: css(colour), fgcolor: css("card") } },
    };
  });
  const dots = (mine, x, marker) => ({
    type: "scatter", mode: "markers", hoverinfo: "text", hovertext: mine.map(({ told }) => told), cliponaxis: false,
    customdata: mine.map(({ id }) => id), x, y: mine.map(({ at }) => at), marker,
  });
  if (ends.length) traces.push(dots(ends, ends.map(({ b }) => b), { symbol: "triangle-right", size: 13, color: ends.map(({ life }) => css(LIVES[life][0])) }));
  if (dotted.length) traces.push(lineTrace(dotted, css("elsewhere"), 2, { line: { color: css("elsewhere"), width: 2, dash: "dot" } }));
  if (hollow.length) traces.push(dots(hollow, hollow.map(({ x }) => x), { symbol: "circle-open", size: 10, color: hollow.map(({ life }) => css(LIVES[life][0])), line: { width: 2 } }));
  const span = (until - begin) / years(1), step = [1, 2, 5, 10, 20].find((n) => n * (width - left - right) >= 45 * span) ?? 20;
  shapes.push({ type: "line", yref: "paper", y0: 0, y1: 1, x0: day, x1: day, line: { color: css("ink"), width: 1.5, dash: "dot" } });
  annotations.push({ text: plain(say("as_of", { day: data.asked.as_of })), x: day, y: 1, yref: "paper", yanchor: "bottom", yshift: 20, xanchor: day > (begin + until) / 2 ? "right" : "left", showarrow: false, font: { size: 11 } });
  const counts = {};
  for (const one of found) counts[lifeOf(one)] = (counts[lifeOf(one)] ?? 0) + 1;
  const shown = Object.keys(LIVES).filter((life) => counts[life]);
  const lives = shown.map((life) => `${say(`life_${life}`).toLocaleLowerCase(state.lang)} ${number(counts[life])}`).join(", ");
  const said = say("said_lives", { agreements: say("n_agreement", { n: agreements.size }), partners: say("n_partner", { n: groups.length }), day: data.asked.as_of, lives });
  const chip = (life) => {
    const [colour, shape] = LIVES[life], box = make("svg", { width: 22, height: 11, "aria-hidden": "true" }, make("path", { d: "M0 0H22V11H0Z", fill: css(colour) }));
    const d = { "/": "M2 11 10 0M10 11 18 0M18 11 22 5", ".": "M4 5h2M10 5h2M16 5h2", "-": "M0 5.5H22", x: "M2 0 12 11M12 0 2 11M12 0 22 11M22 0 12 11" }[shape];
    if (d) box.append(make("path", { d, stroke: css("card"), "stroke-width": 1.6, fill: "none" }));
    return make("span", {}, box, `${say(`life_${life}`)} (${number(counts[life])})`);
  };
  const signs = [...shown.map(chip), ...(ends.length ? [make("span", {}, `▶ ${say("open_mark")}`)] : []), ...(hollow.length ? [make("span", {}, `○ ${say("unknown_mark")}`)] : [])];
  const untied = new Set(found.filter(({ body }) => body === null).map(({ id }) => id)).size;
  const out = all - agreements.size, renewals = found.some(({ renewal }) => renewal > 0);
  const layout = {
    height: y + 56, margin: { l: left, r: right, t: 44, b: 12 }, barmode: "overlay", annotations, shapes,
    xaxis: { type: "date", side: "top", range: [begin, until], dtick: `M${12 * step}`, tick0: "2000-01-01", tickformat: "%Y", gridcolor: css("rule"), fixedrange: true },
    yaxis: { range: [y, 0], visible: false, fixedrange: true },
  };
  const sheets = sheetsOf(starts).map(([from, to]) => ({ height: to - from + 56, yaxis: { ...layout.yaxis, range: [to, from] } }));
  setFigure(holder, { bar, said, signs, traces, layout, sheets, notes: [said, renewals ? say("renewed") : "", untied ? say("n_untied", { n: untied }) : "", out ? say("left_out", { n: out }) : ""] });
}

VIEWS.agreements = { holder: "#chart", draw: drawLives };

// Network ---------------------------------------------------------------------------------------

/** Return the communities of the layer, the largest first, how many are in each, and who is where. */
function communities() {
  const sizes = new Map(), { nodes = [] } = data.network?.[state.layer] ?? {};
  for (const [, , , community] of nodes) sizes.set(community, (sizes.get(community) ?? 0) + 1);
  const order = [...sizes.keys()].sort((a, b) => sizes.get(b) - sizes.get(a) || a - b);
  return { sizes, order, ranks: new Map(nodes.map(([index, , , community]) => [index, order.indexOf(community)])) };
}

const looksOf = (rank) => (rank < SYMBOLS.length ? [css(`g${rank}`), SYMBOLS[rank]] : [css("elsewhere"), "circle"]);

/** Draw partners tied among themselves: places and groups come from Python, names are placed here. */
function drawNetwork(holder, rows) {
  const { nodes = [], edges = [], whole = 0, kept = 0, alpha = null } = data.network?.[state.layer] ?? {};
  if (!nodes.length) {
    const said = say("no_network", { what: say(state.layer) });
    setFigure(holder, { said, traces: [], notes: [said] });
    return;
  }
  const width = wide(holder), height = width < 560 ? 1.2 * width : max(400, min(0.58 * width, 640)), pad = width < 560 ? 28 : 60;
  // The middle, where most stand, is given room: all go away from it by a root of their distance.
  const centre = [1, 2].map((k) => nodes.reduce((sum, node) => sum + node[k], 0) / nodes.length);
  const spread = nodes.map((node) => {
    const [dx, dy] = [node[1] - centre[0], node[2] - centre[1]], out = hypot(dx, dy) ** -0.4;
    return Number.isFinite(out) ? [dx * out, dy * out] : [0, 0];
  });
  const reach = [0, 1].map((k) => [min, max].map((pick) => pick(...spread.map((point) => point[k]))));
  const part = (value, [low, high]) => (high > low ? (value - low) / (high - low) : 0.5);
  const values = new Map(rows.map((row) => [row.index, row.value])), strongest = max(1, ...values.values());
  const { sizes, order } = communities();
  const room = min(1, sqrt(width / 800));
  const marks = nodes.map(([index, , , community], i) => {
    const value = values.get(index), rank = order.indexOf(community);
    const px = pad + part(spread[i][0], reach[0]) * (width - 2 * pad);
    const py = height - 24 - part(spread[i][1], reach[1]) * (height - 48);
    const r = value === undefined ? 4 * room : (room * max(9, 26 * sqrt(value / strongest))) / 2;
    return { ...data.bodies[index], index, value, rank, px, py, r, reach: [...REACH, 48, 72, 110], chosen: data.bodies[index].id === state.partner };
  });
  const at = new Map(marks.map((mark) => [mark.index, mark])), heaviest = max(...edges.map(([, , weight]) => weight));
  const back = ([x, y]) => [x, height - y], traces = [];
  const band = (weight) => min(3, Math.floor(4 * sqrt(weight / heaviest) - 1e-9));
  for (const [step, line] of WIDTHS.entries()) {
    for (const dim of [true, false]) {
      const mine = edges.filter(([a, b, weight]) => band(weight) === step && dim === !(values.has(a) && values.has(b)));
      const ways = mine.map(([a, b]) => [a, b].map((index) => back([at.get(index).px, at.get(index).py])));
      if (ways.length) traces.push(lineTrace(ways, css("pale"), line, { opacity: dim ? 0.1 : 0.3, meta: "edge" }));
    }
  }
  const told = (mark) => joined([`<b>${plain(named(mark))}</b>`, plain(country(mark.country) ?? ""), mark.value === undefined ? "" : plain(say(layer().amounts ? "n_persons" : `n_${state.layer}`, { n: mark.value })), plain(say("community", { n: mark.rank + 1, all: sizes.get(order[mark.rank]) }))], "<br>");
  for (const rank of order.keys()) {
    const mine = marks.filter((mark) => mark.rank === rank), [color, symbol] = looksOf(rank);
    traces.push({
      ...strung([mine.map((mark) => back([mark.px, mark.py]))]), mode: "markers", hoverinfo: "text", hovertext: [...mine.map(told), ""],
      customdata: [...mine.map(({ id }) => id), null], meta: "node",
      marker: { symbol, color, size: [...mine.map(({ r }) => 2 * r), 0], opacity: [...mine.map(({ value }) => (value === undefined ? 0.22 : 0.95)), 0], line: { color: [...mine.map(({ chosen }) => css(chosen ? "ink" : "edge")), css("edge")], width: 1.2 } },
    });
  }
  const seen = marks.filter(({ value, chosen }) => value !== undefined || chosen);
  const first = seen.sort((a, b) => b.chosen - a.chosen || b.value - a.value).slice(0, width < 560 ? 12 : 34);
  const wanted = first.map((mark) => ({ mark, weight: mark.chosen ? 700 : 400, text: wrapped(called(mark), 150, FONT, 2, mark.chosen ? 700 : 400) }));
  const names = place(wanted, marks, [], { width, height }, []);
  const halo = Array(4).fill(`0 0 2px ${css("card")}`).join(", "), leads = names.filter(({ leader }) => leader);
  if (leads.length) traces.push(lineTrace(leads.map(({ leader }) => leader.map(back)), css("ink"), 0.7));
  traces.push({
    ...strung([names.map(({ box }) => back(middle(box)))]), mode: "text", hoverinfo: "skip", meta: "names", textposition: "middle center",
    text: [...names.map(({ text }) => text.map((line) => plain(line)).join("<br>")), ""], textfont: { size: FONT, color: css("ink"), shadow: halo },
  });
  const axis = { visible: false, fixedrange: true };
  const layout = { height, margin: { l: 0, r: 0, t: 0, b: 0 }, xaxis: { ...axis, range: [0, width] }, yaxis: { ...axis, range: [0, height] } };
  const filter = alpha === null ? "" : say("by_filter", { alpha: number(alpha) });
  const said = say("said_network", { layer: say(state.layer), nodes: say("n_partner", { n: nodes.length }), shown: number(kept), n: number(whole), filter });
  const signs = order.slice(0, SYMBOLS.length).map((community, rank) =>
    make("span", {}, signOf(...looksOf(rank)), say("community", { n: rank + 1, all: sizes.get(community) })));
  setFigure(holder, { said: warned(said), signs, traces, layout, notes: [said, say("network_read", { home: named(data.home) })] });
}

VIEWS.network = { holder: "#chart", draw: drawNetwork };
