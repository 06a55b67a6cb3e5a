/**
 * A campaign against runtimes with one planted fault each: found, shrunk, saved, and the saved entry tells the faulty from the good.
 *
 * This is the product's promise, tested as a user would see it: through the command, on real libraries.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildFaulty, FAULTS } from "./support/faulty-runtime.js";
import { targetsHere } from "./support/replay.js";

const MAIN = new URL("../dist/cli/main.js", import.meta.url).pathname;

interface Summary {
  readonly runs: number;
  readonly failures: {
    readonly runs: number;
    readonly found: readonly {
      readonly first: string;
      readonly opsAfter: number;
      readonly isMinimal: boolean;
      readonly saved: string;
    }[];
  };
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lockstep-faults-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function lockstep(cwd: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
}

describe.runIf(targetsHere.includes("native"))("a campaign against a runtime with a planted fault", () => {
  test.each(FAULTS)(
    "finds, shrinks and saves: $name",
    (fault) => {
      const library = buildFaulty(fault, folder);
      const cwd = mkdtempSync(join(folder, "run-"));
      const sim = lockstep(
        cwd,
        "sim",
        "--seed",
        "planted",
        "--runs",
        "5000",
        "--on",
        `model,${library}`,
        "--bail",
        "--json",
        "--canary",
        "0",
      );
      expect(sim.stderr).toBe("");
      expect(sim.status).toBe(1);
      const { failures } = JSON.parse(sim.stdout) as Summary;
      expect(failures.found.length).toBeGreaterThan(0);
      for (const found of failures.found) {
        expect(found.isMinimal).toBe(true);
        expect(found.opsAfter).toBeLessThanOrEqual(8);
      }
      const saved = readdirSync(join(cwd, "corpus"));
      expect(saved.length).toBe(failures.found.length);

      expect(lockstep(cwd, "corpus", "run", "--on", "model,native").status).toBe(0);
      expect(lockstep(cwd, "corpus", "run", "--on", library).status).toBe(1);

      const repro = lockstep(cwd, "repro", failures.found[0]!.first, "--on", `model,${library}`);
      expect(repro.status).toBe(1);
      expect(repro.stdout).toContain("DIVERGES");
    },
    120_000,
  );
});
