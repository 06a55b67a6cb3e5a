/**
 * `lockstep corpus run`: every saved program against its recorded trace, on every target (SPEC section 6).
 *
 * Without `--on` it takes every target that this machine can run and says in one line what keeps it from the others; a target that is named
 * and cannot run is exit status 3. An entry that cannot be read is a mismatch of its own, and the others still run.
 */

import { join, relative } from "node:path";
import type { LoadedEntry } from "../sim/corpus-entry.js";
import { diffTargets } from "../sim/expected-trace.js";
import type { Target } from "../sim/target.js";
import type { CommandContext } from "./command-context.js";
import { entryFiles, type FoundEntry, readEntry } from "./corpus-folder.js";
import {
  type CorpusOutputOptions,
  corpusOutputsComplaint,
  type EntryResult,
  writeCorpusOutputs,
} from "./corpus-outputs.js";
import { divergenceLines } from "./divergence-text.js";
import { ExitStatus, interruptedBy, worse } from "./exit-status.js";
import type { Loaded } from "./load-programs.js";
import { openTargets, type TargetSettings, targetNames } from "./open-targets.js";
import { replayAll } from "./replay-batches.js";
import { noWorld } from "./replay-command.js";
import { type Verdict, VerdictTable } from "./verdict-table.js";

export interface CorpusRunOptions extends CorpusOutputOptions {
  readonly on?: string;
  readonly format: "text" | "jsonl";
}

const ALL_TARGETS = ["model", "native", "aarch64", "kqueue"];

export async function corpusRunCommand(
  folder: string,
  options: CorpusRunOptions,
  settings: TargetSettings,
  { terminal, interruption }: CommandContext,
): Promise<ExitStatus> {
  const files = await entryFiles(folder);
  if (!files.ok) {
    terminal.complain(files.complaint);
    return ExitStatus.badInput;
  }
  if (files.value.length === 0) {
    terminal.complain(`${folder}: there is no entry in it: expected files ending in .json`);
    return ExitStatus.badInput;
  }
  const names = options.on === undefined ? ALL_TARGETS : targetNames(options.on);
  if (names.length === 0) {
    terminal.complain(`corpus run --on ${options.on}: name a target, e.g. --on model`);
    return ExitStatus.badInput;
  }
  const outputComplaint = corpusOutputsComplaint(options);
  if (outputComplaint !== undefined) {
    terminal.complain(outputComplaint);
    return ExitStatus.badInput;
  }
  const { targets, status: openStatus, startsMs } = await openTargets(names, settings, terminal);
  // Unasked for, a target that is not there is told and left out.
  let status: ExitStatus = options.on === undefined ? ExitStatus.agreement : openStatus;
  // A name that is none has said so, and is bad usage; whatever else keeps every target from running is the machine's.
  if (targets.length === 0) return openStatus;

  const entries = new Map<string, LoadedEntry>();
  const table = new VerdictTable(terminal, targets, options.format);
  const timings = new Map<Target, number>();
  const results: EntryResult[] = [];
  for await (const replayed of replayAll(programsOf(folder, files.value, entries), targets, timings)) {
    if (interruption.signal.aborted) return interruptedBy(interruption.signal);
    if (!replayed.ok) {
      terminal.complain(replayed.complaint);
      results.push({ ...unreadable(replayed.complaint, folder), status: ExitStatus.badInput });
      status = worse(status, ExitStatus.badInput);
      continue;
    }
    const { named, traces } = replayed.value;
    const { recorded } = entries.get(named.source)!;
    entries.delete(named.source);
    const verdicts: Verdict[] = [];
    const report: string[] = [];
    for (const [i, target] of targets.entries()) {
      const words = traces[i];
      if (words === undefined) {
        verdicts.push("cannot run");
        report.push(noWorld(named, target.name));
        continue;
      }
      const { name: on, readiness } = target;
      const divergence = diffTargets(
        named.program,
        { on: "recorded", words: recorded },
        { on, words, readiness },
      );
      verdicts.push(divergence === undefined ? "agrees" : "differs");
      if (divergence !== undefined) {
        const settings = { paint: terminal.paint, columns: terminal.columns - 4, showsProgram: false };
        report.push(...divergenceLines(named.program, divergence, settings));
      }
    }
    const kept = verdicts.includes("cannot run") ? ExitStatus.badInput : ExitStatus.agreement;
    const found = verdicts.includes("differs") ? ExitStatus.divergence : kept;
    status = worse(status, found);
    table.row(named.source, verdicts, report);
    results.push({ name: named.source, path: join(folder, `${named.source}.json`), status: found, report });
  }
  table.end(startsMs, timings);
  const on = targets.map(({ name }) => name);
  return worse(status, await writeCorpusOutputs({ folder, on, results }, options, terminal));
}

/** A complaint begins with the path of what could not be read. */
function unreadable(complaint: string, folder: string): Omit<EntryResult, "status"> {
  const path = complaint.slice(0, complaint.indexOf(": "));
  return { name: relative(folder, path).replace(/\.json$/, ""), path, report: [complaint] };
}

async function* programsOf(
  folder: string,
  files: readonly string[],
  entries: Map<string, LoadedEntry>,
): AsyncGenerator<Loaded> {
  for (const file of files) {
    const found: FoundEntry = await readEntry(folder, file);
    if (!found.ok) {
      yield found;
      continue;
    }
    entries.set(found.name, found.loaded);
    const { program, provenance } = found.loaded.entry;
    // An audit costs as much as a hundred replays: it is for the entries that were found by one.
    const isAudited =
      provenance?.came != null && "outcome" in provenance.came && provenance.came.outcome === "leak";
    yield { ok: true, value: { source: found.name, program, isAudited } };
  }
}
