/**
 * One program of 100,000 fibers on native targets: the same trace as the model's, or M1's panic where the machine cannot hold as many
 * guarded stacks (vm.max_map_count, where guards are mappings of their own), as a trace and not as a crash.
 *
 * Needs a C compiler.
 */
import { describe, expect, test } from "vitest";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { sameWords } from "../src/sim/diff.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import type { Op, Program } from "../src/sim/program.js";
import { traceOf } from "../src/sim/target.js";
import { targetOf, targetsHere, wordsOn } from "./support/replay.js";

const FIBERS = 100_000;
/** Of a program that may share its process with others. */
const CROWD = 4000;
const NO_STACK = [
  "sched: mprotect(PROT_NONE) failed to arm the stack guard page",
  "sched: mmap failed for a 147456-byte fiber stack",
];

function programOf(fibers: number): Program {
  return {
    version: 1,
    fibers: Object.fromEntries(
      Array.from({ length: fibers }, (_, i): [string, Op[]] => [
        `f${i}`,
        [{ op: "sleep", ms: i % 7 }, { op: "yield" }],
      ]),
    ),
  };
}

const program = programOf(FIBERS);

describe.each(targetsHere.filter((name) => name !== "model"))("on %s", (target) => {
  test("100,000 fibers that spawn, sleep and yield agree with the model, or end in M1's panic (F1, M1)", async () => {
    const expected = await wordsOn("model", program);
    const came = await wordsOn(target, program);
    if (sameWords(expected, came)) return;
    const { records, outcome } = decodeTrace(program, came);
    expect(NO_STACK).toContain(outcome.outcome === "panic" ? outcome.message : outcome.outcome);
    // Up to the panic it spawned as the model did, and far more than a handful.
    expect(records.length).toBeGreaterThan(10_000);
    expect(records).toEqual(decodeTrace(program, expected).records.slice(0, records.length));
  }, 120_000);

  test("what a batch holds besides takes no stack from it: its trace is the same at every place (M1)", async () => {
    const crowd = encodeProgram(programOf(CROWD));
    const words = encodeProgram(program);
    const alone = await wordsOn(target, program);
    const traces = await (await targetOf(target)).replay(batchOf([crowd, crowd, words, crowd, words]));
    expect(sameWords(traceOf(traces, 2), alone)).toBe(true);
    expect(sameWords(traceOf(traces, 4), alone)).toBe(true);
  }, 120_000);
});
