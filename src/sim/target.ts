/**
 * A target: something that programs are replayed on, and nothing more.
 *
 * Guarantee: the trace of a program depends on that program alone, never on the batch it stands in, on what ran before it or on
 * the machine's speed. `model-target.ts` keeps it by construction; native targets by a fresh scheduler for each program and
 * processes of its own for each batch.
 */

import type { Readiness } from "../sched/index.js";

export type { Readiness } from "../sched/index.js";

/** Encoded programs, one after the other (docs/encoding.md). `ends[i]` is the end of program i in words, from 0. */
export interface ProgramBatch {
  readonly words: Int32Array;
  readonly ends: Uint32Array;
  /** How many programs; `ends` and `words` may be longer. */
  readonly count: number;
}

/** Encoded traces, in the order of the programs. `ends[i]` is the end of trace i in words, from 0. */
export interface TraceBatch {
  readonly words: Int32Array;
  readonly ends: Uint32Array;
  readonly count: number;
  /** True when what a native runtime holds has grown over the batch: no verdict, but a reason to audit some of its programs. */
  readonly grew?: boolean;
  /** The last that a native runtime printed before its process died. For people. */
  readonly printed?: string;
}

/** The words of trace i of a batch, or of program i: a view, valid as long as the batch. */
export function traceOf(batch: Pick<TraceBatch, "words" | "ends">, i: number): Int32Array {
  return batch.words.subarray(i === 0 ? 0 : batch.ends[i - 1]!, batch.ends[i]!);
}

/** Something that programs are replayed on, and nothing more. */
export interface Target {
  /** As the user named it: `model`, `native`, `aarch64` or a path. */
  readonly name: string;
  /** For people: what answers, e.g. `sched-c x86_64-linux epoll`. */
  readonly description: string;
  /** False for a runtime without an idle hook: it cannot run a program that has a `world` (SPEC section 5). */
  readonly runsWorlds: boolean;
  /** Whose order of delivery it keeps (I3); epoll's unless told. */
  readonly readiness?: Readiness;
  /**
   * Replays each program from a fresh scheduler. The batch returned is valid until the next call. A runtime that panics, crashes
   * or hangs shows it in the trace's outcome; the promise rejects only when the target itself is lost (a `TargetError`).
   */
  replay(batch: ProgramBatch): Promise<TraceBatch>;
  /** Ends every process behind the target. Idempotent. */
  close(): Promise<void>;
}

/** Why a target cannot be used: not on this machine (exit status 3) or not a runtime at all (exit status 2). */
export class TargetError extends Error {
  override readonly name = "TargetError";
  readonly reason: "unavailable" | "invalid" | "lost";
  constructor(reason: "unavailable" | "invalid" | "lost", message: string) {
    super(message);
    this.reason = reason;
  }
}
