/*
 * LOCKSTEP_MUST(condition, text): an assertion that is always on.
 *
 * Prints "lockstep: <file>:<line>: <text>" to standard error and aborts. `text` says what does not hold, as a literal.
 * State one condition a line. A program that wants to know of the failure before the abort defines
 * LOCKSTEP_MUST_NOTE(text) ahead of this header, as worker_state.h does.
 */
#ifndef LOCKSTEP_MUST_H
#define LOCKSTEP_MUST_H

#include <stdio.h>
#include <stdlib.h>

#ifndef LOCKSTEP_MUST_NOTE
#define LOCKSTEP_MUST_NOTE(text) ((void)0)
#endif

#define LOCKSTEP_MUST(condition, text) \
  ((condition) ? (void)0 : (LOCKSTEP_MUST_NOTE(text), lockstep_must_fail(__FILE__, __LINE__, (text))))

__attribute__((cold, noinline, unused)) static _Noreturn void lockstep_must_fail(const char *file, int line,
                                                                                 const char *text) {
  dprintf(2, "lockstep: %s:%d: %s\n", file, line, text);
  abort();
}

#endif
