/**
 * One program of 10 to 100,000 fibers: what an op costs as fibers grow. No list may be walked, so only the caches may make it slower.
 *
 * Three programs for each number of fibers: empty bodies, bodies of 20 yields, bodies of 4 sleeps to scattered deadlines. A fiber's cost
 * is the first's time by its fibers (spawn, begin, end, reap and, on native, a stack); a yield's and a sleep's are what the second and
 * third take more than the first, by their ops. Small programs are replayed many times in one batch, so that on native only the first
 * of them pays for its stacks; a large one stands alone in its process, and each of its fibers pays for a guard and for the first touch
 * of a page.
 */
import { batchOf, encodeProgram, TraceDecoder } from "./support/dist.mjs";
import { figure } from "./support/format.mjs";
import { GROWTH_LIMITS, LIMITS_MACHINE } from "./support/limits.mjs";
import { measureInTurn } from "./support/measure.mjs";
import { withTargets } from "./support/targets.mjs";

export const title = "growth: 10 to 100,000 fibers";

const FIBER_COUNTS = [10, 100, 1000, 10_000, 100_000];
const YIELDS = 20;
const SLEEPS = 4;
const SLEEP_MS_END = 10_000;

/** Bodies by shape; scattered by a stride that has no divisor in common with the end. */
const BODIES = {
  empty: () => [],
  yields: () => [{ op: "repeat", times: YIELDS, ops: [{ op: "yield" }] }],
  sleeps: (fiber) =>
    Array.from({ length: SLEEPS }, (_, i) => ({
      op: "sleep",
      ms: ((fiber * SLEEPS + i) * 7919) % SLEEP_MS_END,
    })),
};

export async function run({ rounds, isQuick }) {
  const notes = [];
  const counts = isQuick ? FIBER_COUNTS.slice(0, 4) : FIBER_COUNTS;
  const tables = await withTargets(["model", "native"], notes, async (targets) => {
    const all = [];
    for (const [name, target] of Object.entries(targets)) {
      all.push(await targetTable(name, target, { counts, rounds: Math.min(rounds, 5), notes }));
    }
    return all;
  });
  tables.push({ title: LIMITS_MACHINE, columns: ["what", "ns an op"], rows: GROWTH_LIMITS });
  return { tables, goals: [], notes };
}

async function targetTable(name, target, { counts, rounds, notes }) {
  const rows = [];
  for (const fibers of counts) {
    const copies = Math.max(1, Math.floor(20_000 / fibers));
    const batches = {};
    for (const [shape, bodyOf] of Object.entries(BODIES)) {
      const program = programOf(fibers, bodyOf);
      const outcome = await outcomeOn(target, program);
      if (outcome !== "completed") notes.push(`${name}, ${figure(fibers)} fibers, ${shape}: ${outcome}`);
      batches[shape] = batchOf(Array.from({ length: copies }, () => encodeProgram(program)));
    }
    const contenders = Object.fromEntries(
      Object.entries(batches).map(([shape, batch]) => [shape, () => target.replay(batch)]),
    );
    const seconds = await measureInTurn(contenders, { rounds, warmUps: 2 });
    const perFiberNs = (shape) => (seconds[shape].min * 1e9) / copies / fibers;
    const empty = perFiberNs("empty");
    rows.push([
      figure(fibers),
      figure(copies),
      empty,
      (perFiberNs("yields") - empty) / YIELDS,
      (perFiberNs("sleeps") - empty) / SLEEPS,
    ]);
  }
  const [, , fiber, yielded, slept] = rows
    .at(-1)
    .map((cell, i) => (i < 2 ? cell : figure(cell / rows[1][i])));
  rows.push([`ratio ${rows.at(-1)[0]} : ${rows[1][0]}`, "", fiber, yielded, slept]);
  return {
    title: `${name}: ns, least of ${rounds} rounds`,
    columns: ["fibers", "programs a batch", "a fiber", "a yield", "a sleep"],
    rows,
  };
}

function programOf(fibers, bodyOf) {
  return {
    version: 1,
    fibers: Object.fromEntries(Array.from({ length: fibers }, (_, i) => [`f${i}`, bodyOf(i)])),
  };
}

/** How the program ends on the target: what is timed must have run to its end. */
async function outcomeOn(target, program) {
  const traces = await target.replay(batchOf([encodeProgram(program)]));
  const { outcome } = new TraceDecoder(program).decode(traces.words.subarray(0, traces.ends[0]));
  return outcome.outcome === "panic" ? `panic ${outcome.message}` : outcome.outcome;
}
