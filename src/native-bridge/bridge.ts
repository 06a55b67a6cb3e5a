/**
 * One open replayer: batches of any size in, traces out, over the functions of `replay/bridge.h`.
 *
 * Invariant: a runtime never runs in this process; it runs in a host process that the library starts, and batches and traces cross
 * in shared memory without a copy of the traces. At most one batch is under way per replayer, and no code here touches the memory
 * once it is unmapped. Used as it is by the native target, and inside the arm64 Node by the emulated one.
 */
import type { ProgramBatch, TraceBatch } from "../sim/target.js";
import { TargetError } from "../sim/target.js";
import {
  BatchWord,
  INDEX_OFFSET,
  PRINTED_OFFSET,
  PROGRAMS_OFFSET,
  TRACES_BYTES_MAX,
  TRACES_OFFSET,
} from "./batch-memory.js";
import {
  closeHandle,
  mapHandle,
  openHandle,
  type ReplayerOptions,
  type RuntimeDescription,
  replayHandle,
  trimHandle,
} from "./bridge-calls.js";
import { type BatchSlice, splitBatch } from "./split-batch.js";

/** Traces larger than this give their memory back before the next batch; smaller ones are kept warm. */
const TRACES_KEPT_BYTES = 64 * 1024 * 1024;

export class Replayer {
  readonly runtime: RuntimeDescription;
  readonly #bridge: string;
  readonly #handle: number;
  readonly #header: Uint32Array;
  readonly #index: Uint32Array;
  readonly #programs: Int32Array;
  readonly #traces: Int32Array;
  #isBusy = false;
  #isClosed = false;
  #isTrimDue = false;

  private constructor(bridge: string, handle: number, runtime: RuntimeDescription) {
    this.runtime = runtime;
    this.#bridge = bridge;
    this.#handle = handle;
    const { buffer, byteOffset } = mapHandle(bridge, handle);
    this.#header = new Uint32Array(buffer, byteOffset, Object.keys(BatchWord).length);
    this.#index = new Uint32Array(buffer, byteOffset + INDEX_OFFSET, (PROGRAMS_OFFSET - INDEX_OFFSET) / 4);
    this.#programs = new Int32Array(
      buffer,
      byteOffset + PROGRAMS_OFFSET,
      (TRACES_OFFSET - PROGRAMS_OFFSET) / 4,
    );
    this.#traces = new Int32Array(buffer, byteOffset + TRACES_OFFSET, TRACES_BYTES_MAX / 4);
  }

  /**
   * Starts a host and lets it load the runtime, off the main thread.
   *
   * @throws TargetError `unavailable` when no host can be started, `invalid` when the runtime cannot be used.
   */
  static async open(options: ReplayerOptions): Promise<Replayer> {
    const { handle, runtime } = await openHandle(options);
    return new Replayer(options.bridge, handle, runtime);
  }

  /**
   * Replays a batch of any size. Traces of a batch that fits the shared memory are views of that memory: they must not be touched
   * after the next call of `replay` or `close`.
   *
   * @throws TargetError `lost` when the host has died; then the replayer is only good to close.
   */
  async replay(batch: ProgramBatch): Promise<TraceBatch> {
    if (this.#isBusy) throw new Error("a replayer takes one batch at a time");
    this.#isBusy = true;
    try {
      return await this.#replaySlices(batch);
    } finally {
      this.#isBusy = false;
    }
  }

  /** Ends the host and everything under it, and with them the batch under way, which is rejected as `lost`. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeHandle(this.#bridge, this.#handle);
  }

  async #replaySlices(batch: ProgramBatch): Promise<TraceBatch> {
    const slices = splitBatch(batch);
    if (slices.length === 1) return this.#replaySlice(batch, slices[0]!);
    const ends = new Uint32Array(batch.count);
    const parts: Int32Array[] = [];
    let lengthWords = 0;
    let last: TraceBatch | undefined;
    let grew = false;
    for (const slice of slices) {
      const traces = await this.#replaySlice(batch, slice);
      for (let i = 0; i < slice.count; i++) ends[slice.first + i] = lengthWords + traces.ends[i]!;
      parts.push(traces.words.slice());
      lengthWords += traces.words.length;
      grew ||= traces.grew === true;
      last = traces;
    }
    return { ...last, words: concatenate(parts, lengthWords), ends, count: batch.count, grew };
  }

  async #replaySlice(batch: ProgramBatch, slice: BatchSlice): Promise<TraceBatch> {
    this.#requireOpen();
    if (this.#isTrimDue) trimHandle(this.#bridge, this.#handle);
    this.#isTrimDue = false;
    this.#programs.set(batch.words.subarray(slice.startWords, slice.endWords));
    this.#header[BatchWord.programs] = slice.count;
    const status = await replayHandle(this.#bridge, this.#handle);
    // A close may have come meanwhile: then the memory is no longer there, whatever the status.
    this.#requireOpen();
    if (status !== 0) throw new TargetError("lost", `the host of ${this.runtime.name} has died`);
    const lengthWords = this.#index[slice.count - 1]!;
    if (lengthWords > this.#traces.length) {
      throw new TargetError("lost", `the host of ${this.runtime.name} gave ${lengthWords} words of trace`);
    }
    this.#isTrimDue = lengthWords * 4 > TRACES_KEPT_BYTES;
    const printed = this.#printed();
    return {
      words: this.#traces.subarray(0, lengthWords),
      ends: this.#index.subarray(0, slice.count),
      count: slice.count,
      grew: this.#header[BatchWord.grew] !== 0,
      ...(printed === "" ? {} : { printed }),
    };
  }

  /** What the last worker that died printed last, as text. */
  #printed(): string {
    const bytes = this.#header[BatchWord.printedBytes]!;
    const start = this.#header.byteOffset + PRINTED_OFFSET;
    return new TextDecoder().decode(new Uint8Array(this.#header.buffer, start, bytes)).trim();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new TargetError("lost", `the replayer of ${this.runtime.name} is closed`);
  }
}

function concatenate(parts: readonly Int32Array[], lengthWords: number): Int32Array {
  const whole = new Int32Array(lengthWords);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
