/**
 * A time line as a Mermaid sequence diagram, for issues and pull requests: who does what in order, with an arrow for what brings on what.
 *
 * Made to be read in a page of text, so it stops after some records and says so. Names are given as aliases: any name of a program is fine.
 */

import type { Trace, TraceRecord } from "../sim/trace.js";
import type { TraceText } from "../sim/trace-text.js";
import type { ExportSide } from "./chrome-trace.js";

/** Diagrams with more do not render legibly. */
const RECORDS_MAX = 300;

/** `note`: what to say at the end, or undefined. */
export function mermaidSequence(
  side: ExportSide,
  trace: Trace,
  names: readonly string[],
  text: TraceText,
  note: string | undefined,
): string {
  const { timeline } = side;
  const id = (body: number): string => `b${body}`;
  const lanes = timeline.lanes.map(({ body }) => body);
  const span = `${id(lanes[0] ?? 0)}${lanes.length > 1 ? `,${id(lanes.at(-1)!)}` : ""}`;
  const lines = ["sequenceDiagram", ...lanes.map((body) => `  participant ${id(body)} as ${names[body]}`)];
  const arrivals = new Map(timeline.flows.map((flow) => [flow.to, flow]));
  let t: TraceRecord["t"] = 0;
  for (const [record, shown] of trace.records.slice(0, RECORDS_MAX).entries()) {
    if (shown.t !== t) lines.push(`  Note over ${span}: t=${shown.t}`);
    t = shown.t;
    const who = id(side.table.who[record]!);
    const flow = arrivals.get(record);
    if (flow !== undefined) lines.push(`  ${id(side.table.who[flow.from]!)}->>${who}: ${flow.kind}`);
    lines.push(`  Note right of ${who}: ${escaped(wordsOf(text, shown))}`);
  }
  const left = trace.records.length - RECORDS_MAX;
  if (left > 0) lines.push(`  Note over ${span}: ${left} more records`);
  lines.push(`  Note over ${span}: ${escaped(text.line(trace.outcome))}`);
  if (note !== undefined) lines.push(`  Note over ${span}: ${escaped(note)}`);
  return `${lines.join("\n")}\n`;
}

/** The record without its time and its fiber, which the diagram shows by itself. */
function wordsOf(text: TraceText, record: TraceRecord): string {
  return text.line(record).replace(/^t=\S+\s+\S+\s+/, "");
}

/** A hash begins an entity and a semicolon ends a line in Mermaid. */
function escaped(line: string): string {
  return line.replaceAll("#", "#35;").replace(/;(?<!#35;)/g, ",");
}
