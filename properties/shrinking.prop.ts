/**
 * Shrinking: every edit makes a program smaller or plainer and keeps it a program, and what is left fails as the first did.
 *
 * The planted faults are the campaign's own test: each is found within a set number of its runs and shrunk to a few ops.
 */
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { signatureText } from "../src/sim/campaign/signature.js";
import { checkProgram } from "../src/sim/check-program.js";
import { decodeProgram } from "../src/sim/decode-program.js";
import { fiberProgram } from "../src/sim/generate/program-arbitrary.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { readProgram } from "../src/sim/parse-program.js";
import type { Op, Program } from "../src/sim/program.js";
import { removals, simplifications, sizeOf } from "../src/sim/shrink/program-edits.js";
import {
  assertShrinkStaysFailing,
  generatedWords,
  must,
  type Side,
  sideOf,
  sideOfReplay,
  signaturesOn,
} from "./laws.js";
import { replayNaively } from "./naive-model.js";
import { PLANTED_FAULTS } from "./planted-faults.js";
import { law, lawRuns, runsOf, seedText } from "./seed.js";

const FOUND_WITHIN_RUNS = 5000;
const BATCH_RUNS = 100;
const OPS_LEFT_MAX = 8;
/** Programs that no shrinking by fast-check needs. */
const JUDGED_MAX = 10_000;
/** A fault shows in many ways, and some of them take more ops to tell than others: so many signatures are shrunk to find a short one. */
const SIGNATURES_MAX = 5;

/** Programs with numbers of every size and sign, which the generator does not draw. */
const programWithNumbers = fc
  .tuple(
    fiberProgram(),
    fc.array(fc.maxSafeInteger(), { minLength: 1, maxLength: 5 }),
    fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 5 }),
  )
  .map(([program, large, small]): Program => {
    const numbers = [...large, ...small].flatMap((value): Op[] => [
      { op: "log", value },
      { op: "sleep", ms: value },
    ]);
    return { ...program, title: "with numbers", fibers: { ...program.fibers, numbers } };
  });

// What shrinks programs is on trial here: the laws of edits are not shrunk by them.
describe("shrinking", () => {
  law("a removal gives a smaller program that is valid, or that checkProgram rejects", () => {
    fc.assert(
      fc.property(fc.noShrink(fiberProgram()), (program) => {
        for (const smaller of removals(program)) {
          must(sizeOf(smaller) < sizeOf(program), "a removal gave a program that is not smaller");
          assertJudgedBySchemaToo(smaller);
        }
      }),
      lawRuns(60),
    );
  });

  law("a simplification changes something, never for larger, and leads to an end", () => {
    fc.assert(
      fc.property(fc.noShrink(programWithNumbers), (program) => {
        for (const plainer of simplifications(program)) {
          must(!isDeepStrictEqual(plainer, program), "a simplification changed nothing");
          must(sizeOf(plainer) <= sizeOf(program), "a simplification gave a larger program");
          must(weightOf(plainer) < weightOf(program), "a simplification gave a program that is no plainer");
          assertJudgedBySchemaToo(plainer);
        }
      }),
      lawRuns(60),
    );
  });

  law("fast-check's shrinking of a program takes valid programs only", () => {
    const arbitrary = fiberProgram();
    fc.assert(
      fc.property(fc.noShrink(fiberProgram()), (program) => {
        // Unwrapped, the deinit would be done, and what main does after it be invalid (SPEC section 3).
        const main: Op[] = [{ op: "repeat", times: 0, ops: [{ op: "deinit" }] }, ...program.main!];
        for (const { value } of arbitrary.shrink({ ...program, main }, undefined)) {
          must(checkProgram(value) === undefined, `shrunk to ${JSON.stringify(value)}`);
        }
      }),
      lawRuns(60),
    );
  });

  law("fast-check's shrinking of a program ends at one that has nothing else in it", () => {
    fc.assert(
      fc.property(fc.noShrink(fc.integer()), (seed) => {
        let judged = 0;
        const found = fc.check(
          fc.property(fiberProgram(), (program) => {
            return ++judged > JUDGED_MAX || !JSON.stringify(program).includes('"sleep"');
          }),
          { seed, numRuns: 50 },
        );
        must(judged <= JUDGED_MAX, `no end of shrinking after ${JUDGED_MAX} programs`);
        if (found.counterexample === null) return;
        // A sleep, and the fiber that it is in unless that is main.
        must(sizeOf(found.counterexample[0]) <= 2, JSON.stringify(found.counterexample[0]));
      }),
      lawRuns(10),
    );
  });

  for (const { name, rule, scheduler } of PLANTED_FAULTS) {
    law(
      `the planted fault "${name}" is found and shrunk to ${OPS_LEFT_MAX} ops, same signature (${rule})`,
      async () => {
        const model = sideOf(new ModelTarget());
        const faulty = sideOfReplay(name, (program) => replayNaively(program, scheduler()));
        const left: number[] = [];
        for await (const program of firstOfEachSignature(model, faulty)) {
          left.push((await assertShrinkStaysFailing(model, faulty, program)).opsAfter);
          if (left.at(-1)! <= OPS_LEFT_MAX) return;
          if (left.length === SIGNATURES_MAX) break;
        }
        throw new Error(
          `the first ${left.length} signatures in ${FOUND_WITHIN_RUNS} runs were shrunk to ${left} ops`,
        );
      },
    );
  }

  law("a scheduler without a fault is not failed", async () => {
    const model = sideOf(new ModelTarget());
    const naive = sideOfReplay("naive", (program) => replayNaively(program));
    const programs = Array.from({ length: runsOf(BATCH_RUNS) }, (_, run) => programOfRun(run));
    expect((await signaturesOn(model, naive, programs)).filter((found) => found !== undefined)).toEqual([]);
  });
});

function programOfRun(run: number): Program {
  return decodeProgram(generatedWords(`${seedText}:${run}`));
}

/** Of the campaign's runs that fail, those with a signature that no run before had: what a campaign shrinks and saves. */
async function* firstOfEachSignature(expected: Side, judged: Side): AsyncGenerator<Program> {
  const seen = new Set<string>();
  for (let from = 0; from < FOUND_WITHIN_RUNS; from += BATCH_RUNS) {
    const programs = Array.from({ length: BATCH_RUNS }, (_, i) => programOfRun(from + i));
    for (const [i, signature] of (await signaturesOn(expected, judged, programs)).entries()) {
      if (signature === undefined || seen.has(signatureText(signature))) continue;
      seen.add(signatureText(signature));
      yield programs[i]!;
    }
  }
}

/** An edit keeps the shape of a program: what the schema says stays true, and only `checkProgram` may object. */
function assertJudgedBySchemaToo(program: Program): void {
  const isValid = checkProgram(program) === undefined;
  must(readProgram(program).ok === isValid, `edited out of shape: ${JSON.stringify(program)}`);
}

/** What every simplification lowers: the size of each number, and one for each wrapping, title and minus sign. */
function weightOf(program: Program): bigint {
  let weight = program.title === undefined ? 0n : 1n;
  // A fiber says less than a task, and a main that is left out nothing.
  weight += BigInt(Object.keys(program.tasks ?? {}).length) + (program.main === undefined ? 0n : 1n);
  JSON.stringify(program, (key, value: unknown) => {
    if (typeof value === "number" && key !== "version")
      weight += 2n * BigInt(Math.abs(value)) + (value < 0 ? 1n : 0n);
    if (value === "repeat" || value === "call") weight += 1n;
    // Of the ops that switch, a yield says least.
    if (value === "suspend" || value === "sleep") weight += 1n;
    return value;
  });
  return weight;
}
