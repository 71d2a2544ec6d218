// The page of one graph: what comes by the stream goes to the part that shows it.

import * as api from "./api.js";
import * as compute from "./compute.js";
import { byId, h, say } from "./dom.js";
import * as learning from "./learning.js";
import { Live } from "./live.js";
import * as memory from "./memory.js";
import * as noticed from "./noticed.js";
import * as now from "./now.js";
import * as robot from "./robot.js";
import { block, graph, toast } from "./shared.js";
import * as timeline from "./timeline.js";
import { setClock } from "./words.js";

const READ_ONLY = "read-only: this gateway does not allow actions (its parameter allow_actions)";
const PILLS = { live: "ok", connecting: "", lost: "bad", ended: "warn", locked: "bad" };

const live = new Live({
  hello: greet,
  salience: now.takeSalience,
  attention: now.takeAttention,
  camera: now.takeCamera,
  puzzles: now.takePuzzles,
  budget: compute.take,
  state: robot.takeState,
  pressure: robot.takePressure,
  alerts: robot.takeAlerts,
  history: (point) => {
    timeline.take(point);
    now.takeHistory(point);
  },
  experience: (kept) => {
    memory.take(kept);
    noticed.take(kept);
  },
  sources: now.takeSources,
  refinement: (done) => {
    noticed.takeRefinement(done);
    now.takeRefinement(done);
    compute.takeRefinement(done);
  },
  job: (job) => {
    compute.takeJob(job);
    robot.takeJob(job);
  },
  connection: connected,
});

async function greet(hello) {
  setClock(hello.time_s);
  graph.hello = hello;
  graph.modalities = hello.modalities;
  block(hello.allow_actions ? "" : READ_ONLY);
  graph.notices = hello.allow_actions ? [] : [{ level: "info", words: `This page is ${READ_ONLY}.` }];
  robot.drawNotices();
  const sensors = Object.entries(hello.sensors).map(([name, what]) => `${name}: ${what}`);
  say(byId("about"), `SAGE ${hello.version}, graph ${hello.namespace}. ${sensors.join("; ")}`);
  document.title = `SAGE ${hello.namespace}`;
  try {
    const [past, kept] = await Promise.all([api.history(), api.experiences()]);
    timeline.load(past);
    memory.load(kept);
    noticed.load(kept);
  } catch (error) {
    toast(error.message, "error");
  }
  compute.refresh();
  learning.refresh();
  tick();
}

function connected({ state, waitS, message, ended }) {
  const pill = byId("connection");
  const again = `trying again in ${waitS} s`;
  say(pill, { live: "live", connecting: "connecting", lost: "connection lost", ended: "graph has ended", locked: "token needed" }[state]);
  pill.dataset.level = PILLS[state];
  graph.offline = state !== "live";
  byId("now").classList.toggle("stale", ["lost", "ended", "locked"].includes(state));
  if (state === "live" || (state === "connecting" && !graph.hello)) return;
  if (state !== "connecting") block("not connected to the graph");
  const words = {
    lost: `The connection to the graph is lost${message ? ` (${message})` : ""}; ${again}. What is shown is the last that was heard.`,
    ended: `The graph has ended: ${ended}. This page connects again when it runs; ${again}.`,
    locked: "This page needs the token of its gateway. Open the address that `sage run --page` prints, or enter the token here.",
  }[state];
  if (words) graph.notices = [{ level: "error", words, form: state === "locked" ? tokenForm() : null }];
  robot.drawNotices();
}

function tokenForm() {
  const field = h("input", { type: "password", autocomplete: "off", "aria-label": "Token" });
  return h("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    enter(field.value.trim());
  } }, field, h("button", { class: "main", type: "submit", text: "Enter" }));
}

async function enter(token) {
  try {
    await api.logIn(token);
  } catch (error) {
    toast(error.message, "error");
  }
  live.open();
}

function tick() {
  const points = timeline.recent();
  now.tick(points);
  timeline.draw();
  memory.tick();
  noticed.tick();
  compute.tick(points);
  learning.tick();
  robot.tick(points);
}

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  tick();
});

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => document.body.append(byId("toasts")));
}

const sections = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    document.querySelector(`nav a[href="#${target.id}"]`)?.setAttribute("aria-current", String(isIntersecting));
  }
}, { rootMargin: "-25% 0px -65% 0px" });
document.querySelectorAll("main > section").forEach((section) => sections.observe(section));

for (const part of [timeline, memory, compute, learning, robot]) part.start();
addEventListener("resize", learning.draw);
now.start(live);
setInterval(() => document.hidden || tick(), 1000);

const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  history.replaceState(null, "", "/");
  enter(token);
} else live.open();
