/**
 * Counts what runs have reached: reads an encoded program with its trace and marks labels (`labels.ts`).
 *
 * Only the model's trace is read; where a target differs from it the run is a failure anyway. One pass, typed arrays, nothing allocated
 * per record, so that a campaign can afford it for every run. A label is counted once a run.
 */
import { blockTakenPanic, deadlockPanic, Panic, registerFailedPanic } from "../../sched/panics.js";
import {
  HEADER_CLOCK_BIT,
  HEADER_RESULT_SHIFT,
  HEADER_WHO_SHIFT,
  OpCode,
  OutcomeCode,
  ProgramWord,
  RecordKind,
  ResultCode,
} from "../encoding.js";
import { LABELS, LabelIndex } from "./labels.js";

const NONE = -1;
const CROWD_MIN = 17;

const MINUS = "-".charCodeAt(0);

/** Panics by the beginning of their text, in whole words of a trace. */
const PANIC_LABELS: readonly { readonly words: Int32Array; readonly label: number }[] = (
  [
    [Panic.yieldOutside, LabelIndex.yieldOutside],
    [Panic.suspendOutside, LabelIndex.suspendOutside],
    [Panic.sleepOutside, LabelIndex.sleepOutside],
    [Panic.blockOutside, LabelIndex.blockOutside],
    [Panic.blockForWrite, LabelIndex.blockForWrite],
    [Panic.waitTaken, LabelIndex.waitTaken],
    [Panic.runInside, LabelIndex.runInside],
    [Panic.deinitInside, LabelIndex.deinitInside],
    [blockTakenPanic(0), LabelIndex.blockTaken],
    [registerFailedPanic(0), LabelIndex.blockClosed],
    [registerFailedPanic(0, "kqueue"), LabelIndex.blockClosed],
    [deadlockPanic(0), LabelIndex.deadlock],
  ] as const
).map(([text, label]) => {
  // Up to the first number, in whole words: 20 bytes at least, enough to tell them apart.
  const bytes = new TextEncoder().encode(text.split("0", 1)[0]!);
  return { words: new Int32Array(bytes.slice(0, bytes.length & ~3).buffer), label };
});

function beginsWith(trace: Int32Array, at: number, words: Int32Array): boolean {
  for (let i = 0; i < words.length; i++) if (trace[at + i] !== words[i]) return false;
  return true;
}

export class Coverage {
  /** Runs that reached each label, by label number. */
  readonly counts = new Float64Array(LABELS.length);
  runs = 0;
  /** Records of all traces read, outcomes not counted. */
  events = 0;
  /** Ops as written (repeat and call not counted) and those of them that ran at least once. */
  opsWritten = 0;
  opsReached = 0;
  readonly #countedAt = new Float64Array(LABELS.length).fill(-1);
  /** Op code of the call that a body has open, or NONE. */
  #open = new Int32Array(0);
  /** Whether the open call began to park: another record came between it and its ret. */
  #woken = new Uint8Array(0);
  #ended = new Uint8Array(0);
  #begun = new Uint8Array(0);
  #claimed = new Uint8Array(0);
  #canceled = new Uint8Array(0);
  #left = new Uint8Array(0);
  #bytes = new Int32Array(0);
  #waiter = new Int32Array(0);
  #isDrained = new Uint8Array(0);
  #isEof = new Uint8Array(0);
  #reached = new Uint8Array(0);

  /** Reads one run: the program at `program[offset]` and its trace, `trace[from]` to `trace[to - 1]`. */
  read(program: Int32Array, offset: number, trace: Int32Array, from: number, to: number): void {
    const bodies = program[offset + ProgramWord.fibers]! + program[offset + ProgramWord.tasks]! + 2;
    this.#prepare(bodies, program[offset + ProgramWord.pipes]!, program[offset + ProgramWord.ops]!);
    this.#scan(program, offset, bodies, trace, from, to);
    this.#countOps(program, offset, bodies);
    this.runs++;
  }

  #scan(
    program: Int32Array,
    offset: number,
    bodies: number,
    trace: Int32Array,
    from: number,
    to: number,
  ): void {
    const rows = offset + ProgramWord.header;
    const ops = rows + bodies * ProgramWord.body;
    const main = bodies - 2;
    let at = from;
    let previousCaller = NONE;
    let blocked = 0;
    let hasMoved = false;
    let firedAtRecord = NONE;
    let mainRuns = 0;
    let deinits = 0;
    let record = 0;
    while (at < to) {
      const header = trace[at++]!;
      const hasClock = (header & HEADER_CLOCK_BIT) !== 0;
      if (hasClock) {
        at += 2;
        hasMoved = true;
        firedAtRecord = NONE;
      }
      const kind = header & 7;
      const who = header >>> HEADER_WHO_SHIFT;
      if (kind === RecordKind.outcome) {
        this.#outcome((header >> HEADER_RESULT_SHIFT) & 31, trace, at);
        this.events += record;
        return;
      }
      record++;
      if (kind === RecordKind.begin) {
        this.#begun[who] = 1;
        previousCaller = NONE;
        continue;
      }
      if (kind === RecordKind.end) {
        this.#ended[who] = 1;
        if (this.#woken[who] === 2) this.#hit(LabelIndex.bodyEnded);
        if (this.#isTask(program, offset, who)) {
          this.#hit(LabelIndex.taskDone);
          if (this.#left[who] === 1) this.#hit(LabelIndex.waiterLeft);
        }
        previousCaller = NONE;
        continue;
      }
      const index = program[rows + who * ProgramWord.body]! + trace[at++]!;
      const code = program[ops + index * ProgramWord.op]!;
      const operand = program[ops + index * ProgramWord.op + 1]!;
      this.#reached[index] = 1;
      if (kind === RecordKind.call) {
        this.#open[who] = code;
        this.#woken[who] = 0;
        if (code === OpCode.block) {
          this.#waiter[operand] = who;
          this.#isDrained[operand] = 0;
          if (++blocked >= CROWD_MIN) this.#hit(LabelIndex.crowd);
          if (this.#bytes[operand]! > 0) this.#hit(LabelIndex.readableAtOnce);
        }
        previousCaller = who;
        continue;
      }
      const result = (header >> HEADER_RESULT_SHIFT) & 31;
      const value = result === ResultCode.value ? trace[at]! : 0;
      if (result === ResultCode.value) at += 2;
      else if (result === ResultCode.ran) at += 6;
      const hasParked = this.#open[who] !== NONE && previousCaller !== who;
      const wasWoken = this.#woken[who] === 1;
      if (hasParked && who < main) this.#hit(LabelIndex.switched);
      switch (code) {
        case OpCode.yield:
          this.#hit(LabelIndex.yielded);
          break;
        case OpCode.suspend:
          this.#hit(LabelIndex.suspendWoken);
          break;
        case OpCode.sleep:
          this.#hit(LabelIndex.slept);
          if (operand === 0) this.#hit(LabelIndex.sleepZero);
          if (wasWoken) break;
          if (hasMoved) this.#hit(LabelIndex.timersLate);
          if (firedAtRecord !== NONE) this.#hit(LabelIndex.timerTie);
          firedAtRecord = record;
          if (this.#hasReadableWaiter()) this.#hit(LabelIndex.timerBeforeFd);
          break;
        case OpCode.block:
          blocked--;
          this.#waiter[operand] = NONE;
          if (!wasWoken)
            this.#hit(this.#isEof[operand] === 1 ? LabelIndex.endOfFile : LabelIndex.blockDelivered);
          break;
        case OpCode.wait:
          this.#waited(result, operand, hasParked);
          break;
        case OpCode.wake:
          this.#wake(result, operand);
          break;
        case OpCode.spawn:
        case OpCode.go:
          if (result === ResultCode.spawned) this.#claimed[operand] = 1;
          if (code === OpCode.spawn && who < main && result === ResultCode.spawned)
            this.#hit(LabelIndex.spawnInside);
          break;
        case OpCode.cancel:
          if (result === ResultCode.called) this.#cancel(operand);
          break;
        case OpCode.write:
          if (result === ResultCode.value) this.#wrote(operand, value);
          if (who === main + 1) this.#hit(LabelIndex.worldActs);
          break;
        case OpCode.read:
          if (result === ResultCode.value) this.#read(operand, value, who);
          break;
        case OpCode.close:
          if (who === main + 1) this.#hit(LabelIndex.worldActs);
          if (result === ResultCode.closed) this.#closed(operand, program[ops + index * ProgramWord.op + 2]!);
          break;
        case OpCode.run:
          if (++mainRuns > 1) this.#hit(LabelIndex.ranAgain);
          break;
        case OpCode.deinit:
          if (++deinits > 1) this.#hit(LabelIndex.deinitTwice);
          else this.#deinit(main);
          break;
      }
      // 2: has come back from a switch at least once.
      if (hasParked) this.#woken[who] = 2;
      this.#open[who] = NONE;
      previousCaller = NONE;
    }
  }

  #isTask(program: Int32Array, offset: number, body: number): boolean {
    return body >= program[offset + ProgramWord.fibers]!;
  }

  #waited(result: number, task: number, hasParked: boolean): void {
    if (result === ResultCode.canceled) {
      this.#hit(LabelIndex.waitCanceled);
      if (hasParked && this.#ended[task] === 0) this.#left[task] = 1;
    } else if (result === ResultCode.value) {
      this.#hit(hasParked ? LabelIndex.waitParked : LabelIndex.waitReady);
    }
  }

  #wake(result: number, target: number): void {
    if (result === ResultCode.finished) this.#hit(LabelIndex.wakeFinished);
    if (result !== ResultCode.called) return;
    const code = this.#open[target]!;
    if (code === NONE || this.#woken[target] === 1 || code === OpCode.yield) {
      this.#hit(LabelIndex.wakeNoop);
      return;
    }
    if (code === OpCode.sleep) this.#hit(LabelIndex.wakeSleeper);
    else if (code === OpCode.block) this.#hit(LabelIndex.wakeReader);
    else if (code === OpCode.wait) this.#hit(LabelIndex.wakeWaiter);
    // A waiter that is woken early parks again unless its task is done: it can be woken again.
    if (code !== OpCode.wait) this.#woken[target] = 1;
  }

  #cancel(task: number): void {
    if (this.#ended[task] === 1) this.#hit(LabelIndex.cancelAfter);
    else if (this.#begun[task] === 1) this.#hit(LabelIndex.cancelDuring);
    else this.#hit(LabelIndex.cancelBefore);
    if (this.#begun[task] === 0) this.#canceled[task] = 1;
  }

  #wrote(pipe: number, count: number): void {
    this.#bytes[pipe] = this.#bytes[pipe]! + count;
    if (this.#waiter[pipe] !== NONE && this.#isDrained[pipe] === 1) this.#hit(LabelIndex.refilled);
  }

  #read(pipe: number, count: number, who: number): void {
    this.#bytes[pipe] = this.#bytes[pipe]! - count;
    if (count === 0 || this.#waiter[pipe] === NONE || this.#waiter[pipe] === who || this.#bytes[pipe] !== 0)
      return;
    this.#hit(LabelIndex.drained);
    this.#isDrained[pipe] = 1;
  }

  #closed(pipe: number, end: number): void {
    if (end === 1) this.#isEof[pipe] = 1;
    else if (this.#waiter[pipe] !== NONE) this.#hit(LabelIndex.closedUnder);
  }

  #hasReadableWaiter(): boolean {
    for (let pipe = 0; pipe < this.#pipes; pipe++) {
      if (this.#waiter[pipe] !== NONE && this.#bytes[pipe]! > 0) return true;
    }
    return false;
  }

  #deinit(main: number): void {
    for (let body = 0; body < main; body++) {
      if (this.#claimed[body] === 0 || this.#begun[body] === 1) continue;
      // After a run, a claimed body that never began is a canceled task; before one, a fiber for deinit to free.
      this.#hit(this.#canceled[body] === 1 ? LabelIndex.taskSkipped : LabelIndex.deinitUnrun);
    }
  }

  #outcome(code: number, trace: Int32Array, at: number): void {
    if (code === OutcomeCode.stackOverflow) this.#hit(LabelIndex.overflow);
    if (code === OutcomeCode.ioHang) this.#hit(LabelIndex.ioHang);
    if (code !== OutcomeCode.panic) return;
    for (const { words, label } of PANIC_LABELS) {
      if (!beginsWith(trace, at + 1, words)) continue;
      // A wait outside a fiber panics with the text of the suspend that it comes to (K2).
      const isWait = label === LabelIndex.suspendOutside && this.#open[this.#bodies - 2] === OpCode.wait;
      this.#hit(isWait ? LabelIndex.waitOutside : label);
      return;
    }
    // Left are the two panics of a sleep inside a fiber: `sched: sleep(` and the duration, 13 bytes before its first character.
    const isNegative = ((trace[at + 4]! >> 8) & 255) === MINUS;
    this.#hit(isNegative ? LabelIndex.sleepNegative : LabelIndex.sleepOverflow);
  }

  #countOps(program: Int32Array, offset: number, bodies: number): void {
    const count = program[offset + ProgramWord.ops]!;
    const ops = offset + ProgramWord.header + bodies * ProgramWord.body;
    for (let index = 0; index < count; index++) {
      const code = program[ops + index * ProgramWord.op]!;
      if (code === OpCode.repeat || code === OpCode.call) continue;
      this.opsWritten++;
      this.opsReached += this.#reached[index]!;
    }
  }

  #bodies = 0;
  #pipes = 0;

  #prepare(bodies: number, pipes: number, ops: number): void {
    this.#bodies = bodies;
    this.#pipes = pipes;
    if (bodies > this.#open.length) {
      const capacity = Math.max(64, bodies);
      this.#open = new Int32Array(capacity);
      this.#woken = new Uint8Array(capacity);
      this.#ended = new Uint8Array(capacity);
      this.#begun = new Uint8Array(capacity);
      this.#claimed = new Uint8Array(capacity);
      this.#canceled = new Uint8Array(capacity);
      this.#left = new Uint8Array(capacity);
    }
    if (pipes > this.#bytes.length) {
      const capacity = Math.max(32, pipes);
      this.#bytes = new Int32Array(capacity);
      this.#waiter = new Int32Array(capacity);
      this.#isDrained = new Uint8Array(capacity);
      this.#isEof = new Uint8Array(capacity);
    }
    if (ops > this.#reached.length) this.#reached = new Uint8Array(Math.max(256, ops));
    this.#open.fill(NONE, 0, bodies);
    this.#woken.fill(0, 0, bodies);
    this.#ended.fill(0, 0, bodies);
    this.#begun.fill(0, 0, bodies);
    this.#claimed.fill(0, 0, bodies);
    this.#canceled.fill(0, 0, bodies);
    this.#left.fill(0, 0, bodies);
    this.#bytes.fill(0, 0, pipes);
    this.#waiter.fill(NONE, 0, pipes);
    this.#isDrained.fill(0, 0, pipes);
    this.#isEof.fill(0, 0, pipes);
    this.#reached.fill(0, 0, ops);
  }

  #hit(label: number): void {
    if (this.#countedAt[label] === this.runs) return;
    this.#countedAt[label] = this.runs;
    this.counts[label] = this.counts[label]! + 1;
  }
}
