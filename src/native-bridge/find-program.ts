/**
 * Finds a program on the PATH, as a shell would, without starting one.
 *
 * Invariant: the path returned is absolute and executable by this user at the time of asking.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { isSystemError } from "./system-error.js";

/** `name`: a bare name, looked up on the PATH, or a path. Returns undefined where there is no such program. */
export function findProgram(name: string): string | undefined {
  if (name.includes("/")) {
    const path = resolve(name);
    return isExecutableFile(path) ? path : undefined;
  }
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    // A relative entry would make the answer depend on the working directory.
    if (!isAbsolute(folder)) continue;
    const path = join(folder, name);
    if (isExecutableFile(path)) return path;
  }
  return undefined;
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return false;
  }
}
