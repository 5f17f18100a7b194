// The page around the map: words, table, card, controls, and what can be taken away.

/** Make an element; strings become text, never markup. */
function make(tag, facts = {}, ...children) {
  const svg = ["svg", "path", "line"].includes(tag);
  const name = svg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const node = document.createElementNS(name, tag);
  for (const [key, value] of Object.entries(facts)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== ""));
  return node;
}

const small = (text) => (text ? make("small", {}, text) : "");

const PATHS = {
  circle: "M5 0A5 5 0 1 1-5 0 5 5 0 1 1 5 0Z",
  diamond: "M0-6 6 0 0 6-6 0Z",
  square: "M-4.6-4.6H4.6V4.6H-4.6Z",
  "triangle-up": "M0-5.6 6 4.8H-6Z",
  "triangle-down": "M0 5.6 6-4.8H-6Z",
  pentagon: "M0-5.6 5.4-1.7 3.3 4.6H-3.3L-5.4-1.7Z",
  hexagram: "M0-6 1.9-3H5.2L3.5 0 5.2 3H1.9L0 6-1.9 3H-5.2L-3.5 0-5.2-3H-1.9Z",
};
const GLYPHS = {
  ...{ circle: "●", diamond: "◆", square: "■", "triangle-up": "▲", "triangle-down": "▼" },
  ...{ pentagon: "⬟", hexagram: "✶" },
};

/** Draw the mark of a group; a ring for what is known by country only. */
function sign(group, ring = false) {
  return signOf(colourOf(group), ring ? "circle" : symbolOf(group), ring);
}

function signOf(colour, symbol, ring = false) {
  const d = PATHS[symbol];
  const looks = ring ? { fill: "none", stroke: colour, "stroke-width": 2 } : { fill: colour };
  const size = { width: 13, height: 13, viewBox: "-6.5 -6.5 13 13" };
  const facts = { class: "mark", "aria-hidden": "true", ...size };
  return make("svg", facts, make("path", { d, ...looks }));
}

// What is said of the view ----------------------------------------------------------------------

let current = { rows: [], undated: 0, doubt: 0 };
const drawn = { marks: [], groups: [], steps: [], widths: [] };

const windowed = () => state.from !== null || state.to !== null;
const windowText = () => `${state.from ?? "…"}–${state.to ?? "…"}`;

function spreadText(rows) {
  const n = (key) => rows.filter((row) => row.class === key).length;
  return data.gaps.classes.filter(n).map((key) => `${classOf(key)} ${number(n(key))}`).join(", ");
}

/** Name the strongest partners; where all are alike, say so. */
function leaders(rows) {
  // No university is called strong on works that a program made.
  if (layer().synthetic || state.layer === "gaps") return "";
  const name = (row) => isolated(wrapped(called(row), 400, 15, 1)[0]);
  const with_ = (row) => `${name(row)} (${number(row.value)})`;
  if (rows.length === 1) return say("only", { names: name(rows[0]) });
  const least = rows.at(-1).value;
  if (rows[0].value > least) {
    const top = rows.filter((row) => row.value > least).slice(0, 3);
    return say("first", { names: top.map(with_).join(", ") });
  }
  const names = rows.slice(0, 3).map(least === 1 ? name : with_).join(", ");
  const all = rows.length > 3 ? say("more", { names, n: rows.length - 3 }) : names;
  return say(least === 1 ? "each" : "first", { names: all });
}

function summary() {
  const { rows } = current, region = titled(tab());
  if (rows.length) {
    const acts = new Set(rows.flatMap((row) => row.spans.map(([act]) => act))).size;
    const partners = say("n_partner", { n: rows.length });
    const gaps = state.layer === "gaps";
    const activities = gaps ? spreadText(rows) : say(`n_${state.layer}`, { n: acts });
    const span = windowed() ? `, ${windowText()}` : "";
    return say("summary", { region, partners, activities, span, first: leaders(rows) }).trim();
  }
  const what = say(state.layer).toLocaleLowerCase(state.lang);
  const lies = (body) => tab().members.includes(body);
  const here = ({ spans }) => spans.some(([, , , bodies]) => bodies.some(lies));
  const others = data.layers.filter((each) => each.kind !== state.layer && here(each));
  const names = others.map((each) => say(each.kind)).join(", ");
  const hint = names && !state.query && !windowed() ? say("elsewhere_layer", { names }) : "";
  return joined([say("nothing", { region, what }), hint], " ");
}

function showSummary() {
  const text = summary(), region = titled(tab());
  if ($("#summary").textContent !== text) {
    $("#summary").replaceChildren(make("b", {}, region), text.slice(region.length));
  }
  $("#map").setAttribute("aria-label", text);
  const counts = {
    undated: windowed() ? current.undated : 0,
    hidden: drawn.hidden,
    by_country: drawn.ringed,
    unplaced: drawn.unplaced,
    doubt: current.doubt,
  };
  const notes = Object.entries(counts).map(([key, n]) => (n ? say(key, { n, top: TOP }) : ""));
  if (state.map === "rings") notes.push(say("rings_said", { home: named(data.home) }));
  if (data.home.lat === undefined) notes.push(say("no_home", { home: named(data.home) }));
  const lines = [joined(notes, " "), listText()].filter(Boolean);
  $("#notes").replaceChildren(...lines.map((line) => make("p", {}, line)));
}

/** Say which list of members stands behind the region, and who says so. */
function listText(of = tab()) {
  const { rules, source, notes: remarks, status } = of;
  if (!rules.length) return "";
  const partner = (id) => data.bodies.find((body) => body.id === id);
  const rule = (code) => (/^[A-Z]{2}$/.test(code) ? country(code) : partner(code)?.name ?? code);
  const members = rules.length <= 15 ? rules.map(rule).join(", ") : "";
  const told = [
    say("list", { label: joined([titled(of), members], " – ") }),
    say("source", { text: source }),
    status === "recalled" ? say("recalled") : "",
    remarks[state.lang] ?? remarks.en,
  ];
  return joined(told.map((text) => text && text.replace(/\.?$/, ".")), " ");
}

function showLegend() {
  const entries = drawn.groups.map((group) => {
    const mine = drawn.marks.filter((mark) => (mark.group ?? null) === group);
    const n = mine.reduce((sum, mark) => sum + mark.rows.length, 0);
    return make("span", {}, sign(group), `${grouped(group)} (${number(n)})`);
  });
  if (drawn.marks.some((mark) => mark.ring)) {
    entries.push(make("span", {}, sign(null, true), say("ring")));
  }
  const widths = drawn.steps.map((step, i) => {
    const line = { x1: 0, x2: 26, y1: 4, y2: 4, stroke: css("grey") };
    const shown = make("line", { ...line, "stroke-width": drawn.widths[i] });
    const least = (drawn.steps.length > 1 ? "≥ " : "") + number(step);
    const svg = make("svg", { width: 26, height: 8, "aria-hidden": "true" }, shown);
    return make("span", {}, svg, least);
  });
  const unit = say(layer().amounts ? "persons" : state.layer);
  if (widths.length && state.layer !== "gaps") entries.push(make("span", { class: "widths" }, unit, ...widths));
  $("#legend").replaceChildren(...entries);
}

function showTable() {
  const unit = state.layer === "gaps" ? "class" : layer().amounts ? "persons" : "value";
  $("#value").textContent = say(unit);
  $("#value").title = say(state.layer);
  $("#list tbody").replaceChildren(...lines(current.rows.slice(0, MANY)));
  const [from, to] = [state.from ?? "…", state.to ?? "…"];
  const why = state.query
    ? say("nothing_found", { query: isolated(state.query) })
    : active().length ? say("nothing_left")
    : windowed() ? say("nothing_years", { from, to }) : summary();
  $("#none").textContent = current.rows.length ? "" : why;
}

/** Return lines of the table; those beyond the first `MANY` follow with the map. */
function lines(rows) {
  // In the list beside the network a sign tells the group, as in the figure; a ring is in none.
  const { ranks } = state.view === "network" ? communities() : {};
  const tied = (index) => (ranks.has(index) ? signOf(...looksOf(ranks.get(index))) : signOf(css("pale"), "circle", true));
  return rows.map((row) => {
    const place = country(row.country) || "–";
    const name = make("span", {}, make("bdi", {}, named(row)), small(place));
    const facts = { type: "button", title: named(row) };
    const mark = ranks ? tied(row.index)
      : sign(groupOf(row), row.lat === undefined || row.lon === undefined);
    const cells = [
      number(row.rank),
      make("button", facts, mark, name),
      row.class && state.layer === "gaps" ? chip(row.class) : valueOf(row) === null ? "–" : number(row.value),
      spanOf(row.first, row.last, "short_unknown"),
    ];
    const act = { "data-id": row.id, click: () => select(row.id) };
    return make("tr", act, ...cells.map((cell) => make("td", {}, cell)));
  });
}

const ownShown = () => state.tab === data.tabs[0].key && data.own.length > 0;

/** List what home does alone or with partners not named; figures with how exact they are. */
function showOwn() {
  const box = $("#own"), alone = ["commitment", "mobility"];
  const items = data.own.filter((own) => own.title).map((own) => {
    const year = own.start?.slice(0, 4), first = own.status === "open" ? "since" : "";
    const way = ["sending", "receiving"].includes(own.role) ? say(own.role) : isolated(own.role);
    const role = own.role ? ` (${way})` : "", flow = own.kind === "mobility";
    const facts = [
      flow && own.amount ? say("n_persons", { n: own.amount }) + role : "",
      year && (first ? say(first, { first: year }) : year),
      alone.includes(own.kind) ? "" : say("no_partner"),
    ];
    // What sources say is in English, whatever the language of the page.
    const title = joined([own.note, own.source], " — "), english = { lang: "en" };
    const note = flow && own.note ? make("small", english, own.note) : "", told = joined(facts, ", ");
    return make("li", { title }, make("bdi", english, own.title), " ", small(note && told ? `${told}, ` : told), note);
  });
  for (const kind of new Set(data.own.map((own) => own.kind))) {
    const n = data.own.filter((own) => own.kind === kind && !own.title).length;
    if (n) items.push(make("li", {}, small(say("n_untitled", { n, what: say(kind) }))));
  }
  box.querySelector("ul").replaceChildren(...items);
}

// Controls --------------------------------------------------------------------------------------

VIEWS.map = {
  holder: "#frame",
  draw(frame, rows) {
    const holder = $("#map"), colours = choice("colour", ["colour_region", "colour_class"]);
    const usual = choice("map", ["map_usual", "map_rings"]);
    $("#switches").replaceChildren(usual, ...(state.layer === "gaps" ? [] : [colours]));
    if (!holder.clientWidth || !holder.clientHeight) return;
    const first = !holder.layout;
    Object.assign(drawn, drawMap(holder, rows, drawn));
    if (first) hear(holder);
    $("#zoom-home").hidden = data.home.lat === undefined || !inside(placeOfHome(), drawn.whole);
  },
};

function draw() {
  const { holder, draw: fill, wide } = VIEWS[state.view];
  const page = state.view === "method";
  if (holder !== "#other") $("#other").replaceChildren();
  $("#summary").hidden = holder === "#other";
  $("#tools").hidden = page;
  $("#png").hidden = $("#svg").hidden = holder === "#other";
  $("#view > .synthetic").hidden = !madeUp() || holder === "#other";
  for (const id of ["#frame", "#chart", "#other"]) $(id).hidden = id !== holder;
  $("#legend").hidden = $("#notes").hidden = holder !== "#frame";
  $("#side").hidden = Boolean(wide) && !state.partner;
  $("#own").hidden = holder === "#other" || !ownShown();
  $("#panel").dataset.view = state.view;
  $("#panel").dataset.wide = Boolean(wide);
  // What stands below the map takes room from it, and must be there when it is drawn.
  if (holder === "#frame") Object.assign(drawn, survey(current.rows));
  showSummary();
  showLegend();
  // What is drawn anew must not let go of who uses it from the keyboard.
  const controls = () => [...document.querySelectorAll(`${holder} button, #switches button`)];
  const held = controls().indexOf(document.activeElement);
  fill($(holder), current.rows);
  if (held >= 0 && document.activeElement === document.body) {
    (controls()[held] ?? $("#panel")).focus({ preventScroll: true });
  }
}

const MANY = 100; // lines of the table that come before the map; the others follow it
let waiting = 0, unfolded = false;

/** Show the state anew; the search leaves the frame alone, or it would lose the cursor. */
function show({ frame = true } = {}) {
  const asked = location.hash;
  current = chosen();
  if (frame) showFrame();
  showTable();
  const picture = () => {
    draw();
    showCard();
  };
  const rest = () => {
    $("#list tbody").append(...lines(current.rows.slice(MANY)));
    if (location.hash === asked) writeAddress(); // not over one that was given meanwhile
  };
  clearTimeout(waiting);
  if (current.rows.length <= MANY) {
    picture();
    return rest();
  }
  // What is shown at once is seen before the next step begins.
  showSummary();
  const later = (act) => new Promise((done) => (waiting = setTimeout(() => done(act()), 20)));
  later(picture).then(() => later(rest));
}

function change(facts) {
  const held = document.activeElement?.id;
  Object.assign(state, facts);
  if (facts.layer) Object.assign(state, { act: "", count: "", least: "" });
  show();
  if (held) document.getElementById(held)?.focus();
  if (facts.tab) document.getElementById(`tab-${facts.tab}`).focus();
  if (facts.view) document.getElementById(`view-${facts.view}`).focus();
}

/** Choose a partner, or none; the one chosen is let go. */
function select(id) {
  const before = state.partner, at = $("#other").scrollTop;
  state.partner = id === before ? "" : id;
  draw();
  $("#other").scrollTop = at;
  showCard();
  writeAddress();
  const rows = [...document.querySelectorAll("tr[data-id]")];
  if (state.partner && VIEWS[state.view].wide) $("#card").focus();
  const row = rows.find((each) => each.dataset.id === (id || before));
  row?.scrollIntoView({ block: "nearest" });
  if (id) return;
  const named = [...document.querySelectorAll("[data-partner]")].filter((each) => each.dataset.partner === before);
  const homes = rows.filter((each) => each.dataset.id === before).map((each) => each.querySelector("button"));
  [...homes, ...named, $("#panel")].find((each) => each.checkVisibility()).focus();
}

function showFrame() {
  const root = document.documentElement;
  root.lang = state.lang;
  root.dataset.theme = state.theme || (dark.matches ? "dark" : "light");
  document.title = data.title ?? say("title", { home: named(data.home) });
  $("#title").textContent = document.title;
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = say(node.dataset.text);
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", say(node.dataset.label));
    if (node.tagName === "BUTTON") node.title = say(node.dataset.label);
  }
  for (const warning of document.querySelectorAll(".synthetic")) {
    warning.hidden = !madeUp();
  }
  $("#search").placeholder = say("search_hint");
  $("#search").value = state.query;
  $("#language").textContent = say("other_language");
  $("#layers").hidden = offered.length < 2;
  $("#layers").replaceChildren(...offered.map(({ kind, synthetic }) => {
    const tag = synthetic ? make("span", { class: "tag" }, say("synthetic_tag")) : "";
    const id = `layer-${kind}`;
    const facts = { type: "button", id, "aria-pressed": String(kind === state.layer) };
    const click = () => change({ layer: kind, from: null, to: null, partner: "" });
    return make("button", { ...facts, click }, say(kind), tag);
  }));
  $("#views").hidden = views().length < 2;
  $("#views").replaceChildren(...views().map((key) => {
    const on = key === state.view, id = `view-${key}`;
    const facts = { type: "button", role: "tab", "aria-controls": "panel", "aria-selected": on };
    const click = () => change({ view: key });
    return make("button", { ...facts, id, tabindex: on ? 0 : -1, click }, say(`view_${key}`));
  }));
  $("#tabs").replaceChildren(...data.tabs.map((each) => {
    const on = each.key === state.tab, id = `tab-${each.key}`;
    const facts = { type: "button", role: "tab", "aria-controls": "panel", "aria-selected": on };
    const click = () => change({ tab: each.key, range: null, partner: "" });
    return make("button", { ...facts, id, tabindex: on ? 0 : -1, click }, titled(each));
  }));
  for (const chosen of document.querySelectorAll('nav [aria-selected="true"]')) {
    const list = chosen.parentElement;
    list.scrollLeft = chosen.offsetLeft - (list.clientWidth - chosen.offsetWidth) / 2;
  }
  $("#panel").setAttribute("aria-labelledby", `tab-${state.tab}`);
  showYears();
  showOwn();
  showFilters();
  const credits = data.credits[state.lang];
  const attribution = [tab().detailed ? credits.nuts3 : "", credits.countries, credits.disclaimer];
  $("#credits").textContent = joined(attribution, " ");
}

let opened = matchMedia("(min-width: 1041px)").matches;

/** Offer what the partners and the activities of the layer can be chosen by. */
function showFilters() {
  const box = $("#filters"), { types } = layer(), n = active().length;
  const sorted = (values, word) => [...new Set(values)].filter(Boolean)
    .map((value) => [value, word(value)])
    .sort((a, b) => collator().compare(a[1], b[1]));
  const told = (text) => text.replace(/-/g, " ");
  const fields = new Set(state.layer === "gaps"
    ? Object.values(data.gaps.rows).flatMap((gap) => Object.values(gap.fields).flat())
    : (layer().fields ?? []).flatMap((found) => (found || []).map(fieldKey)));
  const word = Object.fromEntries(data.fieldNames.map((each) => [each.en, each[state.lang] ?? each.en]));
  const offers = {
    country: sorted(data.bodies.map((body) => body.country), country),
    type: sorted(data.bodies.map((body) => body.type), (key) => labels[state.lang].types[key] ?? told(key)),
    act: sorted(types?.names ?? [], typed),
    field: sorted(fields, (key) => word[key] ?? key),
    class: data.gaps.classes.map((key) => [key, classOf(key)]),
    count: layer().sizes ? [["fractional", say("fractional")]] : [],
  };
  const menus = Object.entries(offers).filter(([key, all]) => all.length || state[key]).map(([key, all]) => {
    const known = all.some(([value]) => value === state[key]) || !state[key];
    const options = (known ? all : [[state[key], state[key]], ...all]).map(([value, text]) =>
      make("option", { value, selected: value === state[key] ? "" : null }, isolated(text)));
    const first = make("option", { value: "" }, say(key === "count" ? "full" : `all_${key}`));
    const facts = { id: `by-${key}`, change: ({ target }) => change({ [key]: target.value }) };
    return make("label", {}, say(`filter_${key}`), make("select", facts, first, ...options));
  });
  const least = {
    ...{ id: "by-least", type: "number", min: 1, value: state.least, placeholder: "1" },
    change: ({ target }) => change({ least: /^[1-9]\d*$/.test(target.value) ? target.value : "" }),
  };
  if (state.layer !== "gaps") menus.push(make("label", {}, say("filter_least"), make("input", least)));
  box.replaceChildren(...menus);
  box.hidden = !opened;
  $("#more").setAttribute("aria-expanded", String(opened));
  $("#more").textContent = n ? say("filters_n", { n }) : say("filters");
  $("#clear").hidden = !n;
}

function showYears() {
  const { spans, open } = layer(), box = $("#years");
  const known = spans.flatMap(([, first, last]) =>
    (first === null ? [] : [first, last === open ? first : last]));
  const [low, high] = [min, max].map((pick) => known.reduce((a, b) => pick(a, b), known[0]));
  box.hidden = !known.length || low === high;
  if (box.hidden) return;
  const menu = (key, label) => {
    const choose = ({ target }) => {
      const year = Number(target.value) || null, [from, to] = [state.from, state.to];
      // A span the wrong way round becomes the one year just chosen.
      const crossed = year && (key === "from" ? to && year > to : from && year < from);
      change(crossed ? { from: year, to: year } : { [key]: year });
      $(`#${key}`).focus();
    };
    const years = Array.from({ length: high - low + 1 }, (_, i) => low + i);
    const options = years.map((year) => {
      const selected = year === state[key] ? "" : null;
      return make("option", { value: year, selected }, String(year));
    });
    const facts = { id: key, "aria-label": label, change: choose };
    return make("select", facts, make("option", { value: "" }, say("all")), ...options);
  };
  box.replaceChildren(say("years"), menu("from", say("from")), "–", menu("to", say("to")));
}

function zoomBy(factor) {
  const [x0, y0, x1, y1] = state.range ?? drawn.whole;
  const [x, y, w, h] = [(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2];
  moveTo([x - w * factor, y - h * factor, x + w * factor, y + h * factor]);
}

const placeOfHome = () => project(drawn.view, data.home.lon, data.home.lat);

/** Show what lies around home: the partners next door stand too close on a map of the world. */
function zoomHome() {
  const [x, y] = placeOfHome();
  moveTo([x - NEAR, y - NEAR, x + NEAR, y + NEAR]);
}

/** Show a part of the map: never beyond its edges, always in its proportions. */
function moveTo(range) {
  const { whole } = drawn, sides = [0, 1];
  const share = min(1, max(0.02, (range[2] - range[0]) / (whole[2] - whole[0])));
  const size = sides.map((k) => (whole[k + 2] - whole[k]) * share);
  const start = sides.map((k) => {
    const wanted = (range[k] + range[k + 2] - size[k]) / 2;
    return min(whole[k + 2] - size[k], max(whole[k], wanted));
  });
  state.range = share === 1 ? null : [...start, ...sides.map((k) => start[k] + size[k])];
  draw();
}

// Start -----------------------------------------------------------------------------------------

/** Hear what is done on the map, from when it is drawn first. */
function hear(map) {
  map.on("plotly_click", ({ points: [{ data: { meta }, customdata }] }) => {
    if (meta === "partner") select(customdata);
    else if (meta === "country") change({ query: country(customdata) });
  });
  map.on("plotly_relayout", (moved) => {
    const sides = ["xaxis.range[0]", "yaxis.range[0]", "xaxis.range[1]", "yaxis.range[1]"];
    if (sides[0] in moved) moveTo(sides.map((side) => moved[side]));
  });
  map.on("plotly_doubleclick", () => zoomBy(Infinity));
}

function listen() {
  const map = $("#map"), root = document.documentElement;
  const on = (selector, event, act) => $(selector).addEventListener(event, act);
  on("#zoom-in", "click", () => zoomBy(0.6));
  on("#zoom-out", "click", () => zoomBy(1 / 0.6));
  on("#zoom-home", "click", zoomHome);
  on("#zoom-reset", "click", () => zoomBy(Infinity));
  on("#language", "click", () => change({ lang: state.lang === "fr" ? "en" : "fr" }));
  on("#theme", "click", () => change({ theme: root.dataset.theme === "dark" ? "light" : "dark" }));
  on("#search", "input", ({ target }) => {
    state.query = target.value;
    show({ frame: false });
  });
  on("#csv", "click", saveTable);
  on("#xlsx", "click", saveSheet);
  on("#png", "click", () => savePicture("png"));
  on("#svg", "click", () => savePicture("svg"));
  on("#print", "click", () => print());
  on("#link", "click", copyLink);
  on("#clear", "click", () => {
    change(cleared());
    $("#more").focus();
  });
  on("#more", "click", () => {
    opened = !opened;
    showFilters();
  });
  on(".skip", "click", (event) => {
    event.preventDefault(); // the address holds the view
    $("#panel").focus();
  });
  const arrows = (list, keys, go) => on(list, "keydown", (event) => {
    const at = keys.indexOf(event.target.id.replace(/^(tab|view)-/, ""));
    const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: keys.length - 1 };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    go(keys.at(next % keys.length));
  });
  arrows("#views", views(), (view) => change({ view }));
  const keys = data.tabs.map((each) => each.key);
  arrows("#tabs", keys, (key) => change({ tab: key, range: null, partner: "" }));
  on("main", "keydown", (event) => {
    const way = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const row = way && event.target.closest("tbody tr")?.[way];
    if (!row) return;
    event.preventDefault();
    row.querySelector("button").focus();
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    if (state.partner) select("");
  });
  addEventListener("hashchange", () => {
    readAddress();
    show();
  });
  dark.addEventListener("change", () => show());
  // Paper is white and shows all there is.
  addEventListener("beforeprint", () => {
    root.dataset.theme = "light";
    $("#frame").style.cssText = `width: ${PAPER}px; height: ${0.5 * PAPER}px`;
    unfolded = $("#own").open;
    $("#own").open = true;
    draw();
    const told = noteNow().slice(1), asked = told.splice(0, active().length ? 2 : 1);
    $("#asked").textContent = joined([...asked, say("as_of", { day: data.asked.as_of ?? "–" })], " · ");
    $("#told-on-paper").replaceChildren(...told.map((line) => make("p", {}, line)));
  });
  addEventListener("afterprint", () => {
    $("#frame").style.cssText = "";
    $("#own").open = unfolded;
    show();
  });
  new ResizeObserver(() => {
    if (VIEWS[state.view].holder !== "#frame") return;
    const { width, height } = map.layout ?? { width: map.clientWidth, height: map.clientHeight };
    if (map.clientWidth === width && map.clientHeight === height) return;
    state.range = null;
    draw();
  }).observe(map);
}

readAddress();
show();
listen();
