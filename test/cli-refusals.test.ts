/**
 * What the command says of what it was given: of targets that are none, of runs that are none, of shards with nothing in them; and that nothing of
 * what it was given reaches a terminal as more than text.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { usesColour } from "../src/cli/terminal.js";
import { didYouMean } from "../src/native-bridge/nearest-name.js";
import { printable, printableMessage, printablePainted } from "../src/report/printable.js";
import { recordOf } from "./support/campaign-files.js";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";

beforeAll(buildCommand);
const { folder, file } = scratchFolder();
const PROGRAM = '{ "version": 1, "fibers": { "a": [{ "op": "yield" }] } }';

describe("a target that is none", () => {
  const sim = (on: string) => lockstep(["sim", "--no-save", "--runs", "8", "--on", on], { cwd: folder });

  test.each([
    ["nope", ""],
    ["modle", " (did you mean model?)"],
    ["Native", " (did you mean native?)"],
    ["arch64", " (did you mean aarch64?)"],
    ["kqueue:gone.so", ""],
  ])("%s is no file either: the targets are listed, and the nearest is named", (on, hint) => {
    expect(sim(on)).toEqual({
      status: 2,
      stdout: "",
      stderr: `lockstep: ${on} is no target and no file: targets are model, native, aarch64, kqueue and paths of libraries${hint}\n`,
    });
  });

  test("a path is one, and a file is one without a slash", () => {
    file("x.so", "no library");
    for (const on of ["./x.so", "x.so", "kqueue:x.so", `${folder}/x.so`])
      expect(sim(on).stderr).toBe(`lockstep: ${folder}/x.so is not a shared library (no ELF header)\n`);
    expect(sim("./gone.so").stderr).toBe(`lockstep: ${folder}/gone.so does not exist\n`);
  });

  test("a defect that is none has a nearest one too", () => {
    expect(sim("model,native+TIES_BY_LSAT").stderr).toContain("(did you mean TIES_BY_LAST?)");
  });

  test("nothing is suggested that is not near", () => {
    expect(didYouMean("x", ["model", "native"])).toBe("");
    expect(didYouMean("natvie", ["model", "native"])).toBe(" (did you mean native?)");
  });
});

test("a target that is named twice is refused by every command (exit 2)", () => {
  const path = file("program.json", PROGRAM);
  for (const args of [
    ["sim", "--no-save"],
    ["diff", path],
    ["replay", path],
    ["repro", "S:1"],
    ["view", "S:1"],
  ]) {
    const { status, stdout, stderr } = lockstep([...args, "--on", "model,model"], { cwd: folder });
    expect([args, status, stdout]).toEqual([args, 2, ""]);
    expect(stderr).toMatch(/^lockstep: --on names model twice: .*sim --canary compares each\n$/);
  }
});

describe("control characters of what was given", () => {
  const ESCAPE = "\u001b]0;title\u0007\u001b[2J\u009b1mx";
  const SHOWN = "\\u001b]0;title\\u0007\\u001b[2J\\u009b1mx";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there.
  const CONTROL = /(?!\n)[\u0000-\u001f\u007f-\u009f]/;

  test.each([
    [["replay", ESCAPE], 2],
    [["replay", "program.json", "--on", ESCAPE], 2],
    [["repro", `${ESCAPE}:1`], 2],
    [["view", ESCAPE], 2],
    [["view", "program.json", "--out", `${ESCAPE}.html`], 0],
    [["sim", "--seed", ESCAPE], 2],
    [["sim", "--on", "model", "--runs", "8", "--no-save", "--out", `${ESCAPE}/x`], 2],
    [["corpus", "run", ESCAPE], 2],
    [["corpus", "add", `${ESCAPE}.json`, "--reason", "one", "--name", ESCAPE], 2],
    [["status", ESCAPE], 0],
    [["merge", ESCAPE], 2],
    [["mutants", "--only", ESCAPE], 2],
    [[ESCAPE], 2],
    [["sim", `--${ESCAPE}`], 2],
    [["replay", `${ESCAPE}.json`], 0],
    [["replay", "bad.json"], 2],
  ])("are written as JSON writes them: %j", (args, expected) => {
    const cwd = mkdtempSync(join(folder, "run-"));
    for (const name of ["program.json", `${ESCAPE}.json`]) writeFileSync(join(cwd, name), PROGRAM);
    writeFileSync(
      join(cwd, "bad.json"),
      PROGRAM.replaceAll('"a"', JSON.stringify(ESCAPE)).replace("009b", "\u009b"),
    );
    const { status, stdout, stderr } = lockstep(args, { cwd });
    expect([status, CONTROL.test(stdout), CONTROL.test(stderr)]).toEqual([expected, false, false]);
    if (args[1] !== "bad.json") expect(stdout + stderr).toContain(SHOWN);
  });

  test("a painted line keeps its colours and nothing else, and a message its indented lines", () => {
    expect(printablePainted("\u001b[31mred\u001b[39m\u001b[2J")).toBe("\u001b[31mred\u001b[39m\\u001b[2J");
    expect(printable("a\tb\u0000\r")).toBe("a\tb\\u0000\\u000d");
    expect(printableMessage("error:\n  one\nlockstep: all is well")).toBe(
      "error:\n  one\\nlockstep: all is well",
    );
  });
});

test.each<[isTerminal: boolean, isRefused: boolean, env: NodeJS.ProcessEnv, uses: boolean]>([
  [true, false, {}, true],
  [true, false, { NO_COLOR: "1" }, false],
  [true, false, { NO_COLOR: "" }, true],
  [true, false, { TERM: "dumb" }, false],
  [true, false, { FORCE_COLOR: "0" }, false],
  [true, false, { FORCE_COLOR: "false" }, false],
  [true, false, { FORCE_COLOR: "" }, true],
  [true, false, { FORCE_COLOR: "1", NO_COLOR: "1", TERM: "dumb" }, true],
  [true, true, { FORCE_COLOR: "1" }, false],
  [false, false, { FORCE_COLOR: "3" }, false],
])("colour: terminal %j, --no-color %j, %j: %j", (isTerminal, isRefused, env, uses) => {
  expect(usesColour(isTerminal, isRefused, env)).toBe(uses);
});

test("--no-color may stand anywhere", () => {
  for (const args of [
    ["--no-color", "replay", "corpus/1811-round-robin.json"],
    ["replay", "corpus/1811-round-robin.json", "--no-color"],
  ])
    expect(lockstep(args)).toMatchObject({ status: 0, stderr: "" });
});

test.each(["9007199254740993", "-1", "1.5", "0x10", "1e3", "", "007"])(
  "the index %j of a run is refused with what an index is",
  (index) => {
    const repro = lockstep(["repro", `S:${index}`]);
    expect([repro.status, repro.stderr]).toEqual([
      2,
      `lockstep: "S:${index}" is not a run: expected SEED:INDEX, such as nightly:1042, and INDEX from 0 to 9007199254740991\n`,
    ]);
    const view = lockstep(["view", `S:${index}`]);
    expect([view.status, view.stderr]).toEqual([
      2,
      expect.stringContaining("INDEX from 0 to 9007199254740991"),
    ]);
  },
);

test("a shard without runs says that nothing was tested, and merges as ever", () => {
  const campaign = ["--on", "model", "--runs", "3"];
  const shards = Array.from({ length: 7 }, (_, i) =>
    recordOf(folder, `empty-${i}.json`, ...campaign, "--shard", `${i + 1}/7`),
  );
  const empty = lockstep(["sim", "--no-save", ...campaign, "--shard", "1/7"], { cwd: folder });
  expect([empty.status, empty.stdout.trimEnd().split("\n").at(-1)]).toEqual([
    0,
    "nothing was tested: shard 1/7 has no runs, there are fewer ranges of runs than shards",
  ]);
  const whole = lockstep(["sim", "--no-save", ...campaign], { cwd: folder });
  expect(lockstep(["merge", ...shards], { cwd: folder }).stdout).toBe(whole.stdout);
});

test("doctor tells each command that installs something once", () => {
  const { stdout } = lockstep(["doctor"], {
    env: {
      CC: "no-such-compiler",
      LOCKSTEP_CC_AARCH64: "no-such-compiler",
      LOCKSTEP_CACHE: join(folder, "cache"),
    },
  });
  const commands = [...stdout.matchAll(/install it with: (.*)$/gm)].map((found) => found[1]);
  expect(commands.length).toBeGreaterThan(0);
  expect(new Set(commands).size).toBe(commands.length);
  expect(stdout).toMatch(/^ {2}LACKS {2}C compiler for /m);
});
