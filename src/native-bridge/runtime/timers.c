/*
 * timers.c: the timer heap (T2).
 *
 * Invariants: no timer fires before its parent in the heap, and heap[i].fiber->timer_index == i. Four children a node:
 * half the levels of a binary heap, and the children share a cache line or two.
 */
#include "timers.h"

#include <stdlib.h>

#include "defects.h"
#include "must.h"
#include "sched.h"

enum { children = 4, capacity_first = 16 };

/* T2 in one place: (deadline, order of arming). Sequences are unique, so no two timers tie. */
static bool fires_before(const struct sched_timer *a, const struct sched_timer *b) {
  if (a->deadline_ms != b->deadline_ms) return a->deadline_ms < b->deadline_ms;
  return SCHED_DEFECT(TIES_BY_LAST) ? a->sequence > b->sequence : a->sequence < b->sequence;
}

static void put(struct sched_timers *timers, size_t index, struct sched_timer timer) {
  timers->heap[index] = timer;
  timer.fiber->timer_index = index;
}

/* Puts the timer at index or above it. The slot at index is free. */
static void sift_up(struct sched_timers *timers, size_t index, struct sched_timer timer) {
  while (index > 0) {
    size_t parent = (index - 1) / children;
    if (!fires_before(&timer, &timers->heap[parent])) break;
    put(timers, index, timers->heap[parent]);
    index = parent;
  }
  put(timers, index, timer);
}

/* Puts the timer at index or below it. The slot at index is free. */
static void sift_down(struct sched_timers *timers, size_t index, struct sched_timer timer) {
  for (;;) {
    size_t first = index * children + 1;
    if (first >= timers->count) break;
    size_t last = first + children < timers->count ? first + children : timers->count;
    size_t earliest = first;
    if (SCHED_DEFECT(HEAP_SKIPS_LAST_CHILD) && last - first == children) last--;
    for (size_t child = first + 1; child < last; child++) {
      if (fires_before(&timers->heap[child], &timers->heap[earliest])) earliest = child;
    }
    if (!fires_before(&timers->heap[earliest], &timer)) break;
    put(timers, index, timers->heap[earliest]);
    index = earliest;
  }
  put(timers, index, timer);
}

static struct sched_timer remove_at(struct sched_timers *timers, size_t index) {
  LOCKSTEP_MUST(index < timers->count, "a timer to remove is in the heap");
  struct sched_timer removed = timers->heap[index];
  LOCKSTEP_MUST(removed.fiber->timer_index == index, "a fiber knows the place of its timer");
  removed.fiber->timer_index = SCHED_TIMER_NONE;

  timers->count--;
  if (index == timers->count) return removed;
  /* The last timer fills the gap. It came from another branch, so it may belong above or below. */
  struct sched_timer last = timers->heap[timers->count];
  if (SCHED_DEFECT(REMOVAL_RENEWS_TURN)) last.sequence = timers->next_sequence++;
  if (index > 0 && !SCHED_DEFECT(REMOVAL_ONLY_SINKS) && fires_before(&last, &timers->heap[(index - 1) / children])) {
    sift_up(timers, index, last);
  } else {
    sift_down(timers, index, last);
  }
  return removed;
}

bool sched_timers_arm(struct sched_timers *timers, lockstep_fiber *fiber, int64_t deadline_ms) {
  LOCKSTEP_MUST(fiber->timer_index == SCHED_TIMER_NONE, "a fiber has at most one timer");
  if (timers->count == timers->capacity) {
    size_t capacity = timers->capacity == 0 ? capacity_first : timers->capacity * 2;
    struct sched_timer *heap = realloc(timers->heap, capacity * sizeof *heap);
    if (heap == NULL) return false;
    timers->heap = heap;
    timers->capacity = capacity;
  }
  struct sched_timer timer = {deadline_ms, timers->next_sequence++, fiber};
  sift_up(timers, timers->count++, timer);
  return true;
}

void sched_timers_evict(struct sched_timers *timers, lockstep_fiber *fiber) {
  if (fiber->timer_index == SCHED_TIMER_NONE) return;
  struct sched_timer evicted = remove_at(timers, SCHED_DEFECT(EVICT_TAKES_EARLIEST) ? 0 : fiber->timer_index);
  LOCKSTEP_MUST(evicted.fiber == fiber, "an evicted timer belongs to its fiber");
}

struct sched_timer sched_timers_take_earliest(struct sched_timers *timers) {
  LOCKSTEP_MUST(timers->count > 0, "a timer to fire is armed");
  return remove_at(timers, 0);
}
