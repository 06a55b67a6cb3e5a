/**
 * Same seed, same bytes: in this process and in others, whatever their locale, time zone, hash seed and memory, and in any batch.
 *
 * SPEC section 4 and the guarantees of `sim/target.ts` and `campaign/batch-runner.ts`.
 */
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { BatchRunner } from "../src/sim/campaign/batch-runner.js";
import { fiberProgram } from "../src/sim/generate/program-arbitrary.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { targetOf, targetsHere } from "../test/support/replay.js";
import { runInProcess } from "./child-process.js";
import { assertSameSeedSameTrace, assertTraceIgnoresBatch, sideOf } from "./laws.js";
import { law, lawRuns, runsOf, seedText } from "./seed.js";

/** Node in ways in which processes differ. `--random-seed` is V8's own: what a stray `Math.random` would give. */
const PROCESSES = [
  { batchRuns: "1000", execArgv: ["--random-seed=1", "--hash-seed=1"], env: { TZ: "UTC", LC_ALL: "C" } },
  {
    batchRuns: "37",
    execArgv: ["--random-seed=2", "--hash-seed=2", "--max-semi-space-size=1"],
    env: { TZ: "Asia/Kolkata", LC_ALL: "tr_TR.UTF-8", NODE_ENV: "production" },
  },
] as const;

describe("determinism", () => {
  law("one seed gives the same programs and traces in two processes and in this one", async () => {
    const runs = runsOf(2000);
    const outputs = await Promise.all(
      PROCESSES.map(({ batchRuns, ...options }) =>
        runInProcess("replay-child.ts", [seedText, `${runs}`, batchRuns], options),
      ),
    );
    const { digests } = await new BatchRunner([new ModelTarget()], {}).run(
      seedText,
      { from: 0, count: runs },
      runs,
    );
    const here = `${digests.join("\n")}\n`;
    for (const output of outputs) expect(output).toBe(here);
  });

  law("another seed gives other programs", async () => {
    const runner = new BatchRunner([new ModelTarget()], {});
    const one = await runner.run(seedText, { from: 0, count: 20 }, 20);
    const other = await runner.run(`${seedText}'`, { from: 0, count: 20 }, 20);
    expect(one.digests).not.toEqual(other.digests);
    expect(new Set([...one.digests, ...other.digests]).size).toBe(40);
  });

  law("one seed, generated and replayed twice on one target, gives the same bytes", async () => {
    const model = new ModelTarget();
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1 }), fc.nat(), (seed, run) =>
        assertSameSeedSameTrace(model, `${seed}:${run}`),
      ),
      lawRuns(500),
    );
  });

  for (const name of targetsHere.filter((target) => target !== "aarch64")) {
    law(`a program's trace on ${name} does not depend on its batch`, async () => {
      const side = sideOf(await targetOf(name));
      await fc.assert(
        fc.asyncProperty(fc.array(fiberProgram(), { minLength: 2, maxLength: 8, size: "max" }), (programs) =>
          assertTraceIgnoresBatch(side, programs),
        ),
        lawRuns(name === "model" ? 300 : 20),
      );
    });
  }
});
