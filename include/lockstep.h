/*
 * lockstep.h: what a fiber runtime exports to be tested by Lockstep (C ABI, version 1).
 *
 * Build your runtime, or an adapter over it, as a shared library that exports lockstep_runtime_v1(), and name its path
 * as a target: lockstep diff program.json --on model,./mine.so. What each function must do is SPEC section 1, by the
 * rule given beside it. Everything runs on one thread; handles are opaque to the replayer and belong to the runtime.
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

typedef struct lockstep_sched lockstep_sched;
typedef struct lockstep_fiber lockstep_fiber;
typedef struct lockstep_task lockstep_task;

typedef struct lockstep_runtime {
  uint32_t abi;     /* LOCKSTEP_RUNTIME_ABI */
  const char *name; /* for people: "sched-c aarch64-linux epoll" */
  lockstep_sched *(*create)(void);                                              /* a fresh scheduler, clock 0 */
  /*
   * R3; idempotent: a second call does nothing, up to the next create(). So the scheduler itself is best kept, and given
   * out by the next create(); one that is neither freed nor given out again counts as leaked.
   */
  void (*deinit)(lockstep_sched *);
  lockstep_fiber *(*spawn)(lockstep_sched *, void (*body)(void *), void *arg);  /* F1 */
  lockstep_fiber *(*current)(lockstep_sched *);                                 /* NULL outside a fiber */
  void (*yield_now)(lockstep_sched *);                                          /* F2 */
  void (*suspend_self)(lockstep_sched *);                                       /* F3 */
  void (*wake)(lockstep_sched *, lockstep_fiber *);                             /* F4 */
  int64_t (*now_ms)(lockstep_sched *);                                          /* the virtual clock, milliseconds */
  void (*sleep)(lockstep_sched *, int64_t ms);                                  /* T1 */
  void (*block_on_fd)(lockstep_sched *, int32_t fd, bool want_read);            /* I1 */
  void (*run)(lockstep_sched *);                                                /* R1, R2 */
  int64_t (*n_spawned)(lockstep_sched *);
  int64_t (*n_suspended)(lockstep_sched *);
  lockstep_task *(*go)(lockstep_sched *, int64_t (*work)(void *), void *arg);   /* K1 */
  int (*wait)(lockstep_task *, int64_t *value);                                 /* K2; 0: value is set; 1: Canceled */
  void (*cancel)(lockstep_task *);                                              /* K3 */

  /*
   * Optional, may be NULL. The replayer may leave either hook by longjmp and never touch that scheduler again. A
   * runtime that wants the memory of such a scheduler back may reclaim it in its next create(): hooks never call
   * create() themselves.
   */
  void (*set_idle_hook)(lockstep_sched *, void (*hook)(void *), void *ctx); /* called before each wait of I2 */
  void (*set_panic_hook)(void (*hook)(const char *message));                /* called instead of print + abort */
} lockstep_runtime;

const lockstep_runtime *lockstep_runtime_v1(void);

#ifdef __cplusplus
}
#endif

#endif
