/**
 * The scheduler model: SPEC sections 1 and 2 over fibers and tasks that are numbers.
 *
 * It decides who runs next and when, and nothing else: a fiber's body is whatever `FiberBodies.resume` does until it calls an
 * operation that parks. So the interpreter of encoded programs and generator bodies (`scheduler.ts`) share this one scheduler.
 * State lies in typed arrays and nothing is allocated per event. A panic is a recorded text, not a throw: operations answer with
 * a `Step` and the run loop stops. Invariants are in `check-scheduler.ts`.
 */
import {
  blockTakenPanic,
  deadlockPanic,
  Panic,
  registerFailedPanic,
  sleepNegativePanic,
  sleepOverflowPanic,
} from "./panics.js";
import { EVENTS_MAX, PipeTable, readFdOf } from "./pipes.js";
import type { Readiness } from "./readiness.js";
import { ReadyQueue } from "./ready-queue.js";
import { TimerHeap } from "./timer-heap.js";

/** No fiber, no task, no pipe. */
export const NONE = -1;

/** The latest time that the virtual clock can show: 2^53 - 1 ms (T1, C4). */
const CLOCK_MS_MAX = Number.MAX_SAFE_INTEGER;

/** States of a fiber. */
export const FiberState = { ready: 0, running: 1, suspended: 2, done: 3 } as const;
/** States of a task. */
export const TaskState = { pending: 0, ready: 1, canceled: 2 } as const;

/** What a suspended fiber's state says beside: what there is to evict when it is woken (F4). The state itself is the two lowest bits. */
const EVICT_TIMER = 4;
const EVICT_IO_WAITER = 8;
const STATE_BITS = 3;

/** A fiber's words: its state with its evictions, the pipe that it blocks on, the task that it waits for. */
const FIBER_SHIFT = 2;
const FIBER_PIPE = 1;
const FIBER_TASK = 2;
/** A task's words: its state, whether it was canceled, the fiber that waits for it. */
const TASK_SHIFT = 2;
const TASK_CANCELED = 1;
const TASK_WAITER = 2;

/** What an operation means for the body that called it: go on, switch away, or stop for ever. */
export const Step = { proceed: 0, parked: 1, panicked: 2, canceled: 3 } as const;
export type Step = (typeof Step)[keyof typeof Step];

/** Why `run` came back: idle (R1), a panic, or a stop asked for by the bodies (`stop`, or idle with nobody left to write). */
export const RunEnd = { idle: 0, panicked: 1, stopped: 2 } as const;
export type RunEnd = (typeof RunEnd)[keyof typeof RunEnd];

/** What fibers do: the core decides only who runs next, and when. */
export interface FiberBodies {
  /** Runs the fiber until an operation of it answers `parked` or `panicked`, or until it has called `finish`. */
  resume(fiber: number): void;
  /** Called before each wait of I2; false when no waited-for pipe will ever be readable: `run` then stops. */
  idle(): boolean;
}

// What a module exports, and what objects hold, is looked up at each use; numbers that it keeps to itself are compiled in.
const { ready: FIBER_READY, running: FIBER_RUNS, suspended: FIBER_SUSPENDED, done: FIBER_DONE } = FiberState;
const { pending: WORK_PENDING, ready: WORK_READY, canceled: WORK_CANCELED } = TaskState;
const { parked: STEP_PARKED, proceed: STEP_PROCEED, canceled: STEP_CANCELED, panicked: STEP_PANICKED } = Step;
const { panicked: END_PANICKED, stopped: END_STOPPED, idle: END_IDLE } = RunEnd;
const NO_ONE = NONE;

/** The scheduler over fibers and tasks that are numbers (SPEC section 1), for interpreters of bodies. */
export class SchedulerCore {
  readonly pipes = new PipeTable();
  readonly ready = new ReadyQueue();
  readonly timers = new TimerHeap();
  /** The virtual clock, in milliseconds: 0 to CLOCK_MS_MAX, never back. */
  clockMs = 0;
  /** The running fiber, or NONE. */
  current = NO_ONE;
  spawnedCount = 0;
  suspendedCount = 0;
  taskCount = 0;
  ioWaiterCount = 0;
  /** Whose order of delivery it keeps (I3). Not to be changed while it runs. */
  readiness: Readiness = "epoll";
  /** True from the first block to deinit (I1, R3). */
  readinessOpen = false;
  /** The text of the panic that ended everything, or undefined. */
  panicMessage: string | undefined;

  #fiberCapacity = 64;
  #fibers = new Int32Array(64 << FIBER_SHIFT);
  #taskCapacity = 64;
  #tasks = new Int32Array(64 << TASK_SHIFT);
  #pipeWaiter = new Int32Array(0);
  #pipeArmed = new Float64Array(0);
  #armedCount = 0;
  #stopAsked = false;
  readonly #delivered = new Int32Array(EVENTS_MAX);

  /** Starts anew with `pipeCount` open, empty pipes; costs what the last use left behind, not what is reserved. */
  reset(pipeCount: number): void {
    this.pipes.reset(pipeCount);
    if (pipeCount > this.#pipeWaiter.length) {
      this.#pipeWaiter = new Int32Array(pipeCount);
      this.#pipeArmed = new Float64Array(pipeCount);
    }
    for (let pipe = 0; pipe < pipeCount; pipe++) this.#pipeWaiter[pipe] = NO_ONE;
    this.ready.clear();
    this.timers.clear();
    this.clockMs = 0;
    this.current = NO_ONE;
    this.spawnedCount = 0;
    this.suspendedCount = 0;
    this.taskCount = 0;
    this.ioWaiterCount = 0;
    this.readinessOpen = false;
    this.panicMessage = undefined;
    this.#armedCount = 0;
    this.#stopAsked = false;
  }

  stateOf(fiber: number): number {
    return this.#fibers[fiber << FIBER_SHIFT]! & STATE_BITS;
  }

  /** F1: a new fiber, ready, at the tail of the queue. Its number is the order of spawning, from 0. */
  spawn(): number {
    const fiber = this.spawnedCount++;
    if (fiber === this.#fiberCapacity) this.#growFibers();
    const row = fiber << FIBER_SHIFT;
    this.#fibers[row] = FIBER_READY;
    this.#fibers[row + FIBER_PIPE] = NO_ONE;
    this.#fibers[row + FIBER_TASK] = NO_ONE;
    this.ready.push(fiber);
    return fiber;
  }

  /** F2: the run loop appends the fiber after the switch, behind those it woke and spawned. */
  yieldNow(): Step {
    if (this.current === NO_ONE) return this.panic(Panic.yieldOutside);
    this.#fibers[this.current << FIBER_SHIFT] = FIBER_READY;
    return STEP_PARKED;
  }

  /** F3 */
  suspendSelf(): Step {
    if (this.current === NO_ONE) return this.panic(Panic.suspendOutside);
    return this.#park(0);
  }

  /** F4: nothing unless the fiber is suspended; else evicts its timer and its io waiter and appends it. */
  wake(fiber: number): void {
    const row = fiber << FIBER_SHIFT;
    const state = this.#fibers[row]!;
    if ((state & STATE_BITS) !== FIBER_SUSPENDED) return;
    if (state !== FIBER_SUSPENDED) this.#evict(fiber, state);
    this.suspendedCount--;
    this.#fibers[row] = FIBER_READY;
    this.ready.push(fiber);
  }

  /** F5: the body of the running fiber has ended. */
  finish(): void {
    this.#fibers[this.current << FIBER_SHIFT] = FIBER_DONE;
  }

  /** T1: `ms` in virtual milliseconds, an integer within ±(2^53 - 1). */
  sleep(ms: number): Step {
    if (this.current === NO_ONE) return this.panic(Panic.sleepOutside);
    if (ms < 0) return this.panic(sleepNegativePanic(ms));
    if (ms > CLOCK_MS_MAX - this.clockMs) return this.panic(sleepOverflowPanic(ms));
    this.timers.arm(this.current, this.clockMs + ms);
    return this.#park(EVICT_TIMER);
  }

  /** I1, on the read end of a pipe; the checks come in the order of the rule. */
  blockOnPipe(pipe: number, wantRead: boolean): Step {
    const fiber = this.current;
    if (fiber === NO_ONE) return this.panic(Panic.blockOutside);
    if (!wantRead) return this.panic(Panic.blockForWrite);
    if (pipe < this.pipes.count && this.#pipeWaiter[pipe] !== NO_ONE)
      return this.panic(blockTakenPanic(readFdOf(pipe)));
    this.readinessOpen = true;
    if (!this.pipes.register(pipe)) return this.panic(registerFailedPanic(readFdOf(pipe), this.readiness));
    this.#pipeWaiter[pipe] = fiber;
    this.#pipeArmed[pipe] = this.#armedCount++;
    this.#fibers[(fiber << FIBER_SHIFT) + FIBER_PIPE] = pipe;
    this.ioWaiterCount++;
    return this.#park(EVICT_IO_WAITER);
  }

  /** R1: drains the ready queue, fires one timer, waits for pipes, in this order of precedence, until nothing is left (R2). */
  run(bodies: FiberBodies): RunEnd {
    if (this.current !== NO_ONE) {
      this.panic(Panic.runInside);
      return END_PANICKED;
    }
    const { ready } = this;
    for (;;) {
      while (ready.length > 0) {
        const fiber = ready.shift();
        this.current = fiber;
        this.#fibers[fiber << FIBER_SHIFT] = FIBER_RUNS;
        bodies.resume(fiber);
        if (this.#stopAsked) return this.panicMessage === undefined ? END_STOPPED : END_PANICKED;
        this.current = NO_ONE;
        if (this.#fibers[fiber << FIBER_SHIFT] === FIBER_READY) ready.push(fiber);
      }
      const sleeper = this.timers.popEarliest();
      if (sleeper !== NO_ONE) {
        this.clockMs = this.timers.deadlineMsOf(sleeper);
        this.#fibers[sleeper << FIBER_SHIFT] = FIBER_SUSPENDED;
        this.wake(sleeper);
      } else if (this.ioWaiterCount > 0) {
        if (!bodies.idle()) return END_STOPPED;
        this.#deliverEvents();
      } else if (this.suspendedCount !== 0) {
        this.panic(deadlockPanic(this.suspendedCount));
        return END_PANICKED;
      } else {
        return END_IDLE;
      }
    }
  }

  /** Ends everything without a panic: `run` comes back with `stopped` when the running body returns to it. */
  stop(): void {
    this.#stopAsked = true;
  }

  /** R3: idempotent. Answers `panicked` inside a fiber (C6), else `proceed`. */
  deinit(): Step {
    if (this.current !== NO_ONE) return this.panic(Panic.deinitInside);
    this.ready.clear();
    this.timers.clear();
    this.taskCount = 0;
    this.readinessOpen = false;
    return STEP_PROCEED;
  }

  /** K1: a pending task. Its fiber is the one spawned right after, by the caller of `go`: `task`, then `spawn`. */
  newTask(): number {
    const task = this.taskCount++;
    if (task === this.#taskCapacity) this.#growTasks();
    const row = task << TASK_SHIFT;
    this.#tasks[row] = WORK_PENDING;
    this.#tasks[row + TASK_CANCELED] = 0;
    this.#tasks[row + TASK_WAITER] = NO_ONE;
    return task;
  }

  /** K1, at the start of the task's fiber: false when it was canceled, and the work is to be skipped. */
  beginsWork(task: number): boolean {
    return this.#tasks[(task << TASK_SHIFT) + TASK_CANCELED] === 0;
  }

  /** K1, at the end of the work: the value is there. */
  completeWork(task: number): void {
    this.#tasks[task << TASK_SHIFT] = WORK_READY;
  }

  /** K1, last: whoever waits for the task is woken, work or no work. */
  wakeWaiter(task: number): void {
    const waiter = this.taskWaiterOf(task);
    if (waiter !== NO_ONE) this.wake(waiter);
  }

  /** K2: `proceed` when the value is there, `canceled`, `parked` (call `rewait` on resuming) or `panicked`. */
  wait(task: number): Step {
    const row = task << TASK_SHIFT;
    if (this.#tasks[row + TASK_CANCELED] === 1) return STEP_CANCELED;
    if (this.#tasks[row] === WORK_READY) return STEP_PROCEED;
    if (this.#tasks[row + TASK_WAITER] !== NO_ONE) return this.panic(Panic.waitTaken);
    if (this.current === NO_ONE) return this.panic(Panic.suspendOutside);
    this.#tasks[row + TASK_WAITER] = this.current;
    this.#fibers[(this.current << FIBER_SHIFT) + FIBER_TASK] = task;
    return this.#park(0);
  }

  /** K2, on resuming from `wait`: parks again while the task is pending (C2), else empties the waiter's slot (C3). */
  rewait(task: number): Step {
    const row = task << TASK_SHIFT;
    const isCanceled = this.#tasks[row + TASK_CANCELED] === 1;
    if (!isCanceled && this.#tasks[row] === WORK_PENDING) return this.#park(0);
    this.#tasks[row + TASK_WAITER] = NO_ONE;
    this.#fibers[(this.current << FIBER_SHIFT) + FIBER_TASK] = NO_ONE;
    return isCanceled ? STEP_CANCELED : STEP_PROCEED;
  }

  /** K3: wakes nobody. */
  cancel(task: number): void {
    this.#tasks[(task << TASK_SHIFT) + TASK_CANCELED] = 1;
    this.#tasks[task << TASK_SHIFT] = WORK_CANCELED;
  }

  taskStateOf(task: number): number {
    return this.#tasks[task << TASK_SHIFT]!;
  }

  isCanceled(task: number): boolean {
    return this.#tasks[(task << TASK_SHIFT) + TASK_CANCELED] === 1;
  }

  taskWaiterOf(task: number): number {
    return this.#tasks[(task << TASK_SHIFT) + TASK_WAITER]!;
  }

  /** The pipe that the fiber is registered as the waiter of, or NONE. */
  pipeWaitedOnBy(fiber: number): number {
    return this.#fibers[(fiber << FIBER_SHIFT) + FIBER_PIPE]!;
  }

  /** The task that the fiber waits for, woken early or not, or NONE. */
  taskWaitedOnBy(fiber: number): number {
    return this.#fibers[(fiber << FIBER_SHIFT) + FIBER_TASK]!;
  }

  pipeWaiterOf(pipe: number): number {
    return this.#pipeWaiter[pipe]!;
  }

  /** The pipes that have a waiter, in order of arming. A copy. */
  waitedPipes(): number[] {
    const pipes: number[] = [];
    for (let pipe = 0; pipe < this.pipes.count; pipe++)
      if (this.#pipeWaiter[pipe] !== NO_ONE) pipes.push(pipe);
    return pipes.sort((a, b) => this.#pipeArmed[a]! - this.#pipeArmed[b]!);
  }

  /** True while a pipe that somebody waits for is readable, so that a wait would deliver it. */
  hasReadableWaiter(): boolean {
    for (let pipe = 0; pipe < this.pipes.count; pipe++) {
      if (this.#pipeWaiter[pipe] !== NO_ONE && this.pipes.isReadable(pipe)) return true;
    }
    return false;
  }

  /** Records a panic and stops the run loop. The first one stands. */
  panic(message: string): Step {
    this.panicMessage ??= message;
    this.#stopAsked = true;
    return STEP_PANICKED;
  }

  /** I2: wakes the waiters of at most EVENTS_MAX readable pipes, in the order delivered; an event with no waiter is dropped. */
  #deliverEvents(): void {
    const count = this.pipes.wait(this.#delivered);
    for (let i = 0; i < count; i++) {
      const pipe = this.#delivered[i]!;
      const fiber = this.#pipeWaiter[pipe]!;
      if (fiber !== NO_ONE) {
        this.#dropWaiter(fiber, pipe);
        this.#fibers[fiber << FIBER_SHIFT] = FIBER_SUSPENDED;
        this.wake(fiber);
      }
      this.pipes.deregister(pipe);
    }
  }

  /** F3 for the running fiber, with what a wake will have to evict. */
  #park(evictions: number): Step {
    this.#fibers[this.current << FIBER_SHIFT] = FIBER_SUSPENDED | evictions;
    this.suspendedCount++;
    return STEP_PARKED;
  }

  /** F4: the fiber's timer, or its io waiter. */
  #evict(fiber: number, state: number): void {
    if ((state & EVICT_TIMER) !== 0) {
      this.timers.remove(fiber);
      return;
    }
    const pipe = this.pipeWaitedOnBy(fiber);
    this.#dropWaiter(fiber, pipe);
    if (this.readiness === "epoll") this.pipes.deregister(pipe);
  }

  #dropWaiter(fiber: number, pipe: number): void {
    this.#pipeWaiter[pipe] = NO_ONE;
    this.#fibers[(fiber << FIBER_SHIFT) + FIBER_PIPE] = NO_ONE;
    this.ioWaiterCount--;
  }

  #growFibers(): void {
    this.#fiberCapacity *= 2;
    this.#fibers = widened(this.#fibers, this.#fiberCapacity << FIBER_SHIFT);
    this.timers.reserve(this.#fiberCapacity);
  }

  #growTasks(): void {
    this.#taskCapacity *= 2;
    this.#tasks = widened(this.#tasks, this.#taskCapacity << TASK_SHIFT);
  }
}

function widened(from: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}
