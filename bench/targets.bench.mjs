/**
 * One target alone: 1,000 small programs, replayed again and again. Programs and events a second, next to what a machine allows.
 *
 * Two mixes: the campaign's, and the same without pipes, where no program makes a system call of its own; what lies between them is the
 * kernel's. An event is a record of the trace, outcomes not counted. The processor gets to know programs that come again: what the model takes
 * for new ones, and its goal, is in the part pipeline.
 */
import { each, figure, rate, ratio } from "./support/format.mjs";
import { LIMITS_MACHINE, TARGET_LIMITS } from "./support/limits.mjs";
import { measureInTurn } from "./support/measure.mjs";
import { coverageOf, ProgramSource } from "./support/programs.mjs";
import { withTargets } from "./support/targets.mjs";

export const title = "targets: 1,000 small programs on each";

const PROGRAMS = 1000;
const WARM_UP_SECONDS = 3;
/** A round of a target takes about so long: several calls of the compiler or the kernel more or less do not show. */
const ROUND_SECONDS = { full: 0.2, quick: 0.05 };
const MIXES = { "the campaign's mix": {}, "without pipes": { pipesMax: 0 } };

export async function run({ rounds, isQuick }) {
  const notes = [];
  const roundSeconds = isQuick ? ROUND_SECONDS.quick : ROUND_SECONDS.full;
  const tables = await withTargets(["model", "native", "aarch64"], notes, async (targets) => {
    const mixes = [];
    for (const [mix, constraints] of Object.entries(MIXES)) {
      mixes.push(await mixTable(mix, constraints, targets, { rounds, roundSeconds }));
    }
    return mixes;
  });
  for (const [target, text] of Object.entries(TARGET_LIMITS)) notes.push(`LIMITS for ${target}: ${text}`);
  notes.push(LIMITS_MACHINE);
  notes.push(
    "the same programs again and again, known to the branch predictor; the part pipeline has the model on new ones",
  );
  return { tables, goals: [], notes };
}

async function mixTable(mix, constraints, targets, { rounds, roundSeconds }) {
  const batch = new ProgramSource("targets", constraints).batch(0, PROGRAMS);
  const { events } = coverageOf(batch, targets.model.replayNow(batch));
  const replay = async (target, times) => {
    for (let i = 0; i < times; i++) await target.replay(batch);
  };
  const names = Object.keys(targets);
  const warmUp = Object.fromEntries(names.map((name) => [name, () => replay(targets[name], 1)]));
  const once = await measureInTurn(warmUp, { rounds: 5, warmUpSeconds: WARM_UP_SECONDS });
  const replays = Object.fromEntries(
    names.map((name) => [name, Math.ceil(roundSeconds / once[name].median)]),
  );
  const contenders = Object.fromEntries(
    names.map((name) => [name, () => replay(targets[name], replays[name])]),
  );
  const rounded = await measureInTurn(contenders, { rounds });
  const seconds = Object.fromEntries(names.map((name) => [name, perReplay(rounded[name], replays[name])]));
  const best = Math.min(...Object.values(seconds).map(({ median }) => median));
  return {
    title: `${mix}: ${figure(events / PROGRAMS)} events a program, median (spread)`,
    columns: ["target", "programs/s", "events/s", "ns an event", "ratio to best"],
    rows: Object.entries(seconds).map(([name, of]) => [
      name,
      rate(PROGRAMS, of),
      figure(events / of.median),
      each(events, of, 1e9),
      ratio(of.median, best),
    ]),
  };
}

/** The summary of rounds of so many replays as one of a replay. */
function perReplay({ median, min, max, rounds }, replays) {
  return { median: median / replays, min: min / replays, max: max / replays, rounds };
}
