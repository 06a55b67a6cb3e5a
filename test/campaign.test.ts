/**
 * Campaigns through the command: what does not depend on workers, what an end in the middle leaves behind, and what is said of trouble.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCommand, type Ended, mainPath } from "./support/command.js";
import { targetsHere } from "./support/replay.js";

let folder = "";
beforeAll(() => {
  buildCommand();
  folder = mkdtempSync(join(tmpdir(), "lockstep-campaign-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(cwd: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [mainPath, ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, GITHUB_ACTIONS: "" },
  });
}

async function end(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [status] = (await once(child, "close")) as [number | null];
  return { status, stdout, stderr };
}

function lockstep(cwd: string, ...args: string[]): Promise<Ended> {
  return end(start(cwd, ...args));
}

function freshFolder(): string {
  return mkdtempSync(join(folder, "run-"));
}

/** Waits until the campaign has counted a range, and so has others in flight: one that is ended before has nothing to tell. */
async function underWay(cwd: string): Promise<void> {
  const journal = join(cwd, ".lockstep");
  for (let i = 0; i < 600; i++) {
    const names = existsSync(journal) ? readdirSync(journal).filter((name) => name.endsWith(".json")) : [];
    const noted = names.map((name) => JSON.parse(readFileSync(join(journal, name), "utf8")) as Noted);
    if (noted.some(({ campaign }) => campaign.record.tally.runs > 0)) return;
    await delay(50);
  }
  throw new Error("the campaign has not begun");
}

interface Noted {
  readonly campaign: { readonly record: { readonly tally: { readonly runs: number } } };
}

describe("a campaign", () => {
  test("gives the same summary with one worker and with three, on the model", async () => {
    const [one, three] = await Promise.all(
      ["1", "3"].map((jobs) =>
        lockstep(
          freshFolder(),
          "sim",
          "--on",
          "model",
          "--runs",
          "4000",
          "--jobs",
          jobs,
          "--json",
          "--no-save",
        ),
      ),
    );
    expect(one!.status).toBe(0);
    expect(three!.stdout).toBe(one!.stdout);
  }, 60_000);

  test("of one part and then the next has the labels of the whole", async () => {
    const runs = async (from: number, count: number): Promise<number[]> => {
      const args = [
        "sim",
        "--on",
        "model",
        "--from",
        String(from),
        "--runs",
        String(count),
        "--json",
        "--no-save",
      ];
      const { stdout } = await lockstep(freshFolder(), ...args);
      return (JSON.parse(stdout) as { labels: { runs: number }[] }).labels.map((label) => label.runs);
    };
    const [first, second, whole] = [await runs(0, 300), await runs(300, 500), await runs(0, 800)];
    expect(first.map((count, i) => count + second[i]!)).toEqual(whole);
  }, 60_000);

  test("runs what generate prints: repro shows the same program", async () => {
    const generated = await lockstep(folder, "generate", "--seed", "pair", "--from", "7", "--count", "1");
    const repro = await lockstep(folder, "repro", "pair:7", "--on", "model", "--format", "jsonl");
    const line = JSON.parse(generated.stdout) as { seed: string; program: unknown };
    expect(line.seed).toBe("pair:7");
    expect((JSON.parse(repro.stdout) as { program: unknown }).program).toEqual(line.program);
  }, 30_000);

  test("under a floor says so, and fails only where coverage is required", async () => {
    // Without a world, the world cannot act: 80 of 10,000 runs must have it do so.
    const args = ["sim", "--on", "model", "--runs", "2000", "--no-world", "--no-save"];
    const free = await lockstep(freshFolder(), ...args);
    expect(free.status).toBe(0);
    expect(free.stdout).toContain("under their floor: I2 the world acts at idle");
    expect(free.stdout).toContain("nothing was compared: model is the only target");
    expect((await lockstep(freshFolder(), ...args, "--require-coverage")).status).toBe(1);
  }, 60_000);
});

describe("a campaign that is ended", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "by %s tells what it has (exit %i), and leaves a journal with nothing in flight",
    async (signal, exitStatus) => {
      const cwd = freshFolder();
      const child = start(cwd, "sim", "--on", "model", "--runs", "100000000", "--json", "--no-save");
      const ended = end(child);
      await underWay(cwd);
      child.kill(signal);
      const { status, stdout } = await ended;
      expect(status).toBe(exitStatus);
      expect(JSON.parse(stdout)).toMatchObject({ interrupted: true, lost: false });
      const [noted] = JSON.parse((await lockstep(cwd, "status", "--json")).stdout) as object[];
      expect(noted).toMatchObject({ state: "stopped", inFlight: [] });
    },
    60_000,
  );

  test("by SIGKILL leaves its runs in the journal, and the next one tells them once", async () => {
    const cwd = freshFolder();
    const child = start(cwd, "sim", "--seed", "it's", "--on", "model", "--runs", "100000000", "--no-save");
    const ended = end(child);
    await underWay(cwd);
    child.kill("SIGKILL");
    await ended;
    const next = await lockstep(cwd, "sim", "--on", "model", "--runs", "10", "--no-save");
    expect(next.stderr).toMatch(
      /killed with these runs in flight: lockstep sim --seed 'it'\\''s' --on model --from \d+ --runs 4000\n/,
    );
    expect((await lockstep(cwd, "sim", "--on", "model", "--runs", "10", "--no-save")).stderr).toBe("");
  }, 60_000);
});

describe("a campaign with nowhere to save", () => {
  test.each([
    ["missing", "gone", "there is no such folder"],
    ["a file", "file", "is not a folder"],
  ])("that is %s does not begin, and says what to do (exit 2)", async (_, corpus, complaint) => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, "file"), "");
    const { status, stdout, stderr } = await lockstep(
      cwd,
      "sim",
      "--on",
      "model",
      "--runs",
      "10",
      "--corpus",
      corpus,
    );
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(new RegExp(`^lockstep: ${corpus}: ${complaint}.*--no-save\n$`));
  });

  test.runIf(process.getuid?.() !== 0)("that cannot be written does not begin (exit 2)", async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, "sealed"));
    chmodSync(join(cwd, "sealed"), 0o500);
    const ended = await lockstep(cwd, "sim", "--on", "model", "--runs", "10", "--corpus", "sealed");
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain("sealed: permission denied");
  });
});

describe.runIf(targetsHere.includes("native"))("the canary", () => {
  test("tells runs that another process saw differently, and what differed (exit 1)", async () => {
    const args = [
      "sim",
      "--on",
      "native+WAIT_VALUE_BY_PROCESS",
      "--runs",
      "300",
      "--canary",
      "100",
      "--jobs",
      "1",
      "--no-save",
    ];
    const { status, stderr, stdout } = await lockstep(freshFolder(), ...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /run lockstep:\d+ is not deterministic: the trace on \S+ differed in another process/,
    );
    expect(stdout).toMatch(/300 runs again in another process: \d+ DIFFERED/);
  }, 60_000);
});

describe("deadlock", () => {
  test("lists the runs that end in R2's panic, with who is parked; repro shows each on every target", async () => {
    const { stdout, status } = await lockstep(
      folder,
      "deadlock",
      "--seed",
      "S",
      "--runs",
      "60",
      "--format",
      "jsonl",
    );
    expect(status).toBe(0);
    const found = stdout
      .trim()
      .split("\n")
      .map(
        (line) =>
          JSON.parse(line) as { seed: string; outcome: { message: string }; forensics: { verdict: string } },
      );
    expect(found.length).toBeGreaterThan(2);
    // A run that another panic ended first may hold a partial deadlock, which is listed as such.
    for (const { outcome, forensics } of found) {
      const isR2 = /^sched: deadlock — \d+ fiber\(s\)/.test(outcome.message);
      expect(forensics.verdict).toBe(isR2 ? "deadlock" : "partial");
    }
    const on = targetsHere.filter((name) => name !== "aarch64").join(",");
    const repro = await lockstep(folder, "repro", found[0]!.seed, "--on", on);
    expect(repro.status).toBe(0);
    expect(repro.stdout).toContain(found[0]!.outcome.message);
  }, 60_000);
});

test.runIf(targetsHere.includes("native"))(
  "what a campaign saves reads back as what it printed",
  async () => {
    const cwd = freshFolder();
    const { stdout } = await lockstep(
      cwd,
      "sim",
      "--on",
      "model,native+WAKE_KEEPS_COUNT",
      "--runs",
      "500",
      "--bail",
      "--json",
    );
    const { found } = (
      JSON.parse(stdout) as { failures: { found: { saved: string; program: object; first: string }[] } }
    ).failures;
    const entry = JSON.parse(readFileSync(join(cwd, found[0]!.saved), "utf8")) as {
      program: { title: string };
      provenance: { seed: string; signature: string };
    };
    expect(entry.provenance.seed).toBe(found[0]!.first);
    expect(entry.program).toEqual({ ...found[0]!.program, title: `found by ${found[0]!.first}` });
  },
  60_000,
);
