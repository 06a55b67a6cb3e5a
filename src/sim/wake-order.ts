/** Wake order, of traces (SPEC section 4). */
import type { Int64, Trace } from "./trace.js";

/**
 * Wake order (SPEC section 4): each `begin`, and each `ret` of an op whose `call` stands before it, as `[who, t]`. An op that a
 * body goes through without a `call` (a log, a wait on a task without a go) is not in it; the return of `run` is, as `main`.
 */
export function wakeOrder(trace: Trace): [who: string, t: Int64][] {
  const called = new Set<string>();
  const wakes: [string, Int64][] = [];
  for (const record of trace.records) {
    if (record.ev === "call") called.add(record.who);
    if (record.ev === "begin") wakes.push([record.who, record.t]);
    if (record.ev === "ret" && called.delete(record.who)) wakes.push([record.who, record.t]);
  }
  return wakes;
}
