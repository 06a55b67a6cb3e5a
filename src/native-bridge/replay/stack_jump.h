/*
 * Leaving a fiber's stack for good by longjmp, as AddressSanitizer must be told of it. Nothing in a normal build.
 *
 * lockstep_stack_jump_prepare() once, on the stack that jumps land on; _leave() right before the longjmp; _landed()
 * right after. ASan keeps one idea of the current stack and poisons frames; both must follow the jump.
 */
#ifndef LOCKSTEP_STACK_JUMP_H
#define LOCKSTEP_STACK_JUMP_H

#ifdef __SANITIZE_ADDRESS__

#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

static void *lockstep_landing_stack;
static size_t lockstep_landing_stack_bytes;

static inline void lockstep_stack_jump_prepare(void) {
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &lockstep_landing_stack, &lockstep_landing_stack_bytes);
  pthread_attr_destroy(&attributes);
}

static inline void lockstep_stack_jump_leave(void) {
  __sanitizer_start_switch_fiber(NULL, lockstep_landing_stack, lockstep_landing_stack_bytes);
}

static inline void lockstep_stack_jump_landed(void) {
  __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
  /* What the frames that the jump skipped have poisoned below us is no frame any more. Our own frame is in it: that costs its redzones. */
  char *here = __builtin_frame_address(0);
  const size_t below = 256 * 1024;
  if ((size_t)(here - (char *)lockstep_landing_stack) > below) __asan_unpoison_memory_region(here - below, below);
}

#else

static inline void lockstep_stack_jump_prepare(void) {}
static inline void lockstep_stack_jump_leave(void) {}
static inline void lockstep_stack_jump_landed(void) {}

#endif
#endif
