/**
 * Resident memory over a long campaign on model and native: that of this process, and that of the replay host below it.
 *
 * Growth is the slope of a least-squares line over the second half of the run, in MiB a million programs; the first half is where heaps
 * and buffers find their size. `--programs 10000000` runs the length that the goal names.
 */
import { BatchRunner } from "./support/dist.mjs";
import { figure } from "./support/format.mjs";
import { slopeOf } from "./support/growth-fit.mjs";
import { processesBelow, residentMib } from "./support/processes.mjs";
import { withTargets } from "./support/targets.mjs";

export const title = "memory: resident over many programs";

const BATCH = 4000;
const SAMPLES = 20;
/** Below this a line through samples that jitter by a page here and there says nothing. */
const GOAL_GROWTH_MIB = 1;
const PROGRAMS_FOR_GOAL = 1_000_000;

export async function run({ programs, isQuick }) {
  const count = programs ?? (isQuick ? 100_000 : 5_000_000);
  const notes = [];
  const samples = await withTargets(["model", "native"], notes, (targets) =>
    sampleRun(Object.values(targets), count),
  );
  const late = samples.slice(samples.length >> 1);
  const growth = (of) => slopeOf(late.map((sample) => [sample.programs / 1e6, of(sample)]));
  const ofNode = growth(({ node }) => node);
  const ofHost = growth(({ host }) => host);
  const rows = samples
    .filter((_, i) => i % 2 === 0 || i === samples.length - 1)
    .map(({ programs: done, node, heap, host }) => [
      figure(done),
      node.toFixed(1),
      heap.toFixed(1),
      host.toFixed(1),
    ]);
  rows.push([
    "MiB a million, second half",
    ofNode.toFixed(2),
    growth(({ heap }) => heap).toFixed(2),
    ofHost.toFixed(2),
  ]);
  const isLong = count >= PROGRAMS_FOR_GOAL;
  if (!isLong) notes.push("too short for a slope: resident memory moves by whole chunks of the heap");
  const goals = [
    {
      what: "growth of this process, MiB a million",
      goal: GOAL_GROWTH_MIB,
      measured: Math.max(0, ofNode),
      isMost: true,
    },
    {
      what: "growth of the host, MiB a million",
      goal: GOAL_GROWTH_MIB,
      measured: Math.max(0, ofHost),
      isMost: true,
    },
  ];
  const columns = ["after programs", "Node, MiB", "of it JS heap in use, MiB", "replay host, MiB"];
  return {
    tables: [{ title: `${figure(count)} programs in batches of ${BATCH}`, columns, rows }],
    goals: isLong ? goals : [],
    notes,
  };
}

async function sampleRun(targets, count) {
  const runner = new BatchRunner(targets, {});
  const samples = [];
  const every = Math.max(BATCH, Math.ceil(count / SAMPLES / BATCH) * BATCH);
  for (let done = 0; done < count; done += BATCH) {
    await runner.run("memory", { from: done, count: BATCH });
    if ((done + BATCH) % every === 0) samples.push(sampleNow(done + BATCH));
  }
  return samples;
}

/** The heap is collected first, so that garbage not yet collected does not count as growth. */
function sampleNow(programs) {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const host = processesBelow().reduce((sum, pid) => sum + residentMib(pid), 0);
  return { programs, node: rss / 2 ** 20, heap: heapUsed / 2 ** 20, host };
}
