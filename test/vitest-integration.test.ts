/**
 * `fiber-lockstep/vitest` as a project uses it: real runs of vitest in a project that has the package installed, on planted defects.
 *
 * `golden/vitest/*.txt` are messages of failures, read by people; a change of the report shows there.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { packagePath } from "../src/native-bridge/package-path.js";
import { readCorpusEntry } from "../src/sim/corpus-entry.js";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";
import { installProject, vitestIn } from "./support/installed-project.js";

const scratch = scratchFolder();

beforeAll(buildCommand);

/** A project with one test file, `t.test.ts`, below the imports that all need. */
function project(tests: string, config = "testTimeout: 60_000"): string {
  const folder = mkdtempSync(join(scratch.folder, "project-"));
  const imports = `import { appendFileSync } from "node:fs";
import { fiberProgram, ProgramBuilder } from "fiber-lockstep";
import { expect, test } from "fiber-lockstep/vitest";
import { describe } from "vitest";
const counted = (name: string) =>
  fiberProgram().map((program) => {
    appendFileSync("count.txt", name + "\\n");
    return program;
  });
const b = new ProgramBuilder("two sleepers, one deadline");
b.fiber("first", (o) => o.sleep(10).log(1));
b.fiber("second", (o) => o.sleep(10).log(2));
const sleepers = b.build();
`;
  installProject(folder, {
    "t.test.ts": imports + tests,
    "vitest.config.ts": `export default { test: { ${config} } };\n`,
  });
  return folder;
}

/** How often each counted arbitrary was asked for a program since the last time. */
function counts(folder: string): string[] {
  const path = join(folder, "count.txt");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}

/** The message of the failed test, up to the frames of its stack, as a golden file keeps it. */
function messageOf(output: string): string {
  const found = /^ FAIL .*\n([\s\S]*?)\n ❯/m.exec(output);
  return `${found?.[1] ?? `no failure in:\n${output}`}\n`.replace(/found-[\w-]+\.json/g, "found-….json");
}

describe("test.lockstep", { timeout: 240_000 }, () => {
  test("shows the report, the shrunk program and the one-line repro; saves it, and replays it first the next time", async () => {
    const folder = project(`
describe("sleepers", () => {
  test.lockstep("take turns", counted("a"), { on: ["model", "native+TIES_BY_LAST"], shrinkMs: 120_000 });
});`);
    const first = vitestIn(folder, []);
    expect(first.status).toBe(1);
    await expect(messageOf(first.stderr)).toMatchFileSnapshot("golden/vitest/arbitrary.txt");
    // The frame that is shown is the test's own line.
    expect(first.stderr).toMatch(/❯ t\.test\.ts:16:/);
    expect(first.stderr).not.toContain("node_modules");
    const [file = ""] = readdirSync(join(folder, "corpus"));
    const entry = readCorpusEntry(JSON.parse(readFileSync(join(folder, "corpus", file), "utf8")));
    expect(entry.ok && entry.value.entry.provenance?.seed).toMatch(/^lockstep\/sleepers > take turns:\d+$/);

    const before = counts(folder).length;
    const again = vitestIn(folder, []);
    await expect(messageOf(again.stderr)).toMatchFileSnapshot("golden/vitest/saved-entry.txt");
    expect(counts(folder)).toHaveLength(before);
    // The repro of the message works as it stands.
    const { status, stdout } = lockstep(["diff", `corpus/${file}`, "--on", "model,native+TIES_BY_LAST"], {
      cwd: folder,
    });
    expect([status, stdout]).toEqual([1, expect.stringContaining("DIVERGE")]);
  });

  test("the one-line repro runs that run and nothing else", () => {
    const folder = project(`
describe("sleepers", () => {
  test.lockstep("take turns", counted("a"), { on: ["model", "native+TIES_BY_LAST"], shrinkMs: 120_000, corpus: false });
  test.lockstep("take other turns", counted("b"), { runs: 20 });
});`);
    const { stderr } = vitestIn(folder, ["-t", "take turns"]);
    const again = /again: {2}LOCKSTEP_SEED='(.*?)' npx vitest run (\S+) -t '(.*?)'$/m.exec(stderr);
    const before = counts(folder).length;
    const [, seed, file, pattern] = again!;
    const repeated = vitestIn(folder, [file!, "-t", pattern!], { LOCKSTEP_SEED: seed });
    expect(messageOf(repeated.stderr)).toBe(messageOf(stderr));
    expect(counts(folder).slice(before)).toEqual(["a"]);
    // Without the pattern the other test knows that it is not meant.
    const whole = vitestIn(folder, [], { LOCKSTEP_SEED: seed });
    expect(counts(folder).slice(before)).toEqual(["a", "a"]);
    expect(whole.stdout).toMatch(/1 failed \| 1 skipped/);
    expect(existsSync(join(folder, "corpus"))).toBe(false);
  });

  test("LOCKSTEP_SEED=S:i makes one run of each test, its own; another seed makes other programs, the same one the same", () => {
    const folder = project(`
const printed = fiberProgram().map((program) => {
  appendFileSync("count.txt", JSON.stringify(program) + "\\n");
  return program;
});
test.lockstep("one", printed, { runs: 3 });
test.lockstep("two", printed, { runs: 3 });`);
    const programsWith = (seed: string): string[] => {
      const before = counts(folder).length;
      const { status, stdout, stderr } = vitestIn(folder, [], { LOCKSTEP_SEED: seed });
      expect([status, stdout + stderr]).toEqual([0, expect.any(String)]);
      return counts(folder).slice(before);
    };
    const all = programsWith("nightly");
    expect(new Set(all).size).toBe(6);
    expect(programsWith("nightly:1")).toEqual([all[1], all[4]]);
    expect(programsWith("nightly")).toEqual(all);
    expect(programsWith("")).not.toEqual(all);
  });

  test("LOCKSTEP_SEED that no test could have is an error, and a skipped test says that the run is another's", () => {
    const folder = project('test.lockstep("a/b", sleepers); test.lockstep("b", sleepers);');
    const bad = vitestIn(folder, [], { LOCKSTEP_SEED: "feature/x" });
    expect(bad.stdout).toMatch(/2 failed/);
    expect(bad.stderr).toContain(
      "LOCKSTEP_SEED=feature/x: expected a seed of up to 64 characters without a slash",
    );
    const { stdout } = vitestIn(folder, ["--reporter", "verbose"], { LOCKSTEP_SEED: "night/a/b:0" });
    expect(stdout).toMatch(/1 passed \| 1 skipped/);
    expect(stdout).toContain(
      "LOCKSTEP_SEED=night/a/b:0 is a run of another test, of this file or of another",
    );
  });

  test("a run that no test makes fails vitest where the setup is configured, and says which tests there are", () => {
    const folder = project(
      'test.lockstep("a/b", sleepers); test.lockstep("b", sleepers);',
      'globalSetup: "fiber-lockstep/vitest/setup"',
    );
    writeFileSync(
      join(folder, "u.test.ts"),
      'import { test } from "fiber-lockstep/vitest";\ntest.lockstep("other", { version: 1 });\ntest("plain", () => {});\n',
    );
    const statusOf = (seed: string, ...args: string[]) => {
      const { status, stderr } = vitestIn(folder, args, { LOCKSTEP_SEED: seed });
      return [status, stderr];
    };
    // One of the two files has it.
    expect(statusOf("night/other:0")).toEqual([0, ""]);
    expect(statusOf("night/gone:0")).toEqual([
      1,
      `LOCKSTEP_SEED=night/gone:0: it is a run of no test here, so nothing was run; each test.lockstep that was begun:
  a/b
  b
  other
`,
    ]);
    const none = "no test.lockstep was begun, so nothing was run: look at the files and at -t\n";
    expect(statusOf("night/b:0", "-t", "plain")).toEqual([1, `LOCKSTEP_SEED=night/b:0: ${none}`]);
    expect(statusOf("night", "-t", "plain")).toEqual([0, ""]);
  });

  test("saved programs take of the test's time, and one that can no longer be used fails its test and no other", () => {
    const folder = project(`
test.lockstep("ties", sleepers, { on: ["model", "native+TIES_BY_LAST"] });
test.lockstep("other", sleepers);`);
    vitestIn(folder, []);
    const [file = ""] = readdirSync(join(folder, "corpus"));
    const path = join(folder, "corpus", file);
    const text = readFileSync(path, "utf8");

    const tests = readFileSync(join(folder, "t.test.ts"), "utf8");
    writeFileSync(
      join(folder, "t.test.ts"),
      tests.replace('"native+TIES_BY_LAST"]', '"native"], timeout: -1'),
    );
    expect(vitestIn(folder, []).stderr).toContain(
      "0 of 1 saved programs agreed in -1 ms, and the time is up",
    );

    writeFileSync(path, text.replaceAll('"op": "sleep"', '"op": "snooze"'));
    const stale = vitestIn(folder, []);
    expect(stale.stdout).toMatch(/1 failed \| 1 passed/);
    expect(stale.stderr).toMatch(/FAIL .* ties\n.*corpus\/found-\S+\.json: /);

    writeFileSync(path, "<<<<<<< HEAD");
    expect(vitestIn(folder, []).stdout).toMatch(/2 failed/);
  });

  test("a run of fiberProgram is the campaign's run of that seed, so that lockstep repro shows it too", () => {
    const folder = project(`
test.lockstep("ties", fiberProgram(), { on: ["model", "native+TIES_BY_LAST"], shrinkMs: 120_000 });`);
    const run = /FAILED {2}(lockstep\/ties:\d+) on/.exec(vitestIn(folder, []).stderr)?.[1];
    const { status } = lockstep(["repro", run!, "--on", "model,native+TIES_BY_LAST"], { cwd: folder });
    expect(status).toBe(1);
  });

  test("says by itself when its time is up, when a target is missing, and when there is nothing to compare", () => {
    const folder = project(`
test.lockstep("too long", fiberProgram(), { runs: 1_000_000, timeout: 1 });
test.lockstep("no such library", sleepers, { on: ["model", "./none.so"] });
test.lockstep("alone", sleepers, { on: ["model"] });
test.lockstep("a program", sleepers);
test.lockstep.skip("left out", sleepers, { on: ["model", "native+TIES_BY_LAST"] });
test.lockstep("in node_modules", sleepers, { on: ["model", "native+TIES_BY_LAST"], corpus: "node_modules/x" });`);
    const { stdout, stderr } = vitestIn(folder, []);
    expect(stdout).toMatch(/4 failed \| 1 passed \| 1 skipped/);
    expect(stderr).toMatch(
      /\d+ of 1000000 runs agreed in 1 ms, and the time is up: give timeout more, or runs less/,
    );
    expect(stderr).toMatch(/none\.so does not exist/);
    expect(stderr).toMatch(/on: \["model"\]: name at least two targets/);
    expect(stderr).toMatch(/not saved: .*node_modules\/x is inside node_modules/);
    expect(existsSync(join(folder, "node_modules", "x"))).toBe(false);
  });
});

describe("matchers", { timeout: 240_000 }, () => {
  test("toAgreeOn shows the report of the divergence, shrunk and saved, with the command that repeats it", async () => {
    const folder = project(`
test("agrees", async () => {
  await expect(sleepers).toAgreeOn("native");
  await expect(sleepers).not.toAgreeOn("model", "native+TIES_BY_LAST");
});
test("parts", async () => {
  await expect(sleepers).toAgreeOn("model", "native", "native+TIES_BY_LAST");
});`);
    const { stdout, stderr } = vitestIn(folder, []);
    expect(stdout).toMatch(/1 failed \| 1 passed/);
    await expect(messageOf(stderr)).toMatchFileSnapshot("golden/vitest/to-agree-on.txt");
    expect(readdirSync(join(folder, "corpus"))).toHaveLength(1);
  });

  test("toDeadlock explains the deadlock (R2), toWakeInOrder shows the order that it is", () => {
    const folder = project(`
const d = new ProgramBuilder();
d.fiber("alone", (o) => o.suspend());
const stuck = d.build();
test("pass", () => {
  expect(stuck).toDeadlock();
  expect(sleepers).not.toDeadlock();
  expect(sleepers).toWakeInOrder(["first", "second", "first@10", "second"]);
  expect(sleepers).not.toWakeInOrder(["first", "second"]);
});
test("1", () => expect(sleepers).toDeadlock());
test("2", () => expect(stuck).not.toDeadlock());
test("3", () => expect(sleepers).toWakeInOrder(["first", "second", "second@10", "first@10"]));
test("4", () => expect({ version: 1, fibres: {} }).toDeadlock());`);
    const { stdout, stderr } = vitestIn(folder, []);
    expect(stdout).toMatch(/4 failed \| 1 passed/);
    expect(stderr).toContain("expected a deadlock (R2), and the run ended otherwise: completed at t=10");
    expect(stderr).toMatch(/expected no deadlock \(R2\):\ndeadlock: 1 fiber is stuck for good.*\n.*alone/);
    expect(stderr).toContain("and it is first@0 second@0 first@10 second@10");
    expect(stderr).toMatch(/expected a program: .*fibres/);
  });
});

/** Processes that were started with this marker in their environment, this one aside. */
function processesMarked(marker: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`LOCKSTEP_MARKER=${marker}`);
      } catch {
        return false;
      }
    });
}

describe("processes", { timeout: 240_000 }, () => {
  test.each(["isolate: true", "isolate: false, fileParallelism: false"])(
    "none is left over with the configuration %s",
    (config) => {
      const folder = project('test.lockstep("t", fiberProgram(), { runs: 5 });', config);
      const marker = `${process.pid}-${folder}`;
      const { status, stdout, stderr } = vitestIn(folder, [], { LOCKSTEP_MARKER: marker });
      expect([status, stdout + stderr]).toEqual([0, expect.stringContaining("1 passed")]);
      expect(processesMarked(marker)).toEqual([]);
    },
  );

  test("in a worker thread, where native targets cannot run, the failure says what to do", () => {
    const folder = project('test.lockstep("t", fiberProgram(), { runs: 20 });', 'pool: "threads"');
    const { status, stderr } = vitestIn(folder, []);
    expect(status).toBe(1);
    expect(stderr).toContain(`native cannot run in a worker thread: use vitest's pool "forks", the default`);
  });

  test("an interruption ends a long test, and nothing is left over", async () => {
    const folder = project('test.lockstep("long", counted("x"), { runs: 10_000_000, timeout: 600_000 });');
    const marker = `${process.pid}-${folder}`;
    const running = spawn(process.execPath, [packagePath("node_modules", "vitest", "vitest.mjs"), "run"], {
      cwd: folder,
      env: { ...process.env, LOCKSTEP_MARKER: marker, LOCKSTEP_SEED: "" },
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => running.once("exit", resolve));
    await expect.poll(() => counts(folder).length, { timeout: 120_000 }).toBeGreaterThanOrEqual(200);
    running.kill("SIGINT");
    await ended;
    // The worker ends when it sees that vitest has: a test that were left to itself would go on for ten minutes.
    await expect.poll(() => processesMarked(marker), { timeout: 20_000 }).toEqual([]);
  });
});
