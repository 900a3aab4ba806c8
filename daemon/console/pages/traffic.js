// The traffic of a pipeline over time: how much, how well, how fast, and who answered; from what the daemon kept on into
// what happens now.

import { h, number, panel, percent, seconds } from "../dom.js";
import { chart } from "../draw.js";
import { RANGES, courses, past } from "../history.js";
import { seen } from "../live.js";

const picked = { range: "1h" };

export async function load(name) {
  const range = RANGES[picked.range];
  const [whole, parts] = await Promise.all(["pipeline", "variant"].map((by) => past(range, { pipeline: name, by, quantiles: "0.5,0.99" })));
  return { range: picked.range, whole, parts };
}

// `parted`: each variant has its own line, as where two versions are held against one another.
export function view(name, got, tools, { parted = false } = {}) {
  const s = seen(name);
  const { t, lines } = courses(got.parts, (one) => one.variant ?? name, { t: s.t, lines: s.variants });
  const whole = courses(got.whole, () => "all", { t: s.t, lines: new Map([["all", s]]) });
  const all = whole.lines.get("all") ?? { rate: [], failed: [], p50: [], p99: [] };
  // Who never answered in this time has no line.
  const parts = [...lines].filter(([, line]) => line.rate.some((rate) => rate > 0)).sort(([a], [b]) => rank(name, a) - rank(name, b) || a.localeCompare(b));
  // Who has a share now has the colour of that share; who had one once comes after them.
  const known = s.split.names.length;
  const colour = (at) => `--v${(rank(name, parts[at][0]) < 99 ? rank(name, parts[at][0]) : known + at) % 6}`;
  const by = (word) => parts.map(([part, line], at) => ({ name: part, values: line[word], colour: colour(at) }));
  const key = `${name} ${got.range} ${parted}`;
  const span = RANGES[got.range].span / 1000;
  const shared = { span };
  return panel("Traffic",
    h("div", { class: "filters", role: "group", "aria-label": "How far back" }, Object.entries(RANGES).map(([word, range]) =>
      h("button", { type: "button", class: "small", "aria-pressed": String(picked.range === word), on: { click: () => { picked.range = word; tools.again(); } } }, range.word))),
    got.whole.trouble && h("p", { class: "note warn" }, `What was before is not to be had: ${got.whole.trouble}`),
    all.rate.length === 0 ? h("p", { class: "quiet" }, "Nothing was measured in this time yet.") : h("div", { class: "charts" },
      parted && parts.length > 0
        ? [
          chart(`rate ${key}`, "Requests a second", t, by("rate"), shared),
          chart(`failed ${key}`, "Share of failures", t, by("failed"), { ...shared, format: (v) => percent(v), least: 0.01 }),
          chart(`p99 ${key}`, "99 of 100 are answered within", t, by("p99"), { ...shared, format: seconds, least: 0.001 }),
        ]
        : [
          chart(`rate ${key}`, "Requests a second", whole.t, [{ name: "requests/s", values: all.rate }], shared),
          chart(`failed ${key}`, "Share of failures", whole.t, [{ name: "failures", values: all.failed, colour: "--bad" }], { ...shared, format: (v) => percent(v), least: 0.01 }),
          chart(`time ${key}`, "Answered within", whole.t, [{ name: "half (p50)", values: all.p50 }, { name: "99 of 100 (p99)", values: all.p99, colour: "--v1" }], { ...shared, format: seconds, least: 0.001 }),
        ],
      parts.length > 1 && chart(`split ${key}`, "Who answered", t, parts.map(([part, line], at) => ({
        name: part, colour: colour(at),
        values: line.rate.map((rate, place) => {
          const sum = parts.reduce((total, [, one]) => total + (one.rate[place] ?? 0), 0);
          return sum ? ((rate ?? 0) / sum) * 100 : null;
        }),
      })), { ...shared, format: (v) => `${number(v)} %`, max: 100 })),
    h("p", { class: "quiet" }, `In windows of ${seconds(RANGES[got.range].step / 1000)}${RANGES[got.range].step < 3600000 ? ", and as it is now at the end" : ""}. Failures leave out what callers did themselves.`));
}

// In the order of the pipeline's own variants, so that a colour means the same everywhere.
function rank(name, variant) {
  const at = seen(name).split.names.indexOf(variant);
  return at < 0 ? 99 : at;
}
