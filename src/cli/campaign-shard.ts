/**
 * Which runs of a campaign a shard runs: whole ranges, as many for each as can be.
 *
 * A range is never cut: what is found in it may depend on which runs stand together (`leak-audit.ts`), and so a campaign in shards runs the very
 * ranges that it runs in a piece.
 */
import { InvalidArgumentError } from "commander";
import type { RunRange } from "../sim/campaign/batch-runner.js";

/** Shard `index` of `count`, from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Shard = { index: 1, count: 1 };

const SHARDS_MAX = 10_000;

/** `i/n` as an option gives it. @throws InvalidArgumentError */
export function parseShard(text: string): Shard {
  const found = /^([1-9]\d{0,4})\/([1-9]\d{0,4})$/.exec(text);
  const [index, count] = [Number(found?.[1]), Number(found?.[2])];
  if (!(index <= count && count <= SHARDS_MAX))
    throw new InvalidArgumentError(
      `expected i/n with i from 1 to n, such as 2/7, and n at most ${SHARDS_MAX}.`,
    );
  return { index, count };
}

export function shardText({ index, count }: Shard): string {
  return `${index}/${count}`;
}

/** The runs of a shard: none where there are more shards than ranges. `runs` may be Infinity for the whole. */
export function shardRange(from: number, runs: number, rangeRuns: number, { index, count }: Shard): RunRange {
  if (count === 1) return { from, count: runs };
  const ranges = Math.ceil(runs / rangeRuns);
  const startOf = (shard: number): number => Math.min(runs, Math.floor((ranges * shard) / count) * rangeRuns);
  const start = startOf(index - 1);
  return { from: from + start, count: startOf(index) - start };
}
