/**
 * Writes a decoded trace back in words, so that a saved trace is compared like any other: by bytes (docs/encoding.md).
 *
 * Guarantee: what `decodeTrace` gave for a program encodes to the words that it came from. A trace that does not belong to the program
 * (a name, an op or a shape that it does not have) is a `Problem`, since saved traces are files that people edit.
 */
import { flatOpNames } from "./decode-trace.js";
import { bodyOpsOf } from "./encode-program.js";
import {
  CLOBBER_BITS,
  HEADER_CLOCK_BIT,
  HEADER_RESULT_SHIFT,
  HEADER_WHO_SHIFT,
  LEAK_BITS,
  OutcomeCode,
  RecordKind,
  ResultCode,
} from "./encoding.js";
import { type Checked, quoted } from "./problem.js";
import type { Op, OpName, Program } from "./program.js";
import { crashCode } from "./signal-names.js";
import type { Int64, LeakKind, Outcome, Result, ResultWord, Trace, TraceRecord } from "./trace.js";
import { WhoInTrace } from "./who-in-trace.js";

const RULE = "docs/traces.md";

/** The words of a trace of `program`. `path` is where the trace stands in its document, for the problem. */
export function encodeTrace(program: Program, trace: Trace): Checked<Int32Array> {
  const encoder = new TraceEncoder(program);
  try {
    for (const [i, record] of trace.records.entries()) encoder.record(record, `trace[${i}]`);
    encoder.outcome(trace.outcome);
  } catch (error) {
    if (error instanceof Misfit)
      return { ok: false, problem: { path: error.path, message: error.message, rule: RULE } };
    throw error;
  }
  return { ok: true, value: Int32Array.from(encoder.words) };
}

/** Thrown and caught in this file only. */
class Misfit extends Error {
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

class TraceEncoder {
  readonly words: number[] = [];
  readonly #who: WhoInTrace;
  readonly #pipes: ReadonlyMap<string, number>;
  readonly #bodies: readonly (readonly Op[])[];
  /** By body, made when a record of it comes. */
  readonly #ops: OpName[][] = [];
  #clock = 0n;

  constructor(program: Program) {
    this.#who = new WhoInTrace(program);
    this.#pipes = new Map((program.pipes ?? []).map((name, pipe) => [name, pipe]));
    this.#bodies = bodyOpsOf(program);
  }

  record(record: TraceRecord, path: string): void {
    const kind = codeOf(RecordKind, record.ev);
    if (kind === undefined || kind === RecordKind.outcome)
      throw new Misfit(path, `no record has ev ${quoted(record.ev)}`);
    const who = known(this.#who.ofRecord(record), record.who, path);
    const res = record.ev === "ret" ? record.res : undefined;
    this.#header(kind, record.ev === "ret" ? resultCode(res, path) : 0, who, record.t, path);
    if (record.ev === "begin" || record.ev === "end") return;
    this.#ops[who] ??= flatOpNames(this.#bodies[who]!);
    const op = typeof record.at === "number" ? this.#ops[who]?.[record.at] : undefined;
    if (op === undefined) throw new Misfit(path, `${quoted(record.who)} has no op ${quoted(record.at)}`);
    if (record.op !== op)
      throw new Misfit(path, `op ${record.at} of ${quoted(record.who)} is ${op}, not ${quoted(record.op)}`);
    this.words.push(record.at);
    if (record.ev === "clobber") {
      if (!Array.isArray(record.regs)) throw new Misfit(path, "expected regs, a list of registers");
      this.words.push(record.regs.reduce((set, register) => set | registerBit(register, path), 0));
    } else if (res !== undefined) {
      this.#result(res, path);
    }
  }

  outcome(outcome: Outcome): void {
    const path = "outcome";
    const code = outcomeCode(outcome, path);
    const namesWho = outcome.outcome === "stack-overflow" || outcome.outcome === "crash";
    const who = namesWho ? known(this.#who.ofOutcome(outcome.who), outcome.who, path) : 0;
    this.#header(RecordKind.outcome, code, who, outcome.t, path);
    if (outcome.outcome === "panic") {
      if (typeof outcome.message !== "string") throw new Misfit(path, "expected the panic's message");
      const bytes = Buffer.from(outcome.message, "utf8");
      const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
      bytes.copy(padded);
      this.words.push(bytes.length);
      for (let i = 0; i < padded.length; i += 4) this.words.push(padded.readInt32LE(i));
    } else if (outcome.outcome === "io-hang") {
      if (!Array.isArray(outcome.waiting)) throw new Misfit(path, "expected waiting, a list");
      this.words.push(outcome.waiting.length);
      for (const waiter of outcome.waiting) {
        const pipe = this.#pipes.get(waiter?.pipe);
        if (pipe === undefined) throw new Misfit(path, `the program has no pipe ${quoted(waiter?.pipe)}`);
        this.words.push(known(this.#who.ofOutcome(waiter.who), waiter.who, path), pipe);
      }
    } else if (outcome.outcome === "crash") {
      const code = crashCode(outcome.signal);
      if (code === 0) throw new Misfit(path, `no signal is called ${quoted(outcome.signal)}`);
      this.words.push(code);
    } else if (outcome.outcome === "leak") {
      if (!Array.isArray(outcome.what)) throw new Misfit(path, "expected what, a list of what leaked");
      this.words.push(outcome.what.reduce((set, what) => set | leakBit(what, path), 0));
    }
  }

  #header(kind: number, code: number, who: number, t: Int64, path: string): void {
    const clock = bigOf(t, path);
    const header = kind | (code << HEADER_RESULT_SHIFT) | (who << HEADER_WHO_SHIFT);
    this.words.push(clock === this.#clock ? header : header | HEADER_CLOCK_BIT);
    if (clock !== this.#clock) this.#long(clock);
    this.#clock = clock;
  }

  #result(res: Result, path: string): void {
    if (typeof res === "object") {
      for (const value of [res.clock, res.spawned, res.suspended]) this.#long(bigOf(value, path));
    } else if (isInt64(res)) {
      this.#long(bigOf(res, path));
    }
  }

  #long(value: bigint): void {
    this.words.push(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }
}

function known(body: number | undefined, name: string, path: string): number {
  if (body === undefined) throw new Misfit(path, `the program has no fiber or task ${quoted(name)}`);
  return body;
}

/** A code by its name; undefined for what is none, the names that every object has included. */
function codeOf(codes: Readonly<Record<string, number>>, name: unknown): number | undefined {
  return typeof name === "string" && Object.hasOwn(codes, name) ? codes[name] : undefined;
}

function registerBit(register: string, path: string): number {
  const bit = CLOBBER_BITS.indexOf(register);
  if (bit === -1) throw new Misfit(path, `no register is called ${quoted(register)}`);
  return 1 << bit;
}

function leakBit(what: LeakKind, path: string): number {
  const bit = LEAK_BITS.indexOf(what);
  if (bit === -1) throw new Misfit(path, `nothing that leaks is called ${quoted(what)}`);
  return 1 << bit;
}

function isInt64(res: Result): res is Int64 {
  return typeof res === "number" || (typeof res === "string" && /^-?\d+$/.test(res));
}

function bigOf(value: Int64, path: string): bigint {
  const isWhole = isInt64(value) && (typeof value === "string" || Number.isInteger(value));
  const integer = isWhole ? BigInt(value) : undefined;
  if (integer === undefined || integer !== BigInt.asIntN(64, integer))
    throw new Misfit(path, `expected an integer of 64 bits, found ${quoted(value)}`);
  return integer;
}

/** The codes that a result may be written as by their names: without those that have a payload, or stand for no result. */
const { none: _none, value: _value, ran: _ran, ...resultWords } = ResultCode;
const RESULT_WORDS: Readonly<Record<ResultWord, number>> = resultWords;

function resultCode(res: Result | undefined, path: string): number {
  if (res === undefined) return ResultCode.none;
  if (res === null) throw new Misfit(path, "expected a result, found null");
  if (typeof res === "object") return ResultCode.ran;
  if (isInt64(res)) return ResultCode.value;
  const code = codeOf(RESULT_WORDS, res);
  if (code === undefined) throw new Misfit(path, `no op has the result ${quoted(res)}`);
  return code;
}

const OUTCOME_CODES: Readonly<Record<Outcome["outcome"], number>> = {
  completed: OutcomeCode.completed,
  panic: OutcomeCode.panic,
  "stack-overflow": OutcomeCode.stackOverflow,
  "io-hang": OutcomeCode.ioHang,
  crash: OutcomeCode.crash,
  timeout: OutcomeCode.timeout,
  leak: OutcomeCode.leak,
};

function outcomeCode(outcome: Outcome, path: string): number {
  const code = codeOf(OUTCOME_CODES, outcome.outcome);
  if (code === undefined) throw new Misfit(path, `no outcome is called ${quoted(outcome.outcome)}`);
  return code;
}
