/**
 * Campaigns in shards: merged records are the bytes of one run, whatever stands in it; what is no whole campaign is refused.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { shardRange } from "../src/cli/campaign-shard.js";
import { recordOf } from "./support/campaign-files.js";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";
import { targetsHere } from "./support/replay.js";

beforeAll(buildCommand);
const { folder, file } = scratchFolder();
const hasNative = targetsHere.includes("native");
/** Two planted bugs, so that signatures are first seen in different shards; past 10,000 every eighth run is looked at. */
const CAMPAIGN = hasNative
  ? ["--on", "model,native+TIES_BY_LAST,native+WAKE_KEEPS_COUNT", "--from", "9000", "--runs", "3456"]
  : ["--on", "model", "--from", "9000", "--runs", "3456"];

function merge(name: string, files: readonly string[], ...more: string[]) {
  const outputs = ["--out", `${name}.json`, "--junit", `${name}.xml`, "--report", name];
  return lockstep(["merge", ...files, ...outputs, ...more], { cwd: folder });
}

function filesOf(name: string): Map<string, string> {
  const pages = readdirSync(join(folder, name)).map((page) => `${name}/${page}`);
  return new Map(
    [`${name}.json`, `${name}.xml`, ...pages].map((path) => [
      path.replace(name, "*"),
      readFileSync(join(folder, path), "utf8"),
    ]),
  );
}

describe("merge", () => {
  test("of 1, 2 and 7 shards gives the bytes of one run: text, JSON, record, JUnit and pages", () => {
    const outputs = ["--out", "whole.json", "--junit", "whole.xml", "--report", "whole"];
    const whole = lockstep(["sim", "--no-save", ...CAMPAIGN, ...outputs], { cwd: folder });
    const wholeJson = lockstep(["sim", "--no-save", ...CAMPAIGN, "--json"], { cwd: folder });
    expect(whole.status).toBe(hasNative ? 1 : 0);
    const expected = filesOf("whole");
    // The rate over time is of one machine and one run, and stands in a part of its own.
    const page = expected.get("*/index.html")!;
    const rate = /<h2>Rate<\/h2><figure>[\s\S]*?<\/figure>/;
    expect(page).toMatch(rate);
    expected.set("*/index.html", page.replace(rate, ""));
    for (const count of [1, 2, 7]) {
      const shards = Array.from({ length: count }, (_, i) =>
        recordOf(
          folder,
          `of-${count}-${i + 1}.json`,
          ...CAMPAIGN,
          "--shard",
          `${i + 1}/${count}`,
          "--jobs",
          "1",
        ),
      ).reverse();
      const merged = merge(`merged-${count}`, shards);
      expect([merged.status, merged.stdout]).toEqual([whole.status, whole.stdout]);
      expect(filesOf(`merged-${count}`)).toEqual(expected);
      expect(merge(`json-${count}`, shards, "--json").stdout).toBe(wholeJson.stdout);
    }
  }, 240_000);

  test.runIf(hasNative)(
    "of shards that bail gives what one run that bails gives: runs up to the first failure",
    () => {
      const campaign = ["--on", "model,native+TIES_BY_LAST", "--runs", "800", "--bail"];
      const whole = lockstep(["sim", "--no-save", ...campaign, "--json"], { cwd: folder });
      const shards = [1, 2, 3].map((i) =>
        recordOf(folder, `bail-${i}.json`, ...campaign, "--shard", `${i}/3`),
      );
      expect(lockstep(["merge", ...shards, "--json"], { cwd: folder })).toMatchObject({
        status: 1,
        stdout: whole.stdout,
      });
      const { runs, lookedAt, failures } = JSON.parse(whole.stdout) as {
        runs: number;
        lookedAt: number;
        failures: { runs: number; found: { first: string }[] };
      };
      expect(failures.found[0]!.first).toBe(`lockstep:${runs - 1}`);
      expect([lookedAt, failures.runs]).toEqual([runs, 1]);
    },
    120_000,
  );

  test("requires coverage of the whole, which a shard may not be asked for", () => {
    const campaign = ["--on", "model", "--runs", "2000", "--no-world"];
    const shards = [1, 2].map((i) => recordOf(folder, `floor-${i}.json`, ...campaign, "--shard", `${i}/2`));
    expect(lockstep(["merge", ...shards], { cwd: folder }).status).toBe(0);
    const required = lockstep(["merge", ...shards, "--require-coverage", "--junit", "floor.xml"], {
      cwd: folder,
    });
    expect(required.status).toBe(1);
    expect(readFileSync(join(folder, "floor.xml"), "utf8")).toContain('type="coverage"');
    const shard = lockstep(["sim", ...campaign, "--no-save", "--shard", "1/2", "--require-coverage"], {
      cwd: folder,
    });
    expect([shard.status, shard.stderr]).toEqual([2, expect.stringContaining("give it to lockstep merge")]);
  }, 60_000);
});

describe("what is no whole campaign is refused (exit 2)", () => {
  const record = (name: string, ...more: string[]): string =>
    recordOf(folder, name, "--on", "model", "--runs", "160", ...more);
  let a = "";
  let b = "";
  beforeAll(() => {
    a = record("a.json", "--shard", "1/2");
    b = record("b.json", "--shard", "2/2");
  });

  test.each<[string, () => string[], RegExp]>([
    ["a shard that is missing", () => [a], /1 shard\(s\) are missing: 2\/2/],
    ["a shard twice", () => [a, b, a], /a\.json and \S*a\.json are both shard 1\/2/],
    [
      "another seed",
      () => [a, record("seed.json", "--shard", "2/2", "--seed", "other")],
      /not of one campaign: seed "lockstep" and "other"/,
    ],
    [
      "other runs",
      () => [a, recordOf(folder, "more.json", "--on", "model", "--runs", "320", "--shard", "2/2")],
      /not of one campaign: runs 160 and 320/,
    ],
    ["another cut", () => [a, record("three.json", "--shard", "2/3")], /shards of 2 and of 3/],
    ["another version", () => [a, file("v.json", altered(b, '"version":"', '"version":"9'))], /is damaged/],
    [
      "a file that was cut off",
      () => [a, file("cut.json", readFileSync(b, "utf8").slice(0, -99))],
      /is not the record/,
    ],
    ["some other JSON", () => [a, file("other.json", "[]")], /is not the record of a campaign/],
    ["a file that is not there", () => [a, join(folder, "gone.json")], /there is no such file/],
  ])("%s", (_, files, complaint) => {
    const { status, stdout, stderr } = lockstep(["merge", ...files()], { cwd: folder });
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(complaint);
    expect(stderr.split("\n")).toHaveLength(2);
  });

  test("a shard that its time stopped: the message says how to go on, and --resume does", () => {
    const campaign = ["--on", "model", "--runs", "2000000", "--shard", "1/1", "--canary", "0"];
    const early = recordOf(folder, "early.json", ...campaign, "--time", "1ms");
    expect(lockstep(["merge", early], { cwd: folder }).stderr).toMatch(
      /shard 1\/1 is not at its end.*sim --resume/,
    );
  });

  function altered(path: string, from: string, to: string): string {
    return readFileSync(path, "utf8").replace(from, to);
  }
});

test("time cannot be cut into shards; shards are i/n (exit 2)", () => {
  const sim = (...args: string[]) =>
    lockstep(["sim", "--on", "model", "--no-save", ...args], { cwd: folder });
  expect(sim("--time", "1s", "--shard", "1/2").stderr).toContain("time cannot be cut into shards");
  for (const shard of ["0/2", "3/2", "1", "1/0", "a/b", "1/99999"])
    expect(sim("--shard", shard).status).toBe(2);
});

test("shards are whole ranges that follow each other and leave none out", () => {
  for (const [from, runs, rangeRuns, count] of [
    [0, 10_000, 1000, 7],
    [5, 10_001, 1000, 3],
    [0, 3, 1, 7],
    [0, 1e12, 4000, 10_000],
  ] as const) {
    let next = from;
    for (let index = 1; index <= count; index++) {
      const range = shardRange(from, runs, rangeRuns, { index, count });
      expect(range.from).toBe(next);
      if (index < count) expect(range.count % rangeRuns).toBe(0);
      next += range.count;
    }
    expect(next).toBe(from + runs);
  }
});

test("the file of a record is refused with its path where it cannot be written, before anything runs", () => {
  writeFileSync(join(folder, "taken"), "");
  const sim = lockstep(["sim", "--on", "model", "--no-save", "--out", "taken/x.json"], { cwd: folder });
  expect([sim.status, sim.stdout]).toEqual([2, ""]);
  expect(sim.stderr).toBe(
    "lockstep: taken/x.json: cannot be written: a part of the path is not a directory\n",
  );
});
