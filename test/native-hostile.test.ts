/**
 * Hostile runtimes: whatever one does in a program, the outcome of that program names it, the programs after it in the same batch give
 * exactly the model's traces, and no process is left over.
 *
 * The acts are those of test/native/hostile-runtime.c, each asked for by a `sleep` of its own length.
 */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packagePath } from "../src/native-bridge/package-path.js";
import { openNativeTarget } from "../src/native-bridge/targets.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { audited, batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { ModelTarget } from "../src/sim/model-target.js";
import type { Program } from "../src/sim/program.js";
import { type Target, traceOf } from "../src/sim/target.js";
import { scratchFolder } from "./support/command.js";
import { architectureOf, architecturesHere, buildRuntime } from "./support/runtime-builds.js";
import { outcomeLine } from "./support/trace-readers.js";

const HOSTILE_MS = 7000;
const HOSTILE_LATER_MS = 9000;

const ACTS = [
  ...readFileSync(packagePath("test", "native", "hostile-runtime.c"), "utf8").matchAll(
    /^ {4}ACT\((\w+)\),$/gm,
  ),
].map((match) => match[1]!);

/** What the outcome is of a program that does so; where it is what the model says, nothing of it is left to see. */
const OUTCOMES: Readonly<Record<string, string | RegExp>> = {
  nothing: "as the model",
  spin: "timeout@0",
  deadlock_in_mutex: "timeout@0",
  exit_0: "crash@0 exit 0 in bad",
  close_all_fds: /^crash@\d+ SIGABRT in/,
  close_pipes: /^crash@\d+ SIGABRT in/,
  signal_group: "crash@0 SIGTERM in bad",
  signal_parent: "as the model",
  kill_parent: "crash@0 SIGKILL in bad",
  stop_parent: "as the model",
  stop_parent_for_ever: "timeout@0",
  scribble_all: "crash@0 trace overwritten in main",
  scribble_head: "as the model",
  scribble_traces: "crash@0 trace overwritten in main",
  fork_twins: /^leak@\d+ processes$/,
  fork_daemon: /^leak@\d+ processes$/,
  flood: "as the model",
  flood_for_ever: "timeout@0",
  raise_term: "crash@0 SIGTERM in bad",
  raise_kill: "crash@0 SIGKILL in bad",
  raise_stop: "timeout@0",
  allocate_without_end: "crash@0 memory limit in bad",
  block_signals: /^leak@\d+ signals$/,
  block_segv_and_fault: "crash@0 SIGSEGV in bad",
  ignore_segv_and_fault: "crash@0 SIGSEGV in bad",
  jump_to_0: "crash@0 SIGSEGV in bad",
  return_past_end: /^crash@0 SIG(SEGV|BUS|ILL) in bad$/,
  unmap_stack: "crash@0 SIGSEGV in bad",
  start_thread: /^leak@\d+ threads$/,
  arm_timer_in_1000_s: /^leak@\d+ timers$/,
  wait_for_alarm: "crash@0 SIGALRM in bad",
  change_directory: /^leak@\d+ directory$/,
  change_umask: /^leak@\d+ umask$/,
  change_limits: /^leak@\d+ limits$/,
  drop_handler_stack: /^leak@\d+ signals$/,
  panic_at_length: /^panic@0 x{200,4096}$/,
  panic_in_latin_1: "panic@0 sched: \ufffdt\ufffd",
  panic_with_null: "crash@0 SIGSEGV in bad",
  panic_in_handler: "panic@0 sched: in a handler",
  idle_in_fiber: "io-hang@0",
  assert_and_abort: "crash@0 SIGABRT in bad",
  leak_fd: /^leak@\d+ fds$/,
  leak_heap: /^leak@\d+ heap$/,
  leak_mapping: /^leak@\d+ mappings$/,
};

/** One of each way to end or to change a process, for batches so large that their workers are forked from a warm one. */
const IN_LARGE_BATCHES = [
  "exit_0",
  "kill_parent",
  "stop_parent_for_ever",
  "scribble_all",
  "fork_daemon",
  "jump_to_0",
  "change_umask",
];

/** What a runtime may do when it is to panic for a scheduler that is given up. */
const WHILE_CLEARED = [
  "nothing",
  "spin",
  "exit_0",
  "raise_kill",
  "assert_and_abort",
  "jump_to_0",
  "change_umask",
  "idle_in_fiber",
];

/** Overflows its stack, and misbehaves in the negative sleep by which the worker gives its scheduler up. */
function overflowingProgram(act: string): Program {
  return {
    version: 1,
    fibers: { bad: [{ op: "sleep", ms: HOSTILE_LATER_MS + ACTS.indexOf(act) }, { op: "overflow" }] },
  };
}

/** Misbehaves, then writes to a pipe that it has written to before, so that lost descriptors are seen. */
function hostileProgram(act: string): Program {
  return {
    version: 1,
    pipes: ["p"],
    fibers: {
      bad: [
        { op: "write", pipe: "p", bytes: 3 },
        { op: "sleep", ms: HOSTILE_MS + ACTS.indexOf(act) },
        { op: "read", pipe: "p", bytes: 3 },
      ],
    },
  };
}

/** Uses all that a program before it could have spoiled: pipes, idle waits, signals' stacks, memory. */
const GOOD: readonly Program[] = [
  {
    version: 1,
    pipes: ["p", "q"],
    fibers: {
      reader: [
        { op: "block", pipe: "p" },
        { op: "read", pipe: "p", bytes: 9 },
      ],
      writer: [
        { op: "sleep", ms: 3 },
        { op: "write", pipe: "p", bytes: 3 },
      ],
    },
    tasks: { t: { ops: [{ op: "yield" }], returns: 7 } },
    main: [
      { op: "spawn", fiber: "reader" },
      { op: "spawn", fiber: "writer" },
      { op: "go", task: "t" },
      { op: "run" },
      { op: "deinit" },
    ],
  },
  { version: 1, fibers: { deep: [{ op: "overflow" }] } },
  {
    version: 1,
    pipes: ["p"],
    fibers: { a: [{ op: "block", pipe: "p" }] },
    world: [{ op: "write", pipe: "p", bytes: 1 }],
  },
];

/** Processes whose command line names the library: its host, its workers, and what they have left. */
function processesOf(library: string): string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const isZombie = stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
      return !isZombie && readFileSync(`/proc/${name}/cmdline`, "latin1").includes(library);
    } catch {
      return false;
    }
  });
}

const { folder } = scratchFolder();

test("every act of the hostile runtime has its outcome here", () => {
  expect(Object.keys(OUTCOMES).sort()).toEqual([...ACTS].sort());
});

describe.each(architecturesHere)("a hostile runtime on $name", ({ name }) => {
  let library = "";
  let target: Target;
  let expected: Int32Array[] = [];
  const good = GOOD.map((program) => encodeProgram(program));

  beforeAll(async () => {
    library = buildRuntime(folder, `hostile-${name}`, {
      architecture: architectureOf(name),
      around: "hostile-runtime.c",
    });
    target = await openNativeTarget(library, {
      timeLimitMs: 1500,
      memoryLimitMiB: 256,
    });
    const traces = await new ModelTarget().replay(batchOf(good));
    expected = good.map((_, i) => traceOf(traces, i).slice());
  });
  afterAll(() => target.close());

  test.each(ACTS)(
    "%s: the outcome names it, and what follows in the batch is the model's",
    async (act) => {
      const bad = audited(encodeProgram(hostileProgram(act)));
      const unaudited = encodeProgram(hostileProgram(act));
      const wanted = act.startsWith("leak_") ? bad : unaudited;
      const traces = await target.replay(batchOf([...good, wanted, ...good, wanted, ...good]));
      const words = Array.from({ length: traces.count }, (_, i) => traceOf(traces, i).slice());
      const hostile = [words[3]!, words[7]!];
      expect([...words.slice(0, 3), ...words.slice(4, 7), ...words.slice(8)]).toEqual([
        ...expected,
        ...expected,
        ...expected,
      ]);
      const model = await new ModelTarget().replay(batchOf([unaudited]));
      const asModel = outcomeLine(decodeTrace(hostileProgram(act), traceOf(model, 0)).outcome);
      const outcome = OUTCOMES[act]!;
      for (const trace of hostile) {
        const line = outcomeLine(decodeTrace(hostileProgram(act), trace).outcome);
        if (outcome instanceof RegExp) expect(line).toMatch(outcome);
        else expect(line.trim()).toBe(outcome === "as the model" ? asModel : outcome);
      }
      expect(hostile[1]).toEqual(hostile[0]);
      // The host and the template of its workers, and Node where it is emulated.
      expect(processesOf(library).length).toBeLessThanOrEqual(name === "native" ? 2 : 3);
    },
    60_000,
  );

  test.each(IN_LARGE_BATCHES)(
    "%s in the middle of a large batch: the other programs give the model's traces",
    async (act) => {
      const hostile = hostileProgram(act);
      const around = Array.from({ length: 200 }, (_, i) => good[i % good.length]!);
      const traces = await target.replay(batchOf([...around, encodeProgram(hostile), ...around]));
      const words = Array.from({ length: traces.count }, (_, i) => traceOf(traces, i).slice());
      const line = outcomeLine(decodeTrace(hostile, words.splice(around.length, 1)[0]!).outcome).trim();
      const outcome = OUTCOMES[act]!;
      if (outcome instanceof RegExp) expect(line).toMatch(outcome);
      else expect(line).toBe(outcome);
      expect(words).toEqual(
        [...around, ...around].map((_, i) => expected[(i % around.length) % good.length]),
      );
    },
    60_000,
  );

  test("a template that its worker stops goes on: it is not ended and replaced, which would lose ten seconds", async () => {
    await target.replay(batchOf(good));
    const before = processesOf(library);
    await target.replay(batchOf([...good, encodeProgram(hostileProgram("stop_parent")), ...good]));
    expect(processesOf(library)).toEqual(before);
  }, 60_000);

  test.each(WHILE_CLEARED)(
    "%s after an overflow, while its program is cleared away: the outcome is the overflow, and the others are the model's",
    async (act) => {
      const bad = encodeProgram(overflowingProgram(act));
      const batch = [...good, bad, ...good, bad];
      const traces = await target.replay(batchOf(batch));
      const model = await new ModelTarget().replay(batchOf(batch));
      for (let i = 0; i < batch.length; i++) expect(traceOf(traces, i)).toEqual(traceOf(model, i));
    },
    60_000,
  );

  test("what a runtime printed before it aborted is told", async () => {
    const traces = await target.replay(batchOf([encodeProgram(hostileProgram("assert_and_abort"))]));
    expect(traces.printed).toContain("assertion failed: fiber != NULL");
  });

  test("after all of it, no process is left over", async () => {
    await target.close();
    await expect.poll(() => processesOf(library), { timeout: 5000 }).toEqual([]);
  });
});
