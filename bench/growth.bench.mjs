/**
 * How time and memory grow: fibers, timers, pipes, ops and the length of the trace, from 10 to 1,000,000 or to where a limit of the
 * program format stops them, on the model and on native.
 *
 * Each point is a process of its own (`support/growth-point.mjs`), and what it takes more than the program of size 10 is set against its
 * size less 10. The exponent is that of a least-squares line through the logarithms, of the points from 1,000 on (pipes: all): below,
 * what a replay always costs hides the growth. The verdict allows 0.1 more than the exponent of its name, since more that is linear in
 * number is slower each when it no longer fits a cache (`support/growth-fit.mjs`).
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { figure } from "./support/format.mjs";
import { AXES, LEAST_SIZE } from "./support/growth-axes.mjs";
import { fitGrowth } from "./support/growth-fit.mjs";

const execute = promisify(execFile);
const POINT = fileURLToPath(new URL("support/growth-point.mjs", import.meta.url));

export const title = "growth: 10 to 1,000,000";

const TARGETS = ["model", "native"];
const FITTED_FROM = 1000;
const QUICK_SIZE_MAX = 10_000;
/** Less memory than this is noise, and is not fitted. */
const MIB_MIN = 1;
/** Less time than this share of what every replay takes is noise too. */
const FLOOR_SHARE = 0.1;

export async function run({ isQuick }) {
  const notes = [];
  const figures = {};
  const fits = [];
  const tables = [];
  for (const target of TARGETS) {
    const rows = [];
    for (const [axis, { sizes }] of Object.entries(AXES)) {
      const chosen = isQuick ? sizes.filter((size) => size <= QUICK_SIZE_MAX) : sizes;
      const points = await pointsOf(axis, target, chosen, notes);
      for (const { size, seconds, floor, mib } of points) {
        figures[`growth of ${axis}/${target}/${size}`] = { seconds, mib };
        const isSeen = seconds > floor * FLOOR_SHARE;
        const times = isSeen
          ? [figure(seconds * 1000), figure((seconds * 1e9) / (size - LEAST_SIZE))]
          : ["-", "-"];
        rows.push([axis, figure(size), ...times, mib.toFixed(1)]);
      }
      fits.push(fitRow(axis, target, points, figures));
    }
    const columns = ["axis", "size", `ms above ${LEAST_SIZE}`, "ns each", `MiB above ${LEAST_SIZE}`];
    tables.push({ title: `${target}: one program; ms and ns of the processor`, columns, rows });
  }
  tables.unshift({
    title: `Exponents on log-log paper, from ${figure(FITTED_FROM)} on (pipes: from 30), and what they are called`,
    columns: ["axis", "target", "up to", "time", "time grows", "memory", "memory grows"],
    rows: fits.map(({ cells }) => cells),
  });
  for (const [axis, { what, limit }] of Object.entries(AXES)) {
    notes.push(`${axis}: ${what}${limit === undefined ? "" : `; stops there: ${limit}`}`);
  }
  return { tables, goals: isQuick ? [] : [goalOf(fits)], notes, figures };
}

/** The points of an axis that could be measured; a note says why another could not. */
async function pointsOf(axis, target, sizes, notes) {
  const points = [];
  for (const size of sizes) {
    try {
      const args = ["--expose-gc", POINT, axis, target, String(size)];
      const { stdout } = await execute(process.execPath, args, { timeout: 120_000 });
      const { missing, ...point } = JSON.parse(stdout);
      if (missing !== undefined) {
        notes.push(missing);
        return points;
      }
      points.push({ size, ...point });
    } catch (error) {
      const why = /^\w*Error: (.*)$/m.exec(error.stderr ?? "")?.[1] ?? error.message.split("\n", 1)[0];
      notes.push(`FAILED: ${axis} of ${figure(size)} on ${target}: ${why}`);
    }
  }
  return points;
}

function fitRow(axis, target, points, figures) {
  const most = points.at(-1)?.size ?? 0;
  const fitted = most <= FITTED_FROM ? points : points.filter(({ size }) => size >= FITTED_FROM);
  const seen = fitted.filter(({ seconds, floor }) => seconds > floor * FLOOR_SHARE);
  const time = fitGrowth(seen.map(({ size, seconds }) => [size - LEAST_SIZE, seconds]));
  const memory = fitGrowth(
    fitted.filter(({ mib }) => mib >= MIB_MIN).map(({ size, mib }) => [size - LEAST_SIZE, mib]),
  );
  figures[`growth of ${axis}/${target}/fit`] = { time, memory };
  const cells = [axis, target, figure(most)];
  for (const fit of [time, memory])
    cells.push(fit?.exponent.toFixed(2) ?? "-", fit?.verdict ?? "too little to say");
  return { cells, verdicts: [time?.verdict, memory?.verdict] };
}

function goalOf(fits) {
  const worse = fits.flatMap(({ verdicts }) => verdicts).filter((verdict) => verdict === "worse");
  return { what: "growth: axes that are worse than n log n", goal: 0, measured: worse.length, isMost: true };
}
