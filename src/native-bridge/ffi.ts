/**
 * Loads ffi-rs when it is first needed, and says so plainly when it cannot be.
 *
 * Loading is late because its binary is optional: the model runs on machines for which ffi-rs has none. Where it is loaded from can
 * be told by `$LOCKSTEP_FFI_RS_FROM`, a folder that has it in its node_modules: the emulated process is an arm64 Node, for which
 * the binary beside this package is the wrong one.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { TargetError } from "../sim/target.js";

export type Ffi = typeof import("ffi-rs");

let loaded: Ffi | undefined;
const opened = new Set<string>();

/** @throws TargetError `unavailable` when ffi-rs has no binary for this machine. */
export function loadFfi(): Ffi {
  if (loaded !== undefined) return loaded;
  const folder = process.env.LOCKSTEP_FFI_RS_FROM;
  const require = createRequire(folder ? join(folder, "package.json") : import.meta.url);
  try {
    loaded = require("ffi-rs") as Ffi;
    return loaded;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    throw new TargetError("unavailable", `ffi-rs does not load: ${reason}; run: npm ci`);
  }
}

/**
 * Opens a shared library once a process; its path is its name in ffi-rs' calls. It stays open: a call may be under way on another
 * thread, and an artefact's path never changes its content.
 *
 * @throws TargetError `unavailable` with the dynamic linker's reason.
 */
export function openLibrary(path: string): void {
  if (opened.has(path)) return;
  try {
    loadFfi().open({ library: path, path });
  } catch (error) {
    if (error instanceof TargetError) throw error;
    throw new TargetError(
      "unavailable",
      `${path} does not load: ${error instanceof Error ? error.message : error}`,
    );
  }
  opened.add(path);
}
