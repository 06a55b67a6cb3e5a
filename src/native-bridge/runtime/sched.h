/*
 * sched.h: the types of the native scheduler, and what its files offer each other.
 *
 * Everything runs on one thread. A fiber is in exactly one place by its state: ready in the ready queue, running as
 * current, suspended nowhere but in at most one timer, one io waiter and one task's waiter slot. Besides, every fiber
 * is in its scheduler's table of fibers until it is reaped.
 *
 * Rules: SPEC section 1 for what each function does. The seed's names are kept where it has one.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "annotate.h"
#include "fiber_table.h"
#include "lockstep.h"
#include "slab.h"
#include "timers.h"

#define SCHED_FD_NONE (-1)

enum sched_fiber_state { SCHED_FIBER_READY, SCHED_FIBER_RUNNING, SCHED_FIBER_SUSPENDED, SCHED_FIBER_DONE };

/* One cache line. */
struct lockstep_fiber {
  lockstep_fiber *ready_next; /* first, so that it is the word that links free fibers */
  void *sp;                   /* the saved context (context.h); stale while the fiber runs */
  lockstep_sched *sched;
  uint32_t slot;      /* in its scheduler's table of fibers; its timer goes by it too */
  int32_t waiting_fd; /* the fd that it waits for as io waiter, or SCHED_FD_NONE */
  uint32_t id;        /* the order of spawning, for people with a debugger */
  uint8_t state;      /* enum sched_fiber_state */
  bool has_timer;
  void (*body)(void *);
  void *arg;
  void *stack_top; /* of the stack that it has for ever */
  SCHED_ANNOTATION
};
_Static_assert(sizeof(lockstep_fiber) == 64 + SCHED_ANNOTATION_BYTES, "one cache line");

enum sched_task_state { SCHED_TASK_PENDING, SCHED_TASK_READY, SCHED_TASK_CANCELED };

struct lockstep_task {
  lockstep_task *all_next; /* first, as in lockstep_fiber */
  lockstep_sched *sched;
  int64_t (*work)(void *);
  void *arg;
  int64_t value;          /* meaningful in state ready */
  lockstep_fiber *waiter; /* the one fiber parked in wait(), or NULL */
  enum sched_task_state state;
  bool canceled; /* stays true when the work ends later and sets state ready (K3) */
};

/* Fibers parked on fds, by fd. */
struct sched_io_waiters {
  lockstep_fiber **by_fd; /* NULL where an fd has no waiter */
  size_t capacity;
  size_t count;
  int queue; /* the readiness queue, SCHED_READINESS_CLOSED until the first block */
};

struct lockstep_sched {
  void *sp; /* the run loop's saved context, meaningful while a fiber runs */
  lockstep_fiber *current;
  lockstep_fiber *ready_head, *ready_tail;
  lockstep_fiber *ready_ahead; /* the fiber in the queue whose stack was fetched last, or NULL */
  int32_t ready_lead;          /* how many places it is behind the head */
  uint32_t fires;              /* of timers among many */
  int64_t clock_ms; /* virtual, 0 to SCHED_CLOCK_MS_MAX */
  int64_t n_spawned; /* the next fiber's id, too */
  int64_t n_suspended;
  struct sched_timers timers;
  struct sched_io_waiters io;
  struct sched_fiber_table fibers; /* all that are not reaped */
  size_t n_live;                   /* how many these are */
  lockstep_fiber *done;            /* the fiber that ended last, to be reaped off its stack; NULL when it is */
  lockstep_task *tasks;   /* all, until deinit */
  void (*idle_hook)(void *);
  void *idle_hook_context;
  bool alive;   /* false after deinit, in the list of dead shells */
  bool in_hook; /* true from the call of a hook to its return: for ever, when the hook is left by longjmp */
  lockstep_sched *live_previous, *live_next; /* live_next also links the dead shells */
  SCHED_ANNOTATION
};

/* F4: its timer, if it has one. */
static inline void sched_timer_evict(lockstep_sched *sched, lockstep_fiber *fiber) {
  if (!fiber->has_timer) return;
  uint32_t slot = sched_timers_evict(&sched->timers, fiber->slot);
  lockstep_fiber *evicted = sched_fiber_table_find(&sched->fibers, slot);
  if (evicted != NULL) evicted->has_timer = false; /* the fiber itself, but for slips */
}

#define SCHED_CLOCK_MS_MAX (((int64_t)1 << 53) - 1) /* C4: what a double, and so JSON, holds exactly */

/* Where a fiber that is done leads to. In two registers, on both architectures. */
struct sched_next {
  void *sp;
  uint64_t is_run_loop; /* 1 or 0 */
};

/* sched.c: fibers and the run loop. */
lockstep_fiber *sched_spawn(lockstep_sched *sched, void (*body)(void *), void *arg); /* F1 */
void sched_yield_now(lockstep_sched *sched);                                         /* F2 */
void sched_suspend_self(lockstep_sched *sched);                                      /* F3 */
void sched_wake(lockstep_sched *sched, lockstep_fiber *fiber);                       /* F4 */
void sched_sleep(lockstep_sched *sched, int64_t ms);                                 /* T1 */
void sched_run(lockstep_sched *sched);                                               /* R1, R2 */
void sched_reap(lockstep_sched *sched, lockstep_fiber *fiber);                       /* F5: the fiber goes back with its stack */
/* Called by sched_trampoline on the fiber's fresh stack; no C names it, so the compiler must be told to keep it. */
__attribute__((used)) struct sched_next sched_dispatch(lockstep_fiber *fiber);

/* io_waiters.c */
void sched_block_on_fd(lockstep_sched *sched, int32_t fd, bool want_read); /* I1 */
void sched_io_evict(lockstep_sched *sched, lockstep_fiber *fiber);         /* F4: its waiter and registration, if any */
void sched_io_wait(lockstep_sched *sched);                                 /* I2: idle hook, wait, wake */
void sched_io_close(lockstep_sched *sched);                                /* R3: all registrations go with the queue */

/* tasks.c */
lockstep_task *sched_go(lockstep_sched *sched, int64_t (*work)(void *), void *arg); /* K1 */
int sched_wait(lockstep_task *task, int64_t *value);                                /* K2 */
void sched_cancel(lockstep_task *task);                                             /* K3 */
void sched_tasks_free(lockstep_sched *sched);                                       /* R3: all tasks go back */

/* lifecycle.c */
lockstep_sched *sched_create(void);
void sched_deinit(lockstep_sched *sched); /* R3 */
void sched_hook_enter(lockstep_sched *sched);
void sched_hook_leave(lockstep_sched *sched);

#endif
