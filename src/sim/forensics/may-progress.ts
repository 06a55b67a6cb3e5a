/**
 * Who may still progress, and who is stuck for good: a least fixpoint over one state of the model, right before a record.
 *
 * A body may progress when it runs, is ready, sleeps or has not begun; or when it is parked and an op that lies ahead of a body that may
 * progress, or of the world, or a pipe that is readable now, could bring it on; or when such an op could spawn it. Ops count as possible
 * whatever the order, so a body outside the set never runs again, in this run or in any other order of the same ops: stuck is certain, and
 * stays so at every later record. Ops of `main` behind `run` count for nothing: run does not return while anybody is suspended (R2).
 */
import { FiberState, NONE } from "../../sched/scheduler-core.js";
import { BodyState } from "../body-progress.js";
import { OpCode, RecordKind } from "../encoding.js";
import type { Interpreter } from "../interpreter.js";
import type { RecordTable } from "../record-table.js";
import { feedsPipe, type ProgramOps } from "./program-ops.js";

/** What a body is, right before a record. `absent`: not spawned and never will be, or ended. */
export const Fate = { absent: 0, mayProgress: 1, stuck: 2 } as const;

/** Why a fiber is parked, by the op that it is in: `OpCode.suspend`, `wait`, `block` or `sleep`; NONE where it is not. */
const NOT_PARKED = NONE;

export class ProgressFinder {
  readonly #ops: ProgramOps;
  readonly #table: RecordTable;
  /** `Fate` by body, of the last `find`. */
  readonly fates: Uint8Array;
  readonly #from: Int32Array;
  readonly #parkedIn: Int8Array;
  readonly #isWakeable: Uint8Array;
  readonly #isCancelable: Uint8Array;
  readonly #isFed = new Uint8Array(256);
  readonly #pending: number[] = [];

  constructor(ops: ProgramOps, table: RecordTable) {
    this.#ops = ops;
    this.#table = table;
    this.fates = new Uint8Array(ops.bodyCount);
    this.#from = new Int32Array(ops.bodyCount);
    this.#parkedIn = new Int8Array(ops.bodyCount);
    this.#isWakeable = new Uint8Array(ops.bodyCount);
    this.#isCancelable = new Uint8Array(ops.bodyCount);
  }

  /** Fills `fates` for the state in which record `record` is about to be written. Costs O(bodies + ops). */
  find(interpreter: Interpreter, record: number): void {
    this.fates.fill(Fate.absent);
    // Outside of its runs main is alone: nobody is parked before the first, and a run that returned has left nobody.
    if (this.#table.kind[record] !== RecordKind.outcome && this.#table.who[record] === this.#ops.main) return;
    this.#isWakeable.fill(0);
    this.#isCancelable.fill(0);
    this.#isFed.fill(0);
    for (let body = 0; body < this.#ops.main; body++) this.#look(interpreter, body, record);
    const isWorldsRecord = this.#table.who[record] === this.#ops.world && this.#table.at[record]! >= 0;
    const { at } = interpreter.progressOf(this.#ops.world);
    this.#add(this.#ops.world, isWorldsRecord ? this.#table.at[record]! + 1 : at);
    for (let body = 0; body < this.#ops.main; body++) this.#recheck(interpreter, body);
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop())
      this.#follow(interpreter, next);
    for (let body = 0; body < this.#ops.main; body++)
      if (this.#parkedIn[body] !== NOT_PARKED && this.fates[body] === Fate.absent)
        this.fates[body] = Fate.stuck;
  }

  /** Sorts a body into those that go on by themselves and those that are parked. */
  #look(interpreter: Interpreter, body: number, record: number): void {
    const { core } = interpreter;
    const { state, fiber, task, at, again } = interpreter.progressOf(body);
    this.#parkedIn[body] = NOT_PARKED;
    if (state === BodyState.idle || state === BodyState.ended) return;
    const fiberState = core.stateOf(fiber);
    if (fiberState === FiberState.done) return;
    if (state === BodyState.claimed) {
      // Work that was canceled before it began is skipped, but its waiter is woken (K1).
      const isSkipped = task !== NONE && core.isCanceled(task);
      this.#add(body, isSkipped ? this.#ops.countOf(body) : 0);
    } else if (fiber === core.current) {
      this.#add(body, Math.min(again, this.#resumesAt(body, record, at)));
    } else {
      this.#from[body] = Math.min(again, at + 1);
      const code = this.#ops.code(body, at);
      // One that was woken early from a wait parks again (C2): until the task is done it is as good as parked.
      const isParked =
        code === OpCode.wait
          ? fiberState === FiberState.suspended || !core.isCanceled(this.#awaited(interpreter, body, at))
          : fiberState === FiberState.suspended && !core.timers.has(fiber);
      const isDone = code === OpCode.wait && this.#isAwaitedReady(interpreter, body, at);
      if (isParked && !isDone) this.#parkedIn[body] = code;
      else this.#add(body, this.#from[body]!);
    }
  }

  /** The first op that the running body has not done when it is about to write this record. */
  #resumesAt(body: number, record: number, calledAt: number): number {
    switch (this.#table.kind[record]) {
      case RecordKind.begin:
        return 0;
      case RecordKind.end:
        return this.#ops.countOf(body);
      case RecordKind.call:
        return this.#table.at[record]!;
      case RecordKind.ret:
        return this.#table.at[record]! + 1;
      default:
        return calledAt;
    }
  }

  #awaited(interpreter: Interpreter, body: number, at: number): number {
    return interpreter.progressOf(this.#ops.operand(body, at)).task;
  }

  /** The task's value is there: whoever waits for it is on its way. */
  #isAwaitedReady(interpreter: Interpreter, body: number, at: number): boolean {
    const worker = interpreter.progressOf(this.#ops.operand(body, at));
    return worker.state === BodyState.ended;
  }

  #add(body: number, from: number): void {
    if (this.fates[body] === Fate.mayProgress) return;
    this.fates[body] = Fate.mayProgress;
    this.#from[body] = from;
    this.#pending.push(body);
  }

  /** What a body that may progress could do to others. */
  #follow(interpreter: Interpreter, body: number): void {
    const ops = this.#ops;
    const { core } = interpreter;
    for (const at of ops.opsFrom(body, this.#from[body]!)) {
      const operand = ops.operand(body, at);
      switch (ops.code(body, at)) {
        case OpCode.wake:
          this.#isWakeable[operand] = 1;
          this.#recheck(interpreter, operand);
          break;
        case OpCode.spawn:
        case OpCode.go:
          if (interpreter.progressOf(operand).state === BodyState.idle) this.#add(operand, 0);
          break;
        case OpCode.cancel:
          this.#isCancelable[operand] = 1;
          this.#recheckWaiter(interpreter, operand);
          break;
        default:
          if (!feedsPipe(ops, body, at)) break;
          this.#isFed[operand] = 1;
          if (core.pipeWaiterOf(operand) !== NONE)
            this.#recheck(interpreter, interpreter.bodyOfFiber(core.pipeWaiterOf(operand)));
      }
    }
    this.#recheckWaiter(interpreter, body);
  }

  #recheckWaiter(interpreter: Interpreter, taskBody: number): void {
    if (taskBody >= this.#ops.main) return;
    const { task } = interpreter.progressOf(taskBody);
    const waiter = task === NONE ? NONE : interpreter.core.taskWaiterOf(task);
    if (waiter !== NONE) this.#recheck(interpreter, interpreter.bodyOfFiber(waiter));
  }

  /** Moves a parked body over when something that is possible could bring it on. */
  #recheck(interpreter: Interpreter, body: number): void {
    const parkedIn = this.#parkedIn[body]!;
    if (parkedIn === NOT_PARKED || this.fates[body] !== Fate.absent) return;
    const isWakeable = this.#isWakeable[body] === 1;
    const { fiber, at } = interpreter.progressOf(body);
    const comesOn =
      parkedIn === OpCode.wait
        ? this.#waitMayEnd(interpreter, body, at, isWakeable)
        : isWakeable || (parkedIn === OpCode.block && this.#mayBecomeReadable(interpreter, fiber));
    if (comesOn) this.#add(body, this.#from[body]!);
  }

  /** K2: the work may end, or the task is or may be canceled and somebody may wake the waiter to see it. */
  #waitMayEnd(interpreter: Interpreter, body: number, at: number, isWakeable: boolean): boolean {
    const worker = this.#ops.operand(body, at);
    if (this.fates[worker] === Fate.mayProgress) return true;
    const { core } = interpreter;
    const { task } = interpreter.progressOf(worker);
    const looksAgain = isWakeable || core.stateOf(interpreter.progressOf(body).fiber) === FiberState.ready;
    return looksAgain && (core.isCanceled(task) || this.#isCancelable[worker] === 1);
  }

  /** A closed read end is never readable again, and its close has taken the registration with it (I3). */
  #mayBecomeReadable(interpreter: Interpreter, fiber: number): boolean {
    const { pipes } = interpreter.core;
    const pipe = interpreter.core.pipeWaitedOnBy(fiber);
    if (pipe === NONE || !pipes.isRegistered(pipe)) return false;
    return pipes.isReadable(pipe) || (this.#isFed[pipe] === 1 && pipes.isOpen(pipe, 1));
  }
}
