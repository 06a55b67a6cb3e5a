/*
 * panic.c: the texts of all panics, and what happens on one (SPEC section 1).
 *
 * Nothing here allocates: a panic may be about memory, and it may run on the last kilobytes of a fiber's stack.
 */
#include "panic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "must.h"
#include "readiness.h"
#include "sched.h"

#define NUMBER "%" PRId64

/* Formats with one number or none. Readers compare these byte for byte; the dash is an em dash in UTF-8. */
static const char *const texts[SCHED_PANIC_KINDS] = {
    [SCHED_PANIC_YIELD_OUTSIDE] = "sched: yield_now() called outside a fiber (no running fiber)",
    [SCHED_PANIC_SUSPEND_OUTSIDE] = "sched: suspend_self() called outside a fiber (no running fiber)",
    [SCHED_PANIC_SLEEP_OUTSIDE] = "sched: sleep() called outside a fiber (no running fiber)",
    [SCHED_PANIC_SLEEP_NEGATIVE] = "sched: sleep(" NUMBER ") — negative duration would rewind the virtual clock",
    [SCHED_PANIC_SLEEP_OVERFLOW] = "sched: sleep(" NUMBER ") — deadline overflows the virtual clock",
    [SCHED_PANIC_BLOCK_OUTSIDE] = "sched: block_on_fd() called outside a fiber (no running fiber)",
    [SCHED_PANIC_BLOCK_WRITE] = "sched: block_on_fd(want_read=false) — write-readiness not implemented",
    [SCHED_PANIC_BLOCK_SECOND] =
        "sched: block_on_fd: fd " NUMBER " already has a waiter (one waiter per fd in the M:1 model)",
    [SCHED_PANIC_READINESS_OPEN] = "sched: failed to open the event queue",
    /* These two name the system call, so the backend of the build gives them. */
    [SCHED_PANIC_READINESS_ADD] = sched_readiness_add_failed,
    [SCHED_PANIC_READINESS_WAIT] = sched_readiness_wait_failed,
    [SCHED_PANIC_RUN_INSIDE] = "sched: run() called inside a fiber",
    [SCHED_PANIC_DEADLOCK] = "sched: deadlock — " NUMBER " fiber(s) suspended with an empty run queue",
    [SCHED_PANIC_DEINIT_INSIDE] = "sched: deinit() called inside a fiber",
    [SCHED_PANIC_WAIT_SECOND] = "sched: wait() — task already has a waiter (one awaiter per task in the M:1 model)",
    [SCHED_PANIC_NO_MEMORY_FIBER] = "sched: out of memory allocating a Fiber",
    [SCHED_PANIC_NO_MEMORY_TASK] = "sched: out of memory allocating a Task",
    [SCHED_PANIC_NO_MEMORY_STACK] = "sched: mmap failed for a " NUMBER "-byte fiber stack",
    [SCHED_PANIC_NO_GUARD] = "sched: mprotect(PROT_NONE) failed to arm the stack guard page",
    [SCHED_PANIC_NO_MEMORY_TIMER] = "sched: out of memory arming a timer",
    [SCHED_PANIC_NO_MEMORY_WAITER] = "sched: out of memory recording an io waiter",
};

static void (*panic_hook)(const char *message);
static char panic_message[256]; /* the longest text and the longest number take half of it */

void sched_set_panic_hook(void (*hook)(const char *message)) { panic_hook = hook; }

_Noreturn void sched_panic(lockstep_sched *sched, enum sched_panic_kind kind, int64_t number) {
  LOCKSTEP_MUST(sched != NULL && sched->alive, "a panic belongs to a live scheduler: nothing is used after deinit");
  LOCKSTEP_MUST(kind < SCHED_PANIC_KINDS && texts[kind] != NULL, "every panic has a text");

  /* A text without a number ignores the argument, as C allows. */
  snprintf(panic_message, sizeof panic_message, texts[kind], number);

  if (panic_hook != NULL) {
    sched_hook_enter(sched);
    if (sched->current != NULL) SCHED_ANNOTATE_MAY_LEAVE_BY_LONGJMP(sched);
    panic_hook(panic_message);
    abort(); /* the hook returned, and there is nothing to go back to */
  }
  puts(panic_message);
  fflush(stdout);
  abort();
}

_Noreturn void sched_invariant_broken(const char *text) {
  fprintf(stderr, "lockstep runtime: invariant broken: %s\n", text);
  abort();
}
