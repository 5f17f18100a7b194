// To take away: tables as CSV and XLSX with what must be said of them, pictures, and the address.

function save(end, href) {
  const made = VIEWS[state.view].wide ? data.layers.some((each) => each.synthetic) : madeUp();
  const view = state.view === "map" ? "" : state.view;
  const link = make("a", { href, download: joined(["atlas", view, state.tab, state.layer, made ? "synthetic" : ""], "-") + end });
  document.body.append(link);
  link.click();
  link.remove();
}

function saveBytes(end, type, ...parts) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  save(end, url);
  URL.revokeObjectURL(url);
}

// A text that a spreadsheet would run is made harmless (OWASP).
const harmless = (value) => {
  if (typeof value === "number") return value;
  const text = String(value ?? "").replace(/\r\n?/g, "\n").replace(/[\0-\x08\v\f\x0e-\x1f\x7f]/g, "");
  return /^[=+\-@\t\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
};

/** Return the table of the view, its head first. */
function tableNow() {
  if (["partners", "overview"].includes(state.view)) {
    const all = columns(), { rows } = sorted(everybody(), all);
    const head = ["institution_id", ...all.map((each) => each.head), say("note")];
    const note = (row) => (row.links.work && data.layers.find((each) => each.kind === "work").synthetic ? say("synthetic") : "");
    return [head, ...rows.map((row) => [row.id, ...all.map((each) => each.value(row) ?? ""), note(row)])];
  }
  const certain = (last) => (last === layer().open || last === Infinity ? "" : last);
  const vague = (row) => row.first === null || row.last === Infinity;
  const lines = current.rows.map((row) => ({
    rank: row.rank,
    institution_id: row.id,
    partner: named(row),
    country: row.country,
    region: titled(tab()),
    layer: state.layer,
    value: valueOf(row),
    activities: row.spans.length,
    first: row.first,
    last: certain(row.last),
    note: joined([
      layer().synthetic ? say("synthetic") : "",
      vague(row) ? spanOf(row.first, row.last) : "",
    ], " "),
  }));
  const head = Object.keys(lines[0] ?? { rank: "", institution_id: "", partner: "" });
  return [head, ...lines.map(Object.values)];
}

/** Return what must be said of a table: what it is, what was chosen, how it counts, its sources. */
function noteNow() {
  const worded = { country, class: classOf, act: typed, count: () => say("fractional") };
  const chosen = active().map((key) =>
    say("pair", { key: say(`filter_${key}`), value: (worded[key] ?? String)(state[key]) }));
  const made = offered.filter((each) => each.synthetic && (VIEWS[state.view].wide || each === layer() || classed()));
  return [
    document.title,
    joined([titled(tab()), say(state.layer), windowed() ? windowText() : say("all_years"), state.query], "; "),
    chosen.length ? say("pair", { key: say("filters"), value: chosen.join("; ") }) : "",
    made.length ? say("synthetic") : "",
    say(state.count ? "fractional_text" : "counting_text", { home: named(data.home) }),
    ...data.sources.map((file) => `${file.file} (${file.date}; SHA-256 ${String(file.sha256).slice(0, 12)})`),
    joined([say("made", data.made), data.asked.as_of ?? ""], "; "),
  ].filter(Boolean);
}

/** Save the table as CSV; the lines of its note come last and begin with #. */
function saveTable() {
  const cell = (value) => {
    const safe = String(harmless(value));
    return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  const table = tableNow().map((line) => line.map(cell).join(","));
  const notes = noteNow().map((line) => cell(`# ${line.replace(/\s+/gu, " ")}`));
  // The byte order mark tells Excel that this is UTF-8.
  saveBytes(".csv", "text/csv", "\ufeff", [...table, "", ...notes].join("\r\n"), "\r\n");
}

// A workbook is a zip of a few XML files (ECMA-376); nothing in it is pressed, and texts stand in
// their cells, so that no formula can be read from them.

const CRCS = Array.from({ length: 256 }, (_, n) =>
  Array(8).fill(0).reduce((c) => (c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1), n));
const crc = (bytes) => ~bytes.reduce((c, byte) => CRCS[(c ^ byte) & 255] ^ (c >>> 8), -1) >>> 0;

/** Return a zip file of texts, stored as they are. */
function zipped(files) {
  const parts = [], index = [], coder = new TextEncoder();
  const record = (shape, values) => {
    const view = new DataView(new ArrayBuffer(shape.reduce((sum, n) => sum + n, 0)));
    let at = 0;
    shape.forEach((n, i) => {
      if (n === 2) view.setUint16(at, values[i], true);
      else view.setUint32(at, values[i], true);
      at += n;
    });
    return new Uint8Array(view.buffer);
  };
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const [bytes, path] = [coder.encode(text), coder.encode(name)];
    // Version, flags (UTF-8), method, time and day (1980-01-01), check, sizes, length of the name.
    const facts = [20, 0x800, 0, 0, 33, crc(bytes), bytes.length, bytes.length, path.length, 0];
    const shape = [2, 2, 2, 2, 2, 4, 4, 4, 2, 2];
    const local = record([4, ...shape], [0x04034b50, ...facts]);
    parts.push(local, path, bytes);
    index.push(record([4, 2, ...shape, 2, 2, 2, 4, 4], [0x02014b50, 20, ...facts, 0, 0, 0, 0, at]), path);
    at += local.length + path.length + bytes.length;
  }
  const size = index.reduce((sum, part) => sum + part.length, 0), n = Object.keys(files).length;
  const end = record([4, 2, 2, 2, 2, 4, 4, 2], [0x06054b50, 0, 0, n, n, size, at, 0]);
  return [...parts, ...index, end];
}

function saveSheet() {
  // XML holds no control characters, and half of a pair is no character.
  const clean = (text) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").toWellFormed()
    .slice(0, 32767).replace(/[<>&]/g, (sign) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[sign]);
  const cell = (value) => (typeof value === "number" && Number.isFinite(value)
    ? `<c><v>${value}</v></c>`
    : `<c t="inlineStr"><is><t xml:space="preserve">${clean(String(harmless(value)))}</t></is></c>`);
  const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const packed = "http://schemas.openxmlformats.org/package/2006";
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
  const sheet = (rows) => `${head}<worksheet xmlns="${main}"><sheetData>${rows.map((row) =>
    `<row>${row.map(cell).join("")}</row>`).join("")}</sheetData></worksheet>`;
  const kind = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const link = (i, type, target) => `<Relationship Id="r${i}" Type="${rel}/${type}" Target="${target}"/>`;
  const links = (...all) => `${head}<Relationships xmlns="${packed}/relationships">${all.join("")}</Relationships>`;
  const part = (name, type) => `<Override PartName="/xl/${name}.xml" ContentType="${kind}.${type}+xml"/>`;
  const names = [say("table"), say("note")];
  saveBytes(".xlsx", `${kind}.sheet`, ...zipped({
    "[Content_Types].xml": `${head}<Types xmlns="${packed}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>${
      part("workbook", "sheet.main")}${part("sheet1", "worksheet")}${part("sheet2", "worksheet")}</Types>`,
    "_rels/.rels": links(link(1, "officeDocument", "xl/workbook.xml")),
    "xl/workbook.xml": `${head}<workbook xmlns="${main}" xmlns:r="${rel}"><sheets>${names.map((name, i) =>
      `<sheet name="${name}" sheetId="${i + 1}" r:id="r${i + 1}"/>`).join("")}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": links(...names.map((_, i) => link(i + 1, "worksheet", `sheet${i + 1}.xml`))),
    "xl/sheet1.xml": sheet(tableNow()),
    "xl/sheet2.xml": sheet(noteNow().map((line) => [line])),
  }));
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    $("#told").textContent = say("copied");
  } catch {
    $("#told").textContent = say("not_copied");
  }
  setTimeout(() => ($("#told").textContent = ""), 4000);
}

/** Return a line of words beside the plot of a picture, `y` being 0 at its foot and 1 at its head. */
const worded = (text, y, yshift, font, xshift = 14) => ({
  ...{ text: plain(text, 400), showarrow: false, align: "left", xref: "paper", yref: "paper" },
  ...{ x: 0, y, xanchor: "left", yanchor: "bottom", xshift, yshift, font },
});
const ink = (size, name = "ink") => ({ size, color: css(name) });

/** Return the pixels above a picture and what stands there: its title, what it says, its warning. */
function headOf(width, subject, said, made, { l, t } = { l: 0, t: 0 }) {
  const above = made ? 74 : 52;
  const write = (text, size, down, font) =>
    worded(wrapped(text, width - 28, size, 1, font.weight)[0], 1, t + above - down, { ...ink(size), ...font }, 14 - l);
  const lines = [write(`${document.title} – ${subject}`, 17, 28, {}), write(said, 12, 48, {})];
  if (made) lines.push(write(say("synthetic"), 13, 70, { color: css("warn"), weight: 700 }));
  return { above, lines };
}

const madeBy = () => say("made", data.made);

/** Return the map with its title, its legend in words, and what must be said of it. */
function mapFigure() {
  const { data: traces, layout } = $("#map"), { width } = layout;
  const credits = wrapped(`${$("#credits").textContent} ${madeBy()}`, width - 28, 11, 3);
  const { above, lines } = headOf(width, say(state.layer), summary(), madeUp()), below = 38 + 15 * credits.length;
  const annotations = [...lines];
  let right = 14;
  for (const group of drawn.groups) {
    const text = `${GLYPHS[symbolOf(group)]} ${grouped(group)}`;
    annotations.push(worded(text, 0, -24, { size: 12, color: colourOf(group) }, right));
    right += widthOf(text, 12) + 22;
  }
  credits.forEach((text, i) => annotations.push(worded(text, 0, -44 - 15 * i, ink(11, "grey"))));
  const height = layout.height + above + below, margin = { l: 0, r: 0, t: above, b: below };
  return { width, height, data: traces, layout: { ...layout, height, margin, annotations } };
}

/** Return the figure of the view with room above and below for what must be said of it. */
function chartFigure() {
  const plot = $("#chart .figure"), { data: traces, layout } = plot, { width, margin } = layout, below = 24;
  // Agreements are drawn whatever layer is chosen, and what is said beside them is of that layer.
  const lives = state.view === "agreements", subject = joined([say(`view_${state.view}`), lives ? "" : say(state.layer)], ", ");
  const { above, lines } = headOf(width, subject, lives ? plot.ariaLabel : summary(), !lives && madeUp(), margin);
  const foot = worded(madeBy(), 0, -margin.b - below + 4, ink(11, "grey"), 14 - margin.l);
  const annotations = [...(layout.annotations ?? []), ...lines, foot];
  const height = layout.height + above + below, room = { ...margin, t: margin.t + above, b: margin.b + below };
  return { width, height, data: traces, layout: { ...layout, height, margin: room, annotations } };
}

async function savePicture(format) {
  const { width, height, ...figure } = state.view === "map" ? mapFigure() : chartFigure();
  save(`.${format}`, await Plotly.toImage(figure, { format, width, height, scale: format === "png" ? 3 : 1 }));
}
