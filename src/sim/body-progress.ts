/**
 * How far a body of a running program is, as the interpreter tells it to those who explain a run (`forensics/`).
 *
 * Plain numbers: bodies and ops are those of the encoded program, fibers and tasks those of the scheduler.
 */

/** A task is `claimed` from its go on, and can be woken from `begun` on, when its fiber is known (SPEC section 3, wake). */
export const BodyState = { idle: 0, claimed: 1, begun: 2, ended: 3 } as const;
export type BodyState = (typeof BodyState)[keyof typeof BodyState];

export interface BodyProgress {
  readonly state: BodyState;
  /** The scheduler's fiber, or -1 before there is one. */
  readonly fiber: number;
  /** The scheduler's task, or -1. */
  readonly task: number;
  /** The op that it parked in, or called last. */
  readonly at: number;
  /** The first op that an open repeat with passes left comes back to, or Infinity. */
  readonly again: number;
}
