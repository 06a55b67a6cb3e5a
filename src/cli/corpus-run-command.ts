/**
 * `lockstep corpus run`: every saved program against its recorded trace, on every target (SPEC section 6).
 *
 * Without `--on` it takes every target that this machine can run and says in one line what keeps it from the others; a target that is named
 * and cannot run is exit status 3. An entry that cannot be read is a mismatch of its own, and the others still run.
 */

import { divergenceLines } from "../report/divergence-text.js";
import type { Target } from "../sim/target.js";
import { entryFiles } from "../testing/corpus-folder.js";
import { type CorpusVerdict, replayEntries } from "../testing/replay-corpus.js";
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

type Verdict = CorpusVerdict["verdict"];

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

  const table = new VerdictTable(terminal, targets, options.format);
  const timings = new Map<Target, number>();
  for await (const replayed of replayEntries(folder, files.value, targets, timings)) {
    if (interruption.signal.aborted) return ExitStatus.interrupted;
    if (!replayed.ok) {
      terminal.complain(replayed.complaint);
      status = worse(status, ExitStatus.badInput);
      continue;
    }
    const { name, program } = replayed;
    const verdicts = replayed.verdicts.map(({ verdict }) => verdict);
    const settings = { paint: terminal.paint, columns: terminal.columns - 4, showsProgram: false };
    const report = replayed.verdicts.flatMap(({ on, verdict, divergence }) => {
      if (verdict === "cannot run") return [noWorld({ source: name, program }, on)];
      return divergence === undefined ? [] : divergenceLines(program, divergence, settings);
    });
    if (verdicts.includes("differs")) status = worse(status, ExitStatus.divergence);
    else if (verdicts.includes("cannot run")) status = worse(status, ExitStatus.badInput);
    table.row(name, verdicts, report);
  }
  table.end(startsMs, timings);
  return status;
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
