/**
 * Reads an encoded trace back as records with names, for showing and saving (docs/encoding.md, SPEC section 4).
 *
 * The words name bodies by number and ops by position; the program beside them gives both their names. Only traces that ended with
 * their outcome are decoded; anything else in them is an `Error`, since the writers are ours.
 */
import { bodyNamesOf, bodyOpsOf } from "./encode-program.js";
import {
  CLOBBER_BITS,
  CRASH_EXIT_BASE,
  HEADER_CLOCK_BIT,
  HEADER_RESULT_SHIFT,
  HEADER_WHO_SHIFT,
  joinWords,
  OutcomeCode,
  RecordKind,
  ResultCode,
} from "./encoding.js";
import type { Op, OpName, Program } from "./program.js";
import { signalName } from "./signal-names.js";
import type { Int64, Outcome, Result, ResultWord, Trace, TraceRecord } from "./trace.js";

/** A record and where it starts, in words from the start of its trace. The outcome is the last. */
export interface PlacedRecord {
  readonly position: number;
  readonly record: TraceRecord | Outcome;
}

/** Everything needed to put names into the traces of one program; made once, used for each of its traces. */
export class TraceDecoder {
  readonly #names: readonly string[];
  readonly #pipes: readonly string[];
  readonly #ops: OpName[][] = [];
  readonly #bodies: readonly (readonly Op[])[];

  constructor(program: Program) {
    this.#names = bodyNamesOf(program);
    this.#pipes = program.pipes ?? [];
    this.#bodies = bodyOpsOf(program);
  }

  decode(words: Int32Array): Trace {
    const records: TraceRecord[] = [];
    for (const { record } of this.places(words)) {
      if ("outcome" in record) return { records, outcome: record };
      records.push(record);
    }
    throw new Error("a trace without an outcome");
  }

  /** The records one by one, with their positions; the outcome comes last. */
  *places(words: Int32Array): Generator<PlacedRecord> {
    let position = 0;
    let t: Int64 = 0;
    while (position < words.length) {
      const start = position;
      const header = words[position++]!;
      if ((header & HEADER_CLOCK_BIT) !== 0) {
        t = joinWords(words[position]!, words[position + 1]!);
        position += 2;
      }
      const kind = header & 7;
      const code = (header >> HEADER_RESULT_SHIFT) & 31;
      const body = header >>> HEADER_WHO_SHIFT;
      if (kind === RecordKind.outcome) {
        yield { position: start, record: this.#outcome(code, body, t, words, position) };
        return;
      }
      const who = this.#names[body] ?? `body ${body}`;
      if (kind === RecordKind.begin || kind === RecordKind.end) {
        yield { position: start, record: { ev: kind === RecordKind.begin ? "begin" : "end", t, who } };
        continue;
      }
      const at = words[position++]!;
      const op = this.opName(body, at);
      switch (kind) {
        case RecordKind.call:
          yield { position: start, record: { ev: "call", t, who, at, op } };
          break;
        case RecordKind.ret: {
          const res = resultOf(code, words, position);
          position += resultWords(code);
          yield {
            position: start,
            record: { ev: "ret", t, who, at, op, ...(res === undefined ? {} : { res }) },
          };
          break;
        }
        case RecordKind.clobber: {
          const set = words[position++]!;
          const regs = CLOBBER_BITS.filter((_, bit) => (set & (1 << bit)) !== 0);
          yield { position: start, record: { ev: "clobber", t, who, at, op, regs } };
          break;
        }
        case RecordKind.corrupt:
          yield { position: start, record: { ev: "corrupt", t, who, at, op } };
          break;
        default:
          throw new Error(`a trace record of unknown kind ${kind} at word ${start}`);
      }
    }
  }

  /** The name of a body's op, by its number in the body. */
  opName(body: number, at: number): OpName {
    this.#ops[body] ??= flatOpNames(this.#bodies[body] ?? []);
    return this.#ops[body]?.[at] ?? "yield";
  }

  #outcome(code: number, body: number, t: Int64, words: Int32Array, position: number): Outcome {
    const who = this.#names[body] ?? `body ${body}`;
    switch (code) {
      case OutcomeCode.completed:
        return { outcome: "completed", t };
      case OutcomeCode.panic: {
        const bytes = new Uint8Array(words.buffer, words.byteOffset + (position + 1) * 4, words[position]!);
        return { outcome: "panic", t, message: new TextDecoder().decode(bytes) };
      }
      case OutcomeCode.stackOverflow:
        return { outcome: "stack-overflow", t, who };
      case OutcomeCode.ioHang: {
        const waiting = Array.from({ length: words[position]! }, (_, i) => ({
          who: this.#names[words[position + 1 + 2 * i]!] ?? "?",
          pipe: this.#pipes[words[position + 2 + 2 * i]!] ?? "?",
        }));
        return { outcome: "io-hang", t, waiting };
      }
      case OutcomeCode.crash: {
        const number = words[position]!;
        const signal = number >= CRASH_EXIT_BASE ? `exit ${number - CRASH_EXIT_BASE}` : signalName(number);
        return { outcome: "crash", t, signal, who };
      }
      case OutcomeCode.timeout:
        return { outcome: "timeout", t };
      default:
        throw new Error(`a trace outcome of unknown code ${code}`);
    }
  }
}

/** The trace of a program, decoded. */
export function decodeTrace(program: Program, words: Int32Array): Trace {
  return new TraceDecoder(program).decode(words);
}

/** The names of a body's ops, indexed by the `at` of a trace. */
export function flatOpNames(ops: readonly Op[]): OpName[] {
  return ops.flatMap((op) => ("ops" in op ? [op.op, ...flatOpNames(op.ops)] : [op.op]));
}

const RESULT_WORDS: Readonly<Record<number, ResultWord>> = {
  [ResultCode.called]: "called",
  [ResultCode.unspawned]: "unspawned",
  [ResultCode.finished]: "finished",
  [ResultCode.spawned]: "spawned",
  [ResultCode.already]: "already",
  [ResultCode.canceled]: "canceled",
  [ResultCode.unstarted]: "unstarted",
  [ResultCode.closed]: "closed",
  [ResultCode.full]: "full",
  [ResultCode.broken]: "broken",
  [ResultCode.empty]: "empty",
};

function resultOf(code: number, words: Int32Array, position: number): Result | undefined {
  const long = (i: number): Int64 => joinWords(words[position + 2 * i]!, words[position + 2 * i + 1]!);
  if (code === ResultCode.value) return long(0);
  if (code === ResultCode.ran) return { clock: long(0), spawned: long(1), suspended: long(2) };
  return RESULT_WORDS[code];
}

function resultWords(code: number): number {
  if (code === ResultCode.value) return 2;
  return code === ResultCode.ran ? 6 : 0;
}
