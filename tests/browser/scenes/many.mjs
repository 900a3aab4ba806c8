// Five hundred pipelines: the overview is there at once, its updates touch what changed and no more, and all of them are
// found. Times are told; what is held against it is the work that it gives the browser.

import { check, close, CONSOLE, http, same, tab, tell, until } from "../stage.mjs";
import { traffic } from "../traffic.mjs";

const MANY = 501;

export async function play() {
  const page = await tab();
  await page.addInitScript(() => {
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map((e) => Math.round(e.duration)))).observe({ type: "longtask", buffered: true });
  });
  const began = Date.now();
  await page.goto(CONSOLE);
  await until(page, "the first rows", () => document.querySelectorAll("tbody tr").length > 0);
  const first = Date.now() - began;
  const rows = await page.locator("tbody tr").count();
  check(rows >= 20 && rows <= 120, `a screenful and some more is drawn at first: ${rows} rows`);
  await page.getByText(`${MANY} of ${MANY}`).waitFor();
  const asked = await page.evaluate(() => performance.getEntriesByType("resource").filter((e) => e.name.includes("/metrics/history")).length);
  same(asked, 1, "requests for the history of all pipelines");
  tell(`first rows ${first} ms after the address was entered: ${rows} rows, ${await page.evaluate(() => document.querySelectorAll("*").length)} elements`);
  await quiet(page);
  await busy(page);
  await found(page);
  await close(page);
}

// Nothing happens: nearly nothing is touched.
async function quiet(page) {
  const { touched, looks } = await watched(page, 3);
  check(touched.added + touched.removed <= 40 * looks, `looks at a quiet daemon make no elements: ${JSON.stringify(touched)}`);
  tell(`${looks} looks while nothing happened: ${JSON.stringify(touched)}`);
}

// Twenty pipelines are asked: the rows of those change, by texts and attributes, and no row is made anew.
async function busy(page) {
  const names = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${String(n).padStart(3, "0")}`, "row"]));
  const crowd = traffic(http, names, { callers: 1, pause: 50 });
  await until(page, "rates of the pipelines that are asked", () => {
    const rates = [...document.querySelectorAll("tbody tr")].slice(0, 21).map((row) => row.querySelector(".number span")?.textContent);
    return rates.filter((rate) => Number(rate) > 0).length >= 20;
  });
  const row = await page.locator("tbody tr").nth(3).elementHandle();
  const { touched, looks } = await watched(page, 3);
  await crowd.stop();
  same(await row.evaluate((one) => one.isConnected), true, "whether the row is the one that was there before");
  check(touched.rows === 0, `no row is made anew: ${JSON.stringify(touched)}`);
  check(touched.texts + touched.attributes <= 3000 * looks, `what changed is touched and no more: ${JSON.stringify(touched)}`);
  tell(`${looks} looks while 20 are asked: ${JSON.stringify(touched)}`);
}

// What becomes of the page while it looks so many times.
async function watched(page, looks) {
  const touched = await page.evaluate(async (looks) => {
    const seen = { texts: 0, attributes: 0, added: 0, removed: 0, rows: 0, looks: 0, longest: 0 };
    window.long.length = 0;
    const observer = new MutationObserver((list) => {
      for (const one of list) {
        if (one.type === "characterData") seen.texts += 1;
        else if (one.type === "attributes") seen.attributes += 1;
        else {
          seen.added += one.addedNodes.length;
          seen.removed += one.removedNodes.length;
          seen.rows += [...one.addedNodes].filter((node) => node.nodeName === "TR").length;
        }
      }
    });
    observer.observe(document.getElementById("main"), { subtree: true, childList: true, characterData: true, attributes: true });
    const before = performance.getEntriesByType("resource").length;
    const status = () => performance.getEntriesByType("resource").slice(before).filter((e) => e.name.endsWith("/status")).length;
    performance.setResourceTimingBufferSize(5000);
    while (status() < looks) await new Promise((done) => setTimeout(done, 100));
    await new Promise((done) => setTimeout(done, 500));
    observer.disconnect();
    seen.longest = Math.max(0, ...window.long);
    return seen;
  }, looks);
  delete touched.looks;
  return { touched, looks };
}

// By scrolling, and by the filter.
async function found(page) {
  await page.evaluate(() => { window.end = setInterval(() => scrollTo(0, document.body.scrollHeight), 50); });
  await until(page, "all rows", (many) => document.querySelectorAll("tbody tr").length === many, MANY);
  await page.evaluate(() => clearInterval(window.end));
  const { touched } = await watched(page, 2);
  tell(`2 looks with all ${MANY} rows drawn: ${JSON.stringify(touched)}`);
  await page.evaluate(() => scrollTo(0, 0));
  const before = Date.now();
  await page.getByLabel("Filter").fill("p437");
  await until(page, "the one row", () => document.querySelectorAll("tbody tr").length === 1);
  tell(`the filter finds one of them in ${Date.now() - before} ms`);
  await page.getByRole("link", { name: "p437" }).click();
  await until(page, "its page", () => document.querySelector("main h1")?.innerText.startsWith("p437"));
}
