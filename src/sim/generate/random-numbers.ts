/**
 * Random numbers for generating: the one method of fast-check's `Random` that the generator draws with, and a fast stream for campaigns.
 *
 * Guarantee: a stream depends on its seed string alone. seedrandom's Alea turns the string into 128 bits of state (IEEE doubles, the same on
 * every machine); from there sfc32 (Chris Doty-Humphrey, PractRand) draws in 32-bit integer arithmetic.
 */
import seedrandom from "seedrandom";

/** What the generator needs: fast-check's `Random` has it, and so has `SeededStream`. */
export interface RandomNumbers {
  /** A whole number from `min` to `max`, both included, each as likely. `max - min` below 2^21. */
  nextInt(min: number, max: number): number;
}

/** Draws before the first number is used: what sfc32 needs for all bits of the seed to reach all bits of its state. */
const WARM_UP = 8;
const TWO_TO_32 = 4294967296;

export class SeededStream implements RandomNumbers {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  constructor(seed: string) {
    this.reseed(seed);
  }

  /** Starts the stream of another seed. Streams are reused so that a campaign allocates none. */
  reseed(seed: string): void {
    const draw = seedrandom.alea(seed).int32;
    this.#a = draw();
    this.#b = draw();
    this.#c = draw();
    this.#counter = 1;
    for (let i = 0; i < WARM_UP; i++) this.#next();
  }

  nextInt(min: number, max: number): number {
    // Scaling by the high bits: biased by less than 2^-11 for the small ranges that there are, and free of rejection loops.
    return min + Math.floor(((this.#next() >>> 0) * (max - min + 1)) / TWO_TO_32);
  }

  #next(): number {
    const drawn = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + drawn) | 0;
    return drawn;
  }
}
