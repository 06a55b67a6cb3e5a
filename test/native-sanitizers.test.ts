/**
 * The C side of the harness under AddressSanitizer and UBSan: host, worker and our scheduler replay the whole corpus and some thousand
 * generated programs as the model does, and the harness's own smoke test (test/native/replay-smoke.c) holds, as it is and sanitized.
 *
 * A finding of a sanitizer ends its process, so that it shows as a crash in a trace or as a lost target. The scheduler's own smoke tests
 * run the same way in scripts/native-check.sh.
 *
 * Needs a C compiler.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machineArchitecture } from "../src/native-bridge/architecture.js";
import { Replayer } from "../src/native-bridge/bridge.js";
import { buildNative } from "../src/native-bridge/build-native.js";
import { packagePath } from "../src/native-bridge/package-path.js";
import { sameWords } from "../src/sim/diff.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { type ProgramBatch, traceOf } from "../src/sim/target.js";
import { scratchFolder } from "./support/command.js";
import { generatedBatch } from "./support/generated-batch.js";
import { loadCorpusProgram } from "./support/replay.js";
import { buildAlone, buildRuntime } from "./support/runtime-builds.js";

const GENERATED = 4000;
const SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

const architecture = machineArchitecture();
const { folder } = scratchFolder();

/** Why the sanitizers cannot be used here, or undefined. */
function whyNot(): string | undefined {
  const compile = ["-x", "c", "-", "-shared", "-fPIC", ...SANITIZE, "-o", "/dev/null"];
  const { status } = spawnSync("cc", compile, { input: "int nothing;\n" });
  return status === 0 ? undefined : "cc does not link with -fsanitize=address,undefined";
}

/** The runtimes of the smoke test, each a build of replay-toy-runtime.c. Plain: their faults are for the harness to find. */
const TOYS: Readonly<Record<string, readonly string[]>> = {
  toy: ["-DTOY_HOOKS"],
  "toy-plain": [],
  "toy-abi": ["-DTOY_ABI=2"],
  "toy-nowait": ["-DTOY_NO_WAIT"],
  "toy-noentry": ["-DTOY_NO_ENTRY"],
  "toy-crash": ["-DTOY_LOAD=1"],
  "toy-hang": ["-DTOY_LOAD=2"],
};

function buildToys(): string {
  for (const [name, flags] of Object.entries(TOYS)) {
    buildAlone(folder, name, "replay-toy-runtime.c", { architecture, flags });
  }
  return folder;
}

/** Builds and runs replay-smoke.c with the bridge in it; what it prints when it fails. */
async function smoke(flags: readonly string[]): Promise<{ status: number | null; output: string }> {
  const program = join(folder, `replay-smoke${flags.length}`);
  const sources = [
    packagePath("test", "native", "replay-smoke.c"),
    packagePath("src", "native-bridge", "replay", "bridge.c"),
  ];
  const options = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"];
  execFileSync("cc", [...options, ...flags, `-I${packagePath("include")}`, "-o", program, ...sources]);
  const host = await buildNative("lockstep-host", architecture, { extraFlags: flags });
  const runtime = await buildNative("libsched.so", architecture, { extraFlags: flags });
  const { status, stdout, stderr } = spawnSync(program, [host, folder, runtime], { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

const reason = whyNot();

describe("the harness as it is", () => {
  test("replay-smoke.c holds: programs written by hand, faults, hangs, processes, sizes", async () => {
    buildToys();
    const { status, output } = await smoke([]);
    expect(output).toContain("all checks hold");
    expect(status).toBe(0);
  }, 120_000);
});

describe("the harness under AddressSanitizer and UBSan", () => {
  if (reason !== undefined) {
    test.skip(`cannot run here: ${reason}`, () => undefined);
    return;
  }

  let replayer: Replayer;
  beforeAll(async () => {
    const [bridge, host, runtime] = await Promise.all([
      buildNative("liblockstep_bridge.so", architecture),
      buildNative("lockstep-host", architecture, { extraFlags: SANITIZE }),
      buildNative("libsched.so", architecture, { extraFlags: SANITIZE }),
    ]);
    const limits = { timeLimitMs: 20_000, memoryLimitMiB: 4096 };
    replayer = await Replayer.open({ bridge, hostCommand: [host], runtime, ...limits });
  });
  afterAll(() => replayer?.close());

  const differences = async (batch: ProgramBatch): Promise<number[]> => {
    const expected = await new ModelTarget().replay(batch);
    const came = await replayer.replay(batch);
    return Array.from({ length: batch.count }, (_, i) => i).filter(
      (i) => !sameWords(traceOf(expected, i), traceOf(came, i)),
    );
  };

  test("the whole corpus replays as on the model", async () => {
    const names = readdirSync(packagePath("corpus")).map((file) => file.replace(/\.json$/, ""));
    const programs = names.map(loadCorpusProgram);
    const odd = await differences(batchOf(programs.map(encodeProgram)));
    expect(odd.map((i) => names[i])).toEqual([]);
  }, 120_000);

  test(`${GENERATED} generated programs replay as on the model`, async () => {
    expect(await differences(generatedBatch("sanitized", GENERATED))).toEqual([]);
  }, 120_000);

  test("replay-smoke.c holds, the bridge sanitized as well", async () => {
    buildToys();
    const { status, output } = await smoke(SANITIZE);
    expect(output).toContain("all checks hold");
    expect(status).toBe(0);
  }, 120_000);

  test("a write past the end in the runtime is found: the sanitizers do look", async () => {
    const runtime = buildRuntime(folder, "overrun", {
      architecture,
      flags: SANITIZE,
      edits: [
        {
          file: "lifecycle.c",
          from: "calloc(1, sizeof *sched)",
          to: "calloc(1, sizeof *sched - 16)",
        },
      ],
    });
    const bridge = await buildNative("liblockstep_bridge.so", architecture);
    const host = await buildNative("lockstep-host", architecture, { extraFlags: SANITIZE });
    const limits = { timeLimitMs: 20_000, memoryLimitMiB: 4096 };
    const faulty = await Replayer.open({ bridge, hostCommand: [host], runtime, ...limits });
    const batch = batchOf([encodeProgram({ version: 1, fibers: { a: [{ op: "yield" }] } })]);
    const traces = await faulty.replay(batch);
    expect(traces.printed).toContain("AddressSanitizer");
    await faulty.close();
  });
});
