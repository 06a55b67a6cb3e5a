/**
 * Every panic of the scheduler, with its exact text (SPEC section 1, and C4 and C6 of section 2).
 *
 * A panic is data here, not a throw: the core records the text and stops, so that a replay can end with it as an outcome. The
 * native runtime prints the same texts; a trace compares them byte for byte.
 */

import { REGISTER_CALL, type Readiness } from "./readiness.js";

export const Panic = {
  yieldOutside: "sched: yield_now() called outside a fiber (no running fiber)",
  suspendOutside: "sched: suspend_self() called outside a fiber (no running fiber)",
  sleepOutside: "sched: sleep() called outside a fiber (no running fiber)",
  blockOutside: "sched: block_on_fd() called outside a fiber (no running fiber)",
  blockForWrite: "sched: block_on_fd(want_read=false) — write-readiness not implemented",
  waitTaken: "sched: wait() — task already has a waiter (one awaiter per task in the M:1 model)",
  runInside: "sched: run() called inside a fiber",
  deinitInside: "sched: deinit() called inside a fiber",
} as const;

/** T1: a negative duration, in milliseconds. */
export function sleepNegativePanic(ms: number): string {
  return `sched: sleep(${ms}) — negative duration would rewind the virtual clock`;
}

/** T1, C4: clock + ms beyond 2^53 - 1. */
export function sleepOverflowPanic(ms: number): string {
  return `sched: sleep(${ms}) — deadline overflows the virtual clock`;
}

/** I1: a second waiter on one fd. */
export function blockTakenPanic(fd: number): string {
  return `sched: block_on_fd: fd ${fd} already has a waiter (one waiter per fd in the M:1 model)`;
}

/** I1: the readiness queue refuses the fd, as Linux does for one that is closed. */
export function registerFailedPanic(fd: number, readiness: Readiness = "epoll"): string {
  return `sched: ${REGISTER_CALL[readiness]}() failed to register fd ${fd} for read readiness`;
}

/** Texts of the deadlock by how many fibers it has, for those that a campaign meets all the time. */
const deadlocks: string[] = [];
const DEADLOCKS_MAX = 128;

/** R2: the run loop would stop while fibers are suspended. */
export function deadlockPanic(suspendedCount: number): string {
  let text = deadlocks[suspendedCount];
  if (text === undefined) {
    text = `sched: deadlock — ${suspendedCount} fiber(s) suspended with an empty run queue`;
    if (suspendedCount < DEADLOCKS_MAX) deadlocks[suspendedCount] = text;
  }
  return text;
}
