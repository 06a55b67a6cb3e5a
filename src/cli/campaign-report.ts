/**
 * `sim --report DIR`: index.html with the numbers of the campaign, and beside it a time line for each failure, of its shrunk program.
 *
 * Each file is written whole or not at all. The traces are taken once more from the targets, which are open anyway.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { LABELS, LabelIndex } from "../sim/campaign/labels.js";
import { type Side, traceOf } from "../sim/diff.js";
import { batchOf, encodeProgram } from "../sim/encode-program.js";
import type { Target } from "../sim/target.js";
import type { FoundFailure } from "../testing/failure-book.js";
import { fileComplaint } from "../testing/text-file.js";
import { type Bar, campaignHtml } from "../view/campaign-html.js";
import { pageHtml } from "../view/page-html.js";
import type { SimSummary } from "./campaign-summary.js";
import { durationText } from "./duration.js";
import { pageAssets, viewDataOf } from "./view-command.js";
import { writeOutput } from "./write-output.js";

export interface RateSample {
  readonly seconds: number;
  readonly runs: number;
}

/** Samples stand so far apart at least, in seconds and as a share of the time so far: a week's campaign keeps a few thousand. */
const SAMPLE_SECONDS_MIN = 0.25;
const SAMPLE_SHARE_MIN = 1 / 200;

/** Appends a sample, unless it comes too soon after the last to say anything. */
export function addSample(samples: RateSample[], sample: RateSample): void {
  const sinceLast = sample.seconds - (samples.at(-1)?.seconds ?? 0);
  if (sinceLast >= Math.max(SAMPLE_SECONDS_MIN, sample.seconds * SAMPLE_SHARE_MIN)) samples.push(sample);
}

export interface CampaignReport {
  readonly summary: SimSummary;
  readonly samples: readonly RateSample[];
  readonly found: readonly FoundFailure[];
  /** By name. */
  readonly targets: ReadonlyMap<string, Target>;
}

/** The labels that are ways to end; every other run that was looked at completed. */
const ENDINGS: readonly number[] = LABELS.flatMap(({ text }, label) => {
  const isNamed =
    label === LabelIndex.deadlock || label === LabelIndex.ioHang || label === LabelIndex.overflow;
  return isNamed || / panics$/.test(text) ? [label] : [];
});

/** Makes the folder if it is not there. The line to complain with, or undefined. */
export async function reportFolderComplaint(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { recursive: true });
    return undefined;
  } catch (error) {
    return `${folder}: ${fileComplaint(error)}: the report is written there`;
  }
}

/** The line to complain with, or undefined when all files are there. */
export async function writeReport(folder: string, report: CampaignReport): Promise<string | undefined> {
  const { summary, samples, found } = report;
  const assets = await pageAssets();
  for (const [i, failure] of found.entries()) {
    const html = pageHtml(viewDataOf(await viewedFailure(failure, report.targets)), assets);
    const complaint = await writeOutput(join(folder, failurePage(i)), html);
    if (complaint !== undefined) return complaint;
  }
  const page = {
    title: `Campaign ${summary.seed} on ${summary.on.join(", ")}`,
    numbers: numbersOf(summary),
    outcomes: outcomesOf(summary),
    labels: summary.labels.map(({ rule, text, runs, floor }) => ({
      name: `${rule} ${text}`,
      count: runs,
      isShort: runs < floor,
    })),
    lookedAt: summary.lookedAt,
    // A campaign too short for a sample has its average.
    samples: samples.length > 0 ? samples : [{ seconds: summary.seconds, runs: summary.runs }],
    failures: summary.failures.found.map(({ signature, first, runs, opsAfter }, i) => ({
      signature,
      first,
      runs,
      ops: opsAfter,
      page: failurePage(i),
    })),
  };
  return writeOutput(join(folder, "index.html"), campaignHtml(page, assets.campaignStyle));
}

function failurePage(i: number): string {
  return `failure-${i + 1}.html`;
}

async function viewedFailure({ first, on, shrunk }: FoundFailure, targets: ReadonlyMap<string, Target>) {
  const { program } = shrunk.failure;
  const [expected] = targets.keys();
  const names = [expected!, on];
  const batch = batchOf([encodeProgram(program)]);
  const sides: Side[] = [];
  for (const name of names) {
    const target = targets.get(name)!;
    const words = traceOf(await target.replay(batch), 0).slice();
    sides.push({ on: name, words, readiness: target.readiness });
  }
  const title = `${first}, shrunk to ${shrunk.opsAfter} ops`;
  const found = { program, title, fileName: "failure" };
  return { found, sides, again: `lockstep repro ${first} --on ${names.join(",")}` };
}

function numbersOf(summary: SimSummary): [string, string][] {
  const { seed, runs, on, jobs, seconds, runsPerSecond, eventsPerRun, opsReached, canary, failures } =
    summary;
  return [
    ["seed", seed],
    ["runs", String(runs)],
    ["targets", on.join(", ")],
    ["worker processes", String(jobs)],
    ["time", durationText(seconds * 1000)],
    ["runs a second", String(runsPerSecond)],
    ["events a run", String(eventsPerRun)],
    ["ops reached", `${(opsReached * 100).toFixed(1)}%`],
    ["runs again in another process", `${canary.runs}, ${canary.differing.length} differed`],
    ["runs that diverged", String(failures.runs)],
    ["labels under their floor", String(summary.underFloor.length)],
    ["interrupted", summary.interrupted ? "yes" : "no"],
  ];
}

function outcomesOf({ labels, lookedAt }: SimSummary): Bar[] {
  const endings = ENDINGS.map((label) => labels[label]!);
  const completed = lookedAt - endings.reduce((sum, { runs }) => sum + runs, 0);
  return [
    { name: "completed", count: completed, isShort: false },
    ...endings.map(({ text, runs }) => ({ name: text, count: runs, isShort: false })),
  ];
}
