/**
 * Runtimes with one planted fault: our native scheduler, built from a copy in which one place of one file says something else.
 *
 * The edit must match exactly once, so that a fault never silently turns into the good runtime when the source changes.
 */
import { machineArchitecture } from "../../src/native-bridge/architecture.js";
import { buildRuntime, type Edit } from "./runtime-builds.js";

export interface Fault extends Edit {
  readonly name: string;
}

const ARCHITECTURE = machineArchitecture();

/** Faults of deinit (R3) and reaping (F5) that no body can see: only what is left behind tells. */
export const LEAKS: readonly (Fault & { readonly leaks: string })[] = [
  {
    name: "deinit leaks the readiness queue (R3)",
    leaks: "fds",
    file: "io_waiters.c",
    from: "  sched_readiness_close(sched->io.queue);\n",
    to: "",
  },
  {
    name: "deinit leaks the tasks (R3)",
    leaks: "heap",
    file: "tasks.c",
    from: "    sched_slab_give(&tasks, task);\n",
    to: "",
  },
  {
    name: "the stack of a fiber that never ran is lost (R3)",
    leaks: "mappings",
    file: "sched.c",
    from: "  sched_stack_give(fiber->stack_top);\n",
    to: "  if (fiber->state != SCHED_FIBER_READY) sched_stack_give(fiber->stack_top);\n",
  },
];

/** The faults that issue 2 of the plan names, each a realistic slip. */
export const FAULTS: readonly Fault[] = [
  {
    name: "LIFO instead of FIFO (F1, F2, F4)",
    file: "sched.c",
    from: "  sched->ready_tail->ready_next = fiber;\n  }\n  sched->ready_tail = fiber;",
    to: "  fiber->ready_next = sched->ready_head;\n    sched->ready_head = fiber;\n    return;\n  }\n  sched->ready_tail = fiber;",
  },
  {
    name: "ties by last armed (T2)",
    file: "timers.c",
    from: "return a->sequence < b->sequence;",
    to: "return a->sequence > b->sequence;",
  },
  {
    name: "a wake leaves the timer armed (F4)",
    file: "sched.c",
    from: "  sched_timers_evict(&sched->timers, fiber);\n",
    to: "",
  },
  {
    name: "a wake leaves the io waiter registered (F4)",
    file: "io_waiters.c",
    from: "  if (sched->io.queue != SCHED_READINESS_CLOSED) sched_readiness_remove(sched->io.queue, fd);\n",
    to: "  (void)fd;\n",
  },
  {
    name: "a register lost in the switch (X1)",
    file: `switch_${ARCHITECTURE}.S`,
    from:
      ARCHITECTURE === "x86_64"
        ? "    movq    SCHED_FRAME_R14(%rsp), %r14\n"
        : "    ldp     d12, d13, [sp, #SCHED_FRAME_D12]\n",
    to: "",
  },
  {
    name: "a wrong value (K2)",
    file: "tasks.c",
    from: "  *value = task->value;",
    to: "  *value = task->value + (task->waiter != NULL || task->all_next != NULL);",
  },
  ...LEAKS,
];

/** Builds the runtime with the fault in `folder`; the path of the library. */
export function buildFaulty(fault: Fault, folder: string): string {
  return buildRuntime(folder, fault.name.replace(/\W+/g, "-"), {
    architecture: ARCHITECTURE,
    edits: [fault],
  });
}
