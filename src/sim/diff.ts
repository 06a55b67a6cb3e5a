/**
 * Compares two traces of one program and says where they part.
 *
 * Agreement is equality of bytes; only a difference is decoded. The first divergent record is the first at which the words differ, so
 * everything before it is common to both sides (SPEC section 4).
 */
import type { Readiness } from "../sched/index.js";
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
  /** Whose order of delivery it keeps (I3); epoll's unless told. */
  readonly readiness?: Readiness | undefined;
}

/** One of the two traces from the divergent record on. */
export interface DivergentSide {
  readonly on: string;
  /** The divergent record, or undefined where the trace has none there (it never lacks its outcome). */
  readonly record: TraceRecord | Outcome | undefined;
  /** How the trace ends. */
  readonly outcome: Outcome;
  /** What follows the divergent record, at most a few. */
  readonly after: readonly (TraceRecord | Outcome)[];
}

/** How many of the common records a divergence keeps. */
const RECORDS_BEFORE_MAX = 100;

/** Where two traces of a program part: the last that they share, what each has then, and the state of the model there. */
export interface Divergence {
  /** Number of the first divergent record, from 0. */
  readonly index: number;
  /** The last of the records before it, equal on both sides, oldest first: at most RECORDS_BEFORE_MAX. */
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

/** Where two traces of a program part, or undefined when they agree. `recordsAfter` bounds what is shown of each side. */
export function diffTraces(
  program: Program,
  left: Side,
  right: Side,
  recordsAfter = 3,
): Divergence | undefined {
  if (sameWords(left.words, right.words)) return undefined;
  const decoder = new TraceDecoder(program);
  const word = firstDifferentWord(left.words, right.words);
  const [leftWalk, rightWalk] = [new Walk(decoder.places(left.words)), new Walk(decoder.places(right.words))];
  const common: (TraceRecord | Outcome)[] = [];
  let index = 0;
  // A record is common when the next one starts before the difference or at it; a side may end right there.
  const endsAt = (walk: Walk, words: Int32Array): boolean => (walk.next?.position ?? words.length) <= word;
  while (endsAt(leftWalk, left.words) && endsAt(rightWalk, right.words) && leftWalk.current !== undefined) {
    common.push(leftWalk.current.record);
    if (common.length > RECORDS_BEFORE_MAX) common.shift();
    index++;
    leftWalk.advance();
    rightWalk.advance();
  }
  const position = leftWalk.current?.position ?? left.words.length;
  return {
    index,
    common,
    left: leftWalk.side(left.on, recordsAfter),
    right: rightWalk.side(right.on, recordsAfter),
    state: snapshotAfter(program, encodeProgram(program), left.words.subarray(0, position), left.readiness),
  };
}

function firstDifferentWord(left: Int32Array, right: Int32Array): number {
  let word = 0;
  while (word < left.length && word < right.length && left[word] === right[word]) word++;
  return word;
}

/** A trace record by record, one ahead, so that traces of any length are compared without being held. */
class Walk {
  readonly #places: Iterator<PlacedRecord>;
  current: PlacedRecord | undefined;
  next: PlacedRecord | undefined;

  constructor(places: Iterator<PlacedRecord>) {
    this.#places = places;
    this.advance();
    this.advance();
  }

  advance(): void {
    this.current = this.next;
    const step = this.#places.next();
    this.next = step.done === true ? undefined : step.value;
  }

  /** What is left of the trace, as a side of the divergence. Walks to its end. */
  side(on: string, recordsAfter: number): DivergentSide {
    const record = this.current?.record;
    const after: (TraceRecord | Outcome)[] = [];
    let last = record;
    for (this.advance(); this.current !== undefined; this.advance()) {
      last = this.current.record;
      if (after.length < recordsAfter) after.push(last);
    }
    if (last === undefined || !("outcome" in last)) throw new Error("a trace ends with its outcome");
    return { on, record, outcome: last, after };
  }
}

function bytesOf(words: Int32Array | Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
