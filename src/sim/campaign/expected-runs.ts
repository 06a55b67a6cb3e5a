/**
 * The runs of a campaign with what the model makes of them, kept: programs and traces that many targets are compared with.
 *
 * Guarantee: ranges are the same for everyone who asks, in the same order, and depend on the seed and the constraints alone. They begin
 * small and grow, so that a target that fails at once is not asked to fail often, and one that never fails is asked in large batches.
 */
import type { GeneratorConstraints } from "../generate/profile.js";
import { ProgramGenerator } from "../generate/program-generator.js";
import { SeededStream } from "../generate/random-numbers.js";
import { runSeed } from "../generate/run-seed.js";
import { WordBuffer } from "../generate/word-buffer.js";
import type { ModelTarget } from "../model-target.js";
import type { ProgramBatch, TraceBatch } from "../target.js";

export interface ExpectedRange {
  /** Index of the first run. */
  readonly from: number;
  readonly batch: ProgramBatch;
  readonly expected: TraceBatch;
}

const RANGE_RUNS_FIRST = 8;
const RANGE_RUNS_MAX = 1024;

export class ExpectedRuns {
  readonly seed: string;
  readonly constraints: GeneratorConstraints;
  readonly #model: ModelTarget;
  readonly #runs: number;
  readonly #ranges: ExpectedRange[] = [];
  #made = 0;

  /** The first `runs` runs of campaign `seed`. */
  constructor(seed: string, constraints: GeneratorConstraints, runs: number, model: ModelTarget) {
    this.seed = seed;
    this.constraints = constraints;
    this.#runs = runs;
    this.#model = model;
  }

  /** The range of that number, from 0; undefined past the last one. */
  range(number: number): ExpectedRange | undefined {
    while (this.#ranges.length <= number && this.#made < this.#runs) this.#make();
    return this.#ranges[number];
  }

  #make(): void {
    const from = this.#made;
    const count = Math.min(RANGE_RUNS_MAX, Math.max(RANGE_RUNS_FIRST, from), this.#runs - from);
    const generator = new ProgramGenerator(this.constraints);
    const buffer = new WordBuffer();
    const ends = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      generator.generate(new SeededStream(runSeed(this.seed, from + i)), buffer);
      ends[i] = buffer.position;
    }
    const batch = { words: buffer.words.slice(0, buffer.position), ends, count };
    const traces = this.#model.replayNow(batch);
    // What a target answers is its own until the next call.
    const expected = {
      words: traces.words.slice(0, traces.ends[count - 1]!),
      ends: traces.ends.slice(0, count),
      count,
    };
    this.#ranges.push({ from, batch, expected });
    this.#made += count;
  }
}
