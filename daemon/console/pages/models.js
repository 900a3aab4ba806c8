// Models and versions: what is loaded, by which engine, how much memory, and what went wrong.

import { find, model as path, post } from "../api.js";
import { ask, say } from "../ask.js";
import { absent, badge, button, bytes, count, facts, h, seconds, table } from "../dom.js";
import { lacks, live } from "../live.js";
import { contract } from "./pipeline.js";

const STEP = 60;
const wanted = { text: "" };

export const title = (at) => at.parts[0] ?? "Models";

export async function load(at) {
  const [name] = at.parts;
  const model = live.status.models.find((m) => m.name === name);
  if (!model) return [];
  return Promise.all(model.versions.map((v) => find(path(name, "versions", v.version))));
}

export function view(at, details, tools) {
  const [name] = at.parts;
  return name === undefined ? all(tools) : one(name, details, tools);
}

function all({ draw }) {
  const text = wanted.text.toLowerCase();
  const rows = live.status.models.flatMap((m) => m.versions.map((v) => ({ m, v })))
    .filter(({ m, v }) => !text || `${m.name} ${v.version} ${v.phase} ${v.engine ?? ""}`.toLowerCase().includes(text));
  const memory = rows.reduce((sum, { v }) => sum + (v.phase === "parked" ? 0 : v.memory ?? 0), 0);
  return [
    h("h1", null, "Models"),
    h("div", { class: "filters" },
      h("label", null, "Filter ", h("input", { type: "search", "data-own": true, "data-key": "filter models", placeholder: "name, phase, engine",
        on: { input: (event) => { wanted.text = event.target.value; draw(); } } })),
      h("span", { class: "quiet", role: "status" }, `${rows.length} versions, about ${bytes(memory)} in memory`)),
    table("Versions", [
      { head: "Version", cell: ({ m, v }) => h("a", { href: `#/models/${encodeURIComponent(m.name)}` }, `${m.name} ${v.version}`) },
      { head: "Phase", cell: ({ v }) => [badge(v.phase), v.reloading ? " loaded again" : "", v.files_changed ? " files changed" : ""] },
      { head: "Engine", cell: ({ v }) => v.engine ?? absent },
      { head: "Memory", number: true, cell: ({ v }) => bytes(v.memory) },
      { head: "Instances", number: true, cell: ({ v }) => v.instances ?? absent },
      { head: "Waiting", number: true, cell: ({ v }) => v.queue ?? absent },
      { head: "Crashes", number: true, cell: ({ v }) => (v.crashes ? h("strong", { class: "bad" }, v.crashes) : "0") },
      { head: "Trouble", cell: ({ v }) => v.reason ?? "" },
    ], rows.slice(0, STEP * 20), ({ m, v }) => `${m.name} ${v.version}`),
  ];
}

function one(name, details, tools) {
  const model = live.status.models.find((m) => m.name === name);
  if (!model) return [h("h1", null, name), h("p", null, "There is no such model. ", h("a", { href: "#/models" }, "All models"))];
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/models" }, "Models"), " / model"),
    h("h1", null, name),
    facts([
      ["Its files ask for", model.version_policy],
      model.intent && ["Admins said", [model.intent.unloaded ? "no version is to be loaded" : "", ...Object.entries(model.intent.versions).map(([v, on]) => ` version ${v} is ${on ? "" : "not "}to be loaded`)].join("")],
    ]),
    h("div", { class: "actions" },
      button("Load", () => change(name, null, "load", tools), { why: lacks("operator"), title: "Load what its files ask for" }),
      button("Unload", () => change(name, null, "unload", tools), { tone: "danger", why: lacks("operator"), title: "Unload all versions" })),
    model.versions.map((v) => version(name, v, details.find((d) => d?.version === v.version), tools)),
  ];
}

function version(name, v, detail, tools) {
  return h("section", { class: "panel", "data-key": `version ${v.version}` },
    h("h2", null, `Version ${v.version} `, badge(v.phase)),
    v.reason && h("p", { class: "note bad" }, v.reason),
    facts([
      ["Engine", v.engine],
      ["Memory", bytes(v.memory)],
      ["Instances", v.instances],
      ["Waiting requests", v.queue],
      ["Loaded in", v.load_ms === null ? absent : seconds(v.load_ms / 1000)],
      ["Golden examples", v.golden],
      ["Crashes lately", count(v.crashes)],
      v.restart_in_ms !== null && ["Restarts in", seconds(v.restart_in_ms / 1000)],
      v.parked > 0 && ["Left memory for others", `${count(v.parked)} times, came back ${count(v.recalled)} times`],
      ["Digest", h("code", { class: "break" }, v.digest ?? absent)],
      ["Files", v.present ? (v.files_changed ? "changed since it was loaded" : "there") : "gone"],
    ]),
    detail?.contract && h("details", { "data-key": "contract" }, h("summary", null, "Contract"), contract(detail.contract)),
    h("div", { class: "actions" },
      button("Load", () => change(name, v.version, "load", tools), { why: lacks("operator") }),
      button("Unload", () => change(name, v.version, "unload", tools), { tone: "danger", why: lacks("operator") })));
}

function change(name, version, verb, { again }) {
  const what = version === null ? `model ${name}` : `version ${version} of ${name}`;
  ask({
    title: `${verb === "load" ? "Load" : "Unload"} ${what}`,
    text: verb === "load" ? "Its files are read, checked against its golden examples, and it serves when it is ready." : "It answers the requests that it has, and leaves memory. Pipelines that need it have nobody to answer then.",
    tone: verb === "load" ? "main" : "danger",
    go: verb,
    act: async (given) => {
      const done = await post(version === null ? path(name, verb) : path(name, "versions", version, verb), given);
      say(`${what}: ${done.versions.map((v) => `${v.version} ${v.phase}`).join(", ") || "nothing to do"}.`);
      again();
    },
  });
}

