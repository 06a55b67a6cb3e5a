/**
 * Opens a target by the name that the user gives it (SPEC section 6): `model`, a native one, or the path of a library.
 *
 * Invariant: the caller closes what it has opened, so that no process is left behind.
 */
import type { TargetOptions } from "../native-bridge/targets.js";
import { ModelTarget } from "../sim/model-target.js";
import type { Target } from "../sim/target.js";

/**
 * A target: `model`, the TypeScript model in this process; `native`, the native scheduler of this machine's architecture; `aarch64`, the
 * same for aarch64, under qemu-user where the machine is not one; or the path of a shared library that exports `lockstep_runtime_v1`.
 *
 * ```ts
 * const native = await openTarget("native");
 * console.log(native.name); // native
 * await native.close();
 * ```
 *
 * @throws TargetError `unavailable` when this machine cannot run the target, with what to install; `invalid` when `name` is the path of
 * something that is no runtime.
 */
export async function openTarget(name: string, options: TargetOptions = {}): Promise<Target> {
  if (name === "model") return new ModelTarget();
  // Loaded only where a native target is wanted: it is more than the model and all else together.
  return (await import("../native-bridge/targets.js")).openNativeTarget(name, options);
}
