/**
 * The program that a word on the command line stands for: a file, a run of a campaign (`S:i`), or an entry of the corpus by its name.
 *
 * Tried in that order, so that a file is always what it says.
 */
import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import { parseRunSeed } from "../sim/generate/run-seed.js";
import type { Program } from "../sim/program.js";
import { programOfRun } from "../testing/investigate.js";
import { fileComplaint } from "../testing/text-file.js";
import { loadPrograms } from "./load-programs.js";

export interface FoundProgram {
  readonly program: Program;
  /** For people: the title, else the word. */
  readonly title: string;
  /** What a file about it may be called, without an extension. */
  readonly fileName: string;
}

export type Found =
  | { readonly ok: true; readonly value: FoundProgram }
  | { readonly ok: false; readonly complaint: string };

export async function findProgram(
  word: string,
  corpus: string,
  constraints: GeneratorConstraints,
): Promise<Found> {
  let isFile = word === "-";
  try {
    isFile ||= statSync(word, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES")
      return { ok: false, complaint: `${word}: ${fileComplaint(error)}` };
  }
  if (!isFile && parseRunSeed(word) !== undefined) {
    const fileName = word.replace(/[^A-Za-z0-9._-]+/g, "-");
    return { ok: true, value: { program: programOfRun(word, constraints), title: `run ${word}`, fileName } };
  }
  const entry = join(corpus, `${word}.json`);
  if (!isFile && !existsSync(entry)) {
    const complaint = `${word}: is no file, no run (SEED:INDEX, INDEX from 0 to ${Number.MAX_SAFE_INTEGER}) and no entry of ${corpus}`;
    return { ok: false, complaint };
  }
  const path = isFile ? word : entry;
  for await (const loaded of loadPrograms([path])) {
    if (!loaded.ok) return loaded;
    const { program } = loaded.value;
    const fileName = path === "-" ? "program" : basename(path).replace(/\.json$/, "");
    return { ok: true, value: { program, title: program.title ?? fileName, fileName } };
  }
  return { ok: false, complaint: `${path}: holds no program` };
}
