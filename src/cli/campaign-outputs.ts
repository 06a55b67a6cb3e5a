/**
 * What `sim` and `merge` make of a campaign's record: the summary, the record's file, JUnit XML, the HTML report, and what GitHub is told.
 *
 * Each follows from the record alone, so that shards that were merged give the bytes of a campaign in one piece; only the rate over time, which
 * `sim` adds to its report, does not.
 */
import { runSeed } from "../sim/generate/run-seed.js";
import type { FoundFailure } from "../testing/failure-log.js";
import { failureLines } from "../testing/failure-text.js";
import { campaignCommand, reproCommandOf } from "./campaign-command.js";
import { type CampaignRecord, recordText } from "./campaign-record.js";
import { type RateSample, reportFolderComplaint, writeReport } from "./campaign-report.js";
import {
  notRepeatedLine,
  type SimSummary,
  simSummary,
  summaryLines,
  unsteadyRuns,
  verdictOf,
} from "./campaign-summary.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, worse } from "./exit-status.js";
import { type Annotations, markdownCode, markdownTable, markdownText, tellGithub } from "./github.js";
import { type JunitComplaint, junitXml } from "./junit-xml.js";
import { outputFileComplaint, sameOutputComplaint, writeOutput } from "./write-output.js";

export interface OutputOptions {
  readonly json?: boolean;
  readonly requireCoverage?: boolean;
  /** Where the record is written, once the campaign has ended. */
  readonly out?: string;
  readonly junit?: string;
  /** A folder of HTML pages. */
  readonly report?: string;
  readonly annotations: Annotations;
}

/** What is wrong with the places that are to be written, before anything runs; undefined when nothing is. */
export function outputsComplaint({ out, junit, report }: OutputOptions): string | undefined {
  for (const path of [out, junit]) {
    const complaint = path === undefined ? undefined : outputFileComplaint(path);
    if (complaint !== undefined) return complaint;
  }
  return (
    sameOutputComplaint([out, junit]) ?? (report === undefined ? undefined : reportFolderComplaint(report))
  );
}

/** Writes and prints all that was asked for. The verdict, or 2 where something could not be written. */
export async function writeOutputs(
  record: CampaignRecord,
  options: OutputOptions,
  { terminal }: CommandContext,
  samples: readonly RateSample[],
): Promise<ExitStatus> {
  const summary = simSummary(record);
  const requiresCoverage = options.requireCoverage === true;
  const complaints: (string | undefined)[] = [];
  // A record that is there is of a campaign that has ended: whoever finds one need not look into it.
  if (options.out !== undefined && record.state === "ended")
    complaints.push(await writeOutput(options.out, recordText(record)));
  if (options.report !== undefined)
    complaints.push(await writeReport(options.report, summary, record.failures.found, samples));
  if (options.junit !== undefined)
    complaints.push(await writeOutput(options.junit, campaignJunit(record, summary, requiresCoverage)));
  let status = verdictOf(summary, requiresCoverage);
  for (const complaint of complaints) {
    if (complaint === undefined) continue;
    terminal.complain(complaint);
    status = worse(status, ExitStatus.badInput);
  }
  if (options.json === true) terminal.print(JSON.stringify(summary));
  else for (const line of summaryLines(summary, terminal.paint)) terminal.print(line);
  if (options.annotations === "github") {
    const annotations = troubles(record, summary, requiresCoverage).map(({ message, text, file }) => ({
      title: `lockstep: ${message}`,
      message: text,
      ...(file === undefined ? {} : { file }),
    }));
    await tellGithub(annotations, stepSummary(record, summary, requiresCoverage), terminal);
  }
  return status;
}

interface Trouble extends JunitComplaint {
  readonly file?: string;
}

/** Everything that makes the campaign fail, in order. */
function troubles(record: CampaignRecord, summary: SimSummary, requiresCoverage: boolean): Trouble[] {
  const { canary, underFloor } = summary;
  const list: Trouble[] = record.failures.found.map((found) => ({
    type: "divergence",
    message: found.signature,
    text: plainReport(found, record),
    ...("path" in found.saved ? { file: found.saved.path } : {}),
  }));
  const unsteady = unsteadyRuns(summary);
  if (unsteady.length > 0)
    list.push({
      type: "nondeterminism",
      message: `${unsteady.length} run(s) did not repeat: they failed, and agreed when replayed alone`,
      text: unsteady.map(notRepeatedLine).join("\n"),
    });
  if (canary.differed > 0)
    list.push({
      type: "nondeterminism",
      message: `${canary.differed} run(s) differed in another process`,
      text: canary.differing.map(({ index, what }) => `${runSeed(summary.seed, index)}: ${what}`).join("\n"),
    });
  if (requiresCoverage && underFloor.length > 0)
    list.push({
      type: "coverage",
      message: `${underFloor.length} label(s) under their floor`,
      text: underFloor
        .map(({ rule, text, runs, floor }) => `${rule} ${text}: ${runs} of at least ${floor} runs`)
        .join("\n"),
    });
  return list;
}

/** As on a terminal without colour, 100 columns wide. */
function plainReport(found: FoundFailure, { terms }: CampaignRecord): string {
  return failureLines(found, reproCommandOf(found, terms), { paint: (_, text) => text, columns: 100 })
    .join("\n")
    .trimEnd();
}

function campaignJunit(record: CampaignRecord, summary: SimSummary, requiresCoverage: boolean): string {
  const { terms, state } = record;
  const how = { ended: undefined, running: undefined, interrupted: "interrupted", lost: "a target was lost" }[
    state
  ];
  const ended: JunitComplaint[] =
    how === undefined
      ? []
      : [{ type: "ended early", message: `ended early: ${how}`, text: `after ${summary.runs} runs` }];
  return junitXml({
    name: "lockstep sim",
    properties: [
      ["seed", terms.seed],
      ["from", String(terms.from)],
      ["runs", String(summary.runs)],
      ["targets", terms.on.join(",")],
      ["version", terms.version],
      ["failed runs", String(summary.failures.runs)],
      ["runs that did not repeat", String(summary.failures.notRepeated.length)],
      ["repro", campaignCommand(record)],
      ...summary.failures.found.flatMap(({ signature, first, on }, i): [string, string][] => [
        [`failure ${i + 1} signature`, signature],
        [`failure ${i + 1} repro`, reproCommandOf({ first, on }, terms)],
      ]),
    ],
    cases: [
      {
        classname: "lockstep.sim",
        name: `seed ${terms.seed} on ${terms.on.join(", ")}`,
        failures: troubles(record, summary, requiresCoverage),
        errors: ended,
      },
    ],
  });
}

/** For the page of a job: the numbers, the failures, and the commands that repeat them. */
function stepSummary(record: CampaignRecord, summary: SimSummary, requiresCoverage: boolean): string {
  const { failures, canary } = summary;
  const numbers: [string, string][] = [
    ["runs", String(summary.runs)],
    ["targets", summary.on.join(", ")],
    ["runs that diverged", String(failures.runs)],
    ["runs that did not repeat", String(failures.notRepeated.length)],
    ["runs again in another process", `${canary.runs}, ${canary.differed} differed`],
    ["labels under their floor", String(summary.underFloor.length)],
  ];
  const list = troubles(record, summary, requiresCoverage);
  return [
    `### lockstep sim: ${list.length === 0 ? summaryLines(summary, (_, text) => text).at(-1) : "FAILED"}`,
    "",
    markdownTable(["campaign", summary.seed], numbers),
    "",
    `Again: \`${campaignCommand(record).replaceAll("`", "'")}\``,
    ...list.flatMap(({ message, text }) => ["", `**${markdownText(message)}**`, "", markdownCode(text)]),
    "",
  ].join("\n");
}
