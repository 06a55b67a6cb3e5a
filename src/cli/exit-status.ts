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
  /** Ended by SIGHUP, SIGINT or SIGTERM: 128 and the number of the signal, as shells count. */
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

/** The graver of two. */
export function worse(a: ExitStatus, b: ExitStatus): ExitStatus {
  return a > b ? a : b;
}

const ENDED_BY = {
  SIGHUP: ExitStatus.hungUp,
  SIGINT: ExitStatus.interrupted,
  SIGTERM: ExitStatus.terminated,
} as const;

/** The signals that end a command in good order. */
export const ENDING_SIGNALS = Object.keys(ENDED_BY) as readonly (keyof typeof ENDED_BY)[];

/** The status of a command that a signal ended; the signal's name is the reason of the abort. */
export function interruptedBy({ reason }: AbortSignal): ExitStatus {
  return ENDED_BY[reason as keyof typeof ENDED_BY];
}
