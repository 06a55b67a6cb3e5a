/**
 * The worker processes of a campaign: what becomes of it when they cannot start, and which of them runs what.
 *
 * A module that Node loads before the worker's own stands in for a machine on which a worker cannot do what the command itself could.
 */
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildCommand, type Ended, lockstep, scratchFolder } from "./support/command.js";
import { targetsHere } from "./support/replay.js";

beforeAll(buildCommand);
const { folder, file } = scratchFolder();

/**
 * `lockstep sim` in a folder, where each worker process begins with `code`, CommonJS, and calls its `onRun(range)`, if it has one, before
 * each range. A listener of its own would take the messages that come before the worker listens.
 */
function simWith(cwd: string, code: string, ...args: string[]): Ended {
  const preload = file(
    "preload.cjs",
    `if (/campaign-worker/.test(process.argv[1])) {
  let onRun = () => {};
  const { emit } = process;
  process.emit = function (name, message, ...more) {
    if (name === "message" && message.ask === "run") onRun(message.range);
    return emit.call(this, name, message, ...more);
  };
  ${code}
}
`,
  );
  return lockstep(["sim", "--no-save", ...args], { cwd, env: { NODE_OPTIONS: `--require ${preload}` } });
}

const freshFolder = (): string => mkdtempSync(join(folder, "run-"));

describe("workers that cannot start", () => {
  const campaigns = [
    {
      so: "since they end at once",
      on: "model",
      code: "process.exit(7);",
      complaint:
        /^lockstep: a worker process of the campaign ended \(exit status 7\): the campaign ends here/,
    },
    ...(targetsHere.includes("native")
      ? [
          {
            so: "since a target is gone by then",
            on: "model,native",
            code: 'process.env.CC = "no-such-compiler";',
            complaint:
              /^lockstep: native: no C compiler for \S+: CC=no-such-compiler is not a program; install one/,
          },
        ]
      : []),
  ];

  test.each(campaigns)("$so: exit status 3, and no campaign is left to resume", ({ on, code, complaint }) => {
    const cwd = freshFolder();
    const { status, stderr } = simWith(cwd, code, "--on", on, "--runs", "20");
    expect(status).toBe(3);
    expect(stderr).toMatch(complaint);
    expect(readdirSync(join(cwd, ".lockstep"))).toEqual([]);
  });

  test("to resume one: what was counted stays in the journal, and the next --resume goes on from there", () => {
    const cwd = freshFolder();
    const args = ["--on", "model", "--runs", "16000", "--jobs", "1", "--canary", "0", "--json"];
    const dies = "let begun = 0; onRun = () => ++begun === 3 && process.exit(9);";
    expect(simWith(cwd, dies, ...args).status).toBe(3);
    const counted = runsIn(cwd);
    expect(counted).toBeGreaterThan(0);
    expect(simWith(cwd, "process.exit(7);", ...args, "--resume").status).toBe(3);
    expect(runsIn(cwd)).toBe(counted);
    const last = simWith(cwd, "", ...args, "--resume");
    expect(last.stderr).toContain(`after ${counted} run(s)`);
    expect(last.stdout).toBe(simWith(cwd, "", ...args).stdout);
    expect(readdirSync(join(cwd, ".lockstep"))).toEqual([]);
  });
});

/** The runs that the one journal of the folder counts. */
function runsIn(cwd: string): number {
  const [campaign, ...others] = JSON.parse(lockstep(["status", "--json"], { cwd }).stdout) as {
    readonly runs: number;
  }[];
  expect(others).toEqual([]);
  return campaign!.runs;
}

test("a spare process runs nothing first, and each range again that another has run, while that one goes on", () => {
  const cwd = freshFolder();
  const log = join(cwd, "asked");
  // The second range waits for the spare's first, for which a spare that only comes at the end is too late.
  const code = `const fs = require("fs");
  const processes = () => new Set(fs.readFileSync(${JSON.stringify(log)}, "utf8").match(/^\\d+/gm)).size;
  onRun = ({ from }) => {
    fs.appendFileSync(${JSON.stringify(log)}, process.pid + " " + from + "\\n");
    for (let i = 0; i < 100 && from > 0 && processes() < 2; i++)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  };`;
  const { status } = simWith(cwd, code, "--on", "model", "--runs", "12000", "--jobs", "1", "--canary", "100");
  expect(status).toBe(0);
  const asked = readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" ").map(Number));
  const processes = [...new Set(asked.map(([pid]) => pid))];
  expect(processes).toHaveLength(2);
  const [first, spare] = processes.map((own) =>
    asked.filter(([pid]) => pid === own).map(([, from]) => from!),
  );
  expect(first).toEqual([...new Set(first)].sort((a, b) => a - b));
  expect(first!.length).toBeGreaterThan(2);
  expect(spare).toEqual(first);
  const [spareBegins, lastBegins] = [
    asked.findIndex(([pid]) => pid === processes[1]),
    asked.findIndex(([, from]) => from === first!.at(-1)),
  ];
  expect(spareBegins).toBeLessThan(lastBegins);
});
