/**
 * The bench of planted bugs: every way in which our native runtime can be built wrong, one slip a build.
 *
 * Invariant: each defect here is a `SCHED_DEFECT(NAME)` in the sources of `runtime/`, and each of those is here; a test holds the two
 * against each other. `seed` defects are those of the original scheduler (SPEC section 2 and the two bugs of its port). `planted` ones are
 * realistic slips at the hazards that the original's comments name. `equivalent` ones look like slips and change nothing that a program can
 * see: whoever reports one is wrong.
 */
import { type Readiness, TargetError } from "../sim/target.js";
import type { Architecture } from "./architecture.js";
import { buildNative } from "./build-native.js";

export type DefectKind = "seed" | "planted" | "equivalent";

export interface Defect {
  /** `-DSCHED_DEFECT_<name>` builds it. */
  readonly name: string;
  readonly kind: DefectKind;
  /** The rule of SPEC that it breaks, or that one might think it breaks. */
  readonly rule: string;
  /** Where it is planted, in `runtime/`. */
  readonly files: readonly string[];
  /** What the runtime does wrong, in one line. */
  readonly text: string;
  readonly architectures: readonly Architecture[];
  /** The readiness queues on which a build has it: one only where it is in that one's file, or a slip there alone. */
  readonly readiness: readonly Readiness[];
}

const BOTH: readonly Architecture[] = ["x86_64", "aarch64"];
const READINESS: readonly Readiness[] = ["epoll", "kqueue"];

/** What these leave out, kqueue does not do: its registrations linger after an early wake and are gone when they have fired. */
const LINGERING: ReadonlySet<string> = new Set(["EVICT_KEEPS_REGISTRATION", "FIRE_KEEPS_REGISTRATION"]);

/** A row: name, rule, file, text. */
type Row = readonly [string, string, string, string];

function rows(kind: DefectKind, architectures: readonly Architecture[], list: readonly Row[]): Defect[] {
  return list.map(([name, rule, files, text]) => ({
    name,
    kind,
    rule,
    files: files.split(" "),
    text,
    architectures,
    readiness: READINESS.filter(
      (one) =>
        files.split(" ").every((file) => !file.startsWith("readiness_") || file === `readiness_${one}.c`) &&
        !(one === "kqueue" && LINGERING.has(name)),
    ),
  }));
}

export const DEFECTS: readonly Defect[] = [
  ...rows("seed", ["aarch64"], [["C1", "C1", "switch_aarch64.S", "the switch does not save d8-d15"]]),
  ...rows("seed", BOTH, [
    ["C2", "C2", "tasks.c", "a wait that a third party wakes returns, though the task is pending"],
    ["C3", "C3", "tasks.c", "a wait that returns leaves its fiber in the waiter slot"],
    ["C4", "C4", "sched.c timers.h", "a deadline past the end of the clock is armed"],
    [
      "C5",
      "C5",
      "readiness_epoll.c runtime_abi.c",
      "a signal during the wait for fds is a failure (without the idle hook)",
    ],
    ["C6_RUN", "C6", "sched.c", "run inside a fiber runs, over the run loop's saved context"],
    ["C6_DEINIT", "C6", "lifecycle.c", "deinit inside a fiber frees the stack that it runs on"],
    [
      "C7",
      "C7",
      "stack_pool.c",
      "the guard is 16 KiB whatever the page size (built as with pages of 64 KiB)",
    ],
    ["BUG_A", "X1", "tasks.c", "the closure of a task finds the dispatch function where its work should be"],
    ["BUG_B", "X1", "switch_aarch64.S switch_x86_64.S", "the trampoline is missing from the library"],
  ]),
  ...rows("planted", BOTH, [
    ["QUEUE_LIFO", "F1", "sched.c", "the ready queue is last in, first out"],
    [
      "QUEUE_TAIL_NOT_RESET",
      "F1",
      "sched.c",
      "the tail of an emptied ready queue still points at its last fiber",
    ],
    ["SPAWN_TO_FRONT", "F1", "sched.c", "a new fiber goes to the head of the ready queue"],
    ["YIELD_TO_FRONT", "F2", "sched.c", "a fiber that yields goes to the head of the ready queue"],
    ["WAKE_UNGUARDED", "F4", "sched.c", "wake does not ask whether the fiber is suspended"],
    ["WAKE_CHECKS_ONLY_READY", "F4", "sched.c", "wake takes every fiber that is not ready for suspended"],
    ["WAKE_KEEPS_TIMER", "F4", "sched.c", "wake leaves the timer of a sleeper armed"],
    ["WAKE_KEEPS_IO_WAITER", "F4", "sched.c", "wake leaves the io waiter recorded and registered"],
    ["WAKE_KEEPS_COUNT", "F4", "sched.c", "wake does not count n_suspended down"],
    ["WAKE_TO_FRONT", "F4", "sched.c", "a woken fiber goes to the head of the ready queue"],
    ["EVICT_KEEPS_REGISTRATION", "F4", "io_waiters.c", "an early wake leaves the fd registered"],
    ["EVICT_TAKES_EARLIEST", "F4", "timers.c", "an early wake evicts the earliest timer, whosever it is"],
    ["END_UNMAPS_OWN_STACK", "F5", "sched.c", "a fiber that ends unmaps its stack while it is on it"],
    ["REAP_GIVES_STACK_TWICE", "F5", "sched.c", "the stack of a finished fiber goes back twice"],
    ["REAP_LEAKS_STACK", "F5", "sched.c", "the stack of a finished fiber never goes back"],
    ["SLEEP_ZERO_YIELDS", "T1", "sched.c", "sleep(0) is a yield"],
    ["SLEEP_NEGATIVE_ALLOWED", "T1", "sched.c", "a negative sleep arms a timer in the past"],
    ["SLEEP_LIMIT_TOO_LOW", "T1", "sched.c", "the last millisecond of the clock is refused"],
    ["CLOCK_NOT_ADVANCED", "T2", "sched.c", "the clock stands still when a timer fires"],
    ["FIRE_ALL_TIES", "T2", "sched.c", "all timers of one deadline fire at once"],
    ["FIRE_KEEPS_COUNT", "T2", "sched.c", "a timer that fires does not count n_suspended down"],
    ["TIES_BY_LAST", "T2", "timers.c", "of equal deadlines the one armed last fires first"],
    [
      "REMOVAL_RENEWS_TURN",
      "T2",
      "timers.c",
      "the timer that fills a gap loses its turn among equal deadlines",
    ],
    ["REMOVAL_ONLY_SINKS", "T2", "timers.c", "the timer that fills a gap is never moved up"],
    ["HEAP_SKIPS_LAST_CHILD", "T2", "timers.c", "the last of four children is not compared"],
    ["FDS_BEFORE_TIMERS", "T3", "sched.c", "fds are waited for while timers are armed"],
    ["BLOCK_CHECKS_DIRECTION_FIRST", "I1", "io_waiters.c", "want_read is checked before the fiber"],
    ["BLOCK_WRITE_ALLOWED", "I1", "io_waiters.c", "a block for writing waits for reading"],
    ["BLOCK_SECOND_ALLOWED", "I1", "io_waiters.c", "a second waiter on an fd is not refused"],
    ["FORGET_KEEPS_COUNT", "I2", "io_waiters.c", "an io waiter that leaves is still counted"],
    ["FIRE_KEEPS_REGISTRATION", "I2", "io_waiters.c", "an fd that fired stays registered"],
    ["BATCH_ONE_SHORT", "I2", "readiness_epoll.c", "a wait takes 15 events (MAXEV is 16)"],
    [
      "KQUEUE_NOT_ONESHOT",
      "I1",
      "readiness_kqueue.c",
      "the registration is not one-shot and fires again and again",
    ],
    [
      "KQUEUE_REMOVES_EARLY",
      "I3",
      "readiness_kqueue.c",
      "an early wake removes the registration, as on epoll",
    ],
    [
      "KQUEUE_EOF_DROPPED",
      "I2",
      "readiness_kqueue.c",
      "an event that says end of file is taken for an error and dropped",
    ],
    ["BATCH_TAIL_DROPPED", "I2", "io_waiters.c", "the last event of a full batch is dropped"],
    ["BATCH_ONLY_FIRST", "I2", "io_waiters.c", "only the first event of a batch wakes its fiber"],
    ["BATCH_IN_REVERSE", "I2", "io_waiters.c", "the events of a batch are taken from the last to the first"],
    ["DEADLOCK_UNREPORTED", "R2", "sched.c", "run returns when fibers are still suspended"],
    ["DEADLOCK_OF_ONE_UNREPORTED", "R2", "sched.c", "a deadlock of one fiber is not reported"],
    ["DEINIT_LEAKS_FIBERS", "R3", "lifecycle.c", "deinit leaks the fibers that never ran, with their stacks"],
    ["DEINIT_LEAKS_TASKS", "R3", "tasks.c", "deinit leaks the tasks"],
    ["DEINIT_LEAKS_QUEUE", "R3", "io_waiters.c", "deinit leaves the readiness queue's fd open"],
    ["WORK_READY_AT_ITS_START", "K1", "tasks.c", "a task is ready when its work begins, not when it ends"],
    ["END_WAKES_NOBODY", "K1", "tasks.c", "the end of the work does not wake the waiter"],
    ["CANCELED_END_WAKES_NOBODY", "K1", "tasks.c", "the end of canceled work does not wake the waiter"],
    ["CANCEL_TOO_LATE", "K1", "tasks.c", "work that was canceled before it began is done all the same"],
    ["WAIT_CHECKS_WAITER_FIRST", "K2", "tasks.c", "a second wait on a canceled task panics"],
    ["WAIT_READY_PARKS", "K2", "tasks.c", "a wait on a task that is ready parks"],
    ["WAIT_SECOND_ALLOWED", "K2", "tasks.c", "a second waiter takes the place of the first"],
    ["WAIT_READS_VALUE_EARLY", "K2", "tasks.c", "a wait reads the value before it parks"],
    ["WAIT_VALUE_BY_PROCESS", "K2", "tasks.c", "a wait gives another value in every process"],
    ["CANCEL_WITHOUT_FLAG", "K3", "tasks.c", "cancel sets the state, which the end of the work overwrites"],
    ["CANCEL_LOST_ONCE_READY", "K3", "tasks.c", "a cancel after the end of the work is lost"],
    ["CANCEL_WAKES", "K3", "tasks.c", "cancel wakes the waiter"],
    ["GUARD_NOT_ARMED", "F1", "stack_pool.c", "the guard of a stack is not armed"],
    ["STACK_TOP_MISALIGNED", "F1", "stack_pool.c", "the top of a stack is 8 bytes off a multiple of 16"],
  ]),
  ...rows(
    "planted",
    ["x86_64"],
    [
      ["X86_LOSES_RBX", "X1", "switch_x86_64.S", "rbx is not restored"],
      ["X86_LOSES_RBP", "X1", "switch_x86_64.S", "rbp is not restored"],
      ["X86_LOSES_R12", "X1", "switch_x86_64.S", "r12 is not restored"],
      ["X86_LOSES_R13", "X1", "switch_x86_64.S", "r13 is not restored"],
      ["X86_LOSES_R14", "X1", "switch_x86_64.S", "r14 is not restored"],
      ["X86_LOSES_R15", "X1", "switch_x86_64.S", "r15 is not restored"],
      ["X86_SAVES_HALF_OF_R12", "X1", "switch_x86_64.S", "the lower half of r12 is saved"],
      ["X86_SAVES_R15_OVER_R14", "X1", "switch_x86_64.S", "r15 is saved in the place of r14"],
      ["X86_LOSES_MXCSR", "X1", "switch_x86_64.S", "the control word of SSE is not restored"],
      ["X86_LOSES_X87CW", "X1", "switch_x86_64.S", "the control word of x87 is not restored"],
      [
        "X86_MXCSR_WITHOUT_ROUNDING",
        "X1",
        "switch_x86_64.S",
        "another rounding mode does not make mxcsr differ",
      ],
      ["X86_ENTRY_STALE_ARGUMENT", "X1", "switch_x86_64.S", "the trampoline takes the fiber from rbp"],
      ["X86_ENTRY_MISALIGNED", "X1", "switch_x86_64.S", "the trampoline enters dispatch with rsp off by 8"],
    ],
  ),
  ...rows(
    "planted",
    ["aarch64"],
    [
      ["A64_LOSES_X19", "X1", "switch_aarch64.S", "x19 is not restored"],
      ["A64_LOSES_X22", "X1", "switch_aarch64.S", "x22 is not restored"],
      ["A64_LOSES_X23", "X1", "switch_aarch64.S", "x23 is not restored"],
      ["A64_LOSES_X28", "X1", "switch_aarch64.S", "x28 is not restored"],
      ["A64_LOSES_X29", "X1", "switch_aarch64.S", "x29, the frame pointer, is not restored"],
      ["A64_LOSES_D9", "X1", "switch_aarch64.S", "d9 is not restored"],
      ["A64_LOSES_D14", "X1", "switch_aarch64.S", "d14 is not restored"],
      ["A64_SWAPS_X25_X26", "X1", "switch_aarch64.S", "x25 and x26 are restored in each other's place"],
      ["A64_SWAPS_D10_D11", "X1", "switch_aarch64.S", "d10 and d11 are restored in each other's place"],
      ["A64_SAVES_HALF_OF_X27", "X1", "switch_aarch64.S", "the lower half of x27 is saved"],
      ["A64_SAVES_HALF_OF_D13", "X1", "switch_aarch64.S", "the lower half of d13 is saved"],
      ["A64_ENTRY_STALE_ARGUMENT", "X1", "switch_aarch64.S", "the trampoline takes the fiber from x20"],
    ],
  ),
  ...rows("equivalent", BOTH, [
    [
      "QUEUE_TAKE_KEEPS_LINK",
      "F1",
      "sched.c",
      "a fiber keeps its link when it leaves the queue; every append clears it",
    ],
    [
      "YIELD_APPENDS_AFTER_SWITCH",
      "F2",
      "sched.c",
      "a yield appends after the switch, in the run loop; nobody runs in between",
    ],
    [
      "END_WAKES_BEFORE_VALUE",
      "K1",
      "tasks.c",
      "the waiter is woken before the value is set; it runs only later",
    ],
    [
      "FIRE_LEAVES_WAITER_TO_WAKE",
      "I2",
      "io_waiters.c",
      "an event leaves the waiter recorded; wake evicts it",
    ],
    [
      "REGISTRATION_NOT_ONESHOT",
      "I1",
      "readiness_epoll.c",
      "the registration is not one-shot; every event removes it",
    ],
  ]),
];

const BY_NAME: ReadonlyMap<string, Defect> = new Map(DEFECTS.map((defect) => [defect.name, defect]));

export function findDefect(name: string): Defect | undefined {
  return BY_NAME.get(name);
}

/**
 * The path of our runtime with the defect, compiled now if the cache does not hold it.
 *
 * @throws TargetError as `buildNative` does; `invalid` for a defect that `architecture` does not have.
 */
export async function buildDefective(
  defect: Defect,
  architecture: Architecture,
  readiness: Readiness = "epoll",
): Promise<string> {
  if (!defect.architectures.includes(architecture)) {
    const where = defect.architectures.join(" and ");
    throw new TargetError("invalid", `${defect.name} is a defect of ${where} only, not of ${architecture}`);
  }
  if (!defect.readiness.includes(readiness)) {
    const where = defect.readiness.join(" and ");
    throw new TargetError("invalid", `${defect.name} is a defect of ${where} only, not of ${readiness}`);
  }
  const extraFlags = [`-DSCHED_DEFECT_${defect.name}`, "-DSCHED_WITHOUT_MUST"];
  return buildNative("libsched.so", architecture, { extraFlags, readiness });
}
