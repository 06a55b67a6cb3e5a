/**
 * Audits a build of our runtime without running it: are the functions of the switch in it (the port's Bug B), and does the switch keep
 * every register that the ABI wants kept (X1, C1).
 *
 * Invariant: it reads the file and nothing else, so it serves for a library that cannot even be loaded, and for aarch64 on any machine.
 */
import { readFile } from "node:fs/promises";
import { type Readiness, TargetError } from "../sim/target.js";
import { AARCH64_CALLEE_SAVED, readSwitch, switchFaults } from "./aarch64-switch.js";
import type { Architecture } from "./architecture.js";
import { findBuilt } from "./build-native.js";
import { ElfFile } from "./elf.js";
import { inspectLibrary } from "./library.js";
import { isMachO, MachOFile } from "./mach-o.js";

export interface LibraryAudit {
  readonly path: string;
  /** Symbols of the scheduler that the library needs and nothing defines, one line each. */
  readonly missing: readonly string[];
  /** Registers that the switch loses, one line each; always empty on x86-64, whose switch is not decoded. */
  readonly lost: readonly string[];
  /** What was looked at and found right, for people. */
  readonly sound: string;
}

/**
 * The audit of our own runtime as it was last built here; undefined where it was not yet, or cannot be.
 *
 * @throws nothing: a machine without a compiler has nothing to audit.
 */
export async function auditBuilt(
  architecture: Architecture,
  readiness: Readiness = "epoll",
): Promise<LibraryAudit | undefined> {
  try {
    const path = await findBuilt("libsched.so", architecture, { readiness });
    return path === undefined ? undefined : await auditLibrary(path);
  } catch (error) {
    if (error instanceof TargetError) return undefined;
    throw error;
  }
}

/** What a fiber's first entry and every later switch go through. */
const SWITCH_SYMBOLS = ["sched_switch", "sched_trampoline", "sched_dispatch"] as const;

/** @throws TargetError `invalid` for a file that is no shared library, of Linux or of macOS on aarch64. */
export async function auditLibrary(path: string): Promise<LibraryAudit> {
  const file = await readFile(path);
  if (isMachO(file)) return auditMachO(path, new MachOFile(file));
  const architecture = await inspectLibrary(path);
  const elf = new ElfFile(file);
  const symbols = elf.symbols();
  return audit(path, {
    undefinedNames: elf
      .dynamicSymbols()
      .filter(({ isDefined, isWeak }) => !isDefined && !isWeak)
      .map(({ name }) => name),
    definedNames: symbols.filter(({ isDefined }) => isDefined).map(({ name }) => name),
    prefix: "",
    bytesOfSwitch: () => {
      const found = symbols.find(({ name, isDefined }) => name === "sched_switch" && isDefined);
      return architecture === "aarch64" && found !== undefined ? elf.bytesOf(found) : undefined;
    },
  });
}

function auditMachO(path: string, file: MachOFile): LibraryAudit {
  if (!file.isArm64) throw new TargetError("invalid", `${path} is a library of macOS, and not for aarch64`);
  const symbols = file.symbols();
  return audit(path, {
    undefinedNames: symbols.filter(({ isDefined, isWeak }) => !isDefined && !isWeak).map(({ name }) => name),
    definedNames: symbols.filter(({ isDefined }) => isDefined).map(({ name }) => name),
    prefix: "_",
    bytesOfSwitch: () => {
      const found = symbols.find(({ name, isDefined }) => name === "_sched_switch" && isDefined);
      return found === undefined ? undefined : file.bytesOf(found);
    },
  });
}

/** What an audit asks of a file, whatever its format. */
interface Audited {
  /** What must come from elsewhere. */
  readonly undefinedNames: readonly string[];
  readonly definedNames: readonly string[];
  /** What the C compiler puts before each name. */
  readonly prefix: string;
  /** The instructions of the switch, where they can be decoded. */
  bytesOfSwitch(): Buffer | undefined;
}

function audit(path: string, { undefinedNames, definedNames, prefix, bytesOfSwitch }: Audited): LibraryAudit {
  const wanted = SWITCH_SYMBOLS.map((name) => prefix + name);
  const defined = new Set(definedNames);
  const undefinedOurs = undefinedNames.filter((name) => name.startsWith(`${prefix}sched_`));
  const absent = wanted.filter((name) => !defined.has(name));
  const missing = [...new Set([...undefinedOurs, ...absent])].map((name) => `${name} is not defined`);
  const code = bytesOfSwitch();
  const lost = code === undefined ? [] : switchFaults(readSwitch(code));
  const registers =
    code === undefined
      ? ""
      : `; ${AARCH64_CALLEE_SAVED.length} registers saved and restored, d8-d15 among them`;
  return { path, missing, lost, sound: `${wanted.join(", ")} are defined${registers}` };
}
