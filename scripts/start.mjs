/**
 * `npm start`: sets up, then replays the whole corpus on every target that this machine can run (SPEC section 6, `corpus run`).
 * Arguments after `--` are passed on.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setUp } from "./setup.mjs";
import { root, say } from "./steps.mjs";

try {
  await setUp();
  process.exitCode = await runCorpus(process.argv.slice(2));
} catch (error) {
  say(`lockstep: ${error.message}`);
  process.exitCode = 1;
}

async function runCorpus(args) {
  const doctor = pathToFileURL(join(root, "dist", "native-bridge", "doctor.js")).href;
  const { describeTargets } = await import(doctor);
  const targets = ["model"];
  for (const target of await describeTargets()) {
    if (target.canRun) targets.push(target.name);
    else
      say(
        `start: without ${target.name}: ${target.requirements.find(({ state }) => state === "missing").why}`,
      );
  }
  const main = join(root, "dist", "cli", "main.js");
  const command = [main, "corpus", "run", "--on", targets.join(","), ...args];
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: "inherit" });
  return status ?? 1;
}
