/**
 * A target that is waited for only until a signal: a replay that is under way then, or begins later, is rejected at once.
 *
 * So whoever replays comes to an end without touching traces, and can close the target, which ends what is under way; memory that a target
 * shares is gone after that.
 */
import { type ProgramBatch, type Target, TargetError, type TraceBatch } from "../sim/target.js";

/** Its replays are rejected with a TargetError `lost` after the signal. Closing it closes `target`. */
export function untilAborted(target: Target, signal: AbortSignal): Target {
  return {
    name: target.name,
    description: target.description,
    runsWorlds: target.runsWorlds,
    readiness: target.readiness ?? "epoll",
    replay: (batch: ProgramBatch): Promise<TraceBatch> =>
      new Promise((resolve, reject) => {
        const interrupt = (): void => reject(new TargetError("lost", "interrupted"));
        if (signal.aborted) return interrupt();
        signal.addEventListener("abort", interrupt);
        target
          .replay(batch)
          .then(resolve, reject)
          .finally(() => signal.removeEventListener("abort", interrupt));
      }),
    close: () => target.close(),
  };
}
