// A bandit: its arms, what they brought, and what finding that out cost.

import { find, get, pipeline as path } from "../api.js";
import { ago, badge, count, h, number, panel, percent, share, table } from "../dom.js";
import { dot, intervals, split } from "../draw.js";
import { journal, verbs } from "./steer.js";
import * as traffic from "./traffic.js";

const arm = (keep) => (b) => [{
  name: "arm", label: "Arm", kind: "choice", needed: true,
  choices: (b.report?.arms ?? b.course.variants).filter((a) => keep(a)).map((a) => [a.name, a.name]),
}];

const WORDS = {
  pause: { title: "Pause the bandit", text: "The shares stay as they are; rewards go on being counted." },
  resume: { title: "Resume the bandit", text: "The shares follow the rewards again." },
  freeze: {
    title: "Freeze the bandit", text: "It is over, and what you choose takes its place.", tone: "danger",
    fields: [{ name: "as", label: "What takes its place", kind: "choice", choices: [["experiment", "an experiment with the shares as they are"], ["best", "the best arm answers all"]] }],
  },
  "remove-arm": { title: "Remove an arm", text: "It has no traffic from now on.", reason: "must", tone: "danger", fields: arm((a) => !a.removed) },
  "restore-arm": { title: "Bring an arm back", text: "It begins at the floor again.", fields: arm((a) => a.removed) },
};

export async function load(name) {
  const [bandit, entries, over] = await Promise.all([get(path(name, "bandit")), find(`${path(name, "journal")}?limit=30`), traffic.load(name)]);
  return { bandit, entries: entries?.entries ?? [], over };
}

export function view(name, { bandit: b, entries, over }, tools) {
  const r = b.report;
  return [
    panel("Where it is",
      h("p", { class: "lead" }, badge(b.course.phase), " ", r?.why ?? b.course.why, " (", ago(b.course.since), ")"),
      split(b.course.variants),
      verbs(name, "bandit", b, WORDS, tools)),
    r ? panel("Arms",
      table("Arms", [
        { head: "Arm", cell: (a) => [dot(r.arms.indexOf(a)), " ", a.name, a.removed ? [" ", badge("removed", "bad")] : null] },
        { head: "Share", number: true, cell: (a) => share(a.weight) },
        { head: "Shown", number: true, cell: (a) => count(a.shown) },
        { head: "Mean reward", number: true, cell: (a) => `${number(a.mean)} ± ${number(a.se)}` },
        { head: "Chance to be the best", number: true, cell: (a) => percent(a.chance) },
        { head: "Removed", cell: (a) => (a.removed ? `by ${a.removed.by}: ${a.removed.why}` : "") },
      ], r.arms, (a) => a.name),
      h("h3", null, "Mean rewards, two standard errors to each side"),
      intervals(r.arms.map((a, at) => ({ name: a.name, value: a.mean, low: a.mean === null || a.se === null ? null : a.mean - 2 * a.se, high: a.mean === null || a.se === null ? null : a.mean + 2 * a.se, colour: at % 6 })), { zero: null }),
      h("p", null, `${count(r.periods)} periods. Reward that did not come, against the best arm: ${number(r.regret)}; with even shares it would have been ${number(r.regret_even)}.`))
      : panel("Arms", h("p", { class: "quiet" }, "Nothing was gathered yet.")),
    traffic.view(name, over, tools, { parted: true }),
    journal(entries),
  ];
}
