/**
 * The corpus of tests: where failures are saved, and which entries a test replays before its runs.
 *
 * An entry belongs to the test whose name is in the seed that found it, so each test replays its own; `lockstep corpus run` and
 * `replayCorpus` replay them all. Nothing is ever written inside node_modules.
 */
import { existsSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { parseRunSeed } from "../sim/generate/run-seed.js";
import type { Program } from "../sim/program.js";
import { entryFiles, readEntry } from "../testing/corpus-folder.js";
import type { ShrunkFailure } from "../testing/investigate.js";
import { type FailureOrigin, type Saved, saveFailure } from "../testing/save-failure.js";
import { isSeedOf } from "./test-seed.js";

/** Saves a failure, with a path from the current folder. */
export async function saveTestFailure(
  folder: string | false,
  shrunk: ShrunkFailure,
  origin: FailureOrigin,
): Promise<Saved> {
  if (folder === false) return { complaint: "corpus: false" };
  const path = resolve(folder);
  if (path.split(sep).includes("node_modules")) return { complaint: `${path} is inside node_modules` };
  const saved = await saveFailure(path, shrunk, origin);
  return "path" in saved ? { path: relative(process.cwd(), saved.path) } : saved;
}

export interface SavedProgram {
  /** The entry's file. */
  readonly path: string;
  readonly program: Program;
}

/**
 * The programs that were found by the test `name`, in the order of the files' names.
 *
 * @throws Error when the folder cannot be read, or an entry that is or may be the test's own cannot be used: what guards against a bug that
 * was found must not drop out unheard.
 */
export async function savedPrograms(folder: string | false, name: string): Promise<SavedProgram[]> {
  if (folder === false || !existsSync(folder)) return [];
  const files = await entryFiles(folder);
  if (!files.ok) throw new Error(files.complaint);
  const saved: SavedProgram[] = [];
  for (const file of files.value) {
    const found = await readEntry(folder, file);
    const run = parseRunSeed(found.foundBy ?? "");
    const isOwn = run !== undefined && isSeedOf(name, run.seed);
    if (found.ok) {
      if (isOwn) saved.push({ path: found.path, program: found.loaded.entry.program });
    } else if (isOwn || !found.isJson) throw new Error(found.complaint);
  }
  return saved;
}
