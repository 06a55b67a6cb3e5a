/**
 * `lockstep corpus add`, `list`, `accept` and `prune`: what is kept, and why.
 *
 * The recorded trace of an entry is always the model's. `accept` is the one way to change it, and shows what changes. Files are written
 * atomically; nothing is removed but by `prune`, which keeps one entry of each signature and each program.
 */
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { divergenceLines } from "../report/divergence-text.js";
import type { LoadedEntry } from "../sim/corpus-entry.js";
import { diffTraces, sameWords } from "../sim/diff.js";
import { encodeProgram } from "../sim/encode-program.js";
import { opCountOf } from "../sim/shrink/program-edits.js";
import { outcomeLine } from "../sim/trace-text.js";
import { corpusEntryOf, recordedOnModel, wordsOnModel } from "../testing/corpus-entry-of.js";
import { entryFiles, readEntry, writeCorpusEntry } from "../testing/corpus-folder.js";
import { fileComplaint } from "../testing/text-file.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, worse } from "./exit-status.js";
import { loadPrograms } from "./load-programs.js";

/** An entry is a file of the corpus, never of another folder, and no hidden one. */
const ENTRY_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/;

export interface CorpusFolderOptions {
  readonly corpus: string;
}

/** An entry of a folder that could be read. */
interface KeptEntry {
  readonly name: string;
  readonly path: string;
  readonly loaded: LoadedEntry;
}

export async function corpusAddCommand(
  files: readonly string[],
  options: CorpusFolderOptions & { readonly reason: string; readonly name?: string },
  { terminal }: CommandContext,
): Promise<ExitStatus> {
  const existing = await entryFiles(options.corpus);
  if (!existing.ok) {
    terminal.complain(existing.complaint);
    return ExitStatus.badInput;
  }
  if (options.name !== undefined && !ENTRY_NAME.test(options.name)) {
    terminal.complain(
      `--name ${options.name}: expected letters, digits, dots, dashes and underscores, the first no dot or dash`,
    );
    return ExitStatus.badInput;
  }
  if (!/^[^\p{Cc}]*\S[^\p{Cc}]*$/u.test(options.reason)) {
    terminal.complain("--reason: expected one line that says what the entry guards");
    return ExitStatus.badInput;
  }
  const taken = new Set(existing.value);
  let status: ExitStatus = ExitStatus.agreement;
  const refuse = (line: string): void => {
    terminal.complain(line);
    status = worse(status, ExitStatus.badInput);
  };
  for await (const loaded of loadPrograms(files)) {
    if (!loaded.ok) {
      refuse(loaded.complaint);
      continue;
    }
    const { program, source, seed } = loaded.value;
    const name = options.name ?? entryNameFor(seed ?? source);
    const file = `${name}.json`;
    if (taken.has(file)) {
      refuse(`${source}: the corpus has an entry ${name}: name this one with --name`);
      continue;
    }
    taken.add(file);
    try {
      const path = join(options.corpus, file);
      await writeCorpusEntry(path, corpusEntryOf(program, options.reason));
      terminal.print(`added ${path}`);
    } catch (error) {
      refuse(`${join(options.corpus, file)}: ${fileComplaint(error)}`);
    }
  }
  return status;
}

export async function corpusListCommand(
  options: CorpusFolderOptions & { readonly format: "text" | "jsonl" },
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal } = context;
  const [entries, status] = await readAll(options.corpus, context);
  for (const { name, loaded } of entries) {
    const { reason, program, outcome, provenance } = loaded.entry;
    if (options.format === "jsonl") {
      const { title } = program;
      terminal.print(
        JSON.stringify({ entry: name, title, reason, ops: opCountOf(program), outcome, provenance }),
      );
    } else {
      terminal.print(`${terminal.paint("bold", name)}: ${reason}`);
      const from =
        provenance === undefined
          ? ""
          : `, found by ${provenance.seed} on ${provenance.date} (version ${provenance.version})`;
      terminal.print(terminal.paint("dim", `  ${opCountOf(program)} ops, ${outcomeLine(outcome)}${from}`));
    }
  }
  return status;
}

/** Records entries anew from the model, all of them where none is named. */
export async function corpusAcceptCommand(
  names: readonly string[],
  options: CorpusFolderOptions,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal } = context;
  const [entries, readStatus] = await readAll(options.corpus, context);
  let status = readStatus;
  const wanted = new Set(names.map((name) => basename(name, ".json")));
  for (const name of wanted) {
    if (entries.some((entry) => entry.name === name)) continue;
    terminal.complain(`${options.corpus}: there is no readable entry ${name}`);
    status = worse(status, ExitStatus.badInput);
  }
  let changed = 0;
  for (const { name, path, loaded } of entries) {
    if (wanted.size > 0 && !wanted.has(name)) continue;
    const { program } = loaded.entry;
    const words = wordsOnModel(program);
    if (sameWords(words, loaded.recorded)) continue;
    changed++;
    const divergence = diffTraces(
      program,
      { on: "recorded", words: loaded.recorded },
      { on: "model", words },
    )!;
    terminal.print(`${terminal.paint("yellow", "accepted")} ${name}`);
    const report = { paint: terminal.paint, columns: terminal.columns - 2, showsProgram: false };
    for (const line of divergenceLines(program, divergence, report)) terminal.print(`  ${line}`);
    try {
      await writeCorpusEntry(path, recordedOnModel(loaded.entry));
    } catch (error) {
      terminal.complain(`${path}: ${fileComplaint(error)}`);
      status = worse(status, ExitStatus.badInput);
    }
  }
  terminal.print(`${changed} entries recorded anew`);
  return status;
}

/** Keeps, of the entries with one signature or one program, the smallest; of equal ones, the first by name. */
export async function corpusPruneCommand(
  options: CorpusFolderOptions & { readonly dryRun?: boolean },
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal } = context;
  const [entries, readStatus] = await readAll(options.corpus, context);
  let status = readStatus;
  const kept = new Map<string, KeptEntry>();
  const bySize = [...entries].sort(
    (a, b) => opCountOf(a.loaded.entry.program) - opCountOf(b.loaded.entry.program),
  );
  let removed = 0;
  for (const entry of bySize) {
    const { provenance, program } = entry.loaded.entry;
    const key = provenance?.signature ?? `program ${encodeProgram(program).join()}`;
    const twin = kept.get(key);
    if (twin === undefined) {
      kept.set(key, entry);
      continue;
    }
    removed++;
    terminal.print(
      `${options.dryRun === true ? "would remove" : "removed"} ${entry.name}: the same as ${twin.name}`,
    );
    if (options.dryRun === true) continue;
    try {
      await rm(entry.path);
    } catch (error) {
      terminal.complain(`${entry.path}: ${fileComplaint(error)}`);
      status = worse(status, ExitStatus.badInput);
    }
  }
  terminal.print(
    `${removed} of ${entries.length} entries ${options.dryRun === true ? "would go" : "removed"}`,
  );
  return status;
}

/** Every entry that can be read, by name; complains about the others. */
async function readAll(folder: string, { terminal }: CommandContext): Promise<[KeptEntry[], ExitStatus]> {
  const files = await entryFiles(folder);
  if (!files.ok) {
    terminal.complain(files.complaint);
    return [[], ExitStatus.badInput];
  }
  let status: ExitStatus = ExitStatus.agreement;
  const entries: KeptEntry[] = [];
  for (const file of files.value) {
    const found = await readEntry(folder, file);
    if (found.ok) {
      entries.push(found);
    } else {
      terminal.complain(found.complaint);
      status = worse(status, ExitStatus.badInput);
    }
  }
  return [entries, status];
}

/** A file's name without its folder and ending, or a seed, as the name of an entry. */
function entryNameFor(source: string): string {
  return basename(source.replace(/^-(?::|$)/, "stdin-"))
    .replace(/\.jsonl?(?=:|$)/, "")
    .replace(/[^A-Za-z0-9_.-]+/g, "-");
}
