// The newest experiences, and questions to the memory.

import * as api from "./api.js";
import { ageCards, cardsOf } from "./cards.js";
import { byId, say } from "./dom.js";
import { showExperience } from "./explain.js";
import { fixed } from "./words.js";

const MOST_NEWEST = 12;

let newest = [];
let results = [];

export function start() {
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(byId("question").value.trim());
  });
  byId("close-answers").addEventListener("click", () => {
    byId("answers").hidden = true;
    byId("question").value = "";
    byId("question").focus();
  });
}

export function load({ experiences }) {
  newest = experiences.slice(0, MOST_NEWEST);
  draw();
}

export function take(experience) {
  newest = [experience, ...newest.filter((other) => other.id !== experience.id)].slice(0, MOST_NEWEST);
  draw();
}

export function tick() {
  ageCards(byId("newest"));
  ageCards(byId("answer-cards"));
}

function draw(gone) {
  if (gone) {
    newest = newest.filter((item) => item.id !== gone);
    results = results.filter((item) => item.id !== gone);
  }
  const open = (item) => showExperience(item, draw);
  cardsOf(byId("newest"), newest, open);
  cardsOf(byId("answer-cards"), results, open);
  byId("no-experiences").hidden = newest.length > 0;
}

async function ask(text) {
  if (!text) return;
  byId("answers").hidden = false;
  say(byId("answers-title"), `Asking: ${text}`);
  say(byId("answers-refused"), "");
  byId("answers-search").hidden = true;
  try {
    const found = await api.recall({ text, limit: 8 });
    results = found.results.map(({ experience, score, reason }) => ({
      ...experience, found: `${reason} (score ${fixed(score)})`,
    }));
    const count = results.length;
    say(byId("answers-title"), count
      ? `${count} answer${count === 1 ? "" : "s"} to “${text}” in ${fixed(found.search_ms, 1)} ms`
      : `Nothing in memory answers “${text}”`);
    say(byId("answers-notes"), found.notes.join("; "));
    byId("answers-search").hidden = found.notes.length === 0;
    draw();
  } catch (error) {
    say(byId("answers-title"), "The question was not answered.");
    say(byId("answers-refused"), error.message);
  }
}
