/**
 * The target `model`: programs replayed by the interpreter on the scheduler model, in this process.
 *
 * Guarantee: a trace depends on its program alone; there is no state but the interpreter's arrays, which each program starts anew.
 */
import type { Readiness } from "../sched/index.js";
import { Interpreter } from "./interpreter.js";
import type { ProgramBatch, Target, TraceBatch } from "./target.js";

export class ModelTarget implements Target {
  readonly name = "model";
  readonly description = "the TypeScript model";
  readonly runsWorlds = true;
  readonly readiness: Readiness;
  readonly #interpreter = new Interpreter();
  #ends = new Uint32Array(0);

  /** `readiness`: whose order of delivery the model keeps (I3). */
  constructor(readiness: Readiness = "epoll") {
    this.readiness = readiness;
    this.#interpreter.core.readiness = readiness;
  }

  /** `replay` without the promise, for callers that have only the model. */
  replayNow(batch: ProgramBatch): TraceBatch {
    const { trace } = this.#interpreter;
    if (this.#ends.length < batch.count) this.#ends = new Uint32Array(batch.count);
    trace.clear();
    let offset = 0;
    for (let i = 0; i < batch.count; i++) {
      this.#interpreter.replay(batch.words, offset);
      this.#ends[i] = trace.position;
      offset = batch.ends[i]!;
    }
    return {
      words: trace.words.subarray(0, trace.position),
      ends: this.#ends.subarray(0, batch.count),
      count: batch.count,
    };
  }

  async replay(batch: ProgramBatch): Promise<TraceBatch> {
    return this.replayNow(batch);
  }

  async close(): Promise<void> {}
}
