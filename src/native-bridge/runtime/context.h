/*
 * context.h: the saved context of a fiber, for the architecture that is being compiled for.
 *
 * A context is one stack pointer. Everything else that SPEC X1 saves lies in a frame at that address, on the stack
 * that it belongs to. The switch_<arch>.S of the architecture and the C code that builds the first frame of a fiber
 * include the same offsets from here, and C asserts that its struct agrees with them.
 *
 * Rules: X1, C1. Habit: marl's osfiber_asm_*.h.
 */
#ifndef SCHED_CONTEXT_H
#define SCHED_CONTEXT_H

#if defined(__x86_64__)
#include "context_x86_64.h"
#elif defined(__aarch64__)
#include "context_aarch64.h"
#else
#error "the native scheduler has a context switch for x86-64 and for aarch64 only"
#endif

#ifndef __ASSEMBLER__

/*
 * Saves the callee-saved registers on the running stack, stores its sp in *from_sp, and goes on where to_sp was saved.
 * Returns when somebody switches back to *from_sp.
 */
void sched_switch(void **from_sp, void *to_sp);

/*
 * Where a fresh fiber begins: calls sched_dispatch(fiber) with the fiber in the first argument register of the C ABI, and goes on
 * where it says (struct sched_next). Nothing of the fiber is saved then: it is done.
 */
void sched_trampoline(void);

#endif
#endif
