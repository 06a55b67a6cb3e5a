/**
 * The journal of a campaign notes ranges beside what the workers do, and yet before they start: what a program that brings the machine down leaves
 * there names it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CampaignJournal } from "../src/cli/campaign-journal.js";
import type { CampaignRecord } from "../src/cli/campaign-record.js";
import { EMPTY_TALLY } from "../src/cli/campaign-tally.js";
import { EMPTY_LOG } from "../src/testing/failure-log.js";

const folders = mkdtempSync(join(tmpdir(), "lockstep-journal-"));
afterAll(() => rmSync(folders, { recursive: true }));
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

/** The first runs of the ranges in flight, as the file in the folder has them. */
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
});
