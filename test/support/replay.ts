/**
 * Replays for tests: a program on a target, decoded.
 *
 * Targets are opened once a test file and closed when it ends. `targetsHere` are those that this machine can run: what is not among them
 * is said once on standard error by `global-setup.ts`, never skipped in silence.
 */
import { readFileSync } from "node:fs";
import { afterAll } from "vitest";
import { describeTargets } from "../../src/native-bridge/doctor.js";
import { openNativeTarget } from "../../src/native-bridge/targets.js";
import { decodeTrace } from "../../src/sim/decode-trace.js";
import { batchOf, encodeProgram } from "../../src/sim/encode-program.js";
import { ModelTarget } from "../../src/sim/model-target.js";
import { readProgram } from "../../src/sim/parse-program.js";
import { problemLine } from "../../src/sim/problem.js";
import type { Program } from "../../src/sim/program.js";
import { type Target, traceOf } from "../../src/sim/target.js";
import type { Trace } from "../../src/sim/trace.js";

const open = new Map<string, Promise<Target>>();

afterAll(async () => {
  const targets = await Promise.all(open.values());
  open.clear();
  await Promise.all(targets.map((target) => target.close()));
});

/** Names of the targets that this machine can run, the model first. */
export const targetsHere: readonly string[] = [
  "model",
  ...(await describeTargets()).filter((target) => target.canRun).map((target) => target.name),
];

/** Those of them that deliver in epoll's order (I3), as corpus entries are recorded; `kqueue` has a test of its own, kqueue.test.ts. */
export const epollTargetsHere = targetsHere.filter((name) => name !== "kqueue");

/** The target of that name, opened at its first use in a test file. */
export function targetOf(name: string): Promise<Target> {
  let target = open.get(name);
  if (target === undefined) {
    target =
      name === "model" ? Promise.resolve(new ModelTarget()) : openNativeTarget(name, { timeLimitMs: 20_000 });
    open.set(name, target);
  }
  return target;
}

/** The program of the corpus entry in corpus/`name`.json. */
export function loadCorpusProgram(name: string): Program {
  const text = readFileSync(new URL(`../../corpus/${name}.json`, import.meta.url), "utf8");
  const program = readProgram((JSON.parse(text) as { readonly program: unknown }).program);
  if (!program.ok) throw new Error(`corpus/${name}.json: ${problemLine(program.problem)}`);
  return program.value;
}

/** The trace of a program on a target, in words. A copy. */
export async function wordsOn(target: string, program: Program): Promise<Int32Array> {
  const batch = await (await targetOf(target)).replay(batchOf([encodeProgram(program)]));
  return traceOf(batch, 0).slice();
}

export async function replayOn(target: string, program: Program): Promise<Trace> {
  return decodeTrace(program, await wordsOn(target, program));
}
