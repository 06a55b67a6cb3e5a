/**
 * Paths inside this package, wherever it is installed.
 *
 * Invariant: this file lies two folders below the package's root both as source (src/native-bridge/, under vitest) and compiled
 * (dist/native-bridge/), so the same relative step finds the root in both.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The absolute path of a file or folder of the package, e.g. `packagePath("include", "lockstep.h")`. */
export function packagePath(...parts: readonly string[]): string {
  return join(ROOT, ...parts);
}
