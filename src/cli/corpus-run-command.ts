/**
 * `lockstep corpus run`: every saved program against its recorded trace, on every target (SPEC section 6).
 *
 * Without `--on` it takes every target that this machine can run and says in one line what keeps it from the others; a target that is named
 * and cannot run is exit status 3. An entry that cannot be read is a mismatch of its own, and the others still run.
 */

import { divergenceLines } from "../report/divergence-text.js";
import type { LoadedEntry } from "../sim/corpus-entry.js";
import { diffTargets } from "../sim/expected-trace.js";
import type { Target } from "../sim/target.js";
import { entryFiles, type FoundEntry, readEntry } from "../testing/corpus-folder.js";
import type { Loaded } from "../testing/replay-batches.js";
import { replayAll } from "../testing/replay-batches.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, worse } from "./exit-status.js";
import { openTargets, type TargetSettings, targetNames } from "./open-targets.js";
import { noWorld } from "./replay-command.js";
import type { Terminal } from "./terminal.js";

export interface CorpusRunOptions {
  readonly on?: string;
  readonly format: "text" | "jsonl";
}

const ALL_TARGETS = ["model", "native", "aarch64", "kqueue"];

/** What became of one entry on one target. */
type Verdict = "agrees" | "differs" | "cannot run";

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
  const { targets, status: openStatus, startsMs } = await openTargets(names, settings, terminal);
  // Unasked for, a target that is not there is told and left out.
  let status: ExitStatus = options.on === undefined ? ExitStatus.agreement : openStatus;
  if (targets.length === 0) return worse(status, ExitStatus.unavailable);

  const entries = new Map<string, LoadedEntry>();
  const table = new VerdictTable(terminal, targets, options.format);
  const timings = new Map<Target, number>();
  for await (const replayed of replayAll(programsOf(folder, files.value, entries), targets, timings)) {
    if (interruption.signal.aborted) return ExitStatus.interrupted;
    if (!replayed.ok) {
      terminal.complain(replayed.complaint);
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
    if (verdicts.includes("differs")) status = worse(status, ExitStatus.divergence);
    else if (verdicts.includes("cannot run")) status = worse(status, ExitStatus.badInput);
    table.row(named.source, verdicts, report);
  }
  table.end(startsMs, timings);
  return status;
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

/** Prints the verdicts row by row, and totals with the time that each target took. */
class VerdictTable {
  readonly #terminal: Terminal;
  readonly #targets: readonly Target[];
  readonly #format: "text" | "jsonl";
  readonly #counts: Record<Verdict, number>[];
  readonly #nameWidth = 52;

  constructor(terminal: Terminal, targets: readonly Target[], format: "text" | "jsonl") {
    this.#terminal = terminal;
    this.#targets = targets;
    this.#format = format;
    this.#counts = targets.map(() => ({ agrees: 0, differs: 0, "cannot run": 0 }));
    if (format === "text")
      this.#line(
        "entry",
        targets.map((target) => target.name),
        "bold",
      );
  }

  row(name: string, verdicts: readonly Verdict[], report: readonly string[]): void {
    for (const [i, verdict] of verdicts.entries()) this.#counts[i]![verdict]++;
    if (this.#format === "jsonl") {
      const on = Object.fromEntries(this.#targets.map((target, i) => [target.name, verdicts[i]]));
      this.#terminal.print(JSON.stringify({ entry: name, on, ...(report.length === 0 ? {} : { report }) }));
      return;
    }
    this.#line(
      name,
      verdicts.map((verdict) => (verdict === "agrees" ? "agrees" : verdict.toUpperCase())),
    );
    for (const line of report) this.#terminal.print(`    ${line}`);
  }

  end(startsMs: ReadonlyMap<Target, number>, replaysMs: ReadonlyMap<Target, number>): void {
    const ms = (times: ReadonlyMap<Target, number>, target: Target): string =>
      `${Math.round(times.get(target) ?? 0)} ms`;
    if (this.#format === "jsonl") return;
    const total = (verdict: Verdict): string[] => this.#counts.map((counts) => String(counts[verdict]));
    this.#line("agree", total("agrees"), "bold");
    this.#line("differ", total("differs"), "bold");
    this.#line(
      "time to start",
      this.#targets.map((target) => ms(startsMs, target)),
      "dim",
    );
    this.#line(
      "time to replay",
      this.#targets.map((target) => ms(replaysMs, target)),
      "dim",
    );
    for (const target of this.#targets)
      this.#terminal.print(this.#terminal.paint("dim", `${target.name}: ${target.description}`));
  }

  #line(first: string, cells: readonly string[], style?: "bold" | "dim"): void {
    const line = first.padEnd(this.#nameWidth) + cells.map((cell) => cell.padEnd(12)).join("");
    const { paint } = this.#terminal;
    const coloured = line
      .replaceAll("DIFFERS", paint("red", "DIFFERS"))
      .replaceAll("agrees", paint("green", "agrees"));
    this.#terminal.print(style === undefined ? coloured.trimEnd() : paint(style, line.trimEnd()));
  }
}
