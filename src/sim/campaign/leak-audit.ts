/**
 * Looks for the programs of a batch that leave something behind, on a target that has grown over it.
 *
 * A leak shows in no trace unless a target is asked to hold a program to account (`audited`), which costs some hundred more runs of it; so only
 * batches over which the worker has grown are asked about, and of those a bounded number of programs. Only programs that completed and
 * agree are asked about: a panic legitimately abandons what it has (R3).
 */
import type { Readiness } from "../../sched/index.js";
import { outcomeOf } from "../decode-trace.js";
import { audited, batchOf } from "../encode-program.js";
import { RecordKind } from "../encoding.js";
import { agrees } from "../expected-trace.js";
import { type ProgramBatch, type Target, type TraceBatch, traceOf } from "../target.js";
import { outcomeWord } from "./signature.js";

/**
 * Most programs of a range that are audited where a target has grown over it: a runtime that abandons schedulers with every panic grows
 * over each.
 */
const AUDITED_MAX = 32;

/** A program by its number in the batch, and how it ended when it was audited, as in a signature. */
interface LeakingProgram {
  readonly program: number;
  readonly outcome: string;
}

/**
 * Which programs of the batch, by number, leave something behind on `target`: none unless `grew`. `failed`: those that differ anyway.
 * `expectedReadiness`: whose order of delivery `expected` keeps (I3). Replays on the target, so its traces of the batch are gone afterwards.
 */
export async function leakingPrograms(
  batch: ProgramBatch,
  expected: TraceBatch,
  failed: ReadonlySet<number>,
  target: Target,
  grew: boolean,
  expectedReadiness: Readiness = "epoll",
): Promise<LeakingProgram[]> {
  if (!grew) return [];
  const programs = programsToAudit(batch, expected, failed);
  if (programs.length === 0) return [];
  const words = programs.map((i) => audited(traceOf(batch, i).slice()));
  const came = await target.replay(batchOf(words));
  const { readiness } = target;
  return programs.flatMap((program, i) => {
    const first = { words: traceOf(expected, program), readiness: expectedReadiness };
    const words = traceOf(came, i);
    if (agrees(traceOf(batch, program), first, { words, readiness })) return [];
    return [{ program, outcome: outcomeWord(outcomeOf(words)) }];
  });
}

/** At most so many, evenly spread over those that completed and agree. */
function programsToAudit(batch: ProgramBatch, expected: TraceBatch, failed: ReadonlySet<number>): number[] {
  const completed = Array.from({ length: batch.count }, (_, i) => i).filter(
    (i) => !failed.has(i) && expected.words[expected.ends[i]! - 1] === RecordKind.outcome,
  );
  const step = Math.max(1, completed.length / AUDITED_MAX);
  return Array.from(
    { length: Math.min(AUDITED_MAX, completed.length) },
    (_, i) => completed[Math.floor(i * step)]!,
  );
}
