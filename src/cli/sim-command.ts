/**
 * `lockstep sim`: the campaign. Generates programs from a seed, replays each on every target, compares, shrinks what fails and saves it.
 *
 * Exit status 1 for a divergence, for runs that two processes saw differently, and with `--require-coverage` for a label under its floor.
 * An interruption or a lost target ends it with what it has.
 */
import { availableParallelism } from "node:os";
import { formatProgram } from "../report/program-text.js";
import { generatorFlags, shellWord } from "../report/shell-word.js";
import type { RangeResult } from "../sim/campaign/batch-runner.js";
import { runSeed } from "../sim/generate/run-seed.js";
import { type Target, TargetError } from "../sim/target.js";
import type { CampaignSetup } from "../testing/campaign-setup.js";
import { FailureBook, type FoundFailure } from "../testing/failure-book.js";
import { failureLines } from "../testing/failure-text.js";
import { fileComplaint } from "../testing/text-file.js";
import { Campaign, type CampaignEvents, type CampaignPlan } from "./campaign.js";
import { CampaignJournal, leftInFlight } from "./campaign-journal.js";
import { addSample, type RateSample, reportFolderComplaint, writeReport } from "./campaign-report.js";
import { type SimSummary, simSummary, summaryLines } from "./campaign-summary.js";
import { CampaignTally } from "./campaign-tally.js";
import { checkCorpusFolder } from "./check-corpus-folder.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, worse } from "./exit-status.js";
import { openTargets, type TargetSettings, targetNames } from "./open-targets.js";
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
/** Each batch costs a call on a thread of its own and the fork of a process, an emulator perhaps; larger ones gain nothing more. */
const RANGE_RUNS = 4000;
/** A short campaign is cut in so many ranges, that several workers have something to do. */
const RANGES_MIN = 8;
const CORPUS_DEFAULT = "corpus";

export async function simCommand(
  options: SimOptions,
  settings: TargetSettings,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal, interruption } = context;
  interruption.isHandled = true;
  const names = targetNames(options.on);
  if (names.length === 0) {
    terminal.complain(`sim --on ${options.on}: name at least one target, e.g. --on model,native`);
    return ExitStatus.badInput;
  }
  const folder = options.save ? (options.corpus ?? CORPUS_DEFAULT) : undefined;
  const folderComplaint =
    folder === undefined ? undefined : checkCorpusFolder(folder, options.corpus === undefined);
  const reportComplaint =
    options.report === undefined ? undefined : await reportFolderComplaint(options.report);
  for (const complaint of [folderComplaint, reportComplaint]) {
    if (complaint === undefined) continue;
    terminal.complain(complaint);
    return ExitStatus.badInput;
  }
  // Opened here before any worker opens its own: what cannot run is told at once, and failures are looked at on these.
  const { targets, status: openStatus } = await openTargets(names, settings, terminal);
  if (openStatus !== ExitStatus.agreement) return openStatus;

  const setup = setupOf(options, names, targets, settings, context);
  for (const line of leftInFlight(options.journal)) terminal.complain(line);
  let journal: CampaignJournal;
  try {
    const command = `lockstep sim --seed ${shellWord(setup.seed)} --on ${names.map(shellWord).join(",")}`;
    journal = new CampaignJournal(options.journal, command + generatorFlags(setup.constraints));
  } catch (error) {
    terminal.complain(`${options.journal}: the journal cannot be written: ${fileComplaint(error)}`);
    return ExitStatus.badInput;
  }

  const startMs = performance.now();
  const plan = planOf(options, setup, startMs);
  const tally = new CampaignTally();
  const progress = new Progress(terminal, options.time ?? Number.POSITIVE_INFINITY);
  const book = new FailureBook({
    setup,
    shrinkMs: options.shrinkTime,
    folder,
    interrupted: interruption.signal,
    target: (name) => targets.find((target) => target.name === name)!,
  });
  const sink = new CampaignSink(options, context, plan, tally, progress, book);
  let status: ExitStatus = ExitStatus.agreement;
  let isLost = false;
  try {
    const failed = await new Campaign(plan, journal, sink, interruption.signal).run();
    if (failed !== undefined) {
      terminal.complain(failed.complaint);
      return failed.status;
    }
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    progress.clear();
    terminal.complain(
      `${error.message}: the campaign ends here; the next one tells which runs were in flight`,
    );
    isLost = true;
    status = ExitStatus.unavailable;
  }
  progress.clear();
  const summary = simSummary({
    setup,
    plan,
    tally,
    book,
    elapsedMs: performance.now() - startMs,
    isInterrupted: interruption.signal.aborted,
    isLost,
  });
  if (options.report !== undefined) {
    const complaint = await writeReport(options.report, {
      summary,
      samples: sink.samples,
      found: book.found,
      targets: new Map(targets.map((target) => [target.name, target])),
    });
    if (complaint !== undefined) {
      terminal.complain(complaint);
      status = worse(status, ExitStatus.badInput);
    }
  }
  if (options.json === true) terminal.print(JSON.stringify(summary));
  else for (const line of summaryLines(summary, terminal.paint)) terminal.print(line);
  return worse(worse(status, sink.status), statusOf(summary, options.requireCoverage === true));
}

/** What the campaign found decides; an interruption only where it found nothing. */
function statusOf(summary: SimSummary, requiresCoverage: boolean): ExitStatus {
  const isBad = summary.failures.runs > 0 || summary.canary.differing.length > 0;
  if (isBad || (requiresCoverage && summary.underFloor.length > 0)) return ExitStatus.divergence;
  return summary.interrupted ? ExitStatus.interrupted : ExitStatus.agreement;
}

function setupOf(
  options: SimOptions,
  names: readonly string[],
  targets: readonly Target[],
  settings: TargetSettings,
  { terminal }: CommandContext,
): CampaignSetup {
  const withoutHook = targets.filter((target) => !target.runsWorlds);
  if (withoutHook.length > 0 && options.world) {
    const list = withoutHook.map(({ name }) => name).join(", ");
    terminal.complain(`${list} has no idle hook: programs are generated without a world, as by --no-world`);
  }
  return {
    seed: options.seed,
    on: names,
    constraints: { world: options.world && withoutHook.length === 0, uniform: options.uniform ?? false },
    timeLimitMs: settings.timeLimitMs,
    memoryLimitMiB: settings.memoryLimitMiB,
  };
}

function planOf(options: SimOptions, setup: CampaignSetup, startMs: number): CampaignPlan {
  const runs = options.runs ?? (options.time === undefined ? RUNS_DEFAULT : Number.POSITIVE_INFINITY);
  return {
    setup,
    from: options.from,
    runs,
    // Of the number of runs alone: where a campaign stops must not depend on the number of workers.
    rangeRuns: Math.min(RANGE_RUNS, Math.max(1, Math.ceil(runs / RANGES_MIN))),
    jobs: options.jobs ?? availableParallelism(),
    canaryShare: options.canary / 100,
    deadlineMs: startMs + (options.time ?? Number.POSITIVE_INFINITY),
  };
}

/** Where the results of a campaign go: the tally, the book of failures, and the terminal. */
class CampaignSink implements CampaignEvents {
  readonly #options: SimOptions;
  readonly #context: CommandContext;
  readonly #plan: CampaignPlan;
  readonly #tally: CampaignTally;
  readonly #progress: Progress;
  readonly #book: FailureBook;
  /** How far the campaign was when, for its report. */
  readonly samples: RateSample[] = [];
  readonly #startMs = performance.now();
  /** What happened on the way to the exit status, failures of the runtime aside. */
  status: ExitStatus = ExitStatus.agreement;

  constructor(
    options: SimOptions,
    context: CommandContext,
    plan: CampaignPlan,
    tally: CampaignTally,
    progress: Progress,
    book: FailureBook,
  ) {
    this.#options = options;
    this.#context = context;
    this.#plan = plan;
    this.#tally = tally;
    this.#progress = progress;
    this.#book = book;
  }

  async onRange(result: RangeResult): Promise<boolean> {
    const tally = this.#tally;
    tally.add(result);
    addSample(this.samples, { seconds: (performance.now() - this.#startMs) / 1000, runs: tally.runs });
    for (const failed of result.failures) {
      // After an interruption too: shrinking is over at once then, but no failure is lost.
      const found = await this.#book.add(failed);
      if (found === undefined) continue;
      this.#progress.clear();
      this.#tell(found);
      if (this.#options.bail === true) return false;
    }
    this.#progress.update({
      runs: tally.runs,
      runsTotal: this.#plan.runs,
      events: tally.eventsPerRun * tally.runs,
      failedRuns: tally.failedRuns,
    });
    return true;
  }

  onCanary(runsChecked: number, differing: CampaignTally["canaryDiffering"]): void {
    this.#tally.canaryRuns += runsChecked;
    this.#tally.canaryDiffering.push(...differing);
    for (const { index, what } of differing) {
      this.#context.terminal.complain(
        `run ${runSeed(this.#plan.setup.seed, index)} is not deterministic: ${what} differed in another process`,
      );
    }
  }

  #tell(found: FoundFailure): void {
    const { terminal } = this.#context;
    const { save, json } = this.#options;
    if (json !== true) {
      const targets = `${shellWord(this.#plan.setup.on[0]!)},${shellWord(found.on)}`;
      const flags = generatorFlags(this.#plan.setup.constraints);
      const again = `lockstep repro ${shellWord(found.first)} --on ${targets}${flags}`;
      for (const line of failureLines(found, again, terminal)) terminal.print(line);
    }
    if (!("complaint" in found.saved) || !save) return;
    terminal.complain(
      `${found.saved.complaint}: the failure was not saved${json === true ? "; its program:" : ""}`,
    );
    if (json === true) process.stderr.write(`${formatProgram(found.shrunk.failure.program)}\n`);
    this.status = worse(this.status, ExitStatus.badInput);
  }
}
