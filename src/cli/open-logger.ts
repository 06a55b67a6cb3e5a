/**
 * The log: JSON lines through pino, on standard error or in a file that is rotated by size, so that a campaign of weeks fills no disk.
 */
import { basename, dirname } from "node:path";
import { type Logger, pino } from "pino";
import { createStream } from "rotating-file-stream";
import { fileComplaint } from "../testing/text-file.js";
import type { Terminal } from "./terminal.js";

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug", "trace"];

/** A log is never larger than this in the file and five times this in its older parts. */
const LOG_SIZE = "10M";
const OLDER_PARTS = 5;

export interface LogOptions {
  /** Undefined: silent, and info with a file. */
  readonly level: string | undefined;
  /** Undefined for standard error. Its folder is there. */
  readonly file: string | undefined;
}

export function openLogger({ level, file }: LogOptions, terminal: Terminal): Logger {
  if (file === undefined) return pino({ level: level ?? "silent" }, pino.destination({ fd: 2, sync: true }));
  const name = basename(file);
  const stream = createStream((index) => (typeof index === "number" ? `${name}.${index}` : name), {
    path: dirname(file),
    size: LOG_SIZE,
    rotate: OLDER_PARTS,
  });
  let isBroken = false;
  stream.on("error", (error) => {
    // What is logged is worth less than what goes on.
    if (!isBroken) terminal.complain(`${file}: the log cannot be written: ${fileComplaint(error)}`);
    isBroken = true;
  });
  return pino({ level: level ?? "info" }, stream);
}
