/**
 * Reads an encoded program back as plain data with made-up names: fibers f0, f1, ..., tasks t0, ..., pipes p0, ... (docs/encoding.md).
 *
 * Guarantee: encoding what it gives yields the same words. Generated programs are born encoded, so this is how they get a form that
 * people read and that shrinking works on.
 */
import { joinWords, OpCode, ProgramWord } from "./encoding.js";
import type { Op, Program, TaskBody, WorldOp } from "./program.js";

/** The program that starts at `words[offset]`. Expects words that an encoder of ours wrote. */
export function decodeProgram(words: Int32Array, offset = 0): Program {
  const fibers = words[offset + ProgramWord.fibers]!;
  const tasks = words[offset + ProgramWord.tasks]!;
  const pipes = words[offset + ProgramWord.pipes]!;
  const reader = new OpReader(
    words,
    offset + ProgramWord.header + (fibers + tasks + 2) * ProgramWord.body,
    fibers,
  );
  const row = (body: number): number => offset + ProgramWord.header + body * ProgramWord.body;
  const opsOf = (body: number): Op[] => reader.ops(words[row(body)]!, words[row(body) + 1]!);

  const fiberEntries: [string, Op[]][] = [];
  for (let body = 0; body < fibers; body++) fiberEntries.push([reader.bodyName(body), opsOf(body)]);
  const taskEntries: [string, TaskBody][] = [];
  for (let body = fibers; body < fibers + tasks; body++) {
    const returns = joinWords(words[row(body) + 2]!, words[row(body) + 3]!) as number;
    taskEntries.push([reader.bodyName(body), { ops: opsOf(body), returns }]);
  }
  const world = opsOf(fibers + tasks + 1) as WorldOp[];
  return {
    version: 1,
    ...(pipes === 0 ? {} : { pipes: Array.from({ length: pipes }, (_, i) => `p${i}`) }),
    ...(fibers === 0 ? {} : { fibers: Object.fromEntries(fiberEntries) }),
    ...(tasks === 0 ? {} : { tasks: Object.fromEntries(taskEntries) }),
    main: opsOf(fibers + tasks),
    ...(world.length === 0 ? {} : { world }),
  };
}

class OpReader {
  readonly #words: Int32Array;
  readonly #opsStart: number;
  readonly #fibers: number;

  constructor(words: Int32Array, opsStart: number, fibers: number) {
    this.#words = words;
    this.#opsStart = opsStart;
    this.#fibers = fibers;
  }

  bodyName(body: number): string {
    return body < this.#fibers ? `f${body}` : `t${body - this.#fibers}`;
  }

  /** The ops `first` to `first + count - 1`, counted over all bodies, nested ones put into their repeat or call. */
  ops(first: number, count: number): Op[] {
    const ops: Op[] = [];
    for (let index = first; index < first + count; ) {
      const op = this.#op(index);
      ops.push(op);
      const nested = "ops" in op ? this.#words[this.#opsStart + index * ProgramWord.op + 2]! : 0;
      index += 1 + nested;
    }
    return ops;
  }

  #op(index: number): Op {
    const at = this.#opsStart + index * ProgramWord.op;
    const a = this.#words[at + 1]!;
    const b = this.#words[at + 2]!;
    const pipe = `p${a}`;
    switch (this.#words[at]) {
      case OpCode.yield:
        return { op: "yield" };
      case OpCode.suspend:
        return { op: "suspend" };
      case OpCode.sleep:
        return { op: "sleep", ms: joinWords(a, b) as number };
      case OpCode.wake:
        return { op: "wake", fiber: this.bodyName(a) };
      case OpCode.spawn:
        return { op: "spawn", fiber: this.bodyName(a) };
      case OpCode.go:
        return { op: "go", task: this.bodyName(a) };
      case OpCode.wait:
        return { op: "wait", task: this.bodyName(a) };
      case OpCode.cancel:
        return { op: "cancel", task: this.bodyName(a) };
      case OpCode.block:
        return { op: "block", pipe };
      case OpCode.blockWrite:
        return { op: "blockWrite", pipe };
      case OpCode.write:
        return { op: "write", pipe, bytes: b };
      case OpCode.read:
        return { op: "read", pipe, bytes: b };
      case OpCode.close:
        return { op: "close", pipe, end: b === 1 ? "write" : "read" };
      case OpCode.log:
        return { op: "log", value: joinWords(a, b) as number };
      case OpCode.repeat:
        return { op: "repeat", times: a, ops: this.ops(index + 1, b) };
      case OpCode.call:
        return { op: "call", depth: a, ops: this.ops(index + 1, b) };
      case OpCode.overflow:
        return { op: "overflow" };
      case OpCode.run:
        return { op: "run" };
      case OpCode.deinit:
        return { op: "deinit" };
      default:
        throw new Error(`an op of unknown code ${this.#words[at]}`);
    }
  }
}
