// Who gets how much compute, how far each plugin is trusted, and plugins by hand.

import * as api from "./api.js";
import { colour, sparkline } from "./charts.js";
import { byId, h, part, reconcile, say } from "./dom.js";
import { attempt, graph, guard, toast } from "./shared.js";
import { fixed, percent, whole } from "./words.js";

const HUES = ["hue-1", "hue-2", "hue-3", "hue-4", "hue-5", "hue-6"];
const REFRESHED_S = 20;
const SUMMED_POINTS = 60;

let installed = [];
let answers = new Map();
let budget = null;
let untilRefreshS = 0;
let spentBy = {};

export function start() {
  byId("load").addEventListener("submit", async (event) => {
    event.preventDefault();
    const plugin = byId("load-plugin").value;
    if (plugin && (await attempt(() => api.loadPlugin(plugin)))) refresh();
  });
  byId("refine").addEventListener("submit", refine);
}

export async function refresh() {
  untilRefreshS = REFRESHED_S;
  try {
    installed = (await api.plugins()).plugins;
  } catch (error) {
    say(byId("load-words"), error.message);
    return;
  }
  const loaded = installed.filter((plugin) => plugin.loaded);
  const others = installed.filter((plugin) => !plugin.loaded);
  const loadable = others.filter((plugin) => !plugin.problem);
  options(byId("refine-plugin"), loaded.map((plugin) => plugin.name));
  options(byId("refine-modality"), graph.modalities);
  options(byId("load-plugin"), loadable.map((plugin) => plugin.name));
  const problems = others.filter((plugin) => plugin.problem)
    .map((plugin) => `${plugin.name} cannot be loaded: ${plugin.problem}`);
  say(byId("load-words"), [loadable.length ? "" : "All plugins that can be loaded are.", ...problems]
    .filter(Boolean).join(" "));
  byId("load-button").hidden = byId("load-plugin").hidden = !loadable.length;
  if (budget) take(budget);
}

export function tick(points) {
  untilRefreshS -= 1;
  if (untilRefreshS <= 0 && !graph.offline) refresh();
  sum(points.slice(-SUMMED_POINTS));
  for (const row of byId("plugins").children) {
    const values = points.slice(-180).map((point) => point.trust[row.dataset.key] ?? null);
    sparkline(part(row, "trust-line"), values, { fill: false, ink: colour(row.hue) });
  }
}

// What each plugin spent of what could be spent.
function sum(points) {
  if (!budget) return;
  spentBy = {};
  let couldSpend = 0;
  for (const point of points) {
    couldSpend += point.budget_atp ?? 0;
    for (const [name, atp] of Object.entries(point.spent_by)) spentBy[name] = (spentBy[name] ?? 0) + atp;
  }
  const spent = Object.values(spentBy).reduce((total, atp) => total + atp, 0);
  const rated = budget.rating < 1 ? `; the processor keeps ${percent(budget.rating)} of the budget` : "";
  say(byId("budget-words"), `${whole(spent)} of ${whole(couldSpend)} ATP spent; a cycle has `
    + `${whole(budget.budget_atp)} ATP in ${whole(budget.cycle_ms)} ms${rated}`);
  const split = byId("budget-split");
  reconcile(split, budget.plugins, (plugin) => plugin.name, () => h("i"), (bar, { name }) => {
    bar.style.flex = `0 0 ${couldSpend ? (100 * (spentBy[name] ?? 0)) / couldSpend : 0}%`;
    bar.style.background = `var(--${hueOf(name)})`;
  });
  split.setAttribute("aria-label", budget.plugins
    .map(({ name }) => `${name} spent ${whole(spentBy[name] ?? 0)} ATP`).join(", "));
}

export function take(newest) {
  budget = newest;
  byId("no-plugins").hidden = newest.plugins.length > 0;
  reconcile(byId("plugins"), newest.plugins, (plugin) => plugin.name, makeRow, updateRow);
}

export function takeRefinement(done) {
  answers.set(done.plugin, done);
  if (budget) take(budget);
}

// One runs at a time; its events may come before the answer to the order.
export function takeJob(found) {
  if (found.kind !== "refine") return;
  const { spent_atp: spent, steps } = found.result ?? {};
  const cost = spent === undefined ? "" : ` (${fixed(spent, 1)} ATP, ${steps} steps)`;
  say(byId("refined"), `${found.state}: ${found.message || "at work"}${cost}`);
}

function hueOf(name) {
  const at = budget.plugins.findIndex((plugin) => plugin.name === name);
  return HUES[at % HUES.length];
}

function options(select, names) {
  const before = select.value;
  if ([...select.options].map((option) => option.value).join() === names.join()) return;
  select.replaceChildren(...names.map((name) => h("option", { value: name, text: name })));
  if (names.includes(before)) select.value = before;
}

function makeRow({ name }) {
  const unload = h("button", { type: "button", class: "quiet", "data-acts": true, text: "Unload",
    "aria-label": `Unload ${name}`,
    onclick: async () => (await attempt(() => api.unloadPlugin(name))) && refresh() });
  const row = h("div", { class: "plugin" },
    h("span", { class: "name" }, h("span", { class: "swatch", "data-part": "swatch" }),
      h("span", { text: name }), h("span", { class: "chip", "data-part": "state" })),
    h("span", { class: "trust" }, h("span", { class: "soft", text: "trust" }),
      h("canvas", { class: "trust-line", "data-part": "trust-line", "aria-hidden": "true" }),
      h("span", { class: "number", "data-part": "trust" })),
    unload,
    h("p", { class: "answer", "data-part": "answer" }),
    h("p", { class: "answer soft", "data-part": "cost" }));
  guard(row);
  return row;
}

function updateRow(row, plugin) {
  row.hue = hueOf(plugin.name);
  part(row, "swatch").style.background = `var(--${row.hue})`;
  say(part(row, "state"), plugin.state.replace("_", " "));
  say(part(row, "trust"), fixed(plugin.trust));
  const about = installed.find((other) => other.name === plugin.name);
  const newest = answers.get(plugin.name);
  const said = newest?.answer || newest?.labels.join(", ") || about?.meaning || "";
  const failed = plugin.failures ? `, ${plugin.failures} failures` : "";
  say(part(row, "answer"), said);
  say(part(row, "cost"), `${whole(spentBy[plugin.name] ?? 0)} ATP in the last minute${failed}`
    + `${about?.trust_reason ? `; trust: ${about.trust_reason}` : ""}`);
}

async function refine(event) {
  event.preventDefault();
  say(byId("refined"), "Ordered");
  try {
    await api.refine({
      plugin: byId("refine-plugin").value,
      modality: byId("refine-modality").value,
      budget_atp: Number(byId("refine-budget").value),
    });
  } catch (error) {
    say(byId("refined"), "");
    toast(error.message, "error");
  }
}
