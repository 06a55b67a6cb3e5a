/**
 * `bench/RESULTS.md`: the last run of all parts, with its date and machine, as `npm run bench -- --write-results` writes it.
 *
 * What stands below the line KEPT_BELOW is written by hand (why a goal is not met) and kept as it is.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./dist.mjs";
import { figure } from "./format.mjs";
import { goalsTable } from "./goals.mjs";

export const RESULTS_FILE = join(root, "bench", "RESULTS.md");
const KEPT_BELOW = "<!-- What stands below this line is written by hand; npm run bench keeps it. -->";

/** Writes the page of a run: `run` is what `--json` prints, with its `date`, a day. */
export function writeResults(run, file = RESULTS_FILE) {
  const kept = existsSync(file) ? readFileSync(file, "utf8").split(KEPT_BELOW)[1] : undefined;
  writeFileSync(file, pageOf(run, kept ?? "\n"));
}

function pageOf({ machine, versions, options, results, goals, date, seconds }, kept) {
  const parts = Object.values(results).flatMap(({ title, tables, notes, error }) => [
    `## ${title}`,
    ...tables.flatMap((table) => [`${table.title}:`, markdownTable(table)]),
    ...(error === undefined ? [] : [`FAILED: ${error}`]),
    ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
  ]);
  const named = { ...machine, ...versions };
  const page = [
    "# Results of the last bench",
    `Written by \`npm run bench -- --write-results\` on ${date}, in ${figure(seconds)} s, ${options.rounds} rounds${options.isQuick ? ", --quick" : ""}. README.md says what each part measures and how to read it. Ratios carry over to other machines, absolute times do not.`,
    "## Machine and versions",
    markdownTable({ columns: ["what", "is"], rows: Object.entries(named) }),
    "## Goals",
    markdownTable(goalsTable(goals)),
    ...parts,
    KEPT_BELOW,
  ].join("\n\n");
  return `${page}${kept}`;
}

/** With its columns padded, as the formatter of this repository wants tables. */
function markdownTable({ columns, rows }) {
  const text = (cell) => (typeof cell === "number" ? figure(cell) : String(cell)).replaceAll("|", "\\|");
  const cells = [columns, ...rows].map((row) => row.map(text));
  const widths = columns.map((_, i) => Math.max(3, ...cells.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const [head, ...body] = cells;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
