/**
 * What the campaign's generator promises: valid programs with true headers, within their constraints, that reach what they are for.
 *
 * SPEC section 3 and its limits; the floors are those of `campaign/labels.ts`.
 */
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { BatchRunner } from "../src/sim/campaign/batch-runner.js";
import { LABELS } from "../src/sim/campaign/labels.js";
import { checkProgram } from "../src/sim/check-program.js";
import { decodeProgram } from "../src/sim/decode-program.js";
import { sameWords } from "../src/sim/diff.js";
import { encodeProgram } from "../src/sim/encode-program.js";
import { ProgramWord } from "../src/sim/encoding.js";
import type { GeneratorConstraints } from "../src/sim/generate/profile.js";
import { fiberProgram } from "../src/sim/generate/program-arbitrary.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { readProgram } from "../src/sim/parse-program.js";
import type { Op, Program } from "../src/sim/program.js";
import { generatedWords, modelWords, must } from "./laws.js";
import { law, lawRuns, runsOf, seedText } from "./seed.js";

/** The runs of a campaign that are all looked at, whatever comes later. */
const CAMPAIGN_RUNS = 10_000;
/** Enough that the label nearest to its floor stays above it whatever the seed: it fails by chance about once in 100,000 seeds. */
const CAMPAIGNS = 4;
const RANGE_RUNS = 1000;
/** Of ops as written, how many must run at least once over a campaign. */
const REACHED_MIN = 0.6;

const constraints: fc.Arbitrary<GeneratorConstraints> = fc.record({
  fibersMax: fc.integer({ min: 1, max: 64 }),
  tasksMax: fc.integer({ min: 0, max: 64 }),
  pipesMax: fc.integer({ min: 0, max: 64 }),
  opsPerBodyMax: fc.integer({ min: 1, max: 64 }),
  misusePerMille: fc.integer({ min: 0, max: 1000 }),
  world: fc.boolean(),
  uniform: fc.boolean(),
});
const runSeeds = fc.nat(1_000_000).map((run) => `${seedText}:${run}`);

describe("generator", () => {
  law("a generated program is valid (SPEC section 3)", () => {
    fc.assert(
      fc.property(fiberProgram(), (program) => {
        expect(checkProgram(program)).toBeUndefined();
        expect(readProgram(program)).toEqual({ ok: true, value: program });
      }),
      lawRuns(1000),
    );
  });

  law("the header of a generated program counts what is in it (docs/encoding.md)", () => {
    fc.assert(
      fc.property(runSeeds, constraints, (runSeed, bounds) => {
        const words = generatedWords(runSeed, bounds);
        const program = decodeProgram(words);
        const lists = [
          ...Object.values(program.fibers ?? {}),
          ...Object.values(program.tasks ?? {}).map(({ ops = [] }) => ops),
          program.main ?? [],
          program.world ?? [],
        ];
        const sum = (count: (op: Op) => number): number =>
          lists.flat().reduce((total, op) => total + count(op), 0);
        expect(words[ProgramWord.length]).toBe(words.length);
        expect(words[ProgramWord.ops]).toBe(sum(written));
        expect(words[ProgramWord.opsExecutedMax]).toBe(sum(executed));
        must(sameWords(encodeProgram(program), words), "the program's own encoding is another");
      }),
      lawRuns(500),
    );
  });

  law("a program keeps to its constraints and stays valid at any of them", () => {
    fc.assert(
      fc.property(runSeeds, constraints, (runSeed, bounds) => {
        const program = decodeProgram(generatedWords(runSeed, bounds));
        expect(checkProgram(program)).toBeUndefined();
        assertWithin(program, bounds);
      }),
      lawRuns(500),
    );
  });

  law("no replay writes more than the trace's bound (docs/encoding.md)", () => {
    fc.assert(
      fc.property(runSeeds, constraints, (runSeed, bounds) => {
        const words = generatedWords(runSeed, bounds);
        const bodies = words[ProgramWord.fibers]! + words[ProgramWord.tasks]! + 2;
        const wordsMax = 64 + 8 * bodies + 24 * words[ProgramWord.opsExecutedMax]!;
        expect(modelWords(decodeProgram(words)).length).toBeLessThanOrEqual(wordsMax);
      }),
      lawRuns(300),
    );
  });

  law("a campaign reaches every label above its floor, and most of what it writes", async () => {
    const runner = new BatchRunner([new ModelTarget()], {});
    const campaigns = Math.max(CAMPAIGNS, runsOf(CAMPAIGNS));
    const reached = new Float64Array(LABELS.length);
    let [runs, opsWritten, opsReached] = [0, 0, 0];
    for (let campaign = 0; campaign < campaigns; campaign++) {
      for (let from = 0; from < CAMPAIGN_RUNS; from += RANGE_RUNS) {
        const range = await runner.run(`${seedText}/${campaign}`, { from, count: RANGE_RUNS });
        for (const [i, count] of range.labels.entries()) reached[i] = reached[i]! + count;
        runs += range.lookedAt;
        opsWritten += range.opsWritten;
        opsReached += range.opsReached;
      }
    }
    expect(runs).toBe(campaigns * CAMPAIGN_RUNS);
    const under = LABELS.filter(({ floorPer10000 }, i) => reached[i]! * 10_000 < floorPer10000 * runs);
    expect(under).toEqual([]);
    expect(opsReached / opsWritten).toBeGreaterThanOrEqual(REACHED_MIN);
  });
});

/** How many ops an op stands for, itself included; counted here by other means than the encoder's. */
function written(op: Op): number {
  return JSON.stringify(op).split('"op":').length - 1;
}

function executed(op: Op): number {
  if (op.op === "repeat") {
    let count = 1;
    for (let pass = 0; pass < op.times; pass++) for (const inner of op.ops) count += executed(inner);
    return count;
  }
  return op.op === "call" ? op.ops.reduce((count, inner) => count + executed(inner), 1) : 1;
}

/** A crowd has pipes and fibers of its own number (17 to 24), whatever the bounds, unless there are to be no pipes at all. */
function assertWithin(program: Program, bounds: GeneratorConstraints): void {
  const { fibersMax, tasksMax, pipesMax, world, uniform } = bounds as Required<GeneratorConstraints>;
  const fibers = Object.keys(program.fibers ?? {}).length;
  const pipes = (program.pipes ?? []).length;
  const mayCrowd = pipesMax > 0 && !uniform;
  must(fibers >= 1 && fibers <= (mayCrowd ? Math.max(fibersMax, 24) : fibersMax), `${fibers} fibers`);
  must(pipes <= (mayCrowd ? Math.max(pipesMax, 22) : pipesMax), `${pipes} pipes`);
  must(Object.keys(program.tasks ?? {}).length <= tasksMax, "more tasks than asked for");
  must(world || program.world === undefined, "a world where there is to be none");
}
