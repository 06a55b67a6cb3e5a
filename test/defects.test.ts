/**
 * * The list of planted bugs against the sources that hold them, and the audit of a build's switch (Bug B, C1, X1).
 *
 * Needs a C compiler.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readSwitch, switchFaults } from "../src/native-bridge/aarch64-switch.js";
import { type Architecture, machineArchitecture } from "../src/native-bridge/architecture.js";
import { auditBuilt, auditLibrary } from "../src/native-bridge/audit-library.js";
import { buildNative } from "../src/native-bridge/build-native.js";
import { buildDefective, DEFECTS, findDefect } from "../src/native-bridge/defects.js";
import { describeTargets } from "../src/native-bridge/doctor.js";
import { packagePath } from "../src/native-bridge/package-path.js";
import { openNativeTarget } from "../src/native-bridge/targets.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import type { Program } from "../src/sim/program.js";
import { traceOf } from "../src/sim/target.js";

const RUNTIME = packagePath("src", "native-bridge", "runtime");

/** For each defect that the sources hold, the files that hold it. */
function planted(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync(RUNTIME).filter((name) => /\.[chS]$/.test(name) && name !== "defects.h")) {
    const text = readFileSync(join(RUNTIME, file), "utf8");
    for (const [, name] of text.matchAll(/SCHED_DEFECT\((\w+)\)/g)) {
      const files = found.get(name!) ?? [];
      if (!files.includes(file)) files.push(file);
      found.set(name!, files);
    }
  }
  return found;
}

describe("the list of planted bugs", () => {
  test("holds what the sources hold, in the files that it says", () => {
    const listed = new Map(DEFECTS.map(({ name, files }) => [name, [...files].sort()]));
    expect(new Map([...planted()].map(([name, files]) => [name, files.sort()]))).toEqual(listed);
    expect(listed.size).toBe(DEFECTS.length);
  });

  test("has every seed defect, C1 to C7 and bugs A and B, at least 40 planted ones and 3 to 5 equivalent ones", () => {
    const rulesOf = (kind: string) =>
      DEFECTS.filter((defect) => defect.kind === kind).map(({ rule }) => rule);
    expect(new Set(rulesOf("seed"))).toEqual(new Set(["C1", "C2", "C3", "C4", "C5", "C6", "C7", "X1"]));
    expect([findDefect("BUG_A")?.kind, findDefect("BUG_B")?.kind]).toEqual(["seed", "seed"]);
    expect(rulesOf("planted").length).toBeGreaterThanOrEqual(40);
    expect(rulesOf("equivalent").length).toBeGreaterThanOrEqual(3);
    expect(rulesOf("equivalent").length).toBeLessThanOrEqual(5);
  });

  test("says of a defect in one architecture's assembly that it is of that architecture only", () => {
    for (const { name, files, architectures } of DEFECTS) {
      const only = files.length === 1 ? /^switch_(\w+)\.S$/.exec(files[0]!)?.[1] : undefined;
      expect([name, architectures]).toEqual([name, only === undefined ? ["x86_64", "aarch64"] : [only]]);
    }
  });

  test("no build asks for a defect that its architecture does not have", async () => {
    await expect(buildDefective(findDefect("X86_LOSES_RBX")!, "aarch64")).rejects.toMatchObject({
      reason: "invalid",
      message: "X86_LOSES_RBX is a defect of x86_64 only, not of aarch64",
    });
  });
});

const compilers = new Set<Architecture>([machineArchitecture()]);
const descriptions = await describeTargets();
const [aarch64, native] = ["aarch64", "native"].map((wanted) =>
  descriptions.find(({ name }) => name === wanted),
);
if (aarch64?.requirements.find(({ id }) => id === "compiler")?.state === "found") compilers.add("aarch64");

describe.each([...compilers])("the audit of a build for %s", (architecture) => {
  test("finds nothing wrong with our runtime (X1)", async () => {
    const { missing, lost } = await auditLibrary(await buildNative("libsched.so", architecture));
    expect([missing, lost]).toEqual([[], []]);
  });

  test("finds the symbol that bug B drops, in a library that cannot be loaded", async () => {
    const { missing } = await auditLibrary(await buildDefective(findDefect("BUG_B")!, architecture));
    expect(missing).toEqual(["sched_trampoline is not defined"]);
  });

  test("is of what is built here: nothing until it is, and then without building (doctor)", async () => {
    const cache = mkdtempSync(join(tmpdir(), "lockstep-audit-"));
    vi.stubEnv("LOCKSTEP_CACHE", cache);
    try {
      expect(await auditBuilt(architecture)).toBeUndefined();
      expect(readdirSync(cache)).toEqual([]);
      const path = await buildNative("libsched.so", architecture);
      expect(await auditBuilt(architecture)).toMatchObject({ path, missing: [], lost: [] });
    } finally {
      vi.unstubAllEnvs();
      rmSync(cache, { recursive: true });
    }
  });

  test.runIf(architecture === "aarch64").each([
    ["C1", ["d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15"].map((name) => `${name} is not saved`)],
    ["A64_LOSES_X22", ["x22 is not restored"]],
    ["A64_SAVES_HALF_OF_D13", ["d13 is not saved"]],
    [
      "A64_SWAPS_X25_X26",
      ["x25 is restored from sp+56, but saved at sp+48", "x26 is restored from sp+48, but saved at sp+56"],
    ],
  ])("reads off the instructions what %s loses (X1, C1)", async (name, expected) => {
    const { missing, lost } = await auditLibrary(await buildDefective(findDefect(name)!, "aarch64"));
    expect([missing, lost]).toEqual([[], expected]);
  });
});

test("the audit names any other function of the scheduler that a library lacks", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-audit-"));
  try {
    const source = join(folder, "lacking.c");
    const library = join(folder, "lacking.so");
    const empty = ["sched_trampoline", "sched_dispatch"].map((name) => `void ${name}(void) {}`).join("\n");
    writeFileSync(source, `void sched_gone(void);\nvoid sched_switch(void) { sched_gone(); }\n${empty}\n`);
    execFileSync("cc", ["-shared", "-fPIC", "-o", library, source]);
    expect((await auditLibrary(library)).missing).toEqual(["sched_gone is not defined"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe.runIf(native?.canRun)("the seed's clock (C4)", () => {
  test("goes on past 2^53 and wraps past 2^63 only, as the original's does", async () => {
    const target = await openNativeTarget("native+C4");
    onTestFinished(() => target.close());
    const longest = 9007199254740991;
    const sleeps = (times: number): Program => ({
      version: 1,
      fibers: { f: [{ op: "repeat", times, ops: [{ op: "sleep", ms: longest }] }] },
    });
    const programs = [2, 1024, 1025].map(sleeps);
    const traces = await target.replay(batchOf(programs.map((program) => encodeProgram(program))));
    // Times are numbers where a number is exact, and strings elsewhere. 1025 sleeps come to 2^64 less this.
    const clocks = programs.map((program, i) => BigInt(decodeTrace(program, traceOf(traces, i)).outcome.t));
    expect(clocks).toEqual([18014398509481982n, 9223372036854774784n, -9214364837600035841n]);
  });
});

describe("the reading of an aarch64 switch (X1)", () => {
  const words = (...list: number[]): Buffer => {
    const code = Buffer.alloc(list.length * 4);
    for (const [i, word] of list.entries()) code.writeUInt32LE(word, i * 4);
    return code;
  };

  test("takes the stack pointer for saved when its copy is stored, and for restored when it is loaded", () => {
    // mov x9, sp; str x9, [x0]; mov sp, x1
    const { saved, restored } = readSwitch(words(0x910003e9, 0xf9000009, 0x9100003f));
    expect([saved.get("sp"), restored.get("sp")]).toEqual(["x0+0", "x1"]);
  });

  test("takes a register saved over another for lost", () => {
    // stp x19, x20, [sp]; str x21, [sp, #8]; mov sp, x1; ldp x19, x20, [sp]; ldr x21, [sp, #8]
    const code = words(0xa90053f3, 0xf90007f5, 0x9100003f, 0xa94053f3, 0xf94007f5);
    expect(switchFaults(readSwitch(code))).toContain("x21 is saved over x20");
    expect(switchFaults(readSwitch(code))).toContain("x22 is not saved");
  });
});
