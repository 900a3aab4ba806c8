// Pictures: shares, evidence, intervals, courses of numbers and graphs. Sizes and colours are attributes and classes, as
// the page allows no inline style.

import { h, number, share } from "./dom.js";
import { Graph, layout } from "./vendor/dagre/dagre.esm.js";

// Who has which share of the traffic, as one bar with a legend.
export function split(variants, { legend = true } = {}) {
  if (!variants.length) return h("span", { class: "quiet" }, "nobody serves");
  let from = 0;
  const bars = variants.map((v, at) => {
    const bar = h("rect", { class: `v${at % 6}`, x: from, y: 0, width: Math.max(0, v.weight), height: 10 }, h("title", null, `${v.name} ${share(v.weight)}`));
    from += v.weight;
    return bar;
  });
  const said = variants.map((v) => `${v.name}: ${v.model} ${v.version}, ${share(v.weight)}`).join("; ");
  return h("div", { class: "split" },
    h("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", class: "bar", role: "img", "aria-label": said }, bars),
    legend && h("ul", { class: "legend" }, variants.map((v, at) =>
      h("li", null, dot(at), v.name === "serves" ? `${v.model} ${v.version}` : `${v.name} (${v.model} ${v.version}) ${share(v.weight)}`))));
}

export function dot(at) {
  return h("svg", { viewBox: "0 0 10 10", class: "dot", "aria-hidden": "true" }, h("circle", { class: `v${at % 6}`, cx: 5, cy: 5, r: 4 }));
}

// Numbers over so many seconds up to now, as a line without axes.
export function spark({ t, values }, span, label) {
  const now = Date.now() / 1000;
  const first = t.findIndex((at) => at >= now - span);
  if (first < 0 || t.length - first < 2) return h("span", { class: "quiet" });
  const most = Math.max(...values.slice(first), 1e-9);
  const points = t.slice(first).map((at, place) => `${(100 - ((now - at) / span) * 100).toFixed(1)},${(22 - ((values[first + place] ?? 0) / most) * 20).toFixed(1)}`);
  return h("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", class: "spark", role: "img", "aria-label": label },
    h("polyline", { points: points.join(" ") }));
}

// Evidence as a natural logarithm against the threshold from where on it counts.
export function evidence(log, bar, tone, label) {
  const top = Math.max(bar ?? Math.log(100), log ?? 0) * 1.25;
  const x = (value) => Math.max(0, Math.min(100, (value / top) * 100));
  const shown = log !== null && log !== undefined ? x(log) : 0;
  const reached = bar !== null && bar !== undefined && log >= bar;
  return h("svg", { viewBox: "0 0 100 12", preserveAspectRatio: "none", class: `evidence ${tone} ${reached ? "reached" : ""}`, role: "img", "aria-label": label },
    h("rect", { class: "ground", x: 0, y: 2, width: 100, height: 8 }),
    h("rect", { class: "level", x: 0, y: 2, width: shown, height: 8 }),
    bar ? h("line", { class: "bar-line", x1: x(bar), x2: x(bar), y1: 0, y2: 12 }, h("title", null, "threshold")) : null);
}

// Intervals under one another on one scale, with the place of no difference. Rows: { name, low, value, high }; an open end
// runs to the edge.
export function intervals(rows, { zero = 0, text = (v) => number(v), better = null, band = null, within = null } = {}) {
  const all = rows.flatMap((r) => [r.low, r.value, r.high]).concat([zero], band ? [-band, band] : [])
    .filter((v) => v !== null && v !== undefined && Number.isFinite(v));
  let [low, high] = [Math.min(...all), Math.max(...all)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const pad = (high - low) * 0.12;
  [low, high] = [Math.max(low - pad, within?.[0] ?? -Infinity), Math.min(high + pad, within?.[1] ?? Infinity)];
  const x = (v) => ((v - low) / (high - low)) * 100;
  const bar = (r) => h("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" },
    band ? h("rect", { class: "ground", x: x(-band), y: 0, width: x(band) - x(-band), height: 24 }) : null,
    zero !== null && h("line", { class: "zero", x1: x(zero), x2: x(zero), y1: 0, y2: 24 }),
    h("line", { x1: x(r.low ?? low), x2: x(r.high ?? high), y1: 12, y2: 12, class: `interval v${r.colour ?? 0}` }),
    h("line", { x1: x(r.value), x2: x(r.value), y1: 4, y2: 20, class: `point v${r.colour ?? 0}` }));
  const row = (r) => [
    h("span", null, r.name),
    r.value === null || r.value === undefined ? [h("span", { class: "quiet" }, "the numbers do not suffice"), h("span", null)] : [bar(r), h("span", { class: "number" }, text(r.value))],
  ];
  return h("div", { class: "intervals", role: "group", "aria-label": rows.map((r) => `${r.name}: ${text(r.value)}, ${between(r, text)}`).join("; ") },
    rows.map(row), h("span", null),
    h("span", { class: "scale quiet" }, h("span", null, text(low)), better && h("span", null, better === "higher" ? "better →" : "← better"), h("span", null, text(high))),
    h("span", null));
}

// Between what an interval lies, in words.
export function between({ low, high }, text) {
  const open = (v) => v === null || v === undefined;
  if (open(low) && open(high)) return "not bounded yet";
  return open(low) ? `at most ${text(high)}` : open(high) ? `at least ${text(low)}` : `${text(low)} to ${text(high)}`;
}

// A course of numbers over time, kept by itself between drawings. Series: { name, values, colour, dash? }.
const charts = new Map();

export function chart(key, title, times, series, { format = (v) => number(v), min = 0, max = null, least = 1, span = null } = {}) {
  const host = h("figure", { class: "chart", "data-own": true, "data-key": `chart ${key}` }, h("figcaption", null, title));
  const data = [times, ...series.map((s) => s.values)];
  const shape = series.map((s) => s.name).join("\n");
  const known = charts.get(key);
  if (known && known.shape === shape && known.host.isConnected) {
    known.plot.setData(data);
    return host;
  }
  known?.end();
  // It is built where it stands, once it stands there: it has to know how wide it may be.
  queueMicrotask(() => setTimeout(() => {
    for (const old of [...charts.values()]) if (!old.host.isConnected) old.end();
    const there = document.querySelector(`[data-key="${CSS.escape(`chart ${key}`)}"]`);
    if (there && !there.querySelector(".uplot")) charts.set(key, build(key, there, shape, data, series, { format, min, max, least, span }));
  }));
  return host;
}

// A moment, as exactly as marks so many seconds apart need it.
function stamp(at, step, whole = false) {
  const moment = new Date(at * 1000);
  const day = moment.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  if (step >= 86400) return day;
  const time = moment.toLocaleTimeString("en-GB", step < 60 ? {} : { hour: "2-digit", minute: "2-digit" });
  return whole && step >= 60 || time === "00:00" ? `${day} ${time}` : time;
}

function build(key, host, shape, data, series, { format, min, max, least, span }) {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const make = () => new window.uPlot({
    width: Math.max(240, host.clientWidth - 2),
    height: 200,
    cursor: { drag: { x: false, y: false } },
    // Where a time was picked, all of it is shown, with and without anything measured in it.
    scales: { x: { range: (_, low, high) => (span ? [high - span, high] : low === high ? [low - 1, high + 1] : [low, high]) }, y: { range: (_, low, high) => [Math.min(min, low ?? min), max ?? Math.max(high ?? 0, min + least) * 1.1] } },
    axes: [
      { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") }, space: 90,
        values: (_, marks, __, ___, step) => marks.map((at) => stamp(at, step)) },
      { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") }, size: 64, values: (_, marks) => marks.map(format) },
    ],
    series: [{ label: "At", value: (_, at) => (at === null ? "–" : stamp(at, span && span > 86400 ? 3600 : 1, true)) }, ...series.map((s) => ({
      label: s.name, stroke: colour(s.colour ?? "--v0"), width: 2, dash: s.dash, spanGaps: true, points: { show: data[0].length < 3, size: 6 },
      value: (_, v) => (v === null || v === undefined ? "–" : format(v)),
    }))],
  }, data, host);
  const one = { shape, host, plot: make(), end: () => {} };
  const again = () => {
    const now = one.plot.data;
    one.plot.destroy();
    data = now;
    one.plot = make();
  };
  const size = new ResizeObserver(() => one.plot.setSize({ width: Math.max(240, host.clientWidth - 2), height: 200 }));
  const theme = matchMedia("(prefers-color-scheme: dark)");
  theme.addEventListener("change", again);
  size.observe(host);
  one.end = () => {
    size.disconnect();
    theme.removeEventListener("change", again);
    one.plot.destroy();
    charts.delete(key);
  };
  return one;
}

// A graph along what flows. Nodes: { id, lines, kind, title? }; edges: { from, to, kind, label? }.
export function graph(nodes, edges, label) {
  const g = new Graph({ multigraph: true });
  // A narrow screen is scrolled down, not sideways.
  const narrow = matchMedia("(max-width: 760px)").matches;
  g.setGraph({ rankdir: narrow ? "TB" : "LR", nodesep: narrow ? 12 : 24, ranksep: narrow ? 32 : 48, marginx: 4, marginy: 4 });
  g.setDefaultEdgeLabel(() => ({}));
  for (const n of nodes) {
    const longest = Math.max(...n.lines.map((l) => l.length));
    g.setNode(n.id, { width: narrow ? Math.min(180, Math.max(32, 14 + longest * 6.2)) : Math.min(280, 24 + longest * 7.2), height: 16 + n.lines.length * 17 });
  }
  edges.forEach((e, at) => g.setEdge(e.from, e.to, {}, String(at)));
  layout(g);
  const { width, height } = g.graph();
  const box = (n) => {
    const at = g.node(n.id);
    const left = at.x - at.width / 2;
    const top = at.y - at.height / 2;
    return h("g", { class: `node ${n.kind} ${n.mark ?? ""}` },
      h("title", null, n.title ?? n.lines.join("\n")),
      h("rect", { x: left, y: top, width: at.width, height: at.height, rx: n.kind === "end" ? at.height / 2 : 6 }),
      n.lines.map((l, row) => h("text", { x: at.x, y: top + 21 + row * 17, class: row ? "quiet" : "strong" },
        l.length > (narrow ? 26 : 36) ? `${l.slice(0, narrow ? 25 : 35)}…` : l)));
  };
  const line = (e, at) => {
    const points = g.edge(e.from, e.to, String(at)).points;
    const path = points.map((p, i) => `${i ? "L" : "M"}${p.x.toFixed(1)} ${p.y.toFixed(1)}`).join("");
    return h("path", { class: `edge ${e.kind} ${e.mark ?? ""}`, d: path, "marker-end": "url(#arrow)" }, h("title", null, e.label ?? `${e.from} → ${e.to}`));
  };
  return h("div", { class: "scroll graph", tabindex: "0", role: "group", "aria-label": label },
    h("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: narrow ? `small ${width < 480 ? "fit" : ""}` : null, role: "img", "aria-label": label },
      h("defs", null, h("marker", { id: "arrow", viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" },
        h("path", { d: "M0 0L10 5L0 10z", class: "tip" }))),
      edges.map(line), nodes.map(box)));
}
