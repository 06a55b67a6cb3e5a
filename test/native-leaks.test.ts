/**
 * Leaks count (R3, F5): a program that ran to its end and left descriptors, heap or mappings behind ends as `leak`, on every
 * architecture, whatever ran before it; a pool that is as full as it gets is none.
 *
 * Needs a C compiler.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openNativeTarget } from "../src/native-bridge/targets.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { sameWords } from "../src/sim/diff.js";
import { audited, batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { ProgramWord } from "../src/sim/encoding.js";
import { ModelTarget } from "../src/sim/model-target.js";
import type { Program } from "../src/sim/program.js";
import { type Target, traceOf } from "../src/sim/target.js";
import { generatedBatch } from "./support/generated-batch.js";
import { architecturesHere } from "./support/runtime-builds.js";
import { outcomeLine } from "./support/trace-readers.js";

/** Takes one of everything: the readiness queue, a task, a fiber that ends, and one that never runs. */
const PROGRAM: Program = {
  version: 1,
  pipes: ["p"],
  fibers: {
    reader: [
      { op: "block", pipe: "p" },
      { op: "read", pipe: "p", bytes: 3 },
    ],
    writer: [{ op: "write", pipe: "p", bytes: 3 }],
    late: [{ op: "log", value: 1 }],
  },
  tasks: { t: { ops: [{ op: "yield" }], returns: 7 } },
  main: [
    { op: "spawn", fiber: "reader" },
    { op: "spawn", fiber: "writer" },
    { op: "go", task: "t" },
    { op: "run" },
    { op: "spawn", fiber: "late" },
    { op: "deinit" },
  ],
};

/** Nothing of it is left to a deinit but the shell of the scheduler. */
const MODEST: Program = { version: 1, fibers: { a: [{ op: "yield" }] } };

/** Defects of deinit (R3) and reaping (F5) that no body can see: only what is left behind tells. */
const LEAKS = [
  { fault: "DEINIT_LEAKS_QUEUE", leaks: "leak@0 fds", modest: "completed@0" },
  { fault: "DEINIT_LEAKS_TASKS", leaks: "leak@0 heap", modest: "completed@0" },
  { fault: "DEINIT_LEAKS_FIBERS", leaks: "leak@0 heap mappings", modest: "completed@0" },
  // Every fiber that ends leaves its stack, the modest program's too.
  { fault: "REAP_LEAKS_STACK", leaks: "leak@0 mappings", modest: "leak@0 mappings" },
];

describe.each(architecturesHere)("leaks on $name", ({ name }) => {
  const open = new Map<string, Target>();
  beforeAll(async () => {
    for (const { fault } of LEAKS) open.set(fault, await openNativeTarget(`${name}+${fault}`));
    open.set("none", await openNativeTarget(name));
  });
  afterAll(() => Promise.all([...open.values()].map((target) => target.close())));

  const outcomesOf = async (fault: string, programs: readonly Program[], isAudited: boolean) => {
    const encoded = programs.map((program) => encodeProgram(program));
    const batch = batchOf(isAudited ? encoded.map((words) => audited(words)) : encoded);
    const traces = await open.get(fault)!.replay(batch);
    return programs.map((program, i) => outcomeLine(decodeTrace(program, traceOf(traces, i)).outcome));
  };

  test.each(LEAKS)(
    "$fault: an audit finds it, in the programs that leak",
    async ({ fault, leaks, modest }) => {
      const programs = [MODEST, PROGRAM, MODEST, PROGRAM];
      expect(await outcomesOf(fault, programs, true)).toEqual([modest, leaks, modest, leaks]);
      expect(await outcomesOf(fault, [PROGRAM], true)).toEqual([leaks]);
    },
  );

  test.each(LEAKS)(
    "$fault: unasked, the trace is as ever, and the batch says that it grew",
    async ({ fault }) => {
      expect(await outcomesOf(fault, [PROGRAM], false)).toEqual(["completed@0"]);
      const words = encodeProgram(PROGRAM);
      const batch = batchOf(new Array<Int32Array>(1000).fill(words));
      expect((await open.get(fault)!.replay(batch)).grew).toBe(true);
      expect((await open.get("none")!.replay(batch)).grew ?? false).toBe(false);
    },
  );

  test("a panic abandons what it has, which is no leak", async () => {
    const panic: Program = { version: 1, fibers: { a: [{ op: "suspend" }] } };
    expect((await outcomesOf("none", [panic, PROGRAM], true))[1]).toBe("completed@0");
  });

  test("our own scheduler leaks in no generated program", async () => {
    const count = name === "native" ? 1000 : 100;
    const batch = generatedBatch("leaks", count, true);
    expect(batch.words[ProgramWord.flags]).toBe(1);
    const model = await new ModelTarget().replay(batch);
    const traces = await open.get("none")!.replay(batch);
    const odd = Array.from({ length: count }, (_, i) => i).filter(
      (i) => !sameWords(traceOf(model, i), traceOf(traces, i)),
    );
    expect(odd).toEqual([]);
  });
});
