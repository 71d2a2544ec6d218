// What matters now: the moment in words, the picture with what is attended, and every modality.

import * as api from "./api.js";
import * as charts from "./charts.js";
import { byId, h, icon, part, reconcile, say } from "./dom.js";
import { explainMoment } from "./explain.js";
import { attempt, graph } from "./shared.js";
import { QUIET, ago, fixed, graphNow, headline, iconOf, percent, rarity } from "./words.js";

const HELD_S = 4; // a moment stays readable for so long, unless a stronger one comes
const RECOGNISED_S = 12;
const MOST_CHIPS = 2;
const SPARK_POINTS = 180;
const PUZZLE_COLUMNS = 30;
const DIMENSIONS = ["surprise", "novelty", "arousal", "reward", "conflict"];

let held = null;
let newest = null;
let attention = null;
let cameraStampS = null;
let answers = [];
const shown = { grid: true, region: true };

export function start(live) {
  byId("explain-now").addEventListener("click", () => held && explainMoment(held.stamp_s));
  for (const [id, reward] of [["judge-good", 1], ["judge-bad", -1]]) {
    byId(id).addEventListener("click", () => {
      if (held) attempt(() => api.judge({ reward, stamp_s: held.stamp_s }));
    });
  }
  for (const [id, layer] of [["show-grid", "grid"], ["show-region", "region"]]) {
    byId(id).addEventListener("click", (event) => {
      shown[layer] = !shown[layer];
      event.currentTarget.setAttribute("aria-pressed", String(shown[layer]));
      drawOverlay();
    });
  }
  byId("senses").addEventListener("toggle", () => {
    live.carry("puzzles", Boolean(byId("senses").querySelector("details[open]")));
    if (newest) drawSenses();
  }, true);
  new ResizeObserver(drawOverlay).observe(byId("fitted"));
}

// A moment takes the place of one that has faded below it.
function hold(moment) {
  const age = held ? Math.abs(moment.stamp_s - held.stamp_s) : HELD_S;
  const faded = held ? held.total * (1 - Math.min(age / HELD_S, 1)) : 0;
  if (!held || moment.total >= faded || !moment.valid) held = moment;
}

export function takeSalience(salience) {
  newest = salience;
  hold(salience);
  drawWords();
  drawSenses();
  drawOverlay();
}

// The most salient moment of a second may lie between two events of salience.
export function takeHistory(point) {
  if (point.total === null || !held || point.stamp_s === held.stamp_s) return;
  hold({ ...point, valid: true, alarms_per_hour: null });
  if (newest) drawWords();
}

export function takeAttention(found) {
  attention = found;
  drawOverlay();
}

const draw = api.pictures((bitmap) => {
  const canvas = byId("picture");
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    byId("fitted").style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
  }
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  byId("fitted").hidden = false;
  byId("no-picture").hidden = true;
});

export function takeCamera(camera) {
  cameraStampS = camera.stamp_s;
  draw(camera.url);
}

export function takeRefinement(done) {
  if (!done.answer && !done.labels.length) return;
  answers = [done, ...answers.filter((other) => other.plugin !== done.plugin)].slice(0, MOST_CHIPS);
  drawChips();
}

// What a composition of recordings mixes in, in its own words: not what this graph made of it.
export function takeSources({ mixed }) {
  say(byId("played"), mixed && `Played now: ${mixed}`);
  byId("played").title = mixed;
}

export function takePuzzles({ puzzles }) {
  for (const { modality, codes } of puzzles) {
    const row = senseOf(modality);
    if (row) charts.puzzle(part(row, "puzzle"), [...codes].map(Number), PUZZLE_COLUMNS);
  }
}

// Once a second: what fades, and the lines of the last minutes.
export function tick(points) {
  drawChips();
  drawSceneWords();
  if (held) say(byId("eyebrow"), eyebrow());
  for (const modality of graph.modalities) {
    const row = senseOf(modality);
    if (!row) continue;
    const values = points.slice(-SPARK_POINTS).map((point) => point.modalities[modality] ?? null);
    while (values.length < SPARK_POINTS) values.unshift(null);
    charts.sparkline(part(row, "line"), values, { level: 0.5 });
  }
}

const senseOf = (modality) =>
  byId("senses").querySelector(`details[data-key="${CSS.escape(modality)}"]`);

function eyebrow() {
  const when = ago(held.stamp_s);
  const where = held.dominant && held.total >= QUIET ? ` · ${held.dominant}` : "";
  return when === "now" ? `What matters now${where}` : `What mattered ${when}${where}`;
}

function drawWords() {
  say(byId("headline"), headline(held.total, held.reason, held.dominant, held.valid));
  say(byId("why"), held.reason);
  say(byId("eyebrow"), eyebrow());
  say(byId("fused"), held.valid ? fixed(held.total) : "–");
  fill(byId("fused-scale"), held.valid ? held.total : 0);
  byId("fused-scale").dataset.heat = held.total >= 0.5 ? "hot" : held.total >= 0.25 ? "warm" : "";
  byId("fused-scale").setAttribute("aria-label", `Fused salience ${fixed(held.total)} of 1`);
  const live = newest === held || !newest.valid ? "" : `, now ${fixed(newest.total)}`;
  const rare = (held.total >= QUIET && rarity(held.alarms_per_hour)) || "salience over all modalities";
  say(byId("rarity"), `${rare}${live}`);
}

function fill(scale, value) {
  scale.firstElementChild.style.transform = `scaleX(${Math.min(Math.max(value, 0), 1)})`;
}

function drawChips() {
  const recent = answers.filter((done) => graphNow() - done.stamp_s < RECOGNISED_S);
  reconcile(
    byId("recognised"), recent, (done) => done.plugin,
    () => h("span", { class: "chip" }, h("b"), document.createTextNode("")),
    (chip, done) => {
      say(chip.firstChild, `${done.plugin} `);
      chip.lastChild.data = done.answer || done.labels.slice(0, 3).join(", ");
      chip.title = chip.lastChild.data;
    },
  );
}

function drawOverlay() {
  const seen = newest?.modalities.find((item) => item.modality === "vision");
  const grid = shown.grid && seen?.live && seen.grid.length
    ? { rows: seen.grid_rows, columns: seen.grid_columns, values: seen.grid } : null;
  const looks = attention?.valid && attention.modality === "vision";
  if (!byId("fitted").hidden) {
    charts.overlay(byId("overlay"), grid, shown.region && looks ? [attention] : []);
  }
}

function drawSceneWords() {
  if (!graph.hello) return; // what the graph has is not known yet
  const name = graph.hello.camera;
  if (!name) {
    say(byId("no-picture"), "This graph has no camera.");
    say(byId("scene-words"), "No camera");
    return;
  }
  if (cameraStampS === null) {
    say(byId("scene-words"), `No picture from camera ${name} yet`);
    return;
  }
  const late = graphNow() - cameraStampS > 3 ? `, picture from ${ago(cameraStampS)}` : "";
  const words = attention?.valid
    ? `attention on ${attention.modality}${attention.place ? `: ${attention.place}` : ""}, `
      + `confidence ${fixed(attention.confidence)}`
    : "nothing to attend to";
  say(byId("scene-words"), `Camera ${name}${late}; ${words}`);
  byId("picture").setAttribute("aria-label", `Picture of camera ${name}; ${words}`);
}

function drawSenses() {
  reconcile(byId("senses"), newest.modalities, (item) => item.modality, makeSense, updateSense);
}

function makeSense({ modality }) {
  const bars = DIMENSIONS.flatMap((name) => [
    h("dt", { text: name, title: name === "reward" ? "0.5: unknown" : null }),
    h("dd", {}, h("div", { class: "scale thin", "data-part": name }, h("i")),
      h("span", { class: "number", "data-part": `${name}-value` })),
  ]);
  return h("details", { class: "sense" },
    h("summary", {},
      h("span", { class: "name" }, icon(iconOf(modality)), h("span", { text: modality, title: modality })),
      h("canvas", { class: "line", "data-part": "line", "aria-hidden": "true" }),
      h("span", { class: "value number", "data-part": "total" }),
      h("span", { class: "why", "data-part": "reason" })),
    h("div", { class: "more" },
      h("canvas", { class: "puzzle", "data-part": "puzzle", role: "img",
        "aria-label": `Puzzle of ${modality}: what the graph makes of it` }),
      h("dl", { class: "dimensions" }, ...bars,
        h("dt", { class: "soft", text: "weight" }),
        h("dd", { class: "soft" }, h("span", { "data-part": "weight" }), h("span")))));
}

function updateSense(row, item) {
  say(part(row, "total"), item.live ? fixed(item.total) : "–");
  const own = item.reason.startsWith(`${item.modality}: `);
  const reason = own ? item.reason.slice(item.modality.length + 2) : item.reason;
  say(part(row, "reason"), item.live ? reason : "not live: nothing fresh comes from it");
  if (!row.open) return;
  for (const name of DIMENSIONS) {
    const known = item.live && item[name] !== null && item[name] !== undefined;
    fill(part(row, name), known ? item[name] : 0);
    say(part(row, `${name}-value`), known ? fixed(item[name]) : "–");
  }
  const faded = item.habituation ? `, ${percent(item.habituation)} habituated` : "";
  say(part(row, "weight"), item.live ? `${fixed(item.weight)} in fusion${faded}` : "–");
}
