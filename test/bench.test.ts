/**
 * The arithmetic of the bench: what growth is called, what a goal needs to be reached, what a page of results keeps. No timing is tested.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { goalsOf } from "../bench/support/goals.mjs";
import { fitGrowth } from "../bench/support/growth-fit.mjs";
import { writeResults } from "../bench/support/results-page.mjs";

const SIZES = [1000, 10_000, 100_000, 1_000_000];

describe("the fitted exponent", () => {
  const fitOf = (cost: (size: number) => number) => fitGrowth(SIZES.map((size) => [size, cost(size)]));

  test("of a line is 1, and it is called linear", () => {
    expect(fitOf((size) => 3 * size)).toMatchObject({ exponent: expect.closeTo(1, 9), verdict: "linear" });
  });

  test("of n log n is that of n log n over the same sizes", () => {
    const fit = fitOf((size) => 7 * size * Math.log2(size));
    expect(fit?.exponent).toBeCloseTo(fit?.ofNLogN ?? 0, 9);
    expect(fit?.verdict).not.toBe("worse");
  });

  test("between a line's and n log n's with what caches add is called n log n, above it worse", () => {
    expect(fitOf((size) => size ** 1.15)?.verdict).toBe("n log n");
    expect(fitOf((size) => size ** 1.3)?.verdict).toBe("worse");
    expect(fitOf((size) => size ** 2)?.verdict).toBe("worse");
  });

  test("is not given where there is too little to say", () => {
    expect(fitGrowth([])).toBeUndefined();
    expect(fitGrowth([[1000, 5]])).toBeUndefined();
    expect(fitGrowth([[1000, 5], [1000, 6]])).toBeUndefined(); // biome-ignore format: two points of one size
    expect(fitGrowth([[1000, 0], [10_000, 6]])).toBeUndefined(); // biome-ignore format: nothing measured
  });
});

const part = { title: "a part", tables: [], goals: [], notes: [], seconds: 1 };
const nanoseconds = (median: number) => ({ median, min: median, max: median, rounds: 1 });

describe("the goals of a run", () => {
  test("that name a most are reached below it, the others above it", () => {
    const goals = [
      { what: "at most", goal: 8, measured: 7, isMost: true },
      { what: "not at most", goal: 8, measured: 9, isMost: true },
      { what: "at least", goal: 8, measured: 9 },
      { what: "not at least", goal: 8, measured: 7 },
    ];
    expect(goalsOf({ x: { ...part, goals } }).map(({ isReached }) => isReached)).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test("against Go are ratios of two parts' figures in one run, and not measured where one is missing", () => {
    const runtime = {
      ...part,
      figures: { "yield/lockstep/10": nanoseconds(5), "yield/lockstep/1000": nanoseconds(8) },
    };
    const schedulers = {
      ...part,
      figures: { "yield/go/10": nanoseconds(40), "yield/go/1000": nanoseconds(40) },
    };
    const goals = goalsOf({ runtime, schedulers });
    expect(goals.map(({ measured, isReached }) => [measured, isReached])).toEqual([
      [8, true],
      [5, false],
      [null, null],
    ]);
  });
});

describe("the page of results", () => {
  const whole = {
    machine: { cpu: "a processor" },
    versions: { go: "go1" },
    options: { rounds: 3, isQuick: false },
    seconds: 60,
    date: "2026-01-02",
  };

  test("says its date, machine and goals, and keeps below its last line what was written by hand", () => {
    const folder = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "RESULTS.md");
    const goals = [{ what: "a goal", goal: 1, measured: 2 }];
    const results = { x: { ...part, goals } };
    writeResults({ ...whole, results, goals: goalsOf(results) }, file);
    writeFileSync(file, `${readFileSync(file, "utf8")}\nwritten by hand\n`);
    writeResults({ ...whole, results: {}, goals: [] }, file);
    const page = readFileSync(file, "utf8");
    expect(page).toContain("on 2026-01-02");
    expect(page).toMatch(/\| cpu +\| a processor \|/);
    expect(page).not.toContain("a goal");
    expect(page.endsWith("\nwritten by hand\n")).toBe(true);
  });
});
