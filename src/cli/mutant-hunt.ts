/**
 * Hunts one planted bug: replays the runs of a campaign on a runtime that has it until one fails.
 *
 * A run counts as failed only if it fails again when it is replayed alone, so a machine that stalls past the time limit reports nothing. What
 * is found, and after how many runs, depends on the seed alone; the milliseconds are this machine's.
 */
import { createHash } from "node:crypto";
import type { ExpectedRange, ExpectedRuns } from "../sim/campaign/expected-runs.js";
import { leakingPrograms } from "../sim/campaign/leak-audit.js";
import { type Signature, signatureText } from "../sim/campaign/signature.js";
import { sameBatch, sameWords } from "../sim/diff.js";
import { runSeed } from "../sim/generate/run-seed.js";
import { type Target, traceOf } from "../sim/target.js";
import { type Failure, failuresOf, programOfRun } from "../testing/investigate.js";

/** What gave a bug away. `audit`: the library could not even be loaded, and the audit of its symbols says why. */
export type FoundBy = "trace" | "outcome" | "clobber" | "crash" | "hang" | "leak" | "audit";

/** A run that failed, and how. */
export interface Catch {
  readonly seed: string;
  readonly failure: Failure;
  /** Runs replayed up to it, itself included. */
  readonly runs: number;
  readonly milliseconds: number;
}

export interface Hunt {
  /** Undefined for a survivor. */
  readonly caught: Catch | undefined;
  /** Runs replayed, all of them where nothing was found. */
  readonly runs: number;
  /** Runs that failed, and agreed when they were replayed alone. */
  readonly vanished: readonly string[];
}

/** The first run that fails on `target`, in the order of the runs. @throws TargetError when the target is lost. */
export async function hunt(
  runs: ExpectedRuns,
  model: Target,
  target: Target,
  interrupted: AbortSignal,
): Promise<Hunt> {
  const startMs = performance.now();
  const vanished: string[] = [];
  let replayed = 0;
  for (let number = 0; !interrupted.aborted; number++) {
    const range = runs.range(number);
    if (range === undefined) break;
    const came = await target.replay(range.batch);
    const grew = came.grew === true;
    const failed = failedIn(range, (i) => traceOf(came, i), sameBatch(range.expected, came));
    const known = new Set(failed.map((index) => index - range.from));
    const leaking = await leakingPrograms(range.batch, range.expected, known, target, grew, model.readiness);
    failed.push(...leaking.map(({ program }) => range.from + program));
    failed.sort((a, b) => a - b);
    for (const index of failed) {
      const seed = runSeed(runs.seed, index);
      const [failure] = await failuresOf([programOfRun(seed, runs.constraints)], model, target);
      if (failure === undefined) {
        vanished.push(seed);
        continue;
      }
      const milliseconds = performance.now() - startMs;
      return { caught: { seed, failure, runs: index + 1, milliseconds }, runs: index + 1, vanished };
    }
    replayed = range.from + range.batch.count;
  }
  return { caught: undefined, runs: replayed, vanished };
}

/** Indices of the runs that failed. Taken at once: the traces are only valid until the next replay. */
function failedIn(range: ExpectedRange, cameOf: (i: number) => Int32Array, agrees: boolean): number[] {
  if (agrees) return [];
  return Array.from({ length: range.batch.count }, (_, i) => i)
    .filter((i) => !sameWords(traceOf(range.expected, i), cameOf(i)))
    .map((i) => range.from + i);
}

/** What gave the failure away: its first difference. */
export function foundBy({ signature, divergence }: Failure): FoundBy {
  if (signature.kind === "clobber") return "clobber";
  if (signature.kind !== "outcome") return "trace";
  switch (divergence.right.outcome.outcome) {
    case "crash":
    case "stack-overflow":
      return "crash";
    case "timeout":
    case "io-hang":
      return "hang";
    case "leak":
      return "leak";
    default:
      return "outcome";
  }
}

/** A signature without its targets' names, and its hash: equal for two bugs that show in the same way. */
export function signatureHash(signature: Signature | string): {
  readonly text: string;
  readonly hash: string;
} {
  const text =
    typeof signature === "string"
      ? signature
      : signatureText(signature).slice(signature.targets.join(" / ").length + 2);
  return { text, hash: createHash("sha256").update(text).digest("hex").slice(0, 8) };
}
