// All pipelines at a glance: who serves what share, how much, how well, and what waits and why.

import { badge, h, number, panel, percent, seconds, waits } from "../dom.js";
import { spark, split } from "../draw.js";
import { GLANCE, courses, past } from "../history.js";
import { live, seen, shares } from "../live.js";

// Rows drawn at first, and more as they are scrolled to: a table of hundreds is there at once.
const STEP = 60;

const wanted = { text: "", only: "all", rows: STEP };
let watcher = null;
// What the rows that stand on the page were drawn from, and those of the drawing that is being made.
let drawn = new Map();
let now = new Map();

export const title = () => "Overview";

export function leave() {
  watcher?.disconnect();
  watcher = null;
  wanted.rows = STEP;
  drawn = new Map();
}

// The last half hour of all pipelines, in one request.
export async function load() {
  const answer = await past(GLANCE, { by: "pipeline" });
  const series = new Map();
  for (const one of answer.series) series.set(one.pipeline, [...(series.get(one.pipeline) ?? []), one]);
  return { ...answer, series };
}

export function view(_, over, { draw }) {
  const s = live.status;
  const all = s.pipelines;
  const waiting = (p) => p.waits.length > 0 || p.course?.waits || ["held", "awaiting-approval", "paused"].includes(p.course?.phase);
  const text = wanted.text.toLowerCase();
  const rows = all
    .filter((p) => !text || `${p.name} ${p.policy} ${p.course?.phase ?? ""} ${p.serves?.model ?? ""}`.toLowerCase().includes(text))
    .filter((p) => wanted.only === "all" || (wanted.only === "made" ? p.configured : wanted.only === "waits" ? waiting(p) : p.course?.active));
  const shown = rows.slice(0, wanted.rows);
  if (!document.querySelector("tr[data-key]")) drawn = new Map();
  now = new Map();
  const body = shown.map((p) => row(p, over));
  drawn = now;
  setTimeout(() => more(draw, rows.length));
  // What a course says of itself is not said twice.
  const others = s.waits.filter((w) => w.code !== "course");
  const asks = all.map((p) => [p, asked(p)]).filter(([, why]) => why);
  return [
    h("h1", null, "Overview"),
    h("div", { class: "tiles" },
      tile("Pipelines", all.length, `${all.filter((p) => p.configured).length} made, the others by models themselves`),
      tile("Models", s.models.length, `${s.models.flatMap((m) => m.versions).filter((v) => v.serves).length} versions serve`),
      tile("Requests a second", number(total("rate")), "all pipelines, since the last look"),
      tile("What waits", others.length + asks.length, "its reasons stand below")),
    asks.length || others.length ? panel("What waits, and why",
      h("ul", { class: "waits" }, asks.slice(0, 30).map(([p, why]) =>
        h("li", null, badge(p.course.phase), " ", h("a", { href: link(p, p.course.kind) }, p.name), `: ${why}`))),
      waits(others.slice(0, 30)),
      asks.length > 30 || others.length > 30 ? h("p", { class: "quiet" }, "and more; the filter “waits” shows the pipelines") : null) : null,
    h("div", { class: "filters" },
      h("label", null, "Filter ", h("input", { type: "search", "data-own": true, "data-key": "filter", placeholder: "name, policy, phase, model",
        on: { input: (event) => { wanted.text = event.target.value; wanted.rows = STEP; draw(); } } })),
      h("label", null, "Show ", h("select", { "data-own": true, "data-key": "only", on: { change: (event) => { wanted.only = event.target.value; wanted.rows = STEP; draw(); } } },
        [["all", "all"], ["made", "made by somebody"], ["active", "moving by themselves"], ["waits", "that wait"]].map(([value, name]) => h("option", { value, selected: value === wanted.only }, name)))),
      h("span", { class: "quiet", role: "status" }, `${rows.length} of ${all.length}`)),
    h("div", { class: "scroll" }, h("table", { class: "cards" },
      h("caption", { class: "hidden" }, "Pipelines"),
      h("thead", null, h("tr", null, ["Pipeline", "Policy", "Who serves", "Requests/s", "Failures", "p99", "Course"].map((head, at) => h("th", { scope: "col", class: at > 2 && at < 6 ? "number" : null }, head)))),
      h("tbody", null, body))),
    rows.length > shown.length && h("p", { id: "more", class: "quiet" }, `${rows.length - shown.length} more below`),
    h("p", { class: "quiet" }, "Rates, failures and p99 are of the time since the last look; the lines are of the last half hour. Failures leave out what callers did themselves: unreadable requests, exceeded shares, requests they left."),
  ];
}

// A row that would be drawn as it was is not: of hundreds few change between two looks.
function row(p, over) {
  const last = (list) => list[list.length - 1] ?? null;
  const s = seen(p.name);
  const sign = JSON.stringify([p, over.until, Math.min(s.t.length, 2), s.rate.slice(-30).some((rate) => rate > 0) ? s.t.length && last(s.t) : 0, last(s.failed), last(s.p99)]);
  if (drawn.get(p.name) === sign) {
    now.set(p.name, sign);
    return h("tr", { "data-key": p.name, "data-own": true });
  }
  now.set(p.name, sign);
  return fresh(p, over);
}

function fresh(p, over) {
  const s = seen(p.name);
  const last = (list) => list[list.length - 1] ?? null;
  const failed = last(s.failed);
  return h("tr", { "data-key": p.name },
    h("th", { scope: "row", "data-head": "Pipeline" }, h("a", { href: link(p) }, p.name), p.waits.filter((w) => w.code !== "course").slice(0, 1).map((w) => [" ", badge(w.code, "warn")])),
    h("td", { "data-head": "Policy" }, p.policy),
    h("td", { "data-head": "Who serves" }, split(shares(p))),
    h("td", { class: "number", "data-head": "Requests/s" }, h("span", null, number(last(s.rate))), spark(line(p, over), GLANCE.span / 1000, `requests a second of ${p.name} in the last half hour`)),
    h("td", { class: "number", "data-head": "Failures" }, failed ? h("strong", { class: "bad" }, percent(failed)) : percent(failed)),
    h("td", { class: "number", "data-head": "p99" }, seconds(last(s.p99))),
    h("td", { "data-head": "Course" }, p.course ? [h("a", { href: link(p, p.course.kind) }, badge(p.course.phase)), p.course.active ? h("div", { class: "why" }, p.course.waits ?? p.course.why) : null] : ""));
}

function line(p, over) {
  const s = seen(p.name);
  const { t, lines } = courses({ ...over, series: over.series.get(p.name) ?? [] }, () => "all", { t: s.t, lines: new Map([["all", s]]) });
  return { t, values: lines.get("all")?.rate ?? [] };
}

// What of a course wants a person.
function asked(p) {
  if (!p.course) return null;
  if (["held", "awaiting-approval", "paused", "failed-prepare", "aborting"].includes(p.course.phase)) return p.course.waits ?? p.course.why;
  return null;
}

function link(p, tab) {
  return `#/pipelines/${encodeURIComponent(p.name)}${tab ? `/${tab}` : ""}`;
}

function tile(name, value, why) {
  return h("div", { class: "tile" }, h("div", { class: "big" }, String(value)), h("div", null, name), h("div", { class: "quiet" }, why));
}

function total(of) {
  if (!live.seen.size) return null;
  let sum = 0;
  for (const s of live.seen.values()) sum += s[of][s[of].length - 1] ?? 0;
  return sum;
}

function more(draw, all) {
  const end = document.getElementById("more");
  watcher?.disconnect();
  if (!end) return;
  watcher = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    wanted.rows = Math.min(all, wanted.rows + STEP);
    draw();
  }, { rootMargin: "600px" });
  watcher.observe(end);
}
