/** Durations as people write them in options: `500ms`, `90s`, `10m`, `8h`; a bare number is seconds. */
import { InvalidArgumentError } from "commander";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, "": 1000 };

/** Milliseconds, from 1 ms to 100 days. @throws InvalidArgumentError */
export function durationMs(text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text);
  const ms = found === null ? Number.NaN : Math.round(Number(found[1]) * UNITS_MS[found[2]!]!);
  if (!(ms >= 1 && ms <= 8_640_000_000))
    throw new InvalidArgumentError("expected a duration such as 500ms, 90s, 10m or 8h.");
  return ms;
}

/** The same duration as an option takes it, in the largest unit that gives a whole number. */
export function durationFlag(ms: number): string {
  const [unit, unitMs] = Object.entries({ h: 3_600_000, m: 60_000, s: 1000, ms: 1 }).find(
    ([, each]) => ms % each === 0,
  )!;
  return `${ms / unitMs}${unit}`;
}

/** A whole number within bounds, for options. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** `1.2 s`, `3 min 5 s`: for people. */
export function durationText(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
