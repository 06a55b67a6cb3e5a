/**
 * Cutting a batch into slices that fit the shared memory, and the frames that carry batches to an emulated process.
 */
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import {
  type Frame,
  FrameKind,
  FrameReader,
  readBatchFrame,
  writeBatchFrame,
} from "../src/native-bridge/frames.js";
import { splitBatch, traceWordsMax } from "../src/native-bridge/split-batch.js";
import { PROGRAM_MAGIC, ProgramWord } from "../src/sim/encoding.js";
import type { ProgramBatch } from "../src/sim/target.js";

/** Programs without ops that claim to execute so many: only their headers and body tables count here. */
function batchOf(opsExecuted: readonly number[]): ProgramBatch {
  const programWords = ProgramWord.header + 2 * ProgramWord.body;
  const words = new Int32Array(opsExecuted.length * programWords);
  opsExecuted.forEach((count, i) => {
    words.set([PROGRAM_MAGIC, programWords, 0, 0, 0, 0, count, 0], i * programWords);
  });
  const ends = Uint32Array.from(opsExecuted, (_, i) => (i + 1) * programWords);
  return { words, ends, count: opsExecuted.length };
}

const roomy = { programs: 100, programWords: 10_000, traceWords: 1_000_000 };

describe("splitBatch", () => {
  test("an empty batch has no slices", () => {
    expect(splitBatch(batchOf([]))).toEqual([]);
  });

  test("a batch that fits is one slice", () => {
    expect(splitBatch(batchOf([1, 2, 3]))).toEqual([{ first: 0, count: 3, startWords: 0, endWords: 48 }]);
  });

  test("too many programs are cut at the limit", () => {
    const slices = splitBatch(batchOf([1, 1, 1, 1, 1]), { ...roomy, programs: 2 });
    expect(slices.map(({ first, count }) => [first, count])).toEqual([
      [0, 2],
      [2, 2],
      [4, 1],
    ]);
  });

  test("too many words of programs are cut between programs", () => {
    const slices = splitBatch(batchOf([1, 1, 1]), { ...roomy, programWords: 40 });
    expect(slices.map(({ startWords, endWords }) => [startWords, endWords])).toEqual([
      [0, 32],
      [32, 48],
    ]);
  });

  test("the longest traces that docs/encoding.md allows fit each slice", () => {
    const batch = batchOf([10, 10, 10]);
    expect(traceWordsMax(batch.words, 0)).toBe(64 + 8 * 2 + 24 * 10);
    const slices = splitBatch(batch, { ...roomy, traceWords: 2 * 320 });
    expect(slices.map(({ count }) => count)).toEqual([2, 1]);
  });

  test("the largest program that SPEC section 3 allows fits alone", () => {
    expect(splitBatch(batchOf([10_000_000, 10_000_000]))).toHaveLength(2);
  });

  test("a program that fits nowhere is an error that names it", () => {
    expect(() => splitBatch(batchOf([1, 2, 300]), { ...roomy, traceWords: 500 })).toThrow(
      "program 2 of the batch",
    );
  });
});

describe("frames", () => {
  const batch = { words: Int32Array.of(7, -8, 9, 0), ends: Uint32Array.of(1, 3, 0), count: 2 };

  function bytesOf(...batches: ProgramBatch[]): Buffer {
    const stream = new PassThrough();
    for (const each of batches) writeBatchFrame(stream, FrameKind.batch, each);
    return stream.read() as Buffer;
  }

  test("a batch comes back as it was, without what lies behind its end", () => {
    const frames: Frame[] = [];
    new FrameReader((frame) => frames.push(frame)).push(bytesOf(batch));
    expect(frames).toHaveLength(1);
    expect(readBatchFrame(frames[0]!.payload)).toEqual({
      words: Int32Array.of(7, -8, 9),
      ends: Uint32Array.of(1, 3),
      count: 2,
    });
  });

  test("frames are whole wherever the stream is cut", () => {
    const bytes = bytesOf(batch, { words: new Int32Array(0), ends: new Uint32Array(0), count: 0 }, batch);
    for (let size = 1; size <= bytes.length; size++) {
      const counts: number[] = [];
      const reader = new FrameReader(({ payload }) => counts.push(readBatchFrame(payload).count));
      for (let offset = 0; offset < bytes.length; offset += size)
        reader.push(bytes.subarray(offset, offset + size));
      expect(counts).toEqual([2, 0, 2]);
    }
  });
});
