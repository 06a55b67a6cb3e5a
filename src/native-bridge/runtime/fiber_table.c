/*
 * fiber_table.c: how the table of a scheduler's fibers grows.
 */
#include "fiber_table.h"

#include <stdlib.h>

enum { capacity_first = 64 };

bool sched_fiber_table_grow(struct sched_fiber_table *table) {
  uint32_t capacity = table->capacity == 0 ? capacity_first : table->capacity * 2;
  if (capacity > SCHED_SLOT_NONE) return false;
  uintptr_t *rows = realloc(table->rows, capacity * sizeof *rows);
  if (rows == NULL) return false;
  table->rows = rows;
  table->capacity = capacity;
  return true;
}
