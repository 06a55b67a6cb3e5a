/**
 * `lockstep mutants`: the bench of planted bugs, with every seed defect in it and a sample of the others; and its report.
 *
 * The whole bench takes minutes and is `lockstep mutants` itself. Here a defect stands for each way of being found.
 */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { type MutantRow, type MutantsReport, mutantsReport } from "../src/cli/mutants-report.js";
import { DEFECTS } from "../src/native-bridge/defects.js";
import { packagePath } from "../src/native-bridge/package-path.js";
import { buildCommand, lockstep } from "./support/command.js";
import { targetsHere } from "./support/replay.js";

beforeAll(buildCommand);

const canEmulate = targetsHere.includes("aarch64");
const SEEDS = DEFECTS.filter(
  ({ kind, architectures }) => kind === "seed" && (canEmulate || architectures.length > 1),
).map(({ name }) => name);

/** Of each part of the scheduler one that is found fast: with the seed defects, enough for a share of them to mean something. */
const SAMPLE = [
  "QUEUE_LIFO",
  "WAKE_KEEPS_TIMER",
  "SLEEP_ZERO_YIELDS",
  "CLOCK_NOT_ADVANCED",
  "TIES_BY_LAST",
  "FDS_BEFORE_TIMERS",
  "EVICT_KEEPS_REGISTRATION",
  "DEADLOCK_UNREPORTED",
  "END_WAKES_NOBODY",
  "CANCEL_TOO_LATE",
  "CANCEL_WITHOUT_FLAG",
];

function bench(...args: string[]): { status: number | null; report: MutantsReport } {
  const { status, stdout } = lockstep(["mutants", "--json", ...args]);
  return { status, report: JSON.parse(stdout) as MutantsReport };
}

describe.runIf(targetsHere.includes("native"))("the bench", () => {
  test("finds every seed defect (C1 to C7, bugs A and B) and a sample, in few runs and 90% of them small", () => {
    const { status, report } = bench("--only", [...SEEDS, ...SAMPLE].join(","));
    expect([status, report.score.survivors]).toEqual([0, []]);
    expect(report.score.found).toBe(SEEDS.length + SAMPLE.length);
    expect(report.score.slowestRuns).toBeLessThan(50_000);
    expect(report.score.shrunkTo8Ops).toBeGreaterThanOrEqual(0.9);
    const by = Object.fromEntries(report.rows.map(({ name, found }) => [name, found?.by]));
    expect(by).toMatchObject({ C2: "trace", C4: "outcome", C5: "outcome", BUG_A: "crash", BUG_B: "audit" });
    if (canEmulate) expect(by.C1).toBe("clobber");
  }, 120_000);

  test("reports no equivalent defect, and a sample of the planted ones with what gives each away", () => {
    const planted = ["TIES_BY_LAST", "END_UNMAPS_OWN_STACK", "BATCH_ONLY_FIRST", "REMOVAL_ONLY_SINKS"];
    const { status, report } = bench(
      "--runs=3000",
      "--no-uniform",
      "--only",
      [...planted, "YIELD_APPENDS_AFTER_SWITCH", "FIRE_LEAVES_WAITER_TO_WAKE"].join(","),
    );
    expect([status, report.score.survivors, report.score.wronglyReported]).toEqual([0, [], []]);
    const by = report.rows.map(({ name, found }) => [name, found?.by]);
    expect(by).toContainEqual(["TIES_BY_LAST", "trace"]);
    expect(by).toContainEqual(["END_UNMAPS_OWN_STACK", "crash"]);
    expect(by).toContainEqual(["YIELD_APPENDS_AFTER_SWITCH", undefined]);
  }, 120_000);

  test("hunts what is in kqueue's file on kqueue, and tells a registration that goes with an early wake (I3)", () => {
    const { status, report } = bench(
      "--only=KQUEUE_REMOVES_EARLY",
      "--seed=a",
      "--runs=3000",
      "--no-uniform",
      "--shrink-time=1s",
    );
    expect([status, report.rows.map(({ on, found }) => [on, found?.by])]).toEqual([
      0,
      [["kqueue+KQUEUE_REMOVES_EARLY", "trace"]],
    ]);
  }, 60_000);

  test("finds the same run with the same signature each time", () => {
    const findings = [1, 2].map(() =>
      bench("--only", "C2,WAKE_KEEPS_TIMER", "--no-uniform").report.rows.map(({ found }) => [
        found?.run,
        found?.hash,
        found?.program,
      ]),
    );
    expect(findings[0]).toEqual(findings[1]);
  }, 60_000);

  test("exit status 1 when a defect survives, which the table says", () => {
    const { status, stdout } = lockstep(["mutants", "--runs=1", "--only=C3", "--no-uniform"]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^C3 +C3 +native +SURVIVED/m);
    expect(stdout).toContain("SURVIVED: C3");
  });

  test("--explain shows the shrunk program and the divergence", () => {
    const { status, stdout } = lockstep(["mutants", "--only=TIES_BY_LAST", "--explain", "--no-uniform"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/at t=\d+, record \d+: model resumes "\w+" from sleep/);
    expect(stdout).toContain("the program:");
    expect(stdout).toMatch(/"op": "sleep"/);
  });
});

describe.runIf(canEmulate)("docs/FINDINGS.md", () => {
  test("quotes what the bench prints, for each of C1 to C7", () => {
    const text = readFileSync(packagePath("docs", "FINDINGS.md"), "utf8").replace(/\s+/g, " ");
    const names = [...text.matchAll(/lockstep mutants --only (\S+) --explain/g)].map(([, list]) => list!);
    const quotes =
      text.match(/at t=\d+, record \d+: model [^`]*? (?:native|aarch64)\+C\w+ [^`]*?(?= ```)/g) ?? [];
    const { stdout } = lockstep(["mutants", "--only", names.join(","), "--explain", "--no-uniform"]);
    const printed = stdout.replace(/\s+/g, " ");
    expect(quotes.length).toBeGreaterThanOrEqual(7);
    expect(quotes.filter((quote) => !printed.includes(quote))).toEqual([]);
  }, 120_000);
});

describe.runIf(canEmulate)("bug A on aarch64, as on the port in which it was found", () => {
  const onBugA = (name: string) => lockstep(["diff", `corpus/${name}.json`, "--on", "model,aarch64+BUG_A"]);

  test.each(["1811-round-robin", "1816-pipe-reader"])("%s agrees, as on the port", (name) => {
    expect(onBugA(name).status).toBe(0);
  });

  test("1817, tasks that sleep, dies in an overflow, as on the port", () => {
    const { status, stdout } = onBugA("1817-tasks-that-sleep");
    expect(status).toBe(1);
    expect(stdout).toContain('aarch64+BUG_A overflows the stack of "coordinator"');
  });
});

describe("the command", () => {
  test("--list names every defect, as text and as JSON", () => {
    const text = lockstep(["mutants", "--list"]).stdout.trimEnd().split("\n");
    const json = lockstep(["mutants", "--list", "--json"]).stdout.trimEnd().split("\n");
    expect(text.map((line) => line.split(" ")[0])).toEqual(DEFECTS.map(({ name }) => name));
    expect(json.map((line) => JSON.parse(line))).toEqual(DEFECTS);
  });

  test("a name that is no defect is bad usage, in --only and in a target", () => {
    const only = lockstep(["mutants", "--only", "C2,NO_SUCH"]);
    expect([only.status, only.stderr]).toEqual([
      2,
      "lockstep: mutants --only: no defect is called NO_SUCH; --list names them\n",
    ]);
    const target = lockstep(["replay", "corpus/1811-round-robin.json", "--on", "native+NO_SUCH"]);
    expect([target.status, target.stderr]).toEqual([
      2,
      "lockstep: native+NO_SUCH: NO_SUCH is no defect; lockstep mutants --list names them\n",
    ]);
  });

  test.runIf(process.arch !== "arm64")("defects that --arch leaves none of are bad usage", () => {
    const { status, stderr } = lockstep(["mutants", "--only", "C1", "--arch", "native"]);
    expect([status, stderr]).toEqual([
      2,
      "lockstep: mutants: none of these defects is one of --arch native\n",
    ]);
  });

  test("--help has examples", () => {
    expect(lockstep(["mutants", "--help"]).stdout).toContain(
      "lockstep mutants --only C2,TIES_BY_LAST --explain",
    );
  });
});

describe("the report", () => {
  const row = (name: string, runs: number | null, more: Partial<MutantRow> = {}): MutantRow => ({
    name,
    kind: "planted",
    rule: "F1",
    text: "",
    on: `native+${name}`,
    found:
      runs === null
        ? null
        : {
            by: "trace",
            run: `s:${runs - 1}`,
            runs,
            milliseconds: 1,
            opsBefore: 20,
            ops: runs,
            isMinimal: true,
            signature: "",
            hash: "",
            program: {},
          },
    runs: runs ?? 100,
    vanished: [],
    uniformRuns: null,
    ...more,
  });
  const scoreOf = (...rows: MutantRow[]) =>
    mutantsReport({ seed: "s", runsMax: 100, rows, seconds: 1, isInterrupted: false, hasUniform: true })
      .score;

  test("counts a survivor as slower than any find: the median is over all", () => {
    expect(scoreOf(row("A", 1), row("B", 5), row("C", null))).toMatchObject({
      found: 2,
      of: 3,
      medianRuns: 5,
    });
    expect(scoreOf(row("A", 1), row("B", null), row("C", null))).toMatchObject({
      medianRuns: null,
      survivors: ["B", "C"],
    });
  });

  test("an equivalent defect counts only when it is reported, and then against us", () => {
    const kind = "equivalent" as const;
    expect(scoreOf(row("A", 1), row("E", null, { kind }))).toMatchObject({ of: 1, wronglyReported: [] });
    expect(scoreOf(row("A", 1), row("E", 7, { kind }))).toMatchObject({ of: 1, wronglyReported: ["E"] });
  });

  test("gives the share of reports with at most 8 ops, and what the plain generator needs", () => {
    const score = scoreOf(row("A", 8, { uniformRuns: 4 }), row("B", 9, { uniformRuns: null }));
    expect(score).toMatchObject({ shrunkTo8Ops: 0.5, uniformFound: 1, uniformMedianRuns: 4 });
  });
});
