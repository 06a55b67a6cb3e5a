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

// What other modules export, and what objects hold, is looked up at each use; numbers of this module are compiled in.
const { wait: OP_WAIT, wake: OP_WAKE, yield: OP_YIELD, sleep: OP_SLEEP, suspend: OP_SUSPEND } = OpCode;
const { spawn: OP_SPAWN, go: OP_GO, log: OP_LOG, write: OP_WRITE, read: OP_READ, close: OP_CLOSE } = OpCode;
const { block: OP_BLOCK, blockWrite: OP_BLOCK_WRITE, repeat: OP_REPEAT, call: OP_CALL } = OpCode;
const { cancel: OP_CANCEL, run: OP_RUN, deinit: OP_DEINIT } = OpCode;
const { unstarted: RESULT_UNSTARTED, called: RESULT_CALLED, finished: RESULT_FINISHED } = ResultCode;
const { unspawned: RESULT_UNSPAWNED, already: RESULT_ALREADY, spawned: RESULT_SPAWNED } = ResultCode;
const { closed: RESULT_CLOSED, canceled: RESULT_CANCELED, full: RESULT_FULL } = ResultCode;
const { broken: RESULT_BROKEN, empty: RESULT_EMPTY } = ResultCode;
const { parked: STEP_PARKED, panicked: STEP_PANICKED, canceled: STEP_CANCELED } = Step;
const { idle: STATE_IDLE, claimed: STATE_CLAIMED, begun: STATE_BEGUN, ended: STATE_ENDED } = BodyState;
const { begin: KIND_BEGIN, end: KIND_END, call: KIND_CALL, ret: KIND_RET } = RecordKind;
const RESULT_SHIFT = HEADER_RESULT_SHIFT;
const WHO_SHIFT = HEADER_WHO_SHIFT;
const RUN_IDLE = RunEnd.idle;
/** Why `#execute` came back. */
const [LEFT_ENDED, LEFT_PARKED, LEFT_STOPPED] = [0, 1, 2];

const NONE = -1;
const OP_WORDS = ProgramWord.op;
const { depth: ROW_DEPTH, state: ROW_STATE, pc: ROW_PC, task: ROW_TASK, fiber: ROW_FIBER } = BodyRow;
const { end: ROW_END, start: ROW_START, parked: ROW_PARKED, returnsLow: ROW_RETURNS_LOW } = BodyRow;
const { returnsHigh: ROW_RETURNS_HIGH } = BodyRow;
const ROW_SHIFT = BODY_ROW_SHIFT;

/** The words of an open repeat or call: its first op, the passes left, and where the list around it ends. */
const FRAME_SHIFT = 2;
const [FRAME_FIRST, FRAME_PASSES, FRAME_OUTER_END] = [0, 1, 2];
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
    if (left === LEFT_ENDED) {
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
    for (let depth = 1; depth <= rows[row + ROW_DEPTH]!; depth++) {
      const frame = frameOf(body, depth);
      if (this.#frames[frame + FRAME_PASSES]! > 1)
        again = Math.min(again, this.#at(body, this.#frames[frame + FRAME_FIRST]!));
    }
    const state = rows[row + ROW_STATE]! as BodyState;
    const at = this.#at(body, rows[row + ROW_PC]!);
    const task = rows[row + ROW_TASK]!;
    return { state, fiber: state === STATE_IDLE ? NONE : rows[row + ROW_FIBER]!, task, at, again };
  }

  resume(fiber: number): void {
    const { core, trace } = this;
    const body = this.#bodyOf[fiber]!;
    const row = body << ROW_SHIFT;
    const who = body << WHO_SHIFT;
    const task = this.#rows[row + ROW_TASK]!;
    trace.setClock(core.clockMs);
    if (this.#rows[row + ROW_STATE] === STATE_CLAIMED) {
      if (task !== NONE && !core.beginsWork(task)) {
        core.wakeWaiter(task);
        core.finish();
        return;
      }
      this.#rows[row + ROW_STATE] = STATE_BEGUN;
      trace.edge(KIND_BEGIN | who);
    }
    if (this.#execute(body) !== LEFT_ENDED) return;
    trace.edge(KIND_END | who);
    this.#rows[row + ROW_STATE] = STATE_ENDED;
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
      const pc = this.#rows[row + ROW_PC]!;
      if (pc === this.#rows[row + ROW_END]) return false;
      this.#pipeOp(world, pc);
      this.#rows[row + ROW_PC] = pc + OP_WORDS;
    }
    return true;
  }

  /** Runs a body from its program counter until it ends, parks, or everything stops. */
  #execute(body: number): number {
    const words = this.#words;
    const rows = this.#rows;
    const { core, trace } = this;
    const row = body << ROW_SHIFT;
    const start = rows[row + ROW_START]!;
    const callHeader = KIND_CALL | (body << WHO_SHIFT);
    const retHeader = KIND_RET | (body << WHO_SHIFT);
    /** The next op; `pc` is the one that runs. */
    let next = rows[row + ROW_PC]!;
    let end = rows[row + ROW_END]!;
    if (rows[row + ROW_PARKED] === 1) {
      if (words[next] === OP_WAIT) {
        const step = core.rewait(rows[(words[next + 1]! << ROW_SHIFT) + ROW_TASK]!);
        if (step === STEP_PARKED) return LEFT_PARKED;
        this.#retWait(body, next, step);
      } else {
        trace.op(retHeader, ((next - start) / OP_WORDS) | 0);
      }
      rows[row + ROW_PARKED] = 0;
      next += OP_WORDS;
    }
    for (;;) {
      while (next === end) {
        const depth = rows[row + ROW_DEPTH]!;
        if (depth === 0) return LEFT_ENDED;
        const frame = frameOf(body, depth);
        const passes = this.#frames[frame + FRAME_PASSES]! - 1;
        this.#frames[frame + FRAME_PASSES] = passes;
        if (passes > 0) {
          next = this.#frames[frame + FRAME_FIRST]!;
        } else {
          rows[row + ROW_DEPTH] = depth - 1;
          end = this.#frames[frame + FRAME_OUTER_END]!;
          rows[row + ROW_END] = end;
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
        case OP_WAKE:
          trace.op(retHeader | (this.#wake(operand) << RESULT_SHIFT), at);
          continue;
        case OP_YIELD:
          rows[row + ROW_PC] = pc;
          trace.op(callHeader, at);
          step = core.yieldNow();
          break;
        case OP_SLEEP:
          rows[row + ROW_PC] = pc;
          trace.op(callHeader, at);
          step = core.sleep(words[pc + 2]! * 4294967296 + (operand >>> 0));
          break;
        case OP_SUSPEND:
          rows[row + ROW_PC] = pc;
          trace.op(callHeader, at);
          step = core.suspendSelf();
          break;
        case OP_SPAWN:
        case OP_GO:
          trace.op(retHeader | (this.#claim(operand, code === OP_GO) << RESULT_SHIFT), at);
          continue;
        case OP_LOG:
          trace.retValue(body, at, operand, words[pc + 2]!);
          continue;
        case OP_WRITE:
        case OP_READ:
        case OP_CLOSE:
          this.#pipeOp(body, pc);
          continue;
        case OP_WAIT: {
          const task = rows[(operand << ROW_SHIFT) + ROW_TASK]!;
          if (task === NONE) {
            trace.op(retHeader | (RESULT_UNSTARTED << RESULT_SHIFT), at);
            continue;
          }
          rows[row + ROW_PC] = pc;
          trace.op(callHeader, at);
          step = core.wait(task);
          break;
        }
        case OP_BLOCK:
        case OP_BLOCK_WRITE:
          rows[row + ROW_PC] = pc;
          trace.op(callHeader, at);
          step = core.blockOnPipe(operand, code === OP_BLOCK);
          break;
        case OP_REPEAT:
        case OP_CALL: {
          const opsEnd = next + words[pc + 2]! * OP_WORDS;
          const passes = code === OP_CALL ? 1 : operand;
          if (passes === 0 || next === opsEnd) {
            next = opsEnd;
          } else {
            this.#openFrame(body, next, passes, end);
            end = opsEnd;
            rows[row + ROW_END] = end;
          }
          continue;
        }
        case OP_CANCEL: {
          const task = rows[(operand << ROW_SHIFT) + ROW_TASK]!;
          if (task !== NONE) core.cancel(task);
          const result = task === NONE ? RESULT_UNSTARTED : RESULT_CALLED;
          trace.op(retHeader | (result << RESULT_SHIFT), at);
          continue;
        }
        case OP_RUN:
          rows[row + ROW_PC] = pc;
          trace.op(callHeader, at);
          if (core.run(this) !== RUN_IDLE) return LEFT_STOPPED;
          trace.retRan(body, at, core.clockMs, core.spawnedCount, core.suspendedCount);
          continue;
        case OP_DEINIT:
          if (core.deinit() === STEP_PANICKED) return LEFT_STOPPED;
          this.#deinited = true;
          trace.op(retHeader, at);
          continue;
        default:
          // Left is overflow.
          this.#overflowed = body;
          core.stop();
          return LEFT_STOPPED;
      }
      if (step === STEP_PARKED) {
        rows[row + ROW_PARKED] = 1;
        return LEFT_PARKED;
      }
      if (step === STEP_PANICKED) return LEFT_STOPPED;
      // Only a wait comes back at once.
      this.#retWait(body, pc, step);
    }
  }

  #wake(body: number): number {
    const row = body << ROW_SHIFT;
    const state = this.#rows[row + ROW_STATE]!;
    if (state === STATE_ENDED) return RESULT_FINISHED;
    const isKnown = state === STATE_BEGUN || (state === STATE_CLAIMED && body < this.#fiberBodies);
    if (!isKnown) return RESULT_UNSPAWNED;
    this.core.wake(this.#rows[row + ROW_FIBER]!);
    return RESULT_CALLED;
  }

  /** spawn and go: each body at most once. */
  #claim(body: number, asTask: boolean): number {
    const row = body << ROW_SHIFT;
    const rows = this.#rows;
    if (rows[row + ROW_STATE] !== STATE_IDLE) return RESULT_ALREADY;
    rows[row + ROW_STATE] = STATE_CLAIMED;
    if (asTask) {
      const task = this.core.newTask();
      rows[row + ROW_TASK] = task;
      this.#bodyOfTask[task] = body;
    }
    const fiber = this.core.spawn();
    rows[row + ROW_FIBER] = fiber;
    this.#bodyOf[fiber] = body;
    return RESULT_SPAWNED;
  }

  /** write, read and close, by bodies and by the world. */
  #pipeOp(body: number, pc: number): void {
    const pipe = this.#words[pc + 1]!;
    const argument = this.#words[pc + 2]!;
    const { pipes } = this.core;
    const at = this.#at(body, pc);
    let result: number;
    if (this.#words[pc] === OP_CLOSE) {
      result = pipes.close(pipe, argument === WRITE_END ? 1 : 0) ? RESULT_CLOSED : RESULT_ALREADY;
    } else {
      const count = this.#words[pc] === OP_WRITE ? pipes.write(pipe, argument) : pipes.read(pipe, argument);
      if (count >= 0) {
        this.trace.retValue(body, at, count, 0);
        return;
      }
      result = PIPE_RESULTS[-count]!;
    }
    this.trace.op(KIND_RET | (result << RESULT_SHIFT) | (body << WHO_SHIFT), at);
  }

  /** The ret of a wait that has come back: with the task's value, or canceled. */
  #retWait(body: number, pc: number, step: Step): void {
    const at = this.#at(body, pc);
    if (step === STEP_CANCELED) {
      const result = RESULT_CANCELED << RESULT_SHIFT;
      this.trace.op(KIND_RET | result | (body << WHO_SHIFT), at);
      return;
    }
    const task = this.#words[pc + 1]! << ROW_SHIFT;
    const rows = this.#rows;
    this.trace.retValue(body, at, rows[task + ROW_RETURNS_LOW]!, rows[task + ROW_RETURNS_HIGH]!);
  }

  /** The op's number in its own body, in the order written. */
  #at(body: number, pc: number): number {
    return ((pc - this.#rows[(body << ROW_SHIFT) + ROW_START]!) / OP_WORDS) | 0;
  }

  #openFrame(body: number, first: number, passes: number, outerEnd: number): void {
    const depth = this.#rows[(body << ROW_SHIFT) + ROW_DEPTH]! + 1;
    this.#rows[(body << ROW_SHIFT) + ROW_DEPTH] = depth;
    const frame = frameOf(body, depth);
    this.#frames[frame + FRAME_FIRST] = first;
    this.#frames[frame + FRAME_PASSES] = passes;
    this.#frames[frame + FRAME_OUTER_END] = outerEnd;
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
const PIPE_RESULTS = [0, RESULT_CLOSED, RESULT_FULL, RESULT_BROKEN, RESULT_EMPTY];
