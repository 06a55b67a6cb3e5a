/**
 * Compares two traces of one program and says where they part.
 *
 * Agreement is equality of bytes; only a difference is decoded. The first divergent record is the first at which the words differ, so
 * everything before it is common to both sides (SPEC section 4).
 */
import { type PlacedRecord, TraceDecoder } from "./decode-trace.js";
import { encodeProgram } from "./encode-program.js";
import { type NamedSnapshot, snapshotAfter } from "./named-snapshot.js";
import type { Program } from "./program.js";
import type { TraceBatch } from "./target.js";
import type { Outcome, TraceRecord } from "./trace.js";

/** One side of a comparison: a target's name and its encoded trace. */
export interface Side {
  readonly on: string;
  readonly words: Int32Array;
}

export interface DivergentSide {
  readonly on: string;
  /** The divergent record, or undefined where the trace has none there (it never lacks its outcome). */
  readonly record: TraceRecord | Outcome | undefined;
  /** How the trace ends. */
  readonly outcome: Outcome;
  /** What follows the divergent record, at most a few. */
  readonly after: readonly (TraceRecord | Outcome)[];
}

export interface Divergence {
  /** Number of the first divergent record, from 0. */
  readonly index: number;
  /** The records before it, equal on both sides, oldest first. */
  readonly common: readonly (TraceRecord | Outcome)[];
  readonly left: DivergentSide;
  readonly right: DivergentSide;
  /** The model's scheduler right before its record of that number; undefined unless one side agrees with the model up to there. */
  readonly state: NamedSnapshot | undefined;
}

/** True when the two traces are the same bytes. */
export function sameWords(left: Int32Array, right: Int32Array): boolean {
  return Buffer.compare(bytesOf(left), bytesOf(right)) === 0;
}

/** True when two batches hold the same traces, bytes and boundaries: one comparison of memory each. */
export function sameBatch(left: TraceBatch, right: TraceBatch): boolean {
  return (
    left.count === right.count &&
    sameWords(left.words, right.words) &&
    Buffer.compare(bytesOf(left.ends), bytesOf(right.ends)) === 0
  );
}

/** The words of trace i of a batch: a view, valid as long as the batch. */
export function traceOf(batch: TraceBatch, i: number): Int32Array {
  return batch.words.subarray(i === 0 ? 0 : batch.ends[i - 1]!, batch.ends[i]!);
}

/** Where two traces of a program part, or undefined when they agree. `recordsAfter` bounds what is shown of each side. */
export function diffTraces(
  program: Program,
  left: Side,
  right: Side,
  recordsAfter = 3,
): Divergence | undefined {
  if (sameWords(left.words, right.words)) return undefined;
  const decoder = new TraceDecoder(program);
  const leftRecords = [...decoder.places(left.words)];
  const rightRecords = [...decoder.places(right.words)];
  const index = firstDifference(left.words, leftRecords, right.words, rightRecords);
  const position = leftRecords[index]?.position ?? left.words.length;
  const side = (on: string, records: readonly PlacedRecord[]): DivergentSide => ({
    on,
    record: records[index]?.record,
    outcome: records.at(-1)!.record as Outcome,
    after: records.slice(index + 1, index + 1 + recordsAfter).map(({ record }) => record),
  });
  return {
    index,
    common: leftRecords.slice(0, index).map(({ record }) => record),
    left: side(left.on, leftRecords),
    right: side(right.on, rightRecords),
    state: snapshotAfter(program, encodeProgram(program), left.words.subarray(0, position)),
  };
}

/** The number of the first record that differs. Records are compared by their words, which are the same when the records are. */
function firstDifference(
  left: Int32Array,
  leftRecords: readonly PlacedRecord[],
  right: Int32Array,
  rightRecords: readonly PlacedRecord[],
): number {
  let word = 0;
  while (word < left.length && word < right.length && left[word] === right[word]) word++;
  // Up to that word both are cut into records alike, so the record that holds it has the same number on both sides. A side that ends
  // there has no record for it.
  const holder = (records: readonly PlacedRecord[], words: Int32Array): number => {
    if (word === words.length) return records.length;
    const after = records.findIndex(({ position }) => position > word);
    return (after === -1 ? records.length : after) - 1;
  };
  return Math.min(holder(leftRecords, left), holder(rightRecords, right));
}

function bytesOf(words: Int32Array | Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
