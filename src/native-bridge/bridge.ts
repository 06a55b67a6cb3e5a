/**
 * One open replayer: batches of any size in, traces out, over a replay host (`replay-host.ts`).
 *
 * Invariant: a runtime never runs in this process; it runs in a host process, with which batches and traces are shared as memory. At
 * most one batch is under way per replayer, and nothing is asked of a host that is closed.
 */
import type { ProgramBatch, TraceBatch } from "../sim/target.js";
import { TargetError } from "../sim/target.js";
import type { ReplayerOptions, RuntimeDescription } from "./bridge-calls.js";
import { MappedHost } from "./mapped-host.js";
import type { ReplayHost } from "./replay-host.js";
import { type BatchSlice, splitBatch } from "./split-batch.js";

/** Traces larger than this give their memory back before the next batch; smaller ones are kept warm. */
const TRACES_KEPT_BYTES = 64 * 1024 * 1024;

export class Replayer {
  readonly #host: ReplayHost;
  #isBusy = false;
  #isClosed = false;
  #isTrimDue = false;

  constructor(host: ReplayHost) {
    this.#host = host;
  }

  get runtime(): RuntimeDescription {
    return this.#host.runtime;
  }

  /**
   * Starts a host and lets it load the runtime, off the main thread.
   *
   * @throws TargetError `unavailable` when no host can be started, `invalid` when the runtime cannot be used.
   */
  static async open(options: ReplayerOptions): Promise<Replayer> {
    return new Replayer(await MappedHost.open(options));
  }

  /**
   * Replays a batch of any size. Traces of a batch that fits the shared memory are views of that memory: they must not be touched
   * after the next call of `replay` or `close`.
   *
   * @throws TargetError `lost` when the host has died; then the replayer is only good to close.
   */
  replay(batch: ProgramBatch): Promise<TraceBatch> {
    return this.#alone(() => this.#replaySlices(batch));
  }

  /**
   * Runs a batch that fits the memory unseen, so that the workers of large batches begin with what that leaves: under an emulator,
   * the translations of their code. At most once. A runtime that does not get through it is replayed as if this had not been called.
   *
   * @throws TargetError `lost` as `replay`.
   */
  warmUp(batch: ProgramBatch): Promise<void> {
    return this.#alone(async () => {
      for (const slice of splitBatch(batch).slice(0, 1)) await this.#order(batch, slice, "warmUp");
    });
  }

  /** Ends the host and everything under it, and with them the batch under way, which is rejected as `lost`. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#host.close();
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isBusy) throw new Error("a replayer takes one batch at a time");
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
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
    if (this.#isTrimDue) await this.#host.trim();
    this.#isTrimDue = false;
    await this.#order(batch, slice, "replay");
    const traces = this.#host.read(slice.count);
    this.#isTrimDue = traces.words.byteLength > TRACES_KEPT_BYTES;
    return traces;
  }

  /** Puts the slice into the memory and has the host do something with it. */
  async #order(batch: ProgramBatch, slice: BatchSlice, order: "replay" | "warmUp"): Promise<void> {
    this.#requireOpen();
    this.#host.write(batch.words.subarray(slice.startWords, slice.endWords), slice.count);
    const status = await this.#host[order]();
    // A close may have come meanwhile: then the memory is no longer there, whatever the status.
    this.#requireOpen();
    if (status !== 0) throw new TargetError("lost", `the host of ${this.runtime.name} has died`);
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
