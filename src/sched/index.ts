/** The public face of the model: what `fiber-lockstep/sched` will export. */
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
