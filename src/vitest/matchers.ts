/**
 * Matchers on programs: `toAgreeOn`, which replays on targets, and `toDeadlock` and `toWakeInOrder`, which ask the model alone.
 *
 * Each takes what `expect` was given as a program and checks it first; what is no program fails with its problem.
 */

import { formatProgram } from "../report/program-text.js";
import { shellWord } from "../report/shell-word.js";
import { signatureText } from "../sim/campaign/signature.js";
import { decodeTrace } from "../sim/decode-trace.js";
import { explainStuck } from "../sim/forensics/explain-stuck.js";
import { forensicsLines } from "../sim/forensics/forensics-text.js";
import { readProgram } from "../sim/parse-program.js";
import { problemLine } from "../sim/problem.js";
import type { Program } from "../sim/program.js";
import type { Trace } from "../sim/trace.js";
import { outcomeLine } from "../sim/trace-text.js";
import { wakeOrder } from "../sim/wake-order.js";
import { wordsOnModel } from "../testing/corpus-entry-of.js";
import { CORPUS_DEFAULT } from "../testing/defaults.js";
import { shrinkFailure } from "../testing/investigate.js";
import { firstFailure, requireWorlds } from "../testing/investigate-program.js";
import { failureText } from "./lockstep-test.js";
import { saveTestFailure } from "./test-corpus.js";
import { testTargets } from "./test-targets.js";

/** Milliseconds that shrinking may take: a plain test of vitest has 5 seconds, and its report must come before they are over. */
const MATCHER_SHRINK_MS = 3000;

/** What a matcher answers vitest. */
interface Verdict {
  readonly pass: boolean;
  readonly message: () => string;
  readonly actual?: unknown;
  readonly expected?: unknown;
}

/** What vitest tells a matcher, as far as these ask. */
interface MatcherState {
  readonly isNot?: boolean | undefined;
  readonly currentTestName?: string | undefined;
}

/** `expect(program).toAgreeOn("model", "native")`: the same trace on each; with one name, on it and on the model. */
export async function toAgreeOn(
  this: MatcherState,
  received: unknown,
  ...on: readonly string[]
): Promise<Verdict> {
  const program = programOf(received);
  if (on.length === 0) throw new TypeError('toAgreeOn(): name the targets, such as "model", "native"');
  const names = on.length === 1 ? ["model", ...on] : on;
  const targets = await testTargets(names);
  // Of all before any is asked: a divergence on one must not hide that another cannot run the program.
  requireWorlds(program, targets);
  const found = await firstFailure([program], targets, true);
  if (found !== undefined) {
    if (this.isNot === true) return { pass: false, message: () => "" };
    const { failure, came } = found;
    const expected = targets[0]!;
    const signature = signatureText(failure.signature);
    const { signal } = new AbortController();
    const shrunk = await shrinkFailure(failure, expected, came, MATCHER_SHRINK_MS, signal);
    const sides = [expected.name, came.name];
    const first = this.currentTestName ?? "a program";
    const saved = await saveTestFailure(CORPUS_DEFAULT, shrunk, { run: first, signature, on: sides });
    const again =
      "path" in saved
        ? `lockstep diff ${shellWord(saved.path)} --on ${sides.map(shellWord).join(",")}`
        : undefined;
    const text = failureText({ signature, first, on: came.name, shrunk, saved }, again);
    return { pass: false, message: () => text };
  }
  const message = (): string =>
    `expected ${names.join(" and ")} to part on this program, and they agree:\n${formatProgram(program)}`;
  return { pass: true, message };
}

/** `expect(program).toDeadlock()`: its run ends in R2's panic on the model. */
export function toDeadlock(received: unknown): Verdict {
  const program = programOf(received);
  const { outcome } = traceOnModel(program);
  const pass = outcome.outcome === "panic" && outcome.message.startsWith("sched: deadlock");
  const why = (): string => forensicsLines(explainStuck(program)!).join("\n");
  return {
    pass,
    message: () =>
      pass
        ? `expected no deadlock (R2):\n${why()}`
        : `expected a deadlock (R2), and the run ended otherwise: ${outcomeLine(outcome)}`,
  };
}

/**
 * `expect(program).toWakeInOrder(["a", "b@10", "a"])`: who runs on, in order, on the model (SPEC section 4, wake order, without main): each
 * body when it begins and each time that it comes back from an op that may switch; with `@t`, at that virtual time.
 */
export function toWakeInOrder(received: unknown, order: readonly string[]): Verdict {
  const wakes = wakeOrder(traceOnModel(programOf(received))).filter(([who]) => who !== "main");
  const actual = wakes.map(([who, t], i) => (order[i]?.includes("@") ? `${who}@${t}` : who));
  const pass = actual.length === order.length && actual.every((wake, i) => wake === order[i]);
  const whole = wakes.map(([who, t]) => `${who}@${t}`).join(" ");
  return {
    pass,
    actual,
    expected: order,
    message: () =>
      `expected ${pass ? "another wake order than" : "the wake order"} ${order.join(" ")}, and it is ${whole}`,
  };
}

function traceOnModel(program: Program): Trace {
  return decodeTrace(program, wordsOnModel(program));
}

function programOf(received: unknown): Program {
  const checked = readProgram(received);
  if (!checked.ok) throw new TypeError(`expected a program: ${problemLine(checked.problem)}`);
  return checked.value;
}
