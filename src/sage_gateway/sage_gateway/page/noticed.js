// What was noticed so far: each moment with its time, what it is called, why, a picture and the sound.

import * as api from "./api.js";
import { soundButton } from "./cards.js";
import { byId, h, icon, part, reconcile, say } from "./dom.js";
import { explainMoment } from "./explain.js";
import { ago, fixed, iconOf, noticedTitle, noticedWhy } from "./words.js";

const STANDS_OUT = 0.5;
const APART_S = 3; // kept moments that are nearer belong together
const NAMED_WITHIN_S = 5; // plugins take their time
const MOST = 12;
const MOST_ANSWERS = 60;

let moments = []; // the oldest first: { first, last, strongest, picture, sound }
let answers = [];

export function load({ experiences }) {
  moments = [];
  for (const item of [...experiences].sort((one, other) => one.stamp_s - other.stamp_s)) add(item);
  draw();
  for (const moment of moments) ask(moment);
}

export function take(experience) {
  add(experience);
  draw();
}

// Names come after the moment that they are of.
export function takeRefinement(done) {
  if (!done.labels.length) return;
  answers = [...answers, { stampS: done.stamp_s, modality: done.modality, labels: done.labels }].slice(-MOST_ANSWERS);
  draw();
}

export function tick() {
  for (const row of byId("noticed").children) {
    say(part(row, "when"), ago(row.item.strongest.stamp_s));
  }
}

function add(item) {
  if (item.total < STANDS_OUT || item.covers) return;
  const near = (moment) => item.stamp_s > moment.first - APART_S && item.stamp_s < moment.last + APART_S;
  let moment = moments.find(near);
  if (!moment) {
    moment = { first: item.stamp_s, last: item.stamp_s, strongest: item };
    moments.push(moment);
    moments.sort((one, other) => one.first - other.first);
    moments = moments.slice(-MOST);
  }
  moment.first = Math.min(moment.first, item.stamp_s);
  moment.last = Math.max(moment.last, item.stamp_s);
  if (item.total > moment.strongest.total) moment.strongest = item;
  if (item.modality === "language" && item.text) moment.said = item.text;
  const kind = item.payload?.media_type.split("/")[0];
  if (kind === "image" && !(moment.picture?.total >= item.total)) moment.picture = item;
  if (kind === "audio" && !(moment.sound?.total >= item.total)) moment.sound = item;
}

// Of a moment from before this page was opened: what the memory has it called.
async function ask(moment) {
  const found = await api.recall({ start_s: moment.first - 1, end_s: moment.last + 1, limit: 4 }).catch(() => null);
  for (const { experience, reason } of found?.results ?? []) {
    const heard = reason.match(/\bheard: ([^;0-9]+?) (?:0\.[5-9]|1)/);
    if (heard) answers.push({ stampS: experience.stamp_s, modality: "audio", labels: [heard[1]] });
  }
  draw();
}

function namesOf(moment) {
  const near = answers.filter(({ stampS }) => stampS >= moment.first - 1 && stampS <= moment.last + NAMED_WITHIN_S);
  const of = (modality) => near.find((answer) => answer.modality === modality)?.labels ?? [];
  return { heard: of("audio"), seen: of("vision"), said: moment.said ?? "" };
}

function draw() {
  const shown = [...moments].reverse();
  byId("noticed-none").hidden = shown.length > 0;
  reconcile(byId("noticed"), shown, (moment) => moment.first, makeRow, updateRow);
  const count = shown.length;
  say(byId("noticed-words"), count ? `${count}${count === MOST ? " or more" : ""} so far` : "");
}

function makeRow() {
  return h("li", {},
    h("button", { type: "button", class: "quiet shown", "data-part": "open" },
      h("span", { class: "thumb", "data-part": "thumb" })),
    h("div", { class: "what" },
      h("strong", { class: "cut", "data-part": "title" }),
      h("span", { class: "small soft cut", "data-part": "why" })),
    h("div", { class: "when small soft" },
      h("span", { class: "number", "data-part": "when" }),
      h("span", { class: "number", "data-part": "total" })),
    h("span", { "data-part": "play" }));
}

function updateRow(row, moment) {
  row.item = moment;
  const { strongest, picture, sound } = moment;
  const title = noticedTitle(strongest, namesOf(moment));
  const why = noticedWhy(strongest.reason);
  say(part(row, "title"), title);
  part(row, "title").title = title;
  say(part(row, "why"), why);
  part(row, "why").title = strongest.reason;
  say(part(row, "when"), ago(strongest.stamp_s));
  say(part(row, "total"), fixed(strongest.total));
  const open = part(row, "open");
  open.onclick = () => explainMoment(strongest.stamp_s);
  open.setAttribute("aria-label", `Explain: ${title}`);
  show(part(row, "thumb"), picture?.payload.picture_url, strongest);
  const place = part(row, "play");
  if (sound && place.dataset.of !== sound.id) {
    place.dataset.of = sound.id;
    place.replaceChildren(soundButton(sound, true));
  }
}

function show(thumb, url, strongest) {
  if (thumb.dataset.url === (url ?? "")) return;
  thumb.dataset.url = url ?? "";
  const blank = () => icon(iconOf(strongest.modality));
  const image = url ? h("img", { src: url, alt: "", decoding: "async" }) : blank();
  image.addEventListener("error", () => image.replaceWith(blank()));
  thumb.replaceChildren(image, ...(url ? [h("i", {}, blank())] : []));
}
