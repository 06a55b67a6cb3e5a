/** What is done about a failed run in this process: what is taken at face value, what is shrunk, what is saved and what is counted. */
import { expect, test } from "vitest";
import { decodeProgram } from "../src/sim/decode-program.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { batchOf } from "../src/sim/encode-program.js";
import { encodeTrace } from "../src/sim/encode-trace.js";
import { ModelTarget } from "../src/sim/model-target.js";
import type { Program } from "../src/sim/program.js";
import { type Target, traceOf } from "../src/sim/target.js";
import type { Trace } from "../src/sim/trace.js";
import { failuresOf, shrinkFailure, unlessStalled } from "../src/testing/investigate.js";
import { replayCorpus } from "../src/testing/replay-corpus.js";
import { runCampaign } from "../src/testing/run-campaign.js";
import { saveFailure } from "../src/testing/save-failure.js";
import { scratchFolder } from "./support/command.js";
import { loadCorpusProgram } from "./support/replay.js";

const { folder } = scratchFolder();
const model = new ModelTarget();
const never = new AbortController().signal;

/** The model with another end to its traces; `call` counts the batches from 0. */
function endingIn(outcome: (call: number, program: Program, index: number) => string | undefined): Target {
  let calls = 0;
  return {
    name: "spoiled",
    description: "the model, with another end",
    runsWorlds: true,
    async replay(batch) {
      const call = calls++;
      const traces = await model.replay(batch);
      const answers = Array.from({ length: batch.count }, (_, i) => {
        const words = traceOf(traces, i).slice();
        const program = decodeProgram(traceOf(batch, i).slice());
        const end = outcome(call, program, i);
        if (end === undefined) return words;
        const { records, outcome: ended } = decodeTrace(program, words);
        const trace = {
          records,
          outcome: { outcome: end, t: ended.t, message: "sched: stuck" },
        } as unknown as Trace;
        const encoded = encodeTrace(program, trace);
        if (!encoded.ok) throw new Error(encoded.problem.message);
        return encoded.value;
      });
      return batchOf(answers);
    },
    close: async () => {},
  };
}

const SLEEPERS: Program = {
  version: 1,
  fibers: {
    a: [{ op: "sleep", ms: 1 }, { op: "log", value: 1 }, { op: "yield" }],
    b: [{ op: "log", value: 2 }],
  },
};

test("a timeout that does not come again alone is a machine that stalled; one that does is a failure", async () => {
  const once = endingIn((call) => (call === 0 ? "timeout" : undefined));
  const [stalled] = await failuresOf([SLEEPERS], model, once);
  expect(await unlessStalled(stalled!, model, once)).toBeUndefined();

  const always = endingIn(() => "timeout");
  const [hung] = await failuresOf([SLEEPERS], model, always);
  expect((await unlessStalled(hung!, model, always))?.signature.outcome).toBe("timeout");

  // Anything else that does not repeat is a target that is not deterministic.
  const panics = endingIn((call) => (call === 0 ? "panic" : undefined));
  const [failure] = await failuresOf([SLEEPERS], model, panics);
  expect(await unlessStalled(failure!, model, panics)).toBe(failure);
});

test("a shrunk failure that ends otherwise when it is replayed again is told as it was first seen, all of it", async () => {
  let last = 0;
  const always = endingIn((call) => {
    last = call;
    return "panic";
  });
  const [failure] = await failuresOf([SLEEPERS], model, always);
  const whole = await shrinkFailure(failure!, model, always, 10_000, never);
  expect(whole.opsAfter).toBeLessThan(whole.opsBefore);

  const unsteady = endingIn((call) => (call === last ? "timeout" : "panic"));
  const [first] = await failuresOf([SLEEPERS], model, unsteady);
  const shrunk = await shrinkFailure(first!, model, unsteady, 10_000, never);
  expect(shrunk.failure).toBe(first);
  expect(shrunk).toMatchObject({ program: SLEEPERS, opsBefore: 4, opsAfter: 4, steps: 0, isMinimal: false });
});

test("a failure whose expected side keeps kqueue's order is saved with the trace that a corpus is read by (I3)", async () => {
  const program = loadCorpusProgram("i3-early-wake-evicts-the-entry");
  const expected = new ModelTarget("kqueue");
  const target = endingIn(() => "panic");
  const [failure] = await failuresOf([program], expected, target);
  const shrunk = {
    program,
    failure: failure!,
    isMinimal: false,
    opsBefore: 1,
    opsAfter: 1,
    steps: 0,
    judged: 0,
  };
  await saveFailure(folder, shrunk, { run: "s:0", signature: "a", on: ["kqueue", "spoiled"] });
  for await (const entry of replayCorpus(folder, [model, expected]))
    expect(entry).toMatchObject({ ok: true, verdicts: [{ verdict: "agrees" }, { verdict: "agrees" }] });
});

test("a campaign that ends with its first failure counts the runs up to it, as sim --bail does", async () => {
  const fromThree = endingIn((_, __, index) => (index % 5 >= 3 ? "panic" : undefined));
  const options = { runs: 400, bail: true, shrinkMs: 0 };
  const { runs, failedRuns, failures } = await runCampaign([model, alone(fromThree)], options);
  expect([runs, failedRuns, failures[0]?.run]).toEqual([4, 1, "lockstep:3"]);
});

/** The same, but a batch of one program fails: a run that is replayed alone fails again. */
function alone(target: Target): Target {
  const failing = endingIn(() => "panic");
  return { ...target, replay: (batch) => (batch.count === 1 ? failing : target).replay(batch) };
}
