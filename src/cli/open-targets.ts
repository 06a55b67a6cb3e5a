/**
 * Opens the targets that `--on` names, and closes them whatever happens.
 *
 * Invariant: a target that was opened is closed before the command ends, on SIGINT and SIGTERM too, so that no process is left behind
 * (SPEC section 6).
 */
import { type Logger, openNativeTarget } from "../native-bridge/targets.js";
import { ModelTarget } from "../sim/model-target.js";
import { type Target, TargetError } from "../sim/target.js";
import { ExitStatus } from "./exit-status.js";

export interface TargetSettings {
  readonly timeLimitMs: number;
  readonly memoryLimitMiB: number;
  readonly logger?: Logger;
}

/** A target that could not be opened: the line to complain with, and what it makes of the exit status. */
export interface ClosedTarget {
  readonly name: string;
  readonly complaint: string;
  readonly status: ExitStatus;
}

const open = new Set<Target>();

/** The names in `--on A,B`: in order, each once. */
export function targetNames(list: string): string[] {
  return [
    ...new Set(
      list
        .split(",")
        .map((name) => name.trim())
        .filter((name) => name !== ""),
    ),
  ];
}

/** Opens one target, or says why not. */
export async function openTarget(name: string, settings: TargetSettings): Promise<Target | ClosedTarget> {
  try {
    const target = name === "model" ? new ModelTarget() : await openNativeTarget(name, settings);
    open.add(target);
    return target;
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    const status = error.reason === "invalid" ? ExitStatus.badInput : ExitStatus.unavailable;
    // A message about a library names its path already.
    const complaint = error.message.includes(name) ? error.message : `${name}: ${error.message}`;
    return { name, complaint, status };
  }
}

export function isOpen(target: Target | ClosedTarget): target is Target {
  return "replay" in target;
}

/** Closes every open target. Idempotent. */
export async function closeTargets(): Promise<void> {
  const targets = [...open];
  open.clear();
  await Promise.all(targets.map((target) => target.close()));
}
