/**
 * Where a command meets a machine that refuses, a reader that goes away, or input that says two things: one sentence, and the right exit status.
 */
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { divergenceLines } from "../src/report/divergence-text.js";
import { diffTraces } from "../src/sim/diff.js";
import { duplicateKey } from "../src/sim/duplicate-key.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { encodeTrace } from "../src/sim/encode-trace.js";
import { machineLimit } from "../src/sim/machine-limit.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { parseJson, parseProgram } from "../src/sim/parse-program.js";
import type { Program } from "../src/sim/program.js";
import { fileComplaint } from "../src/testing/text-file.js";
import { bash, beginCorpus, buildCommand, lockstep, scratchFolder } from "./support/command.js";
import { targetsHere } from "./support/replay.js";

beforeAll(buildCommand);
const { folder } = scratchFolder();
const freshFolder = (): string => mkdtempSync(join(folder, "run-"));

describe("a reader that goes away", () => {
  test.runIf(targetsHere.includes("native"))(
    "does not change the verdict: a divergence is 1 under head",
    () => {
      const repro = "lockstep repro lockstep:0 --on model,native+TIES_BY_LAST";
      expect(bash(`${repro} > /dev/null`).status).toBe(1);
      expect(bash(`set +o pipefail; ${repro} | head -1 > /dev/null; exit \${PIPESTATUS[0]}`).status).toBe(1);
      expect(bash(`set +o pipefail; ${repro} | true; exit \${PIPESTATUS[0]}`).status).toBe(1);
    },
    60_000,
  );

  test("ends a command that has no verdict, however much it had to say", () => {
    const { status, stdout } = bash("lockstep generate --count 1000000000 | head -1 | wc -l");
    expect([status, stdout.trim()]).toEqual([0, "1"]);
  });

  test("of standard error loses what is said there, and nothing else", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's.
    expect(bash("set +o pipefail; lockstep replay gone.json 2>&1 | true; exit ${PIPESTATUS[0]}").status).toBe(
      2,
    );
  });
});

describe("a key that stands twice in an object", () => {
  test.each([
    ['{ "version": 1, "version": 1 }', "version", 1, 17],
    ['{ "version": 1,\n  "fibers": { "a": [], "\\u0061": [] } }', "a", 2, 24],
    ['{ "x": [{ "y": ":" }, { "y": 1, "z": { "y": 1 }, "y": "}" }] }', "y", 1, 50],
    ['{ "__proto__": 1, "__proto__": 2 }', "__proto__", 1, 19],
  ])("%s: the second is told by line and column", (text, key, line, column) => {
    expect(parseJson(text)).toMatchObject({
      ok: false,
      problem: { message: `has the key "${key}" twice in one object, at line ${line}, column ${column}` },
    });
  });

  test.each([
    '{"a":{"a":{"a":1}},"b":["a",":","a:"]}',
    '{"\\\\":1,"\\\\\\\\":2,"\\"":3}',
    '"a"',
    "[[]]",
    '{"a\\"": 1, "a": 2}',
  ])("%s has none", (text) => {
    expect(duplicateKey(text, JSON.parse(text))).toBeUndefined();
    expect(parseJson(text).ok).toBe(true);
  });

  test("is an error of a program on the command line", () => {
    const path = join(freshFolder(), "twice.json");
    writeFileSync(path, '{ "version": 1, "fibers": { "a": [], "a": [{ "op": "yield" }] } }');
    expect(lockstep(["replay", path])).toMatchObject({ status: 2, stdout: "" });
  });
});

describe("what the machine refuses is told in words, with the path", () => {
  test.each([
    "EACCES",
    "EBUSY",
    "EDQUOT",
    "EEXIST",
    "EFBIG",
    "EINVAL",
    "EIO",
    "EISDIR",
    "ELOOP",
    "EMFILE",
    "ENAMETOOLONG",
    "ENOENT",
    "ENOSPC",
    "ENOTDIR",
    "ENOTEMPTY",
    "EROFS",
    "EXDEV",
  ])("%s", (code) => {
    const told = fileComplaint(
      Object.assign(new Error(`${code}: raw words, open 'x'`), { code, syscall: "open" }),
    );
    expect(told).not.toContain(code);
    expect(told).toMatch(/^[a-z][^:]+(: [^:]+)?$/);
  });

  test("a fault of ours is none of it: it keeps its stack", () => {
    expect(() => fileComplaint(new TypeError("x is not a function"))).toThrow("x is not a function");
    expect(() => fileComplaint(new Error("no such thing"))).toThrow("no such thing");
  });

  test("links in a circle and names too long, where a program is read", () => {
    const cwd = freshFolder();
    symlinkSync("loop.json", join(cwd, "loop.json"));
    expect(lockstep(["replay", "loop.json"], { cwd }).stderr).toBe(
      "lockstep: loop.json: its symbolic links lead in a circle\n",
    );
    expect(lockstep(["replay", "x".repeat(300)], { cwd }).stderr).toMatch(/: the name is too long\n$/);
  });

  test.each([
    ["/proc/lockstep/journal", "permission denied"],
    ["file", "a part of the path is not a directory"],
    ["file/below", "a part of the path is not a directory"],
  ])("a journal that cannot be: %s", (journal, why) => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, "file"), "");
    const sim = lockstep(["sim", "--on", "model", "--runs", "10", "--no-save", "--journal", journal], {
      cwd,
    });
    expect([sim.status, sim.stdout]).toEqual([2, ""]);
    expect(sim.stderr).toBe(
      `lockstep: ${journal}: the journal cannot be written: ${why}: name another folder with --journal\n`,
    );
  });

  test.runIf(targetsHere.includes("native"))("a cache that cannot be", () => {
    const cached = lockstep(["replay", "corpus/1811-round-robin.json", "--on", "native"], {
      env: { LOCKSTEP_CACHE: "/proc/lockstep/cache" },
    });
    expect([cached.status, cached.stdout]).toEqual([2, ""]);
    expect(cached.stderr).toContain(
      "LOCKSTEP_CACHE is /proc/lockstep/cache, which cannot be made or written",
    );
  });

  test("a corpus under /proc", () => {
    const sim = lockstep(["sim", "--on", "model", "--runs", "10", "--corpus", "/proc/lockstep"]);
    expect([sim.status, sim.stderr]).toEqual([
      2,
      expect.stringMatching(/^lockstep: \/proc\/lockstep: .*--no-save\n$/),
    ]);
  });
});

test("a target that is none is bad usage (exit 2) for every command alike", () => {
  const cwd = freshFolder();
  mkdirSync(join(cwd, "corpus"));
  beginCorpus(join(cwd, "corpus"));
  const file = "corpus/1811-round-robin.json";
  for (const args of [
    ["corpus", "run"],
    ["diff", file],
    ["replay", file],
    ["sim", "--no-save"],
    ["repro", "S:1"],
    ["view", "S:1"],
  ])
    expect([args, lockstep([...args, "--on", "nope"], { cwd }).status]).toEqual([args, 2]);
});

describe("a panic of M1", () => {
  const plain = { paint: (_: unknown, text: string) => text, columns: 200, showsProgram: false };
  const program = parsed({ version: 1, fibers: { a: [{ op: "yield" }] } });

  test.each([
    ["sched: mmap failed for a 147456-byte fiber stack", "vm.max_map_count"],
    ["sched: mprotect(PROT_NONE) failed to arm the stack guard page", "vm.max_map_count"],
    ["sched: out of memory allocating a Fiber", "ulimit -v"],
  ])("%s: the report says which limit, and stays a divergence", (message, limit) => {
    const lines = reportOf(program, { outcome: "panic", message, t: 0 });
    expect(lines.join("\n")).toContain("most likely this machine's limit, not the runtime");
    expect(lines.join("\n")).toContain(limit);
  });

  test("is no other panic, and no other outcome", () => {
    expect(
      machineLimit({ outcome: "panic", message: "sched: deadlock — 1 fiber(s) suspended", t: 0 }),
    ).toBeUndefined();
    expect(machineLimit({ outcome: "completed", t: 0 })).toBeUndefined();
  });

  function reportOf(of: Program, outcome: Parameters<typeof machineLimit>[0]): string[] {
    const left = new ModelTarget().replayNow(batchOf([encodeProgram(of)])).words.slice();
    const encoded = encodeTrace(of, { records: [], outcome });
    if (!encoded.ok) throw new Error(encoded.problem.message);
    const divergence = diffTraces(of, { on: "model", words: left }, { on: "native", words: encoded.value })!;
    return divergenceLines(of, divergence, plain);
  }
});

test("the state of a huge program is cut in a report: twenty of a kind, and how many more", () => {
  const names = Array.from({ length: 300 }, (_, i) => `f${i}`);
  const program = parsed({
    version: 1,
    fibers: Object.fromEntries(names.map((name) => [name, [{ op: "suspend" }]])),
  });
  const left = new ModelTarget().replayNow(batchOf([encodeProgram(program)])).words.slice();
  const encoded = encodeTrace(program, { records: [], outcome: { outcome: "timeout", t: 0 } });
  if (!encoded.ok) throw new Error(encoded.problem.message);
  const right = left.slice();
  right.set(encoded.value.subarray(-3), left.length - 3);
  const divergence = diffTraces(program, { on: "model", words: left }, { on: "native", words: right })!;
  const settings = { paint: (_: unknown, text: string) => text, columns: 200, showsProgram: false };
  const text = divergenceLines(program, divergence, settings).join("\n");
  expect(text).toMatch(/parked: {6}f0 \(suspended.*\), f1 .*f19 \(suspended.*\), \.\.\. and 280 more/);
  expect(text).not.toContain("f20 (suspended");
});

function parsed(program: object): Program {
  const checked = parseProgram(JSON.stringify(program));
  if (!checked.ok) throw new Error(checked.problem.message);
  return checked.value;
}
