// What several parts of the page need: whether one may act, short messages, modalities.

import { byId, h } from "./dom.js";

const SHOWN_MS = 6000;

export const graph = { modalities: [], hello: null, blocked: "not connected" };

// Every control that changes something is marked data-acts, and disabled with the reason.
export function block(reason) {
  graph.blocked = reason;
  guard(document);
}

export function guard(root) {
  for (const control of root.querySelectorAll("[data-acts]")) {
    control.disabled = Boolean(graph.blocked);
    if (graph.blocked) control.title = graph.blocked;
    else control.removeAttribute("title");
  }
}

// In the dialog that is open, if one is: what is beside it is neither seen nor read.
export function toast(words, level = "info") {
  const shown = h("p", { class: "toast", "data-level": level, text: words });
  const place = [...document.querySelectorAll("dialog[open]")].pop() ?? document.body;
  if (byId("toasts").parentNode !== place) place.append(byId("toasts"));
  byId("toasts").append(shown);
  setTimeout(() => shown.remove(), SHOWN_MS);
}

// Carry out an action and say what came of it, in the words of who did it.
export async function attempt(action, say = (done) => done.message) {
  try {
    const done = await action();
    toast(say(done));
    return done;
  } catch (error) {
    toast(error.message, "error");
    return null;
  }
}
