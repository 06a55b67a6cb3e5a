/**
 * Draws fiber programs, straight into their encoded words.
 *
 * The mix is made so that most of what is written also runs: each task has one body that awaits it and each pipe one that blocks on it, a
 * *rescuer* fiber keeps waking others (which is also how sleepers, waiters and readers are woken by third parties) and ends by closing
 * pipes, so that programs seldom stop at an early deadlock. A set share of programs holds one misuse that panics. Guarantee: the words
 * depend on the random numbers and the constraints alone, and satisfy every limit of SPEC section 3.
 */

import { OpCode, PROGRAM_MAGIC, ProgramWord } from "../encoding.js";
import { writeReader, writeRescuer, writeSleeper } from "./cast-bodies.js";
import { emitMisuse } from "./misuse.js";
import { OpMix } from "./op-mix.js";
import { writeMain, writeWorld } from "./outer-bodies.js";
import {
  CONSTRAINTS_DEFAULT,
  drawProfile,
  type GeneratorConstraints,
  Kind,
  type Profile,
} from "./profile.js";
import type { SeededStream } from "./random-numbers.js";
import type { WordBuffer } from "./word-buffer.js";

// What other modules export is looked up at each use; constants of this one are compiled in.
const Op = OpCode;
const Word = ProgramWord;
const Has = Kind;

/** Durations in milliseconds: few values, so that ties are the rule. */
const DURATIONS_MS = [0, 0, 1, 1, 2, 5, 5, 10, 10, 10, 20, 30] as const;
const SIZES_BYTES = [1, 1, 2, 3, 3, 8, 16, 250, 300, 2000, 4096] as const;
const CALL_DEPTHS = [1, 2, 4, 8, 15, 30] as const;

/** Of 4096: how often a read end is closed rather than a write end, whose end of file wakes a reader where a closed read end strands it. */
const READ_END_OF_4096 = 1024;
/** Of 4096: how often a body waits for a task, or blocks on a pipe, that is another's. */
const WAIT_ANY_OF_4096 = 171;
const BLOCK_ANY_OF_4096 = 102;
/** Most tasks, and most pipes (`GeneratorConstraints`). */
const PARTS_MAX = 64;

/** Most words that one program takes: generous, and checked by a test over many seeds. */
const PROGRAM_WORDS_MAX = 1 << 14;
/** Nesting of repeat and call; call depths of 30 at most keep a path of two under 64 frames. */
const NESTING_MAX = 2;

export class ProgramGenerator {
  readonly #constraints: Required<GeneratorConstraints>;
  readonly #mix: OpMix;
  readonly profile: Profile = {
    kinds: 0,
    fibers: 0,
    tasks: 0,
    pipes: 0,
    opsPerBodyMax: 0,
    isCrowd: false,
    isDormitory: false,
    hasMisuse: false,
  };
  #random!: SeededStream;
  #words!: Int32Array;
  /** Where the next op goes. */
  #at = 0;
  #body = 0;
  /** Ops executed beyond one for each op written: what repeats add, or take away. */
  #repeated = 0;
  #misuseBody = -1;
  /** The one body that awaits each task, and the one that blocks on each pipe. */
  readonly #owners = new Uint8Array(PARTS_MAX);
  readonly #readers = new Uint8Array(PARTS_MAX);

  constructor(constraints: GeneratorConstraints = {}) {
    this.#constraints = { ...CONSTRAINTS_DEFAULT, ...constraints };
    this.#mix = new OpMix(this.#constraints.uniform);
  }

  /** Appends one encoded program to `out`, and moves its position to the program's end. */
  generate(random: SeededStream, out: WordBuffer): void {
    this.#random = random;
    out.reserve(PROGRAM_WORDS_MAX);
    const { profile } = this;
    drawProfile(random, this.#constraints, profile);
    this.#mix.choose(profile.kinds);
    this.#assign();
    const start = out.position;
    const { words } = out;
    const bodies = profile.fibers + profile.tasks;
    const opsStart = start + Word.header + (bodies + 2) * Word.body;
    this.#misuseBody = profile.hasMisuse ? this.below(bodies + 1) : -1;
    this.#repeated = 0;
    this.#words = words;
    this.#at = opsStart;
    let row = start + Word.header;
    let ops = 0;
    for (let body = 0; body < bodies + 2; body++) {
      this.#body = body;
      this.#writeBody(body);
      const opsEnd = ((this.#at - opsStart) / Word.op) | 0;
      words[row] = ops;
      words[row + 1] = opsEnd - ops;
      words[row + 2] = body >= profile.fibers && body < bodies ? 100 + body : 0;
      words[row + 3] = 0;
      row += Word.body;
      ops = opsEnd;
    }
    words[start + Word.magic] = PROGRAM_MAGIC;
    words[start + Word.length] = this.#at - start;
    words[start + Word.fibers] = profile.fibers;
    words[start + Word.tasks] = profile.tasks;
    words[start + Word.pipes] = profile.pipes;
    words[start + Word.ops] = ops;
    words[start + Word.opsExecutedMax] = ops + this.#repeated;
    words[start + Word.flags] = 0;
    out.position = this.#at;
  }

  /** A whole number from 0 to `n` - 1. */
  below(n: number): number {
    return this.#random.below(n);
  }

  oneIn(n: number): boolean {
    return this.#random.below(n) === 0;
  }

  has(kind: number): boolean {
    return (this.profile.kinds & kind) !== 0;
  }

  /** Writes one op. */
  emit(code: number, a = 0, b = 0): void {
    const words = this.#words;
    const at = this.#at;
    words[at] = code;
    words[at + 1] = a;
    words[at + 2] = b;
    this.#at = at + Word.op;
  }

  durationMs(): number {
    return DURATIONS_MS[this.below(DURATIONS_MS.length)]!;
  }

  sizeBytes(): number {
    return SIZES_BYTES[this.below(SIZES_BYTES.length)]!;
  }

  /** Counts the ops of a repeat as often as it runs them: `ops` written once and run `passes` times. */
  countPasses(passes: number, ops: number): void {
    this.#repeated += (passes - 1) * ops;
  }

  /** The one body that awaits a task, counted from 0. */
  ownerOf(task: number): number {
    return this.#owners[task]!;
  }

  /** The body that spawns a fiber: main, or, where the run has that kind, the fiber before it for every third. */
  spawnerOf(fiber: number): number {
    const { fibers, tasks, isCrowd } = this.profile;
    const isInside = this.has(Has.spawnInside) && !isCrowd && fiber % 3 === 2 && fiber !== fibers - 1;
    return isInside ? fiber - 1 : fibers + tasks;
  }

  /**
   * Tasks are awaited by a fiber, or by a task of a lower number, so that waits make no cycle. Fixed by the numbers of fibers and tasks
   * alone.
   */
  #assign(): void {
    const { fibers, tasks, pipes } = this.profile;
    for (let task = 0; task < tasks; task++)
      this.#owners[task] = task % 3 === 2 ? fibers + task - 1 : (task * 7) % fibers;
    // Any body but the last fiber, which rescues; one alone reads all the same.
    const readers = Math.max(1, fibers + tasks - 1);
    for (let pipe = 0; pipe < pipes; pipe++) {
      const reader = (pipe + 1) % readers;
      this.#readers[pipe] = reader < fibers - 1 || readers === 1 ? reader : reader + 1;
    }
  }

  #writeBody(body: number): void {
    const { profile } = this;
    const main = profile.fibers + profile.tasks;
    if (body === main) writeMain(this, this.#misuseBody === body);
    else if (body === main + 1) writeWorld(this);
    else if (profile.isCrowd && body < profile.pipes) writeReader(this, body);
    else if (profile.isDormitory && body < profile.fibers) writeSleeper(this);
    else if (body === profile.fibers - 1 && this.#needsRescue()) writeRescuer(this);
    else this.#writeOps(1 + this.below(profile.opsPerBodyMax), 0);
  }

  /** Deadlocks and hangs are worth having, but not in most programs. */
  #needsRescue(): boolean {
    const parks = this.has(Has.suspend) || this.profile.pipes > 0;
    return parks && !this.#constraints.uniform && !this.oneIn(8);
  }

  #writeOps(count: number, nesting: number): void {
    const misuseAt = nesting === 0 && this.#body === this.#misuseBody ? this.below(count) : -1;
    const blockAt = nesting === 0 ? this.#blockAt(count) : -1;
    for (let i = 0; i < count; i++) {
      if (i === blockAt) this.#writeBlock(0, 0);
      if (i === misuseAt) emitMisuse(this, this.#body);
      this.#writeOp(nesting);
    }
  }

  /** Where a body that reads a pipe blocks on it, beside what the mix has it do; -1 for a body that reads none. */
  #blockAt(count: number): number {
    const { pipes } = this.profile;
    for (let pipe = 0; pipe < pipes; pipe++) {
      if (this.#readers[pipe] === this.#body) return this.below(count);
    }
    return -1;
  }

  /** One draw decides the op and its operands: 10 bits, 10 bits and 12 bits. */
  #writeOp(nesting: number): void {
    const { fibers, tasks, pipes } = this.profile;
    const bits = this.#random.bits();
    const code = this.#mix.codeOf(bits & 1023);
    const first = (bits >>> 10) & 1023;
    const second = bits >>> 20;
    switch (code) {
      case Op.sleep:
        this.emit(code, DURATIONS_MS[(first * DURATIONS_MS.length) >> 10]!, 0);
        return;
      case Op.wake:
        this.emit(code, (first * (fibers + tasks)) >> 10, 0);
        return;
      case Op.spawn:
        this.emit(code, this.#fiberSpawnedBy(this.#body), 0);
        return;
      case Op.go:
      case Op.cancel:
        this.emit(code, fibers + ((first * tasks) >> 10), 0);
        return;
      case Op.wait:
        this.#writeWait((first * tasks) >> 10, second);
        return;
      case Op.block:
        this.#writeBlock((first * pipes) >> 10, second);
        return;
      case Op.write:
      case Op.read:
        this.emit(code, (first * pipes) >> 10, SIZES_BYTES[(second * SIZES_BYTES.length) >> 12]!);
        return;
      case Op.close:
        this.emit(code, (first * pipes) >> 10, second < READ_END_OF_4096 ? 0 : 1);
        return;
      case Op.log:
        this.emit(code, (first * 100) >> 10, 0);
        return;
      case Op.repeat:
      case Op.call:
        if (nesting < NESTING_MAX) this.#writeNested(code, nesting);
        else this.emit(Op.log, nesting, 0);
        return;
      default:
        this.emit(code);
    }
  }

  #writeNested(code: number, nesting: number): void {
    const count = code === Op.repeat ? this.below(4) : CALL_DEPTHS[this.below(CALL_DEPTHS.length)]!;
    this.emit(code, count, 0);
    const at = this.#at;
    const repeated = this.#repeated;
    this.#writeOps(1 + this.below(3), nesting + 1);
    const ops = ((this.#at - at) / Word.op) | 0;
    this.#words[at - 1] = ops;
    if (code === Op.repeat) this.countPasses(count, ops + this.#repeated - repeated);
  }

  /** Mostly a task that this body owns, started first; else any, which is a wait on an unstarted, ready or awaited one. */
  #writeWait(first: number, bits: number): void {
    const { fibers, tasks } = this.profile;
    for (let i = 0; i < tasks; i++) {
      const task = first + i < tasks ? first + i : first + i - tasks;
      if (this.#owners[task] !== this.#body) continue;
      if ((bits & 7) !== 0) this.emit(Op.go, fibers + task, 0);
      this.emit(Op.wait, fibers + task, 0);
      return;
    }
    // Not its own: then only one that may well be finished, seldom, or a second waiter's panic would end most programs.
    this.emit(bits < WAIT_ANY_OF_4096 ? Op.wait : Op.go, fibers + first, 0);
  }

  /** Mostly the pipe that this body reads, read right after, so that the next block waits for new bytes. */
  #writeBlock(any: number, bits: number): void {
    const { pipes } = this.profile;
    for (let pipe = 0; pipe < pipes; pipe++) {
      if (this.#readers[pipe] !== this.#body || this.oneIn(3)) continue;
      this.emit(Op.block, pipe, 0);
      if (!this.oneIn(3)) this.emit(Op.read, pipe, this.sizeBytes());
      return;
    }
    if (bits < BLOCK_ANY_OF_4096) this.emit(Op.block, any, 0);
    else if ((bits & 1) === 0) this.emit(Op.write, any, this.sizeBytes());
    else this.emit(Op.wake, this.#readers[any]!, 0);
  }

  #fiberSpawnedBy(body: number): number {
    const { fibers } = this.profile;
    return body + 1 < fibers && this.spawnerOf(body + 1) === body ? body + 1 : this.below(fibers);
  }
}
