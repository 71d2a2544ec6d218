// What was noticed so far: each moment with its time, what it is called, why, a picture and the sound.

import * as api from "./api.js";
import { soundButton } from "./cards.js";
import { byId, h, icon, part, reconcile, say } from "./dom.js";
import { explainMoment } from "./explain.js";
import { ago, fixed, iconOf, noticedTitle, noticedWhy, senseOf } from "./words.js";

const STANDS_OUT = 0.5;
const APART_S = 3; // kept moments that are nearer belong together
const NAMED_WITHIN_S = 5; // plugins take their time
const MOST = 12;
const LIKELY = 0.5; // a name that is more probably wrong than right is left out
const SAID_WITHIN_S = 10; // who speaks is understood when he pauses
const MOST_ANSWERS = 60;
const SAID = /^hears: "(.+)(?<! \.\.\.)"$/;

let moments = []; // the oldest first: { first, last, strongest, sense }
let answers = [];
let kept = []; // what was seen and heard, whatever it was kept for

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
  const said = done.answer.match(SAID)?.[1] ?? "";
  if (!said && !done.labels.length) return;
  const { stamp_s: stampS, modality, labels, energy } = done;
  answers = [...answers, { stampS, modality, labels, said, energy: energy ?? 1 }].slice(-MOST_ANSWERS);
  draw();
}

export function tick() {
  for (const row of byId("noticed").children) {
    say(part(row, "when"), ago(row.item.strongest.stamp_s));
  }
}

function add(item) {
  if (item.payload) kept = [...kept, item].slice(-MOST_ANSWERS);
  if (item.total < STANDS_OUT || item.covers) return;
  const sense = senseOf(item);
  const near = (moment) => moment.sense === sense
    && item.stamp_s > moment.first - APART_S && item.stamp_s < moment.last + APART_S;
  let moment = moments.find(near);
  if (!moment) {
    moment = { first: item.stamp_s, last: item.stamp_s, strongest: item, sense };
    moments.push(moment);
    moments.sort((one, other) => one.first - other.first);
    moments = moments.slice(-MOST);
  }
  moment.first = Math.min(moment.first, item.stamp_s);
  moment.last = Math.max(moment.last, item.stamp_s);
  if (item.total > moment.strongest.total) moment.strongest = item;
}

// The picture, or the sound, that was kept nearest to a moment.
function keptOf(moment, kind) {
  const far = (item) => Math.abs(item.stamp_s - moment.strongest.stamp_s);
  return kept.filter((item) => item.payload.media_type.startsWith(kind) && far(item) < APART_S + 1)
    .reduce((best, item) => (!best || far(item) < far(best) ? item : best), null);
}

// Of a moment from before this page was opened: what the memory has it called.
async function ask(moment) {
  const found = await api.recall({ start_s: moment.first - 1, end_s: moment.last + 1, limit: 4 }).catch(() => null);
  for (const { experience, reason } of found?.results ?? []) {
    const heard = reason.match(/\bheard: ([^;0-9]+?) (0\.[5-9]\d*|1)/);
    if (heard) answers.push({ stampS: experience.stamp_s, modality: "audio", labels: [heard[1]], said: "", energy: 1 - heard[2] });
  }
  draw();
}

// The surest name of a sound, with how sure it is, and all that was said. A picture speaks for itself.
function namesOf(moment) {
  const within = (seconds) => ({ stampS }) => stampS >= moment.first - 1 && stampS <= moment.last + seconds;
  const [best] = answers
    .filter((answer) => answer.modality === "audio" && answer.labels.length && answer.energy < LIKELY)
    .filter(within(NAMED_WITHIN_S)).sort((one, other) => one.energy - other.energy);
  const speaks = moment.sense === "audio" || moment.sense === "language";
  const said = speaks ? answers.filter((answer) => answer.said && within(SAID_WITHIN_S)(answer)) : [];
  return {
    heard: best ? { name: best.labels[0], sure: 1 - best.energy } : null,
    said: said.map((answer) => answer.said).join(" "),
  };
}

function draw() {
  const shown = [...moments].reverse();
  byId("noticed-none").hidden = shown.length > 0;
  reconcile(byId("noticed"), shown, (moment) => `${moment.sense} ${moment.strongest.id}`, makeRow, updateRow);
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
  const { strongest } = moment;
  const [picture, sound] = [keptOf(moment, "image"), keptOf(moment, "audio")];
  const names = namesOf(moment);
  const title = noticedTitle(strongest, names);
  const why = noticedWhy(strongest, names);
  say(part(row, "title"), title);
  part(row, "title").title = title;
  say(part(row, "why"), why);
  part(row, "why").title = `${why}; ${strongest.reason}`;
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
  const blank = () => icon(iconOf(senseOf(strongest)));
  const image = url ? h("img", { src: url, alt: "", decoding: "async" }) : blank();
  image.addEventListener("error", () => image.replaceWith(blank()));
  thumb.replaceChildren(image, ...(url ? [h("i", {}, blank())] : []));
}
