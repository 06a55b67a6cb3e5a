/**
 * Draws fiber programs, straight into their encoded words.
 *
 * The mix is made so that most of what is written also runs: each task has one body that awaits it and each pipe one that blocks on it, a
 * *rescuer* fiber keeps waking others (which is also how sleepers, waiters and readers are woken by third parties) and ends by closing
 * pipes, so that programs seldom stop at an early deadlock. A set share of programs holds one misuse that panics. Guarantee: the words
 * depend on the random numbers and the constraints alone, and satisfy every limit of SPEC section 3.
 */
import { OpCode, PROGRAM_MAGIC, ProgramWord } from "../encoding.js";
import { emitMisuse } from "./misuse.js";
import { OpMix } from "./op-mix.js";
import {
  CONSTRAINTS_DEFAULT,
  drawProfile,
  type GeneratorConstraints,
  Kind,
  type Profile,
} from "./profile.js";
import type { RandomNumbers } from "./random-numbers.js";
import type { WordBuffer } from "./word-buffer.js";

/** Durations in milliseconds: few values, so that ties are the rule. */
const DURATIONS_MS = [0, 0, 1, 1, 2, 5, 5, 10, 10, 10, 20, 30] as const;
const SIZES_BYTES = [1, 1, 2, 3, 3, 8, 16, 250, 300, 2000, 4096] as const;
const CALL_DEPTHS = [1, 2, 4, 8, 15, 30] as const;

/** Most words that one program takes: generous, and checked by a test over many seeds. */
const PROGRAM_WORDS_MAX = 1 << 14;
/** Nesting of repeat and call; call depths of 30 at most keep a path of two under 64 frames. */
const NESTING_MAX = 2;

export class ProgramGenerator {
  readonly #constraints: Required<GeneratorConstraints>;
  readonly #mix = new OpMix();
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
  #random!: RandomNumbers;
  #out!: WordBuffer;
  #body = 0;
  #executed = 0;
  #multiplier = 1;
  #misuseBody = -1;

  constructor(constraints: GeneratorConstraints = {}) {
    this.#constraints = { ...CONSTRAINTS_DEFAULT, ...constraints };
  }

  /** Appends one encoded program to `out`, and moves its position to the program's end. */
  generate(random: RandomNumbers, out: WordBuffer): void {
    this.#random = random;
    this.#out = out;
    out.reserve(PROGRAM_WORDS_MAX);
    const { profile } = this;
    drawProfile(random, this.#constraints, profile);
    this.#mix.prepare(profile.kinds, this.#constraints.uniform);
    const start = out.position;
    const { words } = out;
    const bodies = profile.fibers + profile.tasks;
    const opsStart = start + ProgramWord.header + (bodies + 2) * ProgramWord.body;
    this.#misuseBody = profile.hasMisuse ? this.below(bodies + 1) : -1;
    this.#executed = 0;
    out.position = opsStart;
    for (let body = 0; body < bodies + 2; body++) {
      const from = out.position;
      this.#body = body;
      this.#multiplier = 1;
      this.#writeBody(body);
      const row = start + ProgramWord.header + body * ProgramWord.body;
      words[row] = (from - opsStart) / ProgramWord.op;
      words[row + 1] = (out.position - from) / ProgramWord.op;
      words[row + 2] = body >= profile.fibers && body < bodies ? 100 + body : 0;
      words[row + 3] = 0;
    }
    words[start + ProgramWord.magic] = PROGRAM_MAGIC;
    words[start + ProgramWord.length] = out.position - start;
    words[start + ProgramWord.fibers] = profile.fibers;
    words[start + ProgramWord.tasks] = profile.tasks;
    words[start + ProgramWord.pipes] = profile.pipes;
    words[start + ProgramWord.ops] = (out.position - opsStart) / ProgramWord.op;
    words[start + ProgramWord.opsExecutedMax] = this.#executed;
    words[start + ProgramWord.opsExecutedMax + 1] = 0;
  }

  /** A whole number from 0 to `n` - 1. */
  below(n: number): number {
    return this.#random.nextInt(0, n - 1);
  }

  oneIn(n: number): boolean {
    return this.#random.nextInt(0, n - 1) === 0;
  }

  has(kind: number): boolean {
    return (this.profile.kinds & kind) !== 0;
  }

  /** Writes one op, counted as often as its repeats run it. */
  emit(code: number, a = 0, b = 0): void {
    this.#executed += this.#multiplier;
    this.#out.op(code, a, b);
  }

  durationMs(): number {
    return DURATIONS_MS[this.below(DURATIONS_MS.length)]!;
  }

  #writeBody(body: number): void {
    const { profile } = this;
    const main = profile.fibers + profile.tasks;
    if (body === main) this.#writeMain();
    else if (body === main + 1) this.#writeWorld();
    else if (profile.isCrowd && body < profile.pipes) this.#writeReader(body);
    else if (profile.isDormitory && body < profile.fibers) this.#writeSleeper();
    else if (body === profile.fibers - 1 && this.#needsRescue()) this.#writeRescuer();
    else this.#writeOps(1 + this.below(profile.opsPerBodyMax), 0);
  }

  /** Deadlocks and hangs are worth having, but not in most programs. */
  #needsRescue(): boolean {
    const parks = this.has(Kind.suspend) || this.profile.pipes > 0;
    return parks && !this.#constraints.uniform && !this.oneIn(8);
  }

  #writeOps(count: number, nesting: number): void {
    const misuseAt = nesting === 0 && this.#body === this.#misuseBody ? this.below(count) : -1;
    for (let i = 0; i < count; i++) {
      if (i === misuseAt) emitMisuse(this, this.#body);
      this.#writeOp(nesting);
    }
  }

  #writeOp(nesting: number): void {
    const { profile } = this;
    const code = this.#mix.draw(this.#random);
    switch (code) {
      case OpCode.sleep:
        this.emit(code, this.durationMs());
        return;
      case OpCode.wake:
        this.emit(code, this.below(profile.fibers + profile.tasks));
        return;
      case OpCode.spawn:
        this.emit(code, this.#fiberSpawnedBy(this.#body));
        return;
      case OpCode.go:
      case OpCode.cancel:
        this.emit(code, this.#anyTask());
        return;
      case OpCode.wait:
        this.#writeWait();
        return;
      case OpCode.block:
        this.#writeBlock();
        return;
      case OpCode.write:
        this.emit(code, this.below(profile.pipes), this.#sizeBytes());
        return;
      case OpCode.read:
        this.emit(code, this.below(profile.pipes), this.#sizeBytes());
        return;
      case OpCode.close:
        // Mostly the write end: end of file wakes a reader, a closed read end strands it.
        this.emit(code, this.below(profile.pipes), this.oneIn(5) ? 0 : 1);
        return;
      case OpCode.log:
        this.emit(code, this.below(100));
        return;
      case OpCode.repeat:
      case OpCode.call:
        if (nesting < NESTING_MAX) this.#writeNested(code, nesting);
        else this.emit(OpCode.log, nesting);
        return;
      default:
        this.emit(code);
    }
  }

  #writeNested(code: number, nesting: number): void {
    const count = code === OpCode.repeat ? this.below(4) : CALL_DEPTHS[this.below(CALL_DEPTHS.length)]!;
    this.emit(code, count);
    const at = this.#out.position;
    const multiplier = this.#multiplier;
    if (code === OpCode.repeat) this.#multiplier = multiplier * count;
    this.#writeOps(1 + this.below(3), nesting + 1);
    this.#multiplier = multiplier;
    this.#out.words[at - 1] = (this.#out.position - at) / ProgramWord.op;
  }

  /** Mostly a task that this body owns, started first; else any, which is a wait on an unstarted, ready or awaited one. */
  #writeWait(): void {
    const { tasks } = this.profile;
    const first = this.below(tasks);
    for (let i = 0; i < tasks; i++) {
      const task = (first + i) % tasks;
      if (this.#ownerOf(task) !== this.#body) continue;
      if (!this.oneIn(8)) this.emit(OpCode.go, this.#taskBody(task));
      this.emit(OpCode.wait, this.#taskBody(task));
      return;
    }
    // Not its own: then only one that may well be finished, seldom, or a second waiter's panic would end most programs.
    if (this.oneIn(24)) this.emit(OpCode.wait, this.#taskBody(first));
    else this.emit(OpCode.go, this.#taskBody(first));
  }

  /** Mostly the pipe that this body reads, read right after, so that the next block waits for new bytes. */
  #writeBlock(): void {
    const { pipes } = this.profile;
    for (let pipe = 0; pipe < pipes; pipe++) {
      if (this.#readerOf(pipe) !== this.#body || this.oneIn(3)) continue;
      this.emit(OpCode.block, pipe);
      if (!this.oneIn(3)) this.emit(OpCode.read, pipe, this.#sizeBytes());
      return;
    }
    const pipe = this.below(pipes);
    if (this.oneIn(40)) this.emit(OpCode.block, pipe);
    else this.emit(OpCode.write, pipe, this.#sizeBytes());
  }

  /** One of a crowd: blocks on its own pipe, then acts on a neighbour's, so that a batch changes what the next one sees. */
  #writeReader(body: number): void {
    const { pipes } = this.profile;
    this.emit(OpCode.block, body);
    if (!this.oneIn(4)) this.emit(OpCode.read, body, this.#sizeBytes());
    const action = this.below(4);
    if (action === 0) this.emit(OpCode.read, this.below(pipes), 4096);
    else if (action === 1) this.emit(OpCode.write, this.below(pipes), 1 + this.below(8));
    else if (action === 2) this.emit(OpCode.wake, this.below(pipes));
  }

  /** One of a dormitory: sleeps, wakes another out of a sleep, sleeps again. Long spans of time, so that the heap is seldom in order. */
  #writeSleeper(): void {
    this.emit(OpCode.sleep, this.below(100));
    if (this.oneIn(3)) this.emit(OpCode.wake, this.below(this.profile.fibers));
    if (this.oneIn(2)) this.emit(OpCode.sleep, this.below(100));
  }

  /** Wakes the others again and again, and closes the pipes at last. */
  #writeRescuer(): void {
    const { profile } = this;
    const bodies = profile.fibers + profile.tasks;
    const first = this.below(bodies);
    const wakes = 1 + this.below(Math.min(bodies, 5));
    for (let round = 1 + this.below(3); round > 0; round--) {
      if (this.has(Kind.sleep)) this.emit(OpCode.sleep, this.durationMs());
      else this.emit(OpCode.yield);
      for (let i = 0; i < wakes; i++) this.emit(OpCode.wake, (first + i) % bodies);
      if (profile.pipes > 0) this.emit(OpCode.write, this.below(profile.pipes), this.#sizeBytes());
    }
    for (let pipe = 0; pipe < profile.pipes; pipe++) {
      if (this.oneIn(8)) continue;
      if (this.has(Kind.close)) this.emit(OpCode.close, pipe, 1);
      else this.emit(OpCode.write, pipe, 1 + this.below(8));
    }
    if (!this.has(Kind.suspend)) return;
    // Whoever suspends after the last round would stay so: wake everybody a few times more, in turn with them.
    const passes = 3 + this.below(6);
    this.emit(OpCode.repeat, passes, bodies + 1);
    this.#multiplier *= passes;
    for (let body = 0; body < bodies; body++) this.emit(OpCode.wake, body);
    this.emit(this.has(Kind.sleep) ? OpCode.sleep : OpCode.yield, this.has(Kind.sleep) ? 15 : 0);
    this.#multiplier = 1;
  }

  #writeMain(): void {
    const { profile } = this;
    const late =
      this.has(Kind.rerun) && !profile.isCrowd && !profile.isDormitory ? this.below(profile.fibers + 1) : -1;
    if (profile.isCrowd) this.#writeAhead();
    for (let fiber = 0; fiber < profile.fibers; fiber++) {
      if (fiber !== late && this.#spawnerOf(fiber) === this.#body) this.emit(OpCode.spawn, fiber);
    }
    for (let task = 0; task < profile.tasks; task++) {
      if (this.oneIn(3)) this.emit(OpCode.go, this.#taskBody(task));
      if (this.has(Kind.cancel) && this.oneIn(10)) this.emit(OpCode.cancel, this.#taskBody(task));
    }
    if (profile.pipes > 0 && this.oneIn(2))
      this.emit(OpCode.write, this.below(profile.pipes), this.#sizeBytes());
    if (this.#misuseBody === this.#body) emitMisuse(this, this.#body);
    // Once in a while nothing runs at all: deinit has to free what never ran (R3).
    if (!this.oneIn(40)) this.emit(OpCode.run);
    for (let task = 0; task < profile.tasks; task++) {
      if (this.oneIn(4)) this.emit(OpCode.wait, this.#taskBody(task));
    }
    if (late >= 0) {
      if (late < profile.fibers) this.emit(OpCode.spawn, late);
      if (!this.oneIn(6)) this.emit(OpCode.run);
    }
    if (this.oneIn(8)) return;
    this.emit(OpCode.deinit);
    if (this.oneIn(8)) this.emit(OpCode.deinit);
    if (this.oneIn(8)) this.emit(OpCode.log, 7);
  }

  /** For a crowd: bytes in most pipes, in a scrambled order, before anybody has registered. */
  #writeAhead(): void {
    const { pipes } = this.profile;
    const stride = 1 + 2 * this.below(3);
    if (this.oneIn(2)) return;
    for (let i = 0; i < pipes; i++) {
      if (!this.oneIn(6)) this.emit(OpCode.write, (i * stride) % pipes, 1 + this.below(8));
    }
  }

  #writeWorld(): void {
    const { profile } = this;
    if (!this.has(Kind.world)) return;
    const rounds = profile.isCrowd ? 1 : 1 + this.below(2);
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < profile.pipes; i++) {
        const pipe = this.below(profile.pipes);
        if (this.has(Kind.close) && this.oneIn(4)) this.emit(OpCode.close, pipe, this.oneIn(8) ? 0 : 1);
        else this.emit(OpCode.write, pipe, this.#sizeBytes());
      }
    }
    for (let pipe = 0; pipe < profile.pipes; pipe++) {
      if (!this.oneIn(6)) this.emit(OpCode.close, pipe, 1);
    }
  }

  #sizeBytes(): number {
    return SIZES_BYTES[this.below(SIZES_BYTES.length)]!;
  }

  #taskBody(task: number): number {
    return this.profile.fibers + task;
  }

  #anyTask(): number {
    return this.#taskBody(this.below(this.profile.tasks));
  }

  /** The one body that awaits a task: a fiber, or a task of a lower number, so that waits make no cycle. Fixed by the numbers alone. */
  #ownerOf(task: number): number {
    const { fibers } = this.profile;
    return task % 3 === 2 ? fibers + task - 1 : (task * 7) % fibers;
  }

  /** The one body that blocks on a pipe. */
  #readerOf(pipe: number): number {
    return (pipe * 5 + 1) % (this.profile.fibers + this.profile.tasks);
  }

  /** The body that spawns a fiber: main, or, where the run has that kind, the fiber before it for every third. */
  #spawnerOf(fiber: number): number {
    const { fibers, tasks, isCrowd } = this.profile;
    const isInside = this.has(Kind.spawnInside) && !isCrowd && fiber % 3 === 2 && fiber !== fibers - 1;
    return isInside ? fiber - 1 : fibers + tasks;
  }

  #fiberSpawnedBy(body: number): number {
    const { fibers } = this.profile;
    return body + 1 < fibers && this.#spawnerOf(body + 1) === body ? body + 1 : this.below(fibers);
  }
}
