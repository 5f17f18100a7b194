// What the page holds, what is chosen of it, in which words it is said, and how it is counted.
// The scripts of this folder are one module, put together in the order of SCRIPTS.
//
// Names and titles come from sources and may hold anything: they reach the page as text only, and
// plotly, which reads a kind of HTML, through `plain`.

// What a source may name is looked up in bare objects: `constructor` is a type like any other.
const bare = (value) => (value?.constructor === Object ? Object.assign(Object.create(null), value) : value);
const [data, labels, geometry] = ["data", "labels", "geometry"].map((id) =>
  JSON.parse(document.getElementById(id).textContent, id === "labels" ? (_, value) => bare(value) : null));
data.points = bare(data.points);
const $ = (selector) => document.querySelector(selector);
const dark = matchMedia("(prefers-color-scheme: dark)");

// A view is a way to look at what is chosen: `draw(holder, rows)` fills its holder, which is `#frame`
// (the map), `#chart` (a figure of plotly) or `#other` (a page); a `wide` one needs no list beside it.
// Each script adds its own here; they are offered in this order.
const VIEWS = {};
const ORDER = ["overview", "map", "partners", "agreements", "matrix", "time", "network", "method"];
const views = () => ORDER.filter((key) => key in VIEWS);

// All that is chosen but the zoom stands in the address, so that a view can be sent to somebody.
const state = { view: "", tab: "", layer: "", from: null, to: null, query: "", partner: "" };
state.range = null;
// How a figure is drawn; what is usual does not stand in the address.
const CHOICES = { matrix: ["regions"], sort: ["longest"], map: ["rings"], colour: ["class"] };

// Filters of partners, of activities, and how these are counted; each stands in the address.
const OF_BODY = ["country", "type", "class"], OF_ACT = ["act", "field"];
const FILTERS = [...OF_BODY, ...OF_ACT, "least", "count"];
const cleared = () => Object.fromEntries(FILTERS.map((key) => [key, ""]));
const active = () => FILTERS.filter((key) => state[key] !== "");
Object.assign(state, cleared());

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const one = (key, known, usual) => (known.includes(given.get(key)) ? given.get(key) : usual);
  const year = (key) => (/^\d{4}$/.test(given.get(key)) ? Number(given.get(key)) : null);
  const kinds = offered.map((each) => each.kind);
  // Who was sent to a region was sent to its map.
  state.view = one("view", views(), given.has("tab") ? "map" : views()[0]);
  state.tab = one("tab", data.tabs.map((each) => each.key), data.tabs[0].key);
  state.layer = one("layer", kinds, kinds[0] ?? "agreement");
  state.lang = one("lang", Object.keys(labels), data.lang);
  state.theme = one("theme", ["light", "dark"], "");
  state.query = given.get("q") ?? "";
  state.partner = given.get("partner") ?? "";
  [state.from, state.to, state.range] = [year("from"), year("to"), null];
  for (const key in CHOICES) state[key] = one(key, CHOICES[key], "");
  for (const key of FILTERS) state[key] = (given.get(key) ?? "").slice(0, 200);
  if (!/^[1-9]\d{0,8}$/.test(state.least)) state.least = "";
  if (state.count !== "fractional" || state.layer !== "work") state.count = "";
  if (state.layer === "gaps") [state.from, state.to, state.act] = [null, null, ""];
}

function writeAddress() {
  const { view, tab: key, layer: kind, lang, theme, from, to, query: q, partner } = state;
  const kept = {
    view,
    tab: key,
    layer: kind === data.layers[0]?.kind ? "" : kind,
    lang: lang === data.lang ? "" : lang,
    ...{ theme, from, to, q, partner },
    ...Object.fromEntries(Object.keys(CHOICES).map((key) => [key, state[key]])),
    ...Object.fromEntries(FILTERS.map((key) => [key, state[key]])),
  };
  const told = Object.entries(kept).filter(([, value]) => value);
  history.replaceState(null, "", `#${new URLSearchParams(told)}`);
}

const tab = () => data.tabs.find((each) => each.key === state.tab);
const nothing = { spans: [], acts: {}, ends: "" };
const gapOf = (index) => data.gaps.rows[index];
// The classes of partners are a layer too: of no activity, and not by year.
const gapped = { kind: "gaps", ...nothing };
gapped.synthetic = Object.values(data.gaps.rows).some((gap) => gap.synthetic);
const offered = Object.keys(data.gaps.rows).length ? [...data.layers, gapped] : data.layers;
const layer = () => offered.find((each) => each.kind === state.layer) ?? nothing;

// Words -----------------------------------------------------------------------------------------

/** Make what tells things in a language once for each: browsers are slow at it. */
function tongue(make) {
  const made = {};
  return () => (made[state.lang] ??= make(state.lang));
}
const formats = tongue((lang) => new Intl.NumberFormat(lang, { maximumFractionDigits: 2 }));
const tiny = tongue((lang) => new Intl.NumberFormat(lang, { maximumSignificantDigits: 1 }));
const collator = tongue((lang) => new Intl.Collator(lang));
const plurals = tongue((lang) => new Intl.PluralRules(lang));
const nations = tongue((lang) => new Intl.DisplayNames([lang], { type: "region" }));
const number = (value) => (value && Math.abs(value) < 0.01 ? tiny() : formats()).format(value);
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const joined = (parts, by) => parts.filter(Boolean).join(by);

/** Return a text of the page with its values; `n` chooses between its forms. */
function say(key, values = {}) {
  let text = labels[state.lang][key] ?? key;
  if (typeof text === "object") {
    text = text[plurals().select(values.n)] ?? text.other;
  }
  const known = typeof values.n === "number" ? { ...values, n: number(values.n) } : values;
  const told = text.replace(/\{(\w+)\}/g, (_, name) => known[name] ?? "");
  // In French a space before such a sign is never the end of a line.
  return state.lang === "fr" ? told.replace(/ (?=[:;?!%»])|(?<=«) /g, "\u00a0") : told;
}

function country(code) {
  try {
    return code ? nations().of(code) : "";
  } catch {
    return code; // not an ISO code: shown as it is
  }
}

// Signs that turn the direction of writing would turn that of the words around them too.
const TURNING = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
// No language puts more signs on a sign; towers of them hide the lines around.
const TOWERS = /(\p{M}{8})\p{M}+/gu;
const tame = (text) => text.replace(TURNING, "").replace(TOWERS, "$1");
const isolated = (text) => `\u2068${tame(text)}\u2069`;

const named = (body) => tame((state.lang === "fr" && body.fr) || body.name);
const called = (body) => (named(body).length > 40 && body.short) || named(body);
const titled = (each) => each.labels[state.lang] ?? each.labels.en ?? each.key;

/** Return what a group of partners is called: its region, or elsewhere. */
function grouped(group) {
  if (group && classed()) return classOf(group);
  const its = data.tabs.find((each) => each.key === group);
  return its ? titled(its) : group ?? say("elsewhere");
}

/** Return a text as plotly must write it: no tag, no control or direction sign, one line. */
function plain(text, longest = 90) {
  let words = text.replace(/\s+/gu, " ").replace(/\p{C}/gu, "").trim();
  const signs = [...words];
  if (signs.length > longest) words = `${signs.slice(0, longest - 1).join("").trimEnd()}…`;
  const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", $: "&#36;" };
  return words.replace(/[&<>$]/g, (sign) => escapes[sign]);
}

// Counting --------------------------------------------------------------------------------------

/** Tell whether an activity of a layer is of the field and the type chosen. */
function actFits({ kind, fields, types }, act) {
  if (state.act && kind === state.layer && types?.names[types.of[act]] !== state.act) return false;
  return !state.field || Boolean(fields?.[act] && fields[act].some((i) => fieldKey(i) === state.field));
}

const fieldKey = (i) => data.fieldNames[i].en;

/** Tell whether a partner is of the country, type and class chosen. */
function bodyFits(index) {
  const body = data.bodies[index];
  return (!state.country || body.country === state.country) &&
    (!state.type || body.type === state.type) &&
    (!state.class || gapOf(index)?.class === state.class);
}

/** Return the partners of a layer in the years chosen, and how many links without dates are lost. */
function tally(of) {
  const { spans, ends, amounts, open, sizes } = of;
  const windowed = state.from !== null || state.to !== null;
  const [from, to] = [state.from ?? -Infinity, state.to ?? Infinity];
  const parts = state.count && sizes, picky = OF_ACT.some((key) => state[key]);
  const rows = new Map();
  let undated = 0;
  for (const [act, first, last, bodies] of spans) {
    if (picky && !actFits(of, act)) continue;
    const dated = first !== null && last !== null;
    if (windowed && !dated) undated += bodies.length;
    if (windowed && !(dated && first <= to && last >= from)) continue;
    for (const index of bodies) {
      const fresh = { ...data.bodies[index], index, value: 0, first: null, last: null, spans: [] };
      const row = rows.get(index) ?? { ...fresh, class: gapOf(index)?.class };
      rows.set(index, row);
      // Of n parties each shares its 1 among the n − 1 others, as in collabnet/counting.py.
      row.value += amounts ? amounts[act] ?? 0 : parts ? 1 / (sizes[act] - 1) : 1;
      row.spans.push([act, first, last]);
      if (first === null) continue;
      row.first = Math.min(first, row.first ?? first);
      // An open end outlasts all others; one that is not known makes the whole uncertain.
      if (last === open || row.last === open) row.last = open;
      else if (ends[act] === "u") row.last = Infinity;
      else row.last = Math.max(last, row.last ?? last);
    }
  }
  return { rows, undated };
}

/** Return the partners of the gaps: each with its class, and the year last seen. */
function rowsOfGaps() {
  const rows = Object.entries(data.gaps.rows).map(([key, gap]) => {
    const facts = { index: Number(key), value: 1, first: gap.last, last: gap.last, spans: [] };
    return { ...data.bodies[key], ...facts, class: gap.class };
  });
  const has = ({ index }) => Object.values(gapOf(index).fields).flat().includes(state.field);
  return rows.filter((row) => !state.field || has(row));
}

/** Return the partners of the layer that the filters leave, the strongest first. */
function counted() {
  const gaps = state.layer === "gaps", { rows, undated } = gaps ? {} : tally(layer());
  const kept = (gaps ? rowsOfGaps() : [...rows.values()]).filter((row) =>
    bodyFits(row.index) && (gaps || row.value >= Number(state.least)));
  const place = (row) => data.gaps.classes.indexOf(row.class);
  const order = (a, b) =>
    (gaps ? place(a) - place(b) : 0) ||
    b.value - a.value ||
    b.spans.length - a.spans.length ||
    collator().compare(named(a), named(b)) ||
    (a.id < b.id ? -1 : 1);
  return { rows: kept.sort(order), undated: undated ?? 0 };
}

/** Return the value of a row, or nothing where no source states how many persons moved. */
function valueOf({ value, spans, class: of }, { amounts, kind } = layer()) {
  if (kind === "gaps") return of;
  return amounts && spans.every(([act]) => amounts[act] === null) ? null : value;
}

/** Return what the view shows: its partners, those the search leaves, and counts for the notes. */
function chosen() {
  const { rows, undated } = counted();
  const [members, doubt] = [new Set(tab().members), new Set(tab().doubt)];
  const asked = folded(state.query.trim());
  const titles = (row) => row.spans.map(([act]) => layer().acts[act]?.title ?? "");
  const fits = (row) => {
    const words = [named(row), row.name, row.short ?? "", row.id, country(row.country)];
    return folded([...words, ...titles(row)].join(" ")).includes(asked);
  };
  const shown = rows.filter((row) => members.has(row.index) && (!asked || fits(row)));
  shown.forEach((row, i) => {
    const before = shown[i - 1];
    row.rank = before?.value === row.value ? before.rank : i + 1;
  });
  const unsure = rows.filter((row) => doubt.has(row.index) && !members.has(row.index));
  return { rows: shown, undated, doubt: unsure.length };
}

/** Return the years of a link in words; `end_unknown` is the wording of one that may have ended. */
function spanOf(first, last, wording = "end_unknown") {
  if (first === null) return say("no_dates");
  if (last === layer().open) return say("since", { first });
  if (last === Infinity) return say(wording, { first });
  return first === last ? String(first) : `${first}–${last}`;
}
