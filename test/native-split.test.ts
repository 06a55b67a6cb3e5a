/**
 * Cutting a batch into slices that fit the shared memory, and the frames that carry batches to an emulated process.
 */
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { type Frame, FrameReader, writeFrame } from "../src/native-bridge/frames.js";
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
  const values = [{ name: "f\u00fcr", list: [1, 2] }, "order", 0];

  function bytesOf(...frames: unknown[]): Buffer {
    const stream = new PassThrough();
    for (const [kind, value] of frames.entries()) writeFrame(stream, kind, value);
    return stream.read() as Buffer;
  }

  test("frames are whole and in order wherever the stream is cut", () => {
    const bytes = bytesOf(...values);
    for (let size = 1; size <= bytes.length; size++) {
      const frames: Frame[] = [];
      const reader = new FrameReader((frame) => frames.push(frame));
      for (let offset = 0; offset < bytes.length; offset += size)
        reader.push(bytes.subarray(offset, offset + size));
      expect(frames).toEqual(values.map((value, kind) => ({ kind, value })));
    }
  });
});
