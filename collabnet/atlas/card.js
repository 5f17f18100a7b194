// The card of a partner: one line a layer, how it grew, in which fields, whose part it is, and the
// records behind each line. It is told for the years and the filters chosen, in every layer.

const DOI = /^10\.\d{4,9}\/[\w.;()/:<>+~-]+$/i;

const classOf = (key) => labels[state.lang].classes[key] ?? key;
const chip = (key) =>
  make("span", { class: "chip", "data-class": data.gaps.classes.indexOf(key) }, classOf(key));
const lineOf = (key, values = {}) =>
  labels[state.lang].told.lines[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const typed = (key) => labels[state.lang].said.activities[key] ?? key.replace(/-/g, " ");
const statusOf = (key) => labels[state.lang].told.status[key] ?? key;
const share = (value) => (value === null || value === undefined
  ? say("unknown")
  : new Intl.NumberFormat(state.lang, { style: "percent", maximumFractionDigits: 1 }).format(value));
const told = (value) =>
  (typeof value === "number" ? number(value) : value ? say("few", { n: data.asked.smallest }) : "–");
// Numbers of persons are rounded before they reach the page.
const about = (value) => (typeof value === "number" && value ? say("about", { n: value }) : told(value));
const interval = ([n, low, high]) => (low === null ? number(n) : `${number(n)} [${number(low)}–${number(high)}]`);

/** Return a link to a DOI, or its text where it is none. */
function doiOf(text) {
  const doi = (text ?? "").replace(/^https?:\/\/(dx\.)?doi\.org\//i, "");
  if (!DOI.test(doi)) return text ?? "";
  const href = `https://doi.org/${encodeURI(doi)}`;
  return make("a", { href, rel: "noopener noreferrer", target: "_blank" }, doi);
}

function datesOf({ start, end, status }) {
  if (!start) return end ? say("until", { last: end }) : say("no_dates");
  if (status === "open") return say("since", { first: start });
  if (!end) return status === "unknown" ? say("end_unknown", { first: start }) : start;
  return start === end ? start : `${start} – ${end}`;
}

/** Tell a membership that is shorter than the activity. */
function membership(row, of, first, last, act) {
  const late = first !== null && first > Number(act.start?.slice(0, 4));
  const early = act.status === "open" && last !== of.open;
  if (!late && !early) return "";
  const end = act.status === "unknown" && !act.end ? Infinity : last;
  return say("member", { name: isolated(called(row)), years: spanOf(first, end) });
}

/** List the records of a layer behind a partner, the newest first; the rest is counted. */
function behind(row, of) {
  const cited = row.spans.map(([i, ...years]) => ({ act: of.acts[i], years }));
  const listed = cited.filter(({ act }) => act);
  listed.sort((a, b) => (b.act.start ?? "").localeCompare(a.act.start ?? ""));
  const items = listed.map(({ act, years }) => {
    const kind = typed(act.type ?? "");
    const times = act.cited === undefined ? "" : say("cited", { n: act.cited });
    const facts = [kind, act.programme ?? "", datesOf(act), times].map((text) => text && isolated(text));
    const source = make("small", {}, say("source", { text: isolated(act.source ?? "–") }));
    if (act.doi) source.append(" · ", doiOf(act.doi));
    return make("li", {},
      make("b", {}, make("bdi", {}, act.title ?? act.id)),
      joined(facts, " · "),
      small(membership(row, of, ...years, act)),
      small(act.note && isolated(act.note)),
      source);
  });
  const rest = row.spans.length - listed.length;
  if (rest) items.push(make("li", {}, say("further", { n: rest })));
  return make("ul", {}, ...items);
}

/** Draw the number of activities a year as bars; years without any are there too. */
function bars(row, of) {
  const years = new Map();
  for (const [, first, last] of row.spans) {
    if (first === null || last === null) continue;
    for (let year = first; year <= min(last, Number(data.asked.as_of?.slice(0, 4) ?? first)); year++) {
      years.set(year, (years.get(year) ?? 0) + 1);
    }
  }
  if (years.size < 2) return "";
  const [low, high] = [min(...years.keys()), max(...years.keys())], n = high - low + 1;
  const top = max(...years.values()), wide = min(14, 300 / n);
  const d = Array.from({ length: n }, (_, i) => {
    const tall = (30 * (years.get(low + i) ?? 0)) / top;
    return tall ? `M${i * wide} 32V${32 - tall}h${wide * 0.78}V32Z` : "";
  }).join("");
  const text = say("trend", { kind: say(of.kind), low, high, n: top });
  const facts = { class: "bars", role: "img", "aria-label": text, width: n * wide, height: 33 };
  const svg = make("svg", facts, make("path", { d: `${d}M0 32.5H${n * wide}`, fill: "currentColor", stroke: "currentColor", "stroke-width": 0.5 }));
  return make("figure", {}, svg, make("figcaption", {}, text));
}

/** Say of a layer in one line what there is of it. */
function lineOfLayer(row, of, gap, index) {
  const n = row ? row.value : 0, whole = !windowed() && !active().length && !data.asked.years;
  if (of.kind === "mobility") {
    const ways = gap && whole ? [["mobility_out", gap.out], ["mobility_in", gap.in]] : [];
    const both = ways.filter(([, value]) => value !== null)
      .map(([key, value]) => `${lineOf(key)} ${about(value)}`);
    return both.length ? both.join(", ") : row ? about(valueOf(row, of)) : say("unknown");
  }
  if (of.kind === "work" && gap?.works && whole) return interval(gap.works);
  if (of.kind !== "agreement") return number(n);
  const mine = data.lives.filter((life) => life.body === index);
  const all = [...new Set(mine.map((life) => life.status))].map((status) =>
    `${number(new Set(mine.filter((life) => life.status === status).map((life) => life.id)).size)} ${statusOf(status)}`);
  return all.length ? all.join(", ") : number(n);
}

function showCard() {
  for (const line of document.querySelectorAll("tr[data-id]")) {
    line.setAttribute("aria-current", String(line.dataset.id === state.partner));
  }
  const index = state.partner ? data.bodies.findIndex((each) => each.id === state.partner) : -1;
  const wide = VIEWS[state.view].wide, card = $("#card"), body = data.bodies[index];
  card.hidden = !body || !(wide || current.rows.some((row) => row.index === index));
  if (card.hidden) return;
  const gap = gapOf(index), whose = data.shares[index];
  const place = [body.city, country(body.country), body.id].map((text) => text && isolated(text));
  const lies = data.tabs.filter((each) => each.rules.length && each.members.includes(index));
  const close = { class: "close", type: "button", "aria-label": say("close") };
  const parts = [
    make("button", { ...close, click: () => select("") }, "×"),
    make("h2", {}, make("bdi", {}, named(body))),
    small(joined(place, " · ")),
    small(lies.map(titled).join(" · ")),
  ];
  if (gap) {
    parts.push(make("p", { class: "why" }, chip(gap.class), " ", make("bdi", {}, gap.why[state.lang] ?? gap.why.en)));
    if (gap.synthetic) parts.push(make("p", { class: "made-up" }, say("synthetic")));
  }
  const layers = data.layers.map((of) => ({ of, row: tallied(of).rows.get(index) }));
  const fact = (term, ...value) => [make("dt", {}, term), make("dd", {}, ...value)];
  const facts = layers.flatMap(({ of, row }) =>
    fact(say(of.kind), lineOfLayer(row, of, gap, index), of.synthetic && row ? " " : "",
      of.synthetic && row ? make("span", { class: "tag" }, say("synthetic_tag")) : ""));
  const fields = fieldsOf(gap);
  if (fields) facts.push(...fact(say("filter_field"), fields));
  if (whose) {
    const home = isolated(called(data.home));
    facts.push(
      ...fact(lineOf("share_home", { home }), share(whose.mine)),
      ...fact(lineOf("share_partner", { home }), share(whose.theirs)),
      ...fact(say("lead"), say("lead_text", { home: share(whose.lead[0]), partner: share(whose.lead[1]) })),
      ...fact(lineOf("persons_home", { home }), told(whose.people[0])),
      ...fact(lineOf("persons_partner", { home }), told(whose.people[1])),
    );
  }
  parts.push(make("dl", {}, ...facts));
  const first = layers.find(({ of }) => of.kind === state.layer) ?? layers[0];
  const order = [first, ...layers.filter((each) => each !== first)].filter((each) => each?.row);
  for (const { of, row } of order) {
    const head = say("behind", { what: say(of.kind), n: number(row.spans.length) });
    const open = { "data-kind": of.kind, open: of === first?.of ? "" : null };
    parts.push(make("details", open, make("summary", {}, head), bars(row, of), behind(row, of)));
  }
  card.replaceChildren(...parts);
  card.scrollTop = 0;
}

/** Return the fields of a partner over all layers, in the language of the page. */
function fieldsOf(gap) {
  const known = Object.fromEntries(data.fieldNames.map((each) => [each.en, each]));
  const all = [...new Set(Object.values(gap?.fields ?? {}).flat())];
  return all.slice(0, 3).map((key) => known[key]?.[state.lang] ?? key).join("; ");
}

const tallies = new Map();

/** Return the tally of a layer as chosen; kept, for card, table and overview ask for the same. */
function tallied(of) {
  const key = [of.kind, state.from, state.to, state.field, of.kind === state.layer ? state.act : "", state.count].join("|");
  if (tallies.size > 40) tallies.clear();
  if (!tallies.has(key)) tallies.set(key, tally(of));
  return tallies.get(key);
}
