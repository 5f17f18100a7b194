// The atlas: counts, draws and says what is in the JSON of this page. No library but plotly, which
// draws SVG on plain axes; shapes are projected here with the formulas of collabnet/geo.py, and
// labels are kept apart with those of collabnet/sheet.py.
//
// Names and titles come from sources and may hold anything: they reach the page through
// textContent only, and plotly, which reads a kind of HTML, through `plain`.

const [data, labels, geometry] = ["data", "labels", "geometry"].map((id) =>
  JSON.parse(document.getElementById(id).textContent));
const $ = (selector) => document.querySelector(selector);

// State: all of it is in the address, so that a view can be sent to somebody.
const dark = matchMedia("(prefers-color-scheme: dark)");
const state = { tab: "", layer: "", from: null, to: null, query: "", partner: "", range: null };

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const one = (key, known, fallback) => (known.includes(given.get(key)) ? given.get(key) : fallback);
  const year = (key) => (/^\d{4}$/.test(given.get(key)) ? Number(given.get(key)) : null);
  state.tab = one("tab", data.tabs.map((tab) => tab.key), data.tabs[0].key);
  state.layer = one("layer", data.layers.map((layer) => layer.kind), data.layers[0]?.kind ?? "agreement");
  state.lang = one("lang", Object.keys(labels), data.lang);
  state.theme = one("theme", ["light", "dark"], "");
  [state.from, state.to] = [year("from"), year("to")];
  [state.query, state.partner] = [given.get("q") ?? "", given.get("partner") ?? ""];
}

function writeAddress() {
  const kept = new URLSearchParams({ tab: state.tab });
  if (state.layer !== data.layers[0]?.kind) kept.set("layer", state.layer);
  if (state.lang !== data.lang) kept.set("lang", state.lang);
  for (const [key, value] of [["theme", state.theme], ["from", state.from], ["to", state.to], ["q", state.query], ["partner", state.partner]])
    if (value) kept.set(key, value);
  history.replaceState(null, "", `#${kept}`);
}

const tab = () => data.tabs.find((each) => each.key === state.tab);
const layer = () => data.layers.find((each) => each.kind === state.layer) ?? { kind: state.layer, spans: [], acts: {}, ends: "" };

// Words -----------------------------------------------------------------------------------------

const number = (value) => new Intl.NumberFormat(state.lang, { maximumFractionDigits: 2 }).format(value);
// Signs that turn the direction of writing would turn that of the page too.
const named = (body) => ((state.lang === "fr" && body.fr) || body.name).replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
const titled = (each) => each.labels[state.lang] ?? each.labels.en ?? each.key;
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Return a text of the page; `n` chooses between its forms and is written as a number. */
function say(key, values = {}) {
  let text = labels[state.lang][key] ?? key;
  if (typeof text === "object") text = text[new Intl.PluralRules(state.lang).select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" && name === "n" ? number(values[name]) : values[name] ?? ""));
}

function country(code) {
  try {
    return code ? new Intl.DisplayNames([state.lang], { type: "region" }).of(code) : "";
  } catch {
    return code; // not an ISO code: shown as it is
  }
}

/** Return a text as plotly must write it: no tag, no control or direction sign, one line. */
function plain(text, longest = 90) {
  let words = text.replace(/\s+/gu, " ").replace(/\p{C}/gu, "").trim();
  if (words.length > longest) words = `${[...words].slice(0, longest - 1).join("").trimEnd()}…`;
  return words.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\$/g, "&#36;");
}

/** Make an element; strings become text, never markup. */
function make(tag, facts = {}, ...children) {
  const svg = ["svg", "path", "line"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(facts)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== ""));
  return node;
}

// Counting --------------------------------------------------------------------------------------

/** Return the partners of the layer in the years chosen, the strongest first, and what is left out. */
function counted() {
  const { spans, ends, amounts, open } = layer();
  const windowed = state.from !== null || state.to !== null;
  const [from, to] = [state.from ?? -Infinity, state.to ?? Infinity];
  const rows = new Map();
  let undated = 0;
  for (const [act, first, last, bodies] of spans) {
    const dated = first !== null && last !== null;
    if (windowed && !dated) undated += bodies.length;
    if (windowed && !(dated && first <= to && last >= from)) continue;
    for (const body of bodies) {
      if (!rows.has(body)) rows.set(body, { ...data.bodies[body], index: body, value: 0, first: null, last: null, spans: [] });
      const row = rows.get(body);
      row.value += amounts ? amounts[act] ?? 0 : 1;
      row.spans.push([act, first, last]);
      if (first === null) continue;
      row.first = Math.min(first, row.first ?? first);
      // An open end outlasts all others; one that is not known makes the whole span uncertain.
      if (last === open) row.last = open;
      else if (ends[act] === "u" && row.last !== open) row.last = Infinity;
      else if (row.last !== open) row.last = Math.max(last, row.last ?? last);
    }
  }
  const sorted = [...rows.values()].sort((a, b) =>
    b.value - a.value || b.spans.length - a.spans.length || named(a).localeCompare(named(b), state.lang) || (a.id < b.id ? -1 : 1));
  return { rows: sorted, undated };
}

/** Return what the view shows: its partners, those that fit the search, and counts for the notes. */
function chosen() {
  const { rows, undated } = counted();
  const members = new Set(tab().members), doubt = new Set(tab().doubt), asked = folded(state.query.trim());
  const fits = (row) => !asked || folded([named(row), row.name, row.short ?? "", country(row.country), row.id,
    ...row.spans.map(([act]) => layer().acts[act]?.title ?? "")].join(" ")).includes(asked);
  const shown = rows.filter((row) => members.has(row.index) && fits(row));
  shown.forEach((row, i) => { row.rank = i && shown[i - 1].value === row.value ? shown[i - 1].rank : i + 1; });
  return { rows: shown, undated, doubt: rows.filter((row) => doubt.has(row.index) && !members.has(row.index)).length };
}

function spanOf(first, last, { short = false, ends = "k" } = {}) {
  if (first === null) return say("no_dates");
  if (last === layer().open) return say("since", { first });
  if (last === Infinity || ends === "u") return say(short ? "short_unknown" : "end_unknown", { first });
  return first === last ? String(first) : `${first}–${last}`;
}

// Table, card and words around the map ----------------------------------------------------------

const PATHS = {
  circle: "M5 0A5 5 0 1 1-5 0 5 5 0 1 1 5 0Z", diamond: "M0-6 6 0 0 6-6 0Z", square: "M-4.6-4.6H4.6V4.6H-4.6Z", "triangle-up": "M0-5.6 6 4.8H-6Z",
  "triangle-down": "M0 5.6 6-4.8H-6Z", pentagon: "M0-5.6 5.4-1.7 3.3 4.6H-3.3L-5.4-1.7Z", hexagram: "M0-6 1.9-3H5.2L3.5 0 5.2 3H1.9L0 6-1.9 3H-5.2L-3.5 0-5.2-3H-1.9Z",
  star: "M0-6.5 1.5-2 6.2-2 2.4.8 3.8 5.3 0 2.6-3.8 5.3-2.4.8-6.2-2-1.5-2Z",
};

function sign(symbol, colour, ring = false) {
  const looks = ring ? { fill: "none", stroke: colour, "stroke-width": 2 } : { fill: colour };
  return make("svg", { class: "mark", width: 13, height: 13, viewBox: "-6.5 -6.5 13 13", "aria-hidden": "true" }, make("path", { d: PATHS[symbol], ...looks }));
}

function showSummary() {
  const { rows, undated } = current, region = titled(tab()), what = say(state.layer).toLocaleLowerCase(state.lang);
  const span = state.from === null && state.to === null ? "" : `, ${state.from ?? "…"}–${state.to ?? "…"}`;
  const line = $("#summary");
  const acts = new Set(rows.flatMap((row) => row.spans.map(([act]) => act))).size;
  let text;
  if (rows.length) {
    const tied = rows[0].value === rows.at(-1).value, top = tied ? rows : rows.filter((row) => row.value > rows.at(-1).value);
    const names = top.slice(0, 3).map((row) => row.short ?? named(row)).map((name) => `\u2068${[...name].slice(0, 60).join("")}\u2069`);
    const listed = names.map((name, i) => (tied && top[i].value === 1 ? name : `${name} (${number(top[i].value)})`)).join(", ");
    const all = tied && rows.length > 3 ? say("more", { names: listed, n: rows.length - 3 }) : listed;
    // No university is called strong on works that a program made.
    const first = layer().synthetic ? "" : say(rows.length === 1 ? "only" : tied && rows[0].value === 1 ? "each" : "first", { names: rows.length === 1 ? names[0] : all });
    text = say("summary", { region, partners: say("n_partner", { n: rows.length }), activities: say(`n_${state.layer}`, { n: acts }), span, first }).trim();
  } else {
    const others = data.layers.filter((each) => each.kind !== state.layer && each.spans.some(([, , , bodies]) => bodies.some((body) => tab().members.includes(body))));
    text = [say("nothing", { region, what }), others.length && !state.query && !span ? say("elsewhere_layer", { names: others.map((each) => say(each.kind)).join(", ") }) : ""].join(" ").trim();
  }
  line.replaceChildren(make("b", {}, region), text.slice(region.length));
  $("#map").setAttribute("aria-label", text);
  const notes = [
    span && undated ? say("undated", { n: undated }) : "",
    drawn.hidden ? say("hidden", { n: drawn.hidden, top: TOP }) : "",
    drawn.ringed ? say("by_country", { n: drawn.ringed }) : "",
    drawn.unplaced ? say("unplaced", { n: drawn.unplaced }) : "",
    current.doubt ? say("doubt", { n: current.doubt }) : "",
    data.home.lat === undefined ? say("no_home", { home: named(data.home) }) : "",
  ].filter(Boolean).join(" ");
  const { rules, source, note, status } = tab();
  const codes = rules.length && rules.length <= 15 ? rules.map((code) => (/^[A-Z]{2}$/.test(code) ? country(code) : data.bodies.find((body) => body.id === code)?.name ?? code)).join(", ") : "";
  const told = rules.length ? [say("list", { label: [region, codes].filter(Boolean).join(" – ") }), `${say("source")}${state.lang === "fr" ? " " : ""}: ${source}`, status === "recalled" ? say("recalled") : "", note].filter(Boolean).join(". ") : "";
  $("#notes").replaceChildren(...[notes, told.replace(/\.\. /g, ". ")].filter(Boolean).map((each) => make("p", {}, each)));
}

function showLegend() {
  const entries = drawn.groups.map((group) => {
    const mine = drawn.marks.filter((mark) => (mark.group ?? null) === group).reduce((sum, mark) => sum + mark.rows.length, 0);
    return make("span", {}, sign(symbolOf(group), colourOf(group)), `${group ? say_(group) : say("elsewhere")} (${number(mine)})`);
  });
  if (drawn.marks.some((mark) => mark.ring)) entries.push(make("span", {}, sign("circle", css("elsewhere"), true), say("ring")));
  const lines = drawn.steps.map((step, i) => make("span", {}, make("svg", { width: 26, height: 8, "aria-hidden": "true" },
    make("line", { x1: 0, x2: 26, y1: 4, y2: 4, stroke: css("grey"), "stroke-width": drawn.widths[i] })), drawn.steps.length > 1 ? `≥ ${number(step)}` : number(step)));
  const unit = say(layer().amounts ? "persons" : state.layer);
  $("#legend").replaceChildren(...entries, ...(lines.length ? [make("span", { class: "widths" }, unit, ...lines)] : []));
}

const say_ = (group) => titled(data.tabs.find((each) => each.key === group) ?? { key: group, labels: {} });

function showTable() {
  $("#value").textContent = say(layer().amounts ? "persons" : "value");
  $("#value").title = say(state.layer);
  $("tbody").replaceChildren(...current.rows.map((row) => make("tr", { "data-id": row.id, click: () => select(row.id) },
    make("td", {}, number(row.rank)),
    make("td", {}, make("button", { type: "button", title: named(row) }, sign(row.lat === undefined ? "circle" : symbolOf(row.group), colourOf(row.group), row.lat === undefined),
      make("span", {}, make("bdi", {}, named(row)), make("small", {}, country(row.country) || "–")))),
    make("td", {}, number(row.value)),
    make("td", {}, spanOf(row.first, row.last, { short: true })))));
  const span = { from: state.from ?? "…", to: state.to ?? "…" };
  $("#none").textContent = current.rows.length ? "" : state.query ? say("nothing_found", { query: state.query })
    : state.from !== null || state.to !== null ? say("nothing_years", span) : $("#summary").textContent;
}

function showCard() {
  for (const line of document.querySelectorAll("tbody tr")) line.setAttribute("aria-current", String(line.dataset.id === state.partner));
  const row = current.rows.find((each) => each.id === state.partner), card = $("#card");
  card.hidden = !row;
  if (!row) return;
  const close = make("button", { class: "close", type: "button", "aria-label": say("close"), click: () => select("") }, "×");
  const lies = data.tabs.filter((each) => each.rules.length && each.members.includes(row.index)).map(titled).join(" · ");
  const listed = row.spans.filter(([act]) => layer().acts[act]).map((span) => ({ span, act: layer().acts[span[0]] }))
    .sort((a, b) => (b.act.start ?? "").localeCompare(a.act.start ?? ""));
  const items = listed.map(({ span: [number_, first, last], act }) => {
    const [start, end] = [act.start, act.end].map((date) => date?.slice(0, 10));
    const dates = !start && !end ? say("no_dates") : act.status === "open" ? say("since", { first: start }) : !end && act.status === "unknown" ? say("end_unknown", { first: start })
      : !start ? say("until", { last: end }) : !end || start === end ? start : `${start} – ${end}`;
    const own = spanOf(first, last, { ends: layer().ends[number_] }), whole = first !== null && (first > Number(act.start?.slice(0, 4)) || (act.status === "open" && last !== layer().open));
    return make("li", {}, make("b", {}, make("bdi", {}, act.title ?? act.id)),
      [say_type(act.type), act.programme, dates].filter(Boolean).join(" · "),
      whole ? make("small", {}, say("member", { name: row.short ?? named(row), years: own })) : "",
      act.note ? make("small", {}, make("bdi", {}, act.note)) : "",
      make("small", {}, `${say("source")}${state.lang === "fr" ? " " : ""}: `, make("bdi", {}, [act.source, act.doi].filter(Boolean).join(" · "))));
  });
  const rest = row.spans.length - listed.length;
  card.replaceChildren(close, make("h2", {}, make("bdi", {}, named(row))),
    make("small", {}, [row.city, country(row.country), row.id].filter(Boolean).join(" · ")), lies ? make("small", {}, lies) : "",
    make("ul", {}, ...items, ...(rest > 0 ? [make("li", {}, say("further", { n: rest }))] : [])));
  card.scrollTop = 0;
}

const say_type = (type) => (type ?? "").replace(/-/g, " ");

function showOwn() {
  const box = $("#own"), titled_ = data.own.filter((own) => own.title);
  box.hidden = state.tab !== data.tabs[0].key || !data.own.length;
  const items = titled_.map((own) => {
    const dates = own.start ? (own.status === "open" ? say("since", { first: own.start.slice(0, 4) }) : own.start.slice(0, 4)) : "";
    const amount = own.amount && own.kind === "mobility" ? `${say("n_persons", { n: own.amount })}${own.role ? ` (${say(own.role)})` : ""}` : "";
    // How exact a figure is belongs beside it; other remarks wait under the pointer.
    const exact = own.kind === "mobility" ? own.note : "";
    const facts = [amount, exact, dates, ["commitment", "mobility"].includes(own.kind) ? "" : say("no_partner")].filter(Boolean).join(", ");
    return make("li", { title: [own.note, own.source].filter(Boolean).join(" — ") }, make("bdi", {}, own.title), facts ? make("small", {}, ` ${facts}`) : "");
  });
  for (const kind of new Set(data.own.map((own) => own.kind))) {
    const n = data.own.filter((own) => own.kind === kind && !own.title).length;
    if (n) items.push(make("li", {}, make("small", {}, say("n_untitled", { n, what: say(kind) }))));
  }
  box.querySelector("ul").replaceChildren(...items);
}

function showMethod() {
  const credits = data.credits[state.lang], home = named(data.home), box = $("#method > div");
  $("#credits").textContent = [tab().detailed ? credits.nuts3 : "", credits.countries, credits.disclaimer].filter(Boolean).join(" ");
  const part = (head, ...lines) => [make("h2", {}, say(head)), ...lines.map((line) => make("p", {}, make("bdi", {}, line)))];
  const written = (each) => Object.fromEntries(Object.entries(each).map(([key, value]) => [key, typeof value === "number" ? number(value) : value]));
  const covered = data.coverage.map((each) => say("coverage_text", { ...written(each), home, kind: say(each.kind), partners: say("n_partner", { n: each.partners }) }));
  const files = data.sources.map((file) => say("file_text", { ...written(file), sha: String(file.sha256).slice(0, 12) }));
  box.replaceChildren(...part("counting", say("counting_text", { home }), say("years_text")),
    ...part("coverage", ...covered, ...(data.own.some((own) => own.kind === "mobility") ? [say("not_shown")] : [])),
    ...part("files", ...(files.length ? files : [say("no_files")])),
    ...part("geometry", ...new Set(Object.values(credits)), say("made", data.made)));
}

// Controls --------------------------------------------------------------------------------------

let current = { rows: [], undated: 0, doubt: 0 }, drawn = { marks: [], groups: [], steps: [], widths: [] };

/** Show the state anew. `frame` is false where the controls themselves have not changed. */
function show({ frame = true } = {}) {
  current = chosen();
  if (frame) showFrame();
  draw();
  showSummary();
  showLegend();
  showTable();
  showCard();
  writeAddress();
}

function select(id) {
  const before = state.partner;
  state.partner = id === before ? "" : id;
  draw();
  showCard();
  writeAddress();
  const row = [...document.querySelectorAll("tbody tr")].find((each) => each.dataset.id === (id || before));
  row?.scrollIntoView({ block: "nearest" });
  if (!id) row?.querySelector("button").focus();
}

function showFrame() {
  const root = document.documentElement;
  root.lang = state.lang;
  root.dataset.theme = state.theme || (dark.matches ? "dark" : "light");
  document.title = data.title ?? say("title", { home: named(data.home) });
  $("#title").textContent = document.title;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", say(node.dataset.label));
    if (node.tagName === "BUTTON") node.title = say(node.dataset.label);
  }
  $("#search").placeholder = say("search");
  $("#search").value = state.query;
  $("#language").textContent = say("other_language");
  for (const warning of document.querySelectorAll(".synthetic")) warning.hidden = !layer().synthetic;
  $("#layers").replaceChildren(...data.layers.map((each) => make("button", { type: "button", "aria-pressed": String(each.kind === state.layer), click: () => change({ layer: each.kind, from: null, to: null, partner: "" }) },
    say(each.kind), each.synthetic ? make("span", { class: "tag" }, say("synthetic_tag")) : "")));
  $("#layers").hidden = data.layers.length < 2;
  showYears();
  $("#tabs").replaceChildren(...data.tabs.map((each) => {
    const on = each.key === state.tab;
    return make("button", { type: "button", role: "tab", id: `tab-${each.key}`, "aria-selected": String(on), "aria-controls": "panel", tabindex: on ? 0 : -1, click: () => change({ tab: each.key, range: null, partner: "" }) }, titled(each));
  }));
  $("#panel").setAttribute("aria-labelledby", `tab-${state.tab}`);
  showOwn();
  showMethod();
}

function showYears() {
  const known = layer().spans.flatMap(([, first, last]) => (first === null ? [] : [first, last === layer().open ? first : last]));
  const [low, high] = [Math.min, Math.max].map((pick) => known.reduce((a, b) => pick(a, b), known[0])), box = $("#years");
  box.hidden = !known.length || low === high;
  const menu = (key, label) => make("select", { "aria-label": label, change: (event) => {
    const value = Number(event.target.value) || null, other = key === "from" ? state.to : state.from;
    // A span the wrong way round is turned into the one year just chosen.
    const crossed = value && other && (key === "from" ? value > other : value < other);
    change(crossed ? { from: value, to: value } : { [key]: value });
    $(`#years select:nth-of-type(${key === "from" ? 1 : 2})`).focus();
  } }, make("option", { value: "" }, say("all")), ...Array.from({ length: box.hidden ? 0 : high - low + 1 }, (_, i) => {
    const year = String(low + i);
    return make("option", { value: year, ...(Number(year) === state[key] ? { selected: "" } : {}) }, year);
  }));
  box.replaceChildren(say("years"), menu("from", say("from")), "–", menu("to", say("to")));
}

function change(facts) {
  Object.assign(state, facts);
  show();
  if (facts.tab) $(`#tab-${CSS.escape(facts.tab)}`).focus();
}

function zoomBy(factor) {
  const [x0, y0, x1, y1] = state.range ?? drawn.whole;
  const [x, y, w, h] = [(x0 + x1) / 2, (y0 + y1) / 2, ((x1 - x0) * factor) / 2, ((y1 - y0) * factor) / 2];
  moveTo([x - w, y - h, x + w, y + h]);
}

/** Keep what is seen inside the whole map, in its proportions. */
function moveTo(range) {
  const { whole } = drawn, share = Math.min(1, Math.max(0.02, (range[2] - range[0]) / (whole[2] - whole[0])));
  const size = [0, 1].map((k) => (whole[k + 2] - whole[k]) * share);
  const start = [0, 1].map((k) => Math.min(whole[k + 2] - size[k], Math.max(whole[k], (range[k] + range[k + 2] - size[k]) / 2)));
  state.range = share === 1 ? null : [...start, start[0] + size[0], start[1] + size[1]];
  draw();
}

function save(name, url) {
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

const fileName = (end) => ["atlas", state.tab, state.layer, layer().synthetic ? "synthetic" : ""].filter(Boolean).join("-") + end;

/** Write the table shown as CSV; text that a spreadsheet would run is made harmless (OWASP). */
function saveTable() {
  const cell = (value) => {
    const text = String(value ?? "").replace(/\r\n?/g, "\n");
    const safe = typeof value !== "number" && /^[=+\-@\t\n]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  const head = ["rank", "institution_id", "partner", "country", "region", "layer", "value", "activities", "first", "last", "note"];
  const lines = current.rows.map((row) => [row.rank, row.id, named(row), row.country, titled(tab()), state.layer, row.value, row.spans.length, row.first,
    row.last === layer().open || row.last === Infinity ? "" : row.last,
    [layer().synthetic ? say("synthetic") : "", row.first === null || row.last === Infinity ? spanOf(row.first, row.last) : ""].filter(Boolean).join(" ")]);
  const text = [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
  const url = URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }));
  save(fileName(".csv"), url);
  URL.revokeObjectURL(url);
}

/** Save the map with its title, its legend in words and what must be said of it. */
async function saveMap() {
  const { data: traces, layout } = $("#map");
  const credits = wrapped(`${$("#credits").textContent} ${say("made", data.made)}`, layout.width - 28, 11, 3);
  const [above, below] = [layer().synthetic ? 74 : 52, 38 + 15 * credits.length];
  const line = (text, y, size, more = {}) => ({ text: plain(text, 400), showarrow: false, xref: "paper", yref: "paper", x: 0, y, xanchor: "left", yanchor: "bottom", xshift: 14, font: { size, color: css("ink") }, align: "left", ...more });
  const marks = drawn.groups.map((group) => `${{ circle: "●", diamond: "◆", square: "■", "triangle-up": "▲", pentagon: "⬟", hexagram: "✶", "triangle-down": "▼" }[symbolOf(group)]} ${group ? say_(group) : say("elsewhere")}`);
  const annotations = [
    line(`${document.title} – ${say(state.layer)}`, 1, 17, { yshift: above - 28 }),
    line(wrapped($("#summary").textContent, layout.width - 28, 12, 1)[0], 1, 12, { yshift: above - 48 }),
    ...(layer().synthetic ? [line(say("synthetic"), 1, 13, { yshift: above - 70, font: { size: 13, color: css("warn"), weight: 700 } })] : []),
    ...drawn.groups.map((group, i) => line(marks[i], 0, 12, { yshift: -24, xshift: 14 + marks.slice(0, i).reduce((sum, text) => sum + wide(text, 12) + 22, 0), font: { size: 12, color: colourOf(group) } })),
    ...credits.map((text, i) => line(text, 0, 11, { yshift: -44 - 15 * i, font: { size: 11, color: css("grey") } })),
  ];
  const figure = { data: traces, layout: { ...layout, height: layout.height + above + below, margin: { l: 0, r: 0, t: above, b: below }, annotations } };
  save(fileName(".png"), await Plotly.toImage(figure, { format: "png", width: layout.width, height: figure.layout.height, scale: 3 }));
}

function start() {
  readAddress();
  show();
  const map = $("#map");
  map.on("plotly_click", ({ points: [point] }) => {
    if (point.data.meta === "partner") select(point.customdata);
    else if (point.data.meta === "country") change({ query: country(point.customdata) });
  });
  map.on("plotly_relayout", (moved) => {
    if ("xaxis.range[0]" in moved) moveTo(["xaxis.range[0]", "yaxis.range[0]", "xaxis.range[1]", "yaxis.range[1]"].map((key) => moved[key]));
  });
  map.on("plotly_doubleclick", () => zoomBy(Infinity));
  const on = (selector, event, act) => $(selector).addEventListener(event, act);
  on("#zoom-in", "click", () => zoomBy(0.6));
  on("#zoom-out", "click", () => zoomBy(1 / 0.6));
  on("#zoom-reset", "click", () => zoomBy(1e9));
  on("#language", "click", () => change({ lang: state.lang === "fr" ? "en" : "fr" }));
  on("#theme", "click", () => change({ theme: document.documentElement.dataset.theme === "dark" ? "light" : "dark" }));
  on("#search", "input", (event) => { state.query = event.target.value; show({ frame: false }); });
  on("#csv", "click", saveTable);
  on("#png", "click", saveMap);
  on(".skip", "click", (event) => { event.preventDefault(); $("#panel").focus(); });
  on("#tabs", "keydown", (event) => {
    const keys = data.tabs.map((each) => each.key), at = keys.indexOf(state.tab);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: keys.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    change({ tab: keys[(next + keys.length) % keys.length], range: null, partner: "" });
  });
  on("tbody", "keydown", (event) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const row = event.target.closest("tr")?.[step];
    if (row) { event.preventDefault(); row.querySelector("button").focus(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if ($("#method").open) $("#method").open = false;
    else if (state.partner) select("");
  });
  addEventListener("hashchange", () => { readAddress(); show(); });
  dark.addEventListener("change", () => show());
  // Paper is white and shows all there is.
  addEventListener("beforeprint", () => { document.documentElement.dataset.theme = "light"; $("#method").open = true; draw(); });
  addEventListener("afterprint", () => { $("#method").open = false; show(); });
  new ResizeObserver(() => { if (map.clientWidth !== map.layout?.width || map.clientHeight !== map.layout?.height) { state.range = null; draw(); } }).observe(map);
}

start();
