// Callers of the daemon under test: a few at a time, each asks, perhaps tells how it went, waits a little and asks again.

import { readFileSync } from "node:fs";

const DIGITS = JSON.parse(readFileSync(new URL("../../examples/traffic/digits.json", import.meta.url), "utf8"));

// Posts to pipelines until `stop` is called. `pipelines`: { name: "digits" | "row" }, by what their inputs are. The ids
// of requests that were answered are kept, the newest last.
export function traffic(http, pipelines, { callers = 2, pause = 25 } = {}) {
  const seen = { answers: 0, errors: 0, ids: {}, first: null };
  let going = true;
  let n = 0;
  const caller = async (name, kind) => {
    while (going) {
      n += 1;
      const digit = DIGITS[(n * 101) % DIGITS.length];
      const input = kind === "digits" ? { name: "X", shape: [1, 64], datatype: "FP32", data: digit.pixels } : { name: "x", shape: [1, 4], datatype: "FP32", data: [n % 7, 2, 3, 4] };
      try {
        const answer = await fetch(`${http}/v2/models/${name}/infer`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-user-id": `user-${n}` },
          body: JSON.stringify({ inputs: [input] }),
        });
        const body = await answer.json();
        if (answer.ok) seen.answers += 1;
        else throw new Error(`${answer.status}: ${body.error}`);
        seen.ids[name] = answer.headers.get("x-request-id");
        const label = body.outputs.find((output) => output.name === "label")?.data[0];
        if (kind === "digits" && (name === "letters" || name === "parcels") && label === digit.label) {
          const told = await fetch(`${http}/pipelines/${name}/feedback`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ metric: "read", value: 1, event_id: "1", request_id: seen.ids[name] }),
          });
          await told.arrayBuffer();
        }
      } catch (error) {
        seen.errors += 1;
        seen.first ??= String(error);
      }
      await new Promise((done) => setTimeout(done, pause));
    }
  };
  const all = Object.entries(pipelines).flatMap(([name, kind]) => Array.from({ length: callers }, () => caller(name, kind)));
  return {
    seen,
    stop: async () => {
      going = false;
      await Promise.all(all);
      return seen;
    },
  };
}
