/**
 * Runs the built command as a user would, a process each time, in an empty folder of its own that is removed at the end.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./dist.mjs";

const COMMAND = join(root, "dist", "cli", "main.js");

/**
 * Calls `use` with functions that run `lockstep ARGS...` in the folder: `lockstepOn` takes before them the CPUs that the command and its
 * processes are pinned to. They resolve when the command ends, and reject unless with 0.
 */
export async function withCommand(use) {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const start = ([command, ...args]) =>
    new Promise((resolve, reject) => {
      const child = spawn(command, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
      let errors = "";
      child.stderr.setEncoding("utf8").on("data", (text) => {
        errors += text;
      });
      child.on("error", reject);
      child.on("close", (status) => {
        if (status === 0) resolve();
        else
          reject(
            new Error(
              `${command} ${args.join(" ")} exits with ${status}: ${errors.trim().split("\n").at(-1)}`,
            ),
          );
      });
    });
  try {
    return await use({
      folder,
      lockstep: (...args) => start([process.execPath, COMMAND, ...args]),
      lockstepOn: (cpus, ...args) =>
        start(["taskset", "-c", cpus.join(), process.execPath, COMMAND, ...args]),
      node: (...args) => start([process.execPath, ...args]),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
