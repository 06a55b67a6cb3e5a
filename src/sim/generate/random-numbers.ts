/**
 * Random numbers for generating: a stream of 32-bit numbers that depends on its seed alone.
 *
 * seedrandom turns the seed string into 96 bits of state (Tyche-i, in 32-bit integers, the same on every machine); from there sfc32 (Chris
 * Doty-Humphrey, PractRand) draws. The bits of the seed are mixed by the 20 rounds that seedrandom ends with, so the first number is as good
 * as any. fast-check's random numbers give the state instead where a property asks (`program-arbitrary.ts`).
 */
import seedrandom from "seedrandom";

export class SeededStream {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  constructor(seed: string) {
    this.reseed(seed);
  }

  /** Starts the stream of another seed. Streams are reused so that a campaign allocates none. */
  reseed(seed: string): void {
    const draw = seedrandom.tychei(seed).int32;
    this.restart(draw(), draw(), draw());
  }

  /** Starts the stream of a state: any three 32-bit integers. */
  restart(a: number, b: number, c: number): void {
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#counter = 1;
  }

  /** 32 random bits, as a signed integer. */
  bits(): number {
    const drawn = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + drawn) | 0;
    return drawn;
  }

  /**
   * A whole number from 0 to `n` - 1. `n`: 1 to 2^11. By the high bits, in integers: biased by less than 2^-10 for the ranges that there
   * are, and free of rejection loops.
   */
  below(n: number): number {
    return Math.imul(this.bits() >>> 11, n) >>> 21;
  }
}
