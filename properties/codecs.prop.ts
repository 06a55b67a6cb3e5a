/**
 * The codecs read back what they wrote: programs and traces in words, both as JSON, corpus entries as files (docs/encoding.md).
 *
 * Programs come with any names that SPEC section 3 allows, `main`, `world` and the names that every object has among them.
 */
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { type CorpusEntry, formatCorpusEntry, readCorpusEntry } from "../src/sim/corpus-entry.js";
import { decodeProgram } from "../src/sim/decode-program.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { sameWords } from "../src/sim/diff.js";
import { bodyNamesOf, bodyOpsOf, encodeProgram } from "../src/sim/encode-program.js";
import { CLOBBER_BITS } from "../src/sim/encoding.js";
import { fiberProgram } from "../src/sim/generate/program-arbitrary.js";
import { parseProgram } from "../src/sim/parse-program.js";
import { INTEGER_MAX, NAME_PATTERN, type Op, type Program } from "../src/sim/program.js";
import type { Int64, Outcome, Result, Trace, TraceRecord } from "../src/sim/trace.js";
import { assertRoundTrips, modelWords, must, wordsOf } from "./laws.js";
import { renamed } from "./renamed-program.js";
import { law, lawRuns } from "./seed.js";

const ODD_NAMES = ["main", "world", "constructor", "toString", "__proto__", "hasOwnProperty", "a-b", "_"];
const name = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(...ODD_NAMES) },
  { weight: 3, arbitrary: fc.stringMatching(new RegExp(NAME_PATTERN)) },
);

/** A generated program with other names, and with what may be left out left out. */
const oddProgram = fc
  .tuple(fiberProgram(), fc.infiniteStream(name), fc.option(fc.string(), { nil: undefined }), fc.boolean())
  .map(([program, names, title, leavesMainOut]): Program => {
    const { main, ...rest } = renamed(program, names);
    return {
      ...(title === undefined ? {} : { title }),
      ...rest,
      ...(leavesMainOut || main === undefined ? {} : { main }),
    };
  });

const int64: fc.Arbitrary<Int64> = fc
  .oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.maxSafeInteger().map(BigInt),
    fc.constantFrom(0n, -1n),
  )
  .map((value) => (value >= -INTEGER_MAX && value <= INTEGER_MAX ? Number(value) : `${value}`));

describe("codecs", () => {
  law("a generated program is read back from its words as it was", () => {
    fc.assert(
      // Not shrunk: of a smaller program the names would differ, since words do not hold them.
      fc.property(fc.noShrink(fiberProgram()), (program) => {
        expect(decodeProgram(encodeProgram(program))).toEqual(program);
      }),
      lawRuns(1000),
    );
  });

  law("a program is read back from its JSON, whatever its names", () => {
    fc.assert(
      fc.property(oddProgram, (program) => {
        const parsed = parseProgram(JSON.stringify(program));
        expect(parsed).toEqual({ ok: true, value: program });
      }),
      lawRuns(500),
    );
  });

  law("programs and traces survive words and JSON, whatever their names", () => {
    fc.assert(
      fc.property(oddProgram, (program) => assertRoundTrips(program, modelWords(program))),
      lawRuns(1000),
    );
  });

  law("any trace survives its words, those that only a faulty runtime writes included", () => {
    fc.assert(
      fc.property(programAndTrace, ([program, trace]) => {
        const words = wordsOf(program, trace);
        expect(decodeTrace(program, words)).toEqual(trace);
        must(sameWords(wordsOf(program, decodeTrace(program, words)), words), "the trace's words changed");
      }),
      lawRuns(1000),
    );
  });

  law("a corpus entry is read back from its file, and written as the same bytes", () => {
    fc.assert(
      fc.property(oddProgram, fc.string(), (program, reason) => {
        const words = modelWords(program);
        const { records, outcome } = decodeTrace(program, words);
        const entry: CorpusEntry = { format: 1, reason, program, trace: records, outcome };
        const text = formatCorpusEntry(entry);
        const loaded = readCorpusEntry(JSON.parse(text));
        if (!loaded.ok) throw new Error(loaded.problem.message);
        expect(loaded.value.entry).toEqual(entry);
        must(sameWords(loaded.value.recorded, words), "the recorded trace has other words");
        expect(formatCorpusEntry(loaded.value.entry)).toBe(text);
      }),
      lawRuns(500),
    );
  });
});

const wordResult = fc.constantFrom<Result>(
  ...(["called", "unspawned", "finished", "spawned", "already", "canceled"] as const),
  ...(["unstarted", "closed", "full", "broken", "empty"] as const),
);
const result: fc.Arbitrary<Result | undefined> = fc.oneof(
  wordResult,
  int64,
  fc.record({ clock: int64, spawned: int64, suspended: int64 }),
  fc.constant(undefined),
);

/** A trace of a program that no scheduler would give: any record of any of its ops, any outcome. */
const programAndTrace: fc.Arbitrary<readonly [Program, Trace]> = fiberProgram().chain((program) => {
  const bodies = bodyOpsOf(program);
  // The main and the world of the program act by rules that tell them from bodies of their names: left out here.
  const names = bodyNamesOf(program).slice(0, -2);
  const who = fc.constantFrom(...names);
  const ops = names.flatMap((owner, body) =>
    flat(bodies[body]!).map((op, at) => ({ who: owner, at, op: op.op })),
  );
  const place = ops.length === 0 ? undefined : fc.constantFrom(...ops);
  const bodyRecord = fc.record({ ev: fc.constantFrom("begin", "end"), t: int64, who });
  const opRecord = place && [
    fc.tuple(place, int64).map(([at, t]) => ({ ev: "call", t, ...at })),
    fc
      .tuple(place, int64, result)
      .map(([at, t, res]) => ({ ev: "ret", t, ...at, ...(res === undefined ? {} : { res }) })),
    fc
      .tuple(place, int64, fc.subarray([...CLOBBER_BITS]))
      .map(([at, t, regs]) => ({ ev: "clobber", t, ...at, regs })),
    fc.tuple(place, int64).map(([at, t]) => ({ ev: "corrupt", t, ...at })),
  ];
  const record = fc.oneof(bodyRecord, ...(opRecord ?? [])) as fc.Arbitrary<TraceRecord>;
  const pipe = fc.constantFrom(...(program.pipes ?? ["none"]));
  const waiting = fc.array(fc.record({ who, pipe }), { maxLength: program.pipes === undefined ? 0 : 5 });
  const signal = fc.oneof(
    fc.constantFrom("SIGSEGV", "SIGABRT", "SIGBUS"),
    fc.nat(255).map((code) => `exit ${code}`),
  );
  const outcome: fc.Arbitrary<Outcome> = fc.oneof(
    fc.record({ outcome: fc.constantFrom("completed", "timeout"), t: int64 }),
    fc.record({ outcome: fc.constant("panic"), t: int64, message: fc.string({ unit: "grapheme" }) }),
    fc.record({ outcome: fc.constant("stack-overflow"), t: int64, who }),
    fc.record({ outcome: fc.constant("io-hang"), t: int64, waiting }),
    fc.record({ outcome: fc.constant("crash"), t: int64, signal, who }),
  ) as fc.Arbitrary<Outcome>;
  const trace = fc.record({ records: fc.array(record, { maxLength: 40 }), outcome });
  return trace.map((drawn) => [program, drawn] as const);
});

function flat(ops: readonly Op[]): Op[] {
  return ops.flatMap((op) => ("ops" in op ? [op, ...flat(op.ops)] : [op]));
}
