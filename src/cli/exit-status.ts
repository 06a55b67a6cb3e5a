/** Exit statuses of the command (SPEC section 6). Where several apply, the largest is the one to act on first, and is given. */
export const ExitStatus = {
  /** Agreement; also what `replay` gives whatever the outcomes are. */
  agreement: 0,
  /** A divergence, a regression, or a mismatch. */
  divergence: 1,
  /** Bad usage or bad input. */
  badInput: 2,
  /** A target that this machine cannot run. */
  unavailable: 3,
  /** Ended by SIGINT, as shells count it. */
  interrupted: 130,
} as const;

export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

/** The graver of two. */
export function worse(a: ExitStatus, b: ExitStatus): ExitStatus {
  return a > b ? a : b;
}
