/**
 * The summary of a campaign: the JSON of `sim --json` and `merge --json`, and the same as lines for people.
 *
 * It follows from the record alone, so that it is the same for a campaign in one piece and for its merged shards.
 */
import { runSeed } from "../sim/generate/run-seed.js";
import type { Program } from "../sim/program.js";
import { failedRuns, type NotRepeated, notRepeated, onlyCounted, runsOf } from "../testing/failure-log.js";
import type { CanaryDifference } from "./campaign.js";
import type { CampaignRecord } from "./campaign-record.js";
import { shardText } from "./campaign-shard.js";
import { eventsPerRun, type LabelTally, labelTallies } from "./campaign-tally.js";
import { ExitStatus } from "./exit-status.js";
import type { Terminal } from "./terminal.js";

export interface SimSummary {
  readonly seed: string;
  readonly from: number;
  /** `i/n` where the campaign is one shard of several. */
  readonly shard?: string;
  readonly runs: number;
  readonly on: readonly string[];
  /** Records of a run's trace, on the average. */
  readonly eventsPerRun: number;
  /** Runs whose traces were read for coverage: all at first, one of sixteen of a long campaign. */
  readonly lookedAt: number;
  /** Of the ops written, the share that ran at least once: 0 to 1. */
  readonly opsReached: number;
  readonly labels: readonly LabelTally[];
  readonly underFloor: readonly LabelTally[];
  readonly canary: {
    readonly runs: number;
    readonly differed: number;
    /** The first of those that differed. */
    readonly differing: readonly CanaryDifference[];
  };
  readonly failures: {
    readonly runs: number;
    /** Failed runs that were counted and not looked at. */
    readonly notInvestigated: number;
    /** Runs that failed in their batch and agreed when replayed alone; `runs` leaves them out. */
    readonly notRepeated: readonly NotRepeated[];
    readonly found: readonly FailureSummary[];
  };
  readonly interrupted: boolean;
  /** True when a target or a worker was lost and the campaign ended there. */
  readonly lost: boolean;
}

export interface FailureSummary {
  readonly signature: string;
  readonly first: string;
  readonly on: string;
  readonly runs: number;
  readonly opsBefore: number;
  readonly opsAfter: number;
  readonly isMinimal: boolean;
  readonly program: Program;
  readonly saved: string | null;
}

export function simSummary({ terms, shard, state, tally, failures }: CampaignRecord): SimSummary {
  const labels = labelTallies(tally);
  const { seed, on } = terms;
  return {
    seed,
    from: terms.from,
    ...(shard.count === 1 ? {} : { shard: shardText(shard) }),
    runs: tally.runs,
    on,
    eventsPerRun: rounded(eventsPerRun(tally), 1),
    lookedAt: tally.lookedAt,
    opsReached: rounded(tally.opsReached / Math.max(1, tally.opsWritten), 3),
    labels,
    underFloor: labels.filter(({ runs, floor }) => runs < floor),
    canary: tally.canary,
    failures: {
      runs: failedRuns(failures),
      notInvestigated: onlyCounted(failures),
      notRepeated: notRepeated(failures, seed),
      found: failures.found.map(({ signature, first, on, shrunk, saved }) => ({
        signature,
        first,
        on,
        runs: runsOf(failures, signature),
        opsBefore: shrunk.opsBefore,
        opsAfter: shrunk.opsAfter,
        isMinimal: shrunk.isMinimal,
        program: shrunk.failure.program,
        saved: "path" in saved ? saved.path : null,
      })),
    },
    interrupted: state === "interrupted",
    lost: state === "lost",
  };
}

/** Failed runs that did not repeat and are no timeouts: of a target that is not deterministic. */
export function unsteadyRuns({ failures }: SimSummary): NotRepeated[] {
  return failures.notRepeated.filter(({ counts }) => counts);
}

/** A run that did not repeat, as a line: `S:i on TARGET did not repeat: ...`. */
export function notRepeatedLine({ run, on, outcome, counts }: NotRepeated): string {
  const why = counts
    ? "the target is not deterministic"
    : "the machine stalled for --time-limit, which is no failure";
  return `${run} on ${on} did not repeat: it failed with the outcome ${outcome}, and agreed when it was replayed alone: ${why}`;
}

/** What the campaign found decides; an interruption is for the caller. */
export function verdictOf(summary: SimSummary, requiresCoverage: boolean): ExitStatus {
  const isBad = summary.failures.runs > 0 || unsteadyRuns(summary).length > 0 || summary.canary.differed > 0;
  const isShort = requiresCoverage && summary.underFloor.length > 0;
  return isBad || isShort ? ExitStatus.divergence : ExitStatus.agreement;
}

export function summaryLines(summary: SimSummary, paint: Terminal["paint"]): string[] {
  const { failures, canary, labels, underFloor } = summary;
  const shard = summary.shard === undefined ? "" : `, shard ${summary.shard}`;
  const lines = [
    paint("bold", `reached by the ${summary.lookedAt} runs looked at`),
    ...labels.map((label) => labelLine(label, summary.lookedAt, paint)),
    "",
  ];
  lines.push(
    `${summary.runs} runs of seed ${JSON.stringify(summary.seed)} on ${summary.on.join(", ")}${shard}: ` +
      `${summary.eventsPerRun} events a run, ${percent(summary.opsReached)} of the ops written were reached`,
  );
  if (underFloor.length > 0) {
    const names = underFloor.map(({ rule, text }) => `${rule} ${text}`).join("; ");
    lines.push(paint("yellow", `${underFloor.length} label(s) under their floor: ${names}`));
  }
  if (canary.runs > 0) {
    const verdict = canary.differed === 0 ? "all the same" : paint("red", `${canary.differed} DIFFERED`);
    lines.push(`${canary.runs} runs again in another process: ${verdict}`);
  }
  for (const { index, what } of canary.differing)
    lines.push(paint("red", `  ${runSeed(summary.seed, index)}: ${what} differed`));
  if (canary.differed > canary.differing.length)
    lines.push(`  ... and ${canary.differed - canary.differing.length} more`);
  for (const run of failures.notRepeated)
    lines.push(paint(run.counts ? "red" : "yellow", notRepeatedLine(run)));
  if (failures.notInvestigated > 0)
    lines.push(`${failures.notInvestigated} failed run(s) more were only counted`);
  for (const { signature, runs, first, saved } of failures.found) {
    lines.push(`${runs} run(s), the first ${first}: ${signature}${saved === null ? "" : ` -> ${saved}`}`);
  }
  lines.push(verdictLine(summary, paint));
  return lines;
}

/** The last line: a campaign that ended early has found no divergence so far, one target alone cannot diverge, and a shard may have no runs; all are less than none. */
function verdictLine(summary: SimSummary, paint: Terminal["paint"]): string {
  const { on, failures, interrupted, lost } = summary;
  const unsteady = unsteadyRuns(summary).length;
  const how = lost ? " (ended early: a target was lost)" : interrupted ? " (interrupted)" : "";
  if (failures.runs > 0) return paint("red", `${failures.runs} RUN(S) DIVERGED`) + how;
  if (unsteady > 0) return paint("red", `${unsteady} RUN(S) DID NOT REPEAT`) + how;
  if (summary.runs === 0 && summary.shard !== undefined && how === "")
    return paint(
      "yellow",
      `nothing was tested: shard ${summary.shard} has no runs, there are fewer ranges of runs than shards`,
    );
  if (on.length === 1)
    return paint("yellow", `nothing was compared: ${on[0]} is the only target, add another with --on${how}`);
  return how === "" ? paint("green", "no divergence") : paint("yellow", `no divergence so far${how}`);
}

function labelLine({ rule, text, runs, floor }: LabelTally, total: number, paint: Terminal["paint"]): string {
  const line = `  ${rule.padEnd(3)} ${text.padEnd(54)} ${String(runs).padStart(9)} ${percent(runs / Math.max(1, total)).padStart(7)}`;
  return runs < floor ? paint("yellow", `${line}  under its floor of ${floor}`) : line;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)}%`;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
