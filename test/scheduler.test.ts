/**
 * The model by hand: fibers whose bodies are generators, rule by rule (SPEC sections 1 and 2).
 *
 * Every expectation was worked out from the rule that its name cites. The internal checks run after every step (`check: true`).
 */
import { describe, expect, test } from "vitest";
import { type Fiber, type Op, Scheduler, SchedulerPanic } from "../src/sched/index.js";
import { panicOf, traced } from "./support/scheduler-log.js";

describe("fibers", () => {
  test("fibers run in the order of spawning and have numbers in that order, from 0 (F1)", () => {
    const { s, log } = traced();
    const fibers = ["a", "b", "c"].map((name) => s.spawn(log.says(name)));
    s.run();
    expect(fibers.map(({ id }) => id)).toEqual([0, 1, 2]);
    expect(log.line()).toBe("a@0 b@0 c@0");
    expect(s.snapshot()).toMatchObject({ spawned: 3, suspended: 0, ready: [], current: undefined });
  });

  test("a fiber spawned inside a fiber stands behind those that are ready (F1)", () => {
    const { s, log } = traced();
    s.spawn(
      log.does(() => {
        log("parent");
        s.spawn(log.says("child"));
        log("parent still");
      }),
    );
    s.spawn(log.says("sibling"));
    s.run();
    expect(log.line()).toBe("parent@0 parent still@0 sibling@0 child@0");
  });

  test("a yielding fiber stands behind those that it woke and spawned before (F2)", () => {
    const { s, log } = traced();
    const parked = s.spawn(function* () {
      yield* s.suspend();
      log("parked");
    });
    s.spawn(function* () {
      s.spawn(log.says("child"));
      s.wake(parked);
      yield* s.yieldNow();
      log("yielder");
    });
    s.run();
    expect(log.line()).toBe("child@0 parked@0 yielder@0");
  });

  test("a lone fiber that yields runs on at once, at the same clock (F2)", () => {
    const { s, log } = traced();
    s.spawn(function* () {
      for (let i = 0; i < 3; i++) {
        log(String(i));
        yield* s.yieldNow();
      }
    });
    s.run();
    expect(log.line()).toBe("0@0 1@0 2@0");
  });

  test("a suspended fiber is counted, and runs on where it stopped when it is woken (F3, F4)", () => {
    const { s, log } = traced();
    const counts: number[] = [];
    const sleeper = s.spawn(function* () {
      log("before");
      yield* s.suspend();
      log("after");
    });
    s.spawn(
      log.does(() => {
        counts.push(s.core.suspendedCount);
        s.wake(sleeper);
        counts.push(s.core.suspendedCount);
      }),
    );
    s.run();
    expect(counts).toEqual([1, 0]);
    expect(log.line()).toBe("before@0 after@0");
  });

  test("a wake of a fiber that is ready, running or done does nothing, and is not remembered (F4)", () => {
    const { s, log } = traced();
    const done = s.spawn(log.says("done"));
    let self: Fiber | undefined;
    self = s.spawn(function* () {
      s.wake(done);
      s.wake(self!);
      s.wake(later);
      expect(s.snapshot().ready).toEqual([later.id]);
      yield* s.suspend();
      log("never");
    });
    const later = s.spawn(log.says("later"));
    expect(panicOf(() => s.run())).toBe("sched: deadlock — 1 fiber(s) suspended with an empty run queue");
    expect(log.line()).toBe("done@0 later@0");
  });

  test("a wake from outside a fiber is good for the next run (F4, R1)", () => {
    const { s, log } = traced({ pipes: 1 });
    const parked = s.spawn(function* () {
      yield* s.block(0);
      log("woken");
    });
    expect(() => s.run()).toThrow("nobody will write");
    s.wake(parked);
    s.run();
    expect(log.line()).toBe("woken@0");
  });

  test("a wake evicts the timer: a sleeper woken early is never fired again (F4, T2)", () => {
    const { s, log } = traced();
    const sleeper = s.spawn(function* () {
      yield* s.sleep(100);
      log("woken");
      yield* s.sleep(7);
      log("slept");
    });
    s.spawn(function* () {
      yield* s.sleep(5);
      s.wake(sleeper);
      expect(s.snapshot().timers).toEqual([]);
    });
    s.run();
    expect(log.line()).toBe("woken@5 slept@12");
    expect(s.nowMs).toBe(12);
  });

  test("a wake evicts the io waiter: the pipe is free, its bytes wake nobody (F4, I1, I3)", () => {
    const { s, log } = traced({ pipes: 1 });
    const first = s.spawn(function* () {
      yield* s.block(0);
      log("first");
    });
    s.spawn(function* () {
      s.write(0, 1);
      expect(s.snapshot().readyList).toEqual([0]);
      s.wake(first);
      expect(s.snapshot()).toMatchObject({ ioWaiters: [], readyList: [] });
      yield* s.block(0);
      log("second");
    });
    s.run();
    expect(log.line()).toBe("first@0 second@0");
  });

  test("a body that ends is done: it is neither parked nor ready, whoever wakes it (F5)", () => {
    const { s, log } = traced();
    const fiber = s.spawn(log.says("once"));
    s.run();
    s.wake(fiber);
    s.run();
    expect(log.line()).toBe("once@0");
    expect(s.snapshot()).toMatchObject({ parked: [], ready: [], suspended: 0, spawned: 1 });
  });
});

describe("the virtual clock", () => {
  test("sleepers wake by deadline, whatever their order of spawning (T1, T2)", () => {
    const { s, log } = traced();
    for (const ms of [30, 10, 20]) s.spawn(log.sleeps(`${ms}`, ms));
    s.run();
    expect(log.line()).toBe("10@10 20@20 30@30");
  });

  test("a timer armed first fires first at the same deadline (T2)", () => {
    const { s, log } = traced();
    // `late` is spawned first, but arms its timer for 20 only at clock 10.
    s.spawn(function* () {
      yield* s.sleep(10);
      yield* s.sleep(10);
      log("late");
    });
    s.spawn(log.sleeps("early", 20));
    s.spawn(log.sleeps("earlier by no means", 20));
    s.run();
    expect(log.line()).toBe("early@20 earlier by no means@20 late@20");
  });

  test("the ready queue drains before the next timer of the same deadline fires (T2)", () => {
    const { s, log } = traced();
    s.spawn(function* () {
      yield* s.sleep(5);
      log("first");
      yield* s.yieldNow();
      log("first again");
      s.spawn(log.says("child"));
    });
    s.spawn(log.sleeps("second", 5));
    s.run();
    expect(log.line()).toBe("first@5 first again@5 child@5 second@5");
  });

  test("sleep(0) fires after the ready queue has drained, at the same clock (T1)", () => {
    const { s, log } = traced();
    s.spawn(log.sleeps("slept", 0));
    s.spawn(function* () {
      yield* s.yieldNow();
      yield* s.yieldNow();
      log("busy");
    });
    s.run();
    expect(log.line()).toBe("busy@0 slept@0");
  });

  test("a negative sleep panics with its duration (T1)", () => {
    const { s } = traced();
    s.spawn(function* () {
      yield* s.sleep(10);
      yield* s.sleep(-5);
    });
    expect(panicOf(() => s.run())).toBe(
      "sched: sleep(-5) — negative duration would rewind the virtual clock",
    );
    expect(s.nowMs).toBe(10);
  });

  test("a deadline past 2^53 - 1 panics instead of turning the clock back; one at it is legal (T1, C4)", () => {
    const { s, log } = traced();
    s.spawn(function* () {
      yield* s.sleep(1);
      yield* s.sleep(Number.MAX_SAFE_INTEGER - 1);
      log("at the end");
      yield* s.sleep(1);
    });
    expect(panicOf(() => s.run())).toBe("sched: sleep(1) — deadline overflows the virtual clock");
    expect(log.line()).toBe("at the end@9007199254740991");
  });

  test("a sleep that is no whole number of milliseconds is a RangeError of the caller (T1)", () => {
    const { s } = traced();
    for (const ms of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => s.sleep(ms).next()).toThrow(RangeError);
    }
    expect(s.core.panicMessage).toBeUndefined();
  });

  test("a readable pipe waits while any timer is armed (T3)", () => {
    const { s, log } = traced({ pipes: 1 });
    s.spawn(log.blocks("reader", 0));
    s.spawn(function* () {
      s.write(0, 1);
      yield* s.sleep(5);
      log("slept");
      yield* s.sleep(5);
      log("slept again");
    });
    s.run();
    expect(log.line()).toBe("slept@5 slept again@10 reader@10");
  });
});

describe("the run loop", () => {
  test("a run drains the queue, then fires timers, then waits for pipes, then stops (R1)", () => {
    const { s, log } = traced({ pipes: 1 });
    s.spawn(log.blocks("pipe", 0));
    s.spawn(log.sleeps("timer", 3));
    s.spawn(log.says("queue"));
    s.write(0, 1);
    s.run();
    expect(log.line()).toBe("queue@0 timer@3 pipe@3");
  });

  test("a second run goes on from the clock of the first (R1)", () => {
    const { s, log } = traced();
    s.spawn(log.sleeps("first", 10));
    s.run();
    s.run();
    s.spawn(log.sleeps("second", 5));
    s.run();
    expect(log.line()).toBe("first@10 second@15");
    expect(s.snapshot()).toMatchObject({ clockMs: 15, spawned: 2 });
  });

  test("a run of nothing stops at once (R1)", () => {
    const { s } = traced();
    s.run();
    expect(s.snapshot()).toEqual({
      clockMs: 0,
      current: undefined,
      ready: [],
      timers: [],
      ioWaiters: [],
      readyList: [],
      pipes: [],
      tasks: [],
      parked: [],
      spawned: 0,
      suspended: 0,
      readinessOpen: false,
    });
  });

  test("run inside a fiber panics, and so does deinit (C6)", () => {
    const texts = (["run", "deinit"] as const).map((op) => {
      const { s, log } = traced();
      s.spawn(log.does(() => s[op]()));
      return panicOf(() => s.run());
    });
    expect(texts).toEqual(["sched: run() called inside a fiber", "sched: deinit() called inside a fiber"]);
  });

  test("a deadlock counts all that are suspended, a task's fiber and its waiter too (R2)", () => {
    const { s } = traced();
    s.spawn(function* () {
      yield* s.suspend();
    });
    const task = s.go(function* () {
      yield* s.suspend();
    });
    s.spawn(() => task.wait());
    expect(panicOf(() => s.run())).toBe("sched: deadlock — 3 fiber(s) suspended with an empty run queue");
    expect(s.snapshot().parked).toEqual([
      { fiber: 0, reason: { kind: "suspend" } },
      { fiber: 1, reason: { kind: "suspend" } },
      { fiber: 2, reason: { kind: "wait", task: 0 } },
    ]);
  });

  test("deinit frees what never ran and the lists, and may be called again (R3)", () => {
    const { s, log } = traced({ pipes: 1 });
    s.spawn(log.blocks("reader", 0));
    s.write(0, 1);
    s.run();
    s.spawn(log.says("never"));
    s.go(log.does(() => {}));
    expect(s.snapshot()).toMatchObject({ readinessOpen: true, ready: [1, 2], tasks: [{ state: "pending" }] });
    s.deinit();
    s.deinit();
    expect(s.snapshot()).toMatchObject({ readinessOpen: false, ready: [], timers: [], tasks: [] });
    expect(log.line()).toBe("reader@0");
  });
});

describe("misuse", () => {
  test("operations that park panic outside a fiber, each with its own text (F2, F3, T1, I1, K2)", () => {
    const outside = (op: (s: Scheduler) => Op<unknown>): string => {
      const s = new Scheduler({ pipes: 1 });
      return panicOf(() => op(s).next());
    };
    expect(outside((s) => s.yieldNow())).toBe("sched: yield_now() called outside a fiber (no running fiber)");
    expect(outside((s) => s.suspend())).toBe(
      "sched: suspend_self() called outside a fiber (no running fiber)",
    );
    // Outside is checked before the sign of the duration.
    expect(outside((s) => s.sleep(-1))).toBe("sched: sleep() called outside a fiber (no running fiber)");
    expect(outside((s) => s.block(0))).toBe("sched: block_on_fd() called outside a fiber (no running fiber)");
    expect(outside((s) => s.go(() => s.yieldNow()).wait())).toBe(
      "sched: suspend_self() called outside a fiber (no running fiber)",
    );
  });

  test("an error that a body throws comes out of run, and nothing runs after it", () => {
    const { s, log } = traced();
    s.spawn(function* () {
      yield* s.sleep(3);
      throw new TypeError("mine");
    });
    s.spawn(log.sleeps("later", 9));
    expect(() => s.run()).toThrow(new TypeError("mine"));
    s.spawn(log.says("new"));
    expect(() => s.run()).toThrow(new TypeError("mine"));
    expect(log.line()).toBe("");
    expect(s.nowMs).toBe(3);
  });

  test("deinit after a body that threw is no deinit inside a fiber: the error stands (R3, C6)", () => {
    const { s, log } = traced();
    s.spawn(
      log.does(() => {
        throw new TypeError("mine");
      }),
    );
    const run = () => {
      try {
        s.run();
      } finally {
        s.deinit();
      }
    };
    expect(run).toThrow(new TypeError("mine"));
  });

  test("the first panic stands, whatever is called after it (SPEC section 1)", () => {
    const { s } = traced();
    const first = "sched: sleep(-1) — negative duration would rewind the virtual clock";
    s.spawn(function* () {
      try {
        yield* s.sleep(-1);
      } catch (error) {
        expect(error).toBeInstanceOf(SchedulerPanic);
      }
      s.run();
    });
    expect(panicOf(() => s.run())).toBe(first);
    expect(panicOf(() => s.run())).toBe(first);
  });
});
