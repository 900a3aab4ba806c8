// A composite as a picture: nodes, what they read, and how much each version behind them does now.

import { h, number, panel, percent, seconds, table } from "../dom.js";
import { graph } from "../draw.js";
import { live, seen } from "../live.js";

const KINDS = ["model", "pipeline", "ensemble", "switch", "splitter", "transform", "map"];

export async function load() {
  return null;
}

export function view(name, _, __, shown) {
  const policy = shown.spec.policy ?? {};
  if (!policy.nodes) return panel("Graph", h("p", { class: "quiet" }, "This pipeline is no composite."));
  const { nodes, edges } = drawn(policy);
  const [by, s] = [called(policy), seen(name)];
  const slowest = by.length > 1 ? by.filter((v) => v.p99 !== null).sort((a, b) => b.p99 - a.p99)[0] : null;
  return [
    panel("Graph",
      h("p", { class: "quiet" }, "Values go along the arrows. Dashed: a condition reads it. Dotted: asked only where it is taken, or instead of one that failed."),
      graph(nodes, edges, `The graph of ${name}: ${Object.keys(policy.nodes).length} nodes`)),
    panel("Nodes", table("Nodes", [
      { head: "Node", cell: (n) => n.id },
      { head: "What it does", cell: (n) => n.what },
      { head: "Reads", cell: (n) => n.reads.join(", ") },
      { head: "Terms", cell: (n) => n.terms },
    ], Object.entries(policy.nodes).map(([id, node]) => ({ id, what: what(node), reads: [...new Set(edges.filter((e) => e.to === `n ${id}`).map((e) => e.label))], terms: terms(node) })), (n) => n.id)),
    panel("What serves behind it",
      h("p", { class: "quiet" }, `The graph as a whole: ${number(s.rate.at(-1) ?? null)} requests a second. A version's numbers include what others ask of it, and are of the time since the last look; “Decisions” tells how long each node took for one request.`),
      table("Models behind it", [
        { head: "Version", cell: (v) => h("a", { href: `#/models/${encodeURIComponent(v.model)}` }, `${v.model} ${v.version}`) },
        { head: "Nodes", cell: (v) => v.nodes.join(", ") },
        { head: "Requests/s", number: true, cell: (v) => number(v.rate) },
        { head: "Failures", number: true, cell: (v) => percent(v.failed) },
        { head: "p99", number: true, cell: (v) => (v === slowest ? h("strong", null, `${seconds(v.p99)}, the slowest`) : seconds(v.p99)) },
        { head: "Waiting", number: true, cell: (v) => v.queue ?? "–" },
      ], by, (v) => `${v.model} ${v.version}`)),
  ];
}

// The models that nodes call, with what was seen of them.
function called(policy) {
  const found = new Map();
  for (const [id, node] of Object.entries(policy.nodes)) {
    if (!node.model) continue;
    const key = `${node.model} ${node.version}`;
    const one = found.get(key) ?? { model: node.model, version: node.version, nodes: [], ...rate(node.model, node.version) };
    one.nodes.push(id);
    found.set(key, one);
  }
  return [...found.values()];
}

function rate(model, version) {
  let [sum, failed] = [0, 0];
  for (const s of live.seen.values()) {
    const one = s.by.get(`${model} ${version}`);
    if (!one) continue;
    sum += one.rate;
    failed += one.rate * one.failed;
  }
  const there = live.status.models.find((m) => m.name === model)?.versions.find((v) => v.version === version);
  return { rate: sum, failed: sum ? failed / sum : null, queue: there?.queue, p99: seen(model).p99.at(-1) ?? null };
}

function drawn(policy) {
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
    ...Object.entries(policy.nodes).map(([id, node]) => ({ id: `n ${id}`, kind: kind(node), lines: [id, what(node), ...pace(node)], title: `${id}: ${what(node)}. ${terms(node)}` })),
    ...ends("o", Object.keys(policy.outputs ?? {})),
  ];
  const unique = new Map(edges.map((e) => [`${e.from}\n${e.to}\n${e.kind}`, e]));
  return { nodes, edges: [...unique.values()].filter((e) => e.from !== e.to) };
}

// What a call does now, for the picture.
function pace(node) {
  const name = node.model ?? node.pipeline;
  if (!name) return [];
  const s = seen(name);
  const rate = s.rate.at(-1);
  if (rate === undefined) return [];
  const p99 = s.p99.at(-1) ?? null;
  return [`${number(rate)}/s${p99 === null ? "" : `, p99 ${seconds(p99)}`}`];
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
