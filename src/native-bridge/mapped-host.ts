/**
 * A replay host whose batch memory is mapped in this process (`bridge-calls.ts`): nothing is copied but the programs.
 *
 * Invariant: the views end with `close`, and no code here touches them after it.
 */
import { TargetError, type TraceBatch } from "../sim/target.js";
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
  warmUpHandle,
} from "./bridge-calls.js";
import type { ReplayHost } from "./replay-host.js";

export class MappedHost implements ReplayHost {
  readonly runtime: RuntimeDescription;
  readonly #bridge: string;
  readonly #handle: number;
  readonly #header: Uint32Array;
  readonly #index: Uint32Array;
  readonly #programs: Int32Array;
  readonly #traces: Int32Array;

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

  /** @throws TargetError as `openHandle`. */
  static async open(options: ReplayerOptions): Promise<MappedHost> {
    const { handle, runtime } = await openHandle(options);
    return new MappedHost(options.bridge, handle, runtime);
  }

  write(words: Int32Array, count: number): void {
    this.#programs.set(words);
    this.#header[BatchWord.programs] = count;
  }

  replay(): Promise<number> {
    return replayHandle(this.#bridge, this.#handle);
  }

  warmUp(): Promise<number> {
    return warmUpHandle(this.#bridge, this.#handle);
  }

  async trim(): Promise<void> {
    trimHandle(this.#bridge, this.#handle);
  }

  read(count: number): TraceBatch {
    const lengthWords = this.#index[count - 1]!;
    if (lengthWords > this.#traces.length) {
      throw new TargetError("lost", `the host of ${this.runtime.name} gave ${lengthWords} words of trace`);
    }
    const bytes = this.#header[BatchWord.printedBytes]!;
    const start = this.#header.byteOffset + PRINTED_OFFSET;
    const printed = printedText(new Uint8Array(this.#header.buffer, start, bytes));
    return {
      words: this.#traces.subarray(0, lengthWords),
      ends: this.#index.subarray(0, count),
      count,
      grew: this.#header[BatchWord.grew] !== 0,
      ...(printed === "" ? {} : { printed }),
    };
  }

  async close(): Promise<void> {
    closeHandle(this.#bridge, this.#handle);
  }
}

/** What the last worker that died printed last, as text. */
export function printedText(bytes: Uint8Array): string {
  return bytes.length === 0 ? "" : new TextDecoder().decode(bytes).trim();
}
