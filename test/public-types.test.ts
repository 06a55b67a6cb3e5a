/**
 * The types of the public API, as a caller meets them. `tsc` is the judge (`npm test`, types): each `@ts-expect-error` is a mistake that it
 * must find. What runs here only shows that the calls exist.
 */
import type { Arbitrary } from "fast-check";
import { describe, expectTypeOf, test } from "vitest";
import {
  type CampaignResult,
  type Checked,
  type Divergence,
  diff,
  type Finding,
  fiberProgram,
  investigate,
  openTarget,
  type Program,
  ProgramBuilder,
  parseProgram,
  type ReplayedEntry,
  record,
  replay,
  replayCorpus,
  runCampaign,
  type Target,
  type Trace,
} from "../src/index.js";
import { type Op, Scheduler, type Task } from "../src/sched/index.js";
import {
  type LockstepOptions,
  type expect as lockstepExpect,
  test as lockstepTest,
} from "../src/vitest/index.js";

describe("types of fiber-lockstep", () => {
  test("of programs", () => {
    expectTypeOf(parseProgram).returns.toEqualTypeOf<Checked<Program>>();
    expectTypeOf(fiberProgram({ pipesMax: 0 })).toEqualTypeOf<Arbitrary<Program>>();
    expectTypeOf(record((s: Scheduler) => void s.spawn(function* () {}))).toEqualTypeOf<Program>();
    // @ts-expect-error: an op has its own fields, and sleep no `seconds`.
    const badOp: Program = { version: 1, fibers: { a: [{ op: "sleep", seconds: 1 }] } };
    // @ts-expect-error: there is version 1 and no other.
    const badVersion: Program = { version: 2 };
    const b = new ProgramBuilder();
    const task = b.task("t", 1);
    b.fiber("a", (o) => {
      o.go(task);
      // @ts-expect-error: a task is gone, not spawned.
      o.spawn(task);
    });
    // @ts-expect-error: a world only writes and closes.
    b.world((o) => o.log(1));
    expectTypeOf<typeof badOp | typeof badVersion>().toEqualTypeOf<Program>();
  });

  test("of targets, comparisons, campaigns and the corpus", () => {
    expectTypeOf(openTarget).returns.resolves.toEqualTypeOf<Target>();
    expectTypeOf(replay).returns.resolves.toEqualTypeOf<Trace>();
    expectTypeOf(diff).returns.resolves.toEqualTypeOf<Divergence | undefined>();
    expectTypeOf(investigate).returns.resolves.toEqualTypeOf<Finding | undefined>();
    expectTypeOf(runCampaign).returns.resolves.toEqualTypeOf<CampaignResult>();
    expectTypeOf(replayCorpus).returns.toEqualTypeOf<AsyncGenerator<ReplayedEntry>>();
    const outcome = {} as Trace["outcome"];
    // @ts-expect-error: only a panic has a message; look at `outcome` first.
    expectTypeOf(outcome.message).toEqualTypeOf<string>();
    if (outcome.outcome === "panic") expectTypeOf(outcome.message).toEqualTypeOf<string>();
  });

  test("of the model", () => {
    const s = new Scheduler();
    const task = s.go(function* () {
      yield* s.sleep(1);
      return "value";
    });
    expectTypeOf(task).toEqualTypeOf<Task<string>>();
    expectTypeOf(task.wait()).toEqualTypeOf<Op<string>>();
    const bad = (): void => {
      // @ts-expect-error: a body yields nothing by itself, a promise least of all.
      s.spawn(function* () {
        yield Promise.resolve();
      });
      // @ts-expect-error: an async function is no body.
      s.spawn(async () => {});
    };
    expectTypeOf(bad).returns.toBeVoid();
  });

  test("of vitest's helpers", () => {
    expectTypeOf(lockstepTest.lockstep).toBeCallableWith("name", fiberProgram(), { runs: 10 });
    expectTypeOf(lockstepTest.lockstep).toBeCallableWith("name", { version: 1 });
    expectTypeOf(lockstepTest).toBeCallableWith("name", () => {});
    expectTypeOf<LockstepOptions["corpus"]>().toEqualTypeOf<string | false | undefined>();
    type Matchers = ReturnType<typeof lockstepExpect<Program>>;
    expectTypeOf<ReturnType<Matchers["toAgreeOn"]>>().toEqualTypeOf<Promise<void>>();
    expectTypeOf<Parameters<Matchers["not"]["toDeadlock"]>>().toEqualTypeOf<[]>();
    expectTypeOf<Parameters<Matchers["toWakeInOrder"]>>().toEqualTypeOf<[order: readonly string[]]>();
    // @ts-expect-error: `on` is a list of names.
    const bad: LockstepOptions = { on: "native" };
    expectTypeOf(bad).toEqualTypeOf<LockstepOptions>();
  });
});
