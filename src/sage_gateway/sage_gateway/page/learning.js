// What was learned over hours and days, and where the time of a cycle goes.

import * as api from "./api.js";
import { colour, fresh, lettering } from "./charts.js";
import { byId, h, part, reconcile, say } from "./dom.js";
import { graph } from "./shared.js";
import { fixed, graphNow, percent } from "./words.js";

const HUES = 6;
const LEARNED_EVERY_S = 300;
const CYCLE_EVERY_S = 15;
const MOST_PARTS = 6;
const HOUR_S = 3600;
const SCALE_PX = 24; // room for the figures beside the lines
// of: the periods' fields whose names share their colours. Judgements are rare: their dots are joined.
const CHARTS = [
  { name: "Trust of each plugin", read: (period) => period.trust, of: ["trust", "steps"], top: () => 1, digits: 2 },
  { name: "Steps a refinement run", read: (period) => period.steps, of: ["trust", "steps"], top: (most) => Math.max(Math.ceil(most), 1), digits: 1 },
  { name: "Weight of each modality", read: (period) => period.weights, of: ["weights"], top: () => 1, digits: 2 },
  { name: "Mean reward", read: (period) => (period.reward === null ? {} : { reward: period.reward }), of: [], top: () => 1, low: -1, digits: 2, isRare: true },
];

let learned = { hours: [], days: [] };
let by = "hours";
let at = null; // the period that is read off; null: the newest
let theme = "";
let untilLearnedS = 0;
let untilCycleS = 0;

export function start() {
  for (const kind of ["hours", "days"]) {
    byId(`by-${kind}`).addEventListener("click", () => {
      [by, at] = [kind, null];
      for (const other of ["hours", "days"]) byId(`by-${other}`).setAttribute("aria-pressed", String(other === kind));
      draw();
    });
  }
  draw();
}

export async function refresh() {
  untilLearnedS = LEARNED_EVERY_S;
  try {
    learned = await api.learning();
  } catch (error) {
    say(byId("learning-words"), error.message);
    return;
  }
  await refreshCycle();
  draw();
}

export function tick() {
  untilLearnedS -= 1;
  untilCycleS -= 1;
  if (theme !== document.documentElement.dataset.theme) draw();
  if (graph.offline) return;
  if (untilLearnedS <= 0) refresh();
  else if (untilCycleS <= 0) refreshCycle();
}

// Again after a change of size or colours.
export function draw() {
  theme = document.documentElement.dataset.theme;
  const periods = learned[by];
  byId("learning-charts").hidden = !periods.length;
  say(byId("learning-words"), words(periods));
  reconcile(byId("learning-charts"), CHARTS, (chart) => chart.name, makeChart, drawChart);
}

function words(periods) {
  const unit = by === "hours" ? "hour" : "day";
  if (!periods.length) return "Nothing is kept yet: a history begins once the graph has run for a second, and outlives restarts.";
  const read = at === null ? "" : `; shown: ${when(periods[at])}`;
  const judged = periods.reduce((sum, period) => sum + period.outcomes, 0);
  const outcomes = `${judged} outcome${judged === 1 ? "" : "s"} judged`;
  return `Since ${when(periods[0])}, ${periods.length} ${unit}${periods.length === 1 ? "" : "s"} of history, ${outcomes}${read}`;
}

function when({ start_s: startS }) {
  const time = new Date(1000 * startS);
  const day = time.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...(by === "days" && { timeZone: "UTC" }) });
  if (by === "days") return day;
  const hour = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return graphNow() - startS < 24 * HOUR_S ? hour : `${day}, ${hour}`;
}

function makeChart(chart) {
  const canvas = h("canvas", { "data-part": "lines", tabindex: "0", role: "slider", "aria-label": chart.name,
    "aria-valuemin": "0", onkeydown: readOff,
    onpointermove: (event) => moveTo(nearest(canvas, event.offsetX)), onpointerleave: () => moveTo(null) });
  return h("figure", {}, h("figcaption", { class: "eyebrow", text: chart.name }), canvas,
    h("div", { class: "axis" }, h("span", { "data-part": "from" }), h("span", { "data-part": "to" })),
    h("ul", { class: "legend small", "data-part": "legend" }));
}

function readOff(event) {
  const last = learned[by].length - 1;
  const now = at ?? last;
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  moveTo(Math.min(Math.max(to, 0), last));
}

function moveTo(index) {
  if (index === at) return;
  at = index;
  draw();
}

// Periods in which nothing ran are gaps, so places follow time.
function placesOf(periods) {
  const first = periods[0].start_s;
  const span = periods[periods.length - 1].start_s - first;
  return periods.map((period) => (span ? (period.start_s - first) / span : 1));
}

// The place of the next period, if there were one.
function stepOf(periods) {
  const span = periods[periods.length - 1].start_s - periods[0].start_s;
  return ((by === "hours" ? 1 : 24) * HOUR_S) / span;
}

function nearest(canvas, x) {
  const wanted = (x - 4) / (canvas.clientWidth - 8 - SCALE_PX);
  const away = placesOf(learned[by]).map((place) => Math.abs(place - wanted));
  return away.indexOf(Math.min(...away));
}

function drawChart(figure, chart) {
  const periods = learned[by];
  if (!periods.length) return;
  const values = periods.map(chart.read);
  const inOrder = [...new Set([...graph.modalities, ...periods.flatMap((period) => chart.of.flatMap((field) => Object.keys(period[field]))).sort()])];
  const known = inOrder.filter((name) => !chart.of.length || periods.some((period) => chart.of.some((field) => name in period[field])));
  const hueOf = (name) => `hue-${1 + (Math.max(known.indexOf(name), 0) % HUES)}`;
  const found = new Set(values.flatMap(Object.keys));
  const names = chart.of.length ? known.filter((name) => found.has(name)) : [...found];
  const shown = at ?? periods.length - 1;
  const canvas = part(figure, "lines");
  const top = chart.top(Math.max(0, ...values.flatMap(Object.values)));
  const series = names.map((name) => ({ ink: colour(hueOf(name)), values: values.map((value) => value[name] ?? null) }));
  lines(canvas, placesOf(periods), series, { low: chart.low ?? 0, top, isRare: chart.isRare, step: stepOf(periods) });
  say(part(figure, "from"), periods.length > 1 ? when(periods[0]) : "");
  say(part(figure, "to"), when(periods[periods.length - 1]));
  const said = names.map((name) => ({ name, value: values[shown][name] }));
  canvas.setAttribute("aria-valuemax", String(periods.length - 1));
  canvas.setAttribute("aria-valuenow", String(shown));
  canvas.setAttribute("aria-valuetext", `${when(periods[shown])}: ${said.map(({ name, value }) => `${name} ${shownOf(value, chart)}`).join(", ") || "nothing"}`);
  const legend = part(figure, "legend");
  const rows = said.length ? said : [{ name: "none in this time" }];
  reconcile(legend, rows, (row) => row.name, (row) => h("li", {}, h("span", { class: "swatch" }),
    h("span", { text: row.name }), h("span", { class: "number", "data-part": "value" })), (row, { name, value }) => {
    row.firstChild.hidden = !said.length;
    row.firstChild.style.background = `var(--${hueOf(name)})`;
    say(part(row, "value"), said.length ? shownOf(value, chart) : "");
  });
}

const shownOf = (value, { digits }) => (value === undefined ? "–" : fixed(value, digits));

// A line is broken where a period is missing; a value without neighbours is a dot.
function lines(canvas, places, series, { low, top, isRare, step }) {
  const { context, width, height } = fresh(canvas);
  if (!width) return;
  const x = (place) => 4 + place * (width - 8 - SCALE_PX);
  const y = (value) => height - 4 - ((value - low) / (top - low)) * (height - 8);
  scale(context, width, [low, (low + top) / 2, top], y);
  if (at !== null) {
    context.strokeStyle = colour("line-strong");
    context.beginPath();
    context.moveTo(x(places[at]), 0);
    context.lineTo(x(places[at]), height);
    context.stroke();
  }
  for (const { ink, values } of series) {
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = 1.8;
    context.lineJoin = "round";
    for (const run of runsOf(values, places, isRare ? Infinity : 1.5 * step)) {
      context.beginPath();
      for (const index of run) context.lineTo(x(places[index]), y(values[index]));
      context.stroke();
      for (const index of run) {
        if (!isRare && run.length > 1 && index !== at) continue;
        context.beginPath();
        context.arc(x(places[index]), y(values[index]), isRare ? 2 : 3, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }
}

function runsOf(values, places, farthest) {
  const found = [];
  let last = null;
  values.forEach((value, index) => {
    if (value === null) return;
    const goesOn = last !== null && (farthest === Infinity || (last === index - 1 && places[index] - places[last] <= farthest));
    if (goesOn) found[found.length - 1].push(index);
    else found.push([index]);
    last = index;
  });
  return found;
}

function scale(context, width, levels, y) {
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  context.fillStyle = colour("ink-soft");
  context.font = lettering(400, 10);
  context.textAlign = "right";
  context.beginPath();
  levels.forEach((level) => {
    context.moveTo(0, y(level));
    context.lineTo(width - SCALE_PX, y(level));
    context.fillText(String(level), width, y(level) + 3.5);
  });
  context.stroke();
}

async function refreshCycle() {
  untilCycleS = CYCLE_EVERY_S;
  try {
    showCycle(await api.cycle());
  } catch (error) {
    say(byId("cycle-words"), error.message);
  }
}

function showCycle({ modality, salience, refinement }) {
  byId("cycle").hidden = !salience;
  if (!salience) return;
  const on = refinement ? `; on to a plugin's result ${timeOf(refinement.p50_ms)}, p99 ${timeOf(refinement.p99_ms)}` : "";
  say(byId("cycle-words"), `From a sample of ${modality} to fused salience: ${timeOf(salience.p50_ms)}, p99 ${timeOf(salience.p99_ms)}${on}`);
  const parts = salience.parts.slice(0, MOST_PARTS);
  const hues = new Map(parts.map(({ stage }, number) => [stage, `var(--hue-${1 + (number % HUES)})`]));
  const split = byId("cycle-split");
  reconcile(split, parts, ({ stage }) => stage, () => h("i"), (bar, { stage, share }) => {
    bar.style.flex = `0 0 ${100 * share}%`;
    bar.style.background = hues.get(stage);
  });
  split.setAttribute("aria-label", parts.map(({ stage, share }) => `${stage} ${percent(share)}`).join(", "));
  reconcile(byId("cycle-parts"), parts, ({ stage }) => stage, ({ stage }) => h("li", {}, h("span", { class: "swatch" }),
    h("span", { text: stage }), h("span", { class: "number", "data-part": "value" })), (row, { stage, share, p50_ms: p50, p99_ms: p99 }) => {
    row.firstChild.style.background = hues.get(stage);
    const times = p50 === null ? "" : `, ${timeOf(p50)}, p99 ${timeOf(p99)}`;
    say(part(row, "value"), `${percent(share)}${times}`);
  });
  const further = refinement ? ` On to the result: ${refinement.bottleneck}.` : "";
  say(byId("cycle-relief"), `Bottleneck: ${salience.bottleneck}.${further}`.replaceAll("`", ""));
}

const timeOf = (ms) => (ms < 1000 ? `${fixed(ms, ms < 10 ? 1 : 0)} ms` : `${fixed(ms / 1000, 1)} s`);
