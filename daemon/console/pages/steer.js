// What a course can be asked, as buttons that ask first, and what happened to it.

import { pipeline as path, post } from "../api.js";
import { ask, say } from "../ask.js";
import { ago, badge, button, changes, h, panel } from "../dom.js";
import { lacks } from "../live.js";

// A button for each verb that the daemon says it takes now, and for no other.
export function verbs(name, kind, course, words, tools) {
  const now = [...new Set(course.verbs)];
  if (!now.length) return h("p", { class: "quiet" }, "Nothing can be asked of it now.");
  return h("div", { class: "actions", role: "group", "aria-label": `What can be asked of the ${kind} now` }, now.map((verb) => {
    const word = words[verb] ?? { title: verb };
    return button(named(verb), () => order(name, kind, verb, word, course, tools), { tone: word.tone ?? "", why: lacks("operator"), title: word.title });
  }));
}

function order(name, kind, verb, word, course, { again }) {
  ask({
    title: `${word.title}: ${name}`,
    text: word.text ?? "",
    fields: typeof word.fields === "function" ? word.fields(course) : word.fields,
    reason: word.reason,
    go: named(verb),
    tone: word.tone,
    act: async (given) => {
      const body = word.body ? word.body(given, course) : given;
      const done = await post(path(name, kind, verb), body, course.revision);
      say(done.changed ? `${named(verb)}: done; ${name} is at revision ${done.revision}.` : "It was so already.");
      for (const warning of done.warnings) say(warning, "warn");
      again();
    },
  });
}

// A verb as people read it.
function named(verb) {
  return verb[0].toUpperCase() + verb.slice(1).replaceAll("-", " ");
}

export function journal(entries) {
  return panel("Journal", entries.length === 0 && h("p", { class: "quiet" }, "Nothing happened yet."),
    h("ol", { class: "journal" }, entries.map((e) => h("li", { "data-key": `entry ${e.seq}` }, entry(e)))));
}

export function entry(e) {
  return h("details", { "data-key": `details ${e.seq}` },
    h("summary", null, ago(e.at), " ", h("code", null, e.action), " ", e.phase?.after && badge(e.phase.after), ` ${e.sentence}`),
    h("p", { class: "quiet" }, `number ${e.seq}, revision ${e.revision}, by ${e.actor} through ${e.source}`, e.reason && `: “${e.reason}”`),
    e.numbers.length > 0 && h("p", null, e.numbers.map((n) => `${n.name} = ${n.value ?? "nothing"}`).join(", ")),
    changes(e.changes));
}
