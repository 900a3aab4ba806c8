// One pipeline: who serves, over time; versions and contracts; revisions with undo; and its course, shadow or graph.

import { find, get, model, pipeline as path, post } from "../api.js";
import { ask, say } from "../ask.js";
import { absent, ago, badge, button, changes, facts, h, json, number, panel, percent, seconds, table, time, waits } from "../dom.js";
import { split } from "../draw.js";
import { lacks, live, seen, shares } from "../live.js";
import * as bandit from "./bandit.js";
import * as experiment from "./experiment.js";
import * as graph from "./graph.js";
import * as rollout from "./rollout.js";
import * as shadow from "./shadow.js";
import { begin } from "./start.js";
import * as traffic from "./traffic.js";

const TABS = { rollout, experiment, bandit, shadow, graph };

export const title = (at) => at.parts[0] ?? "Pipeline";

// Contracts do not change: they are asked for once.
const contracts = new Map();

export async function load(at) {
  const [name, tab] = at.parts;
  const shown = await get(path(name));
  if (TABS[tab]) return { shown, of: await TABS[tab].load(name, shown) };
  const [revisions, over] = await Promise.all([find(path(name, "revisions")), traffic.load(name)]);
  const versions = await Promise.all(members(shown).map(async ([of, version]) => {
    const key = `${of} ${version}`;
    const seen = live.status.models.find((m) => m.name === of)?.versions.find((v) => v.version === version);
    const known = contracts.get(key);
    if (known && known.digest === seen?.digest) return { key, model: of, version, seen, contract: known.contract };
    const detail = await find(model(of, "versions", version));
    if (detail?.contract) contracts.set(key, { digest: detail.digest, contract: detail.contract });
    return { key, model: of, version, seen: seen ?? detail, contract: detail?.contract };
  }));
  return { shown, revisions: revisions?.revisions ?? [], versions, over };
}

// The versions that a pipeline names or serves by.
function members(shown) {
  const found = new Map();
  const put = (of, version) => Number.isInteger(version) && found.set(`${of} ${version}`, [of, version]);
  for (const v of shares(shown)) put(v.model, v.version);
  const policy = shown.spec.policy ?? {};
  for (const node of Object.values(policy.nodes ?? {})) if (node.model) put(node.model, node.version);
  for (const arm of policy.arms ?? []) put(arm.model, arm.version);
  for (const key of ["stable", "canary", "version"]) if (policy.model && policy.type !== "composite") put(policy.model, policy[key]);
  if (shown.spec.shadow) put(shown.spec.shadow.model, shown.spec.shadow.version);
  return [...found.values()];
}

export function view(at, { shown, of, revisions, versions, over }, tools) {
  const [name, tab] = at.parts;
  const policy = shown.spec.policy?.type;
  const course = shown.status.course;
  const tabs = [["", "Pipeline"], course && [course.kind, course.kind === "rollout" ? "Rollout" : course.kind === "experiment" ? "Experiment" : "Bandit"],
    policy === "composite" && ["graph", "Graph"], shown.spec.shadow && ["shadow", "Shadow"]].filter(Boolean);
  if (tab && TABS[tab] && !tabs.some(([word]) => word === tab)) tabs.push([tab, tab]);
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Overview"), " / pipeline"),
    h("h1", null, name, " ", badge(policy ?? absent, "plain"), course && [" ", badge(course.phase)]),
    shown.spec.description && h("p", null, shown.spec.description),
    h("nav", { class: "tabs", "aria-label": "Parts" }, tabs.map(([word, text]) =>
      h("a", { href: `#/pipelines/${encodeURIComponent(name)}${word && `/${word}`}`, "aria-current": (tab ?? "") === word ? "page" : null }, text))),
    waits(shown.status.waits.filter((w) => !course || w.code !== "course")),
    h("div", { "data-key": `tab ${tab ?? ""}` }, TABS[tab] ? TABS[tab].view(name, of, tools, shown) : whole(name, shown, { revisions, versions, over }, tools)),
  ];
}

function whole(name, shown, { revisions, versions, over }, tools) {
  const s = seen(name);
  const course = shown.status.course;
  const by = [...s.by].filter(([, one]) => one.rate > 0);
  return [
    panel("Who serves now", split(shares(shown)),
      course && facts([["Why", course.why], course.waits && ["It waits", h("strong", null, course.waits)]]),
      by.length > 0 && table("Rates by version", [
        { head: "Version", cell: ([version]) => version },
        { head: "Requests/s", number: true, cell: ([, one]) => number(one.rate) },
        { head: "Failures", number: true, cell: ([, one]) => percent(one.failed) },
        { head: "p50", number: true, cell: ([, one]) => seconds(one.p50) },
        { head: "p99", number: true, cell: ([, one]) => seconds(one.p99) },
      ], by, ([version]) => version),
      begin(name, shown)),
    traffic.view(name, over, tools),
    panel("Versions", versions.length === 0 && h("p", { class: "quiet" }, "It names none."), versions.map((v) =>
      h("details", { "data-key": v.key },
        h("summary", null, `${v.model} ${v.version} `, v.seen ? badge(v.seen.phase) : badge("not there", "bad"), v.seen?.engine && ` ${v.seen.engine}`),
        facts([["Model", h("a", { href: `#/models/${encodeURIComponent(v.model)}` }, v.model)], ["Digest", h("code", { class: "break" }, v.seen?.digest ?? absent)], v.seen?.reason && ["Trouble", v.seen.reason]]),
        v.contract ? contract(v.contract) : h("p", { class: "quiet" }, "Its contract is known once it was loaded.")))),
    panel("Revisions", revisions.length === 0 && h("p", { class: "quiet" }, "Nobody made this pipeline: its model has it by itself."),
      revisions.length > 0 && h("p", null, button("Undo the newest change", () => undo(name, shown.revision, null, revisions[0], tools), { why: lacks("operator") })),
      revisions.map((r, place) => h("details", { "data-key": `revision ${r.revision}`, open: place === 0 },
        h("summary", null, `${r.revision} `, r.current && badge("current", "good"), ` ${r.action} by ${r.actor}, `, ago(r.at), r.reason && [" · “", r.reason, "”"]),
        h("p", { class: "quiet" }, time(r.at), ` through ${r.source}`),
        changes(r.changes),
        !r.current && button(`Bring revision ${r.revision} back`, () => undo(name, shown.revision, r.revision, r, tools), { why: lacks("operator") })))),
    panel("As it is written", json(shown.spec)),
  ];
}

function undo(name, revision, to, about, { again }) {
  ask({
    title: to === null ? "Undo the newest change" : `Bring revision ${to} back`,
    text: to === null
      ? [`Pipeline ${name} becomes what it was before revision ${about.revision} (${about.action} by ${about.actor}). This becomes different:`, changes(about.changes.map((c) => ({ path: c.path, before: c.after, after: c.before })))]
      : `Pipeline ${name} becomes what it was at revision ${to}. That is a revision of its own, and can be undone.`,
    go: "Undo",
    tone: "danger",
    check: { act: async () => outcome(name, await post(`${path(name, "undo")}?dry_run=true`, to === null ? {} : { to })) },
    act: async (given) => {
      const done = await post(path(name, "undo"), to === null ? given : { ...given, to }, revision);
      say(done.report.changed ? `${name} is at revision ${done.revision} now.` : "It was so already.");
      again();
    },
  });
}

// What undoing would come to: it may be more than is expected.
function outcome(name, { report: r }) {
  if (!r.changed) return h("p", { class: "note warn" }, "Nothing would become different.");
  if (r.serves) return [h("p", { class: "note" }, `Afterwards version ${r.serves.version} of ${r.serves.model} answers.`), waits(r.waits)];
  return h("p", { class: "note bad" }, r.configured ? `Afterwards nobody answers for ${name}.` : `Afterwards there is no pipeline ${name}: this undoes that it was made.`);
}

export function contract(c) {
  const ports = [...c.inputs.map((p) => ["in", p]), ...c.outputs.map((p) => ["out", p])];
  return [
    table("Contract", [
      { head: "", cell: ([way]) => way },
      { head: "Port", cell: ([, p]) => p.name },
      { head: "Type", cell: ([, p]) => p.datatype },
      { head: "Shape", cell: ([, p]) => `[${p.shape.map((n) => (n < 0 ? "any" : n)).join(", ")}]` },
      { head: "Promise", cell: ([, p]) => [p.range && `${p.range[0]} to ${p.range[1]}`, p.categories && `one of ${p.categories.join(", ")}`, p.labels?.length && `labels ${p.labels.slice(0, 12).join(", ")}`].filter(Boolean).join("; ") },
    ], ports, ([way, p]) => `${way} ${p.name}`),
    h("p", { class: "quiet" }, c.batching ? "Rows of several requests may be computed together" : "Requests are computed one by one", c.max_rows ? `, at most ${c.max_rows} rows.` : "."),
  ];
}
