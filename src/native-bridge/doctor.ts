/**
 * What each native target needs, what of it this machine has, and the command that installs the rest.
 *
 * Invariant: nothing is built, installed or changed by asking, and every requirement that is missing names one command. Data only;
 * `lockstep doctor` prints it, and the set-up script decides by it.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { TargetError } from "../sim/target.js";
import { type Architecture, machineArchitecture } from "./architecture.js";
import { auditBuilt, type LibraryAudit } from "./audit-library.js";
import { compilerInstallCommand, findCompiler } from "./compiler.js";
import {
  ARM64_NODE_INSTALL_COMMAND,
  BUILD_COMMAND,
  emulatedServerPath,
  ffiVersion,
  findArm64Node,
  findQemu,
  findSysroot,
  QEMU_INSTALL_COMMAND,
  SYSROOT_INSTALL_COMMAND,
} from "./emulator.js";
import { loadFfi } from "./ffi.js";
import { findKqueueSystem, type KqueueSystem } from "./kqueue-system.js";
import { runProgram } from "./run-program.js";
import { isSystemError } from "./system-error.js";

export type RequirementId =
  | "machine"
  | "compiler"
  | "ffi-rs"
  | "qemu"
  | "sysroot"
  | "arm64-node"
  | "dist"
  | "kqueue";

/** One thing that a target needs. `what` names it for people; `install` is one command. */
export type Requirement = { readonly id: RequirementId; readonly what: string } & (
  | { readonly state: "found"; readonly path: string; readonly version: string }
  | { readonly state: "missing"; readonly why: string; readonly install: string }
);

export interface TargetDescription {
  readonly name: "native" | "aarch64" | "kqueue";
  /** For people: where its code runs, e.g. `aarch64 under qemu-user`. */
  readonly runsOn: string;
  /** Whether everything it needs is there. */
  readonly canRun: boolean;
  readonly requirements: readonly Requirement[];
  /** What an audit of our runtime says, as it was last built for this target; null where it is not built yet. */
  readonly audit: LibraryAudit | null;
}

/** On a machine for which there is no native target at all, each description has one requirement that nothing installs. */
export async function describeTargets(): Promise<readonly TargetDescription[]> {
  let machine: Architecture;
  try {
    machine = machineArchitecture();
  } catch (error) {
    const requirement = missing({ id: "machine", what: "machine" }, error, "none: use another machine");
    return (["native", "aarch64", "kqueue"] as const).map((name) =>
      describe(name, "no machine of this kind", [requirement], null),
    );
  }
  const native = [await compilerRequirement(machine), ffiRequirement()];
  const audit = (await auditBuilt(machine)) ?? null;
  const system = findKqueueSystem();
  const kqueue = describe(
    "kqueue",
    `${machine}, over ${system.name}`,
    [...native, kqueueRequirement(system)],
    (await auditBuilt(machine, "kqueue")) ?? null,
  );
  if (machine === "aarch64") {
    return [
      describe("native", machine, native, audit),
      describe("aarch64", "this machine", native, audit),
      kqueue,
    ];
  }
  const emulated = [
    await compilerRequirement("aarch64"),
    await qemuRequirement(),
    sysrootRequirement(),
    arm64NodeRequirement(),
    distRequirement(),
  ];
  const emulatedAudit = (await auditBuilt("aarch64")) ?? null;
  return [
    describe("native", machine, native, audit),
    describe("aarch64", "aarch64 under qemu-user", emulated, emulatedAudit),
    kqueue,
  ];
}

function describe(
  name: TargetDescription["name"],
  runsOn: string,
  requirements: readonly Requirement[],
  audit: LibraryAudit | null,
): TargetDescription {
  return { name, runsOn, canRun: requirements.every(({ state }) => state === "found"), requirements, audit };
}

async function compilerRequirement(architecture: Architecture): Promise<Requirement> {
  const name = { id: "compiler", what: `C compiler for ${architecture}` } as const;
  try {
    const { path, version } = await findCompiler(architecture);
    return { ...name, state: "found", path, version };
  } catch (error) {
    return missing(name, error, compilerInstallCommand(architecture));
  }
}

function ffiRequirement(): Requirement {
  const name = { id: "ffi-rs", what: "ffi-rs with its binary" } as const;
  try {
    loadFfi();
    const path = createRequire(import.meta.url).resolve("ffi-rs");
    return { ...name, state: "found", path, version: ffiVersion() };
  } catch (error) {
    return missing(name, error, "npm ci");
  }
}

/** Never missing: what stands in for libkqueue is our own. */
function kqueueRequirement({ name, header }: KqueueSystem): Requirement {
  return {
    id: "kqueue",
    what: "kqueue(2) in user space",
    state: "found",
    path: header,
    version: `(${name})`,
  };
}

async function qemuRequirement(): Promise<Requirement> {
  const name = { id: "qemu", what: "qemu-user for aarch64" } as const;
  const path = findQemu();
  if (path === undefined) return missing(name, "qemu-aarch64 is not on the PATH", QEMU_INSTALL_COMMAND);
  try {
    const { stdout } = await runProgram(path, ["--version"]);
    return { ...name, state: "found", path, version: stdout.split("\n", 1)[0] ?? "" };
  } catch (error) {
    return missing(name, error, QEMU_INSTALL_COMMAND);
  }
}

function sysrootRequirement(): Requirement {
  const name = { id: "sysroot", what: "C and C++ libraries of aarch64" } as const;
  const path = findSysroot();
  if (path === undefined) return missing(name, "not both are there", SYSROOT_INSTALL_COMMAND);
  return { ...name, state: "found", path, version: "" };
}

function arm64NodeRequirement(): Requirement {
  const name = { id: "arm64-node", what: "arm64 Node with ffi-rs" } as const;
  try {
    const node = findArm64Node();
    if (node === undefined) return missing(name, "not in the cache folder", ARM64_NODE_INSTALL_COMMAND);
    return {
      ...name,
      state: "found",
      path: node.path,
      version: `Node ${node.version}, ffi-rs ${node.ffiVersion}`,
    };
  } catch (error) {
    return missing(name, error, "npm ci");
  }
}

function distRequirement(): Requirement {
  const name = { id: "dist", what: "compiled Lockstep" } as const;
  const path = emulatedServerPath();
  if (!existsSync(path)) return missing(name, `${path} is not there`, BUILD_COMMAND);
  return { ...name, state: "found", path, version: "" };
}

function missing(
  name: { readonly id: RequirementId; readonly what: string },
  why: unknown,
  install: string,
): Requirement {
  if (why instanceof Error && !isAbsence(why)) throw why;
  return { ...name, state: "missing", why: why instanceof Error ? why.message : String(why), install };
}

/** A target that cannot be, a file or a module that is not there, a program that does not run; anything else is a fault of ours. */
function isAbsence(error: Error): boolean {
  if (error instanceof TargetError || isSystemError(error) || "stderr" in error) return true;
  return "code" in error && error.code === "MODULE_NOT_FOUND";
}
