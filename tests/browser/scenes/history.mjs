// Charts begin with what the daemon kept: a page that was just opened shows what was before it, and goes on from there.

import { api, check, close, CONSOLE, enter, go, http, same, tell, until } from "../stage.mjs";
import { traffic } from "../traffic.mjs";

export async function play() {
  const crowd = traffic(http, { letters: "digits", postcode: "digits", chain: "row" });
  // Some windows are full: the daemon's own answer says so.
  const windows = async () => {
    const to = Date.now();
    const { status, body } = await api("viewer", `metrics/history?pipeline=letters&by=variant&from=${to - 3_600_000}&until=${to}&step=20s&quantiles=0.5,0.99`);
    same(status, 200, "the history");
    const full = body.series.map((s) => s.points.filter((p) => !p.open).length);
    return { full: full.length === 2 ? Math.min(...full) : 0, body };
  };
  const end = Date.now() + 120_000;
  for (let seen = await windows(); seen.full < 2; seen = await windows()) {
    if (Date.now() > end) throw new Error(`never came: two full windows of two series: ${JSON.stringify(seen.body)}`);
    await new Promise((done) => setTimeout(done, 500));
  }
  const page = await enter("viewer");
  const asked = [];
  page.on("request", (request) => asked.push(request.url().replace(CONSOLE, "").replace(/^.*admin\/v1\//, "")));
  await page.reload();
  await until(page, "a line of the last half hour", () => document.querySelector("tr[data-key=letters] .spark"));
  same(asked.filter((path) => path.startsWith("metrics/history")).length, 1, "how often the overview asks for history at first");
  asked.length = 0;
  await go(page, "#/pipelines/letters");
  await until(page, "charts", () => document.querySelectorAll(".chart .uplot").length === 4);
  const looks = asked.filter((path) => path === "metrics").length;
  check(looks <= 2, `the charts are there at once, not after ${looks} looks`);
  for (const [word, title] of [["6h", "6 hours"], ["7d", "7 days"], ["1y", "1 year"], ["1h", "1 hour"]]) {
    asked.length = 0;
    await page.getByRole("button", { name: title }).click();
    await until(page, `the range ${title}`, (text) => [...document.querySelectorAll("[aria-pressed=true]")].some((b) => b.innerText === text), title);
    check(word === "1h" || asked.some((path) => path.startsWith("metrics/history")), `${title} is asked for: ${asked}`);
  }
  await until(page, "charts of the hour", () => document.querySelectorAll(".chart .uplot").length === 4);
  await close(page);
  await crowd.stop();
  tell("a page that was just opened shows what was before it; all ranges can be picked");
}
