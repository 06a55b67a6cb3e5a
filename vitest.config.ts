/**
 * Tests are examples by name (test/) and laws (properties/). The limits leave room for an emulated target, whose Node takes more
 * than a second to start under qemu-user, and for the first build of the native artefacts on a slow machine.
 */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
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
