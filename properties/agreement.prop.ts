/**
 * Everything that interprets programs gives the same traces: the model, the naive second model, and the native runtimes (SPEC section 4).
 *
 * A target that this machine cannot run is named on standard error with what it lacks; the laws of the others stand.
 */
import * as fc from "fast-check";
import { describe } from "vitest";
import { describeTargets } from "../src/native-bridge/doctor.js";
import { fiberProgram } from "../src/sim/generate/program-arbitrary.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { targetOf } from "../test/support/replay.js";
import { assertAgree, sideOf, sideOfReplay } from "./laws.js";
import { NaiveKqueueScheduler } from "./naive-kqueue.js";
import { replayNaively } from "./naive-model.js";
import { law, lawRuns } from "./seed.js";

const model = sideOf(new ModelTarget());
const naive = sideOfReplay("naive", (program) => replayNaively(program));

/** Batches of programs for native sides, which start a process a batch. */
const batches = fc.array(fiberProgram(), { minLength: 1, maxLength: 100, size: "max" });
const BATCHES = { native: 60, aarch64: 8, kqueue: 60 } as const;

const targets = await describeTargets();
for (const { name, requirements } of targets.filter(({ canRun }) => !canRun)) {
  const missing = requirements.flatMap((part) =>
    part.state === "missing" ? [`${part.what}: ${part.install}`] : [],
  );
  process.stderr.write(`agreement with ${name} is left out: this machine lacks ${missing.join("; ")}\n`);
}

describe("agreement", () => {
  law("the model agrees with the naive model (SPEC sections 1 to 4)", async () => {
    await fc.assert(
      fc.asyncProperty(fiberProgram(), (program) => assertAgree(model, naive, [program])),
      lawRuns(4000),
    );
  });

  law("the model agrees with the naive model on plain programs, no kind of op left out", async () => {
    await fc.assert(
      fc.asyncProperty(fiberProgram({ uniform: true, fibersMax: 12, tasksMax: 8, pipesMax: 8 }), (program) =>
        assertAgree(model, naive, [program]),
      ),
      lawRuns(1500),
    );
  });

  law("the model in kqueue's order agrees with the naive model in it (I1, I3, F4)", async () => {
    const kqueue = sideOf(new ModelTarget("kqueue"));
    const naiveKqueue = {
      ...sideOfReplay("naive", (program) => replayNaively(program, new NaiveKqueueScheduler())),
      readiness: "kqueue",
    } as const;
    await fc.assert(
      fc.asyncProperty(fiberProgram(), (program) => assertAgree(kqueue, naiveKqueue, [program])),
      lawRuns(4000),
    );
  });

  for (const { name, runsOn } of targets.filter(({ canRun }) => canRun)) {
    law(`the model agrees with ${name}, ${runsOn} (SPEC section 5)`, async () => {
      const native = sideOf(await targetOf(name));
      await fc.assert(
        fc.asyncProperty(batches, (programs) => assertAgree(model, native, programs)),
        lawRuns(BATCHES[name]),
      );
    });
  }
});
