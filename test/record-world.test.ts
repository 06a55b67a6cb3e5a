/** Recordings of a world: what `onIdle` may not do is an error that says so (SPEC section 3). */
import { describe, expect, test } from "vitest";
import type { RecordOptions } from "../src/sim/record/record.js";
import { refusal } from "./support/recording-refusal.js";

describe("what a world may not do is an error:", () => {
  test.each<[string, NonNullable<RecordOptions["onIdle"]>, RegExp]>([
    [
      "two actions of the world at once",
      (s) => s.write(0, 1) === 1 && s.close(0, "write") === "closed",
      /one write or close at a time/,
    ],
    ["a world that does nothing", () => true, /gave true and did nothing/],
    ["a world that reads", (s) => s.read(0, 1) === 1, /the world only writes and closes/],
    ["a world that says it is done when it is not", (s) => s.write(0, 1) === 0, /gave false after/],
    [
      "a world that throws",
      () => {
        throw new Error("broken");
      },
      /threw broken/,
    ],
  ])("%s", (_, onIdle, message) => {
    const error = refusal(
      (s) => {
        s.spawn(function* a() {
          yield* s.block(0);
        });
      },
      { pipes: 1, onIdle },
    );
    expect(error.message).toMatch(message);
    expect(error.who).toBe("the world (onIdle)");
  });
});
