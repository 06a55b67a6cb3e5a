/**
 * The model, usable by hand: fibers and tasks whose bodies are generator functions.
 *
 *     const s = new Scheduler();
 *     const t = s.go(function* () { yield* s.sleep(30); return 100; });
 *     s.spawn(function* () { const got = yield* t.wait(); });
 *     s.run();
 *
 * Each operation that may park is a generator, to be called with `yield*`. A panic of SPEC section 1 is thrown out of `run` (or of the
 * call itself, outside a fiber) as a `SchedulerPanic`. Deterministic and synchronous; the clock is virtual. The rules are in
 * `scheduler-core.ts`.
 */
import { checkScheduler } from "./check-scheduler.js";
import { PipeResult, READ_END, WRITE_END } from "./pipes.js";
import { FiberState, NONE, RunEnd, SchedulerCore, Step } from "./scheduler-core.js";
import { type SchedulerSnapshot, snapshotOf } from "./snapshot.js";

/** What a body yields to the run loop: nothing to look at, only that it has parked. */
export type Parked = undefined;
/** An operation under way, or a body: a generator that is run by `yield*`, and gives `T`. */
export type Op<T = void> = Generator<Parked, T, void>;

/** A panic of SPEC section 1, thrown out of `run` or of the call itself; its message is the text of the panic. */
export class SchedulerPanic extends Error {
  override readonly name = "SchedulerPanic";
}

/** Thrown by `run` when only fibers that block on pipes are left and nobody will write: the original would wait for ever (R2). */
export class SchedulerHang extends Error {
  override readonly name = "SchedulerHang";
}

/** What `wait` throws into the waiting body when the task was canceled (K2). */
export class Canceled extends Error {
  override readonly name = "Canceled";
}

/** What a body that yields by itself is told: the fiber would be in no queue, and lost without a word. */
const BARE_YIELD = "a body yielded outside an operation: write yield* s.yieldNow(), yield* s.sleep(10), ...";

/** What a scheduler starts with. */
export interface SchedulerOptions {
  /** Pipes to open, numbered from 0. Default 0. */
  readonly pipes?: number;
  /** Called at idle while no waited-for pipe is readable: write or close something and return true, or return false (default). */
  readonly onIdle?: () => boolean;
  /** Told what bodies and main log. Default: nobody. */
  readonly onLog?: (value: number) => void;
  /** Check the internal invariants after each step: O(fibers) each. Default false. */
  readonly check?: boolean;
}

/** A handle on a fiber: for `wake`. */
export class Fiber {
  /** Order of spawning, from 0. */
  readonly id: number;
  /** As its spawner called it, else as its body's function is called: for people and for recordings. May be empty. */
  readonly name: string;
  constructor(id: number, name: string) {
    this.id = id;
    this.name = name;
  }
}

/** A handle on a task: a fiber with a result. */
export class Task<T> {
  readonly #scheduler: Scheduler;
  readonly id: number;
  /** The fiber that runs its work. */
  readonly fiber: Fiber;
  value: T | undefined;

  constructor(scheduler: Scheduler, id: number, fiber: Fiber) {
    this.#scheduler = scheduler;
    this.id = id;
    this.fiber = fiber;
  }

  /** K2: the task's value, once it is there; throws `Canceled`. */
  wait(): Op<T> {
    return this.#scheduler.wait(this);
  }

  /** K3: every wait gives `Canceled` from now on; work that has started runs on. Wakes nobody. */
  cancel(): void {
    this.#scheduler.cancel(this);
  }
}

/**
 * The scheduler, for bodies written by hand.
 *
 * ```ts
 * const s = new Scheduler();
 * const t = s.go(function* () {
 *   yield* s.sleep(30);
 *   return 100;
 * });
 * s.spawn(function* () {
 *   console.log(yield* t.wait(), "at", s.nowMs); // 100 at 30
 * });
 * s.run();
 * ```
 */
export class Scheduler {
  readonly core = new SchedulerCore();
  readonly #bodies: Op[] = [];
  readonly #onIdle: () => boolean;
  readonly #onLog: (value: number) => void;
  readonly #checks: boolean;
  #clockMsChecked = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: SchedulerOptions = {}) {
    this.core.reset(options.pipes ?? 0);
    this.#onIdle = options.onIdle ?? (() => false);
    this.#onLog = options.onLog ?? (() => {});
    this.#checks = options.check ?? false;
  }

  get nowMs(): number {
    return this.core.clockMs;
  }

  /** F1. `name`: for people and for recordings; the name of the body's function unless given. */
  spawn(body: () => Op, name: string = body.name): Fiber {
    return this.#start(body, name);
  }

  /** K1. `name` as for `spawn`. */
  go<T>(work: () => Op<T>, name: string = work.name): Task<T> {
    const { core } = this;
    const id = core.newTask();
    const body = function* (): Op {
      if (core.beginsWork(id)) {
        task.value = yield* work();
        core.completeWork(id);
      }
      core.wakeWaiter(id);
    };
    const task: Task<T> = new Task(this, id, this.#start(body, name));
    return task;
  }

  /** K2: what `Task.wait` does. */
  *wait<T>(task: Task<T>): Op<T> {
    let step = this.checked(this.core.wait(task.id));
    while (step === Step.parked) {
      yield undefined;
      step = this.checked(this.core.rewait(task.id));
    }
    if (step === Step.canceled) throw new Canceled("the task was canceled");
    return task.value as T;
  }

  /** K3: what `Task.cancel` does. */
  cancel(task: Task<unknown>): void {
    this.core.cancel(task.id);
  }

  /** F2 */
  *yieldNow(): Op {
    this.checked(this.core.yieldNow());
    yield undefined;
  }

  /** F3 */
  *suspend(): Op {
    this.checked(this.core.suspendSelf());
    yield undefined;
  }

  /** T1: `ms` virtual milliseconds, an integer from 0; 0 fires after the ready queue has drained. */
  *sleep(ms: number): Op {
    if (!Number.isSafeInteger(ms)) throw new RangeError(`sleep(${ms}): not a whole number of milliseconds`);
    this.checked(this.core.sleep(ms));
    yield undefined;
  }

  /** I1: parks until the pipe's read end is readable. */
  *block(pipe: number): Op {
    this.checked(this.core.blockOnPipe(pipe, true));
    yield undefined;
  }

  /** I1, asked for write-readiness: always a panic. */
  *blockWrite(pipe: number): Op {
    this.checked(this.core.blockOnPipe(pipe, false));
    yield undefined;
  }

  /** F4: wakes a fiber, or the fiber of a task. */
  wake(woken: Fiber | Task<unknown>): void {
    this.core.wake(woken instanceof Task ? woken.fiber.id : woken.id);
  }

  /** A whole number to be seen from outside: what a program's `log` does. */
  log(value: number): void {
    this.#onLog(value);
  }

  /** The work, `depth` stack frames deeper (1 to 64) where a native runtime replays it; here, the work. */
  *call<T>(_depth: number, work: () => Op<T>): Op<T> {
    return yield* work();
  }

  /** Writes all bytes without blocking: their count, or why not. */
  write(pipe: number, bytes: number): number | "closed" | "full" | "broken" {
    return pipeResult(this.core.pipes.write(pipe, bytes)) as number | "closed" | "full" | "broken";
  }

  /** Reads at most `bytes` without blocking: their count, 0 at end of file, or why not. */
  read(pipe: number, bytes: number): number | "closed" | "empty" {
    return pipeResult(this.core.pipes.read(pipe, bytes)) as number | "closed" | "empty";
  }

  close(pipe: number, end: "read" | "write"): "closed" | "already" {
    return this.core.pipes.close(pipe, end === "read" ? READ_END : WRITE_END) ? "closed" : "already";
  }

  /** R1 and R2. Throws `SchedulerPanic`, `SchedulerHang`, or what a body threw. */
  run(): void {
    this.#throwWhatEndedIt();
    const end = this.core.run(this);
    this.#throwWhatEndedIt();
    if (end === RunEnd.stopped)
      throw new SchedulerHang("every fiber that is left blocks on a pipe that nobody will write");
  }

  /** R3 */
  deinit(): void {
    // A body that threw has left the run loop from inside its fiber; nothing runs any more.
    if (this.#failure !== undefined) this.core.current = NONE;
    this.checked(this.core.deinit());
  }

  snapshot(): SchedulerSnapshot {
    return snapshotOf(this.core);
  }

  /** Called by the core's run loop: one step of a fiber. */
  resume(fiber: number): void {
    this.#check();
    try {
      if (this.#bodies[fiber]!.next().done === true) this.core.finish();
      else if (this.core.stateOf(fiber) === FiberState.running) throw new Error(BARE_YIELD);
    } catch (error) {
      this.#failure = { error };
      this.core.stop();
    }
    this.#check();
  }

  /** Called by the core's run loop before each wait of I2. */
  idle(): boolean {
    while (!this.core.hasReadableWaiter()) if (!this.#onIdle()) return false;
    return true;
  }

  /** Passes a step on, or throws the panic that it stands for. */
  checked(step: Step): Step {
    if (step === Step.panicked) throw new SchedulerPanic(this.core.panicMessage);
    return step;
  }

  #start(body: () => Op, name: string): Fiber {
    const fiber = new Fiber(this.core.spawn(), name);
    this.#bodies[fiber.id] = body();
    return fiber;
  }

  /** What a body threw, or a panic: the first stands, and nothing runs after it. */
  #throwWhatEndedIt(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.core.panicMessage !== undefined) throw new SchedulerPanic(this.core.panicMessage);
  }

  #check(): void {
    if (!this.#checks) return;
    checkScheduler(this.core, this.#clockMsChecked);
    this.#clockMsChecked = this.core.clockMs;
  }
}

function pipeResult(result: number): number | "closed" | "full" | "broken" | "empty" {
  switch (result) {
    case PipeResult.closed:
      return "closed";
    case PipeResult.full:
      return "full";
    case PipeResult.broken:
      return "broken";
    case PipeResult.empty:
      return "empty";
    default:
      return result;
  }
}
