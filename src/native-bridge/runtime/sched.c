/*
 * sched.c: fibers and the run loop of the native scheduler (F1-F5, T1-T3, R1, R2).
 *
 * A fiber that parks or ends does what the run loop would do next and switches straight to the fiber that it finds, so that
 * a switch costs one exchange of stacks and not two. The order is the run loop's: who yields stands behind all that it woke
 * or spawned before (F2), and one timer fires where nobody is ready (T2). Only where fds are to be waited for and where
 * nothing is left to run does a switch lead to the run loop. A fiber that is done is reaped by the one that ends next, or by
 * the run loop: both are off its stack (F5).
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

/* Fibers that are free, each with the stack that it has for ever, and such as have never had one. */
static struct sched_slab fibers = SCHED_SLAB_OF(lockstep_fiber);
static struct sched_slab fibers_without_stack = SCHED_SLAB_OF(lockstep_fiber);

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

enum { fires_per_fetch = 8, lead_max = 8, line_bytes = 64, fibers_cached = 4096 /* so many lie in the cache anyway */ };

/* What a switch to the fiber will touch of its stack: from the saved sp up. */
static inline void fetch_stack(const lockstep_fiber *fiber) {
  __builtin_prefetch(fiber->sp, 1);
  __builtin_prefetch((char *)fiber->sp + line_bytes, 1);
}

/*
 * Before the head is taken: has the cache fetch what a switch to a fiber some places behind it will touch, its stack and before
 * that the fiber that follows it. Among many fibers each of these is a miss, and so they overlap.
 */
static __attribute__((noinline)) void fetch_ahead(lockstep_sched *sched) {
  lockstep_fiber *head = sched->ready_head;
  lockstep_fiber *ahead = sched->ready_ahead;
  int32_t lead = sched->ready_lead - 1;
  if (ahead == NULL || ahead == head) {
    ahead = head == NULL ? NULL : head->ready_next;
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

static inline bool has_many(const lockstep_sched *sched) { return __builtin_expect(sched->n_live > fibers_cached, 0); }

/* The head of the ready queue, now the one that runs; NULL when nobody is ready. */
static inline lockstep_fiber *ready_take(lockstep_sched *sched) {
  lockstep_fiber *fiber = sched->ready_head;
  if (fiber == NULL) return NULL;
  LOCKSTEP_MUST(fiber->state == SCHED_FIBER_READY, "a fiber that is to run is ready");
  sched->ready_head = fiber->ready_next;
  if (sched->ready_head == NULL && !SCHED_DEFECT(QUEUE_TAIL_NOT_RESET)) sched->ready_tail = NULL;
  if (!SCHED_DEFECT(QUEUE_TAKE_KEEPS_LINK)) fiber->ready_next = NULL;
  sched->current = fiber;
  fiber->state = SCHED_FIBER_RUNNING;
  return fiber;
}

/* From spawn to reap. */

static inline lockstep_fiber *spawn_warm(lockstep_sched *sched, void (*body)(void *), void *arg) {
  lockstep_fiber *fiber = sched_slab_take(&fibers);
  struct sched_frame *frame = (struct sched_frame *)fiber->stack_top - 1;
  sched_frame_begin(frame, sched_trampoline, fiber);
  /* Field by field: clearing the whole first costs as much as the rest of a spawn. */
  fiber->sp = frame;
  fiber->sched = sched;
  fiber->slot = sched_fiber_table_add(&sched->fibers, fiber);
  fiber->waiting_fd = SCHED_FD_NONE;
  fiber->id = (uint32_t)sched->n_spawned++;
  fiber->state = SCHED_FIBER_READY;
  fiber->has_timer = false;
  fiber->body = body;
  fiber->arg = arg;
  SCHED_ANNOTATE_BOUNDS(fiber, (char *)fiber->stack_top - SCHED_STACK_USABLE_BYTES, SCHED_STACK_USABLE_BYTES);
  sched->n_live++;
  if (SCHED_DEFECT(SPAWN_TO_FRONT)) {
    ready_prepend(sched, fiber);
  } else {
    ready_append(sched, fiber);
  }
  return fiber;
}

/* Where no fiber is free, or the table is full. */
static __attribute__((noinline)) lockstep_fiber *spawn_cold(lockstep_sched *sched, void (*body)(void *), void *arg) {
  if (sched_fiber_table_is_full(&sched->fibers) && !sched_fiber_table_extend(&sched->fibers)) {
    sched_panic(sched, SCHED_PANIC_NO_MEMORY_FIBER, 0);
  }
  if (fibers.free == NULL) {
    lockstep_fiber *fiber = sched_slab_take(&fibers_without_stack);
    if (fiber == NULL) sched_panic(sched, SCHED_PANIC_NO_MEMORY_FIBER, 0);
    enum sched_stack_result result = sched_stack_carve(&fiber->stack_top);
    sched_slab_give(result == SCHED_STACK_OK ? &fibers : &fibers_without_stack, fiber);
    if (result == SCHED_STACK_NO_GUARD) sched_panic(sched, SCHED_PANIC_NO_GUARD, 0);
    if (result != SCHED_STACK_OK) sched_panic(sched, SCHED_PANIC_NO_MEMORY_STACK, (int64_t)sched_stack_total_bytes());
  }
  return spawn_warm(sched, body, arg);
}

lockstep_fiber *sched_spawn(lockstep_sched *sched, void (*body)(void *), void *arg) {
  LOCKSTEP_MUST(sched->alive, "a fiber is spawned before deinit");
  LOCKSTEP_MUST(body != NULL, "a fiber has a body");
  if (__builtin_expect(fibers.free == NULL || sched_fiber_table_is_full(&sched->fibers), 0)) {
    return spawn_cold(sched, body, arg);
  }
  return spawn_warm(sched, body, arg);
}

static inline void reap(lockstep_sched *sched, lockstep_fiber *fiber) {
  LOCKSTEP_MUST(fiber != sched->current, "a fiber is reaped off its stack (F5)");
  LOCKSTEP_MUST(!fiber->has_timer && fiber->waiting_fd == SCHED_FD_NONE, "no timer and no io waiter outlives its fiber");
  sched_fiber_table_remove(&sched->fibers, fiber->slot, fiber);
  if (--sched->n_live == fibers_cached) sched->ready_ahead = NULL; /* which is kept no longer */
  SCHED_ANNOTATE_STACK_FREE((char *)fiber->stack_top - SCHED_STACK_USABLE_BYTES, SCHED_STACK_USABLE_BYTES);
  if (SCHED_DEFECT(REAP_GIVES_STACK_TWICE)) {
    /* To the next free fiber, too. */
    if (fibers.free == NULL) sched_slab_give(&fibers, sched_slab_take(&fibers_without_stack));
    ((lockstep_fiber *)fibers.free)->stack_top = fiber->stack_top;
  }
  sched_slab_give(SCHED_DEFECT(REAP_LEAKS_STACK) ? &fibers_without_stack : &fibers, fiber);
}

void sched_reap(lockstep_sched *sched, lockstep_fiber *fiber) { reap(sched, fiber); }

/* Who runs next. */

/*
 * Has the cache fetch the stacks of those whose turn is near. Many at once every few timers, not one at each: where the stacks are
 * many, the way to each leads through page tables that are in no cache, and only then do these ways overlap.
 */
static __attribute__((noinline)) void fetch_sleepers(lockstep_sched *sched) {
  if (sched->fires++ % fires_per_fetch != 0) return;
  uint32_t slots[sched_timers_near_count];
  size_t count = sched_timers_near(&sched->timers, slots);
  for (size_t i = 0; i < count; i++) {
    lockstep_fiber *fiber = sched_fiber_table_find(&sched->fibers, slots[i]);
    LOCKSTEP_MUST(fiber != NULL, "no timer outlives its fiber");
    if (fiber != NULL) fetch_stack(fiber);
  }
}

/* T2: the clock moves here and nowhere else. */
static void fire_earliest_timer(lockstep_sched *sched) {
  struct sched_timer timer = sched_timers_take_earliest(&sched->timers);
  lockstep_fiber *fiber = sched_fiber_table_find(&sched->fibers, timer.slot);
  LOCKSTEP_MUST(timer.deadline_ms >= sched->clock_ms, "the virtual clock never goes back");
  LOCKSTEP_MUST(fiber != NULL && fiber->state == SCHED_FIBER_SUSPENDED && fiber->has_timer,
                "a timer belongs to a suspended fiber");
  if (!SCHED_DEFECT(CLOCK_NOT_ADVANCED)) sched->clock_ms = timer.deadline_ms;
  if (fiber == NULL) return; /* without the assertions, where a slip leaves the timer of a fiber that is gone */
  fiber->has_timer = false;
  sched_wake(sched, fiber);
  if (has_many(sched)) fetch_sleepers(sched);
  if (SCHED_DEFECT(FIRE_KEEPS_COUNT)) sched->n_suspended++;
}

/* What runs next when nobody is ready: who the earliest timer wakes. NULL where fds are to be waited for, or nothing is left. */
static lockstep_fiber *take_by_timer(lockstep_sched *sched) {
  lockstep_fiber *fiber;
  if (has_many(sched)) fetch_ahead(sched);
  /* T2 and T3: one timer, then the ready queue again; fds only when no timer is left. */
  while ((fiber = ready_take(sched)) == NULL) {
    if (sched->timers.count == 0) return NULL;
    if (SCHED_DEFECT(FDS_BEFORE_TIMERS) && sched->io.count > 0) return NULL;
    fire_earliest_timer(sched);
    if (SCHED_DEFECT(FIRE_ALL_TIES)) {
      while (sched->timers.count > 0 && sched_timers_earliest_ms(&sched->timers) == sched->clock_ms) fire_earliest_timer(sched);
    }
  }
  return fiber;
}

/*
 * The one place that runs a body. Returns once, to the trampoline: where to go on, off this stack for ever. Whoever ends next, or
 * the run loop, reaps this fiber (F5): there is nobody on its stack then.
 */
struct sched_next sched_dispatch(lockstep_fiber *fiber) {
  lockstep_sched *sched = fiber->sched;
  SCHED_ANNOTATE_ARRIVE_FIBER(fiber, sched);
  LOCKSTEP_MUST(sched->current == fiber, "a fiber enters as the current one");
  fiber->body(fiber->arg);
  LOCKSTEP_MUST(sched->current == fiber, "a fiber ends as the current one");
  fiber->state = SCHED_FIBER_DONE;
  if (SCHED_DEFECT(END_UNMAPS_OWN_STACK)) {
    /* Tops stand at any place in their page; the one that this runs on goes too. */
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t end = ((uintptr_t)fiber->stack_top + page - 1) & ~(page - 1);
    munmap((void *)(end - SCHED_STACK_USABLE_BYTES), SCHED_STACK_USABLE_BYTES);
  }
  if (sched->done != NULL) reap(sched, sched->done);
  sched->done = fiber;
  lockstep_fiber *next = has_many(sched) ? NULL : ready_take(sched);
  if (next == NULL) next = take_by_timer(sched);
  if (next == NULL) {
    sched->current = NULL;
    SCHED_ANNOTATE_LEAVE(fiber, sched, false);
    return (struct sched_next){sched->sp, 1};
  }
  SCHED_ANNOTATE_LEAVE(fiber, next, false);
  return (struct sched_next){next->sp, 0};
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

static __attribute__((noinline)) void switch_among_many(lockstep_sched *sched, lockstep_fiber *fiber) {
  fetch_ahead(sched);
  lockstep_fiber *next = ready_take(sched);
  if (next != NULL)
    switch_to_fiber(fiber, next);
  else
    switch_where_nobody_is_ready(sched, fiber);
}

/*
 * The fiber has parked. Returns when it is its turn again. Each switch comes last in its function, where the compiler jumps
 * to it instead of calling: a fiber then goes on in its caller, and the way there has no call that is never returned from.
 */
static inline void switch_to_next(lockstep_sched *sched, lockstep_fiber *fiber) {
  if (has_many(sched)) {
    switch_among_many(sched, fiber);
    return;
  }
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
  if (!SCHED_DEFECT(WAKE_KEEPS_TIMER)) sched_timer_evict(sched, fiber);
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
  LOCKSTEP_MUST(!fiber->has_timer, "a fiber has at most one timer");
  /* Unsigned, since the sum can wrap where C4 is missing. */
  if (!sched_timers_arm(&sched->timers, fiber->slot, (int64_t)((uint64_t)sched->clock_ms + (uint64_t)ms))) {
    sched_panic(sched, SCHED_PANIC_NO_MEMORY_TIMER, 0);
  }
  fiber->has_timer = true;
  sched_suspend_self(sched);
}

/* The run loop. */

/* Until nobody is ready and no timer armed. */
static void switch_from_run_loop(lockstep_sched *sched, lockstep_fiber *fiber) {
  SCHED_ANNOTATE_LEAVE_RUN_LOOP(sched, fiber);
  sched_switch(&sched->sp, fiber->sp);
  SCHED_ANNOTATE_ARRIVE_SCHED(sched);
  if (SCHED_DEFECT(YIELD_APPENDS_AFTER_SWITCH) && sched->current != NULL) {
    ready_append(sched, sched->current);
    sched->current = NULL;
  }
  LOCKSTEP_MUST(sched->current == NULL, "no fiber is current in the run loop");
  if (sched->done != NULL) {
    sched_reap(sched, sched->done); /* F5: we are off its stack now */
    sched->done = NULL;
  }
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
