/**
 * Files and folders that the command is to write: what cannot be written is told before anything runs, and asking changes nothing; and what is
 * said of a path is true of it, be it a file, a folder, or one that may not be looked at.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { outputFileComplaint } from "../src/cli/write-output.js";
import { buildCommand, type Ended, lockstep, scratchFolder } from "./support/command.js";

beforeAll(buildCommand);
const { folder } = scratchFolder();
chmodSync(folder, 0o755);

/** A folder with a file and a folder in it. */
function freshFolder(): string {
  const cwd = mkdtempSync(join(folder, "run-"));
  chmodSync(cwd, 0o755);
  writeFileSync(join(cwd, "file"), "kept");
  mkdirSync(join(cwd, "taken"));
  return cwd;
}

/** All that stands in a folder, and what the file `file` in it holds. */
function stateOf(cwd: string): unknown {
  return [readdirSync(cwd, { recursive: true }).sort(), readFileSync(join(cwd, "file"), "utf8")];
}

/** Root may write everywhere, so it asks as nobody. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, env: { HOME: "/nonexistent" } } : {};

function expectRefused(cwd: string, args: readonly string[], complaint: string, options: object = {}): void {
  const before = stateOf(cwd);
  expect(lockstep(args, { cwd, ...options })).toEqual({
    status: 2,
    stdout: "",
    stderr: `lockstep: ${complaint}\n`,
  } satisfies Ended);
  expect(stateOf(cwd)).toEqual(before);
}

const SIM = ["sim", "--on", "model", "--runs", "10"];

describe("what cannot be written is refused before a campaign begins, and nothing is left behind", () => {
  test.each([
    [["--out", "taken"], "taken: is a directory: name a file in it"],
    [["--out", "new/"], "new/: is a directory: name a file in it"],
    [["--out", ""], ": an empty name: name a file"],
    [["--out", "gone/x.json"], "gone/x.json: cannot be written: there is no such folder"],
    [["--out", "file/x.json"], "file/x.json: cannot be written: a part of the path is not a directory"],
    [["--out", "pipe"], "pipe: is a device or a pipe: name a file"],
    [["--junit", "taken"], "taken: is a directory: name a file in it"],
    [["--out", "x", "--junit", "./x"], "./x: is to be written twice: name another file for one of them"],
    [["--report", "file"], "file: a part of the path is not a directory: the report is written there"],
    [
      ["--report", "new/report", "--journal", "file"],
      "file: the journal cannot be written: a part of the path is not a directory: name another folder with --journal",
    ],
    [
      ["--report", "pages"],
      "pages/index.html: is a directory: name a file in it: the report is written there",
    ],
    [
      ["--out", "file", "--on", "model,nothing.so"],
      expect.stringContaining("nothing.so") as unknown as string,
    ],
  ])("sim %j", (args, complaint) => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, "pages", "index.html"), { recursive: true });
    symlinkSync("/dev/null", join(cwd, "pipe"));
    const before = stateOf(cwd);
    const { status, stdout, stderr } = lockstep([...SIM, "--no-save", ...args], { cwd });
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr.trimEnd()).toEqual(
      typeof complaint === "string" ? `lockstep: ${complaint}` : (complaint as unknown),
    );
    expect(stateOf(cwd)).toEqual(before);
  });

  test("a folder without permission, for a user who is not root", () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, "sealed"), { mode: 0o555 });
    for (const args of [
      ["--out", "sealed/x"],
      ["--junit", "sealed/x"],
    ])
      expectRefused(
        cwd,
        [...SIM, "--no-save", ...args],
        "sealed/x: cannot be written: permission denied",
        nobody,
      );
    const report = [...SIM, "--no-save", "--report", "sealed/x"];
    expectRefused(cwd, report, "sealed/x: permission denied: the report is written there", nobody);
  });

  test("corpus run, merge and view ask as well", () => {
    const cwd = freshFolder();
    const taken = "taken: is a directory: name a file in it";
    expectRefused(cwd, ["merge", "gone", "--out", "taken"], taken);
    expectRefused(
      cwd,
      ["view", "S:1", "--out", "gone/x.html"],
      "gone/x.html: cannot be written: there is no such folder",
    );
    writeFileSync(join(cwd, "taken", "x.json"), "{");
    expectRefused(cwd, ["corpus", "run", "taken", "--on", "model", "--junit", "taken"], taken);
  });
});

describe("--log-file that cannot be written is told once, before anything runs", () => {
  test.each([
    ["taken", "taken: is a directory: name a file in it"],
    ["gone/x.log", "gone/x.log: cannot be written: there is no such folder"],
    ["pipe", "pipe: is a device or a pipe: name a file"],
  ])("%s", (log, complaint) => {
    const cwd = freshFolder();
    symlinkSync("/dev/null", join(cwd, "pipe"));
    expectRefused(cwd, ["--log-file", log, ...SIM, "--no-save"], complaint);
  });

  test("a file without permission", () => {
    const cwd = freshFolder();
    chmodSync(cwd, 0o777);
    chmodSync(join(cwd, "file"), 0o444);
    const args = ["--log-file", "file", ...SIM, "--no-save"];
    expectRefused(cwd, args, "file: cannot be written: permission denied", nobody);
  });
});

// Asked of the function alone, which writes nothing: root could really put a file in the place of a device.
test.each(["/dev/full", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/../dev/null"])(
  "%s is no file to be exchanged for another",
  (path) => {
    expect(outputFileComplaint(path)).toBe(`${path}: is a device or a pipe: name a file`);
  },
);

test("an older file is exchanged when the campaign has ended, and a folder for the report is made then", () => {
  const cwd = freshFolder();
  const args = [...SIM, "--no-save", "--out", "file", "--junit", "x.xml", "--report", "new/report"];
  expect(lockstep(args, { cwd })).toMatchObject({ status: 0, stderr: "" });
  expect(readFileSync(join(cwd, "file"), "utf8")).toContain('"format"');
  expect(readdirSync(join(cwd, "new", "report"))).toEqual(["index.html"]);
  expect(readdirSync(cwd).sort()).toEqual([".lockstep", "file", "new", "taken", "x.xml"]);
});

describe("what is said of a path is true of it", () => {
  test.each([
    [["corpus", "run", "gone"], "gone: there is no such folder"],
    [["corpus", "list", "--corpus", "gone"], "gone: there is no such folder"],
    [["corpus", "list", "--corpus", "file"], "file: is not a folder"],
    [["status", "file"], "file: is not a folder: expected the journal of lockstep sim"],
    [
      [...SIM, "--corpus", "gone"],
      "gone: there is no such folder: failures are saved there; make it, name another with --corpus, or use --no-save",
    ],
    [["replay", "taken"], "taken: is a directory: name a file in it"],
    [["merge", "taken"], "taken: is a directory: name a file in it"],
    [["view", "taken"], "taken: is a directory: name a file in it"],
    [["replay", "file/x"], "file/x: a part of the path is not a directory"],
  ])("%j", (args, complaint) => {
    expectRefused(freshFolder(), args, complaint);
  });

  test("where permission is lacking, nobody says that nothing is there", () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, "secret"));
    writeFileSync(join(cwd, "secret", "x.json"), "{}");
    writeFileSync(join(cwd, "secret", "x.so"), "");
    const program = join(cwd, "program.json");
    writeFileSync(program, '{ "version": 1 }');
    chmodSync(join(cwd, "secret"), 0);
    const ask = (...args: string[]) => lockstep(args, { cwd, ...nobody });
    for (const args of [
      ["replay", "secret/x.json"],
      ["view", "secret/x.json"],
      ["merge", "secret/x.json"],
      ["corpus", "run", "secret"],
      ["corpus", "list", "--corpus", "secret"],
      ["corpus", "run", "secret/corpus"],
      ["replay", program, "--on", "./secret/x.so"],
    ]) {
      const { status, stderr } = ask(...args);
      expect([args, status, stderr]).toEqual([
        args,
        2,
        expect.stringMatching(/^lockstep: \S+( cannot be read)?: permission denied\n$/),
      ]);
    }
    chmodSync(join(cwd, "secret"), 0o700);
  });
});
