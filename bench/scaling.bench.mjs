/**
 * What a second worker adds: `lockstep sim` with one worker on one CPU, and with two workers on two, in the steady state, by the wall clock.
 *
 * A campaign of one worker is several processes (coordinator, worker, its native host, the canary's), which would use a second CPU if they
 * had one: so "one worker" is pinned, with all of them, to one CPU, and "two workers" may use two. Each campaign is run at two lengths, and the
 * figures are of what the longer one adds, so that the start of the processes and the compiler, which take about a second, do not decide.
 * Two campaigns of one worker at the same time, each pinned to a CPU of its own, share nothing and show what the machine gives at all: no
 * campaign can scale further than that. Where two CPUs are two threads of one core it is far from 2.
 */
import { each, figure, ratio } from "./support/format.mjs";
import { withCommand } from "./support/lockstep-command.mjs";
import { allowedCpus } from "./support/machine.mjs";
import { measureInTurn } from "./support/measure.mjs";

export const title = "scaling: two workers on two CPUs against one on one";
export const isUnpinned = true;

const RUNS = { full: { short: 200_000, long: 1_200_000 }, quick: { short: 100_000, long: 500_000 } };
const GOAL = 1.8;
const ONE = "one worker, all on one CPU";
const TWO = "two workers, on two CPUs";
const APART = "two campaigns of one worker, a CPU each";

export async function run({ rounds, isQuick }) {
  const cpus = allowedCpus().slice(-2);
  if (cpus.length < 2)
    return { tables: [], goals: [], notes: ["this machine gives one CPU: nothing scales"] };
  const lengths = isQuick ? RUNS.quick : RUNS.full;
  const seconds = await withCommand(({ lockstepOn }) => {
    const sim = (on, jobs, runs, name) => {
      const own = ["--corpus", `corpus-${name}`, "--journal", `journal-${name}`];
      const options = ["--seed", "scaling", "--runs", `${runs}`, "--jobs", `${jobs}`, "--no-save"];
      return lockstepOn(on, "sim", ...options, ...own);
    };
    const campaigns = {
      [ONE]: (runs) => sim([cpus[1]], 1, runs, "a"),
      [TWO]: (runs) => sim(cpus, 2, runs, "a"),
      [APART]: (runs) => Promise.all(cpus.map((cpu) => sim([cpu], 1, runs / 2, `on-${cpu}`))),
    };
    const contenders = Object.fromEntries(
      Object.entries(campaigns).flatMap(([name, campaign]) =>
        Object.entries(lengths).map(([length, runs]) => [`${name}, ${length}`, () => campaign(runs)]),
      ),
    );
    return measureInTurn(contenders, { rounds: Math.min(rounds, 3), warmUps: 0 });
  });
  const added = lengths.long - lengths.short;
  const steady = Object.fromEntries(
    [ONE, TWO, APART].map((name) => [name, difference(seconds[`${name}, long`], seconds[`${name}, short`])]),
  );
  const times = (name) => steady[ONE].median / steady[name].median;
  return {
    tables: [
      {
        title: `What ${figure(added)} runs more on model and native take, median (spread)`,
        columns: ["campaign", "µs a run", "runs/s", "times one worker", "start and first runs, seconds"],
        rows: [ONE, TWO, APART].map((name) => [
          name,
          each(added, steady[name], 1e6),
          figure(added / steady[name].median),
          ratio(times(name), 1),
          figure(seconds[`${name}, short`].median - (lengths.short / added) * steady[name].median),
        ]),
      },
    ],
    goals: [{ what: "scaling: two workers, times one worker", goal: GOAL, measured: times(TWO) }],
    notes: [`${APART}: the most that these two CPUs allow, ${figure(times(APART))} times one`],
    figures: Object.fromEntries(Object.entries(seconds).map(([name, of]) => [`scaling/${name}`, of])),
  };
}

/** What the long campaign takes more than the short one; the least and the greatest are of the rounds' own extremes. */
function difference(long, short) {
  return {
    median: long.median - short.median,
    min: long.min - short.max,
    max: long.max - short.min,
    rounds: long.rounds,
  };
}
