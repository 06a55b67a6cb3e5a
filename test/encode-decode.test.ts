/**
 * Programs and traces in words: one program written out by hand after docs/encoding.md, and traces there and back, those that only
 * a faulty runtime gives included.
 */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { batchOf, countExecuted, countOps, encodeProgram } from "../src/sim/encode-program.js";
import { encodeTrace } from "../src/sim/encode-trace.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { problemLine } from "../src/sim/problem.js";
import type { Program } from "../src/sim/program.js";
import { traceOf } from "../src/sim/target.js";
import type { Outcome, Trace, TraceRecord } from "../src/sim/trace.js";
import { loadCorpusProgram } from "./support/replay.js";

const program: Program = {
  version: 1,
  pipes: ["p", "q"],
  fibers: {
    f: [
      { op: "sleep", ms: 4294967298 },
      {
        op: "repeat",
        times: 3,
        ops: [
          { op: "log", value: -1 },
          { op: "call", depth: 2, ops: [{ op: "close", pipe: "q", end: "write" }] },
        ],
      },
      { op: "wait", task: "t" },
    ],
    g: [],
  },
  tasks: { t: { ops: [{ op: "read", pipe: "q", bytes: 9 }], returns: -9007199254740991 } },
  world: [{ op: "write", pipe: "p", bytes: 4096 }],
};

describe("a program in words (docs/encoding.md)", () => {
  test("is what the tables say, word by word", () => {
    expect([...encodeProgram(program)]).toEqual(
      [
        // magic, length, fibers, tasks, pipes, ops, ops executed at most, reserved
        [0x3150534c, 8 + 5 * 4 + 12 * 3, 2, 1, 2, 12, 18, 0],
        // first op, ops, returns: f, g, t, main (left out: spawn f, spawn g, run, deinit), world
        [0, 6, 0, 0],
        [6, 0, 0, 0],
        // -(2^53 - 1) is 0xffe0000000000001.
        [6, 1, 1, 0xffe00000 | 0],
        [7, 4, 0, 0],
        [11, 1, 0, 0],
      ]
        .concat([
          // f: sleep 2^32 + 2, repeat 3 of 3 ops, log -1, call 2 of 1 op, close q write, wait t; then t, main and world
          [2, 2, 1],
          [14, 3, 3],
          [13, -1, -1],
          [15, 2, 1],
          [12, 1, 1],
          [6, 2, 0],
        ])
        .flat()
        .concat([11, 1, 9], [4, 0, 0], [4, 1, 0], [17, 0, 0], [18, 0, 0], [10, 0, 4096]),
    );
  });

  test("counts nested ops as written, and repeats multiplied out", () => {
    expect(countOps(program.fibers!.f!)).toBe(6);
    // sleep, repeat, 3 * (log, call, close), wait
    expect(countExecuted(program.fibers!.f!)).toBe(1 + 1 + 3 * 3 + 1);
  });

  test("stands in a batch at the ends that the batch says", () => {
    const empty = encodeProgram({ version: 1 });
    const batch = batchOf([empty, encodeProgram(program), empty]);
    const lengths = [empty.length, encodeProgram(program).length, empty.length];
    expect([...batch.ends]).toEqual([lengths[0]!, lengths[0]! + lengths[1]!, 2 * lengths[0]! + lengths[1]!]);
    expect([...batch.words.subarray(batch.ends[0], batch.ends[1])]).toEqual([...encodeProgram(program)]);
    expect(batchOf([])).toEqual({ words: new Int32Array(0), ends: new Uint32Array(0), count: 0 });
  });
});

describe("a trace in words (docs/encoding.md)", () => {
  const ret = (
    at: number,
    op: TraceRecord extends infer R ? (R extends { op: infer O } ? O : never) : never,
  ) => ({ ev: "ret", t: 0, who: "f", at, op }) as const;
  const completed: Outcome = { outcome: "completed", t: 0 };

  /** Encodes, decodes and expects the same again; gives the words. */
  function roundTrip(records: readonly TraceRecord[], outcome: Outcome): number[] {
    const encoded = encodeTrace(program, { records, outcome });
    if (!encoded.ok) throw new Error(problemLine(encoded.problem));
    expect(decodeTrace(program, encoded.value)).toEqual({ records, outcome });
    return [...encoded.value];
  }

  // Bodies: f 0, g 1, t 2, main 3, world 4. A header is kind + 8 * code + 256 if t changes + 512 * who.
  test("is what the table says, word by word", () => {
    const records: TraceRecord[] = [
      { ev: "ret", t: 0, who: "main", at: 0, op: "spawn", res: "spawned" },
      { ev: "call", t: 0, who: "main", at: 2, op: "run" },
      { ev: "begin", t: 0, who: "f" },
      { ev: "ret", t: 4294967298, who: "f", at: 2, op: "log", res: -1 },
      { ev: "end", t: 4294967298, who: "f" },
      { ev: "ret", t: 5, who: "world", at: 0, op: "write", res: 4096 },
      { ev: "ret", t: 5, who: "main", at: 2, op: "run", res: { clock: 5, spawned: 2, suspended: 0 } },
      { ev: "ret", t: 5, who: "main", at: 3, op: "deinit" },
    ];
    expect(roundTrip(records, { outcome: "completed", t: 5 })).toEqual(
      [
        [3 + 8 * 5 + 512 * 3, 0],
        [2 + 512 * 3, 2],
        [0],
        [3 + 8 * 1 + 256, 2, 1, 2, -1, -1],
        [1],
        [3 + 8 * 1 + 256 + 512 * 4, 5, 0, 0, 4096, 0],
        [3 + 8 * 13 + 512 * 3, 2, 5, 0, 2, 0, 0, 0],
        [3 + 512 * 3, 3],
        [6],
      ].flat(),
    );
  });

  test("every result word goes there and back with its own code", () => {
    const words = [
      ...(["called", "unspawned", "finished", "spawned", "already", "canceled"] as const),
      ...(["unstarted", "closed", "full", "broken", "empty"] as const),
    ];
    const codes = words.map((res) => (roundTrip([{ ...ret(4, "close"), res }], completed)[0]! >> 3) & 31);
    expect(codes).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test("64-bit values beyond 2^53 are kept to the last digit, as their decimals", () => {
    const max = "9223372036854775807";
    const min = "-9223372036854775808";
    const words = roundTrip(
      [
        { ev: "ret", t: max, who: "f", at: 2, op: "log", res: min },
        { ev: "ret", t: -1, who: "f", at: 2, op: "log", res: "9007199254740993" },
        { ev: "ret", t: 0, who: "main", at: 2, op: "run", res: { clock: min, spawned: max, suspended: -5 } },
      ],
      { outcome: "timeout", t: max },
    );
    expect(words.slice(0, 6)).toEqual([3 + 8 + 256, -1, 0x7fffffff, 2, 0, -0x80000000]);
  });

  test("clobbered registers are a set of bits: x19 bit 0, d8 bit 11, rbx bit 19, stack bit 27", () => {
    const clobber: TraceRecord = {
      ev: "clobber",
      t: 0,
      who: "f",
      at: 0,
      op: "sleep",
      regs: ["x19", "d8", "rbx", "stack"],
    };
    expect(roundTrip([clobber, ret(0, "sleep")], completed).slice(0, 3)).toEqual([
      4,
      0,
      1 + (1 << 11) + (1 << 19) + (1 << 27),
    ]);
    expect(roundTrip([{ ...clobber, regs: [] }], completed)[2]).toBe(0);
  });

  test("corrupt bytes are a record of their own, before the read's", () => {
    const who = "t";
    const read = { t: 7, who, at: 0, op: "read" } as const;
    const words = roundTrip(
      [
        { ev: "corrupt", ...read },
        { ev: "ret", ...read, res: 9 },
      ],
      { ...completed, t: 7 },
    );
    expect(words.slice(0, 4)).toEqual([5 + 256 + 512 * 2, 7, 0, 0]);
  });

  test.each<[outcome: Outcome, words: number[]]>([
    [{ outcome: "completed", t: 0 }, [6]],
    [{ outcome: "stack-overflow", t: 2, who: "t" }, [6 + 8 * 2 + 256 + 512 * 2, 2, 0]],
    [{ outcome: "io-hang", t: 0, waiting: [] }, [6 + 8 * 3, 0]],
    [
      {
        outcome: "io-hang",
        t: 0,
        waiting: [
          { who: "t", pipe: "q" },
          { who: "f", pipe: "p" },
        ],
      },
      [6 + 8 * 3, 2, 2, 1, 0, 0],
    ],
    [{ outcome: "crash", t: 0, signal: "SIGSEGV", who: "main" }, [6 + 8 * 4 + 512 * 3, 11]],
    [{ outcome: "crash", t: 0, signal: "signal 42", who: "f" }, [6 + 8 * 4, 42]],
    [{ outcome: "crash", t: 0, signal: "exit 3", who: "g" }, [6 + 8 * 4 + 512, 256 + 3]],
    [{ outcome: "crash", t: 0, signal: "exit 0", who: "g" }, [6 + 8 * 4 + 512, 256]],
    [{ outcome: "crash", t: 0, signal: "memory limit", who: "f" }, [6 + 8 * 4, 512]],
    [{ outcome: "crash", t: 0, signal: "trace overwritten", who: "main" }, [6 + 8 * 4 + 512 * 3, 513]],
    [{ outcome: "leak", t: 0, what: ["fds"] }, [6 + 8 * 6, 1]],
    [{ outcome: "leak", t: 0, what: ["heap", "mappings", "limits"] }, [6 + 8 * 6, 2 + 4 + 512]],
    [{ outcome: "timeout", t: 1 }, [6 + 8 * 5 + 256, 1, 0]],
    [{ outcome: "panic", t: 0, message: "" }, [6 + 8, 0]],
    [{ outcome: "panic", t: 0, message: "abcde" }, [6 + 8, 5, 0x64636261, 0x65]],
    // U+2014 is the bytes e2 80 94.
    [{ outcome: "panic", t: 0, message: "—a" }, [6 + 8, 4, 0x619480e2]],
  ])("%j", (outcome, words) => {
    expect(roundTrip([], outcome)).toEqual(words);
  });

  test("a message of other scripts and a line break survives", () => {
    roundTrip([], { outcome: "panic", t: 3, message: "sched: sleep(-5) — größer\n日本語 🧵" });
  });

  test("the whole corpus goes there and back", () => {
    const files = readdirSync(new URL("../corpus/", import.meta.url)).filter((file) =>
      file.endsWith(".json"),
    );
    expect(files.length).toBeGreaterThanOrEqual(10);
    const model = new ModelTarget();
    for (const file of files) {
      const saved = loadCorpusProgram(file.replace(/\.json$/, ""));
      const words = traceOf(model.replayNow(batchOf([encodeProgram(saved)])), 0).slice();
      const text = JSON.stringify(decodeTrace(saved, words));
      expect([file, encodeTrace(saved, JSON.parse(text) as Trace)]).toEqual([
        file,
        { ok: true, value: words },
      ]);
    }
  });

  test.each<[what: string, words: readonly number[]]>([
    ["without an outcome", [0]],
    ["of no words", []],
    ["with a kind that is none", [7, 0]],
    ["with an outcome that is none", [6 + 8 * 9]],
    ["that breaks off inside a record", [2]],
    ["with a message longer than what is there", [6 + 8 * 1, 1000, 65]],
    ["with a negative count of waiters", [6 + 8 * 3, -1]],
  ])("a trace %s, as a runtime leaves that writes over it, ends as garbled", (_, words) => {
    const { outcome } = decodeTrace(program, Int32Array.from(words));
    expect(outcome).toMatchObject({ outcome: "crash", signal: "garbled trace" });
  });
});

describe("traces that do not fit their program", () => {
  const good = { ev: "ret", t: 0, who: "f", at: 2, op: "log", res: 1 };
  const clobber = { ev: "clobber", t: 0, who: "f", at: 0, op: "sleep", regs: ["x19"] };
  const lineOf = (trace: unknown): string => {
    const encoded = encodeTrace(program, trace as Trace);
    return encoded.ok ? "fits" : problemLine(encoded.problem);
  };
  const withRecord = (record: unknown) => ({
    records: [good, record],
    outcome: { outcome: "completed", t: 0 },
  });

  test.each<[change: object, message: string]>([
    [{ who: "h" }, 'the program has no fiber or task "h"'],
    [{ who: undefined }, "the program has no fiber or task undefined"],
    [{ who: "toString" }, 'the program has no fiber or task "toString"'],
    [{ ev: "outcome" }, 'no record has ev "outcome"'],
    [{ ev: "toString" }, 'no record has ev "toString"'],
    [{ ev: ["ret"] }, 'no record has ev ["ret"]'],
    [{ at: 6 }, '"f" has no op 6'],
    [{ at: -1 }, '"f" has no op -1'],
    [{ at: 0.5 }, '"f" has no op 0.5'],
    [{ at: "2" }, '"f" has no op "2"'],
    [{ at: undefined }, '"f" has no op undefined'],
    [{ op: "yield" }, 'op 2 of "f" is log, not "yield"'],
    [{ t: 1.5 }, "expected an integer of 64 bits, found 1.5"],
    [{ t: "soon" }, 'expected an integer of 64 bits, found "soon"'],
    [{ t: undefined }, "expected an integer of 64 bits, found undefined"],
    [{ t: "9223372036854775808" }, 'expected an integer of 64 bits, found "9223372036854775808"'],
    [{ res: 1e300 }, "expected an integer of 64 bits, found 1e+300"],
    [{ res: "maybe" }, 'no op has the result "maybe"'],
    [{ res: "none" }, 'no op has the result "none"'],
    [{ res: "constructor" }, 'no op has the result "constructor"'],
    [{ res: null }, "expected a result, found null"],
    [{ res: true }, "no op has the result true"],
    [{ res: { clock: 1 } }, "expected an integer of 64 bits, found undefined"],
  ])("a ret with %j", (change, message) => {
    expect(lineOf(withRecord({ ...good, ...change }))).toBe(`trace[1]: ${message} (docs/traces.md)`);
  });

  test("registers that are none", () => {
    expect(lineOf(withRecord({ ...clobber, regs: ["x19", "x31"] }))).toBe(
      'trace[1]: no register is called "x31" (docs/traces.md)',
    );
    expect(lineOf(withRecord({ ...clobber, regs: "x19" }))).toBe(
      "trace[1]: expected regs, a list of registers (docs/traces.md)",
    );
  });

  test.each<[outcome: object, message: string]>([
    [{}, "no outcome is called undefined"],
    [{ outcome: "constructor", t: 0 }, 'no outcome is called "constructor"'],
    [{ outcome: "completed" }, "expected an integer of 64 bits, found undefined"],
    [{ outcome: "panic", t: 0 }, "expected the panic's message"],
    [{ outcome: "stack-overflow", t: 0 }, "the program has no fiber or task undefined"],
    [{ outcome: "stack-overflow", t: 0, who: "h" }, 'the program has no fiber or task "h"'],
    [{ outcome: "io-hang", t: 0 }, "expected waiting, a list"],
    [{ outcome: "io-hang", t: 0, waiting: [null] }, "the program has no pipe undefined"],
    [{ outcome: "io-hang", t: 0, waiting: [{ who: "f", pipe: "r" }] }, 'the program has no pipe "r"'],
    [
      { outcome: "io-hang", t: 0, waiting: [{ who: "h", pipe: "p" }] },
      'the program has no fiber or task "h"',
    ],
    [{ outcome: "crash", t: 0, who: "f" }, "no signal is called undefined"],
    [{ outcome: "leak", t: 0 }, "expected what, a list of what leaked"],
    [{ outcome: "leak", t: 0, what: ["time"] }, 'nothing that leaks is called "time"'],
    [{ outcome: "crash", t: 0, who: "f", signal: "SIGNONE" }, 'no signal is called "SIGNONE"'],
    [{ outcome: "crash", t: 0, who: "h", signal: "SIGSEGV" }, 'the program has no fiber or task "h"'],
  ])("the outcome %j", (outcome, message) => {
    expect(lineOf({ records: [], outcome })).toBe(`outcome: ${message} (docs/traces.md)`);
  });
});
