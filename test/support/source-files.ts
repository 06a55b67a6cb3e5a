/**
 * The package's own files: which there are, and their text.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { packagePath } from "../../src/native-bridge/package-path.js";

/** Paths from the package's root of the files in these folders, sorted. */
export function filesIn(folders: readonly string[], pattern: RegExp): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(packagePath(folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && pattern.test(entry.name))
        .map((entry) => relative(packagePath(), join(entry.parentPath, entry.name))),
    )
    .sort();
}

export function textOf(path: string): string {
  return readFileSync(packagePath(path), "utf8");
}
