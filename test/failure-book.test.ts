/** The failures of a campaign, as its record keeps them while the next range is looked at. */
import { expect, test } from "vitest";
import { ModelTarget } from "../src/sim/model-target.js";
import { FailureBook } from "../src/testing/failure-book.js";

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
    lookedAt: [{ index: 0, on: "model", outcome: "timeout", signature: null }],
    found: [],
  });
  expect(book.log.count).toBe(2);
});
