/**
 * Interprets encoded programs on the scheduler model and writes their traces (SPEC sections 3 and 4).
 *
 * A body is interpreted in place, over the words of the program: its program counter and its open `repeat` and `call` frames lie in
 * words indexed by body number, so that parking is a return and resuming is a call, and nothing is allocated per event. `main` and
 * the world go the same way as fibers; whether an op is inside a fiber is the scheduler's to say. The C side is
 * `native-bridge/replay/interpreter.c`: it must write the same records for the same op, in the same order.
 */
import { WRITE_END } from "../sched/pipes.js";
import { type FiberBodies, RunEnd, SchedulerCore, Step } from "../sched/scheduler-core.js";
import { type BodyProgress, BodyState } from "./body-progress.js";
import { BODY_ROW_SHIFT, BodyRow, loadBodyRows } from "./body-rows.js";
import {
  HEADER_RESULT_SHIFT,
  HEADER_WHO_SHIFT,
  OpCode,
  ProgramWord,
  RecordKind,
  ResultCode,
} from "./encoding.js";
import { ProgramLimits } from "./program.js";
import { TraceWriter } from "./trace-writer.js";

// What other modules export is looked up at each use; constants of this one are compiled in.
const Op = OpCode;
const Result = ResultCode;
const Then = Step;
const State = BodyState;
const Kind = RecordKind;
const RESULT_SHIFT = HEADER_RESULT_SHIFT;
const WHO_SHIFT = HEADER_WHO_SHIFT;
const RUN_IDLE = RunEnd.idle;
/** Why `#execute` came back. */
const Left = { ended: 0, parked: 1, stopped: 2 } as const;
type Left = (typeof Left)[keyof typeof Left];

const NONE = -1;
const OP_WORDS = ProgramWord.op;
const Row = BodyRow;
const ROW_SHIFT = BODY_ROW_SHIFT;

/** The words of an open repeat or call: its first op, the passes left, and where the list around it ends. */
const FRAME_SHIFT = 2;
const Frame = { first: 0, passes: 1, outerEnd: 2 } as const;
const FRAMES_WORDS = ProgramLimits.nestingMax << FRAME_SHIFT;

export class Interpreter implements FiberBodies {
  readonly core = new SchedulerCore();
  readonly trace = new TraceWriter();
  #words = new Int32Array(0);
  #fiberBodies = 0;
  #main = 0;
  #world = 0;
  #overflowed = NONE;
  #deinited = false;
  /** How many bodies there is room for. */
  #capacity = 0;
  #rows = new Int32Array(0);
  /** Open frames of each body, innermost last. */
  #frames = new Int32Array(0);
  #bodyOf = new Int32Array(0);
  #bodyOfTask = new Int32Array(0);

  /** Replays the encoded program that starts at `words[offset]` and appends its trace. Never throws on a valid program. */
  replay(words: Int32Array, offset: number): void {
    this.#load(words, offset);
    const { core, trace } = this;
    trace.startTrace();
    const left = this.#execute(this.#main);
    trace.setClock(core.clockMs);
    if (left === Left.ended) {
      if (!this.#deinited) core.deinit();
      trace.completed();
    } else if (core.panicMessage !== undefined) {
      trace.panicked(core.panicMessage);
    } else if (this.#overflowed !== NONE) {
      trace.stackOverflowed(this.#overflowed);
    } else {
      trace.hung(core.waitedPipes().map((pipe) => [this.#bodyOf[core.pipeWaiterOf(pipe)]!, pipe] as const));
    }
  }

  /** The body number of a fiber of the scheduler. */
  bodyOfFiber(fiber: number): number {
    return this.#bodyOf[fiber]!;
  }

  /** The body number of a task of the scheduler. */
  bodyOfTask(task: number): number {
    return this.#bodyOfTask[task]!;
  }

  /** How far a body is, for explanations; of the one that runs, as of its last call. */
  progressOf(body: number): BodyProgress {
    const row = body << ROW_SHIFT;
    const rows = this.#rows;
    let again = Number.POSITIVE_INFINITY;
    for (let depth = 1; depth <= rows[row + Row.depth]!; depth++) {
      const frame = frameOf(body, depth);
      if (this.#frames[frame + Frame.passes]! > 1)
        again = Math.min(again, this.#at(body, this.#frames[frame + Frame.first]!));
    }
    const state = rows[row + Row.state]! as BodyState;
    const at = this.#at(body, rows[row + Row.pc]!);
    const task = rows[row + Row.task]!;
    return { state, fiber: state === State.idle ? NONE : rows[row + Row.fiber]!, task, at, again };
  }

  resume(fiber: number): void {
    const { core, trace } = this;
    const body = this.#bodyOf[fiber]!;
    const row = body << ROW_SHIFT;
    const who = body << WHO_SHIFT;
    const task = this.#rows[row + Row.task]!;
    trace.setClock(core.clockMs);
    if (this.#rows[row + Row.state] === State.claimed) {
      if (task !== NONE && !core.beginsWork(task)) {
        core.wakeWaiter(task);
        core.finish();
        return;
      }
      this.#rows[row + Row.state] = State.begun;
      trace.edge(Kind.begin | who);
    }
    if (this.#execute(body) !== Left.ended) return;
    trace.edge(Kind.end | who);
    this.#rows[row + Row.state] = State.ended;
    if (task !== NONE) {
      core.completeWork(task);
      core.wakeWaiter(task);
    }
    core.finish();
  }

  idle(): boolean {
    const world = this.#world;
    const row = world << ROW_SHIFT;
    while (!this.core.hasReadableWaiter()) {
      const pc = this.#rows[row + Row.pc]!;
      if (pc === this.#rows[row + Row.end]) return false;
      this.#pipeOp(world, pc);
      this.#rows[row + Row.pc] = pc + OP_WORDS;
    }
    return true;
  }

  /** Runs a body from its program counter until it ends, parks, or everything stops. */
  #execute(body: number): Left {
    const words = this.#words;
    const rows = this.#rows;
    const { core, trace } = this;
    const row = body << ROW_SHIFT;
    const start = rows[row + Row.start]!;
    const callHeader = Kind.call | (body << WHO_SHIFT);
    const retHeader = Kind.ret | (body << WHO_SHIFT);
    /** The next op; `pc` is the one that runs. */
    let next = rows[row + Row.pc]!;
    let end = rows[row + Row.end]!;
    if (rows[row + Row.parked] === 1) {
      if (words[next] === Op.wait) {
        const step = core.rewait(rows[(words[next + 1]! << ROW_SHIFT) + Row.task]!);
        if (step === Then.parked) return Left.parked;
        this.#retWait(body, next, step);
      } else {
        trace.op(retHeader, ((next - start) / OP_WORDS) | 0);
      }
      rows[row + Row.parked] = 0;
      next += OP_WORDS;
    }
    for (;;) {
      while (next === end) {
        const depth = rows[row + Row.depth]!;
        if (depth === 0) return Left.ended;
        const frame = frameOf(body, depth);
        const passes = this.#frames[frame + Frame.passes]! - 1;
        this.#frames[frame + Frame.passes] = passes;
        if (passes > 0) {
          next = this.#frames[frame + Frame.first]!;
        } else {
          rows[row + Row.depth] = depth - 1;
          end = this.#frames[frame + Frame.outerEnd]!;
          rows[row + Row.end] = end;
        }
      }
      const pc = next;
      next = pc + OP_WORDS;
      const code = words[pc]!;
      const operand = words[pc + 1]!;
      const at = ((pc - start) / OP_WORDS) | 0;
      let step: Step;
      // The most frequent first: each case is one comparison.
      switch (code) {
        case Op.wake:
          trace.op(retHeader | (this.#wake(operand) << RESULT_SHIFT), at);
          continue;
        case Op.yield:
          rows[row + Row.pc] = pc;
          trace.op(callHeader, at);
          step = core.yieldNow();
          break;
        case Op.sleep:
          rows[row + Row.pc] = pc;
          trace.op(callHeader, at);
          step = core.sleep(words[pc + 2]! * 4294967296 + (operand >>> 0));
          break;
        case Op.suspend:
          rows[row + Row.pc] = pc;
          trace.op(callHeader, at);
          step = core.suspendSelf();
          break;
        case Op.spawn:
        case Op.go:
          trace.op(retHeader | (this.#claim(operand, code === Op.go) << RESULT_SHIFT), at);
          continue;
        case Op.log:
          trace.retValue(body, at, operand, words[pc + 2]!);
          continue;
        case Op.write:
        case Op.read:
        case Op.close:
          this.#pipeOp(body, pc);
          continue;
        case Op.wait: {
          const task = rows[(operand << ROW_SHIFT) + Row.task]!;
          if (task === NONE) {
            trace.op(retHeader | (Result.unstarted << RESULT_SHIFT), at);
            continue;
          }
          rows[row + Row.pc] = pc;
          trace.op(callHeader, at);
          step = core.wait(task);
          break;
        }
        case Op.block:
        case Op.blockWrite:
          rows[row + Row.pc] = pc;
          trace.op(callHeader, at);
          step = core.blockOnPipe(operand, code === Op.block);
          break;
        case Op.repeat:
        case Op.call: {
          const opsEnd = next + words[pc + 2]! * OP_WORDS;
          const passes = code === Op.call ? 1 : operand;
          if (passes === 0 || next === opsEnd) {
            next = opsEnd;
          } else {
            this.#openFrame(body, next, passes, end);
            end = opsEnd;
            rows[row + Row.end] = end;
          }
          continue;
        }
        case Op.cancel: {
          const task = rows[(operand << ROW_SHIFT) + Row.task]!;
          if (task !== NONE) core.cancel(task);
          const result = task === NONE ? Result.unstarted : Result.called;
          trace.op(retHeader | (result << RESULT_SHIFT), at);
          continue;
        }
        case Op.run:
          rows[row + Row.pc] = pc;
          trace.op(callHeader, at);
          if (core.run(this) !== RUN_IDLE) return Left.stopped;
          trace.retRan(body, at, core.clockMs, core.spawnedCount, core.suspendedCount);
          continue;
        case Op.deinit:
          if (core.deinit() === Then.panicked) return Left.stopped;
          this.#deinited = true;
          trace.op(retHeader, at);
          continue;
        default:
          // Left is overflow.
          this.#overflowed = body;
          core.stop();
          return Left.stopped;
      }
      if (step === Then.parked) {
        rows[row + Row.parked] = 1;
        return Left.parked;
      }
      if (step === Then.panicked) return Left.stopped;
      // Only a wait comes back at once.
      this.#retWait(body, pc, step);
    }
  }

  #wake(body: number): number {
    const row = body << ROW_SHIFT;
    const state = this.#rows[row + Row.state]!;
    if (state === State.ended) return Result.finished;
    const isKnown = state === State.begun || (state === State.claimed && body < this.#fiberBodies);
    if (!isKnown) return Result.unspawned;
    this.core.wake(this.#rows[row + Row.fiber]!);
    return Result.called;
  }

  /** spawn and go: each body at most once. */
  #claim(body: number, asTask: boolean): number {
    const row = body << ROW_SHIFT;
    const rows = this.#rows;
    if (rows[row + Row.state] !== State.idle) return Result.already;
    rows[row + Row.state] = State.claimed;
    if (asTask) {
      const task = this.core.newTask();
      rows[row + Row.task] = task;
      this.#bodyOfTask[task] = body;
    }
    const fiber = this.core.spawn();
    rows[row + Row.fiber] = fiber;
    this.#bodyOf[fiber] = body;
    return Result.spawned;
  }

  /** write, read and close, by bodies and by the world. */
  #pipeOp(body: number, pc: number): void {
    const pipe = this.#words[pc + 1]!;
    const argument = this.#words[pc + 2]!;
    const { pipes } = this.core;
    const at = this.#at(body, pc);
    let result: number;
    if (this.#words[pc] === Op.close) {
      result = pipes.close(pipe, argument === WRITE_END ? 1 : 0) ? Result.closed : Result.already;
    } else {
      const count = this.#words[pc] === Op.write ? pipes.write(pipe, argument) : pipes.read(pipe, argument);
      if (count >= 0) {
        this.trace.retValue(body, at, count, 0);
        return;
      }
      result = PIPE_RESULTS[-count]!;
    }
    this.trace.op(Kind.ret | (result << RESULT_SHIFT) | (body << WHO_SHIFT), at);
  }

  /** The ret of a wait that has come back: with the task's value, or canceled. */
  #retWait(body: number, pc: number, step: Step): void {
    const at = this.#at(body, pc);
    if (step === Then.canceled) {
      const result = Result.canceled << RESULT_SHIFT;
      this.trace.op(Kind.ret | result | (body << WHO_SHIFT), at);
      return;
    }
    const task = this.#words[pc + 1]! << ROW_SHIFT;
    const rows = this.#rows;
    this.trace.retValue(body, at, rows[task + Row.returnsLow]!, rows[task + Row.returnsHigh]!);
  }

  /** The op's number in its own body, in the order written. */
  #at(body: number, pc: number): number {
    return ((pc - this.#rows[(body << ROW_SHIFT) + Row.start]!) / OP_WORDS) | 0;
  }

  #openFrame(body: number, first: number, passes: number, outerEnd: number): void {
    const depth = this.#rows[(body << ROW_SHIFT) + Row.depth]! + 1;
    this.#rows[(body << ROW_SHIFT) + Row.depth] = depth;
    const frame = frameOf(body, depth);
    this.#frames[frame + Frame.first] = first;
    this.#frames[frame + Frame.passes] = passes;
    this.#frames[frame + Frame.outerEnd] = outerEnd;
  }

  #load(words: Int32Array, offset: number): void {
    this.#words = words as Int32Array<ArrayBuffer>;
    const fibers = words[offset + ProgramWord.fibers]!;
    const tasks = words[offset + ProgramWord.tasks]!;
    this.#fiberBodies = fibers;
    this.#main = fibers + tasks;
    this.#world = fibers + tasks + 1;
    this.#overflowed = NONE;
    this.#deinited = false;
    this.core.reset(words[offset + ProgramWord.pipes]!);
    const bodies = fibers + tasks + 2;
    if (bodies > this.#capacity) this.#grow(bodies);
    loadBodyRows(words, offset, this.#rows);
  }

  #grow(bodies: number): void {
    const capacity = Math.max(64, bodies, this.#capacity * 2);
    this.#capacity = capacity;
    this.#rows = new Int32Array(capacity << ROW_SHIFT);
    this.#frames = new Int32Array(capacity * FRAMES_WORDS);
    this.#bodyOf = new Int32Array(capacity);
    this.#bodyOfTask = new Int32Array(capacity);
  }
}

/** Where a body's open frame of a depth, from 1, has its words. */
function frameOf(body: number, depth: number): number {
  return body * FRAMES_WORDS + ((depth - 1) << FRAME_SHIFT);
}

/** What a pipe answered instead of a count: `PipeResult`, its sign turned. */
const PIPE_RESULTS = [0, Result.closed, Result.full, Result.broken, Result.empty];
