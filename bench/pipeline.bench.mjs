/**
 * From seed to verdict, as `lockstep sim` does it: generate, replay on every target, compare bytes, count coverage. Then each stage
 * alone, and what the size of a batch does.
 *
 * CPU µs each: what all processes together have used a program; it leaves out what else the machine does.
 * Every round takes programs that no round before it had. All processes, the native ones too, share the one core that is pinned.
 */
import { BatchRunner, sameBatch } from "./support/dist.mjs";
import { each, figure, rate } from "./support/format.mjs";
import { GENERATE_LIMITS, LIMITS_MACHINE, PIPELINE_LIMITS } from "./support/limits.mjs";
import { measure, measureInTurn, summarize } from "./support/measure.mjs";
import { cpuSeconds } from "./support/processes.mjs";
import { coverageOf, ProgramSource } from "./support/programs.mjs";
import { withTargets } from "./support/targets.mjs";

export const title = "pipeline: from seed to verdict";

const SEED = "bench";
/** As `lockstep sim` cuts a long campaign. */
const BATCH = 4000;
const WARM_UPS = 4;
/** For each row of the first table. What it runs, the stages run too, and find it compiled. */
const WARM_UP_SECONDS = 3;
const BATCH_SIZES = [100, 300, 1000, 3000, 10_000];
const GOAL_EVENTS = 40;
const GOALS = { "model, native": 300_000, "model, native, aarch64": 120_000 };
const GOAL_MODEL_EVENTS = 30_000_000;

/** Programs in a round: enough that a program more or less of a rare kind does not show. */
const ROUND = { full: 12_000, quick: 4000 };

export async function run({ rounds, isQuick }) {
  const notes = [];
  const goals = [];
  const count = isQuick ? ROUND.quick : ROUND.full;
  const tables = await withTargets(["model", "native", "aarch64"], notes, async (targets) => [
    await wholeTable(targets, { rounds, count, goals, notes }),
    await stageTable(targets, { rounds, count, goals }),
    ...(targets.native ? [await batchTable(targets, { rounds, count })] : []),
    {
      title: LIMITS_MACHINE,
      columns: ["generate, model, native, compare", "programs/s", "events each"],
      rows: PIPELINE_LIMITS,
    },
  ]);
  notes.push(`LIMITS, µs to generate 8 fibers x 10 ops: ${GENERATE_LIMITS}`);
  return { tables, goals, notes };
}

/** Runs `count` programs of round `round` through a campaign's runner; what it returns of each batch goes to `see`. */
async function runRound(runner, round, count, batch, see = () => {}) {
  for (let done = 0; done < count; done += batch) {
    see(await runner.run(SEED, { from: round * count + done, count: Math.min(batch, count - done) }));
  }
}

async function wholeTable(targets, { rounds, count, goals, notes }) {
  const rows = [];
  for (const names of [["model"], ["model", "native"], ["model", "native", "aarch64"]]) {
    if (!names.every((name) => name in targets)) continue;
    const runner = new BatchRunner(
      names.map((name) => targets[name]),
      {},
    );
    let events = 0;
    let lookedAt = 0;
    let programs = 0;
    let failures = 0;
    let cpuBefore = 0;
    const seconds = await measure(
      async (round) => {
        // What the compiler takes of the CPU while it warms up is not the pipeline's.
        if (round === WARM_UPS) [cpuBefore, programs, events, lookedAt] = [cpuSeconds(), 0, 0, 0];
        await runRound(runner, round, count, BATCH, (result) => {
          events += result.events;
          lookedAt += result.lookedAt;
          programs += result.range.count;
          failures += result.failures.length;
        });
      },
      { rounds, warmUps: WARM_UPS, warmUpSeconds: WARM_UP_SECONDS },
    );
    const cpuMicros = ((cpuSeconds() - cpuBefore) * 1e6) / programs;
    // Of a long campaign one program of sixteen is read for coverage; events are counted on those.
    const eventsEach = events / lookedAt;
    const label = names.join(", ");
    rows.push([
      label,
      rate(count, seconds),
      figure((count * eventsEach) / seconds.median),
      eventsEach,
      each(count, seconds, 1e6),
      figure(cpuMicros),
    ]);
    if (failures > 0)
      notes.push(`${label}: ${failures} runs DIVERGED; lockstep sim --seed ${SEED} shows them`);
    if (label in GOALS) {
      goals.push({ what: `${label}: programs/s`, goal: GOALS[label], measured: count / seconds.median });
      goals.push({ what: `${label}: events a program`, goal: GOAL_EVENTS, measured: eventsEach });
    }
  }
  return {
    title: `Campaign, ${count} programs a round in batches of ${BATCH}, seed "${SEED}", median (spread)`,
    columns: ["on", "programs/s", "events/s", "events each", "µs a program", "CPU µs each"],
    rows,
  };
}

async function stageTable(targets, { rounds, count, goals }) {
  const source = new ProgramSource(SEED);
  const { model, native, aarch64 } = targets;
  let batch;
  let traces;
  let others;
  let events = 0;
  let programs = 0;
  // Each works on what the one before it left, as in a campaign.
  const stages = {
    "generate (seed to words)": (at) => {
      batch = source.batch(at, BATCH);
    },
    "replay on the model": () => {
      traces = model.replayNow(batch);
    },
    "count coverage (a long campaign: of one in sixteen)": () => {
      events += coverageOf(batch, traces).events;
      programs += BATCH;
    },
  };
  if (native) {
    stages["replay on native (bridge included)"] = async () => {
      others = await native.replay(batch);
    };
    stages["compare bytes"] = () => {
      if (!sameBatch(traces, others)) throw new Error("the traces of the model and of native differ");
    };
  }
  if (aarch64) {
    stages["replay on aarch64 (bridge included)"] = async () => {
      await aarch64.replay(batch);
    };
  }
  const totals = await measureStages(stages, { rounds, count });
  const whole = Object.values(totals).reduce((sum, { median }) => sum + median, 0);
  const eventsEach = events / programs;
  const modelSeconds = totals["replay on the model"].median;
  goals.push({
    what: "model alone: events/s",
    goal: GOAL_MODEL_EVENTS,
    measured: (count * eventsEach) / modelSeconds,
  });
  return {
    title: "Stages alone, one after the other on each batch",
    columns: ["stage", "µs a program", "share", "ns an event", "events/s"],
    rows: Object.entries(totals).map(([name, seconds]) => [
      name,
      each(count, seconds, 1e6),
      `${((100 * seconds.median) / whole).toFixed(1)}%`,
      (seconds.median * 1e9) / count / eventsEach,
      (count * eventsEach) / seconds.median,
    ]),
  };
}

/** Times the stages of each batch, and sums them by round. Returns stage to `summarize`, in seconds. */
async function measureStages(stages, { rounds, count, warmUps = WARM_UPS }) {
  const samples = new Map(Object.keys(stages).map((name) => [name, []]));
  for (let round = 0; round < warmUps + rounds; round++) {
    const sums = new Map();
    for (let done = 0; done < count; done += BATCH) {
      for (const [name, stage] of Object.entries(stages)) {
        const startMs = performance.now();
        await stage(round * count + done);
        sums.set(name, (sums.get(name) ?? 0) + (performance.now() - startMs) / 1000);
      }
    }
    if (round >= warmUps) for (const [name, sum] of sums) samples.get(name).push(sum);
  }
  return Object.fromEntries([...samples].map(([name, of]) => [name, summarize(of)]));
}

async function batchTable({ model, native }, { rounds, count }) {
  const runners = Object.fromEntries(BATCH_SIZES.map((size) => [size, new BatchRunner([model, native], {})]));
  const contenders = Object.fromEntries(
    BATCH_SIZES.map((size) => [size, (round) => runRound(runners[size], round, Math.max(count, size), size)]),
  );
  const seconds = await measureInTurn(contenders, { rounds });
  return {
    title: "Size of a batch, on model and native",
    columns: ["programs a batch", "programs/s"],
    rows: BATCH_SIZES.map((size) => [figure(size), rate(Math.max(count, size), seconds[size])]),
  };
}
