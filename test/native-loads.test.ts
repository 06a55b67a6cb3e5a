/**
 * What a replay on native loads: as `command-loads.test.ts` for the model, with what builds, finds and calls the native side.
 *
 * Needs a C compiler.
 */
import { beforeAll, expect, test } from "vitest";
import { buildCommand, scratchFolder } from "./support/command.js";
import { loadedBy } from "./support/loaded-modules.js";

const { folder, file } = scratchFolder();
const PROGRAM = file("program.json", '{ "version": 1, "fibers": { "a": [{ "op": "yield" }] } }');

beforeAll(buildCommand);

test("a replay on native loads commander and ffi-rs, and neither the emulator nor the table of defects", () => {
  const { packages, files } = loadedBy(["replay", PROGRAM, "--on", "native"], folder);
  expect(packages).toEqual(["commander", "ffi-rs"]);
  expect(files).toContain("native-bridge/mapped-host.js");
  expect(
    files.filter((path) => /^native-bridge\/(emulat|defects|doctor|audit|elf|warm-up)/.test(path)),
  ).toEqual([]);
  expect(files.length).toBeLessThanOrEqual(80);
});
