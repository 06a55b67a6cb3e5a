/**
 * One target alone: 1,000 small programs, replayed again and again. Programs and events a second, next to what a machine allows.
 *
 * Two mixes: the campaign's, and the same without pipes, where no program makes a system call of its own; what lies between them is the
 * kernel's. An event is a record of the trace, outcomes not counted.
 */
import { each, figure, rate, ratio } from "./support/format.mjs";
import { LIMITS_MACHINE, TARGET_LIMITS } from "./support/limits.mjs";
import { measureInTurn } from "./support/measure.mjs";
import { coverageOf, ProgramSource } from "./support/programs.mjs";
import { withTargets } from "./support/targets.mjs";

export const title = "targets: 1,000 small programs on each";

const PROGRAMS = 1000;
const CAMPAIGN_MIX = "the campaign's mix";
const GOAL_MODEL_EVENTS = 30_000_000;
const MIXES = { [CAMPAIGN_MIX]: {}, "without pipes": { pipesMax: 0 } };

export async function run({ rounds, isQuick }) {
  const notes = [];
  const goals = [];
  const replays = isQuick ? 2 : 10;
  const tables = await withTargets(["model", "native", "aarch64"], notes, async (targets) => {
    const mixes = [];
    for (const [mix, constraints] of Object.entries(MIXES)) {
      mixes.push(await mixTable(mix, constraints, targets, { rounds, replays, goals }));
    }
    return mixes;
  });
  for (const [target, text] of Object.entries(TARGET_LIMITS)) notes.push(`LIMITS for ${target}: ${text}`);
  notes.push(LIMITS_MACHINE);
  return { tables, goals, notes };
}

async function mixTable(mix, constraints, targets, { rounds, replays, goals }) {
  const batch = new ProgramSource("targets", constraints).batch(0, PROGRAMS);
  const { events } = coverageOf(batch, targets.model.replayNow(batch));
  const contenders = Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [
      name,
      async () => {
        for (let i = 0; i < replays; i++) await target.replay(batch);
      },
    ]),
  );
  const seconds = await measureInTurn(contenders, { rounds });
  const best = Math.min(...Object.values(seconds).map(({ median }) => median));
  if (mix === CAMPAIGN_MIX) {
    const measured = (events * replays) / seconds.model.median;
    goals.push({ what: `model alone, ${mix}: events/s`, goal: GOAL_MODEL_EVENTS, measured });
  }
  return {
    title: `${mix}: ${figure(events / PROGRAMS)} events a program, median (spread)`,
    columns: ["target", "programs/s", "events/s", "ns an event", "ratio to best"],
    rows: Object.entries(seconds).map(([name, of]) => [
      name,
      rate(PROGRAMS * replays, of),
      figure((events * replays) / of.median),
      each(events * replays, of, 1e9),
      ratio(of.median, best),
    ]),
  };
}
