/*
 * timers.c: the timer heap (T2).
 *
 * Invariants: no timer fires before its parent in the heap, and places[slot of heap[i]] == i. Four children a node: half the
 * levels of a binary heap, and the children share a cache line. Nothing of a sleeper is touched here but its slot's place:
 * among many, each would be a miss.
 */
#include "timers.h"

#include <stdlib.h>
#include <string.h>

#include "defects.h"
#include "must.h"

enum { children = 4, capacity_first = 16, root = 3, line_bytes = 64, timers_cached = 2048 /* so many lie in the cache anyway */ };

/* The root is at 3 and its children at 4: four children begin at a multiple of four. */
static size_t first_child_of(size_t index) { return (index - 2) * children; }
static size_t parent_of(size_t index) { return index / children + 2; }
static size_t end_of(const struct sched_timers *timers) { return root + timers->count; }

static uint32_t slot_of(sched_timer_key key) { return (uint32_t)key & ((1u << SCHED_TIMER_SLOT_BITS) - 1); }
static int64_t deadline_of(sched_timer_key key) {
  return (int64_t)(key >> (SCHED_TIMER_SEQUENCE_BITS + SCHED_TIMER_SLOT_BITS));
}

/* T2 in one place: (deadline, order of arming). Sequences are unique, so no two timers tie. */
static sched_timer_key key_of(struct sched_timers *timers, int64_t deadline_ms, uint32_t slot) {
  const uint64_t sequence_max = ((uint64_t)1 << SCHED_TIMER_SEQUENCE_BITS) - 1;
  uint64_t sequence = timers->next_sequence++;
  LOCKSTEP_MUST(sequence <= sequence_max, "there are fewer armings than sequences");
  if (SCHED_DEFECT(TIES_BY_LAST)) sequence = sequence_max - sequence;
  unsigned __int128 order = (unsigned __int128)deadline_ms << SCHED_TIMER_SEQUENCE_BITS | sequence;
  return (sched_timer_key)(order << SCHED_TIMER_SLOT_BITS | slot);
}

static void put(struct sched_timers *timers, size_t index, sched_timer_key key) {
  timers->heap[index] = key;
  timers->places[slot_of(key)] = (uint32_t)index;
}

/* Puts the timer at index or above it. The place at index is free. */
static void sift_up(struct sched_timers *timers, size_t index, sched_timer_key key) {
  while (index > root) {
    size_t parent = parent_of(index);
    if (key >= timers->heap[parent]) break;
    put(timers, index, timers->heap[parent]);
    index = parent;
  }
  put(timers, index, key);
}

/* Which of four children fires first. Sums and not branches, which nobody could predict. */
static inline sched_timer_key *earliest_of_four(sched_timer_key *first) {
  sched_timer_key *left = first + (first[1] < first[0]);
  sched_timer_key *right = first + 2 + (first[3] < first[2]);
  if (SCHED_DEFECT(HEAP_SKIPS_LAST_CHILD)) right = first + 2;
  return *right < *left ? right : left;
}

static sched_timer_key *earliest_of_few(sched_timer_key *first, const sched_timer_key *end) {
  sched_timer_key *earliest = first;
  for (sched_timer_key *child = first + 1; child < end; child++) {
    if (*child < *earliest) earliest = child;
  }
  return earliest;
}

/* Puts the timer at index or below it. The place at index is free. */
static __attribute__((noinline)) void sift_down(struct sched_timers *timers, size_t index, sched_timer_key key) {
  sched_timer_key *const heap = timers->heap;
  sched_timer_key *const end = heap + end_of(timers);
  const bool fetches = timers->count > timers_cached;
  sched_timer_key *first = heap + first_child_of(index);
  while (first + children <= end) {
    sched_timer_key *const below = heap + first_child_of((size_t)(first - heap));
    if (fetches) {
      for (int child = 0; child < children; child++) __builtin_prefetch(below + child * children, 1);
    }
    sched_timer_key *const earliest = earliest_of_four(first);
    if (key < *earliest) break;
    put(timers, index, *earliest);
    index = (size_t)(earliest - heap);
    first = below + (earliest - first) * children;
  }
  /* At most the last of all have fewer than three siblings. */
  if (first < end && end - first < children) {
    sched_timer_key *const earliest = earliest_of_few(first, end);
    if (*earliest < key) {
      put(timers, index, *earliest);
      index = (size_t)(earliest - heap);
    }
  }
  put(timers, index, key);
}

static sched_timer_key remove_at(struct sched_timers *timers, size_t index) {
  LOCKSTEP_MUST(index >= root && index < end_of(timers), "a timer to remove is in the heap");
  sched_timer_key removed = timers->heap[index];
  LOCKSTEP_MUST(timers->places[slot_of(removed)] == index, "a slot knows the place of its timer");

  timers->count--;
  if (index == end_of(timers)) return removed;
  /* The last timer fills the gap. It came from another branch, so it may belong above or below. */
  sched_timer_key last = timers->heap[end_of(timers)];
  if (SCHED_DEFECT(REMOVAL_RENEWS_TURN)) last = key_of(timers, deadline_of(last), slot_of(last));
  if (index > root && !SCHED_DEFECT(REMOVAL_ONLY_SINKS) && last < timers->heap[parent_of(index)]) {
    sift_up(timers, index, last);
  } else {
    sift_down(timers, index, last);
  }
  return removed;
}

static bool grow_heap(struct sched_timers *timers) {
  size_t capacity = timers->capacity == 0 ? capacity_first : timers->capacity * 2;
  sched_timer_key *heap = aligned_alloc(line_bytes, (root + 1 + capacity) * sizeof *heap);
  if (heap == NULL) return false;
  if (timers->count > 0) memcpy(heap + root, timers->heap + root, timers->count * sizeof *heap);
  free(timers->heap);
  timers->heap = heap;
  timers->capacity = capacity;
  return true;
}

static bool grow_places(struct sched_timers *timers, uint32_t slot) {
  size_t capacity = timers->places_capacity == 0 ? capacity_first : timers->places_capacity;
  while (capacity <= slot) capacity *= 2;
  uint32_t *places = realloc(timers->places, capacity * sizeof *places);
  if (places == NULL) return false;
  timers->places = places;
  timers->places_capacity = capacity;
  return true;
}

bool sched_timers_arm(struct sched_timers *timers, uint32_t slot, int64_t deadline_ms) {
  LOCKSTEP_MUST(slot >> SCHED_TIMER_SLOT_BITS == 0, "a slot is a small number");
  if (timers->count == timers->capacity && !grow_heap(timers)) return false;
  if (slot >= timers->places_capacity && !grow_places(timers, slot)) return false;
  timers->count++;
  sift_up(timers, end_of(timers) - 1, key_of(timers, deadline_ms, slot));
  return true;
}

uint32_t sched_timers_evict(struct sched_timers *timers, uint32_t slot) {
  LOCKSTEP_MUST(timers->count > 0, "a timer to evict is armed");
  uint32_t evicted = slot_of(remove_at(timers, SCHED_DEFECT(EVICT_TAKES_EARLIEST) ? root : timers->places[slot]));
  LOCKSTEP_MUST(evicted == slot, "an evicted timer belongs to its slot");
  return evicted;
}

struct sched_timer sched_timers_take_earliest(struct sched_timers *timers) {
  LOCKSTEP_MUST(timers->count > 0, "a timer to fire is armed");
  sched_timer_key earliest = remove_at(timers, root);
  return (struct sched_timer){deadline_of(earliest), slot_of(earliest)};
}

int64_t sched_timers_earliest_ms(const struct sched_timers *timers) {
  LOCKSTEP_MUST(timers->count > 0, "the earliest timer is armed");
  return deadline_of(timers->heap[root]);
}

size_t sched_timers_near(const struct sched_timers *timers, uint32_t slots[sched_timers_near_count]) {
  /* The two levels below the root. */
  if (timers->count <= sched_timers_near_count) return 0;
  for (size_t i = 0; i < sched_timers_near_count; i++) slots[i] = slot_of(timers->heap[root + 1 + i]);
  return sched_timers_near_count;
}
