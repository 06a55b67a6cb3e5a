/**
 * Random numbers for generating: a stream of 32-bit numbers that depends on its seed alone.
 *
 * The characters of a seed are mixed into 128 bits of state as seedrandom does it for Tyche-i (Neves and Araujo), in 32-bit integers, the same
 * on every machine; three numbers of it begin sfc32 (Chris Doty-Humphrey, PractRand), which draws. The 20 rounds after the last character
 * make the first number as good as any. Written out here because seeding was a fifth of generating: the runs of a campaign share the
 * rounds of `S:`, and a test holds this against seedrandom. fast-check's random numbers give the state instead where a property asks
 * (`program-arbitrary.ts`).
 */

/** Rounds behind the last character, and the numbers drawn after them. */
const LAST_ROUNDS = 20;
const DRAWN = 3;
/** The state that seeds are mixed into. */
const SEEDLESS = Int32Array.of(0, 0, 2654435769, 1367130551);

export class SeededStream {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;
  /** The campaign that was asked for last, and the state that `S:` leaves. */
  #campaign: string | undefined;
  readonly #begun = new Int32Array(4);

  constructor(seed: string) {
    this.reseed(seed);
  }

  /** Starts the stream of another seed. Streams are reused so that a campaign allocates none. */
  reseed(seed: string): void {
    this.#mix(SEEDLESS, seed, LAST_ROUNDS + DRAWN);
  }

  /** Starts the stream of run `index` of campaign `seed`: that of the seed `S:i` (`runSeed`). */
  reseedRun(seed: string, index: number): void {
    if (seed !== this.#campaign) {
      this.#campaign = seed;
      this.#begun.set(SEEDLESS);
      this.#mix(this.#begun, `${seed}:`, 0, this.#begun);
    }
    this.#mix(this.#begun, String(index), LAST_ROUNDS + DRAWN);
  }

  /** Starts the stream of a state: any three 32-bit integers. */
  restart(a: number, b: number, c: number): void {
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#counter = 1;
  }

  /**
   * A round of Tyche-i for each character of `text`, mixed in, and `rounds` more, from the state `from`. Starts the stream of the last three
   * numbers that they draw, and leaves the state in `left`.
   */
  #mix(from: Int32Array, text: string, rounds: number, left?: Int32Array): void {
    let a = from[0]!;
    let b = from[1]!;
    let c = from[2]!;
    let d = from[3]!;
    let first = 0;
    let second = 0;
    for (let i = 0; i < text.length + rounds; i++) {
      first = second;
      second = a;
      if (i < text.length) b ^= text.charCodeAt(i);
      b = (b << 25) ^ (b >>> 7) ^ c;
      c = (c - d) | 0;
      d = (d << 24) ^ (d >>> 8) ^ a;
      a = (a - b) | 0;
      b = (b << 20) ^ (b >>> 12) ^ c;
      c = (c - d) | 0;
      d = (d << 16) ^ (c >>> 16) ^ a;
      a = (a - b) | 0;
    }
    left?.set([a, b, c, d]);
    this.restart(first, second, a);
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
