/**
 * Opens a native target by the name that the user gives it: `native`, `aarch64`, or the path of a shared library (SPEC section 6).
 *
 * Invariant: the name alone, with the ELF header where it is a path, decides which kind of target answers. `model` is not opened
 * here: nothing native stands behind it.
 */
import { resolve } from "node:path";
import { type Target, TargetError } from "../sim/target.js";
import { machineArchitecture } from "./architecture.js";
import { DurableTarget } from "./durable-target.js";
import { openEmulated } from "./emulated.js";
import { inspectLibrary } from "./library.js";
import { openNative } from "./native.js";
import type { TargetOptions } from "./target-options.js";

export type { Logger, TargetOptions } from "./target-options.js";

/**
 * The caller closes what it has opened.
 *
 * @throws TargetError `unavailable` when this machine cannot run the target, with what to install; `invalid` when `name` is the path
 * of something that is no runtime.
 */
export async function openNativeTarget(name: string, options: TargetOptions = {}): Promise<Target> {
  return DurableTarget.open(() => openOnce(name, options));
}

async function openOnce(name: string, options: TargetOptions): Promise<Target> {
  if (name === "native") return openNative(name, undefined, options);
  if (name === "aarch64") {
    const isNative = machineArchitecture() === "aarch64";
    return isNative ? openNative(name, undefined, options) : openEmulated(name, undefined, options);
  }
  const path = resolve(name);
  const architecture = await inspectLibrary(path);
  const machine = machineArchitecture();
  if (architecture === machine) return openNative(name, path, options);
  if (architecture === "aarch64") return openEmulated(name, path, options);
  throw new TargetError(
    "invalid",
    `${path} is for ${architecture}, which this ${machine} machine cannot run`,
  );
}
