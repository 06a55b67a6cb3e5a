/**
 * The second model: interprets a program as its JSON says it, on `naive-scheduler.ts`, and writes a trace of plain records.
 *
 * Written from SPEC sections 3 and 4 alone, without `src/sched` and without the binary encoding: of `src/sim` it uses the types of
 * programs and traces. It is slow and holds the whole trace; it is an oracle for `agreement.prop.ts`, no target.
 */
import type { Op, Program, WorldOp } from "../src/sim/program.js";
import type { Outcome, Result, Trace, TraceRecord } from "../src/sim/trace.js";
import {
  isReadable,
  type NaiveFiber,
  NaiveIoHang,
  NaivePanic,
  type NaivePipe,
  NaiveScheduler,
  type NaiveTask,
  type Switching,
} from "./naive-scheduler.js";

class StackOverflow extends Error {
  readonly who: string;
  constructor(who: string) {
    super();
    this.who = who;
  }
}

/** Replays a program. `scheduler` is a fresh one; another than the default is for planting faults. */
export function replayNaively(program: Program, scheduler = new NaiveScheduler()): Trace {
  return new NaiveModel(program, scheduler).replay();
}

class NaiveModel {
  readonly #program: Program;
  readonly #scheduler: NaiveScheduler;
  readonly #records: TraceRecord[] = [];
  readonly #pipes = new Map<string, NaivePipe>();
  /** Who has been spawned, or who of the tasks has begun (section 3, wake). */
  readonly #fibers = new Map<string, NaiveFiber>();
  readonly #tasks = new Map<string, NaiveTask>();
  readonly #ended = new Set<string>();
  #worldActionsDone = 0;

  constructor(program: Program, scheduler: NaiveScheduler) {
    this.#program = program;
    this.#scheduler = scheduler;
    for (const [i, name] of (program.pipes ?? []).entries()) {
      this.#pipes.set(name, { readFd: 100 + 2 * i, bytes: 0, readOpen: true, writeOpen: true }); // section 3
    }
    scheduler.onIdle = () => this.#idle();
  }

  replay(): Trace {
    return { records: this.#records, outcome: this.#outcome() };
  }

  #outcome(): Outcome {
    try {
      const steps = this.#body("main", mainOf(this.#program), 0);
      if (steps.next().done !== true) throw new Error("main parked outside a fiber");
      return { outcome: "completed", t: this.#scheduler.clock };
    } catch (end) {
      const t = this.#scheduler.clock;
      if (end instanceof NaivePanic) return { outcome: "panic", t, message: end.message };
      if (end instanceof StackOverflow) return { outcome: "stack-overflow", t, who: end.who };
      if (end instanceof NaiveIoHang) return { outcome: "io-hang", t, waiting: this.#waiting() };
      throw end;
    }
  }

  /** Section 3: at idle, only while no waited-for fd is readable, the next world action; when none is left, io-hang. */
  #idle(): void {
    const world = this.#program.world ?? [];
    while (!this.#scheduler.ioWaiters.some(({ pipe }) => isReadable(pipe))) {
      if (this.#worldActionsDone === world.length) throw new NaiveIoHang();
      const at = this.#worldActionsDone++;
      this.#actOfWorld(world[at]!, at);
    }
  }

  #actOfWorld(op: WorldOp, at: number): void {
    const pipe = this.#pipes.get(op.pipe)!;
    const res =
      op.op === "write" ? this.#scheduler.write(pipe, op.bytes) : this.#scheduler.close(pipe, op.end);
    this.#ret("world", at, op, res);
  }

  /** Section 4: `waiting`, in order of arming. */
  #waiting(): { who: string; pipe: string }[] {
    return this.#scheduler.ioWaiters.map(({ fiber, pipe }) => ({
      who: nameOf(this.#fibers, fiber),
      pipe: nameOf(this.#pipes, pipe),
    }));
  }

  /** Section 4: begin when a body starts, end when it ends. */
  *#fiber(who: string, ops: readonly Op[]): Switching {
    this.#fibers.set(who, this.#scheduler.current!);
    this.#records.push({ ev: "begin", t: this.#scheduler.clock, who });
    yield* this.#body(who, ops, 0);
    this.#records.push({ ev: "end", t: this.#scheduler.clock, who });
    this.#ended.add(who);
  }

  *#work(who: string): Switching<number> {
    const { ops = [], returns = 0 } = this.#program.tasks![who]!;
    yield* this.#fiber(who, ops);
    return returns;
  }

  /** Section 4: `at` counts the ops of a body as written, those inside a repeat or a call included. */
  *#body(who: string, ops: readonly Op[], firstAt: number): Switching {
    let at = firstAt;
    for (const op of ops) {
      if (op.op === "repeat") {
        for (let i = 0; i < op.times; i++) yield* this.#body(who, op.ops, at + 1);
      } else if (op.op === "call") {
        yield* this.#body(who, op.ops, at + 1); // deeper by frames that nobody sees
      } else {
        const res = yield* this.#op(who, at, op);
        this.#ret(who, at, op, res);
      }
      at += writtenOps(op);
    }
  }

  /** Does one op of section 3 and gives the result of its ret record. */
  *#op(who: string, at: number, op: Op): Switching<Result | undefined> {
    const s = this.#scheduler;
    switch (op.op) {
      case "yield":
        this.#call(who, at, op);
        return yield* asNone(s.yieldNow());
      case "suspend":
        this.#call(who, at, op);
        return yield* asNone(s.suspendSelf());
      case "sleep":
        this.#call(who, at, op);
        return yield* asNone(s.sleep(op.ms));
      case "block":
        this.#call(who, at, op);
        return yield* asNone(s.blockOnFd(this.#pipes.get(op.pipe)!, true));
      case "blockWrite":
        this.#call(who, at, op);
        return yield* asNone(s.blockOnFd(this.#pipes.get(op.pipe)!, false));
      case "wait": {
        const task = this.#tasks.get(op.task);
        if (task === undefined) return "unstarted"; // no call
        this.#call(who, at, op);
        return yield* s.wait(task);
      }
      case "run":
        this.#call(who, at, op);
        s.run();
        return { clock: s.clock, spawned: s.spawned, suspended: s.suspended };
      case "spawn": {
        if (this.#fibers.has(op.fiber)) return "already";
        this.#fibers.set(op.fiber, s.spawn(this.#fiber(op.fiber, this.#program.fibers![op.fiber]!)));
        return "spawned";
      }
      case "go": {
        if (this.#tasks.has(op.task)) return "already";
        this.#tasks.set(
          op.task,
          s.go(() => this.#work(op.task)),
        );
        return "spawned";
      }
      case "wake": {
        const fiber = this.#fibers.get(op.fiber);
        if (fiber === undefined) return "unspawned";
        if (this.#ended.has(op.fiber)) return "finished"; // no call
        s.wake(fiber);
        return "called";
      }
      case "cancel": {
        const task = this.#tasks.get(op.task);
        if (task === undefined) return "unstarted";
        s.cancel(task);
        return "called";
      }
      case "write":
        return s.write(this.#pipes.get(op.pipe)!, op.bytes);
      case "read":
        return s.read(this.#pipes.get(op.pipe)!, op.bytes);
      case "close":
        return s.close(this.#pipes.get(op.pipe)!, op.end);
      case "log":
        return op.value;
      case "overflow":
        throw new StackOverflow(who);
      case "deinit":
        s.deinit();
        return undefined;
      case "repeat":
      case "call":
        throw new Error("a repeat or call has no record of its own");
    }
  }

  #call(who: string, at: number, op: Op): void {
    this.#records.push({ ev: "call", t: this.#scheduler.clock, who, at, op: op.op });
  }

  #ret(who: string, at: number, op: Op, res: Result | undefined): void {
    const ret = { ev: "ret", t: this.#scheduler.clock, who, at, op: op.op } as const;
    this.#records.push(res === undefined ? ret : { ...ret, res });
  }
}

/** Section 3: a main left out spawns every fiber in order of declaration, runs, and deinits. */
function mainOf({ main, fibers = {} }: Program): readonly Op[] {
  if (main !== undefined) return main;
  const spawns = Object.keys(fibers).map((fiber) => ({ op: "spawn", fiber }) as const);
  return [...spawns, { op: "run" }, { op: "deinit" }];
}

/** How many ops stand in the text of an op, itself included. */
function writtenOps(op: Op): number {
  if (op.op !== "repeat" && op.op !== "call") return 1;
  return op.ops.reduce((count, inner) => count + writtenOps(inner), 1);
}

function nameOf<T>(named: ReadonlyMap<string, T>, wanted: T): string {
  for (const [name, value] of named) if (value === wanted) return name;
  throw new Error("nobody has that fiber or pipe");
}

/** The ops that switch and give no result. */
function* asNone(steps: Switching): Switching<undefined> {
  yield* steps;
  return undefined;
}
