/**
 * The goals of one run in one table: those that the parts report, and those that compare one part's figures with another's.
 *
 * A part's goal is `{ what, goal, measured, isMost? }`: reached when `measured` is at least `goal`, or at most where `isMost`. A figure is
 * `"bench/system/number"` to `{ median, min, max }`, ns an op (see README.md).
 */
import { figure } from "./format.mjs";

const YIELD_TIMES_GO = 7;

/** Ratios between systems of different parts. Each is measured only where both figures are in the run. */
const COMPARED = [10, 1000, 100_000].map((count) => ({
  what: `FIFO yield, ${figure(count)} fibers: times faster than Go's Gosched`,
  goal: YIELD_TIMES_GO,
  slow: `yield/go/${count}`,
  fast: `yield/lockstep/${count}`,
}));

/** All goals of a run, from part name to result. One that could not be measured has `measured` null. */
export function goalsOf(results) {
  const figures = Object.assign({}, ...Object.values(results).map((result) => result.figures));
  const own = Object.entries(results).flatMap(([part, { goals }]) =>
    goals.map((goal) => ({ part, ...goal })),
  );
  const isWanted = "runtime" in results || "schedulers" in results;
  const compared = (isWanted ? COMPARED : []).map(({ what, goal, slow, fast }) => {
    const [of, to] = [figures[slow]?.median, figures[fast]?.median];
    const measured = of === undefined || to === undefined ? null : of / to;
    return { part: "runtime, schedulers", what, goal, measured };
  });
  return [...compared, ...own].map((goal) => ({ ...goal, isReached: isReached(goal) }));
}

/** Null where nothing was measured. */
function isReached({ goal, measured, isMost }) {
  if (measured === null || measured === undefined || Number.isNaN(measured)) return null;
  return isMost ? measured <= goal : measured >= goal;
}

/** As a table for `tableText`. */
export function goalsTable(goals) {
  return {
    title: "Goals of this run",
    columns: ["part", "what", "goal", "measured", "measured : goal", "reached"],
    rows: goals.map(({ part, what, goal, measured, isMost, isReached: reached }) => [
      part,
      what,
      `${isMost ? "<=" : ">="} ${figure(goal)}`,
      reached === null ? "-" : figure(measured),
      reached === null || goal === 0 ? "-" : figure(measured / goal),
      reached === null ? "not measured" : reached ? "yes" : "no",
    ]),
  };
}
