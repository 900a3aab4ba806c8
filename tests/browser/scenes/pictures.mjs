// Every page, at two sizes and in both themes: a picture of each to be looked at, and the checks that hold for all.

import { api, check, close, enter, go, http, settled, shot, sound, tab, tell, CONSOLE, SIZES, until } from "../stage.mjs";
import { traffic } from "../traffic.mjs";

const STEPS = {
  steps: [{ set_weight: 40 }, { analyze: "short" }, { pause: "approval" }, { set_weight: 60 }, { analyze: "short" }],
  analyses: { short: { min_time: "1s", min_units: 50, guardrails: [{ metric: "errors", weight: 0.6 }, { metric: "non-finite", weight: 0.4 }] } },
};

export async function play() {
  const crowd = traffic(http, { postcode: "digits", letters: "digits", parcels: "digits", stamps: "digits", chain: "row" });
  await api("operator", "pipelines/postcode/rollout", { canary: 2, reason: "reads better on the test set", ...STEPS });
  const page = await enter("operator", { at: "#/pipelines/postcode/rollout" });
  await until(page, "an approval to be waited for", () => document.querySelector("main h1").innerText.includes("awaiting-approval"));
  await page.waitForFunction(() => document.querySelectorAll(".chart .uplot").length >= 2);
  const pages = [
    ["overview", "#/"], ["pipeline", "#/pipelines/postcode"], ["rollout", "#/pipelines/postcode/rollout"], ["pipeline-implicit", "#/pipelines/fast"],
    ["experiment", "#/pipelines/letters/experiment"], ["bandit", "#/pipelines/parcels/bandit"], ["shadow", "#/pipelines/stamps/shadow"],
    ["graph", "#/pipelines/chain/graph"], ["composite", "#/pipelines/chain"], ["models", "#/models"], ["model", "#/models/digits"],
    ["decisions", "#/decisions"], ["decision", `#/decisions?id=${crowd.seen.ids.chain}`], ["audit", "#/audit"], ["events", "#/events"], ["nothing", "#/nowhere"],
    ["unknown", "#/pipelines/unknown"],
  ];
  // All that is wrong is told at once: who mends it sees all of it.
  const wrong = [];
  const minor = new Set();
  const looked = async (on, name) => {
    // axe takes longer than the rest together: it sees each theme and each size once.
    const axed = /wide, light|narrow, dark/.test(name);
    try {
      for (const one of await sound(on, name, { axed })) minor.add(one);
    } catch (error) {
      wrong.push(error.message);
    }
  };
  for (const size of Object.keys(SIZES)) {
    await page.setViewportSize(SIZES[size]);
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme });
      for (const [name, at] of pages) {
        await go(page, at);
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))));
        await page.waitForFunction(() => [...document.querySelectorAll(".chart")].every((c) => c.querySelector(".uplot")));
        await shot(page, `${name}-${size}-${theme}`);
        await looked(page, `${name} (${size}, ${theme})`);
      }
      await go(page, "#/pipelines/postcode/rollout");
      await page.getByRole("button", { name: "Abort" }).click();
      await page.getByRole("dialog").waitFor();
      await shot(page, `dialog-${size}-${theme}`, { full: false });
      await looked(page, `dialog (${size}, ${theme})`);
      await page.keyboard.press("Escape");
      const door = await tab({ size, theme });
      await door.goto(CONSOLE);
      await door.getByLabel("Token").waitFor();
      await shot(door, `login-${size}-${theme}`, { full: false });
      await looked(door, `login (${size}, ${theme})`);
      await close(door);
    }
  }
  for (const one of minor) tell(`minor: ${one}`);
  await close(page);
  await crowd.stop();
  check(wrong.length === 0, `\n${wrong.join("\n")}`);
  tell(`${crowd.seen.answers} answers, ${crowd.seen.errors} errors${crowd.seen.first ? ` (${crowd.seen.first})` : ""}`);
}
