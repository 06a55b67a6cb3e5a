/**
 * The summary of a campaign: the JSON of `sim --json`, and the same as lines for people.
 */
import type { Program } from "../sim/program.js";
import type { CampaignSetup } from "../testing/campaign-setup.js";
import type { FailureBook } from "../testing/failure-book.js";
import type { CampaignPlan, CanaryDifference } from "./campaign.js";
import type { CampaignTally, LabelTally } from "./campaign-tally.js";
import { durationText } from "./duration.js";
import type { Terminal } from "./terminal.js";

export interface SimSummary {
  readonly seed: string;
  readonly from: number;
  readonly runs: number;
  readonly on: readonly string[];
  readonly jobs: number;
  readonly seconds: number;
  readonly runsPerSecond: number;
  /** Records of a run's trace, on the average. */
  readonly eventsPerRun: number;
  /** Runs whose traces were read for coverage: all at first, every eighth of a long campaign. */
  readonly lookedAt: number;
  /** Of the ops written, the share that ran at least once: 0 to 1. */
  readonly opsReached: number;
  readonly labels: readonly LabelTally[];
  readonly underFloor: readonly LabelTally[];
  readonly canary: { readonly runs: number; readonly differing: readonly CanaryDifference[] };
  readonly failures: {
    readonly runs: number;
    /** Failed runs that were counted and not looked at. */
    readonly notInvestigated: number;
    /** Failed runs that agreed when replayed alone. */
    readonly vanished: readonly string[];
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

export interface CampaignEnd {
  readonly setup: CampaignSetup;
  readonly plan: CampaignPlan;
  readonly tally: CampaignTally;
  readonly book: FailureBook;
  readonly elapsedMs: number;
  readonly isInterrupted: boolean;
  readonly isLost: boolean;
}

export function simSummary({
  setup,
  plan,
  tally,
  book,
  elapsedMs,
  isInterrupted,
  isLost,
}: CampaignEnd): SimSummary {
  const seconds = elapsedMs / 1000;
  return {
    seed: setup.seed,
    from: plan.from,
    runs: tally.runs,
    on: setup.on,
    jobs: plan.jobs,
    seconds: rounded(seconds, 3),
    runsPerSecond: Math.round(tally.runs / seconds),
    eventsPerRun: rounded(tally.eventsPerRun, 1),
    lookedAt: tally.lookedAt,
    opsReached: rounded(tally.opsReached / Math.max(1, tally.opsWritten), 3),
    labels: tally.labels(),
    underFloor: tally.underFloor(),
    canary: { runs: tally.canaryRuns, differing: tally.canaryDiffering },
    failures: {
      runs: tally.failedRuns,
      notInvestigated: book.notInvestigated,
      vanished: book.vanished,
      found: book.found.map(({ signature, first, on, runs, shrunk, saved }) => ({
        signature,
        first,
        on,
        runs,
        opsBefore: shrunk.opsBefore,
        opsAfter: shrunk.opsAfter,
        isMinimal: shrunk.isMinimal,
        program: shrunk.failure.program,
        saved: "path" in saved ? saved.path : null,
      })),
    },
    interrupted: isInterrupted,
    lost: isLost,
  };
}

export function summaryLines(summary: SimSummary, paint: Terminal["paint"]): string[] {
  const { failures, canary, labels, underFloor } = summary;
  const lines = [
    paint("bold", `reached by the ${summary.lookedAt} runs looked at`),
    ...labels.map((label) => labelLine(label, summary.lookedAt, paint)),
    "",
  ];
  lines.push(
    `${summary.runs} runs of seed ${JSON.stringify(summary.seed)} on ${summary.on.join(", ")} in ${durationText(summary.seconds * 1000)}: ` +
      `${summary.runsPerSecond} runs/s, ${summary.eventsPerRun} events a run, ${percent(summary.opsReached)} of the ops written were reached`,
  );
  if (underFloor.length > 0) {
    const names = underFloor.map(({ rule, text }) => `${rule} ${text}`).join("; ");
    lines.push(paint("yellow", `${underFloor.length} label(s) under their floor: ${names}`));
  }
  if (canary.runs > 0) {
    const verdict =
      canary.differing.length === 0 ? "all the same" : paint("red", `${canary.differing.length} DIFFERED`);
    lines.push(`${canary.runs} runs again in another process: ${verdict}`);
  }
  for (const run of failures.vanished)
    lines.push(paint("red", `${run} failed, and agreed when it was replayed alone`));
  if (failures.notInvestigated > 0)
    lines.push(`${failures.notInvestigated} failed run(s) more were only counted`);
  for (const { signature, runs, first, saved } of failures.found) {
    lines.push(`${runs} run(s), the first ${first}: ${signature}${saved === null ? "" : ` -> ${saved}`}`);
  }
  lines.push(verdictLine(summary, paint));
  return lines;
}

/** The last line: a campaign that ended early has found no divergence so far, which is less than none. */
function verdictLine({ failures, interrupted, lost }: SimSummary, paint: Terminal["paint"]): string {
  const how = lost ? " (ended early: a target was lost)" : interrupted ? " (interrupted)" : "";
  if (failures.runs > 0) return paint("red", `${failures.runs} RUN(S) DIVERGED`) + how;
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
