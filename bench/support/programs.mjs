/**
 * Programs to run and their events: those of the campaign, by its own generator and seeds, and how many records their traces have.
 */
import { Coverage, ProgramGenerator, SeededStream, WordBuffer } from "./dist.mjs";

/** The campaign's programs in batches, in one buffer that each batch overwrites. */
export class ProgramSource {
  #generator;
  #buffer = new WordBuffer();
  #random = new SeededStream("");
  #ends = new Uint32Array(0);
  #seed;

  constructor(seed, constraints = {}) {
    this.#seed = seed;
    this.#generator = new ProgramGenerator(constraints);
  }

  /** Programs `from` to `from + count - 1` of the seed, valid until the next call. */
  batch(from, count) {
    if (this.#ends.length < count) this.#ends = new Uint32Array(count);
    this.#buffer.position = 0;
    for (let i = 0; i < count; i++) {
      this.#random.reseedRun(this.#seed, from + i);
      this.#generator.generate(this.#random, this.#buffer);
      this.#ends[i] = this.#buffer.position;
    }
    const { position, words } = this.#buffer;
    return { words: words.subarray(0, position), ends: this.#ends.subarray(0, count), count };
  }
}

/** Reads a batch and the model's traces of it as a campaign does. */
export function coverageOf(batch, traces) {
  const coverage = new Coverage();
  const start = (ends, i) => (i === 0 ? 0 : ends[i - 1]);
  for (let i = 0; i < batch.count; i++) {
    coverage.read(batch.words, start(batch.ends, i), traces.words, start(traces.ends, i), traces.ends[i]);
  }
  return coverage;
}
