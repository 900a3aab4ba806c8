// Three questions that somebody new to the daemon has, answered from the overview on, by what is written on the pages.

import { api, check, close, enter, http, same, tell, until } from "../stage.mjs";
import { traffic } from "../traffic.mjs";

export async function play() {
  const crowd = traffic(http, { postcode: "digits", letters: "digits", chain: "row" });
  await held();
  await weighed();
  await slow();
  await crowd.stop();
}

// Why does this rollout not go on? And away with it.
async function held() {
  const steps = [{ set_weight: 5 }, { analyze: "much" }];
  const analyses = { much: { min_time: "1s", min_units: 1000000, deadline: "2s", guardrails: [{ metric: "errors" }] } };
  const begun = await api("operator", "pipelines/postcode/rollout", { canary: 2, steps, analyses });
  check(begun.status === 201, JSON.stringify(begun));
  const page = await enter("admin");
  const waits = page.getByRole("region", { name: "What waits, and why" });
  const line = waits.getByRole("listitem").filter({ hasText: "postcode" });
  await line.getByText("held").waitFor();
  const why = await line.innerText();
  check(/traffic|requests|units/.test(why), `the overview says why in words: ${why}`);
  await line.getByRole("link", { name: "postcode" }).click();
  await until(page, "the rollout's page", () => document.querySelector(".steps"));
  const facts = await page.locator(".facts").first().innerText();
  check(/It waits for/.test(facts), `what it waits for: ${facts}`);
  await page.getByRole("button", { name: "Abort" }).click();
  await page.getByLabel("Reason").fill("nobody will send so much");
  await page.getByRole("dialog").getByRole("button", { name: "Abort" }).click();
  await until(page, "the end of the rollout", () => /rolled-back/.test(document.querySelector("main h1").innerText));
  await page.getByRole("link", { name: "Overview" }).first().click();
  await until(page, "an overview without it", () => document.querySelector("table") && ![...document.querySelectorAll(".waits li")].some((li) => li.innerText.includes("postcode")));
  await close(page);
  tell(`held, because: ${why.replaceAll("\n", " ")}`);
}

// Who changed the weights yesterday? And back with them.
async function weighed() {
  const done = await api("operator", "pipelines/letters/experiment/set-weights", { weights: { old: 20, new: 80 }, reason: "more of the new" });
  check(done.status === 200, JSON.stringify(done));
  const page = await enter("admin");
  // The browser's tomorrow: what was done a moment ago is of yesterday.
  await page.clock.setFixedTime(Date.now() + 86_400_000);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Audit" }).click();
  await page.getByRole("link", { name: "Yesterday" }).click();
  await page.getByLabel("Show").selectOption("changes of weights by people");
  await page.getByRole("button", { name: "Filter" }).click();
  const yesterday = page.getByRole("region", { name: "Yesterday" });
  const record = yesterday.getByRole("listitem").filter({ hasText: "letters" }).first();
  const text = await record.innerText();
  for (const word of ["olga", "letters", "more of the new"]) check(text.includes(word), `the record says ${word}: ${text}`);
  await record.locator("summary").click();
  await record.getByRole("button", { name: "Set old 50 %, new 50 % again" }).click();
  await page.getByLabel("Reason").fill("not without telling the others");
  await page.getByRole("button", { name: "Set them" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const { body } = await api("viewer", "pipelines/letters");
  same(body.status.course.variants.map((v) => v.weight), [50, 50], "the weights at the daemon");
  await page.getByRole("link", { name: "Overview" }).first().click();
  await page.getByRole("row", { name: /letters/ }).getByText("old (digits 1) 50 %").waitFor();
  await close(page);
  tell(`yesterday's change of weights: ${text.split("\n")[0]}`);
}

// Which part of this composite makes it slow?
async function slow() {
  const page = await enter("viewer");
  const row = page.getByRole("row", { name: /chain/ });
  await until(page, "how fast the composite is", () => /ms|µs/.test([...document.querySelectorAll("tbody tr")].find((tr) => tr.dataset.key === "chain")?.innerText ?? ""));
  await row.getByRole("link", { name: "chain" }).click();
  await page.getByRole("navigation", { name: "Parts" }).getByRole("link", { name: "Graph" }).click();
  await until(page, "the slowest part", () => [...document.querySelectorAll("tbody tr")].some((tr) => /the slowest/.test(tr.innerText)));
  const marked = (await page.locator("tbody tr").filter({ hasText: "the slowest" }).allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " "));
  check(marked.length === 1 && marked[0].includes("heavy"), `the slowest is the node heavy: ${marked}`);
  await close(page);
  tell(`the slow part of the composite: ${marked[0]}`);
}
