/*
 * runtime-smoke-limits.c: stacks and their guards, registers, memory, and what large or abandoned programs leave.
 */
#include <execinfo.h>
#include <fenv.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime-smoke-registers.h"
#include "runtime-smoke.h"

/* F1: an overflow hits the guard. */
static int scale;
static volatile char sink;
static void recurse(int depth) {
  char frame[1024];
  memset(frame, depth, sizeof frame);
  sink = frame[depth & 1023];
  if (depth < 1 << 20) recurse(depth + 1);
  sink = frame[0];
}
static void body_recurse(void *arg) { recurse((int)(intptr_t)arg); }
static void body_deep_enough(void *arg) { recurse((1 << 20) - (int)(intptr_t)arg); }
static uintptr_t overflow_lowest, overflow_highest;
static void on_overflow(int signal_number, siginfo_t *info, void *context) {
  (void)signal_number;
  (void)context;
  uintptr_t address = (uintptr_t)info->si_addr;
  _exit(address >= overflow_lowest && address < overflow_highest ? 42 : 43);
}
static void body_overflow(void *arg) {
  overflow_highest = (uintptr_t)__builtin_frame_address(0) - 131072 + 4096;
  overflow_lowest = overflow_highest - 4096 - 16384;
  body_recurse(arg);
}
static void stack_guard(void) {
  begin(); /* 110 KiB of frames fit into 128 KiB */
  if (!under_asan) rt->spawn(s, body_deep_enough, (void *)100);
  run_and_deinit();
  if (under_asan) return; /* it reports the overflow itself, and its frames are larger */
  int status;
  pid_t child = fork();
  if (child == 0) {
    static char alternate[65536];
    sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, NULL);
    struct sigaction action = {.sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    begin();
    rt->spawn(s, body_overflow, NULL);
    rt->run(s);
    _exit(1);
  }
  assert(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

/* Unwinding out of a fiber ends at the trampoline. */
static void body_backtrace(void *arg) {
  void *frames[64];
  (void)arg;
  rt->yield_now(s);
  int depth = backtrace(frames, 64);
  /* This body, sched_dispatch, sched_trampoline; AddressSanitizer puts its own backtrace() in front. */
  assert(depth == 3 + under_asan);
}
static void unwinding(void) {
  begin();
  rt->spawn(s, body_backtrace, NULL);
  run_and_deinit();
}

/* X1: every callee-saved register survives, in a million switches of eleven fibers. */
enum { register_fibers = 11, register_yields = 100000 };
static int yields_each;
static void call_yield(void *arg) { rt->yield_now(arg); }
static void body_registers(void *arg) {
  uint64_t before[SMOKE_REGISTERS], after[SMOKE_REGISTERS];
  assert(smoke_control_is_fresh());
  for (int i = 0; i < yields_each; i++) {
    smoke_fill_registers(before, (uint64_t)(intptr_t)arg * 1000003u + (uint64_t)i);
    smoke_registers_round(call_yield, s, before, after);
    for (int r = 0; r < SMOKE_REGISTERS; r++) {
      if (before[r] == after[r]) continue;
      fprintf(stderr, "fiber %d: %s was %" PRIx64 ", is %" PRIx64 "\n", (int)(intptr_t)arg, smoke_register_names[r], before[r],
             after[r]);
      assert(!"a callee-saved register was lost");
    }
  }
}
static void registers(void) {
  begin();
  fesetround(FE_UPWARD);
  for (intptr_t i = 0; i < register_fibers; i++) rt->spawn(s, body_registers, (void *)(i + 1));
  run_and_deinit();
  assert(fegetround() == FE_UPWARD); /* the run loop's caller gets its own back */
  fesetround(FE_TONEAREST);
}

/* M1: 100,000 live fibers, or M1's panic where guards are mappings. */
static int live_count;
static void body_live(void *arg) {
  (void)arg;
  live_count++;
  rt->suspend_self(s);
  live_count--;
}
static lockstep_fiber *live[100000];
static volatile int live_spawned;
static const char *deadlock_text(int count) {
  static char text[128];
  snprintf(text, sizeof text, "sched: deadlock — %d fiber(s) suspended with an empty run queue", count);
  return text;
}
static void body_wake_live(void *arg) {
  (void)arg;
  assert(live_count == live_spawned);
  for (int i = 0; i < live_spawned; i++) rt->wake(s, live[i]);
}
static void many_fibers(int count) {
  begin();
  live_count = 0;
  live_spawned = 0;
  panic_expected = true;
  if (setjmp(panic_landing) == 0) {
    for (; live_spawned < count; live_spawned++) live[live_spawned] = rt->spawn(s, body_live, NULL);
  } else {
    assert(strcmp(panic_text, "sched: mprotect(PROT_NONE) failed to arm the stack guard page") == 0);
    assert(live_spawned > 30000);
    printf("  %d fibers, then: %s\n", live_spawned, panic_text);
    begin(); /* the stacks that there are serve the next program */
    for (int i = 0; i < live_spawned; i++) live[i] = rt->spawn(s, body_live, NULL);
  }
  panic_expected = false;
  EXPECT_PANIC(rt->run(s), deadlock_text(live_spawned));
  assert(live_count == live_spawned);

  begin(); /* and once more to the end */
  live_count = 0;
  for (int i = 0; i < live_spawned - 1; i++) live[i] = rt->spawn(s, body_live, NULL);
  live_spawned--;
  rt->spawn(s, body_wake_live, NULL);
  run_and_deinit();
  assert(live_count == 0);
}

/* C7: 131,072 usable bytes and a guard of 16,384, rounded up to the page size: M1's panic names their sum. */
static const char *no_stack_text(void) {
  static char text[64];
  long page = sysconf(_SC_PAGESIZE);
  long guard = (16384 + page - 1) / page * page;
  snprintf(text, sizeof text, "sched: mmap failed for a %ld-byte fiber stack", guard + 131072);
  return text;
}

/* M1: out of address space. Chunks fail first, single stacks then; the panic names guard + usable bytes. */
static void out_of_memory(void) {
  if (under_asan || getenv("SMOKE_SKIP_RLIMIT_AS") != NULL) return;
  int status;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    setrlimit(RLIMIT_AS, &(struct rlimit){256u << 20, 256u << 20});
    int64_t heap_before = 0;
    for (int i = 0; i < 500; i++) {
      begin();
      EXPECT_PANIC(for (;;) rt->spawn(s, body_live, NULL), no_stack_text());
      if (i == 0) heap_before = (int64_t)mallinfo2().uordblks;
    }
    assert((int64_t)mallinfo2().uordblks - heap_before < 16384);
    begin(); /* everything was reclaimed, so programs go on */
    for (int i = 0; i < 100; i++) rt->spawn(s, body_three_rounds, NULL);
    rt->run(s);
    _exit(0);
  }
  assert(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Programs abandoned in a hook leak nothing: fibers, tasks, timers, fds. */
static void body_mess(void *arg) {
  rt->go(s, work_sleep, (void *)50);
  rt->yield_now(s);
  if (arg != NULL) rt->block_on_fd(s, pipes[0][0], true);
  rt->sleep(s, 100);
  rt->sleep(s, -1);
}
static int64_t mapped_pages(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert(file != NULL && fscanf(file, "%ld", &pages) == 1);
  fclose(file);
  return pages;
}
static void on_idle_leave(void *context) {
  (void)context;
  longjmp(panic_landing, 1);
}
static void one_cycle(int i) {
  begin();
  rt->set_idle_hook(s, on_idle_leave, NULL);
  rt->spawn(s, body_mess, i % 16 == 0 ? s : NULL);
  rt->spawn(s, body_suspend, NULL);
  if (i % 64 == 1) rt->spawn(s, body_read, (void *)1);
  panic_expected = true;
  if (setjmp(panic_landing) == 0) {
    if (i % 3 == 0) {
      rt->deinit(s);
    } else {
      rt->run(s);
    }
  }
  panic_expected = false;
  log_count = 0;
}
static void cycles(int count) {
  open_pipes();
  int fd_before = next_fd();
  for (int i = 0; i < count / 10; i++) one_cycle(i);
  int64_t heap_before = (int64_t)mallinfo2().uordblks;
  int64_t pages_before = mapped_pages();
  for (int i = 0; i < count; i++) one_cycle(i);
  rt->deinit(rt->create());
  assert((int64_t)mallinfo2().uordblks - heap_before <= 65536);
  assert(mapped_pages() - pages_before <= 1024);
  assert(next_fd() == fd_before);
  close_pipes();
}

static void many_fibers_scaled(void) { many_fibers(100000 / scale); }
static void cycles_scaled(void) { cycles(300000 / scale); }

void test_limits(int divisor) {
  scale = divisor;
  yields_each = register_yields / scale;
  test("a stack is 128 KiB over a guard (F1)", stack_guard);
  test("unwinding out of a fiber ends", unwinding);
  test("callee-saved registers survive a million switches (X1, C1)", registers);
  test("out of address space (M1)", out_of_memory);
  test("100,000 fibers live at once (F1, M1)", many_fibers_scaled);
  test("abandoned programs leak nothing", cycles_scaled);
}
