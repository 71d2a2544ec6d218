// The stream of events: opened again with back-off where it is lost, closed while nobody looks.

import { status } from "./api.js";

const FIRST_WAIT_S = 1;
const LONGEST_WAIT_S = 30;
const SILENCE_S = 25; // a comment or event comes every 10 s
const HIDDEN_S = 15;
const NAMES = [
  "hello", "sources", "salience", "attention", "camera", "puzzles", "budget", "state", "pressure", "alerts",
  "history", "experience", "refinement", "job", "bye",
];

// on: a function for each event by its name, and on.connection({ state, waitS, code, message }).
export class Live {
  constructor(on) {
    this.on = on;
    this.also = new Set(["camera"]);
    this.waitS = FIRST_WAIT_S;
    document.addEventListener("visibilitychange", () => this.#seen());
  }

  open() {
    this.close();
    this.#say("connecting");
    const stream = new EventSource(`/api/events?also=${[...this.also].join(",")}`);
    this.stream = stream;
    for (const name of NAMES) {
      stream.addEventListener(name, (event) => this.#take(name, JSON.parse(event.data)));
    }
    stream.onerror = () => this.#lost();
    this.#watch();
  }

  // Another kind of event, from now on or no more.
  carry(name, wanted) {
    if (this.also.has(name) === wanted) return;
    wanted ? this.also.add(name) : this.also.delete(name);
    if (this.stream) this.open();
  }

  close() {
    this.stream?.close();
    this.stream = null;
    clearTimeout(this.retry);
    clearTimeout(this.silence);
  }

  #take(name, data) {
    this.#watch();
    if (name === "hello") {
      this.waitS = FIRST_WAIT_S;
      this.ended = "";
      this.#say("live");
    }
    if (name === "bye") this.ended = data.reason;
    this.on[name]?.(data);
    if (name === "bye") this.#lost();
  }

  // Comments are not seen here: the status is asked before a silent line is given up.
  #watch() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      status().then(() => this.#watch(), () => this.#lost());
    }, 1000 * SILENCE_S);
  }

  async #lost() {
    this.close();
    const waitS = this.waitS;
    this.waitS = Math.min(2 * waitS, LONGEST_WAIT_S);
    const why = await status().then(() => null, (error) => error);
    const refused = why && why.code !== "unreachable";
    if (refused && why.code.endsWith("_token")) {
      this.#say("locked", 0, why);
      return;
    }
    this.#say(this.ended ? "ended" : "lost", waitS, refused ? why : null);
    this.retry = setTimeout(() => this.open(), 1000 * waitS);
  }

  #say(state, waitS = 0, why = null) {
    this.on.connection({ state, waitS, message: why?.message ?? "", ended: this.ended ?? "" });
  }

  #seen() {
    clearTimeout(this.unseen);
    if (document.hidden) this.unseen = setTimeout(() => this.close(), 1000 * HIDDEN_S);
    else if (!this.stream) this.open();
  }
}
