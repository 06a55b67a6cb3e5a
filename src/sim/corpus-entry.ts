/**
 * One entry of a corpus: a program, the trace that it must give, and why it is kept.
 *
 * A file an entry, JSON, one op and one record a line, so that a change shows as a few lines. An entry of a format that this version does
 * not understand is a problem, never passed over. The trace is the contract's answer (SPEC section 4), not any one target's.
 */
import stringify from "json-stringify-pretty-compact";
import { encodeTrace } from "./encode-trace.js";
import { isObject } from "./is-object.js";
import { readProgram } from "./parse-program.js";
import { type Checked, quoted } from "./problem.js";
import type { Program } from "./program.js";
import type { Outcome, Trace, TraceRecord } from "./trace.js";

export const CORPUS_FORMAT = 1;

/** Where an entry came from, when a campaign found it. */
export interface Provenance {
  /** The run, `S:i`. */
  readonly seed: string;
  /** The targets of the campaign, the expected one first. */
  readonly on: readonly string[];
  readonly signature: string;
  /** Version of Lockstep, and the day. */
  readonly version: string;
  readonly date: string;
  /** The first records that differed, null where a trace had ended. */
  readonly expected: TraceRecord | Outcome | null;
  readonly came: TraceRecord | Outcome | null;
}

/** A kept program: what it must do, and why it is kept. */
export interface CorpusEntry {
  readonly format: typeof CORPUS_FORMAT;
  /** One line: what the entry guards. */
  readonly reason: string;
  readonly provenance?: Provenance;
  readonly program: Program;
  readonly trace: Trace["records"];
  readonly outcome: Trace["outcome"];
}

/** An entry with its trace in words. */
export interface LoadedEntry {
  readonly entry: CorpusEntry;
  readonly recorded: Int32Array;
}

/** A parsed JSON value as a corpus entry. */
export function readCorpusEntry(value: unknown): Checked<LoadedEntry> {
  if (!isObject(value)) return failed("", "is not a corpus entry: expected an object");
  if (value.format !== CORPUS_FORMAT) {
    return failed(
      "format",
      `${quoted(value.format)} is stale or unknown: this version reads format ${CORPUS_FORMAT}`,
    );
  }
  if (typeof value.reason !== "string")
    return failed("reason", "expected one line that says what the entry guards");
  if (!Array.isArray(value.trace) || !value.trace.every(isObject))
    return failed("trace", "expected a list of records");
  if (!isObject(value.outcome)) return failed("outcome", "expected an outcome");
  const program = readProgram(value.program);
  if (!program.ok)
    return { ok: false, problem: { ...program.problem, path: joined("program", program.problem.path) } };
  // From here on encodeTrace is the judge: it names the record that does not fit the program.
  const entry = value as unknown as CorpusEntry;
  const recorded = encodeTrace(program.value, { records: entry.trace, outcome: entry.outcome });
  return recorded.ok ? { ok: true, value: { entry, recorded: recorded.value } } : recorded;
}

/** The text of an entry's file: stable, so that the same entry is the same bytes. */
export function formatCorpusEntry(entry: CorpusEntry): string {
  return `${stringify(entry, { maxLength: 140, indent: 2 })}\n`;
}

function joined(prefix: string, path: string): string {
  return path === "" ? prefix : `${prefix}.${path}`;
}

function failed(
  path: string,
  message: string,
): { readonly ok: false; readonly problem: { path: string; message: string; rule: string } } {
  return { ok: false, problem: { path, message, rule: "corpus format 1" } };
}
