/**
 * A replay host as `bridge.ts` uses it, wherever it runs: its batch memory (`replay/batch.h`) and what it can be told to do.
 *
 * Invariant: memory is written and read only between orders, and one order is under way at a time; whoever calls sees to both.
 */
import type { TraceBatch } from "../sim/target.js";
import type { RuntimeDescription } from "./bridge-calls.js";

export interface ReplayHost {
  readonly runtime: RuntimeDescription;
  /** Puts `count` programs that fit into the batch memory. */
  write(words: Int32Array, count: number): void;
  /** Runs the batch in the memory. Gives 0, or another number when the host is gone. @throws TargetError `lost` when it knows how. */
  replay(): Promise<number>;
  /** The same unseen, once, to make ready for large batches. */
  warmUp(): Promise<number>;
  /** Gives the memory of large traces back to the system. */
  trim(): Promise<void>;
  /**
   * The traces of `count` programs, valid until the next order.
   *
   * @throws TargetError `lost` when the memory holds no such traces.
   */
  read(count: number): TraceBatch;
  /** Ends the host and everything under it, and with them an order under way. */
  close(): Promise<void>;
}
