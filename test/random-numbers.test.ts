/**
 * The random numbers of a seed: what every run of every campaign, and so every saved seed, rests on. seedrandom is the reference.
 */
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { SeededStream } from "../src/sim/generate/random-numbers.js";
import { runSeed } from "../src/sim/generate/run-seed.js";

const SEEDS = ["", "a", "lockstep:0", "2026-11-20:123456", "ключ:7", "🎲", "x".repeat(200), "-1", "1.5"];

/** The first numbers of the stream: more than its state has words. */
const drawn = (stream: SeededStream): number[] => Array.from({ length: 8 }, () => stream.bits());

describe("the stream of a seed", () => {
  test.each(SEEDS)("begins with three numbers of seedrandom's Tyche-i: seed %j", (seed) => {
    const draw = seedrandom.tychei(seed).int32;
    const reference = new SeededStream("another");
    reference.restart(draw(), draw(), draw());
    expect(drawn(new SeededStream(seed))).toEqual(drawn(reference));
  });

  test.each([0, 9, 10, 4_000_000_000, Number.MAX_SAFE_INTEGER])(
    "of run %i is that of S:i, whatever was drawn before",
    (index) => {
      const stream = new SeededStream("");
      for (const campaign of ["one", "", "one", "two:3"]) {
        stream.reseedRun(campaign, index);
        expect(drawn(stream)).toEqual(drawn(new SeededStream(runSeed(campaign, index))));
      }
    },
  );
});
