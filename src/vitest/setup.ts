/**
 * `fiber-lockstep/vitest/setup`, a `globalSetup` of vitest: a run whose `LOCKSTEP_SEED` names one run of a test, and which makes none, fails.
 *
 * A test file knows of its own tests only: a run that is none of theirs may be that of a test in another file, so each of them skips. Whether
 * there is such a test is known at the end, in vitest's own process, and this asks there. What the tests did stands in their `meta`.
 */
import type { TestProject } from "vitest/node";
import { parseRunSeed } from "../sim/generate/run-seed.js";

declare module "vitest" {
  interface TaskMeta {
    /** Of a `test.lockstep` that was begun: whether it made runs, or left the one that `LOCKSTEP_SEED` names to another. */
    lockstep?: "ran" | "left";
  }
}

/** Names of tests that a message has room for. */
const NAMES_MAX = 20;

/** Gives what vitest calls when all tests have ended. It sets the exit status of vitest to 1 and says why, where the run was made by no test. */
export default function setup(project: TestProject): () => void {
  return () => {
    const variable = process.env.LOCKSTEP_SEED ?? "";
    if (parseRunSeed(variable) === undefined) return;
    const tests = project.vitest.state.getTestModules().flatMap((file) => [...file.children.allTests()]);
    if (tests.some((test) => test.meta().lockstep === "ran")) return;
    const names = tests.filter((test) => test.meta().lockstep === "left").map(({ fullName }) => fullName);
    process.stderr.write(`LOCKSTEP_SEED=${variable}: ${whyNone(names)}\n`);
    process.exitCode = 1;
  };
}

function whyNone(names: readonly string[]): string {
  if (names.length === 0)
    return "no test.lockstep was begun, so nothing was run: look at the files and at -t";
  const shown = [...names]
    .sort()
    .slice(0, NAMES_MAX)
    .map((name) => `\n  ${name}`);
  const more = names.length - shown.length;
  if (more > 0) shown.push(`\n  and ${more} more`);
  return `it is a run of no test here, so nothing was run; each test.lockstep that was begun:${shown.join("")}`;
}
