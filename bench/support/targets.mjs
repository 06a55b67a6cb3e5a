/**
 * Opens targets by name for a benchmark and closes them whatever happens. A target that this machine cannot run is said to be missing,
 * with what to install, and the benchmark goes on without it.
 */
import { ModelTarget, openNativeTarget, TargetError } from "./dist.mjs";

/** Calls `use` with name to open target, of those of `names` that can be opened; adds a line to `notes` for each other. */
export async function withTargets(names, notes, use) {
  const targets = {};
  try {
    for (const name of names) {
      try {
        targets[name] = name === "model" ? new ModelTarget() : await openNativeTarget(name, {});
      } catch (error) {
        if (!(error instanceof TargetError)) throw error;
        notes.push(`without ${name}: ${error.message}`);
      }
    }
    return await use(targets);
  } finally {
    await Promise.all(Object.values(targets).map((target) => target.close()));
  }
}
