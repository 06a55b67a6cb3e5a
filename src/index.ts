/**
 * Lockstep as a library: programs by hand, from a seed and from recordings; targets to replay them on; what differs, campaigns, the corpus.
 *
 * The model by itself is `fiber-lockstep/sched`, tests with vitest are `fiber-lockstep/vitest`.
 *
 * ```ts
 * import { diff, openTarget, ProgramBuilder } from "fiber-lockstep";
 *
 * const b = new ProgramBuilder("two sleepers, one deadline");
 * b.fiber("first", (o) => o.sleep(10).log(1));
 * b.fiber("second", (o) => o.sleep(10).log(2));
 * const [model, native] = [await openTarget("model"), await openTarget("native")];
 * console.log(await diff(b.build(), model, native)); // undefined
 * await native.close();
 * ```
 *
 * @module
 */

export type { Logger, TargetOptions } from "./native-bridge/targets.js";
export { formatProgram } from "./report/program-text.js";
export type { Readiness } from "./sched/index.js";
export type { CorpusEntry, LoadedEntry, Provenance } from "./sim/corpus-entry.js";
export { formatCorpusEntry, readCorpusEntry } from "./sim/corpus-entry.js";
export { decodeTrace } from "./sim/decode-trace.js";
export type { Divergence, DivergentSide } from "./sim/diff.js";
export { batchOf, encodeProgram } from "./sim/encode-program.js";
export { explainStuck } from "./sim/forensics/explain-stuck.js";
export type {
  Cause,
  Forensics,
  Moment,
  ParkedOn,
  Stage,
  StuckFiber,
  Waker,
} from "./sim/forensics/forensics.js";
export type { GeneratorConstraints } from "./sim/generate/profile.js";
export { fiberProgram } from "./sim/generate/program-arbitrary.js";
export type { NamedSnapshot } from "./sim/named-snapshot.js";
export { parseProgram, readProgram } from "./sim/parse-program.js";
export { type Checked, type Problem, problemLine } from "./sim/problem.js";
export type { Op, OpName, PipeEnd, Program, TaskBody, WorldOp } from "./sim/program.js";
export { type Body, FiberRef, OpList, PipeRef, ProgramBuilder, TaskRef } from "./sim/program-builder.js";
export { type RecordOptions, record } from "./sim/record/record.js";
export { RecordingError } from "./sim/record/recording-error.js";
export { type ProgramBatch, type Target, TargetError, type TraceBatch, traceOf } from "./sim/target.js";
export type {
  Int64,
  LeakKind,
  Outcome,
  Result,
  ResultWord,
  RunResult,
  Trace,
  TraceRecord,
} from "./sim/trace.js";
export { wakeOrder } from "./sim/wake-order.js";
export { corpusEntryOf } from "./testing/corpus-entry-of.js";
export { writeCorpusEntry } from "./testing/corpus-folder.js";
export type { NotRepeated } from "./testing/failure-log.js";
export { programOfRun } from "./testing/investigate.js";
export { diff, type Finding, investigate, replay, type ShrinkLimits } from "./testing/investigate-program.js";
export { openTarget } from "./testing/open-target.js";
export { type CorpusVerdict, type ReplayedEntry, replayCorpus } from "./testing/replay-corpus.js";
export {
  type CampaignFailure,
  type CampaignOptions,
  type CampaignResult,
  runCampaign,
} from "./testing/run-campaign.js";
