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

// What other modules export is looked up at each use; constants of this one are compiled in.
const Op = OpCode;
const Word = ProgramWord;
const Record = RecordKind;
const Result = ResultCode;
const Label = LabelIndex;
const Outcome = OutcomeCode;
const CLOCK_BIT = HEADER_CLOCK_BIT;
const RESULT_SHIFT = HEADER_RESULT_SHIFT;
const WHO_SHIFT = HEADER_WHO_SHIFT;

const NONE = -1;
const CROWD_MIN = 17;

const MINUS = "-".charCodeAt(0);

/** Panics by the beginning of their text, in whole words of a trace. */
const PANIC_LABELS: readonly { readonly words: Int32Array; readonly label: number }[] = (
  [
    [Panic.yieldOutside, Label.yieldOutside],
    [Panic.suspendOutside, Label.suspendOutside],
    [Panic.sleepOutside, Label.sleepOutside],
    [Panic.blockOutside, Label.blockOutside],
    [Panic.blockForWrite, Label.blockForWrite],
    [Panic.waitTaken, Label.waitTaken],
    [Panic.runInside, Label.runInside],
    [Panic.deinitInside, Label.deinitInside],
    [blockTakenPanic(0), Label.blockTaken],
    [registerFailedPanic(0), Label.blockClosed],
    [registerFailedPanic(0, "kqueue"), Label.blockClosed],
    [deadlockPanic(0), Label.deadlock],
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
    const bodies = program[offset + Word.fibers]! + program[offset + Word.tasks]! + 2;
    this.#prepare(bodies, program[offset + Word.pipes]!, program[offset + Word.ops]!);
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
    const rows = offset + Word.header;
    const ops = rows + bodies * Word.body;
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
      const hasClock = (header & CLOCK_BIT) !== 0;
      if (hasClock) {
        at += 2;
        hasMoved = true;
        firedAtRecord = NONE;
      }
      const kind = header & 7;
      const who = header >>> WHO_SHIFT;
      if (kind === Record.outcome) {
        this.#outcome((header >> RESULT_SHIFT) & 31, trace, at);
        this.events += record;
        return;
      }
      record++;
      if (kind === Record.begin) {
        this.#begun[who] = 1;
        previousCaller = NONE;
        continue;
      }
      if (kind === Record.end) {
        this.#ended[who] = 1;
        if (this.#woken[who] === 2) this.#hit(Label.bodyEnded);
        if (this.#isTask(program, offset, who)) {
          this.#hit(Label.taskDone);
          if (this.#left[who] === 1) this.#hit(Label.waiterLeft);
        }
        previousCaller = NONE;
        continue;
      }
      const index = program[rows + who * Word.body]! + trace[at++]!;
      const code = program[ops + index * Word.op]!;
      const operand = program[ops + index * Word.op + 1]!;
      this.#reached[index] = 1;
      if (kind === Record.call) {
        this.#open[who] = code;
        this.#woken[who] = 0;
        if (code === Op.block) {
          this.#waiter[operand] = who;
          this.#isDrained[operand] = 0;
          if (++blocked >= CROWD_MIN) this.#hit(Label.crowd);
          if (this.#bytes[operand]! > 0) this.#hit(Label.readableAtOnce);
        }
        previousCaller = who;
        continue;
      }
      const result = (header >> RESULT_SHIFT) & 31;
      const value = result === Result.value ? trace[at]! : 0;
      if (result === Result.value) at += 2;
      else if (result === Result.ran) at += 6;
      const hasParked = this.#open[who] !== NONE && previousCaller !== who;
      const wasWoken = this.#woken[who] === 1;
      if (hasParked && who < main) this.#hit(Label.switched);
      switch (code) {
        case Op.yield:
          this.#hit(Label.yielded);
          break;
        case Op.suspend:
          this.#hit(Label.suspendWoken);
          break;
        case Op.sleep:
          this.#hit(Label.slept);
          if (operand === 0) this.#hit(Label.sleepZero);
          if (wasWoken) break;
          if (hasMoved) this.#hit(Label.timersLate);
          if (firedAtRecord !== NONE) this.#hit(Label.timerTie);
          firedAtRecord = record;
          if (this.#hasReadableWaiter()) this.#hit(Label.timerBeforeFd);
          break;
        case Op.block:
          blocked--;
          this.#waiter[operand] = NONE;
          if (!wasWoken) this.#hit(this.#isEof[operand] === 1 ? Label.endOfFile : Label.blockDelivered);
          break;
        case Op.wait:
          this.#waited(result, operand, hasParked);
          break;
        case Op.wake:
          this.#wake(result, operand);
          break;
        case Op.spawn:
        case Op.go:
          if (result === Result.spawned) this.#claimed[operand] = 1;
          if (code === Op.spawn && who < main && result === Result.spawned) this.#hit(Label.spawnInside);
          break;
        case Op.cancel:
          if (result === Result.called) this.#cancel(operand);
          break;
        case Op.write:
          if (result === Result.value) this.#wrote(operand, value);
          if (who === main + 1) this.#hit(Label.worldActs);
          break;
        case Op.read:
          if (result === Result.value) this.#read(operand, value, who);
          break;
        case Op.close:
          if (who === main + 1) this.#hit(Label.worldActs);
          if (result === Result.closed) this.#closed(operand, program[ops + index * Word.op + 2]!);
          break;
        case Op.run:
          if (++mainRuns > 1) this.#hit(Label.ranAgain);
          break;
        case Op.deinit:
          if (++deinits > 1) this.#hit(Label.deinitTwice);
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
    return body >= program[offset + Word.fibers]!;
  }

  #waited(result: number, task: number, hasParked: boolean): void {
    if (result === Result.canceled) {
      this.#hit(Label.waitCanceled);
      if (hasParked && this.#ended[task] === 0) this.#left[task] = 1;
    } else if (result === Result.value) {
      this.#hit(hasParked ? Label.waitParked : Label.waitReady);
    }
  }

  #wake(result: number, target: number): void {
    if (result === Result.finished) this.#hit(Label.wakeFinished);
    if (result !== Result.called) return;
    const code = this.#open[target]!;
    if (code === NONE || this.#woken[target] === 1 || code === Op.yield) {
      this.#hit(Label.wakeNoop);
      return;
    }
    if (code === Op.sleep) this.#hit(Label.wakeSleeper);
    else if (code === Op.block) this.#hit(Label.wakeReader);
    else if (code === Op.wait) this.#hit(Label.wakeWaiter);
    // A waiter that is woken early parks again unless its task is done: it can be woken again.
    if (code !== Op.wait) this.#woken[target] = 1;
  }

  #cancel(task: number): void {
    if (this.#ended[task] === 1) this.#hit(Label.cancelAfter);
    else if (this.#begun[task] === 1) this.#hit(Label.cancelDuring);
    else this.#hit(Label.cancelBefore);
    if (this.#begun[task] === 0) this.#canceled[task] = 1;
  }

  #wrote(pipe: number, count: number): void {
    this.#bytes[pipe] = this.#bytes[pipe]! + count;
    if (this.#waiter[pipe] !== NONE && this.#isDrained[pipe] === 1) this.#hit(Label.refilled);
  }

  #read(pipe: number, count: number, who: number): void {
    this.#bytes[pipe] = this.#bytes[pipe]! - count;
    if (count === 0 || this.#waiter[pipe] === NONE || this.#waiter[pipe] === who || this.#bytes[pipe] !== 0)
      return;
    this.#hit(Label.drained);
    this.#isDrained[pipe] = 1;
  }

  #closed(pipe: number, end: number): void {
    if (end === 1) this.#isEof[pipe] = 1;
    else if (this.#waiter[pipe] !== NONE) this.#hit(Label.closedUnder);
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
      this.#hit(this.#canceled[body] === 1 ? Label.taskSkipped : Label.deinitUnrun);
    }
  }

  #outcome(code: number, trace: Int32Array, at: number): void {
    if (code === Outcome.stackOverflow) this.#hit(Label.overflow);
    if (code === Outcome.ioHang) this.#hit(Label.ioHang);
    if (code !== Outcome.panic) return;
    for (const { words, label } of PANIC_LABELS) {
      if (!beginsWith(trace, at + 1, words)) continue;
      // A wait outside a fiber panics with the text of the suspend that it comes to (K2).
      const isWait = label === Label.suspendOutside && this.#open[this.#bodies - 2] === Op.wait;
      this.#hit(isWait ? Label.waitOutside : label);
      return;
    }
    // Left are the two panics of a sleep inside a fiber: `sched: sleep(` and the duration, 13 bytes before its first character.
    const isNegative = ((trace[at + 4]! >> 8) & 255) === MINUS;
    this.#hit(isNegative ? Label.sleepNegative : Label.sleepOverflow);
  }

  #countOps(program: Int32Array, offset: number, bodies: number): void {
    const count = program[offset + Word.ops]!;
    const ops = offset + Word.header + bodies * Word.body;
    for (let index = 0; index < count; index++) {
      const code = program[ops + index * Word.op]!;
      if (code === Op.repeat || code === Op.call) continue;
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
    // Loops, for there are few of each: a fill costs more than it fills.
    for (let body = 0; body < bodies; body++) {
      this.#open[body] = NONE;
      this.#woken[body] = 0;
      this.#ended[body] = 0;
      this.#begun[body] = 0;
      this.#claimed[body] = 0;
      this.#canceled[body] = 0;
      this.#left[body] = 0;
    }
    for (let pipe = 0; pipe < pipes; pipe++) {
      this.#bytes[pipe] = 0;
      this.#waiter[pipe] = NONE;
      this.#isDrained[pipe] = 0;
      this.#isEof[pipe] = 0;
    }
    for (let index = 0; index < ops; index++) this.#reached[index] = 0;
  }

  #hit(label: number): void {
    if (this.#countedAt[label] === this.runs) return;
    this.#countedAt[label] = this.runs;
    this.counts[label] = this.counts[label]! + 1;
  }
}
