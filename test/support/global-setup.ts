/** Before any test: says once which targets this machine cannot run, so that no replay test is left out in silence. */
import { describeTargets } from "../../src/native-bridge/doctor.js";

export default async function setup(): Promise<void> {
  for (const target of await describeTargets()) {
    if (target.canRun) continue;
    for (const need of target.requirements) {
      if (need.state === "found") continue;
      process.stderr.write(
        `tests run without ${target.name}: ${need.why}; install it with: ${need.install}\n`,
      );
    }
  }
}
