/**
 * The interpreter on the model where the corpus does not go: edges of `t` and `at`, many fibers, and what SPEC section 3 and the
 * guarantee of a target promise: a trace depends on its program alone.
 */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { readProgram } from "../src/sim/parse-program.js";
import { problemLine } from "../src/sim/problem.js";
import type { Op, Program } from "../src/sim/program.js";
import { ProgramBuilder } from "../src/sim/program-builder.js";
import { traceOf } from "../src/sim/target.js";
import type { Trace } from "../src/sim/trace.js";
import { loadCorpusProgram } from "./support/replay.js";
import { logsOf, outcomeLine, resultsOf, timedLogsOf } from "./support/trace-readers.js";

function replay(program: Program): Trace {
  const checked = readProgram(program);
  if (!checked.ok) throw new Error(problemLine(checked.problem));
  const batch = new ModelTarget().replayNow(batchOf([encodeProgram(program)]));
  return decodeTrace(program, traceOf(batch, 0));
}

const corpus = readdirSync(new URL("../corpus/", import.meta.url))
  .filter((file) => file.endsWith(".json"))
  .map((file) => ({ name: file, words: encodeProgram(loadCorpusProgram(file.replace(/\.json$/, ""))) }));

describe("records", () => {
  test("t after deinit is the last that the clock showed (SPEC section 4, R3)", () => {
    const b = new ProgramBuilder();
    const a = b.fiber("a", (o) => o.sleep(12));
    b.main((o) => o.spawn(a).run().deinit().log(1).deinit().log(2));
    const trace = replay(b.build());
    expect(timedLogsOf(trace)).toBe("1@12 2@12");
    expect(
      trace.records.slice(-4).map((record) => ("op" in record ? `${record.op}@${record.t}` : "")),
    ).toEqual(["deinit@12", "log@12", "deinit@12", "log@12"]);
    expect(outcomeLine(trace.outcome)).toBe("completed@12");
  });

  test("at counts nested ops where they are written, the same in every pass (SPEC section 4)", () => {
    const b = new ProgramBuilder();
    b.fiber("a", (o) =>
      o
        .repeat(2, (r) => r.log(1).repeat(3, (q) => q.log(2)))
        .call(2, (c) => c.log(3))
        .log(4),
    );
    const trace = replay(b.build());
    const ats = trace.records.flatMap((record) => ("op" in record && record.who === "a" ? [record.at] : []));
    // 0 repeat, 1 log, 2 repeat, 3 log, 4 call, 5 log, 6 log
    expect(ats).toEqual([1, 3, 3, 3, 1, 3, 3, 3, 5, 6]);
  });

  test("repeats nested 8 deep multiply, and a body parks and resumes inside the innermost (SPEC section 3)", () => {
    let ops: Op[] = [
      { op: "sleep", ms: 1 },
      { op: "log", value: 7 },
    ];
    for (let level = 0; level < 8; level++) ops = [{ op: "repeat", times: 2, ops }];
    const trace = replay({ version: 1, fibers: { a: [...ops, { op: "log", value: 8 }] } });
    expect(logsOf(trace)).toEqual([...new Array(256).fill(7), 8]);
    expect(outcomeLine(trace.outcome)).toBe("completed@256");
  });

  test("main may repeat whole runs, the clock going on (R1)", () => {
    const b = new ProgramBuilder();
    const a = b.fiber("a", (o) => o.sleep(5));
    b.main((o) => o.repeat(3, (r) => r.spawn(a).run()).deinit());
    expect(resultsOf(replay(b.build()), "main")).toBe(
      "spawn=spawned run=5/1/0 spawn=already run=5/1/0 spawn=already run=5/1/0",
    );
  });

  test("a body ends inside a repeat's last pass and a call's end, with no op left behind", () => {
    const b = new ProgramBuilder();
    b.fiber("a", (o) => o.repeat(2, (r) => r.call(3, (c) => c.yield())));
    b.fiber("b", (o) => o.log(1).yield().log(2).yield().log(3));
    const trace = replay(b.build());
    expect(trace.records.filter(({ ev, who }) => ev === "end" && who === "a")).toHaveLength(1);
    expect(logsOf(trace)).toEqual([1, 2, 3]);
  });

  test("the world's actions are numbered and timed like any op's, and each is done once (I2)", () => {
    const b = new ProgramBuilder();
    const p = b.pipe("p");
    b.fiber("a", (o) => o.sleep(3).block(p).read(p, 9).block(p).read(p, 9));
    b.world((o) => o.write(p, 2).close(p, "write").close(p, "write"));
    const trace = replay(b.build());
    expect(trace.records.filter(({ who }) => who === "world")).toEqual([
      { ev: "ret", t: 3, who: "world", at: 0, op: "write", res: 2 },
      { ev: "ret", t: 3, who: "world", at: 1, op: "close", res: "closed" },
    ]);
    expect(resultsOf(trace, "a")).toBe("read=2 read=0");
  });
});

describe("many fibers", () => {
  const MANY = 100_000;
  const names = Array.from({ length: MANY }, (_, i) => `f${i}`);
  const fibersThat = (ops: (i: number) => Op[]): Program => ({
    version: 1,
    fibers: Object.fromEntries(names.map((name, i) => [name, ops(i)])),
  });

  test("100,000 fibers yield in turn (F1, F2)", () => {
    const trace = replay(fibersThat((i) => [{ op: "yield" }, { op: "log", value: i }]));
    expect(logsOf(trace)).toEqual(names.map((_, i) => i));
    expect(resultsOf(trace, "main")).toMatch(/ run=0\/100000\/0$/);
  });

  test("100,000 fibers sleep and wake by deadline, then by order of arming (T2)", () => {
    const trace = replay(
      fibersThat((i) => [
        { op: "sleep", ms: i % 7 },
        { op: "log", value: i },
      ]),
    );
    const byHand = names.map((_, i) => i).sort((a, b) => (a % 7) - (b % 7) || a - b);
    expect(logsOf(trace)).toEqual(byHand);
    expect(outcomeLine(trace.outcome)).toBe("completed@6");
  });

  test("a chain of 100,000 fibers, each spawned by the one before (F1)", () => {
    const program: Program = {
      ...fibersThat((i) =>
        i + 1 === MANY ? [{ op: "log", value: 1 }] : [{ op: "spawn", fiber: `f${i + 1}` }],
      ),
      main: [{ op: "spawn", fiber: "f0" }, { op: "run" }],
    };
    const trace = replay(program);
    expect(trace.records.flatMap(({ ev, who }) => (ev === "begin" ? [who] : []))).toEqual(names);
    expect(logsOf(trace)).toEqual([1]);
  });

  test("100,000 suspended fibers are a deadlock that counts them all (R2)", () => {
    expect(outcomeLine(replay(fibersThat(() => [{ op: "suspend" }])).outcome)).toBe(
      "panic@0 sched: deadlock — 100000 fiber(s) suspended with an empty run queue",
    );
  });
});

describe("a trace depends on its program alone", () => {
  const alone = corpus.map(({ words }) => traceOf(new ModelTarget().replayNow(batchOf([words])), 0).slice());

  test("the corpus, forwards and backwards on one interpreter, gives the bytes of each program alone", () => {
    const model = new ModelTarget();
    const order = [...corpus.keys(), ...[...corpus.keys()].reverse()];
    for (const i of order) {
      const { name, words } = corpus[i]!;
      expect([name, traceOf(model.replayNow(batchOf([words])), 0)]).toEqual([name, alone[i]]);
    }
  });

  test("a batch gives what its programs give one by one", () => {
    const batch = new ModelTarget().replayNow(batchOf(corpus.map(({ words }) => words)));
    expect(batch.count).toBe(corpus.length);
    for (const [i, { name }] of corpus.entries()) expect([name, traceOf(batch, i)]).toEqual([name, alone[i]]);
    expect(batch.words.length).toBe(batch.ends[batch.count - 1]);
  });

  test("words around a program in a larger array are not looked at", () => {
    const { words } = corpus[0]!;
    const padded = Int32Array.of(...new Array(50).fill(-1), ...words, ...new Array(50).fill(-1));
    const batch = { words: padded, ends: Uint32Array.of(50 + words.length), count: 1 };
    const shifted = new Int32Array(batch.words.subarray(50));
    expect(traceOf(new ModelTarget().replayNow({ ...batch, words: shifted }), 0)).toEqual(alone[0]);
  });

  test("a large program before a small one leaves nothing behind", () => {
    const large = encodeProgram({
      version: 1,
      pipes: Array.from({ length: 256 }, (_, i) => `p${i}`),
      fibers: Object.fromEntries(
        Array.from({ length: 256 }, (_, i) => [`f${i}`, [{ op: "block", pipe: `p${i}` }] as const]),
      ),
    });
    const model = new ModelTarget();
    const batch = model.replayNow(batchOf([large, ...corpus.map(({ words }) => words), large]));
    for (const [i, { name }] of corpus.entries())
      expect([name, traceOf(batch, i + 1)]).toEqual([name, alone[i]]);
    expect(traceOf(batch, corpus.length + 1)).toEqual(traceOf(batch, 0));
  });
});
