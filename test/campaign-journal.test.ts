/**
 * The journal of a campaign notes ranges beside what the workers do, and yet before they start: what a program that brings the machine down leaves
 * there names it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { Campaign, type CampaignPlan } from "../src/cli/campaign.js";
import { CampaignJournal } from "../src/cli/campaign-journal.js";
import { CampaignWorker } from "../src/cli/campaign-pool.js";
import type { CampaignRecord } from "../src/cli/campaign-record.js";
import { EMPTY_TALLY } from "../src/cli/campaign-tally.js";
import type { RangeResult, RunRange } from "../src/sim/campaign/batch-runner.js";
import { EMPTY_LOG } from "../src/testing/failure-log.js";

const folders = mkdtempSync(join(tmpdir(), "lockstep-journal-"));
afterAll(() => rmSync(folders, { recursive: true }));
afterEach(() => void vi.restoreAllMocks());
const freshFolder = (): string => mkdtempSync(join(folders, "of-"));

const RECORD: CampaignRecord = {
  terms: {
    version: "0",
    seed: "noted",
    on: ["model"],
    constraints: { world: true, uniform: false },
    from: 0,
    runs: 100,
    rangeRuns: 10,
    canaryPercent: 0,
    bail: false,
    shrinkMs: 0,
    timeLimitMs: 1,
    memoryLimitMiB: 1,
  },
  shard: { index: 1, count: 1 },
  state: "running",
  next: 0,
  tally: EMPTY_TALLY,
  failures: EMPTY_LOG,
  canariesOwed: [],
};

function journalIn(folder: string): Promise<CampaignJournal> {
  return CampaignJournal.open(folder, {
    command: "lockstep sim",
    unrecorded: { time: null, corpus: null, saves: false },
    jobs: 2,
    record: () => RECORD,
    elapsedMs: () => 0,
  });
}

/** The first runs of the ranges in flight or next, as the file in the folder has them. */
function notedIn(folder: string): number[] {
  const [name] = readdirSync(folder).filter((file) => file.endsWith(".json"));
  const { journal } = JSON.parse(readFileSync(join(folder, name!), "utf8")) as {
    journal: { inFlight: { from: number }[] };
  };
  return journal.inFlight.map(({ from }) => from);
}

describe("a range that is begun", () => {
  test("is in the file when it may start, and so is one that was begun during a write", async () => {
    const folder = freshFolder();
    const journal = await journalIn(folder);
    expect(notedIn(folder)).toEqual([]);
    await journal.begin({ from: 0, count: 10 });
    expect(notedIn(folder)).toEqual([0]);
    const [second, third] = [journal.begin({ from: 10, count: 10 }), journal.begin({ from: 20, count: 10 })];
    await second;
    const fourth = journal.begin({ from: 30, count: 10 });
    await third;
    expect(notedIn(folder)).toEqual(expect.arrayContaining([0, 10, 20]));
    await fourth;
    expect(notedIn(folder)).toEqual([0, 10, 20, 30]);
  });

  test("and has ended stays in the file until the next write, never the other way round", async () => {
    const folder = freshFolder();
    const journal = await journalIn(folder);
    await journal.begin({ from: 0, count: 10 });
    journal.end({ from: 0, count: 10 });
    expect(notedIn(folder)).toEqual([0]);
    await journal.begin({ from: 10, count: 10 });
    expect(notedIn(folder)).toEqual([10]);
  });

  test("and cannot be noted may not start", async () => {
    const folder = freshFolder();
    const journal = await journalIn(join(folder, "journal"));
    rmSync(join(folder, "journal"), { recursive: true });
    await expect(journal.begin({ from: 0, count: 10 })).rejects.toThrow("ENOENT");
  });

  test("and does not fit on the disk is told with the journal's path, and leaves nothing half written", async () => {
    const folder = freshFolder();
    const journal = await journalIn(folder);
    const [name] = readdirSync(folder);
    // A disk that is full, where the journal writes before it renames.
    symlinkSync("/dev/full", join(folder, `${name!}.tmp`));
    const refusal = { code: "ENOSPC", path: join(folder, name!) };
    await expect(journal.begin({ from: 0, count: 10 })).rejects.toMatchObject(refusal);
    expect(readdirSync(folder)).toEqual([name]);
  });
});

describe("a campaign", () => {
  const { terms } = RECORD;
  const plan: CampaignPlan = {
    setup: terms,
    from: 0,
    runs: 100,
    rangeRuns: 10,
    goesOn: false,
    jobs: 2,
    canaryPercent: 0,
    canariesOwed: [],
    deadlineMs: Number.POSITIVE_INFINITY,
  };
  const events = {
    onRange: () => Promise.resolve(true),
    onCanary: () => {},
    onRestart: () => {},
    onStall: () => {},
  };
  const campaignOf = (journal: CampaignJournal): Campaign =>
    new Campaign(plan, journal, events, new AbortController().signal);

  /** Workers in this process: `onRun` sees a range when it starts, and may take its time; every range passes. */
  function workersThat(onRun: (range: RunRange) => void | Promise<void>): void {
    const run = async (range: RunRange): Promise<RangeResult> => {
      await onRun(range);
      await turn();
      return {
        range,
        failures: [],
        lookedAt: 0,
        events: 0,
        opsWritten: 0,
        opsReached: 0,
        labels: [],
        digests: [],
      };
    };
    const start = vi.spyOn(CampaignWorker, "start");
    start.mockImplementation(() =>
      Promise.resolve(Object.assign(Object.create(CampaignWorker.prototype), { run, stop: () => {} })),
    );
  }

  test("starts no range before the file on the disk names it, however long the disk takes", async () => {
    const folder = freshFolder();
    const journal = await journalIn(folder);
    const begin = journal.begin.bind(journal);
    vi.spyOn(journal, "begin").mockImplementation(async (range) => {
      // A slow disk: a worker that does not wait for it has started long before.
      for (let turns = 0; turns < 20; turns++) await turn();
      await begin(range);
    });
    const started: number[] = [];
    const unnoted: number[] = [];
    workersThat(({ from }) => {
      started.push(from);
      if (!notedIn(folder).includes(from)) unnoted.push(from);
    });
    expect(await campaignOf(journal).run()).toBeUndefined();
    expect(unnoted).toEqual([]);
    expect(started).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
  });

  test("that is under way has noted a range for each of --jobs beside those that run, and no more", async () => {
    const folder = freshFolder();
    const journal = await journalIn(folder);
    const begin = vi.spyOn(journal, "begin");
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const started: number[] = [];
    workersThat(({ from }) => {
      started.push(from);
      return released;
    });
    const running = campaignOf(journal).run();
    await vi.waitFor(() => expect(notedIn(folder)).toEqual([0, 10, 20, 30]));
    expect(started).toEqual([0, 10]);
    expect(begin).toHaveBeenCalledTimes(4);
    release();
    expect(await running).toBeUndefined();
    expect(started).toHaveLength(10);
  });

  test("starts no range that cannot be noted, and ends with what the disk says", async () => {
    const folder = freshFolder();
    const journal = await journalIn(join(folder, "journal"));
    rmSync(join(folder, "journal"), { recursive: true });
    const started: number[] = [];
    workersThat(({ from }) => void started.push(from));
    await expect(campaignOf(journal).run()).rejects.toThrow("ENOENT");
    expect(started).toEqual([]);
  });
});
