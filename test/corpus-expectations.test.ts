/**
 * What corpus programs must do, derived from SPEC.md by hand, on every target of this machine.
 *
 * The traces in the corpus are recorded from the model, and a wrong oracle would lock wrong traces in. So nothing here is
 * recorded: each line was worked out on paper from the rule beside it. Notation (`support/trace-readers.ts`): a wake is
 * `who@t`, a log `value@t`, a result `op=result`, that of run `run=clock/spawned/suspended`.
 */
import { describe, expect, test } from "vitest";
import { epollTargetsHere, loadCorpusProgram, replayOn } from "./support/replay.js";
import { outcomeLine, resultsOf, timedLogsOf, wakeLine } from "./support/trace-readers.js";

interface Expectation {
  /** What the entry shows, with its rules. */
  readonly so: string;
  readonly wakes?: string;
  readonly logs?: string;
  /** Results of ops by who did them. */
  readonly results?: Readonly<Record<string, string>>;
  readonly outcome: string;
}

/** Entries that end in a panic of SPEC section 1 (first F2 and F3, outside a fiber): the text, exact, and the clock. */
const panics: Readonly<Record<string, string>> = {
  "f2-yield-outside-a-fiber": "panic@0 sched: yield_now() called outside a fiber (no running fiber)",
  "f3-suspend-outside-a-fiber": "panic@0 sched: suspend_self() called outside a fiber (no running fiber)",
  // T1: outside comes before negative, so a sleep(-5) of main gives the former.
  "t1-sleep-outside-a-fiber": "panic@0 sched: sleep() called outside a fiber (no running fiber)",
  "t1-negative-sleep-of-the-largest-size":
    "panic@0 sched: sleep(-9007199254740991) — negative duration would rewind the virtual clock",
  // T1, C4: 1 + (2^53 - 1) is past the end; the clock stands at 1 by then.
  "t1-deadline-overflows-the-clock":
    "panic@1 sched: sleep(9007199254740991) — deadline overflows the virtual clock",
  // T1, C4: at clock 2^53 - 1 a sleep(0) is still legal, a sleep(1) is not.
  "t1-deadline-at-the-end-of-the-clock":
    "panic@9007199254740991 sched: sleep(1) — deadline overflows the virtual clock",
  // I1, in its order of checks: outside, want_read, waiter, registration. The fd of pipe i is 100 + 2i.
  "i1-block-outside-a-fiber": "panic@0 sched: block_on_fd() called outside a fiber (no running fiber)",
  "i1-outside-is-checked-before-want-read":
    "panic@0 sched: block_on_fd() called outside a fiber (no running fiber)",
  "i1-block-write-is-not-implemented":
    "panic@0 sched: block_on_fd(want_read=false) — write-readiness not implemented",
  "i1-second-waiter-on-one-fd":
    "panic@0 sched: block_on_fd: fd 102 already has a waiter (one waiter per fd in the M:1 model)",
  "i1-waiter-is-checked-before-the-registration":
    "panic@0 sched: block_on_fd: fd 100 already has a waiter (one waiter per fd in the M:1 model)",
  "i1-block-on-a-closed-read-end": "panic@0 sched: epoll_ctl() failed to register fd 102 for read readiness",
  // K2: a pending task without a waiter suspends as F3, which panics outside a fiber.
  "k2-wait-outside-a-fiber-on-a-pending-task":
    "panic@0 sched: suspend_self() called outside a fiber (no running fiber)",
  // C2, K2: the waiter that parked again still holds the slot.
  "c2-early-woken-waiter-keeps-its-slot":
    "panic@0 sched: wait() — task already has a waiter (one awaiter per task in the M:1 model)",
  // R2: who is suspended is counted, tasks' fibers too: in the last, parked, work and its waiter.
  "f4-wake-is-not-remembered": "panic@0 sched: deadlock — 1 fiber(s) suspended with an empty run queue",
  "k2-task-that-waits-for-itself": "panic@0 sched: deadlock — 1 fiber(s) suspended with an empty run queue",
  "k3-cancel-wakes-nobody": "panic@0 sched: deadlock — 2 fiber(s) suspended with an empty run queue",
  "r2-deadlock-of-one": "panic@0 sched: deadlock — 1 fiber(s) suspended with an empty run queue",
  "r2-deadlock-of-several": "panic@7 sched: deadlock — 3 fiber(s) suspended with an empty run queue",
  // C6, in a fiber and in a task.
  "c6-run-inside-a-fiber": "panic@3 sched: run() called inside a fiber",
  "c6-deinit-inside-a-fiber": "panic@0 sched: deinit() called inside a fiber",
};

const expectations: Readonly<Record<string, Expectation>> = {
  "f1-spawn-inside-a-fiber": {
    so: "a spawned fiber is appended behind those that are ready, and refused the second time (F1)",
    logs: "1@0 2@0 3@0 4@0 5@0",
    results: { parent: "spawn=spawned log=1 spawn=spawned spawn=already log=2" },
    outcome: "completed@0",
  },
  "f2-yield-stands-behind-woken-and-spawned": {
    so: "a yielding fiber stands behind those that it woke and spawned before (F2)",
    wakes: "parked@0 yielder@0 bystander@0 parked@0 child@0 yielder@0 main@0",
    outcome: "completed@0",
  },
  "f4-wake-leaves-all-but-suspended-alone": {
    so: "a wake of a finished, running or ready fiber does nothing (F4)",
    wakes: "early@0 waker@0 late@0 main@0",
    results: { waker: "wake=finished wake=called wake=called wake=called log=2" },
    outcome: "completed@0",
  },
  // The witness stands at 100, where the evicted timer would have fired; 210 is 10 + 200.
  "f4-wake-evicts-the-timer-for-good": {
    so: "the timer of a sleeper woken early never fires (F4)",
    wakes: "sleeper@0 waker@0 witness@0 waker@10 sleeper@10 witness@100 sleeper@210 main@210",
    outcome: "completed@210",
  },
  "f4-woken-sleeper-loses-its-place": {
    so: "a sleeper woken and armed anew for the same deadline fires last (F4, T2)",
    wakes: "first@0 second@0 waker@0 first@0 second@10 first@10 main@10",
    outcome: "completed@10",
  },
  // Work is known from its begin to its end; skipped, canceled before its turn, never is.
  "f4-wake-of-a-task": {
    so: "a task can be woken between its begin and its end (F4, K1, K3)",
    wakes: "waker@0 work@0 waker@0 work@0 waker@0 waker@0 main@0",
    results: {
      waker:
        "wake=unspawned go=spawned wake=unspawned wake=called wake=finished go=spawned cancel=called wake=unspawned",
      main: "spawn=spawned run=0/3/0",
    },
    outcome: "completed@0",
  },
  "t2-equal-deadlines-in-order-of-arming": {
    so: "timers of one deadline fire in order of arming: a, spawned first, yielded and armed last (T2)",
    wakes: "a@0 b@0 c@0 d@0 e@0 a@0 b@10 d@10 c@20 e@20 a@20 main@20",
    outcome: "completed@20",
  },
  // The deadline 30 was armed at clock 0 by first, at 10 by middle, at 20 by last.
  "t2-equal-deadlines-armed-at-different-times": {
    so: "order of arming decides whatever the clock was (T2)",
    wakes: "middle@0 first@0 last@0 middle@10 last@20 first@30 middle@30 last@30 main@30",
    outcome: "completed@30",
  },
  "t2-queue-drains-before-the-next-timer": {
    so: "all that a woken sleeper sets off is done before the next timer of its deadline (T2)",
    wakes: "first@0 second@0 first@10 first@10 child@10 first@10 second@10 main@10",
    outcome: "completed@10",
  },
  "t2-sleep-zero": {
    so: "sleep(0) fires after the ready queue has drained, in order of arming (T1, T2)",
    wakes: "twice@0 once@0 busy@0 busy@0 twice@0 once@0 twice@0 main@0",
    outcome: "completed@0",
  },
  "t3-timers-before-fds": {
    so: "a readable fd waits until no timer is armed (T3)",
    wakes: "reader@0 ticker@0 ticker@5 ticker@10 ticker@15 reader@15 main@15",
    outcome: "completed@15",
  },
  "t3-new-timer-holds-back-the-next-fd": {
    so: "a timer armed by a woken reader goes before the next fd (T3)",
    wakes: "first@0 second@0 first@0 first@7 second@7 main@7",
    outcome: "completed@7",
  },
  "i2-world-writes-then-closes": {
    so: "the world acts at idle, after the timers, one action until something is readable (I2, T3)",
    wakes: "reader@0 sleeper@0 sleeper@10 reader@10 reader@10 main@10",
    results: { reader: "read=3 read=0 log=2", world: "write=3 close=closed" },
    outcome: "completed@10",
  },
  // At the first idle served is readable, so its write end is still open: empty, not 0. The fourth action is never done.
  "i2-world-acts-while-nothing-is-readable": {
    so: "the world does nothing while a waited-for fd is readable, and else acts until one is (I2)",
    results: {
      served_reader: "read=1 read=empty read=empty log=1",
      late_reader: "read=2 log=2",
      world: "close=closed write=2 write=1",
    },
    outcome: "completed@0",
  },
  "i2-world-rests-when-nobody-waits": {
    so: "without io waiters the world is not asked (I2, R1)",
    results: { main: "spawn=spawned run=3/1/0 read=empty", world: "" },
    outcome: "completed@3",
  },
  "i2-io-hang-when-the-world-runs-out": {
    so: "a reader that nothing will serve hangs (I2)",
    results: { reader: "read=2", world: "write=2" },
    outcome: "io-hang@4 reader/p",
  },
  "i2-io-hang-in-order-of-arming": {
    so: "waiters hang in order of arming; the one woken and armed anew is last (I2, F4)",
    wakes: "reader_c@0 reader_a@0 reader_b@0 waker@0 reader_c@0",
    outcome: "io-hang@0 reader_a/a reader_b/b reader_c/c",
  },
  // Written in the order 7k mod 20. The logs 100 + i come after a yield: 16 of them before the other four begin.
  "i3-batches-of-sixteen": {
    so: "fds are delivered in the order of their writes, 16 a wait (I2, I3)",
    logs: [0, 7, 14, 1, 8, 15, 2, 9, 16, 3, 10, 17, 4, 11, 18, 5]
      .concat([100, 107, 114, 101, 108, 115, 102, 109, 116, 103, 110, 117, 104, 111, 118, 105])
      .concat([12, 19, 6, 13, 112, 119, 106, 113])
      .join("@0 ")
      .concat("@0"),
    outcome: "completed@0",
  },
  // After 16 the list holds 12 19 6 13. Reader 0 drained 19 (passed over), drained and wrote 6 (stays) and stands behind as 20;
  // reader 5 woke 13 (evicted, runs in the first batch). Then only 19 waits, and the world writes it.
  "i3-woken-fibers-act-on-the-rest-of-the-list": {
    so: "between two batches entries are dropped, kept, evicted and appended (I3, F4)",
    logs: [0, 7, 14, 1, 8, 15, 2, 9, 16, 3, 10, 17, 4, 11, 18, 5]
      .concat([13, 12, 6, 20, 19])
      .join("@0 ")
      .concat("@0"),
    outcome: "completed@0",
  },
  "i3-drained-and-written-again-keeps-its-place": {
    so: "an entry drained and written again before a wait keeps its place (I3)",
    wakes: "reader_p@0 reader_q@0 meddler@0 meddler@5 reader_p@5 reader_q@5 main@5",
    outcome: "completed@5",
  },
  // The first wait drops p and delivers q; reader_q then writes r before p. Had p kept its entry, 3 would stand before 2.
  "i3-dropped-entry-is-appended-anew": {
    so: "an entry found not readable is dropped, and a later write appends a new one (I3)",
    logs: "1@0 2@0 3@0",
    outcome: "completed@0",
  },
  "i3-readable-when-registered": {
    so: "readable when registered stands before registered earlier and written later (I3)",
    wakes: "reader_p@0 reader_q@0 writer@0 reader_q@0 reader_p@0 main@0",
    outcome: "completed@0",
  },
  "i3-early-wake-evicts-the-entry": {
    so: "a reader woken early loses its place (F4, I3)",
    wakes: "reader_p@0 reader_q@0 waker@0 reader_p@0 reader_q@0 reader_p@0 main@0",
    outcome: "completed@0",
  },
  "i3-early-wake-frees-the-fd": {
    so: "the fd of a reader woken early is free for another at once (F4, I1)",
    wakes: "reader@0 waker@0 reader@0 waker@0 main@0",
    results: { waker: "wake=called read=2 log=2" },
    outcome: "completed@0",
  },
  "i3-early-woken-reader-is-left-alone": {
    so: "the old fd of a reader woken early wakes nobody (F4, I2)",
    logs: "1@0 2@0 3@0",
    outcome: "completed@0",
  },
  "i3-close-of-the-read-end-under-a-waiter": {
    so: "closing the read end removes the entry, and the waiter hangs (I3, I2)",
    results: { closer: "write=1 close=closed write=broken" },
    outcome: "io-hang@0 reader/p",
  },
  "i3-waiter-on-a-closed-read-end-is-woken": {
    so: "a waiter whose fd is closed can still be woken (F4)",
    results: { reader: "read=closed log=1" },
    outcome: "completed@0",
  },
  "i3-end-of-file-is-readable": {
    so: "a close of the write end makes a fd readable in its place, and it stays so (I3)",
    wakes: "reader_p@0 reader_q@0 closer@0 reader_q@0 reader_p@0 reader_p@0 main@0",
    results: { reader_p: "read=2 read=0 read=0 log=2", reader_q: "read=0 log=1" },
    outcome: "completed@0",
  },
  "pipe-write-results": {
    so: "a pipe takes 4096 bytes, and what was written before a close is read (SPEC 3)",
    results: {
      filler:
        "write=4096 write=full read=1 write=full write=1 close=closed write=closed close=already read=4096 read=0",
    },
    outcome: "completed@0",
  },
  "pipe-write-to-a-closed-read-end": {
    so: "broken where the read end is closed, though the pipe is full; closed comes before it (SPEC 3)",
    results: {
      breaker: "write=4096 close=closed write=broken read=closed close=already close=closed write=closed",
    },
    outcome: "completed@0",
  },
  "pipe-read-results": {
    so: "empty while the write end is open, 0 at end of file (SPEC 3)",
    results: { reader: "read=empty write=6 read=4 read=2 read=empty close=closed read=0 read=0" },
    outcome: "completed@0",
  },
  "k2-canceled-is-checked-before-the-waiter": {
    so: "a canceled task gives Canceled at once, though another waits for it (K2)",
    wakes: "work@0 first@0 canceler@0 second@0 second@0 work@10 first@10 main@10",
    results: { first: "wait=canceled log=3", second: "wait=canceled log=1" },
    outcome: "completed@10",
  },
  "k2-ready-is-checked-before-the-waiter": {
    so: "a ready task gives its value at once, though its waiter has not run yet (K2)",
    wakes: "work@0 first@0 second@0 work@0 second@0 second@0 first@0 main@0",
    results: { first: "wait=5 log=2", second: "wait=5 log=1" },
    outcome: "completed@0",
  },
  "k2-wait-again-on-a-ready-task": {
    so: "a ready task gives its value every time, outside a fiber too (K2)",
    results: {
      one: "wait=7 wait=7 log=1",
      other: "wait=7 log=2",
      main: "go=spawned spawn=spawned spawn=spawned run=0/3/0 wait=7",
    },
    outcome: "completed@0",
  },
  "k2-tasks-wait-for-tasks": {
    so: "a chain of tasks ends from its far end (K1, K2)",
    wakes: "root@0 upper@0 middle@0 lower@0 lower@5 middle@5 upper@5 root@5 main@5",
    outcome: "completed@5",
  },
  // The three early wakes leave no record: each time the waiter parks again inside its wait.
  "c2-early-woken-waiter-parks-again": {
    so: "a waiter woken by a third party waits on (C2)",
    wakes: "waiter@0 waker@0 work@0 waker@0 waker@0 waker@0 work@10 waiter@10 main@10",
    results: { waiter: "go=spawned wait=5 log=2" },
    outcome: "completed@10",
  },
  "c2-task-ends-before-the-woken-waiter-runs": {
    so: "a waiter woken early finds the value that came before its turn (C2, K2)",
    wakes: "work@0 waiter@0 waker@0 work@0 waiter@0 main@0",
    results: { waiter: "wait=5 log=2" },
    outcome: "completed@0",
  },
  "c3-waiter-asleep-is-not-woken-by-its-old-task": {
    so: "the end of a task leaves a former waiter asleep (C3)",
    wakes: "work@0 waiter@0 canceler@0 waiter@0 work@10 waiter@100 main@100",
    outcome: "completed@100",
  },
  "c3-finished-waiter-is-left-alone": {
    so: "the end of a task wakes nobody in the place of a finished waiter (C3)",
    wakes: "work@0 waiter@0 canceler@0 waiter@0 canceler@0 heir@0 work@10 heir@100 main@100",
    outcome: "completed@100",
  },
  "k3-cancel-before-the-work": {
    so: "work canceled before its turn is skipped, and its waiter woken (K1, K3)",
    wakes: "waiter@0 canceler@0 waiter@0 main@0",
    results: { waiter: "go=spawned wait=canceled log=2" },
    outcome: "completed@0",
  },
  "k3-cancel-during-the-work": {
    so: "work canceled on its way runs to its end, and only then its waiter gets Canceled (K3)",
    logs: "1@0 2@0 3@0 4@0",
    results: { waiter: "wait=canceled log=4" },
    outcome: "completed@0",
  },
  "k3-cancel-and-wait-outside-a-fiber": {
    so: "a canceled task gives Canceled outside a fiber, pending or ready (K2, K3)",
    results: {
      main: "go=spawned go=spawned cancel=called wait=canceled cancel=called run=0/2/0 wait=9 cancel=called wait=canceled wait=canceled",
    },
    outcome: "completed@0",
  },
  "r1-run-again-with-the-clock-going-on": {
    so: "a second run goes on from the clock of the first (R1)",
    wakes: "early@0 early@10 main@10 late@10 late@15 main@15",
    results: { main: "spawn=spawned run=10/1/0 spawn=spawned run=15/2/0" },
    outcome: "completed@15",
  },
  "r2-fiber-on-a-fd-is-no-deadlock": {
    so: "a fiber on a fd keeps the loop waiting, whoever else is suspended (R2)",
    outcome: "io-hang@0 reader/p",
  },
  "r3-deinit-frees-fibers-that-never-ran": {
    so: "deinit may be repeated, and the clock keeps its last value (R3)",
    wakes: "ran@0 ran@6 main@6",
    logs: "1@6 2@6",
    outcome: "completed@6",
  },
  "program-main-left-out": {
    so: "a main left out spawns every fiber in order of declaration (SPEC 3)",
    logs: "1@0 2@0 3@0 4@0",
    results: { main: "spawn=spawned spawn=spawned spawn=spawned run=0/3/0" },
    outcome: "completed@0",
  },
  // No call is made for a wait without a go, so main's first return in wake order is that of run.
  "results-refused-and-finished": {
    so: "ops on what is not there, there already or gone say so (SPEC 3)",
    wakes: "work@0 worker@0 worker@0 main@0",
    results: {
      worker: "log=1 wait=3 spawn=already go=already wait=unstarted cancel=unstarted",
      main: "wait=unstarted cancel=unstarted wake=unspawned go=spawned go=already spawn=spawned wake=called spawn=already run=0/2/0 wake=finished wake=finished",
    },
    outcome: "completed@0",
  },
  "values-at-the-limits": {
    so: "values of 54 bits come back exactly (SPEC 3)",
    results: {
      teller:
        "log=9007199254740991 log=-9007199254740991 log=4294967296 log=-4294967297 go=spawned go=spawned wait=9007199254740991 wait=-9007199254740991",
    },
    outcome: "completed@0",
  },
  "repeat-zero-and-nested": {
    so: "a repeat of zero is nothing, and nested ones multiply (SPEC 3)",
    logs: "1@0 4@0 4@0 2@0 1@0 2@0 3@0",
    outcome: "completed@0",
  },
  "call-sleeps-64-frames-deep": {
    so: "fibers switch 64 frames deep (SPEC 3, X1)",
    logs: "1@5 2@5 3@5",
    outcome: "completed@5",
  },
  "call-nested-to-64-frames": {
    so: "nested calls switch at each depth and return from each (SPEC 3, X1)",
    logs: "1@0 2@3 3@10 4@10 5@10 6@10",
    outcome: "completed@10",
  },
  "overflow-in-a-fiber": {
    so: "a stack overflow names its fiber, at its clock (SPEC 3)",
    logs: "1@0 2@3",
    outcome: "stack-overflow@3 deep",
  },
};

describe.each(epollTargetsHere)("corpus programs against SPEC on %s", (target) => {
  test.each(Object.entries(panics))("%s ends in %s", async (name, outcome) => {
    const trace = await replayOn(target, loadCorpusProgram(name));
    expect(outcomeLine(trace.outcome)).toBe(outcome);
  });

  const rows = Object.entries(expectations).map(([name, expected]) => [name, expected.so, expected] as const);
  test.each(rows)("%s: %s", async (name, _so, expected) => {
    const trace = await replayOn(target, loadCorpusProgram(name));
    expect(outcomeLine(trace.outcome)).toBe(expected.outcome);
    if (expected.wakes !== undefined) expect(wakeLine(trace)).toBe(expected.wakes);
    if (expected.logs !== undefined) expect(timedLogsOf(trace)).toBe(expected.logs);
    for (const [who, results] of Object.entries(expected.results ?? {})) {
      expect([who, resultsOf(trace, who)]).toEqual([who, results]);
    }
  });
});
