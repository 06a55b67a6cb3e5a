/**
 * The targets that the tests of a worker use: each opened once, when a test first asks for it, and closed at the end of the test file.
 *
 * Without isolation vitest runs several files in one worker: a file that comes after the close opens what it needs anew. A host ends with
 * the process that opened it; and when vitest is interrupted, which leaves its workers to themselves, a worker that has targets open ends.
 */
import { isMainThread } from "node:worker_threads";
import type { TargetOptions } from "../native-bridge/targets.js";
import { type Target, TargetError } from "../sim/target.js";
import { openTarget } from "../testing/open-target.js";

const open = new Map<string, Promise<Target>>();

/** How long the targets have to close after vitest has gone. */
const CLOSE_MS = 2000;
let isWatching = false;

/** The targets of these names, in order. @throws TargetError as `openTarget`, and in a worker thread, which native targets do not survive. */
export function testTargets(names: readonly string[], options: TargetOptions = {}): Promise<Target[]> {
  watch();
  return Promise.all(
    names.map(async (name) => {
      if (name !== "model" && !isMainThread)
        throw new TargetError(
          "unavailable",
          `${name} cannot run in a worker thread: use vitest's pool "forks", the default`,
        );
      const { timeLimitMs, memoryLimitMiB } = options;
      const key = JSON.stringify([name, timeLimitMs, memoryLimitMiB]);
      const target = open.get(key) ?? openTarget(name, options);
      open.set(key, target);
      // One that cannot be opened is asked for again by the next test, which then says so too.
      target.catch(() => open.delete(key));
      return target;
    }),
  );
}

/** A test that runs on after vitest has gone would hold its targets, and the machine, until its own time is up. */
function watch(): void {
  if (isWatching) return;
  isWatching = true;
  process.once("disconnect", () => {
    void closeTestTargets().finally(() => process.exit(1));
    // A target that does not come to its end does not hold the process: its host ends when its parent has.
    setTimeout(() => process.exit(1), CLOSE_MS);
  });
}

/** Closes them all. Idempotent. */
export async function closeTestTargets(): Promise<void> {
  const targets = [...open.values()];
  open.clear();
  for (const target of await Promise.allSettled(targets))
    if (target.status === "fulfilled") await target.value.close();
}
