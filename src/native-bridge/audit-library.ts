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

/** @throws TargetError `invalid` for a file that is no shared library. */
export async function auditLibrary(path: string): Promise<LibraryAudit> {
  const architecture = await inspectLibrary(path);
  const elf = new ElfFile(await readFile(path));
  const symbols = elf.symbols();
  const undefinedNames = elf
    .dynamicSymbols()
    .filter(({ name, isDefined, isWeak }) => !isDefined && !isWeak && name.startsWith("sched_"))
    .map(({ name }) => name);
  const absent = SWITCH_SYMBOLS.filter(
    (name) => !symbols.some((symbol) => symbol.name === name && symbol.isDefined),
  );
  const missing = [...new Set([...undefinedNames, ...absent])].map((name) => `${name} is not defined`);
  const found = symbols.find(({ name, isDefined }) => name === "sched_switch" && isDefined);
  const isDecoded = architecture === "aarch64" && found !== undefined;
  const lost = isDecoded ? switchFaults(readSwitch(elf.bytesOf(found))) : [];
  const registers = isDecoded
    ? `; ${AARCH64_CALLEE_SAVED.length} registers saved and restored, d8-d15 among them`
    : "";
  return { path, missing, lost, sound: `${SWITCH_SYMBOLS.join(", ")} are defined${registers}` };
}
