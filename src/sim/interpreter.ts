/**
 * Interprets encoded programs on the scheduler model and writes their traces (SPEC sections 3 and 4).
 *
 * A body is interpreted in place, over the words of the program: its program counter and its open `repeat` and `call` frames lie in
 * arrays indexed by body number, so that parking is a return and resuming is a call, and nothing is allocated per event. `main` and
 * the world go the same way as fibers; whether an op is inside a fiber is the scheduler's to say. The C side is
 * `native-bridge/replay/interpreter.c`: it must write the same records for the same op, in the same order.
 */
import { type FiberBodies, RunEnd, SchedulerCore, Step } from "../sched/index.js";
import { PipeResult, WRITE_END } from "../sched/pipes.js";
import { type BodyProgress, BodyState } from "./body-progress.js";
import { OpCode, ProgramWord, ResultCode } from "./encoding.js";
import { ProgramLimits } from "./program.js";
import { TraceWriter } from "./trace-writer.js";

/** Why `#execute` came back. */
const Left = { ended: 0, parked: 1, stopped: 2 } as const;
type Left = (typeof Left)[keyof typeof Left];

const NONE = -1;
const OP_WORDS = ProgramWord.op;
const FRAME_WORDS = 3;
const FRAMES_WORDS = FRAME_WORDS * ProgramLimits.nestingMax;

export class Interpreter implements FiberBodies {
  readonly core = new SchedulerCore();
  readonly trace = new TraceWriter();
  #words = new Int32Array(0);
  #fiberBodies = 0;
  #main = 0;
  #world = 0;
  #overflowed = NONE;
  #deinited = false;
  #capacity = 0;
  #state = new Uint8Array(0);
  #fiberOf = new Int32Array(0);
  #taskOf = new Int32Array(0);
  #bodyOf = new Int32Array(0);
  #bodyOfTask = new Int32Array(0);
  #start = new Int32Array(0);
  #end = new Int32Array(0);
  #returns = new Int32Array(0);
  #pc = new Int32Array(0);
  #parked = new Uint8Array(0);
  #depth = new Uint8Array(0);
  /** Open frames of each body, innermost last: first op, end, passes left. */
  #frames = new Int32Array(0);

  /** Replays the encoded program that starts at `words[offset]` and appends its trace. Never throws on a valid program. */
  replay(words: Int32Array, offset: number): void {
    this.#load(words, offset);
    this.trace.startTrace();
    const left = this.#execute(this.#main);
    const { core, trace } = this;
    if (left === Left.ended) {
      if (!this.#deinited) core.deinit();
      trace.completed(core.clockMs);
    } else if (core.panicMessage !== undefined) {
      trace.panicked(core.clockMs, core.panicMessage);
    } else if (this.#overflowed !== NONE) {
      trace.stackOverflowed(this.#overflowed, core.clockMs);
    } else {
      const waiting = core
        .waitedPipes()
        .map((pipe) => [this.#bodyOf[core.pipeWaiterOf(pipe)]!, pipe] as const);
      trace.hung(core.clockMs, waiting);
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
    const frames = this.#frames.subarray(
      body * FRAMES_WORDS,
      body * FRAMES_WORDS + this.#depth[body]! * FRAME_WORDS,
    );
    let again = Number.POSITIVE_INFINITY;
    for (let i = 0; i < frames.length; i += FRAME_WORDS)
      if (frames[i + 2]! > 1) again = Math.min(again, this.#at(body, frames[i]!));
    const state = this.#state[body]! as BodyState;
    const at = this.#at(body, this.#pc[body]!);
    const task = this.#taskOf[body]!;
    return { state, fiber: state === BodyState.idle ? NONE : this.#fiberOf[body]!, task, at, again };
  }

  resume(fiber: number): void {
    const { core, trace } = this;
    const body = this.#bodyOf[fiber]!;
    const task = this.#taskOf[body]!;
    if (this.#state[body] === BodyState.claimed) {
      if (task !== NONE && !core.beginsWork(task)) {
        core.wakeWaiter(task);
        core.finish();
        return;
      }
      this.#state[body] = BodyState.begun;
      trace.begin(body, core.clockMs);
    }
    if (this.#execute(body) !== Left.ended) return;
    trace.end(body, core.clockMs);
    this.#state[body] = BodyState.ended;
    if (task !== NONE) {
      core.completeWork(task);
      core.wakeWaiter(task);
    }
    core.finish();
  }

  idle(): boolean {
    const world = this.#world;
    while (!this.core.hasReadableWaiter()) {
      const pc = this.#pc[world]!;
      if (pc === this.#end[world]) return false;
      this.#pipeOp(world, pc);
      this.#pc[world] = pc + OP_WORDS;
    }
    return true;
  }

  /** Runs a body from its program counter until it ends, parks, or everything stops. */
  #execute(body: number): Left {
    const words = this.#words;
    const { core, trace } = this;
    let pc = this.#pc[body]!;
    let end = this.#depth[body] === 0 ? this.#end[body]! : this.#frames[this.#topFrame(body) + 1]!;
    if (this.#parked[body] === 1) {
      this.#parked[body] = 0;
      const step = words[pc] === OpCode.wait ? core.rewait(this.#taskOf[words[pc + 1]!]!) : Step.proceed;
      const left = this.#afterStep(body, pc, step);
      if (left !== Left.ended) return left;
      pc += OP_WORDS;
    }
    for (;;) {
      while (pc === end) {
        if (this.#depth[body] === 0) return Left.ended;
        const frame = this.#topFrame(body);
        if (--this.#frames[frame + 2]! > 0) {
          pc = this.#frames[frame]!;
        } else {
          this.#depth[body] = this.#depth[body]! - 1;
          end = this.#depth[body] === 0 ? this.#end[body]! : this.#frames[frame - FRAME_WORDS + 1]!;
        }
      }
      const code = words[pc]!;
      const operand = words[pc + 1]!;
      let step: Step;
      switch (code) {
        case OpCode.repeat:
        case OpCode.call: {
          const count = words[pc + 2]!;
          const passes = code === OpCode.call ? 1 : operand;
          if (passes === 0 || count === 0) {
            pc += OP_WORDS * (count + 1);
          } else {
            end = this.#openFrame(body, pc + OP_WORDS, count, passes);
            pc += OP_WORDS;
          }
          continue;
        }
        case OpCode.yield:
          this.#call(body, pc);
          step = core.yieldNow();
          break;
        case OpCode.suspend:
          this.#call(body, pc);
          step = core.suspendSelf();
          break;
        case OpCode.sleep:
          this.#call(body, pc);
          step = core.sleep(words[pc + 2]! * 4294967296 + (operand >>> 0));
          break;
        case OpCode.wait: {
          const task = this.#taskOf[operand]!;
          if (task === NONE) {
            trace.ret(body, this.#at(body, pc), core.clockMs, ResultCode.unstarted);
            pc += OP_WORDS;
            continue;
          }
          this.#call(body, pc);
          step = core.wait(task);
          break;
        }
        case OpCode.block:
        case OpCode.blockWrite:
          this.#call(body, pc);
          step = core.blockOnPipe(operand, code === OpCode.block);
          break;
        case OpCode.run:
          this.#call(body, pc);
          if (core.run(this) !== RunEnd.idle) return Left.stopped;
          trace.retRan(body, this.#at(body, pc), core.clockMs, core.spawnedCount, core.suspendedCount);
          pc += OP_WORDS;
          continue;
        case OpCode.deinit:
          if (core.deinit() === Step.panicked) return Left.stopped;
          this.#deinited = true;
          trace.ret(body, this.#at(body, pc), core.clockMs, ResultCode.none);
          pc += OP_WORDS;
          continue;
        case OpCode.overflow:
          this.#overflowed = body;
          core.stop();
          return Left.stopped;
        default:
          this.#plainOp(body, pc, code, operand);
          pc += OP_WORDS;
          continue;
      }
      const left = this.#afterStep(body, pc, step);
      if (left !== Left.ended) return left;
      pc += OP_WORDS;
    }
  }

  /** Ops that never switch and never stop: those of the `ret` alone. */
  #plainOp(body: number, pc: number, code: number, operand: number): void {
    switch (code) {
      case OpCode.wake:
        this.#ret(body, pc, this.#wake(operand));
        break;
      case OpCode.spawn:
      case OpCode.go:
        this.#ret(body, pc, this.#claim(operand, code === OpCode.go));
        break;
      case OpCode.cancel: {
        const task = this.#taskOf[operand]!;
        if (task !== NONE) this.core.cancel(task);
        this.#ret(body, pc, task === NONE ? ResultCode.unstarted : ResultCode.called);
        break;
      }
      case OpCode.log:
        this.trace.retValue(body, this.#at(body, pc), this.core.clockMs, operand, this.#words[pc + 2]!);
        break;
      default:
        this.#pipeOp(body, pc);
    }
  }

  #wake(body: number): number {
    const state = this.#state[body]!;
    if (state === BodyState.ended) return ResultCode.finished;
    const isKnown = state === BodyState.begun || (state === BodyState.claimed && body < this.#fiberBodies);
    if (!isKnown) return ResultCode.unspawned;
    this.core.wake(this.#fiberOf[body]!);
    return ResultCode.called;
  }

  /** spawn and go: each body at most once. */
  #claim(body: number, asTask: boolean): number {
    if (this.#state[body] !== BodyState.idle) return ResultCode.already;
    this.#state[body] = BodyState.claimed;
    if (asTask) {
      const task = this.core.newTask();
      this.#taskOf[body] = task;
      this.#bodyOfTask[task] = body;
    }
    const fiber = this.core.spawn();
    this.#fiberOf[body] = fiber;
    this.#bodyOf[fiber] = body;
    return ResultCode.spawned;
  }

  /** write, read and close, by bodies and by the world. */
  #pipeOp(body: number, pc: number): void {
    const pipe = this.#words[pc + 1]!;
    const argument = this.#words[pc + 2]!;
    const { pipes } = this.core;
    let count: number;
    switch (this.#words[pc]) {
      case OpCode.write:
        count = pipes.write(pipe, argument);
        break;
      case OpCode.read:
        count = pipes.read(pipe, argument);
        break;
      default: {
        const closed = pipes.close(pipe, argument === WRITE_END ? 1 : 0);
        this.#ret(body, pc, closed ? ResultCode.closed : ResultCode.already);
        return;
      }
    }
    if (count >= 0) this.trace.retValue(body, this.#at(body, pc), this.core.clockMs, count, 0);
    else this.#ret(body, pc, PIPE_RESULTS[count]!);
  }

  /** What a step of the scheduler means for the body: the ret of an op that did not switch or has come back, or leaving. */
  #afterStep(body: number, pc: number, step: Step): Left {
    if (step === Step.parked) {
      this.#pc[body] = pc;
      this.#parked[body] = 1;
      return Left.parked;
    }
    if (step === Step.panicked) return Left.stopped;
    if (this.#words[pc] !== OpCode.wait) {
      this.#ret(body, pc, ResultCode.none);
    } else if (step === Step.canceled) {
      this.#ret(body, pc, ResultCode.canceled);
    } else {
      const task = this.#words[pc + 1]! * 2;
      this.trace.retValue(
        body,
        this.#at(body, pc),
        this.core.clockMs,
        this.#returns[task]!,
        this.#returns[task + 1]!,
      );
    }
    return Left.ended;
  }

  #call(body: number, pc: number): void {
    this.#pc[body] = pc;
    this.trace.call(body, this.#at(body, pc), this.core.clockMs);
  }

  #ret(body: number, pc: number, result: number): void {
    this.trace.ret(body, this.#at(body, pc), this.core.clockMs, result);
  }

  /** The op's number in its own body, in the order written. */
  #at(body: number, pc: number): number {
    return ((pc - this.#start[body]!) / OP_WORDS) | 0;
  }

  #topFrame(body: number): number {
    return body * FRAMES_WORDS + (this.#depth[body]! - 1) * FRAME_WORDS;
  }

  #openFrame(body: number, first: number, count: number, passes: number): number {
    this.#depth[body] = this.#depth[body]! + 1;
    const frame = this.#topFrame(body);
    const end = first + count * OP_WORDS;
    this.#frames[frame] = first;
    this.#frames[frame + 1] = end;
    this.#frames[frame + 2] = passes;
    return end;
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
    let row = offset + ProgramWord.header;
    const opsStart = row + bodies * ProgramWord.body;
    for (let body = 0; body < bodies; body++) {
      const start = opsStart + words[row]! * OP_WORDS;
      this.#start[body] = start;
      this.#pc[body] = start;
      this.#end[body] = start + words[row + 1]! * OP_WORDS;
      this.#returns[body * 2] = words[row + 2]!;
      this.#returns[body * 2 + 1] = words[row + 3]!;
      this.#state[body] = BodyState.idle;
      this.#taskOf[body] = NONE;
      this.#parked[body] = 0;
      this.#depth[body] = 0;
      row += ProgramWord.body;
    }
  }

  #grow(bodies: number): void {
    const capacity = Math.max(64, bodies, this.#capacity * 2);
    this.#capacity = capacity;
    this.#state = new Uint8Array(capacity);
    this.#fiberOf = new Int32Array(capacity);
    this.#taskOf = new Int32Array(capacity);
    this.#bodyOf = new Int32Array(capacity);
    this.#bodyOfTask = new Int32Array(capacity);
    this.#start = new Int32Array(capacity);
    this.#end = new Int32Array(capacity);
    this.#returns = new Int32Array(capacity * 2);
    this.#pc = new Int32Array(capacity);
    this.#parked = new Uint8Array(capacity);
    this.#depth = new Uint8Array(capacity);
    this.#frames = new Int32Array(capacity * FRAMES_WORDS);
  }
}

const PIPE_RESULTS: Readonly<Record<number, number>> = {
  [PipeResult.closed]: ResultCode.closed,
  [PipeResult.full]: ResultCode.full,
  [PipeResult.broken]: ResultCode.broken,
  [PipeResult.empty]: ResultCode.empty,
};
