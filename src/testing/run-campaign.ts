/**
 * A campaign in this process: programs from a seed, replayed on every target, compared, and what fails shrunk and saved.
 *
 * It gives the runs that `lockstep sim` gives with the same seed, which spreads them over processes. Guarantee: what is found depends on
 * the seed, the runs, the constraints and the targets alone; only how far a failure is shrunk may depend on time.
 */
import { BatchRunner, type RunRange } from "../sim/campaign/batch-runner.js";
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import type { Target } from "../sim/target.js";
import { SHRINK_MS } from "./defaults.js";
import { FailureBook } from "./failure-book.js";
import { failedRuns, type NotRepeated, notRepeated, runsOf } from "./failure-log.js";
import { type Finding, findingOf, type ShrinkLimits } from "./investigate-program.js";
import { rangeRuns } from "./range-runs.js";

/** What a campaign is told. */
export interface CampaignOptions extends ShrinkLimits {
  /** Any text of 1 to 200 characters; `lockstep` unless told. */
  readonly seed?: string;
  /** The first run; 0 unless told. */
  readonly from?: number;
  /** How many; 1,000 unless told. */
  readonly runs?: number;
  /** Bounds of the programs. They have no world where a target has no idle hook. */
  readonly constraints?: GeneratorConstraints;
  /** The folder that failures are saved to; none unless told. */
  readonly corpus?: string;
  /** Ends with the first failure. Default false. */
  readonly bail?: boolean;
}

/** A failure that a campaign found: the first run that fails with its signature, shrunk. */
export interface CampaignFailure extends Finding {
  /** `S:i`: what `lockstep repro` and `programOfRun` take. */
  readonly run: string;
  /** The target that differs from the first. */
  readonly on: string;
  /** How many runs fail with this signature, of those that were looked at. */
  readonly runs: number;
  /** The entry's file, where it was saved. */
  readonly saved?: string;
}

/** What a campaign found. */
export interface CampaignResult {
  readonly seed: string;
  /** Runs done: fewer than asked for after an abort, and after `bail`, which counts up to the failure. */
  readonly runs: number;
  readonly failedRuns: number;
  /** By signature, in order of their first runs. */
  readonly failures: readonly CampaignFailure[];
  /** Runs that failed in their batch and agreed when they were replayed alone; `failedRuns` leaves them out. */
  readonly notRepeated: readonly NotRepeated[];
}

/**
 * Runs a campaign. The first target is the one that the others are compared with.
 *
 * ```ts
 * const targets = [await openTarget("model"), await openTarget("native")];
 * const { runs, failures } = await runCampaign(targets, { seed: "docs", runs: 500 });
 * console.log(runs, failures.length); // 500 0
 * for (const target of targets) await target.close();
 * ```
 *
 * @throws TargetError `lost` when a target is lost.
 */
export async function runCampaign(
  targets: readonly Target[],
  options: CampaignOptions = {},
): Promise<CampaignResult> {
  const { seed = "lockstep", from = 0, runs = 1000, bail = false, corpus } = options;
  const { shrinkMs = SHRINK_MS, signal = new AbortController().signal } = options;
  const world = options.constraints?.world ?? true;
  const constraints = {
    ...options.constraints,
    world: world && targets.every(({ runsWorlds }) => runsWorlds),
  };
  const on = targets.map(({ name }) => name);
  const book = new FailureBook({
    setup: { seed, on, constraints },
    shrinkMs,
    folder: corpus,
    interrupted: signal,
    target: (name) => targets.find((target) => target.name === name)!,
  });
  const runner = new BatchRunner(targets, constraints);
  const perRange = rangeRuns(runs);
  let done = 0;
  while (done < runs && !signal.aborted && !(bail && book.log.found.length > 0)) {
    const range: RunRange = { from: from + done, count: Math.min(perRange, runs - done) };
    const { failures } = await runner.run(seed, range);
    done += range.count;
    for (const failed of failures) {
      const { found } = await book.add(failed);
      if (!bail || found === undefined) continue;
      // What lies behind the failure in its range is not counted, as it is not by the command.
      done = failed.index + 1 - from;
      break;
    }
  }
  const { log } = book;
  const failures = log.found.map(
    ({ signature, first, on: came, shrunk, saved }): CampaignFailure => ({
      ...findingOf(signature, shrunk),
      run: first,
      on: came,
      runs: runsOf(log, signature),
      ...("path" in saved ? { saved: saved.path } : {}),
    }),
  );
  return { seed, runs: done, failedRuns: failedRuns(log), failures, notRepeated: notRepeated(log, seed) };
}
