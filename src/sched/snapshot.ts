/**
 * The whole state of a scheduler as plain data, and why each parked fiber is parked.
 *
 * Fibers and tasks are numbers in the order of spawning and of `go`; who knows names puts them in (`sim/named-snapshot.ts`). The order
 * of every list is the order in which the scheduler would act on it.
 */
import { FiberState, NONE, type SchedulerCore, TaskState } from "./scheduler-core.js";

/** Why a fiber does not run. `wokenEarly` does not occur while parked: a fiber woken early is ready until it parks again. */
export type ParkReason =
  | { readonly kind: "sleep"; readonly deadlineMs: number }
  | { readonly kind: "wait"; readonly task: number }
  | { readonly kind: "block"; readonly pipe: number }
  | { readonly kind: "suspend" };

/** A scheduler's whole state at one moment, as plain data. */
export interface SchedulerSnapshot {
  readonly clockMs: number;
  /** The running fiber, or undefined in the run loop and outside of `run`. */
  readonly current: number | undefined;
  /** Head first. */
  readonly ready: readonly number[];
  /** In firing order (T2). */
  readonly timers: readonly { readonly fiber: number; readonly deadlineMs: number }[];
  /** In order of arming. */
  readonly ioWaiters: readonly {
    readonly fiber: number;
    readonly pipe: number;
    readonly readable: boolean;
  }[];
  /** Linux's ready list of pipes (I3), head first. */
  readonly readyList: readonly number[];
  readonly pipes: readonly {
    readonly bytes: number;
    readonly readOpen: boolean;
    readonly writeOpen: boolean;
  }[];
  readonly tasks: readonly {
    readonly state: "pending" | "ready" | "canceled";
    readonly canceled: boolean;
    readonly waiter: number | undefined;
  }[];
  readonly parked: readonly { readonly fiber: number; readonly reason: ParkReason }[];
  readonly spawned: number;
  readonly suspended: number;
  readonly readinessOpen: boolean;
}

const TASK_STATES = {
  [TaskState.pending]: "pending",
  [TaskState.ready]: "ready",
  [TaskState.canceled]: "canceled",
} as const;

/** The scheduler's state now. A copy. */
export function snapshotOf(core: SchedulerCore): SchedulerSnapshot {
  const fibers = Array.from({ length: core.spawnedCount }, (_, fiber) => fiber);
  return {
    clockMs: core.clockMs,
    current: core.current === NONE ? undefined : core.current,
    ready: core.ready.toArray(),
    timers: core.timers.toArray().map((fiber) => ({ fiber, deadlineMs: core.timers.deadlineMsOf(fiber) })),
    ioWaiters: core.waitedPipes().map((pipe) => ({
      fiber: core.pipeWaiterOf(pipe),
      pipe,
      readable: core.pipes.isReadable(pipe),
    })),
    readyList: core.pipes.readyList(),
    pipes: Array.from({ length: core.pipes.count }, (_, pipe) => ({
      bytes: core.pipes.bytesIn(pipe),
      readOpen: core.pipes.isOpen(pipe, 0),
      writeOpen: core.pipes.isOpen(pipe, 1),
    })),
    tasks: Array.from({ length: core.taskCount }, (_, task) => ({
      state: TASK_STATES[core.taskStateOf(task) as keyof typeof TASK_STATES],
      canceled: core.isCanceled(task),
      waiter: core.taskWaiterOf(task) === NONE ? undefined : core.taskWaiterOf(task),
    })),
    parked: fibers
      .filter((fiber) => core.stateOf(fiber) === FiberState.suspended)
      .map((fiber) => ({ fiber, reason: explainParked(core, fiber) })),
    spawned: core.spawnedCount,
    suspended: core.suspendedCount,
    readinessOpen: core.readinessOpen,
  };
}

/** Why a suspended fiber is parked. A fiber parks for one reason at a time. */
export function explainParked(core: SchedulerCore, fiber: number): ParkReason {
  if (core.timers.has(fiber)) return { kind: "sleep", deadlineMs: core.timers.deadlineMsOf(fiber) };
  const pipe = core.pipeWaitedOnBy(fiber);
  if (pipe !== NONE) return { kind: "block", pipe };
  const task = core.taskWaitedOnBy(fiber);
  if (task !== NONE) return { kind: "wait", task };
  return { kind: "suspend" };
}
