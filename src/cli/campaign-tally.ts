/**
 * What a campaign adds up to: runs, events, labels reached. Plain sums of its ranges, so that neither order nor cutting into shards matters.
 */
import type { RangeResult } from "../sim/campaign/batch-runner.js";
import { LABELS } from "../sim/campaign/labels.js";
import type { CanaryDifference } from "./campaign.js";

/** Of the runs that differed in another process, the first so many are named; the others are counted. */
const DIFFERING_MAX = 100;

export interface LabelTally {
  readonly rule: string;
  readonly text: string;
  /** Runs that reached it, and how many must. */
  readonly runs: number;
  readonly floor: number;
}

export interface CampaignTally {
  readonly runs: number;
  /** Runs whose traces were read: events, ops and labels are of these. */
  readonly lookedAt: number;
  readonly events: number;
  readonly opsWritten: number;
  readonly opsReached: number;
  readonly labels: readonly number[];
  readonly canary: {
    readonly runs: number;
    readonly differed: number;
    /** The first of those that differed, in order of runs. */
    readonly differing: readonly CanaryDifference[];
  };
}

export const EMPTY_TALLY: CampaignTally = {
  runs: 0,
  lookedAt: 0,
  events: 0,
  opsWritten: 0,
  opsReached: 0,
  labels: LABELS.map(() => 0),
  canary: { runs: 0, differed: 0, differing: [] },
};

/** A range as a tally; its canary comes by itself. */
export function tallyOf(result: RangeResult): CampaignTally {
  const { range, lookedAt, events, opsWritten, opsReached, labels } = result;
  return { ...EMPTY_TALLY, runs: range.count, lookedAt, events, opsWritten, opsReached, labels };
}

export function canaryTally(runs: number, differing: readonly CanaryDifference[]): CampaignTally {
  return { ...EMPTY_TALLY, canary: { runs, differed: differing.length, differing } };
}

export function added(a: CampaignTally, b: CampaignTally): CampaignTally {
  return {
    runs: a.runs + b.runs,
    lookedAt: a.lookedAt + b.lookedAt,
    events: a.events + b.events,
    opsWritten: a.opsWritten + b.opsWritten,
    opsReached: a.opsReached + b.opsReached,
    labels: a.labels.map((count, label) => count + b.labels[label]!),
    canary: {
      runs: a.canary.runs + b.canary.runs,
      differed: a.canary.differed + b.canary.differed,
      differing: [...a.canary.differing, ...b.canary.differing]
        .sort((x, y) => x.index - y.index)
        .slice(0, DIFFERING_MAX),
    },
  };
}

/** Records of a run's trace, on the average. */
export function eventsPerRun({ events, lookedAt }: CampaignTally): number {
  return events / Math.max(1, lookedAt);
}

/** The labels with their floors for as many runs as were looked at: 0 where so few runs cannot be held to one. */
export function labelTallies({ labels, lookedAt }: CampaignTally): LabelTally[] {
  return LABELS.map(({ rule, text, floorPer10000 }, label) => ({
    rule,
    text,
    runs: labels[label]!,
    floor: Math.floor((lookedAt * floorPer10000) / 10_000),
  }));
}
