// An experiment: its arms, what they achieve, how sure that is, and what follows.

import { find, get, pipeline as path } from "../api.js";
import { ago, badge, count, facts, h, number, panel, percent, seconds, share, table } from "../dom.js";
import { between, dot, intervals, split } from "../draw.js";
import { journal, verbs } from "./steer.js";
import * as traffic from "./traffic.js";

const arms = (e) => e.course.variants.map((v) => [v.name, v.name]);

const WORDS = {
  pause: { title: "Pause the experiment", text: "Its baseline answers all until it is resumed." },
  resume: { title: "Resume the experiment", text: "The arms have their shares again." },
  stop: { title: "Stop the experiment", text: "The baseline answers all. What was gathered stays to be read.", reason: "must", tone: "danger" },
  ship: {
    title: "Ship an arm", text: "That arm answers all, and the experiment is over.", tone: "danger",
    fields: (e) => [{ name: "arm", label: "Arm", kind: "choice", choices: arms(e), value: e.report?.ship ?? undefined, needed: true }],
  },
  "set-weights": {
    title: "Set the weights", text: "In per cent; together they are 100.", tone: "danger",
    fields: (e) => e.course.variants.map((v) => ({ name: `arm ${v.name}`, label: v.name, kind: "number", value: v.weight, needed: true })),
    body: (given, e) => ({ reason: given.reason, weights: Object.fromEntries(e.course.variants.map((v) => [v.name, given[`arm ${v.name}`]])) }),
  },
};

export async function load(name) {
  const [experiment, entries, over] = await Promise.all([get(path(name, "experiment")), find(`${path(name, "journal")}?limit=30`), traffic.load(name)]);
  return { experiment, entries: entries?.entries ?? [], over };
}

export function view(name, { experiment: e, entries, over }, tools) {
  const r = e.report;
  return [
    panel("Verdict",
      r && h("p", { class: "lead" }, badge(r.verdict), " ", r.ship && h("strong", null, r.ship, " "), r.why),
      h("p", null, badge(e.course.phase), " ", e.course.why, " (", ago(e.course.since), ")", e.course.waits && h("strong", null, ` ${e.course.waits}`)),
      split(e.course.variants),
      verbs(name, "experiment", e, WORDS, tools)),
    r ? [people(r), r.goals.map((g) => goal(g, r)), r.segments.length > 0 && parts(r), health(r)] : panel("Report", h("p", { class: "quiet" }, "Nothing was gathered yet.")),
    traffic.view(name, over, tools, { parted: true }),
    journal(entries),
  ];
}

function people(r) {
  return panel("Arms",
    h("p", { class: "quiet" }, `Counted by ${r.unit}, over ${seconds(r.seconds)}; a difference where there is none is claimed with a chance of ${percent(r.alpha)} at most, however often one looks.`),
    table("Arms", [
      { head: "Arm", cell: (a) => [dot(r.arms.indexOf(a)), " ", a.name, a === r.arms[0] ? " (baseline)" : ""] },
      { head: "Share", number: true, cell: (a) => share(a.weight) },
      { head: "Units", number: true, cell: (a) => count(Math.round(a.units)) },
      { head: "Requests", number: true, cell: (a) => count(a.requests) },
    ], r.arms, (a) => a.name));
}

function goal(g, r) {
  const text = (v) => (g.kind === "binary" ? percent(v) : number(v));
  const colour = (arm) => Math.max(0, r.arms.findIndex((a) => a.name === arm));
  const relative = g.contrasts.every((c) => c.relative);
  const rows = g.contrasts.map((c) => {
    const n = relative ? c.relative : c.absolute;
    return { name: c.arm, value: n?.value, low: n?.interval.low, high: n?.interval.high, colour: colour(c.arm) };
  });
  return h("section", { class: "panel", "data-key": `goal ${g.role} ${g.metric}` },
    h("h2", null, g.metric, " ", badge(g.role, "plain")),
    h("p", { class: "quiet" }, `${g.kind}; ${g.better} is better; a difference of ${percent(g.mde)} of the baseline's matters.`),
    g.refused && h("p", { class: "note warn" }, g.refused),
    table("By arm", [
      { head: "Arm", cell: ({ a, at }) => [dot(at), " ", a.name] },
      { head: "Value", number: true, cell: ({ v }) => (v ? `${text(v.value)} ± ${text(v.se)}` : "not yet") },
      { head: "With feedback", number: true, cell: ({ v }) => count(v?.fed) },
      { head: "Without", number: true, cell: ({ v }) => count(v?.missing) },
    ], r.arms.map((a, at) => ({ a, at, v: g.arms[at] })), ({ a }) => a.name),
    rows.length > 0 && [
      h("h3", null, relative ? "Against the baseline, as a part of its value" : "Less the baseline's value"),
      intervals(rows, { text: relative ? (v) => percent(v) : text, better: g.better, band: relative ? g.mde : null }),
      table("Against the baseline", [
        { head: "Arm", cell: (c) => c.arm },
        { head: "Difference", number: true, cell: (c) => (c.absolute ? `${text(c.absolute.value)}, ${between(c.absolute.interval, text)}` : "not yet") },
        { head: "p (any time)", number: true, cell: (c) => number(c.p) },
        { head: "p, adjusted", number: true, cell: (c) => number(c.p_holm) },
        { head: "Evidence", cell: (c) => c.evidence.odds },
        { head: "Chance to be better", number: true, cell: (c) => percent(c.chance_to_win) },
        { head: "Time to see what matters", number: true, cell: (c) => (c.seconds_to_mde === 0 ? "past" : seconds(c.seconds_to_mde)) },
      ], g.contrasts, (c) => c.arm),
    ]);
}

function parts(r) {
  return panel("Parts of the traffic", h("p", { class: "quiet" }, "Not adjusted for how many there are: a hint, no verdict."),
    r.segments.map((part) => h("details", { "data-key": `part ${part.dimension} ${part.value}` },
      h("summary", null, `${part.dimension} = ${part.value ?? "all others"} (${part.units.map(count).join(" / ")} units)`),
      table("Contrasts", [
        { head: "Metric", cell: (c) => c.metric },
        { head: "Arm", cell: (c) => c.arm },
        { head: "Baseline", number: true, cell: (c) => number(c.baseline) },
        { head: "Value", number: true, cell: (c) => number(c.value) },
        { head: "Difference", number: true, cell: (c) => `${number(c.absolute.value)}, ${between(c.absolute.interval, number)}` },
        { head: "p", number: true, cell: (c) => number(c.p) },
      ], part.contrasts, (c) => `${c.metric} ${c.arm}`))));
}

function health(r) {
  const x = r.health;
  return panel("Can it be trusted?",
    x.mismatch && h("p", { class: "note bad" }, "The arms did not get the shares of units that they should: nothing measured here can be trusted."),
    x.warnings.map((w) => h("p", { class: "note warn" }, w)),
    facts([
      ["That shares are not as asked", x.sample_ratio.odds],
      ["Met several arms", count(x.exposed_twice === null ? null : Math.round(x.exposed_twice))],
      ["Heaviest unit", x.heaviest === null ? "not known" : `${percent(x.heaviest)} of an arm's requests`],
      ["Splits so far", count(x.splits)],
      ["Of unknown segments", count(x.foreign)],
    ]));
}
