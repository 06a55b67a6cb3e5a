/**
 * What a caller may say about a native target, whichever kind it is.
 */

/** The one method of a logger that targets use; pino's loggers have it. */
export interface Logger {
  debug(message: string): void;
}

export interface TargetOptions {
  /** How long a program may go on without a record before its outcome is `timeout`. Whole milliseconds, > 0; 5000 unless told. */
  readonly timeLimitMs?: number;
  readonly logger?: Logger;
}

const TIME_LIMIT_MS = 5000;

export function timeLimitMsOf(options: TargetOptions): number {
  return options.timeLimitMs ?? TIME_LIMIT_MS;
}
