/** A host that is lost in the middle of a campaign is started again: the campaign finds what it would have found, and says how often that was. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildCommand, lockstep, mainPath, readerEnvironment, scratchFolder } from "./support/command.js";
import { targetsHere } from "./support/replay.js";

beforeAll(buildCommand);
const { folder } = scratchFolder();
const CAMPAIGN = ["--on", "model,native", "--runs", "100000", "--jobs", "1", "--canary", "0", "--no-save"];

/** The processes below this one, whichever of its threads began them. */
function below(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const lists = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"));
    const children = lists.flatMap((list) => list.split(" ")).filter((each) => each !== "");
    return children.flatMap((each) => [Number(each), ...below(Number(each))]);
  } catch {
    return [];
  }
}

function isHost(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("lockstep-host");
  } catch {
    return false;
  }
}

test.runIf(targetsHere.includes("native"))(
  "a campaign whose hosts are killed tells it in the log and at its end, and its record is the same",
  async () => {
    const args = ["sim", ...CAMPAIGN, "--out", "killed.json"];
    const child = spawn(process.execPath, [mainPath, "--log-file", "killed.log", ...args], {
      cwd: folder,
      env: readerEnvironment(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      said += part;
    });
    const text = (name: string): string => {
      try {
        return readFileSync(join(folder, name), "utf8");
      } catch {
        return "";
      }
    };
    const log = (): string => text("killed.log");
    // From then on the worker has its targets open, and only a replay can be hit.
    const hasBegun = (): boolean =>
      existsSync(join(folder, ".lockstep")) &&
      readdirSync(join(folder, ".lockstep")).some((name) =>
        text(join(".lockstep", name)).includes('"inFlight":[{'),
      );
    while (!hasBegun() && child.exitCode === null) await delay(20);
    const ended = once(child, "close");
    // Once: a host that is killed while it is opened again is a target that is lost.
    for (const pid of below(child.pid!).filter(isHost)) process.kill(pid, "SIGKILL");
    expect(await ended).toEqual([0, null]);
    expect(said).toMatch(/native: the process behind it was lost and started again, [1-9]\d* time\(s\)\n/);
    expect(log()).toMatch(/"on":"native","msg":"the process behind a target was lost, and started again"/);
    lockstep(["sim", ...CAMPAIGN, "--out", "whole.json"], { cwd: folder });
    const record = (name: string): string => readFileSync(join(folder, name), "utf8");
    expect(record("killed.json")).toBe(record("whole.json"));
  },
  120_000,
);
