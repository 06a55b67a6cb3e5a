/**
 * Runtimes with one planted fault: our native scheduler, built from a copy in which one place of one file says something else.
 *
 * The edit must match exactly once, so that a fault never silently turns into the good runtime when the source changes.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "../../src/native-bridge/package-path.js";

export interface Fault {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const ARCHITECTURE = process.arch === "arm64" ? "aarch64" : "x86_64";

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
];

/** Builds the runtime with the fault in `folder`; the path of the library. */
export function buildFaulty(fault: Fault, folder: string): string {
  const sources = join(folder, fault.name.replace(/\W+/g, "-"));
  mkdirSync(sources, { recursive: true });
  cpSync(packagePath("src", "native-bridge", "runtime"), sources, { recursive: true });
  const path = join(sources, fault.file);
  const parts = readFileSync(path, "utf8").split(fault.from);
  if (parts.length !== 2)
    throw new Error(`${fault.name}: ${fault.file} has the place ${parts.length - 1} times`);
  writeFileSync(path, parts.join(fault.to));
  const library = join(sources, "libsched.so");
  const files = readdirSync(sources).filter(
    (file) => file.endsWith(".c") || file.endsWith(`_${ARCHITECTURE}.S`),
  );
  execFileSync(
    "cc",
    [
      "-std=c11",
      "-D_GNU_SOURCE",
      "-O2",
      "-g",
      "-fPIC",
      "-shared",
      "-fvisibility=hidden",
      `-I${packagePath("include")}`,
      "-o",
      library,
      ...files,
    ],
    { cwd: sources, stdio: ["ignore", "ignore", "inherit"] },
  );
  return library;
}
