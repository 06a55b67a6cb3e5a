/**
 * Shrinks a failing program to one that still fails in the same way, and says when nothing more can be taken away.
 *
 * A step is taken only if the judge still sees the same failure, never merely a failure. Candidates are judged in batches, in a fixed order, and
 * the first that still fails is taken, so that the result does not depend on speed. The search ends with a certificate, that no single
 * removal and no simplification still fails, or with the deadline or a stop: then the best so far is the result.
 */
import { checkProgram } from "../check-program.js";
import type { Program } from "../program.js";
import { opCountOf, removals, simplifications, sizeOf } from "./program-edits.js";

/** For each program, whether it still fails in the same way. */
export type Judge = (programs: readonly Program[]) => Promise<readonly boolean[]>;

export interface ShrinkOptions {
  /** True when the search is to end with what it has: the deadline has passed, or somebody has interrupted. Asked between batches. */
  readonly isOver: () => boolean;
  /** Most candidates judged at a time. Default 32. */
  readonly batchSize?: number;
}

export interface Shrunk {
  readonly program: Program;
  /** True when no single removal and no simplification still fails. */
  readonly isMinimal: boolean;
  readonly opsBefore: number;
  readonly opsAfter: number;
  /** Steps taken, and programs judged to find them. */
  readonly steps: number;
  readonly judged: number;
}

const BATCH_SIZE = 32;

/** `program` must fail for the judge. Never gives a program that the judge has not seen fail. */
export async function shrinkProgram(program: Program, judge: Judge, options: ShrinkOptions): Promise<Shrunk> {
  const batchSize = options.batchSize ?? BATCH_SIZE;
  let best = program;
  let steps = 0;
  let judged = 0;

  /** The first of the candidates that still fails, or undefined; `over` when time ran out before all were judged. */
  const firstFailing = async (candidates: Iterable<Program>): Promise<Program | "over" | undefined> => {
    let batch: Program[] = [];
    let size = 1;
    const judgeBatch = async (): Promise<Program | undefined> => {
      const verdicts = await judge(batch);
      judged += batch.length;
      const found = batch[verdicts.indexOf(true)];
      batch = [];
      // Small at first: where most candidates fail, as they do on a runtime that crashes, each costs a process or a time limit.
      size = Math.min(size * 2, batchSize);
      return found;
    };
    for (const candidate of candidates) {
      // An edit can break a rule that the whole kept, as unwrapping does to nesting counts: such a program is no candidate.
      if (checkProgram(candidate) !== undefined) continue;
      batch.push(candidate);
      if (batch.length < size) continue;
      if (options.isOver()) return "over";
      const found = await judgeBatch();
      if (found !== undefined) return found;
    }
    if (batch.length === 0) return undefined;
    return options.isOver() ? "over" : judgeBatch();
  };

  for (;;) {
    const smaller = await firstFailing(removals(best));
    const next = smaller ?? (await firstFailing(simplifications(best)));
    if (next === "over" || next === undefined) {
      const isMinimal = next === undefined;
      return {
        program: best,
        isMinimal,
        opsBefore: opCountOf(program),
        opsAfter: opCountOf(best),
        steps,
        judged,
      };
    }
    if (sizeOf(next) > sizeOf(best)) throw new Error("an edit made the program larger");
    best = next;
    steps++;
  }
}
