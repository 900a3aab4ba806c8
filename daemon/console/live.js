// What the page has seen since it was opened: the state, who asks, and counts of requests from poll to poll. The daemon
// keeps no history for it; a chart begins when the page does.

import { get, metrics } from "./api.js";

// Points kept per pipeline: half an hour at the usual pace.
const KEPT = 360;
const COUNTED = "impresario_requests_total{";
const TIMED = "impresario_request_duration_seconds_bucket{";
// What a caller did is no failure of the daemon's: what cannot be read, what exceeds their share, what they left.
const CALLERS = new Set(["refused", "limited", "abandoned"]);

export const live = { me: null, status: null, trouble: null, seen: new Map(), at: null };

export function may(role) {
  const order = ["viewer", "operator", "admin"];
  return live.me !== null && order.indexOf(live.me.role) >= order.indexOf(role);
}

// Why somebody may not; nothing where they may.
export function lacks(role) {
  return may(role) ? null : `this needs the role ${role}; you are ${live.me?.role ?? "nobody"}`;
}

let before = null;

export async function look() {
  if (!live.me) live.me = await get("me");
  const [status, text] = await Promise.all([get("status"), metrics()]);
  live.status = status;
  const now = read(text, performance.now() / 1000);
  if (before) compare(before, now);
  before = now;
  live.at = Date.now();
  for (const name of live.seen.keys()) {
    if (!status.pipelines.some((p) => p.name === name)) live.seen.delete(name);
  }
  for (const p of status.pipelines) weights(p);
}

export function forget() {
  before = null;
  Object.assign(live, { me: null, status: null, trouble: null, seen: new Map(), at: null });
}

export function seen(name) {
  return live.seen.get(name) ?? { t: [], rate: [], failed: [], p99: [], by: new Map(), split: { t: [], names: [], shares: [] } };
}

// Reads the two families that are shown, line by line: the text may have megabytes.
function read(text, at) {
  const counts = new Map();
  const times = new Map();
  let from = 0;
  while (from < text.length) {
    let end = text.indexOf("\n", from);
    if (end < 0) end = text.length;
    if (text.startsWith(COUNTED, from)) {
      const [labels, value] = line(text.slice(from + COUNTED.length, end));
      counts.set(`${labels.pipeline}\n${labels.model} ${labels.version}\n${labels.outcome}`, value);
    } else if (text.startsWith(TIMED, from)) {
      const [labels, value] = line(text.slice(from + TIMED.length, end));
      const le = labels.le === "+Inf" ? Infinity : Number(labels.le);
      if (!times.has(labels.pipeline)) times.set(labels.pipeline, new Map());
      const buckets = times.get(labels.pipeline);
      buckets.set(le, (buckets.get(le) ?? 0) + value);
    }
    from = end + 1;
  }
  return { at, counts, times };
}

function line(rest) {
  const close = rest.lastIndexOf("}");
  const labels = {};
  for (const [, name, value] of rest.slice(0, close).matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
  return [labels, Number(rest.slice(close + 1))];
}

function compare(old, now) {
  const passed = now.at - old.at;
  if (passed <= 0) return;
  const sums = new Map();
  for (const [key, value] of now.counts) {
    const [name, version, outcome] = key.split("\n");
    // A counter that went back is a daemon that was started again.
    const more = Math.max(0, value - Math.min(value, old.counts.get(key) ?? 0));
    if (!sums.has(name)) sums.set(name, { asked: 0, failed: 0, by: new Map() });
    const sum = sums.get(name);
    sum.asked += more;
    const failed = outcome === "success" || CALLERS.has(outcome) ? 0 : more;
    sum.failed += failed;
    const one = sum.by.get(version) ?? { asked: 0, failed: 0 };
    sum.by.set(version, { asked: one.asked + more, failed: one.failed + failed });
  }
  for (const [name, sum] of sums) {
    const s = entry(name);
    push(s.t, Date.now() / 1000);
    push(s.rate, sum.asked / passed);
    push(s.failed, sum.asked ? sum.failed / sum.asked : 0);
    push(s.p99, quantile(old.times.get(name), now.times.get(name), 0.99));
    s.by = new Map([...sum.by].map(([version, one]) => [version, { rate: one.asked / passed, failed: one.asked ? one.failed / one.asked : 0 }]));
  }
}

function entry(name) {
  if (!live.seen.has(name)) live.seen.set(name, seen(""));
  return live.seen.get(name);
}

function push(list, value) {
  list.push(value);
  if (list.length > KEPT) list.shift();
}

// A quantile of what was counted between two looks, even within its bucket.
function quantile(old, now, q) {
  if (!now) return null;
  const bounds = [...now.keys()].sort((a, b) => a - b);
  const less = (le) => Math.max(0, now.get(le) - (old?.get(le) ?? 0));
  const all = less(Infinity);
  if (!all) return null;
  let [below, passed] = [0, 0];
  for (const bound of bounds) {
    const upto = less(bound);
    if (upto >= q * all) {
      if (bound === Infinity) return below;
      return below + (bound - below) * ((q * all - passed) / Math.max(upto - passed, 1e-9));
    }
    [below, passed] = [bound, upto];
  }
  return below;
}

function weights(p) {
  const variants = shares(p);
  if (!variants.length) return;
  const { split } = entry(p.name);
  const names = variants.map((v) => v.name);
  if (names.join("\n") !== split.names.join("\n")) Object.assign(split, { t: [], names, shares: names.map(() => []) });
  push(split.t, Date.now() / 1000);
  variants.forEach((v, at) => push(split.shares[at], v.weight));
}

// Who has which share of a pipeline's traffic.
export function shares(p) {
  const status = p.status ?? p;
  if (status.course?.variants?.length) return status.course.variants;
  return status.serves ? [{ name: "serves", ...status.serves, weight: 100 }] : [];
}
