/*
 * lifecycle.c: how a scheduler begins, ends, and is abandoned (R3).
 *
 * A scheduler is live from create() to deinit(). Its shell, the struct itself, is never freed: it waits on a list for
 * the next create(), with the memory of its tables. A second deinit() finds it dead and does nothing.
 * That holds until a create() hands the same shell out again, which R3 allows: nothing may be used after deinit.
 *
 * A replayer may leave a hook by longjmp and never touch that scheduler again (include/lockstep.h). No code of ours
 * runs then. So each hook is entered with in_hook set, and create() takes a scheduler that is still in a hook for
 * abandoned and reclaims it: hooks never call create(), so none of them can still be running.
 */
#include <stdlib.h>

#include "defects.h"
#include "must.h"
#include "panic.h"
#include "readiness.h"
#include "sched.h"

static lockstep_sched *live;  /* doubly linked */
static lockstep_sched *dead;  /* shells for reuse, linked by live_next */
static int64_t in_hook_count; /* live schedulers with in_hook set, so that create() seldom has to look for them */

void sched_hook_enter(lockstep_sched *sched) {
  if (sched->in_hook) return; /* a panic out of the idle hook */
  sched->in_hook = true;
  in_hook_count++;
}

void sched_hook_leave(lockstep_sched *sched) {
  LOCKSTEP_MUST(sched->in_hook && in_hook_count > 0, "a hook that returns was entered");
  sched->in_hook = false;
  in_hook_count--;
}

/*
 * Everything that the scheduler holds goes back, and its shell to the dead. Must not run on one of its fibers' stacks.
 * The seed frees only fibers in the ready queue; we free the suspended ones too, and the one that a panic was in.
 */
static void reclaim(lockstep_sched *sched) {
  LOCKSTEP_MUST(sched->alive, "a live scheduler is reclaimed");
  sched->current = NULL; /* abandoned in a fiber, or NULL already */
  sched_io_close(sched);
  sched_timers_clear(&sched->timers);
  for (uint32_t slot = 0; sched->n_live > 0 && slot < sched->fibers.used; slot++) {
    lockstep_fiber *fiber = sched_fiber_table_find(&sched->fibers, slot);
    if (fiber == NULL) continue;
    fiber->has_timer = false;
    sched_io_evict(sched, fiber);
    if (SCHED_DEFECT(DEINIT_LEAKS_FIBERS)) continue;
    sched_reap(sched, fiber);
  }
  sched->ready_head = NULL;
  sched->ready_tail = NULL;
  LOCKSTEP_MUST(sched->io.count == 0, "io waiters belong to fibers");
  sched_tasks_free(sched);
  if (sched->in_hook) sched_hook_leave(sched);

  if (sched->live_next != NULL) sched->live_next->live_previous = sched->live_previous;
  if (sched->live_previous != NULL) {
    sched->live_previous->live_next = sched->live_next;
  } else {
    live = sched->live_next;
  }
  sched->alive = false;
  sched->live_next = dead;
  dead = sched;
}

static void reclaim_abandoned(void) {
  lockstep_sched *next;
  for (lockstep_sched *sched = live; sched != NULL && in_hook_count > 0; sched = next) {
    next = sched->live_next;
    if (!sched->in_hook) continue;
    if (sched->current != NULL) SCHED_ANNOTATE_LEFT_BY_LONGJMP(sched);
    reclaim(sched);
  }
  LOCKSTEP_MUST(in_hook_count == 0, "every scheduler that is in a hook is live");
}

/* NULL when memory has run out: there is no scheduler yet whose panic it could be. */
lockstep_sched *sched_create(void) {
  if (in_hook_count > 0) reclaim_abandoned();
  lockstep_sched *sched = dead;
  if (sched != NULL) {
    dead = sched->live_next;
  } else {
    sched = calloc(1, sizeof *sched);
    if (sched == NULL) return NULL;
  }
  LOCKSTEP_MUST(!sched->alive, "a new scheduler comes from a dead shell");
  *sched = (lockstep_sched){
      .timers = {.heap = sched->timers.heap,
                 .capacity = sched->timers.capacity,
                 .places = sched->timers.places,
                 .places_capacity = sched->timers.places_capacity},
      .fibers = {.rows = sched->fibers.rows, .capacity = sched->fibers.capacity, .first_free = SCHED_SLOT_NONE},
      .io = {.by_fd = sched->io.by_fd, .capacity = sched->io.capacity, .queue = SCHED_READINESS_CLOSED},
      .alive = true,
      .live_next = live,
  };
  if (live != NULL) live->live_previous = sched;
  live = sched;
  return sched;
}

void sched_deinit(lockstep_sched *sched) {
  if (!sched->alive) return; /* idempotent */
  LOCKSTEP_MUST(!sched->in_hook, "deinit() is not called from a hook, nor after one was left by longjmp");
  if (sched->current != NULL && !SCHED_DEFECT(C6_DEINIT)) sched_panic(sched, SCHED_PANIC_DEINIT_INSIDE, 0);
  reclaim(sched);
}
