/**
 * A corpus on disk: a folder of entries, one JSON file each.
 *
 * Entries are read in the order of their names by code point, never in the order that the file system gives. A file is written whole
 * under another name and then renamed, so that an interruption leaves the old one or the new one.
 */
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type CorpusEntry,
  formatCorpusEntry,
  type LoadedEntry,
  readCorpusEntry,
} from "../sim/corpus-entry.js";
import { isObject } from "../sim/is-object.js";
import { parseJson } from "../sim/parse-program.js";
import { problemLine } from "../sim/problem.js";
import { fileComplaint, readTextFile } from "./text-file.js";

/** An entry by its file's name without `.json`, or the line to complain with. */
export type FoundEntry = {
  readonly name: string;
  readonly path: string;
  /** The run that found it, where it says so; also of an entry that is stale. */
  readonly foundBy: string | undefined;
} & (
  | { readonly ok: true; readonly loaded: LoadedEntry }
  | {
      readonly ok: false;
      readonly complaint: string;
      /** False when the file cannot be read or is no JSON: whose entry it is nobody can say. */
      readonly isJson: boolean;
    }
);

/** The names of the entry files in a folder, sorted; or what is wrong with the folder. */
export async function entryFiles(
  folder: string,
): Promise<
  | { readonly ok: true; readonly value: readonly string[] }
  | { readonly ok: false; readonly complaint: string }
> {
  try {
    const files = (await readdir(folder)).filter((file) => file.endsWith(".json"));
    files.sort((a, b) => (a < b ? -1 : 1));
    return { ok: true, value: files };
  } catch (error) {
    const complaint =
      (error as NodeJS.ErrnoException).code === "ENOTDIR"
        ? "is not a folder"
        : fileComplaint(error, "folder");
    return { ok: false, complaint: `${folder}: ${complaint}` };
  }
}

export async function readEntry(folder: string, file: string): Promise<FoundEntry> {
  const path = join(folder, file);
  const name = file.replace(/\.json$/, "");
  const unknown = { ok: false, name, path, foundBy: undefined, isJson: false } as const;
  const text = await readTextFile(path);
  if (!text.ok) return { ...unknown, complaint: `${path}: ${text.complaint}` };
  const json = parseJson(text.value);
  if (!json.ok) return { ...unknown, complaint: `${path}: ${problemLine(json.problem)}` };
  const foundBy = foundByOf(json.value);
  const loaded = readCorpusEntry(json.value);
  if (loaded.ok) return { ok: true, name, path, foundBy, loaded: loaded.value };
  return {
    ok: false,
    name,
    path,
    foundBy,
    isJson: true,
    complaint: `${path}: ${problemLine(loaded.problem)}`,
  };
}

function foundByOf(entry: unknown): string | undefined {
  const provenance = isObject(entry) ? entry.provenance : undefined;
  const seed = isObject(provenance) ? provenance.seed : undefined;
  return typeof seed === "string" ? seed : undefined;
}

/**
 * Writes an entry's file, atomically: `path` ends in `.json`, and its folder is there.
 *
 * @throws the error of the file system, and leaves no part of the file.
 */
export async function writeCorpusEntry(path: string, entry: CorpusEntry): Promise<void> {
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(unfinished, formatCorpusEntry(entry));
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
