/**
 * The seed of the laws: one string for every property, `LOCKSTEP_SEED`, shown in every title.
 *
 * The string is any text; it seeds campaigns as it is, and fast-check by its hash. Without the variable it is `lockstep`, so that a run
 * of the laws is the same run everywhere until somebody asks for another. A red property is seen again with the seed of its title;
 * fast-check's report, with its own seed, its path and the shrunk counterexample, is what it fails with.
 */
import type { Parameters } from "fast-check";
import { test } from "vitest";
import { seedHash } from "../src/sim/generate/seed-hash.js";

/** The seed as text: 1 character or more. */
export const seedText = process.env.LOCKSTEP_SEED || "lockstep";

/** How many times the usual number of runs, by `LOCKSTEP_RUNS`: a number above 0, 1 unless set. */
const runsFactor = runsFactorOf(process.env.LOCKSTEP_RUNS);

/** Of one law at its usual runs. Milliseconds. */
const TIME_LIMIT_MS = 60_000;

/** The title of a law: its sentence, and how to see it again. */
export function lawTitle(sentence: string): string {
  return `${sentence} [LOCKSTEP_SEED=${seedText}]`;
}

/** A test of a law. Its title carries the seed; its time limit grows with the runs asked for. */
export function law(sentence: string, body: () => void | Promise<void>): void {
  test(lawTitle(sentence), body, TIME_LIMIT_MS * Math.max(1, runsFactor));
}

/** `usual` runs, multiplied by `LOCKSTEP_RUNS`; 1 at least. */
export function runsOf(usual: number): number {
  return Math.max(1, Math.round(usual * runsFactor));
}

/** What `fc.assert` needs: the seed, and how many runs. */
export function lawRuns<T>(usual: number): Parameters<T> {
  return { seed: seedHash(seedText), numRuns: runsOf(usual) };
}

function runsFactorOf(text: string | undefined): number {
  const factor = Number(text || "1");
  if (!(factor > 0 && factor < Number.POSITIVE_INFINITY))
    throw new Error(`LOCKSTEP_RUNS=${text}: expected a number above 0, such as 10 or 0.1`);
  return factor;
}
