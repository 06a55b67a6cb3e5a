/**
 * Makes a folder and those above it.
 *
 * Node's own `recursive` never comes back where a file system answers that a folder is not there and cannot be made either, as /proc does;
 * here each folder is tried once.
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * `mode` is for the folders that are made; they are given back, the outermost first. Throws what the file system throws, ENOTDIR where a
 * file stands in the way.
 */
export function makeFolder(path: string, mode = 0o777): string[] {
  const missing: string[] = [];
  const made: string[] = [];
  for (let folder = resolve(path); statSync(folder, { throwIfNoEntry: false }) === undefined; ) {
    missing.push(folder);
    if (dirname(folder) === folder) break;
    folder = dirname(folder);
  }
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode });
      made.push(folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The folder above is there: a file system that answers so lets nobody make one.
      if (code === "ENOENT") throw Object.assign(error as Error, { code: "EPERM" });
      // Somebody else may have been quicker.
      if (code !== "EEXIST") throw error;
    }
  }
  if (!statSync(path).isDirectory())
    throw Object.assign(new Error("is not a folder"), { code: "ENOTDIR", path, syscall: "mkdir" });
  return made;
}
