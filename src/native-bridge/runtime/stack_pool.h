/*
 * stack_pool.h: guarded fiber stacks (F1, C7, M1).
 *
 *     low                                                              high
 *     | guard: no access, 16 KiB or a page | usable: 128 KiB and more, grows down |<- top, 16-byte aligned
 *
 * Tops stand at different offsets in their pages (their colours): stacks are touched at the top, and at equal offsets
 * all of them would share a few sets of the cache. A stack is known by its top. It never goes back to the system: the fiber
 * that it is carved for keeps it, through all its lives, and the guard stays armed.
 */
#ifndef SCHED_STACK_POOL_H
#define SCHED_STACK_POOL_H

#include <stddef.h>

#define SCHED_STACK_USABLE_BYTES ((size_t)131072)
#define SCHED_STACK_GUARD_BYTES_MIN ((size_t)16384) /* rounded up to the page size (C7) */

enum sched_stack_result {
  SCHED_STACK_OK,
  SCHED_STACK_NO_MEMORY, /* mmap failed, even for a single stack */
  SCHED_STACK_NO_GUARD,  /* the guard could not be armed: vm.max_map_count, where guards are mappings */
};

/* On SCHED_STACK_OK, *top is a guarded stack that nobody else has. Its content is unspecified. */
enum sched_stack_result sched_stack_carve(void **top);

/* Guard and usable bytes of one stack, as M1's panic reports them. */
size_t sched_stack_total_bytes(void);

#endif
