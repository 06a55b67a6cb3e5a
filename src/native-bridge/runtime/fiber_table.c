/*
 * fiber_table.c: more slots for a scheduler's fibers, 16 at a time, so that few spawns come here and a small program stays small.
 */
#include "fiber_table.h"

#include <stdlib.h>

enum { slots_per_extension = 16, capacity_first = 64 /* a multiple of that */ };

bool sched_fiber_table_extend(struct sched_fiber_table *table) {
  LOCKSTEP_MUST(table->first_free == SCHED_SLOT_NONE, "a table is extended when no slot is free");
  if (table->used == table->capacity) {
    uint32_t capacity = table->capacity == 0 ? capacity_first : table->capacity * 2;
    if (capacity > SCHED_SLOT_NONE) return false;
    uintptr_t *rows = realloc(table->rows, capacity * sizeof *rows);
    if (rows == NULL) return false;
    table->rows = rows;
    table->capacity = capacity;
  }
  table->used += slots_per_extension;
  for (uint32_t i = 1; i <= slots_per_extension; i++) {
    uint32_t slot = table->used - i;
    table->rows[slot] = (uintptr_t)table->first_free << 1 | 1;
    table->first_free = slot;
  }
  return true;
}
