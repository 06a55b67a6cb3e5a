/*
 * LOCKSTEP_MUST(condition, text): an assertion that is always on.
 *
 * Prints "lockstep: <file>:<line>: <text>" to standard error and aborts. `text` says what does not hold, as a literal.
 * State one condition a line. In a worker, what a runtime can bring about fails this way too: the trace shows a crash,
 * and the text is what the worker printed last.
 */
#ifndef LOCKSTEP_MUST_H
#define LOCKSTEP_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define LOCKSTEP_MUST(condition, text) \
  ((condition) ? (void)0 : lockstep_must_fail(__FILE__, __LINE__, (text)))

__attribute__((cold, noinline, unused)) static _Noreturn void lockstep_must_fail(const char *file, int line,
                                                                                 const char *text) {
  dprintf(2, "lockstep: %s:%d: %s\n", file, line, text);
  abort();
}

#endif
