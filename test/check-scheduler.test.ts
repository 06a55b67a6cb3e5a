/**
 * The checker of the model's invariants finds state that is broken on purpose: each case breaks one thing and reads what it says.
 */
import { describe, expect, test } from "vitest";
import { checkScheduler, SchedulerCore } from "../src/sched/index.js";

/**
 * A core in the middle of a run: fiber 0 sleeps until 10, 1 blocks on pipe 0, 2 waits for task 0 (pending, its own fiber 3, which is
 * suspended), 4 is ready, 5 is running.
 */
function brokenBy(breakIt: (core: SchedulerCore) => unknown): string {
  const core = new SchedulerCore();
  core.reset(2);
  const task = core.newTask();
  for (let fiber = 0; fiber < 6; fiber++) core.spawn();
  let complaint = "nothing";
  core.run({
    resume(fiber) {
      if (fiber === 0) core.sleep(10);
      else if (fiber === 1) core.blockOnPipe(0, true);
      else if (fiber === 2) core.wait(task);
      else if (fiber === 3) core.suspendSelf();
      else if (fiber === 4) core.yieldNow();
      else {
        checkScheduler(core, 0);
        try {
          breakIt(core);
          checkScheduler(core, 0);
        } catch (error) {
          complaint = (error as Error).message;
        }
        core.stop();
      }
    },
    idle: () => false,
  });
  return complaint;
}

describe("the checker", () => {
  test("state that nobody broke passes", () => {
    expect(brokenBy(() => {})).toBe("nothing");
  });

  test.each<[what: string, breakIt: (core: SchedulerCore) => unknown, complaint: string]>([
    [
      "a clock that went back",
      (core) => Object.assign(core, { clockMs: -1 }),
      "the clock went back from 0 to -1",
    ],
    ["a fiber queued twice", (core) => core.ready.push(4), "a fiber is queued twice: 4,4"],
    [
      "a suspended fiber in the queue",
      (core) => core.ready.push(3),
      "ready queue holds fiber 3, which is not ready",
    ],
    [
      "a timer of a running fiber",
      (core) => core.timers.arm(5, 20),
      "fiber 5 has a timer and is not suspended",
    ],
    [
      "a timer of a fiber that blocks",
      (core) => core.timers.arm(1, 20),
      "fiber 1 has a timer and waits on a pipe",
    ],
    [
      "a wrong count of suspended fibers",
      (core) => void core.suspendedCount++,
      "4 fibers are suspended, 5 counted",
    ],
    [
      "a forgotten running fiber",
      (core) => Object.assign(core, { current: -1 }),
      "1 fibers are running, the current one is -1",
    ],
    [
      "a current fiber that is parked",
      (core) => Object.assign(core, { current: 3 }),
      "1 fibers are running, the current one is 3",
    ],
    ["a wrong count of io waiters", (core) => void core.ioWaiterCount++, "1 io waiters, 2 counted"],
    [
      "a timer in the past",
      (core) => Object.assign(core, { clockMs: 11 }),
      "the timer of fiber 0 is in the past",
    ],
    [
      "a task that has forgotten its waiter",
      (core) => {
        // A fresh task takes the slot of task 0, whose waiter is parked.
        core.taskCount = 0;
        core.newTask();
      },
      "task 0 has another waiter than 2",
    ],
    [
      "pipes that have forgotten their waiters",
      (core) => {
        const { pipeWaiterOf } = core;
        core.pipeWaiterOf = (pipe) => (pipe === 0 ? 4 : pipeWaiterOf.call(core, pipe));
      },
      "pipe 0 has another waiter than 1",
    ],
    [
      "timers that fire in the wrong order",
      (core) => {
        core.timers.arm(3, 20);
        core.timers.toArray = () => [3, 0];
      },
      "timers are out of order",
    ],
  ])("%s is found", (_what, breakIt, complaint) => {
    expect(brokenBy(breakIt)).toBe(`scheduler invariant broken: ${complaint}`);
  });
});
