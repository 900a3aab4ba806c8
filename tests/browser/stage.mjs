// What scenes share: a browser, pages of the console that are logged in, waiting for what is to be seen, and the checks
// that hold for every page.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { ADMIN, HTTP, MODULES, BROWSER, SHOTS } = process.env;
const require = createRequire(join(MODULES, "modules.js"));
const { chromium } = require("playwright-core");
const axe = require("axe-core");

// The longest that anything may take to be seen: far more than it needs, so that a slow machine does not fail it.
export const PATIENCE = 90_000;
export const CONSOLE = `http://${ADMIN}/console/`;
export const http = `http://${HTTP}`;
export const tokens = JSON.parse(process.env.TOKENS ?? "{}");
export const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } };

let browser = null;

export function check(so, what) {
  if (!so) throw new Error(`it is not so: ${what}`);
}

export function same(got, expected, what) {
  check(JSON.stringify(got) === JSON.stringify(expected), `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}

export function tell(text) {
  console.log(`  ${text}`);
}

export async function start() {
  // A container's user may not make the namespaces that the sandbox is built of; the only pages here are the daemon's.
  browser = await chromium.launch({ executablePath: BROWSER, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  tell(`Chromium ${browser.version()}`);
}

export async function end() {
  await browser?.close();
}

// A page of the console in a tab of its own. What its scripts complain of fails the scene, unless it is expected.
export async function tab({ size = "wide", theme = "light", expected = [] } = {}) {
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme: theme, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.complaints = [];
  const complain = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) page.complaints.push(text);
  };
  page.on("pageerror", (error) => complain(`error: ${error.message}`));
  // That the network says no is what some scenes are about; the page has to tell it by itself.
  page.on("console", (message) => message.type() === "error" && !/^Failed to load resource/.test(message.text()) && complain(`console: ${message.text()}`));
  return page;
}

export async function close(page) {
  same(page.complaints, [], "complaints of the page");
  await page.context().close();
}

// Opens a page of the console as somebody of that role.
export async function enter(role, options = {}) {
  const page = await tab(options);
  await page.goto(CONSOLE);
  if (tokens[role]) {
    await page.getByLabel("Token").fill(tokens[role]);
    await page.keyboard.press("Enter");
    await page.locator(".me").getByText(`(${role})`).waitFor();
  }
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  if (options.at) await go(page, options.at);
  return page;
}

// Follows an address within the console, and waits until the page is there.
export async function go(page, hash) {
  await page.evaluate((to) => { location.hash = to; }, hash);
  await page.locator("main h1").first().waitFor();
  await settled(page);
}

// Until the page has been drawn from answers of the daemon.
export async function settled(page) {
  await page.waitForFunction(() => {
    const main = document.getElementById("main");
    return main.querySelector("h1") && !/^Looking…/.test(main.textContent.trim());
  });
}

// Until a condition in the page holds, which is told where it never does.
export async function until(page, what, so, argument) {
  try {
    await page.waitForFunction(so, argument, { timeout: PATIENCE, polling: 100 });
  } catch (error) {
    const text = await page.locator("main").innerText().catch(() => "");
    throw new Error(`never came: ${what}\n${text.slice(0, 1500)}`, { cause: error });
  }
}

// What has the focus, as a screen reader would name it.
export function focused(page) {
  return page.evaluate(() => {
    const at = document.activeElement;
    const label = at.labels?.[0]?.innerText ?? at.getAttribute("aria-label") ?? at.innerText ?? "";
    return `${at.nodeName.toLowerCase()} ${label.trim().split("\n")[0]}`;
  });
}

// Presses Tab until an element of that name has the focus: a person without a mouse.
export async function reach(page, name, most = 60) {
  const met = [];
  for (let at = 0; at < most; at += 1) {
    await page.keyboard.press("Tab");
    met.push(await focused(page));
    if (met.at(-1) === name) return met.length;
  }
  throw new Error(`Tab does not lead to ${JSON.stringify(name)}: ${met.join(", ")}`);
}

// What holds for every page: nothing sideways to scroll, and nothing that axe calls serious.
export async function sound(page, name, { axed = true } = {}) {
  const wide = await page.evaluate(() => {
    const most = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > most + 1 && !e.closest(".scroll, .json, .skip, dialog"));
    return { page: document.documentElement.scrollWidth, most, out: out.slice(0, 5).map((e) => `${e.nodeName} ${e.className.baseVal ?? e.className} ${e.textContent.slice(0, 40)}`) };
  });
  check(wide.page <= wide.most, `${name} scrolls sideways: ${JSON.stringify(wide)}`);
  if (!axed) return [];
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = (list) => list.map((v) => `${v.impact} ${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} (${(n.any[0] ?? n.all[0] ?? n.none[0])?.message})`).join("; ")}`);
  const serious = violations.filter((v) => ["serious", "critical"].includes(v.impact));
  check(serious.length === 0, `${name} is not for everybody:\n${told(serious).join("\n")}`);
  return told(violations);
}

export async function shot(page, name, { full = true } = {}) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: full });
}

// Asks the admin API beside the browser, as somebody of that role.
export async function api(role, path, body, method = body ? "POST" : "GET") {
  const headers = { "content-type": "application/json", ...(tokens[role] ? { authorization: `Bearer ${tokens[role]}` } : {}) };
  const answer = await fetch(`http://${ADMIN}/admin/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}
