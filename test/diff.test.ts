/**
 * Where two traces part: the model's own trace against copies of it that were spoilt by hand.
 *
 * The program is example 1815 of SPEC section 7 with a task beside it; what `diffTraces` says is read off the records by number.
 */
import { describe, expect, test } from "vitest";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { type Divergence, diffTraces, sameBatch, sameWords } from "../src/sim/diff.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { encodeTrace } from "../src/sim/encode-trace.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { problemLine } from "../src/sim/problem.js";
import { ProgramBuilder } from "../src/sim/program-builder.js";
import { traceOf } from "../src/sim/target.js";
import type { Outcome, Trace, TraceRecord } from "../src/sim/trace.js";

const b = new ProgramBuilder();
const pipe = b.pipe("p");
const sleeper = b.fiber("sleeper", (o) => o.sleep(100).log(1));
const work = b.task("work", 5, (o) => o.sleep(40));
b.fiber("waker", (o) => o.go(work).sleep(20).wake(sleeper).wait(work));
b.fiber("reader", (o) => o.block(pipe));
b.world((o) => o.write(pipe, 3));
const program = b.build();

const model = traceOf(new ModelTarget().replayNow(batchOf([encodeProgram(program)])), 0).slice();
const good = decodeTrace(program, model);

function wordsOf(trace: Trace): Int32Array {
  const encoded = encodeTrace(program, trace);
  if (!encoded.ok) throw new Error(problemLine(encoded.problem));
  return encoded.value;
}

/** The divergence of the model from a trace with these records or this outcome. */
function divergenceFrom(records: readonly TraceRecord[], outcome: Outcome = good.outcome): Divergence {
  const found = diffTraces(
    program,
    { on: "model", words: model },
    { on: "other", words: wordsOf({ records, outcome }) },
  );
  if (found === undefined) throw new Error("they agree");
  return found;
}

/** The number of the record that fits; there is exactly one. */
function numberOf(what: Partial<Record<"ev" | "who" | "op", string>>): number {
  const fits = good.records.flatMap((record, i) =>
    Object.entries(what).every(
      ([key, value]) => (record as unknown as Record<string, unknown>)[key] === value,
    )
      ? [i]
      : [],
  );
  if (fits.length !== 1) throw new Error(`${fits.length} records fit ${JSON.stringify(what)}`);
  return fits[0]!;
}

function without(index: number): TraceRecord[] {
  return good.records.filter((_, i) => i !== index);
}

describe("agreement", () => {
  test("is equality of bytes, nothing else", () => {
    expect(diffTraces(program, { on: "a", words: model }, { on: "b", words: wordsOf(good) })).toBeUndefined();
    expect([sameWords(model, wordsOf(good)), sameWords(model, model.subarray(1))]).toEqual([true, false]);
  });

  test("of batches is equality of their traces and boundaries", () => {
    const batch = (...ends: number[]) => ({ words: model, ends: Uint32Array.from(ends), count: ends.length });
    const end = model.length;
    expect(sameBatch(batch(3, end), batch(3, end))).toBe(true);
    expect(sameBatch(batch(3, end), batch(4, end))).toBe(false);
    expect(sameBatch(batch(end), batch(3, end))).toBe(false);
    expect(sameBatch(batch(end), { ...batch(end), words: model.with(0, 1) })).toBe(false);
  });
});

describe("divergence", () => {
  test("two records swapped: the first of them, with both sides and what follows", () => {
    const at = numberOf({ ev: "ret", who: "waker", op: "wake" });
    const records = [...good.records];
    [records[at], records[at + 1]] = [records[at + 1]!, records[at]!];
    const { index, common, left, right } = divergenceFrom(records);
    expect(index).toBe(at);
    expect(common).toEqual(good.records.slice(0, at));
    expect(left).toEqual({
      on: "model",
      record: good.records[at],
      outcome: good.outcome,
      after: good.records.slice(at + 1, at + 4),
    });
    expect(right.record).toEqual(good.records[at + 1]);
    expect(right.after).toEqual([good.records[at], ...good.records.slice(at + 2, at + 4)]);
  });

  test("another t: the record that has it, though the words after its header are equal again", () => {
    const at = numberOf({ ev: "ret", who: "sleeper", op: "log" });
    const records = good.records.map((record, i) => (i === at ? { ...record, t: 21 } : record));
    const { index, left, right } = divergenceFrom(records);
    expect(index).toBe(at);
    expect([left.record?.t, right.record?.t]).toEqual([20, 21]);
    expect(right.after).toEqual(left.after);
  });

  test("a result that differs in its last word only: still that record", () => {
    const at = numberOf({ ev: "ret", who: "sleeper", op: "log" });
    const records = good.records.map((record, i) => (i === at ? { ...record, res: 1 + 2 ** 32 } : record));
    expect(divergenceFrom(records)).toMatchObject({ index: at, left: { record: { res: 1 } } });
  });

  test("a tail that is missing: the outcome stands against the record that should have come", () => {
    const at = numberOf({ ev: "ret", who: "waker", op: "wait" });
    const outcome: Outcome = { outcome: "crash", t: 40, signal: "SIGSEGV", who: "waker" };
    const { index, left, right } = divergenceFrom(good.records.slice(0, at), outcome);
    expect(index).toBe(at);
    expect(left.record).toEqual(good.records[at]);
    expect(right).toEqual({ on: "other", record: outcome, outcome, after: [] });
  });

  test("a trace that breaks off without an outcome is garbled there", () => {
    const at = numberOf({ ev: "begin", who: "reader" });
    const cut = wordsOf({ records: good.records.slice(0, at), outcome: good.outcome });
    // Without the outcome: its header and the clock that it changes.
    const prefix = model.subarray(0, cut.length - 3);
    const full = { on: "model", words: model };
    const broken = { on: "other", words: prefix };
    for (const [left, right] of [[full, broken] as const, [broken, full] as const]) {
      const divergence = diffTraces(program, left, right)!;
      expect([divergence.index, divergence.common.length]).toEqual([at, at]);
      const sides = [divergence.left, divergence.right];
      expect(sides.find(({ on }) => on === "other")).toMatchObject({
        on: "other",
        record: { outcome: "crash", signal: "garbled trace" },
        after: [],
      });
      expect(sides.find(({ on }) => on === "model")?.record).toEqual(good.records[at]);
      expect(divergence.state?.current).toBe("reader");
    }
  });

  test("another outcome: it is the divergent record, after all the others", () => {
    const { index, left, right, common } = divergenceFrom(good.records, { outcome: "timeout", t: 40 });
    expect([index, common.length]).toEqual([good.records.length, good.records.length]);
    expect([left.record, right.record]).toEqual([good.outcome, { outcome: "timeout", t: 40 }]);
    expect([left.after, right.after]).toEqual([[], []]);
  });

  test("panics that differ in one letter differ in their outcome", () => {
    const side = (on: string, message: string) => ({
      on,
      words: wordsOf({ records: good.records, outcome: { outcome: "panic", t: 40, message } }),
    });
    const found = diffTraces(
      program,
      side("a", "sched: a long message"),
      side("b", "sched: a long massage"),
    )!;
    expect([found.index, found.left.record?.t]).toEqual([good.records.length, 40]);
    expect(found.right.record).toMatchObject({ message: "sched: a long massage" });
  });

  test("the first record differs: nothing is common, and the state is the beginning", () => {
    const { index, common, state } = divergenceFrom(without(0));
    expect([index, common]).toEqual([0, []]);
    // The record of an op is written after it: sleeper is spawned, and stands in the queue.
    expect(state).toMatchObject({ clockMs: 0, current: undefined, ready: ["sleeper"], spawned: 1 });
  });

  test("a record too many is the divergent one of its side", () => {
    const at = numberOf({ ev: "ret", who: "sleeper", op: "sleep" });
    const clobber: TraceRecord = { ev: "clobber", t: 20, who: "sleeper", at: 0, op: "sleep", regs: ["d8"] };
    const records = [...good.records.slice(0, at), clobber, ...good.records.slice(at)];
    const { index, left, right } = divergenceFrom(records);
    expect(index).toBe(at);
    expect([left.record, right.record]).toEqual([good.records[at], clobber]);
  });

  test("how much is shown of what follows can be said", () => {
    const sides = [
      { on: "a", words: model },
      { on: "b", words: wordsOf({ ...good, records: without(1) }) },
    ] as const;
    const { left, right } = diffTraces(program, ...sides, 1)!;
    expect([left.after.length, right.after.length]).toEqual([1, 1]);
  });
});

describe("the model's state at the divergence", () => {
  test("is that right before the record, with names, in the order of action", () => {
    const at = numberOf({ ev: "ret", who: "waker", op: "wake" });
    expect(divergenceFrom(without(at)).state).toEqual({
      clockMs: 20,
      current: "waker",
      ready: ["sleeper"],
      timers: [{ who: "work", deadlineMs: 40 }],
      ioWaiters: [{ who: "reader", pipe: "p", readable: false }],
      readyList: [],
      pipes: [{ pipe: "p", bytes: 0, readOpen: true, writeOpen: true }],
      tasks: [{ task: "work", state: "pending", waiter: undefined }],
      parked: [
        { who: "reader", why: "blocks on pipe p" },
        { who: "work", why: "asleep until 40" },
      ],
      spawned: 4,
      suspended: 2,
    });
  });

  test("tells who waits for a task, and what the world has written", () => {
    const at = numberOf({ ev: "ret", who: "world" });
    expect(divergenceFrom(without(at)).state).toMatchObject({
      clockMs: 40,
      current: undefined,
      ioWaiters: [{ who: "reader", pipe: "p", readable: true }],
      readyList: ["p"],
      tasks: [{ task: "work", state: "ready" }],
    });
    const waited = numberOf({ ev: "ret", who: "work", op: "sleep" });
    expect(divergenceFrom(without(waited)).state).toMatchObject({
      tasks: [{ task: "work", state: "pending", waiter: "waker" }],
      parked: [
        { who: "waker", why: "waits for task work" },
        { who: "reader", why: "blocks on pipe p" },
      ],
    });
  });

  test("is not there when the model went another way before", () => {
    // Neither side is the model: both have lost their first record.
    const left = wordsOf({ ...good, records: without(0) });
    const right = wordsOf({ ...good, records: without(0).slice(0, 5) });
    expect(diffTraces(program, { on: "a", words: left }, { on: "b", words: right })?.state).toBeUndefined();
  });
});
