// A rollout: where it is among its steps and why, the evidence for harm and for safety, what is left, and what can be asked
// of it now.

import { find, get, pipeline as path } from "../api.js";
import { ago, badge, count, facts, h, number, panel, percent, seconds, share, table } from "../dom.js";
import { chart, evidence, split } from "../draw.js";
import { journal, verbs } from "./steer.js";
import * as traffic from "./traffic.js";

export const WORDS = {
  pause: { title: "Pause the rollout", text: "It stays at its weight, and its clocks stand still, until it is resumed." },
  resume: { title: "Resume the rollout", text: "It goes on from where it was paused." },
  promote: {
    title: "Promote the canary", tone: "danger", text: "Without a choice below it goes on to the next step.",
    fields: [
      { name: "full", label: "Give it all of the traffic now", kind: "check" },
      { name: "force", label: "Against a freeze or the evidence (needs a reason)", kind: "check" },
    ],
  },
  skip: { title: "Skip this step", text: "It leaves the step that it is in without waiting for what the step asks." },
  approve: { title: "Approve", tone: "main", text: "The rollout leaves the step that waits for approval." },
  reject: { title: "Reject", text: "The rollout is aborted: the stable has all of the traffic at once.", reason: "must", tone: "danger" },
  abort: { title: "Abort the rollout", text: "The stable has all of the traffic at once. It can be tried again later.", reason: "must", tone: "danger" },
  retry: { title: "Try again", text: "The same rollout begins anew, with evidence of its own." },
  undo: { title: "Undo the rollout", text: "The pipeline becomes what it was before the rollout, also after a promotion.", tone: "danger" },
  "set-weight": {
    title: "Set the canary's weight", text: "The evidence begins a new segment with it.", tone: "danger",
    fields: [{ name: "weight", label: "Share of the traffic, in per cent", kind: "number", needed: true }],
  },
  freeze: {
    title: "Freeze this rollout", text: "It does not advance, whatever the evidence says; harm still aborts it.",
    fields: [{ name: "until", label: "For how long", kind: "text", hint: "such as 2h, or a time; empty: until it is taken back" }],
  },
  unfreeze: { title: "Unfreeze", text: "It advances again as the evidence allows." },
};

// How the evidence went while the page was open, by rollout and segment.
const courses = new Map();

export async function load(name) {
  const [rollout, entries, over] = await Promise.all([get(path(name, "rollout")), find(`${path(name, "journal")}?limit=30`), traffic.load(name)]);
  if (rollout.evidence) keep(rollout);
  return { rollout, entries: entries?.entries ?? [], over };
}

function keep(r) {
  const key = `${r.name} ${r.id} ${r.segment}`;
  const names = r.evidence.guardrails.map((g) => g.metric);
  if (!courses.has(key)) {
    courses.clear();
    courses.set(key, { names, t: [], all: [], safety: names.map(() => []), harms: names.map(() => []) });
  }
  const kept = courses.get(key);
  kept.t.push(Date.now() / 1000);
  kept.all.push(r.evidence.harm.log);
  r.evidence.guardrails.forEach((g, at) => {
    kept.harms[at]?.push(g.harm.log);
    kept.safety[at]?.push(g.safety.log);
  });
}

export function view(name, { rollout: r, entries, over }, tools, shown) {
  const policy = shown.spec.policy ?? {};
  return [
    panel("Where it is",
      h("p", { class: "lead" }, badge(r.phase), " ", `version ${r.canary} of ${r.model} has ${share(r.weight)}`, r.target !== r.weight ? ` (${share(r.target)} is meant)` : "", `, version ${r.stable} the rest; ${r.progress}.`),
      split([{ name: "stable", model: r.model, version: r.stable, weight: 100 - r.weight }, { name: "canary", model: r.model, version: r.canary, weight: r.weight }]),
      steps(r),
      facts([
        ["Why", r.why],
        r.waits && ["It waits for", h("strong", null, r.waits)],
        r.detail && ["More", r.detail],
        r.frozen && ["Frozen", r.frozen],
        r.doubt && ["Doubt", r.doubt],
        r.forced && ["Forced", r.forced],
        ["Since", ago(r.since)],
        ["Clock", `${seconds(r.clocks.phase)} here, ${seconds(r.clocks.baked)} in all${r.clocks.running ? "" : "; it stands still"}${r.clocks.away ? `, ${seconds(r.clocks.away)} without the canary` : ""}`],
        ["Left", left(r)],
      ]),
      verbs(name, "rollout", r, WORDS, tools)),
    proof(r, policy),
    r.plan && panel("Plan at this traffic", plan(r.plan)),
    traffic.view(name, over, tools, { parted: true }),
    journal(entries),
  ];
}

function steps(r) {
  return h("ol", { class: "steps", "aria-label": "Steps" }, r.steps.map((s) =>
    h("li", { class: s.mark, "aria-current": s.mark === "current" ? "step" : null },
      h("span", { class: "mark", "aria-hidden": "true" }, { done: "✓", current: "▸", stopped: "✕", ahead: "" }[s.mark] ?? ""), s.what, h("span", { class: "hidden" }, ` (${s.mark})`))));
}

// What the plan says of the steps that are not over: for a later one that is at the most what it takes.
function left(r) {
  if (!r.active) return "nothing: it has ended";
  if (!r.plan) return "not known: no traffic was measured yet";
  const ahead = r.plan.steps.filter((s) => s.number >= (r.step ?? 1));
  if (ahead.some((s) => s.kind === "approval")) return "waits for a person at some step";
  if (ahead.some((s) => s.seconds === null && s.kind === "analyze")) return "a step cannot conclude at this traffic; see the plan";
  const all = ahead.reduce((sum, s) => sum + (s.seconds ?? 0), 0) - (r.clocks.phase ?? 0);
  return `about ${seconds(Math.max(0, all))} at ${number(r.plan.traffic.per_second)} requests a second`;
}

// Safety counts from 1/β on, which the analysis of the present step says.
function beta(r, policy) {
  const names = (policy.steps ?? []).slice(0, r.step ?? undefined).map((s) => s.analyze).filter(Boolean);
  return policy.analyses?.[names[names.length - 1] ?? "default"]?.beta ?? 0.05;
}

function proof(r, policy) {
  const e = r.evidence;
  if (!e) return panel("Evidence", h("p", { class: "quiet" }, "Nothing was read yet."));
  const bar = e.harm.bar;
  const safe = Math.log(1 / beta(r, policy));
  const kept = courses.get(`${r.name} ${r.id} ${r.segment}`);
  const line = (value) => kept.t.map(() => value);
  return panel("Evidence",
    h("p", null, badge(e.verdict), " ", e.sentence),
    h("h3", null, "Harm, all guardrails together"),
    h("p", null, `${e.harm.odds}; the rollout is aborted at ${e.harm.bar_odds}`, e.harm.top ? `; ${e.harm.top} speaks of it most` : "", e.harm.shown ? ". It is shown." : "."),
    evidence(e.harm.log, bar, "harm", `evidence of harm ${e.harm.odds}, threshold ${e.harm.bar_odds}`),
    table("Guardrails", [
      { head: "Metric", cell: (g) => [g.metric, " ", badge(g.verdict)] },
      { head: "Stable", number: true, cell: (g) => `${count(g.events.stable)} of ${count(g.of.stable)} (${percent(g.rates.stable)})` },
      { head: "Canary", number: true, cell: (g) => `${count(g.events.canary)} of ${count(g.of.canary)} (${percent(g.rates.canary)})` },
      { head: "Canary's rate lies", cell: (g) => `${percent(g.bounds.low)} to ${percent(g.bounds.high)}` },
      { head: "Harm", cell: (g) => [evidence(g.harm.log, bar, "harm", `harm ${g.harm.odds}`), h("small", null, g.harm.odds)] },
      { head: "Safety", cell: (g) => [evidence(g.safety.log, safe, "safety", `safety ${g.safety.odds}`), h("small", null, g.safe ? `safe: ${g.ground}` : `${g.safety.odds}, for less than ${number(g.margin)} times`)] },
    ], e.guardrails, (g) => g.metric),
    facts([
      ["Units", `${count(e.units.stable)} on the stable, ${count(e.units.canary)} on the canary`],
      ["That shares are not as asked", e.sample_ratio.odds],
      ["Broken contracts", `${count(e.violations.stable)} and ${count(e.violations.canary)}`],
      r.thresholds && ["Slow is more than", `p50 ${number(r.thresholds.p50_ms)} ms, p90 ${number(r.thresholds.p90_ms)} ms, p99 ${number(r.thresholds.p99_ms)} ms`],
    ]),
    kept && kept.t.length > 1 && h("div", { class: "charts" },
      chart(`harm ${r.name} ${r.id} ${r.segment}`, "Evidence of harm since this page was opened (logarithm)", kept.t,
        [{ name: "all", values: kept.all, colour: "--bad" }, ...kept.names.map((name, at) => ({ name, values: kept.harms[at], colour: `--v${at % 6}` })),
          bar !== null && { name: "aborts", values: line(bar), colour: "--quiet", dash: [6, 4] }].filter(Boolean)),
      chart(`safety ${r.name} ${r.id} ${r.segment}`, "Evidence of safety since this page was opened (logarithm)", kept.t,
        [...kept.names.map((name, at) => ({ name, values: kept.safety[at], colour: `--v${at % 6}` })), { name: "is enough", values: line(safe), colour: "--quiet", dash: [6, 4] }])));
}

// What steps take at the present traffic.
export function plan(p) {
  return [
    h("p", null, p.traffic.source === "unknown" ? "No traffic was measured yet, so that it is not known how long it takes." : [
      `${number(p.traffic.per_second)} requests a second, ${p.traffic.source}. `, p.seconds === null ? "It does not end by itself." : `All steps together: ${seconds(p.seconds)}.`]),
    table("Plan", [
      { head: "Step", cell: (s) => `${s.number}. ${s.what}` },
      { head: "Weight", number: true, cell: (s) => share(s.weight) },
      { head: "Requests", number: true, cell: (s) => count(s.requests && Math.ceil(s.requests)) },
      { head: "Time", number: true, cell: (s) => (s.kind === "approval" ? "a person" : seconds(s.seconds)) },
      { head: "Warning", cell: (s) => s.warning ?? "" },
    ], p.steps, (s) => String(s.number)),
  ];
}
