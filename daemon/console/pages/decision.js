// One request: which version answered it, why that one, and how long each part took.

import { find } from "../api.js";
import { absent, badge, facts, h, number, panel, percent, table, time } from "../dom.js";

export const title = () => "Decisions";
export const every = 15000;

export async function load(at) {
  const id = at.query.get("id");
  return id ? { id, found: await find(`decisions/${encodeURIComponent(id)}`) } : { id: "" };
}

export function view(at, { id, found: d }) {
  const form = (event) => {
    event.preventDefault();
    location.hash = `#/decisions?id=${encodeURIComponent(event.target.elements.id.value.trim())}`;
  };
  return [
    h("h1", null, "Decisions"),
    h("form", { class: "filters", on: { submit: form } },
      h("label", null, "Request id ", h("input", { name: "id", value: id, "data-own": true, "data-key": `id ${at.hash}`, size: 40, placeholder: "x-request-id of an answer" })),
      h("button", { type: "submit" }, "Explain")),
    id && !d && h("p", { class: "note warn" }, "Nothing is kept of this request: ids are kept for a while and for a share of the requests only, or it was another daemon's."),
    d && [
      panel("What became of it", h("p", { class: "lead" }, d.sentence), facts([
        ["Pipeline", h("a", { href: `#/pipelines/${encodeURIComponent(d.pipeline)}` }, d.pipeline)],
        ["Answered by", `${d.answered.model} ${d.answered.version}`],
        ["Decided on", `${d.variant} (${d.why})`],
        d.rescue && ["Rescued", `${d.rescue.from} failed: ${d.rescue.why}`],
        ["Outcome", d.outcome],
        ["When", time(d.at)],
        ["Revision", d.revision],
        d.weights.length > 0 && ["Shares then", d.weights.map((w) => `${w.name} ${number(w.weight)} %`).join(", ")],
        d.slot !== null && ["Slot", `${d.slot} of 10,000; its chance was ${percent(d.propensity)}`],
        ["Time", `${number(d.total_ms)} ms: ${number(d.queue_ms)} ms waiting, ${number(d.compute_ms)} ms computing`],
        d.shadow && ["Shadow", `${d.shadow.model} ${d.shadow.version}`],
        d.feedback.length > 0 && ["Feedback", d.feedback.map((f) => `${f.metric ?? ""} ${f.value ?? ""}`).join(", ")],
      ])),
      d.nodes.length > 0 && panel("Nodes", nodes(d.nodes)),
    ],
  ];
}

function nodes(list) {
  const slowest = Math.max(...list.flatMap((n) => n.calls.map((c) => c.took_ms)), 0);
  return [
    table("Nodes", [
      { head: "Node", cell: (n) => n.name },
      { head: "Fate", cell: (n) => badge(n.fate, { answered: "good", failed: "bad", cancelled: "warn", "fell back": "warn", defaulted: "warn" }[n.fate] ?? "plain") },
      { head: "Rows", number: true, cell: (n) => n.rows },
      { head: "Took", cell: (n) => n.took.map((t) => `${t.name} (${t.rows})`).join(", ") },
      { head: "Asked", cell: (n) => n.calls.map((c) => `${c.answered ? `${c.answered.model} ${c.answered.version}` : absent}${c.attempt > 1 ? `, attempt ${c.attempt}` : ""}`).join("; ") },
      { head: "Time", number: true, cell: (n) => n.calls.map((c) => (c.took_ms === slowest ? h("strong", null, `${number(c.took_ms)} ms, the longest `) : `${number(c.took_ms)} ms `)) },
      { head: "Failure", cell: (n) => n.failure ?? n.calls.map((c) => c.failure).filter(Boolean).join("; ") },
    ], list, (n) => n.name),
    list.flatMap((n) => n.calls).filter((c) => c.nodes.length).map((c) => panel(`Within ${c.answered?.model ?? "a call"}`, nodes(c.nodes))),
  ];
}
