/**
 * The state of the model's scheduler at one record of a program's trace, with the program's names in it.
 *
 * Made by replaying the program on the model up to that record: nothing is kept while replaying, so a report costs one more replay and a
 * campaign nothing. Lists are in the order in which the scheduler would act on them.
 */
import type { Readiness } from "../sched/index.js";
import { type ParkReason, snapshotOf } from "../sched/snapshot.js";
import { assertNever, bodyNamesOf } from "./encode-program.js";
import { Interpreter } from "./interpreter.js";
import type { Program } from "./program.js";

/** The model's scheduler at one moment, in the names of the program. Times in virtual milliseconds. */
export interface NamedSnapshot {
  readonly clockMs: number;
  readonly current: string | undefined;
  readonly ready: readonly string[];
  readonly timers: readonly { readonly who: string; readonly deadlineMs: number }[];
  readonly ioWaiters: readonly { readonly who: string; readonly pipe: string; readonly readable: boolean }[];
  /** The kernel's ready list (I3), head first. */
  readonly readyList: readonly string[];
  readonly pipes: readonly {
    readonly pipe: string;
    readonly bytes: number;
    readonly readOpen: boolean;
    readonly writeOpen: boolean;
  }[];
  readonly tasks: readonly {
    readonly task: string;
    readonly state: "pending" | "ready" | "canceled";
    readonly waiter: string | undefined;
  }[];
  /** Every parked fiber and what it is parked on: `asleep until 30`, `waits for task a`, ... */
  readonly parked: readonly { readonly who: string; readonly why: string }[];
  readonly spawned: number;
  readonly suspended: number;
}

/**
 * The state right after the records in `prefix`, the beginning of a trace; undefined unless the model's trace begins so too. `encoded`
 * is the program in words.
 */
export function snapshotAfter(
  program: Program,
  encoded: Int32Array,
  prefix: Int32Array,
  readiness: Readiness = "epoll",
): NamedSnapshot | undefined {
  const interpreter = new Interpreter();
  interpreter.core.readiness = readiness;
  const { trace } = interpreter;
  let found: NamedSnapshot | undefined;
  trace.watch(prefix.length, () => {
    const agrees = prefix.every((word, i) => trace.words[i] === word);
    if (agrees && trace.position === prefix.length) found = namedSnapshot(program, interpreter);
  });
  interpreter.replay(encoded, 0);
  return found;
}

/** The state when the program has ended on the model: who is left parked after a panic or a hang. */
export function snapshotAtEnd(program: Program, encoded: Int32Array): NamedSnapshot {
  const interpreter = new Interpreter();
  interpreter.replay(encoded, 0);
  return namedSnapshot(program, interpreter);
}

/** The state of an interpreter's scheduler now. */
export function namedSnapshot(program: Program, interpreter: Interpreter): NamedSnapshot {
  const names = bodyNamesOf(program);
  const pipes = program.pipes ?? [];
  const state = snapshotOf(interpreter.core);
  const nameOf = (fiber: number): string => names[interpreter.bodyOfFiber(fiber)]!;
  const taskName = (task: number): string => names[interpreter.bodyOfTask(task)]!;
  return {
    clockMs: state.clockMs,
    current: state.current === undefined ? undefined : nameOf(state.current),
    ready: state.ready.map(nameOf),
    timers: state.timers.map(({ fiber, deadlineMs }) => ({ who: nameOf(fiber), deadlineMs })),
    ioWaiters: state.ioWaiters.map(({ fiber, pipe, readable }) => ({
      who: nameOf(fiber),
      pipe: pipes[pipe]!,
      readable,
    })),
    readyList: state.readyList.map((pipe) => pipes[pipe]!),
    pipes: state.pipes.map((pipe, i) => ({ pipe: pipes[i]!, ...pipe })),
    tasks: state.tasks.map(({ state: taskState, waiter }, task) => ({
      task: taskName(task),
      state: taskState,
      waiter: waiter === undefined ? undefined : nameOf(waiter),
    })),
    parked: state.parked.map(({ fiber, reason }) => ({
      who: nameOf(fiber),
      why: whyParked(reason, taskName, (pipe) => pipes[pipe]!),
    })),
    spawned: state.spawned,
    suspended: state.suspended,
  };
}

function whyParked(
  reason: ParkReason,
  taskName: (task: number) => string,
  pipeName: (pipe: number) => string,
): string {
  switch (reason.kind) {
    case "sleep":
      return `asleep until ${reason.deadlineMs}`;
    case "wait":
      return `waits for task ${taskName(reason.task)}`;
    case "block":
      return `blocks on pipe ${pipeName(reason.pipe)}`;
    case "suspend":
      return "suspended, until somebody wakes it";
    default:
      return assertNever(reason);
  }
}
