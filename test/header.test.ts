/** include/lockstep.h as a stranger meets it: found by one command, and clean in the languages that it is written for. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { packagePath } from "../src/native-bridge/package-path.js";
import { buildCommand, lockstep } from "./support/command.js";
import { textOf } from "./support/source-files.js";

beforeAll(buildCommand);

test("lockstep doctor --include prints the folder that it lies in, and nothing else", () => {
  const { status, stdout, stderr } = lockstep(["doctor", "--include"]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(`${packagePath("include")}\n`);
  expect(existsSync(join(stdout.trim(), "lockstep.h"))).toBe(true);
});

test("it is packed with the package, with the page that explains it and the worked adapter", () => {
  const { files } = JSON.parse(textOf("package.json")) as { readonly files: readonly string[] };
  expect(files).toEqual(
    expect.arrayContaining(["include", "docs", "examples/*/*.cpp", "examples/*/Makefile"]),
  );
});

const LANGUAGES = [
  { language: "C11", compiler: "cc", flags: ["-std=c11", "-x", "c"] },
  { language: "C++17", compiler: "c++", flags: ["-std=c++17", "-x", "c++"] },
];

for (const { language, compiler, flags } of LANGUAGES) {
  const isThere = spawnSync(compiler, ["--version"]).status === 0;
  const reason = isThere ? "" : `, skipped: there is no ${compiler}`;
  test.skipIf(!isThere)(`it compiles as ${language} without a warning${reason}`, () => {
    const strict = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only"];
    const args = [...flags, ...strict, `-I${packagePath("include")}`, "-"];
    const { status, stderr } = spawnSync(compiler, args, {
      input:
        '#include "lockstep.h"\n#include "lockstep.h"\nconst lockstep_runtime *(*entry)(void) = lockstep_runtime_v1;\n',
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
  });
}
