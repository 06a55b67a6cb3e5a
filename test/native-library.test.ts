/**
 * * A target by path (SPEC sections 5 and 6): what is no runtime is told apart by kind, in words that name the path.
 *
 * Needs a C compiler.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machineArchitecture } from "../src/native-bridge/architecture.js";
import { buildNative } from "../src/native-bridge/build-native.js";
import { findCompiler } from "../src/native-bridge/compiler.js";
import { describeTargets } from "../src/native-bridge/doctor.js";
import { inspectLibrary } from "../src/native-bridge/library.js";
import { packagePath } from "../src/native-bridge/package-path.js";
import { openNativeTarget } from "../src/native-bridge/targets.js";

const run = promisify(execFile);
const targets = await describeTargets();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-library-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes `content` under `name` and returns the path. */
async function fileOf(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** The first bytes of an ELF file that says what it is told to say. */
function elfHeader(fields: { bits?: 32 | 64; type?: number; machine?: number }): Buffer {
  const header = Buffer.alloc(64);
  header.write("\x7fELF", 0, "latin1");
  header[4] = fields.bits === 32 ? 1 : 2;
  header[5] = 1;
  header.writeUInt16LE(fields.type ?? 3, 16);
  header.writeUInt16LE(fields.machine ?? 62, 18);
  return header;
}

/** A shared library of this machine, made of `source`. */
async function libraryOf(name: string, source: string): Promise<string> {
  const { path: compiler, leadingArguments } = await findCompiler(machineArchitecture());
  const sourcePath = await fileOf(`${name}.c`, source);
  const path = join(folder, name);
  const flags = ["-shared", "-fPIC", `-I${packagePath("include")}`, "-o", path];
  await run(compiler, [...leadingArguments, ...flags, sourcePath]);
  return path;
}

/** Opening `path` as a target fails as `invalid`, with the path and `what` in the message. */
async function expectInvalid(path: string, what: string): Promise<void> {
  const error = await openNativeTarget(path).then(
    async (target) => {
      await target.close();
      return undefined;
    },
    (error: unknown) => error,
  );
  expect(error).toMatchObject({ name: "TargetError", reason: "invalid" });
  expect((error as Error).message).toContain(path);
  expect((error as Error).message).toContain(what);
}

describe("a path that is no shared library", () => {
  test("nothing is there", () => expectInvalid(join(folder, "absent.so"), "does not exist"));

  test("a folder", () => expectInvalid(folder, "is a directory, not a shared library"));

  test("a text file", async () => {
    await expectInvalid(await fileOf("linker-script.so", "INPUT(libsched.so)\n"), "is not a shared library");
  });

  test("an empty file", async () => {
    await expectInvalid(await fileOf("empty.so", ""), "is not a shared library");
  });

  test("an object file, which would have to be linked first", async () => {
    await expectInvalid(
      await fileOf("sched.o", elfHeader({ type: 1 })),
      "is not a shared library (ELF type 1)",
    );
  });

  test("a device", () => expectInvalid("/dev/null", "is not a regular file"));

  test("a 32-bit library", async () => {
    await expectInvalid(await fileOf("arm.so", elfHeader({ bits: 32, machine: 40 })), "is not a 64-bit");
  });

  test("a library of another machine", async () => {
    await expectInvalid(await fileOf("riscv.so", elfHeader({ machine: 243 })), "ELF machine 243");
  });

  test("the architectures that can run are told by their ELF machine", async () => {
    expect(await inspectLibrary(await fileOf("x86.so", elfHeader({ machine: 62 })))).toBe("x86_64");
    expect(await inspectLibrary(await fileOf("arm64.so", elfHeader({ machine: 183 })))).toBe("aarch64");
  });
});

describe("a shared library that is no runtime", () => {
  test("it cannot be loaded", async () => {
    const path = await fileOf(
      "torn.so",
      elfHeader({ machine: machineArchitecture() === "x86_64" ? 62 : 183 }),
    );
    await expectInvalid(path, "cannot load");
  });

  test("it does not export lockstep_runtime_v1", async () => {
    await expectInvalid(
      await libraryOf("plain.so", "int answer(void) { return 42; }\n"),
      "lockstep_runtime_v1",
    );
  });

  test("it speaks another ABI", async () => {
    const source = `#include "lockstep.h"
static const lockstep_runtime runtime = { .abi = 2, .name = "tomorrow" };
const lockstep_runtime *lockstep_runtime_v1(void) { return &runtime; }
`;
    await expectInvalid(await libraryOf("tomorrow.so", source), "has runtime ABI 2, not 1");
  });

  test("it dies while it is loaded", async () => {
    const source = `#include <stdlib.h>
__attribute__((constructor)) static void die(void) { abort(); }
`;
    await expectInvalid(await libraryOf("dead.so", source), "crashed while it was loaded");
  });
});

describe("a shared library that is a runtime", () => {
  test("our own, by its path, is a target under that name", async () => {
    const path = await buildNative("libsched.so", machineArchitecture());
    const target = await openNativeTarget(path);
    expect(target).toMatchObject({ name: path, runsWorlds: true });
    expect(target.description).toContain(machineArchitecture());
    await target.close();
    await target.close();
  });

  const canEmulate = targets.some(({ name, canRun }) => name === "aarch64" && canRun);
  test.runIf(canEmulate)("one of aarch64 runs on aarch64: its ELF header says so", async () => {
    const path = await buildNative("libsched.so", "aarch64");
    const target = await openNativeTarget(path);
    expect(target).toMatchObject({ name: path, description: expect.stringContaining("aarch64") });
    await target.close();
  });
});
