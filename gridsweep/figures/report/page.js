"use strict";
// Everything the page shows is in #data. What a store says goes onto the page as text, never as markup.
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const { networks, settings, about, colours } = data;
const N = networks.run_id.length;
const COMPLETED = 0, PAGE_ROWS = 15, SLICE_MS = 12, CELLS_OF_DRAWS = 4e7;
const DASHES = ["", "9 2 2 2", "2.5 2", "9 2 2 2 2 2"], NULL_DASHES = ["5 3", "2 3"], NULL_GREYS = ["#000", "#777", "#aaa"];

// --- data ------------------------------------------------------------------------------------------------
function array(text, Type) {
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Type(bytes.buffer);
}
const counts = (of) => array(of.cells, of.bits === 16 ? Uint16Array : Uint32Array);
const status = array(networks.status, Uint8Array), reason = array(networks.reason, Uint8Array);
const errorCm = array(networks.error_cm, Float32Array);
const unitsOf = array(networks.units, Uint32Array), silentOf = array(networks.silent, Uint32Array);
for (const setting of settings) {
  if (setting.codes) setting.codes = array(setting.codes, Uint8Array);
  else setting.numbers = array(setting.numbers, Float32Array);
}
for (const score of data.scores) {
  score.cells = counts(score);
  score.best = array(score.best, Float32Array);
  score.median = array(score.median, Float32Array);
  score.unscored = array(score.unscored, Uint32Array);
  score.nulls.forEach((nul) => {
    nul.cells = counts(nul);
    nul.best = array(nul.best, Float32Array);
  });
}
const everyRow = Int32Array.from({ length: N }, (_, row) => row);

const firstGroups = ["target.kind", "system.kind"].map((name) => settings.find((s) => s.name === name && s.groups));
const state = {
  score: data.scores[0],
  by: firstGroups.find((s) => s) || settings.find((s) => s.groups) || null,
  hidden: new Map(), // of a setting in words: the codes that are filtered out
  ranges: new Map(), // of a setting in numbers: [lowest, highest]
  errorCm: Infinity, best: -Infinity, onlyMaps: false, everyStatus: false,
  group: null, run: null, sort: ["best", -1], page: 0, pointer: null,
};
let view = null; // what the last update found: rows, groups

// --- what is drawn -----------------------------------------------------------------------------------------
/** Rows that the settings' filters leave, of every status. */
function rowsOfSettings() {
  const kept = new Uint8Array(N).fill(1);
  for (const [setting, hidden] of state.hidden) {
    const codes = setting.codes;
    for (let row = 0; row < N; row++) if (hidden.has(codes[row])) kept[row] = 0;
  }
  for (const [setting, [low, high]] of state.ranges) {
    const numbers = setting.numbers; // NaN, a network without the setting, lies in no range
    for (let row = 0; row < N; row++) if (!(numbers[row] >= low && numbers[row] <= high)) kept[row] = 0;
  }
  return everyRow.filter((row) => kept[row]);
}

/** One curve: the pooled counts of some rows of a matrix of cells. */
function pool(cells, width, rows) {
  const sums = new Float64Array(width);
  for (const row of rows) for (let i = 0, at = row * width; i < width; i++) sums[i] += cells[at + i];
  let units = 0;
  const above = new Float64Array(width - 1);
  for (let i = width - 1; i >= 0; i--) {
    if (i < width - 1) above[i] = units;
    units += sums[i];
  }
  return { above, units };
}

function groupsInView() {
  const score = state.score, width = score.thresholds.length + 1, by = state.by;
  const labels = by ? by.values : ["all networks"];
  const found = labels.map((label, code) => ({ label, code, rows: [], silent: 0, unscored: 0, largest: NaN, ended: [0, 0, 0, 0], removed: 0 }));
  for (const row of view.rows) {
    const group = found[by ? by.codes[row] : 0];
    group.ended[status[row]]++;
    if (status[row] !== COMPLETED) continue;
    if (state.errorCm < Infinity && !(errorCm[row] < state.errorCm)) { group.removed++; continue; }
    group.rows.push(row);
    group.silent += silentOf[row];
    group.unscored += score.unscored[row];
    if (!(group.largest >= score.best[row])) group.largest = score.best[row];
  }
  const present = found.filter((group) => group.rows.length || group.removed || group.ended.some((n) => n));
  const shades = by && by.numeric && present.length > 4;
  present.forEach((group, i) => {
    Object.assign(group, pool(score.cells, width, group.rows));
    group.colour = shades ? mix(colours.map, (0.9 * i) / Math.max(1, present.length - 1)) : colours.groups[i % 6];
    group.dash = shades ? "" : present.length <= 4 ? DASHES[i] : DASHES[Math.floor(i / 6) % 4];
    group.cells = score.cells;
  });
  const nulls = score.nulls.map((nul, i) => ({
    label: nul.label, isNull: true, cells: nul.cells, rows: Array.from({ length: nul.hands }, (_, row) => row),
    largest: nul.largest === null ? NaN : nul.largest, colour: NULL_GREYS[i % 3], dash: NULL_DASHES[Math.floor(i / 3) % 2],
    ...pool(nul.cells, width, Array.from({ length: nul.hands }, (_, row) => row)),
  }));
  return { present, nulls };
}

/** Bootstrap bands over networks, in slices between which the page stays quick. The seed is always the same. */
let drawing = 0;
function bands(groups, done) {
  const mine = ++drawing, width = state.score.thresholds.length + 1;
  const queue = groups.filter((group) => group.rows.length > 1);
  function* draws(group) {
    const n = group.rows.length, random = mulberry32(1);
    const number = Math.round(Math.min(1000, Math.max(200, CELLS_OF_DRAWS / (n * width))));
    const fractions = Array.from({ length: width - 1 }, () => new Float64Array(number));
    const weights = new Uint16Array(n), sums = new Float64Array(width);
    for (let draw = 0; draw < number; draw++) {
      weights.fill(0);
      sums.fill(0);
      for (let i = 0; i < n; i++) weights[Math.floor(random() * n)]++;
      for (let i = 0; i < n; i++) {
        const weight = weights[i];
        if (weight) for (let j = 0, at = group.rows[i] * width; j < width; j++) sums[j] += weight * group.cells[at + j];
      }
      let units = 0, above = 0;
      for (const cell of sums) units += cell;
      for (let j = width - 1; j > 0; j--) fractions[j - 1][draw] = (above += sums[j]) / units;
      yield;
    }
    const tail = data.tails[Math.min(n - 2, data.tails.length - 1)];
    group.draws = number;
    group.low = fractions.map((drawn) => quantile(drawn.sort(), tail));
    group.high = fractions.map((drawn) => quantile(drawn, 1 - tail));
  }
  let current = null;
  (function slice() {
    const until = performance.now() + SLICE_MS;
    while (mine === drawing && performance.now() < until) {
      if (!current && !queue.length) return done();
      current = current || draws(queue.shift());
      if (current.next().done) current = null;
    }
    if (mine === drawing) setTimeout(slice);
  })();
}
function quantile(sorted, share) {
  const place = share * (sorted.length - 1), below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}
function mulberry32(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// --- elements ----------------------------------------------------------------------------------------------
const SVG = "http://www.w3.org/2000/svg";
/** Makes an element; words become text. Properties beginning with "on" listen. */
function make(name, properties = {}, ...children) {
  const isSvg = ["svg", "g", "path", "line", "text", "circle", "title"].includes(name) && properties.html !== true;
  const element = isSvg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false || key === "html") continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "checked" || key === "value" || key === "disabled" || key === "open") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
const byId = (id) => document.getElementById(id);
const fill = (id, ...children) => byId(id).replaceChildren(...children.filter((child) => child));
const whole = (number) => number.toLocaleString("en");
const counted = (number, what) => `${whole(number)} ${what}${number === 1 ? "" : "s"}`;
const fixed = (number, digits) => (Number.isFinite(number) ? number.toFixed(digits) : "–");
/** A share in percent, or in parts per million below a hundredth of that; its range in the same unit. */
function percent(fraction, ...range) {
  const [factor, unit] = fraction > 0 && fraction < 1e-4 ? [1e6, "ppm"] : [100, "%"];
  const digits = (number) => (number >= 9.95 ? number.toFixed(number < 99.5 ? 1 : 0) : number > 0 ? number.toPrecision(2) : "0");
  return range.length ? range.map((end) => digits(factor * end)).join(" – ") : `${digits(factor * fraction)} ${unit}`;
}
/** A colour between the stops of a colour map, 0 to 1. */
function mix(stops, share) {
  const place = Math.max(0, Math.min(1, share)) * (stops.length - 1), at = Math.min(Math.floor(place), stops.length - 2);
  const [a, b] = [stops[at], stops[at + 1]].map((hex) => parseInt(hex.slice(1), 16));
  const channel = (shift) => Math.round(((a >> shift) & 255) + (place - at) * (((b >> shift) & 255) - ((a >> shift) & 255)));
  return `rgb(${channel(16)},${channel(8)},${channel(0)})`;
}

// --- curves ------------------------------------------------------------------------------------------------
/** The points of a curve up to its largest score, where it ends at the share of the units that reach it. */
function points(group, values) {
  const thresholds = state.score.thresholds, found = [];
  thresholds.forEach((t, i) => { if (t < group.largest) found.push([t, values ? values[i] : group.above[i] / group.units]); });
  if (!values && found.length) found.push([Math.min(group.largest, thresholds[thresholds.length - 1]), Math.max(found[found.length - 1][1], 1 / group.units)]);
  return found;
}

function drawPanel(id, logarithmic) {
  const svg = byId(id), width = Math.max(260, svg.clientWidth || 460), height = Math.round(Math.min(300, Math.max(220, width * 0.56)));
  const left = 58, right = 8, top = 18, bottom = 38;
  const { present, nulls } = view, all = [...nulls, ...present].filter((group) => group.units > 0);
  const thresholds = state.score.thresholds, first = thresholds[0], last = thresholds[thresholds.length - 1];
  const lowest = 0.5 / Math.max(2, ...all.map((group) => group.units));
  const x = (t) => left + ((t - first) / (last - first)) * (width - left - right);
  const share = logarithmic ? (f) => Math.log(Math.max(f, lowest) / lowest) / Math.log(1 / lowest) : (f) => f;
  const y = (f) => height - bottom - share(f) * (height - top - bottom);
  const parts = [];
  const ticks = logarithmic ? Array.from({ length: Math.floor(-Math.log10(lowest)) + 1 }, (_, i) => 10 ** -i) : [0, 0.25, 0.5, 0.75, 1];
  for (const tick of ticks) {
    parts.push(make("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
    parts.push(make("text", { x: left - 7, y: y(tick) + 4, "text-anchor": "end" }, logarithmic && tick < 1e-3 ? `1e${Math.round(Math.log10(tick))}` : `${tick}`));
  }
  for (let tick = Math.ceil(first * 2) / 2; tick <= last; tick += 0.5) {
    parts.push(make("line", { class: "axis", x1: x(tick), x2: x(tick), y1: height - bottom, y2: height - bottom + 4 }));
    parts.push(make("text", { x: x(tick), y: height - bottom + 17, "text-anchor": "middle" }, `${tick}`));
  }
  parts.push(make("path", { class: "axis", d: `M${left},${top}V${height - bottom}H${width - right}` }));
  parts.push(make("text", { x: (left + width - right) / 2, y: height - 5, "text-anchor": "middle" }, state.score.label));
  parts.push(make("text", { transform: `translate(12,${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, "fraction of units above"));
  const criterion = state.score.criteria[0];
  parts.push(make("line", { class: "criterion", x1: x(criterion), x2: x(criterion), y1: top, y2: height - bottom }));
  parts.push(make("text", { x: x(criterion), y: top - 5, "text-anchor": "middle" }, `${criterion}`));
  const path = (list) => list.map(([t, f], i) => `${i ? "L" : "M"}${x(t).toFixed(1)},${y(f).toFixed(1)}`).join("");
  for (const group of all) {
    if (!group.low) continue;
    const upper = points(group, group.high), lower = points(group, group.low).reverse();
    if (upper.length) parts.push(make("path", { d: `${path(upper)}${path(lower).replace("M", "L")}Z`, fill: group.colour, "fill-opacity": faded(group) ? 0.05 : 0.18 }));
  }
  for (const group of all) {
    const line = path(points(group));
    parts.push(make("path", { class: `curve${faded(group) ? " faded" : ""}`, d: line, stroke: group.colour, "stroke-dasharray": group.dash || null, "data-label": group.label }));
    const end = points(group).pop(); // where the data ends: the curve does not go on below
    if (logarithmic && end) parts.push(make("circle", { cx: x(end[0]), cy: y(end[1]), r: 2.6, fill: group.colour, class: faded(group) ? "faded" : null }));
  }
  if (state.run !== null && status[state.run] === COMPLETED) {
    const own = { ...pool(state.score.cells, thresholds.length + 1, [state.run]), largest: state.score.best[state.run] };
    parts.push(make("path", { class: "own", d: path(points(own)) }));
  }
  for (const group of present) {
    if (!group.units) continue;
    const hit = make("path", { class: "hit", d: path(points(group)), "data-group": group.code, onclick: () => choose(group) });
    hit.append(make("title", {}, `${group.label}: ${counted(group.rows.length, "network")}, ${counted(group.units, "unit")}; click to list them`));
    parts.push(hit);
  }
  const pointer = make("line", { class: "pointer", y1: top, y2: height - bottom, visibility: "hidden" });
  parts.push(pointer);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  svg.replaceChildren(...parts);
  svg.onpointermove = svg.onpointerdown = (event) => {
    const box = svg.getBoundingClientRect(), t = first + (((event.clientX - box.left) * width / box.width - left) / (width - left - right)) * (last - first);
    const place = Math.round((t - first) / (thresholds[1] - first));
    if (place < 0 || place >= thresholds.length) return;
    pointer.setAttribute("x1", x(thresholds[place]));
    pointer.setAttribute("x2", x(thresholds[place]));
    pointer.setAttribute("visibility", "visible");
    state.pointer = place;
    readPointer();
  };
}
const faded = (group) => state.group !== null && !group.isNull && group.code !== state.group;
function choose(group) {
  state.group = state.group === group.code ? null : group.code;
  state.page = 0;
  drawCurves();
  listNetworks();
}

function drawCurves() {
  drawPanel("linear", false);
  drawPanel("log", true);
  listGroups();
}

function listGroups() {
  const score = state.score, at = (t) => score.thresholds.findIndex((other) => Math.abs(other - t) < 1e-9);
  const share = (group, place) => {
    const cell = make("td", {});
    if (!group.units || place < 0) return cell;
    cell.append(percent(group.above[place] / group.units));
    const none = group.above[place] === 0; // resampling cannot imagine what it has not seen
    const range = none ? ` of ${whole(group.units)}` : group.low ? ` ${percent(group.above[place] / group.units, group.low[place], group.high[place])}` : "";
    cell.append(make("span", { class: "range" }, range));
    return cell;
  };
  const head = make("tr", {}, make("th", { class: "text" }, state.by ? state.by.label : "group"), ...["networks", "units"].map((words) => make("th", {}, words)),
    ...score.criteria.map((t) => make("th", {}, `above ${t}`)), make("th", { id: "pointer-head" }),
    ...["silent units", "diverged", "failed", "without scores", "beyond error"].map((words) => make("th", { class: "narrow" }, words)));
  const line = (group) => {
    const swatch = make("svg", { viewBox: "0 0 34 10" }, make("line", { x1: 0, x2: 34, y1: 5, y2: 5, stroke: group.colour, "stroke-width": 2.4, "stroke-dasharray": group.dash || null }));
    const name = group.isNull ? make("span", {}, group.label) : make("button", { onclick: () => choose(group), "aria-pressed": state.group === group.code ? "true" : "false" }, group.label);
    const sizes = group.isNull ? ["", `${whole(group.units)} maps`] : [whole(group.rows.length), whole(group.units)];
    const silent = group.unscored ? `${whole(group.silent)} + ${whole(group.unscored)} unscored` : whole(group.silent ?? 0);
    const gone = group.isNull ? ["", "", "", "", ""] : [silent, ...[group.ended[2], group.ended[3], group.ended[1], group.removed].map(whole)];
    const cells = (words) => words.map((word) => make("td", {}, word));
    return make("tr", { class: !group.isNull && state.group === group.code ? "chosen" : null }, make("td", { class: "text" }, make("div", { class: "key" }, swatch, name)), ...cells(sizes),
      ...score.criteria.map((t) => share(group, at(t))), make("td", { class: "at-pointer" }), ...cells(gone));
  };
  const every = [...view.present, ...view.nulls];
  fill("groups", make("thead", {}, head), make("tbody", {}, ...every.map(line)));
  readPointer();
  const sum = (of) => view.present.reduce((total, group) => total + of(group), 0);
  const words = [`In view: ${counted(sum((g) => g.rows.length), "network")}, ${counted(sum((g) => g.units), "unit")} of ${counted(N, "run")} that ended.`];
  words.push("Silent and unscored units count as never exceeding. Diverged and failed runs, and networks beyond the position error, are left out and counted.");
  words.push(`Curves are exact every ${(score.thresholds[1] - score.thresholds[0]).toFixed(3)} and end at the largest score. Bands: ${100 * about.level} %, bootstrap over networks (null: over ${whole(about.hand)} maps at a time); one network has none.`);
  if (!view.nulls.length) words.push("There is no null in this store: noise scored by the same rule is needed to read these curves.");
  if (view.missing) words.push(`${whole(view.missing)} planned runs are missing.`);
  fill("said", words.join(" "));
}
function readPointer() {
  const place = state.pointer, rows = document.querySelectorAll("#groups .at-pointer");
  byId("pointer-head").textContent = place === null ? "at pointer" : `above ${state.score.thresholds[place]}`;
  [...view.present, ...view.nulls].forEach((group, i) => {
    rows[i].textContent = place === null || !group.units ? "" : percent(group.above[place] / group.units);
  });
}

// --- networks ----------------------------------------------------------------------------------------------
const columns = () => [
  { name: "run", label: "network", text: true, cell: (row) => networks.run_id[row].slice(0, 8) },
  { name: "best", label: "best", value: (row) => state.score.best[row], cell: (row) => fixed(state.score.best[row], 2) },
  { name: "median", label: "median", value: (row) => state.score.median[row], cell: (row) => fixed(state.score.median[row], 2) },
  { name: "error", label: "error (cm)", value: (row) => errorCm[row], cell: (row) => fixed(errorCm[row], 1) },
  { name: "status", label: "status", text: true, value: (row) => status[row], cell: (row) => statusWords(row) },
  ...[...settings].sort((a, b) => (b === state.by) - (a === state.by)).map((setting) => ({
    name: `setting ${setting.name}`, label: setting.label, text: !!setting.codes && !setting.numeric,
    value: (row) => (setting.codes ? setting.codes[row] : setting.numbers[row]), cell: (row) => settingWords(setting, row),
  })),
  { name: "maps", label: "maps", value: (row) => (row in data.maps.networks ? 1 : 0), cell: (row) => (row in data.maps.networks ? "yes" : "") },
  { name: "silent", label: "silent", value: (row) => silentOf[row], cell: (row) => (status[row] === COMPLETED ? whole(silentOf[row]) : "") },
];
const statusWords = (row) => networks.statuses[status[row]] + (reason[row] ? `: ${networks.reasons[reason[row]]}` : "");
const settingWords = (setting, row) => setting.codes ? setting.values[setting.codes[row]]
  : Number.isNaN(setting.numbers[row]) ? "none" : String(Number(setting.numbers[row].toPrecision(5)));

function listNetworks() {
  const began = performance.now(), known = columns(), by = state.by;
  const chosen = view.rows.filter((row) =>
    (state.group === null || !by || by.codes[row] === state.group)
    && (state.everyStatus || status[row] === COMPLETED)
    && (state.errorCm === Infinity || status[row] !== COMPLETED || errorCm[row] < state.errorCm)
    && (state.best === -Infinity || state.score.best[row] > state.best)
    && (!state.onlyMaps || row in data.maps.networks));
  const [name, direction] = state.sort, column = known.find((one) => one.name === name) || known[1];
  if (column.value) {
    const values = new Float64Array(N);
    for (const row of chosen) values[row] = column.value(row);
    // NaN stands last whichever way the others go.
    chosen.sort((a, b) => (Number.isNaN(values[a]) - Number.isNaN(values[b])) || direction * (values[a] - values[b]) || a - b);
  } else chosen.sort((a, b) => direction * (networks.run_id[a] < networks.run_id[b] ? -1 : 1));
  view.listed = chosen;
  const pages = Math.max(1, Math.ceil(chosen.length / PAGE_ROWS));
  state.page = Math.min(state.page, pages - 1);
  const shown = chosen.slice(state.page * PAGE_ROWS, (state.page + 1) * PAGE_ROWS);
  const heads = known.map((one) => make("th", { class: one.text ? "text" : null, "aria-sort": one.name === name ? (direction > 0 ? "ascending" : "descending") : null },
    make("button", { "data-sort": one.name, onclick: () => { state.sort = [one.name, one.name === state.sort[0] ? -state.sort[1] : one.text ? 1 : -1]; state.page = 0; listNetworks(); } },
      one.label + (one.name === name ? (direction > 0 ? " ▲" : " ▼") : ""))));
  const lines = [...shown].map((row) => make("tr", { class: row === state.run ? "chosen" : null, "data-row": row, onclick: () => pickNetwork(row) },
    ...known.map((one, place) => make("td", { class: one.text ? "text" : null }, place ? one.cell(row) : make("button", { onclick: (event) => { event.stopPropagation(); pickNetwork(row); } }, one.cell(row))))));
  fill("networks", make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
  fill("listed", counted(chosen.length, "network"));
  const group = view.present.find((one) => one.code === state.group);
  fill("chip", group && make("button", { class: "chip", onclick: () => choose(group) }, `of the curve “${group.label}” ×`));
  const turn = (step) => () => { state.page += step; listNetworks(); };
  fill("pager", pages > 1 && make("button", { class: "plain", disabled: state.page === 0, onclick: turn(-1) }, "‹ previous"),
    pages > 1 && make("span", { class: "small" }, `${whole(state.page * PAGE_ROWS + 1)} – ${whole(Math.min(chosen.length, (state.page + 1) * PAGE_ROWS))} of ${whole(chosen.length)}`),
    pages > 1 && make("button", { class: "plain", disabled: state.page === pages - 1, onclick: turn(1) }, "next ›"));
  performance.measure("list", { start: began, end: performance.now() });
}

// --- one network -------------------------------------------------------------------------------------------
function showNetwork(row) {
  state.run = row;
  document.querySelectorAll("#networks tr[data-row]").forEach((line) => line.classList.toggle("chosen", Number(line.dataset.row) === row));
  drawPanel("linear", false);
  drawPanel("log", true);
  const kept = data.maps.networks[row], id = networks.run_id[row];
  const entries = [["status", statusWords(row)]];
  if (status[row] === COMPLETED) {
    for (const score of data.scores) entries.push([score.label, `best ${fixed(score.best[row], 3)}, median ${fixed(score.median[row], 3)}`]);
    entries.push(["position error", Number.isNaN(errorCm[row]) ? "none" : `${fixed(errorCm[row], 2)} cm`], ["units", `${whole(unitsOf[row])}, ${whole(silentOf[row])} silent`]);
  }
  const list = (pairs) => make("dl", {}, ...pairs.flatMap(([term, words]) => [make("dt", {}, term), make("dd", {}, words)]));
  const own = settings.map((setting) => [setting.label, settingWords(setting, row)]).filter(([, words]) => words !== "none");
  const title = make("div", { class: "bar" }, make("h2", {}, `Network ${id}`));
  const maps = make("div", { id: "maps" });
  const words = kept
    ? `The ${kept.units.length} best by either score of the units that keep a map: the map from its lowest to its highest rate (white: unvisited) and its autocorrelogram from −1 (blue) to 1 (red) with the ring of the score, both of the map in 8 bits. The network's own curve is the thin black line among the curves.`
    : `No rate maps of this network are in the page, which has those of ${whole(Object.keys(data.maps.networks).length)} networks. With maps in the store:`;
  const command = kept ? null : make("p", {}, make("code", {}, `gridsweep gallery network ${id} --store STORE`));
  fill("network", title, list(entries), make("h3", {}, "Rate maps"), make("p", { class: "small" }, words), command, maps,
    make("h3", {}, "Settings that differ in this store"), list(own));
  if (!kept) return;
  const bytes = array(kept.maps, Uint8Array), bins = kept.bins, size = bins * bins;
  const order = kept.units.map((_, place) => place).sort((a, b) => (kept.units[b][state.score.name] ?? -9) - (kept.units[a][state.score.name] ?? -9));
  for (const place of order) {
    const unit = kept.units[place], ends = `${unit.low.toPrecision(2)} to ${unit.high.toPrecision(2)}`;
    const pair = make("div", { class: "pair" }, drawMap(bytes.subarray(place * size, (place + 1) * size), bins), make("canvas", {}));
    const scores = data.scores.map((score) => `${score.label.replace("grid score ", "")} ${fixed(unit[score.name], 2)}`).join(", ");
    maps.append(make("div", { class: "unit", "data-unit": unit.unit }, pair, make("p", {}, `unit ${unit.unit}: ${scores}`), make("p", { class: "range" }, `rate ${ends}`)));
    const rates = Float64Array.from(bytes.subarray(place * size, (place + 1) * size), (byte) => (byte === 255 ? 0 : unit.low + (byte / 254) * (unit.high - unit.low)));
    const ring = state.score.name.replace("grid_score", "ring");
    setTimeout(() => drawCorrelation(pair.lastChild, autocorrelogram(rates, bins), bins, [unit[`${ring}_inner`], unit[`${ring}_outer`]]));
  }
}
function pickNetwork(row) {
  showNetwork(row);
  if (byId("network").getBoundingClientRect().top > innerHeight - 120) byId("network").scrollIntoView({ block: "start" });
}
/** A square of colours; the first axis of a map is x, to the right, the second y, up. */
function paint(canvas, side, colourAt) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d"), image = context.createImageData(side, side);
  for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) {
    const [r, g, b] = colourAt(i, j), at = 4 * ((side - 1 - j) * side + i);
    image.data.set([r, g, b, 255], at);
  }
  context.putImageData(image, 0, 0);
  return context;
}
const table = (stops) => Array.from({ length: 256 }, (_, i) => mix(stops, i / 255).match(/\d+/g).map(Number));
const mapColours = table(colours.map), lagColours = table(colours.correlation);
function drawMap(bytes, bins) {
  const canvas = make("canvas", {});
  paint(canvas, bins, (i, j) => { const byte = bytes[i * bins + j]; return byte === 255 ? [255, 255, 255] : mapColours[Math.round(byte * 255 / 254)]; });
  return canvas;
}
/** Pearson correlation of a map with itself at every lag, over the overlap; 0 where a window is constant. */
function autocorrelogram(map, bins) {
  const side = 2 * bins - 1, found = new Float32Array(side * side);
  for (let dx = 0; dx < bins; dx++) for (let dy = 1 - bins; dy < bins; dy++) {
    let a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    const low = Math.max(0, -dy), high = Math.min(bins, bins - dy), n = (bins - dx) * (high - low);
    for (let i = 0; i < bins - dx; i++) for (let j = low; j < high; j++) {
      const here = map[i * bins + j], there = map[(i + dx) * bins + j + dy];
      a += here; b += there; aa += here * here; bb += there * there; ab += here * there;
    }
    const va = aa / n - (a / n) ** 2, vb = bb / n - (b / n) ** 2;
    const r = va > 1e-12 * (aa / n) && vb > 1e-12 * (bb / n) ? (ab / n - (a / n) * (b / n)) / Math.sqrt(va * vb) : 0;
    found[(bins - 1 + dx) * side + bins - 1 + dy] = found[(bins - 1 - dx) * side + bins - 1 - dy] = r;
  }
  return found;
}
function drawCorrelation(canvas, found, bins, radii) {
  const side = 2 * bins - 1, scale = 3, small = make("canvas", {});
  paint(small, side, (i, j) => lagColours[Math.round(127.5 * (1 + Math.max(-1, Math.min(1, found[i * side + j]))))]);
  canvas.width = canvas.height = side * scale;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, side * scale, side * scale);
  context.lineWidth = 2;
  for (const radius of radii) {
    if (radius === null) continue;
    context.beginPath(); // lags are in map widths, from -1 to 1
    context.arc(side * scale / 2, side * scale / 2, radius * side * scale / 2, 0, 2 * Math.PI);
    context.stroke();
  }
}

// --- filters -----------------------------------------------------------------------------------------------
function update() {
  const began = performance.now();
  view = { rows: rowsOfSettings(), missing: about.missing };
  Object.assign(view, groupsInView());
  if (!view.present.some((group) => group.code === state.group)) state.group = null;
  drawCurves();
  listNetworks();
  performance.measure("redraw", { start: began, end: performance.now() });
  document.documentElement.dataset.bands = "wait";
  bands([...view.present, ...view.nulls], () => {
    drawCurves();
    performance.measure("bands", { start: began, end: performance.now() });
    document.documentElement.dataset.bands = "done";
  });
}
function filterOf(setting) {
  const box = make("details", { class: "filter", "data-setting": setting.name });
  const title = make("summary", {}, setting.label);
  const body = make("div", { class: "values" });
  box.append(title, body);
  if (!setting.codes) {
    let lowest = Infinity, highest = -Infinity;
    for (const number of setting.numbers) { if (number < lowest) lowest = number; if (number > highest) highest = number; }
    const inputs = [lowest, highest].map((end) => make("input", { type: "number", step: "any", placeholder: end.toPrecision(3), "aria-label": setting.label }));
    const change = () => {
      const [low, high] = inputs.map((input) => (input.value === "" ? NaN : Number(input.value)));
      if (Number.isNaN(low) && Number.isNaN(high)) state.ranges.delete(setting);
      else state.ranges.set(setting, [Number.isNaN(low) ? -Infinity : low, Number.isNaN(high) ? Infinity : high]);
      box.classList.toggle("on", state.ranges.has(setting));
      update();
    };
    inputs.forEach((input) => input.addEventListener("change", change));
    body.append(inputs[0], " to ", inputs[1]);
    return box;
  }
  const number = new Array(setting.values.length).fill(0);
  for (const code of setting.codes) number[code]++;
  const boxes = setting.values.map((words, code) => make("input", { type: "checkbox", checked: true, "data-code": code, onchange: () => change() }));
  const change = () => {
    const hidden = new Set(boxes.flatMap((input, code) => (input.checked ? [] : [code])));
    if (hidden.size) state.hidden.set(setting, hidden); else state.hidden.delete(setting);
    box.classList.toggle("on", hidden.size > 0);
    update();
  };
  const all = (checked) => () => { boxes.forEach((input) => { input.checked = checked; }); change(); };
  body.append(make("button", { class: "link", onclick: all(true) }, "all"), make("button", { class: "link", onclick: all(false) }, "none"));
  setting.values.forEach((words, code) => body.append(make("label", {}, boxes[code], ` ${words} `, make("span", { class: "count" }, whole(number[code])))));
  return box;
}
function numberInput(words, id, change) {
  const input = make("input", { type: "number", step: "any", id });
  input.addEventListener("change", () => change(input.value === "" ? null : Number(input.value)));
  return make("label", {}, `${words} `, input);
}
function picker(words, id, options, chosen, change) {
  const select = make("select", { id }, ...options.map(([value, label]) => make("option", { value }, label)));
  select.value = chosen;
  select.addEventListener("change", () => change(select.value));
  return make("label", {}, words, select);
}

function start() {
  byId("title").textContent = about.title;
  let scored = 0, units = 0;
  for (let row = 0; row < N; row++) { scored += status[row] === COMPLETED; units += unitsOf[row]; }
  byId("summary").textContent = `${counted(scored, "network")}, ${counted(units, "unit")}. ${about.filter[0].toUpperCase()}${about.filter.slice(1)}. ${about.denominators}. Store snapshot ${about.snapshot}.`;
  byId("controls").open = matchMedia("(min-width: 901px)").matches;
  fill("choices",
    picker("Score", "score", data.scores.map((score) => [score.name, score.label]), state.score.name, (name) => {
      state.score = data.scores.find((score) => score.name === name);
      state.pointer = null;
      update();
      if (state.run !== null) showNetwork(state.run);
    }),
    picker("A curve for each", "by", [["", "(all networks)"], ...settings.filter((s) => s.groups).map((s) => [s.name, s.label])], state.by ? state.by.name : "", (name) => {
      state.by = settings.find((setting) => setting.name === name) || null;
      state.group = null;
      update();
    }),
    numberInput("Position error below (cm)", "error-cut", (value) => { state.errorCm = value === null ? Infinity : value; update(); }));
  fill("filters", ...settings.map(filterOf),
    about.left_out.length ? make("p", { class: "small" }, `No filter for ${about.left_out.join(", ")}: words with too many values.`) : null);
  fill("table-controls",
    numberInput("best above", "best-cut", (value) => { state.best = value === null ? -Infinity : value; state.page = 0; listNetworks(); }),
    make("label", {}, make("input", { type: "checkbox", id: "only-maps", onchange: (event) => { state.onlyMaps = event.target.checked; state.page = 0; listNetworks(); } }), "with maps here"),
    make("label", {}, make("input", { type: "checkbox", id: "every-status", onchange: (event) => { state.everyStatus = event.target.checked; state.page = 0; listNetworks(); } }), "also without scores"),
    make("span", { class: "small" }, "These choose rows of the table; curves are never cut by score."));
  fill("network", make("p", { class: "small" }, "Click a curve to list its networks, a network to see its maps."));
  const heads = ["sweep", "planned", "completed", "diverged", "failed", "missing"];
  const withMaps = Object.keys(data.maps.networks).length;
  fill("provenance",
    make("p", {}, `Rate maps: of ${counted(withMaps, "network")} (at most ${whole(data.maps.most_networks)}, from each group by turns, the best first), at most ${data.maps.most_units} units each, in 8 bits. Scores: counts between thresholds for each network.`),
    ...about.notes.map((note) => make("p", {}, note)),
    make("div", { class: "wide" }, make("table", { id: "sweeps" }, make("thead", {}, make("tr", {}, ...heads.map((words, i) => make("th", { class: i ? null : "text" }, words)))),
      make("tbody", {}, ...about.sweeps.map((sweep) => make("tr", {}, ...heads.map((name, i) => make("td", { class: i ? null : "text" }, i ? whole(sweep[name]) : sweep[name]))))))),
    make("p", { class: "small" }, "A run of two sweeps counts in both. Runs of the null are planned, too."),
    about.command ? make("p", {}, "Made by ", make("code", {}, about.command)) : null);
  update();
  let resized = 0;
  addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => { drawPanel("linear", false); drawPanel("log", true); }, 120); });
}
start();
})();
