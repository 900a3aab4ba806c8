// Beginning a rollout: which version, by which weights, and what that would take at the present traffic.

import { pipeline as path, post } from "../api.js";
import { ask, say } from "../ask.js";
import { button, h, seconds } from "../dom.js";
import { lacks, live, shares } from "../live.js";
import { plan } from "./rollout.js";

// A button, where a rollout can begin: one version serves, another one is there, and nothing moves the pipeline.
export function begin(name, shown) {
  const [serves, ...more] = shares(shown);
  const composite = shown.spec.policy?.type === "composite";
  if (!serves || more.some((v) => v.weight > 0 && serves.weight > 0) || shown.status.course?.active || composite) return null;
  const there = live.status.models.find((m) => m.name === serves.model)?.versions.filter((v) => v.present && v.version !== serves.version) ?? [];
  if (!there.length) return h("p", { class: "quiet" }, `A rollout can begin once there is another version of ${serves.model}.`);
  return h("div", { class: "actions" }, button("Start a rollout", () => start(name, shown, serves, there), { tone: "main", why: lacks("operator") }));
}

function start(name, shown, serves, there) {
  const newest = there.map((v) => v.version).sort((a, b) => b - a)[0];
  ask({
    title: `Start a rollout: ${name}`,
    text: `Version ${serves.version} of ${serves.model} serves, and stays beside the new one until that has earned its traffic.`,
    fields: [
      { name: "canary", label: "Version that is to take its place", kind: "choice", value: String(newest),
        choices: there.map((v) => [String(v.version), `${v.version} (${v.phase})`]) },
      { name: "weights", label: "Its share of the traffic, step by step", kind: "text", value: "1, 5, 25, 50", needed: true,
        hint: "in per cent; each is judged before the next; the word approve among them waits for a person, wait 10m for time" },
      { name: "min_time", label: "Least time at each share", kind: "text", hint: "such as 5m; empty: 1m" },
      { name: "min_units", label: "Least requests at each share", kind: "number", hint: "of each version; users, where the pipeline has a key; empty: 100" },
    ],
    go: "Start",
    check: { word: "What would it take?", act: async (given) => plan(await post(path(name, "rollout", "plan"), body(given))) },
    act: async (given) => {
      const done = await post(path(name, "rollout"), body(given), shown.revision);
      say(`The rollout of ${name} began.`);
      for (const warning of done.warnings) say(warning, "warn");
      location.hash = `#/pipelines/${encodeURIComponent(name)}/rollout`;
    },
  });
}

// What was written, as the API takes it. What cannot be read goes there as it is, so that the daemon says what is wrong.
function body({ canary, weights, min_time, min_units, reason }) {
  const own = min_time || min_units;
  const steps = weights.split(",").map((word) => word.trim()).filter(Boolean).flatMap((word) => {
    if (word === "approve") return [{ pause: "approval" }];
    if (word.startsWith("wait ")) return [{ pause: word.slice(5).trim() }];
    const weight = Number(word.replace(/\s*%$/, ""));
    return [{ set_weight: Number.isNaN(weight) ? word : weight }, { analyze: own ? "each" : "default" }];
  });
  const each = { ...(min_time && { min_time }), ...(min_units && { min_units }) };
  return { canary: Number(canary), steps, ...(own && { analyses: { each } }), ...(reason && { reason }) };
}
