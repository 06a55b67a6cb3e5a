/**
 * What is done about a run that failed: replay it alone, find its signature, shrink it, and describe it as a corpus entry.
 *
 * Used by `sim` for what a campaign finds and by `repro` for one run. The shrunk program fails with the same signature as the run: each
 * step was replayed on both targets. The clock decides only how long shrinking may take, never what it finds in that time.
 */
import { STALL } from "../sim/campaign/batch-runner.js";
import { type Signature, signatureOf, signatureText } from "../sim/campaign/signature.js";
import { decodeProgram } from "../sim/decode-program.js";
import type { Divergence } from "../sim/diff.js";
import { audited, batchOf, encodeProgram } from "../sim/encode-program.js";
import { diffTargets } from "../sim/expected-trace.js";
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import { ProgramGenerator } from "../sim/generate/program-generator.js";
import { SeededStream } from "../sim/generate/random-numbers.js";
import { WordBuffer } from "../sim/generate/word-buffer.js";
import type { Program } from "../sim/program.js";
import { type Shrunk, shrinkProgram } from "../sim/shrink/shrink-program.js";
import { type Target, traceOf } from "../sim/target.js";

/** A program on which a target differs from the expected one. */
export interface Failure {
  readonly program: Program;
  readonly divergence: Divergence;
  readonly signature: Signature;
  /** The traces of both sides, in words. */
  readonly expected: Int32Array;
  readonly came: Int32Array;
  /** In whose order of delivery each side answers (I3). */
  readonly readiness: { readonly expected: Target["readiness"]; readonly came: Target["readiness"] };
}

/** The program of a run. */
export function programOfRun(runSeed: string, constraints: GeneratorConstraints): Program {
  const buffer = new WordBuffer();
  new ProgramGenerator(constraints).generate(new SeededStream(runSeed), buffer);
  return decodeProgram(buffer.words);
}

/**
 * How `came` fails on each program, or undefined where it agrees with `expected`. One batch on each. `isAudited`: held to account for
 * what they leave behind as well.
 */
export async function failuresOf(
  programs: readonly Program[],
  expected: Target,
  came: Target,
  isAudited = true,
): Promise<(Failure | undefined)[]> {
  const encoded = programs.map(encodeProgram);
  const batch = batchOf(isAudited ? encoded.map((words) => audited(words)) : encoded);
  const [left, right] = await Promise.all([expected.replay(batch), came.replay(batch)]);
  return programs.map((program, i) => {
    const words = { left: traceOf(left, i).slice(), right: traceOf(right, i).slice() };
    const divergence = diffTargets(
      program,
      { on: expected.name, words: words.left, readiness: expected.readiness },
      { on: came.name, words: words.right, readiness: came.readiness },
    );
    if (divergence === undefined) return undefined;
    return {
      program,
      divergence,
      signature: signatureOf(divergence),
      expected: words.left,
      came: words.right,
      readiness: { expected: expected.readiness, came: came.readiness },
    };
  });
}

/**
 * A failure that ended in a timeout is replayed alone once more: of a machine that stalled there is none, which is undefined here. Any other
 * is given back as it is.
 */
export async function unlessStalled(
  failure: Failure,
  expected: Target,
  came: Target,
  isAudited = true,
): Promise<Failure | undefined> {
  const { left, right } = failure.divergence;
  if (left.outcome.outcome !== STALL && right.outcome.outcome !== STALL) return failure;
  return (await failuresOf([failure.program], expected, came, isAudited))[0];
}

export interface ShrunkFailure extends Shrunk {
  /** The failure of the shrunk program. */
  readonly failure: Failure;
}

/** Shrinks a failure for at most `limitMs`, or until `interrupted`; keeps its signature. */
export async function shrinkFailure(
  failure: Failure,
  expected: Target,
  came: Target,
  limitMs: number,
  interrupted: AbortSignal,
): Promise<ShrunkFailure> {
  const signature = signatureText(failure.signature);
  // Only what was found by an audit takes one to be found again, and each takes as long as a hundred replays.
  const isLeak = failure.divergence.right.outcome.outcome === "leak";
  const deadlineMs = performance.now() + limitMs;
  const shrunk = await shrinkProgram(
    failure.program,
    async (programs) =>
      (await failuresOf(programs, expected, came, isLeak)).map(
        (found) => found !== undefined && signatureText(found.signature) === signature,
      ),
    { isOver: () => interrupted.aborted || performance.now() >= deadlineMs },
  );
  if (shrunk.program === failure.program) return { ...shrunk, failure };
  const [last] = await failuresOf([shrunk.program], expected, came, isLeak);
  if (last !== undefined && signatureText(last.signature) === signature) return { ...shrunk, failure: last };
  // A target that fails only now and then is told as it was first seen, and nothing is said to have been taken away.
  const { opsBefore, judged } = shrunk;
  const { program } = failure;
  return { program, isMinimal: false, opsBefore, opsAfter: opsBefore, steps: 0, judged, failure };
}
