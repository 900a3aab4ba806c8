// What was measured before the page was opened, as the daemon keeps it in windows, with what was seen since put behind it.

import { Refused, get } from "./api.js";
import { outcomes } from "./live.js";

const [SECOND, HOUR, DAY] = [1000, 3_600_000, 86_400_000];

// What can be picked: how far back, and how wide a window. None has more points than a chart has pixels for.
export const RANGES = {
  "1h": { word: "1 hour", span: HOUR, step: 20 * SECOND, text: "20s" },
  "6h": { word: "6 hours", span: 6 * HOUR, step: 120 * SECOND, text: "2m" },
  "7d": { word: "7 days", span: 7 * DAY, step: HOUR, text: "1h" },
  "1y": { word: "1 year", span: 365 * DAY, step: DAY, text: "24h" },
};
// The last half hour of all pipelines, for their small lines.
export const GLANCE = { span: HOUR / 2, step: 60 * SECOND, text: "1m" };

const kept = new Map();

// The windows of a range; asked for again when the next one is full.
export function past({ span, step, text }, query) {
  const key = JSON.stringify([text, span, query]);
  const known = kept.get(key);
  if (known && Date.now() - known.asked < Math.max(step, 10 * SECOND)) return known.answer;
  const until = Date.now();
  const asked = get("metrics/history", { ...query, from: until - span, until, step: text });
  // The daemon rounds up to whole windows; which of them is over is told by when it was asked.
  const cut = asked.then((answer) => ({ ...answer, until: Math.min(answer.until, until) }));
  const answer = cut.catch((error) => {
    // Without history a page shows the rest, and says what is missing.
    if (error instanceof Refused && ![401, 403].includes(error.status)) return { from: until - span, until, step_ms: step, series: [], trouble: error.message };
    throw error;
  });
  if (kept.size > 40) kept.clear();
  // Kept before it is there: two who draw at a time ask once.
  kept.set(key, { asked: until, answer });
  answer.catch(() => kept.delete(key));
  return answer;
}

export function forget() {
  kept.clear();
}

// One course of numbers per name of a series, on one axis of times in seconds: { t, lines: Map(name, { rate, failed, p50,
// p99 }) }. Windows without requests are left out by the daemon: nothing was asked then, once anything was. `since`: what
// was seen by the page itself, { t, lines } alike; of it comes what is newer.
export function courses({ step_ms: step, until, series }, nameOf, since) {
  // A window that is not over has fewer requests than it will have. A short one is left to what the page sees by itself; a
  // long one counts by the part of it that has passed, as a line of days has no use for seconds.
  const long = step >= HOUR;
  const full = (p) => long || p.at + step <= until;
  const ats = series.flatMap((s) => s.points.filter(full).map((p) => p.at));
  const first = ats.reduce((a, b) => Math.min(a, b), Infinity);
  const last = Number.isFinite(first) ? first + Math.floor((until - (long ? 0 : step) - first) / step) * step : -Infinity;
  const t = [];
  for (let at = first; at <= last; at += step) t.push((at + step / 2) / 1000);
  const end = Number.isFinite(first) ? (last + step) / 1000 : -Infinity;
  const names = new Set([...series.map(nameOf), ...since.lines.keys()]);
  const from = long ? -1 : since.t.findIndex((at) => at > end);
  const tail = from < 0 ? [] : since.t.slice(from);
  const lines = new Map();
  for (const name of names) {
    const windows = new Map();
    for (const s of series) if (nameOf(s) === name) for (const p of s.points) if (full(p)) windows.set(p.at, merged(windows.get(p.at), p));
    const line = { rate: [], failed: [], p50: [], p99: [] };
    for (let at = first; at <= last; at += step) {
      const p = windows.get(at);
      line.rate.push(!p ? 0 : at + step > until ? p.requests / Math.max(1, (until - at) / 1000) : p.rate);
      line.failed.push(p ? share(p.outcomes) : null);
      line.p50.push(p?.quantiles?.["0.5"] ?? null);
      line.p99.push(p?.quantiles?.["0.99"] ?? null);
    }
    const seen = since.lines.get(name);
    for (const word of Object.keys(line)) line[word].push(...tail.map((_, at) => seen?.[word][from + at] ?? (word === "rate" ? 0 : null)));
    lines.set(name, line);
  }
  return { t: [...t, ...tail], lines };
}

// Two versions may have been the same variant within a window.
function merged(a, b) {
  if (!a) return b;
  const sum = { ...a.outcomes };
  for (const [outcome, n] of Object.entries(b.outcomes)) sum[outcome] = (sum[outcome] ?? 0) + n;
  const slower = (a.quantiles?.["0.99"] ?? 0) >= (b.quantiles?.["0.99"] ?? 0) ? a : b;
  return { at: a.at, requests: a.requests + b.requests, rate: a.rate + b.rate, outcomes: sum, quantiles: slower.quantiles };
}

function share(counts) {
  const { asked, failed } = outcomes(counts);
  return asked ? failed / asked : null;
}
