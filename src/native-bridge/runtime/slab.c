/*
 * slab.c: free lists of fibers and tasks, refilled from the C library 64 items at a time.
 *
 * Invariant: an item is either out or on the free list. The list is last in, first out, since the item used last is
 * the one still in the cache.
 */
#include "slab.h"

#include <stdlib.h>

#include "annotate.h"
#include "must.h"

enum { items_per_refill = 64 };

static void push(struct sched_slab *slab, void *item) {
  *(void **)item = slab->free;
  slab->free = item;
  SCHED_ANNOTATE_ITEM_FREE(item, slab->item_bytes);
}

static void refill(struct sched_slab *slab) {
  char *items = aligned_alloc(SCHED_SLAB_ALIGNMENT, items_per_refill * slab->item_bytes);
  if (items == NULL) return;
  for (int i = items_per_refill - 1; i >= 0; i--) push(slab, items + (size_t)i * slab->item_bytes);
}

void *sched_slab_take(struct sched_slab *slab) {
  LOCKSTEP_MUST(slab->item_bytes % SCHED_SLAB_ALIGNMENT == 0, "slab items are whole cache lines");
  if (slab->free == NULL) refill(slab);
  void *item = slab->free;
  if (item == NULL) return NULL;
  SCHED_ANNOTATE_ITEM_USED(item, slab->item_bytes);
  slab->free = *(void **)item;
  return item;
}

void sched_slab_give(struct sched_slab *slab, void *item) {
  LOCKSTEP_MUST(item != NULL, "an item goes back to its slab");
  LOCKSTEP_MUST(item != slab->free, "an item goes back only once");
  push(slab, item);
}
