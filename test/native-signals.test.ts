/**
 * Signals and clocks change no trace (C5): a storm of SIGALRM in the worker, SIGCHLD of a child that ends, SIGSTOP and SIGCONT to host
 * and worker while a batch is under way.
 *
 * Needs a C compiler.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openNativeTarget } from "../src/native-bridge/targets.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { sameWords } from "../src/sim/diff.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { ModelTarget } from "../src/sim/model-target.js";
import type { Program } from "../src/sim/program.js";
import { type ProgramBatch, type Target, traceOf } from "../src/sim/target.js";
import { scratchFolder } from "./support/command.js";
import { generatedBatch } from "./support/generated-batch.js";
import { loadCorpusProgram } from "./support/replay.js";
import { architectureOf, architecturesHere, buildRuntime } from "./support/runtime-builds.js";
import { outcomeLine } from "./support/trace-readers.js";

const { folder } = scratchFolder();

/** The numbers of the programs on which the target and the model differ. */
async function differences(target: Target, batch: ProgramBatch): Promise<number[]> {
  const expected = await new ModelTarget().replay(batch);
  const came = await target.replay(batch);
  return Array.from({ length: batch.count }, (_, i) => i).filter(
    (i) => !sameWords(traceOf(expected, i), traceOf(came, i)),
  );
}

/** The host of the library, its worker and, under qemu-user, the arm64 Node: all that have it on their command line. */
function processesOf(library: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, "latin1").includes(library);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe.each(architecturesHere)("signals on $name", ({ name }) => {
  const architecture = architectureOf(name);
  const targets: Target[] = [];
  const open = async (path: string, timeLimitMs = 20_000) => {
    const target = await openNativeTarget(path, { timeLimitMs });
    targets.push(target);
    return target;
  };
  let storm = "";
  beforeAll(() => {
    storm = buildRuntime(folder, `storm-${name}`, { architecture, around: "storm-runtime.c" });
  });
  afterAll(() => Promise.all(targets.map((target) => target.close())));

  test("a storm of SIGALRM changes no trace of the original's examples and of generated programs (C5)", async () => {
    const target = await open(storm);
    const examples = ["1816-", "1817-", "1820-"];
    const found = readdirSync(new URL("../corpus/", import.meta.url));
    const programs = examples.map((prefix) =>
      loadCorpusProgram(found.find((file) => file.startsWith(prefix))!.replace(".json", "")),
    );
    expect(await differences(target, batchOf(programs.map(encodeProgram)))).toEqual([]);
    expect(await differences(target, generatedBatch("storm", name === "native" ? 300 : 60))).toEqual([]);
  });

  test("a wait that nobody ends waits on through a storm: an io-hang, not a failure (C5, I2)", async () => {
    const library = buildRuntime(folder, `storm-unhooked-${name}`, {
      architecture,
      around: "storm-runtime.c",
      flags: ["-DSTORM_NO_HOOKS"],
    });
    const target = await open(library, 1500);
    const program: Program = { version: 1, pipes: ["p"], fibers: { a: [{ op: "block", pipe: "p" }] } };
    const traces = await target.replay(batchOf([encodeProgram(program)]));
    const { outcome } = decodeTrace(program, traceOf(traces, 0));
    // A storm that hits the moment of asking finds the process awake: then it is the time limit that ends it.
    expect(["io-hang@0 a/p", "timeout@0"]).toContain(outcomeLine(outcome));
  });

  test("a runtime that takes EINTR for a failure is found by the storm: the seed's C5", async () => {
    const library = buildRuntime(folder, `storm-c5-${name}`, {
      architecture,
      around: "storm-runtime.c",
      flags: ["-DSTORM_NO_HOOKS", "-DSCHED_DEFECT_C5", "-DSCHED_WITHOUT_MUST"],
    });
    const target = await open(library, 1500);
    const program: Program = { version: 1, pipes: ["p"], fibers: { a: [{ op: "block", pipe: "p" }] } };
    const traces = await target.replay(batchOf([encodeProgram(program)]));
    expect(outcomeLine(decodeTrace(program, traceOf(traces, 0)).outcome)).toBe(
      "panic@0 sched: epoll_wait() failed while blocking on fd readiness",
    );
  });

  test("SIGSTOP, SIGCONT and SIGCHLD to host and worker while they replay change no trace", async () => {
    const path = buildRuntime(folder, `stopped-${name}`, { architecture });
    const target = await open(path);
    const batch = generatedBatch("stop", name === "native" ? 6000 : 1500);
    const expected = await new ModelTarget().replay(batch);
    let isDone = false;
    const replaying = target.replay(batch).finally(() => {
      isDone = true;
    });
    let stops = 0;
    while (!isDone) {
      const processes = processesOf(path);
      for (const signal of ["SIGSTOP", "SIGCHLD", "SIGCONT"] as const) {
        for (const process_ of processes) send(process_, signal);
        await delay(2);
      }
      stops++;
    }
    const came = await replaying;
    expect(stops).toBeGreaterThan(2);
    expect(came.count).toBe(batch.count);
    expect(sameWords(expected.words.subarray(0, expected.ends[batch.count - 1]!), came.words)).toBe(true);
  });
});

function send(process_: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process_, signal);
  } catch {
    // It has ended in the meantime.
  }
}
