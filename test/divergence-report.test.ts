/**
 * The divergence report against golden files, for every kind of difference: a model's trace, and a copy of it with one planted fault.
 *
 * `golden/divergence/*.txt` are read by people: a change of the report shows there, and `vitest -u` is to be used only after looking.
 */
import { expect, test } from "vitest";
import { divergenceLines } from "../src/report/divergence-text.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { diffTraces } from "../src/sim/diff.js";
import { encodeTrace } from "../src/sim/encode-trace.js";
import { problemLine } from "../src/sim/problem.js";
import type { Program } from "../src/sim/program.js";
import { ProgramBuilder } from "../src/sim/program-builder.js";
import type { Outcome, Trace, TraceRecord } from "../src/sim/trace.js";
import { programOfRun } from "../src/testing/investigate.js";
import { loadCorpusProgram, wordsOn } from "./support/replay.js";

const b = new ProgramBuilder("a reader, two sleepers, a task");
const pipe = b.pipe("p");
const work = b.task("work", 7, (o) => o.sleep(10));
b.fiber("reader", (o) => o.block(pipe).read(pipe, 8));
b.fiber("early", (o) => o.sleep(5).write(pipe, 3).log(1));
b.fiber("late", (o) => o.sleep(5).yield().go(work).wait(work));
const program = b.build();

interface Planted {
  readonly program?: Program;
  readonly columns?: number;
  /** The faulty trace. */
  readonly spoil: (trace: Trace) => Trace;
}

/** Replaces the record of `who` and `op` (its ret unless said otherwise) by others. */
function instead(
  who: string,
  op: string,
  make: (record: TraceRecord) => readonly object[],
  ev: TraceRecord["ev"] = "ret",
): Planted["spoil"] {
  return ({ records, outcome }) => {
    const i = records.findIndex((r) => r.who === who && r.ev === ev && (!("op" in r) || r.op === op));
    return {
      records: [...records.slice(0, i), ...make(records[i]!), ...records.slice(i + 1)] as TraceRecord[],
      outcome,
    };
  };
}

/** Ends the trace in another way, at the first record of `who` and `op`. */
function ending(who: string, op: string, outcome: object): Planted["spoil"] {
  return ({ records }) => {
    const i = records.findIndex((r) => r.who === who && r.ev === "ret" && r.op === op);
    return { records: records.slice(0, i), outcome: { t: records[i]!.t, ...outcome } as Outcome };
  };
}

/** Two records, by number, in each other's place. */
function swapped(i: number, j: number): Planted["spoil"] {
  return ({ records, outcome }) => ({
    records: records.with(i, records[j]!).with(j, records[i]!),
    outcome,
  });
}

const planted: Readonly<Record<string, Planted>> = {
  "order-of-timers": {
    spoil: ({ records, outcome }) => swapped(...rets(records, "sleep"))({ records, outcome }),
  },
  "order-of-begins": { spoil: ({ records, outcome }) => swapped(...begins(records))({ records, outcome }) },
  time: { spoil: instead("early", "sleep", (record) => [{ ...record, t: 4 }]) },
  "result-of-a-wait": { spoil: instead("late", "wait", (record) => [{ ...record, res: 8 }]) },
  "result-canceled": { spoil: instead("late", "wait", (record) => [{ ...record, res: "canceled" }]) },
  "result-of-a-write": { spoil: instead("early", "write", (record) => [{ ...record, res: "full" }]) },
  "lost-registers": {
    spoil: instead("late", "yield", (record) => [
      { ...record, ev: "clobber", regs: ["r12", "mxcsr"] },
      record,
    ]),
  },
  "corrupt-bytes": { spoil: instead("reader", "read", (record) => [{ ...record, ev: "corrupt" }, record]) },
  crash: { spoil: ending("late", "yield", { outcome: "crash", signal: "SIGSEGV", who: "late" }) },
  timeout: { spoil: ending("late", "wait", { outcome: "timeout" }) },
  panic: {
    spoil: ending("early", "log", { outcome: "panic", message: "sched: run() called inside a fiber" }),
  },
  "io-hang": {
    spoil: ending("reader", "block", { outcome: "io-hang", waiting: [{ who: "reader", pipe: "p" }] }),
  },
  "goes-on-where-the-model-deadlocks": {
    program: loadCorpusProgram("r2-deadlock-of-one"),
    spoil: ({ records, outcome }) => ({ records, outcome: { outcome: "completed", t: outcome.t } }),
  },
  "generated-program": {
    program: programOfRun("lockstep:1", {}),
    spoil: ({ records, outcome }) => swapped(...rets(records, "sleep"))({ records, outcome }),
  },
  "narrow-terminal": {
    columns: 60,
    spoil: ({ records, outcome }) => swapped(...rets(records, "sleep"))({ records, outcome }),
  },
};

/** The first two rets of an op, by number. */
function rets(records: readonly TraceRecord[], op: string): [number, number] {
  const [first, second] = records.flatMap((r, i) => (r.ev === "ret" && r.op === op ? [i] : []));
  return [first!, second!];
}

function begins(records: readonly TraceRecord[]): [number, number] {
  const [first, second] = records.flatMap((r, i) => (r.ev === "begin" ? [i] : []));
  return [first!, second!];
}

test.each(Object.entries(planted))("%s", async (name, { program: other, spoil, columns = 100 }) => {
  const subject = other ?? program;
  const words = await wordsOn("model", subject);
  const spoilt = encodeTrace(subject, spoil(decodeTrace(subject, words)));
  if (!spoilt.ok) throw new Error(problemLine(spoilt.problem));
  const divergence = diffTraces(subject, { on: "model", words }, { on: "native", words: spoilt.value })!;
  const lines = divergenceLines(subject, divergence, {
    paint: (_, text) => text,
    columns,
    showsProgram: true,
    again: "lockstep repro S:1 --on model,native",
  });
  // The program is as long as it is; nothing else is wider than the terminal but what was said in one sentence.
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(`golden/divergence/${name}.txt`);
});
