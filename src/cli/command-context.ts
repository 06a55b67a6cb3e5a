/**
 * What every command is given: where to print, how to log, and the options that all share.
 *
 * A command is a function of its context and its own options that answers with an exit status; it never ends the process itself, so
 * that targets are closed and files finished by one place, `main.ts`.
 */
import type { Logger } from "pino";
import type { Terminal } from "./terminal.js";

export interface CommandContext {
  readonly terminal: Terminal;
  readonly logger: Logger;
  /** Aborted by SIGINT or SIGTERM: finish what is being printed and come back. */
  readonly interrupted: AbortSignal;
}
