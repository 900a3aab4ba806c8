// What is so now: the state, who asks, and what was counted between one look and the next. What was before the page was
// opened is in history.js.

import { Refused, get } from "./api.js";

// Points kept per pipeline: half an hour at the usual pace.
const KEPT = 600;
// What a caller did is no failure of the daemon's: what cannot be read, what exceeds their share, what they left.
const NO_FAILURES = new Set(["success", "refused", "limited", "abandoned"]);

export const live = { me: null, status: null, trouble: null, seen: new Map(), nodes: new Map(), at: null };

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
  // Without numbers there is still everything to be seen and steered.
  const numbers = get("metrics").catch((error) => {
    if (error instanceof Refused && ![401, 403].includes(error.status)) return { started: null, cells: [], nodes: [] };
    throw error;
  });
  const [status, counted] = await Promise.all([get("status"), numbers]);
  live.status = status;
  const now = { started: counted.started, at: performance.now() / 1000, ...read(counted) };
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
  Object.assign(live, { me: null, status: null, trouble: null, seen: new Map(), nodes: new Map(), at: null });
}

// What was seen of a pipeline: courses of numbers beside the times `t`, and the newest by version and by variant.
export function seen(name) {
  return live.seen.get(name) ?? { t: [], rate: [], failed: [], p50: [], p99: [], variants: new Map(), by: new Map(), split: { t: [], names: [], shares: [] } };
}

// The counters by what they belong to.
function read({ cells, nodes }) {
  const byCell = new Map(cells.map((c) => [`${c.pipeline}\n${c.variant}\n${c.model} ${c.version}`, { ...outcomes(c.outcomes), buckets: new Map(c.request.buckets) }]));
  const byNode = new Map(nodes.map((n) => [`${n.model} ${n.version}\n${n.node}`, { ...outcomes(n.outcomes), buckets: new Map(n.took.buckets) }]));
  return { cells: byCell, nodes: byNode };
}

// How many there were, and how many of them failed.
export function outcomes(counts) {
  let [asked, failed] = [0, 0];
  for (const [outcome, n] of Object.entries(counts)) {
    asked += n;
    if (!NO_FAILURES.has(outcome)) failed += n;
  }
  return { asked, failed };
}

function compare(old, now) {
  const passed = now.at - old.at;
  if (passed <= 0) return;
  // Another start counts from nothing.
  const same = old.started === now.started;
  const more = (kind, key) => less(now[kind].get(key), same ? old[kind].get(key) : null);
  const sums = new Map();
  for (const key of now.cells.keys()) {
    const [name, variant, version] = key.split("\n");
    const sum = sums.get(name) ?? { all: none(), variants: new Map(), by: new Map() };
    sums.set(name, sum);
    const one = more("cells", key);
    add(sum.all, one);
    for (const [part, word] of [[sum.variants, variant], [sum.by, version]]) {
      if (!part.has(word)) part.set(word, none());
      add(part.get(word), one);
    }
  }
  const figures = ({ asked, failed, buckets }) => ({
    rate: asked / passed, failed: asked ? failed / asked : null, p50: quantile(buckets, 0.5), p99: quantile(buckets, 0.99),
  });
  for (const [name, sum] of sums) {
    const s = entry(name);
    push(s.t, Date.now() / 1000);
    const all = figures(sum.all);
    for (const word of ["rate", "failed", "p50", "p99"]) push(s[word], all[word]);
    for (const [variant, counts] of sum.variants) {
      if (!s.variants.has(variant)) s.variants.set(variant, { rate: [], failed: [], p50: [], p99: [] });
      const [course, one] = [s.variants.get(variant), figures(counts)];
      for (const word of ["rate", "failed", "p50", "p99"]) {
        // One that came later has nothing where it was not there yet.
        while (course[word].length < s.t.length - 1) course[word].push(null);
        push(course[word], one[word]);
      }
    }
    s.by = new Map([...sum.by].map(([version, counts]) => [version, figures(counts)]));
  }
  live.nodes = new Map();
  for (const key of now.nodes.keys()) {
    const [graph, node] = key.split("\n");
    if (!live.nodes.has(graph)) live.nodes.set(graph, new Map());
    live.nodes.get(graph).set(node, figures(more("nodes", key)));
  }
}

function none() {
  return { asked: 0, failed: 0, buckets: new Map() };
}

function add(sum, { asked, failed, buckets }) {
  sum.asked += asked;
  sum.failed += failed;
  for (const [at, n] of buckets) sum.buckets.set(at, (sum.buckets.get(at) ?? 0) + n);
}

function less(now, old) {
  if (!old || old.asked > now.asked) return now;
  const buckets = new Map();
  for (const [at, n] of now.buckets) {
    const more = n - (old.buckets.get(at) ?? 0);
    if (more > 0) buckets.set(at, more);
  }
  return { asked: now.asked - old.asked, failed: now.failed - old.failed, buckets };
}

function entry(name) {
  if (!live.seen.has(name)) live.seen.set(name, seen(""));
  return live.seen.get(name);
}

function push(list, value) {
  list.push(value);
  if (list.length > KEPT) list.shift();
}

// A quantile in seconds. Bucket i holds what took up to 2^((i+1)/16) s; within it, values count as even.
function quantile(buckets, q) {
  let all = 0;
  for (const n of buckets.values()) all += n;
  if (!all) return null;
  let passed = 0;
  for (const [at, n] of [...buckets].sort(([a], [b]) => a - b)) {
    if (passed + n >= q * all) {
      const [low, high] = [2 ** (at / 16), 2 ** ((at + 1) / 16)];
      return low + (high - low) * ((q * all - passed) / n);
    }
    passed += n;
  }
  return null;
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
