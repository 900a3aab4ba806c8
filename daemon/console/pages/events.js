// What happens, as it happens.

import { follow } from "../api.js";
import { badge, h } from "../dom.js";
import { refusal } from "../ask.js";
import { entry } from "./steer.js";

// Events kept on the page.
const KEPT = 300;

export const title = () => "Events";

const seen = { list: [], state: "connecting", trouble: null, missed: null, paused: false };
let stop = null;
let redraw = () => {};

export async function load() {
  if (stop) return;
  stop = new AbortController();
  follow(stop.signal, {
    state: (word, trouble) => {
      Object.assign(seen, { state: word, trouble: trouble ?? null });
      redraw();
    },
    event: (one) => {
      if (one.event === "missed") seen.missed = one.data;
      else seen.list.unshift(one.data);
      seen.list.length = Math.min(seen.list.length, KEPT);
      if (!seen.paused) redraw();
    },
  });
}

// The place at the daemon is given back: there are few.
export function leave() {
  stop?.abort();
  stop = null;
  redraw = () => {};
}

export function view(_, __, { draw }) {
  redraw = draw;
  const words = { connecting: ["connecting", "busy"], open: ["live", "good"], broken: ["broken off, it is tried again", "warn"], refused: ["refused", "bad"] };
  if (!seen.paused) seen.shown = [...seen.list];
  return [
    h("h1", null, "Events ", badge(...words[seen.state])),
    seen.trouble && h("div", { class: "trouble", role: "alert" }, refusal(seen.trouble)),
    seen.missed && h("p", { class: "note warn" }, `Records ${seen.missed.from} to ${seen.missed.to} were missed: ${seen.missed.remedy}`),
    h("p", null, h("button", { type: "button", "aria-pressed": String(seen.paused), on: { click: () => { seen.paused = !seen.paused; draw(); } } }, seen.paused ? "Go on" : "Hold the list"), " ",
      h("span", { class: "quiet" }, `the newest ${KEPT} since this page was opened; the audit has them all`)),
    seen.shown.length === 0 && h("p", { class: "quiet" }, "Nothing happened since."),
    h("ol", { class: "journal", "aria-live": "off" }, seen.shown.map((e) => h("li", { "data-key": `event ${e.seq}` },
      e.pipeline && h("a", { href: `#/pipelines/${encodeURIComponent(e.pipeline)}` }, e.pipeline), entry(e)))),
  ];
}
