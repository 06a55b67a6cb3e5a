/*
 * slab.c: more items for a free list, 64 at a time.
 *
 * Invariant: an item is either out or on the free list. The list is last in, first out, since the item used last is
 * the one still in the cache.
 */
#include "slab.h"

#include <stdlib.h>

enum { items_per_refill = 64, line_bytes = 64 };

void sched_slab_refill(struct sched_slab *slab) {
  LOCKSTEP_MUST(slab->item_bytes >= 16 && slab->item_bytes % 16 == 0, "slab items are multiples of 16 bytes");
  char *items = aligned_alloc(line_bytes, items_per_refill * slab->item_bytes);
  if (items == NULL) return;
  for (int i = items_per_refill - 1; i >= 0; i--) sched_slab_give(slab, items + (size_t)i * slab->item_bytes);
}
