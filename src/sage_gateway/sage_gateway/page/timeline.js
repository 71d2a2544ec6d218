// The last 10 minutes of fused salience: what stood out is marked, and any moment can be explained.

import { colour, fresh, heat, lettering } from "./charts.js";
import { byId, h, icon, reconcile, say } from "./dom.js";
import { explainMoment } from "./explain.js";
import { clock, fixed, graphNow, headline, iconOf } from "./words.js";

const SPANS_S = [120, 300, 600]; // the shortest that holds all that is known
const KEPT_S = 600;
const STANDS_OUT = 0.5;
const APART_S = 8;
const MARK_PX = 26; // marks do not hide each other
const TOP_PX = 26; // room for the marks
const STRIP_PX = 16; // the metabolic states
const HINT = "Choose a mark, or any moment, to have it explained.";
const STATES = { WAKE: "accent", FOCUS: "hot", REST: "line-strong", DREAM: "dream", CRISIS: "bad" };

let points = [];
let cursorS = null;
let spanS = SPANS_S[0];

export function start() {
  const canvas = byId("timeline");
  canvas.addEventListener("pointermove", (event) => point(timeAt(event)));
  canvas.addEventListener("pointerleave", () => point(null));
  canvas.addEventListener("click", (event) => explainNear(timeAt(event)));
  canvas.addEventListener("keydown", steer);
  canvas.addEventListener("blur", () => point(null));
  new ResizeObserver(() => draw()).observe(canvas);
  say(byId("timeline-words"), HINT);
}

export function load(history) {
  points = history.points;
}

export function take(newest) {
  points.push(newest);
  while (points.length && points[0].time_s < newest.time_s - KEPT_S) points.shift();
}

export const recent = () => points;

// Maxima of what stood out, the strongest first, apart from each other in time.
function moments(apartS) {
  const found = points.filter((item) => item.total !== null && item.total >= STANDS_OUT)
    .sort((one, other) => other.total - one.total);
  const kept = [];
  for (const item of found) {
    if (kept.every((other) => Math.abs(other.time_s - item.time_s) > apartS)) kept.push(item);
  }
  return kept.sort((one, other) => one.time_s - other.time_s);
}

function endS() {
  return points.length ? Math.max(points[points.length - 1].time_s, graphNow() - 2) : graphNow();
}

// The span, and its name and scale where it changes.
function fit(end) {
  const known = points.length ? end - points[0].time_s : 0;
  spanS = SPANS_S.find((span) => known <= span) ?? KEPT_S;
  say(byId("timeline-title"), `The last ${spanS / 60} minutes`);
  const axis = [1, 0.75, 0.5, 0.25, 0].map((share) => (share * spanS) / 60);
  reconcile(byId("axis"), axis, (minutes) => minutes, () => h("span"), (label, minutes) => {
    say(label, minutes ? `${minutes} min${minutes === spanS / 60 ? " ago" : ""}` : "now");
  });
  byId("timeline").setAttribute("aria-valuemin", String(-spanS));
}

export function draw() {
  const { context, width, height } = fresh(byId("timeline"));
  if (!width) return;
  const end = endS();
  fit(end);
  const low = height - STRIP_PX - 4;
  const x = (timeS) => width * (1 - (end - timeS) / spanS);
  const y = (value) => low - value * (low - TOP_PX);
  drawLevels(context, width, y);
  const bar = Math.max(width / spanS - (spanS < KEPT_S ? 1 : 0), 1);
  const inks = [0, 0.25, 0.5].map(heat);
  for (const item of points) {
    if (item.total === null) continue;
    context.fillStyle = inks[item.total >= 0.5 ? 2 : item.total >= 0.25 ? 1 : 0];
    context.globalAlpha = item.total >= STANDS_OUT ? 1 : 0.75;
    const top = y(Math.max(item.total, 0.012));
    context.fillRect(x(item.time_s) - bar, top, bar + 0.2, low - top);
  }
  context.globalAlpha = 1;
  drawStates(context, x, bar, height);
  if (cursorS !== null) {
    context.fillStyle = colour("ink");
    context.fillRect(x(cursorS) - 0.5, TOP_PX - 6, 1, low - TOP_PX + 6);
  }
  drawMarks(x, width, y);
}

function drawLevels(context, width, y) {
  context.strokeStyle = colour("line");
  context.fillStyle = colour("ink-soft");
  context.font = lettering(400, 11);
  for (const level of [0, 0.5, 1]) {
    context.setLineDash(level === 0.5 ? [3, 4] : []);
    context.beginPath();
    context.moveTo(0, Math.round(y(level)) + 0.5);
    context.lineTo(width, Math.round(y(level)) + 0.5);
    context.stroke();
    if (level) context.fillText(level.toFixed(1), 2, y(level) - 3);
  }
  context.setLineDash([]);
}

function drawStates(context, x, bar, height) {
  const runs = [];
  for (const item of points) {
    const last = runs[runs.length - 1];
    if (last?.state === item.state) last.end = item.time_s;
    else runs.push({ state: item.state, start: item.time_s, end: item.time_s });
  }
  context.font = lettering(600, 10);
  for (const { state, start, end } of runs) {
    if (!state) continue;
    const [left, wide] = [x(start) - bar, x(end) - x(start) + bar];
    context.globalAlpha = 0.25;
    context.fillStyle = colour(STATES[state] ?? "line-strong");
    context.fillRect(left, height - STRIP_PX, wide, STRIP_PX);
    context.globalAlpha = 1;
    context.fillStyle = colour("ink");
    if (wide > context.measureText(state).width + 10) context.fillText(state, left + 5, height - 4);
  }
}

function drawMarks(x, width, y) {
  const apartS = Math.max(APART_S, (spanS * MARK_PX) / width);
  const shown = moments(apartS).filter((item) => x(item.time_s) > 10);
  reconcile(
    byId("marks"), shown, (item) => item.stamp_s,
    (item) => {
      const words = `${clock(item.stamp_s)}, salience ${fixed(item.total)}: `
        + `${headline(item.total, item.reason, item.dominant)} (${item.reason})`;
      const mark = h("button", { type: "button", title: words, "aria-label": `Explain ${words}`,
        onclick: () => explainMoment(item.stamp_s) });
      mark.append(icon(iconOf(item.dominant)));
      return mark;
    },
    (mark, item) => {
      mark.style.left = `${Math.min(x(item.time_s), width - 12)}px`;
      mark.style.top = `${y(item.total)}px`;
    },
  );
}

function timeAt(event) {
  const box = byId("timeline").getBoundingClientRect();
  return endS() - spanS * (1 - (event.clientX - box.left) / box.width);
}

function nearest(timeS) {
  const known = points.filter((item) => item.stamp_s !== null);
  return known.reduce((best, item) =>
    (!best || Math.abs(item.time_s - timeS) < Math.abs(best.time_s - timeS) ? item : best), null);
}

function point(timeS) {
  const item = timeS === null ? null : nearest(timeS);
  cursorS = item && Math.abs(item.time_s - timeS) < 5 ? item.time_s : timeS;
  const words = item && cursorS === item.time_s
    ? `${clock(item.stamp_s)} · ${fixed(item.total ?? 0)} · ${item.reason}`
    : timeS === null ? HINT : `${clock(timeS)} · nothing is known of it`;
  say(byId("timeline-words"), words);
  byId("timeline").setAttribute("aria-valuetext", words);
  byId("timeline").setAttribute("aria-valuenow", String(Math.round((timeS ?? endS()) - endS())));
  draw();
}

function explainNear(timeS) {
  const item = nearest(timeS);
  if (item && Math.abs(item.time_s - timeS) < 5) explainMoment(item.stamp_s);
  else say(byId("timeline-words"), `${clock(timeS)} · nothing is known of it`);
}

function steer(event) {
  const steps = { ArrowLeft: -5, ArrowRight: 5, PageUp: -60, PageDown: 60 };
  if (event.key in steps) {
    const wanted = (cursorS ?? endS()) + steps[event.key];
    point(Math.min(Math.max(wanted, endS() - spanS), endS()));
  } else if (event.key === "Enter" || event.key === " ") explainNear(cursorS ?? endS());
  else return;
  event.preventDefault();
}
