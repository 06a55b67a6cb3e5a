/**
 * What a caller may say about a native target, whichever kind it is.
 */

/** The one method of a logger that targets use; pino's loggers have it. */
export interface Logger {
  debug(message: string): void;
}

/** How a native target is bounded, and where it tells what it does. */
export interface TargetOptions {
  /** How long a program may go on without a record before its outcome is `timeout`. Whole milliseconds, > 0; 5000 unless told. */
  readonly timeLimitMs?: number;
  /**
   * How much memory of its own a native process may take before its program's outcome is the crash `memory limit`. Whole MiB, > 0; 4096
   * unless told. Looked at some fifty times a second, so a program may get past it by what it fills in between.
   */
  readonly memoryLimitMiB?: number;
  readonly logger?: Logger;
  /** Called each time that the process behind the target was lost and another is started: nothing else tells, for no trace depends on it. */
  readonly onRestart?: () => void;
}

/** The time limit of a program unless told: 5 seconds. */
export const TIME_LIMIT_MS = 5000;
/** The memory limit of a program unless told: 4 GiB. */
export const MEMORY_LIMIT_MIB = 4096;

/** The limits that the options give, with what holds where they say nothing. */
export function limitsOf(options: TargetOptions): {
  readonly timeLimitMs: number;
  readonly memoryLimitMiB: number;
} {
  return {
    timeLimitMs: options.timeLimitMs ?? TIME_LIMIT_MS,
    memoryLimitMiB: options.memoryLimitMiB ?? MEMORY_LIMIT_MIB,
  };
}
