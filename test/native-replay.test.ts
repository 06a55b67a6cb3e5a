/**
 * The native targets replay: words go in, words come out, on this machine's architecture and on aarch64 under qemu-user.
 *
 * What a runtime must do is tested elsewhere, against the model; here are the bridge's own promises: order, batches of any size,
 * independence of the programs of a batch, outcomes that end a worker, and closing.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { describeTargets } from "../src/native-bridge/doctor.js";
import { openNativeTarget } from "../src/native-bridge/targets.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { OutcomeCode, RecordKind } from "../src/sim/encoding.js";
import type { Op, Program } from "../src/sim/program.js";
import { type Target, type TraceBatch, traceOf } from "../src/sim/target.js";

/** `main` logs -2 and deinits, outside any fiber: written by hand after docs/encoding.md, as a second opinion on the encoders. */
const LOG_PROGRAM = Int32Array.from([
  ...[0x3150534c, 22, 0, 0, 0, 2, 2, 0],
  ...[0, 2, 0, 0],
  ...[2, 0, 0, 0],
  ...[13, -2, -1],
  ...[18, 0, 0],
]);
/** ret 0 with the value -2, ret 1 with none (body 0 is main), outcome completed. */
const LOG_TRACE = [3 | (1 << 3), 0, -2, -1, 3, 1, 6];

function fiberOf(...ops: Op[]): Int32Array {
  return encodeProgram({ version: 1, fibers: { a: ops } } satisfies Program);
}

/** A fiber that logs `value`: a trace that tells which program it belongs to. */
const logOf = (value: number) => fiberOf({ op: "log", value });

const outcomeWord = (code: number, who = 0) => RecordKind.outcome | (code << 3) | (who << 9);

async function copyOf(replaying: Promise<TraceBatch>): Promise<number[][]> {
  const traces = await replaying;
  return Array.from({ length: traces.count }, (_, i) => [...traceOf(traces, i)]);
}

const available = await describeTargets();

describe.each(available)("the target $name", ({ name, canRun, requirements }) => {
  const lacking = requirements.filter(({ state }) => state === "missing").map(({ what }) => what);
  if (!canRun) {
    test.skip(`cannot run here: no ${lacking.join(", no ")}`, () => undefined);
    return;
  }

  let target: Target;
  beforeAll(async () => {
    target = await openNativeTarget(name, { timeLimitMs: 1000 });
    return () => target.close();
  });

  test("it says what answers", () => {
    expect(target.name).toBe(name);
    expect(target.description).toMatch(name === "kqueue" ? / kqueue$/ : / epoll/);
    expect(target.runsWorlds).toBe(true);
  });

  test("a program written by hand gives the trace written by hand", async () => {
    expect(await copyOf(target.replay(batchOf([LOG_PROGRAM])))).toEqual([LOG_TRACE]);
  });

  test("traces come in the order of the programs, each as if its program were alone", async () => {
    const programs = [1, 2, 3].map(logOf);
    const together = await copyOf(target.replay(batchOf(programs)));
    const alone: number[][] = [];
    for (const program of programs) alone.push(...(await copyOf(target.replay(batchOf([program])))));
    expect(together).toEqual(alone);
    expect(new Set(together.map(String)).size).toBe(3);
  });

  test("an empty batch gives an empty batch", async () => {
    expect(await copyOf(target.replay(batchOf([])))).toEqual([]);
  });

  test("a batch of more programs than the memory takes comes back whole and in order", async () => {
    const count = 70_000;
    const kinds = [0, 1, 2, 3, 4].map(logOf);
    const alone = await copyOf(target.replay(batchOf(kinds)));
    const traces = await target.replay(batchOf(Array.from({ length: count }, (_, i) => kinds[i % 5]!)));
    expect(traces.count).toBe(count);
    for (const i of [0, 1, 65_535, 65_536, 65_537, count - 1]) {
      expect([...traceOf(traces, i)]).toEqual(alone[i % 5]);
    }
  });

  test("a panic, a stack overflow and a hang end their own program and no other", async () => {
    const traces = await copyOf(
      target.replay(
        batchOf([
          fiberOf({ op: "suspend" }),
          logOf(1),
          fiberOf({ op: "overflow" }),
          logOf(1),
          encodeProgram({ version: 1, pipes: ["p"], fibers: { a: [{ op: "block", pipe: "p" }] } }),
          logOf(1),
        ]),
      ),
    );
    const [panic, first, overflow, second, hang, third] = traces;
    expect(panic).toContain(outcomeWord(OutcomeCode.panic));
    expect(overflow?.at(-1)).toBe(outcomeWord(OutcomeCode.stackOverflow));
    expect(hang?.slice(-4)).toEqual([outcomeWord(OutcomeCode.ioHang), 1, 0, 0]);
    expect(second).toEqual(first);
    expect(third).toEqual(first);
  });

  test("one batch at a time: a second one while the first is under way is refused", async () => {
    const first = target.replay(batchOf([logOf(1)]));
    await expect(target.replay(batchOf([logOf(2)]))).rejects.toThrow("one batch at a time");
    expect((await first).count).toBe(1);
  });

  test("closing ends the batch under way, and may be done twice", async () => {
    const other = await openNativeTarget(name, { timeLimitMs: 60_000 });
    // Two million ops that leave no record take far longer than the close.
    const spin = fiberOf({ op: "repeat", times: 1_000_000, ops: [{ op: "repeat", times: 0, ops: [] }] });
    const lost = expect(other.replay(batchOf(new Array(1000).fill(spin)))).rejects.toMatchObject({
      reason: "lost",
    });
    await Promise.all([other.close(), other.close()]);
    await lost;
    await expect(other.replay(batchOf([logOf(1)]))).rejects.toMatchObject({
      name: "TargetError",
      reason: "lost",
    });
  });
});
