/**
 * Seeds: a campaign has a string S, its run i is `S:i`, and everything that the run needs follows from that string alone.
 *
 * Guarantee: the random numbers of a run do not depend on the runs before it, on the number of workers, or on the machine: seedrandom's
 * Alea generator uses only IEEE double arithmetic. fast-check's `Random` goes on top, so that one generator serves campaigns and
 * people's own properties.
 */
import { Random } from "fast-check";
import seedrandom from "seedrandom";

/** What fast-check needs of a source of random numbers, over Alea. */
class AleaSource {
  readonly #draw: () => number;

  constructor(draw: () => number) {
    this.#draw = draw;
  }

  /** The next 32 bits, as a signed integer. */
  next(): number {
    return this.#draw();
  }

  /** fast-check clones a source once, when a `Random` is made of it; nobody draws from the original after that. */
  clone(): AleaSource {
    return this;
  }

  jump(): never {
    throw new Error("a run's random numbers cannot be jumped over");
  }

  getState(): readonly number[] {
    return [];
  }
}

/** The random numbers of one run. */
export function randomOf(runSeed: string): Random {
  return new Random(new AleaSource(seedrandom.alea(runSeed).int32));
}

/** The seed of run `index` of campaign `seed`. */
export function runSeed(seed: string, index: number): string {
  return `${seed}:${index}`;
}

export interface RunSeed {
  readonly seed: string;
  readonly index: number;
}

/** Longest seed of a campaign, in characters. */
export const SEED_LENGTH_MAX = 200;

/** `S:i` taken apart, at the last colon; undefined when it is not of that form. Index: 0 to 2^53 - 1. */
export function parseRunSeed(text: string): RunSeed | undefined {
  const found = /^(.+):(0|[1-9]\d{0,15})$/.exec(text);
  if (found === null || found[1]!.length > SEED_LENGTH_MAX) return undefined;
  const index = Number(found[2]);
  return Number.isSafeInteger(index) ? { seed: found[1]!, index } : undefined;
}
