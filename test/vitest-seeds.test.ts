/** The seeds of tests: from `LOCKSTEP_SEED` and a name to the runs to make, and back from a run to its test. */
import { describe, expect, test } from "vitest";
import { parseRunSeed, runSeed } from "../src/sim/generate/run-seed.js";
import { isSeedOf, runsOfTest } from "../src/vitest/test-seed.js";

describe("the runs of a test", () => {
  test("are those of its own name: a name that ends another's does not take its runs", () => {
    expect(runsOfTest("a/b", "night/a/b:3")).toEqual({ seed: "night/a/b", only: 3 });
    expect(runsOfTest("b", "night/a/b:3")).toBeUndefined();
    expect(isSeedOf("a/b", "night/a/b")).toBe(true);
    expect(isSeedOf("b", "night/a/b")).toBe(false);
    expect(isSeedOf("night", "night")).toBe(false);
  });

  test.each([
    ["long", "n".repeat(500)],
    ["long, with a character of two units at the cut", `${"n".repeat(125)}${"😀".repeat(100)}`],
    ["of two lines", "one\ntwo"],
    ["like a run", "a:1"],
    ["with slashes", "a/b/c"],
  ])("can each be asked for again when the name is %s", (_, name) => {
    const { seed } = runsOfTest(name, "s".repeat(64))!;
    const run = runSeed(seed, 41);
    expect(Buffer.from(run).toString()).toBe(run);
    expect(parseRunSeed(run)).toEqual({ seed, index: 41 });
    expect(runsOfTest(name, run)).toEqual({ seed, only: 41 });
    expect(runsOfTest(`${name}x`, run)).toBeUndefined();
  });

  test.each(["feature/x", "s".repeat(65), `${"s".repeat(65)}:1`, `a/${"b".repeat(300)}:1`])(
    "are none for LOCKSTEP_SEED=%s, which is an error",
    (seed) => {
      expect(() => runsOfTest("a", seed)).toThrow(/expected a seed of up to 64 characters without a slash/);
    },
  );
});
