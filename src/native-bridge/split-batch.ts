/**
 * Cuts a batch of programs into slices that fit the shared memory of `replay/batch.h`.
 *
 * Invariant: the slices cover the programs once, in order, and in each the programs fit their area and the traces, at the greatest
 * length that docs/encoding.md allows each, fit theirs. So the C side never has to ask whether there is room.
 */
import { ProgramWord, TraceWords } from "../sim/encoding.js";
import type { ProgramBatch } from "../sim/target.js";
import { BATCH_PROGRAMS_MAX, PROGRAMS_BYTES_MAX, TRACES_BYTES_MAX } from "./batch-memory.js";

export interface BatchSlice {
  /** The first program of the slice, counted from 0 in the batch. */
  readonly first: number;
  readonly count: number;
  /** Where the slice's programs begin and end in the batch's words. */
  readonly startWords: number;
  readonly endWords: number;
}

/** What may lie in one slice; the areas of batch.h unless a test says less. */
export interface SliceLimits {
  readonly programs: number;
  readonly programWords: number;
  readonly traceWords: number;
}

const AREAS: SliceLimits = {
  programs: BATCH_PROGRAMS_MAX,
  programWords: PROGRAMS_BYTES_MAX / 4,
  traceWords: TRACES_BYTES_MAX / 4,
};

/** Most words that the trace of the encoded program at `startWords` can take (docs/encoding.md). */
export function traceWordsMax(words: Int32Array, startWords: number): number {
  const fibers = words[startWords + ProgramWord.fibers]!;
  const tasks = words[startWords + ProgramWord.tasks]!;
  const opsExecutedMax = words[startWords + ProgramWord.opsExecutedMax]!;
  // A body for each fiber and task, `main` and `world`.
  return TraceWords.base + TraceWords.perBody * (fibers + tasks + 2) + TraceWords.perOp * opsExecutedMax;
}

/** @throws RangeError for a program that does not fit by itself; none within the limits of SPEC section 3 does not. */
export function splitBatch(batch: ProgramBatch, limits: SliceLimits = AREAS): BatchSlice[] {
  const slices: BatchSlice[] = [];
  let first = 0;
  let startWords = 0;
  let endWords = 0;
  let traceWords = 0;
  for (let i = 0; i < batch.count; i++) {
    const programEnd = batch.ends[i]!;
    const traceMax = traceWordsMax(batch.words, endWords);
    if (programEnd - endWords > limits.programWords || traceMax > limits.traceWords) {
      throw new RangeError(
        `program ${i} of the batch is too large: ${programEnd - endWords} words, ${traceMax} of trace`,
      );
    }
    const isFull =
      i - first === limits.programs ||
      programEnd - startWords > limits.programWords ||
      traceWords + traceMax > limits.traceWords;
    if (isFull) {
      slices.push({ first, count: i - first, startWords, endWords });
      first = i;
      startWords = endWords;
      traceWords = 0;
    }
    endWords = programEnd;
    traceWords += traceMax;
  }
  if (batch.count > first) slices.push({ first, count: batch.count - first, startWords, endWords });
  return slices;
}
