/**
 * Tests are examples by name (test/) and laws (properties/). The limits leave room for an emulated target, whose Node takes more
 * than a second to start under qemu-user, and for the first build of the native artefacts on a slow machine.
 */
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { machineArchitecture } from "./src/native-bridge/architecture.js";
import { findCompiler } from "./src/native-bridge/compiler.js";

/** Files that say `Needs a C compiler.` at their head: left out, with a line that says so, where there is none. Replays on the model never do. */
async function withoutCompiler(): Promise<string[]> {
  try {
    await findCompiler(machineArchitecture());
    return [];
  } catch (error) {
    const files = readdirSync(new URL("test", import.meta.url))
      .map((name) => `test/${name}`)
      .filter((path) => path.endsWith(".test.ts") && / \* Needs a C compiler\.\n/.test(textOf(path)));
    process.stderr.write(
      `tests skipped: ${files.join(", ")}: ${error instanceof Error ? error.message : error}\n`,
    );
    return files;
  }
}

function textOf(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}

export default defineConfig({
  test: {
    exclude: await withoutCompiler(),
    include: ["test/**/*.test.ts", "properties/**/*.prop.ts"],
    // Native tests start processes and use ffi-rs' threads: a process for each test file keeps a crash in its own file.
    pool: "forks",
    // All cores: much of the time of a native test is a process's that it waits for.
    maxWorkers: availableParallelism(),
    globalSetup: "test/support/global-setup.ts",
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
  },
});
