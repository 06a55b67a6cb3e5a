/**
 * A run that fails in its batch and agrees when it is replayed alone did not repeat. A timeout that did not is a machine that stalled, and
 * no failure; anything else is a target that is not deterministic. Both are told.
 *
 * `sim` needs a C compiler here: the runtime fails in one create() of all that there are, in whichever process.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { runCampaign } from "../src/index.js";
import { machineArchitecture } from "../src/native-bridge/architecture.js";
import { ModelTarget } from "../src/sim/model-target.js";
import type { Target } from "../src/sim/target.js";
import { junitComplaints, readXml, recordOf } from "./support/campaign-files.js";
import { buildCommand, type Ended, lockstep, scratchFolder } from "./support/command.js";
import { targetsHere } from "./support/replay.js";
import { buildRuntime } from "./support/runtime-builds.js";

const { folder } = scratchFolder();
beforeAll(buildCommand);

/** The n-th create() fails: of one run, the first is the campaign's, the second the canary's in another process. */
function simOnce(name: string, nth: number, flags: readonly string[], ...options: string[]): Ended {
  const count = `-DCOUNT_FILE="${join(folder, `${name}.count`)}"`;
  const library = buildRuntime(folder, name, {
    architecture: machineArchitecture(),
    around: "once-runtime.c",
    flags: [count, `-DACT_AT=${nth}`, ...flags],
  });
  const campaign = ["--runs", "1", "--jobs", "1", "--no-save", "--on", `model,${library}`];
  return lockstep(["--time-limit", "1000", "sim", ...campaign, ...options], { cwd: folder });
}

describe.runIf(targetsHere.includes("native"))("sim", () => {
  test("a timeout that did not repeat is told, and is no failure (exit 0)", () => {
    const { status, stdout } = simOnce("stall", 1, [], "--canary", "0", "--junit", "stall.xml");
    expect(stdout).toMatch(/^lockstep:0 on \S+stall\.so did not repeat: .* the outcome timeout, and agreed/m);
    expect(stdout).toContain("the machine stalled for --time-limit, which is no failure");
    expect(stdout).toMatch(/no divergence\n$/);
    expect(status).toBe(0);
    const xml = readXml(readFileSync(join(folder, "stall.xml"), "utf8"));
    expect(junitComplaints(xml)).toEqual([]);
    expect(xml.attributes).toMatchObject({ failures: "0", errors: "0" });
  });

  test("it is none for the canary either, which sees that the runs of two processes differed", () => {
    const { status, stdout } = simOnce("stall-and-canary", 1, [], "--canary", "100");
    expect(stdout).toContain("did not repeat");
    expect(stdout).toContain("1 runs again in another process: all the same");
    expect(status).toBe(0);
  });

  test("a timeout of the canary is tried once more: it is told, and is no failure", () => {
    const { status, stdout, stderr } = simOnce("stall-of-canary", 2, [], "--canary", "100");
    expect(stderr).toContain(
      "run lockstep:0 timed out in another process, and not when it was run there once more",
    );
    expect(stdout).toContain("1 runs again in another process: all the same");
    expect(status).toBe(0);
  });

  test("anything else that did not repeat is a target that is not deterministic (exit 1)", () => {
    const { status, stdout } = simOnce("trap", 1, ["-DACT_TRAP"], "--canary", "0", "--junit", "trap.xml");
    expect(stdout).toMatch(
      /^lockstep:0 on \S+trap\.so did not repeat: .* the outcome crash SIGILL, and agreed/m,
    );
    expect(stdout).toMatch(/1 RUN\(S\) DID NOT REPEAT\n$/);
    expect(status).toBe(1);
    const xml = readXml(readFileSync(join(folder, "trap.xml"), "utf8"));
    expect(junitComplaints(xml)).toEqual([]);
    expect(xml.attributes).toMatchObject({ failures: "1", errors: "0" });
  });

  test("and so it is where the canary sees it", () => {
    const { status, stdout, stderr } = simOnce("trap-of-canary", 2, ["-DACT_TRAP"], "--canary", "100");
    expect(stderr).toContain("run lockstep:0 is not deterministic: the trace on ");
    expect(stdout).toContain("1 DIFFERED");
    expect(status).toBe(1);
  });

  test("--json has the run, the target, the outcome and whether it counts; such runs are not among those that failed", () => {
    const { stdout } = simOnce("json", 1, [], "--canary", "0", "--json");
    const { failures } = JSON.parse(stdout) as { failures: object };
    expect(failures).toEqual({
      runs: 0,
      notInvestigated: 0,
      notRepeated: [
        { run: "lockstep:0", on: join(folder, "json", "json.so"), outcome: "timeout", counts: false },
      ],
      found: [],
    });
  });
});

test.runIf(targetsHere.includes("native"))(
  "past the failures that are looked at, 1, 2 and 7 shards add up to the bytes of one run as well",
  () => {
    const library = buildRuntime(folder, "later", {
      architecture: machineArchitecture(),
      around: "later-runtime.c",
    });
    const campaign = ["--runs", "1200", "--jobs", "1", "--canary", "10", "--on", `model,${library}`];
    const merged = (name: string, files: readonly string[]): string[] => {
      const { status, stdout } = lockstep(["merge", ...files, "--out", name], { cwd: folder });
      return [String(status), stdout, readFileSync(join(folder, name), "utf8")];
    };
    const whole = merged("later-whole.json", [recordOf(folder, "later.json", ...campaign)]);
    expect(whole[2]).toBe(readFileSync(join(folder, "later.json"), "utf8"));
    // Those that are looked at do not repeat, the others are counted as failed.
    expect(whole[1]).toContain(" did not repeat: it failed with the outcome completed");
    expect(whole[1]).toMatch(/\n\d{3,} RUN\(S\) DIVERGED\n$/);
    for (const count of [2, 7]) {
      const shards = Array.from({ length: count }, (_, i) =>
        recordOf(folder, `later-${count}-${i}.json`, ...campaign, "--shard", `${i + 1}/${count}`),
      );
      expect(merged(`later-${count}.json`, shards)).toEqual(whole);
    }
  },
  120_000,
);

/** The model, that gives run 3 of the first batch another trace than the program has. */
function unsteadyTarget(): Target {
  const model = new ModelTarget();
  let isFirst = true;
  return {
    name: "unsteady",
    description: "the model, now and then",
    runsWorlds: true,
    async replay(batch) {
      const traces = await model.replay(batch);
      if (isFirst) traces.words[traces.ends[2]! + 2]! ^= 1;
      isFirst = false;
      return traces;
    },
    close: () => model.close(),
  };
}

test("runCampaign gives what did not repeat, and does not count it as failed", async () => {
  const { failedRuns, failures, notRepeated } = await runCampaign([new ModelTarget(), unsteadyTarget()], {
    runs: 80,
  });
  expect({ failedRuns, failures }).toEqual({ failedRuns: 0, failures: [] });
  expect(notRepeated).toEqual([
    { run: "lockstep:3", on: "unsteady", outcome: expect.any(String), counts: true },
  ]);
});
