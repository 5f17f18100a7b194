// Three views that are pages of words and numbers: overview, partners, method.

const SHOWN = 200; // rows of the long table drawn at once
const TOLD = 6; // lines of a list of the overview

/** Return the partners of all layers that the region, the filters and the search leave. */
function everybody() {
  const [members, asked] = [new Set(tab().members), folded(state.query.trim())];
  const layers = data.layers.map((of) => [of, tallied(of).rows]);
  const narrow = windowed() || OF_ACT.some((key) => state[key]);
  const rows = data.bodies.flatMap((body, index) => {
    if (!members.has(index) || !bodyFits(index)) return [];
    const words = [named(body), body.name, body.short ?? "", body.id, country(body.country)];
    if (asked && !folded(words.join(" ")).includes(asked)) return [];
    const row = { ...body, index, gap: gapOf(index), links: {} };
    for (const [of, found] of layers) if (found.has(index)) row.links[of.kind] = found.get(index);
    if (narrow && !Object.keys(row.links).length) return [];
    if (state.least && !((row.links[state.layer]?.value ?? 0) >= Number(state.least))) return [];
    return [row];
  });
  return rows;
}

// Overview --------------------------------------------------------------------------------------

const TILES = ["pp_int_collab", "lead", "mgcd_collab", "fwci"];
const amountOf = ({ unit }, value) => (unit === "share" ? share(value)
  : joined([number(unit === "km" ? Math.round(value) : value), unit === "km" ? "km" : ""], "\u00a0"));
const tagged = (made) => (made ? make("span", { class: "tag" }, say("synthetic_tag")) : "");
const panel = (head, ...children) => make("section", { class: "box" }, make("h2", {}, head), ...children);

function tile(value, label, more, made) {
  return make("li", {}, make("b", {}, value), make("span", {}, label, " ", tagged(made)), small(more));
}

function tiles() {
  const members = new Set(tab().members);
  const counts = data.layers.map((of) => {
    const rows = [...tallied(of).rows.values()].filter((row) => members.has(row.index) && bodyFits(row.index));
    const acts = new Set(rows.flatMap((row) => row.spans.map(([act]) => act))).size;
    return tile(number(acts), say(of.kind), say("n_partner", { n: rows.length }), of.synthetic);
  });
  const figures = TILES.map((key) => data.figures.find((each) => each.key === key && !each.region));
  const told = figures.filter((each) => each && each.value !== null).map((each) => {
    const range = each.low === null ? ""
      : say("range", { low: amountOf(each, each.low), high: amountOf(each, each.high) });
    const n = say("out_of", { n: each.n });
    return tile(amountOf(each, each.value), say(`fig_${each.key}`), joined([range, n], "; "), each.synthetic);
  });
  return [
    make("ul", { class: "tiles" }, ...counts),
    told.length ? make("p", { class: "scope" }, say("scope_home", { home: isolated(named(data.home)), years: yearsAsked() })) : "",
    told.length ? make("ul", { class: "tiles" }, ...told) : "",
  ];
}

const yearsAsked = () => (data.asked.years ? data.asked.years.join("–") : say("all_years"));

/** Show how the classes spread: a bar whose parts choose a class. */
function spread(rows) {
  const n = (key) => rows.filter((row) => row.gap?.class === key).length;
  const all = data.gaps.classes.filter(n), total = all.reduce((sum, key) => sum + n(key), 0);
  const bar = all.map((key) => make("i", { "data-class": data.gaps.classes.indexOf(key), style: `flex-grow:${n(key)}` }));
  const items = all.map((key) => {
    const on = state.class === key;
    const facts = { type: "button", id: `class-${data.gaps.classes.indexOf(key)}`, "aria-pressed": on };
    const click = () => change({ class: on ? "" : key });
    const mark = make("i", { "data-class": data.gaps.classes.indexOf(key) });
    return make("li", {}, make("button", { ...facts, click }, mark, make("b", {}, number(n(key))), classOf(key)), small(say(`class_${key.replace(/ /g, "_")}`)));
  });
  if (!total) return [make("p", { class: "none" }, say("nothing_left"))];
  return [make("div", { class: "spread", "aria-hidden": "true" }, ...bar), make("ul", { class: "classes" }, ...items)];
}

/** List partners under a head, each a button that opens its card; what is more is counted. */
function listed(head, lines, made = false) {
  if (!lines.length) return "";
  const items = lines.slice(0, TOLD).map(([index, text]) => make("li", {},
    make("button", { type: "button", "data-partner": data.bodies[index].id, click: () => select(data.bodies[index].id) },
      make("bdi", {}, named(data.bodies[index])), small(text))));
  const rest = lines.length - items.length;
  return make("div", { class: "lines" }, make("h3", {}, head, " ", make("span", { class: "n" }, number(lines.length)), " ", tagged(made)),
    make("ul", {}, ...items), rest ? small(say("and_more", { n: rest })) : "");
}

function changed(members) {
  const out = [];
  for (const of of data.layers) {
    const change = data.changes[of.kind];
    if (!change) continue;
    const inside = (some) => some.filter((one) => members.has(one));
    const [early, late] = change.periods.map((span) => span.join("–"));
    const words = Object.fromEntries(["fresh", "returning", "lost"].map((key) => [key, inside(change[key])]));
    const moved = change.growth.filter(([index, , low, high]) => members.has(index) && low !== null && high !== null && (low > 0 || high < 0))
      .sort((a, b) => Math.abs(b[1] ?? 0) - Math.abs(a[1] ?? 0));
    if (of.synthetic) {
      // Works a program made tell how many came and went, not which university did.
      const counts = { ...words, growing: moved };
      const said = Object.entries(counts).map(([key, all]) => say("pair", { key: say(key, { kind: say(of.kind) }), value: number(all.length) }));
      out.push(make("p", { class: "scope" }, say("compared", { kind: say(of.kind), early, late }), " ", tagged(true)),
        make("p", { class: "none" }, said.join("; ")));
      continue;
    }
    const found = Object.entries(words).map(([key, all]) =>
      listed(say(key, { kind: say(of.kind) }), all.map((one) => [one, country(data.bodies[one].country)]), of.synthetic));
    found.push(listed(say("growing", { kind: say(of.kind) }), moved.map(([one, rate, low, high]) =>
      [one, say("rate", { rate: share(rate), low: share(low), high: share(high) })]), of.synthetic));
    if (found.some(Boolean)) out.push(make("p", { class: "scope" }, say("compared", { kind: say(of.kind), early, late })), ...found);
  }
  return out.filter(Boolean);
}

function attention(rows) {
  const place = new Map(rows.map((row) => [row.index, row]));
  const lives = data.lives.filter((life) => place.has(life.body));
  const ending = lives.filter((life) => life.ending);
  const of = (key) => rows.filter((row) => row.gap?.class === key)
    .sort((a, b) => (b.gap.works?.[0] ?? 0) + (b.gap.projects ?? 0) - (a.gap.works?.[0] ?? 0) - (a.gap.projects ?? 0));
  const last = ({ index, gap }) => [index, gap.last && !gap.synthetic ? say("last", { year: gap.last }) : ""];
  const work = (row) => [row.index, joined([
    row.gap.works ? say("n_work", { n: row.gap.works[0] }) : "",
    row.gap.projects ? say("n_project", { n: row.gap.projects }) : ""], ", ")];
  // Works a program made say nothing of a university: who is uncovered by these alone is not listed.
  const seen = of("uncovered").filter((row) => !row.gap.synthetic || row.gap.projects);
  const unseen = of("uncovered").length - seen.length;
  const found = [
    listed(say("ending"), ending.map((life) => [life.body, joined([life.end, life.days === null ? "" : say("n_day", { n: life.days })], " · ")])),
    listed(say("undated_agreements"), of("dates unknown").map(last)),
    listed(say("dormant_ones"), of("dormant").filter((row) => !row.gap.synthetic).map(last)),
    listed(say("uncovered_ones"), seen.map(work)),
    unseen ? make("p", { class: "made-up" }, say("unseen", { n: unseen })) : "",
  ];
  return found.filter(Boolean);
}

VIEWS.overview = {
  holder: "#other",
  wide: true,
  draw(holder) {
    const rows = everybody(), members = new Set(rows.map((row) => row.index));
    const none = (some) => (some.length ? some : [make("p", { class: "none" }, say("nothing_here"))]);
    const made = data.layers.some((each) => each.synthetic);
    holder.replaceChildren(make("div", { class: "overview" },
      make("p", { class: "lead" }, make("b", {}, titled(tab())), say("overview_text", { n: rows.length, home: isolated(named(data.home)), day: data.asked.as_of ?? "–" })),
      made ? make("p", { class: "made-up" }, say("synthetic")) : "",
      ...tiles(),
      make("div", { class: "boxes" },
        Object.keys(data.gaps.rows).length ? panel(say("spread"), ...spread(rows)) : "",
        panel(say("attention"), ...none(attention(rows))),
        panel(say("changed"), ...none(changed(members))))));
  },
};

// Partners --------------------------------------------------------------------------------------

const order = { key: "", down: true, most: SHOWN };
const inForce = (row) => row.gap?.agreements?.[0] ?? null;

/** Return the columns of the long table: what each is called, holds, and shows. */
function columns() {
  const kinds = data.layers.map((of) => of.kind), whole = !windowed() && !active().length && !data.asked.years;
  const amount = (of, row) => (row.links[of.kind] ? valueOf(row.links[of.kind], of) : row.gap && of.kind === "mobility" ? null : 0);
  const numeric = data.layers.flatMap((of) => {
    const column = { key: of.kind, head: say(of.kind), n: true, value: (row) => amount(of, row), synthetic: of.synthetic };
    if (of.kind !== "work" || !whole) return [column];
    const bound = (i, key) => ({ key, head: say(key), n: true, value: (row) => row.gap?.works?.[i] ?? null });
    return [column, bound(1, "low"), bound(2, "high")];
  });
  const agreed = kinds.includes("agreement")
    ? [{ key: "in_force", head: say("in_force"), n: true, value: inForce }] : [];
  return [
    { key: "name", head: say("partner_name"), value: named },
    { key: "country", head: say("filter_country"), value: (row) => country(row.country) ?? "" },
    ...numeric,
    ...agreed,
    { key: "class", head: say("class"), value: (row) => (row.gap ? classOf(row.gap.class) : "") },
    { key: "last", head: say("last_activity"), n: true, plain: true, value: (row) => row.gap?.last ?? null },
    { key: "fields", head: say("filter_field"), value: (row) => fieldsOf(row.gap) },
  ];
}

function sorted(rows, all) {
  const column = all.find((each) => each.key === order.key) ?? all.find((each) => each.key === state.layer) ?? all[0];
  const way = column.n === order.down || (!column.n && !order.key) ? 1 : -1, { compare } = collator();
  const keyed = rows.map((row) => [column.value(row), named(row), row]);
  // What is not known comes last, whichever way.
  keyed.sort(([a, name], [b, other]) => {
    const [x, y] = [a === null || a === "", b === null || b === ""];
    if (x !== y) return x - y;
    const by = x ? 0 : column.n ? b - a : compare(a, b);
    return by * way || compare(name, other);
  });
  return { column, rows: keyed.map(([, , row]) => row) };
}

VIEWS.partners = {
  holder: "#other",
  wide: true,
  draw(holder) {
    const all = columns(), { column, rows } = sorted(everybody(), all);
    const by = (each) => () => {
      order.down = each === column ? !order.down : each.n === true;
      order.key = each.key;
      draw();
      $(`#sort-${each.key}`).focus();
    };
    const ways = { true: "descending", false: "ascending" };
    const heads = all.map((each) => make("th", {
      ...{ scope: "col", class: each.n ? "n" : null },
      "aria-sort": each === column ? ways[order.key ? order.down : Boolean(each.n)] : null,
    }, make("button", { type: "button", id: `sort-${each.key}`, click: by(each) }, each.head), tagged(each.synthetic)));
    const cell = (row, each) => {
      const value = each.value(row);
      if (each.key === "name") return make("td", {}, make("button", { type: "button", title: value }, sign(row.group), make("bdi", {}, value)));
      if (each.key === "class") return make("td", {}, row.gap ? chip(row.gap.class) : "–");
      const text = value === null || value === "" ? "–" : each.n && !each.plain ? number(value) : String(value);
      return make("td", { class: each.n ? "n" : null }, text);
    };
    const lines = rows.slice(0, order.most).map((row) => {
      const facts = { "data-id": row.id, "aria-current": String(row.id === state.partner) };
      return make("tr", { ...facts, click: () => select(row.id) }, ...all.map((each) => cell(row, each)));
    });
    const rest = rows.length - lines.length;
    const more = { type: "button", class: "save", id: "show-more", click: () => {
      order.most += SHOWN * 5;
      draw();
    } };
    const warned = data.layers.some((each) => each.synthetic);
    holder.replaceChildren(
      warned ? make("p", { class: "made-up" }, say("synthetic")) : "",
      make("table", { class: "long" },
        make("caption", {}, say("n_partner", { n: rows.length })),
        make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines)),
      rest > 0 ? make("button", more, say("show_more", { n: rest })) : "");
  },
};

// Method ----------------------------------------------------------------------------------------

VIEWS.method = {
  holder: "#other",
  wide: true,
  draw(holder) {
    const credits = data.credits[state.lang], home = isolated(named(data.home));
    const told = (value) => (typeof value === "number" ? number(value) : String(value ?? "–"));
    const words = (facts) =>
      Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, told(value)]));
    const covered = data.coverage.map((each) => {
      const partners = say("n_partner", { n: each.partners });
      return say("coverage_text", { ...words(each), home, kind: say(each.kind), partners });
    });
    if (data.own.some((own) => own.kind === "mobility")) covered.push(say("not_shown"));
    const files = data.sources.map((file) => {
      const facts = { file: isolated(told(file.file)), sha: told(file.sha256).slice(0, 12) };
      return say("file_text", { ...words(file), ...facts });
    });
    const classes = data.gaps.classes.map((key) => say("pair", { key: classOf(key), value: say(`class_${key.replace(/ /g, "_")}`) }));
    const lists = data.tabs.filter((each) => each.rules.length).map((each) => listText(each));
    const parts = {
      counting: [say("counting_text", { home }), say("fractional_text"), say("years_text"), say("persons_text", { n: data.asked.smallest })],
      class: [say("classes_text", { years: yearsAsked(), day: data.asked.as_of ?? "–" }), ...classes],
      coverage: covered,
      region_lists: lists,
      files: files.length ? files : [say("no_files")],
      geometry: [...new Set(Object.values(credits)), say("made", data.made)],
    };
    const { figure_names: names, said } = labels[state.lang];
    const line = (each) => make("tr", {}, ...[
      joined([names[each.key] ?? each.key.replace(/_/g, " "), regionOf(each.region)], " · "),
      each.value === null ? "–" : amountOf(each, each.value),
      each.low === null ? "–" : `${amountOf(each, each.low)} – ${amountOf(each, each.high)}`,
      number(each.n), said.units[each.unit] ?? each.unit, said.formulas[each.key] ?? each.formula, each.source ?? "–",
    ].map((text) => make("td", {}, text)));
    const heads = ["figure", "amount", "interval", "n", "unit", "formula", "reference"];
    const table = data.figures.length ? [
      make("h2", {}, say("figures"), " ", tagged(data.figures[0].synthetic)),
      make("p", {}, say("figures_text", { years: yearsAsked() })),
      make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("figures") },
        make("table", { class: "long" }, make("thead", {}, make("tr", {}, ...heads.map((key) => make("th", { scope: "col" }, say(`head_${key}`))))),
          make("tbody", {}, ...data.figures.map(line)))),
    ] : [];
    holder.replaceChildren(make("article", { id: "method" },
      make("div", { class: "parts" }, ...Object.entries(parts).filter(([, lines]) => lines.length).map(([head, lines]) =>
        make("div", {}, make("h2", {}, say(head)), ...lines.map((text) => make("p", {}, text))))),
      ...table));
  },
};

const regionOf = (key) => {
  const its = data.tabs.find((each) => each.key === key);
  return its ? titled(its) : key ?? "";
};
