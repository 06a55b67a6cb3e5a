/** Makes an entry of a corpus: the recorded trace is always the model's. */
import { CORPUS_FORMAT, type CorpusEntry } from "../sim/corpus-entry.js";
import { decodeTrace } from "../sim/decode-trace.js";
import { batchOf, encodeProgram } from "../sim/encode-program.js";
import { ModelTarget } from "../sim/model-target.js";
import type { Program } from "../sim/program.js";
import { traceOf } from "../sim/target.js";

/**
 * A program with its trace on the model, to be kept. `reason`: one line that says what the entry guards.
 *
 * ```ts
 * const program: Program = { version: 1, fibers: { a: [{ op: "sleep", ms: 10 }] } };
 * const entry = corpusEntryOf(program, "a sleeper wakes at its deadline");
 * console.log(entry.trace.length, entry.outcome.t); // 8 10
 * ```
 */
export function corpusEntryOf(program: Program, reason: string): CorpusEntry {
  return recordedOnModel({ format: CORPUS_FORMAT, reason, program });
}

/** An entry with its trace taken from the model anew. */
export function recordedOnModel(entry: Omit<CorpusEntry, "trace" | "outcome">): CorpusEntry {
  const { records, outcome } = decodeTrace(entry.program, wordsOnModel(entry.program));
  return { ...entry, trace: records, outcome };
}

/** The trace of a program on the model, in words. */
export function wordsOnModel(program: Program): Int32Array {
  return traceOf(new ModelTarget().replayNow(batchOf([encodeProgram(program)])), 0);
}
