/**
 * `sim --report DIR`: index.html with the numbers of the campaign, and beside it a time line for each failure, of its shrunk program.
 *
 * Each file is written whole or not at all. The traces are those that the failure was found with.
 */
import { join } from "node:path";
import { makeFolder } from "../native-bridge/make-folder.js";
import { LABELS, LabelIndex } from "../sim/campaign/labels.js";
import type { Side } from "../sim/diff.js";
import type { FoundFailure } from "../testing/failure-log.js";
import { fileComplaint } from "../testing/text-file.js";
import { type Bar, campaignHtml } from "../view/campaign-html.js";
import { pageHtml } from "../view/page-html.js";
import type { SimSummary } from "./campaign-summary.js";
import { pageAssets, viewDataOf } from "./view-command.js";
import { outputFolderComplaint, writeOutput } from "./write-output.js";

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

/** The labels that are ways to end; every other run that was looked at completed. */
const ENDINGS: readonly number[] = LABELS.flatMap(({ text }, label) => {
  const isNamed =
    label === LabelIndex.deadlock || label === LabelIndex.ioHang || label === LabelIndex.overflow;
  return isNamed || / panics$/.test(text) ? [label] : [];
});

const INDEX = "index.html";

/** What is wrong with the folder, before anything runs: it is made when the report is written. The line to complain with, or undefined. */
export function reportFolderComplaint(folder: string): string | undefined {
  const complaint = outputFolderComplaint(folder, INDEX);
  return complaint === undefined ? undefined : `${complaint}: the report is written there`;
}

/**
 * The line to complain with, or undefined when all files are there. `samples`: the rate over time, which is of this machine and stands in a
 * part of its own; none to leave that out.
 */
export async function writeReport(
  folder: string,
  summary: SimSummary,
  found: readonly FoundFailure[],
  samples: readonly RateSample[],
): Promise<string | undefined> {
  try {
    makeFolder(folder);
  } catch (error) {
    return `${folder}: ${fileComplaint(error, "folder")}: the report is written there`;
  }
  const assets = await pageAssets();
  for (const [i, failure] of found.entries()) {
    const html = pageHtml(viewDataOf(viewedFailure(failure, summary.on[0]!)), assets);
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
    samples,
    failures: summary.failures.found.map(({ signature, first, runs, opsAfter }, i) => ({
      signature,
      first,
      runs,
      ops: opsAfter,
      page: failurePage(i),
    })),
  };
  return writeOutput(join(folder, INDEX), campaignHtml(page, assets.campaignStyle));
}

function failurePage(i: number): string {
  return `failure-${i + 1}.html`;
}

function viewedFailure({ first, on, shrunk }: FoundFailure, expectedOn: string) {
  const { program, expected, came, readiness } = shrunk.failure;
  const names = [expectedOn, on];
  const sides: Side[] = [
    { on: expectedOn, words: expected, readiness: readiness.expected },
    { on, words: came, readiness: readiness.came },
  ];
  const title = `${first}, shrunk to ${shrunk.opsAfter} ops`;
  const found = { program, title, fileName: "failure" };
  return { found, sides, again: `lockstep repro ${first} --on ${names.join(",")}` };
}

function numbersOf(summary: SimSummary): [string, string][] {
  const { seed, runs, on, eventsPerRun, opsReached, canary, failures } = summary;
  return [
    ["seed", seed],
    ["runs", String(runs)],
    ["targets", on.join(", ")],
    ["events a run", String(eventsPerRun)],
    ["ops reached", `${(opsReached * 100).toFixed(1)}%`],
    ["runs again in another process", `${canary.runs}, ${canary.differed} differed`],
    ["runs that diverged", String(failures.runs)],
    ["runs that did not repeat", String(failures.notRepeated.length)],
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
