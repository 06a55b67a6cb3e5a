/**
 * The public face of Lockstep as a library: programs, targets, comparison, and the generator for people's own properties. The model by itself
 * is `fiber-lockstep/sched`.
 */
export { openNativeTarget, type TargetOptions } from "./native-bridge/targets.js";
export { type CorpusEntry, formatCorpusEntry, readCorpusEntry } from "./sim/corpus-entry.js";
export { decodeTrace } from "./sim/decode-trace.js";
export { type Divergence, diffTraces, traceOf } from "./sim/diff.js";
export { batchOf, encodeProgram } from "./sim/encode-program.js";
export { diffTargets } from "./sim/expected-trace.js";
export type { GeneratorConstraints } from "./sim/generate/profile.js";
export { fiberProgram } from "./sim/generate/program-arbitrary.js";
export { ModelTarget } from "./sim/model-target.js";
export { parseProgram, readProgram } from "./sim/parse-program.js";
export { type Checked, type Problem, problemLine } from "./sim/problem.js";
export type { Op, Program, TaskBody, WorldOp } from "./sim/program.js";
export { type FiberRef, OpList, type PipeRef, ProgramBuilder, type TaskRef } from "./sim/program-builder.js";
export { type ProgramBatch, type Target, TargetError, type TraceBatch } from "./sim/target.js";
export type { Outcome, Trace, TraceRecord } from "./sim/trace.js";
