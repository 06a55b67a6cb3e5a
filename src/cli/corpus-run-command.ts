/**
 * `lockstep corpus run`: every saved program against its recorded trace, on every target (SPEC section 6).
 *
 * Without `--on` it takes every target that this machine can run and says in one line what keeps it from the others; a target that is named
 * and cannot run is exit status 3. An entry that cannot be read is a mismatch of its own, and the others still run.
 */

import { join, relative } from "node:path";
import { divergenceLines } from "../report/divergence-text.js";
import type { Target } from "../sim/target.js";
import { entryFiles } from "../testing/corpus-folder.js";
import { replayEntries } from "../testing/replay-corpus.js";
import type { CommandContext } from "./command-context.js";
import {
  type CorpusOutputOptions,
  corpusOutputsComplaint,
  type EntryResult,
  writeCorpusOutputs,
} from "./corpus-outputs.js";
import { ExitStatus, interruptedBy, worse } from "./exit-status.js";
import { openTargets, type TargetSettings, targetNames } from "./open-targets.js";
import { noWorld } from "./replay-command.js";
import { VerdictTable } from "./verdict-table.js";

export interface CorpusRunOptions extends CorpusOutputOptions {
  readonly on?: string;
  readonly format: "text" | "jsonl";
}

const ALL_TARGETS = ["model", "native", "aarch64", "kqueue"];

export async function corpusRunCommand(
  folder: string,
  options: CorpusRunOptions,
  settings: TargetSettings,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal, interruption } = context;
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
  const { targets, status: openStatus, startsMs } = await openTargets(names, settings, context);
  // Unasked for, a target that is not there is told and left out.
  let status: ExitStatus = options.on === undefined ? ExitStatus.agreement : openStatus;
  // A name that is none has said so, and is bad usage; whatever else keeps every target from running is the machine's.
  if (targets.length === 0) return openStatus;

  const table = new VerdictTable(terminal, targets, options.format);
  const timings = new Map<Target, number>();
  const results: EntryResult[] = [];
  for await (const replayed of replayEntries(folder, files.value, targets, timings)) {
    if (interruption.signal.aborted) return interruptedBy(interruption.signal);
    if (!replayed.ok) {
      terminal.complain(replayed.complaint);
      results.push({ ...unreadable(replayed.complaint, folder), status: ExitStatus.badInput });
      status = worse(status, ExitStatus.badInput);
      continue;
    }
    const { name, program } = replayed;
    const verdicts = replayed.verdicts.map(({ verdict }) => verdict);
    const layout = { paint: terminal.paint, columns: terminal.columns - 4, showsProgram: false };
    const report = replayed.verdicts.flatMap(({ on, verdict, divergence }) => {
      if (verdict === "cannot run") return [noWorld({ source: name, program }, on)];
      return divergence === undefined ? [] : divergenceLines(program, divergence, layout);
    });
    const kept = verdicts.includes("cannot run") ? ExitStatus.badInput : ExitStatus.agreement;
    const found = verdicts.includes("differs") ? ExitStatus.divergence : kept;
    status = worse(status, found);
    table.row(name, verdicts, report);
    results.push({ name, path: join(folder, `${name}.json`), status: found, report });
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
