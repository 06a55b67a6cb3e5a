/**
 * How many runs a campaign replays at a time. The command and the library take the same, for a run's range decides which of its neighbours are
 * audited for leaks.
 */

/** Each batch costs a call on a thread of its own and the fork of a process, an emulator perhaps; larger ones gain nothing more. */
const RANGE_RUNS_MAX = 4000;
/** A short campaign is cut in so many ranges, that several workers have something to do. */
const RANGES_MIN = 8;

/** The runs of a range of a campaign of `runs`, or of one without an end, which is null. */
export function rangeRuns(runs: number | null): number {
  return Math.min(RANGE_RUNS_MAX, Math.max(1, Math.ceil((runs ?? Number.POSITIVE_INFINITY) / RANGES_MIN)));
}
