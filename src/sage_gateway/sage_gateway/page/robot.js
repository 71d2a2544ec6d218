// The condition of robot and graph: state, energy, pressure, board, sleep, alerts.

import * as api from "./api.js";
import { sparkline } from "./charts.js";
import { byId, h, icon, part, reconcile, say } from "./dom.js";
import { attempt, graph } from "./shared.js";
import { ago, clock, fixed, percent, whole } from "./words.js";

const PRESSURES = ["green", "yellow", "orange", "red", "critical"];
const MOST_NOTICES = 2;
const BAD = ["error", "ended", "silent"];

let state = null;
let pressure = null;
let alerts = [];
let sleepJob = null;

export function start() {
  byId("sleep").addEventListener("click", async () => {
    if (sleepJob) {
      attempt(() => api.cancelJob(sleepJob));
      return;
    }
    await attempt(api.sleep, () => "Sleep was ordered");
  });
  drawTiles([]);
}

export function takeState(newest) {
  state = newest;
  const pill = byId("state-pill");
  pill.hidden = false;
  say(pill, newest.state);
  pill.title = newest.reason;
}

export function takePressure(newest) {
  pressure = newest;
}

export function tick(points) {
  drawTiles(points);
  for (const row of byId("alerts").children) say(row.firstChild, ago(row.item.since_s));
}

const absent = (words) => ({ absent: words });
const WAITING = absent("not heard of yet");

function tiles() {
  const board = (value, show, what) => {
    if (!pressure) return WAITING;
    return value === null ? absent(`${what} is not reported by this board`) : show(value);
  };
  const memory = pressure?.processes.reduce((sum, item) => sum + item.pss_mb, 0);
  const largest = [...(pressure?.processes ?? [])].sort((one, other) => other.pss_mb - one.pss_mb);
  return [
    { name: "Metabolic state", ...stateTile() },
    { name: "Energy reserve", ...energyTile(), series: "energy_reserve", top: 1 },
    { name: "Memory pressure", ...(pressure ? { big: pressure.level, words: pressure.reason } : WAITING),
      series: (point) => (point.pressure ? PRESSURES.indexOf(point.pressure) : null), top: 4 },
    { name: "Memory available", ...board(pressure?.available_mb,
      (mb) => ({ big: `${whole(mb)} MB`, words: stalls() }), "Free memory") },
    { name: "Memory of the graph", ...(pressure ? { big: `${whole(memory)} MB`,
      words: largest.slice(0, 3).map((item) => `${item.name} ${whole(item.pss_mb)} MB`).join(", ") } : WAITING) },
    { name: "Temperature", ...board(pressure?.temperature_c,
      (value) => ({ big: `${fixed(value, 1)} °C`, words: "of the hottest zone" }), "Temperature"),
      series: "temperature_c", top: 100 },
    { name: "Power", ...board(pressure?.power_w, (value) => ({ big: `${fixed(value, 1)} W`, words: "of the board" }), "Power"),
      series: "power_w", top: 60 },
    { name: "Processor clock", ...board(pressure?.clock_mhz,
      (value) => ({ big: `${whole(value)} MHz`, words: "mean of the processors" }), "The clock") },
    { name: "GPU memory", ...(!pressure ? WAITING : pressure.gpu_used_mb === null ? absent("there is no GPU")
      : { big: `${whole(pressure.gpu_used_mb)} MB`, words: `of ${whole(pressure.gpu_total_mb)} MB` }) },
  ];
}

function stateTile() {
  if (!state) return WAITING;
  const forced = state.forced_until_s ? `; forced until ${clock(state.forced_until_s)}` : "";
  const before = state.transitions.length ? `, before that ${state.previous}` : "";
  return { big: state.state, words: `${state.reason}; since ${clock(state.since_s)}${before}${forced}` };
}

function energyTile() {
  if (!state) return WAITING;
  if (state.energy_fault) return { ...absent("the battery is not believed"), words: state.energy_fault };
  return { big: percent(state.energy_reserve),
    words: `by ${state.energy_source}${state.charging ? ", charging" : ""}` };
}

function stalls() {
  if (pressure.some_avg10 === null) return "the kernel does not report stalls";
  return `tasks stalled on memory for ${fixed(pressure.some_avg10, 1)} % of the last 10 s`;
}

function drawTiles(points) {
  reconcile(byId("tiles"), tiles(), (tile) => tile.name, makeTile, (element, tile) => {
    const big = part(element, "big");
    say(big, tile.absent ?? tile.big);
    big.classList.toggle("absent", Boolean(tile.absent));
    say(part(element, "words"), tile.words ?? "");
    const line = part(element, "line");
    const read = typeof tile.series === "string" ? (point) => point[tile.series] ?? null : tile.series;
    const values = read && !tile.absent ? points.map(read) : [];
    line.hidden = values.filter((value) => value !== null).length < 2;
    if (!line.hidden) sparkline(line, values, { top: tile.top });
  });
}

function makeTile({ name }) {
  return h("div", { class: "card tile" },
    h("h3", { class: "eyebrow", text: name }),
    h("p", { class: "big", "data-part": "big" }),
    h("p", { class: "small soft", "data-part": "words" }),
    h("canvas", { "data-part": "line", "aria-hidden": "true", hidden: true }));
}

export function takeJob(job) {
  if (job.kind !== "sleep") return;
  const running = job.state === "running";
  sleepJob = running ? job.job : null;
  byId("sleep").lastChild.data = running ? "End sleep" : "Sleep now";
  say(byId("sleep-words"), running ? `Asleep: ${job.message}` : `Sleep ${job.state}: ${job.message}`);
  const bar = byId("sleep-progress");
  bar.hidden = !running;
  bar.firstChild.style.transform = `scaleX(${job.progress ?? 0})`;
  bar.setAttribute("aria-valuenow", String(Math.round(100 * (job.progress ?? 0))));
}

export function takeAlerts(newest) {
  alerts = newest.alerts;
  byId("no-alerts").hidden = alerts.length > 0;
  reconcile(byId("alerts"), alerts, (alert) => alert.name, () => h("li", {},
    h("span", { class: "number" }), h("span", { "data-part": "words" })), (row, alert) => {
    row.item = alert;
    say(row.firstChild, ago(alert.since_s));
    say(part(row, "words"), `${alert.level}: ${inWords(alert)}`);
  });
  drawNotices();
}

// The cause, and what is at fault only because of it.
function inWords({ name, message, consequences }) {
  const follow = consequences.length ? `; therefore at fault: ${consequences.join(", ")}` : "";
  return `${name}: ${message}${follow}`;
}

// Connection and read-only mode first, then what is worst in the graph.
export function drawNotices() {
  const shown = [...(graph.notices ?? [])];
  const grave = alerts.filter((alert) => BAD.includes(alert.level));
  for (const alert of grave.slice(0, MOST_NOTICES)) {
    shown.push({ level: "error", words: inWords(alert) });
  }
  const more = grave.length - MOST_NOTICES;
  if (more > 0) shown.push({ level: "error", words: `${more} more at fault: see Alerts, at the end of this page` });
  reconcile(byId("notices"), shown, (notice) => notice.words, (notice) =>
    h("div", { class: "notice", "data-level": notice.level }, icon("warn"), h("p", { text: notice.words }), notice.form ?? null),
  () => {});
}
