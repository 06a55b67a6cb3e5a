/*
 * timers.h: the armed timers of one scheduler (T1, T2).
 *
 * Order of firing: the smallest deadline first, and the one armed first among equal deadlines. Who sleeps is known here by a
 * slot, a small number that stands for one timer at most. Arming, evicting and taking the earliest are O(log n); the seed
 * scanned a list.
 */
#ifndef SCHED_TIMERS_H
#define SCHED_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "defects.h"

#define SCHED_TIMER_SLOT_BITS 24     /* 16,777,216 sleepers at once; their stacks would take 2 TB */
/* Armings of one scheduler: years of nothing else. What is left holds a deadline (C4), and as C4 missing would have it, all of 64 bits. */
#define SCHED_TIMER_SEQUENCE_BITS (SCHED_DEFECT(C4) ? 40 : 50)

struct sched_timer {
  int64_t deadline_ms;
  uint32_t slot;
};

/*
 * A timer in the heap is one number: deadline, sequence (the order of arming, the tie-break) and slot, from the highest bit
 * down. So the order of firing is that of numbers, and no two are equal.
 */
typedef __int128 sched_timer_key;

/* A 4-ary heap, and for each slot that has a timer its place there. */
struct sched_timers {
  sched_timer_key *heap; /* a multiple of 64 bytes, so that four children share a cache line */
  uint32_t *places;      /* by slot; meaningless for one that has no timer */
  size_t count, capacity;
  size_t places_capacity;
  uint64_t next_sequence;
};

/* False when memory has run out; nothing is armed then. The slot must have no timer. */
bool sched_timers_arm(struct sched_timers *timers, uint32_t slot, int64_t deadline_ms);

/* Removes all (R3). */
static inline void sched_timers_clear(struct sched_timers *timers) { timers->count = 0; }

/* Removes the timer that the slot has (F4). Returns the slot of what was removed. */
uint32_t sched_timers_evict(struct sched_timers *timers, uint32_t slot);

/* Removes and returns the timer that fires next. There must be one. */
struct sched_timer sched_timers_take_earliest(struct sched_timers *timers);

/* Slots whose timers are near the earliest, of those that fire soon most. Returns how many, none where there are few timers. */
enum { sched_timers_near_count = 20 };
size_t sched_timers_near(const struct sched_timers *timers, uint32_t slots[sched_timers_near_count]);

/* The deadline of the timer that fires next. There must be one. */
int64_t sched_timers_earliest_ms(const struct sched_timers *timers);

#endif
