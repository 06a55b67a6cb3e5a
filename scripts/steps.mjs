/**
 * What the scripts share: the package's root, running a command, and one line of progress a step.
 *
 * Plain Node without dependencies: these run before node_modules is there.
 */
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's root folder; every command runs in it. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a command with the terminal's own streams. Returns whether it ended well. */
export function run(command, args, env = {}) {
  return (
    spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } }).status === 0
  );
}

/** Runs a command and keeps what it prints. Returns `{ ok, output }`. */
export function capture(command, args, env = {}) {
  const options = {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
  };
  const { status, stdout, stderr } = spawnSync(command, args, options);
  return { ok: status === 0, output: `${stdout ?? ""}${stderr ?? ""}` };
}

/** Seconds since `startMs`, for people. */
export function secondsSince(startMs) {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}

/** Progress goes to standard error, so that standard output belongs to what is run. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}
