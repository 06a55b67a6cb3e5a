/**
 * A decoded trace, for showing and saving: what can be seen from inside the bodies and nothing else (SPEC section 4).
 *
 * These are the shapes of the JSON that `lockstep replay --format jsonl` prints and the corpus keeps. Comparison is done on the
 * encoded words, never on these.
 */
import type { LEAK_BITS } from "./encoding.js";
import type { OpName } from "./program.js";

/** A 64-bit integer: a number where that is exact, else its decimal digits (only a faulty runtime gives those). */
export type Int64 = number | string;

/** What `run` saw right after it returned. */
export interface RunResult {
  readonly clock: Int64;
  readonly spawned: Int64;
  readonly suspended: Int64;
}

/** A result that is no value. */
export type ResultWord =
  | "called"
  | "unspawned"
  | "finished"
  | "spawned"
  | "already"
  | "canceled"
  | "unstarted"
  | "closed"
  | "full"
  | "broken"
  | "empty";

/** `res` of a ret: a value or count, a word, or what `run` saw. */
export type Result = Int64 | ResultWord | RunResult;

/** `t`: virtual milliseconds. `who`: a fiber's or task's name, `main` or `world`. `at`: the op's number in its body. */
export type TraceRecord =
  | { readonly ev: "begin"; readonly t: Int64; readonly who: string }
  | { readonly ev: "end"; readonly t: Int64; readonly who: string }
  | { readonly ev: "call"; readonly t: Int64; readonly who: string; readonly at: number; readonly op: OpName }
  | {
      readonly ev: "ret";
      readonly t: Int64;
      readonly who: string;
      readonly at: number;
      readonly op: OpName;
      readonly res?: Result;
    }
  | {
      readonly ev: "clobber";
      readonly t: Int64;
      readonly who: string;
      readonly at: number;
      readonly op: OpName;
      readonly regs: readonly string[];
    }
  | {
      readonly ev: "corrupt";
      readonly t: Int64;
      readonly who: string;
      readonly at: number;
      readonly op: OpName;
    };

/** What a runtime may leave behind in its process. */
export type LeakKind = (typeof LEAK_BITS)[number];

/** How a replay ended. `t`: virtual milliseconds. A model never gives `crash`, `timeout` or `leak`. */
export type Outcome =
  | { readonly outcome: "completed"; readonly t: Int64 }
  | { readonly outcome: "panic"; readonly t: Int64; readonly message: string }
  | { readonly outcome: "stack-overflow"; readonly t: Int64; readonly who: string }
  /** `waiting`: in order of arming. */
  | {
      readonly outcome: "io-hang";
      readonly t: Int64;
      readonly waiting: readonly { readonly who: string; readonly pipe: string }[];
    }
  /**
   * `signal`: its name (`SIGSEGV`); `exit N` when the process ended by itself; `memory limit` when it was killed for what it took;
   * `trace overwritten` when what it had written was no longer what the harness wrote.
   */
  | { readonly outcome: "crash"; readonly t: Int64; readonly signal: string; readonly who: string }
  | { readonly outcome: "timeout"; readonly t: Int64 }
  /** Ran to its end, and left `what` in its process other than it found it. */
  | { readonly outcome: "leak"; readonly t: Int64; readonly what: readonly LeakKind[] };

/** What could be seen from inside the bodies, in order, and how it ended. */
export interface Trace {
  readonly records: readonly TraceRecord[];
  readonly outcome: Outcome;
}
