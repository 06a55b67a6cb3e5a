/*
 * runtime-bench: one round of the native runtime's figures and its peers', in one process, so that their ratios are of one run.
 *
 *   runtime-bench [quick]     a line of JSON a figure
 */
#include "runtime-bench.h"

int main(int count, char **arguments) {
  (void)arguments;
  const size_t scale = count > 1 ? 10 : 1;
  bench_runtime_switch(20000000 / scale);
  bench_peers_switch(20000000 / scale);
  for (size_t fibers = 10; fibers <= 100000; fibers *= 100) {
    bench_runtime_yield(fibers, 10000000 / scale);
    bench_peers_yield(fibers, 5000000 / scale);
  }
  bench_runtime_spawn(1, 5000000 / scale);
  bench_runtime_spawn(1000, 5000000 / scale);
  bench_peers_spawn(20000 / scale);
  for (size_t timers = 1000; timers <= 100000; timers *= 100) {
    bench_runtime_timers(timers, 5000000 / scale);
    bench_runtime_sleep(timers, 5000000 / scale);
    bench_peers_timers(timers, timers == 1000 ? 200000 / scale : 2000 / scale);
  }
  return 0;
}
