/**
 * Time lines as Chrome trace events, which Perfetto's UI and chrome://tracing open: a process a target, a thread a lane, slices for the
 * states, flow arrows for what brings on what.
 *
 * Virtual milliseconds are shown as such; records of one instant are a microsecond apart, and push the next instant on where it holds more
 * than a thousand of them, so that order is always to be seen. The true time and the record's number are in each slice's arguments.
 */
import type { RecordTable } from "../sim/record-table.js";
import type { Segment, Timeline } from "./timeline.js";

export interface ExportSide {
  readonly on: string;
  readonly table: RecordTable;
  readonly timeline: Timeline;
}

type TraceEvent = Readonly<Record<string, string | number | object>>;

/** The JSON document, as text. `names`: of the bodies. */
export function chromeTrace(sides: readonly ExportSide[], names: readonly string[]): string {
  const events = sides.flatMap((side, i) => sideEvents(side, i + 1, names));
  return `{"displayTimeUnit":"ms","traceEvents":[\n${events.map((event) => JSON.stringify(event)).join(",\n")}\n]}\n`;
}

function sideEvents(
  { on, table, timeline }: ExportSide,
  pid: number,
  names: readonly string[],
): TraceEvent[] {
  const us = microsecondsOf(table);
  const events: TraceEvent[] = [{ ph: "M", name: "process_name", pid, tid: 0, args: { name: on } }];
  for (const [order, { body, segments }] of timeline.lanes.entries()) {
    const tid = body + 1;
    events.push({ ph: "M", name: "thread_name", pid, tid, args: { name: names[body]! } });
    events.push({ ph: "M", name: "thread_sort_index", pid, tid, args: { sort_index: order } });
    const begin = ({ from, state }: Segment): number => {
      const before = Math.min(from, table.last) - 1;
      return state === "running" || before < 0 ? us[Math.min(from, table.last)]! : us[before]! + 1;
    };
    for (const [i, segment] of segments.entries()) {
      const [ts, next] = [begin(segment), segments[i + 1]];
      const dur = (next === undefined ? us[table.last]! + 1 : begin(next)) - ts;
      if (segment.state === "done" || dur <= 0) continue;
      const args = { record: segment.from, t: table.clockMs[Math.min(segment.from, table.last)]! };
      events.push({ ph: "X", name: segment.state, cat: "state", pid, tid, ts, dur, args });
    }
  }
  for (const [id, { kind, from, to }] of timeline.flows.entries()) {
    const flow = { name: kind, cat: "flow", id: pid * 10_000_000 + id, pid };
    events.push({ ...flow, ph: "s", tid: table.who[from]! + 1, ts: us[from]! });
    events.push({ ...flow, ph: "f", bp: "e", tid: table.who[to]! + 1, ts: us[to]! });
  }
  return events;
}

function microsecondsOf(table: RecordTable): Float64Array {
  const us = new Float64Array(table.count);
  let last = -1;
  for (let record = 0; record < table.count; record++) {
    last = Math.max(last + 1, table.clockMs[record]! * 1000);
    us[record] = last;
  }
  return us;
}
