// Figures beside the map: how each is set on the page, the matrix, and the years.
//
// All are drawn by plotly as SVG; what is said around them is HTML, so that it wraps, is read
// aloud and takes the language of the page.

const [PARTNERS, PANELS] = [30, 6]; // rows of the matrix, partners drawn year by year
const BLUES = ["#eef4fa", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b"];
const SKEWED = 12; // times the median from which on the scale of colours is that of logarithms
const PAPER = 680; // pixels of a figure on paper
const year = (day) => Number(day.slice(0, 4));
const compact = (value) => new Intl.NumberFormat(state.lang, {
  notation: value >= 10000 ? "compact" : "standard", maximumSignificantDigits: value < 100 ? 2 : 4,
}).format(value);

let printing = false;
addEventListener("beforeprint", () => { printing = true; });
addEventListener("afterprint", () => { printing = false; });
const wide = (holder) => (printing ? PAPER : max(280, holder.clientWidth - 32));

new ResizeObserver(([{ target }]) => {
  const plot = target.querySelector(".figure");
  if (target.clientWidth && plot?.layout && plot.layout.width !== wide(target)) draw();
}).observe($("#chart"));

/** Set a figure in its holder: what can be chosen, what it says, its signs, itself, its notes. */
function setFigure(holder, { bar = [], said, signs = [], traces, layout, notes = [], below = [], sheets = [] }) {
  const part = (name) => holder.querySelector(`.${name}`);
  if (!part("figure")) {
    const names = ["bar", "signs", "remarks", "figure", "below"];
    holder.replaceChildren(...names.map((name) => make("div", { class: name })));
  }
  const plot = part("figure");
  part("bar").replaceChildren(...bar);
  part("signs").replaceChildren(...signs);
  part("below").replaceChildren(...below);
  part("remarks").replaceChildren(...[joined(notes, " ")].filter(Boolean).map((text) => make("p", {}, text)));
  for (const more of holder.querySelectorAll(".figure.more")) more.remove();
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", said);
  plot.hidden = $("#png").hidden = $("#svg").hidden = !traces.length;
  if (plot.hidden) return;
  const font = { family: css("font"), size: 12, color: css("ink") };
  const paper = { paper_bgcolor: css("card"), plot_bgcolor: css("card") };
  const separators = state.lang === "fr" ? ",\u202f" : ".,";
  const look = { align: "left", bgcolor: css("card"), bordercolor: css("rule"), font };
  const whole = { width: wide(holder), showlegend: false, hovermode: "closest", dragmode: false };
  const usual = { ...whole, font, ...paper, separators, hoverlabel: look, ...layout };
  const still = { displayModeBar: false, showTips: false, doubleClick: false };
  const [first, ...others] = printing && sheets.length > 1 ? sheets : [{}];
  Plotly.react(plot, traces, { ...usual, ...first }, still);
  for (const sheet of others) {
    const more = make("div", { class: "figure more" });
    part("below").before(more);
    Plotly.newPlot(more, structuredClone(traces), structuredClone({ ...usual, ...sheet }), { ...still, staticPlot: true });
  }
  if (plot.dataset.heard) return;
  plot.dataset.heard = "yes";
  plot.on("plotly_click", ({ points: [{ customdata }] }) => customdata && reveal(customdata));
}

/** Choose a partner of a figure; one that the layer has not is shown among the agreements. */
function reveal(id) {
  if (current.rows.some((row) => row.id === id)) select(id);
  else change({ layer: "agreement", from: null, to: null, query: "", partner: id });
}

/** Offer the choices of a key of the address; the first is the usual one. */
function choice(key, options) {
  const buttons = ["", ...CHOICES[key]].map((value, i) => {
    const facts = { type: "button", "aria-pressed": String(state[key] === value) };
    const click = () => {
      change({ [key]: value, range: null });
      document.querySelectorAll(`[data-choice="${key}"] button`)[i].focus();
    };
    return make("button", { ...facts, click }, say(options[i]));
  });
  return make("div", { class: "switch", role: "group", "aria-label": say(`choose_${key}`), "data-choice": key }, ...buttons);
}

const cut = (shown, all, key) => (all > shown ? say(key, { n: all - shown, shown: number(shown) }) : "");
// What is written about a figure stands under the warning; what is read aloud of it holds it.
const warned = (text) => (layer().synthetic ? `${text} ${say("synthetic")}` : text);
const amountIn = (acts) => {
  const { amounts } = layer();
  return [...acts].reduce((sum, act) => sum + (amounts ? amounts[act] ?? 0 : 1), 0);
};
const actsOf = (row) => new Set(row.spans.map(([act]) => act));

/** Return a label for an axis: one line, or more, of a width in pixels, safe for plotly. */
const label = (text, width, size = 12, most = 1, weight = 400) => wrapped(text, width, size, most, weight).map((line) => plain(line)).join("<br>");

// Matrix ----------------------------------------------------------------------------------------

/** Return the numbers of partners by field, those without a known field in the last column. */
function byField(rows) {
  const { fields = [] } = layer(), none = data.fieldNames.length;
  const table = rows.map((row) => {
    const cells = new Map();
    for (const act of actsOf(row)) {
      for (const field of fields[act] || [none]) cells.set(field, (cells.get(field) ?? 0) + amountIn([act]));
    }
    return cells;
  });
  const total = (field) => table.reduce((sum, cells) => sum + (cells.get(field) ?? 0), 0);
  const known = [...new Set(table.flatMap((cells) => [...cells.keys()]))].filter((field) => field !== none);
  known.sort((a, b) => total(b) - total(a));
  const columns = total(none) ? [...known, none] : known;
  const title = (field) => (field === none ? say("field_unknown") : data.fieldNames[field][state.lang]);
  return { columns: columns.map(title), values: table.map((cells) => columns.map((field) => cells.get(field) ?? 0)), known: known.length };
}

/** Draw cells as bars of one length, so that they stay sharp in print and can be read aloud. */
function cellsOf(rows, columns, values, { width, ids = [], unit }) {
  const left = min(270, 0.4 * width), side = (width - left - 12) / columns.length;
  const upright = side < 96, fits = rows.every((name) => widthOf(name, 12) < left - 14);
  const names = rows.map((name) => label(name, left - 14, fits ? 12 : 11, fits ? 1 : 2));
  const high = printing ? 21 : fits || width > 560 ? 24 : 32;
  const found = values.flat().filter((value) => value > 0).sort((a, b) => a - b);
  const most = found.at(-1) ?? 1, logs = most > SKEWED * (found[found.length >> 1] ?? 1);
  const share = (value) => (logs ? Math.log1p(value) / Math.log1p(most) : value / most);
  const night = document.documentElement.dataset.theme === "dark";
  const ramp = night ? [...BLUES].reverse() : BLUES;
  const at = (value) => min(ramp.length - 1, Math.floor(share(value) * ramp.length));
  const light = (i) => (night ? i > 3 : i < 4);
  const flat = values.flatMap((line, i) => line.map((value, j) => ({ i, j, value })));
  const colour = ({ value }) => (value === null ? css("rule") : value ? ramp[at(value)] : css("paper"));
  const text = ({ value }) => (value === null ? "–" : value ? compact(value) : "·");
  const ink = ({ value }) => (value ? (light(at(value)) ? "#101820" : "#ffffff") : css("grey"));
  const told = ({ i, j, value }) => `<b>${plain(rows[i])}</b><br>${plain(columns[j])}<br>${plain(value === null ? say("not_counted") : unit(value))}`;
  const size = side < 34 ? 9 : 11;
  const trace = {
    type: "bar", orientation: "h", y: flat.map(({ i }) => i), base: flat.map(({ j }) => j + 0.02),
    x: flat.map(() => 0.96), width: 0.9, text: flat.map(text), textposition: "inside", insidetextanchor: "middle",
    textangle: 0, constraintext: "none", insidetextfont: { size, color: flat.map(ink) },
    marker: { color: flat.map(colour), line: { width: 0 } }, hoverinfo: "text", hovertext: flat.map(told),
    customdata: flat.map(({ i }) => ids[i] ?? null), cliponaxis: false,
  };
  const lines = side > 30 ? 2 : 1; // of a head that stands upright
  const heads = columns.map((name) => (upright ? label(name, 150, 12, lines) : label(name, side - 6, 12, 3)));
  const top = upright ? 20 + max(...heads.flatMap((head) => head.split("<br>").map((line) => widthOf(line, 12)))) : 58;
  const axis = { showgrid: false, zeroline: false, fixedrange: true, ticks: "", tickmode: "array" };
  const layout = {
    barmode: "overlay", bargap: 0, height: top + high * rows.length + 10, margin: { l: left, r: 12, t: top, b: 10 },
    xaxis: { ...axis, side: "top", range: [0, columns.length], tickvals: columns.map((_, j) => j + 0.5), ticktext: heads, tickangle: upright ? -90 : 0 },
    yaxis: { ...axis, range: [rows.length - 0.5, -0.5], tickvals: rows.map((_, i) => i), ticktext: names, tickfont: { size: fits ? 12 : 11 } },
  };
  const least = (i) => (logs ? Math.expm1((i / ramp.length) * Math.log1p(most)) : (i / ramp.length) * most);
  const starts = ramp.map((tone, i) => [tone, max(1, Math.ceil(least(i)))]).filter(([, n], i, all) => n <= most && n !== all[i + 1]?.[1]);
  const chip = (tone) => make("svg", { width: 16, height: 12, "aria-hidden": "true" }, make("path", { d: "M0 0H16V12H0Z", fill: tone }));
  const signs = starts.map(([tone, n]) => make("span", {}, chip(tone), `≥ ${number(n)}`));
  return { traces: [trace], layout, signs, logs };
}

/** Draw partners by field, or regions by region: where no field is known these alone. */
function drawMatrix(holder, rows) {
  const width = wide(holder), unit = (value) => say(layer().amounts ? "n_persons" : `n_${state.layer}`, { n: value });
  const { names = [], cells = [] } = data.regions?.[state.layer] ?? {};
  const shown = rows.slice(0, PARTNERS), { columns, values, known } = byField(shown);
  const lost = rows.length && !known ? say("no_fields", { what: say(state.layer) }) : "", alone = lost && names.length;
  const bar = alone ? [] : [choice("matrix", ["matrix_fields", "matrix_regions"])];
  if (state.matrix === "regions" || alone) {
    const titles = names.map((key) => titled(data.tabs.find((each) => each.key === key) ?? { key, labels: {} }));
    const links = (value) => say("n_links", { n: value });
    const figure = names.length ? cellsOf(titles, titles, cells, { width, unit: links }) : { traces: [] };
    const said = say("said_regions", { layer: say(state.layer), n: names.length });
    setFigure(holder, { bar, said: warned(said), ...figure, notes: [lost, said, say("regions_whole"), figure.logs ? say("log_scale") : ""] });
    return;
  }
  const figure = known ? cellsOf(shown.map(called), columns, values, { width, unit, ids: shown.map(({ id }) => id) }) : { traces: [] };
  const said = say("said_fields", { layer: say(state.layer), partners: say("n_partner", { n: shown.length }), n: known });
  const notes = [said, cut(shown.length, rows.length, "cut_partners"), say("fields_overlap"), figure.logs ? say("log_scale") : ""];
  const empty = lost || say("nothing_drawn", { what: say(state.layer) });
  setFigure(holder, { bar, said: known ? warned(said) : empty, ...figure, notes: known ? notes : [empty] });
}

VIEWS.matrix = { holder: "#chart", draw: drawMatrix };

// Years -----------------------------------------------------------------------------------------

/** Return activities and partners by year; what lasts counts in each year it surely lived. */
function byYear(rows) {
  const { open } = layer(), now = year(data.asked.as_of);
  const dated = rows.flatMap((row) => row.spans.filter(([, first]) => first !== null));
  const end = (last) => (last === open ? now : last);
  const firsts = dated.map(([, first]) => first), lasts = dated.map(([, , last]) => end(last));
  const reach = (pick, values) => values.reduce((a, b) => pick(a, b), values[0]);
  const low = max(state.from ?? -Infinity, reach(min, firsts)), high = min(state.to ?? Infinity, reach(max, lasts));
  const years = dated.length ? Array.from({ length: max(0, high - low + 1) }, (_, i) => low + i) : [];
  const lives = ([, first, last], at) => first !== null && first <= at && end(last) >= at;
  const of = (row, at) => new Set(row.spans.filter((span) => lives(span, at)).map(([act]) => act));
  const lines = rows.map((row) => years.map((at) => amountIn(of(row, at))));
  const acts = years.map((at) => amountIn(new Set(rows.flatMap((row) => [...of(row, at)]))));
  const partners = years.map((at) => rows.filter((row) => of(row, at).size).length);
  const undated = new Set(rows.flatMap((row) => row.spans.filter(([, first]) => first === null).map(([act]) => act))).size;
  return { years, acts, partners, lines, undated };
}

/** Tell which of the years drawn is not over, or not wholly covered, on the day looked at. */
function unfinished(years) {
  const { as_of: day } = data.asked, last = years.at(-1);
  return last >= year(day) && !day.endsWith("-12-31") ? year(day) : null;
}

/** Name partners that came or went, each as a button that opens its card. */
function turnoverOf(rows) {
  const change = data.changes?.[state.layer];
  if (!change) return [];
  const here = new Map(rows.map((row) => [row.index, row])), members = new Set(tab().members);
  const [early, late] = change.periods.map((each) => each.join("–"));
  return [make("h2", {}, say("periods", { early, late })), ...["fresh", "returning", "lasting", "lost"].map((key) => {
    const all = change[key].filter((index) => members.has(index) && (here.has(index) || !state.query));
    const listed = all.slice(0, key === "lasting" ? 0 : 12).map((index) => {
      const facts = { type: "button", click: () => reveal(data.bodies[index].id) };
      return make("li", {}, make("button", facts, make("bdi", {}, called(data.bodies[index]))));
    });
    const rest = all.length - listed.length;
    if (rest && listed.length) listed.push(make("li", {}, small(say("and_more", { n: rest }))));
    return make("section", { class: `turn ${key}` }, make("h3", {}, say(`turn_${key}`, { n: all.length })), make("ul", {}, ...listed));
  })];
}

function drawTime(holder, rows) {
  const { years, acts, partners, lines, undated } = byYear(rows), width = wide(holder);
  const late = unfinished(years), unit = say(layer().amounts ? "persons" : state.layer);
  const order = rows.map((_, i) => i).filter((i) => lines[i].some(Boolean)).slice(0, PANELS);
  const across = printing ? 3 : width < 560 ? 1 : width < 860 ? 2 : 3, down = Math.ceil(order.length / across);
  const [tall, panel, gap] = [150, 84, 52];
  const height = 2 * (tall + gap) + down * (panel + gap) + 20;
  const traces = [], annotations = [], layout = { height, margin: { l: 48, r: 14, t: 0, b: 0 }, annotations, bargap: 0.15 };
  const inner = width - 62, step = [1, 2, 5, 10, 20, 50].find((n) => (n * inner) / across >= 52 * years.length) ?? 100;
  const add = (n, x, y, title, values, kind, colour, words, dtick, top, id) => {
    const axes = { xaxis: n ? `x${n + 1}` : "x", yaxis: n ? `y${n + 1}` : "y" };
    const name = (key) => `${key}axis${n ? n + 1 : ""}`;
    layout[name("x")] = { domain: x, anchor: axes.yaxis, range: [years[0] - 0.6, years.at(-1) + 0.6], dtick, tick0: 0, tickformat: "d", ticks: "outside", ticklen: 5, tickcolor: css("card"), showgrid: false, zeroline: false, fixedrange: true };
    layout[name("y")] = { domain: y, anchor: axes.xaxis, range: [0, 1.12 * max(1, top)], nticks: 4, gridcolor: css("rule"), zerolinecolor: css("pale"), fixedrange: true };
    if (max(1, top) < 4) layout[name("y")].dtick = 1;
    annotations.push({ text: title, xref: "paper", yref: "paper", x: x[0], y: y[1], xanchor: "left", yanchor: "bottom", showarrow: false, align: "left", xshift: id ? -34 : 0, yshift: 3, font: { size: 12, weight: 600 } });
    const told = years.map((at, i) => joined([`<b>${at}</b>`, words(values[i]), at === late ? plain(say("unfinished", { year: at })) : ""], "<br>"));
    const common = { ...axes, x: years, y: values, hoverinfo: "text", hovertext: told, cliponaxis: false, customdata: id && years.map(() => id) };
    const hollow = years.map((at) => (at === late ? css("card") : colour));
    if (kind === "bar") {
      const marker = { color: hollow, line: { color: colour, width: years.map((at) => (at === late ? 1.5 : 0)) } };
      if (late !== null) marker.pattern = { shape: years.map((at) => (at === late ? "/" : "")), fgcolor: colour, bgcolor: css("card"), size: 6 };
      traces.push({ ...common, type: "bar", marker });
    } else {
      const n_ = late === null ? years.length : years.length - 1, line = { color: colour, width: 2 };
      traces.push({ ...common, type: "scatter", mode: "markers", marker: { color: hollow, size: 6, line: { color: colour, width: 1.5 } } });
      traces.push({ ...axes, type: "scatter", mode: "lines", x: years.slice(0, n_), y: values.slice(0, n_), line, hoverinfo: "skip" });
      if (late !== null) traces.push({ ...axes, type: "scatter", mode: "lines", x: years.slice(n_ - 1), y: values.slice(n_ - 1), line: { ...line, dash: "dot" }, hoverinfo: "skip" });
    }
  };
  const amount = (value) => plain(say(layer().amounts ? "n_persons" : `n_${state.layer}`, { n: value }));
  const from = (top) => 1 - top / height;
  if (years.length) {
    const wideStep = [1, 2, 5, 10, 20, 50].find((n) => n * inner >= 44 * years.length) ?? 100;
    add(0, [0, 1], [from(24 + tall), from(24)], plain(say("by_year", { what: unit })), acts, "bar", css("accent"), amount, wideStep, max(...acts));
    const second = 24 + tall + gap;
    add(1, [0, 1], [from(second + tall), from(second)], plain(say("partners_by_year")), partners, "bar", css("accent"), (n) => plain(say("n_partner", { n })), wideStep, max(...partners));
    const top = max(1, ...order.flatMap((i) => lines[i]));
    order.forEach((i, k) => {
      const column = k % across, start = second + tall + gap + Math.floor(k / across) * (panel + gap);
      const each = 1 / across, x = [column * each + (column ? 34 / inner : 0), (column + 1) * each - 10 / inner];
      const title = label(called(rows[i]), (x[1] - x[0]) * inner + 34, 12, 1, 600);
      add(k + 2, x, [from(start + panel), from(start)], title, lines[i], "line", css("accent"), amount, step, top, rows[i].id);
    });
  }
  const span = years.length ? `${years[0]}–${years.at(-1)}` : "";
  const said = years.length ? say("said_time", { what: unit, span, partners: say("n_partner", { n: rows.length }) }) : say("nothing_drawn", { what: say(state.layer) });
  const notes = years.length
    ? [said, late === null ? "" : say("unfinished", { year: late }), say("one_scale", { n: order.length }), undated ? say("undated_time", { n: undated }) : "", cut(order.length, rows.length, "cut_panels"), layer().amounts ? say("about_sums") : ""]
    : [said];
  setFigure(holder, { said: years.length ? warned(said) : said, traces, layout, notes, below: turnoverOf(rows) });
}

VIEWS.time = { holder: "#chart", draw: drawTime };
