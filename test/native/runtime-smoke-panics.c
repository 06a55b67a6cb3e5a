/*
 * runtime-smoke-panics.c: every panic of SPEC section 1, by its text.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime-smoke.h"

static lockstep_task *task_a;

/* One body for most panics: does one thing inside a fiber. */
static void (*deed)(void);
static void do_deed(void *arg) {
  (void)arg;
  deed();
}
#define EXPECT_PANIC_IN_FIBER(action, text)  \
  do {                                       \
    begin();                                 \
    deed = (action);                         \
    rt->spawn(s, do_deed, NULL);             \
    EXPECT_PANIC(rt->run(s), text);          \
  } while (0)

static void deed_negative(void) { rt->sleep(s, -5); }
static void deed_most_negative(void) { rt->sleep(s, INT64_MIN); }
static void deed_largest(void) { rt->sleep(s, INT64_MAX); }
static void deed_overflow(void) {
  rt->sleep(s, 1);
  rt->sleep(s, (INT64_C(1) << 53) - 1);
}
static void deed_end_of_time(void) {
  rt->sleep(s, (INT64_C(1) << 53) - 1);
  rt->sleep(s, 0);
  rt->sleep(s, 1);
}
/* The calls that two panics name are the backend's. */
#ifdef SMOKE_KQUEUE
#define REGISTER_CALL "kevent()"
#define WAIT_CALL "kevent() wait"
#else
#define REGISTER_CALL "epoll_ctl()"
#define WAIT_CALL "epoll_wait()"
#endif

static void deed_block_write(void) { rt->block_on_fd(s, -1, false); }
static void deed_block_bad(void) { rt->block_on_fd(s, -7, true); }
static void deed_block(void) { rt->block_on_fd(s, pipes[0][0], true); }
static void deed_suspend(void) { rt->suspend_self(s); }
static void deed_run(void) { rt->run(s); }
static void deed_deinit(void) { rt->deinit(s); }
static void deed_wait_a(void) { wait_and_note(task_a); }
static void on_idle_close(void *context) { close(*(int *)context); }
static void panics_of_misuse(void) {
  begin();
  EXPECT_PANIC(rt->yield_now(s), "sched: yield_now() called outside a fiber (no running fiber)");
  begin();
  EXPECT_PANIC(rt->suspend_self(s), "sched: suspend_self() called outside a fiber (no running fiber)");
  begin();
  EXPECT_PANIC(rt->sleep(s, -1), "sched: sleep() called outside a fiber (no running fiber)");
  begin();
  EXPECT_PANIC(rt->block_on_fd(s, 0, false), "sched: block_on_fd() called outside a fiber (no running fiber)");
  begin();
  task_a = rt->go(s, work_now, NULL);
  EXPECT_PANIC(wait_and_note(task_a), "sched: suspend_self() called outside a fiber (no running fiber)");

  EXPECT_PANIC_IN_FIBER(deed_negative, "sched: sleep(-5) — negative duration would rewind the virtual clock");
  EXPECT_PANIC_IN_FIBER(deed_most_negative,
                        "sched: sleep(-9223372036854775808) — negative duration would rewind the virtual clock");
  EXPECT_PANIC_IN_FIBER(deed_largest, "sched: sleep(9223372036854775807) — deadline overflows the virtual clock");
  EXPECT_PANIC_IN_FIBER(deed_overflow, "sched: sleep(9007199254740991) — deadline overflows the virtual clock");
  EXPECT_PANIC_IN_FIBER(deed_end_of_time, "sched: sleep(1) — deadline overflows the virtual clock");
  EXPECT_PANIC_IN_FIBER(deed_block_write, "sched: block_on_fd(want_read=false) — write-readiness not implemented");
  EXPECT_PANIC_IN_FIBER(deed_block_bad, "sched: " REGISTER_CALL " failed to register fd -7 for read readiness");
  EXPECT_PANIC_IN_FIBER(deed_suspend, "sched: deadlock — 1 fiber(s) suspended with an empty run queue");
  EXPECT_PANIC_IN_FIBER(deed_run, "sched: run() called inside a fiber");
  EXPECT_PANIC_IN_FIBER(deed_deinit, "sched: deinit() called inside a fiber");

  begin(); /* 1819 */
  task_a = rt->go(s, work_sleep, (void *)5);
  deed = deed_wait_a;
  rt->spawn(s, do_deed, NULL);
  rt->spawn(s, do_deed, NULL);
  EXPECT_PANIC(rt->run(s), "sched: wait() — task already has a waiter (one awaiter per task in the M:1 model)");
}
static void panics_of_fds(void) {
  char text[128];
  open_pipes();
  begin();
  deed = deed_block;
  rt->spawn(s, do_deed, NULL);
  rt->spawn(s, do_deed, NULL);
  snprintf(text, sizeof text, "sched: block_on_fd: fd %d already has a waiter (one waiter per fd in the M:1 model)",
           pipes[0][0]);
  EXPECT_PANIC(rt->run(s), text);

  begin(); /* which also frees the fd of the readiness queue before */
  int queue = next_fd(); /* the number that the readiness queue will get */
  rt->set_idle_hook(s, on_idle_close, &queue);
  rt->spawn(s, do_deed, NULL);
  EXPECT_PANIC(rt->run(s), "sched: " WAIT_CALL " failed while blocking on fd readiness");

  begin();
  struct rlimit limit, none;
  getrlimit(RLIMIT_NOFILE, &limit);
  none = limit;
  none.rlim_cur = 0;
  setrlimit(RLIMIT_NOFILE, &none);
  rt->spawn(s, do_deed, NULL);
  EXPECT_PANIC(rt->run(s), "sched: failed to open the event queue");
  setrlimit(RLIMIT_NOFILE, &limit);
  rt->deinit(rt->create());
  close_pipes();
}

/* Without a hook: one line on standard output, then SIGABRT. */
static void panic_without_hook(void) {
  int ends[2], status;
  char text[256] = "";
  assert(pipe(ends) == 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(ends[1], 1);
    rt->set_panic_hook(NULL);
    begin();
    rt->yield_now(s);
    _exit(0);
  }
  close(ends[1]);
  assert(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  assert(read(ends[0], text, sizeof text - 1) > 0);
  close(ends[0]);
  assert(strcmp(text, "sched: yield_now() called outside a fiber (no running fiber)\n") == 0);
}

void test_panics(void) {
  test("misuse panics with its text (F2, F3, T1, C4, I1, R1-R3, C6, K2)", panics_of_misuse);
  test("fd failures panic with their text (I1, I2)", panics_of_fds);
  test("a panic without a hook prints one line and aborts", panic_without_hook);
}
