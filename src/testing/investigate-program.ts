/**
 * One program on targets: its trace, where two targets part, and the whole finding with the smallest program that still fails.
 *
 * The commands `replay`, `diff` and `repro` do the same for people; here it is for code.
 */
import { divergenceLines } from "../report/divergence-text.js";
import { plain } from "../report/paint.js";
import { signatureText } from "../sim/campaign/signature.js";
import { decodeTrace } from "../sim/decode-trace.js";
import type { Divergence } from "../sim/diff.js";
import { audited, batchOf, encodeProgram } from "../sim/encode-program.js";
import type { Program } from "../sim/program.js";
import { type Target, TargetError, traceOf } from "../sim/target.js";
import type { Trace } from "../sim/trace.js";
import { SHRINK_MS } from "./defaults.js";
import { type Failure, failuresOf, type ShrunkFailure, shrinkFailure, unlessStalled } from "./investigate.js";

/** Columns of a report that nobody has a terminal for. */
const COLUMNS = 120;

/**
 * The trace of a program on a target. What a native runtime leaves behind ends it as a `leak`.
 *
 * ```ts
 * const program: Program = { version: 1, fibers: { a: [{ op: "sleep", ms: 10 }] } };
 * const { outcome } = await replay(program, await openTarget("model"));
 * console.log(outcome); // { outcome: 'completed', t: 10 }
 * ```
 *
 * @throws TargetError `invalid` when the program has a world and the runtime no idle hook; `lost` when the target is lost.
 */
export async function replay(program: Program, target: Target): Promise<Trace> {
  requireWorlds(program, [target]);
  const traces = await target.replay(batchOf([audited(encodeProgram(program))]));
  return decodeTrace(program, traceOf(traces, 0));
}

/** Where `came` parts from `expected` on a program, or undefined when they agree record by record. @throws TargetError as `replay`. */
export async function diff(
  program: Program,
  expected: Target,
  came: Target,
): Promise<Divergence | undefined> {
  requireWorlds(program, [expected, came]);
  const [failure] = await failuresOf([program], expected, came);
  return failure?.divergence;
}

/** How shrinking is bounded. */
export interface ShrinkLimits {
  /** Milliseconds; 10,000 unless told. The search ends by itself when nothing more can be taken away. */
  readonly shrinkMs?: number;
  /** Ends the search with the smallest program so far. */
  readonly signal?: AbortSignal;
}

/** A divergence, investigated. */
export interface Finding {
  /** What makes two divergences the same bug: targets, kind, rule, how the run ended. */
  readonly signature: string;
  /** The smallest program found that fails with the same signature. */
  readonly program: Program;
  /** Where the targets part on it. */
  readonly divergence: Divergence;
  /** True when no single removal and no simplification still fails. */
  readonly isMinimal: boolean;
  readonly opsBefore: number;
  readonly opsAfter: number;
  /** The report that `lockstep diff` prints of it, in plain text. */
  readonly report: string;
}

/**
 * Where `came` parts from `expected`, with the smallest program that shows it and the report for people; undefined when they agree.
 *
 * @throws TargetError as `replay`.
 */
export async function investigate(
  program: Program,
  expected: Target,
  came: Target,
  { shrinkMs = SHRINK_MS, signal = new AbortController().signal }: ShrinkLimits = {},
): Promise<Finding | undefined> {
  requireWorlds(program, [expected, came]);
  const [failure] = await failuresOf([program], expected, came);
  if (failure === undefined) return undefined;
  const shrunk = await shrinkFailure(failure, expected, came, shrinkMs, signal);
  return findingOf(signatureText(failure.signature), shrunk);
}

/** A shrunk failure as a finding. */
export function findingOf(signature: string, shrunk: ShrunkFailure): Finding {
  const { isMinimal, opsBefore, opsAfter, failure } = shrunk;
  const { program, divergence } = failure;
  const settings = { paint: plain, columns: COLUMNS, showsProgram: true };
  const report = divergenceLines(program, divergence, settings)
    .map((line) => line.trimEnd())
    .join("\n");
  return { signature, program, divergence, isMinimal, opsBefore, opsAfter, report };
}

/**
 * The first of the programs that a target differs on, of the targets in order; the first of them is the expected one. A timeout is tried
 * once more. @throws TargetError as `replay`.
 */
export async function firstFailure(
  programs: readonly Program[],
  [expected, ...others]: readonly Target[],
  isAudited: boolean,
): Promise<{ readonly failure: Failure; readonly index: number; readonly came: Target } | undefined> {
  for (const came of others) {
    for (const program of programs) requireWorlds(program, [expected!, came]);
    const failures = await failuresOf(programs, expected!, came, isAudited);
    for (const [index, found] of failures.entries()) {
      const failure = found && (await unlessStalled(found, expected!, came, isAudited));
      if (failure !== undefined) return { failure, index, came };
    }
  }
  return undefined;
}

/** @throws TargetError `invalid` when the program has a world and one of the targets no idle hook (SPEC section 5). */
export function requireWorlds(program: Program, targets: readonly Target[]): void {
  const without = targets.find(({ runsWorlds }) => !runsWorlds);
  if ((program.world ?? []).length === 0 || without === undefined) return;
  throw new TargetError(
    "invalid",
    `${without.name} has no idle hook: it cannot run a program that has a world`,
  );
}
