// Numbers with units, times, and moments in words. What is not known is said so, never 0.

export const QUIET = 0.1;
const CAUSES = {
  surprise: "Something unexpected",
  novelty: "Something new",
  arousal: "A strong change",
};
const CONFLICT = "The senses disagree";
const SENSED = {
  vision: "in view",
  audio: "in sound",
  proprioception: "in motion",
  language: "in words",
};
const ICONS = ["vision", "audio", "proprioception", "language"];

// By the clock of the graph, which a recording or another machine sets.
let aheadS = 0;
export const setClock = (timeS) => (aheadS = timeS - Date.now() / 1000);
export const graphNow = () => Date.now() / 1000 + aheadS;

export const iconOf = (modality) => (ICONS.includes(modality) ? modality : "sensor");
export const fixed = (value, digits = 2) => value.toFixed(digits);
export const whole = (value) => Math.round(value).toLocaleString("en");
export const percent = (share) => `${Math.round(100 * share)} %`;

export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(seconds, 0).toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

export function ago(stampS) {
  const age = graphNow() - stampS;
  return age < 1.5 ? "now" : `${duration(age).replace(/\.\d/, "")} ago`;
}

export function clock(stampS) {
  const time = new Date(1000 * stampS);
  const today = Math.abs(graphNow() - stampS) < 43200;
  return today ? time.toLocaleTimeString("en-GB") : time.toLocaleString("en-GB");
}

// As in `sage status`: "as rare as 9 false alarms an hour".
export function rarity(perHour) {
  if (perHour === null || perHour === undefined) return "";
  if (perHour < 0.01) return "rarer than 0.01 false alarms an hour";
  const times = perHour >= 9.95 ? perHour.toFixed(0) : String(Number(perHour.toPrecision(2)));
  return `as rare as ${times} false alarm${times === "1" ? "" : "s"} an hour`;
}

// The headline of a moment; the reason beneath it has the figures.
export function headline(total, reason, dominant, valid = true) {
  if (!valid) return "No modality is live";
  if (total < QUIET) return "Nothing unusual";
  const said = reason.match(/; "([^"]+)"/);
  if (said) return `“${said[1]}”`;
  const where = SENSED[dominant] ?? `in ${dominant}`;
  const [first] = reason.split(";");
  const isUsual = /nothing unusual|as before/.test(first);
  if (isUsual && reason.includes("contradicts")) return CONFLICT;
  const found = first.match(/\b(surprise|novelty|arousal)\b/);
  return found ? `${CAUSES[found[1]]} ${where}` : `Something stands out ${where}`;
}

const SENSE = /^(\w+): /;

// The sense that a moment is of: what is kept of the others at that time has the same reason.
export const senseOf = ({ reason, modality }) => reason.match(SENSE)?.[1] ?? modality;

const NOTICED = {
  vision: { surprise: "The view suddenly changes", novelty: "A view like none before", arousal: "A strong change in view" },
  audio: { surprise: "A sudden sound", novelty: "A sound like none before", arousal: "A loud sound" },
  proprioception: {
    surprise: "A sudden movement of the body", novelty: "A movement like none before", arousal: "A strong movement of the body",
  },
};

// What a noticed moment is called: what was said or heard in it; else what kind of change it is.
export function noticedTitle(moment, { heard, said }) {
  const { reason, total } = moment;
  const sense = senseOf(moment);
  if (said) return `Somebody says “${said}”`;
  if (sense === "audio" && heard) return `A sound: ${heard.name}`;
  const dimension = reason.match(/\b(surprise|novelty|arousal)\b/)?.[1];
  return NOTICED[sense]?.[dimension] ?? headline(total, reason, sense);
}

// Why, in the words of somebody who does not know how salience is computed, and how sure a name is.
export function noticedWhy(moment, { heard, said }) {
  const isNamed = heard && !said && senseOf(moment) === "audio";
  return (isNamed ? `${percent(heard.sure)} sure; ` : "") + cause(moment.reason);
}

function cause(reason) {
  const [first] = reason.replace(SENSE, "").split(";");
  const disagree = / contradicts /.test(reason) ? "; the senses disagree" : "";
  const told = [
    [/([\d.]+) times the usual error/, (found) => `${Number(found[1]).toFixed(0)} times further from what was expected than usual`],
    [/unlike anything seen|nearest seen \d\.\d s ago/, () => "unlike anything before"],
    [/nearest seen (.+?) ago/, (found) => `nothing was like it for ${found[1]}`],
    [/changes far less/, () => "it hardly changes any more"],
    [/change at (.+?)(?:, (?:as predicted|just now|[\d.]+ s ago))?(?:,.*)?$/, (found) => `much stronger than in the seconds before: ${found[1]}`],
  ];
  for (const [pattern, words] of told) {
    const found = first.match(pattern);
    if (found) return words(found) + disagree;
  }
  return first;
}
