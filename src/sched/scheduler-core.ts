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

/** The scheduler over fibers and tasks that are numbers (SPEC section 1), for interpreters of bodies. */
export class SchedulerCore {
  readonly pipes = new PipeTable();
  readonly ready = new ReadyQueue();
  readonly timers = new TimerHeap();
  /** The virtual clock, in milliseconds: 0 to CLOCK_MS_MAX, never back. */
  clockMs = 0;
  /** The running fiber, or NONE. */
  current = NONE;
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
  #state = new Uint8Array(64);
  #waitsOnPipe = new Int32Array(64);
  #waitsOnTask = new Int32Array(64);
  #taskCapacity = 64;
  #taskState = new Uint8Array(64);
  #taskCanceled = new Uint8Array(64);
  #taskWaiter = new Int32Array(64);
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
    this.#pipeWaiter.fill(NONE, 0, pipeCount);
    this.ready.clear();
    this.timers.clear();
    this.clockMs = 0;
    this.current = NONE;
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
    return this.#state[fiber]!;
  }

  /** F1: a new fiber, ready, at the tail of the queue. Its number is the order of spawning, from 0. */
  spawn(): number {
    const fiber = this.spawnedCount++;
    if (fiber === this.#fiberCapacity) this.#growFibers();
    this.#state[fiber] = FiberState.ready;
    this.#waitsOnPipe[fiber] = NONE;
    this.#waitsOnTask[fiber] = NONE;
    this.ready.push(fiber);
    return fiber;
  }

  /** F2: the run loop appends the fiber after the switch, behind those it woke and spawned. */
  yieldNow(): Step {
    if (this.current === NONE) return this.panic(Panic.yieldOutside);
    this.#state[this.current] = FiberState.ready;
    return Step.parked;
  }

  /** F3 */
  suspendSelf(): Step {
    if (this.current === NONE) return this.panic(Panic.suspendOutside);
    this.#state[this.current] = FiberState.suspended;
    this.suspendedCount++;
    return Step.parked;
  }

  /** F4: nothing unless the fiber is suspended; else evicts its timer and its io waiter and appends it. */
  wake(fiber: number): void {
    if (this.#state[fiber] !== FiberState.suspended) return;
    if (this.timers.has(fiber)) this.timers.remove(fiber);
    const pipe = this.#waitsOnPipe[fiber]!;
    if (pipe !== NONE) {
      this.#dropWaiter(fiber, pipe);
      if (this.readiness === "epoll") this.pipes.deregister(pipe);
    }
    this.suspendedCount--;
    this.#state[fiber] = FiberState.ready;
    this.ready.push(fiber);
  }

  /** F5: the body of the running fiber has ended. */
  finish(): void {
    this.#state[this.current] = FiberState.done;
  }

  /** T1: `ms` in virtual milliseconds, an integer within ±(2^53 - 1). */
  sleep(ms: number): Step {
    if (this.current === NONE) return this.panic(Panic.sleepOutside);
    if (ms < 0) return this.panic(sleepNegativePanic(ms));
    if (ms > CLOCK_MS_MAX - this.clockMs) return this.panic(sleepOverflowPanic(ms));
    this.timers.arm(this.current, this.clockMs + ms);
    return this.suspendSelf();
  }

  /** I1, on the read end of a pipe; the checks come in the order of the rule. */
  blockOnPipe(pipe: number, wantRead: boolean): Step {
    const fiber = this.current;
    if (fiber === NONE) return this.panic(Panic.blockOutside);
    if (!wantRead) return this.panic(Panic.blockForWrite);
    if (pipe < this.pipes.count && this.#pipeWaiter[pipe] !== NONE)
      return this.panic(blockTakenPanic(readFdOf(pipe)));
    this.readinessOpen = true;
    if (!this.pipes.register(pipe)) return this.panic(registerFailedPanic(readFdOf(pipe), this.readiness));
    this.#pipeWaiter[pipe] = fiber;
    this.#pipeArmed[pipe] = this.#armedCount++;
    this.#waitsOnPipe[fiber] = pipe;
    this.ioWaiterCount++;
    return this.suspendSelf();
  }

  /** R1: drains the ready queue, fires one timer, waits for pipes, in this order of precedence, until nothing is left (R2). */
  run(bodies: FiberBodies): RunEnd {
    if (this.current !== NONE) {
      this.panic(Panic.runInside);
      return RunEnd.panicked;
    }
    for (;;) {
      while (this.ready.length > 0) {
        const fiber = this.ready.shift();
        this.current = fiber;
        this.#state[fiber] = FiberState.running;
        bodies.resume(fiber);
        if (this.#stopAsked) return this.panicMessage === undefined ? RunEnd.stopped : RunEnd.panicked;
        this.current = NONE;
        if (this.#state[fiber] === FiberState.ready) this.ready.push(fiber);
      }
      const sleeper = this.timers.popEarliest();
      if (sleeper !== NONE) {
        this.clockMs = this.timers.deadlineMsOf(sleeper);
        this.wake(sleeper);
      } else if (this.ioWaiterCount > 0) {
        if (!bodies.idle()) return RunEnd.stopped;
        this.#deliverEvents();
      } else if (this.suspendedCount !== 0) {
        this.panic(deadlockPanic(this.suspendedCount));
        return RunEnd.panicked;
      } else {
        return RunEnd.idle;
      }
    }
  }

  /** Ends everything without a panic: `run` comes back with `stopped` when the running body returns to it. */
  stop(): void {
    this.#stopAsked = true;
  }

  /** R3: idempotent. Answers `panicked` inside a fiber (C6), else `proceed`. */
  deinit(): Step {
    if (this.current !== NONE) return this.panic(Panic.deinitInside);
    this.ready.clear();
    this.timers.clear();
    this.taskCount = 0;
    this.readinessOpen = false;
    return Step.proceed;
  }

  /** K1: a pending task. Its fiber is the one spawned right after, by the caller of `go`: `task`, then `spawn`. */
  newTask(): number {
    const task = this.taskCount++;
    if (task === this.#taskCapacity) this.#growTasks();
    this.#taskState[task] = TaskState.pending;
    this.#taskCanceled[task] = 0;
    this.#taskWaiter[task] = NONE;
    return task;
  }

  /** K1, at the start of the task's fiber: false when it was canceled, and the work is to be skipped. */
  beginsWork(task: number): boolean {
    return this.#taskCanceled[task] === 0;
  }

  /** K1, at the end of the work: the value is there. */
  completeWork(task: number): void {
    this.#taskState[task] = TaskState.ready;
  }

  /** K1, last: whoever waits for the task is woken, work or no work. */
  wakeWaiter(task: number): void {
    const waiter = this.#taskWaiter[task]!;
    if (waiter !== NONE) this.wake(waiter);
  }

  /** K2: `proceed` when the value is there, `canceled`, `parked` (call `rewait` on resuming) or `panicked`. */
  wait(task: number): Step {
    if (this.#taskCanceled[task] === 1) return Step.canceled;
    if (this.#taskState[task] === TaskState.ready) return Step.proceed;
    if (this.#taskWaiter[task] !== NONE) return this.panic(Panic.waitTaken);
    if (this.current === NONE) return this.panic(Panic.suspendOutside);
    this.#taskWaiter[task] = this.current;
    this.#waitsOnTask[this.current] = task;
    return this.suspendSelf();
  }

  /** K2, on resuming from `wait`: parks again while the task is pending (C2), else empties the waiter's slot (C3). */
  rewait(task: number): Step {
    if (this.#taskCanceled[task] === 0 && this.#taskState[task] === TaskState.pending)
      return this.suspendSelf();
    this.#taskWaiter[task] = NONE;
    this.#waitsOnTask[this.current] = NONE;
    return this.#taskCanceled[task] === 1 ? Step.canceled : Step.proceed;
  }

  /** K3: wakes nobody. */
  cancel(task: number): void {
    this.#taskCanceled[task] = 1;
    this.#taskState[task] = TaskState.canceled;
  }

  taskStateOf(task: number): number {
    return this.#taskState[task]!;
  }

  isCanceled(task: number): boolean {
    return this.#taskCanceled[task] === 1;
  }

  taskWaiterOf(task: number): number {
    return this.#taskWaiter[task]!;
  }

  /** The pipe that the fiber is registered as the waiter of, or NONE. */
  pipeWaitedOnBy(fiber: number): number {
    return this.#waitsOnPipe[fiber]!;
  }

  /** The task that the fiber waits for, woken early or not, or NONE. */
  taskWaitedOnBy(fiber: number): number {
    return this.#waitsOnTask[fiber]!;
  }

  pipeWaiterOf(pipe: number): number {
    return this.#pipeWaiter[pipe]!;
  }

  /** The pipes that have a waiter, in order of arming. A copy. */
  waitedPipes(): number[] {
    const pipes: number[] = [];
    for (let pipe = 0; pipe < this.pipes.count; pipe++) if (this.#pipeWaiter[pipe] !== NONE) pipes.push(pipe);
    return pipes.sort((a, b) => this.#pipeArmed[a]! - this.#pipeArmed[b]!);
  }

  /** True while a pipe that somebody waits for is readable, so that a wait would deliver it. */
  hasReadableWaiter(): boolean {
    for (let pipe = 0; pipe < this.pipes.count; pipe++) {
      if (this.#pipeWaiter[pipe] !== NONE && this.pipes.isReadable(pipe)) return true;
    }
    return false;
  }

  /** Records a panic and stops the run loop. The first one stands. */
  panic(message: string): Step {
    this.panicMessage ??= message;
    this.#stopAsked = true;
    return Step.panicked;
  }

  /** I2: wakes the waiters of at most EVENTS_MAX readable pipes, in the order delivered; an event with no waiter is dropped. */
  #deliverEvents(): void {
    const count = this.pipes.wait(this.#delivered);
    for (let i = 0; i < count; i++) {
      const pipe = this.#delivered[i]!;
      const fiber = this.#pipeWaiter[pipe]!;
      if (fiber !== NONE) {
        this.#dropWaiter(fiber, pipe);
        this.wake(fiber);
      }
      this.pipes.deregister(pipe);
    }
  }

  #dropWaiter(fiber: number, pipe: number): void {
    this.#pipeWaiter[pipe] = NONE;
    this.#waitsOnPipe[fiber] = NONE;
    this.ioWaiterCount--;
  }

  #growFibers(): void {
    this.#fiberCapacity *= 2;
    this.#state = widened(this.#state, new Uint8Array(this.#fiberCapacity));
    this.#waitsOnPipe = widened(this.#waitsOnPipe, new Int32Array(this.#fiberCapacity));
    this.#waitsOnTask = widened(this.#waitsOnTask, new Int32Array(this.#fiberCapacity));
    this.timers.reserve(this.#fiberCapacity);
  }

  #growTasks(): void {
    this.#taskCapacity *= 2;
    this.#taskState = widened(this.#taskState, new Uint8Array(this.#taskCapacity));
    this.#taskCanceled = widened(this.#taskCanceled, new Uint8Array(this.#taskCapacity));
    this.#taskWaiter = widened(this.#taskWaiter, new Int32Array(this.#taskCapacity));
  }
}

function widened<A extends Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(from: A, to: A): A {
  to.set(from);
  return to;
}
