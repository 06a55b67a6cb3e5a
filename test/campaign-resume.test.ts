/**
 * Campaigns that are stopped and go on: every run once, none lost, however often and wherever they were killed; and what `status` says meanwhile.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { livenessOf, ownIdentity } from "../src/cli/process-identity.js";
import { bash, buildCommand, lockstep, mainPath, scratchFolder } from "./support/command.js";
import { targetsHere } from "./support/replay.js";

beforeAll(buildCommand);
const { folder } = scratchFolder();
const freshFolder = (): string => mkdtempSync(join(folder, "run-"));

interface Status {
  readonly state: string;
  readonly runs: number;
  readonly runsTotal: number | null;
  readonly resume: string | null;
  readonly failures: { readonly signature: string }[];
}

function statusIn(cwd: string): Status[] {
  return JSON.parse(lockstep(["status", "--json"], { cwd }).stdout) as Status[];
}

function start(cwd: string, args: readonly string[], before: readonly string[] = []): ChildProcess {
  return spawn(process.execPath, [mainPath, ...before, "sim", ...args], { cwd, stdio: "ignore" });
}

/** Waits until the campaign has counted more than `runs`, as `status` tells. */
async function countedMoreThan(cwd: string, runs: number): Promise<Status> {
  for (let i = 0; i < 600; i++) {
    const [status] = statusIn(cwd);
    if (status !== undefined && status.runs > runs) return status;
    await delay(20);
  }
  throw new Error(`the campaign has not counted ${runs} runs`);
}

/** The same from the journal itself, for a campaign that is over sooner than a command can be asked about it. */
async function notedMoreThan(cwd: string, runs: number, folder = ".lockstep"): Promise<number> {
  for (let i = 0; i < 6000; i++) {
    for (const path of journalsIn(cwd, folder)) {
      const noted = runsNotedIn(path);
      if (noted > runs) return noted;
    }
    await delay(5);
  }
  throw new Error(`the journal has not noted more than ${runs} runs`);
}

function journalsIn(cwd: string, folder = ".lockstep"): string[] {
  const journal = join(cwd, folder);
  return existsSync(journal)
    ? readdirSync(journal)
        .filter((name) => name.endsWith(".json"))
        .map((name) => join(journal, name))
    : [];
}

/** The runs of a journal, which is written whole or goes; none where it has gone. */
function runsNotedIn(path: string): number {
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as {
      readonly campaign: { readonly record: { readonly tally: { readonly runs: number } } };
    };
    return file.campaign.record.tally.runs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

describe("a campaign that is killed and resumed", () => {
  const on = targetsHere.includes("native") ? "model,native+TIES_BY_LAST" : "model";
  const CAMPAIGN = ["--on", on, "--runs", "200000", "--canary", "5", "--no-save", "--jobs", "2"];

  test("three times gives the bytes of one that was not: no run twice, none lost", async () => {
    const cwd = freshFolder();
    const whole = lockstep(["sim", ...CAMPAIGN, "--json", "--out", "whole.json"], { cwd });
    let runs = 0;
    for (let kill = 0; kill < 3; kill++) {
      const child = start(cwd, [...CAMPAIGN, "--resume"]);
      runs = await notedMoreThan(cwd, runs);
      child.kill("SIGKILL");
      await once(child, "close");
      expect(statusIn(cwd)).toMatchObject([{ state: "killed", runsTotal: 200_000 }]);
    }
    const last = lockstep(["sim", ...CAMPAIGN, "--resume", "--json", "--out", "parts.json"], { cwd });
    expect(last.stderr).toMatch(/goes on at run \d+, after \d+ run\(s\)/);
    expect([last.status, last.stdout]).toEqual([whole.status, whole.stdout]);
    expect(readFileSync(join(cwd, "parts.json"), "utf8")).toBe(readFileSync(join(cwd, "whole.json"), "utf8"));
    expect(readdirSync(join(cwd, ".lockstep"))).toEqual([]);
  }, 240_000);

  test("goes on by the command that status prints, whatever its options are", async () => {
    const cwd = freshFolder();
    const options = ["--on", "model", "--runs", "400000", "--canary", "3", "--bail", "--shrink-time", "90s"];
    const rest = ["--uniform", "--time", "90m", "--no-save", "--journal", "the journal"];
    const limits = ["--time-limit", "4000", "--memory-limit", "2048"];
    const whole = lockstep([...limits, "sim", ...options, ...rest, "--json"], { cwd });
    const child = start(cwd, [...options, ...rest], limits);
    await notedMoreThan(cwd, 0, "the journal");
    child.kill("SIGKILL");
    await once(child, "close");
    const [killed] = JSON.parse(lockstep(["status", "the journal", "--json"], { cwd }).stdout) as Status[];
    expect(killed!.resume).toBe(
      "lockstep --time-limit 4000 --memory-limit 2048 sim --seed lockstep --on model --uniform --runs 400000 " +
        "--canary 3 --bail --shrink-time 90s --time 90m --no-save --journal 'the journal' --resume",
    );
    const resumed = bash(`${killed!.resume} --json`, { cwd });
    expect(resumed.stderr).toMatch(/goes on at run [1-9]/);
    expect([resumed.status, resumed.stdout]).toEqual([whole.status, whole.stdout]);
    expect(readdirSync(join(cwd, "the journal"))).toEqual([]);
  }, 120_000);

  test("by --time counts the time of all its parts, and ends when that is over", async () => {
    const cwd = freshFolder();
    const campaign = ["--on", "model", "--time", "2h", "--no-save"];
    const child = start(cwd, campaign);
    const { runsTotal } = await countedMoreThan(cwd, 0);
    expect(runsTotal).toBeNull();
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([143, null]);
    const [stopped] = statusIn(cwd);
    expect(stopped).toMatchObject({ state: "stopped" });
    expect(stopped!.resume).toBe("lockstep sim --seed lockstep --on model --time 2h --no-save --resume");
    // Less time than it has had: nothing more is run, and it is over.
    const over = lockstep(["sim", "--on", "model", "--time", "1ms", "--no-save", "--resume", "--json"], {
      cwd,
    });
    expect(over.status).toBe(0);
    expect((JSON.parse(over.stdout) as { runs: number }).runs).toBe(stopped!.runs);
    expect(statusIn(cwd)).toEqual([]);
  }, 60_000);

  test("while it still runs is refused; one that nobody began begins", async () => {
    const cwd = freshFolder();
    const campaign = ["--on", "model", "--runs", "100000000", "--no-save"];
    const child = start(cwd, campaign);
    expect(await countedMoreThan(cwd, 0)).toMatchObject({ state: "running", resume: null });
    const second = lockstep(["sim", ...campaign, "--resume"], { cwd });
    expect([second.status, second.stderr]).toEqual([2, expect.stringContaining("still runs this campaign")]);
    child.kill("SIGKILL");
    await once(child, "close");
    const other = lockstep(["sim", "--on", "model", "--runs", "50", "--seed", "x", "--no-save", "--resume"], {
      cwd,
    });
    expect([other.status, other.stderr]).toEqual([0, expect.stringContaining("no such campaign to resume")]);
  }, 60_000);
});

/**
 * A journal that a killed campaign left, and the arguments to resume it with. It has as many runs as take seconds: what it has counted is noted as
 * often as the disk allows, and a campaign that is over has no journal.
 */
async function killed(cwd: string): Promise<{ readonly path: string; readonly resume: readonly string[] }> {
  const campaign = ["--on", "model", "--runs", "400000", "--no-save"];
  const child = start(cwd, campaign);
  await notedMoreThan(cwd, 0);
  child.kill("SIGKILL");
  await once(child, "close");
  const [path] = journalsIn(cwd);
  return { path: path!, resume: ["sim", ...campaign, "--resume"] };
}

describe("--resume", () => {
  test("refuses a journal of another machine until it is told to take it over", async () => {
    const cwd = freshFolder();
    const { path, resume } = await killed(cwd);
    const file = JSON.parse(readFileSync(path, "utf8")) as { journal: { process: { host: string } } };
    file.journal.process.host = "far-away";
    writeFileSync(path, JSON.stringify(file));
    const refused = lockstep(resume, { cwd });
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringContaining("far-away may still run this"),
    ]);
    expect(journalsIn(cwd)).toEqual([path]);
    // What a kill in the middle of a write leaves.
    writeFileSync(`${path}.tmp`, "{");
    const taken = lockstep([...resume, "--take-over"], { cwd });
    expect([taken.status, taken.stderr]).toEqual([0, expect.stringMatching(/goes on at run [1-9]/)]);
    expect(readdirSync(join(cwd, ".lockstep"))).toEqual([]);
  }, 60_000);

  test("twice at once: one of the two goes on, and the other is told", async () => {
    const cwd = freshFolder();
    const { resume } = await killed(cwd);
    const both = [0, 1].map(() => {
      const child = spawn(process.execPath, [mainPath, ...resume], { cwd, stdio: "ignore" });
      return once(child, "close");
    });
    expect((await Promise.all(both)).map(([status]) => status as number).sort()).toEqual([0, 2]);
    expect(journalsIn(cwd)).toEqual([]);
  }, 60_000);

  test.each([
    ["is damaged", (text: string) => text.replace('"next":', '"next":1')],
    ["is not the record of a campaign", (text: string) => text.slice(0, 100)],
    ["is the record of another version", (text: string) => text.replace("campaign 2", "campaign 0")],
  ])(
    "and status tell a journal that %s, and --resume leaves it alone (exit 2)",
    async (why, damage) => {
      const cwd = freshFolder();
      const { path, resume } = await killed(cwd);
      writeFileSync(path, damage(readFileSync(path, "utf8")));
      for (const args of [resume, ["status"]])
        expect(lockstep(args, { cwd })).toMatchObject({
          status: 2,
          stderr: expect.stringContaining(why) as string,
        });
      expect(journalsIn(cwd)).toEqual([path]);
    },
    60_000,
  );
});

describe("status", () => {
  test("of a folder without campaigns says so (exit 0), of a file complains (exit 2)", () => {
    const cwd = freshFolder();
    expect(lockstep(["status"], { cwd })).toMatchObject({
      status: 0,
      stdout: ".lockstep: no campaign runs or was stopped here\n",
    });
    writeFileSync(join(cwd, "file"), "");
    expect(lockstep(["status", "file"], { cwd })).toMatchObject({
      status: 2,
      stderr: "lockstep: file: is not a folder: expected the journal of lockstep sim\n",
    });
  });

  test("takes no other file for a journal, and complains about one that is damaged", () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, "sim-1-abc.json"), "{");
    writeFileSync(join(cwd, "sim-1-abd.json"), '{"journal":{},"campaign":{}}');
    writeFileSync(join(cwd, "other.json"), "{}");
    const { status, stdout, stderr } = lockstep(["status", ".", "--json"], { cwd });
    expect([status, stdout]).toEqual([2, "[]\n"]);
    expect(stderr.trim().split("\n")).toHaveLength(2);
  });
});

test("a process is told from a later one with its number, and from one of another machine", () => {
  const own = ownIdentity();
  expect(livenessOf(own)).toBe("running");
  expect(livenessOf({ ...own, started: "another boot 1" })).toBe("gone");
  expect(livenessOf({ ...own, pid: 2 ** 30, started: null })).toBe("gone");
  expect(livenessOf({ ...own, host: "another" })).toBe("elsewhere");
});

test("--log-file holds the log, and its older parts are rotated away", () => {
  const cwd = freshFolder();
  // A file that nobody has closed is told by Node when its handle is collected.
  const collects = join(cwd, "collect.cjs");
  writeFileSync(
    collects,
    `require("v8").setFlagsFromString("--expose-gc");
const collect = require("vm").runInNewContext("gc");
process.once("beforeExit", () => [20, 40, 60].map((ms) => setTimeout(collect, ms)));
`,
  );
  const sim = (log: string) =>
    lockstep(["--log-file", log, "sim", "--on", "model", "--runs", "20", "--no-save"], {
      cwd,
      env: { NODE_OPTIONS: `--require ${collects}` },
    });
  writeFileSync(join(cwd, "x.log"), Buffer.alloc(10 * 1024 * 1024, "x"));
  expect(sim("x.log")).toMatchObject({ status: 0, stderr: "" });
  expect(readdirSync(cwd).filter((name) => name.startsWith("x.log"))).toEqual(["x.log", "x.log.1"]);
  expect(readFileSync(join(cwd, "x.log"), "utf8")).toContain('"msg":"campaign ends"');
  rmSync(join(cwd, "x.log"));
  expect(sim("gone/x.log")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("no such folder") as string,
  });
});
