/*
 * runtime-smoke.h: what the smoke test's files share: the runtime under test, a log, panics by longjmp, pipes.
 *
 * The smoke test holds a runtime to SPEC section 1 over the C ABI alone, without the replayer. Checks are plain
 * asserts. Bodies write to the log, and a test compares it with what it expects.
 */
#ifndef RUNTIME_SMOKE_H
#define RUNTIME_SMOKE_H

#undef NDEBUG
#include <assert.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lockstep.h"

#if defined(__SANITIZE_ADDRESS__)
enum { under_asan = 1 };
#else
enum { under_asan = 0 };
#endif

extern const lockstep_runtime *rt;
extern lockstep_sched *s; /* the scheduler of the test that runs */

void begin(void);          /* a fresh scheduler in s */
void run_and_deinit(void); /* runs s to its end, with nothing left suspended */
int next_fd(void);         /* the number that the next fd will get: equal numbers before and after mean no leak */

extern int64_t log_values[4096];
extern int log_count;
void note(int64_t value);

#define EXPECT_LOG(...)                                                          \
  do {                                                                           \
    const int64_t expected[] = {__VA_ARGS__};                                    \
    assert(log_count == (int)(sizeof expected / sizeof *expected));              \
    assert(memcmp(log_values, expected, sizeof expected) == 0);                  \
    log_count = 0;                                                               \
  } while (0)

/* Panics leave the runtime by longjmp, as the replayer does. One that nobody expects ends the test. */
extern jmp_buf panic_landing;
extern bool panic_expected;
extern char panic_text[256];

#define EXPECT_PANIC(statement, text)                             \
  do {                                                            \
    panic_expected = true;                                        \
    if (setjmp(panic_landing) == 0) {                             \
      statement;                                                  \
      assert(!"no panic");                                        \
    }                                                             \
    panic_expected = false;                                       \
    if (strcmp(panic_text, (text)) != 0) {                        \
      fprintf(stderr, "expected: %s\n     got: %s\n", (text), panic_text); \
      assert(!"another panic");                                   \
    }                                                             \
  } while (0)

/* Bodies that more than one file uses. */
void body_three_rounds(void *arg); /* notes its arg and yields, three times */
void body_suspend(void *arg);      /* notes its arg, suspends, notes its arg + 1 */
void body_note(void *arg);
void body_read(void *arg);     /* blocks on pipe number arg, notes the number and the count read */
int64_t work_now(void *arg);   /* returns its arg */
int64_t work_sleep(void *arg); /* arg 1000 * a + b: sleeps b, notes a, returns b */
void wait_and_note(lockstep_task *task);

enum { many_pipes = 40 };
extern int pipes[many_pipes][2];
void open_pipes(void);
void close_pipes(void);
void write_pipe(int i);           /* one byte */
void on_idle_write(void *number); /* an idle hook: notes 100, writes to that pipe */

/* The tests, by file. */
void test_panics(void);
void test_limits(int scale);
void test(const char *name, void (*function)(void));

#endif
