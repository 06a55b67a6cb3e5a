/*
 * stack_pool.h: guarded fiber stacks, recycled (F1, F5, C7, M1).
 *
 *     low                                                              high
 *     | guard: no access, 16 KiB or a page | usable: 128 KiB and more, grows down |<- top, 16-byte aligned
 *
 * Tops stand at different offsets in their pages (their colours): stacks are touched at the top, and at equal offsets
 * all of them would share a few sets of the cache. A stack is known by its top. Guards are armed once, when a stack is handed out for the first time, and stay armed
 * in the pool. Stacks never go back to the system: one that was used deeply keeps its pages.
 */
#ifndef SCHED_STACK_POOL_H
#define SCHED_STACK_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "annotate.h"
#include "defects.h"
#include "must.h"

#define SCHED_STACK_USABLE_BYTES ((size_t)131072)
#define SCHED_STACK_GUARD_BYTES_MIN ((size_t)16384) /* rounded up to the page size (C7) */

enum sched_stack_result {
  SCHED_STACK_OK,
  SCHED_STACK_NO_MEMORY, /* mmap failed, even for a single stack */
  SCHED_STACK_NO_GUARD,  /* the guard could not be armed: vm.max_map_count, where guards are mappings */
};

/* The tops of the stacks that are free, by themselves, so that a spawn touches no stack but its own. */
struct sched_free_stacks {
  void **tops; /* the one used last at the end */
  size_t count;
  size_t capacity; /* room for all stacks there are, free or not: giving one back cannot fail */
};

extern struct sched_free_stacks sched_free_stacks __attribute__((visibility("hidden"))); /* addressed directly */

/* A stack that nobody has had, when none is free. */
enum sched_stack_result sched_stack_carve(void **top);

/* Take and give are here so that a spawn and a reap make no calls for them. */

/* On SCHED_STACK_OK, *top is a guarded stack that nobody else has. Its content is unspecified. */
static inline enum sched_stack_result sched_stack_take(void **top) {
  if (__builtin_expect(sched_free_stacks.count == 0, 0)) return sched_stack_carve(top);
  *top = sched_free_stacks.tops[--sched_free_stacks.count];
  return SCHED_STACK_OK;
}

/* Only when nothing runs on the stack any more (F5). */
static inline void sched_stack_give(void *top) {
  struct sched_free_stacks *free_stacks = &sched_free_stacks;
  LOCKSTEP_MUST(top != NULL && (uintptr_t)top % 16 == 0, "a stack goes back by its top");
  LOCKSTEP_MUST(free_stacks->count == 0 || free_stacks->tops[free_stacks->count - 1] != top, "a stack goes back only once");
  LOCKSTEP_MUST(free_stacks->count < free_stacks->capacity, "no more stacks go back than there are");
  SCHED_ANNOTATE_STACK_FREE((char *)top - SCHED_STACK_USABLE_BYTES, SCHED_STACK_USABLE_BYTES);
  /* Such a build has no checks, and the list has room for each stack once. */
  if (SCHED_DEFECT(REAP_GIVES_STACK_TWICE) && free_stacks->count == free_stacks->capacity) return;
  free_stacks->tops[free_stacks->count++] = top;
}

/* Guard and usable bytes of one stack, as M1's panic reports them. */
size_t sched_stack_total_bytes(void);

#endif
