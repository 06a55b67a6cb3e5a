/**
 * Shrinking the cast of a program: bodies that only start others, tasks that could be fibers, a main that could be left out.
 */
import { describe, expect, test } from "vitest";
import { checkProgram } from "../src/sim/check-program.js";
import type { Op, Program } from "../src/sim/program.js";
import { castEdits } from "../src/sim/shrink/body-edits.js";
import { simplifications, sizeOf } from "../src/sim/shrink/program-edits.js";
import { shrinkProgram } from "../src/sim/shrink/shrink-program.js";

const op = (name: string, more: object = {}): Op => ({ op: name, ...more }) as Op;

const CHAIN: Program = {
  version: 1,
  main: [op("spawn", { fiber: "f" }), op("go", { task: "a" }), op("run")],
  fibers: { f: [op("yield")] },
  tasks: {
    a: { ops: [op("go", { task: "b" })] },
    b: { ops: [op("go", { task: "c" })] },
    c: { ops: [op("suspend")] },
  },
};

describe("edits of the cast", () => {
  test("leave a program, and never a larger one", () => {
    const edited = [...castEdits(CHAIN)];
    expect(edited.length).toBeGreaterThan(3);
    for (const program of edited) {
      expect(checkProgram(program)).toBeUndefined();
      expect(sizeOf(program)).toBeLessThanOrEqual(sizeOf(CHAIN));
    }
  });

  test("a body that only starts another is left out, and its starter starts the other", () => {
    expect([...castEdits(CHAIN)]).toContainEqual({
      ...CHAIN,
      main: [op("spawn", { fiber: "f" }), op("go", { task: "b" }), op("run")],
      tasks: { b: { ops: [op("go", { task: "c" })] }, c: { ops: [op("suspend")] } },
    });
  });

  test("main is left out, and what it started stands at the head of a fiber", () => {
    expect([...castEdits(CHAIN)]).toContainEqual({
      version: 1,
      fibers: { f: [op("go", { task: "a" }), op("yield")] },
      tasks: CHAIN.tasks,
    });
  });

  test("a task becomes a fiber, which main spawns where it is left out", () => {
    const { main: _main, ...withoutMain } = CHAIN;
    // As many ops and bodies as before, and plainer: a simplification.
    const inA = [...simplifications(withoutMain)].find(({ fibers }) => fibers?.a !== undefined);
    expect(inA).toMatchObject({ fibers: { a: [op("go", { task: "b" })] } });
    expect(inA?.tasks?.a).toBeUndefined();
  });

  test("a chain of starters shrinks to the one body that matters", async () => {
    const holdsSuspend = (program: Program) => JSON.stringify(program).includes("suspend");
    const { program, isMinimal } = await shrinkProgram(CHAIN, async (list) => list.map(holdsSuspend), {
      isOver: () => false,
    });
    expect([program, isMinimal]).toEqual([{ version: 1, fibers: { c: [op("suspend")] } }, true]);
  });
});
