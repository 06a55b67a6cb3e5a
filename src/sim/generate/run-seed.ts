/**
 * Seeds: a campaign has a string S, its run i is `S:i`, and everything that the run needs follows from that string alone, whatever ran
 * before it, on however many workers, on whichever machine (`random-numbers.ts`).
 */

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

/** `S:i` taken apart, at the last colon; undefined when it is not of that form: S has no control character, i is 0 to 2^53 - 1. */
export function parseRunSeed(text: string): RunSeed | undefined {
  const found = /^(.+):(0|[1-9]\d{0,15})$/.exec(text);
  if (found === null || found[1]!.length > SEED_LENGTH_MAX || /\p{Cc}/u.test(found[1]!)) return undefined;
  const index = Number(found[2]);
  return Number.isSafeInteger(index) ? { seed: found[1]!, index } : undefined;
}
