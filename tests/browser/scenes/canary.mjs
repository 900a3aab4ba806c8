// A canary from beginning to end: logging in, starting it on the page, seeing it move without doing anything, and aborting
// it with the keyboard alone. What is left of it is looked at by the scene `afterwards`, after a power cut.

import { api, check, close, CONSOLE, focused, http, reach, same, tab, tell, tokens, until } from "../stage.mjs";
import { traffic } from "../traffic.mjs";

export const REASON = "the callers of \"north\" complain <b>loudly</b>";

export async function play() {
  const crowd = traffic(http, { postcode: "digits" }, { callers: 4, pause: 10 });
  const page = await tab();
  await login(page);
  await started(page);
  await moving(page);
  await aborted(page);
  await close(page);
  await crowd.stop();
  same(crowd.seen.errors, 0, `errors of callers (${crowd.seen.first})`);
}

async function login(page) {
  await page.goto(CONSOLE);
  const token = page.getByLabel("Token");
  await token.fill("imp_000000000000_wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText(/token/).first().waitFor();
  check((await page.locator("main").innerText()).includes("Log in"), "a wrong token opens nothing");
  await token.fill(tokens.operator);
  await page.keyboard.press("Enter");
  await page.locator(".me").getByText("olga (operator)").waitFor();
  same(await page.evaluate((text) => [document.cookie, JSON.stringify(localStorage), location.href.includes(text)], tokens.operator), ["", "{}", false], "where the token is kept beside the tab");
  tell("a wrong token is refused in the dialog, a good one opens");
}

async function started(page) {
  await page.getByRole("row", { name: /postcode/ }).getByRole("link", { name: "postcode" }).click();
  await page.getByRole("button", { name: "Start a rollout" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Version that is to take its place").selectOption("2");
  // What cannot be is said by the daemon, in the dialog, and nothing is begun.
  await dialog.getByLabel("Its share of the traffic").fill("10, lots");
  await dialog.getByLabel("Reason").fill("it reads better on paper");
  await dialog.getByRole("button", { name: "Start" }).click();
  await dialog.getByRole("alert").getByText(/lots/).first().waitFor();
  await dialog.getByLabel("Its share of the traffic").fill("40, 60, approve");
  await dialog.getByLabel("Least time at each share").fill("1s");
  await dialog.getByLabel("Least requests at each share").fill("30");
  await dialog.getByRole("button", { name: "What would it take?" }).click();
  await dialog.getByRole("rowheader", { name: "2. analysis 'each'" }).waitFor();
  await dialog.getByRole("button", { name: "Start" }).click();
  await until(page, "the rollout's page", () => location.hash === "#/pipelines/postcode/rollout" && document.querySelector(".steps"));
  const { body } = await api("viewer", "pipelines/postcode/rollout");
  same([body.canary, body.stable, body.active], [2, 1, true], "the rollout at the daemon");
  tell("started from the page; what the daemon would not take was said in the dialog");
}

async function moving(page) {
  const share = (weight) => until(page, `${weight} % on the page`, (text) => document.querySelector(".lead")?.innerText.includes(text), `version 2 of digits has ${weight} %`);
  await page.evaluate(() => { window.untouched = true; });
  await share(40);
  await share(60);
  await until(page, "the wait for a person", () => /awaiting-approval/.test(document.querySelector("main h1").innerText));
  await until(page, "charts", () => document.querySelectorAll(".chart .uplot").length >= 2);
  check(await page.evaluate(() => window.untouched), "it moved on the page that was opened once");
  tell("40 %, 60 %, and the wait for a person were seen on a page that nobody touched");
}

// Without a mouse: to the button, into the dialog, out of it, in again, and through.
async function aborted(page) {
  await page.locator("#skip").focus();
  const steps = await reach(page, "button Abort");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  same(await focused(page), "input Reason (needed)", "the focus in the dialog");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  same(await focused(page), "button Abort", "the focus after leaving the dialog");
  await page.keyboard.press("Enter");
  // Without a reason nothing is done, and it says so.
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("Reason is needed").waitFor();
  same((await api("viewer", "pipelines/postcode/rollout")).body.active, true, "whether it goes on without a reason");
  // The dialog holds the focus: Tab goes round in it.
  for (let at = 0; at < 6; at += 1) {
    await page.keyboard.press("Tab");
    check(await page.evaluate(() => document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)), "the focus stays in the dialog");
  }
  await page.getByLabel("Reason").focus();
  await page.keyboard.type(REASON);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await until(page, "the end of the rollout", () => /rolled-back/.test(document.querySelector("main h1").innerText));
  await until(page, "the reason in the journal", (reason) => document.querySelector(".journal").innerText.includes(reason), REASON);
  tell(`aborted by keyboard: the button is ${steps} presses of Tab away`);
}
