/**
 * `lockstep sim`: the campaign. Generates programs from a seed, replays each on every target, compares, shrinks what fails and saves it.
 *
 * Exit status 1 for a divergence, for runs that two processes saw differently, and with `--require-coverage` for a label under its floor.
 * An interruption or a lost target ends it with what it has, and leaves a journal to resume from.
 */
import { availableParallelism } from "node:os";
import { type Target, TargetError } from "../sim/target.js";
import type { CampaignSetup } from "../testing/campaign-setup.js";
import { CORPUS_DEFAULT } from "../testing/defaults.js";
import { FailureBook } from "../testing/failure-book.js";
import { failedRuns } from "../testing/failure-log.js";
import { failureLines } from "../testing/failure-text.js";
import { rangeRuns } from "../testing/range-runs.js";
import { fileComplaint } from "../testing/text-file.js";
import { VERSION } from "../testing/version.js";
import { Campaign, type CampaignPlan } from "./campaign.js";
import { bareCommand, reproCommandOf } from "./campaign-command.js";
import { CampaignJournal, journalsOf, leftInFlight } from "./campaign-journal.js";
import { type OutputOptions, outputsComplaint, writeOutputs } from "./campaign-outputs.js";
import { type CampaignRecord, type CampaignTerms, leftToRun } from "./campaign-record.js";
import { type Beginning, beginning } from "./campaign-resume.js";
import { type Shard, WHOLE } from "./campaign-shard.js";
import { CampaignSink } from "./campaign-sink.js";
import { checkCorpusFolder } from "./check-corpus-folder.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, interruptedBy, worse } from "./exit-status.js";
import { openTargets, type TargetSettings, targetNames } from "./open-targets.js";
import { Progress } from "./progress.js";

export interface SimOptions extends OutputOptions {
  readonly seed: string;
  readonly from: number;
  /** Undefined where `--time` decides. */
  readonly runs?: number;
  readonly time?: number;
  readonly shard?: Shard;
  readonly resume?: boolean;
  readonly takeOver?: boolean;
  readonly on: string;
  readonly jobs?: number;
  readonly bail?: boolean;
  readonly corpus?: string;
  readonly save: boolean;
  readonly shrinkTime: number;
  readonly canary: number;
  readonly world: boolean;
  readonly uniform?: boolean;
  readonly journal: string;
}

const RUNS_DEFAULT = 10_000;

export async function simCommand(
  options: SimOptions,
  settings: TargetSettings,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal, interruption, logger } = context;
  const refuse = (complaint: string): ExitStatus => {
    terminal.complain(complaint);
    return ExitStatus.badInput;
  };
  interruption.isHandled = true;
  const names = targetNames(options.on);
  if (names.length === 0)
    return refuse(`sim --on ${options.on}: name at least one target, e.g. --on model,native`);
  const folder = options.save ? (options.corpus ?? CORPUS_DEFAULT) : undefined;
  // Last of what is asked, for it makes the folder.
  const folderComplaint = (): string | undefined =>
    folder === undefined ? undefined : checkCorpusFolder(folder, options.corpus === undefined);
  const complaint = optionsComplaint(options) ?? outputsComplaint(options) ?? folderComplaint();
  if (complaint !== undefined) return refuse(complaint);
  // Opened here before any worker opens its own: what cannot run is told at once, and failures are looked at on these.
  const { targets, status: openStatus } = await openTargets(names, settings, context);
  if (openStatus !== ExitStatus.agreement) return openStatus;

  const setup = setupOf(options, names, targets, settings, context);
  const terms = termsOf(options, setup);
  const startMs = performance.now();
  let journal: CampaignJournal;
  let start: Beginning;
  let sink: CampaignSink;
  let progress: Progress;
  const elapsedMs = (): number => start.elapsedMs + performance.now() - startMs;
  const jobs = options.jobs ?? availableParallelism();
  try {
    const resumes = options.resume === true || options.takeOver === true;
    const journals = journalsOf(options.journal);
    const found = beginning(
      options.journal,
      journals,
      terms,
      options.shard ?? WHOLE,
      resumes,
      options.takeOver === true,
    );
    if (!found.ok) return refuse(found.complaint);
    start = found.value;
    // The one that was taken over has another name now, and is left out by that.
    for (const line of [...(await leftInFlight(journals.campaigns)), ...start.notes]) terminal.complain(line);
    const { record } = start;
    progress = new Progress(terminal, options.time ?? Number.POSITIVE_INFINITY, start.elapsedMs);
    const book = new FailureBook(
      {
        setup,
        shrinkMs: options.shrinkTime,
        folder,
        interrupted: interruption.signal,
        target: (name) => targets.find((target) => target.name === name)!,
      },
      record.failures,
    );
    const sinkOptions = { isJson: options.json === true, saves: options.save, elapsedMs, first: targets[0]! };
    sink = new CampaignSink(sinkOptions, context, record, progress, book);
    const { time = null, corpus = null, save: saves } = options;
    const command = bareCommand(terms);
    const source = {
      command,
      unrecorded: { time, corpus, saves },
      jobs,
      record: () => sink.record,
      elapsedMs,
    };
    journal = await CampaignJournal.open(options.journal, source, start.takes);
  } catch (error) {
    return refuse(
      `${options.journal}: the journal cannot be written: ${fileComplaint(error, "folder")}: name another folder with --journal`,
    );
  }
  if (options.json !== true)
    for (const found of start.record.failures.found)
      for (const line of failureLines(found, reproCommandOf(found, terms), terminal)) terminal.print(line);

  logger?.info({ terms, shard: start.record.shard, from: start.record.next }, "campaign begins");
  const deadlineMs = startMs + (options.time ?? Number.POSITIVE_INFINITY) - start.elapsedMs;
  const plan = planOf(setup, start.record, jobs, deadlineMs);
  let status: ExitStatus = ExitStatus.agreement;
  try {
    const failed = await new Campaign(plan, journal, sink, interruption.signal).run();
    if (failed !== undefined) {
      progress.clear();
      terminal.complain(failed.complaint);
      sink.end("lost");
      await journal.close();
      return failed.status;
    }
    sink.end(interruption.signal.aborted ? "interrupted" : "ended");
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    progress.clear();
    terminal.complain(
      `${error.message}: the campaign ends here; --resume goes on with the runs that were in flight`,
    );
    sink.end("lost");
    status = ExitStatus.unavailable;
  }
  await journal.close();
  const { record, samples } = sink;
  logger?.info(
    { state: record.state, runs: record.tally.runs, failedRuns: failedRuns(record.failures) },
    "campaign ends",
  );
  progress.end(record.tally.runs, jobs);
  for (const [on, times] of sink.restarts)
    terminal.complain(`${on}: the process behind it was lost and started again, ${times} time(s)`);
  if (record.state === "interrupted")
    terminal.complain(
      record.tally.runs === 0
        ? "stopped before a run was counted: there is nothing to resume"
        : `stopped at run ${record.next}: --resume goes on there`,
    );
  if (options.out !== undefined && record.state !== "ended")
    terminal.complain(`${options.out}: is not written: the campaign has not ended`);
  // A campaign too short for a sample has its average.
  if (samples.length === 0) samples.push({ seconds: elapsedMs() / 1000, runs: record.tally.runs });
  const verdict = await writeOutputs(record, options, context, samples);
  const found = worse(worse(status, sink.status), verdict);
  return found === ExitStatus.agreement && interruption.signal.aborted
    ? interruptedBy(interruption.signal)
    : found;
}

/** Options that do not go together. */
function optionsComplaint({ shard, runs, time, requireCoverage }: SimOptions): string | undefined {
  if (shard === undefined) return undefined;
  if (runs === undefined && time !== undefined)
    return "sim --shard: say with --runs how many runs the whole campaign has; time cannot be cut into shards";
  if (requireCoverage === true)
    return "sim --require-coverage: floors are for the whole campaign; give it to lockstep merge, not to a shard";
  return undefined;
}

function setupOf(
  options: SimOptions,
  names: readonly string[],
  targets: readonly Target[],
  settings: TargetSettings,
  { terminal }: CommandContext,
): CampaignSetup & Pick<CampaignTerms, "constraints"> {
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

function termsOf(
  options: SimOptions,
  { seed, on, constraints, timeLimitMs, memoryLimitMiB }: ReturnType<typeof setupOf>,
): CampaignTerms {
  const runs = options.runs ?? (options.time === undefined ? RUNS_DEFAULT : null);
  return {
    version: VERSION,
    seed,
    on,
    constraints,
    from: options.from,
    runs,
    // Of the number of runs alone: what is found must not depend on the number of workers or shards.
    rangeRuns: rangeRuns(runs),
    canaryPercent: options.canary,
    bail: options.bail ?? false,
    shrinkMs: options.shrinkTime,
    timeLimitMs,
    memoryLimitMiB,
  };
}

function planOf(
  setup: CampaignSetup,
  record: CampaignRecord,
  jobs: number,
  deadlineMs: number,
): CampaignPlan {
  const { from, count } = leftToRun(record);
  const { rangeRuns, canaryPercent } = record.terms;
  return {
    setup,
    from,
    runs: count,
    rangeRuns,
    goesOn: record.tally.runs > 0,
    jobs,
    canaryPercent,
    canariesOwed: record.canariesOwed,
    deadlineMs,
  };
}
