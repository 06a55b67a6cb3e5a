/**
 * From which record on each stuck body was certain to be stuck, and who could still run then.
 *
 * Stuck is monotone (`may-progress.ts`), so each body's record is found by bisection. All bodies are searched together, one replay a
 * level: a replay looks at every record that the level asks for, so the search costs log2(records) replays and one fixpoint a record
 * looked at. Nothing is kept but the answers.
 */
import { Interpreter } from "../interpreter.js";
import type { RecordTable } from "../record-table.js";
import { Fate, type ProgressFinder } from "./may-progress.js";
import type { ProgramOps } from "./program-ops.js";

/**
 * Fixpoints of one search, fewer for programs of very many bodies; past them the records known so far stand, which are later than need be
 * and never wrong.
 */
const LOOKS_MAX = 512;
const LOOKS_MIN = 16;
const BODIES_LOOKED_AT_MAX = 2_000_000;

export interface Certainty {
  /** Right before this record the body was stuck for certain, and right before the one before it not yet. */
  readonly record: number;
  /** Fibers and tasks that could still run then, the running one included. */
  readonly others: readonly number[];
}

/** The replayed model right before each of these records, which are in ascending order. */
export function lookAt(
  encoded: Int32Array,
  table: RecordTable,
  records: readonly number[],
  look: (interpreter: Interpreter, record: number) => void,
): void {
  const interpreter = new Interpreter();
  let next = 0;
  const watchNext = (): void => {
    const record = records[next++];
    if (record === undefined) return;
    interpreter.trace.watch(table.position[record]!, () => {
      look(interpreter, record);
      watchNext();
    });
  };
  watchNext();
  interpreter.replay(encoded, 0);
}

interface Search {
  /** Not all of `bodies` are stuck right before this record. */
  readonly low: number;
  /** All of them are right before this one. */
  readonly high: number;
  readonly bodies: readonly number[];
}

/** By body, for bodies that are stuck at the trace's last record. */
export function certaintyOf(
  encoded: Int32Array,
  ops: ProgramOps,
  table: RecordTable,
  finder: ProgressFinder,
  stuckBodies: readonly number[],
): Map<number, Certainty> {
  const othersAt = new Map<number, readonly number[]>();
  const found = new Map<number, Certainty>();
  let searches: Search[] = [{ low: 0, high: table.last, bodies: stuckBodies }];
  let looksLeft = Math.max(LOOKS_MIN, Math.min(LOOKS_MAX, BODIES_LOOKED_AT_MAX / ops.bodyCount));
  while (searches.length > 0) {
    const open: Search[] = [];
    for (const search of searches) {
      if (search.bodies.length === 0) continue;
      if (search.high - search.low > 1 && looksLeft-- > 0) open.push(search);
      else
        for (const body of search.bodies)
          found.set(body, { record: search.high, others: othersAt.get(search.high) ?? [] });
    }
    open.sort((a, b) => middleOf(a) - middleOf(b));
    searches = [];
    const byRecord = new Map(open.map((search) => [middleOf(search), search]));
    lookAt(encoded, table, [...byRecord.keys()], (interpreter, record) => {
      const { low, high, bodies } = byRecord.get(record)!;
      finder.find(interpreter, record);
      const isStuck = (body: number): boolean => finder.fates[body] === Fate.stuck;
      othersAt.set(record, runnersOf(finder, ops));
      searches.push(
        { low, high: record, bodies: bodies.filter(isStuck) },
        { low: record, high, bodies: bodies.filter((body) => !isStuck(body)) },
      );
    });
  }
  return found;
}

/** The fibers and tasks that may progress, by the last `find`. */
export function runnersOf(finder: ProgressFinder, ops: ProgramOps): number[] {
  const runners: number[] = [];
  for (let body = 0; body < ops.main; body++) if (finder.fates[body] === Fate.mayProgress) runners.push(body);
  return runners;
}

function middleOf({ low, high }: Search): number {
  return Math.floor((low + high) / 2);
}
