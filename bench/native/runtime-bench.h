/*
 * runtime-bench.h: what the parts of runtime-bench share: a clock, random numbers, and one line of output a figure.
 */
#ifndef RUNTIME_BENCH_H
#define RUNTIME_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* Of the processor: what else the machine does adds nothing to it, but for the caches. */
static inline double bench_now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

/* xorshift64*: the same numbers in every round. */
static inline uint64_t bench_random(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* One figure: what, by whom, among how many, nanoseconds each. bench/runtime.bench.mjs reads these lines. */
static inline void bench_report(const char *what, const char *who, size_t count, double total_ns, double times) {
  printf("{\"what\":\"%s\",\"who\":\"%s\",\"count\":%zu,\"ns\":%.3f}\n", what, who, count, total_ns / times);
  fflush(stdout);
}

/* Our runtime: bench-runtime.c */
void bench_runtime_switch(size_t times);
void bench_runtime_yield(size_t fibers, size_t times);
void bench_runtime_spawn(size_t fibers, size_t times);
void bench_runtime_timers(size_t timers, size_t times);
void bench_runtime_sleep(size_t fibers, size_t times);

/* What people would use instead, and the seed's ways: bench-peers.c */
void bench_peers_switch(size_t times);
void bench_peers_yield(size_t fibers, size_t times);
void bench_peers_spawn(size_t times);
void bench_peers_timers(size_t timers, size_t times);

#endif
