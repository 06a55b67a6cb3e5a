/**
 * The model by hand, continued: tasks, pipes and what happens at idle (SPEC K1 to K3, I1 to I3, C2, C3), and the reasons that a
 * snapshot gives for what is parked.
 *
 * Every expectation was worked out from the rule that its name cites.
 */
import { describe, expect, test } from "vitest";
import { Canceled, explainParked, type Op, SchedulerHang, type Task } from "../src/sched/index.js";
import { panicOf, traced } from "./support/scheduler-log.js";

const WAITER_PANIC = "sched: wait() — task already has a waiter (one awaiter per task in the M:1 model)";

/** What a wait outside a fiber gives at once. */
function waitNow<T>(task: Task<T>): T {
  const step = task.wait().next();
  if (step.done !== true) throw new Error("the wait parked");
  return step.value;
}

describe("tasks", () => {
  test("a task's fiber runs like any other, and its value goes to whoever waits (K1, K2)", () => {
    const { s, log } = traced();
    const task = s.go(function* () {
      yield* s.sleep(30);
      log("work");
      return 100;
    });
    s.spawn(function* () {
      log(`got ${yield* task.wait()}`);
    });
    s.run();
    expect(log.line()).toBe("work@30 got 100@30");
    expect(s.snapshot()).toMatchObject({ spawned: 2, tasks: [{ state: "ready", waiter: undefined }] });
  });

  test("a ready task gives its value again and again, outside a fiber too (K2)", () => {
    const { s, log } = traced();
    const task = s.go(function* () {
      yield* s.yieldNow();
      return "value";
    });
    s.run();
    s.spawn(function* () {
      log(yield* task.wait());
      log(yield* task.wait());
    });
    s.run();
    expect(log.line()).toBe("value@0 value@0");
    expect(waitNow(task)).toBe("value");
  });

  test("a second waiter of a pending task panics; one of a ready or canceled task does not (K2)", () => {
    const { s } = traced();
    const pending = s.go(() => s.suspend());
    s.spawn(() => pending.wait());
    s.spawn(() => pending.wait());
    expect(panicOf(() => s.run())).toBe(WAITER_PANIC);

    const other = traced();
    const canceled = other.s.go(() => other.s.sleep(1));
    other.s.spawn(other.log.does(() => canceled.cancel()));
    other.s.spawn(function* () {
      yield* canceled.wait();
    });
    expect(() => other.s.run()).toThrow(Canceled);
  });

  test("a waiter that a third party wakes waits on while the task is pending, and keeps its slot (C2)", () => {
    const { s, log } = traced();
    const task = s.go(function* () {
      yield* s.sleep(10);
      return 5;
    });
    const waiter = s.spawn(function* () {
      log(`got ${yield* task.wait()}`);
    });
    s.spawn(function* () {
      for (let i = 0; i < 3; i++) {
        s.wake(waiter);
        yield* s.yieldNow();
        expect(s.snapshot().tasks).toEqual([{ state: "pending", canceled: false, waiter: waiter.id }]);
        log("waked");
      }
    });
    s.run();
    expect(log.line()).toBe("waked@0 waked@0 waked@0 got 5@10");
  });

  test("a waiter that has got its answer is not woken when the task ends (C3)", () => {
    const { s, log } = traced();
    const task = s.go(() => s.sleep(10));
    const waiter = s.spawn(function* () {
      try {
        yield* task.wait();
      } catch (error) {
        expect(error).toBeInstanceOf(Canceled);
        log("canceled");
      }
      yield* s.sleep(100);
      log("slept");
    });
    s.spawn(
      log.does(() => {
        task.cancel();
        s.wake(waiter);
      }),
    );
    s.run();
    expect(log.line()).toBe("canceled@0 slept@100");
  });

  test("work that was canceled before its turn is skipped, and its waiter woken to Canceled (K1, K3)", () => {
    const { s, log } = traced();
    let task: Task<void> | undefined;
    s.spawn(function* () {
      task = s.go(log.says("work"));
      try {
        yield* task.wait();
      } catch (error) {
        log((error as Error).name);
      }
    });
    s.spawn(log.does(() => task!.cancel()));
    s.run();
    // The canceler runs before the work's turn: it was spawned before the `go`.
    expect(log.line()).toBe("Canceled@0");
    expect(s.snapshot()).toMatchObject({ spawned: 3, suspended: 0 });
  });

  test("work that has started runs to its end, and only then its waiter gets Canceled: cancel wakes nobody (K3)", () => {
    const { s, log } = traced();
    const task = s.go(function* () {
      yield* s.sleep(10);
      log("work done");
      return 1;
    });
    s.spawn(function* () {
      yield* s.yieldNow();
      yield* s.sleep(0);
      task.cancel();
      log("canceled");
    });
    s.spawn(function* () {
      try {
        yield* task.wait();
      } catch (error) {
        log((error as Error).name);
      }
    });
    s.run();
    expect(log.line()).toBe("canceled@0 work done@10 Canceled@10");
    expect(() => waitNow(task)).toThrow(Canceled);
  });

  test("a Canceled that no body catches comes out of run (K2)", () => {
    const { s, log } = traced();
    const task = s.go(log.does(() => {}));
    task.cancel();
    s.spawn(() => task.wait());
    expect(() => s.run()).toThrow(new Canceled("the task was canceled"));
  });
});

describe("pipes", () => {
  test("a reader parks until somebody writes, and reads what was written (I1, I2)", () => {
    const { s, log } = traced({ pipes: 1 });
    s.spawn(function* () {
      expect(s.read(0, 8)).toBe("empty");
      yield* s.block(0);
      log(`read ${s.read(0, 8)}`);
    });
    s.spawn(log.does(() => log(`wrote ${s.write(0, 3)}`)));
    s.run();
    expect(log.line()).toBe("wrote 3@0 read 3@0");
  });

  test("a second waiter on one pipe panics with the fd of its read end: pipe 1 is fd 102 (I1)", () => {
    const { s, log } = traced({ pipes: 2 });
    s.spawn(log.blocks("first", 1));
    s.spawn(log.blocks("second", 1));
    expect(panicOf(() => s.run())).toBe(
      "sched: block_on_fd: fd 102 already has a waiter (one waiter per fd in the M:1 model)",
    );
  });

  test("a closed read end cannot be registered; neither can a pipe that is not there (I1)", () => {
    const { s, log } = traced({ pipes: 2 });
    expect([s.close(1, "read"), s.close(1, "read")]).toEqual(["closed", "already"]);
    s.spawn(log.blocks("never", 1));
    expect(panicOf(() => s.run())).toBe("sched: epoll_ctl() failed to register fd 102 for read readiness");
    const { s: other, log: otherLog } = traced();
    other.spawn(otherLog.blocks("never", 0));
    expect(panicOf(() => other.run())).toBe(
      "sched: epoll_ctl() failed to register fd 100 for read readiness",
    );
  });

  test("write and read say why they did nothing (SPEC section 3)", () => {
    const { s } = traced({ pipes: 2 });
    expect([s.write(0, 4096), s.write(0, 1), s.close(0, "read"), s.write(0, 1)]).toEqual([
      4096,
      "full",
      "closed",
      "broken",
    ]);
    expect([s.read(0, 1), s.close(0, "write"), s.write(0, 1)]).toEqual(["closed", "closed", "closed"]);
    expect([s.read(1, 5), s.write(1, 7), s.read(1, 5), s.read(1, 5)]).toEqual(["empty", 7, 5, 2]);
    expect([s.close(1, "write"), s.read(1, 5)]).toEqual(["closed", 0]);
  });

  test("a wait delivers the first 16 of 20 readable pipes; the others keep their places (I2, I3)", () => {
    const { s, log } = traced({ pipes: 20 });
    for (let pipe = 0; pipe < 20; pipe++) {
      s.spawn(function* () {
        yield* s.block(pipe);
        log(String(pipe));
        yield* s.yieldNow();
        log(`${pipe}+`);
      });
    }
    // Written from the last to the first: that is the order of the ready list.
    s.spawn(
      log.does(() => {
        for (let pipe = 19; pipe >= 0; pipe--) s.write(pipe, 1);
      }),
    );
    s.run();
    const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i);
    const batch = (from: number, to: number) =>
      [...down(from, to).map(String), ...down(from, to).map((pipe) => `${pipe}+`)].map((word) => `${word}@0`);
    expect(log.line()).toBe([...batch(19, 4), ...batch(3, 0)].join(" "));
  });

  test("an entry that is not readable when a wait looks at it is dropped and takes no place among 16 (I3)", () => {
    const { s, log } = traced({ pipes: 18 });
    for (let pipe = 0; pipe < 18; pipe++) s.spawn(log.blocks(String(pipe), pipe));
    s.spawn(
      log.does(() => {
        for (let pipe = 0; pipe < 18; pipe++) s.write(pipe, 1);
        s.read(0, 1);
        s.read(9, 1);
      }),
    );
    expect(() => s.run()).toThrow(SchedulerHang);
    expect(log.line().split(" ")).toHaveLength(16);
    expect(s.snapshot().ioWaiters.map(({ pipe }) => pipe)).toEqual([0, 9]);
    expect(s.snapshot().readyList).toEqual([]);
  });
});

describe("idle", () => {
  test("onIdle is asked only when nothing is readable, until something is (I2)", () => {
    let calls = 0;
    const { s, log } = traced({
      pipes: 2,
      onIdle: () => {
        calls++;
        // The first write helps nobody: it is the second pipe that is waited for.
        s.write(calls === 1 ? 0 : 1, 1);
        return true;
      },
    });
    s.spawn(log.sleeps("slept", 10));
    s.spawn(log.blocks("read", 1));
    s.run();
    expect(calls).toBe(2);
    expect(log.line()).toBe("slept@10 read@10");
  });

  test("onIdle is not asked while fibers are only suspended: that is a deadlock (I2, R2)", () => {
    const { s } = traced({
      onIdle: () => {
        throw new Error("asked");
      },
    });
    s.spawn(() => s.suspend());
    expect(panicOf(() => s.run())).toContain("deadlock");
  });

  test("a run that nobody will wake hangs, however many others are suspended, and may go on later (R2, I2)", () => {
    const { s, log } = traced({ pipes: 1 });
    const other = s.spawn(() => s.suspend());
    s.spawn(log.blocks("read", 0));
    expect(() => s.run()).toThrow(SchedulerHang);
    s.write(0, 1);
    s.wake(other);
    s.run();
    expect(log.line()).toBe("read@0");
  });
});

describe("what a snapshot tells", () => {
  test("every parked fiber has its reason, and every list is in the order of action", () => {
    const { s, log } = traced({ pipes: 2 });
    const task = s.go(() => s.sleep(50));
    const bodies: (() => Op)[] = [
      () => task.wait(),
      log.sleeps("", 20),
      log.blocks("", 1),
      log.blocks("", 0),
      () => s.suspend(),
      log.sleeps("", 20),
    ];
    for (const body of bodies) s.spawn(body);
    s.spawn(function* () {
      yield* s.yieldNow();
      s.write(0, 2);
      s.close(1, "write");
      s.spawn(log.says(""));
      const state = s.snapshot();
      expect(state).toEqual({
        clockMs: 0,
        current: 7,
        ready: [8],
        timers: [
          { fiber: 2, deadlineMs: 20 },
          { fiber: 6, deadlineMs: 20 },
          { fiber: 0, deadlineMs: 50 },
        ],
        ioWaiters: [
          { fiber: 3, pipe: 1, readable: true },
          { fiber: 4, pipe: 0, readable: true },
        ],
        readyList: [0, 1],
        pipes: [
          { bytes: 2, readOpen: true, writeOpen: true },
          { bytes: 0, readOpen: true, writeOpen: false },
        ],
        tasks: [{ state: "pending", canceled: false, waiter: 1 }],
        parked: [
          { fiber: 0, reason: { kind: "sleep", deadlineMs: 50 } },
          { fiber: 1, reason: { kind: "wait", task: 0 } },
          { fiber: 2, reason: { kind: "sleep", deadlineMs: 20 } },
          { fiber: 3, reason: { kind: "block", pipe: 1 } },
          { fiber: 4, reason: { kind: "block", pipe: 0 } },
          { fiber: 5, reason: { kind: "suspend" } },
          { fiber: 6, reason: { kind: "sleep", deadlineMs: 20 } },
        ],
        spawned: 9,
        suspended: 7,
        readinessOpen: true,
      });
      for (const { fiber, reason } of state.parked) expect(explainParked(s.core, fiber)).toEqual(reason);
      log("looked");
    });
    expect(panicOf(() => s.run())).toContain("deadlock — 1 fiber(s)");
    expect(log.line()).toContain("looked@0");
  });

  test("a body that yields by itself is an error, not a fiber lost without a word", () => {
    const { s } = traced();
    s.spawn(function* () {
      yield undefined;
    });
    expect(() => s.run()).toThrow("a body yielded outside an operation");
  });
});
