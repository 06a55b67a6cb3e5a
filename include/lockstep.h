/*
 * lockstep.h: what a fiber runtime exports to be tested by Lockstep (C ABI, version 1).
 *
 * Build your runtime, or an adapter over it, as a shared library that exports lockstep_runtime_v1(), and name its path
 * as a target: lockstep diff program.json --on model,./mine.so. docs/your-runtime.md takes you there step by step,
 * examples/boost-context is a whole adapter, and the rules named here (F1, T2, ...) stand in docs/semantics.md.
 * C11 and C++17; nothing to link with.
 *
 * The replayer is the code that calls these functions. It promises:
 *
 * - Everything happens on one thread: the one that loaded the library, in a process forked from there. Threads that a
 *   constructor of the library starts are not in it. Bodies must run on the thread that called run(). Under an emulator
 *   the process may be forked again between two programs, outside all schedulers, and the fork go on with other programs.
 * - Handles are opaque and belong to the runtime; the replayer never frees one. It passes a fiber to wake() until its
 *   body has returned and never after, so a runtime may free a fiber that is done. It passes a task to wait() and
 *   cancel() until deinit(), also when its work has ended.
 * - One scheduler is alive at a time. A process makes many, one after the other: each create() comes after a deinit()
 *   or after the scheduler before was abandoned (see the hooks), and must not see anything of it.
 * - After deinit() nothing is called on a scheduler but deinit() again, until the next create().
 * - body and work return normally, and once. They never throw and never leave by longjmp; they take up to 64 frames
 *   of 1 KiB of the fiber's stack besides the runtime's own, and sometimes overflow it on purpose: a guard below the
 *   stack tells that from a crash. A body that has overflowed may be brought back to where it began to, and call
 *   sleep(-1), for the scheduler to panic and be abandoned (see the hooks). That is in no trace.
 *
 * Source: SPEC section 5.
 */
#ifndef LOCKSTEP_H
#define LOCKSTEP_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOCKSTEP_RUNTIME_ABI 1

/* Declared here, defined by the runtime if it likes: only pointers to them cross the boundary. */
typedef struct lockstep_sched lockstep_sched;
typedef struct lockstep_fiber lockstep_fiber;
typedef struct lockstep_task lockstep_task;

/* "Panics" is: ends the program with the text that the rule gives, by the panic hook where it is set (see there). */
typedef struct lockstep_runtime {
  uint32_t abi;     /* LOCKSTEP_RUNTIME_ABI */
  const char *name; /* one line for people, UTF-8: "sched-c aarch64-linux epoll" */

  /* A fresh scheduler: clock 0, counts 0, no fibers. NULL when there is no memory for it: the program crashes then. */
  lockstep_sched *(*create)(void);

  /*
   * R3. Frees fibers that never ran, those that are suspended, and tasks; closes what was opened. Called again on the
   * same scheduler it does nothing, so the struct itself must outlive it; the next create() may free or reuse it. One
   * that is neither freed nor given out again counts as leaked.
   * In a fiber it panics (C6).
   */
  void (*deinit)(lockstep_sched *);

  /* F1. In and outside fibers. The body does not begin before the caller parks, ends or calls run(). Never NULL. */
  lockstep_fiber *(*spawn)(lockstep_sched *, void (*body)(void *), void *arg);

  /* The running fiber, as spawn() returned it; NULL outside fibers. In a task's work: the fiber that runs it. */
  lockstep_fiber *(*current)(lockstep_sched *);

  void (*yield_now)(lockstep_sched *);              /* F2; outside a fiber it panics */
  void (*suspend_self)(lockstep_sched *);           /* F3; outside a fiber it panics */
  void (*wake)(lockstep_sched *, lockstep_fiber *); /* F4; in and outside fibers, never switches */

  /* The virtual clock in milliseconds: moved by timers alone, never by time that passes. In and outside fibers. */
  int64_t (*now_ms)(lockstep_sched *);

  void (*sleep)(lockstep_sched *, int64_t ms);                       /* T1; ms may be anything, 0 and negative too */
  void (*block_on_fd)(lockstep_sched *, int32_t fd, bool want_read); /* I1; fd may be closed, or used by another */
  void (*run)(lockstep_sched *);                                     /* R1, R2; may be called again after it returns */

  int64_t (*n_spawned)(lockstep_sched *);   /* fibers spawned since create(), those of tasks included */
  int64_t (*n_suspended)(lockstep_sched *); /* fibers suspended now, sleepers and io waiters included */

  lockstep_task *(*go)(lockstep_sched *, int64_t (*work)(void *), void *arg); /* K1; as spawn, never NULL */

  /* K2. Returns 0 and sets *value, or returns 1 for Canceled and leaves *value alone. `value` is never NULL. */
  int (*wait)(lockstep_task *, int64_t *value);

  void (*cancel)(lockstep_task *); /* K3; in and outside fibers, wakes nobody */

  /*
   * The two hooks are optional: NULL where the runtime has none. What is lost then stands in docs/your-runtime.md.
   *
   * Abandonment: the replayer may leave either hook by longjmp, to where it called create(). Frames of the runtime
   * that stand between are dropped without being unwound: they must hold no lock, and in C++ no object with a
   * destructor. That scheduler and its fibers are never touched again. A runtime that wants their memory back may
   * reclaim it in the next create(). Hooks call nothing of the runtime but now_ms(), so none is still running by then.
   */

  /*
   * Set after each create(), for that scheduler. To be called in run() right before each wait of I2, on the stack that
   * run() was called on and with current() NULL. It may make descriptors readable; it returns, or it abandons.
   */
  void (*set_idle_hook)(lockstep_sched *, void (*hook)(void *), void *ctx);

  /*
   * Set once in a process, before the first create(). To be called instead of print and abort, on whatever stack the
   * panic is found on, with its line and no end of line. The hook copies the message and does not return.
   * Without it, print the line to standard output, flush, and call abort().
   */
  void (*set_panic_hook)(void (*hook)(const char *message));
} lockstep_runtime;

/* The one symbol that is looked up. Called once; what it returns must stay valid while the library is loaded. */
const lockstep_runtime *lockstep_runtime_v1(void);

#ifdef __cplusplus
}
#endif

#endif
