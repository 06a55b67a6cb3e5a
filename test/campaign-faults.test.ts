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

/** Defects of `src/native-bridge/defects.ts`, one for each way in which a campaign sees one; the bench has them all. */
const FAULTS = [
  ["QUEUE_LIFO", "F1"],
  ["TIES_BY_LAST", "T2"],
  ["WAKE_KEEPS_TIMER", "F4"],
  ["EVICT_KEEPS_REGISTRATION", "F4"],
  [process.arch === "arm64" ? "A64_SWAPS_D10_D11" : "X86_LOSES_R14", "X1"],
  ["WAIT_READS_VALUE_EARLY", "K2"],
] as const;

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
    "finds, shrinks and saves: %s (%s)",
    (name) => {
      const faulty = `native+${name}`;
      const cwd = mkdtempSync(join(folder, "run-"));
      const sim = lockstep(
        cwd,
        "sim",
        "--seed",
        "planted",
        "--runs",
        "5000",
        "--on",
        `model,${faulty}`,
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
      expect(lockstep(cwd, "corpus", "run", "--on", faulty).status).toBe(1);

      const repro = lockstep(cwd, "repro", failures.found[0]!.first, "--on", `model,${faulty}`);
      expect(repro.status).toBe(1);
      expect(repro.stdout).toContain("DIVERGES");
    },
    120_000,
  );
});
