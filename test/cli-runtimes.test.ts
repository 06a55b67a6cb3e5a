/**
 * Somebody else's runtime through the command (SPEC section 5): the toy of test/native/, with both hooks and with none, and the limits
 * that end what does not end by itself.
 *
 * Needs a C compiler.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { machineArchitecture } from "../src/native-bridge/architecture.js";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";
import { buildAlone, buildRuntime } from "./support/runtime-builds.js";

const { folder, file } = scratchFolder();
let toy = "";
let bare = "";
let hostile = "";

beforeAll(() => {
  buildCommand();
  const architecture = machineArchitecture();
  toy = buildAlone(folder, "toy", "replay-toy-runtime.c", { architecture, flags: ["-DTOY_HOOKS"] });
  bare = buildAlone(folder, "bare", "replay-toy-runtime.c", { architecture });
  hostile = buildRuntime(folder, "hostile", { architecture, around: "hostile-runtime.c" });
});

/** The outcome of a program on a target, as `replay --format jsonl` prints it. */
function outcomeOn(on: string, program: object, ...options: string[]): unknown {
  const path = file("program.json", JSON.stringify({ version: 1, ...program }));
  const { status, stdout, stderr } = lockstep([...options, "replay", path, "--on", on, "--format", "jsonl"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return (JSON.parse(stdout) as { readonly outcome: unknown }).outcome;
}

const HANG = {
  pipes: ["p"],
  fibers: {
    a: [
      { op: "sleep", ms: 4 },
      { op: "block", pipe: "p" },
    ],
  },
};
const WORLD = { ...HANG, world: [{ op: "write", pipe: "p", bytes: 1 }] };
const DEADLOCK = { fibers: { a: [{ op: "suspend" }] } };
const DEADLOCK_MESSAGE = "sched: deadlock — 1 fiber(s) suspended with an empty run queue";

describe("a runtime without hooks (SPEC section 5)", () => {
  test("prints its panic and aborts: the message is its last line that begins with `sched: `", () => {
    expect(outcomeOn(bare, DEADLOCK)).toEqual({ outcome: "panic", t: 0, message: DEADLOCK_MESSAGE });
  });

  test("cannot run a program with a world: one line says so, exit 2, and other programs are still replayed", () => {
    const worldly = file("world.json", JSON.stringify({ version: 1, title: "worldly", ...WORLD }));
    const plain = file("plain.json", JSON.stringify({ version: 1, title: "plain", fibers: { a: [] } }));
    const { status, stdout, stderr } = lockstep(["replay", worldly, plain, "--on", bare]);
    expect(status).toBe(2);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/world\.json.*world.*idle hook/);
    expect(stdout).toContain("plain");
    expect(stdout).toContain("completed at t=0");
  });

  test("hangs in its wait for descriptors: found by the time limit, and told as what the model says", () => {
    const hang = { outcome: "io-hang", t: 4, waiting: [{ who: "a", pipe: "p" }] };
    expect(outcomeOn(bare, HANG, "--time-limit", "500")).toEqual(hang);
    expect(outcomeOn("model", HANG)).toEqual(hang);
  });

  test("hangs elsewhere: a timeout, which no model gives", () => {
    const spin = { fibers: { a: [{ op: "sleep", ms: 1003 }] } };
    expect(outcomeOn(bare, spin, "--time-limit", "500")).toEqual({ outcome: "timeout", t: 0 });
  });
});

describe("a runtime with both hooks", () => {
  test("panics, hangs and runs a world as the model does, without waiting for a limit", () => {
    for (const program of [DEADLOCK, HANG, WORLD]) {
      expect(outcomeOn(toy, program)).toEqual(outcomeOn("model", program));
    }
  });
});

describe("limits and last words", () => {
  const act = (ms: number) => ({ fibers: { a: [{ op: "sleep", ms }] } });
  /** Numbers of acts in hostile-runtime.c. */
  const ALLOCATE = 7018;
  const ASSERT = 7037;

  test("--memory-limit ends a program that allocates without end", () => {
    const outcome = outcomeOn(hostile, act(ALLOCATE), "--memory-limit", "200");
    expect(outcome).toEqual({ outcome: "crash", t: 0, signal: "memory limit", who: "a" });
  });

  test.each(["0", "-1", "much", "1.5"])("--memory-limit %s is refused", (limit) => {
    const { status, stderr } = lockstep(["--memory-limit", limit, "doctor"]);
    expect(status).toBe(2);
    expect(stderr).toContain("--memory-limit");
  });

  test("diff says what a runtime printed before it crashed, and so does the debug log", () => {
    const path = file("assert.json", JSON.stringify({ version: 1, ...act(ASSERT) }));
    const args = ["diff", path, "--on", `model,${hostile}`];
    const { status, stdout } = lockstep(args);
    expect(status).toBe(1);
    expect(stdout).toContain("the runtime printed: hostile.c:7: assertion failed: fiber != NULL");
    expect(lockstep(["--log-level", "debug", ...args]).stderr).toContain("assertion failed: fiber != NULL");
  });
});
