/*
 * bench-peers.c: the same with what people would use instead: Boost.Context (with -DBENCH_BOOST), glibc's swapcontext, a fiber
 * that is mapped and unmapped (the seed's way), and a list of timers that is searched to its end (the seed's way).
 *
 * The contexts of a peer go round in a ring, each straight to the next: what a scheduler would take on top is not counted.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "context.h"
#include "runtime-bench.h"
#include "sched.h"

enum { STACK_BYTES = 16384, GUARD_BYTES = 16384, FIBER_BYTES = 131072 };

static size_t ring;   /* contexts in it */
static size_t at;     /* the one that runs */
static size_t passes; /* of the ring that are left */

/* One mapping for all, as our own pool has it, without guards. */
static char *map_stacks(size_t count) {
  char *stacks = mmap(NULL, count * STACK_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stacks == MAP_FAILED) abort();
  return stacks;
}

#ifdef BENCH_BOOST
/* Boost.Context's own ABI, as boost/context/detail/fcontext.hpp declares it for C++. */
struct transfer {
  void *from;
  void *data;
};
extern struct transfer jump_fcontext(void *to, void *data);
extern void *make_fcontext(void *top, size_t bytes, void (*body)(struct transfer));

static void **boost_ring;
static void *boost_main;

static void boost_pair_body(struct transfer transfer) {
  for (;;) transfer = jump_fcontext(transfer.from, NULL);
}

/* Each keeps where the one before it stands, and goes to the next. */
static void boost_ring_body(struct transfer transfer) {
  for (;;) {
    if (at == 0) {
      if (transfer.data != NULL) boost_main = transfer.from;
      else boost_ring[ring - 1] = transfer.from;
      if (passes-- == 0) transfer = jump_fcontext(boost_main, NULL);
    } else {
      boost_ring[at - 1] = transfer.from;
    }
    at = at + 1 == ring ? 0 : at + 1;
    transfer = jump_fcontext(boost_ring[at], NULL);
  }
}

static void boost_switch(size_t times) {
  char *stack = map_stacks(1);
  struct transfer transfer = {make_fcontext(stack + STACK_BYTES, STACK_BYTES, boost_pair_body), NULL};
  for (size_t i = 0; i < times / 10; i++) transfer = jump_fcontext(transfer.from, NULL);
  const double start = bench_now_ns();
  for (size_t i = 0; i < times / 2; i++) transfer = jump_fcontext(transfer.from, NULL);
  bench_report("switch", "Boost.Context", 1, bench_now_ns() - start, (double)times);
  munmap(stack, STACK_BYTES);
}

static void boost_yield(size_t count, size_t times) {
  char *stacks = map_stacks(count);
  ring = count;
  boost_ring = calloc(count, sizeof *boost_ring);
  for (size_t i = 0; i < count; i++)
    boost_ring[i] = make_fcontext(stacks + (i + 1) * STACK_BYTES, STACK_BYTES, boost_ring_body);
  at = 0;
  passes = 1;
  struct transfer transfer = jump_fcontext(boost_ring[0], &ring);
  passes = times / count;
  const double turns = (double)(passes + 1) * (double)count;
  const double start = bench_now_ns();
  jump_fcontext(transfer.from, &ring);
  bench_report("yield", "Boost.Context", count, bench_now_ns() - start, turns);
  free(boost_ring);
  munmap(stacks, count * STACK_BYTES);
}
#endif

static ucontext_t *contexts;
static ucontext_t main_context;

static void swap_pair_body(void) {
  for (;;) swapcontext(&contexts[0], &main_context);
}

static void swap_ring_body(void) {
  for (;;) {
    if (at == 0 && passes-- == 0) swapcontext(&contexts[0], &main_context);
    const size_t self = at;
    at = at + 1 == ring ? 0 : at + 1;
    swapcontext(&contexts[self], &contexts[at]);
  }
}

static char *make_contexts(size_t count, void (*body)(void)) {
  char *stacks = map_stacks(count);
  contexts = calloc(count, sizeof *contexts);
  for (size_t i = 0; i < count; i++) {
    getcontext(&contexts[i]);
    contexts[i].uc_stack.ss_sp = stacks + i * STACK_BYTES;
    contexts[i].uc_stack.ss_size = STACK_BYTES;
    makecontext(&contexts[i], body, 0);
  }
  return stacks;
}

static void free_contexts(char *stacks, size_t count) {
  free(contexts);
  munmap(stacks, count * STACK_BYTES);
}

static void swap_switch(size_t times) {
  char *stacks = make_contexts(1, swap_pair_body);
  const double start = bench_now_ns();
  for (size_t i = 0; i < times / 2; i++) swapcontext(&main_context, &contexts[0]);
  bench_report("switch", "swapcontext", 1, bench_now_ns() - start, (double)times);
  free_contexts(stacks, 1);
}

static void swap_yield(size_t count, size_t times) {
  char *stacks = make_contexts(count, swap_ring_body);
  ring = count;
  at = 0;
  passes = 1;
  swapcontext(&main_context, &contexts[0]);
  passes = times / count;
  const double turns = (double)(passes + 1) * (double)count;
  const double start = bench_now_ns();
  swapcontext(&main_context, &contexts[0]);
  bench_report("yield", "swapcontext", count, bench_now_ns() - start, turns);
  free_contexts(stacks, count);
}

void bench_peers_switch(size_t times) {
#ifdef BENCH_BOOST
  boost_switch(times);
#endif
  swap_switch(times / 10);
}

void bench_peers_yield(size_t fibers, size_t times) {
#ifdef BENCH_BOOST
  boost_yield(fibers, times);
#endif
  swap_yield(fibers, times / 10);
}

static ucontext_t mapped;

static void mapped_body(void) {}

/* A mapping a fiber, its guard armed, unmapped when it is done: the seed's way, with the context of the C library. */
void bench_peers_spawn(size_t times) {
  const size_t bytes = GUARD_BYTES + FIBER_BYTES;
  const double start = bench_now_ns();
  for (size_t i = 0; i < times; i++) {
    char *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED || mprotect(stack, GUARD_BYTES, PROT_NONE) != 0) abort();
    getcontext(&mapped);
    mapped.uc_stack.ss_sp = stack + GUARD_BYTES;
    mapped.uc_stack.ss_size = FIBER_BYTES;
    mapped.uc_link = &main_context;
    makecontext(&mapped, mapped_body, 0);
    swapcontext(&main_context, &mapped);
    munmap(stack, bytes);
  }
  bench_report("spawn", "mmap a fiber", 1, bench_now_ns() - start, (double)times);
}

struct listed_timer {
  int64_t deadline_ms;
  void *fiber;
};

void bench_peers_timers(size_t count, size_t times) {
  struct listed_timer *list = calloc(count, sizeof *list);
  uint64_t random = 1;
  for (size_t i = 0; i < count; i++) list[i].deadline_ms = (int64_t)(bench_random(&random) % 1000000);
  const double start = bench_now_ns();
  for (size_t i = 0; i < times; i++) {
    size_t earliest = 0;
    for (size_t j = 1; j < count; j++) {
      if (list[j].deadline_ms < list[earliest].deadline_ms) earliest = j;
    }
    /* The list keeps the order of arming, so what stands behind moves up and the new one comes last. */
    const int64_t deadline_ms = list[earliest].deadline_ms + (int64_t)(bench_random(&random) % 1000000);
    for (size_t j = earliest; j + 1 < count; j++) list[j] = list[j + 1];
    list[count - 1].deadline_ms = deadline_ms;
  }
  bench_report("timer armed and fired", "linear scan", count, bench_now_ns() - start, (double)times);
  free(list);
}
