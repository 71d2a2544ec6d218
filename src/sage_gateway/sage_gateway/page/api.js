// Requests, as docs/gateway.md has them. Nothing else is asked of any host.

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function answer(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused("unreachable", "the gateway does not answer");
  }
  const body = await response.json().catch(() => null);
  if (response.ok) return body;
  const error = body?.error ?? { code: "invalid", message: `status ${response.status}` };
  throw new Refused(error.code, error.message);
}

function get(path, query = {}) {
  const asked = new URLSearchParams(query).toString();
  return answer(asked ? `${path}?${asked}` : path);
}

function post(path, body) {
  return answer(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

export const logIn = (token) => post("/api/session", { token });
export const status = () => get("/api/status");
export const history = () => get("/api/history");
export const learning = () => get("/api/learning");
export const cycle = () => get("/api/cycle");
export const experiences = () => get("/api/experiences");
export const recall = (question) => get("/api/recall", question);
export const explain = (stampS) => get("/api/explain", { stamp_s: stampS, tolerance_s: 2 });
export const plugins = () => get("/api/plugins");
export const judge = (judgement) => post("/api/outcome", judgement);
export const pin = (id, pinned) => post("/api/pin", { id, pinned });
export const planForget = (ids) => post("/api/forget/plan", { ids });
export const forget = (ids, confirmation, reason) =>
  post("/api/forget", { ids, confirmation, reason });
export const loadPlugin = (plugin) => post("/api/plugins/load", { plugin });
export const unloadPlugin = (plugin) => post("/api/plugins/unload", { plugin });
export const refine = (order) => post("/api/refine", order);
export const sleep = () => post("/api/sleep", {});
export const cancelJob = (job) => post("/api/jobs/cancel", { job });

// One picture at a time, drawn where it is shown: a slow line shows fewer, and none waits.
export function pictures(draw) {
  let busy = false;
  return async (url) => {
    if (busy) return;
    busy = true;
    try {
      const response = await fetch(url, { cache: "no-store" });
      if (response.ok) {
        const bitmap = await createImageBitmap(await response.blob());
        draw(bitmap);
        bitmap.close();
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the stream says that the line is lost
    } finally {
      busy = false;
    }
  };
}
