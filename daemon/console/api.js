// The admin API: requests with the token of this tab, refusals as errors, events as they come.

// Beside the console, so that a proxy's prefix is kept.
const ROOT = new URL("../", import.meta.url);
const KEY = "impresario.token";

// What the daemon refused, in its words.
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `the daemon answered ${status}`);
    this.status = status;
    this.code = problem.code;
    this.problem = problem;
  }
}

// What to call when the token is missing or no longer good.
export const door = { closed: () => {} };

export function token() {
  return sessionStorage.getItem(KEY);
}

export function keep(text) {
  if (text) sessionStorage.setItem(KEY, text);
  else sessionStorage.removeItem(KEY);
}

export function pipeline(name, ...rest) {
  return ["pipelines", name, ...rest].map(encodeURIComponent).join("/");
}

export function model(name, ...rest) {
  return ["models", name, ...rest].map(encodeURIComponent).join("/");
}

export function get(path, query) {
  const asked = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(asked).toString();
  return json(`admin/v1/${path}${text && `?${text}`}`, {});
}

// Nothing where there is no such thing.
export async function find(path) {
  try {
    return await get(path);
  } catch (error) {
    if (error instanceof Refused && (error.status === 404 || error.status === 409)) return null;
    throw error;
  }
}

// Changes something; `revision` is the one that was looked at, so that nothing is changed that was not seen.
export function post(path, body, revision, method = "POST") {
  const headers = { "content-type": "application/json" };
  if (revision) headers["if-match"] = `"${revision}"`;
  return json(`admin/v1/${path}`, { method, headers, body: JSON.stringify(body) });
}

async function json(path, init) {
  return (await send(path, init)).json();
}

async function send(path, init) {
  const headers = { ...init.headers };
  if (token()) headers.authorization = `Bearer ${token()}`;
  const answer = await fetch(new URL(path, ROOT), { ...init, headers, cache: "no-store", credentials: "omit", redirect: "error" });
  if (answer.ok) return answer;
  let problem = {};
  try {
    problem = await answer.json();
  } catch {
    // Not the daemon's: a proxy's, say. The status has to do.
  }
  const refused = new Refused(answer.status, problem);
  if (answer.status === 401) door.closed(refused);
  throw refused;
}

// Events until the signal, with the last id kept over breaks: `EventSource` can send no token.
export async function follow(signal, { event, state }) {
  let last = null;
  let wait = 1000;
  while (!signal.aborted) {
    try {
      state("connecting");
      const answer = await send("admin/v1/events", { signal, headers: last === null ? {} : { "last-event-id": String(last) } });
      state("open");
      wait = 1000;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        text += value.replaceAll("\r", "");
        let end;
        while ((end = text.indexOf("\n\n")) >= 0) {
          const one = parse(text.slice(0, end));
          text = text.slice(end + 2);
          if (!one) continue;
          last = one.id ?? last;
          event(one);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && [401, 403].includes(error.status)) {
        state("refused", error);
        return;
      }
    }
    state("broken");
    await new Promise((done) => setTimeout(done, wait));
    wait = Math.min(wait * 2, 30000);
  }
}

function parse(block) {
  const one = { id: null, event: "message", data: "" };
  for (const line of block.split("\n")) {
    const at = line.indexOf(":");
    if (at <= 0) continue;
    const [field, value] = [line.slice(0, at), line.slice(at + 1).replace(/^ /, "")];
    if (field === "data") one.data += value;
    else if (field in one) one[field] = value;
  }
  if (!one.data) return null;
  try {
    one.data = JSON.parse(one.data);
  } catch {
    return null;
  }
  return one;
}
