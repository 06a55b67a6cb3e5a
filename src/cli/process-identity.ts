/**
 * Which process wrote a file, so that another can tell whether it still runs: a number alone may have been given to somebody else since.
 *
 * On Linux the boot and the process's start are noted beside its number; elsewhere the number has to do.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { isSystemError } from "../native-bridge/system-error.js";

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** When it started, in a form that only compares; null where the system does not say. */
  readonly started: string | null;
}

/** `elsewhere`: on another machine, of which nothing can be said here. */
export type Liveness = "running" | "gone" | "elsewhere";

let own: ProcessIdentity | undefined;

export function ownIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  return own;
}

export function livenessOf({ pid, host, started }: ProcessIdentity): Liveness {
  if (host !== hostname()) return "elsewhere";
  return isAlive(pid) && startOf(pid) === started ? "running" : "gone";
}

/** Whether some process has this number here now. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return error.code === "EPERM";
  }
}

function startOf(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything; after it come the state and, as the 20th, the start.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; only its parent has not asked how.
    return fields[0] === "Z" ? null : `${boot} ${fields[19]}`;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return null;
  }
}
