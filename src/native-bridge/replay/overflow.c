/*
 * The recursion, and the jump back over it (see overflow.h).
 *
 * The jump stays on the fiber's own stack and drops frames of this file only, so the runtime is where it was: in a body
 * that runs. How far the recursion came tells whether it met the guard of its own stack (F1).
 */
#include "overflow.h"

#include <setjmp.h>
#include <unistd.h>

/* What a stack has above its guard (F1). */
#define STACK_USABLE_BYTES ((uintptr_t)128 * 1024)

static jmp_buf beginning;
static uintptr_t began_at; /* the frame that the recursion began in; 0 while none is under way */

/* Recursion without end: each frame is touched, and none can be left out. */
static __attribute__((noinline)) uint64_t recurse(uint64_t depth) {
  static volatile bool deeper = true;
  volatile uint64_t frame[32];
  frame[depth % 32] = depth;
  const uint64_t below = deeper ? recurse(depth + 1) : 0;
  return below + frame[depth % 32];
}

__attribute__((noinline)) void lockstep_overflow_run(void) {
  if (_setjmp(beginning) == 0) {
    began_at = (uintptr_t)__builtin_frame_address(0);
    recurse(0);
  }
  began_at = 0;
}

bool lockstep_overflow_can_be_taken_back(uintptr_t address) {
#ifdef __SANITIZE_ADDRESS__
  (void)address;
  return false; /* it would have to be told of the frames, from the stack of a handler that it does not know */
#else
  const uintptr_t reach = STACK_USABLE_BYTES + (uintptr_t)sysconf(_SC_PAGESIZE);
  return address < began_at && began_at - address <= reach;
#endif
}

_Noreturn void lockstep_overflow_take_back(const sigset_t *interrupted_mask) {
  sigprocmask(SIG_SETMASK, interrupted_mask, NULL);
  _longjmp(beginning, 1);
}
