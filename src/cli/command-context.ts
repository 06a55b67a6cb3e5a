/**
 * What every command is given: where to print, and how to log, and what says that it is to end.
 *
 * A command is a function of its context and its own options that answers with an exit status; it never ends the process itself, so
 * that targets are closed and files finished by one place, `main.ts`.
 */
import type { Logger } from "pino";
import type { Terminal } from "./terminal.js";

export interface CommandContext {
  readonly terminal: Terminal;
  readonly interruption: Interruption;
  /** Absent where nothing is to be logged. */
  readonly logger?: Logger;
}

/** A signal that ends the command (`exit-status.ts`). A second one always ends the process at once. */
export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Set by a command that finishes by itself after the first signal; otherwise `main.ts` closes the targets and ends the process. */
  isHandled: boolean;
}
