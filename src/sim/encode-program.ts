/**
 * Writes a checked program in words (docs/encoding.md): names become numbers, bodies become rows of ops of three words.
 *
 * Bodies are numbered fibers first, then tasks, then `main`, then `world`, in order of declaration. `main` is always written out. The
 * program must have passed `checkProgram`: nothing is validated again. Implements the encoding of SPEC section 3.
 */
import { highWord, lowWord, OpCode, PROGRAM_MAGIC, ProgramFlag, ProgramWord } from "./encoding.js";
import type { Op, Program } from "./program.js";
import type { ProgramBatch } from "./target.js";

/** `main` of a program that leaves it out: spawns every fiber in order of declaration, runs, and deinits. */
export function mainOf(program: Program): readonly Op[] {
  if (program.main !== undefined) return program.main;
  const spawns = Object.keys(program.fibers ?? {}).map((fiber): Op => ({ op: "spawn", fiber }));
  return [...spawns, { op: "run" }, { op: "deinit" }];
}

/** The names of the bodies, by body number: fibers, tasks, `main`, `world`. */
export function bodyNamesOf(program: Program): string[] {
  return [...Object.keys(program.fibers ?? {}), ...Object.keys(program.tasks ?? {}), "main", "world"];
}

/** The ops of the bodies, by body number. */
export function bodyOpsOf(program: Program): (readonly Op[])[] {
  return [
    ...Object.values(program.fibers ?? {}),
    ...Object.values(program.tasks ?? {}).map((task) => task.ops ?? []),
    mainOf(program),
    program.world ?? [],
  ];
}

/** How many ops a list holds, nested ones included. */
export function countOps(ops: readonly Op[]): number {
  let count = ops.length;
  for (const op of ops) if ("ops" in op) count += countOps(op.ops);
  return count;
}

/** How many ops a list executes at most, repeats multiplied out; may exceed every limit, but is exact up to 2^53. */
export function countExecuted(ops: readonly Op[]): number {
  let count = 0;
  for (const op of ops) {
    count++;
    if (op.op === "repeat") count += op.times * countExecuted(op.ops);
    else if (op.op === "call") count += countExecuted(op.ops);
  }
  return count;
}

/**
 * Asks a native target to hold the program that begins at `start` to account for what it leaves behind: it is then run some hundred times
 * more, and what grows with each run makes its outcome `leak` (docs/encoding.md). Changes the words and gives them back.
 */
export function audited(words: Int32Array, start = 0): Int32Array {
  words[start + ProgramWord.flags]! |= ProgramFlag.audit;
  return words;
}

/** The encoded program. Costs O(ops + bodies). */
export function encodeProgram(program: Program): Int32Array {
  const bodies = bodyOpsOf(program);
  const opCounts = bodies.map(countOps);
  const opCount = opCounts.reduce((sum, count) => sum + count, 0);
  const opsStart = ProgramWord.header + bodies.length * ProgramWord.body;
  const words = new Int32Array(opsStart + opCount * ProgramWord.op);
  const tasks = Object.values(program.tasks ?? {});
  const fiberCount = bodies.length - tasks.length - 2;

  words[ProgramWord.magic] = PROGRAM_MAGIC;
  words[ProgramWord.length] = words.length;
  words[ProgramWord.fibers] = fiberCount;
  words[ProgramWord.tasks] = tasks.length;
  words[ProgramWord.pipes] = program.pipes?.length ?? 0;
  words[ProgramWord.ops] = opCount;
  words[ProgramWord.opsExecutedMax] = bodies.reduce((sum, ops) => sum + countExecuted(ops), 0);

  const writer = new OpWriter(words, opsStart, program);
  let row = ProgramWord.header;
  let firstOp = 0;
  for (const [body, ops] of bodies.entries()) {
    const returns = tasks[body - fiberCount]?.returns ?? 0;
    words[row] = firstOp;
    words[row + 1] = opCounts[body]!;
    words[row + 2] = lowWord(returns);
    words[row + 3] = highWord(returns);
    writer.writeAll(ops);
    row += ProgramWord.body;
    firstOp += opCounts[body]!;
  }
  return words;
}

/** Several encoded programs as one batch. */
export function batchOf(programs: readonly Int32Array[]): ProgramBatch {
  const ends = new Uint32Array(programs.length);
  let end = 0;
  for (const [i, program] of programs.entries()) {
    end += program.length;
    ends[i] = end;
  }
  const words = new Int32Array(end);
  for (const [i, program] of programs.entries()) words.set(program, ends[i]! - program.length);
  return { words, ends, count: programs.length };
}

class OpWriter {
  readonly #words: Int32Array;
  readonly #bodies: ReadonlyMap<string, number>;
  readonly #pipes: ReadonlyMap<string, number>;
  #position: number;

  constructor(words: Int32Array, position: number, program: Program) {
    this.#words = words;
    this.#position = position;
    this.#bodies = numbered(bodyNamesOf(program).slice(0, -2));
    this.#pipes = numbered(program.pipes ?? []);
  }

  writeAll(ops: readonly Op[]): void {
    for (const op of ops) this.#write(op);
  }

  #write(op: Op): void {
    switch (op.op) {
      case "yield":
      case "suspend":
      case "overflow":
      case "run":
      case "deinit":
        this.#put(OpCode[op.op], 0, 0);
        return;
      case "sleep":
        this.#put(OpCode.sleep, lowWord(op.ms), highWord(op.ms));
        return;
      case "log":
        this.#put(OpCode.log, lowWord(op.value), highWord(op.value));
        return;
      case "wake":
      case "spawn":
        this.#put(OpCode[op.op], this.#bodies.get(op.fiber)!, 0);
        return;
      case "go":
      case "wait":
      case "cancel":
        this.#put(OpCode[op.op], this.#bodies.get(op.task)!, 0);
        return;
      case "block":
      case "blockWrite":
        this.#put(OpCode[op.op], this.#pipes.get(op.pipe)!, 0);
        return;
      case "write":
      case "read":
        this.#put(OpCode[op.op], this.#pipes.get(op.pipe)!, op.bytes);
        return;
      case "close":
        this.#put(OpCode.close, this.#pipes.get(op.pipe)!, op.end === "write" ? 1 : 0);
        return;
      case "repeat":
        this.#put(OpCode.repeat, op.times, countOps(op.ops));
        this.writeAll(op.ops);
        return;
      case "call":
        this.#put(OpCode.call, op.depth, countOps(op.ops));
        this.writeAll(op.ops);
        return;
      default:
        assertNever(op);
    }
  }

  #put(code: number, a: number, b: number): void {
    this.#words[this.#position++] = code;
    this.#words[this.#position++] = a;
    this.#words[this.#position++] = b;
  }
}

function numbered(names: readonly string[]): Map<string, number> {
  return new Map(names.map((name, i) => [name, i]));
}

/** The end of a switch over a union: a case that was forgotten does not compile. */
export function assertNever(value: never): never {
  throw new Error(`not a case of the union: ${JSON.stringify(value)}`);
}
