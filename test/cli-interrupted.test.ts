/**
 * Commands that are interrupted while they compile: each ends at once, complains of nothing, and leaves no process and no file; `lockstep mutants`
 * gives the report of what it has, whatever is under way.
 *
 * The compiler of these tests never comes to an end, so nothing that waits for it does.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { packagePath } from "../src/native-bridge/package-path.js";
import { buildCommand, mainPath, readerEnvironment, scratchFolder } from "./support/command.js";
import { targetsHere } from "./support/replay.js";

beforeAll(buildCommand);
const { folder, file } = scratchFolder();

/** A compiler that names itself, begins its output, notes its process and one below it, and then does nothing. */
function idleCompiler(): { readonly path: string; readonly notes: string } {
  const notes = join(mkdtempSync(join(folder, "compiler-")), "pids");
  const path = file(
    "idle-cc",
    `#!/bin/sh
if [ "$1" = --version ]; then echo idle 1; exit; fi
while [ "$1" != -o ]; do shift; done
echo begun > "$2"
sleep 1000 &
echo $$ $! > ${notes}.unfinished
mv ${notes}.unfinished ${notes}
wait
`,
  );
  chmodSync(path, 0o755);
  return { path, notes };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(20);
}

/** False for one that has ended and that nobody has waited for. */
function runs(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** The processes below this one, whichever of its threads began them. */
function below(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const lists = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"));
  const children = lists
    .join(" ")
    .split(" ")
    .filter((each) => each !== "");
  return children.flatMap((each) => [Number(each), ...below(Number(each))]);
}

function outputOf(child: ChildProcess, stream: "stdout" | "stderr" = "stdout"): () => string {
  let text = "";
  child[stream]!.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return () => text;
}

describe.runIf(targetsHere.includes("native"))("while native is compiled", () => {
  const entry = packagePath("corpus", "1811-round-robin.json");

  test.each([
    ["SIGINT", 130, ["replay", entry, "--on", "native"]],
    ["SIGTERM", 143, ["diff", entry, "--on", "model,native"]],
    ["SIGHUP", 129, ["corpus", "run", packagePath("corpus")]],
    ["SIGINT", 130, ["view", entry, "--on", "model,native"]],
    ["SIGTERM", 143, ["repro", "stopped:1", "--on", "model,native"]],
    ["SIGINT", 130, ["sim", "--on", "model,native", "--runs", "100", "--no-save"]],
    ["SIGHUP", 129, ["sim", "--on", "model,native", "--runs", "100", "--no-save", "--json"]],
  ] as const)(
    "%s ends a command with %i, says nothing and leaves nothing: %j",
    async (signal, status, args) => {
      const { path, notes } = idleCompiler();
      const cwd = mkdtempSync(join(folder, "cwd-"));
      const cache = mkdtempSync(join(folder, "cache-"));
      const child = spawn(process.execPath, [mainPath, ...args], {
        cwd,
        env: { ...readerEnvironment(), CC: path, LOCKSTEP_CACHE: cache },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const said = [outputOf(child, "stdout"), outputOf(child, "stderr")];
      onTestFinished(() => void child.kill("SIGKILL"));
      await until(() => existsSync(notes));
      const processes = below(child.pid!);
      onTestFinished(() => processes.filter(runs).forEach((pid) => void process.kill(pid, "SIGKILL")));
      expect(processes.length).toBeGreaterThanOrEqual(2);
      child.kill(signal);
      expect(await once(child, "close")).toEqual([status, null]);
      expect(said.map((text) => text())).toEqual(["", ""]);
      expect(readdirSync(join(cache, "native"))).toEqual([]);
      expect(readdirSync(cwd)).toEqual([]);
      await until(() => !processes.some(runs));
    },
    30_000,
  );

  test("by a program that opens a target itself, what the terminal sends reaches the compiler as well", async () => {
    const { path, notes } = idleCompiler();
    const cache = mkdtempSync(join(folder, "cache-"));
    const library = JSON.stringify(packagePath("dist", "index.js"));
    const code = `import { openTarget } from ${library}; await openTarget("native");`;
    // The group that a shell puts a command in, and that its terminal then signals.
    const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
      detached: true,
      env: { ...readerEnvironment(), CC: path, LOCKSTEP_CACHE: cache },
      stdio: "ignore",
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await until(() => existsSync(notes));
    const processes = below(child.pid!);
    onTestFinished(() => processes.filter(runs).forEach((pid) => void process.kill(pid, "SIGKILL")));
    expect(processes.length).toBeGreaterThanOrEqual(2);
    process.kill(-child.pid!, "SIGHUP");
    expect(await once(child, "close")).toEqual([null, "SIGHUP"]);
    await until(() => !processes.some(runs));
  }, 30_000);
});

describe.runIf(targetsHere.includes("native"))("mutants", () => {
  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)(
    "that %s ends while it compiles gives its report and exit status %i, and leaves nothing",
    async (signal, status) => {
      const { path, notes } = idleCompiler();
      const cache = mkdtempSync(join(folder, "cache-"));
      const child = spawn(
        process.execPath,
        [mainPath, "mutants", "--json", "--arch", "native", "--jobs", "1"],
        {
          env: { ...readerEnvironment(), CC: path, LOCKSTEP_CACHE: cache },
          stdio: ["ignore", "pipe", "ignore"],
        },
      );
      const printed = outputOf(child);
      onTestFinished(() => void child.kill("SIGKILL"));
      await until(() => existsSync(notes));
      const pids = readFileSync(notes, "utf8").trim().split(" ").map(Number);
      onTestFinished(() => pids.filter(runs).forEach((pid) => void process.kill(pid, "SIGKILL")));
      expect(readdirSync(join(cache, "native"))).toHaveLength(1);
      child.kill(signal);
      expect(await once(child, "close")).toEqual([status, null]);
      expect(JSON.parse(printed())).toMatchObject({ rows: [], isInterrupted: true });
      expect(readdirSync(join(cache, "native"))).toEqual([]);
      expect(pids).toHaveLength(2);
      await until(() => !pids.some(runs));
    },
    30_000,
  );

  test("that is interrupted while programs are replayed keeps the rows that it has, and leaves no process", async () => {
    const args = ["mutants", "--arch", "native", "--no-uniform", "--runs", "10000000", "--jobs", "2"];
    // The last is equivalent, and so hunted for as long as there are runs.
    const only = ["--only", "TIES_BY_LAST,YIELD_APPENDS_AFTER_SWITCH"];
    const child = spawn(process.execPath, [mainPath, ...args, ...only], {
      env: readerEnvironment(),
      stdio: ["ignore", "pipe", "ignore"],
    });
    const printed = outputOf(child);
    onTestFinished(() => void child.kill("SIGKILL"));
    await until(() => printed().includes("TIES_BY_LAST ") && below(child.pid!).length > 0);
    const processes = below(child.pid!);
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([143, null]);
    expect(printed()).toMatch(/^TIES_BY_LAST +T2 +native/m);
    expect(printed()).not.toMatch(/^YIELD_APPENDS/m);
    await until(() => !processes.some(runs));
  }, 60_000);
});

test.runIf(targetsHere.includes("native"))(
  "a campaign whose host stands still says when it will stop, and stops at once at the second signal",
  async () => {
    const cwd = mkdtempSync(join(folder, "cwd-"));
    const args = ["sim", "--on", "model,native", "--runs", "100000000", "--jobs", "1", "--no-save"];
    const child = spawn(process.execPath, [mainPath, ...args], {
      cwd,
      env: readerEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = outputOf(child, "stderr");
    onTestFinished(() => void child.kill("SIGKILL"));
    const hosts = (): number[] => below(child.pid!).filter(isHost);
    await until(() => hasCounted(join(cwd, ".lockstep")));
    const processes = below(child.pid!);
    for (const host of hosts()) process.kill(host, "SIGSTOP");
    child.kill("SIGINT");
    await until(() => said() !== "");
    expect(said()).toMatch(
      /^lockstep: stopping when what is under way is done, .* a second signal stops at once\n$/,
    );
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([130, null]);
    await until(() => !processes.some(runs));
  },
  30_000,
);

/** Whether the campaign of this journal has counted a range, and so is replaying the next. */
function hasCounted(journal: string): boolean {
  if (!existsSync(journal)) return false;
  const files = readdirSync(journal).filter((name) => name.endsWith(".json"));
  return files.some((name) => /"tally":\{"runs":[1-9]/.test(readFileSync(join(journal, name), "utf8")));
}

function isHost(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("lockstep-host");
  } catch {
    return false;
  }
}
