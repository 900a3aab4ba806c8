// Who did what, when and why; the newest first.

import { get } from "../api.js";
import { changes, h, time } from "../dom.js";

export const title = () => "Audit";
export const every = 10000;

const FILTERS = [["actor", "Who"], ["action", "What"], ["name", "Pipeline or model"]];

export async function load(at) {
  const query = Object.fromEntries(FILTERS.map(([word]) => [word, at.query.get(word)]));
  return get("audit", { ...query, before: at.query.get("before"), limit: 100 });
}

export function view(at, page) {
  const go = (more) => {
    const query = new URLSearchParams([...FILTERS.map(([word]) => [word, more[word] ?? at.query.get(word) ?? ""]), ["before", more.before ?? ""]].filter(([, value]) => value));
    location.hash = `#/audit?${query}`;
  };
  const form = (event) => {
    event.preventDefault();
    go(Object.fromEntries(FILTERS.map(([word]) => [word, event.target.elements[word].value.trim()])));
  };
  return [
    h("h1", null, "Audit"),
    h("form", { class: "filters", on: { submit: form } },
      FILTERS.map(([word, name]) => h("label", null, `${name} `, h("input", { name: word, value: at.query.get(word) ?? "", "data-own": true, "data-key": `${word} ${at.hash}`,
        placeholder: { actor: "local", action: "pipeline.put", name: "fraud" }[word] }))),
      h("button", { type: "submit" }, "Filter"),
      h("a", { href: "#/audit" }, "All")),
    page.records.length === 0 && h("p", { class: "quiet" }, "There is no such record."),
    h("ol", { class: "journal" }, page.records.map((r) => h("li", { "data-key": `record ${r.seq}` },
      h("details", { "data-key": `details ${r.seq}` },
        h("summary", null, time(r.at), " ", h("strong", null, r.actor), " ", h("code", null, r.action), r.reason && ` “${r.reason}”`, ` (${r.changes.length} places, revision ${r.revision})`),
        h("p", { class: "quiet" }, `number ${r.seq}, through ${r.source}. `, pipelines(r).map((name) => h("a", { href: `#/pipelines/${encodeURIComponent(name)}` }, `${name}: its revisions, with undo. `))),
        changes(r.changes))))),
    page.next !== null && h("p", null, h("button", { type: "button", on: { click: () => go({ before: String(page.next) }) } }, "Older")),
  ];
}

// The pipelines that a record changed, as its places say.
function pipelines(r) {
  const names = r.changes.map((c) => /^(?:pipelines|courses)\.([^.]+)/.exec(c.path)?.[1]).filter(Boolean);
  return [...new Set(names)];
}
