/**
 * What a replay on the model loads: most of the time of a short command goes into loading, some half a millisecond for each small file and
 * more for a package. A command loads what it runs; what only another command, another target or another option needs is imported there.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { buildCommand, scratchFolder } from "./support/command.js";
import { type LoadedModules, loadedBy } from "./support/loaded-modules.js";

const { folder, file } = scratchFolder();
const PROGRAM = file("program.json", '{ "version": 1, "fibers": { "a": [{ "op": "yield" }] } }');

describe("a replay on the model", () => {
  let loaded: LoadedModules;
  beforeAll(() => {
    buildCommand();
    loaded = loadedBy(["replay", PROGRAM, "--on", "model"], folder);
  });

  test("loads the parser of the command line, and no other package: no Ajv, no ffi-rs, no fast-check, no pino", () => {
    expect(loaded.packages).toEqual(["commander"]);
  });

  test("loads the model, the command and no part of Lockstep that it does not use", () => {
    expect(loaded.files).toContain("sim/interpreter.js");
    // Of the campaign and of native targets only the limits that options name, and what tells a refusal of the system.
    expect(loaded.files.filter((path) => !/^(cli|report|sched|sim|testing)\/[\w-]+\.js$/.test(path))).toEqual(
      ["native-bridge/system-error.js", "native-bridge/target-options.js", "sim/generate/run-seed.js"],
    );
    const others =
      /^(cli\/(?!define-).+-command|sim\/(diff|corpus-entry|program-schema|program-builder)|sched\/index)\.js$/;
    expect(loaded.files.filter((path) => others.test(path))).toEqual(["cli/replay-command.js"]);
  });

  test("loads at most 60 files", () => {
    expect(loaded.files.length).toBeLessThanOrEqual(60);
  });
});
