/**
 * `npm start`: sets up, then the main job: the corpus on every target that this machine can run, and a campaign with a fixed seed,
 * 100,000 runs on model and native, 50,000 on model and kqueue, and 20,000 with aarch64 as well. The exit status is the gravest of theirs.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setUp } from "./setup.mjs";
import { root, say } from "./steps.mjs";

const SEED = "lockstep";

try {
  await setUp();
  const targets = await targetsHere();
  let status = lockstep("corpus", "run", "--on", targets.join(","));
  if (targets.includes("native")) status = Math.max(status, campaign(100_000, ["model", "native"]));
  if (targets.includes("kqueue")) status = Math.max(status, campaign(50_000, ["model", "kqueue"]));
  if (targets.includes("aarch64"))
    status = Math.max(status, campaign(20_000, ["model", "native", "aarch64"]));
  process.exitCode = status;
} catch (error) {
  say(`lockstep: ${error.message}`);
  process.exitCode = 1;
}

/** The targets that can run here; what keeps the others from running is said in one line each. */
async function targetsHere() {
  const doctor = pathToFileURL(join(root, "dist", "native-bridge", "doctor.js")).href;
  const { describeTargets } = await import(doctor);
  const targets = ["model"];
  for (const target of await describeTargets()) {
    if (target.canRun) {
      targets.push(target.name);
      continue;
    }
    const { why, install } = target.requirements.find(({ state }) => state === "missing");
    say(`start: without ${target.name}: ${why}; install it with: ${install}`);
  }
  return targets;
}

function campaign(runs, targets) {
  say(`start: a campaign of ${runs} runs on ${targets.join(", ")}`);
  return lockstep("sim", "--seed", SEED, "--runs", String(runs), "--on", targets.join(","));
}

/** Runs the command as a user would. Ended by a signal counts as a failure. */
function lockstep(...args) {
  const main = join(root, "dist", "cli", "main.js");
  return spawnSync(process.execPath, [main, ...args], { cwd: root, stdio: "inherit" }).status ?? 1;
}
