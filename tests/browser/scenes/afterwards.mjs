// After a kill -9: what was done in the scene `canary` is still done, and who did it and why is still known.

import { api, close, enter, same, tell, until } from "../stage.mjs";
import { REASON } from "./canary.mjs";

export async function play() {
  const page = await enter("operator");
  const row = page.getByRole("row", { name: /postcode/ });
  await row.getByText("rolled-back").waitFor();
  await row.getByRole("link", { name: "postcode" }).click();
  const serving = page.locator("main .split").first();
  await serving.getByText("stable (digits 1) 100 %").waitFor();
  await page.getByRole("navigation", { name: "Parts" }).getByRole("link", { name: "Rollout" }).click();
  await until(page, "the reason in the journal", (reason) => document.querySelector(".journal")?.innerText.includes(reason), REASON);
  same(await page.evaluate(() => document.querySelectorAll("main b").length), 0, "elements made of a reason");
  tell("after kill -9 the canary has nothing, and the journal still says who and why");
  // And undo: the pipeline as it was before the rollout.
  await page.getByRole("navigation", { name: "Parts" }).getByRole("link", { name: "Pipeline" }).click();
  await page.getByRole("button", { name: "Undo the newest change" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Afterwards version 1 of digits answers.").waitFor();
  await dialog.getByLabel("Reason").fill("back to where we were");
  await dialog.getByRole("button", { name: "Undo" }).click();
  await dialog.waitFor({ state: "detached" });
  await until(page, "the pipeline without a rollout", () => /standalone/.test(document.querySelector("main h1").innerText));
  const { body } = await api("viewer", "pipelines/postcode");
  same([body.spec.policy.type, body.status.serves.version], ["standalone", 1], "the pipeline at the daemon");
  tell("undone from the page");
  await close(page);
}
