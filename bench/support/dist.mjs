/**
 * The one place that names files of `dist/`: what the benchmarks use of Lockstep, which is what `lockstep sim` runs on.
 */
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The package's root folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const load = (...path) => import(pathToFileURL(join(root, "dist", ...path)).href);

export const { BatchRunner } = await load("sim", "campaign", "batch-runner.js");
export const { Coverage } = await load("sim", "campaign", "coverage.js");
export const { sameBatch } = await load("sim", "diff.js");
export const { batchOf, encodeProgram } = await load("sim", "encode-program.js");
export const { ProgramGenerator } = await load("sim", "generate", "program-generator.js");
export const { SeededStream } = await load("sim", "generate", "random-numbers.js");
export const { WordBuffer } = await load("sim", "generate", "word-buffer.js");
export const { ModelTarget } = await load("sim", "model-target.js");
export const { TraceDecoder } = await load("sim", "decode-trace.js");
export const { TargetError } = await load("sim", "target.js");
export const { Scheduler } = await load("sched", "index.js");
export const { openNativeTarget } = await load("native-bridge", "targets.js");
export const { cacheFolder } = await load("native-bridge", "cache-folder.js");
export const { makeFolder } = await load("native-bridge", "make-folder.js");
export const { runtimeSources } = await load("native-bridge", "build-native.js");
export const { machineArchitecture } = await load("native-bridge", "architecture.js");
export const { findCompiler } = await load("native-bridge", "compiler.js");
