/**
 * The worked adapter over Boost.Context: with hooks it agrees with the model everywhere, without hooks as far as SPEC section 5 goes, and
 * its wrong copy is found. Where it cannot be built, one line on standard error says what to install.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";
import { buildExample, whyNoExample } from "./support/example-adapter.js";

const missing = whyNoExample();
if (missing !== undefined) process.stderr.write(`example-adapter.test.ts: skipped: ${missing}\n`);

/** A waiter whose task sleeps is woken by somebody else. */
const NUDGE = {
  version: 1,
  fibers: {
    waiter: [
      { op: "go", task: "job" },
      { op: "wait", task: "job" },
    ],
    nudger: [{ op: "wake", fiber: "waiter" }],
  },
  tasks: { job: { ops: [{ op: "sleep", ms: 10 }], returns: 7 } },
};

/** Long enough for a loaded machine, short enough for the hangs that only a time limit ends. */
const TIME_LIMIT = ["--time-limit", "1500"];

describe.skipIf(missing !== undefined)("the adapter over Boost.Context", () => {
  const scratch = scratchFolder();
  const journal = ["--no-save", "--journal", scratch.folder];

  beforeAll(buildCommand);

  describe("with both hooks", () => {
    let on: string;
    beforeAll(() => {
      on = `model,${buildExample(scratch.folder, "all")}`;
    });

    test("agrees with every entry of the corpus", () => {
      const { status, stdout, stderr } = lockstep(["corpus", "run", "--on", on]);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).not.toMatch(/DIFFERS|CANNOT RUN/);
    });

    test("agrees in 5,000 runs of a campaign", { timeout: 120_000 }, () => {
      const { status, stdout } = lockstep(["sim", "--runs", "5000", "--on", on, ...journal]);
      expect([status, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "no divergence"]);
    });
  });

  describe("without hooks (SPEC section 5)", () => {
    let on: string;
    beforeAll(() => {
      on = buildExample(scratch.folder, "no-hooks");
    });

    test("cannot run a program with a world, and is told from a divergence", { timeout: 120_000 }, () => {
      const { status, stdout } = lockstep([...TIME_LIMIT, "corpus", "run", "--on", `model,${on}`]);
      expect(status).toBe(2);
      const cannot = [...stdout.matchAll(/^(\S+) +agrees +CANNOT RUN$/gm)].map((match) => match[1]);
      expect(cannot).toContain("i2-world-writes-then-closes");
      expect(stdout).not.toContain("DIFFERS");
    });

    test("panics by the line that it prints", () => {
      const { stdout } = lockstep(["replay", "corpus/1818-negative-sleep.json", "--on", on]);
      expect(stdout).toContain("panic at t=10: sched: sleep(-5) — negative duration");
    });

    test("hangs by the time limit, as the same io-hang", () => {
      const program = "corpus/i2-io-hang-in-order-of-arming.json";
      const { status } = lockstep([...TIME_LIMIT, "diff", program, "--on", `model,${on}`]);
      expect(status).toBe(0);
    });

    test("agrees in a campaign of programs without a world", { timeout: 120_000 }, () => {
      const args = ["sim", "--no-world", "--runs", "200", "--on", `model,${on}`, ...journal];
      const { status, stdout } = lockstep([...TIME_LIMIT, ...args]);
      expect([status, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "no divergence"]);
    });
  });

  describe("with one line wrong (C2)", () => {
    let on: string;
    beforeAll(() => {
      on = `model,${buildExample(scratch.folder, "wrong")}`;
    });

    test("a waiter that somebody else wakes gets a value that is none", () => {
      const { status, stdout } = lockstep([
        "diff",
        scratch.file("nudge.json", JSON.stringify(NUDGE)),
        "--on",
        on,
      ]);
      expect(status).toBe(1);
      expect(stdout).toMatch(/resumes "waiter" from wait job with 0$/m);
    });

    test("a campaign finds it and shrinks it to a few ops", { timeout: 120_000 }, () => {
      const args = ["sim", "--runs", "500", "--bail", "--on", on, ...journal];
      const { status, stdout } = lockstep(args);
      expect(status).toBe(1);
      expect(Number(/shrunk from \d+ to (\d+) ops/.exec(stdout)?.[1])).toBeLessThanOrEqual(10);
    });
  });
});
