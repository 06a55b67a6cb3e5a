/**
 * A target that survives its host: when the process behind it is lost in the middle of a batch, another is opened and the batch goes on.
 *
 * A host does not run the runtime under test and so ends only by a fault of ours, by the machine (no memory), or by a runtime that found a way
 * around every wall. Then the batch is halved until the program that does it stands alone; its trace is one outcome, `crash` with the
 * signal `host lost`, and the others have theirs. Guarantee: as `Target` says; a program's trace does not depend on its batch.
 */
import { HEADER_RESULT_SHIFT, OutcomeCode, RecordKind } from "../sim/encoding.js";
import {
  type ProgramBatch,
  type Readiness,
  type Target,
  TargetError,
  type TraceBatch,
} from "../sim/target.js";

/** The trace of a program that takes its host with it: see `signal-names.ts` for the 0. */
const HOST_LOST = Int32Array.of(RecordKind.outcome | (OutcomeCode.crash << HEADER_RESULT_SHIFT), 0);

export class DurableTarget implements Target {
  readonly name: string;
  readonly description: string;
  readonly runsWorlds: boolean;
  readonly readiness: Readiness;
  readonly #open: () => Promise<Target>;
  readonly #onRestart: () => void;
  #target: Target;
  #isClosed = false;

  private constructor(target: Target, open: () => Promise<Target>, onRestart: () => void) {
    this.name = target.name;
    this.description = target.description;
    this.runsWorlds = target.runsWorlds;
    this.readiness = target.readiness ?? "epoll";
    this.#target = target;
    this.#open = open;
    this.#onRestart = onRestart;
  }

  /** `onRestart` is called before each further `open`. @throws TargetError as `open` does. */
  static async open(open: () => Promise<Target>, onRestart: () => void = () => {}): Promise<DurableTarget> {
    return new DurableTarget(await open(), open, onRestart);
  }

  /** @throws TargetError when the target was closed, or cannot be opened again. */
  replay(batch: ProgramBatch): Promise<TraceBatch> {
    return this.#replay(batch, false);
  }

  async #replay(batch: ProgramBatch, isSecondTry: boolean): Promise<TraceBatch> {
    try {
      const traces = await this.#target.replay(batch);
      if (isWhole(traces, batch.count)) return traces;
    } catch (error) {
      if (!(error instanceof TargetError) || error.reason !== "lost" || this.#isClosed) throw error;
    }
    await this.#target.close();
    this.#onRestart();
    this.#target = await this.#open();
    if (batch.count <= 1) {
      // Once can be the machine's doing; a program that does it twice, alone and in a fresh process, does it itself.
      if (!isSecondTry) return this.#replay(batch, true);
      return { words: HOST_LOST, ends: Uint32Array.of(HOST_LOST.length), count: batch.count };
    }
    const middle = batch.count >> 1;
    // The first half's views end with the second half's replay.
    const first = copyOf(await this.#replay(sliceOf(batch, 0, middle), false));
    return joined(first, await this.#replay(sliceOf(batch, middle, batch.count), false));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#target.close();
  }
}

/** Whether the boundaries make sense: a runtime may have written over the memory that they lie in. */
function isWhole({ words, ends, count }: TraceBatch, expected: number): boolean {
  if (count !== expected) return false;
  for (let i = 0; i < count; i++) {
    const start = i === 0 ? 0 : ends[i - 1]!;
    if (ends[i]! <= start || ends[i]! > words.length) return false;
  }
  return true;
}

function sliceOf({ words, ends }: ProgramBatch, from: number, to: number): ProgramBatch {
  const start = from === 0 ? 0 : ends[from - 1]!;
  return {
    words: words.subarray(start, ends[to - 1]),
    ends: ends.slice(from, to).map((end) => end - start),
    count: to - from,
  };
}

function copyOf({ words, ends, count, grew = false }: TraceBatch): TraceBatch {
  return { words: words.slice(), ends: ends.slice(0, count), count, grew };
}

function joined(first: TraceBatch, second: TraceBatch): TraceBatch {
  const offset = first.ends[first.count - 1]!;
  const words = new Int32Array(offset + second.words.length);
  words.set(first.words.subarray(0, offset));
  words.set(second.words, offset);
  const ends = new Uint32Array(first.count + second.count);
  ends.set(first.ends);
  for (let i = 0; i < second.count; i++) ends[first.count + i] = second.ends[i]! + offset;
  const grew = first.grew === true || second.grew === true;
  return { words, ends, count: first.count + second.count, grew };
}
