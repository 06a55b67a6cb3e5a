/**
 * The processes behind a target: when one dies another takes its place, and none outlives the process that opened it.
 *
 * Needs a C compiler.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { describeTargets } from "../src/native-bridge/doctor.js";
import { packagePath } from "../src/native-bridge/package-path.js";
import { openNativeTarget } from "../src/native-bridge/targets.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";

const PROGRAM = encodeProgram({ version: 1, fibers: { a: [{ op: "yield" }] } });

/** Processes that are not zombies, by id, each with its parent's. */
function parentsByProcess(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // The name in parentheses may hold anything; state and parent follow it.
      const status = readFileSync(`/proc/${name}/stat`, "latin1");
      const [state, parent] = status.slice(status.lastIndexOf(")") + 2).split(" ");
      if (state !== "Z") parents.set(Number(name), Number(parent));
    } catch {
      // It has ended since the folder was read.
    }
  }
  return parents;
}

function childrenOf(parent: number): number[] {
  return [...parentsByProcess()].filter(([, of]) => of === parent).map(([child]) => child);
}

function descendantsOf(ancestor: number): number[] {
  return childrenOf(ancestor).flatMap((child) => [child, ...descendantsOf(child)]);
}

const available = (await describeTargets()).filter(({ canRun }) => canRun);

describe.each(available)("the processes of the target $name", ({ name }) => {
  test("a host or emulator that is killed is replaced, and the batch gets its traces", async () => {
    const before = new Set(childrenOf(process.pid));
    const target = await openNativeTarget(name);
    const batch = batchOf([PROGRAM, PROGRAM, PROGRAM]);
    const undisturbed = (await target.replay(batch)).words.slice();
    const opened = childrenOf(process.pid).filter((child) => !before.has(child));
    expect(opened).toHaveLength(1);
    process.kill(opened[0]!, "SIGKILL");
    expect((await target.replay(batch)).words.slice()).toEqual(undisturbed);
    await target.close();
    await expect(target.replay(batch)).rejects.toMatchObject({ name: "TargetError", reason: "lost" });
  });

  // A signal closes the targets of a command that may be comparing traces at that moment.
  test("traces that are looked at after closing are no fault, and take none of the memory of the target opened next", async () => {
    const target = await openNativeTarget(name);
    const batch = batchOf([PROGRAM]);
    const { words } = await target.replay(batch);
    const before = words.slice();
    await target.close();
    expect(words).toHaveLength(before.length);
    expect([before.slice(), words.map(() => 0)]).toContainEqual(words.slice());
    const next = await openNativeTarget(name);
    expect((await next.replay(batch)).words.slice()).toEqual(before);
    await next.close();
  });

  test("closing leaves no process behind", async () => {
    const before = new Set(descendantsOf(process.pid));
    const target = await openNativeTarget(name);
    await target.replay(batchOf([PROGRAM]));
    await target.close();
    expect(descendantsOf(process.pid).filter((child) => !before.has(child))).toEqual([]);
  });

  test.each(["idle", "busy"])("they end when the process that opened them is killed, %s", async (state) => {
    const moduleUrl = (file: string) => JSON.stringify(pathToFileURL(packagePath("dist", file)).href);
    const script = `
      const { openNativeTarget } = await import(${moduleUrl("native-bridge/targets.js")});
      const { batchOf, encodeProgram } = await import(${moduleUrl("sim/encode-program.js")});
      const target = await openNativeTarget(${JSON.stringify(name)}, { timeLimitMs: 60_000 });
      const spin = { op: "repeat", times: 1_000_000, ops: [{ op: "repeat", times: 0, ops: [] }] };
      const program = encodeProgram({ version: 1, fibers: { a: [spin] } });
      if (${state === "busy"}) target.replay(batchOf(new Array(10_000).fill(program)));
      console.log("open");
      setInterval(() => {}, 1000);`;
    const opener = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(opener.stdout, "data");
    await delay(100);
    const behind = descendantsOf(opener.pid!);
    expect(behind.length).toBeGreaterThan(0);
    opener.kill("SIGKILL");
    await expect
      .poll(() => behind.filter((process) => parentsByProcess().has(process)), { timeout: 5000 })
      .toEqual([]);
  });
});
