/*
 * Calls a function of the runtime with every callee-saved register full of a pattern, and tells which of them did not
 * survive: the switch stress test (SPEC X1).
 *
 * checked_call_aarch64.S and checked_call_x86_64.S are the two implementations; the build takes one. They share the
 * offsets below with C. The body's own code never sees the patterns: the stub saves what it fills and puts it back.
 */
#ifndef LOCKSTEP_CHECKED_CALL_H
#define LOCKSTEP_CHECKED_CALL_H

#define LOCKSTEP_CHECKED_FUNCTION 0
#define LOCKSTEP_CHECKED_ARGUMENTS 8
#define LOCKSTEP_CHECKED_RESULT 32
#define LOCKSTEP_CHECKED_PATTERN 40

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

struct lockstep_checked_call {
  void (*function)(void);
  uint64_t arguments[3]; /* integers and pointers, each in a register of its own */
  uint64_t result;       /* out: the integer result register */
  uint64_t pattern;      /* register k is filled with pattern + k; the low two bits are the rounding mode on x86-64 */
};

_Static_assert(offsetof(struct lockstep_checked_call, function) == LOCKSTEP_CHECKED_FUNCTION, "the stub reads it there");
_Static_assert(offsetof(struct lockstep_checked_call, arguments) == LOCKSTEP_CHECKED_ARGUMENTS, "likewise");
_Static_assert(offsetof(struct lockstep_checked_call, result) == LOCKSTEP_CHECKED_RESULT, "likewise");
_Static_assert(offsetof(struct lockstep_checked_call, pattern) == LOCKSTEP_CHECKED_PATTERN, "likewise");

/* Returns the registers that came back changed, as bits of LOCKSTEP_CLOBBER_... (encoding.h); 0 when all survived. */
uint32_t lockstep_checked_call(struct lockstep_checked_call *call);

/* Gives the floating-point control words their values at process start; for whoever leaves a checked call by longjmp. */
void lockstep_control_words_reset(void);

#endif
#endif
