/*
 * bench-runtime.c: our runtime, through its C ABI; the switch and the timer heap by themselves, through its headers.
 */
#include <stdlib.h>

#include "context.h"
#include "lockstep.h"
#include "runtime-bench.h"
#include "sched.h"
#include "stack_pool.h"
#include "timers.h"

static const lockstep_runtime *runtime;
static lockstep_sched *sched;

static void create(void) {
  runtime = lockstep_runtime_v1();
  sched = runtime->create();
}

static void run_to_the_end(void) {
  runtime->run(sched);
  runtime->deinit(sched);
}

/* The clock between the second pass of all fibers and the one before the last, as the first of them sees it. */
static double start_ns;
static double end_ns;
static size_t passes;

static void note_pass(size_t pass) {
  if (pass == 1) start_ns = bench_now_ns();
  if (pass == passes) end_ns = bench_now_ns();
}

static void *main_sp;
static void *fiber_sp;

/* Never returns: the fiber of the switch is left on its stack. */
static void switch_body(void *arg) {
  (void)arg;
  for (;;) sched_switch(&fiber_sp, main_sp);
}

void bench_runtime_switch(size_t times) {
  void *top;
  if (sched_stack_carve(&top) != SCHED_STACK_OK) abort();
  /* A fresh frame enters by the trampoline, which wants a fiber: one whose body switches back for ever. */
  static lockstep_fiber fiber;
  static lockstep_sched shell;
  fiber = (lockstep_fiber){.sched = &shell, .body = switch_body, .state = SCHED_FIBER_RUNNING};
  shell.current = &fiber;
  struct sched_frame *frame = (struct sched_frame *)top - 1;
  sched_frame_begin(frame, sched_trampoline, &fiber);
  sched_switch(&main_sp, frame);
  for (size_t i = 0; i < times / 10; i++) sched_switch(&main_sp, fiber_sp);
  const double start = bench_now_ns();
  for (size_t i = 0; i < times / 2; i++) sched_switch(&main_sp, fiber_sp);
  bench_report("switch", "lockstep", 1, bench_now_ns() - start, (double)times);
}

static void yield_body(void *arg) {
  const int is_first = arg != NULL;
  for (size_t pass = 0; pass <= passes; pass++) {
    if (is_first) note_pass(pass);
    runtime->yield_now(sched);
  }
}

void bench_runtime_yield(size_t fibers, size_t times) {
  create();
  passes = times / fibers + 1;
  for (size_t i = 0; i < fibers; i++) runtime->spawn(sched, yield_body, i == 0 ? &passes : NULL);
  run_to_the_end();
  bench_report("yield", "lockstep", fibers, end_ns - start_ns, (double)(fibers * (passes - 1)));
}

static void empty_body(void *arg) { (void)arg; }

void bench_runtime_spawn(size_t fibers, size_t times) {
  create();
  double start = 0;
  const size_t rounds = times / fibers;
  for (size_t round = 0; round <= rounds; round++) {
    if (round == 1) start = bench_now_ns(); /* the first fills the pools */
    for (size_t i = 0; i < fibers; i++) runtime->spawn(sched, empty_body, NULL);
    runtime->run(sched);
  }
  const double end = bench_now_ns();
  runtime->deinit(sched);
  bench_report("spawn", "lockstep", fibers, end - start, (double)(rounds * fibers));
}

/* Fires the earliest and arms its fiber again, so that there are always as many; then fires them all. */
void bench_runtime_timers(size_t count, size_t times) {
  struct sched_timers timers = {0};
  uint64_t random = 1;
  for (size_t i = 0; i < count; i++) sched_timers_arm(&timers, (uint32_t)i, (int64_t)(bench_random(&random) % 1000000));
  double start = bench_now_ns();
  for (size_t i = 0; i < times; i++) {
    struct sched_timer timer = sched_timers_take_earliest(&timers);
    sched_timers_arm(&timers, timer.slot, timer.deadline_ms + (int64_t)(bench_random(&random) % 1000000));
  }
  bench_report("timer armed and fired", "lockstep", count, bench_now_ns() - start, (double)times);
  start = bench_now_ns();
  while (timers.count > 0) sched_timers_take_earliest(&timers);
  bench_report("timer fired", "lockstep", count, bench_now_ns() - start, (double)count);
  free(timers.heap);
  free(timers.places);
}

static uint64_t sleep_random;

static void sleep_body(void *arg) {
  const int is_first = arg != NULL;
  for (size_t pass = 0; pass <= passes; pass++) {
    if (is_first) note_pass(pass);
    runtime->sleep(sched, is_first ? 1000000 : (int64_t)(bench_random(&sleep_random) % 2000000));
  }
}

static void first_to_fire(void *arg) {
  (void)arg;
  runtime->sleep(sched, 0);
  start_ns = bench_now_ns();
}

static void fire_body(void *arg) {
  (void)arg;
  runtime->sleep(sched, 1 + (int64_t)(bench_random(&sleep_random) % 1000000));
}

static void last_to_fire(void *arg) {
  (void)arg;
  runtime->sleep(sched, 1000001);
  end_ns = bench_now_ns();
}

/* Each sleeps once: a timer fires, its fiber goes on, ends and is reaped. */
static void fire_all(size_t fibers) {
  create();
  sleep_random = 1;
  runtime->spawn(sched, first_to_fire, NULL);
  for (size_t i = 0; i < fibers; i++) runtime->spawn(sched, fire_body, NULL);
  runtime->spawn(sched, last_to_fire, NULL);
  run_to_the_end();
}

/* Sleepers of 1,000 virtual seconds each in the mean; the first sleeps exactly that long and keeps the time. */
void bench_runtime_sleep(size_t fibers, size_t times) {
  double total_ns = 0;
  const size_t rounds = times / fibers / 10 + 1;
  for (size_t i = 0; i < rounds; i++) {
    fire_all(fibers);
    total_ns += end_ns - start_ns;
  }
  bench_report("timer fired, with its fiber", "lockstep", fibers, total_ns, (double)(rounds * fibers));

  create();
  sleep_random = 1;
  passes = times / fibers + 1;
  for (size_t i = 0; i < fibers; i++) runtime->spawn(sched, sleep_body, i == 0 ? &passes : NULL);
  run_to_the_end();
  bench_report("timer armed and fired, with its fiber", "lockstep", fibers, end_ns - start_ns, (double)(fibers * (passes - 1)));
}
