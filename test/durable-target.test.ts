/**
 * A target whose host is lost in the middle of a batch, with targets made for the purpose: which programs take it down is then known.
 */
import { describe, expect, test } from "vitest";
import { DurableTarget } from "../src/native-bridge/durable-target.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { ModelTarget } from "../src/sim/model-target.js";
import type { Program } from "../src/sim/program.js";
import { type ProgramBatch, type Target, TargetError, type TraceBatch, traceOf } from "../src/sim/target.js";

const programs: Program[] = Array.from({ length: 9 }, (_, i) => ({
  version: 1,
  fibers: { a: [{ op: "log", value: i }] },
}));
const batch = batchOf(programs.map(encodeProgram));
const DEADLY = 4;

/** The model, but it is lost whenever a batch holds the deadly program; or it garbles the boundaries instead. */
class FragileTarget extends ModelTarget {
  readonly #garbles: boolean;
  constructor(garbles: boolean) {
    super();
    this.#garbles = garbles;
  }
  override async replay(given: ProgramBatch): Promise<TraceBatch> {
    const deadly = encodeProgram(programs[DEADLY]!).join();
    const isDeadly = Array.from({ length: given.count }, (_, i) => traceOf(given, i).join()).includes(deadly);
    if (!isDeadly) return super.replay(given);
    if (!this.#garbles) throw new TargetError("lost", "the host ended");
    return { words: new Int32Array(3), ends: new Uint32Array(given.count).fill(99), count: given.count };
  }
}

describe.each([
  ["is lost", false],
  ["gives boundaries that make no sense", true],
])("a target that %s over one program of nine", (_, garbles) => {
  test("names that program by a crash and replays the other eight", async () => {
    let opened = 0;
    const target = await DurableTarget.open(async () => {
      opened++;
      return new FragileTarget(garbles);
    });
    const traces = await target.replay(batch);
    const expected = new ModelTarget().replayNow(batch);
    for (const [i, program] of programs.entries()) {
      const { records, outcome } = decodeTrace(program, traceOf(traces, i));
      if (i === DEADLY) {
        expect(records).toEqual([]);
        expect(outcome).toEqual({ outcome: "crash", t: 0, signal: "host lost", who: "a" });
      } else {
        expect(traceOf(traces, i)).toEqual(traceOf(expected, i));
      }
    }
    expect(opened).toBeGreaterThan(2);
  });
});

test("a target that was closed is lost for good: nothing is opened behind the caller's back", async () => {
  let opened = 0;
  const target = await DurableTarget.open(async (): Promise<Target> => {
    opened++;
    return new FragileTarget(false);
  });
  await target.close();
  await expect(target.replay(batch)).rejects.toMatchObject({ reason: "lost" });
  expect(opened).toBe(1);
});
