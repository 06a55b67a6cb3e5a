/**
 * The log: JSON lines through pino, on standard error or in a file that is rotated by size, so that a campaign of weeks fills no disk.
 */
import { basename, dirname } from "node:path";
import { type Logger, pino } from "pino";
import { createStream } from "rotating-file-stream";
import { isSystemError } from "../native-bridge/system-error.js";
import { fileComplaint } from "../testing/text-file.js";
import type { Terminal } from "./terminal.js";

/** A log is never larger than this in the file and five times this in its older parts. */
const LOG_SIZE = "10M";
const OLDER_PARTS = 5;

export interface OpenLog {
  readonly logger: Logger;
  /** Writes what is left, and closes the file: one that is left to the garbage collector makes Node warn of it. */
  close(): Promise<void>;
}

/** `file`: undefined for standard error. Its folder is there. */
export function openLogger(level: string, file: string | undefined, terminal: Terminal): OpenLog {
  if (file === undefined)
    return { logger: pino({ level }, pino.destination({ fd: 2, sync: true })), close: async () => {} };
  const name = basename(file);
  const stream = createStream((index) => (typeof index === "number" ? `${name}.${index}` : name), {
    path: dirname(file),
    size: LOG_SIZE,
    rotate: OLDER_PARTS,
  });
  let isBroken = false;
  stream.on("error", (error) => {
    // What is logged is worth less than what goes on.
    const why = isSystemError(error) ? fileComplaint(error) : error.message;
    if (!isBroken) terminal.complain(`${file}: the log cannot be written: ${why}`);
    isBroken = true;
  });
  const close = (): Promise<void> => new Promise((resolve) => stream.end(() => resolve()));
  return { logger: pino({ level }, stream), close };
}
