/**
 * Which runs a test makes: from `LOCKSTEP_SEED` and the test's own name, and from nothing else.
 *
 * Without the variable the seed is fixed, so that a red test is red for everybody and again tomorrow; who wants other programs every night
 * says so (`LOCKSTEP_SEED=$(date +%F)`). The name is a part of the seed: tests do not change with what stands beside them in a file. A seed S
 * has no slash, so the first slash of `S/NAME` ends it, whatever the name is.
 */
import { parseRunSeed, SEED_LENGTH_MAX } from "../sim/generate/run-seed.js";
import { seedHash } from "../sim/generate/seed-hash.js";

const SEED_DEFAULT = "lockstep";
/** Characters of `S` in `S/NAME`. */
const OWN_SEED_LENGTH_MAX = 64;
const NAME_LENGTH_MAX = SEED_LENGTH_MAX - OWN_SEED_LENGTH_MAX - 1;

export interface TestRuns {
  /** `S/NAME`: run i of the test is `S/NAME:i`. */
  readonly seed: string;
  /** The one run to make, where `LOCKSTEP_SEED` is a run. */
  readonly only: number | undefined;
}

/**
 * The runs of the test `name` under the value of `LOCKSTEP_SEED`. Of a run `S/NAME:i` the test NAME makes exactly that run and every other
 * test none, which is undefined here; of a run `S:i`, without a slash, every test makes its own run i.
 *
 * @throws Error when the value is no seed: one with a slash that is no run, or one that is too long.
 */
export function runsOfTest(name: string, variable: string | undefined): TestRuns | undefined {
  const text = variable === undefined || variable === "" ? SEED_DEFAULT : variable;
  const run = parseRunSeed(text);
  const seed = run?.seed ?? text;
  if (run !== undefined && seed.includes("/"))
    return isSeedOf(name, seed) ? { seed, only: run.index } : undefined;
  const complaint = seedComplaint(seed);
  if (complaint !== undefined) throw new Error(complaint);
  return { seed: `${seed}/${nameInSeed(name)}`, only: run?.index };
}

/** Whether a campaign's seed is that of a test, whatever `S` was. */
export function isSeedOf(name: string, seed: string): boolean {
  return seed.includes("/") && seed.slice(seed.indexOf("/") + 1) === nameInSeed(name);
}

/** A name as it stands in a seed: on one line, and a long one cut and told from others by its hash. */
function nameInSeed(name: string): string {
  const line = name.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
  if (line === name && name.length <= NAME_LENGTH_MAX) return name;
  const hash = (seedHash(name) >>> 0).toString(16).padStart(8, "0");
  // Not in the middle of a character of two units.
  return `${line.slice(0, NAME_LENGTH_MAX - 9).replace(/[\ud800-\udbff]$/, "")}~${hash}`;
}

function seedComplaint(seed: string): string | undefined {
  if (!seed.includes("/") && seed.length <= OWN_SEED_LENGTH_MAX) return undefined;
  return `LOCKSTEP_SEED=${seed}: expected a seed of up to ${OWN_SEED_LENGTH_MAX} characters without a slash, or the run of a test, S/NAME:i`;
}
