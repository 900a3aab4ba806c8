// Weights that somebody set by hand: what they were before, and setting them so again.

import { pipeline as path, post } from "../api.js";
import { ask, say } from "../ask.js";
import { button, h, share } from "../dom.js";
import { lacks, live } from "../live.js";

// A record's changes of weights: { name, before, after }, by pipeline.
export function reweighed(record) {
  return record.changes.flatMap((c) => {
    const name = /^courses\.([^.]+)\.weights$/.exec(c.path)?.[1];
    return name && Array.isArray(c.before) && Array.isArray(c.after) ? [{ name, before: c.before, after: c.after }] : [];
  });
}

// A button that sets the weights as they were before a record, where that can still be asked.
export function back(record, { again }) {
  if (!/\.set_weights?$/.test(record.action)) return null;
  return reweighed(record).map(({ name, before }) => {
    const course = live.status.pipelines.find((p) => p.name === name)?.course;
    const verb = { experiment: "set-weights", rollout: "set-weight" }[course?.kind];
    if (!course?.active || !verb || course.variants.length !== before.length) {
      return h("p", { class: "quiet" }, `What was weighed here has ended; ${name} has other shares now.`);
    }
    const said = course.variants.map((v, at) => `${v.name} ${share(before[at])}`).join(", ");
    return button(`Set ${said} again`, () => ask({
      title: `Set the weights of ${name} as they were`,
      text: [`Before ${record.actor} changed them they were: ${said}.`, `Now they are: ${course.variants.map((v) => `${v.name} ${share(v.weight)}`).join(", ")}.`],
      go: "Set them",
      tone: "danger",
      act: async (given) => {
        const weights = verb === "set-weight" ? { weight: before[before.length - 1] } : { weights: Object.fromEntries(course.variants.map((v, at) => [v.name, before[at]])) };
        const done = await post(path(name, course.kind, verb), { ...given, ...weights });
        say(done.changed ? `${name} has these weights again.` : "They were so already.");
        again();
      },
    }), { tone: "small", why: lacks("operator") });
  });
}
