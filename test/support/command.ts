/**
 * Runs the compiled command as a user does, in a process of its own, and compiles it first when a source is newer.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { packagePath } from "../../src/native-bridge/package-path.js";
import { filesIn } from "./source-files.js";

export const mainPath = packagePath("dist", "cli", "main.js");

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  /** The user to run as; only root may say so. */
  readonly uid?: number;
  readonly cwd?: string;
}

/** The environment of a reader, who has set no seed and does not run as a job on GitHub: what those add is for the tests that ask for it. */
export function readerEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LOCKSTEP_SEED: "", GITHUB_ACTIONS: "", GITHUB_STEP_SUMMARY: "" };
}

/** Saves one program to a corpus, which is there, as somebody does who begins one. */
export function beginCorpus(folder: string): void {
  lockstep(["corpus", "add", "corpus/1811-round-robin.json", "--reason", "one", "--corpus", folder]);
}

/** `lockstep ...args`, in the package's root unless said otherwise. */
export function lockstep(args: readonly string[], options: CommandOptions = {}): Ended {
  return ended(process.execPath, [mainPath, ...args], options);
}

/** A line of bash, with `lockstep` for the command; a pipeline fails when any part of it does. */
export function bash(line: string, options: CommandOptions = {}): Ended {
  const lockstepFunction = `lockstep() { '${process.execPath}' '${mainPath}' "$@"; }`;
  return ended("bash", ["-c", `set -o pipefail; ${lockstepFunction}; ${line}`], options);
}

function ended(program: string, args: readonly string[], options: CommandOptions): Ended {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: packagePath(),
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    ...options,
    input: options.input ?? "",
    env: { ...readerEnvironment(), ...options.env },
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

/** Compiles src/ when dist/ is not there or older. To be called in a `beforeAll`; test files in other processes wait for the first. */
export function buildCommand(): void {
  const lock = join(
    tmpdir(),
    `lockstep-build-${createHash("sha256").update(packagePath()).digest("hex").slice(0, 16)}`,
  );
  while (isStale()) {
    if (!acquire(lock)) continue;
    try {
      if (isStale()) build();
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

function isStale(): boolean {
  const sources = filesIn(["src"], /\.(ts|css)$/);
  const newest = Math.max(...sources.map((path) => statSync(packagePath(path)).mtimeMs));
  const made = [mainPath, packagePath("dist", "view", "page.css")];
  return made.some((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) <= newest);
}

function build(): void {
  const { status, stdout, stderr } = ended(process.execPath, [packagePath("scripts", "build.mjs")], {});
  if (status !== 0) throw new Error(`dist/ could not be built:\n${stdout}${stderr}`);
}

/** A folder as a lock. False after a wait when another process has it; one that died with it loses it after two minutes. */
function acquire(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    if (since !== undefined && Date.now() - since > 120_000) rmSync(lock, { recursive: true, force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    return false;
  }
}

/** A folder that is gone when the test file ends, and a way to put files into it: each gives its path. */
export function scratchFolder(): {
  readonly folder: string;
  file(name: string, text: string | Buffer): string;
} {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    file(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
  };
}
