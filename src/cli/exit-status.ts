/** Exit statuses of the command (`lockstep --help` lists them). Where several apply, the largest is the one to act on first, and is given. */
export const ExitStatus = {
  /** Agreement; also what `replay` gives whatever the outcomes are. */
  agreement: 0,
  /** A divergence, a regression, or a mismatch. */
  divergence: 1,
  /** Bad usage or bad input. */
  badInput: 2,
  /** A target that this machine cannot run. */
  unavailable: 3,
  /** Ended by SIGINT or SIGTERM, as shells count them. */
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

/** The graver of two. */
export function worse(a: ExitStatus, b: ExitStatus): ExitStatus {
  return a > b ? a : b;
}

/** The status of a command that a signal ended; the signal's name is the reason of the abort. */
export function interruptedBy(signal: AbortSignal): ExitStatus {
  return signal.reason === "SIGTERM" ? ExitStatus.terminated : ExitStatus.interrupted;
}
