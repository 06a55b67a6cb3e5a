/**
 * What a campaign adds up to: runs, events, labels reached, failures by signature. Plain sums, so that order does not matter.
 */

import type { RangeResult } from "../sim/campaign/batch-runner.js";
import { LABELS } from "../sim/campaign/labels.js";
import type { CanaryDifference } from "./campaign.js";

export interface LabelTally {
  readonly rule: string;
  readonly text: string;
  /** Runs that reached it, and how many must. */
  readonly runs: number;
  readonly floor: number;
}

export class CampaignTally {
  runs = 0;
  /** Runs whose traces were read: events, ops and labels are of these. */
  lookedAt = 0;
  events = 0;
  opsWritten = 0;
  opsReached = 0;
  failedRuns = 0;
  canaryRuns = 0;
  readonly canaryDiffering: CanaryDifference[] = [];
  readonly #labels = new Float64Array(LABELS.length);

  add(result: RangeResult): void {
    this.runs += result.range.count;
    this.lookedAt += result.lookedAt;
    this.events += result.events;
    this.opsWritten += result.opsWritten;
    this.opsReached += result.opsReached;
    this.failedRuns += new Set(result.failures.map(({ index }) => index)).size;
    for (const [label, count] of result.labels.entries()) this.#labels[label] = this.#labels[label]! + count;
  }

  /** Records of a run's trace, on the average. */
  get eventsPerRun(): number {
    return this.events / Math.max(1, this.lookedAt);
  }

  /** The labels with their floors for as many runs as were looked at: 0 where so few runs cannot be held to one. */
  labels(): LabelTally[] {
    return LABELS.map(({ rule, text, floorPer10000 }, label) => ({
      rule,
      text,
      runs: this.#labels[label]!,
      floor: Math.floor((this.lookedAt * floorPer10000) / 10_000),
    }));
  }

  /** The labels that were reached less often than they must be. */
  underFloor(): LabelTally[] {
    return this.labels().filter(({ runs, floor }) => runs < floor);
  }
}
