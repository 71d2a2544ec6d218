// The sheet at the side: why a moment mattered, and one experience with all that can be done to it.

import * as api from "./api.js";
import { cardsOf, soundButton, titleOf } from "./cards.js";
import { byId, h, icon, say } from "./dom.js";
import { attempt, guard, toast } from "./shared.js";
import { clock, duration, fixed, headline, iconOf, rarity } from "./words.js";

const AROUND_S = 1.5;
const DIMENSIONS = ["surprise", "novelty", "arousal", "reward", "conflict"];

function show(title, ...children) {
  const sheet = byId("sheet");
  byId("sheet-body").replaceChildren(
    h("div", { class: "between" },
      h("h2", { id: "sheet-title", text: title }),
      h("button", { type: "button", class: "quiet round", "aria-label": "Close",
        onclick: () => sheet.close() }, icon("close"))),
    ...children.filter(Boolean),
  );
  guard(sheet);
  if (!sheet.open) sheet.showModal();
  sheet.scrollTop = 0;
}

export function closeSheet() {
  byId("sheet").close();
}

function act(name, words, action, properties = {}) {
  return h("button", { type: "button", "data-acts": true, onclick: action, ...properties },
    icon(name), document.createTextNode(words));
}

function judging(judged) {
  const judge = (reward) => () => attempt(() => api.judge({ reward, ...judged }));
  return [
    h("span", { class: "small soft", text: "Outcome" }),
    act("good", "Good", judge(1), { "aria-label": "Good outcome" }),
    act("bad", "Bad", judge(-1), { "aria-label": "Bad outcome" }),
  ];
}

export async function explainMoment(stampS) {
  let told;
  try {
    told = await api.explain(stampS);
  } catch (error) {
    toast(error.message, "error");
    return;
  }
  const { salience, rank, behind } = told;
  const live = salience.modalities.filter((item) => item.live);
  live.sort((one, other) => other.weight * other.total - one.weight * one.total);
  const kept = h("div", { class: "cards" });
  show(
    headline(salience.total, salience.reason, salience.dominant, salience.valid),
    h("p", { class: "soft", text: `${clock(salience.stamp_s)}: ${salience.reason}` }),
    h("dl", { class: "facts" },
      ...fact("Salience", `${fixed(salience.total)} of 1, ${rarity(salience.alarms_per_hour)}`),
      ...fact("Rank", `more salient than ${fixed(Math.floor(1000 * rank) / 10, 1)} % of the moments still known`),
      ...fact("Latency", `${fixed(salience.latency_ms, 1)} ms from the sensor's sample`)),
    h("div", { class: "row" }, ...judging({ stamp_s: salience.stamp_s })),
    h("h3", { text: "What each modality said" }),
    h("div", {}, ...live.map((item) => contribution(item, behind))),
    h("h3", { id: "kept-title", text: "What was kept of it" }),
    kept,
  );
  showKept(kept, salience.stamp_s);
}

function fact(name, words) {
  return [h("dt", { text: name }), h("dd", { text: words })];
}

function contribution(item, behind) {
  const why = behind.find((other) => other.modality === item.modality);
  return h("div", { class: "contribution" },
    h("div", { class: "between" },
      h("strong", {}, icon(iconOf(item.modality)), document.createTextNode(` ${item.modality}`)),
      h("span", { class: "number", text: `${fixed(item.total)}, weight ${fixed(item.weight)}` })),
    h("p", { class: "small", text: item.reason }),
    h("p", { class: "small soft number-list", text: dimensions(item) }),
    h("p", { class: "small soft", text: why ? figures(why) : "" }));
}

const dimensions = (item) => DIMENSIONS
  .map((name) => `${name} ${item[name] === null ? "unknown" : fixed(item[name])}`).join(" · ");

function figures(why) {
  const said = [];
  if (why.prediction_error !== null && why.usual_error) {
    said.push(`prediction error ${fixed(why.prediction_error / why.usual_error, 1)} times the usual`);
  }
  if (why.neighbour_distance !== null) {
    const age = why.neighbour_age_s === null ? "" : `, seen ${duration(why.neighbour_age_s)} before`;
    said.push(`nearest remembered percept ${fixed(why.neighbour_distance)} as far as an unrelated one${age}`);
  }
  if (why.cross_error !== null && why.cross_usual_error) {
    said.push(`error from the other modalities ${fixed(why.cross_error / why.cross_usual_error, 1)} times the usual`);
  }
  return said.join("; ");
}

async function showKept(list, stampS) {
  try {
    const found = await api.recall({
      start_s: stampS - AROUND_S, end_s: stampS + AROUND_S, limit: 4,
    });
    const items = found.results.map((result) => result.experience);
    const draw = (gone) => cardsOf(list, items.filter((item) => item.id !== gone), open);
    const open = (item) => showExperience(item, draw);
    draw();
    if (!items.length) list.append(h("p", { class: "small soft", text: "Nothing was kept of this moment." }));
  } catch (error) {
    list.replaceChildren(h("p", { class: "small soft", text: error.message }));
  }
}

export function showExperience(item, again) {
  const image = item.payload?.media_type.startsWith("image/") ? item.payload.url : item.payload?.picture_url;
  const sound = item.payload?.media_type.startsWith("audio/");
  const pinned = act("pin", "", async () => {
    const done = await attempt(() => api.pin(item.id, !item.pinned));
    if (!done) return;
    item.pinned = !item.pinned;
    label();
    again();
  });
  const label = () => {
    pinned.lastChild.data = item.pinned ? "Unpin" : "Pin";
    pinned.setAttribute("aria-pressed", String(item.pinned));
  };
  label();
  show(
    titleOf(item),
    image ? h("img", { src: image, alt: `What was kept of ${item.modality}: ${item.reason}` }) : null,
    sound ? h("div", { class: "row" }, soundButton(item, false)) : null,
    h("p", { text: item.reason }),
    item.found ? h("p", { class: "soft", text: item.found }) : null,
    h("div", { class: "row" },
      ...judging({ experience_id: item.id })),
    h("div", { class: "row" },
      pinned,
      act("forget", "Forget …", () => askToForget(item, again), { class: "danger" }),
      h("button", { type: "button", class: "quiet", onclick: () => explainMoment(item.stamp_s) },
        icon("why"), document.createTextNode("Explain the moment"))),
    h("dl", { class: "facts" }, ...facts(item)),
  );
}

function facts(item) {
  const { x, y, z, frame } = item.place ?? {};
  return [
    ...fact("When", clock(item.stamp_s)),
    ...fact("Covers", `${duration(item.end_s - item.start_s)}${item.covers ? `, ${item.covers} moments in a summary` : ""}`),
    ...fact("Modality", `${item.modality}${item.source ? ` from ${item.source}` : ""}`),
    ...fact("Salience", fixed(item.total)),
    ...DIMENSIONS.flatMap((name) => fact(name[0].toUpperCase() + name.slice(1), fixed(item[name]))),
    ...fact("About", item.entity || "not known"),
    ...fact("Where", item.place ? `${fixed(x)} m, ${fixed(y)} m, ${fixed(z)} m in ${frame}` : "not known"),
    ...fact("Kept", item.payload ? item.payload.media_type : "nothing verbatim"),
    ...fact("Id", item.id),
  ];
}

// Forgetting takes two steps: a plan, which changes nothing, and its confirmation by hand.
async function askToForget(item, again) {
  const dialog = byId("confirm");
  let plan;
  try {
    plan = await api.planForget([item.id]);
  } catch (error) {
    toast(error.message, "error");
    return;
  }
  say(byId("confirm-words"),
    `What was kept at ${clock(item.stamp_s)} (${titleOf(item)}) goes for good, `
    + `with all that was kept of it. This cannot be undone. Confirm within ${plan.valid_s} s.`);
  byId("confirm-no").onclick = () => dialog.close();
  byId("confirm-yes").onclick = async () => {
    dialog.close();
    const done = await attempt(
      () => api.forget(plan.ids, plan.confirmation, byId("confirm-reason").value),
      (gone) => `Forgotten: ${gone.forgotten} experience${gone.forgotten === 1 ? "" : "s"}, ${gone.bytes_freed.toLocaleString("en")} bytes freed`,
    );
    if (!done) return;
    closeSheet();
    again(item.id);
    byId("question").focus(); // the card that had the focus is gone
  };
  dialog.showModal();
  byId("confirm-no").focus();
}
