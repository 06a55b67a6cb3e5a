/*
 * panic.h: every way in which a fiber program can end in a panic (SPEC section 1).
 *
 * A panic prints its line to standard output and aborts, or calls the panic hook. It never returns. The text of each
 * is in one table, in panic.c; callers pass the one number that some texts hold.
 */
#ifndef SCHED_PANIC_H
#define SCHED_PANIC_H

#include <stdint.h>

#include "lockstep.h"

enum sched_panic_kind {
  SCHED_PANIC_YIELD_OUTSIDE,      /* F2 */
  SCHED_PANIC_SUSPEND_OUTSIDE,    /* F3 */
  SCHED_PANIC_SLEEP_OUTSIDE,      /* T1 */
  SCHED_PANIC_SLEEP_NEGATIVE,     /* T1, number: ms */
  SCHED_PANIC_SLEEP_OVERFLOW,     /* T1, C4, number: ms */
  SCHED_PANIC_BLOCK_OUTSIDE,      /* I1 */
  SCHED_PANIC_BLOCK_WRITE,        /* I1 */
  SCHED_PANIC_BLOCK_SECOND,       /* I1, number: fd */
  SCHED_PANIC_READINESS_OPEN,     /* I1 */
  SCHED_PANIC_READINESS_ADD,      /* I1, number: fd */
  SCHED_PANIC_READINESS_WAIT,     /* I2 */
  SCHED_PANIC_RUN_INSIDE,         /* R1, C6 */
  SCHED_PANIC_DEADLOCK,           /* R2, number: n_suspended */
  SCHED_PANIC_DEINIT_INSIDE,      /* R3, C6 */
  SCHED_PANIC_WAIT_SECOND,        /* K2 */
  SCHED_PANIC_NO_MEMORY_FIBER,    /* M1 */
  SCHED_PANIC_NO_MEMORY_TASK,     /* M1 */
  SCHED_PANIC_NO_MEMORY_STACK,    /* M1, number: guard + usable bytes */
  SCHED_PANIC_NO_GUARD,           /* M1 */
  SCHED_PANIC_NO_MEMORY_TIMER,    /* beyond M1: the timer heap could not grow */
  SCHED_PANIC_NO_MEMORY_WAITER,   /* beyond M1: the table of io waiters could not grow */
  SCHED_PANIC_KINDS
};

/*
 * Ends the program of this scheduler. The scheduler counts as left in a hook from here on, so that the next create()
 * reclaims it when the hook jumps away. A hook that returns is followed by abort().
 */
_Noreturn void sched_panic(lockstep_sched *sched, enum sched_panic_kind kind, int64_t number);

/* NULL restores print and abort. The message that the hook gets stays valid until the next panic. */
void sched_set_panic_hook(void (*hook)(const char *message));

#endif
