/**
 * The frames that Lockstep and its emulated process send each other: length, kind, payload.
 *
 * A frame is two little-endian uint32 (length of the payload in bytes, kind) and the payload: JSON for `open`, `opened` and
 * `failed`; for `batch` and `traces` a count, 1 for traces of a batch that grew, that many ends and the words they end in, all of 32
 * bits, as `ProgramBatch` and `TraceBatch` hold them. Invariant: each request is answered by one frame before the next request is sent.
 */
import type { Writable } from "node:stream";
import type { ProgramBatch, TraceBatch } from "../sim/target.js";

export const FrameKind = { open: 1, opened: 2, failed: 3, batch: 4, traces: 5 } as const;

export interface Frame {
  readonly kind: number;
  /** Memory of its own, aligned for 32-bit words. */
  readonly payload: Buffer;
}

const HEADER_BYTES = 8;

/** Puts frames together from chunks as they come. */
export class FrameReader {
  readonly #receive: (frame: Frame) => void;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #payload: Buffer | undefined;
  #payloadBytes = 0;

  /** `receive` is called once for each frame, in order. */
  constructor(receive: (frame: Frame) => void) {
    this.#receive = receive;
  }

  push(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#payload === undefined) {
        const taken = chunk.copy(this.#header, this.#headerBytes, offset);
        offset += taken;
        this.#headerBytes += taken;
        if (this.#headerBytes < HEADER_BYTES) return;
        this.#payload = Buffer.allocUnsafeSlow(this.#header.readUInt32LE(0));
        this.#payloadBytes = 0;
      } else {
        const taken = chunk.copy(this.#payload, this.#payloadBytes, offset);
        offset += taken;
        this.#payloadBytes += taken;
      }
      if (this.#payloadBytes === this.#payload.length) this.#finish(this.#payload);
    }
  }

  #finish(payload: Buffer): void {
    this.#payload = undefined;
    this.#payloadBytes = 0;
    this.#headerBytes = 0;
    this.#receive({ kind: this.#header.readUInt32LE(4), payload });
  }
}

export function writeJsonFrame(stream: Writable, kind: number, value: unknown): void {
  writeFrame(stream, kind, [Buffer.from(JSON.stringify(value))]);
}

/** Writes views of the batch's memory, not copies: it must not change before the answer has come. */
export function writeBatchFrame(stream: Writable, kind: number, batch: ProgramBatch | TraceBatch): void {
  const { words, ends, count } = batch;
  const lengthWords = count === 0 ? 0 : ends[count - 1]!;
  const grew = "grew" in batch && batch.grew === true ? 1 : 0;
  const parts = [Uint32Array.of(count, grew), ends.subarray(0, count), words.subarray(0, lengthWords)];
  writeFrame(
    stream,
    kind,
    parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  );
}

/** The batch in a frame's payload, as views of it. */
export function readBatchFrame(payload: Buffer): ProgramBatch & TraceBatch {
  const all = new Int32Array(payload.buffer, payload.byteOffset, payload.byteLength / 4);
  const count = all[0]!;
  const ends = new Uint32Array(payload.buffer, payload.byteOffset + 8, count);
  return { words: all.subarray(2 + count), ends, count, ...(all[1] === 0 ? {} : { grew: true }) };
}

function writeFrame(stream: Writable, kind: number, parts: readonly Buffer[]): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > 0xffffffff) throw new RangeError(`a frame of ${length} bytes is too long`);
  header.writeUInt32LE(length, 0);
  header.writeUInt32LE(kind, 4);
  stream.cork();
  for (const part of [header, ...parts]) {
    if (part.length > 0) stream.write(part);
  }
  stream.uncork();
}
