/**
 * The architectures that Lockstep can build for and run, by the name the kernel gives them.
 *
 * Invariant: whatever depends on the architecture (compiler, assembly file, ELF machine number, how a target is run) is chosen by
 * these two names and by nothing else. SPEC section 6: a target runs on this machine's own architecture, or on aarch64 under
 * qemu-user.
 */
import { TargetError } from "../sim/target.js";

export type Architecture = "x86_64" | "aarch64";

/** `e_machine` of an ELF file (System V ABI, and its AArch64 supplement). */
export const ELF_MACHINE: Readonly<Record<Architecture, number>> = { x86_64: 62, aarch64: 183 };

/**
 * The architecture that this process runs on.
 *
 * @throws TargetError `unavailable` on another operating system than Linux, or on an architecture that has no assembly here.
 */
export function machineArchitecture(): Architecture {
  if (process.platform !== "linux") {
    throw new TargetError("unavailable", `native targets need Linux; this is ${process.platform}`);
  }
  switch (process.arch) {
    case "x64":
      return "x86_64";
    case "arm64":
      return "aarch64";
    default:
      throw new TargetError("unavailable", `native targets need x86_64 or aarch64; this is ${process.arch}`);
  }
}
