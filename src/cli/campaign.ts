/**
 * Runs a campaign on a pool of worker processes and hands over its results in the order of its runs.
 *
 * Guarantee: what `onRange` sees, and in which order, depends on the seed, the targets and the number of runs alone, not on the number of
 * workers or on which was faster; only where the campaign stops may depend on time (`deadlineMs`) or on an interruption. A share of the
 * runs is run a second time in another process (the canary), and both must give the same digests.
 */
import { type RangeResult, type RunRange, STALL } from "../sim/campaign/batch-runner.js";
import type { CampaignSetup } from "../testing/campaign-setup.js";
import type { CampaignJournal } from "./campaign-journal.js";
import { CampaignWorker } from "./campaign-pool.js";
import type { ExitStatus } from "./exit-status.js";

export interface CampaignPlan {
  readonly setup: CampaignSetup;
  readonly from: number;
  /** How many runs, or Infinity where time decides. */
  readonly runs: number;
  readonly rangeRuns: number;
  /** True where an earlier part of the campaign has counted runs. */
  readonly goesOn: boolean;
  readonly jobs: number;
  /** Of 100 runs, how many the canary runs again. */
  readonly canaryPercent: number;
  /** What an earlier part of the campaign left for the canary. */
  readonly canariesOwed: readonly OwedCanary[];
  /** When to start no more ranges, on the clock of performance.now(); Infinity where runs decide. */
  readonly deadlineMs: number;
}

export interface CampaignEvents {
  /** In order of runs. Answers false to stop the campaign. */
  onRange(result: RangeResult): Promise<boolean>;
  /** Runs that were run again, and of those that differed what did: `the program`, or the trace of a target. In any order. */
  onCanary(range: RunRange, differing: readonly CanaryDifference[]): void;
  /** The process behind a target was lost in a worker, and started again: no result depends on it. */
  onRestart(on: string): void;
  /** A run of the canary that differed by a timeout, and did not when it was run once more. */
  onStall(index: number): void;
}

/** What differs where a target gave another trace, in a `CanaryDifference`. */
function traceOn(target: string): string {
  return `the trace on ${target}`;
}

export interface CanaryDifference {
  readonly index: number;
  readonly what: string;
}

/** A range to be run again elsewhere, with what it gave the first time. */
export interface OwedCanary {
  readonly range: RunRange;
  readonly digests: RangeResult["digests"];
  /** Runs that timed out the first time, on that target or the first: they are failures, and not told once more as different. */
  readonly stalled: readonly { readonly index: number; readonly on: string }[];
}

/** What the canary is to run again of a range: its first runs, as far as they have digests. */
export function owedCanary({ range, digests, failures }: RangeResult): OwedCanary | undefined {
  if (digests.length === 0) return undefined;
  const stalled = failures
    .filter(({ index, outcome }) => outcome === STALL && index < range.from + digests.length)
    .map(({ index, on }) => ({ index, on }));
  return { range: { from: range.from, count: digests.length }, digests, stalled };
}

interface CanaryTask extends OwedCanary {
  /** Undefined for one of another process: any worker will do. */
  readonly ranBy: CampaignWorker | undefined;
}

/**
 * How many of the first runs of a range the canary runs again. By index, so that a campaign in parts runs as many again as one in a
 * piece.
 */
function canaryRuns({ from, count }: RunRange, percent: number): number {
  return Math.floor(((from + count) * percent) / 100) - Math.floor((from * percent) / 100);
}

/** A range that will be started, and when it may be: the journal names it then. */
interface AnnouncedRange {
  readonly range: RunRange;
  readonly noted: Promise<void>;
}

/** The first worker that could not start: why, and with what exit status. */
interface NoCampaign {
  readonly complaint: string;
  readonly status: ExitStatus;
}

export class Campaign {
  readonly #plan: CampaignPlan;
  readonly #journal: CampaignJournal;
  readonly #events: CampaignEvents;
  readonly #interrupted: AbortSignal;
  readonly #finished = new Map<number, RangeResult>();
  readonly #canaries: CanaryTask[] = [];
  /** Ranges that are noted in the journal, or about to be, and not started: of higher runs than any that is. */
  readonly #announced: AnnouncedRange[] = [];
  #next: number;
  #handedOver: number;
  /** No range is started any more. */
  #takesNone = false;
  /** No range is counted any more: `onRange` has said so. */
  #countsNone = false;
  #hasStarted = false;
  /** Ranges under way. */
  #running = 0;
  #wakeSpare: () => void = () => {};
  #handing: Promise<void> = Promise.resolve();

  constructor(
    plan: CampaignPlan,
    journal: CampaignJournal,
    events: CampaignEvents,
    interrupted: AbortSignal,
  ) {
    this.#plan = plan;
    this.#journal = journal;
    this.#events = events;
    this.#interrupted = interrupted;
    this.#next = plan.from;
    this.#handedOver = plan.from;
    this.#canaries.push(...plan.canariesOwed.map((owed) => ({ ...owed, ranBy: undefined })));
  }

  /**
   * Comes back when every range that was started is done and handed over. @throws TargetError when a target or worker is lost: what was
   * done before is handed over all the same, and the journal keeps what was not.
   */
  async run(): Promise<NoCampaign | undefined> {
    const { jobs, canaryPercent, setup } = this.#plan;
    // The canary needs a process other than the one that ran a range first.
    const processes = canaryPercent > 0 ? Math.max(2, jobs) : jobs;
    const started = await Promise.allSettled(
      Array.from({ length: processes }, () =>
        CampaignWorker.start(setup, (on) => this.#events.onRestart(on)),
      ),
    );
    const answers = started.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const workers = answers.filter((worker) => worker instanceof CampaignWorker);
    try {
      for (const start of started) if (start.status === "rejected") throw start.reason;
      for (const answer of answers) if (!(answer instanceof CampaignWorker)) return answer;
      const drives = await Promise.allSettled(workers.map((worker, i) => this.#drive(worker, i >= jobs)));
      await this.#handing;
      for (const drive of drives) if (drive.status === "rejected") throw drive.reason;
      for (const task of this.#canaries.splice(0)) {
        await this.#runCanary(workers.find((worker) => worker !== task.ranBy)!, task);
      }
      return undefined;
    } finally {
      for (const worker of workers) worker.stop();
    }
  }

  /** Keeps a worker busy until there is nothing left to start. A spare one only runs what others have run before. */
  async #drive(worker: CampaignWorker, isSpare: boolean): Promise<void> {
    try {
      for (;;) {
        const canary = this.#canaries.findIndex((task) => task.ranBy !== worker);
        if (canary !== -1) await this.#runCanary(worker, this.#canaries.splice(canary, 1)[0]!);
        else if (isSpare && (this.#running > 0 || this.#hasMore())) await this.#changed();
        else if (isSpare || !(await this.#runNext(worker))) return;
      }
    } catch (error) {
      this.#takesNone = true;
      this.#withdraw();
      this.#wakeSpare();
      throw error;
    }
  }

  async #runNext(worker: CampaignWorker): Promise<boolean> {
    this.#announce();
    const announced = this.#announced.shift();
    if (announced === undefined) {
      this.#wakeSpare();
      return false;
    }
    const { range, noted } = announced;
    this.#running++;
    try {
      await noted;
      if (this.#isOver()) {
        this.#journal.end(range);
        this.#withdraw();
        return false;
      }
      this.#hasStarted = true;
      // The next one is noted while this one runs.
      this.#announce();
      const digestCount = canaryRuns(range, this.#plan.canaryPercent);
      const result = await worker.run(range, digestCount);
      const owed = owedCanary(result);
      if (owed !== undefined) this.#canaries.push({ ...owed, ranBy: worker });
      this.#handOver(result);
      await this.#handing;
    } finally {
      this.#running--;
      this.#wakeSpare();
    }
    return true;
  }

  /** Resolves when a range has ended, or none is started any more. */
  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeSpare = resolve;
    });
  }

  /** Has a range ready for each worker, as long as there are any. */
  #announce(): void {
    const { from, runs, rangeRuns, jobs } = this.#plan;
    while (this.#announced.length < jobs && this.#hasMore() && this.#next < from + runs) {
      const range = { from: this.#next, count: Math.min(from + runs - this.#next, rangeRuns) };
      this.#next += range.count;
      const noted = this.#journal.begin(range);
      // Waited for when the range is taken; until then it may fail unheard.
      noted.catch(() => {});
      this.#announced.push({ range, noted });
    }
    if (this.#isOver()) this.#withdraw();
  }

  /** Takes back what was announced: it will not be started. */
  #withdraw(): void {
    for (const { range } of this.#announced.splice(0)) this.#journal.end(range);
  }

  #hasMore(): boolean {
    const { from, runs } = this.#plan;
    return !this.#isOver() && (this.#announced.length > 0 || this.#next < from + runs);
  }

  #isOver(): boolean {
    const { deadlineMs, goesOn } = this.#plan;
    // However little time there is, something is tested.
    const isTimeUp = (goesOn || this.#hasStarted) && performance.now() >= deadlineMs;
    return this.#takesNone || this.#interrupted.aborted || isTimeUp;
  }

  /** Results wait here until every range before theirs is done. */
  #handOver(result: RangeResult): void {
    this.#finished.set(result.range.from, result);
    for (;;) {
      const next = this.#finished.get(this.#handedOver);
      if (next === undefined) return;
      this.#finished.delete(this.#handedOver);
      this.#handedOver += next.range.count;
      this.#journal.end(next.range);
      this.#handing = this.#handing.then(async () => {
        // What came in after a stop is not counted, or how much that is would depend on the number of workers.
        if (this.#countsNone) return;
        if (await this.#events.onRange(next)) return;
        this.#takesNone = true;
        this.#countsNone = true;
      });
    }
  }

  async #runCanary(worker: CampaignWorker, { range, digests, stalled }: CanaryTask): Promise<void> {
    const again = await worker.run(range, range.count);
    const timedOut = new Set(
      again.failures.filter(({ outcome }) => outcome === STALL).map(({ index }) => index),
    );
    const { on } = this.#plan.setup;
    const names = ["the program", ...on.map(traceOn)];
    const differing: CanaryDifference[] = [];
    for (const [i, of] of digests.entries()) {
      const index = range.from + i;
      const told = new Set(stalled.filter((run) => run.index === index).flatMap((run) => [on[0]!, run.on]));
      const differ = (came: readonly string[] | undefined): string[] =>
        names.filter((_, k) => came?.[k] !== of[k] && !(k > 0 && told.has(on[k - 1]!)));
      let what = differ(again.digests[i]);
      if (what.length > 0 && timedOut.has(index)) {
        what = differ((await worker.run({ from: index, count: 1 }, 1)).digests[0]);
        if (what.length === 0) this.#events.onStall(index);
      }
      if (what.length > 0) differing.push({ index, what: what.join(" and ") });
    }
    this.#events.onCanary(range, differing);
  }
}
