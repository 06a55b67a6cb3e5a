/**
 * The interpreter with an eye on its scheduler: the laws of SPEC section 1 held against every step of a replay.
 *
 * It keeps, beside the scheduler, a plain list for the ready queue and one for the timers, fed by what is asked of the scheduler (spawn,
 * wake, parking) and by nothing that the scheduler answers; each resumption and each wake by the run loop must be the one that
 * the lists call for. `checkScheduler` runs before every record and after every step.
 */
import { isDeepStrictEqual } from "node:util";
import { checkScheduler } from "../src/sched/check-scheduler.js";
import { FiberState, NONE, RunEnd } from "../src/sched/scheduler-core.js";
import { snapshotOf } from "../src/sched/snapshot.js";
import { encodeProgram } from "../src/sim/encode-program.js";
import { Interpreter } from "../src/sim/interpreter.js";
import type { Program } from "../src/sim/program.js";
import { must } from "./laws.js";

/** I2: MAXEV. */
const EVENTS_OF_A_WAIT = 16;

export class WatchedInterpreter extends Interpreter {
  /** Fibers in the order in which they are to run. */
  #queue: number[] = [];
  /** In order of arming. */
  #timers: { readonly fiber: number; readonly deadlineMs: number }[] = [];
  /** Fibers whose events the current wait delivers, in order (I2). */
  #delivered: number[] = [];
  /** Parks that have not been ended by a wake, by fiber. */
  #parks: number[] = [];
  #isRunning = false;
  #clockMs = 0;
  /** Steps watched in all replays. */
  steps = 0;

  constructor() {
    super();
    this.#watchSpawn();
    this.#watchWake();
    this.#watchCancel();
    this.#watchRun();
  }

  /** Replays a program from a fresh scheduler; throws at the first step that breaks a law. Gives the trace, a copy. */
  watch(program: Program): Int32Array {
    this.#queue = [];
    this.#timers = [];
    this.#delivered = [];
    this.#parks = [];
    this.#isRunning = false;
    this.#clockMs = 0;
    this.trace.clear();
    this.#watchRecords(0);
    this.replay(encodeProgram(program), 0);
    return this.trace.words.slice(0, this.trace.position);
  }

  override resume(fiber: number): void {
    const { core } = this;
    must(this.#delivered.length === 0, `${this.#delivered} were delivered and not woken (I2)`);
    must(fiber === this.#queue.shift(), `fiber ${fiber} runs before its turn: the queue is FIFO`);
    this.#check();
    super.resume(fiber);
    this.steps++;
    const isStopped = core.panicMessage !== undefined || core.stateOf(fiber) === FiberState.running;
    if (isStopped) return;
    if (core.stateOf(fiber) === FiberState.suspended) {
      this.#parks[fiber] = this.#parks[fiber]! + 1;
      if (core.timers.has(fiber)) this.#timers.push({ fiber, deadlineMs: core.timers.deadlineMsOf(fiber) });
    }
    this.#check();
    if (core.stateOf(fiber) === FiberState.ready) this.#queue.push(fiber);
  }

  override idle(): boolean {
    const { core } = this;
    must(this.#queue.length === 0, `waits for fds before ${this.#queue} have run (R1)`);
    must(this.#timers.length === 0, "waits for fds while a timer is armed (T3)");
    const goesOn = super.idle();
    const readable = core.pipes.readyList().filter((pipe) => core.pipes.isReadable(pipe));
    if (goesOn) must(readable.length > 0, "waits for fds, none of which is readable");
    this.#delivered = readable.slice(0, EVENTS_OF_A_WAIT).map((pipe) => core.pipeWaiterOf(pipe));
    return goesOn;
  }

  #watchRecords(position: number): void {
    this.trace.watch(position, () => {
      this.#check();
      this.#watchRecords(this.trace.position + 1);
    });
  }

  #check(): void {
    const { core } = this;
    checkScheduler(core, this.#clockMs);
    this.#clockMs = core.clockMs;
    const parked = this.#parks.reduce((sum, parks) => sum + parks, 0);
    // Between a body's own park and the end of its step, this list is one behind; no record is written there.
    must(parked === core.suspendedCount, `n_suspended is ${core.suspendedCount}, parked are ${parked}`);
  }

  #watchSpawn(): void {
    const spawn = this.core.spawn.bind(this.core);
    this.core.spawn = () => {
      const fiber = spawn();
      this.#queue.push(fiber);
      this.#parks[fiber] = 0;
      return fiber;
    };
  }

  #watchWake(): void {
    const { core } = this;
    const wake = core.wake.bind(core);
    core.wake = (fiber) => {
      if (this.#isRunning && core.current === NONE) this.#assertLoopMayWake(fiber);
      const before = { state: core.stateOf(fiber), queued: core.ready.length, parked: core.suspendedCount };
      wake(fiber);
      if (before.state !== FiberState.suspended) {
        const after = { state: core.stateOf(fiber), queued: core.ready.length, parked: core.suspendedCount };
        must(isDeepStrictEqual(before, after), `wake of fiber ${fiber}, not suspended, did something (F4)`);
        return;
      }
      must(this.#parks[fiber] === 1, `fiber ${fiber} is woken, parked ${this.#parks[fiber]} times`);
      must(core.stateOf(fiber) === FiberState.ready, `fiber ${fiber} is woken and not ready`);
      must(!core.timers.has(fiber), `the timer of fiber ${fiber} outlives its wake (F4)`);
      must(core.pipeWaitedOnBy(fiber) === NONE, `the io waiter of fiber ${fiber} outlives its wake (F4)`);
      this.#parks[fiber] = 0;
      this.#timers = this.#timers.filter((timer) => timer.fiber !== fiber);
      this.#queue.push(fiber);
    };
  }

  /** T2, T3, I2: whom the run loop may wake now. */
  #assertLoopMayWake(fiber: number): void {
    if (this.#timers.length === 0) {
      must(fiber === this.#delivered.shift(), `fiber ${fiber} is woken out of the order of delivery (I2)`);
      return;
    }
    must(this.#queue.length === 0, `a timer fires before ${this.#queue} have run (T2)`);
    let first = this.#timers[0]!;
    for (const timer of this.#timers) if (timer.deadlineMs < first.deadlineMs) first = timer;
    must(fiber === first.fiber, `the timer of fiber ${fiber} fires before that of ${first.fiber} (T2)`);
    must(this.core.clockMs === first.deadlineMs, `fired at ${this.core.clockMs}, due at ${first.deadlineMs}`);
  }

  /** K3: cancel changes the task and nothing else; it wakes nobody. */
  #watchCancel(): void {
    const { core } = this;
    const cancel = core.cancel.bind(core);
    core.cancel = (task) => {
      const before = snapshotOf(core);
      cancel(task);
      const after = snapshotOf(core);
      must(after.tasks[task]?.state === "canceled", `task ${task} is not canceled`);
      const tasks = after.tasks.with(task, { ...before.tasks[task]!, waiter: after.tasks[task]!.waiter });
      must(isDeepStrictEqual({ ...after, tasks }, before), `cancel of task ${task} did something else (K3)`);
    };
  }

  /** R1: whoever calls run finds it idle, or never comes back. */
  #watchRun(): void {
    const { core } = this;
    const run = core.run.bind(core);
    core.run = (bodies) => {
      const wasRunning = this.#isRunning;
      this.#isRunning = true;
      const end = run(bodies);
      this.#isRunning = wasRunning;
      if (end === RunEnd.idle) {
        const { ready, timers, ioWaiters, parked, suspended } = snapshotOf(core);
        const left = [ready, timers, ioWaiters, parked].map((list) => list.length);
        must(isDeepStrictEqual([...left, suspended], [0, 0, 0, 0, 0]), `run is not idle at its end: ${left}`);
      } else {
        const isStuck = core.panicMessage !== undefined || core.current !== NONE || core.ioWaiterCount > 0;
        must(isStuck, "run came back for no reason");
      }
      return end;
    };
  }
}
