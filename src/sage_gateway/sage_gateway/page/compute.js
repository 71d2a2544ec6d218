// Who gets how much compute, how far each plugin is trusted, and plugins by hand.

import * as api from "./api.js";
import { colour, sparkline } from "./charts.js";
import { byId, h, part, reconcile, say } from "./dom.js";
import { attempt, graph, guard, toast } from "./shared.js";
import { fixed, percent, whole } from "./words.js";

const HUES = ["hue-1", "hue-2", "hue-3", "hue-4", "hue-5", "hue-6"];
const REFRESHED_S = 20;

let installed = [];
let answers = new Map();
let budget = null;
let job = null;
let untilRefreshS = 0;

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
  for (const row of byId("plugins").children) {
    const values = points.slice(-180).map((point) => point.trust?.[row.dataset.key] ?? null);
    sparkline(part(row, "trust-line"), values, { fill: false, ink: colour(row.hue) });
  }
}

export function take(newest) {
  budget = newest;
  const { spent_atp: spent, budget_atp: whole_atp, cycle_ms: cycle, rating } = newest;
  const rated = rating < 1 ? `; the processor keeps ${percent(rating)} of the budget` : "";
  say(byId("budget-words"),
    `${whole(spent)} of ${whole(whole_atp)} ATP spent in ${whole(cycle)} ms${rated}`);
  byId("no-plugins").hidden = newest.plugins.length > 0;
  reconcile(byId("plugins"), newest.plugins, (plugin) => plugin.name, makeRow, updateRow);
  const split = byId("budget-split");
  reconcile(split, newest.plugins, (plugin) => plugin.name, () => h("i"), (bar, plugin) => {
    bar.style.flex = `0 0 ${whole_atp ? (100 * plugin.spent_atp) / whole_atp : 0}%`;
    bar.style.background = `var(--${hueOf(plugin.name)})`;
    bar.title = `${plugin.name}: ${whole(plugin.spent_atp)} ATP`;
  });
  split.setAttribute("aria-label", newest.plugins
    .map((plugin) => `${plugin.name} spent ${whole(plugin.spent_atp)} ATP`).join(", "));
}

export function takeRefinement(done) {
  answers.set(done.plugin, done);
  if (budget) take(budget);
}

export function takeJob(found) {
  if (found.kind !== "refine" || found.job !== job) return;
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
    h("span", { class: "answer", "data-part": "answer" }));
  guard(row);
  return row;
}

function updateRow(row, plugin) {
  row.hue = hueOf(plugin.name);
  part(row, "swatch").style.background = `var(--${row.hue})`;
  say(part(row, "state"), plugin.state.replace("_", " "));
  say(part(row, "trust"), fixed(plugin.trust));
  const about = installed.find((other) => other.name === plugin.name);
  part(row, "trust").title = about?.trust_reason ?? "";
  const newest = answers.get(plugin.name);
  const said = newest?.answer || newest?.labels.join(", ") || about?.meaning || "";
  const failed = plugin.failures ? `, ${plugin.failures} failures` : "";
  say(part(row, "answer"), `${said}${said ? " · " : ""}${whole(plugin.spent_atp)} of `
    + `${whole(plugin.allocated_atp)} ATP in ${plugin.steps} steps${failed}`
    + `${about?.trust_reason ? ` · trust: ${about.trust_reason}` : ""}`);
}

async function refine(event) {
  event.preventDefault();
  say(byId("refined"), "Ordered");
  try {
    const started = await api.refine({
      plugin: byId("refine-plugin").value,
      modality: byId("refine-modality").value,
      budget_atp: Number(byId("refine-budget").value),
    });
    job = started.job;
  } catch (error) {
    say(byId("refined"), "");
    toast(error.message, "error");
  }
}
