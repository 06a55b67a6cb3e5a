/**
 * `lockstep corpus add`, `list`, `accept` and `prune`: what is kept, and why.
 *
 * The recorded trace of an entry is always the model's. `accept` is the one way to change it, and shows what changes. Files are written
 * atomically; nothing is removed but by `prune`, which keeps one entry of each signature and each program.
 */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { makeFolder } from "../native-bridge/make-folder.js";
import { divergenceLines } from "../report/divergence-text.js";
import type { LoadedEntry } from "../sim/corpus-entry.js";
import { diffTraces, sameWords } from "../sim/diff.js";
import { encodeProgram } from "../sim/encode-program.js";
import { opCountOf } from "../sim/shrink/program-edits.js";
import { outcomeLine } from "../sim/trace-text.js";
import { corpusEntryOf, recordedOnModel, wordsOnModel } from "../testing/corpus-entry-of.js";
import { entryFiles, readEntry, writeCorpusEntry } from "../testing/corpus-folder.js";
import type { NamedProgram } from "../testing/replay-batches.js";
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

/** All of the programs or none: everything is checked before anything is written. The folder is made where there is none. */
export async function corpusAddCommand(
  files: readonly string[],
  options: CorpusFolderOptions & { readonly reason: string; readonly name?: string },
  { terminal }: CommandContext,
): Promise<ExitStatus> {
  const { corpus: folder, name: wanted } = options;
  let isRefused = false;
  const refuse = (line: string): ExitStatus => {
    terminal.complain(line);
    isRefused = true;
    return ExitStatus.badInput;
  };
  const isNew = !existsSync(folder);
  const existing = isNew ? ({ ok: true, value: [] } as const) : await entryFiles(folder);
  if (!existing.ok) return refuse(existing.complaint);
  if (wanted !== undefined && !ENTRY_NAME.test(wanted))
    return refuse(
      `--name ${wanted}: expected letters, digits, dots, dashes and underscores, the first no dot or dash`,
    );
  if (!/^[^\p{Cc}]*\S[^\p{Cc}]*$/u.test(options.reason))
    return refuse("--reason: expected one line that says what the entry guards");

  const taken = new Set(existing.value);
  /** By the name of the entry. */
  const added = new Map<string, NamedProgram>();
  for await (const loaded of loadPrograms(files)) {
    if (!loaded.ok) {
      refuse(loaded.complaint);
      continue;
    }
    const { source, seed } = loaded.value;
    const name = wanted ?? entryNameFor(seed ?? source);
    const other = added.get(name);
    if (!ENTRY_NAME.test(name)) refuse(`${source}: gives no name of an entry: name this one with --name`);
    else if (taken.has(`${name}.json`))
      refuse(`${source}: the corpus has an entry ${name}: name this one with --name`);
    else if (other !== undefined)
      refuse(
        `${source}: the entry ${name} is for ${other.source} already: add the two one by one, with --name`,
      );
    else added.set(name, loaded.value);
  }
  if (isRefused) {
    if (added.size > 0) terminal.complain("corpus add: nothing was added, for all are added or none");
    return ExitStatus.badInput;
  }
  if (isNew && added.size > 0) {
    try {
      makeFolder(folder);
    } catch (error) {
      return refuse(`${folder}: ${fileComplaint(error, "folder")}`);
    }
    terminal.print(`made ${folder}`);
  }
  for (const [name, { program }] of added) {
    const path = join(folder, `${name}.json`);
    try {
      await writeCorpusEntry(path, corpusEntryOf(program, options.reason));
    } catch (error) {
      return refuse(`${path}: ${fileComplaint(error)}`);
    }
    terminal.print(`added ${path}`);
  }
  return ExitStatus.agreement;
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
