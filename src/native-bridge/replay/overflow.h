/*
 * The op `overflow`: recursion without end on the stack of the fiber at hand, and back out of it.
 *
 * A worker costs as much as some hundred programs, so it does not end with a fiber's stack. Invariant: it goes on only
 * where the recursion came no further than a stack of F1 reaches, which on a runtime that has these and guards them is
 * that stack and nothing else. Otherwise, and where the runtime itself recursed, it ends.
 */
#ifndef LOCKSTEP_OVERFLOW_H
#define LOCKSTEP_OVERFLOW_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Overflows the stack. Returns when the fault's handler has taken it back. */
void lockstep_overflow_run(void);

/* Whether a fault at this address, in a guard, is the end of that recursion, which can be taken back. For the handler. */
bool lockstep_overflow_can_be_taken_back(uintptr_t address);

/* Leaves the handler, with the mask of signals that it interrupted, for where the recursion began. */
_Noreturn void lockstep_overflow_take_back(const sigset_t *interrupted_mask);

#endif
