/**
 * A replay host under an emulator, ordered about by way of the emulated process; its batch memory is read and written here as a file,
 * so that no program and no trace passes through emulated code but the harness.
 *
 * Invariant: the file is the memory that the host has mapped (`/proc/<process>/fd/<number>`), open as long as this is.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { TargetError, type TraceBatch } from "../sim/target.js";
import {
  BatchWord,
  INDEX_OFFSET,
  PRINTED_BYTES_MAX,
  PRINTED_OFFSET,
  PROGRAMS_OFFSET,
  TRACES_BYTES_MAX,
  TRACES_OFFSET,
} from "./batch-memory.js";
import type { ReplayerOptions, RuntimeDescription } from "./bridge-calls.js";
import type { EmulatedConnection } from "./emulated-connection.js";
import { printedText } from "./mapped-host.js";
import type { ReplayHost } from "./replay-host.js";
import { isSystemError } from "./system-error.js";

/** Buffers are kept from batch to batch up to this; what needs more gets one of its own. */
const BUFFER_WORDS_KEPT = 4 * 1024 * 1024;

export class EmulatedHost implements ReplayHost {
  readonly runtime: RuntimeDescription;
  readonly #connection: EmulatedConnection;
  readonly #file: number;
  readonly #header = new Uint32Array(Object.keys(BatchWord).length);
  #ends = new Uint32Array(0);
  #traces = new Int32Array(0);
  #isClosed = false;

  private constructor(connection: EmulatedConnection, runtime: RuntimeDescription, file: number) {
    this.runtime = runtime;
    this.#connection = connection;
    this.#file = file;
  }

  /** @throws TargetError as `openHandle`, or `lost` when the process dies. */
  static async open(connection: EmulatedConnection, options: ReplayerOptions): Promise<EmulatedHost> {
    const { runtime, memory } = await connection.open(options);
    try {
      return new EmulatedHost(connection, runtime, openSync(memory, "r+"));
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw new TargetError("lost", `the memory of the emulated process cannot be opened: ${error}`);
    }
  }

  write(words: Int32Array, count: number): void {
    let offset = 0;
    while (offset < words.byteLength)
      offset += writeSync(this.#file, words, offset, words.byteLength - offset, PROGRAMS_OFFSET + offset);
    writeSync(this.#file, Uint32Array.of(count), 0, 4, BatchWord.programs * 4);
  }

  replay(): Promise<number> {
    return this.#connection.order("replay");
  }

  warmUp(): Promise<number> {
    return this.#connection.order("warmUp");
  }

  async trim(): Promise<void> {
    await this.#connection.order("trim");
  }

  read(count: number): TraceBatch {
    if (this.#ends.length < count) this.#ends = new Uint32Array(count);
    const ends = this.#ends.subarray(0, count);
    this.#fill(this.#header, 0);
    this.#fill(ends, INDEX_OFFSET);
    const lengthWords = ends[count - 1]!;
    if (lengthWords > TRACES_BYTES_MAX / 4) {
      throw new TargetError("lost", `the host of ${this.runtime.name} gave ${lengthWords} words of trace`);
    }
    const words = this.#tracesOf(lengthWords);
    this.#fill(words, TRACES_OFFSET);
    const printed = new Uint8Array(Math.min(this.#header[BatchWord.printedBytes]!, PRINTED_BYTES_MAX));
    this.#fill(printed, PRINTED_OFFSET);
    const text = printedText(printed);
    const grew = this.#header[BatchWord.grew] !== 0;
    return { words, ends, count, grew, ...(text === "" ? {} : { printed: text }) };
  }

  async close(): Promise<void> {
    await this.#connection.close();
    if (!this.#isClosed) closeSync(this.#file);
    this.#isClosed = true;
  }

  #tracesOf(lengthWords: number): Int32Array {
    if (lengthWords > BUFFER_WORDS_KEPT) return new Int32Array(lengthWords);
    if (this.#traces.length < lengthWords)
      this.#traces = new Int32Array(Math.min(2 * lengthWords, BUFFER_WORDS_KEPT));
    return this.#traces.subarray(0, lengthWords);
  }

  #fill(view: Uint8Array | Uint32Array | Int32Array, position: number): void {
    for (let offset = 0; offset < view.byteLength; ) {
      const bytes = readSync(this.#file, view, offset, view.byteLength - offset, position + offset);
      if (bytes === 0) throw new TargetError("lost", "the memory of the emulated process is cut off");
      offset += bytes;
    }
  }
}
