/**
 * Runs the built command as a user would, a process each time, in an empty folder of its own that is removed at the end.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./dist.mjs";

const COMMAND = join(root, "dist", "cli", "main.js");

/** Calls `use` with a function that runs `lockstep ARGS...` in the folder. It resolves when the command ends, and rejects unless with 0. */
export async function withCommand(use) {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-bench-"));
  const start = (args) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
      let errors = "";
      child.stderr.setEncoding("utf8").on("data", (text) => {
        errors += text;
      });
      child.on("error", reject);
      child.on("close", (status) => {
        if (status === 0) resolve();
        else
          reject(
            new Error(`node ${args.join(" ")} exits with ${status}: ${errors.trim().split("\n").at(-1)}`),
          );
      });
    });
  try {
    return await use({
      folder,
      lockstep: (...args) => start([COMMAND, ...args]),
      node: (...args) => start(args),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
