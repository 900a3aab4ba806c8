// Plays one scene with the console of a running daemon in a real browser: `node run.mjs SCENE`. Where things are is told
// by the environment: ADMIN and HTTP (addresses), TOKENS (JSON by role), MODULES (a folder with node_modules), BROWSER
// (the program), SHOTS (where pictures go).

import { end, start } from "./stage.mjs";

const [name] = process.argv.slice(2);
const { play } = await import(`./scenes/${name}.mjs`);
await start();
try {
  await play();
  console.log(`ok ${name}`);
} catch (error) {
  console.error(`${name}: ${error.message}${error.cause ? `\n${error.cause.message ?? ""}` : ""}`);
  process.exitCode = 1;
} finally {
  await end();
}
// Callers of a scene that failed still wait for their answers.
process.exit();
