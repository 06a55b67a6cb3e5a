/**
 * What is said of a run that leaves fibers parked for good: the shape of the JSON that `repro` and `deadlock` print.
 *
 * Records are numbered from 0, the outcome is the last. Times are virtual milliseconds. `explain-stuck.ts` makes it, `forensics-text.ts`
 * says it in words.
 */
import type { OpName } from "../program.js";

/** A record and its time. */
export interface Moment {
  readonly t: number;
  readonly record: number;
}

/** What a fiber is parked on. Sleepers are never stuck. */
export type ParkedOn =
  | { readonly kind: "suspend" }
  | { readonly kind: "wait"; readonly task: string }
  | { readonly kind: "block"; readonly pipe: string };

/** An op that could bring a fiber on, and why it will not. */
export interface Waker {
  readonly who: string;
  readonly at: number;
  readonly op: OpName;
  readonly because: /** Its body has passed it, or has ended. */
    | "passed"
    /** Its body is stuck before it. */
    | "stuck"
    /** Its body is to be spawned by one that is stuck. */
    | "unspawned"
    /** Nobody spawns its body any more. */
    | "never-spawned"
    /** It is main's, behind a run that does not return while anybody is suspended (R2). */
    | "behind-run"
    /** Its body was the running one when everything ended. */
    | "cut-off";
}

/** Why nobody will bring a fiber on. */
export type Cause =
  /** `members`: each waits for the next, the last for the first; this fiber is one of them. */
  | { readonly kind: "cycle"; readonly members: readonly string[] }
  /** The one who could bring it on is stuck itself. `path`: from this fiber to the one where the chain of waits has its root. */
  | { readonly kind: "behind"; readonly path: readonly string[] }
  /** The last wake came before the park, and a wake is not remembered (F4). */
  | { readonly kind: "lost-wake"; readonly by: string; readonly wake: Moment }
  /** No op that is left could wake it. */
  | { readonly kind: "orphan" }
  /** No op that is left writes to the pipe or closes its write end; or its read end was closed, and delivers nothing (I3). */
  | { readonly kind: "unwritten"; readonly pipe: string; readonly closed?: Moment & { readonly by: string } };

/** A fiber that is parked for good. */
export interface StuckFiber {
  readonly who: string;
  /** The op that it parked in. */
  readonly at: number;
  readonly on: ParkedOn;
  /** When it parked: the record of its call. */
  readonly since: Moment;
  /** The record that made it certain: after what it tells of, nothing could bring the fiber on. */
  readonly certain: Moment;
  readonly cause: Cause;
  /** Every op of the program that could have brought it on, in order of bodies. */
  readonly wakers: readonly Waker[];
}

/** The fibers that one record made stuck for good. */
export interface Stage extends Moment {
  readonly stuck: readonly string[];
  /** Fibers and tasks that could still run then. With any left it is a partial deadlock. */
  readonly others: readonly string[];
}

/** What is said of a run that leaves fibers parked for good. */
export interface Forensics {
  /** `partial`: somebody was stuck for good, but the run ended in something else. */
  readonly verdict: "deadlock" | "io-hang" | "partial";
  /** In order of the records. */
  readonly stages: readonly Stage[];
  /** In order of certainty, then of bodies. */
  readonly stuck: readonly StuckFiber[];
}
