/**
 * Where the results of a campaign go: the record, the book of failures, and the terminal.
 *
 * Invariant: the record is exchanged as a whole, after a range with its failures is counted, so that whoever reads it in between sees only
 * whole ranges. A canary counts once its range does, whichever comes first.
 */
import { formatProgram } from "../report/program-text.js";
import { BatchRunner, type RangeResult, type RunRange } from "../sim/campaign/batch-runner.js";
import { runSeed } from "../sim/generate/run-seed.js";
import type { Target } from "../sim/target.js";
import type { FailureBook } from "../testing/failure-book.js";
import { type FoundFailure, failedRuns } from "../testing/failure-log.js";
import { failureLines } from "../testing/failure-text.js";
import { type CampaignEvents, type CanaryDifference, type OwedCanary, owedCanary } from "./campaign.js";
import { reproCommandOf } from "./campaign-command.js";
import type { CampaignRecord, CampaignState } from "./campaign-record.js";
import { addSample, type RateSample } from "./campaign-report.js";
import { added, canaryTally, eventsPerRun, tallyOf } from "./campaign-tally.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, worse } from "./exit-status.js";
import type { Progress } from "./progress.js";

interface SinkOptions {
  readonly isJson: boolean;
  /** False where failures are not to be saved: then it is no complaint that they are not. */
  readonly saves: boolean;
  /** Milliseconds that the campaign has run. */
  readonly elapsedMs: () => number;
  /** The target that the others are compared with. */
  readonly first: Target;
}

/** Runs that are told, one a line, as not deterministic; the summary counts all. */
const DIFFERING_TOLD_MAX = 100;

export class CampaignSink implements CampaignEvents {
  readonly #options: SinkOptions;
  readonly #context: CommandContext;
  readonly #progress: Progress;
  readonly #book: FailureBook;
  readonly #owed = new Map<number, OwedCanary>();
  /** Canaries that came before their ranges were counted. */
  readonly #early = new Map<number, readonly CanaryDifference[]>();
  #record: CampaignRecord;
  #told = 0;
  /** How often the process behind a target was started again: of the machine and the batches, and so in no record. */
  readonly restarts = new Map<string, number>();
  /** How far the campaign was when, for its report. */
  readonly samples: RateSample[] = [];
  /** What happened on the way to the exit status, failures of the runtime aside. */
  status: ExitStatus = ExitStatus.agreement;

  constructor(
    options: SinkOptions,
    context: CommandContext,
    start: CampaignRecord,
    progress: Progress,
    book: FailureBook,
  ) {
    this.#options = options;
    this.#context = context;
    this.#record = start;
    this.#progress = progress;
    this.#book = book;
    for (const owed of start.canariesOwed) this.#owed.set(owed.range.from, owed);
  }

  /** All that is counted so far. */
  get record(): CampaignRecord {
    return this.#record;
  }

  end(state: CampaignState): void {
    this.#record = { ...this.#record, state };
  }

  async onRange(result: RangeResult): Promise<boolean> {
    let counted = result;
    let goesOn = true;
    for (const failed of result.failures) {
      // After an interruption too: shrinking is over at once then, but no failure is lost.
      const { isRepeated, found } = await this.#book.add(failed);
      if (!isRepeated) this.#context.logger?.info(failed, "did not repeat");
      if (found === undefined) continue;
      this.#progress.clear();
      this.#tell(found);
      if (!this.#record.terms.bail) continue;
      counted = await this.#upTo(result, failed.index);
      goesOn = false;
      break;
    }
    this.#count(counted);
    const { tally, terms, failures } = this.#record;
    addSample(this.samples, { seconds: this.#options.elapsedMs() / 1000, runs: tally.runs });
    this.#progress.update({
      runs: tally.runs,
      runsTotal: terms.runs ?? Number.POSITIVE_INFINITY,
      events: eventsPerRun(tally) * tally.runs,
      failedRuns: failedRuns(failures),
    });
    return goesOn;
  }

  onRestart(on: string): void {
    this.restarts.set(on, (this.restarts.get(on) ?? 0) + 1);
    this.#context.logger?.warn({ on }, "the process behind a target was lost, and started again");
  }

  onStall(index: number): void {
    const run = runSeed(this.#record.terms.seed, index);
    this.#context.terminal.complain(
      `run ${run} timed out in another process, and not when it was run there once more: it does not count`,
    );
  }

  onCanary(range: RunRange, differing: readonly CanaryDifference[]): void {
    if (this.#owed.has(range.from)) this.#credit(range.from, differing);
    else this.#early.set(range.from, differing);
  }

  #count(result: RangeResult): void {
    const { from, count } = result.range;
    const owed = owedCanary(result);
    if (owed !== undefined) this.#owed.set(from, owed);
    this.#record = {
      ...this.#record,
      next: from + count,
      tally: added(this.#record.tally, tallyOf(result)),
      failures: this.#book.log,
      canariesOwed: [...this.#owed.values()],
    };
    const early = this.#early.get(from);
    this.#early.delete(from);
    if (early !== undefined) this.#credit(from, early);
  }

  #credit(from: number, differing: readonly CanaryDifference[]): void {
    const { range } = this.#owed.get(from)!;
    this.#owed.delete(from);
    const counted = differing.filter(({ index }) => index < range.from + range.count);
    const tally = added(this.#record.tally, canaryTally(range.count, counted));
    this.#record = { ...this.#record, tally, canariesOwed: [...this.#owed.values()] };
    for (const { index, what } of counted) {
      if (this.#told++ >= DIFFERING_TOLD_MAX) return;
      this.#context.terminal.complain(
        `run ${runSeed(this.#record.terms.seed, index)} is not deterministic: ${what} differed in another process`,
      );
    }
  }

  /** The part of a range up to a run: what a campaign that ends there has run. */
  async #upTo(result: RangeResult, last: number): Promise<RangeResult> {
    const { terms } = this.#record;
    const range = { from: result.range.from, count: last + 1 - result.range.from };
    const part = await new BatchRunner([this.#options.first], terms.constraints).run(terms.seed, range);
    return { ...part, failures: result.failures, digests: result.digests.slice(0, range.count) };
  }

  #tell(found: FoundFailure): void {
    const { terminal } = this.#context;
    const { saves, isJson } = this.#options;
    if (!isJson) {
      const again = reproCommandOf(found, this.#record.terms);
      for (const line of failureLines(found, again, terminal)) terminal.print(line);
    }
    this.#context.logger?.info({ signature: found.signature, first: found.first }, "found a failure");
    if (!("complaint" in found.saved) || !saves) return;
    terminal.complain(`${found.saved.complaint}: the failure was not saved${isJson ? "; its program:" : ""}`);
    if (isJson) terminal.tell(formatProgram(found.shrunk.failure.program));
    this.status = worse(this.status, ExitStatus.badInput);
  }
}
