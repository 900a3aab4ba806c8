// Elements and texts. Whatever the API says becomes a text node; nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = new Set(["svg", "g", "path", "rect", "line", "circle", "text", "polyline", "polygon", "title", "defs", "marker", "desc"]);

// An element: h("a", { href: "#/", on: { click } }, "text", [more]). Attributes that are null or false are left out.
export function h(tag, attributes, ...children) {
  const node = SHAPES.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "on") listen(node, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, String(value));
  }
  add(node, children);
  return node;
}

function add(node, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(node, child);
    else if (child instanceof Node) node.append(child);
    else if (child !== null && child !== undefined && child !== false) node.append(document.createTextNode(String(child)));
  }
}

// Listeners are kept beside the node, so that a newer drawing of it can bring newer ones.
function listen(node, handlers) {
  node.handlers = handlers;
  node.heard ??= new Set();
  for (const type of Object.keys(handlers)) {
    if (node.heard.has(type)) continue;
    node.heard.add(type);
    node.addEventListener(type, (event) => node.handlers[type]?.(event));
  }
}

// Brings what is shown to what was drawn, and keeps what did not change: focus, scroll, selections and open details stay.
export function show(host, ...children) {
  const drawn = document.createElement("div");
  add(drawn, children);
  within(host, drawn);
}

function within(old, drawn) {
  const keyed = new Map();
  for (const child of old.children) {
    if (child.dataset?.key) keyed.set(child.dataset.key, child);
  }
  let at = old.firstChild;
  for (const next of [...drawn.childNodes]) {
    const key = next.dataset?.key;
    let match = key ? keyed.get(key) : at;
    if (!match || !alike(match, next) || (!key && match.dataset?.key)) match = null;
    if (match) {
      if (match !== at) old.insertBefore(match, at);
      one(match, next);
      at = match.nextSibling;
    } else {
      old.insertBefore(next, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.dataset?.key === b.dataset?.key;
}

function one(old, next) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  if (next.handlers || old.handlers) listen(old, next.handlers ?? {});
  // What keeps itself: a chart, or a field that somebody writes in.
  if (next.hasAttribute("data-own")) return;
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (name === "open" && old.nodeName === "DETAILS") continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  within(old, next);
}

// === numbers and times as people read them ===

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const absent = "–";

export function count(n) {
  return n === null || n === undefined ? absent : NUMBER.format(n);
}

export function number(n, digits = 3) {
  if (n === null || n === undefined) return absent;
  if (n === 0) return "0";
  const size = Math.abs(n);
  if (size >= 1e6 || size < 1e-4) return n.toExponential(1);
  return size >= 1000 ? NUMBER.format(n) : String(Number(n.toPrecision(digits)));
}

export function percent(part, digits = 2) {
  return part === null || part === undefined ? absent : `${Number((part * 100).toFixed(digits))} %`;
}

export function share(weight) {
  return `${Number(Number(weight).toFixed(2))} %`;
}

export function seconds(s) {
  if (s === null || s === undefined) return absent;
  if (s === 0) return "0 s";
  if (s < 0.001) return `${number(s * 1e6)} µs`;
  if (s < 1) return `${number(s * 1e3)} ms`;
  if (s < 120) return `${number(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${number(s / 3600)} h`;
  return `${number(s / 86400)} days`;
}

export function bytes(n) {
  if (n === null || n === undefined) return absent;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (n >= 1024 && at < units.length - 1) {
    n /= 1024;
    at += 1;
  }
  return `${number(n)} ${units[at]}`;
}

export function time(text) {
  if (!text) return absent;
  const at = new Date(text);
  return h("time", { datetime: text, title: text }, at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" }));
}

export function ago(text) {
  if (!text) return absent;
  const past = Math.max(0, (Date.now() - new Date(text)) / 1000);
  return h("time", { datetime: text, title: text }, past < 1 ? "now" : `${seconds(Math.round(past))} ago`);
}

// === parts that pages share ===

export function panel(title, ...children) {
  return h("section", { class: "panel", "aria-label": title }, h("h2", null, title), children);
}

// What holds in a word, with a colour and a sign that does without it.
export function badge(word, tone = tones[word] ?? "plain") {
  const signs = { good: "✓ ", bad: "✕ ", warn: "! ", busy: "… ", plain: "" };
  return h("span", { class: `badge ${tone}` }, h("span", { "aria-hidden": "true" }, signs[tone]), word);
}

const tones = {
  ready: "good", succeeded: "good", successful: "good", agrees: "good", ship: "good", answered: "good", running: "busy",
  baking: "busy", shadow: "busy", pending: "busy", preparing: "busy", loading: "busy", golden: "busy", warming: "busy",
  promoting: "busy", soaking: "busy", draining: "busy", "keep-running": "busy", restarting: "warn",
  held: "warn", "awaiting-approval": "warn", paused: "warn", inconclusive: "warn", aborting: "warn", superseded: "plain",
  "failed-prepare": "bad", "rolled-back": "bad", failed: "bad", quarantined: "bad", error: "bad", invalid: "bad",
  "do-not-ship": "bad", differs: "bad",
};

// A table whose first column heads its rows. Columns: { head, cell(row), number?, key? }; a narrow screen shows cards.
export function table(caption, columns, rows, key) {
  return h("div", { class: "scroll" },
    h("table", { class: "cards" },
      h("caption", { class: "hidden" }, caption),
      h("thead", null, h("tr", null, columns.map((c) => h("th", { scope: "col", class: c.number && "number" }, c.head)))),
      h("tbody", null, rows.map((row) =>
        h("tr", { "data-key": key?.(row) },
          columns.map((c, at) => h(at === 0 ? "th" : "td",
            { scope: at === 0 ? "row" : null, class: c.number && "number", "data-head": c.head }, c.cell(row))))))));
}

export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, value]) => [h("dt", null, name), h("dd", null, value ?? absent)]));
}

export function button(word, act, { tone = "", why = null, title = null } = {}) {
  return h("button", {
    type: "button", class: tone, "aria-disabled": why ? "true" : null, title: why ?? title,
    on: { click: () => (why ? undefined : act()) },
  }, word);
}

export function json(value) {
  return h("pre", { class: "json", tabindex: "0" }, JSON.stringify(value, null, 2));
}

// What became different, from place to place.
export function changes(list) {
  const text = (value) => {
    const said = value === null ? "nothing" : typeof value === "string" ? value : JSON.stringify(value);
    return said.length > 400 ? `${said.slice(0, 400)}…` : said;
  };
  if (!list?.length) return h("p", { class: "quiet" }, "nothing became different");
  return h("ul", { class: "changes" }, list.map((c) =>
    h("li", null, h("code", null, c.path || "all of it"), ": ", c.before !== null && [h("del", null, text(c.before)), " → "], c.after === null ? "nothing" : h("ins", null, text(c.after)))));
}

export function waits(list) {
  if (!list?.length) return null;
  return h("ul", { class: "waits" }, list.map((w) => h("li", null, badge(w.code, "warn"), " ", h("strong", null, w.subject), ": ", w.why)));
}
