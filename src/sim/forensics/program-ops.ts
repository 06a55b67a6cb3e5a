/**
 * An encoded program's ops by body and number, and who in it could wake whom: read from the text alone, before anything has run.
 *
 * The index is made once for a program and costs O(ops). SPEC section 3; the encoding is docs/encoding.md.
 */
import { OpCode, ProgramWord } from "../encoding.js";

/** An op in the program's text. */
export interface PlacedOp {
  readonly body: number;
  readonly at: number;
}

export class ProgramOps {
  readonly bodyCount: number;
  /** Bodies from 0 that are fibers; tasks follow, up to `main`. */
  readonly fiberCount: number;
  readonly main: number;
  readonly world: number;
  readonly #words: Int32Array;
  readonly #start: Int32Array;
  readonly #count: Int32Array;

  constructor(program: Int32Array) {
    this.#words = program;
    this.fiberCount = program[ProgramWord.fibers]!;
    this.main = this.fiberCount + program[ProgramWord.tasks]!;
    this.world = this.main + 1;
    this.bodyCount = this.main + 2;
    this.#start = new Int32Array(this.bodyCount);
    this.#count = new Int32Array(this.bodyCount);
    const opsStart = ProgramWord.header + this.bodyCount * ProgramWord.body;
    for (let body = 0; body < this.bodyCount; body++) {
      const row = ProgramWord.header + body * ProgramWord.body;
      this.#start[body] = opsStart + program[row]! * ProgramWord.op;
      this.#count[body] = program[row + 1]!;
    }
  }

  /** How many ops the body has, nested ones included. */
  countOf(body: number): number {
    return this.#count[body]!;
  }

  code(body: number, at: number): number {
    return this.#words[this.#start[body]! + at * ProgramWord.op]!;
  }

  /** The op's first operand: the body, the pipe, or how often a repeat repeats. */
  operand(body: number, at: number): number {
    return this.#words[this.#start[body]! + at * ProgramWord.op + 1]!;
  }

  /** The op's second operand: the bytes, the end of a close, or how many ops a repeat or call holds. */
  argument(body: number, at: number): number {
    return this.#words[this.#start[body]! + at * ProgramWord.op + 2]!;
  }

  /** The ops of a body from number `from` on that can run at all, in order: those inside a `repeat 0` are passed over. */
  *opsFrom(body: number, from: number): Generator<number> {
    const count = this.#count[body]!;
    // A repeat 0 before `from` that holds it is not possible: nobody is inside one.
    for (let at = from; at < count; at++) {
      if (this.code(body, at) === OpCode.repeat && this.operand(body, at) === 0)
        at += this.argument(body, at);
      else yield at;
    }
  }
}

/** What can bring bodies on, by what it acts on: the ops of the whole program, in order of bodies and ops. */
export class WakerIndex {
  readonly #wakes = new Map<number, PlacedOp[]>();
  readonly #spawns = new Map<number, PlacedOp[]>();
  readonly #feeds = new Map<number, PlacedOp[]>();

  constructor(ops: ProgramOps) {
    for (let body = 0; body < ops.bodyCount; body++) {
      for (const at of ops.opsFrom(body, 0)) {
        const index = this.#indexOf(ops, body, at);
        if (index === undefined) continue;
        const operand = ops.operand(body, at);
        const list = index.get(operand);
        if (list === undefined) index.set(operand, [{ body, at }]);
        else list.push({ body, at });
      }
    }
  }

  /** `wake` ops of a body. */
  wakesOf(body: number): readonly PlacedOp[] {
    return this.#wakes.get(body) ?? [];
  }

  /** `spawn` and `go` ops of a body. */
  spawnsOf(body: number): readonly PlacedOp[] {
    return this.#spawns.get(body) ?? [];
  }

  /** Ops that make a pipe readable: writes, and closes of its write end. */
  feedsOf(pipe: number): readonly PlacedOp[] {
    return this.#feeds.get(pipe) ?? [];
  }

  #indexOf(ops: ProgramOps, body: number, at: number): Map<number, PlacedOp[]> | undefined {
    switch (ops.code(body, at)) {
      case OpCode.wake:
        return this.#wakes;
      case OpCode.spawn:
      case OpCode.go:
        return this.#spawns;
      default:
        return feedsPipe(ops, body, at) ? this.#feeds : undefined;
    }
  }
}

/** A write, or a close of the write end. */
export function feedsPipe(ops: ProgramOps, body: number, at: number): boolean {
  const code = ops.code(body, at);
  return code === OpCode.write || (code === OpCode.close && ops.argument(body, at) === 1);
}
