/**
 * Which runs a test makes: from `LOCKSTEP_SEED` and the test's own name, and from nothing else.
 *
 * Without the variable the seed is fixed, so that a red test is red for everybody and again tomorrow; who wants other programs every night
 * says so (`LOCKSTEP_SEED=$(date +%F)`). The name is a part of the seed: tests do not change with what stands beside them in a file.
 */
import { parseRunSeed } from "../sim/generate/run-seed.js";

const SEED_DEFAULT = "lockstep";

export interface TestRuns {
  /** `S/NAME`: run i of the test is `S/NAME:i`. */
  readonly seed: string;
  /** The one run to make, where `LOCKSTEP_SEED` is a run. */
  readonly only: number | undefined;
}

/**
 * The runs of the test `name` under the value of `LOCKSTEP_SEED`. Of a run `S/NAME:i` the test NAME makes exactly that run and every other
 * test none, which is undefined here; of a run `S:i`, without a slash, every test makes its own run i.
 */
export function runsOfTest(name: string, variable: string | undefined): TestRuns | undefined {
  const text = variable === undefined || variable === "" ? SEED_DEFAULT : variable;
  const run = parseRunSeed(text);
  if (run === undefined) return { seed: `${text}/${name}`, only: undefined };
  if (!run.seed.includes("/")) return { seed: `${run.seed}/${name}`, only: run.index };
  return isSeedOf(name, run.seed) ? { seed: run.seed, only: run.index } : undefined;
}

/** Whether a campaign's seed is that of a test, whatever `S` was. */
export function isSeedOf(name: string, seed: string): boolean {
  return seed.endsWith(`/${name}`);
}
