// What is not allowed: a viewer's clicks, a script that somebody puts into the page, markup in what people write.

import { api, check, close, CONSOLE, enter, go, PATIENCE, same, tab, tell, until } from "../stage.mjs";

export async function play() {
  await begun();
  await viewer();
  await scripts();
  await strangers();
}

async function begun() {
  const steps = [{ set_weight: 10 }, { pause: "approval" }];
  const done = await api("operator", "pipelines/postcode/rollout", { canary: 2, steps, reason: "<img src=x onerror=\"document.title='caught'\">" });
  check(done.status === 201, `a rollout begins: ${JSON.stringify(done)}`);
}

async function viewer() {
  const page = await enter("viewer", { at: "#/pipelines/postcode/rollout" });
  await until(page, "the wait for a person", () => /awaiting-approval/.test(document.querySelector("main h1").innerText));
  const abort = page.getByRole("button", { name: "Abort" });
  same([await abort.getAttribute("aria-disabled"), await abort.getAttribute("title")], ["true", "this needs the role operator; you are viewer"], "the button for a viewer");
  // It can be reached, so that a person learns why not; and does nothing, clicked or pressed.
  await abort.click({ force: true });
  await abort.press("Enter");
  same(await page.getByRole("dialog").count(), 0, "dialogs that a viewer gets");
  await go(page, "#/models/digits");
  for (const button of await page.locator("main button").all()) {
    same(await button.getAttribute("aria-disabled"), "true", `${await button.innerText()} for a viewer`);
  }
  await go(page, "#/pipelines/stamps");
  same(await page.getByRole("button", { name: "Start a rollout" }).getAttribute("aria-disabled"), "true", "starting for a viewer");
  // Who helps themselves to the page's own means is refused by the daemon.
  const refused = await page.evaluate(async () => {
    const { post } = await import(new URL("api.js", location.href.split("#")[0]));
    try {
      await post("pipelines/postcode/rollout/abort", { reason: "because" });
      return null;
    } catch (error) {
      return [error.status, error.code];
    }
  });
  same(refused?.[0], 403, `what the daemon says to a viewer who insists (${refused?.[1]})`);
  same((await api("viewer", "pipelines/postcode/rollout")).body.active, true, "whether the rollout goes on");
  await close(page);
  tell("a viewer sees the buttons with the reason why not, and is refused by the daemon");
}

// A page in which somebody got a script or a style in all the same: the browser runs none of it.
async function scripts() {
  const blocked = /Content.Security.Policy|violates the following/i;
  const page = await enter("operator", { at: "#/pipelines/postcode/rollout", expected: [blocked] });
  const words = ["script-src-elem", "script-src-attr", "style-src-elem", "connect-src", "form-action"];
  const violated = await page.evaluate(async ({ words, patience }) => {
    const seen = [];
    document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
    const inline = document.createElement("script");
    inline.textContent = "window.caught = 'inline'";
    document.body.append(inline);
    const foreign = document.createElement("script");
    foreign.src = "data:text/javascript,window.caught='data'";
    document.body.append(foreign);
    const button = document.createElement("button");
    button.setAttribute("onclick", "window.caught = 'handler'");
    document.body.append(button);
    button.click();
    const link = document.createElement("a");
    link.href = "javascript:window.caught='link'";
    document.body.append(link);
    link.click();
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    document.body.append(style);
    try {
      await fetch("http://127.0.0.1:9/");
    } catch {
      // As it should be.
    }
    const form = document.createElement("form");
    form.action = "http://127.0.0.1:9/";
    document.body.append(form);
    form.submit();
    // The browser tells of them in its own time; the form's, which is asked last, comes after whatever the others do.
    const end = Date.now() + patience;
    while (!words.every((word) => seen.includes(word)) && Date.now() < end) await new Promise((done) => setTimeout(done, 20));
    return { seen: [...new Set(seen)].sort(), caught: window.caught ?? null, shown: getComputedStyle(document.body).display };
  }, { words, patience: PATIENCE });
  same([violated.caught, violated.shown], [null, "block"], "what ran");
  for (const word of words) {
    check(violated.seen.includes(word), `${word} was held against it: ${violated.seen}`);
  }
  // What people wrote is text.
  await go(page, "#/audit");
  await page.getByText("<img src=x onerror=").first().waitFor();
  await go(page, "#/pipelines/postcode");
  await page.getByText("digits of postcodes <img src=x").first().waitFor();
  const made = await page.evaluate(() => [document.querySelectorAll("main img").length, document.title]);
  same(made, [0, "postcode · Impresario"], "what markup in texts made");
  await close(page);
  tell(`the policy held: ${violated.seen.join(", ")}`);
}

// Another origin can neither show the console in a frame nor ask the API.
async function strangers() {
  const page = await tab({ expected: [/frame|CORS|Content.Security.Policy|violates/i] });
  await page.route("http://stranger.test/", (route) => route.fulfill({ contentType: "text/html", body: `<iframe src="${CONSOLE}"></iframe>` }));
  await page.goto("http://stranger.test/");
  const got = await page.evaluate(async (to) => {
    const words = [];
    for (const init of [{}, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }]) {
      words.push(await fetch(to, init).then((answer) => `answered ${answer.status}`, () => "kept from it"));
    }
    return words;
  }, `${CONSOLE}../admin/v1/freeze`);
  same(got, ["kept from it", "kept from it"], "what a page elsewhere gets");
  const frame = page.frames().find((one) => one !== page.mainFrame());
  check(!frame || !(await frame.evaluate(() => document.getElementById("main") !== null).catch(() => false)), `the console is in no frame: ${frame?.url()}`);
  await close(page);
  tell("another site can neither frame the console nor ask for anything");
}
