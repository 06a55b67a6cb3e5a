/**
 * The frames that Lockstep and its emulated process send each other: length, kind, payload.
 *
 * A frame is two little-endian uint32 (length of the payload in bytes, kind) and the payload, JSON. Only what opens a
 * replay host goes in frames: batches lie in shared memory, and orders are bytes on a socket of their own.
 */
import type { Writable } from "node:stream";

/** `open` is answered by `opened`, or by `failed` when it cannot be done. */
export const FrameKind = { open: 1, opened: 2, failed: 3 } as const;

export interface Frame {
  readonly kind: number;
  /** What was written, as JSON can hold it. */
  readonly value: unknown;
}

const HEADER_BYTES = 8;

/** Puts frames together from chunks as they come. */
export class FrameReader {
  readonly #receive: (frame: Frame) => void;
  #bytes = Buffer.alloc(0);

  /** `receive` is called once for each frame, in order. */
  constructor(receive: (frame: Frame) => void) {
    this.#receive = receive;
  }

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#bytes.readUInt32LE(0);
      if (this.#bytes.length < end) return;
      const kind = this.#bytes.readUInt32LE(4);
      const value: unknown = JSON.parse(this.#bytes.toString("utf8", HEADER_BYTES, end));
      this.#bytes = this.#bytes.subarray(end);
      this.#receive({ kind, value });
    }
  }
}

export function writeFrame(stream: Writable, kind: number, value: unknown): void {
  const payload = Buffer.from(JSON.stringify(value));
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(kind, 4);
  stream.write(Buffer.concat([header, payload]));
}
