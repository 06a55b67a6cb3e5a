/*
 * timers.h: the armed timers of one scheduler (T1, T2).
 *
 * Order of firing: the smallest deadline first, and the one armed first among equal deadlines. A fiber has at most one
 * timer. Arming, evicting and taking the earliest are O(log n); the seed scanned a list.
 */
#ifndef SCHED_TIMERS_H
#define SCHED_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lockstep.h"

#define SCHED_TIMER_NONE SIZE_MAX

struct sched_timer {
  int64_t deadline_ms;
  uint64_t sequence; /* the order of arming, the tie-break */
  lockstep_fiber *fiber;
};

/* A 4-ary heap. Each fiber knows its place in it, fiber->timer_index, or SCHED_TIMER_NONE. */
struct sched_timers {
  struct sched_timer *heap;
  size_t count;
  size_t capacity;
  uint64_t next_sequence;
};

/* False when memory has run out; nothing is armed then. */
bool sched_timers_arm(struct sched_timers *timers, lockstep_fiber *fiber, int64_t deadline_ms);

/* Removes the fiber's timer, if it has one (F4). */
void sched_timers_evict(struct sched_timers *timers, lockstep_fiber *fiber);

/* Removes and returns the timer that fires next. There must be one. */
struct sched_timer sched_timers_take_earliest(struct sched_timers *timers);

#endif
