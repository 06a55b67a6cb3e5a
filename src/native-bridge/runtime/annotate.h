/*
 * annotate.h: tells AddressSanitizer and valgrind about stacks and free lists. Compiles to nothing in a normal build.
 *
 * AddressSanitizer must hear of each switch before (LEAVE) and after it (ARRIVE), or it takes a fiber's stack for wild
 * memory. valgrind must know where stacks begin and end, or it takes a switch for a huge allocation; its header is
 * asked for by -DLOCKSTEP_VALGRIND, since it is not always installed.
 *
 * Source: sanitizer/common_interface_defs.h, valgrind manual section 3.1.
 */
#ifndef SCHED_ANNOTATE_H
#define SCHED_ANNOTATE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SCHED_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SCHED_ASAN 1
#endif
#endif

#ifdef SCHED_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* What a context keeps for AddressSanitizer: its fake stack while it is away, and the bounds of its real stack. */
struct sched_annotation {
  void *fake_stack;
  const void *bottom;
  size_t bytes;
};
#define SCHED_ANNOTATION struct sched_annotation annotation;
#define SCHED_ANNOTATION_BYTES sizeof(struct sched_annotation)

/* A context about to run on the stack [stack_bottom, stack_bottom + stack_bytes). */
#define SCHED_ANNOTATE_BOUNDS(context, stack_bottom, stack_bytes) \
  ((context)->annotation = (struct sched_annotation){NULL, (stack_bottom), (stack_bytes)})

/* Before a switch. A context that never comes back (F5) has its fake stack freed with it. */
#define SCHED_ANNOTATE_LEAVE(from, to, comes_back)                                                     \
  __sanitizer_start_switch_fiber((comes_back) ? &(from)->annotation.fake_stack : NULL, (to)->annotation.bottom, \
                                 (to)->annotation.bytes)

/* The same from the run loop, whose stack's bounds are whatever run() was called on: the next to arrive learns them. */
#define SCHED_ANNOTATE_LEAVE_RUN_LOOP(sched, fiber) \
  ((sched)->annotation.bottom = NULL, SCHED_ANNOTATE_LEAVE(sched, fiber, true))

/* After a switch into a fiber, from the run loop or from another fiber. */
#define SCHED_ANNOTATE_ARRIVE_FIBER(fiber, sched)                                           \
  do {                                                                                      \
    const void *left_bottom;                                                                \
    size_t left_bytes;                                                                      \
    __sanitizer_finish_switch_fiber((fiber)->annotation.fake_stack, &left_bottom, &left_bytes); \
    if ((sched)->annotation.bottom == NULL) {                                               \
      (sched)->annotation.bottom = left_bottom;                                             \
      (sched)->annotation.bytes = left_bytes;                                               \
    }                                                                                       \
  } while (0)

/* After a switch back to the run loop. */
#define SCHED_ANNOTATE_ARRIVE_SCHED(sched) \
  __sanitizer_finish_switch_fiber((sched)->annotation.fake_stack, NULL, NULL)

/*
 * A panic in a fiber is about to call the hook, which may jump to a caller of run(). longjmp clears the red zones of
 * the frames that it skips on the fiber's stack, but not those on the stack that run() was called on, from the saved
 * sp upward. They are cleared here, at the price of the red zones of a few frames that live on.
 */
#define SCHED_ANNOTATE_MAY_LEAVE_BY_LONGJMP(sched)                                                       \
  do {                                                                                                   \
    enum { skipped_bytes_max = 65536 };                                                                  \
    size_t above = (size_t)((const char *)(sched)->annotation.bottom + (sched)->annotation.bytes -       \
                            (const char *)(sched)->sp);                                                  \
    __asan_unpoison_memory_region((sched)->sp, above < skipped_bytes_max ? above : skipped_bytes_max);   \
  } while (0)

/* And so it did: back to the stack that run() was called on, which was a switch. */
#define SCHED_ANNOTATE_LEFT_BY_LONGJMP(sched)                                                     \
  do {                                                                                            \
    __sanitizer_start_switch_fiber(NULL, (sched)->annotation.bottom, (sched)->annotation.bytes);  \
    __sanitizer_finish_switch_fiber((sched)->annotation.fake_stack, NULL, NULL);                  \
  } while (0)

/* A stack back in the pool: red zones of frames that were never left must not hit its next owner. */
#define SCHED_ANNOTATE_STACK_FREE(bottom, bytes) __asan_unpoison_memory_region((bottom), (bytes))

/* Items on a free list: the first word stays readable, since it is the link and the leak checker follows it. */
#define SCHED_ANNOTATE_ITEM_FREE(item, bytes) \
  __asan_poison_memory_region((char *)(item) + sizeof(void *), (bytes) - sizeof(void *))
#define SCHED_ANNOTATE_ITEM_USED(item, bytes) __asan_unpoison_memory_region((item), (bytes))

#else
#define SCHED_ANNOTATION
#define SCHED_ANNOTATION_BYTES 0
#define SCHED_ANNOTATE_BOUNDS(context, stack_bottom, stack_bytes) ((void)0)
#define SCHED_ANNOTATE_LEAVE(from, to, comes_back) ((void)0)
#define SCHED_ANNOTATE_LEAVE_RUN_LOOP(sched, fiber) ((void)0)
#define SCHED_ANNOTATE_ARRIVE_FIBER(fiber, sched) ((void)0)
#define SCHED_ANNOTATE_ARRIVE_SCHED(sched) ((void)0)
#define SCHED_ANNOTATE_MAY_LEAVE_BY_LONGJMP(sched) ((void)0)
#define SCHED_ANNOTATE_LEFT_BY_LONGJMP(sched) ((void)0)
#define SCHED_ANNOTATE_STACK_FREE(bottom, bytes) ((void)0)
#define SCHED_ANNOTATE_ITEM_FREE(item, bytes) ((void)0)
#define SCHED_ANNOTATE_ITEM_USED(item, bytes) ((void)0)
#endif

#ifdef LOCKSTEP_VALGRIND
#include <valgrind/valgrind.h>
/* Registered once: a pooled stack never goes back to the system. */
#define SCHED_ANNOTATE_STACK_NEW(bottom, bytes) \
  ((void)VALGRIND_STACK_REGISTER((bottom), (char *)(bottom) + (bytes) - 1))
#else
#define SCHED_ANNOTATE_STACK_NEW(bottom, bytes) ((void)0)
#endif

#endif
