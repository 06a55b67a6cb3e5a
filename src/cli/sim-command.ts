/**
 * `lockstep sim`: the campaign. Generates programs from a seed, replays each on every target, compares, shrinks what fails and saves it.
 *
 * Exit status 1 for a divergence, for runs that two processes saw differently, and with `--require-coverage` for a label under its floor.
 * An interruption ends it with what it has.
 */
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { RangeResult } from "../sim/campaign/batch-runner.js";
import { runSeed } from "../sim/generate/run-seed.js";
import { type Target, TargetError } from "../sim/target.js";
import { Campaign, type CampaignPlan, lostLine } from "./campaign.js";
import { CampaignJournal, leftInFlight } from "./campaign-journal.js";
import type { CampaignSetup } from "./campaign-messages.js";
import { addSample, type RateSample, reportFolderComplaint, writeReport } from "./campaign-report.js";
import { simSummary, summaryLines } from "./campaign-summary.js";
import { CampaignTally } from "./campaign-tally.js";
import type { CommandContext } from "./command-context.js";
import { divergenceLines } from "./divergence-text.js";
import { ExitStatus, worse } from "./exit-status.js";
import { FailureBook, type FoundFailure } from "./failure-book.js";
import { fileComplaint } from "./load-programs.js";
import { isOpen, openTarget, type TargetSettings, targetNames } from "./open-targets.js";
import { formatProgram } from "./program-text.js";
import { Progress } from "./progress.js";

export interface SimOptions {
  readonly seed: string;
  readonly from: number;
  /** Undefined where `--time` decides. */
  readonly runs?: number;
  readonly time?: number;
  readonly on: string;
  readonly jobs?: number;
  readonly bail?: boolean;
  readonly json?: boolean;
  readonly corpus?: string;
  readonly save: boolean;
  readonly shrinkTime: number;
  readonly canary: number;
  readonly requireCoverage?: boolean;
  readonly world: boolean;
  readonly uniform?: boolean;
  readonly journal: string;
  /** Where the report is written as HTML, or undefined not to. */
  readonly report?: string;
}

const RUNS_DEFAULT = 10_000;
const RANGE_RUNS = 1000;
/** Under an emulator each batch costs a fork of the emulator: larger ones. */
const RANGE_RUNS_EMULATED = 4000;
const CORPUS_DEFAULT = "corpus";

export async function simCommand(
  options: SimOptions,
  settings: TargetSettings,
  version: string,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal, interruption } = context;
  interruption.isHandled = true;
  const names = targetNames(options.on);
  if (names.length === 0) {
    terminal.complain("sim --on: name at least one target");
    return ExitStatus.badInput;
  }
  const folder = options.save ? (options.corpus ?? CORPUS_DEFAULT) : undefined;
  const folderComplaint =
    folder === undefined ? undefined : checkFolder(folder, options.corpus === undefined);
  const reportComplaint =
    options.report === undefined ? undefined : await reportFolderComplaint(options.report);
  for (const complaint of [folderComplaint, reportComplaint]) {
    if (complaint === undefined) continue;
    terminal.complain(complaint);
    return ExitStatus.badInput;
  }

  // One look at each target before any process is started for it: what cannot run is told at once, and what cannot run worlds.
  const targets = new Map<string, Target>();
  let status: ExitStatus = ExitStatus.agreement;
  for (const name of names) {
    const target = await openTarget(name, settings);
    if (isOpen(target)) {
      targets.set(name, target);
    } else {
      terminal.complain(target.complaint);
      status = worse(status, target.status);
    }
  }
  if (status !== ExitStatus.agreement) return status;
  const withoutHook = [...targets.values()].filter((target) => !target.runsWorlds);
  if (withoutHook.length > 0 && options.world) {
    const list = withoutHook.map(({ name }) => name).join(", ");
    terminal.complain(`${list} has no idle hook: programs are generated without a world, as by --no-world`);
  }

  const setup: CampaignSetup = {
    seed: options.seed,
    on: names,
    constraints: { world: options.world && withoutHook.length === 0, uniform: options.uniform ?? false },
    timeLimitMs: settings.timeLimitMs,
  };
  const command = commandOf(setup);
  for (const line of leftInFlight(options.journal)) terminal.complain(line);
  let journal: CampaignJournal;
  try {
    journal = new CampaignJournal(options.journal, command);
  } catch (error) {
    terminal.complain(`${options.journal}: the journal cannot be written: ${fileComplaint(error)}`);
    return ExitStatus.badInput;
  }

  const runs = options.runs ?? (options.time === undefined ? RUNS_DEFAULT : Number.POSITIVE_INFINITY);
  const limitMs = options.time ?? Number.POSITIVE_INFINITY;
  const startMs = performance.now();
  const plan: CampaignPlan = {
    setup,
    from: options.from,
    runs,
    rangeRuns: rangeRuns(names, runs, options.jobs ?? availableParallelism()),
    jobs: options.jobs ?? availableParallelism(),
    canaryShare: options.canary / 100,
    deadlineMs: startMs + limitMs,
  };
  const tally = new CampaignTally();
  const progress = new Progress(terminal, limitMs);
  const book = new FailureBook({
    setup,
    shrinkMs: options.shrinkTime,
    folder,
    version,
    interrupted: interruption.signal,
    target: async (name) => targets.get(name)!,
  });

  const samples: RateSample[] = [];
  const onRange = async (result: RangeResult): Promise<boolean> => {
    tally.add(result);
    addSample(samples, { seconds: (performance.now() - startMs) / 1000, runs: tally.runs });
    for (const failed of result.failures) {
      if (interruption.signal.aborted) break;
      const found = await book.add(failed);
      if (found === undefined) continue;
      progress.clear();
      if (options.json !== true) printFailure(context, found, command);
      if ("complaint" in found.saved && folder !== undefined) {
        terminal.complain(`${found.saved.complaint}: the program was not saved; it is printed instead`);
        if (options.json === true) process.stderr.write(`${formatProgram(found.shrunk.program)}\n`);
        status = worse(status, ExitStatus.badInput);
      }
      if (options.bail === true) break;
    }
    progress.update({
      runs: tally.runs,
      runsTotal: runs,
      events: tally.eventsPerRun * tally.runs,
      failedRuns: tally.failedRuns,
    });
    return !(options.bail === true && tally.failedRuns > 0);
  };
  const onCanary = (runsChecked: number, differing: readonly number[]): void => {
    tally.canaryRuns += runsChecked;
    tally.canaryDiffering.push(...differing);
    for (const index of differing)
      terminal.complain(`run ${runSeed(setup.seed, index)} gave other bytes in another process`);
  };

  try {
    const failed = await new Campaign(plan, journal, { onRange, onCanary }, interruption.signal).run();
    if (failed !== undefined) {
      terminal.complain(failed.complaint);
      return failed.status;
    }
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    progress.clear();
    terminal.complain(lostLine(error));
    status = worse(status, ExitStatus.unavailable);
  }
  progress.clear();
  const summary = simSummary({
    setup,
    plan,
    tally,
    book,
    elapsedMs: performance.now() - startMs,
    isInterrupted: interruption.signal.aborted,
  });
  if (options.report !== undefined) {
    const complaint = await writeReport(options.report, { summary, samples, found: book.found, targets });
    if (complaint !== undefined) {
      terminal.complain(complaint);
      status = worse(status, ExitStatus.badInput);
    }
  }
  if (options.json === true) terminal.print(JSON.stringify(summary));
  else for (const line of summaryLines(summary, terminal.paint)) terminal.print(line);

  if (tally.failedRuns > 0 || tally.canaryDiffering.length > 0) status = worse(status, ExitStatus.divergence);
  if (options.requireCoverage === true && summary.underFloor.length > 0)
    status = worse(status, ExitStatus.divergence);
  return interruption.signal.aborted ? worse(status, ExitStatus.interrupted) : status;
}

/** The command that makes these very programs, without the range of runs. */
export function commandOf({ seed, on, constraints }: CampaignSetup): string {
  const flags = `${constraints.world === false ? " --no-world" : ""}${constraints.uniform === true ? " --uniform" : ""}`;
  return `lockstep sim --seed ${shellWord(seed)} --on ${on.map(shellWord).join(",")}${flags}`;
}

/** A word as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function rangeRuns(names: readonly string[], runs: number, jobs: number): number {
  const isEmulated = names.includes("aarch64") && process.arch !== "arm64";
  const most = isEmulated ? RANGE_RUNS_EMULATED : RANGE_RUNS;
  // Short campaigns are cut so that every worker has something to do.
  return Number.isFinite(runs) ? Math.max(1, Math.min(most, Math.ceil(runs / jobs))) : most;
}

/** What is wrong with the folder that failures are to be saved to, before anything runs. */
function checkFolder(folder: string, mayMake: boolean): string | undefined {
  try {
    if (mayMake) mkdirSync(folder, { recursive: true });
    if (!statSync(folder).isDirectory()) return `${folder}: is not a folder`;
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    return `${folder}: ${fileComplaint(error)}: failures are saved there; make it, name another with --corpus, or use --no-save`;
  }
}

function printFailure({ terminal }: CommandContext, found: FoundFailure, command: string): void {
  const { shrunk, signature, first, on } = found;
  const { divergence, program } = shrunk.failure;
  terminal.print(terminal.paint("red", `FAILED  ${first} on ${on}`) + `: ${signature}`);
  const state = shrunk.isMinimal ? "no single removal still fails" : "time was up: --shrink-time gives more";
  terminal.print(
    `  shrunk from ${shrunk.opsBefore} to ${shrunk.opsAfter} ops in ${shrunk.steps} steps (${state})`,
  );
  const report = {
    paint: terminal.paint,
    columns: terminal.columns - 2,
    showsProgram: true,
    again: reproCommand(first, divergence.left.on, on, command),
  };
  for (const line of divergenceLines(program, divergence, report)) terminal.print(`  ${line}`);
  if ("path" in found.saved) terminal.print(`    saved:  ${found.saved.path}`);
  terminal.print("");
}

/** `command` is that of the campaign: its flags make the same program. */
function reproCommand(first: string, expected: string, on: string, command: string): string {
  const flags = [...command.matchAll(/ --(?:no-world|uniform)\b/g)].join("");
  return `lockstep repro ${shellWord(first)} --on ${shellWord(expected)},${shellWord(on)}${flags}`;
}
