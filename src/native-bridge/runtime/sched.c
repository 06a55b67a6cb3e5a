/*
 * sched.c: fibers and the run loop of the native scheduler (F1-F5, T1-T3, R1, R2).
 *
 * Every switch goes through the run loop's own context: a fiber switches to the loop, the loop to the next fiber. So
 * what becomes of a fiber is decided after it is off its stack: a yielding one is appended then (F2), and the stack of
 * one that is done is recycled then (F5).
 */
#include "sched.h"

#include <sys/mman.h>

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

static lockstep_fiber *ready_take(lockstep_sched *sched) {
  lockstep_fiber *fiber = sched->ready_head;
  if (fiber == NULL) return NULL;
  sched->ready_head = fiber->ready_next;
  if (sched->ready_head == NULL && !SCHED_DEFECT(QUEUE_TAIL_NOT_RESET)) sched->ready_tail = NULL;
  if (!SCHED_DEFECT(QUEUE_TAKE_KEEPS_LINK)) fiber->ready_next = NULL;
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
    munmap((char *)fiber->stack_top - SCHED_STACK_USABLE_BYTES, SCHED_STACK_USABLE_BYTES);
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
  *frame = sched_frame_fresh(sched_trampoline, fiber);
  *fiber = (lockstep_fiber){
      .sp = frame,
      .stack_top = top,
      .sched = sched,
      .body = body,
      .arg = arg,
      .id = sched->next_id++,
      .state = SCHED_FIBER_READY,
      .waiting_fd = SCHED_FD_NONE,
      .timer_index = SCHED_TIMER_NONE,
      .all_next = sched->fibers,
  };
  SCHED_ANNOTATE_BOUNDS(fiber, (char *)top - SCHED_STACK_USABLE_BYTES, SCHED_STACK_USABLE_BYTES);
  if (sched->fibers != NULL) sched->fibers->all_previous = fiber;
  sched->fibers = fiber;
  sched->n_spawned++;
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
  if (!SCHED_DEFECT(REAP_LEAKS_STACK)) sched_stack_give(fiber->stack_top);
  if (SCHED_DEFECT(REAP_GIVES_STACK_TWICE)) sched_stack_give(fiber->stack_top);
  sched_slab_give(&fibers, fiber);
}

/* What a running fiber does to itself, and others do to a suspended one. */

static void switch_to_run_loop(lockstep_sched *sched, lockstep_fiber *fiber) {
  SCHED_ANNOTATE_LEAVE(fiber, sched, true);
  sched_switch(&fiber->sp, sched->sp);
  SCHED_ANNOTATE_ARRIVE_FIBER(fiber, sched);
  LOCKSTEP_MUST(fiber->state == SCHED_FIBER_RUNNING, "a fiber goes on only as the running one");
}

void sched_yield_now(lockstep_sched *sched) {
  lockstep_fiber *fiber = sched->current;
  if (fiber == NULL) sched_panic(sched, SCHED_PANIC_YIELD_OUTSIDE, 0);
  fiber->state = SCHED_FIBER_READY;
  if (SCHED_DEFECT(YIELD_APPENDS_BEFORE_SWITCH)) ready_append(sched, fiber);
  switch_to_run_loop(sched, fiber);
}

void sched_suspend_self(lockstep_sched *sched) {
  lockstep_fiber *fiber = sched->current;
  if (fiber == NULL) sched_panic(sched, SCHED_PANIC_SUSPEND_OUTSIDE, 0);
  fiber->state = SCHED_FIBER_SUSPENDED;
  sched->n_suspended++;
  switch_to_run_loop(sched, fiber);
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

static void run_until_it_switches_back(lockstep_sched *sched, lockstep_fiber *fiber) {
  LOCKSTEP_MUST(fiber->state == SCHED_FIBER_READY, "the run loop resumes ready fibers");
  sched->current = fiber;
  fiber->state = SCHED_FIBER_RUNNING;
  SCHED_ANNOTATE_LEAVE(sched, fiber, true);
  sched_switch(&sched->sp, fiber->sp);
  SCHED_ANNOTATE_ARRIVE_SCHED(sched);
  sched->current = NULL;

  switch (fiber->state) {
    case SCHED_FIBER_READY: /* F2: behind all that it woke or spawned before it yielded */
      if (SCHED_DEFECT(YIELD_APPENDS_BEFORE_SWITCH)) break;
      if (SCHED_DEFECT(YIELD_TO_FRONT)) {
        ready_prepend(sched, fiber);
        break;
      }
      ready_append(sched, fiber);
      break;
    case SCHED_FIBER_DONE: /* F5: we are off its stack now */
      sched_reap(sched, fiber);
      break;
    case SCHED_FIBER_SUSPENDED: /* in no queue until a wake */
      break;
    case SCHED_FIBER_RUNNING:
      sched_invariant_broken("a fiber that switched back is not running");
  }
}

/* T2: the clock moves here and nowhere else. */
static void fire_earliest_timer(lockstep_sched *sched) {
  struct sched_timer timer = sched_timers_take_earliest(&sched->timers);
  LOCKSTEP_MUST(timer.deadline_ms >= sched->clock_ms, "the virtual clock never goes back");
  LOCKSTEP_MUST(timer.fiber->state == SCHED_FIBER_SUSPENDED, "a timer belongs to a suspended fiber");
  if (!SCHED_DEFECT(CLOCK_NOT_ADVANCED)) sched->clock_ms = timer.deadline_ms;
  sched_wake(sched, timer.fiber);
  if (SCHED_DEFECT(FIRE_KEEPS_COUNT)) sched->n_suspended++;
}

void sched_run(lockstep_sched *sched) {
  LOCKSTEP_MUST(sched->alive && !sched->in_hook, "run() is called on a live scheduler, not from its hooks");
  if (sched->current != NULL && !SCHED_DEFECT(C6_RUN)) sched_panic(sched, SCHED_PANIC_RUN_INSIDE, 0);
  for (;;) {
    lockstep_fiber *fiber;
    while ((fiber = ready_take(sched)) != NULL) run_until_it_switches_back(sched, fiber);

    /* T2 and T3: one timer, then the ready queue again; fds only when no timer is left. */
    if (SCHED_DEFECT(FDS_BEFORE_TIMERS) && sched->io.count > 0) {
      sched_io_wait(sched);
    } else if (sched->timers.count > 0) {
      fire_earliest_timer(sched);
      if (SCHED_DEFECT(FIRE_ALL_TIES)) {
        while (sched->timers.count > 0 && sched->timers.heap[0].deadline_ms == sched->clock_ms) fire_earliest_timer(sched);
      }
    } else if (sched->io.count > 0) {
      sched_io_wait(sched);
    } else {
      break;
    }
  }
  if (SCHED_DEFECT(DEADLOCK_UNREPORTED)) return;
  if (SCHED_DEFECT(DEADLOCK_OF_ONE_UNREPORTED) && sched->n_suspended == 1) return;
  if (sched->n_suspended != 0) {
    sched_panic(sched, SCHED_PANIC_DEADLOCK, sched->n_suspended);
  }
}
