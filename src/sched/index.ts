/** The model as a library, `fiber-lockstep/sched`: fibers and tasks whose bodies are generator functions. @module */
export { checkScheduler } from "./check-scheduler.js";
export type { Readiness } from "./readiness.js";
export {
  Canceled,
  Fiber,
  type Op,
  Scheduler,
  SchedulerHang,
  type SchedulerOptions,
  SchedulerPanic,
  Task,
} from "./scheduler.js";
export {
  type FiberBodies,
  FiberState,
  NONE,
  RunEnd,
  SchedulerCore,
  Step,
  TaskState,
} from "./scheduler-core.js";
export { explainParked, type ParkReason, type SchedulerSnapshot, snapshotOf } from "./snapshot.js";
