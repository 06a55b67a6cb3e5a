/** The failures of a campaign, as its record keeps them while the next range is looked at, and as the records of shards add up. */
import { describe, expect, test } from "vitest";
import type { FailedRun } from "../src/sim/campaign/batch-runner.js";
import { ModelTarget } from "../src/sim/model-target.js";
import type { Target } from "../src/sim/target.js";
import { FailureBook } from "../src/testing/failure-book.js";
import { type FailureLog, failedRuns, INVESTIGATED_MAX, mergedLog } from "../src/testing/failure-log.js";

/** The model, but one record of each program is another while `isWrong` says so. */
function wrongWhere(name: string, isWrong: () => boolean): Target {
  const model = new ModelTarget();
  return {
    name,
    description: "the model, now and then",
    runsWorlds: true,
    async replay(batch) {
      const traces = await model.replay(batch);
      for (const end of isWrong() ? traces.ends : []) traces.words[end - 1]! ^= 1;
      return traces;
    },
    close: () => model.close(),
  };
}

/** The log of these failures, of which those fail again that `failsAgain` names. */
async function logOf(
  failures: readonly FailedRun[],
  failsAgain: (failed: FailedRun) => boolean = () => false,
): Promise<FailureLog> {
  let again = false;
  const targets = [new ModelTarget(), ...["a", "b"].map((name) => wrongWhere(name, () => again))];
  const book = new FailureBook({
    setup: { seed: "log", on: ["model", "a", "b"], constraints: {} },
    shrinkMs: 0,
    folder: undefined,
    interrupted: new AbortController().signal,
    target: (name) => targets.find((target) => target.name === name)!,
  });
  for (const failed of failures) {
    again = failsAgain(failed);
    await book.add(failed);
  }
  return book.log;
}

test("a log that was given out does not change when another run is looked at", async () => {
  const model = new ModelTarget();
  const book = new FailureBook({
    setup: { seed: "log", on: ["model", "model"], constraints: {} },
    shrinkMs: 0,
    folder: undefined,
    interrupted: new AbortController().signal,
    target: () => model,
  });
  await book.add({ index: 0, on: "model", outcome: "timeout" });
  const { log } = book;
  await book.add({ index: 1, on: "model", outcome: "timeout" });
  expect(log).toEqual({
    count: 1,
    runs: 1,
    lookedAt: [{ index: 0, on: "model", outcome: "timeout", signature: null }],
    found: [],
  });
  expect(book.log.count).toBe(2);
});

describe("of more failures than are looked at", () => {
  /** Runs 0, 3, 6, ...: every second fails on both targets. */
  const failures = Array.from({ length: 2 * INVESTIGATED_MAX }, (_, i) =>
    ["a", "b"].slice(0, 1 + (i % 2)).map((on) => ({ index: 3 * i, on, outcome: "completed" })),
  ).flat();
  /** Of three runs one does not repeat, and one only on one target: in any order, past the last that is looked at as well. */
  const failsAgain = ({ index, on }: FailedRun): boolean =>
    index % 9 === 0 || (index % 9 === 3 && on === "b");

  test("logs of 1, 2 and 7 shards add up to the log of the whole, and so do the runs that failed", async () => {
    const whole = await logOf(failures, failsAgain);
    expect(whole.count).toBe(failures.length);
    expect(whole.runs).toBe(2 * INVESTIGATED_MAX);
    for (const count of [1, 2, 7]) {
      const runs = (6 * INVESTIGATED_MAX) / count;
      const shards = Array.from({ length: count }, (_, shard) =>
        failures.filter(({ index }) => Math.floor(index / runs) === shard),
      );
      const merged = mergedLog(await Promise.all(shards.map((shard) => logOf(shard, failsAgain))));
      expect(merged).toEqual(whole);
      expect(failedRuns(merged)).toBe(failedRuns(whole));
    }
  }, 60_000);

  test("no run is looked at on one target and only counted on another", async () => {
    // The first that is looked at fails on one target, all the others on both.
    const both = failures.filter(({ index }) => index % 6 === 3);
    const { lookedAt } = await logOf([{ index: 0, on: "a", outcome: "completed" }, ...both]);
    expect(lookedAt).toHaveLength(INVESTIGATED_MAX + 1);
    expect(lookedAt.at(-1)?.index).toBe(lookedAt.at(-2)?.index);
  });

  test("a run counts as failed unless it was looked at and agreed on every target", async () => {
    const log = await logOf(failures, failsAgain);
    const indices = [...new Set(log.lookedAt.map(({ index }) => index))];
    const steady = indices.filter((of) =>
      log.lookedAt.every(({ index, signature }) => index !== of || signature === null),
    );
    expect(steady.length).toBeGreaterThan(50);
    expect(failedRuns(log)).toBe(2 * INVESTIGATED_MAX - steady.length);
  });
});
