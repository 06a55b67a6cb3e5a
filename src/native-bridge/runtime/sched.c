/*
 * sched.c: fibers and the run loop of the native scheduler (F1-F5, T1-T3, R1, R2).
 *
 * A fiber that parks does what the run loop would do next and switches straight to the fiber that it finds, so that a
 * switch costs one exchange of stacks and not two. The order is the run loop's: who yields stands behind all that it woke
 * or spawned before (F2), and one timer fires where nobody is ready (T2). Only where fds are to be waited for, where
 * nothing is left to run, and at a fiber's end does a switch lead to the run loop: the stack of a fiber that is done is
 * recycled off it (F5).
 */
#include "sched.h"

#include <sys/mman.h>
#include <unistd.h>

#include "context.h"
#include "defects.h"
#include "must.h"
#include "panic.h"
#include "slab.h"
#include "stack_pool.h"

static struct sched_slab fibers = SCHED_SLAB_OF(lockstep_fiber);

/* The ready queue, first in first out. */

/* What no queue that is first in first out needs: only defects put a fiber at the head. */
static void ready_prepend(lockstep_sched *sched, lockstep_fiber *fiber) {
  fiber->ready_next = sched->ready_head;
  if (sched->ready_head == NULL) sched->ready_tail = fiber;
  sched->ready_head = fiber;
}

static void ready_append(lockstep_sched *sched, lockstep_fiber *fiber) {
  LOCKSTEP_MUST(fiber->state == SCHED_FIBER_READY, "the ready queue holds ready fibers");
  if (SCHED_DEFECT(QUEUE_LIFO)) {
    ready_prepend(sched, fiber);
    return;
  }
  fiber->ready_next = NULL;
  if (sched->ready_tail == NULL) {
    sched->ready_head = fiber;
  } else {
    sched->ready_tail->ready_next = fiber;
  }
  sched->ready_tail = fiber;
}

enum { lead_max = 8, line_bytes = 64, fibers_cached = 4096 /* so many lie in the cache anyway */ };

/* What a switch to the fiber will touch of its stack: from the saved sp up. */
static inline void fetch_stack(const lockstep_fiber *fiber) {
  __builtin_prefetch(fiber->sp, 1);
  __builtin_prefetch((char *)fiber->sp + line_bytes, 1);
}

/*
 * Has the cache fetch what a switch to a fiber some places behind the new head will touch: its stack, and before that the
 * fiber that follows it. Among many fibers each of these is a miss, and so they overlap.
 */
static inline void fetch_ahead(lockstep_sched *sched, lockstep_fiber *taken) {
  lockstep_fiber *ahead = sched->ready_ahead;
  int32_t lead = sched->ready_lead - 1;
  if (ahead == NULL || ahead == taken) {
    ahead = sched->ready_head;
    lead = 0;
  }
  for (int32_t step = 0; step < 2 && lead < lead_max && ahead != NULL && ahead->ready_next != NULL; step++, lead++) {
    ahead = ahead->ready_next;
    __builtin_prefetch(ahead->ready_next, 1);
    fetch_stack(ahead);
  }
  sched->ready_ahead = ahead;
  sched->ready_lead = lead;
}

/* The head of the ready queue, now the one that runs; NULL when nobody is ready. */
static inline lockstep_fiber *ready_take(lockstep_sched *sched) {
  lockstep_fiber *fiber = sched->ready_head;
  if (fiber == NULL) return NULL;
  LOCKSTEP_MUST(fiber->state == SCHED_FIBER_READY, "a fiber that is to run is ready");
  sched->ready_head = fiber->ready_next;
  if (sched->ready_head == NULL && !SCHED_DEFECT(QUEUE_TAIL_NOT_RESET)) sched->ready_tail = NULL;
  if (sched->n_live > fibers_cached) fetch_ahead(sched, fiber);
  if (!SCHED_DEFECT(QUEUE_TAKE_KEEPS_LINK)) fiber->ready_next = NULL;
  sched->current = fiber;
  fiber->state = SCHED_FIBER_RUNNING;
  return fiber;
}

/* From spawn to reap. */

/* The one place that runs a body. Never returns: there is nothing above the trampoline to return to. */
_Noreturn void sched_dispatch(lockstep_fiber *fiber) {
  lockstep_sched *sched = fiber->sched;
  SCHED_ANNOTATE_ARRIVE_FIBER(fiber, sched);
  LOCKSTEP_MUST(sched->current == fiber, "a fiber enters as the current one");
  fiber->body(fiber->arg);
  fiber->state = SCHED_FIBER_DONE;
  if (SCHED_DEFECT(END_UNMAPS_OWN_STACK)) {
    /* Tops stand at any place in their page; the one that this runs on goes too. */
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t end = ((uintptr_t)fiber->stack_top + page - 1) & ~(page - 1);
    munmap((void *)(end - SCHED_STACK_USABLE_BYTES), SCHED_STACK_USABLE_BYTES);
  }
  SCHED_ANNOTATE_LEAVE(fiber, sched, false);
  sched_switch(&fiber->sp, sched->sp);
  sched_invariant_broken("a fiber that is done never runs again");
}

lockstep_fiber *sched_spawn(lockstep_sched *sched, void (*body)(void *), void *arg) {
  LOCKSTEP_MUST(sched->alive, "a fiber is spawned before deinit");
  LOCKSTEP_MUST(body != NULL, "a fiber has a body");
  lockstep_fiber *fiber = sched_slab_take(&fibers);
  if (fiber == NULL) sched_panic(sched, SCHED_PANIC_NO_MEMORY_FIBER, 0);

  void *top;
  enum sched_stack_result result = sched_stack_take(&top);
  if (result != SCHED_STACK_OK) {
    sched_slab_give(&fibers, fiber); /* not in the list of all fibers yet, so nobody else would */
    if (result == SCHED_STACK_NO_GUARD) sched_panic(sched, SCHED_PANIC_NO_GUARD, 0);
    sched_panic(sched, SCHED_PANIC_NO_MEMORY_STACK, (int64_t)sched_stack_total_bytes());
  }

  struct sched_frame *frame = (struct sched_frame *)top - 1;
  sched_frame_begin(frame, sched_trampoline, fiber);
  /* Field by field: clearing the whole first costs as much as the rest of a spawn. */
  fiber->sp = frame;
  fiber->sched = sched;
  fiber->timer_index = SCHED_TIMER_NONE;
  fiber->state = SCHED_FIBER_READY;
  fiber->waiting_fd = SCHED_FD_NONE;
  fiber->body = body;
  fiber->arg = arg;
  fiber->stack_top = top;
  fiber->all_previous = NULL;
  fiber->all_next = sched->fibers;
  fiber->id = sched->next_id++;
  SCHED_ANNOTATE_BOUNDS(fiber, (char *)top - SCHED_STACK_USABLE_BYTES, SCHED_STACK_USABLE_BYTES);
  if (sched->fibers != NULL) sched->fibers->all_previous = fiber;
  sched->fibers = fiber;
  sched->n_spawned++;
  sched->n_live++;
  if (SCHED_DEFECT(SPAWN_TO_FRONT)) {
    ready_prepend(sched, fiber);
  } else {
    ready_append(sched, fiber);
  }
  return fiber;
}

void sched_reap(lockstep_sched *sched, lockstep_fiber *fiber) {
  LOCKSTEP_MUST(fiber != sched->current, "a fiber is reaped off its stack (F5)");
  LOCKSTEP_MUST(fiber->timer_index == SCHED_TIMER_NONE && fiber->waiting_fd == SCHED_FD_NONE,
                "no timer and no io waiter outlives its fiber");
  if (fiber->all_next != NULL) fiber->all_next->all_previous = fiber->all_previous;
  if (fiber->all_previous != NULL) {
    fiber->all_previous->all_next = fiber->all_next;
  } else {
    sched->fibers = fiber->all_next;
  }
  if (--sched->n_live == fibers_cached) sched->ready_ahead = NULL; /* which is kept no longer */
  if (!SCHED_DEFECT(REAP_LEAKS_STACK)) sched_stack_give(fiber->stack_top);
  if (SCHED_DEFECT(REAP_GIVES_STACK_TWICE)) sched_stack_give(fiber->stack_top);
  sched_slab_give(&fibers, fiber);
}

/* Who runs next. */

/* T2: the clock moves here and nowhere else. */
static void fire_earliest_timer(lockstep_sched *sched) {
  struct sched_timer timer = sched_timers_take_earliest(&sched->timers);
  LOCKSTEP_MUST(timer.deadline_ms >= sched->clock_ms, "the virtual clock never goes back");
  LOCKSTEP_MUST(timer.fiber->state == SCHED_FIBER_SUSPENDED, "a timer belongs to a suspended fiber");
  if (!SCHED_DEFECT(CLOCK_NOT_ADVANCED)) sched->clock_ms = timer.deadline_ms;
  sched_wake(sched, timer.fiber);
  if (sched->n_live > fibers_cached && sched->timers.count > 0) fetch_stack(sched->timers.heap[0].fiber);
  if (SCHED_DEFECT(FIRE_KEEPS_COUNT)) sched->n_suspended++;
}

/* What runs next when nobody is ready: who the earliest timer wakes. NULL where fds are to be waited for, or nothing is left. */
static lockstep_fiber *take_by_timer(lockstep_sched *sched) {
  lockstep_fiber *fiber;
  /* T2 and T3: one timer, then the ready queue again; fds only when no timer is left. */
  while ((fiber = ready_take(sched)) == NULL) {
    if (sched->timers.count == 0) return NULL;
    if (SCHED_DEFECT(FDS_BEFORE_TIMERS) && sched->io.count > 0) return NULL;
    fire_earliest_timer(sched);
    if (SCHED_DEFECT(FIRE_ALL_TIES)) {
      while (sched->timers.count > 0 && sched->timers.heap[0].deadline_ms == sched->clock_ms) fire_earliest_timer(sched);
    }
  }
  return fiber;
}

/* What a running fiber does to itself, and others do to a suspended one. */

static inline void switch_to_fiber(lockstep_fiber *fiber, lockstep_fiber *next) {
  if (next == fiber) return; /* its turn has come before it left its stack */
  SCHED_ANNOTATE_LEAVE(fiber, next, true);
  sched_switch(&fiber->sp, next->sp);
  SCHED_ANNOTATE_ARRIVE_FIBER(fiber, fiber->sched);
}

static __attribute__((noinline)) void switch_where_nobody_is_ready(lockstep_sched *sched, lockstep_fiber *fiber) {
  lockstep_fiber *next = take_by_timer(sched);
  if (next != NULL) {
    switch_to_fiber(fiber, next);
    return;
  }
  sched->current = NULL;
  SCHED_ANNOTATE_LEAVE(fiber, sched, true);
  sched_switch(&fiber->sp, sched->sp);
  SCHED_ANNOTATE_ARRIVE_FIBER(fiber, sched);
}

/*
 * The fiber has parked. Returns when it is its turn again. Each switch comes last in its function, where the compiler jumps
 * to it instead of calling: a fiber then goes on in its caller, and the way there has no call that is never returned from.
 */
static inline void switch_to_next(lockstep_sched *sched, lockstep_fiber *fiber) {
  lockstep_fiber *next = ready_take(sched);
  if (__builtin_expect(next != NULL, 1))
    switch_to_fiber(fiber, next);
  else
    switch_where_nobody_is_ready(sched, fiber);
}

void sched_yield_now(lockstep_sched *sched) {
  lockstep_fiber *fiber = sched->current;
  if (fiber == NULL) sched_panic(sched, SCHED_PANIC_YIELD_OUTSIDE, 0);
  LOCKSTEP_MUST(fiber->state == SCHED_FIBER_RUNNING, "a fiber that yields is running");
  fiber->state = SCHED_FIBER_READY;
  if (SCHED_DEFECT(YIELD_APPENDS_AFTER_SWITCH)) {
    sched_switch(&fiber->sp, sched->sp);
    return;
  }
  if (SCHED_DEFECT(YIELD_TO_FRONT)) {
    ready_prepend(sched, fiber);
  } else {
    ready_append(sched, fiber); /* F2: behind all that it woke or spawned before it yielded */
  }
  switch_to_next(sched, fiber);
}

void sched_suspend_self(lockstep_sched *sched) {
  lockstep_fiber *fiber = sched->current;
  if (fiber == NULL) sched_panic(sched, SCHED_PANIC_SUSPEND_OUTSIDE, 0);
  LOCKSTEP_MUST(fiber->state == SCHED_FIBER_RUNNING, "a fiber that suspends itself is running");
  fiber->state = SCHED_FIBER_SUSPENDED;
  sched->n_suspended++;
  switch_to_next(sched, fiber);
}

/*
 * Every path back to the ready queue leads through here, so the two evictions hold for all of them: a timer or an io
 * waiter left behind would wake the fiber out of a later sleep, or be fired on a fiber that is gone.
 */
void sched_wake(lockstep_sched *sched, lockstep_fiber *fiber) {
  LOCKSTEP_MUST(fiber != NULL && fiber->sched == sched, "a scheduler wakes its own fibers");
  if (SCHED_DEFECT(WAKE_CHECKS_ONLY_READY)) {
    if (fiber->state == SCHED_FIBER_READY) return;
  } else if (!SCHED_DEFECT(WAKE_UNGUARDED)) {
    if (fiber->state != SCHED_FIBER_SUSPENDED) return;
  }
  if (!SCHED_DEFECT(WAKE_KEEPS_TIMER)) sched_timers_evict(&sched->timers, fiber);
  if (!SCHED_DEFECT(WAKE_KEEPS_IO_WAITER)) sched_io_evict(sched, fiber);
  LOCKSTEP_MUST(sched->n_suspended > 0, "a suspended fiber is counted");
  if (!SCHED_DEFECT(WAKE_KEEPS_COUNT)) sched->n_suspended--;
  fiber->state = SCHED_FIBER_READY;
  if (SCHED_DEFECT(WAKE_TO_FRONT)) {
    ready_prepend(sched, fiber);
  } else {
    ready_append(sched, fiber);
  }
}

void sched_sleep(lockstep_sched *sched, int64_t ms) {
  lockstep_fiber *fiber = sched->current;
  if (fiber == NULL) sched_panic(sched, SCHED_PANIC_SLEEP_OUTSIDE, 0);
  if (SCHED_DEFECT(SLEEP_ZERO_YIELDS) && ms == 0) {
    sched_yield_now(sched);
    return;
  }
  if (ms < 0 && !SCHED_DEFECT(SLEEP_NEGATIVE_ALLOWED)) sched_panic(sched, SCHED_PANIC_SLEEP_NEGATIVE, ms);
  /* C4, turned around so that nothing can overflow: the clock is never beyond its maximum. */
  if (ms > SCHED_CLOCK_MS_MAX - SCHED_DEFECT(SLEEP_LIMIT_TOO_LOW) - sched->clock_ms && !SCHED_DEFECT(C4)) {
    sched_panic(sched, SCHED_PANIC_SLEEP_OVERFLOW, ms);
  }
  /* Unsigned, since the sum can wrap where C4 is missing. */
  if (!sched_timers_arm(&sched->timers, fiber, (int64_t)((uint64_t)sched->clock_ms + (uint64_t)ms))) {
    sched_panic(sched, SCHED_PANIC_NO_MEMORY_TIMER, 0);
  }
  sched_suspend_self(sched);
}

/* The run loop. */

/* Until a fiber is done, or nobody is ready and no timer armed. */
static void switch_from_run_loop(lockstep_sched *sched, lockstep_fiber *fiber) {
  SCHED_ANNOTATE_LEAVE_RUN_LOOP(sched, fiber);
  sched_switch(&sched->sp, fiber->sp);
  SCHED_ANNOTATE_ARRIVE_SCHED(sched);
  lockstep_fiber *last = sched->current; /* not the fiber that we have switched to, as a rule */
  if (last == NULL) return;
  sched->current = NULL;
  if (SCHED_DEFECT(YIELD_APPENDS_AFTER_SWITCH) && last->state == SCHED_FIBER_READY) {
    ready_append(sched, last);
    return;
  }
  LOCKSTEP_MUST(last->state == SCHED_FIBER_DONE, "a fiber that is current in the run loop is done");
  sched_reap(sched, last); /* F5: we are off its stack now */
}

void sched_run(lockstep_sched *sched) {
  LOCKSTEP_MUST(sched->alive && !sched->in_hook, "run() is called on a live scheduler, not from its hooks");
  if (sched->current != NULL && !SCHED_DEFECT(C6_RUN)) sched_panic(sched, SCHED_PANIC_RUN_INSIDE, 0);
  for (;;) {
    lockstep_fiber *fiber;
    while ((fiber = take_by_timer(sched)) != NULL) switch_from_run_loop(sched, fiber);
    if (sched->io.count == 0) break;
    sched_io_wait(sched);
  }
  if (SCHED_DEFECT(DEADLOCK_UNREPORTED)) return;
  if (SCHED_DEFECT(DEADLOCK_OF_ONE_UNREPORTED) && sched->n_suspended == 1) return;
  if (sched->n_suspended != 0) {
    sched_panic(sched, SCHED_PANIC_DEADLOCK, sched->n_suspended);
  }
}
