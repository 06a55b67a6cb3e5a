/**
 * Readers of traces for hand-written expectations: each turns one aspect of a trace into words that a person can derive from
 * SPEC.md on paper and write on one line.
 *
 * They only select and spell; a record that a reader does not speak of is left to the recorded trace of the corpus entry. Wake
 * order is that of SPEC section 4.
 */
import type { Outcome, Result, Trace } from "../../src/sim/trace.js";
import { wakeOrder } from "../../src/sim/wake-order.js";

export { wakeOrder };

/** The values logged, in order, by whomever. */
export function logsOf(trace: Trace): Result[] {
  return trace.records.flatMap((record) =>
    record.ev === "ret" && record.op === "log" && record.res !== undefined ? [record.res] : [],
  );
}

/** Who logged what and when, as `value@t`, in order. */
export function timedLogsOf(trace: Trace): string {
  return trace.records
    .flatMap((record) => (record.ev === "ret" && record.op === "log" ? [`${record.res}@${record.t}`] : []))
    .join(" ");
}

/** Wake order on one line: `who@t who@t ...`. */
export function wakeLine(trace: Trace): string {
  return wakeOrder(trace)
    .map(([who, t]) => `${who}@${t}`)
    .join(" ");
}

/** The ops of `who` that have a result, in order, as `op=result`; that of run is `run=clock/spawned/suspended`. */
export function resultsOf(trace: Trace, who: string): string {
  return trace.records
    .flatMap((record) =>
      record.ev === "ret" && record.who === who && record.res !== undefined
        ? [`${record.op}=${resultWord(record.res)}`]
        : [],
    )
    .join(" ");
}

/** The outcome on one line: `completed@t`, `panic@t message`, `io-hang@t who/pipe ...`, `stack-overflow@t who`. */
export function outcomeLine(outcome: Outcome): string {
  const head = `${outcome.outcome}@${outcome.t}`;
  switch (outcome.outcome) {
    case "completed":
    case "timeout":
      return head;
    case "panic":
      return `${head} ${outcome.message}`;
    case "stack-overflow":
      return `${head} ${outcome.who}`;
    case "io-hang":
      return [head, ...outcome.waiting.map(({ who, pipe }) => `${who}/${pipe}`)].join(" ");
    case "crash":
      return `${head} ${outcome.signal} in ${outcome.who}`;
    case "leak":
      return `${head} ${outcome.what.join(" ")}`;
  }
}

function resultWord(result: Result): string {
  if (typeof result !== "object") return String(result);
  return `${result.clock}/${result.spawned}/${result.suspended}`;
}
