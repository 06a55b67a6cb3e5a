/**
 * The internal checks of the model: what must be true of a scheduler between any two operations.
 *
 * Tests call `checkScheduler` after each step; it costs O(fibers), so it is no part of a normal replay. It implements no rule: it
 * states what the rules F1 to R3 keep true together.
 */
import { FiberState, NONE, type SchedulerCore } from "./scheduler-core.js";

/** Throws an `Error` that names the broken invariant. `clockMsBefore` is what the clock showed at an earlier check, 0 at first. */
export function checkScheduler(core: SchedulerCore, clockMsBefore: number): void {
  invariant(core.clockMs >= clockMsBefore, `the clock went back from ${clockMsBefore} to ${core.clockMs}`);

  const queued = core.ready.toArray();
  invariant(new Set(queued).size === queued.length, `a fiber is queued twice: ${queued}`);
  for (const fiber of queued) {
    invariant(
      core.stateOf(fiber) === FiberState.ready,
      `ready queue holds fiber ${fiber}, which is not ready`,
    );
  }

  let suspended = 0;
  let running = 0;
  for (let fiber = 0; fiber < core.spawnedCount; fiber++) {
    const isSuspended = core.stateOf(fiber) === FiberState.suspended;
    const pipe = core.pipeWaitedOnBy(fiber);
    if (isSuspended) suspended++;
    if (core.stateOf(fiber) === FiberState.running) running++;
    invariant(isSuspended || !core.timers.has(fiber), `fiber ${fiber} has a timer and is not suspended`);
    invariant(isSuspended || pipe === NONE, `fiber ${fiber} waits on a pipe and is not suspended`);
    invariant(!core.timers.has(fiber) || pipe === NONE, `fiber ${fiber} has a timer and waits on a pipe`);
    invariant(
      pipe === NONE || core.pipeWaiterOf(pipe) === fiber,
      `pipe ${pipe} has another waiter than ${fiber}`,
    );
    const task = core.taskWaitedOnBy(fiber);
    invariant(
      task === NONE || core.taskWaiterOf(task) === fiber,
      `task ${task} has another waiter than ${fiber}`,
    );
  }
  invariant(
    suspended === core.suspendedCount,
    `${suspended} fibers are suspended, ${core.suspendedCount} counted`,
  );
  const runs = core.current !== NONE && core.stateOf(core.current) === FiberState.running;
  invariant(running === (runs ? 1 : 0), `${running} fibers are running, the current one is ${core.current}`);

  const waited = core.waitedPipes();
  invariant(
    waited.length === core.ioWaiterCount,
    `${waited.length} io waiters, ${core.ioWaiterCount} counted`,
  );
  for (const pipe of waited) {
    invariant(
      core.pipeWaitedOnBy(core.pipeWaiterOf(pipe)) === pipe,
      `the waiter of pipe ${pipe} waits elsewhere`,
    );
  }

  const firing = core.timers.toArray();
  for (let i = 1; i < firing.length; i++) {
    const earlierMs = core.timers.deadlineMsOf(firing[i - 1]!);
    invariant(earlierMs <= core.timers.deadlineMsOf(firing[i]!), "timers are out of order");
  }
  for (const fiber of firing) {
    invariant(core.timers.deadlineMsOf(fiber) >= core.clockMs, `the timer of fiber ${fiber} is in the past`);
  }
}

function invariant(condition: boolean, text: string): asserts condition {
  if (!condition) throw new Error(`scheduler invariant broken: ${text}`);
}
