/**
 * Interrupts the system calls of a native target's workers while it replays (C5): stops each worker and lets it go on, again and again.
 *
 * The kernel answers EINTR to a wait that was stopped, whether or not the process has a handler. Only workers and their templates are stopped,
 * never their host: they are the processes below this one that have the library mapped and whose parents have it mapped too.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { ProgramBatch, Target, TraceBatch } from "../sim/target.js";
import { isSystemError } from "./system-error.js";

const PERIOD_MS = 20;

/** The target, interrupted. `library`: the path that its workers have mapped. Closing it closes `target`. */
export function interrupting(target: Target, library: string): Target {
  return {
    name: target.name,
    description: `${target.description}, interrupted`,
    runsWorlds: target.runsWorlds,
    readiness: target.readiness ?? "epoll",
    async replay(batch: ProgramBatch): Promise<TraceBatch> {
      const replayed = new AbortController();
      const interruptions = interruptUntil(replayed.signal, library);
      try {
        return await target.replay(batch);
      } finally {
        replayed.abort();
        await interruptions;
      }
    },
    close: () => target.close(),
  };
}

async function interruptUntil(signal: AbortSignal, library: string): Promise<void> {
  while (!signal.aborted) {
    await delay(PERIOD_MS);
    if (signal.aborted) return;
    for (const pid of workersWith(library)) {
      signalQuietly(pid, "SIGSTOP");
      signalQuietly(pid, "SIGCONT");
    }
  }
}

/** A worker may end at any time. */
function signalQuietly(pid: number, signal: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

function workersWith(library: string): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    const parent = /^\d+$/.test(entry) ? parentOf(entry) : undefined;
    if (parent !== undefined) parents.set(Number(entry), parent);
  }
  const isMine = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
      if (at === process.pid) return true;
    }
    return false;
  };
  const holders = new Set([...parents.keys()].filter((pid) => isMine(pid) && hasMapped(pid, library)));
  return [...holders].filter((pid) => holders.has(parents.get(pid)!));
}

/** Undefined for a process that has ended meanwhile. The name of a program may hold anything, so fields are counted from its end. */
function parentOf(pid: string): number | undefined {
  const status = readQuietly(`/proc/${pid}/stat`);
  return status === undefined ? undefined : Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]);
}

function hasMapped(pid: number, library: string): boolean {
  return pid !== process.pid && (readQuietly(`/proc/${pid}/maps`)?.includes(library) ?? false);
}

function readQuietly(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return undefined;
  }
}
