/**
 * `lockstep status`: how far the campaigns are that have a journal in a folder, while they run or after they were stopped.
 *
 * It reads and changes nothing. A campaign whose process is gone without a word was killed; one of another machine cannot be asked about.
 */
import { failedRuns, runsOf } from "../testing/failure-log.js";
import { fileComplaint } from "../testing/text-file.js";
import { resumeCommand } from "./campaign-command.js";
import { type Journals, journalsOf, type NotedCampaign } from "./campaign-journal.js";
import { leftToRun } from "./campaign-record.js";
import type { CommandContext } from "./command-context.js";
import { durationText } from "./duration.js";
import { ExitStatus } from "./exit-status.js";
import type { Terminal } from "./terminal.js";

export interface StatusOptions {
  readonly json?: boolean;
}

/** `stopped`: by a signal, or when a target was lost. `elsewhere`: its process is of another machine. */
type State = "running" | "stopped" | "killed" | "elsewhere";

interface CampaignStatus {
  readonly state: State;
  readonly pid: number;
  readonly host: string;
  readonly seed: string;
  readonly on: readonly string[];
  readonly runs: number;
  /** Null where time decides. */
  readonly runsTotal: number | null;
  readonly seconds: number;
  readonly failedRuns: number;
  readonly failures: readonly { readonly signature: string; readonly first: string; readonly runs: number }[];
  readonly inFlight: readonly { readonly from: number; readonly count: number }[];
  readonly written: string;
  /** The command that goes on with it; null while it runs. */
  readonly resume: string | null;
}

export async function statusCommand(
  folder: string,
  options: StatusOptions,
  { terminal }: CommandContext,
): Promise<ExitStatus> {
  let journals: Journals;
  let campaigns: CampaignStatus[];
  try {
    journals = journalsOf(folder);
    campaigns = journals.campaigns.map((noted) => statusOf(noted, folder));
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === "ENOTDIR"
        ? "is not a folder"
        : fileComplaint(error, "folder");
    terminal.complain(`${folder}: ${why}: expected the journal of lockstep sim`);
    return ExitStatus.badInput;
  }
  if (options.json === true) terminal.print(JSON.stringify(campaigns));
  else if (campaigns.length + journals.complaints.length === 0)
    terminal.print(`${folder}: no campaign runs or was stopped here`);
  else
    for (const campaign of campaigns)
      for (const line of statusLines(campaign, terminal.paint)) terminal.print(line);
  for (const complaint of journals.complaints) terminal.complain(complaint);
  return journals.complaints.length > 0 ? ExitStatus.badInput : ExitStatus.agreement;
}

function statusOf({ head, record, liveness }: NotedCampaign, folder: string): CampaignStatus {
  const { terms, tally, failures } = record;
  const left = leftToRun(record).count;
  const ended: State = record.state === "running" ? "killed" : "stopped";
  const state: State = liveness === "gone" ? ended : liveness;
  return {
    state,
    pid: head.process.pid,
    host: head.process.host,
    seed: terms.seed,
    on: terms.on,
    runs: tally.runs,
    runsTotal: Number.isFinite(left) ? tally.runs + left : null,
    seconds: Math.round(head.elapsedMs / 1000),
    failedRuns: failedRuns(failures),
    failures: failures.found.map(({ signature, first }) => ({
      signature,
      first,
      runs: runsOf(failures, signature),
    })),
    inFlight: head.inFlight,
    written: head.written,
    resume: state === "running" ? null : resumeCommand(record, head.unrecorded, folder),
  };
}

function statusLines(status: CampaignStatus, paint: Terminal["paint"]): string[] {
  const { state, pid, host, seed, on, runs, runsTotal, seconds, failedRuns, failures, written, resume } =
    status;
  const where = state === "elsewhere" ? `on ${host}, process ${pid}` : `process ${pid}`;
  const total = runsTotal === null ? "" : ` of ${runsTotal}`;
  const rate = seconds > 0 ? `, ${Math.round(runs / seconds)} runs/s` : "";
  return [
    paint(
      state === "running" ? "green" : "yellow",
      `${state.toUpperCase()}  seed ${JSON.stringify(seed)} on ${on.join(", ")} (${where})`,
    ),
    `  ${runs}${total} runs in ${durationText(seconds * 1000)}${rate}, ${failedRuns} failed; as of ${written}`,
    ...failures.map((failure) =>
      paint("red", `  ${failure.runs} run(s), the first ${failure.first}: ${failure.signature}`),
    ),
    ...(resume === null ? [] : [`  go on:  ${resume}`]),
  ];
}
