/** `lockstep corpus add`: a corpus that is begun, and several programs at once, of which all are added or none. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";

beforeAll(buildCommand);
const { folder } = scratchFolder();
const PROGRAM = '{ "version": 1, "fibers": { "a": [{ "op": "yield" }] } }';

/** A folder with two programs and one that is none. */
function freshFolder(): string {
  const cwd = mkdtempSync(join(folder, "run-"));
  for (const name of ["a", "b"]) writeFileSync(join(cwd, `${name}.json`), PROGRAM);
  mkdirSync(join(cwd, "more"));
  writeFileSync(join(cwd, "more", "a.json"), PROGRAM);
  writeFileSync(join(cwd, "bad.json"), "{");
  return cwd;
}

function add(cwd: string, ...args: string[]) {
  return lockstep(["corpus", "add", "--reason", "one", ...args], { cwd });
}

test("corpus add makes the folder where there is none, and says so", () => {
  const cwd = freshFolder();
  expect(add(cwd, "a.json")).toEqual({
    status: 0,
    stdout: "made corpus\nadded corpus/a.json\n",
    stderr: "",
  });
  expect(add(cwd, "b.json", "--corpus", "./corpus").stdout).toBe("added corpus/b.json\n");
  expect(add(cwd, "b.json", "--corpus", "new/one").stdout).toBe("made new/one\nadded new/one/b.json\n");
  expect(lockstep(["corpus", "run", "--on", "model"], { cwd }).status).toBe(0);
  expect(add(cwd, "a.json", "--corpus", "b.json/x")).toEqual({
    status: 2,
    stdout: "",
    stderr: "lockstep: b.json/x: a part of the path is not a directory\n",
  });
});

describe("corpus add checks everything before it writes anything", () => {
  const nothing = "corpus add: nothing was added, for all are added or none";
  test.each([
    [
      ["a.json", "b.json", "--name", "same"],
      ["b.json: the entry same is for a.json already: add the two one by one, with --name", nothing],
    ],
    [
      ["a.json", "more/a.json"],
      ["more/a.json: the entry a is for a.json already: add the two one by one, with --name", nothing],
    ],
    [
      ["b.json", "bad.json"],
      [expect.stringMatching(/^bad\.json: is not JSON/), nothing],
    ],
    [
      ["b.json", "gone.json"],
      ["gone.json: there is no such file", nothing],
    ],
    [["bad.json"], [expect.stringMatching(/^bad\.json: is not JSON/)]],
    [["-"], ["-: is empty: expected JSON (docs/programs.md)"]],
  ])("%j", (args, complaints) => {
    const cwd = freshFolder();
    const { status, stdout, stderr } = add(cwd, ...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr.trimEnd().split("\n")).toEqual(
      complaints.map((line) =>
        typeof line === "string" ? `lockstep: ${line}` : expect.stringContaining("bad.json: is not JSON"),
      ),
    );
    expect(existsSync(join(cwd, "corpus"))).toBe(false);
  });

  test("an entry that is there, and a file whose name gives none", () => {
    const cwd = freshFolder();
    add(cwd, "a.json");
    writeFileSync(join(cwd, ".x.json"), PROGRAM);
    expect(add(cwd, "b.json", "a.json", ".x.json").stderr.trimEnd().split("\n")).toEqual([
      "lockstep: a.json: the corpus has an entry a: name this one with --name",
      "lockstep: .x.json: gives no name of an entry: name this one with --name",
      `lockstep: ${nothing}`,
    ]);
    expect(readdirSync(join(cwd, "corpus"))).toEqual(["a.json"]);
  });
});
