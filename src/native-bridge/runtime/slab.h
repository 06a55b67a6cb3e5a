/*
 * slab.h: fixed-size items on a free list, so that a warm spawn or go allocates nothing.
 *
 * Slabs are process-wide, single-threaded like the whole runtime, and keep what they have for ever: a long campaign
 * needs as much as its widest program. A free item's first word links the list; the rest stays as it was.
 */
#ifndef SCHED_SLAB_H
#define SCHED_SLAB_H

#include <stddef.h>

#include "annotate.h"
#include "must.h"

struct sched_slab {
  size_t item_bytes; /* a multiple of 16, at least 16 */
  void *free;
};

/* Static initializer of a slab of objects of one type. */
#define SCHED_SLAB_OF(type) {.item_bytes = (sizeof(type) + 15) & ~(size_t)15}

/* More items for the free list, as long as there is memory. */
void sched_slab_refill(struct sched_slab *slab);

/* The two are here so that a spawn and a reap make no calls for them. */

/* An item as it was given back but for its first word, or a new one, or NULL when memory has run out. The item used last comes first. */
static inline void *sched_slab_take(struct sched_slab *slab) {
  if (__builtin_expect(slab->free == NULL, 0)) sched_slab_refill(slab);
  void *item = slab->free;
  if (item == NULL) return NULL;
  SCHED_ANNOTATE_ITEM_USED(item, slab->item_bytes);
  slab->free = *(void **)item;
  return item;
}

/* The item goes back. AddressSanitizer reports any use of it until it is taken again. */
static inline void sched_slab_give(struct sched_slab *slab, void *item) {
  LOCKSTEP_MUST(item != NULL, "an item goes back to its slab");
  LOCKSTEP_MUST(item != slab->free, "an item goes back only once");
  *(void **)item = slab->free;
  slab->free = item;
  SCHED_ANNOTATE_ITEM_FREE(item, slab->item_bytes);
}

#endif
