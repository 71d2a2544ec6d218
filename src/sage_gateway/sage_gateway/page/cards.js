// Experiences as cards, with a picture where one was kept, and sounds that play.

import { h, icon, part, reconcile, say } from "./dom.js";
import { toast } from "./shared.js";
import { ago, fixed, headline, iconOf, senseOf } from "./words.js";

let playing = null;

// open(item): what a card does when it is chosen.
export function cardsOf(list, items, open) {
  reconcile(list, items, (item) => item.id, (item) => makeCard(item, open), updateCard);
}

// Once a second: how long ago it was.
export function ageCards(list) {
  for (const card of list.children) say(part(card, "when"), ago(card.item.stamp_s));
}

function makeCard(item, open) {
  const url = item.payload?.picture_url;
  const blank = () => h("span", { class: "blank" }, icon(iconOf(item.modality)));
  const image = url ? h("img", { src: url, alt: "", loading: "lazy", decoding: "async" }) : blank();
  image.addEventListener("error", () => image.replaceWith(blank()));
  const card = h("article", { class: "memory" },
    h("button", { type: "button", class: "shown", onclick: () => open(card.item) }, image),
    item.payload?.media_type.startsWith("audio/") ? soundButton(item, true) : null,
    h("div", { class: "text" },
      h("div", { class: "between small soft" },
        h("span", {}, icon(iconOf(item.modality)), document.createTextNode(" "),
          h("span", { "data-part": "when" })),
        h("span", { class: "number", "data-part": "total" })),
      h("strong", { "data-part": "headline" }),
      h("span", { class: "reason soft", "data-part": "reason" })));
  return card;
}

// What was recognised or said names it best.
export function titleOf(item) {
  if (item.text) return item.modality === "language" ? `“${item.text}”` : item.text;
  return headline(item.total, item.reason, senseOf(item));
}

function updateCard(card, item) {
  card.item = item;
  const words = titleOf(item);
  card.firstChild.setAttribute("aria-label", `Open: ${words}, ${item.reason}`);
  say(part(card, "when"), ago(item.stamp_s));
  say(part(card, "total"), `${item.pinned ? "pinned · " : ""}${fixed(item.total)}`);
  say(part(card, "headline"), words);
  say(part(card, "reason"), item.found || item.reason);
}

// Plays what was kept of a sound; one at a time.
export function soundButton(item, isRound) {
  const button = h("button", { type: "button", class: isRound ? "play round" : "play-sound" });
  const sound = new Audio();
  sound.preload = "none";
  const label = () => {
    const words = sound.paused ? "Play the sound" : "Stop the sound";
    button.replaceChildren(icon(sound.paused ? "play" : "stop"));
    if (isRound) button.setAttribute("aria-label", words);
    else button.append(words);
  };
  for (const event of ["play", "pause", "ended"]) sound.addEventListener(event, label);
  button.addEventListener("click", () => {
    if (!sound.paused) {
      sound.pause();
      return;
    }
    playing?.pause();
    playing = sound;
    sound.src = item.payload.url;
    sound.play().catch((error) => toast(`The sound cannot be played: ${error.message}`, "error"));
  });
  label();
  return button;
}
