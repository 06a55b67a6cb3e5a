/**
 * Opens the targets that `--on` names, and closes them whatever happens.
 *
 * Invariant: a target that was opened is closed before the command ends, on a signal too, so that no process is left behind (SPEC section 6);
 * what is compiled for it is stopped then, and that is no fault of the target's that anybody is told of.
 */
import { resolve } from "node:path";
import type { Logger } from "../native-bridge/targets.js";
import { type Target, TargetError } from "../sim/target.js";
import { openTarget as openByName } from "../testing/open-target.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, interruptedBy, worse } from "./exit-status.js";

export interface TargetSettings {
  readonly timeLimitMs: number;
  readonly memoryLimitMiB: number;
  readonly logger?: Logger;
  readonly onRestart?: () => void;
}

/** A target that could not be opened: the line to complain with, and what it makes of the exit status. */
export interface ClosedTarget {
  readonly name: string;
  readonly complaint: string;
  readonly status: ExitStatus;
}

const open = new Set<Target>();
/** Only a native target is built: without one it is not even loaded how. */
let builds: Promise<typeof import("../native-bridge/running-builds.js")> | undefined;

/** The names in `--on A,B`, in order. */
export function targetNames(list: string): string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** Opens one target, or says why not. What is compiled for it is stopped by `closeTargets`. */
export async function openTarget(name: string, settings: TargetSettings): Promise<Target | ClosedTarget> {
  if (name !== "model") {
    builds ??= import("../native-bridge/running-builds.js");
    (await builds).takeOnBuilds();
  }
  try {
    const target = await openByName(name, settings);
    open.add(target);
    return target;
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    const status = error.reason === "invalid" ? ExitStatus.badInput : ExitStatus.unavailable;
    // A message about a library names its path already.
    const names = [name, resolve(name.replace(/^kqueue:/, ""))];
    const isNamed = names.some((each) => error.message.includes(each));
    const complaint = isNamed ? error.message : `${name}: ${error.message}`;
    return { name, complaint, status };
  }
}

export function isOpen(target: Target | ClosedTarget): target is Target {
  return "replay" in target;
}

/** The targets that a command asked for: those that could be opened, and the gravest of what kept the others from it. */
export interface OpenedTargets {
  readonly targets: readonly Target[];
  readonly status: ExitStatus;
  /** How long each took to open, in milliseconds. */
  readonly startsMs: ReadonlyMap<Target, number>;
}

/**
 * Opens several targets at the same time and complains about those that cannot be opened, in order. None may be named twice. A signal ends
 * what is compiled for them: there are no targets then, no complaints, and the status is that of the signal.
 */
export async function openTargets(
  names: readonly string[],
  settings: TargetSettings,
  { terminal, interruption: { signal } }: CommandContext,
): Promise<OpenedTargets> {
  let status: ExitStatus = ExitStatus.agreement;
  const startsMs = new Map<Target, number>();
  const interrupted = (): OpenedTargets => ({ targets: [], status: interruptedBy(signal), startsMs });
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    terminal.complain(
      `--on names ${twice} twice: targets are compared with others; with itself sim --canary compares each`,
    );
    return { targets: [], status: ExitStatus.badInput, startsMs };
  }
  if (signal.aborted) return interrupted();
  const stop = (): void => void stopBuilds();
  signal.addEventListener("abort", stop);
  const opened = await Promise.all(
    names.map(async (name) => {
      const startMs = performance.now();
      const target = await openTarget(name, settings);
      if (isOpen(target)) startsMs.set(target, performance.now() - startMs);
      return target;
    }),
  );
  signal.removeEventListener("abort", stop);
  if (signal.aborted) return interrupted();
  for (const target of opened) {
    if (isOpen(target)) continue;
    terminal.complain(target.complaint);
    status = worse(status, target.status);
  }
  return { targets: opened.filter(isOpen), status, startsMs };
}

/** Ends what is being built, and closes every open target. Idempotent. */
export async function closeTargets(): Promise<void> {
  const targets = [...open];
  open.clear();
  await Promise.all(targets.map((target) => target.close()));
  await stopBuilds();
}

async function stopBuilds(): Promise<void> {
  await (await builds)?.stopBuilds();
}

/** Closes one target before the command ends. */
export async function closeTarget(target: Target): Promise<void> {
  open.delete(target);
  await target.close();
}
