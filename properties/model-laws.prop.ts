/**
 * The laws of the model, over generated programs: of every step (`watched-interpreter.ts`) and of every trace (`trace-laws.ts`).
 *
 * Clock never back; ties by order of arming; FIFO; each park ends by one wake; n_suspended balanced; cancel suppresses delivery and
 * nothing else; run is idle at its end or panics. SPEC section 1.
 */
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { type Op as Body, type Canceled, Scheduler, SchedulerPanic } from "../src/sched/index.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { sameWords } from "../src/sim/diff.js";
import { fiberProgram } from "../src/sim/generate/program-arbitrary.js";
import type { Op, Program } from "../src/sim/program.js";
import type { Trace, TraceRecord } from "../src/sim/trace.js";
import { modelWords, must } from "./laws.js";
import { law, lawRuns } from "./seed.js";
import { assertTraceLaws } from "./trace-laws.js";
import { WatchedInterpreter } from "./watched-interpreter.js";

describe("laws of the model", () => {
  law(
    "every step keeps to FIFO, order of arming, one wake a park and a balanced n_suspended (F1-F5, T2, T3, I2)",
    () => {
      const watched = new WatchedInterpreter();
      fc.assert(
        fc.property(fiberProgram(), (program) => {
          must(
            sameWords(watched.watch(program), modelWords(program)),
            "the watched replay has another trace",
          );
        }),
        lawRuns(1500),
      );
      expect(watched.steps).toBeGreaterThan(0);
    },
  );

  law("a program without misuse keeps to the laws of the steps (F1-F5, T2, T3, I2)", () => {
    const watched = new WatchedInterpreter();
    fc.assert(
      fc.property(fiberProgram({ misusePerMille: 0, fibersMax: 24, tasksMax: 12 }), (program) => {
        watched.watch(program);
      }),
      lawRuns(500),
    );
  });

  law("every trace keeps to the clock, its calls, its deadlines and its end (T1, T2, K2, K3, R1, R2)", () => {
    fc.assert(
      fc.property(fiberProgram(), (program) => {
        assertTraceLaws(program, decodeTrace(program, modelWords(program)));
      }),
      lawRuns(2000),
    );
  });

  law("many sleepers come back by deadline, then by order of arming (T2)", () => {
    const durations = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(durations, { minLength: 2, maxLength: 80, size: "max" }), (sleepers) => {
        const program: Program = {
          version: 1,
          fibers: named(
            "f",
            sleepers.map((all) => all.map((ms): Op => ({ op: "sleep", ms }))),
          ),
        };
        assertTraceLaws(program, decodeTrace(program, modelWords(program)));
        new WatchedInterpreter().watch(program);
      }),
      lawRuns(100),
    );
  });

  law(
    "cancel suppresses delivery and nothing else: without it the trace is the same but for values (K3)",
    () => {
      fc.assert(
        fc.property(canceledTasks, (program) => {
          const trace = decodeTrace(program, modelWords(program));
          const without = withoutCancels(program);
          const expected = decodeTrace(without, modelWords(without));
          expect(withoutDelivery(trace)).toEqual(withoutDelivery(expected));
        }),
        lawRuns(500),
      );
    },
  );

  law("bodies written as generators are scheduled as programs are (F1-T2, K2)", () => {
    fc.assert(
      fc.property(fiberProgram({ pipesMax: 0, misusePerMille: 0 }), (program) => {
        const trace = decodeTrace(program, modelWords(program));
        expect(runAsGenerators(program)).toEqual(logsAndEndOf(trace));
      }),
      lawRuns(500),
    );
  });
});

function named<T>(prefix: string, values: readonly T[]): Record<string, T> {
  return Object.fromEntries(values.map((value, i) => [`${prefix}${i}`, value]));
}

/** What a task of `canceledTasks` does, and what stands between the cancels: it comes back by itself. */
const waitingOp: fc.Arbitrary<Op> = fc.oneof(
  fc.integer({ min: 0, max: 9 }).map((ms): Op => ({ op: "sleep", ms })),
  fc.constant<Op>({ op: "yield" }),
  fc.integer({ min: 0, max: 9 }).map((value): Op => ({ op: "log", value })),
);

/**
 * Tasks that have begun and whose waiters have parked before any of them is canceled: nobody looks at one between cancel and end, so
 * that the suppressed value is all that can be seen of a cancel. A late waiter, after all ends, finds its answer at once either way.
 */
const canceledTasks: fc.Arbitrary<Program> = fc
  .array(fc.array(waitingOp, { maxLength: 5 }), { minLength: 1, maxLength: 5 })
  .chain((works) => {
    const cancelOp = fc.nat(works.length - 1).map((task): Op => ({ op: "cancel", task: `t${task}` }));
    return fc
      .array(fc.oneof(cancelOp, waitingOp), { minLength: 1, maxLength: 10 })
      .map((cancels): Program => {
        const tasks = works.map((ops, i) => ({ ops, returns: 100 + i }));
        const waiters = works.map((_, i): Op[] => [
          { op: "wait", task: `t${i}` },
          { op: "log", value: i },
        ]);
        const late = works.map((_, i): Op => ({ op: "wait", task: `t${i}` }));
        return {
          version: 1,
          fibers: { ...named("w", waiters), canceler: cancels, late: [{ op: "sleep", ms: 1000 }, ...late] },
          tasks: named("t", tasks),
          main: [
            ...works.map((_, i): Op => ({ op: "go", task: `t${i}` })),
            ...works.map((_, i): Op => ({ op: "spawn", fiber: `w${i}` })),
            { op: "spawn", fiber: "canceler" },
            { op: "spawn", fiber: "late" },
            { op: "run" },
          ],
        };
      });
  });

function withoutCancels(program: Program): Program {
  const canceler = program.fibers!.canceler!.map(
    (op): Op => (op.op === "cancel" ? { op: "log", value: 0 } : op),
  );
  return { ...program, fibers: { ...program.fibers, canceler } };
}

/** The trace with what a cancel may change left out: what a wait gives, and the canceler's own ret. */
function withoutDelivery({ records, outcome }: Trace): unknown {
  const blurred = records.map((record: TraceRecord) => {
    if (record.ev !== "ret") return record;
    if (record.op === "wait") return { ...record, res: "value or canceled" };
    return record.who === "canceler" && (record.op === "cancel" || record.op === "log")
      ? { ...record, op: "cancel or log", res: undefined }
      : record;
  });
  return { blurred, outcome };
}

/** What logs, ends and waits of a trace show, and how it ended: what `runAsGenerators` can see too. */
function logsAndEndOf({ records, outcome }: Trace): string[] {
  const lines = records.flatMap((record) => {
    if (record.ev === "end") return [`${record.who} ends at ${record.t}`];
    if (record.ev !== "ret" || (record.op !== "log" && record.op !== "wait")) return [];
    return [`${record.who} has ${record.res} at ${record.t}`];
  });
  return [...lines, outcome.outcome === "panic" ? outcome.message : outcome.outcome];
}

/** A program without pipes as bodies for `Scheduler`, its invariants checked at every step. */
function runAsGenerators(program: Program): string[] {
  const scheduler = new Scheduler({ check: true });
  const lines: string[] = [];
  const fibers = new Map<string, ReturnType<Scheduler["spawn"]>>();
  const tasks = new Map<string, ReturnType<typeof scheduler.go<number>>>();
  const ended = new Set<string>();
  class Overflow extends Error {}

  function* body(who: string, ops: readonly Op[]): Body {
    yield* list(who, ops);
    lines.push(`${who} ends at ${scheduler.nowMs}`);
    ended.add(who);
  }
  function* list(who: string, ops: readonly Op[]): Body {
    for (const op of ops) yield* one(who, op);
  }
  function* one(who: string, op: Op): Body {
    switch (op.op) {
      case "yield":
        return yield* scheduler.yieldNow();
      case "suspend":
        return yield* scheduler.suspend();
      case "sleep":
        return yield* scheduler.sleep(op.ms);
      case "spawn":
        if (!fibers.has(op.fiber))
          fibers.set(
            op.fiber,
            scheduler.spawn(() => body(op.fiber, program.fibers![op.fiber]!)),
          );
        return;
      case "go":
        if (!tasks.has(op.task))
          tasks.set(
            op.task,
            scheduler.go(() => work(op.task)),
          );
        return;
      case "wake": {
        const fiber = fibers.get(op.fiber);
        if (fiber !== undefined && !ended.has(op.fiber)) scheduler.wake(fiber);
        return;
      }
      case "cancel":
        tasks.get(op.task)?.cancel();
        return;
      case "wait":
        lines.push(`${who} has ${yield* answer(op.task)} at ${scheduler.nowMs}`);
        return;
      case "log":
        lines.push(`${who} has ${op.value} at ${scheduler.nowMs}`);
        return;
      case "repeat":
        for (let i = 0; i < op.times; i++) yield* list(who, op.ops);
        return;
      case "call":
        return yield* list(who, op.ops);
      case "run":
        return scheduler.run();
      case "deinit":
        return scheduler.deinit();
      case "overflow":
        throw new Overflow();
      default:
        throw new Error(`${op.op} in a program without pipes`);
    }
  }
  function* work(name: string): Body<number> {
    // A program's wake knows a task's fiber once its work has begun (SPEC section 3).
    fibers.set(name, tasks.get(name)!.fiber);
    const { ops = [], returns = 0 } = program.tasks![name]!;
    yield* body(name, ops);
    return returns;
  }
  function* answer(name: string): Body<string> {
    const task = tasks.get(name);
    if (task === undefined) return "unstarted";
    try {
      return `${yield* task.wait()}`;
    } catch (error) {
      if ((error as Canceled).name === "Canceled") return "canceled";
      throw error;
    }
  }

  try {
    const steps = list("main", program.main!);
    must(steps.next().done === true, "main parked outside a fiber");
    return [...lines, "completed"];
  } catch (error) {
    if (error instanceof SchedulerPanic) return [...lines, error.message];
    if (error instanceof Overflow) return [...lines, "stack-overflow"];
    throw error;
  }
}
