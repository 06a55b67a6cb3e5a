/**
 * The second scheduler: SPEC sections 1 and 2 said over again with linear lists, objects and generators, for `naive-model.ts`.
 *
 * It shares no line with `src/sched` and was written from SPEC.md alone, so that an error would have to be made twice to go unseen.
 * Nothing is indexed, cached or recycled: a rule is one loop over one list, and the rule's number stands beside it. What switches is a
 * generator whose `yield` is the switch to the run loop. The methods are what `planted-faults.ts` overrides to plant an error.
 */

/** SPEC section 1: what a runtime prints before it aborts. */
export class NaivePanic extends Error {}

/** SPEC section 3: nobody is left to make a waited-for pipe readable. */
export class NaiveIoHang extends Error {}

export type Switching<T = void> = Generator<void, T, void>;

export interface NaiveFiber {
  state: "ready" | "running" | "suspended" | "done";
  readonly body: Switching;
}

export interface NaiveTask {
  state: "pending" | "ready" | "canceled";
  value: number;
  waiter: NaiveFiber | undefined;
  canceled: boolean;
}

export interface NaivePipe {
  readonly readFd: number;
  bytes: number;
  readOpen: boolean;
  writeOpen: boolean;
}

/** C4: the clock holds whole milliseconds up to 2^53 - 1. */
const CLOCK_MAX = 2 ** 53 - 1;

/** I2: events of one wait, MAXEV. */
const EVENTS_OF_A_WAIT = 16;

/** SPEC section 3: bytes that a pipe takes. */
const PIPE_BYTES = 4096;

export class NaiveScheduler {
  clock = 0;
  spawned = 0;
  suspended = 0;
  current: NaiveFiber | undefined;
  ready: NaiveFiber[] = [];
  /** In order of arming, which decides ties (T2). */
  timers: { fiber: NaiveFiber; deadline: number }[] = [];
  /** In order of arming. */
  ioWaiters: { fiber: NaiveFiber; pipe: NaivePipe }[] = [];
  /** I3: epoll's ready list, head first. */
  readyList: NaivePipe[] = [];
  /** Called before each wait of I2; may throw `NaiveIoHang`. */
  onIdle: () => void = () => {};

  /** I1: the call that a refused registration names. */
  readonly registerCall: string = "epoll_ctl";

  /** F1: spawn. */
  spawn(body: Switching): NaiveFiber {
    const fiber: NaiveFiber = { state: "ready", body };
    this.spawned++;
    this.ready.push(fiber);
    return fiber;
  }

  /** F2: the run loop appends the fiber after the switch. */
  *yieldNow(): Switching {
    this.runningFiber("yield_now").state = "ready";
    yield;
  }

  /** F3: suspend_self. */
  *suspendSelf(): Switching {
    this.runningFiber("suspend_self").state = "suspended";
    this.suspended++;
    yield;
  }

  /** F4: wake. */
  wake(fiber: NaiveFiber): void {
    if (fiber.state !== "suspended") return; // F4: only if f is suspended, otherwise nothing
    this.evictTimer(fiber); // F4: evict its timer
    this.evictIoWaiter(fiber); // F4: evict its io waiter
    this.suspended--; // F4
    fiber.state = "ready"; // F4
    this.ready.push(fiber); // F4: append
  }

  evictTimer(fiber: NaiveFiber): void {
    this.timers = this.timers.filter((timer) => timer.fiber !== fiber);
  }

  evictIoWaiter(fiber: NaiveFiber): void {
    for (const waiter of this.ioWaiters.filter((waiter) => waiter.fiber === fiber)) {
      this.ioWaiters = this.ioWaiters.filter((other) => other !== waiter);
      this.readyList = this.readyList.filter((pipe) => pipe !== waiter.pipe); // F4, I3: EPOLL_CTL_DEL
    }
  }

  /** T1: sleep. */
  *sleep(ms: number): Switching {
    const fiber = this.runningFiber("sleep");
    if (ms < 0) throw panic(`sleep(${ms}) — negative duration would rewind the virtual clock`); // T1
    if (ms > CLOCK_MAX - this.clock) throw panic(`sleep(${ms}) — deadline overflows the virtual clock`); // T1, C4
    this.timers.push({ fiber, deadline: this.clock + ms }); // T1: arm
    yield* this.suspendSelf(); // T1: suspend as F3
  }

  /** I1: block_on_fd, its checks in the order of the rule. */
  *blockOnFd(pipe: NaivePipe, wantRead: boolean): Switching {
    const fiber = this.runningFiber("block_on_fd");
    if (!wantRead) throw panic("block_on_fd(want_read=false) — write-readiness not implemented"); // I1
    if (this.ioWaiters.some((waiter) => waiter.pipe === pipe)) {
      throw panic(
        `block_on_fd: fd ${pipe.readFd} already has a waiter (one waiter per fd in the M:1 model)`, // I1
      );
    }
    if (!pipe.readOpen) {
      throw panic(`${this.registerCall}() failed to register fd ${pipe.readFd} for read readiness`); // I1: a closed fd
    }
    this.ioWaiters.push({ fiber, pipe }); // I1: record the waiter
    this.enlist(pipe); // I3: appended when it is registered if it is readable then
    yield* this.suspendSelf(); // I1: suspend as F3
  }

  /** R1: run. */
  run(): void {
    if (this.current !== undefined) throw panic("run() called inside a fiber"); // R1, C6
    for (;;) {
      if (this.ready.length > 0)
        this.resume(this.takeReady()); // R1: drain the ready queue
      else if (this.timers.length > 0)
        this.fire(this.takeTimer()); // R1, T3: else fire one timer
      else if (this.ioWaiters.length > 0)
        this.waitForFds(); // R1: else wait for fds
      else break; // R1: else stop
    }
    if (this.suspended !== 0) {
      throw panic(`deadlock — ${this.suspended} fiber(s) suspended with an empty run queue`); // R2
    }
  }

  /** The ready queue is FIFO. */
  takeReady(): NaiveFiber {
    return this.ready.shift()!;
  }

  /** T2: the one timer with the smallest (deadline, order of arming). */
  takeTimer(): { fiber: NaiveFiber; deadline: number } {
    let first = this.timers[0]!;
    for (const timer of this.timers) if (timer.deadline < first.deadline) first = timer;
    this.timers = this.timers.filter((timer) => timer !== first);
    return first;
  }

  fire({ fiber, deadline }: { fiber: NaiveFiber; deadline: number }): void {
    this.clock = deadline; // T2
    this.wake(fiber); // T2
  }

  resume(fiber: NaiveFiber): void {
    fiber.state = "running";
    this.current = fiber;
    const step = fiber.body.next();
    this.current = undefined;
    if (step.done === true)
      fiber.state = "done"; // F5
    else if (isReady(fiber)) this.ready.push(fiber); // F2: after the switch
  }

  /** I2 and I3: one wait for at most 16 events. */
  waitForFds(): void {
    this.onIdle(); // section 3: the world acts before the runtime would wait
    const delivered: NaivePipe[] = [];
    while (this.readyList.length > 0 && delivered.length < EVENTS_OF_A_WAIT) {
      const pipe = this.readyList.shift()!;
      if (isReadable(pipe)) delivered.push(pipe); // I3: else the entry is dropped
    }
    for (const pipe of delivered) {
      this.fired(pipe);
      const waiter = this.ioWaiters.find((candidate) => candidate.pipe === pipe);
      if (waiter !== undefined) this.wake(waiter.fiber); // I2: an event with no waiter is dropped
    }
  }

  /** R3: deinit. Nothing of what it frees can be seen. */
  deinit(): void {
    if (this.current !== undefined) throw panic("deinit() called inside a fiber"); // R3, C6
    this.ready = [];
    this.timers = [];
    this.ioWaiters = [];
    this.readyList = [];
  }

  /** K1: go. */
  go(work: () => Switching<number>): NaiveTask {
    const task: NaiveTask = { state: "pending", value: 0, waiter: undefined, canceled: false };
    this.spawn(this.bodyOf(task, work));
    return task;
  }

  *bodyOf(task: NaiveTask, work: () => Switching<number>): Switching {
    if (!task.canceled) {
      task.value = yield* work(); // K1
      task.state = "ready"; // K1, K3: also of a task canceled meanwhile
    }
    if (task.waiter !== undefined) this.wake(task.waiter); // K1
  }

  /** K2: wait. */
  *wait(task: NaiveTask): Switching<number | "canceled"> {
    if (task.canceled) return "canceled"; // K2: at once, without parking
    if (task.state === "ready") return task.value; // K2: at once
    if (task.waiter !== undefined) {
      throw panic("wait() — task already has a waiter (one awaiter per task in the M:1 model)"); // K2
    }
    task.waiter = this.current; // K2: register as the waiter
    do yield* this.suspendSelf();
    while (isPending(task)); // K2, C2: park again
    task.waiter = undefined; // K2, C3: on return the slot is empty
    return task.canceled ? "canceled" : task.value; // K2: if canceled, Canceled
  }

  /** K3: cancel. Wakes nobody. */
  cancel(task: NaiveTask): void {
    task.canceled = true;
    task.state = "canceled";
  }

  /** Section 3, write: what a non-blocking write of all bytes gives. */
  write(pipe: NaivePipe, bytes: number): number | "closed" | "full" | "broken" {
    if (!pipe.writeOpen) return "closed";
    if (pipe.readOpen && pipe.bytes + bytes > PIPE_BYTES) return "full";
    if (!pipe.readOpen) return "broken";
    pipe.bytes += bytes;
    this.enlist(pipe); // I3: by the write that makes it readable
    return bytes;
  }

  /** Section 3, read: what a non-blocking read gives. The entry in the ready list stays where it is (I3). */
  read(pipe: NaivePipe, bytes: number): number | "closed" | "empty" {
    if (!pipe.readOpen) return "closed";
    if (pipe.bytes === 0) return pipe.writeOpen ? "empty" : 0;
    const count = Math.min(bytes, pipe.bytes);
    pipe.bytes -= count;
    return count;
  }

  /** Section 3, close. */
  close(pipe: NaivePipe, end: "read" | "write"): "closed" | "already" {
    if (end === "read") {
      if (!pipe.readOpen) return "already";
      pipe.readOpen = false;
      this.readyList = this.readyList.filter((entry) => entry !== pipe); // I3: closing the read end removes it
    } else {
      if (!pipe.writeOpen) return "already";
      pipe.writeOpen = false;
      this.enlist(pipe); // I3: by the close that makes it readable
    }
    return "closed";
  }

  /** I3: appends a registered fd that is readable and has no entry yet. */
  enlist(pipe: NaivePipe): void {
    if (this.ioWaiters.some((waiter) => waiter.pipe === pipe)) this.append(pipe);
  }

  append(pipe: NaivePipe): void {
    if (isReadable(pipe) && !this.readyList.includes(pipe)) this.readyList.push(pipe);
  }

  /** I2: EPOLL_CTL_DEL of an fd that fired. A waiter is a registration here, and goes by its wake. */
  fired(_pipe: NaivePipe): void {}

  /** The precondition of F2, F3, T1 and I1. */
  runningFiber(call: string): NaiveFiber {
    if (this.current === undefined) throw panic(`${call}() called outside a fiber (no running fiber)`);
    return this.current;
  }
}

/** A read end is readable while it is open and there are bytes, or nobody can write any more. */
export function isReadable(pipe: NaivePipe): boolean {
  return pipe.readOpen && (pipe.bytes > 0 || !pipe.writeOpen);
}

function isReady(fiber: NaiveFiber): boolean {
  return fiber.state === "ready";
}

/** K2: neither canceled nor ready. */
function isPending(task: NaiveTask): boolean {
  return !task.canceled && task.state !== "ready";
}

function panic(text: string): NaivePanic {
  return new NaivePanic(`sched: ${text}`);
}
