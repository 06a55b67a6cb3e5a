/**
 * A process of its own for `determinism.prop.ts`: runs a range of a campaign on the model and prints a digest of each run.
 *
 * Arguments: seed, runs, runs of one batch. One line a run, in the order of the runs.
 */
import { BatchRunner } from "../src/sim/campaign/batch-runner.js";
import { ModelTarget } from "../src/sim/model-target.js";

const [seed = "", runs = "0", batchRuns = "1"] = process.argv.slice(2);
const runner = new BatchRunner([new ModelTarget()], {});
for (let from = 0; from < Number(runs); from += Number(batchRuns)) {
  const count = Math.min(Number(batchRuns), Number(runs) - from);
  const { digests } = await runner.run(seed, { from, count }, count);
  process.stdout.write(`${digests.join("\n")}\n`);
}
