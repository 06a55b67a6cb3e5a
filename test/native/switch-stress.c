/*
 * switch-stress: the context switch of any runtime, under a million switches that try to catch it losing something (X1).
 *
 *   switch-stress <runtime.so> [switches [seed]]
 *
 * Fibers and tasks call each other 1 to 64 frames deep, each frame full of canaries, and switch at random depths in
 * random ways: yield, sleep, suspend until another wakes them, wait for a task. Before each switch every callee-saved
 * register, integer and the half of each vector register that the ABI keeps, and on x86-64 the rounding modes of SSE
 * and x87, are filled with bits from a random generator; after it they are compared (checked_call.h). On the way back up
 * each canary is. Everything is a function of the seed.
 *
 * Ends with 0 and the number of switches, or with 1 and what was lost, where, in which switch. Uses the C ABI alone;
 * built with the checked_call_*.S of its architecture and -ldl.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/native-bridge/replay/checked_call.h"
#include "../../src/native-bridge/replay/must.h"
#include "lockstep.h"

enum { FIBERS = 48, DEPTH_MAX = 64, CANARIES = 32, ROUNDS_EACH = 64, SLEEP_MS_MAX = 5 };

static const char *const register_names[] = {
    "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29",   "d8",    "d9",   "d10",
    "d11", "d12", "d13", "d14", "d15", "rbx", "rbp", "r12", "r13", "r14", "r15", "mxcsr", "x87cw"};

static const lockstep_runtime *runtime;
static lockstep_sched *sched;
static lockstep_fiber *parked; /* one that has suspended itself, for the next switch to wake */
static uint64_t state;         /* of the generator */
static uint64_t switches, switches_wanted;

/* splitmix64: any state gives a good next one. */
static uint64_t next_random(void) {
  uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

static _Noreturn void lose(const char *what, uint32_t depth) {
  printf("lost %s in switch %" PRIu64 ", %u frames deep, on %s\n", what, switches, depth, runtime->name);
  fflush(stdout);
  _Exit(1);
}

/* Calls a function of the runtime that switches, all registers full. */
static uint64_t checked(void (*function)(void), const void *first, uint64_t second, uint32_t depth) {
  struct lockstep_checked_call call = {
      .function = function,
      .arguments = {(uint64_t)(uintptr_t)first, second, 0},
      .pattern = next_random(),
  };
  const uint32_t lost = lockstep_checked_call(&call);
  switches++;
  for (uint32_t bit = 0; bit < sizeof register_names / sizeof register_names[0]; bit++) {
    if (lost >> bit & 1) lose(register_names[bit], depth);
  }
  return call.result;
}

static int64_t work(void *value) {
  checked((void (*)(void))runtime->yield_now, sched, 0, 0);
  return *(const int64_t *)value;
}

static void wait_for_task(uint32_t depth) {
  int64_t sent = (int64_t)next_random();
  int64_t came = ~sent;
  lockstep_task *task = runtime->go(sched, work, &sent);
  checked((void (*)(void))runtime->wait, task, (uint64_t)(uintptr_t)&came, depth);
  if (came != sent) lose("the value of a task", depth);
}

/* Suspends, unless somebody else has: then wakes that one and yields, so that nobody stays parked but the last. */
static void suspend_or_wake(uint32_t depth) {
  if (parked == NULL) {
    parked = runtime->current(sched);
    checked((void (*)(void))runtime->suspend_self, sched, 0, depth);
    return;
  }
  lockstep_fiber *woken = parked;
  parked = NULL;
  runtime->wake(sched, woken);
  checked((void (*)(void))runtime->yield_now, sched, 0, depth);
}

static void switch_somehow(uint32_t depth) {
  const uint64_t choice = next_random() % 8;
  if (choice == 0)
    wait_for_task(depth);
  else if (choice == 1)
    suspend_or_wake(depth);
  else if (choice < 4)
    checked((void (*)(void))runtime->sleep, sched, next_random() % SLEEP_MS_MAX, depth);
  else
    checked((void (*)(void))runtime->yield_now, sched, 0, depth);
}

/* A frame of canaries, `left` more below it; switches in it with one chance in four, and at the bottom. */
static __attribute__((noinline)) void descend(uint32_t left, uint32_t depth) {
  uint64_t canaries[CANARIES];
  const uint64_t pattern = next_random();
  for (uint32_t i = 0; i < CANARIES; i++) canaries[i] = pattern * (i + 1);
  __asm__ volatile("" : : "r"(canaries) : "memory"); /* they lie in memory, whatever the compiler knows of them */
  if (left == 0 || next_random() % 4 == 0) switch_somehow(depth);
  if (left > 0) descend(left - 1, depth + 1);
  __asm__ volatile("" : : "r"(canaries) : "memory");
  for (uint32_t i = 0; i < CANARIES; i++) {
    if (canaries[i] != pattern * (i + 1)) lose("a canary", depth);
  }
}

static void body(void *argument) {
  (void)argument;
  for (int round = 0; round < ROUNDS_EACH; round++) descend((uint32_t)(next_random() % DEPTH_MAX), 1);
  /* The last one parked must not stay so: that would be a deadlock. */
  if (parked != NULL) runtime->wake(sched, parked);
  parked = NULL;
}

/* A fiber that nobody would wake after the last body has ended. */
static void wake_last(void *argument) {
  int64_t *left = argument;
  while (*left > 0) {
    checked((void (*)(void))runtime->sleep, sched, SLEEP_MS_MAX, 0);
    if (parked != NULL) runtime->wake(sched, parked);
    parked = NULL;
  }
}

static int64_t bodies_left;

static void counted_body(void *argument) {
  body(argument);
  bodies_left--;
}

static const lockstep_runtime *load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "switch-stress: %s\n", dlerror());
    exit(2);
  }
  const lockstep_runtime *(*entry)(void) = NULL;
  *(void **)&entry = dlsym(library, "lockstep_runtime_v1"); /* as POSIX shows it */
  LOCKSTEP_MUST(entry != NULL, "the library exports lockstep_runtime_v1");
  return entry();
}

int main(int argc, char **argv) {
  LOCKSTEP_MUST(argc >= 2 && argc <= 4, "usage: switch-stress <runtime.so> [switches [seed]]");
  runtime = load(argv[1]);
  LOCKSTEP_MUST(runtime != NULL && runtime->abi == LOCKSTEP_RUNTIME_ABI, "the runtime has our ABI");
  switches_wanted = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
  state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
  while (switches < switches_wanted) {
    sched = runtime->create();
    LOCKSTEP_MUST(sched != NULL, "the runtime makes a scheduler");
    bodies_left = FIBERS;
    for (int i = 0; i < FIBERS; i++) runtime->spawn(sched, counted_body, NULL);
    runtime->spawn(sched, wake_last, &bodies_left);
    runtime->run(sched);
    LOCKSTEP_MUST(bodies_left == 0, "every body has ended");
    runtime->deinit(sched);
  }
  printf("%" PRIu64 " switches, nothing lost, on %s\n", switches, runtime->name);
  return 0;
}
