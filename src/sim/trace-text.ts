/**
 * Traces as text for people: one line a record, the program's own words for each op.
 *
 * Lines are made one by one, so that a trace of a million records prints without being held. Nothing here decides anything.
 */

import { describeOp, flatOps } from "./describe-op.js";
import { bodyNamesOf, bodyOpsOf } from "./encode-program.js";
import type { Op, Program } from "./program.js";
import type { Outcome, Result, TraceRecord } from "./trace.js";

export class TraceText {
  /** Bodies by name: two where a fiber or a task is called `main` or `world`. */
  readonly #ops = new Map<string, (readonly Op[])[]>();
  readonly #flat = new Map<string, Op[][]>();
  readonly #whoWidth: number;

  constructor(program: Program) {
    const names = bodyNamesOf(program);
    const bodies = bodyOpsOf(program);
    for (const [body, name] of names.entries()) {
      this.#ops.set(name, [...(this.#ops.get(name) ?? []), bodies[body]!]);
    }
    this.#whoWidth = names.reduce((width, name) => Math.max(width, name.length), 0);
  }

  /** `t=10    reader  #2 read p 8 -> 3`; the outcome as its own sentence. */
  line(record: TraceRecord | Outcome): string {
    if ("outcome" in record) return outcomeLine(record);
    const head = `t=${record.t}`.padEnd(7) + " " + record.who.padEnd(this.#whoWidth);
    switch (record.ev) {
      case "begin":
        return `${head}  begins`;
      case "end":
        return `${head}  ends`;
      case "call":
        return `${head}  #${record.at} ${this.op(record)} ...`;
      case "ret":
        return `${head}  #${record.at} ${this.op(record)}${resultText(record.res)}`;
      case "clobber":
        return `${head}  #${record.at} ${this.op(record)} LOST ${record.regs.join(", ")}`;
      case "corrupt":
        return `${head}  #${record.at} ${this.op(record)} CORRUPT BYTES`;
    }
  }

  /** The op that a record is of, as written: `sleep 30`. */
  op({ who, at, op }: Exclude<TraceRecord, { readonly ev: "begin" | "end" }>): string {
    let flat = this.#flat.get(who);
    if (flat === undefined) {
      flat = (this.#ops.get(who) ?? []).map(flatOps);
      this.#flat.set(who, flat);
    }
    const written = flat.map((ops) => ops[at]).find((candidate) => candidate?.op === op);
    return written === undefined ? "?" : describeOp(written);
  }
}

export function outcomeLine(outcome: Outcome): string {
  const at = `at t=${outcome.t}`;
  switch (outcome.outcome) {
    case "completed":
      return `completed ${at}`;
    case "panic":
      return `panic ${at}: ${outcome.message}`;
    case "stack-overflow":
      return `stack overflow of ${outcome.who} ${at}`;
    case "io-hang": {
      const waiting = outcome.waiting.map(({ who, pipe }) => `${who} on ${pipe}`).join(", ");
      return `io-hang ${at}: nobody will write for ${waiting}`;
    }
    case "crash":
      return `CRASH ${at}: ${outcome.signal}, last ran ${outcome.who}`;
    case "timeout":
      return `TIMEOUT ${at}: no record for as long as the time limit`;
    case "leak":
      return `LEAK ${at}: completed, and left behind: ${outcome.what.join(", ")}`;
  }
}

function resultText(res: Result | undefined): string {
  if (res === undefined) return "";
  if (typeof res === "object")
    return ` -> clock ${res.clock}, spawned ${res.spawned}, suspended ${res.suspended}`;
  return ` -> ${res}`;
}
