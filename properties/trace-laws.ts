/**
 * Laws that the trace of any program obeys, on whatever it was replayed: read from the records alone (SPEC section 4).
 *
 * A law here knows no scheduler; it holds records against records. So it also says something of a trace that was read from a file, or
 * that came from a native runtime. Names: no fiber or task may be called `main` or `world` in a program given to these.
 */
import { bodyNamesOf, bodyOpsOf } from "../src/sim/encode-program.js";
import type { Op, Program } from "../src/sim/program.js";
import type { Trace, TraceRecord } from "../src/sim/trace.js";
import { must } from "./laws.js";

type CallRecord = Extract<TraceRecord, { ev: "call" }>;

/** All of them. */
export function assertTraceLaws(program: Program, trace: Trace): void {
  assertClockNeverBack(trace);
  assertCallsReturnOnce(trace);
  assertSleepsKeepTime(program, trace);
  assertCancelSuppressesDelivery(program, trace);
  assertRunEndsIdle(trace);
  assertStuckFibersAreCounted(trace);
}

/** The clock counts whole milliseconds from 0 and never goes back. */
export function assertClockNeverBack({ records, outcome }: Trace): void {
  let clock = 0;
  for (const { t } of [...records, outcome]) {
    must(typeof t === "number" && t >= clock, `the clock went back from ${clock} to ${t}`);
    clock = t;
  }
}

/** A body begins once and ends once; between a call and its one ret it does nothing: each park ends by one wake. */
export function assertCallsReturnOnce({ records }: Trace): void {
  const begun = new Set(["main", "world"]);
  const ended = new Set<string>();
  const open = new Map<string, CallRecord>();
  for (const record of records) {
    const { ev, who } = record;
    must(
      begun.has(who) !== (ev === "begin"),
      `${who}: ${ev} ${begun.has(who) ? "after" : "before"} its begin`,
    );
    must(!ended.has(who), `${who}: ${ev} after its end`);
    const call = open.get(who);
    if (ev === "begin") begun.add(who);
    else if (call !== undefined) {
      must(ev === "ret" && record.at === call.at, `${who}: ${ev} while its ${call.op} has not come back`);
      open.delete(who);
    } else if (ev === "call") open.set(who, record);
    else if (ev === "end") ended.add(who);
  }
}

/**
 * T1, T2, F4: a sleeper comes back at its deadline, or at the first wake of it before that. Those that nobody wakes come back by
 * deadline, and by order of arming where that is the same.
 */
export function assertSleepsKeepTime(program: Program, { records }: Trace): void {
  const opOf = opFinder(program);
  const asleep = new Map<string, { deadline: number; armed: number; wokenAt: number | undefined }>();
  let last = { deadline: 0, armed: -1 };
  for (const [i, record] of records.entries()) {
    if (record.ev !== "call" && record.ev !== "ret") continue;
    const op = opOf(record);
    const t = record.t as number;
    if (record.ev === "ret" && op.op === "wake" && record.res === "called") {
      const sleeper = asleep.get(op.fiber);
      if (sleeper !== undefined) sleeper.wokenAt ??= t;
    }
    if (op.op !== "sleep") continue;
    if (record.ev === "call") {
      asleep.set(record.who, { deadline: t + op.ms, armed: i, wokenAt: undefined });
      continue;
    }
    const { deadline, armed, wokenAt } = asleep.get(record.who)!;
    asleep.delete(record.who);
    must(t === (wokenAt ?? deadline), `${record.who} slept until ${t}, not ${wokenAt ?? deadline}`);
    if (wokenAt !== undefined) continue;
    const isInOrder = last.deadline < deadline || (last.deadline === deadline && last.armed < armed);
    must(
      isInOrder,
      `the timer of ${record.who}, armed at record ${armed}, fired after one armed at ${last.armed}`,
    );
    last = { deadline, armed };
  }
}

/**
 * K2, K3, C2: a wait gives Canceled exactly when the task was canceled before the wait came back, else what the task returns, and not
 * before its work has ended.
 */
export function assertCancelSuppressesDelivery(program: Program, { records }: Trace): void {
  const opOf = opFinder(program);
  const canceled = new Set<string>();
  const ended = new Set<string>();
  for (const record of records) {
    if (record.ev === "end") ended.add(record.who);
    if (record.ev !== "ret") continue;
    const op = opOf(record);
    if (op.op === "cancel" && record.res === "called") canceled.add(op.task);
    if (op.op !== "wait" || record.res === "unstarted") continue;
    const expected = canceled.has(op.task) ? "canceled" : (program.tasks![op.task]!.returns ?? 0);
    must(
      canceled.has(op.task) || ended.has(op.task),
      `${record.who} got the value of ${op.task} before its end`,
    );
    must(
      record.res === expected,
      `${record.who} got ${JSON.stringify(record.res)}, not ${expected}, of ${op.task}`,
    );
  }
}

/** R1: when run has come back, whoever began has ended, nobody is parked, and what run saw says so. */
export function assertRunEndsIdle({ records }: Trace): void {
  const unended = new Set<string>();
  let spawned = 0;
  for (const record of records) {
    if (record.ev === "begin") unended.add(record.who);
    if (record.ev === "end") unended.delete(record.who);
    if (record.ev !== "ret") continue;
    if (record.res === "spawned") spawned++;
    if (record.op !== "run") continue;
    must(unended.size === 0, `run came back before ${[...unended]}`);
    const seen = JSON.stringify(record.res);
    const expected = JSON.stringify({ clock: record.t, spawned, suspended: 0 });
    must(seen === expected, `run saw ${seen}, not ${expected}`);
  }
}

/** R2, I2: a deadlock counts those parked, none of whom has a timer or a pipe; an io-hang names every reader in order of arming. */
export function assertStuckFibersAreCounted({ records, outcome }: Trace): void {
  const open = new Map<string, CallRecord>();
  for (const record of records) {
    // A map keeps the place of its first key: delete, so that the order is that of the calls still open.
    if (record.ev === "ret") open.delete(record.who);
    if (record.ev === "call") open.set(record.who, record);
  }
  open.delete("main");
  const parked = [...open.values()];
  const readers = parked.filter(({ op }) => op === "block").map(({ who }) => who);
  const sleepers = parked.filter(({ op }) => op === "sleep").map(({ who }) => who);
  if (outcome.outcome === "completed")
    must(parked.length === 0, `completed, but ${[...open.keys()]} are parked`);
  if (outcome.outcome === "panic" && outcome.message.startsWith("sched: deadlock")) {
    const counted = Number(/\d+/.exec(outcome.message)?.[0]);
    must(counted === parked.length, `deadlock of ${counted}, but ${[...open.keys()]} are parked`);
    must(readers.length + sleepers.length === 0, `deadlock with ${[...readers, ...sleepers]} to be woken`);
  }
  if (outcome.outcome === "io-hang") {
    const waiting = outcome.waiting.map(({ who }) => who);
    must(`${waiting}` === `${readers}`, `io-hang of ${waiting}, but the readers are ${readers}`);
    must(sleepers.length === 0, `io-hang with ${sleepers} asleep (T3)`);
  }
}

/** The op of a record, by its body and its number. */
function opFinder(program: Program): (record: { readonly who: string; readonly at: number }) => Op {
  const bodies = bodyOpsOf(program);
  const ops = new Map(bodyNamesOf(program).map((name, body) => [name, flat(bodies[body]!)]));
  return ({ who, at }) => ops.get(who)![at]!;
}

function flat(ops: readonly Op[]): Op[] {
  return ops.flatMap((op) => ("ops" in op ? [op, ...flat(op.ops)] : [op]));
}
