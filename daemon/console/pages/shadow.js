// A shadow: how far its answers are from those that callers got.

import { find, pipeline as path } from "../api.js";
import { badge, count, facts, h, number, panel, percent, seconds, table } from "../dom.js";
import { intervals } from "../draw.js";

export async function load(name) {
  return find(path(name, "shadow"));
}

export function view(name, s) {
  if (!s) return panel("Shadow", h("p", { class: "quiet" }, "This pipeline has no shadow now."));
  return [
    panel("Shadow", h("p", { class: "lead" }, `Version ${s.version} of ${s.model} sees ${percent(s.sample)} of the requests and answers nobody.`),
      s.beside.length === 0 && h("p", { class: "quiet" }, "Nothing was seen yet.")),
    [...s.beside].reverse().map((b) => beside(b)),
  ];
}

function beside({ model, version, report: r }) {
  const c = r.coverage;
  const ns = (n) => seconds(n === null || n === undefined ? n : n / 1e9);
  const rows = [{ name: "shadow", value: r.agreement.share, low: r.agreement.interval.low, high: r.agreement.interval.high, colour: 1 }];
  if (r.noise) rows.push({ name: "itself (noise)", value: r.noise.share, low: r.noise.interval.low, high: r.noise.interval.high, colour: 0 });
  return h("section", { class: "panel", "data-key": `beside ${model} ${version}` },
    h("h2", null, `Beside ${model} ${version} `, badge(r.finding)),
    h("p", null, r.sentence),
    h("h3", null, "Agreement with what callers got"),
    intervals(rows, { zero: null, text: percent, within: [0, 1] }),
    facts([
      ["Requests", `${count(c.eligible)} there were, ${count(c.sampled)} sampled, ${count(c.compared)} compared`],
      ["Not compared", `${count(c.dropped)} found a full queue, ${count(c.expired)} too late, ${count(c.unavailable)} met nobody, ${count(c.unanswered)} had no answer`],
      r.gap !== null && ["More than noise", `${percent(r.gap)}, between ${percent(r.gap_interval?.low)} and ${percent(r.gap_interval?.high)}`],
      ["Time", `answering p50 ${ns(r.answering_ns.p50)}, p99 ${ns(r.answering_ns.p99)}; shadow p50 ${ns(r.shadow_ns.p50)}, p99 ${ns(r.shadow_ns.p99)}; ${number(r.ratio.p50)} times as long`],
      ["Failures", `only the shadow ${count(r.errors.shadow)}, only the answering version ${count(r.errors.answering)}, both ${count(r.errors.both)}; that it fails more often: ${r.errors.worse.odds}`],
      r.errors.faults.length > 0 && ["How it failed", r.errors.faults.map((f) => `${f.fault} ${count(f.count)}`).join(", ")],
    ]),
    h("h3", null, "Output by output"),
    table("Outputs", [
      { head: "Output", cell: (o) => o.name },
      { head: "Pairs", number: true, cell: (o) => count(o.pairs) },
      { head: "Agree", number: true, cell: (o) => (o.pairs ? percent(o.agree / o.pairs) : "–") },
      { head: "Exactly", number: true, cell: (o) => count(o.exact) },
      { head: "Same label", number: true, cell: (o) => (o.rows ? percent(o.same / o.rows) : "–") },
      { head: "Difference p50 / p99", number: true, cell: (o) => `${number(o.differences.p50)} / ${number(o.differences.p99)}` },
      { head: "Missing, type, shape", number: true, cell: (o) => `${count(o.missing)}, ${count(o.datatype)}, ${count(o.shape)}` },
    ], r.outputs, (o) => o.name),
    r.outputs.filter((o) => o.matrix.length > 1).map((o) => matrix(o)),
    r.examples.length > 0 && [h("h3", null, "Worst examples"), r.examples.map((e) => h("details", { "data-key": `example ${e.request}` },
      h("summary", null, badge(e.kind, "warn"), ` ${e.output ?? e.failure ?? ""} ${e.distance === null ? "" : `by ${number(e.distance)}`}, request ${e.request}`),
      h("p", null, h("a", { href: `#/decisions?id=${encodeURIComponent(e.request)}` }, "How it was decided")),
      e.failure && h("p", null, e.failure),
      ["inputs", "answered", "shadow"].map((part) => e[part].length > 0 && h("p", null, h("strong", null, part, ": "), e[part].map((x) => h("code", { class: "break" }, `${x.name} ${x.datatype}[${x.shape.join(",")}] ${x.values} `)))),
      e.inputs.length === 0 && h("p", { class: "quiet" }, "The configuration does not allow to keep what was asked.")))]);
}

function matrix(o) {
  const labels = [...new Set(o.matrix.flatMap((c) => [c.answered, c.shadow]))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  if (labels.length > 24) return null;
  const rows = new Map(o.matrix.map((c) => [`${c.answered}\n${c.shadow}`, c.rows]));
  return h("details", { "data-key": `matrix ${o.name}`, open: true },
    h("summary", null, `Which label of ${o.name} became which`),
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `Labels of ${o.name}` }, h("table", { class: "matrix" },
      h("caption", { class: "hidden" }, "Rows: what callers got. Columns: what the shadow said."),
      h("thead", null, h("tr", null, h("th", null, "got \\ shadow"), labels.map((l) => h("th", { scope: "col" }, l)))),
      h("tbody", null, labels.map((a) => h("tr", null, h("th", { scope: "row" }, a), labels.map((b) => {
        const n = rows.get(`${a}\n${b}`);
        return h("td", { class: `number ${n ? (a === b ? "same" : "other") : ""}` }, n ? count(n) : "");
      })))))));
}
