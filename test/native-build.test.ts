/**
 * * The build of the native artefacts: what the cache keeps, and what the user is told when there is no compiler or it refuses.
 *
 * Needs a C compiler.
 */
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { machineArchitecture } from "../src/native-bridge/architecture.js";
import { buildNative } from "../src/native-bridge/build-native.js";
import { cacheFolder } from "../src/native-bridge/cache-folder.js";
import { describeTargets } from "../src/native-bridge/doctor.js";
import { inspectLibrary } from "../src/native-bridge/library.js";

const architecture = machineArchitecture();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-build-"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** A stand-in for a compiler: answers `--version` with `version`, and does `body` when it is asked to compile. */
async function fakeCompiler(body: string, version = "fake-cc 1.0"): Promise<string> {
  const path = join(folder, "fake-cc");
  await writeFile(path, `#!/bin/sh\nif [ "$1" = --version ]; then echo '${version}'; exit; fi\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

describe("the cache of native artefacts", () => {
  test("a compiler is asked for its version once, however many artefacts are looked for", async () => {
    const log = join(folder, "asked");
    const path = join(folder, "asked-cc");
    const compile = 'while [ "$1" != -o ]; do shift; done; : >"$2"';
    await writeFile(path, `#!/bin/sh\nif [ "$1" = --version ]; then echo >>'${log}'; else ${compile}; fi\n`);
    await chmod(path, 0o755);
    vi.stubEnv("CC", path);
    const names = ["libsched.so", "lockstep-host", "libsched.so"] as const;
    await Promise.all(names.map((name) => buildNative(name, architecture, { cache: folder })));
    await buildNative("liblockstep_bridge.so", architecture, { cache: folder });
    expect(await readFile(log, "utf8")).toBe("\n");
  });

  test("a second build compiles nothing and gives the same file", async () => {
    const first = await buildNative("libsched.so", architecture, { cache: folder });
    const { mtimeMs, ino } = await stat(first);
    const second = await buildNative("libsched.so", architecture, { cache: folder });
    expect(second).toBe(first);
    expect(await stat(second)).toMatchObject({ mtimeMs, ino });
  });

  test("other flags make another file", async () => {
    const plain = await buildNative("libsched.so", architecture, { cache: folder });
    const flagged = await buildNative("libsched.so", architecture, { cache: folder, extraFlags: ["-O1"] });
    expect(flagged).not.toBe(plain);
  });

  test("another compiler makes another file", async () => {
    const plain = await buildNative("libsched.so", architecture, { cache: folder });
    vi.stubEnv("CC", await fakeCompiler('exec cc "$@"'));
    expect(await buildNative("libsched.so", architecture, { cache: folder })).not.toBe(plain);
  });

  test("builds at the same time agree and leave nothing unfinished", async () => {
    const builds = Array.from({ length: 4 }, () =>
      buildNative("libsched.so", architecture, { cache: folder }),
    );
    const [path] = await Promise.all(builds);
    expect(new Set(await Promise.all(builds)).size).toBe(1);
    expect(await inspectLibrary(path!)).toBe(architecture);
    expect(await readdir(join(folder, "native"))).toHaveLength(1);
  });

  test("the cache folder is $LOCKSTEP_CACHE, then $XDG_CACHE_HOME, then one of this user's own", () => {
    vi.stubEnv("LOCKSTEP_CACHE", join(folder, "own"));
    vi.stubEnv("XDG_CACHE_HOME", join(folder, "shared"));
    expect(cacheFolder()).toBe(join(folder, "own"));
    vi.stubEnv("LOCKSTEP_CACHE", "");
    expect(cacheFolder()).toBe(join(folder, "shared", "fiber-lockstep"));
    // A folder that cannot be made, whoever asks: below a device.
    vi.stubEnv("XDG_CACHE_HOME", "/dev/null/cache");
    expect(cacheFolder().startsWith(join(tmpdir(), "fiber-lockstep-"))).toBe(true);
  });

  test.each(["/dev/null/cache", "/proc/lockstep/cache"])(
    "a cache folder that is named and cannot be made is an error: %s",
    (named) => {
      vi.stubEnv("LOCKSTEP_CACHE", named);
      expect(cacheFolder).toThrow(`LOCKSTEP_CACHE is ${named}, which cannot be made or written`);
    },
  );
});

/** What a gcc says of itself, with `folder` for a name that no other test has. */
const gccVersion = (): string => `gcc 1.0 ${folder} Copyright (C) Free Software Foundation, Inc.`;

describe("a gcc without link-time optimization", () => {
  /** Notes each of its runs, and refuses those with `-flto` in the words of such a gcc. */
  async function gccWithoutLto(log: string): Promise<string> {
    const refusal = "cc1: error: LTO support has not been enabled in this configuration";
    const refuses = `case " $* " in *" -flto "*) echo lto >>'${log}'; echo '${refusal}' >&2; exit 1;; esac`;
    return fakeCompiler(`${refuses}\necho plain >>'${log}'\nexec cc "$@"`, gccVersion());
  }
  const runsOf = async (log: string): Promise<string[]> => (await readFile(log, "utf8")).trim().split("\n");

  test("builds without it, and is asked for it once a process", async () => {
    const log = join(folder, "runs");
    vi.stubEnv("CC", await gccWithoutLto(log));
    const path = await buildNative("libsched.so", architecture, { cache: folder });
    expect(await inspectLibrary(path)).toBe(architecture);
    expect(await buildNative("libsched.so", architecture, { cache: folder })).toBe(path);
    await buildNative("liblockstep_bridge.so", architecture, { cache: folder });
    expect(await runsOf(log)).toEqual(["lto", "plain", "plain"]);
    expect(await readdir(join(folder, "native"))).toHaveLength(2);
  });

  test("finds in another process what was built without it, and is asked nothing", async () => {
    const log = join(folder, "runs");
    vi.stubEnv("CC", await gccWithoutLto(log));
    const path = await buildNative("libsched.so", architecture, { cache: folder });
    vi.resetModules();
    const another = await import("../src/native-bridge/build-native.js");
    expect(await another.findBuilt("libsched.so", architecture, { cache: folder })).toBe(path);
    expect(await another.buildNative("libsched.so", architecture, { cache: folder })).toBe(path);
    expect(await runsOf(log)).toEqual(["lto", "plain"]);
  });

  test("a gcc with it builds with it, and is asked once", async () => {
    const log = join(folder, "runs");
    const path = await fakeCompiler(`echo "$*" >>'${log}'\nexec cc "$@"`, gccVersion());
    vi.stubEnv("CC", path);
    await buildNative("libsched.so", architecture, { cache: folder });
    const [first, ...others] = await runsOf(log);
    expect(first).toContain(" -flto ");
    expect(others).toEqual([]);
  });

  test("a gcc that refuses without it too is asked twice, and its last refusal is told", async () => {
    const log = join(folder, "runs");
    const refuses = `case " $* " in *" -flto "*) echo 'error: no lto' >&2;; *) echo 'error: nothing' >&2;; esac`;
    vi.stubEnv("CC", await fakeCompiler(`echo run >>'${log}'\n${refuses}\nexit 1`, gccVersion()));
    await expect(buildNative("libsched.so", architecture, { cache: folder })).rejects.toMatchObject({
      reason: "unavailable",
      message: expect.stringContaining("error: nothing"),
    });
    expect(await runsOf(log)).toHaveLength(2);
    expect(await readdir(join(folder, "native"))).toEqual([]);
  });
});

describe("a build that cannot be", () => {
  test("no compiler on the PATH: the error says what to install", async () => {
    vi.stubEnv("CC", "");
    vi.stubEnv("PATH", folder);
    await expect(buildNative("libsched.so", architecture, { cache: folder })).rejects.toMatchObject({
      name: "TargetError",
      reason: "unavailable",
      message: expect.stringContaining("sudo apt-get install gcc libc6-dev"),
    });
  });

  test("a $CC that is no program: the error names it", async () => {
    vi.stubEnv("CC", "no-such-compiler -m64");
    await expect(buildNative("libsched.so", architecture, { cache: folder })).rejects.toMatchObject({
      reason: "unavailable",
      message: expect.stringContaining("CC=no-such-compiler -m64 is not a program"),
    });
  });

  test("a compiler that refuses: the error shows its first error lines and no file is left", async () => {
    const refusal = "sched.c:7:3: error: a fiber too many";
    vi.stubEnv(
      "CC",
      await fakeCompiler(`echo 'In file included from sched.c:' >&2; echo '${refusal}' >&2; exit 1`),
    );
    await expect(buildNative("libsched.so", architecture, { cache: folder })).rejects.toMatchObject({
      reason: "unavailable",
      message: expect.stringContaining(refusal),
    });
    expect(await readdir(join(folder, "native"))).toEqual([]);
  });

  test("a compiler without the C library's headers: the error says what to install", async () => {
    const refusal = "sched.c:1:10: fatal error: stdio.h: No such file or directory";
    vi.stubEnv("CC", await fakeCompiler(`echo '${refusal}' >&2; exit 1`));
    await expect(buildNative("libsched.so", architecture, { cache: folder })).rejects.toMatchObject({
      message: expect.stringContaining("sudo apt-get install gcc libc6-dev"),
    });
  });
});

describe("what the machine has", () => {
  test("a compiler that is not there is a requirement that is missing, with the command that installs it", async () => {
    vi.stubEnv("CC", "no-such-compiler");
    const native = (await describeTargets()).find(({ name }) => name === "native");
    expect(native?.canRun).toBe(false);
    expect(native?.requirements).toContainEqual(
      expect.objectContaining({
        id: "compiler",
        state: "missing",
        install: "sudo apt-get install gcc libc6-dev",
      }),
    );
  });

  test("an empty cache folder lacks the arm64 Node, on a machine that would emulate", async () => {
    vi.stubEnv("LOCKSTEP_CACHE", folder);
    const aarch64 = (await describeTargets()).find(({ name }) => name === "aarch64");
    const node = aarch64?.requirements.find(({ id }) => id === "arm64-node");
    if (architecture === "aarch64") expect(node).toBeUndefined();
    else expect(node).toMatchObject({ state: "missing", install: "lockstep doctor --install" });
  });
});
