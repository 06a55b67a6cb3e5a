/**
 * What a campaign has noted of its failed runs: which were looked at, with what signature, and one shrunk failure for each signature.
 *
 * Guarantee: the log of a campaign is the same whether it ran in one piece or in shards whose logs are merged in order, and so is all that is
 * derived from it. Of each shard the first failed runs are looked at, so the first of the whole are always among them, and the first run of a
 * signature in the whole is the first of its shard. What a log counts it counts of all failed runs; what became of a run that a shard has looked
 * at and the whole has not is forgotten.
 */
import { type FailedRun, STALL } from "../sim/campaign/batch-runner.js";
import { runSeed } from "../sim/generate/run-seed.js";
import type { ShrunkFailure } from "./investigate.js";
import type { Saved } from "./save-failure.js";

/** Failures that are looked at, each target by itself, and the others of the last one's run; what comes after is only counted. */
export const INVESTIGATED_MAX = 200;
/** Signatures that are shrunk and saved. */
export const SIGNATURES_MAX = 20;

export interface FoundFailure {
  readonly signature: string;
  /** The first run that failed in this way. */
  readonly first: string;
  readonly on: string;
  readonly shrunk: ShrunkFailure;
  /** Where it was saved, or why it was not. */
  readonly saved: Saved;
}

export interface LookedAtRun extends FailedRun {
  /** Null for a run that agreed when it was replayed alone. */
  readonly signature: string | null;
}

export interface FailureLog {
  /** Failed runs, each target by itself. */
  readonly count: number;
  /** The same, but a run that fails on several targets once; with those that agreed when they were replayed alone. */
  readonly runs: number;
  /** The first of them, in order of runs: INVESTIGATED_MAX, and what the run of the last of these has more. */
  readonly lookedAt: readonly LookedAtRun[];
  /** In order of their first runs: at most SIGNATURES_MAX. */
  readonly found: readonly FoundFailure[];
}

/** A run that failed in its batch, and agreed when it was replayed alone on the same targets with the same limits. */
export interface NotRepeated {
  /** `S:i`. */
  readonly run: string;
  readonly on: string;
  /** How it ended when it failed, as in a signature. */
  readonly outcome: string;
  /**
   * False for a timeout: it is the machine that stalled, and no failure. Anything else that does not repeat is: a target that is not
   * deterministic.
   */
  readonly counts: boolean;
}

/** Nothing noted yet. */
export const EMPTY_LOG: FailureLog = { count: 0, runs: 0, lookedAt: [], found: [] };

/** Whether one more failure of run `index` is looked at. */
export function mayLookAt(index: number, lookedAt: readonly LookedAtRun[]): boolean {
  return lookedAt.length < INVESTIGATED_MAX || lookedAt.at(-1)?.index === index;
}

/** Runs that failed, but for those that were looked at and agreed on every target when they were replayed alone. */
export function failedRuns({ runs, lookedAt }: FailureLog): number {
  const repeated = new Set(lookedAt.filter(({ signature }) => signature !== null).map(({ index }) => index));
  return runs - new Set(lookedAt.map(({ index }) => index)).size + repeated.size;
}

/** How many of the runs that were looked at failed in this way. */
export function runsOf({ lookedAt }: FailureLog, signature: string): number {
  return lookedAt.filter((run) => run.signature === signature).length;
}

/** Failed runs that were only counted: past those that are looked at, or of a signature past those that are kept. */
export function onlyCounted({ count, lookedAt, found }: FailureLog): number {
  const kept = new Set<string | null>([null, ...found.map(({ signature }) => signature)]);
  return count - lookedAt.filter(({ signature }) => kept.has(signature)).length;
}

/** The failed runs of the log that did not repeat. */
export function notRepeated({ lookedAt }: FailureLog, seed: string): NotRepeated[] {
  return lookedAt
    .filter(({ signature }) => signature === null)
    .map(({ index, on, outcome }) => ({ run: runSeed(seed, index), on, outcome, counts: outcome !== STALL }));
}

/** The log of the whole, from those of its parts in order. */
export function mergedLog(logs: readonly FailureLog[]): FailureLog {
  const lookedAt: LookedAtRun[] = [];
  const found = new Map<string, FoundFailure>();
  for (const log of logs) {
    for (const run of log.lookedAt) {
      if (!mayLookAt(run.index, lookedAt)) break;
      lookedAt.push(run);
      if (run.signature === null || found.has(run.signature) || found.size >= SIGNATURES_MAX) continue;
      found.set(run.signature, log.found.find(({ signature }) => signature === run.signature)!);
    }
  }
  return {
    count: logs.reduce((sum, { count }) => sum + count, 0),
    runs: logs.reduce((sum, { runs }) => sum + runs, 0),
    lookedAt,
    found: [...found.values()],
  };
}
