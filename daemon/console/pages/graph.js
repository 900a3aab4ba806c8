// A composite as a picture: nodes, what they read, how much and how fast each of them does now, and which one a caller waits
// for the longest.

import { absent, h, number, panel, percent, seconds, table } from "../dom.js";
import { graph } from "../draw.js";
import { live, seen } from "../live.js";

const KINDS = ["model", "pipeline", "ensemble", "switch", "splitter", "transform", "map"];

export async function load() {
  return null;
}

export function view(name, _, __, shown) {
  const policy = shown.spec.policy ?? {};
  if (!policy.nodes) return panel("Graph", h("p", { class: "quiet" }, "This pipeline is no composite."));
  const s = seen(name);
  const rate = s.rate.at(-1) ?? null;
  const figures = measured(name, shown);
  const { nodes, edges } = drawn(policy, figures);
  const { path, slowest, takes } = critical(policy, edges, figures, rate);
  for (const n of nodes) if (path.has(n.id)) n.mark = n.id === slowest ? "path slowest" : "path";
  for (const e of edges) if (path.has(e.from) && path.get(e.from) === e.to) e.mark = "path";
  const slow = slowest?.slice(2);
  const last = (list) => list.at(-1) ?? null;
  return [
    panel("Graph",
      h("p", null, rate === null ? "Nothing was measured yet." : `${number(rate)} requests a second; half are answered within ${seconds(last(s.p50))}, 99 of 100 within ${seconds(last(s.p99))}. `,
        slow && [h("strong", null, slow), ` is what callers wait for the longest: it takes ${seconds(figures.get(slow).p50)} at the median, on the way that takes the longest (${seconds(takes)}).`]),
      graph(nodes, edges, `The graph of ${name}: ${Object.keys(policy.nodes).length} nodes`),
      h("p", { class: "quiet" }, "Values go along the arrows. Dashed: a condition reads it. Dotted: asked only where it is taken, or instead of one that failed. Bold: the way that takes the longest.")),
    panel("Nodes", h("p", { class: "quiet" }, "Since the last look. “Decisions” tells how long each took for one request."),
      table("Nodes", [
        { head: "Node", cell: (n) => [n.id, n.id === slow && h("small", { class: "bad" }, "the slowest on the way")] },
        { head: "What it does", cell: (n) => (n.model ? h("a", { href: `#/models/${encodeURIComponent(n.model)}` }, n.what) : n.pipeline ? h("a", { href: `#/pipelines/${encodeURIComponent(n.pipeline)}` }, n.what) : n.what) },
        { head: "Reads", cell: (n) => n.reads.join(", ") },
        { head: "Per second", number: true, cell: (n) => (n.model || n.pipeline ? number(n.now?.rate) : absent) },
        { head: "Failures", number: true, cell: (n) => (n.now?.failed ? h("strong", { class: "bad" }, percent(n.now.failed)) : percent(n.now?.failed)) },
        { head: "p50", number: true, cell: (n) => seconds(n.now?.p50) },
        { head: "p99", number: true, cell: (n) => seconds(n.now?.p99) },
        { head: "Waiting", number: true, cell: (n) => waiting(n) },
        { head: "Terms", cell: (n) => n.terms },
      ], Object.entries(policy.nodes).map(([id, node]) => ({
        id, model: node.model, version: node.version, pipeline: node.pipeline, what: what(node), now: figures.get(id), terms: terms(node),
        reads: [...new Set(edges.filter((e) => e.to === `n ${id}`).map((e) => e.label))],
      })), (n) => n.id)),
  ];
}

// What each node does now, in the version of the graph that serves.
function measured(name, shown) {
  return live.nodes.get(`${name} ${shown.status.serves?.version}`) ?? new Map();
}

function waiting({ model, version }) {
  if (!model) return absent;
  return live.status.models.find((m) => m.name === model)?.versions.find((v) => v.version === version)?.queue ?? absent;
}

// The way through the graph that takes the longest: each node counts with its median, less where not every request asks it.
// `path` leads from node to node; `slowest` is the node on it that takes most.
function critical(policy, edges, figures, rate) {
  const cost = (id) => {
    const now = figures.get(id.slice(2));
    return now?.p50 ? now.p50 * Math.min(1, rate ? now.rate / rate : 1) : 0;
  };
  const inner = new Set(Object.keys(policy.nodes).map((id) => `n ${id}`));
  const known = new Map();
  // How long it takes from the start to the end of a node, and whom it waited for last.
  const until = (id) => {
    if (known.has(id)) return known.get(id);
    known.set(id, { takes: 0, from: null });
    let [takes, from] = [0, null];
    for (const e of edges) {
      if (e.to !== id || !inner.has(e.from)) continue;
      const one = until(e.from).takes;
      if (one > takes) [takes, from] = [one, e.from];
    }
    known.set(id, { takes: takes + cost(id), from });
    return known.get(id);
  };
  let end = null;
  for (const id of inner) if (!end || until(id).takes > until(end).takes) end = id;
  const path = new Map();
  const takes = end ? until(end).takes : 0;
  if (!takes) return { path, slowest: null, takes };
  let slowest = end;
  for (let [at, next] = [end, null]; at; [at, next] = [until(at).from, at]) {
    path.set(at, next);
    if (cost(at) > cost(slowest)) slowest = at;
  }
  return { path, slowest, takes };
}

function drawn(policy, figures) {
  const names = new Set(Object.keys(policy.nodes));
  const edges = [];
  const inputs = new Set();
  const read = (to, text, kind) => {
    const [from, ...port] = text.split(".");
    if (from === "request") {
      const input = port.join(".") || "inputs";
      inputs.add(input);
      edges.push({ from: `i ${input}`, to, kind, label: text });
    } else if (names.has(from)) edges.push({ from: `n ${from}`, to, kind, label: text });
  };
  // Names in an expression, texts left out.
  const expression = (to, text, kind) => {
    for (const [word] of text.replace(/'[^']*'|"[^"]*"/g, "").matchAll(/[A-Za-z_]\w*(?:\.\w+)*/g)) read(to, word, kind);
  };
  for (const [id, node] of Object.entries(policy.nodes)) {
    const to = `n ${id}`;
    if (node.inputs) for (const value of Object.values(node.inputs)) read(to, String(value), "solid");
    else if (node.model || node.pipeline) read(to, "request", "solid");
    for (const value of [node.of ?? []].flat()) read(to, value, "solid");
    if (typeof node.map === "string") expression(to, node.map, "solid");
    if (node.when) expression(to, node.when, "dashed");
    for (const one of [...(node.switch ?? []), ...(node.splitter ?? [])]) {
      const call = one.call ?? one.else;
      if (one.when) expression(to, one.when, "dashed");
      if (call) edges.push({ from: `n ${call}`, to, kind: "dotted", label: one.when ? `${call} when ${one.when}` : one.weight ? `${call} ${one.weight} %` : `${call} otherwise` });
    }
    if (node.on_error?.fallback) edges.push({ from: `n ${node.on_error.fallback}`, to, kind: "dotted", label: `${node.on_error.fallback} where ${id} fails` });
  }
  for (const [output, from] of Object.entries(policy.outputs ?? {})) read(`o ${output}`, from, "solid");
  const ends = (kind, list) => list.map((one) => ({ id: `${kind} ${one}`, kind: "end", lines: [one] }));
  const nodes = [
    ...ends("i", [...inputs]),
    ...Object.entries(policy.nodes).map(([id, node]) => ({ id: `n ${id}`, kind: kind(node), lines: [id, what(node), ...pace(figures.get(id))], title: `${id}: ${what(node)}. ${terms(node)}` })),
    ...ends("o", Object.keys(policy.outputs ?? {})),
  ];
  const unique = new Map(edges.map((e) => [`${e.from}\n${e.to}\n${e.kind}`, e]));
  return { nodes, edges: [...unique.values()].filter((e) => e.from !== e.to) };
}

// What a node does now, for the picture.
function pace(now) {
  if (!now?.rate) return [];
  return [`${number(now.rate)}/s${now.failed ? `, ${percent(now.failed, 1)} fail` : ""}`, `p50 ${seconds(now.p50)}`, `p99 ${seconds(now.p99)}`];
}

function kind(node) {
  return KINDS.find((k) => k in node && !(k === "model" && node.pipeline)) ?? "map";
}

function what(node) {
  const k = kind(node);
  switch (k) {
    case "model": return `model ${node.model} ${node.version ?? ""}`;
    case "pipeline": return `pipeline ${node.pipeline}`;
    case "ensemble": return `ensemble ${node.ensemble}`;
    case "switch": return `switch of ${node.switch.length}`;
    case "splitter": return `splitter ${node.splitter.map((x) => `${x.call} ${x.weight} %`).join(", ")}`;
    case "transform": return `transform ${node.transform}`;
    default: return `map ${node.map ?? ""}`;
  }
}

function terms(node) {
  const e = node.on_error;
  return [
    node.when && `when ${node.when}`,
    node.timeout && `at most ${node.timeout}`,
    node.retry && `asked up to ${node.retry.attempts} times`,
    e && (typeof e === "string" ? `on error: ${e}` : e.fallback ? `on error: ${e.fallback} instead` : "on error: a default"),
    node.quorum && `${node.quorum} suffice`,
  ].filter(Boolean).join("; ");
}
