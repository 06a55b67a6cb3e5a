/**
 * `lockstep replay` of one small program, from the start of the process to its end, as a user waits for it: on the model and on native.
 *
 * The first run, which may build the native side, does not count. A Node that does nothing shows what of it is not ours.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spread } from "./support/format.mjs";
import { withCommand } from "./support/lockstep-command.mjs";
import { measureInTurn } from "./support/measure.mjs";

export const title = "startup: lockstep replay of one program";

const ROUNDS = { full: 10, quick: 3 };
const GOALS_MS = { model: 150, native: 250 };

const PROGRAM = {
  version: 1,
  fibers: { a: [{ op: "yield" }, { op: "sleep", ms: 5 }], b: [{ op: "log", value: 1 }, { op: "yield" }] },
};

export async function run({ isQuick }) {
  const seconds = await withCommand(async ({ folder, lockstep, node }) => {
    const file = join(folder, "program.json");
    writeFileSync(file, JSON.stringify(PROGRAM));
    const contenders = {
      "node, nothing": () => node("-e", "0"),
      ...Object.fromEntries(
        Object.keys(GOALS_MS).map((target) => [target, () => lockstep("replay", file, "--on", target)]),
      ),
    };
    return measureInTurn(contenders, { rounds: isQuick ? ROUNDS.quick : ROUNDS.full, warmUps: 1 });
  });
  const ms = Object.fromEntries(
    Object.entries(seconds).map(([name, { median, min, max, rounds }]) => [
      name,
      { median: median * 1000, min: min * 1000, max: max * 1000, rounds },
    ]),
  );
  return {
    tables: [
      {
        title: "ms from start to end of the process, median (spread)",
        columns: ["replay on", "ms", "more than a bare node"],
        rows: Object.entries(ms).map(([name, of]) => [
          name,
          spread(of),
          of.median - ms["node, nothing"].median,
        ]),
      },
    ],
    goals: Object.entries(GOALS_MS).map(([target, goal]) => ({
      what: `start-up: lockstep replay of one program on ${target}, ms`,
      goal,
      measured: ms[target].median,
      isMost: true,
    })),
    notes: [],
    figures: Object.fromEntries(Object.entries(ms).map(([name, of]) => [`startup/${name}`, of])),
  };
}
