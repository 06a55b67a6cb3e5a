/**
 * Opens a native target by the name that the user gives it: `native`, `aarch64`, `kqueue` (this machine's, on the other readiness queue),
 * or the path of a shared library (SPEC section 6), after `kqueue:` where it waits by kqueue; and `native+DEFECT`, `aarch64+DEFECT` or `kqueue+DEFECT`, our runtime with one of the
 * defects of `defects.ts`.
 *
 * Invariant: the name alone, with the ELF header where it is a path, decides which kind of target answers. `model` is not opened
 * here: nothing native stands behind it. What only some names need (the emulator, the table of defects) is loaded for those.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Readiness, type Target, TargetError } from "../sim/target.js";
import { type Architecture, machineArchitecture } from "./architecture.js";
import { DurableTarget } from "./durable-target.js";
import { inspectLibrary } from "./library.js";
import { openNative } from "./native.js";
import { didYouMean } from "./nearest-name.js";
import type { TargetOptions } from "./target-options.js";

export type { Logger, TargetOptions } from "./target-options.js";

const TARGET_NAMES = ["model", "native", "aarch64", "kqueue"];

/**
 * The caller closes what it has opened.
 *
 * @throws TargetError `unavailable` when this machine cannot run the target, with what to install; `invalid` when `name` is the path
 * of something that is no runtime.
 */
export async function openNativeTarget(name: string, options: TargetOptions = {}): Promise<Target> {
  return DurableTarget.open(() => openOnce(name, options), options.onRestart);
}

async function openOnce(name: string, options: TargetOptions): Promise<Target> {
  const ours = /^(native|aarch64|kqueue)(?:\+(\w+))?$/.exec(name);
  if (ours !== null) {
    const machine = machineArchitecture();
    const architecture = ours[1] === "aarch64" ? "aarch64" : machine;
    const readiness = ours[1] === "kqueue" ? "kqueue" : "epoll";
    const runtime = ours[2] === undefined ? undefined : await defective(ours[2], architecture, readiness);
    return architecture === machine
      ? openNative(name, runtime, options, readiness)
      : (await import("./emulated.js")).openEmulated(name, runtime, options);
  }
  // A library of the user's that waits by kqueue, and is held to its order.
  const onKqueue = /^kqueue:(.+)$/.exec(name)?.[1];
  const word = onKqueue ?? name;
  const path = resolve(word);
  if (!word.includes("/") && !existsSync(path))
    throw new TargetError(
      "invalid",
      `${name} is no target and no file: targets are ${TARGET_NAMES.join(", ")} and paths of libraries${didYouMean(name, TARGET_NAMES)}`,
    );
  const architecture = await inspectLibrary(path);
  const machine = machineArchitecture();
  const readiness = onKqueue === undefined ? "epoll" : "kqueue";
  if (architecture === machine) return openNative(name, path, options, readiness);
  if (architecture === "aarch64")
    return (await import("./emulated.js")).openEmulated(name, path, options, readiness);
  throw new TargetError(
    "invalid",
    `${path} is for ${architecture}, which this ${machine} machine cannot run`,
  );
}

async function defective(name: string, architecture: Architecture, readiness: Readiness): Promise<string> {
  const { buildDefective, DEFECTS, findDefect } = await import("./defects.js");
  const defect = findDefect(name);
  if (defect === undefined) {
    const names = DEFECTS.map((one) => one.name);
    throw new TargetError(
      "invalid",
      `${name} is no defect; lockstep mutants --list names them${didYouMean(name, names)}`,
    );
  }
  return buildDefective(defect, architecture, readiness);
}
