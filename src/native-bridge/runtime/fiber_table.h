/*
 * fiber_table.h: the fibers of one scheduler that are not reaped, each in a slot, so that nothing is lost when a program is
 * abandoned, and a timer can stand for its fiber by a small number.
 *
 * A slot is its fiber's from spawn to reap, then the next one's: the slot freed last is used first. Both are O(1) and touch no
 * other fiber.
 */
#ifndef SCHED_FIBER_TABLE_H
#define SCHED_FIBER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lockstep.h"
#include "must.h"

struct sched_fiber_table {
  uintptr_t *rows;     /* a fiber, or twice the next free slot and 1: fibers are at even addresses */
  uint32_t first_free; /* SCHED_SLOT_NONE where no slot is free */
  uint32_t used;       /* all slots are below: fibers' and free ones */
  uint32_t capacity;
};

#define SCHED_SLOT_NONE (UINT32_MAX >> 1)

/* More free slots. False when memory has run out. */
bool sched_fiber_table_extend(struct sched_fiber_table *table);

static inline bool sched_fiber_table_is_full(const struct sched_fiber_table *table) {
  return table->first_free == SCHED_SLOT_NONE;
}

/* The fiber in a slot that is below used; NULL when it is free. */
static inline lockstep_fiber *sched_fiber_table_find(const struct sched_fiber_table *table, uint32_t slot) {
  uintptr_t row = table->rows[slot];
  return (row & 1) == 0 ? (lockstep_fiber *)row : NULL;
}

/* The slot of a fiber that has none. The table is not full. */
static inline uint32_t sched_fiber_table_add(struct sched_fiber_table *table, lockstep_fiber *fiber) {
  uint32_t slot = table->first_free;
  table->first_free = (uint32_t)(table->rows[slot] >> 1);
  table->rows[slot] = (uintptr_t)fiber;
  return slot;
}

/* The slot becomes free. */
static inline void sched_fiber_table_remove(struct sched_fiber_table *table, uint32_t slot, lockstep_fiber *fiber) {
  LOCKSTEP_MUST(table->rows[slot] == (uintptr_t)fiber, "a fiber is in its slot until it is reaped");
  table->rows[slot] = (uintptr_t)table->first_free << 1 | 1;
  table->first_free = slot;
}

#endif
