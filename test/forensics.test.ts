/**
 * Forensics by example: for each kind of being stuck for good one small program and what is to be said of it, derived by hand from the
 * program and SPEC sections 1 and 4. The laws over generated programs are in `properties/forensics.prop.ts`.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { encodeProgram } from "../src/sim/encode-program.js";
import { explainStuck } from "../src/sim/forensics/explain-stuck.js";
import { forensicsLines } from "../src/sim/forensics/forensics-text.js";
import { ProgramBuilder } from "../src/sim/program-builder.js";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";
import { deadlocks } from "./support/deadlocks.js";
import { loadCorpusProgram } from "./support/replay.js";

const expected: Readonly<Record<keyof typeof deadlocks, readonly string[]>> = {
  cycleOfTasks: [
    "deadlock: 2 fibers are stuck for good, the first from t=0, record 11",
    "left: waits for task right since t=0, record 11 (#1), certain at once: a cycle: left -> right -> left",
    "right: waits for task left since t=0, record 9 (#0), certain from t=0, record 11: a cycle: right -> left -> right",
  ],
  cycleOfThree: [
    "deadlock: 3 fibers are stuck for good, the first from t=0, record 9",
    "a: suspended since t=0, record 5 (#0), certain from t=0, record 9: a cycle: a -> b -> c -> a",
    "b: suspended since t=0, record 7 (#0), certain from t=0, record 9: a cycle: b -> c -> a -> b",
    "c: suspended since t=0, record 9 (#0), certain at once: a cycle: c -> a -> b -> c",
  ],
  cycleThroughRun: [
    "deadlock: 1 fiber is stuck for good, the first from t=0, record 3",
    "a: suspended since t=0, record 3 (#0), certain at once: a cycle: a -> main -> a; main's run does not return while anybody is suspended",
  ],
  lostWake: [
    "deadlock: 1 fiber is stuck for good, the first from t=0, record 9",
    "a: suspended since t=0, record 9 (#1), certain at once: waker woke it too early, at t=0, record 6: a wake is not remembered (F4)",
  ],
  orphan: [
    "deadlock: 1 fiber is stuck for good, the first from t=0, record 4",
    "at t=0, record 4 a is stuck while other could still run",
    "a: suspended since t=0, record 4 (#0), certain at once: no op that is left could wake it; the program has none",
  ],
  orphanOfAnUnspawned: [
    "deadlock: 1 fiber is stuck for good, the first from t=0, record 3",
    "a: suspended since t=0, record 3 (#0), certain at once: no op that is left could wake it; wake by absent #0 is never spawned",
  ],
  stuckTask: [
    "deadlock: 3 fibers are stuck for good, the first from t=3, record 11",
    "reader: waits for task outer since t=0, record 4 (#1), certain from t=3, record 11: the work of outer is stuck: reader -> outer -> inner, see inner",
    "inner: suspended since t=3, record 11 (#1), certain at once: no op that is left could wake it; the program has none",
    "outer: waits for task inner since t=0, record 7 (#1), certain from t=3, record 11: the work of inner is stuck: outer -> inner",
  ],
  unwritten: [
    "io-hang: 1 fiber is stuck for good, the first from t=0, record 7",
    "reader: blocks on pipe p since t=0, record 7 (#2), certain at once: no op that is left writes to p or closes its write end; write by world #0 is done",
  ],
  readEndClosed: [
    "io-hang: 1 fiber is stuck for good, the first from t=0, record 6",
    "at t=0, record 6 reader is stuck while closer could still run",
    "reader: blocks on pipe p since t=0, record 4 (#0), certain from t=0, record 6: closer closed the read end at t=0, record 6, which delivers nothing (I3)",
  ],
  partial: [
    "partial deadlock: 2 fibers are stuck for good, the first from t=10, record 13; the run ended in something else",
    "at t=10, record 13 a, b are stuck while ticker could still run",
    "a: suspended since t=10, record 11 (#1), certain from t=10, record 13: a cycle: a -> b -> a",
    "b: suspended since t=10, record 13 (#1), certain at once: a cycle: b -> a -> b",
  ],
};

describe("what is said of", () => {
  test.each(Object.entries(expected))("%s", (name, lines) => {
    const forensics = explainStuck(deadlocks[name as keyof typeof deadlocks]);
    expect(forensicsLines(forensics!)).toEqual(lines);
  });

  test("a program that ends well, or panics with nobody parked: nothing", () => {
    expect(explainStuck(loadCorpusProgram("1817-tasks-that-sleep"))).toBeUndefined();
    expect(explainStuck(loadCorpusProgram("1818-negative-sleep"))).toBeUndefined();
  });

  test("a task that waits for itself (K2, R2): only it could bring itself on", () => {
    const [, line] = forensicsLines(explainStuck(loadCorpusProgram("k2-task-that-waits-for-itself"))!);
    expect(line).toContain("itself could bring it on");
  });
});

describe("what counts as a way out", () => {
  /** When the only fiber called `a` was certain to be stuck, by record, of a program that is stuck at its end. */
  const certainRecord = (make: (b: ProgramBuilder) => void): number => {
    const b = new ProgramBuilder();
    make(b);
    return explainStuck(b.build())!.stuck.find(({ who }) => who === "a")!.certain.record;
  };

  test("an op that a repeat comes back to, until its last pass", () => {
    // 0 spawn a, 1 spawn w, 2 run, 3 a begins, 4 suspend, 5 w begins, 6 wake, 7 yield, 8 a: ret, 9 suspend,
    // 10 w: ret of yield, 11 wake, 12 yield, 13 a: ret, 14 suspend: now w is in its last yield.
    const record = certainRecord((b) => {
      const a = b.fiber("a", (o) => o.repeat(3, (r) => r.suspend()));
      b.fiber("w", (o) => o.repeat(2, (r) => r.wake(a).yield()));
    });
    expect(record).toBe(14);
  });

  test("not an op inside a repeat 0, nor a wake of one whose task is pending (C2)", () => {
    expect(
      certainRecord((b) => {
        const a = b.fiber("a", (o) => o.suspend());
        b.fiber("w", (o) => o.sleep(5).repeat(0, (r) => r.wake(a)));
      }),
    ).toBe(4);
    // 0 spawn a, 1 spawn w, 2 run, 3 a begins, 4 go t, 5 wait, 6 w begins, 7 sleep, 8 t begins, 9 suspend.
    expect(
      certainRecord((b) => {
        const t = b.task("t", 1, (o) => o.suspend());
        const a = b.fiber("a", (o) => o.go(t).wait(t));
        b.fiber("w", (o) => o.sleep(5).wake(a));
      }),
    ).toBe(9);
  });

  test("a wake of one whose task may still be canceled, until the cancel can no longer be followed by it", () => {
    // 0 spawn a, 1 spawn w, 2 run, 3 a begins, 4 go t, 5 wait, 6 w begins, 7 wake a, 8 yield, 9 t begins,
    // 10 suspend: the wake that is left is none, since a has parked again (C2) and the cancel wakes nobody (K3).
    expect(
      certainRecord((b) => {
        const t = b.task("t", 1, (o) => o.suspend());
        const a = b.fiber("a", (o) => o.go(t).wait(t));
        b.fiber("w", (o) => o.wake(a).yield().cancel(t));
      }),
    ).toBe(10);
  });
});

test("100,000 suspended fibers are each explained, in seconds", { timeout: 60_000 }, () => {
  const b = new ProgramBuilder();
  for (let i = 0; i < 100_000; i++) b.fiber(`f${i}`, (o) => o.suspend());
  const program = b.build();
  const startMs = performance.now();
  const { stuck, verdict } = explainStuck(program, encodeProgram(program))!;
  expect([stuck.length, verdict]).toEqual([100_000, "deadlock"]);
  expect(stuck.every(({ cause }) => cause.kind === "orphan")).toBe(true);
  expect(performance.now() - startMs).toBeLessThan(30_000);
});

describe("the command", () => {
  beforeAll(buildCommand);
  const { folder } = scratchFolder();
  const run = (...args: string[]) => lockstep(args, { cwd: folder });

  test("deadlock lists them with the explanation, and counts the runs that leave fibers stuck otherwise", () => {
    const { status, stdout } = run("deadlock", "--seed", "lockstep", "--runs", "40");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^lockstep:\d+ panic at t=\d+: sched: deadlock — /);
    expect(stdout).toMatch(
      /\n {2}deadlock: \d+ fibers? (is|are) stuck for good, the first from t=\d+, record \d+\n/,
    );
    expect(stdout).toMatch(/\n\d+ of 40 runs deadlock, \d+ more end in something else with fibers stuck; /);
  });

  test("deadlock and repro give the same explanation as JSON", () => {
    const [line] = run("deadlock", "--seed", "lockstep", "--runs", "40", "--format", "jsonl").stdout.split(
      "\n",
    );
    const { seed, forensics } = JSON.parse(line!) as { seed: string; forensics: object };
    const certain = expect.objectContaining({ t: expect.anything() });
    expect(forensics).toMatchObject({
      verdict: "deadlock",
      stuck: expect.arrayContaining([expect.objectContaining({ certain })]),
    });
    const repro = run("repro", seed, "--on", "model", "--format", "jsonl");
    expect(JSON.parse(repro.stdout)).toMatchObject({ seed, forensics });
    const text = run("repro", seed, "--on", "model").stdout;
    expect(text).toContain("  deadlock: ");
    expect(text).toContain(" stuck for good, the first from t=");
  });
});
