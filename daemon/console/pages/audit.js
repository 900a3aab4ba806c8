// Who did what, when and why; the newest first, day by day.

import { get } from "../api.js";
import { changes, h } from "../dom.js";
import { back } from "./weights.js";

export const title = () => "Audit";
export const every = 10000;

const FILTERS = [["actor", "Who"], ["action", "What"], ["name", "Pipeline or model"]];
// What the daemon is not asked for, but looked for in what it says.
const KINDS = {
  people: ["by people", (r) => !["impresario", "daemon"].includes(r.actor)],
  weights: ["changes of weights", (r) => r.changes.some((c) => /weights?(\.|$)/.test(c.path))],
  "weights by people": ["changes of weights by people", (r) => KINDS.people[1](r) && KINDS.weights[1](r)],
};
const SHOWN = 100;
// The most that is looked through: more than the daemon keeps where nobody said otherwise.
const PAGES = 12;

export async function load(at) {
  const query = Object.fromEntries(FILTERS.map(([word]) => [word, at.query.get(word)]));
  const [kind, day] = [KINDS[at.query.get("kind")]?.[1], at.query.get("day")];
  if (!kind && !day) return get("audit", { ...query, before: at.query.get("before"), limit: SHOWN });
  // From the newest back to the day, page by page.
  const found = [];
  let before = at.query.get("before");
  for (let n = 0; n < PAGES; n += 1) {
    const page = await get("audit", { ...query, before, limit: 1000 });
    for (const r of page.records) {
      if ((!day || dayOf(r.at) === day) && (!kind || kind(r))) found.push(r);
      if (found.length === SHOWN) return { records: found, next: r.seq };
    }
    before = page.next;
    if (before === null || (day && dayOf(page.records.at(-1).at) < day)) break;
  }
  return { records: found, next: null };
}

export function view(at, page, tools) {
  const now = Object.fromEntries([...FILTERS.map(([word]) => word), "kind", "day"].map((word) => [word, at.query.get(word) ?? ""]));
  const address = (more) => `#/audit?${new URLSearchParams(Object.entries({ ...now, ...more }).filter(([, value]) => value))}`;
  const form = (event) => {
    event.preventDefault();
    const given = event.target.elements;
    location.hash = address(Object.fromEntries(Object.keys(now).map((word) => [word, given[word].value.trim()])));
  };
  const days = grouped(page.records);
  return [
    h("h1", null, "Audit"),
    h("form", { class: "filters", on: { submit: form } },
      FILTERS.map(([word, name]) => h("label", null, `${name} `, h("input", { name: word, value: now[word], "data-own": true, "data-key": `${word} ${at.hash}`,
        placeholder: { actor: "local", action: "pipeline.put", name: "fraud" }[word] }))),
      h("label", null, "Day ", h("input", { type: "date", name: "day", value: now.day, "data-own": true, "data-key": `day ${at.hash}` })),
      h("label", null, "Show ", h("select", { name: "kind", "data-own": true, "data-key": `kind ${at.hash}` },
        h("option", { value: "" }, "everything"), Object.entries(KINDS).map(([word, [text]]) => h("option", { value: word, selected: word === now.kind }, text)))),
      h("button", { type: "submit", class: "main" }, "Filter"),
      h("a", { href: address({ day: today(0) }) }, "Today"), h("a", { href: address({ day: today(1) }) }, "Yesterday"), h("a", { href: "#/audit" }, "All")),
    page.records.length === 0 && h("p", { class: "quiet" }, "There is no such record."),
    [...days].map(([day, records]) => h("section", { class: "panel", "aria-label": named(day), "data-key": `day ${day}` }, h("h2", null, named(day)),
      h("ol", { class: "journal" }, records.map((r) => h("li", { "data-key": `record ${r.seq}` }, record(r, tools)))))),
    page.next !== null && h("p", null, h("a", { class: "button", href: address({ before: String(page.next) }) }, "Older")),
  ];
}

function record(r, tools) {
  const names = touched(r);
  return h("details", { "data-key": `details ${r.seq}` },
    h("summary", null, h("time", { datetime: r.at, title: r.at }, new Date(r.at).toLocaleTimeString("en-GB")), " ", h("strong", null, r.actor), " ", h("code", null, r.action),
      names.length > 0 && [" ", h("strong", null, names.join(", "))], r.reason && ` · ${r.reason}`),
    h("p", { class: "quiet" }, `number ${r.seq}, revision ${r.revision}, through ${r.source}. `),
    changes(r.changes),
    names.length > 0 && h("div", { class: "actions" }, back(r, tools), names.map((name) => h("a", { class: "button small", href: `#/pipelines/${encodeURIComponent(name)}` }, `${name}: revisions, with undo`))));
}

// The pipelines that a record changed, as its places say.
function touched(r) {
  const names = r.changes.map((c) => /^(?:pipelines|courses)\.([^.]+)/.exec(c.path)?.[1]).filter(Boolean);
  return [...new Set(names)];
}

function grouped(records) {
  const days = new Map();
  for (const r of records) days.set(dayOf(r.at), [...(days.get(dayOf(r.at)) ?? []), r]);
  return days;
}

// A day where the browser is, as an input of dates writes it.
function dayOf(text) {
  const at = new Date(text);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
}

function today(before) {
  const at = new Date();
  at.setDate(at.getDate() - before);
  return dayOf(at);
}

function named(day) {
  if (day === today(0)) return "Today";
  if (day === today(1)) return "Yesterday";
  return new Date(`${day}T12:00`).toLocaleDateString("en-GB", { dateStyle: "full" });
}
