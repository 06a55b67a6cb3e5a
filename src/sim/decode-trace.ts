/**
 * Reads an encoded trace back as records with names, for showing and saving (docs/encoding.md, SPEC section 4).
 *
 * The words name bodies by number and ops by position; the program beside them gives both their names. Only traces that ended with
 * their outcome are decoded; anything else in them is an `Error`, since the writers are ours.
 */
import { bodyNamesOf, bodyOpsOf } from "./encode-program.js";
import {
  CLOBBER_BITS,
  HEADER_CLOCK_BIT,
  HEADER_RESULT_SHIFT,
  HEADER_WHO_SHIFT,
  joinWords,
  LEAK_BITS,
  OutcomeCode,
  RecordKind,
  ResultCode,
} from "./encoding.js";
import type { Op, OpName, Program } from "./program.js";
import { crashName } from "./signal-names.js";
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
    throw new Error("places() ends with an outcome");
  }

  /**
   * The records one by one, with their positions; the outcome comes last. Where the words make no sense, as after a runtime has written
   * over them, the trace ends there with the outcome crash and the signal `garbled trace`.
   */
  *places(words: Int32Array): Generator<PlacedRecord> {
    let position = 0;
    let t: Int64 = 0;
    let lastWho = this.#names[0]!;
    while (position < words.length) {
      const start = position;
      const header = words[position]!;
      const kind = header & 7;
      const code = (header >> HEADER_RESULT_SHIFT) & 31;
      const body = header >>> HEADER_WHO_SHIFT;
      const hasClock = (header & HEADER_CLOCK_BIT) !== 0;
      const end = start + recordWords(kind, code, hasClock, words, start);
      if (!(end <= words.length)) break;
      position += 1;
      if (hasClock) {
        t = joinWords(words[position]!, words[position + 1]!);
        position += 2;
      }
      if (kind === RecordKind.outcome) {
        yield { position: start, record: this.#outcome(code, body, t, words, position) };
        return;
      }
      lastWho = this.#names[body] ?? `body ${body}`;
      yield { position: start, record: this.#record(kind, code, body, lastWho, t, words, position) };
      position = end;
    }
    yield { position, record: { outcome: "crash", t, signal: "garbled trace", who: lastWho } };
  }

  /** A record but the outcome; `position` is right after its header and time. */
  #record(
    kind: number,
    code: number,
    body: number,
    who: string,
    t: Int64,
    words: Int32Array,
    position: number,
  ): TraceRecord {
    if (kind === RecordKind.begin || kind === RecordKind.end) {
      return { ev: kind === RecordKind.begin ? "begin" : "end", t, who };
    }
    const at = words[position]!;
    const op = this.opName(body, at);
    if (kind === RecordKind.call) return { ev: "call", t, who, at, op };
    if (kind === RecordKind.corrupt) return { ev: "corrupt", t, who, at, op };
    if (kind === RecordKind.clobber) {
      const set = words[position + 1]!;
      return {
        ev: "clobber",
        t,
        who,
        at,
        op,
        regs: CLOBBER_BITS.filter((_, bit) => (set & (1 << bit)) !== 0),
      };
    }
    const res = resultOf(code, words, position + 1);
    return { ev: "ret", t, who, at, op, ...(res === undefined ? {} : { res }) };
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
        return { outcome: "crash", t, signal: crashName(words[position]!), who };
      }
      case OutcomeCode.timeout:
        return { outcome: "timeout", t };
      case OutcomeCode.leak: {
        const set = words[position]!;
        return { outcome: "leak", t, what: LEAK_BITS.filter((_, bit) => (set & (1 << bit)) !== 0) };
      }
      default:
        throw new Error(`a trace outcome of unknown code ${code}`);
    }
  }
}

/** The trace of a program, decoded. */
export function decodeTrace(program: Program, words: Int32Array): Trace {
  return new TraceDecoder(program).decode(words);
}

/** How a trace ends. Bodies and pipes have no names in it. */
export function outcomeOf(words: Int32Array): Outcome {
  return new TraceDecoder({ version: 1, fibers: {} }).decode(words).outcome;
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

/** How long the record at `start` is, in words; NaN for what is no record. */
function recordWords(
  kind: number,
  code: number,
  hasClock: boolean,
  words: Int32Array,
  start: number,
): number {
  const head = hasClock ? 3 : 1;
  switch (kind) {
    case RecordKind.begin:
    case RecordKind.end:
      return head;
    case RecordKind.call:
    case RecordKind.corrupt:
      return head + 1;
    case RecordKind.ret:
      return code <= ResultCode.ran ? head + 1 + resultWords(code) : Number.NaN;
    case RecordKind.clobber:
      return head + 2;
    case RecordKind.outcome:
      return head + outcomeWords(code, words[start + head]!);
    default:
      return Number.NaN;
  }
}

/** How long an outcome's payload is, whose first word is `count`. */
function outcomeWords(code: number, count: number): number {
  switch (code) {
    case OutcomeCode.completed:
    case OutcomeCode.stackOverflow:
    case OutcomeCode.timeout:
      return 0;
    case OutcomeCode.crash:
    case OutcomeCode.leak:
      return 1;
    case OutcomeCode.panic:
      return count >= 0 ? 1 + Math.ceil(count / 4) : Number.NaN;
    case OutcomeCode.ioHang:
      return count >= 0 ? 1 + 2 * count : Number.NaN;
    default:
      return Number.NaN;
  }
}

function resultWords(code: number): number {
  if (code === ResultCode.value) return 2;
  return code === ResultCode.ran ? 6 : 0;
}
