/*
 * slab.h: fixed-size items on a free list, so that a warm spawn or go allocates nothing.
 *
 * Slabs are process-wide, single-threaded like the whole runtime, and keep what they have for ever: a long campaign
 * needs as much as its widest program. A free item is all unused but its first word, which links the list.
 */
#ifndef SCHED_SLAB_H
#define SCHED_SLAB_H

#include <stddef.h>

#define SCHED_SLAB_ALIGNMENT ((size_t)64) /* a cache line */

struct sched_slab {
  size_t item_bytes; /* a multiple of SCHED_SLAB_ALIGNMENT */
  void *free;
};

/* Static initializer of a slab of objects of one type. */
#define SCHED_SLAB_OF(type) {.item_bytes = (sizeof(type) + SCHED_SLAB_ALIGNMENT - 1) & ~(SCHED_SLAB_ALIGNMENT - 1)}

/* An item with unspecified content, or NULL when memory has run out. The item used last comes first. */
void *sched_slab_take(struct sched_slab *slab);

/* The item goes back. AddressSanitizer reports any use of it until it is taken again. */
void sched_slab_give(struct sched_slab *slab, void *item);

#endif
