// The shell: addresses to pages, the head, who asks, and looking again. A page is { title, every, load(at), view(at, got) };
// nothing is done because of an address alone, so that a link from elsewhere changes nothing.

import { Refused, door, keep, post, token } from "./api.js";
import { ask, login, refusal, say } from "./ask.js";
import { absent, ago, badge, button, h, show } from "./dom.js";
import * as history from "./history.js";
import * as seen from "./live.js";
import { lacks, live, look } from "./live.js";
import * as audit from "./pages/audit.js";
import * as decision from "./pages/decision.js";
import * as events from "./pages/events.js";
import * as models from "./pages/models.js";
import * as overview from "./pages/overview.js";
import * as pipeline from "./pages/pipeline.js";

const PAGES = { "": overview, pipelines: pipeline, models, audit, events, decisions: decision };
const MENU = [["", "Overview"], ["models", "Models"], ["decisions", "Decisions"], ["audit", "Audit"], ["events", "Events"]];
// How long between two looks, at the least; a daemon that is slow to answer is asked less often.
const PACE = 3000;

const main = document.getElementById("main");
let at = null;
let got = null;
let timer = null;
let asking = false;
let turn = 0;

// Where an address leads: { page, parts, query }.
function read() {
  const hash = location.hash.startsWith("#/") ? location.hash.slice(2) : "";
  const [path, query] = hash.split("?");
  const parts = path.split("/").filter(Boolean).map(decoded);
  const page = PAGES[parts[0] ?? ""] ?? null;
  return { page, parts: parts.slice(1), query: new URLSearchParams(query ?? ""), hash: location.hash, word: parts[0] ?? "" };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function turned() {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const first = at === null;
  at?.page?.leave?.();
  at = read();
  got = null;
  main.replaceChildren();
  await again();
  if (first) return;
  // As a browser does on a page of its own: readers begin at the content.
  scrollTo(0, 0);
  if (document.activeElement === document.body) main.focus({ preventScroll: true });
}

// Looks again and draws; after it, waits ten times as long as that took.
async function again() {
  clearTimeout(timer);
  const mine = ++turn;
  const began = performance.now();
  try {
    await look();
    live.trouble = null;
    const here = at;
    const fresh = await here.page?.load?.(here);
    if (mine !== turn || here !== at) return;
    got = { value: fresh, trouble: null };
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof Refused && error.status === 401) return;
    live.trouble = error instanceof Refused && error.status === 404 ? null : error;
    // Where nobody answers, what was seen last stays, under a note that says how old it is.
    if (error instanceof Refused || !got || got.trouble) got = { value: null, trouble: error };
  }
  draw();
  const took = performance.now() - began;
  if (!document.hidden) timer = setTimeout(again, Math.max(at.page?.every ?? PACE, took * 10));
}

export function draw() {
  head();
  foot();
  if (!at.page) {
    document.title = "Impresario";
    show(main, h("h1", null, "There is no such page"), h("p", null, h("a", { href: "#/" }, "To the overview")));
    return;
  }
  document.title = `${at.page.title(at)} · Impresario`;
  if (!got) show(main, h("p", { class: "quiet" }, "Looking…"));
  else if (got.trouble) show(main, h("h1", null, at.page.title(at)), h("div", { class: "trouble", role: "alert" }, refusal(got.trouble)));
  else show(main, at.page.view(at, got.value, { again, draw }));
}

function head() {
  const s = live.status;
  show(document.getElementById("head"),
    h("a", { class: "brand", href: "#/" }, h("img", { src: "icon.svg", alt: "", width: 24, height: 24 }), "Impresario"),
    h("nav", { "aria-label": "Pages" }, MENU.map(([word, name]) =>
      h("a", { href: `#/${word}`, "aria-current": (at?.word === word || (word === "" && at?.word === "pipelines")) ? "page" : null }, name))),
    h("div", { class: "me" },
      s && (s.ready ? badge("ready") : badge("not ready", "warn")),
      live.me && h("span", null, `${live.me.name} (${live.me.role})`),
      token() ? button("Log out", () => out(), { tone: "small" }) : live.me?.by_token === false ? null : button("Log in", () => enter("This daemon asks for a token."), { tone: "small" })),
    live.trouble && h("p", { class: "note bad across", role: "alert" }, "The daemon does not answer as it should: ", live.trouble.message, ". What is shown is from ", live.at ? ago(new Date(live.at).toISOString()) : absent, "."),
    s?.freeze && h("p", { class: "note warn across" }, `No rollout advances: ${s.freeze.actor} froze all${s.freeze.reason ? `, because ${s.freeze.reason}` : ""}${s.freeze.until ? `, until ${s.freeze.until}` : ""}. `,
      button("Unfreeze", unfreeze, { tone: "small", why: lacks("operator") })));
}

function foot() {
  const s = live.status;
  show(document.getElementById("foot"), s && [
    `Impresario ${s.version}, revision ${s.revision}, started `, ago(s.started_at), ". ",
    !s.freeze && button("Freeze all rollouts", freeze, { tone: "small", why: lacks("operator") }), " ",
    button("Read the files again", reload, { tone: "small", why: lacks("operator") }),
  ]);
}

function freeze() {
  ask({ title: "Freeze all rollouts", text: "No rollout advances until this is taken back or over. What serves goes on serving.", tone: "danger",
    fields: [{ name: "until", label: "For how long", kind: "text", hint: "such as 2h, or a time; empty: until it is taken back" }],
    act: async (given) => { await post("freeze", given); say("No rollout advances now."); again(); } });
}

function unfreeze() {
  ask({ title: "Let rollouts advance again", text: "Rollouts go on where they are.", act: async (given) => { await post("unfreeze", given); say("Rollouts advance again."); again(); } });
}

function reload() {
  ask({ title: "Read the files again", text: "The daemon reads its configuration again and applies what differs. A file with mistakes changes nothing.", reason: "none",
    act: async () => {
      const done = await post("reload", {});
      say(done.changed ? `Routing changed: revision ${done.revision}.` : "Nothing differs.");
      for (const warning of done.warnings) say(warning, "warn");
      again();
    } });
}

// What one token showed is not for the next.
function forget() {
  seen.forget();
  history.forget();
}

async function enter(why) {
  if (asking) return;
  asking = true;
  head();
  show(main, h("h1", null, "Log in"), h("p", null, why), button("Log in", () => enter(why), { tone: "main" }));
  const done = await login(why, () => { forget(); return look(); });
  asking = false;
  if (done) turned();
}

function out() {
  keep(null);
  forget();
  say("Logged out of this tab.");
  turned();
}

door.closed = (refused) => {
  const wrong = token() !== null;
  if (asking) return;
  keep(null);
  forget();
  enter(wrong ? `The token was not accepted: ${refused.message}.` : "This daemon asks for a token.");
};

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", turned);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : again()));
turned();
