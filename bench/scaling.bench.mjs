/**
 * What a second worker adds: `lockstep sim` of the same runs with one worker process and with two, on all cores, by the wall clock.
 *
 * Two campaigns of one worker each at the same time, which share nothing, show what the machine gives two processes at all: no campaign
 * can scale further than that. The only part that is not pinned.
 */
import { figure, ratio } from "./support/format.mjs";
import { withCommand } from "./support/lockstep-command.mjs";
import { measureInTurn } from "./support/measure.mjs";

export const title = "scaling: two workers against one";
export const isUnpinned = true;

const RUNS = { full: 1_000_000, quick: 100_000 };
const GOAL = 1.8;

export async function run({ rounds, isQuick }) {
  const runs = isQuick ? RUNS.quick : RUNS.full;
  const seconds = await withCommand(({ lockstep }) => {
    const sim = (jobs, name) => {
      const own = ["--corpus", `corpus-${name}`, "--journal", `journal-${name}`];
      return lockstep(
        "sim",
        "--seed",
        "scaling",
        "--runs",
        `${runs}`,
        "--jobs",
        `${jobs}`,
        "--no-save",
        ...own,
      );
    };
    const contenders = {
      "one worker": () => sim(1, "a"),
      "two workers": () => sim(2, "a"),
      "two campaigns of one worker": () => Promise.all([sim(1, "a"), sim(1, "b")]),
    };
    return measureInTurn(contenders, { rounds: Math.min(rounds, 3), warmUps: 0 });
  });
  const one = seconds["one worker"].median;
  const times = {
    "one worker": 1,
    "two workers": one / seconds["two workers"].median,
    "two campaigns of one worker": (2 * one) / seconds["two campaigns of one worker"].median,
  };
  return {
    tables: [
      {
        title: `${figure(runs)} runs on model and native, start of the command included, median (spread)`,
        columns: ["campaign", "seconds", "least", "greatest", "times one worker"],
        rows: Object.entries(seconds).map(([name, { median, min, max }]) => [
          name,
          ...[median, min, max].map(figure),
          ratio(times[name], 1),
        ]),
      },
    ],
    goals: [{ what: "scaling: two workers, times one worker", goal: GOAL, measured: times["two workers"] }],
    notes: ["two campaigns of one worker: the most that this machine's cores allow"],
    figures: Object.fromEntries(Object.entries(seconds).map(([name, of]) => [`scaling/${name}`, of])),
  };
}
