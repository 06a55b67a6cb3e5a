/**
 * The laws as helpers, for the properties here and for what is written later: a new target, generator or codec is tested by one call.
 *
 * Each throws an `Error` that says where the law is broken, so that fast-check can shrink towards it. None keeps state. Laws of single
 * traces are in `trace-laws.ts`, laws of the scheduler's steps in `watched-interpreter.ts`.
 */
import { isDeepStrictEqual } from "node:util";
import { type Signature, signatureOf, signatureText } from "../src/sim/campaign/signature.js";
import { checkProgram } from "../src/sim/check-program.js";
import { decodeProgram } from "../src/sim/decode-program.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { sameWords } from "../src/sim/diff.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { encodeTrace } from "../src/sim/encode-trace.js";
import { diffTargets } from "../src/sim/expected-trace.js";
import type { GeneratorConstraints } from "../src/sim/generate/profile.js";
import { ProgramGenerator } from "../src/sim/generate/program-generator.js";
import { SeededStream } from "../src/sim/generate/random-numbers.js";
import { WordBuffer } from "../src/sim/generate/word-buffer.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { problemLine } from "../src/sim/problem.js";
import type { Program } from "../src/sim/program.js";
import { opCountOf } from "../src/sim/shrink/program-edits.js";
import { type Shrunk, shrinkProgram } from "../src/sim/shrink/shrink-program.js";
import { type Target, traceOf } from "../src/sim/target.js";
import type { Trace } from "../src/sim/trace.js";

/** Something that answers with the encoded traces of programs, in their order. */
export interface Side {
  readonly name: string;
  /** Whose order of delivery it keeps (I3); epoll's unless told. */
  readonly readiness?: Target["readiness"];
  readonly traces: (programs: readonly Program[]) => Promise<readonly Int32Array[]>;
}

/** A target as a side: all programs as one batch. The traces are copies. */
export function sideOf(target: Target): Side {
  return {
    name: target.name,
    readiness: target.readiness ?? "epoll",
    traces: async (programs) => {
      const batch = await target.replay(batchOf(programs.map(encodeProgram)));
      return programs.map((_, i) => traceOf(batch, i).slice());
    },
  };
}

/** A model of its own as a side: whatever gives decoded traces. */
export function sideOfReplay(name: string, replay: (program: Program) => Trace): Side {
  return { name, traces: async (programs) => programs.map((program) => wordsOf(program, replay(program))) };
}

/** A decoded trace in words. */
export function wordsOf(program: Program, trace: Trace): Int32Array {
  const words = encodeTrace(program, trace);
  if (!words.ok)
    throw new Error(`a trace that does not belong to its program: ${problemLine(words.problem)}`);
  return words.value;
}

/** The trace of a program on the model. A copy. */
export function modelWords(program: Program): Int32Array {
  return traceOf(new ModelTarget().replayNow(batchOf([encodeProgram(program)])), 0).slice();
}

/** The words of the program that a run's seed gives. A copy. */
export function generatedWords(runSeed: string, constraints: GeneratorConstraints = {}): Int32Array {
  const buffer = new WordBuffer();
  new ProgramGenerator(constraints).generate(new SeededStream(runSeed), buffer);
  return buffer.words.slice(0, buffer.position);
}

/** The same program gives the same trace on both, record by record (SPEC section 4). */
export async function assertAgree(expected: Side, judged: Side, programs: readonly Program[]): Promise<void> {
  const [left, right] = await Promise.all([expected.traces(programs), judged.traces(programs)]);
  for (const [i, program] of programs.entries()) {
    const divergence = diffTargets(
      program,
      { on: expected.name, words: left[i]!, readiness: expected.readiness },
      { on: judged.name, words: right[i]!, readiness: judged.readiness },
    );
    if (divergence === undefined) continue;
    const { index, left: good, right: bad } = divergence;
    throw new Error(
      `program ${i} parts at record ${index} (${signatureText(signatureOf(divergence))}): ` +
        `${good.on} has ${JSON.stringify(good.record)}, ${bad.on} has ${JSON.stringify(bad.record)}`,
    );
  }
}

/** One seed, generated and replayed twice: the same program and the same bytes. */
export async function assertSameSeedSameTrace(target: Target, runSeed: string): Promise<void> {
  const programs = [generatedWords(runSeed), generatedWords(runSeed)];
  must(sameWords(programs[0]!, programs[1]!), `${runSeed} gives two programs`);
  const once = (await target.replay(batchOf([programs[0]!]))).words.slice();
  const again = (await target.replay(batchOf([programs[1]!]))).words.slice();
  must(sameWords(once, again), `${runSeed} gives two traces on ${target.name}`);
}

/** A program's trace is the same alone, in a batch, and in the batch in reverse order (`sim/target.ts`). */
export async function assertTraceIgnoresBatch(side: Side, programs: readonly Program[]): Promise<void> {
  const together = await side.traces(programs);
  const reversed = [...(await side.traces([...programs].reverse()))].reverse();
  for (const [i, program] of programs.entries()) {
    must(sameWords(together[i]!, reversed[i]!), `trace ${i} depends on its place in the batch`);
    must(sameWords(together[i]!, (await side.traces([program]))[0]!), `trace ${i} depends on its batch`);
  }
}

/** A program and a trace of it survive both codecs: words, JSON, words. */
export function assertRoundTrips(program: Program, trace: Int32Array): void {
  const words = encodeProgram(program);
  must(sameWords(encodeProgram(decodeProgram(words)), words), "the program's words changed");
  const decoded = decodeTrace(program, trace);
  must(sameWords(wordsOf(program, decoded), trace), "the trace's words changed");
  const saved = JSON.parse(JSON.stringify(decoded)) as Trace;
  must(isDeepStrictEqual(saved, decoded), "the trace's JSON changed");
}

/** How `judged` fails a program, as the campaign names it; undefined when it agrees. */
export async function signaturesOn(
  expected: Side,
  judged: Side,
  programs: readonly Program[],
): Promise<(Signature | undefined)[]> {
  const [left, right] = await Promise.all([expected.traces(programs), judged.traces(programs)]);
  return programs.map((program, i) => {
    const sides = [
      { on: expected.name, words: left[i]!, readiness: expected.readiness },
      { on: judged.name, words: right[i]!, readiness: judged.readiness },
    ] as const;
    const divergence = diffTargets(program, ...sides);
    if (divergence === undefined) return undefined;
    return signatureOf(divergence);
  });
}

/** Shrinks a program that `judged` fails: what is left is valid, no larger, and fails with the same signature. Gives what is left. */
export async function assertShrinkStaysFailing(
  expected: Side,
  judged: Side,
  program: Program,
): Promise<Shrunk> {
  const signature = async (programs: readonly Program[]): Promise<(string | undefined)[]> =>
    (await signaturesOn(expected, judged, programs)).map((found) => found && signatureText(found));
  const [before] = await signature([program]);
  must(before !== undefined, `${judged.name} does not fail the program that is to be shrunk`);
  const judge = async (candidates: readonly Program[]): Promise<boolean[]> =>
    (await signature(candidates)).map((found) => found === before);
  const shrunk = await shrinkProgram(program, judge, { isOver: stepsAtMost(SHRINK_BATCHES_MAX) });
  must(shrunk.isMinimal, `no end of shrinking after ${SHRINK_BATCHES_MAX} batches`);
  const [after] = await signature([shrunk.program]);
  must(after === before, `shrinking went from "${before}" to "${after}"`);
  must(checkProgram(shrunk.program) === undefined, "shrinking gave a program that is not valid");
  must(opCountOf(shrunk.program) <= opCountOf(program), "shrinking gave a larger program");
  return shrunk;
}

/** Batches of candidates that no shrinking here needs: more of them is one that goes round in circles. */
const SHRINK_BATCHES_MAX = 600;

function stepsAtMost(count: number): () => boolean {
  let asked = 0;
  return () => ++asked > count;
}

/** The end of a law that is broken. */
export function must(condition: boolean, broken: string): asserts condition {
  if (!condition) throw new Error(`law broken: ${broken}`);
}
