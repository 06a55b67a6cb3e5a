/**
 * The report of a divergence, for people: where the two sides part, what led there, and the model's state at that point.
 *
 * The report is the user interface of a failure: `test/golden/` holds it. It shows the last records that both sides share, then each side's
 * own, then the scheduler as the model has it right before the divergent record.
 */
import type { Divergence, DivergentSide } from "../sim/diff.js";
import type { NamedSnapshot } from "../sim/named-snapshot.js";
import type { Program } from "../sim/program.js";
import type { Terminal } from "./terminal.js";
import { TraceText } from "./trace-text.js";

const COMMON_SHOWN = 6;

/** The lines of the report, without the program's name. */
export function divergenceLines(
  program: Program,
  divergence: Divergence,
  paint: Terminal["paint"],
): string[] {
  const { index, common, left, right, state } = divergence;
  const text = new TraceText(program);
  const t = (left.record ?? right.record)?.t ?? 0;
  const shown = common.slice(-COMMON_SHOWN);
  const hidden = index - shown.length;
  const lines = [
    `at t=${t}, record ${index}: ${left.on} says "${sentence(text, left)}", ${right.on} says "${sentence(text, right)}"`,
    "",
  ];
  if (hidden > 0) lines.push(paint("dim", `    ... ${hidden} record(s) that both share`));
  for (const record of shown) lines.push(paint("dim", `    ${text.line(record)}`));
  lines.push(...sideLines(text, left, (line) => paint("green", line)));
  lines.push(...sideLines(text, right, (line) => paint("red", line)));
  if (state !== undefined) lines.push("", ...stateLines(state).map((line) => `  ${line}`));
  return lines;
}

function sentence(text: TraceText, side: DivergentSide): string {
  return side.record === undefined
    ? "nothing more"
    : text
        .line(side.record)
        .replace(/^t=\S+\s+/, "")
        .replace(/ +/g, " ");
}

function sideLines(text: TraceText, side: DivergentSide, paint: (line: string) => string): string[] {
  const records = side.record === undefined ? [] : [side.record, ...side.after];
  return [
    paint(`  ${side.on}:`),
    ...records.map((record, i) => paint(`  ${i === 0 ? ">" : " "} ${text.line(record)}`)),
  ];
}

function stateLines(state: NamedSnapshot): string[] {
  const list = (items: readonly string[]): string => (items.length === 0 ? "-" : items.join(", "));
  const open = (isOpen: boolean): string => (isOpen ? "open" : "closed");
  return [
    "the model's scheduler right before that record:",
    `  clock ${state.clockMs}, running ${state.current ?? "nobody"}, spawned ${state.spawned}, suspended ${state.suspended}`,
    `  ready queue: ${list(state.ready)}`,
    `  timers:      ${list(state.timers.map(({ who, deadlineMs }) => `${who} at ${deadlineMs}`))}`,
    `  io waiters:  ${list(state.ioWaiters.map(({ who, pipe }) => `${who} on ${pipe}`))}`,
    `  ready list:  ${list(state.readyList)}`,
    `  pipes:       ${list(state.pipes.map((p) => `${p.pipe} ${p.bytes} byte(s), read ${open(p.readOpen)}, write ${open(p.writeOpen)}`))}`,
    `  tasks:       ${list(state.tasks.map(({ task, state: s, waiter }) => `${task} ${s}${waiter === undefined ? "" : `, awaited by ${waiter}`}`))}`,
    `  parked:      ${list(state.parked.map(({ who, why }) => `${who} (${why})`))}`,
  ];
}
