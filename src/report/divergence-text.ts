/**
 * The report of a divergence, for people: one sentence, the two traces side by side with their common part folded, the model's scheduler at
 * that point, the program, and the command that repeats it.
 *
 * The report is the user interface of a failure: `test/golden/divergence/` holds it for a dozen kinds. Where two columns do not fit the
 * terminal, the sides stand one under the other.
 */
import type { Divergence, DivergentSide } from "../sim/diff.js";
import { machineLimit } from "../sim/machine-limit.js";
import type { NamedSnapshot } from "../sim/named-snapshot.js";
import type { Program } from "../sim/program.js";
import { TraceText } from "../sim/trace-text.js";
import { divergenceSentence } from "./divergence-sentence.js";
import type { Paint } from "./paint.js";
import { formatProgram } from "./program-text.js";

/** How many of the records that both share are shown. */
const COMMON_SHOWN = 6;
/** How many of the fibers, timers, pipes and so on are named in a line of the scheduler's state. */
const LISTED_MAX = 20;
const GUTTER = "  |  ";

export interface ReportSettings {
  readonly paint: Paint;
  /** Columns that the report may take, its indentation included. */
  readonly columns: number;
  /** Whether the program stands in the report; false where the reader has it beside it. */
  readonly showsProgram: boolean;
  /** The command that shows the same divergence again, or undefined where the caller says it. */
  readonly again?: string;
}

/** The lines of the report, without the program's name. */
export function divergenceLines(
  program: Program,
  divergence: Divergence,
  settings: ReportSettings,
): string[] {
  const text = new TraceText(program);
  const { paint } = settings;
  const { common, state } = divergence;
  const shown = common.slice(-COMMON_SHOWN);
  const hidden = divergence.index - shown.length;
  const lines = [paint("bold", divergenceSentence(text, divergence)), ""];
  if (hidden > 0) lines.push(paint("dim", `    ... ${hidden} record(s) that both share`));
  for (const record of shown) lines.push(paint("dim", `    ${text.line(record)}`));
  lines.push(...sidesLines(text, divergence, settings));
  const limit = machineLimit(divergence.right.outcome);
  if (limit !== undefined) lines.push("", ...limit.map((line) => `  ${line}`));
  if (state !== undefined) lines.push("", ...stateLines(state).map((line) => `  ${line}`));
  if (settings.showsProgram)
    lines.push("", "  the program:", ...indented(formatProgram(program).split("\n"), 4));
  if (settings.again !== undefined) lines.push(`  again:  ${settings.again}`);
  return lines;
}

export function indented(lines: readonly string[], spaces: number): string[] {
  return lines.map((line) => " ".repeat(spaces) + line);
}

function sidesLines(
  text: TraceText,
  { left, right }: Divergence,
  { paint, columns }: ReportSettings,
): string[] {
  const [leftLines, rightLines] = [sideLines(text, left), sideLines(text, right)];
  const width = (lines: readonly string[]): number => Math.max(...lines.map(({ length }) => length));
  const [leftWidth, rightWidth] = [width(leftLines), width(rightLines)];
  if (leftWidth + GUTTER.length + rightWidth > columns)
    return [
      ...leftLines.map((line) => paint("green", line)),
      ...rightLines.map((line) => paint("red", line)),
    ];
  return Array.from({ length: Math.max(leftLines.length, rightLines.length) }, (_, i) => {
    const [line = "", beside] = [leftLines[i], rightLines[i]?.slice(2)];
    const gutter = " ".repeat(leftWidth - line.length) + GUTTER;
    return `${paint("green", line)}${beside === undefined ? gutter.trimEnd() : gutter + paint("red", beside)}`;
  });
}

/** The target's name, the divergent record, and what follows it. */
function sideLines(text: TraceText, { on, record, after }: DivergentSide): string[] {
  const records = record === undefined ? [] : [record, ...after];
  const last = records.at(-1);
  const isCut = last !== undefined && !("outcome" in last);
  return [
    `  ${on}:`,
    ...records.map((shown, i) => `  ${i === 0 ? ">" : " "} ${text.line(shown)}`),
    ...(isCut ? ["    ..."] : []),
  ];
}

function stateLines(state: NamedSnapshot): string[] {
  const list = (items: readonly string[], separator = ", "): string => {
    const hidden = items.length - LISTED_MAX;
    const shown = hidden > 0 ? [...items.slice(0, LISTED_MAX), `... and ${hidden} more`] : items;
    return shown.length === 0 ? "-" : shown.join(separator);
  };
  const open = (isOpen: boolean): string => (isOpen ? "open" : "closed");
  return [
    "the model's scheduler right before that record:",
    `  clock ${state.clockMs}, running ${state.current ?? "nobody"}, spawned ${state.spawned}, suspended ${state.suspended}`,
    `  ready queue: ${list(state.ready)}`,
    `  timers:      ${list(state.timers.map(({ who, deadlineMs }) => `${who} at ${deadlineMs}`))}`,
    `  io waiters:  ${list(state.ioWaiters.map(({ who, pipe }) => `${who} on ${pipe}`))}`,
    `  ready list:  ${list(state.readyList)}`,
    `  pipes:       ${list(
      state.pipes.map(
        (p) => `${p.pipe} ${p.bytes} byte(s), read ${open(p.readOpen)}, write ${open(p.writeOpen)}`,
      ),
      "; ",
    )}`,
    `  tasks:       ${list(
      state.tasks.map(
        ({ task, state: s, waiter }) => `${task} ${s}${waiter === undefined ? "" : `, awaited by ${waiter}`}`,
      ),
      "; ",
    )}`,
    `  parked:      ${list(state.parked.map(({ who, why }) => `${who} (${why})`))}`,
  ];
}
